//! What to do about a refused sign-in, by who signs in and to which tenant.

use super::expected_tenant::check;
use super::refusal::CONSENT;
use super::{ExpectedTenant, SignInError, Token, TokenSource};

/// The errors of Entra after which an administrator of the tenant has to consent to the app.
const WITHOUT_CONSENT: [u32; 3] = [CONSENT, 700_016, 7_000_229];

/// Who signs in, and to which tenant.
#[derive(Clone, Debug, Default)]
pub(super) struct SignedIn {
    /// Whether it is an application that proves who it is.
    pub(super) is_application: bool,
    /// Its id, if it is known.
    pub(super) client_id: Option<String>,
    /// Where tokens come from, if that is known.
    pub(super) authority: Option<String>,
    /// The tenant that manifests name, if they do.
    pub(super) tenant: Option<ExpectedTenant>,
}

impl SignedIn {
    /// Adds what is to be done in the tenant, in the words of what names it.
    pub(super) fn explained(&self, error: SignInError) -> SignInError {
        let code = match &error {
            SignInError::Refused { code, .. } => *code,
            SignInError::Explained { .. } => return error,
            _ => None,
        };
        let mut hint = match code {
            // The usual advice is for a person.
            Some(CONSENT) if self.is_application => Some(match self.consent() {
                Some(_) => String::new(),
                None => "an administrator of the tenant has to consent to the app's permissions; in Entra that is under `Enterprise applications`".to_owned(),
            }),
            _ => error.hint().map(|hint| self.in_manifests(hint)),
        };
        let is_without = code.is_some_and(|code| WITHOUT_CONSENT.contains(&code));
        if let (Some(address), true) = (self.consent(), is_without) {
            let before = hint.filter(|hint| !hint.is_empty()).map(|hint| hint + "; ");
            hint = Some(format!(
                "{}an administrator of the tenant consents at {address}",
                before.unwrap_or_default()
            ));
        }
        match hint {
            Some(hint) if error.hint() != Some(&hint) => SignInError::Explained {
                error: Box::new(error),
                hint,
            },
            _ => error,
        }
    }

    /// Returns the address at which an administrator of the tenant consents to the app.
    fn consent(&self) -> Option<String> {
        let tenant = self.tenant.as_ref()?;
        Some(format!(
            "{}/{}/adminconsent?client_id={}",
            self.authority.as_ref()?.trim_end_matches('/'),
            tenant.tenant_id,
            self.client_id.as_ref()?,
        ))
    }

    /// Names what a tenant is signed in to with: manifests say that, not the variables of a run for one tenant.
    fn in_manifests(&self, hint: &str) -> String {
        let Some(tenant) = &self.tenant else {
            return hint.to_owned();
        };
        let hint = hint.replace("`AZURE_TENANT_ID`", "the tenant's `tenantId`");
        match &tenant.client_id {
            Some(_) => hint.replace("`AZURE_CLIENT_ID`", "the tenant's `clientId`"),
            None => hint,
        }
    }
}

/// Gives on only the tokens that are for the tenant that manifests name, if they do, and explains why there is none.
pub(super) struct ExplainedTokens {
    pub(super) source: Box<dyn TokenSource>,
    pub(super) signed_in: SignedIn,
    /// Whether tokens are asked of the tenant itself.
    pub(super) is_asked_there: bool,
}

impl ExplainedTokens {
    async fn checked(&self) -> Result<Token, SignInError> {
        let token = self.source.fetch().await?;
        if let Some(own) = &self.signed_in.tenant {
            let found = token.tenant_id.as_deref();
            check(&own.tenant_id, found, self.is_asked_there)?;
        }
        Ok(token)
    }
}

#[async_trait::async_trait]
impl TokenSource for ExplainedTokens {
    async fn fetch(&self) -> Result<Token, SignInError> {
        let fetched = self.checked().await;
        fetched.map_err(|error| self.signed_in.explained(error))
    }

    fn can_renew(&self) -> bool {
        self.source.can_renew()
    }
}
