//! The sample tenant: an endpoint team's usual mess, made from tables.
//!
//! Ids are made from names, so the sample is the same on every machine and every day. The
//! manifests in `examples/manifests` are written for it.

use serde_json::{Value, json};

use super::encoding::guid_from;
use super::kinds::Collection::{self, CompliancePolicies, ConfigurationPolicies};
use super::target;
use super::tenant::{Policy, Tenant};

/// The groups. `SG-Contractors` stands there twice, as in so many tenants.
const GROUPS: [&str; 60] = [
    "SG-Win-Ring-0-IT",
    "SG-Win-Ring-1-Pilot",
    "SG-Win-Ring-2-Early",
    "SG-Win-Ring-3-Broad",
    "SG-Win-Exempt",
    "SG-Mac-Ring-1-Pilot",
    "SG-Mac-Ring-2-Broad",
    "SG-Mac-Exempt",
    "SG-Mobile-Pilot",
    "SG-Mobile-Broad",
    "SG-Mobile-Executives",
    "SG-Linux-Developers",
    "SG-Linux-Servers",
    "SG-Autopilot-All",
    "SG-Breakglass",
    "SG-Cloud-PCs",
    "SG-Contractors",
    "SG-Contractors",
    "SG-Kiosk-Lobby",
    "SG-Kiosk-Shopfloor",
    "SG-Legacy-Line",
    "SG-Loaner-Pool",
    "SG-Meeting-Rooms",
    "SG-Pilot 🚀",
    "SG-Privileged-Workstations",
    "SG-Shared-Devices",
    "SG-Test-Devices",
    "SG-\"Skunkworks\" Lab",
    "SG-O'Brien Assistants",
    "SG-Dept-Engineering",
    "SG-Dept-Executives",
    "SG-Dept-Finance",
    "SG-Dept-HR",
    "SG-Dept-Legal",
    "SG-Dept-Logistics",
    "SG-Dept-Marketing",
    "SG-Dept-Purchasing",
    "SG-Dept-Sales",
    "SG-Dept-Support",
    "SG-Site-Berlin",
    "SG-Site-Kraków",
    "SG-Site-Lyon",
    "SG-Site-Malmö",
    "SG-Site-München",
    "SG-Site-Osaka",
    "SG-Site-São Paulo",
    "SG-Site-Toronto",
    "SG-Site-Wien",
    "SG-Site-Zürich",
    "SG-Exclude-BitLocker",
    "SG-Exclude-Defender",
    "SG-Exclude-Firewall",
    "SG-Exclude-Updates",
    "SG-App-AutoCAD",
    "SG-App-Datenträger-Tools",
    "SG-App-SAP",
    "SG-App-Visual-Studio",
    "SG-Licence-E3",
    "SG-Licence-E5",
    "SG-Licence-F3",
];

/// The filters: name, platform, rule.
const FILTERS: [(&str, &str, &str); 8] = [
    (
        "Corporate Windows 10",
        "windows10AndLater",
        "(device.deviceOwnership -eq \"Corporate\") and (device.osVersion -startsWith \"10.0.19\")",
    ),
    (
        "Corporate Windows 11",
        "windows10AndLater",
        "(device.deviceOwnership -eq \"Corporate\") and (device.osVersion -startsWith \"10.0.2\")",
    ),
    (
        "Cloud PCs",
        "windows10AndLater",
        "(device.model -startsWith \"Cloud PC\")",
    ),
    (
        "Windows kiosks",
        "windows10AndLater",
        "(device.enrollmentProfileName -startsWith \"Kiosk\")",
    ),
    (
        "Corporate Macs",
        "macOS",
        "(device.deviceOwnership -eq \"Corporate\")",
    ),
    (
        "Supervised iPhones and iPads",
        "iOS",
        "(device.isSupervised -eq True)",
    ),
    (
        "Android fully managed",
        "androidForWork",
        "(device.deviceOwnership -eq \"Corporate\")",
    ),
    (
        "Android work profile – personal",
        "androidWorkProfile",
        "(device.deviceOwnership -eq \"Personal\")",
    ),
];

/// Policies that are alike.
struct Family {
    collection: Collection,
    platform: &'static str,
    template: &'static str,
    /// What their names begin with.
    prefix: &'static str,
    /// How their names go on.
    names: &'static [&'static str],
    /// Their assignments, divided by `; `: a group, `!group` for an exclusion, `@group` for a row
    /// of the policy set, `#collection`, `allDevices` or `allUsers`; with `|filter` or `|-filter`.
    assignments: &'static str,
}

