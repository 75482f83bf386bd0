//! The commands beside plan and apply, for the tenants that manifests name.

use serde_json::json;

use super::{msp, rows};
use crate::cli::support::World;
use crate::cli::support::tenant::Tenant;

#[test]
fn what_waits_for_approval_is_resumed_tenant_by_tenant() {
    let world = msp();
    for tenant in ["fabrikam", "contoso"] {
        world.edit(&format!("tenants/{tenant}.json"), |tenant| {
            tenant["service"]["approval"] =
                serde_json::json!({"policyTypes": ["configurationPolicy"]});
        });
    }
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("apply m.yaml --all-tenants --yes --justification monthly --report reports")
        .exits(8)
        .says(&["waiting for approval"]);
    run("apply --resume reports --yes --report second").exits(8);
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
        world.edit(&format!("tenants/{tenant}.json"), |tenant| {
            let requests = tenant["operationApprovalRequests"].as_array_mut();
            for request in requests.expect("requests") {
                request["status"] = "approved".into();
            }
        });
    }
    run("apply --resume reports --yes --report third").exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["+Pilot Devices"]);
    assert_eq!(
        world.report("third/contoso.report.jsonl")[0]["tenant"],
        "contoso"
    );
}

/// What an earlier run has written is known in each of many tenants.
#[test]
fn what_is_half_written_stays_so_in_the_report_of_each_tenant() {
    let world = msp();
    let tenants = ["fabrikam", "contoso"];
    let decide = |status: &str| {
        for tenant in tenants {
            world.edit(&format!("tenants/{tenant}.json"), |tenant| {
                tenant["service"]["approval"] =
                    serde_json::json!({"policyTypes": ["configurationPolicy"]});
                let requests = tenant.get_mut("operationApprovalRequests");
                let requests = requests.and_then(serde_json::Value::as_array_mut);
                for request in requests.into_iter().flatten() {
                    if request["status"] == "needsApproval" {
                        request["status"] = status.into();
                    }
                }
            });
        }
    };
    let run = |command: &str| world.run(&format!("{command} --yes --sandbox tenants"));
    decide("approved");
    run("apply m.yaml --all-tenants --justification x --write-with create --report r1").exits(8);
    decide("approved");
    // The first write is done, and the next one is filed.
    run("apply --resume r1 --justification x --report r2").exits(8);
    decide("rejected");
    run("apply --resume r2 --report r3").exits(6);
    for tenant in tenants {
        let lines = world.report(&format!("r3/{tenant}.report.jsonl"));
        let settled = lines.iter().rfind(|line| line["event"] == "policy");
        let settled = settled.expect("a policy");
        let code = &settled["error"]["code"];
        assert_eq!(
            (&settled["written"], code),
            (&json!(true), &json!("approvalRejected"))
        );
    }
}

#[test]
fn other_commands_are_for_tenants_too() {
    let world = msp();
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("list --all-tenants --policy Win*").exits(0).says(&[
        "TENANT    KIND",
        "contoso   configurationPolicy  Win - A",
        "fabrikam  configurationPolicy  Win - A",
    ]);
    let csv = run("list --all-tenants --format csv").exits(0);
    assert!(
        csv.stdout.starts_with("tenant,kind,id,policy"),
        "{}",
        csv.stdout
    );
    assert!(
        csv.stdout.contains("\r\ncontoso,configurationPolicy,"),
        "{}",
        csv.stdout
    );
    let json = run("list --tenant fabrikam --unmanaged --format json")
        .exits(0)
        .json();
    assert_eq!(json["tenants"][0]["name"], "fabrikam");
    let policies = json["tenants"][0]["assignments"]
        .as_array()
        .expect("a list");
    let names: Vec<&str> = policies
        .iter()
        .filter_map(|row| row["name"].as_str())
        .collect();
    // What the tenant skips is not managed there.
    assert_eq!(names, ["Win - Kiosk 1", "macOS - A"]);
    let page = run("list --all-tenants --format html").exits(0).stdout;
    for part in [
        "\"tenant\":\"contoso\",\"kind\":\"configurationPolicy\",\"name\":\"Win - A\"",
        "\"tenant\":\"fabrikam\",",
        "2 tenants \u{b7} read ",
    ] {
        assert!(page.contains(part), "`{part}` is not in\n{page}");
    }
    run("list --all-tenants --format markdown").exits(0).says(&[
        "### contoso",
        "### fabrikam",
        "| <code>Win - A</code> |",
    ]);
    let exported = run("export --tenant contoso").exits(0);
    assert!(exported.stdout.contains("Win - A"), "{}", exported.stdout);
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    run("export --tenant contoso").exits(1);
    // The others are listed all the same, and the list is not taken for whole.
    let ran = run("list --all-tenants --format json").exits(1);
    assert_eq!(ran.json()["complete"], false);
    assert_eq!(ran.json()["tenants"][0]["name"], "fabrikam");
    run("list --all-tenants --format html")
        .exits(1)
        .says(&["Not complete: contoso could not be read."]);
}

