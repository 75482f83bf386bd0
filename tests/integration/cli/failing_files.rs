//! Files that fail, fill up, or that someone else takes away while a run writes to them. A limit for files stands
//! in for a full disk.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::support::service::Served;
use super::support::tenant::Tenant;
use super::support::{World, wait_until};

/// Four policies without assignments, which the manifest assigns to `A`.
fn four() -> World {
    let mut tenant = Tenant::common();
    for name in ["P", "Q", "R", "S"] {
        tenant = tenant.policy(name, &[]);
    }
    World::with(&tenant, &["match: '?', include: [group: A]"])
}

/// The same, of a service that answers late.
fn four_slowly() -> (World, Served) {
    let mut world = four();
    world.edit("tenant.json", |state| {
        state["service"]["latency"] = json!(0.2);
    });
    let served = Served::with_token(&mut world);
    (world, served)
}

/// Limits files to so many blocks of 512 bytes. What would be beyond them is an error.
fn limited(blocks: usize) -> String {
    format!("trap '' XFSZ; ulimit -f {blocks}")
}

fn assigned(world: &World) -> usize {
    let names = ["P", "Q", "R", "S"];
    let is_assigned = |name: &&&str| !world.rows(name).is_empty();
    names.iter().filter(is_assigned).count()
}

#[test]
fn a_report_that_is_taken_away_during_the_run_ends_it() {
    for deed in ["delete", "empty", "move"] {
        let (world, _served) = four_slowly();
        let running = world.spawn("apply m.yaml --yes --report r.jsonl --concurrency 1");
        let path = world.path("r.jsonl");
        wait_until("the report", || !world.report("r.jsonl").is_empty());
        let done = match deed {
            "delete" => std::fs::remove_file(&path),
            "empty" => std::fs::write(&path, ""),
            _ => std::fs::rename(&path, world.path("moved.jsonl")),
        };
        done.expect("a report");
        let ran = running.wait().exits(1);
        assert_eq!(ran.stderr.matches("someone else has").count(), 1, "{deed}");
        // Whatever was under way by then, not all.
        assert!(assigned(&world) < 4, "{deed}");
        let says = ran.stdout.contains("the report could not be written");
        assert!(says, "{deed}: {ran:?}");
        if deed == "empty" {
            assert_eq!(world.read("r.jsonl"), "");
        }
    }
}

/// What cannot be recorded is not sent.
#[test]
fn where_the_report_cannot_be_written_any_more_nothing_is_sent() {
    let mut tenant = Tenant::common();
    for number in 0..30 {
        tenant = tenant.policy(&format!("P {number}"), &[]);
    }
    for flags in ["", " --fail-fast"] {
        let mut world = World::with(&tenant, &["match: 'P *', include: [group: A]"]);
        let served = Served::with_token(&mut world);
        let ran = world.prepared(
            &limited(32),
            &format!("apply m.yaml --yes --report r.jsonl --format json{flags}"),
        );
        let ran = ran.exits(1);
        assert_eq!(
            ran.stderr
                .matches("the report could not be written")
                .count(),
            1
        );
        let json = ran.json();
        let policies = json["results"]["policies"].as_array();
        let policies = policies.expect("policies");
        let report = world.report("r.jsonl");
        let mut codes = BTreeSet::new();
        for policy in policies {
            let is_sent = |line: &Value| line["event"] == "sending" && line["id"] == policy["id"];
            let name = policy["name"].as_str().expect("a name");
            let is_written = !world.rows(name).is_empty();
            assert_eq!(is_written, report.iter().any(is_sent), "{name}: {json}");
            codes.insert(policy["error"]["code"].as_str());
        }
        // Also where a failed policy ends the run, none but the report's failure did.
        assert_eq!(codes, BTreeSet::from([None, Some("report")]), "{json}");
        // No half of a line is left, so that what was done can be taken back.
        world.run("show r.jsonl").exits(0);
        world
            .run("rollback r.jsonl --yes --report b.jsonl")
            .exits(0);
        for policy in policies {
            let name = policy["name"].as_str().expect("a name");
            assert_eq!(world.rows(name), Vec::<String>::new(), "{name}");
        }
        drop(served);
    }
}

/// Its run may be killed, or still be at it.
#[test]
fn a_report_whose_run_has_not_ended_is_kept() {
    let world = four();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl --only P")
        .exits(0);
    let first = world.read("r.jsonl");
    let begun = first.split_inclusive('\n').next().expect("a line");
    world.write("r.jsonl", begun);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0)
        .says(&["was kept as r.jsonl.earlier\n"]);
    assert_eq!(world.read("r.jsonl.earlier"), begun);
}

#[test]
fn an_earlier_report_stays_in_its_place_where_the_new_one_cannot_be_begun() {
    let mut world = four();
    world
        .sandbox("apply m.yaml --yes --report r.jsonl --only P")
        .exits(0);
    let first = world.read("r.jsonl");
    let _served = Served::with_token(&mut world);
    let ran = world.prepared(&limited(1), "apply m.yaml --yes --report r.jsonl");
    let ran = ran.exits(1).says_nothing_of("was kept as");
    let said = ran
        .stderr
        .matches("the report could not be written")
        .count();
    assert_eq!(said, 1, "{ran:?}");
    assert_eq!(world.read("r.jsonl"), first);
    assert!(!world.path("r.jsonl.earlier").exists());
    assert_eq!(assigned(&world), 1);
}

