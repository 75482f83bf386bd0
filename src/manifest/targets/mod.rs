//! Reading the targets below `include` and `exclude`.

mod built_in;
mod extras;

use super::diagnostics::Diagnostics;
use super::fields::{self, Fields};
use super::names::{guid, name};
use super::properties;
use super::yaml::tree::{Item, Node, Pair, Value};
use super::{NameOrId, TargetReference, WantedTarget};
use crate::diagnostic::{Diagnostic, Place};
use crate::model::Source;
use crate::text::quoted;
pub use built_in::built_in;
use built_in::{doubt_built_in, is_group};
use extras::{read_filter, read_source, refuse_extras};

/// How many targets a run may have, the target sets counted for each entry that uses them.
///
/// A few lines can ask for very many: large sets in many entries. No tenant is near this.
pub(super) const MOST_TARGETS: usize = 500_000;

/// The keys of an included target.
pub(super) const KEYS: &[&str] = &[
    "allDevices",
    "allUsers",
    "group",
    "groupId",
    "collection",
    "filter",
    "filterId",
    "filterMode",
    "source",
    "sourceId",
    "intent",
    "settings",
    "runSchedule",
    "runRemediationScript",
    "onlyTenants",
    "exceptTenants",
    "optional",
];

/// The keys that say who is meant.
pub(super) const TARGET_KEYS: &[&str] =
    &["allDevices", "allUsers", "group", "groupId", "collection"];

/// The keys that say who is excluded.
pub(super) const EXCLUDED_TARGET_KEYS: &[&str] = &["group", "groupId"];

/// The keys of an excluded target.
pub(super) const EXCLUDED_KEYS: &[&str] = &[
    "group",
    "groupId",
    "intent",
    "onlyTenants",
    "exceptTenants",
    "optional",
];

/// The keys of an absent target.
pub(super) const ABSENT_KEYS: &[&str] = &[
    "allDevices",
    "allUsers",
    "group",
    "groupId",
    "collection",
    "intent",
    "onlyTenants",
    "exceptTenants",
    "optional",
];

/// Which list a target is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetList {
    /// `include`.
    Include,
    /// `exclude`.
    Exclude,
    /// `absent`.
    Absent,
}

impl TargetList {
    /// Returns the keys that say who is meant.
    fn target_keys(self) -> &'static [&'static str] {
        match self {
            Self::Include | Self::Absent => TARGET_KEYS,
            Self::Exclude => EXCLUDED_TARGET_KEYS,
        }
    }
}

/// Reads a list of targets. `via` is the alias through which the list was reached.
pub(super) fn read_all(
    pair: &Pair,
    side: TargetList,
    via: Option<Place>,
    diagnostics: &mut Diagnostics,
    targets: &mut Vec<WantedTarget>,
) {
    let via = fields::via(via, Some(pair), &pair.value);
    for item in fields::list(pair, diagnostics).unwrap_or_default() {
        targets.extend(read(item, side, via, diagnostics));
    }
}

/// Reads a target; one with a fault is reported and left out, so that it causes no follow-up errors.
fn read(
    item: &Item,
    side: TargetList,
    via: Option<Place>,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let before = diagnostics.errors();
    let node = &item.node;
    let mut wanted = match &node.value {
        Value::Mapping(_) => read_mapping(node, side, diagnostics)?,
        Value::Scalar { text, .. } if !node.is_null() => read_word(node, text, side, diagnostics)?,
        _ => {
            let message = format!("a target must be a mapping, not {}", node.describe());
            let error = Diagnostic::error("wrong-type", node.place, message)
                .hint("write `- group: NAME`, `- allDevices` or `- allUsers`");
            fields::refuse(node, error, diagnostics);
            return None;
        }
    };
    // An alias for one target names it where it stands; one for more is only the way to it.
    wanted.place = item.alias.unwrap_or(wanted.place);
    wanted.via = via.or(wanted.via);
    (diagnostics.errors() == before).then_some(wanted)
}

fn read_word(
    node: &Node,
    text: &str,
    side: TargetList,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let target = match text {
        "allDevices" => TargetReference::AllDevices,
        "allUsers" => TargetReference::AllUsers,
        _ => {
            let near = diagnostics.did_you_mean(text, ["allDevices", "allUsers"]);
            let message = format!("unknown target {}", quoted(text));
            diagnostics.push(
                Diagnostic::error("unknown-target", node.place, message).hint(match near {
                    Some(near) => near,
                    None if TARGET_KEYS.contains(&text) => format!("write `- {text}: …`"),
                    None => "a group is written `- group: NAME`".to_owned(),
                }),
            );
            return None;
        }
    };
    if side == TargetList::Exclude {
        diagnostics.push(not_excludable(text, node.place));
        return None;
    }
    Some(plain(target, node.place))
}

