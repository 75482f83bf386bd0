//! Kinds that the sandbox does not have: planned and applied against a stand-in for their collection,
//! which knows the routes and parameters of the service (microsoft-graph-docs-contrib, and what tools
//! send). It holds one policy, `P`.

use std::sync::{Arc, Mutex};

use assignctl::graph::error::GraphError;
use assignctl::kinds::WriteCall;
use assignctl_sandbox::Tenant;
use serde_json::{Value, json};

use super::support::answers::{error, json_of, plain};
use super::support::tenants::{self, group_id};
use super::support::wire::{Act, Sent};
use super::support::world::{World, applied, outcomes};

const ID: &str = "5d2f1c4e-0000-4000-8000-00000000000a";

/// How a collection is written.
#[derive(Clone, Copy, PartialEq)]
enum Routes {
    /// `POST …/{action}` with this parameter, and nothing else.
    Set(&'static str, &'static str),
    /// `POST …/assignments` and `DELETE …/assignments/{id}`, and nothing else.
    Single,
}

/// A collection with one policy.
struct Collection {
    path: &'static str,
    routes: Routes,
    /// What the list and the single object do with `$expand`.
    list_expands: bool,
    item_expands: bool,
    policy: Value,
    rows: Vec<Value>,
    made: usize,
}

impl Collection {
    fn new(path: &'static str, routes: Routes) -> Self {
        Self {
            path,
            routes,
            list_expands: true,
            item_expands: false,
            policy: json!({"id": ID, "displayName": "P"}),
            rows: Vec::new(),
            made: 0,
        }
    }

    /// Takes a row in, as the service does: with an id of its own.
    fn take(&mut self, mut row: Value) {
        self.made += 1;
        row["id"] = json!(format!("{ID}_{}", self.made));
        self.rows.push(row);
    }

    fn answer(&mut self, sent: &Sent) -> Act {
        let Some(rest) = sent.path.strip_prefix(self.path) else {
            return Act::Pass;
        };
        let whole = |rows: &[Value]| {
            let mut policy = self.policy.clone();
            policy["assignments"] = json!(rows);
            policy
        };
        let item = rest.strip_prefix(&format!("/{ID}"));
        let answer = match (sent.method, item) {
            ("GET", None) if !rest.contains("$expand") => {
                json_of(200, &json!({"value": [self.policy]}))
            }
            ("GET", None) if self.list_expands => {
                json_of(200, &json!({"value": [whole(&self.rows)]}))
            }
            ("GET", Some(query)) if query.starts_with('?') && self.item_expands => {
                json_of(200, &whole(&self.rows))
            }
            ("GET", Some(path)) if path.starts_with("/assignments?") && !self.item_expands => {
                json_of(200, &json!({"value": self.rows}))
            }
            ("POST", Some("/assignments")) if self.routes == Routes::Single => {
                self.take(sent.body.clone());
                plain(201, "{}")
            }
            ("DELETE", Some(path)) if self.routes == Routes::Single => {
                let id = path.strip_prefix("/assignments/").expect("a row");
                let before = self.rows.len();
                self.rows.retain(|row| row["id"] != id);
                assert_eq!(self.rows.len() + 1, before, "{path}");
                plain(204, "")
            }
            ("POST", Some(path)) => match self.routes {
                Routes::Set(action, parameter) if path == format!("/{action}") => {
                    let body = sent.body.as_object().expect("an object");
                    // A wrong parameter would be taken for none, and clear all.
                    assert_eq!(body.keys().collect::<Vec<_>>(), [parameter]);
                    self.rows.clear();
                    for row in body[parameter].as_array().expect("a list") {
                        self.take(row.clone());
                    }
                    plain(204, "")
                }
                _ => error(400, "No method match route template"),
            },
            _ => error(400, "BadRequest"),
        };
        Act::Answer(answer)
    }
}

fn group_row(tenant: &Tenant, name: &str) -> Value {
    json!({"target": {"@odata.type": "#microsoft.graph.groupAssignmentTarget", "groupId": group_id(tenant, name)}})
}

/// Starts a service that has the collection too.
fn start(collection: Collection) -> (World, Arc<Mutex<Collection>>) {
    let world = World::new(tenants::tenant(0));
    let collection = Arc::new(Mutex::new(collection));
    let answering = Arc::clone(&collection);
    world
        .wire
        .rule(move |sent| answering.lock().expect("no panic").answer(sent));
    (world, collection)
}

fn wants(kind: &str, side: &str, groups: &[&str]) -> String {
    let groups: Vec<String> = groups
        .iter()
        .map(|group| format!("{{group: {group}}}"))
        .collect();
    format!(
        "version: 1\npolicies:\n  - kind: {kind}\n    name: P\n    {side}: [{}]\n",
        groups.join(", ")
    )
}

/// Applies a manifest, and checks that a second plan is empty.
async fn converge(world: &World, manifest: &str) {
    let plan = world.plan(manifest).await;
    let results = world.apply(&plan).await;
    assert_eq!(applied(&results), 1, "{manifest}: {}", outcomes(&results));
    let again = world.plan(manifest).await;
    assert!(again.is_empty(), "{manifest}: {:?}", again.summary());
}

