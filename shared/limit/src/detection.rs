//! `Detection` documents: what is looked for, and what becomes of callers.

use meshward_config::{Place, Problems, own_document, problem};
use meshward_model::{Code, Needs, Outcome, Reason, Refusal, SpiffeId, StageId};

use crate::compile::{bounded, rate};
use crate::gcra::Rate;
use crate::penalty::Penalty;
use crate::raw::{RawDetection, RawDetectionMode, RawDetector, RawRate};

/// What is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detector {
    /// Authentication that failed.
    FailedAuthentication,
    /// Paths that are denied or missing.
    DeniedPaths,
}

/// A compiled detection.
#[derive(Debug, Clone)]
pub(crate) struct Detection {
    pub(crate) simulates: bool,
    pub(crate) half_life_millis: u64,
    pub(crate) failed_authentication: Option<u32>,
    pub(crate) denied_paths: Option<u32>,
    pub(crate) note: u32,
    pub(crate) throttle: u32,
    pub(crate) quarantine: u32,
    pub(crate) throttle_rate: Rate,
    pub(crate) first_stay_millis: u64,
    pub(crate) longest_stay_millis: u64,
    pub(crate) allow: Vec<Allow>,
}

/// A caller, or several, that are never scored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Allow {
    /// This one.
    One(SpiffeId),
    /// All whose ID begins so; it ends with a slash.
    Below(Box<str>),
}

/// The longest that any configuration lets a caller stay in the penalty box, in milliseconds: a week. What is further ahead in shared
/// data was written by nobody here.
pub(crate) const MAX_STAY_MILLIS: u64 = 604_800_000;

const KIND: &str = "Detection";
const MAX_SCORE: u32 = 1_000;
const DAY_SECONDS: u32 = 86_400;
const WEEK_SECONDS: u32 = 604_800;
/// The most entries of `allow`.
const MAX_ALLOW: usize = 1_024;

impl Detector {
    /// Its name in findings.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::FailedAuthentication => "failed_authentication",
            Self::DeniedPaths => "denied_paths",
        }
    }

    /// Which one sees a request that ended so. What is no fault of the caller's is seen by none, and neither are our own 429s: a caller
    /// that is slowed down would never get out.
    pub(crate) fn of(outcome: &Outcome<'_>) -> Option<Self> {
        let stage = outcome.refused.and_then(Reason::stage);
        match outcome.refused {
            Some(
                Reason::JwksUnavailable
                | Reason::HandoverTaken
                | Reason::HandoverMissing
                | Reason::HandoverUnreadable
                // Nobody wrote a policy: that is our gap.
                | Reason::NothingApplies,
            ) => None,
            Some(_) if stage == Some(StageId::Authn) => Some(Self::FailedAuthentication),
            Some(_) if stage == Some(StageId::Authz) => Some(Self::DeniedPaths),
            Some(_) if matches!(stage, Some(StageId::Penalty | StageId::Ratelimit)) => None,
            Some(Reason::NativeDenied) | None => match outcome.status {
                Some(401) => Some(Self::FailedAuthentication),
                Some(403 | 404) => Some(Self::DeniedPaths),
                Some(_) | None => None,
            },
            Some(_) => None,
        }
    }
}

impl Detection {
    /// What a hit of the detector adds to a score; `None` where it does not look.
    pub(crate) const fn weight(&self, detector: Detector) -> Option<u32> {
        match detector {
            Detector::FailedAuthentication => self.failed_authentication,
            Detector::DeniedPaths => self.denied_paths,
        }
    }

    /// How long the quarantine is with that many strikes, this one included: each twice as long as the one before.
    pub(crate) fn stay_millis(&self, strikes: u16) -> u64 {
        let doublings = u32::from(strikes.saturating_sub(1)).min(32);
        self.first_stay_millis
            .saturating_mul(1_u64.checked_shl(doublings).unwrap_or(u64::MAX))
            .min(self.longest_stay_millis)
    }

