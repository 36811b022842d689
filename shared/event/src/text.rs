//! Text from outside, made safe to write down.

/// Bytes a caller sent, as text for one line: at most `longest` characters (then `…`), invalid UTF-8 and everything that could
/// break a line, move a cursor or turn the reading direction replaced by U+FFFD.
///
/// ```
/// assert_eq!(meshward_event::text::printable(b"/a\x1b[2J\n\xff", 20), "/a\u{fffd}[2J\u{fffd}\u{fffd}");
/// assert_eq!(meshward_event::text::printable(b"/abcdef", 3), "/ab…");
/// ```
pub fn printable(bytes: &[u8], longest: usize) -> String {
    // A character has at most four bytes, so what lies beyond is never looked at.
    let reach = longest.saturating_add(1).saturating_mul(4);
    let text = String::from_utf8_lossy(bytes.get(..reach).unwrap_or(bytes));
    let mut letters = text.chars().map(|letter| if is_unsafe(letter) { '\u{fffd}' } else { letter });
    let mut safe: String = letters.by_ref().take(longest).collect();
    if letters.next().is_some() {
        safe.push('…');
    }
    safe
}

/// Control characters, line and paragraph separators, and the characters that change the direction of what follows.
fn is_unsafe(letter: char) -> bool {
    letter.is_control()
        || matches!(letter, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn what_could_break_a_line_is_replaced() {
        assert_eq!(
            printable("a\r\nb\u{7f}\u{85}\u{2028}\u{202e}c".as_bytes(), 99),
            "a\u{fffd}\u{fffd}b\u{fffd}\u{fffd}\u{fffd}\u{fffd}c"
        );
        assert_eq!(printable("é€😀".as_bytes(), 99), "é€😀");
    }

    #[test]
    fn length_is_counted_in_characters_and_the_cut_is_marked() {
        assert_eq!(printable("ééé".as_bytes(), 3), "ééé");
        assert_eq!(printable("éééé".as_bytes(), 3), "ééé…");
        assert_eq!(printable("😀😀😀😀😀😀😀😀".as_bytes(), 2), "😀😀…");
        assert_eq!(printable(b"", 0), "");
    }

    #[cfg(not(target_arch = "wasm32"))]
    proptest::proptest! {
        #[test]
        fn no_bytes_give_more_than_was_asked_for(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..200), longest in 0..50_usize) {
            let safe = printable(&bytes, longest);
            proptest::prop_assert!(safe.chars().count() <= longest.saturating_add(1));
            proptest::prop_assert!(!safe.chars().any(char::is_control));
        }
    }
}
