//! Who gains and who loses a policy: looked at for each device and user.
//!
//! Exclusions work within their kind: excluded devices do not keep users from a policy (MicrosoftDocs/memdocs:
//! device-profile-assign.md). Whom a filter lets through is known when a device checks in, not here: where it
//! decides, the numbers are the most that it can be. Of several assignments that mean one device, one with a filter in
//! mode `exclude` beats one without, and that one with a filter in mode `include` (filters-reports-troubleshoot.md).

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::{Names, PlannedPolicy};
use crate::model::{
    Assignment, Filter, FilterMode, MemberSet, Population, SharedText, Target, Unknown,
};

/// Devices and users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DevicesAndUsers {
    /// The devices; `None` if they are not known.
    pub devices: Option<u64>,
    /// The users; `None` if they are not known.
    pub users: Option<u64>,
}

impl DevicesAndUsers {
    /// Returns both together, if both are known.
    pub fn sum(self) -> Option<u64> {
        Some(self.devices?.saturating_add(self.users?))
    }
}

/// Who gains and who loses a policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reach {
    /// Those who get it.
    pub gained: DevicesAndUsers,
    /// Those who had it.
    pub lost: DevicesAndUsers,
    /// Whether the numbers come from the members themselves; else they are the most that it can be.
    pub exact: bool,
    /// Why something is not known, if that is so and can be said.
    pub reason: Option<Unknown>,
}

/// The intent by which an app is taken from those it is assigned to: they do not get it.
const TAKES_AWAY: &str = "uninstall";

/// A kind of members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum MemberKind {
    Devices,
    Users,
}

/// Whether someone gets a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Receives {
    No,
    /// A filter decides.
    Maybe,
    Yes,
}

/// An assignment, and who is meant by it on one side: `None` for everyone.
type AssignmentMembers<'p> = (&'p Assignment, Option<&'p HashSet<String>>);

/// The assignments of a policy with one intent. Exclusions work within it.
#[derive(Default)]
struct Intent<'p> {
    includes: Vec<AssignmentMembers<'p>>,
    excludes: Vec<AssignmentMembers<'p>>,
}

/// The assignments of a policy, by intent.
type Intents<'p> = BTreeMap<Option<&'p SharedText>, Intent<'p>>;

/// How many change on one side.
#[derive(Clone, Copy, Debug, Default)]
struct Changed {
    gained: Option<u64>,
    lost: Option<u64>,
    exact: bool,
    reason: Option<Unknown>,
}

/// Counts who gains and loses a policy.
pub(super) fn of(policy: &PlannedPolicy, names: &Names, population: &Population) -> Reach {
    let [devices, users] = [MemberKind::Devices, MemberKind::Users].map(|side| {
        changed(policy, side, names, population).unwrap_or_else(|reason| Changed {
            reason,
            ..Changed::default()
        })
    });
    Reach {
        gained: DevicesAndUsers {
            devices: devices.gained,
            users: users.gained,
        },
        lost: DevicesAndUsers {
            devices: devices.lost,
            users: users.lost,
        },
        exact: devices.exact && users.exact,
        reason: devices.reason.or(users.reason),
    }
}

