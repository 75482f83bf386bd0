//! Tests of the machine as a whole: requests in, answers out.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::target::{all_devices, all_users, exclusion_group, group};
use super::*;

const CATALOG: Collection = Collection::ConfigurationPolicies;
const COMPLIANCE: Collection = Collection::CompliancePolicies;

/// A machine, and the time it is there.
struct World {
    machine: Machine,
    now: f64,
}

impl World {
    fn new(tenant: Tenant) -> Self {
        Self {
            machine: Machine::new(tenant, "http://base".to_owned()),
            now: 0.0,
        }
    }

    fn send(&mut self, method: &str, target: &str, body: Option<Value>) -> (u16, Value, Response) {
        let mut headers = vec![("authorization".to_owned(), "Bearer opaque".to_owned())];
        if body.is_some() {
            headers.push(("content-type".to_owned(), "application/json".to_owned()));
        }
        let request = Request {
            method: method.to_owned(),
            target: format!("/beta{target}"),
            headers,
            body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
        };
        self.answer(&request)
    }

    fn answer(&mut self, request: &Request) -> (u16, Value, Response) {
        let now = Duration::from_secs_f64(self.now);
        let response = self.machine.answer(request, now, UNIX_EPOCH + now);
        let value = match response.body.as_slice() {
            [] => Value::Null,
            body => serde_json::from_slice(body).expect("a JSON body"),
        };
        (response.status, value, response)
    }

    fn get(&mut self, target: &str) -> (u16, Value) {
        let (status, body, _) = self.send("GET", target, None);
        (status, body)
    }

    fn post(&mut self, target: &str, body: Value) -> (u16, Value) {
        let (status, body, _) = self.send("POST", target, Some(body));
        (status, body)
    }

    /// Follows next links and returns the sizes of the pages, and all rows.
    fn pages(&mut self, target: &str) -> (Vec<usize>, Vec<Value>) {
        let (mut sizes, mut rows) = (Vec::new(), Vec::new());
        let mut target = target.to_owned();
        loop {
            let (status, body) = self.get(&target);
            assert_eq!(status, 200, "{body}");
            let page = body["value"].as_array().expect("a list");
            sizes.push(page.len());
            rows.extend(page.clone());
            let Some(next) = body["@odata.nextLink"].as_str() else {
                return (sizes, rows);
            };
            let rest = next
                .strip_prefix("http://base/beta")
                .expect("an absolute link");
            target = rest.to_owned();
        }
    }
}

/// A tenant with one group and one policy in each collection.
fn small() -> (World, String, String, String) {
    let mut tenant = Tenant::empty();
    let group = tenant.add_group("G");
    let policy = tenant.add_policy(CATALOG, "P", "windows10");
    let compliance = tenant.add_policy(COMPLIANCE, "C", "linux");
    (World::new(tenant), group, policy, compliance)
}

fn catalog(id: &str, rest: &str) -> String {
    format!("/deviceManagement/configurationPolicies/{id}{rest}")
}

