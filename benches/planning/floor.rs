//! The floor: the same bytes, deserialised with serde and kept until all are there.

use std::collections::BTreeMap;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::Measured;
use super::support::large::Large;
use super::support::{process, replay};

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only to be made")]
struct Page {
    value: Vec<Policy>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only to be made")]
struct Policy {
    id: String,
    name: String,
    platforms: String,
    assignments: Vec<Assignment>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only to be made")]
struct Assignment {
    id: String,
    source: String,
    source_id: Option<String>,
    target: Target,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only to be made")]
struct Target {
    #[serde(rename = "@odata.type")]
    odata_type: String,
    #[serde(rename = "groupId")]
    group: Option<String>,
    #[serde(rename = "collectionId")]
    collection: Option<String>,
    #[serde(rename = "deviceAndAppManagementAssignmentFilterId")]
    filter: Option<String>,
    #[serde(rename = "deviceAndAppManagementAssignmentFilterType")]
    filter_type: Option<String>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only to be made")]
struct Manifest {
    version: u32,
    #[serde(default)]
    targets: BTreeMap<String, Targets>,
    #[serde(default)]
    policies: Vec<Entry>,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "it is only to be made")]
struct Targets {
    #[serde(default)]
    include: Vec<BTreeMap<String, Value>>,
    #[serde(default)]
    exclude: Vec<BTreeMap<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "it is only to be made")]
struct Entry {
    kind: String,
    name: Option<String>,
    id: Option<String>,
    #[serde(rename = "match")]
    matches: Option<String>,
    #[serde(default, rename = "use")]
    sets: Vec<String>,
    #[serde(default)]
    include: Vec<BTreeMap<String, Value>>,
}

/// Into structs that hold what a plan needs of each object.
pub(super) fn typed(folder: &Path, large: Large) -> Measured {
    deserialise::<Manifest, Page>(folder, large)
}

/// Into values that hold all that is there.
pub(super) fn value(folder: &Path, large: Large) -> Measured {
    deserialise::<Value, Value>(folder, large)
}

fn deserialise<M: DeserializeOwned, P: DeserializeOwned>(folder: &Path, large: Large) -> Measured {
    let texts = large.manifests();
    let files = replay::page_files(folder).expect("pages");
    let start = Instant::now();
    let manifests: Vec<M> = texts
        .iter()
        .map(|(_, text)| serde_saphyr::from_str(text).expect("a manifest"))
        .collect();
    let manifests_took = start.elapsed();
    let start = Instant::now();
    let pages: Vec<P> = files
        .iter()
        .map(|file| serde_json::from_slice(&fs::read(file).expect("a page")).expect("a page"))
        .collect();
    let pages_took = start.elapsed();
    let live = process::memory().unwrap_or_default();
    black_box((manifests, pages));
    Measured {
        steps: vec![
            ("manifests".to_owned(), manifests_took.as_secs_f64()),
            ("read".to_owned(), pages_took.as_secs_f64()),
        ],
        peak: 0,
        live,
    }
}
