//! Faults in how a request is decided: matching, combining, compiling.

use super::Fault;

const PATTERN: &str = "shared/decide/src/pattern.rs";
const RULES: &str = "shared/decide/src/rules.rs";
const INDEX: &str = "shared/decide/src/index.rs";
const PROBE: &str = "shared/decide/src/index/probe.rs";
const SET: &str = "shared/decide/src/set.rs";
const HEADER: &str = "shared/decide/src/matching/header.rs";
const PEER: &str = "shared/decide/src/matching/peer.rs";
const OPERATION: &str = "shared/decide/src/matching/operation.rs";
const TEMPLATE: &str = "shared/http/src/template.rs";

pub(crate) const FAULTS: &[Fault] = &[
    Fault {
        name: "a prefix matches at the end",
        file: PATTERN,
        from: "Self::Prefix(prefix) => value.starts_with(prefix),",
        to: "Self::Prefix(prefix) => value.ends_with(prefix),",
    },
    Fault {
        name: "a suffix matches at the start",
        file: PATTERN,
        from: "Self::Suffix(suffix) => value.ends_with(suffix),",
        to: "Self::Suffix(suffix) => value.starts_with(suffix),",
    },
    Fault {
        name: "Istio's host minds letter case",
        file: PATTERN,
        from: "Self::Exact(exact) => value.eq_ignore_ascii_case(exact),",
        to: "Self::Exact(exact) => value == &**exact,",
    },
    Fault {
        name: "a negative is forgotten",
        file: "shared/decide/src/matching.rs",
        from: "some.min(all(self.none.iter().map(negative)))",
        to: "some.max(all(self.none.iter().map(negative)).min(Truth::No))",
    },
    Fault {
        name: "what is open is no when negated",
        file: "shared/decide/src/truth.rs",
        from: "Self::Maybe => Self::Maybe,",
        to: "Self::Maybe => Self::No,",
    },
    Fault {
        name: "a DENY takes maybe for no",
        file: RULES,
        from: "Self::new(rules, Truth::Maybe, strict)",
        to: "Self::new(rules, Truth::Yes, strict)",
    },
    Fault {
        name: "an ALLOW takes maybe for yes",
        file: RULES,
        from: "Self::new(rules, Truth::Yes, strict)",
        to: "Self::new(rules, Truth::Maybe, strict)",
    },
    Fault {
        name: "only the first rule that is found is looked at",
        file: RULES,
        from: ".filter_map(|place| self.rules.get(usize::try_from(place).ok()?))\n            .find(",
        to: ".filter_map(|place| self.rules.get(usize::try_from(place).ok()?))\n            .take(1)\n            .find(",
    },
    Fault {
        name: "a caller without a name is looked up by it",
        file: RULES,
        from: "nameless.as_ref().filter(|_| !is_known())",
        to: "nameless.as_ref().filter(|_| false)",
    },
    Fault {
        name: "rules that are filed in pairs are not looked up",
        file: INDEX,
        from: "        if self.pairs {",
        to: "        if false {",
    },
    Fault {
        name: "what is filed under nothing is forgotten",
        file: INDEX,
        from: "None => index.unfiled.push(place),",
        to: "None => {}",
    },
    Fault {
        name: "a host is looked up in the case in which it was sent",
        file: PROBE,
        from: "let lower = whole == Kind::Host;",
        to: "let lower = false;",
    },
    Fault {
        name: "a header is looked up whole only",
        file: PROBE,
        from: "if value.contains(&b',') {",
        to: "if value.is_empty() {",
    },
    Fault {
        name: "a strict path is taken as sent",
        file: SET,
        from: "Some(path::canonical_for(method, raw).map_err(|_| Reason::PathRefused)?)",
        to: "Some(method).map(|_| String::from_utf8_lossy(path::without_query(raw)))",
    },
    Fault {
        name: "Istio's path keeps its query",
        file: SET,
        from: "path: request.path().ok().map(path::without_query),",
        to: "path: request.path().ok(),",
    },
    Fault {
        name: "the port is not asked for",
        file: SET,
        from: "destination_port: self.port,",
        to: "destination_port: self.port && self.host,",
    },
    Fault {
        name: "an ALLOW document without rules is forgotten",
        file: "shared/policy/src/compile.rs",
        from: "documents.iter().any(|document| document.action == Action::Allow);",
        to: "documents.iter().any(|document| document.action == Action::Allow && !document.rules.is_empty());",
    },
    Fault {
        name: "one kind of document is enough to allow",
        file: "shared/decide/src/access.rs",
        from: "Decision::Allow(by) => allowed = Some(more_telling(allowed, by)),",
        to: "Decision::Allow(by) => { allowed = Some(more_telling(allowed, by)); break; }",
    },
    Fault {
        name: "a shadow document refuses",
        file: "shared/decide/src/access.rs",
        from: "for set in &self.enforced {",
        to: "for set in self.enforced.iter().chain(&self.shadow) {",
    },
    Fault {
        name: "only the first value of a header counts",
        file: HEADER,
        from: "headers.all(&self.name).any(",
        to: "headers.all(&self.name).take(1).any(",
    },
    Fault {
        name: "only the first value of a strict header counts",
        file: HEADER,
        from: "for (same, value) in headers.alike(&self.name) {",
        to: "for (same, value) in headers.alike(&self.name).take(1) {",
    },
    Fault {
        name: "a comma is no repetition",
        file: HEADER,
        from: "value.contains(&b',')",
        to: "value.contains(&b'\\0')",
    },
    Fault {
        name: "some values are as good as all",
        file: HEADER,
        from: "_ => Truth::Maybe,",
        to: "_ => Truth::Yes,",
    },
    Fault {
        name: "nobody is somebody else",
        file: PEER,
        from: "field.truth(PeerMatcher::where_missing, |_| Truth::Maybe)",
        to: "field.truth(PeerMatcher::where_missing, |_| Truth::Yes)",
    },
    Fault {
        name: "nobody is surely not the one who is denied",
        file: PEER,
        from: "field.truth(PeerMatcher::where_missing, |_| Truth::Maybe)",
        to: "field.truth(|_| Truth::No, |_| Truth::Maybe)",
    },
    Fault {
        name: "a service account's name may go on",
        file: PEER,
        from: "after.is_empty() || after.starts_with('/')",
        to: "after.len() < 99",
    },
    Fault {
        name: "a service account of any namespace will do",
        file: PEER,
        from: "id.namespace()? == &**namespace && id.service_account()? == &**name",
        to: "!namespace.is_empty() && id.service_account()? == &**name",
    },
    Fault {
        name: "a host's port is ignored",
        file: OPERATION,
        from: "(port.is_none() || *port == host.port)",
        to: "(port.is_none() || host.port.is_some())",
    },
    Fault {
        name: "an unknown port is no port",
        file: OPERATION,
        from: "None => Truth::Maybe,",
        to: "None => Truth::No,",
    },
    Fault {
        name: "`{**}` needs no slash before it",
        file: TEMPLATE,
        from: "(false, ..) | (true, None, false) | (true, Some(_), true) => return false,",
        to: "(true, None, false) => return matches!(self.rest, Rest::AnyThen(_)),\n                (false, ..) | (true, Some(_), true) => return false,",
    },
    Fault {
        name: "`{*}` may be empty",
        file: TEMPLATE,
        from: "!this.is_empty() && self.all_match(this)",
        to: "self.all_match(this)",
    },
    Fault {
        name: "a strict template has blind spots",
        file: TEMPLATE,
        from: "self.strict || bytes.iter()",
        to: "bytes.iter()",
    },
    Fault {
        name: "an empty list matches everything",
        file: "shared/policy/src/compile/values.rs",
        from: "        if context.strict {\n            empty_list(place, problems);",
        to: "        if false {\n            empty_list(place, problems);",
    },
    Fault {
        name: "a header's name keeps its letter case",
        file: "shared/policy/src/compile/condition.rs",
        from: "name.to_ascii_lowercase()",
        to: "name.to_owned()",
    },
    Fault {
        name: "an empty source matches everybody",
        file: "shared/policy/src/compile/source.rs",
        from: "    if fields.is_empty() && token.is_none() && remote.is_none() && !unsupported {\n        problems.add(\n            Code::EmptySource,",
        to: "    if false {\n        problems.add(\n            Code::EmptySource,",
    },
];
