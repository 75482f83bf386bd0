//! Making a plan: the desired state compared with the live one, policy by policy.

use std::collections::HashMap;
use std::sync::Arc;

use super::exclusive_targets::ExclusiveTargets;
use super::select::{self, DesiredState, ManagedPolicy};
use super::writes::{self, WriteWith};
use super::{
    Annotations, Change, Draft, ManifestPlace, Names, PlanContents, PlanDiagnostic, PlannedPolicy,
    Selection, difference, shared_policy_names, unmanaged,
};
use crate::diagnostic::{Diagnostic, Severity, Sources};
use crate::kinds::AssignmentProperties;
use crate::manifest::Manifest;
use crate::model::{AssignmentKey, LivePolicy, LiveTenant, SharedText};

/// What a plan is made of besides manifests and live state.
#[derive(Clone, Debug)]
pub struct PlanInputs<'a> {
    /// The tenant that the token is for.
    pub tenant_id: Option<String>,
    /// The Graph URL.
    pub graph_url: &'a str,
    /// How writes are chosen.
    pub write_with: WriteWith,
    /// Whether a `match` that selects nothing is an error.
    pub strict: bool,
    /// Which of the managed policies are asked for.
    pub selection: &'a Selection,
}

/// Compares the desired with the live state.
///
/// Returns no plan where the manifests do not fit the tenant; the diagnostics say why, and hold
/// the warnings where there is a plan.
pub fn make(
    manifest: &Manifest,
    sources: &Sources,
    live: &LiveTenant,
    inputs: &PlanInputs<'_>,
) -> (Option<Draft>, Vec<Diagnostic>) {
    let mut selected = select::select(manifest, live, inputs.strict);
    let mut diagnostics = selected.diagnostics;
    let left_out = inputs.selection.narrow(
        &mut selected.policies,
        |managed| (managed.live.kind, &managed.live.name),
        ("managed policy", "managed policies"),
        inputs.strict,
        &mut diagnostics,
    );
    crate::diagnostic::tidy(&mut diagnostics);
    if diagnostics.iter().any(Diagnostic::is_error) {
        return (None, diagnostics);
    }
    let shared_names = shared_policy_names(live.policies.iter().map(LivePolicy::named));
    let mut places = Places::new(sources);
    let mut policies = Vec::with_capacity(selected.policies.len());
    let mut carried = 0;
    let mut gaps: Vec<SharedText> = Vec::new();
    let mut not_known: Vec<SharedText> = Vec::new();
    let mut exclusive = ExclusiveTargets::default();
    for managed in selected.policies {
        let shares_name = shared_names.contains(&(managed.live.kind, managed.live.id.as_str()));
        let desired = Arc::clone(&managed.desired);
        let policy = planned(managed, &mut places, shares_name, inputs.write_with);
        exclusive.add(&policy, |assignment| desired.place_of(assignment));
        if carries_unknown_remediation(&policy, &desired) {
            not_known.push(policy.name.clone());
        }
        let assigns = policy.writes.iter().any(|write| write.is_whole_set());
        if writes::has_gap(&policy, inputs.write_with) {
            gaps.push(policy.name.clone());
        }
        if assigns && !policy.untouched.is_empty() {
            carried += 1;
        }
        policies.push(policy);
    }
    diagnostics.extend(exclusive.judge(&live.policies));
    if diagnostics.iter().any(Diagnostic::is_error) {
        crate::diagnostic::tidy(&mut diagnostics);
        return (None, diagnostics);
    }
    policies.sort_by(|one, other| {
        (one.kind, &one.name, &one.id).cmp(&(other.kind, &other.name, &other.id))
    });
    diagnostics.extend(assigned_by_sets(carried));
    diagnostics.extend(replaced_one_by_one(&gaps));
    diagnostics.extend(remediation_not_known(&not_known));
    let plan_diagnostics = diagnostics
        .iter()
        .map(|diagnostic| PlanDiagnostic::new(diagnostic, sources))
        .collect();
    let contents = PlanContents {
        tenant_id: inputs.tenant_id.clone(),
        graph_url: inputs.graph_url.to_owned(),
        policies_read: live.policies.len(),
        selection: inputs.selection.clone(),
        left_out,
        policies,
        diagnostics: plan_diagnostics,
        write_with: inputs.write_with,
        unmanaged: Some(unmanaged::of(&selected.unmanaged, &shared_names)),
        ..PlanContents::default()
    };
    let annotations = Annotations {
        names: Names::of(&live.groups, &live.filters),
        ..Annotations::default()
    };
    let draft = Draft {
        contents,
        annotations,
    };
    (Some(draft), diagnostics)
}

