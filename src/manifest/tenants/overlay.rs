//! What a tenant leaves out of the baseline (`skip`) and adds to it (`add`).
//!
//! Both become part of ordinary entries here: a skipped name goes into `except`, an addition becomes an
//! entry for the policies that it and an entry of the baseline select alike, in that entry's mode. So an
//! addition never makes a policy managed, nor another mode. What a policy that is named by its id is
//! called shows with the tenant only; where that would matter it is an error.

use std::collections::HashSet;

use super::intersection::{TooMany, intersection, is_within};
use super::scope::Scope;
use crate::diagnostic::{Diagnostic, Place};
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::fields::{self, Fields};
use crate::manifest::properties;
use crate::manifest::read::{Draft, Drafts, Reader, Selected};
use crate::manifest::yaml::tree::{Item, Pair};
use crate::manifest::{Glob, Placed, Selector};
use crate::model::PolicyKind;
use crate::text::quoted;

pub(in crate::manifest) const SKIP_KEYS: &[&str] = &["kind", "name", "match", "reason"];

pub(in crate::manifest) const ADD_KEYS: &[&str] = &[
    "kind",
    "name",
    "match",
    "except",
    "type",
    "intent",
    "settings",
    "runSchedule",
    "runRemediationScript",
    "use",
    "include",
    "exclude",
    "reason",
];

/// What a tenant has of its own.
#[derive(Default)]
pub(super) struct Overlay {
    skips: Vec<Skip>,
    additions: Vec<Addition>,
}

/// Policies that a tenant does not manage.
#[derive(Clone, Debug)]
pub struct Skip {
    /// Their kinds; all if there are none.
    kinds: Vec<PolicyKind>,
    selector: Selector,
}

/// Targets that a tenant adds.
struct Addition {
    /// The kinds of the policies; all if there are none.
    kinds: Vec<PolicyKind>,
    selector: Selector,
    odata_type: Option<Placed<String>>,
    /// An entry with the targets, which is for no policy yet.
    draft: Draft,
}

/// Reads what a tenant has of its own.
pub(super) fn read(scope: &mut Scope<'_, '_>, reader: &mut Reader<'_>) -> Overlay {
    let Some(own) = scope.own else {
        return Overlay::default();
    };
    let mut overlay = Overlay::default();
    for item in items(own.skip.as_ref(), scope, reader) {
        overlay.skips.extend(read_skip(&item, reader));
    }
    for item in items(own.add.as_ref(), scope, reader) {
        overlay.additions.extend(read_addition(&item, reader));
    }
    overlay
}

fn items(pair: Option<&Pair>, scope: &mut Scope<'_, '_>, reader: &mut Reader<'_>) -> Vec<Item> {
    let items = pair.and_then(|pair| fields::list(pair, reader.diagnostics));
    let items = items.unwrap_or_default().iter();
    items
        .filter_map(|item| scope.entry(item, reader.diagnostics))
        .collect()
}

fn read_skip(item: &Item, reader: &mut Reader<'_>) -> Option<Skip> {
    let node = &item.node;
    let fields = Fields::read(node, "an entry of `skip`", SKIP_KEYS, reader.diagnostics)?;
    let kinds = read_kinds(item, &fields, reader);
    let selector = reader.selector(node, &fields, None);
    read_reason(&fields, reader);
    Some(Skip {
        kinds: kinds?,
        selector: selector?,
    })
}

fn read_addition(item: &Item, reader: &mut Reader<'_>) -> Option<Addition> {
    let before = reader.diagnostics.errors();
    let node = &item.node;
    let fields = Fields::read(node, "an entry of `add`", ADD_KEYS, reader.diagnostics)?;
    let kinds = read_kinds(item, &fields, reader);
    let selector = reader.selector(node, &fields, None);
    let odata_type = reader.odata_type(&fields, kinds.as_deref());
    let properties = properties::read(&fields, reader.diagnostics);
    let uses = reader.texts(&fields, "use");
    let targets = reader.targets(&fields, item.alias);
    read_reason(&fields, reader);
    let faulty = reader.diagnostics.errors() > before;
    let place = item.place();
    if targets.is_empty() && uses.is_empty() && !faulty {
        reader.diagnostics.push(
            Diagnostic::warning(
                "nothing-to-do",
                place,
                "an addition without targets adds nothing",
            )
            .hint("add `include`, `exclude` or `use`, or remove it"),
        );
    }
    let draft = Draft {
        place,
        what: None,
        mode: Placed {
            value: crate::manifest::Mode::Exact,
            place,
        },
        properties,
        targets,
        absent: Vec::new(),
        uses,
        faulty,
    };
    Some(Addition {
        kinds: kinds?,
        selector: selector?,
        odata_type,
        draft,
    })
}

