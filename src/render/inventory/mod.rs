//! Live assignments: as a table for terminals, JSON, CSV, Markdown, and a page for browsers.

mod page;
mod table;

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::clean;
use super::columns::{hanging, widest_unit, width, wrap};
use super::json::Json;
use super::phrases::{assignment, count, named, narrowed};
use crate::plan::inventory::{Inventory, InventoryPolicy, Listed, Reached, Subject, SubjectKind};
use crate::plan::saved::{AssignmentRecord, FORMAT_VERSION, SelectionRecord};

pub use page::page;
pub use table::{csv, markdown};

/// What was found, in the tenant that is signed in to or in several.
#[derive(Clone, Debug)]
pub struct Listing {
    /// What was found in each.
    pub tenants: Vec<OfTenant>,
    /// What could not be read of several tenants.
    pub missing: Option<Vec<String>>,
}

/// What was found in a tenant.
#[derive(Clone, Debug)]
pub struct OfTenant {
    /// Its short name, if it is one of several.
    pub name: Option<String>,
    /// The assignments.
    pub found: Inventory,
    /// Kinds that could not be read.
    pub unavailable: Vec<&'static str>,
}

/// Says live assignments as a table that fits so many columns, if that is known; else an assignment is a line.
/// Those of several tenants have a column for the tenant.
pub fn text(Listing { tenants, .. }: &Listing, width: Option<usize>) -> String {
    let mut text = String::new();
    let lines: Vec<Vec<String>> = tenants.iter().flat_map(cells).collect();
    if let Some(first) = tenants.first().filter(|_| !lines.is_empty()) {
        draw_columns(&mut text, &titles(first), &lines, width);
        text.push('\n');
    }
    for OfTenant { name, found, .. } in tenants {
        let name = name.as_ref().map(|name| format!("{name}: "));
        let line = name.unwrap_or_default() + &summary(found);
        let _ = writeln!(text, "{}", hanging(&line, width));
    }
    text
}

fn titles(tenant: &OfTenant) -> Vec<String> {
    let mut titles = vec!["KIND", "POLICY", ASSIGNED_TO];
    if is_effective(&tenant.found) {
        titles.extend(["REACHED THROUGH", "EXCLUDED BY"]);
    }
    let tenant = tenant.name.as_ref().map(|_| "TENANT");
    tenant
        .into_iter()
        .chain(titles)
        .map(str::to_owned)
        .collect()
}

fn cells(tenant: &OfTenant) -> impl Iterator<Item = Vec<String>> {
    let OfTenant { name, found, .. } = tenant;
    let effective = is_effective(found);
    found.rows().map(move |(policy, row)| {
        let mut cells: Vec<String> = name.iter().cloned().collect();
        cells.extend([
            policy.policy.kind.name().to_owned(),
            name_of(policy),
            row.map_or("not assigned".to_owned(), |row| {
                assignment(&row.assignment, &found.names)
            }),
        ]);
        if effective {
            let reached = |all: &[Reached]| reached_all(found, all, true);
            cells.push(row.map_or(String::new(), |row| reached(&row.via)));
            cells.push(row.map_or(String::new(), |row| reached(&row.excluded_by)));
        }
        cells
    })
}

/// The title of the column with targets.
const ASSIGNED_TO: &str = "ASSIGNED TO";
/// What stands between two columns.
const GAP: usize = 2;

/// Puts cells below each other. In a terminal that is too narrow for them, cells wrap within their columns; in
/// one that is too narrow even for that, there are no columns.
fn draw_columns(
    text: &mut String,
    titles: &Vec<String>,
    lines: &[Vec<String>],
    room: Option<usize>,
) {
    let of_column = |measure: fn(&str) -> usize| -> Vec<usize> {
        let column = |column: usize| {
            let all = lines.iter().chain([titles]);
            all.map(|line| measure(&line[column])).max()
        };
        (0..titles.len())
            .map(|number| column(number).unwrap_or_default())
            .collect()
    };
    let mut widths = of_column(width);
    if let Some(room) = room {
        let room_of_cells = room.saturating_sub(GAP * titles.len().saturating_sub(1));
        narrow(&mut widths, &of_column(widest_unit), room_of_cells);
        if widths.iter().sum::<usize>() > room_of_cells {
            return draw_stacked(text, titles, lines, room);
        }
    }
    for line in std::iter::once(titles).chain(lines) {
        let cells: Vec<Vec<String>> = line
            .iter()
            .zip(&widths)
            .map(|(cell, width)| wrap(cell, *width))
            .collect();
        let height = cells.iter().map(Vec::len).max().unwrap_or_default();
        for number in 0..height {
            let mut drawn = String::new();
            for (cell, column) in cells.iter().zip(&widths) {
                let part = cell.get(number).map_or("", String::as_str);
                drawn.push_str(part);
                drawn.push_str(&" ".repeat(column.saturating_sub(width(part)) + GAP));
            }
            text.push_str(drawn.trim_end());
            text.push('\n');
        }
    }
}

