use std::sync::Arc;

use super::*;
use crate::manifest::Mode;
use crate::model::{Filter, FilterMode, PolicyKind, Rows, Source, Target};
use crate::plan::changes;

fn row(target: Target) -> Assignment {
    Assignment::direct(target)
}

fn group(id: usize) -> Assignment {
    row(Target::Group(id.to_string().into()))
}

fn exclusion(id: usize) -> Assignment {
    row(Target::ExclusionGroup(id.to_string().into()))
}

fn filtered(target: Target) -> Assignment {
    Assignment {
        filter: Some(Filter {
            id: "f".into(),
            mode: FilterMode::Include,
        }),
        ..row(target)
    }
}

fn from_set(id: usize) -> Assignment {
    let mut assignment = group(id);
    assignment.key.source = Source::PolicySets;
    assignment
}

fn policy(before: Vec<Assignment>, after: Vec<Assignment>) -> PlannedPolicy {
    PlannedPolicy {
        kind: PolicyKind::from_name("configurationPolicy").expect("a kind"),
        id: "p".to_owned(),
        name: "P".into(),
        mode: Mode::Exact,
        manifest: Arc::default(),
        changes: changes(&before, &after),
        before: before.into(),
        after: after.into(),
        untouched: Rows::default(),
        writes: Vec::new(),
    }
}

/// Returns the words of the guards that refuse.
fn refused(policies: &[PlannedPolicy], rules: &GuardRules) -> String {
    let guards = evaluate(policies, Some("tenant"), rules);
    let names: Vec<&str> = guards
        .iter()
        .filter(|guard| guard.refuses())
        .map(|guard| guard.name.name())
        .collect();
    names.join(" ")
}

fn check(before: Vec<Assignment>, after: Vec<Assignment>) -> String {
    refused(&[policy(before, after)], &GuardRules::default())
}

#[test]
fn nothing_to_do_trips_nothing() {
    assert_eq!(refused(&[], &GuardRules::default()), "");
    assert_eq!(
        check(vec![row(Target::AllUsers)], vec![row(Target::AllUsers)]),
        ""
    );
}

#[test]
fn a_share_of_removals_counts_from_ten_up() {
    let groups = |range: std::ops::Range<usize>| range.map(group).collect::<Vec<_>>();
    assert_eq!(check(groups(0..10), groups(0..1)), "");
    assert_eq!(check(groups(0..11), groups(0..1)), "removals");
    assert_eq!(check(groups(0..40), groups(0..30)), "");
    assert_eq!(check(groups(0..39), groups(0..29)), "removals");
    let count = |most| GuardRules {
        max_removals: RemovalLimit::Count(most),
        ..GuardRules::default()
    };
    let two_go = [policy(groups(0..3), groups(0..1))];
    assert_eq!(refused(&two_go, &count(2)), "");
    assert_eq!(refused(&two_go, &count(1)), "removals");
    // Rows of policy sets neither go away nor thin the share out.
    let mut before = groups(0..39);
    before.extend((100..200).map(from_set));
    let mut after = groups(0..29);
    after.extend((100..200).map(from_set));
    assert_eq!(check(before, after), "removals");
}

#[test]
fn each_guard_sees_its_own() {
    let all = Target::AllDevices;
    for (before, after, expected) in [
        (vec![], vec![row(all.clone())], "broad-target"),
        (vec![], vec![filtered(all.clone())], ""),
        (
            vec![filtered(all.clone())],
            vec![row(all.clone())],
            "broad-target",
        ),
        (vec![row(all.clone())], vec![filtered(all)], ""),
        (
            vec![group(1), exclusion(2)],
            vec![group(1)],
            "exclusion-lost",
        ),
        (vec![group(1), exclusion(2)], vec![exclusion(2)], ""),
        (vec![exclusion(2)], vec![], "unassigned"),
        (vec![group(1)], vec![], "unassigned"),
        (vec![group(1), from_set(2)], vec![from_set(2)], "unassigned"),
        (vec![], vec![group(1)], ""),
    ] {
        assert_eq!(
            check(before.clone(), after.clone()),
            expected,
            "{before:?} {after:?}"
        );
    }
}

#[test]
fn fifty_policies_may_change() {
    let many = |number| vec![policy(vec![], vec![group(1)]); number];
    assert_eq!(refused(&many(50), &GuardRules::default()), "");
    assert_eq!(refused(&many(51), &GuardRules::default()), "policies");
    let accepted = GuardRules {
        accepted: vec![GuardName::Policies],
        ..GuardRules::default()
    };
    assert_eq!(refused(&many(51), &accepted), "");
}

#[test]
fn another_tenant_is_never_accepted() {
    let rules = |tenant: &str| GuardRules {
        tenant_id: Some(tenant.to_owned()),
        accepted: GuardName::ALL.to_vec(),
        ..GuardRules::default()
    };
    assert_eq!(refused(&[], &rules("TENANT")), "");
    assert_eq!(refused(&[], &rules("other")), "tenant");
    let unknown = evaluate(&[], None, &rules("tenant"));
    assert!(unknown.iter().any(Guard::refuses));
}

#[test]
fn removal_limits_are_read() {
    assert_eq!(RemovalLimit::parse("25%"), Some(RemovalLimit::Percent(25)));
    assert_eq!(RemovalLimit::parse("0"), Some(RemovalLimit::Count(0)));
    for wrong in ["", "%", "-1", "101%", "a", "2.5%"] {
        assert_eq!(RemovalLimit::parse(wrong), None, "{wrong}");
    }
}
