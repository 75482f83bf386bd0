//! What became of several tenants: a summary with the worst first, then each tenant by itself.

use std::fmt::Write as _;

use super::clean::clean;
use super::phrases::count;
use super::review::{PlanView, Review};
use super::{github, markdown};
use crate::report::Outcome;

/// A tenant with what a run found and did there.
#[derive(Clone, Copy, Debug)]
pub struct TenantView<'a> {
    /// Its short name.
    pub name: &'a str,
    /// Its id or domain.
    pub tenant_id: &'a str,
    /// How the run for it ended.
    pub exit_code: u8,
    /// What it found and did.
    pub review: Review<'a>,
}

/// What it takes to say that details are left out.
const NOTE: usize = 80;

/// The room that a summary takes of a Markdown result, at most: a quarter.
const HEAD_SHARE: usize = 4;

impl TenantView<'_> {
    /// Says in a few words what became of it.
    fn state(&self) -> String {
        let Review {
            command: _,
            plan,
            results,
            checked: _,
            findings,
            error,
        } = &self.review;
        if let Some(results) = results.filter(|results| !results.settled.is_empty()) {
            let outcomes = [
                (Outcome::Applied, "applied"),
                (Outcome::Already, "already as planned"),
                (Outcome::Pending, "waiting for approval"),
                (Outcome::Failed, "failed"),
                (Outcome::Stale, "stale"),
                (Outcome::Skipped, "skipped"),
            ];
            let said = outcomes.iter().filter_map(|(outcome, word)| {
                let number = results.count(*outcome);
                (number > 0).then(|| format!("{number} {word}"))
            });
            return said.collect::<Vec<_>>().join(", ");
        }
        match (error, plan) {
            (Some(error), _) if !error.message.is_empty() => clean(error.message).into_owned(),
            (_, Some(view)) => changes(view),
            _ => {
                let errors = findings.iter().filter(|found| found.is_error()).count();
                format!("{} found", count(errors, "error", "errors"))
            }
        }
    }
}

fn changes(view: &PlanView<'_>) -> String {
    let summary = view.summary;
    if summary.changed == 0 {
        return "no changes".to_owned();
    }
    format!(
        "{} to change: {} to add, {} to remove, {} to update",
        count(summary.changed, "policy", "policies"),
        summary.add,
        summary.remove,
        summary.update
    )
}

/// Draws all tenants as text; `body` draws one.
pub fn text(views: &[TenantView<'_>], body: impl Fn(usize) -> String) -> String {
    let mut text = format!("{}\n", count(views.len(), "tenant", "tenants"));
    let width = views.iter().map(|view| view.name.len()).max();
    let width = width.unwrap_or_default();
    for view in views {
        let _ = writeln!(
            text,
            "  {:width$}  exit {:<3}  {}",
            view.name,
            view.exit_code,
            view.state()
        );
    }
    for (number, view) in views.iter().enumerate() {
        let body = body(number);
        if !body.trim().is_empty() {
            let _ = write!(
                text,
                "\n== {} ({}) ==\n\n{}",
                view.name,
                clean(view.tenant_id),
                body
            );
        }
    }
    text
}

/// Draws all tenants as Markdown in at most so many bytes: one table, and each tenant's details folded,
/// the worst first, as far as there is room.
pub fn markdown(command: &str, views: &[TenantView<'_>], most_bytes: usize) -> String {
    let mut text = format!(
        "{}\n### assignctl {command}: {}\n\n| tenant | exit | result |\n|---|---|---|\n",
        markdown::marker(command),
        count(views.len(), "tenant", "tenants")
    );
    for (number, view) in views.iter().enumerate() {
        let row = format!(
            "| {} | {} | {} |\n",
            view.name,
            view.exit_code,
            markdown::code(view.state())
        );
        if text.len() + row.len() > most_bytes / HEAD_SHARE {
            let left = count(views.len() - number, "more tenant", "more tenants");
            let _ = writeln!(text, "| … | | {left} |");
            break;
        }
        text.push_str(&row);
    }
    for (number, view) in views.iter().enumerate() {
        let head = format!("\n<details><summary>{}</summary>\n\n", view.name);
        let foot = "\n</details>\n";
        let room = most_bytes.saturating_sub(text.len() + head.len() + foot.len() + NOTE);
        let body = markdown::draw(&view.review, room);
        if body.len() > room {
            let left = count(views.len() - number, "tenant", "tenants");
            let _ = writeln!(
                text,
                "\nThe details of {left} are left out, for their size."
            );
            break;
        }
        text.push_str(&head);
        // The marker is that of the whole.
        let marker = markdown::marker(command);
        text.push_str(body.strip_prefix(&marker).unwrap_or(&body).trim_start());
        text.push_str(foot);
    }
    text
}

/// Draws all tenants as annotations.
pub fn annotations(views: &[TenantView<'_>]) -> String {
    let mut text = String::new();
    for view in views {
        let _ = writeln!(text, "::group::{}", view.name);
        text.push_str(&github::draw(&view.review));
        text.push_str("::endgroup::\n");
    }
    text
}
