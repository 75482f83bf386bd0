//! Policies: as a list, one by its id, and the assignments that come with them.

use serde_json::{Map, Value, json};

use super::shape;
use crate::call::Call;
use crate::collections::{Collection, Expand, Pages, Writes};
use crate::deviations::is;
use crate::machine::Machine;
use crate::odata::predicate::Grammar;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::rules::enrollment;
use crate::switches::Deviation;
use crate::tenant::{Assignment, Policy};

/// The forms of `$filter` that the portal and the tools send (TFCAP; facts, section 4).
const CATALOG_GRAMMAR: Grammar = Grammar {
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

const APP_GRAMMAR: Grammar = Grammar {
    properties: &["displayName", "id", "isAssigned"],
    functions: &[("contains", "displayName")],
    ..CATALOG_GRAMMAR
};

/// How many apps are on a page.
const THOUSAND: usize = 1000;

/// Answers a request that reads policies; `None` if it is another.
pub(crate) fn answer(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    rest: &[&str],
) -> Option<Result<Reply, Fault>> {
    let may_read = || call.may_read(collection.spec().family);
    match (call.method, rest) {
        ("GET", []) => Some(may_read().and_then(|()| list(machine, call, collection))),
        // No id begins like that; it asks for a count, or for what does not exist.
        ("GET", [name, ..]) if name.starts_with('$') => Some(Err(Fault::no_segment(name))),
        ("GET", [id]) => Some(may_read().and_then(|()| one(machine, call, collection, id))),
        _ => None,
    }
}

fn allowed<'a>(
    collection: Collection,
    options: &'a [&'a str],
    properties: &'a [&'a str],
    expand: &'a [&'a str],
) -> Allowed<'a> {
    let spec = collection.spec();
    Allowed {
        options,
        entity: spec.entity,
        properties,
        expand,
        grammar: match spec.name {
            "name" => CATALOG_GRAMMAR,
            _ => APP_GRAMMAR,
        },
    }
}

/// What `$select` may name.
fn selectable(collection: Collection) -> Vec<&'static str> {
    let spec = collection.spec();
    let mut names = vec!["id", spec.name];
    names.extend(spec.properties);
    names
}

fn list(machine: &Machine, call: &Call<'_>, collection: Collection) -> Result<Reply, Fault> {
    let spec = collection.spec();
    let service = &machine.tenant().service;
    let known: &[&str] = if spec.has_filter {
        &["$top", "$select", "$filter", "$expand", "$skiptoken"]
    } else {
        &["$top", "$select", "$expand", "$skiptoken"]
    };
    let properties = selectable(collection);
    let allowed = allowed(collection, known, &properties, &["assignments"]);
    let options = Options::read(&call.pairs, &allowed)?;
    let expands = options.expands("assignments");
    let is_switched_off = service
        .expand_refused
        .iter()
        .any(|name| name == spec.segment);
    let list_expand = match is(machine.tenant(), Deviation::ExpandEverywhere) {
        true => Expand::Full,
        false => spec.list_expand,
    };
    if expands && (list_expand == Expand::Refused || is_switched_off) {
        return Err(no_expand());
    }
    if expands && options.select.is_some() && spec.segment == "deviceEnrollmentConfigurations" {
        // Named so by terraform-provider-microsoft365; the sentence is not known.
        return Err(Fault::bad_request(
            "Could not find a property named 'platformType' on type 'microsoft.management.services.api.deviceEnrollmentConfiguration'.",
        ));
    }
    let policies = machine.tenant().policies(collection);
    let found: Vec<&Policy> = match options.filter {
        None => policies.iter().collect(),
        Some(_) => policies
            .iter()
            .filter(|policy| options.passes(&shape::policy(policy)))
            .collect(),
    };
    let (size, fixed_count) = match spec.pages {
        Pages::Small => (page_size(machine, &options), None),
        Pages::Thousand => (options.top.unwrap_or(THOUSAND).min(THOUSAND), Some(0)),
        Pages::Whole => (options.top.unwrap_or(usize::MAX), None),
    };
    let path = collection.path();
    let id = |row: usize| found[row].id.as_str();
    let style = TokenStyle::Intune;
    let link = format!("/{path}");
    let page = query::page(found.len(), id, &options, size, &call.root, &link, style)?;
    let mut rows = Vec::with_capacity(page.rows.len());
    for policy in &found[page.rows] {
        let object = shape::policy(policy);
        let mut object = shape::select(collection, options.select.as_deref(), object);
        if expands {
            expand(machine, call, policy, list_expand, &mut object)?;
        }
        rows.push(object);
    }
    let whole = is(machine.tenant(), Deviation::CountOfList);
    // That of the catalog is the page's size, not the list's (TFCAP, IntuneAssignmentChecker#28).
    let count = match spec.pages {
        _ if whole => Some(found.len()),
        Pages::Small => Some(rows.len()),
        Pages::Thousand => fixed_count,
        Pages::Whole => None,
    };
    Ok(Reply::page(call.context(&path), count, page.next, rows))
}

