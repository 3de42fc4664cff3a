//! What upstream models cost, how much they take, and what they can do.
//!
//! The built-in list is `prices.csv`, read when it is first asked for; a configuration may override prices. A missing
//! price is unknown, never zero.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use crate::config::Price;
use crate::hub::Usage;
use crate::telemetry::record::Cost;

const BUILT_IN: &str = include_str!("prices.csv");

/// The day that the built-in list is of; its head says where it comes from.
pub const AS_OF: &str = "2026-11-20";

/// What stands in the place of a day where the configuration says the price.
const CONFIGURED: &str = "config";

/// Vendors whose models run on the user's own machine: another vendor's price would be wrong for them.
const FREE_OF_CHARGE: [&str; 5] = ["ollama", "mock", "vllm", "lmstudio", "llamacpp"];

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::parse(BUILT_IN));

/// The built-in list under a configuration's overrides. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Prices {
    overrides: Arc<HashMap<String, Price>>,
}

/// How many tokens a model takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Limits {
    /// Longest prompt.
    pub context: Option<u64>,
    /// Longest answer.
    pub max_output: Option<u64>,
}

/// What a model is known to do; `false` only says that nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Capabilities {
    /// Reads images.
    pub vision: bool,
    /// Calls tools.
    pub tools: bool,
    /// Reasons before it answers.
    pub reasoning: bool,
    /// Hears audio.
    pub audio: bool,
    /// Reads PDF files.
    pub pdf: bool,
    /// Answers to a JSON schema.
    pub schema: bool,
    /// Makes embeddings rather than text.
    pub embedding: bool,
    /// Ranks documents rather than writing text.
    pub rerank: bool,
}

/// USD for `usage` at `price`: the parts read from and written to a cache at their own rates.
pub fn cost(price: &Price, usage: &Usage) -> f64 {
    let cached = usage.cached.min(usage.input);
    let written = usage.cache_write.min(usage.input - cached);
    let plain = usage.input - cached - written;
    let at = |tokens: u64, rate: f64| tokens as f64 * rate / 1e6;
    at(plain, price.input)
        + at(cached, price.cached.unwrap_or(price.input))
        + at(written, price.cache_write.unwrap_or(price.input))
        + at(usage.output, price.output)
}

impl Prices {
    /// The built-in list as it is.
    pub fn built_in() -> Prices {
        Prices::default()
    }

    /// The built-in list under `overrides`, by upstream model.
    pub fn with_overrides(overrides: &[(String, Price)]) -> Prices {
        Prices { overrides: Arc::new(overrides.iter().cloned().collect()) }
    }

    /// The price of `model`, for a short prompt. `vendor` is the provider's preset, or else the word for its kind; its own
    /// row is preferred to other vendors'.
    pub fn price(&self, vendor: Option<&str>, model: &str) -> Option<Price> {
        self.overridden(model).or_else(|| CATALOGUE.find(vendor, model)?.price)
    }

    /// USD for `usage` of `model`; a long prompt is billed at its tier. `None`: the price is unknown.
    pub fn cost(&self, vendor: Option<&str>, model: &str, usage: &Usage) -> Option<Cost> {
        let (price, prices) = match self.overridden(model) {
            Some(price) => (price, CONFIGURED),
            None => (CATALOGUE.find(vendor, model)?.price_for(usage.input)?, AS_OF),
        };
        Some(Cost { usd: cost(&price, usage), prices: Cow::Borrowed(prices) })
    }

    /// How much `model` takes.
    pub fn limits(&self, vendor: Option<&str>, model: &str) -> Option<Limits> {
        CATALOGUE.find(vendor, model).map(|row| row.limits)
    }

    /// What `model` can do.
    pub fn capabilities(&self, vendor: Option<&str>, model: &str) -> Option<Capabilities> {
        CATALOGUE.find(vendor, model).map(|row| row.capabilities)
    }

    fn overridden(&self, model: &str) -> Option<Price> {
        spellings(model).find_map(|spelling| self.overrides.get(spelling).copied())
    }
}

