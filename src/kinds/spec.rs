//! What a row of the table consists of: behaviour as data.
//!
//! The service's kinds differ by data in all but three ways: how they are listed, how they are
//! written, and what an assignment says besides its target. Those are enums.

use super::WriteCall;

/// All that the program knows of a policy kind.
#[derive(Clone, Copy, Debug)]
pub struct PolicyKindSpec {
    /// The word for the kind in manifests, plans and reports: Graph's own singular.
    pub name: &'static str,
    /// The path of the Graph collection, below the version root.
    pub collection: &'static str,
    /// The property that holds the policy's display name.
    pub name_property: &'static str,
    /// The `@odata.type` of an assignment.
    pub assignment_type: &'static str,
    /// How policies and their assignments are read.
    pub listing: Listing,
    /// How assignments are written.
    pub writing: Writing,
    /// Which targets and filters it takes.
    pub targets: TargetRules,
    /// What an assignment says besides its target.
    pub properties: AssignmentProperties,
    /// Where the platform of a policy is known from, which has to fit that of a filter.
    pub platform: Platform,
    /// The permissions that it takes.
    pub permissions: Permissions,
    /// Which throttling limit its requests count against.
    pub throttle: ThrottleGroup,
    /// What an approval policy for it is called, if there may be one.
    pub approval: Option<Workload>,
    /// What ids look like.
    pub ids: IdForm,
    /// How an object that every tenant has, and that takes no assignment, is recognised.
    pub tenant_default: TenantDefault,
    /// Whether the objects are of several types, so that `type:` can distinguish them.
    pub polymorphic: bool,
    /// Whether reads may show the state before a write for minutes.
    pub eventual: bool,
    /// Whether an assignment of such a policy can come from a policy set: a set can hold one, or its
    /// assignments say where they come from.
    pub in_policy_sets: bool,
    /// What items of policy sets that hold such a policy are called, before `PolicySetItem`.
    pub set_items: &'static [&'static str],
}

/// The plainest kind, which rows differ from: a complete set by `assign` and nothing else, all
/// targets, filters over devices.
pub(super) const PLAIN: PolicyKindSpec = PolicyKindSpec {
    name: "",
    collection: "",
    name_property: "displayName",
    assignment_type: "",
    listing: Listing::Expanded,
    writing: Writing::assign("assignments"),
    targets: TargetRules::ALL,
    properties: AssignmentProperties::None,
    platform: Platform::Unknown,
    permissions: Permissions::Configuration,
    throttle: ThrottleGroup::Shared,
    approval: None,
    ids: IdForm::Guid,
    tenant_default: TenantDefault::None,
    polymorphic: false,
    eventual: false,
    in_policy_sets: false,
    set_items: &[],
};

impl PolicyKindSpec {
    /// Whether such policies assign others. Only policy sets are written with `update`.
    pub fn is_policy_set(&self) -> bool {
        matches!(self.writing, Writing::Update { .. })
    }
}

/// How policies and their assignments are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// The list takes `$expand=assignments`. If it is refused, or brings none, they are read one by
    /// one.
    Expanded,
    /// The list's `$expand` is refused or always empty; `/assignments` is read for each policy.
    PerPolicy,
    /// Only a single object's `$expand` brings them, and with them what else it names.
    ItemExpand(&'static str),
}

/// How assignments are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The whole set at once: `POST …/{id}/assign`.
    Assign {
        /// The body's parameter. A wrong one may mean "none", and clear all.
        parameter: &'static str,
        /// Whether one assignment can be added and removed as well.
        single: SingleRoute,
        /// The segment before `assign` that tenants need where the plain route is missing.
        cast: Option<&'static str>,
        /// Whether writes must not be sent side by side.
        serial: bool,
    },
    /// One by one: `POST …/{id}/assignments` and `DELETE …/{id}/assignments/{assignmentId}`.
    Single,
    /// The whole set as part of another action: `POST …/{id}/update`.
    Update {
        /// The body's parameter.
        parameter: &'static str,
    },
}

