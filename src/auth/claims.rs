//! What a token says of itself.
//!
//! The token is not ours to verify, and no safety depends on this: it names the tenant, and lets
//! people see who they signed in as. What is permitted is the service's decision.

use std::collections::BTreeSet;

use azure_core::base64;
use jiff::Timestamp;
use serde_json::{Map, Value};
use url::Url;

use crate::net::CLOUDS;

/// Microsoft Graph's application id, which some tokens name instead of its address.
const GRAPH_APP: &str = "00000003-0000-0000-c000-000000000000";

/// How far clocks may differ; Entra dates its tokens back by as much.
const CLOCK_SKEW: i64 = 300;

/// The claims that matter here. A token that cannot be read has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Claims {
    /// The tenant (`tid`).
    pub tenant_id: Option<String>,
    /// The application's client id (`appid`, or `azp` in newer tokens).
    pub app_id: Option<String>,
    /// The application's name (`app_displayname`).
    pub app_name: Option<String>,
    /// The user's name (`upn` or `preferred_username`); none for an application by itself.
    pub user: Option<String>,
    /// The object id of who signed in (`oid`): a person, or the application's service principal.
    pub object_id: Option<String>,
    /// Whether it has delegated permissions (`scp`), as only people's tokens have.
    pub is_delegated: bool,
    /// The service that it is for (`aud`).
    pub audience: Option<String>,
    /// From when on it is valid (`nbf`), in seconds since 1970.
    pub not_before: Option<i64>,
    /// When it expires (`exp`), in seconds since 1970.
    pub expires_at: Option<i64>,
    /// What is granted: application permissions (`roles`) and delegated ones (`scp`).
    pub permissions: BTreeSet<String>,
}

impl Claims {
    /// Reads a token's claims; `None` if it is not a JWT.
    pub fn read(token: &str) -> Option<Self> {
        let payload = token.split('.').nth(1)?;
        let bytes = base64::decode_url_safe(payload).ok()?;
        let claims: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
        let text = |name: &str| claims.get(name)?.as_str().map(str::to_owned);
        let roles = claims.get("roles").and_then(Value::as_array);
        let scopes = text("scp").unwrap_or_default();
        Some(Self {
            tenant_id: text("tid"),
            app_id: text("appid").or_else(|| text("azp")),
            app_name: text("app_displayname"),
            user: text("upn").or_else(|| text("preferred_username")),
            object_id: text("oid"),
            is_delegated: claims.get("scp").is_some_and(Value::is_string),
            audience: text("aud"),
            not_before: claims.get("nbf").and_then(seconds),
            expires_at: claims.get("exp").and_then(seconds),
            permissions: roles
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .chain(scopes.split_whitespace())
                .map(str::to_owned)
                .collect(),
        })
    }

    /// Whether a person signed in, and not an application by itself.
    pub fn is_person(&self) -> bool {
        self.is_delegated || self.user.is_some()
    }

    /// Returns the id of who signed in: a person's object id, or the application's client id.
    pub fn identity(&self) -> Option<&str> {
        let id = match self.is_person() {
            true => self.object_id.as_ref().or(self.user.as_ref()),
            false => self.app_id.as_ref(),
        };
        id.map(String::as_str)
    }

    /// Checks that the token is for Microsoft Graph, in any cloud or at this address, and valid now.
    ///
    /// # Errors
    ///
    /// Says why no request with it can succeed. A claim that is missing is no reason.
    pub fn check(&self, graph: &Url, now: Timestamp) -> Result<(), UnusableToken> {
        if let Some(audience) = &self.audience
            && !is_graph(audience, graph)
        {
            return Err(UnusableToken::OtherService(audience.clone()));
        }
        let now = now.as_second();
        if let Some(from) = self.not_before.filter(|from| *from > now + CLOCK_SKEW) {
            return Err(UnusableToken::NotYetValid(time(from)));
        }
        match self.expires_at {
            Some(end) if end <= now => Err(UnusableToken::Expired(time(end))),
            _ => Ok(()),
        }
    }
}

/// Why no request with a token can succeed.
#[derive(Clone, Debug, thiserror::Error, PartialEq, Eq)]
pub enum UnusableToken {
    /// It is for something else than Microsoft Graph.
    #[error("the access token is for another service: its audience (`aud`) is `{0}`")]
    OtherService(String),
    /// It is not valid yet.
    #[error("the access token is not valid before {0} (`nbf`)")]
    NotYetValid(String),
    /// It is not valid any more.
    #[error("the access token expired at {0} (`exp`)")]
    Expired(String),
}

