//! One issuer's keys behind a cluster: when they are fetched, how long they are used, what is said when fetching fails.
//!
//! No request owns a fetch. It is asked for once, by the tick or by whoever comes first; everybody who needs it waits for it; and
//! whether anybody still waits when the answer comes, the keys are kept.

use meshward_model::{Answer, Question, StageId, Trouble, UnixMillis};

use crate::jwks::{self, KeySet};
use crate::key::KeyError;
use crate::settings::Remote;

/// How long a call may be overdue before it counts as lost, in milliseconds: the proxy answers a timeout itself.
const GRACE: u64 = 5_000;
/// How often a lasting failure is said again, in milliseconds.
const SAY_AGAIN: u64 = 60_000;
/// The pause after the first failure of a worker that has no keys; each further one adds as much.
const FIRST_PAUSE: u64 = 500;

/// The keys of one issuer in one worker, and the fetching of them.
#[derive(Debug, Default)]
pub(crate) struct Fetch {
    held: Option<Held>,
    under_way: Option<UnderWay>,
    /// When the last attempt ended, whatever came of it.
    ended: Option<UnixMillis>,
    /// When the tick asks again.
    next: UnixMillis,
    failing: Option<Failing>,
    /// What was wrong with keys of the last set, so that it is said once.
    unusable: Vec<(usize, KeyError)>,
    /// What time it was when that was last said.
    latest: UnixMillis,
}

#[derive(Debug)]
struct Held {
    keys: KeySet,
    since: UnixMillis,
}

#[derive(Debug, Clone, Copy)]
struct UnderWay {
    number: u64,
    /// When the call counts as lost.
    until: UnixMillis,
}

#[derive(Debug)]
struct Failing {
    said: UnixMillis,
    unsaid: u64,
    total: u64,
}

/// What an answer brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Brought {
    /// New keys.
    Keys,
    /// Nothing; the old keys stay.
    Nothing,
    /// It is the answer to a call that counts as lost already.
    Late,
}

impl Fetch {
    /// The keys, while they may be used.
    pub(crate) fn keys(&self, remote: &Remote, now: UnixMillis) -> Option<&KeySet> {
        let held = self.held.as_ref()?;
        (now.0.saturating_sub(held.since.0) < remote.expire).then_some(&held.keys)
    }

    /// The call that is under way.
    pub(crate) fn under_way(&self) -> Option<u64> {
        self.under_way.map(|call| call.number)
    }

    /// Whether a request may have keys fetched now: nothing is under way, and the last attempt is long enough ago.
    pub(crate) fn may_ask(&self, remote: &Remote, now: UnixMillis) -> bool {
        self.under_way.is_none()
            && self
                .ended
                .is_none_or(|ended| now < ended || now.0.saturating_sub(ended.0) >= self.pause(remote))
    }

    /// The least time between two attempts. Without any keys the first attempts follow each other faster: a proxy that has just
    /// started may not know yet where its cluster is.
    fn pause(&self, remote: &Remote) -> u64 {
        match (&self.held, &self.failing) {
            (None, Some(failing)) => FIRST_PAUSE.saturating_mul(failing.total).min(remote.min_interval),
            (Some(_), _) | (None, None) => remote.min_interval,
        }
    }

    /// Whether the last attempt has failed.
    pub(crate) const fn is_failing(&self) -> bool {
        self.failing.is_some()
    }

    /// Whether it is time to fetch keys whatever requests do.
    pub(crate) fn is_due(&self, now: UnixMillis) -> bool {
        self.under_way.is_none() && now >= self.next
    }

    /// A call goes out.
    pub(crate) fn begin(&mut self, number: u64, remote: &Remote, now: UnixMillis) -> Question {
        self.follow(now);
        let until = now.0.saturating_add(u64::from(remote.timeout)).saturating_add(GRACE);
        self.under_way = Some(UnderWay { number, until: UnixMillis(until) });
        let header = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
        Question::Http {
            cluster: remote.cluster.clone(),
            headers: vec![
                header(":method", "GET"),
                header(":path", &remote.path),
                header(":authority", &remote.host),
                header("accept", "application/jwk-set+json, application/json"),
            ],
            body: Vec::new(),
            timeout_millis: remote.timeout,
            max_body_bytes: jwks::MAX_BYTES,
        }
    }

    /// The tick: what the clock alone brings about.
    pub(crate) fn tick(&mut self, issuer: &str, remote: &Remote, now: UnixMillis) -> Option<Trouble> {
        self.follow(now);
        if self.keys(remote, now).is_none() {
            self.held = None;
        }
        match self.under_way {
            Some(call) if now >= call.until => self.fail(issuer, remote, "no answer ever came", now),
            Some(_) | None => None,
        }
    }

