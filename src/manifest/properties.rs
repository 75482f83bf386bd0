//! Reading what entries and targets say besides who is meant: an app's intent and settings, a
//! remediation's schedule. Which kinds have which is judged in `check`, since target sets do not know who
//! uses them; what the type of an app takes shows with the tenant at hand.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::diagnostics::Diagnostics;
use super::fields::{self, Fields};
use super::yaml::tree::{Node, Pair, Value};
use super::{Entry, Placed, WantedProperties, WantedSetting, WantedTarget, conflict};
use crate::diagnostic::Diagnostic;
use crate::kinds::AssignmentProperties;
use crate::kinds::app_settings::{self, SettingValue};
use crate::kinds::properties as known;
use crate::kinds::run_schedule;
use crate::model::{PolicyKind, Source};
use crate::text::{all_of, one_of, quoted, with_article};

/// The keys of properties.
pub(super) const PROPERTY_KEYS: &[&str] =
    &["intent", "settings", "runSchedule", "runRemediationScript"];

/// The keys of a schedule.
pub(super) const SCHEDULE_KEYS: &[&str] = &["type", "interval", "date", "time", "useUtc"];

/// Reads the properties of an entry or of a target; `None` if it has none.
pub(super) fn read(
    fields: &Fields<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<Arc<WantedProperties>> {
    if fields.among(PROPERTY_KEYS).is_empty() {
        return None;
    }
    Some(Arc::new(WantedProperties {
        intent: fields
            .get("intent")
            .and_then(|pair| intent(pair, diagnostics)),
        settings: fields
            .get("settings")
            .and_then(|pair| settings(pair, diagnostics)),
        schedule: fields
            .get("runSchedule")
            .and_then(|pair| schedule(pair, diagnostics)),
        remediation: fields
            .get("runRemediationScript")
            .and_then(|pair| flag(pair, diagnostics)),
    }))
}

fn intent(pair: &Pair, diagnostics: &mut Diagnostics) -> Option<Placed<&'static str>> {
    let words: Vec<(&'static str, &'static str)> = app_settings::INTENTS
        .iter()
        .map(|word| (*word, *word))
        .collect();
    if let Value::Scalar { text, .. } = &pair.value.node.value
        && matches!(text.as_str(), "apply" | "remove")
    {
        let message = format!("the intent {} is not one of an app", quoted(text));
        let error = Diagnostic::error("unknown-intent", pair.value.node.place, message);
        diagnostics.push(error.hint(
            "remove it: device configurations have `apply` and `remove`, which the service keeps and no manifest sets",
        ));
        return None;
    }
    let value = fields::word(pair, "unknown-intent", &words, diagnostics)?;
    let place = pair.place;
    Some(Placed { value, place })
}

pub(super) fn flag(pair: &Pair, diagnostics: &mut Diagnostics) -> Option<Placed<bool>> {
    let node = &pair.value.node;
    let Json::Bool(value) = json(node) else {
        let error = fields::wrong_type(node, &pair.key, "`true` or `false`");
        fields::refuse(node, error, diagnostics);
        return None;
    };
    let place = pair.place;
    Some(Placed { value, place })
}

fn settings(pair: &Pair, diagnostics: &mut Diagnostics) -> Option<Placed<Vec<WantedSetting>>> {
    let before = diagnostics.errors();
    let mut all = Vec::new();
    let node = &pair.value.node;
    let Value::Mapping(members) = &node.value else {
        fields::refuse(
            node,
            fields::wrong_type(node, "settings", "a mapping"),
            diagnostics,
        );
        return None;
    };
    for member in members {
        match app_settings::setting_named(&member.key) {
            Some(setting) => {
                let name = format!("settings.{}", setting.name);
                read_setting(member, name, &setting.value, diagnostics, &mut all);
            }
            None => {
                let types = app_settings::APP_SETTINGS.iter();
                let names = types.flat_map(|settings| settings.members);
                let names = names.map(|setting| setting.name).collect();
                unknown_setting(member, names, diagnostics);
            }
        }
    }
    all.sort_by(|one, other| one.name.cmp(&other.name));
    let (value, place) = (all, pair.place);
    (diagnostics.errors() == before).then_some(Placed { value, place })
}

fn unknown_setting(pair: &Pair, mut names: Vec<&'static str>, diagnostics: &mut Diagnostics) {
    names.sort_unstable();
    names.dedup();
    let near = diagnostics.did_you_mean(&pair.key, names.iter().copied());
    let message = format!("unknown setting {}", quoted(&pair.key));
    diagnostics.push(
        Diagnostic::error("unknown-setting", pair.place, message)
            .hint(near.unwrap_or_else(|| format!("settings are {}", all_of(&names)))),
    );
}

