//! Each status with each body.

use serde_json::{Value, json};

use super::{ANY, Fault};
use crate::server::upstream::{Step, reply};

pub const STATUSES: [u16; 20] = [400, 401, 402, 403, 404, 408, 409, 413, 418, 422, 425, 429, 500, 502, 503, 504, 520, 524, 529, 599];

const HUGE: usize = 2_000_000;

/// The content type and the body of a status.
type Body = fn(u16) -> (&'static str, String);

pub fn faults() -> Vec<Fault> {
    let bodies: [(&str, Body); 5] = [
        ("openai", |status| ("application/json", openai(status).to_string())),
        ("anthropic", |status| ("application/json", anthropic(status).to_string())),
        ("html", |status| ("text/html", format!("<html><head><title>{status}</title></head><body>出错了</body></html>"))),
        ("empty", |_| ("", String::new())),
        ("2 MB", |_| ("application/json", json!({ "error": { "message": "长".repeat(HUGE / 3) } }).to_string())),
    ];
    let mut faults = Vec::new();
    for status in STATUSES {
        for (name, body) in bodies {
            let (content_type, body) = body(status);
            faults.push(Fault::new(format!("{status}, {name}"), ANY, move |_| answer(status, content_type, &body)));
        }
    }
    faults
}

fn answer(status: u16, content_type: &str, body: &str) -> Vec<Step> {
    let headers = [("content-type", content_type)];
    reply(status, if content_type.is_empty() { &[] } else { &headers }, body.as_bytes())
}

/// As OpenAI words it.
pub fn openai(status: u16) -> Value {
    let (kind, code) = match status {
        401 => ("invalid_request_error", Value::from("invalid_api_key")),
        403 => ("invalid_request_error", Value::from("unsupported_country_region_territory")),
        404 => ("invalid_request_error", Value::from("model_not_found")),
        429 => ("requests", Value::from("rate_limit_exceeded")),
        ..=499 => ("invalid_request_error", Value::Null),
        _ => ("server_error", Value::Null),
    };
    json!({ "error": { "message": format!("上游说 {status}"), "type": kind, "param": null, "code": code } })
}

/// As Anthropic words it.
pub fn anthropic(status: u16) -> Value {
    let kind = match status {
        401 => "authentication_error",
        402 => "billing_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        ..=499 => "invalid_request_error",
        _ => "api_error",
    };
    json!({ "type": "error", "error": { "type": kind, "message": format!("上游说 {status}") }, "request_id": "req_1" })
}
