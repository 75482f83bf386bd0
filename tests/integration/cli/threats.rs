//! The threats of `SECURITY.md`, each with a test.

fn text(name: &str) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Returns the file in which a test stands: that of the longest beginning of its path.
fn file_of(test: &str) -> Option<String> {
    let parts: Vec<&str> = test.split("::").collect();
    (1..parts.len()).rev().find_map(|length| {
        let path = parts[..length].join("/");
        ["tests/integration", "src"]
            .iter()
            .flat_map(|root| [format!("{root}/{path}.rs"), format!("{root}/{path}/mod.rs")])
            .find(|name| {
                std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
                    .join(name)
                    .is_file()
            })
    })
}

/// A threat without a test is a claim.
#[test]
fn the_tests_that_show_what_stops_a_threat_exist() {
    let security = text("SECURITY.md");
    let (_, threats) = security.split_once("## Threats").expect("a section");
    let (threats, _) = threats.split_once("\n## ").expect("another section");
    let rows: Vec<&str> = threats
        .lines()
        .filter(|line| line.starts_with("| ") && !line.starts_with("| threat"))
        .collect();
    assert!(rows.len() >= 15);
    for row in rows {
        let shown_by = row
            .trim_end_matches(" |")
            .rsplit(" | ")
            .next()
            .expect("a cell");
        for name in shown_by.split(", ") {
            let name = name.trim_start_matches("workflow ").trim_matches('`');
            if !name.contains("::") {
                let workflow = format!(".github/workflows/{name}.yml");
                assert!(text(&workflow).contains("cargo deny"), "{row}");
                continue;
            }
            let file = file_of(name).unwrap_or_else(|| panic!("no file for `{name}`"));
            let (_, function) = name.rsplit_once("::").expect("a path");
            let source = text(&file);
            let at = source
                .find(&format!("fn {function}("))
                .unwrap_or_else(|| panic!("no `{name}` in {file}"));
            let above = &source[source[..at].trim_end().rfind("\n\n").unwrap_or(0)..at];
            assert!(
                above.contains("#[test]") || above.contains("#[tokio::test"),
                "`{name}` is no test"
            );
        }
    }
}
