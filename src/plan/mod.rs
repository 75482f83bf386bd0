//! The difference between the desired and the live state, as a value.
//!
//! Pure: no I/O, no clock, no async. [`needs`] says what has to be read of the tenant,
//! [`select`] turns checked manifests and what was read into the wanted state of each policy,
//! [`Selection`] says which of them a run looks at, `difference` compares, [`writes`] chooses the
//! calls, `estimate` says how long they take, [`guards`] judges the whole, [`saved`] makes the plan a
//! file with a digest that can be trusted later. Printing and applying walk the
//! same value, so what is shown is what is done.

mod annotations;
pub mod audit;
mod complete;
mod difference;
mod digest;
mod draft;
mod estimate;
mod exclusive_targets;
pub mod explain;
pub mod guards;
mod half_done;
pub mod inventory;
pub mod lints;
mod make;
pub mod members;
mod names;
pub mod needs;
mod reach;
mod record;
pub mod references;
pub mod rollback;
pub mod saved;
pub mod select;
mod selection;
mod set_members;
pub mod since;
mod unmanaged;
pub mod writes;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

pub use annotations::{Annotations, OpenApprovals};
pub use complete::Plan;
pub use difference::{Change, changes};
pub use draft::Draft;
pub use estimate::estimate;
pub use exclusive_targets::{given_up, taken_over};
pub use make::{PlanInputs, make};
pub use names::{Names, shared_policy_names};
pub use selection::Selection;
pub use set_members::SetMembers;
pub use unmanaged::{Notable, NotableReason, Unmanaged};

use crate::diagnostic::{Diagnostic, Place, Severity, Sources};
use crate::kinds::AssignmentProperties;
use crate::manifest::Mode;
use crate::model::{
    Assignment, AssignmentKey, Assignments, LiveAssignment, LivePolicy, PolicyKind, PolicyWrite,
    SharedText,
};
use guards::{Guard, GuardInput};
use writes::WriteWith;

/// What a [`Plan`] is made of: everything that a run intends, and what it is based on.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanContents {
    /// The tenant; `None` if the token does not name it.
    pub tenant_id: Option<String>,
    /// The Graph URL that the live state was read from.
    pub graph_url: String,
    /// How many policies were read.
    pub policies_read: usize,
    /// Which of the managed policies were asked for.
    pub selection: Selection,
    /// How many managed policies the selection leaves out.
    pub left_out: usize,
    /// How many of these only a view leaves out: the counts are those of a plan that has them.
    pub hidden: usize,
    /// The managed policies that the selection takes, changed or not, by kind, name and id.
    pub policies: Vec<PlannedPolicy>,
    /// What each guard saw.
    pub guards: Vec<Guard>,
    /// Warnings that belong to the plan.
    pub diagnostics: Vec<PlanDiagnostic>,
    /// How the writes were chosen.
    pub write_with: WriteWith,
    /// Digests of the unchanged policies' assignments, of a plan that was saved without the policies.
    pub unchanged: Unchanged,
    /// The policies that no entry selects; `None` if they were not looked at.
    pub unmanaged: Option<Vec<Unmanaged>>,
}

/// Digests of policies' assignments, by kind and id.
pub type Unchanged = BTreeMap<(PolicyKind, String), String>;

/// A managed policy.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedPolicy {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's id.
    pub id: String,
    /// The policy's display name.
    pub name: SharedText,
    /// The policy's type, without its prefix, if it is known.
    pub odata_type: Option<SharedText>,
    /// Whether the manifest is the whole set.
    pub mode: Mode,
    /// The entries that select the policy.
    pub manifest: Arc<[ManifestPlace]>,
    /// The live assignments, sorted.
    pub before: Assignments,
    /// The planned assignments, sorted. Where nothing changes they are the same as before.
    pub after: Assignments,
    /// Assignments that a policy set made and no manifest declares: they stay out of an `assign`'s body.
    pub untouched: Assignments,
    /// Of remediations: what a manifest says of repairing, which is written and never read back.
    pub remediation: Arc<[(AssignmentKey, bool)]>,
    /// Of remediations: what is known of the assignments before, by what a report says that its run wrote.
    pub known_before: Arc<[(AssignmentKey, bool)]>,
    /// Of a plan that is made of a report: assignments that are to be again as they were, with all that the
    /// service said of them.
    pub recorded: Arc<[LiveAssignment]>,
    /// What leads from one to the other.
    pub changes: Vec<Change>,
    /// The lines that ask for the changes, in their order; `None` for what no line asks for.
    pub asked: Vec<Option<ManifestPlace>>,
    /// The requests that make the changes.
    pub writes: Vec<PolicyWrite>,
    /// Whether the changes restore what a report recorded as the state before its run.
    pub restores: bool,
    /// Whether another policy of the kind has the same name, or one that looks the same.
    pub shares_name: bool,
    /// Of a plan that resumes: how an earlier run has left the policy.
    pub earlier: Option<Earlier>,
}

