//! Tests: how many there are, of what is counted, and who may know.

use serde_json::{Map, json};

use super::*;
use crate::tenant::object;

const USER: &str = "99999999-0000-4000-8000-000000000001";
const DEVICE: &str = "99999999-0000-4000-8000-000000000002";
const MAC: &str = "99999999-0000-4000-8000-000000000003";

/// `Inner` has a user and a device, and is in `Outer`; a Mac is in no group.
fn world() -> (World, String, String) {
    let mut tenant = Tenant::empty();
    tenant.users.push(User {
        id: USER.to_owned(),
        user_principal_name: "ada@example.com".to_owned(),
        properties: Map::new(),
    });
    for (id, name, system) in [(DEVICE, "PC-1", "Windows"), (MAC, "MAC-1", "MacMDM")] {
        tenant.devices.push(Device {
            id: id.to_owned(),
            display_name: name.to_owned(),
            properties: object(json!({"operatingSystem": system, "model": "M"})),
        });
    }
    let [inner, outer] = ["Inner", "Outer"].map(|name| tenant.add_group(name));
    tenant.groups[0].members = vec![USER.to_owned(), DEVICE.to_owned()];
    tenant.groups[1].members = vec![inner.clone()];
    (World::new(tenant), inner, outer)
}

/// Asks with the header that counts need, for an application with some permissions; none for all.
fn ask(
    world: &mut World,
    roles: &[&str],
    method: &str,
    target: &str,
    body: Option<Value>,
) -> (u16, Value) {
    let bearer = match roles {
        [] => "opaque".to_owned(),
        roles => {
            let roles = roles.iter().map(|role| (*role).to_owned());
            world.machine.tenant_mut().service.roles = roles.collect();
            world.machine.mint_token(UNIX_EPOCH)
        }
    };
    let mut headers = vec![
        ("authorization".to_owned(), format!("Bearer {bearer}")),
        ("consistencylevel".to_owned(), "eventual".to_owned()),
    ];
    if body.is_some() {
        headers.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let request = Request {
        method: method.to_owned(),
        target: format!("/beta{target}"),
        headers,
        body: body.map_or_else(Vec::new, |body| body.to_string().into_bytes()),
    };
    let (status, body, _) = world.answer(&request);
    (status, body)
}

fn count(world: &mut World, roles: &[&str], target: &str) -> (u16, Value) {
    ask(world, roles, "GET", target, None)
}

#[test]
fn counts_need_their_header_and_a_permission_and_are_text() {
    let (mut world, inner, outer) = world();
    let path = format!("/groups/{outer}/transitiveMembers");
    let (status, body) = world.get(&format!("{path}/$count"));
    assert_eq!(status, 400);
    assert_eq!(body["error"]["code"], "Request_BadRequest");
    assert_eq!(
        body["error"]["message"],
        "$count is not currently supported."
    );
    for (cast, number) in [
        ("", 3),
        ("/microsoft.graph.device", 1),
        ("/microsoft.graph.user", 1),
        ("/microsoft.graph.group", 1),
    ] {
        let counted = count(&mut world, &[], &format!("{path}{cast}/$count"));
        assert_eq!(counted, (200, json!(number)), "{cast}");
    }
    let direct = format!("/groups/{outer}/members/$count");
    assert_eq!(count(&mut world, &[], &direct), (200, json!(1)));
    let (_, _, response) = world.send("GET", &format!("/groups/{inner}/transitiveMembers"), None);
    let header = |name: &str| {
        let mut headers = response.headers.iter();
        headers
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .cloned()
    };
    assert_eq!(
        header("x-ms-resource-unit")
            .map(|(_, unit)| unit)
            .as_deref(),
        Some("4")
    );
    // A cast of a list needs the header and `$count`.
    let cast = format!("{path}/microsoft.graph.device?$select=id");
    assert_eq!(world.get(&format!("{cast}&$count=true")).0, 400);
    assert_eq!(count(&mut world, &[], &cast).0, 400);
    let (status, body) = count(&mut world, &[], &format!("{cast}&$count=true&$top=999"));
    assert_eq!((status, &body["@odata.count"]), (200, &json!(1)));
    assert_eq!(body["value"][0]["@odata.type"], "#microsoft.graph.device");
    for (path, status) in [
        (format!("/groups/{USER}/transitiveMembers/$count"), 404),
        ("/groups/x/transitiveMembers/$count".to_owned(), 400),
        (format!("{path}/microsoft.graph.room/$count"), 400),
        (format!("{path}?$top=1000"), 400),
    ] {
        assert_eq!(count(&mut world, &[], &path).0, status, "{path}");
    }
    let of_users = format!("{path}/microsoft.graph.user/$count");
    assert_eq!(count(&mut world, &["User.Read.All"], &of_users).0, 403);
    assert_eq!(
        count(&mut world, &["GroupMember.Read.All"], &of_users).0,
        200
    );
}

#[test]
fn hidden_members_are_not_seen_without_their_permission() {
    let (mut world, inner, outer) = world();
    let visibility = json!("HiddenMembership");
    let group = &mut world.machine.tenant_mut().groups[0];
    group.properties.insert("visibility".to_owned(), visibility);
    let path = format!("/groups/{inner}/transitiveMembers");
    let readers = ["GroupMember.Read.All"];
    let with = ["GroupMember.Read.All", "Member.Read.Hidden"];
    for (roles, number) in [(&readers[..], 0), (&with[..], 2)] {
        assert_eq!(
            count(&mut world, roles, &format!("{path}/$count")),
            (200, json!(number))
        );
        let direct = format!("/groups/{inner}/members/$count");
        assert_eq!(count(&mut world, roles, &direct), (200, json!(number)));
        let (_, body) = count(&mut world, roles, &path);
        assert_eq!(body["value"].as_array().map(Vec::len), Some(number));
    }
    let outer = format!("/groups/{outer}/transitiveMembers/$count");
    assert_eq!(count(&mut world, &readers, &outer).0, 200);
}

#[test]
fn everybody_is_counted_for_those_who_may_know() {
    let (mut world, ..) = world();
    let overview = "/deviceManagement/managedDeviceOverview";
    let (status, body) = world.get(overview);
    assert_eq!((status, &body["enrolledDeviceCount"]), (200, &json!(2)));
    let (_, body) = world.get(&format!("{overview}?$select=deviceOperatingSystemSummary"));
    assert_eq!(body.get("enrolledDeviceCount"), None);
    let systems = &body["deviceOperatingSystemSummary"];
    assert_eq!(
        (&systems["windowsCount"], &systems["macOSCount"]),
        (&json!(1), &json!(1))
    );
    let configuration = ["DeviceManagementConfiguration.Read.All"];
    assert_eq!(count(&mut world, &configuration, overview).0, 403);
    let licensed = "/users/$count?$filter=assignedLicenses/$count%20ne%200";
    assert_eq!(
        count(&mut world, &["User.Read.All"], licensed),
        (200, json!(1))
    );
    assert_eq!(count(&mut world, &["User.ReadBasic.All"], licensed).0, 403);
    assert_eq!(world.get(licensed).0, 400, "without the header");
}

#[test]
fn deleted_groups_are_read_by_id_and_as_a_list() {
    let (mut world, inner, _) = world();
    let tenant = world.machine.tenant_mut();
    let mut gone = tenant.groups.remove(0);
    let at = json!("2026-11-20T08:12:00Z");
    gone.properties
        .insert("deletedDateTime".to_owned(), at.clone());
    tenant.groups[0].members.clear();
    tenant.deleted_groups.push(gone);
    assert_eq!(world.get(&format!("/groups/{inner}")).0, 404);
    let one = format!("/directory/deletedItems/{inner}?$select=id,displayName,deletedDateTime");
    let (status, body) = world.get(&one);
    assert_eq!((status, &body["deletedDateTime"]), (200, &at));
    let list = "/directory/deletedItems/microsoft.graph.group?$select=id,displayName&$top=999";
    let (status, body) = world.get(list);
    assert_eq!(
        (status, &body["value"][0]["displayName"]),
        (200, &json!("Inner"))
    );
    for path in [one.as_str(), list] {
        assert_eq!(count(&mut world, &["GroupMember.Read.All"], path).0, 403);
        assert_eq!(count(&mut world, &["Group.Read.All"], path).0, 200);
    }
    assert_eq!(world.get(&format!("/directory/deletedItems/{USER}")).0, 404);
}

#[test]
fn a_filter_is_evaluated_over_the_devices_of_its_platform() {
    let (mut world, ..) = world();
    let path = "/deviceManagement/evaluateAssignmentFilter";
    let body = |rule: &str, more: Value| {
        let mut data = json!({"platform": "Windows10AndLater", "rule": rule});
        let more = more.as_object().expect("an object").clone();
        data.as_object_mut().expect("an object").extend(more);
        json!({"data": data})
    };
    let rule = "(device.model -eq \"m\")";
    let (status, table, response) = world.send("POST", path, Some(body(rule, json!({}))));
    assert_eq!(status, 200, "{table}");
    let form = response
        .headers
        .iter()
        .find(|(name, _)| name == "Content-Type");
    assert_eq!(
        form.map(|(_, form)| form.as_str()),
        Some("application/octet-stream")
    );
    assert_eq!(table["columns"][1]["name"], "deviceName");
    assert_eq!(table["values"].as_array().map(Vec::len), Some(1));
    assert_eq!(table["values"][0][1], "PC-1");
    for number in 0..150 {
        let tenant = world.machine.tenant_mut();
        let mut device = tenant.devices[0].clone();
        device.id = crate::encoding::guid_from(&number.to_string());
        tenant.devices.push(device);
    }
    for (more, rows) in [
        (json!({}), 100),
        (json!({"top": 500}), 100),
        (json!({"top": 0}), 100),
        (json!({"top": 7}), 7),
        (json!({"skip": 100}), 51),
        (json!({"skip": 200}), 0),
        (json!({"search": "pc-"}), 100),
        (json!({"search": "x"}), 0),
    ] {
        let (_, table) = world.post(path, body(rule, more.clone()));
        assert_eq!(
            table["values"].as_array().map(Vec::len),
            Some(rows),
            "{more}"
        );
    }
    world.machine.tenant_mut().service.filter_table = FilterTable::Schema;
    let (_, table) = world.post(path, body(rule, json!({})));
    assert_eq!(
        (&table["TotalRowCount"], &table["Schema"][0]["Column"]),
        (&json!(151), &json!("deviceId"))
    );
    for (wrong, status) in [
        (body("", json!({})), 400),
        (body("(device.colour -eq \"x\")", json!({})), 400),
        (json!({}), 400),
    ] {
        assert_eq!(world.post(path, wrong.clone()).0, status, "{wrong}");
    }
    assert_eq!(world.get(path).0, 400);
    let may = ["DeviceManagementConfiguration.Read.All"];
    for (roles, expected) in [(&may[..], 200), (&["Group.Read.All"][..], 403)] {
        let (status, _) = ask(&mut world, roles, "POST", path, Some(body(rule, json!({}))));
        assert_eq!(status, expected);
    }
}

#[test]
fn counts_lag_behind_changes_of_members_by_the_switch() {
    let (mut world, inner, outer) = world();
    world.machine.tenant_mut().service.membership_lag = 60.0;
    let link =
        json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{MAC}")});
    let add = format!("/groups/{inner}/members/$ref");
    assert_eq!(
        ask(
            &mut world,
            &["Group.Read.All"],
            "POST",
            &add,
            Some(link.clone())
        )
        .0,
        403
    );
    assert_eq!(world.post(&add, link.clone()).0, 204);
    assert_eq!(world.post(&add, link).0, 400, "it is in there");
    let remove = format!("/groups/{inner}/members/{DEVICE}/$ref");
    assert_eq!(world.send("DELETE", &remove, None).0, 204);
    assert_eq!(world.send("DELETE", &remove, None).0, 404);
    let gone = json!({"@odata.id": "https://x/99999999-0000-4000-8000-000000000009"});
    assert_eq!(world.post(&add, gone).0, 404);
    let list = format!("/groups/{outer}/transitiveMembers?$select=id");
    let ids = |body: &Value| -> Vec<Value> {
        let rows = body["value"].as_array().expect("a list").iter();
        rows.map(|row| row["id"].clone()).collect()
    };
    let cast = format!("/groups/{outer}/transitiveMembers/microsoft.graph.device?$count=true");
    for (now, indexed) in [(59.0, DEVICE), (60.0, MAC)] {
        world.now = now;
        let (_, body) = count(&mut world, &[], &cast);
        assert_eq!(ids(&body), [json!(indexed)], "{now}");
        // Only advanced queries read the index.
        assert!(ids(&world.get(&list).1).contains(&json!(MAC)));
    }
    world.machine.tenant_mut().service.membership_lag = 90_000.0;
    let text = world.machine.tenant().to_json();
    assert!(Tenant::from_json(&text).is_err());
}

#[test]
fn what_a_rule_came_to_is_given_where_it_is_selected() {
    let (mut world, inner, _) = world();
    let name = "membershipRuleProcessingStatus";
    let one = format!("/groups/{inner}");
    assert_eq!(
        world.get(&format!("{one}?$select=id,{name}")).1[name],
        Value::Null
    );
    let group = &mut world.machine.tenant_mut().groups[0];
    group.properties.extend(object(json!({
        "groupTypes": ["DynamicMembership"],
        "membershipRule": "(device.model -eq \"x\")",
        "membershipRuleProcessingState": "On",
    })));
    let (_, body) = world.get(&format!("{one}?$select=id,{name}"));
    assert_eq!(body[name]["status"], "Succeeded");
    let failed = json!({"status": "Failed"});
    let group = &mut world.machine.tenant_mut().groups[0];
    group.properties.insert(name.to_owned(), failed.clone());
    assert_eq!(world.get(&format!("{one}?$select={name}")).1[name], failed);
    let (_, body) = world.get(&one);
    assert_eq!(
        (body.get(name), &body["membershipRuleProcessingState"]),
        (None, &json!("On"))
    );
}
