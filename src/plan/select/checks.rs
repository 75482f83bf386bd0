//! What of a wanted assignment may not fit a policy as it is: groups and filters that are not there, and
//! what the policy's kind and type do not take.

use std::sync::Arc;

use super::resolve::Directory;
use super::{DesiredState, PlacedDesired, platform, settings};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::kinds::app_settings;
use crate::kinds::{AssignmentProperties, FilterRule, TypeRules, WORKLOADS};
use crate::manifest::{Mode, WantedProperties, WantedTarget};
use crate::model::{Assignment, AssignmentKey, Desired, LiveFilter, LivePolicy, Target};
use crate::plan::lints::ALREADY;

/// An assignment that may not fit some policies.
pub(super) struct LiveCheck<'a> {
    pub(super) wanted: PlacedDesired,
    pub(super) kind: LiveCheckKind<'a>,
}

pub(super) enum LiveCheckKind<'a> {
    /// Its group is not known; no harm if the assignment is live already.
    UnknownGroup,
    /// Its filter is not known, written there; as with groups.
    UnknownFilter(Place),
    /// Its filter, written there, is made for a platform.
    Platform(Place, &'a LiveFilter),
    /// It adds a group, which may be live on the other side: what stays there, in this mode.
    OtherSide(Mode),
    /// It excludes a group where the entries include no one; someone may be included already.
    LoneExclusion,
    /// It excludes a group from a policy that all devices get: by what is wanted, or perhaps by what is
    /// live.
    BesideAllDevices(bool),
    /// Its target or filter, written there, may be none that the kind takes.
    Rules(Option<(Place, &'a LiveFilter)>),
    /// It adds an intent to a target, which may be live with another.
    OtherIntent,
    /// It names settings, which the type of the app may not have.
    Settings(Arc<WantedProperties>),
}

/// Returns what has to be looked at for each policy that an assignment is wanted of.
pub(super) fn to_check<'a>(
    assignment: &Desired,
    written: &WantedTarget,
    mode: Mode,
    directory: &Directory<'a>,
) -> [Option<LiveCheckKind<'a>>; 5] {
    let group = assignment.key.target.group_id();
    let unknown_group = group.filter(|group| !directory.has_group(group));
    let filter = assignment.filter.as_ref().zip(written.filter.as_ref());
    let known_filter = filter
        .and_then(|(filter, written)| Some((written.place, directory.filter_by_id(&filter.id)?)));
    let filter = filter.and_then(
        |(filter, written)| match directory.filter_by_id(&filter.id) {
            None => Some(LiveCheckKind::UnknownFilter(written.place)),
            Some(live) if live.platform.is_some() => {
                Some(LiveCheckKind::Platform(written.place, live))
            }
            Some(_) => None,
        },
    );
    let is_new_intent = mode == Mode::Additive && assignment.key.variant.is_some();
    [
        unknown_group.map(|_| LiveCheckKind::UnknownGroup),
        filter,
        group.map(|_| LiveCheckKind::OtherSide(mode)),
        is_new_intent.then_some(LiveCheckKind::OtherIntent),
        Some(LiveCheckKind::Rules(known_filter)),
    ]
}

impl LiveCheck<'_> {
    /// Looks at one policy, by the rules of its type.
    pub(super) fn check(
        &self,
        live: &LivePolicy,
        rules: &TypeRules,
        wanted: &DesiredState,
    ) -> Option<Diagnostic> {
        let PlacedDesired { desired, place } = &self.wanted;
        let place = *place;
        let case = Case {
            desired,
            place,
            live,
            rules,
        };
        match &self.kind {
            LiveCheckKind::UnknownGroup => {
                let id = desired.key.target.group_id().unwrap_or_default();
                let message = format!("the tenant has no group with the id `{id}`");
                let fault = case.fault("unknown-group", place, message);
                Some(fault.hint("the group may have been deleted"))
            }
            LiveCheckKind::UnknownFilter(place) => {
                let id = desired.filter.as_ref().map_or("", |filter| &filter.id);
                let message = format!("the tenant has no assignment filter with the id `{id}`");
                let fault = case.fault("unknown-filter", *place, message);
                Some(fault.hint("the filter may have been deleted, or be hidden from this sign-in"))
            }
            LiveCheckKind::Platform(place, filter) => {
                // Of a filter of the other side that is said already.
                if other_side(rules, filter).is_some() {
                    return None;
                }
                let message = platform::misfit(filter, live)?;
                Some(case.fault("filter-platform", *place, message))
            }
            LiveCheckKind::OtherSide(mode) => case.check_other_side(*mode),
            LiveCheckKind::LoneExclusion => case.check_exclusion_without_include(),
            LiveCheckKind::BesideAllDevices(all_are_wanted) => {
                case.check_exclusion_with_all_devices(*all_are_wanted)
            }
            LiveCheckKind::Rules(filter) => case
                .check_rules(*filter)
                .or_else(|| case.check_properties()),
            LiveCheckKind::OtherIntent => case.check_other_intent(wanted),
            LiveCheckKind::Settings(wanted) => settings::check(wanted, desired, live),
        }
    }
}

