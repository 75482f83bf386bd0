//! Tests: whatever comes in, an answer goes out.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::target::group;

/// Pieces that get deep into the machine, in any order.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("/deviceManagement".to_owned()),
        Just("/configurationPolicies".to_owned()),
        Just("/compliancePolicies('x')".to_owned()),
        Just("/deviceAppManagement".to_owned()),
        Just("/mobileApps".to_owned()),
        Just("/$count".to_owned()),
        Just("/assignments".to_owned()),
        Just("/groups".to_owned()),
        Just("/getByIds".to_owned()),
        Just("/$batch".to_owned()),
        Just("?$filter=".to_owned()),
        Just("name eq 'x'".to_owned()),
        Just("&$top=3".to_owned()),
        Just("&$skiptoken=%255Bcosmosdb".to_owned()),
        Just(" or not (".to_owned()),
        ".{0,6}",
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// JSON that looks somewhat like a body.
fn body() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!(null)),
        Just(json!("include")),
        Just(json!(7)),
        Just(group("6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e")),
        ".{0,5}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 30, 4, |inner| {
        let key = prop::sample::select(vec![
            "assignments",
            "target",
            "source",
            "groupId",
            "@odata.type",
            "deviceAndAppManagementAssignmentFilterId",
            "requests",
            "url",
            "id",
            "ids",
        ]);
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..5).prop_map(|pairs| {
                let pairs = pairs.into_iter();
                Value::Object(pairs.map(|(key, value)| (key.to_owned(), value)).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_address_is_answered(target in pieces(), post in any::<bool>()) {
        let (mut world, ..) = small();
        let method = if post { "POST" } else { "GET" };
        let (status, _, _) = world.send(method, &target, None);
        prop_assert!((200..500).contains(&status), "{status}");
    }

    #[test]
    fn any_body_is_taken_or_refused_as_a_whole(body in body()) {
        let (mut world, id, policy, _) = small();
        let row = json!({"assignments": [{"target": group(&id)}]});
        world.post(&catalog(&policy, "/assign"), row);
        for path in ["/assign", "/assignments"] {
            let before = world.machine.tenant().clone();
            let (status, _) = world.post(&catalog(&policy, path), body.clone());
            match status {
                200 | 201 => prop_assert!(Tenant::from_json(&world.machine.tenant().to_json()).is_ok()),
                400 => prop_assert_eq!(world.machine.tenant(), &before),
                other => prop_assert!(false, "{}", other),
            }
        }
        for path in ["/$batch", "/groups/getByIds"] {
            let (status, _) = world.post(path, body.clone());
            prop_assert!(status == 200 || status == 400);
        }
    }

    #[test]
    fn any_text_is_a_tenant_or_an_error(text in ".{0,80}", cut in 0_usize..400) {
        prop_assert!(Tenant::from_json(&text).is_err());
        let good = small().0.machine.tenant().to_json();
        let start: String = good.chars().take(cut).collect();
        prop_assert!(Tenant::from_json(&start).is_err());
    }
}
