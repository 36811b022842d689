//! The note: what a plugin leaves in filter state (`wasm.meshward`) of a decision that is written down, for access logs
//! (`%FILTER_STATE(wasm.meshward:PLAIN)%`) and for the sentinel of the same chain. Printable; no claims, ever.
//!
//! `denied authz.deny_rule 403 own AccessPolicy ns[shop]-policy[orders]-rule[1]`: what, why, the status, who writes the event (`own`,
//! or `left` to the sentinel), and, where a rule decided, its document's kind and its name. Last, where the policy says so, what was
//! near: `near AccessPolicy ns[shop]-policy[orders]-rule[0] to[0].operation.methods`, a rule and the parts of it that did not hold, with
//! a `?` where that could not be told. Whoever decides later on a request writes over what was noted before.

use core::fmt::Write;

use meshward_model::{DocumentKind, EventKind, Missed, NearMiss, Noted, Reason, RuleId, RuleName};

/// The longest note that is read, in bytes.
const MAX_BYTES: usize = 2048;

/// What stands before the part that was near.
const NEAR: &str = " near ";

/// The note's text.
pub(crate) fn write(noted: &Noted) -> String {
    let Noted { kind, reason, status, rule, near, left } = noted;
    let kind = match kind {
        EventKind::Denied => "denied",
        EventKind::WouldDeny => "would_deny",
    };
    let left = if *left { "left" } else { "own" };
    let mut text = format!("{kind} {reason} {status} {left}");
    if let Some(rule) = rule {
        named(&mut text, rule);
    }
    if let Some(near) = near {
        text.push_str(NEAR.trim_end());
        named(&mut text, &near.rule);
        for (at, missed) in near.missed.iter().enumerate() {
            text.push(if at == 0 { ' ' } else { ',' });
            let _ = write!(text, "{missed}");
        }
    }
    text
}

fn named(text: &mut String, rule: &RuleId) {
    // Writing into memory does not fail.
    let _ = write!(text, " {} {rule}", rule.name().kind.as_str());
}

/// Reads a note. Any plugin of the proxy may have written it: `None` unless it is one of ours, word for word.
pub(crate) fn read(bytes: &[u8]) -> Option<Noted> {
    let text = core::str::from_utf8(bytes.get(..MAX_BYTES).unwrap_or(bytes)).ok()?;
    // A document may have these letters in its name.
    let mut tails = text.match_indices(NEAR).filter_map(|(at, _)| text.split_at_checked(at));
    let near = tails.find_map(|(before, tail)| Some((before, near(tail.strip_prefix(NEAR)?)?)));
    let (text, near) = near.map_or((text, None), |(before, near)| (before, Some(near)));
    let mut words = text.splitn(6, ' ');
    let kind = match words.next()? {
        "denied" => EventKind::Denied,
        "would_deny" => EventKind::WouldDeny,
        _ => return None,
    };
    let code = words.next()?;
    let reason = *Reason::ALL.iter().find(|reason| reason.code() == code)?;
    let status = words.next()?.parse().ok().filter(|status| (400..600).contains(status))?;
    let left = match words.next()? {
        "own" => false,
        "left" => true,
        _ => return None,
    };
    let rule = match (words.next(), words.next()) {
        (None, _) => None,
        (Some(kind), name) => Some(rule(kind, name?)?),
    };
    Some(Noted { kind, reason, status, rule, near, left })
}

fn near(text: &str) -> Option<Box<NearMiss>> {
    let (kind, rest) = text.split_once(' ')?;
    let (name, places) = rest.rsplit_once(' ')?;
    let missed = places.split(',').map(|place| match place.strip_suffix('?') {
        Some(place) => Missed { place: place.to_owned(), open: true },
        None => Missed { place: place.to_owned(), open: false },
    });
    Some(Box::new(NearMiss { rule: rule(kind, name)?, missed: missed.collect() }))
}

fn rule(kind: &str, name: &str) -> Option<RuleId> {
    let kind = [DocumentKind::AccessPolicy, DocumentKind::AuthorizationPolicy, DocumentKind::RateLimit]
        .into_iter()
        .find(|known| known.as_str() == kind)?;
    let (namespace, rest) = name.strip_prefix("ns[")?.split_once("]-policy[")?;
    let (policy, index) = rest.rsplit_once("]-rule[")?;
    let index = index.strip_suffix(']')?.parse().ok()?;
    Some(RuleId::new(RuleName { kind, namespace: namespace.to_owned(), policy: policy.to_owned(), index }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule_of(namespace: &str) -> Option<RuleId> {
        let namespace = namespace.to_owned();
        let kind = DocumentKind::AccessPolicy;
        Some(RuleId::new(RuleName { kind, namespace, policy: "orders".to_owned(), index: 12 }))
    }

    fn near_miss(namespace: &str) -> Option<Box<NearMiss>> {
        let missed = [("to[0].operation.methods", false), ("when[1]", true)];
        let missed = missed.map(|(place, open)| Missed { place: place.to_owned(), open });
        rule_of(namespace).map(|rule| Box::new(NearMiss { rule, missed: missed.to_vec() }))
    }

    #[test]
    fn what_is_noted_is_read_again() {
        for reason in Reason::ALL {
            for (kind, rule, near, left) in [
                (EventKind::Denied, None, None, true),
                (EventKind::Denied, None, near_miss("a near b"), true),
                (EventKind::WouldDeny, rule_of("shop"), None, false),
                (EventKind::WouldDeny, rule_of("x near y"), near_miss("shop"), false),
            ] {
                let noted = Noted { kind, reason: *reason, status: 403, rule, near, left };
                assert_eq!(read(write(&noted).as_bytes()), Some(noted));
            }
        }
    }

    #[test]
    fn a_note_is_one_line_for_people() {
        let noted = Noted {
            kind: EventKind::Denied,
            reason: Reason::DenyRule,
            status: 403,
            rule: rule_of("shop"),
            near: None,
            left: false,
        };
        assert_eq!(
            write(&noted),
            "denied authz.deny_rule 403 own AccessPolicy ns[shop]-policy[orders]-rule[12]"
        );
        let near = near_miss("shop");
        let noted = Noted { reason: Reason::NoAllowMatch, rule: None, near, ..noted };
        assert_eq!(
            write(&noted),
            "denied authz.no_allow_match 403 own near AccessPolicy ns[shop]-policy[orders]-rule[12] to[0].operation.methods,when[1]?"
        );
    }

    #[test]
    fn what_another_plugin_wrote_there_is_no_note() {
        for text in [
            "",
            "denied",
            "denied authz.deny_rule",
            "denied authz.deny_rule 403",
            "allowed authz.allow_rule 200 own",
            "denied authz.no_such_reason 403 own",
            "denied authz.deny_rule 200 own",
            "denied authz.deny_rule 403 theirs",
            "denied authz.deny_rule 403 own AccessPolicy",
            "denied authz.deny_rule 403 own Policy ns[a]-policy[b]-rule[0]",
            "denied authz.deny_rule 403 own AccessPolicy ns[a]-policy[b]-rule[x]",
            "denied authz.deny_rule 403 own AccessPolicy ns[a]-rule[0]",
        ] {
            assert_eq!(read(text.as_bytes()), None, "{text}");
        }
        assert_eq!(read(b"denied authz.deny_rule 403 \xff"), None);
    }
}
