//! An upstream that repeats, in every way that we could think of, the secrets that it was sent.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use super::places::{LOGIN_TOKEN, PLACES, PROVIDERS};
use crate::server::upstream::{Request, Step, chunk, events_head, json_reply, reply, word};

/// Answers with all of `secrets` in it; `true`: a stream was asked for.
type Echo = fn(&[&str], bool) -> Vec<Step>;

/// Every way, by the name that requests ask for as their model or their path.
pub static WAYS: [(&str, Echo); 37] = [
    ("json-400", |secrets, _| json(400, secrets)),
    ("json-401", |secrets, _| json(401, secrets)),
    ("json-403", |secrets, _| json(403, secrets)),
    ("json-404", |secrets, _| json(404, secrets)),
    ("json-408", |secrets, _| json(408, secrets)),
    ("json-409", |secrets, _| json(409, secrets)),
    ("json-413", |secrets, _| json(413, secrets)),
    ("json-422", |secrets, _| json(422, secrets)),
    ("json-429", |secrets, _| json(429, secrets)),
    ("json-500", |secrets, _| json(500, secrets)),
    ("json-529", |secrets, _| json(529, secrets)),
    ("html-400", |secrets, _| html(400, secrets)),
    ("html-407", |secrets, _| html(407, secrets)),
    ("html-502", |secrets, _| html(502, secrets)),
    ("html-200", |secrets, _| html(200, secrets)),
    ("flat-400", |secrets, _| json_reply(400, &json!({ "code": 1, "message": words(secrets), "data": secrets }))),
    ("escaped-400", |secrets, _| escaped(400, secrets)),
    ("escaped-429", |secrets, _| escaped(429, secrets)),
    ("percent-400", |secrets, _| percent(400, secrets)),
    ("long-400", |secrets, _| long(400, secrets)),
    ("long-500", |secrets, _| long(500, secrets)),
    ("huge-400", |secrets, _| huge(400, secrets)),
    ("huge-500", |secrets, _| huge(500, secrets)),
    ("gzip-400", |secrets, _| gzip(400, secrets)),
    ("gzip-500", |secrets, _| gzip(500, secrets)),
    ("cut-400", |secrets, _| cut(secrets)),
    ("headers-200", |secrets, stream| headers(200, secrets, stream)),
    ("headers-400", |secrets, stream| headers(400, secrets, stream)),
    ("headers-429", |secrets, stream| headers(429, secrets, stream)),
    ("redirect", |secrets, _| redirect(secrets)),
    ("inside-200", |secrets, _| json_reply(200, &json!({ "error": { "message": words(secrets), "code": secrets } }))),
    ("choice-200", |secrets, _| json_reply(200, &json!({ "choices": [{ "error": { "message": words(secrets) } }] }))),
    ("unknown-encoding", |secrets, _| reply(200, &[("content-type", "application/json"), ("content-encoding", secrets[0])], b"{}")),
    ("first-event", |secrets, _| stream(&[&error(secrets)])),
    ("later-event", |secrets, _| stream(&[WORD, &error(secrets)])),
    ("split-event", |secrets, _| split(&error(secrets))),
    ("named-event", |secrets, _| stream(&[WORD, &format!("event: error\ndata: {}\n\n", json!({ "message": words(secrets) }))])),
];

/// Whether `way` is an answer of its upstream's to `kind`, which may say what it likes: nobody looks into it.
pub fn is_content(way: &str, kind: &str) -> bool {
    let succeeds = ["html-200", "inside-200", "choice-200"].contains(&way) || way.ends_with("-event");
    succeeds && ["a pass-through", "a transcription"].contains(&kind)
}

const WORD: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hi\"}}]}\n\n";

/// The provider whose upstream is asked.
pub fn provider_of(request: &Request) -> &'static str {
    let named = request.target.split(['/', '?']).find_map(|segment| PROVIDERS.iter().find(|name| **name == segment));
    named.copied().unwrap_or_else(|| panic!("a request to nobody: {}", request.target))
}

/// What was asked for: the model, else the path's end.
fn way_of(request: &Request) -> &'static (&'static str, Echo) {
    let text = format!("{} {}", request.target, String::from_utf8_lossy(&request.body));
    WAYS.iter().find(|(name, _)| text.contains(name)).unwrap_or(&WAYS[9])
}

/// Logs in, or answers in the way that is asked for.
pub fn answer(request: &Request) -> Vec<Step> {
    let provider = provider_of(request);
    let secrets: Vec<&str> = PLACES.iter().filter(|place| place.provider == provider).map(|place| place.canary.value).collect();
    let is_login = request.target.split('?').next().is_some_and(|path| path.ends_with("/login"));
    if is_login && provider == "login" {
        return json_reply(200, &json!({ "access_token": LOGIN_TOKEN.value }));
    }
    if is_login {
        // What was posted comes back, in one after the other of all ways.
        return WAYS[request.number % WAYS.len()].1(&secrets, false);
    }
    way_of(request).1(&secrets, request.json()["stream"] == Value::Bool(true))
}

