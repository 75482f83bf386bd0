//! The pipelines in `examples/ci`: short, without shell logic, with least rights; and the commands in them
//! are ones that run.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::platform::{Event, Kind, Platform};
use super::{WANTED, tenant};
use crate::cli::support::World;

const NAMES: [&str; 4] = [
    "azure-pipelines.yml",
    "github-actions-forks.yml",
    "github-actions.yml",
    "gitlab-ci.yml",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci")
}

fn text(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).expect("the example")
}

fn read(name: &str) -> Value {
    serde_saphyr::from_str(&text(name)).expect("YAML")
}

/// What is copied installs the version that it stands beside.
#[test]
fn they_and_the_pages_on_installing_name_this_version() {
    let version = env!("CARGO_PKG_VERSION");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files: Vec<PathBuf> = NAMES.iter().map(|name| folder().join(name)).collect();
    files.extend(["action.yml", "docs/install.md"].map(|name| root.join(name)));
    for file in files {
        let text = std::fs::read_to_string(&file).expect("the file");
        let named: Vec<&str> = text
            .split(|character: char| !(character.is_ascii_alphanumeric() || character == '.'))
            .map(|word| word.trim_start_matches('v').trim_end_matches('.'))
            .filter(|word| {
                let numbers: Vec<&str> = word.split('.').collect();
                numbers.len() == 3
                    && numbers[0] == "0"
                    && numbers.iter().all(|number| number.parse::<u32>().is_ok())
            })
            .collect();
        assert!(!named.is_empty(), "{}", file.display());
        for found in named {
            assert_eq!(found, version, "{}", file.display());
        }
    }
}

/// Returns all texts of a pipeline.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.values().for_each(|value| texts(value, found)),
        Value::Array(list) => list.iter().for_each(|value| texts(value, found)),
        Value::String(text) => found.push(text.clone()),
        _ => {}
    }
}

/// Returns what the pipeline asks of the program, without its name.
fn commands(name: &str) -> Vec<String> {
    let mut found = Vec::new();
    texts(&read(name), &mut found);
    let words = ["plan ", "apply ", "drift ", "export "];
    found
        .iter()
        .map(|text| text.strip_prefix("assignctl ").unwrap_or(text))
        .filter(|text| words.iter().any(|word| text.starts_with(word)) && text.contains("--"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn they_are_short_and_hold_no_shell_logic() {
    let mut there: Vec<String> = std::fs::read_dir(folder())
        .expect("the folder")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .into_string()
                .expect("a name")
        })
        .collect();
    there.sort();
    assert_eq!(there, NAMES);
    for name in NAMES {
        let text = text(name);
        assert!(
            text.lines().count() <= 60,
            "{name}: {}",
            text.lines().count()
        );
        for word in [
            "if [", "done", "while ", "case ", "jq ", "curl -H", "|| true", "$?",
        ] {
            assert!(!text.contains(word), "{name}: `{word}`");
        }
    }
}

#[test]
fn their_commands_run() {
    let mut seen = Vec::new();
    for (name, kind) in [
        ("github-actions.yml", Kind::GitHub),
        ("azure-pipelines.yml", Kind::AzureDevOps),
        ("gitlab-ci.yml", Kind::GitLab),
    ] {
        let world = World::new(&tenant());
        world.manifest(&[WANTED]);
        world.write("manifests/m.yaml", &world.read("m.yaml"));
        let mut platform = Platform::new(kind, world);
        let commands = commands(name);
        assert_eq!(commands.len(), 3, "{name}: {commands:?}");
        for (word, event) in [
            ("plan", Event::Proposed),
            ("apply", Event::Merged),
            ("drift", Event::Schedule),
        ] {
            let command = commands.iter().find(|command| command.starts_with(word));
            let command = command
                .expect("a command")
                .replace("$(Pipeline.Workspace)/report", ".assignctl/reports");
            platform.start(event);
            platform.world.sandbox(&command).exits(0);
            seen.push(format!("{}: {command}", kind.name()));
        }
        assert_eq!(platform.world.rows("P"), ["+A", "+B"], "{name}");
        assert_eq!(platform.changes(), ["comment 101", "comment 102"], "{name}");
    }
    assert_eq!(seen.len(), 9, "{seen:?}");
    // Against a snapshot that an earlier run of the same pipeline has made.
    let mut forks = commands("github-actions-forks.yml");
    forks.sort();
    assert_eq!(
        forks,
        [
            "export --snapshot snapshot.json",
            "plan manifests --ci github --sandbox snapshot.json"
        ]
    );
    let world = World::new(&tenant());
    world.manifest(&[WANTED]);
    world.write("manifests/m.yaml", &world.read("m.yaml"));
    world.sandbox(&forks[0]).exits(0);
    let mut platform = Platform::new(Kind::GitHub, world);
    platform.start(Event::Fork);
    platform
        .world
        .run(&forks[1])
        .exits(0)
        .says(&["it comes from a fork"]);
    assert!(platform.summary("plan").contains("1 assignment to add"));
}

/// The image is built from what is pinned by digest, and holds one program that is not run as root.
#[test]
fn the_image_is_pinned_small_and_not_run_as_root() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("Dockerfile");
    let text = std::fs::read_to_string(path).expect("the Dockerfile");
    let words: Vec<Vec<&str>> = text
        .lines()
        .map(|line| line.split_whitespace().collect())
        .collect();
    let bases: Vec<&str> = words
        .iter()
        .filter(|line| line.first() == Some(&"FROM"))
        .map(|line| line[1])
        .collect();
    let [builder, "scratch"] = bases[..] else {
        panic!("{bases:?}")
    };
    let (_, digest) = builder.split_once("@sha256:").expect("a digest");
    assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
    // The toolchain is not older than the crate needs.
    assert!(builder.starts_with(&format!("rust:{}-alpine@", env!("CARGO_PKG_RUST_VERSION"))));
    let last = words
        .iter()
        .rposition(|line| line.first() == Some(&"FROM"))
        .expect("a stage");
    let of_last = |name: &str| -> Vec<&[&str]> {
        words[last..]
            .iter()
            .filter(|line| line.first() == Some(&name))
            .map(|line| &line[1..])
            .collect()
    };
    assert_eq!(of_last("USER"), [&["65532:65532"]]);
    let copied: Vec<&str> = of_last("COPY").iter().map(|line| line[2]).collect();
    assert_eq!(
        copied,
        [
            "/etc/ssl/certs/ca-certificates.crt",
            "/usr/local/bin/assignctl"
        ]
    );
    for name in ["RUN", "ADD"] {
        assert!(of_last(name).is_empty());
    }
    assert!(words.iter().all(|line| line.first() != Some(&"ADD")));
}

