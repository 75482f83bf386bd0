//! Every kind of the table against the sandbox, from the list to the rollback.

use std::collections::BTreeSet;

use assignctl::export;
use assignctl::kinds::{AssignmentProperties, FilterRule, Writing};
use assignctl::model::PolicyKind;
use assignctl::plan::guards::GuardRules;
use assignctl::plan::references::References;
use assignctl::plan::rollback::{self, AppliedPolicy};
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{PlanInputs, Selection};
use assignctl::report::{self, RecordedPolicy};
use assignctl::run::rollback::applied_policy;
use assignctl_sandbox::Assignment;
use serde_json::{Value, json};

use super::super::ordinary::{collection, of_what, said, tenant_with, wanted};
use super::support::wire::lock;
use super::support::world::{World, applied, outcomes};

fn rows(world: &World, kind: PolicyKind, id: &str) -> Vec<Assignment> {
    let tenant = world.tenant();
    let policy = tenant.policy(collection(kind), id).expect("a policy");
    policy.assignments.clone()
}

/// Plans the rollback of the latest run, and applies it.
pub(super) async fn go_back(world: &World, kind: PolicyKind) {
    let text = lock(&world.report).text();
    let recorded = report::read(text.as_bytes()).expect("a report");
    let left: Vec<AppliedPolicy> = recorded
        .policies
        .into_iter()
        .filter(RecordedPolicy::may_be_changed)
        .inspect(|policy| assert!(policy.name.is_some(), "a name"))
        .map(applied_policy)
        .collect();
    let ids: Vec<(PolicyKind, String)> = left
        .iter()
        .map(|left| (left.kind, left.id.clone()))
        .collect();
    let reader = world.reader();
    let live = reader.assignments_of(&ids).await.expect("rows");
    let live: Vec<_> = live.into_iter().collect::<Result<_, _>>().expect("rows");
    let inputs = PlanInputs {
        tenant_id: recorded.tenant_id,
        graph_url: reader.graph_url(),
        write_with: WriteWith::Auto,
        strict: false,
        selection: &Selection::default(),
    };
    let back = rollback::plan(
        &left,
        &live,
        &References::default(),
        &[],
        recorded.names,
        &inputs,
    );
    let (plan, _) = back.draft.finish(&GuardRules::default());
    let results = world.apply(&plan).await;
    assert_eq!(applied(&results), 1, "{kind}: {}", outcomes(&results));
}

/// Plans what is exported, and finds nothing to do.
pub(super) async fn export_is_planned_to_nothing(world: &World, kind: PolicyKind, policies: usize) {
    let live = world.reader().whole_tenant().await.expect("a tenant");
    let export = export::manifests(&live, None, |_| true);
    assert!(export.left_out.is_empty(), "{kind}: {:?}", export.left_out);
    let files = export.files.into_iter();
    let texts: Vec<_> = files.map(|file| (file.path, file.text)).collect();
    let plan = world.try_plan_texts(texts.clone()).await;
    let plan = plan.unwrap_or_else(|trouble| panic!("{kind}: {trouble:#?}\n{texts:#?}"));
    assert!(
        plan.is_empty(),
        "{kind}: {:#?}\n{texts:#?}",
        plan.changed().next()
    );
    assert_eq!(plan.policies.len(), policies, "{kind}");
}

