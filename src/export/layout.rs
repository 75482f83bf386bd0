//! Which policy goes into which file: one for each platform, and where that grows long, one for each
//! prefix that the policies' names have in common.
//!
//! Paths are made of letters, digits and `-` only, whatever the names hold: nothing in a tenant can
//! lead out of the folder, hide a file, or name one that the reader of manifests skips.

use std::collections::BTreeMap;

use super::Entry;
use crate::kinds::{Platform, platform_of_type};
use crate::model::LivePolicy;

/// The file of the target sets.
pub(super) const TARGETS: &str = "targets.yaml";

/// From this many policies on a platform's file is divided.
const LONGEST_FILE: usize = 30;
/// A prefix of fewer policies gets no file of its own.
const SHORTEST_FILE: usize = 3;
/// What divides the parts of a name.
const DIVIDER: &str = " - ";
/// The longest name that is made of others.
const LONGEST_SLUG: usize = 40;

/// Divides entries into files, by path.
pub(super) fn files(entries: Vec<Entry<'_>>) -> BTreeMap<String, Vec<Entry<'_>>> {
    let mut platforms: BTreeMap<String, Vec<Entry<'_>>> = BTreeMap::new();
    for entry in entries {
        let platform = platform(platforms_of(entry.live));
        platforms.entry(platform).or_default().push(entry);
    }
    let mut files: BTreeMap<String, Vec<Entry<'_>>> = BTreeMap::new();
    for (platform, entries) in platforms {
        for (name, entries) in divide(entries, 0, "") {
            let path = if name.is_empty() {
                format!("{}.yaml", safe(platform.clone()))
            } else {
                format!("{}/{}.yaml", safe(platform.clone()), safe(name))
            };
            files.entry(path).or_default().extend(entries);
        }
    }
    for entries in files.values_mut() {
        let key = |entry: &Entry<'_>| {
            let live = entry.live;
            (live.kind, live.name.clone(), live.id.clone())
        };
        entries.sort_by_cached_key(key);
    }
    files
}

/// Returns the platforms of a policy, comma-joined, by what its kind knows them from.
fn platforms_of(policy: &LivePolicy) -> Option<&str> {
    match policy.kind.spec().platform {
        Platform::Property(_) => policy.platforms.as_deref(),
        Platform::FromType => platform_of_type(policy.odata_type.as_deref()?),
        Platform::Only(platforms) => platforms.first().copied(),
        Platform::Unknown => None,
    }
}

/// Returns the word for a policy's platforms (Graph: `deviceManagementConfigurationPlatforms`).
fn platform(platforms: Option<&str>) -> String {
    let mut words: Vec<String> = platforms
        .unwrap_or_default()
        .split(',')
        .map(|platform| match platform.trim() {
            "" | "none" => "other".to_owned(),
            "windows10"
            | "windows10X"
            | "windows10AndLater"
            | "windows81AndLater"
            | "windowsPhone81"
            | "windowsMobileApplicationManagement" => "windows".to_owned(),
            "androidEnterprise"
            | "androidForWork"
            | "aosp"
            | "androidMobileApplicationManagement" => "android".to_owned(),
            "iOSMobileApplicationManagement" => "ios".to_owned(),
            "mac" => "macos".to_owned(),
            known => slug(known, LONGEST_SLUG, |character| {
                character.is_ascii_alphanumeric()
            }),
        })
        .collect();
    words.sort();
    words.dedup();
    match words.as_slice() {
        [one] if !one.is_empty() && one != "targets" => one.clone(),
        [_] => "other".to_owned(),
        _ => "several-platforms".to_owned(),
    }
}

/// Divides a long list by the parts of the policies' names, from the left. A part that most of them
/// have, like the platform's own word, gives no name.
fn divide<'a>(entries: Vec<Entry<'a>>, depth: usize, name: &str) -> Vec<(String, Vec<Entry<'a>>)> {
    let count = entries.len();
    if count <= LONGEST_FILE {
        return vec![(name.to_owned(), entries)];
    }
    let mut parts: BTreeMap<String, Vec<Entry<'a>>> = BTreeMap::new();
    for entry in entries {
        parts
            .entry(part(&entry.live.name, depth))
            .or_default()
            .push(entry);
    }
    let mut rest = parts.remove("").unwrap_or_default();
    let (large, small): (BTreeMap<_, _>, BTreeMap<_, _>) = parts
        .into_iter()
        .partition(|(_, entries)| entries.len() >= SHORTEST_FILE);
    rest.extend(small.into_values().flatten());
    let mut files = Vec::new();
    for (part, entries) in large {
        let most_have_it = entries.len() * 4 >= count * 3;
        let longer = match (most_have_it, name) {
            (true, _) => name.to_owned(),
            (false, "") => part,
            (false, _) => format!("{name}-{part}"),
        };
        files.extend(divide(entries, depth + 1, &longer));
    }
    if !rest.is_empty() {
        let rest_name = match (files.is_empty(), name) {
            (true, _) => name.to_owned(),
            (false, "") => "other".to_owned(),
            (false, _) => format!("{name}-other"),
        };
        files.push((rest_name, rest));
    }
    files
}

/// Returns a part of a name as it goes into a path; nothing for the last one, which is the policy's
/// own.
fn part(name: &str, depth: usize) -> String {
    let parts: Vec<&str> = name.split(DIVIDER).collect();
    if depth + 1 >= parts.len() {
        return String::new();
    }
    slug(parts[depth], LONGEST_SLUG, |character| {
        character.is_ascii_alphanumeric()
    })
}

/// Makes a name of words, in lower case: what is not wanted becomes `-`.
pub(super) fn slug(text: &str, longest: usize, is_wanted: impl Fn(char) -> bool) -> String {
    let mut slug = String::new();
    let mut length = 0;
    for character in text.chars().flat_map(char::to_lowercase) {
        if length == longest {
            break;
        }
        if is_wanted(character) {
            slug.push(character);
            length += 1;
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
            length += 1;
        }
    }
    slug.truncate(slug.trim_end_matches('-').len());
    slug
}

/// Avoids the names that Windows has for devices, and the configuration's, which is no
/// manifest wherever it stands.
fn safe(name: String) -> String {
    let device = ["com", "lpt"].iter().any(|port| {
        name.strip_prefix(port)
            .is_some_and(|rest| rest.len() == 1 && rest.as_bytes()[0].is_ascii_digit())
    });
    if device || matches!(name.as_str(), "con" | "prn" | "aux" | "nul" | "assignctl") {
        return format!("{name}-policies");
    }
    name
}
