//! `--members`: how many devices and users a plan is about, the guard `reach`, deleted groups.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_mut};

fn device(number: usize) -> String {
    format!("dddddddd-0000-4000-8000-{number:012}")
}

fn user(number: usize) -> String {
    format!("eeeeeeee-0000-4000-8000-{number:012}")
}

/// Gives a tenant 12 devices and 9 users, and its groups members: `d1-3 u2 g1` and the like.
pub(super) fn populate(world: &World, groups: &[&str]) {
    populate_file(world, "tenant.json", groups);
}

/// Does so with the tenant of a file.
pub(super) fn populate_file(world: &World, file: &str, groups: &[&str]) {
    world.edit(file, |state| {
        state["devices"] = (1..=12)
            .map(|number| json!({"id": device(number), "displayName": "D"}))
            .collect();
        state["users"] = (1..=9)
            .map(|number| json!({"id": user(number), "userPrincipalName": format!("u{number}@x")}))
            .collect();
        for (index, words) in groups.iter().enumerate() {
            let mut members = Vec::new();
            for word in words.split_whitespace() {
                let (kind, numbers) = word.split_at(1);
                let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
                let number = |text: &str| text.parse::<usize>().expect("a number");
                for number in number(first)..=number(last) {
                    members.push(match kind {
                        "d" => device(number),
                        "u" => user(number),
                        _ => group_id(number),
                    });
                }
            }
            state["groups"][index]["members"] = json!(members);
        }
    });
}

/// A policy that is assigned to `A`, and shall be assigned to `B` and all users, without `C`.
fn world() -> World {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: B, allUsers], exclude: [group: C]"],
    );
    populate(&world, &["d1-4", "d3-9 u1-2 g1", "d9 u9"]);
    world
}

#[test]
fn numbers_stand_beside_each_change_in_every_format() {
    let world = world();
    let lines = [
        "group A (4 devices)",
        "group B (9 devices, 2 users)",
        "exclude group C (1 device, 1 user)",
        "allUsers (9 users)",
    ];
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!(
                "plan m.yaml --members --format {format} --allow broad-target"
            ))
            .exits(0)
            .says(&lines);
    }
    world
        .sandbox("drift m.yaml --members")
        .exits(2)
        .says(&lines);
    // The counts may lag behind, and are said to.
    let note = "Members are counted by Entra";
    for format in ["text", "markdown"] {
        let plan = format!("plan m.yaml --format {format} --allow broad-target");
        world.sandbox(&format!("{plan} --members")).says(&[note]);
        world
            .sandbox(&format!("{plan} --members exact"))
            .says_nothing_of(note);
        world.sandbox(&plan).says_nothing_of(note);
    }
    let without = world
        .sandbox("plan m.yaml --format json --allow broad-target")
        .json();
    let told = world
        .sandbox("plan m.yaml --members --format json --allow broad-target --out p.json")
        .exits(0)
        .json();
    assert_eq!(told["digest"], without["digest"]);
    assert_eq!(without["policies"][0]["changes"][0].get("members"), None);
    assert_eq!(told["policies"][0].get("reach"), None);
    let changes = told["policies"][0]["changes"].as_array().expect("a list");
    let of = |name: &str| {
        let target = |change: &&Value| {
            let row = ["after", "before"].map(|side| &change[side]["target"]["name"]);
            row.contains(&&json!(name))
        };
        changes.iter().find(target).expect("a change")["members"].clone()
    };
    let expected = json!({"devices": 9, "users": 2, "other": null, "exact": false, "reason": null});
    assert_eq!(of("B"), expected);
    // A saved plan keeps them, and one that has none is counted if that is asked for.
    world.run("show p.json").exits(0).says(&lines);
    world
        .sandbox("plan m.yaml --format github --members exact --allow broad-target")
        .exits(0)
        .says(&[
            "group B (9 devices, 2 users)",
            "%0Aat most 4 devices and 9 users get it",
        ]);
    world.write("assignctl.yaml", "members: true\n");
    world.sandbox("drift m.yaml").exits(2).says(&lines);
    world
        .sandbox("apply m.yaml --yes --members --allow broad-target --report r.jsonl")
        .exits(0)
        .says(&lines);
}

