//! A tenant of any size as the service would send it, and manifests that manage all of it.
//!
//! Policies are taken in turn by 2,000 entries: 1,200 by name, 300 by id, 500 by globs that share
//! the rest. Each entry uses one of 500 target sets and adds two targets of its own, so that each
//! policy has ten assignments. Smaller tenants have fewer entries, in the same shares.

use std::fmt::Write as _;

use serde_json::{Value, json};

pub(crate) const PAGE: usize = 1000;
pub(crate) const ROWS: usize = 10;

const MOST_ENTRIES: usize = 2000;
const MOST_SETS: usize = 500;
/// Groups in a set, one of them excluded.
const GROUPS_IN_SET: usize = 8;
const FILTERS: usize = 20;

/// How much of the tenant is not as the manifests say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drift {
    None,
    One,
    All,
}

impl Drift {
    pub(crate) const ALL: [Self; 3] = [Self::None, Self::One, Self::All];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::One => "one",
            Self::All => "all",
        }
    }

    fn has(self, policy: usize) -> bool {
        match self {
            Self::None => false,
            Self::One => policy == 0,
            Self::All => true,
        }
    }
}

/// A tenant of so many policies.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Large {
    pub(crate) policies: usize,
}

/// What selects a policy.
enum Chosen {
    Name,
    Id,
    Glob,
}

impl Large {
    fn entries(self) -> usize {
        MOST_ENTRIES.min(self.policies.div_ceil(5)).max(10)
    }

    fn sets(self) -> usize {
        MOST_SETS.min(self.entries() / 4).max(1)
    }

    fn chosen(self, entry: usize) -> Chosen {
        match entry % 20 {
            0..12 => Chosen::Name,
            12..15 => Chosen::Id,
            _ => Chosen::Glob,
        }
    }

    /// The entries with one policy each come first; the globs share what is left.
    fn entry_of(self, policy: usize) -> usize {
        if policy < self.entries() {
            return policy;
        }
        let globs: usize = self.entries() / 20 * 5;
        let glob = policy % globs;
        glob / 5 * 20 + 15 + glob % 5
    }

