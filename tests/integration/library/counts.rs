//! Requests are counted: a plan without changes takes so many and no more, and so does a change.

use std::fmt::Write as _;
use std::path::Path;

use assignctl::manifest;
use assignctl::model::PolicyKind;
use assignctl::plan::Plan;
use assignctl::plan::needs::needs;
use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Collection, Tenant};

use super::support::tenants::{self, COMPLIANCE, wants};
use super::support::world::{World, applied, outcomes};

/// Reads the example manifests as texts, so that everything stays in this process.
fn examples() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests");
    let mut texts = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).expect("a manifest");
                let shown = path.strip_prefix(&root).expect("below the root");
                texts.push((shown.display().to_string(), text));
            }
        }
    }
    texts.sort();
    texts
}

/// What a plan without changes has to cost.
fn formula(texts: &[(String, String)], tenant: &Tenant) -> usize {
    let loaded = manifest::read_texts(texts.to_vec());
    let needs = needs(&loaded.manifest);
    let page = tenant.service.max_page_size;
    let pages = |number: usize| number.div_ceil(page).max(1);
    let policies: usize = needs
        .kinds
        .iter()
        .map(|kind| {
            let collection = collection(*kind);
            let number = tenant.policies(collection).len();
            let lists = match collection.segment() {
                "configurationPolicies" | "compliancePolicies" => pages(number),
                _ => 1,
            };
            // No list of these brings assignments; one request reads those of 20 policies.
            let sets = match collection.segment() {
                "termsAndConditions" => number.div_ceil(20),
                _ => 0,
            };
            lists + sets
        })
        .sum();
    let filters = if needs.filters {
        pages(tenant.assignment_filters.len())
    } else {
        0
    };
    let asked = needs.group_names.len().div_ceil(15) + needs.group_ids.len().div_ceil(15);
    policies + filters + asked.div_ceil(20)
}

fn collection(kind: PolicyKind) -> Collection {
    let path = kind.spec().collection;
    let segment = path.rsplit('/').next().expect("a segment");
    Collection::named(segment).expect("a collection of the emulator")
}

async fn plan_counted(world: &World, texts: &[(String, String)]) -> (Plan, usize) {
    let before = world.wire.log().len();
    let plan = world.try_plan_texts(texts.to_vec()).await.expect("a plan");
    (plan, world.wire.log().len() - before)
}

#[tokio::test(start_paused = true)]
async fn a_plan_of_the_examples_without_changes_takes_one_request_for_most_kinds() {
    let texts = examples();
    let world = World::new(Tenant::sample());
    let (plan, _) = plan_counted(&world, &texts).await;
    assert!(!plan.is_empty());
    let results = world.apply(&plan).await;
    assert!(results.is_good(), "{}", outcomes(&results));
    let (plan, number) = plan_counted(&world, &texts).await;
    assert!(plan.is_empty(), "{:?}", plan.summary());
    assert_eq!(number, formula(&texts, &world.tenant()));
    assert_eq!(number, 21);
}

#[tokio::test(start_paused = true)]
async fn the_formula_holds_for_other_page_sizes_and_for_other_names() {
    for (page, expected) in [(1, 175), (7, 41), (25, 25), (1000, 20)] {
        let texts = examples();
        let mut tenant = Tenant::sample();
        tenant.service.max_page_size = page;
        let world = World::new(tenant);
        let (plan, _) = plan_counted(&world, &texts).await;
        world.apply(&plan).await;
        let (plan, number) = plan_counted(&world, &texts).await;
        assert!(plan.is_empty(), "page {page}: {:?}", plan.summary());
        assert_eq!(number, formula(&texts, &world.tenant()), "page {page}");
        assert_eq!(number, expected, "page {page}");
    }
}

/// Makes a tenant with so many groups and a manifest that names some of them and knows others by id.
fn many_groups(names: usize, ids: usize) -> (Tenant, Vec<(String, String)>) {
    let mut tenant = tenants::tenant(1);
    let mut include = String::new();
    for number in 0..names + ids {
        let name = format!("SG-{number}");
        let id = tenant.add_group(&name);
        if number < names {
            let _ = writeln!(include, "      - group: {name}");
        } else {
            let _ = writeln!(include, "      - groupId: {id}");
        }
    }
    let text = format!(
        "version: 1\npolicies:\n  - kind: configurationPolicy\n    name: P 000\n    include:\n      - allDevices\n{include}"
    );
    (tenant, vec![("m.yaml".to_owned(), text)])
}

