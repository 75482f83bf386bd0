//! The rules for an assignment in a body: the OpenAPI slice's types, enums and required properties,
//! and what the service is known to refuse beyond them. Types are closed: a property that is not theirs is
//! refused, unless the service itself has shown it on the policy.

use serde_json::{Map, Value, json};

use super::body::{only_known, wrong_type};
use super::{apps, enrollment, filter, remediation};
use crate::collections::{Extras, SourceForm, Spec};
use crate::encoding::is_guid;
use crate::reply::Fault;
use crate::target::{NAMESPACE, TargetType};
use crate::tenant::{Assignment, Policy, Tenant, assignment_id, own_source_id};

/// Reads one assignment and gives it the form in which the service keeps it.
pub(crate) fn read(tenant: &Tenant, policy: &Policy, value: Value) -> Result<Assignment, Fault> {
    let spec = policy.collection.spec();
    let Value::Object(mut assignment) = value else {
        return Err(Fault::bad_request("An assignment is not an object."));
    };
    check_element(spec, assignment.remove("@odata.type"))?;
    // The id is the service's to make. Tools send none, an empty one or the one they read
    // (facts, section 2.3).
    if let Some(id) = assignment.remove("id")
        && !id.is_string()
    {
        return Err(wrong_type("id", "a string", &id));
    }
    let (source, source_id) = source_of(policy, &mut assignment)?;
    let target = match assignment.remove("target") {
        Some(Value::Object(target)) => target_of(tenant, policy, target)?,
        Some(other) => return Err(wrong_type("target", "an object", &other)),
        None => return Err(Fault::bad_request("An assignment has no 'target'.")),
    };
    let excludes = TargetType::of(&target) == Some(TargetType::ExclusionGroup);
    match spec.extras {
        Extras::None => {}
        Extras::App => apps::check(policy, &mut assignment, excludes)?,
        Extras::Remediation => remediation::check(policy, &mut assignment, excludes)?,
        Extras::Apply => match assignment.get("intent") {
            None => {
                assignment.insert("intent".to_owned(), json!("apply"));
            }
            Some(Value::String(intent)) if matches!(intent.as_str(), "apply" | "remove") => {}
            Some(other) => return Err(wrong_type("intent", "'apply' or 'remove'", other)),
        },
        Extras::Modified => {
            assignment.remove("lastModifiedDateTime");
        }
    }
    let known = spec.extras.properties();
    let unknown = assignment
        .keys()
        .filter(|key| !known.contains(&key.as_str()));
    only_known(
        policy,
        &[],
        &format!("{NAMESPACE}{}", spec.element),
        unknown,
    )?;
    let mut assignment = Assignment {
        id: String::new(),
        source: source.to_owned(),
        source_id,
        target,
        properties: assignment,
    };
    assignment.id = assignment_id(policy.collection, &policy.id, &assignment);
    Ok(assignment)
}

/// Checks the type that an element says it has.
fn check_element(spec: &Spec, odata_type: Option<Value>) -> Result<(), Fault> {
    let Some(odata_type) = odata_type else {
        return Ok(());
    };
    let element = spec.element;
    let name = odata_type.as_str().unwrap_or_default();
    if name.strip_prefix('#').unwrap_or(name) == format!("{NAMESPACE}{element}") {
        return Ok(());
    }
    Err(Fault::model(format!(
        "An assignment has the type {odata_type}; expected '#{NAMESPACE}{element}'."
    )))
}

/// Returns source and source id. Kinds without them ignore what tools read elsewhere and send.
fn source_of(
    policy: &Policy,
    assignment: &mut Map<String, Value>,
) -> Result<(&'static str, Option<String>), Fault> {
    let source = match assignment.remove("source") {
        None => "direct",
        Some(Value::String(name)) if name == "direct" => "direct",
        Some(Value::String(name)) if name == "policySets" => "policySets",
        Some(other) => return Err(wrong_type("source", "'direct' or 'policySets'", &other)),
    };
    let given = match assignment.remove("sourceId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(other) => return Err(wrong_type("sourceId", "a string or null", &other)),
    };
    Ok(match (policy.collection.spec().source, source) {
        (SourceForm::Absent, _) | (_, "direct") => {
            ("direct", own_source_id(policy.collection, &policy.id))
        }
        _ => (source, given),
    })
}

/// Refuses a set in which a target stands twice, or a group is both included and excluded: their
/// ids would be the same. Once per source is allowed (Microsoft365DSC/Microsoft365DSC#3058), and for
/// apps once per intent.
pub(crate) fn unique(assignments: &[Assignment]) -> Result<(), Fault> {
    let mut seen: Vec<(&str, &str)> = assignments
        .iter()
        .map(|assignment| (assignment.id.as_str(), assignment.source.as_str()))
        .collect();
    seen.sort_unstable();
    match seen
        .windows(2)
        .find(|pair| matches!(pair, [a, b] if a == b))
    {
        Some([(id, _), _]) => Err(Fault::invalid(format!(
            "Assignment targets must be unique, the group must be unique : {id}"
        ))),
        _ => Ok(()),
    }
}

