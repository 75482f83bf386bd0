//! Which requests the service counts together.

use std::time::Duration;

use super::RateLimit;
use crate::kinds::{ThrottleGroup, kind_of_path};

/// A group of requests that have limits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RateGroup {
    /// Groups, users and devices of the directory.
    Directory,
    /// Kinds of policies, and what goes with them.
    Intune(ThrottleGroup),
}

/// What the directory gives the smallest tenants: resource units, of which reading groups costs one a
/// request (microsoft-graph-docs-contrib: concepts/throttling-limits.md).
const DIRECTORY_REQUESTS: RateLimit = RateLimit {
    count: 3500,
    window: Duration::from_secs(10),
};

impl RateGroup {
    /// Returns the group of a URL, or of a path below the version root.
    pub fn of(url: &str) -> Self {
        let url = url.split('?').next().unwrap_or_default();
        let root = ["/deviceManagement/", "/deviceAppManagement/"]
            .iter()
            .find_map(|root| url.find(root));
        let Some(root) = root else {
            return Self::Directory;
        };
        let kind = kind_of_path(&url[root..]);
        Self::Intune(kind.map_or(ThrottleGroup::Shared, |kind| kind.spec().throttle))
    }

    /// Returns the limit of requests of any kind, if that of Intune's groups is another.
    pub(super) fn requests(self, intune: RateLimit) -> RateLimit {
        match self {
            Self::Directory => DIRECTORY_REQUESTS,
            Self::Intune(_) => intune,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn a_path_is_counted_with_its_kind() {
        for kind in KINDS {
            let group = RateGroup::Intune(kind.throttle);
            let url = format!("https://graph.microsoft.com/beta{}/x", kind.collection);
            assert_eq!(RateGroup::of(&url), group);
            for rest in [
                "",
                "?$top=1000",
                "/id/assign",
                "('id')/assignments?$skiptoken=x",
            ] {
                assert_eq!(RateGroup::of(&format!("{}{rest}", kind.collection)), group);
            }
        }
        let shared = RateGroup::Intune(ThrottleGroup::Shared);
        assert_eq!(
            RateGroup::of("/deviceManagement/assignmentFilters?$top=1"),
            shared
        );
        for path in [
            "/groups?$filter=x eq '/deviceManagement/configurationPolicies'",
            "/directoryObjects/getByIds",
            "/devices/x",
        ] {
            assert_eq!(RateGroup::of(path), RateGroup::Directory);
        }
    }
}
