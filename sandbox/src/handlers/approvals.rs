//! The requests for approval and the access policies, as Graph serves them, and the sandbox's own
//! routes by which a test or a person plays the second administrator.

use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::policies::page_size;
use super::shape;
use crate::approval::{Decision, clock, seconds};
use crate::approval_request::{ApprovalRequest, ApprovalStatus, Party};
use crate::call::Call;
use crate::collections::{Collection, Spec};
use crate::encoding::guid_from;
use crate::machine::Machine;
use crate::odata::predicate::Grammar;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::request::Request;
use crate::rules::body;
use crate::tenant::Tenant;

pub(crate) const REQUESTS: &str = "operationApprovalRequests";
pub(crate) const POLICIES: &str = "operationApprovalPolicies";

const READ: [&str; 4] = [
    "DeviceManagementConfiguration.Read.All",
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementRBAC.Read.All",
    "DeviceManagementRBAC.ReadWrite.All",
];
const WRITE: [&str; 2] = [
    "DeviceManagementConfiguration.ReadWrite.All",
    "DeviceManagementRBAC.ReadWrite.All",
];

const LIST: Allowed<'static> = Allowed {
    options: &["$top", "$filter", "$skiptoken"],
    entity: "operationApprovalRequest",
    properties: &[],
    expand: &[],
    grammar: Grammar {
        properties: &["status"],
        functions: &[],
        in_list: false,
        not: false,
        ignore_case: false,
    },
};

/// Answers a request below `/deviceManagement/operationApprovalRequests`.
pub(crate) fn requests(
    machine: &mut Machine,
    call: &Call<'_>,
    rest: &[&str],
) -> Result<Reply, Fault> {
    match (call.method, rest) {
        ("GET", [] | ["retrieveMyRequests()"]) => {
            call.permit(&READ)?;
            list(machine, call, !rest.is_empty())
        }
        ("GET", [id]) => {
            call.permit(&READ)?;
            let id = id
                .strip_prefix("retrieveMyRequestById(id='")
                .and_then(|rest| rest.strip_suffix("')"))
                .unwrap_or(id);
            let context = call.context(&format!("deviceManagement/{REQUESTS}/$entity"));
            let found = visible(machine, call, false);
            let found = found
                .into_iter()
                .find(|request| request.id.eq_ignore_ascii_case(id))
                .ok_or_else(Fault::not_found)?;
            Ok(Reply::object(200, context, shown(machine, call, found)))
        }
        ("POST", ["cancelMyRequest"]) => cancel_mine(machine, call),
        ("POST", [id, action @ ("approve" | "reject" | "cancelApproval")]) => {
            decide(machine, call, id, action)
        }
        (verb, rest) => Err(Fault::no_route(
            match rest.len() {
                0 => "navigation",
                1 => "navigation/key",
                _ => "navigation/key/action",
            },
            verb,
            "/RBAC/StatelessRoleAdministrationFEService",
            &call.segments.join("/"),
        )),
    }
}

/// Returns the requests that a caller may see by now.
fn visible<'a>(machine: &'a Machine, call: &Call<'_>, only_own: bool) -> Vec<&'a ApprovalRequest> {
    let tenant = machine.tenant();
    let switches = &tenant.service.approval;
    let time = clock(tenant, call.wall);
    let caller = Party::of(&call.caller);
    let delay = seconds(switches.listing_delay);
    let is_listed = |request: &ApprovalRequest| {
        request
            .filed
            .saturating_add(delay)
            .is_ok_and(|from| from <= time)
    };
    tenant
        .approval_requests
        .iter()
        .filter(|request| is_listed(request))
        .filter(|request| {
            !(only_own || switches.only_own_requests) || request.requestor.is(&caller)
        })
        .collect()
}

