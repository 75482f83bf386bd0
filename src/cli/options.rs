//! Options that several commands take.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::terminal;
use super::values::{
    auth, duration, guard_name, limit, max_bytes, number, parallel, policy_kind, read_limit,
    removal_limit, run_id, shard, side_by_side, write_with,
};
use crate::auth::Method;
use crate::manifest::Glob;
use crate::model::{PolicyKind, RateLimit};
use crate::plan::Selection;
use crate::plan::guards::{GivenLimits, GuardName, RemovalLimit};
use crate::plan::writes::WriteWith;
use crate::render::markdown::DEFAULT_MAX_BYTES;
use crate::render::review::Detail;
use crate::run::tenants::{Asked, Shard};
use crate::run::who::Who;

/// Options that every command takes.
#[derive(Args, Debug)]
#[command(next_help_heading = "Common options")]
pub(super) struct Common {
    /// Output format of the result on stdout
    #[arg(long, global = true, value_enum, default_value_t = Format::Text, value_name = "FORMAT")]
    pub(super) format: Format,
    /// Also write the result as JSON to this file
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) json_into: Option<PathBuf>,
    /// Size limit of the Markdown result; details are dropped from the end
    #[arg(long, global = true, value_name = "N", default_value_t = DEFAULT_MAX_BYTES, value_parser = max_bytes)]
    pub(super) max_bytes: usize,
    /// When to use colour; `NO_COLOR` and `CLICOLOR_FORCE` are respected
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN")]
    pub(super) color: Color,
    /// Do not show progress on stderr
    #[arg(long, global = true)]
    pub(super) no_progress: bool,
    /// Print only the result, warnings and errors
    #[arg(short, long, global = true)]
    pub(super) quiet: bool,
    /// Log more to stderr (can be repeated)
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub(super) verbose: u8,
    /// Format of the log on stderr
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub(super) log_format: LogFormat,
    /// Configuration file (default: the nearest `assignctl.yaml`, up to the repository's root)
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Where the service is, and how it is talked to.
    #[command(flatten)]
    pub(super) service: Service,
}

/// Where the service is, and how it is talked to.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub(super) struct Service {
    /// Use the built-in emulator with the tenant in this file; created from the sample tenant if
    /// it does not exist
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) sandbox: Option<PathBuf>,
    /// Graph URL with its version [env: `ASSIGNCTL_GRAPH_URL`] [default: the cloud's]
    #[arg(long, global = true, value_name = "URL")]
    pub(super) graph_url: Option<String>,
    /// National cloud: public, usgov, usgov-dod, china [default: public]
    #[arg(long, global = true, value_name = "CLOUD")]
    pub(super) cloud: Option<String>,
    /// How to sign in: token, client-secret, client-certificate, workload-identity, github,
    /// azure-devops, managed-identity, azure-cli, login [default: the first that is configured]
    #[arg(long, global = true, value_name = "NAME", value_parser = auth)]
    pub(super) auth: Option<Method>,
    /// Limit for write requests, as count/window [default: 100/20s]
    #[arg(long, global = true, value_name = "COUNT/WINDOW", value_parser = limit)]
    pub(super) write_limit: Option<RateLimit>,
    /// Limit for all requests, as count/window [default: 1000/20s]
    #[arg(long, global = true, value_name = "COUNT/WINDOW", value_parser = read_limit)]
    pub(super) read_limit: Option<RateLimit>,
    /// Longest wait to accept from the service [default: 15m]
    #[arg(long, global = true, value_name = "DURATION", value_parser = duration)]
    pub(super) max_wait: Option<Duration>,
    /// Record requests and responses to this file, without names, ids, hosts or tokens
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) record: Option<PathBuf>,
    /// Number of policies processed in parallel [default: 8]
    #[arg(long, global = true, value_name = "N", value_parser = side_by_side)]
    pub(super) concurrency: Option<usize>,
}

/// Forms of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For a comment on a pull request.
    Markdown,
    /// Workflow annotations for GitHub Actions.
    Github,
    /// A table for spreadsheets; `list` only.
    Csv,
    /// A page for browsers; `list` only.
    Html,
}

