//! Values to text. It only formats: no I/O, no clock, no decisions.

pub mod clean;
pub mod diagnostics;
mod diff;
pub mod github;
pub mod identity;
pub mod json;
mod lines;
pub mod markdown;
pub mod recorded;
pub mod review;
pub mod text;
pub mod words;