/// Reads a setting as one property; an object's members are properties of their own.
fn read_setting(
    pair: &Pair,
    name: String,
    takes: &'static SettingValue,
    diagnostics: &mut Diagnostics,
    all: &mut Vec<WantedSetting>,
) {
    let node = &pair.value.node;
    if matches!(node.value, Value::Broken) {
        return diagnostics.miss();
    }
    if let (SettingValue::ObjectOrNull(members), Value::Mapping(pairs)) = (takes, &node.value) {
        all.push(WantedSetting {
            name: name.as_str().into(),
            value: Placed {
                value: Some("{}".into()),
                place: pair.place,
            },
        });
        for pair in pairs {
            match members.iter().find(|member| member.name == &*pair.key) {
                Some(member) => {
                    let name = format!("{name}.{}", member.name);
                    read_setting(pair, name, &member.value, diagnostics, all);
                }
                None => {
                    let names = members.iter().map(|member| member.name).collect();
                    unknown_setting(pair, names, diagnostics);
                }
            }
        }
        return;
    }
    let value = value_for(node, takes);
    if !app_settings::takes(takes, &value) {
        let wanted = app_settings::expected(takes);
        diagnostics.push(fields::wrong_setting(node, &pair.key, &wanted));
        return;
    }
    let (name, value) = known::flat(name, &value);
    all.push(WantedSetting {
        name: name.into(),
        value: Placed {
            value: value.map(Into::into),
            place: pair.place,
        },
    });
}

/// Returns a value as JSON. What should be text is taken as it is spelled.
fn value_for(node: &Node, takes: &SettingValue) -> Json {
    let spelled = |node: &Node| node.text().map_or_else(|| json(node), Json::from);
    match (takes, &node.value) {
        (
            SettingValue::Word(_) | SettingValue::TextOrNull | SettingValue::MomentOrNull,
            Value::Scalar { .. },
        ) => spelled(node),
        (SettingValue::Texts, Value::List(items)) => {
            items.iter().map(|item| spelled(&item.node)).collect()
        }
        _ => json(node),
    }
}

/// Returns a value as JSON, as YAML means plain scalars.
fn json(node: &Node) -> Json {
    match &node.value {
        _ if node.is_null() => Json::Null,
        Value::Scalar { text, plain: true } => match text.as_str() {
            "true" | "True" | "TRUE" => Json::Bool(true),
            "false" | "False" | "FALSE" => Json::Bool(false),
            text => match text.parse::<i64>() {
                Ok(number) => number.into(),
                Err(_) => Json::String(text.to_owned()),
            },
        },
        Value::Scalar { text, plain: false } => Json::String(text.clone()),
        Value::List(items) => items.iter().map(|item| json(&item.node)).collect(),
        Value::Mapping(pairs) => {
            let pairs = pairs.iter();
            Json::Object(
                pairs
                    .map(|pair| (pair.key.to_string(), json(&pair.value.node)))
                    .collect(),
            )
        }
        Value::Broken => Json::Null,
    }
}

fn schedule(pair: &Pair, diagnostics: &mut Diagnostics) -> Option<Placed<String>> {
    let node = &pair.value.node;
    let fields = Fields::read(node, "a schedule", SCHEDULE_KEYS, diagnostics)?;
    if fields.has_unknown() {
        return None;
    }
    let mut written = Map::new();
    for key in SCHEDULE_KEYS {
        let Some(pair) = fields.get(key) else {
            continue;
        };
        let node = &pair.value.node;
        if matches!(node.value, Value::Broken) {
            diagnostics.miss();
            return None;
        }
        let value = match (*key, node.text()) {
            ("type" | "date" | "time", Some(text)) => Json::from(text),
            _ => json(node),
        };
        written.insert((*key).to_owned(), value);
    }
    let (key, wanted) = match run_schedule::from_manifest(&written) {
        Ok(value) => {
            let place = pair.place;
            return Some(Placed { value, place });
        }
        Err(fault) => fault,
    };
    diagnostics.push(match fields.get(&key) {
        Some(pair) => fields::wrong_setting(&pair.value.node, &key, &wanted),
        None => Diagnostic::error(
            "wrong-setting",
            pair.place,
            format!("the schedule has no `{key}`"),
        )
        .hint(format!("`{key}` is {wanted}")),
    });
    None
}

/// What the targets of an entry get from it.
pub(super) struct OfEntry {
    included: Option<Arc<WantedProperties>>,
    /// An excluded group, and a target that must not be there, have nothing but an intent.
    intent: Option<Arc<WantedProperties>>,
}

