//! The question before something is written.

use std::io::{BufRead as _, IsTerminal as _};

use tokio_util::sync::CancellationToken;

use super::output::Output;
use crate::exit::Exit;
use crate::run::Failure;

/// Printed at the end of a rollback: the tenant is as before, the manifests are not.
pub(super) fn still_in_git(undone: &str) -> String {
    format!(
        "note: the manifests in git still ask for {undone}; revert them too, or the next `apply` does it again\n"
    )
}

/// What is asked before something is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question {
    command: &'static str,
    question: &'static str,
    declined: &'static str,
}

/// Before changes are applied.
pub(super) const APPLY: Question = Question {
    command: "apply",
    question: "Apply these changes?",
    declined: "not applied; nothing was written",
};

/// Before requests are withdrawn.
pub(super) const APPROVALS: Question = Question {
    command: "approvals cancel",
    question: "Withdraw the open requests?",
    declined: "no request was withdrawn",
};

/// Before `doctor` tries to write.
pub(super) const TRIAL: Question = Question {
    command: "doctor --try-writes",
    question: "Try this?",
    declined: "not tried; nothing was written",
};

/// Asks for the word `yes` on a terminal; refuses without one.
pub(super) async fn ask(
    output: &Output,
    stop: &CancellationToken,
    question: Question,
) -> Result<(), Failure> {
    let Question {
        command,
        question,
        declined,
    } = question;
    if !std::io::stdin().is_terminal() {
        return Err(Failure::usage(format!(
            "no terminal to prompt on: `{command}` needs `--yes`; nothing was written"
        )));
    }
    output.note(&format!("{question} Only `yes` will be accepted: "));
    let (sender, answer) = tokio::sync::oneshot::channel();
    // A thread of its own, since nothing ends the reading of a line: an interrupt leaves it
    // behind, and the process does not wait for it.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        // The receiver is gone if the run was interrupted.
        let _ = sender.send(read.map(|_| line));
    });
    let answer = tokio::select! {
        biased;
        () = stop.cancelled() => return Err(Failure::interrupted()),
        answer = answer => answer,
    };
    match answer {
        Ok(Ok(line)) if line.trim() == "yes" => Ok(()),
        Ok(Err(error)) => Err(Failure::new(
            Exit::Failure,
            format!("the answer cannot be read: {error}"),
        )),
        Ok(Ok(_)) | Err(_) => Err(Failure::new(Exit::Failure, declined)),
    }
}
