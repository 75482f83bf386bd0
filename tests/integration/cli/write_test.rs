//! `doctor --try-writes`: what it may touch, what it finds, and that the policy is as it was, or known not to be.

use serde_json::{Value, json};

use super::support::World;
#[cfg(unix)]
use super::support::service::Served;
use super::support::tenant::{Tenant, group_id, policy_id};

/// A tenant with a group that no one is a member of, and one policy to write to.
fn trial_world(rows: &[&str], service: Value) -> World {
    let world = World::new(
        &Tenant::common()
            .policy("P", rows)
            .policy("Q", &["+A", "+B"]),
    );
    world.edit("tenant.json", |tenant| tenant["service"] = service);
    world
}

/// What only a write shows.
const OF_WRITES: [&str; 4] = [
    "create-route",
    "delete-route",
    "assign-answer",
    "read-after-write",
];

/// Returns what was found of an assumption.
fn found<'v>(told: &'v Value, id: &str) -> &'v Value {
    let mut all = told["assumptions"].as_array().expect("assumptions").iter();
    all.find(|found| found["id"] == id).expect("an assumption")
}

#[test]
fn writes_are_tried_and_taken_back() {
    for rows in [&[][..], &["+A"]] {
        let world = trial_world(rows, json!({}));
        let ran = world
            .sandbox("doctor --try-writes P --group C --yes --report r.jsonl --format json")
            .exits(0);
        assert!(
            ran.stderr.contains(&format!(
                "the exclusion of the group `C` ({}) is tried",
                group_id(3)
            )),
            "{}",
            ran.stderr
        );
        let told = ran.json();
        for id in OF_WRITES {
            assert_eq!(found(&told, id)["state"], "holds", "{told:#}");
        }
        assert_eq!(world.rows("P"), rows);
        let lines = world.report("r.jsonl");
        let sent = lines
            .iter()
            .filter(|line| line["event"] == "sending")
            .count();
        assert_eq!(sent, 4, "{lines:#?}");
        assert_eq!(lines.last().expect("an end")["exitCode"], 0);
        // There is nothing to take back any more.
        world.sandbox("rollback r.jsonl --yes").exits(0);
        assert_eq!(world.rows("P"), rows);
        world.run("show r.jsonl").exits(0);
    }
}

