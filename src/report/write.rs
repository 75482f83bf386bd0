//! The report: JSON Lines that record each event before the next one happens.
//!
//! A write's `sending` line is on disk before the write leaves, whatever becomes of the machine. What
//! became of a policy is handed to the system at once, so that it outlives the run, and is on disk with
//! the next `sending` line or the last: without it, the policy counts as sent and not settled, and is
//! looked at again. A sync costs more CPU time than everything else that is done for a policy.
//!
//! A killed run leaves a file without its last line; whatever was sent and not settled has a
//! `sending` line and no `policy` line.
//!
//! An earlier report of the same name may be the only record from which its run can be rolled back. So
//! it stays until this one is written, and is kept beside it then unless its run has ended without a write.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use serde::Serialize;

use super::line::{EndLine, PolicyLine, SendingLine, StartLine};
use super::outcome::{Announced, Outcome, PolicyResult, Reason, Results};
use super::read::read;
use crate::files::{self, Lines};
use crate::graph::observe::RequestCounts;
use crate::model::{LiveAssignment, PolicyKind};
use crate::plan::saved::{PlannedTenant, SharedNamesRecord};
use crate::plan::{Names, Plan, PlannedPolicy};
use crate::text::escaped_in_json;

/// A report that is being written.
#[derive(Debug)]
pub struct Report {
    sink: Sink,
    /// Where the earlier report of that name is.
    kept: Option<PathBuf>,
    /// Whether what is written down takes back what this run has done.
    restores: bool,
    /// The tenant, if manifests name their tenants.
    tenant: Option<PlannedTenant>,
    /// When the run began, before it had read anything.
    began: Option<Timestamp>,
    /// What is to be said of policies that are as planned all the same.
    notes: Notes,
}

/// What is to be said of policies, by kind and id.
pub type Notes = BTreeMap<(PolicyKind, String), Reason>;

#[derive(Debug)]
enum Sink {
    Lines(Lines),
    /// To be a file.
    Waiting {
        path: PathBuf,
        lines: Vec<u8>,
        /// It is a device or a pipe, which is opened once.
        stream: Option<Lines>,
    },
    Memory(Vec<u8>),
}

impl Report {
    /// Starts a report that will be a file, creating missing parent folders. An earlier
    /// file of that name stays until the run begins, or ends.
    ///
    /// # Errors
    ///
    /// Says why the file cannot be made.
    pub fn create(path: &Path) -> io::Result<Self> {
        let sink = Sink::Waiting {
            stream: Lines::stream(path)?,
            path: path.to_owned(),
            lines: Vec::new(),
        };
        Ok(Self {
            sink,
            began: Some(Timestamp::now()),
            ..Self::in_memory()
        })
    }

    /// Puts the file in its place, since the run begins to carry out its plan.
    ///
    /// # Errors
    ///
    /// Says why the lines are not on disk; then nothing must be sent.
    pub fn begin(&mut self) -> io::Result<()> {
        let Sink::Waiting {
            path,
            lines,
            stream,
        } = &mut self.sink
        else {
            return Ok(());
        };
        let opened = match stream.take() {
            Some(mut stream) => {
                stream.add(lines, true)?;
                stream
            }
            None => Lines::create(path, lines, || {
                self.kept = keep_earlier(path)?;
                Ok(())
            })?,
        };
        self.sink = Sink::Lines(opened);
        Ok(())
    }

    /// Starts a report that is kept in memory only.
    pub fn in_memory() -> Self {
        Self {
            sink: Sink::Memory(Vec::new()),
            kept: None,
            restores: false,
            tenant: None,
            began: None,
            notes: Notes::new(),
        }
    }

    /// Returns where an earlier report of that name is kept, if it may be needed.
    pub fn kept(&self) -> Option<&Path> {
        self.kept.as_deref()
    }

