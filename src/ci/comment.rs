//! What is read back from a comment of our own: whether it is the one, which plan it showed, and what was applied.

use crate::plan::saved::is_digest;

/// Whether a comment's first line is a marker.
pub(super) fn begins_with(body: &str, marker: &str) -> bool {
    body.lines().next() == Some(marker)
}

/// Whether two texts differ in line ends only, or in white space around them: platforms keep neither.
pub(super) fn same(kept: &str, wanted: &str) -> bool {
    kept.trim().lines().eq(wanted.trim().lines())
}

/// The line of a comment below which stands what a run has written.
const WRITTEN: &str = "<!-- assignctl written -->";

/// Makes the comment on a run that has written, so that it is known for one.
pub(super) fn written(marker: &str, body: &str) -> String {
    let rest = body.strip_prefix(marker).unwrap_or(body);
    format!("{marker}\n{WRITTEN}\n{}", rest.trim_start())
}

/// Inserts a note above what an earlier run wrote in its comment. Returns `None` if that run changed nothing.
pub(super) fn with_note(marker: &str, note: &str, before: Option<&str>) -> Option<String> {
    above(&format!("{marker}\n{note}"), before)
}

/// Inserts what waits for approval above what an earlier run wrote in its comment. Returns `None` if that run changed
/// nothing, or both have no room.
pub(super) fn above_written(body: &str, before: Option<&str>, most_bytes: usize) -> Option<String> {
    above(body, before).filter(|both| both.len() <= most_bytes)
}

fn above(text: &str, before: Option<&str>) -> Option<String> {
    let (_, rest) = before?.split_once(WRITTEN)?;
    let (text, rest) = (text.trim_end(), rest.trim_start());
    Some(format!("{text}\n\n{WRITTEN}\n{rest}"))
}

/// Returns the digest of the plan that a comment shows: its last line, and nothing else in that.
/// No name that the comment shows can stand in for it.
pub fn reviewed_digest(body: &str) -> Option<&str> {
    let last = body.lines().rfind(|line| !line.is_empty())?;
    let digest = last.strip_prefix("Digest: `")?.strip_suffix('`')?;
    is_digest(digest).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_the_whole_first_line() {
        let marker = "<!-- assignctl plan -->";
        for (body, is_ours) in [
            ("<!-- assignctl plan -->\nx", true),
            ("<!-- assignctl plan -->\r\nx", true),
            ("<!-- assignctl plan --> x\n", false),
            ("x\n<!-- assignctl plan -->\n", false),
            ("<!-- assignctl apply -->\n", false),
            ("", false),
        ] {
            assert_eq!(begins_with(body, marker), is_ours, "{body}");
        }
    }

    #[test]
    fn only_the_last_line_names_the_digest() {
        let digest = format!("sha256:{}", "0123456789abcdef".repeat(4));
        let line = format!("Digest: `{digest}`");
        let of = |body: &str| reviewed_digest(body).map(str::to_owned);
        for body in [
            format!("<!-- x -->\n{line}\n"),
            format!(
                "<!-- x -->\r\nDigest: `sha256:{}` is a name\r\n{line}\r\n\r\n",
                "1".repeat(64)
            ),
            line.clone(),
        ] {
            assert_eq!(of(&body), Some(digest.clone()), "{body}");
        }
        for body in [
            String::new(),
            format!("{line}\nedited"),
            line.replace('`', ""),
            format!("{line} "),
            line[..line.len() - 2].to_owned(),
            line.replace("sha256", "sha512"),
            line.to_uppercase(),
        ] {
            assert_eq!(of(&body), None, "{body}");
        }
    }

    #[test]
    fn what_was_written_stays_below_one_note() {
        let marker = "<!-- assignctl apply -->";
        let first = written(marker, "<!-- assignctl apply -->\n### 3 applied\n");
        assert!(begins_with(&first, marker) && first.ends_with("\n### 3 applied\n"));
        let second = with_note(marker, "It failed.", Some(&first)).expect("a comment");
        let kept = second.replace('\n', "\r\n");
        let third = with_note(marker, "It failed again.", Some(&kept)).expect("a comment");
        assert!(begins_with(&third, marker) && third.contains("### 3 applied"));
        assert!(!third.contains("It failed.") && third.contains("\nIt failed again.\n"));
        for nothing in [None, Some("<!-- assignctl apply -->\n### failed\n")] {
            assert_eq!(with_note(marker, "It failed.", nothing), None);
        }
    }

    #[test]
    fn what_waits_stands_above_what_was_written_if_both_have_room() {
        let marker = "<!-- assignctl apply -->";
        let first = written(marker, "<!-- assignctl apply -->\n### 3 applied\n");
        let waits = "<!-- assignctl apply -->\n### 1 pending\n";
        let both = above_written(waits, Some(&first), 1_000).expect("a comment");
        let again = above_written(waits, Some(&both), 1_000).expect("a comment");
        assert!(same(&both, &again) && begins_with(&both, marker));
        assert!(both.contains("### 1 pending\n\n") && both.ends_with("\n### 3 applied\n"));
        assert_eq!(above_written(waits, Some(&first), both.len() - 1), None);
        for nothing in [None, Some(waits)] {
            assert_eq!(above_written(waits, nothing, 1_000), None);
        }
        let failed = with_note(marker, "It failed.", Some(&both)).expect("a comment");
        assert!(failed.contains("### 3 applied") && !failed.contains("pending"));
    }

    #[test]
    fn line_ends_and_outer_white_space_do_not_count() {
        assert!(same("a\r\nb\r\n", "a\nb\n\n"));
        assert!(!same("a\nb", "a\nc"));
        assert!(!same("a", "a\nb"));
    }
}
