//! A success that is none: an error, or nothing at all, behind a 200.

use serde_json::{Value, json};

use super::statuses::{anthropic, openai};
use super::{ANY, Fault};
use crate::server::upstream::{json_reply, reply};

pub fn faults() -> Vec<Fault> {
    let overloaded = json!({ "error": { "message": "过载", "type": "server_error", "param": null, "code": "overloaded" } });
    let minimax = json!({ "base_resp": { "status_code": 1002, "status_msg": "限流" } });
    let router =
        json!({ "choices": [{ "error": { "code": 502, "message": "上游断了" }, "finish_reason": "error", "message": { "content": "" } }] });
    let bodies: [(&str, Value); 8] = [
        ("an error, openai", overloaded),
        ("an error, anthropic", anthropic(529)),
        ("an error as a string", json!({ "error": "过载" })),
        ("an error inside a choice", router),
        ("an error in base_resp", minimax),
        ("an error that blames the request", openai(400)),
        ("an error that refuses the key", openai(401)),
        ("an error that is a rate limit", openai(429)),
    ];
    let with_errors = bodies.map(|(name, body)| Fault::new(format!("200, {name}"), ANY, move |_| json_reply(200, &body)));
    let page = "<html><body>请登录</body></html>";
    let mut faults = Vec::from(with_errors);
    faults.extend([
        Fault::new("200, a web page", ANY, move |_| reply(200, &[("content-type", "text/html")], page.as_bytes())),
        Fault::new("200, nothing", ANY, |_| reply(200, &[], b"")),
        Fault::new("200, nothing as JSON", ANY, |_| reply(200, &[("content-type", "application/json")], b"")),
        Fault::new("200, half of a JSON text", ANY, |_| reply(200, &[("content-type", "application/json")], b"{\"choices\":[{\"mess")),
        Fault::new("204", ANY, |_| reply(204, &[], b"")),
    ]);
    faults
}
