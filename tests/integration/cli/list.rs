//! Issue 15, `list`: who gets a policy, and what a group, a user or a device gets.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, filter_id, group_id, policy_id};

const USER: &str = "dddddddd-0000-4000-8000-000000000001";
const DEVICE: &str = "dddddddd-0000-4000-8000-000000000002";
const TWIN: &str = "dddddddd-0000-4000-8000-000000000003";

/// `Ada` and `PC-1` are in `A`, which is in `B`; no one is in `C`.
fn world() -> World {
    let tenant = Tenant::common()
        .policy("Own", &["+A"])
        .policy("Parent", &["+B [include F]", "-C"])
        .policy("Everybody", &["allUsers", "allDevices", "-A"])
        .policy("Other", &["+C"])
        .policy("Nobody", &[])
        .compliance("Only excludes", &["-A"]);
    let world = World::new(&tenant);
    world.edit("tenant.json", |state| {
        state["users"] = json!([{"id": USER, "userPrincipalName": "Ada@example.com"}]);
        state["devices"] = json!([
            {"id": DEVICE, "displayName": "PC-1"},
            {"id": TWIN, "displayName": "PC-2"},
            {"id": "dddddddd-0000-4000-8000-000000000004", "displayName": "PC-2"},
        ]);
        state["groups"][0]["members"] = json!([USER, DEVICE]);
        state["groups"][1]["members"] = json!([group_id(1)]);
    });
    world
}

/// Says rows as `policy target`, with `!` where they are excluded.
fn said(result: &Value) -> Vec<String> {
    let rows = result["assignments"].as_array().expect("a list").iter();
    let rows = rows.map(|row| {
        let target = &row["assignment"]["target"];
        let whom = target["name"].as_str().or(target["type"].as_str());
        let excluded = if row["excludedBy"] == json!([]) {
            ""
        } else {
            "!"
        };
        let name = row["name"].as_str().expect("a name");
        format!("{name} {}{excluded}", whom.unwrap_or("-"))
    });
    rows.collect()
}

fn list(world: &World, options: &str) -> Vec<String> {
    let ran = world.sandbox(&format!("list --format json {options}"));
    said(&ran.exits(0).json())
}

#[test]
fn everything_in_every_format() {
    let world = world();
    world.sandbox("list").exits(0).matches("list/text");
    world
        .sandbox("list --format markdown")
        .exits(0)
        .matches("list/markdown");
    world
        .sandbox("list --format csv")
        .exits(0)
        .matches("list/csv");
    world
        .sandbox("list --format json --policy Parent --json-into copy.json")
        .exits(0)
        .matches("list/json");
    assert_eq!(
        world.json("copy.json")["assignments"][0]["id"],
        policy_id(2)
    );
    let page = world.sandbox("list --format html").exits(0).stdout;
    assert!(page.starts_with("<!doctype html>") && page.contains("Everybody"));
    world
        .sandbox("list --format github")
        .exits(64)
        .says(&["no places to annotate"]);
    world
        .sandbox("plan --format html")
        .exits(64)
        .says(&["only `list`"]);
}

#[test]
fn what_a_group_a_user_and_a_device_get() {
    let world = world();
    assert_eq!(
        list(&world, "--group a"),
        ["Everybody A", "Own A", "Only excludes A"]
    );
    assert_eq!(
        list(&world, "--group A --effective"),
        [
            "Everybody allDevices!",
            "Everybody allUsers!",
            "Everybody A",
            "Own A",
            "Parent B",
            "Only excludes A",
        ]
    );
    for format in ["text", "markdown", "html"] {
        world
            .sandbox(&format!("list --group A --effective --format {format}"))
            .exits(0)
            .says(&[
                "allDevices (devices of the group only)",
                "allUsers (users of the group only)",
            ]);
    }
    assert_eq!(
        list(&world, "--user ada@example.com"),
        ["Everybody allUsers!", "Own A", "Parent B"]
    );
    for device in ["pc-1", DEVICE] {
        assert_eq!(
            list(&world, &format!("--device {device}")),
            ["Everybody allDevices!", "Own A", "Parent B"]
        );
    }
    let of_user = world.sandbox("list --user Ada@example.com --format json");
    let of_user = of_user.exits(0).json();
    assert_eq!(
        of_user["subject"],
        json!({"type": "user", "id": USER, "name": "Ada@example.com"})
    );
    assert_eq!(of_user["complete"], true);
    let [everybody, own, _] = of_user["assignments"].as_array().expect("rows").as_slice() else {
        panic!("{of_user}");
    };
    let group = json!({"id": group_id(1), "name": "A"});
    assert_eq!(everybody["via"], json!(["allUsers"]));
    assert_eq!(everybody["excludedBy"], json!([group]));
    assert_eq!(own["via"], json!([group]));
    world
        .sandbox("list --user Ada@example.com")
        .exits(0)
        .matches("list/user");
}

