//! The JSON Schema of a manifest (draft 2020-12), for editors: completion, hover and first errors.
//!
//! Manifests are read by hand, for errors with places, so the schema is written by hand as well. Its keys
//! and words come from the tables that the reader uses, and tests hold both to agree. Where the reader
//! takes a scalar as it is spelled, `5` and `true` are as good as text. What the schema cannot say is
//! what needs more than one place: unknown and contradicting sets and targets, and a run without any
//! entry; nor which GUIDs stand for no group and no filter. Nor can it tell `version: 1.0` from `1`, as both are one number in JSON; the reader takes the
//! latter only.

mod properties;

use serde_json::{Map, Value, json};

use super::read::{DOCUMENT_KEYS, ENTRY_KEYS, SELECTOR_KEYS, SET_KEYS};
use super::targets::{ABSENT_KEYS, EXCLUDED_KEYS, EXCLUDED_TARGET_KEYS, KEYS, TARGET_KEYS};
use super::tenants::schema as tenants;
use super::tenants::{ADD_KEYS, SKIP_KEYS, TENANT_KEYS};
use crate::model::PolicyKind;
use properties::property_of;

/// Not blank, by the reader's idea of blank.
const NOT_BLANK: &str = r"[^\s\u0085]";
const GUID: &str = "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}";

/// Makes the schema.
pub fn schema() -> Value {
    let mut schema = object(
        DOCUMENT_KEYS,
        "What policies are assigned to. Every document of a file is one of these.",
        |key| match key {
            "version" => json!({
                "const": 1,
                "description": "The manifest format version: the number 1, spelled `1` and not `1.0`.",
            }),
            "targets" => json!({
                "type": "object",
                "description": "Target sets. Every file of the run can use them.",
                "propertyNames": {"pattern": NOT_BLANK},
                "additionalProperties": {"$ref": "#/$defs/targetSet"},
            }),
            "vars" => tenants::variables(
                "Variables for the whole run: `${name}` stands for the value in names of policies, groups, \
                 filters and collections, `$${` for a literal `${`. A tenant's own `vars` take precedence.",
            ),
            "tenants" => tenants::tenants(),
            _ => json!({
                "type": "array",
                "description": "The entries: each says what the policies that it selects are assigned to. \
                    Several entries may select one policy; their targets are merged.",
                "items": {"$ref": "#/$defs/policyEntry"},
            }),
        },
    );
    schema.insert("required".to_owned(), json!(["version"]));
    let mut whole = Map::new();
    whole.insert(
        "$schema".to_owned(),
        json!("https://json-schema.org/draft/2020-12/schema"),
    );
    whole.insert("title".to_owned(), json!("assignctl manifest"));
    whole.extend(schema);
    whole.insert(
        "$defs".to_owned(),
        json!({
            "targetSet": targets(
                SET_KEYS,
                "A target set; entries refer to it with `use`.",
            ),
            "policyEntry": entry(),
            "tenant": tenant(),
            "skippedPolicies": skipped(),
            "addedTargets": added(),
            "includedTarget": {
                "description": "Who is included: one of `group`, `groupId`, `allDevices`, `allUsers` and \
                    `collection`, and a filter if one is wanted.",
                "anyOf": [
                    {"enum": ["allDevices", "allUsers"]},
                    included(),
                ],
            },
            "excludedTarget": excluded(),
            "absentTarget": {
                "description": "Who must not be assigned: one of `group`, `groupId`, `allDevices`, `allUsers` and \
                    `collection`. It takes no filter.",
                "anyOf": [
                    {"enum": ["allDevices", "allUsers"]},
                    absent(),
                ],
            },
        }),
    );
    Value::Object(whole)
}

fn tenant() -> Map<String, Value> {
    let mut tenant = object(TENANT_KEYS, "A tenant.", tenants::of_tenant);
    tenant.insert("required".to_owned(), json!(["tenantId"]));
    tenant
}

fn skipped() -> Map<String, Value> {
    let mut skipped = object(
        SKIP_KEYS,
        "Policies that a tenant does not manage.",
        |key| match key {
            "reason" => tenants::reason(),
            selecting => of_entry(selecting),
        },
    );
    tenants::name_or_match(&mut skipped);
    skipped.insert("allOf".to_owned(), json!([kinds_with_match()]));
    skipped
}

