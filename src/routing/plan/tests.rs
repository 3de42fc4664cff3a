use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use proptest::prelude::{Strategy as Generate, any};
use proptest::{collection, prop_assert, prop_assert_eq, proptest};

use super::{Candidate, Plan, plan};
use crate::config::{Config, FallbackOn, Model, Params, Provider, Route, Strategy, Target};
use crate::routing::fixtures::{
    COOLDOWN, alias, candidates, config, listing, model, planned, provider, rng, route, table, table_on, with_strategy,
};
use crate::routing::{Board, Failure, Millis, NothingDiscovered, RouteTable, Skipped};
use crate::usage::Prices;

fn plan_at(table: &RouteTable, name: &str, now: u64) -> Plan {
    plan(table, &NothingDiscovered, name, Millis(now), &mut rng()).unwrap()
}

fn fail(candidate: &Candidate, failure: Failure, now: u64) {
    candidate.claim(Millis(now), Some(COOLDOWN)).unwrap().failed(&failure, true, Millis(now));
}

fn cool(candidate: &Candidate, seconds: u64, now: u64) {
    fail(candidate, Failure::RateLimited(Some(Duration::from_secs(seconds))), now);
}

/// How often each candidate comes first in `rounds` plans that are carried out.
fn firsts(table: &RouteTable, name: &str, rounds: usize) -> HashMap<String, usize> {
    let (mut rng, mut counts) = (rng(), HashMap::new());
    for _ in 0..rounds {
        let plan = plan(table, &NothingDiscovered, name, Millis(0), &mut rng).unwrap();
        drop(plan.candidates[0].claim(Millis(0), table.cooldown()).unwrap());
        *counts.entry(candidates(&plan)[0].clone()).or_insert(0) += 1;
    }
    counts
}

#[test]
fn routes_stand_by_priority_then_fallbacks_depth_first_each_name_once() {
    let second = Route { priority: 2, ..route(1, "m2") };
    let models = vec![
        model("m", vec![second, route(0, "m1")], &["f1", "f2", "m", "nowhere"]),
        model("f1", vec![route(0, "f1")], &["deep", "m"]),
        model("deep", vec![route(0, "deep")], &["f2"]),
        model("f2", vec![route(0, "f2"), Route { priority: 9, ..route(0, "m1") }], &["f1"]),
    ];
    let table = table(vec![provider("a"), provider("b")], models);
    let plan = plan_at(&table, "m", 0);
    assert_eq!(candidates(&plan), ["a/m1", "b/m2", "a/f1", "a/deep", "a/f2"]);
    let via: Vec<&str> = plan.candidates.iter().map(|candidate| &*candidate.via).collect();
    assert_eq!(via, ["m", "m", "f1", "deep", "f2"]);
    assert_eq!(plan.missing, ["nowhere".into()]);
}

#[test]
fn a_chain_of_ten_thousand_names_is_walked() {
    let chain = |n: usize| model(&format!("n{n}"), vec![route(0, &format!("u{n}"))], &[&format!("n{}", (n + 1) % 10_000)]);
    let start = Instant::now();
    let table = table(vec![provider("a")], (0..10_000).map(chain).collect());
    assert_eq!(planned(&table, "n5").unwrap().len(), 10_000);
    let aliases = (0..10_000).map(|n| alias(&format!("n{n}"), &format!("n{}", n + 1))).chain([model("n10000", vec![route(0, "end")], &[])]);
    let aliased = table_on(&Board::default(), vec![provider("a")], aliases.collect());
    assert_eq!(planned(&aliased, "n0").unwrap(), ["a/end"]);
    assert!(start.elapsed().as_secs() < 5, "{:?}", start.elapsed());
}

#[test]
fn switches_pass_over_with_their_reason() {
    let off = Provider { enabled: false, ..provider("off") };
    let routes = vec![Route { enabled: false, ..route(0, "x") }, route(1, "y"), route(0, "z")];
    let table = table(vec![provider("a"), off], vec![model("m", routes, &["again"]), model("again", vec![route(0, "x")], &[])]);
    let plan = plan_at(&table, "m", 0);
    assert_eq!(candidates(&plan), ["a/z", "a/x"], "a route that is off here may be on under another name");
    let reasons: HashSet<String> = plan.skipped.iter().map(|(_, skipped)| skipped.to_string()).collect();
    assert_eq!(reasons, HashSet::from(["disabled: route".to_owned(), "disabled: provider".to_owned()]));
}

