//! `--ci`: what a run in a pipeline reads from its platform and leaves there. Each test runs against
//! stand-ins of all three platforms, which check the form of every request.

mod drift;
mod examples;
#[cfg(unix)]
mod install;
mod platform;
mod refused;
mod reviewed;
mod tenants;

use serde_json::Value;

use super::support::World;
use super::support::tenant::{Tenant, nth_policy};
use platform::{Event, Kind, Platform, SOMEBODY, Text};

const PLAN: &str = "plan m.yaml";
const APPLY: &str = "apply m.yaml --reviewed --yes";

/// A policy that shall be assigned to `B` too, and one that no manifest manages.
fn tenant() -> Tenant {
    Tenant::common().policy("P", &["+A"]).policy("Q", &[])
}

const WANTED: &str = "name: P, include: [group: A, group: B]";
/// It trips the guard `broad-target`.
const BROAD: &str = "name: P, include: [group: A, allUsers]";

fn platform(kind: Kind, entry: &str) -> Platform {
    Platform::new(kind, World::with(&tenant(), &[entry]))
}

fn comment(author: u64, id: u64, body: &str) -> Text {
    Text {
        id,
        author,
        body: body.to_owned(),
        is_open: true,
        editor: None,
    }
}

/// Adds an assignment to `C` by hand.
fn by_hand(state: &mut Value) {
    let mut row = nth_policy(state, 0)["assignments"][0].clone();
    row["id"] = Value::Null;
    row["target"]["groupId"] = Value::from("bbbbbbbb-0000-4000-8000-000000000003");
    let rows = nth_policy(state, 0)["assignments"].as_array_mut();
    rows.expect("a list").push(row);
}

/// Takes all assignments of `P` away by hand.
fn emptied(state: &mut Value) {
    nth_policy(state, 0)["assignments"] = serde_json::json!([]);
}

#[test]
fn a_change_gets_one_comment_that_is_updated() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        // Anyone can write the marker.
        let forged = comment(SOMEBODY, 1, "<!-- assignctl plan -->\nhello");
        platform.state().comments.push(forged);
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["comment 101"], "{kind:?}");
        let body = platform.own_comment();
        assert!(body.starts_with("<!-- assignctl plan -->\n"), "{body}");
        for part in ["sha256:", "1 assignment to add", "B"] {
            assert!(body.contains(part), "`{part}` is not in\n{body}");
        }
        if kind != Kind::GitLab {
            assert_eq!(platform.summary("plan"), body);
        }

        // The same once more, another push, and the same comment.
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), [""; 0]);
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["update comment 101"]);
        assert_ne!(platform.own_comment(), body);
        assert_eq!(platform.world.rows("P"), ["+A"], "a plan writes nothing");
    }
}

#[test]
fn a_comment_is_found_behind_hundreds_of_others() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        for id in 1000..1250 {
            platform
                .state()
                .comments
                .push(comment(SOMEBODY, id, "hello"));
        }
        platform.state().comments.push(comment(
            platform::OWN,
            7000,
            "<!-- assignctl plan -->\r\nold",
        ));
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["update comment 7000"], "{kind:?}");
    }
}

/// Two runs at a time may each have written one: the older one is kept, wherever it stands in the list.
#[test]
fn of_several_comments_the_oldest_is_kept() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let ids = if kind == Kind::AzureDevOps {
            [9, 8]
        } else {
            [8, 9]
        };
        platform.state().comments = ids
            .map(|id| comment(platform::OWN, id, "<!-- assignctl plan -->\nold"))
            .to_vec();
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["update comment 8"], "{kind:?}");
        platform.run(Event::Merged, APPLY).exits(0);
    }
}

#[test]
fn a_guard_or_an_error_makes_the_check_red_and_is_in_the_comment() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, BROAD);
        platform.run(Event::Proposed, PLAN).exits(4);
        assert!(platform.own_comment().contains("broad-target"));
        platform
            .world
            .manifest(&["name: P, include: [group: Nobody]"]);
        platform.run(Event::Proposed, PLAN).exits(3);
        assert!(platform.own_comment().contains("unknown-group"));
        platform.world.manifest(&["nmae: P"]);
        let ran = platform.run(Event::Proposed, PLAN).exits(3);
        match kind {
            Kind::GitHub => {
                ran.says(&["::error file=m.yaml,line=3"]);
            }
            Kind::AzureDevOps => {
                ran.says(&[
                    "##vso[task.logissue type=error;sourcepath=m.yaml;linenumber=3;",
                    "##vso[task.uploadsummary]",
                ]);
            }
            Kind::GitLab => {}
        }
        assert!(platform.own_comment().contains("unknown-key"));
        assert_eq!(
            platform.changes(),
            ["comment 101", "update comment 101", "update comment 101"]
        );
    }
}

