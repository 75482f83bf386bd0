//! Texts with their escapes undone, and where what is found in them was written.

use std::ops::Range;

/// A text with its escapes undone once.
pub(super) struct Layer {
    pub(super) bytes: Vec<u8>,
    /// The escapes: where their bytes are here, and where they were written.
    escapes: Vec<(Range<usize>, Range<usize>)>,
}

impl Layer {
    /// Undoes the escapes of URLs, of JSON and of HTML; none where there are none.
    pub(super) fn below(text: &[u8]) -> Option<Self> {
        let mut layer = Self {
            bytes: Vec::new(),
            escapes: Vec::new(),
        };
        let mut end = 0;
        let mut at = 0;
        while let Some(found) = text[at..].iter().position(|byte| b"%\\&".contains(byte)) {
            at += found;
            let Some((value, length)) = escape(&text[at..]) else {
                at += 1;
                continue;
            };
            layer.bytes.extend_from_slice(&text[end..at]);
            let start = layer.bytes.len();
            layer.bytes.extend_from_slice(&value);
            layer
                .escapes
                .push((start..layer.bytes.len(), at..at + length));
            at += length;
            end = at;
        }
        layer.bytes.extend_from_slice(&text[end..]);
        (!layer.escapes.is_empty()).then_some(layer)
    }

    /// Returns where a part of this text was written.
    pub(super) fn written(&self, part: Range<usize>) -> Range<usize> {
        let place = |at: usize, is_end: bool| {
            let before = self.escapes.partition_point(|(here, _)| here.start <= at);
            let Some((here, written)) = before
                .checked_sub(1)
                .and_then(|last| self.escapes.get(last))
            else {
                return at;
            };
            match at {
                _ if at >= here.end => written.end + (at - here.end),
                _ if is_end && at > here.start => written.end,
                _ => written.start,
            }
        };
        place(part.start, false)..place(part.end, true)
    }
}

/// Reads an escape: its bytes, and how long it is.
fn escape(text: &[u8]) -> Option<(Vec<u8>, usize)> {
    let number = |digits: &[u8]| {
        let digits = std::str::from_utf8(digits).ok()?;
        digits
            .bytes()
            .all(|digit| digit.is_ascii_hexdigit())
            .then(|| u32::from_str_radix(digits, 16).ok())?
    };
    match text {
        [b'%', high, low, ..] => {
            let value = number(&[*high, *low])?;
            Some((vec![u8::try_from(value).ok()?], 3))
        }
        [b'\\', b'u', digits @ ..] => {
            let character = char::from_u32(number(digits.get(..4)?)?)?;
            Some((character.to_string().into_bytes(), 6))
        }
        // As Markdown for a comment spells what would mean something there.
        [b'&', b'#', rest @ ..] => {
            let length = rest.iter().take(8).position(|byte| *byte == b';')?;
            let digits = std::str::from_utf8(&rest[..length]).ok()?;
            let character = char::from_u32(digits.parse().ok()?)?;
            Some((character.to_string().into_bytes(), length + 3))
        }
        [b'\\', punctuation, ..] if punctuation.is_ascii_punctuation() => {
            Some((vec![*punctuation], 2))
        }
        _ => None,
    }
}
