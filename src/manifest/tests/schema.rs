//! The schema and the reader agree, as a real validator sees it.

use std::path::{Path, PathBuf};

use boon::{Compiler, SchemaIndex, Schemas};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::manifest::read_texts;
use crate::manifest::schema::schema;

/// What needs more than one place, which a schema cannot compare.
const BEYOND: [&str; 13] = [
    "conflicting-filters",
    "conflicting-modes",
    "conflicting-properties",
    "included-and-excluded",
    "missing-intent",
    "no-policies",
    "property-not-allowed",
    "source-not-allowed",
    "type-not-allowed",
    "unknown-target-set",
    "virtual-group",
    "wanted-and-absent",
    "zero-guid",
];

/// A validator that is none of ours.
struct Validator(Schemas, SchemaIndex);

impl Validator {
    /// Compiling checks that the schema is one of draft 2020-12.
    fn new() -> Self {
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        let added = compiler.add_resource("schema.json", schema());
        added.expect("JSON");
        let mut schemas = Schemas::new();
        let index = compiler.compile("schema.json", &mut schemas);
        let index = index.unwrap_or_else(|error| panic!("{error:#}"));
        Self(schemas, index)
    }

    /// Returns what is wrong with a document, with its place.
    fn fault(&self, document: &Value) -> Option<String> {
        let Self(schemas, index) = self;
        let checked = schemas.validate(document, *index);
        checked.err().map(|error| format!("{error:#}"))
    }

    fn is_valid(&self, document: &Value) -> bool {
        let Self(schemas, index) = self;
        schemas.validate(document, *index).is_ok()
    }
}

/// Reads the documents of a file; `None` if they are no YAML.
fn documents(path: &Path) -> Option<Vec<Value>> {
    let text = std::fs::read_to_string(path).expect("text");
    serde_saphyr::from_multiple(&text).ok()
}

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[test]
fn the_schema_is_a_schema() {
    let schema = schema();
    assert_eq!(
        schema["$schema"],
        "https://json-schema.org/draft/2020-12/schema"
    );
    Validator::new();
}

#[test]
fn every_key_and_every_set_of_words_is_described() {
    fn look(value: &Value, path: &str) {
        if let Some(properties) = value.get("properties").and_then(Value::as_object) {
            for (key, property) in properties {
                // Conditions name keys that are described elsewhere.
                let is_condition = ["dependentSchemas", "/if", "/oneOf"]
                    .iter()
                    .any(|part| path.contains(part));
                if !is_condition {
                    assert!(property["description"].is_string(), "{path}/{key}");
                }
            }
        }
        match value {
            Value::Object(map) => map
                .iter()
                .for_each(|(key, value)| look(value, &format!("{path}/{key}"))),
            Value::Array(list) => list.iter().for_each(|value| look(value, path)),
            _ => {}
        }
    }
    look(&schema(), "");
}

#[test]
fn every_example_is_valid() {
    let validator = Validator::new();
    let mut files = files_below(&here("examples/manifests"));
    files.extend(files_below(&here(
        "tests/integration/fixtures/validate/valid",
    )));
    assert!(files.len() > 10);
    for path in files {
        for document in documents(&path).expect("YAML") {
            assert_eq!(validator.fault(&document), None, "{}", path.display());
        }
    }
}

#[test]
fn fixtures_whose_form_is_wrong_are_refused() {
    let validator = Validator::new();
    let mut refused = 0;
    for path in files_below(&here("tests/integration/fixtures/validate")) {
        // Tags are not seen by a validator, and what is no YAML needs none to be refused.
        let is_syntax = path.components().any(|part| part.as_os_str() == "syntax");
        let Some(documents) = documents(&path).filter(|_| !is_syntax) else {
            continue;
        };
        let text = std::fs::read_to_string(&path).expect("text");
        let is_valid = documents
            .iter()
            .all(|document| validator.is_valid(document));
        let faults = shape_faults_of(text);
        assert_eq!(
            is_valid,
            faults.is_empty(),
            "{}: {faults:?}",
            path.display()
        );
        refused += usize::from(!is_valid);
    }
    assert!(refused >= 5, "{refused}");
}

