//! Operations on what belongs to a stream: header maps, buffers, properties.

use crate::perform::{Args, Done, plain, said, valued};
use crate::script::Line;
use crate::{host, pairs};

/// Enough for any buffer of a test.
const ALL: usize = 1_000_000;

/// Does the line when it is one of these.
pub(crate) fn perform(line: &Line, args: &Args) -> Result<Option<Done>, String> {
    let done = match line.op.as_str() {
        "get" => valued(line, host::get_value(map(args.text(0))?, args.bytes(1))),
        "pairs" => {
            let (status, bytes) = host::get_pairs(map(args.text(0))?);
            let shown = if line.form.is_empty() { "pairs" } else { &line.form };
            valued(&Line { form: shown.to_owned(), ..line.clone() }, (status, bytes))
        }
        "size" => {
            let (status, size) = host::map_size(map(args.text(0))?);
            said(status, size.to_string())
        }
        "set-pairs" => plain(host::set_pairs(map(args.text(0))?, &pairs::encode(&args.pairs(1)))),
        "set-many" => plain(host::set_pairs(map(args.text(0))?, &many(args)?)),
        "set-raw" => plain(host::set_pairs(map(args.text(0))?, args.bytes(1))),
        "add" => plain(host::add_value(map(args.text(0))?, args.bytes(1), args.bytes(2))),
        "replace" => plain(host::replace_value(map(args.text(0))?, args.bytes(1), args.bytes(2))),
        "remove" => plain(host::remove_value(map(args.text(0))?, args.bytes(1))),
        "bytes" => {
            let start = args.number(1).unwrap_or_default();
            valued(line, host::get_buffer(buffer(args.text(0))?, start, args.number(2).unwrap_or(ALL)))
        }
        "buffer" => {
            let (status, size, flags) = host::buffer_status(buffer(args.text(0))?);
            said(status, format!("{size} bytes, flags {flags}"))
        }
        "put" => {
            plain(host::set_buffer(buffer(args.text(0))?, args.number(1)?, args.number(2)?, args.bytes(3)))
        }
        "property" => valued(line, host::get_property(&args.path(0))),
        "set-property" => plain(host::set_property(args.bytes(0), args.bytes(1))),
        _ => return Ok(None),
    };
    Ok(Some(done))
}

/// A map of as many pairs as asked for, each with a value as long as asked for, behind those of a usual response.
fn many(args: &Args) -> Result<Vec<u8>, String> {
    let (count, size): (usize, usize) = (args.number(1)?, args.number(2)?);
    let mut all = args.pairs(3);
    let more = (all.len()..count).map(|number| (format!("x-{number}").into_bytes(), vec![b'v'; size]));
    all.extend(more);
    Ok(pairs::encode(&all))
}

fn map(name: &str) -> Result<u32, String> {
    let names = [
        "request_headers",
        "request_trailers",
        "response_headers",
        "response_trailers",
        "grpc_initial_metadata",
        "grpc_trailing_metadata",
        "call_headers",
        "call_trailers",
    ];
    number(&names, name)
}

fn buffer(name: &str) -> Result<u32, String> {
    let names = [
        "request_body",
        "response_body",
        "downstream",
        "upstream",
        "call_body",
        "grpc_message",
        "vm_configuration",
        "plugin_configuration",
        "call_data",
    ];
    number(&names, name)
}

fn number(names: &[&str], name: &str) -> Result<u32, String> {
    let place = names.iter().position(|known| *known == name).and_then(|place| u32::try_from(place).ok());
    let place = place.or_else(|| name.parse().ok());
    place.ok_or_else(|| format!("`{name}` is neither a name nor a number"))
}
