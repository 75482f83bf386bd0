//! Ways in which the service deviates from what clients take for granted: what has not been reported, or what
//! reports deny. A test switches one on and checks how a client reacts.
//!
//! Each is a word under `service.deviations`. Most work on the way in (a refusal) or on the way out (an answer
//! that is bent), whatever the handler in between thinks; three are in the handler of policies.

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::collections::Collection;
use crate::encoding::guid_from;
use crate::reply::{Fault, Reply};
use crate::switches::Deviation;
use crate::target::{ALL_USERS_ID, FILTER_ID, FILTER_TYPE};
use crate::tenant::Tenant;

/// Whether a tenant's service deviates in a way.
pub(crate) fn is(tenant: &Tenant, how: Deviation) -> bool {
    tenant.service.deviations.contains(&how)
}

/// What a path is about.
enum Place {
    List,
    Item,
    Assignments,
    Other,
}

fn place(segments: &[String]) -> Place {
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [_, name] => Collection::named(name).map_or(Place::Other, |_| Place::List),
        [_, name, _] => Collection::named(name).map_or(Place::Other, |_| Place::Item),
        [_, name, _, "assignments"] if Collection::named(name).is_some() => Place::Assignments,
        _ => Place::Other,
    }
}

/// Refuses what a service that deviates does not take. `number` is the request's, from 1.
pub(crate) fn refuse(tenant: &Tenant, number: u64, call: &Call<'_>) -> Result<(), Fault> {
    const MOST: usize = 10;
    let option = |name: &str| {
        let found = call.pairs.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    };
    let place = place(&call.segments);
    let is_list = matches!(place, Place::List | Place::Assignments) && call.method == "GET";
    let path = call.segments.join("/");
    for how in &tenant.service.deviations {
        let fault = match how {
            Deviation::TopRefused if is_list => {
                let top = option("$top").and_then(|top| top.parse::<usize>().ok());
                top.filter(|top| *top > 100).map(|top| {
                    Fault::bad_request(format!(
                        "The limit of '100' for Top query has been exceeded. The value from the \
                         incoming request is '{top}'."
                    ))
                })
            }
            Deviation::ExpandRefused if is_list && option("$expand").is_some() => {
                Some(Fault::bad_request("Query option 'Expand' is not allowed."))
            }
            Deviation::SetExpandRefused
                if path.contains("policySets/") && option("$expand").is_some() =>
            {
                Some(Fault::bad_request("Query option 'Expand' is not allowed."))
            }
            Deviation::ListForbidden if matches!(place, Place::List) => {
                Some(Fault::wrapped(403, "Forbidden", "An error has occurred"))
            }
            Deviation::AssignmentsRefused if matches!(place, Place::Assignments) && is_list => {
                Some(Fault::no_route(
                    "navigation/key/navigation",
                    "GET",
                    "/Service",
                    &path,
                ))
            }
            Deviation::SlowDown if number == 2 => Some(slow_down().header("Retry-After", "1")),
            Deviation::SlowDownSilent if number == 2 => Some(slow_down()),
            Deviation::BatchForbidden if path == "$batch" => {
                Some(Fault::wrapped(403, "Forbidden", "An error has occurred"))
            }
            Deviation::MissingRefused if matches!(place, Place::Assignments) => {
                let found = call.segments.get(1).zip(call.segments.get(2));
                let is_there = found.is_some_and(|(name, id)| {
                    let collection = Collection::named(name);
                    collection.is_some_and(|collection| tenant.policy(collection, id).is_some())
                });
                (!is_there).then(|| Fault::bad_request("An error has occurred"))
            }
            Deviation::DeletedRefused if path.contains("deletedItems") => {
                Some(Fault::no_segment("deletedItems"))
            }
            Deviation::BatchOfTen if path == "$batch" => {
                let body: Value = serde_json::from_slice(&call.request.body).unwrap_or_default();
                let number = body["requests"].as_array().map_or(0, Vec::len);
                (number > MOST).then(|| {
                    Fault::bad_request(format!(
                        "Number of batch request steps exceeds the maximum value of {MOST}"
                    ))
                })
            }
            Deviation::InOfTen if path == "groups" => {
                let values = option("$filter").map_or(0, |filter| filter.matches("','").count());
                (values >= MOST).then(|| {
                    Fault::plain(
                        400,
                        "Request_UnsupportedQuery",
                        format!(
                            "Too many child clauses specified in search filter expression \
                             containing 'OR' operators: {}. Max allowed: {MOST}.",
                            values + 1
                        ),
                    )
                })
            }
            Deviation::CountRefused if path.ends_with("/$count") => Some(Fault::plain(
                400,
                "Request_BadRequest",
                "$count is not currently supported.",
            )),
            Deviation::ByIdsRefused if path.ends_with("/getByIds") => {
                Some(Fault::no_segment("getByIds"))
            }
            Deviation::RequestsRefused if path.ends_with("/operationApprovalRequests") => {
                Some(Fault::no_segment("operationApprovalRequests"))
            }
            _ => None,
        };
        if let Some(fault) = fault {
            return Err(fault);
        }
    }
    Ok(())
}

