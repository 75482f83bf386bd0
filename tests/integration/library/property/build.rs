//! From numbers to a tenant, and from a tenant's rows to what they mean.

use std::collections::{BTreeMap, BTreeSet};

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Tenant, guid_from};
use serde_json::{Value, json};

use super::forms::{FORMS, Form};
use super::raw::{RawCase, RawPolicy, RawRow};

/// Group names as people give them; the last two are the same.
pub(super) const GROUPS: [&str; 14] = [
    "SG-Pilot",
    "SG-Win Ring 1",
    "It's & #1 + 50% (ü) 😀",
    "\"quoted\", back\\slash",
    "null",
    "- dash: colon # hash",
    "*",
    "Geräte/ÄÖ",
    "no",
    "1.10",
    " leading\tand\nmore",
    "gpj.\u{202e}exe",
    "SG-Twice",
    "SG-Twice",
];

/// Filter names; the last two are the same.
pub(super) const FILTERS: [&str; 5] = ["Corporate", "O'Neil & Co. #2", "ÜBER", "Two", "Two"];

pub(super) const NAMES: [&str; 19] = [
    "Win - A",
    "Win - B",
    "win - a",
    "Win - 'quoted' & #1 + 50%",
    "Mac/Ω",
    "Win - *",
    "Münster 😀",
    "null",
    "",
    "Win - A",
    "x: y",
    "  spaces  ",
    "no",
    "1.10",
    "two\nlines",
    "? [*] {a, b} - &x !y |z >",
    "gpj.\u{202e}exe\u{feff}",
    "---",
    "\u{a0}",
];

/// The group that is all users where a kind knows them as a group.
const ALL_USERS: &str = "acacacac-9df4-4c7d-9d50-4ef0226f57a9";

const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";

/// Who is meant, with ids in lower case.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Whom {
    Devices,
    Users,
    Group(String),
    Exclusion(String),
    Collection(String),
    /// Types that the program does not know, and that the sandbox takes.
    Fota(String),
    ScopeTag(String),
}

/// What makes an assignment the same one: whom, and whether it is from a policy set.
pub(crate) type Key = (Whom, bool);

/// The rest of what a manifest can ask for: the filter with "excludes", and the policy set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) filter: Option<(String, bool)>,
    pub(crate) set: Option<String>,
}

/// What is wanted of a policy.
#[derive(Clone, Debug, Default)]
pub(crate) struct Managed {
    pub(crate) additive: bool,
    pub(crate) wants: BTreeMap<Key, Want>,
    /// Who must not be there; a group stands for both sides.
    pub(crate) absent: BTreeSet<Whom>,
}

impl Whom {
    /// Returns the same for both sides of a group.
    pub(crate) fn either_side(&self) -> Self {
        match self {
            Self::Exclusion(id) => Self::Group(id.clone()),
            other => other.clone(),
        }
    }
}

pub(super) fn tenant(raw: &RawCase, write_with: WriteWith) -> Tenant {
    let mut tenant = Tenant::empty();
    for name in GROUPS {
        tenant.add_group(name);
    }
    for name in FILTERS {
        tenant.add_filter(name, "windows10AndLater", "(device.x -eq \"y\")");
    }
    tenant.service.max_page_size = raw.page;
    tenant.service.expand_limit = raw.expand_limit;
    tenant.service.read_after_write_lag = raw.lag;
    if write_with != WriteWith::Create {
        let missing = [
            (raw.no_create.0, "configurationPolicies"),
            (raw.no_create.1, "compliancePolicies"),
        ];
        let missing = missing.into_iter().filter(|(is_missing, _)| *is_missing);
        tenant.service.create_route_missing =
            missing.map(|(_, segment)| segment.to_owned()).collect();
    }
    for policy in &raw.policies {
        add_policy(&mut tenant, form(raw, policy.second), policy);
    }
    tenant
}

/// Returns one of the two kinds of a case.
pub(super) fn form(raw: &RawCase, second: bool) -> &'static Form {
    let (one, other) = raw.kinds;
    &FORMS[if second { other } else { one }]
}

fn add_policy(tenant: &mut Tenant, form: &Form, raw: &RawPolicy) {
    let collection = form.collection();
    let name = NAMES[usize::from(raw.name) % NAMES.len()];
    let id = tenant.add_policy(collection, name, form.of_what);
    let mut taken = BTreeSet::new();
    for row in &raw.rows {
        let set = row.set.filter(|_| form.sets);
        let whom = live_whom(tenant, form, row);
        if !taken.insert((slot(&whom), set.is_some())) {
            continue;
        }
        let target = live_target(tenant, form, &whom, row);
        let Some(policy) = tenant.policy_mut(collection, &id) else {
            continue;
        };
        match set {
            Some(set) => policy.assign_from_set(&set_id(set), target),
            None => policy.assign(target),
        }
        let Some(made) = policy.assignments.last_mut() else {
            continue;
        };
        made.properties = form.fresh();
        if form.kind == "mobileApp" {
            // The intent is part of the id.
            made.id = made.id.replace("_0_", "_1_");
        }
        if row.extra & 1 != 0 {
            let unknown = json!({"note": "kept, ü", "n": [1, null, {"a": 0.5}]});
            made.properties.insert("unknownToAll".to_owned(), unknown);
        }
    }
}

