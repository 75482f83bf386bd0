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
//! Reading order: `tenant` and `switches` (what there is), `machine` (how a request goes),
//! `policies` and `directory` (what is answered), `validate` (what is refused), `store` and
//! `journal` (what is kept), then the helpers.

mod assertion;
mod batch;
mod changes;
mod directory;
mod encoding;
mod filters;
pub mod http;
mod index;
mod journal;
mod kinds;
mod machine;
mod path;
mod policies;
mod predicate;
mod query;
mod reply;
mod request;
mod rows;
mod sample;
mod shown;
mod state;
mod store;
mod switches;
pub mod target;
mod tenant;
#[cfg(test)]
mod tests;
mod text;
mod throttle;
mod token;
mod validate;

pub use encoding::guid_from;
pub use http::{Service, serve};
pub use kinds::Collection;
pub use machine::{Hook, Machine};
pub use request::{Request, Response, Statistics};
pub use state::StateError;
pub use store::{LOCK_SUFFIX, Store};
pub use switches::{App, PolicySetRows, RetryAfter, Switches, Throttling};
pub use target::Target;
pub use tenant::{Assignment, Filter, Group, Policy, Tenant};
