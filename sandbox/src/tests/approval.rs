//! Tests: writes that a second administrator has to approve. The numbers of the rows are those of the
//! table of answers that was collected from documentation and reports.

use data_encoding::BASE64;
use serde_json::{Value, json};

use super::*;
use crate::target::{all_devices, all_users, group};

fn gated() -> (World, String, String) {
    let (mut world, group, policy, _) = small();
    world.machine.tenant_mut().service.approval.policy_types = vec!["ConfigurationPolicy".into()];
    (world, group, policy)
}

struct Sent<'a> {
    target: String,
    body: Value,
    headers: Vec<(&'a str, String)>,
    token: String,
}

impl<'a> Sent<'a> {
    fn new(target: String, body: Value) -> Self {
        Self {
            target,
            body,
            headers: Vec::new(),
            token: "opaque".to_owned(),
        }
    }

    fn because(mut self, text: &str) -> Self {
        let text = BASE64.encode(text.as_bytes());
        self.headers.push(("x-msft-approval-justification", text));
        self
    }

    fn code(mut self, code: &str) -> Self {
        self.headers.push(("x-msft-approval-code", code.to_owned()));
        self
    }

    fn by(mut self, claims: &Value) -> Self {
        let claims = crate::encoding::base64url(claims.to_string().as_bytes());
        self.token = format!("e30.{claims}.x");
        self
    }

    fn to(self, world: &mut World) -> (u16, Value, Response) {
        let mut headers = vec![
            ("authorization".to_owned(), format!("Bearer {}", self.token)),
            ("content-type".to_owned(), "application/json".to_owned()),
        ];
        let own = self.headers.into_iter();
        headers.extend(own.map(|(name, value)| (name.to_owned(), value)));
        world.answer(&Request {
            method: "POST".to_owned(),
            target: format!("/beta{}", self.target),
            headers,
            body: match self.body {
                Value::String(text) => text.into_bytes(),
                body => body.to_string().into_bytes(),
            },
        })
    }
}

fn code_of(response: &Response) -> Option<String> {
    let mut headers = response.headers.iter();
    let found = headers.find(|(name, _)| name == "x-msft-approval-code");
    found.map(|(_, value)| value.clone())
}

fn assign(policy: &str, rows: Value) -> Sent<'static> {
    Sent::new(catalog(policy, "/assign"), json!({"assignments": rows}))
}

fn filed(world: &mut World, policy: &str, rows: Value) -> String {
    let (status, body, response) = assign(policy, rows).because("why").to(world);
    assert_eq!(status, 412, "{body}");
    code_of(&response).expect("a code")
}

fn decide(world: &mut World, code: &str, action: &str) -> u16 {
    let request = Request {
        method: "POST".to_owned(),
        target: format!("/sandbox/approvals/{code}/{action}"),
        headers: Vec::new(),
        body: br#"{"justification": "because"}"#.to_vec(),
    };
    world.answer(&request).0
}

