//! Reading the parts of a mapping: known keys, text, lists and words.

use super::Placed;
use super::diagnostics::Diagnostics;
use super::yaml::tree::{Item, Node, Pair, Value};
use crate::diagnostic::{Diagnostic, Place};
use crate::text::{all_of, one_of, quoted, quoted_briefly};

/// The known keys of a mapping, with what an unknown key was probably meant to be.
pub(super) struct Fields<'n> {
    pairs: Vec<&'n Pair>,
    meant: Vec<&'static str>,
    unknown: bool,
}

impl<'n> Fields<'n> {
    /// Reads a mapping with some keys. Unknown keys are reported; anything but a mapping too, and gives nothing.
    pub(super) fn read(
        node: &'n Node,
        what: &str,
        keys: &[&'static str],
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        Self::read_offering(node, what, (keys, keys), diagnostics)
    }

    /// Does the same, and offers only those of the keys that are of use there; the others have errors of their own.
    pub(super) fn read_offering(
        node: &'n Node,
        what: &str,
        (keys, offered): (&[&'static str], &[&'static str]),
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        let Value::Mapping(pairs) = &node.value else {
            let message = format!("{what} must be a mapping, not {}", node.describe());
            let error = Diagnostic::error("wrong-type", node.place, message)
                .hint(format!("its keys are {}", all_of(offered)));
            refuse(node, error, diagnostics);
            return None;
        };
        let mut fields = Self {
            pairs: Vec::with_capacity(pairs.len()),
            meant: Vec::new(),
            unknown: false,
        };
        for pair in pairs {
            if keys.contains(&&*pair.key) {
                fields.pairs.push(pair);
                continue;
            }
            fields.unknown = true;
            let near = diagnostics.suggest(&pair.key, offered.iter().copied());
            let meant = near.and_then(|near| offered.iter().find(|key| **key == near));
            fields.meant.extend(meant);
            diagnostics.push_error(|| {
                let error = Diagnostic::error(
                    "unknown-key",
                    pair.place,
                    format!("unknown key {} in {what}", quoted(&pair.key)),
                );
                error.hint(match (meant, misplaced(&pair.key)) {
                    (Some(meant), _) => format!("did you mean `{meant}`?"),
                    (None, Some(hint)) => hint.to_owned(),
                    (None, None) => format!("use {}", one_of(offered)),
                })
            });
        }
        Some(fields)
    }

    /// Returns a key with its value.
    pub(super) fn get(&self, key: &str) -> Option<&'n Pair> {
        self.pairs.iter().copied().find(|pair| &*pair.key == key)
    }

    /// Returns those of the keys that are there, in the order of the mapping.
    pub(super) fn among(&self, keys: &[&str]) -> Vec<&'n Pair> {
        let wanted = |pair: &&&Pair| keys.contains(&&*pair.key);
        self.pairs.iter().filter(wanted).copied().collect()
    }

    /// Does the same, and reports more than one.
    pub(super) fn one_among(
        &self,
        keys: &[&str],
        (code, message): (&'static str, &str),
        hint: &str,
        diagnostics: &mut Diagnostics,
    ) -> Vec<&'n Pair> {
        let present = self.among(keys);
        if let [first, second, others @ ..] = present.as_slice() {
            let error =
                Diagnostic::error(code, second.place, message).also(first.place, "the first");
            let others = others.iter().map(|pair| pair.place);
            let error = others.fold(error, |error, place| error.also(place, "another"));
            diagnostics.push(error.hint(hint));
        }
        present
    }

    /// Whether an unknown key was probably meant to be one of these: then nothing is missing.
    pub(super) fn meant(&self, keys: &[&str]) -> bool {
        self.meant.iter().any(|key| keys.contains(key))
    }

    /// Whether a key was unknown.
    pub(super) fn has_unknown(&self) -> bool {
        self.unknown
    }
}

