//! Paths that were written as regular expressions, and what they were most likely meant as.

/// Whether a path looks like a regular expression.
pub(super) fn looks_like(path: &str) -> bool {
    const MARKS: [&str; 8] = [".*", ".+", "\\d", "\\w", "[0-9", "[a-z", "[^", "(?"];
    path.starts_with('^') || MARKS.iter().any(|mark| path.contains(mark))
}

/// What to write instead: the user's own path, where it is plain what each segment means.
pub(super) fn remedy(path: &str) -> String {
    match meant(path) {
        Some(meant) if meant.contains("{*}") && meant.ends_with("{**}") => {
            format!("write `{meant}`: `{{*}}` is any one segment, `{{**}}` any rest")
        }
        Some(meant) if meant.contains("{*}") => {
            format!("write `{meant}`: `{{*}}` is any one segment, whatever it holds")
        }
        Some(meant) if meant.ends_with('*') => format!("write `{meant}`: a `*` at the end is any rest"),
        Some(meant) => format!("write `{meant}`"),
        None => "list each path; `{*}` is one whole segment, and a `*` at the end any rest".to_owned(),
    }
}

fn meant(path: &str) -> Option<String> {
    let bare = path.strip_prefix('^').unwrap_or(path);
    let bare = bare.strip_suffix('$').unwrap_or(bare);
    // A class that stops at slashes is one segment, and its slash is none between segments.
    let bare = bare.replace("[^/]", "\\w").replace("\\/", "/").replace("\\.", ".").replace("\\-", "-");
    let rest = bare.strip_prefix('/')?;
    let last = rest.matches('/').count();
    let mut written = String::new();
    for (at, segment) in rest.split('/').enumerate() {
        written.push('/');
        written.push_str(match kind(segment)? {
            Segment::Plain => segment,
            Segment::One => "{*}",
            Segment::Rest if at < last => return None,
            Segment::Rest if written.contains('{') => "{**}",
            Segment::Rest => "*",
        });
    }
    Some(written)
}

enum Segment {
    Plain,
    One,
    Rest,
}

fn kind(segment: &str) -> Option<Segment> {
    if segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)) {
        return Some(Segment::Plain);
    }
    let inner = segment.strip_prefix('(').and_then(|inner| inner.strip_suffix(')')).unwrap_or(segment);
    let inner = inner.strip_prefix("?:").unwrap_or(inner);
    let one = match inner.split_once('{') {
        Some((one, count)) if count.ends_with('}') => one,
        Some(_) => return None,
        None => inner.trim_end_matches(['*', '+', '?']),
    };
    let is_class = one.strip_prefix('[').and_then(|class| class.strip_suffix(']'));
    match one {
        "." => Some(Segment::Rest),
        "\\d" | "\\w" => Some(Segment::One),
        _ if is_class.is_some_and(|class| !class.is_empty() && !class.contains(['[', ']'])) => {
            Some(Segment::One)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_expression_of_whole_segments_is_a_path_or_a_template() {
        for (written, expected) in [
            ("^/v1/orders/[0-9]+$", Some("/v1/orders/{*}")),
            ("/v1/orders/.*", Some("/v1/orders/*")),
            ("/v1/items/\\d+", Some("/v1/items/{*}")),
            ("/v1/[^/]+/items/.*", Some("/v1/{*}/items/{**}")),
            ("/v1/(\\w+)/items", Some("/v1/{*}/items")),
            ("/v1/[0-9]{4}/sum\\.csv", Some("/v1/{*}/sum.csv")),
            ("^/healthz$", Some("/healthz")),
            // What is only a part of a segment, or goes through slashes in the middle, has no counterpart.
            ("/v1/order-[0-9]+", None),
            ("/v1/.*/items", None),
            ("/(a|b)/c", None),
            ("orders/.*", None),
        ] {
            assert_eq!(meant(written).as_deref(), expected, "{written}");
            assert!(!remedy(written).is_empty());
        }
    }
}
