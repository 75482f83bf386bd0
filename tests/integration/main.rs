//! The integration tests: one binary, a module per topic.
//!
//! `cli` runs the real executable against the sandbox; `library` wires the same rooms together in
//! one process under a paused clock, where hours of throttling take no time. `architecture` reads the
//! sources.

mod architecture;
mod cli;
mod library;
mod ordinary;
