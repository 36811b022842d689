//! `cargo xtask demo`: a small mesh behind real Envoys, a script of good and bad calls, and a table of what became of them.

mod application;
mod bridge;
mod call;
mod containers;
mod counts;
mod deeds;
mod evidence;
mod form;
mod identities;
mod images;
mod issuer;
mod keep;
mod logs;
mod mesh;
mod native;
mod places;
mod play;
mod plugin;
mod records;
mod scenes;
mod script;
mod services;
mod sidecar;
mod table;
mod workload;

use std::path::Path;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use clap::Args as Arguments;

use crate::docker::Engine;
use crate::envoy::Envoy;
use crate::modules::{self, Module};
use crate::{interrupt, paths, setup, show};
use form::Form;
use mesh::{Mesh, Parts};
use play::Played;
use plugin::SABOTAGED;
use records::Account;
use table::{BAD, BOLD, DIM, GOOD};
use workload::Workload;

/// Options of `demo`.
#[derive(Arguments)]
pub(crate) struct Args {
    /// Leave the mesh running and print curls to try
    #[arg(long, conflicts_with = "stop")]
    keep: bool,
    /// Run the mesh in containers (envoy/compose.yaml) instead of processes
    #[arg(long, conflicts_with = "stop")]
    docker: bool,
    /// Put a module for each plugin into every Envoy, instead of `guard` with all of them
    #[arg(long, conflicts_with = "stop")]
    apart: bool,
    /// End a demo that was left running
    #[arg(long)]
    stop: bool,
    /// Take one rule out: the table must turn red, and the exit code is 1
    #[arg(long, conflicts_with = "stop")]
    sabotage: bool,
}

/// The exit code when sabotage did not do exactly what it must.
const SABOTAGE_WENT_WRONG: u8 = 2;

/// The subcommand.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    if args.stop {
        return keep::stop();
    }
    let dir = keep::dir(args.docker);
    let start = Instant::now();
    let form = if args.apart { Form::Apart } else { Form::Guard };
    let (envoy, modules) = prepare(form)?;
    if args.docker {
        setup::ensure(&[setup::Step::Docker], false)?;
        interrupt::listen()?;
    }
    let prepared = start.elapsed();
    let running = keep::Running::claim(&dir)?;
    let start = Instant::now();
    let folder = paths::modules();
    let parts = Parts { envoy: &envoy, modules: &folder, form, dir: &dir, sabotage: args.sabotage };
    let mesh = if args.docker { Mesh::in_containers(&parts, Engine::get()?)? } else { Mesh::start(&parts)? };
    let ready = start.elapsed();
    print_mesh(&envoy, &modules, &mesh, args.sabotage)?;

    let start = Instant::now();
    let scenes = play::play(&mesh)?;
    table::print(&scenes);
    logs::print(&scenes, &paths::short(&dir));
    let (account, counters) = Account::take(&mesh)?;
    account.print();
    let tally = counts::Tally::take(&counters, &scenes);
    print_summary(&scenes, &tally, [prepared, ready, start.elapsed()]);
    let code = if args.sabotage { judge_sabotage(&scenes) } else { judge(&scenes, &tally, &account) };
    if args.keep {
        keep::print_curls(&mesh)?;
        keep::wait()?;
    } else if !args.sabotage {
        print_next();
    }
    drop(mesh);
    drop(running);
    Ok(code)
}

/// Sets up and builds what the mesh is made of.
fn prepare(form: Form) -> Result<(std::path::PathBuf, Vec<Module>)> {
    setup::ensure(&[setup::Step::Toolchain, setup::Step::Envoy(Envoy::Main)], false)?;
    let modules = modules::build(form.modules())?;
    if modules.len() != form.modules().len() {
        bail!("not every module that the demo takes is there yet: `cargo xtask build` says which are");
    }
    Ok((Envoy::Main.install()?, modules))
}

fn print_mesh(envoy: &Path, modules: &[Module], mesh: &Mesh, sabotage: bool) -> Result<()> {
    show::heading("meshward demo: five workloads, each behind its own Envoy, mTLS on every hop between them");
    let version = match &mesh.containers {
        None => format!("Envoy {}", crate::envoy::version_of(envoy)?),
        Some(containers) => format!("{}, {}", containers.engine().describe(), containers.image()),
    };
    let modules: Vec<String> =
        modules.iter().map(|module| format!("{}.wasm {}", module.plugin.name(), module.size())).collect();
    show::progress(&format!("{version}, {}\n", modules.join(", ")));
    anstream::println!(
        "  customer ─TLS→ {BOLD}gateway{BOLD:#} ═mTLS⇒ {BOLD}web{BOLD:#} ═mTLS⇒ {BOLD}orders{BOLD:#} ═mTLS⇒ {BOLD}payments{BOLD:#}\n                                    ╚═mTLS⇒ {BOLD}accounts{BOLD:#}   {DIM}beside them: issuer (keys), collector (events){DIM:#}\n"
    );
    for workload in Workload::ALL {
        anstream::println!(
            "  {:<8}  {:<40}  {DIM}{}{DIM:#}",
            workload.name(),
            workload.spiffe(),
            paths::short(&plugin::file(workload))
        );
    }
    anstream::println!(
        "\n{DIM}decided by: a rule as policy[place] of the workload that is called, or the reason where no rule matched{DIM:#}"
    );
    if sabotage {
        let (workload, document) = SABOTAGED;
        anstream::println!(
            "\n{BAD}sabotage{BAD:#}: the document `{document}` is missing in the policy of `{}`",
            workload.name()
        );
    }
    Ok(())
}

