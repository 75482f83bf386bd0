//! The assignments of one policy: read, replaced as a set, or written one by one. Which routes there
//! are, the table of collections says; for others the service has no route.

use serde_json::{Map, Value, json};

use super::edits;
use super::policies::{keys, page_size, rows_allowed, rows_path};
use super::shape;
use crate::audit::Action;
use crate::call::Call;
use crate::collections::{Answer, Collection, Pages, Spec, Writes};
use crate::machine::Machine;
use crate::odata::query::{self, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::rules::{assignment, body, enrollment};
use crate::switches::PolicySetAssignments;
use crate::target::{self, NAMESPACE, TargetType};
use crate::tenant::{Assignment, Policy, assignment_id, object};

/// Answers a request below a policy.
pub(crate) fn answer(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    rest: &[&str],
) -> Result<Reply, Fault> {
    let spec = collection.spec();
    let service = &machine.tenant().service;
    let is_missing = |names: &[String]| names.iter().any(|name| name == spec.segment);
    let is_single = matches!(spec.writes, Writes::Single | Writes::Either(_));
    let has_create = is_single && !is_missing(&service.create_route_missing);
    let has_delete = is_single && !is_missing(&service.delete_route_missing);
    let has_plain = !is_missing(&service.plain_assign_missing);
    let may_read = || call.may_read(spec.family);
    match (call.method, rest) {
        // Not an id: a count, or what does not exist.
        (_, [_, "assignments", name, ..]) if name.starts_with('$') => Err(Fault::no_segment(name)),
        ("GET", [id, "assignments"]) if spec.writes != Writes::Update => {
            may_read().and_then(|()| assignments(machine, call, collection, id))
        }
        ("GET", [id, "assignments", assignment]) if spec.has_assignment_route => {
            may_read().and_then(|()| assignment_of(machine, call, collection, id, assignment))
        }
        ("POST", [id, "assignments"]) if has_create => {
            machine.may_write(call, collection)?;
            create(machine, call, collection, id)
        }
        ("DELETE", [id, "assignments", assignment]) if has_delete => {
            machine.may_write(call, collection)?;
            delete(machine, call, collection, id, assignment)
        }
        ("PATCH", [id, "assignments", assignment]) if spec.has_patch => {
            machine.may_write(call, collection)?;
            update(machine, call, collection, id, assignment)
        }
        ("POST", [id, "assign"]) if has_plain => assign(machine, call, collection, id, "assign"),
        ("POST", [id, cast, "assign"]) if spec.has_cast && *cast == spec.entity => {
            assign(machine, call, collection, id, "assign")
        }
        ("POST", [id, "update"]) if spec.writes == Writes::Update => {
            assign(machine, call, collection, id, "update")
        }
        ("PATCH", [id]) => edits::answer(machine, call, collection, id),
        (verb, rest) => Err(no_route(spec, verb, rest)),
    }
}

/// The refusal of what has no route.
fn no_route(spec: &Spec, verb: &str, rest: &[&str]) -> Fault {
    let Spec { root, segment, .. } = spec;
    let path = format!("{root}/{segment}");
    let (template, path) = match rest {
        [] => ("navigation", path),
        [id] => ("navigation/key", format!("{path}('{id}')")),
        // Policy sets have no lists below them (microsoft-graph-explorer-v4#2930); flat assignments to groups
        // are documented only (microsoft-graph-docs#1854, msgraph-metadata#504).
        [id, name @ ("assignments" | "items" | "groupAssignments")] => (
            "navigation/key/navigation",
            format!("{path}('{id}')/{name}"),
        ),
        [id, "assignments", assignment] => (
            "navigation/key/navigation/key",
            format!("{path}('{id}')/assignments('{assignment}')"),
        ),
        [id, action @ ("assign" | "update")] => (
            "navigation/key/action",
            format!("{path}('{id}')/microsoft.management.services.api.{action}"),
        ),
        [_, "assignments" | "assign", .., other] | [_, other, ..] => {
            return Fault::no_segment(other);
        }
    };
    Fault::no_route(template, verb, spec.service, &path)
}

fn assignments(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let allowed = rows_allowed(collection, &["$top", "$select", "$skiptoken"]);
    let options = Options::read(&call.pairs, &allowed)?;
    let policy = machine.policy(collection, id)?;
    let default = default_row(policy);
    let shown = match &default {
        Some(assignment) => std::slice::from_ref(assignment),
        None => machine.shown(policy, call.now),
    };
    let keys = keys(shown);
    let key = |assignment: usize| keys[assignment].as_str();
    let (path, context) = rows_path(call, policy);
    let pages = collection.spec().pages;
    let size = match pages {
        Pages::Small => page_size(machine, &options),
        Pages::Thousand | Pages::Whole => options.top.unwrap_or(usize::MAX),
    };
    let style = TokenStyle::Intune;
    let page = query::page(keys.len(), key, &options, size, &call.root, &path, style)?;
    let assignments: Vec<Map<String, Value>> = shown
        .get(page.rows)
        .unwrap_or_default()
        .iter()
        .map(|assignment| options.shape(shape::assignment(collection, assignment)))
        .collect();
    let count = (pages == Pages::Small).then_some(assignments.len());
    Ok(Reply::page(context, count, page.next, assignments))
}

/// Returns the fixed assignment of a tenant's default, whose id is the configuration's own.
fn default_row(policy: &Policy) -> Option<Assignment> {
    if !enrollment::is_default(policy) {
        return None;
    }
    let target = if enrollment::is_for_devices(policy) {
        target::all_devices()
    } else {
        target::all_users()
    };
    Some(Assignment {
        id: policy.id.clone(),
        source: "direct".to_owned(),
        source_id: None,
        target: object(target),
        properties: Map::new(),
    })
}

fn assignment_of(
    machine: &Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    assignment: &str,
) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &rows_allowed(collection, &["$select"]))?;
    let policy = machine.policy(collection, id)?;
    let shown = machine.shown(policy, call.now);
    let found = shown
        .iter()
        .find(|known| known.id.eq_ignore_ascii_case(assignment))
        .ok_or_else(Fault::not_found)?;
    let object = options.shape(shape::assignment(collection, found));
    let (_, context) = rows_path(call, policy);
    Ok(Reply::object(200, format!("{context}/$entity"), object))
}

