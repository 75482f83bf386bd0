//! Diagnostics as text: title, place, the line with a marker, related places, hint.
//!
//! Manifest lines and names come from anyone. They are cleaned before they are drawn, and long
//! lines are cut to what surrounds the marker, so that neither a terminal nor a log suffers. The
//! columns that are printed are those of the file, whatever was cleaned or cut.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use super::clean::{clean, clean_message};
use super::lines::{AFTER, BEFORE, Lines};
use crate::diagnostic::{Diagnostic, Severity, Sources};

/// Draws diagnostics, a blank line after each.
pub fn diagnostics(list: &[Diagnostic], sources: &Sources, color: bool) -> String {
    let mut drawn = String::new();
    for diagnostic in each(list, sources, color) {
        drawn.push_str(&diagnostic);
        drawn.push_str("\n\n");
    }
    drawn
}

/// Draws diagnostics one by one.
pub fn each(list: &[Diagnostic], sources: &Sources, color: bool) -> Vec<String> {
    let renderer = if color {
        Renderer::styled().hyperlink(false)
    } else {
        Renderer::plain()
    }
    // Lines are cut here, around their markers; a second cut would move them.
    .term_width(4 * (BEFORE + AFTER));
    let mut lines = Lines::new(sources);
    list.iter()
        .map(|diagnostic| draw(diagnostic, sources, &mut lines, &renderer))
        .collect()
}

fn draw(
    diagnostic: &Diagnostic,
    sources: &Sources,
    lines: &mut Lines<'_>,
    renderer: &Renderer,
) -> String {
    let Diagnostic {
        severity,
        code,
        message,
        place,
        label,
        related,
        hint,
        is_existing: _,
    } = diagnostic;
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::INFO,
    };
    let title = level.primary_title(clean_message(message)).id(*code);
    let hint = hint.as_deref().map(clean_message);

    let Some(place) = place else {
        let mut drawn = renderer.render(&[Group::with_title(title)]);
        if let Some(hint) = hint {
            let hint = Level::HELP.with_name("hint").primary_title(hint);
            drawn.push('\n');
            drawn.push_str(&renderer.render(&[Group::with_title(hint)]));
        }
        return drawn;
    };

    let first = (AnnotationKind::Primary, *place, label.as_deref());
    let others = related
        .iter()
        .map(|(place, label)| (AnnotationKind::Context, *place, Some(label.as_str())));
    let mut columns = Vec::with_capacity(related.len() + 1);
    let mut group = Group::with_title(title);
    for (kind, place, label) in std::iter::once(first).chain(others) {
        let line = lines.around(place);
        let path = clean(&sources.file(place.file).path).into_owned();
        let shown = line.text[..line.marker.start].chars().count() + 1;
        columns.push((
            format!("{path}:{}:{shown}", place.line),
            format!("{path}:{}:{}", place.line, place.column),
        ));
        let mut annotation = kind.span(line.marker);
        if let Some(label) = label {
            annotation = annotation.label(clean(label).into_owned());
        }
        group = group.element(
            Snippet::source(line.text)
                .path(path)
                .line_start(place.line)
                .annotation(annotation),
        );
    }
    if let Some(hint) = hint {
        group = group.element(Level::HELP.with_name("hint").message(hint));
    }
    with_columns_of_the_file(renderer.render(&[group]), &columns)
}

/// Puts the columns of the file in place of those of the shown line, header by header.
fn with_columns_of_the_file(mut drawn: String, columns: &[(String, String)]) -> String {
    // The title has no header, but may hold any text.
    let mut from = drawn.find('\n').unwrap_or_default();
    for (shown, real) in columns {
        let Some(at) = drawn[from..].find(shown.as_str()) else {
            continue;
        };
        let at = from + at;
        drawn.replace_range(at..at + shown.len(), real);
        from = at + real.len();
    }
    drawn
}

#[cfg(test)]
mod tests {
    use snapbox::{IntoData, assert_data_eq, str};

    use super::*;
    use crate::diagnostic::{FileId, Place};

    const TEXT: &str = "version: 1\r\npolicies:\n\t- näme: \u{202e}x\n";

    fn place(file: usize, line: usize, column: usize, length: usize) -> Place {
        Place {
            file: FileId(file),
            line,
            column,
            length,
        }
    }

    fn draw_one(diagnostic: Diagnostic, texts: &[(&str, &str)]) -> String {
        let mut sources = Sources::default();
        for (path, text) in texts {
            sources.add(*path, *text);
        }
        diagnostics(&[diagnostic], &sources, false)
    }

    #[test]
    fn nothing_to_say() {
        assert_eq!(diagnostics(&[], &Sources::default(), true), "");
    }

