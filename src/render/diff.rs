//! A policy's assignments before and after, as YAML in unified form.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use super::clean::clean;
use crate::model::{Assignment, Source, Target};
use crate::plan::{Names, PlannedPolicy};

const ADD: Style = AnsiColor::Green.on_default();
const REMOVE: Style = AnsiColor::Red.on_default();

/// Assignments as a manifest would declare them.
#[derive(Serialize)]
struct Rows {
    include: Vec<Row>,
    exclude: Vec<Row>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    #[serde(skip_serializing_if = "Option::is_none")]
    all_devices: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    all_users: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    collection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown_target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter_mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_id: Option<String>,
}

impl Row {
    fn new(row: &Assignment, names: &Names) -> Self {
        let safe = |text: &str| clean(text).into_owned();
        let mut out = Self::default();
        match &row.key.target {
            Target::AllDevices => out.all_devices = Some(true),
            Target::AllUsers => out.all_users = Some(true),
            Target::Group(id) | Target::ExclusionGroup(id) => match names.group(id) {
                Some(name) => {
                    out.group = Some(safe(name));
                    // Of two groups with one name, the id tells which is meant.
                    out.group_id = names.shares_group_name(id).then(|| safe(id));
                }
                None => out.group_id = Some(safe(id)),
            },
            Target::Collection(id) => out.collection = Some(safe(id)),
            Target::Other { odata_type, .. } => out.unknown_target = Some(safe(odata_type)),
        }
        if let Some(filter) = &row.filter {
            match names.filter(&filter.id) {
                Some(name) => out.filter = Some(safe(name)),
                None => out.filter_id = Some(safe(&filter.id)),
            }
            out.filter_mode = Some(safe(filter.mode.name()));
        }
        if row.key.source != Source::Direct {
            out.source = Some(safe(row.key.source.name()));
            out.source_id = row.source_id.as_deref().map(safe);
        }
        out
    }
}

fn yaml(rows: &[Assignment], names: &Names) -> String {
    let (exclude, include): (Vec<&Assignment>, Vec<&Assignment>) =
        rows.iter().partition(|row| row.key.target.is_exclusion());
    let side = |rows: Vec<&Assignment>| rows.into_iter().map(|row| Row::new(row, names)).collect();
    // Structs of texts always serialise.
    serde_saphyr::to_string(&Rows {
        include: side(include),
        exclude: side(exclude),
    })
    .unwrap_or_default()
}

/// Draws the difference that a policy's changes make, for a terminal.
pub(super) fn colored(policy: &PlannedPolicy, names: &Names) -> String {
    let mut text = String::new();
    for line in unified(policy, names).lines() {
        let style = match line.as_bytes().first() {
            Some(b'+') => ADD,
            Some(b'-') => REMOVE,
            _ => Style::new(),
        };
        let _ = writeln!(text, "  {style}{line}{style:#}");
    }
    text
}

/// Returns the difference that a policy's changes make, as lines that begin with `@@`, a plus, a
/// minus or a space. Nothing in it can begin a line of its own: names are cleaned.
pub(super) fn unified(policy: &PlannedPolicy, names: &Names) -> String {
    let before = yaml(&policy.before, names);
    let after = yaml(&policy.after, names);
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = String::new();
    for hunk in diff.unified_diff().context_radius(3).iter_hunks() {
        let _ = writeln!(text, "{}", hunk.header());
        for change in hunk.iter_changes() {
            let sign = match change.tag() {
                ChangeTag::Insert => '+',
                ChangeTag::Delete => '-',
                ChangeTag::Equal => ' ',
            };
            let line = change.value().trim_end_matches('\n');
            let _ = writeln!(text, "{sign}{line}");
        }
    }
    text
}
