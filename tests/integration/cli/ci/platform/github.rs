//! GitHub's API, as docs.github.com has it.

use serde_json::{Value, json};

use super::{COMMIT, Event, OWN, State, TOKEN, Text, body, page, refused, unknown};
use crate::cli::support::World;
use crate::cli::support::stand_in::{Reply, Seen};

pub(super) fn variables(url: &str, world: &World, event: Event) -> Vec<(&'static str, String)> {
    let head = match event {
        Event::Fork => "mallory/repository",
        _ => "owner/repository",
    };
    let (name, payload) = match event {
        Event::Proposed | Event::Fork => (
            "pull_request",
            json!({"pull_request": {"number": 7, "head": {"repo": {"full_name": head}}}}),
        ),
        Event::Queued => (
            "merge_group",
            json!({"merge_group": {"head_ref": "refs/heads/gh-readonly-queue/main/pr-7-c0ffee"}}),
        ),
        Event::Merged => ("push", json!({"ref": "refs/heads/main"})),
        Event::Schedule => ("schedule", json!({"schedule": "17 2 * * *"})),
    };
    world.write("runner/event.json", &payload.to_string());
    world.write("runner/summary", "");
    let path = |name: &str| world.path(name).display().to_string();
    vec![
        ("GITHUB_ACTIONS", "true".to_owned()),
        ("GITHUB_API_URL", format!("{url}/api/v3")),
        ("GITHUB_GRAPHQL_URL", format!("{url}/api/graphql")),
        ("GITHUB_REPOSITORY", "owner/repository".to_owned()),
        ("GITHUB_EVENT_NAME", name.to_owned()),
        ("GITHUB_EVENT_PATH", path("runner/event.json")),
        ("GITHUB_STEP_SUMMARY", path("runner/summary")),
        ("GITHUB_SHA", COMMIT.to_owned()),
        ("GITHUB_REF_NAME", "main".to_owned()),
        ("GITHUB_REF_TYPE", "branch".to_owned()),
        ("GITHUB_TOKEN", TOKEN.to_owned()),
    ]
}

fn comment(text: &Text) -> Value {
    json!({"id": text.id, "node_id": format!("IC_{}", text.id), "body": text.body,
        "user": {"id": text.author, "login": "somebody"}})
}

/// Answers the two questions that only GraphQL does: who asks, and who edited a comment.
fn graphql(query: &Value, state: &State) -> Reply {
    if *query == json!({"query": "query { viewer { databaseId } }"}) {
        return Reply::json(200, &json!({"data": {"viewer": {"databaseId": OWN}}}));
    }
    let text = "query($id: ID!) { node(id: $id) { ... on IssueComment { lastEditedAt \
                author { __typename login } editor { __typename login } } } }";
    assert_eq!(query["query"], text);
    let actor = |id: u64| match id {
        OWN => json!({"__typename": "Bot", "login": "github-actions"}),
        _ => json!({"__typename": "User", "login": "github-actions"}),
    };
    let comment = state
        .comments
        .iter()
        .find(|comment| query["variables"]["id"] == format!("IC_{}", comment.id))
        .expect("a comment that was listed");
    let edited_at = comment.editor.map(|_| "2026-11-23T02:00:00Z");
    Reply::json(
        200,
        &json!({"data": {"node": {"lastEditedAt": edited_at, "author": actor(comment.author),
            "editor": comment.editor.map(actor)}}}),
    )
}

fn issue(text: &Text) -> Value {
    json!({"number": text.id, "user": {"id": text.author}, "body": text.body})
}