fn targets(collection: &Mutex<Collection>) -> Vec<String> {
    let collection = collection.lock().expect("no panic");
    let mut targets: Vec<String> = collection
        .rows
        .iter()
        .map(|row| {
            let target = &row["target"];
            let short = target["@odata.type"].as_str().expect("a type");
            let short = short
                .trim_start_matches("#microsoft.graph.")
                .replace("AssignmentTarget", "");
            format!("{short} {}", target["groupId"].as_str().unwrap_or_default())
        })
        .collect();
    targets.sort();
    targets
}

/// The kinds with a complete set: word, collection, parameter.
const SETS: &[(&str, &str, &str)] = &[
    (
        "deviceCompliancePolicy",
        "/deviceManagement/deviceCompliancePolicies",
        "assignments",
    ),
    (
        "deviceConfiguration",
        "/deviceManagement/deviceConfigurations",
        "assignments",
    ),
    (
        "groupPolicyConfiguration",
        "/deviceManagement/groupPolicyConfigurations",
        "assignments",
    ),
    (
        "deviceHealthScript",
        "/deviceManagement/deviceHealthScripts",
        "deviceHealthScriptAssignments",
    ),
    (
        "deviceManagementScript",
        "/deviceManagement/deviceManagementScripts",
        "deviceManagementScriptAssignments",
    ),
    (
        "deviceShellScript",
        "/deviceManagement/deviceShellScripts",
        "deviceManagementScriptAssignments",
    ),
    (
        "deviceCustomAttributeShellScript",
        "/deviceManagement/deviceCustomAttributeShellScripts",
        "deviceManagementScriptAssignments",
    ),
    (
        "windowsFeatureUpdateProfile",
        "/deviceManagement/windowsFeatureUpdateProfiles",
        "assignments",
    ),
    (
        "windowsDriverUpdateProfile",
        "/deviceManagement/windowsDriverUpdateProfiles",
        "assignments",
    ),
    (
        "windowsQualityUpdatePolicy",
        "/deviceManagement/windowsQualityUpdatePolicies",
        "assignments",
    ),
    (
        "windowsQualityUpdateProfile",
        "/deviceManagement/windowsQualityUpdateProfiles",
        "assignments",
    ),
    (
        "mobileAppConfiguration",
        "/deviceAppManagement/mobileAppConfigurations",
        "assignments",
    ),
    (
        "hardwareConfiguration",
        "/deviceManagement/hardwareConfigurations",
        "hardwareConfigurationAssignments",
    ),
    (
        "embeddedSIMActivationCodePool",
        "/deviceManagement/embeddedSIMActivationCodePools",
        "assignments",
    ),
    (
        "iosLobAppProvisioningConfiguration",
        "/deviceAppManagement/iosLobAppProvisioningConfigurations",
        "iOSLobAppProvisioningConfigAssignments",
    ),
    (
        "wdacSupplementalPolicy",
        "/deviceAppManagement/wdacSupplementalPolicies",
        "wdacPolicyAssignments",
    ),
];

