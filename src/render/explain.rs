//! Why a policy has its assignments, as text and for programs.

use serde::Serialize;

use super::clean::clean;
use super::columns::hanging;
use super::groups::{DETECTS, update};
use super::phrases::{assignment, policy_of_kind};
use super::review::Direction;
use crate::plan::explain::{Explained, Explanation, Line, Reason, RequestingLine};
use crate::plan::saved::{AssignmentRecord, FORMAT_VERSION};
use crate::plan::{ManifestPlace, Names};

const DIM: anstyle::Style = anstyle::Style::new().dimmed();

/// Explains a policy in text; it may hold colours. Lines fit so many columns, if that is known.
pub fn text(explanation: &Explanation, width: Option<usize>) -> String {
    let Explanation {
        policy,
        mode,
        entries,
        assignments,
        names,
    } = explanation;
    let mut lines = vec![policy_of_kind(policy)];
    lines.push(match mode {
        None => "  no manifest entry selects it: assignctl leaves it alone".to_owned(),
        Some(mode) => format!("  mode {}, selected by", mode.name()),
    });
    lines.extend(entries.iter().map(|entry| format!("    {}", line(entry))));
    lines.push(String::new());
    if assignments.is_empty() {
        lines.push("not assigned, and nothing asks for an assignment".to_owned());
    }
    for explained in assignments {
        let detects = match explained.only_detects {
            true => DETECTS,
            false => "",
        };
        lines.push(format!(
            "{} {}{detects}",
            sign(explained),
            described(explained, names)
        ));
        lines.push(format!("    {}", why(explained.reason)));
        for asked in &explained.asked {
            lines.push(format!("    {}", line(&asked.line)));
            if let Some(through) = &asked.through {
                lines.push(format!("      through {}", line(through)));
            }
        }
    }
    let lines = lines.iter().map(|line| hanging(line, width) + "\n");
    lines.collect()
}

fn line(line: &Line) -> String {
    let Line { place, text } = line;
    let ManifestPlace { path, line, .. } = place;
    format!("{DIM}{}:{line}:{DIM:#} {}", clean(path), clean(text))
}

fn sign(explained: &Explained) -> char {
    match (&explained.before, &explained.after) {
        (None, _) => '+',
        (Some(_), None) => '-',
        (Some(before), Some(after)) if before != after => '~',
        _ => '=',
    }
}

fn described(explained: &Explained, names: &Names) -> String {
    match (&explained.before, &explained.after) {
        (Some(before), Some(after)) if before != after => {
            update(before, after, names, Direction::Plan)
        }
        (before, after) => {
            let found = after.as_ref().or(before.as_ref());
            found.map_or_else(String::new, |found| assignment(found, names))
        }
    }
}

/// Says why an assignment is there or planned.
fn why(reason: Reason) -> &'static str {
    match reason {
        Reason::AskedFor => "live, requested by",
        Reason::Missing => "not live; requested by",
        Reason::Differs => "live, but different; requested by",
        Reason::NotAskedFor => {
            "live, but no line asks for it, and in mode `exact` the manifest is the whole set"
        }
        Reason::Absent => "live, and must not be there",
        Reason::Additive => "live; no line asks for it, and in mode `additive` it stays",
        Reason::UnknownType => {
            "live; no line asks for it, and in mode `exact` it stays only because its type is not known"
        }
        Reason::NotDirect => "made by a policy set or the service; left alone",
        Reason::Unmanaged => "live",
    }
}

/// An explanation, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExplanationRecord<'a> {
    format_version: &'static str,
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    managed: bool,
    mode: Option<&'static str>,
    manifest: Vec<LineRecord<'a>>,
    assignments: Vec<ExplainedRecord<'a>>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct LineRecord<'a> {
    path: &'a str,
    line: usize,
    column: usize,
    text: &'a str,
}

#[derive(Debug, Serialize)]
struct ExplainedRecord<'a> {
    action: Option<&'static str>,
    reason: &'static str,
    before: Option<AssignmentRecord<'a>>,
    after: Option<AssignmentRecord<'a>>,
    asked: Vec<AskedRecord<'a>>,
}

#[derive(Debug, Serialize)]
struct AskedRecord<'a> {
    #[serde(flatten)]
    line: LineRecord<'a>,
    through: Option<LineRecord<'a>>,
}

impl<'a> LineRecord<'a> {
    fn new(line: &'a Line) -> Self {
        let Line { place, text } = line;
        let ManifestPlace { path, line, column } = place;
        Self {
            path,
            line: *line,
            column: *column,
            text,
        }
    }
}

/// Returns an explanation in the form for programs.
pub fn record(explanation: &Explanation) -> ExplanationRecord<'_> {
    let Explanation {
        policy,
        mode,
        entries,
        assignments,
        names,
    } = explanation;
    let record = |assignment| AssignmentRecord::new(assignment, names);
    let assignments = assignments.iter().map(|one| ExplainedRecord {
        action: match sign(one) {
            '+' => Some("add"),
            '-' => Some("remove"),
            '~' => Some("update"),
            _ => None,
        },
        reason: one.reason.name(),
        before: one.before.as_ref().map(record),
        after: one.after.as_ref().map(record),
        asked: one
            .asked
            .iter()
            .map(|RequestingLine { line, through }| AskedRecord {
                line: LineRecord::new(line),
                through: through.as_ref().map(LineRecord::new),
            })
            .collect(),
    });
    ExplanationRecord {
        format_version: FORMAT_VERSION,
        kind: policy.kind.name(),
        id: &policy.id,
        name: &policy.name,
        managed: mode.is_some(),
        mode: mode.map(crate::manifest::Mode::name),
        manifest: entries.iter().map(LineRecord::new).collect(),
        assignments: assignments.collect(),
        complete: true,
    }
}
