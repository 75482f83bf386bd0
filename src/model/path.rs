//! Paths of a policy below Graph's version root.

use super::PolicyKind;
use crate::text::percent_encoded;

/// Returns the path of a policy's assignments.
pub fn assignments_path(kind: PolicyKind, policy_id: &str) -> String {
    format!(
        "{}/{}/assignments",
        kind.spec().collection,
        encode(policy_id)
    )
}

/// Percent-encodes a value for a path segment or a query. Ids come from the service and are no more
/// trusted than names.
pub fn encode(value: &str) -> String {
    let encoded = percent_encoded(value);
    // Any URL parser would resolve a segment of dots alone.
    if encoded.bytes().all(|byte| byte == b'.') {
        encoded.replace('.', "%2E")
    } else {
        encoded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_cannot_leave_their_segment() {
        assert_eq!(encode("a-b_c.d~1"), "a-b_c.d~1");
        assert_eq!(encode("../x?y#z%"), "..%2Fx%3Fy%23z%25");
        assert_eq!(encode(".."), "%2E%2E");
        assert_eq!(encode("ü"), "%C3%BC");
    }
}
