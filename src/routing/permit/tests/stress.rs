//! Many threads at one upstream, with a bounded amount of work and nothing to wait for.

use std::sync::atomic::{AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Failure, POLICY, candidate};
use crate::routing::breaker::Breaker;
use crate::routing::{Candidate, Millis, Standing};

const THREADS: u64 = 4;
const ROUNDS: usize = 20_000;
const LONGEST: Duration = Duration::from_secs(300);

/// Runs `work` in every thread, each with a generator of its own.
fn at_once(work: impl Fn(&mut StdRng) + Sync) {
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let work = &work;
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(thread);
                (0..ROUNDS).for_each(|_| work(&mut rng));
            });
        }
    });
}

#[test]
fn whatever_many_threads_do_one_probe_is_out_at_a_time() {
    let (breaker, clock) = (Breaker::default(), AtomicU64::new(0));
    let (out, probes) = (AtomicI32::new(0), AtomicUsize::new(0));
    at_once(|rng| {
        let now = Millis(clock.fetch_add(rng.random_range(0..20_000), Ordering::Relaxed));
        match rng.random_range(0..4) {
            0 => breaker.failed(now, POLICY, None),
            1 => breaker.rate_limited(now, POLICY, Some(Duration::from_secs(1)), None),
            _ => {
                let Some(ticket) = breaker.claim(now, rng.random()) else { return };
                assert_eq!(out.fetch_add(1, Ordering::SeqCst), 0, "two probes at once");
                probes.fetch_add(1, Ordering::Relaxed);
                let now = Millis(clock.load(Ordering::Relaxed));
                out.fetch_sub(1, Ordering::SeqCst);
                match rng.random_range(0..4) {
                    0 => breaker.failed(now, POLICY, Some(ticket)),
                    1 => breaker.rate_limited(now, POLICY, None, Some(ticket)),
                    2 => breaker.release(ticket),
                    _ => breaker.begun(now, Some(ticket)),
                }
            }
        }
    });
    assert!(probes.load(Ordering::Relaxed) > 0, "nothing was probed");
    let later = Millis(clock.load(Ordering::Relaxed)).plus(LONGEST);
    assert!(matches!(breaker.standing(later, POLICY), Standing::Closed | Standing::Due), "stuck: {:?}", breaker.state());
}

#[test]
fn whatever_many_threads_do_an_upstream_can_be_had_in_the_end() {
    let (candidate, clock) = (candidate(), AtomicU64::new(0));
    at_once(|rng| {
        let now = || Millis(clock.load(Ordering::Relaxed));
        clock.fetch_add(rng.random_range(0..5_000), Ordering::Relaxed);
        if rng.random_ratio(1, 50) {
            candidate.account.clear();
        }
        let candidate = Candidate { last_resort: rng.random(), ..candidate.clone() };
        let Ok(permit) = candidate.claim(now(), POLICY) else { return };
        match rng.random_range(0..9) {
            0 => drop(permit),
            1 => permit.failed(&Failure::Attempt, true, now()),
            2 => permit.failed(&Failure::Connect, true, now()),
            3 => permit.failed(&Failure::Credentials, rng.random(), now()),
            4 => permit.failed(&Failure::RateLimited(None), true, now()),
            5 => permit.undecided().completed(),
            6 => permit.answered(Duration::ZERO, now()).broke("断了", Duration::ZERO),
            7 => drop(permit.answered(Duration::ZERO, now())),
            _ => permit.answered(Duration::ZERO, now()).completed(),
        }
    });
    let report = candidate.health.report();
    assert_eq!((candidate.account.in_flight(), candidate.health.in_flight()), (0, 0));
    assert!(report.successes > 0 && report.failures > 0 && report.requests > report.successes + report.failures);
    let later = Millis(clock.load(Ordering::Relaxed)).plus(LONGEST);
    assert!(candidate.claim(later, POLICY).is_ok(), "stuck: {:?}", candidate.health.standing(later, POLICY));
}
