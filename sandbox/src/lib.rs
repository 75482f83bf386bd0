//! An emulator of the slice of Microsoft Graph that `assignctl` uses, with its own tenant.
//!
//! [`Machine`] is a pure state machine: a request, the time and the tenant in, an answer out.
//! [`http`] gives it a face on a socket or within the process, [`Store`] keeps its tenant in a
//! file. It was written from what is known of the service and from the OpenAPI description, not
//! from the client: it shares no types, tables or parsing with it, so that a mistake in one shows in
//! the other. It is strict: what the service refuses, it refuses, and
//! what it does not know is an error that names it. Comments cite reports by `owner/name#number`
//! (an issue on GitHub) and Microsoft's documentation by file.
//!
//! Reading order: `collections` (which kinds there are, and what differs between them), `tenant` and
//! `switches` (what there is), `machine` (what the service knows), `routes` and `handlers` (how a request
//! goes), `rules`, `approval` and `deviations` (what is refused or bent), `state` and `store` (what is kept), then the helpers.

mod approval;
mod approval_request;
mod audit;
mod call;
mod collections;
mod deviations;
mod encoding;
mod handlers;
pub mod http;
mod machine;
mod members;
mod odata;
mod reply;
mod request;
mod routes;
mod rules;
mod sample;
mod sign_in;
mod state;
mod store;
mod switches;
pub mod target;
mod tenant;
#[cfg(test)]
mod tests;
mod text;
mod throttle;

pub use approval::Decision;
pub use approval_request::{ApprovalRequest, ApprovalStatus, Party};
pub use collections::Collection;
pub use encoding::guid_from;
pub use http::{Service, serve};
pub use machine::Machine;
pub use request::{Request, Response, Statistics};
pub use state::StateError;
pub use store::{LOCK_SUFFIX, Store};
pub use switches::{
    App, Approval, Audit, Deviation, FilterTable, Login, LoginOutcome, PolicySetAssignments,
    RetryAfter, SameBody, Switches, Throttling,
};
pub use tenant::{Assignment, Device, Filter, Group, Policy, Tenant, User};
