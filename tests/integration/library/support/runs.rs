//! What the use cases of `run` are given where a test does not care.

use std::path::PathBuf;
use std::sync::LazyLock;

use assignctl::graph::pace::{AppCeiling, PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use assignctl::net::CLOUDS;
use assignctl::plan::Selection;
use assignctl::plan::guards::GuardRules;
use assignctl::run::connect::{Endpoint, LoginSettings, ServiceSettings, TokenCache};
use assignctl::run::members::MembersRequest;
use assignctl::run::plan::{NameUnmanaged, PlanRequest};

use super::world::LONGEST_WAIT;

/// The settings of a run against the emulator, at the published limits.
pub(crate) fn service_settings() -> ServiceSettings {
    ServiceSettings {
        endpoint: Endpoint::Sandbox(PathBuf::new()),
        cloud: &CLOUDS[0],
        auth: None,
        tenant_id: None,
        expected_tenant: None,
        login: LoginSettings::default(),
        writes: PUBLISHED_WRITES,
        requests: PUBLISHED_REQUESTS,
        longest_wait: LONGEST_WAIT,
        concurrency: 8,
        recorder: None,
        ceiling: AppCeiling::default(),
        kept: TokenCache::default(),
    }
}

/// Asks for a plan of everything, and for nothing beside it.
pub(crate) fn whole_plan() -> PlanRequest<'static> {
    static SELECTION: LazyLock<Selection> = LazyLock::new(Selection::default);
    static RULES: LazyLock<GuardRules> = LazyLock::new(GuardRules::default);
    static MEMBERS: LazyLock<MembersRequest> = LazyLock::new(MembersRequest::default);
    PlanRequest {
        write_with: None,
        strict: false,
        selection: &SELECTION,
        rules: &RULES,
        all: false,
        unmanaged: &NameUnmanaged::Not,
        members: &MEMBERS,
        who: None,
        approvals: false,
    }
}
