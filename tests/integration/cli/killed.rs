//! `kill -9` at every write of a plan, with a real process and the emulator over HTTP: the report
//! can be read, `rollback` goes back, and running again ends in the planned state.

use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use serde_json::json;

use super::support::gate::{Gate, Moment};
use super::support::gated::{self, WHY, gated};
use super::support::service::Served;
use super::support::tenant::Tenant;
use super::support::{World, send_signal, wait_until};

/// Nine are written by the create route, the others by `assign`.
const POLICIES: usize = 12;

/// The first signal waits for the write that is in flight, here one that is never answered. The
/// second does not. Two kinds of signals, since two of one kind may arrive as one.
#[test]
fn a_second_signal_ends_a_run_at_once() {
    let (mut world, served, gate) = one_write_held();
    let run = world.spawn("apply m.yaml --yes --report r.jsonl");
    wait_until("a write", || gate.plan.writes.load(Ordering::SeqCst) == 1);
    let start = Instant::now();
    run.signal("INT");
    run.signal("TERM");
    run.wait().exits(130);
    // A write is given a minute.
    assert!(start.elapsed() < Duration::from_secs(30));
    let report = world.report("r.jsonl");
    assert_eq!(report.last().expect("a line")["event"], "sending");
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world
        .run("rollback r.jsonl")
        .exits(0)
        .says(&["Nothing to do"]);
}

/// F23: the kernel and the shell both say that a terminal is gone; no one is there to be in a hurry.
#[test]
fn f23_a_terminal_that_is_closed_hangs_up_more_than_once() {
    let (world, _served, gate) = one_write_held();
    let run = world.spawn_into("apply m.yaml --yes --report r.jsonl", "stderr.txt");
    wait_until("a write", || gate.plan.writes.load(Ordering::SeqCst) == 1);
    run.signal("HUP");
    wait_until("the first", || {
        world.read("stderr.txt").contains("interrupted:")
    });
    run.signal("HUP");
    gate.let_go();
    run.wait().exits(130);
    let report = world.report("r.jsonl");
    assert_eq!(report.last().expect("a line")["summary"]["applied"], 1);
    assert_eq!(world.rows("P"), ["+B"]);
}

/// F23: whoever starts a run with `nohup` wants it to survive the terminal.
#[cfg(target_os = "linux")]
#[test]
fn f23_a_run_under_nohup_goes_on() {
    let (world, _served, gate) = one_write_held();
    let mut command = std::process::Command::new("/bin/sh");
    let run = world.command("apply m.yaml --yes --report r.jsonl");
    command
        .args(["-c", "trap '' HUP; exec \"$0\" \"$@\""])
        .arg(run.get_program())
        .args(run.get_args())
        .current_dir(world.path("."))
        .env_clear()
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    for (name, value) in run.get_envs() {
        command.env(name, value.unwrap_or_default());
    }
    let mut child = command.spawn().expect("a shell");
    wait_until("a write", || gate.plan.writes.load(Ordering::SeqCst) == 1);
    send_signal(child.id(), "HUP");
    gate.let_go();
    assert_eq!(child.wait().expect("an end").code(), Some(0));
}

/// A policy to be written, and a gate that holds its write.
fn one_write_held() -> (World, Served, Gate) {
    let mut world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    );
    let served = Served::with_token(&mut world);
    let gate = Gate::before(served.authority());
    gate.hold_writes();
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    (world, served, gate)
}

/// A run that filed a request and was killed before it learned the code, behind a gate; and what was sent.
fn killed_while_filing() -> (World, Served, Gate, String) {
    let tenant = gated().policy("P", &[]);
    let mut world = World::with(&tenant, &["name: P, include: [group: A]"]);
    gated::set(&world, "listingDelay", json!(3600));
    let served = Served::with_token(&mut world);
    let gate = Gate::before(served.authority());
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    let line = format!("apply m.yaml --yes --justification {WHY} --report r.jsonl");
    let run = world.spawn(&line);
    gate.kill_at(1, Moment::AfterTheEffect, run.id());
    assert_eq!(run.wait().code, None);
    let last = world.report("r.jsonl").pop().expect("a line");
    assert_eq!(last["event"], "sending");
    let body = last["filing"]["body"].as_str().expect("a body").to_owned();
    (world, served, gate, body)
}

/// Approves what was filed, and resumes a report.
fn completed(world: &World, served: &Served, report: &str, body: &str) {
    let lines = world.report(report);
    let approval = lines.iter().find_map(|line| line.get("approval"));
    let approval = approval.expect("a code");
    assert_eq!(approval["body"], *body);
    let code = approval["code"].as_str().expect("a code");
    served.post(&format!("/sandbox/approvals/{code}/approve"), "");
    world
        .run(&format!("apply --resume {report} --yes"))
        .exits(0)
        .says(&["1 applied"]);
    assert_eq!(world.rows("P"), ["+A"]);
    assert_eq!(gated::requests(world).len(), 1);
}

