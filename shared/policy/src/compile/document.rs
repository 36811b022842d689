//! One document.

use meshward_config::{Place, Problems, RawDocument, RawMetadata, check_metadata, parse};
use meshward_decide::{Rule, Uses};
use meshward_model::{Code, DocumentKind, RuleId, RuleName};
use serde::de::DeserializeOwned;

use super::{Tokens, rule};
use crate::raw::{Action, Mode, Otherwise, RawAccessPolicy, RawAuthorizationPolicy, RawRule};

/// The most rules of one document; Istio's own limit.
const MAX_RULES: usize = 512;

const DRY_RUN: &str = "istio.io/dry-run";

/// A compiled document.
pub(super) struct Document {
    pub(super) path: String,
    pub(super) kind: DocumentKind,
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) action: Action,
    pub(super) mode: Mode,
    pub(super) otherwise: Option<Otherwise>,
    pub(super) rules: Vec<Rule>,
    pub(super) uses: Uses,
}

/// What both kinds come down to.
struct Spec {
    action: Action,
    mode: Mode,
    otherwise: Option<Otherwise>,
    rules: Option<Vec<RawRule>>,
}

/// Who is compiling: the dialect and the document's own namespace, if it says one.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) strict: bool,
    pub(super) action: Action,
    pub(super) namespace: Option<&'a str>,
    pub(super) tokens: Tokens,
}

pub(super) fn compile(
    place: &Place<'_>,
    kind: DocumentKind,
    tokens: Tokens,
    json: &str,
    problems: &mut Problems,
) -> Option<Document> {
    let (metadata, spec) = match kind {
        DocumentKind::AccessPolicy => {
            let raw: RawDocument<RawAccessPolicy> =
                read(place, kind, &["meshward.io/v1alpha1"], json, problems)?;
            let spec = access_policy(place, &raw.metadata, raw.spec, problems)?;
            (raw.metadata, spec)
        }
        DocumentKind::AuthorizationPolicy => {
            let versions = ["security.istio.io/v1", "security.istio.io/v1beta1"];
            let raw: RawDocument<RawAuthorizationPolicy> = read(place, kind, &versions, json, problems)?;
            let spec = authorization_policy(place, &raw.metadata, raw.spec.unwrap_or_default(), problems);
            (raw.metadata, spec)
        }
        DocumentKind::RateLimit => {
            problems.add(Code::ForeignKind, place, "limits are no access policy", "");
            return None;
        }
    };
    check_metadata(place, &metadata, problems);
    let at_spec = place.field("spec");
    check_rules(&at_spec, &spec, problems);
    let said = (!metadata.namespace.is_empty()).then_some(metadata.namespace.as_str());
    let namespace = said.unwrap_or("default").to_owned();
    let strict = kind == DocumentKind::AccessPolicy;
    let context = Context { strict, action: spec.action, namespace: said, tokens };
    let mut uses = Uses::default();
    let mut rules = Vec::new();
    for (index, raw) in spec.rules.iter().flatten().enumerate() {
        let id = RuleId::new(RuleName {
            kind,
            namespace: namespace.clone(),
            policy: metadata.name.clone(),
            index,
        });
        let at_rules = at_spec.field("rules");
        rules.push(rule::compile(&at_rules.index(index), context, id, raw, &mut uses, problems));
    }
    let Spec { action, mode, otherwise, .. } = spec;
    let path = place.to_string();
    Some(Document { path, kind, namespace, name: metadata.name, action, mode, otherwise, rules, uses })
}

