//! What Entra answers when it gives no token, and what to do about the commonest of it.
//!
//! The numbers and their meaning: learn.microsoft.com/entra/identity-platform/reference-error-codes.

use serde_json::Value;

use super::SignInError;
use super::http::{Answer, LastError};
use crate::text::excerpt;

/// The number which says that no one has consented to what the app asks for.
pub(super) const CONSENT: u32 = 65_001;

/// Returns what to do about an error of Entra, for who signs in: an application by itself, or a person.
pub(super) fn advice(code: u32) -> Option<&'static str> {
    Some(match code {
        50_005 => {
            "a Conditional Access policy does not allow this system; sign in on one that it allows, or as an application"
        }
        50_034 => {
            "check the user's name and that `AZURE_TENANT_ID` is the tenant the user belongs to"
        }
        50_076 => {
            "the tenant requires MFA, which a device code cannot provide; sign in with `az login`, or as an application"
        }
        50_079 => {
            "the account must register for MFA first; do that in a browser at https://aka.ms/mfasetup"
        }
        50_097 => {
            "a Conditional Access policy requires a known device, which a device code cannot show; sign in with `az login` on a device that the tenant knows, or as an application"
        }
        50_105 => {
            "the app requires user assignment; assign the account under `Enterprise applications` in Entra"
        }
        50_131 => {
            "a Conditional Access policy blocks this sign-in, for its device, its place or its risk; the sign-in logs in Entra say which policy"
        }
        50_158 => {
            "a Conditional Access policy requires a check by another service, which a device code cannot provide; sign in with `az login`, or as an application"
        }
        50_173 => {
            "the sign-in was revoked, as by a change of the password; sign in again with `assignctl login`"
        }
        53_000 => {
            "a Conditional Access policy requires a compliant device, which a device code cannot show; sign in with `az login` on such a device, or as an application"
        }
        53_001 => {
            "a Conditional Access policy requires a domain-joined device; sign in with `az login` on such a device, or as an application"
        }
        53_002 => {
            "a Conditional Access policy requires an approved app; sign in as an application, or exclude this one from the policy"
        }
        53_003 => {
            "a Conditional Access policy blocks this sign-in; run where it allows it, or exclude this workload identity from it; many tenants block the device code flow of people: sign in with `az login` then"
        }
        53_004 => {
            "the account must register for MFA first, and is flagged as risky; an administrator has to clear that in Entra"
        }
        CONSENT => {
            "an administrator has to consent to what is asked for: `assignctl login --client-id ID` with an app registration whose delegated permissions have admin consent, or consent to Microsoft Graph Command Line Tools in Entra"
        }
        65_004 => {
            "the account declined to consent; sign in again and accept, or ask an administrator for consent"
        }
        70_020 => "run the command again, and use the code within its time",
        70_021 => {
            "add a federated credential to the app registration whose issuer, subject and audience are those of this token"
        }
        70_043 => {
            "a Conditional Access policy ends sign-ins after a while; sign in again with `assignctl login`"
        }
        90_002 => "check `AZURE_TENANT_ID`, and `--cloud` if the tenant is in a national cloud",
        90_094 => {
            "what is asked for needs an administrator's consent: let one sign in once with the same `assignctl login`, or consent for the tenant in Entra"
        }
        90_095 => "an administrator has to approve the request for consent in Entra",
        500_011 => {
            "Graph is not known to this tenant under that address; check `--cloud` and `--graph-url`"
        }
        530_032 => {
            "a security policy of the tenant blocks this sign-in; the sign-in logs in Entra say which, and an administrator can exclude it"
        }
        530_035 => {
            "security defaults block this sign-in; sign in with `az login`, or as an application"
        }
        650_052 => {
            "the tenant has no subscription for what the app asks for, or did not consent to it; ask an administrator"
        }
        650_056 => {
            "the app does not ask for the permissions of Graph, or they have no consent; add them to the app registration, with admin consent"
        }
        700_016 => {
            "check `AZURE_CLIENT_ID` and `AZURE_TENANT_ID`: the app has to be registered in, or consented to by, that tenant"
        }
        700_024 => {
            "the assertion is not valid at this time; set this machine's clock, and get a fresh token file"
        }
        700_027 => {
            "upload the public part of this certificate to the app registration, and check that it has not expired"
        }
        700_082 => {
            "the sign-in that is kept was not used for too long; sign in again with `assignctl login`"
        }
        700_211 => {
            "add a federated credential to the app registration with the issuer that the message names"
        }
        700_212 => {
            "add a federated credential to the app registration with the audience that the message names"
        }
        700_213 => {
            "add a federated credential to the app registration with the subject that the message names: it tells branch, environment or pull request"
        }
        900_023 => "`AZURE_TENANT_ID` is neither a tenant's id nor one of its domains",
        1_002_012 => "the scope is not one for applications; check `--graph-url`",
        7_000_112 => "the app is disabled; enable it under `Enterprise applications` in Entra",
        7_000_215 => "use the secret's value, not its id, and check that it belongs to this app",
        7_000_218 => {
            "the app takes neither this secret nor this assertion; check `AZURE_CLIENT_SECRET`, or sign in in another way with `--auth`; for `login`, allow public client flows in the app registration"
        }
        7_000_222 => {
            "the client secret has expired; make a new one, or use a federated credential, which has none"
        }
        _ => return None,
    })
}

/// Makes the error out of what the last request brought.
pub(super) fn from_last_error(last_error: LastError) -> SignInError {
    match last_error {
        LastError::Silence(reason) => SignInError::Silent(reason),
        LastError::Error(answer) => from_answer(&answer),
    }
}

