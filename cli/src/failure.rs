//! Why a subcommand could not do what it was asked.

use std::io;

use crate::exit::Exit;

/// What went wrong; "no" is not among it. Messages are lower case, without a final period, the user's text in backticks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments do not go together in a way that clap cannot see.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to type instead.
        help: String,
    },
    /// An input that cannot be read, or is not what it must be.
    #[error("{message}")]
    Input {
        /// Which input, and what is wrong with it.
        message: String,
        /// What to do about it.
        help: String,
    },
    /// What was given does not suffice for an answer.
    #[expect(
        dead_code,
        reason = "no verb asks for more than it is given yet; the number stands in the table of exit codes"
    )]
    #[error("{message}")]
    CannotDecide {
        /// What is missing.
        message: String,
        /// How to give it.
        help: String,
    },
    /// We are wrong.
    #[error("{0}; this is a bug in meshward, please report it")]
    Bug(String),
    /// Our own output could not be written.
    #[error("cannot write the output: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// A wrong command line.
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), help: help.into() }
    }

    /// An input that cannot be read or used.
    pub(crate) fn input(message: impl Into<String>, help: impl Into<String>) -> Self {
        Self::Input { message: message.into(), help: help.into() }
    }

    /// The number with which the command ends.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Usage { .. } => Exit::Usage,
            Self::Input { .. } => Exit::Input,
            Self::CannotDecide { .. } => Exit::CannotDecide,
            Self::Bug(_) => Exit::Bug,
            Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Exit::ReaderGone,
            Self::Output(_) => Exit::Input,
        }
    }

    /// What to do about it; empty when the message says so.
    pub(crate) fn help(&self) -> &str {
        match self {
            Self::Usage { help, .. } | Self::Input { help, .. } | Self::CannotDecide { help, .. } => help,
            Self::Bug(_) | Self::Output(_) => "",
        }
    }
}
