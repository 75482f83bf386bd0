//! What assignments say besides their target, as a manifest says it: an app's intent and settings, a
//! remediation's schedule. What no manifest can say stays as it is, whatever is planned.

use serde_json::{Map, Value};

use crate::kinds::AssignmentProperties;
use crate::kinds::app_settings::{self, INTENTS};
use crate::kinds::{properties, run_schedule};
use crate::model::{Assignment, LivePolicy};

/// What is said of an assignment, or of all of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ExportedProperties {
    /// Of an app.
    pub(super) intent: Option<String>,
    /// Of an app: names and values as JSON, by name.
    pub(super) settings: Vec<(String, String)>,
    /// Of a remediation, as JSON.
    pub(super) schedule: Option<String>,
}

impl ExportedProperties {
    /// Reads what an assignment says; or why no manifest can ask for it.
    pub(super) fn of(assignment: &Assignment, policy: &LivePolicy) -> Result<Self, String> {
        match policy.kind.spec().properties {
            AssignmentProperties::None => Ok(Self::default()),
            AssignmentProperties::App => {
                let intent = assignment.key.variant.as_deref();
                let intent = intent.ok_or("an assignment has no intent")?;
                if !INTENTS.contains(&intent) {
                    return Err(format!("the intent `{intent}` is unknown"));
                }
                Ok(Self {
                    intent: Some(intent.to_owned()),
                    settings: settings(
                        assignment,
                        policy.odata_type.as_deref().unwrap_or_default(),
                    ),
                    schedule: None,
                })
            }
            AssignmentProperties::Remediation => Ok(Self {
                schedule: schedule(assignment),
                ..Self::default()
            }),
        }
    }

    /// Returns the settings as one value, if there are any.
    pub(super) fn nested_settings(&self) -> Option<Map<String, Value>> {
        let pairs = self.settings.iter();
        properties::nested(
            "settings",
            pairs.map(|(name, value)| (name.as_str(), value.as_str())),
        )
    }
}

fn settings(assignment: &Assignment, odata_type: &str) -> Vec<(String, String)> {
    if assignment.key.target.is_exclusion() {
        return Vec::new();
    }
    let Some(known) = app_settings::settings_of(odata_type) else {
        return Vec::new();
    };
    let can_be_said = |name: &str, value: &str| {
        let Some(takes) = name
            .strip_prefix("settings.")
            .and_then(|path| known.value_at(path))
        else {
            return false;
        };
        let value = serde_json::from_str(value);
        value.is_ok_and(|value| app_settings::takes(takes, &value))
    };
    let all = assignment.properties.iter();
    all.filter(|(name, value)| can_be_said(name, value))
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect()
}

fn schedule(assignment: &Assignment) -> Option<String> {
    let live = assignment.properties.get("runSchedule")?;
    let Ok(Value::Object(written)) = serde_json::from_str(live) else {
        return None;
    };
    let read = run_schedule::from_manifest(&written).ok()?;
    (read == **live && !assignment.key.target.is_exclusion()).then_some(read)
}
