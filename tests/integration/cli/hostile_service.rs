//! A service that means harm: answers without end, bombs, waits of a year, links to elsewhere.

use std::io::Write as _;
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::support::stand_in::{Reply, Seen, StandIn};
use super::support::tenant::policy_id;
use super::support::{Ran, World};

/// Runs `plan` against a service, which must not take long.
fn plan(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Ran, StandIn) {
    plan_as("MARKED-token", answer)
}

fn plan_as(token: &str, answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Ran, StandIn) {
    let service = StandIn::start(answer);
    let mut world = World::empty();
    world.manifest(&["match: '*', include: [allDevices]"]);
    world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
    world.set("ASSIGNCTL_ACCESS_TOKEN", token);
    let start = Instant::now();
    let ran = world.run("plan m.yaml --allow broad-target");
    assert!(start.elapsed() < Duration::from_secs(60), "too slow");
    (ran, service)
}

fn gzip(write: impl Fn(&mut GzEncoder<Vec<u8>>)) -> Reply {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    write(&mut encoder);
    Reply {
        status: 200,
        headers: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Content-Encoding", "gzip".to_owned()),
        ],
        body: encoder.finish().expect("memory"),
    }
}

fn policy(name: &str) -> Value {
    json!({"id": policy_id(1), "name": name, "displayName": name, "isAssigned": false, "assignments": []})
}

#[test]
fn gzip_is_read() {
    let body = json!({"value": [policy("P")]}).to_string();
    let (ran, _) = plan(move |_| {
        gzip(|encoder| {
            encoder.write_all(body.as_bytes()).expect("memory");
        })
    });
    ran.exits(0).says(&["1 assignment to add"]);
}

/// A gigabyte of blanks in a megabyte.
#[test]
fn a_gzip_bomb_is_cut() {
    let bomb = gzip(|encoder| {
        let blanks = vec![b' '; 1024 * 1024];
        for _ in 0..1024 {
            encoder.write_all(&blanks).expect("memory");
        }
    });
    let (ran, service) = plan(move |_| bomb.clone());
    ran.exits(1).says(&["the response is larger than 64 MiB"]);
    is_asked_once(&service);
}

/// Small to write, and hundreds of bytes each once it is read.
#[test]
fn a_page_of_too_many_objects_is_cut() {
    let bomb = gzip(|encoder| {
        encoder.write_all(b"{\"value\":[").expect("memory");
        let objects = "{\"\":0},".repeat(100_000);
        for _ in 0..50 {
            encoder.write_all(objects.as_bytes()).expect("memory");
        }
        encoder.write_all(b"{}]}").expect("memory");
    });
    let (ran, service) = plan(move |_| bomb.clone());
    ran.exits(1)
        .says(&["holds more than 1000000 objects and lists"]);
    is_asked_once(&service);
}

/// What is too large will be so again, and costs as much each time.
#[track_caller]
fn is_asked_once(service: &StandIn) {
    let mut asked: Vec<String> = service
        .seen()
        .iter()
        .map(|seen| seen.path().to_owned())
        .collect();
    let all = asked.len();
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), all, "something was asked for again");
}

#[test]
fn deep_nesting_is_refused() {
    // What is not needed is skipped, at any depth; what is needed is not a list.
    for (property, reason) in [
        ("x", "EOF while parsing a list"),
        ("id", "invalid type: sequence"),
    ] {
        let mut body = format!("{{\"value\":[{{\"{property}\":").into_bytes();
        body.extend_from_slice(&b"[".repeat(500_000));
        let (ran, _) = plan(move |_| Reply {
            status: 200,
            headers: Vec::new(),
            body: body.clone(),
        });
        ran.exits(1).says(&[reason]).says_nothing_of("overflow");
    }
}

