//! Client and sandbox in one process, in virtual time.
//!
//! Every test builds a `World`: a sandbox, a client, and between them a wire that loses, delays,
//! cuts and invents answers. What must hold is worked out here and compared with the sandbox's own
//! state, never with what the client says of itself.

mod support;

mod all_kinds;
mod applying;
mod auditing;
mod counts;
mod deviations;
mod every_kind;
mod filters;
mod kinds;
mod late;
mod members;
mod one_tenant;
mod property;
mod reading;
mod rules;
mod simulation;
mod tenants;
mod write_test;
