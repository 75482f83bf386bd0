//! Names that look the same and are not: blanks at an end, unusual blanks and dashes, characters that
//! do not show, Unicode forms, letters of other scripts, case.
//!
//! [`skeleton`] is equal for names that look alike, [`difference`] says what sets two of them apart, and
//! [`in_quotes`] spells a name in YAML so that nothing of it can be missed.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;
use unicode_security::confusable_detection::skeleton as confusable;

/// Returns what a name looks like: names with the same skeleton look the same.
///
/// Goes beyond Unicode's skeletons (UTS #39), which heed case: `I`, `i`, `l` and `1` are one letter here,
/// so that a name in capitals looks like itself in small letters.
pub fn skeleton(name: &str) -> String {
    let mut seen = String::with_capacity(name.len() + 4);
    for word in name.split_whitespace() {
        let start = seen.len();
        if word.is_ascii() {
            word.chars()
                .for_each(|letter| push(letter.to_ascii_lowercase(), &mut seen));
        } else {
            word.nfkc()
                .filter(|letter| !is_invisible(*letter))
                .for_each(|letter| push_foreign(letter, &mut seen));
        }
        if start > 0 && seen.len() > start {
            seen.insert(start, ' ');
        }
    }
    seen
}

/// Pushes a letter of any alphabet: as the Latin letter that it, or its small form, looks like.
fn push_foreign(letter: char, seen: &mut String) {
    if letter.is_whitespace() {
        // Some blanks become one by normalization only.
        if !seen.is_empty() && !seen.ends_with(' ') {
            seen.push(' ');
        }
        return;
    }
    if is_dash(letter) {
        return seen.push('-');
    }
    let as_it_is = lowered_skeleton(letter.encode_utf8(&mut [0; 4]));
    let shown = if as_it_is.is_ascii() {
        as_it_is
    } else {
        let small: String = letter.to_lowercase().collect();
        let small = lowered_skeleton(&small);
        if small.is_ascii() { small } else { as_it_is }
    };
    shown.chars().for_each(|letter| push(letter, seen));
}

fn lowered_skeleton(text: &str) -> String {
    confusable(text).flat_map(char::to_lowercase).collect()
}

/// Pushes a small letter.
fn push(letter: char, seen: &mut String) {
    match letter {
        'i' | 'l' | '1' | '|' => seen.push('l'),
        '0' | 'o' => seen.push('o'),
        'm' => seen.push_str("rn"),
        other => seen.push(other),
    }
}

/// Returns a name without what is easily overlooked, but with its letters: case, Unicode forms, kinds
/// and numbers of blanks, kinds of dashes, characters that do not show.
pub fn folded(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    let visible = name.nfkc().filter(|character| !is_invisible(*character));
    for character in visible.flat_map(char::to_lowercase) {
        match character {
            _ if character.is_whitespace() => {
                if !folded.is_empty() && !folded.ends_with(' ') {
                    folded.push(' ');
                }
            }
            _ if is_dash(character) => folded.push('-'),
            '\u{2018}' | '\u{2019}' => folded.push('\''),
            '\u{201c}' | '\u{201d}' => folded.push('"'),
            _ => folded.push(character),
        }
    }
    folded.truncate(folded.trim_end().len());
    folded
}

fn is_dash(character: char) -> bool {
    matches!(character, '\u{2010}'..='\u{2015}' | '\u{2212}')
}

/// What sets apart two names that look alike.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Which of the two is out of the ordinary.
    pub odd: OddName,
    /// What is odd about it, to follow the name: `ends with a space`.
    pub what: String,
}

/// One of two names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OddName {
    /// The name that was asked for.
    Asked,
    /// The name that was found.
    Found,
}

/// Returns what sets apart two names that look alike; `None` if they are equal or look different.
pub fn difference(asked: &str, found: &str) -> Option<Difference> {
    if asked == found || skeleton(asked) != skeleton(found) {
        return None;
    }
    let at_an_end = [
        ("begins with", leading(asked), leading(found)),
        ("ends with", trailing(asked), trailing(found)),
    ];
    for (verb, asked, found) in at_an_end {
        let (odd, blanks) = match (asked, found) {
            (asked, found) if asked == found => continue,
            (asked, "") => (OddName::Asked, asked),
            (_, found) => (OddName::Found, found),
        };
        let what = format!("{verb} {}", describe_blanks(blanks));
        return Some(Difference { odd, what });
    }
    if asked.nfc().eq(found.nfc()) {
        let marks = |name: &str| name.chars().filter(|mark| is_combining_mark(*mark)).count();
        let odd = if marks(found) >= marks(asked) {
            OddName::Found
        } else {
            OddName::Asked
        };
        let what = "is written with combining marks".to_owned();
        return Some(Difference { odd, what });
    }
    Some(in_between(asked, found))
}

