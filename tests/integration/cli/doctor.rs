//! `doctor`: each assumption about the service holds in the emulator, and where it deviates `doctor` says
//! so, and plan and apply do the right thing all the same or refuse.

use serde_json::{Value, json};

use super::support::World;
use super::support::tenant::{Tenant, group_id, policy_id};
use assignctl::service::{ASSUMPTIONS, Probe};

/// A tenant with something of each form that is looked at.
fn tenant() -> Tenant {
    Tenant::common()
        .policy("P1", &["+A"])
        .policy("P2", &["+A", "-C", "allDevices [include F]"])
        .policy("P3", &[])
}

/// Returns the states by assumption.
fn states(told: &Value) -> Vec<(String, String)> {
    let assumptions = told["assumptions"].as_array().expect("assumptions");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    assumptions
        .iter()
        .map(|found| (text(&found["id"]), text(&found["state"])))
        .collect()
}

#[test]
fn the_sample_tenant_is_as_expected() {
    let world = World::empty();
    let told = world.sandbox("doctor --format json").exits(0).json();
    assert_eq!(told["complete"], true);
    let found = states(&told);
    let ids: Vec<&str> = found.iter().map(|(id, _)| id.as_str()).collect();
    let expected: Vec<&str> = ASSUMPTIONS.iter().map(|row| row.id).collect();
    assert_eq!(ids, expected);
    for (row, (_, state)) in ASSUMPTIONS.iter().zip(&found) {
        let expected = match (row.probe, row.id) {
            // Nothing asks to slow down, and there are neither requests, events, nor deleted groups.
            (
                Probe::Read(_),
                "retry-after" | "approval-fields" | "audit" | "audit-events" | "deleted-groups",
            ) => "unknown",
            (Probe::Read(_), _) => "holds",
            (Probe::Write(_) | Probe::Never(_), _) => "unknown",
        };
        assert_eq!(state, expected, "{}: {told:#}", row.id);
    }
    let before = world.read("tenant.json");
    world.sandbox("doctor").exits(0).says(&["assumptions: "]);
    world
        .sandbox("doctor --format markdown")
        .exits(0)
        .says(&["| unknown | `retry-after` |"]);
    assert_eq!(world.read("tenant.json"), before, "it only reads");
}

/// What an assumption's test switches on, and what is to come of it.
struct Case {
    /// The assumption.
    id: &'static str,
    /// The switches of the service.
    switches: Value,
    state: &'static str,
    /// The exit codes of `plan` and `apply`; `apply` is left out where it looks back for minutes, and tried in
    /// virtual time (`library::deviations`).
    plan: i32,
    apply: Option<i32>,
}

fn deviation(id: &'static str, how: &str, plan: i32, apply: i32) -> Case {
    switched(id, json!({"deviations": [how]}), "differs", plan, apply)
}

fn switched(id: &'static str, switches: Value, state: &'static str, plan: i32, apply: i32) -> Case {
    Case {
        id,
        switches,
        state,
        plan,
        apply: (apply != NEVER_SHOWS).then_some(apply),
    }
}

/// Stands for an `apply` whose write never shows.
const NEVER_SHOWS: i32 = -1;

/// Permissions without those of a family.
fn roles_without(lacking: &str) -> Value {
    let all = [
        "DeviceManagementApps.ReadWrite.All",
        "DeviceManagementConfiguration.ReadWrite.All",
        "DeviceManagementRBAC.ReadWrite.All",
        "DeviceManagementScripts.ReadWrite.All",
        "DeviceManagementServiceConfig.ReadWrite.All",
        "Group.Read.All",
    ];
    json!({"roles": all.iter().filter(|name| !name.starts_with(lacking)).collect::<Vec<_>>()})
}

