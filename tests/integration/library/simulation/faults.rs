//! What becomes of one request.

use std::time::Duration;

use serde_json::{Value, json};

use super::scenario::one_of;
use crate::library::support::answers::{
    cut, edit, error, html, json_of, later, plain, with_header,
};
use crate::library::support::wire::{Act, Deed, Sent};

/// Decides a request's fate, and whether that is a fault.
pub(in crate::library) fn fate(
    dice: &mut fastrand::Rng,
    sent: &Sent,
    percent: u32,
) -> (Deed, bool) {
    let delay = |dice: &mut fastrand::Rng| Duration::from_millis(dice.u64(0..200));
    let (before, after) = (delay(dice), delay(dice));
    if dice.u32(0..100) >= percent {
        let deed = Deed {
            before,
            act: Act::Pass,
            after,
        };
        return (deed, false);
    }
    let act = match dice.u32(0..5) {
        0 => lost(dice),
        1 => throttled(dice),
        2 => refused(dice, sent),
        3 => broken_server(dice),
        _ if sent.path == "/$batch" => batch_part(dice),
        _ if sent.method == "GET" => page(dice, sent),
        _ => lost(dice),
    };
    let is_slow = dice.u32(0..10) == 0;
    let deed = Deed {
        before: if is_slow { before * 75 } else { before },
        act,
        after: if is_slow { after * 75 } else { after },
    };
    (deed, true)
}

fn lost(dice: &mut fastrand::Rng) -> Act {
    match dice.u32(0..6) {
        0 | 1 => Act::LostBefore,
        2 | 3 => Act::LostAfter,
        4 => Act::NotSent,
        _ => Act::Silence,
    }
}

fn throttled(dice: &mut fastrand::Rng) -> Act {
    let dated = with_header(
        later(429, "Mon, 23 Nov 2026 10:00:03 GMT"),
        "date",
        "Mon, 23 Nov 2026 10:00:00 GMT",
    );
    let mut lower = error(429, "TooManyRequests");
    lower
        .headers
        .push(("retry-after".to_owned(), "2".to_owned()));
    let status = one_of(dice, [429, 429, 503]);
    Act::Answer(match dice.u32(0..10) {
        0 => error(status, "TooManyRequests"),
        1 => later(status, "0"),
        2 => later(status, "0.249"),
        3 => later(status, "soon"),
        4 => later(status, "45"),
        5 => dated,
        6 => lower,
        7 if dice.u32(0..10) == 0 => later(status, "31536000"),
        _ => later(status, "3"),
    })
}

/// What does not pass by being asked again.
fn refused(dice: &mut fastrand::Rng, sent: &Sent) -> Act {
    // What is missing may be a group or a filter of the body; the policy is there.
    if sent.is_write() && dice.u32(0..4) == 0 {
        let status = one_of(dice, [400, 404]);
        return Act::Answer(error(status, "ResourceNotFound"));
    }
    let (status, code) = one_of(
        dice,
        [
            (400, "BadRequest"),
            (401, "InvalidAuthenticationToken"),
            (401, "InvalidAuthenticationToken"),
            (403, "Forbidden"),
            (404, "UnknownError"),
            (409, "Conflict"),
            (412, "PreconditionFailed"),
            (423, "Locked"),
        ],
    );
    Act::Answer(error(status, code))
}

fn broken_server(dice: &mut fastrand::Rng) -> Act {
    let status = one_of(dice, [408, 500, 502, 503, 504]);
    match dice.u32(0..8) {
        0 => Act::Answer(error(status, "UnknownError")),
        1 | 2 => Act::AnswerAfter(error(status, "UnknownError")),
        3 if dice.bool() => Act::AnswerAfter(later(status, "25")),
        3 => Act::Answer(html(status)),
        4 => Act::AnswerAfter(html(200)),
        5 => Act::AnswerAfter(plain(200, "")),
        6 => Act::Answer(plain(200, "")),
        _ => Act::alter(cut),
    }
}

/// One of the answers in a batch is not what it was.
fn batch_part(dice: &mut fastrand::Rng) -> Act {
    let which = dice.usize(0..20);
    let kind = dice.u32(0..5);
    Act::alter(move |response| {
        if response.status != 200 {
            return;
        }
        edit(response, |body| {
            let Some(parts) = body["responses"].as_array_mut() else {
                return;
            };
            if parts.is_empty() {
                return;
            }
            let which = which % parts.len();
            let id = parts[which]["id"].clone();
            let failed = |status: u16, headers: Value| {
                json!({"id": id, "status": status, "headers": headers,
                       "body": {"error": {"code": "UnknownError", "message": "It failed."}}})
            };
            match kind {
                0 => {
                    parts.remove(which);
                }
                1 => parts[which] = failed(429, json!({"Retry-After": "2"})),
                2 => parts[which] = failed(429, json!({})),
                3 => parts[which] = failed(503, json!({})),
                _ => parts[which] = failed(403, json!({})),
            }
        });
    })
}

/// A list that does not end as it should.
fn page(dice: &mut fastrand::Rng, sent: &Sent) -> Act {
    let here = format!("http://sandbox/beta{}", sent.path);
    match dice.u32(0..4) {
        // It leads to itself.
        0 => Act::alter(move |response| link(response, &here)),
        1 => Act::alter(|response| link(response, "https://elsewhere.example/beta/next")),
        2 => Act::Answer(json_of(200, &json!({"error": "none"}))),
        _ => Act::Answer(json_of(200, &json!({"value": null}))),
    }
}

fn link(response: &mut assignctl::graph::transport::Response, to: &str) {
    if response.status == 200 {
        edit(response, |body| body["@odata.nextLink"] = json!(to));
    }
}
