//! For systems where no clock that counts suspended time is known to us.

use valetkey_core::clock_reading::BootTime;

/// A boot clock; there is none.
#[derive(Debug)]
pub(super) struct BootClock;

impl BootClock {
    pub(super) fn new() -> Self {
        Self
    }

    #[expect(clippy::unused_self, reason = "as where there is one")]
    pub(super) fn now(&self) -> Option<BootTime> {
        None
    }
}
