//! GitLab's API, as docs.gitlab.com has it.

use serde_json::{Value, json};

use super::{COMMIT, Event, OWN, State, TOKEN, Text, body, page, refused, unknown};
use crate::cli::support::stand_in::{Reply, Seen};

pub(super) fn variables(url: &str, event: Event) -> Vec<(&'static str, String)> {
    let is_change = matches!(event, Event::Proposed | Event::Fork | Event::Queued);
    let on_change = |value: &str| if is_change { value } else { "" }.to_owned();
    vec![
        ("GITLAB_CI", "true".to_owned()),
        ("CI_API_V4_URL", format!("{url}/git lab/api/v4")),
        ("CI_PROJECT_ID", "42".to_owned()),
        ("CI_COMMIT_SHA", COMMIT.to_owned()),
        (
            "CI_COMMIT_BRANCH",
            if is_change { "" } else { "main" }.to_owned(),
        ),
        ("CI_MERGE_REQUEST_IID", on_change("7")),
        ("CI_MERGE_REQUEST_PROJECT_ID", on_change("42")),
        (
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID",
            on_change(if event == Event::Fork { "43" } else { "42" }),
        ),
        (
            "CI_MERGE_REQUEST_EVENT_TYPE",
            on_change(if event == Event::Queued {
                "merge_train"
            } else {
                "detached"
            }),
        ),
        ("GITLAB_TOKEN", TOKEN.to_owned()),
    ]
}

pub(super) fn answer(seen: &Seen, state: &mut State) -> Reply {
    if seen.header("private-token") != Some(TOKEN) {
        return refused(401, "401 Unauthorized");
    }
    assert_eq!(seen.header("authorization"), None);
    if (seen.method.as_str(), seen.path()) == ("GET", "/git%20lab/api/v4/user") {
        return Reply::json(200, &json!({"id": OWN, "username": "project_42_bot"}));
    }
    let path = seen.path().to_owned();
    let path = path.strip_prefix("/git%20lab/api/v4/projects/");
    // A project has a number and a path, which is one part of the address.
    let path = path.and_then(|path| {
        let by_path = path.strip_prefix("endpoints%2Fintune%20100%25/");
        by_path.or(path.strip_prefix("42/"))
    });
    let Some(path) = path else {
        return unknown(seen);
    };
    let parts: Vec<&str> = path.split('/').collect();
    let given = body(seen);
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    let note = |text: &Text| json!({"id": text.id, "author": {"id": text.author}, "body": text.body, "system": false});
    match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["merge_requests", "7"]) => {
            Reply::json(200, &merge_request(7, "main", false, state))
        }
        ("GET", ["repository", "commits", COMMIT, "merge_requests"]) => {
            let mut found = vec![merge_request(5, "main", false, state)];
            found[0]["state"] = json!("opened");
            found.extend(
                state.merged.iter().map(|(number, branch, made_it)| {
                    merge_request(*number, branch, *made_it, state)
                }),
            );
            page(seen, &found, state)
        }
        ("GET", ["merge_requests", "7", "notes"]) => {
            assert_eq!(seen.query("sort").as_deref(), Some("asc"));
            let mut found: Vec<Value> = state.comments.iter().map(note).collect();
            // What GitLab says itself stands among the notes, by whoever caused it.
            found.insert(
                0,
                json!({"id": 1, "author": {"id": OWN}, "system": true,
                "body": "<!-- assignctl plan -->\n"}),
            );
            page(seen, &found, state)
        }
        ("POST", ["merge_requests", "7", "notes"]) => {
            let id = state.add(false, &text("body"));
            Reply::json(201, &json!({"id": id}))
        }
        ("PUT", ["merge_requests", "7", "notes", id]) => state.update_comment(id, &text("body")),
        ("GET", ["issues"]) => {
            assert_eq!(seen.query("state").as_deref(), Some("opened"));
            assert_eq!(seen.query("labels").as_deref(), Some("intune-drift"));
            let found: Vec<Value> = state
                .issues
                .iter()
                .filter(|issue| issue.is_open)
                .map(|issue| {
                    json!({"iid": issue.id, "author": {"id": issue.author}, "description": issue.body})
                })
                .collect();
            page(seen, &found, state)
        }
        ("POST", ["issues"]) => {
            assert_eq!(given["title"], "Intune differs from the manifests");
            assert_eq!(given["labels"], "intune-drift");
            let iid = state.add(true, &text("description"));
            Reply::json(201, &json!({"iid": iid}))
        }
        ("POST", ["issues", _, "notes"]) => {
            state.said.push(text("body"));
            Reply::json(201, &json!({"id": 1}))
        }
        ("PUT", ["issues", id]) if given["state_event"] == "close" => state.close_issue(id),
        ("PUT", ["issues", id]) => state.update_issue(id, &text("description")),
        _ => unknown(seen),
    }
}

fn merge_request(iid: u64, branch: &str, made_it: bool, state: &State) -> Value {
    json!({
        "iid": iid,
        "state": "merged",
        "target_branch": branch,
        "labels": state.labels,
        "description": state.description,
        "source_project_id": if state.from_fork { 43 } else { 42 },
        "target_project_id": 42,
        "sha": "another",
        "merge_commit_sha": null,
        "squash_commit_sha": if made_it { json!(COMMIT) } else { Value::Null },
    })
}