#[test]
fn a_policy_is_explained_for_one_tenant() {
    let world = msp();
    let id = world.json("tenants/fabrikam.json")["configurationPolicies"][0]["id"].clone();
    let id = id.as_str().expect("an id");
    let line = format!("explain {id} m.yaml --sandbox tenants");
    world.run(&line).exits(64).says(&["for 2 tenants"]);
    world
        .run(&format!("{line} --all-tenants"))
        .exits(64)
        .says(&["about one tenant"]);
    world
        .run(&format!("{line} --tenant fabrikam"))
        .exits(0)
        .says(&["SG-Ring", "SG-CEO"]);
    world
        .run(&format!("{line} --tenant contoso"))
        .exits(0)
        .says(&["Pilot Devices"]);
}

#[test]
fn a_further_tenant_gets_a_file_of_its_own() {
    let world = msp();
    std::fs::create_dir(world.path("manifests")).expect("a folder");
    world.write("manifests/m.yaml", &world.read("m.yaml"));
    world.write("adatum.json", &world.read("tenant.json"));
    let id = "31111111-2222-4333-8444-555555555555";
    world.edit("adatum.json", |tenant| tenant["tenantId"] = id.into());
    let before = world.read("manifests/m.yaml");
    world
        .run("init --tenant adatum --sandbox adatum.json")
        .exits(0)
        .says(&[
            "wrote ",
            "adatum.yaml",
            "assignctl tenants check --tenant adatum",
        ]);
    assert_eq!(world.read("manifests/m.yaml"), before);
    world.write("tenants/adatum.json", &world.read("adatum.json"));
    world
        .run("plan manifests --tenant adatum --sandbox tenants")
        .exits(0)
        .says(&["adatum"]);
    for (line, said) in [
        (
            "init --tenant adatum --sandbox adatum.json",
            "a tenant `adatum` already",
        ),
        (
            "init --tenant other --sandbox adatum.json",
            "already, as `adatum`",
        ),
        (
            "init --tenant ../x --sandbox adatum.json",
            "letter or digit first",
        ),
    ] {
        world.run(line).exits(64).says(&[said]);
    }
    // Manifests without tenants are for one, which has to be named first.
    let single = World::with(
        &Tenant::common().policy("P", &["+A"]),
        &["name: P, include: [group: A]"],
    );
    std::fs::create_dir(single.path("manifests")).expect("a folder");
    std::fs::rename(single.path("m.yaml"), single.path("manifests/m.yaml")).expect("a file");
    single.write(
        "assignctl.yaml",
        "tenantId: 91111111-2222-4333-8444-555555555555\nmanifests: [manifests]\n",
    );
    single
        .run("init --tenant adatum --sandbox tenant.json")
        .exits(64)
        .says(&["which has no name", "name that first"]);
    // What the configuration says of the tenant holds until it is removed.
    let configured = format!("tenantId: {}\nmanifests: [manifests]\n", super::FABRIKAM);
    single.write("assignctl.yaml", &configured);
    single
        .run("init --tenant fabrikam --sandbox tenant.json")
        .exits(0)
        .says(&["leave `tenantId` out of `assignctl.yaml` now"]);
    single.run("plan --sandbox tenant.json").exits(1);
    single.write("sandbox/fabrikam.json", &single.read("tenant.json"));
    single.run("plan --sandbox sandbox").exits(0);
}

