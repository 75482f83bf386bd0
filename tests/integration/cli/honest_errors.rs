//! What each command says that gets what it cannot use. It names the place and the
//! reason, says what to do, and ends with the right code.

use serde_json::json;

use super::support::World;
use super::support::tenant::Tenant;

/// A folder with one of everything that can be named by mistake.
fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(&tenant, &["name: P, include: [group: B]"]);
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    world
        .sandbox("apply m.yaml --yes --report r.jsonl")
        .exits(0);
    world.write("folder/notes.txt", "nothing");
    world.write("other.json", "{\"x\":1}");
    world.write("list.json", "[]");
    std::fs::write(world.path("bytes"), [0xff, 0x00, 0xac]).expect("a file");
    world
}

/// The command line, the exit code, what is at fault, and what to do.
type Case = (&'static str, i32, &'static str, &'static str);

fn check(world: &World, cases: &[Case]) {
    for (line, exit, fault, hint) in cases {
        let before = world.read("tenant.json");
        let ran = world.run(&format!("{line} --no-progress"));
        let said = &ran.stderr;
        assert_eq!(ran.code, Some(*exit), "{line}\n{said}");
        assert!(said.starts_with("error"), "{line}\n{said}");
        assert!(said.contains(fault), "{line}\n{said}");
        let hints: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("hint: "))
            .collect();
        let is_hinted = hints.iter().any(|said| said.contains(hint));
        assert!(is_hinted, "{line}\n{said}");
        // The system's words alone say nothing of the place.
        assert!(!said.starts_with("error: No such file"), "{line}\n{said}");
        assert_eq!(world.read("tenant.json"), before, "{line}");
    }
}

#[test]
fn files_that_are_missing_or_of_another_kind() {
    check(&world(), FILES);
}