#[tokio::test(start_paused = true)]
async fn a_complete_set_is_sent_with_the_kinds_own_parameter() {
    for (kind, path, parameter) in SETS {
        let mut collection = Collection::new(path, Routes::Set("assign", parameter));
        let tenant = tenants::tenant(0);
        let kept = group_row(&tenant, "C");
        collection.rows = vec![kept];
        let (world, collection) = start(collection);
        converge(&world, &wants(kind, "include", &["A", "B"])).await;
        assert_eq!(targets(&collection).len(), 2, "{kind}");
        converge(&world, &wants(kind, "include", &[])).await;
        assert!(targets(&collection).is_empty(), "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_refuses_its_expand_is_read_policy_by_policy() {
    let mut collection = Collection::new(SETS[0].1, Routes::Set("assign", "assignments"));
    collection.list_expands = false;
    let tenant = tenants::tenant(0);
    collection.rows = vec![group_row(&tenant, "A")];
    let (world, _) = start(collection);
    let plan = world.plan(&wants(SETS[0].0, "include", &["A"])).await;
    assert!(plan.is_empty(), "{:?}", plan.summary());
}

#[tokio::test(start_paused = true)]
async fn a_list_whose_expand_is_always_empty_is_not_believed() {
    let mut collection = Collection::new(
        "/deviceManagement/intents",
        Routes::Set("assign", "assignments"),
    );
    let tenant = tenants::tenant(0);
    collection.rows = vec![group_row(&tenant, "A")];
    let (world, _) = start(collection);
    let plan = world.plan(&wants("intent", "include", &["A"])).await;
    assert!(plan.is_empty(), "{:?}", plan.summary());
    let log = world.wire.log();
    assert!(log.iter().all(|sent| !sent.path.contains("$expand")));
}

#[tokio::test(start_paused = true)]
async fn a_policy_set_is_read_alone_and_written_by_update() {
    let mut collection = Collection::new(
        "/deviceAppManagement/policySets",
        Routes::Set("update", "assignments"),
    );
    collection.item_expands = true;
    collection.list_expands = false;
    let (world, collection) = start(collection);
    let manifest = wants("policySet", "include", &["A"]);
    let plan = world.plan(&manifest).await;
    let planned: Vec<WriteCall> = plan.policies[0]
        .writes
        .iter()
        .map(|write| write.call)
        .collect();
    assert_eq!(planned, [WriteCall::Update]);
    converge(&world, &manifest).await;
    assert_eq!(targets(&collection).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_has_no_complete_set_is_added_and_deleted_one_by_one() {
    for (kind, path) in [
        (
            "windowsAutopilotDeploymentProfile",
            "/deviceManagement/windowsAutopilotDeploymentProfiles",
        ),
        ("termsAndConditions", "/deviceManagement/termsAndConditions"),
        (
            "appleUserInitiatedEnrollmentProfile",
            "/deviceManagement/appleUserInitiatedEnrollmentProfiles",
        ),
    ] {
        let mut collection = Collection::new(path, Routes::Single);
        let tenant = tenants::tenant(0);
        collection.take(group_row(&tenant, "A"));
        let (world, collection) = start(collection);
        converge(&world, &wants(kind, "include", &["B", "C"])).await;
        assert_eq!(targets(&collection).len(), 2, "{kind}");
        let log = world.wire.log();
        let sent: Vec<&str> = log
            .iter()
            .filter(|sent| sent.is_write())
            .map(|sent| sent.method)
            .collect();
        assert_eq!(sent, ["POST", "POST", "DELETE"], "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_changes_sides_is_deleted_first_and_the_plan_warns() {
    let kind = "windowsAutopilotDeploymentProfile";
    let mut collection = Collection::new(
        "/deviceManagement/windowsAutopilotDeploymentProfiles",
        Routes::Single,
    );
    let tenant = tenants::tenant(0);
    collection.take(group_row(&tenant, "A"));
    let (world, collection) = start(collection);
    let manifest = wants(kind, "exclude", &["A"]);
    let plan = world.plan(&manifest).await;
    let calls: Vec<WriteCall> = plan.policies[0]
        .writes
        .iter()
        .map(|write| write.call)
        .collect();
    assert_eq!(calls, [WriteCall::Delete, WriteCall::Create]);
    assert!(
        plan.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == "replaced-one-by-one")
    );
    converge(&world, &manifest).await;
    assert!(targets(&collection)[0].starts_with("exclusionGroup "));
}

#[tokio::test(start_paused = true)]
async fn a_single_kind_without_the_create_route_fails_and_is_not_tried_for_ever() {
    let collection = Collection::new(
        "/deviceManagement/windowsAutopilotDeploymentProfiles",
        Routes::Set("assign", "assignments"),
    );
    let (world, _) = start(collection);
    let kind = "windowsAutopilotDeploymentProfile";
    let results = world.converge(&wants(kind, "include", &["A"])).await;
    assert_eq!(applied(&results), 0);
    let writes = world
        .wire
        .log()
        .iter()
        .filter(|sent| sent.is_write())
        .count();
    assert_eq!(writes, 1);
}

#[tokio::test(start_paused = true)]
async fn what_a_kept_remediation_says_goes_back_and_repairing_stays_on() {
    let path = "/deviceManagement/deviceHealthScripts";
    let mut collection =
        Collection::new(path, Routes::Set("assign", "deviceHealthScriptAssignments"));
    let tenant = tenants::tenant(0);
    let schedule = json!({
        "@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule",
        "interval": 1, "useUtc": false, "time": "01:00:00.0000000",
    });
    let mut row = group_row(&tenant, "A");
    row["runSchedule"] = schedule.clone();
    row["runRemediationScript"] = json!(false);
    row["novelty"] = json!([1]);
    collection.rows = vec![row];
    let (world, collection) = start(collection);
    converge(&world, &wants("deviceHealthScript", "include", &["A", "B"])).await;
    let collection = collection.lock().expect("no panic");
    let kept = collection
        .rows
        .iter()
        .find(|row| row["novelty"] == json!([1]))
        .expect("the kept row");
    assert_eq!(kept["runSchedule"], schedule);
    assert!(
        collection
            .rows
            .iter()
            .all(|row| row["runRemediationScript"] == json!(true))
    );
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_the_service_lacks_is_an_error_only_where_it_is_named() {
    let world = World::new(tenants::tenant(1));
    world
        .wire
        .rule(|sent| match sent.path.contains("/termsAndConditions") {
            true => Act::Answer(error(403, "Forbidden")),
            false => Act::Pass,
        });
    let unread = world
        .reader()
        .policies(assignctl::model::PolicyKind::from_name("termsAndConditions").expect("a kind"))
        .await
        .expect_err("no such list");
    assert!(matches!(unread, GraphError::RefusedLists(_)), "{unread}");
    let whole = world.reader().whole_tenant().await.expect("the others");
    assert_eq!(whole.policies.len(), 1);
    assert_eq!(whole.unavailable.len(), 1, "{:?}", whole.unavailable);
}
