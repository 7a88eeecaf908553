//! `Retry-After` in all its spellings (RFC 9110, section 10.2.3), and some that no RFC knows.

use jiff::civil::DateTime;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A longer wish is cut to this: a login must not rest for a year because of a typing error.
const LONGEST: SignedDuration = SignedDuration::from_hours(1);

/// The three forms of an HTTP date.
const DATES: &[&str] = &[
    "%a, %d %b %Y %H:%M:%S GMT",
    "%A, %d-%b-%y %H:%M:%S GMT",
    "%a %b %e %H:%M:%S %Y",
];

/// How long the provider wishes us to wait, or None if it said nothing usable.
pub(super) fn parse(text: &str, now: Timestamp) -> Option<SignedDuration> {
    let text = text.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return from_seconds(seconds);
    }
    let until = http_date(text).or_else(|| text.parse().ok())?;
    Some(
        until
            .duration_since(now)
            .clamp(SignedDuration::ZERO, LONGEST),
    )
}

/// Reads an HTTP date (RFC 9110, section 5.6.7).
pub fn http_date(text: &str) -> Option<Timestamp> {
    DATES.iter().find_map(|format| {
        let civil: DateTime = strtime::parse(format, text).ok()?.to_datetime().ok()?;
        Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
    })
}

/// Seconds, perhaps with a fraction; nothing if they are negative or no number.
pub(super) fn from_seconds(seconds: f64) -> Option<SignedDuration> {
    (seconds >= 0.0).then(|| SignedDuration::from_secs_f64(seconds.min(LONGEST.as_secs_f64())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_is_read() {
        let now: Timestamp = "1994-11-06T08:49:00Z".parse().unwrap();
        let cases = [
            ("37", Some(37_000)),
            (" 1.5 ", Some(1_500)),
            ("0", Some(0)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(37_000)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(37_000)),
            ("Sun Nov  6 08:49:37 1994", Some(37_000)),
            ("1994-11-06T08:49:37Z", Some(37_000)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0)),
            ("31536000", Some(3_600_000)),
            ("Sun, 06 Nov 2095 08:49:37 GMT", Some(3_600_000)),
            ("-1", None),
            ("NaN", None),
            ("tomorrow", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let read = parse(text, now).map(|wait| wait.as_millis());
            assert_eq!(read, expected, "{text}");
        }
    }
}
