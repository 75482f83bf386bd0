//! The tenant's policies, and how entries find theirs.

use std::collections::{BTreeSet, HashMap};

use super::list;
use super::suggest::Candidates;
use crate::diagnostic::{Diagnostic, Severity};
use crate::look_alike::{folded, in_quotes};
use crate::manifest::{Entry, Glob, GlobSet, Placed, Selector};
use crate::model::{LivePolicy, LiveTenant, PolicyKind};

/// The tenant's policies by name and id.
pub(super) struct PolicyIndex<'a> {
    live: &'a LiveTenant,
    by_name: HashMap<(PolicyKind, &'a str), Vec<usize>>,
    by_id: HashMap<(PolicyKind, String), usize>,
}

impl<'a> PolicyIndex<'a> {
    pub(super) fn new(live: &'a LiveTenant) -> Self {
        let mut by_name: HashMap<(PolicyKind, &str), Vec<usize>> = HashMap::new();
        let mut by_id = HashMap::new();
        for (position, policy) in live.policies.iter().enumerate() {
            let same_name = by_name.entry((policy.kind, &*policy.name)).or_default();
            same_name.push(position);
            by_id.insert((policy.kind, policy.id.to_lowercase()), position);
        }
        Self {
            live,
            by_name,
            by_id,
        }
    }

