//! What the operator sees: for each refusal the access log and meshward's event, and one event in full.

use serde_json::Value;

use super::evidence::Event;
use super::play::{Played, Row, Try};
use super::table::{self, BOLD, DIM, REFUSED};

/// The widest line that is printed.
const WIDTH: usize = 118;

/// Prints the lines of every call that was refused, or that a shadow rule would have refused.
pub(super) fn print(scenes: &[Played], place: &str) {
    anstream::println!("\n{BOLD}What the operator sees of each refusal{BOLD:#}");
    anstream::println!(
        "{DIM}first the access log's %RESPONSE_CODE_DETAILS%, then the event's message; whole lines: {place}/*/{{access,envoy}}.log{DIM:#}\n"
    );
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    for row in rows() {
        print_row(row);
    }
    // One that has all: a caller with a name, and a rule.
    let telling = |event: &&Event| {
        event.record.pointer("/policy").is_some() && event.record.pointer("/src_endpoint").is_some()
    };
    let example = rows()
        .filter(|row| !row.call.may_arrive())
        .find_map(|row| Some((row, row.tries.first()?.evidence.event.as_ref().filter(telling)?)));
    if let Some((row, event)) = example {
        let number = row.number;
        anstream::println!(
            "\n{BOLD}One event in full{BOLD:#} {DIM}(call {number}; OCSF 1.8, one line in Envoy's log){DIM:#}\n"
        );
        for line in wrap(&event.text) {
            anstream::println!("{DIM}    {line}{DIM:#}");
        }
    }
}

/// Of what was tried many times, one of each kind.
fn print_row(row: &Row) {
    let mut seen = Vec::new();
    for one in &row.tries {
        let by = one.evidence.decided_by.as_str();
        if !seen.contains(&by) {
            seen.push(by);
            print_try(row, one);
        }
    }
}

fn print_try(row: &Row, one: &Try) {
    let head = format!(" {:>2}  {:<8}", row.number, row.call.to.name());
    if let Some(failure) = &one.evidence.tls_failure {
        anstream::println!("{head}  {REFUSED}no TLS{REFUSED:#}  {}", short_failure(failure));
        return;
    }
    let Some(event) = &one.evidence.event else { return };
    let event = &event.record;
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let details = one.evidence.details.as_deref().unwrap_or_default();
    let severity = event.get("severity_id").and_then(Value::as_u64).unwrap_or_default();
    let shadow = if text("/message").starts_with("would deny") { "shadow rule; " } else { "" };
    anstream::println!(
        "{head}  {REFUSED}{:<6}{REFUSED:#}  {details}  {DIM}({shadow}severity {severity}){DIM:#}",
        table::one_got(one)
    );
    let message = format!("     \"{}\"", text("/message"));
    anstream::println!("{DIM}{}{DIM:#}", cut(&message));
}

/// Envoy chains the layers of a TLS error with colons and has no spaces: the first and the last say it.
fn short_failure(failure: &str) -> String {
    let inner = failure.strip_suffix(":TLS_error_end").unwrap_or(failure);
    let inner = inner.split_once("OPENSSL_internal:").map_or(inner, |(_, inner)| inner);
    let last = inner.rsplit_once(':').map(|(_, last)| last.replace('_', " "));
    match (inner.split(':').next(), last) {
        (Some(first), Some(last)) => format!("{first}: {}", last.trim()),
        (_, None) | (None, _) => inner.to_owned(),
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= WIDTH {
        return text.to_owned();
    }
    text.chars().take(WIDTH.saturating_sub(1)).chain(['…']).collect()
}

/// Breaks after commas, so that fields stay whole.
fn wrap(json: &str) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in json.split_inclusive(',') {
        match lines.last_mut() {
            Some(line) if line.chars().count().saturating_add(part.chars().count()) <= WIDTH - 4 => {
                line.push_str(part);
            }
            Some(_) | None => lines.push(part.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wrapping_loses_nothing_and_keeps_the_width() {
        let json = format!("{{{}}}", ["\"field\":\"value\""; 40].join(","));
        let lines = wrap(&json);
        assert_eq!(lines.concat(), json);
        assert!(lines.len() > 4 && lines.iter().all(|line| line.chars().count() <= WIDTH));
    }

    #[test]
    fn a_tls_failure_is_told_by_its_first_and_last_layer() {
        let failure = "TLS_error:|268435581:SSL_routines:OPENSSL_internal:CERTIFICATE_VERIFY_FAILED:verify_cert_failed:_certificate_has_expired:TLS_error_end";
        assert_eq!(short_failure(failure), "CERTIFICATE_VERIFY_FAILED: certificate has expired");
        assert_eq!(
            short_failure("TLS_error:|1:SSL_routines:OPENSSL_internal:HTTP_REQUEST:TLS_error_end"),
            "HTTP_REQUEST"
        );
        assert_eq!(short_failure("other"), "other");
    }

    #[test]
    fn a_long_line_is_cut_with_a_mark() {
        assert_eq!(cut("short"), "short");
        assert!(cut(&"é".repeat(WIDTH + 1)).ends_with('…'));
    }
}
