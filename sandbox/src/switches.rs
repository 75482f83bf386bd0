//! The switches of the emulated service: everything that is uncertain about the real one, or that
//! a test wants otherwise. The state file keeps them under `service`; all have defaults.

use serde::{Deserialize, Serialize};

mod deviation;
mod login;

pub use deviation::Deviation;
pub use login::{Login, LoginOutcome};

/// How the service behaves where the real one is uncertain or differs between tenants.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Switches {
    /// How long an issued token lives, in seconds.
    pub token_lifetime: u64,
    /// The application permissions that an issued token carries.
    pub roles: Vec<String>,
    /// Whether only tokens of this sandbox count. Deviation an opaque bearer may do everything.
    pub only_issued_tokens: bool,
    /// The registered applications. With none, every client id and secret is welcome.
    pub apps: Vec<App>,
    /// Whether the tenant lets applications sign in.
    pub sign_in: SignIn,
    /// The tenant's domain, which may stand for its id in the token endpoint's path.
    pub domain: String,
    /// The page size where the request names none (25; facts, section 4).
    pub page_size: usize,
    /// The largest page of the policy collections and the filters; the real one is unknown.
    pub max_page_size: usize,
    /// At how many assignments `$expand=assignments` is cut off, with `assignments@odata.nextLink`.
    pub expand_limit: Option<usize>,
    /// The collections without `POST …/assignments`, where it is documented.
    pub create_route_missing: Vec<String>,
    /// The collections without `DELETE …/assignments/{id}` (microsoft-graph-docs#20615).
    pub delete_route_missing: Vec<String>,
    /// The collections whose `assign` is behind a cast only (microsoft-graph-docs#15359).
    pub plain_assign_missing: Vec<String>,
    /// The collections whose lists refuse `$expand=assignments`, though others' do not.
    pub expand_refused: Vec<String>,
    /// The collections that the tenant has no licence for.
    pub unavailable: Vec<String>,
    /// What an `assign` does to policy-set assignments that its body leaves out.
    #[serde(alias = "policySetRows")]
    pub policy_set_assignments: PolicySetAssignments,
    /// For how many seconds a read still gives the assignments from before a write.
    pub read_after_write_lag: f64,
    /// For how many seconds reads of app protection give old and new assignments in turn, and
    /// further writes are answered with 412 and 404 in turn.
    pub managed_app_lag: f64,
    /// After how many seconds the members of a policy set show the assignments that they get from it.
    pub policy_set_lag: f64,
    /// For how many seconds a count of a group's members is that of before a change.
    pub membership_lag: f64,
    /// Whether users, devices and members are not known, so that reading them is refused.
    pub members_unknown: bool,
    /// How the table of the devices that a filter matches is spelled.
    pub filter_table: FilterTable,
    /// Whether a group id that the directory does not know is refused. Unknown for the real one.
    pub refuse_missing_groups: bool,
    /// How people sign in.
    pub login: Login,
    /// How audit events are read.
    pub audit: Audit,
    /// Which writes a second administrator has to approve.
    pub approval: Approval,
    /// How the service deviates from what clients take for granted.
    pub deviations: Vec<Deviation>,
    /// How much later every answer comes, in seconds. Requests in flight together wait together.
    pub latency: f64,
    /// The request limits.
    pub throttling: Throttling,
}

impl Default for Switches {
    fn default() -> Self {
        Self {
            token_lifetime: 3599,
            roles: [
                "DeviceManagementApps.ReadWrite.All",
                "DeviceManagementConfiguration.ReadWrite.All",
                "DeviceManagementManagedDevices.Read.All",
                "DeviceManagementRBAC.ReadWrite.All",
                "DeviceManagementScripts.ReadWrite.All",
                "DeviceManagementServiceConfig.ReadWrite.All",
                "Directory.Read.All",
                "Group.Read.All",
            ]
            .map(str::to_owned)
            .to_vec(),
            only_issued_tokens: false,
            apps: Vec::new(),
            sign_in: SignIn::default(),
            domain: "sandbox.onmicrosoft.com".to_owned(),
            page_size: 25,
            max_page_size: 100,
            expand_limit: None,
            create_route_missing: Vec::new(),
            delete_route_missing: Vec::new(),
            plain_assign_missing: Vec::new(),
            expand_refused: Vec::new(),
            unavailable: Vec::new(),
            policy_set_assignments: PolicySetAssignments::Kept,
            read_after_write_lag: 0.0,
            managed_app_lag: 0.0,
            policy_set_lag: 0.0,
            membership_lag: 0.0,
            members_unknown: false,
            filter_table: FilterTable::Columns,
            refuse_missing_groups: false,
            login: Login::default(),
            audit: Audit::default(),
            approval: Approval::default(),
            deviations: Vec::new(),
            latency: 0.0,
            throttling: Throttling::default(),
        }
    }
}

impl Switches {
    /// Returns the names of collections that a switch is about.
    pub(crate) fn collections(&self) -> impl Iterator<Item = &str> {
        [
            &self.create_route_missing,
            &self.delete_route_missing,
            &self.plain_assign_missing,
            &self.expand_refused,
            &self.unavailable,
            &self.approval.collections,
        ]
        .into_iter()
        .flatten()
        .map(String::as_str)
    }
}

/// Whether a tenant lets applications sign in, and why not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SignIn {
    /// It does.
    #[default]
    Allowed,
    /// Its administrator has not consented to the application (AADSTS65001).
    NoConsent,
    /// It does not know the application (AADSTS700016).
    UnknownApp,
    /// The application is disabled there (AADSTS7000112).
    DisabledApp,
}

