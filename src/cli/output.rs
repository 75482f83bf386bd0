//! Where things are printed: data on stdout, everything else on stderr. All of it goes through
//! here. What people read is cleaned of the secrets of the run; data is written as it is, or not at
//! all.

use std::borrow::{Borrow, Cow};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anstream::adapter::strip_str;
use anstream::{AutoStream, ColorChoice};

use super::arguments::Command;
use super::color;
use super::options::{Common, Format};
use super::progress::{Display, Progress};
use crate::ci::Platform;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::files::{self, LARGEST_PLAN};
use crate::graph::observe::Observe;
use crate::manifest::has_manifest_ending;
use crate::plan::since::Cause;
use crate::plan::{PlanDiagnostic, Selection};
use crate::redact::Redactor;
use crate::render::clean::{clean, clean_message};
use crate::render::json::Json;
use crate::render::review::{ErrorView, Finding, Review};
use crate::render::{self, github, json, markdown};
use crate::report::Settled;
use crate::run::tenants::Drawn;
use crate::run::{Failure, clock};

/// A result in the forms that a pipeline needs.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    pub(super) markdown: String,
    /// `None` if the platform has no annotations.
    pub(super) annotations: Option<String>,
    /// Whether all that differs is known to be manifests that were not applied yet.
    pub(super) only_unapplied: bool,
    /// Whether the run has written anything, or may have.
    pub(super) written: bool,
}

/// How this run prints.
#[derive(Debug)]
pub(super) struct Output {
    pub(super) format: Format,
    pub(super) progress: Progress,
    /// Masks the secrets of the run.
    pub(super) redactor: Arc<Redactor>,
    /// The command's word, if its result comes in all formats.
    command: Option<&'static str>,
    selection: Selection,
    max_bytes: usize,
    is_quiet: bool,
    json_into: Option<std::path::PathBuf>,
    stdout: ColorChoice,
    stderr: ColorChoice,
    /// What was found to be wrong or odd so far.
    findings: RefCell<Vec<Finding>>,
    /// Whether it is certain that no file of the result is one that the run reads.
    may_save: Cell<bool>,
    /// Whether the result has been printed.
    printed: Cell<bool>,
    /// The platform that gets the result as well, if a pipeline runs the program.
    platform: Option<Platform>,
    recorded: RefCell<Option<Recorded>>,
}

impl Output {
    pub(super) fn new(common: &Common, command: &Command, redactor: Arc<Redactor>) -> Self {
        Self {
            format: common.format,
            progress: Progress::new(display(common)),
            redactor,
            command: command.with_formats(),
            selection: command.selection(),
            max_bytes: common.max_bytes,
            is_quiet: common.quiet,
            json_into: common.json_into.clone(),
            stdout: color::choice(common.color, io::stdout().is_terminal()),
            stderr: color::choice(common.color, io::stderr().is_terminal()),
            findings: RefCell::default(),
            may_save: Cell::new(false),
            printed: Cell::new(false),
            platform: None,
            recorded: RefCell::default(),
        }
    }

    /// Keeps the result in the forms that a platform takes.
    pub(super) fn record_for(&mut self, platform: Platform) {
        self.platform = Some(platform);
    }

    /// Takes what was kept of the result; `None` if there was none.
    pub(super) fn take_recorded(&self) -> Option<Recorded> {
        self.recorded.borrow_mut().take()
    }

    fn record(&self, review: &Review<'_>) {
        let Some(platform) = self.platform else {
            return;
        };
        let form = match platform {
            Platform::GitHub => Some(github::Form::GitHub),
            Platform::AzureDevOps => Some(github::Form::AzureDevOps),
            Platform::GitLab => None,
        };
        let own = |text: String| self.redactor.mask(&text).into_owned();
        let settled = review.results.map(|results| &results.settled);
        *self.recorded.borrow_mut() = Some(Recorded {
            markdown: own(markdown::draw(review, self.max_bytes)),
            annotations: form.map(|form| own(github::draw_as(form, review))),
            only_unapplied: review.plan.is_some_and(|view| {
                let mut changed = view.plan.changed();
                changed.all(|policy| view.annotations.cause(policy) == Some(Cause::Unapplied))
            }),
            written: settled.is_some_and(|settled| settled.iter().any(Settled::may_be_written)),
        });
    }

