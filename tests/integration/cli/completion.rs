//! Completion in shells (issue 15, "Manners"): possible values, and names of policies, groups, filters and
//! tenants from what is at hand.

use assignctl::model::PolicyKind;

use super::support::World;
use super::support::tenant::Tenant;

const SHELLS: [&str; 5] = ["bash", "zsh", "fish", "powershell", "elvish"];

fn world() -> World {
    let world = World::empty();
    world.write(
        "manifests/win.yaml",
        "version: 1\npolicies:\n- {kind: configurationPolicy, name: Win - BitLocker, include: [{group: SG Pilot, filter: Windows 11}]}\n\
         - {kind: configurationPolicy, name: \"$(touch hacked) 'x'\", include: [group: O'Neil]}\n\
         - {kind: configurationPolicy, match: 'Win - Kiosk*', include: [allDevices]}\n",
    );
    world
}

/// Asks the program as the script of a shell does, for the last of some words.
fn asked(world: &World, shell: &str, words: &[&str]) -> Vec<String> {
    let mut command = world.command("--");
    command
        .arg("assignctl")
        .args(words)
        .env("_ASSIGNCTL_COMPLETE", shell)
        .env("_CLAP_COMPLETE_INDEX", words.len().to_string())
        .env("_CLAP_IFS", "\n");
    let output = command.output().expect("the executable");
    assert!(output.status.success(), "{shell} {words:?}: {output:?}");
    assert!(output.stderr.is_empty(), "{shell} {words:?}: {output:?}");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    // Some shells get what a candidate means as well.
    let values = text.lines();
    // Where no word is begun, options may follow as well.
    let values = values.filter(|line| words.last() != Some(&"") || !line.starts_with("--"));
    let values = values.map(|line| match shell {
        "fish" | "powershell" => line.split('\t').next().unwrap_or_default(),
        "zsh" => line.split(':').next().unwrap_or_default(),
        _ => line,
    });
    values.map(str::to_owned).collect()
}

#[test]
fn values_of_options_are_completed_in_every_shell() {
    let world = World::empty();
    for shell in SHELLS {
        for (words, expected) in [
            (&["dr"][..], &["drift"][..]),
            (&["plan", "--detailed"], &["--detailed-exitcode"]),
            (&["plan", "--kind", "deviceSh"], &["deviceShellScript"]),
            (&["plan", "--format", "mark"], &["markdown"]),
            (
                &["plan", "--format", ""],
                &["text", "json", "markdown", "github"],
            ),
            (
                &["list", "--format", ""],
                &["text", "json", "markdown", "csv", "html"],
            ),
            (&["plan", "--write-with", ""], &["auto", "create", "assign"]),
            (&["plan", "--allow", "broad"], &["broad-target"]),
            (&["plan", "--cloud", "us"], &["usgov", "usgov-dod"]),
            (&["whoami", "--auth", "git"], &["github"]),
            (&["whoami", "--for", "dri"], &["drift"]),
            (&["plan", "--ci", "git"], &["github", "gitlab"]),
            (&["init", "--pipeline", "n"], &["none"]),
            (&["tenants", "sh"], &["show"]),
            (&["completions", "z"], &["zsh"]),
            (&["help", "exit"], &["exit-codes"]),
            (&["help", "unknown-g"], &["unknown-group"]),
        ] {
            assert_eq!(asked(&world, shell, words), expected, "{shell} {words:?}");
        }
    }
    let kinds = asked(&world, "bash", &["list", "--kind", ""]);
    assert!(kinds.iter().eq(PolicyKind::all().map(PolicyKind::name)));
}

