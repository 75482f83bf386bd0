//! The report of `apply`: what is in it, in which order, however the run ended.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{TENANT_ID, Tenant, group_id};

fn keys(line: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = line
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    keys.sort_unstable();
    keys
}

#[test]
fn a_run_with_nothing_to_do_has_a_start_and_an_end() {
    let world = World::with(&Tenant::common().policy("P", &[]), &["name: P"]);
    world.sandbox("apply m.yaml --report r.jsonl").exits(0);
    let report = world.report("r.jsonl");
    assert_eq!(report.len(), 2);
    assert_eq!(
        keys(&report[0]),
        [
            "digest",
            "event",
            "formatVersion",
            "graphUrl",
            "guards",
            "managed",
            "pending",
            "selection",
            "startedAt",
            "tenantId",
            "unmanaged"
        ]
    );
    assert_eq!(report[0]["formatVersion"], "1.0");
    assert_eq!(report[0]["event"], "start");
    assert_eq!(report[0]["tenantId"], TENANT_ID);
    let end = &report[1];
    assert_eq!(
        keys(end),
        ["elapsedMs", "event", "exitCode", "requests", "summary"]
    );
    assert_eq!(end["event"], "end");
    assert_eq!(end["exitCode"], 0);
    assert_eq!(
        end["summary"],
        json!({"applied": 0, "already": 0, "failed": 0, "stale": 0, "skipped": 0})
    );
    assert_eq!(
        keys(&end["requests"]),
        ["reads", "retried", "throttled", "writes"]
    );
    assert_eq!(end["requests"]["writes"], 0);
}

#[test]
fn every_write_is_announced_before_its_policy_settles() {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Q", &[])
        .compliance("R", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "name: P, include: [group: B]",
            "name: Q, include: [group: A]",
            "kind: compliancePolicy, name: R, include: [group: B]",
        ],
    );
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let report = world.report("r.jsonl");
    assert_eq!(report.len(), 1 + 3 + 3 + 1);
    assert_eq!(report[0]["event"], "start");
    assert_eq!(report[0]["digest"], plan["digest"]);
    assert_eq!(report[7]["event"], "end");
    assert_eq!(report[7]["summary"]["applied"], 3);
    assert_eq!(report[7]["requests"]["writes"], 3);
    for planned in plan["policies"].as_array().expect("a list") {
        let position = |event: &str| {
            report
                .iter()
                .position(|line| line["event"] == event && line["id"] == planned["id"])
                .expect("a line")
        };
        let (sending, settled) = (position("sending"), position("policy"));
        assert!(sending < settled);
        assert_eq!(
            keys(&report[sending]),
            [
                "after",
                "before",
                "clientRequestId",
                "event",
                "id",
                "kind",
                "name"
            ]
        );
        let line = &report[settled];
        assert_eq!(
            keys(line),
            [
                "after", "before", "error", "event", "id", "kind", "name", "outcome"
            ]
        );
        assert_eq!(line["outcome"], "applied");
        assert_eq!(line["error"], Value::Null);
        for key in ["kind", "name", "before", "after"] {
            assert_eq!(line[key], planned[key], "{key}");
        }
    }
}

#[test]
fn a_failure_has_the_real_sentence_its_status_code_and_request_id() {
    let tenant = Tenant::common()
        .group("Gone")
        .switch("refuseMissingGroups", json!(true))
        .policy("P", &["+Gone"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: Gone, group: A, group: B]"],
    );
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.edit("tenant.json", |state| {
        state["groups"].as_array_mut().expect("a list").pop();
    });
    let ran = world.sandbox("apply plan.json --report r.jsonl").exits(6);
    let report = world.report("r.jsonl");
    let line = report
        .iter()
        .find(|line| line["event"] == "policy")
        .expect("a line");
    assert_eq!(line["outcome"], "failed");
    let error = &line["error"];
    assert_eq!(
        error["message"],
        format!(
            "Invalid GroupId : {} provided, a valid AADGroupId is expected.",
            group_id(4)
        )
    );
    assert_eq!(error["status"], 400);
    assert_eq!(error["code"], "BadRequest");
    let id = error["requestId"].as_str().expect("an id");
    assert_eq!(id.len(), 36);
    ran.says(&["Invalid GroupId : ", "status 400", id]);
}

#[test]
fn it_is_written_however_the_run_ended() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P"]);
    world.write("wrong.yaml", "version: 2");
    world.write(
        "late.yaml",
        "version: 1\npolicies: [{kind: compliancePolicy, name: Gone}]\n",
    );
    world.manifest_in("change.yaml", &["name: P, include: [group: B]"]);
    for (line, code) in [
        ("apply wrong.yaml --yes", 3),
        ("apply late.yaml --yes", 3),
        ("apply m.yaml --yes", 4),
        ("apply change.yaml", 64),
    ] {
        // An earlier report of that name is replaced.
        world.write("sub/r.jsonl", "old\n");
        world
            .sandbox(&format!("{line} --report sub/r.jsonl"))
            .exits(code)
            .says(&["report: sub/r.jsonl"]);
        let report = world.report("sub/r.jsonl");
        assert_eq!(report.len(), 2, "{line}");
        assert_eq!(report[0]["event"], "start");
        assert_eq!(report[1]["exitCode"], code);
        assert_eq!(report[1]["requests"]["writes"], 0);
    }
}

