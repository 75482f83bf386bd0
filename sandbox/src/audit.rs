//! What the service notes of each accepted write: an audit event
//! (DOCS:api-reference/beta/resources/intune-auditing-auditevent.md).
//!
//! The names of activities differ by kind. Those of apps and scripts were seen in public detection rules
//! (ThomasKur/Sentinel-And-DefenderXDR); the others are made in the same way.

use std::time::UNIX_EPOCH;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::collections::Collection;
use crate::encoding::guid_from;
use crate::reply::date;
use crate::target::{TargetType, target_id};
use crate::tenant::{Assignment, object};

/// How many events are kept. The service keeps two years of them.
pub(crate) const MOST_EVENTS: usize = 10_000;

/// The form of the service's times.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.7fZ";

/// How a policy was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// All of its assignments at once.
    Assign,
    Create,
    Delete,
    /// What it says of itself.
    Edit,
}

/// A policy that was written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Written<'a> {
    pub(crate) collection: Collection,
    pub(crate) id: &'a str,
    pub(crate) name: &'a str,
    pub(crate) before: &'a [Assignment],
    pub(crate) after: &'a [Assignment],
}

/// Makes the events of a write. `number` tells them from all others.
pub(crate) fn events(
    call: &Call<'_>,
    action: Action,
    written: Written<'_>,
    number: u64,
) -> Vec<Map<String, Value>> {
    let Written {
        collection,
        id,
        name,
        before,
        after,
    } = written;
    let spec = collection.spec();
    let policy = json!({
        "displayName": name,
        "auditResourceType": format!("Microsoft.Management.Services.Api.{}", capital(spec.entity)),
        "type": capital(spec.entity),
        "resourceId": id,
        "modifiedProperties": [],
    });
    let is_app = spec.segment == "mobileApps";
    let one_by_one = is_app || action != Action::Assign;
    let said: Vec<(String, &str, Vec<Value>)> = if action == Action::Edit {
        let activity = format!("Patch {}", capital(spec.entity));
        vec![(activity, "Patch", vec![policy])]
    } else if one_by_one {
        let entity = match is_app {
            true => "MobileAppAssignment".to_owned(),
            false => capital(spec.element),
        };
        let has = |assignments: &[Assignment], assignment: &Assignment| {
            let same = |known: &&Assignment| {
                known.id == assignment.id && known.source == assignment.source
            };
            assignments.iter().find(same).cloned()
        };
        let gone = before
            .iter()
            .filter(|assignment| has(after, assignment).is_none());
        let gone = gone.map(|assignment| ("Delete", assignment));
        let here = after
            .iter()
            .filter_map(|assignment| match has(before, assignment) {
                None => Some(("Create", assignment)),
                Some(old) if old != *assignment => Some(("Patch", assignment)),
                Some(_) => None,
            });
        gone.chain(here)
            .map(|(verb, assignment)| {
                let mut of_assignment = policy.clone();
                of_assignment["type"] = json!(entity);
                of_assignment["resourceId"] = json!(assignment.id);
                of_assignment["modifiedProperties"] = properties_of(assignment);
                // The policy stands behind its assignment: in no guaranteed order.
                (
                    format!("{verb} {entity}"),
                    verb,
                    vec![of_assignment, policy.clone()],
                )
            })
            .collect()
    } else {
        let ids: Vec<String> = after
            .iter()
            .map(|assignment| target_id(&assignment.target))
            .collect();
        let mut policy = policy;
        policy["modifiedProperties"] = json!([{
            "displayName": "TargetGroupIDs",
            "oldValue": null,
            "newValue": json!(ids).to_string(),
        }]);
        let entity = capital(spec.entity);
        vec![(format!("assign{entity} {entity}"), "Action", vec![policy])]
    };
    let component = component(spec.segment);
    let since = call.wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = format!("{}/{number}", since.as_nanos());
    let numbered = (0_u64..).zip(said);
    numbered
        .map(|(index, (activity, operation, resources))| {
            object(json!({
                "id": guid_from(&format!("audit event/{number}/{index}")),
                "displayName": activity,
                "componentName": component,
                "activity": null,
                "activityDateTime": date(call.wall, TIME),
                "activityType": activity,
                "activityOperationType": operation,
                "activityResult": "Success",
                "correlationId": call.header("client-request-id"),
                "category": component,
                "actor": actor(call),
                "resources": resources,
            }))
        })
        .collect()
}

fn actor(call: &Call<'_>) -> Value {
    let caller = &call.caller;
    let name = caller.app_name.as_deref().unwrap_or(&caller.app);
    json!({
        "type": null,
        "auditActorType": if caller.user.is_some() { "ItPro" } else { "Application" },
        "userPermissions": [],
        "applicationId": caller.app,
        "applicationDisplayName": name,
        "userPrincipalName": caller.user,
        "servicePrincipalName": null,
        "ipAddress": null,
        "userId": null,
    })
}

fn properties_of(assignment: &Assignment) -> Value {
    let kind = match TargetType::of(&assignment.target) {
        Some(kind) => format!("{kind:?}AssignmentTarget"),
        None => "AssignmentTarget".to_owned(),
    };
    let mut properties = vec![json!({
        "displayName": "Target.Type", "oldValue": "<null>", "newValue": kind,
    })];
    if let Some(intent) = assignment.properties.get("intent").and_then(Value::as_str) {
        let intent = capital(intent);
        properties.push(json!({"displayName": "Intent", "oldValue": "<null>", "newValue": intent}));
    }
    Value::Array(properties)
}

/// Returns the component that a collection belongs to (almenscorner/IntuneCD).
fn component(segment: &str) -> &'static str {
    match segment {
        "compliancePolicies" | "deviceCompliancePolicies" => "DeviceCompliancePolicy",
        "mobileApps" => "MobileApp",
        "mobileAppConfigurations" => "MobileAppConfiguration",
        "windowsAutopilotDeploymentProfiles" | "deviceEnrollmentConfigurations" => "Enrollment",
        "intents" => "DeviceIntent",
        "roleScopeTags" => "RoleBasedAccessControl",
        other if other.to_ascii_lowercase().contains("managedapp") => "ManagedAppProtection",
        other if other.starts_with("windows") && other.contains("Update") => {
            "SoftwareUpdateConfiguration"
        }
        _ => "DeviceConfiguration",
    }
}

fn capital(word: &str) -> String {
    let mut rest = word.chars();
    let first = rest.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(rest).collect()
}
