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
        (&["key", "values", "notValues"], "to an entry of `when`"),
    ];
    const SOURCE: [&str; 4] = ["principals", "namespaces", "serviceAccounts", "trustDomains"];
    const OPERATION: [&str; 4] = ["hosts", "ports", "methods", "paths"];
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_told_where_it_belongs() {
        assert_eq!(home("namespaces"), Some("under `source`"));
        assert_eq!(home("notPaths"), Some("under `operation`"));
        assert_eq!(home("from"), Some("to a rule, an entry of `rules`"));
        assert_eq!(home("colour"), None);
        assert_eq!(home("notAtAll"), None);
    }
}
