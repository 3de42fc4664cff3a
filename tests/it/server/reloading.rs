//! Reloads while requests run: each ends on the configuration it began with, none is lost.

use std::time::Duration;

use llmgw::config::{LastRead, Watch};
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::client::Wire;
use super::upstream::{Gate, Step, Upstream, end, events_head, talk, word};
use super::{CHAT, Gateway, one, question, soon, streamed, two};

/// As many as a busy team has open at once.
const MANY: usize = 64;

/// An upstream whose streams say `first`, wait for the gate, and say `last`.
async fn gated(gate: &Gate, first: &'static str, last: &'static str) -> Upstream {
    let gate = gate.clone();
    Upstream::start(move |request| {
        if request.json()["stream"] != true {
            return talk(request, first);
        }
        let begun = [events_head(), word(first), Step::Wait(gate.clone()), word(last)];
        begun.into_iter().chain(end()).collect()
    })
    .await
}

async fn begin(gateway: &Gateway, model: &str, first: &str) -> Vec<Wire<TcpStream>> {
    let mut wires = Vec::with_capacity(MANY);
    for _ in 0..MANY {
        let mut wire = gateway.post(CHAT, streamed(model)).open().await;
        let head = wire.head().await;
        assert_eq!((head.status, head.header("x-llmgw-provider")), (200, "a"));
        wire.until(first).await;
        wires.push(wire);
    }
    wires
}

async fn expect_whole(wires: Vec<Wire<TcpStream>>, last: &str) {
    for mut wire in wires {
        let rest = String::from_utf8(wire.remainder().await.expect("not cut")).unwrap();
        assert!(rest.contains(last) && rest.ends_with("data: [DONE]\n\n"), "{rest}");
    }
}

/// A configuration in which the first one's provider is gone and its names mean something else.
fn other(b: &Upstream) -> String {
    let provider = super::provider("b", b);
    format!("providers: [{provider}]\nmodels: {{ gpt-4: {{ routes: [{{ provider: b, model: m-b }}] }} }}\nrouting: {{ cooldown: null }}\n")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_http() {
    let (gate_a, gate_b) = (Gate::new(), Gate::new());
    let (a, b) = (gated(&gate_a, "甲", "一").await, gated(&gate_b, "乙", "二").await);
    let gateway = Gateway::start(&two(&a, &b)).await;
    let running = begin(&gateway, "gpt-4", "甲").await;
    gateway.set_config(&other(&b));
    let reloaded = gateway.post("/reload", "").send().await;
    assert_eq!((reloaded.status, &reloaded.json()["providers_count"]), (200, &1.into()), "{}", reloaded.text());
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "b");
    assert_eq!(gateway.chat("m-a").await.status, 404);
    assert_eq!(gateway.engine.in_flight(), MANY as u64);
    gate_a.open(MANY);
    expect_whole(running, "一").await;
    assert_eq!(a.count(), MANY);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_saving_the_file() {
    let (gate_a, gate_b) = (Gate::new(), Gate::new());
    let (a, b) = (gated(&gate_a, "甲", "一").await, gated(&gate_b, "乙", "二").await);
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("llmgw.yaml");
    std::fs::write(&file, two(&a, &b)).unwrap();
    let gateway = Gateway::of_file(file.clone()).await;
    let (changed, mut changes) = mpsc::channel(1);
    let _watch = Watch::start(std::slice::from_ref(&file), LastRead::default(), changed).unwrap();
    let running = begin(&gateway, "gpt-4", "甲").await;

    std::fs::write(&file, "providers: [").unwrap();
    soon("the change to be seen", changes.recv()).await.unwrap();
    gateway.engine.reload(false).expect_err("a bad file");
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "a", "the old one stays");

    std::fs::write(&file, other(&b)).unwrap();
    soon("the change to be seen", changes.recv()).await.unwrap();
    gateway.engine.reload(false).expect("a good file");
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "b");
    gate_a.open(MANY);
    expect_whole(running, "一").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn again_and_again() {
    let (gate_a, gate_b) = (Gate::new(), Gate::new());
    let (a, b) = (gated(&gate_a, "甲", "一").await, gated(&gate_b, "乙", "二").await);
    let gateway = Gateway::start(&two(&a, &b)).await;
    let running = begin(&gateway, "gpt-4", "甲").await;
    let reloading = async {
        for round in 0..20 {
            gateway.set_config(&if round % 2 == 0 { other(&b) } else { two(&a, &b) });
            assert_eq!(gateway.post("/reload", "").send().await.status, 200);
        }
    };
    let asking = async {
        for _ in 0..100 {
            let got = gateway.chat("gpt-4").await;
            assert!(got.status == 200 && ["a", "b"].contains(&got.header("x-llmgw-provider")), "{}", got.text());
        }
    };
    tokio::join!(reloading, asking);
    gate_a.open(MANY);
    expect_whole(running, "一").await;
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-provider"), "a");
}

