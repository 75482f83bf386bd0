//! How policies and their assignments are read from the text of a state file or of a journal.
//!
//! A very large tenant has a million assignments and a few thousand targets, so what rows have
//! alike is kept once, and none is ever more in memory than what is kept of it.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{self, DeserializeSeed as _};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use super::target::Target;
use super::tenant::{Assignment, Policy};

/// The targets that were read so far; what many rows have alike is kept once.
type Targets = HashSet<Target>;

/// Reads a list of policies.
pub(super) fn policies<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Policy>, D::Error> {
    List {
        what: "a list of policies",
        seed: &mut PolicySeed(&mut Targets::new()),
    }
    .deserialize(deserializer)
}

impl<'de> Deserialize<'de> for Assignment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        AssignmentSeed(&mut Targets::new()).deserialize(deserializer)
    }
}

/// Reads a list whose elements share something. A large state file has a million rows; they are
/// never more than what is kept of them.
struct List<'a, S> {
    what: &'static str,
    seed: &'a mut S,
}

impl<'de, S, T> de::DeserializeSeed<'de> for List<'_, S>
where
    for<'s> &'s mut S: de::DeserializeSeed<'de, Value = T>,
{
    type Value = Vec<T>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, S, T> de::Visitor<'de> for List<'_, S>
where
    for<'s> &'s mut S: de::DeserializeSeed<'de, Value = T>,
{
    type Value = Vec<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what)
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = list.next_element_seed(&mut *self.seed)? {
            elements.push(element);
        }
        elements.shrink_to_fit();
        Ok(elements)
    }
}

struct PolicySeed<'a>(&'a mut Targets);

impl<'de> de::DeserializeSeed<'de> for &mut PolicySeed<'_> {
    type Value = Policy;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Policy, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> de::Visitor<'de> for &mut PolicySeed<'_> {
    type Value = Policy;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a policy")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Policy, A::Error> {
        let mut properties = Map::new();
        let mut assignments = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "assignments" {
                assignments = map.next_value_seed(List {
                    what: "a list of assignments",
                    seed: &mut AssignmentSeed(self.0),
                })?;
            } else {
                properties.insert(key, map.next_value()?);
            }
        }
        let mut text = |key| need_text(&mut properties, "a policy", key);
        let mut policy = Policy {
            id: text("id").map_err(de::Error::custom)?,
            name: text("name").map_err(de::Error::custom)?,
            properties,
            assignments,
        };
        policy.settle();
        Ok(policy)
    }
}

struct AssignmentSeed<'a>(&'a mut Targets);

impl<'de> de::DeserializeSeed<'de> for &mut AssignmentSeed<'_> {
    type Value = Assignment;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Assignment, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> de::Visitor<'de> for &mut AssignmentSeed<'_> {
    type Value = Assignment;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an assignment")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Assignment, A::Error> {
        let wrong = |message: String| <A::Error as de::Error>::custom(message);
        let mut id = String::new();
        let mut source = Cow::Borrowed("direct");
        let mut source_id = None;
        let mut target = None;
        let mut properties = Map::new();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "id" => {
                    let given = text("id", map.next_value()?).map_err(wrong)?;
                    id = given.unwrap_or_default();
                }
                "source" => source = source_of(map.next_value()?).map_err(wrong)?,
                "sourceId" => {
                    let id = text("sourceId", map.next_value()?).map_err(wrong)?;
                    source_id = id.map(Arc::from);
                }
                "target" => target = Some(self.target(map.next_value()?).map_err(wrong)?),
                other => {
                    properties.insert(other.to_owned(), map.next_value()?);
                }
            }
        }
        Ok(Assignment {
            id,
            source,
            source_id,
            target: target.ok_or_else(|| wrong(NO_TARGET.to_owned()))?,
            properties,
        })
    }
}

const NO_TARGET: &str = "an assignment needs a `target`, which is an object";

impl AssignmentSeed<'_> {
    fn target(&mut self, target: Value) -> Result<Target, String> {
        let Value::Object(target) = target else {
            return Err(NO_TARGET.to_owned());
        };
        if !target.get("@odata.type").is_some_and(Value::is_string) {
            return Err("a `target` needs an `@odata.type`".to_owned());
        }
        if let Some(known) = self.0.get(&target) {
            return Ok(known.clone());
        }
        let target = Target::from(target);
        self.0.insert(target.clone());
        Ok(target)
    }
}

fn source_of(value: Value) -> Result<Cow<'static, str>, String> {
    match text("source", value)?.as_deref() {
        None | Some("direct") => Ok(Cow::Borrowed("direct")),
        Some("policySets") => Ok(Cow::Borrowed("policySets")),
        Some(other) => Err(format!(
            "`source` is `{other}`; there are `direct` and `policySets`"
        )),
    }
}

fn text(key: &str, value: Value) -> Result<Option<String>, String> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(format!("`{key}` is not a text")),
    }
}

pub(super) fn need_text(
    map: &mut Map<String, Value>,
    what: &str,
    key: &str,
) -> Result<String, String> {
    let value = map.remove(key).unwrap_or_default();
    text(key, value)?.ok_or_else(|| format!("{what} needs `{key}`"))
}
