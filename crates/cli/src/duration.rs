//! Durations as people type them: `90`, `90s`, `10min`, `2h`, `30d`.

/// Reads a duration as whole seconds.
pub(crate) fn seconds(text: &str) -> Result<u64, String> {
    let bad = || format!("`{text}` is not a duration; write `90s`, `10min`, `2h` or `30d`");
    let digits = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "" | "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(bad()),
    };
    if number.is_empty() {
        return Err(bad());
    }
    let number: Option<u64> = number.parse().ok();
    number
        .and_then(|number| number.checked_mul(unit))
        .ok_or_else(|| format!("`{text}` is too long"))
}

/// As [`seconds`], where a number alone could mean anything.
pub(crate) fn seconds_with_unit(text: &str) -> Result<u64, String> {
    let seconds = seconds(text)?;
    if text.ends_with(|c: char| c.is_ascii_digit()) {
        return Err(format!(
            "`{text}` has no unit; write `{text}d` for days, or `s`, `min`, `h`"
        ));
    }
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read() {
        let read = |text| seconds(text).ok();
        assert_eq!(read("90"), Some(90));
        assert_eq!(read("10min"), Some(600));
        assert_eq!(read("30d"), Some(2_592_000));
        for bad in ["", "s", "-1", "1.5h", "1 h", "1w", "99999999999999999999d"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
