//! Plugins that nobody thought of: scripts drawn by lot, in real Envoy and in the embedded host, with equal transcripts.
//!
//! What Envoy itself does not stand is left out: a reply to a stream that is over, going on where nothing was paused, and (it reads
//! memory that it has freed) header maps after a reply took their place.
#![expect(clippy::print_stdout, reason = "a test says what it ran")]
#![expect(clippy::arithmetic_side_effects, reason = "a test: an overflow here fails it")]

use meshward_probes::behaviour::Behaviour;
use meshward_probes::transcript::{self, Transcript};
use meshward_probes::{engines, envoy, host};
use serde_json::{Value, json};

/// How many behaviours are drawn; `MESHWARD_RANDOM` names another number.
const BEHAVIOURS: u64 = 60;
/// The first seed; `MESHWARD_SEED` names another one.
const SEED: u64 = 1;

/// The callbacks that a script fills.
const CALLBACKS: [&str; 9] = [
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",
    "request_trailers",
    "response_trailers",
    "log",
    "done",
    "delete",
];
/// What any callback may look at or change.
const ANYWHERE: [&str; 20] = [
    "get request_headers x-a",
    "get request_headers :path",
    "get response_headers :status",
    "get response_headers x-up",
    "add request_headers x-b 1",
    "add response_headers x-b 2",
    "replace request_headers x-a 9",
    "replace response_headers x-up 9",
    "remove request_headers x-a",
    "remove response_headers x-up",
    "get request_trailers x-t",
    "get response_trailers x-t",
    "bytes request_body 0 9",
    "bytes response_body 0 9",
    "set-property k one",
    "set-property k two",
    "property k",
    "property request headers x-a",
    "property request method",
    "property response code_details",
];

/// Where maps are only read.
const IN_THE_LOG: [&str; 7] = [
    "get request_headers x-a",
    "get response_headers :status",
    "get response_headers x-up",
    "property k",
    "property request headers x-a",
    "property response code_details",
    "bytes response_body 0 9",
];
/// Where no map is touched.
const AT_THE_END: [&str; 5] = [
    "set-property k three",
    "property k",
    "property plugin_name",
    "property response code",
    "bytes response_body 0 9",
];

/// What a transcript says of a request that was never answered.
const HANGING: &str = ": no answer";

/// How a transcript begins that an Envoy which ended did not finish.
const FALLEN: &str = "it stood still at";

/// A small generator of numbers.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap_or_default() % limit
    }

    fn one<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices.get(self.below(choices.len())).copied().unwrap_or_default()
    }
}

/// A plugin. Only one of a chain pauses, and one plugin ends a stream at most once.
fn script(dice: &mut Dice, pauses: bool) -> String {
    let mut lines: Vec<String> = Vec::new();
    // Not in the response's body: the client then sees how far the bytes have come, which is chance.
    let ends = (dice.below(3) == 0).then(|| dice.below(3));
    let paused = pauses.then(|| dice.below(5));
    let edits = dice.below(4) == 0;
    for (place, callback) in CALLBACKS.iter().enumerate() {
        if dice.below(4) == 0 && !edits {
            continue;
        }
        for _ in 0..dice.below(4) {
            let choices: &[&str] = match *callback {
                "log" => &IN_THE_LOG,
                "done" | "delete" => &AT_THE_END,
                _ => &ANYWHERE,
            };
            lines.push(format!("{callback}: {}", dice.one(choices)));
        }
        if edits {
            lines.extend(edit(dice, callback));
        }
        if ends == Some(place) {
            lines.push(format!(
                "{callback}: {}",
                dice.one(&["reply 401 d1 no -1", "reply 503 d2 \"\" -1", "trap"])
            ));
        }
        if edits && place < 4 && callback.ends_with("body") && dice.below(2) == 0 {
            lines.push(format!("{callback}@1: return pause"));
        }
    }
    match paused {
        Some(0) => lines.extend(pause(dice, "request_headers", "request")),
        Some(1) => lines.extend(pause(dice, "response_headers", "response")),
        Some(2) => lines.extend(pause(dice, "request_body", "request")),
        Some(3) => lines.extend(pause(dice, "response_body", "response")),
        Some(_) | None => {}
    }
    lines.join("\n")
}

/// A body may only be edited where nothing says how long it is.
fn edit(dice: &mut Dice, callback: &str) -> Vec<String> {
    match callback {
        "request_headers" | "response_headers" => {
            vec![format!("{callback}: remove {callback} content-length")]
        }
        "request_body" | "response_body" => {
            let start = dice.one(&["0", "1", "99"]);
            let length = dice.one(&["0", "1", "99"]);
            vec![format!("{callback}: put {callback} {start} {length} {}", dice.one(&["X", "long", "\"\""]))]
        }
        _ => Vec::new(),
    }
}

