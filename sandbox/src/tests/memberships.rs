//! Tests: who is a member of which group, and who may know.

use serde_json::{Map, json};

use super::*;

const USER: &str = "99999999-0000-4000-8000-000000000001";
const DEVICE: &str = "99999999-0000-4000-8000-000000000002";

/// A user and a device in `Inner`, which is in `Outer`, and a third group.
fn world() -> (World, String) {
    let mut tenant = Tenant::empty();
    tenant.users.push(User {
        id: USER.to_owned(),
        user_principal_name: "Ada@example.com".to_owned(),
        properties: Map::new(),
    });
    tenant.devices.push(Device {
        id: DEVICE.to_owned(),
        display_name: "PC-1".to_owned(),
        properties: Map::new(),
    });
    let groups = ["Inner", "Outer", "Other"].map(|name| tenant.add_group(name));
    tenant.groups[0].members = vec![USER.to_owned(), DEVICE.to_owned()];
    tenant.groups[1].members = vec![groups[0].clone()];
    let [inner, ..] = groups;
    (World::new(tenant), inner)
}

fn names(body: &Value) -> Vec<&Value> {
    let rows = body["value"].as_array().expect("rows").iter();
    rows.map(|row| &row["displayName"]).collect()
}

#[test]
fn memberships_are_transitive_and_come_in_pages() {
    let (mut world, inner) = world();
    let path = "/users/ada%40example.com/transitiveMemberOf?$top=1&$select=id,displayName";
    let (status, first) = world.get(path);
    assert_eq!((status, names(&first)), (200, vec![&json!("Inner")]));
    assert_eq!(first["value"][0]["@odata.type"], "#microsoft.graph.group");
    let (sizes, rows) = world.pages(path);
    assert_eq!((sizes, rows.len()), (vec![1, 1], 2));
    let (_, body) = world.get(&format!("/groups/{inner}/transitiveMemberOf"));
    assert_eq!(names(&body), ["Outer"]);
    let (_, body) = world.get(&format!("/devices/{DEVICE}/transitiveMemberOf"));
    assert_eq!(names(&body), ["Inner", "Outer"]);
    let (_, body) = world.get("/devices?$filter=displayName%20eq%20'pc-1'&$select=id");
    assert_eq!(body["value"], json!([{"id": DEVICE}]));
}

#[test]
fn what_is_not_known_or_not_emulated_is_refused() {
    let (mut world, _) = world();
    for (path, status) in [
        ("/users/nobody@example.com/transitiveMemberOf", 404),
        ("/devices/x/transitiveMemberOf", 400),
        ("/users/ada%40example.com/transitiveMemberOf?$top=1000", 400),
        (
            "/users/ada%40example.com/transitiveMemberOf?$count=true",
            400,
        ),
        ("/users/ada%40example.com/memberOf", 400),
        ("/users", 400),
        ("/devices?$filter=isManaged%20eq%20true", 400),
    ] {
        assert_eq!(world.get(path).0, status, "{path}");
    }
    let write = world.send("POST", "/devices", Some(json!({})));
    assert_eq!(write.0, 405);
}

#[test]
fn who_may_not_read_groups_gets_their_ids_only() {
    let (mut world, inner) = world();
    let of_device = format!("/devices/{DEVICE}/transitiveMemberOf?$select=id,displayName");
    let of_user = "/users/ada%40example.com/transitiveMemberOf";
    for (role, target, expected) in [
        ("Device.Read.All", of_device.as_str(), 200),
        ("GroupMember.Read.All", &of_device, 403),
        ("GroupMember.Read.All", of_user, 200),
        ("DeviceManagementConfiguration.Read.All", of_user, 403),
    ] {
        world.machine.tenant_mut().service.roles = vec![role.to_owned()];
        let bearer = format!("Bearer {}", world.machine.mint_token(UNIX_EPOCH));
        let request = Request {
            method: "GET".to_owned(),
            target: format!("/beta{target}"),
            headers: vec![("authorization".to_owned(), bearer)],
            body: Vec::new(),
        };
        let (status, body, _) = world.answer(&request);
        assert_eq!(status, expected, "{role} {target}");
        if role == "Device.Read.All" {
            assert_eq!(names(&body), [&Value::Null, &Value::Null]);
            assert_eq!(body["value"][0]["id"], json!(inner));
        }
    }
}
