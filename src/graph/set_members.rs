//! What is in policy sets: whoever assigns a set assigns its members.

use futures::{StreamExt as _, TryStreamExt as _};
use serde::Deserialize;
use serde_json::Value;

use super::client::Call;
use super::error::GraphError;
use super::read::Reader;
use super::wire::Object;
use crate::kinds::{PolicyKind, kind_of_set_item};
use crate::model::{SetMember, encode};

/// How many sets are read side by side.
const PARALLEL_READS: usize = 8;
/// How the type of an item ends.
const ITEM: &str = "PolicySetItem";

/// A policy set with its items, which have no list of their own.
#[derive(Deserialize)]
struct Set {
    items: Vec<Object>,
    #[serde(rename = "items@odata.nextLink")]
    next_link: Option<String>,
}

impl Reader {
    /// Returns the members of policy sets, in the order of the sets. A set that was deleted has none.
    ///
    /// # Errors
    ///
    /// Whatever keeps the members of a set from being complete.
    pub async fn set_members(
        &self,
        sets: &[(PolicyKind, String)],
    ) -> Result<Vec<Vec<SetMember>>, GraphError> {
        let members = sets.iter().map(|(kind, id)| self.members_of(*kind, id));
        futures::stream::iter(members)
            .buffered(PARALLEL_READS)
            .try_collect()
            .await
    }

    async fn members_of(&self, kind: PolicyKind, id: &str) -> Result<Vec<SetMember>, GraphError> {
        let collection = kind.spec().collection;
        let url = format!("{collection}/{}?$expand=items", encode(id));
        let url = self.client().address().join(&url);
        let read = self.client().read_json(&Call::get(url.clone())).await;
        let Some(Set { items, next_link }) = GraphError::unless_missing(read)? else {
            return Ok(Vec::new());
        };
        let items = self.client().whole(url, items, next_link).await?;
        let mut members: Vec<SetMember> = items.iter().map(member).collect();
        members.sort();
        members.dedup();
        Ok(members)
    }
}

/// Returns a text of an item; empty if there is none.
fn text<'o>(item: &'o Object, key: &str) -> &'o str {
    item.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn member(item: &Object) -> SetMember {
    let item_type = text(item, "@odata.type").trim_start_matches("#microsoft.graph.");
    let word = item_type.strip_suffix(ITEM).unwrap_or(item_type);
    let id = text(item, "payloadId");
    let name = text(item, "displayName");
    SetMember {
        kind: kind_of_set_item(word)
            .map_or(word, |kind| kind.name())
            .to_owned(),
        name: if name.is_empty() { id } else { name }.to_owned(),
        id: id.to_owned(),
    }
}
