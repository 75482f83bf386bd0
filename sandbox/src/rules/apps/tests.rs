use super::*;
use crate::collections::Collection;

fn app(kind: &str) -> Policy {
    let apps = Collection::named("mobileApps").expect("a collection");
    let mut app = Policy::new(apps, "a", "A", Map::new());
    let kind = format!("#{NAMESPACE}{kind}");
    app.properties.insert("@odata.type".to_owned(), json!(kind));
    app
}

fn checked(kind: &str, row: Value) -> Result<Value, Fault> {
    let Value::Object(mut row) = row else {
        panic!("an object");
    };
    check(&app(kind), &mut row, false).map(|()| row["settings"].clone())
}

fn settings(name: &str, key: &str, value: Value) -> Value {
    let name = format!("#{NAMESPACE}{name}AppAssignmentSettings");
    json!({"intent": "required", "settings": {"@odata.type": name, key: value}})
}

#[test]
fn what_is_left_out_is_filled_in() {
    assert_eq!(
        checked("win32LobApp", json!({"intent": "required"})),
        Ok(json!({
            "@odata.type": "#microsoft.graph.win32LobAppAssignmentSettings",
            "notifications": "showAll", "restartSettings": null,
            "installTimeSettings": null, "deliveryOptimizationPriority": "notConfigured",
            "autoUpdateSettings": null,
        }))
    );
    let row = settings(
        "winGet",
        "restartSettings",
        json!({"gracePeriodInMinutes": 60}),
    );
    let stored = checked("winGetApp", row).expect("good settings");
    assert_eq!(
        stored["restartSettings"],
        json!({
            "@odata.type": "#microsoft.graph.winGetAppRestartSettings",
            "gracePeriodInMinutes": 60, "countdownDisplayBeforeRestartInMinutes": 15,
            "restartNotificationSnoozeDurationInMinutes": 240,
        })
    );
    for kind in ["iosVppApp", "officeSuiteApp", "newApp"] {
        assert_eq!(
            checked(kind, json!({"intent": "available"})),
            Ok(Value::Null)
        );
    }
}

#[test]
fn settings_of_an_unknown_type_of_app_are_carried() {
    let row = settings("new", "x", json!({"y": [1]}));
    assert_eq!(checked("newApp", row.clone()), Ok(row["settings"].clone()));
}

#[test]
fn what_the_service_has_served_may_be_sent_back() {
    let mut app = app("win32LobApp");
    let row = settings("win32Lob", "later", json!(7));
    let Value::Object(mut sent) = row.clone() else {
        panic!("an object");
    };
    assert!(check(&app, &mut sent.clone(), false).is_err());
    app.assign_with(crate::target::all_users(), row);
    assert_eq!(check(&app, &mut sent, false), Ok(()));
    assert_eq!(sent["settings"]["later"], 7);
}

#[test]
fn what_breaks_a_rule_is_refused() {
    for (kind, row, status) in [
        ("win32LobApp", json!({}), 400),
        ("win32LobApp", json!({"intent": 1}), 400),
        ("win32LobApp", json!({"intent": "mandatory"}), 500),
        (
            "win32LobApp",
            json!({"intent": "required", "settings": {}}),
            400,
        ),
        (
            "win32LobApp",
            json!({"intent": "required", "settings": []}),
            400,
        ),
        (
            "win32LobApp",
            settings("winGet", "notifications", json!("showAll")),
            400,
        ),
        (
            "win32LobApp",
            settings("win32Lob", "notifications", json!("none")),
            400,
        ),
        (
            "win32LobApp",
            settings("win32Lob", "unknown", json!(1)),
            400,
        ),
        (
            "win32LobApp",
            settings(
                "win32Lob",
                "restartSettings",
                json!({"gracePeriodInMinutes": 0}),
            ),
            400,
        ),
        (
            "winGetApp",
            settings(
                "winGet",
                "installTimeSettings",
                json!({"startDateTime": null}),
            ),
            400,
        ),
        (
            "officeSuiteApp",
            settings("officeSuite", "x", json!(1)),
            400,
        ),
        (
            "iosVppApp",
            settings("iosVpp", "useDeviceLicensing", json!(null)),
            400,
        ),
    ] {
        let fault = checked(kind, row.clone()).expect_err(&row.to_string());
        assert_eq!(fault.status, status, "{row}");
    }
    let mut excluded = Map::new();
    excluded.insert("intent".to_owned(), json!("required"));
    assert_eq!(check(&app("win32LobApp"), &mut excluded, true), Ok(()));
    assert_eq!(excluded["settings"], Value::Null);
    let row = settings("win32Lob", "notifications", json!("showAll"));
    excluded.extend(crate::tenant::object(row));
    assert!(check(&app("win32LobApp"), &mut excluded, true).is_err());
}