    fn kind(self, entry: usize) -> &'static str {
        if entry.is_multiple_of(2) {
            "configurationPolicy"
        } else {
            "compliancePolicy"
        }
    }

    fn name(self, policy: usize) -> String {
        let entry = self.entry_of(policy);
        format!("Win - Area {entry:04} - Policy {policy:06} [BASE]")
    }

    fn group(set: usize, number: usize) -> (String, String) {
        let number = set * GROUPS_IN_SET + number;
        (
            format!("10000000-aaaa-4bbb-8ccc-{number:012x}"),
            format!("SG-Intune-Ring-{number:05}"),
        )
    }

    fn filter(number: usize) -> (String, String) {
        (
            format!("20000000-aaaa-4bbb-8ccc-{number:012x}"),
            format!("Corporate Windows {number}"),
        )
    }

    fn policy_id(policy: usize) -> String {
        format!("30000000-aaaa-4bbb-8ccc-{policy:012x}")
    }

    /// The manifests, a file for each hundred entries.
    pub(crate) fn manifests(self) -> Vec<(String, String)> {
        let mut sets = String::from("version: 1\n\ntargets:\n");
        for set in 0..self.sets() {
            let _ = writeln!(sets, "  ring-{set}:\n    include:");
            for number in 0..GROUPS_IN_SET - 1 {
                let _ = writeln!(sets, "      - group: {}", Self::group(set, number).1);
            }
            let excluded = Self::group(set, GROUPS_IN_SET - 1).1;
            let _ = writeln!(sets, "    exclude:\n      - group: {excluded}");
        }
        let mut files = vec![("manifests/rings.yaml".to_owned(), sets)];
        let entries: Vec<usize> = (0..self.entries()).collect();
        for (number, chunk) in entries.chunks(100).enumerate() {
            let mut text = String::from("version: 1\n\npolicies:\n");
            for entry in chunk.iter().copied() {
                let _ = writeln!(text, "  - kind: {}", self.kind(entry));
                let _ = match self.chosen(entry) {
                    Chosen::Name => writeln!(text, "    name: \"{}\"", self.name(entry)),
                    Chosen::Id => writeln!(text, "    id: {}", Self::policy_id(entry)),
                    Chosen::Glob => writeln!(text, "    match: \"Win - Area {entry:04} - *\""),
                };
                let _ = writeln!(
                    text,
                    "    use: [ring-{}]\n    include:\n      - allDevices: true\n        filter: {}\n      - allUsers: true\n        filter: {}\n        filterMode: exclude",
                    entry % self.sets(),
                    Self::filter(entry % FILTERS).1,
                    Self::filter((entry + 1) % FILTERS).1,
                );
            }
            files.push((format!("manifests/area-{number:03}.yaml"), text));
        }
        files
    }

    /// The groups as the directory has them: id and display name.
    pub(crate) fn groups(self) -> Vec<(String, String)> {
        (0..self.sets())
            .flat_map(|set| (0..GROUPS_IN_SET).map(move |number| Self::group(set, number)))
            .collect()
    }

    /// The list of filters.
    pub(crate) fn filters(self) -> Value {
        let filters: Vec<Value> = (0..FILTERS)
            .map(|number| {
                let (id, name) = Self::filter(number);
                json!({"id": id, "displayName": name, "platform": "windows10AndLater"})
            })
            .collect();
        json!({"value": filters})
    }

    /// The policies of a collection in pages, without their next links.
    pub(crate) fn pages(self, collection: &str, drift: Drift) -> impl Iterator<Item = Vec<Value>> {
        let kind = if collection.ends_with("configurationPolicies") {
            "configurationPolicy"
        } else {
            "compliancePolicy"
        };
        let of_kind: Vec<usize> = (0..self.policies)
            .filter(|policy| self.kind(self.entry_of(*policy)) == kind)
            .collect();
        let pages: Vec<Vec<usize>> = of_kind.chunks(PAGE).map(<[usize]>::to_vec).collect();
        pages.into_iter().map(move |page| {
            page.into_iter()
                .map(|policy| self.policy(policy, drift.has(policy)))
                .collect()
        })
    }

    fn policy(self, policy: usize, drifted: bool) -> Value {
        let id = Self::policy_id(policy);
        let entry = self.entry_of(policy);
        let set = entry % self.sets();
        let mut rows: Vec<Value> = (0..GROUPS_IN_SET)
            .map(|number| {
                let (group, _) = Self::group(set, number);
                let odata_type = if number == GROUPS_IN_SET - 1 {
                    "#microsoft.graph.exclusionGroupAssignmentTarget"
                } else {
                    "#microsoft.graph.groupAssignmentTarget"
                };
                json!({
                    "id": format!("{id}_{group}"),
                    "source": "direct",
                    "sourceId": id,
                    "target": {
                        "@odata.type": odata_type,
                        "deviceAndAppManagementAssignmentFilterId": null,
                        "deviceAndAppManagementAssignmentFilterType": "none",
                        "groupId": group,
                    }
                })
            })
            .collect();
        let broad = [
            (
                "allDevices",
                "adadadad-808e-44e2-905a-0b7873a8a531",
                entry,
                "include",
            ),
            (
                "allLicensedUsers",
                "acacacac-9df4-4c7d-9d50-4ef0226f57a9",
                entry + 1,
                "exclude",
            ),
        ];
        for (target, target_id, filter, mode) in broad {
            rows.push(json!({
                "id": format!("{id}_{target_id}"),
                "source": "direct",
                "sourceId": id,
                "target": {
                    "@odata.type": format!("#microsoft.graph.{target}AssignmentTarget"),
                    "deviceAndAppManagementAssignmentFilterId": Self::filter(filter % FILTERS).0,
                    "deviceAndAppManagementAssignmentFilterType": mode,
                }
            }));
        }
        if drifted {
            rows.remove(0);
            rows[1]["target"]["groupId"] = json!("10000000-aaaa-4bbb-8ccc-ffffffffffff");
        }
        json!({
            "createdDateTime": "2024-05-06T07:08:09.0123456Z",
            "creationSource": null,
            "description": "Baseline of the endpoint team; see the wiki before changing it",
            "lastModifiedDateTime": "2026-01-02T03:04:05.0123456Z",
            "name": self.name(policy),
            "platforms": "windows10",
            "priorityMetaData": null,
            "roleScopeTagIds": ["0"],
            "settingCount": 12,
            "technologies": "mdm",
            "id": id,
            "templateReference": {
                "templateId": "", "templateFamily": "none", "templateDisplayName": null, "templateDisplayVersion": null
            },
            "assignments": rows,
        })
    }
}