#[test]
fn what_an_operator_switched_off_is_passed_over_whatever_is_reloaded() {
    let board = Board::default();
    let make = || table_on(&board, vec![provider("a"), provider("b")], vec![model("m", vec![route(0, "x"), route(1, "y")], &[])]);
    let table = make();
    assert!(table.by_hand(0).unwrap().turn(false));
    for table in [table, make()] {
        let plan = plan_at(&table, "m", 0);
        assert_eq!(candidates(&plan), ["b/y"]);
        assert_eq!(
            (plan.skipped[0].0.to_string(), plan.skipped[0].1.to_string()),
            ("a/x".to_owned(), "disabled by an operator".to_owned())
        );
        assert!(table.is_switched_off(0) && !table.is_switched_off(1) && !table.is_switched_off(2));
    }
    assert!(make().by_hand(0).unwrap().turn(true));
    assert_eq!(candidates(&plan_at(&make(), "m", 0)).len(), 2);
}

#[test]
fn cooling_upstreams_are_passed_over_until_they_are_due() {
    let second = Route { priority: 2, ..route(0, "y") };
    let table = table(vec![provider("a")], vec![model("m", vec![route(0, "x"), second], &[])]);
    cool(&plan_at(&table, "m", 0).candidates[0], 60, 0);
    let plan = plan_at(&table, "m", 20_000);
    assert_eq!(candidates(&plan), ["a/y"]);
    assert_eq!(plan.skipped[0].1, Skipped::Cooling { left: Duration::from_secs(40) });
    let due = plan_at(&table, "m", 60_000);
    assert_eq!(candidates(&due), ["a/x", "a/y"]);
    let probe = due.candidates[0].claim(Millis(60_000), table.cooldown()).unwrap();
    assert_eq!(plan_at(&table, "m", 60_000).skipped[0].1, Skipped::Probing);
    drop(probe);
}

#[test]
fn when_all_is_cooling_the_nearest_to_recovery_is_the_last_resort() {
    let table = table(vec![provider("a"), provider("bb")], vec![model("m", vec![route(0, "x"), route(1, "y")], &[])]);
    for candidate in plan_at(&table, "m", 0).candidates {
        cool(&candidate, if candidate.provider == 0 { 60 } else { 30 }, 0);
    }
    let plan = plan_at(&table, "m", 1000);
    assert_eq!((candidates(&plan), plan.candidates[0].last_resort), (vec!["bb/y".to_owned()], true));
    assert_eq!(plan.skipped.len(), 1);
    let permit = plan.candidates[0].claim(Millis(1000), table.cooldown()).unwrap();
    assert_eq!(plan.candidates[0].claim(Millis(1000), table.cooldown()).unwrap_err(), Skipped::Probing, "never two probes at once");
    assert_eq!(candidates(&plan_at(&table, "m", 1000)), ["a/x"], "while one is probed, the other is the last resort");
    drop(permit);
}

#[test]
fn a_saturated_upstream_is_skipped_and_waited_for() {
    let narrow = Provider { max_in_flight: Some(1), ..provider("a") };
    let table = table(vec![narrow, provider("bb")], vec![model("m", vec![route(0, "x"), route(1, "y")], &[])]);
    cool(&table.candidate(1, "y").unwrap(), 60, 0);
    let permit = table.candidate(0, "x").unwrap().claim(Millis(0), table.cooldown()).unwrap();
    let plan = plan_at(&table, "m", 0);
    assert!(plan.candidates.is_empty());
    assert!(plan.skipped.iter().any(|(_, skipped)| *skipped == Skipped::Saturated { limit: 1 }));
    drop(permit);
    assert_eq!(candidates(&plan_at(&table, "m", 0)), ["a/x"]);
}

