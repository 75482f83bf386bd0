//! `examples/ci/github-actions.yml`.

use serde_json::{Value, json};

use super::runner::{Runner, read};
use super::{NEVER_BEGAN, WANTED, drift, emptied, has_jq, tenant};

fn runner(entries: &[&str]) -> (Runner, Value) {
    let mut runner = Runner::new(&tenant(), entries);
    let temp = runner.world.path("temp").display().to_string();
    for (name, value) in [
        ("vars.AZURE_TENANT_ID", "sandbox.onmicrosoft.com"),
        ("vars.AZURE_CLIENT_ID", "me"),
        ("github.token", "a-token"),
        ("github.repository", "owner/repository"),
        ("github.event.pull_request.number", "7"),
        ("inputs.digest", ""),
        ("vars.INTUNE_SNAPSHOTS == 'true'", "false"),
        ("runner.temp", &temp),
    ] {
        runner.set(name, value);
    }
    (runner, read("github-actions.yml"))
}

fn comment(login: &str, id: usize, body: &str) -> Value {
    json!({"id": id, "user": {"login": login}, "body": body})
}

#[test]
fn a_pull_request_gets_one_comment_that_is_updated() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    // Somebody's comment that looks like ours is not ours.
    let other = comment("mallory", 1, "<!-- assignctl plan -->\nhello");
    runner.answer("comments", &json!([other]));
    runner.github(&workflow, "plan").succeeds();
    assert_eq!(
        runner.changes(),
        ["gh api --method POST repos/owner/repository/issues/7/comments --field body=@comment.md"]
    );
    let body = runner.body();
    assert!(body.starts_with("<!-- assignctl plan -->\n"), "{body}");
    for part in ["sha256:", "1 to add", "group B"] {
        assert!(body.contains(part), "`{part}` is not in\n{body}");
    }
    assert_eq!(runner.world.read("github/summary"), body);

    // The next push: another plan, the same comment.
    runner.manifest(&["name: P, include: [group: A, group: C]"]);
    let ours = comment("github-actions[bot]", 42, &body);
    runner.answer("comments", &json!([other, ours]));
    runner.github(&workflow, "plan").succeeds();
    assert_eq!(
        runner.changes(),
        [
            "gh api --method PATCH repos/owner/repository/issues/comments/42 --field body=@comment.md"
        ]
    );
    assert!(runner.body().contains("group C"));
    assert_eq!(runner.world.rows("P"), ["+A"], "a plan writes nothing");
}

#[test]
fn a_guard_or_an_error_makes_the_pull_request_red_and_is_in_the_comment() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&["name: P, include: [group: A, allUsers]"]);
    runner.answer("comments", &json!([]));
    runner.github(&workflow, "plan").fails_at("outcome", 4);
    assert!(runner.body().contains("broad-target"));
    runner.manifest(&["name: P, include: [group: Nobody]"]);
    runner.github(&workflow, "plan").fails_at("outcome", 3);
    assert!(runner.body().contains("unknown-group"));
    runner.manifest(&["nmae: P"]);
    let job = runner.github(&workflow, "plan").fails_at("outcome", 3);
    assert!(
        job.said.contains("::error file=manifests/m.yaml,line=3"),
        "{}",
        job.said
    );
    assert!(runner.body().contains("unknown-key"));
}

#[test]
fn a_merge_applies_what_the_comment_showed_or_nothing() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("comments", &json!([]));
    runner.github(&workflow, "plan").succeeds();
    let body = runner.body();
    // A comment of somebody else's, and a name in ours, cannot stand in for the digest.
    let fake = format!("<!-- assignctl plan -->\nsha256:{}", "0".repeat(64));
    let ours = body.replacen('\n', &format!("\nsha256:{} is a name\n", "1".repeat(64)), 1);
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.answer(
        "comments",
        &json!([
            comment("github-actions[bot]", 42, &ours),
            comment("mallory", 43, &fake)
        ]),
    );
    runner.github(&workflow, "apply").succeeds();
    assert_eq!(runner.world.rows("P"), ["+A", "+B"]);
    assert!(runner.has_artifact("report/report.json"));
    assert!(runner.world.read("github/summary").contains("applied"));

    // The tenant has moved since the review: red, and nothing is written.
    let job = runner.github(&workflow, "apply").fails_at("apply", 5);
    assert_eq!(job.code("reviewed"), Some(0));
    // Nothing was reviewed at all.
    runner.answer("pulls", &json!([]));
    let job = runner.github(&workflow, "apply").fails_at("reviewed", 1);
    assert!(
        job.said.contains("no plan of this commit was reviewed"),
        "{}",
        job.said
    );
    runner.answer("pulls", &json!([{"number": 8}]));
    runner.answer("comments", &json!([comment("mallory", 43, &fake)]));
    runner.github(&workflow, "apply").fails_at("reviewed", 1);

    // Only the last line tells, and only as the program writes it.
    let digest = body.lines().last().expect("a line");
    for odd in [
        format!("{body}\nedited"),
        body.replace(digest, &digest.replace('`', "")),
        body.replace(digest, &format!("{digest} ")),
        body.replace(digest, &digest[..digest.len() - 2]),
    ] {
        runner.answer(
            "comments",
            &json!([comment("github-actions[bot]", 42, &odd)]),
        );
        runner.github(&workflow, "apply").fails_at("reviewed", 1);
    }
    let by_hand = body.replace('\n', "\r\n");
    runner.answer(
        "comments",
        &json!([comment("github-actions[bot]", 42, &by_hand)]),
    );
    let job = runner.github(&workflow, "apply").fails_at("apply", 5);
    assert_eq!(job.code("reviewed"), Some(0));

    // By hand, with a digest.
    runner.manifest(&["name: P, include: [group: A, group: B, group: C]"]);
    runner.answer("comments", &json!([]));
    runner.github(&workflow, "plan").succeeds();
    let body = runner.body();
    let start = body.rfind("sha256:").expect("a digest");
    runner.set("inputs.digest", &body[start..start + "sha256:".len() + 64]);
    runner.github(&workflow, "apply").succeeds();
    assert_eq!(runner.world.rows("P"), ["+A", "+B", "+C"]);
}

