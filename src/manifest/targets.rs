//! Reading the targets below `include` and `exclude`.

use super::diagnostics::Diagnostics;
use super::fields::{self, Fields};
use super::properties;
use super::yaml::tree::{Item, Node, Pair, Value};
use super::{FilterReference, NameOrId, Placed, TargetReference, WantedTarget};
use crate::diagnostic::{Diagnostic, Place};
use crate::look_alike::folded;
use crate::model::{FilterMode, Guid, Source};
use crate::text::quoted;

/// How many targets a run may have, the named sets counted for each entry that uses them.
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
    "onlyTenants",
    "exceptTenants",
    "optional",
];

/// The ids that portals and other tools use for the built-in targets, as if these were groups.
const VIRTUAL_GROUPS: [(&str, &str, &str); 2] = [
    (
        "acacacac-9df4-4c7d-9d50-4ef0226f57a9",
        "allUsers",
        "all users",
    ),
    (
        "adadadad-808e-44e2-905a-0b7873a8a531",
        "allDevices",
        "all devices",
    ),
];

/// Which list a target is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `include`.
    Include,
    /// `exclude`.
    Exclude,
    /// `absent`.
    Absent,
}

impl Side {
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
    side: Side,
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
    side: Side,
    via: Option<Place>,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let before = diagnostics.errors();
    let mut wanted = match &item.node.value {
        Value::Scalar { text, .. } if !item.node.is_null() => {
            read_word(&item.node, text, side, diagnostics)?
        }
        Value::Broken => {
            diagnostics.miss();
            return None;
        }
        Value::Scalar { .. } | Value::List(_) => {
            diagnostics.push(
                Diagnostic::error(
                    "wrong-type",
                    item.node.place,
                    format!("a target must be a mapping, not {}", item.node.describe()),
                )
                .hint("write `- group: NAME`, `- allDevices` or `- allUsers`"),
            );
            return None;
        }
        Value::Mapping(_) => read_mapping(&item.node, side, diagnostics)?,
    };
    // An alias for one target names it where it stands; one for more is only the way to it.
    wanted.place = item.alias.unwrap_or(wanted.place);
    wanted.via = via.or(wanted.via);
    (diagnostics.errors() == before).then_some(wanted)
}

fn read_word(
    node: &Node,
    text: &str,
    side: Side,
    diagnostics: &mut Diagnostics,
) -> Option<WantedTarget> {
    let target = match text {
        "allDevices" => TargetReference::AllDevices,
        "allUsers" => TargetReference::AllUsers,
        _ => {
            let near = diagnostics.suggest(text, ["allDevices", "allUsers"]);
            diagnostics.push(
                Diagnostic::error(
                    "unknown-target",
                    node.place,
                    format!("unknown target {}", quoted(text)),
                )
                .hint(match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None if TARGET_KEYS.contains(&text) => format!("write `- {text}: …`"),
                    None => "a group is written `- group: NAME`".to_owned(),
                }),
            );
            return None;
        }
    };
    if side == Side::Exclude {
        diagnostics.push(not_excludable(text, node.place));
        return None;
    }
    Some(plain(target, node.place))
}

