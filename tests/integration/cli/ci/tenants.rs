//! Many tenants in a pipeline: one comment, one digest, one issue.

use std::fmt::Write as _;

use super::platform::{Event, Kind, Platform};
use crate::cli::support::World;
use crate::cli::support::tenant::{Tenant, rows};

const PLAN: &str = "plan m.yaml --all-tenants";
const APPLY: &str = "apply m.yaml --all-tenants --reviewed --yes";
const DRIFT: &str = "drift m.yaml --all-tenants";

/// Two tenants, whose policy `P` is to be assigned to `B` too.
fn platform(kind: Kind) -> Platform {
    let world = World::new(&Tenant::common().policy("P", &["+A"]));
    let mut manifest = String::from("version: 1\ntenants:\n");
    for (number, name) in (1..).zip(["adatum", "contoso"]) {
        let id = format!("{number}1111111-2222-4333-8444-555555555555");
        writeln!(manifest, "  {name}: {{tenantId: {id}}}").expect("memory");
        let file = format!("all/{name}.json");
        world.write(&file, &world.read("tenant.json"));
        world.edit(&file, |tenant| tenant["tenantId"] = id.into());
    }
    manifest.push_str(
        "policies:\n- {kind: configurationPolicy, name: P, include: [{group: A}, {group: B}]}\n",
    );
    world.write("m.yaml", &manifest);
    Platform::new(kind, world)
}

fn run(platform: &mut Platform, event: Event, line: &str) -> crate::cli::support::Ran {
    platform.start(event);
    let line = format!("{line} --sandbox all --ci {}", platform.kind.name());
    platform.world.run(&line)
}

fn found(platform: &Platform, tenant: &str) -> Vec<String> {
    rows(&platform.world.json(&format!("all/{tenant}.json")), "P")
}

#[test]
fn one_comment_has_all_tenants_and_its_digest_is_that_of_all() {
    for kind in Kind::ALL {
        let mut platform = platform(kind);
        run(&mut platform, Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["comment 101"], "{kind:?}");
        let body = platform.own_comment();
        assert!(body.starts_with("<!-- assignctl plan -->\n"), "{body}");
        for part in [
            "| tenant | result |",
            "| adatum | <code>1 of 1 managed policy changes: 1 assignment to add, 0 to remove, 0 to update</code> |",
            "<details><summary>contoso</summary>",
            "+ group B",
        ] {
            assert!(body.contains(part), "`{part}` is not in\n{body}");
        }
        let digest = body.lines().last().expect("a line");
        assert!(digest.starts_with("Digest: `sha256:"), "{body}");
        if kind != Kind::GitLab {
            assert_eq!(platform.summary("plan"), body);
        }
        // The same once more, and the same comment.
        run(&mut platform, Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), [""; 0]);

        // One tenant has moved since: nothing is written in any.
        platform.world.edit("all/contoso.json", super::by_hand);
        let before = found(&platform, "contoso");
        run(&mut platform, Event::Merged, APPLY)
            .exits(5)
            .says(&["the plan differs from the reviewed one"]);
        assert_eq!(found(&platform, "adatum"), ["+A"]);
        assert_eq!(found(&platform, "contoso"), before);
        platform.changes();
        run(&mut platform, Event::Proposed, PLAN).exits(0);
        assert_eq!(platform.changes(), ["update comment 101"]);
        run(&mut platform, Event::Merged, APPLY).exits(0);
        for tenant in ["adatum", "contoso"] {
            assert_eq!(found(&platform, tenant), ["+A", "+B"]);
        }
        // The same job once more: what was applied stays said.
        run(&mut platform, Event::Merged, APPLY).exits(5);
        let said = platform
            .state()
            .comments
            .last()
            .expect("a comment")
            .body
            .clone();
        for part in [
            "<!-- assignctl apply -->\n**A later run failed and wrote nothing** (exit code 5)",
            "| adatum | <code>1 applied</code> |",
        ] {
            assert!(said.contains(part), "{kind:?} {part}: {said}");
        }
        let state = platform.state();
        let said = &state.comments.last().expect("a comment").body;
        assert!(
            said.starts_with("<!-- assignctl apply -->\n")
                && said.contains("| <code>1 applied</code> |"),
            "{said}"
        );
    }
}

#[test]
fn a_comment_keeps_to_its_size() {
    let mut platform = platform(Kind::GitHub);
    run(
        &mut platform,
        Event::Proposed,
        &format!("{PLAN} --max-bytes 1500"),
    )
    .exits(0);
    let body = platform.own_comment();
    assert!(body.len() <= 1500, "{}", body.len());
    assert!(body.contains("left out"), "{body}");
    assert!(body.contains("| contoso | <code>"), "{body}");
}

#[test]
fn one_issue_has_a_section_a_tenant() {
    for kind in Kind::ALL {
        let mut platform = platform(kind);
        // Whether the tenants differ is no failure of the job.
        run(&mut platform, Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), ["open issue 101"], "{kind:?}");
        let body = platform.state().issues[0].body.clone();
        for part in [
            "<!-- assignctl drift -->",
            "#### adatum\n",
            "#### contoso\n",
        ] {
            assert!(body.contains(part), "`{part}` is not in\n{body}");
        }
        run(&mut platform, Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), [""; 0]);
        // A tenant that cannot be read: what the others are like says nothing of it.
        let apply = "apply m.yaml --all-tenants --yes --sandbox all";
        platform.world.run(apply).exits(0);
        platform
            .world
            .write("kept.json", &platform.world.read("all/contoso.json"));
        std::fs::remove_file(platform.world.path("all/contoso.json")).expect("a file");
        run(&mut platform, Event::Schedule, DRIFT).exits(1);
        assert_eq!(platform.changes(), [""; 0]);
        platform
            .world
            .write("all/contoso.json", &platform.world.read("kept.json"));
        run(&mut platform, Event::Schedule, DRIFT).exits(0);
        assert_eq!(platform.changes(), ["close issue 101"]);
    }
}