#[test]
fn drift_opens_updates_and_closes_one_issue() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&["name: P, include: [group: A]"]);
    runner.answer("run-list", &json!([]));
    runner.answer("issue-list", &json!([]));
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes(), [""; 0], "nothing to say");

    let mut runner = runner.with_tenant(drift);
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(
        runner.changes(),
        [
            "gh label create intune-drift --force",
            "gh issue create --label intune-drift --title Intune differs from the manifests --body-file drift.md",
        ]
    );
    let body = runner.body();
    assert!(
        body.starts_with("<!-- assignctl drift -->\n") && body.contains("group C"),
        "{body}"
    );
    runner.answer("issue-list", &json!([{"number": 9}]));
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes(), ["gh issue edit 9 --body-file drift.md"]);
    // A guard that trips is drift all the same.
    runner.manifest(&["name: P"]);
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes(), ["gh issue edit 9 --body-file drift.md"]);
    // A check that failed says nothing of drift.
    runner.manifest(&["name: P, include: [group: Nobody]"]);
    runner.github(&workflow, "drift").fails_at("issue", 3);
    assert_eq!(runner.changes(), [""; 0]);
    runner.manifest(&["name: P, include: [group: A, group: C]"]);
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(
        runner.changes(),
        ["gh issue close 9 --comment Nobody has changed the tenant by hand."]
    );
}

#[test]
fn a_fork_is_planned_against_the_nightly_snapshot() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("run-list", &json!([]));
    let job = runner
        .github(&workflow, "plan-fork")
        .fails_at("snapshot", 1);
    assert!(
        job.said.contains("there is no snapshot yet"),
        "{}",
        job.said
    );

    runner.set("vars.INTUNE_SNAPSHOTS == 'true'", "true");
    runner.answer("issue-list", &json!([]));
    runner.github(&workflow, "drift").succeeds();
    assert!(runner.has_artifact("snapshot/snapshot.json"));
    runner.answer("run-list", &json!([{"databaseId": 1, "event": "schedule"}]));
    // The job has no sign-in, and needs none.
    runner.set("vars.AZURE_CLIENT_ID", "");
    runner.github(&workflow, "plan-fork").succeeds();
    let summary = runner.world.read("github/summary");
    assert!(summary.contains("group B"), "{summary}");
}

#[test]
fn nobody_is_woken_by_what_was_only_not_applied_yet() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("comments", &json!([]));
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.answer("issue-list", &json!([]));
    runner.github(&workflow, "plan").succeeds();
    let ours = comment("github-actions[bot]", 42, &runner.body());
    runner.answer("comments", &json!([ours]));
    runner.github(&workflow, "apply").succeeds();
    runner.changes();
    runner.answer("run-list", &json!([{"databaseId": 1, "event": "push"}]));
    // Somebody has merged, and nobody has applied it yet.
    runner.manifest(&["name: P, include: [group: A, group: B, group: C]"]);
    runner.github(&workflow, "drift").succeeds();
    assert!(
        runner
            .world
            .read("github/summary")
            .contains("not applied yet")
    );
    assert_eq!(runner.changes(), [""; 0]);
    // Nor if a guard would stop that.
    runner.manifest(&["name: P, include: [group: A, group: B, allUsers]"]);
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes(), [""; 0]);
    // Somebody has changed the tenant.
    let mut runner = runner.with_tenant(|state| {
        let rows = state["configurationPolicies"][0]["assignments"].as_array_mut();
        rows.expect("a list").remove(0);
    });
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes().len(), 2);
    assert!(runner.body().starts_with("<!-- assignctl drift -->\n"));
}