/// Checks that every action is pinned, and that every job says what it may do.
#[test]
fn githubs_have_pinned_actions_and_least_permissions() {
    for name in ["github-actions.yml", "github-actions-forks.yml"] {
        let workflow = read(name);
        assert_eq!(workflow["permissions"], json!({}));
        for (job, value) in workflow["jobs"].as_object().expect("jobs") {
            assert!(value["permissions"].is_object(), "{job}");
            for step in value["steps"].as_array().expect("steps") {
                if let Some((_, pin)) = step["uses"].as_str().and_then(|uses| uses.split_once('@'))
                {
                    let is_commit =
                        pin.len() == 40 && pin.chars().all(|digit| digit.is_ascii_hexdigit());
                    assert!(is_commit, "{job}: {pin}");
                }
                // What a script is given comes by its environment, where it cannot become a command.
                let script = step["run"].as_str().unwrap_or_default();
                assert!(!script.contains("${{"), "{job}: {script}");
            }
        }
        assert!(!text(name).contains("secrets."), "there are none");
    }
    let workflow = read("github-actions.yml");
    let jobs = &workflow["jobs"];
    // Only the job that writes has the environment of the app that writes, and only on the main branch:
    // by hand it could be started on any.
    assert_eq!(jobs["apply"]["environment"], "intune-write");
    assert_eq!(jobs["plan"]["environment"], "intune-read");
    assert_eq!(jobs["drift"]["environment"], "intune-read");
    let condition = jobs["apply"]["if"].as_str().expect("a condition");
    assert!(
        condition.starts_with("github.ref == 'refs/heads/main' && ("),
        "{condition}"
    );
    assert_eq!(
        jobs["apply"]["concurrency"],
        json!({"group": "intune-apply", "cancel-in-progress": false})
    );
    // The repository may itself be a fork.
    let head = "github.event.pull_request.head.repo.full_name";
    for (name, job, is_same) in [
        ("github-actions.yml", "plan", "=="),
        ("github-actions-forks.yml", "plan", "!="),
    ] {
        let condition = read(name)["jobs"][job]["if"]
            .as_str()
            .expect("a condition")
            .to_owned();
        assert!(
            condition.contains(&format!("{head} {is_same} github.repository")),
            "{condition}"
        );
    }
}

/// Azure DevOps gives a build the place of the app that writes on the main branch only, and compares with
/// reports of builds of the main branch that have applied something.
#[test]
fn azures_place_is_chosen_by_the_branch() {
    let pipeline = read("azure-pipelines.yml");
    let variables = pipeline["variables"].as_object().expect("a mapping");
    let writing: Vec<&String> = variables
        .iter()
        .filter(|(_, value)| value["place"] == "intune-write")
        .map(|(condition, _)| condition)
        .collect();
    assert_eq!(
        writing,
        ["${{ elseif eq(variables['Build.SourceBranch'], 'refs/heads/main') }}"]
    );
    let job = &pipeline["jobs"][0];
    assert_eq!(job["environment"], "${{ variables.place }}");
    let steps = job["strategy"]["runOnce"]["deploy"]["steps"]
        .as_array()
        .expect("steps");
    let since = steps
        .iter()
        .find(|step| step["task"] == "DownloadPipelineArtifact@2");
    let inputs = &since.expect("a step")["inputs"];
    assert_eq!(inputs["runVersion"], "latestFromBranch");
    assert_eq!(inputs["runBranch"], "refs/heads/main");
    assert_eq!(inputs["tags"], "applied");
}
