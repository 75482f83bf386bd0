//! The pipeline that the program runs in: what a platform says of the run, and the few things that are
//! read from and written to its API. One small client a platform, and no trait: what differs is data.
//!
//! - [`Platform`] is the word of `--ci`, [`Pipeline`] the connection of this run.
//! - A [`ProposedChange`] is a pull request or merge request. The comment on it is found by its marker, and only
//!   among those of the pipeline's own identity: anyone can write the marker.
//! - Addresses come from the platform's own variables. The platform's token goes only there, and the
//!   Graph token never does: this module never holds it.
//!
//! Three calls of each platform are used. The clients that exist for them (octocrab,
//! `azure_devops_rust_api`, `gitlab`) bring their own HTTP stacks, and none lets the rules for
//! connections (no redirects, https or loopback only, `SSL_CERT_FILE`) be the program's.

mod azure_devops;
mod comment;
mod error;
mod github;
mod gitlab;
mod http;
mod proposed_change;

use std::path::{Path, PathBuf};

use azure_devops::AzureDevOps;
use github::GitHub;
use gitlab::GitLab;

pub use comment::reviewed_digest;
pub use error::CiError;
pub use proposed_change::{Proposal, ProposedChange, Unwritable};

/// The title of the issue or work item that says what has drifted.
const DRIFT_TITLE: &str = "Intune differs from the manifests";
/// Its label or tag.
const DRIFT_LABEL: &str = "intune-drift";
/// What it is closed with.
const DRIFT_ENDED: &str = "No drift: nothing was changed in the tenant by hand.";

/// Reads a variable of the environment; `None` if it is not set, or set to nothing.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A platform that runs pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// GitHub Actions.
    GitHub,
    /// Azure Pipelines with Azure Repos.
    AzureDevOps,
    /// GitLab CI/CD.
    GitLab,
}

impl Platform {
    /// Every platform.
    pub const ALL: [Self; 3] = [Self::GitHub, Self::AzureDevOps, Self::GitLab];

    /// Returns the platform as its makers write it.
    pub fn title(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
            Self::AzureDevOps => "Azure DevOps",
            Self::GitLab => "GitLab",
        }
    }

    /// Returns what the platform calls a proposed change.
    pub fn request(self) -> &'static str {
        match self {
            Self::GitHub | Self::AzureDevOps => "pull request",
            Self::GitLab => "merge request",
        }
    }

    /// Returns the variable with the number of the run, which its jobs share.
    pub fn run_variable(self) -> &'static str {
        match self {
            Self::GitHub => "GITHUB_RUN_ID",
            Self::AzureDevOps => "BUILD_BUILDID",
            Self::GitLab => "CI_PIPELINE_ID",
        }
    }

    /// Finds the platforms that run this process, by the variable that each documents for it. There are several where
    /// one's job starts another's runner.
    pub fn detect(variable: Variables<'_>) -> Vec<Self> {
        let is =
            |name: &str| variable(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let runs = |platform: &Self| {
            is(match platform {
                Self::GitHub => "GITHUB_ACTIONS",
                Self::AzureDevOps => "TF_BUILD",
                Self::GitLab => "GITLAB_CI",
            })
        };
        Self::ALL.into_iter().filter(runs).collect()
    }
}

/// A connection to the platform of this run.
#[derive(Debug)]
pub struct Pipeline {
    service: Service,
}

#[derive(Debug)]
enum Service {
    GitHub(GitHub),
    AzureDevOps(AzureDevOps),
    GitLab(GitLab),
}

/// Calls the same method of whichever platform it is.
macro_rules! of {
    ($pipeline:expr, $platform:ident => $call:expr) => {
        match &$pipeline.service {
            Service::GitHub($platform) => $call,
            Service::AzureDevOps($platform) => $call,
            Service::GitLab($platform) => $call,
        }
    };
}

/// Where the summary of a run is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SummaryFile {
    /// A file that the platform reads after the step, and that other steps may have written to.
    Append(PathBuf),
    /// A file of our own, which the platform is then asked to upload.
    Upload(PathBuf),
}

/// A comment of the pipeline's own.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Comment {
    /// What the platform calls it, a part of its path.
    id: String,
    /// What GitHub's other API calls it; empty elsewhere.
    node: String,
    body: String,
}

