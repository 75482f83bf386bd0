//! The policies that no manifest manages, as plans and reports write them.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{AssignmentRecord, RecordError};
use crate::model::{Assignments, PolicyKind};
use crate::plan::since::key;
use crate::plan::{Names, Notable, NotableReason, PolicyRef, Unmanaged};

/// Ids of policies by kind.
#[derive(Clone, Debug, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct UnmanagedRecord(BTreeMap<String, BTreeSet<String>>);

impl UnmanagedRecord {
    /// Writes the ids out.
    pub fn new(unmanaged: &[Unmanaged]) -> Self {
        let mut record = Self::default();
        for Unmanaged {
            policy,
            assignments: _,
        } in unmanaged
        {
            let of_kind = record.0.entry(policy.kind.name().to_owned()).or_default();
            of_kind.insert(policy.id.clone());
        }
        record
    }

    /// Reads what is written on in a report: the ids only. Kinds of a newer version are ignored.
    pub(super) fn read(&self) -> Vec<Unmanaged> {
        self.policies()
            .map(|(kind, id)| Unmanaged {
                policy: PolicyRef {
                    kind,
                    name: id.as_str().into(),
                    id: id.clone(),
                    shares_name: false,
                },
                assignments: Assignments::default(),
            })
            .collect()
    }

    /// Returns the kinds of the policies.
    pub fn kinds(&self) -> impl Iterator<Item = PolicyKind> {
        self.0.keys().filter_map(|kind| PolicyKind::from_name(kind))
    }

    /// Returns the policies, as [`crate::plan::since`] looks them up.
    pub fn keys(&self) -> BTreeSet<(PolicyKind, String)> {
        self.policies().map(|(kind, id)| key(kind, id)).collect()
    }

    fn policies(&self) -> impl Iterator<Item = (PolicyKind, &String)> {
        let kinds = self.0.iter();
        let kinds = kinds.filter_map(|(kind, ids)| Some((PolicyKind::from_name(kind)?, ids)));
        kinds.flat_map(|(kind, ids)| ids.iter().map(move |id| (kind, id)))
    }
}

/// Unmanaged policies that are named.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct NotableRecord<'a> {
    /// [`NEW_OR_BROAD`] if the reasons of the policies are not all the same.
    reason: Cow<'a, str>,
    policies: Vec<NotablePolicyRecord<'a>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
struct NotablePolicyRecord<'a> {
    kind: Cow<'a, str>,
    id: Cow<'a, str>,
    name: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    shares_name: bool,
    /// Absent in older plans, where all have the same reason.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<Cow<'a, str>>,
    assignments: Vec<AssignmentRecord<'a>>,
}

/// The reason for naming policies some of which are new and some not.
const NEW_OR_BROAD: &str = "newOrBroad";

impl<'a> NotableRecord<'a> {
    pub(super) fn new(notable: &'a Notable, names: &'a Names) -> Self {
        let Notable { reason, policies } = notable;
        let is_mixed = policies.iter().any(|(own, _)| own != reason);
        let policies = policies.iter().map(|(reason, unmanaged)| {
            let Unmanaged {
                policy:
                    PolicyRef {
                        kind,
                        name,
                        id,
                        shares_name,
                    },
                assignments,
            } = unmanaged;
            NotablePolicyRecord {
                kind: kind.name().into(),
                id: id.into(),
                name: Cow::Borrowed(&**name),
                shares_name: *shares_name,
                reason: Some(reason.name().into()),
                assignments: AssignmentRecord::all(assignments, names),
            }
        });
        Self {
            reason: match is_mixed {
                true => NEW_OR_BROAD.into(),
                false => reason.name().into(),
            },
            policies: policies.collect(),
        }
    }

    /// Reads it back; `None` if a newer version wrote it for another reason.
    pub(super) fn read(&self, names: &mut Names) -> Result<Option<Notable>, RecordError> {
        let named = |word: &str| {
            let reasons = [NotableReason::New, NotableReason::Broad];
            reasons.into_iter().find(|reason| reason.name() == word)
        };
        let reason = match &*self.reason {
            NEW_OR_BROAD => Some(NotableReason::New),
            word => named(word),
        };
        let Some(reason) = reason else {
            return Ok(None);
        };
        let mut policies = Vec::new();
        for policy in &self.policies {
            let own = policy.reason.as_deref().map_or(Some(reason), named);
            let (Some(own), Some(kind)) = (own, PolicyKind::from_name(&policy.kind)) else {
                continue;
            };
            let unmanaged = Unmanaged {
                policy: PolicyRef {
                    kind,
                    name: (&*policy.name).into(),
                    id: policy.id.clone().into_owned(),
                    shares_name: policy.shares_name,
                },
                assignments: AssignmentRecord::read_all(&policy.assignments, names)?.into(),
            };
            policies.push((own, unmanaged));
        }
        Ok(Some(Notable { reason, policies }))
    }
}
