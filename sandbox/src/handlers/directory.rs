//! The directory: groups by list, by id and by many ids. `memberships` says who is a member of them.

use std::collections::HashSet;

use serde_json::{Map, Value, json};

use super::shape::add_own;
use crate::call::Call;
use crate::encoding::is_guid;
use crate::machine::Machine;
use crate::odata::predicate::Grammar;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::rules::body;
use crate::tenant::Group;

/// It is given only where it is selected (DOCS:api-reference/beta/resources/group.md).
const PROCESSING: &str = "membershipRuleProcessingStatus";

/// Properties of a group (OpenAPI slice, schema group), without those about mail conversations.
const PROPERTIES: &[&str] = &[
    "classification",
    "createdByAppId",
    "createdDateTime",
    "description",
    "displayName",
    "expirationDateTime",
    "groupTypes",
    "id",
    "isAssignableToRole",
    "isManagementRestricted",
    "mail",
    "mailEnabled",
    "mailNickname",
    "membershipRule",
    "membershipRuleProcessingState",
    PROCESSING,
    "onPremisesDomainName",
    "onPremisesLastSyncDateTime",
    "onPremisesNetBiosName",
    "onPremisesSamAccountName",
    "onPremisesSecurityIdentifier",
    "onPremisesSyncEnabled",
    "organizationId",
    "preferredDataLocation",
    "preferredLanguage",
    "proxyAddresses",
    "renewedDateTime",
    "resourceBehaviorOptions",
    "resourceProvisioningOptions",
    "securityEnabled",
    "securityIdentifier",
    "theme",
    "uniqueName",
    "visibility",
];

pub(super) const LIST: Allowed<'static> = Allowed {
    options: &["$top", "$select", "$filter", "$count", "$skiptoken"],
    entity: "group",
    properties: PROPERTIES,
    expand: &[],
    grammar: Grammar {
        properties: &[
            "displayName",
            "id",
            "mailNickname",
            "securityEnabled",
            "mailEnabled",
        ],
        functions: &[("startswith", "displayName")],
        in_list: true,
        not: false,
        ignore_case: true,
    },
};

const ONE: Allowed<'static> = Allowed {
    options: &["$select"],
    grammar: NO_FILTER,
    ..LIST
};

/// Who may read groups (DOCS group-list.md).
pub(super) const READERS: &[&str] = &[
    "GroupMember.Read.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Who may read any directory object by its id (DOCS directoryobject-getbyids.md).
const DIRECTORY_READERS: &[&str] = &["Directory.Read.All", "Directory.ReadWrite.All"];

/// How many clauses a filter may have (microsoft-graph-docs-contrib#1238).
const MOST_CLAUSES: usize = 15;

/// How long an address may be (microsoft-graph-docs PR #22097).
const LONGEST_URL: usize = 2048;

/// The largest page of a directory list.
const LONGEST_PAGE: usize = 999;

/// Answers a request to `/groups`, `/users`, `/devices` or `/directoryObjects`.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if !call.in_batch && call.url_length > LONGEST_URL {
        return Err(Fault::plain(
            414,
            "UriTooLong",
            format!("The request URI is longer than {LONGEST_URL} characters."),
        ));
    }
    match (call.method, segments.as_slice()) {
        ("GET", ["groups"]) => permit(call, READERS).and_then(|()| list(machine, call)),
        ("POST", ["groups", "getByIds"]) => {
            permit(call, READERS).and_then(|()| by_ids(machine, call))
        }
        ("POST", ["directoryObjects", "getByIds"]) => {
            permit(call, DIRECTORY_READERS).and_then(|()| by_ids(machine, call))
        }
        // Not an id: a count, which needs `ConsistencyLevel` and is not emulated, or nothing.
        (_, ["groups", name, ..]) if name.starts_with('$') => Err(Fault::no_segment(name)),
        ("GET", ["groups", id]) => permit(call, READERS).and_then(|()| one(machine, call, id)),
        (
            _,
            ["groups" | "devices"]
            | ["groups" | "users", _]
            | ["directoryObjects", "getByIds"]
            | ["groups" | "users" | "devices", _, "transitiveMemberOf"],
        ) => Err(Fault::plain(
            405,
            "Request_BadRequest",
            format!(
                "Specified HTTP method is not allowed for the request target: {} {}",
                call.method, call.place
            ),
        )),
        (
            _,
            ["groups", _, other, ..]
            | ["directoryObjects", other, ..]
            | ["users" | "devices", _, other, ..],
        ) => Err(Fault::no_segment(other)),
        _ => Err(Fault::no_segment(segments.first().unwrap_or(&""))),
    }
}

/// Returns what a request costs in resource units (DOCS:concepts/throttling-limits.md).
pub(crate) fn cost(segments: &[String]) -> u32 {
    let of_members = segments
        .iter()
        .any(|segment| segment == "transitiveMembers");
    match segments.last() {
        Some(last) if of_members && last == "$count" => 5,
        Some(last) if last == "$count" && segments.len() > 2 => 3,
        Some(_) if of_members => 4,
        Some(last) if last == "getByIds" => 3,
        Some(last) if last == "transitiveMemberOf" => 2,
        _ => 1,
    }
}

pub(super) fn permit(call: &Call<'_>, permissions: &[&str]) -> Result<(), Fault> {
    if call.caller.may(permissions) {
        return Ok(());
    }
    Err(Fault::plain(
        403,
        "Authorization_RequestDenied",
        "Insufficient privileges to complete the operation.",
    ))
}

pub(super) fn unsupported(message: impl Into<String>) -> Fault {
    Fault::plain(400, "Request_UnsupportedQuery", message)
}

