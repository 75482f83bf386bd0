//! `--who`: who changed what differs, by the service's audit events.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::tenant::{Tenant, policy_id, policy_mut};

/// An event of so many hours ago.
fn event(hours: i64, resources: &[&str], rest: &Value) -> Value {
    let time = Timestamp::now() - SignedDuration::from_hours(hours);
    let resources: Vec<Value> = resources
        .iter()
        .map(|id| json!({"resourceId": id, "type": "x", "modifiedProperties": []}))
        .collect();
    let mut event = json!({
        "id": format!("{hours}"),
        "activityDateTime": time.strftime("%Y-%m-%dT%H:%M:%S%.7fZ").to_string(),
        "activityType": "assignDeviceManagementConfigurationPolicy DeviceManagementConfigurationPolicy",
        "activityOperationType": "Action",
        "activityResult": "Success",
        "correlationId": "c",
        "actor": {
            "applicationDisplayName": "Microsoft Intune portal extension",
            "userPrincipalName": "admin@contoso.com",
        },
        "resources": resources,
    });
    for (key, value) in rest.as_object().into_iter().flatten() {
        event[key] = value.clone();
    }
    event
}

/// A tenant whose policies all lack what the manifest says, with these events.
fn world(policies: &[&str], events: &[Value]) -> World {
    let mut tenant = Tenant::common();
    for name in policies {
        tenant = tenant.policy(name, &[]);
    }
    let world = World::with(&tenant, &["match: '*', include: [group: A]"]);
    world.edit("tenant.json", |state| state["auditEvents"] = json!(events));
    world
}

fn hour(hours: i64) -> String {
    let time = Timestamp::now() - SignedDuration::from_hours(hours);
    time.strftime("%Y-%m-%d %H:").to_string()
}

/// Of before every window.
fn old() -> Value {
    event(24 * 900, &["x"], &Value::Null)
}

fn audit(world: &World, flags: &str) -> Value {
    let told = world
        .sandbox(&format!("drift m.yaml --who --format json {flags}"))
        .exits(2)
        .json();
    told["policies"][0]["audit"].clone()
}

#[test]
fn what_is_said_of_events_wraps_at_the_width_of_the_terminal() {
    let id = policy_id(1);
    let mut world = world(&["P"], &[old(), event(3, &["group", &id], &Value::Null)]);
    world.set("COLUMNS", "50");
    let told = world.sandbox("drift m.yaml --who").exits(2).stdout;
    let (_, said) = told.split_once("  removed by admin").expect("an event");
    let mut lines = said.lines();
    assert!(
        lines.next().is_some_and(|line| line.len() + 18 <= 50),
        "{told}"
    );
    assert!(
        lines.next().is_some_and(|line| line.starts_with("    ")),
        "{told}"
    );
}

#[test]
fn drift_says_who_removed_an_assignment_in_every_format() {
    let id = policy_id(1);
    let events = [old(), event(3, &["group", &id], &Value::Null)];
    let world = world(&["P"], &events);
    let by = format!("removed by admin@contoso.com in the portal, {}", hour(3));
    world.sandbox("drift m.yaml --who").exits(2).says(&[
        "\n  removed by admin",
        &by,
        " UTC (assignDeviceManagement",
    ]);
    world
        .sandbox("drift m.yaml --who --summary")
        .exits(2)
        .says(&["configurationPolicy P  removed by admin@contoso.com"]);
    world
        .sandbox("drift m.yaml --who --format markdown")
        .exits(2)
        .says(&[
            "| policy | in the tenant | who | manifest | kind |",
            "removed by admin&#64;contoso.com in the portal, ",
        ]);
    world
        .sandbox("plan m.yaml --who --out p.json")
        .exits(0)
        .says(&["changed by admin@contoso.com in the portal"]);
    // A saved plan says it as well.
    world
        .run("show p.json")
        .exits(0)
        .says(&["changed by admin@contoso.com in the portal"]);
    let told = audit(&world, "");
    assert_eq!(told["status"], "found");
    let found = &told["events"][0];
    let keys: Vec<&String> = found.as_object().expect("an event").keys().collect();
    assert_eq!(
        keys,
        ["activity", "actor", "application", "own", "result", "time"]
    );
    assert_eq!(found["actor"], "admin@contoso.com");
    assert_eq!(found["own"], false);
    // No one is asked about where it is not asked for.
    world
        .sandbox("drift m.yaml")
        .exits(2)
        .says_nothing_of("admin@");
}

