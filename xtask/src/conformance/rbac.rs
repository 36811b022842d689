//! `cargo xtask conformance rbac`: our `authz` module against Envoy's own RBAC filter, configured by istiod's own translator, over
//! policies and requests that chance makes; both in one real Envoy, behind mTLS, with jwt_authn in front.

mod address;
mod chance;
mod claims;
mod deviation;
mod facts;
mod field;
mod pair;
mod protobuf;
mod scene;
mod set;
mod tally;
mod translator;
mod value;
mod verdict;

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use clap::Args as Arguments;
use meshward_model::{Node, Plugin as _};

use chance::Chance;
use claims::Claims;
use field::{Field, Form};
use scene::Scene;
use set::Set;
use tally::Tally;
use translator::Translated;
use value::Here;
use verdict::Expected;

use crate::envoy::Envoy;
use crate::{interrupt, modules, setup, show};

/// Options of `conformance rbac`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// How many sets of policies
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    sets: u32,
    /// How many requests to each
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    requests: u32,
    /// What the sets and requests are made from; another one each time where it is not given
    #[arg(long)]
    seed: Option<u64>,
    /// Who verifies tokens for authz: jwt-authn, unless authz cannot read its metadata
    #[arg(long)]
    claims: Option<Claims>,
    /// Only the set of this number, to see a difference again
    #[arg(long)]
    only: Option<u32>,
}

/// So many sets are served by one Envoy.
const SETS_AN_ENVOY: usize = 100;
/// A run of so many sets must show every form often enough.
const FULL: usize = 2_000;

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    interrupt::listen()?;
    let program = translator::build()?;
    setup::ensure(&[setup::Step::Envoy(Envoy::Main)], false)?;
    let binary = Envoy::Main.install()?;
    modules::build(&[modules::Plugin::Authn, modules::Plugin::Authz])?;
    let claims = args.claims.unwrap_or_else(Claims::usual);
    let seed = args.seed.unwrap_or_else(some_seed);
    let forms = forms(seed);
    show::progress(&format!(
        "seed {seed}: {} forms of {} fields, claims by {claims:?}",
        forms.len(),
        field::FIELDS.len()
    ));
    let undecided = field::FIELDS.iter().filter(|field| !is_decided(field)).map(|field| field.name);
    show::progress(&format!("not decided: {}", undecided.collect::<Vec<_>>().join(", ")));
    let numbers: Vec<usize> = match args.only {
        Some(number) => vec![usize::try_from(number)?],
        None => (0..usize::try_from(args.sets)?).collect(),
    };
    let run = Run {
        binary: &binary,
        program: &program,
        seed,
        forms: &forms,
        requests: usize::try_from(args.requests)?,
    };
    let (start, mut tally, mut scene) = (Instant::now(), Tally::default(), Scene::new(claims)?);
    for numbers in numbers.chunks(SETS_AN_ENVOY) {
        interrupt::check()?;
        run.batch(numbers, &mut scene, &mut tally)?;
        show::progress(&format!("{:>8}  {}", show::duration(start.elapsed()), tally.line()));
    }
    let mut sorted = forms.clone();
    sorted.sort();
    let good = tally.print(&sorted, numbers.len() >= FULL);
    show::progress(&format!("seed {seed}, {}", show::duration(start.elapsed())));
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn some_seed() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(0)
}

/// All forms, in an order of the seed's.
fn forms(seed: u64) -> Vec<Form> {
    let mut forms = Form::all(is_decided);
    Chance::new(seed, u64::MAX).shuffle(&mut forms);
    forms
}

/// Whether we decide by this field yet.
fn is_decided(field: &'static Field) -> bool {
    let here = Here { address: Ipv4Addr::LOCALHOST, port: 8080 };
    let shape = field.shapes.first().copied().unwrap_or(field::Shape::Exact);
    let value = value::text(field.about, shape, here, &mut Chance::new(1, 1));
    let document = set::document("foo", "a", "ALLOW", &[set::Rule::of(field, value)]);
    is_ours(&Claims::usual().configuration(&[document]))
}

fn is_ours(configuration: &str) -> bool {
    meshward_pipeline::Authz::configure(configuration.as_bytes(), &node()).is_ok()
}

