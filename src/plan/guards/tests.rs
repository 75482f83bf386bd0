use super::*;
use crate::model::{Filter, FilterMode, PolicyKind, Properties};
use crate::plan::members::{Members, PolicyMembers};
use crate::plan::reach::{DevicesAndUsers, Reach};

fn assignment(target: Target) -> Assignment {
    Assignment::direct(target)
}

fn group(id: usize) -> Assignment {
    assignment(Target::Group(id.to_string().into()))
}

fn exclusion(id: usize) -> Assignment {
    assignment(Target::ExclusionGroup(id.to_string().into()))
}

fn filtered(target: Target) -> Assignment {
    Assignment {
        filter: Some(Filter {
            id: "f".into(),
            mode: FilterMode::Include,
        }),
        ..assignment(target)
    }
}

fn from_set(id: usize) -> Assignment {
    let mut assignment = group(id);
    assignment.key.source = Source::PolicySets;
    assignment
}

fn policy(before: Vec<Assignment>, after: Vec<Assignment>) -> PlannedPolicy {
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let called = (kind, "p".to_owned(), "P".into());
    PlannedPolicy::between(called, before.into(), after.into())
}

fn judged<'a>(policies: &'a [PlannedPolicy], names: &'a Names) -> GuardInput<'a> {
    GuardInput {
        policies,
        names,
        tenant_id: Some("tenant"),
        total: None,
        members: None,
        changed_tenants: None,
    }
}