fn read_mapping(node: &Node, side: Side, diagnostics: &mut Diagnostics) -> Option<WantedTarget> {
    let (what, offered) = match side {
        Side::Include => ("a target", KEYS),
        Side::Exclude => ("an excluded target", EXCLUDED_KEYS),
        Side::Absent => ("an absent target", ABSENT_KEYS),
    };
    let fields = Fields::read(node, what, KEYS, offered, diagnostics)?;
    let who = read_who(node, &fields, side, diagnostics);
    let (filter, (source, source_id)) = match side {
        Side::Include => (
            read_filter(&fields, diagnostics),
            read_source(&fields, diagnostics),
        ),
        Side::Exclude | Side::Absent => {
            refuse_extras(&fields, side, diagnostics);
            (None, (Source::Direct, None))
        }
    };
    let properties = match side {
        Side::Include | Side::Exclude => properties::read(&fields, diagnostics),
        Side::Absent => None,
    };
    let optional = read_optional(&fields, diagnostics);
    let (target, place, via) = who?;
    Some(WantedTarget {
        place,
        via,
        target,
        filter,
        source,
        source_id,
        properties,
        optional,
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
        via: None,
        target,
        filter: None,
        source: Source::Direct,
        source_id: None,
        properties: None,
        optional: false,
    }
}

/// Reads who is meant, with the place that names it and the merge key that brought it.
fn read_who(
    node: &Node,
    fields: &Fields<'_>,
    side: Side,
    diagnostics: &mut Diagnostics,
) -> Option<(TargetReference, Place, Option<Place>)> {
    let present = fields.among(TARGET_KEYS);
    let allowed = side.target_keys();
    for pair in &present {
        if !allowed.contains(&&*pair.key) {
            diagnostics.push(not_excludable(&pair.key, pair.place));
        }
    }
    if let Some(error) = fields::only_one(
        "several-targets",
        &present,
        "a target names one group, collection or all".to_owned(),
    ) {
        diagnostics.push(error.hint("start another target with `- `"));
    }
    let [pair, ..] = present.as_slice() else {
        if !fields.has_unknown() {
            diagnostics.push(
                Diagnostic::error("no-target", node.place, "the target names nobody").hint(
                    match side {
                        Side::Include | Side::Absent => {
                            "add `group`, `groupId`, `collection`, `allDevices` or `allUsers`"
                        }
                        Side::Exclude => "add `group` or `groupId`",
                    },
                ),
            );
        }
        return None;
    };
    let via = pair.via;
    let everybody = |target, diagnostics: &mut Diagnostics| {
        is_true(pair, diagnostics).then_some((target, pair.place, via))
    };
    let group = |reference| match side {
        Side::Include | Side::Absent => TargetReference::Group(reference),
        Side::Exclude => TargetReference::ExclusionGroup(reference),
    };
    match &*pair.key {
        "allDevices" => everybody(TargetReference::AllDevices, diagnostics),
        "allUsers" => everybody(TargetReference::AllUsers, diagnostics),
        "group" => name(pair, "groupId", diagnostics).map(|name| {
            doubt_built_in(&name, diagnostics);
            (group(NameOrId::Name(name.value)), name.place, via)
        }),
        "groupId" => guid(pair, "group", diagnostics)
            .filter(|id| is_group(id, side, diagnostics))
            .map(|id| (group(NameOrId::Id(id.value)), id.place, via)),
        _ => fields::text(&pair.value, "collection", diagnostics)
            .map(|id| (TargetReference::Collection(id.value), id.place, via)),
    }
}

fn is_true(pair: &Pair, diagnostics: &mut Diagnostics) -> bool {
    let node = &pair.value.node;
    let error = match &node.value {
        Value::Broken => {
            diagnostics.miss();
            return false;
        }
        Value::Scalar { text, plain: true } => match text.as_str() {
            "true" | "True" | "TRUE" => return true,
            "false" | "False" | "FALSE" => Diagnostic::error(
                "false-target",
                node.place,
                format!("`{}: false` means nothing", pair.key),
            )
            .hint("leave the target out"),
            _ => fields::wrong_type(node, &pair.key, "`true`")
                .hint(format!("write `- {}` or `- {}: true`", pair.key, pair.key)),
        },
        _ => fields::wrong_type(node, &pair.key, "`true`")
            .hint(format!("write `- {}` or `- {}: true`", pair.key, pair.key)),
    };
    diagnostics.push(error);
    false
}

fn read_filter(fields: &Fields<'_>, diagnostics: &mut Diagnostics) -> Option<FilterReference> {
    let mode = fields.get("filterMode");
    let present = fields.among(&["filter", "filterId"]);
    if let Some(error) = fields::only_one(
        "several-filters",
        &present,
        "a target takes one filter, by name or by id".to_owned(),
    ) {
        diagnostics.push(error.hint("keep `filter` or `filterId`"));
    }
    let read_mode = mode.and_then(|pair| {
        if refuse_no_filter(pair, diagnostics) {
            return None;
        }
        fields::word(
            pair,
            "unknown-filter-mode",
            &[("include", false), ("exclude", true)],
            diagnostics,
        )
    });
    let Some(pair) = present.first() else {
        if let Some(mode) = mode
            && !fields.meant(&["filter", "filterId"])
        {
            diagnostics.push(
                Diagnostic::error(
                    "filter-mode-without-filter",
                    mode.place,
                    "`filterMode` without a filter",
                )
                .hint("add `filter` or `filterId`, or remove `filterMode`"),
            );
        }
        return None;
    };
    let filter = match &*pair.key {
        "filter" => {
            let name = name(pair, "filterId", diagnostics)?;
            (NameOrId::Name(name.value), name.place)
        }
        _ => {
            let id = guid(pair, "filter", diagnostics)?;
            if id.value.is_zero() {
                diagnostics.push(
                    Diagnostic::error("zero-guid", id.place, "the zero GUID means no filter")
                        .hint("leave the filter out"),
                );
                return None;
            }
            (NameOrId::Id(id.value), id.place)
        }
    };
    Some(FilterReference {
        place: filter.1,
        filter: filter.0,
        mode: match read_mode {
            Some(true) => FilterMode::Exclude,
            Some(false) | None => FilterMode::Include,
        },
    })
}

fn read_source(fields: &Fields<'_>, diagnostics: &mut Diagnostics) -> (Source, Option<String>) {
    let source = fields.get("source");
    let from_set = source.and_then(|pair| {
        fields::word(
            pair,
            "unknown-source",
            &[("direct", false), ("policySets", true)],
            diagnostics,
        )
    });
    let source_id = fields.get("sourceId").and_then(|pair| {
        if source.is_none() && !fields.meant(&["source"]) {
            diagnostics.push(
                Diagnostic::error(
                    "source-id-without-source",
                    pair.place,
                    "`sourceId` without `source`",
                )
                .hint("add `source: policySets`, or remove `sourceId`"),
            );
        } else if let (Some(false), Some(source)) = (from_set, source) {
            diagnostics.push(
                Diagnostic::error(
                    "source-id-with-direct",
                    pair.place,
                    "`sourceId` names a policy set, but the source is `direct`",
                )
                .also(source.value.node.place, "the source")
                .hint("write `source: policySets`, or remove `sourceId`"),
            );
        }
        fields::text(&pair.value, "sourceId", diagnostics)
    });
    let source = match from_set {
        Some(true) => Source::PolicySets,
        Some(false) | None => Source::Direct,
    };
    (source, source_id.map(|id| id.value))
}

fn refuse_extras(fields: &Fields<'_>, side: Side, diagnostics: &mut Diagnostics) {
    let (what, on_filter, on_source, on_property) = match side {
        Side::Absent => (
            "absent target",
            "filter-on-absent",
            "source-on-absent",
            "property-on-absent",
        ),
        Side::Include | Side::Exclude => (
            "excluded group",
            "filter-on-exclusion",
            "source-on-exclusion",
            "property-on-exclusion",
        ),
    };
    for pair in fields.among(&["filter", "filterId", "filterMode"]) {
        let message = format!("an {what} takes no filter");
        diagnostics.push(
            Diagnostic::error(on_filter, pair.place, message)
                .hint(format!("remove `{}`", pair.key)),
        );
    }
    for pair in fields.among(&["source", "sourceId"]) {
        let message = format!("an {what} takes no source");
        diagnostics.push(
            Diagnostic::error(on_source, pair.place, message)
                .hint(format!("remove `{}`", pair.key)),
        );
    }
    for pair in fields.among(properties::PROPERTY_KEYS) {
        if side == Side::Exclude && &*pair.key == "intent" {
            continue;
        }
        let message = format!("an {what} takes no `{}`", pair.key);
        let hint = match (side, &*pair.key) {
            (Side::Absent, "intent") => "an absent target has no assignment with any intent",
            _ => "remove it",
        };
        diagnostics.push(Diagnostic::error(on_property, pair.place, message).hint(hint));
    }
}

/// Returns the word for all users or all devices, if a group's name reads like one of them: portals
/// list them beside the groups.
pub(super) fn built_in(name: &str) -> Option<&'static str> {
    match folded(name).as_str() {
        "all users" | "allusers" | "all licensed users" | "alllicensedusers" => Some("allUsers"),
        "all devices" | "alldevices" => Some("allDevices"),
        _ => None,
    }
}

