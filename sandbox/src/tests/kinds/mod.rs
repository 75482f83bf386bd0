//! Tests: what differs between the kinds.

mod single;
mod targets;

use serde_json::{Map, json};

use super::*;
use crate::target::group;

const GROUP: &str = "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e";

/// A tenant with one object of a kind, of a type where there are several.
struct One {
    world: World,
    collection: Collection,
    id: String,
}

impl One {
    fn new(segment: &str, kind: &str) -> Self {
        let collection = Collection::named(segment).expect(segment);
        let mut tenant = Tenant::empty();
        let id = tenant.add_policy(collection, "One", kind);
        Self {
            world: World::new(tenant),
            collection,
            id,
        }
    }

    fn list(&self) -> String {
        format!("/{}", self.collection.path())
    }

    fn path(&self, rest: &str) -> String {
        format!("/{}/{}{rest}", self.collection.path(), self.id)
    }

    fn policy(&mut self) -> &mut Policy {
        let tenant = self.world.machine.tenant_mut();
        tenant
            .policy_mut(self.collection, &self.id)
            .expect("it is there")
    }

    fn get(&mut self, rest: &str) -> (u16, Value) {
        let path = self.path(rest);
        self.world.get(&path)
    }

    fn post(&mut self, rest: &str, body: Value) -> (u16, Value) {
        let path = self.path(rest);
        self.world.post(&path, body)
    }

    fn assign(&mut self, parameter: &str, rows: Value) -> (u16, Value) {
        self.post("/assign", json!({ parameter: rows }))
    }

    fn rows(&mut self) -> Vec<Value> {
        let path = self.path("/assignments");
        self.world.pages(&path).1
    }
}

fn row(target: Value) -> Value {
    json!({ "target": target })
}

/// The writes of each kind, and the form of an assignment's id.
#[test]
fn each_kind_has_its_own_parameter_and_ids() {
    for (segment, kind, parameter, id) in [
        (
            "deviceConfigurations",
            "windowsUpdateForBusinessConfiguration",
            "assignments",
            "P_T",
        ),
        (
            "deviceCompliancePolicies",
            "iosCompliancePolicy",
            "assignments",
            "P_T",
        ),
        (
            "deviceHealthScripts",
            "",
            "deviceHealthScriptAssignments",
            "P:T",
        ),
        (
            "deviceManagementScripts",
            "",
            "deviceManagementScriptAssignments",
            "P:T",
        ),
        (
            "deviceShellScripts",
            "",
            "deviceManagementScriptAssignments",
            "P:T",
        ),
        (
            "deviceCustomAttributeShellScripts",
            "",
            "deviceManagementScriptAssignments",
            "P:T",
        ),
        ("iosManagedAppProtections", "", "assignments", "P_T"),
        ("androidManagedAppProtections", "", "assignments", "P_T"),
        ("windowsManagedAppProtections", "", "assignments", "P_T"),
        ("targetedManagedAppConfigurations", "", "assignments", "P_T"),
        ("groupPolicyConfigurations", "", "assignments", "P_T"),
        (
            "deviceEnrollmentConfigurations",
            "windows10EnrollmentCompletionPageConfiguration",
            "enrollmentConfigurationAssignments",
            "P_T_0",
        ),
        (
            "mobileAppConfigurations",
            "iosMobileAppConfiguration",
            "assignments",
            "",
        ),
        ("windowsFeatureUpdateProfiles", "", "assignments", ""),
        ("windowsDriverUpdateProfiles", "", "assignments", ""),
        ("windowsQualityUpdatePolicies", "", "assignments", ""),
        ("windowsQualityUpdateProfiles", "", "assignments", ""),
        ("intents", "", "assignments", ""),
        ("intuneBrandingProfiles", "", "assignments", ""),
        ("roleScopeTags", "", "assignments", ""),
        ("inventoryPolicies", "windows10", "assignments", "P_T"),
        (
            "hardwareConfigurations",
            "",
            "hardwareConfigurationAssignments",
            "",
        ),
        ("embeddedSIMActivationCodePools", "", "assignments", ""),
        (
            "iosLobAppProvisioningConfigurations",
            "",
            "iOSLobAppProvisioningConfigAssignments",
            "",
        ),
        ("wdacSupplementalPolicies", "", "wdacPolicyAssignments", ""),
    ] {
        let mut one = One::new(segment, kind);
        let (status, body) = one.assign(parameter, json!([row(group(GROUP))]));
        assert!(matches!(status, 200 | 204), "{segment}: {body}");
        let rows = one.rows();
        assert_eq!(rows.len(), 1, "{segment}");
        if !id.is_empty() {
            let expected = id.replace('T', GROUP).replace('P', &one.id);
            assert_eq!(rows[0]["id"], expected, "{segment}");
        }
        // A wrong parameter must not be taken for an empty list.
        let (status, body) = one.assign("rows", json!([]));
        assert_eq!(status, 400, "{segment}");
        assert_eq!(body["error"]["code"], "ModelValidationFailure");
        assert_eq!(one.rows().len(), 1, "{segment}");
        assert!(matches!(one.assign(parameter, json!([])).0, 200 | 204));
        assert_eq!(one.rows().len(), 0, "{segment}");
        // What is read may be sent back.
        one.assign(parameter, json!([row(group(GROUP))]));
        let (status, body) = one.assign(parameter, json!(rows));
        assert!(matches!(status, 200 | 204), "{segment}: {body}");
        assert_eq!(one.rows(), rows, "{segment}");
    }
}

