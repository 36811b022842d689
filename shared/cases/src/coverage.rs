//! Which rules the cases prove: those that decided at least one step.

use meshward_model::{RuleId, Verdict};
use meshward_pipeline::Authz;
use std::collections::BTreeMap;

use crate::CasesError;
use crate::case::Case;
use crate::native::{configured, verdicts};

/// How often each rule of a policy decided, in the order of the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    rules: Vec<(String, usize)>,
}

impl Coverage {
    /// Counts over cases that share one policy; a step of which only a shadow rule would have refused counts for that rule.
    ///
    /// # Errors
    /// When the configuration is refused.
    pub fn of(cases: &[&Case]) -> Result<Self, CasesError> {
        let Some(first) = cases.first() else { return Ok(Self::default()) };
        let plugin = configured(first)?;
        let mut hits: BTreeMap<String, usize> = BTreeMap::new();
        for case in cases {
            for (verdict, _) in verdicts(&plugin, case)?.iter().flatten() {
                for rule in deciders(verdict) {
                    let count = hits.entry(rule.to_string()).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
        Ok(Self::counted(&plugin, &hits))
    }

    fn counted(plugin: &Authz, hits: &BTreeMap<String, usize>) -> Self {
        let rules = plugin.stage().rules().map(|rule| {
            let name = rule.to_string();
            let count = hits.get(&name).copied().unwrap_or_default();
            (name, count)
        });
        Self { rules: rules.collect() }
    }

    /// Every rule and how often it decided.
    pub fn rules(&self) -> impl Iterator<Item = (&str, usize)> {
        self.rules.iter().map(|(rule, hits)| (rule.as_str(), *hits))
    }

    /// How many rules there are.
    pub fn total(&self) -> usize {
        self.rules.len()
    }

    /// How many decided at least once.
    pub fn covered(&self) -> usize {
        self.rules.iter().filter(|(_, hits)| *hits > 0).count()
    }
}

fn deciders(verdict: &Verdict) -> impl Iterator<Item = &RuleId> {
    verdict.rule().into_iter().chain(verdict.shadow.as_ref().and_then(|denial| denial.rule.as_ref()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::case::Policy;

    const POLICY: &str = r"
apiVersion: meshward.io/v1alpha1
kind: PluginConfig
peerVerifiedBy: transport
documents:
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: orders, namespace: shop}
    spec:
      rules:
        - to: [{operation: {paths: [/a]}}]
        - to: [{operation: {paths: [/b]}}]
  - apiVersion: meshward.io/v1alpha1
    kind: AccessPolicy
    metadata: {name: watched, namespace: shop}
    spec:
      mode: shadow
      action: DENY
      otherwise: allow
      rules:
        - to: [{operation: {paths: [/a]}}]
";

    #[test]
    fn a_rule_is_covered_when_it_decided_a_step_enforced_or_in_shadow() {
        let cases = "cases: [{name: n, steps: [{request: {path: /a}, expect: {verdict: allow, rule: r}}]}]";
        let policy = Policy::from_yaml("policy.yaml", POLICY).unwrap();
        let cases = crate::read("cases.yaml", cases, Some(policy)).unwrap();
        let coverage = Coverage::of(&cases.iter().collect::<Vec<_>>()).unwrap();
        assert_eq!(
            coverage.rules().collect::<Vec<_>>(),
            [
                ("ns[shop]-policy[orders]-rule[0]", 1),
                ("ns[shop]-policy[orders]-rule[1]", 0),
                ("ns[shop]-policy[watched]-rule[0]", 1)
            ]
        );
        assert_eq!((coverage.covered(), coverage.total()), (2, 3));
    }
}
