//! Times relative to now.

use jiff::{SignedDuration, Timestamp};

/// `41 min`: the length of a time, rounded in its largest unit.
pub(crate) fn length(duration: SignedDuration) -> String {
    let seconds = (duration.as_millis().max(0) + 999) / 1_000;
    let (unit, name) = match seconds {
        ..100 => (1, "s"),
        100..5_400 => (60, "min"),
        5_400..172_800 => (3_600, "h"),
        172_800.. => (86_400, "days"),
    };
    format!("{} {name}", (seconds + unit / 2) / unit)
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
        assert_eq!(length(299), "5 min");
        assert_eq!(length(2_460), "41 min");
        assert_eq!(length(7_200), "2 h");
        assert_eq!(length(30 * 86_400), "30 days");
    }
}
