//! An assignment.

use serde::de::MapAccess;
use serde_json::Value;

use super::property::{Content, Key, Property, Text};
use crate::graph::wire::{FILTER_ID, FILTER_TYPE, Object};

/// An assignment, as far as a plan needs it.
#[derive(Debug, Default)]
pub(in crate::graph) struct RowForm<'a> {
    pub(in crate::graph) id: Text<'a>,
    pub(in crate::graph) source: Text<'a>,
    pub(in crate::graph) source_id: Text<'a>,
    pub(in crate::graph) target: Property<TargetForm<'a>>,
    pub(in crate::graph) intent: Text<'a>,
    pub(in crate::graph) settings: Text<'a>,
    pub(in crate::graph) run_schedule: Text<'a>,
}

/// A target with its filter.
#[derive(Debug, Default)]
pub(in crate::graph) struct TargetForm<'a> {
    pub(in crate::graph) odata_type: Text<'a>,
    pub(in crate::graph) group_id: Text<'a>,
    pub(in crate::graph) collection_id: Text<'a>,
    pub(in crate::graph) filter_id: Text<'a>,
    pub(in crate::graph) filter_type: Text<'a>,
    /// What else it holds: what makes a target of an unknown type another than the next.
    rest: Object,
}

impl TargetForm<'_> {
    /// Returns all properties but the type and the filter, as JSON with sorted keys.
    pub(in crate::graph) fn properties(self) -> String {
        let mut all = self.rest;
        for (key, value) in [
            ("groupId", self.group_id.into_value()),
            ("collectionId", self.collection_id.into_value()),
        ] {
            if let Some(value) = value {
                all.insert(key.to_owned(), value);
            }
        }
        all.sort_keys();
        Value::Object(all).to_string()
    }
}

impl<'de> Content<'de> for RowForm<'de> {
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Property<Self>, A::Error> {
        let mut form = Self::default();
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "id" => form.id.set("id", object.next_value()?)?,
                "source" => form.source.set("source", object.next_value()?)?,
                "sourceId" => form.source_id.set("sourceId", object.next_value()?)?,
                "target" => form.target.set("target", object.next_value()?)?,
                "intent" => form.intent.set("intent", object.next_value()?)?,
                "settings" => form.settings.set("settings", object.next_value()?)?,
                "runSchedule" => form.run_schedule.set("runSchedule", object.next_value()?)?,
                _ => {
                    object.next_value::<serde::de::IgnoredAny>()?;
                }
            }
        }
        Ok(Property::Is(form))
    }
}

impl<'de> Content<'de> for TargetForm<'de> {
    fn from_object<A: MapAccess<'de>>(mut object: A) -> Result<Property<Self>, A::Error> {
        let mut form = Self::default();
        while let Some(Key(key)) = object.next_key()? {
            match &*key {
                "@odata.type" => form.odata_type.set("@odata.type", object.next_value()?)?,
                "groupId" => form.group_id.set("groupId", object.next_value()?)?,
                "collectionId" => form
                    .collection_id
                    .set("collectionId", object.next_value()?)?,
                FILTER_ID => form.filter_id.set(FILTER_ID, object.next_value()?)?,
                FILTER_TYPE => form.filter_type.set(FILTER_TYPE, object.next_value()?)?,
                _ => {
                    form.rest.insert(key.into_owned(), object.next_value()?);
                }
            }
        }
        Ok(Property::Is(form))
    }
}
