//! The one place where text that the program did not write is made safe to print.
//!
//! Names come from a tenant that anyone with rights to it can write to. Control characters could
//! move the cursor, start an escape sequence or forge a line; direction marks could make a name read
//! as another. JSON carries names as they are, escaped by JSON; everything else goes through here. What is
//! unsafe is listed in `text`, which escapes it in JSON.
//!
//! Build services read commands out of what a job prints: Azure Pipelines looks for `##vso[` and
//! `##[` anywhere in a line (microsoft/azure-pipelines-tasks: docs/authoring/commands.md), GitHub's
//! runner for `##[` anywhere and for `::` where a line begins (actions/runner:
//! src/Runner.Common/ActionCommand.cs). The first two are broken up here, and the third where a name may
//! begin a line (`at_line_start`).

use std::borrow::Cow;
use std::fmt::Write as _;

pub(crate) use crate::text::{holds_command, is_unsafe};

/// Returns the text with control characters, line ends and direction marks spelled out as `\u{…}`.
pub fn clean(text: &str) -> Cow<'_, str> {
    let commands = holds_command(text);
    if !commands && !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\n' => cleaned.push_str("\\n"),
            '\r' => cleaned.push_str("\\r"),
            '\t' => cleaned.push_str("\\t"),
            _ if is_unsafe(character) => {
                // Writing to a string cannot fail.
                let _ = write!(cleaned, "\\u{{{:x}}}", u32::from(character));
            }
            _ => cleaned.push(character),
        }
    }
    if commands {
        cleaned = cleaned.replace("##", BROKEN_UP);
    }
    Cow::Owned(cleaned)
}

/// What stands for `##` where it would begin a command.
pub(super) const BROKEN_UP: &str = "#\\u{23}";

/// Returns a cleaned text that may begin a line, also behind blanks, which GitHub's runner cuts off before
/// it looks for a command.
pub(super) fn at_line_start(text: &str) -> Cow<'_, str> {
    match begins_command(text) {
        true => Cow::Owned(text.replacen("::", "\\u{3a}:", 1)),
        false => Cow::Borrowed(text),
    }
}

/// Whether GitHub's runner would find a command if a line began with the text.
pub(super) fn begins_command(text: &str) -> bool {
    text.trim_start().starts_with("::")
}

/// The longest message. Names of a hundred thousand characters are possible, and say no more.
const LONGEST_MESSAGE: usize = 2_000;

/// Makes a message safe to print, and cuts one that was made to fill the screen.
pub fn clean_message(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        None => clean(text),
        Some((end, _)) => Cow::Owned(format!("{}…", clean(&text[..end]))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_names_pass_untouched() {
        for name in ["", "Win - BitLocker", "Büro \"Süd\" 👩‍💻", "名前 | `x` <b>"] {
            assert!(matches!(clean(name), Cow::Borrowed(same) if same == name));
        }
    }

    #[test]
    fn commands_of_build_services_are_broken_up() {
        assert_eq!(clean("a ## b ###"), "a ## b ###");
        assert_eq!(
            clean("x##vso[task.setvariable variable=A]b"),
            "x#\\u{23}vso[task.setvariable variable=A]b"
        );
        assert_eq!(clean("##[error]x"), "#\\u{23}[error]x");
        assert!(!holds_command(&clean("###vso[x]#####[y]")));
        assert!(!holds_command(&clean("####[x]#####VSO[y]###[z")));
    }

    /// Looking through the rest of the row at each of its marks would take hours.
    #[test]
    fn a_row_of_millions_of_marks_is_looked_at_once() {
        let row = "#".repeat(4_000_000);
        assert!(!holds_command(&row));
        assert!(!holds_command(&format!("{row}vso")));
        assert!(holds_command(&format!("{row} {row}vso[")));
    }

    #[test]
    fn long_messages_are_cut() {
        let long = "ä".repeat(LONGEST_MESSAGE);
        assert_eq!(clean_message(&long), long);
        let cut = clean_message(&(long.clone() + "x")).into_owned();
        assert_eq!(cut, long + "…");
    }

    #[test]
    fn what_moves_the_cursor_or_the_reading_direction_is_spelled_out() {
        assert_eq!(clean("a\x1b[31mb"), "a\\u{1b}[31mb");
        assert_eq!(clean("a\nb\r\tc\u{9b}"), "a\\nb\\r\\tc\\u{9b}");
        assert_eq!(
            clean("x\u{202e}y\u{2028}\u{7f}\u{ad}"),
            "x\\u{202e}y\\u{2028}\\u{7f}\\u{ad}"
        );
    }
}
