//! The assignment filters: as a list, and one by its id.

use serde_json::{Map, Value, json};

use super::policies::page_size;
use super::shape::add_own;
use crate::call::Call;
use crate::collections::Family;
use crate::machine::Machine;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::tenant::Filter;

const LIST: Allowed<'static> = Allowed {
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

const SERVICE: &str = "/DeviceConfigV2/DCV2GraphService";

/// Answers a request below `/deviceManagement/assignmentFilters`.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    let path = "/deviceManagement/assignmentFilters";
    let all = &machine.tenant().assignment_filters;
    match (call.method, rest) {
        ("GET", []) => {
            call.may_read(Family::Configuration)?;
            let options = Options::read(&call.pairs, &LIST)?;
            let id = |row: usize| all[row].id.as_str();
            let size = page_size(machine, &options);
            let style = TokenStyle::Intune;
            let page = query::page(all.len(), id, &options, size, &call.root, path, style)?;
            let rows = all.get(page.rows).unwrap_or_default().iter();
            let rows: Vec<_> = rows.map(|filter| options.shape(full(filter))).collect();
            let context = call.context("deviceManagement/assignmentFilters");
            Ok(Reply::page(context, Some(rows.len()), page.next, rows))
        }
        (_, [name, ..]) if name.starts_with('$') => Err(Fault::no_segment(name)),
        ("GET", [id]) => {
            call.may_read(Family::Configuration)?;
            let known = Allowed {
                options: &["$select"],
                ..LIST
            };
            let options = Options::read(&call.pairs, &known)?;
            let filter = machine.tenant().filter(id).ok_or_else(Fault::not_found)?;
            let context = call.context("deviceManagement/assignmentFilters/$entity");
            Ok(Reply::object(200, context, options.shape(full(filter))))
        }
        (verb, []) => Err(Fault::no_route(
            "navigation",
            verb,
            SERVICE,
            path.trim_start_matches('/'),
        )),
        (verb, [id]) => Err(Fault::no_route(
            "navigation/key",
            verb,
            SERVICE,
            &format!("deviceManagement/assignmentFilters('{id}')"),
        )),
        (_, [_, other, ..]) => Err(Fault::no_segment(other)),
    }
}

/// Returns a filter as the service shows it.
fn full(filter: &Filter) -> Map<String, Value> {
    let mut object = Map::new();
    for (name, value) in [
        ("assignmentFilterManagementType", json!("devices")),
        ("createdDateTime", json!("2024-03-01T08:00:00Z")),
        ("description", json!("")),
        ("lastModifiedDateTime", json!("2024-03-01T08:00:00Z")),
        ("payloads", json!([])),
        ("roleScopeTags", json!(["0"])),
    ] {
        object.insert(name.to_owned(), value);
    }
    add_own(&mut object, &filter.properties);
    object.insert("id".to_owned(), json!(filter.id));
    object.insert("displayName".to_owned(), json!(filter.display_name));
    object
}
