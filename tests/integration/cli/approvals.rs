//! Issue 17: `approvals` shows what waits for a second administrator, `approvals cancel` withdraws it, and
//! `drift` shows both what waits and what was approved and never sent.

use serde_json::{Value, json};

use super::support::gated::{WHY, as_app, decide_on, file, gated, requests, set};
use super::support::service::Served;
use super::support::stand_in::readable_token;
use super::support::tenant::{TENANT_ID, Tenant, policy_id};
use super::support::{World, wait_until};

const OTHER: &str = "22222222-2222-4333-8444-555555555555";

fn two() -> World {
    let tenant = gated().policy("P", &[]).policy("Q", &[]);
    World::with(&tenant, &["match: '?', include: [group: A]"])
}

/// Decides on one request.
fn decide(world: &World, number: usize, status: &str) {
    decide_on(world, number, status, Some("not on a Friday"));
}

fn listed(world: &World, what: &str) -> Vec<String> {
    let ran = world.sandbox(&format!("approvals {what} --format json"));
    let result = ran.exits(0).json();
    let all = result["approvals"].as_array().expect("a list").iter();
    let all = all.map(|row| format!("{} {}", row["name"], row["status"]).replace('"', ""));
    let mut all: Vec<String> = all.collect();
    all.sort();
    all
}

#[test]
fn open_requests_are_listed_in_every_format() {
    let world = two();
    world
        .sandbox("approvals")
        .exits(0)
        .says(&["Approvals: no open request for approval."]);
    file(&world, "--report r.jsonl");
    let ran = world.sandbox("approvals --format json").exits(0).json();
    let row = &ran["approvals"][0];
    let is_it = |request: &&Value| request["id"] == row["code"];
    let requests = requests(&world);
    let request = requests.iter().find(is_it).expect("its request");
    assert_eq!(row["id"], request["object"]);
    assert_eq!(row["kind"], "configurationPolicy");
    assert_eq!(row["status"], "needsApproval");
    assert_eq!(row["requestedAt"], request["filed"]);
    assert_eq!(row["expiresAt"], request["expires"]);
    assert_eq!(row["justification"], WHY);
    assert!(row["requestor"].is_string());
    let keys = [
        "code",
        "kind",
        "id",
        "name",
        "status",
        "requestedAt",
        "expiresAt",
        "requestor",
        "own",
    ];
    assert!(keys.iter().all(|key| row.get(*key).is_some()), "{row}");
    world.sandbox("approvals").exits(0).says(&[
        "configurationPolicy P: waiting for approval",
        row["code"].as_str().expect("a code"),
        WHY,
        "Approvals: 2 open requests: 2 waiting for approval.",
    ]);
    world
        .sandbox("approvals --format markdown")
        .exits(0)
        .says(&[
            "<!-- assignctl approvals -->",
            "| waiting for approval | <code>configurationPolicy P</code> |",
        ]);
    world
        .sandbox("approvals --format github")
        .exits(64)
        .says(&["text, json or markdown"]);
}

#[test]
fn paths_and_reports_narrow_the_list() {
    let world = two();
    file(&world, "--report r.jsonl --only P");
    file(&world, "--report s.jsonl --only Q");
    decide(&world, 0, "approved");
    assert_eq!(listed(&world, ""), ["P approved", "Q needsApproval"]);
    assert_eq!(listed(&world, "m.yaml"), ["P approved", "Q needsApproval"]);
    assert_eq!(listed(&world, "r.jsonl"), ["P approved"]);
    assert_eq!(listed(&world, "s.jsonl"), ["Q needsApproval"]);
    world.manifest(&["name: Q, include: [group: A]"]);
    assert_eq!(listed(&world, "m.yaml"), ["Q needsApproval"]);
    // What is closed is not open; of a report it is said what became of it.
    decide(&world, 1, "rejected");
    assert_eq!(listed(&world, ""), ["P approved"]);
    assert_eq!(listed(&world, "s.jsonl"), [""; 0]);
    world
        .sandbox("approvals s.jsonl")
        .exits(0)
        .says(&["configurationPolicy Q: rejected: not on a Friday"]);
    let ran = world.sandbox("approvals s.jsonl --format json").exits(0);
    assert_eq!(ran.json()["closed"][0]["status"], "rejected");
    world
        .sandbox("approvals s.jsonl m.yaml")
        .exits(64)
        .says(&["a report must be the only path"]);
}

