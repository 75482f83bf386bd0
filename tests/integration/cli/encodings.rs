//! Files as programs on Windows write them: byte-order marks, UTF-16, code pages of before Unicode.

use super::support::World;
use super::support::tenant::Tenant;

const MANIFEST: &str = "version: 1\r\npolicies:\r\n  - kind: configurationPolicy\r\n    name: Win - Größe\r\n    include:\r\n      - group: SG-Größe\r\n";

fn world() -> World {
    let tenant = Tenant::new().group("SG-Größe").policy("Win - Größe", &[]);
    World::new(&tenant)
}

/// A text in every encoding that is read.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let units = |bytes: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
        text.encode_utf16().flat_map(bytes).collect()
    };
    let marked = format!("\u{feff}{text}");
    vec![
        ("UTF-8", text.as_bytes().to_vec()),
        ("UTF-8 with a mark", marked.as_bytes().to_vec()),
        ("UTF-16LE", units(u16::to_le_bytes, &marked)),
        ("UTF-16BE", units(u16::to_be_bytes, &marked)),
        ("UTF-16LE without a mark", units(u16::to_le_bytes, text)),
        ("UTF-16BE without a mark", units(u16::to_be_bytes, text)),
    ]
}

fn write(world: &World, name: &str, bytes: &[u8]) {
    std::fs::write(world.path(name), bytes).expect("a file");
}

#[test]
fn f04_manifests_and_configurations() {
    let world = world();
    for (encoding, bytes) in encodings(MANIFEST) {
        write(&world, "m.yaml", &bytes);
        let ran = world.sandbox("plan m.yaml").exits(0);
        assert!(ran.stdout.contains("+ group SG-Größe"), "{encoding}");
    }
    for (_, bytes) in encodings("manifests: [m.yaml]\nguards: {maxPolicies: 0}\n") {
        write(&world, "assignctl.yaml", &bytes);
        world.sandbox("plan").exits(4);
    }
}

#[test]
fn f04_what_is_not_read_is_named() {
    let world = world();
    let ansi: Vec<u8> = MANIFEST
        .chars()
        .map(|letter| u8::try_from(u32::from(letter)).expect("Latin"))
        .collect();
    write(&world, "ansi.yaml", &ansi);
    world.sandbox("validate ansi.yaml").exits(3).says(&[
        "error[not-utf8]: the byte 0xf6 is not UTF-8; in Windows-1252 (ANSI) it is `ö`",
        "--> ansi.yaml:4:",
        "name: Win - Größe",
        "hint: save the file as UTF-8",
    ]);
    write(&world, "assignctl.yaml", b"\xff\xfe\0\0m\0\0\0");
    world
        .sandbox("validate ansi.yaml")
        .exits(1)
        .says(&["UTF-32"]);
    std::fs::remove_file(world.path("assignctl.yaml")).expect("a file");
    write(&world, "p.json", b"{\"formatVersion\": \"\xe4\"}");
    world
        .sandbox("apply p.json")
        .exits(1)
        .says(&["in Windows-1252 (ANSI) it is `ä`"]);
}

#[test]
fn f04_plans_reports_and_state_files() {
    let world = world();
    world.write("m.yaml", MANIFEST);
    world.sandbox("plan m.yaml --out p.json").exits(0);
    let (plan, tenant) = (world.read("p.json"), world.read("tenant.json"));
    world.sandbox("apply p.json --report r.jsonl").exits(0);
    let report = world.read("r.jsonl");
    let applied = world.read("tenant.json");
    for (encoding, bytes) in encodings(&plan) {
        world.write("tenant.json", &tenant);
        write(&world, "again.json", &bytes);
        world.sandbox("show again.json").exits(0);
        world.sandbox("apply again.json").exits(0);
        assert_eq!(world.rows("Win - Größe"), ["+SG-Größe"], "{encoding}");
    }
    for (encoding, bytes) in encodings(&report) {
        world.write("tenant.json", &applied);
        write(&world, "again.jsonl", &bytes);
        world
            .sandbox("rollback again.jsonl --yes --allow unassigned")
            .exits(0);
        assert_eq!(world.rows("Win - Größe"), [""; 0], "{encoding}");
    }
    for (encoding, bytes) in encodings(&tenant) {
        write(&world, "tenant.json", &bytes);
        world.sandbox("apply m.yaml --yes").exits(0);
        assert_eq!(world.rows("Win - Größe"), ["+SG-Größe"], "{encoding}");
    }
}
