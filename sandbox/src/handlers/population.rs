//! How many there are: members of groups, everyone, and groups that were deleted.

use serde_json::{Map, Value, json};

use super::directory::{LIST, READERS, full, missing, not_an_id, page_size, permit, unsupported};
use super::evaluation::{by_system, is_enrolled};
use crate::call::Call;
use crate::encoding::is_guid;
use crate::machine::Machine;
use crate::members::MemberType;
use crate::odata::query::{self, Allowed, NO_FILTER, Options, TokenStyle};
use crate::reply::{Fault, Reply};
use crate::tenant::{Device, Group};

const MEMBERS: Allowed<'static> = Allowed {
    options: &["$top", "$select", "$count", "$skiptoken"],
    entity: "directoryObject",
    grammar: NO_FILTER,
    ..LIST
};

/// Who may read deleted groups (DOCS directory-deleteditems-get.md).
const DELETED_READERS: &[&str] = &[
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Who may see users' licences (DOCS user-list.md).
const LICENCE_READERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];

/// Who may read managed devices (DOCS intune-devices-managedeviceoverview-get.md).
const DEVICE_READERS: &[&str] = &[
    "DeviceManagementManagedDevices.Read.All",
    "DeviceManagementManagedDevices.ReadWrite.All",
];

/// The filter of Microsoft's own sample for licensed users.
const LICENSED: &str = "assignedLicenses/$count ne 0";

/// Answers a request for members or counts; `None` if it is for something else.
pub(crate) fn answer(machine: &Machine, call: &Call<'_>) -> Option<Result<Reply, Fault>> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if call.method != "GET" {
        return None;
    }
    match segments.as_slice() {
        ["groups", id, "members", "$count"] => Some(direct_count(machine, call, id)),
        ["groups", id, "transitiveMembers", rest @ ..] => {
            let (cast, rest) = match rest {
                [cast, rest @ ..] if !cast.starts_with('$') => (Some(*cast), rest),
                rest => (None, rest),
            };
            match rest {
                [] => Some(members(machine, call, id, cast)),
                ["$count"] => Some(count(machine, call, id, cast)),
                _ => None,
            }
        }
        ["users", "$count"] => Some(licensed(machine, call)),
        ["directory", "deletedItems", "group"] => Some(all_deleted(machine, call)),
        ["directory", "deletedItems", id] => Some(deleted(machine, call, id)),
        _ => None,
    }
}

/// Refuses what looks at users, devices and members in a tenant of which they are not known.
pub(crate) fn check_known(machine: &Machine, call: &Call<'_>) -> Result<(), Fault> {
    if !machine.tenant().service.members_unknown {
        return Ok(());
    }
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let is_about_them = matches!(
        segments.as_slice(),
        ["users" | "devices", ..]
            | [
                "groups",
                _,
                "members" | "transitiveMembers" | "transitiveMemberOf",
                ..
            ]
            | [
                "deviceManagement",
                "managedDeviceOverview" | "evaluateAssignmentFilter",
                ..
            ]
    );
    if !is_about_them {
        return Ok(());
    }
    Err(Fault::plain(
        403,
        "Authorization_RequestDenied",
        "This tenant's users, devices and members are not in the sandbox's file (`membersUnknown`).",
    ))
}

/// Answers `GET /deviceManagement/managedDeviceOverview`.
pub(crate) fn overview(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    permit(call, DEVICE_READERS)?;
    let known = Allowed {
        options: &["$select"],
        properties: &[
            "id",
            "enrolledDeviceCount",
            "mdmEnrolledCount",
            "dualEnrolledDeviceCount",
            "deviceOperatingSystemSummary",
        ],
        ..MEMBERS
    };
    let options = Options::read(&call.pairs, &known)?;
    let devices = machine.tenant().devices.iter();
    let enrolled: Vec<&Device> = devices.filter(|device| is_enrolled(device)).collect();
    let by_system = by_system(enrolled.iter().copied());
    let mut object = Map::new();
    for (name, value) in [
        ("id", json!(machine.tenant().tenant_id)),
        ("enrolledDeviceCount", json!(enrolled.len())),
        ("mdmEnrolledCount", json!(enrolled.len())),
        ("dualEnrolledDeviceCount", json!(0)),
        ("deviceOperatingSystemSummary", json!(by_system)),
    ] {
        object.insert(name.to_owned(), value);
    }
    let context = call.context("deviceManagement/managedDeviceOverview/$entity");
    Ok(Reply::object(200, context, options.shape(object)))
}

fn is_eventual(call: &Call<'_>) -> bool {
    let level = call.header("consistencylevel");
    level.is_some_and(|level| level.eq_ignore_ascii_case("eventual"))
}

/// A count needs the header (microsoft-graph-docs#11882).
fn need_eventual(call: &Call<'_>) -> Result<(), Fault> {
    if is_eventual(call) {
        return Ok(());
    }
    Err(Fault::plain(
        400,
        "Request_BadRequest",
        "$count is not currently supported.",
    ))
}

/// Finds a group for a caller who may read its members: with whether they are hidden from the caller.
///
/// Without the permission nothing is seen, and nothing is said of that (DOCS group-list-transitivemembers.md;
/// the real answer is not known).
fn group<'m>(machine: &'m Machine, call: &Call<'_>, id: &str) -> Result<(&'m Group, bool), Fault> {
    permit(call, READERS)?;
    if !is_guid(id) {
        return Err(not_an_id(id));
    }
    let group = machine.tenant().group(id).ok_or_else(|| missing(id))?;
    let hidden = group.properties.get("visibility") == Some(&json!("HiddenMembership"));
    Ok((group, hidden && !call.caller.may(&["Member.Read.Hidden"])))
}

