//! Names in columns and lines that wrap, by the width that characters take on a terminal.

use unicode_width::UnicodeWidthStr as _;

use super::clean::{at_line_start, begins_command};
use super::groups::NOT_IN;

/// What stands between two columns.
const GAP: usize = 2;

/// Puts names into as many columns as a width holds, downwards as `ls` does, each as wide as its names,
/// in at most so many lines. Returns the lines, and how many names they do not hold.
///
/// Long names beside short ones leave columns half empty. Names that take at least two lines less
/// behind each other stand so.
pub(super) fn columns(names: &[String], width: usize, most_lines: usize) -> (Vec<String>, usize) {
    let names: Vec<String> = names
        .iter()
        .map(|name| match looks_like_other(name) {
            true => format!("\"{}\"", name.replace('"', "\\\"")),
            false => at_line_start(name).into_owned(),
        })
        .collect();
    let (lines, left) = aligned(&names, width, most_lines);
    let needed = lines.len() + usize::from(left > 0);
    let flowing = flow(&names, width, needed.saturating_sub(2));
    flowing.map_or((lines, left), |lines| (lines, 0))
}

/// Whether a name could be taken for something else: for a change, for several names, or for nothing.
fn looks_like_other(name: &str) -> bool {
    let mut blanks = name.chars().map(char::is_whitespace);
    let mut before = true;
    let has_wide_gap = blanks.any(|blank| std::mem::replace(&mut before, blank) && blank);
    has_wide_gap || before || name.starts_with(['+', '-', '~', '!', '"', '…'])
}

/// Puts names behind each other; `None` if that takes more lines.
fn flow(names: &[String], width: usize, most_lines: usize) -> Option<Vec<String>> {
    let mut lines: Vec<String> = Vec::new();
    for name in names {
        match lines.last_mut() {
            Some(line) if line.width() + GAP + name.width() <= width => {
                line.push_str(&" ".repeat(GAP));
                line.push_str(name);
            }
            _ => lines.push(name.clone()),
        }
    }
    (lines.len() <= most_lines).then_some(lines)
}

fn aligned(names: &[String], width: usize, most_lines: usize) -> (Vec<String>, usize) {
    let widths: Vec<usize> = names.iter().map(|name| name.width()).collect();
    let fewest = (1..=most_lines).find(|lines| table_width(&widths, *lines) <= width);
    let (shown, lines) = match fewest {
        Some(lines) => (names.len(), lines),
        // Not all of them fit. With more columns, more would.
        None => (1..=names.len().div_ceil(most_lines.max(1)))
            .rev()
            .map(|columns| (names.len().min(columns * most_lines), most_lines))
            .find(|(shown, lines)| table_width(&widths[..*shown], *lines) <= width)
            .unwrap_or((names.len().min(most_lines), most_lines)),
    };
    let assignments = (0..lines.min(shown)).map(|line| {
        let mut text = String::new();
        let (mut filled, mut start) = (0, 0);
        for column in widths[..shown].chunks(lines).enumerate() {
            let (number, of_column) = column;
            let Some(name) = names[..shown].get(number * lines + line) else {
                break;
            };
            text.push_str(&" ".repeat(start - filled));
            text.push_str(name);
            filled = start + name.width();
            start += of_column.iter().max().unwrap_or(&0) + GAP;
        }
        text
    });
    (assignments.collect(), names.len() - shown)
}

/// Returns how wide names are in columns of so many lines.
fn table_width(widths: &[usize], lines: usize) -> usize {
    let columns = widths.chunks(lines.max(1));
    let columns = columns.map(|column| column.iter().max().unwrap_or(&0) + GAP);
    columns.sum::<usize>().saturating_sub(GAP)
}

/// Cuts leading folders off a place, if it is wider than there is room; the file's name stays.
pub(super) fn shorten_place(place: &str, room: usize) -> String {
    if let Some(place) = place.strip_prefix(NOT_IN) {
        return format!(
            "{NOT_IN}{}",
            shorten_place(place, room.saturating_sub(NOT_IN.len()))
        );
    }
    let mut rest = place;
    while (rest.width() + if rest.len() < place.len() { 2 } else { 0 }) > room {
        match rest.split_once(['/', '\\']) {
            Some((_, shorter)) => rest = shorter,
            None => break,
        }
    }
    if rest.len() == place.len() {
        place.to_owned()
    } else {
        format!("…/{rest}")
    }
}

/// Breaks a text between words, so that its lines fit a width; a longer word stands alone. Styles take
/// no room. No line begins with what GitHub's runner would take for a command, or a reader for a change.
pub(super) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut filled = 0;
    for unit in units(text) {
        let length = shown_width(&unit);
        match lines.last_mut() {
            Some(line) if filled + 1 + length <= width => {
                line.push(' ');
                line.push_str(&unit);
                filled += 1 + length;
            }
            _ => {
                lines.push(unit);
                filled = length;
            }
        }
    }
    lines
}

