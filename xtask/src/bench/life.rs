//! A module's life in a worker, as a trace shows it: how it began, what a request takes once nothing is new, its ticks.

use anyhow::{Result, bail, ensure};

use super::signature::{self, Argument};
use super::trace::{Callback, HostCall};

const CREATE: &str = "proxy_on_context_create";
const DELETE: &str = "proxy_on_delete";
const TICK: &str = "proxy_on_tick";
const SET_TICK: &str = "proxy_set_tick_period_milliseconds";

/// A timer of a longer period, in milliseconds, is not waited for: what it does costs nothing per request.
const RARE_MILLIS: i64 = 10_000;

/// How many requests at the end must be equal: the first ones may grow the module's memory.
const STEADY: usize = 10;

/// All callbacks of one request, in their order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) callbacks: Vec<Callback>,
}

/// The first line in which two lives differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) one: String,
    pub(super) other: String,
}

/// What a module does in a worker.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    /// Until it was configured.
    pub(super) beginning: Vec<Callback>,
    /// One request, when nothing is new any more.
    pub(super) request: Request,
    pub(super) ticks: Vec<Callback>,
}

impl Request {
    /// Calls from the module to the host.
    pub(super) fn host_calls(&self) -> usize {
        self.calls().count()
    }

    /// Calls from the host to the module, but for [`Request::allocations`].
    pub(super) fn callbacks(&self) -> usize {
        self.callbacks
            .len()
            .saturating_add(self.nested().filter(|callback| !callback.is_allocation()).count())
    }

    /// Calls from the host for memory to put an answer into.
    pub(super) fn allocations(&self) -> usize {
        self.nested().filter(|callback| callback.is_allocation()).count()
    }

    fn calls(&self) -> impl Iterator<Item = &HostCall> {
        self.callbacks.iter().flat_map(|callback| &callback.calls)
    }

    fn nested(&self) -> impl Iterator<Item = &Callback> {
        self.calls().flat_map(|call| &call.nested)
    }
}

/// Whether a request's context begins; a root has no parent.
fn is_request(callback: &Callback) -> bool {
    callback.name == CREATE && callback.arguments.get(1).is_some_and(|parent| *parent != 0)
}

/// The requests of one thread's callbacks, those that are over. They must have come one after another.
pub(super) fn requests(callbacks: &[Callback]) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    let mut open: Option<(i64, Request)> = None;
    for callback in callbacks {
        let context = callback.arguments.first().copied();
        if is_request(callback) {
            ensure!(open.is_none(), "two requests at once in the trace");
            open = context.map(|context| (context, Request::default()));
        }
        let Some((own, request)) = open.as_mut() else { continue };
        // Timers fire whenever they please.
        if callback.name == TICK || context != Some(*own) {
            continue;
        }
        request.callbacks.push(callback.clone());
        if callback.name == DELETE {
            requests.extend(open.take().map(|(_, request)| request));
        }
    }
    Ok(requests)
}

/// What each of the last requests took.
///
/// # Errors
///
/// When they are not equal in all but the bytes that they hand over.
pub(super) fn steady(requests: &[Request]) -> Result<Request> {
    let Some((last, before)) = requests.split_last() else { bail!("no request was traced") };
    let mut steady = last.clone();
    for request in before.iter().rev().take(STEADY) {
        loosen(&mut steady.callbacks, &request.callbacks);
        if let Some(Difference { one, other }) = difference(&request.callbacks, &steady.callbacks)? {
            bail!("equal requests differ in their calls: `{one}` once, then `{other}`");
        }
    }
    Ok(steady)
}

impl Life {
    /// Reads it out of the callbacks of the thread that served the requests.
    pub(super) fn of(callbacks: &[Callback]) -> Result<Self> {
        let beginning = callbacks.iter().take_while(|callback| !is_request(callback));
        let beginning = beginning.filter(|callback| callback.name != TICK).cloned().collect();
        let ticks = callbacks.iter().filter(|callback| callback.name == TICK).cloned().collect();
        Ok(Self { beginning, request: steady(&requests(callbacks)?)?, ticks })
    }

    /// The first ticks, as far as they are not what every later one is, and that one.
    pub(super) fn distinct_ticks(&self) -> Result<&[Callback]> {
        let mut ticks = self.ticks.as_slice();
        while let [shorter @ .., last] = ticks
            && let Some(before) = shorter.last()
            && difference(std::slice::from_ref(before), std::slice::from_ref(last))?.is_none()
        {
            ticks = shorter;
        }
        Ok(ticks)
    }

    /// All of it, a line for each call.
    pub(super) fn text(&self) -> Result<String> {
        let mut text = String::new();
        let parts = [&self.beginning, &self.request.callbacks, self.distinct_ticks()?];
        for (title, callbacks) in ["beginning", "a request", "ticks"].into_iter().zip(parts) {
            text.push_str(&format!("{title}\n\n{}\n\n", lines(callbacks)?.join("\n")));
        }
        Ok(text)
    }

