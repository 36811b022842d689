//! The issuer of the customers' tokens: keys made at start, what it publishes, the tokens that callers present.
//!
//! Its private keys stay in this process. What it publishes is a file, which a server beside it (a thread here, a service in
//! containers) hands out as it is at that moment.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use meshward_cases::mint::{Key, Mint, Twist, jwks};

/// `iss` of its tokens.
pub(super) const NAME: &str = "https://id.shop.example";
/// Where its keys are found, below the folder that is served.
const JWKS: &str = ".well-known/jwks.json";

/// Which of the issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// The one that it begins with.
    First,
    /// The one that it changes to.
    Second,
}

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flaw {
    /// Nothing.
    None,
    /// It expired a minute ago.
    Expired,
    /// It says that it needs no signature.
    Unsigned,
    /// Its signature is made up.
    Forged,
}

/// A token that a caller presents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bearer {
    /// Whose it is.
    pub(super) subject: &'static str,
    /// Whom it was issued for.
    pub(super) audience: &'static str,
    /// Which key has signed it.
    pub(super) key: Generation,
    /// What is wrong with it.
    pub(super) flaw: Flaw,
}

impl Bearer {
    /// A good token of alice, who may cancel orders and see her account.
    pub(super) fn alice(audience: &'static str) -> Self {
        Self { subject: "alice", audience, key: Generation::First, flaw: Flaw::None }
    }

    /// A good token of bob, who has no roles.
    pub(super) fn bob(audience: &'static str) -> Self {
        Self { subject: "bob", ..Self::alice(audience) }
    }

    pub(super) fn signed_by(self, key: Generation) -> Self {
        Self { key, ..self }
    }

    pub(super) fn with(self, flaw: Flaw) -> Self {
        Self { flaw, ..self }
    }
}

/// The issuer.
pub(super) struct Issuer {
    first: Key,
    second: Key,
    folder: PathBuf,
}

impl Issuer {
    /// Makes its keys and publishes the first below `folder`.
    pub(super) fn found(folder: &Path) -> Result<Self> {
        let issuer =
            Self { first: key("2026-first")?, second: key("2026-second")?, folder: folder.to_owned() };
        issuer.publish(&[Generation::First])?;
        Ok(issuer)
    }

    /// From now on these keys are handed out, and no others.
    pub(super) fn publish(&self, keys: &[Generation]) -> Result<()> {
        let file = self.folder.join(JWKS);
        let fail = || format!("could not publish keys as {}", file.display());
        let text = jwks(keys.iter().map(|generation| self.key(*generation)));
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder).with_context(fail)?;
        }
        // Replaced at once: nobody reads half of it.
        let new = file.with_extension("new");
        std::fs::write(&new, text).with_context(fail)?;
        std::fs::rename(&new, &file).with_context(fail)
    }

    /// A JWKS of every key that it ever had.
    pub(super) fn all_keys(&self) -> String {
        jwks([&self.first, &self.second])
    }

    /// The token, good for so many seconds from now.
    pub(super) fn mint(&self, bearer: &Bearer, seconds: i64) -> String {
        let now = now_seconds();
        let mint = Mint::new(self.key(bearer.key), NAME, bearer.audience, now).claim("sub", bearer.subject);
        let roles: &[&str] = if bearer.subject == "alice" { &["buyer"] } else { &[] };
        let mint = mint.claim("roles", roles).claim("exp", now.saturating_add(seconds));
        match bearer.flaw {
            Flaw::None => mint.text(),
            Flaw::Expired => mint.claim("exp", now.saturating_sub(60)).text(),
            Flaw::Unsigned => mint.twisted(Twist::AlgNone),
            Flaw::Forged => mint.twisted(Twist::AlteredSignature),
        }
    }

    fn key(&self, generation: Generation) -> &Key {
        match generation {
            Generation::First => &self.first,
            Generation::Second => &self.second,
        }
    }
}

/// A key that nobody had before.
fn key(name: &str) -> Result<Key> {
    let mut scalar = [0_u8; 32];
    let random = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut scalar));
    random.context("no randomness from /dev/urandom")?;
    Key::p256(name, &scalar).context("that randomness is no key: run the demo again")
}

pub(super) fn now_seconds() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}
