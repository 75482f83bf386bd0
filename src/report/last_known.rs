//! What a report says that its run left in the tenant, for `drift --since`.
//!
//! What a run found as it should be, and what it made so, it left in the tenant. What was announced
//! and not settled may have been done or not. Everything else was only observed.

use std::collections::{BTreeMap, BTreeSet};

use super::outcome::Outcome;
use super::recorded::{Recorded, RecordedPolicy};
use crate::model::PolicyKind;
use crate::plan::since::{Baseline, LastKnown, Seen, key};

/// Returns what a run left behind.
pub fn last_known(recorded: Recorded) -> Baseline {
    let Recorded {
        started_at,
        client_request_ids,
        tenant_id,
        graph_url,
        policies,
        managed,
        pending,
        partial,
        unmanaged,
        ..
    } = recorded;
    let kinds: Option<BTreeSet<PolicyKind>> = managed.as_ref().map(|managed| {
        let kinds = managed.keys();
        kinds
            .filter_map(|kind| PolicyKind::from_name(kind))
            .collect()
    });
    let found = managed
        .unwrap_or_default()
        .into_iter()
        // Kinds of a newer version are skipped.
        .filter_map(|(kind, policies)| Some((PolicyKind::from_name(&kind)?, policies)))
        .flat_map(|(kind, policies)| {
            let pending = &pending;
            policies.into_iter().map(move |(id, digest)| {
                let was_wanted = pending.as_ref().is_some_and(|pending| {
                    let of_kind = pending.get(kind.name());
                    of_kind.is_none_or(|pending| !pending.contains(&id))
                });
                let left = if was_wanted {
                    LastKnown::Digest(digest)
                } else {
                    LastKnown::Found
                };
                (key(kind, &id), left)
            })
        });
    let settled = policies
        .into_iter()
        .map(|policy| (key(policy.kind, &policy.id), left(policy)));
    let policies: BTreeMap<_, _> = found.chain(settled).collect();
    let mut seen = Seen::default();
    if let Some(unmanaged) = unmanaged {
        seen.policies = unmanaged.keys();
        seen.policies.extend(policies.keys().cloned());
        // A partial run names what it left out neither as managed nor as unmanaged.
        if let Some(managed) = kinds.filter(|_| !partial) {
            seen.kinds = managed;
            seen.kinds.extend(unmanaged.kinds());
        }
    }
    Baseline {
        began: started_at,
        own_writes: client_request_ids,
        tenant_id,
        graph_url,
        policies,
        seen,
    }
}

fn left(policy: RecordedPolicy) -> LastKnown {
    match policy.outcome {
        Some(Outcome::Applied | Outcome::Already) => LastKnown::Assignments(policy.after),
        // Announced and not settled, or failed with a write that may have had its effect.
        _ if policy.may_be_changed() => LastKnown::Between(policy.before, policy.after),
        _ => LastKnown::Found,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::read;

    const START: &str = r#"{"formatVersion":"1.0","event":"start","digest":null,"tenantId":"t","graphUrl":"g","managed":{"configurationPolicy":{"P":"sha256:x"},"novel":{"Q":"sha256:y"}},"pending":{}}"#;
    const SENDING: &str =
        r#"{"event":"sending","kind":"configurationPolicy","id":"P","before":[],"after":[]}"#;
    const APPLIED: &str = r#"{"event":"policy","kind":"configurationPolicy","id":"P","name":"P","outcome":"applied","before":[],"after":[],"error":null}"#;

    fn left(text: &str) -> LastKnown {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let baseline = last_known(read(text.as_bytes()).expect("a report"));
        baseline.policies[&key(kind, "p")].clone()
    }

    #[test]
    fn the_last_that_is_said_of_a_policy_counts() {
        let digest = LastKnown::Digest("sha256:x".to_owned());
        let between = LastKnown::Between(Vec::new(), Vec::new());
        let done = LastKnown::Assignments(Vec::new());
        assert_eq!(left(&format!("{START}\n")), digest);
        assert_eq!(left(START), digest);
        assert_eq!(left(&format!("{START}\n{SENDING}\n")), between);
        assert_eq!(left(&format!("{START}\n{SENDING}\n{APPLIED}\n")), done);
        // Unknown events are ignored.
        assert_eq!(
            left(&format!(
                "{START}\n{SENDING}\n{APPLIED}\n{{\"event\":\"new\"}}\n"
            )),
            done
        );
    }

    #[test]
    fn what_a_run_did_not_want_as_it_was_and_did_not_settle_it_merely_found() {
        let with = |pending: &str| START.replace(r#","pending":{}"#, pending);
        for pending in ["", r#","pending":{"configurationPolicy":["P"]}"#] {
            assert_eq!(left(&with(pending)), LastKnown::Found, "{pending}");
        }
        let pending = r#","pending":{"configurationPolicy":["other"],"novel":["P"]}"#;
        assert_eq!(
            left(&with(pending)),
            LastKnown::Digest("sha256:x".to_owned())
        );
        for outcome in ["skipped", "stale", "failed\",\"written\":false,\"x\":\""] {
            let line = APPLIED.replace("\"applied", &format!("\"{outcome}"));
            assert_eq!(left(&format!("{START}\n{line}\n")), LastKnown::Found);
        }
        let line = APPLIED.replace("\"applied\"", "\"failed\",\"written\":true");
        let between = LastKnown::Between(Vec::new(), Vec::new());
        assert_eq!(left(&format!("{START}\n{line}\n")), between);
    }

    #[test]
    fn a_part_of_the_policies_does_not_tell_of_the_others() {
        let kind = |name: &str| PolicyKind::from_name(name).expect("a kind");
        let has = |text: &str, name: &str, id: &str| {
            let baseline = last_known(read(text.as_bytes()).expect("a report"));
            baseline.seen.has(kind(name), id)
        };
        // Of a report of old it is not known what else was there.
        assert_eq!(has(START, "configurationPolicy", "R"), None);
        let whole = START.replace(
            r#""managed""#,
            r#""unmanaged":{"mobileApp":["U"],"novel":["V"]},"managed""#,
        );
        let partial = whole.replace(r#""managed""#, r#""selection":{"partial":true},"managed""#);
        for (name, id, of_whole, of_partial) in [
            ("configurationPolicy", "p", Some(true), Some(true)),
            ("configurationPolicy", "R", Some(false), None),
            ("mobileApp", "u", Some(true), Some(true)),
            ("mobileApp", "p", Some(false), None),
            ("compliancePolicy", "p", None, None),
        ] {
            assert_eq!(has(&whole, name, id), of_whole, "{name} {id}");
            assert_eq!(has(&partial, name, id), of_partial, "{name} {id}");
        }
    }
}
