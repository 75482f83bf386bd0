//! Names that may be meant by one that was not found.

use std::cell::{Cell, OnceCell};
use std::collections::HashMap;

use crate::diagnostic::nearest_all;
use crate::look_alike::{Difference, OddName, difference, in_quotes, skeleton};

/// The names of a tenant's objects of one kind.
pub(super) struct Candidates<'a> {
    names: Vec<&'a str>,
    /// Whether these are all that the tenant has.
    complete: bool,
    by_look: OnceCell<HashMap<String, Vec<&'a str>>>,
    /// How many names are still looked for: each costs a comparison with every candidate.
    left: Cell<usize>,
}

/// How many names of one kind get a hint.
const MOST_HINTS: usize = 50;

/// How many names a hint offers.
const MOST_OFFERED: usize = 3;

impl<'a> Candidates<'a> {
    pub(super) fn new(names: impl IntoIterator<Item = &'a str>, complete: bool) -> Self {
        let mut names: Vec<&str> = names.into_iter().collect();
        names.sort_unstable();
        names.dedup();
        Self {
            names,
            complete,
            by_look: OnceCell::new(),
            left: Cell::new(MOST_HINTS),
        }
    }

    /// Returns a hint that offers what may be meant by a name: what looks the same, else what is
    /// spelled nearly so. Where not all names are known it says so.
    pub(super) fn hint(&self, asked: &str) -> Option<String> {
        self.left.set(self.left.get().checked_sub(1)?);
        let looks = skeleton(asked);
        if let Some(same) = self.by_look().get(&looks).filter(|_| !looks.is_empty()) {
            return Some(self.offer_look_alikes(asked, same));
        }
        let near = nearest_all(asked, self.names.iter().copied());
        self.offer(&near, "")
    }

    fn by_look(&self) -> &HashMap<String, Vec<&'a str>> {
        self.by_look.get_or_init(|| {
            let mut by_look: HashMap<String, Vec<&str>> = HashMap::new();
            for name in &self.names {
                by_look.entry(skeleton(name)).or_default().push(name);
            }
            by_look
        })
    }

    fn offer_look_alikes(&self, asked: &str, names: &[&str]) -> String {
        match names {
            [one] => self
                .offer(names, &explained(asked, one))
                .unwrap_or_default(),
            // Shown side by side they would look the same as well.
            several => {
                let several: Vec<String> = several
                    .iter()
                    .take(MOST_OFFERED)
                    .map(|name| match difference(asked, name) {
                        Some(Difference {
                            odd: OddName::Found,
                            what,
                        }) => format!("`{name}`, which {what}"),
                        _ => format!("`{name}`"),
                    })
                    .collect();
                format!("these look like it: {}", several.join("; "))
            }
        }
    }

    fn offer(&self, names: &[&str], explained: &str) -> Option<String> {
        let (shown, hidden) = names.split_at(names.len().min(MOST_OFFERED));
        let mut shown: Vec<String> = shown.iter().map(|name| format!("`{name}`")).collect();
        if !hidden.is_empty() {
            shown.push(format!("{} more as near", hidden.len()));
        }
        let listed = match shown.as_slice() {
            [] => return None,
            [one] => one.clone(),
            [first @ .., last] => format!("{} or {last}", first.join(", ")),
        };
        Some(if self.complete {
            format!("did you mean {listed}?{explained}")
        } else {
            format!("not all were searched; of those that were, {listed} is nearest{explained}")
        })
    }
}

/// Says what sets a name that was found apart from the one that was asked for, and how to write it.
fn explained(asked: &str, found: &str) -> String {
    let Some(Difference { odd, what }) = difference(asked, found) else {
        return String::new();
    };
    match odd {
        OddName::Asked => format!(" the name in the manifest {what}"),
        OddName::Found => match in_quotes(found) {
            Some(quoted) => format!(" it {what}; write {quoted}"),
            None => format!(" it {what}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(complete: bool, names: &[&str], asked: &str) -> String {
        let candidates = Candidates::new(names.iter().copied(), complete);
        candidates.hint(asked).unwrap_or_default()
    }

    #[test]
    fn f01_what_looks_the_same_is_offered_first_and_told_apart() {
        let names = ["SG-Trails", "SG-Trail ", "SG-Nb\u{a0}sp", "Ring l"];
        for (asked, expected) in [
            (
                "SG-Trail",
                "did you mean `SG-Trail `? it ends with a space; write \"SG-Trail \"",
            ),
            ("SG-Trials", "did you mean `SG-Trails`?"),
            (
                "SG-Nb sp",
                "did you mean `SG-Nb\u{a0}sp`? it has U+00A0 at 6 (a no-break space); write \"SG-Nb\\u00a0sp\"",
            ),
            (
                "SG-Trails ",
                "did you mean `SG-Trails`? the name in the manifest ends with a space",
            ),
            ("Ring 1", "did you mean `Ring l`? it has `l` at 6, not `1`"),
            ("Finance", ""),
            (" ", ""),
        ] {
            assert_eq!(hint(true, &names, asked), expected, "{asked:?}");
        }
        assert_eq!(
            hint(true, &["A ", " A"], "A"),
            "these look like it: ` A`, which begins with a space; `A `, which ends with a space"
        );
    }

    #[test]
    fn f32_what_is_equally_near_is_offered_together() {
        let names = ["Ring-01", "Ring-02", "Ring-03", "Ring-04", "Ring-15"];
        assert_eq!(
            hint(true, &names, "Ring-0x"),
            "did you mean `Ring-01`, `Ring-02`, `Ring-03` or 1 more as near?"
        );
        assert_eq!(hint(true, &names, "Rng-15"), "did you mean `Ring-15`?");
        assert_eq!(
            hint(false, &names, "Rng-15"),
            "not all were searched; of those that were, `Ring-15` is nearest"
        );
    }

    #[test]
    fn hints_are_given_for_the_first_faults_only() {
        let candidates = Candidates::new(["Ring"], true);
        let given = (0..2 * MOST_HINTS).filter_map(|_| candidates.hint("Rng"));
        assert_eq!(given.count(), MOST_HINTS);
    }
}
