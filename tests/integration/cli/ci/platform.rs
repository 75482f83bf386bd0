//! Stand-ins for the APIs of the three platforms. Each knows one change, number 7, and checks the form
//! of every request: what it does not know it answers with an error that names it.

mod azure_devops;
mod github;
mod gitlab;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

use crate::cli::support::stand_in::{Reply, Seen, StandIn};
use crate::cli::support::{Ran, World};

/// The platform's token, which goes to the platform only.
pub(super) const TOKEN: &str = "the-token-of-the-platform";
/// The commit that is built.
const COMMIT: &str = "c0ffee0123456789c0ffee0123456789c0ffee01";
/// Who the pipeline is to the platform, and who it is not.
pub(super) const OWN: u64 = 1;
pub(super) const SOMEBODY: u64 = 2;

/// What a run is started by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A change of the repository's own.
    Proposed,
    /// A change from a fork.
    Fork,
    /// A change that waits in the merge queue.
    Queued,
    /// A commit on the main branch.
    Merged,
    /// The time of day, on the main branch.
    Schedule,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    GitHub,
    AzureDevOps,
    GitLab,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::GitHub, Self::AzureDevOps, Self::GitLab];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GitHub => "github",
            Self::AzureDevOps => "azure-devops",
            Self::GitLab => "gitlab",
        }
    }

    fn answer(self, seen: &Seen, state: &mut State) -> Reply {
        match self {
            Self::GitHub => github::answer(seen, state),
            Self::AzureDevOps => azure_devops::answer(seen, state),
            Self::GitLab => gitlab::answer(seen, state),
        }
    }
}

/// A comment on the change, or an issue.
#[derive(Clone, Debug)]
pub(super) struct Text {
    pub(super) id: u64,
    pub(super) author: u64,
    pub(super) body: String,
    pub(super) is_open: bool,
    /// Who changed it last.
    pub(super) editor: Option<u64>,
}

/// What the platform keeps.
#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) comments: Vec<Text>,
    pub(super) issues: Vec<Text>,
    pub(super) labels: Vec<String>,
    pub(super) description: String,
    /// Whether the change comes from a fork.
    pub(super) from_fork: bool,
    /// Whether pages of lists lack an object, as where the platform hides one.
    pub(super) short_pages: bool,
    /// The merged changes that hold the commit: number, target branch, and whether it made the commit.
    pub(super) merged: Vec<(u64, &'static str, bool)>,
    /// What was said on issues.
    pub(super) said: Vec<String>,
    /// How many requests are answered before what follows begins.
    pub(super) good: usize,
    /// What the next requests are answered with in place of what they ask for.
    pub(super) failures: Vec<(u16, &'static str)>,
    /// How long these ask to wait.
    pub(super) retry_after: Option<&'static str>,
    /// Short words for what was changed.
    changes: Vec<String>,
    next: u64,
}

impl State {
    fn add(&mut self, is_issue: bool, body: &str) -> u64 {
        self.next += 1;
        let id = 100 + self.next;
        let text = Text {
            id,
            author: OWN,
            body: body.to_owned(),
            is_open: true,
            editor: None,
        };
        if is_issue {
            self.changes.push(format!("open issue {id}"));
            self.issues.push(text);
        } else {
            self.changes.push(format!("comment {id}"));
            self.comments.push(text);
        }
        id
    }

    fn update_comment(&mut self, id: &str, body: &str) -> Reply {
        self.changes.push(format!("update comment {id}"));
        update(&mut self.comments, id, |text| {
            text.body = body.to_owned();
            text.editor = Some(OWN);
        })
    }

    fn update_issue(&mut self, id: &str, body: &str) -> Reply {
        self.changes.push(format!("update issue {id}"));
        update(&mut self.issues, id, |text| text.body = body.to_owned())
    }

    fn close_issue(&mut self, id: &str) -> Reply {
        self.changes.push(format!("close issue {id}"));
        update(&mut self.issues, id, |text| text.is_open = false)
    }
}

fn update(texts: &mut [Text], id: &str, change: impl FnOnce(&mut Text)) -> Reply {
    match texts.iter_mut().find(|text| text.id.to_string() == id) {
        Some(text) if text.author == OWN => {
            change(text);
            Reply::json(200, &json!({"id": text.id}))
        }
        Some(_) => refused(403, "it is somebody else's"),
        None => refused(404, "there is no such object"),
    }
}

fn refused(status: u16, message: &str) -> Reply {
    Reply::json(status, &json!({"message": message}))
}

/// Says that a request is not one that the platform knows.
fn unknown(seen: &Seen) -> Reply {
    refused(
        400,
        &format!("no such request: {} {}", seen.method, seen.target),
    )
}

/// Answers with a page of a list, and with a link to the next where there is one.
fn page(seen: &Seen, all: &[Value], state: &State) -> Reply {
    let number = |name: &str| seen.query(name).and_then(|text| text.parse::<usize>().ok());
    let (Some(size), Some(page)) = (number("per_page"), number("page")) else {
        return unknown(seen);
    };
    assert!(size <= 100, "a platform gives 100 at most");
    let hidden = usize::from(state.short_pages);
    let found: Vec<&Value> = all
        .iter()
        .skip((page - 1) * size)
        .take(size)
        .skip(hidden)
        .collect();
    let mut reply = Reply::json(200, &json!(found));
    if all.len() > page * size {
        // An address that nothing may be sent to.
        let link =
            "<http://192.0.2.1/next?page=2>; rel=\"next\", <http://192.0.2.1/>; rel=\"last\"";
        reply.headers.push(("Link", link.to_owned()));
    }
    reply
}

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).unwrap_or(Value::Null)
}

