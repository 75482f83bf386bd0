//! Bodies: JSON objects of bounded depth, and the one parameter of an action.

use serde_json::{Map, Value};

use crate::reply::Fault;
use crate::tenant::Policy;

/// Reads a JSON object from a body.
pub(crate) fn object(content_type: Option<&str>, body: &[u8]) -> Result<Map<String, Value>, Fault> {
    let json = content_type.is_some_and(|text| {
        let kind = text.split(';').next().unwrap_or_default().trim();
        kind.eq_ignore_ascii_case("application/json")
    });
    let unreadable = || {
        Fault::bad_request(
            "Unable to read JSON request payload. Please ensure Content-Type header is set and \
             payload is of valid JSON format.",
        )
    };
    if !json {
        return Err(unreadable());
    }
    let object: Map<String, Value> = serde_json::from_slice(body).map_err(|_| unreadable())?;
    if depth(&mut object.values()) > DEEPEST {
        return Err(unreadable());
    }
    Ok(object)
}

/// How deep a body may go. The service's bound is not known; the library for OData has one
/// (`ODataMessageQuotas.MaxNestingDepth`). What goes a little deeper could not be read again from a
/// state file.
const DEEPEST: usize = 100;

/// How deep something goes that holds these values.
fn depth(values: &mut dyn Iterator<Item = &Value>) -> usize {
    let below = values.map(|value| match value {
        Value::Array(values) => depth(&mut values.iter()),
        Value::Object(object) => depth(&mut object.values()),
        _ => 0,
    });
    1 + below.max().unwrap_or(0)
}

/// Reads the body of an action: one parameter, a list. A parameter of another name could bind to
/// nothing, which would clear the list.
pub(crate) fn action(
    mut body: Map<String, Value>,
    action: &str,
    parameter: &str,
) -> Result<Vec<Value>, Fault> {
    let assignments = body.remove(parameter);
    if let Some(name) = body.keys().next() {
        return Err(Fault::model(format!(
            "The parameter '{name}' in the request payload is not a valid parameter for the \
             operation '{action}'."
        )));
    }
    match assignments {
        Some(Value::Array(assignments)) => Ok(assignments),
        Some(_) => Err(Fault::model(format!(
            "The parameter '{parameter}' of the operation '{action}' is not a collection."
        ))),
        None => Err(Fault::model(format!(
            "The parameter '{parameter}' of the operation '{action}' is missing."
        ))),
    }
}

/// Refuses properties that a type does not have. What the service shows it takes, newer properties than are
/// known here among it; so what the policy's assignments have in the same place may be sent back.
pub(super) fn only_known<'k>(
    policy: &Policy,
    inside: &[&str],
    odata_type: &str,
    mut unknown: impl Iterator<Item = &'k String>,
) -> Result<(), Fault> {
    match unknown.find(|key| !policy.serves(inside, key)) {
        None => Ok(()),
        Some(key) => Err(Fault::model(format!(
            "The property '{key}' does not exist on type '{odata_type}'. Make sure to only use \
             property names that are defined by the type."
        ))),
    }
}

pub(super) fn wrong_type(name: &str, expected: &str, got: &Value) -> Fault {
    let mut got = got.to_string();
    if got.chars().count() > 80 {
        got = got.chars().take(80).chain("…".chars()).collect();
    }
    Fault::bad_request(format!(
        "The value of the property '{name}' must be {expected}, not {got}."
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn bodies_are_objects_with_one_list() {
        let json_type = Some("application/json; charset=utf-8");
        assert!(object(json_type, b"{}").is_ok());
        assert!(object(None, b"{}").is_err());
        assert!(object(Some("text/plain"), b"{}").is_err());
        assert!(object(json_type, b"[]").is_err());
        assert!(object(json_type, &[b'['; 100_000]).is_err());
        for body in [
            json!({}),
            json!({"rows": {}}),
            json!({"rows": null}),
            json!({"rows": [], "x": 1}),
            json!({"assignments": []}),
        ] {
            let Value::Object(body) = body else { continue };
            let fault = action(body, "assign", "rows").expect_err("it is refused");
            assert_eq!((fault.status, fault.code), (400, "ModelValidationFailure"));
        }
    }
}
