//! What answers are made of: objects as the service shows them, and pages of such objects.
//!
//! They borrow from the tenant and are written straight into the answer's text. A page of policies with
//! their assignments has thousands of texts, nearly all of them ids and names; what has nothing to
//! escape is copied as a whole, and the JSON of targets is kept.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use super::tenant::Assignment;

/// What can be written as JSON.
pub(super) trait Json {
    /// Adds the JSON to a text.
    fn write(&self, text: &mut String);
}

impl<T: Json + ?Sized> Json for &T {
    fn write(&self, text: &mut String) {
        (*self).write(text);
    }
}

impl Json for Value {
    fn write(&self, text: &mut String) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Bool(flag) => text.push_str(if *flag { "true" } else { "false" }),
            // Writing to a text cannot fail.
            Self::Number(number) => write!(text, "{number}").unwrap_or_default(),
            Self::String(value) => value.as_str().write(text),
            Self::Array(values) => write_list(values, text),
            Self::Object(object) => object.write(text),
        }
    }
}

impl Json for Map<String, Value> {
    fn write(&self, text: &mut String) {
        let mut object = Object::begin(text);
        for (key, value) in self {
            object.part(key, value);
        }
        object.end();
    }
}

impl Json for str {
    fn write(&self, text: &mut String) {
        if is_plain(self.as_bytes()) {
            text.reserve(self.len() + 2);
            text.push('"');
            text.push_str(self);
            text.push('"');
        } else {
            write!(text, "{}", Value::from(self)).unwrap_or_default();
        }
    }
}

/// Whether a text stands for itself in JSON: no quotation mark, backslash or control character.
///
/// Eight bytes are looked at in one step. A byte that is looked for may make those after it look as if
/// they were looked for too, but whether there is one at all is right.
fn is_plain(text: &[u8]) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGH: u64 = ONES << 7;
    let below = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGH;
    let has = |word: u64, byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    let odd = |word| below(word, 0x20) | has(word, b'"') | has(word, b'\\');
    let (words, rest) = text.as_chunks::<8>();
    let mut last = [b' '; 8];
    last[..rest.len()].copy_from_slice(rest);
    let mut found = odd(u64::from_ne_bytes(last));
    for word in words {
        found |= odd(u64::from_ne_bytes(*word));
    }
    found == 0
}

/// An object that is being written.
struct Object<'t> {
    text: &'t mut String,
    next: char,
}

impl<'t> Object<'t> {
    fn begin(text: &'t mut String) -> Self {
        Self { text, next: '{' }
    }

    fn key(&mut self, key: &str) -> &mut String {
        self.text.push(self.next);
        self.next = ',';
        key.write(self.text);
        self.text.push(':');
        self.text
    }

    fn part(&mut self, key: &str, value: &(impl Json + ?Sized)) {
        value.write(self.key(key));
    }

    fn end(self) {
        if self.next == '{' {
            self.text.push('{');
        }
        self.text.push('}');
    }
}

fn write_list<T: Json>(values: &[T], text: &mut String) {
    // So much that a page of policies has room; a list may also be one of large and small values.
    const MOST: usize = 256 * 1024;
    text.push('[');
    let start = text.len();
    for (index, value) in values.iter().enumerate() {
        if index == 1 {
            // They are often alike, and a text that grows is copied.
            let like_the_first = (text.len() - start + 1).saturating_mul(values.len() - 1);
            text.reserve(like_the_first.min(MOST));
        }
        if index > 0 {
            text.push(',');
        }
        value.write(text);
    }
    text.push(']');
}

/// An open object of the tenant, as the service shows it.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    /// What the service would say where the object does not.
    pub(super) defaults: &'a Map<String, Value>,
    /// Whether it is assigned, where that is asked of such an object.
    pub(super) is_assigned: Option<bool>,
    /// What the object says itself.
    pub(super) own: &'a Map<String, Value>,
    /// Id and name.
    pub(super) names: [(&'static str, &'a str); 2],
}