fn let_pass(world: &mut World, seconds: u32) {
    let request = Request {
        method: "POST".to_owned(),
        target: "/sandbox/clock".to_owned(),
        headers: Vec::new(),
        body: format!(r#"{{"seconds": {seconds}}}"#).into_bytes(),
    };
    assert_eq!(world.answer(&request).0, 204);
}

fn status_of(world: &mut World, code: &str) -> String {
    let target = format!("/deviceManagement/operationApprovalRequests/{code}");
    world.get(&target).1["status"]
        .as_str()
        .unwrap_or("none")
        .to_owned()
}

#[test]
fn only_what_an_access_policy_covers_is_gated() {
    let (mut world, _, policy, compliance) = small();
    assert_eq!(assign(&policy, json!([])).to(&mut world).0, 200);
    let other = format!("/deviceManagement/compliancePolicies/{compliance}/assign");
    let other = || Sent::new(other.clone(), json!({"assignments": []}));
    world.machine.tenant_mut().service.approval.policy_types = vec!["configurationpolicy".into()];
    assert_eq!(assign(&policy, json!([])).to(&mut world).0, 400);
    assert_eq!(other().to(&mut world).0, 200);
    let approval = &mut world.machine.tenant_mut().service.approval;
    approval.collections = vec!["compliancePolicies".into()];
    assert_eq!(other().to(&mut world).0, 400);
    // An excluded application passes, a person who uses it does not.
    let approval = &mut world.machine.tenant_mut().service.approval;
    approval.excluded_apps = vec!["APP".into()];
    let app = json!({"appid": "app"});
    let person = json!({"appid": "app", "oid": "me", "scp": "x"});
    assert_eq!(other().by(&app).to(&mut world).0, 200);
    assert_eq!(other().by(&person).to(&mut world).0, 400);
    assert_eq!(world.get(&catalog(&policy, "/assignments")).0, 200);
}

#[test]
fn row_1_without_a_justification_nothing_is_filed() {
    let (mut world, _, policy) = gated();
    let (status, body, _) = assign(&policy, json!([])).to(&mut world);
    assert_eq!(
        (status, body["error"]["code"].as_str()),
        (400, Some("BadRequest"))
    );
    assert!(message(&body).starts_with("Header 'x-msft-approval-justification' is required"));
    world.machine.tenant_mut().service.approval.older_answers = true;
    assert_eq!(assign(&policy, json!([])).to(&mut world).0, 403);
    let requests = world.get("/deviceManagement/operationApprovalRequests").1;
    assert_eq!(requests["value"], json!([]));
}

#[test]
fn row_2_a_justification_has_bounds() {
    let (mut world, _, policy) = gated();
    for (text, expected) in [
        ("x".repeat(1025), 400),
        (String::new(), 400),
        ("ü".repeat(1024), 412),
    ] {
        let (status, _, _) = assign(&policy, json!([])).because(&text).to(&mut world);
        assert_eq!(status, expected);
    }
    let mut broken = assign(&policy, json!([]));
    let header = ("x-msft-approval-justification", "no base 64".to_owned());
    broken.headers.push(header);
    assert_eq!(broken.to(&mut world).0, 400);
}

#[test]
fn row_3_a_justification_files_and_the_code_is_said_thrice() {
    let (mut world, id, policy) = gated();
    let rows = json!([{"target": group(&id)}]);
    let (status, body, response) = assign(&policy, rows).because("why").to(&mut world);
    assert_eq!(status, 412);
    let code = code_of(&response).expect("a code");
    let wrapped = body["error"]["message"].as_str().expect("a text");
    let inner: Value = serde_json::from_str(wrapped).expect("JSON");
    assert!(message(&body).contains(&format!("x-msft-approval-code: {code}")));
    assert_eq!(
        inner["HttpHeaders"],
        json!({"x-msft-approval-code": code}).to_string()
    );
    let list = world
        .get("/deviceManagement/operationApprovalRequests?$filter=status%20eq%20'needsApproval'");
    let row = &list.1["value"][0];
    assert_eq!(row["id"], code);
    assert_eq!(row["requestJustification"], "why");
    assert_eq!(row["payloadId"], policy);
    assert_eq!(row["payloadOperation"], "Assign");
    assert_eq!(row["addedAssignments"][0]["source"], "Direct");
    assert_eq!(
        row["addedAssignments"][0]["target"]["@odata.type"],
        "#microsoft.management.services.api.groupAssignmentTarget"
    );
    let filed: Value =
        serde_json::from_str(row["actionParameters"].as_str().expect("a text")).expect("JSON");
    assert_eq!(filed["assignments"][0]["target"]["groupId"], id);
    assert_eq!(row["expirationDateTime"], "1970-01-04T00:00:00Z");
    // 3b: the older text.
    let (mut world, _, policy) = gated();
    world.machine.tenant_mut().service.approval.older_answers = true;
    let (status, body, response) = assign(&policy, json!([])).because("why").to(&mut world);
    assert_eq!(status, 403);
    assert_eq!(body["error"]["code"], "ApprovalRequired");
    assert!(code_of(&response).is_some());
}

#[test]
fn row_4_an_open_request_locks_the_object_and_says_no_code() {
    let (mut world, _, policy) = gated();
    let code = filed(&mut world, &policy, json!([]));
    for approved in [false, true] {
        if approved {
            assert_eq!(decide(&mut world, &code, "approve"), 204);
        }
        let other = assign(&policy, json!([{"target": all_users()}])).because("again");
        let (status, body, response) = other.to(&mut world);
        assert_eq!(status, 409);
        assert!(message(&body).starts_with("An active Approval Request already exists"));
        assert_eq!(code_of(&response), None);
        assert!(!body.to_string().contains(&code));
    }
    assert_eq!(assign(&policy, json!([])).to(&mut world).0, 400);
    let switches = &mut world.machine.tenant_mut().service.approval;
    switches.conflict_without_justification = true;
    assert_eq!(assign(&policy, json!([])).to(&mut world).0, 409);
    // Row 14: with both headers the service files another request.
    let both = assign(&policy, json!([])).code(&code).because("why");
    assert_eq!(both.to(&mut world).0, 409);
}

#[test]
fn rows_5_6_and_12_a_code_works_once_and_not_before_the_approval() {
    let (mut world, _, policy) = gated();
    let rows = json!([{"target": all_devices()}]);
    let code = filed(&mut world, &policy, rows.clone());
    let send = |world: &mut World| assign(&policy, rows.clone()).code(&code).to(world).0;
    assert_eq!(send(&mut world), 403);
    world.machine.tenant_mut().service.approval.early_code = 409;
    assert_eq!(send(&mut world), 409);
    assert_eq!(decide(&mut world, &code, "approve"), 204);
    assert_eq!(decide(&mut world, &code, "approve"), 409);
    assert_eq!(status_of(&mut world, &code), "approved");
    // A key in parentheses is the same path.
    let keyed = format!("/deviceManagement/configurationPolicies('{policy}')/assign");
    let keyed = Sent::new(keyed, json!({"assignments": rows})).code(&code);
    assert_eq!(keyed.to(&mut world).0, 200);
    assert_eq!(status_of(&mut world, &code), "completed");
    assert_eq!(world.pages(&catalog(&policy, "/assignments")).1.len(), 1);
    assert_eq!(send(&mut world), 403);
    // The lock is released.
    filed(&mut world, &policy, json!([]));
}

#[test]
fn rows_7_to_10_and_13_a_code_is_for_one_write_of_one_identity() {
    let (mut world, _, policy) = gated();
    let rows = json!([{"target": all_devices()}]);
    let code = filed(&mut world, &policy, rows.clone());
    decide(&mut world, &code, "approve");
    let create = Sent::new(catalog(&policy, "/assignments"), rows[0].clone());
    let stranger = json!({"appid": "other"});
    let unknown = guid_from("unknown");
    for (sent, expected) in [
        (assign(&policy, json!([])).code(&code), 403),
        (create.code(&code), 403),
        (assign(&policy, rows.clone()).by(&stranger).code(&code), 403),
        (assign(&policy, rows.clone()).code("bm8gZ3VpZA=="), 400),
        (assign(&policy, rows.clone()).code(&unknown), 403),
    ] {
        assert_eq!(sent.to(&mut world).0, expected);
    }
    assert_eq!(world.pages(&catalog(&policy, "/assignments")).1.len(), 0);
    assert_eq!(assign(&policy, rows).code(&code).to(&mut world).0, 200);
}

#[test]
fn the_same_body_means_json_or_bytes() {
    for (switch, expected) in [(SameBody::Json, 200), (SameBody::Bytes, 403)] {
        let (mut world, _, policy) = gated();
        world.machine.tenant_mut().service.approval.same_body = switch;
        let code = filed(&mut world, &policy, json!([]));
        decide(&mut world, &code, "approve");
        let spaced = json!("{ \"assignments\": [ ] }");
        let sent = Sent::new(catalog(&policy, "/assign"), spaced).code(&code);
        assert_eq!(sent.to(&mut world).0, expected);
    }
}

#[test]
fn row_11_a_dead_request_lets_nothing_pass_and_releases_the_lock() {
    for end in ["reject", "cancel", "expire", "approve and expire"] {
        let (mut world, _, policy) = gated();
        let code = filed(&mut world, &policy, json!([]));
        match end {
            "expire" => let_pass(&mut world, 3 * 86_400),
            "approve and expire" => {
                decide(&mut world, &code, "approve");
                let_pass(&mut world, 3 * 86_400);
            }
            action => assert_eq!(decide(&mut world, &code, action), 204),
        }
        assert_eq!(assign(&policy, json!([])).code(&code).to(&mut world).0, 403);
        let known = status_of(&mut world, &code);
        assert_eq!(
            known,
            match end {
                "reject" => "rejected",
                "cancel" => "cancelled",
                _ => "expired",
            }
        );
        assert_ne!(filed(&mut world, &policy, json!([])), code);
    }
}

#[test]
fn a_write_that_is_refused_all_the_same_leaves_its_request_approved() {
    let (mut world, _, policy) = gated();
    let rows = json!([{"target": all_devices()}, {"target": all_devices()}]);
    let code = filed(&mut world, &policy, rows.clone());
    decide(&mut world, &code, "approve");
    assert_eq!(assign(&policy, rows).code(&code).to(&mut world).0, 400);
    assert_eq!(status_of(&mut world, &code), "approved");
}

#[test]
fn one_withdraws_what_is_ones_own_with_the_id_in_the_body() {
    let (mut world, _, policy) = gated();
    let code = filed(&mut world, &policy, json!([]));
    let path = "/deviceManagement/operationApprovalRequests";
    let in_path = Sent::new(format!("{path}/{code}/cancelMyRequest"), json!({}));
    let (status, body, _) = in_path.to(&mut world);
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "No method match route template");
    let cancel = || Sent::new(format!("{path}/cancelMyRequest"), json!({"id": code}));
    let empty = Sent::new(format!("{path}/cancelMyRequest"), json!(""));
    let (status, body, _) = empty.to(&mut world);
    assert_eq!(status, 400);
    assert_eq!(message(&body), "Empty Payload. JSON content expected.");
    assert_eq!(cancel().by(&json!({"appid": "x"})).to(&mut world).0, 404);
    assert_eq!(cancel().to(&mut world).0, 204);
    assert_eq!(status_of(&mut world, &code), "cancelled");
}

