//! Where settings come from: flags win over the environment, the environment over `assignctl.yaml`.

use super::support::World;
use super::support::service::Served;
use super::support::tenant::Tenant;

fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]);
    World::with(&tenant, &["name: P, include: [group: A]"])
}

#[test]
fn no_configuration_is_needed_and_an_empty_one_says_nothing() {
    let world = world();
    world.sandbox("plan m.yaml").exits(0);
    for text in ["", "# nothing yet\n", "{}\n"] {
        world.write("assignctl.yaml", text);
        world.sandbox("plan m.yaml").exits(0);
    }
}

#[test]
fn manifests_are_named_beside_the_configuration() {
    let world = world();
    let manifest = world.read("m.yaml");
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    world.write("conf/other.yaml", "manifests: [ring, more.yaml]\n");
    world.write("conf/ring/x.yaml", &manifest);
    world.write("conf/more.yaml", "version: 2");
    world.run("validate").exits(0).says(&["1 entry in 1 file"]);
    world.sandbox("plan").exits(0);
    world.sandbox("apply").exits(0);
    world.sandbox("drift").exits(0);
    world
        .run("validate --config conf/other.yaml")
        .exits(3)
        .says(&["conf/more.yaml:1:10", "in 2 files"]);
    // Named ones win.
    world
        .run("validate m.yaml --config conf/other.yaml")
        .exits(0);
    world
        .run("validate m.yaml --config gone.yaml")
        .exits(1)
        .says(&["gone.yaml"]);
    // Where a path starts that is not there depends on where it was written.
    world.write("conf/other.yaml", "manifests: [gone]\n");
    world
        .run("validate --config conf/other.yaml")
        .exits(3)
        .says(&[
            "`conf/gone`",
            "those in a configuration file start at its folder",
        ]);
}

#[test]
fn the_configuration_is_not_a_manifest() {
    let world = world();
    let manifest = world.read("m.yaml");
    world.write("folder/m.yaml", &manifest);
    world.write(
        "folder/assignctl.yaml",
        "tenantId: 11111111-2222-4333-8444-555555555555\n",
    );
    world
        .run("validate folder")
        .exits(0)
        .says(&["1 entry in 1 file"]);
}

#[test]
fn what_is_wrong_in_the_configuration_is_told() {
    let world = world();
    for text in [
        "tenant: x\n",
        "limits: {writes: 1/1s}\n",
        "manifests: m.yaml\n",
        "[",
        "guards: 3\n",
    ] {
        world.write("assignctl.yaml", text);
        for command in ["validate m.yaml", "plan m.yaml --sandbox tenant.json"] {
            let ran = world.run(command);
            assert_eq!(ran.stdout, "", "{text}");
            ran.exits(1).says(&["assignctl.yaml"]);
        }
    }
}

#[test]
fn a_fault_in_the_configuration_is_shown_on_its_line() {
    let world = world();
    world.write("assignctl.yaml", "cloud: public\nlimits:\n  maxWiat: 1m\n");
    world
        .run("validate m.yaml")
        .exits(1)
        .matches("settings/unknown_key");
    world.write("assignctl.yaml", "guards: {maxPolicies: many}\n");
    world
        .run("validate m.yaml")
        .exits(1)
        .matches("settings/wrong_value");
    world.write("assignctl.yaml", "cloud: usgow\n");
    world
        .sandbox("plan m.yaml")
        .exits(1)
        .says(&["assignctl.yaml:1:8", "did you mean `usgov`?"]);
    for (wrong, said) in [
        ("limits: {write: fast}", "1:17"),
        ("manifests: manifests", "expected a list"),
        (
            "manifests: manifests",
            "write `[VALUE]`, also where it is one value",
        ),
        ("guards: {maxRemovals: []}", "1:23"),
        ("limits: {read: 1/20s}", "the minimum is 2"),
        ("limits: {maxWait: soon}", "expected a duration like"),
        ("limits: {concurrency: 0}", "a number from 1 to 1000"),
        ("guards: {maxRemovals: 150%}", "a percentage like `25%`"),
        (
            "lints: {filter-mode-mx: off}",
            "did you mean `filter-mode-mix`?",
        ),
    ] {
        world.write("assignctl.yaml", wrong);
        let ran = world.sandbox("plan m.yaml").exits(1);
        ran.says(&["error[configuration]: ", said]);
    }
}

#[test]
fn a_number_that_is_none_is_said_to_be_none() {
    let mut world = world();
    const SAID: &str = "expected a whole number";
    world
        .sandbox("plan m.yaml --max-policies many")
        .exits(64)
        .says(&["--max-policies", SAID]);
    world.write("assignctl.yaml", "guards: {maxTenants: -1}\n");
    world
        .sandbox("plan m.yaml")
        .exits(1)
        .says(&["assignctl.yaml:1:22", SAID]);
    world.write("assignctl.yaml", "");
    world.set("ASSIGNCTL_MAX_POLICIES", "2.5");
    world.sandbox("plan m.yaml").exits(64).says(&[SAID]);
}

#[test]
fn flags_win_over_the_environment_and_the_environment_over_the_file() {
    let mut world = world();
    let served = Served::with_token(&mut world);
    let graph_url = |world: &World, flags: &str| {
        let told = world
            .run(&format!("plan m.yaml --format json {flags}"))
            .exits(0)
            .json();
        told["graphUrl"].as_str().expect("text").to_owned()
    };
    world.write("assignctl.yaml", "cloud: china\n");
    assert_eq!(graph_url(&world, ""), served.url);
    assert_eq!(graph_url(&world, "--cloud usgov"), served.url);
    world.set("ASSIGNCTL_GRAPH_URL", "http://127.0.0.1:9/beta");
    assert_eq!(
        graph_url(&world, &format!("--graph-url {}", served.url)),
        served.url
    );
    // `--sandbox` is a flag as well.
    drop(served);
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says_nothing_of("127.0.0.1:9");
    // A variable that is set to nothing is not set.
    world.set("ASSIGNCTL_GRAPH_URL", "");
    world.sandbox("plan m.yaml").exits(0);
}

#[test]
fn limits_of_the_file_and_of_flags() {
    let world = world();
    world.write(
        "assignctl.yaml",
        "limits: {write: 1/30s, read: 500/20s, maxWait: 1m, concurrency: 2}\n",
    );
    world.manifest(&["name: P"]);
    world
        .sandbox("plan m.yaml --allow unassigned")
        .exits(0)
        .says(&["1 write"]);
    world
        .sandbox("plan m.yaml --allow unassigned --write-limit 5/1s")
        .exits(0);
    world
        .sandbox("plan m.yaml --write-limit fast")
        .exits(64)
        .says(&["`fast` is not a limit"]);
}

#[test]
fn a_sandbox_file_that_does_not_exist_is_made_from_the_sample() {
    let world = World::empty();
    let examples = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests");
    let line = format!(
        "plan {} --sandbox new.json --format json",
        examples.display()
    );
    let told = world.run(&line).json();
    assert!(told["summary"]["policiesRead"].as_u64() > Some(10));
    assert!(world.has("new.json"));
}
