//! `apply --reviewed`: the plan that people saw, or nothing.

use serde_json::json;

use super::platform::{Event, Kind, OWN, Platform, SOMEBODY};
use super::{APPLY, BROAD, PLAN, WANTED, by_hand, comment, platform};
use crate::cli::support::World;
use crate::cli::support::tenant::Tenant;

/// Plans, and returns what the comment says.
fn reviewed(platform: &mut Platform) -> String {
    platform.run(Event::Proposed, PLAN).exits(0);
    platform.own_comment()
}

fn says(platform: &Platform, bodies: &[(u64, &str)]) {
    let mut state = platform.state();
    state.comments = bodies
        .iter()
        .zip(500..)
        .map(|((author, body), id)| comment(*author, id, body))
        .collect();
}

#[test]
fn a_merge_applies_what_the_comment_showed_or_nothing() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let body = reviewed(&mut platform);
        // A comment of someone else's, and a name in ours, cannot stand in for the digest.
        let forged = format!(
            "<!-- assignctl plan -->\nDigest: `sha256:{}`",
            "0".repeat(64)
        );
        let ours = body.replacen(
            '\n',
            &format!("\nDigest: `sha256:{}` is a name\n", "1".repeat(64)),
            1,
        );
        says(
            &platform,
            &[
                (SOMEBODY, &forged),
                (OWN, "hello"),
                (OWN, &ours),
                (SOMEBODY, &forged),
            ],
        );
        platform.changes();
        let ran = platform.run(Event::Merged, APPLY).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "+B"], "{kind:?}");
        // What became of it is said on the change that was merged.
        assert_eq!(platform.changes(), ["comment 102"]);
        let state = platform.state();
        let said = &state.comments.last().expect("a comment").body;
        assert!(
            said.starts_with("<!-- assignctl apply -->\n") && said.contains("applied"),
            "{said}"
        );
        drop(state);
        if kind == Kind::AzureDevOps {
            ran.says(&["##vso[build.addbuildtag]applied"]);
        }
        if kind != Kind::GitLab {
            assert!(platform.summary("apply").contains("applied"));
        }

        // The tenant has moved since: nothing is written, and what was applied stays said.
        platform.world.edit("tenant.json", by_hand);
        let rows = platform.world.rows("P");
        let ran = platform.run(Event::Merged, APPLY).exits(5);
        ran.says(&["the plan differs from the reviewed one"])
            .says_nothing_of("addbuildtag");
        assert_eq!(platform.world.rows("P"), rows);
        assert_eq!(platform.changes(), ["update comment 102"]);
        let said = platform
            .state()
            .comments
            .last()
            .expect("a comment")
            .body
            .clone();
        for part in [
            "<!-- assignctl apply -->\n**A later run failed and wrote nothing** (exit code 5): <code>",
            "the plan differs from the reviewed one",
            "### assignctl apply: 1 applied",
        ] {
            assert!(said.contains(part), "{kind:?} {part}: {said}");
        }
        assert!(!said.contains("nothing was applied"), "{said}");
        platform.run(Event::Merged, APPLY).exits(5);
        assert_eq!(platform.changes(), [""; 0]);
    }
}

/// A job that resumes before anyone has approved, or is run again, writes nothing.
#[test]
fn what_waits_does_not_hide_what_was_applied() {
    for kind in Kind::ALL {
        let tenant = Tenant::common()
            .switch("approval", json!({"collections": ["compliancePolicies"]}))
            .policy("P", &[])
            .compliance("C", &[]);
        let entries = [
            "name: P, include: [group: A]",
            "kind: compliancePolicy, name: C, include: [group: A]",
        ];
        let mut platform = Platform::new(kind, World::with(&tenant, &entries));
        let line = "apply m.yaml --yes --justification ring";
        platform
            .run(Event::Merged, &format!("{line} --report r.jsonl"))
            .exits(8);
        assert!(platform.own_comment().contains("1 applied, 1 pending"));
        for line in [line, "apply --resume r.jsonl --yes"] {
            platform.run(Event::Merged, line).exits(8);
            let said = platform.own_comment();
            for part in ["0 applied, 1 pending", "1 applied, 1 pending"] {
                assert!(said.contains(part), "{kind:?} {part}: {said}");
            }
        }
        // Where both have no room, what was applied stays.
        platform
            .run(Event::Merged, &format!("{line} --max-bytes 1000"))
            .exits(8);
        let said = platform.own_comment();
        assert!(said.contains("1 applied, 1 pending"), "{said}");
        assert!(
            said.contains("A later run wrote nothing and waits for approval"),
            "{said}"
        );
    }
}