const FILES: &[Case] = &[
    (
        "list --unmanaged n.yaml --sandbox tenant.json",
        3,
        "no such file or folder: `n.yaml`",
        "did you mean `m.yaml`?",
    ),
    (
        "validate -",
        3,
        "no such file or folder: `-`",
        "not from standard input",
    ),
    (
        "list --unmanaged plan.json --sandbox tenant.json",
        64,
        "`plan.json` is a saved plan, not a manifest",
        "assignctl show plan.json",
    ),
    (
        "list --unmanaged folder --sandbox tenant.json",
        3,
        "no manifest in the folder `folder`",
        "`.yaml`",
    ),
    (
        "explain P nowhere --sandbox tenant.json",
        3,
        "no such file or folder: `nowhere`",
        "relative paths",
    ),
    (
        "explain P r.jsonl --sandbox tenant.json",
        64,
        "`r.jsonl` is the report of an apply, not a manifest",
        "assignctl rollback r.jsonl",
    ),
    (
        "explain P bytes --sandbox tenant.json",
        3,
        "the byte 0xff is not UTF-8",
        "UTF-8",
    ),
    (
        "explain Missing m.yaml --sandbox tenant.json",
        3,
        "the tenant has no policy `Missing`",
        "display name",
    ),
    (
        "export --into m.yaml --unmanaged --sandbox tenant.json",
        1,
        "`m.yaml` is not a folder",
        "use a folder",
    ),
    (
        "export --snapshot folder --sandbox tenant.json",
        1,
        "`folder` cannot be written: it is a folder",
        "use a file in it",
    ),
    (
        "export --snapshot m.yaml/x.json --sandbox tenant.json",
        1,
        "`m.yaml/x.json` cannot be written",
        "use a file in a writable folder",
    ),
    (
        "schema --from nowhere",
        1,
        "`nowhere` cannot be read: No such file",
        "export --snapshot",
    ),
    (
        "schema --from folder",
        64,
        "`folder` is a folder, not a snapshot",
        "use a file in it",
    ),
    (
        "schema --from other.json",
        1,
        "`other.json` is not a tenant: line 1, column 4: unknown key `x`",
        "export --snapshot",
    ),
    (
        "schema --from bytes",
        1,
        "`bytes` cannot be read: the byte 0xff is not UTF-8",
        "export --snapshot",
    ),
    (
        "schema --from m.yaml",
        64,
        "`m.yaml` is a manifest, not a snapshot",
        "assignctl plan m.yaml",
    ),
    (
        "init m.yaml --sandbox tenant.json",
        1,
        "`m.yaml` is not a folder",
        "use a folder",
    ),
    (
        "init m.yaml/x --sandbox tenant.json",
        1,
        "`m.yaml/x",
        "use a ",
    ),
    (
        "init new --tenant x --sandbox tenant.json",
        3,
        "no such file or folder: `new/manifests`",
        "working folder",
    ),
    (
        "approvals nowhere --sandbox tenant.json",
        3,
        "no such file or folder: `nowhere`",
        "relative paths",
    ),
    (
        "approvals cancel nowhere --sandbox tenant.json",
        1,
        "`nowhere` cannot be used: No such file",
        "apply --report",
    ),
    (
        "approvals cancel other.json --sandbox tenant.json",
        1,
        "`other.json` cannot be used: not a report",
        "apply --report",
    ),
    (
        "approvals cancel plan.json --sandbox tenant.json",
        64,
        "`plan.json` is a saved plan, not the report",
        "assignctl show plan.json",
    ),
    (
        "doctor --try-writes Missing --sandbox tenant.json --yes",
        3,
        "the tenant has no policy `Missing`",
        "display name",
    ),
    (
        "doctor --share folder --sandbox tenant.json",
        1,
        "`folder` cannot be written: it is a folder",
        "use a file in it",
    ),
    (
        "list --record folder --sandbox tenant.json",
        1,
        "`folder` cannot be written: it is a folder",
        "use a file in it",
    ),
    (
        "list --json-into folder --sandbox tenant.json",
        1,
        "`folder` cannot be written: it is a folder",
        "use a file in it",
    ),
    ("tenants show x m.yaml", 64, "no tenant `x`", "tenants"),
    (
        "tenants show x nowhere",
        3,
        "no such file or folder: `nowhere`",
        "relative paths",
    ),
    (
        "tenants check m.yaml --sandbox folder",
        64,
        "no tenant",
        "tenants",
    ),
    (
        "tenants merge nowhere",
        1,
        "`nowhere` cannot be read",
        "--json-into",
    ),
    (
        "tenants merge folder",
        1,
        "`folder` holds no results",
        "--json-into",
    ),
    (
        "show nowhere",
        1,
        "`nowhere` cannot be read: No such file",
        "plan --out",
    ),
    (
        "show other.json",
        1,
        "`other.json`: not a plan file: it has no `formatVersion`",
        "assignctl plan PATH --out FILE",
    ),
    (
        "show m.yaml",
        64,
        "`m.yaml` is a manifest, not a saved plan",
        "assignctl plan m.yaml",
    ),
    (
        "rollback plan.json --sandbox tenant.json",
        64,
        "`plan.json` is a saved plan, not the report",
        "assignctl show plan.json",
    ),
    (
        "drift m.yaml --since nowhere --sandbox tenant.json",
        1,
        "`nowhere` cannot be used: No such file",
        "apply --report",
    ),
    (
        "plan m.yaml --out folder --sandbox tenant.json",
        1,
        "`folder` cannot be written: it is a folder",
        "use a file in it",
    ),
];

/// Whatever a command does, it says alike that the sandbox's file cannot be used, and that there is no sign-in.
#[test]
fn tenants_that_cannot_be_used_and_no_sign_in() {
    let world = world();
    for command in [
        "list",
        "explain P m.yaml",
        "export --out new",
        "export --into new --unmanaged",
        "export --snapshot new.json",
        "schema --from-tenant",
        "init new",
        "approvals",
        "approvals cancel r.jsonl --yes",
        "doctor",
        "whoami",
        "plan m.yaml",
        "drift m.yaml",
        "rollback r.jsonl",
    ] {
        let gone = format!("{command} --sandbox gone/tenant.json");
        check(
            &world,
            &[
                (
                    gone.leak(),
                    1,
                    "folder `gone` does not exist",
                    "create the folder",
                ),
                (
                    command,
                    7,
                    "no sign-in is configured",
                    "ASSIGNCTL_ACCESS_TOKEN",
                ),
            ],
        );
        assert!(!world.has("new") && !world.has("new.json"), "{command}");
    }
    check(&world, TENANTS);
}

