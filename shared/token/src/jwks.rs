//! A set of keys (RFC 7517 §5): read whole or not at all, its usable keys kept.

use core::fmt;
use std::sync::Arc;

use meshward_model::Claim;

use crate::algorithm::Algorithm;
use crate::json;
use crate::key::{Key, KeyError};

/// The longest key set that is read, in bytes.
pub(crate) const MAX_BYTES: u32 = 256 * 1024;
/// The most keys that a set may have.
pub(crate) const MAX_KEYS: usize = 64;
/// The most JSON values that a set may hold, those inside others included.
const MAX_VALUES: u32 = 8192;
/// The most keys that are tried for one token.
const MAX_TRIED: usize = 4;

/// Keys of one issuer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct KeySet {
    keys: Vec<Arc<Key>>,
}

/// Why a document is no key set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeySetError {
    /// Over [`MAX_BYTES`].
    TooLarge,
    /// Not a strict JSON object with a list `keys`.
    Malformed,
    /// Over [`MAX_KEYS`].
    TooMany(usize),
}

impl fmt::Display for KeySetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "it is longer than {MAX_BYTES} bytes"),
            Self::Malformed => {
                f.write_str("it is not a JSON object with a list `keys`, in which every name stands once")
            }
            Self::TooMany(count) => write!(f, "it has {count} keys, at most {MAX_KEYS} are read"),
        }
    }
}

impl KeySet {
    /// Reads a document: the usable keys, and (place in the list, why) of the others.
    pub(crate) fn read(bytes: &[u8]) -> Result<(Self, Vec<(usize, KeyError)>), KeySetError> {
        if u32::try_from(bytes.len()).map_or(true, |length| length > MAX_BYTES) {
            return Err(KeySetError::TooLarge);
        }
        let document = json::object(bytes, MAX_VALUES).ok_or(KeySetError::Malformed)?;
        let Some(Claim::List(entries)) = json::get(&document, "keys") else {
            return Err(KeySetError::Malformed);
        };
        if entries.len() > MAX_KEYS {
            return Err(KeySetError::TooMany(entries.len()));
        }
        let mut keys: Vec<Arc<Key>> = Vec::new();
        let mut unusable = Vec::new();
        for (at, entry) in entries.iter().enumerate() {
            match Key::of_jwk(entry) {
                Ok(key) if keys.iter().any(|known| **known == key) => {}
                Ok(key) => keys.push(Arc::new(key)),
                Err(error) => unusable.push((at, error)),
            }
        }
        Ok((Self { keys }, unusable))
    }

    /// The keys that may have signed a token with this algorithm and key name, the likeliest first.
    ///
    /// A key of that name; where there is none, those without a name; for a token that names none, all.
    pub(crate) fn candidates(&self, algorithm: Algorithm, name: Option<&str>) -> Vec<Arc<Key>> {
        let fits = || self.keys.iter().filter(|key| key.public.algorithm() == algorithm);
        let some =
            |keys: &mut dyn Iterator<Item = &Arc<Key>>| keys.take(MAX_TRIED).cloned().collect::<Vec<_>>();
        let Some(name) = name else { return some(&mut fits()) };
        let named = some(&mut fits().filter(|key| key.name.as_deref() == Some(name)));
        if named.is_empty() { some(&mut fits().filter(|key| key.name.is_none())) } else { named }
    }

    /// Whether the set still has this key.
    pub(crate) fn has(&self, key: &Key) -> bool {
        self.keys.iter().any(|known| known.public == key.public)
    }

    /// Which algorithms its keys are for.
    pub(crate) fn algorithms(&self) -> impl Iterator<Item = Algorithm> {
        self.keys.iter().map(|key| key.public.algorithm())
    }

    /// How many keys it has.
    pub(crate) fn len(&self) -> usize {
        self.keys.len()
    }
}