/// A platform with a repository, and a world whose runs it starts.
pub(super) struct Platform {
    pub(super) kind: Kind,
    pub(super) world: World,
    stand_in: StandIn,
    state: Arc<Mutex<State>>,
}

impl Platform {
    pub(super) fn new(kind: Kind, world: World) -> Self {
        let state = Arc::new(Mutex::new(State {
            merged: vec![(7, "main", true)],
            ..State::default()
        }));
        let kept = Arc::clone(&state);
        let stand_in = StandIn::start(move |seen| {
            let mut state = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if state.good > 0 || state.failures.is_empty() {
                state.good = state.good.saturating_sub(1);
                kind.answer(seen, &mut state)
            } else {
                let (status, message) = state.failures.remove(0);
                let mut reply = refused(status, message);
                let usual = matches!(status, 429 | 503).then_some("0");
                if let Some(wait) = state.retry_after.or(usual) {
                    reply.headers.push(("Retry-After", wait.to_owned()));
                }
                reply
            }
        });
        Self {
            kind,
            world,
            stand_in,
            state,
        }
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns what was changed since this was asked last.
    pub(super) fn changes(&self) -> Vec<String> {
        std::mem::take(&mut self.state().changes)
    }

    /// Returns the only comment of the pipeline's own.
    pub(super) fn own_comment(&self) -> String {
        let state = self.state();
        let own: Vec<&Text> = state
            .comments
            .iter()
            .filter(|text| text.author == OWN)
            .collect();
        assert_eq!(own.len(), 1, "{own:?}");
        own[0].body.clone()
    }

    /// Sets the variables of a job.
    pub(super) fn start(&mut self, event: Event) {
        let variables = match self.kind {
            Kind::GitHub => github::variables(&self.stand_in.url, &self.world, event),
            Kind::AzureDevOps => azure_devops::variables(&self.stand_in.url, &self.world, event),
            Kind::GitLab => gitlab::variables(&self.stand_in.url, event),
        };
        for (name, value) in variables {
            self.world.set(name, &value);
        }
    }

    /// Runs a command as a job does that an event has started.
    pub(super) fn run(&mut self, event: Event, line: &str) -> Ran {
        self.start(event);
        self.world
            .sandbox(&format!("{line} --ci {}", self.kind.name()))
    }

    /// Returns the summary of the latest run.
    pub(super) fn summary(&self, command: &str) -> String {
        match self.kind {
            Kind::GitHub => self.world.read("runner/summary"),
            Kind::AzureDevOps => self.world.read(&format!("runner/assignctl-{command}.md")),
            Kind::GitLab => String::new(),
        }
    }

    pub(super) fn requests(&self) -> Vec<Seen> {
        self.stand_in.seen()
    }
}