    /// Follows a clock that was set back since the last time: neither does fetching stop, nor are keys kept for longer.
    fn follow(&mut self, now: UnixMillis) {
        let back = self.latest.0.saturating_sub(now.0);
        self.latest = now;
        if back == 0 {
            return;
        }
        let earlier = |time: UnixMillis| UnixMillis(time.0.saturating_sub(back));
        self.next = earlier(self.next);
        self.ended = self.ended.map(earlier);
        if let Some(held) = &mut self.held {
            held.since = earlier(held.since);
        }
        if let Some(call) = &mut self.under_way {
            call.until = earlier(call.until);
        }
        if let Some(failing) = &mut self.failing {
            failing.said = earlier(failing.said);
        }
    }

    /// The answer to call `number`. `early` is by how much this worker fetches sooner than the others, in thousandths.
    pub(crate) fn answer(
        &mut self,
        number: u64,
        answer: &Answer,
        issuer: &str,
        remote: &Remote,
        early: u64,
        now: UnixMillis,
    ) -> (Brought, Option<Trouble>) {
        self.follow(now);
        if self.under_way() != Some(number) {
            return (Brought::Late, None);
        }
        let wrong = match answer {
            Answer::Http { status: 200, body, .. } => match KeySet::read(body) {
                // What a broken server sends; it would take every key back at once.
                Ok((keys, unusable)) if keys.len() == 0 => none_usable(&unusable),
                Ok((keys, unusable)) => {
                    let trouble = self.succeed(keys, unusable, issuer, remote, early, now);
                    return (Brought::Keys, trouble);
                }
                Err(error) => format!("the answer is no JWKS: {error}"),
            },
            Answer::Http { status, .. } => format!("the answer has status {status}"),
            Answer::TooLarge => format!("the answer is longer than {} bytes", jwks::MAX_BYTES),
            Answer::Failed
            | Answer::TimedOut
            | Answer::Grpc { .. }
            | Answer::Loaded { .. }
            | Answer::Stored(_)
            | Answer::Called { .. } => "the call failed".to_owned(),
        };
        (Brought::Nothing, self.fail(issuer, remote, &wrong, now))
    }

    fn succeed(
        &mut self,
        keys: KeySet,
        unusable: Vec<(usize, KeyError)>,
        issuer: &str,
        remote: &Remote,
        early: u64,
        now: UnixMillis,
    ) -> Option<Trouble> {
        let count = keys.len();
        self.under_way = None;
        self.ended = Some(now);
        self.held = Some(Held { keys, since: now });
        let sooner = remote.refresh.saturating_mul(early.min(100)).checked_div(1000).unwrap_or_default();
        self.next = UnixMillis(now.0.saturating_add(remote.refresh.saturating_sub(sooner)));
        // Keys for other purposes are nobody's mistake; a weak or a private one is.
        let worth_saying: Vec<_> = unusable
            .into_iter()
            .filter(|(_, error)| !matches!(error, KeyError::Unused | KeyError::Purpose))
            .collect();
        if let Some(failing) = self.failing.take() {
            let message = format!("the keys of `{issuer}` are fetched again: {count} usable");
            return Some(trouble("jwks_fetch_failed", message, failing.total, true, now));
        }
        if self.unusable == worth_saying {
            return None;
        }
        self.unusable = worth_saying;
        match self.unusable.first() {
            None => Some(trouble(
                "jwks_key_unusable",
                format!("all keys of `{issuer}` can be used again"),
                1,
                true,
                now,
            )),
            Some((at, error)) => {
                let message = format!("a key of `{issuer}` is not used (keys[{at}]): {error}");
                let count = u64::try_from(self.unusable.len()).unwrap_or(u64::MAX);
                Some(trouble("jwks_key_unusable", message, count, false, now))
            }
        }
    }

    fn fail(&mut self, issuer: &str, remote: &Remote, wrong: &str, now: UnixMillis) -> Option<Trouble> {
        self.under_way = None;
        self.ended = Some(now);
        let failing = self.failing.get_or_insert(Failing { said: now, unsaid: 0, total: 0 });
        failing.unsaid = failing.unsaid.saturating_add(1);
        failing.total = failing.total.saturating_add(1);
        let just_said = now >= failing.said && now.0.saturating_sub(failing.said.0) < SAY_AGAIN;
        let is_said = failing.total == 1 || !just_said;
        let count = if is_said { core::mem::take(&mut failing.unsaid) } else { 0 };
        if is_said {
            failing.said = now;
        }
        self.next = UnixMillis(now.0.saturating_add(self.pause(remote)));
        if !is_said {
            return None;
        }
        let since = match &self.held {
            Some(_) => "those that are there stay in use until they expire",
            None => "its tokens are refused",
        };
        let message = format!(
            "the keys of `{issuer}` cannot be fetched from cluster `{}`: {wrong}; {since}",
            remote.cluster
        );
        Some(trouble("jwks_fetch_failed", message, count, false, now))
    }
}

fn none_usable(unusable: &[(usize, KeyError)]) -> String {
    match unusable.first() {
        None => "the answer is a JWKS without keys".to_owned(),
        Some((at, error)) => format!("no key of the answer can be used (keys[{at}]: {error})"),
    }
}

fn trouble(what: &'static str, message: String, count: u64, over: bool, time: UnixMillis) -> Trouble {
    Trouble { time, stage: StageId::Authn, what, message, count, over }
}