#[test]
fn annotations_are_printed_once() {
    let mut platform = platform(Kind::GitHub, "nmae: P");
    let ran = platform
        .run(Event::Proposed, "plan m.yaml --format github")
        .exits(3);
    let both = format!("{}{}", ran.stdout, ran.stderr);
    assert_eq!(both.matches("::error ").count(), 1, "{both}");
}

#[test]
fn no_comment_is_written_where_none_may_be() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform
            .run(Event::Fork, PLAN)
            .exits(0)
            .says(&["it comes from a fork"]);
        if kind != Kind::AzureDevOps {
            // Azure DevOps has no merge queue.
            platform
                .run(Event::Queued, PLAN)
                .exits(0)
                .says(&["merge queue"]);
        }
        platform.run(Event::Merged, PLAN).exits(0);
        assert_eq!(platform.changes(), [""; 0], "{kind:?}");
        if kind != Kind::GitLab {
            assert!(platform.summary("plan").contains("sha256:"));
        }
    }
}

#[test]
fn a_label_or_a_trailer_accepts_a_guard_in_review_and_at_the_merge() {
    for kind in Kind::ALL {
        // Whoever may read an Azure repository may set labels.
        let ways = [true, false];
        for by_label in ways
            .into_iter()
            .filter(|by_label| !by_label || kind != Kind::AzureDevOps)
        {
            let mut platform = platform(kind, BROAD);
            if by_label {
                let labels = ["bug", "assignctl-allow: broad-target"];
                platform.state().labels = labels.map(str::to_owned).to_vec();
            } else {
                platform.state().description =
                    "Everybody gets P\n\nassignctl-allow: unassigned, broad-target\n".to_owned();
            }
            platform.run(Event::Proposed, PLAN).exits(0);
            assert!(
                platform.own_comment().contains("accepted"),
                "{}",
                platform.own_comment()
            );
            platform.run(Event::Queued, PLAN).exits(0);
            // GitHub's list for a commit has no labels in this stand-in: they are read of the change itself.
            platform.run(Event::Merged, APPLY).exits(0);
            assert_eq!(platform.world.rows("P"), ["+A", "allUsers"], "{kind:?}");
        }
        let mut platform = platform(kind, BROAD);
        platform.state().description = "Quoted: assignctl-allow: broad-target".to_owned();
        platform.run(Event::Proposed, PLAN).exits(4);
        platform.state().labels = vec!["assignctl-allow: broad-target".to_owned()];
        if kind == Kind::AzureDevOps {
            platform.run(Event::Proposed, PLAN).exits(4);
        }
        platform.state().description = "assignctl-allow: brod-target".to_owned();
        platform
            .run(Event::Proposed, PLAN)
            .exits(1)
            .says(&["request 7 accepts the guard `brod-target`", "no such guard"]);
    }
}

/// Pipelines of forks run in the fork, without the project's token.
#[test]
fn a_pipeline_in_a_fork_on_gitlab_plans_without_a_token() {
    let mut platform = platform(Kind::GitLab, WANTED);
    platform.start(Event::Fork);
    platform.world.set("CI_PROJECT_ID", "43");
    platform.world.set("GITLAB_TOKEN", "");
    let plan = "plan m.yaml --ci gitlab";
    let ran = platform.world.sandbox(plan).exits(0);
    ran.says(&["it comes from a fork", "1 assignment to add"]);
    assert_eq!(platform.requests().len(), 0);
    // With a token, the merge request is looked for in the project, where it is.
    platform.world.set("GITLAB_TOKEN", platform::TOKEN);
    platform.world.sandbox(plan).exits(0);
    assert_eq!(platform.requests().len(), 1);
    assert_eq!(platform.changes(), [""; 0]);
}

