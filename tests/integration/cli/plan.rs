//! `plan`, `drift` and `show`: what they say, in text and in JSON, and that they write nothing.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{TENANT_ID, Tenant, filter_id, group_id, nth_policy, policy_id};

/// A tenant and manifests in which everything happens once: an addition, a removal, an update, an
/// unchanged and an unmanaged policy.
fn small() -> World {
    let tenant = Tenant::common()
        .policy("Win - BitLocker", &["+A", "+B [include F]", "-C"])
        .policy("Same", &["allDevices [include F]"])
        .policy("Unmanaged", &["allUsers"])
        .compliance("Baseline", &[]);
    World::with(
        &tenant,
        &[
            "name: Win - BitLocker, include: [{group: B, filter: F, filterMode: exclude}, collection: MEM1], exclude: [group: C]",
            "name: Same, include: [{allDevices: true, filter: f}]",
            "kind: compliancePolicy, match: 'Base*', include: [group: a]",
        ],
    )
}

/// Takes out of a plan what differs from run to run.
fn without_time(plan: &str) -> String {
    let lines = plan
        .lines()
        .filter(|line| !line.starts_with("  \"createdAt\": \"20"));
    let kept: Vec<&str> = lines.collect();
    assert_eq!(kept.len() + 1, plan.lines().count());
    kept.join("\n")
}

#[test]
fn an_empty_tenant_has_nothing_to_select() {
    let world = World::with(&Tenant::new(), &["match: '*', include: [allDevices]"]);
    world
        .sandbox("plan m.yaml")
        .exits(3)
        .says(&["error[nothing-selected]"]);
}

#[test]
fn nothing_to_do() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .matches("plan/nothing_to_do");
    world.sandbox("plan m.yaml --detailed-exitcode").exits(0);
    world.sandbox("drift m.yaml").exits(0);
}

#[test]
fn changes() {
    let world = small();
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .matches("plan/changes");
    world
        .sandbox("plan m.yaml --all")
        .exits(0)
        .matches("plan/all");
    world
        .sandbox("plan m.yaml --summary")
        .exits(0)
        .matches("plan/summary");
    world
        .sandbox("plan m.yaml --summary --all")
        .exits(0)
        .says(&["+0 -0 ~0  configurationPolicy Same"]);
    world
        .sandbox("plan m.yaml --diff")
        .exits(0)
        .matches("plan/diff");
}

#[test]
fn detailed_exit_codes() {
    let world = small();
    world.sandbox("plan m.yaml").exits(0);
    world.sandbox("plan m.yaml --detailed-exitcode").exits(2);
    world.sandbox("drift m.yaml").exits(2);
}

#[test]
fn nothing_is_written() {
    let world = small();
    let before = world.read("tenant.json");
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world.sandbox("drift m.yaml").exits(2);
    world.run("show plan.json").exits(0);
    assert_eq!(world.read("tenant.json"), before);
    assert!(!world.has(".assignctl"));
}

