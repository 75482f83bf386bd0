//! The lines of files as they are shown: cleaned, and cut to what surrounds a place.

use std::collections::HashMap;
use std::ops::Range;

use super::clean::{clean, holds_command};
use crate::diagnostic::{FileId, Place, Sources};

/// How many characters of a line are shown before and after the start of the marker.
pub(super) const BEFORE: usize = 60;
pub(super) const AFTER: usize = 80;

/// How long a marker gets.
const LONGEST_MARKER: usize = 60;

/// Stands for what was cut off a line.
const CUT: &str = "…";

/// A line as it is shown.
pub(super) struct ShownLine {
    pub(super) text: String,
    /// What is marked, in bytes of the text.
    pub(super) marker: Range<usize>,
}

/// How long a line is, in bytes, whose characters are found by steps: thousands of places on one
/// line of megabytes must not cost a walk along it each.
const LONG_LINE: usize = 4096;

/// How many characters a step has.
const STEP: usize = 256;

/// The lines of all files.
pub(super) struct Lines<'s> {
    sources: &'s Sources,
    /// Where the lines of a file start, for files that were asked for.
    starts: HashMap<FileId, Vec<usize>>,
    /// Where the steps of a long line start, for lines that were asked for.
    steps: HashMap<(FileId, usize), Vec<usize>>,
}

impl<'s> Lines<'s> {
    /// Makes it for the files of a run.
    pub(super) fn new(sources: &'s Sources) -> Self {
        Self {
            sources,
            starts: HashMap::new(),
            steps: HashMap::new(),
        }
    }

    /// Returns the line of a place, cleaned and cut.
    pub(super) fn around(&mut self, place: Place) -> ShownLine {
        let part = self.part(place);
        let line = self.line(place);
        let shown = &self.sources.file(place.file).text[part.clone()];
        let commands = holds_command(shown);
        let mut last = None;
        let first = place.column.saturating_sub(1);
        let start = first.saturating_sub(BEFORE);
        let marked = place.length.clamp(1, LONGEST_MARKER);
        let mut text = String::new();
        if start > 0 {
            text.push_str(CUT);
        }
        let mut marker = None;
        let mut end = None;
        for (position, character) in (start..).zip(shown.chars()) {
            if position == first {
                marker = Some(text.len());
            }
            if position == first + marked {
                end = Some(text.len());
            }
            if character == '\t' {
                text.push_str("    ");
            } else if commands && character == '#' && last == Some('#') {
                text.push_str("\\u{23}");
            } else {
                let mut buffer = [0; 4];
                text.push_str(&clean(character.encode_utf8(&mut buffer)));
            }
            last = Some(character);
        }
        let marker = marker.unwrap_or(text.len());
        let end = end.unwrap_or(text.len());
        if part.end < line.end {
            text.push_str(CUT);
        }
        ShownLine {
            text,
            marker: marker..end,
        }
    }

    /// Returns what is shown of the line of a place, in bytes of the file.
    pub(super) fn part(&mut self, place: Place) -> Range<usize> {
        let first = place.column.saturating_sub(1);
        let start = first.saturating_sub(BEFORE);
        let line = self.line(place);
        let start_byte = self.behind(place.file, &line, start);
        let rest = &self.sources.file(place.file).text[start_byte..line.end];
        let length = rest
            .char_indices()
            .nth(first - start + AFTER)
            .map_or(rest.len(), |(at, _)| at);
        start_byte..start_byte + length
    }

    /// Returns where a line goes on behind so many characters.
    fn behind(&mut self, file: FileId, line: &Range<usize>, characters: usize) -> usize {
        let text = &self.sources.file(file).text[line.clone()];
        let (known, left) = if text.len() > LONG_LINE {
            let steps = self.steps.entry((file, line.start)).or_insert_with(|| {
                text.char_indices()
                    .step_by(STEP)
                    .map(|(at, _)| at)
                    .collect()
            });
            match steps.get(characters / STEP) {
                Some(at) => (*at, characters % STEP),
                None => (text.len(), 0),
            }
        } else {
            (0, characters)
        };
        let rest = &text[known..];
        let at = rest.char_indices().nth(left);
        line.start + known + at.map_or(rest.len(), |(at, _)| at)
    }

    /// Returns where a line is, without its end; empty where the file has no such line.
    fn line(&mut self, place: Place) -> Range<usize> {
        let text: &str = &self.sources.file(place.file).text;
        let starts = self
            .starts
            .entry(place.file)
            .or_insert_with(|| line_starts(text));
        let Some(start) = place.line.checked_sub(1).and_then(|line| starts.get(line)) else {
            return 0..0;
        };
        let end = starts.get(place.line).copied().unwrap_or(text.len());
        let line = text[*start..end].trim_end_matches(['\r', '\n']);
        *start..start + line.len()
    }
}

/// Returns where lines start, as YAML counts them: after a line feed, a carriage return or both.
fn line_starts(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let feeds = text.match_indices('\n');
    let returns = text
        .match_indices('\r')
        .filter(|(at, _)| bytes.get(at + 1) != Some(&b'\n'));
    let mut starts: Vec<usize> = std::iter::once(0)
        .chain(feeds.chain(returns).map(|(at, _)| at + 1))
        .collect();
    starts.sort_unstable();
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_on_a_long_line_are_found_by_steps() {
        let text: String = ('a'..='\u{4ff}').cycle().take(20_000).collect();
        let text = format!("first\n{text}\nlast");
        let mut sources = Sources::default();
        let file = sources.add("a.yaml", text.as_str());
        let mut lines = Lines::new(&sources);
        let line = lines.line(Place {
            file,
            line: 2,
            column: 1,
            length: 1,
        });
        for characters in (0..20_100)
            .step_by(37)
            .chain([0, 255, 256, 257, 19_999, 20_000])
        {
            let walked = text[line.clone()].char_indices().nth(characters);
            let walked = walked.map_or(line.end, |(at, _)| line.start + at);
            assert_eq!(lines.behind(file, &line, characters), walked);
        }
        assert_eq!(lines.steps.len(), 1);
        assert_eq!(lines.steps[&(file, 6)].len(), 20_000_usize.div_ceil(STEP));
    }
}
