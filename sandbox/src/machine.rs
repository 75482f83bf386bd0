//! What the service knows: the tenant, who called how often, which writes are not yet visible.
//! `routes` says how a request is answered.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value};

use crate::audit::{self, Action, MOST_EVENTS, Written};
use crate::call::Call;
use crate::collections::{Collection, Pool};
use crate::encoding::guid_from;
use crate::members::MemberType;
use crate::odata::query::{Allowed, NO_FILTER, Options};
use crate::reply::{Fault, HTTP_DATE, date};
use crate::request::Statistics;
use crate::sign_in;
use crate::switches::RetryAfter;
use crate::tenant::{Assignment, Group, Policy, Tenant};
use crate::throttle::Meter;

/// The assignments of a policy from before a write, and until when readers see them.
type Unseen = (Duration, Vec<Assignment>);

/// A change of a group's members that the index does not show yet.
struct Unindexed {
    until: Duration,
    group: String,
    member: String,
    added: bool,
}

/// The state machine.
pub struct Machine {
    tenant: Tenant,
    pub(crate) base: String,
    /// Where each policy is, by its collection and its id in lower case.
    places: OnceLock<HashMap<(Collection, String), usize>>,
    has_changed: bool,
    pub(crate) statistics: Statistics,
    meter: Meter,
    /// For each policy the assignments from before each write that is not yet visible.
    unseen: HashMap<(Collection, String), Vec<Unseen>>,
    unindexed: Vec<Unindexed>,
    /// Whether the next read of app protection gives what was before.
    is_turn_of_old: Cell<bool>,
    /// Whether the next write to app protection that comes too soon is refused as missing.
    is_turn_of_missing: Cell<bool>,
    /// The latest token that was sent.
    pub(crate) token: Option<sign_in::Read>,
    /// When people's codes were asked about the last time.
    pub(crate) polls: sign_in::Polls,
    pub(crate) requests: u64,
    pub(crate) random: fastrand::Rng,
}

impl fmt::Debug for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Machine")
            .field("base", &self.base)
            .field("statistics", &self.statistics)
            .finish_non_exhaustive()
    }
}

impl Machine {
    /// Makes a machine; `base` is scheme and authority for links, where a request names none.
    pub fn new(tenant: Tenant, base: String) -> Self {
        Self {
            tenant,
            base: base.trim_end_matches('/').to_owned(),
            places: OnceLock::new(),
            has_changed: false,
            statistics: Statistics::default(),
            meter: Meter::default(),
            unseen: HashMap::new(),
            unindexed: Vec::new(),
            is_turn_of_old: Cell::new(false),
            is_turn_of_missing: Cell::new(false),
            token: None,
            polls: sign_in::Polls::new(),
            requests: 0,
            random: fastrand::Rng::with_seed(1),
        }
    }

    /// Returns the tenant as it is.
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Returns the tenant to be changed without a request. Such changes are seen at once.
    pub fn tenant_mut(&mut self) -> &mut Tenant {
        self.places.take();
        self.has_changed = true;
        &mut self.tenant
    }

    /// Returns the tenant for a change that leaves policies where they are.
    pub(crate) fn tenant_changed(&mut self) -> &mut Tenant {
        self.has_changed = true;
        &mut self.tenant
    }