/// A value of an answer.
#[derive(Debug)]
pub(super) enum Part<'a> {
    Flag(bool),
    Text(&'a str),
    Own(String),
    Value(&'a Value),
    Rows(&'a [Assignment]),
}

impl Json for Part<'_> {
    fn write(&self, text: &mut String) {
        match self {
            Self::Flag(flag) => Value::Bool(*flag).write(text),
            Self::Text(value) => value.write(text),
            Self::Own(value) => value.as_str().write(text),
            Self::Value(value) => value.write(text),
            Self::Rows(rows) => write_list(rows, text),
        }
    }
}

/// The same as in a state file, on one line.
impl Json for Assignment {
    fn write(&self, text: &mut String) {
        text.push_str("{\"id\":");
        self.id.as_str().write(text);
        text.push_str(",\"source\":");
        self.source.as_ref().write(text);
        text.push_str(",\"sourceId\":");
        match &self.source_id {
            Some(id) => id.as_ref().write(text),
            None => Value::Null.write(text),
        }
        text.push_str(",\"target\":");
        text.push_str(self.target.json());
        let mut more = Object { text, next: ',' };
        for (key, value) in &self.properties {
            more.part(key, value);
        }
        more.end();
    }
}

impl<'a> Shown<'a> {
    /// Returns a property, for a filter to look at.
    pub(super) fn property(&self, name: &str) -> Option<Value> {
        let known = self.names.iter().find(|(known, _)| *known == name);
        match known {
            Some((_, text)) => Some(Value::from(*text)),
            None => self.own.get(name).cloned().or_else(|| match name {
                "isAssigned" => self.is_assigned.map(Value::Bool),
                _ => self.defaults.get(name).cloned(),
            }),
        }
    }

    /// Returns what the object says. Annotations, which come with objects that were copied from the
    /// service's answers, are the answer's to make.
    fn parts(&self) -> impl Iterator<Item = (&'a str, Part<'a>)> {
        let (own, names) = (self.own, self.names);
        let named = move |key: &str| names.iter().any(|(known, _)| *known == key);
        let assigned = self
            .is_assigned
            .filter(|_| !own.contains_key("isAssigned"))
            .map(|flag| ("isAssigned", Part::Flag(flag)));
        let defaults = self.defaults.iter();
        let defaults = defaults.filter(move |(key, _)| !own.contains_key(*key));
        let is_own =
            move |key: &str| !named(key) && (!key.contains("@odata.") || key == "@odata.type");
        let values = defaults.chain(own.iter().filter(move |(key, _)| is_own(key)));
        names
            .into_iter()
            .map(|(key, text)| (key, Part::Text(text)))
            .chain(assigned)
            .chain(values.map(|(key, value)| (key.as_str(), Part::Value(value))))
    }

    /// Returns the object with the selected properties only, or with all of them.
    pub(super) fn select(self, select: Option<&'a [String]>) -> Row<'a> {
        Row {
            shown: self,
            select,
            more: Vec::new(),
        }
    }
}

/// An object of an answer.
#[derive(Debug)]
pub(super) struct Row<'a> {
    shown: Shown<'a>,
    select: Option<&'a [String]>,
    more: Vec<(&'static str, Part<'a>)>,
}

impl<'a> Row<'a> {
    /// Adds what is said of the answer, or with it.
    #[must_use]
    pub(super) fn with(mut self, key: &'static str, value: Part<'a>) -> Self {
        self.more.push((key, value));
        self
    }
}

impl Json for Row<'_> {
    fn write(&self, text: &mut String) {
        let wanted = |key: &str| {
            self.select
                .is_none_or(|select| select.iter().any(|name| name == key))
        };
        let again = |key: &str| self.more.iter().any(|(known, _)| *known == key);
        let mut object = Object::begin(text);
        for (key, value) in self.shown.parts() {
            if wanted(key) && !again(key) {
                object.part(key, &value);
            }
        }
        for (key, value) in &self.more {
            object.part(key, value);
        }
        object.end();
    }
}

/// A page of a list, or a list that is whole.
#[derive(Debug)]
pub(super) struct Page<R> {
    pub(super) context: String,
    pub(super) count: Option<usize>,
    pub(super) next: Option<String>,
    pub(super) value: Vec<R>,
}

impl<R: Json> Json for Page<R> {
    fn write(&self, text: &mut String) {
        let mut object = Object::begin(text);
        object.part("@odata.context", self.context.as_str());
        if let Some(count) = self.count {
            object.part("@odata.count", &Value::from(count));
        }
        if let Some(next) = &self.next {
            object.part("@odata.nextLink", next.as_str());
        }
        write_list(&self.value, object.key("value"));
        object.end();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &impl Json) -> String {
        let mut text = String::new();
        value.write(&mut text);
        text
    }

    proptest::proptest! {
        #[test]
        fn texts_are_written_as_the_library_writes_them(text in r#"[\x00-\x22\\a-dé\x7f\u{2028}😀]{0,9}"#) {
            let value = Value::from(text);
            proptest::prop_assert_eq!(written(&value), value.to_string());
        }
    }

    #[test]
    fn a_list_takes_no_more_room_than_its_values() {
        let mut values = vec![Value::Null; 100_000];
        values[0] = Value::from("d".repeat(1_000_000));
        let list = Value::from(values);
        let mut text = String::new();
        list.write(&mut text);
        assert_eq!(text, list.to_string());
        assert!(text.capacity() < 2 * text.len(), "{}", text.capacity());
    }

    #[test]
    fn annotations_are_the_answers() {
        let own = serde_json::json!({
            "@odata.type": "#t", "@odata.context": "a", "assignments@odata.nextLink": null, "x": 1,
        });
        let own = own.as_object().expect("an object");
        let shown = Shown {
            defaults: &Map::new(),
            is_assigned: None,
            own,
            names: [("id", "1"), ("name", "P")],
        };
        let row = shown.select(None).with("@odata.context", Part::Text("b"));
        let row = row.with("x", Part::Flag(true));
        assert_eq!(
            written(&row),
            r##"{"id":"1","name":"P","@odata.type":"#t","@odata.context":"b","x":true}"##
        );
    }

    #[test]
    fn rows_and_objects_are_written_as_the_library_writes_them() {
        let object = serde_json::json!({"a\"b": [1, {}], "c": null, "d": {"e": "f\n"}});
        let Value::Object(object) = object else {
            panic!("it is one");
        };
        assert_eq!(written(&object), Value::Object(object).to_string());
        assert_eq!(written(&Map::new()), "{}");
        for row in [
            r##"{"id":"p_g","source":"direct","sourceId":"p","target":{"@odata.type":"#t","x":"\""}}"##,
            r##"{"id":"p_g","source":"policySets","sourceId":null,"target":{"@odata.type":"#t"},"more":[1]}"##,
        ] {
            let assignment: Assignment = serde_json::from_str(row).expect("a row");
            assert_eq!(written(&assignment), row);
            assert_eq!(serde_json::to_string(&assignment).expect("JSON"), row);
        }
    }
}
