//! Writes that were filed for approval, as values: how one is kept and made again, and how a policy
//! settles by what is known of its request.

use jiff::{SignedDuration, Timestamp};

use super::{Outcome, PolicyResult, Reason, ReasonCode};
use crate::graph::approvals::same_body;
use crate::graph::error::ServiceError;
use crate::graph::retry::LISTED_WITHIN;
use crate::graph::write_request::WriteRequest;
use crate::model::{ApprovalStatus, Assignments, LivePolicy, PolicyKind, PolicyWrite, Target};
use crate::plan::PlannedPolicy;
use crate::plan::writes::{Step, steps_by, strategy_of};
use crate::report::{FilingAttempt, PendingApproval};
use crate::text::count;

impl FilingAttempt {
    /// Keeps a write that is about to leave.
    pub(super) fn of(
        request: &WriteRequest,
        sent_at: String,
        justification: &str,
        identity: Option<&str>,
    ) -> Self {
        let WriteRequest {
            write,
            body,
            after: _,
        } = request;
        Self {
            sent_at,
            justification: justification.to_owned(),
            method: write.call.method().to_owned(),
            path: write.path.clone(),
            body: body
                .as_deref()
                .map(|body| String::from_utf8_lossy(body).into_owned()),
            identity: identity.map(str::to_owned),
        }
    }

    /// Makes the write again, to the byte; `None` if it is not one that changes this policy.
    pub fn write(&self, kind: PolicyKind, id: &str, after: Assignments) -> Option<WriteRequest> {
        write(kind, id, (&self.method, &self.path, &self.body), after)
    }
}

impl PendingApproval {
    /// Makes the write again, to the byte; `None` if it is not one that changes this policy.
    pub fn write(&self, kind: PolicyKind, id: &str, after: Assignments) -> Option<WriteRequest> {
        write(kind, id, (&self.method, &self.path, &self.body), after)
    }

    /// Returns the steps of a policy in the way in which this was written, whatever is asked for now.
    pub fn steps(&self, policy: &PlannedPolicy) -> Vec<Step> {
        steps_by(policy, strategy_of(policy, &self.path))
    }

    /// Whether it was filed for a write that has the effect of another. What a complete set carries through
    /// has to be the same too: where another has changed it since, the filed set would undo that.
    ///
    /// A run that only resumes has not learnt whether the route of the kind is behind a cast; the request says it.
    pub(super) fn is_for(&self, other: &WriteRequest, kind: PolicyKind, id: &str) -> bool {
        let json = |body: &[u8]| serde_json::from_slice(body).ok();
        let filed = self.body.as_deref().and_then(|body| json(body.as_bytes()));
        let sent = other.body.as_deref().and_then(json);
        let same_body = match (filed, sent) {
            (Some(filed), Some(sent)) => same_body(&filed, &sent),
            (None, None) => true,
            _ => false,
        };
        let is_whole_set = || {
            PolicyWrite::read(kind, id, &self.method, &self.path)
                .is_some_and(|filed| filed.is_whole_set())
        };
        let is_same_route = self.path.eq_ignore_ascii_case(&other.write.path)
            || (other.write.is_whole_set() && is_whole_set());
        self.method == other.write.call.method() && is_same_route && same_body
    }
}

/// Makes a request of its parts. Only the policy's own routes are taken: a report is a file that anyone
/// may have changed.
fn write(
    kind: PolicyKind,
    id: &str,
    (method, path, body): (&str, &str, &Option<String>),
    after: Assignments,
) -> Option<WriteRequest> {
    Some(WriteRequest {
        write: PolicyWrite::read(kind, id, method, path)?,
        body: body.clone().map(String::into_bytes),
        after,
    })
}

/// Whether a request of that time may exist and not be listed yet.
pub fn may_be_unlisted(filed_at: &str, now: Timestamp) -> bool {
    let filed_at = filed_at.parse::<Timestamp>();
    let within = SignedDuration::try_from(LISTED_WITHIN).unwrap_or(SignedDuration::MAX);
    filed_at.is_ok_and(|filed_at| now.duration_since(filed_at) < within)
}

/// Says a time of the service without fractions.
fn to_the_second(time: &str) -> String {
    let known = time.parse::<Timestamp>();
    known.map_or_else(
        |_| time.to_owned(),
        |time| time.strftime("%FT%TZ").to_string(),
    )
}

pub(super) fn pending(
    filed: PendingApproval,
    who: Option<String>,
    status: Option<ApprovalStatus>,
) -> PolicyResult {
    let by = who
        .map(|who| format!(", filed by {who}"))
        .unwrap_or_default();
    let expires = to_the_second(&filed.expires_at);
    let state = match status {
        Some(ApprovalStatus::Approved) => {
            format!("was approved, and can be sent with `apply --resume` until {expires}")
        }
        _ => format!("waits for a second administrator's approval until {expires}"),
    };
    let message = format!("{state}: request `{}`{by}", filed.code);
    PolicyResult {
        approval: Some(Box::new(filed)),
        ..PolicyResult::pending(Reason::new(ReasonCode::PendingApproval, message))
    }
}