fn changed(
    policy: &PlannedPolicy,
    side: MemberKind,
    names: &Names,
    population: &Population,
) -> Result<Changed, Option<Unknown>> {
    let excludes = |assignment: &Assignment| {
        let filter = assignment.filter.as_ref();
        filter.is_some_and(|filter| filter.mode != FilterMode::Include)
    };
    let mut assignments = policy.before.iter().chain(policy.after.iter());
    // An assignment that stays can only keep others from changing, so that without it the numbers are the most that it
    // can be; unless it is one that a filter in mode `exclude` could beat.
    let may_skip = !assignments.any(excludes);
    let stays = |assignment: &Assignment| {
        may_skip
            && [&policy.before, &policy.after].iter().all(|assignments| {
                let mut assignments = assignments.iter();
                assignments.any(|other| decides(other) == decides(assignment))
            })
    };
    let mut unread = Unread::default();
    // What is not known of an exclusion that goes, or of an inclusion that comes, may be a gain.
    let mut note = |assignment: &Assignment, reason, gains_by_exclusions: bool| {
        let is_gain = assignment.key.target.is_exclusion() == gains_by_exclusions;
        let is_gain = may_skip.then_some(is_gain);
        unread.note(assignment, reason, stays(assignment), is_gain)
    };
    let mut noted_before = |assignment: &Assignment, reason| note(assignment, reason, true);
    let before = intents(&policy.before, side, names, population, &mut noted_before)?;
    let mut noted_after = |assignment: &Assignment, reason| note(assignment, reason, false);
    let after = intents(&policy.after, side, names, population, &mut noted_after)?;

    let (everybody, why) = match side {
        MemberKind::Devices => (
            population.all_devices.devices,
            population.all_devices.reason,
        ),
        MemberKind::Users => (population.all_users.users, population.all_users.reason),
    };
    let all = [&before, &after];
    let all = all.iter().flat_map(|intents| intents.values());
    let all = all.flat_map(|intent| intent.includes.iter().chain(&intent.excludes));
    let sets: Vec<Option<&HashSet<String>>> = all.map(|(_, meant)| *meant).collect();
    let known: HashSet<&str> = sets
        .iter()
        .flatten()
        .flat_map(|set| set.iter().map(String::as_str))
        .collect();

    let mut changed = Changed {
        gained: Some(0),
        lost: Some(0),
        exact: !unread.any && same_everybody(&before, &after),
        reason: None,
    };
    for id in &known {
        changed.add(&before, &after, Some(id), Some(1));
    }
    // All others, who are in no group that was read. Which members of groups are among everyone is not known, and
    // only those get a policy at all: together they are at most everyone.
    if sets.contains(&None) {
        let mut all = Changed {
            exact: true,
            gained: Some(0),
            lost: Some(0),
            reason: None,
        };
        all.add(&before, &after, None, everybody);
        let most = |one: Option<u64>, other: Option<u64>| Some(one?.max(other?));
        changed.gained = most(changed.gained, all.gained);
        changed.lost = most(changed.lost, all.lost);
        changed.exact &= all.exact;
        if changed.gained.is_none() || changed.lost.is_none() {
            changed.reason = why;
        }
    }
    if let Some(reason) = unread.gained {
        changed.gained = None;
        changed.reason = changed.reason.or(reason);
    }
    if let Some(reason) = unread.lost {
        changed.lost = None;
        changed.reason = changed.reason.or(reason);
    }
    Ok(changed)
}

/// What assignments leave unknown whose members are.
#[derive(Default)]
struct Unread {
    any: bool,
    /// Why it is not known who gains the policy, if so.
    gained: Option<Option<Unknown>>,
    /// Why it is not known who loses it, if so.
    lost: Option<Option<Unknown>>,
}

impl Unread {
    /// Notes an assignment that is not known. One that comes or goes makes unknown who gains the policy if `is_gain`, else
    /// who loses it; without it the others are the most that it can be. Where that does not hold, it is an error.
    fn note(
        &mut self,
        assignment: &Assignment,
        reason: Option<Unknown>,
        stays: bool,
        is_gain: Option<bool>,
    ) -> Result<(), Option<Unknown>> {
        let side = match (is_gain, &assignment.key.target) {
            _ if stays => None,
            (None, _) | (_, Target::Other { .. }) => return Err(reason),
            (Some(true), _) => Some(&mut self.gained),
            (Some(false), _) => Some(&mut self.lost),
        };
        if let Some(side) = side {
            side.get_or_insert(reason);
        }
        self.any = true;
        Ok(())
    }
}

impl Changed {
    /// Adds so many who are in the same groups as one of them; without an id, in none.
    fn add(
        &mut self,
        before: &Intents<'_>,
        after: &Intents<'_>,
        id: Option<&str>,
        number: Option<u64>,
    ) {
        let (had, has) = (gets(before, id), gets(after, id));
        let is_same =
            had == has && (had != Receives::Maybe || deciding(before, id) == deciding(after, id));
        if is_same {
            return;
        }
        let sum = |one: Option<u64>| Some(one?.saturating_add(number?));
        if had > Receives::No && has < Receives::Yes {
            self.lost = sum(self.lost);
        }
        if had < Receives::Yes && has > Receives::No {
            self.gained = sum(self.gained);
        }
        self.exact &= had != Receives::Maybe && has != Receives::Maybe && number.is_some();
    }
}

/// Whether everyone except the same groups is targeted both before and after. Else members of groups are taken to be
/// among everyone, which no one knows.
fn same_everybody(before: &Intents<'_>, after: &Intents<'_>) -> bool {
    let of = |intents: &Intents<'_>| -> BTreeSet<(Option<String>, Vec<Target>)> {
        let all = intents.iter().filter(|(_, intent)| {
            let mut includes = intent.includes.iter();
            includes.any(|(_, meant)| meant.is_none())
        });
        all.map(|(variant, intent)| {
            let excludes = intent.excludes.iter();
            let mut excludes: Vec<Target> = excludes
                .map(|(assignment, _)| assignment.key.target.clone())
                .collect();
            excludes.sort();
            (variant.map(|variant| variant.to_string()), excludes)
        })
        .collect()
    };
    of(before) == of(after)
}

