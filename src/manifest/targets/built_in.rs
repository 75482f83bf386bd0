//! Pseudo-groups: names and ids that stand for all users or all devices.

use super::TargetList;
use crate::diagnostic::Diagnostic;
use crate::look_alike::folded;
use crate::manifest::Placed;
use crate::manifest::diagnostics::Diagnostics;
use crate::model::{Guid, virtual_group};
use crate::text::quoted;

/// Returns the word for all users or all devices, if a group's name reads like one of them: portals
/// list them beside the groups.
pub fn built_in(name: &str) -> Option<&'static str> {
    match folded(name).as_str() {
        "all users" | "allusers" | "all licensed users" | "alllicensedusers" => Some("allUsers"),
        "all devices" | "alldevices" => Some("allDevices"),
        _ => None,
    }
}

/// A group may really be so called, which shows with the tenant at hand.
pub(super) fn doubt_built_in(name: &Placed<String>, diagnostics: &mut Diagnostics) {
    if let Some(word) = built_in(&name.value) {
        let message = format!("{} may be meant as a built-in target", quoted(&name.value));
        diagnostics.push_if_others(
            Diagnostic::warning("built-in-as-group", name.place, message)
                .hint(format!("for the built-in target write `- {word}`")),
        );
    }
}

/// Refuses ids that are no group's: those that stand for the built-in targets, and the zero GUID.
pub(super) fn is_group(id: &Placed<Guid>, side: TargetList, diagnostics: &mut Diagnostics) -> bool {
    if id.value.is_zero() {
        diagnostics.push(
            Diagnostic::error("zero-guid", id.place, "the zero GUID is not a group's")
                .hint("name the group by `group`, or by its own id"),
        );
        return false;
    }
    let text = id.value.to_string();
    let Some((word, audience)) = virtual_group(&text) else {
        return true;
    };
    let message = format!("`{text}` is not a group: it stands for {audience}");
    diagnostics.push(
        Diagnostic::error("virtual-group", id.place, message).hint(match side {
            TargetList::Include | TargetList::Absent => format!("write `- {word}`"),
            TargetList::Exclude => format!("{audience} cannot be excluded; only groups can"),
        }),
    );
    false
}
