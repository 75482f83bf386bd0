//! `$batch`: up to 20 requests in one, each metered and answered on its own
//! (DOCS:concepts/json-batching.md; facts, section 3).

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use super::machine::{Call, Machine, Moment};
use super::reply::{Fault, Reply};
use super::request::Request;
use super::validate;

/// How many requests a batch may have.
const MOST: usize = 20;

const METHODS: [&str; 5] = ["GET", "POST", "PATCH", "PUT", "DELETE"];

struct Member {
    id: String,
    request: Request,
    depends_on: Vec<String>,
}

/// Answers a batch.
pub(super) fn answer(
    machine: &mut Machine,
    call: &Call<'_>,
    moment: Moment<'_>,
) -> Result<Reply, Fault> {
    if call.method != "POST" {
        return Err(Fault::plain(
            405,
            "MethodNotAllowed",
            format!("The method {} is not allowed for $batch.", call.method),
        ));
    }
    let mut body = validate::object(call.header("content-type"), &call.request.body)?;
    let requests = match body.remove("requests") {
        Some(Value::Array(requests)) if !requests.is_empty() => requests,
        _ => return Err(invalid("'requests' must be a list that is not empty")),
    };
    if let Some(name) = body.keys().next() {
        return Err(invalid(&format!("there is no property '{name}'")));
    }
    if requests.len() > MOST {
        return Err(invalid(&format!(
            "Number of batch request steps exceeds the maximum value of {MOST}"
        )));
    }
    let mut members: Vec<Member> = Vec::new();
    for value in requests {
        let member = read(value)?;
        if members.iter().any(|known| known.id == member.id) {
            return Err(invalid(&format!(
                "Request Id {} has to be unique",
                member.id
            )));
        }
        let unknown = member
            .depends_on
            .iter()
            .find(|id| !members.iter().any(|known| known.id == **id));
        if let Some(id) = unknown {
            return Err(invalid(&format!(
                "Request Id {} depends on {id}, which does not come before it",
                member.id
            )));
        }
        members.push(member);
    }
    let moment = Moment {
        batch: Some(&call.caller),
        ..moment
    };
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    for member in members {
        let failed = member
            .depends_on
            .iter()
            .any(|id| statuses.get(id).is_none_or(|status| *status >= 400));
        let reply = if failed {
            Reply::json(
                424,
                &json!({"error": {"code": "FailedDependency", "message": "A request this one depends on has failed."}}),
            )
        } else {
            machine.graph(&member.request, moment)
        };
        statuses.insert(member.id.clone(), reply.status);
        let mut headers: Map<String, Value> = Map::new();
        if reply.body.is_some() {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
        }
        for (name, value) in reply.headers {
            headers.insert(name, json!(value));
        }
        let head = json!({"id": member.id, "status": reply.status, "headers": headers}).to_string();
        responses.push(match (reply.body, head.strip_suffix('}')) {
            // The body is JSON already, and may be large.
            (Some(body), Some(open)) => format!("{open},\"body\":{body}}}"),
            _ => head,
        });
    }
    // In no order that a client could lean on.
    machine.random.shuffle(&mut responses);
    let mut reply = Reply::no_content();
    reply.status = 200;
    reply.body = Some(format!("{{\"responses\":[{}]}}", responses.join(",")));
    Ok(reply)
}

fn read(value: Value) -> Result<Member, Fault> {
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
                    return Err(invalid(&format!("a header of request {id} is no string")));
                };
                headers.push((name.to_ascii_lowercase(), value));
            }
        }
        Some(_) => {
            return Err(invalid(&format!(
                "the headers of request {id} are no object"
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
        None => Vec::new(),
        Some(Value::Array(ids)) => ids
            .into_iter()
            .map(|id| text(Some(id), "dependsOn"))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(invalid(&format!("dependsOn of request {id} is no list"))),
    };
    if let Some(name) = value.keys().next() {
        return Err(invalid(&format!(
            "request {id} has the unknown property '{name}'"
        )));
    }
    let slash = if url.starts_with('/') { "" } else { "/" };
    Ok(Member {
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
