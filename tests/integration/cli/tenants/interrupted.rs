//! Progress of runs for several tenants, and their end by a signal.

use std::sync::atomic::Ordering;

use super::{msp, rows};
use crate::cli::support::gate::Gate;
use crate::cli::support::service::Served;
use crate::cli::support::wait_until;

/// Without a terminal: one line as each tenant finishes, and nothing about single policies.
#[test]
fn progress_has_a_line_a_tenant() {
    let world = msp();
    let ran = world
        .run("apply m.yaml --all-tenants --sandbox tenants --yes")
        .exits(0)
        .says(&["/2] fabrikam: ", "/2] contoso: ", "[2/2]", " applied"]);
    ran.says_nothing_of("applied configurationPolicy");
    let quiet = world
        .run("drift m.yaml --all-tenants --sandbox tenants --no-progress")
        .exits(0);
    quiet.says_nothing_of("[1/2]");
}

/// Ctrl-C while two of three tenants have a write in flight: these are finished and read back, no other is
/// sent, and every tenant has a report that says how far it came.
#[test]
fn an_interrupt_ends_every_tenant_in_order() {
    const ADATUM: &str = "31111111-2222-4333-8444-555555555555";
    let mut world = msp();
    let manifest = world.read("m.yaml");
    let adatum = format!("tenants:\n  adatum: {{tenantId: {ADATUM}}}\n");
    world.write("m.yaml", &manifest.replace("tenants:\n", &adatum));
    world.write("tenants/adatum.json", &world.read("tenant.json"));
    world.edit("tenants/adatum.json", |tenant| {
        tenant["tenantId"] = ADATUM.into();
    });
    let states =
        ["adatum", "contoso", "fabrikam"].map(|name| format!("--state tenants/{name}.json"));
    let line = format!("sandbox {} --listen 127.0.0.1:0", states.join(" "));
    let served = Served::of(&world, &line);
    let gate = Gate::before(served.authority());
    gate.hold_writes();
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_CLIENT_ID", "71111111-2222-4333-8444-555555555555");
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    let run = world.spawn_into(
        "apply m.yaml --all-tenants --yes --parallel-tenants 2 --concurrency 1 --report reports",
        "stderr.txt",
    );
    wait_until("a write in each of two tenants", || {
        gate.plan.writes.load(Ordering::SeqCst) == 2
    });
    run.signal("INT");
    wait_until("what is said of it", || {
        let said = world.read("stderr.txt");
        said.contains("interrupted: 3 of 3 tenants not done; nothing further is started")
    });
    gate.let_go();
    let ran = run.wait().exits(130);
    let said = world.read("stderr.txt");
    assert!(
        said.contains("fabrikam: interrupted before it was started"),
        "{said}"
    );
    assert!(ran.stdout.contains("fabrikam  exit 130"), "{}", ran.stdout);
    for (tenant, applied) in [("adatum", 1), ("contoso", 1), ("fabrikam", 0)] {
        let report = world.report(&format!("reports/{tenant}.report.jsonl"));
        let end = report.last().expect("an end");
        assert_eq!(end["event"], "end", "{tenant}");
        assert_eq!(end["exitCode"], 130, "{tenant}");
        assert_eq!(end["summary"]["applied"], applied, "{tenant}: {end}");
        let is_open = |line: &&serde_json::Value| line["event"] == "sending";
        assert_eq!(report.iter().filter(is_open).count(), applied, "{tenant}");
    }
    assert_eq!(rows(&world, "adatum", "Win - A"), ["+SG-Pilot"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    for policy in ["Win - Kiosk 1", "macOS - A"] {
        assert_eq!(rows(&world, "contoso", policy), ["allUsers"]);
    }
    // Run again, it ends as planned.
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.run("apply m.yaml --all-tenants --yes").exits(0);
    world.run("drift m.yaml --all-tenants").exits(0);
}

/// A shard that is killed must not leave the result of last night for its own.
#[test]
fn a_shard_that_is_killed_has_no_result() {
    let mut world = msp();
    let states = ["contoso", "fabrikam"].map(|name| format!("--state tenants/{name}.json"));
    let line = format!("sandbox {} --listen 127.0.0.1:0", states.join(" "));
    let served = Served::of(&world, &line);
    let gate = Gate::before(served.authority());
    world.set("ASSIGNCTL_GRAPH_URL", &gate.url());
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_CLIENT_ID", "71111111-2222-4333-8444-555555555555");
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    for index in [1, 2] {
        world
            .run(&format!(
                "plan m.yaml --all-tenants --shard {index}/2 --json-into r/{index}.json"
            ))
            .exits(0);
    }
    world.run("tenants merge r").exits(0);
    gate.hold_writes();
    let run = world.spawn("apply m.yaml --all-tenants --yes --shard 1/2 --json-into r/1.json");
    wait_until("a write", || gate.plan.writes.load(Ordering::SeqCst) > 0);
    run.signal("KILL");
    run.wait();
    gate.let_go();
    assert!(!world.has("r/1.json"));
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["lacks the results of 1 of 2 shards: 1"]);
}
