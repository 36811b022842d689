//! Waiting for a condition with a deadline: the only place in the harness that lets time pass.

use std::time::{Duration, Instant};

/// The condition did not come true in time.
#[derive(Debug, thiserror::Error)]
#[error("gave up after {waited:?} waiting for {what}")]
pub struct TimedOut {
    /// What was waited for, as given to [`until`].
    pub what: String,
    /// How long.
    pub waited: Duration,
}

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

/// Asks `probe` again and again until it gives a value, or until `within` is over.
///
/// The probe is asked at least once, and once more at the deadline.
///
/// ```
/// use std::time::Duration;
/// let mut asked = 0;
/// let third = meshward_harness::poll::until("the third time", Duration::from_secs(5), || {
///     asked += 1;
///     (asked == 3).then_some(asked)
/// });
/// assert_eq!(third.ok(), Some(3));
/// ```
pub fn until<T>(what: &str, within: Duration, mut probe: impl FnMut() -> Option<T>) -> Result<T, TimedOut> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let over = start.elapsed() >= within;
        if let Some(value) = probe() {
            return Ok(value);
        }
        if over {
            return Err(TimedOut { what: what.to_owned(), waited: start.elapsed() });
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}
