//! GitHub Actions (docs.github.com: actions/reference/workflows-and-actions/variables, rest/issues,
//! rest/pulls, rest/commits).

use std::path::PathBuf;

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use url::Url;

use super::http::{Api, Call, address, part};
use super::{
    CiError, Comment, DRIFT_ENDED, DRIFT_LABEL, DRIFT_TITLE, DriftItem, Platform, Proposal,
    ProposedChange, Unwritable, Variables, comment, required,
};
use crate::files;
use crate::text::Cause;

const PLATFORM: Platform = Platform::GitHub;
/// How errors name the questions that only GraphQL answers.
const VIEWER: &str = "POST /graphql (viewer)";
const NODE: &str = "POST /graphql (node)";
/// The file with the event holds a pull request and a repository, each of some tens of KiB.
const LARGEST_EVENT: u64 = 32 * 1024 * 1024;

/// What GitHub says of this run.
#[derive(Debug)]
pub(super) struct GitHub {
    api: Api,
    graphql: Url,
    /// Its owner and its name.
    full_name: String,
    commit: String,
    /// The short name of the branch, where the run is about one.
    branch: Option<String>,
    pub(super) proposal: Option<Proposal>,
    pub(super) summary_file: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
struct Event {
    pull_request: Option<EventPullRequest>,
    merge_group: Option<MergeGroup>,
}

#[derive(Deserialize)]
struct EventPullRequest {
    number: u64,
    head: Head,
}

#[derive(Deserialize)]
struct Head {
    /// `None` if the fork has been deleted.
    repo: Option<Repository>,
}

#[derive(Deserialize)]
struct Repository {
    full_name: String,
}

#[derive(Deserialize)]
struct MergeGroup {
    head_ref: String,
}

#[derive(Deserialize)]
struct User {
    id: u64,
}

#[derive(Deserialize)]
struct IssueComment {
    id: u64,
    /// What GraphQL calls it.
    node_id: String,
    user: Option<User>,
    body: Option<String>,
}

#[derive(Deserialize)]
struct Label {
    name: String,
}

#[derive(Deserialize)]
struct PullRequest {
    number: u64,
    body: Option<String>,
    #[serde(default)]
    labels: Vec<Label>,
    merged_at: Option<String>,
    merge_commit_sha: Option<String>,
    base: Base,
    /// Lists that hold no more than is needed may lack it.
    head: Option<Head>,
}

#[derive(Deserialize)]
struct Base {
    #[serde(rename = "ref")]
    branch: String,
    repo: Repository,
}

#[derive(Deserialize)]
struct Issue {
    number: u64,
    user: Option<User>,
    body: Option<String>,
    pull_request: Option<Value>,
}

#[derive(Deserialize)]
struct Queried<T> {
    data: Option<T>,
    #[serde(default)]
    errors: Vec<QueryError>,
}

#[derive(Deserialize)]
struct QueryError {
    message: String,
}

#[derive(Deserialize)]
struct ViewerData {
    viewer: ViewerIdentity,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ViewerIdentity {
    database_id: u64,
}

#[derive(Deserialize)]
struct NodeData {
    node: Option<CommentNode>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommentNode {
    last_edited_at: Option<String>,
    author: Option<Actor>,
    editor: Option<Actor>,
}

#[derive(Deserialize, PartialEq)]
struct Actor {
    #[serde(rename = "__typename")]
    kind: String,
    login: String,
}

impl GitHub {
    pub(super) fn open(variable: Variables<'_>) -> Result<Self, CiError> {
        let needed = |name| required(PLATFORM, variable, name);
        let full_name = needed("GITHUB_REPOSITORY")?;
        if !full_name.contains('/') {
            return Err(CiError::BadVariable {
                name: "GITHUB_REPOSITORY",
                source: "it is not an owner and a name".into(),
            });
        }
        let event = event(variable)?;
        let number = |head_ref: &str| {
            let (_, rest) = head_ref.rsplit_once("/pr-")?;
            rest.split('-').next()?.parse().ok()
        };
        let proposal = match event {
            Event {
                pull_request: Some(EventPullRequest { number, head }),
                ..
            } => Some(Proposal {
                number,
                unwritable: head
                    .repo
                    .is_none_or(|head| head.full_name != full_name)
                    .then_some(Unwritable::Fork),
            }),
            Event {
                merge_group: Some(MergeGroup { head_ref }),
                ..
            } => number(&head_ref).map(|number| Proposal {
                number,
                unwritable: Some(Unwritable::Queued),
            }),
            Event { .. } => None,
        };
        let token = ["GITHUB_TOKEN", "GH_TOKEN"]
            .into_iter()
            .find_map(|name| Some((name, SecretString::from(variable(name)?))))
            .ok_or(CiError::NoToken {
                platform: PLATFORM,
                name: "GITHUB_TOKEN",
            })?;
        let is_branch = variable("GITHUB_REF_TYPE").as_deref() == Some("branch");
        Ok(Self {
            api: Api::new(
                PLATFORM,
                address("GITHUB_API_URL", &needed("GITHUB_API_URL")?)?,
                Some(token),
                &[
                    ("accept", "application/vnd.github+json"),
                    ("x-github-api-version", "2022-11-28"),
                ],
                &[],
            )?,
            graphql: address("GITHUB_GRAPHQL_URL", &needed("GITHUB_GRAPHQL_URL")?)?,
            full_name,
            commit: needed("GITHUB_SHA")?,
            branch: variable("GITHUB_REF_NAME").filter(|_| is_branch),
            proposal,
            summary_file: variable("GITHUB_STEP_SUMMARY").map(PathBuf::from),
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("repos/{}/{rest}", self.full_name)
    }

    async fn query<T: DeserializeOwned>(&self, name: &str, query: Value) -> Result<T, CiError> {
        let mut api = self.api.clone();
        api.base = self.graphql.clone();
        let call = Call {
            name: Some(name),
            ..Call::ask(String::new(), query)
        };
        let answer: Queried<T> = api.call(call).await?;
        let errors: Vec<&str> = answer
            .errors
            .iter()
            .map(|error| error.message.as_str())
            .collect();
        answer.data.ok_or_else(|| CiError::Unreadable {
            platform: PLATFORM,
            request: name.to_owned(),
            source: match errors.as_slice() {
                [] => "it holds no data".into(),
                errors => errors.join("; ").into(),
            },
        })
    }

    /// Asks who the token is. Tokens of a job cannot ask for `/user`; this works for all.
    async fn own_id(&self) -> Result<u64, CiError> {
        let query = json!({"query": "query { viewer { databaseId } }"});
        let data: ViewerData = self.query(VIEWER, query).await?;
        Ok(data.viewer.database_id)
    }

    /// Returns who edited a comment last, if that was not its author. Whoever may write to a repository
    /// may edit everyone's comments, and only GraphQL tells.
    pub(super) async fn edited_by(&self, comment: &Comment) -> Result<Option<String>, CiError> {
        let query = "query($id: ID!) { node(id: $id) { ... on IssueComment { lastEditedAt \
                     author { __typename login } editor { __typename login } } } }";
        let query = json!({"query": query, "variables": {"id": comment.node}});
        let data: NodeData = self.query(NODE, query).await?;
        let CommentNode {
            last_edited_at,
            author,
            editor,
        } = data.node.ok_or_else(|| CiError::Unreadable {
            platform: PLATFORM,
            request: NODE.to_owned(),
            source: "it does not say who edited the comment".into(),
        })?;
        if last_edited_at.is_none() || (editor.is_some() && editor == author) {
            return Ok(None);
        }
        Ok(Some(editor.map_or_else(
            || "someone".to_owned(),
            |editor| format!("`{}`", editor.login),
        )))
    }

    pub(super) async fn change(&self, number: u64) -> Result<ProposedChange, CiError> {
        let path = self.path(&format!("pulls/{number}"));
        let found: PullRequest = self.api.call(Call::get(path)).await?;
        Ok(ProposedChange {
            labels: found.labels.into_iter().map(|label| label.name).collect(),
            description: found.body.unwrap_or_default(),
            from_fork: found
                .head
                .and_then(|head| head.repo)
                .is_none_or(|head| head.full_name != found.base.repo.full_name),
        })
    }

    pub(super) async fn merged(&self) -> Result<Option<u64>, CiError> {
        let path = self.path(&format!("commits/{}/pulls", part(&self.commit)));
        let found: Vec<PullRequest> = self.api.pages(&path, &[]).await?;
        let merged = found
            .into_iter()
            .filter(|found| {
                found.merged_at.is_some()
                    && found.base.repo.full_name == self.full_name
                    && Some(&found.base.branch) == self.branch.as_ref()
            })
            .map(|found| {
                let made_it = found.merge_commit_sha.as_ref() == Some(&self.commit);
                (found.number, made_it)
            })
            .collect();
        super::proposed_change::the_one(PLATFORM, &self.commit, merged)
    }

    pub(super) async fn own_comments(&self, number: u64) -> Result<Vec<Comment>, CiError> {
        let own = self.own_id().await?;
        let path = self.path(&format!("issues/{number}/comments"));
        let found: Vec<IssueComment> = self.api.pages(&path, &[]).await?;
        Ok(found
            .into_iter()
            .filter(|found| found.user.as_ref().is_some_and(|user| user.id == own))
            .map(|found| Comment {
                id: found.id.to_string(),
                node: found.node_id,
                body: found.body.unwrap_or_default(),
            })
            .collect())
    }

    pub(super) async fn create_comment(&self, number: u64, body: &str) -> Result<(), CiError> {
        let path = self.path(&format!("issues/{number}/comments"));
        self.api
            .send(Method::POST, path, json!({"body": body}))
            .await
    }

    pub(super) async fn update_comment(
        &self,
        _number: u64,
        id: &str,
        body: &str,
    ) -> Result<(), CiError> {
        let path = self.path(&format!("issues/comments/{id}"));
        self.api
            .send(Method::PATCH, path, json!({"body": body}))
            .await
    }

    pub(super) async fn drift_item(&self, marker: &str) -> Result<Option<DriftItem>, CiError> {
        let own = self.own_id().await?;
        let query = [("state", "open"), ("labels", DRIFT_LABEL)];
        let found: Vec<Issue> = self.api.pages(&self.path("issues"), &query).await?;
        Ok(found
            .into_iter()
            .filter(|issue| issue.pull_request.is_none())
            .filter(|issue| issue.user.as_ref().is_some_and(|user| user.id == own))
            .map(|issue| DriftItem {
                id: issue.number,
                body: issue.body.unwrap_or_default(),
            })
            .filter(|item| comment::begins_with(&item.body, marker))
            .min_by_key(|item| item.id))
    }

    pub(super) async fn open_drift(&self, body: &str) -> Result<(), CiError> {
        let label =
            json!({"name": DRIFT_LABEL, "color": "d93f0b", "description": "kept by assignctl"});
        let path = self.path("labels");
        match self.api.send(Method::POST, path, label).await {
            // It is there already.
            Ok(()) | Err(CiError::Refused { status: 422, .. }) => {}
            Err(error) => return Err(error),
        }
        let issue = json!({"title": DRIFT_TITLE, "body": body, "labels": [DRIFT_LABEL]});
        self.api
            .send(Method::POST, self.path("issues"), issue)
            .await
    }

    pub(super) async fn update_drift(&self, id: u64, body: &str) -> Result<(), CiError> {
        let path = self.path(&format!("issues/{id}"));
        self.api
            .send(Method::PATCH, path, json!({"body": body}))
            .await
    }

    pub(super) async fn close_drift(&self, id: u64) -> Result<(), CiError> {
        self.create_comment(id, DRIFT_ENDED).await?;
        let path = self.path(&format!("issues/{id}"));
        let closed = json!({"state": "closed", "state_reason": "completed"});
        self.api.send(Method::PATCH, path, closed).await
    }
}

/// Reads what the run was started by.
fn event(variable: Variables<'_>) -> Result<Event, CiError> {
    let name = "GITHUB_EVENT_PATH";
    let path = required(PLATFORM, variable, name)?;
    let bad = |source: Cause| CiError::BadVariable { name, source };
    let bytes = files::read(path.as_ref(), LARGEST_EVENT)
        .map_err(|error| bad(Cause::of("the file cannot be read", error)))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| bad(Cause::of("the file is not an event", error)))
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::text::causes;

    #[test]
    fn an_error_leads_to_what_the_system_says() {
        let error = event(&|_| Some("not-there.json".to_owned())).err();
        let error = error.expect("no file");
        let said = causes(&error).find_map(|error| error.downcast_ref::<io::Error>());
        let said = said.expect("the system's error");
        assert_eq!(said.kind(), io::ErrorKind::NotFound);
        assert_eq!(
            error.to_string(),
            format!("`GITHUB_EVENT_PATH` cannot be used: the file cannot be read: {said}")
        );
    }
}