    /// Finds the entries that select each policy: their numbers, in the order of the entries.
    pub(super) fn entries_of_policies(
        &self,
        entries: &[Entry],
        strict: bool,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Vec<Vec<usize>> {
        let mut selected: Vec<Vec<usize>> = vec![Vec::new(); self.live.policies.len()];
        let mut is_of_use = vec![false; entries.len()];
        let mut hints = Hints::new(self);
        let mut globs = Vec::new();
        for (number, entry) in entries.iter().enumerate() {
            let found = match &entry.selector {
                Selector::Name(name) => self.by_name(entry, name, &mut hints),
                Selector::Id(id) => self.by_id(entry, id),
                Selector::Match { pattern, .. } => {
                    globs.push((&pattern.value, number));
                    continue;
                }
            };
            match found {
                Ok(position) => selected[position].push(number),
                Err(error) => diagnostics.push(*error),
            }
        }
        let globs = GlobSet::new(globs);
        for (policy, selected) in self.live.policies.iter().zip(&mut selected) {
            for number in globs.matches(&policy.name) {
                let entry = &entries[number];
                if entry.kind == policy.kind
                    && is_of_type(entry, policy)
                    && !policy.is_tenant_default
                    && !entry.selector.excludes(&policy.name)
                {
                    is_of_use[number] = true;
                    selected.push(number);
                }
            }
            selected.sort_unstable();
        }
        // What is written once for several kinds stands there once for each.
        let mut numbered: &[Entry] = entries;
        let mut used: &[bool] = &is_of_use;
        while let [first, ..] = numbered {
            let same = numbered.iter();
            let same = same.take_while(|entry| entry.place == first.place).count();
            let (written, rest) = numbered.split_at(same);
            let (used_here, used_later) = used.split_at(same);
            if let Selector::Match { pattern, .. } = &first.selector
                && !used_here.contains(&true)
            {
                let kinds: Vec<PolicyKind> = written.iter().map(|entry| entry.kind).collect();
                let nothing = selects_nothing(&kinds, first, pattern, strict, &mut hints);
                diagnostics.push(nothing);
            }
            (numbered, used) = (rest, used_later);
        }
        selected
    }

    fn by_name(
        &self,
        entry: &Entry,
        name: &Placed<String>,
        hints: &mut Hints<'_, 'a>,
    ) -> Result<usize, Box<Diagnostic>> {
        let kind = entry.kind;
        let found = self.by_name.get(&(kind, name.value.as_str()));
        let found = found.map_or(&[][..], Vec::as_slice);
        let mut own: Vec<usize> = found
            .iter()
            .copied()
            .filter(|index| !self.live.policies[*index].is_tenant_default)
            .collect();
        if let Some(named) = &entry.odata_type {
            let of_other_types = own.clone();
            own.retain(|index| is_of_type(entry, &self.live.policies[*index]));
            if own.is_empty() && !of_other_types.is_empty() {
                let message = format!(
                    "the tenant has no {kind} `{}` of the type `{}`",
                    name.value, named.value
                );
                let unknown = Diagnostic::error("unknown-policy", named.place, message);
                let types = self.ids_and_types(&of_other_types);
                return Err(unknown.hint(format!("there is: {types}")).into());
            }
        }
        Err(Box::new(match own.as_slice() {
            [one] => return Ok(*one),
            [] if !found.is_empty() => tenant_default(kind, name),
            [] => {
                let unknown = Diagnostic::error(
                    "unknown-policy",
                    name.place,
                    format!("the tenant has no {kind} `{}`", name.value),
                );
                match self.other_kind(kind, &name.value) {
                    Some(other) => unknown.hint(format!("there is a {other} of that name")),
                    None => unknown.hint(
                        hints
                            .of_name(kind, &name.value)
                            .as_deref()
                            .unwrap_or("policy names are case-sensitive"),
                    ),
                }
            }
            several => {
                let number = several.len();
                let types = several.iter();
                let types: BTreeSet<_> = types
                    .map(|index| &self.live.policies[*index].odata_type)
                    .collect();
                let how = match kind.spec().polymorphic && types.len() == number {
                    true => "name one with `type` or `id`",
                    false => "name one with `id`",
                };
                let message = format!("the tenant has {number} {kind} objects `{}`", name.value);
                let error = Diagnostic::error("ambiguous-policy", name.place, message);
                error.hint(format!("{how}: {}", self.ids_and_types(several)))
            }
        }))
    }

    fn by_id(&self, entry: &Entry, id: &Placed<String>) -> Result<usize, Box<Diagnostic>> {
        let kind = entry.kind;
        let Some(index) = self.by_id.get(&(kind, id.value.to_lowercase())).copied() else {
            let message = format!("the tenant has no {kind} with the id `{}`", id.value);
            let unknown = Diagnostic::error("unknown-policy", id.place, message);
            let hint = "the id may belong to another kind, or the policy may have been deleted";
            return Err(unknown.hint(hint).into());
        };
        let policy = &self.live.policies[index];
        if policy.is_tenant_default {
            return Err(tenant_default(kind, id).into());
        }
        if !is_of_type(entry, policy) {
            let named = entry.odata_type.as_ref();
            let place = named.map_or(id.place, |named| named.place);
            let message = format!("the {kind} `{}` is of another type", id.value);
            let unknown = Diagnostic::error("unknown-policy", place, message);
            let types = self.ids_and_types(&[index]);
            return Err(unknown.hint(format!("there is: {types}")).into());
        }
        Ok(index)
    }

    /// Lists policies by id, with their types if these are known.
    fn ids_and_types(&self, policies: &[usize]) -> String {
        let ids: Vec<String> = policies
            .iter()
            .map(|index| {
                let policy = &self.live.policies[*index];
                match &policy.odata_type {
                    Some(odata_type) => format!("{} ({odata_type})", policy.id),
                    None => policy.id.clone(),
                }
            })
            .collect();
        list(ids.iter().map(String::as_str))
    }

    /// Returns another kind that has a policy of a name, among the kinds that were read.
    fn other_kind(&self, kind: PolicyKind, name: &str) -> Option<PolicyKind> {
        PolicyKind::all()
            .filter(|other| *other != kind)
            .find(|other| self.by_name.contains_key(&(*other, name)))
    }

    fn names_of(&self, kind: PolicyKind) -> impl Iterator<Item = &'a str> {
        self.live
            .policies
            .iter()
            .filter(move |policy| policy.kind == kind)
            .map(|policy| &*policy.name)
    }
}

/// Whether a policy is of the type that an entry names, if it names one.
fn is_of_type(entry: &Entry, policy: &LivePolicy) -> bool {
    entry.odata_type.as_ref().is_none_or(|named| {
        let odata_type = policy.odata_type.as_deref();
        odata_type.is_some_and(|known| known.eq_ignore_ascii_case(&named.value))
    })
}

/// The configuration that every tenant has is fixed to all devices or all users.
fn tenant_default(kind: PolicyKind, named: &Placed<String>) -> Diagnostic {
    Diagnostic::error(
        "tenant-default",
        named.place,
        format!(
            "the {kind} `{}` is the tenant's default, which takes no assignments",
            named.value
        ),
    )
    .hint("use one created in this tenant")
}