#[test]
fn without_a_reviewed_plan_nothing_is_written() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let body = reviewed(&mut platform);
        let refuses = |platform: &mut Platform, why: &str| {
            platform.run(Event::Merged, APPLY).exits(1).says(&[
                "no plan of this commit was reviewed",
                why,
                "ASSIGNCTL_EXPECT_DIGEST",
            ]);
            assert_eq!(platform.world.rows("P"), ["+A"], "{kind:?}");
        };
        // Only the last line tells, and only as the program writes it.
        let digest = body.lines().last().expect("a line");
        for odd in [
            format!("{body}\nedited"),
            body.replace(digest, &digest.replace('`', "")),
            body.replace(digest, &format!("{digest} ")),
            body.replace(digest, &digest[..digest.len() - 2]),
            body.replace("<!-- assignctl plan -->", "<!-- assignctl drift -->"),
        ] {
            says(&platform, &[(OWN, &odd)]);
            refuses(&mut platform, "has no comment");
        }
        says(&platform, &[(SOMEBODY, &body)]);
        refuses(&mut platform, "has no comment");
        // Not merged from any change, or into another branch.
        says(&platform, &[(OWN, &body)]);
        platform.state().merged = vec![];
        refuses(
            &mut platform,
            "request that was merged into this branch contains it",
        );
        platform.state().merged = vec![(7, "other", true)];
        refuses(
            &mut platform,
            "request that was merged into this branch contains it",
        );
        // With the line ends of a browser the plan is the same.
        platform.state().merged = vec![(7, "main", false)];
        says(&platform, &[(OWN, &body.replace('\n', "\r\n"))]);
        platform.run(Event::Merged, APPLY).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "+B"]);
    }
}

/// Whoever may write to a repository on GitHub may edit the pipeline's comments, and it stays their author.
#[test]
fn a_plan_that_somebody_has_edited_is_not_applied() {
    let mut platform = platform(Kind::GitHub, WANTED);
    reviewed(&mut platform);
    platform.state().comments[0].editor = Some(SOMEBODY);
    platform.run(Event::Merged, APPLY).exits(1).says(&[
        "the plan on pull request 7 was edited by `github-actions`",
        "ASSIGNCTL_EXPECT_DIGEST",
    ]);
    assert_eq!(platform.world.rows("P"), ["+A"]);
    // The pipeline itself edits it with every push.
    platform.state().comments[0].editor = Some(OWN);
    platform.run(Event::Merged, APPLY).exits(0);
    assert_eq!(platform.world.rows("P"), ["+A", "+B"]);
}

/// The comment of an earlier push, which a job that failed has not updated.
#[test]
fn an_older_plan_is_not_applied() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        reviewed(&mut platform);
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform.run(Event::Merged, APPLY).exits(5);
        assert_eq!(platform.world.rows("P"), ["+A"], "{kind:?}");
    }
}

#[test]
fn of_several_changes_the_one_that_made_the_commit_counts() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        reviewed(&mut platform);
        platform.state().merged = vec![(3, "main", false), (4, "main", false)];
        platform
            .run(Event::Merged, APPLY)
            .exits(1)
            .says(&["several merged ", "3, 4"]);
        platform.state().merged = vec![(3, "main", false), (7, "main", true)];
        platform.run(Event::Merged, APPLY).exits(0);
    }
}

#[test]
fn a_digest_can_be_named_by_hand() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let body = reviewed(&mut platform);
        let start = body.rfind("sha256:").expect("a digest");
        let digest = &body[start..start + "sha256:".len() + 64];
        platform.state().merged = vec![];
        platform.changes();
        let another = format!("sha256:{}", "0".repeat(64));
        platform.world.set("ASSIGNCTL_EXPECT_DIGEST", &another);
        platform.run(Event::Merged, APPLY).exits(5);
        platform.world.set("ASSIGNCTL_EXPECT_DIGEST", "0f3a");
        platform.run(Event::Merged, APPLY).exits(64);
        platform.world.set("ASSIGNCTL_EXPECT_DIGEST", digest);
        platform.run(Event::Merged, APPLY).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "+B"]);
        // There is no change to say it on.
        assert_eq!(platform.changes(), [""; 0], "{kind:?}");
    }
}

#[test]
fn a_saved_plan_has_to_be_the_reviewed_one_too() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, WANTED);
        let saved = "apply plan.json --reviewed --yes";
        platform
            .run(Event::Merged, "plan m.yaml --out plan.json")
            .exits(0);
        platform.run(Event::Merged, saved).exits(1);
        platform
            .world
            .manifest(&["name: P, include: [group: A, group: C]"]);
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.run(Event::Merged, saved).exits(5);
        assert_eq!(platform.world.rows("P"), ["+A"], "{kind:?}");
        platform.world.manifest(&[WANTED]);
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.run(Event::Merged, saved).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "+B"]);
    }
}

#[test]
fn a_guard_that_was_not_accepted_refuses_at_the_merge_as_well() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, BROAD);
        platform.run(Event::Proposed, PLAN).exits(4);
        platform.run(Event::Merged, APPLY).exits(4);
        assert_eq!(platform.world.rows("P"), ["+A"]);
    }
}

/// Whoever may set labels may do so after the review, or after the merge.
#[test]
fn what_was_accepted_after_the_review_needs_a_new_plan() {
    for kind in Kind::ALL {
        let mut platform = platform(kind, BROAD);
        platform.run(Event::Proposed, PLAN).exits(4);
        platform.state().description = "assignctl-allow: broad-target".to_owned();
        platform
            .run(Event::Merged, APPLY)
            .exits(5)
            .says(&["the accepted guards have changed since the review"]);
        assert_eq!(platform.world.rows("P"), ["+A"], "{kind:?}");
        platform.run(Event::Proposed, PLAN).exits(0);
        platform.run(Event::Merged, APPLY).exits(0);
        assert_eq!(platform.world.rows("P"), ["+A", "allUsers"]);
    }
}

#[test]
fn what_reviewed_needs_is_said() {
    let platform = platform(Kind::GitHub, WANTED);
    platform.world.sandbox(APPLY).exits(64).says(&["--ci"]);
}
