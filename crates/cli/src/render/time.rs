//! Times relative to now.

use jiff::{SignedDuration, Timestamp};

/// `41 min`: the length of a time, in its largest unit.
pub(crate) fn length(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match seconds {
        0..=99 => format!("{seconds} s"),
        100..=5_399 => format!("{} min", seconds / 60),
        5_400..=172_799 => format!("{} h", seconds / 3_600),
        172_800.. => format!("{} days", seconds / 86_400),
        i64::MIN..0 => unreachable!("bounded above"),
    }
}

/// `41 min`: how long until `then`.
pub(crate) fn until(now: Timestamp, then: Timestamp) -> String {
    length(then.duration_since(now))
}

/// `3 min ago`, or `now`.
pub(crate) fn ago(now: Timestamp, then: Timestamp) -> String {
    let since = now.duration_since(then);
    if since < SignedDuration::from_secs(1) {
        "now".to_owned()
    } else {
        format!("{} ago", length(since))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_use_their_largest_unit() {
        let length = |seconds| length(SignedDuration::from_secs(seconds));
        assert_eq!(length(-5), "0 s");
        assert_eq!(length(59), "59 s");
        assert_eq!(length(2_460), "41 min");
        assert_eq!(length(7_200), "2 h");
        assert_eq!(length(30 * 86_400), "30 days");
    }
}
