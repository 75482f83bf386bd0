//! The one top error: what is said, what could help, and how the process ends.

use crate::exit::Exit;
use crate::graph::GraphError;
use crate::graph::sign_in::SignInError;
use crate::plan::saved::SavedPlanError;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) exit: Exit,
    /// What is said; empty where everything has been said already.
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Failure {
    pub(super) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self {
            exit,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Everything has been said already.
    pub(super) fn said(exit: Exit) -> Self {
        Self::new(exit, String::new())
    }

    pub(super) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    pub(super) fn interrupted() -> Self {
        Self::new(Exit::Interrupted, "interrupted")
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
        failure.hint = error.hint().map(str::to_owned);
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
            SavedPlanError::Altered { .. } | SavedPlanError::Incomplete => "plan again",
        };
        Self::new(Exit::Failure, error.to_string()).hint(hint)
    }
}