#[test]
fn routes_that_are_documented_only_have_none() {
    for (segment, kind, create, read) in [
        ("deviceCompliancePolicies", "iosCompliancePolicy", 400, 400),
        ("deviceHealthScripts", "", 400, 400),
        ("iosManagedAppProtections", "", 400, 400),
        ("windowsFeatureUpdateProfiles", "", 400, 400),
        ("deviceConfigurations", "iosCustomConfiguration", 201, 400),
        (
            "windowsAutopilotDeploymentProfiles",
            "azureADWindowsAutopilotDeploymentProfile",
            201,
            400,
        ),
        ("termsAndConditions", "", 201, 200),
        ("appleUserInitiatedEnrollmentProfiles", "", 201, 200),
    ] {
        let mut one = One::new(segment, kind);
        let (status, body) = one.post("/assignments", row(group(GROUP)));
        assert_eq!(status, create, "{segment}: {body}");
        if create == 400 {
            assert_eq!(body["error"]["code"], "No method match route template");
            let service = one.collection.spec().service;
            assert!(message(&body).contains(service), "{segment}: {body}");
            continue;
        }
        assert_eq!(one.post("/assignments", row(group(GROUP))).0, 400, "twice");
        let id = one.rows()[0]["id"].as_str().expect("an id").to_owned();
        assert_eq!(one.get(&format!("/assignments/{id}")).0, read, "{segment}");
        let path = one.path(&format!("/assignments/{id}"));
        let (status, body, _) = one.world.send("DELETE", &path, None);
        assert_eq!((status / 100, body), (2, Value::Null), "{segment}");
        assert_eq!(one.rows().len(), 0);
        if segment != "deviceConfigurations" {
            assert_eq!(one.assign("assignments", json!([])).0, 400, "{segment}");
        }
    }
}

#[test]
fn lists_have_the_pages_counts_and_expansions_of_their_kind() {
    let has_row = |body: &Value| body["value"][0]["assignments"].as_array().map(Vec::len);
    for (segment, kind, count, expanded, item) in [
        ("mobileApps", "win32LobApp", Some(0), Some(1), Some(1)),
        (
            "deviceConfigurations",
            "iosCustomConfiguration",
            None,
            Some(1),
            Some(1),
        ),
        (
            "configurationPolicies",
            "windows10",
            Some(1),
            Some(1),
            Some(0),
        ),
        ("intents", "", None, Some(0), Some(1)),
        ("roleScopeTags", "", None, Some(0), Some(0)),
        ("termsAndConditions", "", None, None, None),
        ("policySets", "", None, None, Some(1)),
        ("windowsDriverUpdateProfiles", "", None, Some(1), Some(1)),
        ("deviceHealthScripts", "", None, Some(1), Some(1)),
        (
            "windowsAutopilotDeploymentProfiles",
            "x",
            None,
            Some(1),
            Some(1),
        ),
    ] {
        let mut one = One::new(segment, kind);
        one.policy()
            .assign_with(group(GROUP), json!({"intent": "required"}));
        let list = one.list();
        let (_, body) = one.world.get(&list);
        assert_eq!(
            body.get("@odata.count").and_then(Value::as_u64),
            count,
            "{segment}"
        );
        assert_eq!(body["value"][0]["assignments"], Value::Null, "{segment}");
        let (status, body) = one.world.get(&format!("{list}?$expand=assignments"));
        match expanded {
            Some(_) => assert_eq!((status, has_row(&body)), (200, expanded), "{segment}"),
            None => assert!(
                message(&body).starts_with("Query option 'Expand'"),
                "{body}"
            ),
        }
        let (status, body) = one.get("?$expand=assignments");
        let rows = body["assignments"].as_array().map(Vec::len);
        assert_eq!(
            (status == 200, rows),
            (item.is_some(), item),
            "{segment}: {body}"
        );
    }
    let mut many = One::new("mobileApps", "win32LobApp");
    let apps = many.collection;
    for number in 0..1100 {
        let tenant = many.world.machine.tenant_mut();
        tenant.add_policy(apps, &format!("App {number}"), "win32LobApp");
    }
    assert_eq!(
        many.world.pages("/deviceAppManagement/mobileApps").0,
        [1000, 101]
    );
    let selected = "/deviceAppManagement/mobileApps?$select=id,displayName&$top=500";
    let (sizes, rows) = many.world.pages(selected);
    assert_eq!(sizes, [500, 500, 101]);
    assert_eq!(rows[0]["@odata.type"], "#microsoft.graph.win32LobApp");
    // The base type does not have it.
    let derived = "/deviceAppManagement/mobileApps?$select=installCommandLine";
    assert_eq!(many.world.get(derived).0, 400);
    let elsewhere = "/deviceManagement/mobileApps";
    assert_eq!(many.world.get(elsewhere).0, 400);
}

