//! What the service sends, and what it means. What it takes is in `body`.
//!
//! Wire forms are open: properties that the program does not know are kept where they belong to
//! an assignment, and ignored elsewhere. What is missing where it must not be is an error, never
//! taken for empty.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::form::{PolicyForm, Property, RowForm, TargetForm, Text};
use crate::kinds::properties;
use crate::kinds::{AssignmentProperties, PolicyKindSpec, TenantDefault};
use crate::model::{
    Assignment, AssignmentKey, Filter, FilterMode, Guid, LiveAssignment, LiveFilter, LiveGroup,
    Properties, SharedText, Source, Target,
};

pub(super) const PREFIX: &str = "#microsoft.graph.";
pub(super) const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
pub(super) const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";
pub(super) const RUN_SCHEDULE: &str = "runSchedule";
/// The id that stands for all licensed users in assignment ids, and for a group where a kind knows
/// them only as one; many tools and the service's own answers agree on it.
pub(super) const ALL_USERS_ID: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";
const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// A JSON object as the service sent it.
pub(super) type Object = Map<String, Value>;

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page {
    pub(super) value: Vec<Object>,
    #[serde(rename = "@odata.nextLink", default)]
    pub(super) next_link: Option<String>,
}

/// An object that brings its assignments.
#[derive(Debug, Deserialize)]
pub(super) struct ExpandedItem {
    pub(super) assignments: Vec<Object>,
    #[serde(rename = "assignments@odata.nextLink", default)]
    pub(super) next_link: Option<String>,
}

impl From<ExpandedItem> for Page {
    fn from(item: ExpandedItem) -> Self {
        Self {
            value: item.assignments,
            next_link: item.next_link,
        }
    }
}

/// A policy as a list brings it.
#[derive(Debug)]
pub(super) struct ListedPolicy {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) platforms: Option<String>,
    pub(super) odata_type: Option<SharedText>,
    pub(super) is_tenant_default: bool,
    /// None where the list did not bring them.
    pub(super) rows: Option<Vec<Row>>,
    /// Where the rest of them is, if the list was cut.
    pub(super) next: Option<String>,
}

/// Takes the objects out of a list.
pub(super) fn objects(property: &str, value: Value) -> Result<Vec<Object>, String> {
    let Value::Array(values) = value else {
        return Err(wrong(property, "a list", &value));
    };
    values
        .into_iter()
        .map(|value| match value {
            Value::Object(object) => Ok(object),
            other => Err(wrong(property, "a list of objects", &other)),
        })
        .collect()
}

/// A live row, and the service's id for it; empty where it has none.
pub(super) type Row = (Assignment, Box<str>);

/// Reads a policy of a list.
pub(super) fn policy(
    form: PolicyForm<'_>,
    spec: &PolicyKindSpec,
    texts: &mut Texts,
) -> Result<ListedPolicy, String> {
    let PolicyForm {
        id,
        name,
        odata_type,
        platforms,
        priority,
        default_flag,
        assignments,
        assignments_next,
    } = form;
    let id = required("id", id)?.into_owned();
    let is_tenant_default = match spec.tenant_default {
        TenantDefault::None => false,
        TenantDefault::Priority => {
            matches!(priority, Property::Other(Value::Number(number)) if number.as_i64() == Some(0))
                || has_default_suffix(&id)
        }
        TenantDefault::Flag(_) => matches!(default_flag, Property::Other(Value::Bool(true))),
    };
    let rows = match assignments {
        // What takes no assignment need not be asked for any.
        _ if is_tenant_default => Some(Vec::new()),
        // Null is not a list that is empty.
        Property::Missing | Property::Null => None,
        Property::Other(value) => return Err(wrong("assignments", "a list", &value)),
        Property::Is(rows) => {
            let rows = rows.into_iter().map(|property| match property {
                Property::Is(form) => row(form, spec, texts),
                Property::Other(value) => Err(wrong("assignments", "a list of objects", &value)),
                Property::Missing | Property::Null => {
                    Err(wrong("assignments", "a list of objects", &Value::Null))
                }
            });
            Some(rows.collect::<Result<_, _>>()?)
        }
    };
    Ok(ListedPolicy {
        id,
        name: optional(spec.name_property, name)?
            .unwrap_or_default()
            .into_owned(),
        platforms: optional("platforms", platforms)?.map(Cow::into_owned),
        odata_type: optional("@odata.type", odata_type)?.map(|name| texts.share(short_type(&name))),
        is_tenant_default,
        rows,
        next: optional("assignments@odata.nextLink", assignments_next)?.map(Cow::into_owned),
    })
}

