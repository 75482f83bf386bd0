//! The parts of planning in instructions instead of seconds, so that machines and days can be
//! compared: `cargo bench --profile instructions --bench instructions`.
//!
//! It needs valgrind, and gungraun-runner in the version of the gungraun that Cargo.lock names. The
//! profile keeps the symbols, without which nothing is counted.

#![expect(missing_docs, reason = "the macros make what they make")]
#![allow(
    clippy::exit,
    reason = "the macros call it; newer versions of clippy do not mind"
)]

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/mod.rs"]
mod support;

use std::hint::black_box;

use gungraun::{library_benchmark, library_benchmark_group, main};
use support::parts::{Parts, as_json, as_text, compare, digest, read_manifests, read_tenant};

fn parts() -> Parts {
    Parts::new("instructions")
}

#[library_benchmark]
#[bench::all_changed(setup = parts)]
fn manifests(parts: Parts) {
    black_box(read_manifests(&parts.texts));
}

#[library_benchmark]
#[bench::all_changed(setup = parts)]
fn tenant(parts: Parts) {
    black_box(read_tenant(&parts.reader(), &parts.loaded));
}

#[library_benchmark]
#[bench::all_changed(setup = parts)]
fn difference(parts: Parts) {
    black_box(compare(&parts.loaded, &parts.live));
}

#[library_benchmark]
#[bench::all_changed(setup = parts)]
fn rendering(parts: Parts) {
    black_box((
        digest(&parts.plan),
        as_text(&parts.plan, ""),
        as_json(&parts.plan, ""),
    ));
}

library_benchmark_group!(
    name = planning,
    benchmarks = [manifests, tenant, difference, rendering]
);
main!(library_benchmark_groups = planning);
