//! What is printed while it runs: a line a request, events when asked for, and what happens to the policy.

use meshward_host::{LogLevel, LogLine};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use super::printer::{Output, Printer};
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
    console: &Console,
    verbose: bool,
) -> Result<(), Failure> {
    let mut printer = Printer::start();
    loop {
        tokio::select! {
            _ = ends.interrupt.recv() => break,
            _ = ends.terminate.recv() => break,
            one = told.recv() => match one {
                None => break,
                Some(one) => {
                    if let Some(line) = line(&one, console, verbose) {
                        printer.print(line)?;
                    }
                }
            },
        }
    }
    printer.end();
    Ok(())
}

/// What is printed of it, if anything.
fn line(told: &Told, console: &Console, verbose: bool) -> Option<Output> {
    let say = |text: String| (!console.is_quiet()).then_some(Output::Err(text));
    match told {
        Told::Request(line) => {
            let (ink, verdict) = if line.allowed { (Ink::Good, "allow") } else { (Ink::Bad, "deny") };
            let verdict = console.ink(ink, verdict);
            let Line { method, path, caller, status, why, .. } = line;
            let (method, path) = (plain(method), plain(path));
            Some(Output::Out(format!("{method} {path}  {caller} → {verdict} {status}  {why}")))
        }
        Told::Log(line) if verbose => {
            let text = console.ink(Ink::Faint, &plain(&line.text));
            Some(Output::Out(format!("  {text}")))
        }
        // The line of its request says a denial; what failed in the host is said in any case.
        Told::Log(line) if line.level >= LogLevel::Error || line.plugin.is_empty() => say(plain(&line.text)),
        Told::Log(_) => None,
        Told::Reloaded => say("the policy has changed and is in force".to_owned()),
        Told::Refused(why) => say(format!("the changed policy is refused, the last good one stays: {why}")),
        Told::Trouble(what) => say(plain(what)),
    }
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
