//! What is computed from texts: embeddings, moderations, ranks.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::Response;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::say;
use super::wire::{self, Failure};
use super::{Asked, UpstreamBody};

/// Of a vector, where the request names none.
const DIMENSIONS: u64 = 1536;
const MOST_DIMENSIONS: u64 = 4096;

const CATEGORIES: [&str; 13] = [
    "harassment",
    "harassment/threatening",
    "hate",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm",
    "self-harm/instructions",
    "self-harm/intent",
    "sexual",
    "sexual/minors",
    "violence",
    "violence/graphic",
];

/// `POST /embeddings`: unit vectors; the same text always has the same.
pub fn embeddings(asked: &Asked<'_>) -> Result<Response<UpstreamBody>, Failure> {
    let inputs = inputs(&asked.body["input"])?;
    let dimensions = asked.body["dimensions"].as_u64().unwrap_or(DIMENSIONS).clamp(1, MOST_DIMENSIONS);
    let is_base64 = asked.body["encoding_format"] == "base64";
    let data: Vec<Value> = inputs
        .iter()
        .enumerate()
        .map(|(index, input)| {
            let vector = vector(input, dimensions);
            let embedding = if is_base64 { json!(packed(&vector)) } else { json!(vector) };
            json!({"object": "embedding", "index": index, "embedding": embedding})
        })
        .collect();
    let tokens: u64 = inputs.iter().map(|input| say::tokens(input)).sum();
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Ok(wire::json(&json!({"object": "list", "data": data, "model": asked.model(), "usage": usage})))
}

/// `POST /moderations`: nothing is ever flagged.
pub fn moderations(asked: &Asked<'_>) -> Result<Response<UpstreamBody>, Failure> {
    let all = |value: Value| Value::Object(CATEGORIES.iter().map(|name| ((*name).to_owned(), value.clone())).collect());
    let result = json!({"flagged": false, "categories": all(json!(false)), "category_scores": all(json!(0.000_01))});
    let results: Vec<Value> = inputs(&asked.body["input"])?.iter().map(|_| result.clone()).collect();
    Ok(wire::json(&json!({"id": format!("modr-mock-{}", asked.number), "model": asked.model(), "results": results})))
}

/// `POST /rerank`: by how many of the query's characters a document has.
pub fn rerank(asked: &Asked<'_>) -> Result<Response<UpstreamBody>, Failure> {
    let query = asked.body["query"].as_str().unwrap_or_default();
    let documents = inputs(&asked.body["documents"]).map_err(|_| Failure::invalid("`documents` must be a list", Some("documents")))?;
    let mut ranked: Vec<(usize, f64)> = documents.iter().map(|document| likeness(query, document)).enumerate().collect();
    ranked.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let most = asked.body["top_n"].as_u64().and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
    let results: Vec<Value> = ranked
        .into_iter()
        .take(most)
        .map(|(index, score)| {
            let mut result = json!({"index": index, "relevance_score": score});
            if asked.body["return_documents"] == true {
                result["document"] = json!({"text": documents[index]});
            }
            result
        })
        .collect();
    let tokens = documents.iter().map(|document| say::tokens(document)).sum::<u64>() + say::tokens(query);
    let usage = json!({"prompt_tokens": tokens, "total_tokens": tokens});
    Ok(wire::json(&json!({"id": format!("rerank-mock-{}", asked.number), "model": asked.model(), "results": results, "usage": usage})))
}

/// One text each: of a string, strings, tokens, lists of tokens, or parts.
fn inputs(value: &Value) -> Result<Vec<String>, Failure> {
    let missing = || Failure::invalid("`input` must be a text, or a list that is not empty", Some("input"));
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Object(part) => say::text(part.get("text").unwrap_or(&Value::Null)),
        other => other.to_string(),
    };
    match value {
        Value::String(text) => Ok(vec![text.clone()]),
        Value::Array(tokens) if tokens.first().is_some_and(Value::is_number) => Ok(vec![value.to_string()]),
        Value::Array(list) if !list.is_empty() => Ok(list.iter().map(text).collect()),
        _ => Err(missing()),
    }
}

fn vector(text: &str, dimensions: u64) -> Vec<f32> {
    let digest = Sha256::digest(text.as_bytes());
    let mut state = digest.iter().take(8).fold(0_u64, |state, byte| state << 8 | u64::from(*byte));
    let raw: Vec<f64> = (0..dimensions).map(|_| random(&mut state)).collect();
    let length = raw.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
    raw.iter().map(|value| (value / length) as f32).collect()
}

/// SplitMix64, as a number between -1 and 1: the same on every machine, which a random crate doesn't promise.
fn random(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}

fn packed(vector: &[f32]) -> String {
    let bytes: Vec<u8> = vector.iter().flat_map(|value| value.to_le_bytes()).collect();
    STANDARD.encode(bytes)
}

fn likeness(query: &str, document: &str) -> f64 {
    let all = query.chars().filter(|character| !character.is_whitespace()).count().max(1);
    let shared = query.chars().filter(|character| !character.is_whitespace() && document.contains(*character)).count();
    shared as f64 / all as f64
}
