//! The desired state of each policy, worked out row by row.

use std::collections::BTreeMap;

use assignctl::plan::writes::WriteWith;
use assignctl_sandbox::{Assignment, Policy, Tenant};
use serde_json::{Map, Value};

use super::build::{Key, Want, Whom, meaning};
use super::forms::Form;
use super::manifests::Case;

/// What each managed policy shall have, by policy id.
pub(crate) type Desired = BTreeMap<String, BTreeMap<Key, Want>>;

pub(crate) fn desired(case: &Case) -> Desired {
    desired_in(&case.tenant, case)
}

/// What the case's manifests ask of another state of its tenant.
pub(crate) fn desired_in(tenant: &Tenant, case: &Case) -> Desired {
    let mut desired = Desired::new();
    for (_, policy) in super::policies(tenant) {
        let Some(managed) = case.managed.get(&policy.id) else {
            continue;
        };
        let mut rows: BTreeMap<Key, Want> = managed.wants.clone();
        for live in &policy.assignments {
            let (key, live) = meaning(live);
            match rows.get_mut(&key) {
                // A row of a policy set that is declared without one is content with any.
                Some(want) => want.set = want.set.take().or(live.set),
                None => {
                    let unknown = matches!(key.0, Whom::Fota(_) | Whom::ScopeTag(_));
                    let absent = managed.absent.contains(&key.0.either_side());
                    if (managed.additive && !absent) || key.1 || unknown {
                        rows.insert(key, live);
                    }
                }
            }
        }
        desired.insert(policy.id.clone(), rows);
    }
    desired
}

fn meanings(policy: &Policy) -> BTreeMap<Key, Want> {
    let rows: BTreeMap<Key, Want> = policy.assignments.iter().map(meaning).collect();
    assert_eq!(rows.len(), policy.assignments.len(), "a row stands twice");
    rows
}

/// Whether a policy is not as it shall be; one that no one manages always is.
pub(crate) fn differs(desired: &Desired, policy: &Policy) -> bool {
    desired
        .get(&policy.id)
        .is_some_and(|desired| *desired != meanings(policy))
}

pub(crate) fn assert_desired(
    desired: &Desired,
    form: &Form,
    [old, new]: [&Policy; 2],
    write_with: WriteWith,
) {
    assert_eq!(Some(&meanings(new)), desired.get(&new.id), "{}", new.name);
    assert_eq!(old.name, new.name);
    assert_eq!(old.properties, new.properties);
    let one_by_one = form.single || write_with == WriteWith::Create;
    for row in &new.assignments {
        let (key, want) = meaning(row);
        let found = old.assignments.iter().find(|old| meaning(old).0 == key);
        match found {
            None => {
                assert_eq!(row.properties, form.fresh());
                assert_eq!(unknown(row), Map::new());
            }
            // A row that is deleted and made again keeps what only the service knew where that takes it.
            Some(old) if one_by_one && meaning(old).1 != want => {}
            Some(old) => {
                assert_eq!(old.properties, row.properties);
                assert_eq!(unknown(old), unknown(row));
            }
        }
    }
}

pub(crate) fn assert_nothing_removed(old: &Policy, new: &Policy) {
    let now = meanings(new);
    for key in meanings(old).keys() {
        assert!(now.contains_key(key), "{key:?} was removed");
    }
}

/// The properties of a target that say nothing to the program.
fn unknown(row: &Assignment) -> Map<String, Value> {
    let mut target = row.target.clone();
    target.retain(|name, _| name == "mystery" || name == "targetedFor");
    target
}
