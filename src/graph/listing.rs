//! Policies as lists bring them: with all assignments, with some, or with none.

use std::borrow::Cow;
use std::sync::{Mutex, PoisonError};

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::decode::{Misread, from_json, from_object};
use super::wire::{
    self, AssignmentWire, IdentifiedAssignment, Object, Page, Text, Texts, required_id,
};
use crate::kinds::{Platform, PolicyKindSpec, TenantDefault, Variety};
use crate::model::{LiveAssignment, LivePolicy, PolicyKind, assignments_path};

/// A policy of any kind, with what a plan needs of it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct PolicyWire<'a> {
    id: Option<Text<'a>>,
    name: Option<Text<'a>>,
    display_name: Option<Text<'a>>,
    profile_name: Option<Text<'a>>,
    #[serde(rename = "@odata.type")]
    odata_type: Option<Text<'a>>,
    platforms: Option<String>,
    platform_type: Option<String>,
    technologies: Option<String>,
    template_reference: Option<TemplateWire<'a>>,
    device_compliance_policy_script: Option<IgnoredAny>,
    priority: Option<i64>,
    is_built_in: Option<bool>,
    is_default_profile: Option<bool>,
    is_assigned: Option<bool>,
    assignments: Option<Vec<AssignmentWire<'a>>>,
    /// Where the rest of the assignments is, if the list was cut.
    #[serde(rename = "assignments@odata.nextLink")]
    assignments_next: Option<String>,
}

/// What a configuration policy was made from.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "'de: 'a"))]
struct TemplateWire<'a> {
    template_family: Option<Text<'a>>,
}

impl<'a> PolicyWire<'a> {
    /// Returns the name, which each kind has in a property of its own.
    fn name(self, spec: &PolicyKindSpec) -> Option<Cow<'a, str>> {
        let name = match spec.name_property {
            "name" => self.name,
            "profileName" => self.profile_name,
            _ => self.display_name,
        };
        name.map(|Text(name)| name)
    }

    fn platforms(&mut self, spec: &PolicyKindSpec) -> Option<String> {
        match spec.platform {
            Platform::Property("platformType") => self.platform_type.take(),
            Platform::Property(_) => self.platforms.take(),
            Platform::FromType | Platform::Only(_) | Platform::Unknown => None,
        }
    }

    /// What sets the policy apart from others of its kind.
    fn variety(&self) -> Option<Variety> {
        let family = self.template_reference.as_ref();
        let family = family.and_then(|template| template.template_family.as_ref());
        let family = family.map_or("", |Text(family)| family);
        let has = |words: &Option<String>, word: &str| {
            let words = words.as_deref().unwrap_or_default();
            words.split(',').any(|known| known.trim() == word)
        };
        if family == "enrollmentConfiguration" {
            Some(Variety::DevicePreparation)
        } else if has(&self.technologies, "configManager") {
            Some(Variety::TenantAttach)
        } else if family.starts_with("endpointSecurity") && has(&self.platforms, "macOS") {
            Some(Variety::MacEndpointSecurity)
        } else if has(&self.technologies, "appleRemoteManagement")
            && !has(&self.technologies, "mdm")
        {
            Some(Variety::Declarative)
        } else {
            let script = self.device_compliance_policy_script;
            script.map(|_| Variety::CustomCompliance)
        }
    }

    fn is_tenant_default(&self, spec: &PolicyKindSpec, id: &str) -> bool {
        match spec.tenant_default {
            TenantDefault::None => false,
            TenantDefault::Priority => self.priority == Some(0) || has_default_suffix(id),
            TenantDefault::Flag("isBuiltIn") => self.is_built_in == Some(true),
            TenantDefault::Flag(_) => self.is_default_profile == Some(true),
        }
    }
}

/// Whether an id ends as those of the configurations do that every tenant has
/// (`…_DefaultLimit`, `…_WindowsRestore`).
pub(super) fn has_default_suffix(id: &str) -> bool {
    let Some((_, last)) = id.rsplit_once('_') else {
        return false;
    };
    let last = last.to_ascii_lowercase();
    last.starts_with("default") || last == "windowsrestore"
}

/// A policy of a list.
#[derive(Debug)]
pub(super) struct Listing {
    /// The policy, with the assignments that have come.
    pub(super) live: LivePolicy,
    /// How many of the assignments have come.
    pub(super) listed: ListedAssignments,
    /// Whether the policy says that it has assignments; many kinds do not say.
    pub(super) says_assigned: Option<bool>,
    /// What was sent; empty unless it is to be kept.
    pub(super) sent: Sent,
}

/// How many of a policy's assignments a list brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum ListedAssignments {
    /// All.
    Whole,
    /// Some; the others are behind a link.
    Cut(String),
    /// None; that says nothing of how many there are.
    Unread,
}

/// A policy as it was sent.
#[derive(Debug, Default)]
pub(super) struct Sent {
    /// Without its assignments.
    pub(super) properties: Object,
    /// Its assignments.
    pub(super) assignments: Vec<Object>,
}

/// What a page holds, and where the next one is.
type PageOf = (Vec<Listing>, Option<String>);