#[tokio::test]
async fn a_request_keeps_the_key_the_limits_and_the_routes_it_began_with() {
    let gate = Gate::new();
    let waiting = gate.clone();
    let a = Upstream::start(move |_| vec![Step::Wait(waiting.clone()), Step::Close]).await;
    let b = Upstream::start(|request| talk(request, "好")).await;
    let gateway = Gateway::start(&(two(&a, &b) + "auth: { keys: [sk-old] }\nadmin: { key: sk-admin }\n")).await;
    let mut wire = gateway.post(CHAT, question("gpt-4")).bearer("sk-old").open().await;
    a.request().await;
    gateway.set_config(&(one(&a) + "auth: { keys: [sk-new] }\nadmin: { key: sk-admin }\n"));
    assert_eq!(gateway.post("/reload", "").bearer("sk-admin").send().await.status, 200);
    assert_eq!(gateway.post(CHAT, question("gpt-4")).bearer("sk-old").send().await.status, 401);
    assert_eq!(gateway.post(CHAT, question("gpt-4")).bearer("sk-new").send().await.status, 404);
    gate.open(1);
    let got = wire.answer().await;
    assert_eq!((got.status, got.header("x-llmgw-provider")), (200, "b"), "its next route is still there");
}

#[tokio::test]
async fn a_connection_that_stands_sees_the_new_configuration() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let mut wire = Wire::connect(gateway.address).await;
    let ask = gateway.post(CHAT, question("m-a"));
    wire.write(&ask.to_bytes(true)).await;
    assert_eq!(wire.answer().await.status, 200);
    gateway.set_config(&(one(&upstream) + "auth: { keys: [sk-new] }\n"));
    gateway.engine.reload(false).expect("a good configuration");
    for (key, status) in [("sk-old", 401), ("sk-new", 200)] {
        wire.write(&ask.clone().bearer(key).to_bytes(true)).await;
        assert_eq!(wire.answer().await.status, status);
    }
}

#[tokio::test]
async fn what_is_unchanged_keeps_its_connections_and_its_state() {
    let (a, b) = (Upstream::start(|_| super::upstream::error(500, "boom")).await, Upstream::start(|request| talk(request, "好")).await);
    let cooldown = "cooldown: { failures: 1, for: 1h, max: 1h }";
    let gateway = Gateway::start(&(two(&a, &b) + &format!("routing: {{ {cooldown} }}\n"))).await;
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-attempts"), "2");
    gateway.set_config(&(two(&a, &b) + &format!("routing: {{ deadline: 5s, {cooldown} }}\n")));
    gateway.engine.reload(false).expect("a good configuration");
    assert_eq!(gateway.chat("gpt-4").await.header("x-llmgw-attempts"), "1", "`a` still rests");
    let connections = [b.request().await, b.request().await].map(|request| request.connection);
    assert_eq!(connections, [0, 0]);
    assert!(
        gateway.engine.status().providers.iter().any(|provider| provider.cooldown_left_seconds > Duration::from_secs(60).as_secs_f64()
            || provider.upstreams.iter().any(|upstream| upstream.cooldown_left_seconds > 60.0))
    );
}

#[tokio::test]
async fn what_needs_a_restart_is_said_and_not_done_by_halves() {
    let upstream = Upstream::talking("好").await;
    let gateway = Gateway::start(&one(&upstream)).await;
    let directory = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let [cert, key] = ["cert.pem", "key.pem"].map(|name| directory.path().join(name));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let (cert, key) = (cert.display(), key.display());
    let server = format!("server: {{ host: localhost, port: 9, workers: 3, tls: {{ cert: \"{cert}\", key: \"{key}\" }} }}\n");
    gateway.set_config(&(server + &one(&upstream) + "admin: { port: 9009 }\n"));
    let reloaded = gateway.post("/reload", "").send().await;
    let restart = reloaded.json()["restart_required"].to_string();
    for key in ["server.host", "server.port", "server.workers", "server.tls", "admin.port"] {
        assert!(restart.contains(key), "{key} is not in {restart}");
    }
    assert_eq!(gateway.chat("m-a").await.status, 200);
    assert_eq!(gateway.get("/status").send().await.status, 200, "administration is where it was");
}
