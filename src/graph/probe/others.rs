//! The directory and the filters: what is asked for once.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tally::{
    Tallies,
    Verdict::{self, Differs, Forbidden, Holds, Open},
};
use super::{Asked, NOWHERE, NoAnswer, judge, refusal, sorted, text, values};
use crate::graph::client::Call;
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::groups::{GROUP_PAGE, GROUPS_IN_FILTER, in_values};
use crate::graph::population::number;
use crate::graph::read::{FILTERS, PAGE, Reader, with_size};
use crate::kinds::FILTER_PLATFORMS;
use crate::model::encode;

/// What stands for a group that no directory has.
const NO_GROUP: &str = "00000000-0000-4000-8000-";

/// How many requests a batch of the probe has.
const BATCH: usize = 20;

impl Reader {
    /// Asks the directory, about groups that are assigned.
    pub(super) async fn about_groups(
        &self,
        tallies: &mut Tallies,
        groups: &[String],
    ) -> Result<(), GraphError> {
        self.by_filter(tallies, groups).await?;
        self.count_members(tallies, groups).await?;
        let by_ids = self.by_ids(groups).await?;
        tallies.note("get-by-ids", by_ids);
        let deleted = self.deleted().await?;
        tallies.note("deleted-groups", deleted);
        let paths: Vec<String> = (0..BATCH)
            .map(|number| {
                let known = groups.get(number % groups.len().max(1)).cloned();
                let id = known.unwrap_or_else(|| no_group(number));
                format!("/groups/{id}?$select=id")
            })
            .collect();
        let verdict = match sorted(self.client().read_batch(&paths).await)? {
            Ok(answers) => {
                let seen = format!("{} responses to {BATCH} requests", answers.len());
                Verdict::of(answers.len() == BATCH, seen.clone(), seen)
            }
            Err(none) => none.verdict(""),
        };
        tallies.note("batch", verdict);
        Ok(())
    }