/// Finds the first character in which two names differ, case aside.
fn in_between(asked: &str, found: &str) -> Difference {
    let both = asked.chars().zip(found.chars());
    let same = both
        .take_while(|(one, other)| same_letter(*one, *other))
        .count();
    let (odd, character, in_place_of) = match (asked.chars().nth(same), found.chars().nth(same)) {
        (None, None) => {
            return Difference {
                odd: OddName::Found,
                what: "differs in case only".to_owned(),
            };
        }
        (Some(one), Some(other)) if is_plain(other) && !is_plain(one) => {
            (OddName::Asked, one, Some(other))
        }
        // A blank more is odd, not the letter that follows the only one.
        (Some(one), Some(other)) if one == ' ' && other != ' ' && is_plain(other) => {
            (OddName::Asked, one, Some(other))
        }
        (one, Some(other)) => (OddName::Found, other, one),
        (Some(one), None) => (OddName::Asked, one, None),
    };
    let what = describe_character(character, same + 1, in_place_of);
    Difference { odd, what }
}

fn same_letter(one: char, other: char) -> bool {
    one == other || one.to_lowercase().eq(other.to_lowercase())
}

/// Whether a character is what every keyboard has.
fn is_plain(character: char) -> bool {
    character == ' ' || character.is_ascii_graphic()
}

fn leading(name: &str) -> &str {
    &name[..name.len() - name.trim_start().len()]
}

fn trailing(name: &str) -> &str {
    &name[name.trim_end().len()..]
}

fn describe_blanks(blanks: &str) -> String {
    match blanks {
        " " => "a space".to_owned(),
        "\n" | "\r\n" | "\r" => "a line break".to_owned(),
        "\t" => "a tab".to_owned(),
        _ if blanks.chars().all(|blank| blank == ' ') => format!("{} spaces", blanks.len()),
        _ => {
            let codes: Vec<String> = blanks.chars().take(4).map(code_point).collect();
            codes.join(" ")
        }
    }
}

fn describe_character(character: char, place: usize, in_place_of: Option<char>) -> String {
    match (character_name(character), in_place_of) {
        (Some(name), _) => format!("has {} at {place} ({name})", code_point(character)),
        (None, Some(' ')) if character == ' ' => format!("has an extra space at {place}"),
        (None, _) if character == ' ' => format!("has a space at {place}"),
        (None, Some(other)) if is_plain(character) => {
            format!("has `{character}` at {place}, not `{other}`")
        }
        (None, Some(other)) if is_plain(other) => format!(
            "has {} at {place}, which looks like `{other}`",
            code_point(character)
        ),
        (None, _) => format!("has {} at {place}", code_point(character)),
    }
}

fn code_point(character: char) -> String {
    format!("U+{:04X}", u32::from(character))
}

/// Names the characters that get into names by copying from documents, mails and web pages.
fn character_name(character: char) -> Option<&'static str> {
    Some(match character {
        '\t' => "a tab",
        '\n' | '\r' => "a line break",
        '\u{a0}' => "a no-break space",
        '\u{ad}' => "a soft hyphen",
        '\u{2007}' => "a figure space",
        '\u{2009}' => "a thin space",
        '\u{200b}' => "a zero-width space",
        '\u{200c}' => "a zero-width non-joiner",
        '\u{200d}' => "a zero-width joiner",
        '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            "a direction mark"
        }
        '\u{2010}' => "a hyphen",
        '\u{2011}' => "a no-break hyphen",
        '\u{2012}' => "a figure dash",
        '\u{2013}' => "an en dash",
        '\u{2014}' => "an em dash",
        '\u{2018}' | '\u{2019}' | '\u{201c}' | '\u{201d}' => "a curly quote",
        '\u{202f}' => "a narrow no-break space",
        '\u{2060}' => "a word joiner",
        '\u{2212}' => "a minus sign",
        '\u{3000}' => "an ideographic space",
        '\u{feff}' => "a byte-order mark",
        _ if character.is_control() => "a control character",
        _ if character != ' ' && character.is_whitespace() => "a space",
        _ if is_invisible(character) => "an invisible character",
        _ => return None,
    })
}

