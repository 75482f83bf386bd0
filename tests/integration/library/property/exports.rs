//! Whatever the tenant: a plan of its export has nothing to do, and a plan against its snapshot is the
//! plan against itself.

use std::collections::BTreeSet;

use assignctl::export::{self, Export};
use assignctl::plan::Plan;
use assignctl::render::clean::clean;
use assignctl_sandbox::{Assignment, Collection, Policy, Tenant, guid_from};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Case, policies, raw};
use crate::library::support::world::{Trouble, World, in_virtual_time};

const PLATFORMS: [&str; 6] = ["windows10", "macOS", "none", "iOS,macOS", "linux", "../x"];

const FILTER_ID: &str = "deviceAndAppManagementAssignmentFilterId";
const FILTER_TYPE: &str = "deviceAndAppManagementAssignmentFilterType";

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        max_shrink_iters: 4000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_of_an_export_has_nothing_to_do(
        raw in raw::case(),
        platforms in vec(0..PLATFORMS.len(), 9),
        odd in vec((any::<u8>(), 0..5_u8), 0..4),
    ) {
        let mut tenant = Case::new(&raw).tenant;
        set_platforms(&mut tenant, &platforms);
        let mut inexpressible = BTreeSet::new();
        for (policy, oddity) in odd {
            make_odd(&mut tenant, policy, oddity, &mut inexpressible);
        }
        in_virtual_time(check_export(tenant, &inexpressible));
    }

    #[test]
    fn a_plan_against_a_snapshot_is_the_plan_against_the_tenant(raw in raw::case()) {
        in_virtual_time(check_snapshot(&Case::new(&raw)));
    }
}

fn set_platforms(tenant: &mut Tenant, platforms: &[usize]) {
    for collection in Collection::all() {
        for (policy, platform) in tenant.policies_mut(collection).iter_mut().zip(platforms) {
            let platforms = json!(PLATFORMS[*platform]);
            policy.properties.insert("platforms".to_owned(), platforms);
        }
    }
}

/// Gives a policy of the catalog a row that the service should not have. Notes the policy if no manifest
/// can ask for the row.
fn make_odd(tenant: &mut Tenant, policy: u8, oddity: u8, inexpressible: &mut BTreeSet<String>) {
    let filter = tenant.assignment_filters[0].id.clone();
    let count = tenant.policies(Collection::CONFIGURATION_POLICIES).len();
    if count == 0 {
        return;
    }
    let policy =
        &mut tenant.policies_mut(Collection::CONFIGURATION_POLICIES)[usize::from(policy) % count];
    let (kind, property, id, filter, mode) = match oddity {
        // A filter that has been deleted since, or that the sign-in does not see.
        0 => (
            "group",
            "groupId",
            guid_from("odd"),
            guid_from("gone"),
            "include",
        ),
        1 => (
            "exclusionGroup",
            "groupId",
            guid_from("odd 1"),
            filter,
            "include",
        ),
        2 => ("group", "groupId", guid_from("odd 2"), filter, "perhaps"),
        3 => ("group", "groupId", "no GUID".to_owned(), filter, "include"),
        _ => (
            "configurationManagerCollection",
            "collectionId",
            " ".to_owned(),
            filter,
            "include",
        ),
    };
    if oddity != 0 {
        inexpressible.insert(policy.id.clone());
    }
    let target = json!({
        "@odata.type": format!("#microsoft.graph.{kind}AssignmentTarget"),
        property: id,
        FILTER_ID: filter,
        FILTER_TYPE: mode,
    });
    let same = |known: &Value| *known == target;
    if !policy
        .assignments
        .iter()
        .any(|row| same(&Value::Object(row.target.clone())))
    {
        policy.assign(target);
    }
}

