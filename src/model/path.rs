//! Paths of a policy below Graph's version root, as they are sent and as plans show them.

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

/// Returns the path of one assignment.
pub fn assignment_path(kind: PolicyKind, policy_id: &str, assignment_id: &str) -> String {
    format!(
        "{}/{}",
        assignments_path(kind, policy_id),
        encode(assignment_id)
    )
}

/// Returns the path of the action that replaces all assignments of a policy.
pub fn assign_path(kind: PolicyKind, policy_id: &str) -> String {
    let spec = kind.spec();
    let action = spec.writing.action();
    format!("{}/{}/{action}", spec.collection, encode(policy_id))
}

/// Returns the path of that action behind the cast that some tenants want (microsoft-graph-docs#15359);
/// `None` of a kind that has none.
pub fn cast_assign_path(kind: PolicyKind, policy_id: &str) -> Option<String> {
    let spec = kind.spec();
    let cast = spec.writing.cast()?;
    let (collection, id) = (spec.collection, encode(policy_id));
    Some(format!("{collection}/{id}/{cast}/assign"))
}

/// Whether a path is that of the action that replaces all assignments of a policy, in either form.
pub fn is_assign_path(path: &str, kind: PolicyKind, policy_id: &str) -> bool {
    path == assign_path(kind, policy_id)
        || cast_assign_path(kind, policy_id).is_some_and(|behind_cast| path == behind_cast)
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