/// How an earlier run has left a policy with which another run goes on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earlier {
    /// Whether a write to the policy has had its effect, or may have.
    pub written: bool,
    /// The id of the policy that is to give up first what this one is to get.
    pub waits_for: Option<String>,
}

/// A policy, as messages and guards name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PolicyRef {
    /// The policy's kind.
    pub kind: PolicyKind,
    /// The policy's display name.
    pub name: SharedText,
    /// The policy's id.
    pub id: String,
    /// Whether the name alone is ambiguous.
    pub shares_name: bool,
}

impl PlannedPolicy {
    /// Makes a policy, with kind, id and name, of its assignments before and after. Its writes are not chosen yet.
    fn between(
        (kind, id, name): (PolicyKind, String, SharedText),
        before: Assignments,
        after: Assignments,
    ) -> Self {
        Self {
            kind,
            id,
            name,
            odata_type: None,
            mode: Mode::Exact,
            manifest: Arc::default(),
            changes: changes(&before, &after),
            asked: Vec::new(),
            before,
            after,
            untouched: Assignments::default(),
            remediation: Arc::default(),
            known_before: Arc::default(),
            recorded: Arc::default(),
            writes: Vec::new(),
            restores: false,
            shares_name: false,
            earlier: None,
        }
    }

    /// Whether an earlier run that this one goes on from has written to the policy, or may have.
    pub fn is_begun(&self) -> bool {
        self.earlier.as_ref().is_some_and(|earlier| earlier.written)
    }

    /// Returns the line that asks for a change: that of the target, or the entry without it.
    pub fn place_of(&self, change: usize) -> Option<&ManifestPlace> {
        let asked = self.asked.get(change).and_then(Option::as_ref);
        asked.or(self.manifest.first())
    }

    /// Returns what names the policy.
    pub fn reference(&self) -> PolicyRef {
        PolicyRef {
            kind: self.kind,
            name: self.name.clone(),
            id: self.id.clone(),
            shares_name: self.shares_name,
        }
    }

    /// Whether anything is to be done.
    pub fn is_changed(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether the remediation of an assignment is to repair what it detects. The portal always has it
    /// so, but on exclusions.
    pub fn remediates(&self, key: &AssignmentKey) -> bool {
        repairs(&self.remediation, key)
    }
}

/// Returns what is said of repairing for an assignment of a remediation, if anything is.
pub(crate) fn said_of(said: &[(AssignmentKey, bool)], key: &AssignmentKey) -> Option<bool> {
    let mut said = said.iter();
    said.find(|(known, _)| known == key)
        .map(|(_, repairs)| *repairs)
}

/// Whether an assignment of a remediation repairs: as is said, else as usual.
pub(crate) fn repairs(said: &[(AssignmentKey, bool)], key: &AssignmentKey) -> bool {
    said_of(said, key).unwrap_or(!key.target.is_exclusion())
}

impl PlannedPolicy {
    /// Whether a remediation is to detect only, where an assignment is included.
    pub fn only_detects(&self, assignment: &Assignment) -> bool {
        self.kind.spec().properties == AssignmentProperties::Remediation
            && !assignment.key.target.is_exclusion()
            && !self.remediates(&assignment.key)
    }

    /// Returns the assignments that stay as they are and are written with `runRemediationScript: false`, whatever it
    /// was, which no read shows.
    pub fn rewritten(&self) -> impl Iterator<Item = &Assignment> {
        let written = self.after.iter().filter(|_| self.is_changed());
        let detecting = written.filter(|after| self.only_detects(after));
        detecting.filter(|after| self.before.contains(after))
    }
}

impl PolicyRef {
    /// Returns what names a live policy.
    pub(in crate::plan) fn of(policy: &LivePolicy, shares_name: bool) -> Self {
        Self {
            kind: policy.kind,
            name: policy.name.clone(),
            id: policy.id.clone(),
            shares_name,
        }
    }
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            kind,
            name,
            id,
            shares_name,
        } = self;
        write!(formatter, "{kind} `{name}`")?;
        if *shares_name {
            write!(formatter, " ({id})")?;
        }
        Ok(())
    }
}

