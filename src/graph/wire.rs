//! What the service sends, and what it means. Request bodies are in `write_request`.
//!
//! Wire forms are open: properties that the program does not know are kept where they belong to
//! an assignment, and ignored elsewhere. What is missing where it must not be is an error, never
//! taken for empty.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

pub(super) use super::decode::Object;
use super::decode::{Misread, from_object};
use crate::kinds::{AssignmentProperties, PolicyKindSpec, properties, run_schedule};
use crate::model::{
    Assignment, AssignmentKey, Filter, FilterMode, Guid, LiveAssignment, LiveFilter, LiveGroup,
    Properties, SharedText, Source, Target,
};

pub(super) const PREFIX: &str = "#microsoft.graph.";
/// The requests for approval, below the version root.
pub(super) const APPROVAL_REQUESTS: &str = "/deviceManagement/operationApprovalRequests";
pub(super) const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
pub(super) const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";
pub(super) const RUN_SCHEDULE: &str = "runSchedule";
/// The id that stands for all licensed users in assignment ids, and for a group where a kind knows
/// them only as one; many tools and the service's own answers agree on it.
pub(super) const ALL_USERS_ID: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";
/// The id that stands for all devices in assignment ids.
pub(super) const ALL_DEVICES_ID: &str = "adadadad-808e-44e2-905a-0b7873a8a531";
pub(super) const ZERO_GUID: &str = "00000000-0000-0000-0000-000000000000";

/// A page of a list.
#[derive(Debug, Deserialize)]
pub(super) struct Page<T> {
    pub(super) value: Vec<T>,
    #[serde(rename = "@odata.nextLink")]
    pub(super) next_link: Option<String>,
}

/// An object that brings its assignments.
#[derive(Debug, Deserialize)]
pub(super) struct ExpandedItem {
    pub(super) assignments: Vec<Object>,
    #[serde(rename = "assignments@odata.nextLink")]
    pub(super) next_link: Option<String>,
}

impl From<ExpandedItem> for Page<Object> {
    fn from(item: ExpandedItem) -> Self {
        Self {
            value: item.assignments,
            next_link: item.next_link,
        }
    }
}

/// A text, borrowed from the answer unless it holds escapes.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(super) struct Text<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

/// An assignment, with what a plan needs of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
pub(super) struct AssignmentWire<'a> {
    id: Option<Text<'a>>,
    source: Option<Text<'a>>,
    source_id: Option<Text<'a>>,
    target: Option<TargetWire<'a>>,
    /// Kinds that have none of these may have others of the name, of any form. Few assignments have any, so
    /// that they need not make the others large.
    intent: Option<Box<Value>>,
    settings: Option<Box<Value>>,
    run_schedule: Option<Box<Value>>,
}

/// A target with its filter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct TargetWire<'a> {
    #[serde(rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    group_id: Option<Text<'a>>,
    collection_id: Option<Text<'a>>,
    #[serde(rename = "deviceAndAppManagementAssignmentFilterId")]
    filter_id: Option<Text<'a>>,
    #[serde(rename = "deviceAndAppManagementAssignmentFilterType")]
    filter_type: Option<Text<'a>>,
    /// What else it holds, which distinguishes targets of a type that is not known.
    #[serde(flatten)]
    rest: Object,
}

impl TargetWire<'_> {
    /// Returns all properties but the type and the filter, as JSON with sorted keys.
    fn properties(self) -> String {
        let mut all = self.rest;
        for (key, value) in [
            ("groupId", self.group_id),
            ("collectionId", self.collection_id),
        ] {
            if let Some(Text(value)) = value {
                all.insert(key.to_owned(), Value::String(value.into_owned()));
            }
        }
        all.sort_keys();
        Value::Object(all).to_string()
    }
}

/// A group or an assignment filter.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct NamedWire<'a> {
    id: Option<Text<'a>>,
    display_name: Option<String>,
    platform: Option<String>,
    assignment_filter_management_type: Option<String>,
    rule: Option<String>,
}

/// A live assignment, and the service's id for it; empty where it has none.
pub(super) type IdentifiedAssignment = (Assignment, Box<str>);

/// Returns a type without its prefix. Documentation samples leave the `#` out.
pub(super) fn short_type(odata_type: &str) -> &str {
    odata_type
        .strip_prefix(PREFIX)
        .or_else(|| odata_type.strip_prefix(&PREFIX[1..]))
        .unwrap_or(odata_type)
}

/// Texts that come again and again, each held once.
#[derive(Debug, Default)]
pub(super) struct Texts {
    plain: HashSet<SharedText>,
    /// Ids in lower case, by how the service spells them.
    ids: HashMap<Box<str>, SharedText>,
}

