//! The pictures of `docs/pictures`: the text behind them is what the program prints. `docs/pictures/make`
//! draws them again.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::support::World;
use super::support::browser::{self, Browser};

/// If it is set, the pictures are drawn.
const DRAW: &str = "ASSIGNCTL_TEST_PICTURES";

/// What all pictures may take together, in bytes.
const LARGEST_SUM: u64 = 300_000;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures")
}

/// A part of the sample's manifests, which shows every kind of line.
fn world() -> World {
    let world = World::empty();
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/manifests");
    for file in [
        "targets.yaml",
        "windows/kiosk.yaml",
        "windows/network.yaml",
        "windows/security.yaml",
    ] {
        let text = fs::read_to_string(examples.join(file)).expect("an example");
        world.write(&format!("manifests/{file}"), &text);
    }
    world
}

/// Compares a text with a file beside the pictures.
#[track_caller]
fn is_current(name: &str, text: &str) {
    let path = folder().join(name);
    let format = Some(snapbox::data::DataFormat::Text);
    let expected = snapbox::Data::read_from(&path, format).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(text.to_owned(), expected);
}

#[test]
fn the_terminal_shows_what_plan_prints() {
    const COLUMNS: usize = 100;
    let mut world = world();
    world.set("COLUMNS", &COLUMNS.to_string());
    let ran = world.sandbox("plan manifests --color always").exits(0);
    let text = format!(
        "\u{1b}[1m$\u{1b}[0m assignctl plan manifests\n{}",
        ran.stdout
    );
    is_current("plan.svg", &drawn(&text, COLUMNS));
}

#[test]
fn the_comment_is_what_plan_prints() {
    let ran = world().sandbox("plan manifests --format markdown").exits(0);
    is_current("comment.md", &ran.stdout);
    if std::env::var_os(DRAW).is_none() {
        return;
    }
    let browser = browser::find().expect("a browser");
    let world = World::empty();
    world.write("comment.html", &page(&ran.stdout));
    let mut browser = Browser::start(&browser);
    browser.open(&world.path("comment.html"), "");
    for (name, width, height) in [
        ("comment-desktop.png", 1280, 960),
        ("comment-phone.png", 390, 1100),
    ] {
        let picture = browser.picture(width, height);
        world.write("picture", &picture);
        let decoded = std::process::Command::new("base64")
            .arg("-d")
            .arg(world.path("picture"))
            .output();
        fs::write(
            folder().join(name),
            decoded.expect("the command base64").stdout,
        )
        .expect("a folder");
    }
}

#[test]
fn the_pictures_are_small() {
    let files = fs::read_dir(folder()).expect("the folder of the pictures");
    let sizes = files.map(|file| file.and_then(|file| file.metadata()).expect("a file").len());
    let sum: u64 = sizes.sum();
    assert!(sum <= LARGEST_SUM, "{sum}");
    for name in ["plan.svg", "comment-desktop.png", "comment-phone.png"] {
        let picture = fs::read(folder().join(name)).expect(name);
        assert!(
            picture.starts_with(b"<svg") || picture.starts_with(b"\x89PNG"),
            "{name}"
        );
    }
}

/// Draws what a terminal shows as SVG.
fn drawn(text: &str, columns: usize) -> String {
    const LINE: usize = 18;
    const MARGIN: usize = 16;
    // What a character of 13 px takes, a little rounded up.
    let width = 2 * MARGIN + columns * 79 / 10;
    let height = 2 * MARGIN + text.lines().count() * LINE;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\">\n\
         <style>text {{ font: 13px ui-monospace, Consolas, Menlo, 'DejaVu Sans Mono', monospace; fill: #e6edf3; white-space: pre }} .b {{ font-weight: bold }} .d {{ fill: #8d96a0 }} .r {{ fill: #ff7b72 }} .g {{ fill: #56d364 }} .y {{ fill: #e3b341 }}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#0d1117\"/>\n"
    );
    for (number, line) in text.lines().enumerate() {
        let y = MARGIN + number * LINE + 13;
        write!(
            svg,
            "<text x=\"{MARGIN}\" y=\"{y}\" xml:space=\"preserve\">"
        )
        .expect("memory");
        let mut classes: Vec<char> = Vec::new();
        for (index, part) in line.split("\u{1b}[").enumerate() {
            let part = match (index, part.split_once('m')) {
                (0, _) => part,
                (_, Some((code, rest))) => {
                    match code {
                        "0" => classes.clear(),
                        "1" => classes.push('b'),
                        "2" => classes.push('d'),
                        "31" => classes.push('r'),
                        "32" => classes.push('g'),
                        "33" => classes.push('y'),
                        other => panic!("a style that is not drawn: {other}"),
                    }
                    rest
                }
                (_, None) => panic!("not a style: {line:?}"),
            };
            let part = escaped(part);
            match classes.is_empty() || part.is_empty() {
                true => svg.push_str(&part),
                false => {
                    let classes: Vec<String> = classes.iter().map(char::to_string).collect();
                    let classes = classes.join(" ");
                    write!(svg, "<tspan class=\"{classes}\">{part}</tspan>").expect("memory");
                }
            }
        }
        svg.push_str("</text>\n");
    }
    svg + "</svg>\n"
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// Makes a page of a comment that looks as it does on GitHub, with the first details open.
fn page(comment: &str) -> String {
    // Colours in a fence are not Markdown's.
    let mut in_diff = false;
    let events = Parser::new_ext(comment, Options::ENABLE_TABLES).flat_map(|event| match event {
        Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if &*language == "diff" => {
            in_diff = true;
            vec![Event::Html("<pre><code>".into())]
        }
        Event::End(TagEnd::CodeBlock) if in_diff => {
            in_diff = false;
            vec![Event::Html("</code></pre>\n".into())]
        }
        Event::Text(text) if in_diff => {
            let lines = text.split_inclusive('\n').map(|line| {
                let class = match line.chars().next() {
                    Some('+') => "addition",
                    Some('-') => "deletion",
                    Some('!') => "change",
                    _ => "context",
                };
                let line = format!("<span class=\"{class}\">{}</span>", escaped(line));
                Event::Html(line.into())
            });
            lines.collect()
        }
        other => vec![other],
    });
    let mut body = String::new();
    pulldown_cmark::html::push_html(&mut body, events);
    let body = body.replacen("<details>", "<details open>", 1);
    let style = include_str!("support/comment.css");
    format!(
        "<!doctype html><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><style>{style}</style>\
         <article><header><b>github-actions</b> commented</header><section>{body}</section></article>"
    )
}
