//! `examples/ci/azure-pipelines.yml`.

use serde_json::{Value, json};

use super::runner::{Runner, list, read};
use super::{NEVER_BEGAN, WANTED, drift, emptied, has_jq, tenant};

const IS_PULL_REQUEST: &str = "and(succeeded(), eq(variables['Build.Reason'], 'PullRequest'))";
const IS_NO_PULL_REQUEST: &str = "and(succeeded(), ne(variables['Build.Reason'], 'PullRequest'))";

fn runner(entries: &[&str], is_pull_request: bool) -> (Runner, Value) {
    let mut runner = Runner::new(&tenant(), entries);
    runner.set("System.AccessToken", "a-token");
    runner.set(IS_PULL_REQUEST, &is_pull_request.to_string());
    runner.set(IS_NO_PULL_REQUEST, &(!is_pull_request).to_string());
    (runner, read("azure-pipelines.yml"))
}

const INVOKE: &str = "az devops invoke --organization https://dev.azure.example/owner/ --area git --api-version 7.1 --output json";
const ROUTE: &str = "--route-parameters project=project repositoryId=repository pullRequestId=7";
const BOARDS: &str = "--organization https://dev.azure.example/owner/ --output json";

#[test]
fn a_pull_request_gets_one_comment_that_is_updated() {
    if !has_jq() {
        return;
    }
    let (mut runner, pipeline) = runner(&[WANTED], true);
    let other = json!({"id": 1, "comments": [{"content": "looks good"}]});
    let system = json!({"id": 2, "comments": [{"commentType": "system"}]});
    runner.answer("pullRequestThreads", &json!({"value": [other, system]}));
    runner.azure(&pipeline, "plan").succeeds();
    assert_eq!(
        runner.changes(),
        [format!(
            "{INVOKE} --resource pullRequestThreads --http-method POST --in-file body.json {ROUTE}"
        )]
    );
    let body: Value = serde_json::from_str(&runner.body()).expect("JSON");
    let comment = body["comments"][0]["content"].as_str().expect("text");
    assert!(
        comment.starts_with("<!-- assignctl plan -->\n") && comment.contains("group B"),
        "{comment}"
    );
    assert!(!runner.has_artifact("plan/plan.json"));

    let ours = json!({"id": 5, "comments": [{"content": comment}]});
    runner.answer(
        "pullRequestThreads",
        &json!({"value": [other, system, ours]}),
    );
    runner.manifest(&["name: P, include: [group: A, allUsers]"]);
    runner.azure(&pipeline, "plan").fails_at("outcome", 4);
    assert_eq!(
        runner.changes(),
        [format!(
            "{INVOKE} --resource pullRequestThreadComments --http-method PATCH --in-file body.json {ROUTE} threadId=5 commentId=1"
        )]
    );
    assert!(runner.body().contains("broad-target"));
}

#[test]
fn a_merge_applies_the_plan_that_was_saved() {
    let (mut runner, pipeline) = runner(&[WANTED], false);
    runner.azure(&pipeline, "plan").succeeds();
    assert!(runner.has_artifact("plan/plan.json"));
    assert_eq!(runner.world.rows("P"), ["+A"]);
    let job = runner.azure(&pipeline, "apply").succeeds();
    assert!(
        job.said.contains("##vso[task.uploadsummary]"),
        "{}",
        job.said
    );
    assert_eq!(runner.world.rows("P"), ["+A", "+B"]);
    assert!(runner.has_artifact("report/report.json"));
    // The tenant has moved since the plan.
    let mut runner = runner.with_tenant(drift);
    runner.azure(&pipeline, "apply").fails_at("apply", 5);
    assert_eq!(runner.changes(), [""; 0]);
}

#[test]
fn a_guard_stops_the_merge_before_anything_is_saved() {
    let (mut runner, pipeline) = runner(&["name: P, include: [group: A, allUsers]"], false);
    runner.azure(&pipeline, "plan").fails_at("outcome", 4);
    assert!(!runner.has_artifact("plan/plan.json"));
}

