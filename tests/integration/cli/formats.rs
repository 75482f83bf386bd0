//! Markdown, annotations and JSON: what they say of plans, results and failures.

use serde_json::{Value, json};

use super::support::readers::{annotations, read};
use super::support::tenant::{TENANT_ID, Tenant, policy_mut};
use super::support::{Ran, World};

/// A tenant and manifests in which a bit of everything happens.
fn small() -> World {
    let tenant = Tenant::common()
        .policy("Win - BitLocker", &["+A", "+B [include F]", "-C"])
        .policy("Same", &["allDevices [include F]"])
        .policy("Unmanaged", &["allUsers"])
        .compliance("Baseline", &["+A"]);
    World::with(
        &tenant,
        &[
            "name: Win - BitLocker, include: [{group: B, filter: F, filterMode: exclude}, collection: MEM1], exclude: [group: C]",
            "name: Same, include: [{allDevices: true, filter: f}]",
            "kind: compliancePolicy, match: 'Base*'",
            "match: 'Old*'",
        ],
    )
}

#[test]
fn a_plan_as_a_comment_and_as_annotations() {
    let world = small();
    world
        .sandbox("plan m.yaml --format markdown")
        .exits(4)
        .matches("formats/plan_markdown");
    world
        .sandbox("plan m.yaml --format github")
        .exits(4)
        .matches("formats/plan_github");
    // Details can be asked for and done without.
    let ran = world.sandbox("plan m.yaml --format markdown --summary --all --allow unassigned");
    ran.exits(0)
        .says(&["<code>Same</code>", "Guard `unassigned` accepted"])
        .says_nothing_of("```diff");
}

#[test]
fn nothing_to_do() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: A]"],
    );
    for format in ["markdown", "github"] {
        for line in ["plan m.yaml", "drift m.yaml", "apply m.yaml"] {
            let told = world
                .sandbox(&format!("{line} --format {format}"))
                .exits(0)
                .says(&[
                    "nothing to do, 1 managed policy matches the manifests",
                    TENANT_ID,
                ]);
            // It is of use only where `apply --reviewed` looks for it.
            let has_digest = told.stdout.to_lowercase().contains("digest");
            let is_needed = format == "markdown" && line == "plan m.yaml";
            assert_eq!(has_digest, is_needed, "{line} {format}");
        }
    }
}

#[test]
fn what_became_of_a_plan() {
    let world = small();
    world.edit("tenant.json", |state| {
        state["service"]["refuseMissingGroups"] = json!(true);
    });
    let flags = "--yes --allow unassigned --allow removals";
    world
        .sandbox(&format!("apply m.yaml {flags} --format markdown"))
        .exits(0)
        .matches("formats/applied_markdown");
    let world = small();
    world
        .sandbox(&format!("apply m.yaml {flags} --format github"))
        .exits(0)
        .says(&["::notice title=assignctl apply::", "2 applied"]);
}

#[test]
fn errors_show_in_every_format() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: D]", "name: Q"],
    );
    for command in ["plan", "drift", "apply"] {
        let run = |format: &str| {
            let line = format!("{command} m.yaml --format {format} --json-into told.json");
            world.sandbox(&line).exits(3)
        };
        let check = |ran: &Ran, told: &Value| {
            assert_eq!(told["complete"], false, "{}", ran.stdout);
            assert_eq!(told["error"]["exitCode"], 3);
            assert_eq!(told["digest"], Value::Null);
            let diagnostics = told["diagnostics"].as_array().expect("a list");
            assert_eq!(diagnostics.len(), 2);
            assert_eq!(diagnostics[0]["severity"], "error");
            assert_eq!(diagnostics[0]["code"], "unknown-group");
            assert_eq!(diagnostics[0]["line"], 3);
            assert_eq!(diagnostics[1]["code"], "unknown-policy");
        };
        let ran = run("json");
        check(&ran, &ran.json());
        check(&ran, &world.json("told.json"));
        let ran = run("markdown");
        let seen = read(&ran.stdout);
        assert_eq!(
            seen.headings,
            [format!("assignctl {command}: failed, 2 errors")]
        );
        assert!(seen.fences[0].1.contains("3 | - {kind"), "{seen:?}");
        let told = annotations(&run("github").stdout);
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].line.as_deref(), Some("4"));
        assert!(told[1].title.contains("unknown-policy"));
        assert_eq!(run("text").stdout, "");
        check(&ran, &world.json("told.json"));
    }
    // What is no plan can't be applied.
    world
        .sandbox("apply told.json")
        .exits(1)
        .says(&["incomplete"]);
    world
        .sandbox("plan gone.yaml --format markdown")
        .exits(3)
        .says(&["<!-- assignctl plan -->", "1 error"]);
}

#[test]
fn other_failures_show_in_every_format() {
    let mut world = small();
    world.set("ASSIGNCTL_GRAPH_URL", "http://127.0.0.1:9/beta");
    // Nothing is configured to sign in with.
    for (format, part) in [
        ("json", "\"exitCode\": 7"),
        ("markdown", "**Error:** <code>"),
        ("github", "::error title=assignctl plan::"),
    ] {
        world
            .run(&format!("plan m.yaml --format {format}"))
            .exits(7)
            .says(&[part]);
    }
    // A saved plan that went stale tells of itself and of why.
    let flags = "--allow unassigned";
    world
        .sandbox(&format!("plan m.yaml --out plan.json {flags}"))
        .exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "Baseline")["assignments"] = json!([]);
    });
    world.edit("tenant.json", |state| {
        policy_mut(state, "Win - BitLocker")["assignments"] = json!([]);
    });
    world
        .sandbox("apply plan.json --format markdown")
        .exits(5)
        .says(&[
            "**Error:** <code>the live state has changed",
            "1 stale, 1 skipped",
        ]);
    world
        .sandbox("apply plan.json --format github")
        .exits(5)
        .says(&["::error title=assignctl apply::the live state has changed"]);
    let told = world
        .sandbox("apply plan.json --format json")
        .exits(5)
        .json();
    assert_eq!(told["error"]["exitCode"], 5);
    assert_eq!(told["results"]["exitCode"], 5);
}

