//! `approvals`: the requests for a second administrator's approval, which of them are a run's, and their
//! withdrawal.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

use super::filed_requests::{ListingWait, find_filed_requests, was_locked};
use super::manifests::compared;
use super::reviewed::check_report;
use super::{Failure, unavailable, unless_stopped};
use crate::apply::withdraw::withdraw_all;
use crate::auth::claims::Claims;
use crate::diagnostic::{Diagnostic, Severity};
use crate::graph::approvals::ApprovalRequest;
use crate::graph::client::Client;
use crate::graph::{GraphError, Reader};
use crate::manifest::Loaded;
use crate::model::{ApprovalEntry, ApprovalStatus, PolicyKind};
use crate::plan::needs::needs;
use crate::plan::{Draft, OpenApprovals};
use crate::render::approvals::Listed;
use crate::report::{PendingApproval, Recorded, RecordedPolicy, Withdrawn};

/// The list could not be read.
const CODE: &str = "approvals-unreadable";

/// Which requests are asked for.
#[derive(Debug)]
pub enum RequestFilter {
    /// All that the sign-in sees.
    All,
    /// Those for the policies that manifests manage.
    Managed(Box<Loaded>),
    /// Those that a run has filed.
    Filed(Box<Recorded>),
}

/// Lists requests. `began` is the time now.
///
/// # Errors
///
/// Says what cannot be read.
pub async fn list(
    client: &Arc<Client>,
    which: RequestFilter,
    began: Timestamp,
    stop: &CancellationToken,
) -> Result<Listed, Failure> {
    unless_stopped(stop, async {
        let claims = client.claims().await?;
        let reader = Reader::new(Arc::clone(client));
        let mut listed = match which {
            RequestFilter::All => {
                open_of(&reader, claims.as_deref(), |request| {
                    Some((request.kind(), None))
                })
                .await?
            }
            RequestFilter::Managed(loaded) => {
                let draft = managed(&reader, &loaded).await?;
                open_managed(&draft, client).await?
            }
            RequestFilter::Filed(recorded) => of_run(*recorded, client, began).await?,
        };
        for entries in [&mut listed.open, &mut listed.closed, &mut listed.locks] {
            entries.sort_by_cached_key(|entry| (entry.requested_at.clone(), entry.code.clone()));
        }
        Ok(listed)
    })
    .await
}

/// Notes the open requests for the managed policies of a plan. What cannot be read is warned of: it is no
/// reason to end a run that has its plan.
pub(super) async fn add_open(draft: &mut Draft, client: &Arc<Client>) -> Option<Diagnostic> {
    match open_managed(draft, client).await {
        Ok(listed) => {
            draft.annotations.approvals = Some(OpenApprovals {
                of_policies: listed.open,
                unclear: listed.unclear,
            });
            None
        }
        Err(error) => Some(
            Diagnostic::new(
                Severity::Warning,
                CODE,
                None,
                format!("the open requests for approval could not be read: {error}"),
            )
            .hint("reading them needs `DeviceManagementConfiguration.Read.All` or `DeviceManagementRBAC.Read.All`"),
        ),
    }
}

/// Returns the open requests for the managed policies of a plan.
async fn open_managed(draft: &Draft, client: &Arc<Client>) -> Result<Listed, GraphError> {
    let policies: BTreeMap<String, (PolicyKind, String)> = draft
        .contents
        .policies
        .iter()
        .map(|policy| {
            let about = (policy.kind, policy.name.to_string());
            (policy.id.to_lowercase(), about)
        })
        .collect();
    let reader = Reader::new(Arc::clone(client));
    let claims = client.claims().await?;
    open_of(&reader, claims.as_deref(), |request| {
        let id = request.policy_id.as_ref()?.to_lowercase();
        let (kind, name) = policies.get(&id)?;
        Some((Some(*kind), Some(name.clone())))
    })
    .await
}

/// The kind and the name of the policy that a request is for, if they are known.
type About = (Option<PolicyKind>, Option<String>);

/// Returns the open requests that `about` knows something of.
async fn open_of(
    reader: &Reader,
    claims: Option<&Claims>,
    about: impl Fn(&ApprovalRequest) -> Option<About>,
) -> Result<Listed, GraphError> {
    let requests = reader.approval_requests().await?;
    let open = requests.iter().filter(|request| request.status.is_open());
    let mut listed = Listed::default();
    for request in open {
        match about(request) {
            Some((kind, name)) => listed.open.push(request.entry(kind, name, claims)),
            None => listed.unclear += usize::from(request.policy_id.is_none()),
        }
    }
    Ok(listed)
}