/// What else is printed stands before and behind the report's lines, and over none of them.
#[test]
fn a_report_and_results_share_a_file_that_the_shell_has_put_there() {
    let world = four();
    let line = "apply m.yaml --yes --report /dev/stdout --sandbox tenant.json";
    world.prepared("exec >out", line).exits(0);
    let out = world.read("out");
    assert!(out.contains("\nResult: 4 applied.\n"), "{out}");
    let report: String = out
        .lines()
        .filter(|line| line.starts_with("{\""))
        .map(|line| format!("{line}\n"))
        .collect();
    world.write("r.jsonl", &report);
    world.run("show r.jsonl").exits(0).says(&["4 applied"]);
}

#[test]
fn what_the_shell_has_put_behind_a_device_is_added_to() {
    let world = four();
    for line in [
        "apply m.yaml --yes --report /dev/fd/3 --sandbox tenant.json",
        "plan m.yaml --out /dev/fd/3 --sandbox tenant.json",
        "plan m.yaml --json-into /dev/fd/3 --sandbox tenant.json",
    ] {
        world.write("log", "what was there\n");
        world.prepared("exec 3>>log", line).exits(0);
        let log = world.read("log");
        let rest = log.strip_prefix("what was there\n").expect("it is there");
        assert!(rest.starts_with('{'), "{line}: {log}");
    }
}

/// A pipe is opened once. Where its reader leaves, the run ends, and says why.
#[test]
fn a_report_can_go_through_a_named_pipe() {
    for all in [true, false] {
        let world = four();
        let made = Command::new("mkfifo").arg(world.path("pipe")).status();
        assert!(made.expect("the command mkfifo").success());
        let path = world.path("pipe");
        let reader = std::thread::spawn(move || {
            let mut pipe = BufReader::new(std::fs::File::open(path).expect("a pipe"));
            let mut text = String::new();
            match all {
                true => pipe.read_to_string(&mut text),
                false => pipe.read_line(&mut text),
            }
            .expect("text");
            text
        });
        let line = "apply m.yaml --yes --report pipe --concurrency 1 --write-limit 1/1s";
        let ran = world.sandbox(line);
        let text = reader.join().expect("a reader");
        if all {
            ran.exits(0);
            let last = text.lines().last().expect("a line");
            let last: Value = serde_json::from_str(last).expect("JSON");
            assert_eq!(last["event"], "end");
        } else {
            ran.exits(1).says(&["Broken pipe"]);
        }
    }
}

#[test]
fn a_record_that_is_cut_is_said_to_be() {
    let world = four();
    let line = "plan m.yaml --sandbox tenant.json --record rec.jsonl";
    world.run(line).exits(0);
    let whole = world.read("rec.jsonl");
    let blocks = whole.len() / 512 / 2;
    // The state of the tenant is not written by a plan.
    world
        .prepared(&limited(blocks), line)
        .exits(0)
        .says(&["warning: the record is not complete"]);
    let cut = world.read("rec.jsonl");
    assert!(cut.ends_with('\n') && cut.len() < whole.len());
    for line in cut.lines() {
        serde_json::from_str::<Value>(line).expect("a whole line");
    }
}

#[test]
fn init_leaves_no_half_of_a_file() {
    let world = four();
    // Before the first file, and in the middle of the schema.
    for blocks in [0, 100] {
        let folder = format!("d{blocks}");
        let line = format!("init {folder} --sandbox tenant.json --no-progress");
        world.prepared(&limited(blocks), &line).exits(1);
        world.run(&line).exits(0);
        let complete = format!("whole{blocks}");
        world
            .run(&format!("init {complete} --sandbox tenant.json"))
            .exits(0);
        for name in ["assignctl.yaml", "manifest.schema.json"] {
            let of = |folder: &str| world.read(&format!("{folder}/{name}"));
            assert_eq!(of(&folder), of(&complete), "{name}");
        }
    }
}

/// Whoever reads stdout has left by the time the policies are written.
#[test]
fn what_was_done_is_in_the_files_also_where_stdout_takes_nothing() {
    let (world, _served) = four_slowly();
    let mut run = world
        .command("apply m.yaml --yes --report r.jsonl --json-into j.json")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the executable");
    let mut plan = BufReader::new(run.stdout.take().expect("it is piped"));
    let mut line = String::new();
    plan.read_line(&mut line).expect("a line");
    drop(plan);
    run.wait().expect("an end");
    let json = world.json("j.json");
    assert_eq!(json["complete"], true, "{json}");
    assert_eq!(json["results"]["summary"]["applied"], 4, "{json}");
    assert_eq!(assigned(&world), 4);
}

/// A large file is saved once a second and at the end, when no answer can say that this failed.
#[test]
fn a_sandbox_that_cannot_be_saved_at_the_end_says_so() {
    let world = four();
    world.edit("tenant.json", |state| {
        state["configurationPolicies"][0]["description"] = json!("x".repeat(9 << 20));
    });
    let whole = world.read("tenant.json");
    let line = "apply m.yaml --yes --report r.jsonl --sandbox tenant.json";
    world.run(&format!("{line} --only P")).exits(0);
    // There is room for the first write, which is saved at once, and not for all.
    let blocks = world.read("tenant.json").len().div_ceil(512);
    world.write("tenant.json", &whole);
    // On a busy machine the run takes more than the second, and fails; that is said by then as well.
    world.prepared(&limited(blocks), line).says(&[
        "4 of 4 managed policies change",
        "error: failed to write sandbox file",
    ]);
}