#[test]
fn policies_that_changed_alike_say_it_once() {
    let (one, two, three) = (policy_id(1), policy_id(2), policy_id(3));
    let pipeline = json!({"actor": {"applicationDisplayName": "Other tool"}});
    let events = [
        old(),
        event(5, &[&one], &Value::Null),
        event(3, &[&two], &Value::Null),
        event(4, &[&three], &pipeline),
    ];
    let world = world(&["P", "Q", "R", "S"], &events);
    world.sandbox("drift m.yaml --who").exits(2).says(&[
        &format!("removed by admin@contoso.com in the portal, {}", hour(5)),
        " UTC: 2 policies\n",
        "removed by the application Other tool, ",
        "no audit event in the last 7 days: 1 policy\n",
    ]);
}

#[test]
fn what_is_about_an_assignment_is_about_its_policy_and_reads_are_about_nothing() {
    let row = format!("{}_group", policy_id(1).to_uppercase());
    let read = json!({"activityOperationType": "Get"});
    let failed = json!({"activityResult": "Failure", "actor": {}});
    let events = [
        old(),
        event(1, &[&row], &read),
        event(2, &[&row], &failed),
        event(3, &[&row], &Value::Null),
    ];
    let world = world(&["P"], &events);
    let told = audit(&world, "");
    assert_eq!(told["events"].as_array().map(Vec::len), Some(2));
    assert_eq!(told["events"][0]["actor"], Value::Null);
    // A failure had no effect: the next one is named first.
    world
        .sandbox("drift m.yaml --who")
        .exits(2)
        .says(&[
            "  removed by admin@contoso.com",
            "  tried by an unknown actor, ",
        ])
        .says(&[", Failure)"]);
}

#[test]
fn no_event_is_told_from_a_log_that_is_too_short_or_cannot_be_read() {
    let eight_days = event(8 * 24, &[&policy_id(1)], &Value::Null);
    let world = world(&["P"], &[eight_days]);
    assert_eq!(audit(&world, ""), json!({"status": "none", "events": []}));
    world
        .sandbox("drift m.yaml --who")
        .exits(2)
        .says(&["no audit event in the last 7 days"]);
    assert_eq!(audit(&world, "--who-days 9")["status"], "found");
    world.edit("tenant.json", |state| {
        state["auditEvents"] = json!([event(1, &["other"], &Value::Null)]);
    });
    assert_eq!(audit(&world, "")["status"], "notCovered");
    world
        .sandbox("drift m.yaml --who")
        .exits(2)
        .says(&["no audit event, but the log does not reach back 7 days"]);
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
    });
    let unreadable = json!({"status": "unreadable", "events": []});
    assert_eq!(audit(&world, ""), unreadable);
    // The exit codes stay as they are.
    world.sandbox("plan m.yaml --who").exits(0).says(&[
        "warning[audit-unreadable]: the audit events could not be read to their end: GET /deviceManagement/auditEvents",
        "hint: reading them needs `DeviceManagementApps.Read.All`",
    ]);
    for wrong in ["--who-days 3", "--who --who-days 0", "--who --who-days 731"] {
        world.sandbox(&format!("drift m.yaml {wrong}")).exits(64);
    }
}