    /// Looks groups up that are known to exist, by id and by name, as a plan does.
    async fn by_filter(&self, tallies: &mut Tallies, groups: &[String]) -> Result<(), GraphError> {
        const ID: &str = "groups-in";
        const SOME: &str = "/groups?$select=id,displayName";
        let page = match self.ask(&with_size(SOME, GROUPS_IN_FILTER + 1)).await? {
            Ok(page) => page,
            Err(none) => {
                tallies.note(ID, none.verdict("groups: "));
                return Ok(());
            }
        };
        let mut known: Vec<(String, String)> = values(&page)
            .filter_map(|group| {
                let name = text(group, "displayName").unwrap_or_default();
                Some((text(group, "id")?.to_lowercase(), name.to_owned()))
            })
            .collect();
        // One is left out, and must not be found: a filter may be ignored.
        let Some((left_out, left_out_name)) = known.pop().filter(|_| !known.is_empty()) else {
            let why = "the directory shows too few groups".to_owned();
            tallies.note(ID, Open(why));
            return Ok(());
        };
        known.truncate(GROUPS_IN_FILTER);
        let assigned = groups.iter().filter(|id| **id != left_out);
        let assigned = assigned.filter(|id| known.iter().all(|(known, _)| known != *id));
        let ids: Vec<String> = known
            .iter()
            .map(|(id, _)| id.clone())
            .chain(assigned.cloned())
            .chain((0..).map(no_group))
            .take(GROUPS_IN_FILTER)
            .collect();
        let asked = self.groups_with(tallies, "id", &ids).await?;
        let by_id = judge("groups by id", &asked, |page| {
            let found: Vec<String> = values(page)
                .filter_map(|group| Some(text(group, "id")?.to_lowercase()))
                .collect();
            let others = found.iter().filter(|id| !ids.contains(id)).count();
            let lost = known.iter().filter(|(id, _)| !found.contains(id)).count();
            match (others, lost) {
                (0, 0) => Holds(format!("{} of {GROUPS_IN_FILTER} ids found", found.len())),
                (0, lost) => Differs(format!("{lost} groups that exist are not found")),
                (others, _) => Differs(format!("{others} groups are found as well")),
            }
        });
        tallies.note(ID, by_id);
        let names: Vec<String> = known
            .iter()
            .map(|(_, name)| name.clone())
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&left_out_name))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let asked = self.groups_with(tallies, "displayName", &names).await?;
        let by_name = judge("groups by name", &asked, |page| {
            let is_in = |names: &[String], name: &str| {
                let mut names = names.iter();
                names.any(|known| known.to_lowercase() == name.to_lowercase())
            };
            let found: Vec<String> = values(page)
                .filter_map(|group| Some(text(group, "displayName")?.to_owned()))
                .collect();
            let others = found.iter().filter(|name| !is_in(&names, name)).count();
            // Several groups may have one name, so that a page need not hold all.
            let is_whole = !page.contains_key("@odata.nextLink");
            let lost = names.iter().filter(|name| !is_in(&found, name)).count();
            match (others, lost) {
                (0, lost) if lost == 0 || (!is_whole && lost < names.len()) => {
                    Holds(format!("{} names found", names.len() - lost))
                }
                (0, lost) => Differs(format!("{lost} names of groups are not found")),
                (others, _) => Differs(format!("{others} groups are found as well")),
            }
        });
        tallies.note(ID, by_name);
        Ok(())
    }

    async fn groups_with(
        &self,
        tallies: &mut Tallies,
        property: &str,
        values: &[String],
    ) -> Result<Asked<Object>, GraphError> {
        let filter = encode(&in_values(property, values));
        let path = format!("/groups?$filter={filter}&$select=id,displayName");
        let sized = self.ask(&with_size(&path, GROUP_PAGE)).await?;
        let Err(NoAnswer::Refused(error)) = &sized else {
            return Ok(sized);
        };
        if error.status != 400 {
            return Ok(sized);
        }
        let plain = self.ask(&path).await?;
        if plain.is_ok() {
            let seen = format!("groups refuse `$top={GROUP_PAGE}`: {}", refusal(error));
            tallies.note("list-top", Differs(seen));
        }
        Ok(plain)
    }

    async fn count_members(
        &self,
        tallies: &mut Tallies,
        groups: &[String],
    ) -> Result<(), GraphError> {
        const ID: &str = "group-count";
        let Some(group) = groups.first() else {
            tallies.note(ID, Open("no group is assigned".to_owned()));
            return Ok(());
        };
        // As `--members` counts: in a batch, whose answers have a form of their own.
        let path =
            |kind: &str| format!("/groups/{group}/transitiveMembers/microsoft.graph.{kind}/$count");
        let paths = [path("device"), path("user")];
        let answers = match sorted(self.client().read_batch(&paths).await)? {
            Ok(answers) => answers,
            Err(none) => {
                tallies.note(ID, none.verdict(""));
                return Ok(());
            }
        };
        for answer in answers {
            let verdict = match sorted(answer)? {
                Ok(value) => Verdict::of(
                    number(value).is_ok(),
                    "a number".to_owned(),
                    "the response is not a number".to_owned(),
                ),
                Err(NoAnswer::Refused(error)) if error.is_missing() => {
                    Open("the assigned group does not exist".to_owned())
                }
                Err(none) => none.verdict(""),
            };
            tallies.note(ID, verdict);
        }
        Ok(())
    }

    async fn by_ids(&self, groups: &[String]) -> Result<Verdict, GraphError> {
        let assigned = groups.iter().take(1).map(String::as_str);
        let ids: Vec<&str> = assigned.chain([NOWHERE]).collect();
        // It changes nothing, though it is a POST.
        let call = Call::post(
            self.client().address().join("/directoryObjects/getByIds"),
            &json!({"ids": ids, "types": ["group"]}),
        );
        let asked = sorted(self.client().read_json(&call).await)?;
        Ok(judge("objects", &asked, |page| {
            let mut found = values(page);
            Verdict::of(
                found.all(|object| text(object, "id") != Some(NOWHERE)),
                format!("{} of {} ids found", values(page).count(), ids.len()),
                "an id that does not exist is found".to_owned(),
            )
        }))
    }

    /// Asks which groups were deleted.
    async fn deleted(&self) -> Result<Verdict, GraphError> {
        const DELETED: &str =
            "/directory/deletedItems/microsoft.graph.group?$select=id,deletedDateTime,groupTypes";
        let asked = self.ask(&with_size(DELETED, GROUP_PAGE)).await?;
        Ok(judge("deleted groups", &asked, |page| {
            let dated = values(page).filter(|group| {
                let time = text(group, "deletedDateTime");
                time.is_some_and(|time| time.parse::<Timestamp>().is_ok())
            });
            let security = dated.filter(|group| {
                let types = group.get("groupTypes").and_then(Value::as_array);
                !types.is_some_and(|types| types.iter().any(|name| name == "Unified"))
            });
            match (security.count(), values(page).count()) {
                (0, 0) => Open("no group was deleted recently".to_owned()),
                (0, number) => Open(format!("{number}, none of them a security group")),
                (some, number) => Holds(format!("{some} security groups of {number}")),
            }
        }))
    }

    /// Asks for the assignment filters.
    pub(super) async fn filters_of(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        match self.ask(&with_size(FILTERS, PAGE)).await? {
            Ok(page) => {
                for platform in values(&page).filter_map(|filter| text(filter, "platform")) {
                    let mut known = FILTER_PLATFORMS.iter();
                    let verdict = Verdict::of(
                        known.any(|known| known.eq_ignore_ascii_case(platform)),
                        format!("`{platform}`"),
                        format!("a filter for `{platform}`"),
                    );
                    tallies.note("platforms", verdict);
                }
                tallies.note("list-top", Holds("filters".to_owned()));
            }
            Err(NoAnswer::Refused(error)) if error.is_forbidden() => {
                tallies.note("platforms", Forbidden("filters cannot be read".to_owned()));
            }
            Err(NoAnswer::Refused(error)) => {
                let seen = format!("filters: {}", refusal(&error));
                tallies.note("list-top", Differs(seen));
            }
            Err(failed) => tallies.note("platforms", failed.verdict("filters: ")),
        }
        Ok(())
    }
}

fn no_group(number: usize) -> String {
    format!("{NO_GROUP}{number:012}")
}
