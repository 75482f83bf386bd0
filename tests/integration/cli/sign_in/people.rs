//! People sign in with a device code: once for a command, or kept in the system's keyring.

use serde_json::json;

use super::super::support::World;
use super::super::support::service::Served;
use super::super::support::stand_in::readable_token;
use super::super::support::tenant::{TENANT_ID, Tenant};

/// A tenant to sign in to, whose people have signed in already when they are asked about.
fn world(login: serde_json::Value) -> (World, Served) {
    let mut login = login;
    login["interval"] = json!(0);
    let tenant = Tenant::common()
        .switch("onlyIssuedTokens", json!(true))
        .switch("login", login)
        .policy("P", &["+A"]);
    let mut world = World::with(&tenant, &["name: P, include: [{group: B}]"]);
    let served = Served::start(&world);
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("AZURE_AUTHORITY_HOST", served.authority());
    world.set("ASSIGNCTL_KEYRING", "none");
    (world, served)
}

#[test]
fn a_person_signs_in_for_one_command() {
    let (world, served) = world(json!({}));
    let told = world.run("login --format json").exits(0);
    assert!(
        told.stderr
            .contains(&format!("open {}/device in a browser", served.authority())),
        "{}",
        told.stderr
    );
    assert!(told.stderr.contains("SANDBOX42"), "{}", told.stderr);
    let told = told.json();
    assert_eq!(told["user"], "ada@sandbox.onmicrosoft.com");
    assert_eq!(
        [&told["tenantId"], &told["kept"]],
        [&json!(TENANT_ID), &json!(false)]
    );
    // What a command needs, and no more.
    assert!(
        told["permissions"]
            .as_array()
            .is_some_and(|all| all.iter().all(|name| name
                .as_str()
                .is_some_and(|name| name.ends_with(".Read.All"))))
    );
    let told = world
        .run("login --for apply --kind mobileApp --format json")
        .exits(0)
        .json();
    assert_eq!(
        told["permissions"],
        json!([
            "DeviceManagementApps.ReadWrite.All",
            "DeviceManagementConfiguration.Read.All",
            "GroupMember.Read.All",
        ])
    );
    world
        .run("login")
        .exits(0)
        .says(&["as ada@sandbox.onmicrosoft.com", "no keyring is available"]);
    // Nothing is kept, and nothing else is configured.
    world
        .run("plan m.yaml")
        .exits(7)
        .says(&["no sign-in is configured", "assignctl login"]);
    let told = world
        .run("whoami --for plan --auth login --format json")
        .exits(0)
        .json();
    assert_eq!(
        [&told["credential"], &told["user"]],
        ["login", "ada@sandbox.onmicrosoft.com"]
    );
    world
        .run("plan m.yaml --auth login -vvv")
        .exits(0)
        .says_nothing_of("eyJ");
    world.run("apply m.yaml --auth login --yes").exits(0);
    assert_eq!(world.rows("P"), ["+B"]);
    world.run("logout").exits(0).says(&["Not signed in."]);
}

#[test]
fn what_keeps_a_person_from_signing_in_is_explained() {
    for (login, said) in [
        (
            json!({"outcome": "decline"}),
            &["declined in the browser"][..],
        ),
        (
            json!({"outcome": "conditionalAccess"}),
            &[
                "AADSTS53003",
                "hint: a Conditional Access policy",
                "`az login`",
            ],
        ),
        (
            json!({"outcome": "consent"}),
            &["AADSTS65001", "hint: an administrator has to consent"],
        ),
        (
            json!({"outcome": "adminConsent"}),
            &[
                "AADSTS90094",
                "hint: what is asked for needs an administrator's consent",
            ],
        ),
        (
            json!({"outcome": "secondFactor"}),
            &["AADSTS50076", "hint: the tenant requires MFA"],
        ),
        (
            json!({"publicClients": false}),
            &["AADSTS7000218", "allow public client flows"],
        ),
        (
            json!({"expiresAfter": 0}),
            &[
                "the code was not used in time",
                "hint: run the command again",
            ],
        ),
    ] {
        let (world, _served) = world(login);
        world.run("login").exits(7).says(said);
        world.run("plan m.yaml --auth login").exits(7).says(said);
        assert_eq!(world.rows("P"), ["+A"]);
    }
}

