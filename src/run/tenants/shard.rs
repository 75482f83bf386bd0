//! A part of the tenants, for a machine of its own.

use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use crate::manifest::Tenant;
use crate::plan::saved::ShardRecord;

/// The most parts that there may be.
const MOST: usize = 10_000;

/// Which part of the tenants is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// The number of the part, from 1.
    pub index: usize,
    /// How many parts there are.
    pub of: usize,
}

impl Shard {
    /// Reads `2/5`. `job/5` takes the number from `index`, which begins with 0.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the text.
    pub fn parse(text: &str, index: Option<&str>) -> Result<Self, String> {
        let form = "write the number of the part and how many there are, as in `2/5`";
        let (number, of) = text.split_once('/').ok_or(form)?;
        let of: usize = of.parse().map_err(|_| form)?;
        let index = match number {
            "job" => {
                let index = index.ok_or("`job` needs the variable JOB_COMPLETION_INDEX")?;
                let index: usize = index.parse().map_err(|_| form)?;
                index.saturating_add(1)
            }
            number => number.parse().map_err(|_| form)?,
        };
        if of > MOST {
            return Err(format!("there may be {MOST} parts at most"));
        }
        let found = Self::known(ShardRecord { index, of });
        found.ok_or_else(|| format!("part {index} of {of} does not exist; the first is 1"))
    }

    /// Takes what a file says; `None` if that part cannot exist.
    #[must_use]
    pub fn known(record: ShardRecord) -> Option<Self> {
        let ShardRecord { index, of } = record;
        let exists = of <= MOST && (1..=of).contains(&index);
        exists.then_some(Self { index, of })
    }

    /// Returns what files say of it.
    #[must_use]
    pub fn record(self) -> ShardRecord {
        let Self { index, of } = self;
        ShardRecord { index, of }
    }

    /// Returns those that are missing beside some.
    #[must_use]
    pub fn missing(some: &BTreeSet<Self>) -> Vec<usize> {
        let of = some.iter().map(|shard| shard.of).max().unwrap_or_default();
        let is_there = |index: &usize| some.iter().any(|shard| shard.index == *index);
        (1..=of).filter(|index| !is_there(index)).collect()
    }

    /// Takes the tenants of the part, in their order. The parts are as large as each other, but for one tenant.
    /// A tenant stays in its part where it can when others come or go: it goes to the part that it weighs most
    /// in (rendezvous hashing), unless that is full.
    #[must_use]
    pub fn take(self, tenants: Vec<Tenant>) -> Vec<Tenant> {
        let names: Vec<&str> = tenants.iter().map(|tenant| tenant.name.as_str()).collect();
        let parts = parts(&names, self.of);
        let all = tenants.into_iter().zip(parts);
        all.filter(|(_, part)| part + 1 == self.index)
            .map(|(tenant, _)| tenant)
            .collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.index, self.of)
    }
}

/// Returns the part of each name, from 0.
fn parts(names: &[&str], of: usize) -> Vec<usize> {
    let (least, mut larger) = (names.len() / of, names.len() % of);
    let mut sizes = vec![0; of];
    let mut order: Vec<usize> = (0..names.len()).collect();
    // Names are placed in hash order, not alphabetically.
    order.sort_by_key(|number| (weight(names[*number], 0), names[*number]));
    let mut parts = vec![0; names.len()];
    for number in order {
        let has_room = |part: &usize| sizes[*part] < least + usize::from(larger > 0);
        let open = (0..of).filter(has_room);
        let best = open.max_by_key(|part| (weight(names[number], part + 1), Reverse(*part)));
        let part = best.unwrap_or_default();
        sizes[part] += 1;
        larger -= usize::from(sizes[part] > least);
        parts[number] = part;
    }
    parts
}

fn weight(name: &str, part: usize) -> u64 {
    let hashed = digest(&SHA256, format!("{part}/{name}").as_bytes());
    let mut first = [0; 8];
    for (to, from) in first.iter_mut().zip(hashed.as_ref()) {
        *to = *from;
    }
    u64::from_be_bytes(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(number: usize) -> Vec<String> {
        (0..number)
            .map(|number| format!("tenant-{number}"))
            .collect()
    }

    fn of(names: &[String], shards: usize) -> Vec<usize> {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        parts(&names, shards)
    }

    #[test]
    fn parts_are_as_large_as_each_other() {
        for (number, shards) in [(0, 3), (1, 3), (2, 3), (3, 3), (10, 4), (300, 7), (7, 300)] {
            let parts = of(&names(number), shards);
            let sizes: Vec<usize> = (0..shards)
                .map(|shard| parts.iter().filter(|part| **part == shard).count())
                .collect();
            let (least, most) = (sizes.iter().min(), sizes.iter().max());
            assert!(
                most.zip(least)
                    .is_some_and(|(most, least)| most - least <= 1)
            );
            assert_eq!(sizes.iter().sum::<usize>(), number);
        }
    }

    #[test]
    fn a_tenant_more_moves_few_others() {
        let mut some = names(300);
        let before = of(&some, 8);
        some.push("another".to_owned());
        let after = of(&some, 8);
        let moved = before
            .iter()
            .zip(&after)
            .filter(|(one, other)| one != other);
        assert!(moved.count() < 40);
        // The order in which they are named does not count.
        some.reverse();
        let reversed: Vec<usize> = of(&some, 8).into_iter().rev().collect();
        assert_eq!(reversed, after);
    }

    #[test]
    fn shards_are_read() {
        let shard = |text: &str, index| Shard::parse(text, index).ok();
        let two = Some(Shard { index: 2, of: 5 });
        assert_eq!(shard("2/5", None), two);
        assert_eq!(shard("job/5", Some("1")), two);
        for (text, index) in [
            ("0/5", None),
            ("6/5", None),
            ("1/0", None),
            ("1", None),
            ("/2", None),
            ("-1/2", None),
            ("job/5", None),
            ("job/5", Some("5")),
            ("job/5", Some("x")),
        ] {
            assert_eq!(shard(text, index), None, "{text}");
        }
    }
}