/// Issue 17: a new request may be listed late, so that it is looked for again.
#[test]
fn killed_while_filing_a_run_resumes_before_its_request_is_listed() {
    let (world, served, gate, body) = killed_while_filing();
    let lists = gate.lists();
    let run = world.spawn("apply --resume r.jsonl --yes --report s.jsonl");
    wait_until("a list without it", || gate.lists() > lists);
    served.post("/sandbox/clock", r#"{"seconds": 3600}"#);
    run.wait().exits(8).says(&[
        "looking for 1 request for approval that may not be listed yet",
        "1 pending",
    ]);
    completed(&world, &served, "s.jsonl", &body);
}

/// Issue 17: what was looked for in vain is in the report of the run that looked, which finds it later.
#[test]
fn what_was_filed_and_is_never_listed_in_time_is_not_lost() {
    let (world, served, _gate, body) = killed_while_filing();
    // As if it was filed long ago.
    let report = world.read("r.jsonl");
    let (before, after) = report.split_once("\"sentAt\":\"20").expect("a time");
    world.write("r.jsonl", &format!("{before}\"sentAt\":\"19{after}"));
    for (from, to) in [("r", "s"), ("s", "t")] {
        world
            .run(&format!(
                "apply --resume {from}.jsonl --yes --report {to}.jsonl"
            ))
            .exits(6)
            .says(&["notFiled", "1 skipped"]);
    }
    world.run("approvals t.jsonl").exits(0).says(&[
        "configurationPolicy P: this write may have been filed for approval",
        "Approvals: no open request is known to be of this run.",
    ]);
    let json = world.run("approvals t.jsonl --format json").exits(0).json();
    assert_eq!(json["unknown"][0]["code"], "notFiled");
    served.post("/sandbox/clock", r#"{"seconds": 3600}"#);
    world
        .run("apply --resume t.jsonl --yes --report u.jsonl")
        .exits(8)
        .says(&["1 pending"]);
    completed(&world, &served, "u.jsonl", &body);
}

/// The emulator replaces a file of usual size before each answer.
#[test]
fn an_emulator_that_is_killed_loses_nothing_that_it_answered() {
    let mut world = World::with(
        &Tenant::common().policy("P", &["+A"]).policy("Q", &["+A"]),
        &["match: '*', include: [group: B]"],
    );
    let served = Served::with_token(&mut world);
    world
        .run("apply m.yaml --yes --allow removals --report r.jsonl")
        .exits(0);
    // Killed, not asked to end.
    drop(served);
    assert_eq!(world.rows("P"), ["+B"]);
    assert_eq!(world.rows("Q"), ["+B"]);
}

#[test]
fn killed_at_any_write_a_run_can_be_taken_back_and_run_again() {
    let boundaries = Mutex::new((1..=POLICIES).flat_map(|number| {
        [Moment::BeforeTheEffect, Moment::AfterTheEffect].map(|moment| (number, moment))
    }));
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let next = boundaries.lock().expect("no panic elsewhere").next();
                    let Some((number, moment)) = next else { return };
                    kill_at(number, moment);
                }
            });
        }
    });
}

fn kill_at(number: usize, moment: Moment) {
    let name = |index: usize| format!("P {index:02}");
    let mut tenant = Tenant::common();
    for index in 1..=POLICIES {
        tenant = tenant.policy(&name(index), &["+A"]);
    }
    // What is added one by one goes to the create route, the rest to `assign`.
    let world = &mut World::with(
        &tenant,
        &[
            "match: 'P 0*', include: [group: A, group: B]",
            "match: 'P *', except: ['P 0*'], include: [group: B]",
        ],
    );
    let planned = |index: usize| {
        if index < 10 {
            vec!["+A", "+B"]
        } else {
            vec!["+B"]
        }
    };
    let served = Served::with_token(world);
    let gate = Gate::before(served.authority());
    let direct = served.url.clone();

    // One at a time, so that the number of the write tells the policy.
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    let run = world.spawn("apply m.yaml --yes --allow removals --report r.jsonl --concurrency 1");
    gate.kill_at(number, moment, run.id());
    let ran = run.wait();
    assert_eq!(ran.code, None, "killed at {number} {moment:?}: {ran:?}");
    world.set("ASSIGNCTL_GRAPH_URL", &direct);

    let written = match moment {
        Moment::BeforeTheEffect => number - 1,
        Moment::AfterTheEffect => number,
    };
    let report = world.report("r.jsonl");
    let lines = |event: &str| report.iter().filter(|line| line["event"] == event).count();
    assert_eq!(lines("start"), 1);
    assert_eq!(lines("sending"), number, "each write is announced");
    assert_eq!(lines("policy"), number - 1, "each settled policy is there");
    assert_eq!(lines("end"), 0);
    let check = |expected: &dyn Fn(usize) -> Vec<&'static str>| {
        for index in 1..=POLICIES {
            assert_eq!(
                world.rows(&name(index)),
                expected(index),
                "{} at {number} {moment:?}",
                name(index)
            );
        }
    };
    check(&|index| {
        if index <= written {
            planned(index)
        } else {
            vec!["+A"]
        }
    });

    world
        .run("rollback r.jsonl --yes --allow removals --report back.jsonl")
        .exits(0);
    check(&|_| vec!["+A"]);

    world
        .run("apply m.yaml --yes --allow removals --report again.jsonl")
        .exits(0);
    check(&planned);
    world.run("plan m.yaml --detailed-exitcode").exits(0);
}