#[test]
fn names_are_completed_from_the_manifests_at_hand() {
    let world = world();
    let bitlocker = ["Win - BitLocker"];
    for shell in ["bash", "zsh", "fish", "elvish"] {
        assert_eq!(asked(&world, shell, &["explain", "Win"]), bitlocker);
        // As it was typed: quoted, or with what is special escaped.
        for typed in ["Win\\ -\\ B", "'Win - B", "\"Win - B"] {
            assert_eq!(asked(&world, shell, &["explain", typed]), bitlocker);
        }
    }
    let ask = |words: &[&str]| asked(&world, "bash", words);
    // Where a glob is taken, those of the manifests are offered as well.
    let globs = ["Win - BitLocker", "Win - Kiosk*"];
    for option in ["--only", "--exclude", "--policy"] {
        assert_eq!(ask(&["list", option, "Win"]), globs, "{option}");
    }
    assert_eq!(ask(&["list", "--group", "SG"]), ["SG Pilot"]);
    assert_eq!(ask(&["list", "--filter", ""]), ["Windows 11"]);
    assert_eq!(ask(&["list", "--user", ""]), Vec::<String>::new());
    // PowerShell inserts what it gets.
    let ask = |words: &[&str]| asked(&world, "powershell", words);
    assert_eq!(ask(&["explain", "Win"]), ["'Win - BitLocker'"]);
    assert_eq!(ask(&["explain", "$"]), ["'$(touch hacked) ''x'''"]);
}

#[test]
fn names_come_from_what_is_typed_from_the_configuration_and_from_the_schema() {
    let world = World::new(
        &Tenant::common()
            .policy("Portal policy", &[])
            .policy("Ctrl\u{1b}[2J", &[])
            .policy("Turned \u{202e}round", &[]),
    );
    let entry = |name: &str| {
        format!(
            "version: 1\npolicies:\n- {{kind: configurationPolicy, name: {name}, include: []}}\n"
        )
    };
    let of = |words: &[&str]| asked(&world, "bash", words);
    world.write("here.yaml", &entry("Here"));
    assert_eq!(of(&["plan", "--only", ""]), ["Here"]);
    world.write("configured/a.yaml", &entry("Configured"));
    world.write("assignctl.yaml", "manifests: [configured]\n");
    assert_eq!(of(&["plan", "--only", ""]), ["Configured"]);
    assert_eq!(of(&["plan", "here.yaml", "--only", ""]), ["Here"]);
    // One that has mistakes still has names.
    world.write(
        "here.yaml",
        &format!("{}  wrong: true\n- {{kind: x}}\n", entry("Here")),
    );
    of(&["plan", "here.yaml", "--only", ""]);
    let schema = world.sandbox("schema --from-tenant").exits(0).stdout;
    world.write("manifest.schema.json", &schema);
    // Nothing that a terminal must not get.
    assert_eq!(of(&["explain", ""]), ["Configured", "Portal policy"]);
    assert!(of(&["list", "--group", ""]).contains(&"A".to_owned()));
    assert!(of(&["list", "--filter", ""]).contains(&"F".to_owned()));
    world.write("assignctl.yaml", "wrong: [");
    world.write("manifest.schema.json", "wrong");
    of(&["explain", ""]);
}

#[test]
fn tenants_are_completed() {
    let world = World::empty();
    world.write(
        "manifests/all.yaml",
        "version: 1\nvars: {ring: Pilot}\ntenants:\n  contoso: {tenantId: contoso.com, labels: [gold]}\n  fabrikam: {tenantId: fabrikam.com}\npolicies:\n- {kind: configurationPolicy, name: 'Win - ${ring}', include: []}\n",
    );
    let of = |words: &[&str]| asked(&world, "fish", words);
    let all = ["contoso", "fabrikam", "label:gold"];
    assert_eq!(of(&["plan", "--tenant", ""]), all);
    assert_eq!(of(&["tenants", "show", "fab"]), ["fabrikam"]);
    assert_eq!(of(&["plan", "--only", "Win"]), ["Win - Pilot"]);
}

#[test]
fn what_is_no_question_is_answered_with_an_error() {
    let world = World::empty();
    let ran = |shell: &str| {
        let mut command = world.command("-- assignctl pl");
        command.env("_ASSIGNCTL_COMPLETE", shell);
        command.output().expect("the executable")
    };
    let unknown = ran("tcsh");
    assert_eq!(unknown.status.code(), Some(64), "{unknown:?}");
    // Set to nothing, it is not set.
    let usual = ran("");
    assert_ne!(usual.status.code(), Some(0), "{usual:?}");
    world.run("completions tcsh").exits(64);
}

