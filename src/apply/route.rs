//! Which route a policy's writes take, and what of that has to be found out first.

use super::capabilities::{Capability, CapabilityCell};
use super::progress::{Next, Progress, dropped_elsewhere, policy_set_assignments_unclear};
use super::{PolicyResult, Reason, ReasonCode, Worker};
use crate::graph::error::ServiceError;
use crate::model::PolicyKind;
use crate::plan::PlannedPolicy;
use crate::plan::writes::{CreateRoute, Step, StepAction, WriteWith, steps_by, strategy};

impl Worker<'_> {
    /// Returns what has to be known of the service before a step is sent.
    fn question(&self, policy: &PlannedPolicy, step: &Step) -> Option<CapabilityCell> {
        let writing = policy.kind.spec().writing;
        match &step.action {
            // What the table says of a route is not found out again, and what was filed goes the way in
            // which it was filed.
            StepAction::Create(_) if !writing.create_route_is_uncertain() => None,
            StepAction::Create(_) if self.approvals.filed(policy).is_some() => None,
            StepAction::Create(_) => Some(self.capabilities.create_route(policy.kind)),
            StepAction::Assign if !policy.untouched.is_empty() => {
                Some(self.capabilities.policy_set_assignments())
            }
            StepAction::Assign | StepAction::Delete(_) => None,
        }
    }

    /// Waits for what another policy is just finding out, and chooses the way of writing by it.
    pub(super) async fn choose_strategy(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
    ) -> Next {
        // Whoever finds out goes on with it.
        while progress.probe.is_none() {
            let Some(step) = progress.steps.get(progress.done) else {
                return Ok(());
            };
            let Some(question) = self.question(policy, step) else {
                return Ok(());
            };
            let creates = matches!(step.action, StepAction::Create(_));
            let auto = self.settings.write_with == WriteWith::Auto;
            let known = match question.answer().await {
                Ok(known) => known,
                Err(probe) => {
                    progress.probe = Some(probe);
                    return Ok(());
                }
            };
            match known {
                Capability::Unclear if creates && !auto => return Ok(()),
                Capability::Fails | Capability::Unclear if creates && auto => {
                    self.choose_without_create(policy, progress);
                }
                Capability::Fails if creates => {
                    return Err(PolicyResult::failed(Reason::new(
                        ReasonCode::CreateRouteMissing,
                        format!(
                            "the service has no create route for {}, and `--write-with create` asks for it",
                            policy.kind
                        ),
                    )));
                }
                Capability::Fails => return Err(dropped_elsewhere(progress)),
                Capability::Unclear => return Err(policy_set_assignments_unclear(progress)),
                Capability::Unknown | Capability::Asked | Capability::Open | Capability::Works => {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Whether a step may be sent now: what it needs is known to work, or this policy finds out.
    pub(super) fn may_try(
        &self,
        policy: &PlannedPolicy,
        progress: &mut Progress,
        step: &Step,
    ) -> bool {
        if progress.probe.is_some() {
            return true;
        }
        let Some(question) = self.question(policy, step) else {
            return true;
        };
        match question.probe() {
            Err(probe) => {
                progress.probe = Some(probe);
                true
            }
            // Where the way is left to the program, [`Self::choose_strategy`] has chosen another.
            Ok(Capability::Unclear) => matches!(step.action, StepAction::Create(_)),
            Ok(known) => known == Capability::Works,
        }
    }

    /// Chooses the writes again, for a service without the create route.
    pub(super) fn choose_without_create(&self, policy: &PlannedPolicy, progress: &mut Progress) {
        let (spec, asked) = (policy.kind.spec(), self.settings.write_with);
        let strategy = strategy(spec, asked, CreateRoute::Missing);
        progress.restart_with(steps_by(policy, strategy));
    }
}

/// Whether a refusal only says that an earlier change of the policy has not settled yet. Approval is
/// asked for with the same status and another code.
pub(super) fn is_busy(kind: PolicyKind, error: &ServiceError) -> bool {
    let is_not_settled = error.status == 412 && error.code == "ConditionNotMet";
    kind.spec().eventual && (is_not_settled || (error.status == 404 && error.is_missing()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::transport::Response;

    #[test]
    fn only_what_has_not_settled_is_tried_again() {
        let kind = |name| PolicyKind::from_name(name).expect("a kind");
        for (status, code, expected) in [
            (412, "ConditionNotMet", true),
            (412, "PreconditionFailed", false),
            (400, "ConditionNotMet", false),
            (404, "ResourceNotFound", true),
            // A route or a proxy, and a group or a filter.
            (404, "UnknownError", false),
            (400, "ResourceNotFound", false),
        ] {
            let body = serde_json::json!({"error": {"code": code, "message": "x"}});
            let error = ServiceError::from_response(&Response {
                status,
                headers: Vec::new(),
                body: body.to_string().into_bytes(),
            });
            assert_eq!(
                is_busy(kind("androidManagedAppProtection"), &error),
                expected,
                "{status} {code}"
            );
            assert!(!is_busy(kind("configurationPolicy"), &error));
        }
    }
}