    /// Whether the caller is never scored.
    pub(crate) fn allows(&self, id: &SpiffeId) -> bool {
        self.allow.iter().any(|allow| match allow {
            Allow::One(one) => one == id,
            Allow::Below(beginning) => id.as_str().starts_with(&**beginning),
        })
    }
}

/// Compiles the one `Detection` document of a configuration; `path` is where it stands, `peer` what reading the peer takes.
///
/// # Errors
/// Every problem that was found.
pub fn compile_detection(path: &str, json: &str, peer: Needs) -> Result<Penalty, Refusal> {
    let mut problems = Problems::default();
    let place = Place::root(path);
    let detection = own_document::<RawDetection>(&place, KIND, json, &mut problems)
        .and_then(|(_, raw)| detection(&place.field("spec"), &raw, &mut problems));
    match detection {
        Some(detection) if problems.is_empty() => Ok(Penalty::new(detection, peer)),
        Some(_) | None => Err(Refusal { problems: problems.into_found() }),
    }
}

/// The refusal of a second `Detection` document.
pub fn second_detection(path: &str) -> Refusal {
    let message = "a second Detection document";
    let help = "put all of it into one: a caller has one score";
    problem(Code::DoubledDetection, path, message, help).into()
}

fn detection(place: &Place<'_>, raw: &RawDetection, problems: &mut Problems) -> Option<Detection> {
    let half_life = raw.half_life_seconds.unwrap_or(60);
    let half_life = bounded(&place.field("halfLifeSeconds"), half_life, DAY_SECONDS, " (a day)", problems);
    let (failed_authentication, denied_paths) = detectors(place, raw, problems);
    let (note, throttle, quarantine) = thresholds(place, raw, problems);
    let second = RawRate { requests: 1, per_seconds: 1 };
    let throttle_rate = rate(&place.field("throttle"), raw.throttle.as_ref().unwrap_or(&second), problems);
    let throttle_rate = throttle_rate.and_then(|(requests, period)| Rate::new(requests, period, requests));
    let (first, longest) = stays(&place.field("quarantine"), raw, problems);
    let allow = allow(&place.field("allow"), raw.allow.as_deref().unwrap_or_default(), problems);
    let millis = |seconds: u32| u64::from(seconds).saturating_mul(1_000);
    Some(Detection {
        simulates: raw.mode.unwrap_or_default() == RawDetectionMode::Simulate,
        half_life_millis: millis(half_life?),
        failed_authentication,
        denied_paths,
        note: note?,
        throttle: throttle?,
        quarantine: quarantine?,
        throttle_rate: throttle_rate?,
        first_stay_millis: millis(first?),
        longest_stay_millis: millis(longest?),
        allow,
    })
}

fn detectors(place: &Place<'_>, raw: &RawDetection, problems: &mut Problems) -> (Option<u32>, Option<u32>) {
    let at = place.field("detectors");
    let Some(detectors) = &raw.detectors else {
        return (Some(AUTHENTICATION_WEIGHT), Some(PATHS_WEIGHT));
    };
    if detectors.failed_authentication.is_none() && detectors.denied_paths.is_none() {
        let help = "name `failedAuthentication` or `deniedPaths`; without `detectors` both look";
        problems.add(Code::NoDetector, &at, "a detection that looks for nothing", help);
    }
    let mut weight = |field: &str, detector: Option<&RawDetector>, default: u32| {
        let weight = detector?.weight.unwrap_or(default.into());
        let at = at.field(field);
        bounded(&at.field("weight"), weight, MAX_SCORE, "", problems)
    };
    let failed =
        weight("failedAuthentication", detectors.failed_authentication.as_ref(), AUTHENTICATION_WEIGHT);
    (failed, weight("deniedPaths", detectors.denied_paths.as_ref(), PATHS_WEIGHT))
}

/// Five hits in twenty seconds make the default quarantine, or one every 21 seconds; CrowdSec's bucket for failed authentication takes
/// five and drains one in ten seconds.
const AUTHENTICATION_WEIGHT: u32 = 18;

