//! The directory's groups: all of them, those that are named, and those that may be meant.

use std::collections::BTreeSet;

use serde_json::Value;

use super::client::Call;
use super::error::GraphError;
use super::pages;
use super::read::{Reader, page_of};
use super::transport::RequestLine;
use super::wire::{self, Object, Page};
use crate::model::{LiveGroup, SimilarGroups, encode};

const GROUPS: &str = "/groups";
/// Groups give no larger page (microsoft-graph-docs-contrib: api/group-list.md).
pub(super) const GROUP_PAGE: usize = 999;
/// The most values a directory filter takes (microsoft-graph-docs-contrib#1238).
pub(super) const GROUPS_IN_FILTER: usize = 15;
/// A longer URL goes into a batch, whose body has no such bound.
const LONGEST_URL: usize = 2000;
/// How many pages of groups are looked through for names that may be meant.
const PAGES_OF_SIMILAR_GROUPS: usize = 5;
/// For how many names, in a larger directory, groups that begin alike are asked for: one batch.
const NAMES_BEGINNING_ALIKE: usize = 19;

impl Reader {
    /// Reads id and display name of all groups of the directory, as the service sends them.
    pub(super) async fn group_objects(&self) -> Result<Vec<Object>, GraphError> {
        let path = "/groups?$select=id,displayName";
        self.list(GROUPS, path, GROUP_PAGE, &pages::objects).await
    }

    /// Returns the display names of all groups of the directory.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn group_names(&self) -> Result<Vec<String>, GraphError> {
        let groups = self.group_objects().await?;
        let names = groups.iter().filter_map(|group| group.get("displayName"));
        Ok(names.filter_map(Value::as_str).map(str::to_owned).collect())
    }

    /// Reads some groups of the directory: the first of its list.
    ///
    /// # Errors
    ///
    /// They cannot be read.
    pub async fn some_groups(&self) -> Result<Vec<LiveGroup>, GraphError> {
        const SOME: &str = "/groups?$select=id,displayName&$top=20";
        let page: Page<Object> = self.get(SOME).await?;
        read_groups(&page.value)
    }

    /// Returns display names of groups that may be meant by some that were not found: those of all
    /// groups where there are not too many, else of the first and of those that begin alike.
    ///
    /// The directory finds names by their beginning only (microsoft-graph-docs-contrib:
    /// concepts/aad-advanced-queries.md), and a mistake can be in it.
    pub(super) async fn groups_like(&self, names: &[&String]) -> Result<SimilarGroups, GraphError> {
        let first = async |url| self.client().read_json(&Call::get(url)).await;
        let path = "/groups?$select=id,displayName";
        let mut page: Page<Object> = self.sized(GROUPS, path, Some(GROUP_PAGE), first).await?;
        let mut objects = page.value;
        for _ in 1..PAGES_OF_SIMILAR_GROUPS {
            let Some(link) = page
                .next_link
                .filter(|link| self.client().address().admits(link))
            else {
                page.next_link = None;
                break;
            };
            page = self.client().read_json(&Call::get(link)).await?;
            objects.extend(std::mem::take(&mut page.value));
        }
        let next = page.next_link;
        let complete = next.is_none();
        if !complete {
            let paths = beginning_like(names);
            let answers = self.read_batch_sized(GROUPS, &paths).await?;
            for answer in answers {
                objects.extend(page_of(&RequestLine::get(GROUPS), answer?)?.value);
            }
        }
        let groups = objects.iter().filter_map(|object| wire::group(object).ok());
        Ok(SimilarGroups {
            names: groups.map(|group| group.name).collect(),
            complete,
        })
    }

    /// Looks groups up by display name and by id, in as few requests as the service allows: 15
    /// values a filter, 20 filters a batch. Those that do not exist are simply not there.
    ///
    /// # Errors
    ///
    /// Whatever keeps the answer from being complete.
    pub async fn groups(
        &self,
        names: &BTreeSet<String>,
        ids: &BTreeSet<String>,
    ) -> Result<Vec<LiveGroup>, GraphError> {
        let mut paths = Vec::new();
        for (property, values) in [("displayName", names), ("id", ids)] {
            let values: Vec<&String> = values.iter().collect();
            for chunk in values.chunks(GROUPS_IN_FILTER) {
                paths.push(groups_where(&in_values(property, chunk)));
            }
        }
        let mut groups = Vec::new();
        match paths.as_slice() {
            [] => {}
            [(path, size)] if self.client().address().join(path).len() <= LONGEST_URL => {
                let read = async |first| {
                    self.client()
                        .read_list(first, &pages::objects, |_| {})
                        .await
                };
                groups.extend(self.sized(GROUPS, path, *size, read).await?);
            }
            paths => {
                let answers = self.read_batch_sized(GROUPS, paths).await?;
                for ((path, _), answer) in paths.iter().zip(answers) {
                    groups.extend(
                        self.rest_of_page(&RequestLine::get(GROUPS), path, answer?)
                            .await?,
                    );
                }
            }
        }
        let mut groups = read_groups(&groups)?;
        groups.sort();
        groups.dedup();
        Ok(groups)
    }
}

fn read_groups(objects: &[Object]) -> Result<Vec<LiveGroup>, GraphError> {
    let groups = objects.iter().map(wire::group);
    groups
        .collect::<Result<_, _>>()
        .map_err(|misread| misread.into_error(RequestLine::get(GROUPS)))
}

/// Returns the filter for objects with one of these values.
pub(super) fn in_values(property: &str, values: &[impl AsRef<str>]) -> String {
    let values = values.iter().map(|value| quoted(value.as_ref()));
    let values: Vec<String> = values.collect();
    format!("{property} in ({})", values.join(","))
}

/// Spells a text as a literal of a filter.
pub(super) fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Returns what finds groups whose names start like these, or with a space.
fn beginning_like(names: &[&String]) -> Vec<(String, Option<usize>)> {
    const SHORTEST_BEGINNING: usize = 3;
    let beginnings = names.iter().take(NAMES_BEGINNING_ALIKE).map(|name| {
        let name = name.trim();
        let half = name.chars().count() / 2;
        name.chars().take(half.max(SHORTEST_BEGINNING)).collect()
    });
    let beginnings: BTreeSet<String> = beginnings.chain([" ".to_owned()]).collect();
    beginnings
        .iter()
        .map(|beginning| groups_where(&format!("startswith(displayName,{})", quoted(beginning))))
        .collect()
}

/// Returns the path of the groups that a filter finds, and the page size to ask for.
fn groups_where(filter: &str) -> (String, Option<usize>) {
    let path = format!("/groups?$filter={}&$select=id,displayName", encode(filter));
    (path, Some(GROUP_PAGE))
}
