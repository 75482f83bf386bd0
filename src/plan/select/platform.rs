//! Whether an assignment filter can fit a policy's platform.

use crate::kinds::{Platform, platform_of_type};
use crate::model::{LiveFilter, LivePolicy};

/// Says why a filter cannot fit a policy; nothing where that is not certain.
pub(super) fn misfit(filter: &LiveFilter, policy: &LivePolicy) -> Option<String> {
    let filter_platform = filter.platform.as_deref()?;
    let made_for = filter_family(filter_platform)?;
    let (families, described) = families_of(policy)?;
    // One platform that is not known may be the one that fits.
    let misfits = families
        .iter()
        .all(|family| family.is_some_and(|family| family != made_for));
    misfits.then(|| {
        format!(
            "the filter `{}` is made for {filter_platform} and cannot fit the platform {described}",
            filter.name
        )
    })
}

/// Returns the known platforms of a policy, and where they come from.
fn families_of(policy: &LivePolicy) -> Option<(Vec<Option<Family>>, String)> {
    match policy.kind.spec().platform {
        Platform::Property(_) => {
            // Of enrollment configurations only restrictions say it.
            let Some(platforms) = policy.platforms.as_deref() else {
                return of_type(policy);
            };
            let families = platforms.split(',').map(|word| policy_family(word.trim()));
            Some((families.collect(), platforms.to_owned()))
        }
        Platform::FromType => of_type(policy),
        Platform::Only(platforms) => Some((
            platforms.iter().map(|word| filter_family(word)).collect(),
            platforms.join(","),
        )),
        Platform::Unknown => None,
    }
}

/// Returns the platform that the type of a policy says.
fn of_type(policy: &LivePolicy) -> Option<(Vec<Option<Family>>, String)> {
    let odata_type = policy.odata_type.as_deref()?;
    let family = platform_of_type(odata_type).and_then(filter_family);
    Some((vec![family], format!("of the type {odata_type}")))
}

/// The first of the words of filters for platforms that are the same for a filter.
type Family = &'static str;

/// Policies use `deviceManagementConfigurationPlatforms`; the portal adds `androidEnterprise` and
/// `aosp` to what the metadata knows. Enrollment restrictions have words of their own.
fn policy_family(platform: &str) -> Option<Family> {
    match platform {
        "windows10" | "windows" => Some("windows10AndLater"),
        "macOS" | "mac" => Some("macOS"),
        "iOS" | "ios" => Some("iOS"),
        "android" | "androidEnterprise" | "aosp" | "androidForWork" => Some("android"),
        _ => None,
    }
}

/// Filters use `devicePlatformType`.
fn filter_family(platform: &str) -> Option<Family> {
    match platform {
        "windows10AndLater" => Some("windows10AndLater"),
        "windows81AndLater" | "windowsPhone81" => Some("windows81AndLater"),
        "macOS" => Some("macOS"),
        "iOS" => Some("iOS"),
        "android" | "androidForWork" | "androidWorkProfile" | "androidAOSP" => Some("android"),
        "windowsMobileApplicationManagement" => Some("windowsMobileApplicationManagement"),
        "iOSMobileApplicationManagement" => Some("iOSMobileApplicationManagement"),
        "androidMobileApplicationManagement" => Some("androidMobileApplicationManagement"),
        _ => None,
    }
}