impl Texts {
    pub(super) fn share(&mut self, text: &str) -> SharedText {
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

/// Reads what an assignment means.
pub(super) fn assignment(
    wire: AssignmentWire<'_>,
    spec: &PolicyKindSpec,
    texts: &mut Texts,
) -> Result<IdentifiedAssignment, Misread> {
    let AssignmentWire {
        id,
        source,
        source_id,
        target: Some(mut target_wire),
        intent,
        settings,
        run_schedule,
    } = wire
    else {
        return Err(missing("target", "an assignment"));
    };
    let filter = filter(
        target_wire.filter_id.take(),
        target_wire.filter_type.take(),
        texts,
    );
    let target = match target(target_wire, texts)? {
        Target::Group(id) if spec.targets.virtual_all_users && &*id == ALL_USERS_ID => {
            Target::AllUsers
        }
        target => target,
    };
    let (variant, properties) = match spec.properties {
        AssignmentProperties::None => (None, Properties::default()),
        AssignmentProperties::App => (
            intent_of_app(intent.as_deref(), texts)?,
            object("settings", settings.as_deref())?
                .map(|settings| app_settings(settings, texts))
                .unwrap_or_default(),
        ),
        AssignmentProperties::Remediation => (
            None,
            object(RUN_SCHEDULE, run_schedule.as_deref())?
                .map(|schedule| self::schedule(schedule, texts))
                .unwrap_or_default(),
        ),
    };
    let source = source.map_or(Source::Direct, |Text(text)| Source::from_wire(&text));
    // For direct assignments the service writes the policy's own id there.
    let source_id = match source {
        Source::Direct => None,
        Source::PolicySets | Source::Other(_) => source_id.map(|Text(id)| texts.share(&id)),
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
        id.map(|Text(id)| id.into()).unwrap_or_default(),
    ))
}

fn intent_of_app(intent: Option<&Value>, texts: &mut Texts) -> Result<Option<SharedText>, Misread> {
    match intent {
        None => Ok(None),
        Some(Value::String(intent)) => Ok(Some(texts.share(intent))),
        Some(_) => Err(of_another_form("intent", "a string")),
    }
}

fn object<'v>(property: &str, value: Option<&'v Value>) -> Result<Option<&'v Object>, Misread> {
    match value {
        None => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(of_another_form(property, "an object")),
    }
}

fn of_another_form(property: &str, form: &str) -> Misread {
    Misread::Shape(format!("`{property}` of an assignment is not {form}").into())
}

/// Reads the settings of an app's assignment. An exclusion has none, and neither have many types of
/// apps.
fn app_settings(settings: &Object, texts: &mut Texts) -> Properties {
    let flat = properties::flatten_settings(settings).into_iter();
    let stored = flat.filter_map(|(name, value)| Some((texts.share(&name), texts.share(&value?))));
    Properties::new(stored.collect())
}

/// Reads when a remediation runs.
fn schedule(schedule: &Object, texts: &mut Texts) -> Properties {
    let value = run_schedule::from_wire(schedule);
    Properties::new(vec![(texts.share(RUN_SCHEDULE), texts.share(&value))])
}

/// Reads an assignment and keeps it as it came.
pub(super) fn live_assignment(
    raw: Object,
    spec: &PolicyKindSpec,
    texts: &mut Texts,
) -> Result<LiveAssignment, Misread> {
    let (assignment, id) = assignment(from_object(&raw)?, spec, texts)?;
    Ok(LiveAssignment {
        assignment,
        id: (!id.is_empty()).then(|| id.into()),
        raw,
    })
}

fn target(mut wire: TargetWire<'_>, texts: &mut Texts) -> Result<Target, Misread> {
    let Some(Text(odata_type)) = wire.odata_type.take() else {
        return Err(missing("@odata.type", "a target"));
    };
    let short = short_type(&odata_type);
    let mut group = || wire.group_id.as_ref().map(|Text(id)| texts.share_id(id));
    let known = match short {
        "allDevicesAssignmentTarget" => Some(Target::AllDevices),
        "allLicensedUsersAssignmentTarget" => Some(Target::AllUsers),
        "groupAssignmentTarget" => group().map(Target::Group),
        "exclusionGroupAssignmentTarget" => group().map(Target::ExclusionGroup),
        "configurationManagerCollectionAssignmentTarget" => wire
            .collection_id
            .as_ref()
            .map(|Text(id)| Target::Collection(texts.share(&id.to_ascii_uppercase()))),
        _ => None,
    };
    Ok(known.unwrap_or_else(|| Target::Other {
        odata_type: texts.share(short),
        properties: wire.properties().into(),
    }))
}

