//! A module's interface against Envoy's: it imports nothing that Envoy does not provide, and exports what was written
//! down. An import that is missing in Envoy is a configuration refused in production; here it is a build that fails.

use anyhow::{Context, Result, bail};
use wasmparser::{Parser, Payload, Validator};

/// The WASI functions (`wasi_snapshot_preview1`) that Envoy's Wasm extension registers: proxy-wasm-cpp-host, the list
/// `FOR_ALL_WASI_FUNCTIONS` of `exports.h`. Most answer "not supported"; they are there, so a module links.
const WASI: [&str; 45] = [
    "args_get",
    "args_sizes_get",
    "clock_res_get",
    "clock_time_get",
    "environ_get",
    "environ_sizes_get",
    "fd_advise",
    "fd_allocate",
    "fd_close",
    "fd_datasync",
    "fd_fdstat_get",
    "fd_fdstat_set_flags",
    "fd_fdstat_set_rights",
    "fd_filestat_get",
    "fd_filestat_set_size",
    "fd_filestat_set_times",
    "fd_pread",
    "fd_prestat_dir_name",
    "fd_prestat_get",
    "fd_pwrite",
    "fd_read",
    "fd_readdir",
    "fd_renumber",
    "fd_seek",
    "fd_sync",
    "fd_tell",
    "fd_write",
    "path_create_directory",
    "path_filestat_get",
    "path_filestat_set_times",
    "path_link",
    "path_open",
    "path_readlink",
    "path_remove_directory",
    "path_rename",
    "path_symlink",
    "path_unlink_file",
    "poll_oneoff",
    "proc_exit",
    "random_get",
    "sched_yield",
    "sock_accept",
    "sock_recv",
    "sock_send",
    "sock_shutdown",
];

/// The names on both sides of a module.
struct Interface {
    imports: Vec<(String, String)>,
    exports: Vec<String>,
}

/// Checks a module; `exports` is exactly what it must export, where that is written down.
///
/// # Errors
///
/// Names each import that Envoy lacks, each export too many or too few.
pub(crate) fn check(wasm: &[u8], exports: Option<&[&str]>) -> Result<()> {
    Validator::new().validate_all(wasm).context("the module is not valid")?;
    let interface = read(wasm)?;
    let mut wrong: Vec<String> =
        interface.imports.iter().filter(|(from, name)| !provided(from, name)).map(unknown).collect();
    if let Some(expected) = exports {
        let missing = expected.iter().filter(|name| !interface.exports.iter().any(|export| export == *name));
        wrong.extend(missing.map(|name| format!("it does not export `{name}`")));
        let extra = interface.exports.iter().filter(|name| !expected.contains(&name.as_str()));
        wrong.extend(extra.map(|name| format!("it exports `{name}`, which nobody wrote down")));
    }
    match wrong.is_empty() {
        true => Ok(()),
        false => bail!("{}", wrong.join("; ")),
    }
}

fn provided(from: &str, name: &str) -> bool {
    match from {
        "env" => name.starts_with("proxy_"),
        "wasi_snapshot_preview1" => WASI.contains(&name),
        _ => false,
    }
}

fn unknown((from, name): &(String, String)) -> String {
    format!("it imports `{from}.{name}`, which Envoy does not provide")
}

fn read(wasm: &[u8]) -> Result<Interface> {
    let mut interface = Interface { imports: Vec::new(), exports: Vec::new() };
    for payload in Parser::new(0).parse_all(wasm) {
        let payload = payload.context("the module is not valid")?;
        if let Payload::ImportSection(section) = payload {
            for import in section.into_imports() {
                let import = import.context("an import is not valid")?;
                interface.imports.push((import.module.to_owned(), import.name.to_owned()));
            }
        } else if let Payload::ExportSection(section) = payload {
            for export in section {
                interface.exports.push(export.context("an export is not valid")?.name.to_owned());
            }
        }
    }
    Ok(interface)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str, exports: Option<&[&str]>) -> Result<(), String> {
        let wasm = wat::parse_str(text).expect("the example is a module");
        check(&wasm, exports).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn what_envoy_provides_may_be_imported() {
        let text = r#"(module (import "env" "proxy_log" (func)) (import "wasi_snapshot_preview1" "fd_write" (func)))"#;
        assert_eq!(checked(text, None), Ok(()));
    }

    #[test]
    fn javascript_and_unknown_wasi_functions_are_refused() {
        for (module, name) in
            [("__wbindgen_placeholder__", "f"), ("wasi_snapshot_preview1", "sock_open"), ("env", "now")]
        {
            let text = format!(r#"(module (import "{module}" "{name}" (func)))"#);
            let error = checked(&text, None).expect_err("Envoy has no such function");
            assert!(error.contains(&format!("`{module}.{name}`")), "{error}");
        }
    }

    #[test]
    fn exports_are_exactly_those_written_down() {
        let text = r#"(module (memory (export "memory") 1) (func (export "proxy_on_log")))"#;
        assert_eq!(checked(text, Some(&["memory", "proxy_on_log"])), Ok(()));
        let error =
            checked(text, Some(&["memory", "proxy_on_delete"])).expect_err("one too few, one too many");
        assert!(
            error.contains("does not export `proxy_on_delete`") && error.contains("exports `proxy_on_log`"),
            "{error}"
        );
    }
}
