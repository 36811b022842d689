//! What two engines say of one request, as the access log has it.

use serde_json::Value;

use super::scene;

/// What one engine says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    /// The rule that it names, as `ns[foo]-policy[a]-rule[0]`.
    pub(super) rule: Option<String>,
    /// The reason that ours gives where no rule did.
    pub(super) reason: Option<String>,
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Both were asked.
    Pair {
        native: Verdict,
        ours: Verdict,
        /// Every rule that denies, as Envoy finds when it is asked about each by itself.
        denying: Vec<String>,
    },
    /// Envoy answered before either, such as 400 or 401; its details.
    Unasked(String),
    /// What was written down makes no sense, and why.
    Broken(String),
}

/// What istiod made of a set.
pub(super) struct Expected<'t> {
    /// How many filters.
    pub(super) filters: usize,
    /// The names of the rules that deny.
    pub(super) denying: Vec<&'t str>,
}

/// A line of the access log.
pub(super) struct Line(Value);

impl Line {
    pub(super) fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(Self)
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str).filter(|text| *text != "-")
    }

    /// Which request it is about.
    pub(super) fn id(&self) -> Option<&str> {
        self.text("id")
    }

    /// What became of it; `expected` is what istiod's filters are.
    pub(super) fn outcome(&self, expected: &Expected<'_>) -> Outcome {
        let details = self.text("details").unwrap_or_default();
        let Some(ours) = ours(details) else { return Outcome::Unasked(details.to_owned()) };
        let [deny, allow] = ["deny_", "allow_"].map(|prefix| self.denies(prefix));
        if [deny, allow].iter().flatten().count() != expected.filters {
            return Outcome::Broken(format!("{} filters of istiod's: {}", expected.filters, self.0));
        }
        let rule = |name: &str| self.native(name).filter(|rule| *rule != "none").map(str::to_owned);
        let native = if deny == Some(true) {
            Verdict { allowed: false, rule: rule("deny_shadow_effective_policy_id"), reason: None }
        } else {
            let rule = rule("allow_shadow_effective_policy_id");
            Verdict { allowed: allow != Some(true), rule, reason: None }
        };
        let alone = expected
            .denying
            .iter()
            .enumerate()
            .filter(|(number, _)| self.denies(&format!("{}{number}_", scene::RULE)) == Some(true));
        let denying = alone.map(|(_, name)| (*name).to_owned()).collect();
        Outcome::Pair { native, ours, denying }
    }

    /// Whether the filter of this prefix would have denied; `None`: there is none.
    fn denies(&self, prefix: &str) -> Option<bool> {
        self.native(&format!("{prefix}shadow_engine_result")).map(|result| result == "denied")
    }

    fn native(&self, name: &str) -> Option<&str> {
        self.0.get("native")?.get(name)?.as_str()
    }
}

/// `None`: our module was not asked.
fn ours(details: &str) -> Option<Verdict> {
    if details == "direct_response" {
        return Some(Verdict { allowed: true, rule: None, reason: None });
    }
    let inner = details.strip_prefix("meshward_denied[")?.strip_suffix(']')?;
    // A token that our `authn` refuses: `authz` comes after it. A malformed peer is refused by both.
    if inner.starts_with("authn.") && inner != "authn.peer_malformed" {
        return None;
    }
    let is_rule = inner.starts_with("ns[");
    Some(Verdict {
        allowed: false,
        rule: is_rule.then(|| inner.to_owned()),
        reason: (!is_rule).then(|| inner.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::{Expected, Line, Outcome, Verdict};
    use serde_json::json;

    const RULE: &str = "ns[foo]-policy[a]-rule[0]";

    fn outcome(details: &str, deny: Option<&str>, allow: Option<&str>) -> Outcome {
        let native = json!({
            "deny_shadow_engine_result": deny, "deny_shadow_effective_policy_id": RULE,
            "allow_shadow_engine_result": allow, "rule_0_shadow_engine_result": deny,
        });
        let line = json!({"id": "1", "details": details, "native": native});
        let expected = Expected { filters: 2, denying: vec![RULE] };
        Line::read(&line.to_string()).map_or(Outcome::Broken(String::new()), |line| line.outcome(&expected))
    }

    #[test]
    fn a_deny_comes_before_an_allow_and_names_its_rule() {
        let denying = vec![RULE.to_owned()];
        let native = Verdict { allowed: false, rule: Some(RULE.to_owned()), reason: None };
        let ours = Verdict { allowed: true, rule: None, reason: None };
        assert_eq!(
            outcome("direct_response", Some("denied"), Some("allowed")),
            Outcome::Pair { native, ours, denying }
        );
    }

    #[test]
    fn an_engine_that_says_nothing_is_not_taken_for_one_that_allows() {
        assert!(matches!(outcome("direct_response", Some("allowed"), None), Outcome::Broken(_)));
        assert!(matches!(outcome("path_normalization_failed", None, None), Outcome::Unasked(_)));
    }

    #[test]
    fn a_reason_is_no_rule() {
        let native = Verdict { allowed: false, rule: None, reason: None };
        let reason = Some("authz.no_allow_match".to_owned());
        let ours = Verdict { allowed: false, rule: None, reason };
        let expected = Outcome::Pair { native, ours, denying: Vec::new() };
        assert_eq!(
            outcome("meshward_denied[authz.no_allow_match]", Some("allowed"), Some("denied")),
            expected
        );
    }
}
