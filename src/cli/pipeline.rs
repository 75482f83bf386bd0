//! `--ci`: what the platform of a pipeline says before a command runs, and what it is given after.
//!
//! Before: the guards that the change's people have accepted, and with `apply --reviewed` the digest that
//! they saw. After: summary, annotations, and the comment or the issue. What goes wrong there fails a
//! `plan` and a `drift`, whose results would not be seen; the exit code of an `apply` says how the tenant
//! was left, whoever reads it.

use std::io::Write as _;

use super::arguments::{Command, Drift, Tenants, TenantsCommand};
use super::options::{Format, PipelineName};
use super::output::{Output, Recorded};
use super::runtime;
use super::settings::variable;
use super::values::guard_name;
use crate::ci::{ApplyResult, CiError, Kept, Pipeline, Platform, SummaryFile};
use crate::exit::Exit;
use crate::files;
use crate::manifest::Glob;
use crate::plan::guards::GuardName;
use crate::plan::saved::sha256;
use crate::render::clean::clean;
use crate::render::markdown::{code, marker};
use crate::run::Failure;
use crate::run::tenants::{Shard, merged_command};

/// A run in a pipeline.
pub(super) struct Run {
    pipeline: Pipeline,
    task: Task,
    /// The change that gets the result as a comment.
    number: Option<u64>,
    /// Distinguishes the issue of a partial `drift` from that of a full one.
    view: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Task {
    Plan,
    Apply,
    Drift,
}

impl Task {
    fn name(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Apply => "apply",
            Self::Drift => "drift",
        }
    }
}

/// Opens the pipeline that a command names; `None` if it names none.
pub(super) fn open(command: &Command, output: &Output) -> Result<Option<Run>, Failure> {
    let (task, named) = match command {
        Command::Plan(plan) => (Some(Task::Plan), plan.options.ci.ci),
        Command::Apply(apply) => (Some(Task::Apply), apply.options.ci.ci),
        Command::Drift(drift) => (Some(Task::Drift), drift.options.ci.ci),
        Command::Tenants(Tenants {
            command: TenantsCommand::Merge(merge),
        }) if merge.ci.ci.is_some() => {
            let task = merged_command(&merge.folder).map(|command| match command {
                "plan" => Task::Plan,
                "drift" => Task::Drift,
                _ => Task::Apply,
            });
            (task, merge.ci.ci)
        }
        _ => return Ok(None),
    };
    let Some(named) = named else { return Ok(None) };
    let platform = match named {
        PipelineName::Github => Platform::GitHub,
        PipelineName::AzureDevops => Platform::AzureDevOps,
        PipelineName::Gitlab => Platform::GitLab,
        PipelineName::Auto => detected(output)?,
    };
    let pipeline = Pipeline::open(platform, &variable)?;
    // No shard has left a result that names its command: of a proposed change it is a plan. Otherwise nothing is
    // known, and what other runs have said stays as it is.
    let unknown = || match pipeline.proposal() {
        Some(_) => Task::Plan,
        None => Task::Drift,
    };
    Ok(Some(Run {
        task: task.unwrap_or_else(unknown),
        pipeline,
        number: None,
        view: match command {
            Command::Drift(drift) => view(drift),
            _ => None,
        },
    }))
}

/// Returns the platform whose variables are set; the first of several, and says so.
fn detected(output: &Output) -> Result<Platform, Failure> {
    let found = Platform::detect(&variable);
    let Some(platform) = found.first() else {
        return Err(
            Failure::usage("no pipeline that `--ci auto` knows runs this program")
                .hint("name it: `--ci github`, `--ci azure-devops` or `--ci gitlab`"),
        );
    };
    if found.len() > 1 {
        let titles: Vec<&str> = found.iter().map(|platform| platform.title()).collect();
        output.note(&format!(
            "`--ci auto` uses {}: the variables of {} are set; name another with `--ci`\n",
            platform.title(),
            titles.join(" and ")
        ));
    }
    Ok(*platform)
}

/// Names what a `drift` looks at; `None` if that is everything.
fn view(drift: &Drift) -> Option<String> {
    let selection = drift.options.selecting.selection();
    let tenants = drift.options.tenants.asked();
    if !selection.is_partial() && tenants.named.is_empty() && tenants.shard.is_none() {
        return None;
    }
    let globs = |globs: &[Glob]| globs.iter().map(|glob| glob.as_str().to_owned()).collect();
    let kinds = selection.kinds.iter().map(|kind| kind.name().to_owned());
    let shard = tenants
        .shard
        .map(|Shard { index, of }| format!("{index}/{of}"));
    let mut parts: [Vec<String>; 5] = [
        globs(&selection.only),
        globs(&selection.exclude),
        kinds.collect(),
        tenants.named,
        shard.into_iter().collect(),
    ];
    parts.iter_mut().for_each(|part| part.sort_unstable());
    Some(sha256(&parts)["sha256:".len()..][..8].to_owned())
}