    /// Refuses a run that would write its result, or another of its files, over what it reads.
    pub(super) fn keep_inputs(
        &self,
        outputs: &[(&str, Option<&Path>)],
        inputs: &[PathBuf],
    ) -> Result<(), Failure> {
        let mut outputs = outputs.to_vec();
        outputs.push(("--json-into", self.json_into.as_deref()));
        keep_inputs(&outputs, inputs)?;
        self.may_save.set(true);
        Ok(())
    }

    /// Prints the program's own words as they stand. A reader that has gone away is no failure.
    pub(super) fn own(&self, text: &str) -> Result<(), Failure> {
        self.progress.clear();
        written(io::stdout().write_all(text.as_bytes()))
    }

    /// Prints text for people that is plain, or has marks of its own.
    pub(super) fn plain(&self, text: &str) -> Result<(), Failure> {
        self.own(&self.redactor.mask(text))
    }

    /// Refuses data that holds a secret of the run. It is never altered: a plan without a name that
    /// it should hold would be taken for one that somebody has tampered with.
    pub(super) fn check_data(&self, text: &str) -> Result<(), Failure> {
        let Some(owner) = self.redactor.holds(text.as_bytes()) else {
            return Ok(());
        };
        Err(Failure::new(
            Exit::Failure,
            format!("the value of {owner} stands in the data that was to be written"),
        )
        .hint(
            "nothing was written; anybody who may read the tenant knows this secret, so change it, and remove it from the name or text that holds it",
        ))
    }

    /// Returns JSON as text, unless it holds a secret of the run.
    pub(super) fn checked(&self, json: &Json<'_>) -> Result<String, Failure> {
        let text = json.text();
        self.check_data(&text)?;
        Ok(text)
    }

    /// Refuses a result that holds a secret, if it is to be printed or saved as JSON.
    pub(super) fn check_json<'j, J: Borrow<Json<'j>>>(
        &self,
        json: impl FnOnce() -> J,
    ) -> Result<(), Failure> {
        if self.wants_json() {
            self.checked(json().borrow())?;
        }
        Ok(())
    }

    fn wants_json(&self) -> bool {
        self.format == Format::Json || self.json_into.is_some()
    }

    /// Prints text that may hold colours, without them where none are wanted. Only what was drawn
    /// for people goes here: in data, what looks like a colour is somebody's name.
    pub(super) fn text(&self, text: &str) -> Result<(), Failure> {
        self.progress.clear();
        let text = self.redactor.mask(text);
        let mut stream = AutoStream::new(io::stdout(), self.stdout);
        written(stream.write_all(text.as_bytes()))
    }

    /// Returns what requests are reported to.
    pub(super) fn observer(&self) -> Box<dyn Observe> {
        Box::new(self.progress.clone())
    }

    /// Returns what was found so far.
    pub(super) fn findings(&self) -> Vec<Finding> {
        self.findings.borrow().clone()
    }

