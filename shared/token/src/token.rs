//! From a token's bytes to a verified token: cheap checks first, keys next, the signature last.
//!
//! A token that is refused for what it says of itself costs no fetch and no cryptography.

use std::sync::Arc;

use meshward_model::{
    Answer, Question, Reason, StageId, Ticket, Token, Trouble, UnixMillis, Waiting, Written,
};

use crate::algorithm::Algorithm;
use crate::cache::{Print, Verified};
use crate::compact::{self, Times, Unverified};
use crate::fetch::Brought;
use crate::json;
use crate::jwks::KeySet;
use crate::offload::{self, Known};
use crate::settings::{Issuer, Jwt, Keys, Remote};
use crate::state::{Candidate, State};
use crate::ticket::Asked;
use crate::verify;

/// How much longer than the fetch itself a request waits for keys, in milliseconds.
const WAIT_LONGER: u64 = 500;
/// How often a worker with fetched keys looks at the clock at the least and at the most, in milliseconds.
const TICK: (u64, u64) = (100, 1_000);
/// How often a worker without looks: once would do, for the known-answer test.
const IDLE_TICK: u32 = 60_000;

/// What was found of a token so far.
#[derive(Debug)]
pub(crate) enum Checked {
    /// It is good.
    Yes(Arc<Token>),
    /// It is not.
    No(Reason),
    /// The answer to a question says.
    Ask(Question, Waiting),
    /// The answer to a question that is under way says.
    Wait(Waiting),
}

/// A token whose claims are right, if it is the issuer's at all.
struct Claimed<'t> {
    /// The issuer's place in the configuration.
    issuer: usize,
    times: Times,
    subject: Option<String>,
    unverified: Unverified<'t>,
}

impl Jwt {
    /// Checks a token.
    pub(crate) fn check(&self, state: &mut State, token: &[u8], now: UnixMillis) -> Checked {
        if token.len() > compact::MAX_TOKEN_BYTES {
            return Checked::No(Reason::TokenTooLarge);
        }
        let print = state.cache.print(token);
        if let Some(known) = self.known(state, print, token, now) {
            return known;
        }
        match self.check_claims(token, now) {
            Ok(claimed) => self.check_keys(state, print, claimed, now),
            Err(reason) => Checked::No(reason),
        }
    }

    /// A token that was verified before, while its key may be used. The clock is asked again.
    fn known(&self, state: &mut State, print: Print, token: &[u8], now: UnixMillis) -> Option<Checked> {
        let verified = state.cache.get(print, token)?;
        if let Keys::Remote(remote) = &self.issuers.get(verified.issuer)?.keys {
            state.fetches.get(verified.issuer)?.keys(remote, now)?;
        }
        match self.valid(verified.times, now) {
            Ok(()) => Some(Checked::Yes(Arc::clone(&verified.token))),
            Err(reason) => {
                if reason == Reason::TokenExpired {
                    state.cache.remove(print);
                }
                Some(Checked::No(reason))
            }
        }
    }