fn list(machine: &Machine, call: &Call<'_>, only_own: bool) -> Result<Reply, Fault> {
    let allowed = match machine.tenant().service.approval.filter_refused {
        true => Allowed {
            options: &["$top", "$skiptoken"],
            grammar: NO_FILTER,
            ..LIST
        },
        false => LIST,
    };
    let options = Options::read(&call.pairs, &allowed)?;
    let rows: Vec<(String, Map<String, Value>)> = visible(machine, call, only_own)
        .into_iter()
        .map(|request| (request.id.clone(), shown(machine, call, request)))
        .filter(|(_, row)| options.filter.is_none() || options.passes(row))
        .collect();
    let path = format!("/{}", call.segments.join("/"));
    let id = |row: usize| rows[row].0.as_str();
    let size = page_size(machine, &options);
    let style = TokenStyle::Intune;
    let page = query::page(rows.len(), id, &options, size, &call.root, &path, style)?;
    let shown = rows.get(page.rows).unwrap_or_default().iter();
    let shown: Vec<_> = shown.map(|(_, row)| row.clone()).collect();
    let context = call.context(&format!("deviceManagement/{REQUESTS}"));
    Ok(Reply::page(context, Some(shown.len()), page.next, shown))
}

/// Returns a request as the service shows it: the published properties, and those that it sends
/// without saying so.
fn shown(machine: &Machine, call: &Call<'_>, request: &ApprovalRequest) -> Map<String, Value> {
    let tenant = machine.tenant();
    let switches = &tenant.service.approval;
    let hides = switches.people_hidden;
    let party = |party: Option<&Party>| match party.filter(|_| !hides) {
        None => Value::Null,
        Some(Party { application, user }) => json!({
            "application": {"id": application, "displayName": "Sandbox application"},
            "device": null,
            "user": user.as_ref().map(|id| json!({"id": id, "displayName": "Sandbox person"})),
        }),
    };
    let mut row = json!({
        "id": request.id,
        "requestDateTime": request.filed,
        "expirationDateTime": request.expires,
        "lastModifiedDateTime": request.changed,
        "requestor": party(Some(&request.requestor)),
        "approver": party(request.approver.as_ref()),
        "status": request.status_at(clock(tenant, call.wall)).name(),
        "requestJustification": request.justification,
        "approvalJustification": request.approval_justification,
        "requiredOperationApprovalPolicyTypes": [policy_type(request)],
    });
    let Value::Object(row) = &mut row else {
        return Map::new();
    };
    if !switches.unpublished_hidden {
        row.extend(unpublished(tenant, request));
    }
    std::mem::take(row)
}

fn policy_type(request: &ApprovalRequest) -> &'static str {
    Collection::named(&request.collection)
        .and_then(|collection| collection.spec().approval)
        .unwrap_or("unknown")
}

/// The properties that no page documents and that tools rely on.
fn unpublished(tenant: &Tenant, request: &ApprovalRequest) -> Map<String, Value> {
    let collection = Collection::named(&request.collection);
    let policy = collection.and_then(|collection| tenant.policy(collection, &request.object));
    let entity = collection.map_or("", |collection| collection.spec().entity);
    let mut letters = entity.chars();
    let capital = letters.next().map(|first| first.to_ascii_uppercase());
    let name = format!("{}{}", String::from_iter(capital), letters.as_str());
    let payload = policy.map(|policy| {
        let mut object = shape::policy(policy);
        object.insert(
            "@odata.type".to_owned(),
            json!(format!("#{INTERNAL}{entity}")),
        );
        Value::Object(object).to_string()
    });
    let is_assign = request.path.ends_with("/assign") || request.path.ends_with("/update");
    let sent: Value = serde_json::from_str(&request.body).unwrap_or_default();
    let is_update = request.method == "PATCH";
    let added: Vec<Value> = match (&sent, is_assign) {
        _ if is_update => Vec::new(),
        (Value::Object(sent), true) => sent
            .values()
            .filter_map(Value::as_array)
            .flatten()
            .map(|row| internal(row, collection.map(Collection::spec)))
            .collect(),
        (Value::Object(_), false) => vec![internal(&sent, collection.map(Collection::spec))],
        _ => Vec::new(),
    };
    let mut row = Map::new();
    for (key, value) in [
        ("payloadId", json!(request.object)),
        (
            "payloadType",
            json!(format!("Microsoft.Management.Services.Api.{name}")),
        ),
        (
            "payloadOperation",
            json!(if is_update { "Update" } else { "Assign" }),
        ),
        ("patchPayload", json!(is_update.then_some(&request.body))),
        ("payloadName", json!(policy.map(|policy| &policy.name))),
        ("payload", json!(payload)),
        ("displayPayload", json!(payload)),
        ("addedAssignments", Value::Array(added)),
        (
            "actionParameters",
            json!(is_assign.then_some(&request.body)),
        ),
    ] {
        row.insert(key.to_owned(), value);
    }
    row
}