/// Puts the assignments of a policy below it, where no table fits.
fn draw_stacked(text: &mut String, titles: &[String], lines: &[Vec<String>], room: usize) {
    let heads = titles.iter().position(|title| title == ASSIGNED_TO);
    let heads = heads.unwrap_or_default();
    let mut push = |line: &str| {
        text.push_str(&hanging(line, Some(room)));
        text.push('\n');
    };
    let mut last: &[String] = &[];
    for line in lines {
        let (head, rest) = line.split_at(heads);
        if head != last {
            push(&head.join(" "));
            last = head;
        }
        for (title, cell) in titles[heads..].iter().zip(rest) {
            if title == ASSIGNED_TO {
                push(&format!("  {cell}"));
            } else if !cell.is_empty() {
                push(&format!("    {}: {cell}", title.to_lowercase()));
            }
        }
    }
}

/// Takes from the widest columns until all of them fit, and from none more than it can spare.
fn narrow(widths: &mut [usize], least: &[usize], room: usize) {
    while widths.iter().sum::<usize>() > room {
        let spare = widths
            .iter_mut()
            .zip(least)
            .filter(|(width, least)| **width > **least);
        let Some((widest, _)) = spare.max_by_key(|(width, _)| **width) else {
            return;
        };
        *widest -= 1;
    }
}

/// Says how much was found, in a sentence that also says when nothing was, and what was left out.
pub fn summary(inventory: &Inventory) -> String {
    summary_naming(" (`--unassigned`)", inventory)
}

/// Says it with an option, or with none, by which policies are shown that reach no one.
fn summary_naming(option: &str, inventory: &Inventory) -> String {
    let mut summary = found(inventory, option);
    // Nothing found, or everything fine, is so of what was looked at only.
    if !inventory.also_narrowed_by.is_empty() {
        let options = inventory.also_narrowed_by.join(" ");
        let _ = write!(summary, "; narrowed by {options}");
    }
    if inventory.partial.is_partial() {
        let options = narrowed(&inventory.partial);
        let _ = write!(summary, "; partial view: {options}");
    }
    summary
}

fn found(inventory: &Inventory, option: &str) -> String {
    let rows = inventory
        .rows()
        .filter_map(|(policy, row)| Some((policy, row?)));
    let rows: Vec<(&InventoryPolicy, &Listed)> = rows.collect();
    let mut policies: Vec<_> = rows.iter().map(|(policy, _)| &policy.policy).collect();
    policies.dedup();
    let policies = count(policies.len(), "policy", "policies");
    let reach_no_one = |number| count(number, "policy reaches", "policies reach") + " no one";
    if inventory.unassigned_only {
        return match inventory.unassigned() {
            0 if inventory.partial.is_partial() || !inventory.also_narrowed_by.is_empty() => {
                "every policy of this view reaches someone".to_owned()
            }
            0 => "every policy reaches someone".to_owned(),
            number => reach_no_one(number),
        };
    }
    let with_filter = inventory.filter.as_ref().map(|id| {
        let name = inventory.names.filter(id).unwrap_or(id);
        format!(" with filter {}", clean(name))
    });
    let assignments = count(rows.len(), "assignment", "assignments");
    let with_filter = with_filter.unwrap_or_default();
    let found = format!("{assignments}{with_filter} of {policies}");
    match &inventory.subject {
        None if inventory.filter.is_some() => found,
        None => {
            let unassigned = match inventory.unassigned() {
                0 => String::new(),
                number => format!("; {}{option}", reach_no_one(number)),
            };
            format!("{found}{unassigned}")
        }
        Some(subject) if !subject.effective => {
            format!("{found} to {}", subject_name(inventory, subject))
        }
        Some(subject) => {
            let excluded = rows.iter().filter(|(_, row)| !row.excluded_by.is_empty());
            let excluded = match excluded.count() {
                0 => String::new(),
                number => format!(", {number} of them excluded"),
            };
            let filtered = rows.iter().any(|(_, row)| row.assignment.filter.is_some());
            let filtered = match filtered {
                true => "; a filter may take more away",
                false => "",
            };
            let name = subject_name(inventory, subject);
            format!("{found} for {name}{excluded}{filtered}")
        }
    }
}

fn subject_name(inventory: &Inventory, subject: &Subject) -> String {
    let id = subject.id.as_deref().unwrap_or_default();
    let shares = inventory.names.shares_group_name(id);
    let name = named(&subject.name, id, shares);
    format!("{} {name}", subject.kind.name())
}

