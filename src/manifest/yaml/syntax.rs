//! Errors of the YAML itself, worded so that the author can act.

use granit_parser::ErrorKind;

use crate::diagnostic::{Diagnostic, Place};
use crate::text::quoted;

/// Makes the error for text that is not YAML.
pub(in crate::manifest) fn fault(kind: &ErrorKind, place: Place) -> Diagnostic {
    if matches!(kind, ErrorKind::RecursionLimitExceeded) {
        return too_deep(place);
    }
    let message = match kind {
        ErrorKind::UnexpectedCharacter { character } => {
            format!("unexpected character {}", quoted(&character.to_string()))
        }
        ErrorKind::MissingAnchorOrAliasName => "no name behind `*` or `&`".to_owned(),
        ErrorKind::MappingValueNotAllowed => "`: ` is not allowed here".to_owned(),
        ErrorKind::UnclosedFlowCollection { open } => format!("`{open}` is not closed"),
        ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
            format!("`{open}` is closed by `{close}`")
        }
        ErrorKind::UnclosedQuotedScalar => "the quote is not closed".to_owned(),
        other => other.to_string(),
    };
    let diagnostic = Diagnostic::error("syntax", place, message);
    match hint(kind) {
        Some(hint) => diagnostic.hint(hint),
        None => diagnostic,
    }
}

/// Makes the error for what is nested too deep.
pub(in crate::manifest) fn too_deep(place: Place) -> Diagnostic {
    Diagnostic::error("too-deep", place, "lists and mappings are nested too deep")
}

fn hint(kind: &ErrorKind) -> Option<&'static str> {
    match kind {
        ErrorKind::TabNotAllowed
        | ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabInPlainScalar
        | ErrorKind::TabAtBlockScalarStart => Some("indent with spaces"),
        ErrorKind::MissingAnchorOrAliasName => {
            Some("put text that starts with `*` or `&` in quotes")
        }
        ErrorKind::MappingValueNotAllowed => {
            Some("indent the keys of a mapping alike, or put text that holds `: ` in quotes")
        }
        ErrorKind::UnexpectedCharacter {
            character: '@' | '`' | '%',
        } => Some("put text that starts with this character in quotes"),
        ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::InvalidIndentation
        | ErrorKind::BlockSequenceEntryNotAllowed => {
            Some("indent the parts of a list or mapping alike")
        }
        ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => {
            Some("a key is followed by `:` and a space")
        }
        _ => None,
    }
}
