//! Issue 15, `init` and `export --into DIR --unmanaged`: from nothing to a first plan without changes, and
//! what is new in the tenant beside what is there.

use serde_json::json;

use super::support::World;
use super::support::tenant::{TENANT_ID, Tenant};

fn world() -> World {
    World::new(
        &Tenant::common()
            .policy("One", &["+A", "+B [include F]"])
            .policy("Two", &["+A", "+B [include F]"])
            .policy("Three", &["allDevices", "-C"]),
    )
}

#[test]
fn a_new_folder_gives_a_plan_without_changes() {
    let world = world();
    let ran = world.sandbox("init repository --pipeline github").exits(0);
    for part in [
        "wrote repository/manifests",
        "assignctl plan",
        "3 policies in 2 files",
    ] {
        assert!(ran.stdout.contains(part), "{}", ran.stdout);
    }
    let configuration = world.read("repository/assignctl.yaml");
    assert!(
        configuration.contains(&format!("tenantId: {TENANT_ID}")),
        "{configuration}"
    );
    assert_eq!(world.read("repository/.gitignore"), ".assignctl/\n");
    assert!(
        world
            .read("repository/.github/workflows/intune.yml")
            .contains("assignctl plan manifests")
    );
    let manifest = world.read("repository/manifests/windows.yaml");
    assert!(
        manifest.starts_with("# yaml-language-server: $schema=../manifest.schema.json\n"),
        "{manifest}"
    );
    let schema = world.json("repository/manifest.schema.json");
    assert!(schema.to_string().contains("\"Three\""));
    let mut plan = world.command("plan --detailed-exitcode --no-progress --sandbox ../tenant.json");
    plan.current_dir(world.path("repository"));
    let plan = plan.output().expect("the executable");
    let said = String::from_utf8_lossy(&plan.stdout);
    assert_eq!(plan.status.code(), Some(0), "{said}");
    assert!(
        said.contains("all 3 managed policies match the manifests"),
        "{said}"
    );
}

#[test]
fn nothing_that_exists_is_overwritten() {
    let world = world();
    world.write("assignctl.yaml", "guards: {maxPolicies: 7}\n");
    world.write("manifests/mine.yaml", "version: 1\npolicies: []\n");
    world.write(".gitignore", "mine\n");
    let ran = world.sandbox("init --format json").exits(0).json();
    let said = |path: &str| {
        let files = ran["files"].as_array().expect("files").iter();
        let mut found = files.filter(|file| {
            file["path"]
                .as_str()
                .is_some_and(|known| known.ends_with(path))
        });
        found.next().expect("a file")["written"].clone()
    };
    assert_eq!(said("manifests"), json!(false));
    assert_eq!(said("assignctl.yaml"), json!(false));
    assert_eq!(said(".gitignore"), json!(false));
    assert_eq!(said("manifest.schema.json"), json!(true));
    assert_eq!(world.read(".gitignore"), "mine\n");
    assert_eq!(world.read("assignctl.yaml"), "guards: {maxPolicies: 7}\n");
    assert!(!world.has("manifests/windows.yaml"));
    // Nor is what was just written.
    let into = "init new --json-into new/assignctl.yaml";
    world.sandbox(into).exits(64);
    assert!(!world.has("new"));
    // Without a terminal no pipeline is asked for.
    assert!(!world.has(".github") && !world.has("azure-pipelines.yml"));
}

#[test]
fn init_counts_only_what_it_wrote_and_says_how_to_add_the_rest() {
    let world = world();
    world.manifest_in(
        "repository/manifests/mine.yaml",
        &["name: One, include: []"],
    );
    let ran = world.sandbox("init repository").exits(0);
    ran.says(&[
        "kept  repository/manifests\n",
        "The manifests that were there stay as they are.",
        "assignctl export --into manifests --unmanaged",
    ])
    .says_nothing_of("no changes yet")
    .says_nothing_of("policies in");
    let json = world
        .sandbox("init repository --format json")
        .exits(0)
        .json();
    assert_eq!(
        (&json["policies"], &json["leftOut"]),
        (&json!(0), &json!(0))
    );
}

#[test]
fn init_refuses_a_folder_that_is_for_another_tenant() {
    let world = world();
    let other = "bbbbbbbb-0000-4000-8000-000000000001";
    world.write("repository/assignctl.yaml", &format!("tenantId: {other}\n"));
    world.sandbox("init repository").exits(4).says(&[
        &format!("is for the tenant {other}, and the sign-in is for {TENANT_ID}"),
        "nothing was written",
    ]);
    assert!(!world.has("repository/manifests") && !world.has("repository/.gitignore"));
    world.write(
        "repository/assignctl.yaml",
        &format!("tenantId: {}\n", TENANT_ID.to_uppercase()),
    );
    world.sandbox("init repository").exits(0);
    assert!(world.has("repository/manifests/windows.yaml"));
}

#[test]
fn a_tenant_that_may_not_be_read_leaves_nothing() {
    let world = world();
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!(["Group.Read.All"]);
    });
    world.sandbox("init repository").exits(7);
    assert!(!world.has("repository"));
}

