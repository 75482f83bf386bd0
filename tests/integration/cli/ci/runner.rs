//! Runs the shell steps of a pipeline as its vendor's runner does, as far as that can be: in order, with
//! their environment, until one fails. The vendors' command lines are stubs that write down what they are
//! asked; the service is the emulator over HTTP.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::cli::support::World;
use crate::cli::support::service::Served;
use crate::cli::support::tenant::Tenant;

/// A checkout, a tenant behind HTTP, and the vendor's command line.
pub(super) struct Runner {
    pub(super) world: World,
    served: Served,
    /// What expressions, macros and conditions are worth.
    context: BTreeMap<String, String>,
    /// What steps have said for others.
    outputs: BTreeMap<String, String>,
}

/// What became of a job.
#[derive(Debug)]
pub(super) struct Job {
    /// The names of the shell steps that were run, each with its exit code.
    pub(super) steps: Vec<(String, i32)>,
    pub(super) said: String,
}

impl Job {
    /// Returns the exit code of a step; none where it was not run.
    pub(super) fn code(&self, step: &str) -> Option<i32> {
        let found = self.steps.iter().find(|(name, _)| name == step);
        found.map(|(_, code)| *code)
    }

    #[track_caller]
    pub(super) fn succeeds(self) -> Self {
        assert!(self.steps.iter().all(|(_, code)| *code == 0), "{self:#?}");
        self
    }

    /// Checks that the job is red because of one step, and with which code.
    #[track_caller]
    pub(super) fn fails_at(self, step: &str, code: i32) -> Self {
        let failed: Vec<&(String, i32)> =
            self.steps.iter().filter(|(_, code)| *code != 0).collect();
        assert_eq!(failed, [&(step.to_owned(), code)], "{self:#?}");
        self
    }
}

pub(super) fn read(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/ci")
        .join(name);
    let text = std::fs::read_to_string(path).expect("the example");
    serde_saphyr::from_str(&text).expect("YAML")
}

