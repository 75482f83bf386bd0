//! The platform that the type of an object says, in the words of assignment filters.

/// The words of policies for platforms: `deviceManagementConfigurationPlatforms`, two that the portal adds,
/// and those of enrollment restrictions.
pub const POLICY_PLATFORMS: &[&str] = &[
    "none",
    "android",
    "androidEnterprise",
    "androidForWork",
    "aosp",
    "allPlatforms",
    "iOS",
    "ios",
    "linux",
    "mac",
    "macOS",
    "tvOS",
    "unknownFutureValue",
    "visionOS",
    "windows",
    "windows10",
    "windows10X",
    "windowsPhone",
];

/// The words of filters for platforms: `devicePlatformType`.
pub const FILTER_PLATFORMS: &[&str] = &[
    "android",
    "androidAOSP",
    "androidForWork",
    "androidMobileApplicationManagement",
    "androidWorkProfile",
    "iOS",
    "iOSMobileApplicationManagement",
    "macOS",
    "unknown",
    "unknownFutureValue",
    "windows10AndLater",
    "windows81AndLater",
    "windowsMobileApplicationManagement",
    "windowsPhone81",
];

/// The first prefix that fits a type says its platform.
const TYPE_PREFIXES: &[(&str, &str)] = &[
    ("macos", "macOS"),
    ("ios", "iOS"),
    ("managedios", "iOS"),
    ("android", "android"),
    ("aosp", "android"),
    ("managedandroid", "android"),
    ("windowsphone81", "windowsPhone81"),
    ("windows81", "windows81AndLater"),
    ("windows", "windows10AndLater"),
    ("win32", "windows10AndLater"),
    ("winget", "windows10AndLater"),
    ("microsoftstoreforbusiness", "windows10AndLater"),
    ("officesuiteapp", "windows10AndLater"),
    ("editionupgrade", "windows10AndLater"),
    ("sharedpc", "windows10AndLater"),
];

/// Returns the platform of a type, if it is known. The ways in which Android is managed count as one.
pub fn platform_of_type(odata_type: &str) -> Option<&'static str> {
    let lower = odata_type.to_ascii_lowercase();
    let mut prefixes = TYPE_PREFIXES.iter();
    prefixes
        .find(|(prefix, _)| lower.starts_with(prefix))
        .map(|(_, platform)| *platform)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_say_their_platform() {
        for (odata_type, platform) in [
            ("macOSSoftwareUpdateConfiguration", Some("macOS")),
            ("macOsVppApp", Some("macOS")),
            ("iosiPadOSWebClip", Some("iOS")),
            ("managedIOSStoreApp", Some("iOS")),
            ("aospDeviceOwnerCompliancePolicy", Some("android")),
            ("windowsPhone81CompliancePolicy", Some("windowsPhone81")),
            ("windows10CompliancePolicy", Some("windows10AndLater")),
            ("winGetApp", Some("windows10AndLater")),
            ("webApp", None),
            ("novelApp", None),
        ] {
            assert_eq!(platform_of_type(odata_type), platform, "{odata_type}");
        }
    }
}