fn selects_nothing(
    kinds: &[PolicyKind],
    entry: &Entry,
    pattern: &Placed<Glob>,
    strict: bool,
    hints: &mut Hints<'_, '_>,
) -> Diagnostic {
    let severity = match strict {
        true => Severity::Error,
        false => Severity::Warning,
    };
    let diagnostic = Diagnostic::new(
        severity,
        "match-selects-nothing",
        Some(pattern.place),
        match (kinds, &entry.odata_type) {
            ([kind], None) => format!("`{}` selects no {kind} of this tenant", pattern.value),
            ([kind], Some(named)) => format!(
                "`{}` selects no {kind} of the type `{}` of this tenant",
                pattern.value, named.value
            ),
            (kinds, _) => format!(
                "`{}` selects no policy of the {} kinds in this tenant",
                pattern.value,
                kinds.len()
            ),
        },
    );
    let near = kinds
        .iter()
        .find_map(|kind| hints.near_match(*kind, &pattern.value));
    match near {
        Some(_) if entry.odata_type.is_some() => diagnostic,
        Some(name) if pattern.value.matches(name) => {
            diagnostic.hint("`except` leaves out all that it matches")
        }
        Some(name) if same_but_for_case(&pattern.value, name) => {
            diagnostic.hint(format!("globs are case-sensitive: there is `{name}`"))
        }
        Some(name) => diagnostic.hint(format!(
            "there is `{name}`, with other spaces, dashes or invisible characters{}",
            in_quotes(name).map_or_else(String::new, |quoted| format!(": {quoted}"))
        )),
        None => diagnostic,
    }
}

fn same_but_for_case(pattern: &Glob, name: &str) -> bool {
    Glob::new(pattern.as_str().to_lowercase()).matches(&name.to_lowercase())
}

/// Looks for what was meant. The names of a kind are gathered with the first fault.
struct Hints<'i, 'a> {
    index: &'i PolicyIndex<'a>,
    by_kind: HashMap<PolicyKind, Candidates<'a>>,
    /// How many globs are still tried on every name.
    globs: usize,
}

impl<'i, 'a> Hints<'i, 'a> {
    const MOST_GLOBS: usize = 50;

    fn new(index: &'i PolicyIndex<'a>) -> Self {
        Self {
            index,
            by_kind: HashMap::new(),
            globs: Self::MOST_GLOBS,
        }
    }

    fn of_name(&mut self, kind: PolicyKind, name: &str) -> Option<String> {
        self.by_kind
            .entry(kind)
            .or_insert_with(|| Candidates::new(self.index.names_of(kind), true))
            .hint(name)
    }

    /// Returns a policy that a glob would match if only letters counted: neither their case, nor
    /// the kinds of blanks and dashes.
    fn near_match(&mut self, kind: PolicyKind, pattern: &Glob) -> Option<&'a str> {
        self.globs = self.globs.checked_sub(1)?;
        let text = pattern.as_str();
        let glob = Glob::new(folded(text));
        let mut names = self.index.names_of(kind);
        names.find(|name| glob.matches(&folded(name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest;

    /// Returns the names of the policies that an entry of this text selects.
    fn selected(selector: &str) -> Vec<String> {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let text = format!(
            "version: 1\npolicies:\n- kind: configurationPolicy\n  {selector}\n  include: [allUsers]\n"
        );
        let loaded = manifest::read_texts(vec![("m.yaml".to_owned(), text)]);
        let names = ["Win", "Win - A", "win", "Mac"];
        let live = LiveTenant {
            policies: (0..)
                .zip(names)
                .map(|(number, name)| {
                    let id = format!("ABC00000-0000-4000-8000-00000000000{number}");
                    LivePolicy::new(kind, id, name.to_owned(), None, Vec::new())
                })
                .collect(),
            ..LiveTenant::default()
        };
        let entries = &loaded.manifest.entries;
        let found = PolicyIndex::new(&live).entries_of_policies(entries, false, &mut Vec::new());
        names
            .into_iter()
            .zip(found)
            .filter(|(_, entries)| !entries.is_empty())
            .map(|(name, _)| name.to_owned())
            .collect()
    }

    #[test]
    fn names_and_globs_know_case_and_ids_do_not() {
        assert_eq!(selected("name: Win"), ["Win"]);
        assert_eq!(selected("name: W*"), [""; 0]);
        assert_eq!(selected("match: W*"), ["Win", "Win - A"]);
        assert_eq!(selected("match: '*'\n  except: ['*in', Mac]"), ["Win - A"]);
        let id = "id: abc00000-0000-4000-8000-000000000003";
        assert_eq!(selected(id), ["Mac"]);
    }
}