/// One row for each assumption that reading can find out.
fn cases() -> Vec<Case> {
    vec![
        deviation("list-top", "topRefused", 0, 0),
        deviation("list-expand", "expandRefused", 0, 0),
        deviation("list-expand", "expandEmpty", 0, 0),
        deviation("assignments-agree", "assignmentsRefused", 0, 6),
        deviation("assignments-agree", "assignmentsEmpty", 0, 6),
        deviation("item-expand", "itemExpandWorks", 0, 0),
        deviation("set-expand", "setExpandRefused", 0, 0),
        deviation("odata-count", "countOfList", 0, 0),
        deviation("next-link", "linkRelative", 0, 0),
        deviation("next-link", "linkForeign", 0, 0),
        deviation("next-link", "nextPageEmpty", 0, 0),
        deviation("names", "namesMissing", 3, 3),
        deviation("names", "someNamesMissing", 3, 3),
        deviation("object-ids", "idsOfText", 0, 6),
        deviation("assignment-ids", "assignmentIdsMissing", 0, 0),
        deviation("assignment-ids", "assignmentIdsShared", 0, 0),
        deviation("sources", "sourceNovel", 0, NEVER_SHOWS),
        deviation("no-filter", "filterSpelling", 0, 0),
        deviation("target-types", "targetNovel", 0, NEVER_SHOWS),
        deviation("policy-types", "typeNovel", 0, 0),
        deviation("platforms", "platformNovel", 0, 0),
        switched(
            "licences",
            json!({"unavailable": ["mobileApps"]}),
            "differs",
            0,
            0,
        ),
        deviation("read-permissions", "listForbidden", 7, 7),
        switched(
            "read-permissions",
            roles_without("DeviceManagement"),
            "not permitted",
            7,
            7,
        ),
        switched(
            "write-permissions",
            roles_without("DeviceManagementApps"),
            "not permitted",
            0,
            0,
        ),
        switched(
            "approval-policies",
            json!({"approval": {"policyTypes": ["novelType"]}}),
            "differs",
            0,
            0,
        ),
        deviation("approval-requests", "requestsRefused", 0, 0),
        deviation("throttling", "slowDown", 0, 0),
        deviation("retry-after", "slowDownSilent", 0, 0),
        deviation("clock", "clockAhead", 0, 0),
        switched(
            "approval-policies",
            json!({"approval": {"policyTypes": ["ENDPOINTsecuritypolicy", "Windows365"]}}),
            "holds",
            0,
            0,
        ),
        deviation("batch", "batchOfTen", 0, 0),
        switched(
            "batch",
            json!({"deviations": ["batchForbidden"]}),
            "not permitted",
            0,
            0,
        ),
        deviation("groups-in", "inOfTen", 0, 0),
        deviation("groups-in", "inFindsNone", 3, 3),
        deviation("groups-in", "inIgnored", 0, 0),
        switched("groups-in", roles_without("Group"), "not permitted", 7, 7),
        deviation("group-count", "countRefused", 0, 0),
        deviation("get-by-ids", "byIdsRefused", 0, 0),
        deviation("audit", "auditOldestFirst", 0, 0),
    ]
}

/// Assumptions that have nothing to do with each other or with the policies that are written, and what makes
/// each with its deviation.
const APART: &[(&str, &str)] = &[
    ("no-expand", "expandEverywhere"),
    ("missing-policy", "missingRefused"),
    ("assignment-id-form", "assignmentIdsForeign"),
    ("is-assigned", "assignedUntrue"),
    ("kind-targets", "targetsUnlisted"),
    ("kind-filters", "filtersUnlisted"),
    ("virtual-groups", "virtualGroups"),
    ("apply-intent", "intentRemove"),
    ("remediation-flag", "remediationReadable"),
    ("app-settings", "settingsNovel"),
    ("tenant-defaults", "defaultsUnmarked"),
    ("deleted-groups", "deletedRefused"),
    ("audit-events", "auditNameless"),
];

#[test]
fn every_assumption_that_reading_finds_out_has_a_case() {
    let cases = cases();
    let differs = |id: &str| {
        let mut cases = cases.iter();
        let mut apart = APART.iter();
        cases.any(|case| case.id == id && matches!(case.state, "differs" | "not permitted"))
            || apart.any(|(known, _)| *known == id)
    };
    for row in ASSUMPTIONS {
        if matches!(row.probe, Probe::Read(_)) {
            // It has a test of its own, since a request has to be filed first.
            assert!(row.id == "approval-fields" || differs(row.id), "{}", row.id);
        }
    }
}

