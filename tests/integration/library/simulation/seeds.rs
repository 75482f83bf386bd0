//! Runs stories by seed, on all cores.

use std::future::Future;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::library::support::wire::lock;
use crate::library::support::world::in_virtual_time;

#[expect(clippy::print_stdout, reason = "for whoever looks on with --nocapture")]
pub(super) fn say(words: std::fmt::Arguments<'_>) {
    println!("{words}");
}

/// Reads `SEEDS`: `7`, or `0..20000`; `usual` are those that run where it is not set.
pub(super) fn seeds(usual: Range<u64>) -> Range<u64> {
    let Ok(text) = std::env::var("SEEDS") else {
        return usual;
    };
    let number = |text: &str| -> u64 { text.trim().parse().expect("SEEDS is a number or a range") };
    match text.split_once("..") {
        Some((start, end)) => number(start)..number(end),
        None => number(&text)..number(&text) + 1,
    }
}

/// Tells each seed's story, and adds up what came to pass. `name` is the test's filter.
pub(super) fn run_all<S, F>(
    seeds: Range<u64>,
    name: &str,
    story: impl Fn(u64) -> F + Sync,
    add: impl Fn(&mut S, &S) + Sync,
) -> S
where
    S: Default + Send + Copy,
    F: Future<Output = S>,
{
    let next = AtomicU64::new(seeds.start);
    let all = Mutex::new(S::default());
    let failed: Mutex<Option<(u64, String)>> = Mutex::new(None);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                while lock(&failed).is_none() {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let story = || in_virtual_time(story(seed));
                    match catch_unwind(AssertUnwindSafe(story)) {
                        Ok(seen) => add(&mut lock(&all), &seen),
                        Err(panic) => {
                            let text = panic
                                .downcast_ref::<String>()
                                .map(String::as_str)
                                .or_else(|| panic.downcast_ref::<&str>().copied());
                            let text = text.unwrap_or("a panic without words").to_owned();
                            lock(&failed).get_or_insert((seed, text));
                        }
                    }
                }
            });
        }
    });
    if let Some((seed, text)) = lock(&failed).take() {
        panic!(
            "seed {seed}: {text}\n\nto run it alone: \
             SEEDS={seed} cargo test --test integration {name} -- --nocapture"
        );
    }
    *lock(&all)
}
