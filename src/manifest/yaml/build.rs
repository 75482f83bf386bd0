//! YAML text to trees, from the events of `granit-parser`.
//!
//! How much a document would be with its aliases written out is counted while it is read, without
//! writing them out, and refused past a bound; so is depth. A refused document gives one error and
//! no tree; the documents after it are read. How many values and documents there are is bounded as
//! well, since a few bytes are enough for one and a tree takes hundreds; past that bound nothing
//! more is read.

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, Tag};

use super::super::diagnostics::Diagnostics;
use super::bounds::{Budget, MOST_ALIASED, MOST_DOCUMENTS, MOST_VALUES, MOST_VALUES_IN_A_FILE};
use super::tree::{Document, Item, Node, Pair, Value};
use super::{merge, syntax};
use crate::diagnostic::{Diagnostic, FileId, Place};
use crate::text::quoted;

/// How deep lists and mappings may be nested, aliases written out.
const MOST_DEPTH: usize = 128;

/// What was read from a file.
#[derive(Debug)]
pub(in crate::manifest) struct Parsed {
    /// The documents that could be read.
    pub(in crate::manifest) documents: Vec<Document>,
    /// Whether there was nothing to read: no document, but comments at most.
    pub(in crate::manifest) empty: bool,
    /// Whether all of the file could be read.
    pub(in crate::manifest) whole: bool,
}

/// Reads the documents of a file. At a syntax error it stops with what came before, and so it does
/// where the run has too much.
pub(in crate::manifest) fn parse(
    file: FileId,
    text: &str,
    diagnostics: &mut Diagnostics,
    budget: &mut Budget,
) -> Parsed {
    if budget.exhausted {
        return Parsed {
            documents: Vec::new(),
            empty: false,
            whole: false,
        };
    }
    let options = granit_parser::options! {
        emit_comments: false,
        emit_unresolved_aliases: true,
        flow_nesting_limit: MOST_DEPTH,
        block_nesting_limit: MOST_DEPTH,
    };
    let mut builder = Builder {
        file,
        text,
        diagnostics,
        values: MOST_VALUES_IN_A_FILE.min(budget.values),
        budget,
        documents: Vec::new(),
        start: None,
        stack: Vec::new(),
        anchors: HashMap::new(),
        refused: false,
    };
    let (mut empty, mut whole) = (true, true);
    for event in Parser::new_from_str_with_options(text, options) {
        match event {
            Ok((event, span)) => {
                empty &= !matches!(event, Event::DocumentStart(..));
                if let Some(fault) = builder.too_much(&event, &span) {
                    (empty, whole) = (false, false);
                    builder.budget.exhausted = true;
                    builder.diagnostics.push(fault);
                    break;
                }
                builder.event(event, &span);
                whole &= !builder.refused;
            }
            Err(error) => {
                (empty, whole) = (false, false);
                let place = builder.at(*error.marker());
                builder.diagnostics.push(syntax::fault(error.kind(), place));
                break;
            }
        }
    }
    Parsed {
        documents: builder.documents,
        empty,
        whole,
    }
}

/// A list or mapping that is being read.
struct Frame {
    place: Place,
    anchor: usize,
    /// Whether its tag, if it has one, is a tag that means something here.
    known: bool,
    content: Content,
}

enum Content {
    List(Vec<Item>),
    Mapping {
        pairs: Vec<Pair>,
        merged: Vec<Item>,
        key: Option<Key>,
        first_key: Option<Place>,
    },
}

/// A key whose value is still to come.
enum Key {
    Plain(Rc<str>, Place),
    Merge(Place),
    Broken,
}

struct Builder<'a> {
    file: FileId,
    text: &'a str,
    diagnostics: &'a mut Diagnostics,
    budget: &'a mut Budget,
    /// How many values the file may still have.
    values: usize,
    documents: Vec<Document>,
    start: Option<Place>,
    stack: Vec<Frame>,
    /// Anchors by the parser's number; none while the anchored value is still being read.
    anchors: HashMap<usize, Option<Rc<Node>>>,
    /// Whether the rest of the document is skipped.
    refused: bool,
}

