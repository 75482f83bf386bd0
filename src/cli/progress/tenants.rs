//! Progress of runs for several tenants: on a terminal a line for each tenant that is at work and one for all,
//! elsewhere a line as each is done.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::{say, waiting};
use super::{Display, WORTH_TELLING};
use crate::apply::ObserveApply;
use crate::graph::observe::{Event, Observe};
use crate::plan::PlannedPolicy;
use crate::render::clean::clean;
use crate::report::Settled;
use crate::text::count;

/// How often the display moves by itself.
const TICK: Duration = Duration::from_millis(250);

/// The longest that is said of a tenant, in characters.
const LONGEST: usize = 70;

/// What is known of the tenants that are at work.
#[derive(Clone, Debug)]
pub(in crate::cli) struct TenantsProgress {
    display: Display,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    all: usize,
    done: usize,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    lines: MultiProgress,
    total: ProgressBar,
    at_work: BTreeMap<String, ProgressBar>,
}

impl TenantsProgress {
    pub(in crate::cli) fn new(display: Display) -> Self {
        Self {
            display,
            inner: Arc::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        // Numbers are sound whatever happened to whoever held them.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins to count: so many tenants will be planned, or carried out.
    pub(in crate::cli) fn expect(&self, all: usize) {
        let mut inner = self.inner();
        (inner.all, inner.done) = (all, 0);
        if self.display == Display::Live {
            let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
            let total = lines.add(ProgressBar::new_spinner());
            total.set_message(total_of(0, all));
            inner.live = Some(Live {
                lines,
                total,
                at_work: BTreeMap::new(),
            });
        }
    }

    pub(in crate::cli) fn begins(&self, tenant: &str) {
        if let Some(live) = &mut self.inner().live {
            let line = live.lines.add(ProgressBar::new_spinner());
            line.set_style(ProgressStyle::default_spinner());
            line.set_message(tenant.to_owned());
            line.enable_steady_tick(TICK);
            live.at_work.insert(tenant.to_owned(), line);
        }
    }

    fn says(&self, tenant: &str, text: &str) {
        if let Some(live) = &self.inner().live
            && let Some(line) = live.at_work.get(tenant)
        {
            line.set_message(format!("{tenant}: {text}"));
        }
    }

    pub(in crate::cli) fn ends(&self, tenant: &str, state: &str) {
        let mut inner = self.inner();
        inner.done += 1;
        let Inner { all, done, live } = &mut *inner;
        if let Some(live) = live {
            if let Some(line) = live.at_work.remove(tenant) {
                line.finish_and_clear();
            }
            live.total.set_message(total_of(*done, *all));
        }
        if self.display == Display::Lines {
            let short: String = clean(state).chars().take(LONGEST).collect();
            say(&format!("[{done}/{all}] {tenant}: {short}"));
        }
    }

    /// Takes the display away, so that something else can be printed.
    pub(in crate::cli) fn clear(&self) {
        if let Some(live) = self.inner().live.take() {
            for line in live.at_work.values() {
                line.disable_steady_tick();
            }
            // A terminal that is gone is no failure of the run.
            let _ = live.lines.clear();
            live.lines.set_draw_target(ProgressDrawTarget::hidden());
        }
    }

    /// Returns what the requests and policies of a tenant are reported to.
    pub(in crate::cli) fn of(&self, tenant: &str) -> OfTenant {
        OfTenant {
            all: self.clone(),
            tenant: tenant.to_owned(),
        }
    }
}

fn total_of(done: usize, all: usize) -> String {
    format!("{done} of {} done", count(all, "tenant", "tenants"))
}

/// One tenant's part of the progress.
#[derive(Debug)]
pub(in crate::cli) struct OfTenant {
    all: TenantsProgress,
    tenant: String,
}

impl Observe for OfTenant {
    fn notice(&self, event: Event) {
        match event {
            Event::PageRead { list, total } => {
                self.all
                    .says(&self.tenant, &format!("read {total} of {list}"));
            }
            Event::LimitReached { class, wait } | Event::Waiting { class, wait } => {
                if wait >= WORTH_TELLING {
                    let asked = matches!(event, Event::Waiting { .. });
                    self.all.says(&self.tenant, &waiting(class, wait, asked));
                }
            }
        }
    }
}

impl ObserveApply for OfTenant {
    fn settled(&self, _: &PlannedPolicy, _: &Settled, done: usize, all: usize) {
        let all = count(all, "policy", "policies");
        self.all.says(&self.tenant, &format!("{done} of {all}"));
    }
}
