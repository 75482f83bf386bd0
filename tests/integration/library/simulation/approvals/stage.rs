//! The tenant, the runs, and the people of a story.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use assignctl::apply::ObserveApply;
use assignctl::auth::StaticToken;
use assignctl::model::PolicyKind;
use assignctl::plan::writes::WriteWith;
use assignctl::plan::{Plan, PlannedPolicy};
use assignctl::report::{self, Outcome, PolicyResult, ReasonCode, Recorded, Results};
use assignctl::run::approvals::{RequestFilter, cancel, list};
use assignctl::run::filed_requests::find_filed_requests;
use assignctl::run::plan::{PlanRequest, Planning};
use assignctl::run::resume::plan_resume;
use assignctl_sandbox::{
    ApprovalRequest, ApprovalStatus, Collection, Decision, Machine, Party, SameBody, Tenant,
    guid_from, target,
};
use serde_json::Value;

use super::super::scenario::one_of;
use super::super::seeds::say;
use super::super::{Mortal, faults};
use super::checks::{
    all_devices_were_free, codes_are_used_rightly, filings_are_needed,
    nothing_that_waits_is_dropped,
};
use super::{HOUR, Seen};
use crate::library::property::policies;
use crate::library::support::runs::service_settings;
use crate::library::support::wire::{Act, Deed, lock};
use crate::library::support::world::{Trouble, World, outcomes, published};
use crate::ordinary::{collection, of_what};

const KINDS: [&str; 2] = ["configurationPolicy", "windowsAutopilotDeploymentProfile"];

/// How a process ends.
#[derive(Clone, Copy, Debug)]
pub(super) enum End {
    Own,
    Killed(u32),
    Interrupted(usize),
}

/// A report that was not thrown away.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) text: String,
    /// The codes that can be resumed from it, once it was looked at.
    codes: Option<BTreeSet<String>>,
}

/// Everything of a story.
pub(super) struct Stage {
    pub(super) dice: fastrand::Rng,
    pub(super) world: World,
    /// The manifests of the days.
    pub(super) wishes: Vec<String>,
    pub(super) reports: Vec<Kept>,
    /// How many runs there were.
    runs: u64,
    /// Whether the service says what requests are for.
    is_open: bool,
    pub(super) calm: Arc<AtomicBool>,
    faults: Arc<AtomicUsize>,
    pub(super) killed: usize,
    found: usize,
    held: usize,
    pub(super) locked: usize,
}

pub(super) fn kind(name: &str) -> PolicyKind {
    PolicyKind::from_name(name).expect("a kind")
}

fn tenant(dice: &mut fastrand::Rng) -> Tenant {
    let mut tenant = Tenant::empty();
    tenant.service.token_lifetime = 100_000_000;
    tenant.service.page_size = 1000;
    tenant.service.max_page_size = 1000;
    let groups = ["A", "B", "C"].map(|name| tenant.add_group(name));
    for (name, most) in KINDS.into_iter().zip([4, 3]) {
        let kind = kind(name);
        for number in 0..dice.usize(0..most) {
            let name = format!("P {number}");
            let id = tenant.add_policy(collection(kind), &name, of_what(kind));
            let policy = tenant.policy_mut(collection(kind), &id).expect("a policy");
            for group in &groups {
                if dice.bool() {
                    policy.assign(target::group(group));
                }
            }
        }
    }
    let approval = &mut tenant.service.approval;
    approval.policy_types = vec!["configurationPolicy".to_owned()];
    if dice.u32(0..4) > 0 {
        approval.collections = vec!["windowsAutopilotDeploymentProfiles".to_owned()];
    }
    approval.listing_delay = f64::from(one_of(dice, [0_u8, 0, 2, 8]));
    approval.older_answers = dice.u32(0..4) == 0;
    approval.conflict_without_justification = dice.bool();
    approval.people_hidden = dice.u32(0..4) == 0;
    approval.unpublished_hidden = dice.u32(0..12) == 0;
    approval.same_body = one_of(dice, [SameBody::Bytes, SameBody::Json]);
    approval.early_code = one_of(dice, [403, 409]);
    approval.used_code = one_of(dice, [403, 400]);
    approval.dead_code = one_of(dice, [403, 400]);
    tenant
}

