//! Enrollment configurations: what each type may be assigned to. The tenant's defaults, which have
//! priority 0, are for everyone and cannot be assigned.

use serde_json::Value;

use crate::collections::Filters;
use crate::reply::Fault;
use crate::target::TargetType::{self, AllDevices, AllLicensedUsers, Group};
use crate::tenant::Policy;

type Rules = (&'static [TargetType], Filters);

/// Returns the targets and filters of an enrollment configuration; `None` for other kinds.
pub(super) fn rules(policy: &Policy) -> Option<Result<Rules, Fault>> {
    if policy.collection.segment() != "deviceEnrollmentConfigurations" {
        return None;
    }
    if is_default(policy) {
        return Some(Err(Fault::invalid(
            "Assignments of a default enrollment configuration cannot be changed",
        )));
    }
    Some(Ok(match policy.odata_type() {
        "windows10EnrollmentCompletionPageConfiguration" => {
            (&[Group, AllDevices, AllLicensedUsers][..], Filters::Devices)
        }
        "deviceEnrollmentPlatformRestrictionConfiguration" => (&[Group], Filters::Devices),
        "deviceEnrollmentNotificationConfiguration" => {
            (&[Group, AllLicensedUsers], Filters::Refused)
        }
        "deviceComanagementAuthorityConfiguration"
        | "windowsRestoreDeviceEnrollmentConfiguration" => (&[Group, AllDevices], Filters::Refused),
        _ => (&[Group], Filters::Refused),
    }))
}

/// Whether an enrollment configuration is the tenant's default.
pub(crate) fn is_default(policy: &Policy) -> bool {
    policy.collection.segment() == "deviceEnrollmentConfigurations"
        && policy.properties.get("priority").and_then(Value::as_u64) == Some(0)
}

/// Whether a default is for devices; the others are for users.
pub(crate) fn is_for_devices(policy: &Policy) -> bool {
    !policy.odata_type().contains("Limit")
}