/// Reads the kinds; none means all.
fn read_kinds(
    item: &Item,
    fields: &Fields<'_>,
    reader: &mut Reader<'_>,
) -> Option<Vec<PolicyKind>> {
    if fields.get("kind").is_none() {
        return Some(Vec::new());
    }
    let kinds = reader.kinds(&item.node, fields)?;
    Some(kinds.iter().map(|kind| kind.value).collect())
}

fn read_reason(fields: &Fields<'_>, reader: &mut Reader<'_>) {
    if let Some(pair) = fields.get("reason") {
        let _ = fields::text(&pair.value, "reason", reader.diagnostics);
    }
}

impl Overlay {
    /// Takes out what is skipped, and adds what is added.
    pub(super) fn lay_tenant_over(
        self,
        drafts: &mut Drafts,
        diagnostics: &mut Diagnostics,
    ) -> Vec<Skip> {
        for skip in &self.skips {
            skip.take_out(drafts, diagnostics);
        }
        let mut added = Vec::new();
        for addition in &self.additions {
            addition.add_to(drafts, &mut added, diagnostics);
        }
        drafts.entries.extend(added);
        self.skips
    }
}

impl Skip {
    /// Whether it is about a policy.
    pub fn is_about(&self, kind: PolicyKind, name: &str) -> bool {
        is_among(kind, &self.kinds) && selects(&self.selector, name)
    }

    fn take_out(&self, drafts: &mut Drafts, diagnostics: &mut Diagnostics) {
        let mut found = false;
        let mut left = Vec::with_capacity(drafts.entries.len());
        for mut draft in drafts.entries.drain(..) {
            let Some(what) = &draft.what else {
                found = true;
                left.push(draft);
                continue;
            };
            let (skipped, others): (Vec<_>, Vec<_>) = what
                .kinds
                .iter()
                .cloned()
                .partition(|kind| is_among(kind.value, &self.kinds));
            let rest = match skipped.is_empty() {
                true => Rest::All,
                false => self.rest(what, diagnostics),
            };
            if matches!(rest, Rest::All) {
                left.push(draft);
                continue;
            }
            found = true;
            if !others.is_empty() {
                let what = Selected {
                    kinds: others,
                    ..what.clone()
                };
                left.push(Draft {
                    what: Some(what),
                    ..draft.clone()
                });
            }
            if let (Rest::Without(glob), Some(what)) = (rest, &mut draft.what) {
                if let Selector::Match { except, .. } = &mut what.selector {
                    except.push(glob);
                }
                what.kinds = skipped;
                left.push(draft);
            }
        }
        drafts.entries = left;
        if !found {
            diagnostics.push(
                Diagnostic::warning(
                    "skip-without-entry",
                    self.selector.place(),
                    "no entry selects what is skipped here",
                )
                .hint("check the name or the glob, or remove it"),
            );
        }
    }

    /// Returns what of an entry is left.
    fn rest(&self, what: &Selected, diagnostics: &mut Diagnostics) -> Rest {
        match (&what.selector, &self.selector) {
            (Selector::Id(id), _) => {
                diagnostics.push(unclear(id, self.selector.place(), "skips"));
                Rest::All
            }
            (Selector::Name(name), skipped) if selects(skipped, &name.value) => Rest::Nothing,
            (matching @ Selector::Match { .. }, Selector::Name(name))
                if selects(matching, &name.value) =>
            {
                if name.value.contains(['*', '?']) {
                    let message = format!(
                        "{} cannot be left out of a glob, as `*` and `?` stand for other text there",
                        quoted(&name.value)
                    );
                    diagnostics.push(
                        Diagnostic::error("unclear-policy", name.place, message)
                            .also(matching.place(), "the glob")
                            .hint("skip it with a `match` that fits no other policy"),
                    );
                }
                Rest::Without(Placed {
                    value: Glob::new(name.value.clone()),
                    place: name.place,
                })
            }
            (
                Selector::Match { pattern, .. },
                Selector::Match {
                    pattern: skipped, ..
                },
            ) => {
                let (own, other) = (pattern.value.as_str(), skipped.value.as_str());
                if is_within(own, other) {
                    Rest::Nothing
                } else if intersection(own, other).is_ok_and(|shared| shared.is_empty()) {
                    Rest::All
                } else {
                    Rest::Without(skipped.clone())
                }
            }
            _ => Rest::All,
        }
    }
}

/// What is left of an entry of which something is skipped.
enum Rest {
    All,
    Nothing,
    Without(Placed<Glob>),
}