    /// All that can be said without a key.
    fn check_claims<'t>(&self, token: &'t [u8], now: UnixMillis) -> Result<Claimed<'t>, Reason> {
        let unverified = compact::read(token)?;
        let registered = unverified.registered()?;
        let (place, issuer) = self.issuer(registered.issuer).ok_or(Reason::TokenIssuer)?;
        if !issuer.algorithms.contains(&unverified.algorithm) {
            return Err(Reason::TokenAlgorithm);
        }
        if !registered.audiences.iter().any(|audience| issuer.audiences.iter().any(|ours| ours == audience)) {
            return Err(Reason::TokenAudience);
        }
        let times = registered.times;
        self.valid(times, now)?;
        // RFC 7800: the issuer gave it to whoever holds that key. As a bearer token anybody could show it.
        if json::get(&unverified.claims, "cnf").is_some() {
            return Err(Reason::TokenBound);
        }
        let subject = registered.subject.map(str::to_owned);
        Ok(Claimed { issuer: place, times, subject, unverified })
    }

    fn issuer(&self, name: &str) -> Option<(usize, &Issuer)> {
        self.issuers.iter().enumerate().find(|(_, issuer)| issuer.name == name)
    }

    /// RFC 7519 §4.1.4, §4.1.5: valid from `nbf` on, and until just before `exp`.
    fn valid(&self, times: Times, now: UnixMillis) -> Result<(), Reason> {
        let now = i64::try_from(now.0).unwrap_or(i64::MAX);
        let millis = |seconds: i64| seconds.saturating_mul(1000);
        if now >= millis(times.expires).saturating_add(self.skew_millis) {
            return Err(Reason::TokenExpired);
        }
        if times.not_before.is_some_and(|seconds| now.saturating_add(self.skew_millis) < millis(seconds)) {
            return Err(Reason::TokenNotYetValid);
        }
        Ok(())
    }

    /// Finds the keys that may have signed it.
    fn check_keys(&self, state: &mut State, print: Print, claimed: Claimed<'_>, now: UnixMillis) -> Checked {
        let Claimed { issuer: place, times, subject, unverified } = claimed;
        let Some(issuer) = self.issuers.get(place) else { return Checked::No(Reason::Internal) };
        let find = |keys: &KeySet| keys.candidates(unverified.algorithm, unverified.key_name.as_deref());
        let keys = match &issuer.keys {
            Keys::Inline(keys) => match find(keys) {
                none if none.is_empty() => return Checked::No(Reason::TokenKeyUnknown),
                some => some,
            },
            Keys::Remote(remote) => {
                let held = state.fetches.get(place).and_then(|fetch| fetch.keys(remote, now)).map(find);
                match held {
                    None => return ask_for_keys(state, place, remote, Reason::JwksUnavailable, now),
                    Some(keys) if keys.is_empty() => {
                        return ask_for_keys(state, place, remote, Reason::TokenKeyUnknown, now);
                    }
                    Some(keys) => keys,
                }
            }
        };
        let candidate = Candidate {
            print,
            issuer: place,
            times,
            token: Token {
                issuer: issuer.name.clone(),
                subject,
                claims: unverified.claims,
                written: Written::default(),
            },
            message: unverified.message.to_owned(),
            signature: unverified.signature.to_owned(),
            keys: keys.into_iter().rev().collect(),
        };
        try_keys(state, candidate, now)
    }

    /// The proxy has looked at a signature.
    pub(crate) fn signature_answered(
        &self,
        state: &mut State,
        sequence: u64,
        answer: &Answer,
        now: UnixMillis,
    ) -> Option<Checked> {
        let mut candidate = state.unpark(sequence)?;
        let key = Arc::clone(candidate.keys.last()?);
        let good = match offload::verdict(answer) {
            Some(good) => good,
            None => {
                let algorithm = key.public.algorithm();
                if state.offload.distrust(algorithm) {
                    state.say(Some(not_trusted(algorithm, now)));
                }
                verify::verify(&key.public, candidate.message.as_bytes(), &candidate.signature)
            }
        };
        if good {
            return Some(accept(state, candidate, key));
        }
        candidate.keys.pop();
        Some(try_keys(state, candidate, now))
    }

    /// Keys came, or did not. Tokens of keys that are gone are forgotten.
    pub(crate) fn take_keys(
        &self,
        state: &mut State,
        place: usize,
        sequence: u64,
        answer: &Answer,
        now: UnixMillis,
    ) {
        let Some(issuer) = self.issuers.get(place) else { return };
        let Keys::Remote(remote) = &issuer.keys else { return };
        let early = state.early;
        let Some(fetch) = state.fetches.get_mut(place) else { return };
        let (brought, trouble) = fetch.answer(sequence, answer, &issuer.name, remote, early, now);
        if brought == Brought::Keys {
            let keys = fetch.keys(remote, now);
            state
                .cache
                .retain(|known| known.issuer != place || keys.is_some_and(|keys| keys.has(&known.key)));
        }
        state.say(trouble);
    }

    /// How often the worker must look at the clock.
    pub(crate) fn tick_period_millis(&self) -> u32 {
        let intervals = self.remotes().map(|(_, _, remote)| remote.min_interval.clamp(TICK.0, TICK.1));
        intervals.min().and_then(|millis| u32::try_from(millis).ok()).unwrap_or(IDLE_TICK)
    }

    /// What is due: the known-answer test at first, keys from time to time.
    pub(crate) fn tick(&self, state: &mut State, now: UnixMillis) -> Vec<(Ticket, Question)> {
        let mut questions = Vec::new();
        if !core::mem::replace(&mut state.started, true) {
            let used = |known: &&Known| {
                self.issuers.iter().any(|issuer| issuer.algorithms.contains(&known.algorithm))
            };
            questions.extend(
                Known::ALL.iter().filter(used).map(|one| (Asked::Known(*one).ticket(), one.question())),
            );
        }
        for (place, issuer, remote) in self.remotes() {
            let Some(fetch) = state.fetches.get_mut(place) else { continue };
            let trouble = fetch.tick(&issuer.name, remote, now);
            let due = fetch.is_due(now);
            state.say(trouble);
            if due && let Some((waiting, question)) = begin(state, place, remote, now) {
                questions.push((waiting.ticket, question));
            }
        }
        questions
    }

    fn remotes(&self) -> impl Iterator<Item = (usize, &Issuer, &Remote)> {
        self.issuers.iter().enumerate().filter_map(|(place, issuer)| match &issuer.keys {
            Keys::Inline(_) => None,
            Keys::Remote(remote) => Some((place, issuer, remote)),
        })
    }
}

