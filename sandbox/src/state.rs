//! The text of a state file: a tenant as JSON that people can read and edit.
//!
//! What stands around policies, groups and filters is closed, so that a misspelt switch is an
//! error that names its line. Assignments may leave out what the service makes.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::{self, DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::collections::{Collection, ObjectIds};
use crate::encoding::is_guid;
use crate::tenant::{Assignment, FORMAT_VERSION, Policy, Tenant};

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

impl StateError {
    /// Says which file it is about.
    pub(crate) fn of(mut self, file: &Path) -> Self {
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
        let content = |message: String, (line, column): (usize, usize)| StateError::Content {
            path: None,
            line,
            column,
            message,
        };
        let tenant: Self = serde_json::from_str(text).map_err(|error| {
            let shown = error.to_string();
            let message = match shown.rfind(" at line ") {
                Some(end) => shown.get(..end).unwrap_or(&shown).to_owned(),
                None => shown,
            };
            content(message, (error.line(), error.column()))
        })?;
        tenant.check().map_err(|(message, id)| {
            let place = id.map_or((0, 0), |id| last_place(text, &id));
            content(message, place)
        })?;
        let checks = tenant.check_members().and_then(|()| tenant.check_rows());
        checks.map_err(|(message, id)| content(message, last_place(text, &id)))?;
        Ok(tenant)
    }