/// Returns what reads the pages of a kind's list one after the other, and keeps what a plan needs.
pub(super) fn pages(kind: PolicyKind) -> impl Fn(&[u8]) -> Result<PageOf, Misread> + Sync {
    let texts = Mutex::new(Texts::default());
    move |body| {
        let texts = &mut *texts.lock().unwrap_or_else(PoisonError::into_inner);
        page(kind, body, texts)
    }
}

/// Reads a page, and keeps what a plan needs. The objects of one page are there at a time.
pub(super) fn page(kind: PolicyKind, body: &[u8], texts: &mut Texts) -> Result<PageOf, Misread> {
    let page: Page<PolicyWire<'_>> = from_json(body)?;
    let policies = page.value.into_iter();
    let policies = policies.map(|policy| Listing::read(kind, policy, texts));
    Ok((policies.collect::<Result<_, _>>()?, page.next_link))
}

/// Reads a page, and keeps all of it.
pub(super) fn page_as_sent(kind: PolicyKind, body: &[u8]) -> Result<PageOf, Misread> {
    let page: Page<Object> = from_json(body)?;
    let mut texts = Texts::default();
    let policies = page.value.into_iter().map(|mut object| {
        let mut listing = Listing::read(kind, from_object(&object)?, &mut texts)?;
        if let Some(Value::Array(assignments)) = object.remove("assignments") {
            let objects = assignments.into_iter().filter_map(|value| match value {
                Value::Object(object) => Some(object),
                // Nothing else was read as an assignment.
                _ => None,
            });
            listing.sent.assignments = objects.collect();
        }
        listing.sent.properties = object;
        Ok(listing)
    });
    Ok((policies.collect::<Result<_, _>>()?, page.next_link))
}

impl Listing {
    fn read(
        kind: PolicyKind,
        mut policy: PolicyWire<'_>,
        texts: &mut Texts,
    ) -> Result<Self, Misread> {
        let spec = kind.spec();
        let id = required_id(policy.id.take())?.into_owned();
        let is_tenant_default = policy.is_tenant_default(spec, &id);
        let assignments = match policy.assignments.take() {
            // What takes no assignment need not be asked for any.
            _ if is_tenant_default => Some(Vec::new()),
            // Null is not a list that is empty.
            None => None,
            Some(assignments) => {
                let assignments = assignments.into_iter();
                let assignments = assignments.map(|wire| wire::assignment(wire, spec, texts));
                Some(assignments.collect::<Result<Vec<_>, _>>()?)
            }
        };
        let listed = match (&assignments, policy.assignments_next.take()) {
            (None, _) => ListedAssignments::Unread,
            (Some(_), Some(link)) => ListedAssignments::Cut(link),
            (Some(_), None) => ListedAssignments::Whole,
        };
        let says_assigned = policy.is_assigned;
        let variety = policy.variety();
        let odata_type = policy.odata_type.take();
        let platforms = policy.platforms(spec);
        let name = policy.name(spec).map_or_else(String::new, Cow::into_owned);
        let assignments = assignments.unwrap_or_default();
        let mut live = LivePolicy::new(kind, id, name, platforms, assignments);
        live.odata_type = odata_type.map(|Text(name)| texts.share(wire::short_type(&name)));
        live.variety = variety;
        live.is_tenant_default = is_tenant_default;
        Ok(Self {
            live,
            listed,
            says_assigned,
            sent: Sent::default(),
        })
    }

    /// Whether the list says that the policy has no assignments.
    pub(super) fn is_empty(&self) -> bool {
        self.listed == ListedAssignments::Whole
            && self.live.assignments.is_empty()
            && !self.live.is_tenant_default
    }

    /// Replaces the assignments that came with the list by those that were read one policy at a time.
    pub(super) fn set(&mut self, assignments: Vec<LiveAssignment>) {
        let (assignments, sent): (Vec<IdentifiedAssignment>, Vec<Object>) = assignments
            .into_iter()
            .map(|live| {
                let id = live.id.unwrap_or_default().into_boxed_str();
                ((live.assignment, id), live.raw)
            })
            .unzip();
        self.live.set_assignments(assignments);
        self.sent.assignments = sent;
        self.listed = ListedAssignments::Whole;
    }

