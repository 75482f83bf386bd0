//! `rollback`: undoes what a report says that its run did, then as `apply`.

use super::apply;
use super::arguments::{Apply, Rollback};
use super::options::Common;
use super::output::Output;
use crate::exit::Exit;
use crate::run::Failure;

pub(super) fn run(command: &Rollback, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let Rollback {
        of,
        yes,
        report,
        fail_fast,
        selecting,
        view,
        planning,
        guards,
    } = command.clone();
    let as_apply = Apply {
        paths: Vec::new(),
        yes,
        report,
        fail_fast,
        max_age: None,
        expect_digest: None,
        selecting,
        view,
        planning,
        guards,
    };
    apply::run_or_roll_back(&as_apply, Some(&of), common, output)
}