#[test]
fn exact_numbers_say_who_gains_and_who_loses() {
    let world = world();
    // Devices 3 to 8 and, through A, 1 and 2: those of A stay. All users, of whom C may hold one.
    let told = world
        .sandbox("plan m.yaml --members exact --format json --allow broad-target")
        .exits(0)
        .json();
    let reach = &told["policies"][0]["reach"];
    assert_eq!(reach["gained"], json!({"devices": 4, "users": 9}));
    assert_eq!(reach["lost"], json!({"devices": 0, "users": 0}));
    assert_eq!(
        reach["exact"], false,
        "licensed users are the most it can be"
    );
    world
        .sandbox("plan m.yaml --members exact --allow broad-target")
        .exits(0)
        .says(&["  at most 4 devices and 9 users get it\n"]);
    world.manifest(&["name: P, include: [group: C]"]);
    let told = world
        .sandbox("plan m.yaml --members exact --format json --out p.json")
        .exits(0)
        .json();
    assert_eq!(
        told["policies"][0]["reach"],
        json!({
            "gained": {"devices": 1, "users": 1},
            "lost": {"devices": 4, "users": 0},
            "exact": true,
            "reason": null,
        })
    );
    world
        .sandbox("plan m.yaml --members exact")
        .exits(0)
        .says(&["1 device and 1 user get it; 4 devices lose it"]);
    // The other way round in drift.
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("drift m.yaml --members exact --format {format}"))
            .exits(2)
            .says(&[
                "1 device and 1 user do not get it, and should; 4 devices get it, and should not",
            ])
            .says_nothing_of("lose it");
    }
    world.run("show p.json").says(&["4 devices lose it"]);
}

#[test]
fn drift_says_who_lost_a_policy_that_was_emptied_by_hand() {
    let world = world();
    world.manifest(&["name: P, include: [group: A]"]);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"] = json!([]);
    });
    for format in ["text", "markdown", "github"] {
        world
            .sandbox(&format!("drift m.yaml --members exact --format {format}"))
            .exits(2)
            .says(&["4 devices do not get it, and should"])
            .says_nothing_of("4 devices get it");
    }
}

#[test]
fn what_is_only_added_takes_nothing_away_though_its_members_are_unknown() {
    let world = world();
    let plan = "plan m.yaml --max-members-lost 1";
    world.manifest(&["name: P, include: [group: A, collection: X]"]);
    let told = world
        .sandbox(&format!("{plan} --format json"))
        .exits(0)
        .json();
    let reach = &told["policies"][0]["reach"];
    assert_eq!(reach["gained"], json!({"devices": null, "users": 0}));
    assert_eq!(reach["lost"], json!({"devices": 0, "users": 0}));
    assert_eq!(reach["exact"], false);
    world
        .sandbox(plan)
        .exits(0)
        .says(&["  unknown devices get it\n"]);
    // The same with a group whose members are hidden; excluding it may take anything away.
    world.edit("tenant.json", |state| {
        state["groups"][1]["visibility"] = json!("HiddenMembership");
    });
    world.manifest(&["name: P, include: [group: A, group: B]"]);
    world.sandbox(plan).exits(0);
    world.manifest(&["name: P, include: [group: A], exclude: [group: B]"]);
    world
        .sandbox(plan)
        .exits(4)
        .says(&["(cannot be judged, limit 1)"]);
    // So may taking a collection away, or the collection's filter in mode `exclude`.
    world.manifest(&[
        "name: P, include: [group: A, {collection: X, filter: F, filterMode: exclude}]",
    ]);
    world.sandbox(plan).exits(4);
    world.edit("tenant.json", |state| {
        policy_mut(state, "P")["assignments"][0]["target"] = json!({
            "@odata.type": "#microsoft.graph.configurationManagerCollectionAssignmentTarget",
            "collectionId": "X",
        });
    });
    world.manifest(&["name: P, include: [group: A]"]);
    world.sandbox(plan).exits(4);
}