/// Reads a target's filter. "No filter" comes in four spellings: the id null, absent, empty, or
/// the zero GUID with type none (CIPP, Microsoft365DSC and the Terraform provider meet them all).
fn filter(id: Option<Text<'_>>, mode: Option<Text<'_>>, texts: &mut Texts) -> Option<Filter> {
    let Text(id) = id?;
    let mode = mode.map(|Text(mode)| mode).unwrap_or_default();
    (mode != "none" && !id.is_empty() && id != ZERO_GUID).then(|| Filter {
        id: texts.share_id(&id),
        mode: FilterMode::from_wire(&mode),
    })
}

/// Reads a group.
pub(super) fn group(object: &Object) -> Result<LiveGroup, Misread> {
    let wire: NamedWire<'_> = from_object(object)?;
    Ok(LiveGroup {
        id: lower_guid(required_id(wire.id)?.into_owned()),
        name: wire.display_name.unwrap_or_default(),
    })
}

/// Reads an assignment filter.
pub(super) fn assignment_filter(object: &Object) -> Result<LiveFilter, Misread> {
    let wire: NamedWire<'_> = from_object(object)?;
    Ok(LiveFilter {
        id: lower_guid(required_id(wire.id)?.into_owned()),
        name: wire.display_name.unwrap_or_default(),
        platform: wire.platform,
        management: wire.assignment_filter_management_type,
        rule: wire.rule,
    })
}

fn lower_guid(text: String) -> String {
    Guid::parse(&text).map_or(text, |guid| guid.to_string())
}

/// Returns the id of an object, which is not empty.
pub(super) fn required_id(id: Option<Text<'_>>) -> Result<Cow<'_, str>, Misread> {
    match id {
        Some(Text(id)) if !id.is_empty() => Ok(id),
        _ => Err(missing("id", "an object")),
    }
}

fn missing(property: &str, of: &str) -> Misread {
    Misread::Shape(format!("{of} has no `{property}`").into())
}

#[cfg(test)]
pub(super) mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::PolicyKind;

    pub(in crate::graph) fn live(raw: Value) -> LiveAssignment {
        let Value::Object(raw) = raw else {
            panic!("an object")
        };
        live_assignment(raw, kind().spec(), &mut Texts::default()).expect("an assignment")
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
            let assignment = live(json!({"target": target})).assignment;
            assert_eq!(assignment.filter, None, "{target}");
            assert_eq!(assignment.key.target, Target::AllDevices);
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_not_taken_for_empty() {
        let target = |target: Value| json!({"target": target});
        for (object, reason) in [
            (json!({}), "an assignment has no `target`"),
            (target(json!(null)), "an assignment has no `target`"),
            (target(json!({})), "a target has no `@odata.type`"),
            (
                target(json!({"@odata.type": "x", "groupId": 1})),
                "`target.groupId`: invalid type: integer `1`, expected a string",
            ),
            (json!({"target": 1}), "`target`: invalid type: integer `1`"),
        ] {
            let Value::Object(object) = object else {
                panic!("an object")
            };
            let read = live_assignment(object, kind().spec(), &mut Texts::default());
            let misread = read.expect_err(reason);
            assert!(misread.to_string().contains(reason), "{misread}");
        }
        let target = json!({"@odata.type": "#microsoft.graph.allDevicesAssignmentTarget"});
        for (property, value, of, form) in [
            ("intent", json!(5), "mobileApp", "a string"),
            ("settings", json!(["x"]), "mobileApp", "an object"),
            (
                "runSchedule",
                json!("daily"),
                "deviceHealthScript",
                "an object",
            ),
        ] {
            let object = json!({"target": target, property: value});
            let read = |kind: PolicyKind| {
                let object = object.as_object().expect("an object").clone();
                live_assignment(object, kind.spec(), &mut Texts::default())
            };
            let kind_of = PolicyKind::from_name(of).expect("a kind");
            let misread = read(kind_of).expect_err(property);
            let said = format!("`{property}` of an assignment is not {form}");
            assert_eq!(misread.to_string(), said);
            // Of a kind that has no such property it is unknown, as any other.
            let live = read(kind()).expect("an assignment");
            assert_eq!(live.raw[property], value);
        }
        for object in [json!({}), json!({"id": ""}), json!({"id": null})] {
            let object = object.as_object().expect("an object");
            let misread = group(object).expect_err("no id");
            assert_eq!(misread.to_string(), "an object has no `id`");
        }
    }
}
