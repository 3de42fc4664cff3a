use super::{AS_OF, BUILT_IN, CATALOGUE, Capabilities, Limits, Prices, Row, cost, lines, undated};
use crate::config::Price;
use crate::hub::Usage;
use crate::telemetry::record::Cost;

fn usage(input: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
    Usage { input, cached, cache_write, output, reasoning: 0 }
}

#[test]
fn the_list_says_of_which_day_it_is() {
    assert!(BUILT_IN.lines().next().unwrap().contains(AS_OF));
}

#[test]
fn every_line_of_the_list_is_read_in_full() {
    assert_eq!(lines(BUILT_IN).count(), 181);
    for line in lines(BUILT_IN) {
        let (model, row) = Row::parse(line).unwrap_or_else(|| panic!("{line}"));
        let written = line.rsplit(',').next().unwrap().split_whitespace().count();
        assert_eq!(row.tiers.len(), written, "{line}");
        assert!(row.limits.context.is_some(), "{line}");
        assert!(row.price.is_some() || row.capabilities.rerank, "{line}");
        assert!(!model.is_empty() && !row.vendor.is_empty());
    }
    assert_eq!(CATALOGUE.rows.values().map(Vec::len).sum::<usize>(), 181);
}

#[test]
fn a_model_is_found_under_the_names_it_goes_by() {
    let prices = Prices::built_in();
    for name in ["gpt-4o", "gpt-4o-2024-08-06", "openai/gpt-4o", "openai/gpt-4o-2024-08-06", "GPT-4o", "gpt-4o-latest", "gpt-4o@20240806"] {
        assert_eq!(prices.price(None, name).map(|price| price.input), Some(2.5), "{name}");
    }
    for name in ["gpt-4o-audio", "gpt", "", "gpt-4o-2024", "模型", "/", "-", "gpt-4o/"] {
        assert_eq!(prices.price(None, name), None, "{name}");
    }
    assert_eq!(undated("claude-sonnet-4-5-20250929"), Some("claude-sonnet-4-5"));
    assert_eq!(undated("command-r-08-2024"), None);
    assert_eq!(prices.price(None, &"x".repeat(1_000_000)), None);
}

#[test]
fn the_providers_own_row_is_preferred() {
    let prices = Prices::built_in();
    assert_eq!(prices.price(Some("zhipu"), "glm-5.3").unwrap().output, 4.0);
    assert_eq!(prices.price(Some("zai"), "glm-5.3").unwrap().output, 4.4);
    assert_eq!(prices.price(Some("deepinfra"), "openai/gpt-oss-120b").unwrap().input, 0.037);
    assert_eq!(prices.price(Some("cerebras"), "gpt-oss-120b").unwrap().input, 0.35);
    assert_eq!(prices.price(Some("openrouter"), "openai/gpt-4o").unwrap().input, 2.5);
    assert_eq!(prices.price(Some("ollama"), "gpt-oss-120b"), None, "one's own machine charges nothing that we know of");
}

#[test]
fn overrides_win() {
    let mine = Price { input: 1.0, output: 2.0, cached: None, cache_write: None };
    let prices = Prices::with_overrides(&[("gpt-4o".to_owned(), mine), ("house-model".to_owned(), mine)]);
    assert_eq!(prices.price(Some("openai"), "gpt-4o"), Some(mine));
    assert_eq!(prices.price(Some("openai"), "gpt-4o-2024-08-06"), Some(mine));
    assert_eq!(prices.price(None, "house-model"), Some(mine));
    assert_eq!(prices.price(None, "gpt-4o-mini").unwrap().input, 0.15);
    assert_eq!(prices.cost(None, "gpt-4o", &usage(1_000_000, 0, 0, 1_000_000)), Some(Cost { usd: 3.0, prices: "config".into() }));
}

#[test]
fn each_part_is_billed_at_its_rate() {
    let price = Price { input: 10.0, output: 50.0, cached: Some(1.0), cache_write: Some(12.5) };
    let million = 1_000_000;
    assert_eq!(cost(&price, &usage(4 * million, million, 2 * million, million)), 10.0 + 1.0 + 25.0 + 50.0);
    let plain = Price { cached: None, cache_write: None, ..price };
    assert_eq!(cost(&plain, &usage(4 * million, million, 2 * million, 0)), 40.0);
    assert_eq!(cost(&price, &usage(0, million, million, 0)), 0.0, "a cached part larger than the whole is a lie");
}

#[test]
fn a_long_prompt_is_billed_at_its_tier_as_a_whole() {
    let prices = Prices::built_in();
    let at = |input| prices.cost(Some("dashscope"), "qwen3-max", &usage(input, 0, 0, 0)).unwrap().usd;
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
    close(at(32_000), 0.032 * 1.2);
    close(at(32_001), 0.032001 * 2.4);
    close(at(200_000), 0.2 * 3.0);
    close(prices.cost(None, "gpt-5.5", &usage(300_000, 300_000, 0, 0)).unwrap().usd, 0.3);
    assert_eq!(prices.cost(None, "rerank-v3.5", &usage(1, 0, 0, 0)), None);
}

#[test]
fn limits_and_capabilities_are_known() {
    let prices = Prices::built_in();
    assert_eq!(prices.limits(None, "gpt-4o"), Some(Limits { context: Some(128_000), max_output: Some(16_384) }));
    let embedding = prices.capabilities(Some("openai"), "text-embedding-3-small").unwrap();
    assert_eq!(embedding, Capabilities { embedding: true, ..Capabilities::default() });
    let gemini = prices.capabilities(Some("gemini"), "gemini-2.5-pro").unwrap();
    assert!(gemini.vision && gemini.audio && gemini.pdf && gemini.reasoning && !gemini.embedding);
    assert_eq!(prices.limits(None, "nobody-knows"), None);
}