#[test]
fn what_is_unknown_is_never_zero() {
    let world = world();
    world.manifest(&["name: P, include: [group: B, allUsers, allDevices]"]);
    world.edit("tenant.json", |state| {
        state["groups"][1]["visibility"] = json!("HiddenMembership");
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
        // A group that does not exist.
        let row = &mut policy_mut(state, "P")["assignments"][0];
        row["target"]["groupId"] = json!(group_id(77));
        row["id"] = Value::Null;
    });
    let plan = "plan m.yaml --allow broad-target --members";
    world
        .sandbox(plan)
        .exits(0)
        .says(&[
            "group B (members unknown, not permitted to read)",
            "allDevices (devices unknown, not permitted to read)",
            "allUsers (users unknown, not permitted to read)",
            "(does not exist)  ",
        ])
        .says_nothing_of("members unknown, the group does not exist");
    let told = world
        .sandbox(&format!("{plan} exact --format json"))
        .exits(0)
        .json();
    let reach = &told["policies"][0]["reach"];
    assert_eq!(reach["gained"], json!({"devices": null, "users": null}));
    assert_eq!(reach["reason"], "forbidden");
    let text = told["policies"][0]["changes"].to_string();
    assert!(!text.contains(":0,\"users\":0"), "{text}");
}

#[test]
fn more_members_than_allowed_are_not_read() {
    let world = world();
    world.manifest(&["name: P, include: [group: B]"]);
    let told = world
        .sandbox("plan m.yaml --members exact --members-limit 5 --format json")
        .exits(0)
        .json();
    let policy = &told["policies"][0];
    // Those of A were read: at most they lose it, unless they are in B.
    let reach = &policy["reach"];
    assert_eq!(reach["gained"], json!({"devices": null, "users": null}));
    assert_eq!(reach["lost"], json!({"devices": 4, "users": 0}));
    assert_eq!(
        [&reach["exact"], &reach["reason"]],
        [&json!(false), &json!("limit")]
    );
    // The counts are there all the same.
    let text = policy["changes"].to_string();
    assert!(text.contains("\"devices\":9"), "{text}");
    world
        .sandbox("plan m.yaml --members exact --members-limit 15")
        .exits(0)
        .says(&["5 devices and 2 users get it"]);
}

#[test]
fn a_limit_of_what_is_not_read_is_refused() {
    let world = world();
    for flags in ["", "--members", "--members filters"] {
        world
            .sandbox(&format!("plan m.yaml {flags} --members-limit 5"))
            .exits(64)
            .says(&["`--members exact`", "leave `--members-limit` out"]);
    }
    world.write("assignctl.yaml", "members: exact\n");
    world
        .sandbox("plan m.yaml --members-limit 5 --allow broad-target")
        .exits(0);
}

#[test]
fn the_guard_reach_trips_on_many_losses_and_on_what_cannot_be_counted() {
    let world = world();
    world.manifest(&["name: P, include: [group: C]"]);
    let plan = "plan m.yaml --max-members-lost";
    world.sandbox(&format!("{plan} 4")).exits(0);
    world.sandbox(&format!("{plan} 3")).exits(4).says(&[
        "guard `reach` tripped: policies lose more devices and users than allowed (4, limit 3)",
        "configurationPolicy P",
        "--allow reach",
    ]);
    world
        .sandbox(&format!("{plan} 3 --allow reach --out accepted.json"))
        .exits(0);
    world.sandbox(&format!("{plan} 3 --out p.json")).exits(4);
    // What a file says of it is not believed.
    world.edit("p.json", |plan| {
        plan["policies"][0]["reach"]["lost"] = json!({"devices": 0, "users": 0});
    });
    world.sandbox("apply p.json --report r.jsonl").exits(4);
    assert_eq!(world.rows("P"), ["+A"]);
    world
        .sandbox(&format!("{plan} 100 --members-limit 1"))
        .exits(4)
        .says(&["(cannot be judged, limit 100)"]);
    world.write("assignctl.yaml", "guards: {maxMembersLost: 3}\n");
    world.sandbox("plan m.yaml").exits(4).says(&["`reach`"]);
    world.sandbox("drift m.yaml").exits(2).says(&["`reach`"]);
    world
        .sandbox("apply accepted.json --report r.jsonl")
        .exits(0);
    assert_eq!(world.rows("P"), ["+C"]);
}