#[test]
fn a_person_who_did_not_file_decides_and_an_application_never_does() {
    let (mut world, _, policy) = gated();
    let person = |name: &str| json!({"appid": "portal", "oid": name, "scp": "x"});
    let filing = assign(&policy, json!([])).by(&person("one")).because("why");
    let code = code_of(&filing.to(&mut world).2).expect("a code");
    let path = format!("/deviceManagement/operationApprovalRequests/{code}/approve");
    let approve = || {
        Sent::new(
            path.clone(),
            json!({"justification": "fine", "approvalSource": "adminConsole"}),
        )
    };
    assert_eq!(approve().to(&mut world).0, 403);
    assert_eq!(approve().by(&person("one")).to(&mut world).0, 403);
    assert_eq!(approve().by(&person("two")).to(&mut world).0, 200);
    let (_, row) = world.get(&format!(
        "/deviceManagement/operationApprovalRequests/{code}"
    ));
    assert_eq!(row["approvalJustification"], "fine");
    assert_eq!(row["approver"]["user"]["id"], "two");
}

#[test]
fn the_switches_of_the_list() {
    let (mut world, _, policy) = gated();
    world.machine.tenant_mut().service.approval.listing_delay = 5.0;
    let code = filed(&mut world, &policy, json!([]));
    assert_eq!(status_of(&mut world, &code), "none");
    let_pass(&mut world, 5);
    assert_eq!(status_of(&mut world, &code), "needsApproval");
    let list = "/deviceManagement/operationApprovalRequests";
    let filtered = format!("{list}?$filter=status%20eq%20'approved'");
    assert_eq!(world.get(&filtered).1["value"], json!([]));
    let switches = &mut world.machine.tenant_mut().service.approval;
    switches.filter_refused = true;
    switches.people_hidden = true;
    switches.unpublished_hidden = true;
    assert_eq!(world.get(&filtered).0, 400);
    let row = world.get(list).1["value"][0].clone();
    assert_eq!(
        (&row["requestor"], row.get("payloadId")),
        (&Value::Null, None)
    );
    let types = world.get("/deviceManagement/operationApprovalPolicies").1;
    assert_eq!(types["value"][0]["policyType"], "ConfigurationPolicy");
}

