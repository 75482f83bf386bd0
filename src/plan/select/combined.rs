//! What several entries ask of one policy, and whether it fits the policy as it is.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::directory::{Directory, Resolved, ResolvedAbsent};
use super::{DesiredState, Findings, PlacedDesired, ResolvedEntry, platform};
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::kinds::FilterRule;
use crate::manifest::{Entry, Mode, WantedTarget, conflict};
use crate::model::{AssignmentKey, Desired, LiveFilter, LivePolicy, SharedText, Source, Target};

/// What several entries ask of each policy that all of them select.
pub(super) struct Combined<'a> {
    desired: Arc<DesiredState>,
    /// What contradicts itself, whatever the policy.
    faults: Vec<Diagnostic>,
    /// What may be wrong with some of the policies.
    checks: Vec<LiveCheck<'a>>,
    absent: Vec<Absent>,
}

/// A target that must not be there, and the line that says so.
struct Absent {
    target: Target,
    place: Place,
    /// Whether its group is not known.
    is_unknown: bool,
}

/// An assignment that may not fit some policies.
struct LiveCheck<'a> {
    wanted: PlacedDesired,
    kind: LiveCheckKind<'a>,
}

enum LiveCheckKind<'a> {
    /// Its group is not known; no harm if the assignment is live already.
    UnknownGroup,
    /// Its filter is not known, written there; as with groups.
    UnknownFilter(Place),
    /// Its filter, written there, is made for a platform.
    Platform(Place, &'a LiveFilter),
    /// It adds a group, which may be live on the other side.
    Additive,
    /// It excludes a group where the entries include nobody; somebody may be included already.
    LoneExclusion,
    /// Its target or filter, written there, may be none that the kind takes.
    Rules(Option<(Place, &'a LiveFilter)>),
}

impl<'a> Combined<'a> {
    /// Combines what entries ask for; the first decides the mode.
    pub(super) fn new<'e, 'm: 'e>(
        parts: impl Iterator<Item = &'e ResolvedEntry<'m>>,
        directory: &Directory<'a>,
    ) -> Self {
        let mut combiner = Combiner::default();
        for part in parts {
            combiner.add(part);
        }
        combiner.check_absent();
        let Combiner {
            first,
            wanted,
            written,
            by_key: _,
            by_group: _,
            absent,
            entries,
            faults,
        } = combiner;
        let mode = first.map_or(Mode::Exact, |first| first.mode);
        let excludes_only = wanted
            .iter()
            .all(|wanted| wanted.desired.key.target.is_exclusion());
        let mut checks = Vec::new();
        for (wanted, written) in wanted.iter().zip(written) {
            let lone = excludes_only.then_some(LiveCheckKind::LoneExclusion);
            let kinds = to_check(&wanted.desired, written, mode, directory);
            let kinds = kinds.into_iter().chain([lone]);
            checks.extend(kinds.flatten().map(|kind| LiveCheck {
                wanted: wanted.clone(),
                kind,
            }));
        }
        let asked = wanted.into_iter();
        let asked = asked.map(|PlacedDesired { desired, place }| (desired, place));
        let absent: Vec<Absent> = absent
            .into_iter()
            .map(|(target, absent)| Absent {
                target: target.clone(),
                place: absent.written.place,
                is_unknown: target.group_id().is_some_and(|id| !directory.has_group(id)),
            })
            .collect();
        let targets = absent.iter().map(|absent| absent.target.clone()).collect();
        Self {
            desired: Arc::new(DesiredState::placed(
                mode,
                asked.collect(),
                targets,
                entries,
            )),
            faults,
            checks,
            absent,
        }
    }

    pub(super) fn desired(&self) -> Arc<DesiredState> {
        Arc::clone(&self.desired)
    }

    /// Finds what does not fit a policy as it is.
    pub(super) fn check_against_live<'p>(&self, live: &'p LivePolicy, findings: &mut Findings<'p>) {
        for fault in &self.faults {
            findings.note(fault.clone(), live);
        }
        for check in &self.checks {
            if let Some(diagnostic) = check.check(live) {
                findings.note(diagnostic, live);
            }
        }
        for absent in &self.absent {
            if let Some(diagnostic) = absent.check(live) {
                findings.note(diagnostic, live);
            }
        }
    }
}

impl Absent {
    fn check(&self, live: &LivePolicy) -> Option<Diagnostic> {
        let group = self.target.group_id();
        let excluded = group.map(|id| Target::ExclusionGroup(id.into()));
        let sides = [Some(&self.target), excluded.as_ref()];
        let mut found = sides
            .into_iter()
            .flatten()
            .flat_map(|target| live.rows_of(target))
            .peekable();
        if self.is_unknown && found.peek().is_none() {
            let message = format!(
                "the tenant has no group with the id `{}`",
                group.unwrap_or_default()
            );
            return Some(
                Diagnostic::warning("unknown-group", self.place, message)
                    .hint("remove the line if the group was deleted"),
            );
        }
        let is_from_set = found.any(|live| live.key.source == Source::PolicySets);
        is_from_set.then(|| {
            Diagnostic::warning(
                "absent-from-policy-set",
                self.place,
                "the absent target is assigned by a policy set, and stays",
            )
            .hint("remove the policy from the policy set")
        })
    }
}