/// Policies that wait in two tenants are listed and withdrawn in both, and sent again in one alone.
#[test]
fn open_requests_are_listed_and_withdrawn_tenant_by_tenant() {
    let world = msp();
    for tenant in ["fabrikam", "contoso"] {
        world.edit(&format!("tenants/{tenant}.json"), |tenant| {
            tenant["service"]["approval"] = json!({"policyTypes": ["configurationPolicy"]});
        });
    }
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("apply m.yaml --all-tenants --yes --justification monthly --report reports").exits(8);
    let listed = |command: &str| {
        let json = run(&format!("{command} --format json")).exits(0).json();
        let tenants = json["tenants"].as_array().expect("tenants").clone();
        let count = |tenant: &serde_json::Value| {
            let approvals = tenant["approvals"].as_array().expect("a list");
            (
                tenant["name"].as_str().expect("a name").to_owned(),
                approvals.len(),
            )
        };
        tenants.iter().map(count).collect::<Vec<_>>()
    };
    let open = [("contoso".to_owned(), 3), ("fabrikam".to_owned(), 1)];
    assert_eq!(listed("approvals m.yaml --all-tenants"), open);
    assert_eq!(listed("approvals reports"), open);
    assert_eq!(listed("approvals m.yaml --tenant fabrikam"), open[1..]);
    // What waits is said where drift is.
    let drift = run("drift m.yaml --all-tenants --format json")
        .exits(2)
        .json();
    for tenant in drift["tenants"].as_array().expect("tenants") {
        let name = tenant["name"].as_str().expect("a name");
        let waiting = tenant["plan"]["approvals"].as_array().expect("a list");
        let expected = open.iter().find(|(known, _)| known == name);
        assert_eq!(Some(waiting.len()), expected.map(|(_, count)| *count));
    }
    // One tenant's administrator has approved.
    world.edit("tenants/fabrikam.json", |tenant| {
        let requests = tenant["operationApprovalRequests"].as_array_mut();
        for request in requests.expect("requests") {
            request["status"] = "approved".into();
        }
    });
    run("apply --resume reports/fabrikam.report.jsonl --yes --report one.jsonl").exits(0);
    assert_eq!(rows(&world, "fabrikam", "Win - A").len(), 3);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    run("approvals cancel reports --yes").exits(0);
    assert_eq!(
        listed("approvals m.yaml --all-tenants"),
        [("contoso".to_owned(), 0), ("fabrikam".to_owned(), 0)]
    );
}

/// What is added for one tenant is for no other, and what it skips is not added.
#[test]
fn what_one_tenant_has_is_added_to_the_baseline_for_it_alone() {
    let world = msp();
    world.write("base/m.yaml", &world.read("m.yaml"));
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("export --into base --unmanaged")
        .exits(64)
        .says(&["--tenant"]);
    run("export --tenant fabrikam --into base --unmanaged")
        .exits(0)
        .says(&["Exported 1 policy"]);
    let added = world.read("base/windows.yaml");
    assert!(
        added.contains("name: macOS - A\n    onlyTenants: [fabrikam]\n"),
        "{added}"
    );
    assert!(!added.contains("Kiosk"), "{added}");
    let managed = |tenant: &str| {
        let json = run(&format!("plan base --tenant {tenant} --format json"));
        json.exits(0).json()["tenants"][0]["plan"]["summary"]["managed"].clone()
    };
    assert_eq!(managed("fabrikam"), 2);
    // By its own entry, as before.
    assert_eq!(managed("contoso"), 3);
    run("export --tenant fabrikam --into base --unmanaged")
        .exits(0)
        .says(&["Nothing to add"]);
}