/// Whether nothing shows where the character stands: controls, and Unicode's default ignorable code
/// points. Blanks are not among them.
fn is_invisible(character: char) -> bool {
    (character.is_control() && !character.is_whitespace())
        || matches!(
            character,
            '\u{ad}'
                | '\u{34f}'
                | '\u{61c}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{202a}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fff8}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Returns a name in the double quotes of YAML, with escapes for what does not show; `None` if it can
/// be written as it is shown.
pub fn in_quotes(name: &str) -> Option<String> {
    let is_hidden = |character: char| {
        is_invisible(character) || (character.is_whitespace() && character != ' ')
    };
    if name.trim() == name && !name.contains(is_hidden) {
        return None;
    }
    let mut quoted = "\"".to_owned();
    for character in name.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            _ if is_hidden(character) => {
                let code = u32::from(character);
                // Writing to a string cannot fail.
                let _ = match code {
                    ..=0xffff => write!(quoted, "\\u{code:04x}"),
                    _ => write!(quoted, "\\U{code:08x}"),
                };
            }
            _ => quoted.push(character),
        }
    }
    quoted.push('"');
    Some(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says what sets a name that was found apart from the one that was asked for.
    fn found(asked: &str, found: &str) -> String {
        match difference(asked, found) {
            None => String::new(),
            Some(Difference {
                odd: OddName::Found,
                what,
            }) => what,
            Some(Difference {
                odd: OddName::Asked,
                what,
            }) => format!("asked {what}"),
        }
    }

    #[test]
    fn f01_what_sets_names_apart_that_look_the_same() {
        for (asked, other, expected) in [
            ("SG-Trail", "SG-Trail ", "ends with a space"),
            ("SG-Trail ", "SG-Trail", "asked ends with a space"),
            ("SG-Lead", "  SG-Lead", "begins with 2 spaces"),
            ("SG-App", "SG-App\r\n", "ends with a line break"),
            ("SG-App", "SG-App\u{a0}", "ends with U+00A0"),
            (
                "SG-Nbsp Users",
                "SG-Nbsp\u{a0}Users",
                "has U+00A0 at 8 (a no-break space)",
            ),
            (
                "SG-Nbsp\u{a0}Users",
                "SG-Nbsp Users",
                "asked has U+00A0 at 8 (a no-break space)",
            ),
            (
                "SG-ZwspPilot",
                "SG-Zwsp\u{200b}Pilot",
                "has U+200B at 8 (a zero-width space)",
            ),
            (
                "Win - Dash - Edge",
                "Win - Dash \u{2013} Edge",
                "has U+2013 at 12 (an en dash)",
            ),
            (
                "Gr\u{f6}\u{df}e",
                "Gro\u{308}\u{df}e",
                "is written with combining marks",
            ),
            (
                "Gro\u{308}\u{df}e",
                "Gr\u{f6}\u{df}e",
                "asked is written with combining marks",
            ),
            (
                "SG-Pilot",
                "SG-Pil\u{43e}t",
                "has U+043E at 7, which looks like `o`",
            ),
            ("SG-Pllot", "SG-Pilot", "has `i` at 5, not `l`"),
            ("Ring 0", "Ring O", "has `O` at 6, not `0`"),
            ("A B", "A  B", "has a space at 3"),
            ("A  B", "A B", "asked has a space at 3"),
            ("win - a", "Win - A", "differs in case only"),
            (
                "A\u{fb01}",
                "Afi",
                "asked has U+FB01 at 2, which looks like `f`",
            ),
            ("A", "A", ""),
            ("A", "B", ""),
        ] {
            assert_eq!(found(asked, other), expected, "{asked:?} {other:?}");
        }
    }

    #[test]
    fn f01_a_name_is_spelled_so_that_nothing_of_it_is_missed() {
        for (name, expected) in [
            ("SG-Trail", None),
            ("Größe – 👋", None),
            ("SG-Trail ", Some(r#""SG-Trail ""#)),
            ("a\u{a0}\"b\"\r\n", Some(r#""a\u00a0\"b\"\r\n""#)),
            ("a\u{e0001}", Some(r#""a\U000e0001""#)),
        ] {
            assert_eq!(in_quotes(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn names_that_look_the_same_have_the_same_skeleton() {
        for (one, other) in [
            ("SG-Pilot", "sg-PILOT"),
            ("SG-Pilot", " SG-Pilot "),
            ("SG Pilot", "SG\u{a0} Pilot"),
            ("SG Pilot", "SG  Pilot"),
            ("SG-Pilot", "SG-Pil\u{200b}ot"),
            ("SG-Pilot", "SG-Pi1ot"),
            ("SG-PILOT", "SG-PlLOT"),
            // Cyrillic.
            ("SG-Pilot", "SG-Рil\u{43e}t"),
            ("BASE", "В\u{410}SE"),
            // Composed and combining, full width, ligature.
            ("Büro", "Bu\u{308}ro"),
            ("SG-A", "ＳＧ－Ａ"),
            ("office", "o\u{fb03}ce"),
            ("modern", "modem"),
            ("Win - A", "Win – A"),
            ("Win - A", "Win — A"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} / {other}");
        }
    }

    #[test]
    fn names_that_look_different_have_different_skeletons() {
        for (one, other) in [
            ("", "a"),
            ("SG-Pilot", "SG-Pilots"),
            ("SG-Ring 1", "SG-Ring 2"),
            ("Zürich", "Zurich"),
            ("SG Pilot", "SGPilot"),
            ("日本", "日木"),
        ] {
            assert_ne!(skeleton(one), skeleton(other), "{one} / {other}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_two_names_can_be_compared(one: String, other: String) {
            difference(&one, &other);
            difference(&one, &format!(" {one}"));
            proptest::prop_assert_eq!(skeleton(&one), skeleton(&format!("{one} ")));
        }
    }
}
