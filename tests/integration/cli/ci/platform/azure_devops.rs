//! Azure DevOps' API, version 7.0, as learn.microsoft.com has it.

use serde_json::{Value, json};

use super::{COMMIT, Event, OWN, State, TOKEN, Text, body, unknown};
use crate::cli::support::World;
use crate::cli::support::stand_in::{Reply, Seen};

pub(super) fn variables(url: &str, world: &World, event: Event) -> Vec<(&'static str, String)> {
    let is_change = matches!(event, Event::Proposed | Event::Fork | Event::Queued);
    let on_change = |value: &str| if is_change { value } else { "" }.to_owned();
    world.write("runner/keep", "");
    vec![
        ("TF_BUILD", "True".to_owned()),
        ("SYSTEM_COLLECTIONURI", format!("{url}/tfs/Our Collection/")),
        ("SYSTEM_TEAMPROJECT", "unser Büro".to_owned()),
        ("BUILD_REPOSITORY_PROVIDER", "TfsGit".to_owned()),
        ("BUILD_REPOSITORY_ID", "repository".to_owned()),
        ("BUILD_SOURCEVERSION", COMMIT.to_owned()),
        (
            "BUILD_SOURCEBRANCH",
            if is_change {
                "refs/pull/7/merge"
            } else {
                "refs/heads/main"
            }
            .to_owned(),
        ),
        ("SYSTEM_PULLREQUEST_PULLREQUESTID", on_change("7")),
        (
            "SYSTEM_PULLREQUEST_ISFORK",
            on_change(if event == Event::Fork {
                "True"
            } else {
                "False"
            }),
        ),
        (
            "AGENT_TEMPDIRECTORY",
            world.path("runner").display().to_string(),
        ),
        ("SYSTEM_ACCESSTOKEN", TOKEN.to_owned()),
    ]
}

/// Identities are GUIDs, and not always written alike.
fn identity(number: u64, upper: bool) -> String {
    let id = format!("0000000{number}-000a-4000-8000-00000000000{number}");
    if upper { id.to_uppercase() } else { id }
}

fn html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<pre>{escaped}</pre>")
}

fn plain(html: &str) -> String {
    let inner = html
        .strip_prefix("<pre>")
        .and_then(|rest| rest.strip_suffix("</pre>"));
    let inner = inner.expect("what is shown as it is");
    assert!(!inner.contains('<'), "{inner}");
    inner
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

pub(super) fn answer(seen: &Seen, state: &mut State) -> Reply {
    if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        // Not an error by its status: it is a page to sign in on.
        return Reply {
            status: 203,
            headers: vec![("Content-Type", "text/html".to_owned())],
            body: b"<html>Sign in</html>".to_vec(),
        };
    }
    let path = seen.path().to_owned();
    if path == "/tfs/Our%20Collection/_apis/connectionData" {
        return Reply::json(
            200,
            &json!({"authenticatedUser": {"id": identity(OWN, true)}}),
        );
    }
    assert_eq!(
        seen.query("api-version").as_deref(),
        Some("7.0"),
        "{}",
        seen.target
    );
    let Some(path) = path.strip_prefix("/tfs/Our%20Collection/unser%20B%C3%BCro/_apis/") else {
        return unknown(seen);
    };
    let parts: Vec<&str> = path.split('/').collect();
    let given = body(seen);
    match parts.as_slice() {
        ["git", "repositories", "repository", rest @ ..] => git(seen, rest, &given, state),
        ["wit", rest @ ..] => boards(seen, rest, &given, state),
        _ => unknown(seen),
    }
}

