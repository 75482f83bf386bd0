//! `--who`: the service's log of what was done, for the policies that differ.

use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};

use super::{Failure, inputs, reports};
use crate::diagnostic::{Diagnostic, Severity};
use crate::graph::Reader;
use crate::plan::Draft;

/// The log could not be read.
const CODE: &str = "audit-unreadable";

/// What is asked of the log.
#[derive(Clone, Debug)]
pub struct Who {
    /// How many days back.
    pub days: u32,
    /// Reports, or folders of them, that name own writes, besides those of the default folder.
    pub reports: Vec<PathBuf>,
}

impl Who {
    /// Asks the same of one of several tenants, whose reports are in a folder of its own, or are these.
    #[must_use]
    pub fn of_tenant(&self, tenant: &str, reports: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut who = self.clone();
        who.reports.push(reports::default_folder().join(tenant));
        who.reports.extend(reports);
        who
    }
}

/// Says who changed what differs. Returns a warning if the log could not be read: that is no reason to end
/// a run that has its plan.
pub(super) async fn tell(
    draft: &mut Draft,
    reader: &Reader,
    who: &Who,
) -> Result<Option<Diagnostic>, Failure> {
    if draft.contents.is_empty() {
        return Ok(None);
    }
    let day = 24 * 60 * 60;
    let window = SignedDuration::from_secs(i64::from(who.days) * day);
    let since = Timestamp::now()
        .checked_sub(window)
        .unwrap_or(Timestamp::MIN);
    let log = reader.audit_log(since).await?;
    let mut paths = who.reports.clone();
    paths.push(reports::default_folder());
    draft.add_audit(&log, &inputs::own_writes(&paths), who.days);
    Ok(log.failure.as_ref().map(|reason| {
        Diagnostic::new(
            Severity::Warning,
            CODE,
            None,
            format!("the audit events could not be read to their end: {reason}"),
        )
        .hint(match log.is_refused {
            true => "reading them needs `DeviceManagementApps.Read.All`; for people, `Audit data / Read` in Intune",
            false => "the service throttles this list at times: run again later, or leave out `--who`",
        })
    }))
}
