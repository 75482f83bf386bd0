//! Where things are printed: data on stdout, everything else on stderr. All of it goes through
//! here. What people read is cleaned of the secrets of the run; data is written as it is, or not at
//! all.

mod files;
mod findings;
mod results;

use std::borrow::{Borrow, Cow};
use std::cell::{Cell, RefCell};
use std::io::{self, ErrorKind, IsTerminal as _, Write as _};
use std::sync::Arc;

use anstream::{AutoStream, ColorChoice};

use super::arguments::Command;
use super::color;
use super::options::{Common, Format};
use super::progress::{Display, Progress};
use crate::ci::Platform;
use crate::exit::Exit;
use crate::graph::observe::Observe;
use crate::plan::Selection;
use crate::redact::Redactor;
use crate::render::json::Json;
use crate::render::review::Finding;
use crate::run::Failure;
pub(super) use files::remove_earlier;
pub(super) use findings::{print_answer, print_parser};
pub(super) use results::{Recorded, annotation_form};

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
    /// How large Markdown may be.
    pub(super) max_bytes: usize,
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
    pub(super) platform: Option<Platform>,
    /// The result in the forms that the platform takes, once there is one.
    pub(super) recorded: RefCell<Option<Recorded>>,
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

    /// Prints the program's own text unchanged. It is not an error if the reader has gone away.
    pub(super) fn own(&self, text: &str) -> Result<(), Failure> {
        self.progress.clear();
        written(io::stdout().write_all(text.as_bytes()))
    }

    /// Prints text for people that is plain, or has marks of its own.
    pub(super) fn plain(&self, text: &str) -> Result<(), Failure> {
        self.own(&self.redactor.mask(text))
    }

    /// Refuses data that holds a secret of the run. It is never altered: a plan without a name that
    /// it should hold would be taken for one that someone has tampered with.
    pub(super) fn check_data(&self, text: &str) -> Result<(), Failure> {
        let Some(owner) = self.redactor.holds(text.as_bytes()) else {
            return Ok(());
        };
        Err(Failure::new(
            Exit::Failure,
            format!("the value of {owner} appears in the data that was to be written"),
        )
        .hint(
            "nothing was written; anyone who can read the tenant knows this secret, so change it, and remove it from the name or text that holds it",
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
    /// for people goes here: in data, what looks like a colour is someone's name.
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

    /// Returns the command's word.
    pub(super) fn command(&self) -> &'static str {
        self.command.unwrap_or("assignctl")
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

    /// Returns a message without secrets.
    pub(super) fn without_secrets_in<'t>(&self, message: &'t str) -> Cow<'t, str> {
        self.redactor.mask(message)
    }
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
