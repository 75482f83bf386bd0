//! Keeping to a size: what is less important stands further down, and is dropped first.

/// Pieces of one sort, which are kept or dropped one by one.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What the pieces are, for the line that says how many were dropped.
    what: &'static str,
    open: String,
    close: &'static str,
    pieces: Vec<String>,
}

impl Part {
    pub(super) fn new(what: &'static str, pieces: impl IntoIterator<Item = String>) -> Self {
        Self {
            what,
            open: String::new(),
            close: "",
            pieces: pieces.into_iter().collect(),
        }
    }

    /// Puts the pieces between two texts, which are there if any piece is.
    pub(super) fn between(mut self, open: String, close: &'static str) -> Self {
        self.open = open;
        self.close = close;
        self
    }
}

/// Puts head, parts and foot together. Where that is too long, pieces are dropped from the end until
/// it is not. Head and foot always stay.
pub(super) fn fit(head: &str, parts: Vec<Part>, foot: &str, most_bytes: usize) -> String {
    let ends = head.len() + foot.len();
    let (body, dropped) = take(&parts, most_bytes.saturating_sub(ends));
    if dropped.is_empty() {
        return format!("{head}{body}{foot}");
    }
    // The line that tells of it is longest where everything is dropped.
    let all = parts
        .iter()
        .map(|part| (part.what, part.pieces.len(), part.pieces.len()));
    let longest = note(all, most_bytes).len();
    let (body, dropped) = take(&parts, most_bytes.saturating_sub(ends + longest));
    let note = note(dropped.into_iter(), most_bytes);
    format!("{head}{body}{note}{foot}")
}

/// What the pieces are, how many were dropped, and of how many.
type Dropped = (&'static str, usize, usize);

fn take(parts: &[Part], budget: usize) -> (String, Vec<Dropped>) {
    let mut body = String::new();
    let mut dropped = Vec::new();
    let mut full = false;
    for part in parts {
        let around = part.open.len() + part.close.len();
        let mut left = budget.saturating_sub(body.len() + around);
        let mut kept = 0;
        for piece in &part.pieces {
            full |= piece.len() > left;
            if full {
                break;
            }
            left -= piece.len();
            kept += 1;
        }
        if kept > 0 {
            body.push_str(&part.open);
            body.extend(part.pieces[..kept].iter().map(String::as_str));
            body.push_str(part.close);
        }
        if kept < part.pieces.len() {
            let number = part.pieces.len();
            dropped.push((part.what, number - kept, number));
        }
    }
    (body, dropped)
}

fn note(dropped: impl Iterator<Item = Dropped>, most_bytes: usize) -> String {
    let list: Vec<String> = dropped
        .filter(|(_, number, _)| *number > 0)
        .map(|(what, number, all)| format!("{number} of {all} {what}"))
        .collect();
    format!(
        "**Left out** to fit into {most_bytes} bytes: {}. The formats `text` and `json` have all.\n\n",
        list.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts() -> Vec<Part> {
        let piece = |text: &str| text.repeat(50);
        vec![
            Part::new("errors", [piece("a"), piece("b")]),
            Part::new("warnings", [piece("c"), piece("d")]).between("<".to_owned(), ">"),
        ]
    }

    #[test]
    fn what_fits_is_all_there() {
        let text = fit("H", parts(), "F", 204);
        assert_eq!(text.len(), 204);
        assert!(text.starts_with("Haaa") && text.ends_with("ddd>F"));
        assert_eq!(fit("H", Vec::new(), "F", 0), "HF");
    }

    #[test]
    fn what_does_not_is_dropped_from_the_end_and_told_of() {
        for most in 0..=203 {
            let text = fit("H", parts(), "F", most);
            let least = fit("H", parts(), "F", 0).len() + 3;
            assert!(text.len() <= most.max(least), "{most}: {text}");
            assert!(text.starts_with('H') && text.ends_with('F'));
            assert!(text.contains("**Left out**"));
            // What comes later is never kept for something earlier.
            let kept: Vec<bool> = ["a", "b", "c", "d"]
                .iter()
                .map(|letter| text.contains(&letter.repeat(50)))
                .collect();
            assert!(
                kept.is_sorted_by(|one, other| one >= other),
                "{most}: {kept:?}"
            );
        }
        assert!(fit("H", parts(), "F", 203).contains(" of 2 warnings"));
    }
}
