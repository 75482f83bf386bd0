//! The whole way to a plan, step by step as the command line goes it.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use super::Measured;
use super::support::large::Large;
use super::support::parts::{as_json, as_text, compare, digest, read_manifests, read_tenant};
use super::support::{process, replay};

pub(super) fn plan(folder: &Path, large: Large, json: bool) -> Measured {
    let texts = large.manifests();
    let reader = replay::reader(folder.to_owned(), large);

    let mut measured = Measured::default();
    let loaded = measured.step("manifests", || read_manifests(&texts));
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    let live = measured.step("read", || read_tenant(&reader, &loaded));
    measured.live = process::memory().unwrap_or_default();
    let made = measured.step("compare", || compare(&loaded, &live));
    assert_eq!(made.0.summary().managed, large.policies);
    let digest = measured.step("digest", || digest(&made));
    if json {
        black_box(measured.step("json", || as_json(&made, &digest)));
    } else {
        black_box(measured.step("text", || as_text(&made, &digest)));
    }
    measured
}

impl Measured {
    fn step<T>(&mut self, name: &str, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let made = work();
        self.steps
            .push((name.to_owned(), start.elapsed().as_secs_f64()));
        made
    }
}
