//! The assignment filters: as a list, and one by its id.

use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::machine::{Call, Machine};
use super::policies::{page_of, permit};
use super::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use super::reply::{Fault, Reply};
use super::shown::{Part, Shown};
use super::tenant::{Filter, object};

const LIST: Allowed = Allowed {
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

/// Answers a request below `/deviceManagement/assignmentFilters`.
pub(super) fn answer(machine: &Machine, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    let path = "/deviceManagement/assignmentFilters";
    let all = &machine.tenant().assignment_filters;
    match (call.method, rest) {
        ("GET", []) => {
            permit(call)?;
            let options = Options::read(&call.pairs, &LIST)?;
            let id = |row: usize| all[row].id.as_str();
            let size = machine.page_size(&options);
            let style = TokenStyle::Intune;
            let page = query::page(all.len(), id, &options, size, &call.root, path, style)?;
            let rows = all.get(page.rows).unwrap_or_default().iter();
            let rows = rows.map(|filter| full(filter).select(options.select.as_deref()));
            let context = call.context("deviceManagement/assignmentFilters");
            Ok(page_of(context, page.next, rows.collect()))
        }
        ("GET", [id]) => {
            permit(call)?;
            let known = Allowed {
                options: &["$select"],
                ..LIST
            };
            let options = Options::read(&call.pairs, &known)?;
            let filter = machine.tenant().filter(id).ok_or_else(Fault::not_found)?;
            let row = full(filter).select(options.select.as_deref());
            let context = Part::Own(call.context("deviceManagement/assignmentFilters/$entity"));
            Ok(Reply::json(200, &row.with("@odata.context", context)))
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

/// What the service says of a filter where the state file does not.
static DEFAULTS: LazyLock<Map<String, Value>> = LazyLock::new(|| {
    object(json!({
        "assignmentFilterManagementType": "devices",
        "createdDateTime": "2024-03-01T08:00:00Z",
        "description": "",
        "lastModifiedDateTime": "2024-03-01T08:00:00Z",
        "payloads": [],
        "roleScopeTags": ["0"],
    }))
});

fn full(filter: &Filter) -> Shown<'_> {
    Shown {
        defaults: &DEFAULTS,
        is_assigned: None,
        own: &filter.properties,
        names: [("id", &filter.id), ("displayName", &filter.display_name)],
    }
}
