//! The state machine: one request in, one answer out, and time as a value.
//!
//! What it knows beside the tenant is what the service would know: who called how often, which
//! writes are not yet visible, and how many requests there were.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::changes::Changes;
use super::encoding::{base64_decode, guid_from, percent_decode};
use super::index::Index;
use super::kinds::Collection;
use super::path::{below_version, message_place};
use super::query::{self, Options};
use super::reply::{Fault, HTTP_DATE, Identity, Reply, date};
use super::request::{Request, Response, Statistics};
use super::switches::RetryAfter;
use super::tenant::{Assignment, Group, Policy, Tenant};
use super::throttle::Meter;
use super::token::{self, Caller};
use super::{batch, directory, policies};

/// Looks at a request before the machine does, and may answer it in its place.
pub type Hook = Box<dyn FnMut(&Request, Duration) -> Option<Response> + Send>;

/// The state machine.
pub struct Machine {
    tenant: Tenant,
    base: String,
    /// Where things stand; made anew after a change that may have moved some.
    index: OnceLock<Index>,
    changes: Changes,
    statistics: Statistics,
    meter: Meter,
    /// For each policy the rows from before each write that is not yet visible.
    unseen: HashMap<String, Vec<(Duration, Vec<Assignment>)>>,
    approved: HashSet<String>,
    /// The latest token that was sent.
    token: Option<token::Read>,
    requests: u64,
    pub(super) random: fastrand::Rng,
    hook: Option<Hook>,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("base", &self.base)
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}

/// A request to Graph that is let in, taken apart.
#[derive(Debug)]
pub(super) struct Call<'a> {
    pub(super) method: &'a str,
    /// The decoded segments below the version, keys in parentheses split off.
    pub(super) segments: Vec<String>,
    /// The path below the version, as in the service's own messages.
    pub(super) place: String,
    pub(super) pairs: Vec<(String, String)>,
    pub(super) request: &'a Request,
    /// The version root, as the caller sees it.
    pub(super) root: String,
    pub(super) caller: Caller,
    pub(super) now: Duration,
    pub(super) in_batch: bool,
    pub(super) url_length: usize,
}

impl Call<'_> {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.request.header(name)
    }

    /// Returns the text of `@odata.context` for something.
    pub(super) fn context(&self, of: &str) -> String {
        format!("{}/$metadata#{of}", self.root)
    }
}

/// What stays the same for all requests of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment<'a> {
    pub(super) base: &'a str,
    pub(super) now: Duration,
    pub(super) wall: SystemTime,
    /// The caller of the batch that a request belongs to.
    pub(super) batch: Option<&'a Caller>,
}

impl Machine {
    /// Makes a machine; `base` is scheme and authority for links, where a request names none.
    pub fn new(tenant: Tenant, base: String) -> Self {
        Self {
            tenant,
            base: base.trim_end_matches('/').to_owned(),
            index: OnceLock::new(),
            changes: Changes::default(),
            statistics: Statistics::default(),
            meter: Meter::default(),
            unseen: HashMap::new(),
            approved: HashSet::new(),
            token: None,
            requests: 0,
            random: fastrand::Rng::with_seed(1),
            hook: None,
        }
    }

    /// Answers a request. `now` is the time since the machine was made, `wall` the clock's.
    pub fn answer(&mut self, request: &Request, now: Duration, wall: SystemTime) -> Response {
        if let Some(hook) = &mut self.hook
            && let Some(response) = hook(request, now)
        {
            return response;
        }
        let base = match (request.header("host"), self.base.split_once("://")) {
            (Some(host), Some((scheme, _))) => format!("{scheme}://{host}"),
            (Some(host), None) => format!("http://{host}"),
            (None, _) => self.base.clone(),
        };
        let moment = Moment {
            base: &base,
            now,
            wall,
            batch: None,
        };
        let reply = match self.sign_in(request, moment) {
            Some((status, body)) => Reply::json(status, &body),
            None => self.graph(request, moment),
        };
        let mut headers = reply.headers;
        headers.push(("Date".to_owned(), date(wall, HTTP_DATE)));
        let body = reply.body.map_or_else(Vec::new, |body| {
            let form = "application/json; odata.metadata=minimal; charset=utf-8";
            headers.push(("Content-Type".to_owned(), form.to_owned()));
            body.into_bytes()
        });
        Response {
            status: reply.status,
            headers,
            body,
        }
    }

    /// Returns the tenant as it is.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Returns the tenant to be changed behind the clients' backs. Such changes are seen at once.
    pub fn tenant_mut(&mut self) -> &mut Tenant {
        self.index.take();
        self.changes = Changes::Everything;
        &mut self.tenant
    }

    /// Returns what has changed since this was asked the last time.
    pub(super) fn take_changes(&mut self) -> Changes {
        std::mem::take(&mut self.changes)
    }

    /// Returns where things stand.
    pub(super) fn index(&self) -> &Index {
        self.index.get_or_init(|| Index::new(&self.tenant))
    }

