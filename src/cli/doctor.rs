//! `doctor`: checks the assumptions about the service.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::arguments::Doctor;
use super::confirm::{TRIAL, ask};
use super::interrupt::{self, AbortMessage};
use super::options::Common;
use super::output::Output;
use super::{client, runtime, settings};
use crate::exit::Exit;
use crate::graph::client::Client;
use crate::graph::record::Recorder;
use crate::render::clean::clean;
use crate::render::doctor;
use crate::render::json::Json;
use crate::run::Failure;
use crate::run::apply::ApplyRun;
use crate::run::connect::ServiceSettings;
use crate::run::doctor::{self as examination, Examined, check_record, shared, verdict};
use crate::run::write_test::{self, WriteTestRequest};
use crate::text::shell_word;

pub(super) fn run(command: &Doctor, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let share = command.share.as_deref();
    let inputs = settings::inputs(&[], common, Some(&config));
    let report = command.report.as_deref();
    output.keep_inputs(&[("--share", share), ("--report", report)], &inputs)?;
    if let Some(path) = share {
        check_record("--share", path)?;
    }
    let mut service = settings::service(&common.service, &config)?;
    service.login.writes = command.try_writes.is_some();
    let recorder = Arc::clone(service.recorder.get_or_insert_default());
    recorder.keep();
    let mut tried = Ok(Exit::Success);
    let examined = runtime()?.block_on(async {
        let last_words = AbortMessage::default();
        let stop = interrupt::watch_with(Some(&output.progress), last_words.clone());
        let client = client(&service, output, &stop)?;
        let mut examined = examination::doctor(&client, &recorder, &command.kind, &stop).await?;
        if let Some(policy) = &command.try_writes {
            let write_test = WriteTestRun {
                command,
                policy,
                service: &service,
                recorder: &recorder,
                output,
                last_words: &last_words,
            };
            tried = write_test.go(&client, &mut examined, &stop).await;
        }
        Ok::<_, Failure>(examined)
    })?;
    if let Some(path) = share {
        let text = Json::new(shared(&examined, &recorder)).text();
        output.save(path, &text)?;
    }
    let diagnosis = &examined.diagnosis;
    output.print_report(
        || doctor::text(diagnosis),
        |_| doctor::markdown(diagnosis),
        &Json::new(doctor::record(diagnosis)),
    )?;
    match tried {
        Ok(Exit::Success) => verdict(diagnosis),
        other => other,
    }
}

/// Trying to write.
struct WriteTestRun<'a> {
    command: &'a Doctor,
    policy: &'a str,
    service: &'a ServiceSettings,
    recorder: &'a Recorder,
    output: &'a Output,
    last_words: &'a AbortMessage,
}

impl WriteTestRun<'_> {
    async fn go(
        &self,
        client: &Arc<Client>,
        examined: &mut Examined,
        stop: &CancellationToken,
    ) -> Result<Exit, Failure> {
        let request = WriteTestRequest {
            policy: self.policy,
            kinds: &self.command.kind,
            group: self.command.group.as_deref(),
            several: self.command.several,
            tenant_id: self.service.tenant_id.as_deref(),
        };
        let write_test = write_test::prepare(client, &request, stop).await?;
        examined.exchanges.extend(self.recorder.take());
        self.output.note(&clean_lines(&write_test.describe()));
        if !self.command.yes {
            ask(self.output, stop, TRIAL).await?;
        }
        let mut run = ApplyRun::new(self.command.report.as_deref(), None)?;
        run.connected(client);
        let mut tried = None;
        let mut ended = write_test.begin(&mut run, self.service).await;
        if ended.is_ok() {
            let report = clean(&run.path().display().to_string()).into_owned();
            self.last_words.set(Some(format!(
                "error: the policy is not restored: {}\nhint: `assignctl rollback {}` restores it\n",
                clean(&write_test.left_behind()),
                shell_word(&report)
            )));
            let kept = (self.recorder, &mut *examined);
            let progress = &self.output.progress;
            let went = write_test.go((&mut run, client), self.service, kept, progress, stop);
            match went.await {
                Ok(done) => tried = Some(done),
                Err(failure) => ended = Err(failure),
            }
        }
        let exit = match (&ended, &tried) {
            (Err(failure), _) => failure.exit,
            (Ok(()), tried) => tried.as_ref().map_or(Exit::Success, |tried| tried.exit),
        };
        let path: Option<PathBuf> = run.finish(exit)?.map(Path::to_owned);
        let path = path.map(|path| clean(&path.display().to_string()).into_owned());
        if let Some(path) = &path {
            self.output.info(&format!("report: {path}\n"));
        }
        ended?;
        let Some(tried) = tried else {
            return Ok(exit);
        };
        examined.diagnosis.learn(tried.findings);
        if tried.restored {
            self.last_words.set(None);
            self.output.info("the policy is as it was\n");
            return Ok(exit);
        }
        let report = path.unwrap_or_default();
        Err(
            Failure::new(exit, "the policy is not as it was before the trial").hint(format!(
                "`assignctl rollback {}` restores it",
                shell_word(&report)
            )),
        )
    }
}

/// Cleans what names from the service stand in, line by line.
fn clean_lines(text: &str) -> String {
    text.lines()
        .map(|line| format!("{}\n", clean(line)))
        .collect()
}
