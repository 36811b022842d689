//! The table of streams, by hand and against one of the standard library.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use super::*;
use meshward_model::{Anonymous, Headers, Peer, Reason, Request, RequestId, Verdict};
use proptest::prelude::*;

fn seen(id: u32) -> Seen {
    let peer = Peer::Anonymous(Anonymous::Unread);
    let request = Box::new(Request::new(RequestId(id), Headers::default(), peer));
    Seen { request, verdict: Verdict::allow(Reason::Watched, None) }
}

fn kept(streams: &Streams, id: u32) -> Option<u32> {
    streams.seen(id).map(|seen| seen.request.id.0)
}

#[test]
fn a_stream_that_is_not_known_has_neither_root_nor_anything_kept() {
    let mut streams = Streams::new();
    assert_eq!((streams.root(7), kept(&streams, 7), streams.remove(7)), (0, None, None));
    streams.keep(7, seen(7));
    streams.insert(7, 1);
    assert_eq!((streams.root(7), kept(&streams, 7)), (1, None), "kept of a stream that was not there");
}

#[test]
fn what_is_kept_goes_with_its_stream_or_when_it_is_taken() {
    let mut streams = Streams::new();
    streams.insert(7, 1);
    streams.keep(7, seen(7));
    assert_eq!(streams.take(7).map(|seen| seen.request.id.0), Some(7));
    assert_eq!((streams.root(7), kept(&streams, 7)), (1, None));
    streams.keep(7, seen(7));
    assert_eq!(streams.remove(7), Some(1));
    streams.insert(7, 2);
    assert_eq!((streams.root(7), kept(&streams, 7)), (2, None));
}

#[test]
fn streams_in_the_order_of_their_numbers_lie_apart() {
    let mut streams = Streams::new();
    for id in 0..100_000_u32 {
        streams.insert(id, 1);
        if id >= 1_000 {
            assert_eq!(streams.remove(id - 1_000), Some(1));
        }
    }
    assert_eq!((streams.count, streams.keys.len()), (1_000, 2_048));
    let far = |id: u32| streams.find(id).unwrap().wrapping_sub(streams.home(id)) & 2_047;
    assert!((99_000..100_000).all(|id| far(id) < 4));
}

proptest! {
    #[test]
    fn it_knows_what_any_map_would(
        steps in proptest::collection::vec((0_u8..4, 0_u32..200, 1_u32..4), 1..1_500),
        stride in prop::sample::select(vec![1_u32, 2, 64, 1 << 26, 0x61c8_8647]),
    ) {
        let (mut streams, mut model) = (Streams::new(), BTreeMap::<u32, (u32, Option<u32>)>::new());
        for (step, number, root) in steps {
            let id = number.wrapping_mul(stride);
            match step {
                0 => {
                    streams.insert(id, root);
                    model.entry(id).or_default().0 = root;
                }
                1 => prop_assert_eq!(streams.remove(id), model.remove(&id).map(|(root, _)| root)),
                2 => {
                    streams.keep(id, seen(id));
                    model.entry(id).and_modify(|entry| entry.1 = Some(id));
                }
                _ => {
                    let taken = streams.take(id).map(|seen| seen.request.id.0);
                    prop_assert_eq!(taken, model.get_mut(&id).and_then(|entry| entry.1.take()));
                }
            }
            prop_assert_eq!(streams.count, model.len());
            for (id, (root, there)) in &model {
                prop_assert_eq!((streams.root(*id), kept(&streams, *id)), (*root, *there));
            }
        }
    }
}