/// Each tenant's changes are judged by what its own last run left behind.
#[test]
fn drift_is_told_from_manifests_that_were_not_applied_tenant_by_tenant() {
    let world = msp();
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("apply m.yaml --all-tenants --yes --report reports").exits(0);
    world.edit("tenants/contoso.json", |tenant| {
        tenant["configurationPolicies"][0]["assignments"] = json!([]);
    });
    world.write(
        "m.yaml",
        &world.read("m.yaml").replace("SG-CEO", "SG-Ring-2"),
    );
    for tenant in ["fabrikam", "contoso"] {
        world.edit(&format!("tenants/{tenant}.json"), |tenant| {
            let mut group = tenant["groups"][0].clone();
            group["id"] = "99999999-2222-4333-8444-555555555555".into();
            group["displayName"] = "SG-Ring-2".into();
            tenant["groups"].as_array_mut().expect("a list").push(group);
        });
    }
    let causes = |command: &str| {
        let json = run(&format!("{command} --format json")).exits(2).json();
        let tenants = json["tenants"].as_array().expect("tenants").clone();
        let cause = |tenant: &serde_json::Value| {
            let since = &tenant["plan"]["since"];
            let counts = ["drift", "unapplied"].map(|cause| since[cause].clone());
            (tenant["name"].clone(), counts)
        };
        tenants.iter().map(cause).collect::<Vec<_>>()
    };
    let expected = [
        (json!("contoso"), [json!(1), json!(0)]),
        (json!("fabrikam"), [json!(0), json!(1)]),
    ];
    let drift = "drift m.yaml --all-tenants";
    assert_eq!(causes(&format!("{drift} --since reports")), expected);
    // The summary speaks of the tenant as well.
    let lacks = "1 of 3 managed policies differs: the tenant lacks";
    for format in ["text", "markdown"] {
        run(&format!("{drift} --format {format}"))
            .exits(2)
            .says(&[lacks])
            .says_nothing_of("to add");
    }
    world.write("shards/all.json", "");
    run(&format!("{drift} --json-into shards/all.json")).exits(2);
    world.run("tenants merge shards").exits(2).says(&[lacks]);
    let plan = "plan m.yaml --all-tenants --detailed-exitcode --allow exclusion-lost";
    assert_eq!(causes(&format!("{plan} --since reports")), expected);
    // The folder of runs that name none.
    run("apply m.yaml --tenant fabrikam --yes --allow exclusion-lost").exits(0);
    run(&format!("{drift} --since .assignctl/reports"))
        .exits(2)
        .says(&[
            "tenant contoso:",
            "no report of an apply that was carried out",
            "fabrikam  exit 0",
        ]);
    // One report is that of one tenant.
    let report = "--since reports/contoso.report.jsonl";
    run(&format!("{drift} {report}"))
        .exits(64)
        .says(&["is the report of one tenant, and 2 are named"]);
    run(&format!("drift m.yaml --tenant contoso {report}"))
        .exits(2)
        .says(&["1 changed by hand"]);
    run(&format!("drift m.yaml --tenant fabrikam {report}")).exits(1);
    run(&format!("{drift} --since nowhere"))
        .exits(1)
        .says(&["`nowhere` does not exist"]);
}