#[test]
fn what_nothing_manages_is_added_to_a_folder_with_its_sets() {
    let world = world();
    world.write(
        "manifests/targets.yaml",
        "version: 1\ntargets:\n  ring:\n    include:\n      - group: a\n      - group: B\n        filter: F\n",
    );
    world.write(
        "manifests/windows.yaml",
        "version: 1\npolicies:\n  - kind: configurationPolicy\n    name: One\n    use: [ring]\n",
    );
    let ran = world
        .sandbox("export --into manifests --unmanaged")
        .exits(0);
    assert!(
        ran.stdout.contains("windows-2.yaml: 2 policies"),
        "{}",
        ran.stdout
    );
    let added = world.read("manifests/windows-2.yaml");
    assert!(added.contains("name: Two\n    use: [ring]"), "{added}");
    assert!(added.contains("name: Three\n"), "{added}");
    assert!(!added.contains("name: One\n"), "{added}");
    world
        .sandbox("plan manifests --detailed-exitcode")
        .exits(0)
        .says(&["all 3 managed policies"]);
    world
        .sandbox("export --into manifests --unmanaged")
        .exits(0)
        .says(&["Nothing to add"]);
    assert!(!world.has("manifests/windows-3.yaml"));
}

#[test]
fn a_folder_that_does_not_exist_or_is_wrong() {
    let world = world();
    world
        .sandbox("export --into new --unmanaged --format json")
        .exits(0);
    world.sandbox("plan new --detailed-exitcode").exits(0);
    world.write("broken/m.yaml", "version: 1\npolicies: 7\n");
    world.sandbox("export --into broken --unmanaged").exits(3);
    world.manifest_in("missing/m.yaml", &["name: X, include: []"]);
    world
        .sandbox("export --into missing --unmanaged")
        .exits(3)
        .says(&["unknown-policy"]);
    for (options, message) in [
        ("--into new", "--unmanaged"),
        ("--unmanaged", "--into"),
        ("--into new --unmanaged --out other", "cannot be used with"),
        ("--into missing/m.yaml --unmanaged", "is not a folder"),
    ] {
        let ran = world.sandbox(&format!("export {options}"));
        assert!(matches!(ran.code, Some(64 | 1)), "{options}");
        ran.says(&[message]);
    }
    assert!(!world.has("missing/windows.yaml") && !world.has("broken/windows.yaml"));
}

#[test]
fn a_tenant_without_policies_gives_a_folder_that_waits_for_some() {
    let world = World::new(&Tenant::common());
    world
        .sandbox("init repository")
        .exits(0)
        .says(&[
            "wrote repository/assignctl.yaml",
            "The tenant has no policies that could be assigned, so there are no manifests yet.",
            "cd repository\n  assignctl export --into manifests --unmanaged\n",
        ])
        .says_nothing_of("repository/manifests\n")
        .says_nothing_of("kept")
        .says_nothing_of("assignctl plan");
    assert!(!world.has("repository/manifests"));
    let json = world
        .sandbox("init repository --format json")
        .exits(0)
        .json();
    let files = json["files"].as_array().expect("files");
    assert!(
        files.iter().all(|file| file["written"] == json!(false)),
        "{json}"
    );
}

/// The settings that are there say where the manifests are.
#[test]
fn init_writes_where_the_settings_that_it_keeps_say() {
    let world = world();
    world.write(
        "my repository/assignctl.yaml",
        "manifests: [./intune/policies]\n",
    );
    let init = |folder: &str, options: &[&str]| {
        let mut command = world.command("");
        command.args(["init", folder]).args(options);
        command.args(["--no-progress", "--sandbox"]);
        command.arg(world.path("tenant.json"));
        let output = command.output().expect("the executable");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("UTF-8")
    };
    let said = init("my repository", &["--pipeline", "github"]);
    assert!(
        said.contains("wrote my repository/intune/policies\n"),
        "{said}"
    );
    assert!(
        said.contains("  cd 'my repository'\n  assignctl plan      # no changes yet\n  git init\n  git add .\n"),
        "{said}"
    );
    assert!(!world.has("my repository/manifests"));
    let written = world.read("my repository/intune/policies/windows.yaml");
    assert!(
        written.starts_with("# yaml-language-server: $schema=../../manifest.schema.json\n"),
        "{written}"
    );
    let pipeline = world.read("my repository/.github/workflows/intune.yml");
    assert!(pipeline.contains("assignctl plan intune/policies --ci github"));
    assert!(!pipeline.contains(" manifests "));
    let mut plan = world.command("");
    plan.current_dir(world.path("my repository"));
    plan.args(["plan", "--detailed-exitcode", "--sandbox"]);
    plan.arg(world.path("tenant.json"));
    let planned = plan.output().expect("the executable");
    assert_eq!(planned.status.code(), Some(0), "{planned:?}");

    // Settings that name none are kept, so that the plan has to.
    world.write("other/assignctl.yaml", "guards: {maxPolicies: 7}\n");
    world.write("other/.git/HEAD", "");
    let said = init("other", &[]);
    assert!(
        said.contains("  assignctl plan manifests      # no changes yet\n  git add .\n"),
        "{said}"
    );

    for (manifests, why) in [
        ("[a, b]", "names several manifests"),
        ("[a.yaml]", "names a file as manifests"),
        ("[.]", "names its own folder as manifests"),
    ] {
        world.write("third/assignctl.yaml", &format!("manifests: {manifests}\n"));
        world.sandbox("init third").exits(64).says(&[
            &format!("`third/assignctl.yaml` {why}"),
            "nothing was written",
        ]);
        assert!(!world.has("third/manifests") && !world.has("third/.gitignore"));
    }
}

/// A second copy of everything would contradict the first.
#[test]
fn a_folder_that_holds_manifests_elsewhere_gets_no_others() {
    let world = world();
    world.sandbox("export --out all/intune").exits(0);
    world.write("all/azure-pipelines.yml", "steps: []\n");
    world
        .sandbox("init all")
        .exits(64)
        .says(&["`all` holds manifests already, such as `intune"]);
    assert!(!world.has("all/manifests"));
    world.write("all/assignctl.yaml", "manifests: [intune]\n");
    world.sandbox("init all").exits(0).says(&["kept"]);
}
