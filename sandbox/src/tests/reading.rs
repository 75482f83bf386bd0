//! Tests: lists, pages, expansion, groups and what is refused.

use serde_json::json;

use super::*;
use crate::target::{all_devices, group};

#[test]
fn an_empty_tenant_has_empty_lists() {
    let mut world = World::new(Tenant::empty());
    for path in [
        "/deviceManagement/configurationPolicies",
        "/deviceManagement/compliancePolicies?$expand=assignments",
        "/deviceManagement/assignmentFilters",
        "/groups",
    ] {
        assert_eq!(world.pages(path), (vec![0], vec![]), "{path}");
    }
}

#[test]
fn lists_come_in_pages_and_each_row_once() {
    let mut tenant = Tenant::empty();
    for index in 0..60 {
        tenant.add_policy(CATALOG, &format!("Policy {index} – ü"), "windows10");
        tenant.add_group(&format!("Group {index}"));
    }
    tenant.service.max_page_size = 40;
    let mut world = World::new(tenant);
    let list = "/deviceManagement/configurationPolicies";
    for (query, expected) in [
        ("", vec![25, 25, 10]),
        ("?$top=7&$select=id", vec![7, 7, 7, 7, 7, 7, 7, 7, 4]),
        ("?$top=1000&$expand=assignments", vec![40, 20]),
        (
            "?$filter=contains(name,'%20%E2%80%93%20%C3%BC')",
            vec![25, 25, 10],
        ),
        (
            "?$filter=name%20eq%20'Policy%201%20%E2%80%93%20%C3%BC'",
            vec![1],
        ),
    ] {
        let (sizes, mut rows) = world.pages(&format!("{list}{query}"));
        assert_eq!(sizes, expected, "{query}");
        rows.sort_by_key(|row| row["id"].to_string());
        rows.dedup();
        assert_eq!(rows.len(), sizes.iter().sum::<usize>());
    }
    assert_eq!(world.pages("/groups?$top=50").0, [50, 10]);
    assert_eq!(world.get(list).1["@odata.count"], 25);
    assert_eq!(world.get("/groups?$top=1000").0, 400);
}

#[test]
fn links_name_the_host_that_was_asked() {
    let mut tenant = Tenant::empty();
    tenant.service.page_size = 1;
    tenant.add_policy(CATALOG, "A", "macOS");
    tenant.add_policy(CATALOG, "B", "macOS");
    let mut world = World::new(tenant);
    let request = Request {
        method: "GET".to_owned(),
        target: "/beta/deviceManagement/configurationPolicies".to_owned(),
        headers: vec![
            ("authorization".to_owned(), "Bearer x".to_owned()),
            ("host".to_owned(), "other:8080".to_owned()),
        ],
        body: Vec::new(),
    };
    let (_, body, _) = world.answer(&request);
    let next = body["@odata.nextLink"].as_str().expect("a link");
    assert!(next.starts_with("http://other:8080/beta/deviceManagement/"));
}

#[test]
fn assignments_are_expanded_on_lists_only() {
    let (mut world, id, policy, _) = small();
    let tenant = world.machine.tenant_mut();
    tenant.service.expand_limit = Some(1);
    let row = tenant.policy_mut(CATALOG, &policy).expect("it is there");
    row.assign(group(&id));
    row.assign(all_devices());
    let (status, body) = world.get(&catalog(&policy, "?$expand=assignments"));
    assert_eq!((status, &body["assignments"]), (200, &json!([])));
    // S5
    let context = body["assignments@odata.context"].as_str();
    let path = format!("deviceManagement/configurationPolicies('{policy}')/assignments");
    assert_eq!(
        context,
        Some(format!("http://base/beta/$metadata#{path}").as_str())
    );
    let list = "/deviceManagement/configurationPolicies?$expand=assignments&$select=name";
    let (_, body) = world.get(list);
    let row = &body["value"][0];
    assert_eq!((&row["name"], row.get("id")), (&json!("P"), None));
    assert_eq!(row["assignments"].as_array().map(Vec::len), Some(1));
    let next = row["assignments@odata.nextLink"].as_str().expect("a link");
    let next = next.strip_prefix("http://base/beta").expect("its base");
    let (_, rows) = world.pages(next);
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["target"], all_devices());
}

