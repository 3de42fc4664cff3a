//! What the commands that look back share: opening the ledger, saying since when, colours of outcomes.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::table::Tone;
use crate::hub::Outcome;
use crate::storage::ledger::{Period, Reader, Scope};

/// Which requests.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Which {
    /// Since when: an age (30m, 24h, 7d), a day (2026-11-28) or a time ("2026-11-28 09:30")
    #[arg(long, value_name = "WHEN", value_parser = Moment::parse)]
    pub since: Option<Moment>,
    /// Until when, likewise
    #[arg(long, value_name = "WHEN", value_parser = Moment::parse)]
    pub until: Option<Moment>,
    /// Only this model, by the name that was asked for
    #[arg(long, value_name = "MODEL", add = complete::models())]
    pub model: Option<String>,
    /// Only what this provider answered
    #[arg(long, value_name = "PROVIDER", add = complete::providers())]
    pub provider: Option<String>,
    /// Only what this key asked, by its name
    #[arg(long, value_name = "NAME", add = complete::keys())]
    pub key: Option<String>,
}

/// A moment as a person names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Moment {
    /// So long ago.
    Ago(Duration),
    /// A day or a time of this machine's place.
    Local(String),
}

impl Moment {
    fn parse(text: &str) -> Result<Moment, String> {
        if let Ok(age) = humantime::parse_duration(text) {
            return Ok(Moment::Ago(age));
        }
        let shape: String = text.chars().map(|character| if character.is_ascii_digit() { '0' } else { character }).collect();
        let known = ["0000-00-00", "0000-00-00 00:00", "0000-00-00T00:00", "0000-00-00 00:00:00", "0000-00-00T00:00:00"];
        match known.contains(&shape.as_str()) {
            true => Ok(Moment::Local(text.to_owned())),
            false => Err("expected an age such as 7d, a day such as 2026-11-28, or a time such as \"2026-11-28 09:30\"".to_owned()),
        }
    }

    /// When that is.
    fn resolve(&self, reader: &Reader) -> anyhow::Result<SystemTime> {
        match self {
            Moment::Ago(age) => Ok(SystemTime::now().checked_sub(*age).unwrap_or(SystemTime::UNIX_EPOCH)),
            Moment::Local(text) => {
                Ok(reader.local(text)?.ok_or_else(|| Failure::usage(format!("there is no such day or time: {text}")))?)
            }
        }
    }
}

impl Which {
    /// The same as the ledger is asked; without `since`, from so long ago on.
    pub fn scope(self, reader: &Reader, ago: Option<Duration>) -> anyhow::Result<Scope> {
        let since = self.since.or(ago.map(Moment::Ago));
        let period = Period {
            since: since.map(|since| since.resolve(reader)).transpose()?,
            until: self.until.map(|until| until.resolve(reader)).transpose()?,
        };
        Ok(Scope { period, model: self.model, provider: self.provider, caller: self.key })
    }
}

/// Where the ledger is.
pub fn place(context: &Context) -> anyhow::Result<PathBuf> {
    let loaded = context.load(&context.overrides())?;
    let nowhere = || Failure::usage("this platform has no directory for data").hint("set `storage.path`");
    Ok(loaded.config.storage.path.ok_or_else(nowhere)?)
}

/// The ledger, if there is one yet; else says so.
pub fn open(context: &Context) -> anyhow::Result<Option<Reader>> {
    let path = place(context)?;
    let opened = Reader::open(&path).map_err(|error| Failure::failed(format!("{}: {error}", path.display())))?;
    if opened.is_none() {
        context.printer.notice(&format!("nothing was recorded yet in {}; `llmgw serve` and `llmgw chat` do", path.display()));
    }
    Ok(opened)
}

/// What the colour of a request says.
pub fn tone(outcome: Outcome) -> Tone {
    match outcome {
        Outcome::Ok => Tone::Good,
        Outcome::ClientGone | Outcome::Abandoned => Tone::Faint,
        _ => Tone::Bad,
    }
}

/// So many dollars, to the digit that says something.
pub fn dollars(usd: f64) -> String {
    match usd.abs() {
        0.0 => "$0".to_owned(),
        small if small < 0.01 => format!("${usd:.6}"),
        small if small < 1.0 => format!("${usd:.4}"),
        _ => format!("${usd:.2}"),
    }
}

/// A time as people read it: `850 µs`, `12.3 ms`, `1.42 s`, `2 min 5 s`.
pub fn duration(duration: Duration) -> String {
    match duration.as_secs_f64() {
        seconds if seconds < 0.001 => format!("{} µs", duration.as_micros()),
        seconds if seconds < 0.1 => format!("{:.1} ms", seconds * 1e3),
        seconds if seconds < 1.0 => format!("{:.0} ms", seconds * 1e3),
        seconds if seconds < 60.0 => format!("{seconds:.2} s"),
        seconds => format!("{} min {} s", (seconds / 60.0) as u64, (seconds % 60.0) as u64),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Moment, dollars, duration};

    #[test]
    fn a_moment_is_an_age_a_day_or_a_time() {
        assert_eq!(Moment::parse("7d"), Ok(Moment::Ago(Duration::from_secs(7 * 86_400))));
        for text in ["2026-11-28", "2026-11-28 09:30", "2026-11-28T09:30:05"] {
            assert_eq!(Moment::parse(text), Ok(Moment::Local(text.to_owned())));
        }
        for text in ["yesterday", "7", "28.11.2026", "2026-11-28; DROP TABLE", ""] {
            assert!(Moment::parse(text).unwrap_err().contains("7d"), "{text}");
        }
    }

    #[test]
    fn money_and_time_have_the_digits_that_say_something() {
        assert_eq!([0.0, 0.000_123_4, 0.123_45, 12.345].map(dollars), ["$0", "$0.000123", "$0.1235", "$12.35"]);
        let times = [85, 12_340, 850_000, 1_420_000, 125_000_000].map(|micros| duration(Duration::from_micros(micros)));
        assert_eq!(times, ["85 µs", "12.3 ms", "850 ms", "1.42 s", "2 min 5 s"]);
    }
}
