//! Waiting for a condition. No test sleeps for a fixed time.

use std::time::{Duration, Instant};

/// Far more than any step takes on two busy cores; only a failing test waits so long.
pub const TIMEOUT: Duration = Duration::from_mins(1);

const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Polls until `probe` returns something; panics with `what` after [`TIMEOUT`].
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(TIMEOUT, probe).unwrap_or_else(|| panic!("did not happen within {TIMEOUT:?}: {what}"))
}

/// Polls until `probe` returns something or `timeout` has passed.
pub fn within<T>(timeout: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + timeout;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(POLL_INTERVAL);
    }
}
