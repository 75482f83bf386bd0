//! Exit codes: a row of the contract's table each, where no other module has it.
//!
//! 2 and 4 are in `plan` and `guards`, 3 in `validate` and `late_errors`, 5 in `saved_plans`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::support::World;
use super::support::service::{Impostor, Served, unreachable};
use super::support::stand_in::{Reply, StandIn};
use super::support::tenant::{TENANT_ID, Tenant, group_id, policy_id};

const CLIENT_ID: &str = "22222222-2222-4333-8444-555555555555";

/// Three policies to be written, served over HTTP.
fn three() -> World {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &[]);
    World::with(&tenant, &["match: '?', include: [group: A]"])
}

/// A served tenant whose only application has these roles.
fn with_roles(roles: &[&str]) -> (World, Served) {
    let apps = json!([{"clientId": CLIENT_ID, "secret": "right", "roles": roles}]);
    let tenant = Tenant::common()
        .switch("apps", apps)
        .switch("onlyIssuedTokens", json!(true))
        .policy("P", &[])
        .policy("Q", &[]);
    let mut world = World::with(&tenant, &["match: '?', include: [group: A]"]);
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", CLIENT_ID);
    world.set("AZURE_CLIENT_SECRET", "right");
    (world, served)
}

#[test]
fn success_is_0() {
    let world = three();
    world.sandbox("plan m.yaml").exits(0);
    world.sandbox("apply m.yaml --yes").exits(0);
}

#[test]
fn a_service_that_cannot_be_read_is_1_and_given_up_in_time() {
    let html = Impostor::answers(
        "200 OK",
        &["Content-Type: text/html"],
        "<html>Sign in</html>",
    );
    let broken = Impostor::answers("502 Bad Gateway", &[], "<html>Bad Gateway</html>");
    let start = Instant::now();
    std::thread::scope(|scope| {
        for url in [unreachable(), html.url, broken.url] {
            scope.spawn(move || {
                let mut world = three();
                world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token");
                world.set("ASSIGNCTL_GRAPH_URL", &url);
                world
                    .run("drift m.yaml")
                    .exits(1)
                    .says(&["gave up after 5 tries", "nothing was treated as empty"]);
            });
        }
    });
    assert!(start.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_link_to_another_host_is_1_and_never_followed() {
    let other = Impostor::answers("200 OK", &[], "{\"value\": []}");
    let page = format!(
        "{{\"value\": [], \"@odata.nextLink\": \"{}/deviceManagement\"}}",
        other.url
    );
    let linking = Impostor::answers("200 OK", &[], &page);
    let redirecting = Impostor::answers("302 Found", &[&format!("Location: {}/x", other.url)], "");
    let mut world = three();
    world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token");
    for url in [&linking.url, &redirecting.url] {
        world
            .run(&format!("drift m.yaml --graph-url {url}"))
            .exits(1);
    }
    assert_eq!(other.connections(), 0);
}

#[test]
fn a_sandbox_file_that_is_in_use_or_wrong_is_1() {
    let world = three();
    let served = Served::start(&world);
    world
        .sandbox("plan m.yaml")
        .exits(1)
        .says(&["in use by another process"]);
    drop(served);
    world.write("tenant.json", "{}");
    world.sandbox("plan m.yaml").exits(1).says(&["tenant.json"]);
}

#[test]
fn applied_in_part_is_6() {
    let tenant = Tenant::common()
        .group("Gone")
        .switch("refuseMissingGroups", json!(true))
        .policy("P", &["+Gone"])
        .policy("Q", &[]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: Gone, group: A, group: B]",
            "name: Q, include: [group: A]",
        ],
    );
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.edit("tenant.json", |state| {
        state["groups"].as_array_mut().expect("a list").pop();
    });
    world.sandbox("apply plan.json").exits(6).says(&[
        "failed configurationPolicy P",
        "Result: 1 applied, 1 failed.",
    ]);
    assert_eq!(world.rows("P"), [format!("+{}", group_id(4))]);
    assert_eq!(world.rows("Q"), ["+A"]);
}

#[test]
fn a_sign_in_that_is_not_configured_or_refused_is_7() {
    let (mut world, _served) = with_roles(&["DeviceManagementConfiguration.ReadWrite.All"]);
    world.set("AZURE_CLIENT_SECRET", "wrong");
    world
        .run("plan m.yaml")
        .exits(7)
        .says(&["sign-in failed", "AADSTS7000215"]);
    world.run("apply m.yaml --yes --report r.jsonl").exits(7);
    assert_eq!(
        world.report("r.jsonl").last().expect("an end")["exitCode"],
        7
    );
    // A token that the service does not take.
    world.set("ASSIGNCTL_ACCESS_TOKEN", "opaque");
    world
        .run("plan m.yaml")
        .exits(7)
        .says(&["status 401", "InvalidAuthenticationToken"]);
}

