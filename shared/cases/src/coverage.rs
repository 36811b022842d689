//! Which rules the cases prove: those that decided at least one step.

use meshward_model::{Plugin, Refusal};
use meshward_pipeline::{Authz, split};
use std::collections::BTreeMap;

use crate::CasesError;
use crate::case::Case;
use crate::native::{pass_case, proxy};
use crate::played::{Form, Which};

/// How often each rule of a policy decided, in the order of the policy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Coverage {
    rules: Vec<(String, usize)>,
}

impl Coverage {
    /// Counts over cases that share one policy. Enforced and shadow documents decide apart, so a step may count for a rule of each.
    ///
    /// # Errors
    /// When the configuration is refused.
    pub fn of(cases: &[&Case]) -> Result<Self, CasesError> {
        let Some(first) = cases.first() else { return Ok(Self::default()) };
        let plugin = authz(first)?;
        let mut hits: BTreeMap<String, usize> = BTreeMap::new();
        for case in cases {
            let passed = pass_case(&mut proxy(case, Form::Apart)?, case);
            let decided = passed.iter().flatten().flat_map(|passed| &passed.decided);
            for decided in decided.filter(|decided| decided.which == AUTHZ) {
                for rule in plugin.stage().deciders(&decided.request) {
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

/// The plugin whose rules are counted.
const AUTHZ: Which = Which::Apart(split::Plugin::Authz);

fn authz(case: &Case) -> Result<Authz, CasesError> {
    let fail = |refusal: Refusal| CasesError::new(&case.policy.name, refusal);
    let chain = case.chain(Form::Apart).map_err(fail)?;
    let link = chain.iter().find(|link| link.which == AUTHZ);
    let configuration = link.map(|link| link.configuration.as_bytes()).unwrap_or_default();
    Authz::configure(configuration, &case.node).map_err(fail)
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
