//! Secrets are nowhere: every command is run with marked ones, under every credential, and
//! everything that was written is searched.

use std::path::Path;

use azure_core::base64;
use serde_json::json;

use super::support::World;
use super::support::certificates::Identity;
use super::support::service::Served;
use super::support::stand_in::{Reply, StandIn};
use super::support::tenant::{TENANT_ID, Tenant};

/// What must not be found. `eyJ` begins every signed assertion and every readable token.
const SECRETS: [&str; 2] = ["MARKED", "eyJ"];

/// Commands that sign in and write most of what a run can write.
const LINES: [&str; 4] = [
    "plan m.yaml --out plan.json --diff -vvv --json-into copy.json",
    "apply plan.json -vvv --log-format json --format json --report report.jsonl --json-into results.json",
    "drift m.yaml --format markdown -vvv",
    "whoami --format json -vvv --json-into who.json",
];

/// Fails where one of them is in a text.
fn search(what: &str, text: &str) {
    for secret in SECRETS {
        if let Some(at) = text.find(secret) {
            let start = text[..at].rfind('\n').map_or(0, |start| start + 1);
            panic!("`{secret}` is in {what}: {}", &text[start..]);
        }
    }
}

/// Searches all files of a folder but those that the test put there.
fn search_files(folder: &Path, given: &[&str]) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        let name = path
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        if path.is_dir() {
            search_files(&path, given);
        } else if !given.contains(&name.as_str()) {
            let bytes = std::fs::read(&path).expect("a file");
            search(&name, &String::from_utf8_lossy(&bytes));
        }
    }
}

#[test]
fn secrets_are_nowhere_whoever_signs_in() {
    let tenant = Tenant::common().policy("P", &["+A"]).policy("Q", &[]);
    let entra = StandIn::start(|seen| match (seen.method.as_str(), seen.path()) {
        ("GET", "/github") => Reply::json(200, &json!({"value": "MARKED.git.hub"})),
        ("POST", "/devops") => Reply::json(200, &json!({"oidcToken": "MARKED.dev.ops"})),
        ("GET", _) if seen.header("x-identity-header").is_some() => Reply::json(
            200,
            &json!({"access_token": "MARKED-managed", "expires_on": "4000000000",
                    "resource": "x", "token_type": "Bearer"}),
        ),
        _ => Reply::json(
            200,
            &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": "MARKED-access"}),
        ),
    });
    let identity = Identity::rsa();
    let given = ["app.pem", "token"];
    for method in [
        "token",
        "client-secret",
        "client-certificate",
        "workload-identity",
        "github",
        "azure-devops",
        "managed-identity",
        "azure-cli",
    ] {
        let mut world = World::with(&tenant, &["match: '?', include: [group: B]"]);
        let served = Served::start(&world);
        world.write("app.pem", &(identity.pem() + &identity.key_pem()));
        world.write("token", "MARKED.file.token");
        for (name, value) in [
            ("ASSIGNCTL_GRAPH_URL", served.url.as_str()),
            ("ASSIGNCTL_ACCESS_TOKEN", "MARKED-ready"),
            ("AZURE_AUTHORITY_HOST", &entra.url),
            ("AZURE_TENANT_ID", TENANT_ID),
            ("AZURE_CLIENT_ID", "me"),
            ("AZURE_CLIENT_SECRET", "MARKED-secret"),
            ("AZURE_CLIENT_CERTIFICATE_PATH", "app.pem"),
            ("AZURE_CLIENT_CERTIFICATE_PASSWORD", "MARKED-password"),
            ("AZURE_FEDERATED_TOKEN_FILE", "token"),
            (
                "ACTIONS_ID_TOKEN_REQUEST_URL",
                &format!("{}/github?MARKED=1", entra.url),
            ),
            ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MARKED-request"),
            ("SYSTEM_OIDCREQUESTURI", &format!("{}/devops", entra.url)),
            ("SYSTEM_ACCESSTOKEN", "MARKED-job"),
            ("AZURE_SERVICE_CONNECTION_ID", "connection"),
            ("IDENTITY_ENDPOINT", &format!("{}/msi", entra.url)),
            ("IDENTITY_HEADER", "MARKED-header"),
        ] {
            world.set(name, value);
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            world.write(
                "az",
                "#!/bin/sh\necho '{\"accessToken\": \"MARKED-az\", \"expires_on\": 4000000000, \"tokenType\": \"Bearer\"}'\n",
            );
            std::fs::set_permissions(world.path("az"), std::fs::Permissions::from_mode(0o755))
                .expect("a file");
        }
        let given = [given.as_slice(), &["az"]].concat();
        for line in LINES {
            let ran = world.run(&format!("{line} --auth {method}"));
            search(&format!("stdout of `{line}` with {method}"), &ran.stdout);
            search(&format!("stderr of `{line}` with {method}"), &ran.stderr);
            search_files(&world.path("."), &given);
        }
        // They did get through.
        if cfg!(unix) || method != "azure-cli" {
            assert!(world.has("results.json"), "{method}");
            assert_eq!(world.rows("Q"), ["+B"], "{method}");
        }
    }
}

