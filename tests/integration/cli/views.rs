//! `--only`, `--exclude` and `--kind`: plans of a part, which say that they are.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, policy_mut};

/// Four managed policies that all change, and one that is not managed.
fn world() -> World {
    let tenant = Tenant::common()
        .policy("Win - A", &["+A"])
        .policy("Win - B", &["+A"])
        .policy("Mac - A", &["+A"])
        .policy("Other", &["+A"])
        .compliance("Win - C", &["+A"]);
    World::with(
        &tenant,
        &[
            "match: '* - *', include: [group: B]",
            "kind: compliancePolicy, match: '*', include: [group: B]",
        ],
    )
}

fn names(plan: &Value) -> Vec<&str> {
    let policies = plan["policies"].as_array().expect("a list");
    policies
        .iter()
        .map(|policy| policy["name"].as_str().expect("text"))
        .collect()
}

#[test]
fn options_narrow_a_plan() {
    let world = world();
    let plan = |flags: &str| {
        let line = format!("plan m.yaml --format json {flags}");
        world
            .command(&line)
            .args(["--no-progress", "--sandbox", "tenant.json"])
            .output()
            .map(|ran| serde_json::from_slice::<Value>(&ran.stdout).expect("JSON"))
            .expect("the executable")
    };
    assert_eq!(
        names(&plan("")),
        ["Mac - A", "Win - A", "Win - B", "Win - C"]
    );
    assert_eq!(plan("")["selection"], json!({"partial": false}));
    assert_eq!(
        names(&plan("--only Win*")),
        ["Win - A", "Win - B", "Win - C"]
    );
    assert_eq!(names(&plan("--only Win* --only Mac*")).len(), 4);
    assert_eq!(names(&plan("--exclude *A")), ["Win - B", "Win - C"]);
    assert_eq!(names(&plan("--kind compliancePolicy")), ["Win - C"]);
    let part = plan("--only Win* --exclude *B --kind configurationPolicy");
    assert_eq!(names(&part), ["Win - A"]);
    assert_eq!(
        part["selection"],
        json!({"partial": true, "only": ["Win*"], "exclude": ["*B"], "kinds": ["configurationPolicy"], "leftOut": 3})
    );
    assert_eq!(part["summary"]["policiesRead"], 5);
    assert_eq!(part["summary"]["managed"], 1);
    assert_eq!(part["summary"]["unmanaged"], 1);
    assert_eq!(part["summary"]["writes"], 1);
    assert_ne!(part["digest"], plan("")["digest"]);
    // A view that leaves nothing out is the whole plan.
    let whole = plan("--only *");
    assert_eq!(whole["digest"], plan("")["digest"]);
    assert_eq!(whole["selection"]["leftOut"], 0);
}

#[test]
fn every_format_says_that_it_is_partial() {
    let world = world();
    for command in ["plan", "drift", "apply --yes"] {
        for format in ["text", "markdown", "github"] {
            let world = self::world();
            let line = format!("{command} m.yaml --only Win* --format {format}");
            let ran = world.sandbox(&line);
            let said = ran.stdout.to_lowercase().replace("&#42;", "*");
            assert!(said.contains("partial view"), "{line}: {said}");
            assert!(said.contains("--only 'win*'"), "{line}: {said}");
            assert!(said.contains("excludes 1 managed policy"), "{line}: {said}");
        }
    }
    // Also where there is nothing to do, and where there is no plan.
    world.sandbox("apply m.yaml --only Win* --yes").exits(0);
    world.sandbox("drift m.yaml --only Win*").exits(0).says(&[
        "Partial view",
        "all 3 selected policies match the manifests",
    ]);
    world.manifest(&["name: Gone"]);
    let told = world
        .sandbox("plan m.yaml --only Win* --format json")
        .exits(3)
        .json();
    assert_eq!(told["selection"]["partial"], true);
}

#[test]
fn apply_writes_the_selected_policies_only() {
    let world = world();
    world.sandbox("apply m.yaml --yes --only Win*A").exits(0);
    assert_eq!(world.rows("Win - A"), ["+B"]);
    for other in ["Win - B", "Mac - A", "Other", "Win - C"] {
        assert_eq!(world.rows(other), ["+A"], "{other}");
    }
}

