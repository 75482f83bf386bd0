//! The stored form of a plan: what `--out` and `--format json` write, and `apply` and `show` read.
//!
//! The format is a boundary of its own, versioned: a minor version adds keys, a major one may
//! break, and readers ignore keys that they do not know. What a file says of changes, their counts,
//! writes and guards is for people; when it is read, all are recomputed from the assignments before
//! and after, which the digest covers.

mod approval;
mod audit;
mod members;
mod plan_digest;
mod policy;
mod run_record;
mod selection;
mod shared;
mod since;
mod summary;
mod unmanaged;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use approval::ApprovalRecord;
pub use members::{DeletedRecord, FilterRecord};
pub use plan_digest::{of_plan as digest_of, without_acceptances as digest_without_acceptances};
pub use policy::{PolicyRecord, PolicyRecords, check_ids};
pub use run_record::{PlannedTenant, RunRecord, ShardRecord};
pub use selection::SelectionRecord;
pub use shared::SharedNamesRecord;
pub use since::{ManagedRecord, SinceRecord};
pub use summary::{DiagnosticRecord, GuardRecord};
pub use unmanaged::{NotableRecord, UnmanagedRecord};

use super::audit::Audit;
pub use super::digest::{is_digest, of_tenants as digest_of_tenants, sha256};
use super::guards::GuardInput;
use super::members::Members;
pub use super::record::{AssignmentRecord, ReadAssignments, RecordError};
use super::since::key;
use super::writes::WriteWith;
use super::{Annotations, Names, Plan, PlanContents, PlannedPolicy, SetMembers, Summary};

/// The version of the format that this program writes.
pub const FORMAT_VERSION: &str = "1.0";

/// The program and its version, as plans write it.
pub const TOOL: &str = concat!("assignctl ", env!("CARGO_PKG_VERSION"));

/// Why a file is not a plan that can be used.
#[derive(Debug, thiserror::Error)]
pub enum SavedPlanError {
    /// It is not JSON, or not of the form of a plan.
    #[error("not a plan file: {0}")]
    NotAPlan(#[from] RecordError),
    /// It comes from a version of the program that writes another format.
    #[error("the plan's format version `{0}` is not known to this program, which reads 1.x")]
    UnknownVersion(String),
    /// It is not as it was written.
    #[error("the plan file was altered: its digest is `{written}`, its content gives `{computed}`")]
    Altered {
        /// What the file says.
        written: String,
        /// What it should say.
        computed: String,
    },
    /// Its writes are not those that its changes need.
    #[error("the plan file was altered: the writes of {0} are not those that its changes need")]
    OtherWrites(String),
    /// It is only a part of a plan.
    #[error("the plan is marked as incomplete")]
    Incomplete,
}

/// A plan that was read from a file.
#[derive(Clone, Debug, PartialEq)]
pub struct SavedPlan {
    /// The plan. Policies that do not change are counted, not held.
    pub plan: Plan,
    /// What the file says beside it.
    pub annotations: Annotations,
    /// The counts: what changes is counted in the plan, the rest is as it was when that was made.
    pub summary: Summary,
    /// The digest as it is written.
    pub digest: String,
    /// When it was made.
    pub created_at: String,
    /// The version of its format.
    pub format_version: String,
    /// The tenant that it was made for, if manifests name their tenants.
    pub tenant: Option<PlannedTenant>,
    /// The part of the tenants that its run was for, if it was for a part.
    pub shard: Option<ShardRecord>,
    /// The run that saved it, if that was for the tenants of manifests.
    pub run: Option<RunRecord>,
}

/// A plan as it is stored.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PlanRecord<'a> {
    /// [`FORMAT_VERSION`].
    pub format_version: String,
    /// The program and its version.
    pub tool: String,
    /// When the plan was made, in UTC.
    pub created_at: String,
    /// The tenant's short name, if manifests name their tenants.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// The tenant's own app registration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The cloud that the tenant is said to be in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloud: Option<String>,
    /// The part of the tenants that the run was for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<ShardRecord>,
    /// The run that saved the plan, which the digest does not cover.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<RunRecord>,
    /// The tenant, null where the token does not name it.
    pub tenant_id: Option<String>,
    /// The Graph URL.
    pub graph_url: String,
    /// What part of the managed policies was looked at.
    #[serde(default)]
    pub selection: SelectionRecord,
    /// Whether everything was read. A plan that is not is never made.
    pub complete: bool,
    /// How the writes were chosen.
    #[serde(default = "auto")]
    pub write_with: String,
    /// Counts.
    pub summary: Summary,
    /// How long the writes take at the service's limits, in seconds.
    #[serde(default)]
    pub estimated_seconds: u64,
    /// What each guard saw.
    #[serde(default)]
    pub guards: Vec<GuardRecord>,
    /// The changed policies; with `--all` the unchanged as well.
    pub policies: PolicyRecords<'a>,
    /// Policies, groups and filters whose names are shared with others, or look the same.
    #[serde(default, skip_serializing_if = "SharedNamesRecord::is_empty")]
    pub shared_names: SharedNamesRecord,
    /// Digests of the other policies' assignments, so that a later run knows who changed them.
    #[serde(default, skip_serializing_if = "ManagedRecord::is_empty")]
    pub unchanged: ManagedRecord,
    /// Why policies are not as the manifests say, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<SinceRecord>,
    /// The ids of the policies that no manifest manages, so that a later run knows which are new.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unmanaged: Option<UnmanagedRecord>,
    /// Those of them that are named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notable: Option<NotableRecord<'a>>,
    /// For how many days it was asked who changed the policies, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub who_days: Option<u32>,
    /// The open requests for approval, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approvals: Option<Vec<ApprovalRecord>>,
    /// How many open requests do not say which policy they are for.
    #[serde(default, skip_serializing_if = "audit::is_zero")]
    pub approvals_without_policy: usize,
    /// Groups that are assigned, and were deleted not long ago.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deleted_groups: Vec<DeletedRecord>,
    /// How many devices the filters of the changes match, where that was asked.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<FilterRecord>,
    /// Warnings.
    #[serde(default)]
    pub diagnostics: Vec<DiagnosticRecord>,
    /// `sha256:` and 64 hexadecimal digits.
    pub digest: String,
}

