//! Small words that every format for people uses: assignments, counts, durations.

use std::time::Duration;

use super::clean::clean;
use crate::model::{Assignment, Filter, Source, Target};
use crate::plan::guards::Guard;
use crate::plan::since::Cause;
use crate::plan::{Change, Names, Plan, PlannedPolicy, Selection};
pub use crate::text::count;

/// Says a duration for people, in a unit of which there are at least two.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 => "under a second".to_owned(),
        1..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min {} s", seconds / 60, seconds % 60),
        7_200..172_800 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} days", seconds / 86_400),
    }
}

/// Says how many writes a plan takes, and how long they wait for the service's limit.
pub fn writes(number: usize, time: Duration) -> String {
    let waiting = if time.is_zero() {
        "without waiting for the service's limit".to_owned()
    } else {
        format!("about {}", duration(time))
    };
    format!("{}, {waiting}", count(number, "write", "writes"))
}

/// What a partial view takes and leaves out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Partial {
    /// The options that narrow it.
    pub(super) options: String,
    /// How many policies they leave out.
    pub(super) left_out: String,
}

/// Says what a partial view takes and leaves out; nothing where it is not partial.
pub(super) fn partial(plan: &Plan) -> Option<Partial> {
    if !plan.is_partial() {
        return None;
    }
    let Selection {
        only,
        exclude,
        kinds,
    } = &plan.selection;
    let globs = [("--only", only), ("--exclude", exclude)];
    let globs = globs.iter().flat_map(|(option, globs)| {
        let texts = globs.iter().map(|glob| clean(glob.as_str()));
        texts.map(move |glob| format!("{option} '{glob}'"))
    });
    let kinds = kinds.iter().map(|kind| format!("--kind {kind}"));
    let options: Vec<String> = globs.chain(kinds).collect();
    Some(Partial {
        options: options.join(" "),
        left_out: count(plan.left_out, "managed policy", "managed policies"),
    })
}

/// Says what happened since a run; nothing where that was not asked.
pub(super) fn since(plan: &Plan) -> Option<(&str, String)> {
    let since = plan.since.as_ref()?;
    let counts: Vec<String> = Cause::ALL
        .into_iter()
        .map(|cause| (cause, since.count(cause)))
        .filter(|(_, number)| *number > 0)
        .map(|(cause, number)| format!("{number} {} ({})", cause.name(), cause.about()))
        .collect();
    let said = if counts.is_empty() {
        "nothing to explain".to_owned()
    } else {
        counts.join(", ")
    };
    Some((&since.report, said))
}

/// Returns the word for the policies that a plan looked at.
pub(super) fn managed_or_selected(plan: &Plan) -> &'static str {
    if plan.is_partial() {
        "selected"
    } else {
        "managed"
    }
}

/// Says what a guard that tripped looks at, and what it saw, with texts that `safe` makes harmless.
pub(super) fn seen(guard: &Guard, safe: impl Fn(&str) -> String) -> String {
    let Guard {
        name,
        limit,
        observed,
        tripped: _,
        accepted: _,
        policies: _,
    } = guard;
    let (observed, limit) = (safe(observed), safe(limit));
    format!("{} (saw {observed}, limit {limit})", name.about())
}

/// Returns the word for what became of a guard that tripped.
pub(super) fn verdict(guard: &Guard) -> &'static str {
    if guard.accepted {
        "accepted"
    } else {
        "tripped"
    }
}

/// Says what makes a guard let the plan through.
pub(super) fn how_to_accept(guard: &Guard) -> String {
    match guard.acceptance() {
        Some(flag) => format!("accept it with `{flag}`"),
        None => "this guard can't be accepted; sign in to the right tenant".to_owned(),
    }
}

/// The changes of a policy, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) add: usize,
    pub(super) remove: usize,
    pub(super) update: usize,
}

impl Counts {
    pub(super) fn of(policy: &PlannedPolicy) -> Self {
        let mut counts = Self::default();
        for change in &policy.changes {
            match change {
                Change::Add(_) => counts.add += 1,
                Change::Remove(_) => counts.remove += 1,
                Change::Update { .. } => counts.update += 1,
            }
        }
        counts
    }
}

/// Says whom an assignment means, without its filter.
pub fn target(row: &Assignment, names: &Names) -> String {
    let group = |id: &str| match names.group(id) {
        Some(name) if names.shares_group_name(id) => format!("{} ({})", clean(name), clean(id)),
        Some(name) => clean(name).into_owned(),
        None => format!("{} (name unknown)", clean(id)),
    };
    let mut text = match &row.key.target {
        Target::AllDevices => "allDevices".to_owned(),
        Target::AllUsers => "allUsers".to_owned(),
        Target::Group(id) => format!("group {}", group(id)),
        Target::ExclusionGroup(id) => format!("exclude group {}", group(id)),
        Target::Collection(id) => format!("collection {}", clean(id)),
        Target::Other { odata_type, .. } => format!("{} (unknown target)", clean(odata_type)),
    };
    match &row.key.source {
        Source::Direct => {}
        source => {
            text.push_str(", source ");
            text.push_str(&clean(source.name()));
            if let Some(id) = &row.source_id {
                text.push(' ');
                text.push_str(&clean(id));
            }
        }
    }
    text
}

/// Says a filter.
pub fn filter(filter: Option<&Filter>, names: &Names) -> String {
    match filter {
        None => "no filter".to_owned(),
        Some(Filter { id, mode }) => {
            let name = names.filter(id).unwrap_or(id);
            format!("filter {} ({})", clean(name), clean(mode.name()))
        }
    }
}

/// Says an assignment, with its filter where it has one.
pub fn assignment(row: &Assignment, names: &Names) -> String {
    let mut text = target(row, names);
    if row.filter.is_some() {
        text.push_str(", ");
        text.push_str(&filter(row.filter.as_ref(), names));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_well() {
        for (seconds, text) in [
            (0, "under a second"),
            (1, "1 s"),
            (119, "119 s"),
            (120, "2 min 0 s"),
            (7199, "119 min 59 s"),
            (7200, "2 h 0 min"),
            (172_799, "47 h 59 min"),
            (172_800, "2 days"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }
}