    /// Finds a policy by its id, and its place.
    pub(super) fn policy_with(&self, collection: Collection, id: &str) -> Option<(usize, &Policy)> {
        let policies = self.tenant.policies(collection);
        self.index()
            .policies(collection)
            .with_id(id)
            .filter_map(|place| Some((place, policies.get(place)?)))
            .find(|(_, policy)| policy.id.eq_ignore_ascii_case(id))
    }

    /// Finds the groups of an id.
    pub(super) fn groups_with(&self, id: &str) -> impl Iterator<Item = &Group> {
        let places = self.index().groups().with_id(id);
        places
            .filter_map(|place| self.tenant.groups.get(place))
            .filter(move |group| group.id.eq_ignore_ascii_case(id))
    }

    /// Returns how many requests there were.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Sets what looks at each request before the machine does; batch members go past it.
    pub fn set_hook(&mut self, hook: Option<Hook>) {
        self.hook = hook;
    }

    /// Counts requests of another application, which take their share of the tenant's limits.
    pub fn load_from_another_app(&mut self, now: Duration, reads: u32, writes: u32) {
        let limits = &self.tenant.service.throttling;
        for index in 0..reads.saturating_add(writes) {
            self.meter
                .intune(limits, "another app", index < writes, now);
        }
    }

    /// Approves a write that waits for a second administrator, by the code of its refusal.
    pub fn approve(&mut self, code: &str) {
        self.approved.insert(code.to_owned());
    }

    /// Makes a token that the machine accepts.
    pub fn mint_token(&self, wall: SystemTime) -> String {
        let app = guid_from("application");
        token::mint(
            &self.tenant,
            &app,
            &self.tenant.service.roles,
            &self.base,
            wall,
        )
    }

    /// Answers for the sign-in service, which stands at the root of the same host.
    fn sign_in(&mut self, request: &Request, moment: Moment<'_>) -> Option<(u16, Value)> {
        let path = request.target.split('?').next().unwrap_or_default();
        let path = percent_decode(path, false)?;
        let segments: Vec<&str> = path.split('/').skip(1).collect();
        let base = moment.base;
        match (request.method.as_str(), segments.as_slice()) {
            ("POST", [named, "oauth2", "v2.0", "token"]) => {
                let form = request.header("content-type").unwrap_or_default();
                let answer =
                    token::token(&self.tenant, named, form, &request.body, base, moment.wall);
                if answer.0 == 200 {
                    self.statistics.tokens += 1;
                }
                Some(answer)
            }
            ("GET", [named, "v2.0", ".well-known", "openid-configuration"]) => {
                if !token::is_this(&self.tenant, named) && *named != "common" {
                    return Some((400, json!({"error": "invalid_tenant"})));
                }
                Some((
                    200,
                    json!({
                        "issuer": format!("{base}/{}/v2.0", self.tenant.tenant_id),
                        "token_endpoint": format!("{base}/{named}/oauth2/v2.0/token"),
                        "authorization_endpoint": format!("{base}/{named}/oauth2/v2.0/authorize"),
                        "jwks_uri": format!("{base}/{named}/discovery/v2.0/keys"),
                    }),
                ))
            }
            ("GET", ["common", "discovery", "instance"]) => Some((
                200,
                json!({
                    "tenant_discovery_endpoint": format!(
                        "{base}/{}/v2.0/.well-known/openid-configuration",
                        self.tenant.tenant_id
                    ),
                    "api-version": "1.1",
                    "metadata": [],
                }),
            )),
            _ => None,
        }
    }

    /// Answers for Graph.
    pub(super) fn graph(&mut self, request: &Request, moment: Moment<'_>) -> Reply {
        self.requests += 1;
        let request_id = guid_from(&format!("request/{}", self.requests));
        let identity = Identity {
            client_request_id: request
                .header("client-request-id")
                .unwrap_or(&request_id)
                .to_owned(),
            request_id,
            wall: moment.wall,
        };
        let mut place = String::new();
        let mut reply = match self.let_in(request, moment, &mut place) {
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
        &mut self,
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
                token::check(&self.tenant, header, moment.wall, &mut self.token)?
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
            in_batch: moment.batch.is_some(),
            url_length: moment.base.len() + request.target.len(),
        };
        place.clone_from(&call.place);
        match call.segments.first().map(String::as_str) {
            Some("$batch") if call.segments.len() == 1 && !call.in_batch => {
                self.statistics.batches += 1;
                batch::answer(self, &call, moment)
            }
            Some("deviceManagement") => {
                let write = call.method != "GET";
                self.count(&call, write);
                let limits = &self.tenant.service.throttling;
                let app = &call.caller.app;
                if let Some(wait) = self.meter.intune(limits, app, write, call.now) {
                    return Err(self.throttled(wait, moment.wall));
                }
                policies::answer(self, &call)
            }
            Some("groups" | "directoryObjects") => {
                self.count(&call, false);
                let limits = &self.tenant.service.throttling;
                let cost = directory::cost(&call.segments);
                let app = &call.caller.app;
                if let Some(wait) = self.meter.directory(limits, app, cost, call.now) {
                    return Err(self.throttled(wait, moment.wall));
                }
                let mut reply = directory::answer(self, &call)?;
                let unit = ("x-ms-resource-unit".to_owned(), cost.to_string());
                reply.headers.push(unit);
                Ok(reply)
            }
            other => Err(Fault::no_segment(other.unwrap_or_default())),
        }
    }