impl Run {
    pub(super) fn platform(&self) -> Platform {
        self.pipeline.platform()
    }

    /// Lets the command take over what the platform says.
    pub(super) fn prepare(
        &mut self,
        command: &mut Command,
        output: &Output,
    ) -> Result<(), Failure> {
        runtime()?.block_on(async {
            match command {
                Command::Plan(plan) => {
                    let Some(proposal) = self.pipeline.proposal() else {
                        return Ok(());
                    };
                    match proposal.unwritable {
                        None => self.number = Some(proposal.number),
                        Some(why) => output.note(&format!(
                            "no comment on {} {}: {}\n",
                            self.platform().request(),
                            proposal.number,
                            why.reason()
                        )),
                    }
                    if self.pipeline.can_ask() {
                        let accepted = self.accepted(proposal.number, output).await?;
                        plan.options.guards.allow.extend(accepted);
                    }
                    Ok(())
                }
                Command::Apply(apply) => {
                    self.number = self.pipeline.merged().await?;
                    // One that was named was reviewed elsewhere.
                    if apply.reviewed && apply.expect_digest.is_none() {
                        apply.expect_digest = Some(self.reviewed().await?);
                    }
                    if let Some(number) = self.number {
                        let accepted = self.accepted(number, output).await?;
                        apply.options.guards.allow.extend(accepted);
                    }
                    Ok(())
                }
                Command::Tenants(Tenants {
                    command: TenantsCommand::Merge(merge),
                }) if merge.reviewed => {
                    self.number = self.pipeline.merged().await?;
                    if merge.expect_digest.is_none() {
                        merge.expect_digest = Some(self.reviewed().await?);
                    }
                    // The comment with the plan stays as it was reviewed.
                    self.number = self.number.filter(|_| self.task == Task::Apply);
                    Ok(())
                }
                Command::Tenants(_) if self.task == Task::Plan => {
                    let proposal = self.pipeline.proposal();
                    let writable = proposal.filter(|proposal| proposal.unwritable.is_none());
                    self.number = writable.map(|proposal| proposal.number);
                    Ok(())
                }
                Command::Tenants(_) if self.task == Task::Apply => {
                    self.number = self.pipeline.merged().await?;
                    Ok(())
                }
                _ => Ok(()),
            }
        })
    }

    /// Returns the guards that a label or trailer of a change accepts.
    async fn accepted(&self, number: u64, output: &Output) -> Result<Vec<GuardName>, Failure> {
        let request = self.platform().request();
        let change = self.pipeline.change(number).await?;
        if !change.disregarded().is_empty() {
            output.note(&format!(
                "{request} {number} comes from a fork: its trailer `assignctl-allow` does not count, a label does\n"
            ));
        }
        let mut accepted = Vec::new();
        for word in change.allowed() {
            let guard = guard_name(&word).map_err(|error| {
                Failure::new(
                    Exit::Failure,
                    format!(
                        "{request} {number} accepts the guard `{}`: {error}",
                        clean(&word)
                    ),
                )
                .hint("correct its label or trailer `assignctl-allow:`")
            })?;
            accepted.push(guard);
        }
        Ok(accepted)
    }

    /// Returns the digest that was reviewed.
    async fn reviewed(&self) -> Result<String, Failure> {
        let request = self.platform().request();
        let none = |what: String| {
            Failure::new(Exit::Failure, what).hint(
                "nothing was written; plan, have someone review it, and set its digest in `ASSIGNCTL_EXPECT_DIGEST`",
            )
        };
        let Some(number) = self.number else {
            return Err(none(format!(
                "no plan of this commit was reviewed: no {request} that was merged into this branch contains it"
            )));
        };
        let digest = self.pipeline.reviewed(number, &marker("plan")).await?;
        digest.ok_or_else(|| {
            none(format!(
                "no plan of this commit was reviewed: {request} {number} has no comment by this pipeline that contains a plan"
            ))
        })
    }