fn no_expand() -> Fault {
    Fault::bad_request(
        "Query option 'Expand' is not allowed. To allow it, set the 'AllowedQueryOptions' property \
         on EnableQueryAttribute or QueryValidationSettings.",
    )
}

fn expand(
    machine: &Machine,
    call: &Call<'_>,
    policy: &Policy,
    expand: Expand,
    object: &mut Map<String, Value>,
) -> Result<(), Fault> {
    let (path, context) = rows_path(call, policy);
    object.insert("assignments@odata.context".to_owned(), json!(context));
    if enrollment::is_default(policy) {
        // sibranda/GetIntuneAssignments#5.
        object.insert("assignments".to_owned(), Value::Null);
        return Ok(());
    }
    let shown: &[Assignment] = match expand {
        Expand::Full => machine.shown(policy, call.now),
        Expand::Empty | Expand::Refused => &[],
    };
    // What is cut goes on below `/assignments`, which policy sets do not have.
    let has_list = policy.collection.spec().writes != Writes::Update;
    let most = machine.tenant().service.expand_limit.filter(|_| has_list);
    let most = most.unwrap_or(usize::MAX).max(1);
    if shown.len() > most {
        let keys = keys(shown);
        let key = |row: usize| keys[row].as_str();
        let (options, style) = (Options::default(), TokenStyle::Intune);
        let page = query::page(shown.len(), key, &options, most, &call.root, &path, style)?;
        let next = json!(page.next.unwrap_or_default());
        object.insert("assignments@odata.nextLink".to_owned(), next);
    }
    let rows = shown.iter().take(most);
    let rows = rows.map(|row| shape::assignment(policy.collection, row));
    let rows = rows.map(Value::Object).collect();
    object.insert("assignments".to_owned(), Value::Array(rows));
    Ok(())
}

fn one(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let spec = collection.spec();
    let is_set = spec.writes == Writes::Update;
    let expandable: &[&str] = if is_set {
        &["assignments", "items"]
    } else {
        &["assignments"]
    };
    let properties = selectable(collection);
    let options = allowed(collection, &["$select", "$expand"], &properties, expandable);
    let options = Options::read(&call.pairs, &options)?;
    let policy = machine.policy(collection, id)?;
    let mut object = shape::policy(policy);
    if spec.segment == "mobileApps" {
        // IWA#79.
        object.insert("isAssigned".to_owned(), json!(false));
    }
    let mut object = shape::select(collection, options.select.as_deref(), object);
    if options.expands("assignments") {
        if spec.item_expand == Expand::Refused {
            return Err(no_expand());
        }
        let works = is(machine.tenant(), Deviation::ItemExpandWorks);
        let how = if works {
            Expand::Full
        } else {
            spec.item_expand
        };
        expand(machine, call, policy, how, &mut object)?;
    }
    if options.expands("items") {
        let items = policy.properties.get("items").cloned();
        object.insert("items".to_owned(), items.unwrap_or_else(|| json!([])));
    }
    let context = call.context(&format!("{}/$entity", collection.path()));
    Ok(Reply::object(200, context, object))
}

/// Returns the size of a list's pages where the switches say it.
pub(super) fn page_size(machine: &Machine, options: &Options) -> usize {
    let service = &machine.tenant().service;
    options
        .top
        .unwrap_or(service.page_size)
        .min(service.max_page_size)
}

/// Returns the path and the context of a policy's assignments.
pub(super) fn rows_path(call: &Call<'_>, policy: &Policy) -> (String, String) {
    let path = format!("{}('{}')", policy.collection.path(), policy.id);
    // The context of objects of several types has a cast in it (TFCAP).
    let cast = match policy.odata_type() {
        name if !name.is_empty() && policy.collection.spec().is_polymorphic => {
            format!("/microsoft.graph.{name}")
        }
        _ => String::new(),
    };
    (
        format!("/{path}/assignments"),
        call.context(&format!("{path}{cast}/assignments")),
    )
}

/// Returns what tells assignments apart. A group that is assigned once by itself and once by a policy
/// set may have one id and two rows.
pub(super) fn keys(rows: &[Assignment]) -> Vec<String> {
    rows.iter()
        .map(|row| format!("{}/{}", row.id, row.source))
        .collect()
}

/// The options of a list of assignments.
pub(super) fn rows_allowed(
    collection: Collection,
    options: &'static [&'static str],
) -> Allowed<'static> {
    Allowed {
        options,
        entity: collection.spec().element,
        properties: &["id", "source", "sourceId", "target"],
        expand: &[],
        grammar: NO_FILTER,
    }
}