const TENANTS: &[Case] = &[
    (
        "list --sandbox folder",
        64,
        "`folder` is a folder, not a sandbox's tenant",
        "use a file in it",
    ),
    (
        "list --sandbox other.json",
        1,
        "`other.json` is not a tenant: line 1, column 4: unknown key `x`",
        "export --snapshot",
    ),
    (
        "list --sandbox list.json",
        1,
        "`list.json` is not a tenant: line 1, column 0: ",
        "export --snapshot",
    ),
    (
        "list --sandbox bytes",
        1,
        "failed to read sandbox file `bytes`",
        "export --snapshot",
    ),
    (
        "list --sandbox m.yaml",
        64,
        "`m.yaml` is a manifest, not a sandbox's tenant",
        "assignctl plan m.yaml",
    ),
    (
        "list --sandbox plan.json",
        64,
        "`plan.json` is a saved plan, not a sandbox's tenant",
        "assignctl show plan.json",
    ),
];

#[test]
fn a_person_who_cannot_sign_in_is_told_why() {
    let mut world = world();
    // Nothing listens there.
    world.set("AZURE_AUTHORITY_HOST", "http://127.0.0.1:1");
    check(&world, SIGN_IN);
}

const SIGN_IN: &[Case] = &[
    (
        "login --sandbox tenant.json",
        64,
        "the sandbox needs no sign-in",
        "leave `--sandbox` out",
    ),
    (
        "logout --sandbox tenant.json",
        64,
        "the sandbox needs no sign-in",
        "leave `--sandbox` out",
    ),
    (
        "login --cloud mars",
        64,
        "unknown cloud `mars`",
        "public, usgov, usgov-dod, china",
    ),
    (
        "login --graph-url http://graph.example",
        64,
        "`http://graph.example` is refused: a token goes over https",
        "`--cloud` alone is enough",
    ),
    (
        "logout --graph-url graph.microsoft.com",
        64,
        "`graph.microsoft.com`",
        "`https://graph.microsoft.com/beta`",
    ),
    (
        "login --auth client-secret",
        64,
        "`--auth client-secret` asks for a different way",
        "leave `--auth` (and `ASSIGNCTL_AUTH`) out",
    ),
    (
        "login",
        7,
        "`http://127.0.0.1:1/organizations/oauth2/v2.0/devicecode`",
        "set `HTTPS_PROXY`",
    ),
    (
        "plan m.yaml --auth login",
        7,
        "`http://127.0.0.1:1/organizations/oauth2/v2.0/devicecode`",
        "set `HTTPS_PROXY`",
    ),
];

#[test]
fn what_may_not_be_read_is_said_with_the_permission_that_lacks() {
    let world = world();
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!(["GroupMember.Read.All"]);
    });
    for command in [
        "list --kind configurationPolicy",
        "explain P m.yaml",
        "export --into new --unmanaged",
        "schema --from-tenant",
        "init new",
        "approvals",
        "doctor --try-writes P --yes",
        "plan m.yaml",
        "drift m.yaml",
    ] {
        let line = format!("{command} --sandbox tenant.json");
        let permission = "DeviceManagementConfiguration.Read";
        check(&world, &[(line.leak(), 7, "", permission)]);
        assert!(!world.has("new"), "{command}");
    }
}

/// Folders in which nothing can be made; the superuser can make files anywhere.
#[cfg(target_os = "linux")]
#[test]
fn what_cannot_be_written_is_said_before_anything_is_read() {
    let world = world();
    for (line, fault) in [
        (
            "plan m.yaml --out /proc/x.json",
            "`/proc/x.json` cannot be written",
        ),
        (
            "export --snapshot /proc/x.json",
            "`/proc/x.json` cannot be written",
        ),
        ("export --out /proc/x", "`/proc/x` cannot be written"),
        (
            "export --into /proc/x --unmanaged",
            "`/proc/x` cannot be written",
        ),
        ("init /proc/x", "`/proc/x"),
        (
            "list --json-into /proc/x.json",
            "`/proc/x.json` cannot be written",
        ),
        (
            "doctor --share /proc/x.json",
            "`/proc/x.json` cannot be written",
        ),
    ] {
        let line = format!("{line} --sandbox tenant.json");
        check(&world, &[(line.leak(), 1, fault, "writable folder")]);
    }
}