    /// Writes the tenant as the text of a state file.
    pub fn to_json(&self) -> String {
        // A tenant holds strings, numbers and maps with string keys only: this cannot fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Checks that no assignment stands twice on a policy; gives the message and the policy's id.
    fn check_rows(&self) -> Result<(), (String, String)> {
        for policy in self.policies.values().flatten() {
            let mut assignments: Vec<(&str, &str)> = policy
                .assignments
                .iter()
                .map(|assignment| (assignment.id.as_str(), assignment.source.as_str()))
                .collect();
            assignments.sort_unstable();
            let twice = assignments
                .windows(2)
                .find(|pair| matches!(pair, [a, b] if a == b));
            if let Some([(id, source), _]) = twice {
                let name = &policy.name;
                return Err((
                    format!("policy `{name}` has the assignment `{id}` twice as `{source}`"),
                    policy.id.clone(),
                ));
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
        let groups = self.groups.iter().map(|group| group.id.as_str());
        let filters = self.assignment_filters.iter();
        check_ids("tenantId", is_guid, vec![&self.tenant_id])?;
        check_ids("groups", is_guid, groups.collect())?;
        let users = self.users.iter().map(|user| user.id.as_str());
        check_ids("users", is_guid, users.collect())?;
        let devices = self.devices.iter().map(|device| device.id.as_str());
        check_ids("devices", is_guid, devices.collect())?;
        let filters = filters.map(|filter| filter.id.as_str()).collect();
        check_ids("assignmentFilters", is_guid, filters)?;
        let requests = self.approval_requests.iter();
        let requests = requests.map(|request| request.id.as_str()).collect();
        check_ids("operationApprovalRequests", is_guid, requests)?;
        for (collection, policies) in &self.policies {
            let ids = policies.iter().map(|policy| policy.id.as_str()).collect();
            let form = collection.spec().object_ids;
            check_ids(collection.segment(), |id| is_id(form, id), ids)?;
        }
        let service = &self.service;
        for name in service.collections() {
            if Collection::named(name).is_none() {
                return Err((
                    format!("`service` names the collection `{name}`, which does not exist"),
                    Some(name.to_owned()),
                ));
            }
        }
        let times = self.audit_events.iter();
        let mut times = times.map(|event| event.get("activityDateTime").and_then(Value::as_str));
        if times.any(|time| time.is_none_or(|time| time.parse::<Timestamp>().is_err())) {
            return Err((
                "`auditEvents` has an event whose `activityDateTime` is not a time".to_owned(),
                None,
            ));
        }
        if service.page_size == 0 || service.max_page_size == 0 || service.audit.page_size == 0 {
            return Err(("`service` has an empty page size".to_owned(), None));
        }
        let times = [
            service.throttling.window,
            service.read_after_write_lag,
            service.managed_app_lag,
            service.policy_set_lag,
            service.membership_lag,
            service.latency,
            service.login.approved_after,
            service.audit.delay,
            service.approval.listing_delay,
        ];
        if !times.iter().all(|time| (0.0..=86_400.0).contains(time)) {
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

/// Checks that ids have their form and are there once.
fn check_ids(
    what: &str,
    is_id: impl Fn(&str) -> bool,
    mut ids: Vec<&str>,
) -> Result<(), (String, Option<String>)> {
    if let Some(wrong) = ids.iter().find(|id| !is_id(id)) {
        return Err((
            format!("`{what}` has an id of the wrong form: `{wrong}`"),
            Some((*wrong).to_owned()),
        ));
    }
    ids.sort_unstable_by_key(|id| id.to_ascii_lowercase());
    let twice = ids
        .windows(2)
        .find(|pair| matches!(pair, [one, other] if one.eq_ignore_ascii_case(other)));
    match twice {
        Some([_, id]) => Err((
            format!("`{what}` has the id `{id}` twice"),
            Some((*id).to_owned()),
        )),
        _ => Ok(()),
    }
}

fn is_id(form: ObjectIds, id: &str) -> bool {
    match form {
        ObjectIds::Guid => is_guid(id),
        ObjectIds::Prefixed => id
            .strip_prefix("T_")
            .or_else(|| id.strip_prefix("A_"))
            .is_some_and(is_guid),
        ObjectIds::Suffixed => id
            .split_once('_')
            .is_some_and(|(guid, word)| is_guid(guid) && !word.is_empty() && !word.contains('/')),
        ObjectIds::Number => !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl Serialize for Policy {
    /// Id and name are on top, where a reader looks for them.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self {
            collection,
            id,
            name,
            properties,
            assignments,
        } = self;
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("id", id)?;
        map.serialize_entry(collection.spec().name, name)?;
        for (key, value) in properties {
            map.serialize_entry(key, value)?;
        }
        map.serialize_entry("assignments", assignments)?;
        map.end()
    }
}

// A derived form would have to collect the keys that are collections, and forget where in the file they stood.
impl<'de> Deserialize<'de> for Tenant {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TenantVisitor)
    }
}

struct TenantVisitor;

impl<'de> Visitor<'de> for TenantVisitor {
    type Value = Tenant;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a tenant")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Tenant, A::Error> {
        let mut tenant = Tenant::empty();
        let (mut version, mut id) = (None, None);
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "formatVersion" => version = Some(map.next_value()?),
                "tenantId" => id = Some(map.next_value()?),
                "service" => tenant.service = map.next_value()?,
                "groups" => tenant.groups = map.next_value()?,
                "users" => tenant.users = map.next_value()?,
                "devices" => tenant.devices = map.next_value()?,
                "assignmentFilters" => tenant.assignment_filters = map.next_value()?,
                "deletedGroups" => tenant.deleted_groups = map.next_value()?,
                "auditEvents" => tenant.audit_events = map.next_value()?,
                "operationApprovalRequests" => tenant.approval_requests = map.next_value()?,
                other => {
                    let collection = Collection::named(other)
                        .ok_or_else(|| A::Error::custom(format!("unknown key `{other}`")))?;
                    let policies = map.next_value_seed(Policies(collection))?;
                    tenant.policies.insert(collection, policies);
                }
            }
        }
        tenant.format_version = version.ok_or_else(|| A::Error::missing_field("formatVersion"))?;
        tenant.tenant_id = id.ok_or_else(|| A::Error::missing_field("tenantId"))?;
        Ok(tenant)
    }
}

/// Reads the policies of a collection.
struct Policies(Collection);

impl<'de> DeserializeSeed<'de> for Policies {
    type Value = Vec<Policy>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Policies {
    type Value = Vec<Policy>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a list of policies")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut policies = Vec::new();
        while let Some(policy) = list.next_element_seed(OnePolicy(self.0))? {
            policies.push(policy);
        }
        Ok(policies)
    }
}

struct OnePolicy(Collection);

impl<'de> DeserializeSeed<'de> for OnePolicy {
    type Value = Policy;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Policy, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for OnePolicy {
    type Value = Policy;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a policy")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Policy, A::Error> {
        let mut properties = Map::new();
        let mut assignments: Vec<Assignment> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "assignments" {
                assignments = map.next_value()?;
            } else {
                properties.insert(key, map.next_value()?);
            }
        }
        let mut text = |key: &str| match properties.remove(key) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(de::Error::custom(format!("`{key}` is not a text"))),
            None => Err(de::Error::custom(format!("a policy needs `{key}`"))),
        };
        let (id, name) = (text("id")?, text(self.0.spec().name)?);
        let mut policy = Policy {
            collection: self.0,
            id,
            name,
            properties,
            assignments,
        };
        policy.settle();
        Ok(policy)
    }
}

#[cfg(test)]
mod tests;
