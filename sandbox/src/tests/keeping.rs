//! Tests: when a change is in the state file.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::json;

use super::*;
use crate::target::{all_devices, all_users};

/// A folder with a state file.
struct Kept {
    folder: tempfile::TempDir,
    policy: String,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tenant = Tenant::empty();
        let policy = tenant.add_policy(CATALOG, "A", "windows10");
        fs::write(folder.path().join("tenant.json"), tenant.to_json()).expect("a writable folder");
        Self { folder, policy }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tenant.json")
    }

    /// Opens the file; it is small up to so many bytes.
    fn open(&self, small: u64) -> Service {
        let (store, tenant) = Store::open(&self.path(), small).expect("its own file");
        let machine = Machine::new(tenant, "http://base".to_owned());
        Service::new(machine, Some(store))
    }

    /// How many rows the policy has in the file.
    fn in_file(&self) -> usize {
        let text = fs::read_to_string(self.path()).expect("the file");
        let tenant = Tenant::from_json(&text).expect("its own text");
        let policy = tenant.policy(CATALOG, &self.policy).expect("it is there");
        policy.assignments.len()
    }

    async fn assign(&self, service: &Service, rows: &[Value]) -> u16 {
        use tower::ServiceExt;

        let path = catalog(&self.policy, "/assign");
        let request = axum::http::Request::post(format!("http://base/beta{path}"))
            .header("authorization", "Bearer x")
            .header("content-type", "application/json")
            .body(axum::body::Body::from(
                json!({ "assignments": rows }).to_string(),
            ))
            .expect("a request");
        let answer = service.router().oneshot(request).await;
        answer.expect("an answer").status().as_u16()
    }
}

fn row(target: Value) -> Value {
    json!({ "target": target })
}

#[tokio::test(start_paused = true)]
async fn a_large_file_is_written_once_a_second_and_at_the_end() {
    let kept = Kept::new();
    let service = kept.open(0);
    let one = [row(all_users())];
    let two = [row(all_users()), row(all_devices())];
    assert_eq!(kept.assign(&service, &one).await, 200);
    assert_eq!(kept.in_file(), 1);
    assert_eq!(kept.assign(&service, &two).await, 200);
    assert_eq!(kept.in_file(), 1);
    // No one has to come by for the rest.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(kept.in_file(), 2);
    assert_eq!(kept.assign(&service, &one).await, 200);
    assert_eq!(kept.assign(&service, &[]).await, 200);
    assert_eq!(kept.in_file(), 2);
    drop(service);
    assert_eq!(kept.in_file(), 0);
}

#[tokio::test]
async fn a_small_file_is_written_before_each_answer() {
    let kept = Kept::new();
    let service = kept.open(u64::MAX);
    for rows in [&[row(all_users())][..], &[], &[row(all_devices())]] {
        assert_eq!(kept.assign(&service, rows).await, 200);
        assert_eq!(kept.in_file(), rows.len());
    }
    service.with_machine(|machine| {
        let policy = machine.tenant_mut().policy_mut(CATALOG, &kept.policy);
        policy.expect("it is there").assign(all_users());
    });
    assert_eq!(kept.in_file(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn a_change_that_cannot_be_saved_is_not_answered_for() {
    let kept = Kept::new();
    let service = kept.open(u64::MAX);
    // A folder in the place of the file cannot be replaced by one.
    fs::remove_file(kept.path()).expect("the file");
    fs::create_dir_all(kept.path().join("x")).expect("a writable folder");
    assert_eq!(kept.assign(&service, &[row(all_users())]).await, 500);
    fs::remove_dir_all(kept.path()).expect("the folder");
    drop(service);
    assert_eq!(kept.in_file(), 1);
}

#[tokio::test]
async fn no_row_is_taken_that_goes_too_deep_to_be_read_again() {
    let kept = Kept::new();
    let mut taken = 0;
    for depth in 90..140 {
        let novel = (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let row = json!({ "target": all_users(), "novel": novel });
        let service = kept.open(u64::MAX);
        // What it has shown it takes.
        service.with_machine(|machine| {
            let policy = machine.tenant_mut().policy_mut(CATALOG, &kept.policy);
            let policy = policy.expect("it is there");
            policy.assignments.clear();
            policy.assign_with(all_devices(), json!({"novel": 1}));
        });
        let status = kept.assign(&service, &[row]).await;
        taken += usize::from(status == 200);
        assert!(status == 200 || status == 400, "{depth}: {status}");
        drop(service);
        assert_eq!(kept.in_file(), 1, "{depth}");
    }
    assert_eq!(taken, 8);
}
