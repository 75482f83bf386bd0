//! What assignments on the pages say of the table of kinds: targets, filters and properties that a kind takes,
//! defaults of the tenant, ids.

use serde_json::Value;

use super::lists::{Pages, parsed};
use super::tally::{
    Tallies,
    Verdict::{self, Differs, Holds, Open},
};
use super::text;
use crate::graph::decode::Object;
use crate::graph::listing::{ListedAssignments, has_default_suffix};
use crate::graph::wire::{ALL_DEVICES_ID, ALL_USERS_ID, short_type};
use crate::kinds::app_settings::settings_of;
use crate::kinds::{AssignmentProperties, FilterRule, PolicyKind, TargetKind, TenantDefault};
use crate::model::{Assignment, LivePolicy};

/// Looks at the policies of a kind, and at their assignments.
pub(super) fn look(tallies: &mut Tallies, kind: PolicyKind, pages: &Pages) {
    for listing in parsed(kind, pages).into_iter().flatten() {
        let policy = listing.live;
        if listing.listed != ListedAssignments::Whole || policy.is_tenant_default {
            continue;
        }
        for assignment in policy.assignments.iter() {
            tallies.note("kind-targets", target(&policy, assignment));
            tallies.note("kind-filters", filter(&policy, assignment));
        }
    }
    for object in &pages.objects {
        tallies.note("tenant-defaults", tenant_default(kind, object));
        let Some(Value::Array(assignments)) = object.get("assignments") else {
            continue;
        };
        let is_assigned = is_assigned(kind, object, !assignments.is_empty());
        tallies.note("is-assigned", is_assigned);
        for assignment in assignments.iter().filter_map(Value::as_object) {
            tallies.note("virtual-groups", virtual_group(kind, assignment));
            let (id, properties) = properties(kind, object, assignment);
            tallies.note(id, properties);
            let id_form = assignment_id(kind, object, assignment);
            tallies.note("assignment-id-form", id_form);
        }
    }
}

fn target(policy: &LivePolicy, assignment: &Assignment) -> Option<Verdict> {
    let kind = policy.kind;
    let targets = &kind.spec().targets;
    let target = &assignment.key.target;
    let found = target.kind();
    if found == TargetKind::Other {
        return None;
    }
    let is_listed = !targets.refused.contains(&found) && !policy.rules().doubtful.contains(&found);
    let beside_all = found == TargetKind::ExclusionGroup
        && !targets.excludes_from_all_devices
        && policy
            .assignments
            .iter()
            .any(|assignment| assignment.key.target.kind() == TargetKind::AllDevices);
    Some(Verdict::of(
        is_listed && !beside_all,
        format!("`{kind}`"),
        format!("a `{kind}` has the target `{}`", target.type_name()),
    ))
}

fn filter(policy: &LivePolicy, assignment: &Assignment) -> Option<Verdict> {
    let kind = policy.kind;
    assignment.filter.as_ref()?;
    Some(match policy.rules().filters {
        _ if assignment.key.target.is_exclusion() => {
            Differs(format!("an excluded group of a `{kind}` has one"))
        }
        FilterRule::Devices | FilterRule::Apps => Holds(format!("`{kind}`")),
        FilterRule::Unsupported | FilterRule::Doubtful => Differs(format!("a `{kind}` has one")),
    })
}

fn tenant_default(kind: PolicyKind, object: &Object) -> Option<Verdict> {
    if kind.spec().tenant_default != TenantDefault::Priority {
        return None;
    }
    let by_priority = object.get("priority") == Some(&Value::from(0));
    let by_id = text(object, "id").is_some_and(has_default_suffix);
    Some(match (by_priority, by_id) {
        (true, true) => Holds(format!("`{kind}`")),
        (false, false) => Open(format!("no default among `{kind}`")),
        (true, false) => Differs(format!("a `{kind}` of priority 0 has the id of others")),
        (false, true) => Differs(format!("a `{kind}` with a default's id has a priority")),
    })
}

fn is_assigned(kind: PolicyKind, object: &Object, has_assignments: bool) -> Option<Verdict> {
    let stated = object.get("isAssigned")?.as_bool()?;
    let but = if has_assignments { "has" } else { "has no" };
    Some(Verdict::of(
        stated == has_assignments,
        format!("`{kind}`"),
        format!("a `{kind}` says {stated}, and {but} assignments"),
    ))
}

fn virtual_group(kind: PolicyKind, assignment: &Object) -> Option<Verdict> {
    let group = group_of(assignment)?;
    let is = |id: &str| group.eq_ignore_ascii_case(id);
    let takes = kind.spec().targets.virtual_all_users;
    Some(match (is(ALL_USERS_ID), is(ALL_DEVICES_ID)) {
        (true, _) if takes => Holds(format!("`{kind}`")),
        (false, false) => Holds("groups are groups".to_owned()),
        (true, _) => Differs(format!("a `{kind}` has all users as a group")),
        (_, true) => Differs(format!("a `{kind}` has all devices as a group")),
    })
}

fn group_of(assignment: &Object) -> Option<&str> {
    text(assignment.get("target")?.as_object()?, "groupId")
}

/// Looks at what an assignment says besides its target. Returns the assumption that it is about, too.
fn properties(
    kind: PolicyKind,
    object: &Object,
    assignment: &Object,
) -> (&'static str, Option<Verdict>) {
    match kind.spec().properties {
        AssignmentProperties::App => ("app-settings", settings(kind, object, assignment)),
        AssignmentProperties::Remediation => {
            let flag = assignment.get("runRemediationScript");
            let verdict = flag.and_then(Value::as_bool).map(|repairs| {
                let differs = format!("an assignment of a `{kind}` reads back `true`");
                Verdict::of(!repairs, format!("`{kind}`"), differs)
            });
            ("remediation-flag", verdict)
        }
        AssignmentProperties::None => {
            let verdict = text(assignment, "intent").map(|intent| {
                let differs = format!("an assignment of a `{kind}` says `{intent}`");
                Verdict::of(intent == "apply", format!("`{kind}`"), differs)
            });
            ("apply-intent", verdict)
        }
    }
}

fn settings(kind: PolicyKind, object: &Object, assignment: &Object) -> Option<Verdict> {
    let settings = assignment.get("settings")?.as_object()?;
    let type_of = |object| text(object, "@odata.type").map_or("", short_type);
    let (app, found) = (type_of(object), type_of(settings));
    let Some(known) = settings_of(app).filter(|known| known.odata_type == found) else {
        return Some(Differs(format!(
            "an app of the type `#microsoft.graph.{app}` has `#microsoft.graph.{found}`"
        )));
    };
    let mut members = settings.keys().filter(|name| !name.contains('@'));
    Some(match members.find(|name| known.value_at(name).is_none()) {
        None => Holds(format!("`{kind}`")),
        Some(name) => Differs(format!(
            "`#microsoft.graph.{found}` has the member `{name}`"
        )),
    })
}

/// Looks at ids of kinds for which one is sent with a create.
fn assignment_id(kind: PolicyKind, object: &Object, assignment: &Object) -> Option<Verdict> {
    let policy = text(object, "id")?;
    let id = text(assignment, "id").filter(|id| !id.is_empty())?;
    if !kind.spec().writing.create_route_is_uncertain() {
        return None;
    }
    let group = group_of(assignment).unwrap_or_default().to_lowercase();
    let is_so = id
        .to_lowercase()
        .strip_prefix(&policy.to_lowercase())
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|rest| rest.starts_with(&group));
    Some(Verdict::of(
        is_so,
        format!("`{kind}`"),
        format!("an assignment of a `{kind}` has another"),
    ))
}
