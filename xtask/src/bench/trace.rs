//! What Envoy's log at level `trace` says of the calls between host and modules, as callbacks with what happened in each.

use std::collections::BTreeMap;

use anyhow::{Context, Result};

use super::witness;

const ALLOCATE: &str = "proxy_on_memory_allocate";

/// A call from the host, from beginning to end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Callback {
    pub(super) name: String,
    pub(super) arguments: Vec<i64>,
    /// What the module called meanwhile, in its order.
    pub(super) calls: Vec<HostCall>,
    /// `None`: it returns nothing.
    pub(super) returned: Option<i64>,
}

/// A call from a module to the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct HostCall {
    /// `proxy_get_property`
    pub(super) name: String,
    pub(super) arguments: Vec<i64>,
    /// What was handed over, argument by argument; empty where the module had no witness.
    pub(super) given: Vec<Given>,
    /// The number of the metric that the host gave; `None` where it was not asked for, or there was no witness.
    pub(super) defined: Option<i64>,
    /// What the host called meanwhile: allocations, mostly.
    pub(super) nested: Vec<Callback>,
    pub(super) status: i64,
}

/// Bytes that were handed over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Given {
    pub(super) bytes: Vec<u8>,
    /// They are others each time, as many.
    pub(super) varies: bool,
}

impl Callback {
    /// Whether the host asks for memory.
    pub(super) fn is_allocation(&self) -> bool {
        self.name == ALLOCATE
    }
}

/// A call that has begun.
enum Open {
    Callback(Callback),
    HostCall(HostCall),
}

/// One thread of Envoy: VMs never share a stack.
#[derive(Default)]
struct Thread {
    open: Vec<Open>,
    /// What a witness has said of the host call that comes next.
    given: Vec<Given>,
    done: Vec<Callback>,
}

/// The callbacks in a log that have ended, thread by thread in their order. The log may begin and end anywhere.
pub(super) fn callbacks(log: &[String]) -> Result<Vec<Vec<Callback>>> {
    let mut threads: BTreeMap<&str, Thread> = BTreeMap::new();
    for line in log {
        let Some((thread, text)) = parts(line) else { continue };
        let thread = threads.entry(thread).or_default();
        thread.line(text).with_context(|| format!("in Envoy's log: `{line}`"))?;
    }
    Ok(threads.into_values().map(|thread| thread.done).collect())
}

/// `[time][12][trace][wasm] [place] text` gives `12` and what comes after.
fn parts(line: &str) -> Option<(&str, &str)> {
    let (front, text) = line.split_once("[wasm]")?;
    let thread = front.split("][").nth(1)?;
    Some((thread, text))
}

impl Thread {
    fn line(&mut self, text: &str) -> Result<()> {
        if let Some((_, call)) = text.split_once("[host->vm] ") {
            let (name, arguments) = call_of(call)?;
            self.open.push(Open::Callback(Callback { name, arguments, ..Callback::default() }));
        } else if let Some((_, call)) = text.split_once("[vm->host] ") {
            let (name, arguments) = call_of(call)?;
            let is_word = witness::is_word(&name, &arguments);
            let given = if is_word { Vec::new() } else { std::mem::take(&mut self.given) };
            self.open.push(Open::HostCall(HostCall { name, arguments, given, ..HostCall::default() }));
        } else if let Some((_, end)) = text.split_once("[host<-vm] ") {
            let returned = returned(end)?;
            // One that began before the log did is nobody's.
            if let Some(Open::Callback(callback)) = self.open.pop() {
                self.ended(Callback { returned, ..callback });
            }
        } else if let Some((_, end)) = text.split_once("[vm<-host] ") {
            let status = returned(end)?.unwrap_or_default();
            if let Some(Open::HostCall(call)) = self.open.pop() {
                self.answered(HostCall { status, ..call });
            }
        } else if let Some(Open::HostCall(HostCall { name, arguments, .. })) = self.open.last()
            && witness::is_word(name, arguments)
        {
            self.heard(text)?;
        }
        Ok(())
    }

    fn ended(&mut self, callback: Callback) {
        match self.open.last_mut() {
            Some(Open::HostCall(call)) => call.nested.push(callback),
            Some(Open::Callback(_)) | None => self.done.push(callback),
        }
    }

    fn answered(&mut self, call: HostCall) {
        if let Some(Open::Callback(callback)) = self.open.last_mut()
            && !witness::is_word(&call.name, &call.arguments)
        {
            callback.calls.push(call);
        }
    }

