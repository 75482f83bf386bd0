//! Azure Pipelines with Azure Repos and Azure Boards (learn.microsoft.com: azure/devops/pipelines/build/
//! variables, rest/api/azure/devops/git, rest/api/azure/devops/wit). Version 7.0 is the newest that Azure
//! DevOps Server 2022 knows before its first update (rest/api/azure/devops: versioning).

use std::collections::BTreeMap;
use std::path::PathBuf;

use reqwest::Method;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::{Value, json};

use super::http::{Api, Call, address, part};
use super::{
    CiError, Comment, DRIFT_ENDED, DRIFT_LABEL, DRIFT_TITLE, DriftItem, Platform, Proposal,
    ProposedChange, Unwritable, Variables, comment, number, required,
};

const PLATFORM: Platform = Platform::AzureDevOps;
const TOKEN: &str = "SYSTEM_ACCESSTOKEN";
/// What is opened about drift unless `ASSIGNCTL_WORK_ITEM_TYPE` names another type. The processes Basic,
/// Agile and CMMI have it.
const WORK_ITEM_TYPE: &str = "Issue";
/// The field with what differs. It holds HTML everywhere; only newer services take Markdown in it.
const DESCRIPTION: &str = "System.Description";

/// What Azure DevOps says of this run.
#[derive(Debug)]
pub(super) struct AzureDevOps {
    api: Api,
    project: String,
    /// `None` if the repository is kept elsewhere.
    repository: Result<String, CiError>,
    commit: String,
    /// The full name of the branch: `refs/heads/main`.
    branch: String,
    pub(super) proposal: Option<Proposal>,
    work_item_type: String,
    pub(super) temporary_folder: Option<PathBuf>,
}