#[test]
fn groups_are_found_by_name_and_id() {
    let (mut world, id, ..) = small();
    let tenant = world.machine.tenant_mut();
    tenant.add_group("Zoë's");
    tenant.add_group("zoë's");
    let missing = guid_from("missing");
    for (query, expected) in [
        ("$filter=displayName%20eq%20'ZO%C3%8B''s'".to_owned(), 2),
        (format!("$filter=id%20eq%20'{id}'"), 1),
        (format!("$filter=id%20in%20('{id}','{missing}')"), 1),
        (
            "$filter=startswith(displayName,'z')%20or%20displayName%20eq%20'g'".to_owned(),
            3,
        ),
    ] {
        let (_, rows) = world.pages(&format!("/groups?{query}"));
        assert_eq!(rows.len(), expected, "{query}");
    }
    let clause = format!("id%20eq%20'{id}'");
    let many = vec![clause; 16].join("%20or%20");
    let (status, body) = world.get(&format!("/groups?$filter={many}"));
    assert_eq!(status, 400);
    assert!(message(&body).starts_with("Too many child clauses"));
    let long = format!("/groups?$filter=displayName%20eq%20'{}'", "x".repeat(2048));
    assert_eq!(world.get(&long).0, 414);
    let part = json!({"requests": [{"id": "1", "method": "GET", "url": long}]});
    assert_eq!(world.post("/$batch", part).1["responses"][0]["status"], 200);
    assert_eq!(world.get("/groups?$skip=1").0, 400);
    let (status, body) = world.get(&format!("/groups/{missing}"));
    assert_eq!(
        (status, &body["error"]["code"]),
        (404, &json!("Request_ResourceNotFound"))
    );
    let ids = json!({"ids": [id, missing], "types": ["group"]});
    for path in [
        "/directoryObjects/getByIds",
        "/groups/microsoft.graph.getByIds",
    ] {
        let (status, body) = world.post(path, ids.clone());
        assert_eq!(
            (status, body["value"].as_array().map(Vec::len)),
            (200, Some(1))
        );
    }
    let too_many = json!({"ids": vec![id; 1001]});
    assert_eq!(world.post("/groups/getByIds", too_many).0, 400);
}

#[test]
fn what_does_not_exist_is_named() {
    let (mut world, ..) = small();
    for (target, named) in [
        ("/deviceManagement/mobileApps", "'mobileApps'"),
        ("/deviceManagement/configurationPolicies/$count", "'$count'"),
        ("/deviceManagement/assignmentFilters/$count", "'$count'"),
        (
            "/deviceManagement/configurationPolicies/x/assignments/$count",
            "'$count'",
        ),
        ("/groups/$count", "'$count'"),
        ("/users", "'users'"),
        ("/groups?$search=x", "'$search'"),
        ("/deviceManagement/assignmentFilters?$filter=x", "'$filter'"),
    ] {
        let (status, body) = world.get(target);
        assert_eq!(status, 400);
        assert!(message(&body).contains(named), "{body}");
    }
    for (target, named) in [
        ("/v1.0/groups", "'groups'"),
        ("/groups", "version: groups"),
        ("*", ""),
    ] {
        let request = Request {
            method: "GET".to_owned(),
            target: target.to_owned(),
            headers: vec![],
            body: vec![],
        };
        let (status, body, _) = world.answer(&request);
        assert_eq!(status, 400);
        assert!(message(&body).contains(named), "{body}");
    }
}

#[test]
fn no_target_or_body_makes_it_panic() {
    let (mut world, _, policy, _) = small();
    for target in [
        "",
        "?",
        "//",
        "%",
        "('')",
        "/('",
        "/a('b",
        "?$skiptoken=%25",
        "/%00",
    ] {
        for root in [
            "/deviceManagement",
            "/groups",
            "/deviceManagement/configurationPolicies",
        ] {
            let (status, _) = world.get(&format!("{root}{target}"));
            assert!(
                status == 200 || status == 400 || status == 404,
                "{root}{target}"
            );
        }
    }
    for body in [
        json!(null),
        json!([[]]),
        json!({"assignments": [[], 1, null, {"target": []}]}),
    ] {
        assert_eq!(
            world.post(&catalog(&policy, "/assign"), body.clone()).0,
            400
        );
        assert_eq!(world.post("/$batch", body).0, 400);
    }
}

/// S5: 20 of 20 captures have both properties, null and `none`.
#[test]
fn no_filter_is_served_as_null_and_none() {
    let state = r##"{"formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555",
        "configurationPolicies": [{"id": "21111111-2222-4333-8444-555555555555", "name": "P",
        "assignments": [{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]}]}"##;
    let mut world = World::new(Tenant::from_json(state).expect("a good state"));
    let list = "/deviceManagement/configurationPolicies";
    let (_, expanded) = world.get(&format!("{list}?$expand=assignments"));
    let (_, rows) = world.pages(&format!(
        "{list}/21111111-2222-4333-8444-555555555555/assignments"
    ));
    for row in [&expanded["value"][0]["assignments"][0], &rows[0]] {
        assert_eq!(row["target"], all_devices());
    }
}
