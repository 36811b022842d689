//! Other programs: run with a clean environment, a bound on time, and errors that say what to do.

use std::ffi::OsStr;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{interrupt, paths, show};

/// How often a wait looks, and when a long one says that it lives: then, and whenever that time has doubled.
const LOOK: Duration = Duration::from_millis(40);
const STILL_ALIVE: Duration = Duration::from_secs(10);
const STILL_ALIVE_WITH_OUTPUT: Duration = Duration::from_secs(30);
const LOG_LINES_SHOWN: usize = 40;

/// One call of a program.
pub(crate) struct Call {
    command: Command,
    text: String,
    limit: Option<Duration>,
    /// The name of the log, where the output is kept and not shown.
    log: Option<String>,
    though_interrupted: bool,
}

impl Call {
    /// A call of `program` in the root of the checkout.
    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let mut command = Command::new(&program);
        command.current_dir(paths::root()).stdin(Stdio::null());
        Self {
            command,
            text: program.as_ref().to_string_lossy().into_owned(),
            limit: None,
            log: None,
            though_interrupted: false,
        }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.text.push(' ');
        self.text.push_str(&arg.as_ref().to_string_lossy());
        self.command.arg(arg);
        self
    }

    /// Adds arguments.
    pub(crate) fn args(self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        args.into_iter().fold(self, Self::arg)
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Takes an environment variable away.
    pub(crate) fn without_env(mut self, name: &str) -> Self {
        self.command.env_remove(name);
        self
    }

    /// Ends the program when it runs longer.
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Goes on although we were asked to end: for what takes things down.
    pub(crate) fn though_interrupted(mut self) -> Self {
        self.though_interrupted = true;
        self
    }

    /// Runs with the program's output shown; `Ok(false)` when it fails.
    pub(crate) fn passes(mut self) -> Result<bool> {
        let child = self.start()?;
        Ok(self.finish(child)?.success())
    }

    /// Runs with its output kept in `.work/log/<name>.log`; the end of it is part of the error.
    pub(crate) fn logged(mut self, name: &str) -> Result<()> {
        self.log = Some(name.to_owned());
        let log = paths::work().join("log").join(format!("{name}.log"));
        std::fs::create_dir_all(paths::work().join("log")).context("could not create .work/log")?;
        let file = File::create(&log).with_context(|| format!("could not write {}", log.display()))?;
        self.command.stderr(file.try_clone().context("could not share the log file")?).stdout(file);
        let child = self.start()?;
        let status = self.finish(child)?;
        if status.success() {
            return Ok(());
        }
        bail!("`{}` failed ({status}); {} ends with\n{}", self.text, paths::short(&log), tail(&log))
    }

    /// Runs it and gives what it printed on standard output.
    pub(crate) fn output(mut self) -> Result<String> {
        let out = self.command.output().with_context(|| format!("could not run `{}`", self.text))?;
        if !out.status.success() {
            let why = String::from_utf8_lossy(&out.stderr);
            bail!("`{}` failed ({}): {}", self.text, out.status, why.trim());
        }
        Ok(String::from_utf8_lossy(&out.stdout).into_owned())
    }

    fn start(&mut self) -> Result<Child> {
        self.command.spawn().with_context(|| format!("could not run `{}`", self.text))
    }

    fn finish(&self, mut child: Child) -> Result<ExitStatus> {
        let start = Instant::now();
        let (name, mut next) = match &self.log {
            Some(log) => (log.as_str(), STILL_ALIVE),
            None => ("still at it", STILL_ALIVE_WITH_OUTPUT),
        };
        loop {
            if let Some(status) = child.try_wait().with_context(|| format!("lost `{}`", self.text))? {
                return Ok(status);
            }
            if interrupt::is_asked() && !self.though_interrupted {
                child.kill().with_context(|| format!("could not end `{}`", self.text))?;
                child.wait().with_context(|| format!("lost `{}`", self.text))?;
                bail!("interrupted");
            }
            if let Some(limit) = self.limit.filter(|limit| start.elapsed() >= *limit) {
                child.kill().with_context(|| format!("could not end `{}`", self.text))?;
                child.wait().with_context(|| format!("lost `{}`", self.text))?;
                bail!("`{}` did not finish within {}", self.text, show::duration(limit));
            }
            if start.elapsed() >= next {
                show::progress(&format!("      … {name}: {} so far", show::duration(next)));
                next = next.saturating_mul(2);
            }
            std::thread::sleep(LOOK);
        }
    }
}

fn tail(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(LOG_LINES_SHOWN));
    shown.map(|line| format!("  | {line}\n")).collect()
}

/// Cargo as people run it here: the toolchain that `rust-toolchain.toml` names. What `cargo xtask` says of its own package is
/// taken away: build scripts that look at it (ring's) would compile everything anew, now and again when people run cargo.
pub(crate) fn cargo() -> Call {
    let call = Call::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let names = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
    let own = names.filter(|name| name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_"));
    own.fold(call, |call, name| call.without_env(&name))
}

/// Looks for a program on `PATH`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_is_ended_at_its_bound() {
        let call = Call::new("sh").args(["-c", "exec sleep 600"]).within(Duration::from_millis(120));
        let error = call.passes().expect_err("it must not finish").to_string();
        assert!(error.contains("did not finish within 0.1 s"), "{error}");
    }

    #[test]
    fn a_failure_says_what_was_run_and_what_it_said() {
        let call = Call::new("sh").args(["-c", "echo broken >&2; exit 3"]);
        let error = call.output().expect_err("it must fail").to_string();
        assert!(error.contains("sh -c") && error.contains("broken"), "{error}");
    }
}
