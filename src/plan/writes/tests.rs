use super::*;
use crate::model::{Filter, FilterMode, PolicyKind, Source, Target};

fn assignment(target: Target) -> Assignment {
    Assignment::direct(target)
}

fn group(id: &str) -> Assignment {
    assignment(Target::Group(id.into()))
}

fn exclusion(id: &str) -> Assignment {
    assignment(Target::ExclusionGroup(id.into()))
}

fn policy(before: &[Assignment], after: &[Assignment]) -> PlannedPolicy {
    let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
    let called = (kind, "p".to_owned(), "P".into());
    PlannedPolicy {
        untouched: after
            .iter()
            .filter(|assignment| {
                assignment.key.source == Source::PolicySets && before.contains(assignment)
            })
            .cloned()
            .collect(),
        ..PlannedPolicy::between(called, before.into(), after.into())
    }
}

fn check(before: &[Assignment], after: &[Assignment], write_with: WriteWith) -> String {
    let policy = policy(before, after);
    check_steps(&policy, &steps(&policy, write_with))
}

fn check_steps(policy: &PlannedPolicy, all: &[Step]) -> String {
    if let Some(last) = all.last() {
        let mut sorted = policy.after.to_vec();
        sorted.sort();
        let mut after = last.after.to_vec();
        after.sort();
        assert_eq!(after, sorted);
    }
    all.iter()
        .map(|step| match &step.action {
            StepAction::Create(assignment) => {
                format!("create {}", assignment.key.target.type_name())
            }
            StepAction::Delete(assignment) => {
                format!("delete {}", assignment.key.target.type_name())
            }
            StepAction::Assign => format!("assign {}", policy.whole_set().len()),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

#[test]
fn nothing_to_change_is_nothing_to_write() {
    for way in WriteWith::ALL {
        assert_eq!(check(&[group("a")], &[group("a")], way), "");
    }
}

#[test]
fn a_single_addition_is_one_create_and_all_else_one_assign() {
    let auto = WriteWith::Auto;
    assert_eq!(check(&[], &[group("a")], auto), "create group");
    assert_eq!(check(&[group("a")], &[], auto), "assign 0");
    assert_eq!(check(&[], &[group("a"), group("b")], auto), "assign 2");
    assert_eq!(check(&[], &[group("a")], WriteWith::Assign), "assign 1");
}

#[test]
fn one_by_one_reach_is_never_wider_than_planned() {
    let before = [group("a"), exclusion("b")];
    let after = [group("c"), exclusion("d")];
    assert_eq!(
        check(&before, &after, WriteWith::Create),
        "create exclusionGroup, create group, delete group, delete exclusionGroup"
    );
    // The same group changes sides: there is room for one assignment only.
    assert_eq!(
        check(&[group("a")], &[exclusion("a")], WriteWith::Create),
        "assign 1"
    );
}

#[test]
fn where_only_single_writes_exist_what_makes_room_goes_right_before() {
    let only = |before: &[Assignment], after: &[Assignment]| {
        let policy = policy(before, after);
        check_steps(&policy, &steps_by(&policy, Strategy::OnlyOneByOne))
    };
    // An inclusion that turns into an exclusion comes first, as exclusions do.
    assert_eq!(
        only(
            &[group("a"), group("b"), exclusion("d")],
            &[exclusion("a"), group("c")]
        ),
        "delete group, create exclusionGroup, create group, delete group, delete exclusionGroup"
    );
    let mut filtered = group("a");
    filtered.filter = Some(Filter {
        id: "f".into(),
        mode: FilterMode::Include,
    });
    assert_eq!(
        only(&[group("a")], &[filtered]),
        "delete group, create group"
    );
}

#[test]
fn the_kind_and_what_is_known_of_its_routes_choose_the_way() {
    use CreateRoute::{Missing, Untried};
    let base = PolicyKind::from_name("configurationPolicy")
        .expect("a kind")
        .spec();
    let with = |writing| PolicyKindSpec { writing, ..*base };
    let assign = |single| Writing::Assign {
        parameter: "assignments",
        single,
        cast: None,
        serial: false,
    };
    for (writing, asked, route, expected) in [
        (
            assign(SingleRoute::Works),
            WriteWith::Auto,
            Untried,
            Strategy::Fewest,
        ),
        (
            assign(SingleRoute::Works),
            WriteWith::Create,
            Untried,
            Strategy::OneByOne,
        ),
        (
            assign(SingleRoute::Works),
            WriteWith::Assign,
            Untried,
            Strategy::WholeSet,
        ),
        (
            assign(SingleRoute::Documented),
            WriteWith::Auto,
            Missing,
            Strategy::WholeSet,
        ),
        (
            assign(SingleRoute::Absent),
            WriteWith::Create,
            Untried,
            Strategy::WholeSet,
        ),
        (
            Writing::Single,
            WriteWith::Assign,
            Missing,
            Strategy::OnlyOneByOne,
        ),
        (
            Writing::Update {
                parameter: "assignments",
            },
            WriteWith::Create,
            Untried,
            Strategy::WholeSet,
        ),
    ] {
        assert_eq!(
            strategy(&with(writing), asked, route),
            expected,
            "{writing:?}"
        );
    }
}

/// What was filed goes on in the way in which it was filed.
#[test]
fn the_path_of_a_request_says_to_which_way_it_belongs() {
    for (kind, action, expected) in [
        ("configurationPolicy", "assign", Strategy::WholeSet),
        ("configurationPolicy", "assignments", Strategy::OneByOne),
        ("configurationPolicy", "assignments/a", Strategy::OneByOne),
        ("policySet", "update", Strategy::WholeSet),
        ("termsAndConditions", "assignments", Strategy::OnlyOneByOne),
        (
            "mobileAppConfiguration",
            "microsoft.graph.managedDeviceMobileAppConfiguration/assign",
            Strategy::WholeSet,
        ),
    ] {
        let kind = PolicyKind::from_name(kind).expect("a kind");
        let policy = PlannedPolicy {
            kind,
            ..policy(&[], &[])
        };
        let path = format!("{}/p/{action}", kind.spec().collection);
        assert_eq!(strategy_of(&policy, &path), expected, "{path}");
    }
}

#[test]
fn an_assignment_that_shares_its_id_is_not_deleted_by_it() {
    let mut from_set = group("a");
    from_set.key.source = Source::PolicySets;
    let before = [group("a"), group("b"), from_set.clone()];
    let after = [group("b"), from_set.clone()];
    assert_eq!(check(&before, &after, WriteWith::Create), "assign 1");
    let after = [group("a"), from_set];
    assert_eq!(check(&before, &after, WriteWith::Create), "delete group");
}

#[test]
fn assignments_of_policy_sets_stay_out_of_an_assign_unless_they_change() {
    let mut from_set = group("s");
    from_set.key.source = Source::PolicySets;
    from_set.source_id = Some("set".into());
    let before = [from_set.clone()];
    let after = [group("a"), group("b"), from_set.clone()];
    assert_eq!(check(&before, &after, WriteWith::Auto), "assign 2");
    let changed = Assignment {
        filter: Some(Filter {
            id: "f".into(),
            mode: FilterMode::Include,
        }),
        ..from_set
    };
    assert_eq!(check(&before, &[changed], WriteWith::Auto), "assign 1");
}

/// They stand on the command line and in saved plans.
#[test]
fn ways_of_writing_have_words() {
    let words = WriteWith::ALL.map(WriteWith::name);
    assert_eq!(words, ["auto", "create", "assign"]);
    assert_eq!(words.map(WriteWith::from_name), WriteWith::ALL.map(Some));
}
