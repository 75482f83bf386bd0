//! The rules for the bodies of `assign` and of a created assignment: the OpenAPI slice's types,
//! enums and required properties, and what the service is known to refuse beyond them.
//!
//! Properties that nobody knows are kept as they were sent; those of another target type are not.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::encoding::is_guid;
use super::kinds::{ASSIGNMENT_ENTITY, ZERO_GUID};
use super::reply::Fault;
use super::target::{FILTER_ID, FILTER_TYPE, NAMESPACE, Target, TargetType, target_id};
use super::tenant::{Assignment, Tenant};

/// Reads a JSON object from a body.
pub(super) fn object(content_type: Option<&str>, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let json = content_type.is_some_and(|text| {
        let kind = text.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    });
    let unreadable = || {
        Fault::bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )
    };
    if !json {
        return Err(unreadable());
    }
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if depth(&mut object.values()) > DEEPEST {
        return Err(unreadable());
    }
    Ok(object)
}

/// How deep a body may go. The service's bound is not known; the library for OData has one
/// (`ODataMessageQuotas.MaxNestingDepth`). What goes a little deeper could not be read again from a
/// state file or a journal.
const DEEPEST: usize = 100;

/// How deep something goes that holds these values.
fn depth(values: &mut dyn Iterator<Item = &Value>) -> usize {
    let below = values.map(|value| match value {
        Value::Array(values) => depth(&mut values.iter()),
        Value::Object(object) => depth(&mut object.values()),
        _ => 0,
    });
    1 + below.max().unwrap_or(0)
}

/// Reads the body of an `assign`: one parameter, a list.
pub(super) fn action(mut body: Map<String, Value>) -> Result<Vec<Value>, Fault> {
    let rows = body.remove("assignments");
    if let Some(name) = body.keys().next() {
        return Err(Fault::bad_request(format!(
            "The parameter '{name}' in the request payload is not a valid parameter for the \
             operation 'assign'."
        )));
    }
    match rows {
        Some(Value::Array(rows)) => Ok(rows),
        Some(_) => Err(Fault::bad_request(
            "The parameter 'assignments' of the operation 'assign' is not a collection.",
        )),
        None => Err(Fault::bad_request(
            "The parameter 'assignments' of the operation 'assign' is missing.",
        )),
    }
}

/// Reads one assignment and gives it the form in which the service keeps it.
pub(super) fn assignment(
    tenant: &Tenant,
    policy_id: &str,
    value: Value,
) -> Result<Assignment, Fault> {
    let Value::Object(mut row) = value else {
        return Err(Fault::bad_request("An assignment is not an object."));
    };
    if let Some(odata_type) = row.remove("@odata.type") {
        let name = odata_type.as_str().unwrap_or_default();
        if name.strip_prefix('#').unwrap_or(name) != format!("{NAMESPACE}{ASSIGNMENT_ENTITY}") {
            return Err(Fault::bad_request(format!(
                "An assignment has the type {odata_type}; expected '#{NAMESPACE}{ASSIGNMENT_ENTITY}'."
            )));
        }
    }
    // The id is the service's to make. Tools send none, an empty one or the one they read
    // (facts, section 2.3).
    if let Some(id) = row.remove("id")
        && !id.is_string()
    {
        return Err(mistyped("id", "a string", &id));
    }
    let source = match row.remove("source") {
        None => "direct",
        Some(Value::String(name)) if name == "direct" => "direct",
        Some(Value::String(name)) if name == "policySets" => "policySets",
        Some(other) => return Err(mistyped("source", "'direct' or 'policySets'", &other)),
    };
    let given = match row.remove("sourceId") {
        None | Some(Value::Null) => None,
        Some(Value::String(id)) => Some(id),
        Some(other) => return Err(mistyped("sourceId", "a string or null", &other)),
    };
    // Direct rows read back with the policy's own id (TF fixture, TFCAP; facts, section 2.4).
    let source_id = match source {
        "direct" => Some(Arc::from(policy_id)),
        _ => given.map(Arc::from),
    };
    let target = match row.remove("target") {
        Some(Value::Object(target)) => target_of(tenant, target)?,
        Some(other) => return Err(mistyped("target", "an object", &other)),
        None => return Err(Fault::bad_request("An assignment has no 'target'.")),
    };
    Ok(Assignment {
        id: format!("{policy_id}_{}", target_id(&target)),
        source: Cow::Borrowed(source),
        source_id,
        target: Target::from(target),
        properties: row,
    })
}

