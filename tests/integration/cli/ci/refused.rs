//! What a platform refuses, and what must never get to it.

use super::platform::{Event, Kind, Platform, TOKEN};
use super::{APPLY, PLAN, WANTED, by_hand, platform, tenant};
use crate::cli::support::World;
use crate::cli::support::stand_in::{Reply, Seen, StandIn};

fn without(mut platform: Platform, event: Event, name: &str) -> Platform {
    platform.start(event);
    platform.world.set(name, "");
    platform
}

#[test]
fn a_plan_that_nobody_sees_is_a_failure() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        // The change can be read, its comments cannot: the plan is made, and the run fails.
        let mut state = platform.state();
        state.good = 1;
        state.failures = vec![(403, "Resource not accessible")];
        drop(state);
        platform.run(Event::Proposed, PLAN).exits(1).says(&[
            "1 assignment to add",
            "status 403: Resource not accessible",
            "hint:",
        ]);
        if kind != Kind::GitLab {
            assert!(platform.summary("plan").contains("sha256:"));
        }
    }
}

/// All questions to GraphQL go to one path.
#[test]
fn a_question_that_is_refused_is_named() {
    for (event, line, good, question) in [
        (Event::Proposed, PLAN, 1, "viewer"),
        (Event::Merged, APPLY, 3, "node"),
    ] {
        let mut platform = platform(Kind::GitHub, WANTED);
        platform.run(Event::Proposed, PLAN).exits(0);
        let mut state = platform.state();
        state.merged = vec![(7, "main", true)];
        state.good = good;
        state.failures = vec![(403, "not accessible")];
        drop(state);
        platform.run(event, line).exits(1).says(&[&format!(
            "GitHub answered `POST /graphql ({question})` with status 403: not accessible"
        )]);
    }
}

#[test]
fn a_read_is_tried_again_and_a_write_is_not_made_twice() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform.state().failures = vec![(503, "busy"), (429, "slow down"), (502, "bad gateway")];
        platform.run(Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["comment 101"], "{kind:?}");
        platform.state().failures = vec![(503, "busy"); 4];
        platform
            .run(Event::Proposed, PLAN)
            .exits(1)
            .says(&["status 503: busy"]);
        // An error of another kind is not tried again, and the comment says that there is no plan.
        platform.state().failures = vec![(404, "Not Found")];
        let before = platform.requests().len();
        platform.run(Event::Proposed, PLAN).exits(1);
        let requests = &platform.requests()[before..];
        let same = |seen: &&Seen| seen.target == requests[0].target;
        assert_eq!(requests.iter().filter(same).count(), 1);
        assert!(platform.own_comment().contains("Not Found"));
    }
}

/// Each request of a run in turn is answered with 503: questions and updates are sent again, also those that
/// are asked with POST, and a comment is made once at most.
#[test]
fn whatever_can_be_sent_twice_is_sent_again() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        for good in 0.. {
            let mut state = platform.state();
            state.good = good;
            state.failures = vec![(503, "busy")];
            drop(state);
            let before = platform.requests().len();
            let ran = platform.run(Event::Proposed, PLAN);
            let requests = &platform.requests()[before..];
            if platform.state().failures.is_empty() {
                let failed = &requests[good];
                let made = failed.method == "POST"
                    && (failed.path().ends_with("/comments")
                        || failed.path().ends_with("/notes")
                        || failed.path().ends_with("/threads"));
                ran.exits(if made { 1 } else { 0 });
                let comments = platform.state().comments.len();
                assert_eq!(comments, usize::from(!made), "{kind:?}: {failed:?}");
                platform.state().comments.clear();
            } else {
                assert!(good >= 3, "{kind:?}: every request was tried");
                break;
            }
        }
        // An update, and the question behind a merge.
        platform.state().failures.clear();
        platform.run(Event::Proposed, PLAN).exits(0);
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        let mut state = platform.state();
        state.good = 3;
        state.failures = vec![(502, "bad gateway")];
        drop(state);
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.state().failures = vec![(504, "timeout")];
        platform.run(Event::Merged, APPLY).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "+C"]);
    }
}

/// GitHub limits with 403 as well as with 429, and every platform may ask for a wait that is too long.
#[test]
fn a_limit_is_waited_out_if_that_is_soon() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        for soon in ["0", "Thu, 01 Jan 2026 00:00:00 GMT"] {
            let mut state = platform.state();
            state.failures = vec![(403, "You have exceeded a secondary rate limit")];
            state.retry_after = Some(soon);
            drop(state);
            platform.run(Event::Proposed, PLAN).exits(0);
        }
        for late in ["86400", "Fri, 31 Dec 9999 23:59:59 GMT"] {
            let mut state = platform.state();
            state.failures = vec![(429, "come back tomorrow"); 4];
            state.retry_after = Some(late);
            drop(state);
            let before = platform.requests().len();
            platform
                .run(Event::Proposed, PLAN)
                .exits(1)
                .says(&["status 429: come back tomorrow"]);
            let first = &platform.requests()[before];
            let asked = platform.requests()[before..]
                .iter()
                .filter(|seen| seen.target == first.target)
                .count();
            assert_eq!(asked, 1, "{kind:?}: {late}");
        }
    }
}

