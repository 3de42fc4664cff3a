//! `channels`: each is a provider; a name that several offer is routed by their priority and weight.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::kinds::{Way, reseller, way};
use crate::config::import::draft::{Draft, Provider, clean_model};
use crate::config::import::parts;
use crate::config::import::source::At;
use crate::config::import::vendor;

/// Columns that only new-api has.
const NEW: [&str; 4] = ["tag", "auto_ban", "other_info", "channel_info"];

/// Columns that record what was.
const RECORDED: [&str; 12] = [
    "id",
    "created_time",
    "test_time",
    "response_time",
    "balance",
    "balance_updated_time",
    "used_quota",
    "test_model",
    "other_info",
    "remark",
    "tag",
    "need_reconcile",
];

/// Why most of the other columns are left.
const NOTHING_LIKE_IT: &str = "llmgw has nothing like it";

/// A channel as names find it.
struct Channel<'a> {
    row: At<'a>,
    provider: String,
    rank: u64,
    weight: u64,
    /// What clients ask for, and what its upstream calls that.
    models: Vec<(String, String)>,
}

pub(super) fn convert(root: &At<'_>, draft: &mut Draft) {
    let rows = root.get("channels").map(|at| at.items()).unwrap_or_default();
    let is_new = rows.iter().any(|row| NEW.iter().any(|column| row.value.get(column).is_some()));
    let ranks = ranks(&rows);
    let channels: Vec<Channel<'_>> = rows.iter().filter_map(|row| channel(row, is_new, &ranks, draft)).collect();
    groups(&rows);
    names(&channels, draft);
    if !rows.is_empty() {
        root.note(
            "the source tries the channel with the highest priority first; here the lowest number is first, so they are numbered anew",
        );
    }
}

/// The highest priority of the source is our 1.
fn ranks(rows: &[At<'_>]) -> BTreeMap<i64, u64> {
    let mut found: Vec<i64> = rows.iter().map(|row| row.get("priority").and_then(|at| at.number()).unwrap_or(0.0) as i64).collect();
    found.sort_unstable_by(|a, b| b.cmp(a));
    found.dedup();
    found.into_iter().zip(1..).collect()
}

fn channel<'a>(row: &At<'a>, is_new: bool, ranks: &BTreeMap<i64, u64>, draft: &mut Draft) -> Option<Channel<'a>> {
    let number = row.get("type").and_then(|at| at.whole()).unwrap_or(0);
    let name = row.get("name").and_then(|at| at.filled()).unwrap_or_else(|| format!("channel-{number}"));
    let Some(settings) = way(number, is_new).and_then(|way| settings(way, number, row)) else {
        row.leave(format!("llmgw cannot ask a channel of type {number} (`{name}`)"));
        return None;
    };
    let mut provider = Provider::new(&name, settings);
    keys(&mut provider, row);
    let rank = ranks.get(&(row.get("priority").and_then(|at| at.number()).unwrap_or(0.0) as i64)).copied().unwrap_or(1);
    provider.set("priority", Some(rank).filter(|_| ranks.len() > 1));
    match row.get("status").and_then(|at| at.whole()) {
        Some(1) | None => {}
        Some(3) => {
            provider.set("enabled", Some(false));
            provider.comment = Some("The source had switched it off by itself, after failures.".to_owned());
        }
        Some(_) => provider.set("enabled", Some(false)),
    }
    let models = models(row);
    models.iter().for_each(|(_, upstream)| provider.offer(upstream));
    extras(&mut provider, row);
    row.leave_all(&RECORDED, "a record of the source, or its pages' own, not a setting of the gateway");
    row.leave_all(&["auto_ban"], "an upstream that fails rests for `routing.cooldown`, then is tried again by itself");
    for (key, reason) in [
        ("status_code_mapping", "statuses are passed on as they are"),
        ("other", NOTHING_LIKE_IT),
        ("config", NOTHING_LIKE_IT),
        ("setting", NOTHING_LIKE_IT),
        ("settings", NOTHING_LIKE_IT),
        ("plugin", NOTHING_LIKE_IT),
    ] {
        match has_content(row, key) {
            true => row.leave_all(&[key], reason),
            false => row.get(key).iter().for_each(At::tick),
        }
    }
    let weight = row.get("weight").and_then(|at| at.whole()).unwrap_or(0);
    let provider = draft.add(provider);
    Some(Channel { row: row.clone(), provider, rank, weight, models })
}

/// Whether a column of JSON says anything.
fn has_content(row: &At<'_>, key: &str) -> bool {
    row.get(key).is_some_and(|at| at.value.as_str().is_none_or(|text| !matches!(text.trim(), "" | "{}" | "null" | "[]")))
}

