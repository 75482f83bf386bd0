//! Which `assignctl.yaml` is in use, and which is not.

use super::support::World;
use super::support::tenant::Tenant;

const OTHER: &str = "tenantId: 99999999-2222-4333-8444-555555555555\nmanifests: [manifests]\nguards: {maxPolicies: 1}\n";

/// A repository, or just a folder, with a configuration on top and manifests below it.
fn world(is_repository: bool) -> World {
    let tenant = Tenant::common().policy("P", &[]).policy("Q", &[]);
    let world = World::new(&tenant);
    world.write("top/assignctl.yaml", OTHER);
    world.manifest_in("top/manifests/m.yaml", &["match: '*', include: [group: A]"]);
    world.write("top/inner/deep/kept", "");
    if is_repository {
        world.write("top/.git", "gitdir: elsewhere\n");
    }
    world
}

#[test]
fn f37_the_guards_hold_in_every_folder_of_the_repository() {
    let world = world(true);
    // A configuration above the repository is of no account.
    world.write("assignctl.yaml", "cloud: nowhere\n");
    for (folder, up) in [
        ("top", ""),
        ("top/inner", "../"),
        ("top/inner/deep", "../../"),
    ] {
        for line in [
            format!("apply {up}manifests --yes"),
            "apply --yes".to_owned(),
        ] {
            world
                .run_in(folder, &format!("{line} --sandbox {up}../tenant.json"))
                .exits(4)
                .says(&["tenant", "policies", &format!("{up}manifests/m.yaml")])
                .says_nothing_of("other-configuration");
        }
    }
    // It is kept from being written over, wherever it is.
    world
        .run_in(
            "top/inner",
            "plan --sandbox ../../tenant.json --out ../assignctl.yaml",
        )
        .exits(64);
    assert_eq!(world.read("top/assignctl.yaml"), OTHER);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn f37_a_configuration_that_is_not_in_use_is_named() {
    // Without a repository only the working folder counts.
    let world = world(false);
    let line = "plan ../manifests --sandbox ../../tenant.json";
    let warning = "warning[other-configuration]: the manifests in `../manifests` belong to `../assignctl.yaml`";
    let said = |world: &World, rest: &str| {
        world.run_in("top/inner", line).exits(0).says(&[
            warning,
            rest,
            "hint: name it with `--config`, or run in its folder",
        ]);
    };
    said(&world, "which is not in use: no configuration is");
    world.write("top/inner/assignctl.yaml", "cloud: public\n");
    said(&world, "but `assignctl.yaml` is in use");
    let json = world
        .run_in("top/inner", &format!("{line} --format json"))
        .exits(0)
        .json();
    assert_eq!(json["diagnostics"][0]["code"], "other-configuration");
    // The one in use may be named, in any spelling.
    world
        .run_in(
            "top/inner",
            "validate ../manifests --config .././inner/../assignctl.yaml",
        )
        .exits(0)
        .says_nothing_of("other-configuration");
}

#[test]
fn f37_a_configuration_among_the_manifests_is_named() {
    let world = world(true);
    world.write(
        "top/manifests/sub/assignctl.yaml",
        "guards: {maxPolicies: 2}\n",
    );
    world.write("top/manifests/sub/deep/n.yaml", "version: 1\n");
    let ran = world.run_in("top", "validate").exits(0).says(&[
        "the manifests in `manifests/sub/deep` belong to `manifests/sub/assignctl.yaml`, but `assignctl.yaml` is in use",
    ]);
    assert_eq!(ran.stderr.matches("other-configuration").count(), 1);
    // Above the repository none is looked for.
    std::fs::remove_file(world.path("top/assignctl.yaml")).expect("a file");
    world.write("assignctl.yaml", "guards: {maxPolicies: 2}\n");
    world
        .run_in("top", "validate manifests/m.yaml")
        .exits(0)
        .says_nothing_of("other-configuration");
}
