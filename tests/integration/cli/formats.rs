//! Markdown, annotations, JSON and text: what they say, and that no name can break them.

use std::fmt::Write as _;

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

use super::support::tenant::{TENANT_ID, Tenant, policy_mut};
use super::support::{Ran, World};

/// Names that try to be more than names, each in its own way.
const HOSTILE: [&str; 14] = [
    "a | b \\| c \\",
    "`one` ``two`` ```three ````four",
    "<script>alert(1)</script> &amp; <!-- x --> <b>",
    "@everyone #1 GH-1 a@b.example https://evil.example www.evil.example",
    "line\nbreak\r\n| a | b |\n```\n::error::x\n",
    "\u{1b}[31mred\u{1b}]0;title\u{7}\u{9b}2J",
    "\u{202e}gnp.exe\u{2066}\u{200b}",
    "::error file=x,line=1::y",
    "##vso[task.setvariable variable=A]b ##[error]c ##VSO[x]",
    "</code></details></summary><details>",
    "~~~\n~~~ %0A::warning::z",
    "[link](javascript:x) ![image](x) *a* _b_ ~~c~~",
    "-- --> <!-- assignctl plan --> $x$ :smile:",
    " \t leading and trailing \t ",
];

/// A name as all formats but JSON carry it.
fn cleaned(name: &str) -> String {
    let mut text = String::new();
    for character in name.chars() {
        match character {
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{1b}' | '\u{7}' | '\u{9b}' | '\u{202e}' | '\u{2066}' | '\u{200b}' => {
                write!(text, "\\u{{{:x}}}", u32::from(character)).expect("memory");
            }
            _ => text.push(character),
        }
    }
    if name.contains("##") {
        text = text.replace("##", "#\\u{23}");
    }
    text
}

/// A tenant in which policies, their groups and filters have hostile names, and a manifest that takes
/// from each policy its group and gives it a collection.
fn hostile() -> World {
    let mut tenant = Tenant::new();
    for number in 0..HOSTILE.len() {
        let name = format!("N{number}");
        let group = format!("+{name} [include {name}]");
        tenant = tenant
            .group(&name)
            .filter(&name, "windows10AndLater")
            .policy(&name, &[&group]);
    }
    let world = World::with(
        &tenant,
        &[
            "match: '*', include: [collection: c]",
            "match: 'nothing ``` @me'",
        ],
    );
    world.edit("tenant.json", |state| {
        for (number, name) in HOSTILE.iter().enumerate() {
            state["groups"][number]["displayName"] = json!(name);
            state["assignmentFilters"][number]["displayName"] = json!(name);
            state["configurationPolicies"][number]["name"] = json!(name);
        }
    });
    world
}

/// Checks that nothing moves the cursor, and that no build service would find a command of others.
#[track_caller]
fn is_tame(text: &str, commands_are_ours: bool) {
    for character in text.chars() {
        let tame = character == '\n'
            || !(character.is_control() || "\u{202e}\u{2066}\u{200b}".contains(character));
        assert!(tame, "{character:?} in\n{text}");
    }
    let lower = text.to_lowercase();
    assert!(
        !lower.contains("##[") && !lower.contains("##vso["),
        "{text}"
    );
    for line in text.lines() {
        assert!(
            commands_are_ours || !line.trim_start().starts_with("::"),
            "{line}"
        );
    }
}

/// A Markdown text as a reader of it sees it.
#[derive(Default, Debug)]
struct Seen {
    headings: Vec<String>,
    /// The cells of the table's rows, its head among them.
    rows: Vec<Vec<String>>,
    /// The fenced blocks, with their languages.
    fences: Vec<(String, String)>,
    /// What is seen folded.
    summaries: Vec<String>,
    text: String,
}

