//! Issue 15, "Manners": short help, help on topics, short options, variables for options, and words of other
//! programs.

use super::support::World;
use super::support::tenant::Tenant;

fn world() -> World {
    World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: B]"],
    )
}

#[test]
fn short_help_is_short() {
    let mut world = World::empty();
    // On a usual terminal, and in a log.
    for columns in ["80", "100", ""] {
        world.set("COLUMNS", columns);
        let bare = world.run("").exits(64).stderr;
        let short = world.run("-h").exits(0).stdout;
        for help in [&bare, &short] {
            assert!(help.lines().count() <= 25, "{columns}: {help}");
            for part in ["plan", "rollback", "help environment"] {
                assert!(help.contains(part), "{part}: {help}");
            }
            assert!(!help.contains("--graph-url"), "{help}");
        }
    }
    world
        .run("--help")
        .exits(0)
        .says(&["--graph-url", "--quiet"]);
    world.run("plan --help").exits(0).says(&["--graph-url"]);
}

#[test]
fn options_about_the_service_are_where_a_service_is() {
    let mut world = world();
    for (command, asks) in [
        ("plan", true),
        ("list", true),
        ("schema", true),
        ("validate", false),
        ("show", false),
        ("sandbox", false),
        ("completions", false),
        ("version", false),
        ("help", false),
    ] {
        let help = world.run(&format!("{command} --help")).exits(0).stdout;
        for option in ["--graph-url", "--write-limit", "--auth"] {
            assert_eq!(help.contains(option), asks, "{option}: {help}");
        }
        assert!(help.contains("--format"), "{help}");
    }
    // They do no harm, typed or set for all commands.
    world.set("ASSIGNCTL_CLOUD", "usgov");
    world.sandbox("validate m.yaml").exits(0);
    world.run("--sandbox tenant.json plan m.yaml").exits(0);
    world.run("--sandbox tenant.json validate m.yaml").exits(0);
}

#[test]
fn help_explains_topics() {
    let world = World::empty();
    for (topic, part) in [
        ("plan", "Usage: assignctl plan"),
        ("approvals", "Usage: assignctl approvals"),
        ("approvals cancel", "Usage: assignctl approvals cancel"),
        ("tenants show", "Usage: assignctl tenants show"),
        ("environment", "AZURE_CLIENT_SECRET"),
        ("environment", "ASSIGNCTL_FORMAT=json"),
        ("exit-codes", "   64  usage error"),
        ("unknown-group", "The tenant has no group"),
        ("signInFailed", "the token expired"),
        ("broad-target", "--allow broad-target"),
    ] {
        let help = world.run(&format!("help {topic}")).exits(0);
        assert!(help.stdout.contains(part), "{topic}: {}", help.stdout);
    }
    let whole = world.run("help").exits(0).stdout;
    assert!(whole.contains("Usage: assignctl"), "{whole}");
    world
        .run("help unknown-grup")
        .exits(64)
        .says(&["no help on `unknown-grup`", "did you mean `unknown-group`?"]);
    world.run("help approvals cancle").exits(64).says(&[
        "no help on `approvals cancle`",
        "did you mean `approvals cancel`?",
    ]);
}

#[test]
fn options_have_short_forms() {
    let world = world();
    world.sandbox("plan m.yaml -o plan.json").exits(0);
    assert!(world.has("plan.json"));
    let ran = world
        .run("apply m.yaml -q -y --sandbox tenant.json")
        .exits(0)
        .says(&["Result: 1 applied"]);
    assert_eq!(ran.stderr, "");
}

#[test]
fn options_can_be_set_by_variables() {
    let mut world = world();
    world.set("ASSIGNCTL_SANDBOX", "tenant.json");
    world.set("ASSIGNCTL_FORMAT", "json");
    world.set("ASSIGNCTL_NO_PROGRESS", "1");
    world.set("ASSIGNCTL_MAX_POLICIES", "0");
    world.set("ASSIGNCTL_ONLY", "");
    let ran = world.run("plan m.yaml").exits(4);
    assert_eq!(ran.json()["summary"]["changed"], 1);
    // An option wins.
    world
        .run("plan m.yaml --max-policies 5 --format text")
        .exits(0)
        .says(&["Plan: 1 "]);
    world.set("ASSIGNCTL_MAX_POLICIES", "many");
    world
        .run("plan m.yaml")
        .exits(64)
        .says(&["many", "--max-policies"]);
    world.set("ASSIGNCTL_MAX_POLICIES", "");
    world.set("ASSIGNCTL_YES", "true");
    world.run("apply m.yaml").exits(0);
    assert_eq!(world.rows("P"), ["+B"]);
    // Options that can be repeated take a list.
    world.set("ASSIGNCTL_KIND", "configurationPolicy,compliancePolicy");
    world.set("ASSIGNCTL_ALLOW", "removals,broad-target");
    let ran = world.run("plan m.yaml").exits(0);
    let kinds = &ran.json()["selection"]["kinds"];
    assert_eq!(
        *kinds,
        serde_json::json!(["configurationPolicy", "compliancePolicy"])
    );
    world.set("ASSIGNCTL_KIND", "");
    world.set("ASSIGNCTL_ALLOW", "");
    world.set("ASSIGNCTL_GRAPH_URL", "https://graph.example/beta");
    world.run("plan m.yaml").exits(64).says(&["two services"]);
    world.run("plan m.yaml --sandbox tenant.json").exits(0);
}