fn create(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
) -> Result<Reply, Fault> {
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let policy = machine.policy(collection, id)?;
    if let Some(refusal) = refusal(policy) {
        return Err(refusal);
    }
    let assignment = assignment::read(machine.tenant(), policy, Value::Object(sent))?;
    let mut assignments = policy.assignments.clone();
    assignments.push(assignment.clone());
    check_set(machine, policy, &assignments)?;
    let (_, context) = rows_path(call, policy);
    machine.write(call, Action::Create, collection, id, assignments);
    let mut shown = shape::assignment(collection, &assignment);
    let element = collection.spec().element;
    shown.insert(
        "@odata.type".to_owned(),
        json!(format!("#{NAMESPACE}{element}")),
    );
    Ok(Reply::object(201, format!("{context}/$entity"), shown))
}

/// Changes one assignment: what the body says takes the place of what was there.
fn update(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    assignment: &str,
) -> Result<Reply, Fault> {
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let policy = machine.policy(collection, id)?;
    if let Some(refusal) = refusal(policy) {
        return Err(refusal);
    }
    let mut assignments = policy.assignments.clone();
    let is_it = |known: &Assignment| known.id.eq_ignore_ascii_case(assignment);
    let position = assignments.iter().position(is_it);
    let found = position.and_then(|position| assignments.get_mut(position));
    let found = found.ok_or_else(Fault::not_found)?;
    let mut whole = shape::assignment(collection, found);
    whole.extend(sent);
    *found = assignment::read(machine.tenant(), policy, Value::Object(whole))?;
    let shown = shape::assignment(collection, found);
    check_set(machine, policy, &assignments)?;
    let (_, context) = rows_path(call, policy);
    machine.write(call, Action::Assign, collection, id, assignments);
    Ok(Reply::object(200, format!("{context}/$entity"), shown))
}