/// No one knows which members of a group are enrolled, so that none is subtracted from all devices.
#[test]
fn losses_of_all_devices_are_never_counted_too_low() {
    let tenant = Tenant::common().policy("P", &["allDevices", "-C"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [group: A], exclude: [group: C]"],
    );
    populate(&world, &["d1", "", "d7-12"]);
    world.edit("tenant.json", |state| {
        for device in &mut state["devices"].as_array_mut().expect("devices")[6..] {
            device["isManaged"] = json!(false);
        }
    });
    let plan = "plan m.yaml --members exact --max-members-lost";
    world
        .sandbox(&format!("{plan} 3"))
        .exits(4)
        .says(&["at most 6 devices lose it"]);
    world.sandbox(&format!("{plan} 6")).exits(0);
}

#[test]
fn an_app_that_is_to_be_uninstalled_is_lost() {
    let id = "ffffffff-0000-4000-8000-000000000001";
    let entry = format!("kind: mobileApp, id: {id}, intent: uninstall, include: [group: A]");
    let world = World::with(&Tenant::common(), &[&entry]);
    populate(&world, &["d1-4"]);
    world.edit("tenant.json", |state| {
        state["mobileApps"] = json!([{
            "id": id,
            "displayName": "App",
            "@odata.type": "#microsoft.graph.win32LobApp",
            "publishingState": "published",
            "assignments": [{
                "id": format!("{id}_1"),
                "@odata.type": "#microsoft.graph.mobileAppAssignment",
                "intent": "required",
                "source": "direct",
                "sourceId": null,
                "settings": null,
                "target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(1)},
            }],
        }]);
    });
    let plan = "plan m.yaml --members exact --max-members-lost";
    world
        .sandbox(&format!("{plan} 3"))
        .exits(4)
        .says(&["4 devices lose it"])
        .says_nothing_of("get it");
    world.sandbox(&format!("{plan} 4")).exits(0);
}

#[test]
fn a_deleted_group_is_named_with_the_time() {
    let world = world();
    world.manifest(&["name: P, include: [group: A]"]);
    let gone = json!({
        "id": group_id(77),
        "displayName": "SG-Old",
        "deletedDateTime": "2026-11-20T08:12:00Z",
    });
    world.edit("tenant.json", |state| {
        state["deletedGroups"] = json!([gone]);
        let row = &mut policy_mut(state, "P")["assignments"][0];
        row["target"]["groupId"] = json!(group_id(77));
        row["id"] = Value::Null;
    });
    let deleted = format!(
        "- group SG-Old ({}, deleted 2026-11-20 08:12 UTC)",
        group_id(77)
    );
    world
        .sandbox("plan m.yaml --out p.json")
        .exits(0)
        .says(&[&deleted]);
    world.run("show p.json").exits(0).says(&[&deleted]);
    let named = deleted.trim_start_matches("- ");
    world.sandbox("list").exits(0).says(&[named]);
    world.sandbox("explain P m.yaml").exits(0).says(&[named]);
    // Without the permission it is one that does not exist, and the plan is the same.
    let digest = world.json("p.json")["digest"].clone();
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
    });
    let told = world.sandbox("plan m.yaml --format json").exits(0).json();
    assert_eq!(told["digest"], digest);
    let missing = format!("- group {} (does not exist)", group_id(77));
    world.sandbox("plan m.yaml").exits(0).says(&[&missing]);
}

/// A policy for all devices with a filter, of which ten and two Windows devices are known.
fn filtered(table: &str) -> World {
    let tenant = Tenant::common()
        .switch("filterTable", json!(table))
        .filter("Mac", "macOS")
        .policy("P", &["allDevices [include F]"]);
    let world = World::with(
        &tenant,
        &["name: P, include: [{allDevices: true, filter: F, filterMode: exclude}]"],
    );
    world.edit("tenant.json", |state| {
        state["devices"] = (1..=12)
            .map(|number| {
                let model = if number > 10 { "XPS" } else { "Latitude" };
                json!({
                    "id": device(number),
                    "displayName": format!("D{number}"),
                    "operatingSystem": "Windows",
                    "model": model,
                })
            })
            .collect();
        state["assignmentFilters"][0]["rule"] = json!("(device.model -startsWith \"lat\")");
    });
    world
}