fn slow_down() -> Fault {
    Fault::wrapped(429, "TooManyRequests", "An error has occurred")
}

/// Bends an answer as a service that deviates gives it.
pub(crate) fn distort_response(tenant: &Tenant, call: &Call<'_>, mut reply: Reply) -> Reply {
    if call.method != "GET" || tenant.service.deviations.is_empty() {
        return reply;
    }
    let place = place(&call.segments);
    let last = call.segments.last().map_or("", String::as_str);
    let is_audit = last == "auditEvents";
    let collection = call.segments.get(1).map_or("", String::as_str);
    let option = |name: &str| call.pairs.iter().find(|(known, _)| known == name);
    let is_filtered = last == "groups" && option("$filter").is_some();
    let Some(Value::Object(body)) = &mut reply.body else {
        return reply;
    };
    for how in &tenant.service.deviations {
        if let Some(Value::String(link)) = body.get_mut("@odata.nextLink") {
            bend_link(*how, link);
        }
        match (&place, *how) {
            (Place::List, Deviation::NextPageEmpty) if option("$skiptoken").is_some() => {
                body.insert("value".to_owned(), json!([]));
                body.remove("@odata.nextLink");
            }
            (Place::List, how) => {
                for (number, policy) in objects(body.get_mut("value")).enumerate() {
                    bend_policy(how, number, policy);
                    objects(policy.get_mut("assignments")).for_each(|assignment| {
                        distort_assignment(how, assignment);
                        distort_assignment_of(how, collection, assignment);
                    });
                }
            }
            (Place::Item, how) => {
                objects(body.get_mut("assignments"))
                    .for_each(|assignment| distort_assignment(how, assignment));
            }
            (Place::Assignments, Deviation::AssignmentsEmpty) => {
                body.insert("value".to_owned(), json!([]));
                body.remove("@odata.nextLink");
            }
            (Place::Assignments, how) => objects(body.get_mut("value")).for_each(|assignment| {
                distort_assignment(how, assignment);
                distort_assignment_of(how, collection, assignment);
            }),
            (Place::Other, Deviation::InFindsNone) if is_filtered => {
                body.insert("value".to_owned(), json!([]));
            }
            (Place::Other, Deviation::InIgnored) if is_filtered => {
                let groups = tenant.groups.iter();
                let all =
                    groups.map(|group| json!({"id": group.id, "displayName": group.display_name}));
                body.insert("value".to_owned(), all.collect());
            }
            (Place::Other, Deviation::AuditNameless) if is_audit => {
                for event in objects(body.get_mut("value")) {
                    event.remove("actor");
                    event.remove("resources");
                }
            }
            (Place::Other, Deviation::AuditOldestFirst) if is_audit => {
                if let Some(Value::Array(events)) = body.get_mut("value") {
                    events.reverse();
                }
            }
            (Place::Other, _) => {}
        }
    }
    reply
}

fn objects(list: Option<&mut Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let list = list.and_then(Value::as_array_mut);
    list.into_iter().flatten().filter_map(Value::as_object_mut)
}

fn bend_link(how: Deviation, link: &mut String) {
    let path = link.find("/beta").map(|start| link[start..].to_owned());
    match (how, path) {
        (Deviation::LinkRelative, Some(path)) => *link = path,
        (Deviation::LinkForeign, Some(path)) => *link = format!("https://graph.example{path}"),
        _ => {}
    }
}

