//! Tests: what is kept of a tenant whose file is too large to be replaced at each change.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::super::journal;
use super::super::target::{all_devices, all_users, group};
use super::*;

/// A folder with a state file, and a service that keeps every change in a journal.
struct Kept {
    folder: tempfile::TempDir,
    policies: Vec<String>,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut tenant = Tenant::empty();
        let policies = ["A", "B", "C"].map(|name| tenant.add_policy(CATALOG, name, "windows10"));
        fs::write(folder.path().join("tenant.json"), tenant.to_json()).expect("a writable folder");
        Self {
            folder,
            policies: policies.to_vec(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("tenant.json")
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("tenant.json.journal")
    }

    fn open(&self) -> Result<Service, StateError> {
        let (store, tenant) = Store::open(&self.path(), 0)?;
        let machine = Machine::new(tenant, "http://base".to_owned());
        Ok(Service::new(machine, Some(store)))
    }

    /// Opens the service for a run that ends without being able to do anything more.
    fn until_killed(&self) -> Service {
        self.open().expect("its own files")
    }

    /// How many rows each policy has in the file alone.
    fn in_file(&self) -> Vec<usize> {
        let text = fs::read_to_string(self.path()).expect("the file");
        self.rows(&Tenant::from_json(&text).expect("its own text"))
    }

    fn rows(&self, tenant: &Tenant) -> Vec<usize> {
        let policies = self.policies.iter();
        let policies = policies.map(|id| tenant.policy(CATALOG, id).expect("it is there"));
        policies.map(|policy| policy.assignments.len()).collect()
    }

    /// How many rows each policy has after the files were opened and given back.
    fn reopened(&self) -> Vec<usize> {
        let service = self.open().expect("its own files");
        service.with_machine(|machine| self.rows(machine.tenant()))
    }

    async fn assign(&self, service: &Service, policy: usize, rows: usize) -> u16 {
        let targets = [all_devices(), all_users(), group(&guid_from("g"))];
        let rows: Vec<Value> = targets
            .into_iter()
            .take(rows)
            .map(|target| json!({ "target": target }))
            .collect();
        self.assign_rows(service, policy, &rows).await
    }

    async fn assign_rows(&self, service: &Service, policy: usize, rows: &[Value]) -> u16 {
        use tower::ServiceExt;

        let path = catalog(&self.policies[policy], "/assign");
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

/// Takes the place of `kill -9`: what is on disk now is all that the next process finds.
fn kill(kept: &Kept, service: Service) {
    let copy = tempfile::tempdir().expect("a folder");
    let copied = |name: &Path| copy.path().join(name.file_name().expect("a name"));
    for file in [kept.path(), kept.journal()] {
        if file.exists() {
            fs::copy(&file, copied(&file)).expect("a readable file");
        }
    }
    drop(service);
    for file in [kept.path(), kept.journal()] {
        fs::remove_file(&file).ok();
        if copied(&file).exists() {
            fs::copy(copied(&file), &file).expect("a writable folder");
        }
    }
}

#[tokio::test]
async fn changes_survive_the_process_and_are_folded_in_when_it_ends_or_begins() {
    let kept = Kept::new();
    let service = kept.until_killed();
    assert_eq!(kept.assign(&service, 0, 2).await, 200);
    assert_eq!(kept.assign(&service, 1, 1).await, 200);
    assert_eq!(kept.assign(&service, 0, 3).await, 200);
    // Far larger files than this one are not written for each change.
    assert_eq!(kept.in_file(), [0, 0, 0]);
    kill(&kept, service);
    assert!(kept.journal().exists());
    assert_eq!(kept.in_file(), [0, 0, 0]);
    assert_eq!(kept.reopened(), [3, 1, 0]);
    assert!(!kept.journal().exists());
    assert_eq!(kept.in_file(), [3, 1, 0]);

    let service = kept.open().expect("its own files");
    assert_eq!(kept.assign(&service, 2, 1).await, 200);
    drop(service);
    assert!(!kept.journal().exists());
    assert_eq!(kept.in_file(), [3, 1, 1]);
}

#[tokio::test]
async fn a_journal_that_was_cut_anywhere_gives_what_was_whole() {
    let kept = Kept::new();
    let file = fs::read(kept.path()).expect("the file");
    let service = kept.until_killed();
    let mut ends = Vec::new();
    for rows in 1..=3 {
        assert_eq!(kept.assign(&service, 0, rows).await, 200);
        ends.push(fs::metadata(kept.journal()).expect("it is there").len());
    }
    kill(&kept, service);
    let journal = fs::read(kept.journal()).expect("the journal");
    let first: Value = journal
        .split(|byte| *byte == b'\n')
        .next()
        .and_then(|line| serde_json::from_slice(line).ok())
        .expect("a first line");
    let state = first["state"].as_str().expect("the state's name");
    let before = Tenant::from_json(&String::from_utf8_lossy(&file)).expect("its own text");
    for cut in 0..=journal.len() {
        let whole = ends.iter().filter(|end| **end <= cut as u64).count();
        // What a disk makes of a line that was never synced.
        let mut torn = journal[..cut].to_vec();
        torn.extend(vec![0; journal.len() - cut]);
        for left in [&journal[..cut], &torn] {
            let mut tenant = before.clone();
            journal::replay(left, state, &mut tenant).expect("its own journal");
            assert_eq!(kept.rows(&tenant), [whole, 0, 0], "{cut}");
        }
    }
    fs::write(kept.journal(), &journal[..journal.len() - 1]).expect("a writable folder");
    assert_eq!(kept.reopened(), [2, 0, 0]);
    assert!(!kept.journal().exists());
}

#[tokio::test]
async fn a_journal_with_a_line_that_is_damaged_is_refused_and_left_alone() {
    let kept = Kept::new();
    let service = kept.until_killed();
    for rows in 1..=3 {
        assert_eq!(kept.assign(&service, 0, rows).await, 200);
    }
    kill(&kept, service);
    let journal = fs::read_to_string(kept.journal()).expect("the journal");
    let mut lines: Vec<String> = journal.lines().map(|line| format!("{line}\n")).collect();
    lines[2] = lines[2].replacen(':', "=", 1);
    let damaged = lines.concat();
    fs::write(kept.journal(), &damaged).expect("a writable folder");
    let error = kept.open().expect_err("a damaged line").to_string();
    assert!(error.contains("line 3 cannot be read"), "{error}");
    assert_eq!(
        fs::read_to_string(kept.journal()).expect("it is there"),
        damaged
    );
}

#[tokio::test]
async fn killed_between_the_new_file_and_the_end_of_the_journal_nothing_is_done_twice() {
    let kept = Kept::new();
    let service = kept.until_killed();
    assert_eq!(kept.assign(&service, 0, 2).await, 200);
    // The journal as it is at its very end, with the file that takes its place.
    let spy = fs::File::open(kept.journal()).expect("the journal");
    drop(service);
    assert!(!kept.journal().exists());
    let mut journal = String::new();
    std::io::Read::read_to_string(&mut &spy, &mut journal).expect("it is still open");
    assert!(
        journal
            .lines()
            .last()
            .is_some_and(|line| line.contains("folded"))
    );
    fs::write(kept.journal(), journal).expect("a writable folder");
    assert_eq!(kept.reopened(), [2, 0, 0]);
    assert!(!kept.journal().exists());
}

#[tokio::test]
async fn killed_while_a_journal_that_was_found_is_folded_nothing_is_lost() {
    for torn in [&b""[..], b"{\"rows\":{\"collec"] {
        let kept = Kept::new();
        let service = kept.until_killed();
        assert_eq!(kept.assign(&service, 0, 2).await, 200);
        kill(&kept, service);
        let before = fs::read(kept.path()).expect("the file");
        let mut journal = fs::read(kept.journal()).expect("the journal");
        journal.extend(torn);
        fs::write(kept.journal(), journal).expect("a writable folder");
        let spy = fs::File::open(kept.journal()).expect("the journal");
        drop(kept.open().expect("its own files"));
        assert!(!kept.journal().exists());
        let mut journal = Vec::new();
        std::io::Read::read_to_end(&mut &spy, &mut journal).expect("it is still open");
        // After the new file has taken its place, and before.
        let after = fs::read(kept.path()).expect("the file");
        for state in [&after, &before] {
            fs::write(kept.path(), state).expect("a writable folder");
            fs::write(kept.journal(), &journal).expect("a writable folder");
            assert_eq!(kept.reopened(), [2, 0, 0]);
            assert!(!kept.journal().exists());
        }
    }
}

#[tokio::test]
async fn a_journal_of_another_state_is_refused_and_both_are_left_alone() {
    let kept = Kept::new();
    let service = kept.until_killed();
    assert_eq!(kept.assign(&service, 0, 2).await, 200);
    kill(&kept, service);
    let edited = Tenant::empty().to_json();
    fs::write(kept.path(), &edited).expect("a writable folder");
    let error = kept.open().expect_err("another state").to_string();
    assert!(error.contains("tenant.json.journal"), "{error}");
    assert!(kept.journal().exists());
    assert_eq!(fs::read_to_string(kept.path()).expect("the file"), edited);
    // Without the file, the journal is good for nothing.
    fs::remove_file(kept.path()).expect("the file");
    drop(kept.open().expect("the sample"));
    assert!(!kept.journal().exists());
}

#[tokio::test]
async fn a_journal_does_not_outgrow_its_file() {
    let kept = Kept::new();
    let service = kept.open().expect("its own files");
    let size = |path: PathBuf| fs::metadata(path).map_or(0, |file| file.len());
    for number in 0..20 {
        assert_eq!(kept.assign(&service, number % 3, 3).await, 200);
        assert!(size(kept.journal()) <= 2 * size(kept.path()) + 2000);
    }
    assert_eq!(kept.in_file(), [3, 3, 3]);
}

#[tokio::test]
async fn what_a_test_does_behind_the_clients_backs_is_kept_as_well() {
    let kept = Kept::new();
    let service = kept.until_killed();
    assert_eq!(kept.assign(&service, 0, 2).await, 200);
    service.with_machine(|machine| {
        let tenant = machine.tenant_mut();
        let policy = tenant.policy_mut(CATALOG, &kept.policies[1]);
        policy.expect("it is there").assign(all_users());
    });
    kill(&kept, service);
    assert_eq!(kept.in_file(), [2, 1, 0]);
    assert!(!kept.journal().exists());
}

#[tokio::test]
async fn no_row_is_taken_that_goes_too_deep_to_be_read_again() {
    let kept = Kept::new();
    let mut taken = 0;
    for depth in 90..140 {
        let novel = (0..depth).fold(json!(1), |inner, _| json!([inner]));
        let row = json!({ "target": all_users(), "novel": novel });
        let service = kept.until_killed();
        let status = kept.assign_rows(&service, 0, &[row]).await;
        taken += usize::from(status == 200);
        assert!(status == 200 || status == 400, "{depth}: {status}");
        kill(&kept, service);
        assert_eq!(kept.reopened(), [1, 0, 0], "{depth}");
        assert_eq!(kept.reopened(), [1, 0, 0], "{depth}");
    }
    assert_eq!(taken, 8);
}

#[tokio::test]
async fn many_writers_wait_for_the_disk_together() {
    let kept = Kept::new();
    let service = kept.until_killed();
    let writes = (0..30).map(|number| kept.assign(&service, number % 3, 1 + number % 2));
    let statuses = futures::future::join_all(writes).await;
    assert!(statuses.iter().all(|status| *status == 200));
    let expected = service.with_machine(|machine| kept.rows(machine.tenant()));
    kill(&kept, service);
    assert_eq!(kept.reopened(), expected);
}
