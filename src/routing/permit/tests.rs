mod model;
mod plain;
mod stress;

use std::time::Duration;

use super::{Failure, Skipped, Switch};
use crate::config::Provider;
use crate::routing::fixtures::{COOLDOWN, provider, table};
use crate::routing::{Candidate, Millis, Standing};

const POLICY: Option<crate::config::Cooldown> = Some(COOLDOWN);

fn candidate() -> Candidate {
    table(vec![Provider { max_in_flight: Some(2), ..provider("a") }], Vec::new()).candidate(0, "m").unwrap()
}

fn fail(candidate: &Candidate, failure: Failure, times: usize, now: Millis) {
    for _ in 0..times {
        candidate.claim(now, POLICY).unwrap().failed(&failure, true, now);
    }
}

#[test]
fn a_slot_is_taken_until_the_end_of_the_answer() {
    let candidate = candidate();
    let slot = candidate.claim(Millis(0), POLICY).unwrap().answered(Duration::from_millis(5), Millis(5));
    let permit = candidate.claim(Millis(0), POLICY).unwrap();
    assert_eq!(candidate.claim(Millis(0), POLICY).unwrap_err(), Skipped::Saturated { limit: 2 });
    assert_eq!((candidate.account.in_flight(), candidate.health.in_flight()), (2, 2));
    slot.completed();
    drop(permit);
    assert_eq!((candidate.account.in_flight(), candidate.health.in_flight()), (0, 0));
    let report = candidate.health.report();
    assert_eq!((report.requests, report.successes, report.failures), (2, 1, 0));
}

#[test]
fn attempts_count_for_the_model_and_connections_for_the_provider() {
    for (failure, model_cools) in [(Failure::Attempt, true), (Failure::Connect, false), (Failure::Credentials, false)] {
        let candidate = candidate();
        fail(&candidate, failure, 3, Millis(0));
        let cools = |standing| matches!(standing, Standing::Cooling(_));
        assert_eq!(cools(candidate.health.standing(Millis(0), POLICY)), model_cools, "{failure:?}");
        assert_eq!(cools(candidate.account.standing(Millis(0), POLICY)), !model_cools, "{failure:?}");
        assert_eq!(candidate.account.in_flight(), 0);
    }
    let limited = candidate();
    fail(&limited, Failure::RateLimited(Some(Duration::from_secs(7))), 1, Millis(0));
    assert_eq!(limited.claim(Millis(0), POLICY).unwrap_err(), Skipped::Cooling { left: Duration::from_secs(7) });
}

#[test]
fn one_request_adds_one_failure() {
    let candidate = candidate();
    candidate.claim(Millis(0), POLICY).unwrap().failed(&Failure::Attempt, true, Millis(0));
    for _ in 0..5 {
        candidate.claim(Millis(0), POLICY).unwrap().failed(&Failure::Attempt, false, Millis(0));
        candidate.claim(Millis(0), POLICY).unwrap().failed(&Failure::Connect, false, Millis(0));
    }
    assert_eq!(candidate.health.report().failures_in_a_row, 1);
    assert_eq!(candidate.health.report().failures, 11);
}

#[test]
fn an_answer_counts_as_it_ends() {
    let candidate = candidate();
    let begin = || candidate.claim(Millis(0), POLICY).unwrap().answered(Duration::from_millis(5), Millis(5));
    let figures = || (candidate.health.report().successes, candidate.health.report().failures, candidate.health.report().failures_in_a_row);
    drop(begin());
    assert_eq!(figures(), (0, 0, 0), "its client left");
    begin().broke("重置", Duration::from_secs(2));
    begin().counting(false).broke("重置", Duration::from_secs(2));
    assert_eq!(figures(), (0, 2, 1), "one request adds one failure");
    assert_eq!(candidate.health.last_error().map(|error| (error.message, error.at)), Some(("重置".to_owned(), Millis(2_005))));
    begin().completed();
    assert_eq!(figures(), (1, 2, 0));
    let undecided = || candidate.claim(Millis(0), POLICY).unwrap().undecided();
    undecided().completed();
    undecided().broke("重置", Duration::ZERO);
    assert_eq!(figures(), (1, 2, 0), "a client's mistake says nothing, however its answer ends");
    assert_eq!((candidate.account.in_flight(), candidate.health.report().requests), (0, 6));
}

