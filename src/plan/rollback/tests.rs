use serde_json::Map;

use super::*;
use crate::model::Target;
use crate::plan::Selection;

fn group(id: &str) -> Assignment {
    Assignment::direct(Target::Group(id.into()))
}

fn from_set(id: &str) -> Assignment {
    let mut assignment = group(id);
    assignment.key.source = Source::PolicySets;
    assignment.source_id = Some("set".into());
    assignment
}

fn assignments_of(text: &str) -> Vec<Assignment> {
    let mut assignments: Vec<Assignment> = text
        .split_whitespace()
        .map(|word| match word.strip_suffix('@') {
            Some(id) => from_set(id),
            None => group(word),
        })
        .collect();
    assignments.sort();
    assignments
}

/// Says what becomes of a policy that was `before`, was to be `after`, and is `now`.
fn check(before: &str, after: &str, seen: bool, now: Option<&str>) -> String {
    let left = AppliedPolicy {
        shares_name: false,
        kind: PolicyKind::from_name("configurationPolicy").expect("a kind"),
        id: "p".to_owned(),
        name: "P".to_owned(),
        odata_type: None,
        remediation: Arc::default(),
        known_before: Arc::default(),
        recorded: Arc::default(),
        before: assignments_of(before),
        after: assignments_of(after),
        seen,
    };
    let live = now.map(|now| {
        let live = assignments_of(now)
            .into_iter()
            .map(|assignment| LiveAssignment {
                assignment,
                id: None,
                raw: Map::new(),
            });
        live.collect()
    });
    let inputs = PlanInputs {
        tenant_id: None,
        graph_url: "https://graph.example/beta",
        write_with: WriteWith::Auto,
        strict: false,
        selection: &Selection::default(),
    };
    let gone = References {
        groups: ["gone".to_owned()].into(),
        ..References::default()
    };
    let rollback = plan(&[left], &[live], &gone, &[], Names::default(), &inputs);
    match (
        rollback.draft.contents.policies.as_slice(),
        rollback.moved.as_slice(),
    ) {
        ([policy], []) => {
            let assignments = policy.after.iter().map(|assignment| {
                let set = if assignment.key.is_direct() { "" } else { "@" };
                format!(
                    "{}{set}",
                    assignment.key.target.group_id().unwrap_or_default()
                )
            });
            assignments.collect::<Vec<_>>().join(" ")
        }
        ([], [(_, reason)]) => format!("{reason:?}"),
        ([], []) if rollback.as_before == 1 => "as before".to_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_looks_as_before_is_left() {
    assert_eq!(check("a", "b", true, Some("a")), "as before");
    assert_eq!(check("a", "b", false, Some("a")), "as before");
    assert_eq!(check("", "b", false, Some("")), "as before");
}

#[test]
fn what_the_run_left_goes_back() {
    assert_eq!(check("a", "b", true, Some("b")), "a");
    assert_eq!(check("a", "b", false, Some("b")), "a");
    assert_eq!(check("", "a b", true, Some("a b")), "");
}

#[test]
fn what_moved_since_is_left_alone() {
    assert_eq!(check("a", "b", true, Some("b c")), "Moved");
    assert_eq!(check("a", "b", false, Some("c")), "Moved");
    assert_eq!(check("a", "b", true, None), "Deleted");
}

#[test]
fn f09_what_had_a_group_that_is_gone_is_left_alone() {
    let left = r#"Gone("group gone")"#;
    assert_eq!(check("a gone", "b", true, Some("b")), left);
    // What is gone and still assigned is not added.
    assert_eq!(check("a gone", "gone", true, Some("gone")), "a gone");
    assert_eq!(check("a", "gone", true, Some("gone")), "a");
}

#[test]
fn a_run_that_was_ended_half_way_is_known_by_its_steps() {
    // One by one: b comes, then a goes.
    assert_eq!(check("a", "b", false, Some("a b")), "a");
    // Where the run saw all of its assignments, half of them are someone else's doing.
    assert_eq!(check("a", "b", true, Some("a b")), "Moved");
}

#[test]
fn assignments_of_policy_sets_stay_as_they_are_now() {
    assert_eq!(check("a s@", "b s@", true, Some("b s@")), "a s@");
    // The service dropped them with the write; the rollback does not invent them.
    assert_eq!(check("a s@", "b s@", false, Some("b")), "a");
    assert_eq!(check("a", "b", true, Some("b s@")), "a s@");
    // Declared ones are the run's own, and stay all the same.
    assert_eq!(check("a", "a s@", true, Some("a s@")), "as before");
    assert_eq!(check("a", "b s@", true, Some("b s@")), "a s@");
}
