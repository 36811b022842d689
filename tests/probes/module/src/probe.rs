//! What the module keeps between callbacks: scripts, contexts, variables.

use crate::names::Names;
use crate::script::{self, Line};
use crate::{host, perform};
use std::cell::RefCell;
use std::collections::BTreeMap;

const INFO: u32 = 2;
const ERROR: u32 = 4;

thread_local! {
    static PROBE: RefCell<Probe> = const { RefCell::new(Probe::new()) };
}

/// Everything.
#[derive(Debug)]
pub(crate) struct Probe {
    roots: BTreeMap<u32, Root>,
    /// Which root a stream belongs to, and its number under it.
    streams: BTreeMap<u32, (u32, u32)>,
    /// The script in the VM's configuration: what every root does.
    for_all: Vec<Line>,
    /// Names for the host's numbers, one VM's together.
    pub(crate) names: Option<Names>,
}

/// One plugin of this VM.
#[derive(Debug, Default)]
pub(crate) struct Root {
    script: Vec<Line>,
    seen: BTreeMap<&'static str, u32>,
    /// Streams so far, and their contexts' ids.
    pub(crate) streams: Vec<u32>,
    /// What the script keeps.
    pub(crate) variables: BTreeMap<String, Vec<u8>>,
}

impl Probe {
    const fn new() -> Self {
        Self { roots: BTreeMap::new(), streams: BTreeMap::new(), for_all: Vec::new(), names: None }
    }

    /// A root, made when it is not there.
    pub(crate) fn root(&mut self, root: u32) -> &mut Root {
        self.roots.entry(root).or_default()
    }

    /// The root of a context: its own, or the one that its stream belongs to.
    fn root_of(&self, context: u32) -> u32 {
        self.streams.get(&context).map_or(context, |(root, _)| *root)
    }

    /// `root` or `s` and the stream's number.
    pub(crate) fn context_name(&self, context: u32) -> String {
        self.streams.get(&context).map_or_else(|| "root".to_owned(), |(_, number)| format!("s{number}"))
    }

    fn lines(&mut self, root: u32, when: &'static str) -> Vec<Line> {
        let for_all = self.for_all.clone();
        let root = self.root(root);
        let seen = root.seen.entry(when).or_default();
        *seen = seen.saturating_add(1);
        let now = *seen;
        let wanted = |line: &&Line| line.when == when && line.nth.is_none_or(|nth| nth == now);
        for_all.iter().chain(root.script.iter()).filter(wanted).cloned().collect()
    }
}

/// Takes a context over: a stream when it has a parent.
pub(crate) fn create(context: u32, parent: u32) {
    with(|probe| {
        if parent == 0 {
            probe.roots.insert(context, Root::default());
            return;
        }
        let root = probe.roots.entry(parent).or_default();
        root.streams.push(context);
        let number = u32::try_from(root.streams.len()).unwrap_or(u32::MAX);
        probe.streams.insert(context, (parent, number));
    });
    let parent = if parent == 0 { "none" } else { "root" };
    run(context, "context_create", &format!("parent={parent}"), 0);
}

/// Lets a context go.
pub(crate) fn delete(context: u32) {
    run(context, "delete", "", 0);
    with(|probe| {
        probe.streams.remove(&context);
        probe.roots.remove(&context);
    });
}

/// Takes a script: for all plugins of this VM, or for one. False when it cannot be read.
pub(crate) fn take_script(context: u32, text: &[u8], for_all: bool) -> bool {
    let text = String::from_utf8_lossy(text);
    match script::parse(&text) {
        Ok(lines) => {
            with(|probe| {
                if for_all {
                    probe.for_all = lines;
                } else {
                    let root = probe.root_of(context);
                    probe.root(root).script = lines;
                }
            });
            true
        }
        Err(why) => {
            host::log(ERROR, format!("the script cannot be read, {why}").as_bytes());
            false
        }
    }
}

/// Does what the script says for this callback, and gives the callback's answer.
pub(crate) fn run(context: u32, when: &'static str, said: &str, usual: u32) -> u32 {
    let mut answer = usual;
    with(|probe| {
        let root = probe.root_of(context);
        let lines = probe.lines(root, when);
        if lines.is_empty() {
            return;
        }
        let head = format!("[{} {when} {said}", probe.context_name(context));
        say(&format!("{}]", head.trim_end()));
        for line in lines {
            match perform::perform(probe, root, &line) {
                Ok(done) => {
                    if let Some(text) = done.said {
                        say(&format!("  {} -> {text}", line.text));
                    }
                    answer = done.answer.unwrap_or(answer);
                }
                Err(why) => say(&format!("  {} !! {why}", line.text)),
            }
        }
    });
    answer
}

/// The name of a number that the host chose.
pub(crate) fn name(kind: &'static str, number: u32) -> String {
    let mut name = String::new();
    with(|probe| name = probe.names.get_or_insert_default().name(kind, number));
    name
}

/// One line of the transcript.
pub(crate) fn say(text: &str) {
    host::log(INFO, text.as_bytes());
}

/// A callback inside a callback finds the state taken; it says so and does nothing.
fn with(work: impl FnOnce(&mut Probe)) {
    PROBE.with(|probe| match probe.try_borrow_mut() {
        Ok(mut probe) => work(&mut probe),
        Err(_) => say("a callback inside a host call"),
    });
}