async fn goes_all_the_way(kind: PolicyKind) {
    let (tenant, id) = tenant_with(kind);
    let world = World::new(tenant);
    let before = rows(&world, kind, &id);
    export_is_planned_to_nothing(&world, kind, 1).await;
    assert_eq!(world.writes_reached(), 0, "{kind}");

    let (manifest, expected) = wanted(kind);
    let plan = world.try_plan(&manifest).await;
    let plan = plan.unwrap_or_else(|trouble| panic!("{kind}: {trouble:#?}"));
    let results = world.apply(&plan).await;
    assert_eq!(applied(&results), 1, "{kind}: {:#?}", results.settled);
    let now = rows(&world, kind, &id);
    let found: BTreeSet<String> = now.iter().map(|row| said(&world.tenant(), row)).collect();
    let expected: BTreeSet<String> = expected.into_iter().map(str::to_owned).collect();
    assert_eq!(found, expected, "{kind}");
    let writes = match kind.spec().writing {
        Writing::Single => expected.len() as u64 + 1,
        _ => 1,
    };
    assert_eq!(world.writes_reached(), writes, "{kind}");

    // What was shown is what was sent.
    let shown = plan.policies[0].writes.iter();
    let shown: Vec<_> = shown
        .map(|write| (write.call.method(), write.path.clone()))
        .collect();
    let sent = world.wire.writes().into_iter();
    let sent: Vec<_> = sent.map(|sent| (sent.method, sent.path)).collect();
    assert_eq!(shown, sent, "{kind}");

    let again = world.plan(&manifest).await;
    assert!(again.is_empty(), "{kind}: {:#?}", again.changed().next());
    export_is_planned_to_nothing(&world, kind, 1).await;

    go_back(&world, kind).await;
    let back = rows(&world, kind, &id);
    let shape = |rows: &[Assignment]| -> Vec<(String, Value)> {
        rows.iter()
            .map(|row| {
                let mut said_beside = row.properties.clone();
                said_beside.remove("lastModifiedDateTime");
                if let Some(Value::Object(schedule)) = said_beside.get_mut("runSchedule") {
                    let time = schedule.get("time").and_then(Value::as_str);
                    let time = time.map(|time| time.trim_end_matches(".0000000").to_owned());
                    schedule.insert("time".to_owned(), json!(time));
                }
                (said(&world.tenant(), row), Value::Object(said_beside))
            })
            .collect()
    };
    assert_eq!(shape(&back), shape(&before), "{kind}");
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_listed_planned_written_read_back_exported_and_taken_back() {
    let mut kinds = 0;
    for kind in PolicyKind::all() {
        goes_all_the_way(kind).await;
        kinds += 1;
    }
    assert!(kinds > 25, "{kinds}");
}

#[tokio::test(start_paused = true)]
async fn filters_are_of_the_side_that_the_kind_manages() {
    for kind in PolicyKind::all() {
        let rule = kind
            .spec()
            .targets
            .of(Some(of_what(kind)), None, None)
            .filters;
        let (mut tenant, _) = tenant_with(kind);
        let filter = tenant.add_filter("F", "windows10AndLater", "(device.model -eq \"x\")");
        let apps = rule == FilterRule::Apps;
        if apps {
            for filter in &mut tenant.assignment_filters {
                let side = "assignmentFilterManagementType".to_owned();
                filter.properties.insert(side, json!("apps"));
                let platform = match kind.name() {
                    "iosManagedAppProtection" => "iOSMobileApplicationManagement",
                    "androidManagedAppProtection" => "androidMobileApplicationManagement",
                    _ => "windowsMobileApplicationManagement",
                };
                filter
                    .properties
                    .insert("platform".to_owned(), json!(platform));
            }
        }
        assert!(tenant.filter(&filter).is_some());
        let world = World::new(tenant);
        let said = match kind.spec().properties {
            AssignmentProperties::App => "\n    intent: required",
            _ => "",
        };
        let manifest = format!(
            "version: 1\npolicies:\n  - kind: {kind}\n    name: P{said}\n    include: [{{group: A, filter: F}}]\n"
        );
        let plan = match world.try_plan(&manifest).await {
            Ok(plan) => plan,
            // A filter for Windows on what is for iOS.
            Err(trouble) => {
                assert!(
                    format!("{trouble:?}").contains("filter-platform"),
                    "{kind}: {trouble:#?}"
                );
                continue;
            }
        };
        let mut found = plan.diagnostics.iter();
        let doubted = found.any(|found| {
            found.code == "filter-unsupported-kind" && found.summary.contains("no effect")
        });
        assert_eq!(
            doubted,
            rule == FilterRule::Unsupported,
            "{kind}: {:#?}",
            plan.diagnostics
        );
        if !doubted {
            let results = world.apply(&plan).await;
            assert_eq!(applied(&results), 1, "{kind}: {:#?}", results.settled);
        }
    }
}
