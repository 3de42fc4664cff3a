//! `llmgw serve`: every endpoint, every way of an upstream to repeat what it was sent, every page, every refusal; then
//! the log, in both formats, and the ledger.

use std::fs;
use std::net::SocketAddr;

use futures_util::{StreamExt, stream};
use rustix::process::Signal;
use serde_json::json;

use super::echo::{WAYS, is_content};
use super::places::{
    self, ADMIN_KEY, CLIENT_HEADERS, CLIENT_KEY, CLIENT_QUERY, CLIENT_WORDS, Canary, HASHED_KEY, PLACES, PROVIDERS, WRONG_KEY,
};
use super::{Findings, Stage, raw};
use crate::server::CHAT;
use crate::server::client::Ask;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_a_gateway_that_logs_text() {
    drive("text").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_leaves_a_gateway_that_logs_json() {
    drive("json").await;
}

async fn drive(log_format: &str) {
    let stage = Stage::set(log_format).await;
    let (running, address) = stage.serve();
    let mut findings = Findings::default();
    for (way, _) in &WAYS {
        repeated(way, address, &stage, &mut findings).await;
    }
    refusals(address, &mut findings).await;
    pages(address, &mut findings).await;
    running.signal(Signal::TERM);
    let ended = running.ends(0);
    findings.check("stdout", &ended.out, places::all());
    findings.check("the log", &ended.err, places::all());
    on_disk(&stage, &mut findings);
    for line in ["accepted", "resolved", "finished", "answered", "upstream failed", "key refused", "token fetched", "models not discovered"]
    {
        assert!(ended.err.contains(line), "nothing is logged of `{line}`");
    }
    let logs = stage.home.llmgw(&["logs", "--format", "json", "--lines", "100000"]);
    let ledger = logs.env("CNRY_API_KEY", places::IN_VARIABLE.value).ends(0).out;
    assert!(ledger.lines().count() > WAYS.len(), "{ledger}");
    findings.check("the ledger", &ledger, places::all());
    let file = std::fs::read(stage.home.path(".local/share/llmgw/llmgw.db")).expect("the ledger");
    findings.check("the ledger's file", &String::from_utf8_lossy(&file), places::all());
    at_the_upstream(&stage, &mut findings);
    findings.are_none();
}

/// Has every upstream repeat its secrets in this way, whatever it is asked for.
async fn repeated(way: &str, address: SocketAddr, stage: &Stage, findings: &mut Findings) {
    let providers = if way.starts_with("huge") { &PROVIDERS[..1] } else { &PROVIDERS[..] };
    let asks: Vec<_> = providers.iter().flat_map(|provider| asks(address, provider, way)).collect();
    let before = stage.upstream.count();
    let answers: Vec<_> =
        stream::iter(&asks).map(|(kind, ask)| async move { (*kind, raw(ask).await) }).buffered(asks.len()).collect().await;
    let reached = stage.upstream.count() - before;
    // Those who wait for one login share its failure.
    assert!(reached + 5 >= asks.len(), "{reached} of {} requests for {way} reached an upstream", asks.len());
    let is_masked = answers.iter().any(|(_, answer)| answer.contains("****"));
    assert!(is_masked || SILENT.contains(&way), "nothing of what was repeated as {way} came back, not even masked: {answers:#?}");
    for (kind, answer) in answers.iter().filter(|(kind, _)| !is_content(way, kind)) {
        let what = format!("the answer to {kind} of {way}");
        findings.check(&what, answer, places::upstreams().chain(places::clients()));
    }
}

/// Ways of which nothing comes back at all.
const SILENT: [&str; 3] = ["redirect", "unknown-encoding", "html-200"];

/// Everything that a client can ask of a provider, with every secret that it may send.
fn asks(address: SocketAddr, provider: &str, way: &str) -> Vec<(&'static str, Ask)> {
    let model = format!("{provider}/{way}");
    let post = |path: &str| with_secrets(Ask::new(address, "POST", &format!("{path}?key={}&api_key={0}", CLIENT_QUERY.value)));
    let chat = |stream: bool| {
        let message = json!({ "role": "user", "content": CLIENT_WORDS.value });
        post(CHAT).json(json!({ "model": model, "stream": stream, "messages": [message] }))
    };
    let form = format!(
        "--b\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\n{model}\r\n--b\r\n\
         content-disposition: form-data; name=\"prompt\"\r\n\r\n{}\r\n--b--\r\n",
        CLIENT_WORDS.value
    );
    let passed = format!("/providers/{provider}/files/{way}?limit=2&key={}&access_token={0}", CLIENT_QUERY.value);
    vec![
        ("a chat", chat(false)),
        ("a stream", chat(true)),
        ("an embedding", post("/v1/embeddings").json(json!({ "model": model, "input": CLIENT_WORDS.value }))),
        ("a transcription", post("/v1/audio/transcriptions").body("multipart/form-data; boundary=b", form)),
        ("a pass-through", with_secrets(Ask::new(address, "GET", &passed))),
        ("a test", post(&format!("/v1/models/{provider}%2F{way}/test")).json(json!({ "test_message": CLIENT_WORDS.value }))),
    ]
}

fn with_secrets(ask: Ask) -> Ask {
    CLIENT_HEADERS.iter().fold(ask, |ask, (name, before, canary)| ask.header(name, &format!("{before}{}", canary.value)))
}

/// Requests that llmgw itself turns down.
async fn refusals(address: SocketAddr, findings: &mut Findings) {
    let query = format!("?key={}", CLIENT_QUERY.value);
    let words = CLIENT_WORDS.value;
    let to = |method: &str, path: &str| with_secrets(Ask::new(address, method, &format!("{path}{query}")));
    let chat = |body: &str| to("POST", CHAT).json(body);
    let message = json!([{ "role": "user", "content": words }]);
    let asks = [
        (401, to("POST", CHAT).bearer(WRONG_KEY.value).json(json!({ "model": "key/x", "messages": message }))),
        (401, to("GET", "/v1/models").bearer(WRONG_KEY.value)),
        (401, to("GET", "/status").bearer(WRONG_KEY.value)),
        (401, to("POST", "/reload").bearer(WRONG_KEY.value)),
        (401, to("GET", "/config")),
        (401, to("GET", "/metrics")),
        (400, chat(&format!("{{\"model\": \"key/x\", \"messages\": [{words}"))),
        (400, chat(&format!("\"{words}\""))),
        (400, chat(&json!({ "model": [words], "messages": message }).to_string())),
        (400, chat(&json!({ "model": "key/x", "messages": words }).to_string())),
        (400, chat(&json!({ "model": "key/x", "stream": words, "messages": message }).to_string())),
        (400, chat(&format!(r#"{{"model":"key/x","model":"key/y","messages":[{{"content":"{words}"}}]}}"#))),
        (400, to("POST", "/v1/audio/transcriptions").body("multipart/form-data; boundary=b", words)),
        (404, chat(&json!({ "model": "nobody-has-it", "messages": message }).to_string())),
        (415, to("POST", CHAT).body("text/plain", words)),
        (400, to("POST", CHAT).json(words).header("content-encoding", "gzip")),
        (413, to("POST", CHAT).json(words.repeat(60_000))),
        (405, to("PUT", "/v1/embeddings")),
        (405, to("TRACE", "/providers/key/files")),
        (404, to("GET", "/nowhere")),
        (404, to("GET", "/providers/nobody/files")),
        (404, to("GET", "/v1/files").header("x-llmgw-provider", "nobody")),
        (404, to("GET", "/v1/models/nobody-has-it")),
        (404, to("POST", "/v1/models/nobody-has-it/test").json(json!({ "test_message": words }))),
        (400, to("POST", "/v1/models/key%2Fx/test").json(json!({ "test_message": [words] }))),
        (400, to("GET", "/providers/key/../../x")),
        (400, to("GET", "/providers/key/a//b")),
        (400, to("POST", "/reload").bearer(ADMIN_KEY.value)),
        (501, to("GET", "/v1/realtime")),
        (401, to("GET", "/admin/api/requests")),
    ];
    for (status, ask) in asks {
        let line = String::from_utf8_lossy(&ask.to_bytes(false)).lines().next().unwrap_or_default().to_owned();
        let answer = match line.contains("/reload?") && status == 400 {
            true => raw(&Ask::new(address, "POST", &format!("/reload?check={}", CLIENT_QUERY.value)).bearer(ADMIN_KEY.value)).await,
            false => raw(&ask).await,
        };
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line}, not {status}: {answer}");
        findings.check(&format!("the refusal of {line}"), &answer, places::upstreams().chain(places::clients()));
    }
}

/// What tells how the gateway is.
async fn pages(address: SocketAddr, findings: &mut Findings) {
    for key in [&ADMIN_KEY, &CLIENT_KEY, &HASHED_KEY] {
        for page in [
            "/",
            "/health",
            "/v1/health",
            "/healthz",
            "/readyz",
            "/status",
            "/config",
            "/metrics",
            "/v1/models",
            "/v1/models/key%2Fx",
            "/reload",
        ] {
            let method = if page == "/reload" { "POST" } else { "GET" };
            let answer = raw(&Ask::new(address, method, page).bearer(key.value)).await;
            let is_admin = key.name == ADMIN_KEY.name;
            let is_refused = (["/status", "/config", "/metrics", "/reload"].contains(&page) && !is_admin)
                || (page.starts_with("/v1/models") && is_admin);
            assert_eq!(answer.starts_with("HTTP/1.1 401 "), is_refused, "{page} with {}: {answer}", key.name);
            // Who administers may know who logs in.
            let hidden = |canary: &&Canary| page != "/config" || canary.name != places::LOGIN_USERNAME.name;
            findings.check(page, &answer, places::upstreams().chain(places::clients()).filter(hidden));
        }
    }
}

/// The log's file, and the files of requests, which have what was said.
fn on_disk(stage: &Stage, findings: &mut Findings) {
    let log = fs::read_to_string(stage.home.path("logs/llmgw.log")).expect("a log");
    findings.check("the log's file", &log, places::all());
    for directory in ["logs/requests", "logs/failed"] {
        let days = fs::read_dir(stage.home.path(directory)).expect("a directory").map(|day| day.expect("a day").path());
        let files: Vec<_> = days.flat_map(|day| fs::read_dir(day).expect("a day")).map(|file| file.expect("a file").path()).collect();
        let mut said = 0;
        for file in &files {
            let text = fs::read_to_string(file).expect("a file");
            said += usize::from(text.contains(CLIENT_WORDS.value));
            findings.check(&file.display().to_string(), &text, places::upstreams().chain(places::clients()));
        }
        assert!(said > 100 && said < files.len(), "{said} of {} files in {directory} have what was said", files.len());
    }
}

/// That each secret was where it belongs, without which nothing here means anything; and nothing of a client's.
fn at_the_upstream(stage: &Stage, findings: &mut Findings) {
    for place in &PLACES {
        assert!(stage.was_sent(place), "the {} never reached `{}`", place.canary.name, place.provider);
    }
    let received = stage.received.lock().expect("no panic");
    for request in &*received {
        let text = super::echo::in_full(request);
        findings.check(&format!("{} {}", request.method, request.target), &text, places::clients());
        let own = super::echo::provider_of(request);
        let others = PLACES.iter().filter(|place| place.provider != own && !(own == "refused" && place.provider == "login"));
        findings.check(&format!("a request to {own}"), &text, others.map(|place| place.canary));
    }
    let any = |what: &str| received.iter().any(|request| super::echo::in_full(request).contains(what));
    assert!(any(CLIENT_WORDS.value) && any("?limit=2"), "what is the client's to say goes on");
}
