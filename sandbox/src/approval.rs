//! Multi Admin Approval: which writes a second administrator has to approve, and the requests that
//! are filed for them (MAADOC: memdocs, multi-admin-approval.md; MAAPI: memdocs,
//! multi-admin-approval-graph-api.md). What differs between reports is a switch.

use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use crate::approval_request::{ApprovalRequest, ApprovalStatus, Party};
use crate::call::Call;
use crate::collections::Collection;
use crate::encoding::{base64_decode, guid_from, is_guid};
use crate::machine::Machine;
use crate::reply::Fault;
use crate::sign_in::Caller;
use crate::switches::{Approval, SameBody};
use crate::tenant::Tenant;

const JUSTIFICATION: &str = "x-msft-approval-justification";
pub(crate) const CODE: &str = "x-msft-approval-code";

/// A decision on a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// A request that waits is approved.
    Approve,
    /// A request that waits is rejected.
    Reject,
    /// A request that is open is withdrawn.
    Cancel,
}

impl Party {
    pub(crate) fn of(caller: &Caller) -> Self {
        Self {
            application: caller.app.clone(),
            user: caller.person.clone(),
        }
    }
}

impl Approval {
    /// Returns the policy type that gates writes of a caller to a collection, if any does. Changes by a
    /// person are gated whatever the application (MAADOC).
    fn gates(&self, collection: Collection, caller: &Caller) -> bool {
        let spec = collection.spec();
        let is_type = |name: &String| {
            spec.approval
                .is_some_and(|own| own.eq_ignore_ascii_case(name))
        };
        let is_named = self.collections.iter().any(|name| name == spec.segment);
        let is_excluded = caller.person.is_none()
            && self
                .excluded_apps
                .iter()
                .any(|app| app.eq_ignore_ascii_case(&caller.app));
        (is_named || self.policy_types.iter().any(is_type)) && !is_excluded
    }
}

/// The clock of the requests: the caller's, and what was let pass beside it.
pub(crate) fn clock(tenant: &Tenant, wall: SystemTime) -> Timestamp {
    let wall = Timestamp::try_from(wall).unwrap_or(Timestamp::UNIX_EPOCH);
    let ahead = seconds(tenant.service.approval.clock_ahead);
    wall.saturating_add(ahead).unwrap_or(wall)
}

pub(crate) fn seconds(seconds: f64) -> SignedDuration {
    SignedDuration::try_from_secs_f64(seconds).unwrap_or(SignedDuration::ZERO)
}

/// The answer to a code that does not fit (a field report of 2026-08).
fn not_this(status: u16) -> Fault {
    let code = match status {
        409 => "Conflict",
        403 => "Forbidden",
        _ => "BadRequest",
    };
    Fault::wrapped(status, code, "An error has occurred")
}

impl Machine {
    /// Lets a write pass, files a request for its approval, or refuses it.
    pub(crate) fn check_approval(
        &mut self,
        call: &Call<'_>,
        collection: Collection,
    ) -> Result<(), Fault> {
        let switches = &self.tenant().service.approval;
        if !switches.gates(collection, &call.caller) {
            return Ok(());
        }
        let object = call.segments.get(2).map_or("", String::as_str);
        let object = self.policy(collection, object)?.id.clone();
        let time = clock(self.tenant(), call.wall);
        let justification = call.header(JUSTIFICATION);
        match (call.header(CODE), justification) {
            // With both, the service files another request.
            (Some(code), None) => self.check_code(call, code, time),
            (_, Some(text)) => {
                let text = read_justification(text)?;
                Err(self.file(call, collection, object, text, time))
            }
            (None, None) => Err(self.without_justification(collection, &object, time)),
        }
    }

    /// Whether an object is locked. What counts is the policy type with the id.
    fn open_request(&self, collection: Collection, object: &str, time: Timestamp) -> bool {
        let is_type = |request: &ApprovalRequest| {
            let other = Collection::named(&request.collection);
            other == Some(collection)
                || other.is_some_and(|other| {
                    let own = collection.spec().approval;
                    own.is_some() && own == other.spec().approval
                })
        };
        self.tenant().approval_requests.iter().any(|request| {
            request.object == object && is_type(request) && request.status_at(time).is_open()
        })
    }

    fn without_justification(
        &self,
        collection: Collection,
        object: &str,
        time: Timestamp,
    ) -> Fault {
        let switches = &self.tenant().service.approval;
        if switches.conflict_without_justification && self.open_request(collection, object, time) {
            return active();
        }
        // Microsoft365DSC#7236; earlier documentation said 403.
        let message = format!("Header '{JUSTIFICATION}' is required to request approval");
        match switches.older_answers {
            true => Fault::wrapped(403, "Forbidden", message),
            false => Fault::invalid(message),
        }
    }

    fn file(
        &mut self,
        call: &Call<'_>,
        collection: Collection,
        object: String,
        justification: String,
        time: Timestamp,
    ) -> Fault {
        if self.open_request(collection, &object, time) {
            return active();
        }
        let number = self.tenant().approval_requests.len();
        let tenant = &self.tenant().tenant_id;
        let code = guid_from(&format!("approval/{tenant}/{number}/{object}"));
        let switches = &self.tenant().service.approval;
        let expires = time.saturating_add(seconds(switches.expires_after));
        let is_older = switches.older_answers;
        self.tenant_changed()
            .approval_requests
            .push(ApprovalRequest {
                id: code.clone(),
                collection: collection.segment().to_owned(),
                object,
                method: call.method.to_owned(),
                path: call.segments.join("/"),
                body: String::from_utf8_lossy(&call.request.body).into_owned(),
                requestor: Party::of(&call.caller),
                justification,
                approver: None,
                approval_justification: None,
                filed: time,
                expires: expires.unwrap_or(time),
                changed: time,
                status: ApprovalStatus::NeedsApproval,
            });
        let message = format!(
            "Approval Required. Request Approval using the request ID returned as part of the \
             {CODE} response header. {CODE}: {code}"
        );
        let fault = match is_older {
            true => Fault::plain(403, "ApprovalRequired", message),
            false => Fault::wrapped(412, "BadRequest", message),
        };
        fault.header(CODE, code)
    }

