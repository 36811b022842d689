//! What a module exports: what every plugin exports, and what its further doors take. Envoy calls every callback that it finds, on
//! every request, so there is none too many. Which doors a plugin has is written down once, in its line `plugin!`, where the
//! compiler holds it to the constants of its stages.

use std::path::Path;

use anyhow::{Context, Result, bail};

/// What every plugin exports. `proxy_on_delete` frees a stream's context and stays in every module.
const ALWAYS: [&str; 8] = [
    "memory",
    "_initialize",
    "proxy_abi_version_0_2_1",
    "proxy_on_memory_allocate",
    "proxy_on_context_create",
    "proxy_on_configure",
    "proxy_on_request_headers",
    "proxy_on_delete",
];

/// What a plugin that asks exports beside that: called per answer and per tick, not per request.
const ASKS: [&str; 4] =
    ["proxy_on_tick", "proxy_on_http_call_response", "proxy_on_grpc_receive", "proxy_on_grpc_close"];

/// What a plugin that edits responses exports beside that.
const RESPONDS: [&str; 1] = ["proxy_on_response_headers"];

/// What a plugin that looks at how requests end exports beside that.
const OBSERVES: [&str; 1] = ["proxy_on_log"];

/// The exports of a plugin with these doors.
///
/// # Errors
///
/// When there is no such door.
pub(crate) fn exports(doors: &[String]) -> Result<Vec<&'static str>> {
    let mut exports = ALWAYS.to_vec();
    for door in doors {
        match door.as_str() {
            "asks" => exports.extend(ASKS),
            "responds" => exports.extend(RESPONDS),
            "observes" => exports.extend(OBSERVES),
            unknown => bail!("there is no door `{unknown}`"),
        }
    }
    Ok(exports)
}

/// The doors of the plugin in this file; `None` when it has no line `plugin!` yet.
pub(crate) fn of(source: &Path) -> Result<Option<Vec<String>>> {
    let text =
        std::fs::read_to_string(source).with_context(|| format!("could not read {}", source.display()))?;
    Ok(in_text(&text))
}

fn in_text(text: &str) -> Option<Vec<String>> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
    let code = code.join("\n");
    let (_, line) = code.split_once("plugin!(")?;
    let (arguments, _) = line.split_once(");")?;
    let doors = arguments.split(',').skip(1).map(|door| door.trim().to_owned());
    Some(doors.filter(|door| !door.is_empty()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_doors_stand_behind_the_plugins_type() {
        let doors = |text| in_text(text).map(|doors| doors.join(" "));
        assert_eq!(doors("meshward_adapter::plugin!(meshward_pipeline::Authz);"), Some(String::new()));
        assert_eq!(
            doors("x::plugin!(\n    Guard,\n    asks,\n    responds,\n);"),
            Some("asks responds".to_owned())
        );
        assert_eq!(doors("//! One line: `plugin!(A, asks);`\n"), None);
        assert_eq!(doors(""), None);
    }

    #[test]
    fn a_door_brings_its_exports_and_no_others() {
        let exports = exports(&["responds".to_owned()]).expect("there is such a door");
        assert!(exports.contains(&"proxy_on_response_headers") && exports.contains(&"proxy_on_delete"));
        assert!(!exports.contains(&"proxy_on_log") && !exports.contains(&"proxy_on_tick"));
        assert!(super::exports(&["windows".to_owned()]).is_err());
    }
}