#[test]
fn nobody_is_asked_in_a_pipeline() {
    for (variable, value) in [
        ("GITHUB_ACTIONS", "true"),
        ("TF_BUILD", "True"),
        ("GITLAB_CI", "true"),
        ("CI", "true"),
        ("CI", "1"),
        ("CI", "woodpecker"),
        ("JENKINS_URL", "https://jenkins.example/"),
        ("TEAMCITY_VERSION", "2025.11"),
    ] {
        let (mut world, _served) = world(json!({}));
        world.set(variable, value);
        for command in ["login", "logout", "plan m.yaml --auth login"] {
            world
                .run(command)
                .exits(7)
                .says(&[
                    &format!("interactive sign-in is refused in a pipeline (`{variable}` is set)"),
                    "hint: give the pipeline an application of its own",
                ])
                .says_nothing_of("SANDBOX42");
        }
        world
            .run("plan m.yaml")
            .exits(7)
            .says(&["no sign-in is configured"]);
    }
}

#[test]
fn a_pipeline_is_not_one_by_a_variable_that_says_no() {
    for value in ["0", "false", "False"] {
        let (mut world, _served) = world(json!({}));
        world.set("CI", value);
        world.run("login").exits(0);
    }
}

#[test]
fn a_person_who_may_not_write_signs_in_for_it() {
    let tenant = Tenant::common().policy("P", &["+A"]);
    let mut world = World::with(&tenant, &["name: P, include: [{group: B}]"]);
    let served = Served::start(&world);
    let scopes = "DeviceManagementConfiguration.Read.All GroupMember.Read.All";
    let claims = json!({"tid": TENANT_ID, "oid": "ada", "upn": "ada@example.com", "scp": scopes});
    world.set("ASSIGNCTL_GRAPH_URL", &served.url);
    world.set("ASSIGNCTL_ACCESS_TOKEN", &readable_token(&claims));
    for command in ["apply m.yaml --yes", "whoami --for apply"] {
        world
            .run(command)
            .exits(7)
            .says(&["hint: sign in with `assignctl login --for apply`"])
            .says_nothing_of("app registration");
    }
    assert_eq!(world.rows("P"), ["+A"]);
}

#[test]
fn the_sandbox_in_the_process_needs_no_sign_in() {
    let world = World::new(&Tenant::common());
    world
        .sandbox("login")
        .exits(64)
        .says(&["the sandbox needs no sign-in"]);
}

/// Where there is a keyring: not in every container.
#[test]
fn a_sign_in_is_kept_until_logout() {
    let (mut world, served) = world(json!({}));
    world.set("ASSIGNCTL_KEYRING", "system");
    let told = world.run("login --format json").exits(0).json();
    if told["kept"] == false {
        return;
    }
    let told = world.run("whoami --for plan --format json").exits(0).json();
    assert_eq!(told["credential"], "login");
    world
        .run("plan m.yaml")
        .exits(0)
        .says_nothing_of("SANDBOX42");
    // It was asked for reading only.
    world
        .run("apply m.yaml --yes")
        .exits(7)
        .says(&["this sign-in cannot write", "login --for apply"]);
    world.set("AZURE_TENANT_ID", "fabrikam.example");
    for command in ["plan m.yaml", "apply m.yaml --auth login --yes"] {
        world
            .run(command)
            .exits(7)
            .says(&["is for the tenant", "not for `fabrikam.example`"]);
    }
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.write(
        "assignctl.yaml",
        "tenantId: 99999999-2222-4333-8444-555555555555\n",
    );
    world.run("plan m.yaml").exits(7).says(&[
        "is for the tenant",
        "hint: sign in again with `assignctl login`",
    ]);
    world.write("assignctl.yaml", &format!("tenantId: {TENANT_ID}\n"));
    world.run("plan m.yaml").exits(0);
    drop(served);
    world.run("logout").exits(0).says(&["Signed out."]);
    world.run("logout").exits(0).says(&["Not signed in."]);
    world
        .run("plan m.yaml")
        .exits(7)
        .says(&["no sign-in is configured"]);
}
