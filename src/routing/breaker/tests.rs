use std::time::Duration;

use proptest::prelude::{Strategy, any, prop_oneof};
use proptest::{collection, prop_assert, prop_assert_eq, proptest};

use super::{Breaker, Millis, Standing, State, Ticket, pack, unpack};
use crate::config::Cooldown;

const POLICY: Option<Cooldown> = Some(Cooldown { failures: 3, first: Duration::from_secs(10), max: Duration::from_secs(300) });

fn after_failures(count: usize, now: Millis) -> State {
    (0..count).fold(State::default(), |state, _| state.failed(now, POLICY, None))
}

/// Claims the probe at `now`; panics if there is none to have.
fn probe(state: State, now: Millis) -> (State, Option<Ticket>) {
    let claimed = state.claimed(now, false).unwrap();
    (claimed, Some(Ticket(claimed.probe)))
}

#[test]
fn a_limit_that_one_request_meets_again_is_heeded_and_not_counted() {
    let once = State::default().rate_limited(Millis(0), POLICY, Some(Duration::ZERO), None);
    let probe = once.claimed(Millis(5), false).expect("due at once");
    let again = probe.limited_again(Millis(5), POLICY, Some(Duration::from_secs(7)), Some(Ticket(probe.probe)));
    assert_eq!((again.failures, again.trips), (once.failures, once.trips));
    assert_eq!(again.standing(Millis(5), POLICY), Standing::Cooling(Duration::from_secs(7)));
    let after_another_failure = State::default().failed(Millis(0), POLICY, None).limited_again(Millis(0), POLICY, None, None);
    assert_eq!(after_another_failure.failures, 1);
    assert_eq!(after_another_failure.standing(Millis(0), POLICY), Standing::Cooling(Duration::from_secs(10)));
}

#[test]
fn failures_in_a_row_start_a_cooldown_and_a_success_between_does_not_let_them() {
    let now = Millis(1000);
    assert_eq!(after_failures(2, now).standing(now, POLICY), Standing::Closed);
    assert_eq!(after_failures(3, now).standing(now, POLICY), Standing::Cooling(Duration::from_secs(10)));
    let interrupted = after_failures(2, now).begun(now, None).completed().failed(now, POLICY, None);
    assert_eq!(interrupted.standing(now, POLICY), Standing::Closed);
}

#[test]
fn a_failing_probe_doubles_the_cooldown_up_to_the_maximum() {
    let (mut state, mut now) = (after_failures(3, Millis(0)), Millis(0));
    for expected in [10, 20, 40, 80, 160, 300, 300] {
        assert_eq!(state.standing(now, POLICY), Standing::Cooling(Duration::from_secs(expected)));
        now = now.plus(Duration::from_secs(expected));
        assert_eq!(state.standing(now, POLICY), Standing::Due);
        let (probing, ticket) = probe(state, now);
        assert_eq!(probing.standing(now, POLICY), Standing::Probing);
        state = probing.failed(now, POLICY, ticket);
    }
    let (probing, ticket) = probe(state, now.plus(Duration::from_secs(300)));
    let back = probing.begun(now, ticket).completed();
    assert_eq!((back.trips, back.failures, back.standing(now, POLICY)), (0, 0, Standing::Closed));
}

#[test]
fn requests_from_before_the_cooldown_neither_prolong_nor_double_it() {
    let state = after_failures(3, Millis(0));
    assert_eq!(state.failed(Millis(9_000), POLICY, None), state);
    let (probing, _) = probe(state, Millis(10_000));
    assert_eq!(probing.failed(Millis(10_000), POLICY, None), probing);
}