/// How audit events are read. Their latency is not documented.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Audit {
    /// For how many seconds an event does not show.
    pub delay: f64,
    /// The page size where the request names none (up to 1,000: microsoft-graph-docs#18143).
    pub page_size: usize,
    /// Whether the last page has a next link, which leads to an empty one.
    pub trailing_link: bool,
    /// Whether every request is answered with a 429 that has no `Retry-After`
    /// (almenscorner/IntuneCD#217).
    pub throttled: bool,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            delay: 0.0,
            page_size: 1000,
            trailing_link: false,
            throttled: false,
        }
    }
}

/// Multi Admin Approval, and where reports of it differ or none exist.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Approval {
    /// The policy types that the tenant has an access policy for, like `configurationPolicy`.
    pub policy_types: Vec<String>,
    /// Collections that are gated beside those of the types: which types cover them is not known.
    pub collections: Vec<String>,
    /// The ids of the applications that are excluded.
    pub excluded_apps: Vec<String>,
    /// After how many seconds a request expires.
    pub expires_after: f64,
    /// For how many seconds a new request is not listed yet.
    pub listing_delay: f64,
    /// By how many seconds the clock of the requests is ahead: the time that was let pass.
    pub clock_ahead: f64,
    /// Whether the answers are 403, as the documentation of May 2026 had it.
    pub older_answers: bool,
    /// Whether a write without justification is answered with 409 while a request is open, not with 400.
    pub conflict_without_justification: bool,
    /// The status for a code that is sent before the approval.
    pub early_code: u16,
    /// The status for a code that was used.
    pub used_code: u16,
    /// The status for the code of a request that was rejected, withdrawn, or expired.
    pub dead_code: u16,
    /// The status for a code that the tenant does not know.
    pub unknown_code: u16,
    /// When the body of the second try is the one that was filed.
    pub same_body: SameBody,
    /// Whether the list refuses `$filter`.
    pub filter_refused: bool,
    /// Whether a caller sees the requests of its own only.
    pub only_own_requests: bool,
    /// Whether requests do not say who filed and who decided.
    pub people_hidden: bool,
    /// Whether requests have the published properties only.
    pub unpublished_hidden: bool,
}

impl Default for Approval {
    fn default() -> Self {
        Self {
            policy_types: Vec::new(),
            collections: Vec::new(),
            excluded_apps: Vec::new(),
            expires_after: 259_200.0,
            listing_delay: 0.0,
            clock_ahead: 0.0,
            older_answers: false,
            conflict_without_justification: false,
            early_code: 403,
            used_code: 403,
            dead_code: 403,
            unknown_code: 403,
            same_body: SameBody::Json,
            filter_refused: false,
            only_own_requests: false,
            people_hidden: false,
            unpublished_hidden: false,
        }
    }
}

/// When two bodies are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum SameBody {
    /// They say the same.
    Json,
    /// They are the same byte for byte.
    Bytes,
}

/// An application registration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct App {
    /// The client id.
    pub client_id: String,
    /// The only secret that is right; without one, any is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
    /// The certificate that its assertions are signed with, as PEM; without one, any is right.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<String>,
    /// The permissions of this application, instead of the service's `roles`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<String>>,
}

/// What an `assign` does to policy-set assignments that its body leaves out; both are possible for the
/// real service (facts, section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum PolicySetAssignments {
    /// They stay.
    Kept,
    /// They go, like any other assignment that is left out.
    Dropped,
}

/// How the table of a filter's devices is spelled. Two readers of it expect the first, other tables of
/// Intune have the second, and which one the service sends is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum FilterTable {
    /// `columns` and `values`, without a number of all rows.
    Columns,
    /// `Schema`, `Values` and `TotalRowCount`.
    Schema,
}

/// The request limits of the Intune service (DOCS:includes/throttling-intune-device-config-v2.md)
/// and of the directory (DOCS:concepts/throttling-limits.md).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Throttling {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// The length of the sliding window, in seconds.
    pub window: f64,
    /// How many writes one application may send in a window.
    pub app_writes: u32,
    /// How many requests of any kind one application may send in a window.
    pub app_any: u32,
    /// How many writes all applications may send in a window.
    pub tenant_writes: u32,
    /// How many requests of any kind all applications may send in a window.
    pub tenant_any: u32,
    /// How many writes other applications send in every window.
    pub other_apps_writes: u32,
    /// How many requests of any kind other applications send in every window, writes included.
    pub other_apps_any: u32,
    /// How many directory resource units an application may use in 10 seconds.
    pub directory_units: u32,
    /// How a throttled answer says when to come back.
    pub retry_after: RetryAfter,
}

impl Default for Throttling {
    fn default() -> Self {
        Self {
            enabled: true,
            window: 20.0,
            app_writes: 100,
            app_any: 1000,
            tenant_writes: 200,
            tenant_any: 2000,
            other_apps_writes: 0,
            other_apps_any: 0,
            directory_units: 3500,
            retry_after: RetryAfter::Seconds,
        }
    }
}

/// The forms of `Retry-After` that were seen (facts, section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum RetryAfter {
    /// Whole seconds, rounded up.
    Seconds,
    /// Seconds with a fraction (microsoft-graph-docs#3877).
    Fraction,
    /// An HTTP date.
    Date,
    /// Whole seconds under a lower-case name (microsoft-graph-docs-contrib#1060).
    LowerCase,
    /// No header at all (almenscorner/IntuneCD#217).
    Absent,
}