    fn count(&mut self, call: &Call<'_>, write: bool) {
        if write {
            self.statistics.writes += 1;
        } else {
            self.statistics.reads += 1;
        }
        if call.in_batch {
            self.statistics.batch_members += 1;
        }
        let mut kind: Vec<&str> = call.segments.iter().map(String::as_str).collect();
        if kind.first() == Some(&"deviceManagement") {
            kind.remove(0);
        }
        for (index, segment) in kind.iter_mut().enumerate() {
            if index % 2 == 1 && *segment != "getByIds" {
                *segment = "{id}";
            }
        }
        let kind = format!("{} {}", call.method, kind.join("/"));
        *self.statistics.by_path.entry(kind).or_default() += 1;
    }

    /// Makes a 429 with the form of `Retry-After` that is switched on (facts, section 3).
    fn throttled(&mut self, wait: Duration, wall: SystemTime) -> Fault {
        self.statistics.throttled += 1;
        let seconds = wait.as_secs_f64();
        let whole = format!("{:.0}", seconds.ceil().max(1.0));
        let plain = Fault::plain(429, "TooManyRequests", "Too many requests.");
        match self.tenant.service.throttling.retry_after {
            RetryAfter::Seconds => plain.header("Retry-After", whole),
            RetryAfter::LowerCase => plain.header("retry-after", whole),
            RetryAfter::Fraction => {
                // Rounded up, so that a client that waits just as long is let in.
                let wait = (seconds * 1000.0).ceil() / 1000.0;
                plain.header("Retry-After", format!("{wait:.3}"))
            }
            RetryAfter::Date => {
                // A date has no fraction: the next full second after the wait.
                let then = wall.checked_add(wait + Duration::from_millis(999));
                plain.header("Retry-After", date(then.unwrap_or(wall), HTTP_DATE))
            }
            // almenscorner/IntuneCD#217.
            RetryAfter::Absent => Fault::wrapped(429, "TooManyRequests", "An error has occurred"),
        }
    }

    /// Refuses a write that a second administrator has to approve (facts, section 2.6).
    pub(super) fn approved(&self, call: &Call<'_>) -> Result<(), Fault> {
        if !self.tenant.service.multi_admin_approval {
            return Ok(());
        }
        let request = call.request;
        let body = String::from_utf8_lossy(&request.body);
        let code = guid_from(&format!("{} {}\n{body}", request.method, request.target));
        if call.header("x-msft-approval-code") == Some(&code) && self.approved.contains(&code) {
            return Ok(());
        }
        let justification = call
            .header("x-msft-approval-justification")
            .and_then(base64_decode)
            .and_then(|bytes| String::from_utf8(bytes).ok());
        match justification {
            Some(text) if (1..=1024).contains(&text.chars().count()) => Err(Fault::plain(
                412,
                "BadRequest",
                format!(
                    "Approval Required. Request Approval using the request ID returned \
                     x-msft-approval-code: {code}"
                ),
            )
            .header("x-msft-approval-code", code)),
            _ => Err(Fault::invalid(
                "Header 'x-msft-approval-justification' is required to request approval",
            )),
        }
    }

    /// Returns the size of an Intune list's pages.
    pub(super) fn page_size(&self, options: &Options) -> usize {
        let service = &self.tenant.service;
        options
            .top
            .unwrap_or(service.page_size)
            .min(service.max_page_size)
    }

    /// Returns the rows of a policy that a reader sees now.
    pub(super) fn shown<'a>(&'a self, policy: &'a Policy, now: Duration) -> &'a [Assignment] {
        let waiting = self.unseen.get(&policy.id).map_or(&[][..], Vec::as_slice);
        waiting
            .iter()
            .find(|(visible, _)| *visible > now)
            .map_or(&policy.assignments, |(_, before)| before)
    }

    /// Replaces the rows of a policy.
    pub(super) fn write(
        &mut self,
        collection: Collection,
        id: &str,
        rows: Vec<Assignment>,
        now: Duration,
    ) {
        let lag = self.tenant.service.read_after_write_lag;
        let lag = Duration::from_secs_f64(lag.clamp(0.0, 86_400.0));
        let place = self.policy_with(collection, id).map(|(place, _)| place);
        let policies = self.tenant.policies_mut(collection);
        let Some((place, policy)) = place.and_then(|place| Some((place, policies.get_mut(place)?)))
        else {
            return;
        };
        let before = std::mem::replace(&mut policy.assignments, rows);
        let waiting = self.unseen.entry(policy.id.clone()).or_default();
        waiting.retain(|(visible, _)| *visible > now);
        if !lag.is_zero() {
            waiting.push((now + lag, before));
        }
        self.changes.add(collection, place);
    }
}
