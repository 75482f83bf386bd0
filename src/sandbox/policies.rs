//! The Intune side: both policy collections with their assignments, and the assignment filters.

use serde_json::{Map, Value, json};

use super::kinds::{ASSIGNMENT_ENTITY, Collection};
use super::machine::{Call, Machine};
use super::predicate::Grammar;
use super::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use super::reply::{Fault, Reply};
use super::switches::PolicySetRows;
use super::target::NAMESPACE;
use super::tenant::{Assignment, Filter, Policy};
use super::validate;

const READERS: &[&str] = &[
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
];
const WRITERS: &[&str] = &["DeviceManagementConfiguration.ReadWrite.All"];

/// The forms of `$filter` that the portal and the tools send (TFCAP; facts, section 4).
const POLICY_GRAMMAR: Grammar = Grammar {
    properties: &[
        "id",
        "isAssigned",
        "name",
        "platforms",
        "technologies",
        "templateReference/templateFamily",
    ],
    functions: &[("contains", "name")],
    in_list: false,
    not: true,
    ignore_case: false,
};

const FILTER_LIST: Allowed = Allowed {
    options: &["$top", "$select", "$skiptoken"],
    entity: "deviceAndAppManagementAssignmentFilter",
    properties: &[
        "assignmentFilterManagementType",
        "createdDateTime",
        "description",
        "displayName",
        "id",
        "lastModifiedDateTime",
        "payloads",
        "platform",
        "roleScopeTags",
        "rule",
    ],
    expand: &[],
    grammar: NO_FILTER,
};

const ROWS: Allowed = Allowed {
    options: &["$top", "$select", "$skiptoken"],
    entity: ASSIGNMENT_ENTITY,
    properties: &["id", "source", "sourceId", "target"],
    expand: &[],
    grammar: NO_FILTER,
};

/// Answers a request below `/deviceManagement`.
pub(super) fn answer(machine: &mut Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let rest = match segments.as_slice() {
        ["deviceManagement", name, rest @ ..] => match Collection::from_segment(name) {
            Some(collection) => (collection, rest),
            None if *name == "assignmentFilters" => return filters(machine, call, rest),
            None => return Err(Fault::no_segment(name)),
        },
        _ => return Err(Fault::no_segment("deviceManagement")),
    };
    let service = &machine.tenant().service;
    let missing = |names: &[String], collection: Collection| {
        names.iter().any(|name| name == collection.segment())
    };
    let no_create = missing(&service.create_route_missing, rest.0);
    let no_delete = missing(&service.delete_route_missing, rest.0);
    match (call.method, rest) {
        ("GET", (collection, [])) => permit(call).and_then(|()| list(machine, call, collection)),
        ("GET", (collection, [id])) => {
            permit(call).and_then(|()| one(machine, call, collection, id))
        }
        ("GET", (collection, [id, "assignments"])) => {
            permit(call).and_then(|()| rows(machine, call, collection, id))
        }
        ("GET", (collection, [id, "assignments", row])) => {
            permit(call).and_then(|()| row_of(machine, call, collection, id, row))
        }
        ("POST", (collection, [id, "assignments"])) if !no_create => {
            may_write(machine, call).and_then(|()| create(machine, call, collection, id))
        }
        ("POST", (collection, [id, "assign"])) => {
            may_write(machine, call).and_then(|()| assign(machine, call, collection, id))
        }
        ("DELETE", (collection, [id, "assignments", row])) if !no_delete => {
            may_write(machine, call).and_then(|()| delete(machine, call, collection, id, row))
        }
        (verb, (collection, rest)) => {
            let path = format!("deviceManagement/{}", collection.segment());
            let (template, path) = match rest {
                [] => ("navigation", path),
                [id] => ("navigation/key", format!("{path}('{id}')")),
                [id, "assignments"] => (
                    "navigation/key/navigation",
                    format!("{path}('{id}')/assignments"),
                ),
                [id, "assignments", row] => (
                    "navigation/key/navigation/key",
                    format!("{path}('{id}')/assignments('{row}')"),
                ),
                [id, "assign"] => ("navigation/key/action", format!("{path}('{id}')/assign")),
                [_, "assignments" | "assign", .., other] | [_, other, ..] => {
                    return Err(Fault::no_segment(other));
                }
            };
            Err(Fault::no_route(template, verb, &path))
        }
    }
}

