//! What the targets begin with: the repository's own policies and cases, taken apart.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use meshward_abi::pairs;
use meshward_cases::case::{Asked, Caller, Case, Policy};
use meshward_cases::native::headers;
use meshward_cases::played::Form;
use meshward_model::{Claim, Token, Written};
use serde_json::Value;

use crate::handover::written;
use crate::vary;

/// How many seeds of mere chance a target of structured inputs gets, and how long they are.
const BY_CHANCE: u64 = 64;
const CHANCE_BYTES: usize = 1024;

/// What stands before the cases of a file is a seed's part where it is shorter than this, in bytes.
const LONG_BEFORE: usize = 2048;

/// The seeds of `target`, found in the checkout at `root`.
///
/// # Errors
/// When a folder or a file cannot be read.
pub fn of(target: &str, root: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let seeds = match target {
        "abi" => asked(root)?.iter().filter_map(map).collect(),
        "cases" => single_cases(root)?,
        "decision" | "xfcc" => (0..BY_CHANCE).map(|seed| vary::bytes(seed, CHANCE_BYTES)).collect(),
        "documents" => documents(root)?,
        "handover" => handovers(),
        "host" => asked(root)?.into_iter().flat_map(|asked| [asked.host, asked.method]).collect(),
        "path" => paths(root)?,
        "spiffe" => names(root)?,
        _ => BTreeSet::new(),
    };
    Ok(seeds)
}

/// Words of the seeds that are JSON: what the engine puts in elsewhere.
pub fn words(seeds: &BTreeSet<Vec<u8>>) -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for seed in seeds {
        if let Ok(value) = serde_json::from_slice(seed) {
            collect(&value, &mut words);
        }
    }
    words
}

fn collect(value: &Value, words: &mut BTreeSet<String>) {
    let mut keep = |word: &str| {
        if word.len() <= 40
            && word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\')
        {
            words.insert(format!("\"{word}\""));
        }
    };
    match value {
        Value::Object(members) => {
            members.keys().for_each(|name| keep(name));
            members.values().for_each(|member| collect(member, words));
        }
        Value::Array(entries) => entries.iter().for_each(|entry| collect(entry, words)),
        Value::String(text) => keep(text),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The files right in `folder`, sorted.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The folders of policies to copy.
fn policy_folders(root: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(root.join("policies"))?.collect::<io::Result<Vec<_>>>()?;
    Ok(entries
        .into_iter()
        .map(|entry| entry.path())
        .filter(|path| path.join("policy.yaml").is_file())
        .collect())
}

/// Files of one case each: every third of each file, with what stands before the first where that is short.
fn single_cases(root: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut paths: Vec<PathBuf> =
        policy_folders(root)?.into_iter().map(|folder| folder.join("cases.yaml")).collect();
    paths.extend(files(&root.join("tests/corpus/cases"))?);
    let mut seeds = BTreeSet::new();
    for path in paths {
        let text = fs::read_to_string(path)?;
        let mut pieces = text.split("\n  - ");
        let before = pieces.next().filter(|before| before.len() < LONG_BEFORE).unwrap_or("cases:");
        seeds.extend(pieces.step_by(3).map(|case| format!("{before}\n  - {case}\n").into_bytes()));
    }
    Ok(seeds)
}

/// Every case of the corpus and of the policies that can be read.
fn cases(root: &Path) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    for folder in policy_folders(root)? {
        let policy = Policy::from_yaml("policy.yaml", &fs::read_to_string(folder.join("policy.yaml"))?);
        let text = fs::read_to_string(folder.join("cases.yaml"))?;
        cases.extend(meshward_cases::read("cases.yaml", &text, policy.ok()).map_err(io::Error::other)?);
    }
    for path in files(&root.join("tests/corpus/cases"))? {
        let text = fs::read_to_string(&path)?;
        cases.extend(
            meshward_cases::read(&path.display().to_string(), &text, None).map_err(io::Error::other)?,
        );
    }
    Ok(cases)
}

fn asked(root: &Path) -> io::Result<Vec<Asked>> {
    Ok(cases(root)?.into_iter().flat_map(|case| case.steps).map(|step| step.request).collect())
}

/// The header map of a request, as a proxy encodes it.
fn map(asked: &Asked) -> Option<Vec<u8>> {
    let headers = headers(asked);
    pairs::encode(&headers.iter().collect::<Vec<_>>()).ok()
}

/// The configurations of all plugins: as they are, as the plugins apart get them, and those that are refused.
fn documents(root: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let mut seeds = BTreeSet::new();
    for case in cases(root)? {
        for form in Form::ALL {
            let links = case.chain(form).unwrap_or_default();
            seeds.extend(links.into_iter().map(|link| link.configuration.into_bytes()));
        }
    }
    let mut folders = vec![root.join("tests/corpus/broken")];
    folders.extend(policy_folders(root)?.into_iter().map(|folder| folder.join("broken")));
    for folder in folders.iter().filter(|folder| folder.is_dir()) {
        for path in files(folder)? {
            let policy = Policy::from_yaml("broken", &fs::read_to_string(path)?);
            seeds.extend(policy.into_iter().map(|policy| policy.json.into_bytes()));
        }
    }
    Ok(seeds)
}

/// Paths of requests and of policies, alone and with a template behind them.
fn paths(root: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let asked: BTreeSet<Vec<u8>> = asked(root)?.into_iter().map(|asked| asked.path).collect();
    let mut words = BTreeSet::new();
    for seed in documents(root)? {
        if let Ok(value) = serde_json::from_slice(&seed) {
            collect(&value, &mut words);
        }
    }
    let written: Vec<&str> =
        words.iter().map(|word| word.trim_matches('"')).filter(|word| word.starts_with('/')).collect();
    let mut seeds: BTreeSet<Vec<u8>> = written.iter().map(|word| word.as_bytes().to_vec()).collect();
    let templates = written.iter().filter(|word| word.contains('{')).cycle();
    seeds
        .extend(asked.iter().zip(templates).map(|(path, template)| [path, template.as_bytes()].join(&b'\n')));
    seeds.extend(asked);
    Ok(seeds)
}

fn names(root: &Path) -> io::Result<BTreeSet<Vec<u8>>> {
    let name = |case: &Case| match &case.peer {
        Caller::Named(name) => [&[2], name.as_slice()].concat(),
        Caller::Nameless | Caller::Unnamed => vec![0],
    };
    let mut seeds: BTreeSet<Vec<u8>> = cases(root)?.iter().map(name).collect();
    seeds.insert(b"\x02spiffe://dc1.consul/ns/default/dc/dc1/svc/web".to_vec());
    seeds.insert(b"\x05spiffe://cluster.local/ns/shop/sa/web".to_vec());
    Ok(seeds)
}

/// A handover without a token, and with one that holds every kind of claim.
fn handovers() -> BTreeSet<Vec<u8>> {
    let text = |text: &str| Claim::Text(text.to_owned());
    let inner = vec![("roles".to_owned(), Claim::List(vec![text("clerk"), Claim::Null, Claim::Real(0.5)]))];
    let claims = vec![
        ("sub".to_owned(), text("alice")),
        ("exp".to_owned(), Claim::Integer(1_767_225_900)),
        ("realm_access".to_owned(), Claim::Map(inner)),
        ("admin".to_owned(), Claim::Bool(false)),
    ];
    let token = |subject: Option<&str>| Token {
        issuer: "https://id.example".to_owned(),
        subject: subject.map(str::to_owned),
        claims: claims.clone(),
        written: Written::default(),
    };
    BTreeSet::from([written(None), written(Some(&token(None))), written(Some(&token(Some("alice"))))])
}
