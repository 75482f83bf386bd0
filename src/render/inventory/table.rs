//! Live assignments as CSV and Markdown.

use std::fmt::Write as _;

use super::super::clean::clean;
use super::super::markdown::code;
use super::super::phrases::{assignment, count};
use super::super::properties::shown;
use super::{Listing, OfTenant, is_effective, name_of, reached_all, summary};
use crate::kinds::properties::unescaped;
use crate::model::Assignment;
use crate::plan::inventory::{Inventory, Reached};

/// The columns of the CSV.
const COLUMNS: [&str; 16] = [
    "kind",
    "id",
    "policy",
    "type",
    "target",
    "targetId",
    "targetName",
    "filterId",
    "filterName",
    "filterMode",
    "source",
    "sourceId",
    "intent",
    "properties",
    "via",
    "excludedBy",
];

/// Says live assignments as CSV (RFC 4180), an assignment a line. Those of several tenants have a column for the
/// tenant.
pub fn csv(listing: &Listing) -> String {
    let tenant = listing.missing.as_ref().map_or("", |_| "tenant,");
    let mut text = format!("{tenant}{}\r\n", COLUMNS.join(","));
    for OfTenant { name, found, .. } in &listing.tenants {
        let name = name.as_ref().map(|name| cell(name) + ",");
        csv_lines(&mut text, found, &name.unwrap_or_default());
    }
    text
}

fn csv_lines(text: &mut String, inventory: &Inventory, begin: &str) {
    let names = &inventory.names;
    for (policy, row) in inventory.rows() {
        let assignment = row.map(|row| &row.assignment);
        let of =
            |say: fn(&Assignment) -> Option<&str>| assignment.and_then(say).unwrap_or_default();
        let target_id = of(|row| row.key.target.id());
        let filter = assignment.and_then(|row| row.filter.as_ref());
        let filter_name = filter.and_then(|filter| names.filter(&filter.id));
        let reached = |all: &[Reached]| reached_all(inventory, all, false);
        let properties = assignment.map(|row| {
            let all = shown(&row.properties);
            let all = all.map(|(name, value)| format!("{}={value}", unescaped(name)));
            all.collect::<Vec<_>>().join("; ")
        });
        let cells = [
            policy.policy.kind.name(),
            &policy.policy.id,
            &policy.policy.name,
            policy.odata_type.as_deref().unwrap_or_default(),
            of(|row| Some(row.key.target.type_name())),
            target_id,
            names.group(target_id).unwrap_or_default(),
            filter.map_or("", |filter| &filter.id),
            filter_name.unwrap_or_default(),
            filter.map_or("", |filter| filter.mode.name()),
            of(|row| Some(row.key.source.name())),
            of(|row| row.source_id.as_deref()),
            of(|row| row.key.variant.as_deref()),
            &properties.unwrap_or_default(),
            &row.map_or(String::new(), |row| reached(&row.via)),
            &row.map_or(String::new(), |row| reached(&row.excluded_by)),
        ];
        text.push_str(begin);
        text.push_str(&cells.map(cell).join(","));
        text.push_str("\r\n");
    }
}

/// Returns a cell that is text to every reader: cleaned, in quotes where it needs them, and with an
/// apostrophe before what a spreadsheet would take for a formula (OWASP, "CSV Injection").
fn cell(text: &str) -> String {
    let mut text = clean(text).into_owned();
    if text.starts_with(['=', '+', '-', '@']) {
        text.insert(0, '\'');
    }
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text
}

/// Room for the line that says how many are missing.
const RESERVE: usize = 120;

/// Says live assignments as Markdown of at most so many bytes, a table a tenant.
pub fn markdown(listing: &Listing, max_bytes: usize) -> String {
    let mut text = String::new();
    for (number, OfTenant { name, found, .. }) in listing.tenants.iter().enumerate() {
        let Some(name) = name else {
            return table(found, max_bytes);
        };
        let head = format!("### {name}\n\n");
        let room = max_bytes.saturating_sub(text.len() + head.len() + RESERVE);
        let table = table(found, room);
        if table.len() > room {
            let left = count(listing.tenants.len() - number, "tenant", "tenants");
            let _ = writeln!(text, "… {left} more; `--format csv` has all of them.");
            break;
        }
        let _ = writeln!(text, "{head}{table}");
    }
    text
}

fn table(inventory: &Inventory, max_bytes: usize) -> String {
    let effective = is_effective(inventory);
    let mut titles = vec!["policy", "kind", "assigned to"];
    if effective {
        titles.extend(["reached through", "excluded by"]);
    }
    // It may hold the name of a group, a user or a device.
    let mut text = format!("{}\n\n", code(summary(inventory).replace('`', "")));
    let lines = inventory.rows().map(|(policy, row)| {
        let cell = |words: String| match words.as_str() {
            "" => String::new(),
            words => code(words),
        };
        let mut cells = vec![
            code(name_of(policy)),
            policy.policy.kind.name().to_owned(),
            row.map_or("not assigned".to_owned(), |row| {
                code(assignment(&row.assignment, &inventory.names))
            }),
        ];
        if effective {
            let reached = |all: &[Reached]| cell(reached_all(inventory, all, true));
            cells.push(row.map_or(String::new(), |row| reached(&row.via)));
            cells.push(row.map_or(String::new(), |row| reached(&row.excluded_by)));
        }
        format!("| {} |\n", cells.join(" | "))
    });
    let lines: Vec<String> = lines.collect();
    if lines.is_empty() {
        return text;
    }
    let _ = writeln!(text, "| {} |", titles.join(" | "));
    let _ = writeln!(text, "|{}", "---|".repeat(titles.len()));
    for (number, line) in lines.iter().enumerate() {
        if text.len() + line.len() + RESERVE > max_bytes {
            let left = count(lines.len() - number, "assignment", "assignments");
            let _ = writeln!(
                text,
                "\n… {left} more; `--format csv` and `html` have all of them."
            );
            break;
        }
        text.push_str(line);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_cell_is_a_formula_or_breaks_out() {
        for (text, expected) in [
            ("plain", "plain"),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-Exempt", "'-Exempt"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=a,b", "\"'=a,b\""),
            ("\t=1", "\\t=1"),
            ("a\r\nb", "a\\r\\nb"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }
}
