//! Whether an assignment filter can fit a policy's platform.

use crate::model::{LiveFilter, LivePolicy};

/// Says why a filter cannot fit a policy; nothing where that is not certain.
pub(super) fn misfit(filter: &LiveFilter, policy: &LivePolicy) -> Option<String> {
    let filter_platform = filter.platform.as_deref()?;
    let policy_platforms = policy.platforms.as_deref()?;
    let made_for = filter_family(filter_platform)?;
    let mut families = policy_platforms
        .split(',')
        .map(|platform| policy_family(platform.trim()));
    // One platform that is not known may be the one that fits.
    let misfits = families.all(|family| family.is_some_and(|family| family != made_for));
    misfits.then(|| {
        format!(
            "the filter `{}` is made for {filter_platform} and cannot fit the platform {policy_platforms}",
            filter.name
        )
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum PlatformFamily {
    Windows,
    MacOs,
    Ios,
    Android,
}

/// Policies use `deviceManagementConfigurationPlatforms`; the portal adds `androidEnterprise` and
/// `aosp` to what the metadata knows.
fn policy_family(platform: &str) -> Option<PlatformFamily> {
    match platform {
        "windows10" => Some(PlatformFamily::Windows),
        "macOS" => Some(PlatformFamily::MacOs),
        "iOS" => Some(PlatformFamily::Ios),
        "android" | "androidEnterprise" | "aosp" => Some(PlatformFamily::Android),
        _ => None,
    }
}

/// Filters use `devicePlatformType`.
fn filter_family(platform: &str) -> Option<PlatformFamily> {
    match platform {
        "windows10AndLater" => Some(PlatformFamily::Windows),
        "macOS" => Some(PlatformFamily::MacOs),
        "iOS" => Some(PlatformFamily::Ios),
        "android" | "androidForWork" | "androidWorkProfile" | "androidAOSP" => {
            Some(PlatformFamily::Android)
        }
        _ => None,
    }
}