fn read_mapping(
    node: &Node,
    side: TargetList,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let (what, offered) = match side {
        TargetList::Include => ("a target", KEYS),
        TargetList::Exclude => ("an excluded target", EXCLUDED_KEYS),
        TargetList::Absent => ("an absent target", ABSENT_KEYS),
    };
    let fields = Fields::read_offering(node, what, (KEYS, offered), diagnostics)?;
    let who = read_who(node, &fields, side, diagnostics);
    let (filter, (source, source_id)) = match side {
        TargetList::Include => (
            read_filter(&fields, diagnostics),
            read_source(&fields, diagnostics),
        ),
        TargetList::Exclude | TargetList::Absent => {
            refuse_extras(&fields, side, diagnostics);
            (None, (Source::Direct, None))
        }
    };
    let properties = properties::read(&fields, diagnostics);
    let optional = read_optional(&fields, diagnostics);
    Some(WantedTarget {
        filter,
        source,
        source_id,
        properties,
        optional,
        ..who?
    })
}

/// Reads whether a tenant may lack the target, which is for groups.
fn read_optional(fields: &Fields<'_>, diagnostics: &mut Diagnostics) -> bool {
    let Some(pair) = fields.get("optional") else {
        return false;
    };
    let value = properties::flag(pair, diagnostics).is_some_and(|flag| flag.value);
    if fields.among(EXCLUDED_TARGET_KEYS).is_empty() {
        diagnostics.push(
            Diagnostic::error(
                "optional-not-group",
                pair.place,
                "`optional` without `group` or `groupId`",
            )
            .hint("remove `optional`: only a group can be missing in a tenant"),
        );
    }
    value
}

fn plain(target: TargetReference, place: Place) -> WantedTarget {
    WantedTarget {
        place,
        also: Vec::new(),
        via: None,
        target,
        filter: None,
        source: Source::Direct,
        source_id: None,
        properties: None,
        optional: false,
    }
}

/// Reads who is meant.
fn read_who(
    node: &Node,
    fields: &Fields<'_>,
    side: TargetList,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let present = fields.one_among(
        TARGET_KEYS,
        (
            "several-targets",
            "a target names one group, collection or all",
        ),
        "start another target with `- `",
        diagnostics,
    );
    let allowed = side.target_keys();
    for pair in &present {
        if !allowed.contains(&&*pair.key) {
            diagnostics.push(not_excludable(&pair.key, pair.place));
        }
    }
    let [pair, ..] = present.as_slice() else {
        if !fields.has_unknown() {
            diagnostics.push(
                Diagnostic::error(
                    "no-target",
                    node.place,
                    "the target names no group or audience",
                )
                .hint(match side {
                    TargetList::Include | TargetList::Absent => {
                        "add `group`, `groupId`, `collection`, `allDevices` or `allUsers`"
                    }
                    TargetList::Exclude => "add `group` or `groupId`",
                }),
            );
        }
        return None;
    };
    let everybody = |target, diagnostics: &mut Diagnostics| {
        is_true(pair, diagnostics).then_some((target, pair.place))
    };
    let group = |reference| match side {
        TargetList::Include | TargetList::Absent => TargetReference::Group(reference),
        TargetList::Exclude => TargetReference::ExclusionGroup(reference),
    };
    let (target, place) = match &*pair.key {
        "allDevices" => everybody(TargetReference::AllDevices, diagnostics)?,
        "allUsers" => everybody(TargetReference::AllUsers, diagnostics)?,
        "group" => {
            let name = name(pair, "groupId", diagnostics)?;
            doubt_built_in(&name, diagnostics);
            (group(NameOrId::Name(name.value)), name.place)
        }
        "groupId" => {
            let id = guid(pair, "group", diagnostics)?;
            if !is_group(&id, side, diagnostics) {
                return None;
            }
            (group(NameOrId::Id(id.value)), id.place)
        }
        _ => {
            let id = fields::text(&pair.value, "collection", diagnostics)?;
            (TargetReference::Collection(id.value), id.place)
        }
    };
    Some(WantedTarget {
        via: pair.via,
        ..plain(target, place)
    })
}

fn is_true(pair: &Pair, diagnostics: &mut Diagnostics) -> bool {
    let node = &pair.value.node;
    let error = match &node.value {
        Value::Scalar { text, plain: true } if matches!(&**text, "true" | "True" | "TRUE") => {
            return true;
        }
        Value::Scalar { text, plain: true } if matches!(&**text, "false" | "False" | "FALSE") => {
            let message = format!("`{}: false` means nothing", pair.key);
            Diagnostic::error("false-target", node.place, message).hint("leave the target out")
        }
        _ => fields::wrong_type(node, &pair.key, "`true`")
            .hint(format!("write `- {}` or `- {}: true`", pair.key, pair.key)),
    };
    fields::refuse(node, error, diagnostics);
    false
}

fn not_excludable(word: &str, place: Place) -> Diagnostic {
    Diagnostic::error(
        "exclude-not-group",
        place,
        format!("`{word}` cannot be excluded; only groups can"),
    )
    .hint("list `group` or `groupId` below `exclude`")
}