#[test]
fn without_a_name_it_gets_one_of_its_time() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: A]"],
    );
    let ran = world.sandbox("apply m.yaml --yes").exits(0);
    let folder = world.path(".assignctl/reports");
    let files: Vec<_> = std::fs::read_dir(folder).expect("a folder").collect();
    assert_eq!(files.len(), 1);
    let name = files[0].as_ref().expect("a file").file_name();
    let name = name.to_str().expect("UTF-8");
    ran.says(&["report: .assignctl/reports/"]);
    assert_eq!(world.report(&format!(".assignctl/reports/{name}")).len(), 4);
}

#[test]
fn where_it_cannot_be_written_nothing_is() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: A]"],
    );
    let before = world.read("tenant.json");
    world
        .sandbox("apply m.yaml --yes --report tenant.json/r.jsonl")
        .exits(1)
        .says(&["tenant.json/r.jsonl", "nothing was written"]);
    assert_eq!(world.read("tenant.json"), before);
}

#[cfg(unix)]
#[test]
fn a_killed_run_leaves_a_usable_one_and_can_be_run_again() {
    use super::support::service::Served;
    use super::support::wait_until;

    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R", &[]);
    let mut world = World::with(&tenant, &["match: '?', include: [group: A]"]);
    let _served = Served::with_token(&mut world);
    let untouched = world.read("tenant.json");
    let running = world.spawn("apply m.yaml --yes --report r.jsonl --write-limit 1/60s");
    wait_until("the first write", || world.read("tenant.json") != untouched);
    running.signal("KILL");
    assert_eq!(running.wait().code, None);
    let report = world.report("r.jsonl");
    assert_eq!(report[0]["event"], "start");
    assert_eq!(report[1]["event"], "sending");
    assert!(report.iter().all(|line| line["event"] != "end"));
    let mut sent = report.iter().filter(|line| line["event"] == "sending");
    let written = sent.next().expect("a write")["id"].clone();
    assert_eq!(sent.next(), None);
    let names = ["P", "Q", "R"];
    for (number, name) in (1..).zip(names) {
        let was_written = written == super::support::tenant::policy_id(number);
        assert_eq!(world.rows(name).len(), usize::from(was_written), "{name}");
    }
    world
        .run("apply m.yaml --yes")
        .exits(0)
        .says(&["2 applied"]);
    for name in names {
        assert_eq!(world.rows(name), ["+A"]);
    }
    world.run("drift m.yaml").exits(0);
}

/// The earlier report is all that knows the way back.
#[test]
fn a_run_that_does_not_begin_takes_no_earlier_report_away() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]).policy("Q", &[]),
        &["name: P, include: [group: B]"],
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    let earlier = world.read("r.jsonl");
    world.manifest(&["name: Q, include: [allDevices]"]);
    world.write("broken.yaml", "version: 2\n");
    for (line, code) in [
        ("apply broken.yaml --yes", 3),
        ("apply m.yaml --yes", 4),
        ("apply m.yaml --allow broad-target", 64),
        (
            "apply m.yaml --yes --allow broad-target --expect-digest sha256:0",
            5,
        ),
    ] {
        world
            .sandbox(&format!("{line} --report r.jsonl"))
            .exits(code)
            .says(&["report: r.jsonl", "was kept as r.jsonl.earlier"]);
        assert_eq!(world.read("r.jsonl.earlier"), earlier, "{line}");
        let report = world.report("r.jsonl");
        assert_eq!(report.last().expect("an end")["exitCode"], code, "{line}");
        std::fs::rename(world.path("r.jsonl.earlier"), world.path("r.jsonl")).expect("a file");
    }
    world
        .sandbox("rollback r.jsonl --yes --report back.jsonl")
        .exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

/// Neither is what knows the way back replaced by a run that begins, nor by the next one.
#[test]
fn reports_of_writes_are_all_kept() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(0)
        .says_nothing_of("was kept as");
    let first = world.read("r.jsonl");
    // The same plan again finds all as planned.
    world
        .sandbox("apply plan.json --report r.jsonl")
        .exits(0)
        .says(&["was kept as r.jsonl.earlier\n"]);
    world.manifest(&["name: Q, include: [group: A]"]);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says_nothing_of("was kept as");
    let second = world.read("r.jsonl");
    // What goes back may well be refused at first.
    world
        .sandbox("rollback r.jsonl.earlier --report r.jsonl")
        .exits(64)
        .says(&["was kept as r.jsonl.earlier-2\n"]);
    assert_eq!(world.read("r.jsonl.earlier"), first);
    assert_eq!(world.read("r.jsonl.earlier-2"), second);
    // A later version's report cannot be read, and may be needed by that version.
    let later = first.replacen("\"1.0\"", "\"2.0\"", 1);
    world.write("r.jsonl", &later);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    assert_eq!(world.read("r.jsonl.earlier-3"), later);
    world
        .sandbox("rollback r.jsonl.earlier --yes --report back.jsonl")
        .exits(0);
    assert_eq!(world.rows("P"), ["+A"]);
}

/// Where it cannot be put down, that is said, and nothing else is taken for it.
#[test]
fn a_report_that_cannot_be_put_down_is_told_of() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    let earlier = world.read("r.jsonl");
    world.write("broken.yaml", "version: 2\n");
    // The longest name that a file may have, to which nothing can be added.
    let long = "r".repeat(250);
    world.write(&long, &earlier);
    let line = format!("apply broken.yaml --yes --report {long}");
    world
        .sandbox(&line)
        .exits(3)
        .says(&["the report could not be written"])
        .says_nothing_of("report: r");
    assert_eq!(world.read(&long), earlier);
}
