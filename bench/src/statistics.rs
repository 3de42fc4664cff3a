//! Medians and ratios. A ratio is taken within a round, between neighbours in time; then the median over the rounds.

/// `None` of nothing.
pub fn median(values: impl IntoIterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        length if length % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}

/// The median of `of(a, b)` over pairs of the same round; a pair that lacks a value is left out.
pub fn median_of_pairs<T>(left: &[T], right: &[T], of: impl Fn(&T, &T) -> Option<f64>) -> Option<f64> {
    median(left.iter().zip(right).filter_map(|(left, right)| of(left, right)))
}

pub fn ratio(left: Option<f64>, right: Option<f64>) -> Option<f64> {
    let (left, right) = (left?, right?);
    (right > 0.0).then(|| left / right)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        assert_eq!(median([]), None);
        assert_eq!(median([3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median([4.0, 1.0, 2.0, 3.0]), Some(2.5));
    }

    #[test]
    fn ratios_are_taken_within_a_round() {
        let left = [Some(1.0), Some(20.0), None];
        let right = [Some(2.0), Some(40.0), Some(1.0)];
        assert_eq!(median_of_pairs(&left, &right, |left, right| ratio(*left, *right)), Some(0.5));
        assert_eq!(ratio(Some(1.0), Some(0.0)), None);
    }
}
