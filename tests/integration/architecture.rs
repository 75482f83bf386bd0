//! What `docs/architecture.md` says never happens, read from the sources: which room uses which, what
//! the pure rooms do without, and that no two files depend on each other.
//!
//! Only `use` lines and paths that begin with `crate` or `super` are read, and nothing from a file's
//! tests. A module and its own parts count as one: they may name each other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// A module's path below the crate: `["plan", "saved", "digest"]`.
type Module = Vec<String>;

struct Sources {
    /// Each file's text, without comments and tests.
    texts: BTreeMap<Module, String>,
    /// What a module names as its own of another's: (module, name) to the whole path.
    exported: BTreeMap<(Module, String), Vec<String>>,
}

impl Sources {
    fn read(folder: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        let mut sources = Self {
            texts: BTreeMap::new(),
            exported: BTreeMap::new(),
        };
        sources.add(&root, &Vec::new());
        for (module, text) in &sources.texts {
            for (_, path) in uses(text).into_iter().filter(|(is_public, _)| *is_public) {
                let path = absolute(module, &path, &sources.texts);
                if let (Some(path), Some(name)) =
                    (path.clone(), path.and_then(|path| path.last().cloned()))
                {
                    sources.exported.insert((module.clone(), name), path);
                }
            }
        }
        sources
    }

    fn add(&mut self, folder: &Path, module: &Module) {
        for entry in fs::read_dir(folder).expect("a room") {
            let path = entry.expect("an entry").path();
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            let stem = stem.expect("a name").to_owned();
            if stem == "tests" {
                continue;
            }
            let mut below = module.clone();
            if path.is_dir() {
                below.push(stem);
                self.add(&path, &below);
            } else if path.extension().is_some_and(|end| end == "rs") && stem != "main" {
                if stem != "mod" && stem != "lib" {
                    below.push(stem);
                }
                let text = fs::read_to_string(&path).expect("a source");
                self.texts.insert(below, code(&text));
            }
        }
    }

    /// Returns the file that a path leads to.
    fn file(&self, path: &[String], depth: usize) -> Module {
        for length in (0..=path.len()).rev() {
            let module = path[..length].to_vec();
            if !self.texts.contains_key(&module) {
                continue;
            }
            let name = path.get(length).cloned();
            let exported = name.and_then(|name| self.exported.get(&(module.clone(), name)));
            return match exported {
                Some(further) if depth > 0 => {
                    let further: Vec<String> =
                        further.iter().chain(&path[length + 1..]).cloned().collect();
                    self.file(&further, depth - 1)
                }
                _ => module,
            };
        }
        Vec::new()
    }

    /// Returns the files that each file uses.
    fn edges(&self) -> BTreeMap<&Module, BTreeSet<Module>> {
        self.texts
            .iter()
            .map(|(module, text)| {
                let used = uses(text)
                    .into_iter()
                    .filter_map(|(_, path)| absolute(module, &path, &self.texts))
                    .map(|path| self.file(&path, 5))
                    .filter(|file| file != module)
                    .collect();
                (module, used)
            })
            .collect()
    }

    /// Returns the files of a room.
    fn room<'s>(&'s self, room: &'s str) -> impl Iterator<Item = (String, &'s str)> {
        self.texts
            .iter()
            .filter(move |(module, _)| module.first().is_some_and(|first| first == room))
            .map(|(module, text)| (module.join("/"), text.as_str()))
    }
}