#[test]
fn names_and_types_are_those_of_the_kind() {
    let mut one = One::new("intuneBrandingProfiles", "");
    let (_, body) = one.get("");
    assert_eq!(body["profileName"], "One");
    assert_eq!(body["displayName"], Value::Null);
    let mut one = One::new("iosManagedAppProtections", "");
    assert!(one.id.starts_with("T_"));
    let kind = json!("#microsoft.graph.iosManagedAppProtection");
    let properties = &mut one.policy().properties;
    properties.insert("@odata.type".to_owned(), kind.clone());
    assert_eq!(one.get("").1["@odata.type"], kind);
    assert_eq!(one.get("?$select=id").1["@odata.type"], Value::Null);
    assert_eq!(one.get("").1["version"], "\"1\"");
    let mut one = One::new("deviceCompliancePolicies", "windows10CompliancePolicy");
    let context = one.get("/assignments").1["@odata.context"].clone();
    let context = context.as_str().expect("a context");
    assert!(context.ends_with("')/microsoft.graph.windows10CompliancePolicy/assignments"));
}

#[test]
fn a_policy_set_is_updated_and_its_members_follow() {
    let mut one = One::new("policySets", "");
    let member = one
        .world
        .machine
        .tenant_mut()
        .add_policy(CATALOG, "Member", "windows10");
    let items = json!([{
        "@odata.type": "#microsoft.graph.deviceManagementConfigurationPolicyPolicySetItem",
        "payloadId": member,
    }]);
    one.policy().properties.insert("items".to_owned(), items);
    let body = json!({"assignments": [row(group(GROUP))]});
    for rest in ["/assign", "/assignments"] {
        assert_eq!(one.post(rest, body.clone()).0, 400, "{rest}");
    }
    for list in ["/assignments", "/items"] {
        let (status, body) = one.get(list);
        assert_eq!(status, 400);
        assert_eq!(body["error"]["code"], "No method match route template");
    }
    assert_eq!(one.post("/update", body).0, 204);
    let (_, shown) = one.get("?$expand=assignments,items");
    assert_eq!(shown["items"][0]["payloadId"], member);
    assert_eq!(shown["assignments"][0]["target"]["groupId"], GROUP);
    assert_eq!(one.get("").1.get("items"), None);
    let (_, rows) = one.world.pages(&catalog(&member, "/assignments"));
    assert_eq!(rows[0]["source"], "policySets");
    assert_eq!(rows[0]["sourceId"], one.id);
    // Members follow some time later.
    one.world.machine.tenant_mut().service.policy_set_lag = 5.0;
    assert_eq!(one.post("/update", json!({"assignments": []})).0, 204);
    assert_eq!(one.get("?$expand=assignments").1["assignments"], json!([]));
    assert_eq!(
        one.world.pages(&catalog(&member, "/assignments")).1.len(),
        1
    );
    one.world.now = 5.0;
    assert_eq!(
        one.world.pages(&catalog(&member, "/assignments")).1.len(),
        0
    );
}

