//! What a run finds out about the service at its first try, so that each finding costs one request.
//!
//! Two things are uncertain until they have been seen: whether a kind has the create route, and
//! whether `assign` keeps the assignments of policy sets. (Whether `assign` is behind a cast as well, but a
//! refusal costs no more than itself.) The first policy finds out (it holds the
//! [`Probe`]); the others wait for the answer. They must not wait in line: where the first policy
//! has nothing to write, the others are read side by side, and the next one that is about to write
//! finds out. What stays unclear is decided without an answer.

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::lock;
use crate::model::PolicyKind;

/// How many policies may probe inconclusively whether assignments of policy sets are kept. One
/// may fail for a reason of its own; each takes more than a minute while others wait.
const MAX_INCONCLUSIVE_PROBES: usize = 2;

/// What is known of something.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Capability {
    /// Not tried yet: the first that asks finds out.
    #[default]
    Unknown,
    /// A policy is finding out.
    Asked,
    /// Not known, though a policy was to find out: the first that is about to write does.
    Open,
    /// It works.
    Works,
    /// It does not.
    Fails,
    /// It was tried, and the outcome is not known.
    Unclear,
}

/// Something that the first try finds out.
#[derive(Clone, Debug, Default)]
pub(super) struct CapabilityCell(Arc<watch::Sender<Capability>>);

impl CapabilityCell {
    /// Returns what is known, after the probe that is under way, if any; the probe, to the first
    /// that asks.
    pub(super) async fn answer(&self) -> Result<Capability, Probe> {
        let mut changes = self.0.subscribe();
        loop {
            match self.ask(|known| known == Capability::Unknown) {
                Ok(Capability::Asked) => {
                    // The sender is `self`, so that it cannot be gone.
                    let _ = changes.changed().await;
                }
                other => return other,
            }
        }
    }

    /// Returns what is known, or the probe to a policy that is about to write.
    pub(super) fn probe(&self) -> Result<Capability, Probe> {
        self.ask(|known| matches!(known, Capability::Unknown | Capability::Open))
    }

    fn ask(&self, may_probe: impl Fn(Capability) -> bool) -> Result<Capability, Probe> {
        let mut before = Capability::Unknown;
        let probes = self.0.send_if_modified(|known| {
            before = *known;
            let probes = may_probe(before);
            if probes {
                *known = Capability::Asked;
            }
            probes
        });
        if probes {
            Err(Probe(Arc::clone(&self.0)))
        } else {
            Ok(before)
        }
    }
}

/// Held by the policy that finds out; the others wait as long as it is held.
#[derive(Debug)]
pub(super) struct Probe(Arc<watch::Sender<Capability>>);

impl Probe {
    pub(super) fn learn(self, found: Capability) {
        self.0.send_replace(found);
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.send_if_modified(|known| {
            let is_open = *known == Capability::Asked;
            if is_open {
                *known = Capability::Open;
            }
            is_open
        });
    }
}

/// What is known of the service in this run.
#[derive(Debug, Default)]
pub(super) struct Capabilities {
    create_routes: Mutex<HashMap<PolicyKind, CapabilityCell>>,
    /// The kinds whose `assign` is behind a cast only.
    casts: Mutex<BTreeSet<PolicyKind>>,
    policy_set_assignments: CapabilityCell,
    assignments_were_dropped: AtomicBool,
    probes_in_vain: AtomicUsize,
}

impl Capabilities {
    /// Whether a kind has the create route.
    pub(super) fn create_route(&self, kind: PolicyKind) -> CapabilityCell {
        lock(&self.create_routes).entry(kind).or_default().clone()
    }

    /// Notes that the plain `assign` of a kind has no route.
    pub(super) fn note_cast(&self, kind: PolicyKind) {
        lock(&self.casts).insert(kind);
    }

    /// Whether the plain `assign` of a kind has no route.
    pub(super) fn needs_cast(&self, kind: PolicyKind) -> bool {
        lock(&self.casts).contains(&kind)
    }

    /// Whether `assign` keeps the assignments of policy sets that its body leaves out.
    pub(super) fn policy_set_assignments(&self) -> CapabilityCell {
        self.policy_set_assignments.clone()
    }

    /// Notes that a probe of [`Self::policy_set_assignments`] ended without an answer.
    pub(super) fn note_inconclusive_probe(&self, probe: Probe) {
        let before = self.probes_in_vain.fetch_add(1, Ordering::AcqRel);
        if before + 1 >= MAX_INCONCLUSIVE_PROBES {
            probe.learn(Capability::Unclear);
        }
    }

    /// Notes that assignments of a policy set vanished. It may happen after the first try went well.
    pub(super) fn note_dropped_assignments(&self) {
        self.assignments_were_dropped.store(true, Ordering::Release);
    }

    /// Whether assignments of a policy set have vanished in this run.
    pub(super) fn assignments_were_dropped(&self) -> bool {
        self.assignments_were_dropped.load(Ordering::Acquire)
    }
}
