//! What tenants lack of that which manifests name, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;

use super::clean::clean;
use super::json::Json;
use super::phrases::{count, first};
use crate::exit::Exit;
use crate::plan::ManifestPlace;

/// How many places of something that is missing are shown as text.
const MOST_PLACES: usize = 3;

/// A tenant, with what it lacks.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantLacks {
    /// Its name.
    pub name: String,
    /// Its id or domain.
    pub tenant_id: String,
    /// How the run for it ended.
    #[serde(rename = "exitCode", serialize_with = "code")]
    pub exit: Exit,
    /// What it lacks.
    pub lacks: Vec<Missing>,
    /// What else is wrong.
    pub errors: Vec<String>,
    /// Why it could not be read.
    pub error: Option<String>,
    /// What can be done about that.
    #[serde(skip)]
    pub hint: Option<String>,
}

/// Something that manifests name and a tenant lacks.
#[derive(Debug, Serialize)]
pub struct Missing {
    /// The word for it.
    pub what: &'static str,
    /// The message about it.
    pub message: String,
    /// Whether a plan fails for it.
    pub required: bool,
    /// Where it is named.
    pub places: Vec<MissingPlace>,
}

/// A place in a manifest.
#[derive(Debug, Serialize)]
pub struct MissingPlace {
    path: String,
    line: usize,
    column: usize,
}

impl From<&ManifestPlace> for MissingPlace {
    fn from(place: &ManifestPlace) -> Self {
        Self {
            path: place.path.to_string(),
            line: place.line,
            column: place.column,
        }
    }
}

fn code<S: serde::Serializer>(exit: &Exit, serializer: S) -> Result<S::Ok, S::Error> {
    exit.code().serialize(serializer)
}

/// Makes JSON of all tenants.
#[must_use]
pub fn json(tenants: &[TenantLacks], exit: Exit) -> Json<'_> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Record<'a> {
        tenants: &'a [TenantLacks],
        exit_code: u8,
    }
    Json::new(Record {
        tenants,
        exit_code: exit.code(),
    })
}

/// Draws all tenants as text.
#[must_use]
pub fn text(tenants: &[TenantLacks]) -> String {
    let mut text = String::new();
    for tenant in tenants {
        let TenantLacks {
            name,
            exit,
            lacks,
            errors,
            error,
            ..
        } = tenant;
        let problem = match error {
            Some(error) => clean(error).into_owned(),
            None if lacks.is_empty() && errors.is_empty() => "lacks nothing".to_owned(),
            None if lacks.is_empty() => count(errors.len(), "error", "errors"),
            None => format!("lacks {}", lacks.len()),
        };
        let _ = writeln!(text, "{name}: {problem} (exit {})", exit.code());
        for lack in lacks {
            let optional = match lack.required {
                true => "",
                false => " [optional]",
            };
            let (message, places) = (clean(&lack.message), places(&lack.places));
            let _ = writeln!(text, "  {}{optional}: {message} ({places})", lack.what);
        }
        for error in errors {
            let _ = writeln!(text, "  error: {}", clean(error));
        }
    }
    text
}

fn places(places: &[MissingPlace]) -> String {
    let shown = places
        .iter()
        .map(|place| format!("{}:{}:{}", clean(&place.path), place.line, place.column));
    let shown = first(MOST_PLACES, shown, |more| format!("{more} more"));
    shown.collect::<Vec<_>>().join(", ")
}
