//! What answers are made of: objects as the service shows them, and pages of such objects.
//!
//! They borrow from the tenant and are written straight into the answer: a page of policies with
//! their assignments has hundreds of objects.

use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};
use serde_json::{Map, Value};

use super::tenant::Assignment;

/// An open object of the tenant, as the service shows it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// What the service would say where the object does not.
    pub(super) defaults: &'a Map<String, Value>,
    /// Whether it is assigned, where that is asked of such an object.
    pub(super) is_assigned: Option<bool>,
    /// What the object says itself.
    pub(super) own: &'a Map<String, Value>,
    /// Id and name.
    pub(super) names: [(&'static str, &'a str); 2],
}

/// A value of an answer.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Part<'a> {
    Flag(bool),
    Text(&'a str),
    Own(String),
    Value(&'a Value),
    Rows(&'a [Assignment]),
}

impl<'a> Shown<'a> {
    /// Returns a property, for a filter to look at.
    pub(super) fn property(&self, name: &str) -> Option<Value> {
        let known = self.names.iter().find(|(known, _)| *known == name);
        match known {
            Some((_, text)) => Some(Value::from(*text)),
            None => self.own.get(name).cloned().or_else(|| match name {
                "isAssigned" => self.is_assigned.map(Value::Bool),
                _ => self.defaults.get(name).cloned(),
            }),
        }
    }

    fn parts(&self) -> impl Iterator<Item = (&'a str, Part<'a>)> {
        let (own, names) = (self.own, self.names);
        let named = move |key: &str| names.iter().any(|(known, _)| *known == key);
        let assigned = self
            .is_assigned
            .filter(|_| !own.contains_key("isAssigned"))
            .map(|flag| ("isAssigned", Part::Flag(flag)));
        let defaults = self.defaults.iter();
        let defaults = defaults.filter(move |(key, _)| !own.contains_key(*key));
        let values = defaults.chain(own.iter().filter(move |(key, _)| !named(key)));
        names
            .into_iter()
            .map(|(key, text)| (key, Part::Text(text)))
            .chain(assigned)
            .chain(values.map(|(key, value)| (key.as_str(), Part::Value(value))))
    }

    /// Returns the object with the selected properties only, or with all of them.
    pub(super) fn select(self, select: Option<&'a [String]>) -> Row<'a> {
        Row {
            shown: self,
            select,
            more: Vec::new(),
        }
    }
}

/// An object of an answer.
#[derive(Debug)]
pub(super) struct Row<'a> {
    shown: Shown<'a>,
    select: Option<&'a [String]>,
    more: Vec<(&'static str, Part<'a>)>,
}

impl<'a> Row<'a> {
    /// Adds what is said of the answer, or with it.
    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: Part<'a>) -> Self {
        self.more.push((key, value));
        self
    }
}

impl Serialize for Row<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let wanted = |key: &str| {
            self.select
                .is_none_or(|select| select.iter().any(|name| name == key))
        };
        let mut map = serializer.serialize_map(None)?;
        for (key, value) in self.shown.parts().filter(|(key, _)| wanted(key)) {
            map.serialize_entry(key, &value)?;
        }
        for (key, value) in &self.more {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// A page of a list, or a list that is whole.
#[derive(Debug, Serialize)]
pub(super) struct PageBody<R> {
    #[serde(rename = "@odata.context")]
    pub(super) context: String,
    #[serde(rename = "@odata.count", skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<usize>,
    #[serde(rename = "@odata.nextLink", skip_serializing_if = "Option::is_none")]
    pub(super) next: Option<String>,
    pub(super) value: Vec<R>,
}
