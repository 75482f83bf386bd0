//! The audit events: one list for all workloads.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::directory::permit;
use crate::call::Call;
use crate::machine::Machine;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};

const LIST: Allowed<'static> = Allowed {
    options: &["$top", "$select", "$orderby", "$filter", "$skiptoken"],
    entity: "auditEvent",
    properties: &[
        "activity",
        "activityDateTime",
        "activityOperationType",
        "activityResult",
        "activityType",
        "actor",
        "category",
        "componentName",
        "correlationId",
        "displayName",
        "id",
        "resources",
    ],
    expand: &[],
    grammar: NO_FILTER,
};

/// Who may read (DOCS:api-reference/beta/api/intune-auditing-auditevent-list.md).
const READERS: &[&str] = &[
    "DeviceManagementApps.Read.All",
    "DeviceManagementApps.ReadWrite.All",
];

const PATH: &str = "/deviceManagement/auditEvents";

/// The largest page (microsoft-graph-docs#18143).
const LARGEST_PAGE: usize = 1000;

/// Answers a request below `/deviceManagement/auditEvents`.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    match (call.method, rest) {
        ("GET", []) => {
            permit(call, READERS)?;
            list(machine, call)
        }
        (verb, []) => Err(Fault::no_route(
            "navigation",
            verb,
            "/AuditingFE/StatelessAuditingFEService",
            PATH.trim_start_matches('/'),
        )),
        (_, [other, ..]) => Err(Fault::no_segment(other)),
    }
}

fn list(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    let switches = &machine.tenant().service.audit;
    if switches.throttled {
        // almenscorner/IntuneCD#217.
        return Err(Fault::wrapped(
            429,
            "TooManyRequests",
            "An error has occurred",
        ));
    }
    // The filter has a grammar of its own.
    let is_filter = |pair: &&(String, String)| pair.0 == "$filter";
    let filter = call.pairs.iter().find(is_filter);
    let conditions = filter.map_or(Ok(Vec::new()), |(_, text)| conditions(text))?;
    let others = call.pairs.iter().filter(|pair| !is_filter(pair));
    let others: Vec<(String, String)> = others.cloned().collect();
    let mut options = Options::read(&others, &LIST)?;
    if let Some((name, text)) = filter {
        options.keep(name, text);
    }
    let descends = match options.order.as_deref() {
        None | Some("activityDateTime desc") => true,
        Some("activityDateTime" | "activityDateTime asc") => false,
        Some(other) => {
            return Err(Fault::bad_request(format!(
                "Ordering by '{other}' is not supported."
            )));
        }
    };
    let now = Timestamp::try_from(call.wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let delay = Duration::from_secs_f64(switches.delay.clamp(0.0, 86_400.0));
    let visible = now
        .checked_sub(SignedDuration::try_from(delay).unwrap_or_default())
        .unwrap_or(now);
    let events = &machine.tenant().audit_events;
    let mut shown: Vec<&Map<String, Value>> = events
        .iter()
        .filter(|event| time(event).is_some_and(|time| time <= visible))
        .filter(|event| conditions.iter().all(|condition| condition.holds(event)))
        .collect();
    shown.sort_by_key(|event| time(event));
    if descends {
        shown.reverse();
    }
    let size = options.top.unwrap_or(switches.page_size).min(LARGEST_PAGE);
    // A next link may follow the last page, and lead to an empty one (microsoft-graph-docs#18143).
    let rows = match switches.trailing_link {
        true => shown.len().next_multiple_of(size.max(1)) + 1,
        false => shown.len(),
    };
    let id = |row: usize| shown.get(row).map_or("", |event| text(event, "id"));
    let style = TokenStyle::Intune;
    let page = query::page(rows, id, &options, size, &call.root, PATH, style)?;
    let end = page.rows.end.min(shown.len());
    let rows = shown.get(page.rows.start.min(end)..end).unwrap_or_default();
    let rows: Vec<_> = rows
        .iter()
        .map(|event| options.shape((*event).clone()))
        .collect();
    // It means nothing (microsoft-graph-docs#18143).
    let count = Some(rows.len());
    let context = call.context("deviceManagement/auditEvents");
    Ok(Reply::page(context, count, page.next, rows))
}

fn text<'a>(event: &'a Map<String, Value>, name: &str) -> &'a str {
    event.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// Returns when an event happened.
fn time(event: &Map<String, Value>) -> Option<Timestamp> {
    text(event, "activityDateTime").parse().ok()
}

/// A part of `$filter`.
#[derive(Clone, Debug, PartialEq)]
enum Condition {
    Time(String, Timestamp),
    Component(String),
    OperationIsNot(String),
    ResourceType(String),
}

impl Condition {
    fn holds(&self, event: &Map<String, Value>) -> bool {
        match self {
            Self::Time(operator, limit) => {
                time(event).is_some_and(|time| match operator.as_str() {
                    "ge" => time >= *limit,
                    "gt" => time > *limit,
                    "le" => time <= *limit,
                    _ => time < *limit,
                })
            }
            Self::Component(name) => text(event, "componentName") == name,
            Self::OperationIsNot(name) => text(event, "activityOperationType") != name,
            Self::ResourceType(name) => {
                let resources = event.get("resources").and_then(Value::as_array);
                let mut resources = resources.into_iter().flatten();
                resources.any(|resource| resource.get("auditResourceType") == Some(&json!(name)))
            }
        }
    }
}

/// Reads the forms of a filter that tools are known to send, joined by `and`.
fn conditions(filter: &str) -> Result<Vec<Condition>, Fault> {
    let unknown = || Fault::bad_request(format!("Invalid filter clause: {filter}"));
    let quoted = |text: &str| {
        let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
        (!inner.contains('\'')).then(|| inner.to_owned())
    };
    let one = |clause: &str| {
        const ANY: &str = "resources/any(s:s/auditResourceType eq ";
        if let Some(rest) = clause.strip_prefix(ANY) {
            return quoted(rest.strip_suffix(')')?).map(Condition::ResourceType);
        }
        let (property, rest) = clause.split_once(' ')?;
        let (operator, value) = rest.split_once(' ')?;
        match (property, operator) {
            ("activityDateTime", "ge" | "gt" | "le" | "lt") => {
                // A bare date is midnight.
                let midnight = format!("{value}T00:00:00Z");
                let time = value.parse().or_else(|_| midnight.parse()).ok()?;
                Some(Condition::Time(operator.to_owned(), time))
            }
            ("componentName", "eq") => quoted(value).map(Condition::Component),
            ("activityOperationType", "ne") => quoted(value).map(Condition::OperationIsNot),
            _ => None,
        }
    };
    filter
        .split(" and ")
        .map(|clause| one(clause.trim()).ok_or_else(unknown))
        .collect()
}
