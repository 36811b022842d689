//! The note: what a plugin leaves in filter state (`wasm.meshward`) of a decision that is written down, for access logs
//! (`%FILTER_STATE(wasm.meshward:PLAIN)%`) and for the sentinel of the same chain. Printable; no claims, ever.
//!
//! `denied authz.deny_rule 403 own AccessPolicy ns[shop]-policy[orders]-rule[1]`: what, why, the status, who writes the event (`own`,
//! or `left` to the sentinel), and, where a rule decided, its document's kind and its name. Whoever decides later on a request
//! writes over what was noted before.

use core::fmt::Write;

use meshward_model::{DocumentKind, EventKind, Noted, Reason, RuleId, RuleName};

/// The longest note that is read, in bytes.
const MAX_BYTES: usize = 2048;

/// The note's text.
pub(crate) fn write(noted: &Noted) -> String {
    let Noted { kind, reason, status, rule, left } = noted;
    let kind = match kind {
        EventKind::Denied => "denied",
        EventKind::WouldDeny => "would_deny",
    };
    let left = if *left { "left" } else { "own" };
    let mut text = format!("{kind} {reason} {status} {left}");
    if let Some(rule) = rule {
        // Writing into memory does not fail.
        let _ = write!(text, " {} {rule}", rule.name().kind.as_str());
    }
    text
}

/// Reads a note. Any plugin of the proxy may have written it: `None` unless it is one of ours, word for word.
pub(crate) fn read(bytes: &[u8]) -> Option<Noted> {
    let text = core::str::from_utf8(bytes.get(..MAX_BYTES).unwrap_or(bytes)).ok()?;
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
    Some(Noted { kind, reason, status, rule, left })
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

    #[test]
    fn what_is_noted_is_read_again() {
        for reason in Reason::ALL {
            for (kind, rule, left) in
                [(EventKind::Denied, None, true), (EventKind::WouldDeny, rule_of("shop"), false)]
            {
                let noted = Noted { kind, reason: *reason, status: 403, rule, left };
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
            left: false,
        };
        assert_eq!(
            write(&noted),
            "denied authz.deny_rule 403 own AccessPolicy ns[shop]-policy[orders]-rule[12]"
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