const PILOT: &str = "SG-Win-Ring-0-IT; SG-Win-Ring-1-Pilot; !SG-Win-Exempt";
const BROAD: &str = "SG-Win-Ring-0-IT; SG-Win-Ring-1-Pilot; SG-Win-Ring-2-Early; \
                     SG-Win-Ring-3-Broad; !SG-Win-Exempt";

/// Shortens the tables below.
const fn family(
    collection: Collection,
    platform: &'static str,
    template: &'static str,
    prefix: &'static str,
    assignments: &'static str,
    names: &'static [&'static str],
) -> Family {
    Family {
        collection,
        platform,
        template,
        prefix,
        names,
        assignments,
    }
}

const FAMILIES: &[Family] = &[
    family(
        ConfigurationPolicies,
        "windows10",
        "baseline",
        "Win - Security - ",
        PILOT,
        &[
            "Account lockout",
            "Attack surface reduction",
            "BitLocker",
            "Credential Guard",
            "Defender Antivirus",
            "Device Guard",
            "Exploit protection",
            "Firewall",
            "Local admin password",
            "Network protection",
            "SmartScreen",
            "Windows Hello",
        ],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Security - Legacy ",
        "SG-Legacy-Line",
        &["SMB signing"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Device - ",
        BROAD,
        &[
            "Bluetooth",
            "Camera",
            "Delivery optimisation",
            "Event log sizes",
            "Location",
            "Lock screen",
            "OneDrive known folders",
            "Power",
            "Regional settings (Österreich)",
            "Remote assistance",
            "Sleep",
            "Storage Sense",
            "Time zone",
            "USB storage",
        ],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Browser - ",
        "allDevices|Corporate Windows 10; !SG-Kiosk-Shopfloor",
        &[
            "Edge extensions",
            "Edge home page",
            "Edge passwords",
            "Edge proxy",
            "Edge sync",
            "Internet Explorer mode",
        ],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Office - ",
        "SG-Win-Ring-1-Pilot; SG-Dept-Finance|Corporate Windows 11",
        &[
            "Add-ins",
            "Autosave",
            "Macros",
            "O'Reilly templates",
            "Privacy",
            "Telemetry",
            "Trusted locations",
            "Update channel",
        ],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Kiosk - ",
        "SG-Kiosk-Lobby; SG-Test-Devices",
        &["Assigned access", "Autologon", "Shell", "Touch keyboard"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Updates - ",
        "SG-Win-Ring-0-IT",
        &["Ring 0"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Updates - ",
        "SG-Win-Ring-1-Pilot",
        &["Ring 1"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Updates - ",
        "SG-Win-Ring-2-Early",
        &["Ring 2"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Updates - ",
        "SG-Win-Ring-3-Broad; !SG-Exclude-Updates",
        &["Ring 3"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Wi-Fi - ",
        "SG-Shared-Devices; SG-Loaner-Pool",
        &["Berlin", "Kraków", "Malmö", "München", "Zürich"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - App - ",
        "allUsers|-Cloud PCs; !SG-Privileged-Workstations",
        &[
            "\"Büro\" Vorlagen",
            "7-Zip",
            "AutoCAD",
            "Company Portal",
            "Notepad",
            "PowerToys",
            "SAP Logon",
            "Teams",
            "Terminal",
            "Visual Studio",
            "Whiteboard 🎨",
            "Zscaler",
        ],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Starter kit - ",
        "SG-Win-Ring-1-Pilot; @SG-Autopilot-All",
        &["Desktop", "Start menu", "Welcome 👋"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Co-management - ",
        "#MEM00012",
        &["Client settings", "Workloads"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Contractors - ",
        "",
        &["Lockdown"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "Win - Printers",
        "SG-Site-Berlin",
        // Somebody copied it for another site and kept the name.
        &["", ""],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "endpointSecurityEndpointPrivilegeManagement",
        "Win - Elevation - ",
        "",
        &["Developers", "Drivers", "Field service", "Printers"],
    ),
    family(
        ConfigurationPolicies,
        "windows10",
        "none",
        "PAW - ",
        "SG-Privileged-Workstations; !SG-Breakglass",
        &["AppLocker", "Logon rights", "Outbound firewall"],
    ),
    family(
        ConfigurationPolicies,
        "macOS",
        "none",
        "macOS - Security - ",
        "SG-Mac-Ring-1-Pilot",
        &[
            "FileVault",
            "Firewall",
            "Gatekeeper",
            "Login window",
            "Privacy preferences",
            "Screen lock",
            "System extensions",
        ],
    ),
    family(
        ConfigurationPolicies,
        "macOS",
        "none",
        "macOS - Device - ",
        "SG-Mac-Ring-1-Pilot; SG-Mac-Ring-2-Broad; !SG-Mac-Exempt",
        &[
            "AirDrop",
            "Dock",
            "Energy",
            "iCloud",
            "Notifications",
            "Platform SSO",
            "Software update",
            "Time server",
        ],
    ),
    family(
        ConfigurationPolicies,
        "macOS",
        "none",
        "macOS - App - ",
        "allUsers|Corporate Macs",
        &["Defender", "Edge", "Office", "Rosetta", "Schlüsselbund"],
    ),
    family(
        ConfigurationPolicies,
        "iOS",
        "none",
        "iOS - Restrictions - ",
        "allDevices|Supervised iPhones and iPads; !SG-Mobile-Executives",
        &["AirPrint", "App Store", "Camera", "iCloud backup", "Siri"],
    ),
    family(
        ConfigurationPolicies,
        "iOS",
        "none",
        "iOS - ",
        "SG-Mobile-Pilot",
        &[
            "Home screen",
            "Lock screen note",
            "Mail",
            "Podcasts 🎧",
            "Wi-Fi",
        ],
    ),
    family(
        ConfigurationPolicies,
        "android",
        "none",
        "Android - Work profile - ",
        "SG-Mobile-Pilot",
        &["Contacts", "Copy and paste", "Passcode", "Sharing", "VPN"],
    ),
    family(
        ConfigurationPolicies,
        "android",
        "none",
        "Android - Fully managed - ",
        "SG-Mobile-Broad|Android fully managed",
        &["Launcher", "Locate", "Passcode", "Play Store", "Updates"],
    ),
    family(
        ConfigurationPolicies,
        "linux",
        "endpointSecurityAntivirus",
        "Linux - ",
        "SG-Linux-Developers",
        &["Defender", "Defender exclusions", "Defender on servers"],
    ),
    family(
        CompliancePolicies,
        "windows10",
        "",
        "Win - Compliance - ",
        "SG-Win-Ring-0-IT; SG-Win-Ring-1-Pilot; SG-Win-Ring-2-Early; !SG-Win-Exempt",
        &["Antivirus", "Encryption", "Firewall", "Secure Boot", "TPM"],
    ),
    family(
        CompliancePolicies,
        "windows10",
        "",
        "Win - Compliance - ",
        "SG-Win-Ring-0-IT; SG-Win-Ring-1-Pilot; SG-Win-Ring-2-Early; SG-Test-Devices; \
         !SG-Win-Exempt",
        &["OS build", "Password", "Threat level"],
    ),
    family(
        CompliancePolicies,
        "macOS",
        "",
        "macOS - Compliance - ",
        "allUsers|Corporate Macs",
        &["Encryption", "Integrity", "OS version", "Password"],
    ),
    family(
        CompliancePolicies,
        "iOS",
        "",
        "iOS - Compliance - ",
        "SG-Mobile-Pilot; SG-Mobile-Broad; @SG-Mobile-Executives",
        &["Jailbreak", "OS version", "Passcode", "Threat level"],
    ),
    family(
        CompliancePolicies,
        "android",
        "",
        "Android - Compliance - ",
        "SG-Mobile-Pilot; SG-Mobile-Broad|-Android work profile – personal",
        &["OS version", "Passcode", "Play Integrity", "Root"],
    ),
    family(
        CompliancePolicies,
        "linux",
        "",
        "Linux - Compliance - ",
        "SG-Linux-Developers",
        &[
            "Allowed distributions",
            "Custom checks",
            "Encryption",
            "Kernel",
            "Password",
            "Servers – Größe der Partition",
        ],
    ),
];

impl Tenant {
    /// Makes the sample tenant: 150 policies, 60 groups, 8 filters.
    pub fn sample() -> Self {
        let mut tenant = Self::empty();
        tenant.tenant_id = guid_from("sample tenant");
        for name in GROUPS {
            tenant.add_group(name);
        }
        for (name, platform, rule) in FILTERS {
            tenant.add_filter(name, platform, rule);
        }
        for family in FAMILIES {
            for name in family.names {
                let name = format!("{}{name}", family.prefix);
                let id = tenant.add_policy(family.collection, &name, family.platform);
                let rows: Vec<(char, Value)> = family
                    .assignments
                    .split("; ")
                    .filter(|text| !text.is_empty())
                    .map(|text| tenant.row(text))
                    .collect();
                if let Some(policy) = tenant.policy_mut(family.collection, &id) {
                    fill(policy, family, rows);
                }
            }
        }
        tenant
    }

    /// Reads one row of the tables; gives its sign and its target.
    fn row(&self, text: &str) -> (char, Value) {
        let (whom, filter) = match text.split_once('|') {
            Some((whom, filter)) => (whom, Some(filter)),
            None => (text, None),
        };
        let sign = whom.chars().next().unwrap_or(' ');
        let name = whom.trim_start_matches(['!', '@', '#']);
        let group = || {
            let found = self.groups.iter().find(|group| group.display_name == name);
            found.map_or_else(String::new, |group| group.id.clone())
        };
        let target = match sign {
            '!' => target::exclusion_group(&group()),
            '#' => target::collection(name),
            _ if whom == "allDevices" => target::all_devices(),
            _ if whom == "allUsers" => target::all_users(),
            _ => target::group(&group()),
        };
        let Some(filter) = filter else {
            return (sign, target);
        };
        let (mode, name) = match filter.strip_prefix('-') {
            Some(name) => ("exclude", name),
            None => ("include", filter),
        };
        let all = &self.assignment_filters;
        let found = all.iter().find(|filter| filter.display_name == name);
        let id = found.map_or("", |filter| filter.id.as_str());
        (sign, target::filtered(target, id, mode))
    }
}

fn fill(policy: &mut Policy, family: &Family, rows: Vec<(char, Value)>) {
    if !family.template.is_empty() && family.template != "none" {
        policy.properties.insert(
            "templateReference".to_owned(),
            json!({
                "templateId": format!("{}_1", guid_from(family.template)),
                "templateFamily": family.template,
                "templateDisplayName": null,
                "templateDisplayVersion": "Version 1",
            }),
        );
    }
    let set = guid_from("policy set");
    for (sign, target) in rows {
        if sign == '@' {
            policy.assign_from_set(&set, target);
        } else {
            policy.assign(target);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    #[test]
    fn the_sample_is_as_big_as_it_says() {
        let tenant = Tenant::sample();
        let policies = tenant.configuration_policies.len() + tenant.compliance_policies.len();
        assert_eq!(policies, 150);
        assert_eq!(tenant.groups.len(), 60);
        assert_eq!(tenant.assignment_filters.len(), 8);
        let rows = tenant
            .configuration_policies
            .iter()
            .chain(&tenant.compliance_policies)
            .flat_map(|policy| &policy.assignments);
        assert_eq!(rows.filter(|row| row.source == "policySets").count(), 7);
    }

    #[test]
    fn one_name_of_each_kind_is_there_twice() {
        let tenant = Tenant::sample();
        let twice = |names: Vec<&str>| {
            let mut counts = BTreeMap::new();
            for name in names {
                *counts.entry(name.to_lowercase()).or_insert(0) += 1;
            }
            counts.retain(|_, count| *count != 1);
            counts
        };
        let names = |policies: &'static str| (policies.to_owned(), 2);
        let catalog = tenant.configuration_policies.iter();
        let catalog = twice(catalog.map(|policy| policy.name.as_str()).collect());
        assert_eq!(catalog, BTreeMap::from([names("win - printers")]));
        let compliance = tenant.compliance_policies.iter();
        let compliance = twice(compliance.map(|policy| policy.name.as_str()).collect());
        assert_eq!(compliance, BTreeMap::new());
        let groups = tenant.groups.iter();
        let groups = twice(groups.map(|group| group.display_name.as_str()).collect());
        assert_eq!(groups, BTreeMap::from([names("sg-contractors")]));
    }

    #[test]
    fn the_service_takes_its_own_sample() {
        let tenant = Tenant::sample();
        assert_eq!(
            Tenant::from_json(&tenant.to_json()).expect("its own text"),
            tenant
        );
        for collection in Collection::ALL {
            for policy in tenant.policies(collection) {
                for row in &policy.assignments {
                    let read =
                        super::super::validate::assignment(&tenant, &policy.id, row.to_value());
                    assert_eq!(read.as_ref(), Ok(row), "{}", policy.name);
                }
                assert_eq!(super::super::validate::unique(&policy.assignments), Ok(()));
                if let Some(group) = policy
                    .assignments
                    .iter()
                    .find_map(|row| row.target.get("groupId"))
                {
                    assert!(tenant.group(group.as_str().unwrap_or_default()).is_some());
                }
            }
        }
    }
}
