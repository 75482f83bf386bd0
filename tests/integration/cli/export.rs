//! `export`: manifests whose plan has nothing to do, and snapshots that plan like the tenant.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::support::World;
use super::support::service::{Served, unreachable};
use super::support::tenant::{Tenant, group_id, policy_mut};

/// A tenant with everything that is hard to write down.
fn odd_tenant() -> Tenant {
    Tenant::common()
        .group("A")
        .group("no")
        .filter("Mac", "macOS")
        .policy("P", &["+B", "-C"])
        .policy("Q", &["+B", "-C"])
        .policy("Twin", &["+A", "allUsers [exclude F]"])
        .policy("Twin", &[])
        .policy("1.10", &["+B [include Mac]", "+no"])
        .policy("two\nlines: \u{1b}[31m", &["+B <a set>"])
        .policy(
            "* - \u{202e}",
            &["+bbbbbbbb-0000-4000-8000-000000000099", "collection MEM1"],
        )
        .compliance("P", &["allDevices"])
}

/// Returns all files of a folder with their texts.
fn tree(folder: &Path) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).expect("below it");
                let text = fs::read_to_string(&path).expect("text");
                files.insert(name.display().to_string(), text);
            }
        }
    }
    files
}

#[test]
fn a_plan_of_the_sample_tenants_export_has_nothing_to_do() {
    let world = World::empty();
    world
        .sandbox("export --out manifests")
        .exits(0)
        .matches("export/sample");
    let before = world.read("tenant.json");
    world.run("validate manifests --strict").exits(64);
    world.run("validate manifests").exits(0);
    let told = world
        .sandbox("drift manifests --format json")
        .exits(0)
        .json();
    assert_eq!(told["summary"]["managed"], 192);
    // Two defaults of enrollment, which no manifest can name.
    assert_eq!(told["summary"]["unmanaged"], 2);
    assert_eq!(world.read("tenant.json"), before);
    // The same again, byte for byte.
    world.sandbox("export --out again").exits(0);
    assert_eq!(tree(&world.path("again")), tree(&world.path("manifests")));
}

#[test]
fn manifests_go_to_stdout_as_documents() {
    let world = World::new(&odd_tenant());
    let ran = world
        .sandbox("export")
        .exits(0)
        .matches("export/odd_tenant");
    world.write("all.yaml", &ran.stdout);
    world
        .sandbox("drift all.yaml")
        .exits(0)
        .says(&[
            "all 8 managed policies",
            "warning[unknown-group]",
            "warning[filter-platform]",
        ])
        .says_nothing_of("error[");
    // JSON holds the same files.
    let told = world.sandbox("export --format json").exits(0).json();
    let files = told["files"].as_array().expect("a list");
    let texts: Vec<String> = files
        .iter()
        .map(|file| {
            format!(
                "# {}\n{}",
                file["path"].as_str().expect("text"),
                file["text"].as_str().expect("text")
            )
        })
        .collect();
    assert_eq!(texts.join("---\n"), ran.stdout);
    assert_eq!(told["leftOut"], json!([]));
    assert!(!world.has("targets.yaml"));
}

/// A manifest as someone may have written it.
fn manifest(number: usize) -> String {
    format!(
        "version: 1\npolicies:\n- {{kind: configurationPolicy, id: {}, include: [allDevices]}}\n",
        super::support::tenant::policy_id(100 + number)
    )
}

/// What is there may be of no use without what was moved away.
#[test]
fn an_export_that_was_killed_is_named_by_the_next() {
    let world = World::new(&odd_tenant());
    let uses_a_set = manifest(1).replace("include: [allDevices]", "use: [moved]");
    world.write("repo/a.yaml", &uses_a_set);
    world.write("repo/.assignctl-export-x/old/targets.yaml", "version: 1\n");
    world.sandbox("export --out repo --force").exits(1).says(&[
        "YAML that is not a valid manifest",
        "an export that was killed has left what it replaced in `",
        ".assignctl-export-x`",
    ]);
    assert_eq!(world.read("repo/a.yaml"), uses_a_set);
}

#[test]
fn what_is_no_manifest_is_never_taken_away() {
    let world = World::new(&odd_tenant());
    world.write("repo/a.yaml", &manifest(1));
    world.write("repo/docker-compose.yaml", "services: {}\n");
    world.write("repo/charts/templates/d.yaml", "x: {{ .V }}\n");
    let before = tree(&world.path("repo"));
    world.sandbox("export --out repo --force").exits(1).says(&[
        "YAML that is not a valid manifest",
        "`--force` replaces manifests only",
    ]);
    // A part is no replacement for the whole.
    world
        .sandbox("export --out repo --force --only *")
        .exits(64);
    assert_eq!(tree(&world.path("repo")), before);
}

