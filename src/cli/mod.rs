//! The command line: parses, calls a use case of [`crate::run`], prints.
//!
//! `arguments` and `options` are what the user typed, `settings` what it means together with the
//! environment and `assignctl.yaml`, and one module a command prints what `run` returns. Data goes to
//! stdout; progress, warnings, errors and hints go to stderr.

mod about;
mod apply;
mod approvals;
mod arguments;
mod color;
mod completion;
mod config;
mod confirm;
mod device_code;
mod doctor;
mod explain;
mod export;
mod help;
mod init;
mod interrupt;
mod list;
mod logging;
mod login;
mod options;
mod other_tools;
mod output;
mod output_paths;
mod pipeline;
mod plan;
mod progress;
pub mod reference;
mod requests;
mod rollback;
mod sandbox;
mod schema;
mod settings;
mod show;
mod show_report;
mod tenants;
mod terminal;
mod validate;
mod values;
mod whoami;

use std::ffi::OsString;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use crate::exit::Exit;
use crate::graph::client::Client;
use crate::run::Failure;
use crate::run::connect::{ServiceSettings, connect};
use arguments::{Arguments, Command};
use options::Format;
use output::Output;

/// Runs the program with the process's own arguments and environment.
pub fn run() -> Exit {
    if let Some(answered) = completion::answer() {
        return match answered {
            Ok(()) => Exit::Success,
            Err(error) => output::print_parser(&error),
        };
    }
    let typed: Vec<OsString> = options::keep_path_from_members(std::env::args_os().collect());
    let tree = Arguments::tree_for(&typed);
    let words: Vec<String> = typed
        .iter()
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    if let Some(answer) = other_tools::single_dash(&words, &tree) {
        return output::print_answer(&answer);
    }
    let asks_for_all = |word: &String| matches!(word.as_str(), "--help" | "help");
    let tree = match words.iter().any(asks_for_all) {
        true => tree,
        false => Arguments::shortened(tree),
    };
    let (mut arguments, written) = match Arguments::read(tree, typed) {
        Ok(arguments) => arguments,
        Err(error) => {
            return match other_tools::answer(&error) {
                Some(answer) => output::print_answer(&answer),
                None => output::print_parser(&error),
            };
        }
    };
    let secrets = Arc::new(settings::secrets());
    logging::start(&arguments.common, &secrets);
    let mut output = Output::new(&arguments.common, &arguments.command, secrets);
    if let Err(failure) = output_paths::check(written) {
        output.failure(&failure);
        return failure.exit;
    }
    let pipeline = match pipeline::open(&arguments.command, &output) {
        Ok(pipeline) => pipeline,
        Err(failure) => return failed(&failure, &output),
    };
    let Some(mut pipeline) = pipeline else {
        return dispatch(arguments, &output).unwrap_or_else(|failure| failed(&failure, &output));
    };
    output.platform = Some(pipeline.platform());
    let exit = pipeline
        .prepare(&mut arguments.command, &output)
        .and_then(|()| dispatch(arguments, &output))
        .unwrap_or_else(|failure| failed(&failure, &output));
    pipeline.deliver(exit, &output)
}

/// Says why a command failed, in every format that was asked for.
fn failed(failure: &Failure, output: &Output) -> Exit {
    output.failure(failure);
    match output.print_failure(failure) {
        Ok(()) => failure.exit,
        Err(second) => {
            output.failure(&second);
            Exit::most_severe([failure.exit, second.exit])
        }
    }
}

fn dispatch(arguments: Arguments, output: &Output) -> Result<Exit, Failure> {
    let Arguments { common, command } = arguments;
    if matches!(common.format, Format::Csv | Format::Html) && !matches!(command, Command::List(_)) {
        return Err(Failure::usage("only `list` supports CSV and HTML")
            .hint("leave `--format` out, or use `--format json`"));
    }
    match command {
        Command::Validate(command) => validate::run(&command, &common, output),
        Command::Plan(command) => plan::run(&command, &common, output),
        Command::Drift(command) => plan::run(&command.into_plan(), &common, output),
        Command::Apply(command) => apply::run(&command, &common, output),
        Command::Rollback(command) => rollback::run(&command, &common, output),
        Command::Approvals(command) => approvals::run(&command, &common, output),
        Command::Show(command) => show::run(&command, &common, output),
        Command::Export(command) => export::run(&command, &common, output),
        Command::List(command) => list::run(&command, &common, output),
        Command::Whoami(command) => whoami::run(&command, &common, output),
        Command::Login(command) => login::run(&command, &common, output),
        Command::Logout(logout) => login::log_out(&logout, &common, output),
        Command::Doctor(command) => doctor::run(&command, &common, output),
        Command::Tenants(tenants) => tenants::run(&tenants.command, &common, output),
        Command::Sandbox(command) => sandbox::run(&command, output),
        Command::Explain(command) => explain::run(&command, &common, output),
        Command::Init(command) => init::run(&command, &common, output),
        Command::Schema(command) => schema::run(&command, &common, output),
        Command::Help(command) => {
            output.own(&help::topic(&command.topic)?)?;
            Ok(Exit::Success)
        }
        Command::Completions(command) => {
            output.own(&completion::script(command.shell))?;
            Ok(Exit::Success)
        }
        Command::Man(command) => about::man(&command, output),
        Command::Version(arguments::Version {}) => about::version(output),
    }
}

/// Starts the runtime for a command that talks to the service.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Failure::new(
                Exit::Failure,
                format!("cannot start the async runtime: {error}"),
            )
        })
}

/// Does work with a token that is cancelled when someone interrupts.
fn until_stopped<T>(
    output: &Output,
    work: impl AsyncFnOnce(&CancellationToken) -> Result<T, Failure>,
) -> Result<T, Failure> {
    runtime()?.block_on(async {
        let stop = interrupt::watch(Some(&output.progress));
        work(&stop).await
    })
}

/// Connects to the service.
fn client(
    service: &ServiceSettings,
    output: &Output,
    stop: &CancellationToken,
) -> Result<Arc<Client>, Failure> {
    let environment = settings::environment(&output.redactor);
    connect(service, &environment, output.observer(), stop)
}

/// Connects to the service, and does work as [`until_stopped`].
fn with_client<T>(
    service: &ServiceSettings,
    output: &Output,
    work: impl AsyncFnOnce(&Arc<Client>, &CancellationToken) -> Result<T, Failure>,
) -> Result<T, Failure> {
    until_stopped(output, async |stop| {
        work(&client(service, output, stop)?, stop).await
    })
}