/// Reads Markdown as GitHub does, and checks that it holds no markup but ours.
#[track_caller]
fn read(markdown: &str) -> Seen {
    let mut seen = Seen::default();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_GFM
        | Options::ENABLE_TASKLISTS;
    let mut heading = false;
    let mut cell = false;
    let mut fence = false;
    let mut open = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                heading = true;
                seen.headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Start(Tag::TableHead | Tag::TableRow) => seen.rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                cell = true;
                seen.rows.last_mut().expect("a row").push(String::new());
            }
            Event::End(TagEnd::TableCell) => cell = false,
            Event::Start(Tag::CodeBlock(kind)) => {
                fence = true;
                let pulldown_cmark::CodeBlockKind::Fenced(language) = kind else {
                    panic!("an indented block in\n{markdown}")
                };
                seen.fences.push((language.to_string(), String::new()));
            }
            Event::End(TagEnd::CodeBlock) => fence = false,
            Event::Text(text) | Event::Code(text) => {
                if fence {
                    seen.fences.last_mut().expect("a fence").1.push_str(&text);
                } else if cell {
                    let row = seen.rows.last_mut().expect("a row");
                    row.last_mut().expect("a cell").push_str(&text);
                } else if heading {
                    seen.headings.last_mut().expect("a heading").push_str(&text);
                }
                if !fence {
                    // What GitHub makes links of.
                    assert!(!text.contains("www.") || cell || open > 0, "{text}");
                    seen.text.push_str(&text);
                }
            }
            Event::InlineHtml(html) => match html.as_ref() {
                "<code>" | "</code>" => {}
                other => panic!("`{other}` in\n{markdown}"),
            },
            Event::Html(html) => {
                let line = html.trim_end();
                if line.starts_with("<!-- ") {
                    assert!(
                        line.starts_with("<!-- assignctl ") && line.ends_with(" -->"),
                        "{line}"
                    );
                    assert_eq!(line.matches('<').count(), 1, "{line}");
                } else if line == "</details>" {
                    open -= 1;
                } else {
                    open += 1;
                    let inner = line
                        .strip_prefix("<details><summary>")
                        .and_then(|rest| rest.strip_suffix("</summary>"))
                        .unwrap_or_else(|| panic!("`{line}` in\n{markdown}"));
                    let inner = inner.replace("<code>", "").replace("</code>", "");
                    assert!(!inner.contains('<'), "{line}");
                    seen.summaries.push(entities(&inner));
                }
            }
            Event::Start(
                Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Emphasis
                | Tag::Strikethrough
                | Tag::BlockQuote(_),
            ) => {
                panic!("{event:?} in\n{markdown}");
            }
            _ => {}
        }
    }
    assert_eq!(open, 0, "{markdown}");
    seen
}

/// Reads numeric entities, as a browser does.
fn entities(text: &str) -> String {
    let mut parts = text.split("&#");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').expect("an entity");
        read.push(char::from(number.parse::<u8>().expect("a number")));
        read.push_str(rest);
    }
    read
}

/// An annotation as GitHub's runner reads it.
#[derive(Debug)]
struct Annotation {
    level: String,
    file: Option<String>,
    line: Option<String>,
    title: String,
    message: String,
}

#[track_caller]
fn annotations(text: &str) -> Vec<Annotation> {
    let unescape = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        text.replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    text.lines()
        .map(|line| {
            let (head, message) = line
                .strip_prefix("::")
                .and_then(|rest| rest.split_once("::"))
                .unwrap_or_else(|| panic!("not a command: {line}"));
            let (level, properties) = head.split_once(' ').expect("properties");
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            let property = |name: &str| {
                let mut all = properties.split(',').map(|property| {
                    let (key, value) = property.split_once('=').expect("a value");
                    assert!(["file", "line", "col", "title"].contains(&key), "{line}");
                    (key, unescape(value))
                });
                all.find(|(key, _)| *key == name).map(|(_, value)| value)
            };
            Annotation {
                level: level.to_owned(),
                file: property("file"),
                line: property("line"),
                title: property("title").expect("a title"),
                message: unescape(message),
            }
        })
        .collect()
}