    /// The first difference to another life, if there is one.
    pub(super) fn difference(&self, other: &Self) -> Result<Option<Difference>> {
        let parts = [
            (self.beginning.as_slice(), other.beginning.as_slice()),
            (&self.request.callbacks, &other.request.callbacks),
            (self.distinct_ticks()?, other.distinct_ticks()?),
        ];
        let mut differences = parts.into_iter().map(|(ours, theirs)| difference(ours, theirs));
        differences.find_map(Result::transpose).transpose()
    }

    /// Whether the last two ticks were equal and nothing changes any more, or the timer stands still or fires rarely.
    pub(super) fn is_settled(&self) -> Result<bool> {
        let all = self.beginning.iter().chain(&self.ticks);
        let mut sets = all.flat_map(|callback| &callback.calls).filter(|call| call.name == SET_TICK);
        if sets
            .next_back()
            .and_then(|call| call.arguments.first())
            .is_none_or(|period| *period == 0 || *period > RARE_MILLIS)
        {
            return Ok(true);
        }
        match self.ticks.as_slice() {
            [_, .., one, other] => {
                Ok(difference(std::slice::from_ref(one), std::slice::from_ref(other))?.is_none())
            }
            _ => Ok(false),
        }
    }
}

/// Forgets bytes that are not the same in both, where their number is.
fn loosen(callbacks: &mut [Callback], others: &[Callback]) {
    for (callback, other) in callbacks.iter_mut().zip(others) {
        for (call, other) in callback.calls.iter_mut().zip(&other.calls) {
            for (given, other) in call.given.iter_mut().zip(&other.given) {
                given.varies |= given.bytes != other.bytes && given.bytes.len() == other.bytes.len();
            }
        }
    }
}

/// The first line in which they differ.
pub(super) fn difference(ones: &[Callback], others: &[Callback]) -> Result<Option<Difference>> {
    let mut ones = ones.to_vec();
    let mut others = others.to_vec();
    agree(&mut ones, &mut others);
    let (ones, others) = (lines(&ones)?, lines(&others)?);
    let text = |line: Option<&String>| line.cloned().unwrap_or_else(|| "nothing".to_owned());
    let longest = ones.len().max(others.len());
    let pairs = (0..longest).map(|at| (ones.get(at), others.get(at)));
    let mut different = pairs.filter(|(one, other)| one != other);
    Ok(different.next().map(|(one, other)| Difference { one: text(one), other: text(other) }))
}

/// What varies in one of them varies in both.
fn agree(ones: &mut [Callback], others: &mut [Callback]) {
    for (one, other) in ones.iter_mut().zip(others) {
        for (one, other) in one.calls.iter_mut().zip(&mut other.calls) {
            for (one, other) in one.given.iter_mut().zip(&mut other.given) {
                let varies = one.varies || other.varies;
                one.varies = varies;
                other.varies = varies;
            }
        }
    }
}

/// As text, without what differs between equal lives: contexts' numbers and places in memory.
pub(super) fn lines(callbacks: &[Callback]) -> Result<Vec<String>> {
    let mut lines = Vec::new();
    for callback in callbacks {
        lines.push(begun(callback));
        for call in &callback.calls {
            lines.push(format!("{} = {}", called(call)?, call.status));
            lines.extend(call.nested.iter().map(|nested| format!("  {}", begun(nested))));
        }
        // Where an allocation lies is of no interest.
        let returned = callback.returned.map_or_else(|| "nothing".to_owned(), |number| number.to_string());
        lines.push(format!("{} gives {returned}", callback.name));
    }
    Ok(lines)
}

fn begun(callback: &Callback) -> String {
    let mut arguments: Vec<String> = callback.arguments.iter().map(i64::to_string).collect();
    if callback.name == CREATE {
        let root = callback.arguments.get(1).is_some_and(|parent| *parent == 0);
        return format!("{CREATE}({})", if root { "root" } else { "stream" });
    }
    if let Some(context) = arguments.first_mut().filter(|_| !callback.is_allocation()) {
        "context".clone_into(context);
    }
    format!("{}({})", callback.name, arguments.join(", "))
}

fn called(call: &HostCall) -> Result<String> {
    let mut given = call.given.iter();
    let mut texts = Vec::new();
    for (argument, numbers) in signature::split(&call.name, &call.arguments)? {
        let number = |at: usize| numbers.get(at).map(i64::to_string).unwrap_or_default();
        texts.push(match argument {
            Argument::Number | Argument::Metric => number(0),
            Argument::Place | Argument::Defined => "…".to_owned(),
            Argument::Given => match given.next() {
                Some(given) if !given.varies => format!("{:?}", String::from_utf8_lossy(&given.bytes)),
                Some(_) | None => format!("{} bytes", number(1)),
            },
        });
    }
    Ok(format!("  {}({})", call.name, texts.join(", ")))
}

/// The callbacks of the thread that serves requests, if one has: the main thread only configures.
pub(super) fn serving(threads: &[Vec<Callback>]) -> Option<&[Callback]> {
    let busy = |callbacks: &&Vec<Callback>| callbacks.iter().any(is_request);
    threads.iter().find(busy).map(Vec::as_slice)
}

#[cfg(test)]
#[path = "life_tests.rs"]
mod tests;
