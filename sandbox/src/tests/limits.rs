//! Tests: throttling, batches and permissions.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::*;

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
            vec![json!({"id": "1", "method": "GET", "url": "/x", "dependsOn": "2"})],
            "not a list",
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

/// S2: an official SDK writes `depends_on` into each request.
#[test]
fn what_a_batch_request_has_beside_is_ignored() {
    let (mut world, ..) = small();
    let part = json!({"id": "1", "method": "GET", "url": "/groups", "depends_on": null, "x": {}});
    let (_, body) = world.post("/$batch", json!({"requests": [part]}));
    assert_eq!(body["responses"][0]["status"], 200);
}

/// S3
#[test]
fn a_batch_is_all_parallel_or_all_sequential() {
    let (mut world, ..) = small();
    let mut status = |dependencies: &[&[&str]]| {
        let parts = dependencies.iter().enumerate().map(|(index, on)| {
            let id = (index + 1).to_string();
            json!({"id": id, "method": "GET", "url": "/groups", "dependsOn": on})
        });
        let parts: Vec<Value> = parts.collect();
        world.post("/$batch", json!({"requests": parts})).0
    };
    for right in [
        &[&[][..], &[], &[]][..],
        &[&[], &["1"], &["2"]],
        &[&[], &["1"], &["1"]],
    ] {
        assert_eq!(status(right), 200, "{right:?}");
    }
    for wrong in [
        &[&[][..], &["1"], &[]][..],
        &[&[], &[], &["2"]],
        &[&[], &["1"], &["1", "2"]],
        &[&["2"], &["1"]],
        &[&["1"]],
        &[&[], &["3"]],
    ] {
        assert_eq!(status(wrong), 400, "{wrong:?}");
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
