//! Approvals and audit events: what the service keeps of writes.

use jiff::Timestamp;
use serde_json::Value;

use super::tally::{
    Tallies,
    Verdict::{self, Differs, Holds, Open},
};
use super::{judge, text, values};
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::read::Reader;
use crate::graph::wire::APPROVAL_REQUESTS;

/// Types of access policies (microsoft-graph-docs-contrib: resources/intune-rbac-operationapprovalpolicytype.md).
/// Tenants spell them in varying case.
const POLICY_TYPES: &[&str] = &[
    "app",
    "appProtectionPolicy",
    "autopilot",
    "compliancePolicy",
    "configurationPolicy",
    "deviceAction",
    "deviceDelete",
    "deviceDisableActivationLock",
    "deviceEnrollment",
    "deviceErase",
    "deviceLock",
    "deviceResetPasscode",
    "deviceRetire",
    "deviceRetireNonCompliant",
    "deviceSecurityAction",
    "deviceUpdate",
    "deviceWipe",
    "endpointPrivilegeManagement",
    "endpointSecurityPolicy",
    "enrollmentRestriction",
    "filter",
    "operationApprovalPolicy",
    "policySet",
    "role",
    "script",
    "tenantConfiguration",
    "tunnel",
    "windows365",
    "windowsEnrollment",
];

impl Reader {
    /// Asks what has to be approved, and for the requests.
    pub(super) async fn approvals_of(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        const POLICIES: &str = "/deviceManagement/operationApprovalPolicies";
        let policies = judge("access policies", &self.ask(POLICIES).await?, gated);
        tallies.note("approval-policies", policies);
        let requests = self.ask(APPROVAL_REQUESTS).await?;
        let number_of = |page: &Object| Holds(format!("{} requests", values(page).count()));
        tallies.note("approval-requests", judge("requests", &requests, number_of));
        let fields = judge("requests", &requests, |page| {
            let silent = values(page).filter(|request| !says_what_for(request));
            match (silent.count(), values(page).count()) {
                (_, 0) => Open("there are no requests".to_owned()),
                (0, number) => Holds(format!("{number} requests")),
                (silent, number) => Differs(format!(
                    "{silent} of {number} requests do not say what they are for"
                )),
            }
        });
        tallies.note("approval-fields", fields);
        Ok(())
    }

    /// Asks for the newest audit events.
    pub(super) async fn events_of(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        const EVENTS: &str = "/deviceManagement/auditEvents?$orderby=activityDateTime%20desc&$select=activityDateTime,actor,resources&$top=20";
        let events = self.ask(EVENTS).await?;
        tallies.note("audit", judge("audit events", &events, in_order));
        tallies.note("audit-events", judge("audit events", &events, named));
        Ok(())
    }
}

/// Says what has to be approved, by the policies on it.
fn gated(page: &Object) -> Verdict {
    let types: Vec<&str> = values(page)
        .filter_map(|policy| text(policy, "policyType"))
        .collect();
    let is_odd = |name: &str| {
        let mut known = POLICY_TYPES.iter();
        !known.any(|known| known.eq_ignore_ascii_case(name))
    };
    let quoted = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
        names.join(", ")
    };
    let odd: Vec<&str> = types.iter().copied().filter(|name| is_odd(name)).collect();
    match (odd.is_empty(), types.is_empty()) {
        (false, _) => Differs(format!("there are access policies for {}", quoted(&odd))),
        (true, true) => Holds("no access policies: nothing is gated".to_owned()),
        (true, false) => Holds(format!("writes are gated for {}", quoted(&types))),
    }
}

/// Judges whether events name who acted, and on what.
fn named(page: &Object) -> Verdict {
    let acted = values(page).filter(|event| names_actor(event)).count();
    let about = values(page).filter(|event| names_resource(event)).count();
    match (values(page).count(), acted, about) {
        (0, ..) => Open("there are no events".to_owned()),
        (number, 0, _) => Differs(format!("none of {number} events names who acted")),
        (number, _, 0) => Differs(format!("none of {number} events names what it is about")),
        (number, acted, about) => Holds(format!(
            "of {number} events {acted} name who acted, and {about} what on"
        )),
    }
}

/// Whether a request says which object it is for, and, if it is for assignments, which.
fn says_what_for(request: &Object) -> bool {
    let says = |key: &str| text(request, key).is_some_and(|text| !text.is_empty());
    let is_assign = text(request, "payloadOperation") == Some("Assign");
    let lists = request
        .get("addedAssignments")
        .is_some_and(|added| !added.is_null());
    says("payloadId") && (!is_assign || says("actionParameters") || lists)
}

/// Judges the order of events by their times, which are written with a fraction of any length.
fn in_order(page: &Object) -> Verdict {
    let texts = values(page).map(|event| text(event, "activityDateTime"));
    let times: Option<Vec<Timestamp>> = texts.map(|text| text?.parse().ok()).collect();
    let Some(times) = times else {
        return Differs("an event has no time that can be read".to_owned());
    };
    let all = times.len();
    match (times.first(), times.last()) {
        _ if !times.is_sorted_by(|newer, older| newer >= older) => {
            Differs("the newest event is not the first".to_owned())
        }
        (Some(newest), Some(oldest)) if newest > oldest => {
            Holds(format!("{all} events, the newest first"))
        }
        _ => Open(match all {
            0 => "no events, so the order is unknown".to_owned(),
            1 => "one event, so the order is unknown".to_owned(),
            _ => format!("{all} events of the same time, so the order is unknown"),
        }),
    }
}

fn names_actor(event: &Object) -> bool {
    const NAMES: [&str; 4] = [
        "userPrincipalName",
        "applicationDisplayName",
        "servicePrincipalName",
        "applicationId",
    ];
    let actor = event.get("actor").and_then(Value::as_object);
    actor.is_some_and(|actor| {
        let mut names = NAMES.iter().filter_map(|name| text(actor, name));
        names.any(|name| !name.is_empty())
    })
}

fn names_resource(event: &Object) -> bool {
    let resources = event.get("resources").and_then(Value::as_array);
    let objects = resources.into_iter().flatten();
    let mut ids = objects.filter_map(|resource| resource.get("resourceId")?.as_str());
    ids.any(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn order(times: &[&str]) -> &'static str {
        let events: Vec<Value> = times
            .iter()
            .map(|time| json!({"activityDateTime": time}))
            .collect();
        let Value::Object(page) = json!({"value": events}) else {
            panic!("an object")
        };
        match in_order(&page) {
            Holds(_) => "holds",
            Differs(_) => "differs",
            _ => "unknown",
        }
    }

    #[test]
    fn an_order_is_seen_in_two_times_that_differ() {
        assert_eq!(order(&[]), "unknown");
        assert_eq!(order(&["2026-01-01T00:00:00Z"]), "unknown");
        assert_eq!(
            order(&["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000Z"]),
            "unknown"
        );
        assert_eq!(
            order(&["2026-01-01T00:00:00.1234Z", "2026-01-01T00:00:00.12Z"]),
            "holds"
        );
        assert_eq!(
            order(&["2026-01-01T00:00:00.12Z", "2026-01-01T00:00:00.1234Z"]),
            "differs"
        );
        assert_eq!(
            order(&["2026-01-02T01:00:00+02:00", "2026-01-01T22:00:00Z"]),
            "holds"
        );
        assert_eq!(order(&["2026-01-02T00:00:00Z", "lately"]), "differs");
    }
}
