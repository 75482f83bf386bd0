//! How people sign in with a device code, and what may keep them from it.

use serde::{Deserialize, Serialize};

/// How people sign in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Login {
    /// Who signs in.
    pub user: String,
    /// After how many seconds the person has signed in.
    pub approved_after: f64,
    /// How many seconds a client has to wait between two questions.
    pub interval: u64,
    /// For how many seconds a code is good.
    pub expires_after: u64,
    /// How the sign-in ends.
    pub outcome: LoginOutcome,
    /// Whether applications may let people sign in without a secret.
    pub public_clients: bool,
    /// Whether the tokens that renew a sign-in have expired.
    pub refresh_refused: bool,
}

impl Default for Login {
    fn default() -> Self {
        Self {
            user: "ada@sandbox.onmicrosoft.com".to_owned(),
            approved_after: 0.0,
            interval: 5,
            expires_after: 900,
            outcome: LoginOutcome::Approve,
            public_clients: true,
            refresh_refused: false,
        }
    }
}

/// How a sign-in ends (learn.microsoft.com/entra/identity-platform/reference-error-codes).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LoginOutcome {
    /// With a token.
    Approve,
    /// The person declines.
    Decline,
    /// Conditional Access does not allow it.
    ConditionalAccess,
    /// No one has consented to what is asked for.
    Consent,
    /// What is asked for takes an administrator's consent.
    AdminConsent,
    /// A second factor is needed.
    SecondFactor,
}
