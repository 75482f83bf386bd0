//! What is on the first pages: ids, names, types, platforms, sources, targets and filters in the forms that
//! are expected.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::lists::Pages;
use super::tally::Tallies;
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
    if pages.objects.is_empty() {
        return groups;
    }
    let text = |object: &Object, key: &str| object.get(key)?.as_str().map(str::to_owned);
    let spec = kind.spec();
    let objects = pages.objects.iter();
    let nameless = objects
        .clone()
        .filter(|object| text(object, spec.name_property).is_none_or(|name| name.is_empty()))
        .count();
    match nameless {
        0 => tallies.holds("names", format!("`{kind}`")),
        number => tallies.differs(
            "names",
            format!(
                "{number} of {} `{kind}` have no `{}`",
                pages.objects.len(),
                spec.name_property
            ),
        ),
    }
    for object in objects {
        let id = text(object, "id").unwrap_or_default();
        if spec.ids == IdForm::Guid {
            match Guid::parse(&id).is_some() {
                true => tallies.holds("object-ids", format!("`{kind}`")),
                false => tallies.differs("object-ids", format!("a `{kind}` has another id")),
            }
        }
        // Types say nothing of the others.
        if spec.polymorphic
            && (spec.platform == Platform::FromType || !spec.targets.special.is_empty())
        {
            type_of(tallies, kind, text(object, "@odata.type"));
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
            source(tallies, kind, &id, assignment);
            let Some(Value::Object(target)) = assignment.get("target") else {
                tallies.differs(
                    "target-types",
                    format!("a `{kind}` has an assignment without target"),
                );
                continue;
            };
            self::target(tallies, kind, target);
            filter(tallies, kind, target);
            let group = text(target, "groupId").and_then(|id| Guid::parse(&id));
            groups.extend(group.map(|id| id.to_string()));
        }
    }
    groups
}

fn type_of(tallies: &mut Tallies, kind: PolicyKind, found: Option<String>) {
    const ID: &str = "policy-types";
    let spec = kind.spec();
    let Some(found) = found else {
        tallies.differs(ID, format!("a `{kind}` has no `@odata.type`"));
        return;
    };
    let short = short_type(&found);
    let mut special = spec.targets.special.iter();
    let known = platform_of_type(short).is_some()
        || settings_of(short).is_some()
        || WITHOUT_PLATFORM.contains(&short)
        || special.any(|(which, _)| which.is_about_type(short));
    match known {
        true => tallies.holds(ID, format!("`{kind}`")),
        false => tallies.differs(
            ID,
            format!("`{kind}` of the type `#microsoft.graph.{short}`"),
        ),
    }
}

fn platforms(tallies: &mut Tallies, found: Option<String>) {
    for word in found.iter().flat_map(|words| words.split(',')) {
        match POLICY_PLATFORMS.contains(&word.trim()) {
            true => tallies.holds("platforms", format!("`{}`", word.trim())),
            false => tallies.differs("platforms", format!("a policy for `{}`", word.trim())),
        }
    }
}

/// A group that a policy set assigns as well has one id for both.
fn assignment_ids(tallies: &mut Tallies, kind: PolicyKind, assignments: &[&Object]) {
    const ID: &str = "assignment-ids";
    let mut sources: BTreeMap<&str, Vec<Option<&Value>>> = BTreeMap::new();
    for assignment in assignments {
        match assignment.get("id").and_then(Value::as_str) {
            Some(id) if !id.is_empty() => sources
                .entry(id)
                .or_default()
                .push(assignment.get("source")),
            _ => tallies.differs(ID, format!("an assignment of a `{kind}` has none")),
        }
    }
    for of_id in sources.values() {
        let twice = (1..of_id.len()).any(|index| of_id[..index].contains(&of_id[index]));
        match twice {
            true => tallies.differs(ID, format!("two assignments of a `{kind}` share one")),
            false => tallies.holds(ID, format!("`{kind}`")),
        }
    }
}

fn source(tallies: &mut Tallies, kind: PolicyKind, policy: &str, assignment: &Object) {
    const ID: &str = "sources";
    match assignment.get("source").and_then(Value::as_str) {
        // Many kinds do not say.
        None => tallies.open(ID, format!("`{kind}` does not say")),
        Some("policySets") => tallies.holds(ID, format!("`{kind}`")),
        Some("direct") => {
            let of = assignment.get("sourceId").and_then(Value::as_str);
            match of.is_none_or(|of| of.is_empty() || of.eq_ignore_ascii_case(policy)) {
                true => tallies.holds(ID, format!("`{kind}`")),
                false => tallies.differs(
                    ID,
                    format!("a direct assignment of a `{kind}` has another `sourceId`"),
                ),
            }
        }
        Some(other) => tallies.differs(ID, format!("`{kind}` is assigned by `{other}`")),
    }
}

fn target(tallies: &mut Tallies, kind: PolicyKind, target: &Object) {
    const ID: &str = "target-types";
    let found = target.get("@odata.type").and_then(Value::as_str);
    match found.map(short_type) {
        Some(short) if TARGETS.contains(&short) => tallies.holds(ID, format!("`{kind}`")),
        Some(short) => tallies.differs(
            ID,
            format!("`{kind}` has a target of the type `#microsoft.graph.{short}`"),
        ),
        None => tallies.differs(ID, format!("a target of a `{kind}` has no `@odata.type`")),
    }
}

fn filter(tallies: &mut Tallies, kind: PolicyKind, target: &Object) {
    const ID: &str = "no-filter";
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
        true if is_none => tallies.holds(ID, format!("{id} with {mode}")),
        true => tallies.open(ID, "all targets have a filter"),
        false => tallies.differs(
            ID,
            format!("a `{kind}` has the id {id} with the type {mode}"),
        ),
    }
}
