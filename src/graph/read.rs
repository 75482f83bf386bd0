//! Reading the service. Whoever holds a [`Reader`] cannot change anything.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt as _;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::client::{Call, Client};
use super::decode::from_json;
use super::error::GraphError;
use super::listing::{self, ListedAssignments, Listing};
use super::observe::Event;
use super::pages::{self, DecodePage, Listed, of_list};
use super::rejected_options::Part;
use super::retry::Retry;
use super::transport::{RequestLine, Response};
use super::wire::{self, ExpandedItem, Object, Page, Texts};
use super::writer::LookSlot;
use crate::kinds;
use crate::model::{
    LiveAssignment, LiveFilter, LivePolicy, PolicyKind, RawPolicy, assignments_path, encode,
};
use crate::text::Cause;

/// The name under which it is remembered that lists of assignments take no page size.
const ASSIGNMENTS: &str = "/assignments";
pub(super) const FILTERS: &str = "/deviceManagement/assignmentFilters";
/// The page size that lists are asked with. The service may return smaller pages.
pub(super) const PAGE: usize = 1000;
/// How many times a policy's assignments are read where they come in more than one page.
const PAGED_LOOKS: usize = 5;
/// How many policies' further assignments are read side by side; few policies ever need it.
const PARALLEL_READS: usize = 8;

/// Reads the live state.
#[derive(Clone)]
pub struct Reader {
    client: Arc<Client>,
}

/// The assignments of one policy; `None` if the policy does not exist.
pub type PolicyAssignments = Option<Vec<LiveAssignment>>;

impl Reader {
    /// Makes a reader.
    pub fn new(client: Arc<Client>) -> Self {
        Self { client }
    }

    /// Reads a list, with the page size that is asked for; if the service refuses that, without.
    pub(super) async fn sized<T>(
        &self,
        list: &'static str,
        path: &str,
        size: Option<usize>,
        read: impl AsyncFn(String) -> Result<T, GraphError>,
    ) -> Result<T, GraphError> {
        let address = self.client.address();
        let Some(size) = size else {
            return read(address.join(path)).await;
        };
        if !self.client.rejected().refuses(list, Part::Size) {
            match read(address.join(&with_size(path, size))).await {
                Err(error) if error.may_be_about_size() => {}
                outcome => return outcome,
            }
        }
        let outcome = read(address.join(path)).await;
        if outcome.is_ok() {
            self.client.rejected().note(list, Part::Size);
        }
        outcome
    }

    /// Does the same with many lists in batches.
    pub(super) async fn read_batch_sized(
        &self,
        list: &'static str,
        paths: &[(String, Option<usize>)],
    ) -> Result<Vec<Result<Value, GraphError>>, GraphError> {
        let is_unsized = self.client.rejected().refuses(list, Part::Size);
        let first: Vec<String> = paths
            .iter()
            .map(|(path, size)| match size {
                Some(size) if !is_unsized => with_size(path, *size),
                _ => path.clone(),
            })
            .collect();
        let mut answers = self.client.read_batch(&first).await?;
        let refused: Vec<usize> = (0..answers.len())
            .filter(|index| first[*index] != paths[*index].0)
            .filter(|index| matches!(&answers[*index], Err(error) if error.may_be_about_size()))
            .collect();
        let again: Vec<String> = refused
            .iter()
            .map(|index| paths[*index].0.clone())
            .collect();
        for (index, answer) in refused
            .into_iter()
            .zip(self.client.read_batch(&again).await?)
        {
            if answer.is_ok() {
                self.client.rejected().note(list, Part::Size);
            }
            answers[index] = answer;
        }
        Ok(answers)
    }

    /// Reads JSON of a known form at a path below the version root.
    pub(super) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, GraphError> {
        let call = Call::get(self.client.address().join(path));
        self.client.read_json(&call).await
    }