#[test]
fn runs_are_undone_tenant_by_tenant() {
    let world = msp();
    let run = |command: &str| world.run(&format!("{command} --sandbox tenants"));
    run("apply m.yaml --all-tenants --yes --report reports").exits(0);
    let report = world.report("reports/contoso.report.jsonl");
    assert_eq!(report[0]["tenant"], "contoso");
    // One report is enough to know which tenant is meant.
    run("rollback reports/contoso.report.jsonl --yes --report back.jsonl").exits(0);
    assert_eq!(rows(&world, "contoso", "Win - A"), ["allUsers"]);
    assert_eq!(rows(&world, "fabrikam", "Win - A").len(), 3);
    assert_eq!(world.report("back.jsonl")[0]["tenant"], "contoso");
    run("rollback reports").exits(64).says(&["needs `--yes`"]);
    run("rollback reports --out back").exits(0);
    assert_eq!(world.json("back/fabrikam.plan.json")["tenant"], "fabrikam");
    run("apply back").exits(0);
    assert_eq!(rows(&world, "fabrikam", "Win - A"), ["allUsers"]);
    run("apply m.yaml --all-tenants --yes --report reports").exits(0);
    run("rollback reports --yes")
        .exits(0)
        .says(&["revert them too"]);
    for tenant in ["fabrikam", "contoso"] {
        assert_eq!(rows(&world, tenant, "Win - A"), ["allUsers"]);
    }
    // A report under another name is not used for that tenant.
    std::fs::rename(
        world.path("reports/contoso.report.jsonl"),
        world.path("reports/x.report.jsonl"),
    )
    .expect("a file");
    run("rollback reports --yes")
        .exits(1)
        .says(&["is not the report of that tenant"]);
    run("rollback tenants --yes")
        .exits(64)
        .says(&["holds no reports of tenants"]);
}

/// What cannot be done is not suggested.
#[test]
fn hints_name_what_the_command_takes() {
    let world = msp();
    let shown = world.run("tenants show label:gold m.yaml").exits(64);
    shown
        .says(&[
            "`gold` is a label",
            "name a tenant with that label: fabrikam",
        ])
        .says_nothing_of("did you mean");
    world.write("assignctl.yaml", "manifests: [m.yaml]\n");
    let explained = world.run("explain Win --sandbox tenants").exits(64);
    explained
        .says(&["the manifests are for 2 tenants", "`--tenant NAME`"])
        .says_nothing_of("--all-tenants");
}

/// No terminal cuts what goes to a file.
#[test]
fn lines_of_progress_are_whole() {
    let world = msp();
    std::fs::remove_file(world.path("tenants/contoso.json")).expect("a file");
    let ran = world
        .run("plan m.yaml --all-tenants --sandbox tenants")
        .exits(1);
    ran.says(&["] contoso: the sandbox has no tenant in `tenants/contoso.json`"]);
    let line = ran_line(&world);
    assert!(line.contains("1 managed"), "{line}");
}

fn ran_line(world: &crate::cli::support::World) -> String {
    let ran = world.run("plan m.yaml --tenant fabrikam --sandbox tenants");
    let lines = ran.stderr.lines();
    lines.filter(|line| line.contains("] fabrikam: ")).collect()
}

/// What a tenant adds becomes an entry for each entry of the baseline that it adds to; one line wrote them all.
#[test]
fn an_explanation_names_the_lines_that_select_the_policy_once_each() {
    let world = msp();
    let baseline = format!(
        "version: 1
tenants:
  fabrikam:
    tenantId: {}
    add:
    - match: 'Win - *'
      include: [{{group: SG-Ring}}]
policies:
- kind: configurationPolicy
  match: '*'
  except: ['Win - A']
  include: []
- kind: [configurationPolicy, deviceCompliancePolicy]
  match: 'Win - A*'
  include: []
- kind: configurationPolicy
  name: Win - A
  include: []
",
        super::FABRIKAM
    );
    world.write("added.yaml", &baseline);
    let id = world.json("tenants/fabrikam.json")["configurationPolicies"][0]["id"].clone();
    let id = id.as_str().expect("an id");
    let ran = world.run(&format!(
        "explain {id} added.yaml --tenant fabrikam --sandbox tenants"
    ));
    ran.exits(0).says(&["selected by
    added.yaml:14: match: 'Win - A*'
    added.yaml:17: name: Win - A
    added.yaml:6: - match: 'Win - *'

"]);
    let plan = world
        .run("plan added.yaml --tenant fabrikam --sandbox tenants --format json --allow unassigned")
        .exits(0)
        .json();
    let policies = plan["tenants"][0]["plan"]["policies"]
        .as_array()
        .expect("policies");
    let policy = policies.iter().find(|policy| policy["name"] == "Win - A");
    let places = policy.expect("the policy")["manifest"].as_array().cloned();
    assert_eq!(places.map(|places| places.len()), Some(3));
}