#[test]
fn ones_own_requests_are_withdrawn_after_a_yes() {
    let world = two();
    file(&world, "--report r.jsonl");
    world
        .sandbox("approvals cancel r.jsonl")
        .exits(64)
        .says(&["`approvals cancel` needs `--yes`", "waiting for approval"]);
    assert_eq!(requests(&world)[0]["status"], "needsApproval");
    decide(&world, 1, "completed");
    let ran = world.sandbox("approvals cancel r.jsonl --yes --format json");
    let mut outcomes: Vec<String> = ran.exits(0).json()["approvals"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|row| row["outcome"].to_string())
        .collect();
    outcomes.sort();
    assert_eq!(outcomes, ["\"closed\"", "\"withdrawn\""]);
    assert_eq!(requests(&world)[0]["status"], "cancelled");
    world
        .sandbox("approvals cancel r.jsonl --yes")
        .exits(0)
        .says(&["had already been withdrawn"]);
    // The lock is gone, and a later apply files again.
    world
        .sandbox(&format!(
            "apply m.yaml --yes --only P --justification {WHY}"
        ))
        .exits(8);
    assert_eq!(requests(&world).len(), 3);
}

/// The service shows a new request some seconds late.
#[test]
fn what_was_just_filed_is_withdrawn_once_the_service_shows_it() {
    let mut world = two();
    set(&world, "listingDelay", json!(3600));
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut world, "one");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    world.run(&line).exits(8);
    let run = world.spawn_into("approvals cancel r.jsonl --yes", "stderr.txt");
    wait_until("a look in vain", || {
        world.read("stderr.txt").contains("may not be listed yet")
    });
    served.post("/sandbox/clock", r#"{"seconds": 3600}"#);
    run.wait().exits(0);
    let requests = requests(&world);
    let is_cancelled = |request: &Value| request["status"] == "cancelled";
    assert!(requests.len() == 2 && requests.iter().all(is_cancelled));
}

#[test]
fn what_another_identity_filed_is_not_withdrawn_and_said() {
    let mut world = two();
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_app(&mut world, "one");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    world.run(&line).exits(8);
    let own = world.run("approvals --format json").exits(0).json();
    assert_eq!(own["approvals"][0]["own"], true);
    as_app(&mut world, "other");
    let others = world.run("approvals --format json").exits(0).json();
    assert_eq!(others["approvals"][0]["own"], false);
    world
        .run("approvals cancel r.jsonl --yes")
        .exits(6)
        .says(&["not withdrawn configurationPolicy P", "only that identity"]);
    as_app(&mut world, "one");
    world
        .run("approvals cancel r.jsonl --yes")
        .exits(0)
        .says(&["withdrawn configurationPolicy P"]);
}

#[test]
fn the_same_person_is_known_by_the_object_id() {
    let mut world = two();
    let as_person = |world: &mut World, id: &str| {
        let scopes = "DeviceManagementConfiguration.ReadWrite.All Group.Read.All";
        let claims = json!({"tid": TENANT_ID, "appid": "cli", "oid": id, "scp": scopes,
                            "upn": "ada@example.com"});
        world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(&claims));
    };
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    as_person(&mut world, "ada");
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    world.run(&line).exits(8);
    let report = world.report("r.jsonl");
    let pending = report.iter().find(|line| line["event"] == "policy");
    assert_eq!(pending.expect("a policy")["approval"]["identity"], "ada");
    // Another person of the same name, as after someone has left.
    as_person(&mut world, "another");
    world
        .run("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(6)
        .says(&["approvalForeign"]);
    as_person(&mut world, "ada");
    world
        .run("apply --resume r.jsonl --yes --report s.jsonl")
        .exits(8)
        .says(&["pending"]);
}