fn git(seen: &Seen, path: &[&str], given: &Value, state: &mut State) -> Reply {
    let thread = |text: &Text| {
        json!({"id": text.id, "isDeleted": false, "comments": [{"id": 1, "content": text.body,
            "author": {"id": identity(text.author, false)}, "commentType": "text"}]})
    };
    match (seen.method.as_str(), path) {
        ("GET", ["pullRequests", "7"]) => Reply::json(200, &pull_request(7, "main", false, state)),
        ("GET", ["pullRequests", "7", "threads"]) => {
            let mut threads: Vec<Value> = state.comments.iter().map(thread).collect();
            threads.insert(
                0,
                json!({"id": 1, "isDeleted": true, "comments": [{"id": 1,
                "content": "<!-- assignctl plan -->\n", "author": {"id": identity(OWN, false)}}]}),
            );
            threads.insert(0, json!({"id": 2, "comments": []}));
            Reply::json(200, &json!({"value": threads}))
        }
        ("POST", ["pullRequests", "7", "threads"]) => {
            assert_eq!(
                given["status"], "closed",
                "an open thread holds the merge back"
            );
            let first = &given["comments"][0];
            assert_eq!(first["parentCommentId"], 0);
            assert_eq!(first["commentType"], "text");
            let id = state.add(false, first["content"].as_str().expect("text"));
            Reply::json(200, &json!({"id": id}))
        }
        ("PATCH", ["pullRequests", "7", "threads", id, "comments", "1"]) => {
            state.update_comment(id, given["content"].as_str().expect("text"))
        }
        ("POST", ["pullrequestquery"]) => {
            assert_eq!(
                *given,
                json!({"queries": [{"type": "lastMergeCommit", "items": [COMMIT]},
                    {"type": "commit", "items": [COMMIT]}]})
            );
            let mut open = pull_request(5, "main", false, state);
            open["status"] = json!("active");
            let all: Vec<Value> = state
                .merged
                .iter()
                .map(|(number, branch, made_it)| pull_request(*number, branch, *made_it, state))
                .chain([open])
                .collect();
            Reply::json(200, &json!({"results": [{}, {COMMIT: all}]}))
        }
        _ => unknown(seen),
    }
}

fn boards(seen: &Seen, path: &[&str], given: &Value, state: &mut State) -> Reply {
    let field = |name: &str| {
        let path = format!("/fields/{name}");
        let found = given
            .as_array()
            .and_then(|all| all.iter().find(|op| op["path"] == path));
        found.map(|op| {
            assert_eq!(op["op"], "add");
            op["value"].as_str().expect("text").to_owned()
        })
    };
    let is_patch = seen.header("content-type") == Some("application/json-patch+json");
    match (seen.method.as_str(), path) {
        ("GET", ["workitemtypes", "Issue", "states"]) => Reply::json(
            200,
            &json!({"value": [{"name": "To Do", "category": "Proposed"}, {"name": "Won't do",
                "category": "Removed"}, {"name": "Done", "category": "Completed"}]}),
        ),
        ("POST", ["wiql"]) => {
            assert_eq!(
                given["query"],
                "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project \
                 AND [System.Tags] CONTAINS 'intune-drift' AND [System.CreatedBy] = @Me \
                 AND [System.State] NOT IN ('Done', 'Won''t do') ORDER BY [System.Id]"
            );
            let found: Vec<Value> = state
                .issues
                .iter()
                .filter(|issue| issue.is_open && issue.author == OWN)
                .map(|issue| json!({"id": issue.id}))
                .collect();
            Reply::json(200, &json!({"workItems": found}))
        }
        ("GET", ["workitems", id]) => {
            let found = state
                .issues
                .iter()
                .find(|issue| issue.id.to_string() == *id);
            let found = found.expect("one that was listed");
            let fields = json!({"System.Description": html(&found.body)});
            Reply::json(200, &json!({"id": found.id, "fields": fields}))
        }
        ("POST", ["workitems", "$Issue"]) if is_patch => {
            assert_eq!(
                field("System.Title").as_deref(),
                Some("Intune differs from the manifests")
            );
            assert_eq!(field("System.Tags").as_deref(), Some("intune-drift"));
            let id = state.add(
                true,
                &plain(&field("System.Description").expect("a description")),
            );
            Reply::json(200, &json!({"id": id}))
        }
        ("PATCH", ["workitems", id]) if is_patch => match field("System.State") {
            Some(done) => {
                assert_eq!(done, "Done");
                state.said.push(field("System.History").expect("a word"));
                state.close_issue(id)
            }
            None => {
                let description = field("System.Description").expect("a description");
                state.update_issue(id, &plain(&description))
            }
        },
        _ => unknown(seen),
    }
}

fn pull_request(id: u64, branch: &str, made_it: bool, state: &State) -> Value {
    json!({
        "pullRequestId": id,
        "status": "completed",
        "targetRefName": format!("refs/heads/{branch}"),
        "description": state.description,
        "lastMergeCommit": {"commitId": if made_it { COMMIT } else { "another" }},
    })
}