pub(super) fn answer(seen: &Seen, state: &mut State) -> Reply {
    if seen.header("authorization") != Some(&format!("Bearer {TOKEN}")) {
        return refused(401, "Bad credentials");
    }
    assert_eq!(seen.header("accept"), Some("application/vnd.github+json"));
    assert_eq!(seen.header("x-github-api-version"), Some("2022-11-28"));
    assert!(
        seen.header("user-agent")
            .is_some_and(|agent| agent.starts_with("assignctl/"))
    );
    if (seen.method.as_str(), seen.path()) == ("POST", "/api/graphql") {
        return graphql(&body(seen), state);
    }
    let path = seen.path().to_owned();
    let Some(path) = path.strip_prefix("/api/v3/repos/owner/repository/") else {
        return unknown(seen);
    };
    let parts: Vec<&str> = path.split('/').collect();
    let given = body(seen);
    let text = |key: &str| given[key].as_str().unwrap_or_default().to_owned();
    match (seen.method.as_str(), parts.as_slice()) {
        ("GET", ["pulls", "7"]) => {
            let labels: Vec<Value> = state
                .labels
                .iter()
                .map(|name| json!({"name": name}))
                .collect();
            Reply::json(200, &pull_request(7, "main", false, state, &labels))
        }
        ("GET", ["commits", COMMIT, "pulls"]) => {
            let mut found = vec![json!({"number": 5, "merged_at": null, "body": null, "base":
                {"ref": "main", "repo": {"full_name": "owner/repository"}}})];
            found.extend(state.merged.iter().map(|(number, branch, made_it)| {
                pull_request(*number, branch, *made_it, state, &[])
            }));
            page(seen, &found, state)
        }
        ("GET", ["issues", "7", "comments"]) => {
            let found: Vec<Value> = state.comments.iter().map(comment).collect();
            page(seen, &found, state)
        }
        ("POST", ["issues", "7", "comments"]) => {
            assert_eq!(given, json!({"body": text("body")}));
            let id = state.add(false, &text("body"));
            Reply::json(201, &json!({"id": id}))
        }
        ("PATCH", ["issues", "comments", id]) => state.update_comment(id, &text("body")),
        ("GET", ["issues"]) => {
            assert_eq!(seen.query("state").as_deref(), Some("open"));
            assert_eq!(seen.query("labels").as_deref(), Some("intune-drift"));
            let mut found: Vec<Value> = state
                .issues
                .iter()
                .filter(|issue| issue.is_open)
                .map(issue)
                .collect();
            // What GitHub lists as issues holds pull requests as well.
            found.insert(
                0,
                json!({"number": 6, "user": {"id": OWN}, "pull_request": {},
                "body": "<!-- assignctl drift -->\n"}),
            );
            page(seen, &found, state)
        }
        ("POST", ["labels"]) => {
            assert_eq!(given["name"], "intune-drift");
            match state.next {
                0 => Reply::json(201, &json!({"name": "intune-drift"})),
                _ => refused(422, "Validation Failed"),
            }
        }
        ("POST", ["issues"]) => {
            assert_eq!(given["title"], "Intune differs from the manifests");
            assert_eq!(given["labels"], json!(["intune-drift"]));
            let number = state.add(true, &text("body"));
            Reply::json(201, &json!({"number": number}))
        }
        ("POST", ["issues", _, "comments"]) => {
            state.said.push(text("body"));
            Reply::json(201, &json!({"id": 1}))
        }
        ("PATCH", ["issues", id]) if given["state"] == "closed" => {
            assert_eq!(
                given,
                json!({"state": "closed", "state_reason": "completed"})
            );
            state.close_issue(id)
        }
        ("PATCH", ["issues", id]) => state.update_issue(id, &text("body")),
        _ => unknown(seen),
    }
}

fn pull_request(
    number: u64,
    branch: &str,
    made_it: bool,
    state: &State,
    labels: &[Value],
) -> Value {
    json!({
        "number": number,
        "body": state.description,
        "labels": labels,
        "merged_at": "2026-11-23T02:00:00Z",
        "merge_commit_sha": if made_it { COMMIT } else { "another" },
        "head": {"repo": {"full_name": if state.from_fork { "mallory/repository" } else { "owner/repository" }}},
        "base": {"ref": branch, "repo": {"full_name": "owner/repository"}},
    })
}