/// Replaces all assignments of a policy.
fn assign(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    action: &str,
) -> Result<Reply, Fault> {
    let spec = collection.spec();
    let parameter = match (spec.writes, action) {
        (Writes::Assign(parameter) | Writes::Either(parameter), "assign") => parameter,
        (Writes::Update, "update") => "assignments",
        _ => return Err(no_route(spec, call.method, &[id, action])),
    };
    machine.may_write(call, collection)?;
    let sent = body::object(call.header("content-type"), &call.request.body)?;
    let policy = machine.policy(collection, id)?;
    if let Some(refusal) = refusal(policy) {
        return Err(refusal);
    }
    machine.check_write_cooldown(policy, call.now)?;
    let mut assignments = body::action(sent, action, parameter)?
        .into_iter()
        .map(|assignment| assignment::read(machine.tenant(), policy, assignment))
        .collect::<Result<Vec<_>, _>>()?;
    check_set(machine, policy, &assignments)?;
    if machine.tenant().service.policy_set_assignments == PolicySetAssignments::Kept {
        let is_left_out = |old: &&Assignment| {
            old.source != "direct"
                && !assignments
                    .iter()
                    .any(|assignment| assignment.id == old.id && assignment.source == old.source)
        };
        let kept: Vec<Assignment> = policy
            .assignments
            .iter()
            .filter(is_left_out)
            .cloned()
            .collect();
        assignments.extend(kept);
    }
    let members = members(machine, policy);
    let reply = answer_of(machine, call, spec, collection, &assignments);
    machine.write(call, Action::Assign, collection, id, assignments.clone());
    for (collection, member) in members {
        follow(machine, call, (collection, &member), id, &assignments);
    }
    Ok(reply)
}

/// Why the assignments of an object cannot be changed, if that is so.
fn refusal(policy: &Policy) -> Option<Fault> {
    let is = |name: &str| policy.properties.get(name) == Some(&json!(true));
    let state = policy.properties.get("publishingState");
    if enrollment::is_default(policy) || is("isDefaultProfile") || is("isBuiltIn") {
        Some(Fault::invalid(
            "The assignments of a default cannot be changed",
        ))
    } else if state.is_some_and(|state| state != "published") {
        Some(Fault::invalid(
            "An app cannot be assigned unless it is published",
        ))
    } else {
        None
    }
}

/// Refuses a set that cannot be.
fn check_set(machine: &Machine, policy: &Policy, assignments: &[Assignment]) -> Result<(), Fault> {
    assignment::unique(assignments)?;
    let is_everywhere = |assignment: &Assignment| {
        TargetType::of(&assignment.target) == Some(TargetType::AllDevices)
    };
    if policy.collection.segment() == "windowsAutopilotDeploymentProfiles"
        && assignments.iter().any(is_everywhere)
    {
        let others = machine.tenant().policies(policy.collection).iter();
        let mut others = others.filter(|other| other.id != policy.id);
        if let Some(other) = others.find(|other| other.assignments.iter().any(is_everywhere)) {
            // CIPP#2803.
            let id = &other.id;
            return Err(Fault::invalid(format!(
                "Another Profile {id} is already assigned to All Devices."
            )));
        }
    }
    Ok(())
}

fn answer_of(
    machine: &mut Machine,
    call: &Call<'_>,
    spec: &Spec,
    collection: Collection,
    assignments: &[Assignment],
) -> Reply {
    let mut empty = Reply::no_content();
    match spec.answer {
        Answer::NoContent => empty,
        Answer::Empty => {
            if machine.random.bool() {
                empty.status = 200;
            }
            empty
        }
        Answer::Assignments => {
            let context = call.context(&format!("Collection({NAMESPACE}{})", spec.element));
            let assignments = assignments
                .iter()
                .map(|assignment| shape::assignment(collection, assignment));
            Reply::page(context, None, None, assignments.collect())
        }
    }
}

