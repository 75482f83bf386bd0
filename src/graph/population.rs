//! How many members groups have, and who they are.
//!
//! Members are counted transitively: Intune targets members of nested groups too (MicrosoftDocs/memdocs:
//! groups-add.md). A count of a type takes one part of a batch, and the header `ConsistencyLevel`
//! (microsoft-graph-docs-contrib: group-list-transitivemembers.md; microsoft-graph-docs#11882).

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

use super::decode::from_object;
use super::error::{GraphError, LastError};
use super::groups::{GROUPS_IN_FILTER, in_values};
use super::read::Reader;
use crate::model::{
    DeletedGroup, GroupTraits, MemberCount, MemberSet, Population, PopulationNeeds, Unknown, encode,
};

/// What was read, or why it was not, if that can be said.
pub(super) type Known<T> = Result<T, Option<Unknown>>;

/// How long counting may take in all. It comes beside a plan, and must not keep it.
const LONGEST: Duration = Duration::from_secs(60);
const PAGE: usize = 999;
/// How many groups' members are read side by side.
const PARALLEL_READS: usize = 4;

const DEVICE: &str = "#microsoft.graph.device";
const USER: &str = "#microsoft.graph.user";
/// A nested group is no member of its own: its members are.
const GROUP: &str = "#microsoft.graph.group";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Traits {
    id: String,
    group_types: Option<Vec<String>>,
    membership_rule: Option<String>,
    membership_rule_processing_state: Option<String>,
    security_enabled: Option<bool>,
    visibility: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deleted {
    id: String,
    display_name: Option<String>,
    deleted_date_time: Timestamp,
}

#[derive(Deserialize)]
struct Member {
    id: String,
    #[serde(rename = "@odata.type")]
    odata_type: String,
}

impl Reader {
    /// Looks up which groups were deleted and can be restored. What cannot be read is not there: it is
    /// optional, and only some permissions allow it (microsoft-graph-docs-contrib: directory-deleteditems-get.md).
    ///
    /// # Errors
    ///
    /// The run was interrupted.
    pub async fn deleted_groups(
        &self,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<DeletedGroup>, GraphError> {
        let select = "$select=id,displayName,deletedDateTime";
        let path = |id: &String| format!("/directory/deletedItems/{}?{select}", encode(id));
        let paths: Vec<String> = ids.iter().map(path).collect();
        let answers = match self.client().read_batch(&paths).await {
            Err(GraphError::Interrupted) => return Err(GraphError::Interrupted),
            Err(_) => return Ok(Vec::new()),
            Ok(answers) => answers,
        };
        let found = answers.into_iter().filter_map(|answer| {
            let Deleted {
                id,
                display_name,
                deleted_date_time,
            } = serde_json::from_value(answer.ok()?).ok()?;
            Some(DeletedGroup {
                id: id.to_lowercase(),
                name: display_name?,
                at: deleted_date_time,
            })
        });
        Ok(found.collect())
    }

    /// Counts what is asked for, within a bound of time. What cannot be counted is unknown.
    ///
    /// # Errors
    ///
    /// The run was interrupted.
    pub async fn population(&self, needs: &PopulationNeeds) -> Result<Population, GraphError> {
        let end = Instant::now() + LONGEST;
        let overview = needs.all_devices || !needs.filters.is_empty();
        let (traits, counts, devices, all_users) = futures::try_join!(
            self.traits(&needs.groups, end),
            self.member_counts(&needs.groups, end),
            self.all_devices(overview, end),
            self.all_users(needs.all_users, end),
        )?;
        let mut population = Population {
            traits,
            counts,
            sets: BTreeMap::new(),
            all_devices: devices.count,
            all_users,
            filters: BTreeMap::new(),
        };
        for (id, traits) in &population.traits {
            // Without a permission of its own the members of such a group are not seen, and look like none
            // (microsoft-graph-docs-contrib: group-list-transitivemembers.md).
            let count = population.counts.get_mut(id);
            if let Some(count) = count.filter(|_| traits.hidden)
                && count.devices.unwrap_or_default() + count.users.unwrap_or_default() == 0
            {
                *count = MemberCount::unknown(Some(Unknown::Forbidden));
            }
        }
        self.sets(needs, &mut population, end).await?;
        population.filters = self.filter_counts(&needs.filters, &devices, end).await?;
        Ok(population)
    }

    async fn traits(
        &self,
        ids: &BTreeSet<String>,
        end: Instant,
    ) -> Result<BTreeMap<String, GroupTraits>, GraphError> {
        let all: Vec<&String> = ids.iter().collect();
        let paths: Vec<String> = all
            .chunks(GROUPS_IN_FILTER)
            .map(|chunk| {
                let filter = encode(&in_values("id", chunk));
                format!(
                    "/groups?$filter={filter}&$select=id,groupTypes,membershipRule,membershipRuleProcessingState,securityEnabled,visibility&$top={PAGE}"
                )
            })
            .collect();
        let mut known = BTreeMap::new();
        let read = self.in_batches(&paths, end).await?;
        for page in read.into_iter().filter_map(Result::ok) {
            let groups = page.get("value").and_then(Value::as_array);
            for group in groups.into_iter().flatten() {
                let Ok(traits) = Traits::deserialize(group) else {
                    continue;
                };
                let dynamic = traits.group_types.iter().flatten();
                let is_dynamic = dynamic.into_iter().any(|kind| kind == "DynamicMembership");
                let is = |text: &Option<String>, word: &str| {
                    let text = text.as_deref();
                    text.is_some_and(|text| text.eq_ignore_ascii_case(word))
                };
                let paused = is(&traits.membership_rule_processing_state, "Paused");
                known.insert(
                    traits.id.to_lowercase(),
                    GroupTraits {
                        paused: is_dynamic && paused,
                        failed: false,
                        security_enabled: traits.security_enabled,
                        hidden: is(&traits.visibility, "HiddenMembership"),
                        rule: traits.membership_rule.filter(|_| is_dynamic),
                    },
                );
            }
        }
        self.add_processing(&mut known, end).await?;
        Ok(known)
    }

    /// Notes of which dynamic groups the rule could not be processed the last time; the beta version says it on
    /// request only (microsoft-graph-docs-contrib: beta/resources/membershipruleprocessingstatus.md). Where the
    /// service does not say it, nothing is known of it.
    async fn add_processing(
        &self,
        known: &mut BTreeMap<String, GroupTraits>,
        end: Instant,
    ) -> Result<(), GraphError> {
        let dynamic = known.iter().filter(|(_, traits)| traits.rule.is_some());
        let paths: Vec<String> = dynamic
            .map(|(id, _)| format!("/groups/{id}?$select=id,membershipRuleProcessingStatus"))
            .collect();
        let read = self.in_batches(&paths, end).await?;
        for object in read.into_iter().filter_map(Result::ok) {
            let text = |path: &str| object.pointer(path).and_then(Value::as_str);
            if let Some(id) = text("/id")
                && let Some(status) = text("/membershipRuleProcessingStatus/status")
                && let Some(traits) = known.get_mut(&id.to_lowercase())
            {
                traits.failed = status.eq_ignore_ascii_case("Failed");
            }
        }
        Ok(())
    }

    async fn member_counts(
        &self,
        ids: &BTreeSet<String>,
        end: Instant,
    ) -> Result<BTreeMap<String, MemberCount>, GraphError> {
        let path = |id: &String, kind: &str| {
            format!(
                "/groups/{}/transitiveMembers/microsoft.graph.{kind}/$count",
                encode(id)
            )
        };
        let paths = ids
            .iter()
            .flat_map(|id| [path(id, "device"), path(id, "user")]);
        let paths: Vec<String> = paths.collect();
        let mut answers = self.in_batches(&paths, end).await?.into_iter();
        let mut counts = BTreeMap::new();
        for id in ids {
            let mut one = || answers.next().unwrap_or(Err(None)).and_then(number);
            let (devices, users) = (one(), one());
            let reason = devices.as_ref().err().or(users.as_ref().err());
            let reason = reason.copied().flatten();
            let count = MemberCount {
                devices: devices.ok(),
                users: users.ok(),
                reason,
                ..MemberCount::default()
            };
            counts.insert(id.clone(), count);
        }
        Ok(counts)
    }

    /// Reads paths in batches until a time; what did not come is unknown.
    pub(super) async fn in_batches(
        &self,
        paths: &[String],
        end: Instant,
    ) -> Result<Vec<Known<Value>>, GraphError> {
        match within(end, self.client().read_batch(paths)).await? {
            Err(reason) => Ok(paths.iter().map(|_| Err(reason)).collect()),
            Ok(answers) => answers.into_iter().map(known).collect(),
        }
    }

    /// Reads the members of the groups whose members are wanted, the smallest first, as long as the limit
    /// allows. Each is read once.
    async fn sets(
        &self,
        needs: &PopulationNeeds,
        population: &mut Population,
        end: Instant,
    ) -> Result<(), GraphError> {
        let mut wanted: Vec<(u64, &String)> = Vec::new();
        for id in &needs.sets {
            if let Some(MemberCount {
                devices: Some(devices),
                users: Some(users),
                ..
            }) = population.counts.get(id)
            {
                wanted.push((devices + users, id));
            }
        }
        wanted.sort();
        let mut left = needs.limit;
        let mut allowed = Vec::new();
        for (size, id) in wanted {
            if size > left {
                if let Some(count) = population.counts.get_mut(id) {
                    count.reason = Some(Unknown::Limit);
                }
                continue;
            }
            left -= size;
            allowed.push(id);
        }
        for ids in allowed.chunks(PARALLEL_READS) {
            let reading = ids.iter().map(|id| self.members(id, end));
            let read = futures::future::try_join_all(reading).await?;
            for (id, set) in ids.iter().zip(read) {
                let count = population.counts.entry((*id).clone()).or_default();
                match set {
                    Ok(set) => {
                        *count = MemberCount {
                            devices: u64::try_from(set.devices.len()).ok(),
                            users: u64::try_from(set.users.len()).ok(),
                            other: Some(set.other),
                            exact: true,
                            reason: None,
                        };
                        population.sets.insert((*id).clone(), set);
                    }
                    Err(reason) => count.reason = reason,
                }
            }
        }
        Ok(())
    }

    async fn members(&self, id: &str, end: Instant) -> Result<Known<MemberSet>, GraphError> {
        let path = format!(
            "/groups/{}/transitiveMembers?$select=id&$top={PAGE}",
            encode(id)
        );
        let objects = within(end, self.objects(&path)).await?;
        Ok(objects.and_then(|objects| {
            let mut set = MemberSet::default();
            for object in &objects {
                // What cannot be understood may be anyone.
                let Member { id, odata_type } = from_object(object).map_err(|_| None)?;
                match odata_type.as_str() {
                    DEVICE => {
                        set.devices.insert(id.to_lowercase());
                    }
                    USER => {
                        set.users.insert(id.to_lowercase());
                    }
                    GROUP => {}
                    _ => set.other += 1,
                }
            }
            Ok(set)
        }))
    }
}

/// Waits for a read until a time.
pub(super) async fn within<T>(
    end: Instant,
    read: impl Future<Output = Result<T, GraphError>>,
) -> Result<Known<T>, GraphError> {
    match tokio::time::timeout_at(end, read).await {
        Err(_) => Ok(Err(Some(Unknown::Timeout))),
        Ok(read) => known(read),
    }
}

fn known<T>(read: Result<T, GraphError>) -> Result<Known<T>, GraphError> {
    match read {
        Ok(value) => Ok(Ok(value)),
        Err(error) => Ok(Err(why(&error)?)),
    }
}

/// Says why a number is not known, if there is a word for it. That the run was interrupted is no such reason.
fn why(error: &GraphError) -> Result<Option<Unknown>, GraphError> {
    let refused = match error {
        GraphError::Interrupted => return Err(GraphError::Interrupted),
        GraphError::Service { error, .. }
        | GraphError::GivenUp {
            last: LastError::Service(error),
            ..
        } => Some(error),
        _ => None,
    };
    Ok(match (refused, error) {
        (Some(refused), _) if refused.is_missing() => Some(Unknown::Deleted),
        (Some(refused), _) if refused.is_forbidden() => Some(Unknown::Forbidden),
        (_, GraphError::GivenUp { .. } | GraphError::Wait { .. }) => Some(Unknown::Timeout),
        _ => None,
    })
}

/// Reads a count. In a batch it is a number, or a text: plain, or in base64.
pub(super) fn number(value: Value) -> Known<u64> {
    let plain = |text: &str| {
        text.trim_matches(|c: char| c == '\u{feff}' || c.is_whitespace())
            .parse()
            .ok()
    };
    let number = match &value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => plain(text).or_else(|| {
            let bytes = azure_core::base64::decode(text).ok()?;
            plain(std::str::from_utf8(&bytes).ok()?)
        }),
        _ => None,
    };
    number.ok_or(None)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_count_in_a_batch_has_many_forms() {
        for (value, expected) in [
            (json!(893), Some(893)),
            (json!("893"), Some(893)),
            (json!("\u{feff}893\r\n"), Some(893)),
            (json!("ODkz"), Some(893)),
            (json!("MA=="), Some(0)),
            (json!("77u/ODkz"), Some(893)),
            (json!(""), None),
            (json!(null), None),
            (json!(-1), None),
            (json!("many"), None),
        ] {
            assert_eq!(number(value.clone()).ok(), expected, "{value}");
        }
    }
}
