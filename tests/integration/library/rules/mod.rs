//! What each kind takes: what the service refuses for certain is an error at the line that asks for it,
//! what is doubtful is a warning that names its source.

mod table;

use assignctl::diagnostic::Severity;
use assignctl_sandbox::{Collection, Policy, Tenant, target};
use serde_json::{Map, Value, json};

use super::support::world::{Trouble, World};
use table::Found::{Doubt, Nothing, Refused};
use table::{DEVICES, FILTERED, GROUP, Line, line, lines};

/// A tenant with one policy, `P`.
fn tenant(line: &Line) -> Tenant {
    let mut tenant = Tenant::empty();
    for name in ["A", "B"] {
        tenant.add_group(name);
    }
    for (name, platform, rule) in [
        ("F", "windows10AndLater", "(device.model -eq \"x\")"),
        (
            "OS",
            "windows10AndLater",
            "(device.osVersion -ne \"1\") and (device.enrollmentProfileName -eq \"x\")",
        ),
        ("Mac", "macOS", "(device.model -eq \"x\")"),
        ("Droid", "androidForWork", "(device.osVersion -eq \"1\")"),
        (
            "M",
            "iOSMobileApplicationManagement",
            "(app.osVersion -eq \"1\")",
        ),
    ] {
        tenant.add_filter(name, platform, rule);
    }
    let of_apps = tenant.assignment_filters.last_mut().expect("a filter");
    let side = "assignmentFilterManagementType".to_owned();
    of_apps.properties.insert(side, json!("apps"));
    let collection = Collection::named(line.collection).expect("a collection");
    let Value::Object(says) = line.says.clone() else {
        panic!("an object");
    };
    let id = "5d2f1c4e-0000-4000-8000-00000000000a";
    let policy = Policy::new(collection, id, "P", says);
    tenant.policies_mut(collection).push(policy);
    tenant
}

/// What a plan of the targets finds: severity, code, and message with hint.
async fn found(
    tenant: Tenant,
    kind: &str,
    targets: &str,
) -> Vec<(Severity, String, String, usize)> {
    let text = format!("version: 1\npolicies:\n  - kind: {kind}\n    name: P\n    {targets}\n");
    let world = World::new(tenant);
    match world.try_plan(&text).await {
        Ok(plan) => {
            let found = plan.diagnostics.clone().into_iter().map(|found| {
                let said = format!("{} {}", found.summary, found.hint.unwrap_or_default());
                let line = found.place.map_or(0, |place| place.line);
                (found.severity, found.code, said, line)
            });
            found.collect()
        }
        Err(Trouble::Invalid(found)) => found
            .into_iter()
            .map(|found| {
                let line = found.place.map_or(0, |place| place.line);
                (found.severity, found.code.to_owned(), found.message, line)
            })
            .collect(),
        Err(Trouble::Unread(error)) => panic!("{kind}: {error}"),
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_kind_refuses_is_an_error_and_what_is_doubtful_a_warning_with_its_source() {
    for line in lines() {
        for (targets, expected) in line.targets {
            let found = found(tenant(&line), line.kind, targets).await;
            // What only says how the plan is carried out is another matter.
            let found: Vec<_> = found
                .into_iter()
                .filter(|(_, code, _, _)| code != "replaced-one-by-one")
                .filter(|(_, code, _, _)| {
                    code != "remediation-without-schedule" || targets == &GROUP
                })
                .collect();
            let what = format!("{} {} {targets}: {found:#?}", line.kind, line.says);
            match (expected, found.as_slice()) {
                (Nothing, []) => {}
                (Refused(code), [(Severity::Error, seen, _, place)]) => {
                    assert_eq!(seen, code, "{what}");
                    // At the entry, or at the target.
                    assert!(*place >= 3, "{what}");
                }
                (Doubt(code, source), [(Severity::Warning, seen, said, place)]) => {
                    assert_eq!(seen, code, "{what}");
                    assert!(said.contains(source), "{what}");
                    assert!(*place > 3, "{what}");
                }
                _ => panic!("{what}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_target_that_is_live_is_no_longer_doubted() {
    let line = line("termsAndConditions", "termsAndConditions", json!({}), &[]);
    let mut tenant = tenant(&line);
    let collection = Collection::named(line.collection).expect("a collection");
    for policy in tenant.policies_mut(collection) {
        policy.assignments.clear();
        policy.assign(target::all_devices());
    }
    let found = found(tenant, line.kind, DEVICES).await;
    assert!(found.is_empty(), "{found:?}");
}

#[tokio::test(start_paused = true)]
async fn a_filter_without_a_rule_or_of_an_odd_one_is_no_fault() {
    let restriction = json!({
        "@odata.type": "#microsoft.graph.deviceEnrollmentPlatformRestrictionConfiguration",
        "platformType": "windows",
    });
    for (rule, is_doubted) in [
        (Value::Null, false),
        (json!(""), false),
        (json!("device."), true),
        (json!("device.osVersion"), false),
        (json!("(device.osVersion -eq \"device.model\")"), true),
        (json!("not a rule"), false),
    ] {
        let line = line(
            "deviceEnrollmentConfiguration",
            "deviceEnrollmentConfigurations",
            restriction.clone(),
            &[],
        );
        let mut tenant = tenant(&line);
        let filter: &mut Map<String, Value> = &mut tenant.assignment_filters[0].properties;
        filter.insert("rule".to_owned(), rule.clone());
        let found = found(tenant, line.kind, FILTERED).await;
        assert_eq!(found.len(), usize::from(is_doubted), "{rule}: {found:?}");
    }
}
