//! What a run says on stderr while it works.
//!
//! On a terminal it is a display that is drawn over and over (`live`), elsewhere lines that come now
//! and then (`lines`). Both show the same numbers, which `counts` keeps: what has been read, how many
//! policies and writes are done of all, and how much time is left at the service's limit. Whoever
//! prints something else calls [`Progress::clear`] first.

mod counts;
mod lines;
mod live;
mod tenants;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::apply::ObserveApply;
use crate::graph::observe::{Event, Observe};
use crate::plan::{PlannedPolicy, Summary};
use crate::report::PolicyResult;
use crate::text::count;
use counts::Counts;
use lines::{Lines, unlisted};
use live::Live;
pub(super) use tenants::TenantsProgress;

/// Says what happens, unless it must not.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    inner: Option<Arc<Mutex<Inner>>>,
    /// What is said of a run for several tenants.
    pub(super) tenants: TenantsProgress,
}

/// Where it is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Display {
    /// Nowhere.
    Off,
    /// Line by line.
    Lines,
    /// On a terminal.
    Live,
}

#[derive(Debug)]
struct Inner {
    counts: Counts,
    face: Renderer,
}

#[derive(Debug)]
enum Renderer {
    Lines(Lines),
    Live(Live),
}

impl Progress {
    pub(super) fn new(display: Display) -> Self {
        let face = match display {
            Display::Off => None,
            Display::Lines => Some(Renderer::Lines(Lines::default())),
            Display::Live => Some(Renderer::Live(Live::default())),
        };
        let inner = face.map(|face| {
            Arc::new(Mutex::new(Inner {
                counts: Counts::default(),
                face,
            }))
        });
        Self {
            inner,
            tenants: TenantsProgress::new(display),
        }
    }

    /// Says that a plan is about to be carried out.
    pub(super) fn applying(&self, summary: &Summary) {
        if let Some(mut inner) = self.inner() {
            let Inner { counts, face } = &mut *inner;
            let now = Instant::now();
            counts.begin(summary.changed, summary.writes, summary.time, now);
            if let Renderer::Live(live) = face {
                live.applying(counts, counts.time_left(now));
            }
        }
    }

    /// Says that the run was interrupted, and what is left of it; also where nothing else is said.
    pub(super) fn interrupted(&self) {
        self.clear();
        let policies = || {
            let (left, all) = self.inner()?.counts.left()?;
            let all = count(all, "policy", "policies");
            Some(format!("{left} of {all} not settled"))
        };
        let left = self.tenants.left().or_else(policies);
        let left = left.map_or_else(String::new, |left| left + "; ");
        lines::say(&format!(
            "interrupted: {left}nothing further is started, what was sent is finished and read back; a second Ctrl-C quits immediately"
        ));
    }

    /// Says the totals, once: what was read, and what was written if anything was to be.
    pub(super) fn finished(&self) {
        self.clear();
        if let Some(totals) = self.inner().and_then(|mut inner| inner.counts.totals()) {
            lines::say(&totals);
        }
    }

    /// Takes the display away, so that something else can be printed.
    pub(super) fn clear(&self) {
        self.tenants.clear();
        if let Some(mut inner) = self.inner()
            && let Renderer::Live(live) = &mut inner.face
        {
            live.clear();
        }
    }

    fn inner(&self) -> Option<MutexGuard<'_, Inner>> {
        let inner = self.inner.as_ref()?;
        // Numbers are sound whatever happened to whoever held them.
        Some(inner.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Shorter waits are not reported.
const WORTH_TELLING: Duration = Duration::from_secs(1);

impl Observe for Progress {
    fn notice(&self, event: Event) {
        let Some(mut inner) = self.inner() else {
            return;
        };
        let now = Instant::now();
        let Inner { counts, face } = &mut *inner;
        match event {
            Event::PageRead { list, total } => {
                let pages = counts.page(list, total);
                match face {
                    Renderer::Lines(lines) => lines.page(list, pages, total, now),
                    Renderer::Live(live) => live.reading(counts),
                }
            }
            Event::LimitReached { class, wait } | Event::Waiting { class, wait } => {
                if wait < WORTH_TELLING || !counts.is_another_wait(class, now + wait) {
                    return;
                }
                let asked = matches!(event, Event::Waiting { .. });
                match face {
                    Renderer::Lines(lines) => lines.waiting(class, wait, asked),
                    Renderer::Live(live) => live.waiting(class, wait, asked),
                }
            }
            Event::Unlisted { requests } => match face {
                Renderer::Lines(_) => lines::say(&unlisted(requests)),
                Renderer::Live(live) => live.say(&unlisted(requests)),
            },
        }
    }
}

impl ObserveApply for Progress {
    fn settled(&self, policy: &PlannedPolicy, settled: &PolicyResult, done: usize, all: usize) {
        let Some(mut inner) = self.inner() else {
            return;
        };
        let Inner { counts, face } = &mut *inner;
        counts.settled(settled.outcome, policy.writes.len(), done, all);
        let left = counts.time_left(Instant::now());
        match face {
            Renderer::Lines(lines) => lines.settled(policy, settled, counts, left),
            Renderer::Live(live) => live.settled(policy, settled, counts, left),
        }
    }
}
