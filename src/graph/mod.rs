//! Microsoft Graph: reading the live state, turning names into ids, and the one type that writes.
//!
//! From the outside in: [`address`] says where the service is and which links may be followed,
//! [`transport`] is the seam that carries requests (over HTTP or into the
//! sandbox), [`pace`] and [`retry`] hold the only rate and retry rules, [`client`] puts them
//! together, [`read`] and [`writer`] are what the rest of the program sees. Only `apply` may hold a
//! [`writer::Writer`].

pub mod address;
pub mod approvals;
mod audit;
mod batch;
mod class;
pub mod client;
mod decode;
pub mod error;
mod groups;
mod incomplete_lists;
mod listing;
pub mod memberships;
pub mod observe;
pub mod pace;
mod pages;
pub mod permissions;
mod population;
mod probe;
pub mod read;
pub mod record;
mod rejected_options;
pub mod retry;
mod set_members;
pub mod tenant;
mod tenant_totals;
pub mod transport;
mod whole_tenant;
mod wire;
pub mod write_request;
pub mod writer;

pub use error::GraphError;
pub use read::Reader;
pub use whole_tenant::AllNames;