impl Addition {
    fn add_to(&self, drafts: &Drafts, added: &mut Vec<Draft>, diagnostics: &mut Diagnostics) {
        let before = diagnostics.errors();
        let mut found = false;
        let mut seen = HashSet::new();
        for draft in &drafts.entries {
            let Some(what) = &draft.what else {
                found = true;
                continue;
            };
            let kinds: Vec<Placed<PolicyKind>> = what
                .kinds
                .iter()
                .filter(|kind| is_among(kind.value, &self.kinds))
                .cloned()
                .collect();
            let Some(odata_type) = self.shared_type(what) else {
                continue;
            };
            if kinds.is_empty() {
                continue;
            }
            for selector in self.shared_selectors(what, diagnostics) {
                found = true;
                let values: Vec<PolicyKind> = kinds.iter().map(|kind| kind.value).collect();
                let key = format!(
                    "{values:?} {selector:?} {odata_type:?} {:?}",
                    draft.mode.value
                );
                if !seen.insert(key) {
                    continue;
                }
                added.push(Draft {
                    what: Some(Selected {
                        kinds: kinds.clone(),
                        selector,
                        selector_place: self.selector.place(),
                        odata_type: odata_type.clone(),
                    }),
                    mode: draft.mode.clone(),
                    ..self.draft.clone()
                });
            }
        }
        if !found && diagnostics.errors() == before {
            diagnostics.push(
                Diagnostic::error(
                    "add-without-entry",
                    self.selector.place(),
                    "no entry selects the policies that this adds to",
                )
                .hint("what `add` lists adds targets to policies of the baseline; write an entry with `onlyTenants` for others"),
            );
        }
    }

    /// Returns the type that both name; `None` if they name two.
    fn shared_type(&self, what: &Selected) -> Option<Option<Placed<String>>> {
        match (&self.odata_type, &what.odata_type) {
            (Some(own), Some(other)) if !own.value.eq_ignore_ascii_case(&other.value) => None,
            (own, other) => Some(other.clone().or_else(|| own.clone())),
        }
    }

    /// Returns what selects the policies that an entry selects and this means too.
    fn shared_selectors(&self, what: &Selected, diagnostics: &mut Diagnostics) -> Vec<Selector> {
        match (&what.selector, &self.selector) {
            (Selector::Id(id), _) => {
                diagnostics.push(unclear(id, self.selector.place(), "adds to"));
                Vec::new()
            }
            (Selector::Name(name), own) if selects(own, &name.value) => {
                vec![what.selector.clone()]
            }
            (entry, Selector::Name(name)) if selects(entry, &name.value) => {
                vec![self.selector.clone()]
            }
            (
                Selector::Match { pattern, except },
                Selector::Match {
                    pattern: own,
                    except: own_except,
                },
            ) => {
                let shared = match intersection(pattern.value.as_str(), own.value.as_str()) {
                    Ok(shared) => shared,
                    Err(TooMany) => {
                        diagnostics.push(too_complicated(own, pattern));
                        return Vec::new();
                    }
                };
                let except: Vec<Placed<Glob>> = except.iter().chain(own_except).cloned().collect();
                shared
                    .into_iter()
                    .filter(|glob| {
                        let mut except = except.iter();
                        !except.any(|out| is_within(glob, out.value.as_str()))
                    })
                    .map(|glob| Selector::Match {
                        pattern: Placed {
                            place: match glob == pattern.value.as_str() {
                                true => pattern.place,
                                false => own.place,
                            },
                            value: Glob::new(glob),
                        },
                        except: except.clone(),
                    })
                    .collect()
            }
            _ => Vec::new(),
        }
    }
}

/// Whether a selector selects the policy with a name.
fn selects(selector: &Selector, name: &str) -> bool {
    match selector {
        Selector::Name(own) => own.value == name,
        Selector::Id(_) => false,
        Selector::Match { pattern, .. } => pattern.value.matches(name) && !selector.excludes(name),
    }
}

/// Whether a kind is meant by a list, in which none means all.
fn is_among(kind: PolicyKind, kinds: &[PolicyKind]) -> bool {
    kinds.is_empty() || kinds.contains(&kind)
}

fn unclear(id: &Placed<String>, place: Place, does: &str) -> Diagnostic {
    let message = format!(
        "whether this {does} the policy with the id {} is not known, as that entry has no name",
        quoted(&id.value)
    );
    Diagnostic::error("unclear-policy", id.place, message)
        .also(place, "this")
        .hint("name the policy by `name`, or keep the two apart by `kind`")
}

fn too_complicated(own: &Placed<Glob>, other: &Placed<Glob>) -> Diagnostic {
    let message = format!(
        "which policies both {} and {} mean is too complicated to say",
        quoted(own.value.as_str()),
        quoted(other.value.as_str())
    );
    Diagnostic::error("too-complicated", own.place, message)
        .also(other.place, "the other glob")
        .hint("use fewer `*` and `?`")
}
