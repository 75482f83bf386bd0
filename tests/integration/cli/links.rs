//! What a pull request can lay: links to files that it must not see, in place of manifests, of the
//! configuration and of folders that are written to.

use std::os::unix::fs::symlink;

use super::support::tenant::Tenant;
use super::support::{Ran, World};

const MANIFEST: &str = "version: 1\npolicies:\n- {kind: compliancePolicy, name: P}\n";

/// A repository in a folder, with secrets beside it.
fn repository() -> World {
    let mut world = World::empty();
    world.write("secret.yaml", "MARKED: secret\n");
    world.write("outside/n.yaml", MANIFEST);
    world.write("work/manifests/m.yaml", MANIFEST);
    world.set("AZURE_CLIENT_SECRET", "MARKED-environment");
    world
}

fn run(world: &World, line: &str) -> Ran {
    world.run_in("work", line)
}

#[test]
fn links_that_are_named_lead_to_nothing() {
    let world = repository();
    let link = |to: &str, at: &str| symlink(to, world.path(at)).expect("a link");
    link("../secret.yaml", "work/secret.yaml");
    link("/proc/self/environ", "work/environ.yaml");
    link("../outside", "work/folder");
    link("manifests/m.yaml", "work/same.yaml");
    link("nowhere", "work/dangling.yaml");
    let absolute = world.path("work").display().to_string();
    for (named, said) in [
        ("secret.yaml", "`secret.yaml` is a symbolic link"),
        ("environ.yaml", "`environ.yaml` is a symbolic link"),
        ("same.yaml", "`same.yaml` is a symbolic link"),
        ("dangling.yaml", "`dangling.yaml` is a symbolic link"),
        ("folder", "`folder` is a symbolic link"),
        ("folder/", "`folder/` is a symbolic link"),
        (
            "./folder/n.yaml",
            "`./folder/n.yaml` leads over the symbolic link `./folder`",
        ),
        (
            "folder/../secret.yaml",
            "leads over the symbolic link `folder`",
        ),
        ("../work/secret.yaml", "is a symbolic link"),
        (&format!("{absolute}/secret.yaml"), "is a symbolic link"),
        (
            &format!("{absolute}/folder/n.yaml"),
            "leads over the symbolic link",
        ),
    ] {
        for command in ["validate", "plan"] {
            run(&world, &format!("{command} manifests {named}"))
                .exits(3)
                .says(&["error[named-link]", said, "hint: use the file or folder"])
                .says_nothing_of("MARKED");
        }
    }
}

/// `/tmp` is a link on macOS, and no one can change it with a pull request.
#[test]
fn links_above_the_repository_are_the_machine_s() {
    let world = repository();
    symlink(world.path(""), world.path("link")).expect("a link");
    let at = world.path("link").display().to_string();
    run(&world, &format!("validate {at}/work/manifests")).exits(0);
    run(&world, &format!("validate {at}/outside/n.yaml")).exits(0);
    run(&world, "validate ../outside").exits(0);
    run(&world, &format!("validate {at}"))
        .exits(3)
        .says(&["[named-link]"]);
}

#[test]
fn what_is_no_file_is_no_manifest() {
    let world = repository();
    assert!(
        std::process::Command::new("mkfifo")
            .arg(world.path("work/pipe.yaml"))
            .status()
            .expect("mkfifo")
            .success()
    );
    for named in ["pipe.yaml", "/dev/null"] {
        run(&world, &format!("validate {named}"))
            .exits(3)
            .says(&["error[not-a-file]", "not a file on a disk"]);
    }
    if cfg!(target_os = "linux") {
        run(&world, "validate /proc/self/environ")
            .exits(3)
            .says(&["error[not-a-file]", "`/proc/self/environ` is not a file"])
            .says_nothing_of("MARKED");
        run(&world, "validate manifests --config /proc/self/environ")
            .exits(1)
            .says(&["it is not a file on a disk"])
            .says_nothing_of("MARKED");
    }
    run(&world, "validate manifests --config pipe.yaml")
        .exits(1)
        .says(&["the configuration `pipe.yaml` cannot be used: it is not a file on a disk"]);
}