/// The open issue or work item about drift.
#[derive(Clone, Debug, PartialEq, Eq)]
struct DriftItem {
    id: u64,
    body: String,
}

/// What became of something that is kept up to date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It was written for the first time.
    Created,
    /// It was there and said something else.
    Updated,
    /// It was there and said the same, or there was nothing to say.
    Unchanged,
    /// It was there and has been closed.
    Closed,
}

/// What a run of `apply` has done to the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApplyResult<'a> {
    /// It has written, or may have.
    Written,
    /// It has written nothing, as this says.
    NothingWritten(&'a str),
    /// All that it has to say is what waits for approval. With what an earlier run has written, the comment has at most
    /// so many bytes.
    Waiting(usize),
}

/// Stands above what was applied where what waits has no room.
const WAITS: &str =
    "**A later run wrote nothing and waits for approval**: its report names the requests.";

impl Pipeline {
    /// Reads what the platform says of this run.
    ///
    /// # Errors
    ///
    /// Names the variable that is missing or cannot be used.
    pub fn open(platform: Platform, variable: Variables<'_>) -> Result<Self, CiError> {
        let service = match platform {
            Platform::GitHub => Service::GitHub(GitHub::open(variable)?),
            Platform::AzureDevOps => Service::AzureDevOps(AzureDevOps::open(variable)?),
            Platform::GitLab => Service::GitLab(GitLab::open(variable)?),
        };
        Ok(Self { service })
    }

    /// Returns the platform.
    pub fn platform(&self) -> Platform {
        match self.service {
            Service::GitHub(_) => Platform::GitHub,
            Service::AzureDevOps(_) => Platform::AzureDevOps,
            Service::GitLab(_) => Platform::GitLab,
        }
    }

    /// Returns the change that this run is about; `None` if it is about a branch.
    pub fn proposal(&self) -> Option<Proposal> {
        of!(self, platform => platform.proposal)
    }

    /// Whether the platform can be asked: pipelines that run in a fork on GitLab have no token for the project.
    pub fn can_ask(&self) -> bool {
        match &self.service {
            Service::GitHub(_) | Service::AzureDevOps(_) => true,
            Service::GitLab(gitlab) => gitlab.api.token.is_some(),
        }
    }

    /// Returns where the summary of the run goes; `None` if the platform shows none.
    pub fn summary_file(&self, name: &str) -> Option<SummaryFile> {
        match &self.service {
            Service::GitHub(github) => github.summary_file.clone().map(SummaryFile::Append),
            Service::AzureDevOps(azure) => {
                let folder: &Path = azure.temporary_folder.as_deref()?;
                Some(SummaryFile::Upload(folder.join(name)))
            }
            Service::GitLab(_) => None,
        }
    }

    /// Reads a change: its labels and its description.
    ///
    /// # Errors
    ///
    /// Says what the platform answered.
    pub async fn change(&self, number: u64) -> Result<ProposedChange, CiError> {
        of!(self, platform => platform.change(number).await)
    }

    /// Finds the merged change that the platform names for the commit of this run.
    ///
    /// # Errors
    ///
    /// Refuses to choose between several, and says what the platform answered.
    pub async fn merged(&self) -> Result<Option<u64>, CiError> {
        of!(self, platform => platform.merged().await)
    }

    /// Returns the digest in the plan that the pipeline's own identity has written on a change; `None`
    /// if there is no such comment, or its last line is not a digest.
    ///
    /// # Errors
    ///
    /// Refuses a comment that someone else has edited, and says what the platform answered.
    pub async fn reviewed(&self, number: u64, marker: &str) -> Result<Option<String>, CiError> {
        let Some(comment) = self.own_comment(number, marker).await? else {
            return Ok(None);
        };
        let editor = match &self.service {
            Service::GitHub(github) => github.edited_by(&comment).await?,
            // Only its author edits a comment on Azure DevOps. On GitLab maintainers can as well, who may
            // also read the pipeline's token.
            Service::AzureDevOps(_) | Service::GitLab(_) => None,
        };
        match editor {
            Some(editor) => Err(CiError::Edited { number, editor }),
            None => Ok(reviewed_digest(&comment.body).map(str::to_owned)),
        }
    }