/// Everything that came, as one text.
pub fn in_full(request: &Request) -> String {
    let mut text = format!("{} {}\n", request.method, request.target);
    for (name, value) in &request.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let basic = value.strip_prefix("Basic ").and_then(|login| STANDARD.decode(login).ok()).unwrap_or_default();
        text += &format!("{name}: {value} {}\n", String::from_utf8_lossy(&basic));
    }
    text + &String::from_utf8_lossy(&request.body)
}

fn words(secrets: &[&str]) -> String {
    format!("Not accepted: {}.", secrets.join(" nor "))
}

fn envelope(secrets: &[&str]) -> Value {
    json!({ "error": { "message": words(secrets), "type": "invalid_request", "param": secrets[0], "code": null } })
}

fn json(status: u16, secrets: &[&str]) -> Vec<Step> {
    json_reply(status, &envelope(secrets))
}

fn html(status: u16, secrets: &[&str]) -> Vec<Step> {
    reply(status, &[("content-type", "text/html")], format!("<h1>{}</h1>", words(secrets)).as_bytes())
}

/// As PHP, Gson and .NET write what others leave as it is.
fn escaped(status: u16, secrets: &[&str]) -> Vec<Step> {
    let text = envelope(secrets).to_string().replace('/', "\\/").replace('=', "\\u003d").replace('+', "\\u002B").replace('Q', "\\u0051");
    reply(status, &[("content-type", "application/json")], text.as_bytes())
}

fn percent(status: u16, secrets: &[&str]) -> Vec<Step> {
    let text: String = url::form_urlencoded::byte_serialize(words(secrets).as_bytes()).collect();
    reply(status, &[("content-type", "text/plain")], format!("https://upstream.example/v1?said={text}").as_bytes())
}

/// So that what is cut to a line is cut within a secret.
fn long(status: u16, secrets: &[&str]) -> Vec<Step> {
    let message = format!("{} {}", "x".repeat(184), secrets.join(" "));
    json_reply(status, &json!({ "error": { "message": message } }))
}

/// More than is held of an error, with secrets at its beginning, at its end and across a chunk's.
fn huge(status: u16, secrets: &[&str]) -> Vec<Step> {
    let said = words(secrets);
    let (begun, rest) = said.split_at(said.len() - 9);
    let filler = "x".repeat(64 * 1024);
    let head = format!("HTTP/1.1 {status} \r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n");
    let mut steps = vec![Step::Write(head.into_bytes()), chunk(said.as_bytes())];
    steps.extend((0..6).map(|_| chunk(filler.as_bytes())));
    steps.extend([chunk(begun.as_bytes()), chunk(rest.as_bytes()), chunk(said.as_bytes()), Step::Write(b"0\r\n\r\n".to_vec())]);
    steps
}

fn gzip(status: u16, secrets: &[&str]) -> Vec<Step> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(envelope(secrets).to_string().as_bytes()).expect("memory");
    reply(status, &[("content-type", "application/json"), ("content-encoding", "gzip")], &encoder.finish().expect("memory"))
}

/// A body that ends before it is complete.
fn cut(secrets: &[&str]) -> Vec<Step> {
    let text = format!("HTTP/1.1 400 {}\r\ncontent-length: 9999\r\n\r\n{}", secrets[0], envelope(secrets));
    vec![Step::Write(text.into_bytes()), Step::Close]
}

fn headers(status: u16, secrets: &[&str], is_stream: bool) -> Vec<Step> {
    let all = secrets.join(", ");
    let (challenge, location) = (format!("Bearer realm=\"{all}\""), format!("https://upstream.example/{all}"));
    let (authorization, percent) = (format!("Bearer {}", secrets[0]), all.replace('"', "%22").replace('/', "%2F").replace('=', "%3D"));
    let mut lines = vec![
        ("www-authenticate", challenge.as_str()),
        ("authorization", &authorization),
        ("location", &location),
        ("set-cookie", &all),
        ("x-request-headers-echo", &all),
        ("x-encoded-echo", &percent),
        ("x-request-id", &all),
        ("link", &location),
    ];
    if is_stream {
        lines.push(("content-type", "text/event-stream"));
        return reply(status, &lines, format!("{WORD}data: [DONE]\n\n").as_bytes());
    }
    lines.push(("content-type", "application/json"));
    reply(status, &lines, json!({ "choices": [], "data": [] }).to_string().as_bytes())
}

fn redirect(secrets: &[&str]) -> Vec<Step> {
    reply(307, &[("location", &format!("http://127.0.0.1:1/?key={}", secrets[0]))], words(secrets).as_bytes())
}

fn error(secrets: &[&str]) -> String {
    format!("data: {}\n\n", envelope(secrets))
}

fn stream(events: &[&str]) -> Vec<Step> {
    let mut steps = vec![events_head()];
    steps.extend(events.iter().map(|event| chunk(event.as_bytes())));
    steps.extend([word("more"), Step::Write(b"0\r\n\r\n".to_vec())]);
    steps
}

/// In pieces of seven bytes, so that no piece holds a secret.
fn split(event: &str) -> Vec<Step> {
    let mut steps = vec![events_head(), chunk(WORD.as_bytes())];
    steps.extend(event.as_bytes().chunks(7).map(chunk));
    steps.push(Step::Write(b"0\r\n\r\n".to_vec()));
    steps
}
