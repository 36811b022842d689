//! Istio's string matches: exact, `prefix*`, `*suffix`, `*`.

/// A string match over bytes, case-sensitive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pattern {
    /// `*`: anything that is there.
    Any,
    /// Exactly this.
    Exact(Box<[u8]>),
    /// Begins with this.
    Prefix(Box<[u8]>),
    /// Ends with this.
    Suffix(Box<[u8]>),
}

impl Pattern {
    /// Reads a value as Istio does: `*`, else a leading `*` makes a suffix, else a trailing `*` a prefix; any other `*` is itself.
    pub fn new(text: &str) -> Self {
        if text == "*" {
            Self::Any
        } else if let Some(suffix) = text.strip_prefix('*') {
            Self::Suffix(suffix.as_bytes().into())
        } else if let Some(prefix) = text.strip_suffix('*') {
            Self::Prefix(prefix.as_bytes().into())
        } else {
            Self::Exact(text.as_bytes().into())
        }
    }

    /// Whether `value` matches.
    pub fn matches(&self, value: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => value == &**exact,
            Self::Prefix(prefix) => value.starts_with(prefix),
            Self::Suffix(suffix) => value.ends_with(suffix),
        }
    }

    /// Whether `value` matches, letter case (ASCII) aside.
    pub fn matches_ignoring_case(&self, value: &[u8]) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => value.eq_ignore_ascii_case(exact),
            Self::Prefix(prefix) => {
                value.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
            }
            Self::Suffix(suffix) => value
                .len()
                .checked_sub(suffix.len())
                .and_then(|start| value.get(start..))
                .is_some_and(|end| end.eq_ignore_ascii_case(suffix)),
        }
    }

    /// The literal part, without the `*`.
    pub fn literal(&self) -> &[u8] {
        match self {
            Self::Any => b"",
            Self::Exact(text) | Self::Prefix(text) | Self::Suffix(text) => text,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, value: &str) -> bool {
        Pattern::new(pattern).matches(value.as_bytes())
    }

    #[test]
    fn the_star_stands_for_the_open_end() {
        assert!(matches("abc", "abc") && !matches("abc", "abcd") && !matches("abc", "xabc"));
        assert!(matches("ab*", "abc") && matches("ab*", "ab") && !matches("ab*", "xab"));
        assert!(matches("*bc", "abc") && matches("*bc", "bc") && !matches("*bc", "bcx"));
        assert!(matches("*", "") && matches("*", "x"));
    }

    #[test]
    fn a_star_elsewhere_is_a_star() {
        assert!(matches("*b*", "ab*") && !matches("*b*", "abc"));
        assert!(matches("a*c", "a*c") && !matches("a*c", "abc"));
    }

    #[test]
    fn case_is_ignored_only_where_asked_for() {
        let ignoring =
            |pattern: &str, value: &str| Pattern::new(pattern).matches_ignoring_case(value.as_bytes());
        assert!(ignoring("Ab*", "aBc") && ignoring("*bC", "abc") && ignoring("aBc", "AbC"));
        assert!(!ignoring("ab*", "a") && !ignoring("*abcd", "bcd") && !ignoring("abc", "abd"));
        assert!(!matches("abc", "ABC"));
    }
}