fn target_of(
    tenant: &Tenant,
    policy: &Policy,
    mut target: Map<String, Value>,
) -> Result<Map<String, Value>, Fault> {
    let name = match target.get("@odata.type") {
        Some(Value::String(name)) => name.clone(),
        Some(other) => return Err(wrong_type("@odata.type", "a string", other)),
        None => {
            return Err(Fault::bad_request(
                "A target has no '@odata.type', and its type is abstract.",
            ));
        }
    };
    let Some(kind) = TargetType::from_odata(&name) else {
        // One that only a state file can hold: the service knows what it shows.
        if policy
            .assignments
            .iter()
            .any(|assignment| assignment.target == target)
        {
            return Ok(target);
        }
        return Err(Fault::bad_request(format!(
            "A target has the type '{name}', which does not exist or is not a target."
        )));
    };
    let bare = name.strip_prefix('#').unwrap_or(&name);
    target.insert("@odata.type".to_owned(), json!(format!("#{bare}")));
    let known = kind.properties();
    let unknown = target.keys().filter(|key| !known.contains(&key.as_str()));
    only_known(policy, &["target"], bare, unknown)?;
    match kind {
        TargetType::AllDevices | TargetType::AllLicensedUsers => {}
        TargetType::Group | TargetType::ExclusionGroup | TargetType::AndroidFota => {
            group(tenant, target.get("groupId"))?;
        }
        TargetType::Collection => match target.get("collectionId") {
            Some(Value::String(id)) if !id.is_empty() => {}
            other => {
                let other = other.unwrap_or(&Value::Null);
                return Err(wrong_type("collectionId", "a collection's id", other));
            }
        },
        TargetType::ScopeTagGroup => scope_tag_group(&target)?,
    }
    let spec = policy.collection.spec();
    let (targets, filters) = match enrollment::rules(policy) {
        Some(rules) => rules?,
        None => (spec.targets, spec.filters),
    };
    if !targets.contains(&kind) {
        return Err(refused_target(spec, bare));
    }
    filter::check(tenant, filters, kind, &mut target)?;
    Ok(target)
}

fn refused_target(spec: &Spec, bare: &str) -> Fault {
    if spec.service.starts_with("/MAMAdmin") {
        // CIPP#4677.
        return Fault::invalid(
            "Unsupported AssignmentTarget. Group assignments contain classes other than \
             GroupAssignmentTarget and ExclusionGroupTarget",
        );
    }
    Fault::invalid(format!(
        "The target type {bare} is not supported on {}",
        spec.entity
    ))
}

fn group(tenant: &Tenant, id: Option<&Value>) -> Result<(), Fault> {
    let id = match id {
        None | Some(Value::Null) => "",
        Some(Value::String(id)) => id,
        Some(other) => return Err(wrong_type("groupId", "a string", other)),
    };
    let missing = tenant.service.refuse_missing_groups && tenant.group(id).is_none();
    if !is_guid(id) || missing {
        // Kvikku/IntuneAssignments#16.
        return Err(Fault::invalid(format!(
            "Invalid GroupId : {id} provided, a valid AADGroupId is expected."
        )));
    }
    Ok(())
}

