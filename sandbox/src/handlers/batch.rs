//! `$batch`: up to 20 requests in one, each metered and answered on its own
//! (DOCS:concepts/json-batching.md; facts, section 3).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::call::Call;
use crate::reply::{Fault, Reply};
use crate::request::Request;
use crate::rules::body;

/// How many requests a batch may have.
const MOST: usize = 20;

const METHODS: [&str; 5] = ["GET", "POST", "PATCH", "PUT", "DELETE"];

/// A request of a batch.
pub(crate) struct Part {
    id: String,
    request: Request,
    depends_on: Vec<String>,
}

/// Takes a batch apart.
pub(crate) fn parts(call: &Call<'_>) -> Result<Vec<Part>, Fault> {
    if call.method != "POST" {
        return Err(Fault::plain(
            405,
            "MethodNotAllowed",
            format!("The method {} is not allowed for $batch.", call.method),
        ));
    }
    let mut body = body::object(call.header("content-type"), &call.request.body)?;
    let requests = match body.remove("requests") {
        Some(Value::Array(requests)) if !requests.is_empty() => requests,
        _ => return Err(invalid("'requests' must be a list that is not empty")),
    };
    if requests.len() > MOST {
        return Err(invalid(&format!(
            "Number of batch request steps exceeds the maximum value of {MOST}"
        )));
    }
    let mut parts: Vec<Part> = Vec::new();
    for value in requests {
        let part = read(value)?;
        if parts.iter().any(|known| known.id == part.id) {
            return Err(invalid(&format!("Request Id {} has to be unique", part.id)));
        }
        parts.push(part);
    }
    check_order(&parts)?;
    Ok(parts)
}

/// Refuses a batch that is neither all parallel nor all sequential: no request depends on another,
/// or each on the one before it, or each on the first one.
fn check_order(parts: &[Part]) -> Result<(), Fault> {
    let Some((first, rest)) = parts.split_first() else {
        return Ok(());
    };
    if parts.iter().all(|part| part.depends_on.is_empty()) {
        return Ok(());
    }
    let depends = |part: &Part, on: &Part| part.depends_on == [on.id.as_str()];
    let follows_first = rest.iter().all(|part| depends(part, first));
    let is_chain = parts
        .windows(2)
        .all(|pair| matches!(pair, [one, next] if depends(next, one)));
    if first.depends_on.is_empty() && (follows_first || is_chain) {
        return Ok(());
    }
    Err(invalid(
        "the requests must be all parallel, or all sequential by 'dependsOn'",
    ))
}

/// Sends the requests and returns their answers, in the order of the requests.
pub(crate) fn answers(parts: Vec<Part>, send: &mut dyn FnMut(&Request) -> Reply) -> Vec<Value> {
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    for part in parts {
        let has_failed = part
            .depends_on
            .iter()
            .any(|id| statuses.get(id).is_none_or(|status| *status >= 400));
        let reply = if has_failed {
            Reply::json(
                424,
                json!({"error": {"code": "FailedDependency", "message": "A request this one depends on has failed."}}),
            )
        } else {
            send(&part.request)
        };
        statuses.insert(part.id.clone(), reply.status);
        let mut headers: Map<String, Value> = Map::new();
        if reply.body.is_some() {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
        }
        for (name, value) in reply.headers {
            headers.insert(name, json!(value));
        }
        let mut response = json!({"id": part.id, "status": reply.status, "headers": headers});
        if let Some(body) = reply.body {
            response["body"] = body;
        }
        responses.push(response);
    }
    responses
}

/// Makes the answer to a batch.
pub(crate) fn reply(responses: Vec<Value>) -> Reply {
    Reply::json(200, json!({ "responses": responses }))
}

/// Reads a request. What it has beside, the service ignores: an official SDK writes `depends_on`.
fn read(value: Value) -> Result<Part, Fault> {
    let Value::Object(mut value) = value else {
        return Err(invalid("a request is not an object"));
    };
    let text = |value: Option<Value>, name: &str| match value {
        Some(Value::String(text)) if !text.is_empty() => Ok(text),
        _ => Err(invalid(&format!("a request needs '{name}', a string"))),
    };
    let id = text(value.remove("id"), "id")?;
    let method = text(value.remove("method"), "method")?.to_ascii_uppercase();
    let url = text(value.remove("url"), "url")?;
    if !METHODS.contains(&method.as_str()) {
        return Err(invalid(&format!(
            "the method {method} of request {id} is unknown"
        )));
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        return Err(invalid(&format!(
            "the url of request {id} must be relative"
        )));
    }
    let mut headers = Vec::new();
    match value.remove("headers") {
        None | Some(Value::Null) => {}
        Some(Value::Object(map)) => {
            for (name, value) in map {
                let Value::String(value) = value else {
                    return Err(invalid(&format!(
                        "a header of request {id} is not a string"
                    )));
                };
                headers.push((name.to_ascii_lowercase(), value));
            }
        }
        Some(_) => {
            return Err(invalid(&format!(
                "the headers of request {id} are not an object"
            )));
        }
    }
    let body = match value.remove("body") {
        None | Some(Value::Null) => None,
        Some(body) => Some(body.to_string().into_bytes()),
    };
    let typed = headers.iter().any(|(name, _)| name == "content-type");
    let writes = matches!(method.as_str(), "POST" | "PATCH" | "PUT");
    if writes && (body.is_none() || !typed) || body.is_some() && !typed {
        return Err(invalid(&format!(
            "Write request id : {id} does not contain Content-Type header or body"
        )));
    }
    let depends_on = match value.remove("dependsOn") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(ids)) => ids
            .into_iter()
            .map(|id| text(Some(id), "dependsOn"))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(invalid(&format!("dependsOn of request {id} is not a list"))),
    };
    let slash = if url.starts_with('/') { "" } else { "/" };
    Ok(Part {
        request: Request {
            method,
            target: format!("/beta{slash}{url}"),
            headers,
            body: body.unwrap_or_default(),
        },
        id,
        depends_on,
    })
}

fn invalid(what: &str) -> Fault {
    Fault::bad_request(format!("Invalid batch payload format: {what}."))
}
