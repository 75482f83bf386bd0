//! Which names two globs share, again as globs.

use std::collections::{BTreeSet, HashMap};

/// How many globs may come out, and how many pairs of rests are looked at, before it is too much.
const MOST_GLOBS: usize = 32;
const MOST_PAIRS: usize = 100_000;

/// The globs would be too many to be of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

/// Returns globs that together match what both match, and nothing else; none if no name matches both.
pub(super) fn intersection(one: &str, other: &str) -> Result<Vec<String>, TooMany> {
    if is_within(one, other) {
        return Ok(vec![one.to_owned()]);
    }
    if is_within(other, one) {
        return Ok(vec![other.to_owned()]);
    }
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let prefix = literal_prefix(&one, &other);
    let mut pairs = Pairs {
        one: &one[prefix..],
        other: &other[prefix..],
        known: HashMap::new(),
    };
    let rests = pairs.shared(0, 0)?;
    let prefix: String = one[..prefix].iter().collect();
    // One glob may say all that another says.
    let mut kept: Vec<String> = Vec::new();
    for rest in rests {
        let glob = format!("{prefix}{rest}");
        if kept.iter().any(|known| is_within(&glob, known)) {
            continue;
        }
        kept.retain(|known| !is_within(known, &glob));
        kept.push(glob);
    }
    Ok(kept)
}

/// Whether all that the first glob matches is matched by the second. `false` may also mean that it is
/// not known.
pub(super) fn is_within(inner: &str, outer: &str) -> bool {
    let inner: Vec<char> = inner.chars().collect();
    let outer: Vec<char> = outer.chars().collect();
    // The inner glob is read as a name in which `*` and `?` are letters that only `*`, and `?` for
    // the latter, can stand for.
    let mut reached = vec![false; outer.len() + 1];
    reached[0] = true;
    let pass_stars = |reached: &mut Vec<bool>| {
        for at in 0..outer.len() {
            if reached[at] && outer[at] == '*' {
                reached[at + 1] = true;
            }
        }
    };
    pass_stars(&mut reached);
    for letter in inner {
        let mut next = vec![false; outer.len() + 1];
        for at in 0..outer.len() {
            if !reached[at] {
                continue;
            }
            match outer[at] {
                '*' => next[at] = true,
                '?' if letter != '*' => next[at + 1] = true,
                own if own == letter && own != '?' => next[at + 1] = true,
                _ => {}
            }
        }
        pass_stars(&mut next);
        reached = next;
    }
    reached[outer.len()]
}

/// Returns how many characters both begin with that stand for themselves.
fn literal_prefix(one: &[char], other: &[char]) -> usize {
    one.iter()
        .zip(other)
        .take_while(|(one, other)| one == other && !matches!(one, '*' | '?'))
        .count()
}

/// The rests of two globs, by where they begin.
struct Pairs<'g> {
    one: &'g [char],
    other: &'g [char],
    known: HashMap<(usize, usize), BTreeSet<String>>,
}

impl Pairs<'_> {
    fn shared(&mut self, one: usize, other: usize) -> Result<BTreeSet<String>, TooMany> {
        if let Some(known) = self.known.get(&(one, other)) {
            return Ok(known.clone());
        }
        if self.known.len() >= MOST_PAIRS {
            return Err(TooMany);
        }
        let shared = self.find(one, other)?;
        if shared.len() > MOST_GLOBS {
            return Err(TooMany);
        }
        self.known.insert((one, other), shared.clone());
        Ok(shared)
    }

    fn find(&mut self, one: usize, other: usize) -> Result<BTreeSet<String>, TooMany> {
        let all_stars = |rest: &[char]| rest.iter().all(|letter| *letter == '*');
        match (self.one.get(one).copied(), self.other.get(other).copied()) {
            (None, _) | (_, None) => {
                let ends = all_stars(&self.one[one..]) && all_stars(&self.other[other..]);
                Ok(ends.then(String::new).into_iter().collect())
            }
            (Some('*'), Some('*')) => {
                let mut rests = self.shared(one + 1, other)?;
                rests.extend(self.shared(one, other + 1)?);
                Ok(rests.iter().map(|rest| before('*', rest)).collect())
            }
            (Some('*'), Some(letter)) => {
                let mut all = self.shared(one + 1, other)?;
                let rests = self.shared(one, other + 1)?;
                all.extend(rests.iter().map(|rest| before(letter, rest)));
                Ok(all)
            }
            (Some(letter), Some('*')) => {
                let mut all = self.shared(one, other + 1)?;
                let rests = self.shared(one + 1, other)?;
                all.extend(rests.iter().map(|rest| before(letter, rest)));
                Ok(all)
            }
            (Some(first), Some(second)) => {
                let letter = match (first, second) {
                    ('?', letter) | (letter, '?') => letter,
                    (first, second) if first == second => first,
                    _ => return Ok(BTreeSet::new()),
                };
                let rests = self.shared(one + 1, other + 1)?;
                Ok(rests.iter().map(|rest| before(letter, rest)).collect())
            }
        }
    }
}

/// Puts a letter before a glob; a star before a star says no more than one.
fn before(letter: char, rest: &str) -> String {
    match letter == '*' && rest.starts_with('*') {
        true => rest.to_owned(),
        false => format!("{letter}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::Glob;

    #[test]
    fn ordinary_globs_have_ordinary_intersections() {
        for (one, other, shared) in [
            ("Win - *", "Win - Security - *", &["Win - Security - *"][..]),
            ("Win - *", "macOS - *", &[]),
            ("Win - *", "Win - *", &["Win - *"]),
            ("Win - *", "* Kiosk", &["Win - * Kiosk", "Win - Kiosk"]),
            ("*", "a?c", &["a?c"]),
            ("a?c", "?b*", &["abc"]),
            ("a*", "b", &[]),
            ("", "*", &[""]),
        ] {
            let found = intersection(one, other).expect("few");
            assert_eq!(found, shared, "{one} and {other}");
        }
    }

    #[test]
    fn too_many_are_said_to_be() {
        let one = "*a?b".repeat(12);
        let other = "?*ab".repeat(12);
        assert_eq!(intersection(&one, &other), Err(TooMany));
    }

    proptest::proptest! {
        #[test]
        fn a_name_fits_the_intersection_if_it_fits_both(
            one in "[ab*?]{0,6}",
            other in "[ab*?]{0,6}",
            names in proptest::collection::vec("[ab]{0,7}", 20),
        ) {
            let fits = |glob: &str, name: &str| Glob::new(glob).matches(name);
            if let Ok(shared) = intersection(&one, &other) {
                for name in &names {
                    let both = fits(&one, name) && fits(&other, name);
                    let any = shared.iter().any(|glob| fits(glob, name));
                    proptest::prop_assert_eq!(both, any, "{} of {:?}", name, shared);
                }
            }
            if is_within(&one, &other) {
                for name in &names {
                    proptest::prop_assert!(!fits(&one, name) || fits(&other, name), "{}", name);
                }
            }
        }
    }
}