fn print_summary(scenes: &[Played], tally: &counts::Tally, [prepared, ready, played]: [Duration; 3]) {
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    let calls: usize = rows().map(|row| row.tries.len()).sum();
    let (all, good) = (rows().count(), rows().filter(|row| row.is_as_expected()).count());
    let leaked: u64 = rows().map(play::Row::arrived_without_permission).sum();
    let good_style = if good == all { GOOD } else { BAD };
    let leak_style = if leaked == 0 { GOOD } else { BAD };
    anstream::println!(
        "\n{BOLD}{calls} calls in {all} rows{BOLD:#}, {good_style}{good} as expected{good_style:#}; requests that reached a workload without permission: {leak_style}{leaked}{leak_style:#}"
    );
    tally.print();
    show::progress(&format!(
        "set-up and build {}, mesh ready in {}, calls and logs in {}",
        show::duration(prepared),
        show::duration(ready),
        show::duration(played)
    ));
}

fn judge(scenes: &[Played], tally: &counts::Tally, account: &Account) -> ExitCode {
    let good = scenes.iter().flat_map(|scene| &scene.rows).all(play::Row::is_as_expected);
    if good && tally.agrees() && account.agrees() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Exactly the rows that lean on the missing rule must be red.
fn judge_sabotage(scenes: &[Played]) -> ExitCode {
    let (leaning, wrong) = sabotaged_rows(scenes);
    if wrong.is_empty() && leaning > 0 {
        show::progress(&format!(
            "the {leaning} calls that lean on the missing rule turned red, and no other: exit code 1"
        ));
        return ExitCode::FAILURE;
    }
    show::error(&format!("these rows should be red and are not, or are red and should not be: {wrong:?}"));
    ExitCode::from(SABOTAGE_WENT_WRONG)
}

/// How many rows lean on the missing rule, and the numbers of those that came out otherwise than that demands.
fn sabotaged_rows(scenes: &[Played]) -> (usize, Vec<usize>) {
    let rows = || scenes.iter().flat_map(|scene| &scene.rows);
    let leaning = rows().filter(|row| row.call.leans_on_sabotaged).count();
    let wrong = rows().filter(|row| row.is_as_expected() == row.call.leans_on_sabotaged);
    (leaning, wrong.map(|row| row.number).collect())
}

fn print_next() {
    show::progress("");
    for (command, about) in [
        ("cargo xtask demo --keep", "leaves the mesh running, with curls to try"),
        ("cargo xtask demo --apart", "a module for each plugin instead of `guard`: the same table"),
        ("cargo xtask demo --sabotage", "takes one rule out: the table turns red"),
    ] {
        anstream::println!("  {BOLD}{command:<28}{BOLD:#} {about}");
    }
    let file = paths::short(&plugin::file(Workload::Orders));
    anstream::println!("  {BOLD}{file:<28}{BOLD:#} is a policy: change it and run the demo again");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole demo, on real Envoys: the modules are built first where they are not there. Its books must balance.
    fn played(form: Form, dir: &str, sabotage: bool) -> Vec<Played> {
        let (envoy, _) = prepare(form).expect("Envoy and the modules");
        let dir = paths::work().join(dir);
        // What an earlier run has left would be counted.
        drop(std::fs::remove_dir_all(&dir));
        let modules = paths::modules();
        let parts = Parts { envoy: &envoy, modules: &modules, form, dir: &dir, sabotage };
        let mesh = Mesh::start(&parts).expect("the mesh starts");
        let scenes = play::play(&mesh).expect("the script is played");
        let (account, counters) = Account::take(&mesh).expect("the collector's records and the counters");
        assert!(account.agrees(), "every record was received or counted");
        assert!(counts::Tally::take(&counters, &scenes).agrees(), "every decision was a module's");
        scenes
    }

    #[test]
    fn with_a_module_for_each_plugin_the_table_is_the_same() {
        let scenes = played(Form::Apart, "demo-test-apart", false);
        let wrong = scenes.iter().flat_map(|scene| &scene.rows).filter(|row| !row.is_as_expected());
        assert_eq!(wrong.map(|row| row.number).collect::<Vec<_>>(), Vec::<usize>::new());
    }

    #[test]
    fn sabotage_turns_exactly_the_rows_red_that_lean_on_the_rule() {
        let scenes = played(Form::Guard, "demo-test", true);
        let (leaning, wrong) = sabotaged_rows(&scenes);
        assert!(leaning > 0 && wrong.is_empty(), "{leaning} rows lean on it; wrong: {wrong:?}");
        let leaked: u64 =
            scenes.iter().flat_map(|scene| &scene.rows).map(play::Row::arrived_without_permission).sum();
        assert!(leaked > 0, "without the rule, requests get through");
    }
}
