//! A pull request or merge request: what this run may do with it, and what its people have accepted.

use super::{CiError, Platform};

/// The change that a run is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number.
    pub number: u64,
    /// Why no comment is written; `None` if one is.
    pub unwritable: Option<Unwritable>,
}

/// Why a run writes no comment on its change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unwritable {
    /// It comes from a fork, whose runs get a token that only reads, or none.
    Fork,
    /// It waits to be merged: its comment says what was reviewed.
    Queued,
}

impl Unwritable {
    /// Says why.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Fork => "it comes from a fork, and the job's token cannot write",
            Self::Queued => "it waits in the merge queue, and its comment shows what was reviewed",
        }
    }
}

/// What is read of a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProposedChange {
    /// The names of the labels that only those can set who may manage changes.
    pub labels: Vec<String>,
    /// Its description.
    pub description: String,
    /// Whether it comes from a fork: then anyone may have written its description.
    pub from_fork: bool,
}

/// What a label or trailer begins with that accepts guards.
const ALLOW: &str = "assignctl-allow:";

impl ProposedChange {
    /// Returns the words behind `assignctl-allow:` in labels, and in the trailers of the description: the
    /// lines `key: value` of its last paragraph, as git reads them. A fork's trailers don't count.
    pub fn allowed(&self) -> Vec<String> {
        let labels = self.labels.iter().map(String::as_str);
        if self.from_fork {
            return words(labels);
        }
        words(labels.chain(trailers(&self.description)))
    }

    /// Returns the words that would accept guards if the change did not come from a fork.
    pub fn disregarded(&self) -> Vec<String> {
        if self.from_fork {
            words(trailers(&self.description))
        } else {
            Vec::new()
        }
    }
}

fn words<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words: Vec<String> = lines
        .filter_map(behind_allow)
        .flat_map(|value| value.split([',', ' ', '\t']))
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect();
    words.sort();
    words.dedup();
    words
}

/// Chooses among the merged changes that hold a commit: the only one, else the one that made it.
pub(super) fn the_one(
    platform: Platform,
    commit: &str,
    merged: Vec<(u64, bool)>,
) -> Result<Option<u64>, CiError> {
    if let [] | [_] = merged[..] {
        return Ok(merged.first().map(|(number, _)| *number));
    }
    let made: Vec<u64> = merged
        .iter()
        .filter(|(_, made_it)| *made_it)
        .map(|(number, _)| *number)
        .collect();
    if let [number] = made[..] {
        return Ok(Some(number));
    }
    let numbers: Vec<String> = merged
        .iter()
        .map(|(number, _)| number.to_string())
        .collect();
    Err(CiError::SeveralChanges {
        platform,
        commit: commit.to_owned(),
        numbers: numbers.join(", "),
    })
}

fn behind_allow(line: &str) -> Option<&str> {
    let line = line.trim();
    let head = line.get(..ALLOW.len())?;
    head.eq_ignore_ascii_case(ALLOW)
        .then(|| line[ALLOW.len()..].trim())
}

/// Returns the lines of the last paragraph, if each of them is a trailer.
fn trailers(description: &str) -> impl Iterator<Item = &str> {
    let lines: Vec<&str> = description.trim_end().lines().map(str::trim_end).collect();
    let start = lines
        .iter()
        .rposition(|line| line.is_empty())
        .map_or(0, |empty| empty + 1);
    let last = lines[start..].to_vec();
    let all = last.iter().all(|line| is_trailer(line));
    last.into_iter().filter(move |_| all)
}

fn is_trailer(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, _)| {
        !key.is_empty()
            && key
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(labels: &[&str], description: &str) -> Vec<String> {
        ProposedChange {
            labels: labels.iter().map(|label| (*label).to_owned()).collect(),
            description: description.to_owned(),
            from_fork: false,
        }
        .allowed()
    }

    #[test]
    fn nothing_is_accepted_unless_it_is_said() {
        for description in [
            "",
            "removals",
            "Take the old ring away\n\nremovals: yes",
            // Quoted, in the middle, or in a paragraph of prose.
            "> assignctl-allow: removals",
            "assignctl-allow: removals\n\nbut better not",
            "Write this below:\nassignctl-allow: removals",
            "```\nassignctl-allow: removals\n```",
        ] {
            assert_eq!(allowed(&["bug"], description), [""; 0], "{description}");
        }
    }

    #[test]
    fn labels_and_trailers_accept_guards() {
        assert_eq!(allowed(&["assignctl-allow: removals"], ""), ["removals"]);
        assert_eq!(allowed(&["Assignctl-Allow:removals"], ""), ["removals"]);
        assert_eq!(
            allowed(
                &["assignctl-allow: unassigned"],
                "Why\n\nReviewed-by: B\r\nassignctl-allow: removals, broad-target removals\n\n"
            ),
            ["broad-target", "removals", "unassigned"]
        );
    }

    #[test]
    fn who_only_has_a_fork_accepts_nothing() {
        let change = ProposedChange {
            labels: vec!["assignctl-allow: unassigned".to_owned()],
            description: "assignctl-allow: removals".to_owned(),
            from_fork: true,
        };
        assert_eq!(change.allowed(), ["unassigned"]);
        assert_eq!(change.disregarded(), ["removals"]);
    }

    #[test]
    fn of_several_changes_the_one_that_made_the_commit_counts() {
        let the_one = |merged| the_one(Platform::GitHub, "c0ffee", merged);
        assert_eq!(the_one(vec![]), Ok(None));
        assert_eq!(the_one(vec![(7, false)]), Ok(Some(7)));
        assert_eq!(the_one(vec![(7, false), (8, true)]), Ok(Some(8)));
        for unclear in [vec![(7, false), (8, false)], vec![(7, true), (8, true)]] {
            assert!(matches!(
                the_one(unclear),
                Err(CiError::SeveralChanges { numbers, .. }) if numbers == "7, 8"
            ));
        }
    }
}
