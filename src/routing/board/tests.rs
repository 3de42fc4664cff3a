use std::sync::Arc;
use std::time::Duration;

use super::{Board, LONGEST_NAME, MOST_DYNAMIC};
use crate::routing::{Health, Millis, Percentiles};

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

#[test]
fn a_board_knows_an_upstream_by_provider_address_and_model() {
    let board = Board::default();
    let health = board.account("openai", "https://a").health("gpt-4");
    assert!(Arc::ptr_eq(&health, &board.clone().account("openai", "https://a").health("gpt-4")));
    assert!(Arc::ptr_eq(&health, &board.account("openai", "https://a").health("gpt-4")));
    for (name, base_url, model) in [("other", "https://a", "gpt-4"), ("openai", "https://b", "gpt-4"), ("openai", "https://a", "gpt-5")] {
        assert!(!Arc::ptr_eq(&health, &board.account(name, base_url).health(model)));
    }
}

#[test]
fn models_that_clients_think_up_are_bounded() {
    let account = Board::default().account("a", "https://a");
    let configured: Vec<Arc<str>> = (0..12_000).map(|n| format!("configured-{n}").into()).collect();
    account.adopt(&configured);
    let held: Vec<Arc<Health>> = configured.iter().map(|model| account.health(model)).collect();
    let long = "x".repeat(LONGEST_NAME + 1);
    let overflow = account.health(&long);
    assert!(!Arc::ptr_eq(&overflow, &account.health("configured-11999")));

    // As many as fit, each held by a request; made directly because each one copies the map.
    let fits: Vec<Arc<str>> = (0..MOST_DYNAMIC).map(|n| format!("dynamic-{n}").into()).collect();
    account.adopt(&fits);
    account.models.rcu(|models| {
        let mut models = super::Models { dynamic: MOST_DYNAMIC, ..models.as_ref().clone() };
        models.by_name.iter_mut().filter(|(name, _)| name.starts_with("dynamic")).for_each(|(_, known)| known.configured = false);
        models
    });
    let busy: Vec<Arc<Health>> = fits.iter().map(|model| account.health(model)).collect();
    assert!(Arc::ptr_eq(&overflow, &account.health("one-too-many")));

    drop(busy);
    assert!(!Arc::ptr_eq(&overflow, &account.health("one-too-many")), "what nobody uses makes room");
    assert!(Arc::ptr_eq(&held[7], &account.health("configured-7")), "what is configured stays");
}

#[test]
fn what_was_configured_is_forgotten_once_nobody_holds_it() {
    let board = Board::default();
    let held = board.account("held", "https://a");
    for reload in 0..1000 {
        let name: Arc<str> = format!("name-{reload}").into();
        board.account(&name, "https://a");
        held.adopt(std::slice::from_ref(&name));
        board.forget_unused();
        assert!(board.has("held", "https://a") && !board.has(&name, "https://a"));
        assert!(held.models().len() <= 2, "{}", held.models().len());
    }
    assert!(Arc::ptr_eq(&held, &board.account("held", "https://a")));
    let used = held.health("name-999");
    held.adopt(&["other".into()]);
    assert!(Arc::ptr_eq(&used, &held.health("name-999")), "a request may still report into it");
}

#[test]
fn a_report_adds_up() {
    let account = Board::default().account("a", "https://a");
    for n in 1..=1000 {
        account.health("slow").measure(millis(n), Millis(n));
        account.health("slow").count_success();
    }
    account.health("other").count_failure();
    account.health("slow").note_error("early", Millis(1));
    account.health("other").note_error("late", Millis(2));
    let slow = account.health("slow").report();
    assert_eq!(slow.latency, Some(Percentiles { p50: 872, p95: 988, p99: 998 }), "of the last 256");
    let all = account.report();
    assert_eq!((all.successes, all.failures, all.last_error.unwrap().message.as_str()), (1000, 1, "late"));
    assert_eq!(Health::default().report().latency, None);
}