/// A line of the list.
#[derive(Debug)]
struct Row {
    vendor: &'static str,
    price: Option<Price>,
    /// Shortest prompt first: above so many tokens, the whole request has this price.
    tiers: Vec<(u64, Price)>,
    limits: Limits,
    capabilities: Capabilities,
}

impl Row {
    /// `None` for a line that is not one; a test sees to it that there is none.
    fn parse(line: &'static str) -> Option<(&'static str, Row)> {
        let fields: Vec<&'static str> = line.split(',').collect();
        let [vendor, model, kind, context, max_output, input, cached, cache_write, output, letters, tiers] = fields.as_slice() else {
            return None;
        };
        let price = price([input, cached, cache_write, output]);
        let tiers = tiers.split_whitespace().filter_map(tier).collect();
        let limits = Limits { context: context.parse().ok(), max_output: max_output.parse().ok() };
        let can = |letter: char| letters.contains(letter);
        let capabilities = Capabilities {
            vision: can('V'),
            tools: can('T'),
            reasoning: can('R'),
            audio: can('A'),
            pdf: can('P'),
            schema: can('S'),
            embedding: *kind == "embedding",
            rerank: *kind == "rerank",
        };
        Some((model, Row { vendor, price, tiers, limits, capabilities }))
    }

    fn price_for(&self, prompt: u64) -> Option<Price> {
        let tier = self.tiers.iter().rev().find(|(above, _)| prompt > *above);
        tier.map(|(_, price)| *price).or(self.price)
    }
}

/// Input, cached, cache_write, output. Without an input price there is none; embeddings have no output.
fn price(fields: [&str; 4]) -> Option<Price> {
    let [input, cached, cache_write, output] = fields.map(|field| field.parse::<f64>().ok());
    Some(Price { input: input?, output: output.unwrap_or(0.0), cached, cache_write })
}

fn tier(text: &str) -> Option<(u64, Price)> {
    let (above, prices) = text.split_once(':')?;
    let fields: Vec<&str> = prices.split('/').collect();
    Some((above.parse().ok()?, price(fields.try_into().ok()?)?))
}

/// The rows by model, in lower case.
#[derive(Debug)]
struct Catalogue {
    rows: HashMap<String, Vec<Row>>,
}

impl Catalogue {
    fn parse(text: &'static str) -> Catalogue {
        let mut rows: HashMap<String, Vec<Row>> = HashMap::new();
        for (model, row) in lines(text).filter_map(Row::parse) {
            rows.entry(model.to_ascii_lowercase()).or_default().push(row);
        }
        Catalogue { rows }
    }

    fn find(&self, vendor: Option<&str>, model: &str) -> Option<&Row> {
        if vendor.is_some_and(|vendor| FREE_OF_CHARGE.contains(&vendor)) || model.len() > LONGEST {
            return None;
        }
        let lower = model.to_ascii_lowercase();
        let found = || spellings(&lower).filter_map(|spelling| self.rows.get(spelling));
        let own = found().flatten().find(|row| Some(row.vendor) == vendor);
        own.or_else(|| found().flatten().next())
    }
}

/// Longer than any model's name in the list, with room for a prefix and a date.
const LONGEST: usize = 256;

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with('#') && !line.is_empty())
}

/// `model`, then without `vendor/`, then without a dated suffix.
fn spellings(model: &str) -> impl Iterator<Item = &str> {
    let bare = model.rsplit_once('/').map(|(_, bare)| bare);
    [Some(model), bare, undated(model), bare.and_then(undated)].into_iter().flatten()
}

/// Without `-2024-08-06`, `-20240806`, `@20240806` or `-latest`; `None` when it has no such end.
fn undated(model: &str) -> Option<&str> {
    if let Some(name) = model.strip_suffix("-latest") {
        return Some(name);
    }
    ["20dd-dd-dd", "20dddddd"].iter().find_map(|shape| {
        let (name, end) = model.split_at_checked(model.len().checked_sub(shape.len())?)?;
        let fits = end.bytes().zip(shape.bytes()).all(|(have, want)| if want == b'd' { have.is_ascii_digit() } else { have == want });
        fits.then(|| name.strip_suffix(['-', '@'])).flatten()
    })
}

#[cfg(test)]
mod tests;
