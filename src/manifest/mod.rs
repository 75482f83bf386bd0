//! Manifests: finding, reading and checking them, all offline.
//!
//! Reading goes in steps, each a module: `files` finds the files, `yaml` turns a text into a tree with
//! places, `read` and `targets` turn a tree into entries and target sets, and `check` gives each entry the
//! sets it uses and looks for entries that contradict each other. Where manifests are for several
//! `tenants`, all of that is done for each of them, and the rest of the program sees one. No step stops at a fault; all of them
//! are collected (`diagnostics`) and reported in one run. [`schema`] describes the form to editors.
//!
//! What needs the tenant (whether a name exists, which policies a glob selects) is not known here;
//! every value keeps its place, so that whoever finds out can point at it.

mod check;
pub mod conflict;
mod diagnostics;
mod fields;
mod files;
mod glob;
mod names;
mod properties;
mod read;
pub mod schema;
pub mod schema_names;
mod targets;
pub mod tenants;
#[cfg(test)]
mod tests;
mod yaml;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, FileId, Place, Sources};
use crate::kinds::TargetKind;
use crate::model::{FilterMode, Guid, PolicyKind, SharedText, Source};

use diagnostics::Diagnostics;
pub use diagnostics::TOO_MANY;
use files::Files;
pub use files::{CONFIGURATION_FILE, is_manifest_name};
pub use glob::{Glob, GlobSet};
pub use targets::built_in;
use tenants::Skip;
pub use tenants::Tenant;

/// What was read, and all that is wrong with it.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    /// The entries that could be read. Not to be carried out while there are errors. Empty if
    /// there are tenants: theirs are made by [`Self::of_tenant`].
    pub manifest: Manifest,
    /// The tenants that the manifests are for, by name; none if they are for whichever is signed in to.
    pub tenants: Vec<Tenant>,
    /// The files with their texts.
    pub sources: Sources,
    /// What is wrong or odd, sorted.
    pub diagnostics: Vec<Diagnostic>,
    /// What the tenant skips, if the manifest is that of one of several.
    skipped: Vec<Skip>,
}

impl Loaded {
    /// Returns what the manifests say for one tenant; `None` if none is so called.
    pub fn of_tenant(&self, name: &str) -> Option<Self> {
        let files: Vec<FileId> = self.sources.files().map(|(id, _)| id).collect();
        let declared = tenants::declared(&self.sources, &files, &mut Diagnostics::default());
        let mut known = declared.tenants.iter();
        let own = known.find(|declared| declared.tenant.name == name)?;
        let (manifest, skipped, diagnostics) =
            tenants::read_one(&self.sources, &files, &declared, own);
        Some(Self {
            manifest,
            tenants: vec![own.tenant.clone()],
            sources: self.sources.clone(),
            diagnostics,
            skipped,
        })
    }

    /// Whether the tenant leaves a policy of the baseline out.
    pub fn skips(&self, kind: PolicyKind, name: &str) -> bool {
        self.skipped.iter().any(|skip| skip.is_about(kind, name))
    }
}

/// A target set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedTargets {
    /// Its name.
    pub name: String,
    /// Its targets.
    pub targets: Vec<WantedTarget>,
}

/// The entries of all files, in the order of the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The target sets that could be read, by name.
    pub sets: Vec<NamedTargets>,
}

/// What is wanted for the policies that a selector selects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The kind of the policies.
    pub kind: PolicyKind,
    /// Where the kind was written.
    pub kind_place: Place,
    /// Which policies of that kind.
    pub selector: Selector,
    /// The name, id or glob as it was written: what a tenant adds has the selector of an entry of the baseline.
    pub selector_place: Place,
    /// The type that they have, without its prefix, if the entry names one.
    pub odata_type: Option<Placed<String>>,
    /// Whether the targets are the whole set.
    pub mode: Mode,
    /// Where the mode was written; the entry where it was not.
    pub mode_place: Place,
    /// What is included and excluded here and in the sets in use, equal targets once.
    pub targets: Vec<WantedTarget>,
    /// What must not be there, equal targets once; for entries in additive mode only. A group must be neither
    /// included nor excluded, whatever the filter, and an app is meant with any intent if none is said.
    pub absent: Vec<WantedTarget>,
    /// The entry's first key.
    pub place: Place,
}

