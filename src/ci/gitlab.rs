//! GitLab CI/CD (docs.gitlab.com: ci/variables/predefined_variables, api/notes, api/merge_requests,
//! api/commits, api/issues).

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::http::{Api, Call, address, part};
use super::{
    CiError, Comment, DRIFT_ENDED, DRIFT_LABEL, DRIFT_TITLE, DriftItem, Platform, Proposal,
    ProposedChange, Unwritable, Variables, comment, number, required,
};

const PLATFORM: Platform = Platform::GitLab;
/// The job's own token can write no notes, so a project access token is needed.
const TOKEN: &str = "GITLAB_TOKEN";

/// What GitLab says of this run.
#[derive(Debug)]
pub(super) struct GitLab {
    pub(super) api: Api,
    project: String,
    commit: String,
    /// The branch, where the run is about one.
    branch: Option<String>,
    pub(super) proposal: Option<Proposal>,
}

#[derive(Deserialize)]
struct User {
    id: u64,
}

#[derive(Deserialize)]
struct Note {
    id: u64,
    author: User,
    body: String,
    #[serde(default)]
    system: bool,
}

#[derive(Deserialize)]
struct MergeRequest {
    iid: u64,
    description: Option<String>,
    #[serde(default)]
    labels: Vec<String>,
    state: String,
    target_branch: String,
    sha: Option<String>,
    merge_commit_sha: Option<String>,
    squash_commit_sha: Option<String>,
    /// `None` if the fork has been deleted.
    source_project_id: Option<u64>,
    target_project_id: Option<u64>,
}

#[derive(Deserialize)]
struct Issue {
    iid: u64,
    author: User,
    description: Option<String>,
}

impl GitLab {
    pub(super) fn open(variable: Variables<'_>) -> Result<Self, CiError> {
        let needed = |name| required(PLATFORM, variable, name);
        let number = number(variable, "CI_MERGE_REQUEST_IID")?;
        // A fork's pipeline runs in the fork, unless a member has it run in the project.
        let project = needed("CI_PROJECT_ID")?;
        let project = variable("CI_MERGE_REQUEST_PROJECT_ID").unwrap_or(project);
        let is_fork =
            variable("CI_MERGE_REQUEST_SOURCE_PROJECT_ID").is_some_and(|source| source != project);
        let is_queued = variable("CI_MERGE_REQUEST_EVENT_TYPE").as_deref() == Some("merge_train");
        let unwritable = if is_fork {
            Some(Unwritable::Fork)
        } else {
            is_queued.then_some(Unwritable::Queued)
        };
        let token = variable(TOKEN);
        if token.is_none() && !is_fork {
            return Err(CiError::NoToken {
                platform: PLATFORM,
                name: TOKEN,
            });
        }
        Ok(Self {
            api: Api::new(
                PLATFORM,
                address("CI_API_V4_URL", &needed("CI_API_V4_URL")?)?,
                token.map(|token| (TOKEN, SecretString::from(token))),
                &[("accept", "application/json")],
                &[],
            )?,
            project,
            commit: needed("CI_COMMIT_SHA")?,
            branch: variable("CI_COMMIT_BRANCH"),
            proposal: number.map(|number| Proposal { number, unwritable }),
        })
    }

    fn path(&self, rest: &str) -> String {
        format!("projects/{}/{rest}", part(&self.project))
    }

    fn notes(&self, number: u64) -> String {
        self.path(&format!("merge_requests/{number}/notes"))
    }

    async fn own_id(&self) -> Result<u64, CiError> {
        let user: User = self.api.call(Call::get("user".to_owned())).await?;
        Ok(user.id)
    }

    pub(super) async fn change(&self, number: u64) -> Result<ProposedChange, CiError> {
        let path = self.path(&format!("merge_requests/{number}"));
        let found: MergeRequest = self.api.call(Call::get(path)).await?;
        Ok(ProposedChange {
            labels: found.labels,
            description: found.description.unwrap_or_default(),
            from_fork: found.source_project_id.is_none()
                || found.source_project_id != found.target_project_id,
        })
    }

    pub(super) async fn merged(&self) -> Result<Option<u64>, CiError> {
        let path = self.path(&format!(
            "repository/commits/{}/merge_requests",
            part(&self.commit)
        ));
        let found: Vec<MergeRequest> = self.api.pages(&path, &[]).await?;
        let merged = found
            .into_iter()
            .filter(|found| {
                found.state == "merged" && Some(&found.target_branch) == self.branch.as_ref()
            })
            .map(|found| {
                let made = [
                    &found.merge_commit_sha,
                    &found.squash_commit_sha,
                    &found.sha,
                ];
                let made_it = made.contains(&&Some(self.commit.clone()));
                (found.iid, made_it)
            })
            .collect();
        super::proposed_change::the_one(PLATFORM, &self.commit, merged)
    }

    pub(super) async fn own_comments(&self, number: u64) -> Result<Vec<Comment>, CiError> {
        let own = self.own_id().await?;
        let query = [("sort", "asc"), ("order_by", "created_at")];
        let found: Vec<Note> = self.api.pages(&self.notes(number), &query).await?;
        Ok(found
            .into_iter()
            .filter(|note| !note.system && note.author.id == own)
            .map(|note| Comment {
                id: note.id.to_string(),
                node: String::new(),
                body: note.body,
            })
            .collect())
    }

    pub(super) async fn create_comment(&self, number: u64, body: &str) -> Result<(), CiError> {
        let note = json!({"body": body});
        self.api.send(Method::POST, self.notes(number), note).await
    }

    pub(super) async fn update_comment(
        &self,
        number: u64,
        id: &str,
        body: &str,
    ) -> Result<(), CiError> {
        let path = format!("{}/{id}", self.notes(number));
        self.api
            .send(Method::PUT, path, json!({"body": body}))
            .await
    }

    pub(super) async fn drift_item(&self, marker: &str) -> Result<Option<DriftItem>, CiError> {
        let own = self.own_id().await?;
        let query = [("state", "opened"), ("labels", DRIFT_LABEL)];
        let found: Vec<Issue> = self.api.pages(&self.path("issues"), &query).await?;
        Ok(found
            .into_iter()
            .filter(|issue| issue.author.id == own)
            .map(|issue| DriftItem {
                id: issue.iid,
                body: issue.description.unwrap_or_default(),
            })
            .filter(|item| comment::begins_with(&item.body, marker))
            .min_by_key(|item| item.id))
    }

    pub(super) async fn open_drift(&self, body: &str) -> Result<(), CiError> {
        let issue = json!({"title": DRIFT_TITLE, "description": body, "labels": DRIFT_LABEL});
        self.api
            .send(Method::POST, self.path("issues"), issue)
            .await
    }

    pub(super) async fn update_drift(&self, id: u64, body: &str) -> Result<(), CiError> {
        let path = self.path(&format!("issues/{id}"));
        let changed = json!({"description": body});
        self.api.send(Method::PUT, path, changed).await
    }

    pub(super) async fn close_drift(&self, id: u64) -> Result<(), CiError> {
        let path = self.path(&format!("issues/{id}"));
        let note = json!({"body": DRIFT_ENDED});
        self.api
            .send(Method::POST, format!("{path}/notes"), note)
            .await?;
        let closed = json!({"state_event": "close"});
        self.api.send(Method::PUT, path, closed).await
    }
}
