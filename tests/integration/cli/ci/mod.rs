//! The pipelines in `examples/ci`: every shell step is run, with what its vendor's runner gives it.

mod azure;
mod github;
mod runner;

use std::process::Command;

use serde_json::Value;

use super::support::World;
use super::support::tenant::Tenant;
use runner::{list, read, text};

/// A policy that shall be assigned to `B` too, and one that nobody manages.
fn tenant() -> Tenant {
    Tenant::common().policy("P", &["+A"]).policy("Q", &[])
}

const WANTED: &str = "name: P, include: [group: A, group: B]";

/// Adds a row behind everybody's back.
fn drift(state: &mut Value) {
    let mut row = state["configurationPolicies"][0]["assignments"][0].clone();
    row["id"] = Value::Null;
    row["target"]["groupId"] = Value::from("bbbbbbbb-0000-4000-8000-000000000003");
    let rows = state["configurationPolicies"][0]["assignments"].as_array_mut();
    rows.expect("a list").push(row);
}

/// Takes all rows away behind everybody's back.
fn emptied(state: &mut Value) {
    state["configurationPolicies"][0]["assignments"] = serde_json::json!([]);
}

/// The report of a run that ended before it had a plan, as earlier pipelines may have kept it.
const NEVER_BEGAN: &str = r#"{"formatVersion":"1.0","event":"start","digest":null,"tenantId":null,"graphUrl":"g","selection":{"partial":false},"guards":[]}
{"event":"end","exitCode":3,"summary":{"applied":0,"already":0,"failed":0,"stale":0,"skipped":0},"requests":{"reads":1,"writes":0,"throttled":0,"retried":0},"elapsedMs":1}
"#;

/// Answers are filtered with `jq`, as the vendors' command lines do.
#[expect(
    clippy::print_stderr,
    reason = "somebody should know what was not checked"
)]
fn has_jq() -> bool {
    let there = Command::new("jq").arg("--version").output().is_ok();
    if !there {
        eprintln!("not run: this needs `jq`");
    }
    there
}

/// Returns all shell scripts of both pipelines.
fn scripts() -> Vec<String> {
    fn look(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value.as_str() {
                        Some(script)
                            if matches!(key.as_str(), "run" | "script" | "inlineScript") =>
                        {
                            found.push(script.to_owned());
                        }
                        _ => look(value, found),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| look(value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for name in ["github-actions.yml", "azure-pipelines.yml"] {
        look(&read(name), &mut found);
    }
    found
}

#[test]
fn every_script_is_a_script_and_takes_no_text_of_others() {
    let world = World::empty();
    let scripts = scripts();
    assert!(scripts.len() > 20, "{}", scripts.len());
    for script in scripts {
        world.write("script.sh", &script);
        let checked = Command::new("bash")
            .arg("-n")
            .arg(world.path("script.sh"))
            .output();
        let checked = checked.expect("bash");
        assert!(checked.status.success(), "{script}\n{checked:?}");
        // What a script is given comes by its environment, where it cannot become a command.
        assert!(!script.contains("${{"), "{script}");
        for macro_of in ["$(Build.", "$(System.", "$(code)"] {
            assert!(!script.contains(macro_of), "{script}");
        }
    }
}

#[test]
fn workflows_have_pinned_actions_and_least_permissions() {
    let workflow = read("github-actions.yml");
    assert_eq!(workflow["permissions"], serde_json::json!({}));
    let jobs = workflow["jobs"].as_object().expect("jobs");
    for (name, job) in jobs {
        assert!(job["permissions"].is_object(), "{name}");
        for step in list(&job["steps"]) {
            if let Some((_, pin)) = step["uses"]
                .as_str()
                .and_then(|action| action.split_once('@'))
            {
                let is_commit =
                    pin.len() == 40 && pin.chars().all(|digit| digit.is_ascii_hexdigit());
                assert!(is_commit, "{name}: {pin}");
            }
        }
    }
    // Only the job that writes has the environment of the app that writes.
    let with_environment: Vec<&String> = jobs
        .iter()
        .filter(|(_, job)| !job["environment"].is_null())
        .map(|(name, _)| name)
        .collect();
    assert_eq!(with_environment, ["apply"]);
    assert_eq!(text(&jobs["apply"]["concurrency"]["group"]), "intune-apply");
    // The repository may itself be a fork.
    let head = "github.event.pull_request.head.repo.full_name";
    for (name, is_same) in [("plan", "=="), ("plan-fork", "!=")] {
        let condition = text(&jobs[name]["if"]);
        let part = format!("{head} {is_same} github.repository");
        assert!(condition.contains(&part), "{name}: {condition}");
    }
    // By hand it could be started on any branch.
    let condition = text(&jobs["apply"]["if"]);
    assert!(
        condition.starts_with("github.ref == 'refs/heads/main' && ("),
        "{condition}"
    );
    let all = workflow.to_string();
    assert!(!all.contains("secrets."), "there are none");
}
