//! How values and statuses are written.

use crate::pairs;

/// The name of a status.
pub(crate) fn status(code: u32) -> String {
    let names = [
        "Ok",
        "NotFound",
        "BadArgument",
        "SerializationFailure",
        "ParseFailure",
        "BadExpression",
        "InvalidMemoryAccess",
        "Empty",
        "CasMismatch",
        "ResultMismatch",
        "InternalFailure",
        "BrokenConnection",
        "Unimplemented",
    ];
    let name = usize::try_from(code).ok().and_then(|place| names.get(place));
    name.map_or_else(|| format!("status {code}"), |name| (*name).to_owned())
}

/// A value in the form that the script asks for.
pub(crate) fn value(form: &str, bytes: &[u8]) -> String {
    match form {
        "u64" => number(bytes, 8).map_or_else(|| odd(bytes), |number| number.to_string()),
        "i64" => number(bytes, 8).map_or_else(|| odd(bytes), |number| number.cast_signed().to_string()),
        "bool" => match bytes {
            [0] => "false".to_owned(),
            [1] => "true".to_owned(),
            _ => odd(bytes),
        },
        "hex" => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        "pairs" => all(bytes, false),
        "sorted" => all(bytes, true),
        "len" => format!("{} bytes", bytes.len()),
        "hide" => "…".to_owned(),
        _ => quoted(bytes),
    }
}

fn odd(bytes: &[u8]) -> String {
    format!("{} bytes {}", bytes.len(), quoted(bytes))
}

fn number(bytes: &[u8], size: usize) -> Option<u64> {
    (bytes.len() == size).then(|| bytes.try_into().ok().map(u64::from_le_bytes)).flatten()
}

fn all(bytes: &[u8], sorted: bool) -> String {
    let Some(mut pairs) = pairs::decode(bytes) else { return odd(bytes) };
    if sorted {
        pairs.sort();
    }
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    format!("[{}]", pairs.collect::<Vec<_>>().join(", "))
}

fn quoted(bytes: &[u8]) -> String {
    format!("\"{}\"", escaped(bytes))
}

/// Printable ASCII as it is, everything else as `\xNN`.
pub(crate) fn escaped(bytes: &[u8]) -> String {
    bytes
        .iter()
        .map(|byte| match byte {
            b'"' | b'\\' => format!("\\{}", char::from(*byte)),
            b'\n' => "\\n".to_owned(),
            0x20..=0x7e => char::from(*byte).to_string(),
            _ => format!("\\x{byte:02x}"),
        })
        .collect()
}