/// Compares a policy with what is desired of it, and chooses its writes.
fn planned(
    managed: ManagedPolicy<'_>,
    places: &mut Places<'_>,
    shares_name: bool,
    write_with: WriteWith,
) -> PlannedPolicy {
    let planned = difference::planned(&managed);
    let ManagedPolicy { live, desired } = managed;
    let mut policy = PlannedPolicy {
        odata_type: live.odata_type.clone(),
        mode: desired.mode,
        manifest: places.of(&desired),
        untouched: planned.untouched,
        remediation: Arc::clone(&desired.remediation),
        shares_name,
        ..PlannedPolicy::between(
            (live.kind, live.id.clone(), live.name.clone()),
            Arc::clone(&live.assignments),
            planned.after,
        )
    };
    policy.asked = places.of_changes(&policy.changes, &desired);
    policy.writes = writes::planned(
        &policy,
        |assignment| live.assignment_id(assignment),
        write_with,
    );
    policy
}

/// Warns of policies whose whole set is written, and that policy sets assign as well.
fn assigned_by_sets(policies: usize) -> Option<Diagnostic> {
    let are = match policies {
        0 => return None,
        1 => "is",
        _ => "are",
    };
    let message = format!(
        "{policies} of the policies to be written {are} also assigned by a policy set; whether the service keeps such assignments is checked as each is read back"
    );
    let code = "policy-set-assignments";
    Some(Diagnostic::new(Severity::Warning, code, None, message))
}

/// Names the first of several policies.
fn first_of(policies: &[SharedText]) -> Option<String> {
    let first = policies.first()?;
    Some(match policies.len() {
        1 => format!("`{first}`"),
        2 => format!("`{first}` and 1 other"),
        number => format!("`{first}` and {} others", number - 1),
    })
}

/// Whether a write of a policy carries assignments that no entry names and that may be to detect only.
fn carries_unknown_remediation(policy: &PlannedPolicy, desired: &DesiredState) -> bool {
    let is_named = |key: &AssignmentKey| desired.assignments.iter().any(|named| named.key == *key);
    policy.kind.spec().properties == AssignmentProperties::Remediation
        && policy.is_changed()
        && policy
            .after
            .iter()
            .map(|assignment| &assignment.key)
            .any(|key| !key.target.is_exclusion() && !is_named(key))
}

/// Warns of assignments whose `runRemediationScript` is written as it may not be.
fn remediation_not_known(policies: &[SharedText]) -> Option<Diagnostic> {
    let of = first_of(policies)?;
    let message = format!(
        "the service does not report whether the unlisted assignments of {of} run the remediation; they are written with `runRemediationScript: true`"
    );
    Some(
        Diagnostic::new(Severity::Warning, "remediation-not-known", None, message)
            .hint("name those that are to detect only, with `runRemediationScript: false`"),
    )
}

/// Warns of the moment between the two writes of an assignment that is replaced.
pub(super) fn replaced_one_by_one(policies: &[SharedText]) -> Option<Diagnostic> {
    let of = first_of(policies)?;
    let message = format!(
        "assignments of {of} are deleted before others take their place, since the service has no call that replaces them; for a moment there is neither"
    );
    let code = "replaced-one-by-one";
    Some(Diagnostic::new(Severity::Warning, code, None, message))
}

/// The places of entries, written out once for all the policies that the same entries select.
struct Places<'a> {
    sources: &'a Sources,
    written: HashMap<*const DesiredState, Arc<[ManifestPlace]>>,
}

impl<'a> Places<'a> {
    fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            written: HashMap::new(),
        }
    }

    fn of(&mut self, desired: &Arc<DesiredState>) -> Arc<[ManifestPlace]> {
        let written = self.written.entry(Arc::as_ptr(desired)).or_insert_with(|| {
            let places = desired.entries.iter();
            places
                .map(|place| ManifestPlace::new(*place, self.sources))
                .collect()
        });
        Arc::clone(written)
    }

    /// Returns the lines that ask for changes.
    fn of_changes(&self, changes: &[Change], desired: &DesiredState) -> Vec<Option<ManifestPlace>> {
        let place = |change: &Change| {
            let place = match change {
                Change::Remove(before) => desired.place_of_absent(before),
                Change::Add(after) => desired.place_of(after),
                Change::Update { after, .. } => desired.place_of(after),
            };
            Some(ManifestPlace::new(place?, self.sources))
        };
        changes.iter().map(place).collect()
    }
}