#[tokio::test(start_paused = true)]
async fn groups_are_asked_fifteen_at_a_time_and_twenty_questions_a_batch() {
    for (names, ids, expected) in [
        (0, 0, 1),
        (1, 0, 2),
        (15, 0, 2),
        (16, 0, 2),
        (15, 15, 2),
        (300, 0, 2),
        (301, 0, 3),
        (285, 15, 2),
        (286, 15, 3),
        (300, 1, 3),
        (400, 300, 4),
    ] {
        let (tenant, texts) = many_groups(names, ids);
        let world = World::new(tenant);
        let (plan, _) = plan_counted(&world, &texts).await;
        let results = world.apply(&plan).await;
        assert!(results.is_good(), "{names} {ids}: {}", outcomes(&results));
        let (plan, number) = plan_counted(&world, &texts).await;
        assert!(plan.is_empty());
        assert_eq!(number, formula(&texts, &world.tenant()), "{names} {ids}");
        assert_eq!(number, expected, "{names} {ids}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_question_is_a_get_and_more_are_a_batch() {
    for (names, path) in [(15, "/groups?"), (16, "/$batch")] {
        let (tenant, texts) = many_groups(names, 0);
        let world = World::new(tenant);
        plan_counted(&world, &texts).await;
        let log = world.wire.log();
        assert!(log.iter().any(|sent| sent.path.starts_with(path)));
        assert!(log.iter().all(|sent| sent.path.len() <= 2000));
    }
}

#[tokio::test(start_paused = true)]
async fn filters_are_read_only_where_one_is_named() {
    let world = World::new(Tenant::sample());
    world
        .try_plan("version: 1\npolicies:\n  - kind: compliancePolicy\n    match: '*'\n    include: [allDevices]\n    mode: additive\n")
        .await
        .expect("a plan");
    assert!(
        world
            .wire
            .log()
            .iter()
            .all(|sent| !sent.path.contains("/configurationPolicies"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_changed_policy_takes_two_reads_and_one_write() {
    for (write_with, groups) in [
        (WriteWith::Assign, vec!["A", "B"]),
        (WriteWith::Auto, vec!["A", "B"]),
        (WriteWith::Auto, vec!["B"]),
        (WriteWith::Create, vec!["A", "B"]),
    ] {
        let mut world = World::new(tenants::tenant(12));
        world.settings.write_with = write_with;
        let plan = world.plan(&wants("*", &groups)).await;
        let before = world.client.counts();
        let results = world.apply(&plan).await;
        assert_eq!(applied(&results), 12);
        let counts = world.client.counts();
        assert_eq!(counts.reads - before.reads, 24, "{write_with:?}");
        assert_eq!(counts.writes, 12, "{write_with:?}");
        assert_eq!((counts.retried, counts.throttled), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_create_route_costs_one_request_per_kind_and_run() {
    let mut tenant = tenants::tenant(30);
    for number in 0..30 {
        tenant.add_policy(COMPLIANCE, &format!("C {number}"), "linux");
    }
    tenant.service.create_route_missing = vec![
        "configurationPolicies".to_owned(),
        "compliancePolicies".to_owned(),
    ];
    let world = World::new(tenant);
    world.wire.latency(std::time::Duration::from_millis(40));
    let manifest = "version: 1\npolicies:\n  - kind: configurationPolicy\n    match: '*'\n    mode: additive\n    include:\n      - group: B\n  - kind: compliancePolicy\n    match: '*'\n    include:\n      - group: B\n";
    let plan = world.plan(manifest).await;
    let before = world.client.counts();
    let results = world.apply(&plan).await;
    assert_eq!(applied(&results), 60);
    let counts = world.client.counts();
    assert_eq!(counts.writes, 60 + 2);
    // After the refused create another look is due.
    assert_eq!(counts.reads - before.reads, 120 + 2);
    assert_eq!(world.writes_reached(), 62);
}
