//! The ways to sign in.

/// The ways to sign in, in the order in which they are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// A ready-made token.
    Token,
    /// An application with a client secret.
    ClientSecret,
    /// An application with a certificate.
    ClientCertificate,
    /// An application with a token that a platform keeps in a file.
    WorkloadIdentity,
    /// An application that trusts a GitHub workflow.
    GitHub,
    /// An application that trusts a service connection of Azure DevOps.
    AzureDevOps,
    /// The identity that Azure gives to a machine or an app.
    ManagedIdentity,
    /// The user who is signed in to `az`.
    AzureCli,
    /// The person who signed in with `login`, or signs in now.
    Login,
}

impl Method {
    /// Every way, in order.
    pub const ALL: [Self; 9] = [
        Self::Token,
        Self::ClientSecret,
        Self::ClientCertificate,
        Self::WorkloadIdentity,
        Self::GitHub,
        Self::AzureDevOps,
        Self::ManagedIdentity,
        Self::AzureCli,
        Self::Login,
    ];

    /// Returns the word for it on the command line.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Finds a way by its word, or by what people are used to call it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|method| method.names().contains(&name))
    }

    pub(super) fn names(self) -> &'static [&'static str] {
        match self {
            Self::Token => &["token", "access-token"],
            Self::ClientSecret => &["client-secret", "secret"],
            Self::ClientCertificate => &["client-certificate", "certificate"],
            Self::WorkloadIdentity => &["workload-identity", "federated", "federated-token"],
            Self::GitHub => &["github", "github-actions", "github-oidc"],
            Self::AzureDevOps => &["azure-devops", "azure-pipelines", "azure-devops-oidc"],
            Self::ManagedIdentity => &["managed-identity", "msi"],
            Self::AzureCli => &["azure-cli", "az", "cli"],
            Self::Login => &["login", "device-code"],
        }
    }

    /// The variables without which it is not configured, besides those of the application.
    pub(super) fn variables(self) -> &'static [&'static str] {
        match self {
            Self::Token => &["ASSIGNCTL_ACCESS_TOKEN"],
            Self::ClientSecret => &["AZURE_CLIENT_SECRET"],
            Self::ClientCertificate => &["AZURE_CLIENT_CERTIFICATE_PATH"],
            Self::WorkloadIdentity => &["AZURE_FEDERATED_TOKEN_FILE"],
            Self::GitHub => &[
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
            ],
            Self::AzureDevOps => &["SYSTEM_OIDCREQUESTURI", "SYSTEM_ACCESSTOKEN"],
            Self::ManagedIdentity | Self::AzureCli | Self::Login => &[],
        }
    }

    /// Whether it is an application that proves who it is.
    pub(super) fn is_application(self) -> bool {
        !matches!(
            self,
            Self::Token | Self::ManagedIdentity | Self::AzureCli | Self::Login
        )
    }

    /// Whether its variables are set for this purpose only. A platform sets those of its own for
    /// every job, whether it is to sign in so or not.
    pub(super) fn is_deliberate(self) -> bool {
        matches!(
            self,
            Self::ClientSecret | Self::ClientCertificate | Self::WorkloadIdentity
        )
    }
}
