//! The top-level error: message, hint and exit code.

use std::borrow::Cow;
use std::io;
use std::path::Path;

use crate::auth::SignInError;
use crate::diagnostic::{Diagnostic, Sources};
use crate::exit::Exit;
use crate::graph::GraphError;
use crate::plan::guards::Guard;
use crate::plan::saved::SavedPlanError;
use crate::render::phrases::count;
use crate::render::review::ErrorView;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub struct Failure {
    /// How the process ends.
    pub exit: Exit,
    /// What happened; empty if the findings say it all.
    pub message: String,
    /// What the reader can do.
    pub hint: Option<String>,
    /// What was found to be wrong or odd in files, to be printed first.
    pub findings: Option<Box<(Vec<Diagnostic>, Sources)>>,
}

impl Failure {
    /// Says what happened.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
            findings: None,
        }
    }

    /// A line of a file is at fault.
    #[must_use]
    pub fn at(exit: Exit, fault: Diagnostic, sources: Sources) -> Self {
        Self::new(exit, String::new()).with_findings(vec![fault], sources)
    }

    /// What was found in manifests says it all.
    #[must_use]
    pub fn invalid(findings: Vec<Diagnostic>, sources: &Sources) -> Self {
        let failure = Self::new(Exit::InvalidManifests, String::new());
        failure.with_findings(findings, sources.clone())
    }

    /// Adds what was found in files until then.
    #[must_use]
    pub fn with_findings(mut self, findings: Vec<Diagnostic>, sources: Sources) -> Self {
        self.findings = Some(Box::new((findings, sources)));
        self
    }

    /// Adds what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says what happened that has no exit code of its own.
    pub fn other(message: impl Into<String>) -> Self {
        Self::new(Exit::Failure, message)
    }

    /// The command line is wrong.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// A file cannot be written.
    pub fn unwritten(path: &Path, error: &io::Error) -> Self {
        let message = format!("`{}` cannot be written: {error}", path.display());
        Self::other(message).hint(match path.is_dir() {
            true => "use a file in it",
            false => "use a file in a writable folder",
        })
    }

    /// The user stopped the run.
    #[must_use]
    pub fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
    }

    /// Says which guards refuse a plan, and how to accept them.
    pub fn refused<'g>(guards: impl Iterator<Item = &'g Guard>, consequence: &str) -> Option<Self> {
        let refusing: Vec<&Guard> = guards.collect();
        if refusing.is_empty() {
            return None;
        }
        let names: Vec<String> = refusing
            .iter()
            .map(|guard| format!("`{}`", guard.name.name()))
            .collect();
        let (guards, verb) = match names.len() {
            1 => ("guard", "refuses"),
            _ => ("guards", "refuse"),
        };
        let flags: Option<Vec<String>> = refusing.iter().map(|guard| guard.acceptance()).collect();
        Some(
            Self::new(
                Exit::GuardRefused,
                format!("{guards} {} {verb} the plan{consequence}", names.join(", ")),
            )
            .hint(match flags {
                Some(flags) => format!("if intended, accept it with `{}`", flags.join(" ")),
                None => "sign in to the tenant that the configuration names".to_owned(),
            }),
        )
    }

    /// Returns a sentence, also if the findings say it all.
    #[must_use]
    pub fn summary(&self, errors: usize) -> Cow<'_, str> {
        if self.message.is_empty() {
            Cow::Owned(format!("{} found", count(errors, "error", "errors")))
        } else {
            Cow::Borrowed(&self.message)
        }
    }

    /// Returns the failure as reviews show it.
    #[must_use]
    pub fn view<'a>(&'a self, message: &'a str) -> ErrorView<'a> {
        ErrorView {
            exit_code: self.exit.code(),
            message,
            hint: self.hint.as_deref(),
        }
    }
}

impl From<SignInError> for Failure {
    fn from(error: SignInError) -> Self {
        let mut failure = Self::new(Exit::Refused, error.to_string());
        failure.hint = error.hint().map(str::to_owned);
        failure
    }
}

impl From<GraphError> for Failure {
    fn from(error: GraphError) -> Self {
        match error {
            GraphError::SignIn(error) => return error.into(),
            GraphError::Interrupted => return Self::interrupted(),
            _ => {}
        }
        let exit = if error.is_refusal() {
            Exit::Refused
        } else {
            Exit::Failure
        };
        let mut failure = Self::new(exit, error.to_string());
        failure.hint = error.hint();
        failure
    }
}

impl From<SavedPlanError> for Failure {
    fn from(error: SavedPlanError) -> Self {
        let hint = match &error {
            SavedPlanError::NotAPlan(_) => "make one with `assignctl plan PATH --out FILE`",
            SavedPlanError::UnknownVersion(_) => {
                "use the version of assignctl that made the plan, or plan again"
            }
            SavedPlanError::Altered { .. }
            | SavedPlanError::OtherWrites(_)
            | SavedPlanError::Incomplete => "plan again",
        };
        Self::other(error.to_string()).hint(hint)
    }
}