/// Returns a type without its prefix. Documentation samples leave the `#` out.
fn short_type(odata_type: &str) -> &str {
    odata_type
        .strip_prefix(PREFIX)
        .or_else(|| odata_type.strip_prefix(&PREFIX[1..]))
        .unwrap_or(odata_type)
}

/// Whether an id ends as those of the configurations do that every tenant has
/// (`…_DefaultLimit`, `…_WindowsRestore`).
fn has_default_suffix(id: &str) -> bool {
    let last = id
        .rsplit('_')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    id.contains('_') && (last.starts_with("default") || last == "windowsrestore")
}

/// Texts that come again and again, each held once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    plain: HashSet<SharedText>,
    /// Ids in lower case, by how the service spells them.
    ids: HashMap<Box<str>, SharedText>,
}

impl Texts {
    fn share(&mut self, text: &str) -> SharedText {
        if let Some(known) = self.plain.get(text) {
            return Arc::clone(known);
        }
        let shared = SharedText::from(text);
        self.plain.insert(Arc::clone(&shared));
        shared
    }

    fn share_id(&mut self, id: &str) -> SharedText {
        if let Some(known) = self.ids.get(id) {
            return Arc::clone(known);
        }
        let shared = SharedText::from(lower_guid(id.to_owned()));
        self.ids.insert(id.into(), Arc::clone(&shared));
        shared
    }
}

/// Reads what a row means.
pub(super) fn row(
    form: RowForm<'_>,
    spec: &PolicyKindSpec,
    texts: &mut Texts,
) -> Result<Row, String> {
    let RowForm {
        id,
        source,
        source_id,
        target: Property::Is(mut target_form),
        intent,
        settings,
        run_schedule,
    } = form
    else {
        return Err("an assignment has no `target`".to_owned());
    };
    let filter = filter(
        std::mem::take(&mut target_form.filter_id),
        std::mem::take(&mut target_form.filter_type),
        texts,
    )?;
    let target = match target(target_form, texts)? {
        Target::Group(id) if spec.targets.virtual_all_users && &*id == ALL_USERS_ID => {
            Target::AllUsers
        }
        target => target,
    };
    let (variant, properties) = match spec.properties {
        AssignmentProperties::None => (None, Properties::default()),
        AssignmentProperties::App => (
            optional("intent", intent)?.map(|intent| texts.share(&intent)),
            app_settings(settings, texts)?,
        ),
        AssignmentProperties::Remediation => (None, schedule(run_schedule, texts)?),
    };
    let source =
        optional("source", source)?.map_or(Source::Direct, |text| Source::from_wire(&text));
    // For direct rows the service writes the policy's own id there.
    let source_id = match source {
        Source::Direct => None,
        Source::PolicySets | Source::Other(_) => {
            optional("sourceId", source_id)?.map(|id| texts.share(&id))
        }
    };
    Ok((
        Assignment {
            key: AssignmentKey {
                target,
                source,
                variant,
            },
            filter,
            source_id,
            properties,
        },
        optional("id", id)?.unwrap_or_default().into(),
    ))
}