    /// Starts to say what the command has to say; the findings are those of [`Self::findings`].
    pub(super) fn review<'a>(&self, findings: &'a [Finding]) -> Review<'a> {
        Review {
            command: self.command.unwrap_or("assignctl"),
            plan: None,
            results: None,
            checked: None,
            findings,
            error: None,
        }
    }

    /// Prints the result: on stdout in the format that is asked for, and as JSON into a file where
    /// that is asked for. What that says is gathered once, and only where it is needed.
    pub(super) fn print<'j, J: Borrow<Json<'j>>>(
        &self,
        review: &Review<'_>,
        text: impl FnOnce() -> String,
        json: impl FnOnce() -> J,
    ) -> Result<(), Failure> {
        self.record(review);
        let json = self.json_result(json)?;
        match self.format {
            Format::Text | Format::Csv | Format::Html => self.text(&text()),
            Format::Json => self.own(&json),
            Format::Markdown => self.plain(&markdown::draw(review, self.max_bytes)),
            Format::Github => self.plain(&github::draw(review)),
        }
    }

    /// Saves the result as JSON, if that is asked for, and returns it if it is to be printed. It is
    /// made only if one of the two needs it.
    fn json_result<'j, J: Borrow<Json<'j>>>(
        &self,
        json: impl FnOnce() -> J,
    ) -> Result<String, Failure> {
        let text = match self.wants_json() {
            true => self.checked(json().borrow())?,
            false => String::new(),
        };
        self.printed.set(true);
        self.progress.finished();
        if let Some(path) = &self.json_into {
            save(path, &text)?;
        }
        Ok(text)
    }

    /// Refuses a format that a result of text and JSON does not come in.
    pub(super) fn only_text_or_json(&self) -> Result<(), Failure> {
        match self.format {
            Format::Text | Format::Json => Ok(()),
            Format::Markdown | Format::Github | Format::Csv | Format::Html => Err(Failure::usage(
                "the result of this command comes as text or JSON only",
            )
            .hint("leave `--format` out, or write `--format json`")),
        }
    }

    /// Prints a result that comes as text and JSON only.
    pub(super) fn print_plain(
        &self,
        text: impl FnOnce() -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        let json = self.json_result(|| json)?;
        match self.format {
            Format::Json => self.own(&json),
            _ => self.plain(&text()),
        }
    }

    /// Prints a result that comes as text, Markdown and JSON.
    pub(super) fn print_report(
        &self,
        text: impl FnOnce() -> String,
        markdown: impl FnOnce(usize) -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        let json = self.json_result(|| json)?;
        match self.format {
            Format::Json => self.own(&json),
            Format::Markdown | Format::Github => self.plain(&markdown(self.max_bytes)),
            Format::Text | Format::Csv | Format::Html => self.text(&text()),
        }
    }

    /// Prints JSON part by part, and saves it if that is asked for. Its parts were looked through for secrets
    /// when they were made.
    pub(super) fn print_parts(&self, json: &Json<'_>) -> Result<(), Failure> {
        self.printed.set(true);
        self.progress.finished();
        if let Some(path) = &self.json_into {
            let saved = files::save_with(path, |file| json.write(file));
            saved.map_err(|error| unwritten(path, &error))?;
        }
        match self.format {
            Format::Json => written(json.write(&mut io::stdout().lock())),
            _ => Ok(()),
        }
    }

    /// Returns the platform that gets the result as well.
    pub(super) fn platform(&self) -> Option<Platform> {
        self.platform
    }

    /// Keeps the result for the platform.
    pub(super) fn keep_recorded(&self, recorded: Recorded) {
        *self.recorded.borrow_mut() = Some(recorded);
    }

    /// Returns the command's word.
    pub(super) fn command(&self) -> &'static str {
        self.command.unwrap_or("assignctl")
    }

    /// Returns how large Markdown may be.
    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Prints a result that is data as text, too.
    pub(super) fn print_data(
        &self,
        text: impl FnOnce() -> String,
        json: &Json<'_>,
    ) -> Result<(), Failure> {
        if self.format == Format::Json {
            return self.own(&self.json_result(|| json)?);
        }
        let text = text();
        self.check_data(&text)?;
        self.json_result(|| json)?;
        self.own(&text)
    }

    /// Prints why there is no result, where a result was asked for in another form than text and
    /// none has been printed. Somebody reads it: a comment on a pull request, or a program.
    pub(super) fn print_failure(&self, failure: &Failure) -> Result<(), Failure> {
        // Who mistypes a command has not asked for anything yet.
        if self.printed.get() || self.command.is_none() || failure.exit == Exit::Usage {
            return Ok(());
        }
        let findings = self.findings();
        let message = failure.summary(findings.iter().filter(|finding| finding.is_error()).count());
        let message = self.without_secrets_in(&message);
        let hint = failure.hint.as_deref();
        let hint = hint.map(|hint| self.without_secrets_in(hint));
        let error = ErrorView {
            hint: hint.as_deref(),
            ..failure.view(&message)
        };
        let created_at = clock::now();
        let json = || json::failure(&created_at, &self.selection, &findings, &error);
        if let Some(path) = self.json_into.as_ref().filter(|_| self.may_save.get()) {
            save(path, &self.checked(&json())?)?;
        }
        let review = Review {
            // What was found says more than that it was found.
            error: (!failure.message.is_empty()).then_some(error),
            ..self.review(&findings)
        };
        self.record(&review);
        match self.format {
            Format::Text | Format::Csv | Format::Html => Ok(()),
            Format::Json => self.own(&self.checked(&json())?),
            Format::Markdown => self.plain(&markdown::draw(&review, self.max_bytes)),
            Format::Github => self.plain(&github::draw(&review)),
        }
    }

    /// Prints what is nice to know to stderr, unless it is to be quiet.
    pub(super) fn info(&self, text: &str) {
        if !self.is_quiet {
            self.note(text);
        }
    }

    /// Prints a note to stderr, whatever becomes of it.
    pub(super) fn note(&self, text: &str) {
        self.progress.clear();
        let text = self.redactor.mask(text);
        let mut stream = AutoStream::new(io::stderr(), self.stderr);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
    }

    pub(super) fn diagnostics(&self, list: &[Diagnostic], sources: &Sources) {
        let each = self.format == Format::Markdown || self.platform.is_some();
        self.tell(self.drawn(list, sources, each));
    }

    /// Prints what was drawn, and keeps it for the result.
    pub(super) fn tell(&self, drawn: Drawn) {
        if !drawn.said.is_empty() {
            self.note(&drawn.said);
        }
        self.findings.borrow_mut().extend(drawn.findings);
    }

    /// Draws what was found in manifests, without secrets; also each by itself, if that is needed.
    pub(super) fn drawn(&self, list: &[Diagnostic], sources: &Sources, each: bool) -> Drawn {
        if list.is_empty() {
            return Drawn::default();
        }
        // Lines are cut where they are long, and a secret with them; so it is taken out before.
        let sources = &sources.with_texts(|_, text| self.redactor.cover(text));
        let list: Vec<Diagnostic> = list
            .iter()
            .map(|found| self.without_secrets(found))
            .collect();
        let list = list.as_slice();
        let mut drawn = if each {
            render::diagnostics::each(list, sources, false)
        } else {
            Vec::new()
        }
        .into_iter();
        let findings = list.iter().map(|diagnostic| Finding {
            diagnostic: PlanDiagnostic::new(diagnostic, sources),
            drawn: drawn.next().unwrap_or_default(),
        });
        Drawn {
            findings: findings.collect(),
            // The stream takes colours out where none are wanted.
            said: render::diagnostics::diagnostics(list, sources, true),
        }
    }

    /// Draws what a saved plan has to say of its manifests.
    pub(super) fn drawn_saved(list: &[PlanDiagnostic]) -> Drawn {
        let found = list.iter().map(|diagnostic| Finding {
            diagnostic: diagnostic.clone(),
            drawn: strip_str(&render::text::diagnostics(std::slice::from_ref(diagnostic)))
                .to_string(),
        });
        Drawn {
            said: render::text::diagnostics(list),
            findings: found.collect(),
        }
    }

    /// Returns a message without secrets.
    pub(super) fn without_secrets_in<'t>(&self, message: &'t str) -> Cow<'t, str> {
        self.redactor.mask(message)
    }

    /// Returns a diagnostic whose texts, which quote files, hold no secrets.
    pub(super) fn without_secrets(&self, diagnostic: &Diagnostic) -> Diagnostic {
        let mask = |text: &str| self.redactor.mask(text).into_owned();
        Diagnostic {
            message: mask(&diagnostic.message),
            hint: diagnostic.hint.as_deref().map(mask),
            ..diagnostic.clone()
        }
    }

    /// Prints what a saved plan has to say of its manifests.
    pub(super) fn saved_diagnostics(&self, list: &[PlanDiagnostic]) {
        self.tell(Self::drawn_saved(list));
    }

    /// Writes data to a file, as it stands, so that it is either the old or the new one, never a
    /// part.
    pub(super) fn save(&self, path: &Path, text: &str) -> Result<(), Failure> {
        self.check_data(text)?;
        save(path, text)
    }

    /// Does the same with a plan, unless it is larger than what is read of one.
    pub(super) fn save_plan(&self, path: &Path, json: &Json<'_>) -> Result<(), Failure> {
        let text = self.checked(json)?;
        if text.len() as u64 > LARGEST_PLAN {
            let error = files::larger_than(LARGEST_PLAN);
            return Err(unwritten(path, &error).hint(
                "such a plan needs no file: `apply PATH... --expect-digest` plans again; or plan a part with `--only` or `--kind`",
            ));
        }
        save(path, &text)
    }

    /// Prints what a failure found in files, and returns what is left of it to be printed.
    pub(super) fn print_findings(&self, mut failure: Failure) -> Failure {
        if let Some(findings) = failure.findings.take() {
            let (diagnostics, sources) = *findings;
            self.diagnostics(&diagnostics, &sources);
        }
        failure
    }

    pub(super) fn failure(&self, failure: &Failure) {
        if let Some((diagnostics, sources)) = failure.findings.as_deref() {
            self.diagnostics(diagnostics, sources);
        }
        if failure.message.is_empty() {
            return;
        }
        let style = anstyle::AnsiColor::Red.on_default().bold();
        let mut text = format!(
            "{style}error{style:#}: {}\n",
            clean_message(&failure.message)
        );
        if let Some(hint) = &failure.hint {
            text.push_str("hint: ");
            text.push_str(&clean(hint));
            text.push('\n');
        }
        self.note(&text);
    }
}

