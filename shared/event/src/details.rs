//! The text of `%RESPONSE_CODE_DETAILS%`.

use meshward_model::Denial;

/// What the access log says of a refusal, in the shape that Istio's own RBAC filter uses: the rule that refused, or the reason
/// where no rule did. No white space, which Envoy would replace.
///
/// `meshward_denied[ns[shop]-policy[orders]-rule[1]]`, `meshward_denied[authz.no_allow_match]`
pub fn of(denial: &Denial) -> String {
    match &denial.rule {
        Some(rule) => format!("meshward_denied[{rule}]"),
        None => format!("meshward_denied[{}]", denial.reason),
    }
}
