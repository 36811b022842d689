//! The handover: what `authn` tells the plugin after it (`wasm.meshward_authn` in filter state), in bytes.
//!
//! `[version, token?]`, then, where there is a token, its issuer, its subject and its claims. Numbers are little-endian, lengths are
//! `u32`, every value begins with a byte that says what it is. Version N reads N − 1, so that modules may be upgraded one by one;
//! there is one version so far.

use meshward_model::{Claim, Token, Written};

/// The version that is written.
const VERSION: u8 = 1;
/// How deep claims may lie one inside another.
const MAX_DEPTH: u32 = 16;

/// The room that is made for one: most fit, and a longer one makes more.
const USUAL_BYTES: usize = 1024;

const NULL: u8 = 0;
const FALSE: u8 = 1;
const TRUE: u8 = 2;
const INTEGER: u8 = 3;
const REAL: u8 = 4;
const TEXT: u8 = 5;
const LIST: u8 = 6;
const MAP: u8 = 7;

/// The handover is of a version that is not known here, or is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unreadable;

/// The handover of a request with this token, or with none.
pub(crate) fn encode(token: Option<&Token>) -> Vec<u8> {
    token.map_or_else(|| vec![VERSION, NULL], |token| token.written(encode_token).to_vec())
}

fn encode_token(token: &Token) -> Vec<u8> {
    let Token { issuer, subject, claims, .. } = token;
    let mut bytes = Vec::with_capacity(USUAL_BYTES);
    bytes.extend_from_slice(&[VERSION, MAP]);
    text(&mut bytes, issuer);
    match subject {
        Some(subject) => {
            bytes.push(TEXT);
            text(&mut bytes, subject);
        }
        None => bytes.push(NULL),
    }
    members(&mut bytes, claims);
    bytes
}

/// Reads a handover.
pub(crate) fn decode(bytes: &[u8]) -> Result<Option<Token>, Unreadable> {
    let mut reader = Reader { rest: bytes };
    let token = reader.handover().ok_or(Unreadable)?;
    if reader.rest.is_empty() { Ok(token) } else { Err(Unreadable) }
}

fn length(bytes: &mut Vec<u8>, length: usize) {
    // What is written was read of a header, and headers are far shorter; a longer one would not be read again.
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
}

fn text(bytes: &mut Vec<u8>, text: &str) {
    length(bytes, text.len());
    bytes.extend_from_slice(text.as_bytes());
}

fn members(bytes: &mut Vec<u8>, members: &[(String, Claim)]) {
    length(bytes, members.len());
    for (name, claim) in members {
        text(bytes, name);
        value(bytes, claim);
    }
}

fn value(bytes: &mut Vec<u8>, claim: &Claim) {
    match claim {
        Claim::Null => bytes.push(NULL),
        Claim::Bool(false) => bytes.push(FALSE),
        Claim::Bool(true) => bytes.push(TRUE),
        Claim::Integer(number) => {
            bytes.push(INTEGER);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Claim::Real(number) => {
            bytes.push(REAL);
            bytes.extend_from_slice(&number.to_le_bytes());
        }
        Claim::Text(words) => {
            bytes.push(TEXT);
            text(bytes, words);
        }
        Claim::List(claims) => {
            bytes.push(LIST);
            length(bytes, claims.len());
            claims.iter().for_each(|claim| value(bytes, claim));
        }
        Claim::Map(claims) => {
            bytes.push(MAP);
            members(bytes, claims);
        }
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn handover(&mut self) -> Option<Option<Token>> {
        if self.byte()? != VERSION {
            return None;
        }
        match self.byte()? {
            NULL => Some(None),
            MAP => {
                let issuer = self.text()?;
                let subject = match self.byte()? {
                    NULL => None,
                    TEXT => Some(self.text()?),
                    _ => return None,
                };
                let claims = self.members(MAX_DEPTH)?;
                Some(Some(Token { issuer, subject, claims, written: Written::default() }))
            }
            _ => None,
        }
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn length(&mut self) -> Option<usize> {
        usize::try_from(u32::from_le_bytes(self.take(4)?.try_into().ok()?)).ok()
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        core::str::from_utf8(self.take(length)?).ok().map(str::to_owned)
    }

    fn members(&mut self, depth: u32) -> Option<Vec<(String, Claim)>> {
        // Nothing is reserved by what the bytes claim of themselves.
        let mut members = Vec::new();
        for _ in 0..self.length()? {
            members.push((self.text()?, self.value(depth)?));
        }
        Some(members)
    }

    fn value(&mut self, depth: u32) -> Option<Claim> {
        let deeper = depth.checked_sub(1)?;
        Some(match self.byte()? {
            NULL => Claim::Null,
            FALSE => Claim::Bool(false),
            TRUE => Claim::Bool(true),
            INTEGER => Claim::Integer(i64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            REAL => Claim::Real(f64::from_le_bytes(self.take(8)?.try_into().ok()?)),
            TEXT => Claim::Text(self.text()?),
            LIST => {
                let mut claims = Vec::new();
                for _ in 0..self.length()? {
                    claims.push(self.value(deeper)?);
                }
                Claim::List(claims)
            }
            MAP => Claim::Map(self.members(deeper)?),
            _ => return None,
        })
    }
}

#[cfg(test)]
#[path = "handover_tests.rs"]
mod tests;