/// Reads an error of Entra's token endpoint, or of one of its kind (managed identity).
pub(super) fn from_answer(answer: &Answer) -> SignInError {
    let body: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let part = |name: &str| body.as_ref()?.get(name)?.as_str().map(str::to_owned);
    let described = part("error_description")
        .or_else(|| part("message"))
        .map(|text| sentence(&text))
        .filter(|text| !text.is_empty());
    let code = body
        .as_ref()
        .and_then(|body| body.get("error_codes")?.get(0)?.as_u64())
        .and_then(|code| u32::try_from(code).ok())
        .or_else(|| described.as_deref().and_then(number_in));
    let mut text = described.or_else(|| part("error")).unwrap_or_else(|| {
        format!(
            "the response is neither a token nor an error: {}",
            excerpt(&answer.body)
        )
    });
    if let Some(code) = code
        && number_in(&text).is_none()
    {
        text = format!("AADSTS{code}: {text}");
    }
    text.push_str(&format_status(answer.status, part("trace_id").as_deref()));
    SignInError::Refused {
        status: answer.status,
        code,
        text,
    }
}

fn format_status(status: u16, trace: Option<&str>) -> String {
    match trace {
        Some(trace) => format!(" (status {status}, trace id {trace})"),
        None => format!(" (status {status})"),
    }
}

/// Entra's texts go on with trace ids and time stamps, on the same line or on the next ones.
fn sentence(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let end = line.find(" Trace ID:").unwrap_or(line.len());
    line[..end].trim().to_owned()
}

/// Finds the number in `AADSTS7000215: …`.
fn number_in(text: &str) -> Option<u32> {
    let digits = text.split("AADSTS").nth(1)?;
    let end = digits
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    fn refused(status: u16, body: &str) -> SignInError {
        from_answer(&Answer {
            status,
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn an_error_has_its_number_its_sentence_and_advice() {
        let error = refused(
            401,
            r#"{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Correlation ID: 2 Timestamp: 3","error_codes":[7000215],"trace_id":"1"}"#,
        );
        assert_eq!(
            error.to_string(),
            "sign-in failed: AADSTS7000215: Invalid client secret provided. (status 401, trace id 1)"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("value")));
    }

    /// The library's parser borrows the text, and gives up where it holds an escape.
    #[test]
    fn escapes_in_the_text_are_no_obstacle() {
        let error = refused(
            400,
            r#"{"error":"invalid_request","error_description":"AADSTS700213: No match for \"repo:a\/b\u00e4\".\r\nTrace ID: 1\r\nTimestamp: 2","error_codes":[700213]}"#,
        );
        assert_eq!(
            error.to_string(),
            "sign-in failed: AADSTS700213: No match for \"repo:a/b\u{e4}\". (status 400)"
        );
        assert!(error.hint().is_some_and(|hint| hint.contains("subject")));
    }

    #[test]
    fn errors_of_other_forms_are_shown_all_the_same() {
        for (body, text) in [
            (
                r#"{"error":"invalid_client","error_description":"AADSTS7000222: Expired."}"#,
                "AADSTS7000222: Expired. (status 400)",
            ),
            (
                r#"{"error":"x","error_description":"Odd.","error_codes":[1]}"#,
                "AADSTS1: Odd. (status 400)",
            ),
            (
                r#"{"error":"invalid_client"}"#,
                "invalid_client (status 400)",
            ),
            (r#"{"message":"Gone."}"#, "Gone. (status 400)"),
            (
                "<html>",
                "the response is neither a token nor an error: `<html>` (status 400)",
            ),
            (
                "[]",
                "the response is neither a token nor an error: `[]` (status 400)",
            ),
            (
                "",
                "the response is neither a token nor an error: an empty body (status 400)",
            ),
        ] {
            assert_eq!(
                refused(400, body).to_string(),
                format!("sign-in failed: {text}")
            );
        }
        assert_eq!(refused(400, r#"{"error_codes":[1]}"#).hint(), None);
    }

    /// learn.microsoft.com/entra/identity-platform/reference-error-codes names them as Conditional Access's, or
    /// as a consent that is missing.
    #[test]
    fn what_conditional_access_and_consent_keep_from_is_explained() {
        const OF_ACCESS: [u32; 10] = [
            50_005, 50_097, 50_131, 50_158, 53_000, 53_001, 53_002, 53_003, 70_043, 530_032,
        ];
        const OF_CONSENT: [u32; 6] = [65_001, 65_004, 90_094, 90_095, 650_052, 650_056];
        let words = OF_ACCESS.map(|number| (number, "policy"));
        let consent = OF_CONSENT.map(|number| (number, "consent"));
        for (number, word) in words.into_iter().chain(consent) {
            let body = format!(
                r#"{{"error":"invalid_grant","error_description":"AADSTS{number}: No.","error_codes":[{number}]}}"#
            );
            let error = refused(400, &body);
            assert!(error.to_string().contains(&format!("AADSTS{number}: No.")));
            let hint = error.hint().unwrap_or_default();
            assert!(hint.contains(word), "{number}: {hint}");
        }
        // MFA is asked for by a policy, and named for what it is.
        for number in [50_076, 50_079, 53_004] {
            let hint = advice(number).unwrap_or_default();
            assert!(hint.contains("MFA"), "{number}");
        }
    }

    #[test]
    fn advice_is_one_sentence_for_each_number() {
        let all = (0..8_000_000).filter_map(advice);
        let texts: Vec<&str> = all.collect();
        assert!(texts.len() >= 10);
        for text in texts {
            assert!(!text.ends_with('.') && !text.contains(". "), "{text}");
        }
    }
}