#[test]
fn the_exit_code_of_an_apply_says_how_the_tenant_was_left() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform.run(Event::Proposed, PLAN).exits(0);
        let mut state = platform.state();
        // The change and its comments are read; then the platform takes no comment.
        state.good = if kind == Kind::GitHub { 5 } else { 4 };
        state.failures = vec![(403, "read only"); 4];
        drop(state);
        platform
            .run(Event::Merged, APPLY)
            .exits(0)
            .says(&["status 403: read only"]);
        assert_eq!(platform.world.rows("P"), ["+A", "+B"], "{kind:?}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for (kind, name, code) in [
        (Kind::GitHub, "GITHUB_TOKEN", 1),
        (Kind::GitHub, "GITHUB_API_URL", 64),
        (Kind::GitHub, "GITHUB_GRAPHQL_URL", 64),
        (Kind::GitHub, "GITHUB_EVENT_PATH", 64),
        (Kind::GitHub, "GITHUB_REPOSITORY", 64),
        (Kind::AzureDevOps, "SYSTEM_ACCESSTOKEN", 1),
        (Kind::AzureDevOps, "SYSTEM_COLLECTIONURI", 64),
        (Kind::AzureDevOps, "BUILD_SOURCEVERSION", 64),
        (Kind::GitLab, "GITLAB_TOKEN", 1),
        (Kind::GitLab, "CI_API_V4_URL", 64),
        (Kind::GitLab, "CI_PROJECT_ID", 64),
    ] {
        let platform = without(platform(kind, WANTED), Event::Proposed, name);
        platform
            .world
            .sandbox(&format!("{PLAN} --ci {}", kind.name()))
            .exits(code)
            .says(&[&format!("`{name}` is not set"), "hint:"]);
        assert_eq!(platform.requests().len(), 0);
    }
    let mut platform = platform(Kind::AzureDevOps, WANTED);
    platform.start(Event::Proposed);
    platform.world.set("BUILD_REPOSITORY_PROVIDER", "GitHub");
    platform
        .world
        .sandbox("plan m.yaml --ci azure-devops")
        .exits(1)
        .says(&["the repository is hosted on `GitHub`"]);
    let mut platform = super::platform(Kind::GitHub, WANTED);
    platform.start(Event::Proposed);
    platform.world.write("runner/event.json", "{]");
    platform
        .world
        .sandbox("plan m.yaml --ci github")
        .exits(64)
        .says(&["GITHUB_EVENT_PATH"]);
}

#[test]
fn a_token_goes_over_https_or_to_loopback_only() {
    for (kind, name) in [
        (Kind::GitHub, "GITHUB_API_URL"),
        (Kind::GitHub, "GITHUB_GRAPHQL_URL"),
        (Kind::AzureDevOps, "SYSTEM_COLLECTIONURI"),
        (Kind::GitLab, "CI_API_V4_URL"),
    ] {
        for address in [
            "http://ci.example.com/api",
            "ftp://127.0.0.1/",
            "https://me:hidden-word@ci.example.com/",
            "no url",
        ] {
            let mut platform = platform(kind, WANTED);
            platform.start(Event::Proposed);
            platform.world.set(name, address);
            platform
                .world
                .sandbox(&format!("{PLAN} --ci {}", kind.name()))
                .exits(64)
                .says(&[&format!("`{name}` cannot be used")])
                .says_nothing_of("hidden-word");
        }
    }
}

