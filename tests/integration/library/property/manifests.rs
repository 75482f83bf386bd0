//! Valid manifests for a tenant, and what they mean.
//!
//! What would make a manifest invalid is left out as it is built, by rules that are stated here
//! once more and share nothing with the program's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::Tenant;
use serde_json::json;

use super::build::{
    FILTERS, GROUPS, Key, Managed, Want, Whom, form, group, meaning, set_id, tenant,
};
use super::forms::Form;
use super::raw::{RawCase, RawEntry, RawTarget};

const GLOBS: [&str; 6] = ["*", "Win*", "?in - ?", "*a*", "*/*", "nobody*"];

/// A tenant, manifests for it, and what they mean.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) tenant: Tenant,
    pub(crate) texts: Vec<(String, String)>,
    pub(crate) write_with: WriteWith,
    /// By policy id.
    pub(crate) managed: BTreeMap<String, Managed>,
}

/// One target with the YAML that asks for it.
#[derive(Clone)]
struct Asked {
    key: Key,
    want: Want,
    yaml: String,
}

impl Case {
    pub(crate) fn new(raw: &RawCase) -> Self {
        let write_with = WriteWith::ALL[usize::from(raw.write_with) % 3];
        let mut builder = Builder {
            tenant: tenant(raw, write_with),
            managed: BTreeMap::new(),
            idle: false,
            create: write_with == WriteWith::Create,
        };
        let sets: Vec<Vec<Asked>> = raw.sets.iter().map(|set| builder.set(set)).collect();
        let mut files = vec![String::new(); 3];
        for entry in &raw.entries {
            let form = form(raw, entry.second);
            if let Some(yaml) = builder.entry(form, entry, &sets) {
                files[usize::from(entry.file) % 3].push_str(&yaml);
            }
        }
        let mut texts = vec![("0/sets.yaml".to_owned(), sets_yaml(&sets))];
        for (number, text) in files.into_iter().enumerate() {
            if !text.is_empty() {
                let text = format!("version: 1\npolicies:\n{text}");
                texts.push((format!("{number}.yml"), text));
            }
        }
        Self {
            tenant: builder.tenant,
            texts,
            write_with,
            managed: builder.managed,
        }
    }

    /// Whether no assignment of a policy may be removed.
    pub(crate) fn only_adds(&self, id: &str) -> bool {
        self.managed
            .get(id)
            .is_some_and(|managed| managed.additive && managed.absent.is_empty())
    }
}

struct Builder {
    tenant: Tenant,
    managed: BTreeMap<String, Managed>,
    /// Whether an entry that selects nothing is there already.
    idle: bool,
    /// Whether rows are written one by one. Then no manifest declares a row of a policy set: its
    /// delete could hit the direct row, which has the same id.
    create: bool,
}

impl Builder {
    /// Builds a target; one that a kind does not take becomes one that it does.
    fn ask(&self, raw: &RawTarget, form: Option<&Form>) -> Asked {
        let mut yaml = String::new();
        let whom = match raw.whom {
            0 => Whom::Devices,
            1 => Whom::Users,
            2..=4 => Whom::Group(group(&self.tenant, raw.index)),
            5 | 6 => Whom::Exclusion(group(&self.tenant, raw.index)),
            _ => Whom::Collection(format!("MEM0000{}", raw.index % 3)),
        };
        let whom = match form {
            Some(form) if !form.takes(&whom) => Whom::Group(group(&self.tenant, raw.index)),
            _ => whom,
        };
        match &whom {
            Whom::Devices => yaml.push_str("allDevices: true"),
            Whom::Users => yaml.push_str("allUsers: true"),
            Whom::Collection(id) => {
                let _ = write!(yaml, "collection: {id}");
            }
            Whom::Group(id) | Whom::Exclusion(id) => {
                let name = GROUPS[usize::from(raw.index) % GROUPS.len()];
                if raw.by_name && name != "SG-Twice" {
                    let name = if raw.upper_case {
                        name.to_uppercase()
                    } else {
                        name.to_owned()
                    };
                    let _ = write!(yaml, "group: {}", json!(name));
                } else {
                    let _ = write!(
                        yaml,
                        "groupId: {}",
                        if raw.upper_case {
                            id.to_uppercase()
                        } else {
                            id.clone()
                        }
                    );
                }
            }
            Whom::Fota(_) | Whom::ScopeTag(_) => {}
        }
        let mut want = Want {
            filter: None,
            set: None,
        };
        let mut from_set = false;
        if !matches!(whom, Whom::Exclusion(_)) {
            if let Some((number, excludes, by_name)) = raw.filter
                && form.is_none_or(|form| form.filters)
            {
                let index = usize::from(number) % FILTERS.len();
                let id = self.tenant.assignment_filters[index].id.clone();
                if by_name && FILTERS[index] != "Two" {
                    let _ = write!(yaml, "\n        filter: {}", json!(FILTERS[index]));
                } else {
                    let _ = write!(yaml, "\n        filterId: {id}");
                }
                if excludes {
                    yaml.push_str("\n        filterMode: exclude");
                }
                want.filter = Some((id, excludes));
            }
            if let Some(set) = raw.set
                && !self.create
                && form.is_none_or(|form| form.sets)
            {
                from_set = true;
                yaml.push_str("\n        source: policySets");
                if let Some(set) = set {
                    let _ = write!(yaml, "\n        sourceId: {}", set_id(set));
                    want.set = Some(set_id(set));
                }
            }
        }
        Asked {
            key: (whom, from_set),
            want,
            yaml,
        }
    }

