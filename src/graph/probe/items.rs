//! Single policies of a kind: with their assignments, one by one, and one that does not exist.

use serde_json::Value;

use super::lists::{Pages, Verdicts};
use super::tally::Verdict::{self, Differs, Holds, Open};
use super::{NOWHERE, NoAnswer, assignments_in, refusal, text};
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
        verdicts: &mut Verdicts,
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
        let objects = pages.objects.iter();
        let objects = objects.filter(|object| is_set || !assignments_in(object).is_empty());
        let ids = objects.filter_map(|object| text(object, "id"));
        let ids: Vec<&str> = ids.take(if is_set { SETS } else { 1 }).collect();
        if ids.is_empty() {
            verdicts.push((id, Open(format!("there is no `{kind}` to look at"))));
        }
        for found in ids {
            let path = format!("{}/{}?{query}", kind.spec().collection, encode(found));
            let verdict = match (self.ask(&path).await?, is_set) {
                (Ok(item), true) => match item.get("assignments") {
                    Some(Value::Array(assignments)) if assignments.is_empty() => {
                        Open(format!("a `{kind}` without assignments"))
                    }
                    Some(Value::Array(_)) => Holds(format!("`{kind}`")),
                    _ => Differs(format!("`{kind}` comes without assignments")),
                },
                (Ok(item), false) => match assignments_in(&item).len() {
                    0 => Holds(format!("`{kind}`")),
                    number => Differs(format!("`{kind}` comes with {number} assignments")),
                },
                (Err(NoAnswer::Refused(error)), true) => {
                    Differs(format!("`{kind}`: {}", refusal(&error)))
                }
                (Err(NoAnswer::Refused(_)), false) => Holds(format!("`{kind}` refuses it")),
                (Err(failed), _) => failed.verdict(&format!("`{kind}`: ")),
            };
            verdicts.push((id, verdict));
        }
        Ok(())
    }

    /// Reads the assignments of some policies of a kind whose list does not bring them, and looks whether it
    /// would. They are put where a list that brings them has them.
    pub(super) async fn one_by_one(
        &self,
        kind: PolicyKind,
        pages: &mut Pages,
    ) -> Result<Option<Verdict>, GraphError> {
        if kind.spec().listing != Listing::PerPolicy {
            return Ok(None);
        }
        let mut is_assigned = false;
        for object in pages.objects.iter_mut().take(READ) {
            let Some(id) = text(object, "id") else {
                continue;
            };
            // What is refused here is refused to a plan.
            if let Ok(mut page) = self.ask(&assignments_path(kind, id)).await?
                && let Some(Value::Array(assignments)) = page.remove("value")
            {
                is_assigned |= !assignments.is_empty();
                object.insert("assignments".to_owned(), Value::Array(assignments));
            }
        }
        let path = format!("{}?$expand=assignments", kind.spec().collection);
        let page = match self.ask(&with_size(&path, PAGE)).await? {
            Ok(page) => Pages::of(page),
            Err(NoAnswer::Refused(_)) => return Ok(Some(Holds(format!("`{kind}` refuses it")))),
            Err(failed) => return Ok(Some(failed.verdict(&format!("`{kind}`: ")))),
        };
        let mut objects = page.objects.iter();
        let brings_some = objects.any(|object| !assignments_in(object).is_empty());
        Ok(Some(match (brings_some, is_assigned) {
            (true, _) => Differs(format!("the list of `{kind}` brings assignments")),
            (false, false) => Open(format!("no `{kind}` is known to be assigned")),
            (false, true) => Holds(format!("`{kind}` brings none")),
        }))
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
    pub(super) async fn missing(&self, kind: PolicyKind) -> Result<Option<Verdict>, GraphError> {
        let spec = kind.spec();
        // Other ids may be refused for their form, and a set is read in another way.
        if spec.ids != IdForm::Guid || matches!(spec.listing, Listing::ItemExpand(_)) {
            return Ok(None);
        }
        Ok(Some(
            match self.ask(&assignments_path(kind, NOWHERE)).await? {
                Err(NoAnswer::Refused(error)) if error.is_missing() => {
                    Holds(format!("`{kind}`: {}", refusal(&error)))
                }
                Err(NoAnswer::Refused(error)) => Differs(format!("`{kind}`: {}", refusal(&error))),
                Ok(_) => Differs(format!("`{kind}` answers as if there were one")),
                Err(failed) => failed.verdict(&format!("`{kind}`: ")),
            },
        ))
    }
}
