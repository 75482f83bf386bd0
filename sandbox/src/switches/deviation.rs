//! The words for ways in which the service deviates from what clients take for granted.

use serde::{Deserialize, Serialize};

/// A way in which the service deviates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Deviation {
    /// Lists refuse a `$top` of more than 100.
    TopRefused,
    /// Lists refuse `$expand=assignments`.
    ExpandRefused,
    /// Lists take `$expand=assignments` and bring none.
    ExpandEmpty,
    /// A single policy's `$expand=assignments` brings them, of the settings catalog too.
    ItemExpandWorks,
    /// A policy set's does not exist.
    SetExpandRefused,
    /// `@odata.count` is the size of the list.
    CountOfList,
    /// Next links are paths.
    LinkRelative,
    /// Next links lead to another host.
    LinkForeign,
    /// Policies have no name.
    NamesMissing,
    /// Ids of policies are no GUIDs.
    IdsOfText,
    /// Assignments have no ids.
    #[serde(alias = "rowIdsMissing")]
    AssignmentIdsMissing,
    /// All assignments have the same id.
    #[serde(alias = "rowIdsShared")]
    AssignmentIdsShared,
    /// Direct assignments have another source.
    SourceNovel,
    /// No filter is spelled in another way.
    FilterSpelling,
    /// Groups are targets of another type.
    TargetNovel,
    /// Policies are of a type that is in no schema.
    TypeNovel,
    /// Policies are for a platform that is in no schema.
    PlatformNovel,
    /// Lists of policies are refused, whatever is granted.
    ListForbidden,
    /// `…/assignments` cannot be read.
    AssignmentsRefused,
    /// `…/assignments` is always empty.
    AssignmentsEmpty,
    /// The second request is answered with a 429.
    SlowDown,
    /// The same, without a word on when to come back.
    SlowDownSilent,
    /// The header `Date` is an hour ahead.
    ClockAhead,
    /// `$batch` takes 10 requests.
    BatchOfTen,
    /// A filter of groups takes 10 values.
    InOfTen,
    /// Members of groups are not counted.
    CountRefused,
    /// `getByIds` does not exist.
    ByIdsRefused,
    /// Requests for approval are not listed.
    RequestsRefused,
    /// Audit events come the oldest first, whatever is asked for.
    AuditOldestFirst,
    /// `$batch` is refused, whatever is granted.
    BatchForbidden,
    /// Lists that refuse `$expand=assignments` take it, and bring them.
    ExpandEverywhere,
    /// A policy that does not exist is a bad request.
    MissingRefused,
    /// Next links lead to an empty page.
    NextPageEmpty,
    /// A filter of groups finds none.
    InFindsNone,
    /// A filter of groups is ignored.
    InIgnored,
    /// The first policy of a list has no name.
    SomeNamesMissing,
    /// Assignments have ids of another form.
    #[serde(alias = "rowIdsForeign")]
    AssignmentIdsForeign,
    /// `isAssigned` says the opposite.
    AssignedUntrue,
    /// Update profiles have filters.
    FiltersUnlisted,
    /// Update profiles are for all devices.
    TargetsUnlisted,
    /// Administrative templates have all users as a group.
    VirtualGroups,
    /// Device configurations are assigned to be removed.
    IntentRemove,
    /// `runRemediationScript` reads back as it was sent: `true`.
    RemediationReadable,
    /// Settings of apps are of a type that is in no schema.
    SettingsNovel,
    /// Defaults of the tenant have a priority.
    DefaultsUnmarked,
    /// Deleted groups are not listed.
    DeletedRefused,
    /// Audit events say neither who acted nor on what.
    AuditNameless,
}

impl Deviation {
    /// Every way.
    pub const ALL: [Self; 47] = [
        Self::TopRefused,
        Self::ExpandRefused,
        Self::ExpandEmpty,
        Self::ItemExpandWorks,
        Self::SetExpandRefused,
        Self::CountOfList,
        Self::LinkRelative,
        Self::LinkForeign,
        Self::NamesMissing,
        Self::IdsOfText,
        Self::AssignmentIdsMissing,
        Self::AssignmentIdsShared,
        Self::SourceNovel,
        Self::FilterSpelling,
        Self::TargetNovel,
        Self::TypeNovel,
        Self::PlatformNovel,
        Self::ListForbidden,
        Self::AssignmentsRefused,
        Self::AssignmentsEmpty,
        Self::SlowDown,
        Self::SlowDownSilent,
        Self::ClockAhead,
        Self::BatchOfTen,
        Self::InOfTen,
        Self::CountRefused,
        Self::ByIdsRefused,
        Self::RequestsRefused,
        Self::AuditOldestFirst,
        Self::BatchForbidden,
        Self::ExpandEverywhere,
        Self::MissingRefused,
        Self::NextPageEmpty,
        Self::InFindsNone,
        Self::InIgnored,
        Self::SomeNamesMissing,
        Self::AssignmentIdsForeign,
        Self::AssignedUntrue,
        Self::FiltersUnlisted,
        Self::TargetsUnlisted,
        Self::VirtualGroups,
        Self::IntentRemove,
        Self::RemediationReadable,
        Self::SettingsNovel,
        Self::DefaultsUnmarked,
        Self::DeletedRefused,
        Self::AuditNameless,
    ];
}
