//! Why the platform was of no help.

use super::Platform;
use crate::text::Cause;

/// Why something could not be read from the platform or written to it. No variant holds a token.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum CiError {
    /// A variable that the platform sets for every job is missing.
    #[error("`{name}` is not set, and {} sets it for every job", platform.title())]
    MissingVariable {
        /// The platform.
        platform: Platform,
        /// The variable.
        name: &'static str,
    },
    /// The job was given no token for the platform's API.
    #[error("the job has no token for the API of {}: `{name}` is not set", platform.title())]
    NoToken {
        /// The platform.
        platform: Platform,
        /// The variable.
        name: &'static str,
    },
    /// A variable has a value that cannot be used. What is shown of it holds no secret.
    #[error("`{name}` cannot be used: {source}")]
    BadVariable {
        /// The variable.
        name: &'static str,
        /// What is wrong with its value.
        source: Cause,
    },
    /// The token has characters that no header takes.
    #[error("the token in `{name}` has characters that no header takes")]
    BadToken {
        /// The variable.
        name: &'static str,
    },
    /// There is no HTTP client.
    #[error("cannot set up an HTTP client: {0}")]
    NoClient(#[source] Cause),
    /// No answer came.
    #[error("{} did not answer `{request}`: {source}", platform.title())]
    NoAnswer {
        /// The platform.
        platform: Platform,
        /// Method and path.
        request: String,
        /// What happened.
        source: Cause,
    },
    /// The answer is an error.
    #[error("{} answered `{request}` with status {status}: {message}", platform.title())]
    Refused {
        /// The platform.
        platform: Platform,
        /// Method and path.
        request: String,
        /// The status.
        status: u16,
        /// What the answer says.
        message: String,
    },
    /// The answer cannot be read.
    #[error("the response of {} to `{request}` cannot be read: {source}", platform.title())]
    Unreadable {
        /// The platform.
        platform: Platform,
        /// Method and path.
        request: String,
        /// What is wrong with it.
        source: Cause,
    },
    /// There are more comments or issues than are read.
    #[error("{} lists more than {most} objects for `{request}`", platform.title())]
    TooMany {
        /// The platform.
        platform: Platform,
        /// Method and path.
        request: String,
        /// How many are read at most.
        most: usize,
    },
    /// Someone has changed the plan that the pipeline wrote.
    #[error(
        "the plan on pull request {number} was edited by {editor} after this pipeline wrote it"
    )]
    Edited {
        /// The number of the change.
        number: u64,
        /// Who did it.
        editor: String,
    },
    /// Several merged changes hold the commit, and none of them made it.
    #[error("{} names several merged {}s for commit `{commit}`: {numbers}", platform.title(), platform.request())]
    SeveralChanges {
        /// The platform.
        platform: Platform,
        /// The commit.
        commit: String,
        /// The numbers of the changes.
        numbers: String,
    },
    /// The repository is not the platform's own, so that it has no changes there.
    #[error("the repository is hosted on `{provider}`; Azure DevOps has no pull requests for it")]
    ForeignRepository {
        /// What the platform calls its host.
        provider: String,
    },
    /// A work item of this type has no state that means it is done.
    #[error("work items of type `{0}` have no state in the category `Completed`")]
    NoCompletedState(String),
}

impl CiError {
    /// Returns what the reader can do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoToken { platform, .. } => Some(match platform {
                Platform::GitHub => {
                    "give the step `GITHUB_TOKEN: ${{ github.token }}` as a variable"
                }
                Platform::AzureDevOps => {
                    "give the step `SYSTEM_ACCESSTOKEN: $(System.AccessToken)` as a variable"
                }
                Platform::GitLab => {
                    "keep a project access token with the scope `api` in the masked variable `GITLAB_TOKEN`"
                }
            }),
            // Azure DevOps sends a bad token to a page to sign in on.
            Self::Refused {
                platform: Platform::GitHub | Platform::GitLab,
                status: 300..=399,
                ..
            } => Some("a redirect is not followed, since the token would go with it"),
            Self::Refused {
                platform,
                status: 203 | 302 | 401 | 403 | 404,
                ..
            } => Some(match platform {
                Platform::GitHub => {
                    "the job needs the permissions `pull-requests: write` (plan, apply) and `issues: write` (drift)"
                }
                Platform::AzureDevOps => {
                    "let the build service contribute to pull requests, and edit work items"
                }
                Platform::GitLab => {
                    "the token in `GITLAB_TOKEN` needs the scope `api` and the role Reporter at least"
                }
            }),
            Self::SeveralChanges { .. } => {
                Some("name the digest that was reviewed with `--expect-digest`")
            }
            Self::MissingVariable { .. } => {
                Some("leave `--ci` out where no pipeline runs the program")
            }
            Self::Edited { .. } => Some(
                "nothing was written; read the plan again, and name its digest in `ASSIGNCTL_EXPECT_DIGEST`",
            ),
            Self::NoCompletedState(_) => Some("name another type in `ASSIGNCTL_WORK_ITEM_TYPE`"),
            Self::BadVariable { .. }
            | Self::BadToken { .. }
            | Self::NoClient(_)
            | Self::NoAnswer { .. }
            | Self::Refused { .. }
            | Self::Unreadable { .. }
            | Self::TooMany { .. }
            | Self::ForeignRepository { .. } => None,
        }
    }
}
