//! Lives of equal modules are equal, wherever things lie in them; whatever else differs is found.

use super::*;
use crate::bench::trace::Given;

fn callback(name: &str, arguments: &[i64]) -> Callback {
    Callback { name: name.to_owned(), arguments: arguments.to_vec(), ..Callback::default() }
}

fn property(place: i64, path: &[u8]) -> HostCall {
    let allocation = callback("proxy_on_memory_allocate", &[50]);
    HostCall {
        name: "proxy_get_property".to_owned(),
        arguments: vec![place, i64::try_from(path.len()).unwrap_or_default(), place, place],
        given: vec![Given { bytes: path.to_vec(), varies: false }],
        nested: vec![Callback { returned: Some(place), ..allocation }],
        ..HostCall::default()
    }
}

/// A request of this context that reads a property, a tick between.
fn request(context: i64, place: i64, path: &[u8]) -> Vec<Callback> {
    let calls = vec![property(place, path)];
    vec![
        callback(CREATE, &[context, 1]),
        Callback { calls, returned: Some(0), ..callback("proxy_on_request_headers", &[context, 8, 1]) },
        callback(TICK, &[1]),
        callback(DELETE, &[context]),
    ]
}

fn tick(period: i64) -> Callback {
    let set = HostCall { name: SET_TICK.to_owned(), arguments: vec![period], ..HostCall::default() };
    Callback { calls: vec![set], ..callback(TICK, &[1]) }
}

#[test]
fn equal_requests_are_equal_wherever_they_lie() -> Result<()> {
    let both = requests(&[request(2, 1000, b"a"), request(3, 2000, b"a")].concat())?;
    let [one, other] = both.as_slice() else { bail!("{} requests", both.len()) };
    assert_eq!(difference(&one.callbacks, &other.callbacks)?, None);
    assert_eq!((one.host_calls(), one.callbacks(), one.allocations()), (1, 3, 1));
    Ok(())
}

#[test]
fn another_argument_another_length_and_a_call_less_are_found() -> Result<()> {
    let text = |path: &[u8]| requests(&request(2, 1000, path));
    let ours = text(b"a")?;
    for theirs in [text(b"b")?, text(b"ab")?, requests(&[callback(CREATE, &[2, 1]), callback(DELETE, &[2])])?]
    {
        let ([one], [other]) = (ours.as_slice(), theirs.as_slice()) else { bail!("not one request each") };
        assert!(difference(&one.callbacks, &other.callbacks)?.is_some());
    }
    Ok(())
}

#[test]
fn bytes_that_vary_need_only_be_as_many() -> Result<()> {
    let all = requests(&[request(2, 1, b"12"), request(3, 1, b"34"), request(4, 1, b"34")].concat())?;
    let steady = steady(&all)?;
    let other = requests(&request(2, 1, b"99"))?;
    let longer = requests(&request(2, 1, b"999"))?;
    let against = |others: &[Request]| {
        others.first().map(|other| difference(&steady.callbacks, &other.callbacks)).transpose()
    };
    assert_eq!(against(&other)?, Some(None));
    assert!(matches!(against(&longer)?, Some(Some(_))));
    Ok(())
}

#[test]
fn requests_that_do_not_settle_are_an_error() -> Result<()> {
    let all = requests(&[request(2, 1, b"12"), request(3, 1, b"345")].concat())?;
    assert!(steady(&all).is_err_and(|error| error.to_string().contains("differ")));
    assert!(steady(&[]).is_err());
    Ok(())
}

#[test]
fn two_requests_at_once_are_an_error() {
    assert!(requests(&[callback(CREATE, &[2, 1]), callback(CREATE, &[3, 1])]).is_err());
}

#[test]
fn a_life_begins_before_its_first_request_and_ticks_meanwhile() -> Result<()> {
    let beginning = vec![callback(CREATE, &[1, 0]), callback("proxy_on_configure", &[1, 9])];
    let callbacks = [beginning.clone(), vec![tick(1_000)], request(2, 1, b"a"), vec![tick(1_000)]].concat();
    let life = Life::of(&callbacks)?;
    assert_eq!(life.beginning, beginning);
    assert_eq!(life.ticks.len(), 3);
    assert_eq!(life.difference(&life.clone())?, None);
    let text = life.text()?;
    assert!(text.contains("proxy_get_property(\"a\", …, …) = 0"), "{text}");
    Ok(())
}

#[test]
fn ticks_are_waited_for_until_they_are_alike() -> Result<()> {
    let life = |ticks: &[Callback]| Life { ticks: ticks.to_vec(), ..Life::default() };
    let quiet = callback(TICK, &[1]);
    assert!(!life(&[tick(1_000), quiet.clone()]).is_settled()?);
    let settled = life(&[tick(1_000), quiet.clone(), quiet.clone()]);
    assert!(settled.is_settled()?);
    assert_eq!(settled.distinct_ticks()?, [tick(1_000), quiet]);
    assert!(life(&[tick(0)]).is_settled()? && life(&[tick(60_000)]).is_settled()? && life(&[]).is_settled()?);
    Ok(())
}
