//! Path templates: `{*}` is one segment, `{name}` is one that is captured, `{**}` is any rest.
//!
//! The meaning is that of Envoy's URI template matcher, which Istio uses: `{*}` matches one or more, `{**}` zero or more
//! characters of RFC 3986's `pchar` (for `{**}` slashes too), literals match themselves, and nothing after `{**}` is an
//! operator. A strict template differs in one thing: its operators match every character that a canonical path can hold, since
//! a DENY rule on `/admin/{**}` that does not see `/admin/a|b` is a gap.

/// A compiled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    strict: bool,
    head: Vec<Segment>,
    rest: Rest,
    /// Names, and which segment each of them is.
    captures: Vec<(Box<str>, usize)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Literal(Box<[u8]>),
    AnyOne,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Rest {
    /// No `{**}`: the path ends with the head.
    None,
    /// `{**}`, then this literal.
    AnyThen(Box<[u8]>),
}

/// The longest template, in bytes: Envoy's own limit.
pub const MAX_TEMPLATE_BYTES: usize = 256;

/// The longest name of a capture, in bytes.
const MAX_NAME_BYTES: usize = 32;

const LITERAL_SYMBOLS: &[u8] = b"-._~%!$&'()+,;:@=";

impl Template {
    /// Whether `path` is meant as a template.
    pub fn is_template(path: &str) -> bool {
        path.contains("{*}") || path.contains("{**}")
    }

    /// Compiles `text`, in which nothing is captured.
    ///
    /// # Errors
    /// What is wrong, and what to write instead: (message, help).
    pub fn new(text: &str, strict: bool) -> Result<Self, (String, &'static str)> {
        Self::compile(text, strict, false)
    }

    /// Compiles `text` as a strict template, which may capture: `{user}` is one segment, and what is called `user`.
    ///
    /// ```
    /// use meshward_http::template::Template;
    /// let template = Template::with_captures("/users/{user}/{**}").unwrap();
    /// assert_eq!(template.captured(b"/users/ann/orders/7", "user"), Some(&b"ann"[..]));
    /// ```
    ///
    /// # Errors
    /// As [`Template::new`].
    pub fn with_captures(text: &str) -> Result<Self, (String, &'static str)> {
        Self::compile(text, true, true)
    }

    fn compile(text: &str, strict: bool, captures: bool) -> Result<Self, (String, &'static str)> {
        if text.len() > MAX_TEMPLATE_BYTES {
            return Err((
                format!("the template is {} bytes long", text.len()),
                "Envoy reads at most 256; split the rule",
            ));
        }
        let Some(body) = text.strip_prefix('/') else {
            return Err((format!("`{text}` does not begin with `/`"), "write the whole path"));
        };
        let mut template = Self { strict, head: Vec::new(), rest: Rest::None, captures: Vec::new() };
        let count = body.split('/').count();
        for (at, segment) in body.split('/').enumerate() {
            let name = capture(segment).filter(|_| captures);
            if let Some(name) = name {
                template.name(name, at)?;
            }
            template.push(if name.is_some() { "{*}" } else { segment }, at.saturating_add(1) == count)?;
        }
        Ok(template)
    }

    /// Calls the segment at `at` by a name.
    fn name(&mut self, name: &str, at: usize) -> Result<(), (String, &'static str)> {
        let good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        if name.is_empty() || name.len() > MAX_NAME_BYTES || !name.bytes().all(good) {
            return Err((
                format!("`{{{name}}}` is no capture"),
                "a name is made of letters, digits and `_`, at most 32; `{*}` is a segment without name, `{**}` any rest",
            ));
        }
        if self.captures.iter().any(|(known, _)| **known == *name) {
            return Err((format!("`{{{name}}}` stands twice"), "give each capture another name"));
        }
        self.captures.push((name.into(), at));
        Ok(())
    }

