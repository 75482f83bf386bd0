//! Request handlers, one file per part of the service.

pub(crate) mod approvals;
pub(crate) mod assignments;
pub(crate) mod audit;
pub(crate) mod batch;
pub(crate) mod directory;
mod edits;
pub(crate) mod evaluation;
pub(crate) mod filters;
pub(crate) mod memberships;
pub(crate) mod policies;
pub(crate) mod population;
pub(crate) mod references;
mod shape;
