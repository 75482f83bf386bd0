//! Live assignments as one HTML file that opens without a network.
//!
//! The data stands in the page as JSON, in which no character is markup, and the script sets it as text
//! only. The policy in the page's head lets nothing run or load but this style and this script.

use std::collections::HashMap;
use std::fmt::Write as _;

use aws_lc_rs::digest::{SHA256, digest};
use azure_core::base64;
use serde::Serialize;

use super::super::clean::{clean, is_unsafe};
use super::super::phrases::{count, group, named_filter, target};
use super::super::properties::shown;
use super::{Listing, OfTenant, is_effective, name_of, reached_all, subject_name, summary_naming};
use crate::kinds::properties::unescaped;
use crate::model::{Assignment, Source};
use crate::plan::inventory::{Inventory, InventoryPolicy, Listed};

const PAGE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Data {
    about: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    /// Whether it was asked what reaches someone.
    subject: bool,
    policies: Vec<PolicyData>,
    targets: Vec<TargetData>,
    rows: Vec<RowData>,
}

#[derive(Serialize)]
struct PolicyData {
    #[serde(skip_serializing_if = "Option::is_none")]
    tenant: Option<String>,
    kind: &'static str,
    name: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platforms: Option<String>,
}

/// The targets of assignments; a group is the same whether it is included or excluded.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
struct TargetData {
    /// All users and all devices come first.
    rank: u8,
    r#type: &'static str,
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowData {
    policy: usize,
    /// `None` for a policy without an assignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<usize>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    exclude: bool,
    #[serde(skip_serializing_if = "String::is_empty")]
    filter: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    more: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    via: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    excluded_by: String,
}

/// Draws the page; for several tenants, with a column for the tenant. `made_at` is the time that it says.
pub fn page(Listing { tenants, missing }: &Listing, made_at: &str) -> String {
    let (about, missing) = match (tenants.as_slice(), missing) {
        (
            [
                OfTenant {
                    found, unavailable, ..
                },
            ],
            None,
        ) => {
            let tenant = clean(found.tenant_id.as_deref().unwrap_or("unknown"));
            let whose = match &found.subject {
                Some(subject) => format!(" · {}", subject_name(found, subject)),
                None => String::new(),
            };
            let summary = summary_naming("", found);
            let unread = unavailable.join(", ");
            (
                format!("Tenant {tenant}{whose} · read {made_at} by assignctl · {summary}"),
                (!unavailable.is_empty()).then(|| format!("the sign-in cannot read {unread}")),
            )
        }
        (several, missing) => {
            let tenants = count(several.len(), "tenant", "tenants");
            let missing = missing.as_ref().filter(|missing| !missing.is_empty());
            (
                format!("{tenants} · read {made_at} by assignctl"),
                missing.map(|missing| format!("{} could not be read", missing.join(", "))),
            )
        }
    };
    let warning = missing.map(|missing| format!("Not complete: {missing}."));
    draw(&data(tenants, about, warning))
}

fn draw(data: &Data) -> String {
    let hash = |text: &str| {
        let digest = digest(&SHA256, text.as_bytes());
        format!("sha256-{}", base64::encode(digest.as_ref()))
    };
    // The data comes last: what it holds is not looked at again.
    PAGE.replace("{{style-hash}}", &hash(STYLE))
        .replace("{{script-hash}}", &hash(SCRIPT))
        .replace("{{style}}", STYLE)
        .replace("{{script}}", SCRIPT)
        .replace("{{data}}", &harmless(data))
}

/// Writes a value as JSON that can stand in a page: what HTML, a terminal or a build service would act
/// upon is escaped, and can only be in its texts.
fn harmless(data: &Data) -> String {
    // Structs of texts and numbers always serialise.
    let json = serde_json::to_string(data).unwrap_or_default();
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if matches!(character, '<' | '>' | '&' | '#') || is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                // Writing to a string cannot fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

fn data(tenants: &[OfTenant], about: String, warning: Option<String>) -> Data {
    let all = tenants.iter().flat_map(|tenant| {
        let policies = tenant.found.policies.iter();
        let rows = policies.flat_map(|policy| &policy.assignments);
        rows.map(move |row| target_of(tenant, &row.assignment))
    });
    let mut targets: Vec<TargetData> = all.collect();
    targets.sort();
    targets.dedup();
    let by_target: HashMap<TargetData, usize> = targets.iter().cloned().zip(0..).collect();
    let (mut policies, mut rows) = (Vec::new(), Vec::new());
    for tenant in tenants {
        let inventory = &tenant.found;
        // Where someone's assignments are asked for, or those with a filter, a policy without such is not
        // "not assigned".
        let is_whole = inventory.subject.is_none() && inventory.filter.is_none();
        for policy in &inventory.policies {
            if policy.assignments.is_empty() && !is_whole {
                continue;
            }
            let number = policies.len();
            policies.push(policy_of(tenant.name.as_deref(), policy));
            if policy.assignments.is_empty() {
                rows.push(RowData {
                    policy: number,
                    ..RowData::default()
                });
            }
            rows.extend(policy.assignments.iter().map(|row| {
                let target = by_target.get(&target_of(tenant, &row.assignment)).copied();
                row_of(number, target, inventory, row)
            }));
        }
    }
    Data {
        about,
        warning,
        subject: tenants.iter().any(|tenant| is_effective(&tenant.found)),
        policies,
        targets,
        rows,
    }
}

fn policy_of(tenant: Option<&str>, policy: &InventoryPolicy) -> PolicyData {
    let text = |text: &str| clean(text).into_owned();
    PolicyData {
        tenant: tenant.map(text),
        kind: policy.policy.kind.name(),
        name: name_of(policy),
        id: text(&policy.policy.id),
        r#type: policy.odata_type.as_deref().map(text),
        platforms: policy.platforms.as_deref().map(text),
    }
}

fn row_of(policy: usize, target: Option<usize>, inventory: &Inventory, row: &Listed) -> RowData {
    let filter = row.assignment.filter.as_ref();
    let filter = filter.map(|filter| named_filter(filter, &inventory.names));
    RowData {
        policy,
        target,
        exclude: row.assignment.key.target.is_exclusion(),
        filter: filter.unwrap_or_default(),
        more: more(&row.assignment),
        via: reached_all(inventory, &row.via, true),
        excluded_by: reached_all(inventory, &row.excluded_by, true),
    }
}

/// Returns the target of an assignment. Groups of several tenants that are called alike are one column.
fn target_of(tenant: &OfTenant, row: &Assignment) -> TargetData {
    let (of, names) = (&row.key.target, &tenant.found.names);
    let id = of.id().filter(|_| tenant.name.is_none());
    TargetData {
        rank: match (of.is_broad(), of.group_id()) {
            (true, _) => 0,
            (false, Some(_)) => 1,
            (false, None) => 2,
        },
        r#type: of.group_id().map_or("other", |_| "group"),
        name: match (of.type_name(), of.group_id()) {
            ("allUsers", _) => "All users".to_owned(),
            ("allDevices", _) => "All devices".to_owned(),
            (_, Some(id)) => group(id, names),
            (_, None) => target(&Assignment::direct(of.clone()), names),
        },
        id: id.map(|id| clean(id).into_owned()),
    }
}

/// Says what an assignment says besides its target and filter.
fn more(row: &Assignment) -> String {
    let intent = row.key.variant.as_deref();
    let intent = intent.map(|text| clean(text).into_owned());
    let source = (row.key.source != Source::Direct).then(|| {
        let id = row.source_id.as_deref().unwrap_or_default();
        format!("{} {}", clean(row.key.source.name()), clean(id))
    });
    let properties = shown(&row.properties)
        .map(|(name, value)| format!("{} {}", clean(&unescaped(name)), clean(value)));
    let parts = intent.into_iter().chain(source).chain(properties);
    parts.collect::<Vec<_>>().join(", ")
}
