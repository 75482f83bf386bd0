//! The calls that change a policy's assignments.

/// A call that changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WriteCall {
    /// `POST …/{id}/assignments`.
    Create,
    /// `POST …/{id}/assign`.
    Assign,
    /// `POST …/{id}/update`.
    Update,
    /// `DELETE …/{id}/assignments/{assignmentId}`.
    Delete,
}

impl WriteCall {
    /// Every call.
    pub const ALL: [Self; 4] = [Self::Create, Self::Assign, Self::Update, Self::Delete];

    /// Returns the word for it in plans; the action's name in the path of a whole set.
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Assign => "assign",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }

    /// Returns its HTTP verb.
    pub fn method(self) -> &'static str {
        match self {
            Self::Create | Self::Assign | Self::Update => "POST",
            Self::Delete => "DELETE",
        }
    }
}