#[test]
fn a_comment_keeps_to_its_size() {
    let mut tenant = Tenant::common();
    let mut entries = Vec::new();
    for number in 0..40 {
        let name = format!("Policy {number} {}", "|".repeat(30));
        tenant = tenant.policy(&name, &[]);
        entries.push(format!(
            "name: '{name}', include: [collection: MEM{number:05}]"
        ));
    }
    entries.push("match: Z".to_owned());
    let entries: Vec<&str> = entries.iter().map(String::as_str).collect();
    let world = World::with(&tenant, &entries);
    let full = world.sandbox("plan m.yaml --format markdown").exits(0);
    assert!(full.stdout.len() < 60_000);
    full.says_nothing_of("Left out");
    let mut last = 0;
    for bytes in [1_000, 1_500, 2_000, 3_000, 3_500] {
        let ran = world.sandbox(&format!(
            "plan m.yaml --format markdown --max-bytes {bytes}"
        ));
        let ran = ran.exits(0).says(&[
            "<!-- assignctl plan -->\n",
            "### assignctl plan: 40 of 40 managed policies change",
            &format!("**Left out** to fit into {bytes} bytes: "),
            "1 of 1 warnings",
            "Digest: `sha256:",
        ]);
        assert!(ran.stdout.len() <= bytes, "{} of {bytes}", ran.stdout.len());
        assert!(ran.stdout.len() > last);
        last = ran.stdout.len();
        read(&ran.stdout);
    }
    world
        .sandbox("plan m.yaml --format markdown --max-bytes 999")
        .exits(64)
        .says(&["at least 1000"]);
}

#[test]
fn a_policy_with_many_changes_takes_no_others_with_it() {
    let mut tenant = Tenant::common();
    for policy in ["Large", "Small", "Tiny"] {
        tenant = tenant.policy(policy, &[]);
    }
    let many: Vec<String> = (0..200)
        .map(|number| format!("collection: MEM{number:05}"))
        .collect();
    let world = World::with(
        &tenant,
        &[
            &format!("name: Large, include: [{}]", many.join(", ")),
            "name: Small, include: [group: A]",
            "name: Tiny, include: [group: B]",
        ],
    );
    let told = world
        .sandbox("plan m.yaml --format markdown --max-bytes 2000")
        .exits(0)
        .says(&[
            "+ group A",
            "+ group B",
            "**Left out** to fit into 2000 bytes: 1 of 3 changes (<code>Large</code>).",
        ]);
    assert!(told.stdout.len() <= 2_000);
    told.says_nothing_of("MEM00000");
}

#[test]
fn a_saved_plan_in_every_format() {
    let world = small();
    let flags = "--allow unassigned";
    let planned = world
        .sandbox(&format!(
            "plan m.yaml --out plan.json {flags} --format markdown"
        ))
        .exits(0);
    let shown = world.run("show plan.json --format markdown").exits(0);
    // But for how its warning is drawn: the manifest may be elsewhere.
    let head = |text: &str| {
        text.split("<details><summary>1 warning")
            .next()
            .map(str::to_owned)
    };
    assert_eq!(head(&shown.stdout), head(&planned.stdout));
    read(&shown.stdout);
    let told = annotations(&world.run("show plan.json --format github").exits(0).stdout);
    assert!(
        told.iter()
            .any(|told| told.level == "warning" && told.title.contains("match-selects-nothing"))
    );
    assert!(
        told.iter()
            .any(|told| told.title.contains("guard unassigned accepted"))
    );
}

#[test]
fn a_validation_in_every_format() {
    let world = World::empty();
    world.manifest(&["name: P, include: [group: A]"]);
    for format in ["markdown", "github"] {
        world
            .run(&format!("validate m.yaml --format {format}"))
            .exits(0)
            .says(&["Valid: 1 entry in 1 file."]);
    }
    world.manifest(&["nme: P, include: [group: A], exclude: [group: a]"]);
    let seen = read(
        &world
            .run("validate m.yaml --format markdown")
            .exits(3)
            .stdout,
    );
    assert!(
        seen.headings[0].contains("Invalid: 2 errors in 1 file"),
        "{seen:?}"
    );
    let told = annotations(&world.run("validate m.yaml --format github").exits(3).stdout);
    assert_eq!(told[0].file.as_deref(), Some("m.yaml"));
    assert!(
        told.iter().any(|told| told.message.contains("\nhint: ")),
        "{told:?}"
    );
    let told = world.run("validate m.yaml --format json").exits(3).json();
    assert_eq!(told["valid"], false);
}

#[test]
fn a_result_is_never_written_over_what_was_read() {
    let world = small();
    for (line, name) in [
        ("plan m.yaml --json-into m.yaml", "m.yaml"),
        ("drift m.yaml --json-into tenant.json", "tenant.json"),
        ("validate m.yaml --json-into m.yaml", "m.yaml"),
        ("show plan.json --json-into plan.json", "plan.json"),
        ("plan m.yaml --config m.yaml --json-into m.yaml", "m.yaml"),
    ] {
        world.write("plan.json", "{}");
        let before = world.read(name);
        let ran = world.sandbox(line);
        assert!([Some(64), Some(1)].contains(&ran.code), "{ran:?}");
        assert_eq!(world.read(name), before, "{line}");
    }
}
