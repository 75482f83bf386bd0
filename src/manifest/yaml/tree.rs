//! The tree of a YAML document, in which every key and value knows its place.
//!
//! Serde stops at the first fault of a document, and the contract wants all of them; hence this
//! tree, which `build` makes and `read` walks by hand. Scalars keep their spelling: what `no` or
//! `1.10` means is for the reader of the key to say. Anchored values are shared, never copied.

use std::rc::Rc;

use crate::diagnostic::Place;
use crate::text::quoted_briefly;

/// A document of a file.
#[derive(Debug)]
pub(in crate::manifest) struct Document {
    /// Where it starts: its `---`, or its first character.
    pub(in crate::manifest) place: Place,
    /// What it holds.
    pub(in crate::manifest) root: Item,
}

/// A value and the way it came to be where it is.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Item {
    /// The value.
    pub(in crate::manifest) node: Rc<Node>,
    /// The alias that stands for it here, if it was not written here.
    pub(in crate::manifest) alias: Option<Place>,
}

/// A value.
#[derive(Debug)]
pub(in crate::manifest) struct Node {
    /// Where it was written; of a mapping the first key.
    pub(in crate::manifest) place: Place,
    /// What it is.
    pub(in crate::manifest) value: Value,
    /// How many nodes it is with its aliases written out.
    pub(in crate::manifest) weight: u64,
    /// How deep it is with its aliases written out.
    pub(in crate::manifest) height: usize,
}

/// What a value is.
#[derive(Debug)]
pub(in crate::manifest) enum Value {
    /// Text, as it was spelled.
    Scalar {
        /// The text, after quotes and escapes.
        text: String,
        /// Whether it was written without quotes, so that it may be more than text.
        plain: bool,
    },
    /// A list.
    List(Vec<Item>),
    /// A mapping, its merge keys (`<<`) carried out and its keys unique.
    Mapping(Vec<Pair>),
    /// Something that was reported and needs no second error.
    Broken,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(in crate::manifest) struct Pair {
    /// The key.
    pub(in crate::manifest) key: Rc<str>,
    /// Where the key was written.
    pub(in crate::manifest) place: Place,
    /// Its value.
    pub(in crate::manifest) value: Item,
    /// The alias through which a merge key brought it here, if one did.
    pub(in crate::manifest) via: Option<Place>,
}

impl Item {
    /// Returns where it is written, or the alias that stands for it.
    pub(in crate::manifest) fn place(&self) -> Place {
        self.alias.unwrap_or(self.node.place)
    }
}

impl Node {
    /// Returns text, as it was spelled, if it is not nothing.
    pub(in crate::manifest) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// Whether nothing is there: no text at all, `~` or `null`.
    pub(in crate::manifest) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Says what it is, to follow "not" or "found".
    pub(in crate::manifest) fn describe(&self) -> String {
        match &self.value {
            _ if self.is_null() => "nothing".to_owned(),
            Value::Scalar { text, plain: true } => quoted_briefly(text),
            Value::Scalar { text, plain: false } => format!("the text {}", quoted_briefly(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Mapping(_) => "a mapping".to_owned(),
            Value::Broken => "something unreadable".to_owned(),
        }
    }

    /// Makes a value that was reported.
    pub(in crate::manifest) fn broken(place: Place) -> Rc<Self> {
        Rc::new(Self {
            place,
            value: Value::Broken,
            weight: 1,
            height: 0,
        })
    }
}
