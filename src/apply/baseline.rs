//! What a report says that its run left in the tenant, for `drift --since`.
//!
//! What was announced and not settled may have been done or not.

use super::Outcome;
use super::recorded::{Recorded, RecordedPolicy};
use crate::model::PolicyKind;
use crate::plan::since::{Baseline, Left, key};

/// Returns what a run left behind.
pub fn baseline(recorded: Recorded) -> Baseline {
    let Recorded {
        tenant_id,
        policies,
        managed,
        partial,
        ..
    } = recorded;
    let complete = managed.is_some() && !partial;
    let found = managed
        .unwrap_or_default()
        .into_iter()
        // A kind of a newer version is none of ours.
        .filter_map(|(kind, policies)| Some((PolicyKind::from_name(&kind)?, policies)))
        .flat_map(|(kind, policies)| {
            let left = policies.into_iter();
            left.map(move |(id, digest)| (key(kind, &id), Left::Digest(digest)))
        });
    let settled = policies
        .into_iter()
        .map(|policy| (key(policy.kind, &policy.id), left(policy)));
    Baseline {
        tenant_id,
        complete,
        policies: found.chain(settled).collect(),
    }
}

fn left(policy: RecordedPolicy) -> Left {
    let RecordedPolicy {
        before,
        after,
        outcome,
        ..
    } = policy;
    match outcome {
        Some(Outcome::Applied | Outcome::Already) => Left::Rows(after),
        Some(Outcome::Skipped) => Left::Rows(before),
        // Announced and not settled, failed, or found to be otherwise.
        Some(Outcome::Failed | Outcome::Stale) | None => Left::Between(before, after),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::recorded::read;

    const START: &str = r#"{"formatVersion":"1.0","event":"start","digest":null,"tenantId":"t","graphUrl":"g","managed":{"configurationPolicy":{"P":"sha256:x"},"novel":{"Q":"sha256:y"}}}"#;
    const SENDING: &str =
        r#"{"event":"sending","kind":"configurationPolicy","id":"P","before":[],"after":[]}"#;
    const APPLIED: &str = r#"{"event":"policy","kind":"configurationPolicy","id":"P","name":"P","outcome":"applied","before":[],"after":[],"error":null}"#;

    fn left(text: &str) -> Left {
        let kind = PolicyKind::from_name("configurationPolicy").expect("a kind");
        let baseline = baseline(read(text.as_bytes()).expect("a report"));
        baseline.policies[&key(kind, "p")].clone()
    }

    #[test]
    fn the_last_that_is_said_of_a_policy_counts() {
        let digest = Left::Digest("sha256:x".to_owned());
        let between = Left::Between(Vec::new(), Vec::new());
        let done = Left::Rows(Vec::new());
        assert_eq!(left(&format!("{START}\n")), digest);
        assert_eq!(left(START), digest);
        assert_eq!(left(&format!("{START}\n{SENDING}\n")), between);
        assert_eq!(left(&format!("{START}\n{SENDING}\n{APPLIED}\n")), done);
        // Unknown events are nobody's business.
        assert_eq!(
            left(&format!(
                "{START}\n{SENDING}\n{APPLIED}\n{{\"event\":\"new\"}}\n"
            )),
            done
        );
    }

    #[test]
    fn a_part_of_the_policies_does_not_tell_of_the_others() {
        let partial = START.replace(r#""managed""#, r#""selection":{"partial":true},"managed""#);
        assert!(baseline(read(START.as_bytes()).expect("a report")).complete);
        assert!(!baseline(read(partial.as_bytes()).expect("a report")).complete);
    }
}