impl Writing {
    /// The complete set and nothing else.
    pub(super) const fn assign(parameter: &'static str) -> Self {
        Self::Assign {
            parameter,
            single: SingleRoute::Absent,
            cast: None,
            serial: false,
        }
    }

    /// The complete set, or one by one.
    pub(super) const fn either(parameter: &'static str) -> Self {
        Self::Assign {
            parameter,
            single: SingleRoute::Works,
            cast: None,
            serial: false,
        }
    }

    /// Whether all assignments of a policy can be replaced at once.
    pub fn has_whole_set(self) -> bool {
        self != Self::Single
    }

    /// Whether policies must not be written side by side.
    pub fn is_serial(self) -> bool {
        matches!(self, Self::Assign { serial: true, .. })
    }

    /// Whether only a try shows that one assignment can be created.
    pub fn create_route_is_uncertain(self) -> bool {
        matches!(
            self,
            Self::Assign {
                single: SingleRoute::Documented,
                ..
            }
        )
    }

    /// Returns the call that replaces all assignments. For a kind that has none it is never sent.
    pub fn whole_set_call(self) -> WriteCall {
        match self {
            Self::Assign { .. } | Self::Single => WriteCall::Assign,
            Self::Update { .. } => WriteCall::Update,
        }
    }

    /// Returns the segment before `assign` that tenants need where the plain route is missing.
    pub fn cast(self) -> Option<&'static str> {
        match self {
            Self::Assign { cast, .. } => cast,
            Self::Update { .. } | Self::Single => None,
        }
    }

    /// Returns the body's parameter that holds the whole set.
    pub fn parameter(self) -> Option<&'static str> {
        match self {
            Self::Assign { parameter, .. } | Self::Update { parameter } => Some(parameter),
            Self::Single => None,
        }
    }
}

/// Whether `POST …/{id}/assignments` and `DELETE …/{id}/assignments/{assignmentId}` exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SingleRoute {
    /// They do.
    Works,
    /// They are documented; the first try of a run finds out.
    Documented,
    /// The service says that there is no such route.
    Absent,
}

/// The kind of a target, in the order in which targets are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TargetKind {
    /// Every managed device.
    AllDevices,
    /// Every licensed user (Graph: `allLicensedUsers`).
    AllUsers,
    /// The members of a group.
    Group,
    /// A Configuration Manager collection.
    Collection,
    /// The members of a group are excluded.
    ExclusionGroup,
    /// A target type that this program does not know.
    Other,
}

/// All targets but included groups.
pub(super) const ALL_BUT_GROUPS: &[TargetKind] = &[
    TargetKind::AllUsers,
    TargetKind::AllDevices,
    TargetKind::ExclusionGroup,
    TargetKind::Collection,
];

/// All targets but all users and included groups.
pub(super) const ALL_BUT_USERS_AND_GROUPS: &[TargetKind] = &[
    TargetKind::ExclusionGroup,
    TargetKind::AllDevices,
    TargetKind::Collection,
];

/// Which targets and filters a kind takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TargetRules {
    /// Targets that the service refuses for certain.
    pub refused: &'static [TargetKind],
    /// Targets that it most likely refuses or ignores.
    pub doubtful: &'static [TargetKind],
    /// Which filters it takes.
    pub filters: FilterRule,
    /// Who says so of what is doubtful.
    pub source: &'static str,
    /// Targets that only one policy of the kind can have.
    pub exclusive: &'static [TargetKind],
    /// Whether groups may be excluded together with all devices.
    pub excludes_from_all_devices: bool,
    /// Whether all users are written as a group with a well-known id, which is no directory object.
    pub virtual_all_users: bool,
    /// Rules of some of the policies: the first entry that matches a policy applies.
    pub special: &'static [(RuleScope, TypeRules)],
}