#[test]
fn an_unconfigured_sign_in_is_7() {
    let mut world = three();
    // Whoever else could sign in on this machine is asked not to.
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world
        .run(&format!("plan m.yaml --graph-url {}", unreachable()))
        .exits(7)
        .says(&["hint: "]);
}

#[test]
fn reading_that_is_refused_is_7() {
    let (world, _served) = with_roles(&["User.Read.All"]);
    // One list only, so that one refusal is the first.
    world.manifest(&["match: '?', include: [collection: C]"]);
    world.run("plan m.yaml").exits(7).says(&[
        "status 403",
        "not authorized to perform this operation",
        "hint: reading needs",
    ]);
}

#[test]
fn groups_that_may_not_be_read_are_7() {
    let (world, _served) = with_roles(&["DeviceManagementConfiguration.ReadWrite.All"]);
    world.run("plan m.yaml").exits(7).says(&["status 403"]);
    // Who names no group needs no right to read groups.
    world.manifest(&["match: '?', include: [{allUsers: true, filter: F}]"]);
    world
        .run("apply m.yaml --yes")
        .exits(0)
        .says(&["2 applied"]);
}

#[test]
fn writing_that_is_refused_every_time_is_7() {
    // A token that cannot be read: what it permits is known to the service alone.
    let service = StandIn::start(|seen| match (seen.method.as_str(), seen.path()) {
        ("GET", "/beta/deviceManagement/configurationPolicies") => {
            let policy = |number, name| json!({"id": policy_id(number), "name": name, "isAssigned": false, "assignments": []});
            Reply::json(200, &json!({"value": [policy(1, "P"), policy(2, "Q")]}))
        }
        ("GET", "/beta/groups") => Reply::json(
            200,
            &json!({"value": [{"id": group_id(1), "displayName": "A"}]}),
        ),
        ("GET", _) => Reply::json(200, &json!({"value": []})),
        _ => Reply::json(
            403,
            &json!({"error": {"code": "Forbidden", "message": "not authorized"}}),
        ),
    });
    let mut world = World::empty();
    world.manifest(&["match: '?', include: [group: A]"]);
    world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
    world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token-that-cannot-be-read");
    world.run("plan m.yaml").exits(0);
    world
        .run("apply m.yaml --yes --report r.jsonl")
        .exits(7)
        .says(&[
            "failed configurationPolicy P",
            "failed configurationPolicy Q",
            "status 403",
        ]);
    assert_eq!(
        world.report("r.jsonl").last().expect("an end")["exitCode"],
        7
    );
}