#[test]
fn own_writes_are_known_by_the_ids_that_reports_hold() {
    let world = world(&["P"], &[old()]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let sent: Vec<Value> = world.report("r.jsonl");
    let sent = sent.iter().find(|line| line["event"] == "sending");
    let id = sent.expect("a write")["clientRequestId"].clone();
    let events = world.json("tenant.json")["auditEvents"].clone();
    assert_eq!(events[1]["correlationId"], id);
    // By an edit of the file, of which the service knows nothing.
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([]);
    });
    assert_eq!(audit(&world, "")["events"][0]["own"], false);
    assert_eq!(audit(&world, "--since r.jsonl")["events"][0]["own"], true);
    world
        .sandbox("drift m.yaml --who --since r.jsonl")
        .exits(2)
        .says(&[
            "\n  last written by a run of assignctl, ",
            "), and no event since\n",
        ])
        .says_nothing_of("removed by");
    // Reports that no option named are in their folder.
    world.write(".assignctl/reports/x.jsonl", &world.read("r.jsonl"));
    assert_eq!(audit(&world, "")["events"][0]["own"], true);
    // What came before our own write cannot be what is to blame.
    world.edit("tenant.json", |state| {
        let events = state["auditEvents"].as_array_mut().expect("a list");
        events.insert(1, event(1, &[&policy_id(1)], &Value::Null));
    });
    let told = audit(&world, "");
    assert_eq!(told["events"][0]["own"], true);
    assert_eq!(told["events"][1]["actor"], "admin@contoso.com");
    for flags in ["", "--summary"] {
        world
            .sandbox(&format!("drift m.yaml --who {flags}"))
            .exits(2)
            .says(&["  last written by a run of assignctl, "])
            .says_nothing_of("admin@");
    }
    // What came after it is.
    world.edit("tenant.json", |state| {
        let events = state["auditEvents"].as_array_mut().expect("a list");
        events.push(event(0, &[&policy_id(1)], &Value::Null));
    });
    world.sandbox("drift m.yaml --who").exits(2).says(&[
        "\n  removed by admin@contoso.com in the portal",
        "\n  written by a run of assignctl, ",
        "\n  changed by admin@contoso.com in the portal",
    ]);
}

#[test]
fn what_was_not_applied_yet_was_removed_by_nobody() {
    let world = world(&["P", "Q"], &[old()]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.manifest(&["match: '*', include: [group: A, group: B]"]);
    let since = "drift m.yaml --who --since r.jsonl";
    world
        .sandbox(since)
        .exits(2)
        .says(&["not applied yet", "last written by a run of assignctl, "])
        .says_nothing_of("removed by");
    // Others have touched it, but not what is missing.
    world.edit("tenant.json", |state| {
        let events = state["auditEvents"].as_array_mut().expect("a list");
        events.push(event(0, &[&policy_id(1)], &Value::Null));
        events.push(event(0, &[&policy_id(2)], &Value::Null));
    });
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("{since} --format {format}"))
            .exits(2)
            .says(&["not applied yet", "changed by admin"])
            .says_nothing_of("removed by");
    }
}

/// Issue 18: a run that found a policy as it should be bounds who can have changed it.
#[test]
fn what_came_before_the_run_of_the_report_is_not_to_blame() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]);
    let world = World::with(&tenant, &["match: '*', include: [group: A]"]);
    let (one, other) = (policy_id(1), policy_id(2));
    world.edit("tenant.json", |state| {
        state["auditEvents"] = json!([old(), event(3, &[&one, &other], &Value::Null)]);
    });
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([]);
    });
    let since = "drift m.yaml --who --since r.jsonl";
    world
        .sandbox(&format!("{since} --json-into p.json"))
        .exits(2)
        .says(&[
            "changed by hand",
            "\n  no audit event since the run of ",
            "\n  and 1 earlier event\n",
        ])
        .says_nothing_of("removed by admin");
    // A file that was kept says the same.
    world
        .run("show p.json")
        .says(&["no audit event since the run of "]);
    world.edit("tenant.json", |state| {
        policy_mut(state, "Q")["assignments"] = json!([]);
    });
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("{since} --format {format}"))
            .exits(2)
            .says(&["no audit event since the run of ", ": 2 policies"])
            .says_nothing_of("by admin");
    }
    world.edit("tenant.json", |state| {
        let events = state["auditEvents"].as_array_mut().expect("a list");
        events.push(event(0, &[&one, &other], &Value::Null));
    });
    world
        .sandbox(since)
        .exits(2)
        .says(&["removed by admin@contoso.com in the portal"]);
}

