//! The Intune side: both policy collections with their assignments. `filters` has the filters.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::filters;
use super::kinds::{ASSIGNMENT_ENTITY, Collection};
use super::machine::{Call, Machine};
use super::predicate::Grammar;
use super::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use super::reply::{Fault, Reply};
use super::shown::{Json, Page, Part, Row, Shown};
use super::switches::PolicySetRows;
use super::target::NAMESPACE;
use super::tenant::{Assignment, Policy, object};
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
            None if *name == "assignmentFilters" => return filters::answer(machine, call, rest),
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

pub(super) fn permit(call: &Call<'_>) -> Result<(), Fault> {
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

/// What the service says of a policy where the state file does not, for each collection.
static DEFAULTS: LazyLock<[Map<String, Value>; 2]> = LazyLock::new(|| {
    Collection::ALL.map(|collection| {
        let mut row = object(json!({
            "createdDateTime": "2024-03-01T08:00:00Z",
            "creationSource": null,
            "description": "",
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
        row
    })
});

/// Returns a policy as the service shows it, without its assignments.
fn full(collection: Collection, policy: &Policy) -> Shown<'_> {
    let [configuration, compliance] = &*DEFAULTS;
    Shown {
        defaults: match collection {
            Collection::ConfigurationPolicies => configuration,
            Collection::CompliancePolicies => compliance,
        },
        is_assigned: Some(!policy.assignments.is_empty()),
        own: &policy.properties,
        names: [("id", &policy.id), ("name", &policy.name)],
    }
}

/// Makes the answer with a page. Intune's `@odata.count` is the page's size, not the list's
/// (TFCAP, IntuneAssignmentChecker#28).
pub(super) fn page_of<R: Json>(context: String, next: Option<String>, value: Vec<R>) -> Reply {
    Reply::json(
        200,
        &Page {
            context,
            count: Some(value.len()),
            next,
            value,
        },
    )
}

fn list(machine: &Machine, call: &Call<'_>, collection: Collection) -> Result<Reply, Fault> {
    let known = &["$top", "$select", "$filter", "$expand", "$skiptoken"];
    let options = Options::read(&call.pairs, &allowed(collection, known))?;
    let policies = machine.tenant().policies(collection);
    let index = machine.index().policies(collection);
    let found = options.found(policies.len(), index, "name", |place, name| {
        full(collection, &policies[place]).property(name)
    });
    let count = found.as_ref().map_or(policies.len(), Vec::len);
    let policy = |row: usize| &policies[found.as_ref().map_or(row, |found| found[row])];
    let path = format!("/deviceManagement/{}", collection.segment());
    let size = machine.page_size(&options);
    let id = |row| policy(row).id.as_str();
    let style = TokenStyle::Intune;
    let page = query::page(count, id, &options, size, &call.root, &path, style)?;
    let mut rows = Vec::with_capacity(page.rows.len());
    for policy in page.rows.map(policy) {
        let mut row = full(collection, policy).select(options.select.as_deref());
        if options.expand {
            row = expand(machine, call, collection, policy, row)?;
        }
        rows.push(row);
    }
    let context = call.context(&format!("deviceManagement/{}", collection.segment()));
    Ok(page_of(context, page.next, rows))
}

fn expand<'a>(
    machine: &'a Machine,
    call: &Call<'_>,
    collection: Collection,
    policy: &'a Policy,
    mut row: Row<'a>,
) -> Result<Row<'a>, Fault> {
    let shown = machine.shown(policy, call.now);
    let most = machine.tenant().service.expand_limit;
    let most = most.unwrap_or(usize::MAX).max(1);
    let (path, context) = rows_path(call, collection, policy);
    row = row.with("assignments@odata.context", Part::Own(context));
    if shown.len() > most {
        let id = |place: usize| shown[place].id.as_str();
        let (options, style) = (Options::default(), TokenStyle::Intune);
        let page = query::page(shown.len(), id, &options, most, &call.root, &path, style)?;
        let next = page.next.unwrap_or_default();
        row = row.with("assignments@odata.nextLink", Part::Own(next));
    }
    let rows = shown.get(..most).unwrap_or(shown);
    Ok(row.with("assignments", Part::Rows(rows)))
}

fn one(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &allowed(collection, &["$select", "$expand"]))?;
    let policy = find(machine, collection, id)?;
    let mut row = full(collection, policy).select(options.select.as_deref());
    if options.expand {
        // Always empty on a single entity (msgraph-sdk-powershell#3337, TF PR #3623).
        row = row.with("assignments", Part::Rows(&[]));
    }
    let context = format!("deviceManagement/{}/$entity", collection.segment());
    let context = Part::Own(call.context(&context));
    Ok(Reply::json(200, &row.with("@odata.context", context)))
}

fn find<'a>(machine: &'a Machine, collection: Collection, id: &str) -> Result<&'a Policy, Fault> {
    machine
        .policy_with(collection, id)
        .map(|(_, policy)| policy)
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
    let key = |row: usize| keys[row].as_str();
    let (path, context) = rows_path(call, collection, policy);
    let size = machine.page_size(&options);
    let style = TokenStyle::Intune;
    let page = query::page(keys.len(), key, &options, size, &call.root, &path, style)?;
    let rows = shown.get(page.rows).unwrap_or_default();
    Ok(if options.select.is_some() {
        let shape = |row: &Assignment| options.shape(object(row.to_value()));
        page_of(context, page.next, rows.iter().map(shape).collect())
    } else {
        page_of(context, page.next, rows.iter().collect())
    })
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
    let mut body = options.shape(object(found.to_value()));
    let (_, context) = rows_path(call, collection, policy);
    body.insert(
        "@odata.context".to_owned(),
        json!(format!("{context}/$entity")),
    );
    Ok(Reply::json(200, &body))
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
    let mut body = object(row.to_value());
    body.insert(
        "@odata.context".to_owned(),
        json!(format!("{context}/$entity")),
    );
    body.insert(
        "@odata.type".to_owned(),
        json!(format!("#{NAMESPACE}{ASSIGNMENT_ENTITY}")),
    );
    Ok(Reply::json(201, &body))
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
    let body = Page {
        context: call.context(&format!("Collection({NAMESPACE}{ASSIGNMENT_ENTITY})")),
        count: None,
        next: None,
        value: rows.iter().collect(),
    };
    let reply = Reply::json(200, &body);
    machine.write(collection, id, rows, call.now);
    Ok(reply)
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
