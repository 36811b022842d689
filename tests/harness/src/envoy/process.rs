//! The process itself: kill by id, never outlive us, what /proc says of it.

use super::EnvoyError;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

/// /proc counts CPU time in hundredths of a second on every Linux (`USER_HZ`).
const TICK: Duration = Duration::from_millis(10);

/// A child process and the watchdog that kills it should we die without dropping it.
#[derive(Debug)]
pub(super) struct Process {
    child: Option<Child>,
    pid: u32,
    watchdog: Option<Child>,
}

impl Process {
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let child = command.spawn()?;
        let pid = child.id();
        let mut process = Self { child: Some(child), pid, watchdog: None };
        process.watchdog = Some(watchdog(pid)?);
        Ok(process)
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    pub(super) fn exited(&mut self) -> Option<ExitStatus> {
        self.child.as_mut().and_then(|child| child.try_wait().ok().flatten())
    }

    /// Nobody ends the process any more.
    pub(super) fn detach(mut self) -> io::Result<u32> {
        end(self.watchdog.take())?;
        self.child = None;
        Ok(self.pid)
    }

    pub(super) fn cpu_time(&self) -> Result<Duration, EnvoyError> {
        // The command's name, in parentheses, may hold spaces: count fields after it. User and system are the 14th and
        // 15th of all, so the 12th and 13th after the name.
        let (path, text) = self.read("stat")?;
        let fields = text.rsplit_once(')').map_or("", |(_, fields)| fields);
        let ticks = fields.split_whitespace().skip(11).take(2).map(str::parse::<u32>);
        match ticks.collect::<Result<Vec<_>, _>>().ok().as_deref() {
            Some([user, system]) => Ok(TICK * (user + system)),
            _ => Err(unreadable(path)),
        }
    }

    pub(super) fn memory_rss(&self) -> Result<u64, EnvoyError> {
        let (path, text) = self.read("status")?;
        let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line
            .and_then(|line| line.trim().strip_suffix(" kB"))
            .and_then(|kib| kib.trim().parse::<u64>().ok());
        kib.map(|kib| kib * 1024).ok_or_else(|| unreadable(path))
    }

    fn read(&self, name: &str) -> Result<(PathBuf, String), EnvoyError> {
        let path = PathBuf::from(format!("/proc/{}/{name}", self.pid));
        match fs::read_to_string(&path) {
            Ok(text) => Ok((path, text)),
            Err(source) => Err(EnvoyError::File { path, source }),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // The watchdog first: once the child is waited for, its id may be given to someone else.
        drop(end(self.watchdog.take()));
        drop(end(self.child.take()));
    }
}

fn end(child: Option<Child>) -> io::Result<()> {
    let Some(mut child) = child else { return Ok(()) };
    child.kill()?;
    child.wait().map(|_| ())
}

/// A shell that waits for the end of a pipe which only we hold open, then kills.
fn watchdog(pid: u32) -> io::Result<Child> {
    Command::new("sh")
        .args(["-c", "read -r _; kill -9 \"$1\"", "watchdog", &pid.to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
}

fn unreadable(path: PathBuf) -> EnvoyError {
    EnvoyError::File { path, source: io::Error::new(io::ErrorKind::InvalidData, "not as Linux writes it") }
}

#[cfg(test)]
mod tests {
    use super::Process;
    use std::error::Error;
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn a_dropped_process_is_gone_and_its_numbers_can_be_read() -> Result<(), Box<dyn Error>> {
        let mut process = Process::start(Command::new("sleep").arg("600"))?;
        assert!(process.exited().is_none());
        assert!(process.memory_rss()? > 0);
        process.cpu_time()?;
        let proc = format!("/proc/{}", process.pid());
        drop(process);
        assert!(!Path::new(&proc).exists());
        Ok(())
    }
}