const INTERNAL: &str = "microsoft.management.services.api.";

/// Spells an assignment as the service does to itself.
fn internal(row: &Value, spec: Option<&Spec>) -> Value {
    let mut row = row.clone();
    if let Some(spec) = spec {
        row["@odata.type"] = json!(format!("#{INTERNAL}{}", spec.element));
    }
    let source = match row["source"].as_str() {
        Some("policySets") => "PolicySets",
        _ => "Direct",
    };
    row["source"] = json!(source);
    if let Some(name) = row["target"]["@odata.type"].as_str() {
        let name = name.rsplit('.').next().unwrap_or_default();
        row["target"]["@odata.type"] = json!(format!("#{INTERNAL}{name}"));
    }
    row
}

/// Withdraws a request of the caller's own. The id is in the body: with one in the path there is no
/// such route (a field report of 2026-08).
fn cancel_mine(machine: &mut Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    call.permit(&WRITE)?;
    if call.request.body.is_empty() {
        return Err(Fault::bad_request("Empty Payload. JSON content expected."));
    }
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let id = sent.get("id").and_then(Value::as_str).unwrap_or_default();
    let caller = Party::of(&call.caller);
    let requests = &machine.tenant().approval_requests;
    let is_own = requests
        .iter()
        .any(|request| request.id.eq_ignore_ascii_case(id) && request.requestor.is(&caller));
    if !is_own {
        return Err(Fault::not_found());
    }
    match machine.decide(id, Decision::Cancel, None, None, call.wall) {
        true => Ok(Reply::no_content()),
        false => Err(Fault::invalid("An error has occurred")),
    }
}

/// Decides on a request as a person who did not file it (MAAPI: no application can).
fn decide(machine: &mut Machine, call: &Call<'_>, id: &str, action: &str) -> Result<Reply, Fault> {
    call.permit(&WRITE)?;
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let caller = Party::of(&call.caller);
    let requests = &machine.tenant().approval_requests;
    let request = requests
        .iter()
        .find(|request| request.id.eq_ignore_ascii_case(id))
        .ok_or_else(Fault::not_found)?;
    if caller.user.is_none() || request.requestor.is(&caller) {
        return Err(Fault::wrapped(403, "Forbidden", "An error has occurred"));
    }
    let decision = match action {
        "approve" => Decision::Approve,
        "reject" => Decision::Reject,
        // What still waits is rejected, not cancelled.
        _ if request.status_at(clock(machine.tenant(), call.wall)) != ApprovalStatus::Approved => {
            return Err(Fault::invalid("An error has occurred"));
        }
        _ => Decision::Cancel,
    };
    let why = sent.get("justification").and_then(Value::as_str);
    match machine.decide(id, decision, Some(caller), why, call.wall) {
        true => Ok(Reply::object(
            200,
            call.context("Edm.String"),
            Map::from_iter([("value".to_owned(), json!(id))]),
        )),
        false => Err(Fault::invalid("An error has occurred")),
    }
}

