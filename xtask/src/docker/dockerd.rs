//! An engine of our own: everything it keeps is below `.work/docker`, and it ends with us, even when we are killed.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use meshward_harness::poll;

use super::rules::Rules;
use crate::process::Call;
use crate::{paths, show};

const READY_WITHIN: Duration = Duration::from_secs(60);
const END_WITHIN: Duration = Duration::from_secs(30);
/// The longest path that a Unix socket may have, without the zero at its end.
const LONGEST_SOCKET: usize = 107;
/// The longest that the engine makes below its folder of running things.
const INNER_SOCKET: &str = "containerd/containerd-debug.sock";

/// The running engine.
pub(super) struct Dockerd {
    child: Child,
    watchdog: Option<Child>,
    dir: PathBuf,
    /// What the firewall held before.
    rules: Option<Rules>,
}

impl Dockerd {
    /// Starts it and waits until it answers.
    pub(super) fn start() -> Result<Self> {
        let dir = paths::work().join("docker");
        let run = dir.join("run");
        if run.join(INNER_SOCKET).as_os_str().len() > LONGEST_SOCKET {
            bail!(
                "{} is too long a path for an engine's sockets: use a checkout nearer to the root",
                run.display()
            );
        }
        end_stale(&dir.join("pid"))?;
        std::fs::create_dir_all(&run).with_context(|| format!("could not create {}", run.display()))?;
        let log_path = dir.join("dockerd.log");
        let log =
            File::create(&log_path).with_context(|| format!("could not write {}", log_path.display()))?;
        let rules = Rules::save();
        let child = command(&dir, &run)
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("could not share the log file")?)
            .stderr(log)
            // Ctrl-C in the terminal is for us: the engine ends after its containers.
            .process_group(0)
            .spawn()
            .context("could not run `dockerd`")?;
        let watchdog = watchdog(child.id())?;
        let mut engine = Self { child, watchdog: Some(watchdog), dir, rules };
        engine.wait()?;
        Ok(engine)
    }

    /// What `DOCKER_HOST` must be.
    pub(super) fn host(&self) -> String {
        host(&self.dir)
    }

    /// Its version.
    pub(super) fn version(&self) -> Result<String> {
        let call = Call::new("docker").env("DOCKER_HOST", self.host());
        Ok(call.args(["version", "--format", "{{.Server.Version}}"]).output()?.trim().to_owned())
    }

    fn wait(&mut self) -> Result<()> {
        let mut gone = None;
        let answered = poll::until("the engine to answer", READY_WITHIN, || {
            gone = self.child.try_wait().ok().flatten();
            let asked = crate::interrupt::is_asked() || gone.is_some();
            (asked || self.version().is_ok()).then_some(())
        });
        crate::interrupt::check()?;
        let log = paths::short(&self.dir.join("dockerd.log"));
        match (answered, gone) {
            (_, Some(status)) => bail!("`dockerd` ended ({status}); {log} says why"),
            (Err(late), None) => Err(late).with_context(|| format!("{log} may say why")),
            (Ok(()), None) => Ok(()),
        }
    }
}

impl Drop for Dockerd {
    fn drop(&mut self) {
        // The watchdog first: once the engine is waited for, its id may be given to somebody else.
        if let Some(mut watchdog) = self.watchdog.take() {
            drop(watchdog.kill());
            drop(watchdog.wait());
        }
        ask_to_end(self.child.id());
        let ended = poll::until("the engine to end", END_WITHIN, || self.child.try_wait().ok().flatten());
        if ended.is_err() {
            show::error("the engine did not end when it was asked to, and is killed");
            drop(self.child.kill());
            drop(self.child.wait());
        }
        if let Some(rules) = self.rules.take() {
            rules.restore();
        }
    }
}

fn command(dir: &Path, run: &Path) -> Command {
    let mut command = Command::new("dockerd");
    command
        .arg("--data-root")
        .arg(dir.join("data"))
        .arg("--exec-root")
        .arg(run)
        .arg("--pidfile")
        .arg(dir.join("pid"))
        .args(["--host", &host(dir)])
        // Nobody uses the default network: compose makes one of its own and takes it away again.
        .args(["--bridge", "none", "--log-level", "warn"]);
    command
}

fn host(dir: &Path) -> String {
    format!("unix://{}", dir.join("docker.sock").display())
}

/// A shell that waits for the end of a pipe which only we hold open, then asks the engine to end.
fn watchdog(pid: u32) -> Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -TERM \"$1\"", "watchdog", &pid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .context("could not run `sh`")
}

fn ask_to_end(pid: u32) {
    // An engine that is gone already needs no asking.
    drop(Call::new("sh").args(["-c", "kill -TERM \"$1\"", "end", &pid.to_string()]).output());
}

/// An engine that outlived its run (the watchdog was killed, too) is ended first.
fn end_stale(pid_file: &Path) -> Result<()> {
    let Some(pid) = alive(pid_file) else { return Ok(()) };
    show::progress(&format!("      an engine of an earlier run (process {pid}) is ended first"));
    ask_to_end(pid);
    poll::until("the earlier engine to end", END_WITHIN, || alive(pid_file).is_none().then_some(()))
        .with_context(|| format!("process {pid} was asked to end; look at it before you kill it"))
}

/// The process that the file names, if it is an engine that keeps its pid there.
fn alive(pid_file: &Path) -> Option<u32> {
    let pid: u32 = std::fs::read_to_string(pid_file).ok()?.trim().parse().ok()?;
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let mut words = command.split(|byte| *byte == 0);
    let is_engine = words.next().is_some_and(|program| program.ends_with(b"dockerd"));
    (is_engine && words.any(|word| word == pid_file.as_os_str().as_encoded_bytes())).then_some(pid)
}