    /// Reads a whole list of objects, with the page size that its path asks for.
    pub(super) async fn objects(&self, path: &str) -> Result<Vec<Object>, GraphError> {
        let first = self.client.address().join(path);
        self.client.read_list(first, &pages::objects, |_| {}).await
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the Graph URL as plans show it.
    pub fn graph_url(&self) -> &str {
        self.client.address().as_str()
    }

    /// Signs in and returns the tenant, where the token names it.
    ///
    /// # Errors
    ///
    /// Returned if no token is available.
    pub async fn tenant_id(&self) -> Result<Option<String>, GraphError> {
        Ok(self.client.tenant_id().await?)
    }

    /// Reads all policies of a kind with all their assignments, sorted by name and id.
    ///
    /// Assignments come with the list. They are never taken from a single policy's `$expand`,
    /// which answers with an empty list (microsoftgraph/msgraph-sdk-powershell#3337).
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn policies(&self, kind: PolicyKind) -> Result<Vec<LivePolicy>, GraphError> {
        let listed = self.listed(kind, &listing::pages(kind)).await?;
        Ok(listed.into_iter().map(|listed| listed.live).collect())
    }

    /// Reads what [`Self::policies`] reads, and keeps all that the list says of each policy.
    pub(super) async fn policies_as_sent(
        &self,
        kind: PolicyKind,
    ) -> Result<Vec<RawPolicy>, GraphError> {
        let listed = self
            .listed(kind, &|body| listing::page_as_sent(kind, body))
            .await?;
        Ok(listed
            .into_iter()
            .map(|Listing { live, sent, .. }| RawPolicy {
                live,
                properties: sent.properties,
                assignments: sent.assignments,
            })
            .collect())
    }

    async fn listed(
        &self,
        kind: PolicyKind,
        decode: DecodePage<'_, Listing>,
    ) -> Result<Vec<Listing>, GraphError> {
        of_list(kind, decode, async |decode| {
            self.listed_with(kind, decode).await
        })
        .await
    }

    async fn listed_with(
        &self,
        kind: PolicyKind,
        decode: DecodePage<'_, Listing>,
    ) -> Result<Vec<Listing>, GraphError> {
        let collection = kind.spec().collection;
        let plain = async || self.list(collection, collection, PAGE, decode).await;
        let mut policies = match kind.spec().listing {
            kinds::Listing::Expanded
                if !self.client.rejected().refuses(collection, Part::Expand) =>
            {
                let path = format!("{collection}?$expand=assignments");
                match self.list(collection, &path, PAGE, decode).await {
                    // Some tenants refuse it for some kinds; the list itself may still be had.
                    Err(GraphError::Service { error, .. }) if matches!(error.status, 400 | 404) => {
                        let listed = plain().await?;
                        self.client.rejected().note(collection, Part::Expand);
                        listed
                    }
                    listed => {
                        let mut policies = listed?;
                        self.recheck_empty(&mut policies).await?;
                        policies
                    }
                }
            }
            kinds::Listing::Expanded
            | kinds::Listing::PerPolicy
            | kinds::Listing::ItemExpand(_) => plain().await?,
        };
        keep_latest(&mut policies);
        let gone = self.read_unread(&mut policies).await?;
        // Deleted since the list was read, or not found by id: list again to decide.
        if !gone.is_empty() {
            let listed = plain().await?;
            let mut listed = listed.iter();
            if let Some(listed) = listed.find(|listed| gone.contains(&listed.live.id)) {
                return Err(shape(
                    &RequestLine::get(&listed.path()),
                    "the service says that the policy does not exist, and lists it all the same",
                ));
            }
        }
        policies.sort_by(|one, other| {
            (&one.live.name, &one.live.id).cmp(&(&other.live.name, &other.live.id))
        });
        Ok(policies)
    }

    /// Reads the names of all policies of a kind that take assignments, and nothing of their assignments.
    pub(super) async fn policy_names(&self, kind: PolicyKind) -> Result<Vec<String>, GraphError> {
        let collection = kind.spec().collection;
        let list = async |decode: DecodePage<'_, Listing>| {
            self.list(collection, collection, PAGE, decode).await
        };
        let mut policies = of_list(kind, &listing::pages(kind), list).await?;
        keep_latest(&mut policies);
        let policies = policies.iter().map(|listing| &listing.live);
        let policies = policies.filter(|policy| !policy.is_tenant_default);
        Ok(policies.map(|policy| policy.name.to_string()).collect())
    }

    pub(super) async fn list<T: Listed>(
        &self,
        list: &'static str,
        path: &str,
        size: usize,
        decode: DecodePage<'_, T>,
    ) -> Result<Vec<T>, GraphError> {
        self.sized(list, path, Some(size), async |first| {
            let on_page = |total| self.client.notice(Event::PageRead { list, total });
            self.client.read_list(first, decode, on_page).await
        })
        .await
    }