/// Finds the members of a group. An advanced query reads an index that lags behind changes (DOCS
/// group-list-transitivemembers.md).
fn find(
    machine: &Machine,
    call: &Call<'_>,
    id: &str,
    cast: Option<&str>,
) -> Result<Vec<(String, MemberType)>, Fault> {
    let (group, is_hidden) = group(machine, call, id)?;
    let wanted = match cast {
        None => None,
        Some(cast) => Some(
            MemberType::ALL
                .into_iter()
                .find(|kind| kind.name() == cast)
                .ok_or_else(|| Fault::no_segment(cast))?,
        ),
    };
    if is_hidden {
        return Ok(Vec::new());
    }
    let mut found = match is_eventual(call) {
        true => machine.indexed_members(group, call.now),
        false => machine.tenant().transitive_members(group),
    };
    found.retain(|(_, kind)| wanted.is_none_or(|wanted| wanted == *kind));
    Ok(found)
}

fn count(machine: &Machine, call: &Call<'_>, id: &str, cast: Option<&str>) -> Result<Reply, Fault> {
    let none = Allowed {
        options: &[],
        ..MEMBERS
    };
    Options::read(&call.pairs, &none)?;
    let found = find(machine, call, id, cast)?;
    need_eventual(call)?;
    Ok(Reply::count(found.len()))
}

/// Counts the members that a group has by itself.
fn direct_count(machine: &Machine, call: &Call<'_>, id: &str) -> Result<Reply, Fault> {
    let none = Allowed {
        options: &[],
        ..MEMBERS
    };
    Options::read(&call.pairs, &none)?;
    let (group, is_hidden) = group(machine, call, id)?;
    need_eventual(call)?;
    Ok(Reply::count(match is_hidden {
        true => 0,
        false => machine.indexed_direct_members(group, call.now).len(),
    }))
}

fn members(
    machine: &Machine,
    call: &Call<'_>,
    id: &str,
    cast: Option<&str>,
) -> Result<Reply, Fault> {
    let options = Options::read(&call.pairs, &MEMBERS)?;
    let size = page_size(&options)?;
    let found = find(machine, call, id, cast)?;
    if cast.is_some() {
        need_eventual(call)?;
        if !options.count {
            return Err(unsupported("OData cast needs $count=true."));
        }
    }
    let cast = cast.map_or_else(String::new, |cast| format!("/microsoft.graph.{cast}"));
    let path = format!("/groups/{id}/transitiveMembers{cast}");
    let page = query::page(
        found.len(),
        |row| found[row].0.as_str(),
        &options,
        size,
        &call.root,
        &path,
        TokenStyle::Directory,
    )?;
    let rows = found[page.rows].iter().map(|(id, kind)| {
        let mut object = Map::new();
        object.insert(
            "@odata.type".to_owned(),
            json!(format!("#microsoft.graph.{}", kind.name())),
        );
        object.insert("id".to_owned(), json!(id));
        object
    });
    let number = options.count.then_some(found.len());
    let context = call.context("directoryObjects");
    Ok(Reply::page(context, number, page.next, rows.collect()))
}

fn licensed(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    permit(call, LICENCE_READERS)?;
    need_eventual(call)?;
    let all = machine.tenant().users.iter();
    match call.pairs.as_slice() {
        [] => Ok(Reply::count(all.count())),
        [(name, filter)] if name == "$filter" && filter == LICENSED => {
            let without = json!([]);
            let has = |licences: Option<&Value>| licences != Some(&without);
            let all = all.filter(|user| has(user.properties.get("assignedLicenses")));
            Ok(Reply::count(all.count()))
        }
        _ => Err(Fault::bad_request("Invalid filter clause.")),
    }
}

/// Answers the list of deleted groups, for which the cast is needed (DOCS directory-deleteditems-list.md).
fn all_deleted(machine: &Machine, call: &Call<'_>) -> Result<Reply, Fault> {
    permit(call, DELETED_READERS)?;
    let known = Allowed {
        options: &["$top", "$select", "$skiptoken"],
        properties: &["id", "displayName", "deletedDateTime", "groupTypes"],
        ..MEMBERS
    };
    let options = Options::read(&call.pairs, &known)?;
    let size = page_size(&options)?;
    let groups = &machine.tenant().deleted_groups;
    let page = query::page(
        groups.len(),
        |row| groups[row].id.as_str(),
        &options,
        size,
        &call.root,
        "/directory/deletedItems/microsoft.graph.group",
        TokenStyle::Directory,
    )?;
    let rows = groups[page.rows].iter();
    let rows = rows.map(|group| options.shape(full(group))).collect();
    Ok(Reply::page(call.context("groups"), None, page.next, rows))
}

fn deleted(machine: &Machine, call: &Call<'_>, id: &str) -> Result<Reply, Fault> {
    permit(call, DELETED_READERS)?;
    let known = Allowed {
        options: &["$select"],
        properties: &["id", "displayName", "deletedDateTime"],
        ..MEMBERS
    };
    let options = Options::read(&call.pairs, &known)?;
    if !is_guid(id) {
        return Err(not_an_id(id));
    }
    let mut groups = machine.tenant().deleted_groups.iter();
    let group = groups.find(|group| group.id.eq_ignore_ascii_case(id));
    let group = group.ok_or_else(|| missing(id))?;
    let mut object = options.shape(full(group));
    object.insert("@odata.type".to_owned(), json!("#microsoft.graph.group"));
    let context = call.context("directoryObjects/$entity");
    Ok(Reply::object(200, context, object))
}