pub(crate) fn set_id(number: u8) -> String {
    guid_from(&format!("set {number}"))
}

/// Returns what the service has room for once per source: a group has one place, whatever is
/// done with it.
fn slot(whom: &Whom) -> String {
    match whom {
        Whom::Devices => "devices".to_owned(),
        Whom::Users => "users".to_owned(),
        Whom::Group(id)
        | Whom::Exclusion(id)
        | Whom::Collection(id)
        | Whom::Fota(id)
        | Whom::ScopeTag(id) => id.clone(),
    }
}

pub(super) fn group(tenant: &Tenant, index: u8) -> String {
    tenant.groups[usize::from(index) % GROUPS.len()].id.clone()
}

fn live_whom(tenant: &Tenant, form: &Form, row: &RawRow) -> Whom {
    let whom = match row.whom {
        0 => Whom::Devices,
        1 => Whom::Users,
        2 | 3 => Whom::Group(group(tenant, row.index)),
        4 => Whom::Exclusion(group(tenant, row.index)),
        5 => Whom::Collection(format!("MEM0000{}", row.index % 3)),
        6 => Whom::Fota(guid_from(&format!("fota {}", row.index % 2))),
        7 => Whom::ScopeTag(guid_from(&format!("scope {}", row.index % 2))),
        // A group that has been deleted since.
        _ => Whom::Group(guid_from("gone")),
    };
    if form.takes(&whom) {
        whom
    } else {
        Whom::Group(group(tenant, row.index))
    }
}

fn live_target(tenant: &Tenant, form: &Form, whom: &Whom, row: &RawRow) -> Value {
    let case = |id: &str| {
        if row.upper_case {
            id.to_uppercase()
        } else {
            id.to_owned()
        }
    };
    let (name, property) = match whom {
        Whom::Devices => ("allDevices", None),
        Whom::Users if form.virtual_users => ("group", Some(("groupId", ALL_USERS.to_owned()))),
        Whom::Users => ("allLicensedUsers", None),
        Whom::Group(id) => ("group", Some(("groupId", case(id)))),
        Whom::Exclusion(id) => ("exclusionGroup", Some(("groupId", case(id)))),
        Whom::Collection(id) => (
            "configurationManagerCollection",
            Some(("collectionId", id.clone())),
        ),
        Whom::Fota(id) => ("androidFotaDeployment", Some(("groupId", id.clone()))),
        Whom::ScopeTag(id) => ("scopeTagGroup", Some(("entraObjectId", id.clone()))),
    };
    let mut target = json!({"@odata.type": format!("#microsoft.graph.{name}AssignmentTarget")});
    if let Some((property, id)) = property {
        target[property] = json!(id);
    }
    let spelling = match (whom, row.filter) {
        (Whom::Exclusion(_), filter) => filter % 4,
        (_, filter) if !form.filters => filter % 4,
        (_, filter) => filter,
    };
    match spelling {
        0 => {}
        1 => {
            target[FILTER_ID] = Value::Null;
            target[FILTER_TYPE] = json!("none");
        }
        2 => {
            target[FILTER_ID] = json!("");
            target[FILTER_TYPE] = json!("none");
        }
        3 => {
            target[FILTER_ID] = json!("00000000-0000-0000-0000-000000000000");
            target[FILTER_TYPE] = json!("none");
        }
        number => {
            let filter = usize::from(number) % FILTERS.len();
            target[FILTER_ID] = json!(case(&tenant.assignment_filters[filter].id));
            target[FILTER_TYPE] = json!(if number > 6 { "exclude" } else { "include" });
        }
    }
    if row.extra & 2 != 0 {
        target["mystery"] = json!({"deep": [row.index, "x"]});
    }
    if row.extra & 4 != 0 && *whom == Whom::Devices {
        target["targetedFor"] = json!("nobody knows");
    }
    target
}

/// Reads a sandbox row back into what it means.
pub(crate) fn meaning(row: &assignctl_sandbox::Assignment) -> (Key, Want) {
    let text = |name: &str| {
        let value = row.target.get(name).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    };
    let id = |name: &str| text(name).to_lowercase();
    let whom = match text("@odata.type").trim_start_matches("#microsoft.graph.") {
        "allDevicesAssignmentTarget" => Whom::Devices,
        "allLicensedUsersAssignmentTarget" => Whom::Users,
        "groupAssignmentTarget" if id("groupId") == ALL_USERS => Whom::Users,
        "groupAssignmentTarget" => Whom::Group(id("groupId")),
        "exclusionGroupAssignmentTarget" => Whom::Exclusion(id("groupId")),
        "configurationManagerCollectionAssignmentTarget" => Whom::Collection(text("collectionId")),
        "androidFotaDeploymentAssignmentTarget" => Whom::Fota(id("groupId")),
        "scopeTagGroupAssignmentTarget" => Whom::ScopeTag(id("entraObjectId")),
        other => panic!("a target that no test made: {other}"),
    };
    let filter = match (id(FILTER_ID), text(FILTER_TYPE)) {
        (id, mode) if id.is_empty() || id.starts_with("00000000-") || mode == "none" => None,
        (id, mode) => Some((id, mode == "exclude")),
    };
    let from_set = row.source == "policySets";
    let set = row.source_id.clone().filter(|_| from_set);
    ((whom, from_set), Want { filter, set })
}