#[test]
fn narrowed_by_policy_kind_and_filter() {
    let world = world();
    assert_eq!(
        list(&world, "--policy O*"),
        ["Other C", "Own A", "Only excludes A"]
    );
    assert_eq!(
        list(&world, "--policy O* --kind configurationPolicy"),
        ["Other C", "Own A"]
    );
    for filter in ["f", &filter_id(1)] {
        assert_eq!(list(&world, &format!("--filter {filter}")), ["Parent B"]);
    }
    assert_eq!(
        list(&world, "--unassigned"),
        ["Nobody -", "Only excludes A"]
    );
    let ran = world
        .sandbox("list --unassigned --format json")
        .exits(0)
        .json();
    assert_eq!(ran["assignments"][0]["assignment"], json!(null));
    assert_eq!(ran["unassigned"], 2);
    world
        .sandbox("list --unassigned")
        .says(&["2 policies reach no one"]);
    // It is said of what was looked at, not of the tenant.
    for line in ["--unassigned --policy O*", "--group A --policy Nobody"] {
        let ran = world.sandbox(&format!("list {line}")).exits(0);
        ran.says(&["; narrowed by --policy"]);
    }
    world
        .sandbox("list --unassigned --only Ow*")
        .exits(0)
        .says(&["every policy of this view reaches someone; partial view: --only 'Ow*'"]);
    // So also where something is found.
    let ran = world.sandbox("list --policy O*").exits(0);
    ran.says(&["; narrowed by --policy"]);
    world.manifest(&["match: \"*\", include: []"]);
    world
        .sandbox("list --unassigned --unmanaged m.yaml")
        .exits(0)
        .says(&["1 policy reaches no one; narrowed by --unmanaged"]);
}

#[test]
fn policies_that_no_manifest_manages() {
    let world = world();
    world.manifest(&[
        "match: \"*body\", include: [group: A]",
        "name: Own, include: []",
        "name: Parent, include: []",
    ]);
    assert_eq!(
        list(&world, "--unmanaged m.yaml"),
        ["Other C", "Only excludes A"]
    );
    // Also if only a kind is read that the manifests do not name.
    assert_eq!(
        list(&world, "--unmanaged m.yaml --kind compliancePolicy"),
        ["Only excludes A"]
    );
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    assert_eq!(list(&world, "--unmanaged").len(), 2);
    world.manifest(&["name: Missing, include: [group: A]"]);
    world
        .sandbox("list --unmanaged m.yaml")
        .exits(3)
        .says(&["unknown-policy"]);
}

#[test]
fn a_name_that_does_not_exist_is_not_an_empty_list() {
    let world = world();
    for (options, message) in [
        ("--group Q", "the tenant has no group `Q`"),
        (
            "--user eve@example.com",
            "the directory has no user `eve@example.com`",
        ),
        ("--device PC-9", "the directory has no device `PC-9`"),
        ("--device PC-2", "2 devices `PC-2`"),
        ("--filter G", "did you mean `F`?"),
        ("--policy own", "did you mean `Own`?"),
        ("--exclude x*", "no policy matches `x*`"),
    ] {
        world
            .sandbox(&format!("list {options}"))
            .exits(3)
            .says(&[message]);
    }
    let twin = world.sandbox("list --device PC-2").exits(3);
    let id = twin.stderr.contains(TWIN);
    assert!(id, "{}", twin.stderr);
    for options in [
        "--user a --device b",
        "--effective",
        "--group A --unassigned",
    ] {
        world.sandbox(&format!("list {options}")).exits(64);
    }
}

