//! What the service noted of changes.

use jiff::Timestamp;

/// An audit event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// When it happened.
    pub time: Timestamp,
    /// The person, if one did it.
    pub actor: Option<String>,
    /// The application that it was done with.
    pub application: Option<String>,
    /// What was done, in the service's word.
    pub activity: String,
    /// What became of it: `Success` or `Failure`.
    pub result: String,
    /// The id that the client gave its request.
    pub client_request_id: Option<String>,
    /// The ids of what it was done to.
    pub resources: Vec<String>,
}

/// The audit events that were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditLog {
    /// The events.
    pub events: Vec<AuditEvent>,
    /// Whether there are no others since the time that was asked for.
    pub covered: bool,
    /// Why not all of it could be read, if so.
    pub failure: Option<String>,
    /// Whether that is because a permission is missing.
    pub is_refused: bool,
}
