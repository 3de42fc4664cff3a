use std::sync::Arc;
use std::time::Instant;

use super::{Found, awaits_discovery, resolve};
use crate::config::Provider;
use crate::routing::NothingDiscovered;
use crate::routing::fixtures::{Discovered, alias, candidates, disabled, listing, matching, model, planned, provider, rng, route, table};
use crate::routing::{Millis, RouteTable, plan};

/// What `name` comes to while `discovered` is known.
fn with(table: &RouteTable, discovered: &Discovered, name: &str) -> Result<Vec<String>, String> {
    plan(table, discovered, name, Millis(0), &mut rng()).map(|plan| candidates(&plan)).map_err(|error| error.to_string())
}

#[test]
fn an_exact_name_comes_before_everything() {
    let providers = || vec![listing("a", &["gpt-4", "b/x"]), Provider { default_model: Some("d".into()), ..provider("b") }];
    let models = vec![
        model("gpt-4", vec![route(1, "own")], &[]),
        model("auto", vec![route(1, "mine")], &[]),
        model("b/x", vec![route(0, "y")], &[]),
    ];
    let own = table(providers(), models);
    assert_eq!(planned(&own, "gpt-4").unwrap(), ["b/own"]);
    assert_eq!(planned(&own, "auto").unwrap(), ["b/mine"]);
    assert_eq!(planned(&own, "b/x").unwrap(), ["a/y"]);
    let without = table(providers(), Vec::new());
    assert_eq!(planned(&without, "gpt-4").unwrap(), ["a/gpt-4"]);
    assert_eq!(planned(&without, "auto").unwrap(), ["b/d"]);
    assert_eq!(planned(&without, "b/x").unwrap(), ["b/x"], "PROVIDER/MODEL before a bare id that holds a slash");
}

#[test]
fn auto_is_every_enabled_default_by_priority() {
    let with_default = |name, priority, enabled| Provider { default_model: Some("d".into()), priority, enabled, ..provider(name) };
    let table_of = |providers| table(providers, Vec::new());
    let some = table_of(vec![with_default("a", 3, true), with_default("b", 1, true), with_default("c", 2, false), provider("e")]);
    assert_eq!(planned(&some, "auto").unwrap(), ["b/d", "a/d"]);
    assert!(some.has_auto());
    let none = table_of(vec![provider("e")]);
    assert!(planned(&none, "auto").is_err() && !none.has_auto());
}

#[test]
fn provider_slash_model_is_sent_unless_the_provider_refuses() {
    let providers =
        vec![listing("listing", &["有/斜杠"]), matching("matching", "gpt"), provider("any"), provider("深度求索"), provider("a/b")];
    let table = table(providers, vec![model("listing/*", vec![route(2, "caught")], &[])]);
    assert_eq!(planned(&table, "any/org/model").unwrap(), ["any/org/model"]);
    assert_eq!(planned(&table, "深度求索/聊天").unwrap(), ["深度求索/聊天"]);
    assert_eq!(planned(&table, "a/b/c").unwrap(), ["a/b/c"]);
    assert_eq!(planned(&table, "listing/有/斜杠").unwrap(), ["listing/有/斜杠"]);
    assert_eq!(planned(&table, "matching/my-gpt-4").unwrap(), ["matching/my-gpt-4"]);
    assert_eq!(planned(&table, "matching/claude").unwrap_err(), "the provider `matching` does not offer the model `matching/claude`");
    assert!(planned(&table, "any/").is_err() && planned(&table, "/x").is_err() && planned(&table, "/").is_err());
    // Refused, so the rules go on to the wildcard; the plan says why.
    let refused = plan(&table, &NothingDiscovered, "listing/other", Millis(0), &mut rng()).unwrap();
    assert_eq!(candidates(&refused), ["any/caught"]);
    assert_eq!(refused.skipped[0].1.to_string(), "not offered by listing");
}

#[test]
fn a_disabled_provider_that_is_named_is_planned_and_skipped() {
    let table = table(vec![Provider { enabled: false, ..provider("off") }, listing("on", &["m"])], Vec::new());
    let plan = plan(&table, &NothingDiscovered, "off/m", Millis(0), &mut rng()).unwrap();
    assert!(plan.candidates.is_empty());
    assert_eq!(plan.skipped[0].1.to_string(), "disabled: provider");
}

#[test]
fn a_bare_id_goes_to_all_who_offer_it_by_priority() {
    let off = Provider { enabled: false, ..listing("off", &["m"]) };
    let providers = vec![
        Provider { priority: 2, ..listing("second", &["m"]) },
        provider("first"),
        off,
        Provider { priority: 3, ..matching("third", "^m$") },
    ];
    let table = table(providers, vec![model("m*", vec![route(0, "wild")], &[])]);
    let discovered = Discovered::of(&[&[], &["m", "mm"], &[], &["m", "mm", "模型"]]);
    assert_eq!(with(&table, &discovered, "m").unwrap(), ["first/m", "second/m", "third/m"]);
    assert_eq!(with(&table, &discovered, "mm").unwrap(), ["first/mm"], "`match` holds for discovered models");
    assert_eq!(planned(&table, "m").unwrap(), ["second/m"]);
    assert_eq!(planned(&table, "mm").unwrap(), ["second/wild"]);
    assert!(with(&table, &discovered, "模型").is_err());
    assert_eq!(table.offered(&discovered, 1), ["m".into(), "mm".into()]);
    assert_eq!(table.offered(&discovered, 3), ["m".into()]);
    assert_eq!(table.offered(&discovered, 0), ["m".into()]);
}

