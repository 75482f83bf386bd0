//! `drift --ci`: one issue or work item, opened, updated, closed.

use super::platform::{Event, Kind, OWN, Platform, SOMEBODY};
use super::{APPLY, PLAN, WANTED, by_hand, comment, emptied, platform};
use crate::cli::support::tenant::nth_policy;

const AS_IT_IS: &str = "name: P, include: [group: A]";
const DRIFT: &str = "drift m.yaml";
const SINCE: &str = "drift m.yaml --since .assignctl/reports";

fn open_issue(platform: &Platform) -> String {
    let state = platform.state();
    let open: Vec<_> = state
        .issues
        .iter()
        .filter(|issue| issue.is_open && issue.author == OWN)
        .collect();
    assert_eq!(open.len(), 1, "{open:?}");
    open[0].body.clone()
}

#[test]
fn one_issue_is_opened_updated_and_closed() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, AS_IT_IS);
        let forged = comment(SOMEBODY, 1, "<!-- assignctl drift -->\n");
        platform.state().issues.push(forged);
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), [""; 0], "{kind:?}: nothing to say");

        // The run succeeds: the issue says what differs.
        platform.world.edit("tenant.json", by_hand);
        platform
            .run(Event::Schedule, DRIFT)
            .exits(0)
            .says(&["an issue was opened"]);
        assert_eq!(platform.changes(), ["open issue 101"]);
        let body = open_issue(&platform);
        assert!(
            body.starts_with("<!-- assignctl drift -->\n") && body.contains('C'),
            "{body}"
        );
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), [""; 0], "it says so already");

        // A guard that trips is drift all the same.
        platform
            .world
            .manifest(&["name: P, include: [group: A, allUsers]"]);
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), ["update issue 101"]);
        assert!(open_issue(&platform).contains("broad-target"));

        // Whether there is drift is not known: the run fails, and the issue stays as it is.
        platform
            .world
            .manifest(&["name: P, include: [group: Nobody]"]);
        platform.run(Event::Schedule, DRIFT).exits(3);
        assert_eq!(platform.changes(), [""; 0]);

        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform
            .run(Event::Schedule, DRIFT)
            .exits(0)
            .says(&["the open issue was closed"]);
        assert_eq!(platform.changes(), ["close issue 101"]);
        assert_eq!(
            platform.state().said,
            ["No drift: nothing was changed in the tenant by hand."]
        );
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), [""; 0]);
    }
}

/// Nothing was learned of the tenant that the issue is about.
#[test]
fn the_wrong_tenant_leaves_the_issue_as_it_is() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, AS_IT_IS);
        platform.world.edit("tenant.json", by_hand);
        platform.run(Event::Schedule, DRIFT).exits(0);
        platform.changes();
        platform.world.write(
            "assignctl.yaml",
            "tenantId: 99999999-2222-4333-8444-555555555555\n",
        );
        let differs = platform.run(Event::Schedule, DRIFT);
        differs.exits(4).says(&["guard `tenant` refuses"]);
        // Also if that tenant is as the manifests say.
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform.run(Event::Schedule, DRIFT).exits(4);
        assert_eq!(platform.changes(), [""; 0], "{kind:?}");
    }
}

/// What a part of the policies shows says nothing of the others.
#[test]
fn a_part_of_the_policies_has_an_issue_of_its_own() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, AS_IT_IS);
        platform.world.edit("tenant.json", by_hand);
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), ["open issue 101"]);
        let kinds = "drift m.yaml --kind configurationPolicy";
        platform.run(Event::Schedule, kinds).exits(0);
        assert_eq!(platform.changes(), ["open issue 102"]);
        platform.run(Event::Schedule, kinds).exits(0);
        assert_eq!(platform.changes(), [""; 0], "it is found again");
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform.run(Event::Schedule, kinds).exits(0);
        assert_eq!(platform.changes(), ["close issue 102"]);
        platform.run(Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), ["close issue 101"]);
    }
}

