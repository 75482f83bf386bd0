//! The whole way to a plan, step by step as the command line goes it.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use assignctl::manifest;
use assignctl::plan::guards::GuardRules;
use assignctl::plan::needs::needs;
use assignctl::plan::saved::{PlanRecord, digest_of};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{self, Basis, Selection};
use assignctl::render::json;
use assignctl::render::text::{self, Detail};

use super::Measured;
use super::support::large::Large;
use super::support::{process, replay};

pub(super) fn plan(folder: &Path, large: Large, as_json: bool) -> Measured {
    let mut measured = Measured::default();
    let mut clock = Instant::now();
    let mut step = |name: &str, measured: &mut Measured| {
        measured
            .steps
            .push((name.to_owned(), clock.elapsed().as_secs_f64()));
        clock = Instant::now();
    };
    let texts = large.manifests();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    let reader = replay::reader(folder.to_owned(), large);
    step("", &mut measured);
    measured.steps.clear();

    let loaded = manifest::read_texts(texts);
    assert!(loaded.diagnostics.is_empty(), "{:?}", loaded.diagnostics);
    step("manifests", &mut measured);

    let live = runtime
        .block_on(reader.tenant(&needs(&loaded.manifest)))
        .expect("a tenant");
    step("read", &mut measured);
    measured.live = process::memory().unwrap_or_default();
    step("", &mut measured);
    measured.steps.pop();

    let rules = GuardRules::default();
    let selection = Selection::default();
    let basis = Basis {
        tenant_id: None,
        graph_url: reader.graph_url(),
        write_with: WriteWith::Auto,
        rules: &rules,
        strict: false,
        selection: &selection,
    };
    let (made, diagnostics) = plan::make(&loaded.manifest, &loaded.sources, &live, &basis);
    let made = made.unwrap_or_else(|| panic!("{diagnostics:?}"));
    let summary = made.summary();
    assert_eq!(summary.managed, large.policies);
    step("compare", &mut measured);

    let digest = digest_of(&made);
    step("digest", &mut measured);

    if as_json {
        let record = PlanRecord::new(&made, &summary, "2026-01-01T00:00:00Z", false);
        black_box(json::plan(&record));
        step("json", &mut measured);
    } else {
        let time = summary.time;
        black_box(text::plan(
            &made,
            &summary,
            &digest,
            time,
            Detail::default(),
        ));
        step("text", &mut measured);
    }
    measured
}
