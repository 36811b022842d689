//! Findings as SARIF 2.1.0, for code scanning.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Component, Path};

use meshward_model::Code;
use serde_sarif::sarif::{
    ArtifactLocation, Location, LogicalLocation, PhysicalLocation, Region, ReportingDescriptor,
    Result as SarifResult, ResultLevel, Run, Sarif, ToolComponent,
};

use super::Checked;
use crate::console::Console;
use crate::finding::{Finding, Severity};
use crate::yaml::line_and_column;

const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// The name under which our fingerprints stand; another way of making them gets another name.
const FINGERPRINT: &str = "meshwardFinding/v1";

pub(super) fn write(checked: &[Checked], console: &mut Console) -> io::Result<()> {
    let mut seen = BTreeMap::new();
    let results: Vec<_> = checked
        .iter()
        .flat_map(|one| one.findings.iter().map(move |finding| (one, finding)))
        .map(|(one, finding)| result(one, finding, &mut seen))
        .collect();
    let driver = ToolComponent::builder()
        .name("meshward")
        .semantic_version(env!("CARGO_PKG_VERSION"))
        .rules(Code::ALL.iter().map(|code| rule(*code)).collect::<Vec<_>>())
        .build();
    let run = Run::builder().tool(driver).column_kind("unicodeCodePoints").results(results).build();
    let sarif = Sarif::builder().schema(SCHEMA).version("2.1.0").runs(vec![run]).build();
    serde_json::to_writer_pretty(console.out(), &sarif)?;
    writeln!(console.out())
}

fn rule(code: Code) -> ReportingDescriptor {
    ReportingDescriptor::builder()
        .id(code.to_string())
        .name(format!("{code:?}"))
        .short_description(&code.title().to_owned())
        .help(&format!("meshward explain {code}"))
        .build()
}

fn result(one: &Checked, finding: &Finding, seen: &mut BTreeMap<String, usize>) -> SarifResult {
    let text = if finding.help.is_empty() {
        finding.message.clone()
    } else {
        format!("{}; {}", finding.message, finding.help)
    };
    let level = match finding.severity {
        Severity::Error => ResultLevel::Error,
        Severity::Warning => ResultLevel::Warning,
    };
    let uri = uri(&one.input.name);
    let index = Code::ALL.iter().position(|code| *code == finding.code).unwrap_or_default();
    let physical = PhysicalLocation::builder()
        .artifact_location(ArtifactLocation::builder().uri(uri.clone()).build())
        .region(region(&one.input.text, finding))
        .build();
    let mut location = Location::builder().physical_location(physical).build();
    if !finding.path.is_empty() {
        let logical = LogicalLocation::builder().fully_qualified_name(finding.path.clone()).build();
        location.logical_locations = Some(vec![logical]);
    }
    let fingerprint = fingerprint(&uri, finding, seen);
    SarifResult::builder()
        .rule_id(finding.code.to_string())
        .rule_index(number(index))
        .level(level)
        .message(&text)
        .locations(vec![location])
        .partial_fingerprints(BTreeMap::from([(FINGERPRINT.to_owned(), fingerprint)]))
        .build()
}

fn region(text: &str, finding: &Finding) -> Region {
    let (line, column) = line_and_column(text, finding.span.start);
    let (end_line, end_column) = line_and_column(text, finding.span.end);
    Region::builder()
        .start_line(number(line))
        .start_column(number(column))
        .end_line(number(end_line))
        .end_column(number(end_column))
        .build()
}

fn number(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A finding is the same finding after lines were added above it: no line is part of this.
fn fingerprint(uri: &str, finding: &Finding, seen: &mut BTreeMap<String, usize>) -> String {
    let text = format!("{}\n{uri}\n{}\n{}", finding.code, finding.path, finding.message);
    // FNV-1a, 64 bits: the standard library's hash may change with its version.
    let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let hash = format!("{hash:016x}");
    let count = seen.entry(hash.clone()).or_default();
    *count = count.saturating_add(1);
    format!("{hash}:{count}")
}

/// A relative reference, with `/` between folders, seen from where meshward runs; other files keep their whole path.
fn uri(name: &str) -> String {
    if name == crate::input::STDIN {
        return "stdin".to_owned();
    }
    let path = Path::new(name);
    let here = std::env::current_dir().unwrap_or_default();
    let relative = path.strip_prefix(&here).unwrap_or(path);
    let parts: Vec<String> = relative
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(encoded(&name.to_string_lossy())),
            Component::ParentDir => Some("..".to_owned()),
            Component::CurDir | Component::RootDir | Component::Prefix(_) => None,
        })
        .collect();
    let joined = parts.join("/");
    if relative.is_absolute() { format!("file:///{joined}") } else { joined }
}

/// Percent-encodes what may not stand in a segment of a path (RFC 3986, section 3.3).
fn encoded(name: &str) -> String {
    let mut encoded = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()+,;=@".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_relative_reference() {
        assert_eq!(uri("./a b/ü.yaml"), "a%20b/%C3%BC.yaml");
        assert_eq!(uri("../x:y.yaml"), "../x%3Ay.yaml");
        assert_eq!(uri("/nowhere/x.yaml"), "file:///nowhere/x.yaml");
        assert_eq!(uri("<stdin>"), "stdin");
    }
}