#[test]
fn what_a_trial_must_not_touch_is_refused() {
    let world = trial_world(&["+A"], json!({}));
    world.edit("tenant.json", |tenant| {
        let policy = &mut tenant["configurationPolicies"][0];
        let mut of_set = policy["assignments"][0].clone();
        of_set["source"] = json!("policySets");
        of_set["sourceId"] = json!("a set");
        let mut other = policy.clone();
        other["id"] = json!(policy_id(9));
        other["name"] = json!("S");
        other["assignments"] = json!([of_set]);
        tenant["configurationPolicies"]
            .as_array_mut()
            .expect("policies")
            .push(other);
    });
    let before = world.read("tenant.json");
    for (line, code, said) in [
        (
            "doctor --try-writes Q --group C --yes",
            64,
            "has 2 assignments",
        ),
        (
            "doctor --try-writes S --group C --yes",
            64,
            "is assigned by a policy set",
        ),
        (
            "doctor --try-writes P --group A --yes",
            64,
            "is assigned to the group `A`",
        ),
        (
            "doctor --try-writes P --group Z --yes",
            3,
            "has no group `Z`",
        ),
        (
            "doctor --try-writes Z --group C --yes",
            3,
            "has no policy `Z`",
        ),
        (
            "doctor --try-writes P --group C",
            64,
            "`doctor --try-writes` needs `--yes`",
        ),
        ("doctor --yes", 64, "--try-writes"),
    ] {
        world.sandbox(line).exits(code).says(&[said]);
        assert_eq!(world.read("tenant.json"), before, "{line}");
    }
    world
        .sandbox("doctor --try-writes Q --group C --several --yes")
        .exits(0);
    assert_eq!(world.rows("Q"), ["+A", "+B"]);
    // Without a name, a group without members is taken.
    world
        .sandbox("doctor --try-writes P --yes")
        .exits(0)
        .says(&["the exclusion of the group `"]);
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn what_a_trial_finds_is_said_and_taken_back() {
    let catalog = "configurationPolicies";
    for (service, id, state) in [
        (
            json!({"createRouteMissing": [catalog]}),
            "create-route",
            "differs",
        ),
        (
            json!({"deleteRouteMissing": [catalog]}),
            "delete-route",
            "differs",
        ),
        (
            json!({"approval": {"policyTypes": ["configurationPolicy"]}}),
            "create-route",
            "unknown",
        ),
        (
            json!({"approval": {"policyTypes": ["configurationPolicy"]}}),
            "assign-answer",
            "unknown",
        ),
        (
            json!({"readAfterWriteLag": 0.5}),
            "read-after-write",
            "holds",
        ),
        // No write was taken, so none could show.
        (
            json!({"approval": {"policyTypes": ["configurationPolicy"]}}),
            "read-after-write",
            "unknown",
        ),
        (
            json!({"createRouteMissing": [catalog], "plainAssignMissing": [catalog]}),
            "read-after-write",
            "unknown",
        ),
        // What is sent is refused, and not the route.
        (
            json!({"refuseMissingGroups": true}),
            "assign-answer",
            "unknown",
        ),
    ] {
        let world = trial_world(&["+A"], service.clone());
        let of_group = service.get("refuseMissingGroups").is_some();
        if of_group {
            // The kept assignment is to a group that is gone.
            world.edit("tenant.json", |tenant| {
                let groups = tenant["groups"].as_array_mut().expect("groups");
                groups.retain(|group| group["id"] != group_id(1));
            });
        }
        let ran = world.sandbox("doctor --try-writes P --group C --yes --format json");
        let differs = ran.json()["assumptions"]
            .as_array()
            .expect("assumptions")
            .iter()
            .any(|found| found["state"] == "differs" && found["matters"] == true);
        let told = ran.exits(i32::from(differs)).json();
        let found = found(&told, id);
        assert_eq!(found["state"], state, "{service}: {found}");
        if !of_group {
            assert_eq!(world.rows("P"), ["+A"], "{service}");
        }
    }
    // What a write relies on is an error.
    let world = trial_world(&["+A"], json!({"plainAssignMissing": [catalog]}));
    world
        .sandbox("doctor --try-writes P --group C --yes")
        .exits(1)
        .says(&[
            "writes rely on what differs here: `assign-answer`",
            "the policy is as it was",
        ]);
    assert_eq!(world.rows("P"), ["+A"]);
    // A sign-in that may only read.
    let world = trial_world(
        &["+A"],
        json!({"roles": ["DeviceManagementConfiguration.Read.All", "Group.Read.All"]}),
    );
    world
        .sandbox("doctor --try-writes P --group C --yes --kind configurationPolicy")
        .exits(7)
        .says(&["this sign-in cannot write"]);
}

#[test]
fn what_cannot_be_taken_back_is_for_rollback() {
    let catalog = "configurationPolicies";
    let world = trial_world(
        &["+A"],
        json!({"deleteRouteMissing": [catalog], "plainAssignMissing": [catalog]}),
    );
    world
        .sandbox("doctor --try-writes P --group C --yes --report r.jsonl")
        .exits(6)
        .says(&[
            "the policy is not as it was",
            "hint: `assignctl rollback r.jsonl` restores it",
        ]);
    assert_eq!(world.rows("P"), ["+A", "-C"]);
    world.edit("tenant.json", |tenant| tenant["service"] = json!({}));
    world
        .sandbox("rollback r.jsonl --yes --allow exclusion-lost")
        .exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

/// Wherever the process is killed, `rollback` restores the policy from the report.
#[cfg(unix)]
#[test]
fn a_trial_that_is_killed_is_rolled_back() {
    use super::support::wait_until;
    for sent in 1..=4 {
        let mut world = trial_world(&["+A"], json!({"latency": 0.05}));
        let _served = Served::with_token(&mut world);
        let running = world.spawn(
            "doctor --try-writes P --group C --yes --report r.jsonl --kind configurationPolicy",
        );
        wait_until("a write", || {
            let lines = world.report("r.jsonl");
            lines
                .iter()
                .filter(|line| line["event"] == "sending")
                .count()
                >= sent
        });
        running.signal("KILL");
        running.wait();
        let after = world.run("rollback r.jsonl --yes --allow exclusion-lost");
        assert!(matches!(after.code, Some(0)), "{after:#?}");
        assert_eq!(world.rows("P"), ["+A"], "after write {sent}: {after:#?}");
    }
}

/// An exclusion of an app has an intent: that of an assignment that is there, else `required`.
#[test]
fn an_exclusion_from_an_app_has_an_intent() {
    for (rows, intent) in [
        (json!([]), "required"),
        (
            json!([{"intent": "available", "target": {
                "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(1),
            }}]),
            "available",
        ),
    ] {
        let world = trial_world(&["+A"], json!({}));
        world.edit("tenant.json", |tenant| {
            tenant["mobileApps"] = json!([{
                "id": policy_id(40), "displayName": "App",
                "@odata.type": "#microsoft.graph.win32LobApp", "assignments": rows,
            }]);
        });
        let number = |world: &World| {
            let tenant = world.json("tenant.json");
            let rows = tenant["mobileApps"][0]["assignments"].as_array();
            rows.map_or(0, Vec::len)
        };
        let before = number(&world);
        let told = world
            .sandbox("doctor --try-writes App --kind mobileApp --group C --yes --report r.jsonl --format json")
            .exits(0)
            .says(&[&format!(" from `{intent}` is tried")])
            .json();
        for id in OF_WRITES {
            assert_eq!(found(&told, id)["state"], "holds", "{told:#}");
        }
        let lines = world.report("r.jsonl");
        let sent = lines
            .iter()
            .filter(|line| line["event"] == "sending")
            .count();
        assert_eq!((sent, number(&world)), (4, before), "{lines:#?}");
    }
}

/// App protection shows writes late; what does not show yet cannot be taken back.
#[test]
fn what_shows_late_is_no_lie() {
    let world = trial_world(&["+A"], json!({}));
    world.edit("tenant.json", |tenant| {
        tenant["iosManagedAppProtections"] = json!([{
            "id": format!("T_{}", policy_id(41)), "displayName": "Protection", "assignments": [],
        }]);
    });
    world
        .sandbox("doctor --try-writes Protection --kind iosManagedAppProtection --group C --yes")
        .exits(0)
        .says(&["the policy is as it was"]);
}

/// What is typed at a terminal decides; nothing but `yes` does.
#[cfg(target_os = "linux")]
#[test]
fn a_trial_is_asked_for_on_a_terminal() {
    const LINE: &str = "doctor --try-writes P --group C --kind configurationPolicy --report r.jsonl --sandbox tenant.json";
    let world = trial_world(&["+A"], json!({}));
    let question = [
        "On configurationPolicy `P`",
        "which has 1 assignment, the exclusion of the group `C` (",
        "1. add it with `POST",
        "4. remove it with the complete set",
        "the policy is left as it is now",
        "Try this? Only `yes` will be accepted: ",
    ];
    let before = world.read("tenant.json");
    for typed in ["no\n", "y\n", "\n"] {
        world
            .on_terminal(LINE, typed)
            .exits(1)
            .says(&question)
            .says(&["not tried; nothing was written"]);
        assert_eq!(world.read("tenant.json"), before);
        assert!(!world.has("r.jsonl"));
    }
    world
        .on_terminal(LINE, "yes\n")
        .exits(0)
        .says(&question)
        .says(&["the policy is as it was"]);
    assert_eq!(world.rows("P"), ["+A"]);
    assert_eq!(
        world.report("r.jsonl").last().expect("an end")["exitCode"],
        0
    );
}

/// A trial whose first write is held, and what it takes to end it.
#[cfg(unix)]
fn held() -> (
    World,
    Served,
    super::support::gate::Gate,
    super::support::Running,
) {
    use super::support::wait_until;
    let mut world = trial_world(&["+A"], json!({}));
    let served = Served::with_token(&mut world);
    let gate = super::support::gate::Gate::before(served.authority());
    gate.hold_writes();
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    let run = world.spawn_into(
        "doctor --try-writes P --group C --yes --report r.jsonl --kind configurationPolicy",
        "stderr.txt",
    );
    let writes = || gate.plan.writes.load(std::sync::atomic::Ordering::SeqCst);
    wait_until("a write", || writes() == 1);
    (world, served, gate, run)
}

#[cfg(unix)]
#[test]
fn a_trial_that_is_interrupted_takes_back_what_it_has_begun() {
    use super::support::wait_until;
    let (world, _served, gate, run) = held();
    run.signal("INT");
    wait_until("the interrupt", || {
        world.read("stderr.txt").contains("interrupted:")
    });
    gate.let_go();
    run.wait().exits(130);
    let said = world.read("stderr.txt");
    assert!(said.contains("the policy is as it was"), "{said}");
    assert_eq!(world.rows("P"), ["+A"]);
    let lines = world.report("r.jsonl");
    let sent = lines
        .iter()
        .filter(|line| line["event"] == "sending")
        .count();
    // It was added and taken away, and nothing else was begun.
    assert_eq!(sent, 2, "{lines:#?}");
    assert_eq!(lines.last().expect("an end")["exitCode"], 130);
}

/// The second signal leaves at once, and says what that leaves behind.
#[cfg(unix)]
#[test]
fn a_trial_that_is_left_at_once_says_how_to_restore_the_policy() {
    use super::support::wait_until;
    let (mut world, served, gate, run) = held();
    run.signal("INT");
    wait_until("the interrupt", || {
        world.read("stderr.txt").contains("interrupted:")
    });
    run.signal("TERM");
    run.wait().exits(130);
    let said = world.read("stderr.txt");
    for part in [
        "error: the policy is not restored: configurationPolicy `P` may be left with the exclusion of the group `C`",
        "hint: `assignctl rollback r.jsonl` restores it",
    ] {
        assert!(said.contains(part), "{said}");
    }
    gate.let_go();
    wait_until("the write", || world.rows("P") == ["+A", "-C"]);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world
        .run("rollback r.jsonl --yes --allow exclusion-lost")
        .exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

/// A person tries it by hand, perhaps in the wrong shell.
#[test]
fn nothing_is_tried_in_another_tenant_than_the_configuration_names() {
    let world = trial_world(&[], json!({}));
    world.write(
        "assignctl.yaml",
        "tenantId: 99999999-2222-4333-8444-555555555555\n",
    );
    let before = world.read("tenant.json");
    world
        .sandbox("doctor --try-writes P --group C --yes")
        .exits(4)
        .says(&["guard `tenant` refuses"]);
    assert_eq!(world.read("tenant.json"), before);
}