#[test]
fn every_fault_of_form_is_refused_by_itself() {
    let validator = Validator::new();
    let entry = |more: Value| {
        let mut entry = json!({"kind": "configurationPolicy", "name": "P"});
        merge(&mut entry, more);
        json!({"version": 1, "policies": [entry]})
    };
    let target = |target: Value| entry(json!({"include": [target]}));
    let guid = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";
    for good in [
        entry(json!({})),
        target(json!("allUsers")),
        target(json!({"allDevices": true, "filterId": guid, "filterMode": "exclude"})),
        target(json!({"group": "A", "source": "policySets", "sourceId": "x"})),
        entry(json!({"name": null, "match": "*", "except": ["x"]})),
        entry(json!({"exclude": [{"groupId": guid.to_uppercase()}]})),
        // Scalars are taken as they are spelled.
        entry(json!({"name": 5, "use": [1.10, true]})),
        target(json!({"collection": 5})),
        target(json!({"group": format!("{guid}0")})),
        entry(json!({"mode": "additive", "absent": ["allUsers", {"group": "A"}]})),
        entry(json!({"name": null, "id": guid})),
    ] {
        assert!(validator.is_valid(&good), "{good}");
        assert_eq!(shape_faults(&good), [""; 0], "{good}");
    }
    for bad in [
        json!(null),
        json!({"policies": []}),
        json!({"version": 2}),
        json!({"version": "1"}),
        json!({"version": 1, "polices": []}),
        json!({"version": 1, "targets": {" ": {}}}),
        json!({"version": 1, "targets": {"x": []}}),
        entry(json!({"kind": null})),
        entry(json!({"kind": "script"})),
        entry(json!({"id": guid})),
        entry(json!({"name": []})),
        entry(json!({"name": null})),
        entry(json!({"name": " \u{85}"})),
        entry(json!({"except": ["x"]})),
        entry(json!({"mode": "strict"})),
        entry(json!({"use": "x"})),
        entry(json!({"include": {}})),
        target(json!("allDevice")),
        target(json!({})),
        target(json!({"group": "A", "groupId": guid})),
        target(json!({"groupId": "A"})),
        target(json!({"allDevices": false})),
        target(json!({"group": "A", "filter": "F", "filterId": guid})),
        target(json!({"group": "A", "filterMode": "include"})),
        target(json!({"group": "A", "sourceId": "x"})),
        target(json!({"group": "A", "source": "direct", "sourceId": "x"})),
        entry(json!({"exclude": ["allDevices"]})),
        entry(json!({"exclude": [{"group": "A", "filter": "F"}]})),
        target(json!({"group": guid})),
        target(json!({"group": format!("{{{guid}}}")})),
        target(json!({"group": "A", "filter": guid})),
        target(json!({"group": "A", "filter": "F", "filterMode": "none"})),
        entry(json!({"name": guid})),
        entry(json!({"name": null, "id": "Win - A"})),
        entry(json!({"absent": ["allUsers"]})),
        entry(json!({"mode": "exact", "absent": []})),
        entry(json!({"mode": "additive", "absent": [{"group": "A", "filter": "F"}]})),
        entry(json!({"mode": "additive", "absent": {}})),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
        assert!(!shape_faults(&bad).is_empty(), "{bad}");
    }
}

/// Merges keys in; null takes one out.
fn merge(value: &mut Value, more: Value) {
    let (Value::Object(map), Value::Object(more)) = (value, more) else {
        return;
    };
    for (key, value) in more {
        if value.is_null() {
            map.remove(&key);
        } else {
            map.insert(key, value);
        }
    }
}

/// Reads a document and returns the codes of the errors that a schema could know of.
fn shape_faults(document: &Value) -> Vec<&'static str> {
    // JSON is YAML.
    shape_faults_of(document.to_string())
}

fn shape_faults_of(text: String) -> Vec<&'static str> {
    let loaded = read_texts(vec![("m.yaml".to_owned(), text)]);
    let errors = loaded.diagnostics.iter().filter(|found| found.is_error());
    errors
        .map(|found| found.code)
        .filter(|code| !BEYOND.contains(code))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2_000) })]

    #[test]
    fn what_the_schema_accepts_is_read_and_what_is_read_it_accepts(
        mut document in document(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), value(), key()), 0..3),
    ) {
        thread_local!(static VALIDATOR: Validator = Validator::new());
        let is_valid = |document: &Value| VALIDATOR.with(|validator| validator.is_valid(document));
        for (index, value, key) in changes {
            change(&mut document, index, value, &key);
        }
        prop_assert_eq!(is_valid(&document), shape_faults(&document).is_empty(), "{}", document);
    }
}

/// Replaces, adds or takes out one of all values.
fn change(document: &mut Value, index: prop::sample::Index, value: Value, key: &str) {
    let count = count(document);
    let mut left = index.index(count * 3);
    let (at, how) = (left / 3, left % 3);
    left = at;
    visit(document, &mut left, &mut |found| match (how, &mut *found) {
        (0, Value::Object(map)) => {
            map.insert(key.to_owned(), value.clone());
        }
        (1, Value::Object(map)) => {
            map.remove(key);
        }
        _ => *found = value.clone(),
    });
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(list) => list.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn visit(value: &mut Value, left: &mut usize, change: &mut impl FnMut(&mut Value)) -> bool {
    if *left == 0 {
        change(value);
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(list) => list.iter_mut().any(|value| visit(value, left, change)),
        Value::Object(map) => map.values_mut().any(|value| visit(value, left, change)),
        _ => false,
    }
}

fn key() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "version",
        "targets",
        "policies",
        "kind",
        "name",
        "id",
        "match",
        "except",
        "mode",
        "use",
        "include",
        "exclude",
        "absent",
        "allDevices",
        "allUsers",
        "group",
        "groupId",
        "collection",
        "filter",
        "filterId",
        "filterMode",
        "source",
        "sourceId",
        "type",
        "intent",
        "settings",
        "notifications",
        "restartSettings",
        "gracePeriodInMinutes",
        "vpnConfigurationId",
        "androidManagedStoreAppTrackIds",
        "runSchedule",
        "interval",
        "date",
        "time",
        "useUtc",
        "runRemediationScript",
        "bogus",
        " ",
        "s",
    ])
    .prop_map(str::to_owned)
}

