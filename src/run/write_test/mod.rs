//! `doctor --try-writes`: tries the ways of writing on one policy, and leaves it as it was.
//!
//! What is added is the exclusion of a group without members, which reaches no one. Each addition is a plan
//! that `apply` carries out, and so is each removal; the report is that of one run. While it goes on, its
//! lines say of the policy what it was before the first step, so that `rollback` restores that from wherever
//! the run ended.

mod subject;
mod verdict;

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::apply::{ApplyInput, ApplyRun};
use super::connect::ServiceSettings;
use super::doctor::Examined;
use super::explain::{NAMED, matching, not_found, of_kinds};
use super::plan::PreparedPlan;
use super::reviewed::check_configured_tenant;
use super::{Failure, unless_stopped};
use crate::apply::approval::Approval;
use crate::apply::{ObserveApply, Settings};
use crate::exit::Exit;
use crate::graph::Reader;
use crate::graph::client::Client;
use crate::graph::record::{Exchange, Recorder};
use crate::kinds::AssignmentProperties;
use crate::model::{
    Assignment, LiveGroup, LivePolicy, PolicyKind, SharedText, Target, assignments,
    same_assignments,
};
use crate::plan::rollback::{AppliedPolicy, as_recorded};
use crate::plan::writes::{CreateRoute, Strategy, WriteWith, strategy};
use crate::plan::{Annotations, Names, Plan, PlanContents, PlannedPolicy};
use crate::report::{Outcome, PolicyResult, ReasonCode};
use crate::service::{Finding, State};
use subject::{check, group};
use verdict::{answers, is_late, is_taken_write, judged, lag};

/// What is to be tried.
#[derive(Debug)]
pub struct WriteTest {
    /// The policy, as it is.
    before: AppliedPolicy,
    /// The group that is excluded for a moment.
    group: LiveGroup,
    /// For what an app is excluded from: its kind asks for an intent.
    intent: Option<SharedText>,
    tenant_id: Option<String>,
    graph_url: String,
    creates: bool,
    assigns: bool,
}

/// How the policy is named, and what is asked for.
#[derive(Debug)]
pub struct WriteTestRequest<'a> {
    /// The policy's name or id.
    pub policy: &'a str,
    /// Kinds to look among; all, if there are none.
    pub kinds: &'a [PolicyKind],
    /// The group to exclude, by name or id; without one, any without members.
    pub group: Option<&'a str>,
    /// Whether the policy may have more than one assignment.
    pub several: bool,
    /// The tenant that the configuration names.
    pub tenant_id: Option<&'a str>,
}

/// Finds the policy and the group, and refuses a trial that could do harm.
///
/// # Errors
///
/// Says why nothing is tried.
pub async fn prepare(
    client: &Arc<Client>,
    request: &WriteTestRequest<'_>,
    stop: &CancellationToken,
) -> Result<WriteTest, Failure> {
    let reader = Reader::new(Arc::clone(client));
    unless_stopped(stop, async {
        let tenant_id = reader.tenant_id().await?;
        check_configured_tenant(request.tenant_id, tenant_id.as_deref())?;
        let tenant = of_kinds(&reader, request.kinds).await?;
        let found = matching(&tenant.policies, request.policy, request.kinds)?;
        let Some(policy) = found else {
            let message = format!("the tenant has no policy `{}`", request.policy);
            return Err(not_found(message, None, NAMED, &tenant.unavailable));
        };
        check(policy, request.several)?;
        let group = group(&reader, policy, request.group).await?;
        let spec = policy.kind.spec();
        let way = strategy(spec, WriteWith::Create, CreateRoute::Untried);
        Ok(WriteTest {
            before: applied(policy),
            group,
            intent: intent(policy),
            tenant_id,
            graph_url: reader.graph_url().to_owned(),
            creates: matches!(way, Strategy::OneByOne | Strategy::OnlyOneByOne),
            assigns: spec.writing.has_whole_set(),
        })
    })
    .await
}

/// Returns the intent that the exclusion has, where assignments have one: that of an assignment that is there,
/// which it is excluded from.
fn intent(policy: &LivePolicy) -> Option<SharedText> {
    match policy.kind.spec().properties {
        AssignmentProperties::App => {
            let mut intents = policy
                .assignments
                .iter()
                .filter_map(|assignment| assignment.key.variant.clone());
            Some(intents.next().unwrap_or_else(|| "required".into()))
        }
        // What an exclusion says beside is made with the request.
        AssignmentProperties::Remediation | AssignmentProperties::None => None,
    }
}

fn applied(policy: &LivePolicy) -> AppliedPolicy {
    let mut assignments = policy.assignments.to_vec();
    assignments.sort();
    AppliedPolicy {
        shares_name: false,
        kind: policy.kind,
        id: policy.id.clone(),
        name: policy.name.to_string(),
        odata_type: policy.odata_type.clone(),
        remediation: Arc::default(),
        known_before: Arc::default(),
        recorded: Arc::default(),
        before: assignments.clone(),
        after: assignments,
        seen: true,
    }
}

