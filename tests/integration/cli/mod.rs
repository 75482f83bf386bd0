//! The real executable, command by command.
//!
//! Each test makes a small world (a folder, a tenant, manifests), runs a command or two in it and
//! looks at what came out. Longer outputs stand in `tests/integration/expected`; after a wanted
//! change of the output renew them with
//!
//! ```text
//! SNAPSHOTS=overwrite cargo test
//! ```
//!
//! and read the difference before it is committed.

mod absent;
mod apply;
mod approval;
mod approvals;
mod apps;
mod as_it_was;
mod beyond;
#[cfg(unix)]
mod browser;
mod ci;
mod completion;
mod configurations;
mod defects;
mod doctor;
mod encodings;
mod errors;
mod every_kind;
mod exit_codes;
mod explain;
mod export;
#[cfg(target_os = "linux")]
mod failing_files;
mod files;
mod formats;
mod guards;
mod half_done;
mod held_once;
mod honest_errors;
mod hostile;
mod hostile_service;
mod init;
#[cfg(unix)]
mod killed;
mod kinds;
mod late_errors;
#[cfg(unix)]
mod links;
mod lints;
mod list;
mod manners;
mod members;
mod missing_kinds;
mod output;
mod pages;
mod permissions;
#[cfg(unix)]
mod pictures;
mod plan;
mod policy_sets;
mod reading_plans;
mod real_tenants;
mod records;
mod report;
mod reports;
mod resume;
mod resume_shown;
mod resume_waiting;
mod rollback;
mod same_names;
mod saved_plans;
mod schema;
mod secrets;
mod settings;
mod sign_in;
mod since;
mod support;
mod tenant_members;
mod tenants;
mod tls;
mod unknown_tenant;
mod unmanaged;
mod validate;
mod views;
mod who;
mod whoami;
mod write_test;
