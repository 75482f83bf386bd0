//! What is on the first pages: ids, names, types, platforms, sources, targets and filters in the forms that
//! are expected.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lists::Pages;
use super::tally::{
    Tallies,
    Verdict::{self, Differs, Holds, Open},
};
use super::text;
use crate::graph::decode::Object;
use crate::graph::wire::{FILTER_ID, FILTER_TYPE, ZERO_GUID, short_type};
use crate::kinds::app_settings::settings_of;
use crate::kinds::{IdForm, POLICY_PLATFORMS, Platform, PolicyKind, platform_of_type};
use crate::model::Guid;

/// Types of apps that are for no platform, and of the tenant's own enrollment configurations.
const WITHOUT_PLATFORM: &[&str] = &[
    "webApp",
    "deviceEnrollmentPlatformRestrictionsConfiguration",
    "deviceComanagementAuthorityConfiguration",
];

const TARGETS: &[&str] = &[
    "allDevicesAssignmentTarget",
    "allLicensedUsersAssignmentTarget",
    "groupAssignmentTarget",
    "exclusionGroupAssignmentTarget",
    "configurationManagerCollectionAssignmentTarget",
];

/// Looks at the objects of a kind, and returns the groups that they are assigned to.
pub(super) fn look(tallies: &mut Tallies, kind: PolicyKind, pages: &Pages) -> BTreeSet<String> {
    let mut groups = BTreeSet::new();
    let objects = &pages.objects;
    if objects.is_empty() {
        return groups;
    }
    let spec = kind.spec();
    let name = spec.name_property;
    let is_nameless = |object: &&Object| text(object, name).is_none_or(str::is_empty);
    let names = match objects.iter().filter(is_nameless).count() {
        0 => Holds(format!("`{kind}`")),
        number => {
            let all = objects.len();
            Differs(format!("{number} of {all} `{kind}` have no `{name}`"))
        }
    };
    tallies.note("names", names);
    for object in objects {
        let id = text(object, "id").unwrap_or_default();
        if spec.ids == IdForm::Guid {
            let differs = format!("a `{kind}` has another id");
            let form = Verdict::of(Guid::parse(id).is_some(), format!("`{kind}`"), differs);
            tallies.note("object-ids", form);
        }
        // Types say nothing of the others.
        if spec.polymorphic
            && (spec.platform == Platform::FromType || !spec.targets.special.is_empty())
        {
            let verdict = type_of(kind, text(object, "@odata.type"));
            tallies.note("policy-types", verdict);
        }
        if let Platform::Property(name) = spec.platform {
            platforms(tallies, text(object, name));
        }
        let Some(Value::Array(assignments)) = object.get("assignments") else {
            continue;
        };
        let assignments: Vec<&Object> = assignments.iter().filter_map(Value::as_object).collect();
        assignment_ids(tallies, kind, &assignments);
        for assignment in assignments {
            tallies.note("sources", source(kind, id, assignment));
            let Some(Value::Object(target)) = assignment.get("target") else {
                let differs = format!("a `{kind}` has an assignment without target");
                tallies.note("target-types", Differs(differs));
                continue;
            };
            tallies.note("target-types", target_type(kind, target));
            tallies.note("no-filter", filter(kind, target));
            let group = text(target, "groupId").and_then(Guid::parse);
            groups.extend(group.map(|id| id.to_string()));
        }
    }
    groups
}

fn type_of(kind: PolicyKind, found: Option<&str>) -> Verdict {
    let Some(found) = found else {
        return Differs(format!("a `{kind}` has no `@odata.type`"));
    };
    let short = short_type(found);
    let mut special = kind.spec().targets.special.iter();
    let is_known = platform_of_type(short).is_some()
        || settings_of(short).is_some()
        || WITHOUT_PLATFORM.contains(&short)
        || special.any(|(which, _)| which.is_about_type(short));
    Verdict::of(
        is_known,
        format!("`{kind}`"),
        format!("`{kind}` of the type `#microsoft.graph.{short}`"),
    )
}

fn platforms(tallies: &mut Tallies, found: Option<&str>) {
    for word in found.iter().flat_map(|words| words.split(',')) {
        let word = word.trim();
        let differs = format!("a policy for `{word}`");
        let verdict = Verdict::of(
            POLICY_PLATFORMS.contains(&word),
            format!("`{word}`"),
            differs,
        );
        tallies.note("platforms", verdict);
    }
}

/// A group that a policy set assigns as well has one id for both.
fn assignment_ids(tallies: &mut Tallies, kind: PolicyKind, assignments: &[&Object]) {
    const ID: &str = "assignment-ids";
    let mut sources: BTreeMap<&str, Vec<Option<&Value>>> = BTreeMap::new();
    for assignment in assignments {
        match text(assignment, "id").filter(|id| !id.is_empty()) {
            Some(id) => sources
                .entry(id)
                .or_default()
                .push(assignment.get("source")),
            None => tallies.note(ID, Differs(format!("an assignment of a `{kind}` has none"))),
        }
    }
    for of_id in sources.values() {
        let is_unique = (1..of_id.len()).all(|index| !of_id[..index].contains(&of_id[index]));
        let differs = format!("two assignments of a `{kind}` share one");
        tallies.note(ID, Verdict::of(is_unique, format!("`{kind}`"), differs));
    }
}

fn source(kind: PolicyKind, policy: &str, assignment: &Object) -> Verdict {
    match text(assignment, "source") {
        // Many kinds do not say.
        None => Open(format!("`{kind}` does not say")),
        Some("policySets") => Holds(format!("`{kind}`")),
        Some("direct") => {
            let of = text(assignment, "sourceId").unwrap_or_default();
            Verdict::of(
                of.is_empty() || of.eq_ignore_ascii_case(policy),
                format!("`{kind}`"),
                format!("a direct assignment of a `{kind}` has another `sourceId`"),
            )
        }
        Some(other) => Differs(format!("`{kind}` is assigned by `{other}`")),
    }
}

fn target_type(kind: PolicyKind, target: &Object) -> Verdict {
    let Some(found) = text(target, "@odata.type") else {
        return Differs(format!("a target of a `{kind}` has no `@odata.type`"));
    };
    let short = short_type(found);
    Verdict::of(
        TARGETS.contains(&short),
        format!("`{kind}`"),
        format!("`{kind}` has a target of the type `#microsoft.graph.{short}`"),
    )
}

fn filter(kind: PolicyKind, target: &Object) -> Verdict {
    let words = |key: &str| match target.get(key) {
        None => "absent".to_owned(),
        Some(Value::Null) => "null".to_owned(),
        Some(Value::String(text)) if text.is_empty() => "empty".to_owned(),
        Some(Value::String(text)) if text == ZERO_GUID => "zero".to_owned(),
        Some(Value::String(text)) if Guid::parse(text).is_some() => "an id".to_owned(),
        Some(Value::String(text)) => format!("`{text}`"),
        Some(_) => "not a text".to_owned(),
    };
    let (id, mode) = (words(FILTER_ID), words(FILTER_TYPE));
    let is_none = matches!(&*id, "absent" | "null" | "empty" | "zero");
    let known = match &*mode {
        "`none`" => is_none || id == "an id",
        "absent" | "null" => is_none,
        "`include`" | "`exclude`" => id == "an id" || id == "zero",
        _ => false,
    };
    match known {
        true if is_none => Holds(format!("{id} with {mode}")),
        true => Open("all targets have a filter".to_owned()),
        false => Differs(format!("a `{kind}` has the id {id} with the type {mode}")),
    }
}