#[test]
fn a_folder_that_holds_manifests_is_refused_unless_they_shall_be_replaced() {
    let world = World::new(&odd_tenant());
    world.write("repo/README.md", "mine");
    world.write("repo/assignctl.yaml", "cloud: public\n");
    world.write("repo/.hidden/x.yaml", "mine");
    world.sandbox("export --out repo").exits(0);
    let first = tree(&world.path("repo"));
    assert!(first.contains_key("windows.yaml") && first.contains_key("README.md"));

    world.write("repo/old/rings/a.yml", &manifest(1));
    world.write("repo/windows.yaml", &manifest(2));
    let before = tree(&world.path("repo"));
    world.sandbox("export --out repo").exits(1).says(&[
        "`repo` holds manifests: `old/rings/a.yml` and 2 more",
        "--force",
    ]);
    assert_eq!(tree(&world.path("repo")), before);

    world.sandbox("export --out repo --force").exits(0);
    assert_eq!(tree(&world.path("repo")), first);
    assert!(!world.has("repo/old"));
    world.sandbox("drift repo").exits(0);
}

#[test]
fn nothing_is_left_behind_where_something_is_in_the_way() {
    let world = World::new(&odd_tenant());
    world.write("file", "mine");
    world
        .sandbox("export --out file")
        .exits(1)
        .says(&["`file` is not a folder"]);
    world.sandbox("export --out file/below").exits(1);
    // A folder with a manifest's name: the manifests that were there stay.
    world.write("repo/windows.yaml/notes.txt", "mine");
    world.write("repo/mine.yaml", &manifest(1));
    let before = tree(&world.path("repo"));
    world.sandbox("export --out repo --force").exits(1).says(&[
        "windows.yaml` is there already",
        "hint: the folder is as it was",
    ]);
    assert_eq!(tree(&world.path("repo")), before);
    assert_eq!(world.read("file"), "mine");
}

#[cfg(unix)]
#[test]
fn a_link_out_of_the_folder_is_refused() {
    let world = World::new(&odd_tenant());
    world.write("elsewhere/x.yaml", "mine");
    world.write("repo/notes.txt", "");
    std::os::unix::fs::symlink(world.path("elsewhere"), world.path("repo/link")).expect("a link");
    world
        .sandbox("export --out repo --force")
        .exits(1)
        .says(&["a link to another folder, `link`"]);
    assert_eq!(world.read("elsewhere/x.yaml"), "mine");
    assert_eq!(tree(&world.path("repo")).len(), 2);
}

#[test]
fn a_part_of_the_policies_is_exported_where_asked() {
    let world = World::new(&odd_tenant());
    world
        .sandbox("export --out m --only P --only Q --kind configurationPolicy")
        .exits(0)
        .says(&["Exported 2 policies to `m`, 2 files."]);
    world
        .sandbox("drift m")
        .exits(0)
        .says(&["all 2 managed policies"]);
    world
        .sandbox("export --exclude *")
        .exits(3)
        .says(&["leave no policy to export"]);
    // A name that is defined twice is not unique because one of the two is left out.
    let ran = world.sandbox("export --only Twin --exclude x").exits(0);
    assert!(!ran.stdout.contains("name: Twin"), "{}", ran.stdout);
    world.sandbox("export --snapshot s.json --only P").exits(64);
}

#[test]
fn options_that_do_not_go_together() {
    let world = World::new(&odd_tenant());
    world.sandbox("export --force").exits(64);
    world.sandbox("export --out x --snapshot y").exits(64);
    world
        .sandbox("export --snapshot tenant.json")
        .exits(64)
        .says(&["`--sandbox` and `--snapshot` name the same file"]);
    world.sandbox("export extra").exits(64);
    for format in ["markdown", "github"] {
        world
            .sandbox(&format!("export --format {format}"))
            .exits(64)
            .says(&["text or JSON only"]);
    }
}

#[test]
fn a_policy_that_cannot_be_expressed_is_left_out_and_told_of() {
    let world = World::new(
        &Tenant::common()
            .policy("P", &["+A [include F]"])
            .policy("Q", &[]),
    );
    world.edit("tenant.json", |state| {
        let target = &mut policy_mut(state, "P")["assignments"][0]["target"];
        target["deviceAndAppManagementAssignmentFilterType"] = json!("perhaps");
    });
    world.sandbox("export --out m").exits(0).says(&[
        "warning[not-exported]: configurationPolicy `P` (aaaaaaaa-0000-4000-8000-000000000001) is left out: the filter mode `perhaps` is unknown",
        "Exported 1 policy to `m`, 1 file; 1 policy left out.",
    ]);
    world.sandbox("drift m").exits(0).says(&["1 unmanaged"]);
}

