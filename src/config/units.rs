//! Durations (`30s`) and sizes (`10MB`) as people write them, both ways.

use std::time::Duration;

/// Longer waits are mistakes; adding them to a clock could overflow.
const LONGEST: Duration = Duration::from_secs(10 * 365 * 86_400);

/// Units of time in milliseconds, longest first.
const TIMES: [(&str, u64); 5] = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Units of size in bytes, in the order in which a size is printed.
const SIZES: [(&str, u64); 9] = [
    ("TiB", 1 << 40),
    ("TB", 1_000_000_000_000),
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("MB", 1_000_000),
    ("KiB", 1 << 10),
    ("KB", 1000),
    ("B", 1),
];

/// What is wrong with a duration or size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// `30`
    #[error("a duration needs a unit: `{0}s` is seconds, `{0}ms` milliseconds")]
    NoUnit(String),
    /// `30 parsecs`, `soon`
    #[error("expected a duration such as `500ms`, `30s`, `5m`, `8h` or `1d`, found `{0}`")]
    NotADuration(String),
    /// `1000000d`
    #[error("`{0}` is longer than ten years")]
    TooLong(String),
    /// `ten`
    #[error("expected a size such as `64MB`, `10MiB` or a number of bytes, found `{0}`")]
    NotASize(String),
}

/// `500ms`, `30s`, `1.5h`, `1h30m`; `0` alone needs no unit.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let trimmed = text.trim();
    if trimmed == "0" {
        return Ok(Duration::ZERO);
    }
    if trimmed.parse::<f64>().is_ok() {
        return Err(UnitError::NoUnit(trimmed.to_owned()));
    }
    let invalid = || UnitError::NotADuration(trimmed.to_owned());
    let mut rest = trimmed;
    let mut milliseconds = 0.0_f64;
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        let (number, after) = split_number(rest).ok_or_else(invalid)?;
        let end = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (_, factor) = TIMES.iter().find(|(unit, _)| *unit == &after[..end]).ok_or_else(invalid)?;
        milliseconds += number * *factor as f64;
        rest = &after[end..];
    }
    if milliseconds > LONGEST.as_millis() as f64 {
        return Err(UnitError::TooLong(trimmed.to_owned()));
    }
    Ok(Duration::from_millis(milliseconds.round() as u64))
}

/// `10MB` (10⁶), `10MiB` (2²⁰) or plain bytes; the unit in any case.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    let trimmed = text.trim();
    let invalid = || UnitError::NotASize(trimmed.to_owned());
    let (number, unit) = split_number(trimmed).ok_or_else(invalid)?;
    let unit = unit.trim();
    let factor = match unit {
        "" => 1,
        _ => SIZES.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit)).ok_or_else(invalid)?.1,
    };
    let bytes = number * factor as f64;
    let whole = bytes.fract() == 0.0 && bytes < (1_u64 << 53) as f64;
    if whole { Ok(bytes as u64) } else { Err(invalid()) }
}

/// The shortest text that [`parse_duration`] reads as `duration`.
pub fn format_duration(duration: Duration) -> String {
    let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    if milliseconds == 0 {
        return "0s".to_owned();
    }
    let exact = TIMES.iter().find(|(_, factor)| milliseconds.is_multiple_of(*factor));
    let (unit, factor) = exact.copied().unwrap_or(("ms", 1));
    // People say 30m and 24h, but 90s rather than 1.5m.
    format!("{}{unit}", milliseconds / factor)
}

/// The shortest text that [`parse_size`] reads as `bytes`.
pub fn format_size(bytes: u64) -> String {
    let exact = SIZES.iter().find(|(_, factor)| bytes != 0 && bytes.is_multiple_of(*factor));
    match exact {
        Some((unit, factor)) if *factor > 1 => format!("{}{unit}", bytes / factor),
        _ => bytes.to_string(),
    }
}

fn split_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number = text[..end].parse().ok()?;
    Some((number, &text[end..]))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{UnitError, format_duration, format_size, parse_duration, parse_size};

    #[test]
    fn durations_read_and_write() {
        let cases = [("500ms", 500), ("30s", 30_000), ("5m", 300_000), ("8h", 28_800_000), ("1d", 86_400_000), ("30d", 2_592_000_000)];
        for (text, milliseconds) in cases {
            assert_eq!(parse_duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
            assert_eq!(format_duration(Duration::from_millis(milliseconds)), text);
        }
        assert_eq!(parse_duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("0.5s"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration(" 0 "), Ok(Duration::ZERO));
        assert_eq!(format_duration(Duration::ZERO), "0s");
        assert_eq!(format_duration(Duration::from_secs(90)), "90s");
    }

    #[test]
    fn a_duration_needs_a_unit_and_an_end() {
        assert_eq!(parse_duration("30"), Err(UnitError::NoUnit("30".to_owned())));
        for text in ["", "s", "-5s", "30 parsecs", "5s!", "soon", "1.2.3s", "三十秒", "NaNs", "5S"] {
            assert_eq!(parse_duration(text), Err(UnitError::NotADuration(text.to_owned())), "{text}");
        }
        assert_eq!(parse_duration("99999d"), Err(UnitError::TooLong("99999d".to_owned())));
    }

    #[test]
    fn sizes_read_and_write() {
        let cases = [("64MB", 64_000_000), ("10MiB", 10 << 20), ("1GB", 1_000_000_000), ("512", 512), ("2KiB", 2048), ("0", 0)];
        for (text, bytes) in cases {
            assert_eq!(parse_size(text), Ok(bytes), "{text}");
            assert_eq!(format_size(bytes), text);
        }
        assert_eq!(parse_size("1.5 mb"), Ok(1_500_000));
        for text in ["", "MB", "-1", "10XB", "1.0000001B", "十兆"] {
            assert_eq!(parse_size(text), Err(UnitError::NotASize(text.to_owned())), "{text}");
        }
    }
}
