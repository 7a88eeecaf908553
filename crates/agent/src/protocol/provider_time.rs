//! What time a provider says it is: the `Date` of its last answer (RFC 9110, section 6.6.1).

use jiff::{SignedDuration, Timestamp};
use valetkey_core::clock_reading::ClockReading;
use valetkey_core::freshness;

/// The `Date` of an answer.
#[derive(Debug, Clone)]
pub(crate) struct ProviderTime {
    /// Who sent it.
    pub(crate) host: String,
    pub(crate) date: Timestamp,
    /// When it arrived.
    pub(crate) received: ClockReading,
}

impl ProviderTime {
    /// How far the wall clock is ahead of the provider's at `now`; negative if it is behind.
    pub(crate) fn offset(&self, now: &ClockReading) -> SignedDuration {
        let by_wall = || now.wall.duration_since(self.received.wall);
        let passed = now.passed_since(&self.received).unwrap_or_else(by_wall);
        now.wall.duration_since(freshness::add(self.date, passed))
    }
}
