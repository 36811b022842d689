//! Two configurations of the module in one VM, one behind the other in the filter chain.

use crate::setup::{forwarded, ok, path, plugin, refused, send};
use meshward_host::{FailurePolicy, Progress, Proxy, Stream};

const MOST: usize = 256;

fn two() -> Proxy {
    let first = plugin("first", 0, FailurePolicy::Closed);
    let second = plugin("second", 0, FailurePolicy::Closed);
    Proxy::builder()
        .cluster("answers")
        .cluster("grpc")
        .plugin(first)
        .plugin(second)
        .start()
        .expect("it starts")
}

/// Allows what the calls of this plugin ask for.
fn allow_all(proxy: &mut Proxy, plugin: usize) {
    for call in proxy.callouts().into_iter().filter(|call| call.plugin == plugin) {
        assert!(proxy.answer(call.id, ok("allow")), "{}", path(&call));
    }
}

#[test]
fn each_decides_for_itself_although_their_calls_have_the_same_numbers() {
    let mut proxy = two();
    let asked = |proxy: &Proxy| proxy.callouts().iter().map(|call| call.plugin).collect::<Vec<_>>();
    let stream = send(&mut proxy, "http", "/who", &[]);
    assert_eq!(asked(&proxy), [0]);
    allow_all(&mut proxy, 0);
    assert_eq!(proxy.progress(stream), Progress::Paused, "the second holds it");
    assert_eq!(asked(&proxy), [1]);
    // The first asks again while the second waits.
    let other = send(&mut proxy, "http", "/other", &[]);
    let call = proxy.callouts().into_iter().find(|call| call.plugin == 1).expect("the second's call");
    proxy.answer(call.id, ok("deny"));
    assert_eq!(refused(&proxy, stream).0, 403);
    assert_eq!(proxy.progress(other), Progress::Paused);
    allow_all(&mut proxy, 0);
    allow_all(&mut proxy, 1);
    assert!(forwarded(&proxy, other));
}

#[test]
fn the_bound_on_parked_requests_is_the_workers() {
    let mut proxy = two();
    let waiting = |proxy: &Proxy, streams: &[Stream]| {
        streams.iter().filter(|stream| proxy.progress(**stream) == Progress::Paused).count()
    };
    let behind: Vec<_> = (0..100).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    allow_all(&mut proxy, 0);
    assert_eq!(waiting(&proxy, &behind), 100, "the second holds them");
    let before: Vec<_> = (0..200).map(|_| send(&mut proxy, "http", "/", &[])).collect();
    assert_eq!(waiting(&proxy, &before), MOST - 100);
    let last = before.last().copied().expect("there are 200");
    assert_eq!(refused(&proxy, last), (503, "meshward_denied[plugin.too_many_parked]".to_owned()));
    allow_all(&mut proxy, 1);
    assert!(behind.iter().all(|stream| forwarded(&proxy, *stream)));
}
