//! Counting: pairs, verdicts and differences, in all and for each form; and the table.

use std::collections::BTreeMap;

use super::deviation::{self, DEVIATIONS};
use super::field::Form;
use super::pair::Pair;
use super::set::Set;
use super::verdict::{Outcome, Verdict};
use crate::show::{self, Mark, Table};

/// So many differences are shown in full, and so many of one set.
const SHOWN: usize = 10;
const SHOWN_OF_A_SET: usize = 2;
/// What must be shown (issue 6): each form in so many sets, each verdict in so much of the pairs, and no more excused.
const LEAST_SETS: usize = 50;
const LEAST_SHARE: f64 = 0.25;
const MOST_EXCUSED: f64 = 0.02;

/// Counts of some pairs.
#[derive(Clone, Copy, Default)]
struct Count {
    sets: usize,
    pairs: usize,
    allowed: usize,
    differ: usize,
    excused: usize,
}

/// Everything that was seen.
#[derive(Default)]
pub(super) struct Tally {
    all: Count,
    forms: BTreeMap<Form, Count>,
    excuses: [usize; DEVIATIONS.len()],
    /// Answers that came before either engine, by their details.
    unasked: BTreeMap<String, usize>,
    /// Pairs in which both engines name a rule that denies, and how often not the same of several that do.
    named: usize,
    named_another: usize,
    /// With the number of the set.
    shown: Vec<(usize, String)>,
}

impl Tally {
    /// Counts a set that neither engine refused.
    pub(super) fn add(&mut self, set: &Set, seed: u64, pairs: &[Pair]) {
        let mut here = Count { sets: 1, ..Count::default() };
        for pair in pairs {
            match &pair.outcome {
                Outcome::Unasked(details) => {
                    // What a reason of ours says is few things; Envoy's own details hold texts.
                    let ours = details.starts_with("meshward_").then_some(details.as_str());
                    let kind =
                        ours.or_else(|| details.split([' ', '[', '{']).next()).unwrap_or_default().to_owned();
                    let count = self.unasked.entry(kind).or_default();
                    *count = count.saturating_add(1);
                }
                Outcome::Broken(why) => {
                    here.pairs = here.pairs.saturating_add(1);
                    here.differ = here.differ.saturating_add(1);
                    self.show(set, seed, pair, why);
                }
                Outcome::Pair { native, ours, denying } => {
                    self.pair(set, seed, pair, (native, ours, denying), &mut here);
                }
            }
        }
        self.all.add(&here);
        for form in &set.forms {
            self.forms.entry(*form).or_default().add(&here);
        }
    }

    fn pair(
        &mut self,
        set: &Set,
        seed: u64,
        pair: &Pair,
        (native, ours, denying): (&Verdict, &Verdict, &[String]),
        here: &mut Count,
    ) {
        here.pairs = here.pairs.saturating_add(1);
        here.allowed = here.allowed.saturating_add(usize::from(native.allowed));
        // Where several rules deny, Envoy names the first by name and ours the first as written: any of them is right.
        let by = ours.rule.as_ref();
        if native.allowed == ours.allowed && by.is_none_or(|by| denying.contains(by)) {
            if native.rule.is_some() && by.is_some() {
                self.named = self.named.saturating_add(1);
                self.named_another =
                    self.named_another.saturating_add(usize::from(native.rule.as_ref() != by));
            }
            return;
        }
        if let Some(deviation) = deviation::explains(pair, native, ours) {
            here.excused = here.excused.saturating_add(1);
            let excused = self.excuses.get_mut(deviation).into_iter();
            excused.for_each(|count| *count = count.saturating_add(1));
            return;
        }
        here.differ = here.differ.saturating_add(1);
        self.show(set, seed, pair, &format!("Envoy: {}; ours: {}", said(native), said(ours)));
    }

    fn show(&mut self, set: &Set, seed: u64, pair: &Pair, what: &str) {
        let Pair { number, connection, facts, .. } = pair;
        let request = format!("{connection:?}\n    {facts:?}\n    (request {number})");
        self.keep(set, seed, what, &request);
    }

    /// A set of which one of the two compilers says that it cannot be.
    pub(super) fn refused(&mut self, set: &Set, seed: u64, by: &str, why: &str) {
        self.all.add(&Count { sets: 1, differ: 1, ..Count::default() });
        self.keep(set, seed, &format!("{by} refuses the set: {why}"), "(no request)");
    }

    fn keep(&mut self, set: &Set, seed: u64, what: &str, request: &str) {
        let of_this = self.shown.iter().filter(|(of, _)| *of == set.number).count();
        if self.shown.len() < SHOWN && of_this < SHOWN_OF_A_SET {
            let documents: String =
                set.documents.iter().map(|document| format!("    {document}\n")).collect();
            let again = format!("cargo xtask conformance rbac --seed {seed} --only {}", set.number);
            self.shown.push((set.number, format!("{what}\n{documents}    {request}\n    again: {again}")));
        }
    }

