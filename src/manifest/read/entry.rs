//! Reading entries: which policies are meant, the mode, and what must not be there.

use super::{Draft, ENTRY_KEYS, Reader, SELECTOR_KEYS, Selected};
use crate::diagnostic::{Diagnostic, Place};
use crate::kinds::NOT_ASSIGNED;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::fields::{self, Fields};
use crate::manifest::names;
use crate::manifest::properties;
use crate::manifest::targets::TargetList;
use crate::manifest::yaml::tree::{Item, Node, Value};
use crate::manifest::{Glob, Mode, Placed, Selector, WantedTarget};
use crate::model::PolicyKind;
use crate::text::all_of;

impl Reader<'_> {
    /// Reads what must not be there. Only an additive entry needs to say so.
    fn absent(
        &mut self,
        fields: &Fields<'_>,
        mode: Option<Mode>,
        via: Option<Place>,
    ) -> Vec<WantedTarget> {
        if let Some(pair) = fields.get("absent")
            && mode == Some(Mode::Exact)
        {
            self.diagnostics.push(
                Diagnostic::error(
                    "absent-without-additive",
                    pair.place,
                    "`absent` in an entry whose mode is `exact`",
                )
                .hint("add `mode: additive`; in `exact` mode all that is not listed is removed"),
            );
        }
        self.side(fields, "absent", TargetList::Absent, via)
    }

    pub(super) fn entry(&mut self, item: &Item, via: Option<Place>) {
        let before = self.diagnostics.errors();
        let node = &item.node;
        let via = fields::via(via, None, item);
        let Some(fields) = Fields::read(node, "a policy entry", ENTRY_KEYS, self.diagnostics)
        else {
            return;
        };
        let kinds = self.kinds(node, &fields);
        let values = kinds.iter().flatten().map(|kind| kind.value);
        let values: Vec<PolicyKind> = values.collect();
        let only_kind = match values.as_slice() {
            [kind] => Some(*kind),
            _ => None,
        };
        let selector = self.selector(node, &fields, only_kind);
        let odata_type = self.odata_type(&fields, Some(&values));
        let place = item.place();
        let written = fields.get("mode");
        let modes = [Mode::Exact, Mode::Additive].map(|mode| (mode.name(), mode));
        let known =
            written.and_then(|pair| fields::word(pair, "unknown-mode", &modes, self.diagnostics));
        let mode = Placed {
            value: known.unwrap_or(Mode::Exact),
            place: written.map_or(place, |pair| pair.value.place()),
        };
        let uses = self.texts(&fields, "use");
        let mode_is_known = written.is_none() || known.is_some();
        let properties = properties::read(&fields, self.diagnostics);
        if let (Some(kind), Some(properties)) = (only_kind, &properties) {
            properties::refuse_foreign(kind, properties, self.diagnostics);
        }
        let targets = self.targets(&fields, via);
        let absent = self.absent(&fields, mode_is_known.then_some(mode.value), via);
        self.drafts.entries.push(Draft {
            place,
            what: kinds
                .zip(selector)
                .filter(|_| mode_is_known)
                .map(|(kinds, selector)| Selected {
                    kinds,
                    selector_place: selector.place(),
                    selector,
                    odata_type,
                }),
            mode,
            properties,
            targets,
            absent,
            uses,
            faulty: self.diagnostics.errors() > before,
        });
    }

    /// Reads the kind, or the list of kinds of an entry with `match`.
    pub(in crate::manifest) fn kinds(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
    ) -> Option<Vec<Placed<PolicyKind>>> {
        let Some(pair) = fields.get("kind") else {
            if !fields.meant(&["kind"]) {
                let kinds: Vec<&str> = PolicyKind::all().map(PolicyKind::name).collect();
                self.diagnostics.push(
                    Diagnostic::error("missing-key", node.place, "the key `kind` is missing")
                        .hint(format!("the kinds are {}", all_of(&kinds))),
                );
            }
            return None;
        };
        let kinds: Vec<(&str, PolicyKind)> =
            PolicyKind::all().map(|kind| (kind.name(), kind)).collect();
        if let Value::Scalar { text, .. } = &pair.value.node.value
            && let Some((word, why)) = NOT_ASSIGNED.iter().find(|(word, _)| word == text)
        {
            let message = format!("a {word} takes no assignments");
            let error = Diagnostic::error("unknown-kind", pair.value.node.place, message);
            self.diagnostics.push(error.hint(*why));
            return None;
        }
        let Value::List(items) = &pair.value.node.value else {
            let value = fields::word(pair, "unknown-kind", &kinds, self.diagnostics)?;
            let place = pair.value.place();
            return Some(vec![Placed { value, place }]);
        };
        if items.is_empty() {
            let place = pair.value.node.place;
            let message = "`kind` must not be an empty list";
            self.diagnostics
                .push(Diagnostic::error("empty-value", place, message));
        }
        if fields.get("match").is_none() && !fields.meant(&["match"]) {
            self.diagnostics.push(
                Diagnostic::error(
                    "kinds-without-match",
                    pair.place,
                    "a list of kinds without `match`",
                )
                .hint("name one kind, or select the policies by `match`"),
            );
        }
        let mut read: Vec<Placed<PolicyKind>> = Vec::with_capacity(items.len());
        for item in items {
            let value = fields::word_in(item, "kind", "unknown-kind", &kinds, self.diagnostics)?;
            if !read.iter().any(|known| known.value == value) {
                let place = item.place();
                read.push(Placed { value, place });
            }
        }
        (!read.is_empty()).then_some(read)
    }

    /// Reads the type of policies whose kind has several.
    pub(in crate::manifest) fn odata_type(
        &mut self,
        fields: &Fields<'_>,
        kinds: Option<&[PolicyKind]>,
    ) -> Option<Placed<String>> {
        const PREFIX: &str = "#microsoft.graph.";
        let pair = fields.get("type")?;
        let mut read = fields::text(&pair.value, "type", self.diagnostics)?;
        if let Some(short) = read.value.strip_prefix(PREFIX) {
            read.value = short.to_owned();
        }
        let mut kinds = kinds.unwrap_or_default().iter();
        if let Some(kind) = kinds.find(|kind| !kind.spec().polymorphic) {
            let message = format!("a {kind} has no types");
            self.diagnostics.push(
                Diagnostic::error("type-not-allowed", pair.place, message).hint("remove `type`"),
            );
            return None;
        }
        Some(read)
    }

    pub(in crate::manifest) fn selector(
        &mut self,
        node: &Node,
        fields: &Fields<'_>,
        kind: Option<PolicyKind>,
    ) -> Option<Selector> {
        let several = "an entry takes exactly one of `name`, `id` and `match`";
        let present = fields.one_among(
            SELECTOR_KEYS,
            ("several-selectors", several),
            "keep one, or write several entries",
            self.diagnostics,
        );
        let except = self.globs(fields, "except");
        if let Some(pair) = fields.get("except")
            && !present.iter().any(|pair| &*pair.key == "match")
            && !fields.meant(&["match"])
        {
            self.diagnostics.push(
                Diagnostic::error(
                    "except-without-match",
                    pair.place,
                    "`except` without `match`",
                )
                .hint("add `match`, or remove `except`"),
            );
        }
        // All are read for their faults; the first counts.
        let read: Vec<Option<Selector>> = present
            .iter()
            .map(|pair| {
                Some(match &*pair.key {
                    "name" => Selector::Name(names::name(pair, "id", self.diagnostics)?),
                    "id" if kind.is_some_and(PolicyKind::has_guid_ids) => {
                        let id = names::guid(pair, "name", self.diagnostics)?;
                        Selector::Id(Placed {
                            value: id.value.to_string(),
                            place: id.place,
                        })
                    }
                    "id" => Selector::Id(fields::text(&pair.value, "id", self.diagnostics)?),
                    _ => Selector::Match {
                        pattern: glob(
                            fields::text(&pair.value, &pair.key, self.diagnostics)?,
                            self.diagnostics,
                        )?,
                        except: except.clone(),
                    },
                })
            })
            .collect();
        if present.is_empty() && !fields.meant(SELECTOR_KEYS) {
            self.diagnostics.push(
                Diagnostic::error(
                    "no-selector",
                    node.place,
                    "the entry does not say which policies it means",
                )
                .hint("add `name`, `id` or `match`"),
            );
        }
        read.into_iter().next().flatten()
    }

    fn globs(&mut self, fields: &Fields<'_>, key: &str) -> Vec<Placed<Glob>> {
        self.texts(fields, key)
            .into_iter()
            .filter_map(|text| glob(text, self.diagnostics))
            .collect()
    }

    pub(in crate::manifest) fn texts(
        &mut self,
        fields: &Fields<'_>,
        key: &str,
    ) -> Vec<Placed<String>> {
        let Some(pair) = fields.get(key) else {
            return Vec::new();
        };
        fields::list(pair, self.diagnostics)
            .unwrap_or_default()
            .iter()
            .filter_map(|item| fields::text(item, key, self.diagnostics))
            .collect()
    }
}

/// Makes a glob. Comparing one with a name takes time by the product of their lengths.
fn glob(text: Placed<String>, diagnostics: &mut Diagnostics) -> Option<Placed<Glob>> {
    const LONGEST: usize = 1_000;
    if text.value.chars().count() > LONGEST {
        diagnostics.push(Diagnostic::error(
            "too-long",
            text.place,
            format!("a glob has {LONGEST} characters at most"),
        ));
        return None;
    }
    Some(Placed {
        value: Glob::new(text.value),
        place: text.place,
    })
}
