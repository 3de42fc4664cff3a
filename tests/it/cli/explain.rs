//! `llmgw explain --url`: the plan of a running gateway, as its upstreams stand now.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;

use serde_json::Value;

use super::process::{Home, free_port};
use super::serve::Gateway;
use super::upstream::Upstream;

const CHAT: &str = r#"{"model":"m","messages":[{"role":"user","content":"你好"}]}"#;

/// An upstream that fails, which two failures send to rest.
fn failing(upstream: &Upstream) -> String {
    upstream.config() + "routing: { max_attempts: 1, cooldown: { failures: 2, for: 5m, max: 5m } }\n"
}

#[test]
fn the_plan_of_a_running_gateway_shows_how_its_upstreams_stand() {
    let upstream = Upstream::refusing(500);
    let home = Home::with(&failing(&upstream));
    let gateway = Gateway::serving(&home);
    let explained = |expected: &str| {
        let ended = home.run(&["explain", "m", "--url", &gateway.url()], 0);
        assert!(ended.out.contains("STATE") && ended.out.contains(expected), "{ended:#?}");
    };
    explained("| closed ");
    gateway.ask("POST", "/v1/chat/completions", CHAT);
    explained("closed, failures 1/2");
    gateway.ask("POST", "/v1/chat/completions", CHAT);
    explained("failures 2/2");
    explained("last resort");
    let ended = home.run(&["explain", "m", "--format", "json", "--url", &gateway.url()], 0);
    let plan: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!(plan["candidates"][0]["live"]["state"], "cooling", "{plan}");
    // By itself it has asked nobody, and knows of no state.
    let ended = home.run(&["explain", "m"], 0);
    assert!(!ended.out.contains("STATE") && !ended.out.contains("cooling"), "{ended:#?}");
    assert_eq!(upstream.requests().iter().filter(|asked| asked.path.ends_with("completions")).count(), 2, "explaining asks nobody");
}

#[test]
fn address_and_key_are_taken_from_the_configuration() {
    let upstream = Upstream::saying("好");
    let config = upstream.config() + "admin: { key: sk-admin-of-the-test }\n";
    let home = Home::with(&config);
    let gateway = Gateway::serving(&home);
    let port = gateway.authority.rsplit(':').next().expect("a port");
    home.write("client.yaml", format!("{config}server: {{ port: {port} }}\n"));
    let ended = home.run(&["explain", "m", "--url", "-c", "client.yaml"], 0);
    assert!(ended.out.contains("| closed "), "{ended:#?}");
    // Elsewhere, without a file, everything is said on the command line.
    let elsewhere = Home::new();
    elsewhere.run(&["explain", "m", "--url", &gateway.url(), "--key", "sk-admin-of-the-test"], 0);
    for wrong in [&["--key", "wrong"][..], &[]] {
        let url = gateway.url();
        let line = [&["explain", "m", "--url", &url][..], wrong].concat();
        elsewhere.run(&line, 1).prints("").says(&["refuses the key", "--key"]);
    }
    home.run(&["explain", "m", "--key", "sk"], 2).prints("").says(&["--url"]);
}

#[test]
fn who_is_not_there_refuses_or_is_someone_else_is_named() {
    let home = Home::with(&Upstream::saying("好").config());
    home.run(&["explain", "m", "--url", "http://127.0.0.1:1"], 1).prints("").says(&["no gateway answers at http://127.0.0.1:1/", "hint:"]);
    home.run(&["explain", "m", "--url", "localhost:8000"], 2).prints("").says(&["try `http://localhost:8000`"]);

    let gateway = Gateway::serving(&home);
    home.run(&["explain", "n", "--url", &gateway.url()], 2).prints("").says(&["the model `n` does not exist", "hint:"]);
    home.run(&["explain", "m", "--url", &format!("{}/elsewhere", gateway.url())], 1).says(&["no gateway is administered"]);
    drop(gateway);

    home.write("closed.yaml", Upstream::saying("好").config() + "auth: { keys: [sk-client] }\n");
    let closed = Gateway::start(home.llmgw(&["serve", "--port", "0", "-c", "closed.yaml"]));
    home.run(&["explain", "m", "--url", &closed.url()], 1).prints("").says(&["the gateway refuses", "admin.key"]);
    drop(closed);

    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().expect("a client");
        let _ = socket.read(&mut [0; 4096]);
        let _ = socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 15\r\n\r\n<html>hi</html>");
    });
    home.run(&["explain", "m", "--url", &url], 1).prints("").says(&["no gateway of this kind", "--url"]);
    let nobody = home.write("nobody.yaml", format!("{}server: {{ port: {} }}\n", Upstream::saying("好").config(), free_port()));
    home.run(&["explain", "m", "--url", "-c", nobody.to_str().expect("UTF-8")], 1).says(&["no gateway answers"]);
}
