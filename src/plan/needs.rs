//! What has to be read of the tenant before manifests can be compared with it.

use std::collections::BTreeSet;

use crate::manifest::{Manifest, NameOrId, TargetReference};
use crate::model::Needs;

/// Collects what the manifests need.
pub fn needs(manifest: &Manifest) -> Needs {
    let mut needs = Needs::default();
    let mut seen = BTreeSet::new();
    for entry in &manifest.entries {
        needs.kinds.insert(entry.kind);
        needs.filters |= entry.targets.iter().any(|target| target.filter.is_some());
        let wanted = entry.targets.iter().map(|target| &target.target);
        let absent = entry.absent.iter().map(|target| &target.target);
        for target in wanted.chain(absent) {
            let (TargetReference::Group(group) | TargetReference::ExclusionGroup(group)) = target
            else {
                continue;
            };
            match group {
                NameOrId::Name(name) => {
                    if seen.insert(name.to_lowercase()) {
                        needs.group_names.insert(name.clone());
                    }
                }
                NameOrId::Id(id) => {
                    needs.group_ids.insert(id.to_string());
                }
            }
        }
    }
    needs
}
