//! What an engine leaves in the firewall when it ends: its chains and rules are taken out again, and nothing else.

use std::collections::HashSet;

use crate::process::{self, Call};
use crate::show;

const FORWARDING: &str = "/proc/sys/net/ipv4/ip_forward";

/// The firewall and forwarding before the engine came.
pub(super) struct Rules {
    lines: HashSet<String>,
    forwarding: Option<String>,
}

/// One thing that came since.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    /// Take this rule out.
    Rule(Vec<String>),
    /// Delete this chain, which is empty then.
    Chain(Vec<String>),
    /// Set a policy back.
    Policy(Vec<String>),
}

impl Rules {
    /// As it is now; nothing where it cannot be read.
    pub(super) fn save() -> Option<Self> {
        let lines = numbered(&dump()?).map(|(table, line)| format!("{table} {line}")).collect();
        Some(Self { lines, forwarding: std::fs::read_to_string(FORWARDING).ok() })
    }

    /// Takes out what came since.
    pub(super) fn restore(self) {
        let Some(now) = dump() else { return };
        let left: Vec<Change> = self.changes(&now);
        for change in &left {
            let (Change::Rule(words) | Change::Chain(words) | Change::Policy(words)) = change;
            if let Err(error) = Call::new("iptables").args(words).output() {
                show::error(&format!("the engine's firewall rule stays: {error:#}"));
            }
        }
        if let Some(before) = &self.forwarding
            && std::fs::write(FORWARDING, before).is_err()
        {
            show::error(&format!("{FORWARDING} could not be set back to {}", before.trim()));
        }
    }

    /// In the order in which they must go: rules before the chains that they jump to.
    fn changes(&self, now: &str) -> Vec<Change> {
        let fresh = numbered(now).filter(|(table, line)| !self.lines.contains(&format!("{table} {line}")));
        let mut changes: Vec<Change> = fresh.filter_map(|(table, line)| self.undo(table, &line)).collect();
        changes.sort();
        changes
    }

    fn undo(&self, table: &str, line: &str) -> Option<Change> {
        let words =
            |words: &[&str]| ["-t", table].iter().chain(words).map(|word| (*word).to_owned()).collect();
        if let Some(rule) = line.strip_prefix("-A ") {
            let mut all: Vec<String> = words(&["-D"]);
            all.extend(rule.split_whitespace().map(|word| word.trim_matches('"').to_owned()));
            return Some(Change::Rule(all));
        }
        let (chain, policy) = line.strip_prefix(':')?.split_once(' ')?;
        if policy == "-" {
            return Some(Change::Chain(words(&["-X", chain])));
        }
        let start = format!("{table} :{chain} ");
        let before = self.lines.iter().find_map(|line| line.strip_prefix(&start))?;
        Some(Change::Policy(words(&["-P", chain, before])))
    }
}

fn dump() -> Option<String> {
    process::on_path("iptables-save")?;
    Call::new("iptables-save").output().ok()
}

/// Chains (without counters) and rules, each with its table.
fn numbered(dump: &str) -> impl Iterator<Item = (&str, String)> {
    let mut table = "";
    dump.lines().filter_map(move |line| {
        if let Some(name) = line.strip_prefix('*') {
            table = name;
            return None;
        }
        let counted = line.strip_prefix(':').and_then(|_| line.rsplit_once(" ["));
        let is_kept = line.starts_with(':') || line.starts_with("-A ");
        is_kept.then(|| (table, counted.map_or(line, |(chain, _)| chain).to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str =
        "*filter\n:INPUT ACCEPT [1:2]\n:FORWARD ACCEPT [0:0]\n-A INPUT -i lo -j ACCEPT\nCOMMIT\n";
    const AFTER: &str = "*filter\n:INPUT ACCEPT [9:9]\n:FORWARD DROP [0:0]\n:DOCKER - [0:0]\n-A INPUT -i lo -j ACCEPT\n\
                         -A FORWARD -j DOCKER\n-A DOCKER -j RETURN\nCOMMIT\n";

    #[test]
    fn what_came_is_taken_out_and_what_was_there_stays() {
        let lines = numbered(BEFORE).map(|(table, line)| format!("{table} {line}")).collect();
        let rules = Rules { lines, forwarding: None };
        let changes: Vec<String> = rules
            .changes(AFTER)
            .iter()
            .map(|(Change::Rule(words) | Change::Chain(words) | Change::Policy(words))| words.join(" "))
            .collect();
        assert_eq!(
            changes,
            [
                "-t filter -D DOCKER -j RETURN",
                "-t filter -D FORWARD -j DOCKER",
                "-t filter -X DOCKER",
                "-t filter -P FORWARD ACCEPT"
            ]
        );
        assert!(rules.changes(BEFORE).is_empty());
    }
}
