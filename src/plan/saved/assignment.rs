//! Assignments as plans and reports write them.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::model::{Assignment, Filter, FilterMode, Source, Target};
use crate::plan::Names;

/// An assignment, as plans and reports write it.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentRecord {
    target: TargetRecord,
    filter: Option<FilterRecord>,
    source: String,
    source_id: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
struct TargetRecord {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Absent where the target has no name, null where it has one that is not known.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "present"
    )]
    name: Option<Option<String>>,
    /// Of a target of an unknown type: all that it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    properties: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize, PartialEq, Eq)]
struct FilterRecord {
    id: String,
    name: Option<String>,
    mode: String,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl AssignmentRecord {
    /// Writes an assignment out, with the names that are known.
    pub fn new(row: &Assignment, names: &Names) -> Self {
        let Assignment {
            target,
            filter,
            source,
            source_id,
        } = row;
        let group_name = |id: &String| Some(names.groups.get(id).cloned());
        let (id, name, properties) = match target {
            Target::AllDevices | Target::AllUsers => (None, None, None),
            Target::Group(id) | Target::ExclusionGroup(id) => {
                (Some(id.clone()), group_name(id), None)
            }
            Target::Collection(id) => (Some(id.clone()), Some(None), None),
            Target::Other { properties, .. } => (None, None, serde_json::from_str(properties).ok()),
        };
        Self {
            target: TargetRecord {
                kind: target.type_name().to_owned(),
                id,
                name,
                properties,
            },
            filter: filter.as_ref().map(|Filter { id, mode }| FilterRecord {
                id: id.clone(),
                name: names.filters.get(id).cloned(),
                mode: mode.name().to_owned(),
            }),
            source: source.name().to_owned(),
            source_id: source_id.clone(),
        }
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
            id.clone()
                .ok_or_else(|| format!("a target of type `{kind}` has no `id`"))
        };
        let target = match (properties, kind.as_str()) {
            (Some(properties), odata_type) if properties.is_object() => Target::Other {
                odata_type: odata_type.to_owned(),
                properties: properties.to_string(),
            },
            (None, "allDevices") => Target::AllDevices,
            (None, "allUsers") => Target::AllUsers,
            (None, "group") => Target::Group(id_of(kind)?),
            (None, "exclusionGroup") => Target::ExclusionGroup(id_of(kind)?),
            (None, "collection") => Target::Collection(id_of(kind)?),
            (_, other) => return Err(format!("unknown target type `{other}`")),
        };
        if let (Some(id), Some(Some(name))) = (target.group_id(), name) {
            names.groups.insert(id.to_owned(), name.clone());
        }
        let filter = self.filter.as_ref().map(|FilterRecord { id, name, mode }| {
            if let Some(name) = name {
                names.filters.insert(id.clone(), name.clone());
            }
            Filter {
                id: id.clone(),
                mode: FilterMode::from_wire(mode),
            }
        });
        Ok(Assignment {
            target,
            filter,
            source: Source::from_wire(&self.source),
            source_id: self.source_id.clone(),
        })
    }
}
