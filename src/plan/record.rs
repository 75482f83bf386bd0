//! Assignments as plans and reports write them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::kinds::{AssignmentProperties, properties};
use crate::model::{
    Assignment, AssignmentKey, Filter, FilterMode, LiveAssignment, PolicyKind, Properties,
    SharedText, Source, Target,
};
use crate::plan::{Names, PlannedPolicy, said_of};

/// Why what a plan or a report says cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is not JSON, or not of the form that is written.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A key is missing.
    #[error("it has no `{0}`")]
    Lacks(&'static str),
    /// Its first line is another one.
    #[error("it is not the start of a report")]
    NotAStart,
    /// A word is none of those that are written.
    #[error("unknown {what} `{word}`")]
    UnknownWord {
        /// What it stands for.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// A target of this type is known by its id.
    #[error("a target of type `{0}` has no `id`")]
    TargetWithoutId(String),
    /// No policy has such an id.
    #[error("its `id` is not a policy id")]
    PolicyId,
    /// No group has such an id.
    #[error("`{}` is not a group id", .0.escape_debug())]
    GroupId(String),
    /// The assignments of the policy with this name make other changes.
    #[error("the changes of `{0}` do not fit its assignments")]
    OtherChanges(String),
    /// The plan has no policy with this id.
    #[error("`{0}` is not in the plan")]
    NotInThePlan(String),
}

impl RecordError {
    pub(crate) fn unknown(what: &'static str, word: &str) -> Self {
        Self::UnknownWord {
            what,
            word: word.to_owned(),
        }
    }

    /// Finds the kind that a word stands for.
    pub(crate) fn kind(word: &str) -> Result<PolicyKind, Self> {
        PolicyKind::from_name(word).ok_or_else(|| Self::unknown("policy kind", word))
    }
}

const RUN_SCHEDULE: &str = "runSchedule";
const RUN_REMEDIATION: &str = "runRemediationScript";

/// An assignment, as plans and reports write it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRecord<'a> {
    target: TargetRecord<'a>,
    filter: Option<FilterRecord<'a>>,
    source: Cow<'a, str>,
    source_id: Option<Cow<'a, str>>,
    /// Of an app.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    intent: Option<Cow<'a, str>>,
    /// Of an app: what is not as the service has it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    settings: Option<Map<String, Value>>,
    /// Of a remediation, in the form of manifests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_schedule: Option<Map<String, Value>>,
    /// Of a remediation that is planned: what is written. It cannot be read: null where it is not known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    run_remediation_script: Option<Option<bool>>,
    /// What the service sent, where that says more than all else here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    as_read: Option<Cow<'a, Map<String, Value>>>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct TargetRecord<'a> {
    #[serde(rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<Cow<'a, str>>,
    /// Absent where the target has no name, null where it has one that is not known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    name: Option<Option<Cow<'a, str>>>,
    /// Of a target of an unknown type: all that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct FilterRecord<'a> {
    id: Cow<'a, str>,
    name: Option<Cow<'a, str>>,
    mode: Cow<'a, str>,
}

/// Reads something that is there, or null.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn remediates(policy: &PlannedPolicy) -> bool {
    policy.kind.spec().properties == AssignmentProperties::Remediation
}

fn as_read<'a>(
    sent: &'a [LiveAssignment],
    assignment: &Assignment,
) -> Option<Cow<'a, Map<String, Value>>> {
    let mut sent = sent.iter();
    let found = sent.find(|sent| sent.assignment == *assignment)?;
    Some(Cow::Borrowed(&found.raw))
}

