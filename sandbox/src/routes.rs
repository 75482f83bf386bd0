//! How a request is answered: sign-in or Graph, let in or refused, and which handler answers.

use std::time::{Duration, SystemTime};

use crate::call::Call;
use crate::collections::{Collection, Pool};
use crate::deviations;
use crate::encoding::guid_from;
use crate::handlers::{
    approvals, assignments, audit, batch, directory, evaluation, filters, memberships, policies,
    population, references,
};
use crate::machine::Machine;
use crate::odata::path::{below_version, message_place};
use crate::odata::query;
use crate::reply::{Fault, HTTP_DATE, Identity, Reply, date};
use crate::request::{Request, Response};
use crate::sign_in::{self, Caller};
use crate::switches::Deviation;

/// What stays the same for all requests of a batch.
#[derive(Clone, Copy, Debug)]
struct Moment<'a> {
    base: &'a str,
    now: Duration,
    wall: SystemTime,
    /// The caller of the batch that a request belongs to.
    batch: Option<&'a Caller>,
}

impl Machine {
    /// Answers a request. `now` is the time since the machine was made, `wall` the clock's.
    pub fn answer(&mut self, request: &Request, now: Duration, wall: SystemTime) -> Response {
        let base = base(&self.base, request);
        let moment = Moment {
            base: &base,
            now,
            wall,
            batch: None,
        };
        let own = approvals::admin(self, request, wall);
        let mut polls = std::mem::take(&mut self.polls);
        let person = sign_in::answer_person(self.tenant(), &mut polls, request, &base, wall);
        self.polls = polls;
        let signed_in = || person.or_else(|| sign_in::answer(self.tenant(), request, &base, wall));
        let reply = match own.map_or_else(|| signed_in().map(Err), |own| Some(Ok(own))) {
            Some(Ok(own)) => own,
            Some(Err((status, body))) => {
                if body.get("access_token").is_some() {
                    self.statistics.tokens += 1;
                }
                Reply::json(status, body)
            }
            None => graph(self, request, moment),
        };
        let mut headers = reply.headers;
        let ahead = match deviations::is(self.tenant(), Deviation::ClockAhead) {
            true => Duration::from_secs(3600),
            false => Duration::ZERO,
        };
        headers.push(("Date".to_owned(), date(wall + ahead, HTTP_DATE)));
        let body = reply.body.map_or_else(Vec::new, |body| {
            let form = "application/json; odata.metadata=minimal; charset=utf-8";
            if !headers.iter().any(|(name, _)| name == "Content-Type") {
                headers.push(("Content-Type".to_owned(), form.to_owned()));
            }
            body.to_string().into_bytes()
        });
        Response {
            status: reply.status,
            headers,
            body,
        }
    }
}

/// Returns scheme and authority as the caller sees them; a proxy in front says which.
fn base(own: &str, request: &Request) -> String {
    let (scheme, authority) = own.split_once("://").unwrap_or(("http", own));
    let forwarded = |name: &str| {
        let value = request.header(name)?;
        Some(value.split(',').next().unwrap_or_default().trim())
    };
    let scheme = forwarded("x-forwarded-proto").unwrap_or(scheme);
    let authority = forwarded("x-forwarded-host")
        .or_else(|| request.header("host"))
        .unwrap_or(authority);
    format!("{scheme}://{authority}")
}

/// Answers for Graph.
fn graph(machine: &mut Machine, request: &Request, moment: Moment<'_>) -> Reply {
    machine.requests += 1;
    let request_id = guid_from(&format!("request/{}", machine.requests));
    let identity = Identity {
        client_request_id: request
            .header("client-request-id")
            .unwrap_or(&request_id)
            .to_owned(),
        request_id,
        wall: moment.wall,
    };
    let mut place = String::new();
    let mut reply = match let_in(machine, request, moment, &mut place) {
        Ok(reply) => reply,
        Err(fault) => fault.reply(&identity, &place),
    };
    for (name, value) in [
        ("request-id", identity.request_id),
        ("client-request-id", identity.client_request_id),
    ] {
        reply.headers.push((name.to_owned(), value));
    }
    reply
}

fn let_in(
    machine: &mut Machine,
    request: &Request,
    moment: Moment<'_>,
    place: &mut String,
) -> Result<Reply, Fault> {
    let (path, query) = match request.target.split_once('?') {
        Some((path, query)) => (path, query),
        None => (request.target.as_str(), ""),
    };
    let segments = below_version(path)?;
    *place = segments.join("/");
    let caller = match moment.batch {
        Some(caller) => caller.clone(),
        None => {
            let header = request.header("authorization");
            let mut latest = machine.token.take();
            let caller = sign_in::check(machine.tenant(), header, moment.wall, &mut latest);
            machine.token = latest;
            caller?
        }
    };
    let call = Call {
        method: &request.method,
        place: message_place(&segments),
        segments,
        pairs: query::split(query)?,
        request,
        root: format!("{}/beta", moment.base),
        caller,
        now: moment.now,
        wall: moment.wall,
        in_batch: moment.batch.is_some(),
        url_length: moment.base.len() + request.target.len(),
    };
    place.clone_from(&call.place);
    deviations::refuse(machine.tenant(), machine.requests, &call)?;
    population::check_known(machine, &call)?;
    let reply = dispatch(machine, &call, moment)?;
    Ok(deviations::distort_response(machine.tenant(), &call, reply))
}

