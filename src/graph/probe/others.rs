//! The directory, the filters, approvals, audit events: what is asked for once.

use serde_json::{Value, json};

use super::tally::Tallies;
use super::{Asked, refusal, sorted};
use crate::graph::class::Class;
use crate::graph::client::Call;
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::groups::{GROUP_PAGE, GROUPS_IN_FILTER};
use crate::graph::pace::Group;
use crate::graph::population::number;
use crate::graph::read::{FILTERS, PAGE, Reader, with_size};
use crate::graph::transport::Method;
use crate::graph::wire::APPROVAL_REQUESTS;
use crate::kinds::FILTER_PLATFORMS;
use crate::model::encode;

/// What stands for a group that no directory has.
const NO_GROUP: &str = "00000000-0000-4000-8000-";

/// How many requests a batch of the probe has.
const BATCH: usize = 20;

/// Types of access policies (microsoft-graph-docs-contrib: resources/intune-rbac-operationapprovalpolicy.md).
const POLICY_TYPES: &[&str] = &[
    "app",
    "compliancePolicy",
    "configurationPolicy",
    "deviceDelete",
    "deviceRetire",
    "deviceWipe",
    "operationApprovalPolicy",
    "role",
    "script",
    "tenantConfiguration",
];

fn values(page: &Object) -> impl Iterator<Item = &Object> {
    let values = page.get("value").and_then(Value::as_array);
    values.into_iter().flatten().filter_map(Value::as_object)
}

fn text<'o>(object: &'o Object, key: &str) -> Option<&'o str> {
    object.get(key)?.as_str()
}

impl Reader {
    /// Asks the directory, about groups that are assigned.
    pub(super) async fn about_groups(
        &self,
        tallies: &mut Tallies,
        groups: &[String],
    ) -> Result<(), GraphError> {
        let none = |number: usize| format!("{NO_GROUP}{number:012}");
        let known = groups.iter().take(GROUPS_IN_FILTER).cloned();
        let ids: Vec<String> = known
            .chain((0..).map(none))
            .take(GROUPS_IN_FILTER)
            .collect();
        let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
        let filter = encode(&format!("id in ({})", list.join(",")));
        let path = format!("/groups?$filter={filter}&$select=id,displayName");
        let sized = self.ask(&with_size(&path, GROUP_PAGE)).await?;
        let found = match sized {
            Asked::Refused(error) if error.status == 400 => match self.ask(&path).await? {
                Asked::Answer(page) => {
                    let seen = format!("groups refuse `$top={GROUP_PAGE}`: {}", refusal(&error));
                    tallies.differs("list-top", seen);
                    Asked::Answer(page)
                }
                refused => refused,
            },
            asked => asked,
        };
        judge(tallies, "groups-in", "groups", found, |page| {
            Ok(format!("{} of 15 ids found", values(page).count()))
        });
        self.count_members(tallies, groups).await?;
        self.by_ids(tallies, groups).await?;
        let paths: Vec<String> = (0..BATCH)
            .map(|number| {
                let known = groups.get(number % groups.len().max(1)).cloned();
                let id = known.unwrap_or_else(|| none(number));
                format!("/groups/{id}?$select=id")
            })
            .collect();
        match sorted(self.client().read_batch(&paths).await)? {
            Asked::Answer(answers) if answers.len() == BATCH => {
                tallies.holds("batch", format!("{BATCH} answers to {BATCH} requests"));
            }
            Asked::Answer(answers) => {
                tallies.differs(
                    "batch",
                    format!("{} answers to {BATCH} requests", answers.len()),
                );
            }
            Asked::Refused(error) if error.is_forbidden() => {
                tallies.forbidden("batch", refusal(&error));
            }
            Asked::Refused(error) => tallies.differs("batch", refusal(&error)),
            Asked::Failed(why) => tallies.failed("batch", why),
        }
        Ok(())
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
        let path = format!("/groups/{group}/transitiveMembers/microsoft.graph.device/$count");
        let mut call = Call::get(self.client().address().join(&path));
        call.headers = vec![("consistencylevel", "eventual".to_owned())];
        let read = self.client().read(&call, |response| {
            Ok(number(Value::String(
                String::from_utf8_lossy(&response.body).into_owned(),
            )))
        });
        match sorted(read.await)? {
            Asked::Answer(Ok(_)) => tallies.holds(ID, "a number"),
            Asked::Answer(Err(_)) => tallies.differs(ID, "the answer is not a number"),
            Asked::Refused(error) if error.is_missing() => {
                tallies.open(ID, "the assigned group does not exist");
            }
            Asked::Refused(error) if error.is_forbidden() => tallies.forbidden(ID, refusal(&error)),
            Asked::Refused(error) => tallies.differs(ID, refusal(&error)),
            Asked::Failed(why) => tallies.failed(ID, why),
        }
        Ok(())
    }