async fn managed(reader: &Reader, loaded: &Loaded) -> Result<Draft, Failure> {
    let needs = needs(&loaded.manifest);
    let (live, manifest, _) = unavailable::read(reader, &needs, loaded, false).await?;
    Ok(compared(loaded, &manifest, &live)?.0)
}

/// Returns the requests that a run has filed.
async fn of_run(
    recorded: Recorded,
    client: &Arc<Client>,
    began: Timestamp,
) -> Result<Listed, Failure> {
    let wait = ListingWait::new(began);
    let reader = Reader::new(Arc::clone(client));
    let claims = client.claims().await?;
    check_report(&recorded, &reader).await?;
    let found = find_filed_requests(recorded.policies, client, began).await?;
    let known = found.known;
    let requests = reader.approval_requests().await?;
    let mut listed = Listed::default();
    let open = requests.iter().filter(|request| request.status.is_open());
    for policy in found.unfiled.iter().filter(|policy| was_locked(policy)) {
        let mut open = open.clone();
        match open.find(|request| request.is_for_policy(&policy.id)) {
            Some(request) => listed.locks.push(request.entry(
                Some(policy.kind),
                policy.name.clone(),
                claims.as_deref(),
            )),
            None => listed.unlocked += 1,
        }
    }
    if listed.unlocked > 0 {
        // One of these may lock them.
        listed.unclear = open.filter(|request| request.policy_id.is_none()).count();
    }
    let unknown = found.unknown.into_iter();
    listed.unknown = unknown
        .map(|unknown| (unknown.policy, unknown.settled))
        .collect();
    let listed_request = |approval: &PendingApproval| {
        let is_it = |request: &&ApprovalRequest| request.id.eq_ignore_ascii_case(&approval.code);
        requests.iter().find(is_it)
    };
    let identity = claims.as_deref().and_then(Claims::identity);
    let may_come = |approval: &PendingApproval| {
        !approval.is_of_another(identity) && wait.may_come(&approval.filed_at)
    };
    let unlisted = known
        .iter()
        .filter(|(_, approval)| listed_request(approval).is_none() && may_come(approval));
    let unlisted = unlisted.count();
    let mut tries = 0;
    for (policy, approval) in known {
        let request = match listed_request(&approval) {
            Some(request) => Some(request.clone()),
            // A closed one may have left the list; one that was just filed is waited for, since it can be neither
            // withdrawn nor said to be open before it is shown.
            None => loop {
                let request = reader.approval_request(&approval.code).await?;
                if request.is_some() || !may_come(&approval) {
                    break request;
                }
                wait.pause(client, tries, unlisted).await;
                tries += 1;
            },
        };
        let entry = entry(&policy, &approval, request.as_ref(), claims.as_deref());
        match entry.status.is_open() {
            true => listed.open.push(entry),
            false => listed.closed.push(entry),
        }
    }
    Ok(listed)
}

/// Says what a run has filed. Of a request that the sign-in does not see, the report is all that is known,
/// and it may be open.
fn entry(
    policy: &RecordedPolicy,
    approval: &PendingApproval,
    request: Option<&ApprovalRequest>,
    claims: Option<&Claims>,
) -> ApprovalEntry {
    let name = policy.name.clone();
    let shown = request.map(|request| request.entry(Some(policy.kind), name.clone(), claims));
    let shown = shown.unwrap_or_else(|| ApprovalEntry {
        code: approval.code.clone(),
        kind: Some(policy.kind),
        id: None,
        name,
        status: ApprovalStatus::Unknown,
        requested_at: approval.filed_at.clone(),
        expires_at: approval.expires_at.clone(),
        requestor: None,
        own: None,
        justification: None,
        approver_said: None,
    });
    ApprovalEntry {
        id: Some(policy.id.clone()),
        ..shown
    }
}

/// Withdraws requests, and says for each what became of it.
///
/// # Errors
///
/// The run was stopped.
pub async fn cancel(
    entries: &[ApprovalEntry],
    client: &Arc<Client>,
    stop: &CancellationToken,
) -> Result<Vec<Withdrawn>, Failure> {
    let codes: Vec<String> = entries.iter().map(|entry| entry.code.clone()).collect();
    unless_stopped(stop, async { Ok(withdraw_all(client, &codes).await) }).await
}
