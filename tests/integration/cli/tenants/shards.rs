//! Tenants divided over machines, and the results joined again.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{msp, rows};
use crate::cli::support::World;
use crate::cli::support::service::Served;

/// Takes out what differs from run to run.
fn timeless(value: &mut Value) {
    match value {
        Value::Object(map) => {
            for key in ["createdAt", "startedAt", "requests", "shard"] {
                map.remove(key);
            }
            map.values_mut().for_each(timeless);
        }
        Value::Array(list) => list.iter_mut().for_each(timeless),
        _ => {}
    }
}

/// Seven tenants beside each other, in files, of which one lacks a group.
fn seven() -> World {
    let world = msp();
    let mut tenants = String::from("version: 1\ntenants:\n");
    for number in 0..7 {
        let id = format!("{number}1111111-2222-4333-8444-555555555555");
        let name = format!("t{number}");
        writeln!(
            tenants,
            "  {name}: {{tenantId: {id}, vars: {{pilot: SG-Pilot}}}}"
        )
        .expect("memory");
        let file = format!("seven/{name}.json");
        world.write(&file, &world.read("tenants/fabrikam.json"));
        world.edit(&file, |tenant| {
            tenant["tenantId"] = id.into();
            if number == 3 {
                tenant["groups"][0]["displayName"] = "SG-Other".into();
            }
        });
    }
    world.write("tenants.yaml", &tenants);
    world.write(
        "base.yaml",
        "version: 1\nvars: {pilot: x}\npolicies:\n- kind: configurationPolicy\n  match: 'Win - *'\n  \
         include: [{group: '${pilot}'}, {group: SG-Ring}, {group: SG-Nowhere, optional: true}]\n",
    );
    world
}

/// Lets a world's runs use an emulator of all tenants, each signed in to by itself.
fn served(world: &mut World) -> Served {
    let states: Vec<String> = (0..7)
        .map(|number| format!("--state seven/t{number}.json"))
        .collect();
    let line = format!("sandbox {} --listen 127.0.0.1:0", states.join(" "));
    let served = Served::of(world, &line);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_CLIENT_ID", "71111111-2222-4333-8444-555555555555");
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    served
}

const PLAN: &str = "plan base.yaml tenants.yaml --all-tenants";
const APPLY: &str = "apply base.yaml tenants.yaml --all-tenants --yes";

/// Runs all shards at the same time, each a process of its own.
fn shards(world: &World, command: &str, folder: &str) {
    std::fs::create_dir_all(world.path(folder)).expect("a folder");
    let running: Vec<_> = (1..=3)
        .map(|index| {
            let line = format!("{command} --shard {index}/3 --json-into {folder}/{index}.json");
            let mut command = world.command(&line);
            command.stdout(std::process::Stdio::null());
            command.stderr(std::process::Stdio::null());
            command.spawn().expect("the executable")
        })
        .collect();
    for mut child in running {
        child.wait().expect("an end");
    }
}

#[test]
fn shards_against_one_emulator_come_to_what_one_run_comes_to() {
    let mut world = seven();
    let served_once = served(&mut world);
    for (name, command, exit) in [("plan", PLAN, 3), ("apply", APPLY, 3)] {
        let merge = |format: &str| {
            world
                .run(&format!("tenants merge {name} --format {format}"))
                .exits(exit)
        };
        let one = |format: &str| {
            world
                .run(&format!("{command} --format {format}"))
                .exits(exit)
        };
        if name == "plan" {
            shards(&world, command, name);
            let sizes: Vec<usize> = (1..=3)
                .map(|index| {
                    let result = world.json(&format!("{name}/{index}.json"));
                    assert_eq!(result["shard"], json!({"index": index, "of": 3}));
                    result["tenants"].as_array().expect("a list").len()
                })
                .collect();
            assert!(sizes.iter().all(|size| (2..=3).contains(size)), "{sizes:?}");
            let (mut merged, mut whole) = (merge("json").json(), one("json").json());
            timeless(&mut merged);
            timeless(&mut whole);
            assert_eq!(merged, whole);
            for format in ["text", "markdown", "github"] {
                assert_eq!(merge(format).stdout, one(format).stdout, "{format}");
            }
        } else {
            shards(&world, command, name);
            let mut merged = merge("json").json();
            timeless(&mut merged);
            let markdown = merge("markdown").stdout;
            // One run in the same tenants as they were before.
            drop(served_once);
            for number in 0..7 {
                let file = format!("seven/t{number}.json");
                let found = crate::cli::support::tenant::rows(&world.json(&file), "Win - A");
                let expected: &[&str] = match number {
                    3 => &["allUsers"],
                    _ => &["+SG-Pilot", "+SG-Ring"],
                };
                assert_eq!(found, expected, "{number}");
            }
            let mut fresh = seven();
            let _served = served(&mut fresh);
            let mut whole = fresh
                .run(&format!("{command} --format json"))
                .exits(exit)
                .json();
            timeless(&mut whole);
            let urls = |value: &Value| {
                let text = value.to_string();
                let port = text
                    .split("http://127.0.0.1:")
                    .nth(1)
                    .map(|rest| rest[..6].to_owned());
                let port = port.unwrap_or_default();
                text.replace(port.split('/').next().unwrap_or_default(), "PORT")
            };
            assert_eq!(urls(&merged), urls(&whole));
            assert!(
                markdown.starts_with("<!-- assignctl apply -->\n"),
                "{markdown}"
            );
            return;
        }
    }
}

