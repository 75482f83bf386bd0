//! The use cases: functions from settings and files to values. They read and write the service and
//! files; they print nothing and know nothing of the command line.
//!
//! [`connect`] builds the client, [`inputs`] reads the files that a run is given, and one module a use
//! case does the rest. [`Failure`] is the one error of all of them.

pub mod apply;
pub mod approvals;
pub mod clock;
pub mod connect;
pub mod doctor;
pub mod earlier_run;
pub mod explain;
pub mod export;
pub mod failure;
pub mod filed_requests;
pub mod folder;
pub mod init;
pub mod inputs;
pub mod list;
pub mod login;
pub mod manifests;
pub mod members;
pub mod one_tenant;
pub mod plan;
pub mod reports;
pub mod resume;
pub mod reviewed;
pub mod rollback;
pub mod schema;
pub mod tenants;
pub mod unavailable;
pub mod who;
pub mod whoami;
pub mod write_test;

use std::future::Future;

use tokio_util::sync::CancellationToken;

pub use crate::manifest::CONFIGURATION_FILE;
pub use failure::Failure;

/// Does some work, unless the run is stopped before it is done.
async fn unless_stopped<T>(
    stop: &CancellationToken,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    tokio::select! {
        biased;
        () = stop.cancelled() => Err(Failure::interrupted()),
        done = work => done,
    }
}