    /// One line, for progress.
    pub(super) fn line(&self) -> String {
        let Count { sets, pairs, allowed, differ, excused } = self.all;
        format!(
            "{sets} sets, {pairs} pairs ({} allowed), {differ} differences, {excused} excused",
            share(allowed, pairs)
        )
    }

    /// Prints all; whether it is as it must be. `full`: whether this run is long enough to show it.
    pub(super) fn print(&self, forms: &[Form], full: bool) -> bool {
        show::heading("Every field and form");
        let mut table = Table::default();
        table.row(Mark::Skipped, ["form", "sets", "pairs", "allowed", "denied", "differ", "excused"]);
        for form in forms {
            let count = self.forms.get(form).copied().unwrap_or_default();
            let good = count.differ == 0 && (!full || count.sets >= LEAST_SETS);
            table.row(if good { Mark::Good } else { Mark::Bad }, count.cells(form.label()));
        }
        table.row(Mark::Good, self.all.cells("all".to_owned()));
        table.print();
        self.print_rest();
        self.holds(forms, full)
    }

    fn print_rest(&self) {
        show::heading("Excused");
        let mut table = Table::default();
        for (deviation, count) in DEVIATIONS.iter().zip(self.excuses) {
            let cells = [deviation.name.to_owned(), count.to_string(), share(count, self.all.pairs)];
            table.row(Mark::Todo, cells);
        }
        table.print();
        show::heading("Answered before either engine was asked");
        let mut table = Table::default();
        for (details, count) in &self.unasked {
            table.row(Mark::Skipped, [details.clone(), count.to_string()]);
        }
        table.print();
        let (named, another) = (self.named, self.named_another);
        show::progress(&format!(
            "\nboth name a rule that denies: {named} times; of several that deny not the same: {another} times"
        ));
        for (number, (_, shown)) in self.shown.iter().enumerate() {
            show::heading(&format!("Difference {}", number.saturating_add(1)));
            show::progress(shown);
        }
        show::progress(&format!("\n{}", self.line()));
    }

    fn holds(&self, forms: &[Form], full: bool) -> bool {
        let part = |count: usize| ratio(count, self.all.pairs);
        let allowed = part(self.all.allowed);
        let rare: Vec<String> = forms
            .iter()
            .filter(|form| self.forms.get(form).is_none_or(|count| count.sets < LEAST_SETS))
            .map(|form| form.label())
            .collect();
        let mut wrong = Vec::new();
        if self.all.differ > 0 {
            wrong.push(format!("{} unexplained differences", self.all.differ));
        }
        if self.all.pairs == 0 {
            wrong.push("nothing was compared".to_owned());
        }
        if full && !rare.is_empty() {
            wrong.push(format!("in fewer than {LEAST_SETS} sets: {}", rare.join(", ")));
        }
        if full && !(LEAST_SHARE..=1.0 - LEAST_SHARE).contains(&allowed) {
            wrong.push(format!("{:.1} % of the pairs are allowed", allowed * 100.0));
        }
        if part(self.all.excused) > MOST_EXCUSED {
            wrong.push(format!("{:.2} % of the pairs are excused", part(self.all.excused) * 100.0));
        }
        wrong.iter().for_each(|what| show::error(what));
        wrong.is_empty()
    }
}

impl Count {
    fn add(&mut self, other: &Self) {
        self.sets = self.sets.saturating_add(other.sets);
        self.pairs = self.pairs.saturating_add(other.pairs);
        self.allowed = self.allowed.saturating_add(other.allowed);
        self.differ = self.differ.saturating_add(other.differ);
        self.excused = self.excused.saturating_add(other.excused);
    }

    fn cells(&self, name: String) -> [String; 7] {
        let denied = self.pairs.saturating_sub(self.allowed);
        [
            name,
            self.sets.to_string(),
            self.pairs.to_string(),
            share(self.allowed, self.pairs),
            share(denied, self.pairs),
            self.differ.to_string(),
            self.excused.to_string(),
        ]
    }
}

fn said(verdict: &Verdict) -> String {
    let word = if verdict.allowed { "allows" } else { "denies" };
    match (&verdict.rule, &verdict.reason) {
        (Some(by), _) | (None, Some(by)) => format!("{word} by {by}"),
        (None, None) => word.to_owned(),
    }
}

fn share(part: usize, whole: usize) -> String {
    format!("{:.1} %", ratio(part, whole) * 100.0)
}

/// Counts are far below 2^52.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}