#[test]
fn no_name_breaks_text() {
    let world = hostile();
    for line in [
        "plan m.yaml",
        "plan m.yaml --diff",
        "plan m.yaml --summary",
        "drift m.yaml --max-removals 1",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, false);
        is_tame(&ran.stderr, false);
        for name in HOSTILE {
            assert!(
                ran.stdout.contains(&cleaned(name)),
                "{name:?} in\n{}",
                ran.stdout
            );
        }
    }
}

#[test]
fn no_name_breaks_json() {
    let world = hostile();
    let ran = world
        .sandbox("plan m.yaml --format json --allow removals")
        .exits(0);
    assert!(!ran.stdout.to_lowercase().contains("##vso["));
    let plan = ran.json();
    for (number, name) in HOSTILE.iter().enumerate() {
        let policies = plan["policies"].as_array().expect("a list");
        let policy = policies.iter().find(|policy| policy["name"] == *name);
        let policy = policy.unwrap_or_else(|| panic!("no {number}"));
        assert_eq!(policy["before"][0]["target"]["name"], *name);
        assert_eq!(policy["before"][0]["filter"]["name"], *name);
    }
    // It can be saved, shown and applied.
    world
        .sandbox("plan m.yaml --out plan.json --allow removals")
        .exits(0);
    is_tame(&world.run("show plan.json").exits(0).stdout, false);
    world.sandbox("apply plan.json --format json").exits(0);
}

#[test]
fn no_name_breaks_markdown() {
    let world = hostile();
    for line in [
        "plan m.yaml --format markdown",
        "drift m.yaml --format markdown --max-removals 1",
        "apply m.yaml --yes --format markdown --write-limit 1/1s",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, false);
        let seen = read(&ran.stdout);
        assert_eq!(seen.headings.len(), 1, "{seen:?}");
        assert_eq!(seen.rows.len(), HOSTILE.len() + 1);
        let width = seen.rows[0].len();
        assert!(seen.rows.iter().all(|row| row.len() == width), "{seen:?}");
        let diffs: Vec<&String> = seen
            .fences
            .iter()
            .filter(|(language, _)| language == "diff")
            .map(|(_, lines)| lines)
            .collect();
        assert_eq!(diffs.len(), HOSTILE.len());
        for name in HOSTILE {
            let name = cleaned(name);
            let cell = name.trim();
            assert!(
                seen.rows.iter().any(|row| row[0].trim() == cell),
                "{cell} in {seen:?}"
            );
            assert!(
                seen.summaries.iter().any(|line| line.contains(&name)),
                "{name}"
            );
        }
        for lines in diffs {
            let tame = |line: &str| line.starts_with(['@', '+', '-', ' ']);
            assert!(lines.lines().all(tame), "{lines}");
            assert!(lines.contains("+- collection: c"), "{lines}");
        }
        // The warning of the `match` that selects nothing comes last.
        let (language, warning) = seen.fences.last().expect("a fence");
        assert_eq!(language, "text");
        assert!(warning.contains("nothing ``` @me"), "{warning}");
    }
}

#[test]
fn no_name_breaks_annotations() {
    let world = hostile();
    for line in [
        "plan m.yaml --format github",
        "drift m.yaml --format github --max-removals 1",
        "apply m.yaml --yes --format github",
    ] {
        let ran = world.sandbox(line);
        is_tame(&ran.stdout, true);
        let told = annotations(&ran.stdout);
        assert!(told.len() >= 2, "{told:?}");
        if line.starts_with("apply") {
            continue;
        }
        let entry = told
            .iter()
            .find(|told| {
                told.line.as_deref() == Some("3") && told.title.ends_with("policies change")
            })
            .expect("the entry");
        assert_eq!(entry.file.as_deref(), Some("m.yaml"));
        for name in HOSTILE {
            assert!(entry.message.contains(&cleaned(name)), "{name:?}");
        }
    }
}

