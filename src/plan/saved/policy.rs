//! Policies as plans write them, with their changes and requests.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::audit::AuditRecord;
use super::members::{CountRecord, ReachRecord};
use super::{AssignmentRecord, ReadAssignments, RecordError};
use crate::kinds::WriteCall;
use crate::manifest::Mode;
use crate::model::{Assignment, Guid, MemberCount, PolicyWrite, SetMember};
use crate::plan::members::PolicyMembers;
use crate::plan::since::Cause;
use crate::plan::writes::{WriteWith, planned};
use crate::plan::{Annotations, ManifestPlace, Names, Plan, PlannedPolicy};

/// A managed policy.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct PolicyRecord<'a> {
    pub(in crate::plan) kind: Cow<'a, str>,
    pub(in crate::plan) id: Cow<'a, str>,
    pub(in crate::plan) name: Cow<'a, str>,
    /// The type of the policy, of kinds that have several.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    odata_type: Option<Cow<'a, str>>,
    mode: Cow<'a, str>,
    #[serde(default)]
    manifest: Cow<'a, [ManifestPlace]>,
    pub(in crate::plan) before: Vec<AssignmentRecord<'a>>,
    pub(in crate::plan) after: Vec<AssignmentRecord<'a>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(in crate::plan) untouched: Vec<AssignmentRecord<'a>>,
    pub(in crate::plan) changes: Vec<ChangeRecord<'a>>,
    /// The lines that ask for the changes, in their order; null for what no line asks for.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    asked: Cow<'a, [Option<ManifestPlace>]>,
    /// Why the policy is not as the manifests say, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) cause: Option<Cow<'a, str>>,
    /// Who gains and loses the policy, if that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reach: Option<ReachRecord>,
    /// Who changed the policy, where that was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::plan) audit: Option<AuditRecord>,
    /// What a policy set passes its assignments on to.
    #[serde(
        rename = "setMembers",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    set_members: Option<Vec<SetMemberRecord>>,
    #[serde(default)]
    writes: Vec<WriteRecord<'a>>,
    /// Of a rollback's plan: whether the changes restore what a report recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(in crate::plan) restores: bool,
}

/// The policies of a plan: those of a file, or those of a plan in memory, which are written out
/// one by one so that a large plan needs no copy of itself.
#[derive(Clone, Debug, PartialEq)]
pub enum PolicyRecords<'a> {
    /// Those of a file.
    Held(Vec<PolicyRecord<'a>>),
    /// Those of a plan.
    Of {
        /// The plan.
        plan: &'a Plan,
        /// What is shown beside it.
        annotations: &'a Annotations,
        /// Whether the unchanged ones are taken in.
        all: bool,
    },
}

impl<'a> PolicyRecords<'a> {
    /// Returns the policies of a file.
    pub(super) fn held(&self) -> &[PolicyRecord<'a>] {
        match self {
            Self::Held(policies) => policies,
            Self::Of { .. } => &[],
        }
    }
}

impl Serialize for PolicyRecords<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Held(policies) => policies.serialize(serializer),
            Self::Of {
                plan,
                annotations,
                all,
            } => {
                let shown = plan.policies.iter();
                let shown = shown.filter(|policy| *all || policy.is_changed());
                serializer.collect_seq(shown.map(|policy| {
                    let record = PolicyRecord {
                        audit: annotations.audit_of(policy).map(AuditRecord::new),
                        set_members: annotations
                            .set_members
                            .of(policy)
                            .map(|members| members.iter().cloned().map(SetMemberRecord).collect()),
                        ..PolicyRecord::new(policy, &annotations.names, annotations.cause(policy))
                    };
                    record.with_members(annotations.members_of(policy))
                }))
            }
        }
    }
}

impl<'de> Deserialize<'de> for PolicyRecords<'_> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Self::Held)
    }
}

/// A change.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub(in crate::plan) struct ChangeRecord<'a> {
    action: Cow<'a, str>,
    before: Option<AssignmentRecord<'a>>,
    after: Option<AssignmentRecord<'a>>,
    /// How many members the target has, if they were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    members: Option<CountRecord>,
}

/// Something that a policy set assigns.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct SetMemberRecord(#[serde(with = "SetMemberForm")] SetMember);

#[derive(Serialize, Deserialize)]
#[serde(remote = "SetMember")]
struct SetMemberForm {
    kind: String,
    id: String,
    name: String,
}

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
pub(in crate::plan) struct WriteRecord<'a> {
    call: Cow<'a, str>,
    method: Cow<'a, str>,
    path: Cow<'a, str>,
}

impl<'a> PolicyRecord<'a> {
    pub(super) fn new(policy: &'a PlannedPolicy, names: &'a Names, cause: Option<Cause>) -> Self {
        let PlannedPolicy {
            kind,
            id,
            name,
            odata_type,
            mode,
            manifest,
            before,
            after: _,
            untouched,
            remediation: _,
            known_before: _,
            recorded: _,
            changes,
            asked,
            writes,
            restores,
            shares_name: _,
            earlier: _,
        } = policy;
        let found = |assignment| AssignmentRecord::of_found(policy, assignment, names);
        let planned = |assignment| AssignmentRecord::of_planned(policy, assignment, names);
        Self {
            kind: kind.name().into(),
            id: id.into(),
            name: Cow::Borrowed(&**name),
            odata_type: odata_type.as_deref().map(Cow::Borrowed),
            mode: mode.name().into(),
            manifest: Cow::Borrowed(manifest),
            before: before.iter().map(found).collect(),
            after: AssignmentRecord::planned(policy, names),
            untouched: AssignmentRecord::all(untouched, names),
            changes: changes
                .iter()
                .map(|change| ChangeRecord {
                    action: change.action().into(),
                    before: change.before().map(found),
                    after: change.after().map(planned),
                    members: None,
                })
                .collect(),
            asked: Cow::Borrowed(asked),
            cause: cause.map(|cause| cause.name().into()),
            reach: None,
            audit: None,
            set_members: None,
            writes: writes
                .iter()
                .map(|PolicyWrite { call, path }| WriteRecord {
                    call: call.name().into(),
                    method: call.method().into(),
                    path: path.into(),
                })
                .collect(),
            restores: *restores,
        }
    }

