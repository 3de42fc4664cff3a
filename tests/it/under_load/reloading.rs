//! Reloads under load: a thousand of them, a provider that goes, a certificate that is replaced.

use std::sync::Arc;

use http_body_util::BodyExt;
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use tokio_rustls::TlsConnector;

use super::load::{CALLERS, Connection, Load, STREAMS};
use super::upstream::Upstream;
use super::{Gateway, soon, until};
use crate::cli::process::Home;

/// In all; of these every [`SIGNAL`]th is asked for by a signal, and every [`EDIT`]th by an edit alone.
const RELOADS: usize = 1000;
const SIGNAL: usize = 20;
const EDIT: usize = 100;

/// The provider `name` alone, behind the name that all clients ask for.
fn config(name: &str, upstream: &Upstream, settings: &str) -> String {
    let provider = upstream.provider(name, settings);
    format!("providers:\n{provider}models: {{ gpt-4: {{ routes: [{{ provider: {name}, model: m }}] }} }}\n")
}

/// Reloads by HTTP, and hands back what changed.
async fn reload(connection: &mut Connection) -> Value {
    post(connection, "POST", "/reload").await
}

async fn post(connection: &mut Connection, method: &str, path: &str) -> Value {
    let answer = connection.ask(method, path, String::new()).await.expect("a connection").expect("an answer");
    let (status, body) = (answer.status(), answer.into_body().collect().await.expect("a body").to_bytes());
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).expect("JSON")
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_reloads_lose_nothing_double_nothing_and_leave_nothing() {
    let upstream = Upstream::start().await;
    // Half of them replace the pool, the others the rules only.
    let number = |number: usize| {
        let settings = format!(", idle_connections: {}", 100 + number / 2 % 2);
        config("a", &upstream, &settings) + &format!("routing: {{ cooldown: {{ for: {}s }} }}\n", 10 + number % 2)
    };
    let gateway = Gateway::start(&number(0));
    let (files, memory) = (gateway.descriptors(), gateway.memory());
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(20).await;
    let mut admin = gateway.door.connect().await.expect("a connection");
    let mut half = 0;
    for turn in 1..=RELOADS {
        if turn == RELOADS / 2 {
            half = gateway.memory();
        }
        gateway.put("llmgw.yaml", &number(turn));
        match turn {
            _ if turn % EDIT == 0 => {
                let wanted = format!("{}s", 10 + turn % 2);
                until("a reload", async || post(&mut admin, "GET", "/config").await["routing"]["cooldown"]["for"] == *wanted).await;
            }
            _ if turn % SIGNAL == 0 => gateway.signal(Signal::HUP),
            _ => drop(reload(&mut admin).await),
        }
    }
    load.answers(CALLERS).await;
    let all = gateway.memory();
    upstream.open_gate();
    let tally = load.end().await;
    tally.agrees_and_nobody_was_refused(&[&upstream]);
    drop(admin);
    until("every descriptor to be closed", async || gateway.descriptors() <= files + 2).await;
    let (answers, after) = (tally.whole(), gateway.memory());
    eprintln!(
        "{answers} answers; memory in kB: {memory} at start, {half} after half of the reloads, {all} after all, {after} without load"
    );
    gateway.signal(Signal::TERM);
    gateway.ends(0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_in_use_may_go_and_another_come() {
    let (a, b) = (Upstream::start().await, Upstream::start().await);
    let gateway = Gateway::start(&config("a", &a, ""));
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(50).await;
    let mut admin = gateway.door.connect().await.expect("a connection");
    for _ in 0..5 {
        for (name, upstream) in [("b", &b), ("a", &a), ("b", &b)] {
            gateway.put("llmgw.yaml", &config(name, upstream, ""));
            reload(&mut admin).await;
            load.answers(2 * CALLERS).await;
        }
    }
    let before = a.accounts().len();
    load.answers(2 * CALLERS).await;
    assert_eq!(a.accounts().len(), before, "nothing goes to a provider that is gone");
    a.open_gate();
    let tally = load.end().await;
    tally.agrees_and_nobody_was_refused(&[&a, &b]);
    assert!(b.accounts().len() > STREAMS && a.accounts().len() > STREAMS);
}

struct Certificate {
    certificate: CertificateDer<'static>,
    files: [(&'static str, String); 2],
}

fn certify() -> Certificate {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let files = [("cert.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())];
    Certificate { certificate: made.cert.der().clone(), files }
}

/// A client that trusts both.
fn trusting(certificates: [&Certificate; 2]) -> TlsConnector {
    crate::install_crypto();
    let mut roots = RootCertStore::empty();
    certificates.iter().for_each(|one| roots.add(one.certificate.clone()).expect("a certificate"));
    TlsConnector::from(Arc::new(ClientConfig::builder().with_root_certificates(roots).with_no_client_auth()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_is_replaced_and_no_connection_notices() {
    let upstream = Upstream::start().await;
    let (old, new) = (certify(), certify());
    let home = Home::with(&(config("a", &upstream, "") + "server: { tls: { cert: cert.pem, key: key.pem } }\n"));
    old.files.iter().for_each(|(name, text)| drop(home.write(name, text)));
    let mut gateway = Gateway::start_in(home);
    gateway.door.tls = Some(trusting([&old, &new]));
    let shown = async || gateway.door.connect().await.expect("a connection").certificate;
    let mut load = Load::begin(gateway.door.clone()).await;
    load.answers(50).await;
    assert_eq!(shown().await.as_ref(), Some(&old.certificate));

    // One file after the other, as whoever renews does it; the gateway looks at the files by itself as well.
    for (name, text) in &new.files {
        gateway.put(name, text);
        gateway.signal(Signal::HUP);
        load.answers(CALLERS).await;
    }
    until("the new certificate", async || shown().await.as_ref() == Some(&new.certificate)).await;
    load.call(CALLERS);
    load.answers(4 * CALLERS).await;
    upstream.open_gate();
    let tally = soon("the clients' end", load.end()).await;
    tally.agrees_and_nobody_was_refused(&[&upstream]);
}
