//! What runs for many tenants print: one summary, the worst first, then each tenant's own plan or results. One
//! tenant is in memory at a time.

use std::path::Path;

use serde::ser::{Error as _, SerializeSeq as _};
use serde::{Serialize, Serializer};
use tokio_util::sync::CancellationToken;

use super::super::confirm::{APPLY, ask};
use super::super::options::Format;
use super::super::output::{Output, Recorded, annotation_form};
use crate::exit::Exit;
use crate::plan::saved::{GuardRecord, ShardRecord};
use crate::render::clean::clean;
use crate::render::github::Form;
use crate::render::json::{Json, WithResults};
use crate::render::review::Detail;
use crate::render::tenants::{self as render, Head, Line, Markdown};
use crate::render::text;
use crate::run::Failure;
use crate::run::tenants::{
    Audience, Entry, ErrorRecord, FindingRecord, Opened, Origin, Shard, TenantRecord, TenantResults,
};

/// Where what came of tenants is printed, and in which detail.
pub(super) struct View<'a> {
    pub(super) output: &'a Output,
    /// The command that ran.
    pub(super) command: &'static str,
    /// Of which run the results are.
    pub(super) origin: Origin,
    pub(super) detail: Detail<'static>,
}

impl View<'_> {
    /// Draws the summary and each tenant as text, a part at a time.
    fn text(
        &self,
        results: &TenantResults,
        mut print: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        self.with_head(results, |head| print(&render::text_head(head)))?;
        for entry in &results.entries {
            let opened = results.open(entry)?;
            let body = match (&opened.prepared, &opened.results) {
                (Some(prepared), Some(results)) => {
                    let view = prepared.view(self.detail);
                    text::stale(&view, results) + &text::results(&view, results)
                }
                (Some(prepared), None) => prepared.text(self.detail),
                (None, _) => String::new(),
            };
            if !body.trim().is_empty() {
                let Entry { tenant, .. } = entry;
                print(&render::text_heading(&tenant.name, &tenant.tenant_id))?;
                print(&body)?;
            }
        }
        Ok(())
    }

    fn with_head<T>(&self, results: &TenantResults, draw: impl FnOnce(&Head<'_>) -> T) -> T {
        let lines: Vec<Line<'_>> = results
            .entries
            .iter()
            .map(|entry| Line {
                name: &entry.tenant.name,
                exit_code: entry.exit().code(),
                state: entry.state(),
            })
            .collect();
        let shards: Vec<String> = self.origin.shards.iter().map(Shard::to_string).collect();
        draw(&Head {
            command: self.command,
            shards: &shards,
            lines: &lines,
            guard: results.guard.as_ref(),
            digest: results.digest().as_deref(),
        })
    }

    fn markdown(&self, results: &TenantResults) -> Result<String, Failure> {
        let most_bytes = self.output.max_bytes;
        let mut markdown = self.with_head(results, |head| Markdown::new(head, most_bytes));
        for entry in &results.entries {
            if markdown.is_full() {
                markdown.leave_out();
                continue;
            }
            let opened = results.open(entry)?;
            let command = self.command;
            markdown.add(&results.view(command, entry, &opened, self.detail));
        }
        Ok(markdown.finish())
    }

    fn annotations(&self, results: &TenantResults, form: Form) -> Result<String, Failure> {
        let mut text = String::new();
        for entry in &results.entries {
            let opened = results.open(entry)?;
            let view = results.view(self.command, entry, &opened, self.detail);
            text.push_str(&render::annotations(form, &view));
        }
        Ok(text)
    }

    /// Keeps the result in the forms that the platform of a pipeline takes.
    fn record(&self, results: &TenantResults) -> Result<(), Failure> {
        let Some(platform) = self.output.platform else {
            return Ok(());
        };
        let own = |text: String| self.output.without_secrets_in(&text).into_owned();
        let annotations = annotation_form(platform).map(|form| self.annotations(results, form));
        let annotations = annotations.transpose()?;
        let recorded = Recorded {
            markdown: own(self.markdown(results)?),
            error: results
                .entries
                .iter()
                .find_map(|entry| Some(own(entry.failure.as_ref()?.message.clone()))),
            annotations: annotations.map(own),
            only_unapplied: results.entries.iter().all(|entry| {
                let brief = entry.brief.as_ref();
                brief.is_some_and(|brief| brief.only_unapplied)
            }),
            written: results.entries.iter().any(|entry| entry.written),
            is_part: !self.origin.shards.is_empty(),
        };
        self.output.recorded.replace(Some(recorded));
        Ok(())
    }

    pub(super) fn print(&self, results: &TenantResults) -> Result<Exit, Failure> {
        let exit = results.exit();
        let output = self.output;
        self.record(results)?;
        let Origin { run, shards } = &self.origin;
        let mut shards: Vec<ShardRecord> = shards.iter().map(|shard| shard.record()).collect();
        let json = Json::new(BatchRecord {
            command: self.command,
            started_at: &run.started_at,
            run_id: run.run_id.as_deref(),
            manifests: run.manifests.as_deref(),
            shard: (shards.len() == 1).then(|| shards.pop()).flatten(),
            shards,
            allow: &run.allow,
            tenants: Tenants {
                view: self,
                results,
            },
            guards: results.guard.iter().map(GuardRecord::new).collect(),
            digest: results.digest(),
            exit_code: exit.code(),
        });
        output.print_parts(&json)?;
        match output.format {
            Format::Json => {}
            Format::Markdown => output.plain(&self.markdown(results)?)?,
            Format::Github => output.plain(&self.annotations(results, Form::GitHub)?)?,
            Format::Text | Format::Csv | Format::Html => {
                self.text(results, |part| output.text(part))?;
            }
        }
        Ok(exit)
    }
}