#[test]
fn what_may_not_be_read_is_not_empty() {
    let world = world();
    let roles = |roles: &[&str]| {
        world.edit("tenant.json", |state| {
            state["service"]["roles"] = json!(roles);
        });
    };
    roles(&[
        "DeviceManagementConfiguration.Read.All",
        "GroupMember.Read.All",
    ]);
    let ran = world.sandbox("list --format json").exits(7);
    let result = ran.json();
    assert_eq!(result["complete"], false);
    assert_eq!(said(&result).len(), 8);
    let unavailable = result["unavailable"].as_array().expect("kinds");
    assert!(unavailable.contains(&json!("mobileAppConfiguration")));
    ran.says(&["kind-unavailable", "the list is not complete"]);
    world
        .sandbox("list --kind mobileAppConfiguration")
        .exits(7)
        .says(&["DeviceManagementApps.Read.All"]);
    assert_eq!(list(&world, "--kind configurationPolicy").len(), 7);
    world
        .sandbox("list --kind configurationPolicy --device PC-1")
        .exits(7)
        .says(&["Device.Read.All"]);
    // Who may read memberships may not read the user.
    let ran = world.sandbox("list --kind configurationPolicy --user ada@example.com --format json");
    let of_user = ran.exits(0).json();
    assert_eq!(
        of_user["subject"],
        json!({"type": "user", "id": null, "name": "ada@example.com"})
    );
    roles(&["DeviceManagementConfiguration.Read.All"]);
    world
        .sandbox("list --kind configurationPolicy --group A")
        .exits(7);
}

#[test]
fn names_are_harmless_in_tables() {
    let tenant = Tenant::new()
        .group("=HYPERLINK(\"http://x\"), \u{202e}y")
        .policy(
            "+1|<b>\u{1b}[31m\n##[error]",
            &["+=HYPERLINK(\"http://x\"), \u{202e}y"],
        );
    let world = World::new(&tenant);
    let csv = world.sandbox("list --format csv").exits(0).stdout;
    assert!(
        csv.contains(",'+1|<b>\\u{1b}[31m\\n#\\u{23}[error],"),
        "{csv}"
    );
    assert!(
        csv.contains(",\"'=HYPERLINK(\"\"http://x\"\"), \\u{202e}y\","),
        "{csv}"
    );
    for format in ["text", "markdown", "html"] {
        world
            .sandbox(&format!("list --format {format}"))
            .exits(0)
            .says_nothing_of("\u{202e}")
            .says_nothing_of("\u{1b}")
            .says_nothing_of("##[");
    }
    world.sandbox("list --format html").says_nothing_of("<b>");
}

#[test]
fn a_part_of_the_policies_says_so_in_every_format() {
    let world = world();
    let flags = "--only 'O*' --exclude Other --kind configurationPolicy";
    let said = "partial view: --only 'O*' --exclude 'Other' --kind configurationPolicy";
    let list = |format: &str| {
        let words = ["list", "--only", "O*", "--exclude", "Other"];
        let mut command = world.command("");
        command.args(words);
        command.args(["--kind", "configurationPolicy", "--format", format]);
        command.args(["--no-progress", "--sandbox"]);
        command.arg(world.path("tenant.json"));
        let output = command.output().expect("the executable");
        assert_eq!(output.status.code(), Some(0), "{flags}: {output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    for format in ["text", "html"] {
        assert!(list(format).contains(said), "{format}: {}", list(format));
    }
    assert!(list("markdown").contains("partial view: --only "));
    let json: Value = serde_json::from_str(&list("json")).expect("JSON");
    assert_eq!(
        json["selection"],
        json!({"partial": true, "only": ["O*"], "exclude": ["Other"], "kinds": ["configurationPolicy"]})
    );
    let whole = world.sandbox("list --format json").exits(0).json();
    assert_eq!(whole["selection"], json!({"partial": false}));
    world.sandbox("list").exits(0).says_nothing_of("partial");
}

/// An assignment keeps the id of a filter that was deleted; a plan and the lists say so in the same words.
#[test]
fn a_filter_that_was_deleted_is_said_to_be_gone() {
    let world = world();
    world.edit("tenant.json", |state| {
        state["assignmentFilters"] = json!([]);
    });
    let said = format!("filter {} (include, does not exist)", filter_id(1));
    world.sandbox("list").exits(0).says(&[&said]);
    world.manifest(&["name: Parent, include: [group: B], exclude: [group: C]"]);
    world.sandbox("plan m.yaml").exits(0).says(&[&said]);
    world
        .sandbox("explain Parent m.yaml")
        .exits(0)
        .says(&[&said]);
}

#[test]
fn a_group_that_was_deleted_is_found_by_its_id() {
    let world = world();
    world.edit("tenant.json", |state| {
        state["groups"].as_array_mut().expect("groups").remove(2);
    });
    let id = group_id(3);
    for options in ["", " --effective"] {
        let said = list(&world, &format!("--group {id}{options}"));
        assert!(said.iter().any(|row| row.starts_with("Other ")), "{said:?}");
    }
    world
        .sandbox(&format!("list --group {}", group_id(9)))
        .exits(3)
        .says(&["the tenant has no group"]);
}
