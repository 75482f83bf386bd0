//! The words every room shares: policy kinds, targets, filters and assignments.
//!
//! Plain values without I/O. Reading them from YAML is `manifest`'s work, from Graph `graph`'s;
//! writing them out for people is `render`'s. Nothing here is serialisable on purpose: the stored
//! and the wire forms are boundaries of their own.

mod assignment;
mod guid;
mod kind;
mod live;
mod path;

pub use assignment::{
    Assignment, Filter, FilterMode, Rows, SharedText, Source, Target, TargetKind, same_assignments,
};
pub use guid::Guid;
pub use kind::{KINDS, PolicyKind, PolicyKindRow};
pub use live::{
    LiveAssignment, LiveFilter, LiveGroup, LivePolicy, LiveTenant, Needs, RawPolicy, RawTenant,
    WholeTenant, rows,
};
pub use path::{assign_path, assignment_path, assignments_path, encode};