#[test]
fn filters_say_how_many_devices_they_match_in_every_format_and_spelling() {
    let line = "F matches 10 of 12 Windows devices";
    let head = "Filters, over all enrolled devices";
    for table in ["columns", "schema"] {
        let world = filtered(table);
        for (format, code) in [("text", 0), ("markdown", 0)] {
            world
                .sandbox(&format!("plan m.yaml --members filters --format {format}"))
                .exits(code)
                .says(&[head, line, "(12 devices)"]);
        }
        let plain = world.sandbox("plan m.yaml --members --format json").json();
        assert_eq!(plain.get("filters"), None, "it is not asked for");
        let told = world
            .sandbox("plan m.yaml --members exact,filters --format json --out p.json")
            .exits(0)
            .json();
        assert_eq!(told["digest"], plain["digest"]);
        let expected = json!([{
            "id": "cccccccc-0000-4000-8000-000000000001",
            "name": "F",
            "platform": "windows10AndLater",
            "matches": 10,
            "atLeast": false,
            "of": 12,
            "reason": null,
        }]);
        assert_eq!(told["filters"], expected);
        assert!(told["policies"][0].get("reach").is_some());
        // A saved plan keeps it.
        world.run("show p.json").exits(0).says(&[head, line]);
        assert_eq!(
            world.run("show p.json --format json").json()["filters"],
            expected
        );
    }
}

#[test]
fn a_filter_that_matches_more_than_is_read_says_so() {
    let world = filtered("columns");
    world.edit("tenant.json", |state| {
        let one = |number| {
            json!({
                "id": device(number),
                "displayName": format!("D{number}"),
                "operatingSystem": "Windows",
                "model": "Latitude",
            })
        };
        state["devices"] = (1..=2001).map(one).collect();
    });
    let plan = "plan m.yaml --members filters";
    world
        .sandbox(plan)
        .exits(0)
        .says(&["F matches 2,000 or more Windows devices"]);
    let told = world.sandbox(&format!("{plan} --format json")).json();
    let filter = &told["filters"][0];
    assert_eq!(
        (&filter["matches"], &filter["atLeast"]),
        (&json!(2000), &json!(true))
    );
}

/// Beside a plan, never in it: all else is read before, and nothing of the plan is another.
#[test]
fn counting_comes_after_the_plan_and_changes_nothing_of_it() {
    let tenant = Tenant::common()
        .policy("P", &["+A"])
        .policy("Q", &["+B"])
        .policy("R", &["+C"])
        .compliance("S", &["+A"]);
    let world = World::with(
        &tenant,
        &[
            "match: '*', include: [group: B, group: C]",
            "kind: compliancePolicy, name: S, include: [allUsers]",
        ],
    );
    populate(&world, &["d1-4", "d3-9 u1-2", "u9"]);
    let plan = "plan m.yaml --format json --allow broad-target --allow removals";
    let plain = world.sandbox(plan).exits(0).json();
    for members in ["counts", "exact", "exact,filters"] {
        let mut told = world
            .sandbox(&format!(
                "{plan} --members {members} --record {members}.jsonl"
            ))
            .exits(0)
            .json();
        told["createdAt"] = plain["createdAt"].clone();
        told["diagnostics"] = plain["diagnostics"].clone();
        for policy in told["policies"].as_array_mut().expect("a list") {
            let policy = policy.as_object_mut().expect("a policy");
            policy.remove("reach");
            for change in policy["changes"].as_array_mut().expect("a list") {
                change.as_object_mut().expect("a change").remove("members");
            }
        }
        assert_eq!(told, plain, "{members}");
        let record = world.read(&format!("{members}.jsonl"));
        let last = |part: &str| record.rfind(part).expect(part);
        let counted = record.find("transitiveMembers").expect("a count");
        assert!(last("/deviceManagement/configurationPolicies?") < counted);
        assert!(last("/deviceManagement/compliancePolicies?") < counted);
    }
}

#[test]
fn what_a_filter_matches_is_never_zero_because_it_is_unknown() {
    let world = filtered("columns");
    // Without the overview the number of all is left out.
    world.edit("tenant.json", |state| {
        state["service"]["roles"] = json!([
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ]);
    });
    let plan = "plan m.yaml --members filters";
    world
        .sandbox(plan)
        .exits(0)
        .says(&["F matches 10 Windows devices\n"]);
    // A rule that the service does not take.
    world.edit("tenant.json", |state| {
        state["assignmentFilters"][0]["rule"] = json!("(device.colour -eq \"x\")");
    });
    let digest = world.sandbox("plan m.yaml --format json").json()["digest"].clone();
    for format in ["text", "markdown"] {
        world
            .sandbox(&format!("{plan} --format {format}"))
            .exits(0)
            .says(&["F matches an unknown number of devices"]);
    }
    let told = world
        .sandbox(&format!("{plan} --format json"))
        .exits(0)
        .json();
    assert_eq!(told["digest"], digest);
    assert_eq!(told["filters"][0]["matches"], Value::Null);
}