/// Which policies of a kind are meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// The one with this display name, compared with case.
    Name(Placed<String>),
    /// The one with this id, compared without case.
    Id(Placed<String>),
    /// All whose display names a glob matches, but for those that another one does.
    Match {
        /// The glob.
        pattern: Placed<Glob>,
        /// Globs over the names to leave out.
        except: Vec<Placed<Glob>>,
    },
}

impl Selector {
    /// Whether a policy that a glob matches is left out after all.
    pub fn excludes(&self, policy_name: &str) -> bool {
        match self {
            Self::Name(_) | Self::Id(_) => false,
            Self::Match { except, .. } => except.iter().any(|glob| glob.value.matches(policy_name)),
        }
    }

    /// Returns the place of the name, id or glob.
    pub fn place(&self) -> Place {
        match self {
            Self::Name(text) | Self::Id(text) => text.place,
            Self::Match { pattern, .. } => pattern.place,
        }
    }
}

/// How an entry treats assignments that it does not list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// The targets are the whole set; others are removed.
    Exact,
    /// The targets are added; nothing is removed but what is said to be absent.
    Additive,
}

impl Mode {
    /// Returns the mode as manifests write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Additive => "additive",
        }
    }
}

/// One target that an entry wants, or that must not be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedTarget {
    /// The value that names the target, in the entry or in the target set.
    pub place: Place,
    /// Where the entry and its sets name an equal target once more, and through what.
    pub also: Vec<(Place, Option<Place>)>,
    /// The alias, merge key or `use` through which the entry came to it, where that stands for
    /// more than the target alone.
    pub via: Option<Place>,
    /// Who is meant.
    pub target: TargetReference,
    /// The filter on the target.
    pub filter: Option<FilterReference>,
    /// Where the assignment comes from: direct or from a policy set.
    pub source: Source,
    /// The policy set, where the manifest names it.
    pub source_id: Option<String>,
    /// What is said besides that, here or by the entry; `None` if nothing is.
    pub properties: Option<Arc<WantedProperties>>,
    /// Whether a tenant may lack the group.
    pub optional: bool,
}

impl WantedTarget {
    /// Returns the intent, if one is said.
    pub fn intent(&self) -> Option<&'static str> {
        let properties = self.properties.as_ref()?;
        properties.intent.as_ref().map(|intent| intent.value)
    }

    /// Whether an assignment with an intent is meant, if the target must not be there.
    pub fn is_absent_with(&self, intent: Option<&str>) -> bool {
        self.intent().is_none_or(|own| Some(own) == intent)
    }
}

/// What a manifest says besides who is meant. What is not said is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WantedProperties {
    /// What is done with an app.
    pub intent: Option<Placed<&'static str>>,
    /// The settings of an app that are named, members of objects as well, by name.
    pub settings: Option<Placed<Vec<WantedSetting>>>,
    /// When a remediation runs, in the form in which schedules are compared.
    pub schedule: Option<Placed<String>>,
    /// Whether a remediation repairs what it detects.
    pub remediation: Option<Placed<bool>>,
}

/// A setting of an app.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WantedSetting {
    /// Its name as a property: `settings.restartSettings.gracePeriodInMinutes`.
    pub name: SharedText,
    /// Its value as JSON, at its key; `None` if it is the one that the service fills in.
    pub value: Placed<Option<SharedText>>,
}

/// Who is meant, in a manifest's own words.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TargetReference {
    /// Every managed device.
    AllDevices,
    /// Every licensed user.
    AllUsers,
    /// The members of a group.
    Group(NameOrId),
    /// The Configuration Manager collection with this id.
    Collection(String),
    /// The members of a group are left out.
    ExclusionGroup(NameOrId),
}