#[test]
fn drift_shows_what_waits_and_what_was_never_sent() {
    let world = two();
    world
        .sandbox("drift m.yaml")
        .exits(2)
        .says_nothing_of("Open requests for approval");
    // A nightly apply without a report of its own to be found.
    file(&world, "");
    decide(&world, 0, "approved");
    world.sandbox("drift m.yaml").exits(2).says(&[
        "Open requests for approval",
        "configurationPolicy P: approved, not yet applied; request",
        "configurationPolicy Q: waiting for approval; request",
    ]);
    let json = world.sandbox("drift m.yaml --format json").exits(2).json();
    let mut shown: Vec<&Value> = json["approvals"]
        .as_array()
        .expect("a list")
        .iter()
        .collect();
    shown.sort_by_key(|row| row["name"].to_string());
    assert_eq!(shown[0]["status"], "approved");
    assert_eq!(shown[1]["status"], "needsApproval");
    world
        .sandbox("drift m.yaml --format markdown")
        .exits(2)
        .says(&[
            "**Open requests for approval:**",
            "approved, not yet applied",
        ]);
    // `plan` says nothing of it, and its digest is the same.
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    assert_eq!(plan.get("approvals"), None);
    assert_eq!(plan["digest"], json["digest"]);
}

/// The properties that say which policy a request is for are not documented.
#[test]
fn requests_that_do_not_say_their_policy_are_not_taken_for_none() {
    let world = two();
    file(&world, "--report r.jsonl");
    set(&world, "unpublishedHidden", json!(true));
    let unclear = "2 open requests do not say which policy they are for";
    for line in ["approvals m.yaml", "drift m.yaml"] {
        for format in ["text", "markdown", "github"] {
            if (line, format) == ("approvals m.yaml", "github") {
                continue;
            }
            let code = if line.starts_with("drift") { 2 } else { 0 };
            world
                .sandbox(&format!("{line} --format {format}"))
                .exits(code)
                .says(&[unclear])
                .says_nothing_of("no open request for approval");
        }
    }
    let json = world.sandbox("approvals m.yaml --format json").exits(0);
    assert_eq!(json.json()["approvals"], json!([]));
    assert_eq!(json.json()["approvalsWithoutPolicy"], 2);
    let json = world.sandbox("drift m.yaml --format json").exits(2).json();
    assert_eq!(json["approvals"], json!([]));
    assert_eq!(json["approvalsWithoutPolicy"], 2);
    // All are listed, and a run's own by their codes.
    world.sandbox("approvals").exits(0).says(&[
        "an object that the service does not name",
        "2 open requests",
    ]);
    assert_eq!(
        listed(&world, "r.jsonl"),
        ["P needsApproval", "Q needsApproval"]
    );
    // What was filed and whose code was lost is not taken for not filed.
    let report = world.read("r.jsonl");
    let lines = report.lines().filter(|line| !line.contains("\"outcome\""));
    let lines = lines.filter(|line| !line.contains("\"event\":\"end\""));
    let lost: Vec<&str> = lines.collect();
    world.write("lost.jsonl", &format!("{}\n", lost.join("\n")));
    world
        .sandbox("apply --resume lost.jsonl --yes --report s.jsonl")
        .exits(8)
        .says(&[
            "filingUnknown",
            "2 open requests do not say whether they ask for it",
            "2 pending",
        ]);
    let ran = world.sandbox("approvals s.jsonl --format json").exits(0);
    assert_eq!(ran.json()["unknown"][0]["code"], "filingUnknown");
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("approvals cancel s.jsonl --yes --format {format}"))
            .exits(6)
            .says(&["filingUnknown"]);
    }
    // Nothing was lost.
    set(&world, "unpublishedHidden", json!(false));
    assert_eq!(
        listed(&world, "s.jsonl"),
        ["P needsApproval", "Q needsApproval"]
    );
}

