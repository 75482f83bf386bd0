//! What came of each tenant of a run, kept in a file until it is printed: however many tenants there are,
//! memory holds the plans of those that are at work.

use std::cmp::Ordering;
use std::io;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::{Brief, Digests, Entry};
use super::planned;
use super::record::FindingRecord;
use super::spool::{Slot, Spool};
use crate::exit::Exit;
use crate::graph::observe::RequestCounts;
use crate::plan::OpenApprovals;
use crate::plan::guards::Guard;
use crate::plan::rollback::as_recorded;
use crate::plan::saved::{ApprovalRecord, PlanRecord, digest_of};
use crate::plan::since::Cause;
use crate::render::review::{Detail, Direction, Finding, Review};
use crate::render::tenants::{self as render, TenantView};
use crate::report::{PolicyResult, Results, read_results};
use crate::run::Failure;
use crate::run::apply::ApplyInput;
use crate::run::plan::PreparedPlan;
use crate::run::rollback::applied_policy;

/// What a plan that is kept has besides what is read of a saved one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Beside {
    results: Option<Value>,
    approvals: Option<Vec<ApprovalRecord>>,
    #[serde(default)]
    approvals_without_policy: usize,
}

/// What is wrong or odd, for people and for the formats.
#[derive(Clone, Debug, Default)]
pub struct Drawn {
    /// As it is printed.
    pub printed: String,
    /// One by one.
    pub findings: Vec<Finding>,
}

/// What is kept of a tenant, read back.
#[derive(Debug, Default)]
pub struct Opened {
    /// Its plan.
    pub prepared: Option<PreparedPlan>,
    /// What became of it.
    pub results: Option<Results>,
    /// What went over the wire.
    pub requests: RequestCounts,
    /// What is wrong or odd.
    pub drawn: Drawn,
}

/// All tenants of a run.
#[derive(Debug, Default)]
pub struct TenantResults {
    /// The tenants.
    pub entries: Vec<Entry>,
    /// What the guard `tenants` says.
    pub guard: Option<Guard>,
    /// Whether what is reviewed includes that it is accepted.
    pub(super) is_accepted: bool,
    /// From which side the summary describes changes.
    pub direction: Direction,
    pub(super) spool: Spool,
}