/// Returns a source without comments and tests.
fn code(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next();
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// Returns the paths that a text uses, each with whether it is exported.
fn uses(text: &str) -> Vec<(bool, String)> {
    let mut found = Vec::new();
    for statement in text.split(';') {
        let start = statement.lines().find(|line| {
            let line = line.trim_start();
            line.starts_with("use ") || (line.starts_with("pub") && line.contains(" use "))
        });
        let Some(start) = start else { continue };
        let offset = statement.find(start).expect("a line of it");
        let statement = statement[offset..].trim_start();
        let (_, tree) = statement.split_once("use ").expect("a use");
        let tree: String = tree.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut paths = Vec::new();
        expand("", &tree, &mut paths);
        let is_public = statement.starts_with("pub");
        found.extend(paths.into_iter().map(|path| (is_public, path)));
    }
    for root in ["crate::", "super::"] {
        for (start, _) in text.match_indices(root) {
            let path: String = text[start..]
                .chars()
                .take_while(|part| part.is_alphanumeric() || matches!(part, '_' | ':'))
                .collect();
            found.push((false, path.trim_end_matches(':').to_owned()));
        }
    }
    found
}

/// Takes a tree of `use` apart.
fn expand(before: &str, tree: &str, paths: &mut Vec<String>) {
    let tree = tree.trim();
    let Some((prefix, rest)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        let path = format!("{before}{path}");
        paths.push(path.trim_end_matches("::self").to_owned());
        return;
    };
    let inner = rest.rsplit_once('}').map_or(rest, |(inner, _)| inner);
    let (mut depth, mut part) = (0, String::new());
    for character in inner.chars().chain([',']) {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if character == ',' && depth == 0 {
            if !part.trim().is_empty() {
                expand(&format!("{before}{prefix}"), &part, paths);
            }
            part.clear();
        } else {
            part.push(character);
        }
    }
}

/// Returns a path from the crate's root; `None` for other crates.
fn absolute(module: &Module, path: &str, texts: &BTreeMap<Module, String>) -> Option<Vec<String>> {
    let mut parts: Vec<String> = path.split("::").map(str::to_owned).collect();
    let mut base = match parts.first()?.as_str() {
        "crate" => Vec::new(),
        "self" | "super" => module.clone(),
        first => {
            let mut child = module.clone();
            child.push(first.to_owned());
            texts.contains_key(&child).then(|| module.clone())?
        }
    };
    while parts.first().is_some_and(|part| part == "super") {
        base.pop();
        parts.remove(0);
    }
    parts.retain(|part| !matches!(part.as_str(), "crate" | "self"));
    base.extend(parts);
    Some(base)
}

/// Returns the lines of a room's files that hold one of some texts.
fn lines_with(sources: &Sources, room: &str, texts: &[&str]) -> Vec<String> {
    let files = sources.room(room);
    files
        .flat_map(|(file, text)| {
            let lines = text.lines();
            let found = lines.filter(|line| texts.iter().any(|text| line.contains(text)));
            let found: Vec<String> = found
                .map(|line| format!("{file}: {}", line.trim()))
                .collect();
            found
        })
        .collect()
}

#[track_caller]
fn never(sources: &Sources, rooms: &[&str], texts: &[&str]) {
    for room in rooms {
        assert!(
            sources.room(room).next().is_some(),
            "there is no room `{room}`"
        );
        let found = lines_with(sources, room, texts);
        assert!(
            found.is_empty(),
            "{room} uses one of {texts:?}:\n{}",
            found.join("\n")
        );
    }
}

/// What prints.
const PRINTS: [&str; 6] = [
    "println!",
    "eprint",
    "print!(",
    "io::stdout",
    "io::stderr",
    "anstream",
];

#[test]
fn pure_rooms_do_no_io_and_know_no_time() {
    let sources = Sources::read("src");
    never(
        &sources,
        &["model", "kinds", "plan", "render", "export"],
        &[
            "tokio",
            "reqwest",
            "std::fs",
            "std::net",
            "Instant",
            "SystemTime",
            "Timestamp::now",
            "fastrand",
            "std::env",
            "async ",
        ],
    );
}

#[test]
fn a_plan_does_not_change_once_it_is_made() {
    let sources = Sources::read("src");
    for room in ["apply", "ci", "cli", "plan", "render", "report", "run"] {
        never(&sources, &[room], &["&mut Plan", "&mut PreparedPlan"]);
    }
    for (file, text) in sources.room("plan") {
        let methods = text.split("\nimpl Plan {").skip(1);
        for method in methods.filter_map(|rest| rest.split("\n}\n").next()) {
            assert!(
                !["(&mut self)", "(&mut self,", " &mut self,"]
                    .iter()
                    .any(|own| method.contains(own)),
                "{file}"
            );
        }
    }
}

#[test]
fn use_cases_print_nothing_and_know_no_command_line() {
    let sources = Sources::read("src");
    never(&sources, &["run"], &["clap", "crate::cli"]);
    never(&sources, &["run"], &PRINTS);
}

#[test]
fn only_apply_writes_to_the_service() {
    let sources = Sources::read("src");
    let holds_writer = |(module, text): &(&Module, &String)| {
        let module = module.join("/");
        let text = text.replace("BufWriter::new", "");
        text.contains("Writer::new") && !module.starts_with("graph")
    };
    let found: Vec<String> = sources
        .texts
        .iter()
        .filter(holds_writer)
        .map(|(module, _)| module.join("/"))
        .collect();
    assert!(!found.is_empty());
    assert!(
        found.iter().all(|file| file.starts_with("apply")),
        "{found:?}"
    );
    let rooms: BTreeSet<&String> = sources
        .texts
        .keys()
        .filter_map(|file| file.first())
        .collect();
    for room in rooms {
        if !["graph", "apply"].contains(&room.as_str()) {
            never(&sources, &[room], &["graph::write"]);
        }
    }
}

#[test]
fn only_the_table_and_the_choice_of_calls_know_the_ways_of_writing() {
    let sources = Sources::read("src");
    let knows = |(_, text): &(&Module, &String)| text.contains("Writing::");
    let files = sources.texts.iter().filter(knows);
    let files = files.map(|(module, _)| module.join("/"));
    let (own, others): (Vec<String>, Vec<String>) =
        files.partition(|file| file.starts_with("kinds/") || file == "plan/writes");
    assert!(own.len() > 2 && others.is_empty(), "{own:?}, {others:?}");
}

#[test]
fn rooms_use_only_lower_floors() {
    let mut floors = BTreeMap::new();
    for line in include_str!("../../docs/architecture.md").lines() {
        if let Some(line) = line.strip_prefix("floor ") {
            let (floor, rooms) = line.split_once(' ').expect("rooms");
            let floor: u8 = floor.parse().expect("a number");
            floors.extend(rooms.split_whitespace().map(|room| (room, floor)));
        }
    }
    let sources = Sources::read("src");
    let mut rooms = BTreeSet::new();
    for (from, used) in sources.edges() {
        let Some(room) = from.first() else { continue };
        let floor = |room: &String| {
            let floor = floors.get(room.as_str());
            *floor.unwrap_or_else(|| panic!("`{room}` is on no floor"))
        };
        for other in used.iter().filter_map(|used| used.first()) {
            assert!(
                other == room || floor(other) < floor(room),
                "{} uses `{other}`",
                from.join("/")
            );
        }
        rooms.insert(room.as_str());
    }
    assert!(floors.keys().eq(&rooms), "{floors:?}");
    // The live state and what is asked for are read by themselves, though one is on a lower floor.
    never(&sources, &["graph"], &["crate::manifest"]);
}

#[test]
fn the_emulator_shares_nothing() {
    let emulator = Sources::read("sandbox/src");
    for (module, text) in &emulator.texts {
        let ours = text.replace("assignctl_sandbox", "");
        assert!(!ours.contains("assignctl::"), "{}", module.join("/"));
    }
    let sources = Sources::read("src");
    for (module, text) in &sources.texts {
        let room = module.first().map(String::as_str);
        assert!(
            matches!(room, Some("cli" | "run" | "graph")) || !text.contains("assignctl_sandbox"),
            "{}",
            module.join("/")
        );
    }
}

/// Returns the parts of modules that depend on each other: the module, and the names of the parts.
fn circles(sources: &Sources) -> Vec<(String, Vec<String>)> {
    let mut levels: BTreeMap<Vec<String>, BTreeMap<String, BTreeSet<String>>> = BTreeMap::new();
    for (from, used) in sources.edges() {
        for to in used {
            let common = from
                .iter()
                .zip(&to)
                .take_while(|(one, other)| one == other)
                .count();
            // A module and its own parts are one.
            if let (Some(one), Some(other)) = (from.get(common), to.get(common)) {
                let level = levels.entry(from[..common].to_vec()).or_default();
                level.entry(one.clone()).or_default().insert(other.clone());
            }
        }
    }
    let mut found = Vec::new();
    for (level, graph) in levels {
        let reached: BTreeMap<&String, BTreeSet<&String>> = graph
            .keys()
            .map(|start| (start, reach(&graph, start)))
            .collect();
        let in_circles = graph.keys().filter(|name| reached[name].contains(name));
        let names: Vec<String> = in_circles.cloned().collect();
        if !names.is_empty() {
            found.push((level.join("/"), names));
        }
    }
    found
}

fn reach<'g>(graph: &'g BTreeMap<String, BTreeSet<String>>, start: &str) -> BTreeSet<&'g String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start];
    while let Some(next) = open.pop() {
        for name in graph.get(next).into_iter().flatten() {
            if reached.insert(name) {
                open.push(name);
            }
        }
    }
    reached
}

#[test]
fn there_are_no_circles_between_files() {
    for folder in ["src", "sandbox/src"] {
        let sources = Sources::read(folder);
        assert!(sources.edges().values().any(|used| !used.is_empty()));
        let found = circles(&sources);
        assert!(found.is_empty(), "{folder}: {found:?}");
    }
}

#[test]
fn a_circle_would_be_found() {
    let text = |text: &str| text.to_owned();
    let mut sources = Sources {
        texts: BTreeMap::new(),
        exported: BTreeMap::new(),
    };
    let module = |path: &str| path.split('/').map(str::to_owned).collect::<Module>();
    sources
        .texts
        .insert(module("a"), text("pub use inner::Thing;\nmod inner;\n"));
    sources.texts.insert(
        module("a/inner"),
        text("use super::other;\nuse crate::b::{Left, Right};\n"),
    );
    sources.texts.insert(module("a/other"), text("fn f() {}\n"));
    sources
        .texts
        .insert(module("b"), text("fn f(x: &crate::a::Thing) {}\n"));
    assert_eq!(
        circles(&sources),
        [(String::new(), vec!["a".to_owned(), "b".to_owned()])]
    );
}
