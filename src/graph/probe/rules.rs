//! What assignments on the pages say of the table of kinds: targets, filters and properties that a kind takes,
//! defaults of the tenant, ids.

use serde_json::Value;

use super::lists::{Pages, parsed};
use super::tally::Tallies;
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
            target(tallies, &policy, assignment);
            filter(tallies, &policy, assignment);
        }
    }
    for object in &pages.objects {
        tenant_default(tallies, kind, object);
        let Some(Value::Array(assignments)) = object.get("assignments") else {
            continue;
        };
        is_assigned(tallies, kind, object, !assignments.is_empty());
        for assignment in assignments.iter().filter_map(Value::as_object) {
            virtual_group(tallies, kind, assignment);
            properties(tallies, kind, object, assignment);
            assignment_id(tallies, kind, object, assignment);
        }
    }
}

fn target(tallies: &mut Tallies, policy: &LivePolicy, assignment: &Assignment) {
    const ID: &str = "kind-targets";
    let kind = policy.kind;
    let targets = &kind.spec().targets;
    let found = assignment.key.target.kind();
    if found == TargetKind::Other {
        return;
    }
    let is_listed = !targets.refused.contains(&found) && !policy.rules().doubtful.contains(&found);
    let beside_all = found == TargetKind::ExclusionGroup
        && !targets.excludes_from_all_devices
        && policy
            .assignments
            .iter()
            .any(|assignment| assignment.key.target.kind() == TargetKind::AllDevices);
    match is_listed && !beside_all {
        true => tallies.holds(ID, format!("`{kind}`")),
        false => {
            let name = assignment.key.target.type_name();
            tallies.differs(ID, format!("a `{kind}` has the target `{name}`"));
        }
    }
}

fn filter(tallies: &mut Tallies, policy: &LivePolicy, assignment: &Assignment) {
    const ID: &str = "kind-filters";
    let kind = policy.kind;
    match &assignment.filter {
        None => {}
        Some(_) if assignment.key.target.is_exclusion() => {
            tallies.differs(ID, format!("an excluded group of a `{kind}` has one"));
        }
        Some(_) => match policy.rules().filters {
            FilterRule::Devices | FilterRule::Apps => tallies.holds(ID, format!("`{kind}`")),
            FilterRule::Unsupported | FilterRule::Doubtful => {
                tallies.differs(ID, format!("a `{kind}` has one"));
            }
        },
    }
}

fn tenant_default(tallies: &mut Tallies, kind: PolicyKind, object: &Object) {
    const ID: &str = "tenant-defaults";
    if kind.spec().tenant_default != TenantDefault::Priority {
        return;
    }
    let by_priority = object.get("priority") == Some(&Value::from(0));
    let by_id = text(object, "id").is_some_and(has_default_suffix);
    match (by_priority, by_id) {
        (true, true) => tallies.holds(ID, format!("`{kind}`")),
        (false, false) => tallies.open(ID, format!("no default among `{kind}`")),
        (true, false) => {
            tallies.differs(ID, format!("a `{kind}` of priority 0 has the id of others"));
        }
        (false, true) => {
            tallies.differs(ID, format!("a `{kind}` with a default's id has a priority"));
        }
    }
}

fn is_assigned(tallies: &mut Tallies, kind: PolicyKind, object: &Object, has_assignments: bool) {
    const ID: &str = "is-assigned";
    match object.get("isAssigned").and_then(Value::as_bool) {
        None => {}
        Some(stated) if stated == has_assignments => tallies.holds(ID, format!("`{kind}`")),
        Some(stated) => {
            let but = if has_assignments { "has" } else { "has no" };
            tallies.differs(
                ID,
                format!("a `{kind}` says {stated}, and {but} assignments"),
            );
        }
    }
}