/// Whoever reads the issue sees who it was.
#[test]
fn the_issue_says_who_did_it() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, "name: P, include: [group: A, group: B]");
        platform.world.edit("tenant.json", |state| {
            let id = nth_policy(state, 0)["id"].clone();
            let now = jiff::Timestamp::now().to_string();
            state["auditEvents"] = serde_json::json!([{
                "activityDateTime": now,
                "activityType": "assign x",
                "activityResult": "Success",
                "actor": {
                    "userPrincipalName": "admin@contoso.com",
                    "applicationDisplayName": "Microsoft Intune portal extension",
                },
                "resources": [{"resourceId": id}],
            }]);
        });
        platform
            .run(Event::Schedule, &format!("{DRIFT} --who --members"))
            .exits(0);
        let body = open_issue(&platform);
        assert!(body.contains("group B (0 devices, 0 users)"), "{body}");
        let by = "removed by admin&#64;contoso.com in the portal, 20";
        assert!(body.contains(by), "{body}");
        platform.changes();
    }
}

#[test]
fn manifests_that_were_not_applied_yet_open_no_issue() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform
            .run(Event::Schedule, SINCE)
            .exits(0)
            .says(&["no report of an apply"]);
        assert_eq!(
            platform.changes(),
            ["open issue 101"],
            "{kind:?}: without a report all is drift"
        );
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.run(Event::Merged, APPLY).exits(0);
        platform.run(Event::Schedule, SINCE).exits(0);
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: B, group: C]"]);
        platform.changes();
        platform.run(Event::Schedule, SINCE).exits(0);
        assert_eq!(platform.changes(), [""; 0]);
        if kind != Kind::GitLab {
            assert!(
                platform.summary("drift").contains("not applied")
                    || platform.summary("drift").contains("unapplied")
            );
        }
        // One that was changed by hand as well does.
        platform.world.edit("tenant.json", |state| {
            let rows = nth_policy(state, 0)["assignments"].as_array_mut();
            rows.expect("a list").remove(0);
        });
        platform.run(Event::Schedule, SINCE).exits(0);
        assert_eq!(platform.changes(), ["open issue 104"]);
    }
}

#[test]
fn the_report_of_a_refused_apply_is_nothing_to_compare_with() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.world.edit("tenant.json", emptied);
        // Refused, with a report that has a plan and the tenant as the run found it.
        let report = ".assignctl/reports/20990101T000000.000Z.json";
        platform
            .run(Event::Merged, &format!("{APPLY} --report {report}"))
            .exits(5);
        // Torn, or never begun, or none at all.
        let start = r#"{"formatVersion":"1.0","event":"start","digest":null,"tenantId":null,"graphUrl":"g"}"#;
        platform
            .world
            .write(".assignctl/reports/20990102T000000.000Z.json", start);
        platform
            .world
            .write(".assignctl/reports/20990103T000000.000Z.json", "{]");
        platform.world.write(".assignctl/reports/zzz/x", "");
        platform.changes();
        platform
            .run(Event::Schedule, SINCE)
            .exits(0)
            .says(&["no report of an apply"]);
        assert_eq!(platform.changes(), ["open issue 103"], "{kind:?}");
    }
}

#[test]
fn a_folder_of_reports_is_no_matter_of_pipelines_alone() {
    let platform = platform(Kind::GitHub, WANTED);
    platform.world.sandbox("apply m.yaml --yes").exits(0);
    platform.world.manifest(&["name: P, include: [group: A]"]);
    platform
        .world
        .sandbox("drift m.yaml --since .assignctl/reports --format json")
        .exits(2)
        .says(&["\"unapplied\": 1"]);
    platform
        .world
        .sandbox("drift m.yaml --since nowhere")
        .exits(1)
        .says(&["`nowhere` cannot be used"]);
}
