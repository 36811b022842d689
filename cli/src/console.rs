//! What is printed, where, and in which colors.
//!
//! Standard output is data: what was asked for, and nothing else. Standard error is for people: summaries, hints, failures.

use std::env;
use std::fmt::Arguments;
use std::io::{self, BufWriter, IsTerminal, Stderr, Stdout, Write};

use anstyle::{AnsiColor, Style};

use crate::exit::Exit;
use crate::failure::Failure;

/// When to color.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// What a piece of text is, which decides its color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Yes, allowed, passed.
    Good,
    /// No, denied, failed.
    Bad,
    /// Something to look at.
    Note,
    /// A heading or a name.
    Strong,
    /// What matters less.
    Faint,
}

/// Both outputs.
pub(crate) struct Console {
    out: BufWriter<Stdout>,
    err: Stderr,
    color_out: bool,
    color_err: bool,
    quiet: bool,
}

impl Console {
    pub(crate) fn new(color: Color, quiet: bool) -> Self {
        let wanted = |terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        let (out, err) = (io::stdout(), io::stderr());
        let (color_out, color_err) = (wanted(out.is_terminal()), wanted(err.is_terminal()));
        Self { out: BufWriter::new(out), err, color_out, color_err, quiet }
    }

    /// Whether only what was asked for is said.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Where data goes: `writeln!(console.out(), …)?`.
    pub(crate) fn out(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// Whether standard output is colored.
    pub(crate) const fn colored(&self) -> bool {
        self.color_out
    }

    /// `text` in the color of `ink`, for standard output.
    pub(crate) fn ink(&self, ink: Ink, text: &str) -> String {
        painted(self.color_out, ink, text)
    }

    /// `text` in the color of `ink`, for standard error.
    pub(crate) fn err_ink(&self, ink: Ink, text: &str) -> String {
        painted(self.color_err, ink, text)
    }

    /// One line for people, on standard error; nothing with `--quiet`.
    pub(crate) fn say(&mut self, line: Arguments<'_>) {
        if !self.quiet {
            let _ = self.out.flush();
            // Nobody can be told when this fails.
            let _ = writeln!(self.err, "{line}");
        }
    }

    /// Writes out what is still held back.
    pub(crate) fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// Says what went wrong, even with `--quiet`, and gives the exit code.
    pub(crate) fn fail(&mut self, failure: &Failure) -> Exit {
        let exit = failure.exit();
        if exit == Exit::ReaderGone {
            return exit;
        }
        let _ = self.out.flush();
        let _ = writeln!(self.err, "{} {failure}", painted(self.color_err, Ink::Bad, "error:"));
        if !failure.help().is_empty() {
            let _ =
                writeln!(self.err, "  {} {}", painted(self.color_err, Ink::Strong, "help:"), failure.help());
        }
        exit
    }
}

fn painted(colored: bool, ink: Ink, text: &str) -> String {
    if !colored {
        return text.to_owned();
    }
    let style = match ink {
        Ink::Good => AnsiColor::Green.on_default().bold(),
        Ink::Bad => AnsiColor::Red.on_default().bold(),
        Ink::Note => AnsiColor::Yellow.on_default(),
        Ink::Strong => Style::new().bold(),
        Ink::Faint => Style::new().dimmed(),
    };
    format!("{style}{text}{style:#}")
}