    /// Gives the platform the result. Returns how the process ends.
    pub(super) fn deliver(&self, exit: Exit, output: &Output) -> Exit {
        let Some(recorded) = output.recorded.take() else {
            return exit;
        };
        let summary = self.summarize(&recorded, output);
        let annotations = recorded.annotations.as_deref();
        if let Some(annotations) = annotations.filter(|_| output.format != Format::Github) {
            output.note(annotations);
        }
        let kept =
            runtime().and_then(|runtime| runtime.block_on(self.keep(&recorded, exit, output)));
        let failures = [summary.err(), kept.err()];
        for failure in failures.iter().flatten() {
            output.failure(failure);
        }
        let failed = failures.iter().any(Option::is_some);
        match self.task {
            Task::Apply => exit,
            Task::Plan | Task::Drift if failed => Exit::most_severe([exit, Exit::Failure]),
            Task::Plan => exit,
            // The issue says what differs; a job that fails says that no one knows.
            Task::Drift if differs(exit).is_some() => Exit::Success,
            Task::Drift => exit,
        }
    }

    fn summarize(&self, recorded: &Recorded, output: &Output) -> Result<(), Failure> {
        let name = format!("assignctl-{}.md", self.task.name());
        let Some(file) = self.pipeline.summary_file(&name) else {
            return Ok(());
        };
        let text = &recorded.markdown;
        let (path, written) = match &file {
            SummaryFile::Append(path) => {
                let mut options = std::fs::OpenOptions::new();
                let file = options.create(true).append(true).open(path);
                (
                    path,
                    file.and_then(|mut file| file.write_all(text.as_bytes())),
                )
            }
            SummaryFile::Upload(path) => (path, files::save(path, text)),
        };
        written.map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("cannot write the summary `{}`: {error}", path.display()),
            )
        })?;
        if let SummaryFile::Upload(path) = &file {
            output.note(&format!("##vso[task.uploadsummary]{}\n", path.display()));
        }
        Ok(())
    }

    async fn keep(&self, recorded: &Recorded, exit: Exit, output: &Output) -> Result<(), Failure> {
        if self.task == Task::Drift {
            let Some(differs) = differs(exit) else {
                // Whether there is drift is not known, and the issue stays as it is.
                return Ok(());
            };
            let whole = marker("drift");
            let own = match &self.view {
                // An issue of its own: what the others say of the rest stays open.
                Some(view) => marker(&format!("drift {view}")),
                None => whole.clone(),
            };
            let drift = (differs && !recorded.only_unapplied)
                .then(|| recorded.markdown.replacen(&whole, &own, 1));
            let kept = self.pipeline.keep_drift(&own, drift.as_deref()).await?;
            output.note(match kept {
                Kept::Created => "drift: an issue was opened\n",
                Kept::Updated => "drift: the open issue was updated\n",
                Kept::Closed => "drift: the open issue was closed\n",
                Kept::Unchanged => "",
            });
            return Ok(());
        }
        // The next `drift` compares with the report of this build.
        if self.task == Task::Apply
            && self.platform() == Platform::AzureDevOps
            && (recorded.written || exit == Exit::Success)
        {
            output.note("##vso[build.addbuildtag]applied\n");
        }
        let Some(number) = self.number else {
            return Ok(());
        };
        if recorded.is_part {
            output.note("the comment is kept by `tenants merge --ci` for all shards together\n");
            return Ok(());
        }
        let marker = marker(self.task.name());
        let body = &recorded.markdown;
        if self.task == Task::Apply {
            let note = nothing_written(exit, recorded.error.as_deref());
            let run = match exit {
                _ if recorded.written => ApplyResult::Written,
                Exit::Pending => ApplyResult::Waiting(output.max_bytes),
                _ => ApplyResult::NothingWritten(&note),
            };
            self.pipeline
                .keep_applied(number, &marker, body, run)
                .await?;
        } else {
            self.pipeline.keep_comment(number, &marker, body).await?;
        }
        Ok(())
    }
}

/// Says of a run that has written nothing how it ended, for a change that an earlier one has applied.
fn nothing_written(exit: Exit, error: Option<&str>) -> String {
    const LONGEST: usize = 1_000;
    if exit == Exit::Success {
        return "A later run found nothing left to write.".to_owned();
    }
    let error = error.map(code).filter(|error| error.len() <= LONGEST);
    let error = error.map_or_else(String::new, |error| format!(": {error}"));
    format!(
        "**A later run failed and wrote nothing** (exit code {}){error}",
        exit.code()
    )
}

/// Whether a run found that the tenant differs; `None` if it does not know.
fn differs(exit: Exit) -> Option<bool> {
    match exit {
        Exit::Success => Some(false),
        Exit::ChangesPending => Some(true),
        _ => None,
    }
}

impl From<CiError> for Failure {
    fn from(error: CiError) -> Self {
        let exit = match error {
            CiError::MissingVariable { .. } | CiError::BadVariable { .. } => Exit::Usage,
            _ => Exit::Failure,
        };
        Self {
            hint: error.hint().map(str::to_owned),
            ..Self::new(exit, error.to_string())
        }
    }
}
