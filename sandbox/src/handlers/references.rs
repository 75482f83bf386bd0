//! Adding members to groups and removing them (DOCS group-post-members.md, group-delete-members.md).

use serde_json::Value;

use super::directory::{missing, not_an_id, permit};
use crate::call::Call;
use crate::encoding::is_guid;
use crate::machine::Machine;
use crate::reply::{Fault, Reply};
use crate::rules::body;

/// Who may change members.
const WRITERS: &[&str] = &[
    "GroupMember.ReadWrite.All",
    "Group.ReadWrite.All",
    "Directory.ReadWrite.All",
];

/// Answers a change of a group's members; `None` if the request is for something else.
pub(crate) fn answer(machine: &mut Machine, call: &Call<'_>) -> Option<Result<Reply, Fault>> {
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    match (call.method, segments.as_slice()) {
        ("POST", ["groups", group, "members", "$ref"]) => Some(add(machine, call, group)),
        ("DELETE", ["groups", group, "members", member, "$ref"]) => {
            Some(remove(machine, call, group, member))
        }
        _ => None,
    }
}

fn is_member(machine: &Machine, group: &str, member: &str) -> Result<bool, Fault> {
    if !is_guid(group) {
        return Err(not_an_id(group));
    }
    let found = machine.tenant().group(group);
    let mut members = found.ok_or_else(|| missing(group))?.members.iter();
    Ok(members.any(|known| known.eq_ignore_ascii_case(member)))
}

fn add(machine: &mut Machine, call: &Call<'_>, group: &str) -> Result<Reply, Fault> {
    permit(call, WRITERS)?;
    let body = body::object(call.header("content-type"), &call.request.body)?;
    let link = body.get("@odata.id").and_then(Value::as_str);
    let member = link.and_then(|link| link.rsplit('/').next());
    let member = member.filter(|member| is_guid(member)).ok_or_else(|| {
        Fault::plain(
            400,
            "Request_BadRequest",
            "Invalid URL format specified in payload.",
        )
    })?;
    if is_member(machine, group, member)? {
        return Err(Fault::plain(
            400,
            "Request_BadRequest",
            "One or more added object references already exist for the following modified properties: 'members'.",
        ));
    }
    let tenant = machine.tenant();
    let exists = tenant.user(member).is_some()
        || tenant.device(member).is_some()
        || tenant.group(member).is_some();
    if !exists {
        return Err(missing(member));
    }
    machine.change_member(group, member, true, call.now);
    Ok(Reply::no_content())
}

fn remove(
    machine: &mut Machine,
    call: &Call<'_>,
    group: &str,
    member: &str,
) -> Result<Reply, Fault> {
    permit(call, WRITERS)?;
    if !is_member(machine, group, member)? {
        return Err(missing(member));
    }
    machine.change_member(group, member, false, call.now);
    Ok(Reply::no_content())
}
