//! Who did it: the audit events, read with one query a run.

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use tokio::time::Instant;

use super::client::Call;
use super::error::GraphError;
use super::read::Reader;
use super::wire::Page;
use crate::model::{AuditEvent, AuditLog};

/// One list for all workloads. Its `@odata.count` means nothing, and a next link may lead to an empty page
/// (microsoftgraph/microsoft-graph-docs#18143).
const EVENTS: &str = "/deviceManagement/auditEvents\
    ?$orderby=activityDateTime%20desc\
    &$select=activity,activityDateTime,activityOperationType,activityResult,activityType,actor,correlationId,displayName,resources";

/// The most pages that are read, of up to 1,000 events each.
const MOST_PAGES: usize = 10;

/// The list is slow and throttled at times without a word on when to come back (almenscorner/IntuneCD#217).
const LONGEST: Duration = Duration::from_secs(30);

/// An event as the service sends it. All but the time may be null
/// (microsoft-graph-docs-contrib: resources/intune-auditing-auditevent.md).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Event {
    activity_date_time: Timestamp,
    activity: Option<String>,
    activity_type: Option<String>,
    display_name: Option<String>,
    activity_operation_type: Option<String>,
    activity_result: Option<String>,
    correlation_id: Option<String>,
    actor: Option<Actor>,
    resources: Option<Vec<Resource>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Actor {
    user_principal_name: Option<String>,
    application_display_name: Option<String>,
    service_principal_name: Option<String>,
    application_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resource {
    resource_id: Option<String>,
}

impl Event {
    fn is_read(&self) -> bool {
        let operation = self.activity_operation_type.as_deref();
        operation.is_some_and(|operation| operation.eq_ignore_ascii_case("get"))
    }

    fn read(self) -> AuditEvent {
        let some = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let actor = self.actor.unwrap_or_default();
        let activity = some(self.activity_type)
            .or_else(|| some(self.display_name))
            .or_else(|| some(self.activity));
        let resources = self.resources.into_iter().flatten();
        AuditEvent {
            time: self.activity_date_time,
            actor: some(actor.user_principal_name),
            application: some(actor.application_display_name)
                .or_else(|| some(actor.service_principal_name))
                .or_else(|| some(actor.application_id)),
            activity: activity.unwrap_or_else(|| "unknown activity".to_owned()),
            result: some(self.activity_result).unwrap_or_else(|| "unknown".to_owned()),
            client_request_id: some(self.correlation_id),
            resources: resources
                .filter_map(|resource| some(resource.resource_id))
                .collect(),
        }
    }
}

impl Reader {
    /// Reads the audit events since a time, the newest first, within a bound of pages and time. They are
    /// asked for without that time: only an event from before it shows that the log reaches back so far.
    ///
    /// # Errors
    ///
    /// The run was interrupted. What keeps the log from being read is said in it.
    pub async fn audit_log(&self, since: Timestamp) -> Result<AuditLog, GraphError> {
        let mut log = AuditLog::default();
        let end = Instant::now() + LONGEST;
        let mut next = Some(self.client().address().join(EVENTS));
        for _ in 0..MOST_PAGES {
            let Some(link) = next.take() else { break };
            let call = Call::get(link);
            let read = self.client().read_json::<Page<Event>>(&call);
            let page = match tokio::time::timeout_at(end, read).await {
                Ok(Ok(page)) => page,
                Ok(Err(GraphError::Interrupted)) => return Err(GraphError::Interrupted),
                Ok(Err(error)) => {
                    log.is_refused = error.is_refusal();
                    log.failure = Some(error.to_string());
                    break;
                }
                Err(_) => {
                    let seconds = LONGEST.as_secs();
                    log.failure = Some(format!("it took longer than {seconds} s"));
                    break;
                }
            };
            let mut times = page.value.iter().map(|event| event.activity_date_time);
            let in_order = times.clone().is_sorted_by(|newer, older| newer >= older);
            log.covered = in_order && times.next_back().is_some_and(|oldest| oldest < since);
            let events = page.value.into_iter();
            let events = events.filter(|event| event.activity_date_time >= since);
            let events = events.filter(|event| !event.is_read());
            log.events.extend(events.map(Event::read));
            if log.covered {
                break;
            }
            next = page.next_link;
            if let Some(link) = &next
                && !self.client().address().admits(link)
            {
                log.failure = Some("its next link leads to another host".to_owned());
                break;
            }
        }
        Ok(log)
    }
}
