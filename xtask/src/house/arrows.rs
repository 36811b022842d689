//! Rule: arrows point down. What each room may depend on is written here, once; a new room is added here first.
//! Only `plugins/` names the SDK, and the bench's rival, which is the SDK.

use crate::packages::Package;

/// A room of the shipped code and the rooms of ours that it may use.
struct Room {
    folder: &'static str,
    may_use: &'static [&'static str],
}

/// What lies below every feature.
const BELOW_FEATURES: &[&str] = &["model", "abi", "config", "http", "identity"];

/// What a module is made of.
const MODULE: &[&str] = &["adapter", "pipeline"];

const ROOMS: [Room; 19] = [
    Room { folder: "shared/model", may_use: &[] },
    Room { folder: "shared/abi", may_use: &["model"] },
    Room { folder: "shared/config", may_use: &["model"] },
    Room { folder: "shared/http", may_use: &["model"] },
    Room { folder: "shared/identity", may_use: &["model"] },
    Room { folder: "shared/reading", may_use: &["model", "http"] },
    Room { folder: "shared/decide", may_use: &["model", "http", "reading"] },
    Room {
        folder: "shared/policy",
        may_use: &["model", "abi", "config", "http", "identity", "decide", "reading"],
    },
    Room { folder: "shared/event", may_use: BELOW_FEATURES },
    Room { folder: "shared/token", may_use: BELOW_FEATURES },
    Room { folder: "shared/limit", may_use: BELOW_FEATURES },
    Room {
        folder: "shared/pipeline",
        may_use: &["model", "abi", "config", "http", "identity", "policy", "event", "token", "limit"],
    },
    Room { folder: "shared/cases", may_use: &["model", "pipeline"] },
    Room { folder: "plugins/adapter", may_use: &["model", "abi"] },
    Room { folder: "plugins/authn", may_use: MODULE },
    Room { folder: "plugins/authz", may_use: MODULE },
    Room { folder: "plugins/ratelimit", may_use: MODULE },
    Room { folder: "plugins/sentinel", may_use: MODULE },
    Room { folder: "plugins/guard", may_use: MODULE },
];

/// Who may name the SDK beside `plugins/`.
const SDK: &str = "proxy-wasm";
const SDK_EXCEPTION: &str = "tests/bench/sdk-empty";
const PREFIX: &str = "meshward-";
const SHIPPED: &[&str] = &["dependencies", "build-dependencies"];
const ALL_KINDS: &[&str] = &["dependencies", "build-dependencies", "dev-dependencies"];

/// Checks the packages' Cargo.tomls.
pub(super) fn check(packages: &[Package]) -> Vec<String> {
    packages.iter().flat_map(|package| sdk(package).into_iter().chain(arrows(package))).collect()
}

fn sdk(package: &Package) -> Option<String> {
    let may = package.folder.starts_with("plugins/") || package.folder == SDK_EXCEPTION;
    let names = package.dependencies(ALL_KINDS).iter().any(|name| name == SDK);
    (names && !may).then(|| format!("{}/Cargo.toml: only `plugins/` may name `{SDK}`", package.folder))
}

fn arrows(package: &Package) -> Vec<String> {
    let folder = &package.folder;
    if !folder.starts_with("shared/") && !folder.starts_with("plugins/") {
        return Vec::new();
    }
    let Some(room) = ROOMS.iter().find(|room| room.folder == folder) else {
        return vec![format!("{folder}: a new room; write what it may use into xtask/src/house/arrows.rs")];
    };
    let ours = package
        .dependencies(SHIPPED)
        .into_iter()
        .filter_map(|name| name.strip_prefix(PREFIX).map(str::to_owned));
    let wrong = ours.filter(|name| !room.may_use.contains(&name.as_str()));
    wrong
        .map(|name| {
            format!("{folder}: may not use `{PREFIX}{name}`; arrows only point down (ARCHITECTURE.md)")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn package(folder: &str, manifest: &str) -> Package {
        let manifest = manifest.parse().expect("the example is TOML");
        Package { name: folder.replace('/', "-"), folder: folder.to_owned(), manifest }
    }

    #[test]
    fn a_feature_may_use_what_lies_below() {
        let policy = package(
            "shared/policy",
            "[dependencies]\nmeshward-model = {}\nmeshward-http.workspace = true\nserde = '1'",
        );
        assert_eq!(check(&[policy]), Vec::<String>::new());
    }

    #[test]
    fn a_feature_that_uses_a_feature_is_found_under_any_name() {
        let event = package(
            "shared/event",
            "[target.'cfg(unix)'.dependencies]\nrules = { package = 'meshward-policy' }",
        );
        assert!(check(&[event]).iter().any(|finding| finding.contains("may not use `meshward-policy`")));
    }

    #[test]
    fn only_plugins_and_the_rival_name_the_sdk() {
        let names_it = "[dev-dependencies]\nproxy-wasm = '0.2'";
        assert_eq!(check(&[package("tests/probes", names_it)]).len(), 1);
        assert_eq!(check(&[package("shared/abi", names_it)]).len(), 1);
        assert_eq!(
            check(&[package("tests/bench/sdk-empty", names_it), package("plugins/adapter", names_it)]).len(),
            0
        );
    }

    #[test]
    fn a_room_that_nobody_wrote_down_is_found() {
        assert!(check(&[package("shared/attic", "")]).iter().any(|finding| finding.contains("a new room")));
    }
}
