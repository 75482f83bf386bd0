//! The rules themselves.

use std::collections::BTreeSet;

use crate::model::{
    Assignment, FilterMode, GroupTraits, MemberCount, MemberSet, Population, SharedText, Target,
};
use crate::plan::members::groups_of;
use crate::plan::{Names, PlannedPolicy};

const ASSIGN: &str = "Assign policies in Microsoft Intune";
const GROUPS: &str = "Use groups to organize users and devices for Microsoft Intune";
const FILTER_REPORTS: &str = "Filter reports and troubleshooting";
const APPS: &str = "Assign apps to groups";
const DYNAMIC: &str = "Manage rules for dynamic membership groups in Microsoft Entra ID";

/// Types of apps that count for device groups when they are available (memdocs: apps-deploy.md).
const AVAILABLE_TO_DEVICES: [&str; 2] = ["win32LobApp", "androidManagedStoreApp"];

/// Something that a rule says of some assignments.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lint {
    pub(super) code: &'static str,
    pub(super) text: String,
    /// The title of Microsoft's page.
    pub(super) source: &'static str,
}

/// What is known of groups.
pub(super) struct Context<'a> {
    pub(super) names: &'a Names,
    pub(super) population: Option<&'a Population>,
}

/// Whom a target means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Devices,
    Users,
    Both,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Devices => "devices",
            Self::Users => "users",
            Self::Both => "devices and users",
        }
    }
}

impl Context<'_> {
    fn traits(&self, id: &str) -> Option<&GroupTraits> {
        if self.names.is_missing_group(id) {
            return None;
        }
        self.population?.traits.get(&id.to_lowercase())
    }

    /// Returns how many devices and users a group has, if both are known.
    fn counts(&self, id: &str) -> Option<(u64, u64)> {
        if self.names.is_missing_group(id) {
            return None;
        }
        let MemberCount { devices, users, .. } = self.population?.counts.get(&id.to_lowercase())?;
        Some(((*devices)?, (*users)?))
    }

    /// Returns the kind of a dynamic group by its rule.
    fn kind_of_rule(&self, id: &str) -> Option<Kind> {
        let rule = self.traits(id)?.rule.as_ref()?.to_lowercase();
        match (rule.contains("device."), rule.contains("user.")) {
            (true, false) => Some(Kind::Devices),
            (false, true) => Some(Kind::Users),
            _ => None,
        }
    }

    /// Returns the kind of a group, if it can be determined. An empty one has none.
    fn kind_of_group(&self, id: &str) -> Option<Kind> {
        self.kind_of_rule(id).or_else(|| match self.counts(id)? {
            (0, 0) => None,
            (_, 0) => Some(Kind::Devices),
            (0, _) => Some(Kind::Users),
            _ => Some(Kind::Both),
        })
    }

    fn kind(&self, target: &Target) -> Option<Kind> {
        match target {
            Target::AllDevices => Some(Kind::Devices),
            Target::AllUsers => Some(Kind::Users),
            Target::Group(id) | Target::ExclusionGroup(id) => self.kind_of_group(id),
            Target::Collection(_) | Target::Other { .. } => None,
        }
    }

    /// Names a group with the numbers that were seen.
    fn group(&self, id: &str) -> String {
        let name = self.names.group(id).unwrap_or(id);
        // Another group may have the name, even in the same sentence.
        let own_id = (name != id && self.names.shares_group_name(id)).then_some(id);
        match self.counts(id) {
            Some((devices, users)) => {
                let plural = |number: u64, word: &str| {
                    let end = if number == 1 { "" } else { "s" };
                    format!("{number} {word}{end}")
                };
                let (devices, users) = (plural(devices, "device"), plural(users, "user"));
                let own_id = own_id.map_or_else(String::new, |id| format!("{id}; "));
                format!("group `{name}` ({own_id}{devices}, {users})")
            }
            None => {
                let own_id = own_id.map_or_else(String::new, |id| format!(" ({id})"));
                format!("group `{name}`{own_id}")
            }
        }
    }

    fn target(&self, target: &Target) -> String {
        match target {
            Target::AllDevices => "all devices".to_owned(),
            Target::AllUsers => "all users".to_owned(),
            Target::Group(id) | Target::ExclusionGroup(id) => self.group(id),
            Target::Collection(id) => format!("collection `{id}`"),
            Target::Other { odata_type, .. } => format!("`{odata_type}`"),
        }
    }

    fn set(&self, target: &Target) -> Option<&MemberSet> {
        let id = target.group_id()?.to_lowercase();
        self.population?.sets.get(&id)
    }

    /// Whether one device can be meant by two targets. Only members that were read show that none can.
    fn may_overlap(&self, one: &Target, other: &Target) -> bool {
        let (Some(one), Some(other)) = (self.set(one), self.set(other)) else {
            return true;
        };
        let apart = one.devices.is_disjoint(&other.devices) && one.users.is_disjoint(&other.users);
        // A device of a user is meant by the user's groups and by its own.
        let mixed =
            |one: &MemberSet, other: &MemberSet| !one.devices.is_empty() && !other.users.is_empty();
        !apart || mixed(one, other) || mixed(other, one)
    }
}

