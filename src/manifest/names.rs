//! Reading display names and ids, which are easily taken for each other.

use super::Placed;
use super::diagnostics::Diagnostics;
use super::fields;
use super::yaml::tree::Pair;
use crate::diagnostic::Diagnostic;
use crate::model::Guid;
use crate::text::quoted;

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
