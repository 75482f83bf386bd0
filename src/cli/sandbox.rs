//! `sandbox`: the emulator over HTTP.

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
    let service = open_sandbox(&command.state)?;
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
        output.note(&format!(
            "serving `{}`; tokens come from http://{address}, Ctrl-C ends it\n",
            command.state.display()
        ));
        sandbox::serve(listener, service, async move { stop.cancelled().await })
            .await
            .map_err(failed)?;
        Ok(Exit::Success)
    })
}
