//! Manifests for several tenants, through the executable.

mod commands;
mod example;
mod folders;
#[cfg(unix)]
mod interrupted;
mod merged;
mod parts;
mod saved;
mod shards;
mod sign_in;

use azure_core::base64;

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
  include: [{group: SG-Ring}]
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
    // Each tenant has entries of its own, so that no number is true of all.
    assert_eq!(json["entries"], serde_json::Value::Null);
    world.write(
        "wrong.yaml",
        &BASELINE
            .replace("SG-CEO", "'${ceo}'")
            .replace("vars: {pilot: Pilot Devices}", "vars: {pilto: x}")
            .replace("macOS - A", "'${mac}'"),
    );
    world.run("validate wrong.yaml").exits(3).says(&[
        "error[unknown-variable]: unknown variable `ceo`, in the tenant `fabrikam`",
        "error[unknown-variable]: unknown variable `mac`, in the tenant `contoso`",
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
fn a_tenant_that_skips_everything_is_named_and_shown_as_a_manifest_without_entries() {
    let world = world();
    let all = "version: 1
tenants:
  fabrikam: {tenantId: fabrikam.example, skip: [{match: '*', reason: not yet}]}
  contoso: {tenantId: contoso.example}
policies:
- {kind: configurationPolicy, match: 'Win - *', include: [{group: SG-Ring}]}
";
    world.write("all.yaml", all);
    world.run("validate all.yaml").exits(0).says(&[
        "warning[no-entry-left]: no entry is left, so that nothing can be planned, in the tenant `fabrikam`",
        "Valid for 2 tenants",
    ]);
    let shown = world.run("tenants show fabrikam all.yaml").exits(0);
    let shown = shown.says(&["warning[no-entry-left]"]);
    assert!(shown.stdout.ends_with("policies: []\n"), "{shown:?}");
    // So is one that no entry is meant for.
    let only = all.replace("skip: [{match: '*', reason: not yet}]", "labels: [later]");
    world.write(
        "only.yaml",
        &only.replace("'Win - *',", "'Win - *', onlyTenants: [contoso],"),
    );
    world.run("validate only.yaml").exits(0).says(&[
        "warning[no-entry-left]",
        "in the tenant `fabrikam`",
        "Valid for 2 tenants",
    ]);
    let none = world.run("tenants show fabrikam only.yaml").exits(0);
    assert!(none.stdout.ends_with("policies: []\n"), "{none:?}");
    // Neither can be planned.
    world.write("shown.yaml", &shown.stdout);
    world.write("folder/fabrikam.json", &world.read("tenant.json"));
    for (line, code) in [
        ("plan shown.yaml --sandbox tenant.json", "no-policies"),
        (
            "plan all.yaml --tenant fabrikam --sandbox folder",
            "nothing-selected",
        ),
    ] {
        let error = format!("error[{code}]");
        world.run(line).exits(3).says(&[&error]);
    }
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

const FABRIKAM: &str = "11111111-2222-4333-8444-555555555555";
const CONTOSO: &str = "21111111-2222-4333-8444-555555555555";

/// The tenants of the baseline, each in a file of its own below `tenants`, by their ids.
pub(super) fn msp() -> World {
    let world = world();
    world.write(
        "m.yaml",
        &BASELINE
            .replace("fabrikam.example", FABRIKAM)
            .replace("contoso.example", CONTOSO),
    );
    world.write("tenants/fabrikam.json", &world.read("tenant.json"));
    world.write("tenants/contoso.json", &world.read("tenant.json"));
    world.edit("tenants/contoso.json", |tenant| {
        tenant["tenantId"] = CONTOSO.into();
    });
    world
}

fn rows(world: &World, tenant: &str, policy: &str) -> Vec<String> {
    super::support::tenant::rows(&world.json(&format!("tenants/{tenant}.json")), policy)
}

#[test]
fn a_run_says_which_tenants_it_is_for() {
    let world = msp();
    for command in ["plan", "drift", "apply"] {
        world
            .run(&format!("{command} m.yaml --sandbox tenants"))
            .exits(64)
            .says(&[
                "the manifests are for 2 tenants: contoso, fabrikam",
                "--all-tenants",
            ]);
        world
            .run(&format!(
                "{command} m.yaml --tenant label:golt --sandbox tenants"
            ))
            .exits(64)
            .says(&[
                "no tenant with the label `golt`",
                "did you mean `label:gold`?",
            ]);
    }
    world.manifest_in("one.yaml", &["name: Win - A, include: []"]);
    world
        .run("plan one.yaml --all-tenants --sandbox tenant.json")
        .exits(64)
        .says(&["the manifests name no tenants"]);
    let json = world
        .run("plan m.yaml --tenant label:gold --sandbox tenants --format json")
        .exits(0)
        .json();
    assert_eq!(json["tenants"].as_array().expect("a list").len(), 1);
    assert_eq!(json["tenants"][0]["name"], "fabrikam");
    assert_eq!(json["tenants"][0]["plan"]["tenant"], "fabrikam");
    assert_eq!(json["tenants"][0]["plan"]["tenantId"], FABRIKAM);
}

#[test]
fn tenants_are_planned_and_applied_each_by_itself() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --sandbox tenants --detailed-exitcode")
        .exits(2)
        .says(&[
            "2 tenants",
            "contoso",
            "== fabrikam (11111111",
            "+ group SG-Ring",
        ]);
    world
        .run("apply m.yaml --all-tenants --sandbox tenants")
        .exits(64)
        .says(&["needs `--yes`"]);
    world
        .run("apply m.yaml --all-tenants --sandbox tenants --yes --report reports")
        .exits(0);
    assert_eq!(
        rows(&world, "fabrikam", "Win - A"),
        ["+SG-Pilot", "+SG-Ring", "-SG-CEO"]
    );
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
    assert_eq!(rows(&world, "contoso", "macOS - A"), ["+SG-Ring"]);
    // What is skipped stays as it was.
    assert_eq!(rows(&world, "fabrikam", "Win - Kiosk 1"), ["allUsers"]);
    for tenant in ["fabrikam", "contoso"] {
        let report = world.report(&format!("reports/{tenant}.report.jsonl"));
        assert_eq!(report.last().expect("an end")["exitCode"], 0);
    }
    world
        .run("drift m.yaml --all-tenants --sandbox tenants")
        .exits(0);
    // Without a folder they go to the usual place, a folder a tenant.
    world
        .run("apply m.yaml --tenant contoso --sandbox tenants --yes")
        .exits(0);
    assert!(world.has(".assignctl/reports/contoso"));
}

#[test]
fn one_tenants_failure_stops_no_other() {
    let world = msp();
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    let ran = world
        .run("apply m.yaml --all-tenants --sandbox tenants --yes --format json")
        .exits(1);
    let json = ran.json();
    // The worst is first.
    assert_eq!(json["tenants"][0]["name"], "contoso");
    assert_eq!(json["tenants"][0]["exitCode"], 1);
    assert_eq!(json["tenants"][1]["exitCode"], 0);
    assert_eq!(json["exitCode"], 1);
    assert_eq!(rows(&world, "fabrikam", "Win - A").len(), 3);
}

#[test]
fn fail_fast_starts_no_further_tenant() {
    let world = msp();
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    world
        .run("apply m.yaml --all-tenants --sandbox tenants --yes --fail-fast")
        .exits(1)
        .says(&["not started, since another tenant failed"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
}

#[test]
fn another_tenant_than_the_one_that_is_meant_is_refused() {
    let world = msp();
    world.write("tenants/contoso.json", &world.read("tenants/fabrikam.json"));
    world
        .run("apply m.yaml --tenant contoso --sandbox tenants --yes")
        .exits(4)
        .says(&["tenant"]);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
}

#[test]
fn saved_plans_of_tenants_are_applied_and_not_swapped() {
    let world = msp();
    world
        .run("plan m.yaml --all-tenants --sandbox tenants --out plans")
        .exits(0);
    assert_eq!(world.json("plans/contoso.plan.json")["tenant"], "contoso");
    world.write(
        "swapped/contoso.plan.json",
        &world.read("plans/fabrikam.plan.json"),
    );
    world
        .run("apply swapped --sandbox tenants")
        .exits(1)
        .says(&[
            "is the plan of the tenant `fabrikam`",
            "nothing was written",
        ]);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    // A folder is approved as a saved plan is.
    world.run("apply plans --sandbox tenants").exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
    world
        .run("apply plans --sandbox tenants")
        .exits(0)
        .says(&["3 already as planned"]);
    // What moved in one tenant is its own matter.
    world.edit("tenants/fabrikam.json", |tenant| {
        tenant["configurationPolicies"][0]["assignments"] = serde_json::json!([]);
    });
    world
        .run("apply plans --sandbox tenants")
        .exits(5)
        .says(&["fabrikam  exit 5", "contoso   exit 0"]);
    // A tenant that cannot be planned has no plan of before either.
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    world
        .run("plan m.yaml --all-tenants --sandbox tenants --out plans")
        .exits(1);
    assert!(!world.has("plans/contoso.plan.json"));
}

#[test]
fn the_summary_comes_in_every_format() {
    let world = msp();
    let plan = "plan m.yaml --all-tenants --sandbox tenants --format";
    world.run(&format!("{plan} markdown")).exits(0).says(&[
        "| tenant | result |",
        "| fabrikam | <code>",
        "<details><summary>contoso</summary>",
    ]);
    world
        .run(&format!("{plan} github"))
        .exits(0)
        .says(&["::group::fabrikam"]);
    let small = world
        .run(&format!("{plan} markdown --max-bytes 2000"))
        .exits(0);
    assert!(small.stdout.len() <= 2000, "{}", small.stdout.len());
}

#[test]
fn each_tenant_is_signed_in_to_with_its_own_id() {
    let mut world = msp();
    let served = super::support::service::Served::of(
        &world,
        "sandbox --state tenants/fabrikam.json --state tenants/contoso.json --listen 127.0.0.1:0",
    );
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("AZURE_CLIENT_ID", "71111111-2222-4333-8444-555555555555");
    world.set("AZURE_CLIENT_SECRET", "a-secret");
    // That of the environment is not used.
    world.set("AZURE_TENANT_ID", "91111111-2222-4333-8444-555555555555");
    let json = world
        .run("plan m.yaml --all-tenants --format json")
        .exits(0)
        .json();
    for tenant in json["tenants"].as_array().expect("a list") {
        assert_eq!(tenant["plan"]["tenantId"], tenant["tenantId"]);
    }
    // A token serves the tenant that it is for, and no other.
    let payload = format!("{{\"tid\":\"{CONTOSO}\",\"aud\":\"https://graph.microsoft.com\"}}");
    let coded = |text: &str| {
        base64::encode_url_safe(text)
            .trim_end_matches('=')
            .to_owned()
    };
    let token = format!("{}.{}.x", coded("{\"alg\":\"none\"}"), coded(&payload));
    world.set("ASSIGNCTL_ACCESS_TOKEN", &token);
    let json = world
        .run("plan m.yaml --all-tenants --format json")
        .exits(7)
        .json();
    assert_eq!(json["tenants"][0]["name"], "fabrikam");
    assert_eq!(json["tenants"][0]["exitCode"], 7);
    let said = json["tenants"][0]["error"]["message"]
        .as_str()
        .expect("a text");
    assert!(said.contains("the token is for the tenant"), "{said}");
    assert_eq!(json["tenants"][1]["exitCode"], 0, "{json:#}");
}

#[test]
fn what_each_tenant_lacks_is_named() {
    let world = msp();
    world.edit("tenants/contoso.json", |tenant| {
        let groups = tenant["groups"].as_array_mut().expect("groups");
        groups.retain(|group| group["displayName"] != "Pilot Devices");
        tenant["configurationPolicies"][2]["name"] = "Mac".into();
    });
    let ran = world
        .run("tenants check m.yaml --sandbox tenants")
        .exits(3)
        .says(&[
            "contoso: lacks 3 (exit 3)",
            "group: the tenant has no group `Pilot Devices` (m.yaml:",
            "policy: ",
            "macOS - A",
            "group [optional]: the tenant has no group `SG-Nowhere`",
            "fabrikam: lacks 1 (exit 0)",
        ]);
    assert!(ran.stdout.starts_with("contoso"), "the worst first");
    let json = world
        .run("tenants check m.yaml --sandbox tenants --tenant fabrikam --format json")
        .exits(0)
        .json();
    let lacks = &json["tenants"][0]["lacks"];
    assert_eq!(lacks.as_array().expect("a list").len(), 1);
    assert_eq!(lacks[0]["what"], "group");
    assert_eq!(lacks[0]["required"], false);
    assert_eq!(lacks[0]["places"][0]["path"], "m.yaml");
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    // One that cannot be read is not one that lacks nothing.
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    world
        .run("tenants check m.yaml --sandbox tenants")
        .exits(1)
        .says(&["contoso: the sandbox has no tenant", "fabrikam: lacks 1"]);
}

#[test]
fn the_guard_of_tenants_refuses_before_anything_is_written() {
    let world = msp();
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    let plan = "plan m.yaml --all-tenants --max-tenants 1";
    run(&format!("{plan} --out plans")).exits(4).says(&[
        "guard `tenants` tripped: more tenants change than allowed (2, limit 1)",
        "accept it with `--allow tenants`",
    ]);
    run("plan m.yaml --all-tenants --max-tenants 2").exits(0);
    run("drift m.yaml --all-tenants --max-tenants 1")
        .exits(2)
        .says(&["guard `tenants` tripped"]);
    run("apply m.yaml --all-tenants --yes --max-tenants 1 --report reports").exits(4);
    // The limit of the saved plans holds.
    run("apply plans").exits(4);
    // So does that of the configuration.
    world.write("assignctl.yaml", "guards: {maxTenants: 1}\n");
    run("apply m.yaml --all-tenants --yes").exits(4);
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    let report = world.report("reports/contoso.report.jsonl");
    assert_eq!(report.last().expect("an end")["exitCode"], 4);
    // What was accepted when the plans were made is accepted, and part of what is reviewed.
    let bare = run("plan m.yaml --all-tenants --max-tenants 2 --format json").exits(0);
    let ran = run("plan m.yaml --all-tenants --allow tenants --out plans --format json").exits(0);
    let json = ran.json();
    assert_ne!(json["digest"], bare.json()["digest"]);
    assert_eq!(json["guards"][0]["accepted"], true);
    run("apply plans").exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
}

#[test]
fn one_digest_covers_the_plans_of_all_tenants() {
    let world = msp();
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    let planned = run("plan m.yaml --all-tenants --out plans --format json").exits(0);
    let json = planned.json();
    let digest = json["digest"].as_str().expect("a digest");
    run("plan m.yaml --all-tenants")
        .exits(0)
        .says(&[&format!("digest of all: {digest}")]);
    assert_ne!(json["tenants"][0]["plan"]["digest"], json["digest"]);
    let other = format!("sha256:{}", "0".repeat(64));
    for command in ["apply m.yaml --all-tenants --yes", "apply plans"] {
        run(&format!("{command} --expect-digest {other}"))
            .exits(5)
            .says(&["the plan differs from the reviewed one", digest]);
    }
    // A tenant more or less is another plan, also if its own is the same.
    run(&format!(
        "apply m.yaml --tenant contoso --yes --expect-digest {digest}"
    ))
    .exits(5);
    std::fs::rename(world.path("plans/contoso.plan.json"), world.path("contoso")).expect("a file");
    run(&format!("apply plans --expect-digest {digest}")).exits(5);
    std::fs::rename(world.path("contoso"), world.path("plans/contoso.plan.json")).expect("a file");
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    run(&format!("apply plans --expect-digest {digest}")).exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
}
