//! What is printed while it runs: a line a request, events when asked for, and what happens to the policy.

use std::io::Write;

use meshward_host::{LogLevel, LogLine};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::console::{Console, Ink};
use crate::failure::Failure;

/// Something to say.
#[derive(Debug)]
pub(super) enum Told {
    /// What became of a request.
    Request(Line),
    /// The module's log.
    Log(LogLine),
    /// The policy was read again.
    Reloaded,
    /// A new text of the policy was refused; in words.
    Refused(String),
    /// Something else that went wrong, on a connection for example.
    Trouble(String),
}

/// One request.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) caller: String,
    pub(super) allowed: bool,
    pub(super) status: u16,
    /// The rule, or the reason.
    pub(super) why: String,
}

/// Ctrl-C and a polite kill, heard from the moment that this is made.
pub(super) struct EndSignals {
    interrupt: Signal,
    terminate: Signal,
}

impl EndSignals {
    /// Begins to listen.
    pub(super) fn listen() -> Result<Self, Failure> {
        let fail = |error| Failure::input(format!("cannot listen for Ctrl-C: {error}"), "");
        Ok(Self {
            interrupt: signal(SignalKind::interrupt()).map_err(fail)?,
            terminate: signal(SignalKind::terminate()).map_err(fail)?,
        })
    }
}

/// Prints until we are asked to end.
pub(super) async fn print_until(
    mut ends: EndSignals,
    mut told: UnboundedReceiver<Told>,
    console: &mut Console,
    verbose: bool,
) -> Result<(), Failure> {
    loop {
        tokio::select! {
            _ = ends.interrupt.recv() => return Ok(()),
            _ = ends.terminate.recv() => return Ok(()),
            one = told.recv() => match one {
                None => return Ok(()),
                Some(one) => print(&one, console, verbose)?,
            },
        }
    }
}

fn print(told: &Told, console: &mut Console, verbose: bool) -> Result<(), Failure> {
    match told {
        Told::Request(line) => {
            let (ink, verdict) = if line.allowed { (Ink::Good, "allow") } else { (Ink::Bad, "deny") };
            let verdict = console.ink(ink, verdict);
            let Line { method, path, caller, status, why, .. } = line;
            writeln!(
                console.out(),
                "{} {}  {caller} → {verdict} {status}  {why}",
                plain(method),
                plain(path)
            )?;
            console.flush()?;
        }
        Told::Log(line) if verbose => {
            let text = console.ink(Ink::Faint, &plain(&line.text));
            writeln!(console.out(), "  {text}")?;
            console.flush()?;
        }
        // The line of its request says a denial; what failed in the host is said in any case.
        Told::Log(line) if line.level >= LogLevel::Error || line.plugin.is_empty() => {
            console.say(format_args!("{}", plain(&line.text)));
        }
        Told::Log(_) => {}
        Told::Reloaded => console.say(format_args!("the policy has changed and is in force")),
        Told::Refused(why) => {
            console.say(format_args!("the changed policy is refused, the last good one stays: {why}"))
        }
        Told::Trouble(what) => console.say(format_args!("{}", plain(what))),
    }
    Ok(())
}

/// What a caller sent must not move the cursor.
fn plain(text: &str) -> String {
    text.chars().map(|one| if one.is_control() { '\u{fffd}' } else { one }).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn what_a_caller_sent_moves_no_cursor() {
        assert_eq!(plain("/a\u{1b}[2J\n"), "/a\u{fffd}[2J\u{fffd}");
    }
}
