//! `doctor`: each assumption about the service holds in the emulator, and where it is otherwise `doctor` says
//! so, and plan and apply do the right thing all the same or refuse.

use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::tenant::{TENANT_ID, Tenant, filter_id, group_id, policy_id};
use assignctl::service::{ASSUMPTIONS, Probe};

/// A tenant with something of each form that is looked at.
fn tenant() -> Tenant {
    Tenant::common()
        .policy("P1", &["+A"])
        .policy("P2", &["+A", "-C", "allDevices [include F]"])
        .policy("P3", &[])
}

/// Returns the states by assumption.
fn states(told: &Value) -> Vec<(String, String)> {
    let assumptions = told["assumptions"].as_array().expect("assumptions");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    assumptions
        .iter()
        .map(|found| (text(&found["id"]), text(&found["state"])))
        .collect()
}

#[test]
fn the_sample_tenant_is_as_expected() {
    let world = World::empty();
    let told = world.sandbox("doctor --format json").exits(0).json();
    assert_eq!(told["complete"], true);
    let found = states(&told);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let expected: Vec<&str> = ASSUMPTIONS.iter().map(|row| row.id).collect();
    assert_eq!(ids, expected);
    for (row, (_, state)) in ASSUMPTIONS.iter().zip(&found) {
        let expected = match (row.probe, row.id) {
            // Nothing asks to slow down.
            (Probe::Read(_), "retry-after") => "unknown",
            (Probe::Read(_), _) => "holds",
            (Probe::Write(_) | Probe::Never(_), _) => "unknown",
        };
        assert_eq!(state, expected, "{}: {told:#}", row.id);
    }
    let before = world.read("tenant.json");
    world.sandbox("doctor").exits(0).says(&["assumptions: "]);
    world
        .sandbox("doctor --format markdown")
        .exits(0)
        .says(&["| unknown | `retry-after` |"]);
    assert_eq!(world.read("tenant.json"), before, "it only reads");
}

/// What an assumption's test switches on, and what is to come of it.
struct Case {
    /// The assumption.
    id: &'static str,
    /// The switches of the service.
    switches: Value,
    state: &'static str,
    /// The exit codes of `plan` and `apply`; `apply` is left out where it looks back for minutes, and tried in
    /// virtual time (`library::otherwise`).
    plan: i32,
    apply: Option<i32>,
}

fn otherwise(id: &'static str, how: &str, plan: i32, apply: i32) -> Case {
    switched(id, json!({"otherwise": [how]}), "differs", plan, apply)
}

fn switched(id: &'static str, switches: Value, state: &'static str, plan: i32, apply: i32) -> Case {
    Case {
        id,
        switches,
        state,
        plan,
        apply: (apply != NEVER_SHOWS).then_some(apply),
    }
}

/// Stands for an `apply` whose write never shows.
const NEVER_SHOWS: i32 = -1;

/// Permissions without those of a family.
fn roles_without(lacking: &str) -> Value {
    let all = [
        "DeviceManagementApps.ReadWrite.All",
        "DeviceManagementConfiguration.ReadWrite.All",
        "DeviceManagementRBAC.ReadWrite.All",
        "DeviceManagementScripts.ReadWrite.All",
        "DeviceManagementServiceConfig.ReadWrite.All",
        "Directory.Read.All",
        "Group.Read.All",
    ];
    json!({"roles": all.iter().filter(|name| !name.starts_with(lacking)).collect::<Vec<_>>()})
}

