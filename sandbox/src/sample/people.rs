//! The sample tenant's users and devices, and the groups that hold them.

/// Devices that are alike.
pub(super) struct Fleet {
    /// What their names begin with; a number follows.
    pub(super) prefix: &'static str,
    pub(super) number: usize,
    /// What the directory says of each, as the members of a JSON object.
    pub(super) says: &'static str,
}

const fn fleet(prefix: &'static str, number: usize, says: &'static str) -> Fleet {
    Fleet {
        prefix,
        number,
        says,
    }
}

pub(super) const FLEETS: [Fleet; 10] = [
    fleet(
        "LT-",
        150,
        r#""operatingSystem": "Windows", "operatingSystemVersion": "10.0.22631.4317", "deviceOwnership": "Corporate", "manufacturer": "Dell Inc.", "model": "Latitude 5440""#,
    ),
    fleet(
        "NB-",
        24,
        r#""operatingSystem": "Windows", "operatingSystemVersion": "10.0.19045.5011", "deviceOwnership": "Corporate", "manufacturer": "LENOVO", "model": "ThinkPad T480""#,
    ),
    fleet(
        "KIOSK-",
        8,
        r#""operatingSystem": "Windows", "operatingSystemVersion": "10.0.22631.4317", "deviceOwnership": "Corporate", "model": "OptiPlex 3000", "enrollmentProfileName": "Kiosk self-deploying""#,
    ),
    fleet(
        "CPC-",
        16,
        r#""operatingSystem": "Windows", "operatingSystemVersion": "10.0.26100.2033", "deviceOwnership": "Corporate", "model": "Cloud PC Enterprise 4vCPU/16GB/256GB""#,
    ),
    fleet(
        "ROOM-",
        6,
        r#""operatingSystem": "Windows", "operatingSystemVersion": "10.0.22631.4317", "deviceOwnership": "Corporate", "model": "Surface Hub 3""#,
    ),
    fleet(
        "MAC-",
        28,
        r#""operatingSystem": "MacMDM", "operatingSystemVersion": "15.1", "deviceOwnership": "Corporate", "manufacturer": "Apple", "model": "MacBook Pro""#,
    ),
    fleet(
        "IPHONE-",
        34,
        r#""operatingSystem": "IPhone", "operatingSystemVersion": "18.1", "deviceOwnership": "Corporate", "manufacturer": "Apple", "model": "iPhone 14", "isSupervised": true"#,
    ),
    fleet(
        "PHONE-",
        18,
        r#""operatingSystem": "AndroidForWork", "operatingSystemVersion": "14", "deviceOwnership": "Personal", "model": "Pixel 8""#,
    ),
    fleet(
        "SCANNER-",
        10,
        r#""operatingSystem": "AndroidEnterprise", "operatingSystemVersion": "13", "deviceOwnership": "Corporate", "manufacturer": "Zebra", "model": "TC52""#,
    ),
    fleet(
        "LNX-",
        6,
        r#""operatingSystem": "Linux", "operatingSystemVersion": "24.04", "deviceOwnership": "Corporate""#,
    ),
];

/// Devices with names of their own, the groups that they are in, and what the directory says of each.
/// `DESKTOP-7` stands there twice.
pub(super) const DEVICES: [(&str, &[&str]); 5] = [
    ("WIN-PILOT-01", &["SG-Win-Ring-1-Pilot", "SG-Autopilot-All"]),
    ("WIN-LOBBY-01", &["SG-Kiosk-Lobby"]),
    ("MAC-PILOT-01", &["SG-Mac-Ring-1-Pilot"]),
    ("DESKTOP-7", &["SG-Win-Ring-3-Broad"]),
    ("DESKTOP-7", &["SG-Legacy-Line"]),
];

/// Users with names of their own, and the groups that they are in.
pub(super) const USERS: [(&str, &[&str]); 4] = [
    (
        "ada.nowak@contoso.example",
        &["SG-Dept-Engineering", "SG-Linux-Developers"],
    ),
    (
        "erik.lind@contoso.example",
        &["SG-Dept-Executives", "SG-Mobile-Executives"],
    ),
    ("olga.o'brien@contoso.example", &["SG-O'Brien Assistants"]),
    ("glass@contoso.example", &["SG-Breakglass"]),
];

/// How many other users there are: `u001@contoso.example` and so on.
pub(super) const MORE_USERS: usize = 180;

