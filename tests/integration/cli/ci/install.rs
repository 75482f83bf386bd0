//! `packaging/install`, which `action.yml` runs, against releases on loopback.

use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::cli::support::World;
use crate::cli::support::stand_in::{Reply, StandIn};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// A release that holds a program, and what its checksums say.
struct Release {
    world: World,
    server: StandIn,
    archive: String,
    sums: Arc<Mutex<String>>,
}

fn output(command: &mut Command) -> String {
    let output = command.output().expect("the command");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

impl Release {
    /// Returns `None` where there is no release for this machine.
    fn new() -> Option<Self> {
        let target = match (std::env::consts::OS, std::env::consts::ARCH) {
            ("linux", arch @ ("x86_64" | "aarch64")) => format!("{arch}-unknown-linux-musl"),
            ("macos", arch @ ("x86_64" | "aarch64")) => format!("{arch}-apple-darwin"),
            _ => return None,
        };
        let world = World::empty();
        let name = format!("assignctl-{VERSION}-{target}");
        let archive = format!("{name}.tar.gz");
        world.write(
            &format!("{name}/assignctl"),
            &format!("#!/bin/sh\necho assignctl {VERSION}\n"),
        );
        output(
            Command::new("chmod")
                .arg("+x")
                .arg(world.path(&format!("{name}/assignctl"))),
        );
        output(
            Command::new("tar")
                .arg("-C")
                .arg(world.path(""))
                .arg("-czf")
                .arg(world.path(&archive))
                .arg(&name),
        );
        let bytes = std::fs::read(world.path(&archive)).expect("the archive");
        let sum = output(
            Command::new("sh")
                .arg("-c")
                .arg("sha256sum \"$0\" || shasum -a 256 \"$0\"")
                .arg(world.path(&archive)),
        );
        let sum = sum.split_whitespace().next().expect("a checksum");
        let sums = Arc::new(Mutex::new(format!(
            "{sum}  {archive}\n{}  other.zip\n",
            "0".repeat(64)
        )));
        let (served, kept) = (archive.clone(), Arc::clone(&sums));
        let server = StandIn::start(move |seen| {
            let folder = format!("/releases/download/v{VERSION}/");
            let body = match seen.path().strip_prefix(&folder) {
                Some("SHA256SUMS") => kept
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .clone()
                    .into_bytes(),
                Some(name) if name == served => bytes.clone(),
                _ => {
                    return Reply {
                        status: 404,
                        headers: vec![],
                        body: vec![],
                    };
                }
            };
            Reply {
                status: 200,
                headers: vec![],
                body,
            }
        });
        Some(Self {
            world,
            server,
            archive,
            sums,
        })
    }

    fn set(&self, sums: &str) {
        *self.sums.lock().unwrap_or_else(PoisonError::into_inner) = sums.to_owned();
    }

    /// Runs the script of the action as its runner does.
    fn install(&self, version: &str, attested: &str) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let action = std::fs::read_to_string(root.join("action.yml")).expect("the action");
        let action: Value = serde_saphyr::from_str(&action).expect("YAML");
        let script = action["runs"]["steps"][0]["run"]
            .as_str()
            .expect("a script");
        assert!(
            !script.contains("${{"),
            "what it is given comes by its environment"
        );
        let mut paths = vec![self.world.path("bin")];
        paths.extend(std::env::split_paths(
            &std::env::var_os("PATH").unwrap_or_default(),
        ));
        Command::new("bash")
            .args(["-eo", "pipefail", "-c", script])
            .env("PATH", std::env::join_paths(paths).expect("a path"))
            .env("GITHUB_ACTION_PATH", root)
            .env("RUNNER_TEMP", self.world.path("temp"))
            .env("GITHUB_PATH", self.world.path("path"))
            .env("GITHUB_OUTPUT", self.world.path("output"))
            .env("RELEASES", format!("{}/releases/download", self.server.url))
            .env("NO_PROXY", "*")
            .env("VERSION", version)
            .env("ATTESTED", attested)
            .output()
            .expect("bash")
    }

    #[track_caller]
    fn refuses(&self, version: &str, attested: &str, why: &str) {
        let output = self.install(version, attested);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(why), "{output:?}");
        assert!(!self.world.has("temp/assignctl/assignctl") && !self.world.has("path"));
    }

    /// Puts a `gh` on the path that notes what it is asked.
    fn with_gh(&self, code: u8) {
        let script = format!(
            "#!/bin/sh\necho \"$@\" > '{}'\nexit {code}\n",
            self.world.path("asked").display()
        );
        self.world.write("bin/gh", &script);
        output(
            Command::new("chmod")
                .arg("+x")
                .arg(self.world.path("bin/gh")),
        );
    }
}

