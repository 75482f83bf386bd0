//! The lists of a kind: their first pages, the page after, and the same assignments by another way.

use std::collections::HashSet;

use serde_json::Value;

use super::tally::Tallies;
use super::{ProbeAnswer, refusal, sorted};
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

/// What the list of a kind is.
pub(super) struct OfKind {
    pub(super) kind: PolicyKind,
    pub(super) what: Found,
}

pub(super) enum Found {
    Read(Pages),
    Forbidden,
    /// There is no such list, in the service's words.
    Unavailable(String),
    Failed(String),
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
            next: page
                .get("@odata.nextLink")
                .and_then(Value::as_str)
                .map(str::to_owned),
            count: page.get("@odata.count").and_then(Value::as_i64),
            ..Self::default()
        }
    }
}

/// What further looks say of a kind.
#[derive(Default)]
pub(super) struct FurtherVerdicts(Vec<(&'static str, AssumptionStatus, String)>);

pub(super) enum AssumptionStatus {
    Holds,
    Differs,
    Open,
    Failed,
}

impl FurtherVerdicts {
    pub(super) fn say(
        &mut self,
        id: &'static str,
        status: AssumptionStatus,
        text: impl Into<String>,
    ) {
        self.0.push((id, status, text.into()));
    }

    /// Looks at the count of a page that another follows: what it says of the only page says nothing.
    fn count(&mut self, kind: PolicyKind, page: &Pages) {
        const ID: &str = "odata-count";
        let number = i64::try_from(page.objects.len()).unwrap_or(i64::MAX);
        match page.count {
            Some(count) if count != 0 && count != number => {
                let seen = format!("`{kind}` says {count} on a page of {number}");
                self.say(ID, AssumptionStatus::Differs, seen);
            }
            Some(count) => self.say(
                ID,
                AssumptionStatus::Holds,
                format!("`{kind}` ({count} of {number})"),
            ),
            None => self.say(ID, AssumptionStatus::Holds, format!("`{kind}` (none)")),
        }
    }

    pub(super) fn add_to(self, tallies: &mut Tallies) {
        for (id, status, text) in self.0 {
            match status {
                AssumptionStatus::Holds => tallies.holds(id, text),
                AssumptionStatus::Differs => tallies.differs(id, text),
                AssumptionStatus::Open => tallies.open(id, text),
                AssumptionStatus::Failed => tallies.failed(id, text),
            }
        }
    }
}

impl Reader {
    /// Looks at the list of a kind.
    pub(super) async fn kind(
        &self,
        kind: PolicyKind,
    ) -> Result<(OfKind, FurtherVerdicts), GraphError> {
        let what = self.first_page(kind).await?;
        let mut more = FurtherVerdicts::default();
        let what = match what {
            Found::Read(mut pages) => {
                answered(&mut more, kind, &pages);
                self.note_refused(kind, &pages);
                self.follow(&mut more, kind, &pages).await?;
                if pages.expand_refused.is_none() {
                    self.compare(&mut more, kind, &pages).await?;
                }
                self.single(&mut more, kind, &pages).await?;
                self.one_by_one(&mut more, kind, &mut pages).await?;
                self.missing(&mut more, kind).await?;
                Found::Read(pages)
            }
            what => what,
        };
        Ok((OfKind { kind, what }, more))
    }

    /// Asks for the first page as a plan does; if that is refused, finds out which part of it is.
    async fn first_page(&self, kind: PolicyKind) -> Result<Found, GraphError> {
        let collection = kind.spec().collection;
        let expands = kind.spec().listing == Listing::Expanded;
        let path = match expands {
            true => format!("{collection}?$expand=assignments"),
            false => collection.to_owned(),
        };
        match self.ask(&with_size(&path, PAGE)).await? {
            ProbeAnswer::Answer(page) => return Ok(Found::Read(Pages::of(page))),
            ProbeAnswer::Refused(error) if error.is_forbidden() => return Ok(Found::Forbidden),
            ProbeAnswer::Failed(why) => return Ok(Found::Failed(why)),
            ProbeAnswer::Refused(_) => {}
        }
        let mut pages = match self.ask(collection).await? {
            ProbeAnswer::Answer(page) => Pages::of(page),
            ProbeAnswer::Refused(error) if error.is_forbidden() => return Ok(Found::Forbidden),
            ProbeAnswer::Refused(error) => return Ok(Found::Unavailable(refusal(&error))),
            ProbeAnswer::Failed(why) => return Ok(Found::Failed(why)),
        };
        if let ProbeAnswer::Refused(error) = self.ask(&with_size(collection, PAGE)).await? {
            pages.top_refused = Some(refusal(&error));
        }
        if expands {
            match self.ask(&path).await? {
                ProbeAnswer::Refused(error) => pages.expand_refused = Some(refusal(&error)),
                ProbeAnswer::Answer(page) => {
                    pages = Pages {
                        top_refused: pages.top_refused,
                        ..Pages::of(page)
                    };
                }
                ProbeAnswer::Failed(why) => return Ok(Found::Failed(why)),
            }
        }
        Ok(Found::Read(pages))
    }

    /// Follows a link to a page that comes after another.
    async fn follow(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        pages: &Pages,
    ) -> Result<(), GraphError> {
        const ID: &str = "next-link";
        let all = pages.objects.len();
        let small;
        let page = match &pages.next {
            Some(_) => pages,
            None if all < 2 => return Ok(()),
            None => {
                small = match self.ask(&with_size(kind.spec().collection, 1)).await? {
                    ProbeAnswer::Answer(page) => Pages::of(page),
                    ProbeAnswer::Refused(_) => {
                        more.say(
                            ID,
                            AssumptionStatus::Open,
                            format!("`{kind}`: `$top=1` is refused"),
                        );
                        return Ok(());
                    }
                    ProbeAnswer::Failed(why) => {
                        more.say(ID, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
                        return Ok(());
                    }
                };
                &small
            }
        };
        let Some(link) = &page.next else {
            match page.objects.len() < all {
                true => {
                    let seen = format!("`{kind}` has a page of 1 of {all} without a link");
                    more.say(ID, AssumptionStatus::Differs, seen);
                }
                false => more.say(
                    ID,
                    AssumptionStatus::Open,
                    format!("`{kind}` ignores `$top=1`"),
                ),
            }
            return Ok(());
        };
        more.count(kind, page);
        if !self.client().address().admits(link) {
            let form = match url::Url::parse(link) {
                Ok(_) => "leads to another host",
                Err(_) => "is not an absolute URL",
            };
            more.say(
                ID,
                AssumptionStatus::Differs,
                format!("the link of `{kind}` {form}"),
            );
            return Ok(());
        }
        self.follow_link(more, kind, page, link, all).await
    }

    /// Judges by what comes after a page. An empty page may have a link of its own
    /// (microsoftgraph/microsoft-graph-docs#18143).
    async fn follow_link(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        page: &Pages,
        link: &str,
        all: usize,
    ) -> Result<(), GraphError> {
        const ID: &str = "next-link";
        const LINKS: usize = 3;
        let ids = |pages: &Pages| -> HashSet<String> {
            let objects = pages.objects.iter();
            let texts = objects.filter_map(|object| object.get("id")?.as_str());
            texts.map(str::to_owned).collect()
        };
        let known = ids(page);
        let mut link = link.to_owned();
        for _ in 0..LINKS {
            let next = match self.ask_at(link).await? {
                ProbeAnswer::Answer(page) => Pages::of(page),
                ProbeAnswer::Refused(error) => {
                    let seen = format!("the link of `{kind}` is refused: {}", refusal(&error));
                    more.say(ID, AssumptionStatus::Differs, seen);
                    return Ok(());
                }
                ProbeAnswer::Failed(why) => {
                    more.say(ID, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
                    return Ok(());
                }
            };
            let is_further = ids(&next).difference(&known).next().is_some();
            match next
                .next
                .filter(|next| self.client().address().admits(next))
            {
                _ if is_further => {
                    more.say(ID, AssumptionStatus::Holds, format!("`{kind}`"));
                    return Ok(());
                }
                _ if !next.objects.is_empty() => {
                    let seen = format!("the link of `{kind}` leads to the same page");
                    more.say(ID, AssumptionStatus::Differs, seen);
                    return Ok(());
                }
                Some(further) => link = further,
                None => break,
            }
        }
        match page.objects.len() < all {
            true => {
                let seen = format!(
                    "the link of `{kind}` leads to an empty page, after {} of {all}",
                    page.objects.len()
                );
                more.say(ID, AssumptionStatus::Differs, seen);
            }
            false => more.say(
                ID,
                AssumptionStatus::Open,
                format!("an empty page follows the list of `{kind}`"),
            ),
        }
        Ok(())
    }

    /// Compares the assignments of a list with those of single policies.
    async fn compare(
        &self,
        more: &mut FurtherVerdicts,
        kind: PolicyKind,
        pages: &Pages,
    ) -> Result<(), GraphError> {
        const ID: &str = "assignments-agree";
        if kind.spec().listing != Listing::Expanded {
            return Ok(());
        }
        let Some(listed) = of_list(kind, pages) else {
            more.say(
                ID,
                AssumptionStatus::Failed,
                format!("the list of `{kind}` cannot be read"),
            );
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
            && let ProbeAnswer::Refused(error) = self
                .ask(&with_size(&assignments_path(kind, id), PAGE))
                .await?
            && error.status == 400
            && !error.is_missing()
            && !error.is_missing_route()
        {
            let seen = format!("the assignments of a `{kind}`: {}", refusal(&error));
            more.say("list-top", AssumptionStatus::Differs, seen);
        }
        for (id, from_list) in listed.iter().take(number) {
            let read = sorted(self.assignments(kind, id).await)?;
            match read {
                ProbeAnswer::Answer(Some(live)) => {
                    let single = assignments(&live);
                    hidden |= from_list.is_empty() && !single.is_empty();
                    match same_assignments(&single, from_list) {
                        true if single.is_empty() => {
                            more.say(
                                ID,
                                AssumptionStatus::Open,
                                format!("a `{kind}` without assignments"),
                            );
                        }
                        true => more.say(ID, AssumptionStatus::Holds, format!("`{kind}`")),
                        false => {
                            let seen = format!(
                                "a `{kind}` has {} in the list and {} by itself",
                                from_list.len(),
                                single.len()
                            );
                            more.say(ID, AssumptionStatus::Differs, seen);
                        }
                    }
                }
                // It was deleted, or is not to be found by its id.
                ProbeAnswer::Answer(None) => {
                    let seen = format!("a `{kind}` of the list is not found by its id");
                    more.say(ID, AssumptionStatus::Differs, seen);
                }
                ProbeAnswer::Refused(error) => {
                    let seen = format!("`{kind}` is refused: {}", refusal(&error));
                    more.say(ID, AssumptionStatus::Differs, seen);
                }
                ProbeAnswer::Failed(why) => {
                    more.say(ID, AssumptionStatus::Failed, format!("`{kind}`: {why}"));
                }
            }
        }
        match (hidden, brought_none) {
            (true, true) => {
                let seen = format!("the list of `{kind}` brings no assignments");
                more.say("list-expand", AssumptionStatus::Differs, seen);
            }
            (_, false) if !listed.is_empty() => {
                more.say("list-expand", AssumptionStatus::Holds, format!("`{kind}`"));
            }
            _ => more.say(
                "list-expand",
                AssumptionStatus::Open,
                format!("nothing of `{kind}` is assigned"),
            ),
        }
        Ok(())
    }
}

/// Says what the first page itself shows.
fn answered(more: &mut FurtherVerdicts, kind: PolicyKind, pages: &Pages) {
    match &pages.top_refused {
        Some(reason) => {
            let seen = format!("`{kind}` refuses `$top={PAGE}`: {reason}");
            more.say("list-top", AssumptionStatus::Differs, seen);
        }
        None if pages.objects.len() > PAGE => {
            let seen = format!("`{kind}` gives {} on a page", pages.objects.len());
            more.say("list-top", AssumptionStatus::Differs, seen);
        }
        None => {
            let cut = if pages.next.is_some() { " a page" } else { "" };
            let seen = format!("`{kind}` ({}{cut})", pages.objects.len());
            more.say("list-top", AssumptionStatus::Holds, seen);
        }
    }
    if let Some(reason) = &pages.expand_refused {
        let seen = format!("`{kind}` refuses it: {reason}");
        more.say("list-expand", AssumptionStatus::Differs, seen);
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