#[test]
fn hostile_manifests_break_no_format_either() {
    let world = World::new(&Tenant::common().policy("P", &[]));
    let name = "::error::x ##vso[y]z | ``` <b> @me";
    world.write(
        "%25,a::b.yaml",
        &format!("version: 1\npolicies:\n- {{kind: configurationPolicy, name: '{name}', include: [group: '{name}']}}\n# ##vso[z]\n"),
    );
    world.write("c.yaml", "version: 1\n\"##vso[q] \\e[31m\": 1\n");
    for line in ["plan %25,a::b.yaml", "validate c.yaml"] {
        let run = |format: &str| {
            world
                .run(&format!(
                    "{line} --format {format} --no-progress --sandbox tenant.json"
                ))
                .exits(3)
        };
        is_tame(&run("text").stderr, false);
        let markdown = run("markdown").stdout;
        is_tame(&markdown, false);
        let seen = read(&markdown);
        assert!(seen.fences.iter().all(|(language, _)| language == "text"));
        assert!(!seen.fences.is_empty());
        let github = run("github").stdout;
        is_tame(&github, true);
        let told = annotations(&github);
        assert!(told.iter().all(|told| told.level == "error"), "{told:?}");
        let file = line.split_once(' ').expect("a path").1;
        assert_eq!(told[0].file.as_deref(), Some(file), "{github}");
    }
}

/// A tenant and manifests in which a bit of everything happens.
fn small() -> World {
    let tenant = Tenant::common()
        .policy("Win - BitLocker", &["+A", "+B [include F]", "-C"])
        .policy("Same", &["allDevices [include F]"])
        .policy("Unmanaged", &["allUsers"])
        .compliance("Baseline", &["+A"]);
    World::with(
        &tenant,
        &[
            "name: Win - BitLocker, include: [{group: B, filter: F, filterMode: exclude}, collection: MEM1], exclude: [group: C]",
            "name: Same, include: [{allDevices: true, filter: f}]",
            "kind: compliancePolicy, match: 'Base*'",
            "match: 'Old*'",
        ],
    )
}

#[test]
fn a_plan_as_a_comment_and_as_annotations() {
    let world = small();
    world
        .sandbox("plan m.yaml --format markdown")
        .exits(4)
        .matches("formats/plan_markdown");
    world
        .sandbox("plan m.yaml --format github")
        .exits(4)
        .matches("formats/plan_github");
    // Details can be asked for and done without.
    let ran = world.sandbox("plan m.yaml --format markdown --summary --all --allow unassigned");
    ran.exits(0)
        .says(&["<code>Same</code>", "Guard `unassigned` accepted"])
        .says_nothing_of("```diff");
}

#[test]
fn nothing_to_do() {
    let world = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: A]"],
    );
    for format in ["markdown", "github"] {
        for line in ["plan m.yaml", "drift m.yaml", "apply m.yaml"] {
            world
                .sandbox(&format!("{line} --format {format}"))
                .exits(0)
                .says(&[
                    "nothing to do, 1 managed policy is as the manifests say",
                    TENANT_ID,
                ]);
        }
    }
}

#[test]
fn what_became_of_a_plan() {
    let world = small();
    world.edit("tenant.json", |state| {
        state["service"]["refuseMissingGroups"] = json!(true);
    });
    let flags = "--yes --allow unassigned --allow removals";
    world
        .sandbox(&format!("apply m.yaml {flags} --format markdown"))
        .exits(0)
        .matches("formats/applied_markdown");
    let world = small();
    world
        .sandbox(&format!("apply m.yaml {flags} --format github"))
        .exits(0)
        .says(&["::notice title=assignctl apply::", "2 applied"]);
}