fn settings(way: Way, number: u64, row: &At<'_>) -> Option<Map<String, Value>> {
    let own = row.get("base_url").and_then(|at| at.filled()).map(|url| url.trim_end_matches('/').to_owned());
    let address = match (way, own) {
        (Way::Preset(name, _), None) => vendor::named(name)?,
        (Way::Preset("openai", path), Some(own)) => vendor::of(&format!("{own}{path}"), Some("openai"))?,
        (Way::Preset(name, path), Some(own)) => {
            let kind = vendor::named(name)?.settings;
            let address = vendor::of(&format!("{own}{path}"), None)?;
            // A relay in front of the vendor speaks as the vendor does.
            if address.settings.get("type").is_some() && matches!(name, "anthropic" | "gemini") {
                return Some(vendor::of(&own, Some(name))?.settings);
            }
            if address.settings.get("preset") == kind.get("preset") { vendor::named(name)? } else { address }
        }
        (Way::Compatible, own) => vendor::of(&format!("{}/v1", own.or_else(|| reseller(number).map(str::to_owned))?), Some("openai"))?,
        (Way::Verbatim, own) => vendor::of(&own?, Some("openai"))?,
        (Way::Type("azure"), own) => {
            let mut address = vendor::of(&own?, Some("azure"))?;
            if let Some(version) = row.get("other").and_then(|at| at.filled()).filter(|text| text.starts_with(|c: char| c.is_ascii_digit()))
            {
                address.settings.insert("api_version".to_owned(), json!(version));
            }
            address
        }
        (Way::Type("bedrock"), _) => return bedrock(row),
        (Way::Type("vertex"), _) => return vertex(row),
        (Way::Type(kind), own) => vendor::of(&own.unwrap_or_else(|| "http://localhost:11434".to_owned()), Some(kind))?,
    };
    Some(address.settings)
}

/// `access key|secret|region`, or in one-api a configuration with them.
fn bedrock(row: &At<'_>) -> Option<Map<String, Value>> {
    let config = json_of(row, "config").unwrap_or_default();
    let key = row.get("key").and_then(|at| at.filled()).unwrap_or_default();
    let parts: Vec<&str> = key.split('|').collect();
    let of_config = |key: &str| config.get(key).and_then(Value::as_str).map(str::to_owned);
    let part = |index: usize| parts.get(index).filter(|_| parts.len() >= 3).map(|part| part.trim().to_owned());
    let mut provider = Provider::new("", Map::from_iter([("type".to_owned(), json!("bedrock"))]));
    provider.set("region", Some(of_config("region").or_else(|| part(2))?));
    provider.set("access_key_id", Some(of_config("ak").or_else(|| part(0))?));
    provider.set("secret_access_key", Some(of_config("sk").or_else(|| part(1))?));
    row.get("config").iter().for_each(At::tick);
    row.note("the source knows AWS's names of models; here a route of a Bedrock provider names them as AWS does, such as anthropic.claude-…-v1:0");
    row.leave_all(&["base_url"], "the address follows from the region");
    Some(provider.settings)
}

fn vertex(row: &At<'_>) -> Option<Map<String, Value>> {
    let config = json_of(row, "config").unwrap_or_default();
    let credentials: Value = row.get("key").and_then(|at| serde_json::from_str(at.value.as_str()?).ok()).unwrap_or_default();
    let project = config.get("vertex_ai_project_id").or_else(|| credentials.get("project_id")).and_then(Value::as_str)?.to_owned();
    let mut provider = Provider::new("", Map::from_iter([("type".to_owned(), json!("vertex"))]));
    provider.set("project", Some(project));
    let region =
        config.get("region").and_then(Value::as_str).or_else(|| row.get("other")?.value.as_str()).filter(|text| !text.starts_with('{'));
    provider.set("location", region.filter(|text| !text.is_empty()));
    provider.set("api_key", Some("${VERTEX_ACCESS_TOKEN}"));
    ["config", "other"].iter().filter_map(|key| row.get(key)).for_each(|at| at.tick());
    row.leave_all(&["base_url"], "the address follows from the location");
    if let Some(key) = row.get("key") {
        key.leave("Vertex AI is asked with an access token, in $VERTEX_ACCESS_TOKEN: `gcloud auth print-access-token` prints one");
    }
    Some(provider.settings)
}

/// One key, or one a line.
fn keys(provider: &mut Provider, row: &At<'_>) {
    if matches!(provider.settings.get("type").and_then(Value::as_str), Some("bedrock" | "vertex")) {
        return;
    }
    let text = row.get("key").and_then(|at| at.filled()).unwrap_or_default();
    let keys = text.lines().map(str::trim).filter(|key| !key.is_empty()).map(str::to_owned).collect();
    provider.set_keys(keys);
    let info = json_of(row, "channel_info").unwrap_or_default();
    if info.get("multi_key_status_list").and_then(Value::as_object).is_some_and(|list| !list.is_empty()) {
        row.note(format!(
            "some of the keys of `{}` are switched off in the source; here all of them are used, and one that is refused rests",
            provider.name
        ));
    }
    row.get("channel_info").iter().for_each(|at| at.leave("keys are used in turn; one that is refused rests"));
}

