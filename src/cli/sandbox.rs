//! `sandbox`: the emulator over HTTP.

use std::collections::BTreeSet;

use assignctl_sandbox as sandbox;

use super::arguments::Sandbox;
use super::output::Output;
use super::{interrupt, runtime};
use crate::exit::Exit;
use crate::run::Failure;
use crate::run::connect::open_sandbox;

pub(super) fn run(command: &Sandbox, output: &Output) -> Result<Exit, Failure> {
    if !command.listen.ip().is_loopback() {
        return Err(
            Failure::usage(format!("`{}` is not a loopback address", command.listen))
                .hint("the emulator has no access control; it listens on this machine only"),
        );
    }
    let files = command.state.iter();
    let services = files
        .map(|file| open_sandbox(file))
        .collect::<Result<Vec<_>, _>>()?;
    refuse_duplicate_tenants(&services, command)?;
    runtime()?.block_on(async {
        let stop = interrupt::watch(None);
        let failed = |error: std::io::Error| {
            Failure::new(
                Exit::Failure,
                format!("`{}` cannot be listened on: {error}", command.listen),
            )
        };
        let listener = tokio::net::TcpListener::bind(command.listen)
            .await
            .map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        output.own(&format!("http://{address}/beta\n"))?;
        let files = command
            .state
            .iter()
            .map(|file| format!("`{}`", file.display()));
        let files = files.collect::<Vec<_>>().join(", ");
        output.note(&format!(
            "serving {files}; tokens come from http://{address}, Ctrl-C ends it\n"
        ));
        sandbox::serve(listener, services, async move { stop.cancelled().await })
            .await
            .map_err(|error| Failure::new(Exit::Failure, error.to_string()))?;
        Ok(Exit::Success)
    })
}

/// Refuses two files of one tenant: whose a request is could not be known.
fn refuse_duplicate_tenants(
    services: &[sandbox::Service],
    command: &Sandbox,
) -> Result<(), Failure> {
    let mut ids = BTreeSet::new();
    for (service, file) in services.iter().zip(&command.state) {
        let id = service.with_machine(|machine| machine.tenant().tenant_id.clone());
        if !ids.insert(id.to_lowercase()) {
            return Err(Failure::usage(format!(
                "`{}` holds the tenant `{id}`, which another file holds too",
                file.display()
            ))
            .hint("give each tenant an id of its own"));
        }
    }
    Ok(())
}
