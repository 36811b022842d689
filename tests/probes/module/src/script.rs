//! The script: one line for each thing to do.
//!
//! ```text
//! # in every stream's request headers
//! request_headers: get request_headers x-a
//! # the value goes into the variable `a`, and from there into another call
//! request_headers: property:u64 request size => a
//! request_headers: add request_headers x-size $a
//! # only the second time that this callback runs under this root
//! request_headers@2: reply 403 details "body\n" -1 x-b "\x80"
//! request_headers@2: return pause
//! ```
//!
//! A word may stand in double quotes, with the escapes `\n \r \t \0 \\ \" \xNN`. `$name` as a whole word is a variable. A
//! suffix of the operation says how a value is shown: `:u64`, `:i64`, `:bool`, `:hex`, `:pairs`,
//! `:sorted` (pairs whose order is chance), `:len`, `:hide`.

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// The callback's name.
    pub(crate) when: String,
    /// Only at this occurrence of the callback, counted from 1.
    pub(crate) nth: Option<u32>,
    /// What to do.
    pub(crate) op: String,
    /// How to show what comes back.
    pub(crate) form: String,
    /// The arguments.
    pub(crate) args: Vec<Word>,
    /// Variables for what comes back.
    pub(crate) into: Vec<String>,
    /// The line as written, without the callback's name.
    pub(crate) text: String,
}

/// One argument.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// These bytes.
    Bytes(Vec<u8>),
    /// What the variable holds.
    Variable(String),
}

/// The callbacks that a script can name.
pub(crate) const CALLBACKS: [&str; 22] = [
    "context_create",
    "vm_start",
    "configure",
    "tick",
    "queue_ready",
    "request_headers",
    "request_body",
    "request_trailers",
    "request_metadata",
    "response_headers",
    "response_body",
    "response_trailers",
    "response_metadata",
    "http_call_response",
    "grpc_receive_initial_metadata",
    "grpc_receive",
    "grpc_receive_trailing_metadata",
    "grpc_close",
    "foreign_function",
    "done",
    "log",
    "delete",
];

/// Reads a script; the error names the line.
pub(crate) fn parse(text: &str) -> Result<Vec<Line>, String> {
    let lines = text.lines().enumerate().filter(|(_, line)| {
        let line = line.trim();
        !line.is_empty() && !line.starts_with('#')
    });
    lines.map(|(number, line)| parse_line(line.trim()).map_err(|why| at(number, line, &why))).collect()
}

fn at(number: usize, line: &str, why: &str) -> String {
    format!("line {}: {why}: `{}`", number.saturating_add(1), line.trim())
}

fn parse_line(line: &str) -> Result<Line, String> {
    let (when, text) = line.split_once(": ").ok_or("a line is `CALLBACK: OPERATION …`")?;
    let (when, nth) = match when.split_once('@') {
        Some((when, nth)) => (when, Some(nth.parse().map_err(|_| "`@` takes a number")?)),
        None => (when, None),
    };
    if !CALLBACKS.contains(&when) {
        return Err(format!("`{when}` is no callback"));
    }
    let (call, into) = match text.rsplit_once(" => ") {
        Some((call, into)) => (call, into.split(',').map(|name| name.trim().to_owned()).collect()),
        None => (text, Vec::new()),
    };
    let mut words = words(call)?.into_iter();
    let Some(Word::Bytes(op)) = words.next() else { return Err("the operation is missing".to_owned()) };
    let op = String::from_utf8(op).map_err(|_| "the operation is no text")?;
    let (op, form) = op.split_once(':').unwrap_or((&op, ""));
    Ok(Line {
        when: when.to_owned(),
        nth,
        op: op.to_owned(),
        form: form.to_owned(),
        args: words.collect(),
        into,
        text: text.trim().to_owned(),
    })
}

fn words(text: &str) -> Result<Vec<Word>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(quoted) = rest.strip_prefix('"') {
            let (bytes, after) = unquote(quoted)?;
            words.push(Word::Bytes(bytes));
            rest = after;
        } else {
            let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            words.push(match word.strip_prefix('$') {
                Some(name) => Word::Variable(name.to_owned()),
                None => Word::Bytes(word.as_bytes().to_vec()),
            });
            rest = after;
        }
        rest = rest.trim_start();
    }
    Ok(words)
}

/// What stands before the closing quote, and what follows it.
fn unquote(text: &str) -> Result<(Vec<u8>, &str), String> {
    let mut bytes = Vec::new();
    let mut chars = text.char_indices();
    while let Some((place, char)) = chars.next() {
        match char {
            '"' => return Ok((bytes, text.get(place.saturating_add(1)..).unwrap_or_default())),
            '\\' => match chars.next().map(|(_, char)| char) {
                Some('n') => bytes.push(b'\n'),
                Some('r') => bytes.push(b'\r'),
                Some('t') => bytes.push(b'\t'),
                Some('0') => bytes.push(0),
                Some(same @ ('\\' | '"')) => bytes.extend(same.to_string().bytes()),
                Some('x') => {
                    let digits: String = chars.by_ref().take(2).map(|(_, char)| char).collect();
                    bytes.push(u8::from_str_radix(&digits, 16).map_err(|_| "`\\x` takes two digits")?);
                }
                Some(_) | None => return Err("unknown escape".to_owned()),
            },
            other => bytes.extend(other.to_string().bytes()),
        }
    }
    Err("a quote is not closed".to_owned())
}