/// Returns the size of the pages that a list of the directory comes in.
pub(super) fn page_size(options: &Options) -> Result<usize, Fault> {
    match options.top.unwrap_or(100) {
        size if size > LONGEST_PAGE => Err(unsupported(format!(
            "Invalid page size specified: '{size}'. Must be between 1 and {LONGEST_PAGE} inclusive."
        ))),
        size => Ok(size),
    }
}

fn list(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &LIST)?;
    let size = page_size(&options)?;
    let advanced = options.count
        && call
            .header("consistencylevel")
            .is_some_and(|level| level.eq_ignore_ascii_case("eventual"));
    let clauses = options.filter.as_ref().map_or(0, |filter| filter.clauses());
    if clauses > MOST_CLAUSES && !advanced {
        return Err(unsupported(format!(
            "Too many child clauses specified in search filter expression containing 'OR' \
             operators: {clauses}. Max allowed: {MOST_CLAUSES}."
        )));
    }
    let groups = machine.tenant().groups.iter();
    let found: Vec<&Group> = match options.filter {
        None => groups.collect(),
        Some(_) => groups
            .filter(|group| options.passes(&full(group)))
            .collect(),
    };
    let style = TokenStyle::Directory;
    let id = |row: usize| found[row].id.as_str();
    let page = query::page(
        found.len(),
        id,
        &options,
        size,
        &call.root,
        "/groups",
        style,
    )?;
    let rows = found[page.rows].iter();
    Ok(Reply::page(
        call.context("groups"),
        // The whole count, unlike Intune's.
        advanced.then_some(found.len()),
        page.next,
        rows.map(|group| options.shape(full(group))).collect(),
    ))
}

fn one(machine: &Machine, call: &Call<'_>, id: &str) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &ONE)?;
    if !is_guid(id) {
        return Err(not_an_id(id));
    }
    let group = machine.tenant().group(id).ok_or_else(|| missing(id))?;
    let mut object = options.shape(full(group));
    if options.selects(PROCESSING) {
        object.insert(PROCESSING.to_owned(), processing(group));
    }
    Ok(Reply::object(200, call.context("groups/$entity"), object))
}

/// Returns what the rule of a group came to; null if it has none.
fn processing(group: &Group) -> Value {
    let is_dynamic = group.properties.get("groupTypes").and_then(Value::as_array);
    let is_dynamic = is_dynamic.is_some_and(|types| types.contains(&json!("DynamicMembership")));
    let own = group.properties.get(PROCESSING).cloned();
    own.unwrap_or_else(|| match is_dynamic {
        true => json!({"status": "Succeeded", "errorMessage": null}),
        false => Value::Null,
    })
}

pub(super) fn not_an_id(id: &str) -> Fault {
    Fault::plain(
        400,
        "Request_BadRequest",
        format!("Invalid object identifier '{id}'."),
    )
}

pub(super) fn missing(id: &str) -> Fault {
    Fault::plain(
        404,
        "Request_ResourceNotFound",
        format!(
            "Resource '{id}' does not exist or one of its queried reference-property objects are \
             not present."
        ),
    )
}

fn by_ids(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    Options::read(
        &call.pairs,
        &Allowed {
            options: &[],
            ..ONE
        },
    )?;
    let mut sent = body::object(call.header("content-type"), &call.request.body)?;
    let texts = |name: &str, value: Option<Value>| match value {
        None => Ok(None),
        Some(Value::Array(list)) if list.iter().all(Value::is_string) => Ok(Some(list)),
        Some(_) => Err(Fault::bad_request(format!(
            "'{name}' is not a list of strings."
        ))),
    };
    let ids = texts("ids", sent.remove("ids"))?
        .ok_or_else(|| Fault::bad_request("The parameter 'ids' is missing."))?;
    let types = texts("types", sent.remove("types"))?;
    if let Some(name) = sent.keys().next() {
        return Err(Fault::bad_request(format!(
            "The parameter '{name}' in the request payload is not a valid parameter for the \
             operation 'getByIds'."
        )));
    }
    if ids.len() > 1000 {
        return Err(Fault::plain(
            400,
            "Request_BadRequest",
            format!("Too many ids: {}. Max allowed: 1000.", ids.len()),
        ));
    }
    if let Some(wrong) = ids.iter().find(|id| !id.as_str().is_some_and(is_guid)) {
        return Err(Fault::plain(
            400,
            "Request_BadRequest",
            format!("Invalid GUID: {wrong}."),
        ));
    }
    let wanted = types.is_none_or(|types| {
        types.is_empty()
            || types
                .iter()
                .any(|name| matches!(name.as_str(), Some("group" | "directoryObject")))
    });
    // What is missing is simply absent.
    let ids: HashSet<String> = ids
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_ascii_lowercase)
        .collect();
    let groups = machine.tenant().groups.iter();
    let found = groups.filter(|group| wanted && ids.contains(&group.id.to_ascii_lowercase()));
    let rows = found.map(|group| {
        let mut object = full(group);
        object.insert("@odata.type".to_owned(), json!("#microsoft.graph.group"));
        object
    });
    let context = call.context("directoryObjects");
    Ok(Reply::page(context, None, None, rows.collect()))
}

/// Returns a group as the directory shows it.
pub(super) fn full(group: &Group) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in [
        ("description", Value::Null),
        ("groupTypes", json!([])),
        ("mailEnabled", json!(false)),
        ("securityEnabled", json!(true)),
        ("membershipRule", Value::Null),
        ("createdDateTime", json!("2024-03-01T08:00:00Z")),
    ] {
        object.insert(name.to_owned(), value);
    }
    add_own(&mut object, &group.properties);
    object.remove(PROCESSING);
    object.insert("id".to_owned(), json!(group.id));
    object.insert("displayName".to_owned(), json!(group.display_name));
    object
}
