//! Whether an assignment filter can fit a policy's platform.

use crate::kinds::Platform;
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

/// Returns the platforms of a policy, as far as they are known, and what says them.
fn families_of(policy: &LivePolicy) -> Option<(Vec<Option<Family>>, String)> {
    match policy.kind.spec().platform {
        Platform::Property(_) => {
            let platforms = policy.platforms.as_deref()?;
            let families = platforms.split(',').map(|word| policy_family(word.trim()));
            Some((families.collect(), platforms.to_owned()))
        }
        Platform::FromType => {
            let odata_type = policy.odata_type.as_deref()?;
            Some((
                vec![type_family(odata_type)],
                format!("of the type {odata_type}"),
            ))
        }
        Platform::Only(platforms) => Some((
            platforms.iter().map(|word| filter_family(word)).collect(),
            platforms.join(","),
        )),
        Platform::Unknown => None,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    Windows,
    OldWindows,
    MacOs,
    Ios,
    Android,
    WindowsApps,
    IosApps,
    AndroidApps,
}

/// Policies use `deviceManagementConfigurationPlatforms`; the portal adds `androidEnterprise` and
/// `aosp` to what the metadata knows. Enrollment restrictions have words of their own.
fn policy_family(platform: &str) -> Option<Family> {
    match platform {
        "windows10" | "windows" => Some(Family::Windows),
        "macOS" | "mac" => Some(Family::MacOs),
        "iOS" | "ios" => Some(Family::Ios),
        "android" | "androidEnterprise" | "aosp" | "androidForWork" => Some(Family::Android),
        _ => None,
    }
}

/// The first prefix that fits a type says its platform.
const TYPE_PREFIXES: &[(&str, Family)] = &[
    ("macos", Family::MacOs),
    ("ios", Family::Ios),
    ("managedios", Family::Ios),
    ("android", Family::Android),
    ("aosp", Family::Android),
    ("managedandroid", Family::Android),
    ("windowsphone81", Family::OldWindows),
    ("windows81", Family::OldWindows),
    ("windows", Family::Windows),
    ("win32", Family::Windows),
    ("winget", Family::Windows),
    ("microsoftstoreforbusiness", Family::Windows),
    ("officesuiteapp", Family::Windows),
    ("editionupgrade", Family::Windows),
    ("sharedpc", Family::Windows),
];

fn type_family(odata_type: &str) -> Option<Family> {
    let lower = odata_type.to_ascii_lowercase();
    let mut prefixes = TYPE_PREFIXES.iter();
    prefixes
        .find(|(prefix, _)| lower.starts_with(prefix))
        .map(|(_, family)| *family)
}

/// Filters use `devicePlatformType`.
fn filter_family(platform: &str) -> Option<Family> {
    match platform {
        "windows10AndLater" => Some(Family::Windows),
        "windows81AndLater" | "windowsPhone81" => Some(Family::OldWindows),
        "macOS" => Some(Family::MacOs),
        "iOS" => Some(Family::Ios),
        "android" | "androidForWork" | "androidWorkProfile" | "androidAOSP" => {
            Some(Family::Android)
        }
        "windowsMobileApplicationManagement" => Some(Family::WindowsApps),
        "iOSMobileApplicationManagement" => Some(Family::IosApps),
        "androidMobileApplicationManagement" => Some(Family::AndroidApps),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_say_their_platform() {
        for (odata_type, family) in [
            ("macOSSoftwareUpdateConfiguration", Some(Family::MacOs)),
            ("macOsVppApp", Some(Family::MacOs)),
            ("iosiPadOSWebClip", Some(Family::Ios)),
            ("managedIOSStoreApp", Some(Family::Ios)),
            ("aospDeviceOwnerCompliancePolicy", Some(Family::Android)),
            ("windowsPhone81CompliancePolicy", Some(Family::OldWindows)),
            ("windows10CompliancePolicy", Some(Family::Windows)),
            ("winGetApp", Some(Family::Windows)),
            ("webApp", None),
            ("novelApp", None),
        ] {
            assert_eq!(type_family(odata_type), family, "{odata_type}");
        }
    }
}
