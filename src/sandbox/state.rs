//! The text of a state file: a tenant as JSON that people can read and edit.
//!
//! What stands around policies, groups and filters is closed, so that a misspelt switch is an
//! error that names its line. Rows of assignments may leave out what the service makes.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use serde_json::{Map, Value, json};

use super::encoding::is_guid;
use super::kinds::Collection;
use super::target::target_id;
use super::tenant::{Assignment, FORMAT_VERSION, Filter, Group, Policy, Tenant, object};

/// What can be wrong with a state file.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// The content is not a tenant.
    #[error("{}{message}", place(.path.as_ref(), *.line, *.column))]
    Content {
        /// The file, where the text came from one.
        path: Option<PathBuf>,
        /// The line, from 1; 0 where no line is to blame.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// Another process uses the file.
    #[error(
        "sandbox file `{}` is in use by another process (it holds the lock `{}`)",
        path.display(), lock.display()
    )]
    Locked {
        /// The state file.
        path: PathBuf,
        /// The file that is locked beside it.
        lock: PathBuf,
    },
    /// The file could not be read, locked or written.
    #[error("failed to {action} sandbox file `{}`: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: std::io::Error,
    },
}

fn place(path: Option<&PathBuf>, line: usize, column: usize) -> String {
    let path = path.map_or_else(|| "state".to_owned(), |path| path.display().to_string());
    match line {
        0 => format!("{path}: "),
        _ => format!("{path}:{line}:{column}: "),
    }
}

impl Tenant {
    /// Reads a tenant from the text of a state file.
    ///
    /// # Errors
    ///
    /// Names line and column of what is not understood, or the object that breaks a rule.
    pub fn from_json(text: &str) -> Result<Self, StateError> {
        let mut tenant: Self = serde_json::from_str(text).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let shown = error.to_string();
            let message = match shown.rfind(" at line ") {
                Some(end) => shown.get(..end).unwrap_or(&shown).to_owned(),
                None => shown,
            };
            StateError::Content {
                path: None,
                line,
                column,
                message,
            }
        })?;
        tenant.check().map_err(|(message, id)| {
            let (line, column) = id.map_or((0, 0), |id| last_place(text, &id));
            StateError::Content {
                path: None,
                line,
                column,
                message,
            }
        })?;
        tenant.settle();
        tenant.check_rows().map_err(|(message, id)| {
            let (line, column) = last_place(text, &id);
            StateError::Content {
                path: None,
                line,
                column,
                message,
            }
        })?;
        Ok(tenant)
    }

    /// Writes the tenant as the text of a state file.
    pub fn to_json(&self) -> String {
        // A tenant holds strings, numbers and maps with string keys only: this cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Brings what may be left out of a state file into its full form.
    fn settle(&mut self) {
        for collection in Collection::ALL {
            for policy in self.policies_mut(collection) {
                policy.settle();
            }
        }
    }

    /// Checks that no target stands twice on a policy; gives the message and the policy's id.
    fn check_rows(&self) -> Result<(), (String, String)> {
        for collection in Collection::ALL {
            for policy in self.policies(collection) {
                let mut rows: Vec<(String, &str)> = policy
                    .assignments
                    .iter()
                    .map(|row| (target_id(&row.target), row.source.as_str()))
                    .collect();
                rows.sort_unstable();
                let twice = rows
                    .windows(2)
                    .find(|pair| matches!(pair, [a, b] if a == b));
                if let Some([(target, source), _]) = twice {
                    let name = &policy.name;
                    return Err((
                        format!("policy `{name}` has the target `{target}` twice as `{source}`"),
                        policy.id.clone(),
                    ));
                }
            }
        }
        Ok(())
    }

    /// Checks what the types alone can't say; gives the message and the id that it is about.
    fn check(&self) -> Result<(), (String, Option<String>)> {
        if self.format_version != FORMAT_VERSION {
            let version = self.format_version;
            return Err((
                format!("`formatVersion` {version} is unknown; this version reads 1"),
                None,
            ));
        }
        let policies = Collection::ALL.map(|collection| {
            let ids = self.policies(collection).iter().map(|policy| &policy.id);
            (collection.segment(), ids.collect::<Vec<_>>())
        });
        let groups = self.groups.iter().map(|group| &group.id).collect();
        let filters = self.assignment_filters.iter().map(|filter| &filter.id);
        let others = [
            ("tenantId", vec![&self.tenant_id]),
            ("groups", groups),
            ("assignmentFilters", filters.collect()),
        ];
        for (what, mut ids) in others.into_iter().chain(policies) {
            if let Some(wrong) = ids.iter().find(|id| !is_guid(id)) {
                return Err((
                    format!("`{what}` has an id that is not a GUID: `{wrong}`"),
                    Some((*wrong).clone()),
                ));
            }
            ids.sort_unstable_by_key(|id| id.to_ascii_lowercase());
            let twice = ids
                .windows(2)
                .find(|pair| matches!(pair, [one, other] if one.eq_ignore_ascii_case(other)));
            if let Some([_, id]) = twice {
                return Err((
                    format!("`{what}` has the id `{id}` twice"),
                    Some((*id).clone()),
                ));
            }
        }
        let service = &self.service;
        let named = service.create_route_missing.iter();
        for name in named.chain(&service.delete_route_missing) {
            if Collection::from_segment(name).is_none() {
                return Err((
                    format!(
                        "`service` names the collection `{name}`; there are \
                         `configurationPolicies` and `compliancePolicies`"
                    ),
                    Some(name.clone()),
                ));
            }
        }
        if service.page_size == 0 || service.max_page_size == 0 {
            return Err(("`service` has an empty page size".to_owned(), None));
        }
        let window = service.throttling.window;
        let lag = service.read_after_write_lag;
        let sound = |seconds: f64| (0.0..=86_400.0).contains(&seconds);
        if !sound(lag) || !sound(window) {
            return Err((
                "`service` has a time that is not between 0 and 86400 seconds".to_owned(),
                None,
            ));
        }
        Ok(())
    }
}