    #[test]
    fn without_a_place_there_is_title_and_hint() {
        let fault = Diagnostic::new(
            Severity::Error,
            "no-manifest",
            None,
            "no manifest was given",
        );
        assert_data_eq!(
            draw_one(fault.clone(), &[]),
            str![[r#"
error[no-manifest]: no manifest was given


"#]]
        );
        assert_data_eq!(
            draw_one(fault.hint("name `a`\x1b"), &[]),
            str![[r#"
error[no-manifest]: no manifest was given
hint: name `a`\u{1b}


"#]]
            .raw()
        );
    }

    #[test]
    fn with_a_place_the_line_is_shown() {
        let fault = Diagnostic::error("unknown-key", place(0, 1, 1, 7), "unknown key `version`");
        let files = [("dir/a.yaml", TEXT)];
        assert_data_eq!(
            draw_one(fault.clone(), &files),
            str![[r#"
error[unknown-key]: unknown key `version`
 --> dir/a.yaml:1:1
  |
1 | version: 1
  | ^^^^^^^


"#]]
        );
        let fault = fault.label("this one").hint("did you mean `verse`?");
        assert_data_eq!(
            draw_one(fault, &files),
            str![[r#"
error[unknown-key]: unknown key `version`
 --> dir/a.yaml:1:1
  |
1 | version: 1
  | ^^^^^^^ this one
  |
  = hint: did you mean `verse`?


"#]]
        );
    }

    #[test]
    fn what_is_not_safe_is_spelled_out_and_columns_stay_those_of_the_file() {
        let fault = Diagnostic::warning("odd", place(0, 3, 10, 2), "a\nb\x1b[31m")
            .label("\tc\u{9b}")
            .hint("d\r");
        assert_data_eq!(
            draw_one(fault, &[("a\x1b.yaml", TEXT)]),
            str![[r#"
warning[odd]: a\nb\u{1b}[31m
 --> a\u{1b}.yaml:3:10
  |
3 |     - näme: \u{202e}x
  |             ^^^^^^^^^ \tc\u{9b}
  |
  = hint: d\r


"#]]
            .raw()
        );
    }

    #[test]
    fn related_places_are_shown_in_their_files() {
        let fault = Diagnostic::error("included-and-excluded", place(1, 2, 3, 8), "both")
            .label("excluded")
            .also(place(0, 1, 1, 7), "included")
            .also(place(1, 12, 1, 1), "beyond the end")
            .hint("remove one");
        let files = [("a.yaml", TEXT), ("b.yaml", "x\n- grouped\n")];
        assert_data_eq!(
            draw_one(fault, &files),
            str![[r#"
error[included-and-excluded]: both
  --> b.yaml:2:3
   |
 2 | - grouped
   |   ^^^^^^^ excluded
   |
  ::: a.yaml:1:1
   |
 1 | version: 1
   | ------- included
   |
  ::: b.yaml:12:1
   |
12 |
   | - beyond the end
   |
   = hint: remove one


"#]]
        );
    }

    #[test]
    fn long_lines_are_cut_around_the_marker() {
        let text = format!("{}MARKED{}", "a\u{1b}".repeat(250_000), "b".repeat(500_000));
        let fault = Diagnostic::error("e", place(0, 1, 500_001, 6), "long");
        assert_data_eq!(
            draw_one(fault, &[("a.yaml", &text)]),
            str![[r#"
error[e]: long
 --> a.yaml:1:500001
  |
1 | …a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}MARKEDbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
  |                                                                                                                                                                                                                    ^^^^^^


"#]]
        );
        let fault = Diagnostic::error("e", place(0, 1, 500_007, 500_000), "long");
        assert_data_eq!(
            draw_one(fault, &[("a.yaml", &text)]),
            str![[r#"
error[e]: long
 --> a.yaml:1:500007
  |
1 | …a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}a/u{1b}MARKEDbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb…
  |                                                                                                                                                                                                     ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^


"#]]
        );
    }

    #[test]
    fn markers_at_odd_places_harm_nothing() {
        let texts = ["", "x", "é\n", "\r\n", "日本語 \u{200b}e\u{301}"];
        for text in texts {
            for (line, column, length) in [(0, 0, 0), (1, 1, 1), (1, 3, 9), (2, 1, 1), (9, 9, 9)] {
                let fault = Diagnostic::error("e", place(0, line, column, length), "odd")
                    .also(place(0, line, column, length), "same");
                assert!(draw_one(fault, &[("a.yaml", text)]).starts_with("error[e]: odd"));
            }
        }
    }

    #[test]
    fn colour_changes_nothing_but_colour() {
        let mut sources = Sources::default();
        sources.add("a.yaml", TEXT);
        let fault = Diagnostic::error("e", place(0, 3, 10, 2), "m").hint("h");
        let plain = diagnostics(std::slice::from_ref(&fault), &sources, false);
        let coloured = diagnostics(&[fault], &sources, true);
        assert_ne!(plain, coloured);
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain);
    }
}