/// A policy that is locked by a request that this run cannot complete.
pub(super) fn locked(message: &str) -> PolicyResult {
    PolicyResult::pending(Reason::new(ReasonCode::LockedByApproval, message))
}

/// Whether a run ended before a policy's turn.
pub fn was_not_reached(outcome: Outcome, reason: &Reason) -> bool {
    outcome == Outcome::Skipped
        && matches!(
            reason.code,
            ReasonCode::Interrupted
                | ReasonCode::FailFast
                | ReasonCode::Report
                | ReasonCode::WaitTooLong
        )
}

/// Whether a policy waits until a request is closed that the run could not complete.
pub fn is_locked(reason: &Reason) -> bool {
    reason.code == ReasonCode::LockedByApproval
}

/// A policy that is to get what another one has, with what is to become of that, which is `said`.
pub(super) fn held(
    kind: PolicyKind,
    target: &Target,
    holder: &LivePolicy,
    (outcome, said): (Outcome, &str),
) -> PolicyResult {
    let target = target.type_name();
    let LivePolicy { name, id, .. } = holder;
    let message = format!(
        "only one {kind} can have `{target}`, and `{name}` ({id}) {said}; nothing was sent"
    );
    PolicyResult {
        waits_for: (outcome == Outcome::Pending).then(|| id.clone()),
        ..PolicyResult::not_as_planned(outcome, Reason::new(ReasonCode::TargetHeld, message))
    }
}

/// Whether the report of this run goes on with a policy that has settled. `may_be_filed` says whether a write was sent
/// that the service may have filed, `resumes` whether an earlier run has left the policy to this one.
pub(super) fn goes_on(settled: &PolicyResult, may_be_filed: bool, resumes: bool) -> bool {
    let is_not_reached = |reason: &Reason| resumes && was_not_reached(settled.outcome, reason);
    settled.outcome == Outcome::Pending
        || settled.approval.is_some()
        || (settled.outcome == Outcome::Failed && settled.written && may_be_filed)
        || settled
            .reason
            .as_ref()
            .is_some_and(|reason| lacks_justification(reason) || is_not_reached(reason))
}

/// Whether a policy waits for another one, with whose report it goes on.
pub fn waits_for_another(reason: &Reason) -> bool {
    reason.code == ReasonCode::TargetHeld
}

/// What becomes of a write that was announced, and that no open request is known to be for. `unclear`
/// are the requests that may be: the service does not say which policy they are for.
pub fn not_found(unclear: usize) -> PolicyResult {
    const NOT_KNOWN: &str = "this write may have been filed for approval, and";
    if unclear == 0 {
        let message = format!("{NOT_KNOWN} no open request asks for it");
        return PolicyResult::skipped(Reason::new(ReasonCode::NotFiled, message));
    }
    let requests = count(
        unclear,
        "open request does not say whether it asks",
        "open requests do not say whether they ask",
    );
    let message = format!("{NOT_KNOWN} {requests} for it");
    PolicyResult::pending(Reason::new(ReasonCode::FilingUnknown, message))
}

/// Adds what the service said of a request.
pub(super) fn answered(reason: Reason, error: &ServiceError) -> Reason {
    Reason {
        status: Some(error.status),
        request_id: error.request_id.clone(),
        ..reason
    }
}

/// Whether a write wants an approval that the run did not ask for.
pub fn lacks_justification(reason: &Reason) -> bool {
    reason.code == ReasonCode::ApprovalRequired
}

pub(super) fn approval_required(error: Option<&ServiceError>) -> PolicyResult {
    let reason = Reason::new(
        ReasonCode::ApprovalRequired,
        "this change needs a second administrator's approval; give the reason with `--justification`",
    );
    PolicyResult::failed(match error {
        Some(error) => answered(reason, error),
        None => reason,
    })
}

