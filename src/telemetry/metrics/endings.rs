//! How requests and attempts end, as an index: figures by it are looked up without a map.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::histogram::Histogram;

use super::names::{Metric, UNLISTED};
use crate::hub::Outcome;

const OUTCOMES: usize = Outcome::ALL.len();

/// A count for each outcome.
#[derive(Default)]
pub(super) struct ByOutcome([AtomicU64; OUTCOMES]);

impl ByOutcome {
    pub(super) fn count(&self, outcome: Outcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Those that there were.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let each = Outcome::ALL.into_iter().map(|outcome| (outcome.as_str(), self.0[outcome as usize].load(Ordering::Relaxed)));
        each.filter(|(_, count)| *count > 0)
    }
}

/// Statuses with which upstreams fail; any other is not told apart.
const STATUSES: [(u16, &str); 17] = [
    (400, "400"),
    (401, "401"),
    (402, "402"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (408, "408"),
    (409, "409"),
    (413, "413"),
    (415, "415"),
    (422, "422"),
    (429, "429"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (529, "529"),
];
const UNLISTED_STATUS: usize = OUTCOMES + STATUSES.len();
const ENDINGS: usize = UNLISTED_STATUS + 1;

/// How an attempt ended: the upstream's status where that says it, else the outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ending(usize);

impl Ending {
    pub(super) fn of_outcome(outcome: Outcome) -> Ending {
        Ending(outcome as usize)
    }

    pub(super) fn of_attempt(outcome: Outcome, status: Option<u16>) -> Ending {
        let Some(status) = status.filter(|status| *status >= 400) else { return Ending::of_outcome(outcome) };
        Ending(STATUSES.iter().position(|(listed, _)| *listed == status).map_or(UNLISTED_STATUS, |place| OUTCOMES + place))
    }

    /// OpenTelemetry's `error.type`; empty where nothing went wrong.
    fn error_type(self) -> &'static str {
        match self.0 {
            0 => "",
            outcome if outcome < OUTCOMES => Outcome::ALL[outcome].as_str(),
            status => STATUSES.get(status - OUTCOMES).map_or(UNLISTED, |(_, word)| *word),
        }
    }
}

/// A histogram for each ending; made when there is something in it.
#[derive(Default)]
pub(super) struct ByEnding([OnceLock<Histogram>; ENDINGS]);

impl ByEnding {
    pub(super) fn observe(&self, metric: &Metric, ending: Ending, value: f64) {
        observe(&self.0[ending.0], metric, value);
    }

    /// Those that there were, with their `error_type`.
    pub(super) fn histograms(&self) -> impl Iterator<Item = (&'static str, &Histogram)> {
        self.0.iter().enumerate().filter_map(|(place, histogram)| Some((Ending(place).error_type(), histogram.get()?)))
    }
}

/// Observes in a histogram of `metric`, which is made when there is something in it.
pub(super) fn observe(histogram: &OnceLock<Histogram>, metric: &Metric, value: f64) {
    histogram.get_or_init(|| Histogram::new(metric.bounds().iter().copied())).observe(value);
}

#[cfg(test)]
mod tests {
    use super::{ENDINGS, Ending, OUTCOMES};
    use crate::hub::Outcome;

    #[test]
    fn every_outcome_has_its_own_place() {
        let places: Vec<usize> = Outcome::ALL.into_iter().map(|outcome| outcome as usize).collect();
        assert_eq!(places, (0..OUTCOMES).collect::<Vec<_>>());
    }

    #[test]
    fn an_attempt_ends_with_its_status_where_that_says_why() {
        let ending = |outcome, status| Ending::of_attempt(outcome, status).error_type();
        assert_eq!(ending(Outcome::Ok, Some(200)), "");
        assert_eq!(ending(Outcome::UpstreamError, Some(429)), "429");
        assert_eq!(ending(Outcome::UpstreamError, Some(418)), "_OTHER");
        assert_eq!(ending(Outcome::UpstreamError, Some(200)), "upstream_error");
        assert_eq!(ending(Outcome::UpstreamTimeout, None), "upstream_timeout");
        assert_eq!(ending(Outcome::CutOff, Some(200)), "cut_off");
        let all: Vec<_> = (0..ENDINGS).map(|place| Ending(place).error_type()).collect();
        assert!(all.iter().enumerate().all(|(place, word)| !all[..place].contains(word)), "{all:?}");
    }
}
