//! Every kind of the table through the executable, from the list to the way back.

use std::collections::BTreeSet;

use assignctl::model::PolicyKind;
use assignctl_sandbox::{Assignment, Tenant};
use serde_json::{Value, json};

use super::super::ordinary::{collection, said, tenant_with, wanted};
use super::support::World;

/// How many kinds are tried side by side.
const PARALLEL_READS: usize = 4;

struct Ordinary {
    world: World,
    kind: PolicyKind,
    id: String,
}

impl Ordinary {
    fn new(kind: PolicyKind) -> Self {
        let (tenant, id) = tenant_with(kind);
        let world = World::empty();
        world.write("tenant.json", &tenant.to_json());
        Self { world, kind, id }
    }

    fn tenant(&self) -> Tenant {
        Tenant::from_json(&self.world.read("tenant.json")).expect("a tenant")
    }

    fn rows(&self) -> Vec<Assignment> {
        let tenant = self.tenant();
        let policy = tenant.policy(collection(self.kind), &self.id);
        policy.expect("a policy").assignments.clone()
    }

    /// What the service holds, without what it makes up by itself.
    fn shape(&self) -> Vec<(String, Value)> {
        let tenant = self.tenant();
        let rows = self.rows();
        let mut rows: Vec<(String, Value)> = rows
            .iter()
            .map(|row| {
                let mut beside = row.properties.clone();
                beside.remove("lastModifiedDateTime");
                if let Some(Value::Object(schedule)) = beside.get_mut("runSchedule")
                    && let Some(Value::String(time)) = schedule.get_mut("time")
                {
                    time.truncate("HH:MM:SS".len());
                }
                (said(&tenant, row), Value::Object(beside))
            })
            .collect();
        rows.sort_by(|one, other| one.0.cmp(&other.0));
        rows
    }

    fn targets(&self) -> BTreeSet<String> {
        self.shape().into_iter().map(|(target, _)| target).collect()
    }

    fn goes_all_the_way(&self) {
        let Self { world, kind, id } = self;
        let before = self.shape();
        let (manifest, expected) = wanted(*kind);
        world.write("m.yaml", &manifest);
        let named = format!("{kind} P");

        // An export says what is there, and nothing else is planned by it.
        world
            .sandbox("export --out before")
            .exits(0)
            .says_nothing_of("warning");
        world
            .sandbox("plan before")
            .exits(0)
            .says(&["Nothing to do"]);

        world
            .sandbox("plan m.yaml --allow broad-target --out plan.json")
            .exits(0)
            .says(&[&named, "- group A", "+ group B"]);
        let plan = world
            .sandbox("plan m.yaml --allow broad-target --format json")
            .exits(0)
            .json();
        let policy = &plan["policies"][0];
        assert_eq!(
            [&policy["kind"], &policy["name"], &policy["id"]],
            [&json!(kind.name()), &json!("P"), &json!(id)],
            "{kind}"
        );
        world
            .sandbox("drift m.yaml --allow broad-target")
            .exits(2)
            .says(&[&named]);
        world.run("show plan.json").exits(0).says(&[&named]);
        world
            .sandbox("plan m.yaml --allow broad-target --format markdown")
            .exits(0)
            .says(&[kind.name()]);

        // A snapshot is planned like the tenant.
        world.sandbox("export --snapshot snapshot.json").exits(0);
        let snapshot = world
            .run("plan m.yaml --allow broad-target --format json --no-progress --sandbox snapshot.json")
            .exits(0)
            .json();
        assert_eq!(snapshot["digest"], plan["digest"], "{kind}");

        // A guard is in the way of every kind.
        world
            .sandbox("apply m.yaml --yes --allow broad-target --max-removals 0")
            .exits(4)
            .says(&["guard"]);
        assert_eq!(self.shape(), before, "{kind}");

        world
            .sandbox("apply plan.json --yes --report r.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        let targets: BTreeSet<&str> = expected;
        assert_eq!(
            self.targets(),
            targets.into_iter().map(str::to_owned).collect(),
            "{kind}"
        );
        self.remediation_stays_on();
        let report = world.report("r.jsonl");
        let line = report.iter().find(|line| line["event"] == "policy");
        let line = line.expect("the policy's line");
        assert_eq!(
            [&line["kind"], &line["outcome"]],
            [&json!(kind.name()), &json!("applied")],
            "{kind}"
        );
        world.run("show r.jsonl").exits(0).says(&[&named]);

        world
            .sandbox("plan m.yaml")
            .exits(0)
            .says(&["Nothing to do"]);
        world.sandbox("drift m.yaml").exits(0);
        world.sandbox("export --out after").exits(0);
        world
            .sandbox("plan after")
            .exits(0)
            .says(&["Nothing to do"]);

        world
            .sandbox("rollback r.jsonl --yes --report back.jsonl")
            .exits(0)
            .says(&["1 applied"]);
        assert_eq!(self.shape(), before, "{kind}");
    }

    /// What is included repairs what it detects, though the service always says that it does not.
    fn remediation_stays_on(&self) {
        for row in self.rows() {
            if let Some(repairs) = row.properties.get("runRemediationScript") {
                let is_excluded = said(&self.tenant(), &row).starts_with("not ");
                assert_eq!(*repairs, json!(!is_excluded), "{}", self.kind);
            }
        }
    }
}

#[test]
fn every_kind_goes_all_the_way() {
    let kinds: Vec<PolicyKind> = PolicyKind::all().collect();
    assert!(kinds.len() > 25, "{}", kinds.len());
    std::thread::scope(|scope| {
        for part in kinds.chunks(kinds.len().div_ceil(PARALLEL_READS)) {
            scope.spawn(move || {
                for kind in part {
                    Ordinary::new(*kind).goes_all_the_way();
                }
            });
        }
    });
}

#[test]
fn the_schema_has_every_kind() {
    let world = World::empty();
    let schema = world.run("schema").exits(0).stdout;
    for kind in PolicyKind::all() {
        assert!(schema.contains(&format!("\"{kind}\"")), "{kind}");
    }
}
