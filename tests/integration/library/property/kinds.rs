//! Every kind, with what its assignments say beside their target: after `apply` the live state is the
//! desired one, worked out here by other means, and nothing else has changed.

use std::collections::BTreeMap;

use assignctl::kinds::{AssignmentProperties, TargetKind};
use assignctl::model::PolicyKind;
use assignctl_sandbox::{Assignment, Policy, Tenant, target};
use serde_json::{Map, Value, json};

use super::bytes;
use crate::library::every_kind::{export_is_planned_to_nothing, go_back};
use crate::library::support::world::{World, in_virtual_time, outcomes};
use crate::ordinary::{collection, of_what, said, takes};

/// How often each kind is tried.
const SEEDS: u64 = 6;

/// The types of apps, their settings as the service fills them in, and one that manifests name.
/// A type without settings has none.
const APPS: [(&str, &str, &str, &str, &[&str]); 14] = [
    (
        "win32LobApp",
        "win32LobApp",
        WIN32,
        "notifications",
        NOTIFICATIONS,
    ),
    (
        "win32CatalogApp",
        "win32CatalogApp",
        WIN32,
        "deliveryOptimizationPriority",
        &["\"notConfigured\"", "\"foreground\""],
    ),
    (
        "winGetApp",
        "winGetApp",
        r#"{"notifications": "showAll", "restartSettings": null, "installTimeSettings": null}"#,
        "notifications",
        NOTIFICATIONS,
    ),
    (
        "androidManagedStoreApp",
        "androidManagedStoreApp",
        ANDROID,
        "autoUpdateMode",
        &["\"default\"", "\"postponed\"", "\"priority\""],
    ),
    (
        "androidManagedStoreWebApp",
        "androidManagedStoreApp",
        ANDROID,
        "androidManagedStoreAppTrackIds",
        &["[]", "[\"a\"]", "[\"a\", \"b\"]"],
    ),
    (
        "iosLobApp",
        "iosLobApp",
        IOS,
        "uninstallOnDeviceRemoval",
        MAYBE,
    ),
    ("iosStoreApp", "iosStoreApp", IOS, "isRemovable", MAYBE),
    (
        "managedIOSStoreApp",
        "iosStoreApp",
        IOS,
        "vpnConfigurationId",
        &["null", "\"5\""],
    ),
    (
        "iosVppApp",
        "iosVppApp",
        r#"{"vpnConfigurationId": null, "uninstallOnDeviceRemoval": null, "isRemovable": null, "preventManagedAppBackup": null, "useDeviceLicensing": false, "preventAutoAppUpdate": null}"#,
        "useDeviceLicensing",
        FLAG,
    ),
    (
        "macOSLobApp",
        "macOsLobApp",
        r#"{"uninstallOnDeviceRemoval": null}"#,
        "uninstallOnDeviceRemoval",
        MAYBE,
    ),
    (
        "macOsVppApp",
        "macOsVppApp",
        r#"{"useDeviceLicensing": false, "uninstallOnDeviceRemoval": null, "preventManagedAppBackup": null, "preventAutoAppUpdate": null}"#,
        "preventAutoAppUpdate",
        MAYBE,
    ),
    (
        "windowsUniversalAppX",
        "windowsUniversalAppXApp",
        CONTEXT,
        "useDeviceContext",
        FLAG,
    ),
    (
        "microsoftStoreForBusinessApp",
        "microsoftStoreForBusinessApp",
        CONTEXT,
        "useDeviceContext",
        FLAG,
    ),
    ("officeSuiteApp", "", "{}", "", &[]),
];
const WIN32: &str = r#"{"notifications": "showAll", "restartSettings": null, "installTimeSettings": null,
    "deliveryOptimizationPriority": "notConfigured", "autoUpdateSettings": null}"#;
const ANDROID: &str = r#"{"androidManagedStoreAppTrackIds": [], "autoUpdateMode": "default"}"#;
const IOS: &str = r#"{"vpnConfigurationId": null, "uninstallOnDeviceRemoval": null, "isRemovable": null,
    "preventManagedAppBackup": null}"#;
