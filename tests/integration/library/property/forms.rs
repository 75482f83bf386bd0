//! The kinds that cases are made of, some for each way of writing, and what their assignments may be.
//! What it says of them is what the service's documentation and other tools say.

use assignctl_sandbox::Collection;
use serde_json::{Map, Value, json};

use super::build::Whom;

/// A kind, as far as cases need to know it.
#[derive(Debug)]
pub(crate) struct Form {
    pub(crate) kind: &'static str,
    segment: &'static str,
    /// The platform or the type of its objects.
    pub(crate) of_what: &'static str,
    devices: bool,
    users: bool,
    exclusions: bool,
    /// Collections, and target types that the program does not know.
    others: bool,
    /// Whether its assignments may have filters over devices.
    pub(crate) filters: bool,
    /// Whether policy sets assign it.
    pub(crate) sets: bool,
    /// Whether an assignment that changes is deleted and created.
    pub(crate) single: bool,
    /// Whether all users are a group of a well-known id.
    pub(crate) virtual_users: bool,
    /// Whether ids may be written in capital letters.
    pub(crate) guids: bool,
}

const PLAIN: Form = Form {
    kind: "",
    segment: "",
    of_what: "windows10",
    devices: true,
    users: true,
    exclusions: true,
    others: false,
    filters: true,
    sets: true,
    single: false,
    virtual_users: false,
    guids: true,
};

/// The first two are those of the settings catalog.
pub(crate) const FORMS: [Form; 9] = [
    Form {
        kind: "configurationPolicy",
        segment: "configurationPolicies",
        others: true,
        ..PLAIN
    },
    Form {
        kind: "compliancePolicy",
        segment: "compliancePolicies",
        others: true,
        ..PLAIN
    },
    // Either way.
    Form {
        kind: "deviceConfiguration",
        segment: "deviceConfigurations",
        of_what: "windows10GeneralConfiguration",
        ..PLAIN
    },
    Form {
        kind: "mobileApp",
        segment: "mobileApps",
        of_what: "officeSuiteApp",
        ..PLAIN
    },
    // One by one.
    Form {
        kind: "appleUserInitiatedEnrollmentProfile",
        segment: "appleUserInitiatedEnrollmentProfiles",
        devices: false,
        sets: false,
        single: true,
        guids: false,
        ..PLAIN
    },
    Form {
        kind: "termsAndConditions",
        segment: "termsAndConditions",
        devices: false,
        exclusions: false,
        filters: false,
        sets: false,
        single: true,
        ..PLAIN
    },
    // By `update`.
    Form {
        kind: "policySet",
        segment: "policySets",
        devices: false,
        users: false,
        filters: false,
        sets: false,
        ..PLAIN
    },
    // One policy after the other.
    Form {
        kind: "deviceEnrollmentConfiguration",
        segment: "deviceEnrollmentConfigurations",
        of_what: "windows10EnrollmentCompletionPageConfiguration",
        exclusions: false,
        guids: false,
        ..PLAIN
    },
    // Read late.
    Form {
        kind: "iosManagedAppProtection",
        segment: "iosManagedAppProtections",
        devices: false,
        filters: false,
        virtual_users: true,
        guids: false,
        ..PLAIN
    },
];

impl Form {
    pub(crate) fn of(collection: Collection) -> &'static Self {
        let mut all = FORMS.iter();
        all.find(|form| form.segment == collection.segment())
            .expect("a kind that cases are made of")
    }

    pub(crate) fn collection(&self) -> Collection {
        Collection::named(self.segment).expect("a collection")
    }

    pub(crate) fn takes(&self, whom: &Whom) -> bool {
        match whom {
            Whom::Devices => self.devices,
            Whom::Users => self.users,
            Whom::Group(_) => true,
            Whom::Exclusion(_) => self.exclusions,
            Whom::Collection(_) | Whom::Fota(_) | Whom::ScopeTag(_) => self.others,
        }
    }

    /// What the service says of a new assignment beside its target.
    pub(crate) fn fresh(&self) -> Map<String, Value> {
        let fresh = match self.kind {
            "deviceConfiguration" => json!({"intent": "apply"}),
            "mobileApp" => json!({"intent": "required", "settings": null}),
            _ => json!({}),
        };
        serde_json::from_value(fresh).expect("an object")
    }
}