fn is_include(assignment: &&Assignment) -> bool {
    !assignment.key.target.is_exclusion() && !matches!(assignment.key.target, Target::Other { .. })
}

/// Returns what the rules say of assignments of a policy.
pub(super) fn of<'c>(
    context: &'c Context<'_>,
    policy: &'c PlannedPolicy,
    assignments: &'c [Assignment],
) -> impl Iterator<Item = Lint> {
    let mut lints = groups(context, assignments);
    lints.extend(late_exclusions(context, assignments));
    lints.extend(empty(context, assignments));
    let variants: BTreeSet<Option<&SharedText>> = assignments
        .iter()
        .map(|assignment| assignment.key.variant.as_ref())
        .collect();
    for variant in variants {
        let of_variant = assignments.iter();
        let of_variant = of_variant.filter(|assignment| assignment.key.variant.as_ref() == variant);
        let mut of_variant: Vec<&Assignment> = of_variant.collect();
        lints.extend(exclusions(context, &of_variant));
        of_variant.retain(is_include);
        lints.extend(filter_mode_mix(context, &of_variant));
        lints.extend(redundant(context, &of_variant));
    }
    lints.extend(available(context, policy, assignments));
    lints.into_iter()
}

/// A device that is new is not in a dynamic group yet.
fn late_exclusions(context: &Context<'_>, assignments: &[Assignment]) -> Vec<Lint> {
    let excluded = assignments
        .iter()
        .filter_map(|assignment| match &assignment.key.target {
            Target::ExclusionGroup(id) => Some(id),
            _ => None,
        });
    let dynamic = excluded.filter(|id| context.kind_of_rule(id) == Some(Kind::Devices));
    dynamic
        .map(|id| Lint {
            code: "dynamic-device-exclusion",
            text: format!(
                "{} is a dynamic group of devices and excluded: a new device can get the policy before it is in the group; a filter in mode exclude has no such delay",
                context.group(id)
            ),
            source: ASSIGN,
        })
        .collect()
}

/// Says with which intent, of an app: exclusions work within it.
fn as_intent(assignment: &Assignment) -> String {
    let intent = assignment.key.variant.as_deref();
    intent.map_or_else(String::new, |intent| format!(" as `{intent}`"))
}