/// Forms of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// Which of the managed policies are looked at.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Selecting {
    /// Only policies whose display name matches a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    only: Vec<String>,
    /// Exclude policies whose display name matches a glob (can be repeated)
    #[arg(long, help_heading = "Selection", value_name = "GLOB")]
    exclude: Vec<String>,
    /// Only policies of a kind (several with commas, or repeated)
    #[arg(long, help_heading = "Selection", value_name = "KIND", value_parser = policy_kind, value_delimiter = ',')]
    kind: Vec<PolicyKind>,
}

impl Selecting {
    pub(super) fn selection(&self) -> Selection {
        let globs = |texts: &[String]| texts.iter().map(Glob::new).collect();
        Selection {
            only: globs(&self.only),
            exclude: globs(&self.exclude),
            kinds: self.kind.clone(),
        }
    }
}

/// What of a plan is shown.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct View {
    /// Also show unchanged policies
    #[arg(long)]
    pub(super) all: bool,
    /// Show each policy's assignments before and after as a diff
    #[arg(long, conflicts_with = "summary")]
    pub(super) diff: bool,
    /// Show one line per policy
    #[arg(long)]
    pub(super) summary: bool,
    /// Show each policy by itself, even those with the same changes
    #[arg(long, conflicts_with = "summary")]
    pub(super) expand: bool,
}

impl View {
    pub(super) fn detail(&self) -> Detail<'static> {
        Detail {
            all: self.all,
            diff: self.diff,
            summary: self.summary,
            expand: self.expand,
            width: terminal::width(),
            ..Detail::default()
        }
    }
}

/// Options that count the affected devices and users.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct CountMembers {
    /// Count the devices and users of each target; `exact` also says how many gain and lose each policy,
    /// `filters` how many devices filters match (several with commas)
    #[arg(long, value_enum, value_name = "counts|exact|filters", num_args = 0..=1, value_delimiter = ',', default_missing_value = "counts")]
    pub(super) members: Vec<MembersMode>,
    /// Most members to read in total for `exact` [default: 20000]
    #[arg(long, value_name = "N")]
    pub(super) members_limit: Option<u64>,
    /// Look for risky targets in all managed policies, not only in those that change
    #[arg(long, value_enum, value_name = "all")]
    pub(super) lint: Option<LintMode>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum MembersMode {
    /// Count members.
    #[value(alias = "true")]
    Counts,
    /// Read each member.
    Exact,
    /// Count the devices that filters match.
    Filters,
}

/// What follows `--members` may be its value or a path. A path that exists is none of its values, unless it is
/// called like one.
pub(super) fn keep_path_from_members(typed: Vec<OsString>) -> Vec<OsString> {
    let is_value = |word: &OsString| {
        let word = word.to_string_lossy();
        let mut words = word.split(',');
        words.all(|word| MembersMode::from_str(word, false).is_ok())
    };
    let mut words = Vec::with_capacity(typed.len());
    let mut typed = typed.into_iter().peekable();
    while let Some(word) = typed.next() {
        let is_path = |next: &OsString| !is_value(next) && Path::new(next).exists();
        let before_path = word == "--members" && typed.peek().is_some_and(is_path);
        let ends = word == "--";
        words.push(match before_path {
            true => "--members=counts".into(),
            false => word,
        });
        if ends {
            break;
        }
    }
    words.extend(typed);
    words
}

/// Which policies are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum LintMode {
    /// All of them.
    All,
}

/// Who changed what differs.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct WhoDidIt {
    /// Show who caused each difference, from Intune's audit log
    #[arg(long)]
    pub(super) who: bool,
    /// How many days back to look, up to 730 [default: 7]
    #[arg(long, value_name = "N", requires = "who", value_parser = clap::value_parser!(u32).range(1..=730))]
    pub(super) who_days: Option<u32>,
}