#[derive(Deserialize)]
struct List<T> {
    value: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionData {
    authenticated_user: Identity,
}

#[derive(Deserialize)]
struct Identity {
    id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Thread {
    id: u64,
    #[serde(default)]
    is_deleted: bool,
    #[serde(default)]
    comments: Vec<ThreadComment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ThreadComment {
    id: u64,
    author: Option<Identity>,
    content: Option<String>,
    #[serde(default)]
    is_deleted: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PullRequest {
    pull_request_id: u64,
    status: String,
    target_ref_name: String,
    description: Option<String>,
    last_merge_commit: Option<Commit>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Commit {
    commit_id: String,
}

#[derive(Deserialize)]
struct PullRequestQuery {
    results: Vec<BTreeMap<String, Vec<PullRequest>>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct QueryResult {
    work_items: Vec<Reference>,
}

#[derive(Deserialize)]
struct Reference {
    id: u64,
}

#[derive(Deserialize)]
struct WorkItem {
    id: u64,
    fields: BTreeMap<String, Value>,
}

#[derive(Deserialize)]
struct State {
    name: String,
    category: String,
}

impl AzureDevOps {
    pub(super) fn open(variable: Variables<'_>) -> Result<Self, CiError> {
        let needed = |name| required(PLATFORM, variable, name);
        let number = number(variable, "SYSTEM_PULLREQUEST_PULLREQUESTID")?;
        let is_fork = variable("SYSTEM_PULLREQUEST_ISFORK")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let repository = match needed("BUILD_REPOSITORY_PROVIDER")?.as_str() {
            "TfsGit" => Ok(needed("BUILD_REPOSITORY_ID")?),
            provider => Err(CiError::ForeignRepository {
                provider: provider.to_owned(),
            }),
        };
        let token = variable(TOKEN).ok_or(CiError::NoToken {
            platform: PLATFORM,
            name: TOKEN,
        })?;
        let api = Api::new(
            PLATFORM,
            address("SYSTEM_COLLECTIONURI", &needed("SYSTEM_COLLECTIONURI")?)?,
            Some((TOKEN, SecretString::from(token))),
            &[("accept", "application/json")],
            &[("api-version", "7.0")],
        )?;
        Ok(Self {
            api,
            project: needed("SYSTEM_TEAMPROJECT")?,
            repository,
            commit: needed("BUILD_SOURCEVERSION")?,
            branch: needed("BUILD_SOURCEBRANCH")?,
            proposal: number.map(|number| Proposal {
                number,
                unwritable: is_fork.then_some(Unwritable::Fork),
            }),
            work_item_type: variable("ASSIGNCTL_WORK_ITEM_TYPE")
                .unwrap_or_else(|| WORK_ITEM_TYPE.to_owned()),
            temporary_folder: variable("AGENT_TEMPDIRECTORY").map(PathBuf::from),
        })
    }

    /// Returns a path below the repository.
    fn git(&self, rest: &str) -> Result<String, CiError> {
        let repository = self.repository.as_ref().map_err(CiError::clone)?;
        let (project, repository) = (part(&self.project), part(repository));
        Ok(format!(
            "{project}/_apis/git/repositories/{repository}/{rest}"
        ))
    }

    /// Returns a path below the project's work items.
    fn boards(&self, rest: &str) -> String {
        format!("{}/_apis/wit/{rest}", part(&self.project))
    }

    async fn own_id(&self) -> Result<String, CiError> {
        let call = Call {
            query: &[("api-version", "7.0-preview")],
            ..Call::get("_apis/connectionData".to_owned())
        };
        let data: ConnectionData = self.api.call(call).await?;
        Ok(data.authenticated_user.id)
    }

    pub(super) async fn change(&self, number: u64) -> Result<ProposedChange, CiError> {
        let path = self.git(&format!("pullRequests/{number}"))?;
        // Lists cut descriptions after 400 characters; a single pull request has all of it.
        let found: PullRequest = self.api.call(Call::get(path)).await?;
        Ok(ProposedChange {
            // Whoever may read the repository may set labels
            // (learn.microsoft.com/rest/api/azure/devops/git/pull-request-labels).
            labels: Vec::new(),
            description: found.description.unwrap_or_default(),
            // Descriptions take the right to contribute to pull requests of this repository, from a fork too
            // (learn.microsoft.com/azure/devops/repos/git/set-git-repository-permissions).
            from_fork: false,
        })
    }

    pub(super) async fn merged(&self) -> Result<Option<u64>, CiError> {
        let path = self.git("pullrequestquery")?;
        // The second finds those whose commits were put on the branch as they were.
        let queries: Vec<Value> = ["lastMergeCommit", "commit"]
            .iter()
            .map(|kind| json!({"type": kind, "items": [self.commit]}))
            .collect();
        let call = Call::ask(path, json!({"queries": queries}));
        let found: PullRequestQuery = self.api.call(call).await?;
        let merged: BTreeMap<u64, bool> = found
            .results
            .into_iter()
            .flat_map(|mut result| result.remove(&self.commit).unwrap_or_default())
            .filter(|found| found.status == "completed" && found.target_ref_name == self.branch)
            .map(|found| {
                let made = found.last_merge_commit.map(|made| made.commit_id);
                (found.pull_request_id, made.as_ref() == Some(&self.commit))
            })
            .collect();
        super::proposed_change::the_one(PLATFORM, &self.commit, merged.into_iter().collect())
    }

    pub(super) async fn own_comments(&self, number: u64) -> Result<Vec<Comment>, CiError> {
        let own = self.own_id().await?;
        let path = self.git(&format!("pullRequests/{number}/threads"))?;
        let mut threads: List<Thread> = self.api.call(Call::get(path)).await?;
        // The first one is kept up to date, and nothing says in which order they come.
        threads.value.sort_by_key(|thread| thread.id);
        let is_own = |author: Option<&Identity>| {
            author.is_some_and(|author| author.id.eq_ignore_ascii_case(&own))
        };
        Ok(threads
            .value
            .into_iter()
            .filter(|thread| !thread.is_deleted)
            .filter_map(|thread| Some((thread.id, thread.comments.into_iter().next()?)))
            .filter(|(_, first)| !first.is_deleted && is_own(first.author.as_ref()))
            .map(|(thread, first)| Comment {
                id: format!("{thread}/{}", first.id),
                node: String::new(),
                body: first.content.unwrap_or_default(),
            })
            .collect())
    }

    pub(super) async fn create_comment(&self, number: u64, body: &str) -> Result<(), CiError> {
        let path = self.git(&format!("pullRequests/{number}/threads"))?;
        // An open thread could hold a merge back until someone resolves it.
        let thread = json!({
            "status": "closed",
            "comments": [{"parentCommentId": 0, "commentType": "text", "content": body}],
        });
        self.api.send(Method::POST, path, thread).await
    }

    pub(super) async fn update_comment(
        &self,
        number: u64,
        id: &str,
        body: &str,
    ) -> Result<(), CiError> {
        let (thread, first) = id.split_once('/').unwrap_or((id, "1"));
        let path = format!("pullRequests/{number}/threads/{thread}/comments/{first}");
        let changed = json!({"content": body});
        self.api
            .send(Method::PATCH, self.git(&path)?, changed)
            .await
    }

    /// Returns the states of the work item's type that mean it is over, those that mean done first.
    async fn ended_states(&self) -> Result<Vec<String>, CiError> {
        let path = self.boards(&format!(
            "workitemtypes/{}/states",
            part(&self.work_item_type)
        ));
        let states: List<State> = self.api.call(Call::get(path)).await?;
        let of = |category: &'static str| {
            states
                .value
                .iter()
                .filter(move |state| state.category == category)
                .map(|state| state.name.clone())
        };
        let done: Vec<String> = of("Completed").collect();
        if done.is_empty() {
            return Err(CiError::NoCompletedState(self.work_item_type.clone()));
        }
        Ok(done.into_iter().chain(of("Removed")).collect())
    }

    pub(super) async fn drift_item(&self, marker: &str) -> Result<Option<DriftItem>, CiError> {
        let ended: Vec<String> = self
            .ended_states()
            .await?
            .iter()
            .map(|name| quoted(name))
            .collect();
        let wiql = format!(
            "SELECT [System.Id] FROM WorkItems WHERE [System.TeamProject] = @project AND [System.Tags] CONTAINS {} \
             AND [System.CreatedBy] = @Me AND [System.State] NOT IN ({}) ORDER BY [System.Id]",
            quoted(DRIFT_LABEL),
            ended.join(", ")
        );
        let call = Call::ask(self.boards("wiql"), json!({"query": wiql}));
        let found: QueryResult = self.api.call(call).await?;
        for Reference { id } in found.work_items {
            let path = self.boards(&format!("workitems/{id}"));
            let item: WorkItem = self.api.call(Call::get(path)).await?;
            let description = item.fields.get(DESCRIPTION).and_then(Value::as_str);
            let body = from_html(description.unwrap_or_default());
            if comment::begins_with(&body, marker) {
                return Ok(Some(DriftItem { id: item.id, body }));
            }
        }
        Ok(None)
    }

    pub(super) async fn open_drift(&self, body: &str) -> Result<(), CiError> {
        let path = format!("workitems/${}", part(&self.work_item_type));
        let fields = [
            ("System.Title", DRIFT_TITLE),
            ("System.Tags", DRIFT_LABEL),
            (DESCRIPTION, &to_html(body)),
        ];
        self.patch(Method::POST, &path, &fields).await
    }

    pub(super) async fn update_drift(&self, id: u64, body: &str) -> Result<(), CiError> {
        let path = format!("workitems/{id}");
        self.patch(Method::PATCH, &path, &[(DESCRIPTION, &to_html(body))])
            .await
    }

    pub(super) async fn close_drift(&self, id: u64) -> Result<(), CiError> {
        let done = self.ended_states().await?.remove(0);
        let path = format!("workitems/{id}");
        let fields = [
            ("System.State", done.as_str()),
            ("System.History", DRIFT_ENDED),
        ];
        self.patch(Method::PATCH, &path, &fields).await
    }

    /// Sets fields of a work item.
    async fn patch(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
    ) -> Result<(), CiError> {
        let operations: Vec<Value> = fields
            .iter()
            .map(|(field, value)| {
                json!({"op": "add", "path": format!("/fields/{field}"), "value": value})
            })
            .collect();
        let call = Call {
            content_type: "application/json-patch+json",
            // What is said at the end would be said twice.
            repeatable: false,
            ..Call::send(method, self.boards(path), Value::Array(operations))
        };
        let _: Value = self.api.call(call).await?;
        Ok(())
    }
}

/// Writes a text as a literal of a query.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes Markdown so that it is shown as it is.
fn to_html(text: &str) -> String {
    let escaped = text
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;");
    format!("<pre>{escaped}</pre>")
}

/// Reads back what [`to_html`] wrote, whatever the service has made of the tag.
fn from_html(html: &str) -> String {
    let start = match (html.starts_with("<pre"), html.find('>')) {
        (true, Some(end)) => end + 1,
        _ => 0,
    };
    html[start..]
        .trim_end()
        .trim_end_matches("</pre>")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_description_is_read_back() {
        let text = "<!-- assignctl drift -->\n### a & b `<i>` &lt;\n";
        let html = to_html(text);
        assert!(!html["<pre>".len()..].contains("<i>"), "{html}");
        assert_eq!(from_html(&html), text);
        assert_eq!(from_html(&html.replace("<pre>", "<pre style=\"x\">")), text);
        assert_eq!(from_html("plain"), "plain");
        assert_eq!(from_html(""), "");
    }

    #[test]
    fn a_literal_ends_where_it_should() {
        assert_eq!(quoted("Won't do"), "'Won''t do'");
    }
}
