//! `whoami`: who is signed in, and what is permitted.

use super::arguments::WhoAmI;
use super::options::Common;
use super::output::Output;
use super::{settings, until_stopped};
use crate::exit::Exit;
use crate::render::identity;
use crate::render::json::Json;
use crate::run::Failure;
use crate::run::whoami::{verdict, whoami};

pub(super) fn run(command: &WhoAmI, common: &Common, output: &Output) -> Result<Exit, Failure> {
    output.only_text_or_json()?;
    let config = settings::configuration(common)?;
    let service = settings::service(&common.service, &config)?;
    let environment = settings::environment(&output.redactor);
    let (identity, fit) = until_stopped(output, async |stop| {
        let only = command.only.as_deref();
        whoami(&service, &environment, only, &command.kind, stop).await
    })?;
    output.print_plain(|| identity::text(&identity), &Json::new(&identity))?;
    verdict(&identity, fit)
}