/// Pauses the first stream and goes on at the next tick.
fn pause(dice: &mut Dice, callback: &str, way: &str) -> Vec<String> {
    let how = if callback.ends_with("body") { dice.one(&["1", "2"]) } else { dice.one(&["1", "3", "4"]) };
    vec![
        format!("{callback}@1: tick 20"),
        format!("{callback}@1: return {how}"),
        "tick@1: effective last".to_owned(),
        format!("tick@1: continue {way}"),
        "tick@1: tick 0".to_owned(),
    ]
}

fn behaviour(seed: u64) -> Result<Behaviour, String> {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5bd1_e995);
    let chain = 1 + dice.below(2);
    let pausing = dice.below(2 * chain);
    let plugins: Vec<Value> = (0..chain)
        .map(|place| {
            let script = script(&mut dice, place == pausing);
            json!({ "script": script, "stops_at_headers": dice.below(3) == 0 })
        })
        .collect();
    let steps = [request(&mut dice), request(&mut dice)];
    let written = json!({ "name": format!("seed {seed}"), "source": "drawn by lot", "plugins": plugins, "steps": steps });
    serde_json::from_value(written).map_err(|error| error.to_string())
}

fn request(dice: &mut Dice) -> Value {
    let path = dice.one(&["/a?h=x-up:1", "/a?h=x-up:1&t=x-t:1", "/a?h=x-up:1&empty"]);
    let mut request = json!({ "path": path, "headers": [["x-a", "1"], ["x-a", "2"]] });
    if let (Some(fields), 0) = (request.as_object_mut(), dice.below(2)) {
        fields.insert("method".to_owned(), json!("POST"));
        fields.insert("body".to_owned(), json!("body"));
        if dice.below(3) == 0 {
            fields.insert("trailers".to_owned(), json!([["x-t", "1"]]));
        }
    }
    json!({ "request": request })
}

fn number(variable: &str, default: u64) -> u64 {
    std::env::var(variable).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

/// A transcript without what the access log says of a request: it is written with delay. Scripts ask for the details.
fn text(transcript: Result<Transcript, String>) -> String {
    let text = match transcript {
        Ok(transcript) => transcript.text(),
        Err(why) => format!("it stood still at {why}\n"),
    };
    let lines = text.lines().map(|line| match line.split_once(" | ") {
        Some((seen, _)) if line.trim_start().starts_with("client:") => seen,
        Some(_) | None => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn random_plugins_are_alike_in_envoy_and_in_the_embedded_host() -> Result<(), String> {
    let (first, count) = (number("MESHWARD_SEED", SEED), number("MESHWARD_RANDOM", BEHAVIOURS));
    let behaviours: Vec<Behaviour> = (first..first + count).map(behaviour).collect::<Result<_, _>>()?;
    let module = engines::module()?;
    let real = envoy::run(&engines::main()?, &module, &behaviours).map_err(|error| error.to_string())?;
    let embedded = host::run(&module, &behaviours).map_err(|error| error.to_string())?;
    let (mut wrong, mut lines, mut hanging, mut fallen) = (Vec::new(), 0, 0, 0);
    for ((behaviour, real), embedded) in behaviours.iter().zip(real).zip(embedded) {
        let (real, embedded) = (text(real), text(embedded));
        lines += real.lines().count();
        if real.starts_with(FALLEN) {
            // A plugin ended Envoy (pausing the body of its own reply does that), and with it the rest of its batch.
            fallen += 1;
        } else if [&real, &embedded].iter().all(|text| text.contains(HANGING)) {
            // Both hang. When the client goes, the end of the transcript is chance.
            hanging += 1;
        } else if real != embedded {
            let scripts: Vec<&str> = behaviour.plugins.iter().map(|plugin| plugin.script.as_str()).collect();
            let difference = transcript::difference(&real, &embedded);
            wrong.push(format!("{}:\n{}\n---\n{difference}", behaviour.name, scripts.join("\n--\n")));
        }
    }
    println!(
        "{} random behaviours, {lines} lines of transcript, {hanging} hang in both, {fallen} fell",
        behaviours.len()
    );
    assert!(wrong.is_empty(), "{} of {} differ\n\n{}", wrong.len(), behaviours.len(), wrong.join("\n\n"));
    assert!(lines > behaviours.len() * 5, "the scripts do next to nothing");
    let lost = hanging + fallen;
    assert!(lost * 8 <= behaviours.len(), "{lost} of {} hang or fell: nothing is compared", behaviours.len());
    Ok(())
}