fn message(body: &Value) -> String {
    let text = body["error"]["message"].as_str().unwrap_or_default();
    match serde_json::from_str::<Value>(text) {
        Ok(inner) => inner["Message"].as_str().unwrap_or_default().to_owned(),
        Err(_) => text.to_owned(),
    }
}

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
    assert_eq!(world.machine.revision(), 5);
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
    assert_eq!(world.machine.revision(), 0);
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
    for (switch, expected) in [(PolicySetRows::Kept, 2), (PolicySetRows::Dropped, 1)] {
        let (mut world, id, policy, _) = small();
        let tenant = world.machine.tenant_mut();
        tenant.service.policy_set_rows = switch;
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
fn assignments_are_expanded_on_lists_only() {
    let (mut world, id, policy, _) = small();
    let tenant = world.machine.tenant_mut();
    tenant.service.expand_limit = Some(1);
    let row = tenant.policy_mut(CATALOG, &policy).expect("it is there");
    row.assign(group(&id));
    row.assign(all_devices());
    let (status, body) = world.get(&catalog(&policy, "?$expand=assignments"));
    assert_eq!((status, &body["assignments"]), (200, &json!([])));
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

#[test]
fn the_hundred_and_first_write_is_throttled() {
    let (mut world, _, policy, _) = small();
    let target = catalog(&policy, "/assign");
    for _ in 0..100 {
        assert_eq!(world.post(&target, json!({"assignments": []})).0, 200);
    }
    world.now = 12.5;
    let forms = [
        (RetryAfter::Seconds, Some(("Retry-After", "8"))),
        (RetryAfter::Fraction, Some(("Retry-After", "7.500"))),
        (RetryAfter::LowerCase, Some(("retry-after", "8"))),
        (
            RetryAfter::Date,
            Some(("Retry-After", "Thu, 01 Jan 1970 00:00:20 GMT")),
        ),
        (RetryAfter::Absent, None),
    ];
    for (index, (form, expected)) in forms.into_iter().enumerate() {
        world.machine.tenant_mut().service.throttling.retry_after = form;
        let (status, body, response) =
            world.send("POST", &target, Some(json!({"assignments": []})));
        assert_eq!(
            (status, &body["error"]["code"]),
            (429, &json!("TooManyRequests"))
        );
        let found = response
            .headers
            .iter()
            .find(|(name, _)| name.eq_ignore_ascii_case("retry-after"))
            .map(|(name, value)| (name.as_str(), value.as_str()));
        assert_eq!(found, expected);
        assert_eq!(world.machine.statistics().throttled, index as u64 + 1);
    }
    assert_eq!(world.get(&catalog(&policy, "")).0, 200);
    world.now = 20.0;
    assert_eq!(world.post(&target, json!({"assignments": []})).0, 200);
}

#[test]
fn other_applications_take_their_share() {
    let (mut world, _, policy, _) = small();
    world.machine.load_from_another_app(Duration::ZERO, 0, 150);
    let target = catalog(&policy, "/assign");
    let done = (0..100)
        .filter(|_| world.post(&target, json!({"assignments": []})).0 == 200)
        .count();
    assert_eq!(done, 50);
    let (mut world, _, policy, _) = small();
    let target = catalog(&policy, "/assign");
    world
        .machine
        .tenant_mut()
        .service
        .throttling
        .other_apps_writes = 150;
    let done = (0..100)
        .filter(|_| world.post(&target, json!({"assignments": []})).0 == 200)
        .count();
    assert_eq!(done, 50);
}

#[test]
fn a_batch_meters_and_answers_each_part() {
    let (mut world, id, policy, _) = small();
    world.machine.tenant_mut().service.throttling.app_writes = 2;
    let part = |name: usize| {
        json!({"id": name.to_string(), "method": "POST", "url": catalog(&policy, "/assign"),
            "headers": {"Content-Type": "application/json"}, "body": {"assignments": []}})
    };
    let mut requests: Vec<Value> = (1..=3).map(part).collect();
    requests.push(json!({"id": "g", "method": "GET", "url": format!("groups/{id}?$select=id")}));
    let (status, body) = world.post("/$batch", json!({"requests": requests}));
    assert_eq!(status, 200);
    let answers = body["responses"].as_array().expect("a list");
    let find = |id: &str| {
        answers
            .iter()
            .find(|part| part["id"] == id)
            .expect("the part")
    };
    assert_eq!(find("2")["status"], 200);
    assert_eq!(find("3")["status"], 429);
    assert_eq!(find("3")["headers"]["Retry-After"], "20");
    assert_eq!(find("g")["body"]["id"], id);
    let ids: Vec<&Value> = answers.iter().map(|part| &part["id"]).collect();
    assert_ne!(ids, ["1", "2", "3", "g"], "the order is not the requests'");
    for (requests, named) in [
        (
            (0..21).map(part).collect(),
            "exceeds the maximum value of 20",
        ),
        (vec![part(1), part(1)], "unique"),
        (vec![], "not empty"),
        (
            vec![json!({"id": "1", "method": "POST", "url": "/x", "body": {}})],
            "Content-Type",
        ),
        (
            vec![json!({"id": "1", "method": "GET", "url": "http://x/y"})],
            "relative",
        ),
        (
            vec![json!({"id": "1", "method": "GET", "url": "/x", "extra": 1})],
            "'extra'",
        ),
    ] {
        let (status, body) = world.post("/$batch", json!({"requests": requests}));
        assert_eq!(status, 400);
        assert!(message(&body).contains(named), "{body}");
    }
}

#[test]
fn parts_that_depend_on_a_failed_one_are_not_tried() {
    let (mut world, ..) = small();
    let missing = catalog(&guid_from("missing"), "");
    let (_, body) = world.post(
        "/$batch",
        json!({"requests": [
            {"id": "1", "method": "GET", "url": missing},
            {"id": "2", "method": "GET", "url": "/groups", "dependsOn": ["1"]}]}),
    );
    let answers = body["responses"].as_array().expect("a list");
    assert!(
        answers
            .iter()
            .any(|part| part["id"] == "2" && part["status"] == 424)
    );
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
        (
            "/deviceManagement/deviceConfigurations",
            "'deviceConfigurations'",
        ),
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
fn permissions_are_looked_at() {
    let (mut world, _, policy, _) = small();
    let roles = &mut world.machine.tenant_mut().service.roles;
    *roles = vec!["DeviceManagementConfiguration.Read.All".to_owned()];
    let bearer = format!("Bearer {}", world.machine.mint_token(UNIX_EPOCH));
    for (method, target, expected) in [
        ("GET", catalog(&policy, "/assignments"), (200, "")),
        ("POST", catalog(&policy, "/assign"), (403, "Forbidden")),
        (
            "GET",
            "/groups".to_owned(),
            (403, "Authorization_RequestDenied"),
        ),
    ] {
        let request = Request {
            method: method.to_owned(),
            target: format!("/beta{target}"),
            headers: vec![("authorization".to_owned(), bearer.clone())],
            body: vec![],
        };
        let (status, body, _) = world.answer(&request);
        let code = body["error"]["code"].as_str().unwrap_or_default();
        assert_eq!((status, code), expected);
    }
    let request = Request {
        method: "GET".to_owned(),
        target: "/beta/groups".to_owned(),
        headers: vec![],
        body: vec![],
    };
    let (status, _, response) = world.answer(&request);
    assert_eq!(status, 401);
    assert!(
        response
            .headers
            .iter()
            .any(|(name, _)| name == "WWW-Authenticate")
    );
}

#[test]
fn a_second_administrator_can_be_asked_for() {
    let (mut world, _, policy, _) = small();
    world.machine.tenant_mut().service.multi_admin_approval = true;
    let mut request = Request {
        method: "POST".to_owned(),
        target: format!("/beta{}", catalog(&policy, "/assign")),
        headers: vec![
            ("authorization".to_owned(), "Bearer x".to_owned()),
            ("content-type".to_owned(), "application/json".to_owned()),
        ],
        body: br#"{"assignments": []}"#.to_vec(),
    };
    let (status, body, _) = world.answer(&request);
    assert_eq!(status, 400);
    assert!(message(&body).starts_with("Header 'x-msft-approval-justification' is required"));
    let header = (
        "x-msft-approval-justification".to_owned(),
        "d2h5".to_owned(),
    );
    request.headers.push(header);
    let (status, _, response) = world.answer(&request);
    assert_eq!(status, 412);
    let code = response
        .headers
        .iter()
        .find(|(name, _)| name == "x-msft-approval-code")
        .expect("a code");
    request.headers.push(code.clone());
    assert_eq!(world.answer(&request).0, 412);
    world.machine.approve(&code.1);
    assert_eq!(world.answer(&request).0, 200);
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

#[tokio::test]
async fn the_router_saves_before_it_answers() {
    use tower::ServiceExt;

    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("tenant.json");
    let (tenant, policy) = {
        let (world, _, policy, _) = small();
        (world.machine.tenant().clone(), policy)
    };
    std::fs::write(&path, tenant.to_json()).expect("a writable folder");
    let (store, tenant) = Store::open_or_sample(&path).expect("its own text");
    let service = Service::new(Machine::new(tenant, "http://base".to_owned()), Some(store));
    let row = json!({"target": all_users()}).to_string();
    let request = axum::http::Request::post(format!(
        "http://base/beta{}",
        catalog(&policy, "/assignments")
    ))
    .header("authorization", format!("Bearer {}", service.mint_token()))
    .header("content-type", "application/json")
    .body(axum::body::Body::from(row))
    .expect("a request");
    let response = service.router().oneshot(request).await.expect("an answer");
    assert_eq!(response.status(), 201);
    let text = std::fs::read_to_string(&path).expect("the file");
    let kept = Tenant::from_json(&text).expect("its own text");
    assert_eq!(
        kept.policy(CATALOG, &policy)
            .map(|policy| policy.assignments.len()),
        Some(1)
    );
}