#[test]
fn a_release_is_installed_after_it_has_been_checked() {
    let Some(release) = Release::new() else {
        return;
    };
    release.with_gh(0);
    let installed = release.install(&format!("v{VERSION}"), "owner/name");
    assert!(installed.status.success(), "{installed:?}");
    let folder = release.world.path("temp/assignctl").display().to_string();
    assert_eq!(release.world.read("path").trim(), folder);
    assert_eq!(
        release.world.read("output").trim(),
        format!("path={folder}")
    );
    let said = output(&mut Command::new(format!("{folder}/assignctl")));
    assert_eq!(said.trim(), format!("assignctl {VERSION}"));
    assert_eq!(
        release.world.read("asked").trim(),
        format!(
            "attestation verify {} --repo owner/name --signer-workflow owner/name/.github/workflows/release.yml",
            release.archive
        )
    );
}

#[test]
fn what_was_not_released_is_not_installed() {
    let Some(release) = Release::new() else {
        return;
    };
    release.refuses("99.0.0", "", "404");
    let good = release
        .sums
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone();
    release.set(&format!("{}  {}\n", "0".repeat(64), release.archive));
    release.refuses(VERSION, "", "did NOT match");
    release.set("");
    release.refuses(VERSION, "", "does not name");
    release.set(&format!("{good}{good}"));
    release.refuses(VERSION, "", "does not name");
    // The checksum is right, and the archive was built elsewhere.
    release.set(&good);
    release.with_gh(1);
    release.refuses(VERSION, "owner/name", "");
    assert!(release.world.has("asked"));
}

fn script(name: &str) -> Command {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    Command::new(root.join("packaging").join(name))
}

/// What package managers read is filled in from the checksums of a release, whole or not at all.
#[test]
fn manifests_for_package_managers_name_each_archive_with_its_checksum() {
    const URL: &str = "https://github.com/owner/name";
    let archives = [
        "x86_64-unknown-linux-musl.tar.gz",
        "aarch64-unknown-linux-musl.tar.gz",
        "x86_64-apple-darwin.tar.gz",
        "aarch64-apple-darwin.tar.gz",
        "x86_64-pc-windows-msvc.zip",
    ];
    let sums: Vec<String> = (0_u8..)
        .zip(archives)
        .map(|(number, archive)| {
            let sum = format!("{number:x}").repeat(64);
            format!("{sum}  assignctl-{VERSION}-{archive}\n")
        })
        .collect();
    let world = World::empty();
    let fill = |sums: &[String]| {
        world.write("SHA256SUMS", &sums.concat());
        script("manifests")
            .args([VERSION, URL])
            .args([world.path("SHA256SUMS"), world.path("out")])
            .output()
            .expect("the script")
    };
    assert!(
        !fill(&sums[..4]).status.success(),
        "the last one is missing"
    );
    let filled = fill(&sums);
    assert!(filled.status.success(), "{filled:?}");

    let formula = world.read("out/assignctl.rb");
    for (number, archive) in archives[..4].iter().enumerate() {
        let url = format!("{URL}/releases/download/v{VERSION}/assignctl-{VERSION}-{archive}");
        let sum = format!("{number:x}").repeat(64);
        assert!(
            formula.contains(&format!("url \"{url}\"\n      sha256 \"{sum}\"")),
            "{formula}"
        );
    }
    let url = format!(
        "{URL}/releases/download/v{VERSION}/assignctl-{VERSION}-{}",
        archives[4]
    );
    let scoop: Value = serde_json::from_str(&world.read("out/assignctl.json")).expect("JSON");
    assert_eq!(scoop["version"], VERSION);
    assert_eq!(scoop["architecture"]["64bit"]["url"], url);
    assert_eq!(scoop["architecture"]["64bit"]["hash"], "4".repeat(64));
    for name in ["", ".installer", ".locale.en-US"] {
        let text = world.read(&format!("out/assignctl.assignctl{name}.yaml"));
        let winget: Value = serde_saphyr::from_str(&text).expect("YAML");
        assert_eq!(winget["PackageVersion"], VERSION, "{text}");
        if name == ".installer" {
            assert_eq!(winget["Installers"][0]["InstallerUrl"], url);
            assert_eq!(winget["Installers"][0]["InstallerSha256"], "4".repeat(64));
        }
    }
}

#[test]
fn the_changelog_says_what_a_release_brings() {
    let notes = output(script("notes").arg(VERSION));
    assert!(
        notes.contains("### Added") && !notes.contains("\n## "),
        "{notes}"
    );
    let none = script("notes").arg("99.0.0").output().expect("the script");
    assert!(!none.status.success());
}