#[test]
fn a_configuration_is_no_link() {
    for target in ["../secret.yaml", "/proc/self/environ", "nowhere"] {
        let world = repository();
        symlink(target, world.path("work/assignctl.yaml")).expect("a link");
        run(&world, "validate manifests")
            .exits(1)
            .says(&["`assignctl.yaml` is a symbolic link; links are not followed"])
            .says_nothing_of("MARKED");
        run(&world, "validate manifests --config ./assignctl.yaml")
            .exits(1)
            .says(&["is a symbolic link"])
            .says_nothing_of("MARKED");
    }
}

#[test]
fn a_configuration_names_what_is_below_it() {
    let world = repository();
    symlink("../outside", world.path("work/folder")).expect("a link");
    symlink("../secret.yaml", world.path("work/secret.yaml")).expect("a link");
    let absolute = world.path("outside").display().to_string();
    for (named, said) in [
        (absolute.as_str(), "leads out of the configuration's folder"),
        ("../outside", "leads out of the configuration's folder"),
        (
            "manifests/../../outside",
            "leads out of the configuration's folder",
        ),
        (
            "../work/manifests",
            "leads out of the configuration's folder",
        ),
        (
            "/proc/self/environ",
            "leads out of the configuration's folder",
        ),
        ("folder", "`folder` is a symbolic link"),
        ("folder/n.yaml", "`folder` is a symbolic link"),
        ("secret.yaml", "`secret.yaml` is a symbolic link"),
    ] {
        world.write("work/assignctl.yaml", &format!("manifests: [{named}]\n"));
        for line in ["validate", "validate --config assignctl.yaml", "plan"] {
            run(&world, line)
                .exits(1)
                .says(&[named, said])
                .says_nothing_of("MARKED");
        }
    }
    for named in ["manifests", "./manifests/m.yaml", "manifests/../manifests"] {
        world.write("work/assignctl.yaml", &format!("manifests: [{named}]\n"));
        run(&world, "validate").exits(0);
    }
}

/// What a job lays into its working folder is not for a pull request to have shown.
#[test]
fn a_configuration_names_no_hidden_or_foreign_files() {
    let world = repository();
    for file in [
        ".env",
        ".git/config",
        "manifests/.cache/m.yaml",
        "manifests/.hidden.yaml",
        ".npmrc",
        "key.pem",
        "gha-creds-1.json",
        "Makefile",
    ] {
        world.write(&format!("work/{file}"), "MARKED: line\n");
    }
    for (named, said) in [
        (".env", "`.env` is hidden"),
        (".npmrc", "`.npmrc` is hidden"),
        ("./.git/config", "`.git` is hidden"),
        (".git", "`.git` is hidden"),
        (".missing", "`.missing` is hidden"),
        ("manifests/../.git", "`.git` is hidden"),
        ("manifests/.cache", "`.cache` is hidden"),
        ("manifests/.hidden.yaml", "`.hidden.yaml` is hidden"),
        ("key.pem", "a file that does not end in `.yaml` or `.yml`"),
        ("gha-creds-1.json", "a file that does not end in"),
        ("manifests/../Makefile", "a file that does not end in"),
    ] {
        let text = format!("# ours\nmanifests:\n- manifests\n- {named}\n");
        world.write("work/assignctl.yaml", &text);
        for line in ["validate", "plan --format markdown"] {
            run(&world, line)
                .exits(1)
                .says(&[
                    "error[configuration]",
                    "assignctl.yaml:4:3",
                    named,
                    said,
                    "hint: ",
                ])
                .says_nothing_of("MARKED");
        }
    }
    std::fs::remove_file(world.path("work/assignctl.yaml")).expect("a file");
    world.write(
        "work/c.yml",
        "manifests: [.git/../manifests, ./manifests/m.yaml]\n",
    );
    run(&world, "validate --config c.yml").exits(0);
}

