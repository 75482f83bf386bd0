//! Numbers of members, in words.

use std::collections::BTreeMap;

use super::clean::clean;
use super::phrases::{self, count, not_compared};
use super::review::{Direction, PlanView};
use crate::model::{FilterCount, MemberCount, Unknown};
use crate::plan::members::{DevicesAndUsers, Reach};
use crate::plan::{Annotations, PlannedPolicy};

/// The most different numbers that are shown of policies with the same changes.
const MOST_SHOWN: usize = 3;

/// Says a number with commas between thousands.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn named(number: Option<u64>, one: &str, many: &str) -> String {
    match number {
        None => format!("unknown {many}"),
        Some(1) => format!("1 {one}"),
        Some(number) => format!("{} {many}", thousands(number)),
    }
}

fn why(reason: Unknown) -> &'static str {
    match reason {
        Unknown::Forbidden => "not permitted to read",
        Unknown::Timeout => "not read in time",
        Unknown::Deleted => "the group does not exist",
        Unknown::Limit => "beyond `--members-limit`",
    }
}

/// Puts the reason behind what is unknown.
fn and_why(reason: Option<Unknown>) -> String {
    reason.map_or_else(String::new, |reason| format!(", {}", why(reason)))
}

/// Says how many members a target has.
pub(super) fn members(counted: &MemberCount) -> String {
    let MemberCount {
        devices,
        users,
        other,
        exact: _,
        reason,
    } = counted;
    if devices.is_none() && users.is_none() {
        return format!("members unknown{}", and_why(*reason));
    }
    let named_or_why = |number: Option<u64>, one, many| match (number, reason) {
        (None, Some(_)) => format!("{many} unknown{}", and_why(*reason)),
        _ => named(number, one, many),
    };
    let of_devices = named_or_why(*devices, "device", "devices");
    let of_users = named_or_why(*users, "user", "users");
    let other = other.filter(|other| *other > 0);
    if (*devices, *users, other) == (Some(0), Some(0), None) {
        return format!("{of_devices}, {of_users}");
    }
    // Of a group of users "0 devices" would say too much: devices follow their users.
    let shown = [
        (*devices != Some(0)).then_some(of_devices),
        (*users != Some(0)).then_some(of_users),
        other.map(|other| named(Some(other), "other", "others")),
    ];
    shown.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn heads(DevicesAndUsers { devices, users }: DevicesAndUsers) -> Option<String> {
    let of_devices = named(devices, "device", "devices");
    let of_users = named(users, "user", "users");
    match (devices, users) {
        (Some(0), Some(0)) => None,
        (None, None) => Some("unknown devices and users".to_owned()),
        (_, Some(0)) => Some(of_devices),
        (Some(0), _) => Some(of_users),
        _ => Some(format!("{of_devices} and {of_users}")),
    }
}

/// Says who gains and loses a policy; of drift, who lacks it and who has it without need.
fn reach(reach: &Reach, direction: Direction) -> String {
    let Reach {
        gained,
        lost,
        exact,
        reason,
    } = *reach;
    let parts = match direction {
        Direction::Plan => [(gained, "gets it", "get it"), (lost, "loses it", "lose it")],
        Direction::Drift => [
            (
                gained,
                "does not get it, and should",
                "do not get it, and should",
            ),
            (lost, "gets it, and should not", "get it, and should not"),
        ],
    };
    let parts = parts.into_iter().filter_map(|(some, one, many)| {
        // What is unknown has no upper bound.
        let bounded = !exact && some.sum().is_some();
        let most = if bounded { "at most " } else { "" };
        let verb = if some.sum() == Some(1) { one } else { many };
        Some(format!("{most}{} {verb}", heads(some)?))
    });
    let parts: Vec<String> = parts.collect();
    let text = match parts.is_empty() {
        true if direction == Direction::Drift => {
            "the same devices and users get it as under the manifests".to_owned()
        }
        true => "no one gets or loses it".to_owned(),
        false => parts.join("; "),
    };
    match reason {
        None => text,
        Some(reason) => format!("{text} ({})", why(reason)),
    }
}

/// Introduces [`filters`].
pub(super) const FILTERS: &str = "Filters, over all enrolled devices";

/// Says how many devices the filters of the changes match, a line each; nothing if that was not asked.
pub(super) fn filters(annotations: &Annotations) -> Vec<String> {
    let names = &annotations.names;
    let counted = annotations.members.iter();
    let counted = counted.flat_map(|members| &members.filters);
    let lines = counted.map(|(id, counted)| {
        let name = names.filter(id).unwrap_or(id);
        let name = phrases::named(name, id, names.shares_filter_name(id));
        let FilterCount {
            platform,
            matches,
            at_least,
            of,
            reason,
        } = counted;
        let Some(matches) = *matches else {
            let why = and_why(*reason);
            return format!("{name} matches an unknown number of devices{why}");
        };
        let platform = match platform.as_deref() {
            Some("windows10AndLater") => "Windows ".to_owned(),
            Some(platform) => format!("{} ", clean(platform)),
            None => String::new(),
        };
        let number = match (of, at_least) {
            (_, true) => format!("{} or more", thousands(matches)),
            (Some(of), false) => format!("{} of {}", thousands(matches), thousands(*of)),
            (None, false) => thousands(matches),
        };
        let is_one = (matches, of, at_least) == (1, &None, &false);
        let end = if is_one { "device" } else { "devices" };
        format!("{name} matches {number} {platform}{end}")
    });
    let mut lines: Vec<String> = lines.collect();
    lines.sort();
    lines
}

/// Says what a plan does not show for certain: how far counts of groups can be relied on, unless their members
/// themselves were read, or nothing was counted; and what is not compared.
pub(super) fn notes(view: &PlanView<'_>) -> impl Iterator<Item = &'static str> {
    let is_counted = |policy: &PlannedPolicy| {
        let counted = view.annotations.members_of(policy);
        let counted = counted.into_iter().flat_map(|members| &members.changes);
        let mut changes = policy.changes.iter().zip(counted);
        changes.any(|(change, count)| {
            let assignment = change.after().or(change.before());
            let is_group =
                assignment.is_some_and(|assignment| assignment.key.target.group_id().is_some());
            is_group && !count.exact && (count.devices.is_some() || count.users.is_some())
        })
    };
    let counted = view.plan.changed().any(is_counted).then_some(
        "Members are counted by Entra, those of nested groups included; changes in the last few minutes may be missing.",
    );
    counted.into_iter().chain(not_compared(view.plan))
}

/// Says who gains and loses some policies that have the same changes; nothing if that was not asked.
pub(super) fn reaches(view: &PlanView<'_>, policies: &[&PlannedPolicy]) -> Vec<String> {
    let mut known: BTreeMap<Reach, usize> = BTreeMap::new();
    let members = policies
        .iter()
        .filter_map(|policy| view.annotations.members_of(policy));
    for reach in members.filter_map(|members| members.reach) {
        *known.entry(reach).or_default() += 1;
    }
    let different = known.len();
    let mut known: Vec<(Reach, usize)> = known.into_iter().collect();
    // Those with the most to lose first.
    known.sort_by_key(|(reach, _)| std::cmp::Reverse(reach.lost.sum().unwrap_or(u64::MAX)));
    let left = known.iter().skip(MOST_SHOWN).map(|(_, number)| number);
    let left: usize = left.sum();
    let lines = known.iter().take(MOST_SHOWN).map(|(some, number)| {
        let text = reach(some, view.detail.direction);
        match (policies.len(), different) {
            (1, _) => text,
            (_, 1) => format!("each: {text}"),
            _ => format!("{}: {text}", count(*number, "policy", "policies")),
        }
    });
    let left = (left > 0).then(|| format!("other numbers: {}", count(left, "policy", "policies")));
    lines.chain(left).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_words_and_unknown_is_never_zero() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1204, "1,204"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(thousands(number), text);
        }
        let some = MemberCount {
            devices: Some(1204),
            users: Some(1),
            ..MemberCount::default()
        };
        assert_eq!(members(&some), "1,204 devices, 1 user");
        let half = MemberCount {
            users: None,
            reason: Some(Unknown::Timeout),
            ..some
        };
        assert_eq!(
            members(&half),
            "1,204 devices, users unknown, not read in time"
        );
        let none = MemberCount {
            devices: Some(0),
            users: Some(0),
            ..MemberCount::default()
        };
        assert_eq!(members(&none), "0 devices, 0 users");
        let people = MemberCount {
            users: Some(3),
            other: Some(2),
            ..none
        };
        assert_eq!(members(&people), "3 users, 2 others");
        for reason in Unknown::ALL {
            let text = members(&MemberCount::unknown(Some(reason)));
            assert!(text.starts_with("members unknown, ") && !text.contains('0'));
        }
    }
}