/// What all batches of a run have in common.
struct Run<'a> {
    binary: &'a Path,
    program: &'a Path,
    seed: u64,
    forms: &'a [Form],
    requests: usize,
}

impl Run<'_> {
    /// Makes these sets, asks both engines, and counts.
    fn batch(&self, numbers: &[usize], scene: &mut Scene, tally: &mut Tally) -> Result<()> {
        let (reserved, addresses) = Scene::addresses(numbers)?;
        let sets = numbers.iter().zip(addresses).map(|(number, address)| {
            let here = Here { address, port: reserved.port() };
            Set::new(*number, self.forms, here, &mut self.chance(*number, 0))
        });
        let sets: Vec<Set> = sets.collect();
        let translated = translator::translate(self.program, &sets)?;
        let all = sets.iter().zip(&translated).zip(reserved.addresses());
        let served: Vec<_> = all
            .map(|((set, translated), address)| (set, translated, address))
            .filter(|(set, translated, _)| self.is_taken(set, translated, tally))
            .collect();
        if served.is_empty() {
            return Ok(());
        }
        let envoy = scene.start(self.binary, &served)?;
        let mut sent = Vec::with_capacity(served.len());
        for (set, translated, address) in served {
            interrupt::check()?;
            let chance = &mut self.chance(set.number, 1);
            let pairs = pair::send(scene, set, address, self.requests, chance)
                .with_context(|| format!("set {} of seed {}", set.number, self.seed))?;
            let denying = scene::names(translated);
            sent.push((set, Expected { filters: translated.filters.len(), denying }, pairs));
        }
        pair::read(&envoy, &mut sent)?;
        sent.iter().for_each(|(set, _, pairs)| tally.add(set, self.seed, pairs));
        Ok(())
    }

    /// What a set is made from (0), and its requests (1).
    fn chance(&self, number: usize, what: u64) -> Chance {
        let number = u64::try_from(number).unwrap_or(u64::MAX);
        Chance::new(self.seed, number.wrapping_mul(2).wrapping_add(what))
    }

    /// Whether both compilers take the set.
    fn is_taken(&self, set: &Set, translated: &Translated, tally: &mut Tally) -> bool {
        let configuration = Claims::usual().configuration(&set.documents);
        let ours = meshward_pipeline::Authz::configure(configuration.as_bytes(), &node());
        if !translated.refused.is_empty() {
            tally.refused(set, self.seed, "istiod", &translated.refused.join("; "));
            return false;
        }
        if let Err(refusal) = ours {
            tally.refused(set, self.seed, "meshward", &refusal.to_string());
            return false;
        }
        true
    }
}

/// The workload whose policies are compared, as its proxy calls itself.
fn node() -> Node {
    Node { namespace: set::NAMESPACE.to_owned(), ..Node::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_of_a_seed_is_one_that_we_take() {
        let (forms, here) = (forms(3), Here { address: Ipv4Addr::LOCALHOST, port: 8080 });
        for number in 0..300 {
            let set = Set::new(number, &forms, here, &mut Chance::new(3, u64::try_from(number).unwrap_or(0)));
            let configuration = Claims::usual().configuration(&set.documents);
            let taken = meshward_pipeline::Authz::configure(configuration.as_bytes(), &node());
            assert!(taken.is_ok(), "{configuration}: {}", taken.expect_err("it was refused"));
        }
    }

    #[test]
    fn a_full_run_has_every_form_often_enough() {
        let (forms, here) = (forms(4), Here { address: Ipv4Addr::LOCALHOST, port: 8080 });
        let mut sets = std::collections::BTreeMap::<Form, usize>::new();
        for number in 0..FULL {
            let set = Set::new(number, &forms, here, &mut Chance::new(4, u64::try_from(number).unwrap_or(0)));
            for form in set.forms {
                let count = sets.entry(form).or_default();
                *count = count.saturating_add(1);
            }
        }
        let rare: Vec<String> = forms
            .iter()
            .filter(|form| sets.get(form).is_none_or(|count| *count < 50))
            .map(|form| form.label())
            .collect();
        assert!(rare.is_empty(), "{rare:?}");
    }
}