#[test]
fn requests_are_kept_in_the_state_file() {
    let (mut world, _, policy) = gated();
    filed(&mut world, &policy, json!([]));
    let text = world.machine.tenant().to_json();
    let read = Tenant::from_json(&text).expect("its own text");
    assert_eq!(&read, world.machine.tenant());
    assert_eq!(read.approval_requests.len(), 1);
}

#[test]
fn the_statuses_of_codes_that_let_nothing_pass_are_switches() {
    let (mut world, _, policy) = gated();
    let approval = &mut world.machine.tenant_mut().service.approval;
    approval.early_code = 400;
    approval.used_code = 409;
    approval.dead_code = 400;
    approval.unknown_code = 404;
    let send = |world: &mut World, code: &str| assign(&policy, json!([])).code(code).to(world).0;
    let code = filed(&mut world, &policy, json!([]));
    assert_eq!(send(&mut world, &code), 400);
    assert_eq!(decide(&mut world, &code, "approve"), 204);
    assert_eq!(send(&mut world, &code), 200);
    assert_eq!(send(&mut world, &code), 409);
    let code = filed(&mut world, &policy, json!([]));
    assert_eq!(decide(&mut world, &code, "reject"), 204);
    assert_eq!(send(&mut world, &code), 400);
    assert_eq!(send(&mut world, &guid_from("none")), 404);
}

#[test]
fn who_sees_only_their_own_requests_finds_no_others() {
    let (mut world, _, policy) = gated();
    world
        .machine
        .tenant_mut()
        .service
        .approval
        .only_own_requests = true;
    let stranger = json!({"appid": "other"});
    let filing = assign(&policy, json!([])).by(&stranger).because("why");
    let code = code_of(&filing.to(&mut world).2).expect("a code");
    assert_eq!(status_of(&mut world, &code), "none");
    let list = world.get("/deviceManagement/operationApprovalRequests").1;
    assert_eq!(list["value"], json!([]));
    // The lock is there for everyone.
    let own = assign(&policy, json!([])).because("why");
    assert_eq!(own.to(&mut world).0, 409);
}
