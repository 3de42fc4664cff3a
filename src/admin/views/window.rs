//! How far back a page looks, and what was used in that time.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::admin::chart::{Chart, Form, Ink, Series, Unit};
use crate::admin::error::Error;
use crate::admin::visit::Visit;
use crate::storage::ledger::{Latency, Period, Point, Scope};
use crate::usage::Ledger;

/// A span of time up to now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::admin) enum Window {
    Hour,
    Day,
    Week,
    Month,
}

impl Window {
    pub(in crate::admin) const ALL: [Window; 4] = [Window::Hour, Window::Day, Window::Week, Window::Month];

    pub(in crate::admin) fn word(self) -> &'static str {
        match self {
            Window::Hour => "1h",
            Window::Day => "24h",
            Window::Week => "7d",
            Window::Month => "30d",
        }
    }

    /// The one of this word.
    pub(in crate::admin) fn of_word(word: &str) -> Option<Window> {
        Window::ALL.into_iter().find(|window| window.word() == word)
    }

    /// In seconds; and of each of its parts, some fifty to sixty of them.
    fn lengths(self) -> (u64, u64) {
        match self {
            Window::Hour => (3_600, 60),
            Window::Day => (86_400, 1_800),
            Window::Week => (7 * 86_400, 3 * 3_600),
            Window::Month => (30 * 86_400, 12 * 3_600),
        }
    }

    /// When it begins; the part that has begun then is in it.
    pub(in crate::admin) fn begins(self) -> u64 {
        let (length, step) = self.lengths();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        (now.saturating_sub(length) / step + 1) * step
    }
}

/// From this second on.
pub(in crate::admin) fn since(second: u64) -> Period {
    Period { since: Some(UNIX_EPOCH + Duration::from_secs(second)), until: None }
}

/// What was used in a window, and how it went.
#[derive(Serialize)]
pub(in crate::admin) struct History {
    pub window: &'static str,
    /// When it begins, in seconds since 1970.
    pub begins: u64,
    /// How long each of `series` is; those that are not there were empty.
    pub step_seconds: u64,
    pub requests: u64,
    pub failed: u64,
    pub success_rate: Option<f64>,
    /// Tokens of prompts and answers.
    pub input: u64,
    pub output: u64,
    /// USD, as far as prices are known.
    pub cost: f64,
    /// Answers whose price nobody knows.
    pub unpriced: u64,
    pub latency: Latency,
    pub series: Vec<Point>,
}

/// A picture of one figure over the window.
pub(in crate::admin) struct Picture {
    pub title: &'static str,
    /// What the colours mean.
    pub legend: Vec<(&'static str, &'static str)>,
    /// `svg`, made here.
    pub svg: String,
}

impl History {
    /// What `ledger` has of `window`, as far as it is within `scope`, whose period does not matter.
    pub(in crate::admin) async fn of(ledger: &Ledger, window: Window, scope: Scope) -> Result<History, String> {
        let ((_, step), begins) = (window.lengths(), window.begins());
        let scope = Scope { period: since(begins), ..scope };
        let (series, latency) = tokio::join!(ledger.series(scope.clone(), step * 1000), ledger.latency(scope));
        let (series, latency) = (series.map_err(|error| error.to_string())?, latency.map_err(|error| error.to_string())?);
        let total = |of: fn(&Point) -> u64| series.iter().map(of).sum::<u64>();
        let (requests, failed) = (total(|point| point.sum.requests), total(|point| point.sum.failed));
        Ok(History {
            window: window.word(),
            begins,
            step_seconds: step,
            requests,
            failed,
            success_rate: (requests > 0).then(|| (requests - failed) as f64 / requests as f64),
            input: total(|point| point.sum.input),
            output: total(|point| point.sum.output),
            cost: series.iter().map(|point| point.sum.cost).sum(),
            unpriced: total(|point| point.sum.unpriced),
            latency,
            series,
        })
    }

    /// Requests, times, tokens and cost, drawn.
    pub(in crate::admin) fn pictures(&self, visit: &Visit) -> Result<Vec<Picture>, Error> {
        let texts = visit.language.texts();
        let known = |of: fn(&Point) -> Option<f64>| self.spans(of, None);
        let counted = |of: fn(&Point) -> Option<f64>| self.spans(of, Some(0.0));
        let series = |name, ink, values| Series { name, ink, values };
        let pictures = [
            (
                texts.requests,
                Form::Bars,
                Unit::Count,
                vec![
                    series(texts.answered, Ink::Good, counted(|point| Some((point.sum.requests - point.sum.failed) as f64))),
                    series(texts.failed, Ink::Bad, counted(|point| Some(point.sum.failed as f64))),
                ],
            ),
            (
                texts.latency,
                Form::Lines,
                Unit::Milliseconds,
                vec![
                    series(texts.whole_answer, Ink::One, known(|point| point.sum.mean_ms)),
                    series(texts.first_token, Ink::Two, known(|point| point.sum.mean_first_token_ms)),
                ],
            ),
            (
                texts.tokens,
                Form::Bars,
                Unit::Count,
                vec![
                    series(texts.input, Ink::One, counted(|point| Some(point.sum.input as f64))),
                    series(texts.output, Ink::Two, counted(|point| Some(point.sum.output as f64))),
                ],
            ),
            (texts.cost, Form::Bars, Unit::Usd, vec![series(texts.cost, Ink::Three, counted(|point| Some(point.sum.cost)))]),
        ];
        pictures.into_iter().map(|(title, form, unit, series)| self.picture(visit, title, (form, unit), &series)).collect()
    }

    fn picture(&self, visit: &Visit, title: &'static str, (form, unit): (Form, Unit), series: &[Series]) -> Result<Picture, Error> {
        let highest = series.iter().flat_map(|series| series.values.iter().flatten()).copied().fold(0.0, f64::max);
        let label = format!("{title}, {}: {} {}", self.window, visit.language.texts().at_most, unit.write(highest));
        let chart = Chart { begins: self.begins, step: self.step_seconds, form, series, unit, clock: visit.clock, label: &label };
        let legend = if series.len() > 1 { series.iter().map(|one| (one.name, one.ink.class())).collect() } else { Vec::new() };
        Ok(Picture { title, legend, svg: chart.draw()? })
    }

    /// One value for each part of the window, also for those in which nothing was.
    fn spans(&self, of: fn(&Point) -> Option<f64>, empty: Option<f64>) -> Vec<Option<f64>> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let count = (now.saturating_sub(self.begins) / self.step_seconds + 1) as usize;
        let mut values = vec![empty; count];
        for point in &self.series {
            let at = (point.time / 1000).checked_sub(self.begins).map(|after| (after / self.step_seconds) as usize);
            if let Some(value) = at.and_then(|at| values.get_mut(at)) {
                *value = of(point);
            }
        }
        values
    }
}