/// What is offered, and under which name the upstream has it.
fn models(row: &At<'_>) -> Vec<(String, String)> {
    let listed = row.get("models").and_then(|at| at.filled()).unwrap_or_default();
    let mapping = json_of(row, "model_mapping").unwrap_or_default();
    row.get("model_mapping").iter().for_each(At::tick);
    let upstream = |name: &str| mapping.get(name).and_then(Value::as_str).filter(|to| !to.is_empty()).unwrap_or(name).to_owned();
    let mut names: Vec<&str> = Vec::new();
    for name in listed.split(',').map(str::trim).filter(|name| !name.is_empty()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names.into_iter().map(|name| (name.to_owned(), upstream(name))).collect()
}

/// What both send with every request.
fn extras(provider: &mut Provider, row: &At<'_>) {
    if let Some(organization) = row.get("openai_organization").and_then(|at| at.filled()) {
        provider.set("headers", Some(json!({ "OpenAI-Organization": organization })));
    }
    if let Some(Value::Object(headers)) =
        json_of(row, "header_override").filter(|value| value.as_object().is_some_and(|map| !map.is_empty()))
    {
        let known = provider.settings.entry("headers").or_insert_with(|| json!({}));
        headers.into_iter().filter(|(_, value)| value.is_string()).for_each(|(name, value)| known[name] = value);
    }
    row.get("header_override").iter().for_each(At::tick);
    match json_of(row, "param_override") {
        Some(Value::Object(params)) if params.is_empty() || params.contains_key("operations") => {}
        Some(Value::Object(params)) => provider.set("params", Some(json!({ "set": params }))),
        _ => {}
    }
    let is_taken = provider.settings.contains_key("params");
    if let Some(at) = row.get("param_override") {
        if is_taken || !has_content(row, "param_override") { at.tick() } else { at.leave("llmgw drops, renames and sets fields: `params`") }
    }
    if has_content(row, "system_prompt") {
        row.leave_all(&["system_prompt"], "llmgw adds nothing to what is said");
    }
}

/// A column that holds JSON.
fn json_of(row: &At<'_>, key: &str) -> Option<Value> {
    let text = row.value.get(key)?.as_str()?;
    serde_json::from_str(text.trim()).ok()
}

fn groups(rows: &[At<'_>]) {
    let others = rows.iter().filter_map(|row| row.get("group"));
    for at in others {
        match at.value.as_str() {
            Some("default" | "") => at.tick(),
            _ => at.leave("there are no groups: every key may use every provider, unless its `models` say otherwise"),
        }
    }
}

/// A name needs routes of its own where its upstreams call it differently, or where weights decide; elsewhere the providers'
/// lists and priorities say the same.
fn names(channels: &[Channel<'_>], draft: &mut Draft) {
    let mut offers: Vec<(&str, Vec<(&Channel<'_>, &str)>)> = Vec::new();
    for channel in channels {
        for (name, upstream) in &channel.models {
            match offers.iter_mut().find(|(known, _)| known == name) {
                Some((_, offered)) => offered.push((channel, upstream)),
                None => offers.push((name, vec![(channel, upstream)])),
            }
        }
    }
    for channel in channels.iter().filter(|channel| channel.weight > 0) {
        let is_shared =
            offers.iter().any(|(_, offered)| offered.len() > 1 && offered.iter().any(|(one, _)| one.provider == channel.provider));
        if !is_shared {
            channel.row.get("weight").iter().for_each(|at| at.leave("no other channel offers its models"));
        }
    }
    for (name, offered) in offers {
        let is_mapped = offered.iter().any(|(_, upstream)| *upstream != name) || clean_model(name) != name;
        let is_weighted = offered.iter().any(|(channel, _)| channel.weight != offered[0].0.weight);
        if !is_mapped && !is_weighted {
            continue;
        }
        let model = draft.model(name);
        if is_weighted {
            model.settings.insert("strategy".to_owned(), json!("weighted"));
        }
        for (channel, upstream) in offered {
            let mut route = parts::route(&channel.provider, Some(upstream));
            if channel.rank != 1 {
                route.insert("priority".to_owned(), json!(channel.rank));
            }
            if is_weighted {
                // A weight of 0 is the source's smallest, not none.
                route.insert("weight".to_owned(), json!(channel.weight.max(1)));
            }
            model.routes.push(route);
        }
    }
}
