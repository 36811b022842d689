//! istiod's own translator, a small Go program of ours around it: policies in, Envoy's RBAC filters out.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde::Deserialize;
use serde_json::{Value, json};

use super::set::{NAMESPACE, ROOT_NAMESPACE, Set, TRUST_DOMAIN};
use crate::process::{self, Call};
use crate::{paths, show};

/// Compiling what istiod is made of, the first time.
const BUILT_WITHIN: Duration = Duration::from_secs(3600);

/// What istiod makes of a set.
#[derive(Deserialize)]
pub(super) struct Translated {
    pub(super) filters: Vec<Value>,
    #[serde(default)]
    pub(super) refused: Vec<String>,
}

fn source() -> PathBuf {
    paths::root().join("tests/conformance/rbac")
}

/// Builds the program; what is built already is only looked at.
pub(super) fn build() -> Result<PathBuf> {
    let wanted = wanted_go(&std::fs::read_to_string(source().join("go.mod")).context("no go.mod")?)?;
    let remedy = format!("install Go {wanted} or newer (the first build takes some minutes and 8 GB)");
    ensure!(
        process::on_path("go").is_some(),
        "istiod's translator is written in Go, and there is no `go`: {remedy}"
    );
    let found = Call::new("go").args(["env", "GOVERSION"]).env("GOTOOLCHAIN", "local").output()?;
    let found = found.trim().trim_start_matches("go").to_owned();
    ensure!(number(&found) >= number(&wanted), "this is Go {found}: {remedy}");
    let program = paths::work().join("conformance").join("translator");
    show::progress(&format!("building istiod's translator with Go {found}"));
    Call::new("go")
        .args(["build", "-C"])
        .arg(source())
        .args(["-buildvcs=false", "-mod=readonly", "-o"])
        .arg(&program)
        .arg(".")
        .env("GOTOOLCHAIN", "local")
        .env("GOFLAGS", "")
        .within(BUILT_WITHIN)
        .logged("translator")?;
    Ok(program)
}

/// The `go 1.2.3` of a go.mod.
fn wanted_go(module: &str) -> Result<String> {
    let line = module.lines().find_map(|line| line.strip_prefix("go "));
    line.map(|version| version.trim().to_owned()).context("go.mod names no version of Go")
}

fn number(version: &str) -> Vec<u32> {
    let parts = version.split(|character: char| !character.is_ascii_digit());
    parts.map_while(|part| part.parse().ok()).collect()
}

/// Translates all sets, in their order.
pub(super) fn translate(program: &Path, sets: &[Set]) -> Result<Vec<Translated>> {
    let input: String = sets
        .iter()
        .map(|set| {
            let one = json!({
                "namespace": NAMESPACE,
                "labels": {},
                "rootNamespace": ROOT_NAMESPACE,
                "trustDomain": TRUST_DOMAIN,
                "trustDomainAliases": [],
                "documents": set.text(),
            });
            format!("{one}\n")
        })
        .collect();
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .context("the translator does not run")?;
    let mut stdin = child.stdin.take().context("the translator takes nothing")?;
    let writing = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let done = child.wait_with_output().context("lost the translator")?;
    drop(writing.join());
    if !done.status.success() {
        bail!("the translator failed: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    let lines = serde_json::Deserializer::from_slice(&done.stdout).into_iter::<Translated>();
    let translated =
        lines.collect::<Result<Vec<_>, _>>().context("the translator's answer cannot be read")?;
    ensure!(translated.len() == sets.len(), "{} sets, {} answers", sets.len(), translated.len());
    Ok(translated)
}

#[cfg(test)]
mod tests {
    use super::{number, wanted_go};

    #[test]
    fn versions_of_go_are_compared_by_their_numbers() {
        assert!(number("1.26.10") > number("1.26.4") && number("1.9") < number("1.26.4"));
        assert!(number("1.27rc1") > number("1.26.4"));
        assert_eq!(wanted_go("module x\n\ngo 1.26.4\n").ok().as_deref(), Some("1.26.4"));
    }
}