/// Which policies of a kind rules are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleScope {
    /// Those of a type, the `@odata.type` without its prefix.
    Type(&'static str),
    /// Those of a type and of a platform whose name begins like this.
    TypeOn(&'static str, &'static str),
    /// Those of a platform.
    Platform(&'static str),
    /// Those of a variety.
    Variety(Variety),
}

impl RuleScope {
    /// Whether the rules name a type.
    pub fn is_about_type(&self, odata_type: &str) -> bool {
        match self {
            Self::Type(name) | Self::TypeOn(name, _) => *name == odata_type,
            Self::Platform(_) | Self::Variety(_) => false,
        }
    }
}

/// Policies that neither type nor platform distinguishes from others of their kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variety {
    /// A configuration policy for Windows Autopilot device preparation.
    DevicePreparation,
    /// A configuration policy that Configuration Manager takes part in.
    TenantAttach,
    /// A configuration policy for endpoint security on macOS.
    MacEndpointSecurity,
    /// A configuration policy of Apple's declarative management alone. One with other settings lists the same
    /// technologies, so it cannot be told apart.
    Declarative,
    /// A compliance policy with a script.
    CustomCompliance,
}

impl Variety {
    /// Returns what such policies are called.
    pub fn name(self) -> &'static str {
        match self {
            Self::DevicePreparation => "device preparation",
            Self::TenantAttach => "tenant attach",
            Self::MacEndpointSecurity => "endpoint security, macOS",
            Self::Declarative => "Apple declarative management",
            Self::CustomCompliance => "custom compliance",
        }
    }
}

/// What some policies of a kind take that differs from the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeRules {
    /// Targets that it most likely refuses or ignores.
    pub doubtful: &'static [TargetKind],
    /// Which filters it takes.
    pub filters: FilterRule,
    /// The properties that the rules of filters may name; empty if they may name any.
    pub filter_properties: &'static [&'static str],
    /// Who says so of what is doubtful.
    pub source: &'static str,
}

/// Where Microsoft says which filters work.
pub const WORKLOADS: &str =
    "learn.microsoft.com: Platforms, policies, and app types supported by filters";

impl TypeRules {
    /// As [`TargetRules::ALL`].
    pub const ALL: Self = Self {
        doubtful: TargetRules::ALL.doubtful,
        filters: TargetRules::ALL.filters,
        filter_properties: &[],
        source: TargetRules::ALL.source,
    };

    /// All targets, and other filters.
    pub(super) const fn with_filters(filters: FilterRule, source: &'static str) -> Self {
        Self {
            filters,
            source,
            ..Self::ALL
        }
    }
}

impl TargetRules {
    /// All targets and device filters; collections only with tenant attach.
    pub const ALL: Self = Self {
        refused: &[],
        doubtful: &[TargetKind::Collection],
        filters: FilterRule::Devices,
        source: "learn.microsoft.com: Endpoint security policies for tenant attach",
        exclusive: &[],
        excludes_from_all_devices: true,
        virtual_all_users: false,
        special: &[],
    };

    /// All targets and no filters.
    pub(super) const NO_FILTERS: Self = Self {
        filters: FilterRule::Unsupported,
        ..Self::ALL
    };

    /// Returns which targets are doubtful for a policy, and which filters it takes.
    pub fn of(
        &self,
        odata_type: Option<&str>,
        platforms: Option<&str>,
        variety: Option<Variety>,
    ) -> TypeRules {
        let is_of = |name: &str| odata_type.is_some_and(|found| found.eq_ignore_ascii_case(name));
        let is_on = |start: &str| {
            let mut words = platforms.into_iter().flat_map(|all| all.split(','));
            words.any(|word| word.trim().starts_with(start))
        };
        let mut special = self.special.iter();
        let own = special.find(|(which, _)| match which {
            RuleScope::Type(name) => is_of(name),
            RuleScope::TypeOn(name, platform) => is_of(name) && is_on(platform),
            RuleScope::Platform(platform) => is_on(platform),
            RuleScope::Variety(wanted) => variety == Some(*wanted),
        });
        own.map_or(
            TypeRules {
                doubtful: self.doubtful,
                filters: self.filters,
                filter_properties: &[],
                source: self.source,
            },
            |(_, rules)| *rules,
        )
    }
}