/// Answers a request below `/deviceManagement/operationApprovalPolicies`.
pub(crate) fn policies(machine: &Machine, call: &Call<'_>, rest: &[&str]) -> Result<Reply, Fault> {
    call.permit(&READ)?;
    let types = &machine.tenant().service.approval.policy_types;
    let object = |name: &String, is_list: bool| {
        let mut row = Map::new();
        for (key, value) in [
            ("id", json!(guid_from(&format!("access policy/{name}")))),
            ("displayName", json!(format!("Approval of {name}"))),
            ("description", json!("")),
            ("lastModifiedDateTime", json!("2026-07-01T08:00:00Z")),
            ("policyType", json!(name)),
            ("policyPlatform", json!("notApplicable")),
            (
                "policySet",
                json!({"policyType": name, "policyPlatform": "notApplicable"}),
            ),
        ] {
            row.insert(key.to_owned(), value);
        }
        if !is_list {
            // microsoft/zerotrustassessment#1309: the list leaves them out.
            row.insert(
                "approverGroupIds".to_owned(),
                json!([guid_from("approvers")]),
            );
        }
        row
    };
    match (call.method, rest) {
        ("GET", []) => {
            let rows = types.iter().map(|name| object(name, true)).collect();
            let context = call.context(&format!("deviceManagement/{POLICIES}"));
            Ok(Reply::page(context, None, None, rows))
        }
        ("GET", [id]) => {
            let context = call.context(&format!("deviceManagement/{POLICIES}/$entity"));
            let rows = types.iter().map(|name| object(name, false));
            let mut found = rows.filter(|row| row.get("id") == Some(&json!(id)));
            let found = found.next().ok_or_else(Fault::not_found)?;
            Ok(Reply::object(200, context, found))
        }
        (verb, _) => Err(Fault::no_route(
            "navigation",
            verb,
            "/RBAC/StatelessRoleAdministrationFEService",
            &call.segments.join("/"),
        )),
    }
}

/// Answers the sandbox's own routes, which need no sign-in and do not exist in the service; `None` if
/// a request is for none of them.
pub(crate) fn admin(machine: &mut Machine, request: &Request, wall: SystemTime) -> Option<Reply> {
    let path = request.target.strip_prefix("/sandbox/")?;
    let sent: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let parts: Vec<&str> = path.split('/').collect();
    let refused = |status, message: &str| {
        Reply::json(
            status,
            json!({"error": {"code": "sandbox", "message": message}}),
        )
    };
    Some(match (request.method.as_str(), parts.as_slice()) {
        ("GET", ["approvals"]) => {
            let time = clock(machine.tenant(), wall);
            let requests = &machine.tenant().approval_requests;
            let rows: Vec<Value> = requests
                .iter()
                .map(|request| {
                    let mut row = json!(request);
                    row["status"] = json!(request.status_at(time));
                    row
                })
                .collect();
            Reply::json(200, json!({"value": rows}))
        }
        ("POST", ["approvals", id, action @ ("approve" | "reject" | "cancel")]) => {
            let decision = match *action {
                "approve" => Decision::Approve,
                "reject" => Decision::Reject,
                _ => Decision::Cancel,
            };
            let why = sent["justification"].as_str();
            let approver = Party {
                application: guid_from("admin center"),
                user: Some(guid_from("second administrator")),
            };
            match machine.decide(id, decision, Some(approver), why, wall) {
                true => Reply::no_content(),
                false => refused(409, "there is no such request in a state for that"),
            }
        }
        ("POST", ["clock"]) => match sent["seconds"].as_f64() {
            Some(seconds) if (0.0..=1e9).contains(&seconds) => {
                machine.let_pass(Duration::from_secs_f64(seconds));
                Reply::no_content()
            }
            _ => refused(400, "the body needs `seconds`"),
        },
        _ => refused(404, "the sandbox has no such route of its own"),
    })
}
