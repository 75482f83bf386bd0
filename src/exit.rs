//! The one place for exit codes.

use std::process::ExitCode;

/// How a run ended, in words that scripts can rely on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Exit {
    /// Done; nothing to change, or a plan was made.
    Success,
    /// Any failure that has no code of its own, an incomplete read among them.
    Failure,
    /// Changes are pending (`plan --detailed-exitcode`, `drift`).
    ChangesPending,
    /// Manifests are invalid, none was found, or a name does not resolve.
    InvalidManifests,
    /// A guard refused; nothing was written.
    GuardRefused,
    /// The saved plan no longer matches the live state; nothing was written.
    StalePlan,
    /// Applied in part.
    Partial,
    /// Sign-in failed, reading was refused, or every write was refused for lack of permission.
    Refused,
    /// At worst, some writes wait for a second administrator's approval.
    Pending,
    /// Wrong use of the command line.
    Usage,
    /// Interrupted.
    Interrupted,
}

impl Exit {
    /// Returns the number that the process ends with.
    pub fn code(self) -> u8 {
        match self {
            Self::Success => 0,
            Self::Failure => 1,
            Self::ChangesPending => 2,
            Self::InvalidManifests => 3,
            Self::GuardRefused => 4,
            Self::StalePlan => 5,
            Self::Partial => 6,
            Self::Refused => 7,
            Self::Pending => 8,
            Self::Usage => 64,
            Self::Interrupted => 130,
        }
    }

    /// Finds the word for a number.
    pub fn from_code(code: u8) -> Option<Self> {
        const ALL: [Exit; 11] = [
            Exit::Success,
            Exit::Failure,
            Exit::ChangesPending,
            Exit::InvalidManifests,
            Exit::GuardRefused,
            Exit::StalePlan,
            Exit::Partial,
            Exit::Refused,
            Exit::Pending,
            Exit::Usage,
            Exit::Interrupted,
        ];
        ALL.into_iter().find(|exit| exit.code() == code)
    }

    /// Of several that hold, returns the one with the highest precedence.
    pub fn most_severe(of: impl IntoIterator<Item = Self>) -> Self {
        const ORDER: [Exit; 9] = [
            Exit::Interrupted,
            Exit::Failure,
            Exit::Refused,
            Exit::InvalidManifests,
            Exit::StalePlan,
            Exit::GuardRefused,
            Exit::Partial,
            Exit::Pending,
            Exit::ChangesPending,
        ];
        let all: Vec<Self> = of.into_iter().collect();
        ORDER
            .into_iter()
            .chain([Self::Usage])
            .find(|exit| all.contains(exit))
            .unwrap_or(Self::Success)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_in_the_order_is_told() {
        assert_eq!(Exit::most_severe([]), Exit::Success);
        assert_eq!(
            Exit::most_severe([Exit::ChangesPending, Exit::GuardRefused]),
            Exit::GuardRefused
        );
        assert_eq!(
            Exit::most_severe([Exit::ChangesPending, Exit::Pending]),
            Exit::Pending
        );
        assert_eq!(
            Exit::most_severe([Exit::Pending, Exit::Partial]),
            Exit::Partial
        );
        assert_eq!(
            Exit::most_severe([Exit::Refused, Exit::Failure, Exit::Success]),
            Exit::Failure
        );
    }
}
