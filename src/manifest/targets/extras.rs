//! Reading what an included target may say besides who is meant: its filter and its source.

use super::TargetList;
use crate::diagnostic::Diagnostic;
use crate::manifest::diagnostics::Diagnostics;
use crate::manifest::fields::{self, Fields};
use crate::manifest::names::{guid, name};
use crate::manifest::properties;
use crate::manifest::yaml::tree::{Pair, Value};
use crate::manifest::{FilterReference, NameOrId};
use crate::model::{FilterMode, Source};

pub(super) fn read_filter(
    fields: &Fields<'_>,
    diagnostics: &mut Diagnostics,
) -> Option<FilterReference> {
    let mode = fields.get("filterMode");
    let present = fields.one_among(
        &["filter", "filterId"],
        (
            "several-filters",
            "a target takes one filter, by name or by id",
        ),
        "keep `filter` or `filterId`",
        diagnostics,
    );
    let modes = [
        ("include", FilterMode::Include),
        ("exclude", FilterMode::Exclude),
    ];
    let read_mode = mode
        .filter(|pair| !refuse_no_filter(pair, diagnostics))
        .and_then(|pair| fields::word(pair, "unknown-filter-mode", &modes, diagnostics));
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
    let (filter, place) = match &*pair.key {
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
        place,
        filter,
        mode: read_mode.unwrap_or(FilterMode::Include),
    })
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

pub(super) fn read_source(
    fields: &Fields<'_>,
    diagnostics: &mut Diagnostics,
) -> (Source, Option<String>) {
    let source = fields.get("source");
    let sources = [
        ("direct", Source::Direct),
        ("policySets", Source::PolicySets),
    ];
    let read_source =
        source.and_then(|pair| fields::word(pair, "unknown-source", &sources, diagnostics));
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
        } else if let (Some(Source::Direct), Some(source)) = (&read_source, source) {
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
    let source = read_source.unwrap_or(Source::Direct);
    (source, source_id.map(|id| id.value))
}

pub(super) fn refuse_extras(fields: &Fields<'_>, side: TargetList, diagnostics: &mut Diagnostics) {
    let (what, on_filter, on_source, on_property) = match side {
        TargetList::Absent => (
            "absent target",
            "filter-on-absent",
            "source-on-absent",
            "property-on-absent",
        ),
        TargetList::Include | TargetList::Exclude => (
            "excluded group",
            "filter-on-exclusion",
            "source-on-exclusion",
            "property-on-exclusion",
        ),
    };
    let filter_keys: &[&str] = &["filter", "filterId", "filterMode"];
    let source_keys: &[&str] = &["source", "sourceId"];
    for (keys, code, extra) in [
        (filter_keys, on_filter, "filter"),
        (source_keys, on_source, "source"),
    ] {
        for pair in fields.among(keys) {
            let message = format!("an {what} takes no {extra}");
            diagnostics.push(
                Diagnostic::error(code, pair.place, message).hint(format!("remove `{}`", pair.key)),
            );
        }
    }
    for pair in fields.among(properties::PROPERTY_KEYS) {
        if &*pair.key == "intent" {
            continue;
        }
        let message = format!("an {what} takes no `{}`", pair.key);
        diagnostics.push(Diagnostic::error(on_property, pair.place, message).hint("remove it"));
    }
}