impl Assignment {
    fn from_object(mut row: Map<String, Value>) -> Result<Self, String> {
        let source = match take_text(&mut row, "source")? {
            None => "direct".to_owned(),
            Some(known) if known == "direct" || known == "policySets" => known,
            Some(other) => {
                return Err(format!(
                    "`source` is `{other}`; there are `direct` and `policySets`"
                ));
            }
        };
        let Some(Value::Object(target)) = row.remove("target") else {
            return Err("an assignment needs a `target`, which is an object".to_owned());
        };
        if !target.get("@odata.type").is_some_and(Value::is_string) {
            return Err("a `target` needs an `@odata.type`".to_owned());
        }
        Ok(Self {
            id: take_text(&mut row, "id")?.unwrap_or_default(),
            source,
            source_id: take_text(&mut row, "sourceId")?,
            target,
            properties: row,
        })
    }
}

fn take_text(map: &mut Map<String, Value>, key: &str) -> Result<Option<String>, String> {
    match map.remove(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("`{key}` is not a text")),
    }
}

fn need_text(map: &mut Map<String, Value>, what: &str, key: &str) -> Result<String, String> {
    take_text(map, key)?.ok_or_else(|| format!("{what} needs `{key}`"))
}

/// Returns where a text stands last in a file, as line and column.
fn last_place(text: &str, wanted: &str) -> (usize, usize) {
    let before = text
        .rfind(&format!("\"{wanted}\""))
        .and_then(|position| text.get(..position));
    before.map_or((0, 0), |before| {
        let line = before.matches('\n').count() + 1;
        let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
        (line, column)
    })
}

impl<'de> Deserialize<'de> for Policy {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut map = Map::deserialize(deserializer)?;
        let read = |map: &mut Map<String, Value>| {
            let id = need_text(map, "a policy", "id")?;
            let name = need_text(map, "a policy", "name")?;
            let rows = match map.remove("assignments") {
                None => Vec::new(),
                Some(Value::Array(rows)) => rows,
                Some(_) => return Err(format!("policy `{name}`: `assignments` is not a list")),
            };
            let assignments = rows
                .into_iter()
                .map(|row| Assignment::from_object(object(row)))
                .collect::<Result<_, _>>()
                .map_err(|message| format!("policy `{name}`: {message}"))?;
            Ok((id, name, assignments))
        };
        let (id, name, assignments) = read(&mut map).map_err(de::Error::custom)?;
        Ok(Self {
            id,
            name,
            properties: map,
            assignments,
        })
    }
}

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let rows = self.assignments.iter().map(Assignment::to_value).collect();
        let first = [("id", json!(self.id)), ("name", json!(self.name))];
        in_order(
            serializer,
            &first,
            &self.properties,
            Some(("assignments", Value::Array(rows))),
        )
    }
}