/// Exclusions work within their kind only.
fn exclusions(context: &Context<'_>, assignments: &[&Assignment]) -> Vec<Lint> {
    let includes: Vec<Option<Kind>> = assignments
        .iter()
        .filter(|assignment| !assignment.key.target.is_exclusion())
        .map(|assignment| context.kind(&assignment.key.target))
        .collect();
    let has = |kind: Kind| {
        let mut known = includes.iter().flatten();
        known.any(|included| *included == kind || *included == Kind::Both)
    };
    let all_are = |kind: Kind| {
        !includes.is_empty() && includes.iter().all(|included| *included == Some(kind))
    };
    let mut lints = Vec::new();
    for assignment in assignments {
        let Target::ExclusionGroup(id) = &assignment.key.target else {
            continue;
        };
        let kind = context.kind_of_group(id);
        let (own, other) = match kind {
            Some(Kind::Devices) => (Kind::Devices, Kind::Users),
            Some(Kind::Users) => (Kind::Users, Kind::Devices),
            Some(Kind::Both) | None => continue,
        };
        if all_are(other) {
            lints.push(Lint {
                code: "exclusion-no-effect",
                text: format!(
                    "excluding {} has no effect: it holds {}, and all that is included{} are {}",
                    context.group(id),
                    own.name(),
                    as_intent(assignment),
                    other.name()
                ),
                source: ASSIGN,
            });
        } else if has(own) && has(other) {
            lints.push(Lint {
                code: "mixed-exclusion",
                text: format!(
                    "excluding {} works among {} only, and {} are included{} too: its members may still get the policy through them",
                    context.group(id),
                    own.name(),
                    other.name(),
                    as_intent(assignment),
                ),
                source: ASSIGN,
            });
        }
    }
    lints
}

fn groups(context: &Context<'_>, assignments: &[Assignment]) -> Vec<Lint> {
    let mut lints = Vec::new();
    for id in groups_of(assignments) {
        if let Some((1.., 1..)) = context.counts(id) {
            lints.push(Lint {
                code: "mixed-group",
                text: format!(
                    "{} holds devices and users, which leads to conflicts and unexpected results",
                    context.group(id)
                ),
                source: GROUPS,
            });
        }
        let Some(traits) = context.traits(id) else {
            continue;
        };
        let states = [
            (traits.paused, "is paused"),
            (traits.failed, "could not be processed"),
        ];
        for (_, state) in states.into_iter().filter(|(is_so, _)| *is_so) {
            lints.push(Lint {
                code: "dynamic-paused",
                text: format!(
                    "the rule of {} {state}: its members stay as they are",
                    context.group(id)
                ),
                source: DYNAMIC,
            });
        }
        if traits.security_enabled == Some(false) {
            lints.push(Lint {
                code: "group-not-security",
                text: format!(
                    "{} is not a security group, and such groups are not supported as targets",
                    context.group(id)
                ),
                source: GROUPS,
            });
        }
    }
    lints
}

fn empty(context: &Context<'_>, assignments: &[Assignment]) -> Vec<Lint> {
    let empty = assignments.iter().filter_map(|assignment| {
        let id = assignment.key.target.group_id()?;
        let hidden = context.traits(id).is_some_and(|traits| traits.hidden);
        if context.counts(id)? != (0, 0) || hidden {
            return None;
        }
        let (code, text) = match assignment.key.target.is_exclusion() {
            true => ("exclude-empty-group", "excluding it has no effect"),
            false => ("include-empty-group", "it adds no one to the policy"),
        };
        let group = context.group(id);
        // A count of members that were not read lags behind (microsoft-graph-docs-contrib:
        // group-list-transitivemembers.md).
        let late = match context.set(&assignment.key.target) {
            Some(_) => "",
            None => ", or was filled in the last few minutes",
        };
        Some(Lint {
            code,
            text: format!("{group} is empty{late}: {text}"),
            source: GROUPS,
        })
    });
    empty.collect()
}

