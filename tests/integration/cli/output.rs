//! What is printed where: formats, colours, progress, logs, help, and what never is.

use std::io::pipe;

use serde_json::Value;

use super::support::service::Served;
use super::support::tenant::{TENANT_ID, Tenant};
use super::support::{Ran, World};

fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &[]);
    World::with(&tenant, &["match: '?', include: [group: B]"])
}

#[test]
fn data_is_on_stdout_and_all_else_on_stderr() {
    let world = world();
    let quiet = world.sandbox("plan m.yaml").exits(0);
    assert_eq!(quiet.stderr, "");
    let ran = world
        .run("plan m.yaml --sandbox tenant.json --concurrency 1")
        .exits(0);
    assert_eq!(ran.stdout, quiet.stdout);
    // What takes no time is only in the totals.
    assert_eq!(ran.stderr, "read 2 policies of 1 kind\n");
    let ran = world
        .run("apply m.yaml --yes --sandbox tenant.json")
        .exits(0);
    assert!(
        ran.stderr.contains("[2/2] applied configurationPolicy "),
        "{}",
        ran.stderr
    );
}

#[test]
fn json_is_written_beside_any_format() {
    let world = world();
    let text = world
        .sandbox("plan m.yaml --json-into sub/plan.json")
        .exits(0);
    text.says(&["Plan: "]);
    assert_eq!(world.json("sub/plan.json")["summary"]["changed"], 2);
    let json = world
        .sandbox("plan m.yaml --format json --json-into plan.json")
        .exits(0);
    assert_eq!(json.stdout, world.read("plan.json"));
    world.run("validate m.yaml --json-into valid.json").exits(0);
    assert_eq!(world.json("valid.json")["valid"], true);
    world.run("show plan.json --json-into shown.json").exits(0);
    assert_eq!(world.json("shown.json"), world.json("plan.json"));
    world
        .sandbox("apply m.yaml --yes --json-into results.json")
        .exits(0)
        .says(&["Result: 2 applied"]);
    assert_eq!(
        world.json("results.json")["results"]["summary"]["applied"],
        2
    );
    world
        .sandbox("plan m.yaml --json-into tenant.json/x")
        .exits(1);
}

#[test]
fn colours() {
    let colourful = |ran: Ran| ran.stdout.contains("\u{1b}[");
    let mut world = world();
    assert!(!colourful(world.sandbox("plan m.yaml")));
    assert!(colourful(world.sandbox("plan m.yaml --color always")));
    world.set("CLICOLOR_FORCE", "1");
    assert!(colourful(world.sandbox("plan m.yaml")));
    assert!(!colourful(world.sandbox("plan m.yaml --color never")));
    world.set("CLICOLOR_FORCE", "0");
    assert!(!colourful(world.sandbox("plan m.yaml")));
    assert!(!colourful(world.run("plan --help")));
    world.set("CLICOLOR_FORCE", "1");
    assert!(colourful(world.run("plan --help")));
    assert!(!colourful(world.run("plan --help --color never")));
    world.set("CLICOLOR_FORCE", "");
    assert!(colourful(world.run("plan --help --color=always")));
    world.set("NO_COLOR", "1");
    assert!(!colourful(world.sandbox("plan m.yaml")));
    assert!(colourful(world.sandbox("plan m.yaml --color always")));
    // JSON has none.
    assert!(!colourful(
        world.sandbox("plan m.yaml --color always --format json")
    ));
    // Diagnostics go by the same rules.
    world.manifest(&["name: [P]"]);
    let plain = world.run("validate m.yaml").exits(3);
    assert!(!plain.stderr.contains('\u{1b}'));
    let colour = world.run("validate m.yaml --color always").exits(3);
    assert!(colour.stderr.contains("\u{1b}["));
}

#[test]
fn a_reader_that_has_gone_is_no_error() {
    let world = world();
    for (line, code) in [
        ("plan m.yaml --sandbox tenant.json", 0),
        ("plan m.yaml --sandbox tenant.json --format json", 0),
        ("plan m.yaml --sandbox tenant.json --format markdown", 0),
        ("plan m.yaml --sandbox tenant.json --format github", 0),
        ("plan gone.yaml --format markdown", 3),
        ("drift m.yaml --sandbox tenant.json", 2),
        ("validate m.yaml", 0),
        ("completions bash", 0),
        ("schema", 0),
        ("export --sandbox tenant.json", 0),
        ("--help", 0),
        ("apply m.yaml --yes --sandbox tenant.json", 0),
    ] {
        let (reader, writer) = pipe().expect("a pipe");
        drop(reader);
        let ended = world
            .command(line)
            .stdout(writer)
            .output()
            .expect("the executable");
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(code), "{line}: {said}");
        assert!(!said.contains("panicked"), "{line}: {said}");
    }
    // What was asked for has been done all the same.
    assert_eq!(world.rows("P"), ["+B"]);
}

#[test]
fn secrets_are_nowhere() {
    let secrets = ["MARKED-token", "MARKED-secret", "eyJ"];
    let mut world = world();
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", "22222222-2222-4333-8444-555555555555");
    world.set("AZURE_CLIENT_SECRET", "MARKED-secret");
    for token in [None, Some("MARKED-token")] {
        if let Some(token) = token {
            world.set("ASSIGNCTL_ACCESS_TOKEN", token);
        }
        for line in [
            "plan m.yaml --out plan.json -vvv",
            "plan m.yaml --format json -vvv --log-format json",
            "apply m.yaml --yes -vvv --report r.jsonl --json-into results.json",
            "drift gone.yaml -vvv",
            &format!("plan m.yaml -vvv --graph-url {}/v0", served.authority()),
        ] {
            let ran = world.run(line);
            for secret in secrets {
                assert!(!ran.stdout.contains(secret), "{line}");
                assert!(!ran.stderr.contains(secret), "{line}: {}", ran.stderr);
            }
        }
        for name in ["plan.json", "r.jsonl", "results.json", "tenant.json"] {
            let text = world.read(name);
            assert!(
                secrets.iter().all(|secret| !text.contains(secret)),
                "{name}"
            );
        }
    }
}