    /// Returns what a report in memory holds.
    pub fn text(&self) -> String {
        match &self.sink {
            Sink::Lines(_) | Sink::Waiting { .. } => String::new(),
            Sink::Memory(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// Writes the first line: what is to be carried out, if there is a plan with its digest.
    ///
    /// # Errors
    ///
    /// Says why the line is not on disk.
    pub fn start(
        &mut self,
        plan: Option<(&Plan, &str)>,
        shared_names: SharedNamesRecord,
        graph_url: &str,
    ) -> io::Result<()> {
        let tenant = self.tenant.clone();
        let start = StartLine::new(plan, shared_names, graph_url, self.began, tenant.as_ref());
        self.line(&start)
    }

    /// Says for which of several tenants the run is.
    pub fn of_tenant(&mut self, tenant: PlannedTenant) {
        self.tenant = Some(tenant);
    }

    /// Adds what is to be said of policies if they end as planned.
    pub fn noting(&mut self, notes: Notes) {
        self.notes = notes;
    }

    /// Announces a write with the id of its request, before it is sent. `found` is what the service sent of
    /// assignments that change, where that says more than what they mean and no earlier line has it.
    ///
    /// # Errors
    ///
    /// Says why the line is not on disk; then the write must not be sent.
    pub fn sending(
        &mut self,
        (policy, found): (&PlannedPolicy, &[LiveAssignment]),
        names: &Names,
        request_id: &str,
        announced: Announced<'_>,
    ) -> io::Result<()> {
        let policy = match self.restores {
            true => Cow::Owned(taken_back(policy)),
            false => Cow::Borrowed(policy),
        };
        let line = SendingLine::new(&policy, found, names, request_id, announced);
        self.line(&line)
    }

    /// Says whether what is written down from now on takes back what this run has done. Lines then say of a
    /// policy what it was before the run, so that `rollback` restores that from wherever the run ends.
    pub fn restores(&mut self, restores: bool) {
        self.restores = restores;
    }

    /// Takes over what an earlier run has filed for approval, or may have, so that this report has it
    /// however the run ends.
    ///
    /// # Errors
    ///
    /// Says why the line is not written.
    pub fn filed(
        &mut self,
        policy: &PlannedPolicy,
        names: &Names,
        announced: Announced<'_>,
    ) -> io::Result<()> {
        self.add(&SendingLine::filed(policy, names, announced), false)
    }

    /// Writes what became of a policy.
    ///
    /// # Errors
    ///
    /// Says why the line is not written.
    pub fn policy(
        &mut self,
        policy: &PlannedPolicy,
        settled: &PolicyResult,
        names: &Names,
    ) -> io::Result<()> {
        let note = self.notes.get(&(policy.kind, policy.id.clone()));
        let settled = &settled.clone().noted(note);
        // The code of a request cannot be asked for by repeating the write.
        let durably = settled.approval.is_some();
        if !self.restores {
            return self.add(&PolicyLine::new(policy, settled, names), durably);
        }
        let mut policy = taken_back(policy);
        let mut settled = settled.clone();
        match settled.outcome.is_good() {
            true => policy.after = Arc::clone(&policy.before),
            // It may still be as this run made it.
            false => {
                settled.outcome = Outcome::Failed;
                settled.written = true;
            }
        }
        self.add(&PolicyLine::new(&policy, &settled, names), durably)
    }

    /// Writes the last line. Of a run that never began, all lines.
    ///
    /// # Errors
    ///
    /// Says why the line is not on disk.
    pub fn end(
        &mut self,
        exit_code: u8,
        results: &Results,
        requests: RequestCounts,
        elapsed_ms: u64,
    ) -> io::Result<()> {
        self.begin()?;
        self.line(&EndLine::new(exit_code, results, requests, elapsed_ms))
    }

    /// Adds a line that is on disk afterwards.
    fn line(&mut self, line: &impl Serialize) -> io::Result<()> {
        self.add(line, true)
    }

    fn add(&mut self, line: &impl Serialize, durably: bool) -> io::Result<()> {
        let mut text = escaped_in_json(&serde_json::to_string(line)?)
            .into_owned()
            .into_bytes();
        text.push(b'\n');
        match &mut self.sink {
            Sink::Lines(lines) => lines.add(&text, durably),
            Sink::Waiting { lines: bytes, .. } | Sink::Memory(bytes) => {
                bytes.extend_from_slice(&text);
                Ok(())
            }
        }
    }
}

/// Swaps before and after of a policy that is being restored.
fn taken_back(policy: &PlannedPolicy) -> PlannedPolicy {
    PlannedPolicy {
        before: Arc::clone(&policy.after),
        after: Arc::clone(&policy.before),
        remediation: Arc::clone(&policy.known_before),
        known_before: Arc::clone(&policy.remediation),
        ..policy.clone()
    }
}

/// Moves a report aside that records writes, or whose run has not ended, and returns where to. An earlier
/// copy is never overwritten, since any of them may be the one that is needed.
fn keep_earlier(path: &Path) -> io::Result<Option<PathBuf>> {
    if !std::fs::symlink_metadata(path).is_ok_and(|found| found.is_file()) {
        return Ok(None);
    }
    // What cannot be read may be a report all the same.
    let tells_of_writes = match files::read(path, files::LARGEST_REPORT) {
        Ok(bytes) if bytes.is_empty() => false,
        Ok(bytes) => read(&bytes).map_or(true, |earlier| {
            let mut policies = earlier.policies.iter();
            earlier.exit_code.is_none()
                || policies.any(|policy| policy.may_be_changed() || policy.may_be_filed())
        }),
        Err(_) => true,
    };
    if !tells_of_writes {
        return Ok(None);
    }
    for number in 1_u32.. {
        let mut name = path.as_os_str().to_owned();
        name.push(".earlier");
        if number > 1 {
            name.push(format!("-{number}"));
        }
        let kept = PathBuf::from(name);
        // A link does not take the place of what is there, as a renamed file would.
        match std::fs::hard_link(path, &kept) {
            Ok(()) => {
                std::fs::remove_file(path)?;
                return Ok(Some(kept));
            }
            // Not every file system has hard links. An existing file is kept; try the next name.
            Err(_) if std::fs::symlink_metadata(&kept).is_err() => {
                std::fs::rename(path, &kept)?;
                return Ok(Some(kept));
            }
            Err(_) => {}
        }
    }
    Ok(None)
}