/// Of several targets that mean one device, an exclude filter beats no filter, and that an include filter.
fn filter_mode_mix(context: &Context<'_>, includes: &[&Assignment]) -> Vec<Lint> {
    // That was measured with groups (and with all devices and users, which act as such) only.
    let is_measured =
        |assignment: &Assignment| !matches!(assignment.key.target, Target::Collection(_));
    let of = |wanted: Option<&FilterMode>| -> Vec<&Assignment> {
        let measured = includes.iter().copied().filter(|one| is_measured(one));
        measured
            .filter(|one| one.filter.as_ref().map(|filter| &filter.mode) == wanted)
            .collect()
    };
    let named = |assignments: &[&Assignment]| {
        let targets: Vec<String> = assignments
            .iter()
            .map(|assignment| {
                let target = context.target(&assignment.key.target) + &as_intent(assignment);
                match &assignment.filter {
                    None => target,
                    Some(filter) => {
                        let name = context.names.filter(&filter.id).unwrap_or(&filter.id);
                        format!("{target} with filter `{name}` ({})", filter.mode.name())
                    }
                }
            })
            .collect();
        targets.join(", ")
    };
    let overlap = |strong: &[&Assignment], weak: &[&Assignment]| {
        strong.iter().any(|one| {
            let mut weak = weak.iter();
            weak.any(|other| context.may_overlap(&one.key.target, &other.key.target))
        })
    };
    let (include, without, exclude) = (
        of(Some(&FilterMode::Include)),
        of(None),
        of(Some(&FilterMode::Exclude)),
    );
    let mut parts = Vec::new();
    let weaker: Vec<&Assignment> = without.iter().chain(&include).copied().collect();
    if overlap(&exclude, &weaker) {
        parts.push(format!(
            "devices that match the filter of {} do not get the policy, even if they are in {}",
            named(&exclude),
            named(&weaker)
        ));
    }
    if overlap(&without, &include) {
        parts.push(format!(
            "devices in {} get the policy, even if they do not match the filter of {}",
            named(&without),
            named(&include)
        ));
    }
    if parts.is_empty() {
        return Vec::new();
    }
    vec![Lint {
        code: "filter-mode-mix",
        text: format!(
            "{}: a filter in mode exclude beats no filter, and no filter beats one in mode include",
            parts.join("; ")
        ),
        source: FILTER_REPORTS,
    }]
}

fn redundant(context: &Context<'_>, includes: &[&Assignment]) -> Vec<Lint> {
    let without = || {
        includes
            .iter()
            .filter(|assignment| assignment.filter.is_none())
    };
    let mut lints = Vec::new();
    for all in without().filter(|assignment| assignment.key.target.is_broad()) {
        for assignment in without() {
            let Target::Group(id) = &assignment.key.target else {
                continue;
            };
            let kind = context.kind_of_group(id);
            if kind.is_some() && kind == context.kind(&all.key.target) {
                lints.push(Lint {
                    code: "redundant-include",
                    text: format!(
                        "{}{} adds nothing to {}",
                        context.group(id),
                        as_intent(assignment),
                        context.target(&all.key.target)
                    ),
                    source: ASSIGN,
                });
            }
        }
    }
    lints
}

fn available(
    context: &Context<'_>,
    policy: &PlannedPolicy,
    assignments: &[Assignment],
) -> Vec<Lint> {
    let is_app = policy.kind.name() == "mobileApp";
    let kind_of_app = policy.odata_type.as_deref().filter(|_| is_app);
    if kind_of_app.is_none_or(|kind| AVAILABLE_TO_DEVICES.contains(&kind)) {
        return Vec::new();
    }
    let to_devices = assignments.iter().filter(|assignment| {
        is_include(assignment)
            && assignment.key.variant.as_deref() == Some("available")
            && context.kind(&assignment.key.target) == Some(Kind::Devices)
    });
    to_devices
        .map(|assignment| Lint {
            code: "app-available-devices",
            text: format!(
                "{} gets the app as available, which counts for users only with most types of apps",
                context.target(&assignment.key.target)
            ),
            source: APPS,
        })
        .collect()
}