#[test]
fn a_refused_secret_is_nowhere() {
    let mut world = world();
    world.edit("tenant.json", |state| {
        state["service"]["apps"] = serde_json::json!([{"clientId": "me", "secret": "right"}]);
    });
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", "me");
    world.set("AZURE_CLIENT_SECRET", "MARKED-secret");
    world
        .run("plan m.yaml -vvv")
        .exits(7)
        .says_nothing_of("MARKED");
}

#[test]
fn logs_have_a_level_and_a_form() {
    let world = world();
    let lines = |flags: &str| {
        let ran = world.sandbox(&format!("plan m.yaml {flags}")).exits(0);
        ran.stderr.lines().count()
    };
    assert_eq!(lines(""), 0);
    assert!(lines("-vv") <= lines("-vvv"));
    assert!(lines("-vvv") > 0);
    let ran = world.sandbox("plan m.yaml -vvv --log-format json").exits(0);
    for line in ran.stderr.lines() {
        let line: Value =
            serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string());
    }
}

#[test]
fn help_and_version() {
    let world = World::empty();
    let version = world.run("--version").exits(0);
    assert_eq!(
        version.stdout,
        concat!("assignctl ", env!("CARGO_PKG_VERSION"), "\n")
    );
    let help = world.run("--help").exits(0);
    for command in [
        "validate",
        "plan",
        "apply",
        "show",
        "drift",
        "export",
        "whoami",
        "sandbox",
        "schema",
        "completions",
    ] {
        assert!(help.stdout.contains(&format!("  {command}")), "{command}");
        let of_command = world.run(&format!("{command} --help")).exits(0);
        assert!(of_command.stdout.contains("Usage: assignctl"), "{command}");
        assert!(of_command.stdout.contains("Examples:"), "{command}");
    }
    world.run("aply").exits(64).says(&["apply"]);
}

#[test]
fn progress_tells_of_writes_of_waits_and_of_what_is_left() {
    let tenant = Tenant::common()
        .policy("P", &[])
        .policy("Q", &[])
        .policy("R\u{1b}[2J", &[]);
    let world = World::with(&tenant, &["match: '*', include: [group: A]"]);
    // Real time: a write every 2 s.
    let ran = world
        .run("apply m.yaml --yes --sandbox tenant.json --concurrency 1 --write-limit 1/2s")
        .exits(0);
    let lines: Vec<&str> = ran.stderr.lines().collect();
    let has = |part: &str| {
        assert!(
            lines.iter().any(|line| line.starts_with(part)),
            "{lines:#?}"
        );
    };
    has("[1/3] applied configurationPolicy P (1 of 3 writes done, about ");
    has("waiting 2 s for the rate limit on writes");
    has("[3/3] applied configurationPolicy R\\u{1b}[2J");
    // Each wait is told of once.
    let waits = lines
        .iter()
        .filter(|line| line.starts_with("waiting "))
        .count();
    assert_eq!(waits, 2, "{lines:#?}");
    let ran = world
        .run("drift m.yaml --sandbox tenant.json --no-progress")
        .exits(0);
    assert_eq!(ran.stderr, "");
}

/// Runs a command line on a terminal of its own, and returns what the terminal was sent.
#[cfg(target_os = "linux")]
fn on_a_terminal(world: &World, line: &str, term: &str) -> String {
    let program = env!("CARGO_BIN_EXE_assignctl");
    let ended = std::process::Command::new("/usr/bin/script")
        .args(["-qec", &format!("{program} {line}"), "/dev/null"])
        .current_dir(world.path(""))
        .env_clear()
        .env("TERM", term)
        .env("SHELL", "/bin/sh")
        .stdin(std::process::Stdio::null())
        .output()
        .expect("script, of util-linux");
    String::from_utf8(ended.stdout).expect("UTF-8")
}

#[cfg(target_os = "linux")]
#[test]
fn on_a_terminal_progress_is_drawn_over_and_taken_away() {
    let tenant = Tenant::common().policy("P", &[]).policy("Q\u{1b}[2J", &[]);
    let world = World::with(&tenant, &["match: '*', include: [group: A]"]);
    let line = "apply m.yaml --yes --sandbox tenant.json --concurrency 1 --write-limit 1/2s";
    let sent = on_a_terminal(&world, line, "xterm");
    for part in [
        "reading 2 configurationPolicies (1 page)",
        "applying [",
        "1 of 2 policies, 1 of 2 writes",
        " for the rate limit on writes",
        "\u{1b}[32m", // the plan has colours
        "Result",
    ] {
        assert!(sent.contains(part), "`{part}` is not in {sent:?}");
    }
    assert!(!sent.contains("\u{1b}[2J"), "{sent:?}");
    // The display is gone when the result comes, and does not come back.
    let (_, rest) = sent.rsplit_once("applying [").expect("a display");
    assert!(rest.contains("Result"), "{rest:?}");
    assert!(
        !rest
            .split("Result")
            .nth(1)
            .expect("a result")
            .contains("applying")
    );
    // A terminal that cannot draw over gets lines, and no colours.
    let sent = on_a_terminal(&world, "drift m.yaml --sandbox tenant.json", "dumb");
    assert!(sent.starts_with("read 2 policies"), "{sent:?}");
    assert!(!sent.contains('\u{1b}'), "{sent:?}");
}