#[test]
fn errors_show_in_every_format() {
    let world = World::with(
        &Tenant::common().policy("P", &[]),
        &["name: P, include: [group: D]", "name: Q"],
    );
    for command in ["plan", "drift", "apply"] {
        let run = |format: &str| {
            let line = format!("{command} m.yaml --format {format} --json-into told.json");
            world.sandbox(&line).exits(3)
        };
        let check = |ran: &Ran, told: &Value| {
            assert_eq!(told["complete"], false, "{}", ran.stdout);
            assert_eq!(told["error"]["exitCode"], 3);
            assert_eq!(told["digest"], Value::Null);
            let diagnostics = told["diagnostics"].as_array().expect("a list");
            assert_eq!(diagnostics.len(), 2);
            assert_eq!(diagnostics[0]["severity"], "error");
            assert_eq!(diagnostics[0]["code"], "unknown-group");
            assert_eq!(diagnostics[0]["line"], 3);
            assert_eq!(diagnostics[1]["code"], "unknown-policy");
        };
        let ran = run("json");
        check(&ran, &ran.json());
        check(&ran, &world.json("told.json"));
        let ran = run("markdown");
        let seen = read(&ran.stdout);
        assert_eq!(
            seen.headings,
            [format!("assignctl {command}: failed, 2 errors")]
        );
        assert!(seen.fences[0].1.contains("3 | - {kind"), "{seen:?}");
        let told = annotations(&run("github").stdout);
        assert_eq!(told.len(), 2);
        assert_eq!(told[1].line.as_deref(), Some("4"));
        assert!(told[1].title.contains("unknown-policy"));
        assert_eq!(run("text").stdout, "");
        check(&ran, &world.json("told.json"));
    }
    // What is no plan can't be applied.
    world
        .sandbox("apply told.json")
        .exits(1)
        .says(&["incomplete"]);
    world
        .sandbox("plan gone.yaml --format markdown")
        .exits(3)
        .says(&["<!-- assignctl plan -->", "1 error"]);
}

#[test]
fn other_failures_show_in_every_format() {
    let mut world = small();
    world.set("ASSIGNCTL_GRAPH_URL", "http://127.0.0.1:9/beta");
    // Nothing is configured to sign in with.
    for (format, part) in [
        ("json", "\"exitCode\": 7"),
        ("markdown", "**Error:** <code>"),
        ("github", "::error title=assignctl plan::"),
    ] {
        world
            .run(&format!("plan m.yaml --format {format}"))
            .exits(7)
            .says(&[part]);
    }
    // A saved plan that went stale tells of itself and of why.
    let flags = "--allow unassigned";
    world
        .sandbox(&format!("plan m.yaml --out plan.json {flags}"))
        .exits(0);
    world.edit("tenant.json", |state| {
        policy_mut(state, "Baseline")["assignments"] = json!([]);
    });
    world.edit("tenant.json", |state| {
        policy_mut(state, "Win - BitLocker")["assignments"] = json!([]);
    });
    world
        .sandbox("apply plan.json --format markdown")
        .exits(5)
        .says(&[
            "**Error:** <code>the live state has moved",
            "1 stale, 1 skipped",
        ]);
    world
        .sandbox("apply plan.json --format github")
        .exits(5)
        .says(&["::error title=assignctl apply::the live state has moved"]);
    let told = world
        .sandbox("apply plan.json --format json")
        .exits(5)
        .json();
    assert_eq!(told["error"]["exitCode"], 5);
    assert_eq!(told["results"]["exitCode"], 5);
}

#[test]
fn a_comment_keeps_to_its_size() {
    let mut tenant = Tenant::common();
    for number in 0..40 {
        tenant = tenant.policy(&format!("Policy {number} {}", "|".repeat(30)), &[]);
    }
    let world = World::with(&tenant, &["match: '*', include: [group: B]", "match: Z"]);
    let full = world.sandbox("plan m.yaml --format markdown").exits(0);
    assert!(full.stdout.len() < 60_000);
    full.says_nothing_of("Left out");
    let mut last = 0;
    for bytes in [1_000, 2_000, 5_000, 20_000, 25_000] {
        let ran = world.sandbox(&format!(
            "plan m.yaml --format markdown --max-bytes {bytes}"
        ));
        let ran = ran.exits(0).says(&[
            "<!-- assignctl plan -->\n",
            "### assignctl plan: 40 policies change of 40 managed",
            &format!("**Left out** to fit into {bytes} bytes: "),
            "1 of 1 warnings",
            "Digest: `sha256:",
        ]);
        assert!(ran.stdout.len() <= bytes, "{} of {bytes}", ran.stdout.len());
        assert!(ran.stdout.len() > last);
        last = ran.stdout.len();
        read(&ran.stdout);
    }
    world
        .sandbox("plan m.yaml --format markdown --max-bytes 999")
        .exits(64)
        .says(&["at least 1000"]);
}