#[test]
fn a_rate_limit_cools_at_once_and_the_longest_deadline_wins() {
    let limited = |state: State, seconds: u64| state.rate_limited(Millis(0), POLICY, Some(Duration::from_secs(seconds)), None);
    let left = |state: State| state.standing(Millis(0), POLICY);
    assert_eq!(left(limited(State::default(), 7)), Standing::Cooling(Duration::from_secs(7)));
    assert_eq!(left(limited(limited(State::default(), 60), 7)), Standing::Cooling(Duration::from_secs(60)));
    assert_eq!(left(limited(limited(State::default(), 7), 60)), Standing::Cooling(Duration::from_secs(60)));
    assert_eq!(left(limited(State::default(), 86_400)), Standing::Cooling(Duration::from_secs(300)));
    assert_eq!(left(State::default().rate_limited(Millis(0), POLICY, None, None)), Standing::Cooling(Duration::from_secs(10)));
    assert_eq!(left(limited(State::default(), 0)), Standing::Due, "Retry-After: 0 still lets one try first");
}

#[test]
fn an_older_success_ends_a_cooldown_by_failures_but_not_a_rate_limit() {
    let now = Millis(1000);
    assert_eq!(after_failures(3, now).begun(now, None).completed().standing(now, POLICY), Standing::Closed);
    let limited = State::default().rate_limited(now, POLICY, Some(Duration::from_secs(60)), None);
    assert_eq!(limited.begun(now, None).completed(), limited);
    let (probing, ticket) = probe(limited, now.plus(Duration::from_secs(60)));
    assert_eq!(probing.begun(now, ticket).completed().standing(now, POLICY), Standing::Closed);
}

#[test]
fn what_was_counted_is_forgotten_only_when_an_answer_came_through_whole() {
    let now = Millis(0);
    let begun = after_failures(2, now).begun(now, None);
    assert_eq!(begun, after_failures(2, now), "an answer that begins may still break off");
    assert!(matches!(begun.failed(now, POLICY, None).standing(now, POLICY), Standing::Cooling(_)));
    assert_eq!(begun.completed().failures, 0);
}

#[test]
fn on_parole_the_next_failure_cools_again_for_twice_as_long() {
    let later = Millis(10_000);
    let (probing, ticket) = probe(after_failures(3, Millis(0)), later);
    let parole = probing.begun(later, ticket);
    assert_eq!((parole.standing(later, POLICY), parole.claimed(later, true)), (Standing::Closed, None));
    assert_eq!(parole.failed(later, POLICY, None).standing(later, POLICY), Standing::Cooling(Duration::from_secs(20)));
    let limited = parole.rate_limited(later, POLICY, Some(Duration::from_secs(7)), None);
    assert_eq!(limited.standing(later, POLICY), Standing::Cooling(Duration::from_secs(7)));
    assert_eq!((parole.completed().trips, parole.completed().failures, parole.completed().parole), (0, 0, false));
    let cooling = parole.failed(later, POLICY, None);
    assert_eq!(cooling.completed(), cooling, "an answer from before ends no rest");
}

#[test]
fn an_early_probe_that_fails_does_not_double() {
    let state = after_failures(3, Millis(0));
    let early = state.claimed(Millis(1000), true).unwrap();
    let failed = early.failed(Millis(2000), POLICY, Some(Ticket(early.probe)));
    assert_eq!((failed.trips, failed.until, failed.probing), (1, Millis(12_000), false));
}

#[test]
fn a_late_holder_cannot_give_back_anothers_probe() {
    let (first, ticket) = probe(after_failures(3, Millis(0)), Millis(10_000));
    let again = (0..3).fold(first.begun(Millis(10_000), None).completed(), |state, _| state.failed(Millis(10_000), POLICY, None));
    let (second, _) = probe(again, Millis(20_000));
    assert_eq!(second.released(ticket.unwrap()), second);
}

#[test]
fn without_a_policy_nothing_rests() {
    let mut state = after_failures(3, Millis(0));
    assert_eq!(state.standing(Millis(0), None), Standing::Closed);
    state = State::default();
    for _ in 0..2000 {
        state = state.failed(Millis(0), None, None).rate_limited(Millis(0), None, Some(Duration::from_secs(9)), None);
    }
    assert_eq!(state.standing(Millis(0), POLICY), Standing::Closed);
    assert_eq!(state.failed(Millis(0), POLICY, None).standing(Millis(0), POLICY), Standing::Cooling(Duration::from_secs(10)));
}