#[test]
fn app_protection_flips_and_rests_after_a_change() {
    let mut one = One::new("androidManagedAppProtections", "");
    one.world.machine.tenant_mut().service.managed_app_lag = 30.0;
    let set = json!([row(group(GROUP))]);
    assert_eq!(one.assign("assignments", set.clone()).0, 204);
    let mut seen: Vec<usize> = (0..4).map(|_| one.rows().len()).collect();
    seen.sort_unstable();
    assert_eq!(seen, [0, 0, 1, 1]);
    for expected in [(412, "ConditionNotMet"), (404, "ResourceNotFound")] {
        let (status, body) = one.assign("assignments", set.clone());
        let code = body["error"]["code"].as_str().expect("a code");
        assert_eq!((status, code), expected);
    }
    one.world.now = 30.0;
    assert_eq!(one.rows().len(), 1);
    assert_eq!(one.assign("assignments", set).0, 204);
}

#[test]
fn each_family_has_its_own_permission() {
    for (segment, family, write_path) in [
        ("configurationPolicies", "Configuration", "/assign"),
        ("deviceHealthScripts", "Scripts", "/assign"),
        ("mobileApps", "Apps", "/assign"),
        ("termsAndConditions", "ServiceConfig", "/assignments"),
        ("roleScopeTags", "RBAC", "/assign"),
    ] {
        for (role, read, write) in [
            (format!("DeviceManagement{family}.Read.All"), true, false),
            (
                format!("DeviceManagement{family}.ReadWrite.All"),
                true,
                true,
            ),
            ("Directory.Read.All".to_owned(), false, false),
        ] {
            let mut one = One::new(segment, "");
            one.world.machine.tenant_mut().service.roles = vec![role];
            let bearer = format!("Bearer {}", one.world.machine.mint_token(UNIX_EPOCH));
            for (method, rest, is_permitted) in [("GET", "", read), ("POST", write_path, write)] {
                let request = Request {
                    method: method.to_owned(),
                    target: format!("/beta{}", one.path(rest)),
                    headers: vec![("authorization".to_owned(), bearer.clone())],
                    body: vec![],
                };
                let (status, body, _) = one.world.answer(&request);
                assert_eq!(status != 403, is_permitted, "{segment} {method}: {body}");
            }
        }
    }
}

/// kinds, section 12.
#[test]
fn a_state_file_holds_rows_as_the_service_has_them() {
    let state = json!({
        "formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555",
        "mobileApps": [{
            "id": "a0000000-0000-4000-8000-000000000001", "displayName": "App",
            "@odata.type": "#microsoft.graph.win32LobApp",
            "assignments": [{"id": format!("{GROUP}_1_0"), "intent": "required", "source": "direct",
                "sourceId": null, "target": group(GROUP), "settings": {
                    "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
                    "notifications": "showAll", "restartSettings": null, "later": 1,
                    "installTimeSettings": null, "deliveryOptimizationPriority": "notConfigured"}}],
        }],
        "roleScopeTags": [{"id": "0", "displayName": "Default", "isBuiltIn": true}],
    });
    let tenant = Tenant::from_json(&state.to_string()).expect("a good state");
    assert_eq!(
        Tenant::from_json(&tenant.to_json()).expect("its own text"),
        tenant
    );
    let mut world = World::new(tenant);
    let path = "/deviceAppManagement/mobileApps/a0000000-0000-4000-8000-000000000001";
    let (_, rows) = world.pages(&format!("{path}/assignments"));
    let row: &Map<String, Value> = rows[0].as_object().expect("an object");
    assert_eq!(rows[0]["settings"]["later"], 1);
    assert_eq!(row.get("sourceId"), Some(&Value::Null));
    let body = json!({"mobileAppAssignments": rows});
    assert_eq!(world.post(&format!("{path}/assign"), body).0, 204);
    let (_, after) = world.pages(&format!("{path}/assignments"));
    assert_eq!(after[0]["settings"]["later"], 1);
    for (key, id) in [
        ("mobileApps", "x"),
        (
            "iosManagedAppProtections",
            "a0000000-0000-4000-8000-000000000001",
        ),
        (
            "deviceEnrollmentConfigurations",
            "a0000000-0000-4000-8000-000000000001",
        ),
        ("roleScopeTags", "x"),
    ] {
        let state = json!({"formatVersion": 1, "tenantId": "11111111-2222-4333-8444-555555555555",
            key: [{"id": id, "displayName": "X"}]});
        let error = Tenant::from_json(&state.to_string())
            .expect_err(key)
            .to_string();
        assert!(error.contains("an id of the wrong form"), "{error}");
    }
}