const CONTEXT: &str = r#"{"useDeviceContext": false}"#;
const NOTIFICATIONS: &[&str] = &["\"showAll\"", "\"hideAll\"", "\"showReboot\""];
const MAYBE: &[&str] = &["null", "true", "false"];
const FLAG: &[&str] = &["true", "false"];
const INTENTS: [&str; 3] = ["required", "available", "uninstall"];

/// Schedules as a manifest and as the service spells them.
const SCHEDULES: [(&str, &str); 3] = [
    (
        r#"{type: hourly, interval: 3}"#,
        r##"{"@odata.type": "#microsoft.graph.deviceHealthScriptHourlySchedule", "interval": 3}"##,
    ),
    (
        r#"{type: daily, interval: 2, time: "01:30", useUtc: true}"#,
        r##"{"@odata.type": "#microsoft.graph.deviceHealthScriptDailySchedule", "interval": 2, "time": "01:30:00.0000000", "useUtc": true}"##,
    ),
    (
        r#"{type: once, date: "2027-01-31", time: "23:59:59"}"#,
        r##"{"@odata.type": "#microsoft.graph.deviceHealthScriptRunOnceSchedule", "interval": 1, "date": "2027-01-31", "time": "23:59:59.0000000", "useUtc": false}"##,
    ),
];

/// What makes an assignment the same one: whom, in words, and the intent.
type Key = (String, Option<&'static str>);

/// What an assignment says beside its target: its settings or schedule; nothing of a new one is `None`.
#[derive(Clone, Debug, Default, PartialEq)]
struct Beside {
    /// The value of the setting of [`APPS`], or the number of the schedule.
    named: Option<usize>,
    /// Whether the remediation repairs, if the manifest says so.
    repairs: Option<bool>,
}

struct Story {
    kind: PolicyKind,
    dice: fastrand::Rng,
    app: (
        &'static str,
        &'static str,
        &'static str,
        &'static str,
        &'static [&'static str],
    ),
}

impl Story {
    fn is_app(&self) -> bool {
        self.kind.spec().properties == AssignmentProperties::App
    }

    fn is_remediation(&self) -> bool {
        self.kind.spec().properties == AssignmentProperties::Remediation
    }

    /// Draws a set of assignments.
    fn draw(&mut self) -> BTreeMap<Key, Beside> {
        let mut whom: Vec<String> = Vec::new();
        for group in ["A", "B", "C", "D"] {
            match self.dice.u32(0..4) {
                0 | 1 => whom.push(format!("group {group}")),
                2 if takes(self.kind, TargetKind::ExclusionGroup) => {
                    whom.push(format!("not {group}"));
                }
                _ => {}
            }
        }
        if takes(self.kind, TargetKind::AllUsers) && self.dice.bool() {
            whom.push("all users".to_owned());
        }
        // One profile of a tenant may have all devices, and no exclusion beside them.
        if takes(self.kind, TargetKind::AllDevices)
            && self.kind.name() != "windowsAutopilotDeploymentProfile"
            && self.dice.bool()
        {
            whom.push("all devices".to_owned());
        }
        let mut rows = BTreeMap::new();
        for whom in whom {
            let is_excluded = whom.starts_with("not ");
            let intent = self.is_app().then(|| INTENTS[self.dice.usize(0..3)]);
            let choices = match () {
                () if is_excluded => 0,
                () if self.is_app() => self.app.4.len(),
                () if self.is_remediation() => SCHEDULES.len(),
                () => 0,
            };
            let named =
                (choices > 0 && self.dice.u32(0..4) > 0).then(|| self.dice.usize(0..choices));
            let repairs = self.is_remediation() && !is_excluded && self.dice.bool();
            let repairs = repairs.then(|| self.dice.bool());
            rows.insert((whom, intent), Beside { named, repairs });
        }
        rows
    }

