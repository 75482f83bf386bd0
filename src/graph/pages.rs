//! Lists that come in pages.
//!
//! A next link is followed byte for byte, since its skip token is encoded twice
//! (ugurkocde/IntuneAssignmentChecker#28), but only to the host that the token is for.

use std::collections::HashSet;

use serde_json::Value;

use super::client::{Call, Client};
use super::error::GraphError;
use super::wire::{Object, Page};

/// Empty pages with a next link are a thing of the service's store; this many in a row are not.
const MOST_EMPTY_PAGES: usize = 50;

/// No tenant has as many policies, or groups of one name; a list that goes on past it is made to.
const MOST_OBJECTS: usize = 200_000;

impl Client {
    /// Reads a whole list, starting at a URL. `on_page` is told how many objects there are so far.
    pub(super) async fn read_list(
        &self,
        first: String,
        mut on_page: impl FnMut(usize),
    ) -> Result<Vec<Object>, GraphError> {
        let page: Page = self.read_json(&Call::get(first.clone())).await?;
        let mut objects = page.value;
        on_page(objects.len());
        self.read_rest(first, page.next_link, &mut objects, on_page)
            .await?;
        Ok(objects)
    }

    /// Reads what follows a first part of a list.
    pub(super) async fn read_rest(
        &self,
        first: String,
        mut next: Option<String>,
        objects: &mut Vec<Object>,
        mut on_page: impl FnMut(usize),
    ) -> Result<(), GraphError> {
        let list = self.describe(&Call::get(first.clone()));
        let mut seen_links = HashSet::from([first]);
        let mut seen_ids: Option<HashSet<String>> = None;
        let mut empty_pages = 0;
        while let Some(link) = next {
            if !self.address().admits(&link) {
                return Err(GraphError::ForeignLink { what: list, link });
            }
            if !seen_links.insert(link.clone()) {
                return Err(GraphError::EndlessList { what: list });
            }
            let ids = seen_ids.get_or_insert_with(|| objects.iter().filter_map(id).collect());
            let page: Page = self.read_json(&Call::get(link)).await?;
            // A list that changes while it is read may bring an object twice; a page of nothing
            // but old acquaintances means that it goes round in circles under new links.
            let mut fresh = 0;
            for object in &page.value {
                if id(object).is_none_or(|id| ids.insert(id)) {
                    fresh += 1;
                }
            }
            empty_pages = if page.value.is_empty() {
                empty_pages + 1
            } else {
                0
            };
            if (!page.value.is_empty() && fresh == 0) || empty_pages > MOST_EMPTY_PAGES {
                return Err(GraphError::EndlessList { what: list });
            }
            objects.extend(page.value);
            if objects.len() > MOST_OBJECTS {
                return Err(GraphError::EndlessList { what: list });
            }
            on_page(objects.len());
            next = page.next_link;
        }
        Ok(())
    }
}

/// A group that is assigned by itself and by a policy set has two rows with one id.
fn id(object: &Object) -> Option<String> {
    let id = object.get("id").and_then(Value::as_str)?;
    Some(format!("{id} {:?}", object.get("source")))
}
