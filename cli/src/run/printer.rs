//! Prints on a thread of its own: a reader that stops reading stops no request.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, channel, sync_channel};
use std::thread;
use std::time::Duration;

use crate::failure::Failure;

/// The most lines that wait to be printed; what comes on top is counted and told later.
const MAX_WAITING: usize = 4_096;
/// How long the last lines are waited for at the end.
const GRACE: Duration = Duration::from_secs(1);

/// A line and where it goes.
#[derive(Debug)]
pub(super) enum Output {
    /// Data.
    Out(String),
    /// For people.
    Err(String),
}

/// The thread's other end.
#[derive(Debug)]
pub(super) struct Printer {
    lines: SyncSender<Output>,
    ended: Receiver<()>,
    missed: u64,
}

impl Printer {
    /// Starts the thread.
    pub(super) fn start() -> Self {
        Self::writing(|line| match line {
            Output::Out(line) => writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush()),
            Output::Err(line) => writeln!(io::stderr(), "{line}"),
        })
    }

    fn writing(mut write: impl FnMut(&Output) -> io::Result<()> + Send + 'static) -> Self {
        let (lines, waiting) = sync_channel(MAX_WAITING);
        let (end, ended) = channel();
        thread::spawn(move || {
            // The first line that cannot be written ends it, which whoever prints next is told.
            let _ = waiting.iter().try_for_each(|line| write(&line));
            drop(waiting);
            let _ = end.send(());
        });
        Self { lines, ended, missed: 0 }
    }

    /// Prints a line as soon as those before it are.
    ///
    /// # Errors
    /// [`Failure::Output`] when nobody can read any more.
    pub(super) fn print(&mut self, line: Output) -> Result<(), Failure> {
        if self.missed > 0 {
            let text = format!("{} lines were not printed: they were not read in time", self.missed);
            if self.lines.try_send(Output::Err(text)).is_ok() {
                self.missed = 0;
            }
        }
        match self.lines.try_send(line) {
            Ok(()) => Ok(()),
            Err(TrySendError::Full(_)) => {
                self.missed = self.missed.saturating_add(1);
                Ok(())
            }
            Err(TrySendError::Disconnected(_)) => {
                Err(Failure::Output(io::Error::from(io::ErrorKind::BrokenPipe)))
            }
        }
    }

    /// Waits a moment for what is still to be printed.
    pub(super) fn end(self) {
        drop(self.lines);
        let _ = self.ended.recv_timeout(GRACE);
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::expect_used, reason = "tests")]
    use super::*;
    use std::sync::{Arc, Mutex};

    fn line(number: usize) -> Output {
        Output::Out(number.to_string())
    }

    #[test]
    fn a_reader_that_stops_stops_nobody_and_is_told_what_it_missed() {
        let (go, gate) = channel::<()>();
        let printed = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&printed);
        let mut first = true;
        let mut printer = Printer::writing(move |line| {
            if std::mem::take(&mut first) {
                gate.recv().expect("the gate opens");
            }
            seen.lock().expect("nobody panics").push(format!("{line:?}"));
            Ok(())
        });
        // One is being written, the queue is full, and some are left over.
        for number in 0..MAX_WAITING.saturating_add(20) {
            printer.print(line(number)).expect("it is never in the way");
        }
        let missed = printer.missed;
        assert!((19..=20).contains(&missed), "{missed}");
        go.send(()).expect("the thread waits");
        while printer.missed > 0 {
            printer.print(line(0)).expect("it is never in the way");
            thread::yield_now();
        }
        printer.end();
        let printed = printed.lock().expect("nobody panics");
        assert!(printed.iter().any(|line| line.contains("lines were not printed")), "{:?}", printed.last());
    }

    #[test]
    fn nobody_who_reads_is_an_error() {
        let mut printer = Printer::writing(|_| Err(io::Error::from(io::ErrorKind::BrokenPipe)));
        let mut ends = (0..1_000_000).map(|number| {
            thread::yield_now();
            printer.print(line(number))
        });
        assert!(ends.any(|end| end.is_err()));
    }
}
