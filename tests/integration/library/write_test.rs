//! `doctor --try-writes` where writes show late: what may show later is left to `rollback`.

use assignctl::exit::Exit;
use assignctl::graph::record::Recorder;
use assignctl::report;
use assignctl::run::apply::ApplyRun;
use assignctl::run::doctor::Examined;
use assignctl::run::write_test::{WriteTestRequest, WriteTestResult, prepare};
use assignctl::service::{Diagnosis, State};

use super::support::runs::service_settings;
use super::support::tenants::{all_rows, tenant};
use super::support::world::{Silent, World};

/// Tries on the only policy, and returns what came of it with the report.
async fn tried(world: &World) -> (WriteTestResult, Vec<u8>) {
    let request = WriteTestRequest {
        policy: "P 000",
        kinds: &[],
        group: Some("C"),
        several: false,
        tenant_id: None,
    };
    let write_test = prepare(&world.client, &request, &world.stop)
        .await
        .expect("a policy");
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("r.jsonl");
    let mut run = ApplyRun::new(Some(&path), None).expect("a report");
    run.connected(&world.client);
    let service = service_settings();
    write_test
        .begin(&mut run, &service)
        .await
        .expect("a report");
    let recorder = Recorder::default();
    let mut examined = Examined {
        diagnosis: Diagnosis::new(Vec::new(), true),
        exchanges: Vec::new(),
    };
    let kept = (&recorder, &mut examined);
    let going = write_test.go(
        (&mut run, &world.client),
        &service,
        kept,
        &Silent,
        &world.stop,
    );
    let tried = going.await.expect("an outcome");
    run.finish(tried.exit).expect("a report");
    (tried, std::fs::read(&path).expect("the report"))
}

#[tokio::test(start_paused = true)]
async fn a_policy_is_as_it_was() {
    for lag in [0.0, 3.0] {
        let mut tenant = tenant(1);
        tenant.service.read_after_write_lag = lag;
        let world = World::new(tenant);
        let (tried, _) = tried(&world).await;
        assert!(tried.restored, "{tried:?}");
        assert_eq!(tried.exit, Exit::Success);
        assert_eq!(all_rows(&world.tenant()), ["A"]);
        assert_eq!(world.writes_reached(), 4);
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_show_later_is_left_to_rollback() {
    let mut tenant = tenant(1);
    tenant.service.read_after_write_lag = 5000.0;
    let world = World::new(tenant);
    let (tried, report) = tried(&world).await;
    // A look shows the policy as it was, and that proves nothing.
    assert!(!tried.restored, "{tried:?}");
    assert_eq!(tried.exit, Exit::Partial);
    let mut findings = tried.findings.iter();
    let late = findings.find(|found| found.assumption.id == "read-after-write");
    assert_eq!(late.map(|found| found.state), Some(State::Differs));
    let recorded = report::read(&report).expect("a report");
    assert_eq!(recorded.policies.len(), 1);
    assert!(recorded.policies[0].may_be_changed());
    assert_eq!(recorded.policies[0].before.len(), 1);
    assert_eq!(recorded.policies[0].after.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_interrupted_trial_begins_nothing() {
    let world = World::new(tenant(1));
    let request = WriteTestRequest {
        policy: "P 000",
        kinds: &[],
        group: None,
        several: false,
        tenant_id: None,
    };
    world.stop.cancel();
    let failure = prepare(&world.client, &request, &world.stop)
        .await
        .expect_err("interrupted");
    assert_eq!(failure.exit, Exit::Interrupted);
    assert_eq!(world.writes_reached(), 0);
}
