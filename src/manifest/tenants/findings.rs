//! What is wrong for each tenant, said once: without a name where it is wrong for all of them.

use std::collections::HashMap;

use super::declared::Declared;
use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::diagnostics::Diagnostics;

/// How many tenants are named at most.
const MOST_NAMED: usize = 3;

/// What makes two diagnostics of different tenants one.
type Key = (Option<Place>, Severity, &'static str, String);

/// The diagnostics of all tenants.
pub(super) struct Findings<'d> {
    declared: &'d Declared,
    by_key: HashMap<Key, usize>,
    found: Vec<(Diagnostic, Vec<usize>)>,
}

impl<'d> Findings<'d> {
    pub(super) fn new(declared: &'d Declared) -> Self {
        Self {
            declared,
            by_key: HashMap::new(),
            found: Vec::new(),
        }
    }

    /// Adds what is wrong for the tenant with this number.
    pub(super) fn add(&mut self, number: usize, diagnostics: Vec<Diagnostic>) {
        for diagnostic in diagnostics {
            let key = (
                diagnostic.place,
                diagnostic.severity,
                diagnostic.code,
                diagnostic.message.clone(),
            );
            let index = *self.by_key.entry(key).or_insert_with(|| {
                self.found.push((diagnostic, Vec::new()));
                self.found.len() - 1
            });
            self.found[index].1.push(number);
        }
    }

    /// Hands all of it on.
    pub(super) fn report(self, diagnostics: &mut Diagnostics) {
        let all = self.declared.tenants.len();
        for (mut diagnostic, numbers) in self.found {
            if numbers.len() < all {
                let names = numbers
                    .iter()
                    .map(|number| self.declared.tenants[*number].tenant.name.as_str());
                diagnostic.message = format!("{}, {}", diagnostic.message, in_tenants(names));
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// Says in which tenants something is so.
fn in_tenants<'n>(names: impl ExactSizeIterator<Item = &'n str>) -> String {
    let count = names.len();
    let mut named: Vec<String> = names
        .take(MOST_NAMED)
        .map(|name| format!("`{name}`"))
        .collect();
    if count > MOST_NAMED {
        named.push(format!("{} more", count - MOST_NAMED));
    }
    match named.as_slice() {
        [only] => format!("in the tenant {only}"),
        [first @ .., last] => format!("in the tenants {} and {last}", first.join(", ")),
        [] => String::new(),
    }
}
