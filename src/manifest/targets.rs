//! Reading the targets below `include` and `exclude`.

use super::fields::{self, Fields};
use super::report::{Report, quoted};
use super::tree::{Item, Node, Pair, Value};
use super::{FilterReference, NameOrId, Placed, TargetReference, WantedTarget};
use crate::diagnostic::{Diagnostic, Place};
use crate::model::{FilterMode, Guid, Source};

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
];

/// The keys that say who is meant.
pub(super) const TARGET_KEYS: &[&str] =
    &["allDevices", "allUsers", "group", "groupId", "collection"];

/// The keys of an excluded target.
pub(super) const EXCLUDED_KEYS: &[&str] = &["group", "groupId"];

/// Which list a target is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `include`.
    Include,
    /// `exclude`.
    Exclude,
}

/// Reads a list of targets. `via` is the alias through which the list was reached.
pub(super) fn read_all(
    pair: &Pair,
    side: Side,
    via: Option<Place>,
    report: &mut Report,
    targets: &mut Vec<WantedTarget>,
) {
    let via = fields::via(via, Some(pair), &pair.value);
    for item in fields::list(pair, report).unwrap_or_default() {
        targets.extend(read(item, side, via, report));
    }
}

/// Reads a target; one with a fault is reported and left out, lest it contradict others.
fn read(item: &Item, side: Side, via: Option<Place>, report: &mut Report) -> Option<WantedTarget> {
    let before = report.errors();
    let mut wanted = match &item.node.value {
        Value::Scalar { text, .. } if !item.node.is_null() => {
            read_word(&item.node, text, side, report)?
        }
        Value::Broken => {
            report.miss();
            return None;
        }
        Value::Scalar { .. } | Value::List(_) => {
            report.push(
                Diagnostic::error(
                    "wrong-type",
                    item.node.place,
                    format!("a target must be a mapping, not {}", item.node.describe()),
                )
                .hint("write `- group: NAME`, `- allDevices` or `- allUsers`"),
            );
            return None;
        }
        Value::Mapping(_) => read_mapping(&item.node, side, report)?,
    };
    // An alias for one target names it where it stands; one for more is only the way to it.
    wanted.place = item.alias.unwrap_or(wanted.place);
    wanted.via = via.or(wanted.via);
    (report.errors() == before).then_some(wanted)
}

