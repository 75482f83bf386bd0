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
use super::tenants::schema::{self as tenants, GUID};
use super::tenants::{ADD_KEYS, SKIP_KEYS, TENANT_KEYS};
use crate::model::PolicyKind;
use properties::property_of;

/// Not blank, by the reader's idea of blank.
const NOT_BLANK: &str = r"[^\s\u0085]";

/// Makes the schema.
pub fn schema() -> Value {
    let document = object(
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
            _ => list(
                "The entries: each says what the policies that it selects are assigned to. \
                 Several entries may select one policy; their targets are merged.",
                json!({"$ref": "#/$defs/policyEntry"}),
            ),
        },
    );
    let defined = json!({
        "targetSet": object(
            SET_KEYS,
            "A target set; entries refer to it with `use`.",
            targets_of,
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
    });
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "assignctl manifest",
        "description": document["description"],
        "type": document["type"],
        "properties": document["properties"],
        "additionalProperties": document["additionalProperties"],
        "required": ["version"],
        "$defs": defined,
    })
}

fn tenant() -> Value {
    let mut tenant = object(TENANT_KEYS, "A tenant.", tenants::of_tenant);
    tenant["required"] = json!(["tenantId"]);
    tenant
}

fn skipped() -> Value {
    let what = "Policies that a tenant does not manage.";
    let mut skipped = object(SKIP_KEYS, what, of_entry);
    skipped["oneOf"] = one_of(&["name", "match"]);
    skipped["allOf"] = json!([kinds_with_match()]);
    skipped
}

fn added() -> Value {
    let what = "Targets that a tenant adds to policies which the manifests manage.";
    let mut added = object(ADD_KEYS, what, of_entry);
    added["oneOf"] = one_of(&["name", "match"]);
    added["dependentRequired"] = json!({"except": ["match"]});
    added["allOf"] = json!([kinds_with_match()]);
    added
}

fn kinds_with_match() -> Value {
    json!({
        "if": {"properties": {"kind": {"type": "array"}}, "required": ["kind"]},
        "then": {"required": ["match"]},
    })
}

const ID: &str = "The policy with this id; for policies whose name is not unique or may change.";

/// Describes a key of an entry, or of what a tenant skips or adds.
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
        "absent" => list(
            "Targets that must not be there, included or excluded, whatever their filter; \
             goes with `mode: additive`.",
            json!({"$ref": "#/$defs/absentTarget"}),
        ),
        "use" => texts("Target sets to use, defined below `targets` in any file."),
        "include" | "exclude" => targets_of(key),
        "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
        "reason" => text("The reason."),
        property => property_of(property),
    }
}

fn entry() -> Value {
    let mut entry = object(
        ENTRY_KEYS,
        "What the policies that are selected by `name`, `id` or `match` are assigned to.",
        of_entry,
    );
    let with_guids: Vec<&str> = PolicyKind::all()
        .filter(|kind| kind.has_guid_ids())
        .map(PolicyKind::name)
        .collect();
    entry["required"] = json!(["kind"]);
    entry["allOf"] = json!([
        {
            "if": {"properties": {"kind": {"enum": with_guids}}, "required": ["kind"]},
            "then": {"properties": {"id": guid(ID)}},
        },
        kinds_with_match(),
    ]);
    entry["oneOf"] = one_of(SELECTOR_KEYS);
    entry["dependentRequired"] = json!({"except": ["match"]});
    entry["dependentSchemas"] = json!({
        "absent": {"required": ["mode"], "properties": {"mode": {"const": "additive"}}},
    });
    entry
}

/// Describes `include` and `exclude`, which entries and sets have alike.
fn targets_of(side: &'static str) -> Value {
    match side {
        "include" => list(
            "Who is included. An empty list in `exact` mode includes no one: all direct \
             assignments are removed.",
            json!({"$ref": "#/$defs/includedTarget"}),
        ),
        _ => list(
            "Groups that are excluded. They take no filter.",
            json!({"$ref": "#/$defs/excludedTarget"}),
        ),
    }
}

fn included() -> Value {
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
        target => target_of(target),
    });
    included["oneOf"] = one_of(TARGET_KEYS);
    included["not"] = json!({"required": ["filter", "filterId"]});
    included["dependentSchemas"] = json!({
        "filterMode": {"anyOf": [{"required": ["filter"]}, {"required": ["filterId"]}]},
        "sourceId": {"required": ["source"], "properties": {"source": {"const": "policySets"}}},
        "optional": {"anyOf": one_of(EXCLUDED_TARGET_KEYS)},
    });
    included
}

fn absent() -> Value {
    let mut absent = object(ABSENT_KEYS, "A target that must not be there.", target_of);
    absent["oneOf"] = one_of(TARGET_KEYS);
    absent["dependentSchemas"] = json!({"optional": {"anyOf": one_of(EXCLUDED_TARGET_KEYS)}});
    absent
}

fn excluded() -> Value {
    let mut excluded = object(EXCLUDED_KEYS, "A group that is excluded.", target_of);
    excluded["oneOf"] = one_of(EXCLUDED_TARGET_KEYS);
    excluded
}

/// Describes a key that targets of all lists may have.
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
        "optional" => json!({
            "type": "boolean",
            "default": false,
            "description": "Whether a tenant may lack the group: then the target is left out, with a warning.",
        }),
        "collection" => text("The id of a Configuration Manager collection, like `MEM00012`."),
        "group" => name("The group with this display name. Case-insensitive."),
        "groupId" => {
            guid("The group with this id; for groups whose name is not unique or may change.")
        }
        "onlyTenants" | "exceptTenants" => tenants::for_tenants(key),
        property => property_of(property),
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
) -> Value {
    let keys = keys.iter();
    let properties: Map<String, Value> =
        keys.map(|key| ((*key).to_owned(), value_of(key))).collect();
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
    })
}

fn list(description: &str, items: Value) -> Value {
    json!({"type": "array", "description": description, "items": items})
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
    list(description, spelled())
}

/// A scalar that is taken as it is spelled; the pattern is for what is text to the validator.
fn spelled() -> Value {
    json!({"type": ["string", "number", "boolean"], "pattern": NOT_BLANK})
}

fn guid(description: &str) -> Value {
    json!({"type": "string", "pattern": format!("^{GUID}$"), "description": description})
}