impl Runner {
    pub(super) fn new(tenant: &Tenant, entries: &[&str]) -> Self {
        let world = World::new(tenant);
        world.manifest(entries);
        let manifest = world.read("m.yaml");
        world.write("checkout/manifests/m.yaml", &manifest);
        world.write("stub/calls", "");
        let bin = world.path("bin");
        std::fs::create_dir(&bin).expect("a folder");
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/integration/fixtures/ci");
        for tool in ["gh", "az", "cargo"] {
            std::os::unix::fs::symlink(tools.join(tool), bin.join(tool)).expect("a link");
        }
        std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_assignctl"), bin.join("assignctl"))
            .expect("a link");
        let served = Served::start(&world);
        Self {
            world,
            served,
            context: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// Changes the tenant while nobody looks: ends the service, and serves what is there then.
    pub(super) fn with_tenant(self, change: impl FnOnce(&mut Value)) -> Self {
        let Self {
            world,
            served,
            context,
            outputs,
        } = self;
        drop(served);
        world.edit("tenant.json", change);
        Self {
            served: Served::start(&world),
            world,
            context,
            outputs,
        }
    }

    /// Writes another manifest.
    pub(super) fn manifest(&self, entries: &[&str]) {
        self.world.manifest(entries);
        let manifest = self.world.read("m.yaml");
        self.world.write("checkout/manifests/m.yaml", &manifest);
    }

    /// Says what an expression, a macro or a condition is worth.
    pub(super) fn set(&mut self, name: &str, value: &str) {
        self.context.insert(name.to_owned(), value.to_owned());
    }

    /// Says what the vendor's command line answers.
    pub(super) fn answer(&self, name: &str, value: &Value) {
        self.world
            .write(&format!("stub/{name}.json"), &value.to_string());
    }

    /// Returns what the vendor's command line was asked that changes something, and forgets it.
    pub(super) fn changes(&self) -> Vec<String> {
        let calls = self.world.read("stub/calls");
        self.world.write("stub/calls", "");
        // A call may go over several lines; what follows the first says nothing of what is done.
        calls
            .lines()
            .filter(|line| line.starts_with("gh ") || line.starts_with("az "))
            .filter(|line| {
                ["PATCH", "POST", " create ", " edit ", " close ", " update "]
                    .iter()
                    .any(|word| line.contains(word))
            })
            .map(str::to_owned)
            .collect()
    }

    /// Returns the text that the latest change carried.
    pub(super) fn body(&self) -> String {
        self.world.read("stub/body")
    }

    pub(super) fn has_artifact(&self, path: &str) -> bool {
        self.world.has(&format!("stub/artifacts/{path}"))
    }

    /// Runs a job of GitHub's.
    pub(super) fn github(&mut self, workflow: &Value, name: &str) -> Job {
        let job = &workflow["jobs"][name];
        let mut environment = self.environment(&workflow["env"]);
        environment.extend(self.environment(&job["env"]));
        self.world.write("github/summary", "");
        let mut done = Job {
            steps: Vec::new(),
            said: String::new(),
        };
        for step in list(&job["steps"]) {
            let failed = done.steps.iter().any(|(_, code)| *code != 0);
            let wanted = match step["if"].as_str() {
                None => !failed,
                Some("always()") => true,
                Some(condition) => !failed && self.is(condition),
            };
            if !wanted {
                continue;
            }
            if let Some(action) = step["uses"].as_str() {
                if action.starts_with("actions/upload-artifact@") {
                    let name = self.filled(text(&step["with"]["name"]));
                    self.publish(text(&step["with"]["path"]), &name);
                }
                continue;
            }
            let script = text(&step["run"]);
            assert!(
                !script.contains("${{"),
                "an expression in a script: {script}"
            );
            self.world.write("github/output", "");
            let mut environment = environment.clone();
            environment.extend(self.environment(&step["env"]));
            for file in ["output", "summary", "path"] {
                let path = self.world.path(&format!("github/{file}"));
                environment.insert(
                    format!("GITHUB_{}", file.to_uppercase()).replace("SUMMARY", "STEP_SUMMARY"),
                    path.display().to_string(),
                );
            }
            environment.insert(
                "GITHUB_REPOSITORY".to_owned(),
                "owner/repository".to_owned(),
            );
            environment.insert("GITHUB_SHA".to_owned(), "0123456789abcdef".to_owned());
            let (code, said) = self.shell(&["-eo", "pipefail"], script, &environment);
            if let Some(id) = step["id"].as_str() {
                for line in self.world.read("github/output").lines() {
                    let (name, value) = line.split_once('=').expect("name=value");
                    self.outputs
                        .insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
                }
            }
            done.steps.push((text(&step["name"]).to_owned(), code));
            done.said.push_str(&said);
        }
        done
    }

    /// Runs a stage of Azure's, which has one job.
    pub(super) fn azure(&mut self, pipeline: &Value, name: &str) -> Job {
        let stage = list(&pipeline["stages"])
            .iter()
            .find(|stage| stage["stage"] == name)
            .expect("a stage");
        let job = &stage["jobs"][0];
        let steps = match &job["steps"] {
            Value::Null => &job["strategy"]["runOnce"]["deploy"]["steps"],
            steps => steps,
        };
        let mut environment = self.environment(&pipeline["variables"]);
        for (variable, value) in [
            ("SYSTEM_COLLECTIONURI", "https://dev.azure.example/owner/"),
            ("SYSTEM_TEAMPROJECT", "project"),
            ("BUILD_REPOSITORY_ID", "repository"),
            ("SYSTEM_PULLREQUEST_PULLREQUESTID", "7"),
            // What the task AzureCLI@2 sets with `addSpnToEnvironment`.
            ("servicePrincipalId", "me"),
            ("tenantId", "sandbox.onmicrosoft.com"),
        ] {
            environment.insert(variable.to_owned(), value.to_owned());
        }
        let workspace = self.world.path("stub/artifacts").display().to_string();
        environment.insert("PIPELINE_WORKSPACE".to_owned(), workspace);
        let mut done = Job {
            steps: Vec::new(),
            said: String::new(),
        };
        for step in list(steps) {
            let failed = done.steps.iter().any(|(_, code)| *code != 0);
            let wanted = match step["condition"].as_str() {
                None => !failed,
                Some("always()") => true,
                Some(condition) => !failed && self.is(condition),
            };
            if !wanted {
                continue;
            }
            if let Some(path) = step["publish"].as_str() {
                self.publish(path, text(&step["artifact"]));
                continue;
            }
            let script = match (step["script"].as_str(), step["task"].as_str()) {
                (Some(script), _) => script,
                (None, Some("AzureCLI@2")) => text(&step["inputs"]["inlineScript"]),
                (None, Some("DownloadPipelineArtifact@2")) => {
                    self.fetch(text(&step["inputs"]["artifact"]));
                    continue;
                }
                (None, other) => {
                    assert!(other.is_none() && step["checkout"] == "self", "{step}");
                    continue;
                }
            };
            let mut environment = environment.clone();
            environment.extend(self.environment(&step["env"]));
            // Nobody promises that a variable without a value is set.
            environment.retain(|_, value| !value.is_empty());
            // The runner gives bash no options: what a script wants it has to set.
            let (code, said) = self.shell(&[], script, &environment);
            for line in said.lines() {
                if let Some(rest) = line.strip_prefix("##vso[task.setvariable variable=") {
                    let (name, value) = rest.split_once(']').expect("a value");
                    self.outputs.insert(name.to_owned(), value.to_owned());
                }
            }
            done.steps
                .push((text(&step["displayName"]).to_owned(), code));
            done.said.push_str(&said);
        }
        done
    }

    fn is(&self, condition: &str) -> bool {
        match self.context.get(condition).map(String::as_str) {
            Some("true") => true,
            Some("false") => false,
            other => panic!("what is `{condition}`? {other:?}"),
        }
    }

    fn environment(&self, of: &Value) -> BTreeMap<String, String> {
        let Some(map) = of.as_object() else {
            return BTreeMap::new();
        };
        map.iter()
            .map(|(name, value)| (name.clone(), self.filled(text(value))))
            .collect()
    }

    /// Puts in what expressions (`${{ … }}`) and macros (`$(…)`) are worth.
    fn filled(&self, value: &str) -> String {
        let mut filled = value.to_owned();
        for (open, close) in [("${{", "}}"), ("$(", ")")] {
            while let Some((before, rest)) = filled.split_once(open) {
                let (name, after) = rest.split_once(close).expect("an end");
                let name = name.trim();
                let known = self.outputs.get(name).or_else(|| self.context.get(name));
                let known = known.unwrap_or_else(|| panic!("what is `{name}`?"));
                filled = format!("{before}{known}{after}");
            }
        }
        filled
    }

    fn publish(&self, path: &str, artifact: &str) {
        let file = self.world.path("checkout").join(path);
        if let Ok(bytes) = std::fs::read(file) {
            let folder = self.world.path("stub/artifacts").join(artifact);
            std::fs::create_dir_all(&folder).expect("a folder");
            std::fs::write(folder.join(path), bytes).expect("a file");
        }
    }

    fn fetch(&self, artifact: &str) {
        let from = self.world.path("stub/artifacts").join(artifact);
        let to = self.world.path("checkout/last");
        std::fs::create_dir_all(&to).expect("a folder");
        for entry in std::fs::read_dir(from).into_iter().flatten() {
            let entry = entry.expect("an entry");
            std::fs::copy(entry.path(), to.join(entry.file_name())).expect("a file");
        }
    }

    fn shell(
        &self,
        options: &[&str],
        script: &str,
        environment: &BTreeMap<String, String>,
    ) -> (i32, String) {
        self.world.write("script.sh", script);
        let mut paths = vec![self.world.path("bin")];
        paths.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        let output = Command::new("bash")
            .args(["--noprofile", "--norc"])
            .args(options)
            .arg(self.world.path("script.sh"))
            .current_dir(self.world.path("checkout"))
            .env_clear()
            .env("PATH", std::env::join_paths(paths).expect("a path"))
            .env("HOME", self.home())
            .env("STUB", self.world.path("stub"))
            .env("ASSIGNCTL_GRAPH_URL", &self.served.url)
            .env("AZURE_AUTHORITY_HOST", self.served.authority())
            // Stands for the federated sign-in, whose tokens only the vendor gives.
            .env("AZURE_CLIENT_SECRET", "any")
            .envs(environment)
            .output()
            .expect("bash");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.code().unwrap_or(-1), said)
    }

    fn home(&self) -> PathBuf {
        self.world.path("")
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

pub(super) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