/// Groups with the members that they have by themselves: of a fleet, or of the other users (`u`), from one
/// number up to another. Those of a name that stands twice are the second's, which HR maintains.
pub(super) const PLACED: &[(&str, &str, usize, usize)] = &[
    ("SG-Win-Ring-0-IT", "LT-", 1, 6),
    ("SG-Win-Ring-1-Pilot", "LT-", 7, 24),
    ("SG-Win-Ring-2-Early", "LT-", 25, 60),
    ("SG-Win-Ring-3-Broad", "LT-", 61, 150),
    ("SG-Win-Ring-3-Broad", "NB-", 1, 20),
    ("SG-Win-Ring-3-Broad", "CPC-", 1, 16),
    ("SG-Win-Exempt", "LT-", 23, 24),
    ("SG-Win-Exempt", "LT-", 149, 150),
    ("SG-Autopilot-All", "LT-", 1, 150),
    ("SG-Cloud-PCs", "CPC-", 1, 16),
    ("SG-Loaner-Pool", "NB-", 21, 24),
    ("SG-Kiosk-Lobby", "KIOSK-", 1, 3),
    ("SG-Kiosk-Shopfloor", "KIOSK-", 4, 8),
    ("SG-Meeting-Rooms", "ROOM-", 1, 6),
    ("SG-Shared-Devices", "ROOM-", 1, 6),
    ("SG-Test-Devices", "LT-", 1, 3),
    ("SG-Privileged-Workstations", "LT-", 4, 6),
    ("SG-Exclude-BitLocker", "LT-", 41, 44),
    ("SG-Exclude-Updates", "LT-", 57, 62),
    ("SG-Exclude-Defender", "LT-", 41, 42),
    ("SG-Exclude-Firewall", "LT-", 43, 44),
    ("SG-Mac-Ring-1-Pilot", "MAC-", 1, 5),
    ("SG-Mac-Ring-2-Broad", "MAC-", 6, 28),
    ("SG-Mac-Exempt", "MAC-", 27, 28),
    ("SG-Mobile-Pilot", "u", 1, 12),
    // The scanners of the shop floor were put beside the people.
    ("SG-Mobile-Broad", "u", 13, 96),
    ("SG-Mobile-Broad", "SCANNER-", 1, 10),
    ("SG-Mobile-Executives", "u", 175, 180),
    ("SG-Linux-Developers", "u", 20, 26),
    ("SG-Linux-Servers", "LNX-", 1, 6),
    ("SG-\"Skunkworks\" Lab", "LT-", 45, 47),
    ("SG-Contractors", "u", 161, 174),
    ("SG-Pilot 🚀", "u", 1, 9),
    ("SG-Dept-Engineering", "u", 1, 48),
    ("SG-Dept-Finance", "u", 49, 66),
    ("SG-Dept-HR", "u", 67, 74),
    ("SG-Dept-Legal", "u", 75, 79),
    ("SG-Dept-Logistics", "u", 80, 104),
    ("SG-Dept-Marketing", "u", 105, 117),
    ("SG-Dept-Purchasing", "u", 118, 124),
    ("SG-Dept-Sales", "u", 125, 148),
    ("SG-Dept-Support", "u", 149, 160),
    ("SG-Dept-Executives", "u", 175, 180),
    ("SG-Site-Berlin", "u", 1, 32),
    ("SG-Site-Kraków", "u", 33, 58),
    ("SG-Site-Lyon", "u", 59, 70),
    ("SG-Site-Malmö", "u", 71, 88),
    ("SG-Site-München", "u", 89, 112),
    ("SG-Site-Osaka", "u", 113, 120),
    ("SG-Site-São Paulo", "u", 121, 130),
    ("SG-Site-Toronto", "u", 131, 138),
    ("SG-Site-Wien", "u", 139, 150),
    ("SG-Site-Zürich", "u", 151, 180),
    ("SG-App-AutoCAD", "u", 5, 14),
    ("SG-App-SAP", "u", 49, 66),
    ("SG-App-Visual-Studio", "u", 15, 40),
    ("SG-App-Datenträger-Tools", "u", 3, 6),
    ("SG-Licence-F3", "u", 80, 104),
];

/// Groups and the groups that they are in.
pub(super) const NESTED: [(&str, &str); 8] = [
    ("SG-Dept-Engineering", "SG-Licence-E5"),
    ("SG-Dept-Executives", "SG-Licence-E5"),
    ("SG-Dept-Finance", "SG-Licence-E3"),
    ("SG-Dept-HR", "SG-Licence-E3"),
    ("SG-Dept-Marketing", "SG-Licence-E3"),
    ("SG-Dept-Sales", "SG-Licence-E3"),
    ("SG-Kiosk-Lobby", "SG-Shared-Devices"),
    ("SG-Win-Ring-1-Pilot", "SG-Win-Ring-2-Early"),
];

/// Groups whose members come from a rule.
pub(super) const DYNAMIC: [(&str, &str); 2] = [
    (
        "SG-Autopilot-All",
        "(device.devicePhysicalIDs -any (_ -contains \"[ZTDId]\"))",
    ),
    (
        "SG-Exclude-BitLocker",
        "(device.extensionAttributes.extensionAttribute1 -eq \"Removable system disk\")",
    ),
];
