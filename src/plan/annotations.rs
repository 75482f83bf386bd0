//! Display data that accompanies a plan: names, and why policies differ. None of it decides what is written.

use jiff::Timestamp;

use super::PlannedPolicy;
use super::audit::{Audit, PolicyAudit};
use super::members::{Members, PolicyMembers};
use super::names::Names;
use super::set_members::SetMembers;
use super::since::{Cause, Since};
use super::unmanaged::Notable;
use crate::model::ApprovalEntry;

/// What a plan's readers are shown beside it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Annotations {
    /// Display names of groups and filters, if they are known.
    pub names: Names,
    /// Why policies are not as the manifests say, if that was asked.
    pub since: Option<Since>,
    /// The unmanaged policies that are named, if that was asked.
    pub notable: Option<Notable>,
    /// Who changed what differs, if that was asked.
    pub audit: Option<Audit>,
    /// How many devices and users it is about, if that was asked.
    pub members: Option<Members>,
    /// What changed policy sets pass their assignments on to.
    pub set_members: SetMembers,
    /// The open requests for approval of changes to managed policies, if that was asked.
    pub approvals: Option<OpenApprovals>,
}

/// The open requests for approval that concern managed policies, or may.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OpenApprovals {
    /// Those for managed policies.
    pub of_policies: Vec<ApprovalEntry>,
    /// How many do not say which policy they are for.
    pub unclear: usize,
}

impl Annotations {
    /// Returns why a policy is not as the manifests say, if that was asked.
    pub fn cause(&self, policy: &PlannedPolicy) -> Option<Cause> {
        self.since.as_ref()?.cause(policy)
    }

    /// Returns the time before which no one has made a policy differ, if that is known.
    pub fn no_earlier_than(&self, policy: &PlannedPolicy) -> Option<Timestamp> {
        self.since.as_ref()?.no_earlier_than(policy)
    }

    /// Returns what the service noted of a policy, if that was asked.
    pub fn audit_of(&self, policy: &PlannedPolicy) -> Option<&PolicyAudit> {
        self.audit.as_ref()?.of_policy(policy)
    }

    /// Returns what was counted of a policy, if that was asked.
    pub fn members_of(&self, policy: &PlannedPolicy) -> Option<&PolicyMembers> {
        self.members.as_ref()?.of(policy)
    }
}
