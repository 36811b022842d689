//! Configuring is a pure function of the configuration's bytes and the node: the same at two clocks, with rubbish in the shared
//! data, and whatever the randomness is. A worker that answered otherwise than the canary would poison the module for good.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test says what it expected and did"
)]

use meshward_corpus::host::{Rig, World};
use meshward_corpus::{broken, engines, files};
use std::collections::BTreeSet;

/// 1970, now, and a time after 2038.
const CLOCKS: [u64; 3] = [0, 1_767_225_600_000, 4_102_444_800_000];

#[test]
fn the_same_bytes_configure_alike_at_two_clocks_and_with_rubbish_in_the_shared_data() {
    let module = engines::module().unwrap_or_else(|remedy| panic!("{remedy}"));
    let rig = Rig::new(&module).expect("the module is one");
    let cases = files::all_cases().expect("the corpus is readable");
    let mut all: BTreeSet<String> = cases.iter().map(|case| case.policy.json.clone()).collect();
    for file in files::broken().expect("the broken ones are readable") {
        all.insert(broken::read(&file).expect("a broken configuration").policy.json);
    }
    let (mut taken, mut refused) = (0, 0);
    for configuration in &all {
        let mut ends = Vec::new();
        for now in CLOCKS {
            for rubbish in [false, true] {
                ends.push(rig.configure(configuration, World { now, rubbish, seed: now ^ 7 }));
            }
        }
        let first = ends.first().expect("six worlds");
        assert!(ends.iter().all(|end| end == first), "{configuration}: {ends:#?}");
        *(if first.taken { &mut taken } else { &mut refused }) += 1;
    }
    println!("{taken} configurations taken and {refused} refused, alike in {} worlds", CLOCKS.len() * 2);
    assert!(taken > 50 && refused > 20, "the corpus has few configurations");
}