#[test]
fn json_has_the_shape_of_the_contract() {
    let world = small();
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    let group =
        |number: usize, name: &str| json!({"type": "group", "id": group_id(number), "name": name});
    let row = |target: Value, filter: Value, source_id: Value| json!({"target": target, "filter": filter, "source": "direct", "sourceId": source_id});
    let filter = |mode: &str| json!({"id": filter_id(1), "name": "F", "mode": mode});
    let keys: Vec<&str> = plan
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    for key in [
        "formatVersion",
        "tool",
        "createdAt",
        "tenantId",
        "graphUrl",
        "selection",
        "complete",
        "summary",
        "guards",
        "policies",
        "diagnostics",
        "digest",
    ] {
        assert!(keys.contains(&key), "{key} is not in {keys:?}");
    }
    assert_eq!(plan["formatVersion"], "1.0");
    assert_eq!(
        plan["tool"],
        concat!("assignctl ", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(plan["tenantId"], TENANT_ID);
    assert!(plan["graphUrl"].is_string());
    assert_eq!(plan["selection"]["partial"], false);
    assert_eq!(plan["complete"], true);
    assert_eq!(
        plan["summary"],
        json!({"policiesRead": 4, "managed": 3, "changed": 2, "unchanged": 1, "unmanaged": 1,
               "add": 2, "remove": 1, "update": 1, "writes": 2})
    );
    assert_eq!(
        plan["guards"][0],
        json!({"name": "removals", "limit": "25%", "observed": "1 of 4", "tripped": false, "accepted": false})
    );
    assert_eq!(plan["diagnostics"], json!([]));

    let policies = plan["policies"].as_array().expect("a list");
    assert_eq!(policies.len(), 2);
    let baseline = policies
        .iter()
        .find(|policy| policy["name"] == "Baseline")
        .expect("it changes");
    assert_eq!(baseline["kind"], "compliancePolicy");
    assert_eq!(baseline["id"], policy_id(4));
    assert_eq!(baseline["mode"], "exact");
    assert_eq!(
        baseline["manifest"],
        json!([{"path": "m.yaml", "line": 5, "column": 4}])
    );
    assert_eq!(baseline["before"], json!([]));
    let added = row(group(1, "A"), Value::Null, Value::Null);
    let source_id = baseline["after"][0]["sourceId"].clone();
    assert_eq!(
        baseline["after"],
        json!([row(group(1, "A"), Value::Null, source_id.clone())])
    );
    assert_eq!(source_id, Value::Null, "{added}");
    assert_eq!(
        baseline["changes"],
        json!([{"action": "add", "before": null, "after": added}])
    );
    assert_eq!(
        baseline["writes"],
        json!([{"call": "create", "method": "POST",
                "path": format!("/deviceManagement/compliancePolicies/{}/assignments", policy_id(4))}])
    );

    let bitlocker = policies
        .iter()
        .find(|policy| policy["name"] == "Win - BitLocker")
        .expect("it changes");
    let actions: Vec<&Value> = bitlocker["changes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| &change["action"])
        .collect();
    assert_eq!(actions.len(), 3, "{actions:?}");
    let change = |action: &str| {
        let changes = bitlocker["changes"].as_array().expect("a list");
        changes
            .iter()
            .find(|change| change["action"] == action)
            .expect("a change")
    };
    assert_eq!(change("add")["before"], Value::Null);
    assert_eq!(change("add")["after"]["target"]["type"], "collection");
    assert_eq!(change("add")["after"]["target"]["id"], "MEM1");
    assert_eq!(change("remove")["before"]["target"], group(1, "A"));
    assert_eq!(change("remove")["after"], Value::Null);
    assert_eq!(change("update")["before"]["filter"], filter("include"));
    assert_eq!(change("update")["after"]["filter"], filter("exclude"));
    assert_eq!(change("update")["after"]["target"], group(2, "B"));
    assert_eq!(
        bitlocker["writes"],
        json!([{"call": "assign", "method": "POST",
                "path": format!("/deviceManagement/configurationPolicies/{}/assign", policy_id(1))}])
    );

    let all = world
        .sandbox("plan m.yaml --format json --all")
        .exits(0)
        .json();
    assert_eq!(all["policies"].as_array().map(Vec::len), Some(3));
    let same = all["policies"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|policy| policy["name"] == "Same")
        .expect("it is shown");
    assert_eq!(same["changes"], json!([]));
    assert_eq!(same["writes"], json!([]));
    // Broad targets have neither id nor name.
    assert_eq!(same["after"][0]["target"], json!({"type": "allDevices"}));
    assert_eq!(all["digest"], plan["digest"]);
}

#[test]
fn equal_input_gives_equal_bytes() {
    let world = small();
    let first = world
        .sandbox("plan m.yaml --format json --out a.json")
        .exits(0);
    let second = world
        .sandbox("plan m.yaml --format json --out b.json")
        .exits(0);
    assert_eq!(without_time(&first.stdout), without_time(&second.stdout));
    assert_eq!(
        without_time(&world.read("a.json")),
        without_time(&world.read("b.json"))
    );
    assert_eq!(first.stdout, world.read("a.json"));
    let digest = first.json()["digest"].as_str().expect("text").to_owned();
    assert_eq!(digest.len(), "sha256:".len() + 64);
    // The order of entries and rows does not matter.
    let text = world.read("m.yaml");
    let (head, entries) = text.split_at("version: 1\npolicies:\n".len());
    let mut entries: Vec<&str> = entries.lines().collect();
    entries.reverse();
    world.write("m.yaml", &format!("{head}{}\n", entries.join("\n")));
    world.edit("tenant.json", |state| {
        let rows = &mut nth_policy(state, 0)["assignments"];
        rows.as_array_mut().expect("a list").reverse();
    });
    assert_eq!(
        world.sandbox("plan m.yaml --format json").exits(0).json()["digest"],
        digest
    );
}

#[test]
fn a_saved_plan_is_shown_as_it_was_printed() {
    let world = small();
    let printed = world.sandbox("plan m.yaml --out plan.json").exits(0);
    let json = world.read("plan.json");
    // Even when the tenant and the manifests are gone.
    std::fs::remove_file(world.path("tenant.json")).expect("it is there");
    std::fs::remove_file(world.path("m.yaml")).expect("it is there");
    assert_eq!(world.run("show plan.json").exits(0).stdout, printed.stdout);
    assert_eq!(
        world.run("show plan.json --format json").exits(0).stdout,
        json
    );
    world.run("show plan.json --diff").exits(0).says(&["@@ "]);
    world
        .run("show plan.json --summary")
        .exits(0)
        .says(&["+1 -1 ~1  configurationPolicy Win - BitLocker"]);
    world.run("show gone.json").exits(1).says(&["gone.json"]);
}

/// Names that break things: quotes, markup, emoji, escapes, line ends, direction marks.
const ODD: [&str; 3] = [
    "P \"quoted\" 'n' \\ <b>|`*` 👩‍💻",
    "\u{1b}[31mred\u{1b}]0;title\u{7}",
    "line\nend\r\t\u{202e}gnp.exe\u{0}",
];

#[test]
fn names_are_clean_in_text_and_verbatim_in_json() {
    let tenant = Tenant::new()
        .group(ODD[1])
        .group("G\u{9b}2J")
        .filter(ODD[2], "windows10AndLater")
        .policy(ODD[0], &["+G\u{9b}2J"])
        .policy(ODD[1], &[&format!("+{} [include {}]", ODD[1], ODD[2])])
        .policy(ODD[2], &["allDevices"]);
    let world = World::with(&tenant, &["match: '*', include: [collection: c]"]);
    for line in [
        "plan m.yaml",
        "plan m.yaml --diff",
        "plan m.yaml --summary --all",
        "plan m.yaml --allow unassigned --color always",
    ] {
        let ran = world.sandbox(line).exits(0);
        let text = ran.stdout.replace("\u{1b}[", "");
        for character in text.chars().chain(ran.stderr.chars()) {
            let allowed = !character.is_control() || character == '\n';
            assert!(
                allowed && character != '\u{202e}',
                "{line}: {character:?} in {text:?}"
            );
        }
        if !line.contains("color") {
            assert!(!ran.stdout.contains('\u{1b}'));
        }
    }
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .matches("plan/odd_names");
    let plan = world.sandbox("plan m.yaml --format json").exits(0).json();
    let policies = plan["policies"].as_array().expect("a list");
    for name in ODD {
        assert!(
            policies.iter().any(|policy| policy["name"] == name),
            "{name:?}"
        );
    }
    let red = policies
        .iter()
        .find(|policy| policy["name"] == ODD[1])
        .expect("it changes");
    assert_eq!(red["before"][0]["target"]["name"], ODD[1]);
    assert_eq!(red["before"][0]["filter"]["name"], ODD[2]);
}

#[test]
fn drift_and_plan_look_at_several_paths_and_at_folders() {
    let world = small();
    let text = world.read("m.yaml");
    world.write("m/sub/x.yml", &text);
    world.write("m/.hidden/y.yaml", "no: manifest");
    world.write("more.yaml", "version: 1\npolicies:\n- {kind: configurationPolicy, name: Unmanaged, include: [allUsers]}\n");
    world
        .sandbox("drift m more.yaml")
        .exits(2)
        .says(&["m/sub/x.yml:3", "of 4 managed"]);
    world.sandbox("drift more.yaml").exits(0);
}

#[test]
fn a_tenant_copied_from_the_services_answers_is_planned() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A, group: B]"]);
    world.edit("tenant.json", |tenant| {
        tenant["service"]["expandLimit"] = json!(1);
        let policy = &mut tenant["configurationPolicies"][0];
        policy["@odata.context"] = json!("https://graph.microsoft.com/beta/$metadata#x");
        policy["assignments@odata.nextLink"] = json!(null);
        // One value that is large among many that are not.
        let mut settings = vec![json!(0); 20_000];
        settings[0] = json!("d".repeat(200_000));
        policy["settings"] = json!(settings);
    });
    world.sandbox("apply m.yaml --yes").exits(0);
    let line = "plan m.yaml --detailed-exitcode";
    world.sandbox(line).exits(0).says(&["Nothing to do"]);
}
