//! What manifests say for one tenant, as a plain manifest: one that names no tenants, variables or sets, and
//! plans to the same.

use serde_json::{Map, Value};

use super::yaml::{self, push, scalar};
use crate::kinds::{app_settings, properties};
use crate::manifest::tenants::escaped;
use crate::manifest::{
    Entry, FilterReference, Manifest, Mode, NameOrId, Selector, TargetReference, Tenant,
    WantedProperties, WantedSetting, WantedTarget,
};
use crate::model::{FilterMode, Source};
use crate::render::clean::clean;

/// Writes a tenant's manifest.
pub fn manifest(tenant: &Tenant, manifest: &Manifest) -> String {
    let mut text = String::new();
    let title = format!("# Tenant {} ({})", tenant.name, tenant.tenant_id);
    push(&mut text, 0, &clean(&title));
    push(&mut text, 0, "version: 1\n");
    if manifest.entries.is_empty() {
        push(&mut text, 0, "policies: []");
        return text;
    }
    push(&mut text, 0, "policies:");
    for (number, entry) in manifest.entries.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        self::entry(&mut text, entry);
    }
    text
}

fn entry(text: &mut String, entry: &Entry) {
    let Entry {
        kind,
        selector,
        odata_type,
        mode,
        mode_place: _,
        targets,
        absent,
        place: _,
        kind_place: _,
        selector_place: _,
    } = entry;
    push(text, 2, &format!("- kind: {kind}"));
    match selector {
        Selector::Name(name) => push(text, 4, &format!("name: {}", named(&name.value))),
        Selector::Id(id) => push(text, 4, &format!("id: {}", scalar(&id.value))),
        Selector::Match { pattern, except } => {
            let pattern = named(pattern.value.as_str());
            push(text, 4, &format!("match: {pattern}"));
            if !except.is_empty() {
                push(text, 4, "except:");
            }
            for glob in except {
                push(text, 6, &format!("- {}", named(glob.value.as_str())));
            }
        }
    }
    if let Some(odata_type) = odata_type {
        push(text, 4, &format!("type: {}", scalar(&odata_type.value)));
    }
    if *mode == Mode::Additive {
        push(text, 4, "mode: additive");
    }
    let (excluded, included): (Vec<&WantedTarget>, Vec<&WantedTarget>) = targets
        .iter()
        .partition(|target| target.target.is_exclusion());
    if included.is_empty() && excluded.is_empty() {
        push(text, 4, "include: []");
    }
    for (key, targets) in [("include", included), ("exclude", excluded)] {
        if !targets.is_empty() {
            push(text, 4, &format!("{key}:"));
        }
        for target in targets {
            self::target(text, target);
        }
    }
    if !absent.is_empty() {
        push(text, 4, "absent:");
    }
    for target in absent {
        self::target(text, target);
    }
}

fn target(text: &mut String, target: &WantedTarget) {
    let WantedTarget {
        place: _,
        also: _,
        via: _,
        target,
        filter,
        source,
        source_id,
        properties,
        optional,
    } = target;
    push(text, 6, &format!("- {}", audience(target)));
    if let Some(filter) = filter {
        self::filter(text, filter);
    }
    if *source != Source::Direct {
        push(text, 8, "source: policySets");
    }
    if let Some(id) = source_id {
        push(text, 8, &format!("sourceId: {}", scalar(id)));
    }
    if let Some(properties) = properties {
        self::properties(text, properties);
    }
    if *optional {
        push(text, 8, "optional: true");
    }
}

fn filter(text: &mut String, filter: &FilterReference) {
    let FilterReference {
        place: _,
        filter,
        mode,
    } = filter;
    let line = match filter {
        NameOrId::Name(name) => format!("filter: {}", named(name)),
        NameOrId::Id(id) => format!("filterId: {id}"),
    };
    push(text, 8, &line);
    if *mode == FilterMode::Exclude {
        push(text, 8, "filterMode: exclude");
    }
}

fn properties(text: &mut String, properties: &WantedProperties) {
    let WantedProperties {
        intent,
        settings,
        schedule,
        remediation,
    } = properties;
    yaml::properties(
        text,
        8,
        intent.as_ref().map(|intent| intent.value),
        settings.as_ref().and_then(|all| nested(&all.value)),
        schedule.as_ref().map(|schedule| schedule.value.as_str()),
    );
    if let Some(remediation) = remediation {
        let line = format!("runRemediationScript: {}", remediation.value);
        push(text, 8, &line);
    }
}

/// Returns settings as one value. Where the service fills in what is asked for, that is written out.
fn nested(settings: &[WantedSetting]) -> Option<Map<String, Value>> {
    let pairs = settings.iter().filter_map(|setting| {
        let default = || app_settings::default_of(&setting.name);
        Some((
            &*setting.name,
            setting.value.value.as_deref().or_else(default)?,
        ))
    });
    properties::nested("settings", pairs)
}

fn audience(target: &TargetReference) -> String {
    match target {
        TargetReference::AllDevices => "allDevices: true".to_owned(),
        TargetReference::AllUsers => "allUsers: true".to_owned(),
        TargetReference::Collection(id) => format!("collection: {}", named(id)),
        TargetReference::Group(group) | TargetReference::ExclusionGroup(group) => match group {
            NameOrId::Name(name) => format!("group: {}", named(name)),
            NameOrId::Id(id) => format!("groupId: {id}"),
        },
    }
}

/// Spells a name in which variables could stand.
fn named(name: &str) -> String {
    scalar(&escaped(name))
}
