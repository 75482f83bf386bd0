//! Audit events: what is noted of writes, and how it is read.

use serde_json::json;

use super::*;
use crate::encoding::base64url;
use crate::target;

fn events(query: &str) -> String {
    format!("/deviceManagement/auditEvents{query}")
}

fn assigned(world: &mut World, policy: &str, group: &str) -> (u16, Value) {
    let body = json!({"assignments": [{"target": target::group(group)}]});
    world.post(&catalog(policy, "/assign"), body)
}

#[test]
fn accepted_writes_are_noted_with_who_and_with_which_request() {
    let (mut world, group, policy, _) = small();
    let claims = json!({"appid": "app", "app_displayname": "Portal", "upn": "eve@x"}).to_string();
    let body = json!({"assignments": [{"target": target::group(&group)}]});
    let request = Request {
        method: "POST".to_owned(),
        target: format!("/beta{}", catalog(&policy, "/assign")),
        headers: vec![
            (
                "authorization".to_owned(),
                format!("Bearer e30.{}.x", base64url(claims.as_bytes())),
            ),
            ("content-type".to_owned(), "application/json".to_owned()),
            ("client-request-id".to_owned(), "mine".to_owned()),
        ],
        body: body.to_string().into_bytes(),
    };
    assert_eq!(world.answer(&request).0, 200);
    // A refused one is not.
    assert_eq!(world.post(&catalog(&policy, "/assign"), json!({})).0, 400);
    let (status, body) = world.get(&events(""));
    assert_eq!(status, 200, "{body}");
    let noted = body["value"].as_array().expect("a list");
    assert_eq!(noted.len(), 1);
    let event = &noted[0];
    assert_eq!(event["correlationId"], "mine");
    assert_eq!(event["actor"]["userPrincipalName"], "eve@x");
    assert_eq!(event["actor"]["auditActorType"], "ItPro");
    assert_eq!(
        event["activityType"],
        "assignDeviceManagementConfigurationPolicy DeviceManagementConfigurationPolicy"
    );
    let resource = &event["resources"][0];
    assert_eq!(resource["resourceId"], policy);
    let ids = json!([group]).to_string();
    assert_eq!(resource["modifiedProperties"][0]["newValue"], ids);
    // The state file keeps it.
    let text = world.machine.tenant().to_json();
    let tenant = Tenant::from_json(&text).expect("its own text");
    assert_eq!(tenant.audit_events.len(), 1);
    let broken = text.replace("1970-01-01T", "soon");
    assert!(Tenant::from_json(&broken).is_err());
}

#[test]
fn single_assignments_and_apps_have_an_event_each() {
    let mut tenant = Tenant::empty();
    let (one, two) = (tenant.add_group("1"), tenant.add_group("2"));
    let policy = tenant.add_policy(CATALOG, "P", "windows10");
    let apps = Collection::named("mobileApps").expect("apps");
    let app = tenant.add_policy(apps, "A", "win32LobApp");
    let mut world = World::new(tenant);
    let row = json!({"target": target::group(&one)});
    let (status, made) = world.post(&catalog(&policy, "/assignments"), row);
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().expect("an id");
    let path = catalog(&policy, &format!("/assignments/{id}"));
    assert_eq!(world.send("DELETE", &path, None).0, 204);
    let app_row = |group: &str| json!({"@odata.type": "#microsoft.graph.mobileAppAssignment", "intent": "required", "target": target::group(group)});
    let assign = format!("/deviceAppManagement/mobileApps/{app}/assign");
    for groups in [&[&one, &two][..], &[&two][..]] {
        let rows: Vec<Value> = groups.iter().map(|group| app_row(group)).collect();
        let (status, body) = world.post(&assign, json!({"mobileAppAssignments": rows}));
        assert!(status < 300, "{body}");
    }
    let (_, body) = world.get(&events("?$orderby=activityDateTime"));
    let names: Vec<&str> = body["value"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|event| event["activityType"].as_str().expect("text"))
        .collect();
    assert_eq!(
        names,
        [
            "Create DeviceManagementConfigurationPolicyAssignment",
            "Delete DeviceManagementConfigurationPolicyAssignment",
            "Create MobileAppAssignment",
            "Create MobileAppAssignment",
            "Delete MobileAppAssignment",
        ]
    );
    let last = &body["value"][4]["resources"];
    assert_eq!(
        last[1]["resourceId"], app,
        "the app stands in no fixed place"
    );
    assert_eq!(last[0]["modifiedProperties"][1]["newValue"], "Required");
}

