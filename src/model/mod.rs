//! The types that every module shares: policy kinds, targets, filters and assignments.
//!
//! Plain values without I/O. Reading them from YAML is `manifest`'s work, from Graph `graph`'s;
//! writing them out for people is `render`'s. Nothing here is serialisable on purpose: the stored
//! and the wire forms are boundaries of their own.
//!
//! What a manifest asks for ([`Desired`]), what a tenant has or is to have ([`Assignment`]) and what
//! identifies an assignment ([`AssignmentKey`]) are three types.

mod approval;
mod assignment;
mod audit;
mod desired;
mod guid;
mod live;
mod path;
mod policy_write;
mod population;
mod rate;
mod target;

pub use approval::{ApprovalEntry, ApprovalStatus};
pub use assignment::{
    Assignment, AssignmentKey, Assignments, Properties, Property, same_assignments,
};
pub use audit::{AuditEvent, AuditLog};
pub use desired::{Desired, Stated, StatedProperties};
pub use guid::Guid;
pub use live::{
    LiveAssignment, LiveDevice, LiveFilter, LiveGroup, LivePolicy, LiveTenant, Needs, RawPolicy,
    RawTenant, SetMember, SimilarGroups, UnavailableKind, WholeTenant, assignments,
};
pub use path::{assignments_path, encode};
pub use policy_write::PolicyWrite;
pub use population::{
    DeletedGroup, FilterCount, GroupTraits, MemberCount, MemberSet, Population, PopulationNeeds,
    Unknown,
};
pub use rate::RateLimit;
pub use target::{Filter, FilterMode, SharedText, Source, Target, virtual_group};

pub use crate::kinds::{PolicyKind, TargetKind};
