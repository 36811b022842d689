//! The token of a request: `Authorization: Bearer …` (RFC 6750 §2.1), and nothing else.

use meshward_model::{Headers, NotSingle, Reason};

const AUTHORIZATION: &[u8] = b"authorization";
const SCHEME: &[u8] = b"bearer";

/// The token, as sent; `None` where there is none. Credentials of another scheme are no token.
///
/// # Errors
/// [`Reason::TokenRepeated`] when there is more than one header, or one that may have been joined of several: then nobody can tell
/// which of them the service behind will take. [`Reason::TokenMalformed`] when nothing follows the scheme.
pub(crate) fn find(headers: &Headers) -> Result<Option<&[u8]>, Reason> {
    let value = match headers.single(AUTHORIZATION) {
        Ok(value) => value,
        Err(NotSingle::Missing) => return Ok(None),
        Err(NotSingle::Repeated) => return Err(Reason::TokenRepeated),
    };
    if value.contains(&b',') {
        // Other schemes have lists of parameters; a token among them is one too many.
        let one = |part: &[u8]| matches!(credentials(part.trim_ascii()), Ok(None));
        return if value.split(|byte| *byte == b',').all(one) {
            Ok(None)
        } else {
            Err(Reason::TokenRepeated)
        };
    }
    credentials(value)
}

fn credentials(value: &[u8]) -> Result<Option<&[u8]>, Reason> {
    let Some((scheme, rest)) = value.split_at_checked(SCHEME.len()) else { return Ok(None) };
    if !scheme.eq_ignore_ascii_case(SCHEME) {
        return Ok(None);
    }
    match rest {
        [] => Err(Reason::TokenMalformed),
        [b' ', ..] => {
            let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
            match rest.get(spaces..).unwrap_or_default() {
                [] => Err(Reason::TokenMalformed),
                token => Ok(Some(token)),
            }
        }
        // A longer word is another scheme; anything else behind the scheme is no space.
        [byte, ..] if byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte) => Ok(None),
        [_, ..] => Err(Reason::TokenMalformed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(values: &[&[u8]]) -> Headers {
        let mut builder = Headers::builder();
        for value in values {
            builder.push(b"Authorization", value);
        }
        builder.push(b"x-authorization", b"Bearer no");
        builder.build()
    }

    #[test]
    fn the_scheme_is_read_in_any_letter_case_and_the_token_as_it_is() {
        for value in ["Bearer a.b.c", "bearer a.b.c", "BEARER a.b.c", "bEaReR   a.b.c"] {
            assert_eq!(find(&headers(&[value.as_bytes()])), Ok(Some(&b"a.b.c"[..])), "{value}");
        }
        assert_eq!(find(&headers(&[b"Bearer a b "])), Ok(Some(&b"a b "[..])));
    }

    #[test]
    fn other_credentials_are_no_token() {
        let others = [
            "",
            "Basic YTpi",
            "DPoP a.b.c",
            "Bearers a.b.c",
            "bear",
            "Bearer-x a",
            "Digest a=\"b\", c=d",
            "a,b",
        ];
        for value in others {
            assert_eq!(find(&headers(&[value.as_bytes()])), Ok(None), "{value}");
        }
        assert_eq!(find(&headers(&[])), Ok(None));
    }

    #[test]
    fn two_headers_or_one_that_may_have_been_two_are_refused() {
        for values in [
            &[&b"Bearer a.b.c"[..], b"Bearer a.b.c"][..],
            &[b"Bearer a.b.c", b"Basic YTpi"],
            &[b"Basic YTpi", b"Basic YTpi"],
            &[b"Bearer a.b.c, Bearer d.e.f"],
            &[b"Bearer a.b.c,Basic YTpi"],
            &[b"Basic YTpi,\tbearer a.b.c"],
            &[b"Bearer a.b.c,"],
            &[b", Bearer"],
        ] {
            assert_eq!(find(&headers(values)), Err(Reason::TokenRepeated), "{values:?}");
        }
    }

    #[test]
    fn a_scheme_without_a_token_is_malformed() {
        for value in [
            &b"Bearer"[..],
            b"Bearer ",
            b"bearer   ",
            b"Bearer\ta.b.c",
            b"Bearer:a.b.c",
            b"Bearer\0a",
            b"Bearer\xa0a",
        ] {
            assert_eq!(find(&headers(&[value])), Err(Reason::TokenMalformed), "{value:?}");
        }
    }
}
