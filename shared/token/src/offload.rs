//! Verifying through the proxy: Envoy's `verify_signature` is forty times as fast as the module, where it exists and is right.
//!
//! It is trusted with an algorithm only after a known-answer test in this very worker: one good signature, the same with one bit
//! flipped. Whatever else comes back, at the test or later, and the module verifies that algorithm itself from then on.

use meshward_abi::verify_signature::{self, Arguments};
use meshward_model::{Answer, Question};

use crate::algorithm::Algorithm;
use crate::key::Public;
use crate::{base64url, der};

/// What was signed for the known-answer test. The keys were made for it and thrown away.
const TEXT: &[u8] = b"meshward known answer";
const HASH: &str = "sha256";

/// Whether the proxy is trusted with an algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Trust {
    /// Nothing was tested.
    #[default]
    Untested,
    /// One of the two answers came, and was right.
    Half,
    /// Both answers were right.
    Trusted,
    /// An answer was not what it had to be.
    Distrusted,
}

/// A question of the known-answer test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) algorithm: Algorithm,
    /// Whether the signature is good; else a bit of it is flipped.
    pub(crate) good: bool,
}

impl Known {
    /// Every question that there is.
    pub(crate) const ALL: [Self; 4] = [
        Self { algorithm: Algorithm::Rs256, good: true },
        Self { algorithm: Algorithm::Rs256, good: false },
        Self { algorithm: Algorithm::Es256, good: true },
        Self { algorithm: Algorithm::Es256, good: false },
    ];

    /// The question itself.
    pub(crate) fn question(self) -> Question {
        let (public_key, signature): (&[u8], &[u8]) = match self.algorithm {
            Algorithm::Rs256 => {
                (include_bytes!("../known/rs256.key"), include_bytes!("../known/rs256.signature"))
            }
            Algorithm::Es256 | Algorithm::EdDsa => {
                (include_bytes!("../known/es256.key"), include_bytes!("../known/es256.signature"))
            }
        };
        let mut signature = signature.to_vec();
        if !self.good
            && let Some(last) = signature.last_mut()
        {
            *last ^= 1;
        }
        call(&Arguments { hash: HASH, public_key, signature: &signature, text: TEXT })
    }
}

/// What is known of the proxy's function in one worker.
#[derive(Debug, Default)]
pub(crate) struct Offload {
    rs256: Trust,
    es256: Trust,
}

impl Offload {
    /// Whether the proxy verifies this algorithm.
    pub(crate) const fn trusts(&self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Rs256 => matches!(self.rs256, Trust::Trusted),
            Algorithm::Es256 => matches!(self.es256, Trust::Trusted),
            Algorithm::EdDsa => false,
        }
    }

    /// Takes an answer of the known-answer test. `true` when this one, and none before it, was wrong.
    pub(crate) fn known(&mut self, known: Known, answer: &Answer) -> bool {
        if verdict(answer) != Some(known.good) {
            return self.distrust(known.algorithm);
        }
        if let Some(trust) = self.trust(known.algorithm) {
            *trust = match *trust {
                Trust::Untested => Trust::Half,
                Trust::Half | Trust::Trusted => Trust::Trusted,
                Trust::Distrusted => Trust::Distrusted,
            };
        }
        false
    }

    /// Never asks the proxy for this algorithm again. `true` the first time.
    pub(crate) fn distrust(&mut self, algorithm: Algorithm) -> bool {
        self.trust(algorithm)
            .is_some_and(|trust| core::mem::replace(trust, Trust::Distrusted) != Trust::Distrusted)
    }

    const fn trust(&mut self, algorithm: Algorithm) -> Option<&mut Trust> {
        match algorithm {
            Algorithm::Rs256 => Some(&mut self.rs256),
            Algorithm::Es256 => Some(&mut self.es256),
            Algorithm::EdDsa => None,
        }
    }
}

/// The question whether `signature` (base64url, as it stands in the token) is that of `message`; `None` where it cannot be one.
pub(crate) fn question(key: &Public, message: &str, signature: &str) -> Option<Question> {
    let public_key = der::public_key(key)?;
    let raw = base64url::decode(signature.as_bytes())?;
    let signature = match key.algorithm() {
        Algorithm::Rs256 | Algorithm::EdDsa => raw,
        Algorithm::Es256 => der::ecdsa_signature(&raw)?,
    };
    Some(call(&Arguments {
        hash: HASH,
        public_key: &public_key,
        signature: &signature,
        text: message.as_bytes(),
    }))
}

/// What the proxy says; `None` where that is nothing to go by.
pub(crate) fn verdict(answer: &Answer) -> Option<bool> {
    match answer {
        Answer::Called { result } => verify_signature::result(result).ok(),
        Answer::Http { .. }
        | Answer::Grpc { .. }
        | Answer::Loaded { .. }
        | Answer::Stored(_)
        | Answer::Failed
        | Answer::TooLarge
        | Answer::TimedOut => None,
    }
}

fn call(arguments: &Arguments<'_>) -> Question {
    Question::Call { function: verify_signature::FUNCTION, argument: arguments.encode() }
}

#[cfg(test)]
#[path = "offload_tests.rs"]
mod tests;