/// Returns the words of the guards that refuse.
fn refused(policies: &[PlannedPolicy], rules: &GuardRules) -> String {
    let names = Names::default();
    let guards = evaluate(&judged(policies, &names), rules);
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
        check(
            vec![assignment(Target::AllUsers)],
            vec![assignment(Target::AllUsers)]
        ),
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
    // Assignments of policy sets neither go away nor thin the share out.
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
        (vec![], vec![assignment(all.clone())], "broad-target"),
        (vec![], vec![filtered(all.clone())], ""),
        (
            vec![filtered(all.clone())],
            vec![assignment(all.clone())],
            "broad-target",
        ),
        (
            vec![assignment(all.clone())],
            vec![filtered(all.clone())],
            "",
        ),
        // It was broad before.
        (
            vec![assignment(all.clone())],
            vec![Assignment {
                properties: Properties::new(vec![("settings".into(), "1".into())]),
                ..assignment(all)
            }],
            "",
        ),
        (
            vec![group(1), exclusion(2)],
            vec![group(1)],
            "exclusion-lost",
        ),
        (
            vec![group(1), exclusion(2)],
            vec![exclusion(2)],
            "unassigned",
        ),
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
fn f34_a_policy_that_includes_nobody_any_more_is_unassigned() {
    let unknown = || {
        assignment(Target::Other {
            odata_type: "novelAssignmentTarget".into(),
            properties: "{}".into(),
        })
    };
    let collection = || assignment(Target::Collection("C".into()));
    for (before, after, expected) in [
        (vec![group(1)], vec![exclusion(1)], "unassigned"),
        (
            vec![filtered(Target::AllDevices), exclusion(2)],
            vec![exclusion(2)],
            "unassigned",
        ),
        (vec![group(1), unknown()], vec![unknown()], "unassigned"),
        (
            vec![collection(), exclusion(2)],
            vec![exclusion(2), exclusion(3)],
            "unassigned",
        ),
        (
            vec![group(1), exclusion(2)],
            vec![collection(), exclusion(2)],
            "",
        ),
        // No one was meant before either.
        (vec![exclusion(2)], vec![exclusion(2), exclusion(3)], ""),
        (vec![], vec![exclusion(2)], ""),
    ] {
        assert_eq!(
            check(before.clone(), after.clone()),
            expected,
            "{before:?} {after:?}"
        );
    }
}

#[test]
fn f34_a_group_that_does_not_exist_keeps_no_policy_assigned() {
    let mut names = Names::default();
    names.add_missing_group("1".to_owned());
    let tripped = |before: Vec<Assignment>, after: Vec<Assignment>| {
        let policies = [policy(before, after)];
        let guards = evaluate(&judged(&policies, &names), &GuardRules::default());
        let tripped = guards.iter().filter(|guard| guard.tripped);
        tripped
            .map(|guard| guard.name.name())
            .collect::<Vec<_>>()
            .join(" ")
    };
    let (missing, there) = (group(1), group(2));
    assert_eq!(
        tripped(vec![missing.clone(), there.clone()], vec![missing.clone()]),
        "unassigned"
    );
    assert_eq!(
        tripped(vec![missing.clone(), exclusion(3)], vec![exclusion(3)]),
        "unassigned"
    );
    assert_eq!(tripped(vec![missing.clone()], vec![missing, there]), "");
}

#[test]
fn what_a_report_recorded_as_the_state_before_is_restored_without_a_guard() {
    let mut restored = policy(
        vec![group(1), exclusion(2)],
        vec![assignment(Target::AllDevices), group(1)],
    );
    assert_eq!(
        refused(
            std::slice::from_ref(&restored),
            &GuardRules {
                max_policies: 0,
                ..GuardRules::default()
            }
        ),
        "policies broad-target exclusion-lost"
    );
    restored.restores = true;
    let strictest = GuardRules {
        max_policies: 0,
        max_removals: RemovalLimit::Count(0),
        ..GuardRules::default()
    };
    assert_eq!(refused(&[restored], &strictest), "");
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
    let names = Names::default();
    let unknown = GuardInput {
        tenant_id: None,
        ..judged(&[], &names)
    };
    let unknown = evaluate(&unknown, &rules("tenant"));
    assert!(unknown.iter().any(Guard::refuses));
}

/// Devices and users count together; what is not known is not let through.
#[test]
fn the_policies_that_lose_more_members_than_the_limit_are_at_fault() {
    let names = Names::default();
    let rules = GuardRules {
        max_members_lost: Some(5),
        ..GuardRules::default()
    };
    for (devices, users, is_refused) in [
        (Some(2), Some(2), false),
        (Some(2), Some(3), false),
        (Some(3), Some(3), true),
        (Some(0), None, true),
    ] {
        let policies = [policy(vec![group(1)], vec![])];
        let mut members = Members::default();
        let reach = Reach {
            gained: DevicesAndUsers::default(),
            lost: DevicesAndUsers { devices, users },
            exact: true,
            reason: None,
        };
        let counted = PolicyMembers {
            changes: Vec::new(),
            reach: Some(reach),
        };
        members.add(&policies[0], counted);
        let judged = GuardInput {
            members: Some(&members),
            ..judged(&policies, &names)
        };
        let guard = evaluate_one(GuardName::Reach, &judged, &rules).expect("it is judged");
        assert_eq!(guard.refuses(), is_refused, "{guard:?}");
        assert_eq!(guard.policies.len(), usize::from(is_refused), "{guard:?}");
    }
}

/// A policy at the limit is not at fault for another that is beyond it.
#[test]
fn only_policies_beyond_the_limit_of_reach_are_at_fault() {
    let names = Names::default();
    let policies = ["at it", "beyond it"].map(|id| PlannedPolicy {
        id: id.to_owned(),
        ..policy(vec![group(1)], vec![])
    });
    let rules = GuardRules {
        max_members_lost: Some(5),
        ..GuardRules::default()
    };
    let mut members = Members::default();
    for (policy, devices) in policies.iter().zip([5, 6]) {
        let lost = DevicesAndUsers {
            devices: Some(devices),
            users: Some(0),
        };
        let reach = Reach {
            gained: DevicesAndUsers::default(),
            lost,
            exact: true,
            reason: None,
        };
        let counted = PolicyMembers {
            changes: Vec::new(),
            reach: Some(reach),
        };
        members.add(policy, counted);
    }
    let judged = GuardInput {
        members: Some(&members),
        ..judged(&policies, &names)
    };
    let guard = evaluate_one(GuardName::Reach, &judged, &rules).expect("it is judged");
    assert_eq!(guard.policies, [policies[1].reference()]);
}

#[test]
fn removal_limits_are_read() {
    assert_eq!(RemovalLimit::parse("25%"), Some(RemovalLimit::Percent(25)));
    assert_eq!(RemovalLimit::parse("0"), Some(RemovalLimit::Count(0)));
    for wrong in ["", "%", "-1", "101%", "a", "2.5%"] {
        assert_eq!(RemovalLimit::parse(wrong), None, "{wrong}");
    }
}

/// What plans and reports say of each guard: its limit, what it saw, and what accepts that.
#[test]
fn guards_say_their_limits_what_they_saw_and_what_accepts_it() {
    let names = Names::default();
    let policies = [policy(vec![group(1)], vec![])];
    let judged = GuardInput {
        changed_tenants: Some(3),
        ..judged(&policies, &names)
    };
    let rules = GuardRules {
        max_members_lost: Some(5),
        max_tenants: Some(2),
        tenant_id: Some("named".to_owned()),
        ..GuardRules::default()
    };
    let said = GuardName::ALL.into_iter().filter_map(|name| {
        let guard = evaluate_one(name, &judged, &rules)?;
        let Guard { observation, .. } = &guard;
        let (limit, seen) = (observation.limit(), observation.observed());
        let accept = guard.acceptance().unwrap_or_default();
        assert!(guard.name.about().contains(' '), "{}", guard.name.about());
        Some(format!("{} {limit} | {seen} | {accept}", name.name()))
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            "removals 25% | 1 of 1 | --allow removals",
            "policies 50 | 1 | --allow policies",
            "broad-target 0 | 0 | --allow broad-target",
            "exclusion-lost 0 | 0 | --allow exclusion-lost",
            "unassigned 0 | 1 | --allow unassigned",
            "reach 5 | cannot be judged | --allow reach",
            "tenants 2 | 3 | --allow tenants",
            "tenant named | tenant | ",
        ]
    );
}

#[test]
fn the_total_is_read_as_removals_are_written() {
    let removals = Observation::Removals {
        removed: 3,
        total: 12,
        limit: RemovalLimit::Count(3),
    };
    assert_eq!(removals.observed(), "3 of 12");
    assert_eq!(total_of("3 of 12"), Some(12));
    for other in ["", "3", "3 of", "of 12", "x of 12"] {
        assert_eq!(total_of(other), None, "{other}");
    }
}
