//! Fits text into a size limit: less important parts come last and are dropped first.
//!
//! A piece that does not fit is passed over, and what comes after it stays if there is room: nothing
//! earlier could have used that.

/// The most dropped pieces that are named.
const MOST_NAMED: usize = 5;

/// Pieces of one sort, which are kept or dropped one by one.
#[derive(Clone, Debug)]
pub(super) struct Part {
    /// What the pieces are, for the line that says how many were dropped.
    what: &'static str,
    open: String,
    close: String,
    pieces: Vec<String>,
    /// What the pieces are called, where they have names.
    names: Vec<String>,
    /// Whether what remains has to be a beginning, without gaps.
    is_beginning: bool,
}

impl Part {
    pub(super) fn new(what: &'static str, pieces: impl IntoIterator<Item = String>) -> Self {
        Self {
            what,
            open: String::new(),
            close: String::new(),
            pieces: pieces.into_iter().collect(),
            names: Vec::new(),
            is_beginning: false,
        }
    }

    /// Gives the pieces names.
    pub(super) fn named(mut self, names: impl IntoIterator<Item = String>) -> Self {
        self.names = names.into_iter().collect();
        self
    }

    /// Drops from the end only, and then all other parts that follow.
    pub(super) fn without_gaps(mut self) -> Self {
        self.is_beginning = true;
        self
    }

    /// Puts the pieces between two texts, which are there if any piece is.
    pub(super) fn between(mut self, open: String, close: String) -> Self {
        self.open = open;
        self.close = close;
        self
    }
}

/// A text that keeps to a size.
pub(super) struct Fitted {
    pub(super) text: String,
    /// Whether nothing was dropped.
    pub(super) is_whole: bool,
    /// What the dropped pieces are.
    pub(super) left_out: Vec<&'static str>,
}

/// Puts head, parts and foot together. Where that is too long, pieces are dropped until it is not.
/// Head and foot always stay.
pub(super) fn fit(head: &str, parts: Vec<Part>, foot: &str, most_bytes: usize) -> Fitted {
    let ends = head.len() + foot.len();
    let (body, dropped) = take(&parts, most_bytes.saturating_sub(ends));
    if dropped.is_empty() {
        let text = format!("{head}{body}{foot}");
        return Fitted {
            is_whole: text.len() <= most_bytes,
            left_out: Vec::new(),
            text,
        };
    }
    // The line that says so is longest where everything is dropped.
    let all: Vec<Dropped<'_>> = parts
        .iter()
        .map(|part| Dropped {
            part,
            pieces: (0..part.pieces.len()).collect(),
        })
        .collect();
    let longest = note(&all, most_bytes, false).len();
    let (body, dropped) = take(&parts, most_bytes.saturating_sub(ends + longest));
    let with_names = note(&dropped, most_bytes, true);
    let note = if ends + body.len() + with_names.len() <= most_bytes {
        with_names
    } else {
        note(&dropped, most_bytes, false)
    };
    Fitted {
        text: format!("{head}{body}{note}{foot}"),
        is_whole: false,
        left_out: dropped.iter().map(|dropped| dropped.part.what).collect(),
    }
}

/// Which pieces of a part were dropped.
struct Dropped<'p> {
    part: &'p Part,
    pieces: Vec<usize>,
}

fn take(parts: &[Part], budget: usize) -> (String, Vec<Dropped<'_>>) {
    let mut body = String::new();
    let mut dropped = Vec::new();
    let mut full = false;
    for part in parts {
        let around = part.open.len() + part.close.len();
        let mut left = budget.saturating_sub(body.len() + around);
        let mut kept = String::new();
        let mut pieces = Vec::new();
        for (index, piece) in part.pieces.iter().enumerate() {
            if full || piece.len() > left {
                full |= part.is_beginning;
                pieces.push(index);
            } else {
                left -= piece.len();
                kept.push_str(piece);
            }
        }
        if !kept.is_empty() {
            body.push_str(&part.open);
            body.push_str(&kept);
            body.push_str(&part.close);
        }
        if !pieces.is_empty() {
            dropped.push(Dropped { part, pieces });
        }
    }
    (body, dropped)
}

fn note(dropped: &[Dropped<'_>], most_bytes: usize, with_names: bool) -> String {
    let list: Vec<String> = dropped
        .iter()
        .filter(|dropped| !dropped.pieces.is_empty())
        .map(|Dropped { part, pieces }| {
            let counted = format!("{} of {} {}", pieces.len(), part.pieces.len(), part.what);
            let names: Vec<&str> = pieces
                .iter()
                .filter_map(|index| part.names.get(*index).map(String::as_str))
                .collect();
            if with_names && !names.is_empty() && names.len() <= MOST_NAMED {
                format!("{counted} ({})", names.join(", "))
            } else {
                counted
            }
        })
        .collect();
    format!(
        "**Left out** to fit into {most_bytes} bytes: {}. `text` and `json` show all of them.\n\n",
        list.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::Part;

    fn fit(head: &str, parts: Vec<Part>, foot: &str, most_bytes: usize) -> String {
        super::fit(head, parts, foot, most_bytes).text
    }

    fn parts() -> Vec<Part> {
        let piece = |text: &str| text.repeat(50);
        vec![
            Part::new("errors", [piece("a"), piece("b")]),
            Part::new("warnings", [piece("c"), piece("d")]).between("<".to_owned(), ">".to_owned()),
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
            // They are of one size.
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

    #[test]
    fn what_is_too_large_alone_is_passed_over_and_named() {
        let parts = |gaps: bool| {
            let pieces = [1, 500, 1, 1].map(|size| "x".repeat(size));
            let names = ["one", "two", "three", "four"].map(str::to_owned);
            let part = Part::new("diffs", pieces).named(names);
            let part = if gaps { part } else { part.without_gaps() };
            vec![part, Part::new("warnings", ["y".to_owned()])]
        };
        assert_eq!(
            fit("H", parts(true), "F", 300),
            "Hxxxy**Left out** to fit into 300 bytes: 1 of 4 diffs (two). `text` and `json` show all of them.\n\nF"
        );
        let text = fit("H", parts(false), "F", 300);
        assert!(text.starts_with("Hx**"), "{text}");
        assert!(
            text.contains("3 of 4 diffs (two, three, four), 1 of 1 warnings."),
            "{text}"
        );
        // Without room for the names they are only counted.
        let least = fit("H", parts(true), "F", 0).len() + 3;
        for most in 0..300 {
            let text = fit("H", parts(true), "F", most);
            assert!(text.len() <= most.max(least), "{most}: {text}");
        }
    }
}
