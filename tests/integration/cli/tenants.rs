//! Manifests for several tenants, through the executable.

use super::support::World;
use super::support::tenant::Tenant;

const BASELINE: &str = "version: 1
vars: {pilot: SG-Pilot}
tenants:
  fabrikam:
    tenantId: fabrikam.example
    labels: [gold]
    skip: [{match: 'Win - Kiosk*', reason: no kiosks}]
    add: [{match: 'Win - *', exclude: [{group: SG-CEO}], reason: board laptops}]
  contoso:
    tenantId: contoso.example
    vars: {pilot: Pilot Devices}
policies:
- kind: configurationPolicy
  match: 'Win - *'
  include:
  - group: ${pilot}
  - {group: SG-Ring, onlyTenants: [gold]}
  - {group: SG-Nowhere, optional: true}
- kind: configurationPolicy
  name: macOS - A
  exceptTenants: [gold]
  include: [allDevices]
";

fn world() -> World {
    let groups = ["SG-Pilot", "Pilot Devices", "SG-Ring", "SG-CEO"];
    let tenant = groups
        .iter()
        .fold(Tenant::default(), |tenant, group| tenant.group(group));
    let tenant = ["Win - A", "Win - Kiosk 1", "macOS - A"]
        .iter()
        .fold(tenant, |tenant, policy| {
            tenant.policy(policy, &["allUsers"])
        });
    let world = World::new(&tenant);
    world.write("m.yaml", BASELINE);
    world
}

#[test]
fn every_tenant_is_checked_in_one_run() {
    let world = world();
    world
        .run("validate m.yaml")
        .exits(0)
        .says(&["Valid for 2 tenants: 1 file."]);
    let json = world.run("validate m.yaml --format json").exits(0).json();
    assert_eq!(json["tenants"], serde_json::json!(["contoso", "fabrikam"]));
    world.write(
        "wrong.yaml",
        &BASELINE
            .replace("SG-CEO", "'${ceo}'")
            .replace("vars: {pilot: Pilot Devices}", "vars: {pilto: x}")
            .replace("macOS - A", "'${mac}'"),
    );
    world.run("validate wrong.yaml").exits(3).says(&[
        "error[unknown-variable]: there is no variable `ceo`, in the tenant `fabrikam`",
        "error[unknown-variable]: there is no variable `mac`, in the tenant `contoso`",
    ]);
}

#[test]
fn a_tenants_manifest_is_shown_and_plans_to_the_same() {
    let world = world();
    world.write(
        "plain.yaml",
        "version: 1\npolicies:\n- kind: configurationPolicy\n  match: 'Win - *'\n  except: ['Win - Kiosk*']\n  \
         include: [{group: SG-Pilot}, {group: SG-Ring}]\n  exclude: [{group: SG-CEO}]\n",
    );
    let shown = world.run("tenants show fabrikam m.yaml").exits(0);
    assert!(!shown.stdout.contains("macOS"), "{}", shown.stdout);
    world.write("shown.yaml", &shown.stdout);
    world.run("validate shown.yaml").exits(0);
    let digest = |file: &str| {
        let plan = world.run(&format!("plan {file} --sandbox tenant.json --format json"));
        plan.exits(0).json()["digest"].clone()
    };
    let digests = ["shown.yaml", "plain.yaml"].map(digest);
    assert!(digests[0].is_string());
    assert_eq!(digests[0], digests[1]);
    // What the tenant lacks and may lack is a warning; what it has to have is an error.
    world
        .run("plan shown.yaml --sandbox tenant.json")
        .exits(0)
        .says(&[
            "warning[optional-group]: the tenant has no group `SG-Nowhere`; the target is left out",
        ]);
    world.write(
        "must.yaml",
        &shown.stdout.replace("optional: true", "optional: false"),
    );
    world
        .run("plan must.yaml --sandbox tenant.json")
        .exits(3)
        .says(&["error[unknown-group]"]);
    world
        .run("tenants show fabrikan m.yaml")
        .exits(64)
        .says(&["no tenant `fabrikan`", "did you mean `fabrikam`?"]);
    world.write("broken.yaml", "version: 1\npolicies: [{}]\n");
    world
        .run("tenants show fabrikam m.yaml broken.yaml")
        .exits(3);
}

#[test]
fn an_export_spells_what_looks_like_a_variable() {
    let tenant = Tenant::default()
        .group("SG ${x}")
        .policy("Win ${y}", &["+SG ${x}"]);
    let world = World::new(&tenant);
    world.run("export --out out --sandbox tenant.json").exits(0);
    world
        .run("plan out --sandbox tenant.json --detailed-exitcode")
        .exits(0);
}
