//! What a run says on stderr while it works, a line at a time.

use std::io::Write as _;

use crate::apply::{ObserveApply, Settled};
use crate::graph::observe::{Event, Observe};
use crate::plan::PlannedPolicy;
use crate::render::clean::clean;
use crate::render::words::duration;

/// Says what happens, unless it shall not.
#[derive(Clone, Copy, Debug)]
pub(super) struct Progress {
    pub(super) on: bool,
}

impl Progress {
    fn say(self, line: &str) {
        if self.on {
            let mut stderr = anstream::stderr().lock();
            // Progress that nobody can see is no failure.
            let _ = writeln!(stderr, "{line}");
        }
    }
}

impl Observe for Progress {
    fn notice(&self, event: Event) {
        match event {
            Event::PageRead { list, total } => self.say(&format!("read {total} of {list}")),
            Event::Waiting { class, wait } => self.say(&format!(
                "waiting {} with {}: the service asked for it",
                duration(wait),
                class.plural()
            )),
        }
    }
}

impl ObserveApply for Progress {
    fn settled(&self, policy: &PlannedPolicy, settled: &Settled, done: usize, all: usize) {
        self.say(&format!(
            "[{done}/{all}] {} {} {}",
            settled.outcome.name(),
            policy.kind,
            clean(&policy.name)
        ));
    }
}