fn virtual_group(tallies: &mut Tallies, kind: PolicyKind, assignment: &Object) {
    const ID: &str = "virtual-groups";
    let target = assignment.get("target").and_then(Value::as_object);
    let Some(group) = target.and_then(|target| text(target, "groupId")) else {
        return;
    };
    let is = |id: &str| group.eq_ignore_ascii_case(id);
    let takes = kind.spec().targets.virtual_all_users;
    match (is(ALL_USERS_ID), is(ALL_DEVICES_ID)) {
        (true, _) if takes => tallies.holds(ID, format!("`{kind}`")),
        (false, false) => tallies.holds(ID, "groups are groups"),
        (true, _) => tallies.differs(ID, format!("a `{kind}` has all users as a group")),
        (_, true) => tallies.differs(ID, format!("a `{kind}` has all devices as a group")),
    }
}

/// Looks at what an assignment says besides its target.
fn properties(tallies: &mut Tallies, kind: PolicyKind, object: &Object, assignment: &Object) {
    match kind.spec().properties {
        AssignmentProperties::App => settings(tallies, kind, object, assignment),
        AssignmentProperties::Remediation => {
            const ID: &str = "remediation-flag";
            match assignment
                .get("runRemediationScript")
                .and_then(Value::as_bool)
            {
                Some(true) => {
                    tallies.differs(ID, format!("an assignment of a `{kind}` reads back `true`"));
                }
                Some(false) => tallies.holds(ID, format!("`{kind}`")),
                None => {}
            }
        }
        AssignmentProperties::None => {
            const ID: &str = "apply-intent";
            match text(assignment, "intent") {
                Some("apply") => tallies.holds(ID, format!("`{kind}`")),
                Some(other) => {
                    tallies.differs(ID, format!("an assignment of a `{kind}` says `{other}`"));
                }
                None => {}
            }
        }
    }
}

fn settings(tallies: &mut Tallies, kind: PolicyKind, object: &Object, assignment: &Object) {
    const ID: &str = "app-settings";
    let Some(settings) = assignment.get("settings").and_then(Value::as_object) else {
        return;
    };
    let app = text(object, "@odata.type")
        .map(short_type)
        .unwrap_or_default();
    let found = text(settings, "@odata.type")
        .map(short_type)
        .unwrap_or_default();
    let Some(known) = settings_of(app).filter(|known| known.odata_type == found) else {
        let seen =
            format!("an app of the type `#microsoft.graph.{app}` has `#microsoft.graph.{found}`");
        tallies.differs(ID, seen);
        return;
    };
    let members = settings.keys().filter(|name| !name.contains('@'));
    let odd: Vec<&String> = members
        .filter(|name| known.value_at(name).is_none())
        .collect();
    match odd.first() {
        None => tallies.holds(ID, format!("`{kind}`")),
        Some(name) => tallies.differs(
            ID,
            format!("`#microsoft.graph.{found}` has the member `{name}`"),
        ),
    }
}

/// Looks at ids of kinds for which one is sent with a create.
fn assignment_id(tallies: &mut Tallies, kind: PolicyKind, object: &Object, assignment: &Object) {
    const ID: &str = "assignment-id-form";
    let is_sent = kind.spec().writing.create_route_is_uncertain();
    let (Some(policy), Some(id)) = (text(object, "id"), text(assignment, "id")) else {
        return;
    };
    let target = assignment.get("target").and_then(Value::as_object);
    let group = target.and_then(|target| text(target, "groupId"));
    if !is_sent || id.is_empty() {
        return;
    }
    let lower = id.to_lowercase();
    let is_so = lower
        .strip_prefix(&policy.to_lowercase())
        .and_then(|rest| rest.strip_prefix('_'))
        .is_some_and(|rest| group.is_none_or(|group| rest.starts_with(&group.to_lowercase())));
    match is_so {
        true => tallies.holds(ID, format!("`{kind}`")),
        false => tallies.differs(ID, format!("an assignment of a `{kind}` has another")),
    }
}