    pub(super) fn read(&self, names: &mut Names) -> Result<PlannedPolicy, RecordError> {
        let mut read = |records: &[AssignmentRecord<'_>]| ReadAssignments::of(records, names);
        let (found, planned) = (read(&self.before)?, read(&self.after)?);
        let (before, after) = (found.assignments, planned.assignments);
        let untouched = read(&self.untouched)?.assignments;
        check_ids(&self.id, before.iter().chain(&after).chain(&untouched))?;
        let named = (
            RecordError::kind(&self.kind)?,
            self.id.clone().into_owned(),
            (&*self.name).into(),
        );
        Ok(PlannedPolicy {
            odata_type: self.odata_type.as_deref().map(Into::into),
            mode: [Mode::Exact, Mode::Additive]
                .into_iter()
                .find(|mode| mode.name() == self.mode)
                .ok_or_else(|| RecordError::unknown("mode", &self.mode))?,
            manifest: (&*self.manifest).into(),
            asked: self.asked.to_vec(),
            untouched: untouched.into(),
            remediation: planned.remediation.into(),
            known_before: found.known_remediation.into(),
            recorded: planned.sent.into(),
            writes: self
                .writes
                .iter()
                .map(|write| {
                    Ok(PolicyWrite {
                        call: WriteCall::ALL
                            .into_iter()
                            .find(|call| call.name() == write.call)
                            .ok_or_else(|| RecordError::unknown("call", &write.call))?,
                        path: write.path.clone().into_owned(),
                    })
                })
                .collect::<Result<_, RecordError>>()?,
            restores: self.restores,
            ..PlannedPolicy::between(named, before.into(), after.into())
        })
    }
}

impl PolicyRecord<'_> {
    fn with_members(mut self, members: Option<&PolicyMembers>) -> Self {
        let Some(PolicyMembers { changes, reach }) = members else {
            return self;
        };
        for (change, count) in self.changes.iter_mut().zip(changes) {
            change.members = Some(CountRecord(*count));
        }
        self.reach = reach.map(ReachRecord);
        self
    }

    /// Reads what was counted; `None` if nothing was.
    pub(super) fn members(&self) -> Option<PolicyMembers> {
        let changes = self.changes.iter();
        let changes: Option<Vec<MemberCount>> = changes
            .map(|change| change.members.map(|CountRecord(count)| count))
            .collect();
        changes
            .filter(|some| !some.is_empty())
            .map(|changes| PolicyMembers {
                changes,
                reach: self.reach.map(|ReachRecord(reach)| reach),
            })
    }

    /// Reads what a policy set passes its assignments on to.
    pub(super) fn set_members(&self) -> Option<Vec<SetMember>> {
        let members = self.set_members.as_ref()?;
        Some(members.iter().map(|member| member.0.clone()).collect())
    }

    /// Whether the writes are those that the policy's changes need.
    pub(super) fn has_writes_of(&self, policy: &PlannedPolicy, write_with: WriteWith) -> bool {
        let needed = planned(policy, |_| None, write_with);
        let fits = |(written, needed): (&WriteRecord<'_>, &PolicyWrite)| {
            let WriteRecord { call, method, path } = written;
            let path_fits = match needed.call {
                WriteCall::Create | WriteCall::Assign | WriteCall::Update => *path == needed.path,
                // The id of the assignment that goes is not in the file. It is looked up before it is sent.
                WriteCall::Delete => {
                    let id = path.strip_prefix(&needed.path);
                    id.is_some_and(|id| !id.contains(['/', '?', '#']))
                }
            };
            call == needed.call.name() && method == needed.call.method() && path_fits
        };
        self.writes.len() == needed.len() && self.writes.iter().zip(&needed).all(fits)
    }
}

/// Refuses ids that the service gives to no policy and no group: they go into the addresses of
/// requests, and into the report.
///
/// # Errors
///
/// Says which id it is.
pub fn check_ids<'a>(
    policy_id: &str,
    assignments: impl IntoIterator<Item = &'a Assignment>,
) -> Result<(), RecordError> {
    // Longer than any.
    const LONGEST: usize = 200;
    let is_no_part = |character: char| {
        character.is_control() || character.is_whitespace() || "/\\?#%".contains(character)
    };
    if policy_id.is_empty() || policy_id.len() > LONGEST || policy_id.contains(is_no_part) {
        return Err(RecordError::PolicyId);
    }
    let mut groups = assignments
        .into_iter()
        .filter_map(|assignment| assignment.key.target.group_id());
    match groups.find(|id| Guid::parse(id).is_none()) {
        Some(id) => Err(RecordError::GroupId(id.to_owned())),
        None => Ok(()),
    }
}
