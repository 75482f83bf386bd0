//! What the use cases of `run` are given where a test does not care.

use std::path::PathBuf;

use assignctl::graph::pace::{AppCeiling, PUBLISHED_REQUESTS, PUBLISHED_WRITES};
use assignctl::net::CLOUDS;
use assignctl::run::connect::{Endpoint, LoginSettings, ServiceSettings, TokenCache};

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
