//! The text of a state file: a tenant as JSON that people can read and edit.
//!
//! What stands around policies, groups and filters is closed, so that a misspelt switch is an
//! error that names its line. Rows of assignments may leave out what the service makes.

use std::io;
use std::path::{Path, PathBuf};

use serde::de;
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::encoding::is_guid;
use super::kinds::Collection;
use super::rows::need_text;
use super::target::target_id;
use super::tenant::{Assignment, FORMAT_VERSION, Filter, Group, Policy, Tenant};

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
    /// The journal beside the file does not belong to it.
    #[error(
        "the journal `{}` does not belong to sandbox file `{}`: it holds changes to {what}. Remove it if they are not \
         wanted, or bring back the file that it was written for",
        journal.display(), path.display()
    )]
    Journal {
        /// The state file.
        path: PathBuf,
        /// The journal.
        journal: PathBuf,
        /// What the changes belong to.
        what: String,
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

impl StateError {
    /// Says which file it is about.
    pub(super) fn of(mut self, file: &Path) -> Self {
        if let Self::Content { path, .. } = &mut self {
            *path = Some(file.to_owned());
        }
        self
    }
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
        let tenant: Self = serde_json::from_str(text).map_err(|error| {
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

    /// Writes what [`Self::to_json`] returns, without having it in memory.
    pub(super) fn write_json(&self, to: &mut impl io::Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *to, self)?;
        to.write_all(b"\n")
    }

    /// Checks that no target stands twice on a policy; gives the message and the policy's id.
    fn check_rows(&self) -> Result<(), (String, String)> {
        for collection in Collection::ALL {
            for policy in self.policies(collection) {
                let mut rows: Vec<(String, &str)> = policy
                    .assignments
                    .iter()
                    .map(|row| (target_id(&row.target), row.source.as_ref()))
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
        if !sound(lag) || !sound(window) || !sound(service.latency) {
            return Err((
                "`service` has a time that is not between 0 and 86400 seconds".to_owned(),
                None,
            ));
        }
        Ok(())
    }
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

impl Serialize for Policy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let first = [("id", self.id.as_str()), ("name", self.name.as_str())];
        in_order(serializer, first, &self.properties, Some(&self.assignments))
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
                    ("id", self.id.as_str()),
                    ("displayName", self.display_name.as_str()),
                ];
                in_order(serializer, first, &self.properties, None)
            }
        }
    };
}

named_object!(Group, "a group");
named_object!(Filter, "an assignment filter");

/// Writes an object with its id and name on top, where a reader looks for them.
fn in_order<S: Serializer>(
    serializer: S,
    first: [(&str, &str); 2],
    middle: &Map<String, Value>,
    rows: Option<&[Assignment]>,
) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(None)?;
    for (key, text) in first {
        map.serialize_entry(key, text)?;
    }
    for (key, value) in middle {
        map.serialize_entry(key, value)?;
    }
    if let Some(rows) = rows {
        map.serialize_entry("assignments", rows)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
                format!(
                    "{head},\n \"compliancePolicies\": [{{\"id\": \"x\", \"assignments\": [{{\n}}]}}]}}"
                ),
                "state:3:1: an assignment needs a `target`",
            ),
            (
                format!(
                    "{head},\n \"compliancePolicies\": [{{\"assignments\": [\n{{\"source\": \"x\"}}]}}]}}"
                ),
                "state:3:15: `source` is `x`",
            ),
            (
                format!("{head},\n \"compliancePolicies\": [{{\"assignments\": null}}]}}"),
                "invalid type: null, expected a list of assignments",
            ),
            (
                format!("{head},\n \"compliancePolicies\": [{{\"id\": \"x\"}}]}}"),
                "a policy needs `name`",
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