#[test]
fn events_show_late_come_in_pages_and_are_filtered_in_the_known_ways_only() {
    let (mut world, group, policy, _) = small();
    for second in 0..3 {
        world.now = f64::from(second);
        assert_eq!(assigned(&mut world, &policy, &group).0, 200);
    }
    for (filter, expected) in [
        ("activityDateTime ge 1970-01-01T00:00:01Z", Some(2)),
        (
            "activityDateTime gt 1970-01-01T00:00:01Z and activityDateTime le 1970-01-02",
            Some(1),
        ),
        ("componentName eq 'DeviceConfiguration'", Some(3)),
        ("activityOperationType ne 'Action'", Some(0)),
        (
            "resources/any(s:s/auditResourceType eq 'Microsoft.Management.Services.Api.DeviceManagementConfigurationPolicy')",
            Some(3),
        ),
        ("resources/any(s:s/resourceId eq 'x')", None),
        ("activityDateTime ge soon", None),
        ("displayName eq 'x'", None),
    ] {
        let filter = crate::encoding::percent_encode(filter);
        let (status, body) = world.get(&events(&format!("?$filter={filter}")));
        let number = body["value"].as_array().map(Vec::len);
        assert_eq!(number, expected, "{filter}: {body}");
        assert_eq!(status == 200, expected.is_some());
    }
    world.machine.tenant_mut().service.audit.page_size = 2;
    assert_eq!(world.pages(&events("")).0, [2, 1]);
    world.machine.tenant_mut().service.audit.trailing_link = true;
    let descending = "?$orderby=activityDateTime%20desc&$filter=activityDateTime%20ge%201970-01-01";
    let (sizes, rows) = world.pages(&events(descending));
    assert_eq!(sizes, [2, 1, 0]);
    assert_eq!(rows[0]["activityDateTime"], "1970-01-01T00:00:02.0000000Z");
    world.machine.tenant_mut().service.audit.delay = 1.0;
    assert_eq!(world.pages(&events("")).1.len(), 2);
    world.machine.tenant_mut().service.audit.throttled = true;
    let (status, _, response) = world.send("GET", &events(""), None);
    assert_eq!(status, 429);
    let mut names = response.headers.iter().map(|(name, _)| name);
    assert!(!names.any(|name| name.eq_ignore_ascii_case("retry-after")));
    assert_eq!(world.get(&events("?$orderby=id")).0, 429);
    world.machine.tenant_mut().service.audit.throttled = false;
    assert_eq!(world.get(&events("?$orderby=id")).0, 400);
    assert_eq!(world.post(&events(""), json!({})).0, 400);
}

#[test]
fn an_edit_of_a_policy_is_noted_and_leaves_its_assignments() {
    let (mut world, group, policy, _) = small();
    assert_eq!(assigned(&mut world, &policy, &group).0, 200);
    let path = catalog(&policy, "");
    let edit = json!({"name": "New name", "description": "x"});
    let (status, body, _) = world.send("PATCH", &path, Some(edit));
    assert_eq!((status, &body["name"]), (200, &json!("New name")));
    for wrong in [
        json!({"assignments": []}),
        json!({"id": "x"}),
        json!({"name": 7}),
    ] {
        assert_eq!(
            world.send("PATCH", &path, Some(wrong.clone())).0,
            400,
            "{wrong}"
        );
    }
    let (_, body) = world.get(&events("?$orderby=activityDateTime%20desc"));
    let all = body["value"].as_array().expect("a list");
    let edits: Vec<&Value> = all
        .iter()
        .filter(|event| event["activityOperationType"] == "Patch")
        .collect();
    assert_eq!(edits.len(), 1, "{body}");
    assert_eq!(
        edits[0]["activityType"],
        "Patch DeviceManagementConfigurationPolicy"
    );
    assert_eq!(edits[0]["resources"][0]["resourceId"], policy);
    let (_, body) = world.get(&catalog(&policy, "/assignments"));
    assert_eq!(body["value"].as_array().map(Vec::len), Some(1));
    world.machine.tenant_mut().service.roles =
        vec!["DeviceManagementConfiguration.Read.All".to_owned()];
    let bearer = format!("Bearer {}", world.machine.mint_token(UNIX_EPOCH));
    let request = Request {
        method: "PATCH".to_owned(),
        target: format!("/beta{path}"),
        headers: vec![
            ("authorization".to_owned(), bearer),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: b"{}".to_vec(),
    };
    assert_eq!(world.answer(&request).0, 403);
}