/// Reads the settings of an app's assignment. An exclusion has none, and neither have many types of
/// apps.
fn app_settings(settings: Text<'_>, texts: &mut Texts) -> Result<Properties, String> {
    let settings = match settings.into_value() {
        None | Some(Value::Null) => return Ok(Properties::default()),
        Some(Value::Object(settings)) => settings,
        Some(other) => return Err(wrong("settings", "an object", &other)),
    };
    let flat = properties::flatten_settings(&settings).into_iter();
    let stored = flat.filter_map(|(name, value)| Some((texts.share(&name), texts.share(&value?))));
    Ok(Properties::new(stored.collect()))
}

/// Reads when a remediation runs.
fn schedule(schedule: Text<'_>, texts: &mut Texts) -> Result<Properties, String> {
    match schedule.into_value() {
        None | Some(Value::Null) => Ok(Properties::default()),
        Some(Value::Object(schedule)) => {
            let value = properties::schedule_from_wire(&schedule);
            let pair = (texts.share(RUN_SCHEDULE), texts.share(&value));
            Ok(Properties::new(vec![pair]))
        }
        Some(other) => Err(wrong(RUN_SCHEDULE, "an object", &other)),
    }
}

/// Reads an assignment and keeps it as it came.
pub(super) fn assignment(
    raw: Object,
    spec: &PolicyKindSpec,
    texts: &mut Texts,
) -> Result<LiveAssignment, String> {
    // A map is an object, whatever it holds.
    let form = match Property::deserialize(&raw) {
        Ok(Property::Is(form)) => form,
        _ => RowForm::default(),
    };
    let (row, id) = row(form, spec, texts)?;
    Ok(LiveAssignment {
        row,
        id: (!id.is_empty()).then(|| id.into()),
        raw,
    })
}

fn target(mut form: TargetForm<'_>, texts: &mut Texts) -> Result<Target, String> {
    let odata_type = required("@odata.type", std::mem::take(&mut form.odata_type))?;
    let short = short_type(&odata_type);
    let mut group = || form.group_id.text().map(|id| texts.share_id(id));
    let known = match short {
        "allDevicesAssignmentTarget" => Some(Target::AllDevices),
        "allLicensedUsersAssignmentTarget" => Some(Target::AllUsers),
        "groupAssignmentTarget" => group().map(Target::Group),
        "exclusionGroupAssignmentTarget" => group().map(Target::ExclusionGroup),
        "configurationManagerCollectionAssignmentTarget" => form
            .collection_id
            .text()
            .map(|id| Target::Collection(texts.share(id))),
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Target::Other {
        odata_type: texts.share(short),
        properties: form.properties().into(),
    }))
}

/// Reads a target's filter. "No filter" comes in four spellings: the id null, absent, empty, or
/// the zero GUID with type none (CIPP, Microsoft365DSC and the Terraform provider meet them all).
fn filter(id: Text<'_>, mode: Text<'_>, texts: &mut Texts) -> Result<Option<Filter>, String> {
    let mode = optional(FILTER_TYPE, mode)?;
    let id = optional(FILTER_ID, id)?;
    Ok(match (id, mode.as_deref()) {
        (None, _) | (Some(_), Some("none")) => None,
        (Some(id), _) if id.is_empty() || id == ZERO_GUID => None,
        (Some(id), mode) => Some(Filter {
            id: texts.share_id(&id),
            mode: FilterMode::from_wire(mode.unwrap_or_default()),
        }),
    })
}

/// Reads a group.
pub(super) fn group(object: &Object) -> Result<LiveGroup, String> {
    Ok(LiveGroup {
        id: lower_guid(required_text(object, "id")?),
        name: optional_text(object, "displayName")?.unwrap_or_default(),
    })
}

/// Reads an assignment filter.
pub(super) fn assignment_filter(object: &Object) -> Result<LiveFilter, String> {
    Ok(LiveFilter {
        id: lower_guid(required_text(object, "id")?),
        name: optional_text(object, "displayName")?.unwrap_or_default(),
        platform: optional_text(object, "platform")?,
        management: optional_text(object, "assignmentFilterManagementType")?,
    })
}

