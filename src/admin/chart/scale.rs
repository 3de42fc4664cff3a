//! Round figures beside a chart, and round times below it, on the reader's own clock.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::admin::clock::Clock;

/// Lines across a chart, at most.
const LINES: f64 = 4.0;

/// One direction of a chart: from where to where, and what is written beside it.
pub(super) struct Scale<F> {
    range: Range<f64>,
    ticks: Vec<f64>,
    write: F,
}

impl<F: Fn(f64) -> String> Scale<F> {
    pub(super) fn new(range: Range<f64>, ticks: Vec<f64>, write: F) -> Scale<F> {
        Scale { range, ticks, write }
    }
}

impl<F> Ranged for Scale<F> {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, until): (i32, i32)) -> i32 {
        let share = (value - self.range.start) / (self.range.end - self.range.start);
        from + (share * f64::from(until - from)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // There are no lines between the lines.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.range.clone()
    }
}

impl<F: Fn(f64) -> String> ValueFormatter<f64> for Scale<F> {
    fn format_ext(&self, value: &f64) -> String {
        (self.write)(*value)
    }
}

/// From zero to a round figure.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    pub top: f64,
    pub ticks: Vec<f64>,
}

impl Axis {
    /// High enough for `highest`; in steps of one, two, two and a half or five of a power of ten.
    pub(super) fn up_to(highest: f64, is_whole: bool) -> Axis {
        let least = if is_whole { 1.0 } else { f64::MIN_POSITIVE };
        let highest = if highest > 0.0 { highest } else { 1.0 };
        let power = 10_f64.powf((highest / LINES).log10().floor());
        let steps = [1.0, 2.0, 2.5, 5.0, 10.0].map(|digit| digit * power);
        let fits = |step: &f64| *step >= least && (!is_whole || step.fract() == 0.0) && step * LINES >= highest * 0.999_999;
        let step = steps.into_iter().find(fits).unwrap_or_else(|| (highest / LINES).ceil().max(least));
        let count = (highest / step - 0.000_001).ceil().max(1.0);
        Axis { top: step * count, ticks: (0..=count as u32).map(|line| step * f64::from(line)).collect() }
    }
}

/// Round times from `begins` to `until`, four to eight of them.
pub(super) fn ticks_of_time(begins: u64, until: u64, clock: Clock) -> Vec<u64> {
    const STEPS: [u64; 11] = [300, 600, 900, 1800, 3600, 7200, 4 * 3600, 6 * 3600, 12 * 3600, 86_400, 5 * 86_400];
    let span = until.saturating_sub(begins);
    let step = STEPS.into_iter().find(|step| span / step <= 7).unwrap_or(span.max(1));
    let first = clock.local(begins).div_ceil(step) * step;
    let shift = clock.ahead();
    let times = (0..).map(|number| first + number * step).map(|local| local.saturating_add_signed(-shift));
    times.take_while(|time| *time <= until).collect()
}

#[cfg(test)]
mod tests {
    use super::{Axis, Clock, ticks_of_time};

    #[test]
    fn figures_are_round_and_high_enough() {
        for (highest, whole, top, ticks) in [
            (0.0, true, 1.0, 2),
            (1.0, true, 1.0, 2),
            (3.0, true, 3.0, 4),
            (7.0, true, 8.0, 5),
            (34.0, true, 40.0, 5),
            (1_234.0, true, 1_500.0, 4),
            (0.034, false, 0.04, 5),
            (250.0, false, 300.0, 4),
        ] {
            let axis = Axis::up_to(highest, whole);
            assert!((axis.top - top).abs() < 1e-9 && axis.ticks.len() == ticks, "{highest}: {axis:?}");
            assert!(axis.top >= highest && axis.ticks.len() <= 5, "{highest}: {axis:?}");
            assert!(!whole || axis.ticks.iter().all(|tick| tick.fract() == 0.0), "{axis:?}");
        }
    }

    #[test]
    fn times_are_round_on_the_readers_clock() {
        // 2026-11-28 00:17:00 UTC
        let begins = 1_795_825_020;
        let utc = Clock::default();
        assert_eq!(utc.text(begins), "2026-11-28 00:17:00");
        let hour = ticks_of_time(begins, begins + 3_600, utc);
        assert_eq!(
            hour.iter().map(|time| utc.tick(*time, 3_600)).collect::<Vec<_>>(),
            ["00:20", "00:30", "00:40", "00:50", "01:00", "01:10"]
        );
        let shanghai = Clock::ahead_by("480");
        let day = ticks_of_time(begins, begins + 86_400, shanghai);
        assert_eq!(
            day.iter().map(|time| shanghai.tick(*time, 86_400)).collect::<Vec<_>>(),
            ["12:00", "16:00", "20:00", "11-29", "04:00", "08:00"]
        );
        let new_york = Clock::ahead_by("-300");
        let month = ticks_of_time(begins, begins + 30 * 86_400, new_york);
        assert!(month.len() >= 5 && month.iter().all(|time| new_york.text(*time).ends_with("00:00:00")), "{month:?}");
        for wild in ["", "x", "100000", "1.5"] {
            assert_eq!(Clock::ahead_by(wild), utc);
        }
    }
}