/// Whether someone gets a policy by one of its intents.
fn gets(intents: &Intents<'_>, id: Option<&str>) -> Receives {
    let of_intents = intents.values().map(|intent| {
        let mut gets = Receives::No;
        for assignment in intent.meant(id) {
            match assignment.filter.as_ref().map(|filter| &filter.mode) {
                None => gets = Receives::Yes,
                Some(FilterMode::Include) => gets = gets.max(Receives::Maybe),
                Some(_) => return Receives::Maybe,
            }
        }
        gets
    });
    of_intents.max().unwrap_or(Receives::No)
}

/// What of an assignment decides who gets the policy.
type ReachKey<'p> = (&'p Target, Option<&'p SharedText>, Option<&'p Filter>);

fn decides(assignment: &Assignment) -> ReachKey<'_> {
    let variant = assignment.key.variant.as_ref();
    (&assignment.key.target, variant, assignment.filter.as_ref())
}

/// Returns what decides whether someone gets a policy.
fn deciding<'p>(intents: &Intents<'p>, id: Option<&str>) -> BTreeSet<ReachKey<'p>> {
    let of_intents = intents.values();
    let assignments = of_intents.flat_map(|intent| intent.meant(id));
    assignments.map(decides).collect()
}

impl<'p> Intent<'p> {
    /// Returns the assignments that mean someone; none if someone is excluded.
    fn meant(&self, id: Option<&str>) -> Vec<&'p Assignment> {
        let means = |(_, set): &&AssignmentMembers<'_>| match (set, id) {
            (None, _) => true,
            (Some(set), Some(id)) => set.contains(id),
            (Some(_), None) => false,
        };
        if self.excludes.iter().any(|assignment| means(&assignment)) {
            return Vec::new();
        }
        let includes = self.includes.iter().filter(means);
        includes.map(|(assignment, _)| *assignment).collect()
    }
}

/// Finds who is meant by assignments on one side. An assignment that is not known is skipped if `unread` allows it.
fn intents<'p>(
    assignments: &'p [Assignment],
    side: MemberKind,
    names: &Names,
    population: &'p Population,
    mut unread: impl FnMut(&Assignment, Option<Unknown>) -> Result<(), Option<Unknown>>,
) -> Result<Intents<'p>, Option<Unknown>> {
    let mut intents = Intents::new();
    let takes_away =
        |assignment: &&Assignment| assignment.key.variant.as_deref() == Some(TAKES_AWAY);
    for assignment in assignments
        .iter()
        .filter(|assignment| !takes_away(assignment))
    {
        let intent = intents.entry(assignment.key.variant.as_ref()).or_default();
        let everybody = match &assignment.key.target {
            Target::AllDevices => MemberKind::Devices,
            Target::AllUsers => MemberKind::Users,
            Target::Group(_) | Target::ExclusionGroup(_) => {
                match members(assignment, side, names, population) {
                    Ok(None) => {}
                    Ok(Some(set)) if assignment.key.target.is_exclusion() => {
                        intent.excludes.push((assignment, Some(set)));
                    }
                    Ok(Some(set)) => intent.includes.push((assignment, Some(set))),
                    Err(reason) => unread(assignment, reason)?,
                }
                continue;
            }
            // Collections hold devices, and no one here knows which.
            Target::Collection(_) if side == MemberKind::Users => continue,
            Target::Collection(_) | Target::Other { .. } => {
                unread(assignment, None)?;
                continue;
            }
        };
        if everybody == side {
            intent.includes.push((assignment, None));
        }
    }
    Ok(intents)
}

/// Returns the members of an assignment's group on one side; `None` if there are none.
fn members<'p>(
    assignment: &Assignment,
    side: MemberKind,
    names: &Names,
    population: &'p Population,
) -> Result<Option<&'p HashSet<String>>, Option<Unknown>> {
    let Some(id) = assignment.key.target.group_id() else {
        return Ok(None);
    };
    if names.is_missing_group(id) {
        return Ok(None);
    }
    let id = id.to_lowercase();
    if let Some(MemberSet { devices, users, .. }) = population.sets.get(&id) {
        return Ok(Some(match side {
            MemberKind::Devices => devices,
            MemberKind::Users => users,
        }));
    }
    // A side that is known to be empty needs no set.
    let count = population.counts.get(&id);
    let known = count.and_then(|count| match side {
        MemberKind::Devices => count.devices,
        MemberKind::Users => count.users,
    });
    match known {
        Some(0) => Ok(None),
        _ => Err(count.and_then(|count| count.reason)),
    }
}
