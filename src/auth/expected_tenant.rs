//! Tokens for one tenant of several: whatever the sign-in returns, a token of another tenant is not used.

use super::SignInError;
use crate::model::Guid;

/// The tenant that manifests name, and how it is signed in to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedTenant {
    /// Its id or one of its domains.
    pub tenant_id: String,
    /// The app registration, if it has one of its own.
    pub client_id: Option<String>,
}

/// Refuses a token of which it is not certain that it is for a tenant. If it is asked of the tenant itself, a domain
/// is enough to know whose it is.
pub(super) fn check(
    wanted: &str,
    found: Option<&str>,
    is_asked_there: bool,
) -> Result<(), SignInError> {
    let other = |why: String| Err(SignInError::OtherTenant(why));
    match (Guid::parse(wanted), found) {
        (Some(wanted), Some(found)) if Guid::parse(found).as_ref() == Some(&wanted) => Ok(()),
        (Some(_), Some(found)) => other(format!(
            "the token is for the tenant `{found}`, not for `{wanted}`"
        )),
        (Some(_), None) => other(format!(
            "the token does not say whether it is for the tenant `{wanted}`"
        )),
        (None, _) if is_asked_there => Ok(()),
        (None, _) => Err(SignInError::unusable(format!(
            "whether the token is for the tenant `{wanted}` cannot be determined from a domain; \
             write `tenantId` as a GUID"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    const OTHER: &str = "7f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";

    #[test]
    fn only_a_token_of_the_tenant_is_used() {
        for (wanted, found, is_asked_there, used) in [
            (ONE, Some(ONE), false, true),
            (ONE, Some(&*ONE.to_uppercase()), true, true),
            (ONE, Some(OTHER), true, false),
            (ONE, Some("x"), false, false),
            (ONE, None, true, false),
            ("a.example", Some(OTHER), true, true),
            ("a.example", Some(OTHER), false, false),
        ] {
            let checked = check(wanted, found, is_asked_there);
            assert_eq!(checked.is_ok(), used, "{wanted} {found:?}");
        }
    }
}