#[test]
fn a_partial_plan_is_saved_shown_and_applied_as_it_is() {
    let world = world();
    world
        .sandbox("plan m.yaml --only Win*A --out plan.json")
        .exits(0);
    assert_eq!(world.json("plan.json")["selection"]["partial"], true);
    world.run("show plan.json").exits(0).says(&[
        "Partial view",
        "--only 'Win*A'",
        "3 managed policies",
    ]);
    world
        .sandbox("apply plan.json --only Win*")
        .exits(64)
        .says(&["a saved plan is applied as it is"]);
    world
        .sandbox("apply plan.json")
        .exits(0)
        .says(&["Partial view", "1 applied"]);
    assert_eq!(world.rows("Win - B"), ["+A"]);
}

#[test]
fn a_view_of_a_saved_plan_is_to_look_at_only() {
    let world = world();
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    let digest = world.json("plan.json")["digest"].clone();
    let ran = world
        .run("show plan.json --only Mac* --format json --json-into part.json")
        .exits(0);
    let part = ran.json();
    assert_eq!(names(&part), ["Mac - A"]);
    assert_eq!(part["selection"]["partial"], true);
    assert_eq!(part["digest"], digest);
    world
        .run("show plan.json --only Mac*")
        .exits(0)
        .says(&["Partial view", "configurationPolicy Mac - A"])
        .says_nothing_of("Win - A")
        // The counts stay those of the whole plan, and say so.
        .says(&[
            "managed policies; the counts are those of the whole plan.",
            "managed policies change",
        ])
        .says_nothing_of("selected policies")
        .says_nothing_of("left out");
    let before = world.read("tenant.json");
    world.sandbox("apply part.json").exits(1).says(&["altered"]);
    assert_eq!(world.read("tenant.json"), before);
    world
        .run("show plan.json --only nothing")
        .exits(3)
        .says(&["`--only` leaves none of the plan's"]);
}

#[test]
fn a_selection_of_nothing_is_an_error_and_a_glob_without_effect_is_told_of() {
    let world = world();
    let before = world.read("tenant.json");
    for line in [
        "plan m.yaml --only win*",
        "drift m.yaml --exclude *",
        "apply m.yaml --yes --only Other",
    ] {
        world
            .sandbox(line)
            .exits(3)
            .says(&["error[nothing-selected]", "4 managed policies"]);
    }
    assert_eq!(world.read("tenant.json"), before);
    world
        .sandbox("plan m.yaml --only Win* --exclude Mac-A*")
        .exits(0)
        .says(&[
            "warning[selection-matches-nothing]: `--exclude 'Mac-A*'` matches no managed policy",
        ]);
    world
        .sandbox("plan m.yaml --only Win* --exclude Mac-A --strict")
        .exits(3);
    world
        .sandbox("plan m.yaml --kind app")
        .exits(64)
        .says(&["configurationPolicy, compliancePolicy"]);
}

#[test]
fn manifests_are_checked_as_a_whole_all_the_same() {
    let world = world();
    world.manifest(&[
        "name: Win - A, include: [group: B]",
        "name: Mac - A, include: [group: Typo]",
        "match: 'Lin*'",
    ]);
    world
        .sandbox("plan m.yaml --only Win*")
        .exits(3)
        .says(&["error[unknown-group]", "warning[match-selects-nothing]"]);
    // A `match` whose policies are all left out has selected something.
    world.manifest(&["match: 'Win*', include: [group: B]", "match: 'Mac*'"]);
    world
        .sandbox("plan m.yaml --only Win*")
        .exits(0)
        .says_nothing_of("match-selects-nothing");
}

#[test]
fn guards_judge_what_is_in_the_plan() {
    let world = world();
    world.manifest(&["match: 'Win*', include: [group: B]", "name: Mac - A"]);
    world.sandbox("plan m.yaml").exits(4).says(&["unassigned"]);
    world.sandbox("plan m.yaml --only Win*").exits(0);
    world.sandbox("plan m.yaml --only Mac*").exits(4);
    world
        .sandbox("plan m.yaml --only Win* --max-policies 1")
        .exits(4);
    world.edit("tenant.json", |state| {
        policy_mut(state, "Win - A")["assignments"] = json!([]);
    });
    world
        .sandbox("plan m.yaml --only Win*A --max-policies 1")
        .exits(0);
}
