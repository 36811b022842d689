//! The steps of `cargo xtask test`, cheapest first, each as people would run it by hand.

use anyhow::{Result, bail};

use crate::docker::{Ability, Skipped};
use crate::envoy::Envoy;
use crate::process::{self, Call};
use crate::setup::Step;
use crate::test::Check;
use crate::toolchain::{self, MODULE_TARGET, NODE_TARGET};
use crate::{bench, bindgen, docker, house, modules, ocsf, packages, paths, show};

const TOOLCHAIN: &[Step] = &[Step::Toolchain];

/// All steps, in order.
pub(crate) const ALL: [Check; 13] = [
    Check { name: "fmt", about: "formatting", needs: &[], run: format },
    Check { name: "house", about: "house rules: sizes, arrows, names, links", needs: &[], run: house_rules },
    Check { name: "lint", about: "clippy, native", needs: &[], run: lint },
    Check { name: "lint-wasm", about: "clippy, modules' target", needs: TOOLCHAIN, run: lint_wasm },
    Check { name: "build", about: "Wasm modules: interface, size", needs: TOOLCHAIN, run: build },
    Check {
        name: "unit",
        about: "unit and integration tests, native",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main), Step::Envoy(Envoy::Second), Step::Ocsf],
        run: unit,
    },
    Check {
        name: "corpus",
        about: "policies' cases, natively, in the embedded host and through real Envoys",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main), Step::Envoy(Envoy::Second)],
        run: corpus,
    },
    Check {
        name: "probes",
        about: "what a module sees of its host: the same in real Envoys and in the embedded host",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main), Step::Envoy(Envoy::Second)],
        run: probes,
    },
    Check {
        name: "host-calls",
        about: "what a request takes between Envoy and each plugin: equal to its floor's, as few as written down",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main)],
        run: host_calls,
    },
    Check {
        name: "node",
        about: "unit tests of the pure crates as Wasm, on Node",
        needs: &[Step::Toolchain, Step::NodeRunner],
        run: node,
    },
    Check { name: "docs", about: "documentation without warnings", needs: &[], run: docs },
    Check {
        name: "demo",
        about: "the demo mesh, every row as expected",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main)],
        run: demo,
    },
    Check {
        name: "docker",
        about: "the demo mesh in containers, where containers can run",
        needs: &[Step::Toolchain, Step::Envoy(Envoy::Main)],
        run: containers,
    },
];

fn format() -> Result<bool> {
    process::cargo().args(["fmt", "--all", "--check"]).passes()
}

fn house_rules() -> Result<bool> {
    let findings = house::check(&paths::root())?;
    for finding in &findings {
        show::progress(&format!("  {finding}"));
    }
    Ok(findings.is_empty())
}

fn lint() -> Result<bool> {
    let call = process::cargo().args(["clippy", "--quiet", "--workspace", "--all-targets"]);
    call.args(["--", "-D", "warnings"]).passes()
}

/// What ships is linted as it ships: code behind `cfg(target_arch = "wasm32")` is invisible to the native lints.
fn lint_wasm() -> Result<bool> {
    let call = toolchain::install()?.cargo("clippy", MODULE_TARGET).args(["--quiet", "--profile", "module"]);
    let call = packages::wasm_only()?.iter().fold(call, |call, package| call.args(["--package", package]));
    call.args(["--", "-D", "warnings"]).passes()
}

fn build() -> Result<bool> {
    crate::build::run().map(|code| code == std::process::ExitCode::SUCCESS)
}

/// The folder of the cases, which have a step of their own.
const CORPUS: &str = "tests/corpus";
/// The folder of the probes, which have one, too.
const PROBES: &str = "tests/probes";

fn unit() -> Result<bool> {
    modules::build(&[modules::Plugin::Authz, modules::Plugin::Asking, modules::Plugin::SdkEmpty])?;
    let files = packages::test_files(|folder| folder != CORPUS && folder != PROBES)?;
    let tests = || anyhow::Ok(named(native_tests()?.args(["--lib", "--bins"]), &files));
    let passed = tests()?.args(["--quiet", "--no-run"]).passes()? && tests()?.passes()?;
    Ok(native_tests()?.args(["--quiet", "--doc"]).passes()? && passed)
}