/// One row for each assumption that reading can find out.
fn cases() -> Vec<Case> {
    vec![
        otherwise("list-top", "topRefused", 0, 0),
        otherwise("list-expand", "expandRefused", 0, 0),
        otherwise("list-expand", "expandEmpty", 0, 0),
        otherwise("rows-agree", "assignmentsRefused", 0, 6),
        otherwise("rows-agree", "assignmentsEmpty", 0, 6),
        otherwise("item-expand", "itemExpandWorks", 0, 0),
        otherwise("set-expand", "setExpandRefused", 0, 0),
        otherwise("odata-count", "countOfList", 0, 0),
        otherwise("next-link", "linkRelative", 0, 0),
        otherwise("next-link", "linkForeign", 0, 0),
        otherwise("names", "namesMissing", 3, 3),
        otherwise("object-ids", "idsOfText", 0, 6),
        otherwise("row-ids", "rowIdsMissing", 0, 0),
        otherwise("row-ids", "rowIdsShared", 0, 0),
        otherwise("sources", "sourceNovel", 0, NEVER_SHOWS),
        otherwise("no-filter", "filterSpelling", 0, 0),
        otherwise("target-types", "targetNovel", 0, NEVER_SHOWS),
        otherwise("policy-types", "typeNovel", 0, 0),
        otherwise("platforms", "platformNovel", 0, 0),
        switched(
            "licences",
            json!({"unavailable": ["mobileApps"]}),
            "differs",
            0,
            0,
        ),
        otherwise("read-permissions", "listForbidden", 7, 7),
        switched(
            "read-permissions",
            roles_without("DeviceManagement"),
            "not permitted",
            7,
            7,
        ),
        switched(
            "write-permissions",
            roles_without("DeviceManagementApps"),
            "not permitted",
            0,
            0,
        ),
        switched(
            "approval-policies",
            json!({"approval": {"policyTypes": ["novelType"]}}),
            "differs",
            0,
            0,
        ),
        otherwise("approval-requests", "requestsRefused", 0, 0),
        otherwise("throttling", "slowDown", 0, 0),
        otherwise("retry-after", "slowDownSilent", 0, 0),
        otherwise("clock", "clockAhead", 0, 0),
        otherwise("batch", "batchOfTen", 0, 0),
        otherwise("groups-in", "inOfTen", 0, 0),
        otherwise("group-count", "countRefused", 0, 0),
        otherwise("get-by-ids", "byIdsRefused", 0, 0),
        otherwise("audit", "auditOldestFirst", 0, 0),
    ]
}

#[test]
fn every_assumption_that_reading_finds_out_has_a_case() {
    let cases = cases();
    for row in ASSUMPTIONS {
        if matches!(row.probe, Probe::Read(_)) {
            assert!(cases.iter().any(|case| case.id == row.id), "{}", row.id);
        }
    }
}

/// A tenant whose service is otherwise.
fn world_of(case: &Case) -> World {
    let world = World::with(
        &tenant(),
        &[
            "name: P1, include: [{group: B}]",
            "name: P2, include: [{group: A}, {allDevices: true, filter: F}], exclude: [{group: C}]",
        ],
    );
    world.edit("tenant.json", |tenant| {
        tenant["service"] = case.switches.clone();
        tenant["auditEvents"] = json!([
            {"activityDateTime": "2026-01-01T00:00:00Z"},
            {"activityDateTime": "2026-01-02T00:00:00Z"},
        ]);
        tenant["deviceConfigurations"] = json!([{
            "id": policy_id(50), "displayName": "D", "@odata.type": "#microsoft.graph.windows10GeneralConfiguration",
            "assignments": [],
        }]);
        tenant["policySets"] = json!([{
            "id": policy_id(51), "displayName": "S", "items": [],
            "assignments": [{"target": {
                "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(1),
            }}],
        }]);
    });
    world
}

#[test]
fn what_is_otherwise_is_said_and_keeps_apply_from_doing_wrong() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let cases = cases().into_iter();
        let running: Vec<_> = cases
            .map(|case| scope.spawn(move || judged(&case)))
            .collect();
        let ended = running.into_iter().map(|case| case.join().expect("a case"));
        ended.flatten().collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs a case, and returns what is not as it should be.
