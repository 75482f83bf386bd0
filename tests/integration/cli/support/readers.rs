//! Reads what formats say as their readers do: Markdown as GitHub renders it, annotations as GitHub's
//! runner takes them.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Checks that nothing moves the cursor, and that no build service would find a command of others.
#[track_caller]
pub(in crate::cli) fn is_tame(text: &str, commands_are_ours: bool) {
    for character in text.chars() {
        let tame = character == '\n'
            || !(character.is_control()
                || "\u{202e}\u{2066}\u{200b}\u{ad}\u{2028}\u{feff}".contains(character));
        assert!(tame, "{character:?} in\n{text}");
    }
    let lower = text.to_lowercase();
    assert!(
        !lower.contains("##[") && !lower.contains("##vso["),
        "{text}"
    );
    for line in text.lines() {
        assert!(
            commands_are_ours || !line.trim_start().starts_with("::"),
            "{line}"
        );
    }
}

/// A Markdown text as a reader of it sees it.
#[derive(Default, Debug)]
pub(in crate::cli) struct Seen {
    pub(in crate::cli) headings: Vec<String>,
    /// The cells of the table's rows, its head among them.
    pub(in crate::cli) rows: Vec<Vec<String>>,
    /// The fenced blocks, with their languages.
    pub(in crate::cli) fences: Vec<(String, String)>,
    /// What is seen folded.
    pub(in crate::cli) summaries: Vec<String>,
    pub(in crate::cli) text: String,
}

/// Reads Markdown as GitHub does, and checks that it holds no markup but ours.
#[track_caller]
pub(in crate::cli) fn read(markdown: &str) -> Seen {
    let mut seen = Seen::default();
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_GFM
        | Options::ENABLE_TASKLISTS;
    let mut heading = false;
    let mut cell = false;
    let mut fence = false;
    let mut open = 0;
    for event in Parser::new_ext(markdown, options) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                heading = true;
                seen.headings.push(String::new());
            }
            Event::End(TagEnd::Heading(_)) => heading = false,
            Event::Start(Tag::TableHead | Tag::TableRow) => seen.rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                cell = true;
                seen.rows.last_mut().expect("a row").push(String::new());
            }
            Event::End(TagEnd::TableCell) => cell = false,
            Event::Start(Tag::CodeBlock(kind)) => {
                fence = true;
                let pulldown_cmark::CodeBlockKind::Fenced(language) = kind else {
                    panic!("an indented block in\n{markdown}")
                };
                seen.fences.push((language.to_string(), String::new()));
            }
            Event::End(TagEnd::CodeBlock) => fence = false,
            Event::Text(text) | Event::Code(text) => {
                if fence {
                    seen.fences.last_mut().expect("a fence").1.push_str(&text);
                } else if cell {
                    let row = seen.rows.last_mut().expect("a row");
                    row.last_mut().expect("a cell").push_str(&text);
                } else if heading {
                    seen.headings.last_mut().expect("a heading").push_str(&text);
                }
                if !fence {
                    // What GitHub makes links of.
                    assert!(!text.contains("www.") || cell || open > 0, "{text}");
                    seen.text.push_str(&text);
                }
            }
            Event::InlineHtml(html) => match html.as_ref() {
                "<code>" | "</code>" | "<br>" => {}
                other => panic!("`{other}` in\n{markdown}"),
            },
            Event::Html(html) => {
                let line = html.trim_end();
                if line.starts_with("<!-- ") {
                    assert!(
                        line.starts_with("<!-- assignctl ") && line.ends_with(" -->"),
                        "{line}"
                    );
                    assert_eq!(line.matches('<').count(), 1, "{line}");
                } else if line == "</details>" {
                    open -= 1;
                } else {
                    open += 1;
                    let inner = line
                        .strip_prefix("<details><summary>")
                        .and_then(|rest| rest.strip_suffix("</summary>"))
                        .unwrap_or_else(|| panic!("`{line}` in\n{markdown}"));
                    let inner = inner.replace("<code>", "").replace("</code>", "");
                    assert!(!inner.contains('<'), "{line}");
                    seen.summaries.push(entities(&inner));
                }
            }
            Event::Start(
                Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::Emphasis
                | Tag::Strikethrough
                | Tag::BlockQuote(_),
            ) => {
                panic!("{event:?} in\n{markdown}");
            }
            _ => {}
        }
    }
    assert_eq!(open, 0, "{markdown}");
    seen
}

/// Reads numeric entities, as a browser does.
fn entities(text: &str) -> String {
    let mut parts = text.split("&#");
    let mut read = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (number, rest) = part.split_once(';').expect("an entity");
        read.push(char::from(number.parse::<u8>().expect("a number")));
        read.push_str(rest);
    }
    read
}

/// An annotation as GitHub's runner reads it.
#[derive(Debug)]
pub(in crate::cli) struct Annotation {
    pub(in crate::cli) level: String,
    pub(in crate::cli) file: Option<String>,
    pub(in crate::cli) line: Option<String>,
    pub(in crate::cli) title: String,
    pub(in crate::cli) message: String,
}

#[track_caller]
pub(in crate::cli) fn annotations(text: &str) -> Vec<Annotation> {
    let unescape = |text: &str| {
        let text = text.replace("%0D", "\r").replace("%0A", "\n");
        text.replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    text.lines()
        .map(|line| {
            let (head, message) = line
                .strip_prefix("::")
                .and_then(|rest| rest.split_once("::"))
                .unwrap_or_else(|| panic!("not a command: {line}"));
            let (level, properties) = head.split_once(' ').expect("properties");
            assert!(["error", "warning", "notice"].contains(&level), "{line}");
            let property = |name: &str| {
                let mut all = properties.split(',').map(|property| {
                    let (key, value) = property.split_once('=').expect("a value");
                    assert!(["file", "line", "col", "title"].contains(&key), "{line}");
                    (key, unescape(value))
                });
                all.find(|(key, _)| *key == name).map(|(_, value)| value)
            };
            Annotation {
                level: level.to_owned(),
                file: property("file"),
                line: property("line"),
                title: property("title").expect("a title"),
                message: unescape(message),
            }
        })
        .collect()
}
