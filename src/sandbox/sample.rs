//! The sample tenant.

use super::tenant::Tenant;

impl Tenant {
    /// Makes the sample tenant.
    pub fn sample() -> Self {
        Self::empty()
    }
}