/// Fills in something of each form that is looked at.
fn of_all_forms(tenant: &mut Value) {
    let group =
        json!({"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(1)});
    let row = json!([{"target": group}]);
    tenant["auditEvents"] = json!([
        event("2026-01-01T00:00:00.12Z"),
        event("2026-01-01T00:00:00.1234Z"),
    ]);
    tenant["deletedGroups"] = json!([{
        "id": group_id(60), "displayName": "Gone", "deletedDateTime": "2026-01-01T00:00:00Z",
    }]);
    tenant["deviceConfigurations"] = json!([{
        "id": policy_id(50), "displayName": "D", "@odata.type": "#microsoft.graph.windows10GeneralConfiguration",
        "assignments": row,
    }]);
    tenant["groupPolicyConfigurations"] =
        json!([{"id": policy_id(52), "displayName": "T", "assignments": row}]);
    tenant["windowsFeatureUpdateProfiles"] =
        json!([{"id": policy_id(53), "displayName": "U", "assignments": row}]);
    tenant["deviceHealthScripts"] =
        json!([{"id": policy_id(54), "displayName": "R", "assignments": row}]);
    tenant["termsAndConditions"] =
        json!([{"id": policy_id(55), "displayName": "C", "assignments": row}]);
    tenant["mobileApps"] = json!([{
        "id": policy_id(56), "displayName": "A", "@odata.type": "#microsoft.graph.win32LobApp",
        "assignments": [{"target": group, "intent": "required", "settings": {
            "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings", "notifications": "hideAll",
        }}],
    }]);
    tenant["deviceEnrollmentConfigurations"] = json!([{
        "id": format!("{}_DefaultLimit", policy_id(57)), "displayName": "All users", "priority": 0,
        "@odata.type": "#microsoft.graph.deviceEnrollmentLimitConfiguration", "assignments": [],
    }]);
    tenant["policySets"] =
        json!([{"id": policy_id(51), "displayName": "S", "items": [], "assignments": row}]);
}

fn event(time: &str) -> Value {
    json!({
        "activityDateTime": time,
        "actor": {"userPrincipalName": "ada@example.com"},
        "resources": [{"resourceId": policy_id(1)}],
    })
}

#[test]
fn what_deviates_beside_the_policies_is_said_and_touches_none() {
    let switches: Vec<&str> = APART.iter().map(|(_, how)| *how).collect();
    for (switches, state) in [(json!([]), "holds"), (json!(switches), "differs")] {
        let world = world_of(&Case {
            id: "",
            switches: json!({"deviations": switches}),
            state,
            plan: 0,
            apply: None,
        });
        let ran = world.sandbox("doctor --format json");
        let told = ran.json();
        let found = states(&told);
        for (id, _) in APART {
            let found = found.iter().find(|(known, _)| known == id);
            assert_eq!(
                found.map(|(_, state)| &**state),
                Some(state),
                "{id}: {told:#}"
            );
        }
        // Writes rely on some of them.
        ran.exits(i32::from(state == "differs"));
        world.sandbox("apply m.yaml --yes").exits(0);
        assert_eq!(world.rows("P1"), ["+B"]);
        assert_eq!(world.rows("P2"), ["+A", "-C", "allDevices [include F]"]);
    }
}

/// Without the properties that no page documents it is not known what an open request is for.
#[test]
fn requests_that_do_not_say_what_they_are_for_are_found_out() {
    let world = world_of(&switched(
        "approval-fields",
        json!({"approval": {"policyTypes": ["configurationPolicy"]}}),
        "holds",
        0,
        8,
    ));
    let state = |world: &World| {
        let told = world.sandbox("doctor --format json").json();
        let found = states(&told).into_iter();
        let mut found = found.filter(|(id, _)| id == "approval-fields");
        found.next().map(|(_, state)| state)
    };
    assert_eq!(state(&world).as_deref(), Some("unknown"));
    world
        .sandbox("apply m.yaml --yes --justification why")
        .exits(8);
    assert_eq!(state(&world).as_deref(), Some("holds"));
    world.edit("tenant.json", |tenant| {
        tenant["service"]["approval"]["unpublishedHidden"] = json!(true);
    });
    assert_eq!(state(&world).as_deref(), Some("differs"));
    world
        .sandbox("doctor")
        .exits(1)
        .says(&["writes rely on what differs here: `approval-fields`"]);
    // A second request is not filed, and nothing is written.
    let ran = world.sandbox("apply m.yaml --yes --justification why");
    assert!(matches!(ran.code, Some(6 | 8)), "{ran:#?}");
    let tenant = world.json("tenant.json");
    let requests = tenant["operationApprovalRequests"].as_array();
    assert_eq!(requests.map(Vec::len), Some(1), "{tenant:#}");
    assert_eq!(world.rows("P1"), ["+A"]);
}

/// A tenant whose service deviates.
fn world_of(case: &Case) -> World {
    let world = World::with(
        &tenant(),
        &[
            "name: P1, include: [{group: B}]",
            "name: P2, include: [{group: A}, {allDevices: true, filter: F}], exclude: [{group: C}]",
        ],
    );
    world.edit("tenant.json", |tenant| {
        tenant["service"] = case.switches.clone();
        of_all_forms(tenant);
    });
    world
}

#[test]
fn what_deviates_is_said_and_keeps_apply_from_doing_wrong() {
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let cases = cases().into_iter();
        let running: Vec<_> = cases
            .map(|case| scope.spawn(move || judged(&case)))
            .collect();
        let ended = running.into_iter().map(|case| case.join().expect("a case"));
        ended.flatten().collect()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Runs a case, and returns what is not as it should be.
fn judged(case: &Case) -> Vec<String> {
    let Case {
        id,
        switches,
        state,
        plan,
        apply,
    } = case;
    let mut wrong = Vec::new();
    let mut judge = |so: bool, what: &str, seen: String| {
        if !so {
            wrong.push(format!("{id} {switches}: {what}: {seen}"));
        }
    };
    let row = ASSUMPTIONS
        .iter()
        .find(|row| row.id == *id)
        .expect("an assumption");
    let world = world_of(case);
    let before = world.read("tenant.json");
    let ran = world.sandbox("doctor --format json");
    let told = ran.json();
    let found = told["assumptions"].as_array().expect("assumptions");
    let found = found.iter().find(|found| found["id"] == *id);
    let found = found.expect("an assumption");
    judge(found["state"] == *state, "the state", found.to_string());
    // 1 if a write relies on something that differs, which is named, or if a request failed.
    let all = told["assumptions"].as_array().into_iter().flatten();
    let serious: Vec<&str> = all
        .filter(|found| found["state"] == "differs" && found["matters"] == true)
        .filter_map(|found| found["id"].as_str())
        .collect();
    let named = serious
        .iter()
        .all(|id| ran.stderr.contains(&format!("`{id}`")));
    let is_good = serious.is_empty() && told["complete"] == true;
    judge(
        ran.code == Some(i32::from(!is_good)) && named,
        "the exit code",
        ran.stderr.clone(),
    );
    judge(
        *state != "differs" || !row.matters || serious.contains(id),
        "that it matters",
        found.to_string(),
    );
    judge(
        world.read("tenant.json") == before,
        "doctor",
        "it wrote".to_owned(),
    );
    let planned = world.sandbox("plan m.yaml");
    judge(planned.code == Some(*plan), "plan", format!("{planned:#?}"));
    let Some(apply) = apply else {
        return wrong;
    };
    let applied = world.sandbox("apply m.yaml --yes");
    judge(
        applied.code == Some(*apply),
        "apply",
        format!("{applied:#?}"),
    );
    let rows = [world.rows("P1"), world.rows("P2")];
    // What fails leaves what was there.
    let done = match apply {
        0 => rows[0] == ["+B"],
        _ => rows[0] == ["+A"],
    };
    let others = ["+A", "-C", "allDevices [include F]"];
    judge(done && rows[1] == others, "the tenant", format!("{rows:?}"));
    wrong
}