fn judged(case: &Case) -> Vec<String> {
    let Case {
        id,
        switches,
        state,
        plan,
        apply,
    } = case;
    let mut wrong = Vec::new();
    let mut judge = |so: bool, what: &str, seen: String| {
        if !so {
            wrong.push(format!("{id} {switches}: {what}: {seen}"));
        }
    };
    let row = ASSUMPTIONS
        .iter()
        .find(|row| row.id == *id)
        .expect("an assumption");
    let world = world_of(case);
    let before = world.read("tenant.json");
    let ran = world.sandbox("doctor --format json");
    let told = ran.json();
    let found = told["assumptions"].as_array().expect("assumptions");
    let found = found.iter().find(|found| found["id"] == *id);
    let found = found.expect("an assumption");
    judge(found["state"] == *state, "the state", found.to_string());
    if *state == "differs" && row.matters {
        let named = ran.stderr.contains(&format!("`{id}`"));
        judge(
            ran.code == Some(1) && named,
            "the exit code",
            ran.stderr.clone(),
        );
    }
    judge(
        world.read("tenant.json") == before,
        "doctor",
        "it wrote".to_owned(),
    );
    let planned = world.sandbox("plan m.yaml");
    judge(planned.code == Some(*plan), "plan", format!("{planned:#?}"));
    let Some(apply) = apply else {
        return wrong;
    };
    let applied = world.sandbox("apply m.yaml --yes");
    judge(
        applied.code == Some(*apply),
        "apply",
        format!("{applied:#?}"),
    );
    let rows = [world.rows("P1"), world.rows("P2")];
    // What fails leaves what was there.
    let done = match apply {
        0 => rows[0] == ["+B"],
        _ => rows[0] == ["+A"],
    };
    let others = ["+A", "-C", "allDevices [include F]"];
    judge(done && rows[1] == others, "the tenant", format!("{rows:?}"));
    wrong
}

/// What must not be in a record: what the tenant has of its own.
fn marked() -> (Tenant, Vec<String>) {
    let tenant = Tenant::new()
        .switch("domain", json!("qvxz-domain.example"))
        .group("QVXZ group 1")
        .group("O'QVXZ-group-2")
        .filter("QVXZ filter", "windows10AndLater")
        .policy("QVXZ policy / 1", &["+QVXZ group 1"])
        .policy("qvxzPolicy2", &["+QVXZ group 1 [include QVXZ filter]"])
        .compliance("qvxz", &["allDevices"]);
    let mut hidden: Vec<String> = ["QVXZ", "qvxz", "127.0.0.1", "a-token", "example.org"]
        .map(str::to_owned)
        .to_vec();
    hidden.extend((1..=3).map(policy_id));
    hidden.extend((1..=2).map(group_id));
    hidden.push(filter_id(1));
    hidden.push(TENANT_ID.to_owned());
    (tenant, hidden)
}

/// Fills in what else a tenant may say of itself.
fn mark_further(tenant: &mut Value) {
    let policy = &mut tenant["configurationPolicies"][0];
    policy["description"] = json!("QVXZ description");
    policy["QVXZ_property"] = json!({"QVXZ key": "QVXZ value"});
    policy["roleScopeTagIds"] = json!(["QVXZ-tag"]);
    tenant["groups"][0]["description"] = json!("QVXZ");
    tenant["assignmentFilters"][0]["rule"] = json!("(device.deviceName -startsWith \"QVXZ\")");
    tenant["mobileApps"] = json!([{
        "id": policy_id(40), "displayName": "QVXZ app", "@odata.type": "#microsoft.graph.webApp",
        "appUrl": "https://qvxz.example.org/", "publisher": "QVXZ",
        "assignments": [],
    }]);
    tenant["auditEvents"] = json!([{
        "activityDateTime": "2026-01-01T00:00:00Z",
        "actor": {"userPrincipalName": "qvxz@example.org", "ipAddress": "127.0.0.1"},
    }]);
}

