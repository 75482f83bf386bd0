//! Changing the service. Only `apply` holds a [`Writer`].
//!
//! A write is one request and one outcome. It is never repeated here: whether to try again is
//! decided only after the policy has been read back.

use std::sync::Arc;
use std::time::Duration;

use azure_core::base64;
use serde_json::json;

use super::client::{Call, Client, Fault};
use super::error::{APPROVAL_CODE, GraphError, ServiceError, approval_code};
use super::pace::{Class, Permit, RateGroup, WaitTooLong};
use super::retry;
use super::transport::Method;
use super::wire::APPROVAL_REQUESTS;
use super::write_request::WriteRequest;
use crate::kinds::PolicyKind;
use crate::model::PolicyWrite;

/// What became of a write.
#[derive(Clone, Debug)]
pub enum WriteOutcome {
    /// The service says that it is done. The body of its answer says nothing that can be relied
    /// on; reading back does.
    Done,
    /// The service refused: nothing has changed.
    Refused(ServiceError),
    /// The service refused, and filed a request for approval with this id: nothing has changed.
    Filed(String),
    /// The service asked to slow down: nothing has changed. The class is paused already.
    Throttled(ServiceError),
    /// The class was paused before the request could leave: nothing has changed.
    Paused,
    /// The token was refused, and there is another now: nothing has changed.
    Renewed(ServiceError),
    /// The request did not leave: nothing has changed.
    NotSent(GraphError),
    /// The answer leads elsewhere, and is not followed.
    Redirected(GraphError),
    /// No one knows whether it had its effect.
    Unknown {
        /// Why.
        reason: String,
        /// How long the service asks to wait before it is tried again.
        retry_after: Option<Duration>,
    },
}

/// The slot of a write, acquired before the policy is read for the last time, so that no wait comes
/// between that look and the write.
#[derive(Debug)]
pub struct WriteSlot(Permit);

/// The slot of the look that comes right before a write.
#[derive(Debug)]
pub struct LookSlot(pub(super) Permit);

/// What a write says of its approval. The service takes one of the two headers, never both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApprovalHeader {
    /// Nothing.
    None,
    /// Why it is to be approved: where the service asks for approval, it files a request.
    Justification(String),
    /// The id of the request that was approved.
    Code(String),
}

impl ApprovalHeader {
    fn header(&self) -> Option<(&'static str, String)> {
        match self {
            Self::None => None,
            // Base64 here, plain there: the wrong one is refused.
            Self::Justification(text) => Some((
                "x-msft-approval-justification",
                base64::encode(text.as_bytes()),
            )),
            Self::Code(code) => Some((APPROVAL_CODE, code.clone())),
        }
    }
}

/// Changes the live state.
#[derive(Clone)]
pub struct Writer {
    client: Arc<Client>,
}

impl Writer {
    /// Makes a writer.
    pub(crate) fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// Waits until a write and the look before it may leave.
    ///
    /// # Errors
    ///
    /// Gives up if the service asked for a longer wait than allowed.
    pub async fn turn(&self, kind: PolicyKind) -> Result<(LookSlot, WriteSlot), WaitTooLong> {
        let (look, write) = self.client.pace().lane(group(kind)).turn().await?;
        Ok((LookSlot(look), WriteSlot(write)))
    }

    /// Returns how many writes the limit allows in a window.
    pub fn writes_in_a_window(&self) -> usize {
        self.client.pace().writes().count
    }

    /// Returns the longest wait that is allowed on the service's word.
    pub fn longest_wait(&self) -> Duration {
        self.client.pace().longest_wait()
    }

    /// Whether writes of a kind are to wait: one may have been refused since this one had its turn.
    pub fn is_paused(&self, kind: PolicyKind) -> bool {
        self.client.pace().lane(group(kind)).is_paused(Class::Write)
    }

    /// Counts a write that is about to be repeated.
    pub fn count_retried(&self) {
        self.client.count_retried();
    }

    /// Returns how long to wait before try number `tries + 1` of the same policy.
    pub fn backoff(&self, tries: u32) -> Duration {
        self.client.backoff(tries, false)
    }

    /// Makes the id of a write. The service's audit event of it has the same
    /// (`correlationId`; Microsoft's own detections join them).
    pub fn new_request_id(&self) -> String {
        self.client.new_request_id()
    }

    /// Sends a write with its id.
    pub async fn send(
        &self,
        slot: WriteSlot,
        request: &WriteRequest,
        id: String,
        approval: &ApprovalHeader,
    ) -> WriteOutcome {
        let WriteRequest {
            write: PolicyWrite { call, path },
            body,
            after: _,
        } = request;
        let call = Call {
            method: Method::of(*call),
            headers: std::iter::once(("client-request-id", id))
                .chain(approval.header())
                .collect(),
            body: body.clone(),
            ..Call::get(self.client.address().join(path)).writing()
        };
        self.write(slot, &call).await
    }

    /// Withdraws a request for approval of one's own. The id goes into the body: below the id the service
    /// has no such route.
    pub async fn withdraw(&self, code: &str) -> WriteOutcome {
        let path = format!("{APPROVAL_REQUESTS}/cancelMyRequest");
        let call = Call {
            headers: vec![("client-request-id", self.new_request_id())],
            ..Call::post(self.client.address().join(&path), &json!({"id": code})).writing()
        };
        match self.client.pace().lane(call.group).turn().await {
            Ok((_, write)) => self.write(WriteSlot(write), &call).await,
            Err(wait) => WriteOutcome::NotSent(GraphError::Wait {
                request: self.client.request_line(&call),
                wait,
            }),
        }
    }

    async fn write(&self, slot: WriteSlot, call: &Call) -> WriteOutcome {
        let request = self.client.request_line(call);
        match self.client.exchange(call, slot.0, retry::WRITE_TIME).await {
            Ok(response) => match response.status {
                200..300 => {
                    self.client.write_passed(call.group);
                    WriteOutcome::Done
                }
                300..400 => WriteOutcome::Redirected(GraphError::redirected(
                    self.client.address(),
                    request,
                    &response,
                )),
                status => {
                    let error = ServiceError::from_response(&response);
                    if retry::is_throttle(status) {
                        self.client.write_refused(call.group, &error);
                    } else {
                        self.client.write_passed(call.group);
                    }
                    match status {
                        429 => WriteOutcome::Throttled(error),
                        // 408 and all of 5xx: it may have had its effect all the same.
                        408 | 500.. => WriteOutcome::Unknown {
                            reason: error.to_string(),
                            retry_after: error.retry_after,
                        },
                        _ => match approval_code(&response) {
                            Some(code) => WriteOutcome::Filed(code),
                            None => WriteOutcome::Refused(error),
                        },
                    }
                }
            },
            Err(Fault::Renewed(response)) => {
                WriteOutcome::Renewed(ServiceError::from_response(&response))
            }
            Err(Fault::Paused) => WriteOutcome::Paused,
            Err(Fault::Interrupted) => WriteOutcome::NotSent(GraphError::Interrupted),
            Err(Fault::SignIn(error)) => WriteOutcome::NotSent(error.into()),
            Err(Fault::Wait(wait)) => WriteOutcome::NotSent(GraphError::Wait { request, wait }),
            // Reading back settles them all; it only costs a read where nothing had left.
            Err(Fault::Unknown(reason) | Fault::Unusable(reason)) => WriteOutcome::Unknown {
                reason: reason.to_string(),
                retry_after: None,
            },
        }
    }
}

fn group(kind: PolicyKind) -> RateGroup {
    RateGroup::Intune(kind.spec().throttle)
}
