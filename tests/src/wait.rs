//! Waiting for a fact. No test sleeps for a fixed time and hopes.

use std::time::{Duration, Instant};

/// Far more than any step takes on two busy cores; only a failing test ever waits so long.
pub const BOUND: Duration = Duration::from_mins(1);

/// How often a fact that announces itself to nobody is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Looks until `probe` finds something, and panics naming `what` after [`BOUND`].
pub fn until<T>(what: &str, probe: impl FnMut() -> Option<T>) -> T {
    within(BOUND, probe).unwrap_or_else(|| panic!("did not happen within {BOUND:?}: {what}"))
}

/// Looks until `probe` finds something or the time is over.
pub fn within<T>(bound: Duration, mut probe: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + bound;
    loop {
        if let Some(found) = probe() {
            return Some(found);
        }
        if Instant::now() >= deadline {
            return None;
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