/// Runs a shell that is installed, with the program on its path.
#[cfg(unix)]
fn in_shell(world: &World, shell: &str, arguments: &[&str]) -> Option<String> {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_assignctl"));
    let folders = program.parent().expect("a folder").display();
    let path = std::env::var("PATH").unwrap_or_default();
    let output = std::process::Command::new(shell)
        .args(arguments)
        .current_dir(world.path(""))
        .env_clear()
        .env("HOME", world.path(""))
        .env("LC_ALL", "C.UTF-8")
        .env("PATH", format!("{folders}:{path}"))
        .output();
    match output {
        Ok(output) => {
            assert!(output.status.success(), "{shell} {arguments:?}: {output:?}");
            Some(String::from_utf8(output.stdout).expect("UTF-8"))
        }
        // Only Bash always has to be there.
        Err(error) => {
            assert!(shell != "bash", "{error}");
            None
        }
    }
}

#[cfg(unix)]
#[test]
fn shells_take_the_scripts_and_complete_with_them() {
    let world = world();
    for shell in SHELLS {
        let script = world.run(&format!("completions {shell}")).exits(0).stdout;
        assert!(script.contains("_ASSIGNCTL_COMPLETE"), "{script}");
        world.write(&format!("script.{shell}"), &script);
    }
    for shell in ["bash", "zsh", "fish"] {
        in_shell(&world, shell, &["-n", &format!("script.{shell}")]);
    }
    // As readline calls it: the words, of which it splits one at `=`, and the one to complete.
    let bash = |words: &str, current: &str| {
        let script = format!(
            "source script.bash; COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _assignctl assignctl {current} ''; printf '%s\\n' \"${{COMPREPLY[@]}}\""
        );
        in_shell(&world, "bash", &["--norc", "-c", &script]).expect("bash")
    };
    assert_eq!(bash("assignctl exp", "exp"), "export\nexplain\n");
    assert_eq!(bash("assignctl export --sn", "--sn"), "--snapshot\n");
    assert_eq!(
        bash("assignctl explain Win", "Win"),
        "Win\\ -\\ BitLocker\n"
    );
    // Readline closes the quotes.
    assert_eq!(
        bash("assignctl explain \"'Win\"", "Win"),
        "Win - BitLocker\n"
    );
    assert_eq!(bash("assignctl plan --write-with = c", "c"), "create\n");
    assert_eq!(
        bash("assignctl plan --write-with =", "''"),
        "auto\ncreate\nassign\n"
    );
    // What is inserted must not run anything.
    let inserted = bash("assignctl explain '$'", "'$'");
    let word = in_shell(
        &world,
        "bash",
        &["--norc", "-c", &format!("printf %s {inserted}")],
    );
    assert_eq!(word.expect("bash"), "$(touch hacked) 'x'");
    assert!(!world.has("hacked"));

    let line = |typed: &str| format!("source script.fish; complete -C {typed:?}");
    if let Some(said) = in_shell(
        &world,
        "fish",
        &["-N", "-c", &line("assignctl explain Win")],
    ) {
        assert!(said.starts_with("Win - BitLocker"), "{said}");
        let said = in_shell(
            &world,
            "fish",
            &["-N", "-c", &line("assignctl plan --cloud c")],
        );
        assert_eq!(said.expect("fish").trim(), "china");
    }
    // The function gives its candidates to one of zsh's.
    let zsh = "compdef() { :; }; _describe() { print -rl -- ${(P)3}; }; source script.zsh; words=(assignctl explain 'Win\\ -'); CURRENT=3; _clap_dynamic_completer_assignctl";
    if let Some(said) = in_shell(&world, "zsh", &["-f", "-c", zsh]) {
        assert_eq!(said.trim(), "Win - BitLocker");
    }
}
