//! Reading documents: the version, target sets and entries.
//!
//! Target sets are visible in every file of the run, so entries only note which sets they use;
//! `check` looks them up once everything was read.

mod entry;

use std::collections::HashMap;
use std::sync::Arc;

use super::diagnostics::Diagnostics;
use super::fields::{self, Fields};
use super::targets::{self, MOST_TARGETS, TargetList};
use super::yaml::tree::{Document, Pair, Value};
use super::yaml::{bounds, build};
use super::{Mode, Placed, Selector, WantedProperties, WantedTarget};
use crate::diagnostic::{Diagnostic, FileId, Place};
use crate::model::PolicyKind;
use crate::text::quoted;

pub(super) const DOCUMENT_KEYS: &[&str] = &["version", "vars", "tenants", "targets", "policies"];
pub(super) const SET_KEYS: &[&str] = &["include", "exclude"];
pub(super) const ENTRY_KEYS: &[&str] = &[
    "kind",
    "name",
    "id",
    "match",
    "except",
    "type",
    "mode",
    "intent",
    "settings",
    "runSchedule",
    "runRemediationScript",
    "use",
    "include",
    "exclude",
    "absent",
    "onlyTenants",
    "exceptTenants",
];
pub(super) const SELECTOR_KEYS: &[&str] = &["name", "id", "match"];

/// All that was read, before entries and sets come together.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    /// The target sets.
    pub(super) sets: HashMap<String, TargetSet>,
    /// The entries, complete or not.
    pub(super) entries: Vec<Draft>,
    /// Whether all files could be read to their end.
    pub(super) whole: bool,
}

/// A target set.
#[derive(Debug)]
pub(super) struct TargetSet {
    /// The key that names it.
    pub(super) place: Place,
    /// Its targets.
    pub(super) targets: Vec<WantedTarget>,
    /// Whether something in it was wrong.
    pub(super) faulty: bool,
}

/// An entry, its sets not yet merged in.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    /// The entry's first key.
    pub(super) place: Place,
    /// Which policies it means; `None` if a part of that or the mode is missing or wrong, so
    /// that it cannot be compared with other entries.
    pub(super) what: Option<Selected>,
    /// The mode, and where it was written.
    pub(super) mode: Placed<Mode>,
    /// What it says of all of its targets.
    pub(super) properties: Option<Arc<WantedProperties>>,
    /// The entry's own targets.
    pub(super) targets: Vec<WantedTarget>,
    /// The targets that must not be there.
    pub(super) absent: Vec<WantedTarget>,
    /// The sets it uses.
    pub(super) uses: Vec<Placed<String>>,
    /// Whether something in it was wrong.
    pub(super) faulty: bool,
}

/// Which policies an entry means.
#[derive(Clone, Debug)]
pub(super) struct Selected {
    /// Their kinds: one, or several with a glob.
    pub(super) kinds: Vec<Placed<PolicyKind>>,
    /// Which of these.
    pub(super) selector: Selector,
    /// The name, id or glob as it was written.
    pub(super) selector_place: Place,
    /// Their type, if it is named.
    pub(super) odata_type: Option<Placed<String>>,
}

/// Reads the files of a run, one after the other.
pub(super) struct Reader<'r> {
    pub(super) diagnostics: &'r mut Diagnostics,
    drafts: Drafts,
    budget: bounds::Budget,
    targets: usize,
    /// Whether there is an entry, valid or not, or there may be one in a part that could not be read.
    any_entry: bool,
    files: Vec<FileId>,
}

impl<'r> Reader<'r> {
    /// Makes a reader that reports what it finds. `whole` says whether all files are there.
    pub(super) fn new(whole: bool, diagnostics: &'r mut Diagnostics) -> Self {
        Self {
            diagnostics,
            drafts: Drafts {
                whole,
                ..Drafts::default()
            },
            budget: bounds::Budget::default(),
            targets: MOST_TARGETS,
            any_entry: false,
            files: Vec::new(),
        }
    }

    /// Reads a file. `meant` returns what a document says for those who are meant in this run.
    pub(super) fn file(
        &mut self,
        id: FileId,
        text: &str,
        mut meant: impl FnMut(&Document, &mut Diagnostics) -> Document,
    ) {
        self.files.push(id);
        let parsed = build::parse(id, text, self.diagnostics, &mut self.budget);
        self.drafts.whole &= parsed.whole;
        if parsed.empty {
            self.missing_version(Place::start_of(id));
        }
        for document in &parsed.documents {
            // One that is left out for this tenant is an entry all the same.
            self.any_entry |= has_entries(document);
            let document = meant(document, self.diagnostics);
            self.document(&document);
        }
    }

    /// Returns what was read.
    pub(super) fn finish(self) -> Drafts {
        if !self.any_entry && self.drafts.whole && !self.files.is_empty() {
            let place = match self.files.as_slice() {
                [only] => Some(Place::start_of(*only)),
                _ => None,
            };
            let message = "the manifests have no entry below `policies`";
            self.diagnostics.push(
                Diagnostic::error("no-policies", place, message).hint(
                    "an entry with empty `include` means no assignment; no entry means nothing",
                ),
            );
        }
        self.drafts
    }

