//! The images of the mesh: Envoy's own where it can be pulled, else one from the binary that is here; the application's always from here.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::docker::Engine;
use crate::envoy::Envoy;
use crate::process::{self, Call};
use crate::{paths, show};

/// What both images are built by.
const DOCKERFILE: &str = "envoy/Dockerfile";
/// The application's package and program.
const APPLICATION: (&str, &str) = ("xtask", "demo-app");
/// Marks what is built here, so that what a newer build replaced can be told from anything else.
const LABEL: &str = "io.meshward.demo";
/// A pull of 60 MB over a slow line; where there is no registry, the answer comes at once.
const PULL_WITHIN: Duration = Duration::from_secs(300);

/// Names that compose takes.
pub(super) struct Images {
    pub(super) envoy: String,
    pub(super) application: String,
}

impl Images {
    /// Pulls or builds both. `tag` keeps checkouts apart; contexts are gathered below `dir`.
    pub(super) fn get(engine: &Engine, binary: &Path, dir: &Path, tag: &str) -> Result<Self> {
        let official = format!("envoyproxy/envoy:v{}", Envoy::Main.version());
        let envoy = if is_there(engine, &official) || pull(engine, &official) {
            official
        } else {
            let image = format!("meshward-demo-envoy:{tag}");
            build(engine, &image, binary, "usr/local/bin/envoy", &dir.join("image-envoy"))?;
            image
        };
        let application = format!("meshward-demo-app:{tag}");
        let program = application_program()?;
        build(engine, &application, &program, "usr/local/bin/demo-app", &dir.join("image-app"))?;
        // What these builds replaced has no name any more.
        let filter = format!("label={LABEL}={tag}");
        engine.docker().args(["image", "prune", "--force", "--filter", &filter]).output()?;
        Ok(Self { envoy, application })
    }
}

fn is_there(engine: &Engine, image: &str) -> bool {
    engine.docker().args(["image", "inspect", "--format", "{{.Id}}", image]).output().is_ok()
}

fn pull(engine: &Engine, image: &str) -> bool {
    show::progress(&format!("      docker pull {image} …"));
    let pulled = engine.docker().args(["pull", "--quiet", image]).within(PULL_WITHIN).logged("docker-pull");
    if pulled.is_err() {
        show::progress("      no registry gives it: the image is built from the binary that is here");
    }
    pulled.is_ok()
}

/// The program, built natively like everything else here.
fn application_program() -> Result<PathBuf> {
    if !cfg!(target_os = "linux") {
        bail!("the demo's containers are built from programs of this machine, and that takes Linux");
    }
    let (package, program) = APPLICATION;
    process::cargo()
        .args(["build", "--quiet", "--package", package, "--bin", program])
        .logged("build-demo-app")?;
    Ok(paths::target().join("debug").join(program))
}

/// An image of one program and the libraries that it loads.
fn build(engine: &Engine, image: &str, program: &Path, inside: &str, context: &Path) -> Result<()> {
    show::progress(&format!("      docker build {image} …"));
    put(program, &context.join(inside))?;
    for library in libraries(program)? {
        put(&library, &context.join(library.strip_prefix("/").unwrap_or(&library)))?;
    }
    let tag = image.rsplit(':').next().unwrap_or_default();
    let call = engine.build().args(["--tag", image, "--label", &format!("{LABEL}={tag}"), "--file"]);
    let log = format!("docker-build-{}", image.split(':').next().unwrap_or_default());
    call.arg(paths::root().join(DOCKERFILE)).arg(context).logged(&log)
}

/// A copy that costs nothing where the file system allows it.
fn put(from: &Path, to: &Path) -> Result<()> {
    let fail = || format!("could not put {} into the image", from.display());
    if let Some(folder) = to.parent() {
        std::fs::create_dir_all(folder).with_context(fail)?;
    }
    let from = from.canonicalize().with_context(fail)?;
    if std::fs::hard_link(&from, to).is_err() {
        std::fs::copy(&from, to).with_context(fail)?;
    }
    Ok(())
}

/// Every library that the loader would open, and the loader; by the paths at which a program looks for them.
fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    // `ldd` fails on a static program, which needs nothing.
    let Ok(text) = Call::new("ldd").arg(program).output() else { return Ok(BTreeSet::new()) };
    parse_ldd(&text).with_context(|| format!("`ldd {}`", program.display()))
}

/// Lines `name => /path (0x…)` and `/path (0x…)`; the kernel's own object has no path.
fn parse_ldd(text: &str) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    for line in text.lines().map(str::trim) {
        let target = line.split_once("=>").map_or(line, |(_, target)| target.trim());
        if target.starts_with("not found") {
            bail!("a library is missing on this machine: {line}");
        }
        if let Some(path) = target.split_whitespace().next().filter(|path| path.starts_with('/')) {
            found.insert(PathBuf::from(path));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_and_loader_are_read_from_ldd() {
        let text =
            "\tlinux-vdso.so.1 (0x1)\n\tlibm.so.6 => /lib/x/libm.so.6 (0x2)\n\t/lib64/ld-linux.so.2 (0x3)\n";
        let found = parse_ldd(text).expect("two paths");
        assert_eq!(
            found.into_iter().collect::<Vec<_>>(),
            ["/lib/x/libm.so.6", "/lib64/ld-linux.so.2"].map(PathBuf::from)
        );
        assert!(parse_ldd("\tlibz.so => not found\n").is_err());
    }
}
