//! What a document says for one tenant: variables filled in, and without what is meant for others.

use std::collections::{BTreeMap, HashSet};
use std::rc::Rc;

use super::declared::{Declared, DeclaredTenant};
use super::variables::{self, Fault};
use crate::diagnostic::{Diagnostic, Place};
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::fields;
use crate::manifest::yaml::tree::{Document, Item, Node, Pair, Value};
use crate::text::quoted;

/// How long a text may become, and how much all of them together: a few variables in many lines can
/// stand for very much.
const LONGEST: usize = 1_000;
const MOST_FILLED: usize = 64 * 1024 * 1024;

/// What was used and what applied, for all tenants together.
#[derive(Default)]
pub(super) struct Usage<'d> {
    /// Variables that were used, with the name of the tenant.
    used: HashSet<(Option<&'d str>, &'d str)>,
    /// What is meant for some tenants only, by place, and whether it was for any.
    applied: BTreeMap<Place, bool>,
    /// Whether something was wrong that may hide a use.
    faulty: bool,
}

impl Usage<'_> {
    /// Warns of variables that nothing uses, and of what is for no tenant.
    pub(super) fn report(&self, declared: &Declared, diagnostics: &mut Diagnostics) {
        for (place, _) in self.applied.iter().filter(|(_, applied)| !**applied) {
            diagnostics.push(
                Diagnostic::warning("no-tenant-left", *place, "this applies to no tenant")
                    .hint("what `onlyTenants` lists is listed by `exceptTenants` too"),
            );
        }
        if self.faulty || diagnostics.errors() > 0 {
            return;
        }
        let used_anywhere = |name: &str| self.used.iter().any(|(_, used)| *used == name);
        for (name, value) in &declared.variables {
            if !used_anywhere(name) {
                let message = format!("the variable {} is not used", quoted(name));
                diagnostics.push(unused(value.place, message));
            }
        }
        for own in &declared.tenants {
            let tenant = own.tenant.name.as_str();
            for (name, value) in &own.variables {
                if !self.used.contains(&(Some(tenant), name.as_str())) {
                    let name = quoted(name);
                    let message =
                        format!("the variable {name} is not used, in the tenant `{tenant}`");
                    diagnostics.push(unused(value.place, message));
                }
            }
        }
    }
}

fn unused(place: Place, message: String) -> Diagnostic {
    Diagnostic::warning("unused-variable", place, message).hint(
        "variables are written as `${name}` in names of policies, groups, filters and collections",
    )
}

/// Whether a text may hold what is for some tenants only. Escapes may spell anything. It is asked once a
/// text, since a text may have very many documents.
pub(super) fn may_say_more(text: &str) -> bool {
    ["${", "Tenants", "\\"]
        .iter()
        .any(|part| text.contains(part))
}

/// One tenant's view of the manifests, or that of the only one.
pub(super) struct Scope<'s, 'd> {
    declared: &'d Declared,
    pub(super) own: Option<&'d DeclaredTenant>,
    usage: &'s mut Usage<'d>,
    left: usize,
}

impl<'s, 'd> Scope<'s, 'd> {
    pub(super) fn new(
        declared: &'d Declared,
        own: Option<&'d DeclaredTenant>,
        usage: &'s mut Usage<'d>,
    ) -> Self {
        Self {
            declared,
            own,
            usage,
            left: MOST_FILLED,
        }
    }

    /// Returns what a document says for the tenant. `may_say_more` is [`may_say_more`] of its text.
    pub(super) fn document(
        &mut self,
        may_say_more: bool,
        document: &Document,
        diagnostics: &mut Diagnostics,
    ) -> Document {
        let root = match may_say_more {
            true => mapping(&document.root, |pair| match &*pair.key {
                "targets" => mapping(&pair.value, |set| self.set(&set.value, diagnostics)),
                "policies" => list(&pair.value, |item| self.entry(item, diagnostics)),
                _ => pair.value.clone(),
            }),
            false => document.root.clone(),
        };
        Document {
            place: document.place,
            root,
        }
    }

    fn set(&mut self, item: &Item, diagnostics: &mut Diagnostics) -> Item {
        mapping(item, |pair| self.member(pair, diagnostics))
    }

    /// Returns what an entry says for the tenant, if it is meant for it.
    pub(super) fn entry(&mut self, item: &Item, diagnostics: &mut Diagnostics) -> Option<Item> {
        self.applies(item, diagnostics)
            .then(|| mapping(item, |pair| self.member(pair, diagnostics)))
    }

    /// Fills in the part of an entry or of a set.
    fn member(&mut self, pair: &Pair, diagnostics: &mut Diagnostics) -> Item {
        match &*pair.key {
            "name" | "match" => self.text(&pair.value, diagnostics),
            "except" => list(&pair.value, |item| Some(self.text(item, diagnostics))),
            "include" | "exclude" | "absent" => {
                list(&pair.value, |item| self.target(item, diagnostics))
            }
            _ => pair.value.clone(),
        }
    }

    fn target(&mut self, item: &Item, diagnostics: &mut Diagnostics) -> Option<Item> {
        self.applies(item, diagnostics).then(|| {
            mapping(item, |pair| match &*pair.key {
                "group" | "filter" | "collection" => self.text(&pair.value, diagnostics),
                _ => pair.value.clone(),
            })
        })
    }