fn to_check<'a>(
    row: &Desired,
    written: &WantedTarget,
    mode: Mode,
    directory: &Directory<'a>,
) -> [Option<LiveCheckKind<'a>>; 4] {
    let group = row.key.target.group_id();
    let unknown_group = group.filter(|group| !directory.has_group(group));
    let filter = row.filter.as_ref().zip(written.filter.as_ref());
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
    let additive = group.filter(|_| mode == Mode::Additive);
    [
        unknown_group.map(|_| LiveCheckKind::UnknownGroup),
        filter,
        additive.map(|_| LiveCheckKind::Additive),
        Some(LiveCheckKind::Rules(known_filter)),
    ]
}

impl LiveCheck<'_> {
    fn check(&self, live: &LivePolicy) -> Option<Diagnostic> {
        let PlacedDesired {
            desired: row,
            place,
        } = &self.wanted;
        // What is live already is not made worse by saying so; an export must be plannable.
        let severity = || {
            let same_target = live.rows_of(&row.key.target);
            if same_target.iter().any(|live| row.accepts(live)) {
                Severity::Warning
            } else {
                Severity::Error
            }
        };
        let diagnostic = match &self.kind {
            LiveCheckKind::UnknownGroup => Diagnostic::new(
                severity(),
                "unknown-group",
                Some(*place),
                format!(
                    "the tenant has no group with the id `{}`",
                    row.key.target.group_id().unwrap_or_default()
                ),
            )
            .hint("the group may have been deleted"),
            LiveCheckKind::UnknownFilter(place) => Diagnostic::new(
                severity(),
                "unknown-filter",
                Some(*place),
                format!(
                    "the tenant has no assignment filter with the id `{}`",
                    row.filter.as_ref().map_or("", |filter| &filter.id)
                ),
            )
            .hint("the filter may have been deleted, or the sign-in may not see it"),
            LiveCheckKind::Platform(place, filter) => {
                let message = platform::misfit(filter, live)?;
                Diagnostic::new(severity(), "filter-platform", Some(*place), message)
            }
            LiveCheckKind::Additive => return check_additive(row, *place, live),
            LiveCheckKind::LoneExclusion => return check_lone_exclusion(row, *place, live),
            LiveCheckKind::Rules(filter) => {
                return check_rules(row, *place, *filter, live, severity);
            }
        };
        Some(diagnostic)
    }
}

/// Finds targets and filters that the kind, or the type, does not take.
fn check_rules(
    desired: &Desired,
    place: Place,
    filter: Option<(Place, &LiveFilter)>,
    live: &LivePolicy,
    severity: impl Fn() -> Severity,
) -> Option<Diagnostic> {
    let rules = &live.kind.spec().targets;
    let of_type = rules.of_type(live.odata_type.as_deref());
    let target = &desired.key.target;
    let named = match &live.odata_type {
        Some(odata_type) if live.kind.spec().polymorphic => format!("{} ({odata_type})", live.kind),
        _ => live.kind.to_string(),
    };
    if rules.refused.contains(&target.kind()) {
        let message = format!("the service takes no `{}` on a {named}", target.type_name());
        return Some(Diagnostic::new(
            severity(),
            "target-not-allowed",
            Some(place),
            message,
        ));
    }
    if of_type.doubtful.contains(&target.kind()) {
        let message = format!(
            "the service may not take `{}` on a {named}",
            target.type_name()
        );
        let doubt = Diagnostic::new(
            Severity::Warning,
            "target-not-allowed",
            Some(place),
            message,
        );
        return Some(doubt.hint("it was never seen to work; what the service says decides"));
    }
    let (place, filter) = filter?;
    let (over, takes) = match (of_type.filters, filter.management.as_deref()) {
        (FilterRule::Devices, Some("apps")) => ("managed apps", "managed devices"),
        (FilterRule::Apps, Some("devices")) => ("managed devices", "managed apps"),
        (FilterRule::Unsupported, _) => {
            let doubt = Diagnostic::new(
                Severity::Warning,
                "filter-unsupported-kind",
                Some(place),
                format!("filters have no effect on a {named}, by Microsoft's list"),
            );
            return Some(doubt.hint(
                "see `Supported workloads when creating filters` in Microsoft's documentation",
            ));
        }
        _ => return None,
    };
    let message = format!(
        "the filter `{}` is over {over}, and a {named} takes filters over {takes}",
        filter.name
    );
    Some(Diagnostic::new(
        severity(),
        "filter-not-allowed",
        Some(place),
        message,
    ))
}

