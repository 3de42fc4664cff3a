//! Figures as people read them. Short, with the same number of digits everywhere, in both languages.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::admin::clock::Clock;
use crate::admin::texts::Texts;

/// What stands where there is nothing to say.
pub(super) const NOTHING: &str = "–";

/// `12,345`
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// `987`, `12.3k`, `4.56M`
pub fn short(number: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1_000_000_000, "B"), (1_000_000, "M"), (1_000, "k")];
    let Some((step, unit)) = STEPS.into_iter().find(|(step, _)| number >= *step) else { return number.to_string() };
    format!("{}{unit}", three_digits(number as f64 / step as f64))
}

/// Of 0 to 1: `99.95%`; `100%` only if it is.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent >= 100.0 {
        return "100%".to_owned();
    }
    // Not rounded up: a single failure in a million shows.
    let digits = if percent >= 99.0 { 100.0 } else { 10.0 };
    format!("{}%", (percent * digits).floor() / digits)
}

/// `0.4 ms`, `412 ms`, `3.21 s`, `2m 05s`
pub(super) fn took(duration: Duration) -> String {
    let milliseconds = duration.as_secs_f64() * 1000.0;
    match milliseconds {
        ..0.05 => "0 ms".to_owned(),
        ..10.0 => format!("{milliseconds:.1} ms"),
        ..1_000.0 => format!("{milliseconds:.0} ms"),
        ..10_000.0 => format!("{:.2} s", milliseconds / 1000.0),
        ..60_000.0 => format!("{:.1} s", milliseconds / 1000.0),
        _ => {
            let seconds = duration.as_secs();
            format!("{}m {:02}s", seconds / 60, seconds % 60)
        }
    }
}

/// The two largest units: `3d 4h`, `5 分 12 秒`.
pub(super) fn span(seconds: u64, texts: &Texts) -> String {
    let units = [(86_400, texts.days), (3_600, texts.hours), (60, texts.minutes), (1, texts.seconds)];
    let first = units.iter().position(|(length, _)| seconds >= *length).unwrap_or(units.len() - 1);
    let part = |(length, unit): (u64, &str), of: u64| unit.replace("{}", &(of / length).to_string());
    let (length, _) = units[first];
    let mut parts = vec![part(units[first], seconds)];
    if let Some(next) = units.get(first + 1).filter(|(next, _)| seconds % length >= *next) {
        parts.push(part(*next, seconds % length));
    }
    parts.join(" ")
}

/// `412 B`, `3.2 kB`, `1.05 MB`
pub(super) fn bytes(number: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")];
    let Some((step, unit)) = STEPS.into_iter().find(|(step, _)| number >= *step) else { return format!("{number} B") };
    format!("{} {unit}", three_digits(number as f64 / step as f64))
}

/// `$0.0042`, `$12.30`; as many digits as say something.
pub(super) fn usd(amount: f64) -> String {
    match amount.abs() {
        0.0 => "$0".to_owned(),
        ..0.000_05 => "<$0.0001".to_owned(),
        ..1.0 => format!("${amount:.4}"),
        ..1_000.0 => format!("${amount:.2}"),
        _ => format!("${}", count(amount.round() as u64)),
    }
}

/// A share of a price per million tokens: `2.5`, `0.14`.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// `2026-11-28T08:18:11.412Z`, for programs.
pub(super) fn instant(at: SystemTime) -> String {
    humantime::format_rfc3339_millis(at).to_string()
}

/// `11-28 08:18:11`, on the reader's clock.
pub(super) fn moment(at: SystemTime, clock: Clock) -> String {
    let seconds = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    clock.text(seconds).get(5..).unwrap_or_default().to_owned()
}

fn three_digits(value: f64) -> String {
    match value {
        ..9.995 => format!("{value:.2}"),
        ..99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{bytes, count, number, percent, short, span, took, usd};
    use crate::admin::texts::Language;

    #[test]
    fn figures_are_short_and_true() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([999, 1_000, 12_345, 456_789, 7_890_123].map(short), ["999", "1.00k", "12.3k", "457k", "7.89M"]);
        assert_eq!([1.0, 0.999_999, 0.9949, 0.5, 0.0].map(percent), ["100%", "99.99%", "99.49%", "50%", "0%"]);
        assert_eq!([0.0, 0.000_04, 0.0042, 12.3, 1234.0].map(usd), ["$0", "<$0.0001", "$0.0042", "$12.30", "$1,234"]);
        assert_eq!([10, 3_210, 1_050_000].map(bytes), ["10 B", "3.21 kB", "1.05 MB"]);
        assert_eq!([2.5, 0.14, 10.0].map(number), ["2.5", "0.14", "10"]);
        let micros = [0, 412, 12_300, 412_000, 3_210_000, 45_600_000, 125_000_000];
        let expected = ["0 ms", "0.4 ms", "12 ms", "412 ms", "3.21 s", "45.6 s", "2m 05s"];
        assert_eq!(micros.map(|micros| took(Duration::from_micros(micros))), expected);
    }

    #[test]
    fn spans_have_two_units_at_most() {
        let (english, chinese) = (Language::English.texts(), Language::Chinese.texts());
        assert_eq!([0, 59, 60, 3_723, 90_000].map(|seconds| span(seconds, english)), ["0s", "59s", "1m", "1h 2m", "1d 1h"]);
        assert_eq!([0, 312, 90_061].map(|seconds| span(seconds, chinese)), ["0 秒", "5 分 12 秒", "1 天 1 小时"]);
    }
}
