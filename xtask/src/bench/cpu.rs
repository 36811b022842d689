//! CPU time of a process to the nanosecond, and which CPU is whose.

use std::path::Path;

use anyhow::{Context, Result};

use crate::process::Call;

/// Who runs where: the load on one CPU, Envoy on another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cpus {
    pub(super) load: u32,
    pub(super) envoy: u32,
}

impl Cpus {
    /// The first two CPUs that this process may use; `None` where there is only one.
    pub(super) fn choose() -> Result<Option<Self>> {
        let status =
            std::fs::read_to_string("/proc/self/status").context("could not read /proc/self/status")?;
        let list =
            status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
        let mut numbers = allowed(list.trim());
        Ok(numbers.next().zip(numbers.next()).map(|(load, envoy)| Self { load, envoy }))
    }

    /// Binds this process to the load's CPU.
    pub(super) fn bind_load(self) -> Result<()> {
        let pid = std::process::id().to_string();
        let call = Call::new("taskset").args(["--all-tasks", "--cpu-list", "--pid"]);
        call.args([&self.load.to_string(), &pid]).output().map(|_| ())
    }
}

/// `0-1,4` gives 0, 1, 4.
fn allowed(list: &str) -> impl Iterator<Item = u32> + '_ {
    list.split(',').flat_map(|part| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        match (first.parse::<u32>(), last.parse::<u32>()) {
            (Ok(first), Ok(last)) => first..last.saturating_add(1),
            _ => 0..0,
        }
    })
}

/// User and system time of all threads of a process, in nanoseconds. The kernel's tick of 10 ms would be half a microsecond
/// per request over 20,000 of them, more than some filters cost. A thread that ends while it is asked is left out.
pub(super) fn nanoseconds(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let entries =
        std::fs::read_dir(&tasks).with_context(|| format!("could not list {tasks}: has Envoy ended?"))?;
    let mut sum = 0_u64;
    for entry in entries {
        let path = entry.with_context(|| format!("could not list {tasks}"))?.path();
        sum = sum.saturating_add(of_thread(&path.join("schedstat"))?);
    }
    Ok(sum)
}

fn of_thread(path: &Path) -> Result<u64> {
    let text = match std::fs::read_to_string(path) {
        Err(_) if path.parent().is_some_and(|thread| !thread.exists()) => return Ok(0),
        text => text.with_context(|| {
            format!("could not read {}: the bench needs a Linux kernel with schedstats", path.display())
        })?,
    };
    let first = text.split_whitespace().next().and_then(|number| number.parse().ok());
    first.with_context(|| format!("{} does not begin with a number", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_cpus_is_read_as_the_kernel_writes_it() {
        assert_eq!(allowed("0-1,4").collect::<Vec<_>>(), [0, 1, 4]);
        assert_eq!(allowed("3").collect::<Vec<_>>(), [3]);
        assert_eq!(allowed("").count(), 0);
    }

    #[test]
    fn our_own_time_is_counted() -> Result<()> {
        let before = nanoseconds(std::process::id())?;
        anyhow::ensure!(before > 0, "a process that runs has used some time");
        Ok(())
    }
}