fn permit(call: &Call<'_>) -> Result<(), Fault> {
    permit_one_of(call, READERS)
}

fn permit_one_of(call: &Call<'_>, permissions: &[&str]) -> Result<(), Fault> {
    if call.caller.may(permissions) {
        return Ok(());
    }
    // jseerden/IntuneBackupAndRestore#55.
    Err(Fault::wrapped(
        403,
        "Forbidden",
        format!(
            "Application is not authorized to perform this operation. Application must have one \
             of the following scopes: {}",
            permissions.join(", ")
        ),
    ))
}

fn may_write(machine: &Machine, call: &Call<'_>) -> Result<(), Fault> {
    permit_one_of(call, WRITERS)?;
    Options::read(
        &call.pairs,
        &Allowed {
            options: &[],
            ..ROWS
        },
    )?;
    machine.approved(call)
}

fn allowed(collection: Collection, options: &'static [&'static str]) -> Allowed {
    Allowed {
        options,
        entity: collection.entity(),
        properties: collection.properties(),
        expand: &["assignments"],
        grammar: POLICY_GRAMMAR,
    }
}

/// Returns a policy as the service shows it, without its assignments.
fn full(collection: Collection, policy: &Policy) -> Map<String, Value> {
    let mut row = super::tenant::object(json!({
        "createdDateTime": "2024-03-01T08:00:00Z",
        "creationSource": null,
        "description": "",
        "isAssigned": !policy.assignments.is_empty(),
        "lastModifiedDateTime": "2024-03-01T08:00:00Z",
        "platforms": "none",
        "roleScopeTagIds": ["0"],
        "settingCount": 1,
        "technologies": "none",
    }));
    if collection == Collection::ConfigurationPolicies {
        row.insert("priorityMetaData".to_owned(), Value::Null);
        row.insert(
            "templateReference".to_owned(),
            json!({"templateId": "", "templateFamily": "none", "templateDisplayName": null, "templateDisplayVersion": null}),
        );
    }
    row.extend(policy.properties.clone());
    row.insert("id".to_owned(), json!(policy.id));
    row.insert("name".to_owned(), json!(policy.name));
    row
}

/// Makes the body of a page. Intune's `@odata.count` is the page's size, not the list's
/// (TFCAP, IntuneAssignmentChecker#28).
fn page_body(context: String, next: Option<String>, rows: Vec<Value>) -> Reply {
    let mut body = Map::new();
    body.insert("@odata.context".to_owned(), json!(context));
    body.insert("@odata.count".to_owned(), json!(rows.len()));
    if let Some(next) = next {
        body.insert("@odata.nextLink".to_owned(), json!(next));
    }
    body.insert("value".to_owned(), Value::Array(rows));
    Reply::json(200, Value::Object(body))
}

fn list(machine: &Machine, call: &Call<'_>, collection: Collection) -> Result<Reply, Fault> {
    let known = &["$top", "$select", "$filter", "$expand", "$skiptoken"];
    let options = Options::read(&call.pairs, &allowed(collection, known))?;
    let found: Vec<&Policy> = machine
        .tenant()
        .policies(collection)
        .iter()
        .filter(|policy| {
            options.filter.is_none()
                || options.lets_through(&Value::Object(full(collection, policy)))
        })
        .collect();
    let ids: Vec<&str> = found.iter().map(|policy| policy.id.as_str()).collect();
    let path = format!("/deviceManagement/{}", collection.segment());
    let size = machine.page_size(&options);
    let page = query::page(&ids, &options, size, &call.root, &path, TokenStyle::Intune)?;
    let mut values = Vec::new();
    for policy in found
        .into_iter()
        .skip(page.rows.start)
        .take(page.rows.len())
    {
        let mut row = options.shape(full(collection, policy));
        if options.expand {
            expand(machine, call, collection, policy, &mut row)?;
        }
        values.push(Value::Object(row));
    }
    let context = call.context(&format!("deviceManagement/{}", collection.segment()));
    Ok(page_body(context, page.next, values))
}

