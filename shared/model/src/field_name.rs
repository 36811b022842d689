//! The name of a header field that a plugin writes.

/// A name that is added or removed. One that stands in the code is looked at when that is compiled, every other one before it is used.
#[derive(Debug, Clone)]
pub struct FieldName(Name);

#[derive(Debug, Clone)]
enum Name {
    /// It is one.
    Checked(&'static [u8]),
    Given(Vec<u8>),
}

impl FieldName {
    /// A name that stands in the code; for constants. What is no name stays one that is not valid.
    ///
    /// ```
    /// use meshward_model::FieldName;
    /// const ANSWER: FieldName = FieldName::constant(b"x-answer");
    /// const NOT_ONE: FieldName = FieldName::constant(b":path");
    /// assert!(ANSWER.is_valid() && !NOT_ONE.is_valid());
    /// ```
    #[must_use]
    pub const fn constant(name: &'static [u8]) -> Self {
        Self(if is_field_name(name) { Name::Checked(name) } else { Name::Given(Vec::new()) })
    }

    /// A name that came from elsewhere.
    pub fn given(name: impl Into<Vec<u8>>) -> Self {
        Self(Name::Given(name.into()))
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Name::Checked(name) => name,
            Name::Given(name) => name,
        }
    }

    /// Whether it is the name of a field (RFC 9110 5.6.2, lower case as in HTTP/2). Pseudo headers are what a request was allowed by, and
    /// are none.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        match &self.0 {
            Name::Checked(_) => true,
            Name::Given(name) => is_field_name(name.as_slice()),
        }
    }
}

/// Two names are equal when their bytes are.
impl PartialEq for FieldName {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for FieldName {}

/// Whether that is the name of a field; see [`FieldName::is_valid`].
#[must_use]
pub const fn is_field_name(name: &[u8]) -> bool {
    let mut rest = name;
    while let [byte, more @ ..] = rest {
        if !matches!(
            byte,
            b'a'..=b'z' | b'0'..=b'9' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~'
        ) {
            return false;
        }
        rest = more;
    }
    !name.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_token_in_lower_case() {
        let token = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&byte)
        };
        for byte in 0..=u8::MAX {
            assert_eq!(FieldName::given([b'x', byte]).is_valid(), token(byte), "{byte}");
        }
        assert!(!FieldName::given(b"").is_valid());
    }

    #[test]
    fn what_is_no_name_is_none_as_a_constant_either() {
        for wrong in [&b""[..], b":path", b"X-User", b"x user", b"x:", b"x\n", b"\xff"] {
            assert!(
                !FieldName::constant(wrong).is_valid() && !FieldName::given(wrong).is_valid(),
                "{wrong:?}"
            );
        }
        assert_eq!(FieldName::constant(b"x-user"), FieldName::given(b"x-user"));
        assert_ne!(FieldName::constant(b"x-user"), FieldName::given(b"x-role"));
    }
}