#[test]
fn what_is_shared_names_nobody() {
    let (tenant, hidden) = marked();
    let mut world = World::with(
        &tenant,
        &["name: QVXZ policy / 1, include: [{group: O'QVXZ-group-2}]"],
    );
    world.edit("tenant.json", mark_further);
    let _served = Served::with_token(&mut world);
    world
        .run("doctor --share share.json --record doctor.jsonl")
        .exits(0);
    world.run("plan m.yaml --record plan.jsonl").exits(0);
    world
        .run("apply m.yaml --yes --record apply.jsonl")
        .exits(0);
    // A name that does not exist, and errors.
    world.manifest(&["name: QVXZ policy / 1, include: [{group: QVXZ grup}]"]);
    world.run("plan m.yaml --record failed.jsonl").exits(3);
    for file in [
        "share.json",
        "doctor.jsonl",
        "plan.jsonl",
        "apply.jsonl",
        "failed.jsonl",
    ] {
        let text = world.read(file);
        for secret in &hidden {
            assert!(!text.contains(secret), "{file} holds `{secret}`");
        }
        // Shapes, kinds of targets, and which are the same stay.
        assert!(
            text.contains("deviceAndAppManagementAssignmentFilterType"),
            "{file}"
        );
        assert!(
            text.contains("#microsoft.graph.groupAssignmentTarget"),
            "{file}"
        );
        assert!(text.contains("text-1"), "{file}");
    }
    let shared = world.json("share.json");
    assert_eq!(
        shared["assumptions"].as_array().map(Vec::len),
        Some(ASSUMPTIONS.len())
    );
    assert_eq!(shared["exchanges"][0]["status"], 200);
    let lines = world.report("apply.jsonl");
    let write = lines.iter().find(|line| {
        line["url"]
            .as_str()
            .is_some_and(|url| url.ends_with("/assign"))
    });
    let body = &write.expect("a write")["requestBody"]["assignments"];
    assert_eq!(body.as_array().map(Vec::len), Some(1));
}

#[test]
fn a_record_takes_no_other_files_place() {
    let world = World::with(&tenant(), &["name: P1, include: [{group: B}]"]);
    let before = world.read("m.yaml");
    world
        .sandbox("plan m.yaml --record m.yaml")
        .exits(64)
        .says(&["`--record m.yaml` would write over a file that is not a record"]);
    world.sandbox("doctor --share m.yaml").exits(64);
    assert_eq!(world.read("m.yaml"), before);
    world.sandbox("plan m.yaml --record r.jsonl").exits(0);
    world.sandbox("plan m.yaml --record r.jsonl").exits(0);
}

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

#[test]
fn writes_are_tried_and_taken_back() {
    for rows in [&[][..], &["+A"]] {
        let world = trial_world(rows, json!({}));
        let ran = world
            .sandbox("doctor --try-writes P --group C --yes --report r.jsonl --format json")
            .exits(0);
        assert!(
            ran.stderr
                .contains("the exclusion of the group `C` is tried"),
            "{}",
            ran.stderr
        );
        let told = ran.json();
        let told = told["assumptions"].as_array().expect("assumptions");
        for id in [
            "create-route",
            "delete-route",
            "assign-answer",
            "read-after-write",
        ] {
            let found = told
                .iter()
                .find(|found| found["id"] == id)
                .expect("an assumption");
            assert_eq!(found["state"], "holds", "{found}");
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
    ] {
        let world = trial_world(&["+A"], service.clone());
        let told = world
            .sandbox("doctor --try-writes P --group C --yes --format json")
            .exits(0)
            .json();
        let told = told["assumptions"].as_array().expect("assumptions");
        let found = told
            .iter()
            .find(|found| found["id"] == id)
            .expect("an assumption");
        assert_eq!(found["state"], state, "{service}: {found}");
        assert_eq!(world.rows("P"), ["+A"], "{service}");
    }
    // What a write relies on is an error.
    let world = trial_world(&["+A"], json!({"plainAssignMissing": [catalog]}));
    world
        .sandbox("doctor --try-writes P --group C --yes")
        .exits(1)
        .says(&[
            "writes rely on what is otherwise here: `assign-answer`",
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
        .says(&["this sign-in may not write"]);
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