fn wish(dice: &mut fastrand::Rng, tenant: &Tenant) -> String {
    let mut text = "version: 1\npolicies:\n".to_owned();
    for name in KINDS {
        if tenant.policies(collection(kind(name))).is_empty() {
            continue;
        }
        let groups = ["A", "B", "C"].into_iter().filter(|_| dice.bool());
        let groups: Vec<String> = groups.map(|name| format!("{{group: {name}}}")).collect();
        let include = groups.join(", ");
        let entry = format!("  - {{kind: {name}, match: '*', include: [{include}]}}\n");
        text.push_str(&entry);
    }
    text
}

/// How many profiles there are where all devices move between them.
const PROFILES: usize = 3;

/// Assigns one of some profiles to all devices; only one can have them.
fn give_all_devices(dice: &mut fastrand::Rng, tenant: &mut Tenant) {
    let kind = kind(KINDS[1]);
    let place = collection(kind);
    for number in tenant.policies(place).len()..PROFILES {
        tenant.add_policy(place, &format!("P {number}"), of_what(kind));
    }
    let id = tenant.policies(place)[dice.usize(0..PROFILES)].id.clone();
    let holder = tenant.policy_mut(place, &id).expect("a profile");
    holder.assign(target::all_devices());
}

impl Stage {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = fastrand::Rng::with_seed(seed);
        let mut tenant = tenant(&mut dice);
        // In half of the stories; seeds that once failed are among the others.
        let mut moves = (seed % 4 > 1).then(|| fastrand::Rng::with_seed(!seed));
        if let Some(dice) = &mut moves {
            give_all_devices(dice, &mut tenant);
        }
        if policies(&tenant).next().is_none() {
            tenant.add_policy(collection(kind(KINDS[0])), "P 0", "windows10");
        }
        let mut wishes: Vec<String> = (0..3).map(|_| wish(&mut dice, &tenant)).collect();
        if let Some(dice) = &mut moves {
            for wish in &mut wishes {
                let (kind, number) = (KINDS[1], dice.usize(0..PROFILES));
                let entry =
                    format!("  - {{kind: {kind}, name: P {number}, include: [allDevices]}}\n");
                wish.push_str(&entry);
            }
        }
        let stage = Self::with(tenant, wishes, dice);
        stage.disturb();
        stage
    }

    /// A story in which nothing goes wrong by itself.
    pub(super) fn with(tenant: Tenant, wishes: Vec<String>, dice: fastrand::Rng) -> Self {
        let is_open = !tenant.service.approval.unpublished_hidden;
        let stage = Self {
            world: World::new(tenant),
            wishes,
            reports: Vec::new(),
            runs: 0,
            is_open,
            calm: Arc::default(),
            faults: Arc::default(),
            killed: 0,
            found: 0,
            held: 0,
            locked: 0,
            dice,
        };
        stage.world.wire.keep_answers();
        stage
    }

    /// Sets what becomes of requests, and lets approvers decide while runs go on.
    fn disturb(&self) {
        let mut dice = self.dice.clone();
        let percent = one_of(&mut dice, [0, 2, 10, 30]);
        let (calm, faults) = (Arc::clone(&self.calm), Arc::clone(&self.faults));
        let service = self.world.service.clone();
        let start = tokio::time::Instant::now();
        let began = self.world.wall();
        self.world.wire.rule(move |sent| {
            if calm.load(Ordering::Relaxed) {
                return Deed::from(Act::Pass);
            }
            if dice.u32(0..60) == 0 {
                let (service, mut dice) = (service.clone(), dice.fork());
                let wait = Duration::from_millis(dice.u64(0..2000));
                tokio::spawn(async move {
                    tokio::time::sleep(wait).await;
                    let wall = began + start.elapsed();
                    service.with_machine(|machine| decide_some(&mut dice, machine, wall));
                });
            }
            let (deed, is_fault) = faults::fate(&mut dice, sent, percent);
            faults.fetch_add(usize::from(is_fault), Ordering::Relaxed);
            deed
        });
    }

    /// Lets a process begin: it has nothing but the service, the manifests and the reports.
    fn start_process(&mut self) {
        let token = StaticToken::new(&self.world.service.mint_token()).expect("a token");
        self.runs += 1;
        self.world.restart(published(), Box::new(token), self.runs);
        self.world.resumed = None;
        let began = Some(self.now());
        let settings = &mut self.world.settings;
        settings.concurrency = one_of(&mut self.dice, [1, 8]);
        settings.write_with = one_of(&mut self.dice, WriteWith::ALL);
        settings.fail_fast = self.dice.u32(0..8) == 0;
        settings.approval.justification =
            (self.dice.u32(0..10) > 0).then(|| format!("run {}", self.runs));
        settings.approval.wait = HOUR * one_of(&mut self.dice, [0, 0, 1]);
        settings.approval.filed.clear();
        settings.approval.began = began;
    }

    /// Applies what is wanted today.
    pub(super) async fn apply(&mut self, end: End) {
        let wish = one_of(&mut self.dice, [0, 0, 0, 1, 2]);
        self.start_process();
        self.apply_wish(wish, end).await;
    }

    pub(super) async fn apply_wish(&mut self, wish: usize, end: End) {
        let first = self.world.wire.log().len();
        let texts = vec![("m.yaml".to_owned(), self.wishes[wish].clone())];
        match self.world.try_plan_texts(texts).await {
            Ok(plan) => self.carry_out(&plan, first, end).await,
            Err(Trouble::Unread(_)) => {}
            Err(Trouble::Invalid(found)) => panic!("{found:#?}"),
        }
    }

    /// Resumes any of the reports.
    pub(super) async fn resume(&mut self, end: End) {
        let Some(number) = self.dice.choice(0..self.reports.len()) else {
            return;
        };
        self.start_process();
        let report = self.reports[number].text.clone();
        let is_resumed = self.resume_report(&report, end).await;
        // The report of the run that resumes stands for the one that it came from.
        if is_resumed && self.dice.bool() {
            self.reports.remove(number);
        }
    }

    /// Resumes a report; returns whether the run came to have one of its own.
    pub(super) async fn resume_report(&mut self, report: &str, end: End) -> bool {
        let first = self.world.wire.log().len();
        let Some(plan) = self.plan_resume(report).await else {
            return false;
        };
        self.carry_out(&plan, first, end).await;
        true
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::try_from(self.world.wall()).expect("a time")
    }

    async fn plan_resume(&mut self, report: &str) -> Option<Plan> {
        let service = service_settings();
        let request = PlanRequest {
            write_with: Some(self.world.settings.write_with),
            ..PlanRequest::default()
        };
        let planning = Planning {
            client: &self.world.client,
            service: &service,
            request: &request,
            stop: &self.world.stop,
        };
        let recorded = read(report);
        let input = plan_resume(recorded.clone(), self.now(), planning).await;
        let input = input.ok()?;
        nothing_that_waits_is_dropped(&recorded, &input);
        *lock(&self.world.names) = input.plan.annotations.names.clone();
        self.world.settings.approval.filed = input.context.filed.clone();
        // The time that went by as requests were looked for.
        self.world.settings.approval.began = Some(self.now());
        let plan = input.plan.plan.clone();
        self.world.resumed = Some(input);
        Some(plan)
    }

    /// Carries a plan out until the end that is meant for the process, and checks what it sent.
    pub(super) async fn carry_out(&mut self, plan: &Plan, first: usize, end: End) {
        let applying = self.world.apply_watched(plan, &Silent);
        let results = match end {
            End::Own => Some(applying.await),
            End::Killed(steps) => {
                Mortal {
                    work: Box::pin(applying),
                    steps,
                }
                .await
            }
            End::Interrupted(number) => {
                let stop = self.world.stop.clone();
                let now = self.world.wire.log().len();
                self.world.wire.interrupt_at(now + number, stop);
                Some(applying.await)
            }
        };
        let text = lock(&self.world.report).text();
        if std::env::var_os("LOG").is_some() {
            self.print(first, &text, results.as_ref());
        }
        self.reports.push(Kept { text, codes: None });
        let log = self.world.wire.log();
        filings_are_needed(&log[first..]);
        let tenant = self.world.tenant();
        codes_are_used_rightly(&log[first..], &tenant, plan);
        all_devices_were_free(&log[first..]);
        match results {
            None => self.killed += 1,
            Some(results) => {
                pending_is_true(plan, &results, &tenant);
                let reasons = results
                    .settled
                    .iter()
                    .filter_map(|settled| settled.reason.as_ref());
                self.held += reasons
                    .filter(|reason| reason.code == ReasonCode::TargetHeld)
                    .count();
            }
        }
    }

    fn print(&self, first: usize, report: &str, results: Option<&Results>) {
        for sent in &self.world.wire.log()[first..] {
            let end = sent.end.map(|(at, status)| (at, status.unwrap_or(0)));
            say(format_args!(
                "{} {:?} -> {end:?} {} {} {:?}",
                sent.number, sent.at, sent.method, sent.path, sent.headers
            ));
        }
        let said = results.map(outcomes);
        say(format_args!("{report}{said:?}\n"));
    }

    /// Approvers look at some of what waits.
    pub(super) fn approve_some(&mut self) {
        let wall = self.world.wall();
        let mut dice = self.dice.fork();
        let service = &self.world.service;
        service.with_machine(|machine| decide_some(&mut dice, machine, wall));
    }

    /// Another administrator changes a policy, or files a change of it.
    pub(super) fn somebody_else(&mut self) {
        let wall = self.world.wall();
        let files = self.dice.bool();
        let tenant = self.world.tenant();
        let Some((place, policy)) = self.dice.choice(policies(&tenant).collect::<Vec<_>>()) else {
            return;
        };
        let group = self.dice.choice(tenant.groups.clone()).expect("a group");
        let time = jiff::Timestamp::try_from(wall).expect("a time");
        let is_locked = tenant.approval_requests.iter().any(|request| {
            request.object == policy.id && request.status.is_open() && time < request.expires
        });
        self.world.service.with_machine(|machine| {
            if !files {
                let policy = machine.tenant_mut().policy_mut(place, &policy.id);
                let policy = policy.expect("a policy");
                policy.assignments.clear();
                policy.assign(target::group(&group.id));
            } else if !is_locked {
                let request = anothers(&tenant, place, &policy.id, &group.id, time);
                machine.tenant_mut().approval_requests.push(request);
            }
        });
    }

    /// Withdraws what a run has filed.
    pub(super) async fn cancel(&mut self) {
        let Some(report) = self.dice.choice(self.reports.clone()) else {
            return;
        };
        self.start_process();
        let began = self.now();
        let (client, stop) = (&self.world.client, &self.world.stop);
        let which = RequestFilter::Filed(Box::new(read(&report.text)));
        let Ok(listed) = list(client, which, began, stop).await else {
            return;
        };
        cancel(&listed.open, client, stop)
            .await
            .expect("no end of it");
        let tenant = self.world.tenant();
        for request in tenant.approval_requests {
            let is_cancelled = request.status == ApprovalStatus::Cancelled;
            assert!(
                !(is_cancelled && is_anothers(&request)),
                "another's request was withdrawn"
            );
        }
    }

    /// Every request of ours that is open can be resumed from a report.
    pub(super) async fn no_code_is_lost(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        // What is still under way arrives, and is listed.
        tokio::time::sleep(Duration::from_secs(60)).await;
        self.start_process();
        let began = self.now();
        for report in &mut self.reports {
            if report.codes.is_some() {
                continue;
            }
            let recorded = read(&report.text);
            let told: BTreeSet<String> = recorded
                .policies
                .iter()
                .filter_map(|policy| Some(policy.approval.as_ref()?.code.clone()))
                .collect();
            let filings = find_filed_requests(recorded.policies, &self.world.client, began);
            let filings = filings.await.expect("a list");
            let codes = filings.known.into_iter().map(|(_, approval)| approval.code);
            let codes: BTreeSet<String> = codes.collect();
            self.found += codes.difference(&told).count();
            report.codes = Some(codes);
        }
        self.calm.store(false, Ordering::Relaxed);
        let reports = self.reports.iter();
        let known: BTreeSet<&String> = reports
            .filter_map(|report| report.codes.as_ref())
            .flatten()
            .collect();
        let now = self.now();
        for request in self.world.tenant().approval_requests {
            let is_open = request.status.is_open() && now < request.expires;
            let is_lost = !known.contains(&request.id) && !is_anothers(&request);
            assert!(
                !(self.is_open && is_open && is_lost),
                "nothing resumes {request:#?}"
            );
        }
    }

    /// Lets everything be well, approves everything, and brings about what is wanted.
    pub(super) async fn come_to_an_end(&mut self) {
        self.calm.store(true, Ordering::Relaxed);
        tokio::time::sleep(HOUR * 24 * 4).await;
        let plan = self.world.plan(&self.wishes[0]).await;
        self.begin_the_last();
        let first = self.world.wire.log().len();
        self.carry_out(&plan, first, End::Own).await;
        for _ in 0..20 {
            tokio::time::sleep(HOUR).await;
            self.approve_all();
            let report = self.reports.last().expect("a report").text.clone();
            self.begin_the_last();
            let first = self.world.wire.log().len();
            let plan = self.plan_resume(&report).await.expect("a plan");
            if plan.is_empty() {
                break;
            }
            self.carry_out(&plan, first, End::Own).await;
        }
        let plan = self.world.plan(&self.wishes[0]).await;
        assert!(plan.is_empty(), "{:#?}", plan.policies);
    }

    pub(super) fn begin_the_last(&mut self) {
        self.start_process();
        let settings = &mut self.world.settings;
        settings.fail_fast = false;
        settings.approval.justification = Some("the last".to_owned());
        settings.approval.wait = Duration::ZERO;
    }

    /// Whether a request of ours is open.
    pub(super) fn has_open(&self) -> bool {
        let requests = self.world.tenant().approval_requests;
        let mut own = requests.iter().filter(|request| !is_anothers(request));
        own.any(|request| request.status.is_open())
    }

    pub(super) fn approve_all(&self) {
        let wall = self.world.wall();
        self.world.service.with_machine(|machine| {
            for code in waiting(machine) {
                machine.decide(&code, Decision::Approve, None, None, wall);
            }
        });
    }

    pub(super) fn seen(&self) -> Seen {
        let tenant = self.world.tenant();
        let own = tenant.approval_requests.iter();
        let own: Vec<_> = own.filter(|request| !is_anothers(request)).collect();
        let of = |status: ApprovalStatus| {
            let requests = own.iter();
            requests.filter(|request| request.status == status).count()
        };
        let now = self.now();
        Seen {
            seeds: 1,
            filed: own.len(),
            completed: of(ApprovalStatus::Completed),
            rejected: of(ApprovalStatus::Rejected),
            expired: own
                .iter()
                .filter(|request| request.status.is_open() && request.expires <= now)
                .count(),
            withdrawn: of(ApprovalStatus::Cancelled),
            killed: self.killed,
            found: self.found,
            held: self.held,
            locked: self.locked,
            faults: self.faults.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn is_anothers(request: &ApprovalRequest) -> bool {
    request.justification == "another's"
}

pub(super) fn anothers(
    tenant: &Tenant,
    place: Collection,
    id: &str,
    group: &str,
    time: jiff::Timestamp,
) -> ApprovalRequest {
    let number = tenant.approval_requests.len();
    let body = serde_json::json!({"assignments": [{"target": target::group(group)}]});
    ApprovalRequest {
        id: guid_from(&format!("another's {number}")),
        collection: place.segment().to_owned(),
        object: id.to_owned(),
        method: "POST".to_owned(),
        path: format!("deviceManagement/{}/{id}/assign", place.segment()),
        body: body.to_string(),
        requestor: Party {
            application: guid_from("another application"),
            user: None,
        },
        justification: "another's".to_owned(),
        approver: None,
        approval_justification: None,
        filed: time,
        expires: time + jiff::SignedDuration::from_hours(72),
        changed: time,
        status: ApprovalStatus::NeedsApproval,
    }
}

pub(super) fn read(report: &str) -> Recorded {
    report::read(report.as_bytes()).expect("a report")
}

fn waiting(machine: &Machine) -> Vec<String> {
    let requests = machine.tenant().approval_requests.iter();
    requests
        .filter(|request| request.status == ApprovalStatus::NeedsApproval)
        .map(|request| request.id.clone())
        .collect()
}

fn decide_some(dice: &mut fastrand::Rng, machine: &mut Machine, wall: std::time::SystemTime) {
    for code in waiting(machine) {
        let decision = match dice.u32(0..10) {
            0..5 => Decision::Approve,
            5 => Decision::Reject,
            _ => continue,
        };
        machine.decide(&code, decision, None, Some("words"), wall);
    }
}

/// What is said to wait does so, for this policy.
fn pending_is_true(plan: &Plan, results: &Results, tenant: &Tenant) {
    for (policy, settled) in plan.changed().zip(&results.settled) {
        if let (Outcome::Pending, Some(approval)) = (settled.outcome, &settled.approval) {
            let mut requests = tenant.approval_requests.iter();
            let request = requests.find(|request| request.id == approval.code);
            let request = request.unwrap_or_else(|| panic!("no request: {}", outcomes(results)));
            assert_eq!(request.object, policy.id);
            // Where the service does not say who filed it, the same write is taken for our own.
            let is_hidden = tenant.service.approval.people_hidden;
            let is_wrong = is_anothers(request) && !is_hidden;
            assert!(!is_wrong, "another's: {}", outcomes(results));
            let body = approval.body.as_deref().unwrap_or_default();
            let of = |text: &str| serde_json::from_str::<Value>(text).ok();
            assert_eq!(of(body), of(&request.body), "another write");
        }
    }
}

/// Looks away.
struct Silent;

impl ObserveApply for Silent {
    fn settled(&self, _: &PlannedPolicy, _: &PolicyResult, _: usize, _: usize) {}
}