    /// What the service holds beside the target of an assignment that is like this.
    fn wire(&self, key: &Key, beside: &Beside) -> Value {
        let is_excluded = key.0.starts_with("not ");
        if let Some(intent) = key.1 {
            let (_, settings_type, defaults, name, values) = self.app;
            if is_excluded || settings_type.is_empty() {
                return json!({"intent": intent, "settings": null});
            }
            let mut settings = object(defaults);
            let odata_type = format!("#microsoft.graph.{settings_type}AssignmentSettings");
            settings.insert("@odata.type".to_owned(), json!(odata_type));
            if let Some(index) = beside.named {
                let value = serde_json::from_str(values[index]).expect("a value");
                settings.insert(name.to_owned(), value);
            }
            return json!({"intent": intent, "settings": settings});
        }
        match self.kind.name() {
            "deviceHealthScript" => {
                let schedule = beside.named.map(|index| object(SCHEDULES[index].1));
                let repairs = beside.repairs.unwrap_or(!is_excluded);
                json!({"runRemediationScript": repairs, "runSchedule": schedule})
            }
            "deviceConfiguration" => json!({"intent": "apply"}),
            _ => Value::Null,
        }
    }

    fn fill(&self, policy: &mut Policy, rows: &BTreeMap<Key, Beside>, tenant: &Tenant) {
        let group = |name: &str| {
            let found = tenant
                .groups
                .iter()
                .find(|group| group.display_name == name);
            found.expect("a group").id.clone()
        };
        for (key, beside) in rows {
            let target = match key.0.split_once(' ').expect("two words") {
                ("group", name) => target::group(&group(name)),
                ("not", name) => target::exclusion_group(&group(name)),
                (_, "users") if self.kind.spec().targets.virtual_all_users => {
                    target::group("acacacac-9df4-4c7d-9d50-4ef0226f57a9")
                }
                (_, "users") => target::all_users(),
                _ => target::all_devices(),
            };
            policy.assign_with(target, self.wire(key, beside));
        }
    }

    fn manifest(&self, rows: &BTreeMap<Key, Beside>) -> String {
        let mut sides = [Vec::new(), Vec::new()];
        for ((whom, intent), Beside { named, repairs }) in rows {
            let (who, name) = whom.split_once(' ').expect("two words");
            let mut keys = vec![match (who, name) {
                ("group" | "not", name) => format!("group: {name}"),
                (_, "users") => "allUsers: true".to_owned(),
                _ => "allDevices: true".to_owned(),
            }];
            keys.extend(intent.map(|intent| format!("intent: {intent}")));
            if let Some(index) = *named {
                keys.push(match self.is_app() {
                    true => format!("settings: {{{}: {}}}", self.app.3, self.app.4[index]),
                    false => format!("runSchedule: {}", SCHEDULES[index].0),
                });
            }
            keys.extend(repairs.map(|repairs| format!("runRemediationScript: {repairs}")));
            sides[usize::from(who == "not")].push(format!("      - {{{}}}\n", keys.join(", ")));
        }
        let [include, exclude] = sides.map(|lines| match lines.is_empty() {
            true => "[]\n".to_owned(),
            false => format!("\n{}", lines.concat()),
        });
        format!(
            "version: 1\npolicies:\n  - kind: {}\n    name: P\n    include: {include}    exclude: {exclude}",
            self.kind
        )
    }

    /// What each assignment of a policy comes to: settings with defaults in their places, times to the
    /// second.
    fn effect(&self, tenant: &Tenant, rows: &[Assignment]) -> BTreeMap<(String, String), Value> {
        let effect = rows.iter().map(|row| {
            let intent = row.properties.get("intent").and_then(Value::as_str);
            let mut beside = Map::new();
            if self.is_app() && !said(tenant, row).starts_with("not ") {
                beside = object(self.app.2);
                if let Some(Value::Object(settings)) = row.properties.get("settings") {
                    beside.extend(settings.clone());
                }
                beside.remove("@odata.type");
            }
            if let Some(Value::Object(schedule)) = row.properties.get("runSchedule") {
                beside.clone_from(schedule);
                if let Some(Value::String(time)) = beside.get_mut("time") {
                    time.truncate("HH:MM:SS".len());
                }
            }
            let key = (said(tenant, row), intent.unwrap_or_default().to_owned());
            (key, Value::Object(beside))
        });
        let effect: BTreeMap<_, _> = effect.collect();
        assert_eq!(effect.len(), rows.len(), "an assignment stands twice");
        effect
    }

