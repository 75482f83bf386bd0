//! Files that are written: whole, for their owner only, and never through a link.

use super::support::World;
use super::support::tenant::Tenant;

fn world() -> World {
    let tenant = Tenant::common().policy("P", &[]);
    World::with(&tenant, &["name: P, include: [group: A]"])
}

#[test]
fn a_result_that_cannot_be_written_ends_the_run_before_its_first_write() {
    let world = world();
    world
        .sandbox("apply m.yaml --yes --json-into m.yaml/x.json")
        .exits(1)
        .says(&["`m.yaml/x.json` cannot be written"]);
    assert_eq!(world.rows("P"), [""; 0]);
}

#[test]
fn manifests_and_configurations_are_not_written_over() {
    let world = world();
    let other = world.read("m.yaml");
    world.write("other.yaml", &other);
    world.write("OTHER.YML", &other);
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    for (file, what) in [
        ("other.yaml", "a manifest"),
        ("OTHER.YML", "a manifest"),
        ("assignctl.yaml", "a configuration"),
    ] {
        for line in [
            "plan m.yaml --out",
            "plan m.yaml --json-into",
            "export --snapshot",
        ] {
            let ran = world.sandbox(&format!("{line} {file}")).exits(64);
            assert!(
                ran.stderr.contains(what) || ran.stderr.contains("a file of the run"),
                "{line} {file}: {}",
                ran.stderr
            );
        }
    }
    assert_eq!(world.read("other.yaml"), other);
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    #[test]
    fn nothing_is_written_through_a_link() {
        let world = world();
        world.write("real.json", "old");
        symlink("real.json", world.path("link.json")).expect("a link");
        symlink("nowhere.json", world.path("dangling.json")).expect("a link");
        for link in ["link.json", "dangling.json"] {
            for line in [
                format!("plan m.yaml --out {link}"),
                format!("plan m.yaml --json-into {link}"),
                format!("apply m.yaml --yes --report {link}"),
            ] {
                world.sandbox(&line).exits(1).says(&[
                    link,
                    "it is a symbolic link, and nothing is written through one",
                ]);
            }
        }
        assert_eq!(world.read("real.json"), "old");
        assert!(!world.has("nowhere.json"));
        assert_eq!(world.rows("P"), [""; 0]);
    }

    #[test]
    fn plans_and_reports_are_for_their_owner() {
        let world = world();
        world.write("plan.json", "old");
        world.write("r.jsonl", "old");
        for name in ["plan.json", "r.jsonl"] {
            let open = std::fs::Permissions::from_mode(0o666);
            std::fs::set_permissions(world.path(name), open).expect("a file");
        }
        world
            .sandbox("plan m.yaml --out plan.json --json-into copy.json")
            .exits(0);
        world
            .sandbox("apply plan.json --report r.jsonl --json-into results.json")
            .exits(0);
        for name in ["plan.json", "copy.json", "r.jsonl", "results.json"] {
            let mode = world
                .path(name)
                .metadata()
                .expect("a file")
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn devices_are_written_to() {
    let world = world();
    let ran = world.sandbox("plan m.yaml --out /dev/stderr").exits(0);
    assert!(
        ran.stderr.contains("\"formatVersion\": \"1.0\""),
        "{}",
        ran.stderr
    );
    world
        .sandbox("apply m.yaml --yes --report /dev/null")
        .exits(0);
}

#[test]
fn what_cannot_be_written_leaves_the_old() {
    let world = world();
    world.write("file", "old");
    world.sandbox("plan m.yaml --out file/plan.json").exits(1);
    world
        .sandbox("plan m.yaml --out .")
        .exits(1)
        .says(&["it is a folder"]);
    assert_eq!(world.read("file"), "old");
}