impl TenantResults {
    /// Keeps a plan with what is wrong or odd; `all` also keeps the unchanged policies, and `check` refuses
    /// what must not be kept.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn keep(
        &self,
        entry: &mut Entry,
        input: ApplyInput,
        drawn: Drawn,
        (all, check): (bool, impl Fn(&str) -> Result<(), Failure>),
    ) -> Result<(), Failure> {
        entry.failure = input.check_moved().err();
        let (prepared, context) = input.split();
        self.keep_found(entry, &drawn)?;
        let (prepared, brief) = briefly(prepared, context.approved);
        entry.brief = Some(brief);
        entry.context = Some(context);
        let text = compact(&prepared.record(all))?;
        check(&text)?;
        entry.plan = Some(self.put(&text)?);
        self.describe(entry, Some(&prepared), None, &drawn.findings);
        Ok(())
    }

    /// Keeps what is wrong or odd where there is no plan.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn keep_failed(&self, entry: &mut Entry, drawn: &Drawn) -> Result<(), Failure> {
        self.keep_found(entry, drawn)?;
        self.describe(entry, None, None, &drawn.findings);
        Ok(())
    }

    fn keep_found(&self, entry: &mut Entry, drawn: &Drawn) -> Result<(), Failure> {
        if drawn.findings.is_empty() && drawn.printed.is_empty() {
            return Ok(());
        }
        let findings = drawn.findings.iter().map(FindingRecord::new);
        let found = (&drawn.printed, findings.collect::<Vec<_>>());
        entry.found = Some(self.put(&compact(&found)?)?);
        Ok(())
    }

    /// Keeps what became of a plan.
    ///
    /// # Errors
    ///
    /// It cannot be kept.
    pub fn keep_results(
        &self,
        entry: &mut Entry,
        prepared: &PreparedPlan,
        results: (&Results, RequestCounts),
        all: bool,
    ) -> Result<(), Failure> {
        let record = prepared.with_results(all, results, entry.exit());
        // First, so that the results are reported even if the full record cannot be stored.
        self.describe(entry, Some(prepared), Some(results.0), &[]);
        entry.plan = Some(self.put(&compact(&record)?)?);
        Ok(())
    }

    fn put(&self, text: &str) -> Result<Slot, Failure> {
        self.spool.put(text).map_err(unkept)
    }

    /// Takes over the result for a tenant that another run wrote as JSON.
    ///
    /// # Errors
    ///
    /// It is not one.
    pub fn adopt(
        &mut self,
        entry: Entry,
        plan: Option<&Value>,
        drawn: &Drawn,
    ) -> Result<(), Failure> {
        let mut entry = entry;
        self.keep_found(&mut entry, drawn)?;
        if let Some(plan) = plan {
            entry.plan = Some(self.put(&plan.to_string())?);
        }
        let mut opened = self.open(&entry)?;
        // How many tenants change is said for all of them.
        opened.prepared = opened.prepared.map(|prepared| PreparedPlan {
            plan: prepared.plan.with_tenants_guard(None),
            ..prepared
        });
        self.describe(
            &mut entry,
            opened.prepared.as_ref(),
            opened.results.as_ref(),
            &opened.drawn.findings,
        );
        if let Some(prepared) = opened.prepared {
            let (prepared, mut brief) = briefly(prepared, false);
            // What `apply` accepted is not part of the file that it carried out.
            if prepared.digest != brief.digests.accepted {
                brief.digests.usual = prepared.digest;
            }
            brief.refusing.clear();
            entry.brief = Some(brief);
        }
        self.entries.push(entry);
        Ok(())
    }

    fn describe(
        &self,
        entry: &mut Entry,
        prepared: Option<&PreparedPlan>,
        results: Option<&Results>,
        findings: &[Finding],
    ) {
        let detail = Detail {
            direction: self.direction,
            ..Detail::default()
        };
        let review = Review {
            command: "",
            plan: prepared.map(|prepared| prepared.view(detail)),
            results,
            checked: None,
            findings,
            error: None,
        };
        entry.has_settled = results.is_some_and(|results| !results.settled.is_empty());
        entry.written = results
            .is_some_and(|results| results.not_set_aside().any(PolicyResult::may_be_written));
        entry.state = render::state(&review);
    }

    /// Reads back what is wrong or odd in a tenant.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn open_found(&self, entry: &Entry) -> Result<Drawn, Failure> {
        let Some(slot) = entry.found else {
            return Ok(Drawn::default());
        };
        let text = self.spool.get(slot).map_err(unkept)?;
        let found: (String, Vec<FindingRecord>) = serde_json::from_str(&text).map_err(unkept)?;
        let (printed, findings) = found;
        let findings = findings.into_iter().map(FindingRecord::read).collect();
        Ok(Drawn { printed, findings })
    }

    /// Reads back what is kept of a tenant.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn open(&self, entry: &Entry) -> Result<Opened, Failure> {
        let mut opened = Opened {
            drawn: self.open_found(entry)?,
            ..Opened::default()
        };
        let Some(slot) = entry.plan else {
            return Ok(opened);
        };
        let text = self.spool.get(slot).map_err(unkept)?;
        // Guards that this run accepts are not part of the digest of a saved plan.
        let (saved, _) = PlanRecord::look(&text)?;
        let mut prepared = PreparedPlan::again(saved);
        if prepared.tenant.is_none() {
            prepared.tenant = Some(planned(&entry.tenant));
        }
        if let (Some(guard), false) = (&self.guard, prepared.plan.is_empty()) {
            prepared.plan = prepared.plan.with_tenants_guard(Some(guard.clone()));
            let approved = entry.brief.as_ref().is_some_and(|brief| brief.approved);
            if guard.accepted && !approved {
                prepared.digest = digest_of(&prepared.plan, &prepared.annotations.names);
            }
        }
        let beside: Beside = serde_json::from_str(&text).map_err(unkept)?;
        prepared.annotations.approvals = beside.approvals.map(|all| OpenApprovals {
            of_policies: all.into_iter().map(|ApprovalRecord(open)| open).collect(),
            unclear: beside.approvals_without_policy,
        });
        if let Some(results) = beside.results {
            let names = &mut prepared.annotations.names;
            let read = read_results(results, &prepared.plan, names);
            let read = read.map_err(|error| Failure::other(error.to_string()))?;
            let write_with = prepared.plan.write_with;
            opened.requests = read.requests;
            opened.results = Some(Results {
                skipped: read
                    .others
                    .into_iter()
                    .map(|(policy, settled)| {
                        let policy = as_recorded(&applied_policy(policy), write_with);
                        (policy, settled)
                    })
                    .collect(),
                ..read.results
            });
        }
        opened.prepared = Some(prepared);
        Ok(opened)
    }

    /// Reads back what is to be carried out in a tenant, with what is left of its input; `None` if it has no
    /// plan.
    ///
    /// # Errors
    ///
    /// It cannot be read.
    pub fn input(&self, entry: &mut Entry) -> Result<Option<ApplyInput>, Failure> {
        let prepared = self.open(entry)?.prepared;
        let both = prepared.zip(entry.context.take());
        Ok(both.map(|(prepared, context)| context.join(prepared)))
    }

    /// Sorts the worst first, then by name.
    pub fn sort(&mut self) {
        self.entries.sort_by(|one, other| {
            let (first, second) = (one.exit(), other.exit());
            let worst = Exit::most_severe([first, second]);
            let by_exit = match (first == second, first == worst) {
                (true, _) => Ordering::Equal,
                (false, true) => Ordering::Less,
                (false, false) => Ordering::Greater,
            };
            by_exit.then_with(|| one.tenant.name.cmp(&other.tenant.name))
        });
    }

    /// Returns how the run ended.
    #[must_use]
    pub fn exit(&self) -> Exit {
        Exit::most_severe(self.entries.iter().map(Entry::exit))
    }

    /// Says what became of a tenant, for the formats.
    #[must_use]
    pub fn view<'v>(
        &self,
        command: &'v str,
        entry: &'v Entry,
        opened: &'v Opened,
        detail: Detail<'v>,
    ) -> TenantView<'v> {
        TenantView {
            name: &entry.tenant.name,
            tenant_id: &entry.tenant.tenant_id,
            review: Review {
                command,
                plan: opened
                    .prepared
                    .as_ref()
                    .map(|prepared| prepared.view(detail)),
                results: opened.results.as_ref(),
                checked: None,
                findings: &opened.drawn.findings,
                error: entry
                    .failure
                    .as_ref()
                    .map(|failure| failure.view(&failure.message)),
            },
        }
    }
}

/// Notes what is known of a plan without reading it, and returns the plan without the guard `tenants`.
fn briefly(mut prepared: PreparedPlan, approved: bool) -> (PreparedPlan, Brief) {
    let (plan, digests) = Digests::of(prepared.plan, &prepared.annotations.names);
    prepared.plan = plan;
    let refusing = prepared.plan.refusing().map(|guard| Guard {
        policies: Vec::new(),
        ..guard.clone()
    });
    let is_unapplied = |policy| prepared.annotations.cause(policy) == Some(Cause::Unapplied);
    let brief = Brief {
        is_empty: prepared.plan.is_empty(),
        approved,
        digests,
        refusing: refusing.collect(),
        only_unapplied: prepared.plan.changed().all(is_unapplied),
        tenant_id: prepared.plan.tenant_id.clone(),
    };
    (prepared, brief)
}

fn compact(value: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string(value).map_err(unkept)
}

fn unkept(error: impl Into<io::Error>) -> Failure {
    let error = error.into();
    let message = format!("what came of a tenant cannot be kept until it is printed: {error}");
    Failure::other(message)
        .hint("there has to be room in the folder for temporary files, which `TMPDIR` names")
}