#[test]
fn only_reports_of_applied_builds_of_main_are_compared_with() {
    let pipeline = read("azure-pipelines.yml");
    let stages = list(&pipeline["stages"]);
    let since = stages
        .iter()
        .flat_map(|stage| list(&stage["jobs"][0]["steps"]))
        .find(|step| step["task"] == "DownloadPipelineArtifact@2");
    let inputs = &since.expect("a step")["inputs"];
    assert_eq!(inputs["runVersion"], "latestFromBranch");
    assert_eq!(inputs["runBranch"], "refs/heads/main");
    assert_eq!(inputs["tags"], "applied");
}

#[test]
fn a_guard_that_is_accepted_in_review_is_accepted_at_the_merge() {
    let (mut runner, mut pipeline) = runner(&["name: P, include: [group: A, allUsers]"], false);
    pipeline["variables"]["ALLOW"] = json!("unassigned broad-target");
    runner.azure(&pipeline, "plan").succeeds();
    runner.azure(&pipeline, "apply").succeeds();
    assert_eq!(runner.world.rows("P"), ["+A", "allUsers"]);
}

#[test]
fn drift_opens_updates_and_closes_one_work_item() {
    if !has_jq() {
        return;
    }
    let (mut runner, pipeline) = runner(&["name: P, include: [group: A]"], false);
    runner.answer("query", &json!([]));
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(runner.changes(), [""; 0]);

    let mut runner = runner.with_tenant(drift);
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(
        runner.changes(),
        [format!(
            "az boards work-item create --project project --type Issue --title Intune differs from the manifests --fields System.Tags=intune-drift --discussion @drift.md {BOARDS}"
        )]
    );
    assert!(runner.body().starts_with("<!-- assignctl drift -->\n"));
    runner.answer("query", &json!([{"id": 9}]));
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(
        runner.changes(),
        [format!(
            "az boards work-item update --id 9 --discussion @drift.md {BOARDS}"
        )]
    );
    runner.manifest(&["name: P, include: [group: Nobody]"]);
    runner.azure(&pipeline, "drift").fails_at("work item", 3);
    assert_eq!(runner.changes(), [""; 0]);
    runner.manifest(&["name: P, include: [group: A, group: C]"]);
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(
        runner.changes(),
        [format!(
            "az boards work-item update --id 9 --state Done --discussion Nobody has changed the tenant by hand. {BOARDS}"
        )]
    );
}

#[test]
fn nobody_is_woken_by_what_was_only_not_applied_yet() {
    if !has_jq() {
        return;
    }
    let (mut runner, pipeline) = runner(&[WANTED], false);
    runner.answer("query", &json!([]));
    runner.azure(&pipeline, "plan").succeeds();
    let job = runner.azure(&pipeline, "apply").succeeds();
    assert!(job.said.contains("##vso[build.addbuildtag]applied"));
    runner.manifest(&["name: P, include: [group: A, group: B, group: C]"]);
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(runner.changes(), [""; 0]);
    let mut runner = runner.with_tenant(|state| {
        let rows = state["configurationPolicies"][0]["assignments"].as_array_mut();
        rows.expect("a list").remove(0);
    });
    runner.azure(&pipeline, "drift").succeeds();
    assert_eq!(runner.changes().len(), 1);
}

#[test]
fn the_report_of_a_refused_apply_is_nothing_to_compare_with() {
    if !has_jq() {
        return;
    }
    let (mut runner, pipeline) = runner(&[WANTED], false);
    runner.answer("query", &json!([]));
    runner.azure(&pipeline, "plan").succeeds();
    let mut runner = runner.with_tenant(emptied);
    let job = runner.azure(&pipeline, "apply").fails_at("apply", 5);
    assert!(!job.said.contains("addbuildtag"), "{}", job.said);
    // Kept for people, and looked at by nobody else: the nightly job goes by the tag. If it were
    // looked at, it would not be compared with.
    assert!(runner.has_artifact("report/report.json"));
    for never in [false, true] {
        if never {
            runner
                .world
                .write("stub/artifacts/report/report.json", NEVER_BEGAN);
        }
        runner.azure(&pipeline, "drift").succeeds();
        assert_eq!(runner.changes().len(), 1);
        assert!(
            !runner.body().contains("not applied yet"),
            "{}",
            runner.body()
        );
    }
}
