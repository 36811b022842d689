//! A plugin that is none of ours and writes where the handover belongs: the probe's module, with a script of one line.

use std::fmt::Write;

/// The module.
pub(crate) const MODULE: &str = "probe";

/// Its configuration: in every request's headers it writes these bytes.
pub(crate) fn script(bytes: &[u8]) -> String {
    let mut script = "request_headers: set-property meshward_authn \"".to_owned();
    for byte in bytes {
        // Writing into memory does not fail.
        let _ = write!(script, "\\x{byte:02x}");
    }
    script.push('"');
    script
}