    /// Reads the assignments of policies whose list did not bring all of them. What was cut is not
    /// joined with what is behind its link: where something changes in between, that is a list that
    /// never existed. Takes policies that do not exist out of the list, and returns their ids.
    async fn read_unread(
        &self,
        policies: &mut Vec<Listing>,
    ) -> Result<HashSet<String>, GraphError> {
        let unread: Vec<usize> = policies
            .iter()
            .enumerate()
            .filter(|(_, policy)| policy.listed != ListedAssignments::Whole)
            .map(|(index, _)| index)
            .collect();
        for index in &unread {
            if let ListedAssignments::Cut(link) = &policies[*index].listed
                && !self.client.address().admits(link)
            {
                let request = RequestLine::get(&policies[*index].path());
                return Err(GraphError::not_followed(request, link.clone()));
            }
        }
        let asked: Vec<(PolicyKind, String)> = unread
            .iter()
            .map(|index| (policies[*index].live.kind, policies[*index].live.id.clone()))
            .collect();
        let answers = self.assignments_of(&asked).await?;
        let mut gone = HashSet::new();
        for (index, assignments) in unread.into_iter().zip(answers) {
            match assignments? {
                Some(assignments) => policies[index].set(assignments),
                None => {
                    gone.insert(policies[index].live.id.clone());
                }
            }
        }
        policies.retain(|policy| !gone.contains(&policy.live.id));
        Ok(gone)
    }

    /// Reads the assignments of one policy as they are now.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete; a policy that does not exist is no error.
    pub async fn assignments(
        &self,
        kind: PolicyKind,
        policy_id: &str,
    ) -> Result<PolicyAssignments, GraphError> {
        self.assignments_at(kind, policy_id, None).await
    }

    /// Reads the assignments of one policy right before it is written, with the slot that belongs to
    /// that look.
    ///
    /// # Errors
    ///
    /// As [`Self::assignments`].
    pub async fn assignments_at(
        &self,
        kind: PolicyKind,
        policy_id: &str,
        slot: Option<LookSlot>,
    ) -> Result<PolicyAssignments, GraphError> {
        let (path, size) = set_path(kind, policy_id);
        let slot = Mutex::new(slot.map(|LookSlot(permit)| permit));
        let request = RequestLine::get(&path);
        let first_page = async |url: String| {
            let slot = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
            let first = Call::get(url.clone());
            let decode = |response: &Response| match size {
                Some(_) => from_json(&response.body),
                None => from_json::<ExpandedItem>(&response.body).map(Page::from),
            };
            let retry = &mut Retry::default();
            let page = self.client.read_with(slot, retry, &first, decode).await?;
            Ok((url, page))
        };
        let mut earlier: Option<Vec<Object>> = None;
        for _ in 0..PAGED_LOOKS {
            let first = self.sized(ASSIGNMENTS, &path, size, &first_page).await;
            let Some((url, Page { value, next_link })) = GraphError::unless_missing(first)? else {
                return Ok(None);
            };
            if next_link.is_none() {
                return Ok(Some(live_assignments(kind, &request, value)?));
            }
            // What is missing on a later page is the page, not the policy.
            let objects = self.client.whole(url, value, next_link).await?;
            // Pages are read one after the other. What changes in between makes a list that never
            // existed; only one that reads the same twice was there.
            if earlier.as_ref() == Some(&objects) {
                return Ok(Some(live_assignments(kind, &request, objects)?));
            }
            earlier = Some(objects);
        }
        Err(shape(
            &request,
            "the list changed each time that it was read",
        ))
    }

    /// Reads the assignments of many policies, in as few requests as the service allows. The
    /// results stand in the order of the policies.
    ///
    /// # Errors
    ///
    /// Fails as a whole where a batch fails as a whole; each policy has its own result otherwise.
    pub async fn assignments_of(
        &self,
        policies: &[(PolicyKind, String)],
    ) -> Result<Vec<Result<PolicyAssignments, GraphError>>, GraphError> {
        if let [(kind, id)] = policies {
            return Ok(vec![self.assignments(*kind, id).await]);
        }
        let paths: Vec<_> = policies
            .iter()
            .map(|(kind, id)| set_path(*kind, id))
            .collect();
        let answers = self.read_batch_sized(ASSIGNMENTS, &paths).await?;
        let answers = policies.iter().zip(paths).zip(answers);
        let results =
            futures::stream::iter(answers).map(|(((kind, id), (path, size)), answer)| async move {
                let Some(answer) = GraphError::unless_missing(answer)? else {
                    return Ok(None);
                };
                let request = RequestLine::get(&path);
                let page = match size {
                    Some(_) => page_of(&request, answer)?,
                    None => item_of(&request, answer)?,
                };
                match page.next_link {
                    None => live_assignments(*kind, &request, page.value).map(Some),
                    // Only what reads the same twice was there.
                    Some(_) => self.assignments(*kind, id).await,
                }
            });
        Ok(results.buffered(PARALLEL_READS).collect().await)
    }