fn save(path: &Path, text: &str) -> Result<(), Failure> {
    files::save(path, text).map_err(|error| unwritten(path, &error))
}

fn unwritten(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Failure,
        format!("`{}` cannot be written: {error}", path.display()),
    )
}

/// Answers a command line that is not understood in a sentence.
pub(super) fn print_answer(answer: &str) -> Exit {
    let style = anstyle::AnsiColor::Red.on_default().bold();
    let text = format!("{style}error{style:#}: {}\n", clean_message(answer));
    // Ignore a closed pipe.
    let _ = AutoStream::new(io::stderr(), color::of_help()).write_all(text.as_bytes());
    Exit::Usage
}

/// A display that is drawn over and over needs a terminal that can do that, and for itself.
fn display(common: &Common) -> Display {
    if common.no_progress || common.quiet {
        Display::Off
    } else if io::stderr().is_terminal() && color::is_able() && common.verbose == 0 {
        Display::Live
    } else {
        Display::Lines
    }
}

/// Judges a write to stdout.
fn written(outcome: io::Result<()>) -> Result<(), Failure> {
    match outcome.and_then(|()| io::stdout().flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::new(
            Exit::Failure,
            format!("stdout cannot be written: {error}"),
        )),
        _ => Ok(()),
    }
}