#[test]
fn health_survives_a_reload_and_obeys_the_new_configuration() {
    let board = Board::default();
    let models = || vec![model("m", vec![route(0, "x")], &[])];
    let before = table_on(&board, vec![provider("a")], models());
    cool(&plan_at(&before, "m", 0).candidates[0], 60, 0);
    let after = table_on(&board, vec![provider("a")], models());
    assert!(plan_at(&after, "m", 1).candidates[0].last_resort);
    let mut without = Config { providers: vec![provider("a")], models: models(), ..config() };
    without.routing.cooldown = None;
    let without = RouteTable::new(&without, &Prices::built_in(), &board);
    let plan = plan_at(&without, "m", 1);
    assert!(!plan.candidates[0].last_resort && plan.candidates[0].claim(Millis(1), without.cooldown()).is_ok());
}

#[test]
fn equals_share_the_load_at_random() {
    let table = table(vec![provider("a"), provider("b")], vec![model("m", vec![route(0, "x"), route(1, "x")], &[])]);
    let counts = firsts(&table, "m", 1000);
    assert!(counts.values().all(|count| (400..600).contains(count)), "{counts:?}");
}

#[test]
fn weights_are_converged_to_and_zero_comes_last() {
    let weighted = |model: &str, weight| Route { weight, ..route(0, model) };
    let routes = vec![weighted("none", 0), weighted("three", 3), weighted("one", 1)];
    let table = table(vec![provider("a")], vec![with_strategy("m", Strategy::Weighted, routes)]);
    let counts = firsts(&table, "m", 10_000);
    assert!((7300..7700).contains(&counts["a/three"]), "{counts:?}");
    assert!(!counts.contains_key("a/none"));
    assert_eq!(planned(&table, "m").unwrap()[2], "a/none");
}

#[test]
fn round_robin_takes_turns_that_only_a_claim_passes_on() {
    let routes = vec![route(0, "x"), route(0, "y"), route(0, "z")];
    let table = table(vec![provider("a")], vec![with_strategy("m", Strategy::RoundRobin, routes)]);
    assert_eq!(candidates(&plan_at(&table, "m", 0)), candidates(&plan_at(&table, "m", 0)));
    assert!(firsts(&table, "m", 30).values().all(|count| *count == 10));
    let plan = plan_at(&table, "m", 0);
    for candidate in &plan.candidates {
        drop(candidate.claim(Millis(0), table.cooldown()).unwrap());
    }
    assert_eq!(planned(&table, "m").unwrap(), ["a/y", "a/z", "a/x"], "one request, one turn");
}

#[test]
fn a_fallback_that_is_not_reached_keeps_its_turn() {
    let fallback = with_strategy("spare", Strategy::RoundRobin, vec![route(0, "y"), route(0, "z")]);
    let table = table(vec![provider("a")], vec![model("m", vec![route(0, "x")], &["spare"]), fallback]);
    assert_eq!(firsts(&table, "m", 3)["a/x"], 3);
    let plan = plan_at(&table, "m", 0);
    assert_eq!(candidates(&plan), ["a/x", "a/y", "a/z"]);
    drop(plan.candidates[1].claim(Millis(0), table.cooldown()).unwrap());
    assert_eq!(planned(&table, "m").unwrap(), ["a/x", "a/z", "a/y"]);
}

#[test]
fn the_least_busy_the_fastest_and_the_cheapest_come_first() {
    let routes = || vec![route(0, "gpt-4o"), route(0, "gpt-4o-mini"), route(0, "nobody-knows")];
    let of = |name: &str, strategy| with_strategy(name, strategy, routes());
    let models = vec![of("busy", Strategy::LeastBusy), of("fast", Strategy::Fastest), of("cheap", Strategy::Cheapest)];
    let openai = Provider { preset: Some("openai".to_owned()), ..provider("a") };
    let table = table(vec![openai], models);
    assert_eq!(planned(&table, "cheap").unwrap(), ["a/gpt-4o-mini", "a/gpt-4o", "a/nobody-knows"]);

    let claim = |model| table.candidate(0, model).unwrap().claim(Millis(0), table.cooldown()).unwrap();
    let slot = claim("gpt-4o").answered(Duration::from_millis(10), Millis(10));
    assert_eq!(planned(&table, "busy").unwrap()[2], "a/gpt-4o");
    drop(slot);
    drop(claim("gpt-4o-mini").answered(Duration::from_millis(5), Millis(10)));
    assert_eq!(planned(&table, "fast").unwrap(), ["a/nobody-knows", "a/gpt-4o-mini", "a/gpt-4o"], "first what is not measured yet");
}