/// Whatever is missing in an answer, the program says so.
#[test]
fn objects_without_their_properties_end_no_command_with_a_panic() {
    let id = policy_id(1);
    let objects = [
        json!(null),
        json!({}),
        json!({"id": id}),
        json!({"id": id, "displayName": null, "name": null, "assignments": null}),
        json!({"id": id, "displayName": "P", "name": "P", "assignments": [{}, {"target": {}}]}),
    ];
    for object in objects {
        let list = json!({"value": [object]});
        let one = object.clone();
        let service = StandIn::start(move |seen| {
            if seen.path().ends_with("/$batch") {
                let asked: Value = serde_json::from_slice(&seen.body).expect("JSON");
                let requests = asked["requests"].as_array().expect("requests");
                let answer = |request: &Value| json!({"id": request["id"], "status": 200, "headers": {}, "body": list});
                let responses: Vec<Value> = requests.iter().map(answer).collect();
                return Reply::json(200, &json!({"responses": responses}));
            }
            let is_one = seen.path().ends_with(policy_id(1).as_str());
            Reply::json(200, if is_one { &one } else { &list })
        });
        let mut world = World::empty();
        world.manifest(&["name: P, include: [group: A], exclude: [group: B]"]);
        world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
        world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED-token");
        for command in [
            "plan m.yaml --members --who",
            "plan m.yaml --members exact,filters",
            "drift m.yaml --who",
            "explain m.yaml P",
            "list",
            "list --group A",
            "list --user a@example.com",
            "list --device D",
            "export",
            "export --snapshot snapshot.json",
            "export --into new",
            "schema --from-tenant",
            "init started --pipeline none",
            "approvals",
            "doctor",
            "whoami",
        ] {
            let ran = world.run(command);
            let ended = ran.code.is_some_and(|code| code <= 8 || code == 64);
            assert!(ended, "{object}: {command}: {ran:?}");
        }
    }
}

#[test]
fn a_wait_of_a_year_is_not_kept() {
    for wait in ["31536000", "Fri, 31 Dec 2088 23:59:59 GMT"] {
        let (ran, _) = plan(move |_| {
            let mut reply = Reply::json(429, &json!({"error": {"code": "TooManyRequests"}}));
            reply.headers.push(("Retry-After", wait.to_owned()));
            reply
        });
        ran.exits(1).says(&["hint: allow a longer wait"]);
    }
}

#[test]
fn a_name_of_a_million_characters_is_a_name() {
    let (ran, _) = plan(|_| Reply::json(200, &json!({"value": [policy(&"x".repeat(1_000_000))]})));
    ran.exits(0).says(&["1 assignment to add"]);
    // Where nothing is found, it is no candidate for a hint.
    let service =
        StandIn::start(|_| Reply::json(200, &json!({"value": [policy(&"x".repeat(1_000_000))]})));
    let mut world = World::empty();
    world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
    world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED-token");
    world.manifest(&[&format!(
        "name: {}, include: [allDevices]",
        "y".repeat(1_000_000)
    )]);
    let ran = world.run("plan m.yaml").exits(3);
    assert!(ran.stderr.len() < 20_000, "{} bytes", ran.stderr.len());
}