fn scope_tag_group(target: &Map<String, Value>) -> Result<(), Fault> {
    const KINDS: [&str; 4] = ["none", "user", "device", "unknownFutureValue"];
    if let Some(kind) = target.get("targetType")
        && !kind.as_str().is_some_and(|kind| KINDS.contains(&kind))
    {
        return Err(wrong_type("targetType", "one of its values", kind));
    }
    match target.get("entraObjectId") {
        Some(Value::String(id)) if is_guid(id) => Ok(()),
        other => {
            let other = other.unwrap_or(&Value::Null);
            Err(wrong_type("entraObjectId", "a GUID", other))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collections::Collection;
    use crate::target::{
        FILTER_ID, FILTER_TYPE, ZERO_GUID, all_devices, collection, exclusion_group, filtered,
        group,
    };

    const GROUP: &str = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    const POLICY: &str = "7f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";

    fn policy() -> Policy {
        let catalog = Collection::CONFIGURATION_POLICIES;
        Policy::new(catalog, POLICY, "P", Map::new())
    }

    fn assignment(tenant: &Tenant, row: Value) -> Result<Assignment, Fault> {
        read(tenant, &policy(), row)
    }

    #[test]
    fn the_smallest_row_is_taken_and_completed() {
        let row = json!({"target": {"@odata.type": "microsoft.graph.groupAssignmentTarget", "groupId": GROUP}});
        let row = assignment(&Tenant::empty(), row).expect("a good row");
        assert_eq!(
            json!(row),
            json!({"id": format!("{POLICY}_{GROUP}"), "source": "direct", "sourceId": POLICY, "target": group(GROUP)})
        );
    }

    /// What the service shows may be sent back; nothing else that is not of the types.
    #[test]
    fn what_is_unknown_is_taken_where_it_has_been_served() {
        let mut target = group(GROUP);
        target["more"] = json!([1]);
        let row = json!({"id": "", "source": "policySets", "sourceId": "s", "x": {"y": null}, "target": target});
        let tenant = Tenant::empty();
        for (sent, key) in [
            (json!({"target": target}), "more"),
            (json!({"target": group(GROUP), "x": {"y": null}}), "x"),
        ] {
            let fault = assignment(&tenant, sent).expect_err(key);
            assert_eq!(fault.code, "ModelValidationFailure");
            assert!(fault.message.contains(&format!("'{key}' does not exist")));
        }
        let mut policy = policy();
        policy.assign_with(target.clone(), json!({"x": 1}));
        let row = read(&tenant, &policy, row).expect("it was served");
        let value = json!(row);
        assert_eq!(
            (&value["x"], &value["target"]),
            (&json!({"y": null}), &target)
        );
        assert_eq!(
            (&value["source"], &value["sourceId"]),
            (&json!("policySets"), &json!("s"))
        );
    }

    #[test]
    fn rows_that_break_a_rule_are_refused() {
        let mut tenant = Tenant::empty();
        let filter = tenant.add_filter("F", "macOS", "");
        let target = |target: Value| json!({ "target": target });
        let with = |key: &str, value: Value| {
            let mut target = group(GROUP);
            target[key] = value;
            json!({ "target": target })
        };
        let both = |key: &str, value: Value| json!({"target": group(GROUP), key: value});
        let cases = [
            (json!(1), "not an object"),
            (json!({}), "no 'target'"),
            (target(json!(null)), "'target' must be an object"),
            (target(json!({})), "no '@odata.type'"),
            (
                with("@odata.type", json!("#microsoft.graph.user")),
                "'#microsoft.graph.user'",
            ),
            (
                with(
                    "@odata.type",
                    json!("#microsoft.graph.allDevicesAssignmentTarget"),
                ),
                "'groupId' does not exist",
            ),
            (
                with("targetType", json!("user")),
                "'targetType' does not exist",
            ),
            (both("settings", json!({})), "'settings' does not exist"),
            (
                with("groupId", json!("SG-Pilot")),
                "Invalid GroupId : SG-Pilot provided, a valid AADGroupId is expected.",
            ),
            (with("groupId", json!(null)), "Invalid GroupId :  provided"),
            (with("groupId", json!(5)), "'groupId' must be"),
            (with(FILTER_TYPE, json!(null)), "must be 'none'"),
            (with(FILTER_TYPE, json!("Include")), "must be 'none'"),
            (with(FILTER_TYPE, json!("include")), "without a filter"),
            (with(FILTER_ID, json!(filter)), "filter type none"),
            (with(FILTER_ID, json!(7)), "a string or null"),
            (
                target(filtered(group(GROUP), GROUP, "include")),
                "Scope Tags validation failed : Filters 6f1c0a52",
            ),
            (
                target(filtered(exclusion_group(GROUP), &filter, "include")),
                "exclusion group",
            ),
            (target(collection("")), "'collectionId'"),
            (both("source", json!(null)), "'source'"),
            (both("source", json!("Direct")), "'source'"),
            (both("sourceId", json!(1)), "'sourceId'"),
            (both("id", json!(null)), "'id'"),
            (
                both("@odata.type", json!("#microsoft.graph.other")),
                "has the type",
            ),
        ];
        for (row, expected) in cases {
            let fault = assignment(&tenant, row.clone()).expect_err(&row.to_string());
            assert_eq!(fault.status, 400);
            assert!(fault.message.contains(expected), "{row}: {}", fault.message);
        }
        for good in [
            filtered(all_devices(), &filter, "exclude"),
            filtered(group(GROUP), ZERO_GUID, "none"),
            collection("MEM00012"),
        ] {
            assert!(assignment(&tenant, target(good)).is_ok());
        }
        tenant.service.refuse_missing_groups = true;
        assert!(assignment(&tenant, target(group(GROUP))).is_err());
    }

    #[test]
    fn a_target_stands_once_per_source() {
        let row = |target: Value, source: &str| {
            let row = json!({"target": target, "source": source});
            assignment(&Tenant::empty(), row).expect("a good row")
        };
        assert!(unique(&[]).is_ok());
        let set = [row(group(GROUP), "direct"), row(group(GROUP), "policySets")];
        assert!(unique(&set).is_ok());
        let set = [
            row(group(GROUP), "direct"),
            row(exclusion_group(&GROUP.to_uppercase()), "direct"),
        ];
        assert!(unique(&set).is_err());
        let set = [row(all_devices(), "direct"), row(all_devices(), "direct")];
        assert!(unique(&set).is_err());
    }
}
