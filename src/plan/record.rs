//! Assignments as plans and reports write them.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::kinds::{AssignmentProperties, properties};
use crate::model::{
    Assignment, AssignmentKey, Filter, FilterMode, Properties, SharedText, Source, Target,
};
use crate::plan::{Names, PlannedPolicy};

const RUN_SCHEDULE: &str = "runSchedule";

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
    /// Of a remediation that is planned: what is written. It cannot be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    run_remediation_script: Option<bool>,
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

/// A text that is there, or null.
type Present<'a> = Option<Option<Cow<'a, str>>>;

fn present<'de, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Present<'a>, D::Error> {
    Option::deserialize(deserializer).map(Some)
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
        }
    }

    /// Writes out the planned assignments of a policy.
    pub fn planned(policy: &'a PlannedPolicy, names: &'a Names) -> Vec<Self> {
        let remediates = policy.kind.spec().properties == AssignmentProperties::Remediation;
        let records = policy.after.iter().map(|assignment| Self {
            run_remediation_script: remediates.then(|| policy.remediates(&assignment.key)),
            ..Self::new(assignment, names)
        });
        records.collect()
    }

    /// Returns what a planned remediation says of repairing, if that is not the usual.
    pub fn remediation(&self, key: &AssignmentKey) -> Option<(AssignmentKey, bool)> {
        let said = self.run_remediation_script?;
        (said == key.target.is_exclusion()).then(|| (key.clone(), said))
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

    /// Reads an assignment back and collects its names.
    pub(crate) fn read(&self, names: &mut Names) -> Result<Assignment, String> {
        let TargetRecord {
            kind,
            id,
            name,
            properties,
        } = &self.target;
        let id_of = |kind: &str| {
            id.as_deref()
                .map(SharedText::from)
                .ok_or_else(|| format!("a target of type `{kind}` has no `id`"))
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
            (None, "collection") => Target::Collection(id_of(kind)?),
            (_, other) => return Err(format!("unknown target type `{other}`")),
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
            if let Some(name) = name {
                names.add_filter(id.clone().into_owned(), name.clone().into_owned());
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