    /// Builds a target set, which must not contradict itself.
    fn set(&self, raw: &[RawTarget]) -> Vec<Asked> {
        let mut set: Vec<Asked> = Vec::new();
        for target in raw {
            let asked = self.ask(target, None);
            if set.iter().all(|other| agree(other, &asked)) {
                set.push(asked);
            }
        }
        set
    }

    fn selected(&self, form: &Form, raw: &RawEntry) -> (Vec<String>, String) {
        let policies = self.tenant.policies(form.collection());
        let ids = |pick: &dyn Fn(&str) -> bool| {
            let found = policies.iter().filter(|policy| pick(&policy.name));
            found.map(|policy| policy.id.clone()).collect::<Vec<_>>()
        };
        if raw.selector >= 2 || policies.is_empty() {
            let glob = GLOBS[usize::from(raw.pick) % GLOBS.len()];
            let except = if raw.except { "Win - B*" } else { "" };
            let found = ids(&|name| fits(glob, name) && (except.is_empty() || !fits(except, name)));
            let mut yaml = format!("match: {}", json!(glob));
            if !except.is_empty() {
                let _ = write!(yaml, "\n    except: [{}]", json!(except));
            }
            return (found, yaml);
        }
        let policy = &policies[usize::from(raw.pick) % policies.len()];
        let unique = ids(&|name| name == policy.name).len() == 1;
        let yaml = if raw.selector == 0 && unique && !policy.name.trim().is_empty() {
            format!("name: {}", json!(policy.name))
        } else if raw.except && form.guids {
            format!("id: {}", policy.id.to_uppercase())
        } else {
            format!("id: {}", policy.id)
        };
        (vec![policy.id.clone()], yaml)
    }

    /// Builds an entry; none where it can't go with the others.
    fn entry(&mut self, form: &Form, raw: &RawEntry, sets: &[Vec<Asked>]) -> Option<String> {
        let (selected, selector) = self.selected(form, raw);
        if selected.is_empty() && std::mem::replace(&mut self.idle, true) {
            return None;
        }
        let modes: BTreeSet<bool> = selected
            .iter()
            .filter_map(|id| self.managed.get(id))
            .map(|managed| managed.additive)
            .collect();
        let additive = match Vec::from_iter(modes).as_slice() {
            [] => raw.additive,
            [one] => *one,
            _ => return None,
        };
        let mut taken: Vec<Asked> = Vec::new();
        let mut uses = BTreeSet::new();
        for number in &raw.uses {
            let set = &sets[usize::from(*number)];
            if set.iter().all(|asked| {
                fits_kind(form, asked) && self.goes(asked, &taken, &selected, additive)
            }) {
                uses.insert(format!("set-{number}"));
                taken.extend(set.iter().cloned());
            }
        }
        let mut own = Vec::new();
        for target in &raw.targets {
            let asked = self.ask(target, Some(form));
            if self.goes(&asked, &taken, &selected, additive) {
                taken.push(asked.clone());
                own.push(asked);
            }
        }
        let absent = match additive {
            true => self.absent(form, &raw.absent, &taken, &selected),
            false => Vec::new(),
        };
        for id in &selected {
            let managed = self.managed.entry(id.clone()).or_default();
            managed.additive = additive;
            managed
                .absent
                .extend(absent.iter().map(|asked| asked.key.0.either_side()));
            for asked in &taken {
                managed.wants.insert(asked.key.clone(), asked.want.clone());
            }
        }
        let kind = form.kind;
        let mode = if additive { "additive" } else { "exact" };
        let mut yaml = format!("  - kind: {kind}\n    {selector}\n    mode: {mode}\n");
        if kind == "mobileApp" {
            yaml.push_str("    intent: required\n");
        }
        if !uses.is_empty() {
            let uses: Vec<String> = uses.into_iter().collect();
            let _ = writeln!(yaml, "    use: [{}]", uses.join(", "));
        }
        yaml.push_str(&sides(&own, "    "));
        if !absent.is_empty() {
            yaml.push_str("    absent:\n");
        }
        for asked in absent {
            // Without the filter and the source.
            let target = asked.yaml.lines().next().unwrap_or_default();
            let _ = writeln!(yaml, "      - {target}");
        }
        Some(yaml)
    }