#[test]
fn what_a_second_administrator_has_to_approve_is_6() {
    let tenant = Tenant::common()
        .switch("approval", json!({"policyTypes": ["configurationPolicy"]}))
        .policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes")
        .exits(6)
        .says(&["approval"]);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn wrong_use_is_64() {
    let world = three();
    for line in [
        "",
        "aply m.yaml",
        "plan m.yaml --frmat json",
        "plan m.yaml --format xml",
        "plan m.yaml --diff --summary",
        "plan m.yaml --allow nothing",
        "plan m.yaml --max-removals many",
        "plan m.yaml --max-policies -1",
        "plan m.yaml --sandbox tenant.json --write-limit 100",
        "plan m.yaml --sandbox tenant.json --read-limit 0/20s",
        "plan m.yaml --sandbox tenant.json --max-wait soon",
        "plan m.yaml --sandbox tenant.json --concurrency 0",
        "plan m.yaml --sandbox tenant.json --concurrency many",
        "plan m.yaml --sandbox tenant.json --cloud moon",
        "plan m.yaml --sandbox tenant.json --graph-url http://127.0.0.1:9/beta",
        "plan m.yaml --graph-url http://graph.example/beta",
        "plan m.yaml --graph-url ftp://127.0.0.1/beta",
        "plan m.yaml --graph-url nonsense",
        "plan --sandbox tenant.json",
        "apply --sandbox tenant.json",
        "show",
        "sandbox",
        "sandbox --state tenant.json --listen 0.0.0.0:0",
        "sandbox --state tenant.json --listen here",
        "completions tcsh",
    ] {
        let ran = world.run(line).exits(64);
        assert_eq!(ran.stdout, "", "{line}");
        assert_ne!(ran.stderr, "", "{line}");
    }
}

#[cfg(unix)]
mod interrupted {
    use super::super::support::{send_signal, wait_until};
    use super::*;

    /// Whichever policy comes first is written at once; the others wait for the limit.
    #[test]
    fn an_interrupted_apply_is_130_and_writes_no_more() {
        for signal in ["INT", "TERM", "HUP"] {
            let mut world = three();
            let _served = Served::with_token(&mut world);
            let running = world.spawn("apply m.yaml --yes --report r.jsonl --write-limit 1/60s");
            let events = |event: &str| {
                let report = world.report("r.jsonl");
                report.iter().filter(|line| line["event"] == event).count()
            };
            wait_until("the first policy", || events("policy") == 1);
            let state = world.read("tenant.json");
            running.signal(signal);
            running.wait().exits(130).says(&[
                " of 3 policies not settled; nothing further is started",
                "a second Ctrl-C quits immediately",
                "skipped 2 policies: interrupted before being written",
                "Result: 1 applied, 2 skipped.",
            ]);
            assert_eq!(world.read("tenant.json"), state);
            assert_eq!((events("sending"), events("policy")), (1, 3));
            let report = world.report("r.jsonl");
            let end = report.last().expect("an end");
            assert_eq!(end["event"], "end");
            assert_eq!(end["exitCode"], 130);
            assert_eq!(end["summary"]["applied"], 1);
            assert_eq!(end["summary"]["skipped"], 2);
            assert_eq!(end["requests"]["writes"], 1);
        }
    }

    /// F23: a line for each of 400 policies hides what happened.
    #[test]
    fn f23_what_was_skipped_for_one_reason_is_one_line() {
        let mut tenant = Tenant::common();
        for name in ["P", "Q", "R", "S", "T", "U"] {
            tenant = tenant.policy(name, &["+A"]);
        }
        let mut world = World::with(&tenant, &["match: '*', include: [group: A, group: B]"]);
        let _served = Served::with_token(&mut world);
        let running = world.spawn("apply m.yaml --yes --report r.jsonl --write-limit 1/60s");
        wait_until("the first policy", || {
            let report = world.report("r.jsonl");
            report.iter().any(|line| line["event"] == "policy")
        });
        running.signal("INT");
        let ran = running.wait().exits(130);
        assert_eq!(ran.stdout.matches("skipped").count(), 2, "{ran:?}");
        assert!(
            ran.stdout.contains(
                "skipped 5 policies: interrupted before being written (code interrupted)"
            ),
            "{ran:?}"
        );
    }

    /// F23: a terminal that was closed takes no result. A full disk stands in for it.
    #[cfg(target_os = "linux")]
    #[test]
    fn f23_an_interrupted_apply_is_130_also_where_nobody_takes_its_result() {
        let mut world = three();
        let _served = Served::with_token(&mut world);
        let full = std::fs::File::options().write(true).open("/dev/full");
        let mut run = world
            .command("apply m.yaml --yes --report r.jsonl --write-limit 1/60s --format json")
            .stdout(full.expect("a device"))
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the executable");
        wait_until("the first policy", || {
            let report = world.report("r.jsonl");
            report.iter().any(|line| line["event"] == "policy")
        });
        send_signal(run.id(), "HUP");
        assert_eq!(run.wait().expect("an end").code(), Some(130));
        let report = world.report("r.jsonl");
        assert_eq!(report.last().expect("an end")["exitCode"], 130);
    }

    #[test]
    fn an_interrupted_plan_is_130() {
        let service = Impostor::is_silent();
        let mut world = three();
        world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token");
        world.set("ASSIGNCTL_GRAPH_URL", &service.url);
        for line in [
            "plan m.yaml --out plan.json",
            "apply m.yaml --yes --report r.jsonl",
        ] {
            let before = service.connections();
            let running = world.spawn(line);
            wait_until("a request", || service.connections() > before);
            running.signal("INT");
            let ran = running.wait().exits(130);
            assert_eq!(ran.stdout, "");
        }
        assert!(!world.has("plan.json"));
        assert_eq!(
            world.report("r.jsonl").last().expect("an end")["exitCode"],
            130
        );
    }

    #[test]
    fn an_interrupted_sandbox_ends_well() {
        let world = three();
        let mut served = Served::start(&world);
        served.interrupt();
        assert_eq!(served.code(), Some(0));
    }
}
