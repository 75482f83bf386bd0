//! Microsoft Graph: reading the live state, turning names into ids, and the one type that writes.
//!
//! From the outside in: [`address`] says where the service is and which links may be followed,
//! [`transport`] is the seam that carries requests (over HTTP or into the
//! sandbox), [`pace`] and [`retry`] hold the only rate and retry rules, [`client`] puts them
//! together, [`read`] and [`mod@write`] are what the rest of the program sees. Only `apply` may hold a
//! [`write::Writer`].

pub mod address;
pub mod approvals;
mod audit;
mod batch;
pub mod body;
mod class;
pub mod client;
mod decode;
pub mod error;
mod everyone;
mod groups;
mod incomplete_lists;
mod learnt;
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
pub mod retry;
mod set_members;
pub mod tenant;
pub mod transport;
mod whole_tenant;
mod wire;
pub mod write;

pub use error::GraphError;
pub use read::Reader;
pub use whole_tenant::AllNames;
