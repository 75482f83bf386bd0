//! `doctor`: whether the service is as it is taken for.

use std::sync::Arc;

use super::arguments::Doctor;
use super::options::Common;
use super::output::Output;
use super::{interrupt, runtime, settings};
use crate::exit::Exit;
use crate::render::doctor;
use crate::render::json::Json;
use crate::run::Failure;
use crate::run::connect::connect;
use crate::run::doctor::{self as examination, check_record, shared, verdict};

pub(super) fn run(command: &Doctor, common: &Common, output: &Output) -> Result<Exit, Failure> {
    let config = settings::configuration(common)?;
    let share = command.share.as_deref();
    let inputs = settings::inputs(&[], common, Some(&config));
    output.keep_inputs(&[("--share", share)], &inputs)?;
    if let Some(path) = share {
        check_record("--share", path)?;
    }
    let mut service = settings::service(&common.service, &config)?;
    let recorder = Arc::clone(service.recorder.get_or_insert_default());
    recorder.keep();
    let examined = runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        let environment = settings::environment(&output.redactor);
        let client = connect(&service, &environment, output.observer(), &stop)?;
        examination::doctor(&client, &recorder, &command.kind, &stop).await
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
    verdict(diagnosis)
}