fn value() -> impl Strategy<Value = Value> {
    prop::sample::select(vec![
        json!("P"),
        json!(""),
        json!("\u{85}\u{a0}"),
        json!("exact"),
        json!("additive"),
        json!("include"),
        json!("direct"),
        json!("policySets"),
        json!("allDevices"),
        json!("compliancePolicy"),
        json!(["compliancePolicy", "mobileApp"]),
        json!("available"),
        json!("hideAll"),
        json!("hourly"),
        json!("once"),
        json!("02:00"),
        json!("2026-01-31"),
        json!(24),
        json!({"installTimeSettings": {"deadlineDateTime": "2026-01-31T08:00:00Z"}}),
        json!({"type": "hourly", "interval": 2}),
        json!("6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e"),
        json!("{6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}"),
        json!("no"),
        json!("null"),
        json!(true),
        json!(false),
        json!(null),
        json!(1),
        json!(1.1),
        json!([]),
        json!({}),
        json!(["P"]),
        json!([{"group": "A"}]),
        json!({"group": "A"}),
        json!({"s": {"include": ["allUsers"]}}),
    ])
}

fn text() -> impl Strategy<Value = Value> {
    prop::sample::select(vec!["P", "Win - *", "no", "1.10", "a\nb", "\u{feff}x", "*"])
        .prop_map(|text| json!(text))
}

fn included() -> impl Strategy<Value = Value> {
    let guid = json!("6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e");
    let whom = prop_oneof![
        Just(json!({"allDevices": true})),
        Just(json!({"allUsers": true})),
        text().prop_map(|name| json!({"group": name})),
        text().prop_map(|name| json!({"collection": name})),
        Just(json!({"groupId": guid})),
    ];
    let filter = prop_oneof![
        Just(json!({})),
        text().prop_map(|name| json!({"filter": name, "filterMode": "exclude"})),
        Just(json!({"filterId": guid})),
    ];
    let source = prop_oneof![
        Just(json!({})),
        Just(json!({"source": "direct"})),
        Just(json!({"source": "policySets", "sourceId": "x"})),
    ];
    prop_oneof![
        1 => prop::sample::select(vec![json!("allDevices"), json!("allUsers")]),
        6 => (whom, filter, source).prop_map(|(mut target, filter, source)| {
            merge(&mut target, filter);
            merge(&mut target, source);
            target
        }),
    ]
}

fn sides() -> impl Strategy<Value = Value> {
    let include = prop::collection::vec(included(), 0..3);
    let excluded = prop_oneof![
        text().prop_map(|name| json!({"group": name})),
        text().prop_map(|name| json!({"group": name, "intent": "required"})),
    ];
    let exclude = prop::collection::vec(excluded, 0..2);
    (prop::option::of(include), prop::option::of(exclude)).prop_map(|(include, exclude)| {
        let mut sides = Map::new();
        if let Some(include) = include {
            sides.insert("include".to_owned(), json!(include));
        }
        if let Some(exclude) = exclude {
            sides.insert("exclude".to_owned(), json!(exclude));
        }
        Value::Object(sides)
    })
}

fn entry() -> impl Strategy<Value = Value> {
    let selector = prop_oneof![
        text().prop_map(|name| json!({"name": name})),
        Just(json!({"id": "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e"})),
        text().prop_map(|glob| json!({"match": glob, "except": [glob]})),
    ];
    let rest = prop::sample::select(vec![
        json!({}),
        json!({"mode": "exact"}),
        json!({"mode": "additive", "use": ["s"]}),
        json!({"mode": "additive", "absent": ["allUsers", {"group": "B"}]}),
        json!({"intent": "required", "settings": {
            "notifications": "hideAll", "restartSettings": {"gracePeriodInMinutes": 60},
            "vpnConfigurationId": null, "androidManagedStoreAppTrackIds": ["a"],
        }}),
        json!({"runRemediationScript": false, "runSchedule": {
            "type": "daily", "interval": 1, "time": "02:00:00", "useUtc": true,
        }}),
        json!({"runSchedule": {"type": "once", "date": "2026-01-31", "time": "02:00"}}),
    ]);
    (selector, rest, sides()).prop_map(|(selector, rest, sides)| {
        let mut entry = json!({"kind": "configurationPolicy"});
        for part in [selector, rest, sides] {
            merge(&mut entry, part);
        }
        entry
    })
}

fn document() -> impl Strategy<Value = Value> {
    (
        prop::collection::vec(entry(), 0..3),
        prop::option::of(sides()),
    )
        .prop_map(|(entries, set)| {
            let mut document = json!({"version": 1, "policies": entries});
            if let Some(set) = set {
                document["targets"] = json!({"s": set});
            }
            document
        })
}