/// An assignment that is wanted of a policy, with the line that says so, and the policy as it is.
struct Case<'c> {
    desired: &'c Desired,
    place: Place,
    live: &'c LivePolicy,
    rules: &'c TypeRules,
}

/// Names what rules are about: the kind, and what sets some of its policies apart.
fn named(live: &LivePolicy) -> String {
    match (&live.odata_type, live.variety) {
        (_, Some(variety)) => format!("{} ({})", live.kind, variety.name()),
        (Some(odata_type), _) if live.kind.spec().polymorphic => {
            format!("{} ({odata_type})", live.kind)
        }
        _ => live.kind.to_string(),
    }
}

/// Says what a filter is over, and what it would have to be over.
fn other_side(rules: &TypeRules, filter: &LiveFilter) -> Option<(&'static str, &'static str)> {
    match (rules.filters, filter.management.as_deref()) {
        (FilterRule::Devices | FilterRule::Doubtful | FilterRule::Unsupported, Some("apps")) => {
            Some(("managed apps", "managed devices"))
        }
        (FilterRule::Apps, Some("devices")) => Some(("managed devices", "managed apps")),
        _ => None,
    }
}

/// Returns the properties of devices that the rule of a filter names.
fn properties_in(rule: &str) -> impl Iterator<Item = &str> {
    let after = rule.split("device.").skip(1);
    after.map(|rest| {
        let end = rest.find(|character: char| !character.is_ascii_alphanumeric());
        &rest[..end.unwrap_or(rest.len())]
    })
}

