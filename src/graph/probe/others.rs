//! The directory and the filters: what is asked for once.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::tally::Tallies;
use super::{NOWHERE, ProbeAnswer, Verdict, judge, refusal, sorted, text, values};
use crate::graph::class::Class;
use crate::graph::client::Call;
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::groups::{GROUP_PAGE, GROUPS_IN_FILTER};
use crate::graph::pace::RateGroup;
use crate::graph::population::number;
use crate::graph::read::{FILTERS, PAGE, Reader, with_size};
use crate::graph::transport::Method;
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
        let none = |number: usize| format!("{NO_GROUP}{number:012}");
        self.by_filter(tallies, groups).await?;
        self.count_members(tallies, groups).await?;
        self.by_ids(tallies, groups).await?;
        self.deleted(tallies).await?;
        let paths: Vec<String> = (0..BATCH)
            .map(|number| {
                let known = groups.get(number % groups.len().max(1)).cloned();
                let id = known.unwrap_or_else(|| none(number));
                format!("/groups/{id}?$select=id")
            })
            .collect();
        match sorted(self.client().read_batch(&paths).await)? {
            ProbeAnswer::Answer(answers) if answers.len() == BATCH => {
                tallies.holds("batch", format!("{BATCH} responses to {BATCH} requests"));
            }
            ProbeAnswer::Answer(answers) => {
                tallies.differs(
                    "batch",
                    format!("{} responses to {BATCH} requests", answers.len()),
                );
            }
            ProbeAnswer::Refused(error) if error.is_forbidden() => {
                tallies.forbidden("batch", refusal(&error));
            }
            ProbeAnswer::Refused(error) => tallies.differs("batch", refusal(&error)),
            ProbeAnswer::Failed(why) => tallies.failed("batch", why),
        }
        Ok(())
    }

    /// Looks groups up that are known to exist, by id and by name, as a plan does.
    async fn by_filter(&self, tallies: &mut Tallies, groups: &[String]) -> Result<(), GraphError> {
        const ID: &str = "groups-in";
        const SOME: &str = "/groups?$select=id,displayName";
        let some = self.ask(&with_size(SOME, GROUPS_IN_FILTER + 1)).await?;
        let ProbeAnswer::Answer(page) = &some else {
            judge(tallies, ID, "groups", &some, |_| {
                Verdict::Open(String::new())
            });
            return Ok(());
        };
        let mut known: Vec<(String, String)> = values(page)
            .filter_map(|group| {
                let name = text(group, "displayName").unwrap_or_default();
                Some((text(group, "id")?.to_lowercase(), name.to_owned()))
            })
            .collect();
        // One is left out, and must not be found: a filter may be ignored.
        let Some((left_out, left_out_name)) = known.pop().filter(|_| !known.is_empty()) else {
            tallies.open(ID, "the directory shows too few groups");
            return Ok(());
        };
        known.truncate(GROUPS_IN_FILTER);
        let absent = (0..).map(|number| format!("{NO_GROUP}{number:012}"));
        let assigned = groups.iter().filter(|id| **id != left_out);
        let assigned = assigned.filter(|id| known.iter().all(|(known, _)| known != *id));
        let ids: Vec<String> = known
            .iter()
            .map(|(id, _)| id.clone())
            .chain(assigned.cloned())
            .chain(absent)
            .take(GROUPS_IN_FILTER)
            .collect();
        let asked = self.groups_where(tallies, "id", &ids).await?;
        judge(tallies, ID, "groups by id", &asked, |page| {
            let found: Vec<String> = values(page)
                .filter_map(|group| Some(text(group, "id")?.to_lowercase()))
                .collect();
            let others = found.iter().filter(|id| !ids.contains(id)).count();
            let lost = known.iter().filter(|(id, _)| !found.contains(id)).count();
            match (others, lost) {
                (0, 0) => {
                    Verdict::Holds(format!("{} of {GROUPS_IN_FILTER} ids found", found.len()))
                }
                (0, lost) => Verdict::Differs(format!("{lost} groups that exist are not found")),
                (others, _) => Verdict::Differs(format!("{others} groups are found as well")),
            }
        });
        let names: Vec<String> = known
            .iter()
            .map(|(_, name)| name.clone())
            .filter(|name| !name.is_empty() && !name.eq_ignore_ascii_case(&left_out_name))
            .collect();
        if names.is_empty() {
            return Ok(());
        }
        let asked = self.groups_where(tallies, "displayName", &names).await?;
        judge(tallies, ID, "groups by name", &asked, |page| {
            let is_in = |names: &[String], name: &str| {
                names
                    .iter()
                    .any(|known| known.to_lowercase() == name.to_lowercase())
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
                    Verdict::Holds(format!("{} names found", names.len() - lost))
                }
                (0, lost) => Verdict::Differs(format!("{lost} names of groups are not found")),
                (others, _) => Verdict::Differs(format!("{others} groups are found as well")),
            }
        });
        Ok(())
    }

    async fn groups_where(
        &self,
        tallies: &mut Tallies,
        property: &str,
        values: &[String],
    ) -> Result<ProbeAnswer<Object>, GraphError> {
        let list: Vec<String> = values
            .iter()
            .map(|value| format!("'{}'", value.replace('\'', "''")))
            .collect();
        let filter = encode(&format!("{property} in ({})", list.join(",")));
        let path = format!("/groups?$filter={filter}&$select=id,displayName");
        let sized = self.ask(&with_size(&path, GROUP_PAGE)).await?;
        let ProbeAnswer::Refused(error) = &sized else {
            return Ok(sized);
        };
        if error.status != 400 {
            return Ok(sized);
        }
        let plain = self.ask(&path).await?;
        if matches!(plain, ProbeAnswer::Answer(_)) {
            let seen = format!("groups refuse `$top={GROUP_PAGE}`: {}", refusal(error));
            tallies.differs("list-top", seen);
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
            tallies.open(ID, "no group is assigned");
            return Ok(());
        };
        // As `--members` counts: in a batch, whose answers have a form of their own.
        let path =
            |kind: &str| format!("/groups/{group}/transitiveMembers/microsoft.graph.{kind}/$count");
        let paths = [path("device"), path("user")];
        let answers = match sorted(self.client().read_batch(&paths).await)? {
            ProbeAnswer::Answer(answers) => answers,
            ProbeAnswer::Refused(error) if error.is_forbidden() => {
                tallies.forbidden(ID, refusal(&error));
                return Ok(());
            }
            ProbeAnswer::Refused(error) => {
                tallies.differs(ID, refusal(&error));
                return Ok(());
            }
            ProbeAnswer::Failed(why) => {
                tallies.failed(ID, why);
                return Ok(());
            }
        };
        for answer in answers {
            match sorted(answer)? {
                ProbeAnswer::Answer(value) => match number(value) {
                    Ok(_) => tallies.holds(ID, "a number"),
                    Err(_) => tallies.differs(ID, "the response is not a number"),
                },
                ProbeAnswer::Refused(error) if error.is_missing() => {
                    tallies.open(ID, "the assigned group does not exist");
                }
                ProbeAnswer::Refused(error) if error.is_forbidden() => {
                    tallies.forbidden(ID, refusal(&error));
                }
                ProbeAnswer::Refused(error) => tallies.differs(ID, refusal(&error)),
                ProbeAnswer::Failed(why) => tallies.failed(ID, why),
            }
        }
        Ok(())
    }

    async fn by_ids(&self, tallies: &mut Tallies, groups: &[String]) -> Result<(), GraphError> {
        let ids: Vec<&str> = groups
            .iter()
            .take(1)
            .map(String::as_str)
            .chain([NOWHERE])
            .collect();
        let url = self.client().address().join("/directoryObjects/getByIds");
        // It changes nothing, though it is a POST.
        let call = Call {
            group: RateGroup::of(&url),
            method: Method::Post,
            url,
            headers: Vec::new(),
            body: Some(
                json!({"ids": ids, "types": ["group"]})
                    .to_string()
                    .into_bytes(),
            ),
            cost: 1,
            class: Class::Read,
            paced_as: Class::Read,
        };
        let asked = self.ask_call(&call).await?;
        judge(tallies, "get-by-ids", "objects", &asked, |page| {
            let mut found = values(page);
            let number = values(page).count();
            match found.any(|object| text(object, "id") == Some(NOWHERE)) {
                true => Verdict::Differs("an id that does not exist is found".to_owned()),
                false => Verdict::Holds(format!("{number} of {} ids found", ids.len())),
            }
        });
        Ok(())
    }

    /// Asks which groups were deleted.
    async fn deleted(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        const DELETED: &str =
            "/directory/deletedItems/microsoft.graph.group?$select=id,deletedDateTime,groupTypes";
        let asked = self.ask(&with_size(DELETED, GROUP_PAGE)).await?;
        judge(
            tallies,
            "deleted-groups",
            "deleted groups",
            &asked,
            |page| {
                let number = values(page).count();
                let dated = values(page).filter(|group| {
                    let time = text(group, "deletedDateTime");
                    time.is_some_and(|time| time.parse::<Timestamp>().is_ok())
                });
                let security = dated.filter(|group| {
                    let types = group.get("groupTypes").and_then(Value::as_array);
                    !types.is_some_and(|types| types.iter().any(|name| name == "Unified"))
                });
                match (security.count(), number) {
                    (0, 0) => Verdict::Open("no group was deleted recently".to_owned()),
                    (0, number) => {
                        Verdict::Open(format!("{number}, none of them a security group"))
                    }
                    (some, number) => Verdict::Holds(format!("{some} security groups of {number}")),
                }
            },
        );
        Ok(())
    }

    /// Asks for the assignment filters.
    pub(super) async fn filters_of(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        match self.ask(&with_size(FILTERS, PAGE)).await? {
            ProbeAnswer::Answer(page) => {
                for platform in values(&page).filter_map(|filter| text(filter, "platform")) {
                    let known = FILTER_PLATFORMS
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(platform));
                    match known {
                        true => tallies.holds("platforms", format!("`{platform}`")),
                        false => tallies.differs("platforms", format!("a filter for `{platform}`")),
                    }
                }
                tallies.holds("list-top", "filters");
            }
            ProbeAnswer::Refused(error) if error.is_forbidden() => {
                tallies.forbidden("platforms", "filters cannot be read");
            }
            ProbeAnswer::Refused(error) => {
                tallies.differs("list-top", format!("filters: {}", refusal(&error)));
            }
            ProbeAnswer::Failed(why) => tallies.failed("platforms", format!("filters: {why}")),
        }
        Ok(())
    }
}
