use serde_json::json;

use super::*;
use crate::target;

#[test]
fn an_empty_tenant_comes_back() {
    let tenant = Tenant::empty();
    assert_eq!(
        Tenant::from_json(&tenant.to_json()).expect("its own text"),
        tenant
    );
}

#[test]
fn a_tenant_comes_back_with_what_is_unknown() {
    let mut tenant = Tenant::empty();
    let group = tenant.add_group("Ring \"0\" – Münster");
    let id = tenant.add_policy(Collection::COMPLIANCE_POLICIES, "P", "linux");
    let policy = tenant
        .policy_mut(Collection::COMPLIANCE_POLICIES, &id)
        .expect("just added");
    policy.properties.insert("mine".to_owned(), json!({"a": 1}));
    policy.assign(target::group(&group));
    policy.assignments[0]
        .properties
        .insert("x".to_owned(), json!(null));
    let read = Tenant::from_json(&tenant.to_json()).expect("its own text");
    assert_eq!(read, tenant);
}

/// What they were called before.
#[test]
fn switches_are_read_by_both_names() {
    for name in ["policySetAssignments", "policySetRows"] {
        let text = format!(
            r#"{{"formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555", "service": {{"{name}": "dropped", "deviations": ["rowIdsShared"]}}}}"#
        );
        let tenant = Tenant::from_json(&text).expect("a good state");
        let dropped = crate::switches::PolicySetAssignments::Dropped;
        assert_eq!(tenant.service.policy_set_assignments, dropped, "{name}");
        let shared = crate::switches::Deviation::AssignmentIdsShared;
        assert_eq!(tenant.service.deviations, [shared]);
    }
}

#[test]
fn a_row_written_by_hand_needs_a_target_only() {
    let text = r##"{"formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555",
        "configurationPolicies": [{"id": "21111111-2222-4333-8444-555555555555", "name": "P",
        "assignments": [{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]}]}"##;
    let tenant = Tenant::from_json(text).expect("a good state");
    let row = &tenant.policies(Collection::CONFIGURATION_POLICIES)[0].assignments[0];
    assert_eq!(
        row.id,
        "21111111-2222-4333-8444-555555555555_adadadad-808e-44e2-905a-0b7873a8a531"
    );
    assert_eq!(
        row.source_id.as_deref(),
        Some("21111111-2222-4333-8444-555555555555")
    );
}

#[test]
fn a_target_that_stands_twice_is_found() {
    let mut tenant = Tenant::empty();
    let id = tenant.add_policy(Collection::CONFIGURATION_POLICIES, "P", "linux");
    let policy = tenant.policy_mut(Collection::CONFIGURATION_POLICIES, &id);
    let policy = policy.expect("just added");
    policy.assign(target::all_users());
    policy.assign_from_set("set", target::all_users());
    let text = tenant.to_json();
    assert!(Tenant::from_json(&text).is_ok());
    let text = text.replace("policySets", "direct");
    let error = Tenant::from_json(&text).expect_err("it stands twice");
    assert!(error.to_string().contains("policy `P` has the assignment"));
}

#[test]
fn faults_name_their_place() {
    let head = "{\"formatVersion\": 1, \"tenantId\": \"11111111-2222-4333-8444-555555555555\"";
    let cases = [
        ("".to_owned(), "state:1:0: EOF"),
        (
            format!("{head},\n \"service\": {{\"rolls\": []}}}}"),
            "state:2:20: unknown field `rolls`",
        ),
        (
            format!("{head},\n \"groups\": [{{\"id\": \"x\"}}]}}"),
            "state:2:23: missing field `displayName`",
        ),
        (
            format!("{head},\n \"groups\": [{{\"id\": \"x\", \"displayName\": \"y\"}}]}}"),
            "state:2:20: `groups` has an id of the wrong form: `x`",
        ),
        (
            format!(
                "{head},\n \"compliancePolicies\": [{{\"id\": \"x\", \"assignments\": [{{\n}}]}}]}}"
            ),
            "state:3:1: missing field `target`",
        ),
        (
            format!(
                "{head},\n \"compliancePolicies\": [{{\"assignments\": [\n{{\"source\": \"x\"}}]}}]}}"
            ),
            "unknown variant `x`, expected `direct` or `policySets`",
        ),
        (
            format!("{head},\n \"compliancePolicies\": [{{\"assignments\": null}}]}}"),
            "invalid type: null, expected a sequence",
        ),
        (
            format!("{head},\n \"compliancePolicies\": [{{\"id\": \"x\"}}]}}"),
            "state:2:35: a policy needs `name`",
        ),
        (
            format!("{head},\n \"compliancePolicies\": [{{\"id\": 1}}\n]}}"),
            "state:2:33: `id` is not a text",
        ),
        (
            format!("{head},\n \"compliancePolicies\": [\n[]]}}"),
            "state:3:0: invalid type: sequence, expected a policy",
        ),
        (
            format!("{head},\n \"compliancePolicies\": null}}"),
            "state:2:27: invalid type: null, expected a list of policies",
        ),
        (
            format!("{head},\n \"policies\": []}}"),
            "state:2:11: unknown key `policies`",
        ),
        (
            format!("{head}, \"service\": {{\"createRouteMissing\": [\"apps\"]}}}}"),
            "names the collection `apps`",
        ),
        (
            head.replace("1,", "9,") + "}",
            "`formatVersion` 9 is unknown",
        ),
    ];
    for (text, expected) in cases {
        let message = Tenant::from_json(&text).expect_err(&text).to_string();
        assert!(message.contains(expected), "{message}");
    }
}
