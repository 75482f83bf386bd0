//! The JSON Schema of what manifests for several tenants have besides the rest.

use serde_json::{Value, json};

use crate::net::CLOUDS;

/// What names a tenant, and a label.
const NAME: &str = r"^[0-9A-Za-z]([0-9A-Za-z._-]{0,62}[0-9A-Za-z_-])?$";
pub(in crate::manifest) const GUID: &str = "[0-9a-fA-F]{8}-([0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}";
const DOMAIN: &str =
    r"([0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?\.)+[0-9A-Za-z]([0-9A-Za-z-]*[0-9A-Za-z])?";

/// Describes `tenants`.
pub(in crate::manifest) fn tenants() -> Value {
    json!({
        "type": "object",
        "description": "The tenants that the manifests are for, by short names. The tenants of all files belong \
            together. Without any, the manifests are for whichever tenant is signed in to.",
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"$ref": "#/$defs/tenant"},
    })
}

/// Describes `vars`.
pub(in crate::manifest) fn variables(description: &str) -> Value {
    json!({
        "type": "object",
        "description": description,
        "propertyNames": {"pattern": "^[A-Za-z_][0-9A-Za-z_-]*$"},
        "additionalProperties": {"type": ["string", "number", "boolean"]},
    })
}

/// Describes a key of a tenant.
pub(in crate::manifest) fn of_tenant(key: &str) -> Value {
    match key {
        "tenantId" => json!({
            "type": "string",
            "pattern": format!("^({GUID}|{DOMAIN})$"),
            "description": "The tenant's GUID, or one of its domains.",
        }),
        "clientId" => json!({
            "type": "string",
            "pattern": format!("^{GUID}$"),
            "description": "The app registration to sign in with, if the tenant has one of its own.",
        }),
        "cloud" => {
            let names: Vec<&str> = CLOUDS.iter().map(|cloud| cloud.name).collect();
            json!({
                "enum": names,
                "description": "The national cloud that the tenant is in, if it is not that of the run.",
            })
        }
        "labels" => json!({
            "type": "array",
            "description": "What the tenant can be selected by besides its name: `--tenant label:gold`, \
                `onlyTenants: [gold]`.",
            "items": {"type": ["string", "number", "boolean"], "pattern": NAME},
        }),
        "vars" => variables("The tenant's own variables. They override those of the document."),
        "skip" => json!({
            "type": "array",
            "description": "Policies that this tenant does not manage. They are left as they are.",
            "items": {"$ref": "#/$defs/skippedPolicies"},
        }),
        _ => json!({
            "type": "array",
            "description": "Targets to add to policies that the manifests manage in this tenant.",
            "items": {"$ref": "#/$defs/addedTargets"},
        }),
    }
}

/// Describes what says for which tenants an entry or a target is.
pub(in crate::manifest) fn for_tenants(key: &str) -> Value {
    let description = match key {
        "onlyTenants" => "Only for the tenants with these names or labels.",
        _ => "Not for the tenants with these names or labels.",
    };
    json!({
        "type": "array",
        "minItems": 1,
        "description": description,
        "items": {"type": ["string", "number", "boolean"]},
    })
}