    /// Returns whether anything has changed since this was asked the last time.
    pub(crate) fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.has_changed)
    }

    /// Returns how many requests there were.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// Counts requests of another application, which take their share of the tenant's limits.
    pub fn load_from_another_app(&mut self, now: Duration, reads: u32, writes: u32) {
        let limits = &self.tenant.service.throttling;
        for index in 0..reads.saturating_add(writes) {
            let is_write = index < writes;
            self.meter
                .intune(limits, Pool::Catalog, "another app", is_write, now);
        }
    }

    /// Makes a token that the machine accepts.
    pub fn mint_token(&self, wall: SystemTime) -> String {
        let app = guid_from("application");
        let roles = &self.tenant.service.roles;
        sign_in::mint(&self.tenant, &app, roles, &self.base, wall)
    }

    /// Adds a member to a group, or removes it.
    pub(crate) fn change_member(&mut self, group: &str, member: &str, added: bool, now: Duration) {
        let lag = self.tenant.service.membership_lag.clamp(0.0, 86_400.0);
        self.unindexed.retain(|change| change.until > now);
        self.unindexed.push(Unindexed {
            until: now + Duration::from_secs_f64(lag),
            group: group.to_ascii_lowercase(),
            member: member.to_ascii_lowercase(),
            added,
        });
        let mut groups = self.tenant_changed().groups.iter_mut();
        let Some(group) = groups.find(|known| known.id.eq_ignore_ascii_case(group)) else {
            return;
        };
        match added {
            true => group.members.push(member.to_owned()),
            false => group
                .members
                .retain(|known| !known.eq_ignore_ascii_case(member)),
        }
    }

    /// Returns the own members of a group as the index knows them.
    pub(crate) fn indexed_direct_members(&self, group: &Group, now: Duration) -> Vec<String> {
        let mut members = group.members.clone();
        // The latest change is undone first.
        for change in self.unindexed.iter().rev() {
            if change.until <= now || !change.group.eq_ignore_ascii_case(&group.id) {
                continue;
            }
            match change.added {
                true => members.retain(|known| !known.eq_ignore_ascii_case(&change.member)),
                false => members.push(change.member.clone()),
            }
        }
        members
    }

    /// Returns all members of a group as the index knows them.
    pub(crate) fn indexed_members(
        &self,
        group: &Group,
        now: Duration,
    ) -> Vec<(String, MemberType)> {
        let own = |group: &Group| self.indexed_direct_members(group, now);
        self.tenant.members_by(group, own)
    }

    fn place(&self, collection: Collection, id: &str) -> Option<usize> {
        let places = self.places.get_or_init(|| {
            let all = self.tenant.policies.iter();
            all.flat_map(|(collection, policies)| {
                let ids = policies.iter().enumerate();
                ids.map(|(place, policy)| ((*collection, policy.id.to_ascii_lowercase()), place))
            })
            .collect()
        });
        places.get(&(collection, id.to_ascii_lowercase())).copied()
    }

    /// Finds a policy by its id.
    pub(crate) fn policy(&self, collection: Collection, id: &str) -> Result<&Policy, Fault> {
        self.place(collection, id)
            .and_then(|place| self.tenant.policies(collection).get(place))
            .ok_or_else(Fault::not_found)
    }

    /// Counts a request to Intune, and refuses it beyond a limit.
    pub(crate) fn meter_intune(
        &mut self,
        call: &Call<'_>,
        pool: Pool,
        is_write: bool,
        wall: SystemTime,
    ) -> Result<(), Fault> {
        let limits = &self.tenant.service.throttling;
        let app = &call.caller.app;
        match self.meter.intune(limits, pool, app, is_write, call.now) {
            Some(wait) => Err(self.throttled(wait, wall)),
            None => Ok(()),
        }
    }

    /// Counts a request to the directory by its cost, and refuses it beyond the limit.
    pub(crate) fn meter_directory(
        &mut self,
        call: &Call<'_>,
        cost: u32,
        wall: SystemTime,
    ) -> Result<(), Fault> {
        let limits = &self.tenant.service.throttling;
        let app = &call.caller.app;
        match self.meter.directory(limits, app, cost, call.now) {
            Some(wait) => Err(self.throttled(wait, wall)),
            None => Ok(()),
        }
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

    /// Refuses a write that the caller may not make, or that says more than it may.
    pub(crate) fn may_write(
        &mut self,
        call: &Call<'_>,
        collection: Collection,
    ) -> Result<(), Fault> {
        let [_, write] = collection.spec().family.permissions();
        call.permit(&[write])?;
        let none = Allowed {
            options: &[],
            entity: collection.spec().element,
            properties: &[],
            expand: &[],
            grammar: NO_FILTER,
        };
        Options::read(&call.pairs, &none)?;
        self.check_approval(call, collection)
    }

    /// For how long writes to such policies are not yet visible.
    fn lag(&self, collection: Collection) -> Duration {
        let service = &self.tenant.service;
        let lag = match collection.spec().pool {
            Pool::ManagedApplications => service.managed_app_lag.max(service.read_after_write_lag),
            _ => service.read_after_write_lag,
        };
        Duration::from_secs_f64(lag.clamp(0.0, 86_400.0))
    }

    fn not_yet_visible(&self, policy: &Policy, now: Duration) -> Option<&[Assignment]> {
        let waiting = self.unseen.get(&(policy.collection, policy.id.clone()))?;
        let first = waiting.iter().find(|(visible, _)| *visible > now);
        first.map(|(_, before)| before.as_slice())
    }

    /// Returns the assignments of a policy that a reader sees now.
    pub(crate) fn shown<'a>(&'a self, policy: &'a Policy, now: Duration) -> &'a [Assignment] {
        let Some(before) = self.not_yet_visible(policy, now) else {
            return &policy.assignments;
        };
        // Reads of app protection flip between old and new for a while (kinds, section 5.12).
        let flips = policy.collection.spec().pool == Pool::ManagedApplications
            && self.tenant.service.managed_app_lag > 0.0;
        if flips && !self.is_turn_of_old.replace(!self.is_turn_of_old.get()) {
            return &policy.assignments;
        }
        before
    }

    /// Refuses a write to app protection that comes too soon after another. Two refusals are known, and a
    /// client may meet either.
    pub(crate) fn check_write_cooldown(&self, policy: &Policy, now: Duration) -> Result<(), Fault> {
        let is_managed = policy.collection.spec().pool == Pool::ManagedApplications;
        if is_managed
            && self.tenant.service.managed_app_lag > 0.0
            && self.not_yet_visible(policy, now).is_some()
        {
            let is_missing = self.is_turn_of_missing.get();
            self.is_turn_of_missing.set(!is_missing);
            return Err(match is_missing {
                true => Fault::wrapped(404, "ResourceNotFound", "An error has occurred"),
                false => Fault::wrapped(
                    412,
                    "ConditionNotMet",
                    "The condition is not met: another change is being processed",
                ),
            });
        }
        Ok(())
    }

    /// Replaces what a policy says of itself, and notes who did.
    pub(crate) fn edit(&mut self, call: &Call<'_>, policy: Policy) {
        let written = Written {
            collection: policy.collection,
            id: &policy.id,
            name: &policy.name,
            before: &[],
            after: &[],
        };
        let events = audit::events(call, Action::Edit, written, self.requests);
        self.note(events);
        let policies = self.tenant_changed().policies_mut(policy.collection);
        if let Some(known) = policies.iter_mut().find(|known| known.id == policy.id) {
            *known = policy;
        }
    }

    fn note(&mut self, events: Vec<Map<String, Value>>) {
        let kept = &mut self.tenant.audit_events;
        kept.extend(events);
        let old = kept.len().saturating_sub(MOST_EVENTS);
        kept.drain(..old);
    }

    /// Replaces the assignments of a policy as a caller asks, and notes who did.
    pub(crate) fn write(
        &mut self,
        call: &Call<'_>,
        action: Action,
        collection: Collection,
        id: &str,
        assignments: Vec<Assignment>,
    ) {
        let Some(place) = self.place(collection, id) else {
            return;
        };
        let Some(policy) = self.tenant.policies(collection).get(place) else {
            return;
        };
        let written = Written {
            collection,
            id: &policy.id,
            name: &policy.name,
            before: &policy.assignments,
            after: &assignments,
        };
        let events = audit::events(call, action, written, self.requests);
        self.note(events);
        self.replace(collection, id, assignments, call.now, 0.0);
    }

    /// Replaces the assignments of a policy, which shows no earlier than in so many seconds.
    pub(crate) fn replace(
        &mut self,
        collection: Collection,
        id: &str,
        assignments: Vec<Assignment>,
        now: Duration,
        own_lag: f64,
    ) {
        let own_lag = Duration::from_secs_f64(own_lag.clamp(0.0, 86_400.0));
        let lag = self.lag(collection).max(own_lag);
        let Some(place) = self.place(collection, id) else {
            return;
        };
        let policies = self.tenant.policies_mut(collection);
        let Some(policy) = policies.get_mut(place) else {
            return;
        };
        let before = std::mem::replace(&mut policy.assignments, assignments);
        let key = (collection, policy.id.clone());
        let waiting = self.unseen.entry(key).or_default();
        waiting.retain(|(visible, _)| *visible > now);
        if !lag.is_zero() {
            waiting.push((now + lag, before));
        }
        self.has_changed = true;
    }
}
