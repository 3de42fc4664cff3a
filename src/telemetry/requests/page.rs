//! A record as the text of its file. Pure.

use serde_json::{Map, Value};

use crate::config::Secret;
use crate::telemetry::Record;
use crate::telemetry::record::Bodies;
use crate::telemetry::redact::Known;

use super::Rules;
use super::body::Body;

/// The whole account of `record`, and what was said if `rules` say so. What is not known is left out.
pub(super) fn page(record: &Record, rules: &Rules, known: &Known) -> String {
    let mut page = serde_json::to_value(record).unwrap_or_default();
    // Names come from clients, who may have put a key where a name belongs.
    tidy(&mut page, known);
    if let (Value::Object(page), Some(bodies)) = (&mut page, record.bodies.as_ref().filter(|_| rules.bodies)) {
        page.extend(said(record, bodies, rules.redact, known));
    }
    let mut text = serde_json::to_string_pretty(&page).unwrap_or_default();
    text.push('\n');
    text
}

/// Masks every text in `value`, and takes out what is nothing.
fn tidy(value: &mut Value, known: &Known) {
    match value {
        Value::String(text) => *text = known.redact(text).into_owned(),
        Value::Array(items) => items.iter_mut().for_each(|item| tidy(item, known)),
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(|member| tidy(member, known));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn said(record: &Record, bodies: &Bodies, keys: bool, known: &Known) -> Map<String, Value> {
    let total = if bodies.is_cut { record.bytes } else { bodies.response.len() as u64 };
    // Nearly always none: a login's token is one.
    let secrets: Vec<Secret> = bodies.secrets.iter().filter(|secret| !known.has(secret)).cloned().collect();
    let secrets = secrets.as_slice();
    let request = Body { bytes: &bodies.request, total: bodies.request.len() as u64, keys, secrets };
    let response = Body { bytes: &bodies.response, total, keys, secrets };
    let named = [("request", request), ("response", response)].into_iter().filter(|(_, body)| !body.bytes.is_empty());
    named.map(|(name, body)| (name.to_owned(), body.show(known))).collect()
}
