//! Figures and names as they stand on the screen, where there is little room.

use std::time::Duration;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::admin::format;
use crate::cli::recorded;
use crate::cli::table::one_line;
use crate::cli::top::figures::{Ended, Provider, milliseconds};

/// What stands where there is nothing to say.
pub const NOTHING: &str = "–";

/// Cells that `text` takes.
pub fn width(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` in at most `cells` cells; what is left out is a `…`.
pub fn fit(text: &str, cells: u16) -> String {
    let text = one_line(text);
    if width(&text) <= cells {
        return text;
    }
    let (mut kept, mut left) = (String::new(), usize::from(cells.saturating_sub(1)));
    for character in text.chars() {
        let takes = character.width().unwrap_or_default();
        if takes > left {
            break;
        }
        left -= takes;
        kept.push(character);
    }
    if cells > 0 {
        kept.push('…');
    }
    kept
}

/// The two largest units: `3 d 4 h`, `12 min`, `5 s`.
pub fn age(age: Duration) -> String {
    let seconds = age.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

/// Dollars where several stand below each other: two digits that say something, without the rest.
pub fn dollars(usd: f64) -> String {
    match usd {
        nothing if nothing <= 0.0 => "$0".to_owned(),
        tiny if tiny < 0.000_1 => "<$0.0001".to_owned(),
        small if small < 0.1 => format!("${small:.4}"),
        large if large >= 100_000.0 => format!("${}", format::short(large as u64)),
        usd => format!("${usd:.2}"),
    }
}

/// What it cost as far as prices are known; a mark where some are not.
pub fn cost(usd: f64, unpriced: u64) -> String {
    match unpriced {
        0 => dollars(usd),
        _ if usd <= 0.0 => "?".to_owned(),
        _ => format!("{}+?", dollars(usd)),
    }
}

/// So many a second.
pub fn rate(per_second: f64) -> String {
    match per_second {
        nothing if nothing <= 0.0 => "0".to_owned(),
        small if small < 9.95 => format!("{small:.1}"),
        large => format::short(large.round() as u64),
    }
}

/// Of 0 to 1.
pub fn share(share: Option<f64>) -> String {
    share.map_or_else(|| NOTHING.to_owned(), format::percent)
}

/// Of milliseconds.
pub fn time(number: Option<f64>) -> String {
    number.map_or_else(|| NOTHING.to_owned(), |number| recorded::duration(milliseconds(number)))
}

/// Of whole milliseconds, of which a fast upstream needs none.
pub fn whole(number: Option<impl Into<u64>>) -> String {
    match number.map(Into::into) {
        Some(0) => "<1 ms".to_owned(),
        other => time(other.map(|number| number as f64)),
    }
}

/// How a provider is, in a word or two.
pub fn state(provider: &Provider) -> String {
    match provider.state.as_str() {
        "closed" => "ok".to_owned(),
        "cooling" => format!("cooling {:.0} s", provider.cooldown_left_seconds.ceil()),
        "disabled" if provider.disabled_by_operator && provider.in_flight > 0 => "draining".to_owned(),
        "disabled" if provider.disabled_by_operator => "drained".to_owned(),
        word => word.to_owned(),
    }
}

/// `gpt-4 → b/m-b`
pub fn way(ended: &Ended) -> String {
    let asked = if ended.model.is_empty() { &ended.endpoint } else { &ended.model };
    let upstream = if ended.upstream_model.is_empty() { String::new() } else { format!("/{}", ended.upstream_model) };
    if ended.provider.is_empty() { asked.clone() } else { format!("{asked} → {}{upstream}", ended.provider) }
}

/// `1,204 → 88` in short.
pub fn tokens(ended: &Ended) -> String {
    let short = |number| format::short(number);
    ended.usage.map_or_else(|| NOTHING.to_owned(), |usage| format!("{}→{}", short(usage.input), short(usage.output)))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{age, cost, fit, rate, width};

    #[test]
    fn a_text_is_cut_by_cells_and_never_within_a_character() {
        for (text, cells, expected) in [
            ("gpt-4", 5, "gpt-4"),
            ("gpt-4o", 5, "gpt-…"),
            ("深度求索", 8, "深度求索"),
            ("深度求索", 6, "深度…"),
            ("深度", 1, "…"),
            ("x", 0, ""),
        ] {
            let found = fit(text, cells);
            assert_eq!(found, expected);
            assert!(width(&found) <= cells, "{text}");
        }
        assert_eq!(fit("a\x1b[2Jb\nc", 20), "a [2Jb c", "what others wrote moves no cursor");
    }

    #[test]
    fn figures_are_short() {
        let ages = [5, 65, 3_700, 100_000].map(|seconds| age(Duration::from_secs(seconds)));
        assert_eq!(ages, ["5 s", "1 min", "1 h 1 min", "1 d 3 h"]);
        assert_eq!([0.0, 0.04, 3.21, 12.6, 1_234.0].map(rate), ["0", "0.0", "3.2", "13", "1.23k"]);
        let costs = [(0.0, 0), (0.000_01, 0), (0.012, 0), (12.3, 0), (12.3, 1), (0.0, 4)].map(|(usd, unpriced)| cost(usd, unpriced));
        assert_eq!(costs, ["$0", "<$0.0001", "$0.0120", "$12.30", "$12.30+?", "?"]);
    }
}