/// What came of the trial.
#[derive(Debug)]
pub struct WriteTestResult {
    /// What it says of the assumptions.
    pub findings: Vec<Finding>,
    /// Whether the policy is as it was.
    pub restored: bool,
    /// How the run ended.
    pub exit: Exit,
}

impl WriteTest {
    /// Says what will be done, for the one who is asked.
    #[must_use]
    pub fn describe(&self) -> String {
        let policy = &self.before;
        let mut steps = Vec::new();
        if self.creates {
            steps.push("add it with `POST …/assignments`");
            steps.push("remove it with `DELETE …/assignments/{assignmentId}`");
        }
        if self.assigns {
            steps.push("add it with the complete set (`assign`)");
            steps.push("remove it with the complete set");
        }
        let steps: Vec<String> = (1..)
            .zip(steps)
            .map(|(number, step)| format!("  {number}. {step}\n"))
            .collect();
        let intent = self.intent.as_ref();
        let intent = intent.map_or_else(String::new, |intent| format!(" from `{intent}`"));
        format!(
            "On {} `{}` ({}), which has {}, the exclusion of the group `{}` ({}){intent} is tried:\n{}Each step is read back, and the policy is left as it is now.\n",
            policy.kind,
            policy.name,
            policy.id,
            crate::text::count(policy.before.len(), "assignment", "assignments"),
            self.group.name,
            self.group.id,
            steps.concat()
        )
    }

    /// Says what may be left behind by a trial that is cut off.
    #[must_use]
    pub fn left_behind(&self) -> String {
        let AppliedPolicy { kind, name, .. } = &self.before;
        format!(
            "{kind} `{name}` may be left with the exclusion of the group `{}`",
            self.group.name
        )
    }

    fn with_exclusion(&self) -> Vec<Assignment> {
        let mut exclusion =
            Assignment::direct(Target::ExclusionGroup(self.group.id.as_str().into()));
        exclusion.key.variant.clone_from(&self.intent);
        let mut assignments = self.before.before.clone();
        assignments.push(exclusion);
        assignments.sort();
        assignments
    }

    /// Makes the plan of a step.
    fn plan(&self, adds: bool, write_with: WriteWith, service: &ServiceSettings) -> ApplyInput {
        let (with, without) = (self.with_exclusion(), self.before.before.clone());
        let (before, after) = match adds {
            true => (without, with),
            false => (with, without),
        };
        let step = AppliedPolicy {
            before,
            after,
            ..self.before.clone()
        };
        let policy: PlannedPolicy = as_recorded(&step, write_with);
        let plan = Plan::from(PlanContents {
            tenant_id: self.tenant_id.clone(),
            graph_url: self.graph_url.clone(),
            policies_read: 1,
            policies: vec![policy],
            write_with,
            ..PlanContents::default()
        });
        let mut names = Names::default();
        names.add_group(self.group.id.clone(), self.group.name.clone());
        let annotations = Annotations {
            names,
            ..Annotations::default()
        };
        ApplyInput::new(PreparedPlan::new(plan, annotations, service))
    }

    /// Whether the policy is as it was. What cannot be read is not.
    async fn is_as_before(&self, client: &Arc<Client>) -> bool {
        let policy = &self.before;
        let reader = Reader::new(Arc::clone(client));
        let live = reader.assignments(policy.kind, &policy.id).await;
        matches!(live, Ok(Some(live)) if same_assignments(&assignments(&live), &policy.before))
    }

    /// Begins the report.
    ///
    /// # Errors
    ///
    /// The sign-in cannot write, or the report cannot be written.
    pub async fn begin(
        &self,
        run: &mut ApplyRun,
        service: &ServiceSettings,
    ) -> Result<(), Failure> {
        let first = self.plan(true, WriteWith::Create, service);
        run.check_rights(&first.plan.plan).await?;
        run.begin(&first)
    }