    fn push(&mut self, segment: &str, last: bool) -> Result<(), (String, &'static str)> {
        let literal = match segment {
            "{*}" | "{**}" if matches!(self.rest, Rest::AnyThen(_)) => {
                return Err((
                    "`{**}` must be the last operator".to_owned(),
                    "only literal segments may follow it",
                ));
            }
            "{*}" => {
                self.head.push(Segment::AnyOne);
                return Ok(());
            }
            "{**}" => {
                self.rest = Rest::AnyThen(Box::default());
                return Ok(());
            }
            "" if last => "",
            "" => return Err(("an empty segment".to_owned(), "no path has `//` in it when it is matched")),
            literal if literal.bytes().all(is_literal_byte) => literal,
            other => {
                return Err((
                    format!("segment `{other}` is not valid in a template"),
                    "`{*}` and `{**}` must be whole segments; others may hold A-Z a-z 0-9 and - . _ ~ % ! $ & ' ( ) + , ; : @ =",
                ));
            }
        };
        match &mut self.rest {
            Rest::None => self.head.push(Segment::Literal(literal.as_bytes().into())),
            Rest::AnyThen(tail) => *tail = [tail, &b"/"[..], literal.as_bytes()].concat().into(),
        }
        Ok(())
    }

    /// The segments that every path which matches has, with their places (0 is the first).
    pub fn literals(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.head.iter().enumerate().filter_map(|(place, segment)| match segment {
            Segment::Literal(literal) => Some((place, &**literal)),
            Segment::AnyOne => None,
        })
    }

    /// How every path that matches ends, where literals follow a `{**}`.
    pub fn tail(&self) -> Option<&[u8]> {
        match &self.rest {
            Rest::AnyThen(tail) if !tail.is_empty() => Some(tail),
            Rest::AnyThen(_) | Rest::None => None,
        }
    }

    /// Whether a segment is called `name`.
    pub fn captures(&self, name: &str) -> bool {
        self.captures.iter().any(|(known, _)| **known == *name)
    }

    /// The segment that is called `name`, where `path` (without query) matches.
    pub fn captured<'p>(&self, path: &'p [u8], name: &str) -> Option<&'p [u8]> {
        let (_, at) = self.captures.iter().find(|(known, _)| **known == *name)?;
        if !self.matches(path) {
            return None;
        }
        path.strip_prefix(b"/")?.split(|byte| *byte == b'/').nth(*at)
    }

    /// Whether `path` (without query) matches.
    pub fn matches(&self, path: &[u8]) -> bool {
        let Some(mut left) = path.strip_prefix(b"/") else { return false };
        let closed = matches!(self.rest, Rest::None);
        for (at, segment) in self.head.iter().enumerate() {
            let end = left.iter().position(|byte| *byte == b'/');
            let (this, after) = match end.and_then(|end| left.split_at_checked(end)) {
                Some((this, after)) => (this, after.strip_prefix(b"/")),
                None => (left, None),
            };
            let fits = match segment {
                Segment::Literal(literal) => this == &**literal,
                Segment::AnyOne => !this.is_empty() && self.all_match(this),
            };
            let last = closed && at.saturating_add(1) == self.head.len();
            match (fits, after, last) {
                (true, None, true) => return true,
                (true, Some(after), false) => left = after,
                (false, ..) | (true, None, false) | (true, Some(_), true) => return false,
            }
        }
        match &self.rest {
            Rest::None => false,
            Rest::AnyThen(tail) => left
                .strip_suffix(&**tail)
                .is_some_and(|middle| middle.split(|byte| *byte == b'/').all(|part| self.all_match(part))),
        }
    }

    /// Whether an operator may match all of these characters; there is no slash among them.
    fn all_match(&self, bytes: &[u8]) -> bool {
        self.strict || bytes.iter().all(|byte| is_pchar(*byte))
    }
}

/// The name in `{name}`, if the segment is that and no operator.
pub fn capture(segment: &str) -> Option<&str> {
    let name = segment.strip_prefix('{')?.strip_suffix('}')?;
    (!matches!(name, "*" | "**")).then_some(name)
}

fn is_literal_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || LITERAL_SYMBOLS.contains(&byte)
}

fn is_pchar(byte: u8) -> bool {
    is_literal_byte(byte) || byte == b'*'
}

#[cfg(test)]
#[path = "template_tests.rs"]
mod tests;