fn expand(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    policy: &Policy,
    row: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let shown = machine.shown(policy, call.now);
    let most = machine.tenant().service.expand_limit;
    let most = most.unwrap_or(usize::MAX).max(1);
    let (path, context) = rows_path(call, collection, policy);
    row.insert("assignments@odata.context".to_owned(), json!(context));
    if shown.len() > most {
        let ids: Vec<&str> = shown.iter().map(|row| row.id.as_str()).collect();
        let options = Options::default();
        let page = query::page(&ids, &options, most, &call.root, &path, TokenStyle::Intune)?;
        row.insert("assignments@odata.nextLink".to_owned(), json!(page.next));
    }
    let rows = shown.iter().take(most).map(Assignment::to_value).collect();
    row.insert("assignments".to_owned(), Value::Array(rows));
    Ok(())
}

fn one(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &allowed(collection, &["$select", "$expand"]))?;
    let policy = find(machine, collection, id)?;
    let mut row = options.shape(full(collection, policy));
    if options.expand {
        // Always empty on a single entity (msgraph-sdk-powershell#3337, TF PR #3623).
        row.insert("assignments".to_owned(), json!([]));
    }
    let context = format!("deviceManagement/{}/$entity", collection.segment());
    row.insert("@odata.context".to_owned(), json!(call.context(&context)));
    Ok(Reply::json(200, Value::Object(row)))
}

fn find<'a>(machine: &'a Machine, collection: Collection, id: &str) -> Result<&'a Policy, Fault> {
    machine
        .tenant()
        .policy(collection, id)
        .ok_or_else(Fault::not_found)
}

/// Returns the path and the context of a policy's assignments.
fn rows_path(call: &Call<'_>, collection: Collection, policy: &Policy) -> (String, String) {
    let path = format!(
        "deviceManagement/{}('{}')/assignments",
        collection.segment(),
        policy.id
    );
    (format!("/{path}"), call.context(&path))
}

fn rows(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &ROWS)?;
    let policy = find(machine, collection, id)?;
    let shown = machine.shown(policy, call.now);
    // A group that is assigned once by itself and once by a policy set has one id and two rows.
    let keys: Vec<String> = shown
        .iter()
        .map(|row| format!("{}/{}", row.id, row.source))
        .collect();
    let ids: Vec<&str> = keys.iter().map(String::as_str).collect();
    let (path, context) = rows_path(call, collection, policy);
    let size = machine.page_size(&options);
    let page = query::page(&ids, &options, size, &call.root, &path, TokenStyle::Intune)?;
    let values = shown
        .iter()
        .skip(page.rows.start)
        .take(page.rows.len())
        .map(|row| Value::Object(options.shape(super::tenant::object(row.to_value()))))
        .collect();
    Ok(page_body(context, page.next, values))
}

fn row_of(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    row: &str,
) -> Result<Reply, Fault> {
    let known = Allowed {
        options: &["$select"],
        ..ROWS
    };
    let options = Options::read(&call.pairs, &known)?;
    let policy = find(machine, collection, id)?;
    let shown = machine.shown(policy, call.now);
    let found = shown
        .iter()
        .find(|known| known.id.eq_ignore_ascii_case(row));
    let found = found.ok_or_else(Fault::not_found)?;
    let mut body = options.shape(super::tenant::object(found.to_value()));
    let (_, context) = rows_path(call, collection, policy);
    body.insert(
        "@odata.context".to_owned(),
        json!(format!("{context}/$entity")),
    );
    Ok(Reply::json(200, Value::Object(body)))
}

fn create(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let body = validate::object(call.header("content-type"), &call.request.body)?;
    let policy = find(machine, collection, id)?;
    let row = validate::assignment(machine.tenant(), &policy.id, Value::Object(body))?;
    let mut rows = policy.assignments.clone();
    rows.push(row.clone());
    validate::unique(&rows)?;
    let (_, context) = rows_path(call, collection, policy);
    machine.write(collection, id, rows, call.now);
    let mut body = super::tenant::object(row.to_value());
    body.insert(
        "@odata.context".to_owned(),
        json!(format!("{context}/$entity")),
    );
    body.insert(
        "@odata.type".to_owned(),
        json!(format!("#{NAMESPACE}{ASSIGNMENT_ENTITY}")),
    );
    Ok(Reply::json(201, Value::Object(body)))
}