#[test]
fn the_wildcard_with_the_longest_literal_part_wins() {
    let models = vec![
        model("*", vec![route(0, "all")], &[]),
        model("gpt-*", vec![route(0, "")], &[]),
        model("*-mini", vec![route(0, "mini-of-all")], &[]),
        disabled(model("gpt-4*", vec![route(0, "four")], &[])),
        model("通义*", vec![route(0, "")], &[]),
    ];
    let table = table(vec![provider("a")], models);
    assert_eq!(planned(&table, "claude").unwrap(), ["a/all"]);
    assert_eq!(planned(&table, "gpt-3").unwrap(), ["a/gpt-3"], "without model: the name as asked for");
    assert_eq!(planned(&table, "o4-mini").unwrap(), ["a/mini-of-all"]);
    assert_eq!(planned(&table, "通义千问").unwrap(), ["a/通义千问"]);
    assert!(planned(&table, "gpt-4o").is_err(), "a disabled wildcard hides shorter ones");
    assert_eq!(table.names(), &[] as &[Arc<str>]);
}

#[test]
fn a_disabled_name_hides_what_would_come_after() {
    let models = vec![disabled(model("m", vec![route(0, "x")], &[])), disabled(alias("a/n", "m")), model("*", vec![route(0, "wild")], &[])];
    let table = table(vec![listing("a", &["m", "n"])], models);
    assert_eq!(planned(&table, "m").unwrap_err(), "the model `m` does not exist");
    assert!(planned(&table, "a/n").is_err());
    assert_eq!(planned(&table, "a/m").unwrap(), ["a/m"]);
    assert!(resolve(&table, &NothingDiscovered, "m").found.is_none());
    assert!(matches!(resolve(&table, &NothingDiscovered, "other").found, Some(Found::Named(named)) if named.name() == "*"));
}

#[test]
fn a_short_form_resolves_like_a_request() {
    let a = Provider { default_model: Some("d".into()), ..listing("a", &["listed"]) };
    let models = vec![
        alias("one", "two"),
        alias("two", "listed"),
        alias("best", "auto"),
        alias("direct", "a/listed"),
        alias("broken", "nowhere"),
        alias("circle", "circle2"),
        alias("circle2", "circle"),
    ];
    let table = table(vec![a], models);
    assert_eq!(planned(&table, "one").unwrap(), ["a/listed"]);
    assert_eq!(planned(&table, "best").unwrap(), ["a/d"]);
    assert_eq!(planned(&table, "direct").unwrap(), ["a/listed"]);
    assert_eq!(planned(&table, "broken").unwrap_err(), "the model `broken` stands for `nowhere`, which nothing offers");
    assert!(planned(&table, "circle").is_err());
}

#[test]
fn near_names_are_suggested_but_never_disabled_or_wildcard_ones() {
    let models = vec![
        model("deepseek", vec![route(0, "x")], &[]),
        disabled(model("deepseek-off", vec![route(0, "x")], &[])),
        model("deepseek-*", vec![route(0, "x")], &[]),
    ];
    let table = table(vec![listing("a", &["deepseek-off", "qwen-flash"]), provider("b")], models);
    let discovered = Discovered::of(&[&[], &["deepseek-r1"]]);
    let error = plan(&table, &discovered, "deepsek", Millis(0), &mut rng()).unwrap_err();
    assert_eq!(error.nearest, ["deepseek", "deepseek-r1"]);
    assert_eq!(error.to_string(), "the model `deepsek` does not exist; did you mean `deepseek` or `deepseek-r1`?");
    assert_eq!(planned(&table, "qwen-flsh").unwrap_err(), "the model `qwen-flsh` does not exist; did you mean `qwen-flash`?");
}

#[test]
fn a_name_of_a_megabyte_is_answered_shortly() {
    let models = (0..2000).map(|n| model(&format!("name-{n}*"), vec![route(0, "x")], &[])).collect();
    let table = table(vec![provider("a")], models);
    let start = Instant::now();
    for huge in ["名".repeat(350_000), "/".repeat(1_000_000), "a/".repeat(500_000)] {
        match plan(&table, &NothingDiscovered, &huge, Millis(0), &mut rng()) {
            Ok(plan) => assert_eq!(plan.candidates.len(), 1),
            Err(error) => assert!(error.to_string().len() < 1000),
        }
    }
    assert!(start.elapsed().as_secs() < 2);
}

#[test]
fn only_names_that_discovery_could_change_wait_for_it() {
    let a = Provider { default_model: Some("d".into()), ..listing("a", &["listed"]) };
    let models = vec![
        model("own", vec![route(0, "x")], &[]),
        alias("short", "unknown"),
        alias("loop", "loop"),
        model("w*", vec![route(0, "x")], &[]),
    ];
    let table = table(vec![a, provider("b")], models);
    for (name, expected) in [
        ("own", false),
        ("auto", false),
        ("a/listed", false),
        ("b/any", false),
        ("listed", false),
        ("short", true),
        ("wild", true),
        ("loop", false),
    ] {
        assert_eq!(awaits_discovery(&table, name, |_| true), expected, "{name}");
        assert!(!awaits_discovery(&table, name, |_| false));
    }
}
