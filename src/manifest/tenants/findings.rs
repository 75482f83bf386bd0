//! What is wrong for each tenant, said once: without a name where it is wrong for all of them.

use std::collections::HashMap;

use crate::diagnostic::{Diagnostic, Place, Severity};
use crate::manifest::diagnostics::Diagnostics;

/// How many tenants are named at most.
const MOST_NAMED: usize = 3;

/// What makes two diagnostics of different tenants one.
type Key = (Option<Place>, Severity, &'static str, String);

/// The diagnostics of all tenants, each with the names of the tenants.
#[derive(Default)]
pub(super) struct Findings<'d> {
    by_key: HashMap<Key, usize>,
    found: Vec<(Diagnostic, Vec<&'d str>)>,
}

impl<'d> Findings<'d> {
    /// Adds what is wrong for a tenant.
    pub(super) fn add(&mut self, tenant: &'d str, diagnostics: Vec<Diagnostic>) {
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
            self.found[index].1.push(tenant);
        }
    }

    /// Hands all of it on. `all` is how many tenants there are.
    pub(super) fn report(self, all: usize, diagnostics: &mut Diagnostics) {
        for (mut diagnostic, names) in self.found {
            if names.len() < all {
                diagnostic.message = format!("{}, {}", diagnostic.message, in_tenants(&names));
            }
            diagnostics.push(diagnostic);
        }
    }
}

/// Says in which tenants something is so.
fn in_tenants(names: &[&str]) -> String {
    let named = names.iter().take(MOST_NAMED);
    let mut named: Vec<String> = named.map(|name| format!("`{name}`")).collect();
    if names.len() > MOST_NAMED {
        named.push(format!("{} more", names.len() - MOST_NAMED));
    }
    match named.as_slice() {
        [only] => format!("in the tenant {only}"),
        [first @ .., last] => format!("in the tenants {} and {last}", first.join(", ")),
        [] => String::new(),
    }
}
