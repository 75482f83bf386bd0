//! Tests: assignments created, replaced and deleted.

use serde_json::{Value, json};

use super::*;
use crate::target::{all_devices, all_users, exclusion_group, group};

#[test]
fn assign_replaces_the_whole_set() {
    let (mut world, id, policy, _) = small();
    for path in ["/assign", "/microsoft.graph.assign"] {
        let target = catalog(&policy, path);
        let rows = json!([{"target": group(&id)}, {"target": all_users()}]);
        let (status, body) = world.post(&target, json!({"assignments": rows}));
        assert_eq!(
            (status, body["value"].as_array().map(Vec::len)),
            (200, Some(2))
        );
        let rows = json!([{"target": exclusion_group(&id)}, {"target": all_devices()}]);
        assert_eq!(world.post(&target, json!({"assignments": rows})).0, 200);
        let (_, rows) = world.pages(&catalog(&policy, "/assignments"));
        assert_eq!(rows[0]["id"], format!("{policy}_{id}"));
        assert_eq!(rows[0]["sourceId"], policy);
        assert_eq!(
            rows[1]["id"],
            format!("{policy}_adadadad-808e-44e2-905a-0b7873a8a531")
        );
    }
    let keyed = format!("/deviceManagement/configurationPolicies('{policy}')/assign");
    assert_eq!(world.post(&keyed, json!({"assignments": []})).0, 200);
    assert_eq!(world.pages(&catalog(&policy, "/assignments")).1.len(), 0);
    assert!(world.machine.take_changed());
    assert!(!world.machine.take_changed());
}

#[test]
fn a_refused_write_changes_nothing() {
    let (mut world, id, policy, _) = small();
    let row = json!({"target": group(&id)});
    let missing = guid_from("missing");
    for (target, body, status) in [
        (
            catalog(&policy, "/assign"),
            json!({"assignments": [row, row]}),
            400,
        ),
        (catalog(&policy, "/assign"), json!([row]), 400),
        (
            catalog(&policy, "/assign?x=1"),
            json!({"assignments": []}),
            400,
        ),
        (
            catalog(&missing, "/assign"),
            json!({"assignments": []}),
            404,
        ),
        (
            catalog(&policy, "/assignments"),
            json!({"assignments": []}),
            400,
        ),
        (catalog(&policy, "/unassign"), json!({}), 400),
        (catalog(&policy, ""), json!({}), 400),
        (
            "/deviceManagement/configurationPolicies".to_owned(),
            json!({}),
            400,
        ),
    ] {
        let (got, body) = world.post(&target, body);
        assert_eq!(got, status, "{target}: {body}");
    }
    assert!(!world.machine.take_changed());
}

#[test]
fn create_and_delete_work_one_row() {
    let (mut world, id, policy, _) = small();
    let path = catalog(&policy, "/assignments");
    let (status, body) = world.post(&path, json!({"target": group(&id)}));
    assert_eq!(status, 201);
    assert_eq!(
        (
            &body["source"],
            &body["sourceId"],
            &body["target"]["groupId"]
        ),
        (&json!("direct"), &json!(policy), &json!(id))
    );
    assert_eq!(world.post(&path, json!({"target": group(&id)})).0, 400);
    let one = format!("{path}/{policy}_{id}");
    assert_eq!(world.get(&one).1["id"], format!("{policy}_{id}"));
    assert_eq!(world.send("PATCH", &one, Some(json!({}))).0, 400);
    let (status, body, _) = world.send("DELETE", &one, None);
    assert_eq!((status, body), (204, Value::Null));
    assert_eq!(world.send("DELETE", &one, None).0, 404);
}

#[test]
fn a_missing_route_is_refused_in_the_known_words() {
    let (mut world, id, policy, compliance) = small();
    let service = &mut world.machine.tenant_mut().service;
    service.create_route_missing = vec!["configurationPolicies".to_owned()];
    service.delete_route_missing = vec!["configurationPolicies".to_owned()];
    let row = json!({"target": group(&id)});
    let (status, body) = world.post(&catalog(&policy, "/assignments"), row.clone());
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "No method match route template");
    assert_eq!(
        message(&body),
        format!(
            "No OData route exists that match template ~/singleton/navigation/key/navigation with \
             http verb POST for request /DeviceConfigV2/DCV2GraphService/deviceManagement/\
             configurationPolicies('{policy}')/assignments."
        )
    );
    let one = catalog(&policy, &format!("/assignments/{policy}_{id}"));
    let (status, body, _) = world.send("DELETE", &one, None);
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "No method match route template");
    let other = format!("/deviceManagement/compliancePolicies/{compliance}/assignments");
    assert_eq!(world.post(&other, row).0, 201);
}

#[test]
fn rows_of_policy_sets_stay_or_go_by_the_switch() {
    for (switch, expected) in [
        (PolicySetAssignments::Kept, 2),
        (PolicySetAssignments::Dropped, 1),
    ] {
        let (mut world, id, policy, _) = small();
        let tenant = world.machine.tenant_mut();
        tenant.service.policy_set_assignments = switch;
        let set = tenant.policy_mut(CATALOG, &policy).expect("it is there");
        set.assign_from_set("set", group(&id));
        let rows = json!({"assignments": [{"target": group(&id)}]});
        world.post(&catalog(&policy, "/assign"), rows);
        let (_, rows) = world.pages(&catalog(&policy, "/assignments"));
        assert_eq!(rows.len(), expected);
        let both = json!({"assignments": [
            {"target": group(&id)}, {"target": group(&id), "source": "policySets", "sourceId": "set"}]});
        world.post(&catalog(&policy, "/assign"), both);
        let (_, rows) = world.pages(&catalog(&policy, "/assignments?$top=1"));
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[1]["sourceId"], "set");
    }
}

#[test]
fn reads_lag_behind_writes_by_the_switch() {
    let (mut world, id, policy, _) = small();
    world.machine.tenant_mut().service.read_after_write_lag = 5.0;
    let path = catalog(&policy, "/assignments");
    let first = json!({"assignments": [{"target": group(&id)}]});
    world.post(&catalog(&policy, "/assign"), first);
    world.now = 3.0;
    world.post(&path, json!({"target": all_devices()}));
    for (now, expected) in [(4.9, 0), (5.0, 1), (7.9, 1), (8.0, 2)] {
        world.now = now;
        assert_eq!(world.pages(&path).1.len(), expected, "{now}");
    }
}