/// Refuses a set in which a target stands twice, or a group is both included and excluded: their
/// ids would be the same. Once per source is allowed (Microsoft365DSC/Microsoft365DSC#3058).
pub(super) fn unique(rows: &[Assignment]) -> Result<(), Fault> {
    let mut seen: Vec<(&str, &str)> = rows
        .iter()
        .map(|row| (row.id.as_str(), row.source.as_ref()))
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

fn target_of(tenant: &Tenant, mut target: Map<String, Value>) -> Result<Map<String, Value>, Fault> {
    let name = match target.get("@odata.type") {
        Some(Value::String(name)) => name.clone(),
        Some(other) => return Err(mistyped("@odata.type", "a string", other)),
        None => {
            return Err(Fault::bad_request(
                "A target has no '@odata.type', and its type is abstract.",
            ));
        }
    };
    let Some(kind) = TargetType::from_odata(&name) else {
        return Err(Fault::bad_request(format!(
            "A target has the type '{name}', which does not exist or is not a target."
        )));
    };
    let bare = name.strip_prefix('#').unwrap_or(&name);
    target.insert("@odata.type".to_owned(), json!(format!("#{bare}")));
    for foreign in ["groupId", "collectionId", "entraObjectId"] {
        if kind.key() != Some(foreign) && target.contains_key(foreign) {
            return Err(Fault::bad_request(format!(
                "The property '{foreign}' does not exist on type '{bare}'."
            )));
        }
    }
    match kind {
        TargetType::AllDevices | TargetType::AllLicensedUsers => {}
        TargetType::Group | TargetType::ExclusionGroup | TargetType::AndroidFota => {
            group(tenant, target.get("groupId"))?;
        }
        TargetType::Collection => match target.get("collectionId") {
            Some(Value::String(id)) if !id.is_empty() => {}
            other => {
                let other = other.unwrap_or(&Value::Null);
                return Err(mistyped("collectionId", "a collection's id", other));
            }
        },
        TargetType::ScopeTagGroup => scope_tag_group(&target)?,
    }
    filter(tenant, kind, &mut target)?;
    Ok(target)
}

fn group(tenant: &Tenant, id: Option<&Value>) -> Result<(), Fault> {
    let id = match id {
        None | Some(Value::Null) => "",
        Some(Value::String(id)) => id,
        Some(other) => return Err(mistyped("groupId", "a string", other)),
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
        return Err(mistyped("targetType", "one of its values", kind));
    }
    match target.get("entraObjectId") {
        Some(Value::String(id)) if is_guid(id) => Ok(()),
        other => {
            let other = other.unwrap_or(&Value::Null);
            Err(mistyped("entraObjectId", "a GUID", other))
        }
    }
}

/// Checks the filter of a target and leaves both of its properties set.
fn filter(tenant: &Tenant, kind: TargetType, target: &mut Map<String, Value>) -> Result<(), Fault> {
    let id = match target.get(FILTER_ID) {
        None | Some(Value::Null) => None,
        // The empty string and the zero GUID mean "none" (facts, section 2.3).
        Some(Value::String(id)) if id.is_empty() || id == ZERO_GUID => None,
        Some(Value::String(id)) => Some(id.clone()),
        Some(other) => return Err(mistyped(FILTER_ID, "a string or null", other)),
    };
    let mode = match target.get(FILTER_TYPE) {
        None => "none",
        Some(Value::String(mode)) if mode == "none" => "none",
        Some(Value::String(mode)) if mode == "include" => "include",
        Some(Value::String(mode)) if mode == "exclude" => "exclude",
        Some(other) => {
            return Err(mistyped(
                FILTER_TYPE,
                "'none', 'include' or 'exclude'",
                other,
            ));
        }
    };
    match (&id, mode) {
        (None, "none") => {}
        (Some(id), "none") => {
            return Err(Fault::invalid(format!(
                "Assignment filter {id} is given with the filter type none"
            )));
        }
        (None, mode) => {
            return Err(Fault::invalid(format!(
                "Assignment filter type {mode} is given without a filter"
            )));
        }
        (Some(_), _) if kind == TargetType::ExclusionGroup => {
            return Err(Fault::invalid(
                "Assignment filters are not supported on an exclusion group",
            ));
        }
        (Some(id), _) => {
            if !is_guid(id) || tenant.filter(id).is_none() {
                // Micke-K/IntuneManagement#373.
                return Err(Fault::invalid(format!(
                    "Scope Tags validation failed : Filters {id} , Validated filters"
                )));
            }
        }
    }
    target.insert(FILTER_ID.to_owned(), json!(id));
    target.insert(FILTER_TYPE.to_owned(), json!(mode));
    Ok(())
}

fn mistyped(name: &str, expected: &str, got: &Value) -> Fault {
    let mut got = got.to_string();
    if got.chars().count() > 80 {
        got = got.chars().take(80).chain("…".chars()).collect();
    }
    Fault::bad_request(format!(
        "The value of the property '{name}' must be {expected}, not {got}."
    ))
}

#[cfg(test)]
mod tests {
    use super::super::target::{all_devices, collection, exclusion_group, filtered, group};
    use super::*;

    const GROUP: &str = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    const POLICY: &str = "7f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";

    #[test]
    fn the_smallest_row_is_taken_and_completed() {
        let row = json!({"target": {"@odata.type": "microsoft.graph.groupAssignmentTarget", "groupId": GROUP}});
        let row = assignment(&Tenant::empty(), POLICY, row).expect("a good row");
        assert_eq!(
            row.to_value(),
            json!({"id": format!("{POLICY}_{GROUP}"), "source": "direct", "sourceId": POLICY, "target": group(GROUP)})
        );
    }

    #[test]
    fn what_nobody_knows_is_kept() {
        let mut target = group(GROUP);
        target["more"] = json!([1]);
        let row = json!({"id": "", "source": "policySets", "sourceId": "s", "x": {"y": null}, "target": target});
        let row = assignment(&Tenant::empty(), POLICY, row).expect("a good row");
        let value = row.to_value();
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
            let fault = assignment(&tenant, POLICY, row.clone()).expect_err(&row.to_string());
            assert_eq!(fault.status, 400);
            assert!(fault.message.contains(expected), "{row}: {}", fault.message);
        }
        for good in [
            filtered(all_devices(), &filter, "exclude"),
            filtered(group(GROUP), ZERO_GUID, "none"),
            collection("MEM00012"),
        ] {
            assert!(assignment(&tenant, POLICY, target(good)).is_ok());
        }
        tenant.service.refuse_missing_groups = true;
        assert!(assignment(&tenant, POLICY, target(group(GROUP))).is_err());
    }

    #[test]
    fn a_target_stands_once_per_source() {
        let row = |target: Value, source: &str| {
            let row = json!({"target": target, "source": source});
            assignment(&Tenant::empty(), POLICY, row).expect("a good row")
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

    #[test]
    fn bodies_are_objects_with_one_list() {
        let json_type = Some("application/json; charset=utf-8");
        assert!(object(json_type, b"{}").is_ok());
        assert!(object(None, b"{}").is_err());
        assert!(object(Some("text/plain"), b"{}").is_err());
        assert!(object(json_type, b"[]").is_err());
        assert!(object(json_type, &[b'['; 100_000]).is_err());
        for body in [
            json!({}),
            json!({"assignments": {}}),
            json!({"assignments": [], "x": 1}),
        ] {
            assert!(action(super::super::tenant::object(body)).is_err());
        }
    }
}
