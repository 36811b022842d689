//! The fuzz targets' bodies without an engine: on their seeds, on what was found once, and on variations of both.
#![expect(clippy::panic, reason = "a test that cannot go on says why and fails")]

use std::path::{Path, PathBuf};

use meshward_fuzz::{ALL, decision, seeds, vary};

/// Variations of each target, so many that the test takes seconds.
const VARIATIONS: u64 = 500;

fn root() -> PathBuf {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.ancestors().nth(2).unwrap_or(own).to_owned()
}

fn regressions(target: &str) -> Vec<(PathBuf, Vec<u8>)> {
    let folder = root().join("tests/fuzz/regressions").join(target);
    if !folder.is_dir() {
        return Vec::new();
    }
    let files = seeds::files(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let read = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        (path, bytes)
    };
    files.into_iter().map(read).collect()
}

#[test]
fn what_was_found_once_is_not_found_again() {
    let mut known = Vec::new();
    for target in ALL {
        known.push(target.name.to_owned());
        for (path, bytes) in regressions(target.name) {
            let held = std::panic::catch_unwind(|| (target.body)(&bytes));
            assert!(held.is_ok(), "{}: {} is found again", target.name, path.display());
        }
    }
    let folders = std::fs::read_dir(root().join("tests/fuzz/regressions")).into_iter().flatten().flatten();
    for folder in folders.filter(|entry| entry.path().is_dir()) {
        let name = folder.file_name().to_string_lossy().into_owned();
        assert!(known.contains(&name), "regressions/{name} is no target's folder");
    }
}

#[test]
fn every_target_begins_with_seeds_and_holds_on_them_and_on_variations() {
    for target in ALL {
        let mut inputs: Vec<Vec<u8>> =
            seeds::of(target.name, &root()).unwrap_or_else(|error| panic!("{error}")).into_iter().collect();
        assert!(inputs.len() >= 3, "{}: {} seeds", target.name, inputs.len());
        inputs.extend(regressions(target.name).into_iter().map(|(_, bytes)| bytes));
        inputs.iter().for_each(|input| (target.body)(input));
        let count = inputs.len();
        let pick = |chance: u64| {
            let at = usize::try_from(chance).ok().and_then(|chance| chance.checked_rem(count));
            at.and_then(|at| inputs.get(at)).map_or(&[][..], Vec::as_slice)
        };
        for seed in 0..VARIATIONS {
            let varied = vary::vary(pick(vary::mixed(seed)), pick(vary::mixed(seed ^ 0xff)), seed);
            let held = std::panic::catch_unwind(|| (target.body)(&varied));
            assert!(held.is_ok(), "{} does not hold on {}", target.name, varied.escape_ascii());
        }
    }
}

#[test]
fn most_policies_that_are_made_of_bytes_are_taken() {
    let taken: Vec<bool> = (0..400).filter_map(|seed| decision::is_taken(&vary::bytes(seed, 2048))).collect();
    let good = taken.iter().filter(|taken| **taken).count();
    assert!(
        taken.len() >= 300 && good.saturating_mul(2) >= taken.len(),
        "{good} of {} are taken",
        taken.len()
    );
}