fn assign(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let body = validate::object(call.header("content-type"), &call.request.body)?;
    let policy = find(machine, collection, id)?;
    let mut rows = validate::action(body)?
        .into_iter()
        .map(|row| validate::assignment(machine.tenant(), &policy.id, row))
        .collect::<Result<Vec<_>, _>>()?;
    validate::unique(&rows)?;
    if machine.tenant().service.policy_set_rows == PolicySetRows::Kept {
        let kept: Vec<Assignment> = policy
            .assignments
            .iter()
            .filter(|old| old.source != "direct")
            .filter(|old| {
                !rows
                    .iter()
                    .any(|row| row.id == old.id && row.source == old.source)
            })
            .cloned()
            .collect();
        rows.extend(kept);
    }
    let values: Vec<Value> = rows.iter().map(Assignment::to_value).collect();
    machine.write(collection, id, rows, call.now);
    let context = call.context(&format!("Collection({NAMESPACE}{ASSIGNMENT_ENTITY})"));
    Ok(Reply::json(
        200,
        json!({"@odata.context": context, "value": values}),
    ))
}

fn delete(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    row: &str,
) -> Result<Reply, Fault> {
    let policy = find(machine, collection, id)?;
    let mut rows = policy.assignments.clone();
    // The direct row first, where a policy set's row has the same id.
    let same = |known: &Assignment| known.id.eq_ignore_ascii_case(row);
    let position = rows
        .iter()
        .position(|known| same(known) && known.source == "direct")
        .or_else(|| rows.iter().position(same))
        .ok_or_else(Fault::not_found)?;
    rows.remove(position);
    machine.write(collection, id, rows, call.now);
    Ok(Reply::no_content())
}

fn filters(machine: &Machine, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    let path = "/deviceManagement/assignmentFilters";
    let all = &machine.tenant().assignment_filters;
    match (call.method, rest) {
        ("GET", []) => {
            permit(call)?;
            let options = Options::read(&call.pairs, &FILTER_LIST)?;
            let ids: Vec<&str> = all.iter().map(|filter| filter.id.as_str()).collect();
            let size = machine.page_size(&options);
            let page = query::page(&ids, &options, size, &call.root, path, TokenStyle::Intune)?;
            let rows = all
                .iter()
                .skip(page.rows.start)
                .take(page.rows.len())
                .map(|filter| Value::Object(options.shape(full_filter(filter))))
                .collect();
            let context = call.context("deviceManagement/assignmentFilters");
            Ok(page_body(context, page.next, rows))
        }
        ("GET", [id]) => {
            permit(call)?;
            let known = Allowed {
                options: &["$select"],
                ..FILTER_LIST
            };
            let options = Options::read(&call.pairs, &known)?;
            let filter = machine.tenant().filter(id).ok_or_else(Fault::not_found)?;
            let mut row = options.shape(full_filter(filter));
            let context = call.context("deviceManagement/assignmentFilters/$entity");
            row.insert("@odata.context".to_owned(), json!(context));
            Ok(Reply::json(200, Value::Object(row)))
        }
        (verb, []) => Err(Fault::no_route(
            "navigation",
            verb,
            path.trim_start_matches('/'),
        )),
        (verb, [id]) => Err(Fault::no_route(
            "navigation/key",
            verb,
            &format!("deviceManagement/assignmentFilters('{id}')"),
        )),
        (_, [_, other, ..]) => Err(Fault::no_segment(other)),
    }
}

fn full_filter(filter: &Filter) -> Map<String, Value> {
    let mut row = super::tenant::object(json!({
        "assignmentFilterManagementType": "devices",
        "createdDateTime": "2024-03-01T08:00:00Z",
        "description": "",
        "lastModifiedDateTime": "2024-03-01T08:00:00Z",
        "payloads": [],
        "roleScopeTags": ["0"],
    }));
    row.extend(filter.properties.clone());
    row.insert("id".to_owned(), json!(filter.id));
    row.insert("displayName".to_owned(), json!(filter.display_name));
    row
}