impl OfEntry {
    /// Takes an entry's properties.
    pub(super) fn new(own: Option<Arc<WantedProperties>>) -> Self {
        let intent = own.as_ref().and_then(|own| own.intent.clone());
        Self {
            included: own,
            intent: intent.map(|intent| {
                Arc::new(WantedProperties {
                    intent: Some(intent),
                    ..WantedProperties::default()
                })
            }),
        }
    }

    /// Gives a target what it does not say itself.
    pub(super) fn complete(&self, target: WantedTarget) -> WantedTarget {
        match target.target.is_exclusion() {
            true => with_defaults(target, self.intent.as_ref()),
            false => with_defaults(target, self.included.as_ref()),
        }
    }

    /// Does the same with a target that must not be there.
    pub(super) fn complete_absent(&self, target: WantedTarget) -> WantedTarget {
        with_defaults(target, self.intent.as_ref())
    }
}

fn with_defaults(
    mut target: WantedTarget,
    of_entry: Option<&Arc<WantedProperties>>,
) -> WantedTarget {
    if let Some(of_entry) = of_entry {
        target.properties = Some(match &target.properties {
            None => Arc::clone(of_entry),
            Some(own) => Arc::new(WantedProperties {
                intent: own.intent.clone().or_else(|| of_entry.intent.clone()),
                settings: own.settings.clone().or_else(|| of_entry.settings.clone()),
                schedule: own.schedule.clone().or_else(|| of_entry.schedule.clone()),
                remediation: own
                    .remediation
                    .clone()
                    .or_else(|| of_entry.remediation.clone()),
            }),
        });
    }
    target
}

/// Finds what the kind of an entry does not have, properties and assignments from policy sets, and targets of
/// apps without an intent; the latter only if all of the entry is `certain`, as a part that could not be read
/// may have it.
pub(super) fn check(kind: PolicyKind, entry: &Entry, certain: bool, diagnostics: &mut Diagnostics) {
    let has = kind.spec().properties;
    for target in &entry.targets {
        if let Some(properties) = &target.properties {
            refuse_foreign(kind, properties, diagnostics);
        }
        if kind.spec().targets.refused.contains(&target.target.kind()) {
            diagnostics.push(conflict::target_not_allowed(kind, target));
        }
    }
    for properties in entry.absent.iter().filter_map(|it| it.properties.as_ref()) {
        refuse_foreign(kind, properties, diagnostics);
    }
    let is_from_set = |target: &&WantedTarget| target.source == Source::PolicySets;
    if !kind.spec().in_policy_sets {
        for target in entry.targets.iter().filter(is_from_set) {
            let message = format!("no policy set can assign {}", with_article(kind.name()));
            diagnostics.push(
                Diagnostic::error("source-not-allowed", target.place, message).hint(
                    "remove `source`, and `sourceId` with it: the assignment is a direct one",
                ),
            );
        }
    }
    let lacks_intent = |target: &&WantedTarget| target.intent().is_none();
    if certain && has == AssignmentProperties::App {
        for target in entry.targets.iter().filter(lacks_intent) {
            let message = format!("a {kind} needs an `intent` on each of its targets");
            diagnostics.push(
                Diagnostic::error("missing-intent", target.place, message).hint(format!(
                    "use {}, on the entry for all of its targets or on single targets",
                    one_of(app_settings::INTENTS)
                )),
            );
        }
    }
}

/// Finds properties that a kind does not have.
pub(super) fn refuse_foreign(
    kind: PolicyKind,
    properties: &WantedProperties,
    diagnostics: &mut Diagnostics,
) {
    let WantedProperties {
        intent,
        settings,
        schedule,
        remediation,
    } = properties;
    let of_apps = (AssignmentProperties::App, "mobileApp");
    let of_scripts = (AssignmentProperties::Remediation, "deviceHealthScript");
    let found = [
        ("intent", intent.as_ref().map(|it| it.place), of_apps),
        ("settings", settings.as_ref().map(|it| it.place), of_apps),
        (
            "runSchedule",
            schedule.as_ref().map(|it| it.place),
            of_scripts,
        ),
        (
            "runRemediationScript",
            remediation.as_ref().map(|it| it.place),
            of_scripts,
        ),
    ];
    for (key, place, (known_to, owner)) in found {
        if let Some(place) = place
            && kind.spec().properties != known_to
        {
            let kind = with_article(kind.name());
            let message = format!("an assignment of {kind} has no `{key}`");
            diagnostics.push(
                Diagnostic::error("property-not-allowed", place, message)
                    .hint(format!("`{key}` goes with the kind `{owner}`")),
            );
        }
    }
}
