//! When a key ends, as people type it: `90d` from now, or a date.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::duration;

/// Reads `90d`, or `2026-12-31`: the end of that day here.
pub(crate) fn read(text: &str) -> Result<Timestamp, String> {
    read_at(text, Timestamp::now(), &TimeZone::system())
}

fn read_at(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let bad = || format!("`{text}` is no end; write `90d`, or a date such as `2026-12-31`");
    let end = if let Ok(date) = text.parse::<Date>() {
        let next = date.tomorrow().map_err(|_| bad())?;
        let midnight = next.to_zoned(zone.clone()).map_err(|_| bad())?;
        midnight.timestamp()
    } else {
        let seconds = duration::seconds_with_unit(text).map_err(|_| bad())?;
        let seconds = i64::try_from(seconds).map_err(|_| bad())?;
        let later = now.checked_add(SignedDuration::from_secs(seconds));
        later.map_err(|_| bad())?
    };
    if end <= now {
        return Err(format!("`{text}` is over already"));
    }
    Ok(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        let read = |text| read_at(text, now, &TimeZone::UTC).map(|end| end.to_string());
        assert_eq!(read("90d").unwrap(), "2027-02-20T12:00:00Z");
        assert_eq!(read("2026-12-31").unwrap(), "2027-01-01T00:00:00Z");
        assert_eq!(read("2026-11-22").unwrap(), "2026-11-23T00:00:00Z", "today");
        for bad in ["", "90", "soon", "2026-11-21", "0d", "2026-13-01"] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}