#[test]
fn a_saved_plan_in_every_format() {
    let world = small();
    let flags = "--allow unassigned";
    let planned = world
        .sandbox(&format!(
            "plan m.yaml --out plan.json {flags} --format markdown"
        ))
        .exits(0);
    let shown = world.run("show plan.json --format markdown").exits(0);
    // But for how its warning is drawn: the manifest may be elsewhere.
    let head = |text: &str| {
        text.split("<details><summary>1 warning")
            .next()
            .map(str::to_owned)
    };
    assert_eq!(head(&shown.stdout), head(&planned.stdout));
    read(&shown.stdout);
    let told = annotations(&world.run("show plan.json --format github").exits(0).stdout);
    assert!(
        told.iter()
            .any(|told| told.level == "warning" && told.title.contains("match-selects-nothing"))
    );
    assert!(
        told.iter()
            .any(|told| told.title.contains("guard unassigned accepted"))
    );
}

#[test]
fn a_validation_in_every_format() {
    let world = World::empty();
    world.manifest(&["name: P, include: [group: A]"]);
    for format in ["markdown", "github"] {
        world
            .run(&format!("validate m.yaml --format {format}"))
            .exits(0)
            .says(&["Valid: 1 entry in 1 file."]);
    }
    world.manifest(&["nme: P, include: [group: A], exclude: [group: a]"]);
    let seen = read(
        &world
            .run("validate m.yaml --format markdown")
            .exits(3)
            .stdout,
    );
    assert!(
        seen.headings[0].contains("Invalid: 2 errors in 1 file"),
        "{seen:?}"
    );
    let told = annotations(&world.run("validate m.yaml --format github").exits(3).stdout);
    assert_eq!(told[0].file.as_deref(), Some("m.yaml"));
    assert!(
        told.iter().any(|told| told.message.contains("\nhint: ")),
        "{told:?}"
    );
    let told = world.run("validate m.yaml --format json").exits(3).json();
    assert_eq!(told["valid"], false);
}

#[test]
fn a_result_is_never_written_over_what_was_read() {
    let world = small();
    for (line, name) in [
        ("plan m.yaml --json-into m.yaml", "m.yaml"),
        ("drift m.yaml --json-into tenant.json", "tenant.json"),
        ("validate m.yaml --json-into m.yaml", "m.yaml"),
        ("show plan.json --json-into plan.json", "plan.json"),
        ("plan m.yaml --config m.yaml --json-into m.yaml", "m.yaml"),
    ] {
        world.write("plan.json", "{}");
        let before = world.read(name);
        let ran = world.sandbox(line);
        assert!([Some(64), Some(1)].contains(&ran.code), "{ran:?}");
        assert_eq!(world.read(name), before, "{line}");
    }
}

#[test]
fn groups_of_one_name_are_told_apart() {
    let tenant = Tenant::new().group("A").group("B").policy("P", &["+A"]);
    let other = super::support::tenant::group_id(2);
    let world = World::with(&tenant, &[&format!("name: P, include: [groupId: {other}]")]);
    world.edit("tenant.json", |state| {
        state["groups"][1]["displayName"] = json!("A");
    });
    world
        .sandbox("plan m.yaml")
        .exits(0)
        .says(&[&format!("+ group A ({other})")]);
    world
        .sandbox("plan m.yaml --format markdown")
        .exits(0)
        .says(&[&format!("+  groupId: {other}")]);
}
