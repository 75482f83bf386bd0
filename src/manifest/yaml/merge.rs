//! Keys that are there twice, and merge keys (`<<`).

use std::collections::HashMap;
use std::rc::Rc;

use super::super::diagnostics::Diagnostics;
use super::tree::{Item, Pair, Value};
use crate::diagnostic::{Diagnostic, Place};
use crate::text::quoted;

/// Drops keys that are there twice and carries merge keys out: what is written wins, then
/// what is merged first.
pub(in crate::manifest) fn unite(
    mut pairs: Vec<Pair>,
    merged: Vec<Item>,
    diagnostics: &mut Diagnostics,
) -> Vec<Pair> {
    let mut first: HashMap<Rc<str>, Place> = HashMap::with_capacity(pairs.len());
    pairs.retain(|pair| match first.get(&pair.key) {
        None => {
            first.insert(Rc::clone(&pair.key), pair.place);
            true
        }
        Some(place) => {
            diagnostics.push(
                Diagnostic::error(
                    "duplicate-key",
                    pair.place,
                    format!("the key {} is defined twice", quoted(&pair.key)),
                )
                .also(*place, "first here"),
            );
            false
        }
    });
    for item in merged {
        let alias = item.alias;
        match &item.node.value {
            Value::List(items) => {
                for part in items {
                    merge(
                        part,
                        alias.or(part.alias),
                        &mut first,
                        &mut pairs,
                        diagnostics,
                    );
                }
            }
            _ => merge(&item, alias, &mut first, &mut pairs, diagnostics),
        }
    }
    pairs
}

fn merge(
    item: &Item,
    alias: Option<Place>,
    first: &mut HashMap<Rc<str>, Place>,
    pairs: &mut Vec<Pair>,
    diagnostics: &mut Diagnostics,
) {
    match &item.node.value {
        Value::Mapping(others) => {
            for other in others {
                if first.insert(Rc::clone(&other.key), other.place).is_none() {
                    pairs.push(Pair {
                        via: alias.or(other.via),
                        ..other.clone()
                    });
                }
            }
        }
        Value::Broken => {}
        Value::Scalar { .. } | Value::List(_) => diagnostics.push(
            Diagnostic::error(
                "wrong-type",
                item.place(),
                format!("`<<` takes a mapping, not {}", item.node.describe()),
            )
            .hint("write `<<: *anchor` or `<<: [*one, *other]`"),
        ),
    }
}
