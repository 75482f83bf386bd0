//! The codes of reasons: those of the program itself, which are all here, and any other, which is kept as it is.

use std::borrow::Cow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Makes the enum and the conversions from and to its names from one table.
macro_rules! reason_codes {
    ($($own:ident = $name:literal,)*) => {
        /// The code of a reason: why a policy is not as planned, or what is to be noted of one that is.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "`docs/errors.md` says what each of them means")]
        pub enum ReasonCode {
            $($own,)*
            /// A code of the service, or in a report that was read, of another version of the program.
            Other(String),
        }

        impl ReasonCode {
            /// The program's own.
            pub const OWN: &[Self] = &[$(Self::$own),*];

            /// Returns the word for it in reports.
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$own => $name,)*
                    Self::Other(name) => name,
                }
            }

            /// Reads the word back. A service's code that is spelled like one of ours cannot be told apart.
            pub fn from_name(name: &str) -> Self {
                match name {
                    $($name => Self::$own,)*
                    other => Self::Other(other.to_owned()),
                }
            }
        }
    };
}

reason_codes! {
    ApprovalCancelled = "approvalCancelled",
    ApprovalExpired = "approvalExpired",
    ApprovalForeign = "approvalForeign",
    ApprovalNotWithdrawn = "approvalNotWithdrawn",
    ApprovalOther = "approvalOther",
    ApprovalRefused = "approvalRefused",
    ApprovalRejected = "approvalRejected",
    ApprovalRequired = "approvalRequired",
    ApprovalsUnreadable = "approvalsUnreadable",
    ApprovalUnknown = "approvalUnknown",
    ApprovalUsed = "approvalUsed",
    ApprovalWithdrawn = "approvalWithdrawn",
    CreateRouteMissing = "createRouteMissing",
    Deleted = "deleted",
    FailFast = "failFast",
    FilingUnknown = "filingUnknown",
    GivenUp = "givenUp",
    HttpError = "httpError",
    Interrupted = "interrupted",
    LockedByApproval = "lockedByApproval",
    Moved = "moved",
    NotFiled = "notFiled",
    NotSent = "notSent",
    NotVisibleYet = "notVisibleYet",
    PendingApproval = "pendingApproval",
    PolicySetAssignmentsDropped = "policySetAssignmentsDropped",
    PolicySetAssignmentsMissing = "policySetAssignmentsMissing",
    PolicySetAssignmentsUnknown = "policySetAssignmentsUnknown",
    ReadFailed = "readFailed",
    Redirected = "redirected",
    Report = "report",
    SignInFailed = "signInFailed",
    StalePlan = "stalePlan",
    TargetGone = "targetGone",
    TargetHeld = "targetHeld",
    UnknownLeftOut = "unknownLeftOut",
    Unverified = "unverified",
    WaitTooLong = "waitTooLong",
}

impl Serialize for ReasonCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for ReasonCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer).map(|name| Self::from_name(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::error::ServiceError;
    use crate::graph::transport::Response;
    use crate::plan::rollback::SkipReason;
    use crate::report::Reason;

    #[test]
    fn every_code_of_ours_is_found_by_its_name() {
        for code in ReasonCode::OWN {
            assert_eq!(ReasonCode::from_name(code.name()), *code);
        }
    }

    #[test]
    fn what_a_rollback_leaves_alone_has_a_code_of_ours() {
        for reason in [
            SkipReason::Moved,
            SkipReason::Deleted,
            SkipReason::Gone(String::new()),
            SkipReason::Held(String::new()),
        ] {
            let code = ReasonCode::from_name(reason.name());
            assert!(ReasonCode::OWN.contains(&code), "{reason:?}");
        }
    }

    #[test]
    fn what_the_service_says_is_not_taken_for_ours() {
        for (said, expected) in [
            ("interrupted", ReasonCode::Other("interrupted".to_owned())),
            ("", ReasonCode::HttpError),
        ] {
            let body = serde_json::json!({"error": {"code": said, "message": "x"}});
            let error = ServiceError::from_response(&Response {
                status: 400,
                headers: Vec::new(),
                body: body.to_string().into_bytes(),
            });
            assert_eq!(Reason::from_service(&error).code, expected);
        }
    }
}
