//! 429 with every form of a wait, and more than a wait.

use std::time::{Duration, SystemTime};

use serde_json::json;

use super::statuses::openai;
use super::{ANY, Fault};
use crate::server::upstream::{json_reply, reply};

/// A wait of this many seconds, told as a date.
const DATE: Duration = Duration::from_secs(100);

/// A header's value, made when it is sent.
type Value = fn() -> String;

pub fn faults() -> Vec<Fault> {
    let waits: [(&str, &str, Value); 11] = [
        ("retry-after: 7", "retry-after", || "7".to_owned()),
        ("retry-after: 1.5", "retry-after", || "1.5".to_owned()),
        ("retry-after: 0", "retry-after", || "0".to_owned()),
        ("retry-after: a date", "retry-after", || httpdate::fmt_http_date(SystemTime::now() + DATE)),
        ("retry-after: a date long past", "retry-after", || "Sun, 06 Nov 1994 08:49:37 GMT".to_owned()),
        ("retry-after: in the year 9999", "retry-after", || "Fri, 31 Dec 9999 23:59:59 GMT".to_owned()),
        ("retry-after-ms: 20500", "retry-after-ms", || "20500".to_owned()),
        ("retry-after: 1e300", "retry-after", || "1e300".to_owned()),
        ("retry-after: -1", "retry-after", || "-1".to_owned()),
        ("retry-after: soon", "retry-after", || "soon".to_owned()),
        ("retry-after: nan", "retry-after", || "nan".to_owned()),
    ];
    let mut faults: Vec<Fault> = waits
        .into_iter()
        .map(|(name, header, value)| {
            Fault::new(format!("429, {name}"), ANY, move |_| {
                let headers = [("content-type", "application/json"), (header, &*value())];
                reply(429, &headers, openai(429).to_string().as_bytes())
            })
        })
        .collect();
    let quota = json!({ "error": { "message": "额度用完", "type": "insufficient_quota", "param": null, "code": "insufficient_quota" } });
    faults.push(Fault::new("429, insufficient_quota", ANY, move |_| json_reply(429, &quota)));
    faults
}