fn lower_guid(text: String) -> String {
    Guid::parse(&text).map_or(text, |guid| guid.as_str().to_owned())
}

fn required_text(object: &Object, property: &str) -> Result<String, String> {
    match object.get(property) {
        Some(Value::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(other) => Err(wrong(property, "text", other)),
        None => Err(missing(property)),
    }
}

fn optional_text(object: &Object, property: &str) -> Result<Option<String>, String> {
    match object.get(property) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(wrong(property, "text", other)),
    }
}

fn required<'a>(property: &str, text: Text<'a>) -> Result<Cow<'a, str>, String> {
    match text {
        Property::Is(text) if !text.is_empty() => Ok(text),
        other => Err(other.into_value().map_or_else(
            || missing(property),
            |value| wrong(property, "text", &value),
        )),
    }
}

fn optional<'a>(property: &str, text: Text<'a>) -> Result<Option<Cow<'a, str>>, String> {
    match text {
        Property::Missing | Property::Null => Ok(None),
        Property::Is(text) => Ok(Some(text)),
        Property::Other(value) => Err(wrong(property, "text", &value)),
    }
}

fn missing(property: &str) -> String {
    format!("an object has no `{property}`")
}

fn wrong(property: &str, expected: &str, found: &Value) -> String {
    let mut shown: String = found.to_string().chars().take(80).collect();
    if shown.len() == 80 {
        shown.push('…');
    }
    format!("`{property}` should be {expected}, not `{shown}`")
}

#[cfg(test)]
pub(super) mod tests {
    use serde::de::DeserializeSeed as _;
    use serde_json::json;

    use super::*;
    use crate::graph::form::PolicySeed;
    use crate::model::PolicyKind;

    pub(in crate::graph) fn live(raw: Value) -> LiveAssignment {
        let Value::Object(raw) = raw else {
            panic!("an object")
        };
        assignment(raw, kind().spec(), &mut Texts::default()).expect("an assignment")
    }

    pub(in crate::graph) fn kind() -> PolicyKind {
        PolicyKind::from_name("configurationPolicy").expect("a kind")
    }

    #[test]
    fn no_filter_in_all_its_spellings_is_no_filter() {
        let spellings = [
            json!({}),
            json!({FILTER_ID: null, FILTER_TYPE: "none"}),
            json!({FILTER_ID: "", FILTER_TYPE: "none"}),
            json!({FILTER_ID: ZERO_GUID, FILTER_TYPE: "none"}),
            json!({FILTER_ID: ZERO_GUID, FILTER_TYPE: "include"}),
            json!({FILTER_TYPE: "none"}),
        ];
        for mut target in spellings {
            target["@odata.type"] = json!("#microsoft.graph.allDevicesAssignmentTarget");
            let row = live(json!({"target": target})).row;
            assert_eq!(row.filter, None, "{target}");
            assert_eq!(row.key.target, Target::AllDevices);
        }
    }

    #[test]
    fn what_is_missing_is_not_taken_for_empty() {
        for (object, reason) in [
            (json!({}), "an object has no `id`"),
            (json!({"id": ""}), "`id` should be text, not `\"\"`"),
            (
                json!({"id": "a", "assignments": [1]}),
                "`assignments` should be a list of objects, not `1`",
            ),
            (
                json!({"id": "a", "name": 1}),
                "`name` should be text, not `1`",
            ),
        ] {
            let Value::Object(object) = object else {
                panic!("an object")
            };
            let form = PolicySeed(kind().spec())
                .deserialize(&object)
                .expect("a form");
            assert_eq!(
                policy(form, kind().spec(), &mut Texts::default()).expect_err("a fault"),
                reason
            );
        }
    }
}