#[test]
fn an_upstream_that_breaks_every_answer_off_rests_for_longer_and_longer() {
    let (candidate, mut now) = (candidate(), Millis(0));
    let breaks = |now: Millis| {
        candidate.claim(now, POLICY).unwrap().answered(Duration::from_millis(5), now).broke("cut", Duration::ZERO);
        candidate.health.standing(now, POLICY)
    };
    assert_eq!([breaks(now), breaks(now)], [Standing::Closed, Standing::Closed]);
    for seconds in [10, 20, 40, 80, 160, 300, 300] {
        let rest = Duration::from_secs(seconds);
        assert_eq!(breaks(now), Standing::Cooling(rest));
        now = now.plus(rest);
    }
    candidate.claim(now, POLICY).unwrap().answered(Duration::ZERO, now).completed();
    assert_eq!(breaks(now), Standing::Closed, "all is forgotten");
}

#[test]
fn an_undecided_probe_is_given_back() {
    let candidate = candidate();
    fail(&candidate, Failure::Attempt, 3, Millis(0));
    assert!(matches!(candidate.claim(Millis(9_000), POLICY), Err(Skipped::Cooling { .. })));
    let probe = candidate.claim(Millis(10_000), POLICY).unwrap();
    assert_eq!(candidate.claim(Millis(10_000), POLICY).unwrap_err(), Skipped::Probing);
    drop(probe);
    let probe = candidate.claim(Millis(10_000), POLICY).unwrap();
    drop(probe.answered(Duration::ZERO, Millis(10_001)));
    assert_eq!(candidate.health.standing(Millis(10_001), POLICY), Standing::Closed);
}

#[test]
fn a_probe_of_the_account_is_decided_by_any_answer() {
    let candidate = candidate();
    fail(&candidate, Failure::Connect, 3, Millis(0));
    candidate.claim(Millis(10_000), POLICY).unwrap().failed(&Failure::Attempt, true, Millis(10_000));
    assert_eq!(candidate.account.standing(Millis(10_000), POLICY), Standing::Closed);
    assert_eq!(candidate.health.report().failures_in_a_row, 1);
}

#[test]
fn a_lost_probe_gives_back_what_was_claimed_before_it() {
    let candidate = candidate();
    fail(&candidate, Failure::Attempt, 3, Millis(0));
    fail(&Candidate { health: Default::default(), ..candidate.clone() }, Failure::Connect, 3, Millis(0));
    let ticket = candidate.health.breaker.claim(Millis(10_000), false).unwrap();
    assert_eq!(candidate.claim(Millis(10_000), POLICY).unwrap_err(), Skipped::Probing);
    assert_eq!(candidate.account.standing(Millis(10_000), POLICY), Standing::Due, "the account's probe is free again");
    assert_eq!(candidate.account.in_flight(), 0);
    candidate.health.breaker.release(ticket);
    assert!(candidate.claim(Millis(10_000), POLICY).is_ok());
}

#[test]
fn an_active_check_clears_only_the_provider() {
    let candidate = candidate();
    fail(&candidate, Failure::Attempt, 3, Millis(0));
    fail(&Candidate { health: Default::default(), ..candidate.clone() }, Failure::Connect, 3, Millis(0));
    candidate.account.clear();
    assert_eq!(candidate.account.standing(Millis(0), POLICY), Standing::Closed);
    assert!(matches!(candidate.health.standing(Millis(0), POLICY), Standing::Cooling(_)));
}

#[test]
fn reasons_read_well() {
    for (skipped, text) in [
        (Skipped::Cooling { left: Duration::from_millis(7230) }, "cooling for 7.2 s more"),
        (Skipped::Disabled(Switch::Route), "disabled: route"),
        (Skipped::Disabled(Switch::Provider), "disabled: provider"),
        (Skipped::Saturated { limit: 100 }, "saturated: 100 requests in flight"),
        (Skipped::NotOffered { provider: "openai".into() }, "not offered by openai"),
    ] {
        assert_eq!(skipped.to_string(), text);
    }
}
