//! Keeps the assignments of Microsoft Intune policies equal to YAML manifests.

pub mod apply;
pub mod cli;
pub mod diagnostic;
pub mod exit;
pub mod graph;
pub mod manifest;
pub mod model;
pub mod plan;
pub mod render;
pub mod sandbox;