#[test]
fn nothing_is_written_where_nothing_was_read() {
    let mut world = World::new(&Tenant::common());
    world
        .sandbox("export --out m")
        .exits(1)
        .says(&["the tenant has no policy to export"]);
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!(["DeviceManagementConfiguration.Read.All"]);
        state["configurationPolicies"] = json!([{
            "id": "aaaaaaaa-0000-4000-8000-000000000001", "name": "P", "assignments": [{"target": {
                "@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(1),
            }}],
        }]);
    });
    world.sandbox("export --out m").exits(7);
    world.sandbox("export --snapshot s.json").exits(7);
    world.set("ASSIGNCTL_ACCESS_TOKEN", "a-token");
    let url = unreachable();
    world
        .run(&format!("export --out m --graph-url {url}"))
        .exits(1);
    world
        .run(&format!("export --snapshot s.json --graph-url {url}"))
        .exits(1);
    world
        .run("export --out m --graph-url http://example.com/beta")
        .exits(64);
    assert!(!world.has("m") && !world.has("s.json"));
}

#[test]
fn a_fork_plans_against_a_snapshot_what_others_plan_against_the_tenant() {
    let mut world = World::new(&odd_tenant());
    world.edit("tenant.json", |state| {
        let policy = policy_mut(state, "Q");
        policy["description"] = json!("kept");
        policy["assignments"][0]["novelty"] = json!({"deep": [1]});
        policy["assignments"][0]["target"]["novelty"] = json!(null);
    });
    world.write(
        "m.yaml",
        "version: 1\npolicies:\n- {kind: configurationPolicy, name: P, include: [group: B, {allUsers: true, filter: F}]}\n- {kind: configurationPolicy, match: 'Q*', mode: additive, include: [group: no]}\n",
    );
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", "sandbox.onmicrosoft.com");
    world.set("AZURE_CLIENT_ID", "me");
    world.set("AZURE_CLIENT_SECRET", "any");
    world
        .run("export --snapshot out/snapshot.json --no-progress")
        .exits(0)
        .says(&["Wrote 8 policies, 5 groups and 2 filters to `out/snapshot.json`."]);
    // The exclusion that goes trips a guard, here and there.
    let live = world.run("plan m.yaml --all --format json").exits(4).json();
    drop(served);

    // Without any secret.
    let fork = World::empty();
    fork.write("m.yaml", &world.read("m.yaml"));
    fork.write("snapshot.json", &world.read("out/snapshot.json"));
    let mut planned = fork
        .run("plan m.yaml --all --format json --sandbox snapshot.json")
        .exits(4)
        .json();
    for key in ["createdAt", "graphUrl"] {
        planned[key] = live[key].clone();
    }
    assert_eq!(planned, live);
    assert_eq!(live["summary"]["changed"], 2);
    let text = |value: &Value| value.to_string();
    let kept = fork.json("snapshot.json");
    for part in [
        r#""novelty":{"deep":[1]}"#,
        r#""novelty":null"#,
        r#""description":"kept""#,
    ] {
        assert!(text(&kept).contains(part), "{part}");
    }
    // It has no members, which is not to say that there are none.
    fork.write(
        "fewer.yaml",
        "version: 1\npolicies:\n- {kind: configurationPolicy, name: P, include: [group: no]}\n",
    );
    let fewer = "plan fewer.yaml --allow exclusion-lost --sandbox snapshot.json";
    fork.run(&format!("{fewer} --max-members-lost 1000"))
        .exits(4)
        .says(&["reach", "cannot be judged"]);
    let counted = fork.run(&format!("{fewer} --members exact --format json"));
    let counted = counted.exits(0).json();
    let reach = &counted["policies"][0]["reach"];
    assert_eq!(reach["lost"], json!({"devices": null, "users": null}));
    assert_eq!(reach["reason"], "forbidden");
    fork.run("list --group B --effective --sandbox snapshot.json")
        .exits(7)
        .says(&["membersUnknown"]);
    // A snapshot of the snapshot is the same.
    fork.run("export --snapshot again.json --sandbox snapshot.json")
        .exits(0);
    assert_eq!(fork.json("again.json"), kept);
}

#[test]
fn a_snapshot_names_a_tenant_even_where_the_token_does_not() {
    let mut world = World::new(&odd_tenant());
    let _served = Served::with_token(&mut world);
    world
        .run("export --snapshot s.json")
        .exits(0)
        .says(&["the token does not name its tenant"]);
    assert_eq!(
        world.json("s.json")["tenantId"],
        "00000000-0000-0000-0000-000000000000"
    );
    world.write(
        "assignctl.yaml",
        "tenantId: 11111111-2222-4333-8444-555555555555\n",
    );
    world.run("export --snapshot s.json").exits(0);
    assert_eq!(
        world.json("s.json")["tenantId"],
        "11111111-2222-4333-8444-555555555555"
    );
}