    /// Builds what must not be there, of which nothing is wanted.
    fn absent(
        &self,
        form: &Form,
        raw: &[RawTarget],
        taken: &[Asked],
        selected: &[String],
    ) -> Vec<Asked> {
        let managed = selected.iter().filter_map(|id| self.managed.get(id));
        let elsewhere = managed.flat_map(|managed| managed.wants.keys());
        let wanted: BTreeSet<Whom> = taken
            .iter()
            .map(|asked| &asked.key)
            .chain(elsewhere)
            .map(|(whom, _)| whom.either_side())
            .collect();
        raw.iter()
            .map(|target| self.ask(target, Some(form)))
            .filter(|asked| !wanted.contains(&asked.key.0.either_side()))
            .collect()
    }

    /// Whether a target goes with the entry's others, with what other entries want of the same
    /// policies, and with what is live there.
    fn goes(&self, asked: &Asked, taken: &[Asked], selected: &[String], additive: bool) -> bool {
        let with_wants = |managed: &Managed| {
            let is_absent = managed.absent.contains(&asked.key.0.either_side());
            !is_absent
                && managed.wants.iter().all(|(key, want)| {
                    let other = Asked {
                        key: key.clone(),
                        want: want.clone(),
                        yaml: String::new(),
                    };
                    agree(&other, asked)
                })
        };
        let with_live = |id: &String| {
            let mut policies = super::policies(&self.tenant);
            let policy = policies.find(|(_, policy)| policy.id == *id);
            policy.is_none_or(|(_, policy)| {
                policy.assignments.iter().all(|row| {
                    let (live, _) = meaning(row);
                    let opposed = opposed(&live.0, &asked.key.0);
                    // Additive never removes; and no one takes a policy set's place from it.
                    !(opposed && (additive || (live.1 && asked.key.1)))
                })
            })
        };
        taken.iter().all(|other| agree(other, asked))
            && selected
                .iter()
                .filter_map(|id| self.managed.get(id))
                .all(with_wants)
            && selected.iter().all(with_live)
    }
}

/// Whether a kind takes a target of a set.
fn fits_kind(form: &Form, asked: &Asked) -> bool {
    let Asked {
        key: (whom, from_set),
        want,
        ..
    } = asked;
    form.takes(whom) && (form.filters || want.filter.is_none()) && (form.sets || !from_set)
}

/// Whether one policy can have both.
fn agree(one: &Asked, other: &Asked) -> bool {
    if opposed(&one.key.0, &other.key.0) {
        return false;
    }
    one.key != other.key || one.want == other.want
}

/// Whether one group is included and excluded.
fn opposed(one: &Whom, other: &Whom) -> bool {
    match (one, other) {
        (Whom::Group(one), Whom::Exclusion(other)) | (Whom::Exclusion(one), Whom::Group(other)) => {
            one == other
        }
        _ => false,
    }
}

fn sides(targets: &[Asked], indent: &str) -> String {
    let mut yaml = String::new();
    for (side, excluded) in [("include", false), ("exclude", true)] {
        let rows: Vec<&Asked> = targets
            .iter()
            .filter(|asked| matches!(asked.key.0, Whom::Exclusion(_)) == excluded)
            .collect();
        if rows.is_empty() {
            let _ = writeln!(yaml, "{indent}{side}: []");
            continue;
        }
        let _ = writeln!(yaml, "{indent}{side}:");
        for asked in rows {
            let _ = writeln!(yaml, "      - {}", asked.yaml);
        }
    }
    yaml
}

fn sets_yaml(sets: &[Vec<Asked>]) -> String {
    let mut yaml = "version: 1\ntargets:\n".to_owned();
    for (number, set) in sets.iter().enumerate() {
        let _ = writeln!(yaml, "  set-{number}:");
        yaml.push_str(&sides(set, "    "));
    }
    yaml
}

/// A glob, the slow and certain way.
fn fits(glob: &str, name: &str) -> bool {
    let mut rest = name.chars();
    match glob.chars().next() {
        None => name.is_empty(),
        Some('*') => fits(&glob[1..], name) || (rest.next().is_some() && fits(glob, rest.as_str())),
        Some('?') => rest.next().is_some() && fits(&glob[1..], rest.as_str()),
        Some(letter) => {
            rest.next() == Some(letter) && fits(&glob[letter.len_utf8()..], rest.as_str())
        }
    }
}