    /// Lets a write pass whose request was approved: the same write, by the same identity.
    fn check_code(&self, call: &Call<'_>, code: &str, time: Timestamp) -> Result<(), Fault> {
        if !is_guid(code) {
            return Err(Fault::invalid(
                "Invalid approval header format, expected GUID format",
            ));
        }
        let switches = &self.tenant().service.approval;
        let request = self
            .tenant()
            .approval_requests
            .iter()
            .find(|request| request.id.eq_ignore_ascii_case(code))
            .ok_or_else(|| not_this(switches.unknown_code))?;
        let is_same = request.method == call.method
            && request.path.eq_ignore_ascii_case(&call.segments.join("/"))
            && is_same_body(switches.same_body, &request.body, &call.request.body)
            && request.requestor.is(&Party::of(&call.caller));
        if !is_same {
            return Err(not_this(403));
        }
        match request.status_at(time) {
            ApprovalStatus::Approved => Ok(()),
            ApprovalStatus::NeedsApproval => Err(not_this(switches.early_code)),
            ApprovalStatus::Completed => Err(not_this(switches.used_code)),
            ApprovalStatus::Rejected | ApprovalStatus::Cancelled | ApprovalStatus::Expired => {
                Err(not_this(switches.dead_code))
            }
        }
    }

    /// Notes that a write was done: its request is completed.
    pub(crate) fn complete_approval(&mut self, call: &Call<'_>, collection: Collection) {
        let Some(code) = call
            .header(CODE)
            .filter(|_| call.header(JUSTIFICATION).is_none())
        else {
            return;
        };
        let time = clock(self.tenant(), call.wall);
        if !(self.tenant().service.approval).gates(collection, &call.caller) {
            return;
        }
        let requests = &mut self.tenant_changed().approval_requests;
        let found = requests
            .iter_mut()
            .find(|request| request.id.eq_ignore_ascii_case(code));
        if let Some(request) = found {
            request.status = ApprovalStatus::Completed;
            request.changed = time;
        }
    }

    /// Decides on a request. Returns whether there is one that can be decided on so.
    pub fn decide(
        &mut self,
        code: &str,
        decision: Decision,
        approver: Option<Party>,
        justification: Option<&str>,
        wall: SystemTime,
    ) -> bool {
        let time = clock(self.tenant(), wall);
        let requests = &mut self.tenant_changed().approval_requests;
        let found = requests
            .iter_mut()
            .find(|request| request.id.eq_ignore_ascii_case(code));
        let Some(request) = found else {
            return false;
        };
        let (fits, status) = match (decision, request.status_at(time)) {
            (Decision::Approve, status) => (
                status == ApprovalStatus::NeedsApproval,
                ApprovalStatus::Approved,
            ),
            (Decision::Reject, status) => (
                status == ApprovalStatus::NeedsApproval,
                ApprovalStatus::Rejected,
            ),
            (Decision::Cancel, status) => (status.is_open(), ApprovalStatus::Cancelled),
        };
        if fits {
            request.status = status;
            request.changed = time;
            // Whoever withdraws a request of their own says nothing.
            if approver.is_some() || decision != Decision::Cancel {
                request.approver = approver;
                request.approval_justification = justification.map(str::to_owned);
            }
        }
        fits
    }

    /// Lets time pass for the requests only.
    pub fn let_pass(&mut self, time: Duration) {
        self.tenant_changed().service.approval.clock_ahead += time.as_secs_f64();
    }
}

fn active() -> Fault {
    Fault::wrapped(
        409,
        "Conflict",
        "An active Approval Request already exists for this entity",
    )
}

/// Reads a justification: padded Base64 of 1 to 1024 characters.
fn read_justification(text: &str) -> Result<String, Fault> {
    let padded = Some(text).filter(|text| text.len().is_multiple_of(4));
    let decoded = padded
        .and_then(base64_decode)
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let Some(decoded) = decoded else {
        return Err(Fault::invalid(format!(
            "Invalid '{JUSTIFICATION}' header format, expected Base64"
        )));
    };
    match decoded.encode_utf16().count() {
        0 => Err(Fault::invalid(format!(
            "Header '{JUSTIFICATION}' is required to request approval"
        ))),
        1..=1024 => Ok(decoded),
        _ => Err(Fault::invalid(format!(
            "Decoded content of '{JUSTIFICATION}' header must be no greater than 1024 characters"
        ))),
    }
}

fn is_same_body(switch: SameBody, filed: &str, sent: &[u8]) -> bool {
    if filed.as_bytes() == sent {
        return true;
    }
    let parse = |bytes: &[u8]| serde_json::from_slice::<Value>(bytes).ok();
    switch == SameBody::Json
        && parse(filed.as_bytes()).is_some_and(|filed| Some(filed) == parse(sent))
}