    /// Tries, and restores after each try.
    ///
    /// # Errors
    ///
    /// The report cannot be written.
    pub async fn go(
        &self,
        (run, client): (&mut ApplyRun, &Arc<Client>),
        service: &ServiceSettings,
        (recorder, examined): (&Recorder, &mut Examined),
        observer: &dyn ObserveApply,
        stop: &CancellationToken,
    ) -> Result<WriteTestResult, Failure> {
        // What was begun is taken back even if the run was interrupted meanwhile.
        let patient = Client::clone(client).interrupted_by(CancellationToken::new());
        let patient = Arc::new(patient);
        let mut steps = Steps {
            write_test: self,
            run,
            service,
            client,
            patient: &patient,
            observer,
            stop,
            exits: Vec::new(),
        };
        let mut findings = Vec::new();
        let mut shows = ReadBackCounts::default();
        let mut in_doubt = false;
        let ways = [
            (self.creates, WriteWith::Create, "create-route"),
            (self.assigns, WriteWith::Assign, "assign-answer"),
        ];
        for (is_there, way, id) in ways {
            if !is_there {
                let why = "the table of kinds says that there is none, so it was not tried";
                findings.push(Finding::new(id, State::Unknown, why));
                continue;
            }
            if stop.is_cancelled() {
                break;
            }
            let added = steps.step(true, way).await?;
            findings.push(judged(id, &added));
            shows.note(&added);
            match (added.outcome, added.written) {
                // What may show later cannot be taken back before it shows.
                _ if is_late(&added) => {
                    in_doubt = true;
                    break;
                }
                (Outcome::Applied, _) => {}
                (_, true) => {
                    in_doubt = true;
                    break;
                }
                (_, false) => continue,
            }
            let removed = steps.step(false, way).await?;
            shows.note(&removed);
            if way == WriteWith::Create {
                findings.push(judged("delete-route", &removed));
            }
            let mut last = removed;
            if !last.outcome.is_good() && self.assigns {
                last = steps.step(false, WriteWith::Assign).await?;
                shows.note(&last);
            }
            in_doubt |= is_late(&last);
            // The report says how to restore it; another step would say something else.
            if in_doubt || !last.outcome.is_good() {
                break;
            }
        }
        let mut exits = steps.exits;
        // Restoring is not interrupted, and says nothing of it.
        if stop.is_cancelled() {
            exits.push(Exit::Interrupted);
        }
        let exchanges = recorder.take();
        findings.extend(answers(&exchanges, &findings));
        findings.push(shows.finding(&exchanges));
        examined.exchanges.extend(exchanges);
        let restored = !in_doubt && self.is_as_before(&patient).await;
        if restored {
            // What was tried and did not work is a finding, and no failure.
            exits.retain(|exit| matches!(exit, Exit::Interrupted | Exit::Failure | Exit::Refused));
        } else {
            exits.push(Exit::Partial);
        }
        Ok(WriteTestResult {
            findings,
            restored,
            exit: Exit::most_severe(exits),
        })
    }
}

/// How many writes showed when they were read back, and how many did not.
#[derive(Default)]
struct ReadBackCounts {
    shown: usize,
    late: usize,
    never: usize,
}

impl ReadBackCounts {
    fn note(&mut self, settled: &PolicyResult) {
        match settled.reason.as_ref().map(|reason| &reason.code) {
            Some(ReasonCode::Unverified) => self.never += 1,
            Some(ReasonCode::NotVisibleYet) => self.late += 1,
            _ if settled.outcome == Outcome::Applied => self.shown += 1,
            // It was refused, or there was nothing to do.
            _ => {}
        }
    }

    /// A write that was refused, or whose answer was lost, says nothing of how long one takes to show.
    fn finding(&self, exchanges: &[Exchange]) -> Finding {
        const ID: &str = "read-after-write";
        let was_taken = exchanges.iter().any(is_taken_write);
        let (state, seen) = match *self {
            Self { never: 1.., .. } => (
                State::Differs,
                "a write did not show when it was read back".to_owned(),
            ),
            Self { late: 1.., .. } => (
                State::Unknown,
                "a write does not show yet, as it is with this kind".to_owned(),
            ),
            Self { shown: 1.., .. } if was_taken => (State::Holds, lag(exchanges)),
            _ => (
                State::Unknown,
                "no write was taken, so none could show".to_owned(),
            ),
        };
        Finding::new(ID, state, seen)
    }
}

/// The steps of one run.
struct Steps<'a> {
    write_test: &'a WriteTest,
    run: &'a mut ApplyRun,
    service: &'a ServiceSettings,
    client: &'a Arc<Client>,
    patient: &'a Arc<Client>,
    observer: &'a dyn ObserveApply,
    stop: &'a CancellationToken,
    exits: Vec<Exit>,
}

impl Steps<'_> {
    async fn step(&mut self, adds: bool, way: WriteWith) -> Result<PolicyResult, Failure> {
        let input = self.write_test.plan(adds, way, self.service);
        self.run.restores(!adds);
        let settings = Settings {
            concurrency: 1,
            fail_fast: false,
            write_with: way,
            approval: Approval::default(),
        };
        let never = CancellationToken::new();
        let (stop, client) = match adds {
            true => (self.stop, self.client),
            false => (&never, self.patient),
        };
        self.run.connected(client);
        let exit = self
            .run
            .carry_out(&input, settings, self.observer, str::to_owned, stop)
            .await?;
        self.exits.push(exit);
        let settled = self.run.results.settled.first().cloned();
        settled.ok_or_else(|| Failure::other("the step was not carried out"))
    }
}