/// Which of the tenants that manifests name are meant.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Tenants {
    /// Only this tenant of those that the manifests name, or those with a label (can be repeated)
    #[arg(
        long,
        help_heading = "Tenants",
        value_name = "NAME|label:LABEL",
        conflicts_with = "all_tenants"
    )]
    tenant: Vec<String>,
    /// All tenants that the manifests name
    #[arg(long, help_heading = "Tenants")]
    all_tenants: bool,
    /// Only one shard of these tenants, as on one of several machines: `2/5` is the second of five. `job/5`
    /// uses the number of an indexed Kubernetes job
    #[arg(long, help_heading = "Tenants", value_name = "I/N", value_parser = shard)]
    pub(super) shard: Option<Shard>,
    /// Name of the run, the same for all its shards, by which `tenants merge` matches their results [default: the
    /// number that GitHub, Azure DevOps or GitLab gives the run]
    #[arg(long, help_heading = "Tenants", value_name = "TEXT", value_parser = run_id)]
    pub(super) run_id: Option<String>,
    /// Number of tenants processed in parallel [default: 4]
    #[arg(long, help_heading = "Tenants", value_name = "N", value_parser = parallel)]
    pub(super) parallel_tenants: Option<usize>,
}

impl Tenants {
    pub(super) fn asked(&self) -> Asked {
        Asked {
            named: self.tenant.clone(),
            all: self.all_tenants,
            shard: self.shard,
        }
    }

    /// Whether some are asked for.
    pub(super) fn are_asked(&self) -> bool {
        self.all_tenants || !self.tenant.is_empty() || self.shard.is_some()
    }
}

/// The pipeline that runs the program.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Ci {
    /// Report to the platform that runs this pipeline: comment, summary, annotations, issue
    #[arg(long, value_enum, value_name = "PLATFORM")]
    pub(super) ci: Option<PipelineName>,
}

/// Platforms that run pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PipelineName {
    /// GitHub Actions.
    Github,
    /// Azure Pipelines.
    AzureDevops,
    /// GitLab CI/CD.
    Gitlab,
    /// Detect from the environment.
    Auto,
}

/// How a plan is made.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Planning {
    /// Treat as errors a `match`, `--only` or `--exclude` that selects nothing, and most new risky-target
    /// warnings
    #[arg(long)]
    pub(super) strict: bool,
    /// How to write: auto takes the fewest requests; `create` adds and removes assignments one by
    /// one, replacements still use `assign` [default: auto]
    #[arg(long, value_name = "auto|create|assign", value_parser = write_with)]
    pub(super) write_with: Option<WriteWith>,
}

/// Limits of the guards.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Guards {
    /// Accept a tripped guard (several with commas, or repeated): removals, policies, broad-target,
    /// exclusion-lost, unassigned, reach, tenants
    #[arg(long, value_name = "GUARD", value_parser = guard_name, value_delimiter = ',')]
    pub(super) allow: Vec<GuardName>,
    /// Limit for removals: a number, or a percentage of the managed live assignments, which fewer than
    /// 10 removals never exceed [default: 25%]
    #[arg(long, value_name = "N|N%", value_parser = removal_limit)]
    pub(super) max_removals: Option<RemovalLimit>,
    /// Limit for the devices and users that one policy may lose; counts members exactly [default: off]
    #[arg(long, value_name = "N", value_parser = number::<u64>)]
    pub(super) max_members_lost: Option<u64>,
    /// Limit for the tenants that change in one run [default: off]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(super) max_tenants: Option<usize>,
    /// Limit for changed policies [default: 50]
    #[arg(long, value_name = "N", value_parser = number::<usize>)]
    pub(super) max_policies: Option<usize>,
}

impl Guards {
    /// Says which of the limits are given that a saved plan has too.
    pub(super) fn given(&self) -> GivenLimits {
        GivenLimits {
            removals: self.max_removals.is_some(),
            policies: self.max_policies.is_some(),
            tenants: self.max_tenants.is_some(),
        }
    }
}

/// How many days back it is asked who changed something.
const WHO_DAYS: u32 = 7;

impl WhoDidIt {
    /// Returns what is asked of the audit events, with reports that name own writes.
    pub(super) fn asked(&self, reports: impl IntoIterator<Item = PathBuf>) -> Option<Who> {
        self.who.then(|| Who {
            days: self.who_days.unwrap_or(WHO_DAYS),
            reports: reports.into_iter().collect(),
        })
    }
}
