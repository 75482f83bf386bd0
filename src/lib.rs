//! Keeps Microsoft Intune policy assignments in sync with YAML manifests in git.
//!
//! # Layout
//!
//! Data flows one way, and the modules stand in that order:
//!
//! - [`kinds`]: the catalogue of policy kinds: one row a kind, behaviour as data.
//! - [`service`]: what is taken for granted of the service, as a table.
//! - [`model`]: the shared words: targets, filters, assignments, the live state.
//! - [`diagnostic`]: what is wrong, where, and what to do about it.
//! - [`manifest`]: text to checked desired state.
//! - [`auth`]: signing in: which credential, and when a token is renewed.
//! - [`graph`]: the live state, names to ids, and the one type that can write.
//! - [`plan`]: the difference as a value, with guards and digest.
//! - [`report`]: what a run did, written as it goes and read back.
//! - [`apply`]: carries out a plan; the only module that can write.
//! - [`export`]: the live state as manifests, or as a tenant for the sandbox.
//! - [`render`]: values to text.
//! - [`ci`]: what a pipeline's platform says of the run, and the comment and the issue that are kept there.
//! - [`redact`]: taking secrets out of what comes from a service and of what people read, and finding
//!   them in data, which is then not written.
//! - [`net`] and [`text`]: which addresses are safe, connections, small pieces of text.
//! - [`look_alike`]: names that look the same and are not.
//! - [`run`]: the use cases, from settings to values.
//! - [`exit`], [`files`] and [`cli`]: exit codes, how files are read and written, and the command line.
//!
//! The Graph emulator is a crate of its own, `assignctl_sandbox`, which shares nothing with this one.
//!
//! # Invariants
//!
//! - `manifest` and `plan` do no I/O beyond reading the given files and know nothing of HTTP;
//!   `render` and `export` only format.
//! - Nothing outside `apply` holds the type that can write. A plan is complete before the first
//!   write.
//! - Same input, same bytes out: sorted collections, no clock or randomness in `plan` or `render`.
//! - Text from Graph or YAML is made safe where it is rendered, and never trusted as markup.
//! - Unknown is never empty: a read that failed, was cut or was refused stops the write that it
//!   would have led to.
//! - `assignctl_sandbox` uses nothing of this crate. `graph` has it behind its transport, `run` opens its files, `cli`
//!   serves it, and the tests use it.

pub mod apply;
pub mod auth;
pub mod ci;
pub mod cli;
pub mod diagnostic;
pub mod exit;
pub mod export;
pub mod files;
pub mod graph;
pub mod kinds;
pub mod look_alike;
pub mod manifest;
pub mod model;
pub mod net;
pub mod plan;
pub mod redact;
pub mod render;
pub mod report;
pub mod run;
pub mod service;
pub mod text;
