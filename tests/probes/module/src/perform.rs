//! One line of the script, done: which call, what it is told, how its answer is written.

use crate::probe::Probe;
use crate::script::{Line, Word};
use crate::{host, metadata, pairs, show};

/// What became of a line.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// What to write; nothing: the line is not written.
    pub(crate) said: Option<String>,
    /// The callback's answer.
    pub(crate) answer: Option<u32>,
    /// Values for the line's variables.
    pub(crate) values: Vec<Vec<u8>>,
}

/// The arguments of a line, variables put in.
pub(crate) struct Args(Vec<Vec<u8>>);

impl Args {
    /// The bytes of an argument; none: no bytes.
    pub(crate) fn bytes(&self, place: usize) -> &[u8] {
        self.0.get(place).map_or(&[], Vec::as_slice)
    }

    /// The text of an argument.
    pub(crate) fn text(&self, place: usize) -> &str {
        core::str::from_utf8(self.bytes(place)).unwrap_or_default()
    }

    /// A number.
    pub(crate) fn number<T: core::str::FromStr>(&self, place: usize) -> Result<T, String> {
        let text = self.text(place);
        text.parse().map_err(|_| format!("argument {place} `{text}` is no number"))
    }

    /// Everything from here on, as names and values.
    pub(crate) fn pairs(&self, from: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
        let rest = self.0.get(from..).unwrap_or_default();
        rest.chunks(2).filter_map(|pair| Some((pair.first()?.clone(), pair.get(1)?.clone()))).collect()
    }

    /// Everything from here on, with zeros between.
    pub(crate) fn path(&self, from: usize) -> Vec<u8> {
        self.0.get(from..).unwrap_or_default().join(&0)
    }
}

/// Does one line.
pub(crate) fn perform(probe: &mut Probe, root: u32, line: &Line) -> Result<Done, String> {
    let variables = &probe.root(root).variables;
    let word = |word: &Word| match word {
        Word::Bytes(bytes) => Ok(bytes.clone()),
        Word::Variable(name) => variables.get(name).cloned().ok_or_else(|| format!("`${name}` is not set")),
    };
    let args = Args(line.args.iter().map(word).collect::<Result<_, _>>()?);
    let done = match metadata::perform(line, &args)? {
        Some(done) => done,
        None => match crate::services::perform(probe, line, &args)? {
            Some(done) => done,
            None => control(probe, root, line, &args)?,
        },
    };
    for (name, value) in line.into.iter().zip(&done.values) {
        probe.root(root).variables.insert(name.clone(), value.clone());
    }
    Ok(done)
}

/// What steers the module and the stream.
fn control(probe: &mut Probe, root: u32, line: &Line, args: &Args) -> Result<Done, String> {
    Ok(match line.op.as_str() {
        "note" => Done::default(),
        "return" => Done { answer: Some(answer(args.text(0))?), ..Done::default() },
        "reply" => {
            let headers = pairs::encode(&args.pairs(4));
            plain(host::reply(
                args.number(0)?,
                args.bytes(1),
                args.bytes(2),
                &headers,
                args.number::<i32>(3)?,
            ))
        }
        "continue" => plain(host::continue_stream(stream(args.text(0))?)),
        "close" => plain(host::close_stream(stream(args.text(0))?)),
        "effective" => {
            let wanted = args.text(0);
            let streams = &probe.root(root).streams;
            let context = match wanted {
                "root" => Some(root),
                "first" => streams.first().copied(),
                "last" => streams.last().copied(),
                number => Some(number.parse().map_err(|_| format!("`{number}` is no context"))?),
            };
            plain(host::set_effective_context(context.ok_or("there was no stream")?))
        }
        "tick" => plain(host::set_tick_period(args.number(0)?)),
        "done" => plain(host::done()),
        "trap" => trap(),
        "spin" => {
            let turns: u64 = args.number(0)?;
            said(0, format!("turned {} times", (0..turns).map(std::hint::black_box).count()))
        }
        "count" => {
            let counted = probe.root(root).variables.get(args.text(0));
            let counted: u64 =
                counted.and_then(|bytes| core::str::from_utf8(bytes).ok()?.parse().ok()).unwrap_or_default();
            let counted = counted.saturating_add(1).to_string();
            probe.root(root).variables.insert(args.text(0).to_owned(), counted.clone().into_bytes());
            Done { said: Some(counted), ..Done::default() }
        }
        other => return Err(format!("`{other}` is no operation")),
    })
}

/// Ends the VM.
fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort();
}

fn answer(text: &str) -> Result<u32, String> {
    match text {
        "continue" | "false" => Ok(0),
        "pause" | "true" => Ok(1),
        number => number.parse().map_err(|_| format!("`{number}` is no answer")),
    }
}

fn stream(text: &str) -> Result<u32, String> {
    match text {
        "request" => Ok(0),
        "response" => Ok(1),
        "downstream" => Ok(2),
        "upstream" => Ok(3),
        number => number.parse().map_err(|_| format!("`{number}` is no stream")),
    }
}

/// A call that gives only a status.
pub(crate) fn plain(status: u32) -> Done {
    Done { said: Some(show::status(status)), ..Done::default() }
}

/// A call that gives something that is shown in words of its own.
pub(crate) fn said(status: u32, value: impl AsRef<str>) -> Done {
    let text = if status == 0 {
        format!("{} {}", show::status(status), value.as_ref())
    } else {
        show::status(status)
    };
    Done { said: Some(text), ..Done::default() }
}

/// A call that gives bytes.
pub(crate) fn valued(line: &Line, (status, value): host::Answer) -> Done {
    let done = said(status, show::value(&line.form, &value));
    if status == 0 { Done { values: vec![value], ..done } } else { done }
}

/// A call that gives a number of the host's choice.
pub(crate) fn named(probe: &mut Probe, kind: &'static str, (status, number): (u32, u32)) -> Done {
    let name = probe.names.get_or_insert_default().name(kind, number);
    let done = said(status, name);
    if status == 0 { Done { values: vec![number.to_string().into_bytes()], ..done } } else { done }
}
