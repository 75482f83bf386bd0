//! The lists of a kind: their first pages, the page after, and the same assignments by another way.

use std::collections::HashSet;

use serde_json::Value;

use super::tally::Verdict::{self, Differs, Failed, Holds, Open};
use super::{Asked, NoAnswer, refusal, sorted, text};
use crate::graph::client::Call;
use crate::graph::decode::Object;
use crate::graph::error::GraphError;
use crate::graph::listing::{self, Listing as Listed};
use crate::graph::read::{PAGE, Reader, with_size};
use crate::graph::wire::Texts;
use crate::kinds::{Listing, PolicyKind};
use crate::model::{Assignment, assignments, assignments_path, same_assignments};

/// How many policies of a kind are read both ways.
const COMPARED: usize = 2;
/// How many are looked at where the list brought no assignments at all.
const COMPARED_EMPTY: usize = 3;

/// What further looks say of a kind, each with the assumption that it is about.
pub(super) type Verdicts = Vec<(&'static str, Verdict)>;

/// What the looks at a kind have brought.
pub(super) struct Looks {
    pub(super) pages: Pages,
    pub(super) verdicts: Verdicts,
}

/// The first page of a list.
#[derive(Default)]
pub(super) struct Pages {
    /// Why `$top` is refused, if it is.
    pub(super) top_refused: Option<String>,
    /// Why `$expand` is refused, if it is.
    pub(super) expand_refused: Option<String>,
    pub(super) objects: Vec<Object>,
    next: Option<String>,
    count: Option<i64>,
}

impl Pages {
    pub(super) fn of(mut page: Object) -> Self {
        let objects = match page.remove("value") {
            Some(Value::Array(values)) => values
                .into_iter()
                .filter_map(|value| match value {
                    Value::Object(object) => Some(object),
                    _ => None,
                })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            objects,
            next: text(&page, "@odata.nextLink").map(str::to_owned),
            count: page.get("@odata.count").and_then(Value::as_i64),
            ..Self::default()
        }
    }
}

/// Looks at the count of a page that another follows: what it says of the only page says nothing.
fn count(kind: PolicyKind, page: &Pages) -> Verdict {
    let number = i64::try_from(page.objects.len()).unwrap_or(i64::MAX);
    match page.count {
        Some(count) if count != 0 && count != number => {
            Differs(format!("`{kind}` says {count} on a page of {number}"))
        }
        Some(count) => Holds(format!("`{kind}` ({count} of {number})")),
        None => Holds(format!("`{kind}` (none)")),
    }
}

impl Reader {
    /// Looks at the list of a kind.
    pub(super) async fn kind(&self, kind: PolicyKind) -> Result<Asked<Looks>, GraphError> {
        let mut pages = match self.first_page(kind).await? {
            Ok(pages) => pages,
            Err(none) => return Ok(Err(none)),
        };
        let mut verdicts = Verdicts::new();
        answered(&mut verdicts, kind, &pages);
        self.note_refused(kind, &pages);
        let followed = self.follow(&mut verdicts, kind, &pages).await?;
        verdicts.extend(followed.map(|verdict| ("next-link", verdict)));
        if pages.expand_refused.is_none() {
            self.compare(&mut verdicts, kind, &pages).await?;
        }
        self.single(&mut verdicts, kind, &pages).await?;
        let listed = self.one_by_one(kind, &mut pages).await?;
        verdicts.extend(listed.map(|verdict| ("no-expand", verdict)));
        let missing = self.missing(kind).await?;
        verdicts.extend(missing.map(|verdict| ("missing-policy", verdict)));
        Ok(Ok(Looks { pages, verdicts }))
    }

    /// Asks for the first page as a plan does; if that is refused, finds out which part of it is.
    async fn first_page(&self, kind: PolicyKind) -> Result<Asked<Pages>, GraphError> {
        let collection = kind.spec().collection;
        let expands = kind.spec().listing == Listing::Expanded;
        let path = match expands {
            true => format!("{collection}?$expand=assignments"),
            false => collection.to_owned(),
        };
        match self.ask(&with_size(&path, PAGE)).await? {
            Err(NoAnswer::Refused(error)) if !error.is_forbidden() => {}
            asked => return Ok(asked.map(Pages::of)),
        }
        let mut pages = match self.ask(collection).await? {
            Ok(page) => Pages::of(page),
            Err(none) => return Ok(Err(none)),
        };
        if let Err(NoAnswer::Refused(error)) = self.ask(&with_size(collection, PAGE)).await? {
            pages.top_refused = Some(refusal(&error));
        }
        if expands {
            match self.ask(&path).await? {
                Err(NoAnswer::Refused(error)) => pages.expand_refused = Some(refusal(&error)),
                Err(failed) => return Ok(Err(failed)),
                Ok(page) => {
                    pages = Pages {
                        top_refused: pages.top_refused,
                        ..Pages::of(page)
                    };
                }
            }
        }
        Ok(Ok(pages))
    }

    /// Follows a link to a page that comes after another.
    async fn follow(
        &self,
        verdicts: &mut Verdicts,
        kind: PolicyKind,
        pages: &Pages,
    ) -> Result<Option<Verdict>, GraphError> {
        let all = pages.objects.len();
        let small;
        let page = match &pages.next {
            Some(_) => pages,
            None if all < 2 => return Ok(None),
            None => {
                small = match self.ask(&with_size(kind.spec().collection, 1)).await? {
                    Ok(page) => Pages::of(page),
                    Err(NoAnswer::Refused(_)) => {
                        return Ok(Some(Open(format!("`{kind}`: `$top=1` is refused"))));
                    }
                    Err(failed) => return Ok(Some(failed.verdict(&format!("`{kind}`: ")))),
                };
                &small
            }
        };
        let Some(link) = &page.next else {
            return Ok(Some(match page.objects.len() < all {
                true => Differs(format!("`{kind}` has a page of 1 of {all} without a link")),
                false => Open(format!("`{kind}` ignores `$top=1`")),
            }));
        };
        verdicts.push(("odata-count", count(kind, page)));
        if !self.client().address().admits(link) {
            let form = match url::Url::parse(link) {
                Ok(_) => "leads to another host",
                Err(_) => "is not an absolute URL",
            };
            return Ok(Some(Differs(format!("the link of `{kind}` {form}"))));
        }
        self.follow_link(kind, page, link, all).await.map(Some)
    }

    /// Judges by what comes after a page. An empty page may have a link of its own
    /// (microsoftgraph/microsoft-graph-docs#18143).
    async fn follow_link(
        &self,
        kind: PolicyKind,
        page: &Pages,
        link: &str,
        all: usize,
    ) -> Result<Verdict, GraphError> {
        const LINKS: usize = 3;
        let ids = |pages: &Pages| -> HashSet<String> {
            let ids = pages.objects.iter().filter_map(|object| text(object, "id"));
            ids.map(str::to_owned).collect()
        };
        let known = ids(page);
        let mut link = link.to_owned();
        for _ in 0..LINKS {
            let next = match sorted(self.client().read_json(&Call::get(link)).await)? {
                Ok(page) => Pages::of(page),
                Err(NoAnswer::Refused(error)) => {
                    let seen = format!("the link of `{kind}` is refused: {}", refusal(&error));
                    return Ok(Differs(seen));
                }
                Err(failed) => return Ok(failed.verdict(&format!("`{kind}`: "))),
            };
            if !ids(&next).is_subset(&known) {
                return Ok(Holds(format!("`{kind}`")));
            }
            if !next.objects.is_empty() {
                let seen = format!("the link of `{kind}` leads to the same page");
                return Ok(Differs(seen));
            }
            let admitted = |next: &String| self.client().address().admits(next);
            match next.next.filter(admitted) {
                Some(further) => link = further,
                None => break,
            }
        }
        let number = page.objects.len();
        Ok(match number < all {
            true => Differs(format!(
                "the link of `{kind}` leads to an empty page, after {number} of {all}"
            )),
            false => Open(format!("an empty page follows the list of `{kind}`")),
        })
    }

    /// Compares the assignments of a list with those of single policies.
    async fn compare(
        &self,
        verdicts: &mut Verdicts,
        kind: PolicyKind,
        pages: &Pages,
    ) -> Result<(), GraphError> {
        const ID: &str = "assignments-agree";
        if kind.spec().listing != Listing::Expanded {
            return Ok(());
        }
        let Some(listed) = of_list(kind, pages) else {
            let seen = format!("the list of `{kind}` cannot be read");
            verdicts.push((ID, Failed(seen)));
            return Ok(());
        };
        let brought_none =
            !listed.is_empty() && listed.iter().all(|(_, assignments)| assignments.is_empty());
        let number = if brought_none {
            COMPARED_EMPTY
        } else {
            COMPARED
        };
        let mut hidden = false;
        if let Some((id, _)) = listed.first()
            && let Err(NoAnswer::Refused(error)) = self
                .ask(&with_size(&assignments_path(kind, id), PAGE))
                .await?
            && error.status == 400
            && !error.is_missing()
            && !error.is_missing_route()
        {
            let seen = format!("the assignments of a `{kind}`: {}", refusal(&error));
            verdicts.push(("list-top", Differs(seen)));
        }
        for (id, from_list) in listed.iter().take(number) {
            let verdict = match sorted(self.assignments(kind, id).await)? {
                Ok(Some(live)) => {
                    let single = assignments(&live);
                    hidden |= from_list.is_empty() && !single.is_empty();
                    match same_assignments(&single, from_list) {
                        true if single.is_empty() => {
                            Open(format!("a `{kind}` without assignments"))
                        }
                        true => Holds(format!("`{kind}`")),
                        false => Differs(format!(
                            "a `{kind}` has {} in the list and {} by itself",
                            from_list.len(),
                            single.len()
                        )),
                    }
                }
                // It was deleted, or is not to be found by its id.
                Ok(None) => Differs(format!("a `{kind}` of the list is not found by its id")),
                Err(NoAnswer::Refused(error)) => {
                    Differs(format!("`{kind}` is refused: {}", refusal(&error)))
                }
                Err(failed) => failed.verdict(&format!("`{kind}`: ")),
            };
            verdicts.push((ID, verdict));
        }
        let verdict = match (hidden, brought_none) {
            (true, true) => Differs(format!("the list of `{kind}` brings no assignments")),
            (_, false) if !listed.is_empty() => Holds(format!("`{kind}`")),
            _ => Open(format!("nothing of `{kind}` is assigned")),
        };
        verdicts.push(("list-expand", verdict));
        Ok(())
    }
}

/// Says what the first page itself shows.
fn answered(verdicts: &mut Verdicts, kind: PolicyKind, pages: &Pages) {
    let number = pages.objects.len();
    let of_size = match &pages.top_refused {
        Some(reason) => Differs(format!("`{kind}` refuses `$top={PAGE}`: {reason}")),
        None if number > PAGE => Differs(format!("`{kind}` gives {number} on a page")),
        None => {
            let cut = if pages.next.is_some() { " a page" } else { "" };
            Holds(format!("`{kind}` ({number}{cut})"))
        }
    };
    verdicts.push(("list-top", of_size));
    if let Some(reason) = &pages.expand_refused {
        let seen = format!("`{kind}` refuses it: {reason}");
        verdicts.push(("list-expand", Differs(seen)));
    }
}

/// Returns ids and assignments of the policies on a page: those with the most first, of those without any
/// those that say that they have some. `None` if the page cannot be read.
fn of_list(kind: PolicyKind, pages: &Pages) -> Option<Vec<(String, Vec<Assignment>)>> {
    let listed = parsed(kind, pages)?;
    let says_so = |id: &str| {
        let mut objects = pages.objects.iter();
        let found = objects.find(|object| object.get("id").is_some_and(|known| known == id));
        found.is_some_and(|object| object.get("isAssigned") == Some(&Value::Bool(true)))
    };
    let mut found: Vec<(String, Vec<Assignment>)> = listed
        .into_iter()
        .filter(|policy| !policy.live.is_tenant_default)
        .filter(|policy| policy.listed == listing::ListedAssignments::Whole)
        .map(|policy| (policy.live.id.clone(), policy.live.assignments.to_vec()))
        .collect();
    found.sort_by_cached_key(|(id, assignments)| {
        (std::cmp::Reverse(assignments.len()), !says_so(id))
    });
    Some(found)
}

/// Reads the policies on a page as a plan does. `None` if they cannot be read.
pub(super) fn parsed(kind: PolicyKind, pages: &Pages) -> Option<Vec<Listed>> {
    let page = serde_json::json!({ "value": pages.objects }).to_string();
    let (listed, _) = listing::page(kind, page.as_bytes(), &mut Texts::default()).ok()?;
    Some(listed)
}