    /// Returns the path of the policy's assignments.
    pub(super) fn path(&self) -> String {
        assignments_path(self.live.kind, &self.live.id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn kind() -> PolicyKind {
        PolicyKind::from_name("configurationPolicy").expect("a kind")
    }

    /// Anything that may stand where text should.
    fn odd() -> impl Strategy<Value = Option<Value>> {
        prop_oneof![
            2 => Just(None),
            1 => Just(Some(Value::Null)),
            1 => Just(Some(json!(1))),
            1 => Just(Some(json!({"a": [true, 1.5]}))),
            8 => "[aA\"\\\\ü-]{0,4}".prop_map(|text| Some(json!(text))),
        ]
    }

    fn object(fields: Vec<(&'static str, Option<Value>)>) -> Value {
        let fields = fields.into_iter();
        let there = fields.filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(there.collect())
    }

    fn assignment() -> impl Strategy<Value = Value> {
        let types = prop_oneof![
            Just(Some(json!("#microsoft.graph.groupAssignmentTarget"))),
            Just(Some(json!(
                "microsoft.graph.exclusionGroupAssignmentTarget"
            ))),
            Just(Some(json!("#microsoft.graph.allDevicesAssignmentTarget"))),
            Just(Some(json!("#microsoft.graph.novelTarget"))),
            odd(),
        ];
        let sources = prop_oneof![Just(Some(json!("policySets"))), odd()];
        let parts = (types, sources, odd(), odd(), odd(), odd(), odd(), odd());
        parts.prop_map(|(kind, source, set, id, group, filter, mode, novel)| {
            let target = object(vec![
                ("@odata.type", kind),
                ("zone", novel.clone()),
                ("groupId", group.clone()),
                ("collectionId", group),
                ("deviceAndAppManagementAssignmentFilterId", filter),
                ("deviceAndAppManagementAssignmentFilterType", mode),
            ]);
            object(vec![
                ("id", id),
                ("target", Some(target)),
                ("source", source),
                ("sourceId", set),
                ("novel", novel),
            ])
        })
    }

    #[test]
    fn what_comes_twice_is_not_known() {
        for twice in [
            r#"{"@odata.nextLink":"https://x/2","value":[],"@odata.nextLink":null}"#,
            r#"{"value":[{"id":"p","name":"P","assignments":[{}],"assignments":[]}]}"#,
            r#"{"value":[{"id":"p","name":"P","assignments":[{"target":{},"target":null}]}]}"#,
            r#"{"value":[],"value":[]}"#,
        ] {
            let read = page(kind(), twice.as_bytes(), &mut Texts::default());
            assert!(
                read.expect_err(twice)
                    .to_string()
                    .contains("duplicate field"),
                "{twice}"
            );
        }
    }

    #[test]
    fn a_wrong_type_is_said_with_its_place() {
        let body = json!({"value": [
            {"id": "1", "name": "One", "assignments": []},
            {"id": "2", "name": "Two", "assignments": [{"target": {"groupId": 1}}]},
        ]});
        let body = body.to_string();
        let misread = page(kind(), body.as_bytes(), &mut Texts::default()).expect_err("wrong");
        let message = misread.to_string();
        assert!(
            message.contains("`value[1].assignments[0].target.groupId`: invalid type: integer `1`, expected a string"),
            "{message}"
        );
        assert!(message.contains(r#""name":"Two""#), "{message}");
        assert!(matches!(misread, Misread::Shape(_)));
    }

    #[test]
    fn every_property_that_the_table_names_is_read() {
        let flags = |spec: &PolicyKindSpec| match spec.tenant_default {
            TenantDefault::Flag(name) => vec![(name, json!(true))],
            TenantDefault::Priority => vec![("priority", json!(0))],
            TenantDefault::None => vec![],
        };
        for kind in PolicyKind::all() {
            let spec = kind.spec();
            let mut policy = json!({"id": "1", spec.name_property: "One"});
            if let Platform::Property(name) = spec.platform {
                policy[name] = json!("here");
            }
            let read = |policy: &Value| {
                let body = json!({"value": [policy]}).to_string();
                let (mut policies, _) =
                    page(kind, body.as_bytes(), &mut Texts::default()).expect("a page");
                policies.pop().expect("a policy").live
            };
            let live = read(&policy);
            assert_eq!(&*live.name, "One", "{}", spec.name);
            let expected = matches!(spec.platform, Platform::Property(_)).then_some("here");
            assert_eq!(live.platforms.as_deref(), expected, "{}", spec.name);
            for (name, value) in flags(spec) {
                assert!(!live.is_tenant_default, "{}", spec.name);
                policy[name] = value;
                assert!(read(&policy).is_tenant_default, "{}", spec.name);
            }
        }
    }

    proptest! {
        /// What is read at once is what is read of objects that are kept; so are the faults.
        #[test]
        fn both_ways_read_the_same(
            assignments in prop_oneof![
                proptest::collection::vec(assignment(), 0..4).prop_map(|some| Some(Value::Array(some))),
                odd(),
            ],
            id in odd(),
            name in odd(),
            next in odd(),
        ) {
            let policy = object(vec![
                ("id", id.clone()),
                ("name", name.clone()),
                ("assignments", assignments),
                ("assignments@odata.nextLink", next),
                ("platforms", name),
                ("other", id),
            ]);
            let body = json!({"value": [policy]}).to_string();
            let mut texts = Texts::default();
            let read = page(kind(), body.as_bytes(), &mut texts);
            match (read, page_as_sent(kind(), body.as_bytes())) {
                (Ok((read, _)), Ok((kept, _))) => {
                    for (read, kept) in read.into_iter().zip(kept) {
                        prop_assert_eq!(read.live, kept.live);
                        prop_assert_eq!(read.listed, kept.listed);
                    }
                }
                (read, kept) => prop_assert!(read.is_err() && kept.is_err()),
            }
        }
    }
}