impl<'a> AssignmentRecord<'a> {
    /// Writes an assignment out, with the names that are known.
    pub fn new(assignment: &'a Assignment, names: &'a Names) -> Self {
        let Assignment {
            key:
                AssignmentKey {
                    target,
                    source,
                    variant,
                },
            filter,
            source_id,
            properties: stated,
        } = assignment;
        let pairs = stated.iter();
        let pairs = pairs.map(|(name, value)| (&**name, &**value));
        let group_name = |id: &str| Some(names.group(id).map(Cow::Borrowed));
        let (id, name, properties) = match target {
            Target::AllDevices | Target::AllUsers => (None, None, None),
            Target::Group(id) | Target::ExclusionGroup(id) => (Some(&**id), group_name(id), None),
            Target::Collection(id) => (Some(&**id), Some(None), None),
            Target::Other { properties, .. } => (None, None, serde_json::from_str(properties).ok()),
        };
        Self {
            target: TargetRecord {
                kind: target.type_name().into(),
                id: id.map(Cow::Borrowed),
                name,
                properties,
            },
            filter: filter.as_ref().map(|Filter { id, mode }| FilterRecord {
                id: Cow::Borrowed(&**id),
                name: names.filter(id).map(Cow::Borrowed),
                mode: mode.name().into(),
            }),
            source: source.name().into(),
            source_id: source_id.as_deref().map(Cow::Borrowed),
            intent: variant.as_deref().map(Cow::Borrowed),
            settings: properties::nested("settings", pairs),
            run_schedule: stated
                .get(RUN_SCHEDULE)
                .and_then(|schedule| serde_json::from_str(schedule).ok()),
            run_remediation_script: None,
            as_read: None,
        }
    }

    /// Whether a policy's planned assignments are written out with more than what they and the names say.
    pub fn says_more_of(policy: &PlannedPolicy) -> bool {
        remediates(policy) || !policy.recorded.is_empty()
    }

    /// Writes out an assignment that a policy is planned to have.
    pub fn of_planned(
        policy: &'a PlannedPolicy,
        assignment: &'a Assignment,
        names: &'a Names,
    ) -> Self {
        let remediates = remediates(policy).then(|| Some(policy.remediates(&assignment.key)));
        Self {
            run_remediation_script: remediates,
            as_read: as_read(&policy.recorded, assignment),
            ..Self::new(assignment, names)
        }
    }

    /// Says whether an assignment of a remediation was written to repair.
    #[must_use]
    pub fn repairing(self, repairs: bool) -> Self {
        Self {
            run_remediation_script: Some(Some(repairs)),
            ..self
        }
    }

    /// Writes out the planned assignments of a policy.
    pub fn planned(policy: &'a PlannedPolicy, names: &'a Names) -> Vec<Self> {
        let all = policy.after.iter();
        all.map(|assignment| Self::of_planned(policy, assignment, names))
            .collect()
    }

    /// Writes out an assignment that a policy has before it is written.
    pub fn of_found(
        policy: &'a PlannedPolicy,
        assignment: &'a Assignment,
        names: &'a Names,
    ) -> Self {
        let known = || said_of(&policy.known_before, &assignment.key);
        Self {
            run_remediation_script: remediates(policy).then(known),
            ..Self::new(assignment, names)
        }
    }

    /// Writes out the assignments that a policy has before it is written. Of some of them is known what the
    /// service sent.
    pub fn found(
        policy: &'a PlannedPolicy,
        sent: &'a [LiveAssignment],
        names: &'a Names,
    ) -> Vec<Self> {
        let record = |assignment| {
            let found = Self::of_found(policy, assignment, names);
            let as_read = as_read(sent, assignment);
            // Where it is read as true, it is; false says nothing.
            let read = as_read.as_ref().and_then(|raw| raw.get(RUN_REMEDIATION));
            let is_read = remediates(policy) && read == Some(&Value::Bool(true));
            Self {
                run_remediation_script: match is_read {
                    true => Some(Some(true)),
                    false => found.run_remediation_script,
                },
                as_read,
                ..found
            }
        };
        policy.before.iter().map(record).collect()
    }

    /// Writes assignments out.
    pub fn all(assignments: &'a [Assignment], names: &'a Names) -> Vec<Self> {
        assignments
            .iter()
            .map(|assignment| Self::new(assignment, names))
            .collect()
    }