/// Returns the objects that are in a policy set.
fn members(machine: &Machine, policy: &Policy) -> Vec<(Collection, String)> {
    let items = policy.properties.get("items").and_then(Value::as_array);
    let items = items.filter(|_| policy.collection.spec().writes == Writes::Update);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| {
            let name = item.get("@odata.type")?.as_str()?;
            let name = name.trim_start_matches("#microsoft.graph.");
            let id = item.get("payloadId")?.as_str()?;
            let mut collections = collections_of(name.strip_suffix("PolicySetItem")?)
                .iter()
                .filter_map(|segment| Collection::named(segment));
            let collection = collections.find(|some| machine.policy(*some, id).is_ok())?;
            Some((collection, id.to_owned()))
        })
        .collect()
}

/// Where an item of a policy set may be (DOCS: intune-policyset-policysetitem.md and its derived types).
fn collections_of(item: &str) -> &'static [&'static str] {
    match item {
        "mobileApp" => &["mobileApps"],
        "deviceCompliancePolicy" => &["deviceCompliancePolicies"],
        "deviceConfiguration" => &["deviceConfigurations"],
        "deviceManagementConfigurationPolicy" => &["configurationPolicies"],
        "deviceManagementScript" => &["deviceManagementScripts"],
        "iosLobAppProvisioningConfiguration" => &["iosLobAppProvisioningConfigurations"],
        "managedAppProtection" => &[
            "iosManagedAppProtections",
            "androidManagedAppProtections",
            "windowsManagedAppProtections",
        ],
        "managedDeviceMobileAppConfiguration" => &["mobileAppConfigurations"],
        "targetedManagedAppConfiguration" => &["targetedManagedAppConfigurations"],
        "windowsAutopilotDeploymentProfile" => &["windowsAutopilotDeploymentProfiles"],
        "windows10EnrollmentCompletionPageConfiguration"
        | "enrollmentRestrictionsConfiguration" => &["deviceEnrollmentConfigurations"],
        _ => &[],
    }
}

/// Gives a member of a policy set the set's assignments, in place of those it had from it.
fn follow(
    machine: &mut Machine,
    call: &Call<'_>,
    (collection, member): (Collection, &str),
    set: &str,
    assignments: &[Assignment],
) {
    let Ok(policy) = machine.policy(collection, member) else {
        return;
    };
    let mut new: Vec<Assignment> = policy
        .assignments
        .iter()
        .filter(|assignment| {
            assignment.source == "direct" || assignment.source_id.as_deref() != Some(set)
        })
        .cloned()
        .collect();
    for assignment in assignments {
        let mut properties = assignment.properties.clone();
        properties.remove("lastModifiedDateTime");
        if collection.segment() == "mobileApps" {
            properties.insert("intent".to_owned(), json!("required"));
        }
        let mut assignment = Assignment {
            id: String::new(),
            source: "policySets".to_owned(),
            source_id: Some(set.to_owned()),
            target: assignment.target.clone(),
            properties,
        };
        assignment.id = assignment_id(collection, member, &assignment);
        if !new
            .iter()
            .any(|known| known.id == assignment.id && known.source == assignment.source)
        {
            new.push(assignment);
        }
    }
    let lag = machine.tenant().service.policy_set_lag;
    machine.replace(collection, member, new, call.now, lag);
}

fn delete(
    machine: &mut Machine,
    call: &Call<'_>,
    collection: Collection,
    id: &str,
    assignment: &str,
) -> Result<Reply, Fault> {
    let policy = machine.policy(collection, id)?;
    let mut assignments = policy.assignments.clone();
    // The direct assignment first, where a policy set's assignment has the same id.
    let is_it = |known: &Assignment| known.id.eq_ignore_ascii_case(assignment);
    let position = assignments
        .iter()
        .position(|known| is_it(known) && known.source == "direct")
        .or_else(|| assignments.iter().position(is_it))
        .ok_or_else(Fault::not_found)?;
    assignments.remove(position);
    machine.write(call, Action::Delete, collection, id, assignments);
    let spec = collection.spec();
    Ok(match spec.writes {
        // Tools expect 200 of Autopilot (almenscorner/IntuneCD).
        Writes::Single => answer_of(machine, call, spec, collection, &[]),
        _ => Reply::no_content(),
    })
}