    /// Takes a page that came in a batch and reads what follows it.
    pub(super) async fn rest_of_page(
        &self,
        request: &RequestLine,
        path: &str,
        page: Value,
    ) -> Result<Vec<Object>, GraphError> {
        let Page { value, next_link } = page_of(request, page)?;
        let first = self.client.address().join(path);
        self.client.whole(first, value, next_link).await
    }

    /// Reads all assignment filters of the tenant, sorted by name and id.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn filters(&self) -> Result<Vec<LiveFilter>, GraphError> {
        let mut filters = self
            .filter_objects()
            .await?
            .iter()
            .map(wire::assignment_filter)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|misread| misread.into_error(RequestLine::get(FILTERS)))?;
        filters.sort_by(|one, other| (&one.name, &one.id).cmp(&(&other.name, &other.id)));
        filters.dedup();
        Ok(filters)
    }

    /// Reads all assignment filters as the service sends them.
    pub(super) async fn filter_objects(&self) -> Result<Vec<Object>, GraphError> {
        self.list(FILTERS, FILTERS, PAGE, &pages::objects).await
    }
}

/// Returns the path at which the assignments of a policy are read, and the page size to ask for if
/// that is a list.
fn set_path(kind: PolicyKind, policy_id: &str) -> (String, Option<usize>) {
    match kind.spec().listing {
        kinds::Listing::Expanded | kinds::Listing::PerPolicy => {
            (assignments_path(kind, policy_id), Some(PAGE))
        }
        kinds::Listing::ItemExpand(query) => {
            let collection = kind.spec().collection;
            (format!("{collection}/{}?{query}", encode(policy_id)), None)
        }
    }
}

/// Reads an object that came in a batch with its assignments.
fn item_of(request: &RequestLine, answer: Value) -> Result<Page<Object>, GraphError> {
    let item = serde_json::from_value::<ExpandedItem>(answer);
    item.map(Page::from)
        .map_err(|error| shape(request, Cause::new(error)))
}

/// A list that changed while it was read may hold a policy twice: once as it was before.
fn keep_latest(policies: &mut Vec<Listing>) {
    let mut seen = HashSet::new();
    policies.reverse();
    policies.retain(|policy| seen.insert(policy.live.id.to_lowercase()));
}

/// Asks a list for pages of a size.
pub(super) fn with_size(path: &str, size: usize) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}$top={size}")
}

/// Reads a page that came in a batch.
pub(super) fn page_of(request: &RequestLine, answer: Value) -> Result<Page<Object>, GraphError> {
    serde_json::from_value(answer).map_err(|error| shape(request, Cause::new(error)))
}

/// Reads what assignments mean. An assignment that is listed twice, and says the same both times, is one assignment.
fn live_assignments(
    kind: PolicyKind,
    request: &RequestLine,
    objects: Vec<Object>,
) -> Result<Vec<LiveAssignment>, GraphError> {
    let mut texts = Texts::default();
    let assignments = objects.into_iter().map(|object| {
        let read = wire::live_assignment(object, kind.spec(), &mut texts);
        read.map_err(|misread| misread.into_error(request.clone()))
    });
    let mut assignments = assignments.collect::<Result<Vec<_>, _>>()?;
    let mut seen = HashSet::new();
    assignments.retain(|LiveAssignment { assignment, id, .. }| {
        id.is_none() || seen.insert((assignment.clone(), id.clone()))
    });
    Ok(assignments)
}

fn shape(request: &RequestLine, detail: impl Into<Cause>) -> GraphError {
    GraphError::Shape {
        request: request.clone(),
        detail: detail.into(),
    }
}