/// Where everything fails, at the sign-in or at the service, as much is said as can be.
#[test]
fn secrets_are_nowhere_when_everything_fails() {
    let echo = |seen: &super::support::stand_in::Seen| {
        let sent = format!(
            "{} {:?}",
            String::from_utf8_lossy(&seen.body),
            seen.header("authorization")
        );
        Reply::json(
            401,
            &json!({"error": "x", "error_description": sent, "message": sent}),
        )
    };
    let entra = StandIn::start(echo);
    let mut world = World::with(
        &Tenant::common().policy("P", &[]),
        &["match: '?', include: [group: B]"],
    );
    world.sandbox("plan m.yaml --out plan.json").exits(0);
    for (name, value) in [
        (
            "ASSIGNCTL_GRAPH_URL",
            format!("{}/beta", entra.url).as_str(),
        ),
        ("AZURE_AUTHORITY_HOST", &entra.url),
        ("AZURE_TENANT_ID", TENANT_ID),
        ("AZURE_CLIENT_ID", "me"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", &entra.url),
        ("SYSTEM_OIDCREQUESTURI", &entra.url),
        ("AZURE_SERVICE_CONNECTION_ID", "connection"),
        ("AZURE_FEDERATED_TOKEN_FILE", "token"),
        ("ASSIGNCTL_ACCESS_TOKEN", "MARKED-ready"),
        // A form spells most of these in another way.
        ("AZURE_CLIENT_SECRET", "MARKED~secret/of+some=length"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "MARKED-request"),
        ("SYSTEM_ACCESSTOKEN", "MARKED-job"),
    ] {
        world.set(name, value);
    }
    world.write("token", "MARKED.file.token");
    for method in ["token", "client-secret", "github"] {
        for line in LINES {
            let ran = world.run(&format!("{line} --auth {method}"));
            search(&format!("stdout of `{line}` with {method}"), &ran.stdout);
            search(&format!("stderr of `{line}` with {method}"), &ran.stderr);
            search_files(&world.path("."), &["token"]);
        }
    }
}

/// A proxy's address may hold a password.
#[test]
fn the_password_of_a_proxy_is_nowhere() {
    let mut world = World::empty();
    world.manifest(&["name: P, include: [group: A]"]);
    world.set(
        "HTTPS_PROXY",
        "http://MARKED-user:MARKED-password@127.0.0.1:1",
    );
    world.set("ASSIGNCTL_ACCESS_TOKEN", "MARKED-token");
    let ran = world.run("plan m.yaml -vvv").exits(1);
    search("stderr", &ran.stderr);
    world.set("ASSIGNCTL_ACCESS_TOKEN", "");
    world.set("AZURE_TENANT_ID", TENANT_ID);
    world.set("AZURE_CLIENT_ID", "me");
    world.set("AZURE_CLIENT_SECRET", "MARKED-secret");
    let ran = world.run("plan m.yaml -vvv").exits(7);
    search("stderr", &ran.stderr);
}

/// A diagnostic quotes manifests, also where it names another place.
#[test]
fn no_part_of_a_diagnostic_holds_a_secret() {
    for secret in ["MARKED-12345", "MARKED-1234567890123456"] {
        let mut world = World::with(&Tenant::common(), &[]);
        world.set("AZURE_CLIENT_SECRET", secret);
        world.manifest(&[&format!(
            "name: P, include: [{{group: A, filter: {secret}}}, {{group: A, filter: other}}]"
        )]);
        for command in ["validate m.yaml", "plan m.yaml"] {
            for format in ["text", "json", "markdown", "github"] {
                let command = format!("{command} --format {format} --json-into into.json");
                let ran = world.sandbox(&command).exits(3);
                let shown = format!("{}{}{}", ran.stdout, ran.stderr, world.read("into.json"));
                assert!(!shown.contains("MARKED"), "{command}: {shown}");
            }
        }
    }
}

/// Spellings of a secret that a service may answer with: what of them must not be found, and text.
fn spellings(secret: &str) -> Vec<(&str, String)> {
    vec![
        ("MARKED", secret.to_owned()),
        (
            "MARKED",
            url::form_urlencoded::byte_serialize(secret.as_bytes()).collect(),
        ),
        // `MARKED`, behind none, one and two other bytes.
        ("TUFSS0VE", base64::encode(secret)),
        ("1BUktFR", base64::encode(format!("u{secret}"))),
        ("NQVJLRU", base64::encode_url_safe(format!("u:{secret}"))),
    ]
}

#[test]
fn no_spelling_of_a_secret_is_shown() {
    const SECRET: &str = "MARKED~secret+of/enough=characters_to:be.split";
    for (marked, spelling) in spellings(SECRET) {
        {
            let service = StandIn::start(move |_| {
                let text = format!("you sent {spelling}");
                Reply::json(
                    400,
                    &json!({"error": {"code": "x", "message": text}, "error_description": text}),
                )
            });
            let mut world = World::empty();
            world.manifest(&["name: P, include: [group: A]"]);
            world.set("ASSIGNCTL_GRAPH_URL", &format!("{}/beta", service.url));
            world.set("AZURE_AUTHORITY_HOST", &service.url);
            world.set("AZURE_TENANT_ID", TENANT_ID);
            world.set("AZURE_CLIENT_ID", "me");
            for name in ["AZURE_CLIENT_SECRET", "ASSIGNCTL_ACCESS_TOKEN"] {
                world.set("ASSIGNCTL_ACCESS_TOKEN", "");
                world.set(name, SECRET);
                for line in [
                    "plan m.yaml -vvv --json-into copy.json",
                    "apply m.yaml --yes --report r.jsonl --format json -vvv --log-format json",
                ] {
                    let ran = world.run(line);
                    assert_ne!(ran.code, Some(0));
                    ran.says_nothing_of(marked);
                    search_files(&world.path("."), &[]);
                }
            }
        }
    }
}

/// Whatever way a secret came into a manifest: the line that is shown does not hold it.
#[test]
fn a_line_that_is_shown_holds_no_secret() {
    let mut world = World::empty();
    world.set("AZURE_CLIENT_SECRET", "MARKED-and-long-enough-to-be-cut");
    world.set("AZURE_CLIENT_CERTIFICATE_PASSWORD", "hunter2-");
    world.write(
        "m.yaml",
        "version: 1\nMARKED-and-long-enough-to-be-cut: 1\nkey: hunter2-\n",
    );
    world.write(
        "c.yaml",
        "clientId: x\nMARKED-and-long-enough-to-be-cut: hunter2-\n",
    );
    for (line, code) in [
        ("validate m.yaml", 3),
        ("validate m.yaml --format markdown", 3),
        ("plan m.yaml --json-into copy.json", 3),
        ("validate m.yaml --config c.yaml", 1),
    ] {
        let ran = world.run(line).exits(code);
        for secret in ["MARKED", "long-enough", "hunter2-"] {
            assert!(!ran.stderr.contains(secret), "{}", ran.stderr);
            assert!(!ran.stdout.contains(secret), "{}", ran.stdout);
        }
        ran.says(&["unknown key"]);
    }
    search_files(&world.path("."), &["m.yaml", "c.yaml"]);
}

/// A secret may be a word that the tenant knows as well. Data says what it says; only what people
/// read is cleaned.
#[test]
fn data_is_not_altered_by_a_secret_that_is_a_word() {
    for secret in ["BitLocker", "assignments"] {
        let tenant = Tenant::common().policy("BitLocker", &["+A"]);
        let mut world = World::with(&tenant, &["name: BitLocker, include: [group: B]"]);
        world.set("AZURE_CLIENT_SECRET", secret);
        world
            .sandbox("plan m.yaml --out plan.json --json-into copy.json")
            .exits(0);
        for file in ["plan.json", "copy.json"] {
            assert_eq!(
                world.json(file)["policies"][0]["name"],
                "BitLocker",
                "{secret}"
            );
        }
        world.run("show plan.json").exits(0);
        let shown = world.run("show plan.json --format json").exits(0);
        assert!(shown.stdout.contains("\"BitLocker\""), "{}", shown.stdout);
        world
            .sandbox("apply plan.json --report r.jsonl --json-into results.json")
            .exits(0);
        assert_eq!(world.rows("BitLocker"), ["+B"], "{secret}");
        assert!(world.read("r.jsonl").contains("\"BitLocker\""));
        let policies = &world.json("results.json")["results"]["policies"];
        assert_eq!(policies[0]["name"], "BitLocker", "{secret}");
        let exported = world.sandbox("export").exits(0);
        assert!(exported.stdout.contains("BitLocker"), "{}", exported.stdout);
    }
}

/// A secret in which a build service would find a command is written with an escape.
#[test]
fn data_that_holds_a_secret_with_a_command_is_not_written() {
    const SECRET: &str = "MARKED##[of]-sixteen-or-more";
    let tenant = Tenant::common().policy(&format!("P {SECRET} ##vso[x]"), &["+A"]);
    let mut world = World::with(&tenant, &["match: 'P *', include: [group: B]"]);
    world.set("AZURE_CLIENT_SECRET", SECRET);
    for line in ["plan m.yaml --format json", "export"] {
        let ran = world.sandbox(line).exits(1);
        ran.says(&["the value of `AZURE_CLIENT_SECRET`"])
            .says_nothing_of("MARKED");
        assert!(!world.has("plan.json"));
    }
}

#[test]
fn data_that_holds_a_long_secret_is_not_written() {
    const SECRET: &str = "MARKED\"of-sixteen-or-more";
    let tenant = Tenant::common().policy(&format!("P {SECRET}"), &["+A"]);
    let mut world = World::with(&tenant, &["match: 'P *', include: [group: B]"]);
    world.sandbox("plan m.yaml --out before.json").exits(0);
    world
        .sandbox("apply m.yaml --yes --report before.jsonl")
        .exits(0);
    world.manifest(&["match: 'P *', include: [group: A]"]);
    world.set("AZURE_CLIENT_SECRET", SECRET);
    for line in [
        "plan m.yaml --out plan.json",
        "plan m.yaml --json-into plan.json --format markdown",
        "apply m.yaml --yes --report r.jsonl",
        "rollback before.jsonl --yes --report r.jsonl",
        "export",
        "export --out exported",
        "export --snapshot snapshot.json",
    ] {
        let ran = world.sandbox(line).exits(1);
        ran.says(&[
            "the value of `AZURE_CLIENT_SECRET` appears in the data that was to be written",
            "change it",
        ])
        .says_nothing_of("MARKED");
        for file in ["exported", "snapshot.json"] {
            assert!(!world.has(file), "{line}");
        }
        // Why there is nothing else is told there.
        if world.has("plan.json") {
            assert!(line.contains("--json-into"), "{line}");
            search("plan.json", &world.read("plan.json"));
            std::fs::remove_file(world.path("plan.json")).expect("a file");
        }
        if world.has("r.jsonl") {
            search("r.jsonl", &world.read("r.jsonl"));
        }
        assert_eq!(world.rows(&format!("P {SECRET}")), ["+B"], "{line}");
    }
    world.run("show before.json --format json").exits(1);
    // What people read is cleaned.
    for format in ["text", "markdown"] {
        let ran = world.sandbox(&format!("plan m.yaml --format {format}"));
        ran.exits(0).says_nothing_of("MARKED");
    }
}

/// A secret that the cut goes through is masked before.
#[test]
fn no_part_of_a_secret_is_left_where_a_long_line_is_cut() {
    const SECRET: &str = "MARKED-and-long-enough-to-be-cut";
    let mut world = World::empty();
    world.set("AZURE_CLIENT_SECRET", SECRET);
    let far = "a".repeat(100_000);
    // The line goes on for 80 characters behind the start of the key.
    for before in [40, 50, 60, 79] {
        let blank = " ".repeat(before);
        world.write(
            "m.yaml",
            &format!("version: 1\nkey: 1{blank}# {SECRET}{far}{SECRET}\n"),
        );
        let ran = world.run("validate m.yaml --format markdown").exits(3);
        for printed in [&ran.stderr, &ran.stdout] {
            for part in ["MA", "long", "cut"] {
                assert!(!printed.contains(part), "{printed}");
            }
            assert!(printed.contains("key: 1 "), "{printed}");
            assert!(printed.contains("…"), "{printed}");
        }
    }
}