fn is_effective(inventory: &Inventory) -> bool {
    let subject = inventory.subject.as_ref();
    subject.is_some_and(|subject| subject.effective)
}

fn name_of(policy: &InventoryPolicy) -> String {
    let policy = &policy.policy;
    named(&policy.name, &policy.id, policy.shares_name)
}

/// Names what reaches someone; with `words`, for people.
fn reached_all(inventory: &Inventory, all: &[Reached], words: bool) -> String {
    // Whether a group holds any is not known.
    let subject = inventory.subject.as_ref();
    let of_group = words && subject.is_some_and(|subject| subject.kind == SubjectKind::Group);
    let only = |all: &str, members: &str| match of_group {
        true => format!("{all} ({members} of the group only)"),
        false => all.to_owned(),
    };
    let all = all.iter().map(|reached| match reached {
        Reached::AllUsers => only("allUsers", "users"),
        Reached::AllDevices => only("allDevices", "devices"),
        Reached::Group(id) => match inventory.names.group(id) {
            Some(name) => named(name, id, inventory.names.shares_group_name(id)),
            None => clean(id).into_owned(),
        },
    });
    all.collect::<Vec<_>>().join("; ")
}

/// What was found, for programs.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct InventoryRecord<'a> {
    format_version: &'static str,
    tenant_id: Option<&'a str>,
    selection: SelectionRecord,
    subject: Option<SubjectRecord<'a>>,
    assignments: Vec<RowRecord<'a>>,
    /// How many of the policies reach no one.
    unassigned: usize,
    /// Kinds that could not be read.
    unavailable: Vec<&'static str>,
    complete: bool,
}

#[derive(Debug, Serialize)]
struct SubjectRecord<'a> {
    r#type: &'static str,
    id: Option<&'a str>,
    name: &'a str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RowRecord<'a> {
    kind: &'static str,
    id: &'a str,
    name: &'a str,
    r#type: Option<&'a str>,
    assignment: Option<AssignmentRecord<'a>>,
    via: Vec<ReachedRecord<'a>>,
    excluded_by: Vec<ReachedRecord<'a>>,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum ReachedRecord<'a> {
    Broad(&'static str),
    Group { id: &'a str, name: Option<&'a str> },
}

#[derive(Serialize)]
struct TenantsRecord<'a> {
    tenants: Vec<TenantRecord<'a>>,
    complete: bool,
}

#[derive(Serialize)]
struct TenantRecord<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(flatten)]
    found: InventoryRecord<'a>,
}

/// Returns what was found as JSON.
pub fn json(listing: &Listing) -> Json<'_> {
    let mut tenants = listing.tenants.iter().map(|tenant| TenantRecord {
        name: tenant.name.as_deref(),
        found: record(&tenant.found, tenant.unavailable.iter().copied()),
    });
    match (&listing.missing, tenants.next()) {
        (None, Some(one)) => Json::new(one),
        (missing, first) => Json::new(TenantsRecord {
            tenants: first.into_iter().chain(tenants).collect(),
            complete: missing.as_ref().is_none_or(Vec::is_empty),
        }),
    }
}

/// Returns what was found in the form for programs.
pub fn record<'a>(
    inventory: &'a Inventory,
    unavailable: impl Iterator<Item = &'static str>,
) -> InventoryRecord<'a> {
    let reached = |all: &'a [Reached]| {
        let all = all.iter().map(|reached| match reached {
            Reached::AllUsers => ReachedRecord::Broad("allUsers"),
            Reached::AllDevices => ReachedRecord::Broad("allDevices"),
            Reached::Group(id) => ReachedRecord::Group {
                id,
                name: inventory.names.group(id),
            },
        });
        all.collect::<Vec<_>>()
    };
    let rows = inventory.rows().map(|(policy, row)| RowRecord {
        kind: policy.policy.kind.name(),
        id: &policy.policy.id,
        name: &policy.policy.name,
        r#type: policy.odata_type.as_deref(),
        assignment: row.map(|row| AssignmentRecord::new(&row.assignment, &inventory.names)),
        via: row.map_or(Vec::new(), |row| reached(&row.via)),
        excluded_by: row.map_or(Vec::new(), |row| reached(&row.excluded_by)),
    });
    InventoryRecord {
        format_version: FORMAT_VERSION,
        tenant_id: inventory.tenant_id.as_deref(),
        selection: SelectionRecord::asked(&inventory.partial),
        subject: inventory.subject.as_ref().map(|subject| SubjectRecord {
            r#type: subject.kind.name(),
            id: subject.id.as_deref(),
            name: &subject.name,
        }),
        assignments: rows.collect(),
        unassigned: inventory.unassigned(),
        unavailable: unavailable.collect(),
        complete: inventory.complete,
    }
}
