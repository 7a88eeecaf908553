//! When a token counts as fresh, when the next refresh is due, how long to back off.

use jiff::{SignedDuration, Timestamp};

use crate::connection::{Connection, KeepWarm};
use crate::connection_state::Status;
use crate::grant::Grant;
use crate::provider::RefreshTokenLimits;

/// A refresh is due this long before the end of a long-lived token.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// Tokens with a shorter lifetime than this are refreshed at 80 % of it instead.
const SHORT_LIFETIME: SignedDuration = SignedDuration::from_mins(25);
/// A caller's token should be valid for at least this long, unless it says otherwise.
const MIN_VALID: SignedDuration = SignedDuration::from_secs(60);
/// "Used lately" for [`KeepWarm::WhenUsed`].
pub const RECENTLY_USED: SignedDuration = SignedDuration::from_hours(24);
const INITIAL_BACKOFF: SignedDuration = SignedDuration::from_secs(5);
const MAX_BACKOFF: SignedDuration = SignedDuration::from_mins(15);
/// An answer that was not understood is asked for once more after this long.
pub const UNCLEAR_RETRY_DELAY: SignedDuration = SignedDuration::from_mins(3);

/// The remaining validity that a caller wants when it names none: the smaller of 60 s and 20 % of the
/// token's lifetime. A fixed margin would refresh short tokens at every call.
pub fn default_min_valid(lifetime: Option<SignedDuration>) -> SignedDuration {
    lifetime.map_or(MIN_VALID, |lifetime| MIN_VALID.min(lifetime / 5))
}

/// Whether `grant` is valid for `min_valid` (or the default) at `now`.
///
/// A token that was issued in the future (the clock was set back) is judged by its end alone.
pub fn is_fresh(grant: &Grant, now: Timestamp, min_valid: Option<SignedDuration>) -> bool {
    let min_valid = min_valid.unwrap_or_else(|| default_min_valid(grant.lifetime()));
    grant
        .remaining(now)
        .is_none_or(|remaining| remaining > min_valid)
}

/// When a token of this lifetime is refreshed: 5 minutes before its end, or at 80 % of a lifetime
/// under 25 minutes, up to 10 % of the remaining margin earlier by `jitter` (0..1).
pub fn refresh_at(issued_at: Timestamp, expires_at: Timestamp, jitter: f64) -> Timestamp {
    let lifetime = expires_at.duration_since(issued_at);
    let margin = if lifetime < SHORT_LIFETIME {
        lifetime / 5
    } else {
        EARLY
    };
    let earlier = margin.as_secs_f64().max(0.0) * 0.1 * jitter.clamp(0.0, 1.0);
    add(
        expires_at,
        -(margin + SignedDuration::from_secs_f64(earlier)),
    )
}

/// A client that the provider refused is tried again this often: it may have been mended there.
pub const CLIENT_RETRY_INTERVAL: SignedDuration = SignedDuration::from_hours(24);

/// When `connection` should be refreshed without being asked, or None.
///
/// Kept warm: used within the last day (or set to always), and those whose refresh token's lifetime
/// is unknown, since at some servers it ends with the access token. The rest: at half of a known idle
/// limit, measured from the last refresh.
pub fn due_at(
    connection: &Connection,
    limits: RefreshTokenLimits,
    now: Timestamp,
    jitter: f64,
) -> Option<Timestamp> {
    match connection.state.status {
        Status::Connecting | Status::NeedsReconnect | Status::Removing => return None,
        Status::Active | Status::Refreshing | Status::Expired => {}
    }
    if let Some(refresh_error) = &connection.refresh_error {
        return refresh_error.retry_at;
    }
    let (issued_at, expires_at) = (connection.issued_at?, connection.expires_at);
    if !connection.refreshable {
        return None;
    }
    let before_expiry = expires_at.map(|end| refresh_at(issued_at, end, jitter));
    let lately = connection
        .used_at
        .into_iter()
        .chain([connection.created_at])
        .any(|used| now.duration_since(used) < RECENTLY_USED);
    let unknown_lifetime =
        limits.idle.is_none() && !limits.open_ended && connection.refresh_expires_at.is_none();
    let warm = match connection.keep_warm {
        KeepWarm::Always => true,
        KeepWarm::WhenUsed => lately || unknown_lifetime,
        KeepWarm::OnDemand => false,
    };
    if warm && before_expiry.is_some() {
        return before_expiry;
    }
    let announced = connection
        .refresh_expires_at
        .map(|end| end.duration_since(issued_at));
    let idle = limits.idle.into_iter().chain(announced).min()?;
    Some(add(issued_at, idle / 2))
}

/// The pause before attempt number `attempts + 1`: 5 s, doubled up to 15 min, with jitter
/// (0..1 takes away up to a half). A provider's own wish (`Retry-After`) is a lower bound.
pub fn backoff(attempts: u32, wished: Option<SignedDuration>, jitter: f64) -> SignedDuration {
    let doubled = INITIAL_BACKOFF.checked_mul(1 << attempts.saturating_sub(1).min(10));
    let pause = doubled.unwrap_or(MAX_BACKOFF).min(MAX_BACKOFF);
    let jittered =
        SignedDuration::from_secs_f64(pause.as_secs_f64() * (1.0 - 0.5 * jitter.clamp(0.0, 1.0)));
    wished.map_or(jittered, |wished| jittered.max(wished))
}

/// `at` moved by `by`, kept within the representable range.
pub fn add(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(if by.is_negative() {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + seconds).unwrap()
    }

    #[test]
    fn long_tokens_are_refreshed_five_minutes_early() {
        assert_eq!(refresh_at(at(0), at(3600), 0.0), at(3300));
    }

    #[test]
    fn short_tokens_are_refreshed_at_four_fifths_of_their_life() {
        assert_eq!(refresh_at(at(0), at(100), 0.0), at(80));
    }

    #[test]
    fn min_valid_is_never_more_than_a_fifth_of_a_short_life() {
        assert_eq!(
            default_min_valid(Some(SignedDuration::from_secs(10))).as_secs(),
            2
        );
        assert_eq!(
            default_min_valid(Some(SignedDuration::from_hours(1))).as_secs(),
            60
        );
        assert_eq!(default_min_valid(None).as_secs(), 60);
    }

    #[test]
    fn backoff_doubles_from_five_seconds_to_fifteen_minutes() {
        let pauses: Vec<i64> = (1..=10).map(|n| backoff(n, None, 0.0).as_secs()).collect();
        assert_eq!(pauses, [5, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        assert_eq!(
            backoff(1, Some(SignedDuration::from_secs(77)), 1.0).as_secs(),
            77
        );
    }

    proptest! {
        #[test]
        fn the_alarm_rings_within_the_life_of_the_token(life in 1_i64..10_000_000, jitter in 0.0..1.0) {
            let alarm = refresh_at(at(0), at(life), jitter);
            prop_assert!(alarm >= at(0) && alarm <= at(life));
        }

        #[test]
        fn no_clock_makes_arithmetic_panic(a in any::<i64>(), b in any::<i64>(), jitter in any::<f64>()) {
            let clamp = |s: i64| Timestamp::from_second(s % 250_000_000_000).unwrap_or(Timestamp::MAX);
            refresh_at(clamp(a), clamp(b), if jitter.is_nan() { 0.0 } else { jitter });
        }
    }
}