    async fn by_ids(&self, tallies: &mut Tallies, groups: &[String]) -> Result<(), GraphError> {
        let absent = format!("{NO_GROUP}{:012}", 1);
        let ids: Vec<&str> = groups
            .iter()
            .take(1)
            .map(String::as_str)
            .chain([&*absent])
            .collect();
        let url = self.client().address().join("/directoryObjects/getByIds");
        // It changes nothing, though it is a POST.
        let call = Call {
            group: Group::of(&url),
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
        judge(tallies, "get-by-ids", "objects", asked, |page| {
            let mut found = values(page);
            match found.any(|object| text(object, "id") == Some(&absent)) {
                true => Err("an id that does not exist is found".to_owned()),
                false => Ok(format!(
                    "{} of {} ids found",
                    values(page).count(),
                    ids.len()
                )),
            }
        });
        Ok(())
    }

    /// Asks for what is beside policies and groups.
    pub(super) async fn beside(&self, tallies: &mut Tallies) -> Result<(), GraphError> {
        match self.ask(&with_size(FILTERS, PAGE)).await? {
            Asked::Answer(page) => {
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
            Asked::Refused(error) if error.is_forbidden() => {
                tallies.forbidden("platforms", "filters cannot be read");
            }
            Asked::Refused(error) => {
                tallies.differs("list-top", format!("filters: {}", refusal(&error)));
            }
            Asked::Failed(why) => tallies.failed("platforms", format!("filters: {why}")),
        }
        let policies = self
            .ask("/deviceManagement/operationApprovalPolicies")
            .await?;
        judge(
            tallies,
            "approval-policies",
            "access policies",
            policies,
            |page| {
                let types: Vec<&str> = values(page)
                    .filter_map(|policy| text(policy, "policyType"))
                    .collect();
                let odd = types.iter().filter(|name| !POLICY_TYPES.contains(name));
                let odd: Vec<String> = odd.map(|name| format!("`{name}`")).collect();
                if !odd.is_empty() {
                    return Err(format!("there are access policies for {}", odd.join(", ")));
                }
                let types: Vec<String> = types.iter().map(|name| format!("`{name}`")).collect();
                Ok(match types.is_empty() {
                    true => "no access policies: nothing is gated".to_owned(),
                    false => format!("writes are gated for {}", types.join(", ")),
                })
            },
        );
        let requests = self.ask(APPROVAL_REQUESTS).await?;
        judge(tallies, "approval-requests", "requests", requests, |page| {
            Ok(format!("{} requests", values(page).count()))
        });
        let events = self
            .ask("/deviceManagement/auditEvents?$orderby=activityDateTime%20desc&$select=activityDateTime&$top=20")
            .await?;
        judge(tallies, "audit", "audit events", events, |page| {
            let times: Vec<&str> = values(page)
                .filter_map(|event| text(event, "activityDateTime"))
                .collect();
            match times.is_sorted_by(|newer, older| newer >= older) {
                true => Ok(format!("{} events, the newest first", times.len())),
                false => Err("the newest event is not the first".to_owned()),
            }
        });
        Ok(())
    }
}

/// Judges an answer; a refusal of permission is no difference.
fn judge(
    tallies: &mut Tallies,
    id: &'static str,
    what: &str,
    asked: Asked<Object>,
    see: impl Fn(&Object) -> Result<String, String>,
) {
    match asked {
        Asked::Answer(page) => match see(&page) {
            Ok(seen) => tallies.holds(id, seen),
            Err(seen) => tallies.differs(id, seen),
        },
        Asked::Refused(error) if error.is_forbidden() => {
            tallies.forbidden(id, format!("{what}: {}", refusal(&error)));
        }
        Asked::Refused(error) => tallies.differs(id, format!("{what}: {}", refusal(&error))),
        Asked::Failed(why) => tallies.failed(id, format!("{what}: {why}")),
    }
}