fn added() -> Map<String, Value> {
    let mut added = object(
        ADD_KEYS,
        "Targets that a tenant adds to policies which the manifests manage.",
        |key| match key {
            "reason" => tenants::reason(),
            other => of_entry(other),
        },
    );
    tenants::name_or_match(&mut added);
    added.insert("dependentRequired".to_owned(), json!({"except": ["match"]}));
    added.insert("allOf".to_owned(), json!([kinds_with_match()]));
    added
}

fn kinds_with_match() -> Value {
    json!({
        "if": {"properties": {"kind": {"type": "array"}}, "required": ["kind"]},
        "then": {"required": ["match"]},
    })
}

const ID: &str = "The policy with this id; for policies whose name is not unique or may change.";

/// Describes a key of an entry.
fn of_entry(key: &'static str) -> Value {
    match key {
        "kind" => {
            let kinds: Vec<&str> = PolicyKind::all().map(PolicyKind::name).collect();
            let collections: Vec<String> = PolicyKind::all()
                .map(|kind| format!("`{kind}` (Graph `{}`)", kind.spec().collection))
                .collect();
            json!({
                "description": format!(
                    "The kind of the policies: {}. Several are a list, with `match`.",
                    collections.join(", ")
                ),
                "anyOf": [
                    {"enum": kinds},
                    {"type": "array", "minItems": 1, "items": {"enum": kinds}},
                ],
            })
        }
        "type" => text(
            "The type of the policies, if their kind has several: the `@odata.type` without its \
             prefix, like `win32LobApp`.",
        ),
        "name" => name("The policy with this display name. Case-sensitive."),
        "id" => text(ID),
        "match" => text(
            "All policies whose whole display names match: `*` is any text, `?` one character, \
             nothing else is special. Case-sensitive.",
        ),
        "except" => texts("Leave out what one of these globs matches; goes with `match`."),
        "mode" => json!({
            "enum": ["exact", "additive"],
            "default": "exact",
            "description": "`exact`: the manifest is the whole set, other direct assignments are removed. \
                `additive`: assignments are added and updated; only what `absent` lists is removed.",
        }),
        "absent" => json!({
            "type": "array",
            "description": "Targets that must not be there, included or excluded, whatever their filter; \
                goes with `mode: additive`.",
            "items": {"$ref": "#/$defs/absentTarget"},
        }),
        "use" => texts("Target sets to use, defined below `targets` in any file."),
        "include" | "exclude" => targets_of(key),
        "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
        property => property_of(property),
    }
}

fn entry() -> Map<String, Value> {
    let mut entry = object(
        ENTRY_KEYS,
        "What the policies that are selected by `name`, `id` or `match` are assigned to.",
        of_entry,
    );
    let one_selector: Vec<Value> = SELECTOR_KEYS
        .iter()
        .map(|key| json!({"required": [key]}))
        .collect();
    let with_guids: Vec<&str> = PolicyKind::all()
        .filter(|kind| kind.has_guid_ids())
        .map(PolicyKind::name)
        .collect();
    entry.insert("required".to_owned(), json!(["kind"]));
    entry.insert(
        "allOf".to_owned(),
        json!([
            {
                "if": {"properties": {"kind": {"enum": with_guids}}, "required": ["kind"]},
                "then": {"properties": {"id": guid(ID)}},
            },
            kinds_with_match(),
        ]),
    );
    entry.insert("oneOf".to_owned(), json!(one_selector));
    entry.insert("dependentRequired".to_owned(), json!({"except": ["match"]}));
    entry.insert(
        "dependentSchemas".to_owned(),
        json!({
            "absent": {"required": ["mode"], "properties": {"mode": {"const": "additive"}}},
        }),
    );
    entry
}