impl Case<'_> {
    /// Returns the live assignments of the same target.
    fn same_target(&self) -> &[Assignment] {
        self.live.assignments_of(&self.desired.key.target)
    }

    /// Whether the assignment is live, with all that is wanted of it.
    fn is_met(&self) -> bool {
        self.same_target()
            .iter()
            .any(|live| self.desired.accepts(live))
    }

    /// Whether the assignment is live, with whatever properties.
    fn is_live(&self) -> bool {
        self.same_target()
            .iter()
            .any(|live| live.key == self.desired.key)
    }

    /// What is live already is not made worse by saying so; an export must be plannable.
    fn fault(&self, code: &'static str, place: Place, message: String) -> Diagnostic {
        let mut fault = Diagnostic::error(code, place, message);
        if self.is_met() {
            fault.severity = Severity::Warning;
        }
        fault
    }

    fn warning(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::warning(code, self.place, message)
    }

    /// Finds targets and filters that the kind, or the type, does not take.
    fn check_rules(&self, filter: Option<(Place, &LiveFilter)>) -> Option<Diagnostic> {
        let (target, rules) = (&self.desired.key.target, self.rules);
        // What is live was taken.
        if rules.doubtful.contains(&target.kind()) && !self.is_met() {
            let (named, word) = (named(self.live), target.type_name());
            let message = format!("the service may reject `{word}` on {named}");
            let doubt = self.warning("target-not-allowed", message);
            return Some(doubt.hint(format!(
                "what the service says decides; source: {}",
                rules.source
            )));
        }
        let (place, filter) = filter?;
        self.check_filter(filter, place)
    }

    /// Finds filters that the kind, or the type, does not take.
    fn check_filter(&self, filter: &LiveFilter, place: Place) -> Option<Diagnostic> {
        let Self { live, rules, .. } = self;
        let doubt = |message: String, source: &str| {
            // What is live was so before.
            let is_existing = self.is_met();
            let already = if is_existing { ALREADY } else { "" };
            let message = format!("{message}{already}");
            let doubt = Diagnostic {
                is_existing,
                ..Diagnostic::warning("filter-unsupported-kind", place, message)
            };
            Some(doubt.hint(format!("source: {source}")))
        };
        if let Some((over, takes)) = other_side(rules, filter) {
            let takes = match rules.filters {
                FilterRule::Unsupported => "no filters".to_owned(),
                _ => format!("filters over {takes}"),
            };
            let message = format!(
                "the filter `{}` is over {over}, and {} takes {takes}",
                filter.name,
                named(live)
            );
            return Some(self.fault("filter-not-allowed", place, message));
        }
        match rules.filters {
            FilterRule::Unsupported => doubt(
                format!(
                    "filters have no effect on {}, by Microsoft's list",
                    named(live)
                ),
                WORKLOADS,
            ),
            FilterRule::Doubtful => doubt(
                format!("it is not certain that filters work on {}", named(live)),
                rules.source,
            ),
            FilterRule::Devices | FilterRule::Apps => {
                let known = rules.filter_properties;
                let other = filter.rule.as_deref().and_then(|rule| {
                    let mut named = properties_in(rule);
                    named.find(|name| !known.is_empty() && !known.contains(name))
                })?;
                let message = format!(
                    "the filter `{}` looks at `{other}`, which is not known of a device that is being enrolled",
                    filter.name
                );
                doubt(message, rules.source)
            }
        }
    }

    /// Finds groups that are excluded together with all devices where that is not possible.
    fn check_exclusion_with_all_devices(&self, all_are_wanted: bool) -> Option<Diagnostic> {
        let live = self.live;
        let has_all = all_are_wanted || !live.assignments_of(&Target::AllDevices).is_empty();
        if live.kind.spec().targets.excludes_from_all_devices || !has_all || self.is_met() {
            return None;
        }
        let message = format!("{} takes no exclusion together with all devices", live.kind);
        let doubt = self.warning("target-not-allowed", message);
        Some(
            doubt.hint(
                "what the service says decides; source: MicrosoftDocs/memdocs pull request 4144",
            ),
        )
    }

    /// Finds what an assignment of this kind should say and does not, or says and should not.
    fn check_properties(&self) -> Option<Diagnostic> {
        let Self { desired, live, .. } = self;
        let target = &desired.key.target;
        match live.kind.spec().properties {
            AssignmentProperties::Remediation if !target.is_exclusion() && !self.is_live() => {
                let mut stated = desired.properties.iter();
                if stated.any(|(name, _)| &**name == "runSchedule") {
                    return None;
                }
                let message = "a new assignment of a remediation has no schedule";
                let doubt = self.warning("remediation-without-schedule", message);
                Some(doubt.hint("add `runSchedule`; the portal always sets one"))
            }
            AssignmentProperties::App => {
                let intent = desired.key.variant.as_deref()?;
                let odata_type = live.odata_type.as_deref().unwrap_or_default();
                if intent == "availableWithoutEnrollment"
                    && app_settings::needs_enrollment(odata_type)
                    && !target.is_exclusion()
                    && *target != Target::AllDevices
                    && !self.is_live()
                {
                    let message = format!(
                        "an app of the type {odata_type} may not support the intent `{intent}`"
                    );
                    const HINT: &str = "only apps for iOS and Android are offered without enrollment; source: learn.microsoft.com: Assign apps to groups";
                    return Some(self.warning("intent-not-supported", message).hint(HINT));
                }
                let is_offered = matches!(intent, "available" | "availableWithoutEnrollment");
                if *target != Target::AllDevices || !is_offered || self.is_live() {
                    return None;
                }
                let message = format!("the service may reject `{intent}` for all devices");
                const HINT: &str = "apps are offered to users: use `allUsers`, or another intent; source: learn.microsoft.com: Assign apps to groups";
                Some(self.warning("target-not-allowed", message).hint(HINT))
            }
            AssignmentProperties::Remediation | AssignmentProperties::None => None,
        }
    }

    /// Finds a target that gets an intent beside another one, which stays.
    fn check_other_intent(&self, wanted: &DesiredState) -> Option<Diagnostic> {
        let desired = self.desired;
        let is_named = |key: &AssignmentKey| wanted.assignments.iter().any(|one| one.key == *key);
        let other = self.same_target().iter().find(|other| {
            other.key.source == desired.key.source
                && other.key.variant != desired.key.variant
                && !wanted.removes(other)
                && !is_named(&other.key)
        });
        let other = other.filter(|_| !desired.key.target.is_exclusion() && !self.is_live())?;
        let message = format!(
            "the target is included with the intent `{}` already, which stays",
            other.key.variant.as_deref().unwrap_or_default()
        );
        const HINT: &str = "the portal does not allow that; list the other below `absent`, with its intent, if it is to go";
        Some(self.warning("same-group-two-intents", message).hint(HINT))
    }

    /// Finds a group that stays live on the other side. What a policy set made stays in every mode.
    fn check_other_side(&self, mode: Mode) -> Option<Diagnostic> {
        const FROM_SET: &str = "no mode removes what a policy set assigns; remove the policy from the policy set, or leave the group out";
        const REMOVE_FIRST: &str =
            "mode `additive` never removes; use `exact`, or remove the live assignment first";
        let (key, place) = (&self.desired.key, self.place);
        let (other_side, doing, done, then) = match &key.target {
            Target::Group(id) => (
                Target::ExclusionGroup(id.clone()),
                "includes",
                "excludes",
                "the exclusion stays, and wins",
            ),
            Target::ExclusionGroup(id) => (
                Target::Group(id.clone()),
                "excludes",
                "includes",
                "the include stays, and the exclusion wins",
            ),
            _ => return None,
        };
        let others = self.live.assignments_of(&other_side).iter();
        let others = others.filter(|live| live.key.variant == key.variant);
        let (direct, from_sets): (Vec<&Assignment>, Vec<&Assignment>) =
            others.partition(|live| live.key.is_direct());
        Some(match mode {
            Mode::Additive if direct.is_empty() && from_sets.is_empty() => return None,
            Mode::Additive => Diagnostic::error(
                "additive-conflict",
                place,
                format!("the entry {doing} a group that the live policy {done}"),
            )
            .hint(match from_sets.is_empty() {
                true => REMOVE_FIRST,
                false => FROM_SET,
            }),
            Mode::Exact if from_sets.is_empty() => return None,
            Mode::Exact => Diagnostic::warning(
                "opposite-of-policy-set",
                place,
                format!("the entry {doing} a group that a policy set {done}: {then}"),
            )
            .hint(FROM_SET),
        })
    }

    /// An exclusion is added to a policy that includes no one. Where one goes on being there without an
    /// include, a guard asks; nothing is said of what is live already.
    fn check_exclusion_without_include(&self) -> Option<Diagnostic> {
        let mut live = self.live.assignments.iter();
        if self.is_met() || live.any(|live| !live.key.target.is_exclusion()) {
            return None;
        }
        let message = "the exclusion has no effect: the policy has no include that it could narrow";
        let doubt = self.warning("exclusion-without-include", message);
        Some(
            doubt.hint(
                "include a group, all users or all devices as well, or leave the exclusion out",
            ),
        )
    }
}
