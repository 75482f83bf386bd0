//! Each part of planning by itself, for a thousand policies that all change:
//! `cargo bench --bench parts`. Compare two commits with `-- --save-baseline` and `-- --baseline`.

#[expect(dead_code, reason = "other benchmarks use the rest")]
#[path = "support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use support::parts::{Parts, as_json, as_text, compare, digest, read_manifests, read_tenant};

fn parts(criterion: &mut Criterion) {
    let parts = Parts::new("parts");
    let reader = parts.reader();
    let mut group = criterion.benchmark_group("1000 policies");
    group.sample_size(20);
    group.bench_function("read manifests", |bencher| {
        bencher.iter(|| read_manifests(black_box(&parts.texts)));
    });
    group.bench_function("read tenant", |bencher| {
        bencher.iter(|| read_tenant(&reader, black_box(&parts.loaded)));
    });
    group.bench_function("compare", |bencher| {
        bencher.iter(|| compare(black_box(&parts.loaded), &parts.live));
    });
    group.bench_function("digest", |bencher| {
        bencher.iter(|| digest(black_box(&parts.plan)));
    });
    group.bench_function("text", |bencher| {
        bencher.iter(|| as_text(black_box(&parts.plan), ""));
    });
    group.bench_function("json", |bencher| {
        bencher.iter(|| as_json(black_box(&parts.plan), ""));
    });
    group.finish();
}

criterion_group!(benches, parts);
criterion_main!(benches);
