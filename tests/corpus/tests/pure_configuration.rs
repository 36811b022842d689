//! Configuring is a pure function of the configuration's bytes and the node: the same at two clocks, with rubbish in the shared
//! data, and whatever the randomness is. A worker that answered otherwise than the canary would poison the module for good.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and did"
)]

use meshward_corpus::engines::Modules;
use meshward_corpus::host::{Rig, World};
use meshward_corpus::played::Form;
use meshward_corpus::{broken, files};
use std::collections::BTreeSet;

/// 1970, now, and a time after 2038.
const CLOCKS: [u64; 3] = [0, 1_767_225_600_000, 4_102_444_800_000];

#[test]
fn the_same_bytes_configure_alike_at_two_clocks_and_with_rubbish_in_the_shared_data() {
    let modules = Modules::built().unwrap_or_else(|remedy| panic!("{remedy}"));
    let cases = files::all_cases().expect("the corpus is readable");
    let rigs = Form::ALL.map(|form| Rig::new(&modules, form, &cases).expect("the modules are there"));
    let mut all: BTreeSet<(usize, &str, String)> = BTreeSet::new();
    for case in &cases {
        for (form, _) in Form::ALL.into_iter().zip(&rigs) {
            let links = case.chain(form).expect("a configuration that can be split");
            all.extend(
                links.into_iter().map(|link| (form as usize, link.which.module(), link.configuration)),
            );
        }
    }
    for file in files::broken().expect("the broken ones are readable") {
        let broken = broken::read(&file).expect("a broken configuration").policy.json;
        all.insert((Form::Guard as usize, "guard", broken));
    }
    let (mut taken, mut refused) = (0, 0);
    for (form, module, configuration) in &all {
        let rig = rigs.get(*form).expect("a rig for each form");
        let mut ends = Vec::new();
        for now in CLOCKS {
            for rubbish in [false, true] {
                let world = World { now, rubbish, seed: now ^ 7 };
                ends.push(rig.configure(module, configuration, world).expect("a module that is there"));
            }
        }
        let first = ends.first().expect("six worlds");
        assert!(ends.iter().all(|end| end == first), "{configuration}: {ends:#?}");
        *(if first.taken { &mut taken } else { &mut refused }) += 1;
    }
    println!("{taken} configurations taken and {refused} refused, alike in {} worlds", CLOCKS.len() * 2);
    assert!(taken > 50 && refused > 20, "the corpus has few configurations");
}
