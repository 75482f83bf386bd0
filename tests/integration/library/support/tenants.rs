//! Small tenants, and short words for what is in them.

use assignctl_sandbox::{Collection, Tenant, target};
use serde_json::{Value, json};

pub(crate) const CATALOG: Collection = Collection::CONFIGURATION_POLICIES;
pub(crate) const COMPLIANCE: Collection = Collection::COMPLIANCE_POLICIES;

/// Makes a tenant with the groups `A`, `B` and `C`, and with policies `P 000`, `P 001` and so on
/// that are assigned to `A`.
pub(crate) fn tenant(policies: usize) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 1_000_000;
    let group = tenant.add_group("A");
    tenant.add_group("B");
    tenant.add_group("C");
    for number in 0..policies {
        let id = tenant.add_policy(CATALOG, &name(number), "windows10");
        assign(&mut tenant, CATALOG, &id, target::group(&group));
    }
    tenant
}

/// Gives each policy of the catalog a row from a policy set as well.
pub(crate) fn tenant_with_set_rows(policies: usize) -> Tenant {
    let mut tenant = tenant(policies);
    let group = group_id(&tenant, "C");
    for policy in tenant.policies_mut(CATALOG) {
        policy.assign_from_set("a set", target::group(&group));
    }
    tenant
}

pub(crate) fn name(number: usize) -> String {
    format!("P {number:03}")
}

pub(crate) fn group_id(tenant: &Tenant, name: &str) -> String {
    let found = tenant
        .groups
        .iter()
        .find(|group| group.display_name == name);
    found.expect("a group of that name").id.clone()
}

pub(crate) fn assign(tenant: &mut Tenant, collection: Collection, id: &str, target: Value) {
    let policy = tenant.policy_mut(collection, id);
    policy.expect("a policy of that id").assign(target);
}

/// A manifest that wants the groups, and nothing else, on all policies of the catalog that a glob
/// matches.
pub(crate) fn wants(glob: &str, groups: &[&str]) -> String {
    manifest("configurationPolicy", glob, "exact", groups)
}

/// One entry by glob, with groups to include.
pub(crate) fn manifest(kind: &str, glob: &str, mode: &str, groups: &[&str]) -> String {
    let rows: Vec<String> = groups
        .iter()
        .map(|group| format!("      - group: {}\n", json!(group)))
        .collect();
    let include = if rows.is_empty() {
        "    include: []\n".to_owned()
    } else {
        format!("    include:\n{}", rows.concat())
    };
    format!(
        "version: 1\npolicies:\n  - kind: {kind}\n    match: {}\n    mode: {mode}\n{include}",
        json!(glob)
    )
}

/// Says a policy's rows in short: the type's first letter, the group's name, `@` for a policy
/// set; sorted.
pub(crate) fn rows(tenant: &Tenant, collection: Collection, id: &str) -> String {
    let policy = tenant.policy(collection, id).expect("a policy of that id");
    let mut rows: Vec<String> = policy
        .assignments
        .iter()
        .map(|row| {
            let kind = row.target["@odata.type"].as_str().unwrap_or_default();
            let kind = kind.trim_start_matches("#microsoft.graph.");
            let group = row.target.get("groupId").and_then(Value::as_str);
            let group = group.and_then(|id| tenant.group(id));
            let set = if row.source == "direct" { "" } else { "@" };
            let whom = group.map_or(kind, |group| group.display_name.as_str());
            let not = if kind.starts_with("exclusion") {
                "!"
            } else {
                ""
            };
            format!("{not}{whom}{set}")
        })
        .collect();
    rows.sort();
    rows.join(" ")
}

/// The rows of all policies of the catalog, in their order.
pub(crate) fn all_rows(tenant: &Tenant) -> Vec<String> {
    let policies = tenant.policies(CATALOG).iter();
    policies
        .map(|policy| rows(tenant, CATALOG, &policy.id))
        .collect()
}
