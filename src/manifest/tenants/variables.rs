//! Variables in text: `${name}` stands for a value, `$${` for a literal `${`.

use std::borrow::Cow;

/// What is wrong with a variable in a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// `${` without `}`.
    Open,
    /// What stands between the braces is not a name.
    NotAName(String),
    /// There is no such variable.
    Unknown(String),
}

/// Whether a text can name a variable.
pub(super) fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    let fits = |character: char| character.is_ascii_alphanumeric() || "_-".contains(character);
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(fits)
}

/// Fills variables in. All that is wrong is returned, if anything is.
pub(super) fn filled<'v>(
    text: &str,
    mut value: impl FnMut(&str) -> Option<&'v str>,
) -> Result<String, Vec<Fault>> {
    let mut filled = String::with_capacity(text.len());
    let mut faults = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        filled.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(after) = rest.strip_prefix("$${") {
            filled.push_str("${");
            rest = after;
        } else if let Some(after) = rest.strip_prefix("${") {
            let Some((name, after)) = after.split_once('}') else {
                faults.push(Fault::Open);
                rest = "";
                continue;
            };
            match value(name) {
                Some(value) => filled.push_str(value),
                None if is_name(name) => faults.push(Fault::Unknown(name.to_owned())),
                None => faults.push(Fault::NotAName(name.to_owned())),
            }
            rest = after;
        } else {
            filled.push('$');
            rest = &rest[1..];
        }
    }
    filled.push_str(rest);
    match faults.is_empty() {
        true => Ok(filled),
        false => Err(faults),
    }
}

/// Spells a text so that no part of it is taken for a variable.
pub fn escaped(text: &str) -> Cow<'_, str> {
    match text.contains("${") {
        true => Cow::Owned(text.replace("${", "$${")),
        false => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Vec<Fault>> {
        filled(text, |name| match name {
            "a" => Some("A"),
            "nested" => Some("${a}"),
            "nothing" => Some(""),
            _ => None,
        })
    }

    #[test]
    fn values_stand_where_variables_stood() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain"),
            ("${a}", "A"),
            ("x${a}y${a}", "xAyA"),
            ("${nothing}", ""),
            ("${nested}", "${a}"),
            ("$${a}", "${a}"),
            ("$$${a}", "$${a}"),
            ("$a {a} $ $$", "$a {a} $ $$"),
        ] {
            assert_eq!(fill(text), Ok(expected.to_owned()), "{text}");
        }
    }

    #[test]
    fn every_fault_is_found() {
        assert_eq!(
            fill("${b} ${} ${a b} ${a} ${a"),
            Err(vec![
                Fault::Unknown("b".to_owned()),
                Fault::NotAName(String::new()),
                Fault::NotAName("a b".to_owned()),
                Fault::Open,
            ])
        );
    }

    proptest::proptest! {
        #[test]
        fn what_is_escaped_is_read_as_it_was(text in "[${}a]{0,12}") {
            proptest::prop_assert_eq!(fill(&escaped(&text)), Ok(text));
        }
    }
}