fn dispatch(machine: &mut Machine, call: &Call<'_>, moment: Moment<'_>) -> Result<Reply, Fault> {
    match call.segments.first().map(String::as_str) {
        Some("$batch") if call.segments.len() == 1 && !call.in_batch => {
            machine.statistics.batches += 1;
            let within = Moment {
                batch: Some(&call.caller),
                ..moment
            };
            let parts = batch::parts(call)?;
            let mut send = |part: &Request| graph(machine, part, within);
            let mut responses = batch::answers(parts, &mut send);
            // In no order that a client could lean on.
            machine.random.shuffle(&mut responses);
            Ok(batch::reply(responses))
        }
        Some(root @ ("deviceManagement" | "deviceAppManagement")) => {
            intune(machine, call, root, moment.wall)
        }
        Some("groups" | "users" | "devices" | "directoryObjects" | "directory") => {
            count(machine, call, false);
            let cost = directory::cost(&call.segments);
            machine.meter_directory(call, cost, moment.wall)?;
            let reply = references::answer(machine, call)
                .or_else(|| memberships::answer(machine, call))
                .or_else(|| population::answer(machine, call));
            let mut reply = reply.unwrap_or_else(|| directory::answer(machine, call))?;
            let unit = ("x-ms-resource-unit".to_owned(), cost.to_string());
            reply.headers.push(unit);
            Ok(reply)
        }
        other => Err(Fault::no_segment(other.unwrap_or_default())),
    }
}

fn intune(
    machine: &mut Machine,
    call: &Call<'_>,
    root: &str,
    wall: SystemTime,
) -> Result<Reply, Fault> {
    let is_write = call.method != "GET";
    count(machine, call, is_write);
    let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    let (name, rest) = match segments.as_slice() {
        [_, name, rest @ ..] => (*name, rest),
        _ => (root, &[][..]),
    };
    let collection = Collection::named(name).filter(|found| found.spec().root == root);
    let is_filters = root == "deviceManagement" && name == "assignmentFilters";
    let pool = match collection {
        Some(collection) => collection.spec().pool,
        None if is_filters => Pool::Catalog,
        None => Pool::Shared,
    };
    machine.meter_intune(call, pool, is_write, wall)?;
    let Some(collection) = collection else {
        if is_filters {
            return filters::answer(machine, call, rest);
        }
        if root == "deviceManagement" && name == "managedDeviceOverview" && rest.is_empty() {
            return population::overview(machine, call);
        }
        if root == "deviceManagement" && name == "evaluateAssignmentFilter" && rest.is_empty() {
            return match call.method {
                "POST" => evaluation::answer(machine, call),
                verb => Err(Fault::no_route("action", verb, "/DeviceConfigV2", name)),
            };
        }
        if root == "deviceManagement" && name == "auditEvents" {
            return audit::answer(machine, call, rest);
        }
        return match name {
            approvals::REQUESTS if root == "deviceManagement" => {
                approvals::requests(machine, call, rest)
            }
            approvals::POLICIES if root == "deviceManagement" => {
                approvals::policies(machine, call, rest)
            }
            _ => Err(Fault::no_segment(name)),
        };
    };
    let unavailable = &machine.tenant().service.unavailable;
    if unavailable.iter().any(|other| other == name) {
        // CIPP#2541.
        return Err(Fault::no_segment(name));
    }
    if let Some(reply) = policies::answer(machine, call, collection, rest) {
        return reply;
    }
    let reply = assignments::answer(machine, call, collection, rest)?;
    if is_write {
        machine.complete_approval(call, collection);
    }
    Ok(reply)
}

fn count(machine: &mut Machine, call: &Call<'_>, is_write: bool) {
    let statistics = &mut machine.statistics;
    if is_write {
        statistics.writes += 1;
    } else {
        statistics.reads += 1;
    }
    if call.in_batch {
        statistics.batch_members += 1;
    }
    let mut kind: Vec<&str> = call.segments.iter().map(String::as_str).collect();
    if kind
        .first()
        .is_some_and(|root| matches!(*root, "deviceManagement" | "deviceAppManagement"))
    {
        kind.remove(0);
    }
    for (index, segment) in kind.iter_mut().enumerate() {
        if index % 2 == 1 && *segment != "getByIds" {
            *segment = "{id}";
        }
    }
    let kind = format!("{} {}", call.method, kind.join("/"));
    *statistics.by_path.entry(kind).or_default() += 1;
}