/// Links and redirects to elsewhere: no one there is asked, and the token stays here.
#[test]
fn links_to_elsewhere_are_not_followed() {
    let elsewhere = StandIn::start(|_| Reply::json(200, &json!({"value": []})));
    let foreign = format!("{}/beta/x", elsewhere.url);
    let long = format!("{foreign}?{}", "x".repeat(100_000));
    for (status, link, said) in [
        (
            200,
            foreign.clone(),
            "which is not the configured Graph host",
        ),
        (200, long, "which is not the configured Graph host"),
        (
            302,
            foreign.clone(),
            "which is not the configured Graph host",
        ),
        (
            308,
            "//example.com/x".to_owned(),
            "which is not the configured Graph host",
        ),
        (
            307,
            "/beta/other".to_owned(),
            "answered with a redirect to `/beta/other`; redirects are not followed",
        ),
        (
            301,
            String::new(),
            "answered with a redirect; redirects are not followed",
        ),
    ] {
        let (ran, service) = plan(move |_| {
            let mut reply = Reply::json(
                status,
                &json!({"value": [policy("P")], "@odata.nextLink": link}),
            );
            if status != 200 {
                reply.headers.push(("Location", link.clone()));
            }
            reply
        });
        let ran = ran.exits(1).says(&[said]);
        assert!(ran.stderr.len() < 2_000, "{} bytes", ran.stderr.len());
        assert!(!service.seen().is_empty());
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[test]
fn an_error_that_repeats_the_token_is_cleaned() {
    for status in [400, 401, 403, 500] {
        let (ran, _) = plan(move |seen| {
            let sent = seen.header("authorization").unwrap_or_default();
            Reply::json(
                status,
                &json!({"error": {"code": "x", "message": format!("you sent {sent}")}}),
            )
        });
        assert!(!ran.stderr.contains("MARKED"), "{}", ran.stderr);
    }
}

/// F12: a rejected token and a missing permission are two things.
#[test]
fn f12_a_401_and_a_403_have_hints_of_their_own() {
    for (status, hint) in [(401, "rejects the token"), (403, "application permissions")] {
        let (ran, _) =
            plan(move |_| Reply::json(status, &json!({"error": {"code": "x", "message": "no"}})));
        ran.exits(7).says(&[hint]);
    }
}

/// C3: a link to the next page that is no link.
#[test]
fn c3_a_link_that_is_no_link_is_said_so() {
    for (link, said) in [
        (
            "",
            "GET /deviceManagement/configurationPolicies: the service sent an empty text as the link to the next page",
        ),
        (
            "/beta/x",
            "the service sent `/beta/x`, which is not an absolute URL, as the link",
        ),
        (
            "//example.com/x",
            "the service sent `//example.com/x`, which is not an absolute URL",
        ),
    ] {
        let (ran, service) = plan(move |_| {
            Reply::json(
                200,
                &json!({"value": [policy("P")], "@odata.nextLink": link}),
            )
        });
        ran.exits(1).says(&[said, "nothing was planned"]);
        is_asked_once(&service);
    }
}

/// C4: half of a character in a name.
#[test]
fn c4_half_of_a_character_is_said_so() {
    let (ran, service) = plan(|_| {
        let body = json!({"value": [policy("Win HALF x")]}).to_string();
        Reply {
            status: 200,
            headers: vec![("Content-Type", "application/json".to_owned())],
            body: body.replace("HALF", r"\ud83d").into_bytes(),
        }
    });
    ran.exits(1).says(&[
        "GET /deviceManagement/configurationPolicies: the service sent half of a character",
        r"Win \ud83d x",
        "correct the name",
    ]);
    is_asked_once(&service);
}

/// In the address of a redirect. A query is not shown at all.
#[test]
fn an_address_that_repeats_the_token_is_cleaned() {
    let (ran, _) = plan(move |seen| {
        let sent = seen.header("authorization").unwrap_or_default().to_owned();
        let mut reply = Reply::json(302, &json!({"value": []}));
        let link = format!("https://example.com/{sent}?{sent}");
        reply.headers.push(("Location", link));
        reply
    });
    ran.exits(1).says(&["[secret]"]).says_nothing_of("MARKED");
}

/// In a name or a next link: with something else in its place the answer would be another.
#[test]
fn an_answer_that_repeats_the_token_is_not_used() {
    for is_link in [false, true] {
        let (ran, service) = plan(move |seen| {
            let sent = seen.header("authorization").unwrap_or_default().to_owned();
            Reply::json(
                200,
                &match is_link {
                    true => {
                        json!({"value": [], "@odata.nextLink": format!("{}{sent}", seen.path())})
                    }
                    false => json!({"value": [policy(&sent)]}),
                },
            )
        });
        ran.exits(1)
            .says(&["the service's response repeats the access token"])
            .says_nothing_of("MARKED");
        is_asked_once(&service);
    }
}

/// A token that is a word of the tenant's.
#[test]
fn a_token_that_is_a_word_alters_nothing() {
    let named =
        |name: &'static str| move |_: &Seen| Reply::json(200, &json!({"value": [policy(name)]}));
    plan_as("Security", named("Baseline")).0.exits(0);
    plan_as("Security", named("Security baseline"))
        .0
        .exits(1)
        .says(&["the service's response repeats the access token"])
        .says_nothing_of("[secret]");
}