fn check_additive(row: &Desired, place: Place, live: &LivePolicy) -> Option<Diagnostic> {
    let (other_side, doing, done) = match &row.key.target {
        Target::Group(id) => (Target::ExclusionGroup(id.clone()), "includes", "excludes"),
        Target::ExclusionGroup(id) => (Target::Group(id.clone()), "excludes", "includes"),
        _ => return None,
    };
    let mut others = live.rows_of(&other_side).iter();
    if !others.any(|live| live.key.variant == row.key.variant) {
        return None;
    }
    let diagnostic = Diagnostic::error(
        "additive-conflict",
        place,
        format!("the entry {doing} a group that the live policy {done}"),
    )
    .hint("mode `additive` never removes; use `exact`, or remove the live assignment first");
    Some(diagnostic)
}

/// An exclusion is added to a policy that includes nobody. Where one goes on being there without an
/// include, a guard asks; nothing is said of what is live already.
fn check_lone_exclusion(row: &Desired, place: Place, live: &LivePolicy) -> Option<Diagnostic> {
    let is_live = live
        .rows_of(&row.key.target)
        .iter()
        .any(|live| row.accepts(live));
    let includes_somebody = live.rows.iter().any(|row| !row.key.target.is_exclusion());
    if is_live || includes_somebody {
        return None;
    }
    let diagnostic = Diagnostic::warning(
        "exclusion-without-include",
        place,
        "the exclusion has no effect: the policy has no include that it could narrow",
    )
    .hint("include a group, all users or all devices as well, or leave the exclusion out");
    Some(diagnostic)
}

/// The entries so far.
#[derive(Default)]
struct Combiner<'e, 'm> {
    /// The entry that came first; the others must be of its mode.
    first: Option<&'m Entry>,
    wanted: Vec<PlacedDesired>,
    /// What each of them was written as.
    written: Vec<&'m WantedTarget>,
    by_key: HashMap<&'e AssignmentKey, usize>,
    /// The first of a group and a variant, on either side.
    by_group: HashMap<(&'e SharedText, Option<&'e SharedText>), usize>,
    /// What must not be there, each target once.
    absent: BTreeMap<&'e Target, &'e ResolvedAbsent<'m>>,
    entries: Vec<Place>,
    faults: Vec<Diagnostic>,
}

impl<'e, 'm> Combiner<'e, 'm> {
    /// Adds what an entry asks for.
    fn add(&mut self, part: &'e ResolvedEntry<'m>) {
        let ResolvedEntry {
            entry,
            targets,
            absent,
        } = part;
        let entry = *entry;
        let first = *self.first.get_or_insert(entry);
        if entry.mode != first.mode {
            self.faults.push(conflict::modes(first, entry));
        }
        self.entries.push(entry.place);
        for target in targets {
            self.add_target(target);
        }
        for absent in absent {
            self.absent.entry(&absent.target).or_insert(absent);
        }
    }

    /// Finds what is wanted and must not be there.
    fn check_absent(&mut self) {
        if self.absent.is_empty() {
            return;
        }
        for (wanted, written) in self.wanted.iter().zip(&self.written) {
            let target = match &wanted.desired.key.target {
                Target::ExclusionGroup(id) => Target::Group(Arc::clone(id)),
                target => target.clone(),
            };
            if let Some(absent) = self.absent.get(&target) {
                self.faults
                    .push(conflict::wanted_and_absent(written, absent.written));
            }
        }
    }

    fn add_target(&mut self, target: &'e Resolved<'m>) {
        let key = &target.wanted.desired.key;
        if let Target::Group(group) | Target::ExclusionGroup(group) = &key.target {
            let excluded = key.target.is_exclusion();
            match self.by_group.get(&(group, key.variant.as_ref())) {
                Some(index)
                    if self.wanted[*index].desired.key.target.is_exclusion() != excluded =>
                {
                    let (included, excluded) = if excluded {
                        (self.written[*index], target.written)
                    } else {
                        (target.written, self.written[*index])
                    };
                    self.faults
                        .push(conflict::included_and_excluded(included, excluded));
                    return;
                }
                Some(_) => {}
                None => {
                    let group = (group, key.variant.as_ref());
                    self.by_group.insert(group, self.wanted.len());
                }
            }
        }
        match self.by_key.get(key) {
            Some(index) => self.check_same_target(*index, target),
            None => {
                self.by_key.insert(key, self.wanted.len());
                self.wanted.push(target.wanted.clone());
                self.written.push(target.written);
            }
        }
    }

    fn check_same_target(&mut self, index: usize, target: &Resolved<'_>) {
        let earlier = &self.wanted[index];
        let desired = &target.wanted.desired;
        if earlier.desired.filter != desired.filter {
            self.faults
                .push(conflict::filters(self.written[index], target.written));
        } else if earlier.desired.source_id != desired.source_id {
            let diagnostic = Diagnostic::error(
                "conflicting-sources",
                target.wanted.place,
                "one target comes from different policy sets",
            )
            .also(earlier.place, "from another one here")
            .hint("give it the same `sourceId` in both places, or remove one");
            self.faults.push(diagnostic);
        }
    }
}