/// Redirects lead elsewhere with the token.
#[test]
fn a_redirect_is_not_followed() {
    let elsewhere = StandIn::start(|_| Reply::json(200, &serde_json::json!({})));
    for (kind, name) in [
        (Kind::GitHub, "GITHUB_API_URL"),
        (Kind::GitHub, "GITHUB_GRAPHQL_URL"),
        (Kind::AzureDevOps, "SYSTEM_COLLECTIONURI"),
        (Kind::GitLab, "CI_API_V4_URL"),
    ] {
        for status in [301, 302, 303, 307, 308] {
            let target = elsewhere.url.clone();
            let redirecting = StandIn::start(move |_| Reply {
                status,
                headers: vec![("Location", target.clone())],
                body: Vec::new(),
            });
            let mut platform = platform(kind, WANTED);
            platform.start(Event::Proposed);
            platform.world.set(name, &redirecting.url);
            platform
                .world
                .sandbox(&format!("{PLAN} --ci {}", kind.name()))
                .exits(1)
                .says(&[&format!("status {status}")]);
        }
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

/// What the platform answers is printed in a job whose runner takes commands from what is printed.
#[test]
fn neither_an_answer_nor_a_name_is_a_command() {
    const NAME: &str = "P\n::error::x\n##vso[task.complete result=Succeeded]y %0A::warning::z";
    for kind in Kind::ALL {
        let tenant = tenant().policy(NAME, &["+A"]);
        let entry = serde_json::json!({"kind": "configurationPolicy", "name": NAME,
            "include": [{"group": "A"}, {"group": "No\n::error::x\n##[error]y"}]});
        let world = World::new(&tenant);
        world.write(
            "m.yaml",
            &serde_json::json!({"version": 1, "policies": [entry]}).to_string(),
        );
        let mut platform = Platform::new(kind, world);
        let commands = |ran: &crate::cli::support::Ran| -> Vec<String> {
            let both = format!("{}\n{}", ran.stdout, ran.stderr);
            both.lines()
                .filter(|line| {
                    line.contains("##[")
                        || line.contains("##vso[")
                        || line.trim_start().starts_with("::")
                })
                .map(str::to_owned)
                .collect()
        };
        let check = |ran: &crate::cli::support::Ran| {
            for line in commands(ran) {
                let ours = match kind {
                    Kind::GitHub => {
                        line.starts_with("::error ")
                            || line.starts_with("::warning ")
                            || line.starts_with("::notice ")
                    }
                    Kind::AzureDevOps => {
                        line.starts_with("##vso[task.logissue type=")
                            || line.starts_with("##vso[task.uploadsummary]")
                    }
                    Kind::GitLab => false,
                };
                let marks = line.matches("##").count();
                assert!(ours && marks <= 1, "{kind:?}: {line}");
            }
        };
        for format in ["text", "json", "markdown", "github"] {
            let ran = platform.run(Event::Proposed, &format!("plan m.yaml --format {format}"));
            if kind == Kind::GitHub || format != "github" {
                check(&ran);
            }
            ran.exits(3);
        }
        platform.state().failures = vec![(
            400,
            "no\n::error::x\n##vso[task.complete result=Succeeded]y",
        )];
        let ran = platform.run(Event::Proposed, PLAN);
        check(&ran);
        ran.exits(1);
    }
}

/// The Graph token never goes to the platform, nor the platform's to Graph; neither is in any output.
#[test]
fn tokens_go_where_they_belong() {
    const GRAPH_TOKEN: &str = "the-token-of-the-directory";
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let graph = StandIn::start(|_| {
            Reply::json(
                403,
                &serde_json::json!({"error": {"code": "Forbidden", "message": "no"}}),
            )
        });
        platform.start(Event::Proposed);
        platform
            .world
            .set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", graph.url));
        platform.world.set("ASSIGNCTL_ACCESS_TOKEN", GRAPH_TOKEN);
        platform.state().failures = vec![];
        platform
            .world
            .run(&format!("{PLAN} -vv --ci {}", kind.name()))
            .exits(7)
            .says_nothing_of(TOKEN)
            .says_nothing_of(GRAPH_TOKEN);
        assert!(!graph.seen().is_empty() && !platform.requests().is_empty());
        for seen in graph.seen() {
            assert_eq!(
                seen.header("authorization"),
                Some(format!("Bearer {GRAPH_TOKEN}").as_str())
            );
            assert!(!format!("{seen:?}").contains(TOKEN));
        }
        for seen in platform.requests() {
            assert!(!format!("{seen:?}").contains(GRAPH_TOKEN), "{seen:?}");
        }
    }
}

/// A platform that repeats the token in an error does not get it into the log.
#[test]
fn an_error_that_repeats_the_token_is_cleaned() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform.state().failures = vec![(400, "bad token the-token-of-the-platform")];
        platform
            .run(Event::Proposed, PLAN)
            .exits(1)
            .says_nothing_of(TOKEN);
    }
}

#[test]
fn what_is_not_an_answer_is_an_error() {
    for body in ["", "[]", "<html>", "{\"labels\":1}"] {
        let odd = StandIn::start(move |_| Reply {
            status: 200,
            headers: vec![],
            body: body.as_bytes().to_vec(),
        });
        let mut platform = platform(Kind::GitLab, WANTED);
        platform.start(Event::Proposed);
        platform.world.set("CI_API_V4_URL", &odd.url);
        platform
            .world
            .sandbox("plan m.yaml --ci gitlab")
            .exits(1)
            .says(&["cannot be read"]);
    }
}

#[test]
fn an_issue_that_cannot_be_kept_fails_the_nightly_run() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, "name: P, include: [group: A]");
        platform.world.edit("tenant.json", by_hand);
        platform.state().failures = vec![(403, "no issues here")];
        platform
            .run(Event::Schedule, "drift m.yaml")
            .exits(1)
            .says(&["no issues here"]);
    }
}

#[test]
fn other_commands_take_no_pipeline() {
    let world = World::empty();
    world.run("validate m.yaml --ci github").exits(64);
    world.run("export --ci github").exits(64);
}