impl TargetReference {
    /// Returns the target's kind.
    pub fn kind(&self) -> TargetKind {
        match self {
            Self::AllDevices => TargetKind::AllDevices,
            Self::AllUsers => TargetKind::AllUsers,
            Self::Group(_) => TargetKind::Group,
            Self::Collection(_) => TargetKind::Collection,
            Self::ExclusionGroup(_) => TargetKind::ExclusionGroup,
        }
    }

    /// Whether a group is left out.
    pub fn is_exclusion(&self) -> bool {
        matches!(self, Self::ExclusionGroup(_))
    }

    /// Returns the group, included or excluded.
    fn group(&self) -> Option<&NameOrId> {
        match self {
            Self::Group(group) | Self::ExclusionGroup(group) => Some(group),
            Self::AllDevices | Self::AllUsers | Self::Collection(_) => None,
        }
    }

    /// Returns it as targets are compared: case does not matter.
    fn folded(&self) -> Self {
        match self {
            Self::AllDevices | Self::AllUsers => self.clone(),
            Self::Group(group) => Self::Group(group.folded()),
            Self::Collection(id) => Self::Collection(id.to_ascii_uppercase()),
            Self::ExclusionGroup(group) => Self::ExclusionGroup(group.folded()),
        }
    }
}

/// A group or filter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NameOrId {
    /// By display name, compared without case.
    Name(String),
    /// By id.
    Id(Guid),
}

impl NameOrId {
    /// Returns the name or id as text.
    pub fn text(&self) -> Cow<'_, str> {
        match self {
            Self::Name(name) => Cow::Borrowed(name),
            Self::Id(id) => Cow::Owned(id.to_string()),
        }
    }

    /// Returns it as names are compared: case does not matter.
    fn folded(&self) -> Self {
        match self {
            Self::Name(name) => Self::Name(name.to_lowercase()),
            Self::Id(id) => Self::Id(*id),
        }
    }
}

/// The filter on a target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterReference {
    /// The value that names the filter.
    pub place: Place,
    /// Which filter.
    pub filter: NameOrId,
    /// How it works.
    pub mode: FilterMode,
}

/// A value with its place. Two are equal wherever they stand.
#[derive(Clone, Debug, Eq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its place.
    pub place: Place,
}

impl<T: PartialEq> PartialEq for Placed<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Whether a file ends as manifests do.
pub fn has_manifest_ending(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "yaml" || extension == "yml")
}

/// Whether an object can be named by its display name: blanks alone are not a name, and a GUID is
/// taken for an id.
pub fn is_name(text: &str) -> bool {
    !text.trim().is_empty() && names::meant_id(text).is_none()
}

/// Reads the manifests at the paths: files by name, folders with what is below them.
pub fn load(paths: &[PathBuf]) -> Loaded {
    let mut diagnostics = Diagnostics::default();
    let files = files::collect(paths, &mut diagnostics);
    read_files(files, diagnostics)
}

/// Reads manifests from texts, each with the path to show for it.
pub fn read_texts(texts: Vec<(String, String)>) -> Loaded {
    let mut diagnostics = Diagnostics::default();
    let mut files = Files::default();
    if texts.is_empty() {
        diagnostics.push(files::no_manifest());
    }
    for (path, text) in texts {
        files.add(path, text.into_bytes(), &mut diagnostics);
    }
    read_files(files, diagnostics)
}

fn read_files(files: Files, mut diagnostics: Diagnostics) -> Loaded {
    let Files {
        sources,
        readable,
        failed,
        bytes: _,
    } = files;
    let declared = tenants::declared(&sources, &readable, &mut diagnostics);
    let (manifest, diagnostics) =
        tenants::read(&sources, &readable, !failed, &declared, diagnostics);
    let tenants = declared.tenants.into_iter().map(|declared| declared.tenant);
    Loaded {
        manifest,
        tenants: tenants.collect(),
        sources,
        diagnostics,
        skipped: Vec::new(),
    }
}