async fn check_export(tenant: Tenant, inexpressible: &BTreeSet<String>) {
    let world = World::new(tenant.clone());
    let live = world.reader().whole_tenant().await.expect("a tenant");
    let Export {
        files, left_out, ..
    } = export::manifests(&live, None, |_| true);
    let left_out: BTreeSet<String> = left_out.into_iter().map(|policy| policy.id).collect();
    assert_eq!(left_out, *inexpressible);
    let exported = policies(&tenant).count() - left_out.len();
    if files.is_empty() {
        assert_eq!(exported, 0);
        return;
    }
    for file in &files {
        for line in file.text.lines() {
            assert_eq!(clean(line), line);
        }
        let plain = |character: char| character.is_ascii_alphanumeric() || "-/".contains(character);
        let stem = file.path.strip_suffix(".yaml").expect("a manifest");
        assert!(stem.chars().all(plain), "{stem}");
        assert!(stem.split('/').all(|part| !part.is_empty()), "{stem}");
    }
    let documents: Vec<&str> = files.iter().map(|file| file.text.as_str()).collect();
    let documents = documents.join("---\n");
    let texts = files.into_iter().map(|file| (file.path, file.text));
    for texts in [
        texts.collect(),
        vec![("all.yaml".to_owned(), documents.clone())],
    ] {
        let plan = match world.try_plan_texts(texts).await {
            Ok(plan) => plan,
            Err(trouble) => panic!("{trouble:#?}\n{documents}"),
        };
        assert!(plan.is_empty(), "{:#?}\n{documents}", plan.changed().next());
        assert_eq!(plan.policies.len(), exported, "{documents}");
    }
    // No one was asked to write, and the same tenant is written down alike.
    assert_eq!(world.writes_reached(), 0);
    let again = world.reader().whole_tenant().await.expect("a tenant");
    let again = export::manifests(&again, None, |_| true).files;
    let again: Vec<&str> = again.iter().map(|file| file.text.as_str()).collect();
    assert_eq!(again.join("---\n"), documents);
}

async fn check_snapshot(case: &Case) {
    let world = World::new(case.tenant.clone());
    let raw = world.reader().raw_tenant().await.expect("a tenant");
    let state = export::snapshot::state(&raw, &case.tenant.tenant_id);
    let copy = Tenant::from_json(&state).expect("a state file");
    assert_eq!(names(&copy), names(&case.tenant));
    for ((_, policy), (_, copied)) in sorted(&case.tenant).into_iter().zip(sorted(&copy)) {
        assert_eq!(copied.id, policy.id);
        assert_eq!(copied.name, policy.name);
        assert_eq!(copied.assignments, served(policy));
        for (property, value) in &policy.properties {
            assert_eq!(copied.properties.get(property), Some(value), "{property}");
        }
    }
    let of_copy = World::new(copy).try_plan_texts(case.texts.clone()).await;
    let of_tenant = world.try_plan_texts(case.texts.clone()).await;
    assert_eq!(outcome(of_copy), outcome(of_tenant));
}

fn outcome(planned: Result<Plan, Trouble>) -> Result<Plan, String> {
    planned.map_err(|trouble| format!("{trouble:?}"))
}

/// A policy's assignments as the service has them: without a filter, its properties are there.
fn served(policy: &Policy) -> Vec<Assignment> {
    let mut rows = policy.assignments.clone();
    for row in &mut rows {
        row.target.entry(FILTER_ID).or_insert(Value::Null);
        row.target
            .entry(FILTER_TYPE)
            .or_insert_with(|| json!("none"));
    }
    rows
}

/// Policies by id, since a list of them comes by name.
fn sorted(tenant: &Tenant) -> Vec<(Collection, &Policy)> {
    let mut all: Vec<_> = policies(tenant).collect();
    all.sort_by_key(|(_, policy)| &policy.id);
    all
}

fn names(tenant: &Tenant) -> BTreeSet<(String, String)> {
    let groups = tenant
        .groups
        .iter()
        .map(|group| (&group.id, &group.display_name));
    let filters = tenant
        .assignment_filters
        .iter()
        .map(|filter| (&filter.id, &filter.display_name));
    groups
        .chain(filters)
        .map(|(id, name)| (id.clone(), name.clone()))
        .collect()
}
