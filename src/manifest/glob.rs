//! Globs over display names: `*` is any text, `/` included, `?` is one character, and nothing else is
//! special. Case counts.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use wildmatch::WildMatch;

/// A glob.
#[derive(Clone)]
pub struct Glob {
    text: String,
    matcher: WildMatch,
}

impl Glob {
    /// Makes a glob; every text is one.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self {
            matcher: WildMatch::new(&text),
            text,
        }
    }

    /// Returns the glob as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        self.matcher.matches(name)
    }

    /// Returns what every name that matches begins with.
    fn prefix(&self) -> &str {
        let end = self.text.find(['*', '?']).unwrap_or(self.text.len());
        &self.text[..end]
    }
}

impl PartialEq for Glob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Glob {}

impl fmt::Debug for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, formatter)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

/// Many globs over many names, each glob with what it stands for. Most globs begin with text, and are
/// tried only on names that begin so too.
pub struct GlobSet<'m, T> {
    by_prefix: HashMap<&'m str, Vec<(&'m Glob, T)>>,
    lengths: BTreeSet<usize>,
}

impl<'m, T: Copy> GlobSet<'m, T> {
    /// Makes a set.
    pub fn new(globs: impl IntoIterator<Item = (&'m Glob, T)>) -> Self {
        let mut by_prefix: HashMap<&str, Vec<(&Glob, T)>> = HashMap::new();
        for (glob, what) in globs {
            let same = by_prefix.entry(glob.prefix()).or_default();
            same.push((glob, what));
        }
        Self {
            lengths: by_prefix.keys().map(|prefix| prefix.len()).collect(),
            by_prefix,
        }
    }

    /// Returns what the globs stand for that match a name, in any order.
    pub fn matches<'s>(&'s self, name: &'s str) -> impl Iterator<Item = T> + 's {
        self.lengths
            .iter()
            .map_while(|length| (*length <= name.len()).then(|| name.get(..*length)))
            .filter_map(|prefix| self.by_prefix.get(prefix?))
            .flatten()
            .filter(|(glob, _)| glob.matches(name))
            .map(|(_, what)| *what)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether a name matches, the slow and certain way.
    fn fits(glob: &str, name: &str) -> bool {
        let mut rest = name.chars();
        match glob.chars().next() {
            None => name.is_empty(),
            Some('*') => {
                fits(&glob[1..], name) || (rest.next().is_some() && fits(glob, rest.as_str()))
            }
            Some('?') => rest.next().is_some() && fits(&glob[1..], rest.as_str()),
            Some(letter) => {
                rest.next() == Some(letter) && fits(&glob[letter.len_utf8()..], rest.as_str())
            }
        }
    }

    fn matches(globs: &[&str], name: &str) -> Vec<usize> {
        let globs: Vec<Glob> = globs.iter().copied().map(Glob::new).collect();
        let set = GlobSet::new(globs.iter().zip(0..));
        let mut found: Vec<usize> = set.matches(name).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn every_glob_is_found_however_it_begins() {
        let globs = [
            "Win - *",
            "*BitLocker",
            "*Bit*",
            "W?n*",
            "*",
            "?",
            "",
            "win - *",
            "Win - BitLocker",
            "**",
            "*BitLocker*BitLocker*",
            "[W]*",
            "Win - \\*",
        ];
        assert_eq!(matches(&globs, "Win - BitLocker"), [0, 1, 2, 3, 4, 8, 9]);
        assert_eq!(matches(&globs, ""), [4, 6, 9]);
        assert_eq!(matches(&globs, "x"), [4, 5, 9]);
        assert_eq!(matches(&globs, "BitLockerBitLocker"), [1, 2, 4, 9, 10]);
        assert_eq!(matches(&globs, "[W]in"), [4, 9, 11]);
        assert_eq!(matches(&globs, "Win - \\x"), [0, 3, 4, 9, 12]);
        assert_eq!(matches(&[], "x"), [0; 0]);
    }

    proptest::proptest! {
        #[test]
        fn it_is_as_trying_each_the_slow_way(
            globs in proptest::collection::vec("[aбA\\\\*? ]{0,6}", 0..12),
            name in "[aбA\\\\ ]{0,8}",
        ) {
            let globs: Vec<&str> = globs.iter().map(String::as_str).collect();
            let expected: Vec<usize> =
                (0..globs.len()).filter(|index| fits(globs[*index], &name)).collect();
            proptest::prop_assert_eq!(matches(&globs, &name), expected);
        }
    }
}