/// Refuses a run that would write over what it reads: a manifest, a plan or the sandbox's tenant.
pub(super) fn keep_inputs(
    outputs: &[(&str, Option<&Path>)],
    inputs: &[PathBuf],
) -> Result<(), Failure> {
    for (number, (option, path)) in outputs.iter().enumerate() {
        let twin = outputs[..number]
            .iter()
            .find(|(_, other)| path.is_some() && other == path);
        if let Some((other, _)) = twin {
            return Err(Failure::usage(format!(
                "`{other}` and `{option}` name the same file"
            )));
        }
        let Some(path) = path else { continue };
        // What does not exist yet cannot be written over.
        let Ok(output) = path.canonicalize() else {
            continue;
        };
        for input in inputs.iter().filter_map(|input| input.canonicalize().ok()) {
            if output == input
                || (has_manifest_ending(&output) && input.is_dir() && output.starts_with(&input))
            {
                return Err(Failure::usage(format!(
                    "`{option} {}` would write over what the run reads",
                    path.display()
                ))
                .hint("name another file; nothing was written"));
            }
        }
    }
    Ok(())
}

/// Prints help, the version, or a mistake on the command line: coloured by the same rules as all
/// else, and in one piece, since the parser's own way asks the system to write each line.
pub(super) fn print_parser(error: &clap::Error) -> Exit {
    let color = color::of_help();
    let text = match color {
        ColorChoice::Never => error.render().to_string(),
        _ => error.render().ansi().to_string(),
    };
    // Ignore a closed pipe.
    if error.use_stderr() {
        let _ = AutoStream::new(io::stderr(), color).write_all(text.as_bytes());
        Exit::Usage
    } else {
        let mut stream = AutoStream::new(io::stdout(), color);
        let _ = stream
            .write_all(text.as_bytes())
            .and_then(|()| stream.flush());
        Exit::Success
    }
}
