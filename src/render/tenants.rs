//! What became of several tenants: a summary with the worst first, then each tenant by itself. All of it is
//! drawn a tenant at a time, so that no more than one has to be in memory.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::clean::clean;
use super::github::{self, Form};
use super::markdown::{self, code};
use super::phrases::{count, outcomes_with, seen_and_hint, verdict};
use super::review::Review;
use crate::plan::guards::Guard;
use crate::report::Outcome;

/// A tenant with what a run found and did there.
#[derive(Clone, Copy, Debug)]
pub struct TenantView<'a> {
    /// Its short name.
    pub name: &'a str,
    /// Its id or domain.
    pub tenant_id: &'a str,
    /// What it found and did.
    pub review: Review<'a>,
}

/// A line of the summary.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// The tenant's short name.
    pub name: &'a str,
    /// How the run for it ended.
    pub exit_code: u8,
    /// What came of it, in a few words.
    pub state: &'a str,
}

/// What is said of all tenants together.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// The command's word.
    pub command: &'a str,
    /// The parts of the tenants that it ran for, as in `2/5`; none if it ran for all of them.
    pub shards: &'a [String],
    /// The tenants, the worst first.
    pub lines: &'a [Line<'a>],
    /// What the guard `tenants` says.
    pub guard: Option<&'a Guard>,
    /// The digest of all plans.
    pub digest: Option<&'a str>,
}

/// What it takes to say that details are left out.
const NOTE: usize = 80;

/// The room that a summary takes of a Markdown result, at most: a quarter.
const HEAD_SHARE: usize = 4;

/// The longest state in a table, in characters.
const LONGEST_STATE: usize = 300;

/// Says in a few words what became of a tenant, unless an error says it.
pub fn state(review: &Review<'_>) -> String {
    if let Some(results) = review.results.filter(|results| !results.settled.is_empty()) {
        return outcomes_with(results, None, |outcome| match outcome {
            Outcome::Already => "already as planned",
            Outcome::Pending => "waiting for approval",
            other => other.name(),
        });
    }
    let state = markdown::headline(review);
    let errors = review.findings.iter().filter(|finding| finding.is_error());
    let codes: BTreeSet<&str> = errors.map(|finding| &*finding.diagnostic.code).collect();
    match (&review.plan, codes.is_empty()) {
        (None, false) => {
            let codes: Vec<&str> = codes.into_iter().collect();
            format!("{state} ({})", codes.join(", "))
        }
        _ => state,
    }
}

/// Draws the summary as text.
pub fn text_head(head: &Head<'_>) -> String {
    let Head {
        command: _,
        shards,
        lines,
        guard,
        digest,
    } = head;
    let mut text = format!("{}\n", title(lines, shards));
    let width = lines.iter().map(|line| line.name.len()).max();
    let width = width.unwrap_or_default();
    for line in *lines {
        let _ = writeln!(
            text,
            "  {:width$}  exit {:<3}  {}",
            line.name,
            line.exit_code,
            clean(line.state)
        );
    }
    if let Some(guard) = guard.filter(|guard| guard.tripped) {
        let (verdict, seen) = (verdict(guard), seen_and_hint(guard, str::to_owned));
        let _ = writeln!(text, "guard `tenants` {verdict}: {seen}");
    }
    if let Some(digest) = digest {
        let _ = writeln!(text, "digest of all: {digest}");
    }
    text
}

/// Says how many tenants there are, and in which part of them all.
fn title(lines: &[Line<'_>], shards: &[String]) -> String {
    let tenants = count(lines.len(), "tenant", "tenants");
    match shards {
        [] => tenants,
        [shard] => format!("{tenants}, shard {shard}"),
        shards => format!("{tenants}, shards {}", shards.join(", ")),
    }
}

/// Draws the heading of a tenant as text.
pub fn text_heading(name: &str, tenant_id: &str) -> String {
    format!("\n== {name} ({}) ==\n\n", clean(tenant_id))
}

/// Markdown in at most so many bytes: one table, and each tenant's details folded, the worst first, while there
/// is room.
#[derive(Debug)]
pub struct Markdown {
    text: String,
    foot: String,
    most_bytes: usize,
    left_out: usize,
    has_sections: bool,
}

impl Markdown {
    /// Begins with the table.
    pub fn new(head: &Head<'_>, most_bytes: usize) -> Self {
        let Head {
            command,
            shards,
            lines,
            guard,
            digest,
        } = *head;
        let mut text = format!(
            "{}\n### assignctl {command}: {}\n\n",
            markdown::marker(command),
            title(lines, shards)
        );
        if let Some(guard) = guard.filter(|guard| guard.tripped) {
            let (verdict, seen) = (verdict(guard), seen_and_hint(guard, |text| code(text)));
            let _ = write!(text, "**Guard `tenants` {verdict}:** {seen}\n\n");
        }
        text.push_str("| tenant | result |\n|---|---|\n");
        for (number, line) in lines.iter().enumerate() {
            let state: String = line.state.chars().take(LONGEST_STATE).collect();
            let assignment = format!("| {} | {} |\n", line.name, code(state));
            if text.len() + assignment.len() > most_bytes / HEAD_SHARE {
                let left = count(lines.len() - number, "more tenant", "more tenants");
                let _ = writeln!(text, "| … | {left} |");
                break;
            }
            text.push_str(&assignment);
        }
        Self {
            text,
            foot: digest.map_or_else(String::new, |digest| format!("\nDigest: `{digest}`\n")),
            most_bytes,
            left_out: 0,
            has_sections: command == "drift",
        }
    }

    /// Whether no further tenant has room.
    pub fn is_full(&self) -> bool {
        self.text.len() + self.foot.len() + NOTE + markdown::MIN_MAX_BYTES > self.most_bytes
    }

    /// Leaves a tenant's details out.
    pub fn leave_out(&mut self) {
        self.left_out += 1;
    }

    /// Adds a tenant's details, if there is room.
    pub fn add(&mut self, view: &TenantView<'_>) {
        let mut head = format!("\n<details><summary>{}</summary>\n\n", view.name);
        if self.has_sections {
            head.insert_str(0, &format!("\n#### {}\n", view.name));
        }
        let foot = "\n</details>\n";
        let taken = self.text.len() + head.len() + foot.len() + self.foot.len() + NOTE;
        let room = self.most_bytes.saturating_sub(taken);
        let body = match room {
            0..markdown::MIN_MAX_BYTES => String::new(),
            room => markdown::draw(&view.review, room),
        };
        if body.is_empty() || body.len() > room {
            return self.leave_out();
        }
        self.text.push_str(&head);
        // The marker is that of the whole.
        let marker = markdown::marker(view.review.command);
        let body = body.strip_prefix(&marker).unwrap_or(&body);
        self.text.push_str(body.trim_start());
        self.text.push_str(foot);
    }

    /// Returns all of it.
    pub fn finish(mut self) -> String {
        if self.left_out > 0 {
            let left = count(self.left_out, "tenant", "tenants");
            let _ = writeln!(
                self.text,
                "\nThe details of {left} are left out, for their size."
            );
        }
        self.text.push_str(&self.foot);
        self.text
    }
}

/// Draws a tenant as annotations.
pub fn annotations(form: Form, view: &TenantView<'_>) -> String {
    let body = github::draw_as(form, &view.review);
    match form {
        Form::GitHub => format!("::group::{}\n{body}::endgroup::\n", view.name),
        Form::AzureDevOps => format!("##[group]{}\n{body}##[endgroup]\n", view.name),
    }
}
