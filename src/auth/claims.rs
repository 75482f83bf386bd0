//! What a token says of itself.
//!
//! The token is not ours to verify, and no safety depends on this: it names the tenant, and lets
//! people see who they signed in as. What is permitted is the service's decision.

use std::collections::BTreeSet;

use azure_core::base64;
use serde_json::{Map, Value};

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
    /// When it runs out (`exp`), in seconds since 1970.
    pub expires_at: Option<i64>,
    /// What is granted: application permissions (`roles`) and delegated ones (`scp`).
    pub permissions: BTreeSet<String>,
}

impl Claims {
    /// Reads a token's claims; none where it is no JWT.
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
            expires_at: claims.get("exp").and_then(Value::as_i64),
            permissions: roles
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .chain(scopes.split_whitespace())
                .map(str::to_owned)
                .collect(),
        })
    }
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