/// Nothing is filed while it is unknown what is open: it may be open already.
pub(super) fn not_read(reason: Reason) -> PolicyResult {
    let Reason {
        code: _,
        status,
        message,
        request_id,
        is_refusal,
    } = reason;
    let message = format!("the requests for approval could not be read: {message}");
    let reason = Reason {
        status,
        request_id,
        is_refusal,
        ..Reason::new(ReasonCode::ApprovalsUnreadable, message)
    };
    PolicyResult::failed(reason)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::WriteCall;

    /// A method, a path and a body.
    type Parts<'a> = (&'a str, &'a str, Option<&'a str>);

    fn is_for((method, path, body): Parts<'_>, (now, at, with): Parts<'_>) -> bool {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let filed = PendingApproval {
            code: "c".to_owned(),
            filed_at: String::new(),
            expires_at: String::new(),
            method: method.to_owned(),
            path: path.to_owned(),
            body: body.map(str::to_owned),
            identity: None,
        };
        let other = WriteRequest {
            write: PolicyWrite {
                call: match now {
                    "DELETE" => WriteCall::Delete,
                    _ if at.ends_with("/assign") => WriteCall::Assign,
                    _ => WriteCall::Create,
                },
                path: at.to_owned(),
            },
            body: with.map(|body| body.as_bytes().to_vec()),
            after: Assignments::default(),
        };
        filed.is_for(&other, kind, "p")
    }

    #[test]
    fn a_policy_was_not_reached_where_the_run_ended_before_its_turn() {
        for (outcome, code, expected) in [
            (Outcome::Skipped, ReasonCode::Interrupted, true),
            (Outcome::Skipped, ReasonCode::StalePlan, false),
            (Outcome::Failed, ReasonCode::Interrupted, false),
        ] {
            let reason = Reason::new(code, "why");
            assert_eq!(was_not_reached(outcome, &reason), expected, "{reason:?}");
        }
    }

    /// A code is used for what was approved and nothing else: method, route and body all count.
    #[test]
    fn what_was_filed_is_for_a_write_of_the_same_method_route_and_body() {
        const ASSIGN: &str = "/deviceManagement/configurationPolicies/p/assign";
        const CREATE: &str = "/deviceManagement/configurationPolicies/p/assignments";
        const BODY: Option<&str> = Some("{\"assignments\":[]}");
        assert!(is_for(("POST", ASSIGN, BODY), ("POST", ASSIGN, BODY)));
        assert!(is_for(
            ("POST", CREATE, None),
            ("POST", &CREATE.to_uppercase(), None)
        ));
        for other in [
            ("POST", CREATE, BODY),
            ("POST", ASSIGN, None),
            ("POST", ASSIGN, Some("{\"assignments\":[{}]}")),
            ("DELETE", ASSIGN, BODY),
        ] {
            assert!(!is_for(("POST", ASSIGN, BODY), other), "{other:?}");
            assert!(!is_for(other, ("POST", ASSIGN, BODY)), "{other:?}");
        }
    }

    /// Whoever is to get what a policy gives up may wait for it, or not.
    #[test]
    fn a_report_goes_on_with_what_waits_or_may_wait() {
        let settled = |outcome, code, written| PolicyResult {
            written,
            ..PolicyResult::not_as_planned(outcome, Reason::new(code, ""))
        };
        let failed = |code| settled(Outcome::Failed, code, false);
        let written = settled(Outcome::Failed, ReasonCode::Unverified, true);
        let skipped = settled(Outcome::Skipped, ReasonCode::Interrupted, false);
        let with_code = PolicyResult {
            approval: Some(Box::new(PendingApproval {
                code: "c".to_owned(),
                filed_at: String::new(),
                expires_at: String::new(),
                method: String::new(),
                path: String::new(),
                body: None,
                identity: None,
            })),
            ..failed(ReasonCode::ReadFailed)
        };
        let pending = settled(Outcome::Pending, ReasonCode::LockedByApproval, false);
        for (settled, may_be_filed, resumes, expected) in [
            (&pending, false, false, true),
            (&with_code, false, false, true),
            (&written, true, false, true),
            (&written, false, false, false),
            (&failed(ReasonCode::Unverified), true, false, false),
            (
                &settled(Outcome::Applied, ReasonCode::from_name("x"), true),
                true,
                false,
                false,
            ),
            (&failed(ReasonCode::ApprovalRequired), false, false, true),
            (
                &failed(ReasonCode::from_name("BadRequest")),
                false,
                true,
                false,
            ),
            (&skipped, false, true, true),
            (&skipped, false, false, false),
        ] {
            assert_eq!(
                goes_on(settled, may_be_filed, resumes),
                expected,
                "{settled:?}"
            );
        }
        assert!(!goes_on(
            &PolicyResult::as_planned(Outcome::Applied),
            true,
            true
        ));
    }

    #[test]
    fn a_request_may_be_unlisted_for_a_minute() {
        let filed: Timestamp = "2026-11-30T10:00:00Z".parse().expect("a time");
        let end = filed + SignedDuration::try_from(LISTED_WITHIN).expect("short");
        for (now, expected) in [
            (filed, true),
            (end - SignedDuration::from_nanos(1), true),
            (end, false),
        ] {
            assert_eq!(may_be_unlisted(&filed.to_string(), now), expected, "{now}");
        }
        assert!(!may_be_unlisted("", filed));
    }

    /// A report is a file that anyone may have changed: nothing but the policy's own routes is called.
    #[test]
    fn what_is_deleted_is_one_assignment_of_the_policy() {
        let path =
            |rest: &str| format!("/deviceManagement/configurationPolicies/p/assignments{rest}");
        let write = |path: &str| {
            let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
            write(kind, "p", ("DELETE", path, &None), Assignments::default())
        };
        assert!(write(&path("/a")).is_some());
        for rest in ["", "/", "/a/b", "/a?b", "/a#b", "/a\\b", "/.", "/..", "a"] {
            assert!(write(&path(rest)).is_none(), "{rest}");
        }
        assert!(write("/deviceManagement/configurationPolicies/q/assignments/a").is_none());
    }
}
