//! Whom a request is from, without hashing every caller anew for every request.
//!
//! An id is a SHA-256, so that every worker comes to the same one. A worker keeps the ids of the callers that it saw last: a fixed number
//! of places, each for one caller, found by a seeded hash. What is kept is a shortcut and never more: who is not there is hashed.

use core::net::IpAddr;

use meshward_model::{Request, Seed};

use crate::caller::{Caller, CallerId};
use crate::siphash;

/// How many callers are kept.
const PLACES: usize = 64;

/// The longest name that is kept, in bytes: a longer one is hashed every time.
const MAX_NAME_BYTES: usize = 256;

/// The ids of the callers that were seen last.
#[derive(Debug)]
pub(crate) struct Ids {
    seed: u64,
    places: Vec<Option<(Whose, CallerId)>>,
}

/// Of what an id was made.
#[derive(Debug)]
enum Whose {
    Name(Box<str>),
    Address(IpAddr),
}

impl Ids {
    pub(crate) fn new(seed: Seed) -> Self {
        Self { seed: seed.0, places: Vec::new() }
    }

    /// The id of the caller of a request; `None` where there is none. The same as [`Caller::of`] gives.
    pub(crate) fn of(&mut self, request: &Request) -> Option<CallerId> {
        match request.peer.spiffe_id() {
            Some(id) => self.find(request, id.as_str().as_bytes(), |whose| match whose {
                Whose::Name(name) => **name == *id.as_str(),
                Whose::Address(_) => false,
            }),
            None => {
                let address = request.source_address?;
                let octets = match address {
                    IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
                    IpAddr::V6(address) => address.octets(),
                };
                self.find(request, &octets, |whose| match whose {
                    Whose::Name(_) => false,
                    Whose::Address(kept) => *kept == address,
                })
            }
        }
    }

    fn find(&mut self, request: &Request, bytes: &[u8], is_it: impl Fn(&Whose) -> bool) -> Option<CallerId> {
        if self.places.is_empty() {
            self.places.resize_with(PLACES, || None);
        }
        let at = siphash::of(self.seed, bytes).checked_rem(u64::try_from(PLACES).ok()?)?;
        let place = self.places.get_mut(usize::try_from(at).ok()?)?;
        if let Some((whose, id)) = place
            && is_it(whose)
        {
            return Some(*id);
        }
        let Caller { id, name } = Caller::of(request)?;
        if bytes.len() <= MAX_NAME_BYTES {
            *place = Some(match (request.peer.spiffe_id(), request.source_address) {
                (None, Some(address)) => (Whose::Address(address), id),
                (Some(_), _) | (None, None) => (Whose::Name(name.into_boxed_str()), id),
            });
        }
        Some(id)
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use meshward_model::{Anonymous, Headers, Peer, RequestId, SpiffeId};

    fn from(peer: Peer, address: Option<&str>) -> Request {
        let mut request = Request::new(RequestId(1), Headers::default(), peer);
        request.source_address = address.map(|address| address.parse().unwrap());
        request
    }

    fn named(name: &str) -> Request {
        from(Peer::Spiffe(SpiffeId::parse(name.as_bytes()).unwrap()), Some("10.0.0.1"))
    }

    const NOBODY: Peer = Peer::Anonymous(Anonymous::NoIdentity);

    #[test]
    fn what_is_kept_is_what_would_be_made_anew() {
        let mut ids = Ids::new(Seed(7));
        let mut requests: Vec<Request> =
            (0..200).map(|number| named(&format!("spiffe://a.example/ns/n/sa/s{number}"))).collect();
        requests.extend((0..200).map(|number| from(NOBODY, Some(&format!("10.0.1.{number}")))));
        requests.extend((0..200).map(|number| from(NOBODY, Some(&format!("2001:db8::{number:x}")))));
        requests.push(from(NOBODY, Some("::ffff:10.0.1.1")));
        requests.push(named(&format!("spiffe://a.example/{}", "long".repeat(100))));
        // Twice, so that ids are both made and found; in pairs, so that they are found at once, too.
        for request in requests.iter().chain(&requests).flat_map(|request| [request, request]) {
            assert_eq!(ids.of(request), Caller::of(request).map(|caller| caller.id));
        }
        assert_eq!(ids.places.len(), PLACES);
    }

    #[test]
    fn who_was_seen_last_is_not_hashed_again() {
        let caller = named("spiffe://a.example/ns/n/sa/s");
        let mut ids = Ids::new(Seed(7));
        for request in [&caller, &from(NOBODY, Some("10.0.1.1")), &from(NOBODY, Some("2001:db8::1"))] {
            ids.places.clear();
            ids.of(request).unwrap();
            // What lies there is given as it is.
            let kept: Vec<_> = ids.places.iter_mut().flatten().collect();
            assert_eq!(kept.len(), 1);
            let mark = CallerId([0x5a; 16]);
            kept.into_iter().for_each(|(_, id)| *id = mark);
            assert_eq!(ids.of(request), Some(mark));
        }
        assert_ne!(ids.of(&named("spiffe://a.example/ns/n/sa/t")).unwrap(), CallerId([0x5a; 16]));
    }

    #[test]
    fn who_cannot_be_told_from_others_has_no_id() {
        assert_eq!(Ids::new(Seed(7)).of(&from(NOBODY, None)), None);
    }
}