#[test]
fn a_shard_that_is_missing_or_failed_is_an_error() {
    let world = msp();
    world.write("r/.keep", "");
    let plan = "plan m.yaml --all-tenants --sandbox tenants";
    for index in [1, 3] {
        world
            .run(&format!(
                "{plan} --shard {index}/3 --json-into r/{index}.json"
            ))
            .exits(0);
    }
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["lacks the results of 1 of 3 shards: 2"]);
    world
        .run(&format!(
            "{plan} --shard 2/3 --max-age 1h --json-into r/2.json"
        ))
        .exits(64);
    world.write("r/2.json", &world.read("r/1.json"));
    world
        .run("tenants merge r")
        .exits(1)
        .says(&["1/3 once more"]);
    world.write("wrong.yaml", "version: 1\npolicies: [{}]\n");
    world
        .run("plan m.yaml wrong.yaml --all-tenants --sandbox tenants --shard 2/3 --json-into r/2.json")
        .exits(3);
    world
        .run("tenants merge r")
        .exits(3)
        .says(&["the run that wrote `r/2.json` failed"]);
    world
        .run(&format!("{plan} --shard 2/3 --json-into r/2.json"))
        .exits(0);
    let digest = world.run("tenants merge r --format json").exits(0).json()["digest"].clone();
    let digest = digest.as_str().expect("a digest").to_owned();
    world
        .run(&format!("tenants merge r --expect-digest {digest}"))
        .exits(0);
    let other = format!("sha256:{}", "0".repeat(64));
    world
        .run(&format!("tenants merge r --expect-digest {other}"))
        .exits(5);
    world.run("tenants merge tenants").exits(1);
    world
        .run(&format!("{plan} --shard 4/3"))
        .exits(64)
        .says(&["part 4 of 3 does not exist"]);
    world
        .run(&format!("{plan} --shard job/3"))
        .exits(64)
        .says(&["JOB_COMPLETION_INDEX"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
}

/// A shard sees its own tenants only; together they may be too many.
#[test]
fn the_guard_of_tenants_is_judged_again_over_all_shards() {
    let world = msp();
    world.write("r/.keep", "");
    for index in [1, 2] {
        world
            .run(&format!(
                "plan m.yaml --all-tenants --max-tenants 1 --sandbox tenants --shard {index}/2 --json-into r/{index}.json"
            ))
            .exits(0);
    }
    world
        .run("tenants merge r")
        .exits(4)
        .says(&["guard `tenants` tripped", "(2, limit 1)"]);
}

/// Each shard is judged before it writes. What was written is not refused afterwards.
#[test]
fn what_shards_have_written_is_not_judged_again() {
    let world = msp();
    world.write("r/.keep", "");
    for index in [1, 2] {
        world
            .run(&format!(
                "apply m.yaml --all-tenants --max-tenants 1 --yes --sandbox tenants --shard {index}/2 --json-into r/{index}.json"
            ))
            .exits(0);
    }
    let merged = world.run("tenants merge r").exits(0);
    let said = [merged.stdout, merged.stderr].concat();
    assert!(!said.contains("--allow tenants"), "{said}");
    // A shard that was refused is still said to be.
    let world = msp();
    world.write("r/.keep", "");
    world
        .run("apply m.yaml --all-tenants --max-tenants 0 --yes --sandbox tenants --json-into r/1.json")
        .exits(4);
    world
        .run("tenants merge r")
        .exits(4)
        .says(&["guard `tenants` tripped", "--allow tenants"]);
}

/// That the digest differs hides nothing that is worse.
#[test]
fn the_worst_of_what_is_merged_is_what_counts() {
    let world = msp();
    world.write("r/.keep", "");
    let plan = "plan m.yaml --all-tenants --sandbox tenants --json-into r/1.json";
    let other = format!("sha256:{}", "0".repeat(64));
    let merge = format!("tenants merge r --expect-digest {other}");
    world.run(plan).exits(0);
    world.run(&merge).exits(5);
    world.edit("tenants/contoso.json", |tenant| {
        tenant["groups"] = json!([]);
    });
    // Of 3 and 5, 3 comes first.
    world.run(plan).exits(3);
    world
        .run(&merge)
        .exits(3)
        .says(&["differs from the reviewed one"]);
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    world.run(plan).exits(1);
    world.run(&merge).exits(1).says(&[
        "differs from the reviewed one",
        "these tenants could not be planned: contoso",
    ]);
}
