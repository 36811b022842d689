//! Operations on what the host offers beside the stream: callouts, shared data, queues, metrics, time, foreign functions.

use crate::perform::{Args, Done, named, plain, said, valued};
use crate::probe::Probe;
use crate::script::Line;
use crate::{host, pairs, show};

/// Does the line when it is one of these.
pub(crate) fn perform(probe: &mut Probe, line: &Line, args: &Args) -> Result<Option<Done>, String> {
    if let Some(done) = callout(probe, line, args)? {
        return Ok(Some(done));
    }
    if let Some(done) = shared(probe, line, args)? {
        return Ok(Some(done));
    }
    let done = match line.op.as_str() {
        "metric-define" => {
            let kind = match args.text(0) {
                "counter" => 0,
                "gauge" => 1,
                "histogram" => 2,
                number => number.parse().map_err(|_| format!("`{number}` is no kind of metric"))?,
            };
            named(probe, "metric", host::define_metric(kind, args.bytes(1)))
        }
        "metric-add" => plain(host::increment_metric(args.number(0)?, args.number(1)?)),
        "metric-record" => plain(host::record_metric(args.number(0)?, args.number(1)?)),
        "metric-get" => {
            let (status, value) = host::get_metric(args.number(0)?);
            said(status, value.to_string())
        }
        "time" => {
            let (status, time) = host::time();
            valued(line, (status, time.to_le_bytes().to_vec()))
        }
        "same" => {
            let same = if args.bytes(0) == args.bytes(1) { "the same" } else { "different" };
            Done { said: Some(same.to_owned()), ..Done::default() }
        }
        "foreign" => valued(line, host::foreign(args.bytes(0), args.bytes(1))),
        "log" => plain(host::log(args.number(0)?, args.bytes(1))),
        "log-level" => {
            let (status, level) = host::log_level();
            said(status, level.to_string())
        }
        "env" => Done {
            said: Some(std::env::var(args.text(0)).map_or_else(
                |_| "not set".to_owned(),
                |value| format!("\"{}\"", show::escaped(value.as_bytes())),
            )),
            ..Done::default()
        },
        _ => return Ok(None),
    };
    Ok(Some(done))
}

fn callout(probe: &mut Probe, line: &Line, args: &Args) -> Result<Option<Done>, String> {
    let done = match line.op.as_str() {
        // Cluster, time in milliseconds, path, body, then headers.
        "call" => {
            let mut headers = vec![
                (b":method".to_vec(), b"POST".to_vec()),
                (b":path".to_vec(), args.bytes(2).to_vec()),
                (b":authority".to_vec(), b"target".to_vec()),
            ];
            headers.extend(args.pairs(4));
            let headers = pairs::encode(&headers);
            let token = host::http_call(args.bytes(0), &headers, args.bytes(3), &[], args.number(1)?);
            named(probe, "call", token)
        }
        // Cluster, time in milliseconds, then headers and nothing else.
        "call-bare" => {
            let headers = pairs::encode(&args.pairs(2));
            named(probe, "call", host::http_call(args.bytes(0), &headers, &[], &[], args.number(1)?))
        }
        // Cluster, time in milliseconds, path, body, then trailers.
        "call-trailers" => {
            let headers = [
                (b":method".to_vec(), b"POST".to_vec()),
                (b":path".to_vec(), args.bytes(2).to_vec()),
                (b":authority".to_vec(), b"target".to_vec()),
            ];
            let (headers, trailers) = (pairs::encode(&headers), pairs::encode(&args.pairs(4)));
            let call = host::http_call(args.bytes(0), &headers, args.bytes(3), &trailers, args.number(1)?);
            named(probe, "call", call)
        }
        // Service, name, method, time in milliseconds, message, then metadata.
        "grpc" => {
            let metadata = pairs::encode(&args.pairs(5));
            let to = [args.bytes(0), args.bytes(1), args.bytes(2), metadata.as_slice()];
            named(probe, "grpc", host::grpc_call(to, args.bytes(4), args.number(3)?))
        }
        // Service, name, method, then metadata.
        "grpc-stream" => {
            let metadata = pairs::encode(&args.pairs(3));
            let to = [args.bytes(0), args.bytes(1), args.bytes(2), metadata.as_slice()];
            named(probe, "grpc", host::grpc_stream(to))
        }
        "grpc-send" => plain(host::grpc_send(args.number(0)?, args.bytes(1), args.number(2)?)),
        "grpc-cancel" => plain(host::grpc_cancel(args.number(0)?)),
        "grpc-close" => plain(host::grpc_close(args.number(0)?)),
        "status" => {
            let (status, code, message) = host::get_status();
            said(status, format!("{code} \"{}\"", show::escaped(&message)))
        }
        _ => return Ok(None),
    };
    Ok(Some(done))
}

fn shared(probe: &mut Probe, line: &Line, args: &Args) -> Result<Option<Done>, String> {
    let done = match line.op.as_str() {
        "shared-get" => {
            let (status, value, cas) = host::get_shared(args.bytes(0));
            let name = probe.names.get_or_insert_default().name("cas", cas);
            let done = said(status, format!("{} {name}", show::value(&line.form, &value)));
            Done { values: vec![value, cas.to_string().into_bytes()], ..done }
        }
        "shared-set" => plain(host::set_shared(args.bytes(0), args.bytes(1), args.number(2)?)),
        "queue" => named(probe, "queue", host::register_queue(args.bytes(0))),
        "queue-find" => named(probe, "queue", host::resolve_queue(args.bytes(0), args.bytes(1))),
        "enqueue" => plain(host::enqueue(args.number(0)?, args.bytes(1))),
        "dequeue" => valued(line, host::dequeue(args.number(0)?)),
        _ => return Ok(None),
    };
    Ok(Some(done))
}
