//! What several benchmarks need: large tenants and their manifests, and what a process has used.

pub(crate) mod large;
pub(crate) mod parts;
pub(crate) mod process;
pub(crate) mod replay;