#[test]
fn a_project_on_gitlab_may_be_named_by_its_path() {
    let mut platform = platform(Kind::GitLab, WANTED);
    platform.start(Event::Proposed);
    for name in [
        "CI_MERGE_REQUEST_PROJECT_ID",
        "CI_MERGE_REQUEST_SOURCE_PROJECT_ID",
    ] {
        platform.world.set(name, "endpoints/intune 100%");
    }
    let plan = "plan m.yaml --ci gitlab";
    platform.world.sandbox(plan).exits(0);
    assert_eq!(platform.state().comments.len(), 1);
    // Errors name it as it was set.
    platform.state().failures = vec![(404, "404 Project Not Found"); 4];
    let ran = platform.world.sandbox(plan);
    ran.says(&["/projects/endpoints/intune 100%/merge_requests/7"]);
}

/// Anyone can propose a change from a fork, and writes its description.
#[test]
fn a_trailer_of_a_fork_accepts_nothing() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let mut platform = platform(kind, BROAD);
        let mut state = platform.state();
        state.from_fork = true;
        state.description = "assignctl-allow: broad-target".to_owned();
        drop(state);
        platform
            .run(Event::Fork, PLAN)
            .exits(4)
            .says(&["request 7 comes from a fork", "a label does"]);
        platform.run(Event::Queued, PLAN).exits(4);
        platform.run(Event::Merged, "apply m.yaml --yes").exits(4);
        platform.state().labels = vec!["assignctl-allow: broad-target".to_owned()];
        platform.run(Event::Fork, PLAN).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A"], "{kind:?}");
    }
}

/// Pages may be short of what the platform hides, such as comments of accounts that were blocked.
#[test]
fn a_comment_is_found_behind_pages_that_are_not_full() {
    for kind in [Kind::GitHub, Kind::GitLab] {
        let mut platform = platform(kind, WANTED);
        let mut state = platform.state();
        state.short_pages = true;
        state.comments = (1000..1250)
            .map(|id| comment(SOMEBODY, id, "hello"))
            .collect();
        state
            .comments
            .push(comment(platform::OWN, 7000, "<!-- assignctl plan -->\nold"));
        drop(state);
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["update comment 7000"], "{kind:?}");
    }
}

/// A comment has to fit, and its last line has to name the digest all the same.
#[test]
fn a_plan_that_is_too_large_for_a_comment_can_be_reviewed() {
    // So many writes would wait a minute for the service's limit.
    let mut tenant = Tenant::common().switch("throttling", serde_json::json!({"enabled": false}));
    let mut entries = vec!["version: 1\npolicies:".to_owned()];
    for number in 0..160 {
        let name = format!("Größe {} {number}", "ä".repeat(220));
        tenant = tenant.policy(&name, &["+A"]);
        let group = if number % 2 == 0 { "B" } else { "C" };
        entries.push(format!(
            "- {{kind: configurationPolicy, name: '{name}', include: [group: A, group: {group}]}}"
        ));
    }
    let world = World::new(&tenant);
    world.write("m.yaml", &entries.join("\n"));
    let mut platform = Platform::new(Kind::GitHub, world);
    let line = |line: &str| {
        format!("{line} --max-policies 1000 --write-limit 1000/20s --read-limit 9000/20s")
    };
    platform.run(Event::Proposed, &line(PLAN)).exits(0);
    let body = platform.own_comment();
    assert!(
        body.len() < 65_536 && body.contains("Left out"),
        "{}",
        body.len()
    );
    platform
        .run(Event::Merged, &line(&format!("{APPLY} --only *7")))
        .exits(5);
    platform.run(Event::Merged, &line(APPLY)).exits(0);
}

#[test]
fn the_platform_is_found_by_its_variables() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform.start(Event::Proposed);
        platform.world.sandbox("plan m.yaml --ci auto").exits(0);
        assert_eq!(platform.changes(), ["comment 101"], "{kind:?}");
    }
    // A runner of one platform may be started by a job of another.
    const ALSO: &str = "`--ci auto` uses";
    let mut platform = platform(Kind::GitHub, WANTED);
    platform.start(Event::Proposed);
    platform
        .world
        .sandbox("plan m.yaml --ci auto")
        .exits(0)
        .says_nothing_of(ALSO);
    platform.world.set("GITLAB_CI", "true");
    platform.world.sandbox("plan m.yaml --ci auto").exits(0).says(&[
        "`--ci auto` uses GitHub: the variables of GitHub and GitLab are set; name another with `--ci`",
    ]);
    platform
        .world
        .sandbox("plan m.yaml --ci github")
        .exits(0)
        .says_nothing_of(ALSO);
    World::with(&tenant(), &[WANTED])
        .sandbox("plan m.yaml --ci auto")
        .exits(64)
        .says(&["`--ci auto`", "`--ci github`"]);
}