/// What has to be known of a plan before it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    format_version: Option<Value>,
    complete: Option<Value>,
}

fn auto() -> String {
    WriteWith::Auto.name().to_owned()
}

impl<'a> PlanRecord<'a> {
    /// Writes a plan out with its digest ([`digest_of`]). `all` takes the unchanged policies in; they
    /// do not change the digest.
    pub fn new(
        plan: &'a Plan,
        annotations: &'a Annotations,
        summary: &Summary,
        digest: &str,
        created_at: &str,
        all: bool,
    ) -> Self {
        let PlanContents {
            tenant_id,
            graph_url,
            policies_read: _,
            selection: _,
            left_out: _,
            hidden: _,
            policies: _,
            guards,
            diagnostics,
            write_with,
            unchanged: _,
            unmanaged,
        } = &**plan;
        let Annotations {
            names,
            since,
            notable,
            audit,
            members,
            set_members: _,
            approvals,
        } = annotations;
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            tool: TOOL.to_owned(),
            created_at: created_at.to_owned(),
            tenant: None,
            client_id: None,
            cloud: None,
            shard: None,
            run: None,
            tenant_id: tenant_id.clone(),
            graph_url: graph_url.clone(),
            selection: SelectionRecord::of(plan),
            complete: true,
            write_with: write_with.name().to_owned(),
            summary: *summary,
            estimated_seconds: summary.time.as_secs(),
            guards: guards.iter().map(GuardRecord::new).collect(),
            unchanged: ManagedRecord::of(plan, |policy| !all && !policy.is_changed()),
            since: since.as_ref().map(SinceRecord::new),
            unmanaged: unmanaged.as_ref().map(|all| UnmanagedRecord::new(all)),
            notable: notable
                .as_ref()
                .map(|notable| NotableRecord::new(notable, names)),
            who_days: audit.as_ref().map(|audit| audit.days),
            approvals: approvals.as_ref().map(|open| {
                let entries = open.of_policies.iter();
                entries.cloned().map(ApprovalRecord).collect()
            }),
            approvals_without_policy: approvals.as_ref().map_or(0, |open| open.unclear),
            deleted_groups: DeletedRecord::all(names),
            filters: FilterRecord::all(members.as_ref(), names),
            diagnostics: diagnostics.iter().map(DiagnosticRecord::new).collect(),
            digest: digest.to_owned(),
            shared_names: SharedNamesRecord::of(plan, names, all),
            policies: PolicyRecords::Of {
                plan,
                annotations,
                all,
            },
        }
    }

    /// Says for which of several tenants the plan is.
    #[must_use]
    pub fn of_tenant(self, tenant: Option<&PlannedTenant>) -> Self {
        let tenant = tenant.cloned();
        Self {
            client_id: tenant.as_ref().and_then(|tenant| tenant.client_id.clone()),
            cloud: tenant.as_ref().and_then(|tenant| tenant.cloud.clone()),
            tenant: tenant.map(|tenant| tenant.name),
            ..self
        }
    }

    /// Says which run saves the plan, and for which part of the tenants it was.
    #[must_use]
    pub fn of_run(self, run: RunRecord, shard: Option<ShardRecord>) -> Self {
        Self {
            shard,
            run: Some(run),
            ..self
        }
    }

    /// Reads a plan from a file's text and checks that it is as it was written.
    ///
    /// # Errors
    ///
    /// Says what is wrong with it.
    pub fn read(text: &str) -> Result<SavedPlan, SavedPlanError> {
        let (saved, doubt) = Self::look(text)?;
        doubt.map_or(Ok(saved), Err)
    }

    /// Reads a plan from a file's text to show what can be read of it: also one that must
    /// not be carried out, with what is wrong with it.
    ///
    /// # Errors
    ///
    /// Says why there is nothing to look at.
    pub fn look(text: &str) -> Result<(SavedPlan, Option<SavedPlanError>), SavedPlanError> {
        // The version decides how the rest is to be read.
        let head: Head = serde_json::from_str(text).map_err(RecordError::from)?;
        let version = head
            .format_version
            .as_ref()
            .and_then(Value::as_str)
            .ok_or(RecordError::Lacks("formatVersion"))?;
        let unknown = (version.split('.').next() != Some("1"))
            .then(|| SavedPlanError::UnknownVersion(version.to_owned()));
        // The JSON of a failed run holds no plan.
        if head.complete == Some(Value::Bool(false)) {
            return Err(SavedPlanError::Incomplete);
        }
        if let Some(unknown) = unknown {
            // No one knows what its digest covers, and whether its words still mean the same.
            let saved = serde_json::from_str::<Self>(text)
                .map_err(RecordError::from)
                .and_then(|record| record.saved());
            return match saved {
                Ok(saved) => Ok((saved, Some(unknown))),
                Err(_) => Err(unknown),
            };
        }
        let record: Self = serde_json::from_str(text).map_err(RecordError::from)?;
        let computed = plan_digest::compute(&record);
        let altered = (computed != record.digest).then(|| SavedPlanError::Altered {
            written: record.digest.clone(),
            computed,
        });
        match (record.saved(), altered) {
            (Ok(saved), altered) => {
                let doubt = altered.or_else(|| other_writes(record.policies.held(), &saved.plan));
                Ok((saved, doubt))
            }
            // That it was altered explains why it cannot be read.
            (Err(_), Some(altered)) => Err(altered),
            (Err(error), None) => Err(error.into()),
        }
    }

    fn saved(&self) -> Result<SavedPlan, RecordError> {
        let mut names = Names::default();
        let mut policies = self
            .policies
            .held()
            .iter()
            .map(|policy| policy.read(&mut names))
            .collect::<Result<Vec<_>, _>>()?;
        // The digest covers assignments, not what the file makes of them.
        for (policy, record) in policies.iter().zip(self.policies.held()) {
            if policy.changes.is_empty() != record.changes.is_empty() {
                return Err(RecordError::OtherChanges(record.name.to_string()));
            }
        }
        for deleted in &self.deleted_groups {
            let group = deleted.0.clone();
            if names.is_missing_group(&group.id) {
                names.add_deleted_group(group);
            }
        }
        let members = self.members(&policies);
        let mut set_members = SetMembers::default();
        for (policy, record) in policies.iter().zip(self.policies.held()) {
            if let Some(members) = record.set_members() {
                set_members.add(policy.kind, &policy.id, members);
            }
        }
        let since = self.since.as_ref().map(|record| {
            let causes = policies.iter().zip(self.policies.held());
            record.read(causes.map(|(policy, record)| (policy, record.cause.as_deref())))
        });
        let audit = self.audit(&policies);
        self.shared_names.read(&mut policies, &mut names);
        let notable = self.notable.as_ref();
        let notable = notable
            .map(|notable| notable.read(&mut names))
            .transpose()?
            .flatten();
        let judged = GuardInput {
            policies: &policies,
            names: &names,
            tenant_id: self.tenant_id.as_deref(),
            total: None,
            members: members.as_ref(),
            changed_tenants: None,
        };
        let guards = self.guards.iter();
        let guards = guards.filter_map(|guard| guard.read(&judged)).collect();
        let plan = Plan::from(PlanContents {
            tenant_id: self.tenant_id.clone(),
            graph_url: self.graph_url.clone(),
            policies_read: self.summary.policies_read,
            selection: self.selection.read(),
            left_out: self.selection.left_out.unwrap_or_default(),
            hidden: 0,
            policies,
            guards,
            diagnostics: self
                .diagnostics
                .iter()
                .map(DiagnosticRecord::read)
                .collect(),
            write_with: WriteWith::from_name(&self.write_with)
                .ok_or_else(|| RecordError::unknown("way to write", &self.write_with))?,
            unchanged: self.unchanged.read(),
            unmanaged: self.unmanaged.as_ref().map(UnmanagedRecord::read),
        });
        // What changes is counted in the policies that the file holds; the rest is taken from it.
        let counted = plan.summary();
        let managed = self.summary.managed.max(counted.managed);
        Ok(SavedPlan {
            summary: Summary {
                policies_read: self.summary.policies_read,
                managed,
                unchanged: managed - counted.changed,
                unmanaged: self.summary.unmanaged,
                time: Duration::from_secs(self.estimated_seconds),
                ..counted
            },
            digest: self.digest.clone(),
            created_at: self.created_at.clone(),
            format_version: self.format_version.clone(),
            tenant: self.tenant.clone().map(|name| PlannedTenant {
                name,
                client_id: self.client_id.clone(),
                cloud: self.cloud.clone(),
            }),
            shard: self.shard,
            run: self.run.clone(),
            plan,
            annotations: Annotations {
                names,
                since,
                notable,
                audit,
                members,
                set_members,
                // Not stored: they change too often.
                approvals: None,
            },
        })
    }

    /// Returns what was counted of members, if anything was.
    fn members(&self, policies: &[PlannedPolicy]) -> Option<Members> {
        let mut members: Option<Members> = None;
        for (policy, record) in policies.iter().zip(self.policies.held()) {
            if let Some(counted) = record.members() {
                members.get_or_insert_default().add(policy, counted);
            }
        }
        for filter in &self.filters {
            let (id, counted) = filter.read();
            members.get_or_insert_default().filters.insert(id, counted);
        }
        members
    }

    /// Returns who changed the policies, if that was asked.
    fn audit(&self, policies: &[PlannedPolicy]) -> Option<Audit> {
        let known = policies.iter().zip(self.policies.held());
        let known = known.filter_map(|(policy, record)| {
            let audit = record.audit.as_ref()?.read()?;
            Some((key(policy.kind, &policy.id), audit))
        });
        Some(Audit {
            days: self.who_days?,
            policies: known.collect(),
        })
    }
}

/// Finds a policy whose writes in the file are not those that would be sent.
fn other_writes(written: &[PolicyRecord<'_>], plan: &Plan) -> Option<SavedPlanError> {
    let mut policies = written.iter().zip(&plan.policies);
    policies
        .find(|(record, policy)| !record.has_writes_of(policy, plan.write_with))
        .map(|(_, policy)| SavedPlanError::OtherWrites(policy.reference().to_string()))
}
