//! Every behaviour in the real Envoys: the transcripts that stand in the files.
#![expect(clippy::print_stdout, reason = "a test says what it ran")]

use meshward_probes::behaviour::{Behaviour, Door};
use meshward_probes::transcript::{self, Transcript};
use meshward_probes::{differences, engines, envoy, files, host};
use std::collections::BTreeMap;
use std::path::Path;

/// Fewer than this are not what was promised.
const LEAST: usize = 60;

#[test]
fn every_behaviour_is_seen_in_the_newest_envoy() -> Result<(), String> {
    judge(Door::Envoy, &run(Door::Envoy, &engines::main()?)?)
}

#[test]
fn every_behaviour_is_seen_in_the_older_envoy() -> Result<(), String> {
    judge(Door::OlderEnvoy, &run(Door::OlderEnvoy, &engines::second()?)?)
}

#[test]
fn every_behaviour_is_seen_in_the_embedded_host() -> Result<(), String> {
    let behaviours = behaviours()?;
    let transcripts = host::run(&engines::module()?, &behaviours).map_err(|error| error.to_string())?;
    judge(Door::Host, &told(Door::Host, behaviours, transcripts))
}

#[test]
fn the_differences_are_those_that_the_host_lists() -> Result<(), String> {
    let all = files::read().map_err(|error| error.to_string())?;
    let behaviours: Vec<Behaviour> = all.into_iter().map(|(_, behaviour)| behaviour).collect();
    let list = differences::list(&behaviours);
    if files::blessing() {
        return differences::write(&list).map_err(|error| error.to_string());
    }
    println!("{list}");
    assert_eq!(differences::listed().map_err(|error| error.to_string())?, list, "bless to write it anew");
    Ok(())
}

#[test]
fn there_are_as_many_behaviours_as_promised() -> Result<(), String> {
    let all = files::read().map_err(|error| error.to_string())?;
    let mut families: BTreeMap<&str, usize> = BTreeMap::new();
    for (family, _) in &all {
        *families.entry(family).or_default() += 1;
    }
    for (family, count) in families {
        println!("{count:4} {family}");
    }
    println!("{:4} behaviours", all.len());
    assert!(all.len() >= LEAST, "{} behaviours, {LEAST} were promised", all.len());
    Ok(())
}

/// In a real Envoy time is real: what differs on a busy machine is played once more, in a fresh Envoy, and named.
fn run(door: Door, binary: &Path) -> Result<Vec<(Behaviour, String)>, String> {
    let module = engines::module()?;
    let play = |behaviours: Vec<Behaviour>| {
        let transcripts = envoy::run(binary, &module, &behaviours).map_err(|error| error.to_string())?;
        Ok::<_, String>(told(door, behaviours, transcripts))
    };
    let mut seen = play(behaviours()?)?;
    let differs = |(behaviour, text): &(Behaviour, String)| !same(behaviour.expected(door), text);
    let again: Vec<Behaviour> =
        seen.iter().filter(|seen| differs(seen)).map(|(behaviour, _)| behaviour.clone()).collect();
    if again.is_empty() || files::blessing() {
        return Ok(seen);
    }
    for (behaviour, text) in play(again)? {
        println!("{door}: played again: {}", behaviour.name);
        if let Some((_, first)) = seen.iter_mut().find(|(known, _)| known.name == behaviour.name) {
            *first = text;
        }
    }
    Ok(seen)
}

fn same(expected: &str, got: &str) -> bool {
    expected.trim_end() == got.trim_end()
}

fn behaviours() -> Result<Vec<Behaviour>, String> {
    let all = files::chosen(files::read().map_err(|error| error.to_string())?);
    Ok(all.into_iter().map(|(_, behaviour)| behaviour).collect())
}

fn told(
    door: Door,
    behaviours: Vec<Behaviour>,
    transcripts: Vec<Result<Transcript, String>>,
) -> Vec<(Behaviour, String)> {
    println!("{door}: {} behaviours", behaviours.len());
    let text = |transcript: Result<Transcript, String>| match transcript {
        Ok(transcript) => transcript.text(),
        Err(why) => format!("it stood still at {why}\n"),
    };
    behaviours.into_iter().zip(transcripts.into_iter().map(text)).collect()
}

/// Compares with what the files say, or writes it there.
fn judge(door: Door, seen: &[(Behaviour, String)]) -> Result<(), String> {
    if !files::blessing() {
        check(door, seen);
        return Ok(());
    }
    let seen = seen.iter().map(|(behaviour, text)| (behaviour.name.clone(), text.clone())).collect();
    files::bless(door, &seen).map_err(|error| error.to_string())
}

fn check(door: Door, seen: &[(Behaviour, String)]) {
    let mut wrong = Vec::new();
    for (behaviour, text) in seen {
        let expected = behaviour.expected(door);
        if !same(expected, text) {
            wrong.push(format!("{}:\n{}", behaviour.name, transcript::difference(expected, text)));
        } else if behaviour.difference(door).is_some() && same(expected, &behaviour.expect) {
            wrong.push(format!("{}: {door} does not differ any more: remove the difference", behaviour.name));
        }
    }
    let (count, all) = (wrong.len(), seen.len());
    assert!(wrong.is_empty(), "{door}: {count} of {all} behaviours differ\n\n{}", wrong.join("\n"));
}