/// Issue 18: what a later run wrote was not changed by hand.
#[test]
fn what_a_later_run_changed_was_not_changed_by_hand() {
    let world = world(&["P"], &[old()]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.sandbox("rollback r.jsonl --yes").exits(0);
    let since = "drift m.yaml --since r.jsonl";
    world.sandbox(since).exits(2).says(&["changed by hand"]);
    for format in ["text", "markdown", "github"] {
        world
            .sandbox(&format!("{since} --who --format {format}"))
            .exits(2)
            .says(&["changed by a later run of assignctl"])
            .says_nothing_of("by hand");
    }
    let json = world.sandbox(&format!("{since} --who --format json"));
    let json = json.exits(2).json();
    assert_eq!(json["policies"][0]["cause"], "laterRun");
    assert_eq!(
        (&json["since"]["laterRun"], &json["since"]["drift"]),
        (&json!(1), &json!(0))
    );
    // Whoever changed it after that did so by hand.
    world.edit("tenant.json", |state| {
        let events = state["auditEvents"].as_array_mut().expect("a list");
        events.push(event(0, &[&policy_id(1)], &Value::Null));
    });
    world
        .sandbox(&format!("{since} --who"))
        .exits(2)
        .says(&["changed by hand", "removed by admin@contoso.com"]);
}

#[test]
fn a_log_that_fails_for_another_reason_asks_for_no_permission() {
    let broken = event(1, &[&policy_id(1)], &json!({"activityType": 5}));
    let world = world(&["P"], &[old(), broken]);
    world
        .sandbox("plan m.yaml --who")
        .exits(0)
        .says(&["warning[audit-unreadable]", "run again later"])
        .says_nothing_of("DeviceManagementApps.Read.All");
}

/// The emulator notes who writes: here a person, by the token.
#[test]
fn a_person_is_named_by_the_token() {
    let mut world = world(&["P"], &[old()]);
    let served = Served::with_token(&mut world);
    // {"tid":null,"appid":"5926fc8e","app_displayname":"Some script","upn":"eve@contoso.com"}
    let token = "e30.eyJhcHBpZCI6IjU5MjZmYzhlIiwiYXBwX2Rpc3BsYXluYW1lIjoiU29tZSBzY3JpcHQiLCJ1cG4iOiJldmVAY29udG9zby5jb20ifQ.x";
    world.set("ASSIGNCTL_ACCESS_TOKEN", token);
    world.run("apply m.yaml --yes --report r.jsonl").exits(0);
    world.manifest(&["match: '*', include: [group: A, group: B]"]);
    world
        .run("drift m.yaml --who --format json")
        .exits(2)
        .says(&[
            "\"actor\": \"eve@contoso.com\"",
            "\"application\": \"Some script\"",
        ]);
    drop(served);
}

#[test]
fn names_in_events_are_no_markup() {
    let evil = json!({"actor": {"userPrincipalName": "a|b\u{1b}[31m`x\n##[error]y"}});
    let world = world(&["P"], &[old(), event(1, &[&policy_id(1)], &evil)]);
    for format in ["text", "markdown", "github"] {
        let ran = world
            .sandbox(&format!("drift m.yaml --who --format {format}"))
            .exits(2);
        assert!(!ran.stdout.contains('\u{1b}') && !ran.stdout.contains("\n##["));
    }
}
