//! How the command ends, as a number that scripts can tell apart.

use std::process::ExitCode;

/// The end of a run. One is "no", more than one is trouble, as `diff` and `grep` have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// The answer is yes; nothing was found.
    Yes,
    /// The answer is no: a denial, a finding, a failed case, a difference.
    No,
    /// The command line is wrong.
    Usage,
    /// An input cannot be read, or is not what it must be.
    Input,
    /// The question cannot be answered from what was given.
    CannotDecide,
    /// We are wrong.
    Bug,
    /// Whoever read our output has gone: the number a shell gives a program that SIGPIPE ended.
    ReaderGone,
}

impl Exit {
    /// The number that the shell sees.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Yes => 0,
            Self::No => 1,
            Self::Usage => 2,
            Self::Input => 3,
            Self::CannotDecide => 4,
            Self::Bug => 70,
            Self::ReaderGone => 141,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