/// Has keys fetched, or waits for those that are being fetched; refuses for `reason` where it is too early to ask again.
fn ask_for_keys(
    state: &mut State,
    place: usize,
    remote: &Remote,
    reason: Reason,
    now: UnixMillis,
) -> Checked {
    let Some(fetch) = state.fetches.get(place) else { return Checked::No(Reason::Internal) };
    if let Some(sequence) = fetch.under_way() {
        return Checked::Wait(waiting(place, sequence, remote, now));
    }
    if !fetch.may_ask(remote, now) {
        // Where keys cannot be had, nobody knows whether the issuer has such a key: that is no fault of the caller's.
        return Checked::No(if fetch.is_failing() { Reason::JwksUnavailable } else { reason });
    }
    match begin(state, place, remote, now) {
        Some((waiting, question)) => Checked::Ask(question, waiting),
        None => Checked::No(Reason::Internal),
    }
}

/// A fetch goes out.
fn begin(state: &mut State, place: usize, remote: &Remote, now: UnixMillis) -> Option<(Waiting, Question)> {
    let sequence = state.next_sequence();
    let question = state.fetches.get_mut(place)?.begin(sequence, remote, now);
    Some((waiting(place, sequence, remote, now), question))
}

fn waiting(issuer: usize, sequence: u64, remote: &Remote, now: UnixMillis) -> Waiting {
    let millis = u64::from(remote.timeout).saturating_add(WAIT_LONGER);
    Waiting::on(Asked::Keys { issuer, sequence }.ticket(), now, millis)
}

/// Tries the keys that are left, the proxy first.
fn try_keys(state: &mut State, mut candidate: Candidate, now: UnixMillis) -> Checked {
    while let Some(key) = candidate.keys.last().map(Arc::clone) {
        if state.offload.trusts(key.public.algorithm())
            && state.has_room()
            && let Some(question) = offload::question(&key.public, &candidate.message, &candidate.signature)
        {
            let sequence = state.next_sequence();
            state.park(sequence, candidate);
            let ticket = Asked::Signature { sequence }.ticket();
            return Checked::Ask(question, Waiting::on(ticket, now, WAIT_LONGER));
        }
        if verify::verify(&key.public, candidate.message.as_bytes(), &candidate.signature) {
            return accept(state, candidate, key);
        }
        candidate.keys.pop();
    }
    Checked::No(Reason::TokenSignature)
}

/// The signature is good.
fn accept(state: &mut State, candidate: Candidate, key: Arc<crate::key::Key>) -> Checked {
    let Candidate { print, issuer, times, token, message, signature, .. } = candidate;
    let sent = [message.as_bytes(), signature.as_bytes()].join(&b'.').into_boxed_slice();
    let token = Arc::new(token);
    state.cache.put(print, Verified { issuer, key, times, sent, token: Arc::clone(&token) });
    Checked::Yes(token)
}

/// The proxy's function is not used for an algorithm any more.
pub(crate) fn not_trusted(algorithm: Algorithm, time: UnixMillis) -> Trouble {
    Trouble {
        time,
        stage: StageId::Authn,
        what: "verify_signature_unusable",
        message: format!(
            "the proxy's `verify_signature` is not there or not right for {}: the module verifies it itself, which takes more time",
            algorithm.name()
        ),
        count: 1,
        over: false,
    }
}
