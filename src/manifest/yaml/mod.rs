//! YAML as trees in which every key and value knows its place. Nothing here knows what a manifest is.
//!
//! `build` makes a `tree` of a text, `merge` carries merge keys out, `syntax` words the faults of the YAML
//! itself, `bounds` says how much there may be.

pub(super) mod bounds;
pub(super) mod build;
mod merge;
mod syntax;
pub(super) mod tree;
