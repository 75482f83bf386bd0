//! GUIDs as Graph uses them: compared without case, kept in lower case.

use std::fmt;

/// A GUID in its hyphenated form, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(String);

impl Guid {
    /// Reads the hyphenated form of a GUID, in any case. Braces and other spellings are refused,
    /// since the service refuses them too.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = text.as_bytes();
        let well_formed = bytes.len() == 36
            && bytes.iter().enumerate().all(|(index, byte)| match index {
                8 | 13 | 18 | 23 => *byte == b'-',
                _ => byte.is_ascii_hexdigit(),
            });
        well_formed.then(|| Self(text.to_ascii_lowercase()))
    }

    /// Returns the GUID's text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_a_guid() {
        let guid = Guid::parse("6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e").expect("a GUID");
        assert_eq!(guid.as_str(), "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e");
        for wrong in [
            "",
            "6f1c0a520d0c4b8e9f2d1b8a2a3c4d5e",
            "{6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e}",
            "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5g",
            "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5é",
        ] {
            assert_eq!(Guid::parse(wrong), None, "{wrong}");
        }
    }
}
