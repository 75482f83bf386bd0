//! GUIDs as Graph uses them: compared without case, kept in lower case.

use std::fmt;

use uuid::Uuid;

/// A GUID in its hyphenated form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Guid(Uuid);

impl Guid {
    /// Reads the hyphenated form of a GUID, in any case. Braces and other spellings are refused,
    /// since the service refuses them too.
    pub fn parse(text: &str) -> Option<Self> {
        const HYPHENATED: usize = uuid::fmt::Hyphenated::LENGTH;
        (text.len() == HYPHENATED).then(|| Uuid::try_parse(text).ok().map(Self))?
    }

    /// Whether it is the zero GUID, which stands for none.
    pub fn is_zero(self) -> bool {
        self.0.is_nil()
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(formatter)
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_hyphenated_form_is_a_guid() {
        let guid = Guid::parse("6F1C0A52-0d0c-4b8e-9f2d-1b8a2a3c4d5e").expect("a GUID");
        assert_eq!(guid.to_string(), "6f1c0a52-0d0c-4b8e-9f2d-1b8a2a3c4d5e");
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