    /// A witness's word: of the next host call, or of what the last one gave.
    fn heard(&mut self, text: &str) -> Result<()> {
        match witness::heard(text)? {
            witness::Word::Given(bytes) => self.given.push(Given { bytes, varies: false }),
            witness::Word::Defined(number) => {
                let above = self.open.iter_mut().rev().find_map(|open| match open {
                    Open::Callback(callback) => Some(callback),
                    Open::HostCall(_) => None,
                });
                if let Some(last) = above.and_then(|callback| callback.calls.last_mut()) {
                    last.defined = Some(number);
                }
            }
        }
        Ok(())
    }
}

/// `env.proxy_log(2, 1048, 12)` gives `proxy_log` and its numbers.
fn call_of(call: &str) -> Result<(String, Vec<i64>)> {
    let parts = call.split_once('(').and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    let (name, arguments) = parts.with_context(|| format!("not a call: `{call}`"))?;
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    let numbers = arguments.split(", ").filter(|number| !number.is_empty()).map(str::parse);
    let numbers: Result<Vec<i64>, _> = numbers.collect();
    Ok((name.to_owned(), numbers.with_context(|| format!("an argument is no number: `{call}`"))?))
}

/// `proxy_log return: 0` gives 0, `proxy_on_log return: void` nothing.
fn returned(end: &str) -> Result<Option<i64>> {
    let (_, value) =
        end.split_once(" return: ").with_context(|| format!("not the end of a call: `{end}`"))?;
    match value {
        "void" => Ok(None),
        number => number.parse().map(Some).with_context(|| format!("not a number: `{end}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(thread: u32, lines: &[&str]) -> Vec<String> {
        let line =
            |text: &&str| format!("[2026-01-01 00:00:00.000][{thread}][trace][wasm] [wasm_vm.cc:39] {text}");
        lines.iter().map(line).collect()
    }

    const REQUEST: [&str; 10] = [
        "[host->vm] proxy_on_request_headers(2, 8, 1)",
        "[vm->host] env.proxy_log(0, 900, 7)",
        "wasm log one two three: Ggbgcgd",
        "[vm<-host] env.proxy_log return: 0",
        "[vm->host] env.proxy_get_property(1000, 3, 500, 504)",
        "[host->vm] proxy_on_memory_allocate(50)",
        "[host<-vm] proxy_on_memory_allocate return: 2000",
        "[vm<-host] env.proxy_get_property return: 0",
        "[host<-vm] proxy_on_request_headers return: 0",
        "a line of somebody else",
    ];

    #[test]
    fn a_callback_holds_its_calls_and_what_they_were_given() -> Result<()> {
        let threads = callbacks(&log(7, &REQUEST))?;
        let [callbacks] = threads.as_slice() else { anyhow::bail!("{} threads", threads.len()) };
        let [callback] = callbacks.as_slice() else { anyhow::bail!("{} callbacks", callbacks.len()) };
        assert_eq!((callback.name.as_str(), callback.returned), ("proxy_on_request_headers", Some(0)));
        let [call] = callback.calls.as_slice() else {
            anyhow::bail!("a witness's word is no call of the module")
        };
        assert_eq!(
            (call.name.as_str(), call.arguments.as_slice()),
            ("proxy_get_property", &[1000, 3, 500, 504][..])
        );
        assert_eq!(call.given, [Given { bytes: b"abc".to_vec(), varies: false }]);
        assert!(call.nested.iter().all(Callback::is_allocation) && call.nested.len() == 1);
        Ok(())
    }

    #[test]
    fn the_number_of_a_metric_belongs_to_the_call_before() -> Result<()> {
        let lines = [
            "[host->vm] proxy_on_configure(1, 0)",
            "[vm->host] env.proxy_define_metric(0, 1000, 4, 500)",
            "[vm<-host] env.proxy_define_metric return: 0",
            "[vm->host] env.proxy_log(0, 900, 9)",
            "wasm log: Dbeaaaaaa",
            "[vm<-host] env.proxy_log return: 0",
            "[host<-vm] proxy_on_configure return: 1",
        ];
        let threads = callbacks(&log(7, &lines))?;
        let defined = threads.iter().flatten().flat_map(|callback| &callback.calls).map(|call| call.defined);
        assert_eq!(defined.collect::<Vec<_>>(), [Some(20)]);
        Ok(())
    }

    #[test]
    fn threads_do_not_meet_and_ends_without_a_beginning_are_nobodys() -> Result<()> {
        let [end @ .., _] = &REQUEST[5..] else { anyhow::bail!("the example is long") };
        let both = log(7, end).into_iter().chain(log(8, &REQUEST)).collect::<Vec<_>>();
        let threads = callbacks(&both)?;
        assert_eq!(threads.iter().map(Vec::len).collect::<Vec<_>>(), [1, 1]);
        // The first thread's log begins within a host call: what is whole in it is the allocation.
        assert!(threads.first().is_some_and(|callbacks| callbacks.iter().all(Callback::is_allocation)));
        Ok(())
    }
}