macro_rules! named_object {
    ($type:ident, $what:literal) => {
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let mut map = Map::deserialize(deserializer)?;
                Ok(Self {
                    id: need_text(&mut map, $what, "id").map_err(de::Error::custom)?,
                    display_name: need_text(&mut map, $what, "displayName")
                        .map_err(de::Error::custom)?,
                    properties: map,
                })
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let first = [
                    ("id", json!(self.id)),
                    ("displayName", json!(self.display_name)),
                ];
                in_order(serializer, &first, &self.properties, None)
            }
        }
    };
}

named_object!(Group, "a group");
named_object!(Filter, "an assignment filter");

/// Writes an object with its id and name on top, where a reader looks for them.
fn in_order<S: Serializer>(
    serializer: S,
    first: &[(&str, Value)],
    middle: &Map<String, Value>,
    last: Option<(&str, Value)>,
) -> Result<S::Ok, S::Error> {
    let first = first.iter().map(|(key, value)| (*key, value));
    let middle = middle.iter().map(|(key, value)| (key.as_str(), value));
    let last = last.iter().map(|(key, value)| (*key, value));
    serializer.collect_map(first.chain(middle).chain(last))
}

#[cfg(test)]
mod tests {
    use super::super::target;
    use super::*;

    #[test]
    fn an_empty_tenant_comes_back() {
        let tenant = Tenant::empty();
        assert_eq!(
            Tenant::from_json(&tenant.to_json()).expect("its own text"),
            tenant
        );
    }

    #[test]
    fn a_tenant_comes_back_with_what_is_unknown() {
        let mut tenant = Tenant::empty();
        let group = tenant.add_group("Ring \"0\" – Münster");
        let id = tenant.add_policy(Collection::CompliancePolicies, "P", "linux");
        let policy = tenant
            .policy_mut(Collection::CompliancePolicies, &id)
            .expect("just added");
        policy.properties.insert("mine".to_owned(), json!({"a": 1}));
        policy.assign(target::group(&group));
        policy.assignments[0]
            .properties
            .insert("x".to_owned(), json!(null));
        let read = Tenant::from_json(&tenant.to_json()).expect("its own text");
        assert_eq!(read, tenant);
    }

    #[test]
    fn a_row_written_by_hand_needs_a_target_only() {
        let text = r##"{"formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555",
            "configurationPolicies": [{"id": "21111111-2222-4333-8444-555555555555", "name": "P",
            "assignments": [{"target": {"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"}}]}]}"##;
        let tenant = Tenant::from_json(text).expect("a good state");
        let row = &tenant.configuration_policies[0].assignments[0];
        assert_eq!(
            row.id,
            "21111111-2222-4333-8444-555555555555_adadadad-808e-44e2-905a-0b7873a8a531"
        );
        assert_eq!(
            row.source_id.as_deref(),
            Some("21111111-2222-4333-8444-555555555555")
        );
    }

    #[test]
    fn a_target_that_stands_twice_is_found() {
        let mut tenant = Tenant::empty();
        let id = tenant.add_policy(Collection::ConfigurationPolicies, "P", "linux");
        let policy = tenant.policy_mut(Collection::ConfigurationPolicies, &id);
        let policy = policy.expect("just added");
        policy.assign(target::all_users());
        policy.assign_from_set("set", target::all_users());
        let text = tenant.to_json();
        assert!(Tenant::from_json(&text).is_ok());
        let text = text.replace("policySets", "direct");
        let error = Tenant::from_json(&text).expect_err("it stands twice");
        assert!(error.to_string().contains("policy `P` has the target"));
    }

    #[test]
    fn faults_name_their_place() {
        let head = "{\"formatVersion\": 1, \"tenantId\": \"11111111-2222-4333-8444-555555555555\"";
        let cases = [
            ("".to_owned(), "state:1:0: EOF"),
            (
                format!("{head},\n \"service\": {{\"rolls\": []}}}}"),
                "state:2:20: unknown field `rolls`",
            ),
            (
                format!("{head},\n \"groups\": [{{\"id\": \"x\"}}]}}"),
                "state:2:24: a group needs `displayName`",
            ),
            (
                format!("{head},\n \"groups\": [{{\"id\": \"x\", \"displayName\": \"y\"}}]}}"),
                "state:2:20: `groups` has an id that is not a GUID: `x`",
            ),
            (
                format!("{head}, \"service\": {{\"createRouteMissing\": [\"apps\"]}}}}"),
                "names the collection `apps`",
            ),
            (
                head.replace("1,", "9,") + "}",
                "`formatVersion` 9 is unknown",
            ),
        ];
        for (text, expected) in cases {
            let message = Tenant::from_json(&text).expect_err(&text).to_string();
            assert!(message.contains(expected), "{message}");
        }
    }
}
