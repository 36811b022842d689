//! The text of a `cases.yaml`, and of a `policy.yaml`: what people write, read by `meshward test`.

use meshward_cases::case::Policy;
use meshward_cases::played::Form;
use meshward_cases::{native, read};

/// What cases get that name no policy.
const POLICY: &str =
    r#"{"apiVersion":"meshward.io/v1alpha1","kind":"PluginConfig","peerVerifiedBy":"transport"}"#;

/// The most cases of one text that are run.
const MOST_RUN: usize = 4;

/// Holds one input to the properties.
pub fn body(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    // Aliases of aliases may stand for gigabytes; the command's own reader bounds them, and this one is for cases in a repository.
    if text.contains('*') && text.contains('&') {
        return;
    }
    if let Err(error) = Policy::from_yaml("policy.yaml", text) {
        assert!(error.at == "policy.yaml" && !error.what.is_empty(), "{error}");
    }
    let own = || Some(Policy { name: "policy.yaml".to_owned(), json: POLICY.to_owned() });
    match read("cases.yaml", text, own()) {
        Err(error) => {
            assert!(
                error.at.starts_with("cases.yaml") && !error.what.is_empty(),
                "no place or no reason: {error}"
            );
            let again = read("cases.yaml", text, own()).err();
            assert_eq!(again.as_ref(), Some(&error), "read in two ways");
        }
        Ok(cases) => {
            for case in &cases {
                assert!(case.name.starts_with("cases.yaml") && !case.steps.is_empty(), "{}", case.name);
            }
            // Signing takes longer than all the rest.
            let unsigned = cases.iter().filter(|case| case.steps.iter().all(|step| step.token.is_none()));
            for case in unsigned.take(MOST_RUN) {
                // Refused or run; the same each time.
                let run = || native::run_case(case, Form::Guard).map(|seen| format!("{seen:?}"));
                assert_eq!(run(), run(), "{}", case.name);
            }
        }
    }
}
