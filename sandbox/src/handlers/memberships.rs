//! Which groups a user, a device or a group is a member of, and devices by their name.

use serde_json::{Map, Value, json};

use super::directory::{LIST, READERS, full, missing, not_an_id, page_size, permit};
use super::shape::add_own;
use crate::call::Call;
use crate::encoding::is_guid;
use crate::machine::Machine;
use crate::odata::predicate::Grammar;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::tenant::Group;

/// Filters and counts of memberships are advanced queries, which are not emulated.
const MEMBERSHIPS: Allowed<'static> = Allowed {
    options: &["$top", "$select", "$skiptoken"],
    entity: "directoryObject",
    grammar: NO_FILTER,
    ..LIST
};

/// Properties of a device (DOCS resources/device.md), those that inventories read.
const DEVICES: Allowed<'static> = Allowed {
    options: &["$top", "$select", "$filter", "$skiptoken"],
    entity: "device",
    properties: &[
        "accountEnabled",
        "deviceId",
        "displayName",
        "id",
        "isManaged",
        "operatingSystem",
        "operatingSystemVersion",
        "trustType",
    ],
    expand: &[],
    grammar: Grammar {
        properties: &["displayName", "deviceId"],
        functions: &[("startswith", "displayName")],
        in_list: true,
        ignore_case: true,
        ..NO_FILTER
    },
};

/// Properties of a user (DOCS resources/user.md), those that inventories read.
const USERS: Allowed<'static> = Allowed {
    options: &["$select"],
    entity: "user",
    properties: &["accountEnabled", "displayName", "id", "userPrincipalName"],
    expand: &[],
    grammar: NO_FILTER,
};

/// Who may read devices (DOCS device-list.md, device-list-transitivememberof.md).
const DEVICE_READERS: &[&str] = &[
    "Device.Read.All",
    "Device.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Who may read users (DOCS user-get.md).
const USER_READERS: &[&str] = &[
    "User.ReadBasic.All",
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Who may read a user's memberships (DOCS user-list-transitivememberof.md).
const OF_USERS: &[&str] = &[
    "User.Read.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
    "Group.Read.All",
    "GroupMember.Read.All",
];

/// Answers a request for memberships or devices; `None` if it is for something else.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>) -> Option<Result<Reply, Fault>> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method, segments.as_slice()) {
        ("GET", ["devices"]) => Some(devices(machine, call)),
        ("GET", ["users", id]) if !id.starts_with('$') => Some(user(machine, call, id)),
        (
            "GET",
            [
                root @ ("groups" | "users" | "devices"),
                id,
                "transitiveMemberOf",
            ],
        ) => Some(of(machine, call, root, id)),
        _ => None,
    }
}

/// Answers `GET /users/{id}`; a user may be named by the sign-in name as well.
fn user(machine: &Machine, call: &Call<'_>, id: &str) -> Result<Reply, Fault> {
    permit(call, USER_READERS)?;
    let options = Options::read(&call.pairs, &USERS)?;
    let user = machine.tenant().user(id).ok_or_else(|| missing(id))?;
    let mut full = user.properties.clone();
    full.insert("id".to_owned(), json!(user.id));
    full.insert(
        "userPrincipalName".to_owned(),
        json!(user.user_principal_name),
    );
    let object = options.shape(full);
    Ok(Reply::object(200, call.context("users/$entity"), object))
}

/// Answers `GET …/{id}/transitiveMemberOf` of a user, a device or a group.
fn of(machine: &Machine, call: &Call<'_>, root: &str, id: &str) -> Result<Reply, Fault> {
    let tenant = machine.tenant();
    let (readers, found) = match root {
        "users" => (OF_USERS, tenant.user(id).map(|user| user.id.as_str())),
        "devices" => (
            DEVICE_READERS,
            tenant.device(id).map(|device| device.id.as_str()),
        ),
        _ => (READERS, tenant.group(id).map(|group| group.id.as_str())),
    };
    permit(call, readers)?;
    let options = Options::read(&call.pairs, &MEMBERSHIPS)?;
    let size = page_size(&options)?;
    // A user may be named by the sign-in name as well.
    if root != "users" && !is_guid(id) {
        return Err(not_an_id(id));
    }
    let id = found.ok_or_else(|| missing(id))?;
    let groups = tenant.transitive_groups(id);
    let path = format!("/{root}/{id}/transitiveMemberOf");
    let page = query::page(
        groups.len(),
        |row| groups[row].id.as_str(),
        &options,
        size,
        &call.root,
        &path,
        TokenStyle::Directory,
    )?;
    let may_read = call.caller.may(READERS);
    let rows = groups[page.rows].iter();
    Ok(Reply::page(
        call.context("directoryObjects"),
        None,
        page.next,
        rows.map(|group| member_of(group, &options, may_read))
            .collect(),
    ))
}

/// Returns a group as an object among others. To who may not read groups, it is its type and id; all
/// else is null (DOCS concepts/permissions-overview.md, "limited information returned for inaccessible
/// member objects").
fn member_of(group: &Group, options: &Options, may_read: bool) -> Map<String, Value> {
    let mut object = options.shape(full(group));
    if !may_read {
        for (_, value) in object.iter_mut().filter(|(name, _)| *name != "id") {
            *value = Value::Null;
        }
    }
    object.insert("@odata.type".to_owned(), json!("#microsoft.graph.group"));
    object
}

/// Answers `GET /devices`.
fn devices(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    permit(call, DEVICE_READERS)?;
    let options = Options::read(&call.pairs, &DEVICES)?;
    let size = page_size(&options)?;
    let devices = machine.tenant().devices.iter().map(|device| {
        let mut object = Map::new();
        object.insert("deviceId".to_owned(), json!(device.id));
        add_own(&mut object, &device.properties);
        object.insert("id".to_owned(), json!(device.id));
        object.insert("displayName".to_owned(), json!(device.display_name));
        (device.id.as_str(), object)
    });
    let found: Vec<(&str, Map<String, Value>)> = devices
        .filter(|(_, object)| options.passes(object))
        .collect();
    let page = query::page(
        found.len(),
        |row| found[row].0,
        &options,
        size,
        &call.root,
        "/devices",
        TokenStyle::Directory,
    )?;
    let rows = found[page.rows].iter();
    Ok(Reply::page(
        call.context("devices"),
        None,
        page.next,
        rows.map(|(_, object)| options.shape(object.clone()))
            .collect(),
    ))
}
