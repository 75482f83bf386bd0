//! Values to text. It only formats: no I/O, no clock, no decisions.

pub mod approvals;
pub mod clean;
mod columns;
pub mod diagnostics;
mod diff;
pub mod doctor;
pub mod explain;
pub mod github;
pub mod groups;
pub mod identity;
pub mod inventory;
pub mod json;
pub mod lacks;
mod lines;
pub mod markdown;
mod members;
pub mod phrases;
mod properties;
pub mod recorded;
mod requests;
pub mod review;
mod set_members;
pub mod tenants;
pub mod text;
mod unmanaged;
mod who;
