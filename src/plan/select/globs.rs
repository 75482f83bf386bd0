//! Many globs over many names.
//!
//! Trying each glob on each name multiplies. Instead each glob gives one of its literal pieces,
//! the one that the fewest other globs have; one pass over a name finds the pieces in it, and only
//! the globs of those are tried. Pieces can be short, and in every name; so a glob is not tried
//! either where the name lacks some of its letters.

use std::collections::HashMap;

use aho_corasick::AhoCorasick;

use crate::manifest::Glob;

/// Globs, each with what it stands for.
pub(super) struct Globs<'m, T> {
    globs: Vec<(&'m Glob, T)>,
    pieces: Pieces,
}

/// A glob by its index, and the letters that it needs.
type Needing = (usize, Letters);

/// The letters of a text and how often it has each, as a set of bits. A text that lacks a bit of
/// another does not hold all of its letters; one that has them all may still.
#[derive(Clone, Copy)]
struct Letters(u128);

impl Letters {
    fn of(text: impl Iterator<Item = u8>) -> Self {
        let mut counts = [0_u8; 128];
        let mut bits = 0;
        for byte in text {
            let place = usize::from(byte) % counts.len();
            // Prime steps spread the first `a`, the second `a` and so on over the bits.
            let bit = (place * 31 + usize::from(counts[place]) * 53) % counts.len();
            bits |= 1 << bit;
            counts[place] = counts[place].saturating_add(1);
        }
        Self(bits)
    }

    fn are_in(self, name: Self) -> bool {
        self.0 & !name.0 == 0
    }
}

/// The pieces that names are searched for.
struct Pieces {
    /// None where there are too many, or none: then every glob is tried.
    search: Option<AhoCorasick>,
    /// The globs of each piece.
    globs: Vec<Vec<Needing>>,
    /// The globs without a piece, which any name may fit.
    anywhere: Vec<Needing>,
}

/// What is kept from one name to the next, so that it need not be made anew.
#[derive(Default)]
pub(super) struct Scratch {
    pieces: Vec<usize>,
    found: Vec<usize>,
}

impl<'m, T: Copy> Globs<'m, T> {
    pub(super) fn new(globs: Vec<(&'m Glob, T)>) -> Self {
        let mut owners: HashMap<&str, usize> = HashMap::new();
        for (glob, _) in &globs {
            for piece in pieces(glob) {
                *owners.entry(piece).or_default() += 1;
            }
        }
        let mut by_piece: HashMap<&str, Vec<Needing>> = HashMap::new();
        let mut anywhere = Vec::new();
        for (index, (glob, _)) in globs.iter().enumerate() {
            let needing = (index, Letters::of(pieces(glob).flat_map(str::bytes)));
            let rarest = pieces(glob).min_by_key(|piece| (owners[piece], usize::MAX - piece.len()));
            match rarest {
                Some(piece) => by_piece.entry(piece).or_default().push(needing),
                None => anywhere.push(needing),
            }
        }
        let (texts, mut of_pieces): (Vec<&str>, Vec<Vec<Needing>>) = by_piece.into_iter().unzip();
        let search = AhoCorasick::new(&texts).ok();
        if search.is_none() {
            anywhere.extend(of_pieces.drain(..).flatten());
        }
        Self {
            pieces: Pieces {
                search,
                globs: of_pieces,
                anywhere,
            },
            globs,
        }
    }

    /// Tells what the globs stand for that a name fits, in the order of the globs.
    pub(super) fn each_match(&self, name: &str, scratch: &mut Scratch, mut told: impl FnMut(T)) {
        let Pieces {
            search,
            globs,
            anywhere,
        } = &self.pieces;
        let Scratch { pieces, found } = scratch;
        pieces.clear();
        if let Some(search) = search {
            let hits = search.find_overlapping_iter(name);
            pieces.extend(hits.map(|hit| hit.pattern().as_usize()));
        }
        pieces.sort_unstable();
        pieces.dedup();
        let letters = Letters::of(name.bytes());
        found.clear();
        for globs in pieces.iter().map(|piece| &globs[*piece]).chain([anywhere]) {
            let fit = globs.iter().filter(|(_, needed)| needed.are_in(letters));
            found.extend(fit.map(|(index, _)| *index));
        }
        // Each glob has one piece, so it is there once.
        found.sort_unstable();
        for index in found {
            let (glob, what) = &self.globs[*index];
            if glob.matches(name) {
                told(*what);
            }
        }
    }
}

fn pieces(glob: &Glob) -> impl Iterator<Item = &str> {
    let pieces = glob.as_str().split(['*', '?']);
    pieces.filter(|piece| !piece.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(globs: &[&str], name: &str) -> Vec<usize> {
        let globs: Vec<Glob> = globs.iter().copied().map(Glob::new).collect();
        let globs = Globs::new(globs.iter().zip(0..).collect());
        let mut found = Vec::new();
        globs.each_match(name, &mut Scratch::default(), |index| found.push(index));
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
        ];
        assert_eq!(matches(&globs, "Win - BitLocker"), [0, 1, 2, 3, 4, 8, 9]);
        assert_eq!(matches(&globs, ""), [4, 6, 9]);
        assert_eq!(matches(&globs, "x"), [4, 5, 9]);
        assert_eq!(matches(&globs, "BitLockerBitLocker"), [1, 2, 4, 9, 10]);
        assert_eq!(matches(&[], "x"), [0; 0]);
    }

    proptest::proptest! {
        #[test]
        fn it_is_as_trying_each(
            globs in proptest::collection::vec("[aбA*? ]{0,6}", 0..12),
            names in proptest::collection::vec("[aбA ]{0,8}", 0..12),
        ) {
            let globs: Vec<Glob> = globs.into_iter().map(Glob::new).collect();
            let all = Globs::new(globs.iter().zip(0..).collect());
            let mut scratch = Scratch::default();
            for name in names {
                let mut found: Vec<usize> = Vec::new();
                all.each_match(&name, &mut scratch, |index| found.push(index));
                let expected: Vec<usize> =
                    (0..globs.len()).filter(|index| globs[*index].matches(&name)).collect();
                proptest::prop_assert_eq!(found, expected, "{}", name);
            }
        }
    }
}