    /// Keeps one comment on a change: writes it, or updates the one that is there.
    ///
    /// # Errors
    ///
    /// Says what the platform answered.
    pub async fn keep_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
    ) -> Result<Kept, CiError> {
        let own = self.own_comment(number, marker).await?;
        self.put_comment(number, own, body).await
    }

    /// Keeps one comment on a change about what was applied. What a run has written stays there when a later one
    /// writes nothing, which is said above it, as is what waits for approval.
    ///
    /// # Errors
    ///
    /// Says what the platform answered.
    pub async fn keep_applied(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        run: ApplyResult<'_>,
    ) -> Result<Kept, CiError> {
        let own = self.own_comment(number, marker).await?;
        let before = own.as_ref().map(|comment| &*comment.body);
        let body = match run {
            ApplyResult::Written => comment::written(marker, body),
            ApplyResult::NothingWritten(note) => {
                comment::with_note(marker, note, before).unwrap_or_else(|| body.to_owned())
            }
            ApplyResult::Waiting(most_bytes) => comment::above_written(body, before, most_bytes)
                .or_else(|| comment::with_note(marker, WAITS, before))
                .unwrap_or_else(|| body.to_owned()),
        };
        self.put_comment(number, own, &body).await
    }

    async fn put_comment(
        &self,
        number: u64,
        own: Option<Comment>,
        body: &str,
    ) -> Result<Kept, CiError> {
        match own {
            Some(comment) if comment::same(&comment.body, body) => Ok(Kept::Unchanged),
            Some(comment) => {
                of!(self, platform => platform.update_comment(number, &comment.id, body).await)?;
                Ok(Kept::Updated)
            }
            None => {
                of!(self, platform => platform.create_comment(number, body).await)?;
                Ok(Kept::Created)
            }
        }
    }

    /// Returns the first comment of our own with a marker: the one that has been updated since.
    async fn own_comment(&self, number: u64, marker: &str) -> Result<Option<Comment>, CiError> {
        let own = of!(self, platform => platform.own_comments(number).await)?;
        Ok(own
            .into_iter()
            .find(|comment| comment::begins_with(&comment.body, marker)))
    }

    /// Keeps one issue or work item about drift: opens it, updates it, or closes it if there is no drift.
    ///
    /// # Errors
    ///
    /// Says what the platform answered.
    pub async fn keep_drift(&self, marker: &str, drift: Option<&str>) -> Result<Kept, CiError> {
        let item = of!(self, platform => platform.drift_item(marker).await)?;
        match (item, drift) {
            (None, None) => Ok(Kept::Unchanged),
            (Some(item), None) => {
                of!(self, platform => platform.close_drift(item.id).await)?;
                Ok(Kept::Closed)
            }
            (Some(item), Some(body)) if comment::same(&item.body, body) => Ok(Kept::Unchanged),
            (Some(item), Some(body)) => {
                of!(self, platform => platform.update_drift(item.id, body).await)?;
                Ok(Kept::Updated)
            }
            (None, Some(body)) => {
                of!(self, platform => platform.open_drift(body).await)?;
                Ok(Kept::Created)
            }
        }
    }
}

/// Returns a variable that the platform sets for every job.
fn required(
    platform: Platform,
    variable: Variables<'_>,
    name: &'static str,
) -> Result<String, CiError> {
    variable(name).ok_or(CiError::MissingVariable { platform, name })
}

/// Returns the number in a variable that is not set for every job.
fn number(variable: Variables<'_>, name: &'static str) -> Result<Option<u64>, CiError> {
    let number = variable(name).map(|number| number.parse());
    number.transpose().map_err(|_| CiError::BadVariable {
        name,
        source: "it is not a number".into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_platform_is_found_by_its_own_variable() {
        let found = |name: &str, value: &str| {
            Platform::detect(&|asked: &str| (asked == name).then(|| value.to_owned()))
        };
        assert_eq!(found("GITHUB_ACTIONS", "true"), [Platform::GitHub]);
        assert_eq!(found("TF_BUILD", "True"), [Platform::AzureDevOps]);
        assert_eq!(found("GITLAB_CI", "true"), [Platform::GitLab]);
        assert_eq!(found("GITHUB_ACTIONS", "false"), []);
        assert_eq!(found("CI", "true"), []);
    }
}