#[test]
fn one_of_many_threads_gets_the_probe() {
    let breaker = Breaker::default();
    (0..3).for_each(|_| breaker.failed(Millis(0), POLICY, None));
    let winners: usize = std::thread::scope(|scope| {
        let claims: Vec<_> = (0..8).map(|_| scope.spawn(|| usize::from(breaker.claim(Millis(10_000), false).is_some()))).collect();
        claims.into_iter().map(|claim| claim.join().unwrap()).sum()
    });
    assert_eq!(winners, 1);
}

#[derive(Clone, Debug)]
enum Step {
    Wait(u64),
    Claim { early: bool },
    Fail { probe: bool },
    Limit { retry_after: Option<u64>, probe: bool },
    Succeed { probe: bool },
    Release,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0..400_000_u64).prop_map(Step::Wait),
        any::<bool>().prop_map(|early| Step::Claim { early }),
        any::<bool>().prop_map(|probe| Step::Fail { probe }),
        any::<bool>().prop_map(|probe| Step::Fail { probe }),
        (proptest::option::of(0..1000_u64), any::<bool>()).prop_map(|(retry_after, probe)| Step::Limit { retry_after, probe }),
        any::<bool>().prop_map(|probe| Step::Succeed { probe }),
        (0..1_u8).prop_map(|_| Step::Release),
        (0..1_u8).prop_map(|_| Step::Clear),
    ]
}

proptest! {
    #[test]
    fn a_breaker_is_never_stuck_never_probed_twice_and_keeps_the_longest_deadline(steps in collection::vec(step(), 0..60)) {
        let (breaker, mut now) = (Breaker::default(), Millis(0));
        // Whoever got a ticket last, and whether it is out according to a plain count.
        let (mut held, mut out): (Option<Ticket>, bool) = (None, false);
        for step in steps {
            let before = breaker.state();
            match step {
                Step::Wait(millis) => now = Millis(now.0 + millis),
                Step::Claim { early } => if let Some(ticket) = breaker.claim(now, early) {
                    prop_assert!(!out, "two probes at once");
                    prop_assert!(before.trips > 0 && (early || before.until <= now));
                    (held, out) = (Some(ticket), true);
                },
                Step::Fail { probe } => {
                    breaker.failed(now, POLICY, held.filter(|_| probe));
                    out &= !probe;
                }
                Step::Limit { retry_after, probe } => {
                    breaker.rate_limited(now, POLICY, retry_after.map(Duration::from_secs), held.filter(|_| probe));
                    out &= !probe;
                }
                Step::Succeed { probe } => {
                    breaker.succeeded(now, held.filter(|_| probe));
                    out &= breaker.state().probing;
                }
                Step::Release => {
                    held.into_iter().for_each(|ticket| breaker.release(ticket));
                    out = false;
                }
                Step::Clear => {
                    breaker.clear();
                    out = false;
                }
            }
            let after = breaker.state();
            prop_assert_eq!(after.probing, out);
            prop_assert!(after.trips == 0 || before.trips == 0 || after.until >= before.until, "a deadline was moved back");
            prop_assert!(after.trips == 0 || after.until <= now.plus(Duration::from_secs(300)).max(before.until));
        }
        held.into_iter().for_each(|ticket| breaker.release(ticket));
        let later = now.plus(Duration::from_secs(300));
        prop_assert!(matches!(breaker.standing(later, POLICY), Standing::Closed | Standing::Due), "stuck");
    }

    #[test]
    fn a_state_survives_packing(failures in 0..1024_u16, trips in 0..32_u8, until in 0..(1_u64 << 39), probe in 0..128_u8, flags in 0..8_u8) {
        let state = State { failures, trips, until: Millis(until), probing: flags & 1 == 1, limited: flags & 2 == 2, parole: flags & 4 == 4, probe };
        prop_assert_eq!(unpack(pack(state)), state);
    }
}
