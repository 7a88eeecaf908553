//! What time it is by the wall clock, which may be set, and by the boot clock, which may not.
//!
//! The hard problem: the end of a token is known as a time of the wall clock. If that clock is set
//! back, an expired token looks valid for as long as the clock was set back. The answer: what is received is marked with
//! the boot clock too. In the same boot the time that really passed counts, and times are moved to
//! the wall clock as it is set now.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::freshness;

/// A difference up to this is no change of the clock: it runs a little faster or slower.
const MAX_SLEW: SignedDuration = SignedDuration::from_secs(1);

/// A moment by both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockReading {
    /// By the wall clock.
    pub wall: Timestamp,
    /// By the boot clock; None where there is none.
    pub boot: Option<BootTime>,
}

/// A moment by the boot clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootTime {
    /// Which boot of the machine.
    pub boot_id: Uuid,
    /// Time since then, suspended time included.
    pub elapsed: SignedDuration,
}

/// What happened to the wall clock since something was received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockChange {
    /// Nothing that is known of.
    None,
    /// It was set by this much: times that were read from it before are moved by it.
    SetBy(SignedDuration),
    /// It was set back while no clock ran that could tell by how much.
    SetBack,
}

impl ClockReading {
    /// A moment where there is no boot clock.
    pub const fn wall(wall: Timestamp) -> Self {
        Self { wall, boot: None }
    }

    /// What happened to the wall clock between `received` and this moment.
    pub fn change_since(&self, received: &Self) -> ClockChange {
        if let Some(passed) = self.passed_since(received) {
            let set_by = self
                .wall
                .duration_since(freshness::add(received.wall, passed));
            return if set_by.abs() > MAX_SLEW {
                ClockChange::SetBy(set_by)
            } else {
                ClockChange::None
            };
        }
        if self.wall < received.wall {
            ClockChange::SetBack
        } else {
            ClockChange::None
        }
    }

    /// The time that really passed since `earlier`; None if the boot clock cannot tell.
    pub fn passed_since(&self, earlier: &Self) -> Option<SignedDuration> {
        let (now, then) = (self.boot?, earlier.boot?);
        // A machine that was restored from a snapshot has gone back in the same boot.
        (now.boot_id == then.boot_id && now.elapsed >= then.elapsed)
            .then(|| now.elapsed.saturating_sub(then.elapsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(wall: i64, boot: u128, elapsed: i64) -> ClockReading {
        ClockReading {
            wall: Timestamp::from_second(1_700_000_000 + wall).unwrap(),
            boot: Some(BootTime {
                boot_id: Uuid::from_u128(boot),
                elapsed: SignedDuration::from_secs(elapsed),
            }),
        }
    }

    #[test]
    fn in_one_boot_the_time_that_passed_tells_how_the_clock_was_set() {
        let received = reading(0, 1, 100);
        let set_by = |seconds| ClockChange::SetBy(SignedDuration::from_secs(seconds));
        for (now, change) in [
            (reading(60, 1, 160), ClockChange::None),
            (reading(61, 1, 160), ClockChange::None),
            (reading(-10_740, 1, 160), set_by(-10_800)),
            (reading(3660, 1, 160), set_by(3600)),
        ] {
            assert_eq!(now.change_since(&received), change, "{now:?}");
        }
    }

    #[test]
    fn in_another_boot_only_a_clock_before_the_receipt_is_known_to_be_set_back() {
        let received = reading(0, 1, 100);
        for (now, change) in [
            (reading(3600, 2, 50), ClockChange::None),
            (reading(-1, 2, 50), ClockChange::SetBack),
            (reading(-1, 1, 99), ClockChange::SetBack),
            (ClockReading::wall(received.wall), ClockChange::None),
        ] {
            assert_eq!(now.change_since(&received), change, "{now:?}");
        }
    }
}