fn read<S: DeserializeOwned>(
    place: &Place<'_>,
    kind: DocumentKind,
    versions: &[&str],
    json: &str,
    problems: &mut Problems,
) -> Option<RawDocument<S>> {
    match parse::<RawDocument<S>>(json, &place.to_string()) {
        Ok(raw) => {
            if !versions.contains(&raw.api_version.as_str()) {
                problems.add(
                    Code::WrongVersion,
                    &place.field("apiVersion"),
                    format!("`{}` is not the apiVersion of {}", raw.api_version, kind.as_str()),
                    right_version(kind, &raw.api_version, versions.first().copied().unwrap_or_default()),
                );
            }
            Some(raw)
        }
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

/// Which of the two kinds was meant is for the author to say, where the version is the other's.
fn right_version(kind: DocumentKind, written: &str, right: &str) -> String {
    let (group, other) = match kind {
        DocumentKind::AccessPolicy => ("security.istio.io/", DocumentKind::AuthorizationPolicy),
        DocumentKind::AuthorizationPolicy | DocumentKind::RateLimit => {
            ("meshward.io/", DocumentKind::AccessPolicy)
        }
    };
    if written.starts_with(group) {
        format!("write `{right}`, or `kind: {}` where that is meant", other.as_str())
    } else {
        format!("write `{right}`")
    }
}

fn access_policy(
    place: &Place<'_>,
    metadata: &RawMetadata,
    spec: Option<RawAccessPolicy>,
    problems: &mut Problems,
) -> Option<Spec> {
    let at = place.field("spec");
    let Some(raw) = spec else {
        problems.add(
            Code::NoSpec,
            &at,
            "an AccessPolicy without a spec says nothing",
            "write `spec:` with `rules` below it; `spec: {}` lets nobody in",
        );
        return None;
    };
    let action = decidable(&at, raw.action, problems);
    if action == Action::Allow && raw.otherwise.is_some() {
        problems.add(
            Code::OtherwiseInAllow,
            &at.field("otherwise"),
            "`otherwise` in an ALLOW document, which refuses whatever it does not allow",
            "delete it; only DENY documents have `otherwise`",
        );
    }
    if metadata.annotations.get(DRY_RUN).is_some() {
        problems.add(
            Code::DryRunOnAccessPolicy,
            &place.field("metadata").field("annotations"),
            format!("`{DRY_RUN}` is for Istio's documents"),
            "write `mode: shadow` in the spec",
        );
    }
    Some(Spec { action, mode: raw.mode.unwrap_or_default(), otherwise: raw.otherwise, rules: raw.rules })
}

fn authorization_policy(
    place: &Place<'_>,
    metadata: &RawMetadata,
    raw: RawAuthorizationPolicy,
    problems: &mut Problems,
) -> Spec {
    let at = place.field("spec");
    let action = decidable(&at, raw.action, problems);
    if raw.provider.is_some() {
        problems.add(
            Code::ProviderWithoutCustom,
            &at.field("provider"),
            "a provider goes with action CUSTOM, which is refused",
            "delete it",
        );
    }
    let mode = match metadata.annotations.get(DRY_RUN) {
        None | Some("false") => Mode::Enforce,
        Some("true") => Mode::Shadow,
        Some(other) => {
            problems.add(
                Code::DryRunValue,
                &place.field("metadata").field("annotations"),
                format!("`{DRY_RUN}` is `{other}`"),
                "write `\"true\"` or `\"false\"`, in quotes",
            );
            Mode::Enforce
        }
    };
    Spec { action, mode, otherwise: None, rules: raw.rules }
}

fn decidable(at: &Place<'_>, action: Option<Action>, problems: &mut Problems) -> Action {
    let at = at.field("action");
    let action = action.unwrap_or_default();
    match action {
        Action::Allow | Action::Deny => return action,
        Action::Audit => problems.add(
            Code::ActionUnsupported,
            &at,
            "action AUDIT is not supported yet",
            "write an AccessPolicy with `mode: shadow`, which counts and records what it would refuse",
        ),
        Action::Custom => problems.add(
            Code::ActionUnsupported,
            &at,
            "action CUSTOM calls an external authorizer, which happens before this plugin",
            "apply the document to Istio, which asks the authorizer before this plugin runs, then remove it from what meshward is given",
        ),
    }
    // Refused; as an ALLOW it gives no reason for further complaints.
    Action::Allow
}

fn check_rules(at: &Place<'_>, spec: &Spec, problems: &mut Problems) {
    let count = spec.rules.as_ref().map_or(0, Vec::len);
    if count == 0 && spec.action == Action::Deny {
        problems.add(
            Code::DenyWithoutRules,
            &at.field("rules"),
            "a DENY document without rules refuses nothing",
            "add a rule for what it shall refuse; `{}` matches every request",
        );
    }
    if count > MAX_RULES {
        problems.add(
            Code::TooManyRules,
            &at.field("rules"),
            format!("{count} rules, at most {MAX_RULES} are read"),
            "split the document",
        );
    }
}