/// A place in a manifest, as plans carry it, and plan files.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
pub struct ManifestPlace {
    /// The manifest's path; thousands of entries can be of one manifest.
    #[serde(serialize_with = "write_shared", deserialize_with = "read_shared")]
    pub path: SharedText,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1.
    pub column: usize,
}

fn write_shared<S: Serializer>(text: &SharedText, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(text)
}

fn read_shared<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SharedText, D::Error> {
    String::deserialize(deserializer).map(SharedText::from)
}

impl ManifestPlace {
    fn new(place: Place, sources: &Sources) -> Self {
        Self {
            path: Arc::clone(&sources.file(place.file).path),
            line: place.line,
            column: place.column,
        }
    }
}

/// A warning that travels with the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDiagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// The stable word for it.
    pub code: String,
    /// What is wrong or odd.
    pub summary: String,
    /// Where, if a manifest is to blame.
    pub place: Option<ManifestPlace>,
    /// What the reader can do.
    pub hint: Option<String>,
    /// Other places that belong to it, each with what it has to do with the first.
    pub related: Vec<(ManifestPlace, String)>,
}

impl PlanDiagnostic {
    /// Makes a warning for which no manifest is to blame.
    pub fn warning(code: &str, summary: String) -> Self {
        Self {
            severity: Severity::Warning,
            code: code.to_owned(),
            summary,
            place: None,
            hint: None,
            related: Vec::new(),
        }
    }

    /// Says what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Writes a diagnostic out with the paths of its places.
    pub fn new(diagnostic: &Diagnostic, sources: &Sources) -> Self {
        let Diagnostic {
            severity,
            code,
            message,
            place,
            label: _,
            related,
            hint,
            is_existing: _,
        } = diagnostic;
        Self {
            severity: *severity,
            code: (*code).to_owned(),
            summary: message.clone(),
            place: place.map(|place| ManifestPlace::new(place, sources)),
            hint: hint.clone(),
            related: related
                .iter()
                .map(|(place, label)| (ManifestPlace::new(*place, sources), label.clone()))
                .collect(),
        }
    }
}

/// The counts of a plan; plan files hold them so.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Policies that were read.
    pub policies_read: usize,
    /// Policies that some entry selects.
    pub managed: usize,
    /// Managed policies that change.
    pub changed: usize,
    /// Managed policies that stay.
    pub unchanged: usize,
    /// Policies that no entry selects.
    pub unmanaged: usize,
    /// Assignments to add.
    pub add: usize,
    /// Assignments to remove.
    pub remove: usize,
    /// Assignments that get another filter.
    pub update: usize,
    /// Requests that change something.
    pub writes: usize,
    /// How long they take at the service's limits, as estimated. It has a key of the plan's own.
    #[serde(skip)]
    pub time: Duration,
}

impl PlanContents {
    /// Returns the policies that change.
    pub fn changed(&self) -> impl Iterator<Item = &PlannedPolicy> {
        self.policies.iter().filter(|policy| policy.is_changed())
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changed().next().is_none()
    }

    /// Whether the plan may leave managed policies out.
    pub fn is_partial(&self) -> bool {
        self.selection.is_partial() || self.left_out > 0
    }

    /// Returns the guards that stop the plan.
    pub fn refusing(&self) -> impl Iterator<Item = &Guard> {
        self.guards.iter().filter(|guard| guard.refuses())
    }

    /// Counts.
    pub fn summary(&self) -> Summary {
        let managed = self.policies.len();
        let changed = self.changed().count();
        let mut summary = Summary {
            policies_read: self.policies_read,
            managed,
            changed,
            unchanged: managed - changed,
            unmanaged: self.policies_read.saturating_sub(managed + self.left_out),
            ..Summary::default()
        };
        for policy in &self.policies {
            summary.writes += policy.writes.len();
            for change in &policy.changes {
                match change {
                    Change::Add(_) => summary.add += 1,
                    Change::Remove(_) => summary.remove += 1,
                    Change::Update { .. } => summary.update += 1,
                }
            }
        }
        summary
    }

    pub(in crate::plan) fn guard_input<'a>(
        &'a self,
        annotations: &'a Annotations,
        total: Option<usize>,
    ) -> GuardInput<'a> {
        GuardInput {
            policies: &self.policies,
            names: &annotations.names,
            tenant_id: self.tenant_id.as_deref(),
            total,
            members: annotations.members.as_ref(),
            changed_tenants: None,
        }
    }
}