    /// Whether an entry or a target is meant for the tenant. A fault counts as yes, so that what it
    /// stands beside is checked too.
    fn applies(&mut self, item: &Item, diagnostics: &mut Diagnostics) -> bool {
        let Value::Mapping(pairs) = &item.node.value else {
            return true;
        };
        let find = |key: &str| pairs.iter().find(|pair| &*pair.key == key);
        let (only, except) = (find("onlyTenants"), find("exceptTenants"));
        if only.is_none() && except.is_none() {
            return true;
        }
        let before = diagnostics.errors();
        let is_listed = only.is_none_or(|pair| self.is_listed(pair, diagnostics));
        let is_excepted = except.is_some_and(|pair| self.is_listed(pair, diagnostics));
        if diagnostics.errors() > before {
            self.usage.faulty = true;
            return true;
        }
        let applies = is_listed && !is_excepted;
        *self.usage.applied.entry(item.node.place).or_default() |= applies;
        applies
    }

    fn is_listed(&self, pair: &Pair, diagnostics: &mut Diagnostics) -> bool {
        let Some(items) = fields::list(pair, diagnostics) else {
            return false;
        };
        if items.is_empty() {
            let message = format!("`{}` must not be empty", pair.key);
            diagnostics.push(Diagnostic::error("empty-value", pair.place, message));
        }
        let mut is_listed = false;
        for item in items {
            let Some(text) = fields::text(item, &pair.key, diagnostics) else {
                continue;
            };
            if !self.declared.knows(&text.value) {
                let message = format!("no tenant or label is called {}", quoted(&text.value));
                let error = Diagnostic::error("unknown-tenant", text.place, message);
                let near = diagnostics.did_you_mean(&text.value, self.declared.names());
                diagnostics.push(error.hint(near.unwrap_or_else(|| {
                    "define tenants below `tenants`, in any file of the run".to_owned()
                })));
            }
            is_listed |= self
                .own
                .is_some_and(|own| own.tenant.is_called(&text.value));
        }
        is_listed
    }

    /// Fills the variables of a text in.
    fn text(&mut self, item: &Item, diagnostics: &mut Diagnostics) -> Item {
        let Value::Scalar { text, .. } = &item.node.value else {
            return item.clone();
        };
        if !text.contains("${") {
            return item.clone();
        }
        let own = self.own.map(|own| &own.variables);
        let tenant = self.own.map(|own| own.tenant.name.as_str());
        let (shared, used) = (&self.declared.variables, &mut self.usage.used);
        let filled = variables::filled(text, |name| {
            let (name, value) = own
                .and_then(|own| own.get_key_value(name))
                .or_else(|| shared.get_key_value(name))?;
            used.insert((tenant, name));
            Some(&value.value)
        });
        let place = item.node.place;
        match filled {
            Ok(text) => {
                let is_too_long = text.chars().nth(LONGEST).is_some();
                match self.left.checked_sub(text.len()) {
                    Some(left) if !is_too_long => self.left = left,
                    _ => {
                        let message = "with its variables the text is too long";
                        diagnostics.push(Diagnostic::error("too-long", place, message));
                        return with_value(item, Value::Broken);
                    }
                }
                // What a variable says is text, whatever it looks like.
                with_value(item, Value::Scalar { text, plain: false })
            }
            Err(faults) => {
                self.usage.faulty = true;
                for fault in faults {
                    let known = self.known_variables();
                    diagnostics.push(diagnostic(&fault, place, &known));
                }
                with_value(item, Value::Broken)
            }
        }
    }

    fn known_variables(&self) -> Vec<&'d str> {
        let own = self.own.into_iter().flat_map(|own| own.variables.keys());
        let shared = self.declared.variables.keys();
        let mut known: Vec<&str> = shared.chain(own).map(String::as_str).collect();
        known.sort_unstable();
        known.dedup();
        known
    }
}

fn diagnostic(fault: &Fault, place: Place, known: &[&str]) -> Diagnostic {
    const LITERAL: &str = "write `$${` for a literal `${`";
    match fault {
        Fault::Open => Diagnostic::error("bad-variable", place, "`${` without `}`").hint(LITERAL),
        Fault::NotAName(name) => {
            let message = format!("{} cannot name a variable", quoted(name));
            Diagnostic::error("bad-variable", place, message).hint(LITERAL)
        }
        Fault::Unknown(name) => {
            let message = format!("unknown variable {}", quoted(name));
            let near = crate::diagnostic::nearest(name, known.iter().copied());
            let hint = match near {
                Some(near) => format!("did you mean `${{{near}}}`?"),
                None if known.is_empty() => {
                    format!("define it below `vars`, in any file of the run; {LITERAL}")
                }
                None => {
                    const MOST: usize = 10;
                    let named = known.iter().take(MOST);
                    let named: Vec<String> = named.map(|name| format!("`${{{name}}}`")).collect();
                    let others = if known.len() > MOST { ", …" } else { "" };
                    let named = named.join(", ");
                    format!("define it below `vars`; known: {named}{others}")
                }
            };
            Diagnostic::error("unknown-variable", place, message).hint(hint)
        }
    }
}

/// Makes a mapping with other values.
fn mapping(item: &Item, mut change: impl FnMut(&Pair) -> Item) -> Item {
    let Value::Mapping(pairs) = &item.node.value else {
        return item.clone();
    };
    let pairs = pairs.iter().map(|pair| Pair {
        value: change(pair),
        ..pair.clone()
    });
    with_value(item, Value::Mapping(pairs.collect()))
}

/// Makes a list with other parts, or without some.
fn list(item: &Item, change: impl FnMut(&Item) -> Option<Item>) -> Item {
    let Value::List(items) = &item.node.value else {
        return item.clone();
    };
    with_value(item, Value::List(items.iter().filter_map(change).collect()))
}

fn with_value(item: &Item, value: Value) -> Item {
    Item {
        node: Rc::new(Node {
            place: item.node.place,
            value,
            weight: item.node.weight,
            height: item.node.height,
        }),
        alias: item.alias,
    }
}
