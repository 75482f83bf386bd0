//! `examples/msp`: a baseline for five tenants, from the check to no drift, and its pipelines.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::support::World;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/msp")
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        match path.is_dir() {
            true => copy(&path, &target),
            false => drop(std::fs::copy(&path, &target).expect("a copy")),
        }
    }
}

fn example() -> World {
    let world = World::empty();
    copy(&root(), &world.path("."));
    world
}

#[test]
fn the_example_goes_from_a_check_to_no_drift() {
    let world = example();
    let run = |command: &str| world.run(&format!("{command} --sandbox sandbox"));
    world
        .run("validate")
        .exits(0)
        .says(&["Valid for 5 tenants"]);
    run("tenants check")
        .exits(0)
        .says(&["fabrikam: lacks nothing"]);
    run("plan --all-tenants --detailed-exitcode --out plans")
        .exits(2)
        .says(&["contoso", "+ exclude group SG-Board-Laptops"]);
    run("drift --all-tenants").exits(2);
    // No customer loses anything by the first apply.
    for tenant in ["adatum", "contoso", "fabrikam", "northwind", "tailspin"] {
        let plan = world.json(&format!("plans/{tenant}.plan.json"));
        assert_eq!(plan["summary"]["remove"], 0, "{tenant}");
        assert_ne!(plan["summary"]["changed"], 0, "{tenant}");
        for guard in plan["guards"].as_array().expect("guards") {
            assert_eq!(guard["tripped"], false, "{tenant} {guard}");
        }
    }
    run("apply plans --report reports").exits(0);
    run("drift --all-tenants").exits(0);
    // What a tenant skips is left as it was.
    let tailspin = world.json("sandbox/tailspin.json");
    assert_eq!(
        crate::cli::support::tenant::rows(&tailspin, "Win - Browser - Edge").len(),
        0
    );
    run("rollback reports --yes").exits(0);
    run("apply --tenant label:gold --yes")
        .exits(0)
        .says(&["2 tenants"]);
}

fn pipeline(name: &str) -> Value {
    let text = std::fs::read_to_string(root().join("pipelines").join(name)).expect("the example");
    serde_saphyr::from_str(&text).expect("YAML")
}

#[test]
fn the_pipelines_run_what_there_is() {
    let workflow = pipeline("github-actions.yml");
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    let jobs = workflow["jobs"].as_object().expect("jobs");
    let mut world = example();
    world.set("ASSIGNCTL_SANDBOX", "sandbox");
    let version = env!("CARGO_PKG_VERSION");
    for (name, job) in jobs {
        assert!(job["permissions"].is_object(), "{name}");
        for step in job["steps"].as_array().expect("steps") {
            let script = step["run"].as_str().unwrap_or_default();
            assert!(!script.contains("${{"), "{name}: {script}");
            if let Some((_, pin)) = step["uses"].as_str().and_then(|uses| uses.split_once('@')) {
                assert_eq!(pin.len(), 40, "{name}: {pin}");
            }
        }
    }
    let command = |job: &str| {
        let steps = jobs[job]["steps"].as_array().expect("steps");
        let mut scripts = steps.iter().filter_map(|step| step["run"].as_str());
        let found = scripts.find_map(|script| script.strip_prefix("assignctl "));
        found.expect("a command").to_owned()
    };
    let shards = jobs["plan"]["strategy"]["matrix"]["shard"].clone();
    assert_eq!(shards, jobs["apply"]["strategy"]["matrix"]["shard"]);
    let shards = shards.as_array().expect("shards").len();
    std::fs::create_dir(world.path("results")).expect("a folder");
    for index in 1..=shards {
        let values = jobs["plan"]["env"].as_object().expect("variables");
        for name in ["ASSIGNCTL_SHARD", "ASSIGNCTL_JSON_INTO"] {
            let value = values[name].as_str().expect("a text");
            let index = index.to_string();
            world.set(name, &value.replace("${{ matrix.shard }}", &index));
        }
        world.run(&command("plan")).exits(0);
    }
    world.set("ASSIGNCTL_SHARD", "");
    world.set("ASSIGNCTL_JSON_INTO", "");
    let merge = command("merge").replace(" --ci github", "");
    world.run(&merge).exits(0).says(&["5 tenants"]);
    world.run(&command("apply")).exits(0);
    let job = pipeline("kubernetes.yaml");
    let spec = &job["spec"]["jobTemplate"]["spec"];
    let container = &spec["template"]["spec"]["containers"][0];
    let image = container["image"].as_str().expect("a text");
    assert!(image.ends_with(&format!(":{version}")), "{image}");
    assert_eq!(spec["completionMode"], "Indexed");
    // That a tenant differs is no reason to ask again.
    let rules = spec["podFailurePolicy"]["rules"].as_array().expect("rules");
    let ends = |code: u64| {
        rules.iter().any(|rule| {
            let codes = rule["onExitCodes"]["values"].as_array();
            rule["action"] == "FailIndex" && codes.is_some_and(|codes| codes.contains(&code.into()))
        })
    };
    let again: Vec<u64> = (1..=130).filter(|code| !ends(*code)).collect();
    assert!(again.contains(&1) && again.contains(&7) && again.contains(&130));
    assert!([2, 3, 4, 64].into_iter().all(ends), "{rules:?}");
    assert_eq!(spec["template"]["spec"]["restartPolicy"], "Never");
    let own = container["env"].as_array().expect("variables");
    let named = own
        .iter()
        .any(|variable| variable["name"] == "ASSIGNCTL_RUN_ID");
    assert!(named, "{own:?}");
    world.set("ASSIGNCTL_RUN_ID", "intune-drift-29012345");
    let pods = spec["completions"].as_u64().expect("a number");
    for index in 0..pods {
        world.set("JOB_COMPLETION_INDEX", &index.to_string());
        let args = container["args"].as_array().expect("a list").iter();
        let args: Vec<String> = args
            .map(|word| word.as_str().expect("a text"))
            .map(|word| word.replace("/baseline/", ""))
            .map(|word| word.replace("/results/$(JOB_COMPLETION_INDEX)", &format!("pods-{index}")))
            .collect();
        world.run(&args.join(" ")).exits(0);
    }
    std::fs::create_dir(world.path("pods")).expect("a folder");
    for index in 0..pods {
        let file = format!("pods-{index}.json");
        std::fs::rename(world.path(&file), world.path(&format!("pods/{file}"))).expect("a file");
    }
    world
        .run("tenants merge pods")
        .exits(0)
        .says(&["5 tenants", "nothing to do"]);
}
