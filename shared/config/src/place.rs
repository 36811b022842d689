//! Where in the configuration we are, and what was found wrong there.

use core::fmt;
use std::borrow::Cow;

use meshward_model::{Code, Problem};

use crate::parse::problem;

/// A path into the configuration, built from the inside out without allocating; it becomes text only when a problem is found.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    before: Option<&'a Place<'a>>,
    step: At<'a>,
}

#[derive(Debug, Clone, Copy)]
enum At<'a> {
    Root(&'a str),
    Field(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The whole document, which stands at `path`.
    pub const fn root(path: &'a str) -> Self {
        Self { before: None, step: At::Root(path) }
    }

    /// A field of it.
    pub const fn field(&'a self, name: &'a str) -> Self {
        Self { before: Some(self), step: At::Field(name) }
    }

    /// An entry of it.
    pub const fn index(&'a self, at: usize) -> Self {
        Self { before: Some(self), step: At::Index(at) }
    }
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = self.before {
            before.fmt(f)?;
        }
        match self.step {
            At::Root(path) => f.write_str(path),
            At::Field(name) => write!(f, ".{name}"),
            At::Index(at) => write!(f, "[{at}]"),
        }
    }
}

/// The problems found so far; past `Problems::MAX` they are counted and not kept.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
    more: usize,
}

impl Problems {
    /// The most problems that are told at once.
    const MAX: usize = 50;

    /// Keeps a problem.
    pub fn add<'a, 'b>(
        &mut self,
        code: Code,
        place: &Place<'_>,
        message: impl Into<Cow<'a, str>>,
        help: impl Into<Cow<'b, str>>,
    ) {
        self.keep(code, place, message.into(), help.into());
    }

    /// Stands once in a module, and not at every place where something may be wrong.
    #[cold]
    #[inline(never)]
    fn keep(&mut self, code: Code, place: &Place<'_>, message: Cow<'_, str>, help: Cow<'_, str>) {
        let (message, help) = (message.into_owned(), help.into_owned());
        self.push(problem(code, place.to_string(), message, help));
    }

    /// Keeps a problem whose path is known.
    pub fn push(&mut self, problem: Problem) {
        if self.found.len() < Self::MAX {
            self.found.push(problem);
        } else {
            self.more = self.more.saturating_add(1);
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Every problem that was kept, and how many more there are.
    pub fn into_found(mut self) -> Vec<Problem> {
        if self.more > 0 {
            self.found.push(Problem {
                code: Code::MoreProblems,
                path: String::new(),
                message: format!("and {} more problems", self.more),
                help: String::new(),
            });
        }
        self.found
    }
}