#[test]
fn no_state_of_the_sandbox_is_reached_through_a_link() {
    let world = World::with(&Tenant::common().policy("P", &[]), &["name: P"]);
    std::fs::create_dir_all(world.path("work/real")).expect("a folder");
    std::fs::create_dir(world.path("outside")).expect("a folder");
    world.write("outside/tenant.json", &world.read("tenant.json"));
    world.write("work/tenant.json", &world.read("tenant.json"));
    world.write("work/m.yaml", &world.read("m.yaml"));
    let link = |to: &str, at: &str| symlink(to, world.path(at)).expect("a link");
    link("../outside", "work/folder");
    link("../outside/tenant.json", "work/file.json");
    link("../outside/new.lock", "work/tenant.json.lock");
    for (file, said) in [
        ("folder/tenant.json", "`folder` is a symbolic link"),
        ("folder/new.json", "`folder` is a symbolic link"),
        (
            "file.json",
            "`file.json` cannot be used: it is a symbolic link",
        ),
        (
            "tenant.json",
            "`tenant.json.lock` cannot be used: it is a symbolic link",
        ),
    ] {
        for line in ["plan m.yaml", "export"] {
            run(&world, &format!("{line} --sandbox {file}"))
                .exits(1)
                .says(&[said]);
        }
        run(
            &world,
            &format!("sandbox --state {file} --listen 127.0.0.1:0"),
        )
        .exits(1)
        .says(&[said]);
    }
    let left = std::fs::read_dir(world.path("outside")).expect("a folder");
    assert_eq!(left.count(), 1, "something was made");
}

/// From a folder of a repository, an absolute path may lead to elsewhere in it.
#[test]
fn links_count_in_the_whole_repository() {
    let world = repository();
    world.write("work/repo/sub/m.yaml", MANIFEST);
    world.write("work/repo/other/n.yaml", MANIFEST);
    symlink("../../../outside", world.path("work/repo/other/link")).expect("a link");
    let at = world.path("work/repo").display().to_string();
    let line = format!("validate {at}/other/link/n.yaml");
    let found = |world: &World, code: i32| {
        let ran = world.run_in("work/repo/sub", &line).exits(code);
        if code != 0 {
            ran.says(&["error[named-link]", "leads over the symbolic link"]);
        }
    };
    found(&world, 0);
    world.write("work/repo/.git/HEAD", "");
    found(&world, 3);
}

#[test]
fn nothing_is_written_through_a_linked_folder() {
    let tenant = Tenant::common().policy("P", &[]);
    let world = World::with(&tenant, &["name: P, include: [group: A]"]);
    world.write("outside/kept", "");
    world.write("work/m.yaml", &world.read("m.yaml"));
    let link = |at: &str| symlink(world.path("outside"), world.path(at)).expect("a link");
    link("work/.assignctl");
    link("work/ld");
    std::fs::create_dir(world.path("work/real")).expect("a folder");
    link("work/real/ld");
    for (line, named) in [
        ("apply m.yaml --yes", "`.assignctl` is a symbolic link"),
        ("plan m.yaml --out ld/p.json", "`ld` is a symbolic link"),
        (
            "plan m.yaml --out ./ld/deep/p.json",
            "`./ld` is a symbolic link",
        ),
        (
            "plan m.yaml --json-into real/ld/p.json",
            "`real/ld` is a symbolic link",
        ),
        (
            "apply m.yaml --yes --report ld/r.json",
            "`ld` is a symbolic link",
        ),
        ("export --out ld", "it is a symbolic link"),
        ("export --out ld/new --force", "`ld` is a symbolic link"),
        ("export --snapshot ld/s.json", "`ld` is a symbolic link"),
    ] {
        run(&world, &format!("{line} --sandbox ../tenant.json"))
            .exits(1)
            .says(&[named, "and nothing is written through one"]);
    }
    let left = std::fs::read_dir(world.path("outside")).expect("a folder");
    assert_eq!(left.count(), 1, "something was written");
    assert_eq!(world.rows("P"), [""; 0]);
    // A folder of the machine may be reached through a link.
    symlink(world.path(""), world.path("up")).expect("a link");
    let up = world.path("up").display().to_string();
    run(
        &world,
        &format!("plan m.yaml --out {up}/outside/p.json --sandbox ../tenant.json"),
    )
    .exits(0);
    assert!(world.has("outside/p.json"));
}