    fn read_properties(&self) -> Properties {
        let settings = self.settings.iter().flat_map(properties::flatten_settings);
        let settings = settings.filter_map(|(name, value)| Some((name.into(), value?.into())));
        let schedule = self.run_schedule.iter().map(|schedule| {
            let mut sorted = schedule.clone();
            sorted.sort_keys();
            (
                RUN_SCHEDULE.into(),
                Value::Object(sorted).to_string().into(),
            )
        });
        Properties::new(settings.chain(schedule).collect())
    }

    /// Reads assignments back and collects their names.
    pub(crate) fn read_all(
        records: &[Self],
        names: &mut Names,
    ) -> Result<Vec<Assignment>, RecordError> {
        records.iter().map(|record| record.read(names)).collect()
    }

    /// Reads an assignment back and collects its names.
    pub(crate) fn read(&self, names: &mut Names) -> Result<Assignment, RecordError> {
        let TargetRecord {
            kind,
            id,
            name,
            properties,
        } = &self.target;
        let id_of = |kind: &str| {
            id.as_deref()
                .map(SharedText::from)
                .ok_or_else(|| RecordError::TargetWithoutId(kind.to_owned()))
        };
        let target = match (properties, &**kind) {
            (Some(properties), odata_type) if properties.is_object() => Target::Other {
                odata_type: odata_type.into(),
                properties: properties.to_string().into(),
            },
            (None, "allDevices") => Target::AllDevices,
            (None, "allUsers") => Target::AllUsers,
            (None, "group") => Target::Group(id_of(kind)?),
            (None, "exclusionGroup") => Target::ExclusionGroup(id_of(kind)?),
            (None, "collection") => Target::collection(&id_of(kind)?),
            (_, other) => return Err(RecordError::unknown("target type", other)),
        };
        match (target.group_id(), name) {
            (Some(id), Some(Some(name))) => {
                names.add_group(id.to_owned(), name.clone().into_owned());
            }
            // It was looked up and not found.
            (Some(id), Some(None)) => names.add_missing_group(id.to_owned()),
            (Some(_), None) | (None, _) => {}
        }
        let filter = self.filter.as_ref().map(|FilterRecord { id, name, mode }| {
            let known = id.clone().into_owned();
            match name {
                Some(name) => names.add_filter(known, name.clone().into_owned()),
                // It was looked up and not found.
                None => names.add_missing_filter(known),
            }
            Filter {
                id: (&**id).into(),
                mode: FilterMode::from_wire(mode),
            }
        });
        Ok(Assignment {
            key: AssignmentKey {
                target,
                source: Source::from_wire(&self.source),
                variant: self.intent.as_deref().map(SharedText::from),
            },
            filter,
            source_id: self.source_id.as_deref().map(SharedText::from),
            properties: self.read_properties(),
        })
    }
}

/// Assignments that were read, and what their records say beside them.
#[derive(Debug, Default)]
pub struct ReadAssignments {
    /// The assignments, sorted: digests cover them, not their order in a file.
    pub assignments: Vec<Assignment>,
    /// What planned remediations say of repairing, where that is not the usual.
    pub remediation: Vec<(AssignmentKey, bool)>,
    /// What is known of repairing.
    pub known_remediation: Vec<(AssignmentKey, bool)>,
    /// What the service sent, where the records have it.
    pub sent: Vec<LiveAssignment>,
}

impl ReadAssignments {
    /// Reads assignments back and collects their names.
    ///
    /// # Errors
    ///
    /// Says what is wrong with one of them.
    pub fn of(records: &[AssignmentRecord<'_>], names: &mut Names) -> Result<Self, RecordError> {
        let mut all = Self::default();
        for record in records {
            let assignment = record.read(names)?;
            let key = &assignment.key;
            if let Some(repairs) = record.run_remediation_script.flatten() {
                all.known_remediation.push((key.clone(), repairs));
                if repairs == key.target.is_exclusion() {
                    all.remediation.push((key.clone(), repairs));
                }
            }
            all.sent
                .extend(record.as_read.as_deref().map(|raw| LiveAssignment {
                    assignment: assignment.clone(),
                    id: None,
                    raw: raw.clone(),
                }));
            all.assignments.push(assignment);
        }
        all.assignments.sort();
        Ok(all)
    }
}