impl Audience for View<'_> {
    fn found(&self, results: &TenantResults) -> Result<(), Failure> {
        for entry in &results.entries {
            let drawn = results.open_found(entry)?;
            if entry.failure.is_some() || !drawn.printed.is_empty() {
                self.output
                    .note(&format!("tenant {}:\n", entry.tenant.name));
            }
            self.output.note(&drawn.printed);
            if let Some(failure) = &entry.failure {
                self.output.failure(failure);
            }
        }
        Ok(())
    }

    fn show(&self, results: &TenantResults, asks: bool) -> Result<(), Failure> {
        match self.output.format {
            Format::Text => self.text(results, |part| self.output.text(part)),
            _ if asks => self.text(results, |part| {
                self.output.note(part);
                Ok(())
            }),
            _ => Ok(()),
        }
    }

    async fn confirm(&self, stop: &CancellationToken) -> Result<(), Failure> {
        ask(self.output, stop, APPLY).await
    }

    fn refused(&self, failure: &Failure) {
        self.output.failure(failure);
    }

    fn reported(&self, folder: &Path) {
        let folder = folder.display().to_string();
        self.output.info(&format!("reports: {}\n", clean(&folder)));
    }

    fn failed(&self, entry: &Entry) {
        self.output
            .note(&format!("tenant {}:\n", entry.tenant.name));
        if let Some(failure) = &entry.failure {
            self.output.failure(failure);
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BatchRecord<'a> {
    command: &'static str,
    started_at: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    manifests: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shard: Option<ShardRecord>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    shards: Vec<ShardRecord>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    allow: &'a [String],
    tenants: Tenants<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    guards: Vec<GuardRecord>,
    digest: Option<String>,
    exit_code: u8,
}

/// All tenants, of which each is read when it is written.
struct Tenants<'a> {
    view: &'a View<'a>,
    results: &'a TenantResults,
}

impl Serialize for Tenants<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { view, results } = self;
        let mut tenants = serializer.serialize_seq(Some(results.entries.len()))?;
        for entry in &results.entries {
            let opened = results.open(entry);
            let opened = opened.map_err(|failure| S::Error::custom(failure.message))?;
            tenants.serialize_element(&view.record_of(entry, &opened))?;
        }
        tenants.end()
    }
}

impl View<'_> {
    fn record_of<'a>(&self, entry: &Entry, opened: &'a Opened) -> TenantRecord<WithResults<'a>> {
        let all = self.detail.all;
        let plan = opened
            .prepared
            .as_ref()
            .map(|prepared| match &opened.results {
                Some(results) => {
                    prepared.with_results(all, (results, opened.requests), entry.exit())
                }
                None => WithResults {
                    plan: prepared.record(all),
                    results: None,
                    error: None,
                },
            });
        let findings = opened.drawn.findings.iter();
        TenantRecord {
            name: entry.tenant.name.clone(),
            tenant_id: entry.tenant.tenant_id.clone(),
            exit_code: entry.exit().code(),
            plan,
            diagnostics: findings.map(FindingRecord::new).collect(),
            error: entry.failure.as_ref().map(|failure| ErrorRecord {
                exit_code: Some(failure.exit.code()),
                message: self
                    .output
                    .without_secrets_in(&failure.message)
                    .into_owned(),
                hint: failure.hint.clone(),
            }),
        }
    }
}