#[test]
fn the_report_of_a_refused_apply_is_nothing_to_compare_with() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("comments", &json!([]));
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.answer("issue-list", &json!([]));
    runner.answer(
        "run-list",
        &json!([{"databaseId": 2, "event": "push"}, {"databaseId": 1, "event": "push"}]),
    );
    runner.github(&workflow, "plan").succeeds();
    let ours = comment("github-actions[bot]", 42, &runner.body());
    runner.answer("comments", &json!([ours]));
    runner.github(&workflow, "apply").succeeds();
    assert!(runner.has_artifact("report/report.json"));
    // Somebody takes the rows away; the next merge finds that, and is refused.
    let mut runner = runner.with_tenant(emptied);
    runner.manifest(&[WANTED, "name: Q, include: [group: A]"]);
    runner.github(&workflow, "apply").fails_at("apply", 5);
    assert!(runner.has_artifact("report-of-a-refusal/report.json"));
    let kept = runner.world.read("stub/artifacts/report/report.json");
    assert!(kept.contains("\"exitCode\":0"), "{kept}");
    runner.changes();
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes().len(), 2, "an issue is opened");
    assert!(
        runner.body().contains("changed by hand"),
        "{}",
        runner.body()
    );

    // Nor is one that never had a plan; it does not make the night red either.
    runner
        .world
        .write("stub/artifacts/report/report.json", NEVER_BEGAN);
    runner.github(&workflow, "drift").succeeds();
    assert_eq!(runner.changes().len(), 2);
    assert!(
        !runner.body().contains("changed by hand"),
        "{}",
        runner.body()
    );
}

#[test]
fn the_report_of_a_pull_request_is_never_taken() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("comments", &json!([]));
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.answer("issue-list", &json!([]));
    runner.github(&workflow, "plan").succeeds();
    let ours = comment("github-actions[bot]", 42, &runner.body());
    runner.answer("comments", &json!([ours]));
    runner.github(&workflow, "apply").succeeds();
    runner.changes();
    let mut runner = runner.with_tenant(drift);
    // A fork's branch may be called main, and its run may keep a report that says what it likes.
    runner.world.write(
        "stub/artifacts-of-9/report/report.json",
        "{\"event\":\"end\",\"exitCode\":0}\n",
    );
    for event in ["push", "workflow_dispatch"] {
        runner.answer(
            "run-list",
            &json!([
                {"databaseId": 9, "event": "pull_request"},
                {"databaseId": 8, "event": "schedule"},
                {"databaseId": 1, "event": event},
            ]),
        );
        runner.github(&workflow, "drift").succeeds();
        let calls = runner.changes();
        assert_eq!(calls.len(), 2, "an issue is opened: {calls:?}");
        assert!(
            runner.body().contains("changed by hand"),
            "{}",
            runner.body()
        );
    }
    // Without another there is nothing to compare with.
    std::fs::remove_dir_all(runner.world.path("checkout/last")).expect("it is there");
    runner.answer(
        "run-list",
        &json!([{"databaseId": 9, "event": "pull_request"}]),
    );
    runner.github(&workflow, "drift").succeeds();
    assert!(
        !runner.body().contains("changed by hand"),
        "{}",
        runner.body()
    );
}

#[test]
fn of_two_comments_the_one_that_is_updated_tells_the_digest() {
    if !has_jq() {
        return;
    }
    let (mut runner, workflow) = runner(&[WANTED]);
    runner.answer("comments", &json!([]));
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.github(&workflow, "plan").succeeds();
    let body = runner.body();
    let start = body.rfind("sha256:").expect("a digest");
    let old = body.replace(
        &body[start..start + 71],
        &format!("sha256:{}", "0".repeat(64)),
    );
    let of = |first: &str, second: &str| {
        json!([
            comment("github-actions[bot]", 42, first),
            comment("github-actions[bot]", 43, second)
        ])
    };
    runner.changes();
    runner.answer("comments", &of(&old, &body));
    runner.github(&workflow, "apply").fails_at("apply", 5);
    runner.github(&workflow, "plan").succeeds();
    assert!(runner.changes()[0].contains("issues/comments/42 "));
    runner.answer("comments", &of(&body, &old));
    runner.github(&workflow, "apply").succeeds();
    assert_eq!(runner.world.rows("P"), ["+A", "+B"]);
}

#[test]
fn a_guard_that_is_accepted_in_review_is_accepted_at_the_merge() {
    if !has_jq() {
        return;
    }
    let (mut runner, mut workflow) = runner(&["name: P, include: [group: A, allUsers]"]);
    runner.answer("comments", &json!([]));
    runner.answer("pulls", &json!([{"number": 7}]));
    runner.github(&workflow, "plan").fails_at("outcome", 4);
    let refused = comment("github-actions[bot]", 42, &runner.body());
    runner.answer("comments", &json!([refused]));
    runner.github(&workflow, "apply").fails_at("apply", 4);
    assert_eq!(runner.world.rows("P"), ["+A"]);

    workflow["env"]["ALLOW"] = json!("unassigned broad-target");
    runner.github(&workflow, "plan").succeeds();
    assert!(runner.body().contains("accepted"), "{}", runner.body());
    let ours = comment("github-actions[bot]", 42, &runner.body());
    runner.answer("comments", &json!([ours]));
    runner.github(&workflow, "apply").succeeds();
    assert_eq!(runner.world.rows("P"), ["+A", "allUsers"]);
}