#[test]
fn shards_come_to_one_comment_and_are_applied_as_reviewed() {
    let mut platform = platform(Kind::GitHub);
    std::fs::create_dir(platform.world.path("results")).expect("a folder");
    let plan = |platform: &Platform| {
        for index in [1, 2] {
            let line = format!(
                "{PLAN} --sandbox all --shard {index}/2 --out plans-{index} --json-into results/{index}.json"
            );
            platform.world.run(&line).exits(0);
        }
    };
    let merge = |platform: &mut Platform, event, line: &str| {
        platform.start(event);
        let line = format!("tenants merge results {line} --ci {}", platform.kind.name());
        platform.world.run(&line)
    };
    plan(&platform);
    merge(&mut platform, Event::Proposed, "").exits(0);
    assert_eq!(platform.changes(), ["comment 101"]);
    let body = platform.own_comment();
    // On one machine it is the same.
    run(&mut platform, Event::Proposed, PLAN).exits(0);
    assert_eq!(platform.changes(), [""; 0]);
    merge(&mut platform, Event::Merged, "--reviewed").exits(0);
    assert_eq!(platform.changes(), [""; 0]);
    assert_eq!(platform.own_comment(), body);
    platform.world.edit("all/contoso.json", super::by_hand);
    plan(&platform);
    merge(&mut platform, Event::Merged, "--reviewed")
        .exits(5)
        .says(&["the plan differs from the reviewed one"]);
    assert_eq!(platform.changes(), [""; 0]);
}

/// What holds for the tenants of one shard is not said of all of them.
#[test]
fn a_shard_keeps_no_comment_and_an_issue_of_its_own() {
    for kind in Kind::ALL {
        let mut platform = platform(kind);
        for index in [1, 2] {
            let shard = format!("--shard {index}/2");
            run(&mut platform, Event::Schedule, &format!("{DRIFT} {shard}")).exits(0);
            let opened = [format!("open issue 10{index}")];
            assert_eq!(platform.changes(), opened, "{kind:?}");
            run(
                &mut platform,
                Event::Proposed,
                &format!("{PLAN} {shard} --out p{index}"),
            )
            .exits(0)
            .says(&["the comment is kept by `tenants merge --ci`"]);
        }
        if kind != Kind::GitLab {
            assert!(platform.summary("plan").contains("1 tenant, shard"));
        }
        run(&mut platform, Event::Merged, "apply p1")
            .exits(0)
            .says(&["the comment is kept by `tenants merge --ci`"]);
        assert_eq!(platform.changes(), [""; 0], "{kind:?}");
    }
}

/// A comment never shows the plan of an earlier commit as if it were that of this one.
#[test]
fn shards_that_failed_come_to_a_comment_that_says_so() {
    for kind in Kind::ALL {
        let mut platform = platform(kind);
        let plan = |platform: &Platform| {
            for index in [1, 2] {
                let line = format!(
                    "{PLAN} --sandbox all --shard {index}/2 --run-id a --json-into results/{index}.json"
                );
                platform.world.run(&line);
            }
        };
        let merge = |platform: &mut Platform, event| {
            platform.start(event);
            let line = format!("tenants merge results --ci {}", platform.kind.name());
            platform.world.run(&line)
        };
        plan(&platform);
        merge(&mut platform, Event::Proposed).exits(0);
        assert_eq!(platform.changes(), ["comment 101"], "{kind:?}");
        let manifest = platform.world.read("m.yaml");
        platform
            .world
            .write("m.yaml", &manifest.replace("name: P", "nam: P"));
        plan(&platform);
        let ran = merge(&mut platform, Event::Proposed).exits(3);
        assert_eq!(platform.changes(), ["update comment 101"], "{kind:?}");
        let body = platform.own_comment();
        assert!(body.starts_with("<!-- assignctl plan -->\n"), "{body}");
        assert!(body.contains("m.yaml:6:"), "{body}");
        assert!(!body.contains("+ group B"), "{body}");
        match kind {
            Kind::GitHub => assert!(ran.stderr.contains("::error"), "{}", ran.stderr),
            Kind::GitLab => {}
            _ => assert!(ran.stderr.contains("##vso[task.logissue"), "{}", ran.stderr),
        }
        if kind != Kind::GitLab {
            assert_eq!(platform.summary("plan"), body);
        }
        // No shard has left anything.
        for index in [1, 2] {
            let path = format!("results/{index}.json");
            std::fs::remove_file(platform.world.path(&path)).expect("a file");
        }
        merge(&mut platform, Event::Proposed).exits(1);
        assert_eq!(platform.changes(), ["update comment 101"], "{kind:?}");
        assert!(platform.own_comment().contains("holds no results"));
        // Outside of a request nothing is known of what the shards were to do.
        merge(&mut platform, Event::Schedule)
            .exits(1)
            .says(&["holds no results"]);
        assert_eq!(platform.changes(), [""; 0], "{kind:?}");
    }
}