fn bend_policy(how: Deviation, number: usize, policy: &mut Map<String, Value>) {
    let put = |policy: &mut Map<String, Value>, key: &str, value: &str| {
        if policy.contains_key(key) {
            policy.insert(key.to_owned(), json!(value));
        }
    };
    match how {
        Deviation::ExpandEmpty if policy.contains_key("assignments") => {
            policy.insert("assignments".to_owned(), json!([]));
        }
        Deviation::NamesMissing | Deviation::SomeNamesMissing
            if how == Deviation::NamesMissing || number == 0 =>
        {
            for key in ["name", "displayName", "profileName"] {
                policy.remove(key);
            }
        }
        Deviation::IdsOfText => {
            let id = policy.get("id").and_then(Value::as_str).unwrap_or_default();
            let id = format!("x-{id}");
            policy.insert("id".to_owned(), json!(id));
        }
        Deviation::AssignedUntrue => {
            let assignments = policy.get("assignments").and_then(Value::as_array);
            if let Some(has_assignments) = assignments.map(|assignments| !assignments.is_empty()) {
                policy.insert("isAssigned".to_owned(), json!(!has_assignments));
            }
        }
        Deviation::DefaultsUnmarked if policy.get("priority") == Some(&json!(0)) => {
            policy.insert("priority".to_owned(), json!(5));
        }
        Deviation::TypeNovel => put(policy, "@odata.type", "#microsoft.graph.novelPolicy"),
        Deviation::PlatformNovel => put(policy, "platforms", "novelPlatform"),
        _ => {}
    }
}

/// Bends what assignments of some policies say.
fn distort_assignment_of(how: Deviation, collection: &str, assignment: &mut Map<String, Value>) {
    let is_profile = collection.starts_with("windows") && collection.contains("Update");
    let group = "#microsoft.graph.groupAssignmentTarget";
    match (how, collection) {
        (Deviation::IntentRemove, "deviceConfigurations") => {
            assignment.insert("intent".to_owned(), json!("remove"));
        }
        (Deviation::RemediationReadable, "deviceHealthScripts") => {
            assignment.insert("runRemediationScript".to_owned(), json!(true));
        }
        (Deviation::SettingsNovel, "mobileApps") => {
            if let Some(Value::Object(settings)) = assignment.get_mut("settings") {
                let novel = json!("#microsoft.graph.novelAppAssignmentSettings");
                settings.insert("@odata.type".to_owned(), novel);
            }
        }
        (Deviation::TargetsUnlisted, _) if is_profile => {
            let all = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"});
            assignment.insert("target".to_owned(), all);
        }
        (Deviation::VirtualGroups, "groupPolicyConfigurations") => {
            let all = json!({"@odata.type": group, "groupId": ALL_USERS_ID});
            assignment.insert("target".to_owned(), all);
        }
        (Deviation::FiltersUnlisted, _) if is_profile => {
            if let Some(Value::Object(target)) = assignment.get_mut("target") {
                target.insert(FILTER_TYPE.to_owned(), json!("include"));
                target.insert(FILTER_ID.to_owned(), json!(guid_from("a filter")));
            }
        }
        _ => {}
    }
}

fn distort_assignment(how: Deviation, assignment: &mut Map<String, Value>) {
    match how {
        Deviation::AssignmentIdsForeign => {
            if let Some(id) = assignment.get("id").and_then(Value::as_str) {
                let id = format!("row {}", guid_from(id));
                assignment.insert("id".to_owned(), json!(id));
            }
        }
        Deviation::AssignmentIdsMissing => {
            assignment.remove("id");
        }
        Deviation::AssignmentIdsShared => {
            assignment.insert("id".to_owned(), json!("one"));
        }
        Deviation::SourceNovel if assignment.get("source") == Some(&json!("direct")) => {
            assignment.insert("source".to_owned(), json!("novelSource"));
        }
        Deviation::FilterSpelling | Deviation::TargetNovel => {
            let Some(Value::Object(target)) = assignment.get_mut("target") else {
                return;
            };
            let is_group = target
                .get("@odata.type")
                .and_then(Value::as_str)
                .is_some_and(|name| name.ends_with(".groupAssignmentTarget"));
            if how == Deviation::TargetNovel && is_group {
                target.insert(
                    "@odata.type".to_owned(),
                    json!("#microsoft.graph.novelAssignmentTarget"),
                );
            }
            if how == Deviation::FilterSpelling && target.get(FILTER_TYPE) == Some(&json!("none")) {
                target.insert(FILTER_TYPE.to_owned(), json!("None"));
                target.insert(FILTER_ID.to_owned(), json!(""));
            }
        }
        _ => {}
    }
}