fn targets(keys: &[&'static str], description: &str) -> Map<String, Value> {
    object(keys, description, targets_of)
}

/// Describes `include` and `exclude`, which entries and sets have alike.
fn targets_of(side: &'static str) -> Value {
    match side {
        "include" => json!({
            "type": "array",
            "description": "Who is included. An empty list in `exact` mode includes no one: all direct \
                assignments are removed.",
            "items": {"$ref": "#/$defs/includedTarget"},
        }),
        _ => json!({
            "type": "array",
            "description": "Groups that are excluded. They take no filter.",
            "items": {"$ref": "#/$defs/excludedTarget"},
        }),
    }
}

fn included() -> Map<String, Value> {
    let mut included = object(KEYS, "A target with its filter.", |key| match key {
        "filter" => name(
            "The assignment filter with this display name. Case-insensitive. Its platform has to fit \
             the policy's.",
        ),
        "filterId" => guid("The assignment filter with this id, in place of `filter`."),
        "filterMode" => json!({
            "enum": ["include", "exclude"],
            "default": "include",
            "description": "Apply to what the filter matches, or to all else.",
        }),
        "source" => json!({
            "enum": ["direct", "policySets"],
            "default": "direct",
            "description": "`policySets` declares an assignment that a policy set has made. Such assignments are never \
                touched unless a manifest declares them.",
        }),
        "sourceId" => {
            text("The policy set; goes with `source: policySets`. Without it any is meant.")
        }
        "intent" | "settings" | "runSchedule" | "runRemediationScript" => property_of(key),
        "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
        target => target_of(target),
    });
    included.insert("oneOf".to_owned(), one_of(TARGET_KEYS));
    included.insert(
        "not".to_owned(),
        json!({"required": ["filter", "filterId"]}),
    );
    included.insert(
        "dependentSchemas".to_owned(),
        json!({
            "filterMode": {"anyOf": [{"required": ["filter"]}, {"required": ["filterId"]}]},
            "sourceId": {"required": ["source"], "properties": {"source": {"const": "policySets"}}},
            "optional": {"anyOf": one_of(EXCLUDED_TARGET_KEYS)},
        }),
    );
    included
}

fn absent() -> Map<String, Value> {
    let mut absent = object(
        ABSENT_KEYS,
        "A target that must not be there.",
        |key| match key {
            "intent" => property_of(key),
            "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
            target => target_of(target),
        },
    );
    absent.insert("oneOf".to_owned(), one_of(TARGET_KEYS));
    absent.insert(
        "dependentSchemas".to_owned(),
        json!({"optional": {"anyOf": one_of(EXCLUDED_TARGET_KEYS)}}),
    );
    absent
}

fn target_of(key: &'static str) -> Value {
    match key {
        "allDevices" => json!({
            "const": true,
            "description": "Every managed device. `- allDevices` alone means the same.",
        }),
        "allUsers" => json!({
            "const": true,
            "description": "Every licensed user. `- allUsers` alone means the same.",
        }),
        "optional" => tenants::optional(),
        "collection" => text("The id of a Configuration Manager collection, like `MEM00012`."),
        group => group_of(group),
    }
}

fn excluded() -> Map<String, Value> {
    let mut excluded = object(
        EXCLUDED_KEYS,
        "A group that is excluded.",
        |key| match key {
            "intent" => property_of(key),
            "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
            "optional" => tenants::optional(),
            group => group_of(group),
        },
    );
    excluded.insert("oneOf".to_owned(), one_of(EXCLUDED_TARGET_KEYS));
    excluded
}

fn group_of(key: &'static str) -> Value {
    match key {
        "group" => name("The group with this display name. Case-insensitive."),
        _ => guid("The group with this id; for groups whose name is not unique or may change."),
    }
}

fn one_of(keys: &[&str]) -> Value {
    let one = |key: &&str| json!({"required": [key]});
    Value::Array(keys.iter().map(one).collect())
}

/// Makes a closed mapping.
fn object(
    keys: &[&'static str],
    description: &str,
    value_of: impl Fn(&'static str) -> Value,
) -> Map<String, Value> {
    let properties: Map<String, Value> = keys
        .iter()
        .map(|key| ((*key).to_owned(), value_of(key)))
        .collect();
    let mut object = Map::new();
    object.insert("description".to_owned(), json!(description));
    object.insert("type".to_owned(), json!("object"));
    object.insert("properties".to_owned(), Value::Object(properties));
    object.insert("additionalProperties".to_owned(), json!(false));
    object
}

fn text(description: &str) -> Value {
    let mut text = spelled();
    text["description"] = json!(description);
    text
}

/// A display name; a GUID is meant as an id.
fn name(description: &str) -> Value {
    let mut name = text(description);
    name["not"] = json!({
        "type": "string",
        "pattern": format!(r"^({GUID}|\{{{GUID}\}}|\({GUID}\))$"),
    });
    name
}

fn texts(description: &str) -> Value {
    json!({
        "type": "array",
        "description": description,
        "items": spelled(),
    })
}

/// A scalar that is taken as it is spelled; the pattern is for what is text to the validator.
fn spelled() -> Value {
    json!({"type": ["string", "number", "boolean"], "pattern": NOT_BLANK})
}

fn guid(description: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{GUID}$"), "description": description})
}
