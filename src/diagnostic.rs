//! What is wrong or odd, where, and what to do about it.
//!
//! A diagnostic is a value: modules that find a problem create one, `render` draws it. Manifest
//! texts are kept in [`Sources`], so that a fault found late (a group the tenant does not have)
//! is shown on the line that names it.

use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Nothing may be written.
    Error,
    /// May be wrong; goes on.
    Warning,
    /// Worth knowing, and as it should be.
    Info,
}

impl Severity {
    /// Returns the word for it, as printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }
}

/// A file of the run: an index into [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub usize);

/// A place in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The file.
    pub file: FileId,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// How many characters are meant, on that line; at least 1.
    pub length: usize,
}

impl Place {
    /// Returns the first character of a file.
    pub fn start_of(file: FileId) -> Self {
        Self {
            file,
            line: 1,
            column: 1,
            length: 1,
        }
    }
}

/// The files of a run, with their texts.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

/// A file of the run.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The path as the user gave it, with what was found below it.
    pub path: Arc<str>,
    /// The text; empty where it could not be read.
    pub text: Arc<str>,
}

impl Sources {
    /// Adds a file and returns its id.
    pub fn add(&mut self, path: impl Into<String>, text: impl Into<Arc<str>>) -> FileId {
        self.files.push(SourceFile {
            path: path.into().into(),
            text: text.into(),
        });
        FileId(self.files.len() - 1)
    }

    /// Returns the same files, some of them with other texts.
    #[must_use]
    pub fn with_texts(&self, mut change: impl FnMut(FileId, &str) -> Option<String>) -> Self {
        let mut changed = self.clone();
        for (index, file) in changed.files.iter_mut().enumerate() {
            if let Some(text) = change(FileId(index), &file.text) {
                file.text = text.into();
            }
        }
        changed
    }

    /// Returns a file.
    pub fn file(&self, id: FileId) -> &SourceFile {
        &self.files[id.0]
    }

    /// Returns all files, in the order in which they were added.
    pub fn files(&self) -> impl Iterator<Item = (FileId, &SourceFile)> {
        self.files
            .iter()
            .enumerate()
            .map(|(index, file)| (FileId(index), file))
    }
}

/// A fault or an oddity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word for it, in kebab case.
    pub code: &'static str,
    /// One sentence: what is wrong, with the value in backticks.
    pub message: String,
    /// Where; `None` if no file is to blame.
    pub place: Option<Place>,
    /// What the marker at the place says; often nothing.
    pub label: Option<String>,
    /// Other places that belong to it, each with what it has to do with the first.
    pub related: Vec<(Place, String)>,
    /// What the reader can do.
    pub hint: Option<String>,
    /// Whether the live state has the problem already, so that the plan does not cause it.
    pub is_existing: bool,
}

impl Diagnostic {
    /// Makes an error, at a place if a file is to blame.
    pub fn error(
        code: &'static str,
        place: impl Into<Option<Place>>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Error, code, place.into(), message)
    }

    /// Makes a warning, at a place if a file is to blame.
    pub fn warning(
        code: &'static str,
        place: impl Into<Option<Place>>,
        message: impl Into<String>,
    ) -> Self {
        Self::new(Severity::Warning, code, place.into(), message)
    }

    /// Makes a diagnostic.
    pub fn new(
        severity: Severity,
        code: &'static str,
        place: Option<Place>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            severity,
            code,
            message: message.into(),
            place,
            label: None,
            related: Vec::new(),
            hint: None,
            is_existing: false,
        }
    }

    /// Says what the reader can do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Returns it with its texts masked: they quote files.
    #[must_use]
    pub fn masked(&self, mask: impl Fn(&str) -> String) -> Self {
        let related = self.related.iter();
        Self {
            message: mask(&self.message),
            label: self.label.as_deref().map(&mask),
            related: related
                .map(|(place, label)| (*place, mask(label)))
                .collect(),
            hint: self.hint.as_deref().map(&mask),
            ..self.clone()
        }
    }

    /// Says what the marker stands for.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Names another place that belongs to it.
    #[must_use]
    pub fn also(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// Whether it stops the run.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Sorts by file, place and text, errors first at one place, and drops what was said twice.
pub fn tidy(diagnostics: &mut Vec<Diagnostic>) {
    diagnostics.sort_by(|one, other| {
        (one.place, one.severity, one.code, &one.message).cmp(&(
            other.place,
            other.severity,
            other.code,
            &other.message,
        ))
    });
    diagnostics.dedup();
}

/// Returns the candidate nearest to a name that was not found, if one is near enough to be meant.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    nearest_all(name, candidates).first().copied()
}

/// Returns the candidates nearest to a name that was not found: those that are as near as any, if
/// they are near enough to be meant.
pub fn nearest_all<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    // Comparing costs the product of the lengths, in memory too; no one mistypes longer names.
    const LONGEST: usize = 256;
    let wanted = name.to_lowercase();
    let length = wanted.chars().take(LONGEST + 1).count();
    if length > LONGEST {
        return Vec::new();
    }
    let mut least = (length / 3).max(1);
    let mut near = Vec::new();
    for candidate in candidates {
        let other = candidate.chars().take(length + least + 1).count();
        if other.abs_diff(length) > least {
            continue;
        }
        let distance = strsim::damerau_levenshtein(&wanted, &candidate.to_lowercase());
        if distance < least {
            near.clear();
        }
        if distance <= least {
            least = distance;
            near.push(candidate);
        }
    }
    near.sort_unstable();
    near
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let names = ["SG-Pilot", "SG-Kiosk", "SG-Breakglass"];
        assert_eq!(nearest("sg-pilto", names), Some("SG-Pilot"));
        assert_eq!(nearest("Finance", names), None);
        assert_eq!(nearest("", names), None);
        let rings = ["Ring 3", "Ring 10", "Ring 1", "Ring 2"];
        assert_eq!(nearest_all("Ring X", rings), ["Ring 1", "Ring 2", "Ring 3"]);
    }

    #[test]
    fn a_name_of_a_million_characters_is_near_to_none() {
        let long = "x".repeat(1_000_000);
        assert_eq!(nearest(&long, [long.as_str()]), None);
        assert_eq!(nearest("x", [long.as_str(), "y"]), Some("y"));
    }

    #[test]
    fn what_is_said_twice_is_said_once_and_in_order() {
        let place = |line| Place {
            file: FileId(0),
            line,
            column: 1,
            length: 1,
        };
        let mut list = vec![
            Diagnostic::error("b", place(2), "second"),
            Diagnostic::error("a", place(1), "first"),
            Diagnostic::error("b", place(2), "second"),
        ];
        tidy(&mut list);
        assert_eq!(
            list,
            [
                Diagnostic::error("a", place(1), "first"),
                Diagnostic::error("b", place(2), "second")
            ]
        );
    }
}
