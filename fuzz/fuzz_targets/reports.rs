//! Reports: any bytes are read or refused. Whatever names a plan holds, each line of its report is
//! one JSON object, and the report can be read again.

#![no_main]

use assignctl::graph::observe::RequestCounts;
use assignctl::plan::saved::SharedNamesRecord;
use assignctl::report::{
    self, Announced, Outcome, PolicyResult, Reason, ReasonCode, Report, Results,
};
use assignctl_fuzz::read_plan;
use libfuzzer_sys::fuzz_target;

const REQUEST_ID: &str = "5e9b4f0a-3c51-4a6e-9d55-0d9a3c6b7f10";

fuzz_target!(|text: &str| {
    // Refused or not, it must come to an end.
    let _ = report::read(text.as_bytes());
    let Some(saved) = read_plan(text) else {
        return;
    };
    let names = &saved.annotations.names;
    let mut written = Report::in_memory();
    written
        .start(
            Some((&saved.plan, saved.digest.as_str())),
            SharedNamesRecord::of(&saved.plan, names, false),
            &saved.plan.graph_url,
        )
        .expect("memory");
    let mut lines = 2;
    for policy in &saved.plan.policies {
        written
            .sending((policy, &[]), names, REQUEST_ID, Announced::Write)
            .expect("memory");
        let settled = PolicyResult {
            outcome: Outcome::Failed,
            reason: Some(Reason {
                code: ReasonCode::from_name(&policy.id),
                status: Some(500),
                message: policy.name.to_string(),
                request_id: Some(policy.name.to_string()),
                is_refusal: false,
            }),
            written: true,
            approval: None,
            waits_for: None,
        };
        written.policy(policy, &settled, names).expect("memory");
        lines += 2;
    }
    written
        .end(6, &Results::default(), RequestCounts::default(), 0)
        .expect("memory");
    let text = written.text();
    assert_eq!(text.split_terminator('\n').count(), lines);
    for line in text.split_terminator('\n') {
        let value: serde_json::Value = serde_json::from_str(line).expect("JSON");
        assert!(value["event"].is_string());
    }
    report::read(text.as_bytes()).expect("what was written can be read");
});