#[test]
fn a_path_after_members_is_a_path_and_nothing_is_swallowed() {
    let world = world();
    world.write(
        "assignctl.yaml",
        "members: exact,filters\nmanifests: [other.yaml]\n",
    );
    world.manifest_in("other.yaml", &["name: P, include: [group: B]"]);
    for line in [
        "plan --allow broad-target --members m.yaml",
        "plan --members=counts --allow broad-target m.yaml",
        "plan m.yaml --allow broad-target --members",
    ] {
        world
            .sandbox(line)
            .exits(0)
            .says(&["allUsers (9 users)"])
            .says_nothing_of("get it");
    }
    // The configuration's words are those of the option.
    world
        .sandbox("plan")
        .exits(0)
        .says(&["5 devices and 2 users get it"]);
    world.sandbox("plan --members exakt").exits(64).says(&[
        "invalid value 'exakt' for '--members",
        "counts, exact, filters",
    ]);
    for (words, code) in [
        ("true", 0),
        ("counts", 0),
        ("filters", 0),
        ("false", 0),
        ("exakt", 1),
        ("3", 1),
        ("[]", 1),
    ] {
        world.write("assignctl.yaml", &format!("members: {words}\n"));
        let ran = world
            .sandbox("plan m.yaml --allow broad-target")
            .exits(code);
        if code > 0 {
            ran.says(&[
                "error[configuration]: expected `true`, `false`, `counts`, `exact` or `filters`",
                "assignctl.yaml:1:",
            ]);
        }
    }
}

/// Numbers stand in what a reviewer of the sample tenant sees, and three rules that a real tenant breaks.
#[test]
fn the_sample_tenant_has_members_and_three_warnings() {
    let world = World::empty();
    let tenant = world.path("tenant.json");
    let line = format!(
        "plan examples/manifests --no-progress --members exact,filters --sandbox {}",
        tenant.display()
    );
    let told = world.run_in(env!("CARGO_MANIFEST_DIR"), &line).exits(0).says(&[
        "group SG-Win-Ring-2-Early (55 devices)",
        "group SG-Mobile-Broad, filter Android work profile – personal (include) (10 devices, 84 users)",
        "30 users get it; 32 users lose it",
        "Corporate Windows 11 matches 184 of 208 Windows devices",
        "warning[dynamic-device-exclusion]: configurationPolicy `Win - Security - BitLocker`",
        "warning[exclusion-no-effect]: mobileApp `7-Zip`",
        "warning[mixed-group]: ",
    ]);
    let warnings = told.stderr.matches("(Microsoft: ").count();
    assert_eq!(warnings, 3, "{}", told.stderr);
}

/// A filter that changes decides about everyone that its target means.
#[test]
fn what_a_filter_may_do_is_the_most_that_it_can_be() {
    let world = filtered("columns");
    for format in ["text", "markdown", "github"] {
        world
            .sandbox(&format!("plan m.yaml --members exact --format {format}"))
            .exits(0)
            .says(&["at most 12 devices get it; at most 12 devices lose it"]);
    }
    let told = world
        .sandbox("plan m.yaml --members exact --format json")
        .json();
    assert_eq!(told["policies"][0]["reach"]["exact"], false);
    // One that is added takes it away only, and one that goes gives it only.
    let entry = |filter: &str| format!("name: P, include: [{{allDevices: true{filter}}}]");
    world.edit("tenant.json", |state| {
        let target = &mut policy_mut(state, "P")["assignments"][0]["target"];
        target["deviceAndAppManagementAssignmentFilterId"] = Value::Null;
        target["deviceAndAppManagementAssignmentFilterType"] = json!("none");
    });
    world.manifest(&[&entry(", filter: F")]);
    world
        .sandbox("plan m.yaml --members exact")
        .exits(0)
        .says(&["  at most 12 devices lose it\n"]);
    world
        .sandbox("plan m.yaml --max-members-lost 11")
        .exits(4)
        .says(&["(12, limit 11)"]);
    world.sandbox("plan m.yaml --max-members-lost 12").exits(0);
    // Carrying a plan out counts as well, if that is asked for.
    world.sandbox("plan m.yaml --out plain.json").exits(0);
    world
        .sandbox("apply plain.json --members exact,filters --report r.jsonl")
        .exits(0)
        .says(&[
            "at most 12 devices lose it",
            "F matches 10 of 12 Windows devices",
        ]);
}