/// A group may really be so called, which shows with the tenant at hand.
fn doubt_built_in(name: &Placed<String>, diagnostics: &mut Diagnostics) {
    if let Some(word) = built_in(&name.value) {
        let message = format!("{} may be meant as a built-in target", quoted(&name.value));
        diagnostics.push_if_others(
            Diagnostic::warning("built-in-as-group", name.place, message)
                .hint(format!("for the built-in target write `- {word}`")),
        );
    }
}

/// Refuses the word that the service has for no filter.
fn refuse_no_filter(mode: &Pair, diagnostics: &mut Diagnostics) -> bool {
    let node = &mode.value.node;
    let is_none =
        matches!(&node.value, Value::Scalar { text, .. } if text.eq_ignore_ascii_case("none"));
    if is_none {
        diagnostics.push(
            Diagnostic::error(
                "unknown-filter-mode",
                node.place,
                format!("unknown filterMode {}", node.describe()),
            )
            .hint("leave the filter out"),
        );
    }
    is_none
}

/// Refuses ids that are no group's: those that stand for the built-in targets, and the zero GUID.
fn is_group(id: &Placed<Guid>, side: Side, diagnostics: &mut Diagnostics) -> bool {
    if id.value.is_zero() {
        diagnostics.push(
            Diagnostic::error("zero-guid", id.place, "the zero GUID is not a group's")
                .hint("name the group by `group`, or by its own id"),
        );
        return false;
    }
    let text = id.value.to_string();
    let Some((_, word, whom)) = VIRTUAL_GROUPS.iter().find(|(known, ..)| *known == text) else {
        return true;
    };
    let message = format!("`{text}` is not a group: it stands for {whom}");
    diagnostics.push(
        Diagnostic::error("virtual-group", id.place, message).hint(match side {
            Side::Include | Side::Absent => format!("write `- {word}`"),
            Side::Exclude => format!("{whom} cannot be excluded; only groups can"),
        }),
    );
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

/// Reads a display name. A GUID is refused: it was meant as an id, and an object that is so called
/// can be named by its id.
pub(super) fn name(
    pair: &Pair,
    id_key: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Placed<String>> {
    let text = fields::text(&pair.value, &pair.key, diagnostics)?;
    let Some(guid) = meant_id(&text.value) else {
        return Some(text);
    };
    diagnostics.push(
        Diagnostic::error(
            "guid-as-name",
            pair.value.node.place,
            format!("`{}` takes a display name, not a GUID", pair.key),
        )
        .hint(format!("write `{id_key}: {guid}`")),
    );
    None
}

/// Reads an id. `name_key` is the key that takes a display name.
pub(super) fn guid(
    pair: &Pair,
    name_key: &str,
    diagnostics: &mut Diagnostics,
) -> Option<Placed<Guid>> {
    let text = fields::text(&pair.value, &pair.key, diagnostics)?;
    if let Some(value) = Guid::parse(&text.value) {
        return Some(Placed {
            value,
            place: text.place,
        });
    }
    let hint = match Guid::parse(without_braces(text.value.trim())) {
        Some(guid) => format!("write `{guid}`"),
        None => format!("use `{name_key}` for a display name"),
    };
    diagnostics.push(
        Diagnostic::error(
            "bad-guid",
            pair.value.node.place,
            format!("`{}` must be a GUID, not {}", pair.key, quoted(&text.value)),
        )
        .hint(hint),
    );
    None
}

/// Returns the id that is meant by a text that stands where a display name belongs.
pub(super) fn meant_id(name: &str) -> Option<Guid> {
    Guid::parse(without_braces(name))
}

/// Returns a GUID's text without the braces or parentheses that Windows programs put around it.
fn without_braces(text: &str) -> &str {
    let inside = |open, close| text.strip_prefix(open)?.strip_suffix(close);
    inside('{', '}')
        .or_else(|| inside('(', ')'))
        .unwrap_or(text)
}
