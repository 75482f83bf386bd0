//! `doctor --share` and `--record`: nothing of a tenant's own is in them, and no file of another is lost to them.

use serde_json::{Value, json};

use super::support::World;
use super::support::service::Served;
use super::support::tenant::{TENANT_ID, Tenant, filter_id, group_id, policy_id};
use assignctl::service::ASSUMPTIONS;

fn tenant() -> Tenant {
    Tenant::common().policy("P1", &["+A"])
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
        .policy("microsoft.graph.Qvxz", &[])
        .policy("#microsoft.graph.Qvxz", &[])
        .compliance("qvxz", &["allDevices"]);
    let mut hidden: Vec<String> = [
        "QVXZ",
        "qvxz",
        "Qvxz",
        "127.0.0.1",
        "a-token",
        "example.org",
    ]
    .map(str::to_owned)
    .to_vec();
    hidden.extend((1..=5).map(policy_id));
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
fn what_is_shared_holds_nothing_of_the_tenant() {
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

/// One file for two outputs would lose one of them, however it is spelled.
#[test]
fn no_two_outputs_are_one_file() {
    let mut world = World::with(&tenant(), &["name: P1, include: [{group: B}]"]);
    world.write("folder/kept.txt", "");
    let before = world.read("tenant.json");
    for (line, one, other) in [
        ("doctor --share x --record x", "--record", "--share"),
        (
            "doctor --try-writes P1 --yes --report x --record ./x",
            "--record",
            "--report",
        ),
        (
            "doctor --try-writes P1 --yes --report x --share folder/../x",
            "--report",
            "--share",
        ),
        ("plan m.yaml --out x --json-into x", "--json-into", "--out"),
        ("plan m.yaml --out x --record x", "--out", "--record"),
        (
            "apply m.yaml --yes --report x --json-into x",
            "--json-into",
            "--report",
        ),
        (
            "apply m.yaml --yes --report x --record x",
            "--record",
            "--report",
        ),
        (
            "apply m.yaml --yes --json-into x --record x",
            "--json-into",
            "--record",
        ),
        ("rollback r.jsonl --out x --record x", "--out", "--record"),
        ("export --out folder --record folder", "--out", "--record"),
        ("export --snapshot x --record x", "--record", "--snapshot"),
        ("whoami --json-into x --record x", "--json-into", "--record"),
        (
            "approvals --json-into x --record x",
            "--json-into",
            "--record",
        ),
        (
            "plan m.yaml --json-into tenant.json",
            "--json-into",
            "--sandbox",
        ),
    ] {
        world.sandbox(line).exits(64).says(&[
            &format!("`{one}` and `{other}` name the same file"),
            "hint: use another file; nothing was written",
        ]);
        assert!(!world.has("x"), "{line}");
        assert_eq!(world.read("tenant.json"), before, "{line}");
    }
    // So may variables, and a sandbox that does not exist yet.
    world.set("ASSIGNCTL_RECORD", "x");
    world.sandbox("plan m.yaml --out x").exits(64);
    world.set("ASSIGNCTL_RECORD", "");
    world.set("ASSIGNCTL_SANDBOX", "new.json");
    world.run("plan m.yaml --record new.json").exits(64);
    assert!(!world.has("new.json"));
    #[cfg(unix)]
    world
        .sandbox("plan m.yaml --out /dev/null --json-into /dev/null")
        .exits(0);
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
