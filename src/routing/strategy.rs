//! The order of routes that share one priority.

use rand::seq::SliceRandom;
use rand::{Rng, RngExt};

use crate::config::{Price, Strategy};

use super::breaker::Millis;
use super::candidate::Candidate;

/// Orders `tier`, candidates of one priority, by `strategy`. `turn` counts the requests so far.
///
/// What a strategy holds equal stands in random order, so that equals share the load.
pub(super) fn order(tier: &mut [Candidate], strategy: Strategy, turn: usize, now: Millis, rng: &mut impl Rng) {
    if tier.len() < 2 {
        return;
    }
    if strategy == Strategy::RoundRobin {
        tier.rotate_left(turn % tier.len());
        return;
    }
    tier.shuffle(rng);
    match strategy {
        Strategy::Priority | Strategy::RoundRobin => {}
        Strategy::Weighted => by_weight(tier, rng),
        Strategy::LeastBusy => tier.sort_by_key(|candidate| candidate.health.in_flight()),
        // Those never measured come first, so that they are; among them the least busy, so that a burst is spread.
        Strategy::Fastest => tier.sort_by(|a, b| {
            let key = |candidate: &Candidate| match candidate.health.speed(now) {
                None => (f32::NEG_INFINITY, candidate.health.in_flight()),
                Some(speed) => (speed, 0),
            };
            let (a, b) = (key(a), key(b));
            a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))
        }),
        Strategy::Cheapest => tier.sort_by(|a, b| total(a.price).total_cmp(&total(b.price))),
    }
}

/// Weighted random order without replacement: the shortest of exponential waiting times wins, at a rate of its weight.
fn by_weight(tier: &mut [Candidate], rng: &mut impl Rng) {
    let mut waiting: Vec<(f64, Candidate)> = tier
        .iter()
        .map(|candidate| {
            // 1 - u lies in (0, 1]; weight 0 waits for ever, and comes last.
            let wait = -(1.0 - rng.random::<f64>()).ln() / f64::from(candidate.weight);
            (if candidate.weight == 0 { f64::INFINITY } else { wait }, candidate.clone())
        })
        .collect();
    waiting.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (place, (_, candidate)) in tier.iter_mut().zip(waiting) {
        *place = candidate;
    }
}

fn total(price: Option<Price>) -> f64 {
    price.map_or(f64::INFINITY, |price| price.input + price.output)
}