#[test]
fn an_option_wins_over_the_variable_of_one_that_it_excludes() {
    let mut world = world();
    world.set("ASSIGNCTL_SUMMARY", "1");
    let plan = world.sandbox("plan m.yaml --diff").exits(0);
    assert!(plan.stdout.contains("@@"), "{}", plan.stdout);
    let plan = world.sandbox("plan m.yaml").exits(0);
    assert!(!plan.stdout.contains("@@"), "{}", plan.stdout);
    world.set("ASSIGNCTL_SNAPSHOT", "other.json");
    world.sandbox("export --out exported").exits(0);
    assert!(world.has("exported") && !world.has("other.json"));
    world.set("ASSIGNCTL_USER", "ada@example.com");
    world.sandbox("list --group A").exits(0);
    // Two that were typed still exclude each other.
    world.sandbox("plan m.yaml --diff --summary").exits(64);
}

#[test]
fn words_of_other_programs_are_answered() {
    let world = world();
    for (line, parts) in [
        (
            "plan m.yaml -out plan.json",
            ["`-out`: options have two dashes", "`--out`"],
        ),
        (
            "plan m.yaml -out=plan.json",
            ["options have two dashes", "`--out=plan.json`"],
        ),
        (
            "plan m.yaml -detailed-exitcode",
            ["two dashes", "`--detailed-exitcode`"],
        ),
        (
            "apply m.yaml -auto-approve",
            ["unknown option `-auto-approve`", "--yes"],
        ),
        (
            "apply m.yaml --auto-approve",
            ["unknown option `--auto-approve`", "--yes"],
        ),
        ("plan m.yaml --target=P", ["unknown option", "--only"]),
        (
            "apply m.yaml --dry-run",
            ["unknown option `--dry-run`", "assignctl plan"],
        ),
        (
            "apply -f m.yaml",
            ["unknown option `-f`", "assignctl apply PATH"],
        ),
        (
            "apply --filename m.yaml",
            ["unknown option `--filename`", "assignctl apply PATH"],
        ),
        ("import", ["unknown command `import`", "assignctl export"]),
        ("preview", ["unknown command `preview`", "assignctl plan"]),
        ("diff m.yaml", ["unknown command `diff`", "plan --diff"]),
        ("push", ["unknown command `push`", "assignctl apply"]),
        ("get", ["unknown command `get`", "`assignctl list`"]),
    ] {
        world.sandbox(line).exits(64).says(&parts);
    }
    // Short options together, and a value that is attached.
    world.sandbox("plan m.yaml -qv -oshort.json").exits(0);
    assert!(world.has("short.json"));
}

#[test]
fn there_is_a_man_page_for_each_command_and_what_is_below_it() {
    let world = World::empty();
    let said = world.run("man --out man").exits(0).stdout;
    for page in [
        "assignctl",
        "assignctl-plan",
        "assignctl-doctor",
        "assignctl-tenants",
        "assignctl-tenants-show",
        "assignctl-approvals-cancel",
    ] {
        let text = world.read(&format!("man/{page}.1"));
        assert!(
            text.contains(&format!(".TH {} 1", page.to_uppercase())),
            "{page}: {text}"
        );
        assert!(text.contains(".SH SYNOPSIS"), "{page}");
    }
    assert!(world.read("man/assignctl-plan.1").contains("detailed"));
    let pages = std::fs::read_dir(world.path("man"))
        .expect("a folder")
        .count();
    assert!(
        said.starts_with(&format!("{pages} pages in `man`")),
        "{said}"
    );
    world.write("taken", "");
    world
        .run("man --out taken")
        .exits(1)
        .says(&["`taken/assignctl", "cannot be written", "hint"]);
}
