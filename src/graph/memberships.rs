//! The directory's answers to "who is that, and in which groups": users, devices and groups.

use super::error::GraphError;
use super::groups::quoted;
use super::read::Reader;
use super::transport::RequestLine;
use super::wire::Object;
use crate::model::{LiveDevice, encode};

/// The largest page of a directory list (microsoft-graph-docs-contrib: api/user-list-transitivememberof.md).
const PAGE: usize = 999;

/// Something of the directory that may be a member of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Member<'a> {
    /// A user, by sign-in name or id.
    User(&'a str),
    /// A device, by the id of its object.
    Device(&'a str),
    /// A group, by its id.
    Group(&'a str),
}

impl Reader {
    /// Returns the ids of the groups that a member is in, by itself or through other groups; `None` if
    /// the directory has no such member.
    ///
    /// The answer holds other objects too (roles, administrative units). Their ids are no group's, so
    /// they need not be distinguished.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn groups_of(&self, member: Member<'_>) -> Result<Option<Vec<String>>, GraphError> {
        let (root, id) = match member {
            Member::User(id) => ("users", id),
            Member::Device(id) => ("devices", id),
            Member::Group(id) => ("groups", id),
        };
        let path = format!("/{root}/{}/transitiveMemberOf", encode(id));
        let select = format!("{path}?$select=id&$top={PAGE}");
        let Some(objects) = GraphError::unless_missing(self.objects(&select).await)? else {
            return Ok(None);
        };
        let request = RequestLine::get(&path);
        let ids = objects.iter().map(|object| id_of(object, &request));
        ids.map(|id| Ok(id?.to_ascii_lowercase()))
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Returns the id of the user with a sign-in name; `None` if the sign-in may read memberships only.
    ///
    /// # Errors
    ///
    /// Whatever else keeps the user from being read.
    pub async fn user_id(&self, name: &str) -> Result<Option<String>, GraphError> {
        let path = format!("/users/{}", encode(name));
        match self.get(&format!("{path}?$select=id")).await {
            Ok(user) => {
                id_of(&user, &RequestLine::get(&path)).map(|id| Some(id.to_ascii_lowercase()))
            }
            Err(GraphError::Service { error, .. }) if error.status == 403 => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Returns the devices with a display name; several may have it.
    ///
    /// # Errors
    ///
    /// Whatever keeps the list from being complete.
    pub async fn devices_named(&self, name: &str) -> Result<Vec<LiveDevice>, GraphError> {
        let filter = format!("displayName eq {}", quoted(name));
        let path = format!(
            "/devices?$filter={}&$select=id,displayName&$top={PAGE}",
            encode(&filter)
        );
        let objects = self.objects(&path).await?;
        let request = RequestLine::get("/devices");
        let devices = objects.iter().map(|object| {
            Ok(LiveDevice {
                id: id_of(object, &request)?.to_owned(),
                name: object
                    .get("displayName")
                    .and_then(serde_json::Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
            })
        });
        devices.collect()
    }
}

fn id_of<'o>(object: &'o Object, request: &RequestLine) -> Result<&'o str, GraphError> {
    let id = object.get("id").and_then(serde_json::Value::as_str);
    id.ok_or_else(|| GraphError::Shape {
        request: request.clone(),
        detail: "an object has no `id`".into(),
    })
}
