//! Lists that come in pages.
//!
//! A next link is followed byte for byte, since its skip token is encoded twice
//! (ugurkocde/IntuneAssignmentChecker#28), but only to the host that the token is for. Each page is
//! decoded as it comes and let go of; what is kept is what was made of it.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::client::{Call, Client};
use super::decode::{Misread, from_json};
use super::error::GraphError;
use super::listing::Listing;
use super::wire::{Object, Page};
use crate::kinds::PolicyKind;

/// Empty pages with a next link occur; this many in a row mean a loop.
const MOST_EMPTY_PAGES: usize = 50;

/// No directory has as many groups, and no tenant as many policies; a longer list is broken or
/// malicious.
const MOST_OBJECTS: usize = 2_000_000;

/// What comes in lists.
pub(super) trait Listed {
    /// Returns what identifies it in its list, if it has such a thing.
    fn key(&self) -> Option<String>;
}

impl Listed for Object {
    /// A group that is assigned by itself and by policy sets has several assignments with one id.
    fn key(&self) -> Option<String> {
        let id = self.get("id").and_then(Value::as_str)?;
        let of = (self.get("source"), self.get("sourceId"));
        Some(format!("{id} {of:?}"))
    }
}

impl Listed for Listing {
    fn key(&self) -> Option<String> {
        Some(self.live.id.to_lowercase())
    }
}

/// How a page is read: what it holds, and where the next one is.
pub(super) type DecodePage<'a, T> =
    &'a (dyn Fn(&[u8]) -> Result<(Vec<T>, Option<String>), Misread> + Sync);

/// Reads a page of objects.
pub(super) fn objects(body: &[u8]) -> Result<(Vec<Object>, Option<String>), Misread> {
    let page: Page<Object> = from_json(body)?;
    Ok((page.value, page.next_link))
}

/// Reads a kind's list. Only where no page of it was answered, in whatever form it was asked for, is it the list
/// that the service refuses.
pub(super) async fn of_list<T>(
    kind: PolicyKind,
    decode: DecodePage<'_, Listing>,
    read: impl AsyncFnOnce(DecodePage<'_, Listing>) -> Result<Vec<T>, GraphError>,
) -> Result<Vec<T>, GraphError> {
    let is_there = AtomicBool::new(false);
    let decode = |body: &[u8]| {
        is_there.store(true, Ordering::Relaxed);
        decode(body)
    };
    match read(&decode).await {
        Err(error) if !is_there.load(Ordering::Relaxed) => Err(error.of_list(kind)),
        outcome => outcome,
    }
}

impl Client {
    /// Reads a whole list, starting at a URL. `on_page` is given the number of objects so far.
    pub(super) async fn read_list<T: Listed>(
        &self,
        first: String,
        decode: DecodePage<'_, T>,
        mut on_page: impl FnMut(usize),
    ) -> Result<Vec<T>, GraphError> {
        let call = Call::get(first.clone());
        let (mut items, next) = self.read(&call, |response| decode(&response.body)).await?;
        on_page(items.len());
        self.read_rest(first, next, &mut items, decode, on_page)
            .await?;
        Ok(items)
    }

    /// Reads what follows a first part of a list of objects, and returns all of it.
    pub(super) async fn whole(
        &self,
        first: String,
        mut objects: Vec<Object>,
        next: Option<String>,
    ) -> Result<Vec<Object>, GraphError> {
        self.read_rest(first, next, &mut objects, &self::objects, |_| {})
            .await?;
        Ok(objects)
    }

    /// Reads what follows a first part of a list.
    async fn read_rest<T: Listed>(
        &self,
        first: String,
        mut next: Option<String>,
        items: &mut Vec<T>,
        decode: DecodePage<'_, T>,
        mut on_page: impl FnMut(usize),
    ) -> Result<(), GraphError> {
        let list = self.request_line(&Call::get(first.clone()));
        let mut seen_links = HashSet::from([first]);
        let mut seen: Option<HashSet<String>> = None;
        let mut empty_pages = 0;
        while let Some(link) = next {
            if !self.address().admits(&link) {
                return Err(GraphError::not_followed(list, link));
            }
            if !seen_links.insert(link.clone()) {
                return Err(GraphError::EndlessList { request: list });
            }
            let seen = seen.get_or_insert_with(|| items.iter().filter_map(T::key).collect());
            let call = Call::get(link);
            let (page, next_link) = self.read(&call, |response| decode(&response.body)).await?;
            // A list that changes while it is read may bring an object twice; a page with
            // only known objects means that it goes round in circles under new links.
            let mut brings_more = false;
            for item in &page {
                brings_more |= item.key().is_none_or(|key| seen.insert(key));
            }
            empty_pages = if page.is_empty() { empty_pages + 1 } else { 0 };
            if (!page.is_empty() && !brings_more) || empty_pages > MOST_EMPTY_PAGES {
                return Err(GraphError::EndlessList { request: list });
            }
            items.extend(page);
            if items.len() > MOST_OBJECTS {
                return Err(GraphError::EndlessList { request: list });
            }
            on_page(items.len());
            next = next_link;
        }
        Ok(())
    }
}
