//! Where fields belong: for those that stand a level too high or too low.

/// Where a field belongs, in words that follow "belongs"; `None` for a field that no document has.
pub(super) fn home(field: &str) -> Option<&'static str> {
    const HOMES: [(&[&str], &str); 8] = [
        (&["peerFrom", "peerVerifiedBy", "whenNothingApplies", "documents"], "to the PluginConfig itself"),
        (&["metadata", "spec", "kind", "apiVersion"], "to the document itself"),
        (&["name", "namespace", "labels", "annotations"], "under `metadata`"),
        (&["action", "mode", "otherwise", "rules", "selector", "targetRefs"], "under `spec`"),
        (&["from", "to", "when"], "to a rule, an entry of `rules`"),
        (&["source"], "to an entry of `from`"),
        (&["operation"], "to an entry of `to`"),
        (
            &[
                "key",
                "values",
                "notValues",
                "claim",
                "header",
                "query",
                "cookie",
                "capture",
                "peer",
                "request",
                "equals",
                "in",
                "prefix",
                "suffix",
                "contains",
                "gt",
                "lt",
                "exists",
                "regex",
                "sameAs",
            ],
            "to an entry of `when`",
        ),
    ];
    const SOURCE: [&str; 5] =
        ["principals", "requestPrincipals", "namespaces", "serviceAccounts", "trustDomains"];
    const OPERATION: [&str; 5] = ["hosts", "ports", "methods", "paths", "grpc"];
    let home = HOMES.iter().find(|(fields, _)| fields.contains(&field)).map(|(_, home)| *home);
    let of = |fields: &[&str]| {
        fields.iter().any(|known| {
            let negative = field.strip_prefix("not").is_some_and(|rest| rest.eq_ignore_ascii_case(known));
            field == *known || negative
        })
    };
    home.or_else(|| of(&SOURCE).then_some("under `source`"))
        .or_else(|| of(&OPERATION).then_some("under `operation`"))
}

/// What to say of a field of `spec` that the other kind has; `path` leads to it, `kind` is its document's.
pub(super) fn lacks(path: &str, field: &str, kind: Option<&str>) -> Option<String> {
    let at_spec = path.strip_suffix(field).is_some_and(|before| before.ends_with("spec."));
    let instead = match field {
        "mode" => "Istio's annotation `istio.io/dry-run: \"true\"` does the same",
        "otherwise" => "Istio lets through what DENY documents alone do not refuse",
        _ => return None,
    };
    (at_spec && kind != Some("AccessPolicy"))
        .then(|| format!("only an AccessPolicy has `{field}`; in an AuthorizationPolicy {instead}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_of_the_other_kind_is_not_in_the_wrong_place() {
        let said = lacks("documents[0].spec.mode", "mode", Some("AuthorizationPolicy"));
        assert!(said.is_some_and(|said| said.contains("istio.io/dry-run")));
        assert_eq!(lacks("spec.rules[0].mode", "mode", Some("AuthorizationPolicy")), None);
        assert_eq!(lacks("spec.rules", "rules", None), None);
    }

    #[test]
    fn a_field_is_told_where_it_belongs() {
        assert_eq!(home("namespaces"), Some("under `source`"));
        assert_eq!(home("notPaths"), Some("under `operation`"));
        assert_eq!(home("from"), Some("to a rule, an entry of `rules`"));
        assert_eq!(home("colour"), None);
        assert_eq!(home("notAtAll"), None);
    }
}
