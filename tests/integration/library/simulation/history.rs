//! What each policy has been, and when: the truth that reports are held against.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use assignctl::model::{self, Source, Target};
use assignctl_sandbox::{Policy, Tenant};

use crate::library::property::build::{Key, Want, Whom, meaning};
use crate::library::property::policies;
use crate::library::support::wire::lock;

/// The rows of a policy, by what they mean.
pub(super) type State = BTreeMap<Key, Want>;

pub(super) fn state(policy: &Policy) -> State {
    policy.assignments.iter().map(meaning).collect()
}

/// What the program means by its rows.
pub(super) fn state_of(rows: &[model::Assignment]) -> State {
    rows.iter().map(meant).collect()
}

pub(super) fn meant(row: &model::Assignment) -> (Key, Want) {
    let whom = match &row.key.target {
        Target::AllDevices => Whom::Devices,
        Target::AllUsers => Whom::Users,
        Target::Group(id) => Whom::Group(id.to_string()),
        Target::ExclusionGroup(id) => Whom::Exclusion(id.to_string()),
        Target::Collection(id) => Whom::Collection(id.to_string()),
        Target::Other {
            odata_type,
            properties,
        } => {
            let properties: serde_json::Value =
                serde_json::from_str(properties).expect("properties");
            let id = |name: &str| {
                let id = properties.get(name).and_then(serde_json::Value::as_str);
                id.unwrap_or_default().to_lowercase()
            };
            match &**odata_type {
                "androidFotaDeploymentAssignmentTarget" => Whom::Fota(id("groupId")),
                _ => Whom::ScopeTag(id("entraObjectId")),
            }
        }
    };
    let filter = row
        .filter
        .as_ref()
        .map(|filter| (filter.id.to_string(), filter.mode.name() == "exclude"));
    let from_set = row.key.source == Source::PolicySets;
    let set = row.source_id.as_deref().map(str::to_owned);
    ((whom, from_set), Want { filter, set })
}

/// Whether a state is the planned one; a planned row of a policy set that names none is content
/// with any.
pub(super) fn fits(planned: &State, state: &State) -> bool {
    planned.len() == state.len()
        && planned.iter().all(|(key, want)| {
            state.get(key).is_some_and(|live| {
                want.filter == live.filter && (want.set.is_none() || want.set == live.set)
            })
        })
}

/// A state, when it began, and the number of the request that brought it; none where another admin
/// did.
#[derive(Clone, Debug)]
pub(super) struct Moment {
    pub(super) at: Duration,
    pub(super) state: State,
    pub(super) by: Option<usize>,
}

/// The history of all policies.
#[derive(Clone, Default)]
pub(super) struct History(Arc<Mutex<BTreeMap<String, Vec<Moment>>>>);

impl History {
    /// Looks at the tenant and notes what has changed.
    pub(super) fn note(&self, tenant: &Tenant, at: Duration, by: Option<usize>) {
        let mut all = lock(&self.0);
        for (_, policy) in policies(tenant) {
            let moments = all.entry(policy.id.clone()).or_default();
            let state = state(policy);
            if moments.last().is_none_or(|last| last.state != state) {
                moments.push(Moment { at, state, by });
            }
        }
    }

    /// Returns all that a policy was between two moments.
    pub(super) fn between(&self, id: &str, from: Duration, to: Duration) -> Vec<Moment> {
        let all = lock(&self.0);
        let moments = all.get(id).map_or(&[][..], Vec::as_slice);
        moments
            .iter()
            .enumerate()
            .filter(|(index, moment)| {
                let end = moments.get(index + 1).map_or(Duration::MAX, |next| next.at);
                moment.at <= to && end >= from
            })
            .map(|(_, moment)| moment.clone())
            .collect()
    }
}