/// Ten hits in twenty seconds, or one every ten seconds; CrowdSec's bucket for probing takes ten and drains one in ten seconds.
const PATHS_WEIGHT: u32 = 9;

type Bounded = Option<u32>;

fn thresholds(place: &Place<'_>, raw: &RawDetection, problems: &mut Problems) -> (Bounded, Bounded, Bounded) {
    let at = place.field("thresholds");
    let given = raw.thresholds.as_ref();
    let mut threshold = |field: &str, value: Option<u64>, default: u64| {
        bounded(&at.field(field), value.unwrap_or(default), MAX_SCORE, "", problems)
    };
    let note = threshold("note", given.and_then(|given| given.note), 40);
    let throttle = threshold("throttle", given.and_then(|given| given.throttle), 60);
    let quarantine = threshold("quarantine", given.and_then(|given| given.quarantine), 80);
    let rises = |low: Bounded, high: Bounded| low.zip(high).is_none_or(|(low, high)| low < high);
    if !rises(note, throttle) || !rises(throttle, quarantine) {
        let number = |value: Bounded| value.unwrap_or_default();
        let message = format!(
            "`note` {}, `throttle` {}, `quarantine` {} do not rise",
            number(note),
            number(throttle),
            number(quarantine)
        );
        problems.add(Code::BadThresholds, &at, message, "let each be greater than the one before");
    }
    (note, throttle, quarantine)
}

fn stays(place: &Place<'_>, raw: &RawDetection, problems: &mut Problems) -> (Bounded, Bounded) {
    let given = raw.quarantine.as_ref();
    let first = given.and_then(|given| given.seconds).unwrap_or(60);
    // Whoever asks for a longer first one than the default longest one has asked for a longer longest one.
    let longest = given.and_then(|given| given.max_seconds).unwrap_or_else(|| first.max(3_600));
    let first = bounded(&place.field("seconds"), first, DAY_SECONDS, " (a day)", problems);
    let at = place.field("maxSeconds");
    let longest = bounded(&at, longest, WEEK_SECONDS, " (a week)", problems);
    if let Some((first, longest)) = first.zip(longest)
        && longest < first
    {
        let message =
            format!("the longest quarantine of {longest} seconds is shorter than the first of {first}");
        problems.add(Code::OutOfBounds, &at, message, "write at least as much as `seconds`");
    }
    (first, longest)
}

fn allow(place: &Place<'_>, raw: &[String], problems: &mut Problems) -> Vec<Allow> {
    if raw.len() > MAX_ALLOW {
        let message = format!("{} values, at most {MAX_ALLOW} are read", raw.len());
        problems.add(Code::TooManyValues, place, message, "allow a whole namespace with `/*`");
    }
    let mut allow = Vec::with_capacity(raw.len().min(MAX_ALLOW));
    for (index, text) in raw.iter().enumerate() {
        // The beginning of an ID is checked as the ID that it would be with one more segment.
        let beginning = text.strip_suffix('*').filter(|beginning| beginning.ends_with('/'));
        let parsed = match beginning {
            Some(beginning) => SpiffeId::parse(format!("{beginning}x").as_bytes()),
            None => SpiffeId::parse(text.as_bytes()),
        };
        match (parsed, beginning) {
            (Ok(id), Some(beginning)) if !id.path().is_empty() => allow.push(Allow::Below(beginning.into())),
            (Ok(id), None) if !id.path().is_empty() => allow.push(Allow::One(id)),
            (Ok(_), _) => problems.add(
                Code::BadAllow,
                &place.index(index),
                format!("`{text}` is a trust domain and no caller"),
                format!("write `{text}/*` to allow all of it"),
            ),
            (Err(error), _) => problems.add(
                Code::BadAllow,
                &place.index(index),
                format!("`{}`: {error}", text.escape_debug()),
                "write a SPIFFE ID, such as `spiffe://cluster.local/ns/shop/sa/web`, or the beginning of one with `/*` behind",
            ),
        }
    }
    allow
}

#[cfg(all(test, not(target_arch = "wasm32")))]
#[path = "detection_tests.rs"]
pub(crate) mod tests;
