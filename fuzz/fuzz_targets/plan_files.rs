//! Plan files: any text is read or refused; what was read can be shown in every form, and gives
//! the same plan when it is written and read again.

#![no_main]

use assignctl::plan::saved::{PlanRecord, SavedPlan, digest_of};
use assignctl::render::json::Json;
use assignctl::render::review::{Detail, PlanView};
use assignctl::render::text;
use assignctl_fuzz::read_plan;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Some(saved) = read_plan(text) else { return };
    for (all, diff, summary) in [
        (false, false, false),
        (true, true, false),
        (true, false, true),
    ] {
        let detail = Detail {
            all,
            diff,
            summary,
            ..Detail::default()
        };
        let view = PlanView {
            tenant: None,
            plan: &saved.plan,
            annotations: &saved.annotations,
            summary: &saved.summary,
            digest: &saved.digest,
            detail,
        };
        let shown = text::plan(&view);
        assert!(!clean_of_colours(&shown).contains('\u{1b}'), "{shown:?}");
    }
    // The digest may be another: a file may have its rows in any order, and a later 1.x.
    let written = write(&saved);
    let again = PlanRecord::read(&written).expect("what was written can be read");
    assert_eq!(again.plan.policies, saved.plan.policies);
    assert_eq!(write(&again), written);
});

fn write(saved: &SavedPlan) -> String {
    let record = PlanRecord::new(
        &saved.plan,
        &saved.annotations,
        &saved.summary,
        &digest_of(&saved.plan, &saved.annotations.names),
        &saved.created_at,
        true,
    );
    Json::new(record).text()
}

/// Takes the colours out that the program itself puts in.
fn clean_of_colours(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(start) = rest.find("\u{1b}[") {
        plain.push_str(&rest[..start]);
        let after = &rest[start + 2..];
        match after.find(|letter: char| !letter.is_ascii_digit() && letter != ';') {
            Some(end) if after[end..].starts_with('m') => rest = &after[end + 1..],
            _ => {
                plain.push('\u{1b}');
                rest = after;
            }
        }
    }
    plain + rest
}