impl Builder<'_> {
    /// Counts what comes, and says so where it is too much.
    fn too_much(&mut self, event: &Event<'_>, span: &Span) -> Option<Diagnostic> {
        let (count, code, what) = match event {
            Event::DocumentStart(..) => (
                &mut self.budget.documents,
                "too-many-documents",
                format!("there are more than {MOST_DOCUMENTS} documents"),
            ),
            Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::MappingStart(..)
            | Event::Alias(..)
            | Event::UnresolvedAlias(..) => {
                self.budget.values = self.budget.values.saturating_sub(1);
                (
                    &mut self.values,
                    "too-many-values",
                    format!(
                        "a file may have {MOST_VALUES_IN_A_FILE} values, and all of them {MOST_VALUES}"
                    ),
                )
            }
            _ => return None,
        };
        match count.checked_sub(1) {
            Some(left) => {
                *count = left;
                None
            }
            None => Some(Diagnostic::error(code, self.at(span.start), what)),
        }
    }

    fn event(&mut self, event: Event<'_>, span: &Span) {
        match event {
            Event::DocumentStart(..) => {
                self.start = Some(self.place(span));
                self.stack.clear();
                self.anchors.clear();
                self.refused = false;
            }
            _ if self.refused => {}
            Event::Scalar(text, style, anchor, tag) => {
                let empty = style == ScalarStyle::Plain && span.start == span.end;
                let text = if empty {
                    String::new()
                } else {
                    text.into_owned()
                };
                let place = self.place(span);
                let plain = style == ScalarStyle::Plain;
                let value = match tag {
                    None => Value::Scalar { text, plain },
                    Some(tag) => self.tagged_scalar(&tag, span, text),
                };
                self.complete(place, empty, anchor, value);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.open(
                    span,
                    anchor,
                    tag.as_deref(),
                    "seq",
                    Content::List(Vec::new()),
                );
            }
            Event::MappingStart(_, anchor, tag) => {
                let content = Content::Mapping {
                    pairs: Vec::new(),
                    merged: Vec::new(),
                    key: None,
                    first_key: None,
                };
                self.open(span, anchor, tag.as_deref(), "map", content);
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let place = self.place(span);
                self.diagnostics.push(
                    Diagnostic::error(
                        "unknown-alias",
                        place,
                        format!(
                            "no anchor {} before this alias",
                            quoted(&format!("&{name}"))
                        ),
                    )
                    .hint("put text that starts with `*` in quotes"),
                );
                self.add(Item {
                    node: Node::broken(place),
                    alias: None,
                });
            }
            // The start and end of the stream and of documents hold nothing; a node at the top
            // ends its document.
            _ => {}
        }
    }

    fn open(
        &mut self,
        span: &Span,
        anchor: usize,
        tag: Option<&Tag>,
        fitting: &str,
        content: Content,
    ) {
        let known =
            tag.is_none_or(|tag| tag.core_suffix() == Some(fitting) || is_non_specific(tag));
        if let (Some(tag), false) = (tag, known) {
            self.unsupported_tag(tag, span);
        }
        if anchor != 0 {
            self.anchors.insert(anchor, None);
        }
        let place = Place {
            length: 1,
            ..self.place(span)
        };
        self.stack.push(Frame {
            place,
            anchor,
            known,
            content,
        });
    }

    fn close(&mut self) {
        let Some(frame) = self.stack.pop() else {
            return;
        };
        let Frame {
            mut place,
            anchor,
            known,
            content,
        } = frame;
        let value = match content {
            _ if !known => Value::Broken,
            Content::List(items) => Value::List(items),
            Content::Mapping {
                pairs,
                merged,
                key: _,
                first_key,
            } => {
                place = first_key.unwrap_or(place);
                Value::Mapping(merge::unite(pairs, merged, self.diagnostics))
            }
        };
        self.complete(place, false, anchor, value);
    }

    fn alias(&mut self, anchor: usize, span: &Span) {
        let place = self.place(span);
        let node = match self.anchors.get(&anchor) {
            Some(Some(node)) => Rc::clone(node),
            _ => {
                self.diagnostics.push(Diagnostic::error(
                    "recursive-alias",
                    place,
                    "this alias stands for a value that holds it",
                ));
                Node::broken(place)
            }
        };
        match self.budget.aliased.checked_sub(node.weight) {
            Some(left) => self.budget.aliased = left,
            None => {
                self.diagnostics.push(
                    Diagnostic::error(
                        "too-many-aliases",
                        place,
                        format!("the aliases stand for more than {MOST_ALIASED} values"),
                    )
                    .hint("name the targets once below `targets`, and `use` them"),
                );
                self.refused = true;
                return;
            }
        }
        self.add(Item {
            node,
            alias: Some(place),
        });
    }

    /// Makes a node, remembers it if it is anchored, and puts it where it belongs.
    fn complete(&mut self, place: Place, empty: bool, anchor: usize, value: Value) {
        let parts: Box<dyn Iterator<Item = &Item>> = match &value {
            Value::Scalar { .. } | Value::Broken => Box::new(std::iter::empty()),
            Value::List(items) => Box::new(items.iter()),
            Value::Mapping(pairs) => Box::new(pairs.iter().map(|pair| &pair.value)),
        };
        let (weight, height) = parts.fold((1_u64, 0), |(weight, height), item| {
            (
                weight.saturating_add(item.node.weight).saturating_add(1),
                height.max(item.node.height + 1),
            )
        });
        // The parser bounds what is written; aliases can still stack one value upon another.
        if height > MOST_DEPTH {
            self.diagnostics.push(syntax::too_deep(place));
            self.refused = true;
            return;
        }
        // Where nothing is written there is nothing to mark; the key says more.
        let place = match self.stack.last().map(|frame| &frame.content) {
            Some(Content::Mapping {
                key: Some(Key::Plain(_, key) | Key::Merge(key)),
                ..
            }) if empty => *key,
            _ => place,
        };
        let node = Rc::new(Node {
            place,
            value,
            weight,
            height,
        });
        if anchor != 0 {
            self.anchors.insert(anchor, Some(Rc::clone(&node)));
        }
        self.add(Item { node, alias: None });
    }

    fn add(&mut self, item: Item) {
        let Some(frame) = self.stack.last_mut() else {
            if let Some(place) = self.start.take() {
                self.documents.push(Document { place, root: item });
            }
            return;
        };
        match &mut frame.content {
            Content::List(items) => items.push(item),
            Content::Mapping {
                pairs,
                merged,
                key,
                first_key,
            } => match key.take() {
                None => {
                    first_key.get_or_insert(item.place());
                    *key = Some(read_key(&item, self.diagnostics));
                }
                Some(Key::Plain(name, place)) => pairs.push(Pair {
                    key: name,
                    place,
                    value: item,
                    via: None,
                }),
                Some(Key::Merge(place)) => {
                    if !merged.is_empty() {
                        let first = merged[0].place();
                        self.diagnostics.push(
                            Diagnostic::error(
                                "duplicate-key",
                                place,
                                "the key `<<` is defined twice",
                            )
                            .also(first, "merged first")
                            .hint("merge several mappings with a list: `<<: [*one, *other]`"),
                        );
                    }
                    merged.push(item);
                }
                Some(Key::Broken) => {}
            },
        }
    }

    fn tagged_scalar(&mut self, tag: &Tag, span: &Span, text: String) -> Value {
        match tag.core_suffix() {
            Some("str") => Value::Scalar { text, plain: false },
            Some("int" | "bool" | "float" | "null") => Value::Scalar { text, plain: true },
            None if is_non_specific(tag) => Value::Scalar { text, plain: false },
            _ => {
                self.unsupported_tag(tag, span);
                Value::Broken
            }
        }
    }

    fn unsupported_tag(&mut self, tag: &Tag, span: &Span) {
        let place = match span.tag_span() {
            Some(tag) => self.place(&tag),
            None => self.place(span),
        };
        self.diagnostics.push(
            Diagnostic::error(
                "unsupported-tag",
                place,
                format!("the tag {} means nothing here", quoted(&tag.original())),
            )
            .hint("leave it out, or put text that starts with `!` in quotes"),
        );
    }

    fn at(&self, marker: Marker) -> Place {
        Place {
            file: self.file,
            line: marker.line(),
            column: marker.col() + 1,
            length: 1,
        }
    }

    /// Returns the place of a span, of which only the first line is marked.
    fn place(&self, span: &Span) -> Place {
        let mut place = self.at(span.start);
        let written = match (span.start.byte_offset(), span.end.byte_offset()) {
            (Some(start), Some(end)) => self.text.get(start..end).unwrap_or_default(),
            _ => "",
        };
        let line = written.split('\n').next().unwrap_or_default();
        let line = line.split('\r').next().unwrap_or_default();
        place.length = line.trim_end().chars().count().max(1);
        place
    }
}

/// Reads a key: text, whatever its spelling.
fn read_key(item: &Item, diagnostics: &mut Diagnostics) -> Key {
    let place = item.place();
    match &item.node.value {
        Value::Scalar { text, plain: true } if text == "<<" => Key::Merge(place),
        Value::Scalar { text, .. } => Key::Plain(Rc::from(text.as_str()), place),
        Value::Broken => Key::Broken,
        Value::List(_) | Value::Mapping(_) => {
            diagnostics.push(Diagnostic::error(
                "wrong-type",
                place,
                format!("a key must be text, not {}", item.node.describe()),
            ));
            Key::Broken
        }
    }
}

/// Whether the tag is a bare `!`: "as it stands".
fn is_non_specific(tag: &Tag) -> bool {
    tag.original() == "!"
}
