//! Writes: which call changes a policy's assignments, and where it goes. One value from the plan that shows it to the
//! request that is sent.

use super::PolicyKind;
use super::path::{assignments_path, encode};
use crate::kinds::WriteCall;

/// A write of a policy's assignments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyWrite {
    /// The call.
    pub call: WriteCall,
    /// Its path, below the version root.
    pub path: String,
}

impl PolicyWrite {
    /// Adds one assignment.
    pub fn create(kind: PolicyKind, policy_id: &str) -> Self {
        Self {
            call: WriteCall::Create,
            path: assignments_path(kind, policy_id),
        }
    }

    /// Removes one assignment.
    pub fn delete(kind: PolicyKind, policy_id: &str, assignment_id: &str) -> Self {
        let assignments = assignments_path(kind, policy_id);
        Self {
            call: WriteCall::Delete,
            path: format!("{assignments}/{}", encode(assignment_id)),
        }
    }

    /// Makes a set of assignments the complete one. Some tenants want the action behind the cast of its kind
    /// (microsoft-graph-docs#15359).
    pub fn whole_set(kind: PolicyKind, policy_id: &str, behind_cast: bool) -> Self {
        let spec = kind.spec();
        let cast = spec.writing.cast().filter(|_| behind_cast);
        let cast = cast.map_or_else(String::new, |cast| format!("{cast}/"));
        let call = spec.writing.whole_set_call();
        let (collection, id, action) = (spec.collection, encode(policy_id), call.name());
        Self {
            call,
            path: format!("{collection}/{id}/{cast}{action}"),
        }
    }

    /// Reads a write of a policy back from its verb and path; `None` if it is none.
    pub fn read(kind: PolicyKind, policy_id: &str, method: &str, path: &str) -> Option<Self> {
        let below = path.strip_prefix(&*assignments_path(kind, policy_id));
        let call = match (method, below) {
            ("POST", Some("")) => WriteCall::Create,
            ("POST", None) => {
                let whole_set = |behind_cast| Self::whole_set(kind, policy_id, behind_cast);
                return [false, true]
                    .map(whole_set)
                    .into_iter()
                    .find(|write| write.path == path);
            }
            ("DELETE", Some(rest)) => {
                let is_id = |id: &str| !id.is_empty() && !id.contains(['/', '?', '#', '\\']);
                let id = rest.strip_prefix('/').filter(|id| is_id(id));
                id.filter(|id| !id.chars().all(|part| part == '.'))?;
                WriteCall::Delete
            }
            _ => return None,
        };
        let path = path.to_owned();
        Some(Self { call, path })
    }

    /// Whether it makes a set of assignments the complete one.
    pub fn is_whole_set(&self) -> bool {
        matches!(self.call, WriteCall::Assign | WriteCall::Update)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::KINDS;

    #[test]
    fn what_is_written_is_read_back_as_the_same_write() {
        for spec in KINDS {
            let kind = PolicyKind::from_name(spec.name).expect("a kind");
            for write in [
                PolicyWrite::create(kind, "a b"),
                PolicyWrite::delete(kind, "a b", "c/d"),
                PolicyWrite::whole_set(kind, "a b", false),
                PolicyWrite::whole_set(kind, "a b", true),
            ] {
                let read = |id| PolicyWrite::read(kind, id, write.call.method(), &write.path);
                assert_eq!(read("a b").as_ref(), Some(&write), "{}", spec.name);
                assert_eq!(read("a"), None, "{}", spec.name);
            }
        }
    }

    #[test]
    fn no_other_path_is_read_as_a_write() {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        const ASSIGNMENTS: &str = "/deviceManagement/configurationPolicies/p/assignments";
        for (method, below) in [
            ("GET", ""),
            ("PATCH", "/x"),
            ("DELETE", ""),
            ("DELETE", "/"),
            ("DELETE", "/.."),
            ("DELETE", "/x/y"),
            ("DELETE", "/x?y"),
            ("POST", "/x"),
            ("POST", "x"),
        ] {
            let path = format!("{ASSIGNMENTS}{below}");
            assert_eq!(PolicyWrite::read(kind, "p", method, &path), None, "{path}");
        }
    }
}
