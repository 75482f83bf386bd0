//! What runs for many tenants print: one summary, the worst first, then each tenant's own plan or results.

use serde::Serialize;
use serde_json::Value;

use super::super::output::Output;
use super::done::{Done, sort};
use crate::exit::Exit;
use crate::render::json::{self, Json};
use crate::render::review::{Finding, Review};
use crate::render::tenants::{self as render, TenantView};
use crate::render::text::{self, Detail};
use crate::run::Failure;

/// Where what came of tenants is printed, and in which detail.
pub(super) struct View<'a> {
    pub(super) output: &'a Output,
    pub(super) detail: Detail<'static>,
}

impl View<'_> {
    /// Says what is wrong or odd, tenant by tenant, the worst first.
    pub(super) fn tell(&self, all: &mut [Done]) {
        sort(all);
        for done in all {
            let saved = done.prepared().filter(|_| done.found.is_empty());
            let saved = saved.map(|prepared| prepared.plan.diagnostics.clone());
            let saved = saved.unwrap_or_default();
            let known = self.output.findings().len();
            let has_more = done.failure.is_some() || !done.found.is_empty() || !saved.is_empty();
            if has_more {
                self.output.note(&format!("tenant {}:\n", done.tenant.name));
            }
            self.output.diagnostics(&done.found, &done.sources);
            if !saved.is_empty() {
                self.output.saved_diagnostics(&saved);
            }
            if let Some(failure) = &done.failure {
                self.output.failure(failure);
            }
            done.findings = self.output.findings().split_off(known);
        }
    }

    fn views<'d>(&self, done: &'d [Done]) -> Vec<TenantView<'d>> {
        let view = |done: &'d Done| TenantView {
            name: &done.tenant.name,
            tenant_id: &done.tenant.tenant_id,
            exit_code: done.exit().code(),
            review: Review {
                plan: done.prepared().map(|prepared| prepared.view(self.detail)),
                results: done.run.as_ref().map(|run| &run.results),
                error: done
                    .failure
                    .as_ref()
                    .map(|failure| failure.view(&failure.message)),
                ..self.output.review(&done.findings)
            },
        };
        done.iter().map(view).collect()
    }

    pub(super) fn text(&self, done: &[Done]) -> String {
        let views = self.views(done);
        render::text(&views, |number| {
            let done = &done[number];
            match (done.prepared(), &done.run) {
                (Some(prepared), Some(run)) => {
                    text::results(&prepared.plan, &run.results, self.detail)
                }
                (Some(prepared), None) => prepared.text(self.detail),
                (None, _) => String::new(),
            }
        })
    }

    pub(super) fn print(&self, done: &[Done]) -> Result<Exit, Failure> {
        let exit = Exit::first(done.iter().map(Done::exit));
        let tenants = done.iter().map(|done| self.record(done)).collect();
        let json = Json::new(Record {
            tenants,
            exit_code: exit.code(),
        });
        let views = self.views(done);
        self.output
            .print_tenants(&views, || self.text(done), &json)?;
        Ok(exit)
    }

    fn record<'d>(&self, done: &'d Done) -> TenantRecord<'d> {
        let plan = done.prepared().map(|prepared| {
            let record = prepared.record(self.detail.all);
            match &done.run {
                Some(run) => json::results(
                    record,
                    &prepared.plan,
                    &prepared.annotations.names,
                    &run.results,
                    done.exit().code(),
                    run.requests(),
                    None,
                ),
                None => json::plan(record),
            }
        });
        TenantRecord {
            name: &done.tenant.name,
            tenant_id: &done.tenant.tenant_id,
            exit_code: done.exit().code(),
            // What was written as JSON can be read.
            plan: plan.and_then(|plan| serde_json::from_str(&plan.text()).ok()),
            diagnostics: done.findings.iter().map(Said::of).collect(),
            error: done.failure.as_ref().map(|failure| ErrorRecord {
                message: self
                    .output
                    .without_secrets_in(&failure.message)
                    .into_owned(),
                hint: failure.hint.as_deref(),
            }),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    tenants: Vec<TenantRecord<'a>>,
    exit_code: u8,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TenantRecord<'a> {
    name: &'a str,
    tenant_id: &'a str,
    exit_code: u8,
    plan: Option<Value>,
    diagnostics: Vec<Said<'a>>,
    error: Option<ErrorRecord<'a>>,
}

#[derive(Serialize)]
struct Said<'a> {
    severity: &'static str,
    code: &'a str,
    summary: &'a str,
}

impl<'a> Said<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.diagnostic.severity.name(),
            code: &finding.diagnostic.code,
            summary: &finding.diagnostic.summary,
        }
    }
}

#[derive(Serialize)]
struct ErrorRecord<'a> {
    message: String,
    hint: Option<&'a str>,
}
