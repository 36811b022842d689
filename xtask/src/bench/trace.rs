//! What Envoy's log at level `trace` says of a module's calls, cleaned of what differs between equal requests.

use anyhow::{Context, Result, bail, ensure};

/// The arguments of each host call that are places in the module's memory.
const POINTERS: [(&str, &[usize]); 15] = [
    ("proxy_get_current_time_nanoseconds", &[0]),
    ("proxy_get_header_map_pairs", &[1, 2]),
    ("proxy_get_property", &[0, 2, 3]),
    ("proxy_set_property", &[0, 2]),
    ("proxy_add_header_map_value", &[1, 3]),
    ("proxy_remove_header_map_value", &[1]),
    ("proxy_get_shared_data", &[0, 2, 3, 4]),
    ("proxy_set_shared_data", &[0, 2]),
    ("proxy_call_foreign_function", &[0, 2, 4, 5]),
    ("proxy_get_buffer_bytes", &[3, 4]),
    ("proxy_increment_metric", &[]),
    ("proxy_record_metric", &[]),
    ("proxy_define_metric", &[1, 3]),
    ("proxy_log", &[1]),
    ("proxy_send_local_response", &[1, 3, 5]),
];
const ALLOCATE: &str = "proxy_on_memory_allocate";

/// Who called whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Direction {
    /// `[host->vm]`
    Callback,
    /// `[vm->host]`
    HostCall,
    /// `[host<-vm]`
    FromCallback,
    /// `[vm<-host]`
    FromHostCall,
}

/// One call or its end.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Step {
    direction: Direction,
    /// `proxy_get_header_map_pairs(0, …, …)`
    text: String,
}

/// All that happened between module and host for one request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Request {
    steps: Vec<Step>,
}

impl Request {
    /// Calls from the module to the host.
    pub(super) fn host_calls(&self) -> usize {
        self.count(|step| step.direction == Direction::HostCall)
    }

    /// Calls from the host to the module, but for [`Request::allocations`].
    pub(super) fn callbacks(&self) -> usize {
        self.count(|step| step.direction == Direction::Callback && !step.text.starts_with(ALLOCATE))
    }

    /// Calls from the host for memory to put an answer into.
    pub(super) fn allocations(&self) -> usize {
        self.count(|step| step.direction == Direction::Callback && step.text.starts_with(ALLOCATE))
    }

    fn count(&self, wanted: impl Fn(&Step) -> bool) -> usize {
        self.steps.iter().filter(|step| wanted(step)).count()
    }

    /// The first step in which two requests differ.
    pub(super) fn difference(&self, other: &Self) -> Option<(String, String)> {
        let text = |step: Option<&Step>| step.map_or_else(|| "nothing".to_owned(), |step| step.text.clone());
        let longest = self.steps.len().max(other.steps.len());
        let pairs = (0..longest).map(|at| (self.steps.get(at), other.steps.get(at)));
        let mut different = pairs.filter(|(one, other)| one != other);
        different.next().map(|(one, other)| (text(one), text(other)))
    }
}

/// Reads the requests out of a log. They must have come one after another.
pub(super) fn requests(log: &[String]) -> Result<Vec<Request>> {
    let mut requests = Vec::new();
    let mut open: Option<Request> = None;
    let mut ends = false;
    for line in log {
        let Some((direction, call)) = parse(line) else { continue };
        if direction == Direction::Callback && call.starts_with("proxy_on_context_create(") {
            ensure!(open.is_none(), "two requests at once in the trace: `{line}`");
            open = Some(Request::default());
        }
        let Some(request) = open.as_mut() else { continue };
        request.steps.push(Step { direction, text: clean(direction, call)? });
        ends |= direction == Direction::Callback && call.starts_with("proxy_on_delete(");
        if ends && direction == Direction::FromCallback {
            requests.extend(open.take());
            ends = false;
        }
    }
    Ok(requests)
}