/// The tests say what each door ran and left out and why, and what the budgets are.
fn corpus() -> Result<bool> {
    use modules::Plugin::{Asking, Authn, Authz, Guard, Probe, Ratelimit, Sentinel};
    modules::build(&[Authn, Authz, Ratelimit, Sentinel, Guard, Asking, Probe])?;
    let files = packages::test_files(|folder| folder == CORPUS)?;
    let tests = || anyhow::Ok(named(native_tests()?, &files));
    Ok(tests()?.args(["--quiet", "--no-run"]).passes()? && tests()?.args(["--", "--nocapture"]).passes()?)
}

/// The tests say how many behaviours there are of each family, and which differ.
fn probes() -> Result<bool> {
    use modules::Plugin::{Asking, Authn, Authz, Probe};
    modules::build(&[Probe, Asking, Authn, Authz])?;
    let files = packages::test_files(|folder| folder == PROBES)?;
    let tests = || anyhow::Ok(named(native_tests()?, &files));
    Ok(tests()?.args(["--quiet", "--no-run"]).passes()? && tests()?.args(["--", "--nocapture"]).passes()?)
}

/// The same packages in every call, so that cargo chooses the same features and compiles nothing twice. Modules cannot
/// be linked natively: their host functions are the proxy's.
fn native_tests() -> Result<Call> {
    let call = with_engines(process::cargo().args(["test", "--workspace", "--no-fail-fast"]))?;
    Ok(packages::modules()?.iter().fold(call, |call, package| call.args(["--exclude", package])))
}

fn named(call: Call, files: &[String]) -> Call {
    files.iter().fold(call, |call, file| call.args(["--test", file]))
}

fn host_calls() -> Result<bool> {
    bench::host_calls(false)
}

/// Tells the tests which Envoys to run and where the modules are.
pub(crate) fn with_engines(call: Call) -> Result<Call> {
    let call = call.env("MESHWARD_MODULES", paths::modules());
    let main = Envoy::Main.install()?;
    let second = Envoy::Second.install()?;
    let call = call.env(Envoy::Main.variable(), main).env(Envoy::Second.variable(), second);
    // Only one step takes them; the others do without.
    Ok(match ocsf::found()? {
        Some(folder) => call.env(ocsf::VARIABLE, folder),
        None => call,
    })
}

/// One call for all crates: they share the standard library that Debian's toolchain builds. Compiling is quiet, running
/// is not: the runner knows no `--quiet`.
fn node() -> Result<bool> {
    let runner = bindgen::install()?;
    Ok(node_tests()?.args(["--quiet", "--no-run"]).passes()?
        && node_tests()?.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", runner).passes()?)
}

/// Nothing is optimised: the tests take milliseconds, the compiler minutes.
fn node_tests() -> Result<Call> {
    let call = toolchain::install()?.cargo("test", NODE_TARGET).arg("--lib");
    let call = call.args([
        "--config",
        "profile.dev.package.\"*\".opt-level=0",
        "--config",
        "profile.dev.debug=false",
    ]);
    Ok(packages::pure()?.iter().fold(call, |call, package| call.args(["--package", package])))
}

fn docs() -> Result<bool> {
    let call = process::cargo().args(["doc", "--quiet", "--workspace", "--no-deps"]);
    call.env("RUSTDOCFLAGS", "-D warnings").passes()
}

fn demo() -> Result<bool> {
    process::cargo().args(["run", "--quiet", "--package", "xtask", "--", "demo"]).passes()
}

fn containers() -> Result<bool> {
    if let Ability::Never(why) = docker::ability() {
        bail!(Skipped(why));
    }
    process::cargo().args(["run", "--quiet", "--package", "xtask", "--", "demo", "--docker"]).passes()
}