#[test]
fn a_candidate_carries_what_its_route_and_provider_say() {
    let params = |tokens| Params { max_tokens: Some(tokens), ..Params::default() };
    let a = Provider { params: params(10), max_in_flight: Some(7), ..listing("a", &["y"]) };
    let own = Route { params: params(20), weight: 5, priority: 3, ..route(0, "x") };
    let table = table(vec![a], vec![model("m", vec![own], &["y"])]);
    let plan = plan_at(&table, "m", 0);
    let seen: Vec<_> =
        plan.candidates.iter().map(|candidate| (candidate.params.max_tokens, candidate.weight, candidate.priority)).collect();
    assert_eq!(seen, [(Some(20), 5, 3), (Some(10), 1, 1)]);
    assert!(plan.candidates.iter().all(|candidate| candidate.max_in_flight == Some(7) && candidate.price.is_none()));
    assert!(table.candidate(1, "x").is_none());
}

/// Up to six names with random routes, switches and fallbacks over three providers; the last provider is disabled.
fn models() -> impl Generate<Value = Vec<Model>> {
    let route = (0..3_usize, 0..4_u8, 0..3_u32, 0..4_u32, any::<bool>()).prop_map(|(provider, upstream, priority, weight, enabled)| {
        Route { priority, weight, enabled, ..route(provider, &format!("u{upstream}")) }
    });
    let strategy = (0..6_usize).prop_map(|at| {
        [Strategy::Priority, Strategy::Weighted, Strategy::RoundRobin, Strategy::LeastBusy, Strategy::Fastest, Strategy::Cheapest][at]
    });
    let target = (strategy, collection::vec(route, 0..5), collection::vec(0..7_u8, 0..4)).prop_map(|(strategy, routes, fallback)| {
        Target::Routes { strategy, routes, fallback: fallback.iter().map(|n| format!("n{n}").into()).collect() }
    });
    collection::vec((target, any::<bool>()), 1..6).prop_map(|targets| {
        let model = |(n, (target, short)): (usize, (Target, bool))| match short && n % 2 == 1 {
            true => alias(&format!("n{n}"), &format!("n{}", (n + 2) % 5)),
            false => Model { name: format!("n{n}").into(), enabled: n != 4, target, fallback_on: FallbackOn::default(), line: 1 },
        };
        targets.into_iter().enumerate().map(model).collect()
    })
}

proptest! {
    #[test]
    fn a_plan_never_repeats_never_holds_what_is_off_and_keeps_priorities(models in models(), seed in any::<u64>()) {
        let off = Provider { enabled: false, ..provider("off") };
        let table = table(vec![provider("a"), provider("b"), off], models.clone());
        let mut rng: rand::rngs::StdRng = rand::SeedableRng::seed_from_u64(seed);
        let Ok(plan) = plan(&table, &NothingDiscovered, "n0", Millis(0), &mut rng) else { return Ok(()) };
        let mut seen = HashSet::new();
        for candidate in &plan.candidates {
            prop_assert!(seen.insert((candidate.provider, candidate.model.clone())), "repeated");
            prop_assert!(candidate.provider != 2, "a disabled provider");
            let from = models.iter().find(|model| model.name == candidate.via).unwrap();
            prop_assert!(from.enabled);
            let Target::Routes { routes, .. } = &from.target else { panic!("an alias has no routes") };
            let same = |route: &&Route| route.provider == candidate.provider && route.model.as_ref() == Some(&candidate.model);
            prop_assert!(routes.iter().filter(same).any(|route| route.enabled), "a disabled route");
        }
        for name in models.iter().map(|model| &model.name) {
            let at = |candidate: &&Candidate| candidate.via == *name;
            let priorities: Vec<u32> = plan.candidates.iter().filter(at).map(|candidate| candidate.priority).collect();
            prop_assert!(priorities.is_sorted(), "{:?}", priorities);
            let places: Vec<usize> = plan.candidates.iter().enumerate().filter(|(_, c)| at(c)).map(|(index, _)| index).collect();
            prop_assert!(places.windows(2).all(|pair| pair[1] == pair[0] + 1), "a name's routes stand together");
        }
        prop_assert_eq!(plan.candidates.iter().filter(|candidate| candidate.last_resort).count(), 0);
    }
}
