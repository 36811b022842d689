//! Which bytes of the text a problem is drawn at.

use std::ops::Range;

use meshward_model::Code;

use crate::yaml::Node;

/// The bytes for a problem of this code at `path` below `node`.
pub(super) fn of(node: &Node, text: &str, path: &str, code: Code) -> Range<usize> {
    let found = node.follow(path);
    // For what is missing there is nothing to point at but what it is missing from.
    let at_key = !found.whole
        || matches!(
            code,
            Code::UnknownField
                | Code::DoubledField
                | Code::MissingField
                | Code::ProxySilent
                | Code::NothingVerifiesTokens
                | Code::DirectAddress
                | Code::ProviderWithoutCustom
        );
    found.place(text, at_key)
}
