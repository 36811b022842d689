//! Escapes, names that some take for others, and how readings are kept.

use super::*;

fn text(text: &str) -> Reading<'_> {
    Reading::Text(Cow::Borrowed(text))
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn escapes_are_decoded_once_and_no_further() {
    for (raw, expected) in [
        (&b"plain"[..], text("plain")),
        (b"", text("")),
        (b"a%20b", text("a b")),
        (b"%c3%A9", text("é")),
        (b"100%25", text("100%")),
        (b"100%25 of", text("100% of")),
        (b"%2561", Reading::Unclear),
        (b"%25%36%31", Reading::Unclear),
        (b"%", Reading::Unclear),
        (b"%6", Reading::Unclear),
        (b"%zz", Reading::Unclear),
        (b"%u0061", Reading::Unclear),
        (b"%00", Reading::Unclear),
        (b"a%0d%0a", Reading::Unclear),
        (b"a%09b", text("a\tb")),
        (b"%ff", Reading::Unclear),
        (b"\xff", Reading::Unclear),
        (b"%c0%af", Reading::Unclear),
    ] {
        assert_eq!(decoded(raw), expected, "{}", raw.escape_ascii());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_name_is_this_one_for_all_for_some_or_for_nobody() {
    for (raw, expected) in [
        (&b"user_id"[..], Named::Yes),
        (b"%75ser_id", Named::Yes),
        (b"user%5Fid", Named::Yes),
        (b"User_ID", Named::ForSome),
        (b"user.id", Named::ForSome),
        (b"user%20id", Named::ForSome),
        (b"user+id", Named::ForSome),
        (b"user_id[]", Named::ForSome),
        (b"user_id[0]", Named::ForSome),
        (b"user%5Bid", Named::ForSome),
        (b" user_id", Named::ForSome),
        (b"user_id%00x", Named::ForSome),
        (b"%2575ser_id", Named::ForSome),
        (b"%252575ser_id", Named::ForSome),
        (b"%25252575ser_id", Named::ForSome),
        (b"%zz", Named::ForSome),
        (b"user_ids", Named::No),
        (b"xuser_id", Named::No),
        (b"user-id", Named::No),
        (b"user", Named::No),
        (b"", Named::No),
        (b"100%25", Named::ForSome),
    ] {
        assert_eq!(named(raw, "user_id"), expected, "{}", raw.escape_ascii());
    }
}

#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
#[cfg_attr(not(target_arch = "wasm32"), test)]
fn a_reading_is_kept_once_and_too_many_are_unclear() {
    let mut readings = Readings::default();
    assert!(readings.is_empty() && readings.one().is_none());
    readings.add(text("a"));
    readings.add_bytes(b"a");
    assert_eq!((readings.iter().count(), readings.one()), (1, Some("a")));
    let texts: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    for one in &texts {
        readings.add(text(one));
    }
    assert_eq!(readings.iter().count(), MAX_READINGS + 1);
    assert_eq!(readings.iter().last(), Some(&Reading::Unclear));
    assert_eq!(Readings::only(text("")).one(), None);
    assert_eq!(Readings::only(Reading::Absent).one(), None);
}