/// Returns the words of a text, each with those behind it that must not begin a line.
fn units(text: &str) -> Vec<String> {
    let mut units: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let stays = begins_command(word) || matches!(word, "+" | "-" | "~" | "!" | "=");
        match units.last_mut() {
            Some(unit) if stays => {
                unit.push(' ');
                unit.push_str(word);
            }
            _ => units.push(word.to_owned()),
        }
    }
    units
}

/// Breaks a line that is wider than a terminal; what follows its first part is indented deeper. `None` is a
/// width that is not known.
pub(super) fn hanging(line: &str, width: Option<usize>) -> String {
    const DEEPER: usize = 2;
    let rest = line.trim_start_matches(' ');
    let indent = line.len() - rest.len();
    match width {
        Some(width) if shown_width(line) > width => {
            let parts = wrap(rest, width.saturating_sub(indent + DEEPER));
            let begin = format!("\n{}", " ".repeat(indent + DEEPER));
            format!("{}{}", " ".repeat(indent), parts.join(&begin))
        }
        _ => line.to_owned(),
    }
}

/// Returns the width of the widest part of a text that is never broken.
pub(super) fn widest_unit(text: &str) -> usize {
    let widths = units(text).into_iter().map(|unit| shown_width(&unit));
    widths.max().unwrap_or_default()
}

/// Returns how many columns of a terminal a text takes.
pub(super) fn width(text: &str) -> usize {
    text.width()
}

/// Does the same for a text that may hold styles.
fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn names_go_down_the_columns() {
        let five = names(&["a", "bb", "c", "d", "e"]);
        assert_eq!(columns(&five, 10, 9), (names(&["a   c  e", "bb  d"]), 0));
        assert_eq!(columns(&five, 1, 9).0.len(), 5);
        assert_eq!(columns(&five, 8, 1), (names(&["a  bb  c"]), 2));
        assert_eq!(columns(&five, 2, 2), (names(&["a", "bb"]), 3));
        assert_eq!(columns(&[], 10, 1), (Vec::new(), 0));
    }

    #[test]
    fn long_names_beside_short_ones_take_no_lines_of_their_own() {
        let uneven = names(&["a", "bb", "very-long", "d", "e", "very-long", "g"]);
        let (lines, left) = columns(&uneven, 12, 9);
        assert_eq!(lines, ["a  bb", "very-long  d", "e  very-long", "g"]);
        assert_eq!(left, 0);
        // Also where columns would leave some out.
        assert_eq!(columns(&uneven, 12, 5).1, 0);
        // Nothing is gained.
        let (lines, _) = columns(&uneven[..3], 12, 9);
        assert_eq!(lines, ["a", "bb", "very-long"]);
    }

    #[test]
    fn columns_are_as_wide_as_the_terminal_shows_them() {
        let (lines, _) = columns(&names(&["日本", "Büro", "x", "y"]), 11, 9);
        assert_eq!(lines, ["日本  x", "Büro  y"]);
    }

    #[test]
    fn no_line_begins_with_a_command() {
        assert_eq!(wrap("a ::error::x b", 3), ["a ::error::x", "b"]);
        let (lines, _) = columns(&names(&["::a", "\u{3000}::b", "c::d"]), 4, 9);
        assert_eq!(lines, ["\\u{3a}:a", "\"\u{3000}::b\"", "c::d"]);
    }

    #[test]
    fn names_that_look_like_something_else_are_quoted() {
        for name in [
            "- allUsers",
            "+x",
            "~ y",
            "!z",
            "",
            " ",
            " a",
            "a ",
            "a  b",
            "… 3 more",
        ] {
            assert_eq!(columns(&names(&[name]), 80, 9).0, [format!("\"{name}\"")]);
        }
        assert_eq!(columns(&names(&["a\"  \"b"]), 80, 9).0, [r#""a\"  \"b""#]);
        for name in ["a - b", "a b", "x+", "a\"b"] {
            assert_eq!(columns(&names(&[name]), 80, 9).0, [name]);
        }
    }

    #[test]
    fn a_place_keeps_its_file() {
        assert_eq!(shorten_place("a/b/c.yaml:1", 12), "a/b/c.yaml:1");
        assert_eq!(shorten_place("a/b/c.yaml:1", 11), "…/c.yaml:1");
        assert_eq!(shorten_place("folder/b/c.yaml:1", 12), "…/b/c.yaml:1");
        assert_eq!(shorten_place("a/b/c.yaml:1", 3), "…/c.yaml:1");
        let entry = format!("{NOT_IN}a/b/c.yaml:1");
        assert_eq!(shorten_place(&entry, 18), format!("{NOT_IN}…/c.yaml:1"));
    }

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("longer-than-wide a", 4), ["longer-than-wide", "a"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("\u{1b}[1mone\u{1b}[0m two", 7).len(), 1);
        // A name does not begin a line as a change does.
        assert_eq!(wrap("Win - A - allUsers", 3), ["Win -", "A -", "allUsers"]);
        assert_eq!(widest_unit("Win - A"), 5);
    }

    #[test]
    fn what_is_too_wide_hangs() {
        assert_eq!(hanging("  one two three", None), "  one two three");
        assert_eq!(hanging("  one two three", Some(15)), "  one two three");
        assert_eq!(hanging("  one two three", Some(14)), "  one two\n    three");
    }
}