#[test]
fn a_nightly_apply_files_nothing_twice() {
    let world = two();
    for night in 0..3 {
        file(&world, &format!("--report {night}.jsonl"));
        assert_eq!(requests(&world).len(), 2);
    }
    decide(&world, 0, "approved");
    file(&world, "--report 3.jsonl");
    assert_eq!(requests(&world).len(), 2);
    world.sandbox("drift m.yaml").exits(2);
    world
        .sandbox("apply --resume 3.jsonl --yes --report 4.jsonl")
        .exits(8)
        .says(&["1 applied, 1 pending"]);
    assert_eq!(world.rows("P"), ["+A"]);
    // Only what waits is shown from now on, and filed by no later night.
    file(&world, "--report 5.jsonl");
    assert_eq!(requests(&world).len(), 2);
    assert_eq!(listed(&world, ""), ["Q needsApproval"]);
}

#[test]
fn a_list_that_cannot_be_read_is_not_an_empty_one() {
    let world = World::new(&Tenant::common().switch(
        "roles",
        json!(["DeviceManagementScripts.ReadWrite.All", "Group.Read.All"]),
    ));
    world.edit("tenant.json", |state| {
        state["deviceManagementScripts"] = json!([
            {"id": policy_id(9), "displayName": "S", "assignments": []}
        ]);
    });
    world.manifest(&["kind: deviceManagementScript, name: S, include: [group: A]"]);
    world
        .sandbox("approvals")
        .exits(7)
        .says(&["operationApprovalRequests"]);
    world
        .sandbox("drift m.yaml")
        .exits(2)
        .says(&["approvals-unreadable", "DeviceManagementRBAC.Read.All"]);
    let json = world.sandbox("drift m.yaml --format json").exits(2).json();
    assert_eq!(json.get("approvals"), None);
}

#[test]
fn several_tenants_are_asked_each_with_its_own_sign_in() {
    let world = World::empty();
    let make = |name: &str| {
        let tenant = gated().policy("P", &[]);
        world.write(&format!("tenants/{name}.json"), &tenant.text());
    };
    make("one");
    make("two");
    world.edit("tenants/two.json", |state| state["tenantId"] = json!(OTHER));
    world.write(
        "m.yaml",
        &format!(
            "version: 1\ntenants: {{one: {{tenantId: {TENANT_ID}}}, two: {{tenantId: {OTHER}}}}}\n\
             policies: [{{kind: configurationPolicy, name: P, include: [group: A]}}]\n"
        ),
    );
    let run = |line: &str| world.run(&format!("{line} --no-progress --sandbox tenants"));
    let apply = format!("apply m.yaml --all-tenants --yes --justification {WHY} --report reports");
    run(&apply).exits(8);
    for what in ["m.yaml --all-tenants", "reports"] {
        let ran = run(&format!("approvals {what} --format json")).exits(0);
        let tenants = ran.json()["tenants"].clone();
        assert_eq!(ran.json()["exitCode"], 0);
        assert_eq!(tenants[0]["name"], "one");
        assert_eq!(tenants[1]["tenantId"], OTHER);
        for tenant in tenants.as_array().expect("a list") {
            assert_eq!(tenant["approvals"][0]["status"], "needsApproval");
        }
    }
    run("approvals m.yaml").exits(64).says(&["--all-tenants"]);
    let one = run("approvals m.yaml --tenant one").exits(0);
    one.says(&["Approvals: 1 open request: 1 waiting for approval."]);
    run("approvals reports")
        .exits(0)
        .says(&["Tenant one", "Tenant two"]);
    run("approvals reports --format markdown")
        .exits(0)
        .says(&["approvals: 2 tenants", "**<code>two</code>**"]);
    // One that cannot be read stops no other, and is not empty.
    let kept = world.read("tenants/two.json");
    std::fs::remove_file(world.path("tenants/two.json")).expect("a file");
    let ran = run("approvals reports --format json").exits(1);
    let tenants = ran.json()["tenants"].clone();
    assert_eq!(tenants[0]["approvals"][0]["name"], "P");
    assert_eq!(tenants[1]["approvals"], Value::Null);
    world.write("tenants/two.json", &kept);
    run("approvals cancel reports --yes")
        .exits(0)
        .says(&["withdrawn configurationPolicy P"]);
    for name in ["one", "two"] {
        let state = world.json(&format!("tenants/{name}.json"));
        assert_eq!(state["operationApprovalRequests"][0]["status"], "cancelled");
    }
}