    async fn goes_well(mut self) {
        let kind = self.kind;
        let mut tenant = Tenant::empty();
        tenant.service.token_lifetime = 1_000_000;
        for name in ["A", "B", "C", "D"] {
            tenant.add_group(name);
        }
        let of_type = if self.is_app() {
            self.app.0
        } else {
            of_what(kind)
        };
        let live = self.draw();
        let wanted = self.draw();
        let others = self.draw();
        let ids = ["P", "Q"].map(|name| tenant.add_policy(collection(kind), name, of_type));
        let known = tenant.clone();
        for (id, rows) in ids.iter().zip([&live, &others]) {
            let policy = tenant.policy_mut(collection(kind), id).expect("a policy");
            self.fill(policy, rows, &known);
        }
        let of = |tenant: &Tenant, id: &str| -> Policy {
            tenant
                .policy(collection(kind), id)
                .expect("a policy")
                .clone()
        };
        let before = of(&tenant, &ids[0]);
        let untouched = bytes(&of(&tenant, &ids[1]));

        // What is not named stays; what is new and not named is what the service makes of it.
        let mut expected = Policy::new(collection(kind), &ids[0], "P", Map::new());
        let mut desired = wanted.clone();
        for (key, beside) in &mut desired {
            if let (None, Some(kept)) = (beside.named, live.get(key)) {
                beside.named = kept.named;
            }
        }
        self.fill(&mut expected, &desired, &known);
        let expected = self.effect(&known, &expected.assignments);
        let differs = expected != self.effect(&tenant, &before.assignments);

        let world = World::new(tenant);
        let text = self.manifest(&wanted);
        let plan = world.try_plan(&text).await;
        let plan = plan.unwrap_or_else(|trouble| panic!("{kind}: {trouble:#?}\n{text}"));
        assert_eq!(!plan.is_empty(), differs, "{kind}\n{text}\n{before:#?}");
        let results = world.apply(&plan).await;
        assert!(results.is_good(), "{kind}: {}\n{text}", outcomes(&results));
        let after = of(&world.tenant(), &ids[0]);
        assert_eq!(
            self.effect(&known, &after.assignments),
            expected,
            "{kind}\n{text}"
        );
        if differs {
            self.remediations_are_as_wanted(&known, &after, &wanted);
        } else {
            assert_eq!(bytes(&after), bytes(&before));
        }
        assert_eq!(bytes(&of(&world.tenant(), &ids[1])), untouched, "{kind}");

        let again = world.plan(&text).await;
        assert!(
            again.is_empty(),
            "{kind}: {:#?}\n{text}",
            again.changed().next()
        );
        if differs {
            go_back(&world, kind).await;
            let back = of(&world.tenant(), &ids[0]);
            let now = self.effect(&known, &back.assignments);
            assert_eq!(
                now,
                self.effect(&known, &before.assignments),
                "{kind}\n{text}"
            );
        }
        export_is_planned_to_nothing(&world, kind, 2).await;
        assert_eq!(bytes(&of(&world.tenant(), &ids[1])), untouched, "{kind}");
    }

    /// What was read back, `false`, is never written again.
    fn remediations_are_as_wanted(
        &self,
        tenant: &Tenant,
        policy: &Policy,
        wanted: &BTreeMap<Key, Beside>,
    ) {
        for row in policy.assignments.iter().filter(|_| self.is_remediation()) {
            let whom = said(tenant, row);
            let repairs = wanted[&(whom.clone(), None)].repairs;
            let repairs = repairs.unwrap_or(!whom.starts_with("not "));
            assert_eq!(
                row.properties["runRemediationScript"],
                json!(repairs),
                "{whom}"
            );
        }
    }
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).expect("an object")
}

#[test]
fn every_kind_comes_to_what_is_desired_and_back() {
    for kind in PolicyKind::all() {
        let is_app = kind.spec().properties == AssignmentProperties::App;
        let seeds = if is_app { SEEDS * 14 } else { SEEDS };
        for seed in 0..seeds {
            let story = Story {
                kind,
                dice: fastrand::Rng::with_seed(seed),
                app: APPS[usize::try_from(seed).expect("few") % APPS.len()],
            };
            in_virtual_time(story.goes_well());
        }
    }
}