    fn missing_version(&mut self, place: Place) {
        self.diagnostics.push(
            Diagnostic::error("missing-key", place, "the key `version` is missing")
                .hint("start every document with `version: 1`"),
        );
    }

    fn document(&mut self, document: &Document) {
        let node = &document.root.node;
        if node.is_null() {
            self.missing_version(document.place);
            return;
        }
        let Some(fields) = Fields::read(node, "a manifest", DOCUMENT_KEYS, self.diagnostics) else {
            self.any_entry = true;
            return;
        };
        match fields.get("version") {
            Some(pair) => self.version(pair),
            None if fields.meant(&["version"]) => {}
            None => self.missing_version(node.place),
        }
        if let Some(pair) = fields.get("targets") {
            self.sets(pair);
        }
        if let Some(pair) = fields.get("policies") {
            let via = fields::via(None, Some(pair), &pair.value);
            match fields::list(pair, self.diagnostics) {
                None => self.any_entry = true,
                Some(items) => {
                    for item in items {
                        self.any_entry = true;
                        self.entry(item, via);
                    }
                }
            }
        }
        self.any_entry |= fields.meant(&["policies"]);
    }

    fn version(&mut self, pair: &Pair) {
        let node = &pair.value.node;
        let error = match &node.value {
            Value::Scalar { text, plain: true } if text == "1" => return,
            Value::Scalar { .. } if !node.is_null() => {
                let message = format!("`version` must be the number 1, not {}", node.describe());
                Diagnostic::error("wrong-version", node.place, message)
            }
            _ => fields::wrong_type(node, "version", "the number 1"),
        };
        fields::refuse(node, error.hint("write `version: 1`"), self.diagnostics);
    }

    fn sets(&mut self, pair: &Pair) {
        let node = &pair.value.node;
        let via = fields::via(None, Some(pair), &pair.value);
        let Value::Mapping(sets) = &node.value else {
            let error = fields::wrong_type(node, "targets", "a mapping")
                .hint("write each set as `name:` with `include` and `exclude` below it");
            return fields::refuse(node, error, self.diagnostics);
        };
        for set in sets {
            self.set(set, via);
        }
    }

    fn set(&mut self, pair: &Pair, via: Option<Place>) {
        let before = self.diagnostics.errors();
        if pair.key.trim().is_empty() {
            self.diagnostics.push(Diagnostic::error(
                "empty-value",
                pair.place,
                "the name of a target set must not be empty",
            ));
        }
        let via = fields::via(via, Some(pair), &pair.value);
        let what = format!("the target set {}", quoted(&pair.key));
        let fields = Fields::read(&pair.value.node, &what, SET_KEYS, self.diagnostics);
        let targets = fields.map_or_else(Vec::new, |fields| self.targets(&fields, via));
        let set = TargetSet {
            place: pair.place,
            targets,
            faulty: self.diagnostics.errors() > before,
        };
        if let Some(first) = self.drafts.sets.get(&*pair.key) {
            let error = Diagnostic::error(
                "duplicate-target-set",
                set.place,
                format!("the target set {} is defined twice", quoted(&pair.key)),
            );
            self.diagnostics.push(
                error
                    .also(first.place, "first here")
                    .hint("target sets are visible in every file; rename one of them"),
            );
        } else {
            self.drafts.sets.insert(pair.key.to_string(), set);
        }
    }

    /// Reads `include` and `exclude`.
    pub(super) fn targets(&mut self, fields: &Fields<'_>, via: Option<Place>) -> Vec<WantedTarget> {
        let mut targets = self.side(fields, "include", TargetList::Include, via);
        targets.extend(self.side(fields, "exclude", TargetList::Exclude, via));
        targets
    }

    fn side(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
        side: TargetList,
        via: Option<Place>,
    ) -> Vec<WantedTarget> {
        let mut targets = Vec::new();
        let Some(pair) = fields.get(key) else {
            return targets;
        };
        // What aliases make of a few lines must not fill the memory.
        let asked = match &pair.value.node.value {
            Value::List(items) => items.len(),
            _ => 0,
        };
        let Some(left) = self.targets.checked_sub(asked) else {
            self.diagnostics.push(too_many_targets(pair.place));
            return targets;
        };
        self.targets = left;
        targets::read_all(pair, side, via, self.diagnostics, &mut targets);
        targets
    }
}

/// Makes the error for more targets than any tenant has.
pub(super) fn too_many_targets(place: Place) -> Diagnostic {
    Diagnostic::error(
        "too-many-targets",
        place,
        format!("the manifests have more than {MOST_TARGETS} targets"),
    )
}

fn has_entries(document: &Document) -> bool {
    let Value::Mapping(pairs) = &document.root.node.value else {
        return false;
    };
    let policies = pairs.iter().find(|pair| &*pair.key == "policies");
    let value = policies.map(|pair| &pair.value.node.value);
    matches!(value, Some(Value::List(items)) if !items.is_empty())
}
