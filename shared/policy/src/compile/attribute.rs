//! The part of a request that a typed condition names.

use meshward_config::{Place, Problems};
use meshward_decide::Uses;
use meshward_http::template::{Template, capture};
use meshward_model::Code;
use meshward_reading::attribute::{Attribute, PeerPart};

use super::document::Context;
use super::values::{Wrong, wrong};
use super::{claim, condition};
use crate::raw::RawTo;
use crate::shape::Fields;

/// The longest name of a parameter or a cookie, in bytes.
const MAX_NAME: usize = 256;

/// The attribute that `fields` name, where the first that may stands at `start`; `to` is what the rule is about, where captures are.
/// `None` where it is none.
pub(super) fn compile(
    place: &Place<'_>,
    context: Context<'_>,
    (fields, start): (&Fields, usize),
    to: &[RawTo],
    uses: &mut Uses,
    problems: &mut Problems,
) -> Option<Attribute> {
    let mut given = (0..FIELDS.len()).filter(|at| fields.has(start.saturating_add(*at)));
    let (Some(which), None) = (given.next(), given.next()) else {
        problems.add(
            Code::MixedCondition,
            place,
            "a condition speaks of one attribute",
            "name one of `claim`, `header`, `query`, `cookie`, `capture`, `peer` and `request`; further conditions are further entries",
        );
        return None;
    };
    let at = start.saturating_add(which);
    let text = fields.text(at).map(String::as_str).unwrap_or_default();
    let field = FIELDS.get(which).copied().unwrap_or_default();
    // The peer and the path in its one form are read apart; the rest is in the headers, `:path` with its query among them.
    match field {
        "claim" => {}
        "peer" => uses.peer = true,
        "capture" | "request" => uses.path = true,
        _ => uses.headers = true,
    }
    let attribute = match field {
        "claim" => {
            let names = fields.texts(at).map(Vec::as_slice).unwrap_or_default();
            return claim::path(place, context, names, problems).map(Attribute::Claim);
        }
        "header" => condition::header(context, text).map(Attribute::Header),
        "query" => parameter(text).map(Attribute::Query),
        "cookie" => cookie(text).map(Attribute::Cookie),
        "capture" => captured(text, to),
        "peer" => {
            let part = fields.word(at).and_then(|word| PARTS.get(word));
            return part.copied().map(Attribute::Peer);
        }
        _ => return Some(Attribute::Path),
    };
    match attribute {
        Ok(attribute) => Some(attribute),
        Err(Wrong { code, message, help }) => {
            problems.add(code, &place.field(field), message, help);
            None
        }
    }
}

/// The fields that name attributes, in the order in which they stand in a condition.
const FIELDS: [&str; 7] = ["claim", "header", "query", "cookie", "capture", "peer", "request"];

/// Parts of the peer, in the order of their words.
const PARTS: [PeerPart; 4] =
    [PeerPart::Principal, PeerPart::Namespace, PeerPart::ServiceAccount, PeerPart::TrustDomain];

fn parameter(name: &str) -> Result<Box<str>, Wrong> {
    let good = |byte: u8| !byte.is_ascii_control() && !b"+%&=;#".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(good) {
        return wrong(
            Code::BadAttributeName,
            format!("`{name}` is no name of a parameter that all readers read alike"),
            "write the name as it is when decoded, without `+ % & = ; #` and control characters",
        );
    }
    Ok(name.into())
}

fn cookie(name: &str) -> Result<Box<str>, Wrong> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$&'*.^_`|~-".contains(&byte);
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(good) {
        return wrong(
            Code::BadAttributeName,
            format!("`{name}` is no name of a cookie"),
            "write letters, digits and `! # $ & ' * . ^ _ | ~ -`; letter case matters",
        );
    }
    Ok(name.into())
}

/// The templates that capture `name`: every path that the rule is about must, or the capture would be missing for some.
fn captured(name: &str, to: &[RawTo]) -> Result<Attribute, Wrong> {
    let has_it = |path: &String| path.split('/').any(|segment| capture(segment) == Some(name));
    let is_everywhere = !to.is_empty()
        && to.iter().all(|to| {
            let paths = to.operation.paths.as_deref().unwrap_or_default();
            !paths.is_empty() && paths.iter().all(has_it)
        });
    if !is_everywhere {
        return wrong(
            Code::NoCapture,
            format!("not every path of this rule captures `{name}`"),
            format!(
                "write `{{{name}}}` for the segment in every path under `to`, as in `/users/{{{name}}}/{{**}}`"
            ),
        );
    }
    let paths = to.iter().filter_map(|to| to.operation.paths.as_ref()).flatten();
    let templates = paths.filter_map(|path| Template::with_captures(path).ok()).collect();
    Ok(Attribute::Capture(name.into(), templates))
}
