//! What several measurements of one thing come to: [`Spread`].

use serde::Serialize;

/// The middle of some measurements, and how far they lie apart.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Spread {
    /// Half of them are no larger. One that is far out does not move it, as it would an average.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// A tenth of them are no larger.
    pub p10: f64,
    /// Nine tenths of them are no larger.
    pub p90: f64,
    /// The greatest.
    pub max: f64,
}

impl Spread {
    /// Of finite `values`, in any order, to a tenth; `None`: there are none.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Option<Spread> {
        let mut sorted: Vec<f64> = values.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |share| quantile(&sorted, share).map(tenths);
        Some(Spread { median: at(0.5)?, min: at(0.0)?, p10: at(0.1)?, p90: at(0.9)?, max: at(1.0)? })
    }
}

/// Half of `values` are no larger.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    Spread::of(values).map(|spread| spread.median)
}

/// Finer than a tenth is nothing that was measured.
fn tenths(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}

/// `share` of `sorted` are no larger; between two of them, in proportion.
fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let position = share * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted.get(position.floor() as usize)?, sorted.get(position.ceil() as usize)?);
    Some(below + (above - below) * position.fract())
}

#[cfg(test)]
mod tests {
    use super::{Spread, median};

    #[test]
    fn a_spread_lies_between_what_was_measured() {
        let values = [50.0, 10.0, 40.0, 20.0, 30.0, 60.0, 70.0, 80.0, 90.0, 100.0, 110.0];
        assert_eq!(Spread::of(values), Some(Spread { median: 60.0, min: 10.0, p10: 20.0, p90: 100.0, max: 110.0 }));
        assert_eq!(Spread::of([7.0]), Some(Spread { median: 7.0, min: 7.0, p10: 7.0, p90: 7.0, max: 7.0 }));
        assert_eq!(Spread::of([]), None);
    }

    #[test]
    fn the_middle_of_two_lies_between_them_and_one_far_out_moves_nothing() {
        assert_eq!(median([10.0, 20.0]), Some(15.0));
        assert_eq!(median([20.0, 10.0, 1e9]), Some(20.0));
        let spread = Spread::of([10.0, 20.0]).unwrap();
        assert_eq!((spread.p10, spread.p90), (11.0, 19.0));
        assert_eq!(median([0.11, 0.12]), Some(0.1));
    }
}