impl UnusableToken {
    /// What the reader can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            Self::OtherService(_) => {
                "get one for Microsoft Graph: `az account get-access-token --resource https://graph.microsoft.com`"
            }
            Self::NotYetValid(_) => "check this machine's clock",
            Self::Expired(_) => "get a new one; if it is new, check this machine's clock",
        }
    }
}

fn is_graph(audience: &str, graph: &Url) -> bool {
    let Ok(url) = Url::parse(audience) else {
        return audience.eq_ignore_ascii_case(GRAPH_APP);
    };
    let of_a_cloud = |cloud: &crate::net::Cloud| {
        Url::parse(cloud.graph).is_ok_and(|known| known.host() == url.host())
    };
    url.host() == graph.host() || CLOUDS.iter().any(of_a_cloud)
}

/// Reads a time, which may be a fraction.
fn seconds(value: &Value) -> Option<i64> {
    // Fractions of a second do not matter, nor does what lies beyond all years.
    #[expect(clippy::cast_possible_truncation)]
    let whole = |number: f64| number as i64;
    value.as_i64().or_else(|| value.as_f64().map(whole))
}

fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    fn token(claims: &Value) -> String {
        let payload = base64::encode_url_safe(claims.to_string());
        format!("e30.{payload}.signature")
    }

    #[test]
    fn an_application_has_roles_and_a_user_has_scopes() {
        let claims = Claims::read(&token(&serde_json::json!({
            "tid": "t", "appid": "a", "app_displayname": "n", "exp": 1_800_000_000,
            "roles": ["B", "A"],
        })))
        .expect("a token");
        assert_eq!(claims.app_name.as_deref(), Some("n"));
        assert_eq!(
            claims.permissions,
            BTreeSet::from(["A", "B"].map(str::to_owned))
        );
        assert_eq!(claims.user, None);
        let claims = Claims::read(&token(&serde_json::json!({
            "azp": "a", "preferred_username": "me@example.com", "scp": "openid A",
        })))
        .expect("a token");
        assert_eq!(claims.app_id.as_deref(), Some("a"));
        assert_eq!(claims.user.as_deref(), Some("me@example.com"));
        assert!(claims.permissions.contains("A"));
    }

    /// F12: another service, another time.
    #[test]
    fn f12_a_token_for_another_service_or_time_is_unfit() {
        let graph = Url::parse("https://graph.example.com/beta").expect("a URL");
        let now = Timestamp::from_second(1_000_000).expect("a time");
        let check = |claims: Value| {
            let claims = Claims::read(&token(&claims)).expect("a token");
            claims.check(&graph, now).map_err(|unfit| unfit.to_string())
        };
        for good in [
            serde_json::json!({}),
            serde_json::json!({"aud": "https://graph.microsoft.com/", "nbf": 1_000_299}),
            serde_json::json!({"aud": "https://dod-graph.microsoft.us", "exp": 1_000_001.5}),
            serde_json::json!({"aud": "https://graph.example.com"}),
            serde_json::json!({"aud": GRAPH_APP.to_uppercase(), "nbf": "later", "exp": null}),
        ] {
            assert_eq!(check(good), Ok(()));
        }
        for (bad, why) in [
            (
                serde_json::json!({"aud": "https://management.azure.com/"}),
                "is for another service: its audience (`aud`) is `https://management.azure.com/`",
            ),
            (serde_json::json!({"aud": "797f4846"}), "is `797f4846`"),
            (
                serde_json::json!({"nbf": 1_000_301}),
                "is not valid before 1970-01-12T13:51:41Z",
            ),
            (
                serde_json::json!({"exp": 1_000_000}),
                "expired at 1970-01-12T13:46:40Z",
            ),
        ] {
            let error = check(bad).expect_err(why);
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_is_no_token_has_no_claims() {
        for text in ["", "opaque", "a.%%%.c", "a.e30", "..", "a.W10.c"] {
            let claims = Claims::read(text);
            assert!(
                claims.is_none() || claims == Some(Claims::default()),
                "{text}"
            );
        }
        // Claims of other types than they should have are not there.
        let odd = token(&serde_json::json!({"tid": 1, "roles": "A", "exp": "soon", "scp": []}));
        assert_eq!(Claims::read(&odd), Some(Claims::default()));
    }
}
