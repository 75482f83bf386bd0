//! Single policies of a kind: with their assignments, one by one, and one that does not exist.

use serde_json::Value;

use super::lists::{AssumptionStatus, FurtherVerdicts, Pages};
use super::{NOWHERE, ProbeAnswer, refusal};
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::read::{PAGE, Reader, with_size};
use crate::graph::rejected_options::Part;
use crate::kinds::{IdForm, Listing, PolicyKind};
use crate::model::{assignments_path, encode};

/// How many policy sets are looked at.
const SETS: usize = 3;

/// How many policies are read one by one, of a kind that is read so.
const READ: usize = 5;

impl Reader {
    /// Asks for a single object with its assignments.
    pub(super) async fn single(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        pages: &Pages,
    ) -> Result<(), GraphError> {
        let (id, query) = match kind.spec().listing {
            Listing::ItemExpand(query) => ("set-expand", query),
            Listing::Expanded
                if matches!(kind.name(), "configurationPolicy" | "compliancePolicy") =>
            {
                ("item-expand", "$expand=assignments")
            }
            Listing::Expanded | Listing::PerPolicy => return Ok(()),
        };
        let is_set = id == "set-expand";
        let is_assigned = |object: &&Object| {
            let assignments = object.get("assignments").and_then(Value::as_array);
            assignments.is_some_and(|assignments| !assignments.is_empty())
        };
        let objects = pages
            .objects
            .iter()
            .filter(|object| is_set || is_assigned(object));
        let ids = objects.filter_map(|object| object.get("id")?.as_str());
        let ids: Vec<&str> = ids.take(if is_set { SETS } else { 1 }).collect();
        if ids.is_empty() {
            more.say(
                id,
                AssumptionStatus::Open,
                format!("there is no `{kind}` to look at"),
            );
        }
        for found in ids {
            self.item(more, kind, (id, query), found).await?;
        }
        Ok(())
    }

    async fn item(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        (id, query): (&'static str, &str),
        found: &str,
    ) -> Result<(), GraphError> {
        let is_set = id == "set-expand";
        let path = format!("{}/{}?{query}", kind.spec().collection, encode(found));
        match (self.ask(&path).await?, is_set) {
            (ProbeAnswer::Answer(item), true) => match item.get("assignments") {
                Some(Value::Array(assignments)) if assignments.is_empty() => {
                    more.say(
                        id,
                        AssumptionStatus::Open,
                        format!("a `{kind}` without assignments"),
                    );
                }
                Some(Value::Array(_)) => more.say(id, AssumptionStatus::Holds, format!("`{kind}`")),
                _ => more.say(
                    id,
                    AssumptionStatus::Differs,
                    format!("`{kind}` comes without assignments"),
                ),
            },
            (ProbeAnswer::Answer(item), false) => {
                match item.get("assignments").and_then(Value::as_array) {
                    Some(assignments) if !assignments.is_empty() => {
                        let seen = format!("`{kind}` comes with {} assignments", assignments.len());
                        more.say(id, AssumptionStatus::Differs, seen);
                    }
                    _ => more.say(id, AssumptionStatus::Holds, format!("`{kind}`")),
                }
            }
            (ProbeAnswer::Refused(error), true) => {
                more.say(
                    id,
                    AssumptionStatus::Differs,
                    format!("`{kind}`: {}", refusal(&error)),
                );
            }
            (ProbeAnswer::Refused(_), false) => {
                more.say(id, AssumptionStatus::Holds, format!("`{kind}` refuses it"));
            }
            (ProbeAnswer::Failed(why), _) => {
                more.say(id, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
            }
        }
        Ok(())
    }
    /// Reads the assignments of some policies of a kind whose list does not bring them, and looks whether it
    /// would. They are put where a list that brings them has them.
    pub(super) async fn one_by_one(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        pages: &mut Pages,
    ) -> Result<(), GraphError> {
        const ID: &str = "no-expand";
        if kind.spec().listing != Listing::PerPolicy {
            return Ok(());
        }
        let mut assigned = 0;
        for object in pages.objects.iter_mut().take(READ) {
            let Some(id) = object.get("id").and_then(Value::as_str) else {
                continue;
            };
            // What is refused here is refused to a plan.
            if let ProbeAnswer::Answer(mut page) = self.ask(&assignments_path(kind, id)).await?
                && let Some(assignments @ Value::Array(_)) = page.remove("value")
            {
                assigned += usize::from(
                    assignments
                        .as_array()
                        .is_some_and(|assignments| !assignments.is_empty()),
                );
                object.insert("assignments".to_owned(), assignments);
            }
        }
        let path = format!("{}?$expand=assignments", kind.spec().collection);
        let page = match self.ask(&with_size(&path, PAGE)).await? {
            ProbeAnswer::Answer(page) => Pages::of(page),
            ProbeAnswer::Refused(_) => {
                more.say(ID, AssumptionStatus::Holds, format!("`{kind}` refuses it"));
                return Ok(());
            }
            ProbeAnswer::Failed(why) => {
                more.say(ID, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
                return Ok(());
            }
        };
        let brings = page.objects.iter().any(|object| {
            let assignments = object.get("assignments").and_then(Value::as_array);
            assignments.is_some_and(|assignments| !assignments.is_empty())
        });
        match (brings, assigned) {
            (true, _) => {
                let seen = format!("the list of `{kind}` brings assignments");
                more.say(ID, AssumptionStatus::Differs, seen);
            }
            (false, 0) => more.say(
                ID,
                AssumptionStatus::Open,
                format!("no `{kind}` is known to be assigned"),
            ),
            (false, _) => more.say(ID, AssumptionStatus::Holds, format!("`{kind}` brings none")),
        }
        Ok(())
    }

    /// Keeps in mind what was refused, for what is read after this.
    pub(super) fn note_refused(&self, kind: PolicyKind, pages: &Pages) {
        let parts = [
            (&pages.top_refused, Part::Size),
            (&pages.expand_refused, Part::Expand),
        ];
        for (_, part) in parts.into_iter().filter(|(refused, _)| refused.is_some()) {
            self.client().rejected().note(kind.spec().collection, part);
        }
    }

    /// Asks for the assignments of a policy that does not exist.
    pub(super) async fn missing(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
    ) -> Result<(), GraphError> {
        const ID: &str = "missing-policy";
        let spec = kind.spec();
        // Other ids may be refused for their form, and a set is read in another way.
        if spec.ids != IdForm::Guid || matches!(spec.listing, Listing::ItemExpand(_)) {
            return Ok(());
        }
        match self.ask(&assignments_path(kind, NOWHERE)).await? {
            ProbeAnswer::Refused(error) if error.is_missing() => {
                let seen = format!("`{kind}`: {}", refusal(&error));
                more.say(ID, AssumptionStatus::Holds, seen);
            }
            ProbeAnswer::Refused(error) => {
                let seen = format!("`{kind}`: {}", refusal(&error));
                more.say(ID, AssumptionStatus::Differs, seen);
            }
            ProbeAnswer::Answer(_) => {
                let seen = format!("`{kind}` answers as if there were one");
                more.say(ID, AssumptionStatus::Differs, seen);
            }
            ProbeAnswer::Failed(why) => {
                more.say(ID, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
            }
        }
        Ok(())
    }
}