fn read_word(node: &Node, text: &str, side: Side, report: &mut Report) -> Option<WantedTarget> {
    let target = match text {
        "allDevices" => TargetReference::AllDevices,
        "allUsers" => TargetReference::AllUsers,
        _ => {
            let near = report.suggest(text, ["allDevices", "allUsers"]);
            report.push(
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
        report.push(not_excludable(text, node.place));
        return None;
    }
    Some(plain(target, node.place))
}

fn read_mapping(node: &Node, side: Side, report: &mut Report) -> Option<WantedTarget> {
    let fields = match side {
        Side::Include => Fields::read(node, "a target", KEYS, KEYS, report)?,
        Side::Exclude => Fields::read(node, "an excluded target", KEYS, EXCLUDED_KEYS, report)?,
    };
    let who = read_who(node, &fields, side, report);
    let (filter, (source, source_id)) = match side {
        Side::Include => (read_filter(&fields, report), read_source(&fields, report)),
        Side::Exclude => {
            refuse_extras(&fields, report);
            (None, (Source::Direct, None))
        }
    };
    let (target, place, via) = who?;
    Some(WantedTarget {
        place,
        via,
        target,
        filter,
        source,
        source_id,
    })
}

fn plain(target: TargetReference, place: Place) -> WantedTarget {
    WantedTarget {
        place,
        via: None,
        target,
        filter: None,
        source: Source::Direct,
        source_id: None,
    }
}

/// Reads who is meant, with the place that names it and the merge key that brought it.
fn read_who(
    node: &Node,
    fields: &Fields<'_>,
    side: Side,
    report: &mut Report,
) -> Option<(TargetReference, Place, Option<Place>)> {
    let present = fields.among(TARGET_KEYS);
    let allowed = match side {
        Side::Include => TARGET_KEYS,
        Side::Exclude => EXCLUDED_KEYS,
    };
    for pair in &present {
        if !allowed.contains(&&*pair.key) {
            report.push(not_excludable(&pair.key, pair.place));
        }
    }
    if let Some(error) = fields::only_one(
        "several-targets",
        &present,
        "a target names one group, collection or all".to_owned(),
    ) {
        report.push(error.hint("start another target with `- `"));
    }
    let [pair, ..] = present.as_slice() else {
        if !fields.has_unknown() {
            report.push(
                Diagnostic::error("no-target", node.place, "the target names nobody").hint(
                    match side {
                        Side::Include => {
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
    let everybody =
        |target, report: &mut Report| is_true(pair, report).then_some((target, pair.place, via));
    let group = |reference| match side {
        Side::Include => TargetReference::Group(reference),
        Side::Exclude => TargetReference::ExclusionGroup(reference),
    };
    match &*pair.key {
        "allDevices" => everybody(TargetReference::AllDevices, report),
        "allUsers" => everybody(TargetReference::AllUsers, report),
        "group" => fields::text(&pair.value, "group", report)
            .map(|name| (group(NameOrId::Name(name.value)), name.place, via)),
        "groupId" => guid(pair, "use `group` for a display name", report)
            .map(|id| (group(NameOrId::Id(id.value)), id.place, via)),
        _ => fields::text(&pair.value, "collection", report)
            .map(|id| (TargetReference::Collection(id.value), id.place, via)),
    }
}

fn is_true(pair: &Pair, report: &mut Report) -> bool {
    let node = &pair.value.node;
    let error = match &node.value {
        Value::Broken => {
            report.miss();
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
    report.push(error);
    false
}

fn read_filter(fields: &Fields<'_>, report: &mut Report) -> Option<FilterReference> {
    let mode = fields.get("filterMode");
    let present = fields.among(&["filter", "filterId"]);
    if let Some(error) = fields::only_one(
        "several-filters",
        &present,
        "a target takes one filter, by name or by id".to_owned(),
    ) {
        report.push(error.hint("keep `filter` or `filterId`"));
    }
    let read_mode = mode.and_then(|pair| {
        fields::word(
            pair,
            "unknown-filter-mode",
            &[("include", false), ("exclude", true)],
            report,
        )
    });
    let Some(pair) = present.first() else {
        if let Some(mode) = mode
            && !fields.meant(&["filter", "filterId"])
        {
            report.push(
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
            let name = fields::text(&pair.value, "filter", report)?;
            (NameOrId::Name(name.value), name.place)
        }
        _ => {
            let id = guid(pair, "use `filter` for a display name", report)?;
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

fn read_source(fields: &Fields<'_>, report: &mut Report) -> (Source, Option<String>) {
    let source = fields.get("source");
    let from_set = source.and_then(|pair| {
        fields::word(
            pair,
            "unknown-source",
            &[("direct", false), ("policySets", true)],
            report,
        )
    });
    let source_id = fields.get("sourceId").and_then(|pair| {
        if source.is_none() && !fields.meant(&["source"]) {
            report.push(
                Diagnostic::error(
                    "source-id-without-source",
                    pair.place,
                    "`sourceId` without `source`",
                )
                .hint("add `source: policySets`, or remove `sourceId`"),
            );
        } else if let (Some(false), Some(source)) = (from_set, source) {
            report.push(
                Diagnostic::error(
                    "source-id-with-direct",
                    pair.place,
                    "`sourceId` names a policy set, but the source is `direct`",
                )
                .also(source.value.node.place, "the source")
                .hint("write `source: policySets`, or remove `sourceId`"),
            );
        }
        fields::text(&pair.value, "sourceId", report)
    });
    let source = match from_set {
        Some(true) => Source::PolicySets,
        Some(false) | None => Source::Direct,
    };
    (source, source_id.map(|id| id.value))
}

fn refuse_extras(fields: &Fields<'_>, report: &mut Report) {
    for pair in fields.among(&["filter", "filterId", "filterMode"]) {
        report.push(
            Diagnostic::error(
                "filter-on-exclusion",
                pair.place,
                "an excluded group takes no filter",
            )
            .hint(format!("remove `{}`", pair.key)),
        );
    }
    for pair in fields.among(&["source", "sourceId"]) {
        report.push(
            Diagnostic::error(
                "source-on-exclusion",
                pair.place,
                "an excluded group takes no source",
            )
            .hint(format!("remove `{}`", pair.key)),
        );
    }
}

fn not_excludable(word: &str, place: Place) -> Diagnostic {
    Diagnostic::error(
        "exclude-not-group",
        place,
        format!("`{word}` cannot be excluded; only groups can"),
    )
    .hint("list `group` or `groupId` below `exclude`")
}

fn guid(pair: &Pair, otherwise: &str, report: &mut Report) -> Option<Placed<Guid>> {
    let text = fields::text(&pair.value, &pair.key, report)?;
    if let Some(value) = Guid::parse(&text.value) {
        return Some(Placed {
            value,
            place: text.place,
        });
    }
    let bare = text.value.trim().trim_matches(['{', '}', '(', ')']);
    let hint = match Guid::parse(bare) {
        Some(guid) => format!("write `{guid}`"),
        None => otherwise.to_owned(),
    };
    report.push(
        Diagnostic::error(
            "bad-guid",
            pair.value.node.place,
            format!("`{}` must be a GUID, not {}", pair.key, quoted(&text.value)),
        )
        .hint(hint),
    );
    None
}