/// Which assignment filters a kind takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterRule {
    /// Filters over managed devices.
    Devices,
    /// Filters over managed apps.
    Apps,
    /// None, by Microsoft's list of what filters support; the service may take them all the same.
    Unsupported,
    /// Those over managed devices, if any: sources contradict each other or say nothing.
    Doubtful,
}

/// What an assignment says besides its target, filter and source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AssignmentProperties {
    /// Nothing that a manifest can name.
    None,
    /// `intent`, which is part of its identity, and `settings` by the type of the app.
    App,
    /// `runSchedule` and `runRemediationScript`.
    Remediation,
}

/// Where the platform of a policy is known from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Platform {
    /// A property that names platforms, comma-joined.
    Property(&'static str),
    /// The `@odata.type` of the object.
    FromType,
    /// Always the same; one of these, as filters name them.
    Only(&'static [&'static str]),
    /// It is not known.
    Unknown,
}

/// What ids of a kind's objects look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdForm {
    /// GUIDs.
    Guid,
    /// The service's own text.
    Text,
}

/// How an object that every tenant has, and that takes no assignment, is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantDefault {
    /// There is none.
    None,
    /// Its `priority` is 0, or its id ends like those of defaults.
    Priority,
    /// This property is true.
    Flag(&'static str),
}

/// The permissions that a kind takes, in families.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Permissions {
    /// `DeviceManagementConfiguration`.
    Configuration,
    /// `DeviceManagementScripts`. It replaced `DeviceManagementConfiguration` for scripts in 2025.
    Scripts,
    /// `DeviceManagementApps`.
    Apps,
    /// `DeviceManagementServiceConfig`.
    ServiceConfig,
    /// `DeviceManagementRBAC`.
    Rbac,
}

impl Permissions {
    /// Every family.
    pub const ALL: [Self; 5] = [
        Self::Configuration,
        Self::Scripts,
        Self::Apps,
        Self::ServiceConfig,
        Self::Rbac,
    ];

    /// Returns the least permission that reads.
    pub fn read(self) -> &'static str {
        match self {
            Self::Configuration => "DeviceManagementConfiguration.Read.All",
            Self::Scripts => "DeviceManagementScripts.Read.All",
            Self::Apps => "DeviceManagementApps.Read.All",
            Self::ServiceConfig => "DeviceManagementServiceConfig.Read.All",
            Self::Rbac => "DeviceManagementRBAC.Read.All",
        }
    }

    /// Returns the least permission that writes; it reads as well.
    pub fn write(self) -> &'static str {
        match self {
            Self::Configuration => "DeviceManagementConfiguration.ReadWrite.All",
            Self::Scripts => "DeviceManagementScripts.ReadWrite.All",
            Self::Apps => "DeviceManagementApps.ReadWrite.All",
            Self::ServiceConfig => "DeviceManagementServiceConfig.ReadWrite.All",
            Self::Rbac => "DeviceManagementRBAC.ReadWrite.All",
        }
    }
}

/// Requests that the service counts together
/// (microsoft-graph-docs-contrib: concepts/throttling-limits.md). The kinds that its lists do not
/// name are counted in one pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ThrottleGroup {
    /// Device configurations and compliance policies.
    DeviceConfiguration,
    /// Apps and their configurations.
    Applications,
    /// App protection.
    ManagedApplications,
    /// Enrollment configurations.
    Enrollment,
    /// Terms and conditions.
    CompanyTerms,
    /// Roles and scope tags.
    Rbac,
    /// All others.
    Shared,
}

/// What an approval policy (Multi Admin Approval) can be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Workload {
    /// Apps.
    Apps,
    /// Windows scripts and remediations.
    Scripts,
    /// Compliance policies.
    Compliance,
    /// Configuration policies of the settings catalog.
    Configuration,
}