/// `… [vm->host] env.proxy_log(2, 1048, 12)` gives the direction and `proxy_log(2, 1048, 12)`.
fn parse(line: &str) -> Option<(Direction, &str)> {
    let (_, rest) = line.split_once("[wasm]")?;
    let marks = [
        ("[host->vm] ", Direction::Callback),
        ("[vm->host] ", Direction::HostCall),
        ("[host<-vm] ", Direction::FromCallback),
        ("[vm<-host] ", Direction::FromHostCall),
    ];
    let found = marks.into_iter().find_map(|(mark, direction)| Some((direction, rest.split_once(mark)?.1)));
    found.map(|(direction, call)| (direction, call.strip_prefix("env.").unwrap_or(call)))
}

/// Contexts' numbers and places in memory are not the same twice; all else must be.
fn clean(direction: Direction, call: &str) -> Result<String> {
    match direction {
        Direction::Callback if call.starts_with(ALLOCATE) => Ok(call.to_owned()),
        Direction::Callback if call.starts_with("proxy_on_context_create") => {
            Ok("proxy_on_context_create(stream, root)".to_owned())
        }
        Direction::Callback => masked(call, &[0], "stream"),
        Direction::HostCall => {
            let (name, _) = call.split_once('(').with_context(|| format!("not a call: `{call}`"))?;
            match POINTERS.iter().find(|(known, _)| *known == name) {
                Some((_, pointers)) => masked(call, pointers, "…"),
                None => bail!(
                    "`{name}` is not known here: say in xtask/src/bench/trace.rs which of its arguments are pointers"
                ),
            }
        }
        Direction::FromCallback if call.starts_with(ALLOCATE) => Ok(format!("{ALLOCATE} return: …")),
        Direction::FromCallback | Direction::FromHostCall => Ok(call.to_owned()),
    }
}

fn masked(call: &str, places: &[usize], mask: &str) -> Result<String> {
    let parts = call.split_once('(').and_then(|(name, rest)| Some((name, rest.strip_suffix(')')?)));
    let (name, arguments) = parts.with_context(|| format!("not a call: `{call}`"))?;
    let arguments = arguments.split(", ").enumerate();
    let kept = arguments.map(|(at, argument)| if places.contains(&at) { mask } else { argument });
    Ok(format!("{name}({})", kept.collect::<Vec<_>>().join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(context: u32, place: u32, size: u32) -> Vec<String> {
        [
            format!("[host->vm] proxy_on_context_create({context}, 1)"),
            "[host<-vm] proxy_on_context_create return: void".to_owned(),
            format!("[host->vm] proxy_on_request_headers({context}, 8, 1)"),
            format!("[vm->host] env.proxy_get_header_map_pairs(0, {place}, {place})"),
            format!("[host->vm] proxy_on_memory_allocate({size})"),
            format!("[host<-vm] proxy_on_memory_allocate return: {place}"),
            "[vm<-host] env.proxy_get_header_map_pairs return: 0".to_owned(),
            "[host<-vm] proxy_on_request_headers return: 0".to_owned(),
            format!("[host->vm] proxy_on_delete({context})"),
            "[host<-vm] proxy_on_delete return: void".to_owned(),
        ]
        .map(|text| format!("[2026-01-01 00:00:00.000][1][trace][wasm] [wasm_vm.cc:39] {text}"))
        .into()
    }

    #[test]
    fn equal_requests_are_equal_wherever_they_lie() -> Result<()> {
        let both = requests(&[log(2, 1000, 50), log(3, 2000, 50)].concat())?;
        let [one, other] = both.as_slice() else { bail!("{} requests", both.len()) };
        assert_eq!(one.difference(other), None);
        assert_eq!((one.host_calls(), one.callbacks(), one.allocations()), (1, 3, 1));
        Ok(())
    }

    #[test]
    fn an_argument_that_differs_is_found() -> Result<()> {
        let both = requests(&[log(2, 1000, 50), log(3, 1000, 51)].concat())?;
        let [one, other] = both.as_slice() else { bail!("{} requests", both.len()) };
        let found = one.difference(other).map(|(_, other)| other);
        assert_eq!(found.as_deref(), Some("proxy_on_memory_allocate(51)"));
        Ok(())
    }

    #[test]
    fn an_unknown_host_call_says_what_to_do() {
        let error = clean(Direction::HostCall, "proxy_dance(1)").expect_err("nobody knows it").to_string();
        assert!(error.contains("which of its arguments are pointers"), "{error}");
    }
}