/// Says where a key that other tools have belongs here.
fn misplaced(key: &str) -> Option<&'static str> {
    match key {
        "exclusionGroup" | "excludeGroup" | "excludedGroup" => {
            Some("list the group as `- group:` below `exclude`")
        }
        "allLicensedUsers" => Some("did you mean `allUsers`?"),
        "assignments" => Some("list the targets below `include` and `exclude`"),
        "displayName" => Some("did you mean `name`?"),
        "remove" | "removed" | "delete" | "unassign" => {
            Some("list the target below `absent`, in an entry with `mode: additive`")
        }
        _ => None,
    }
}

/// Reads text: any scalar as it is spelled, but neither nothing nor blanks alone.
pub(super) fn text(
    item: &Item,
    key: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Placed<String>> {
    let node = &item.node;
    let Some(text) = node.text() else {
        refuse(node, wrong_type(node, key, "text"), diagnostics);
        return None;
    };
    if text.trim().is_empty() {
        let message = format!("`{key}` must not be empty");
        diagnostics.push(Diagnostic::error("empty-value", node.place, message));
        return None;
    }
    Some(Placed {
        value: text.to_owned(),
        place: item.place(),
    })
}

/// Reads a list.
pub(super) fn list<'n>(pair: &'n Pair, diagnostics: &mut Diagnostics) -> Option<&'n [Item]> {
    let node = &pair.value.node;
    let hint = match &node.value {
        Value::List(items) => return Some(items),
        _ if node.is_null() && &*pair.key == "policies" => {
            "list the entries below it, each starting with `- `".to_owned()
        }
        _ if node.is_null() => format!("write `{}: []` for none", pair.key),
        Value::Scalar { text, plain } => {
            let text = quoted_briefly(text);
            let text = text.trim_matches('`');
            let quote = if *plain { "" } else { "\"" };
            format!("write `{}: [{quote}{text}{quote}]`", pair.key)
        }
        Value::Mapping(_) | Value::Broken => "start each of its parts with `- `".to_owned(),
    };
    refuse(
        node,
        wrong_type(node, &pair.key, "a list").hint(hint),
        diagnostics,
    );
    None
}

/// Reads one of a few words.
pub(super) fn word<T: Clone>(
    pair: &Pair,
    code: &'static str,
    words: &[(&'static str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    word_in(&pair.value, &pair.key, code, words, diagnostics)
}

/// Reads one of a few words that need not be the value of a key.
pub(super) fn word_in<T: Clone>(
    item: &Item,
    key: &str,
    code: &'static str,
    words: &[(&'static str, T)],
    diagnostics: &mut Diagnostics,
) -> Option<T> {
    let text = text(item, key, diagnostics)?;
    if let Some((_, value)) = words.iter().find(|(word, _)| *word == text.value) {
        return Some(value.clone());
    }
    let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let near = diagnostics.did_you_mean(&text.value, names.iter().copied());
    let message = format!("unknown {key} {}", quoted(&text.value));
    diagnostics.push(
        Diagnostic::error(code, item.node.place, message)
            .hint(near.unwrap_or_else(|| format!("use {}", one_of(&names)))),
    );
    None
}

/// Adds an error about a value, unless the value was reported when it was read.
pub(super) fn refuse(node: &Node, error: Diagnostic, diagnostics: &mut Diagnostics) {
    match node.value {
        Value::Broken => diagnostics.miss(),
        _ => diagnostics.push(error),
    }
}

/// Makes the error for a value of the wrong type.
pub(super) fn wrong_type(node: &Node, key: &str, wanted: &str) -> Diagnostic {
    let message = format!("`{key}` must be {wanted}, not {}", node.describe());
    Diagnostic::error("wrong-type", node.place, message)
}

/// Makes the error for a setting that does not take a value.
pub(super) fn wrong_setting(node: &Node, key: &str, wanted: &str) -> Diagnostic {
    Diagnostic {
        code: "wrong-setting",
        ..wrong_type(node, key, wanted)
    }
}

/// Returns the alias through which a part was reached, the outermost first.
pub(super) fn via(outer: Option<Place>, pair: Option<&Pair>, item: &Item) -> Option<Place> {
    outer.or(pair.and_then(|pair| pair.via)).or(item.alias)
}
