//! Configurations that are wrong in or around the line of a secret: what is said of them, in every form.

use std::path::Path;

use llmgw::config::{Env, Overrides, load_text};

use super::places::{API_KEY, Canary, FIRST_KEY, IN_VARIABLE, LOGIN_PASSWORD, SECOND_KEY};
use super::{Findings, Stage, raw};
use crate::cli::process::Home;
use crate::server::client::Ask;

/// `KEY` is a canary of plain letters; `ODD` one with a quote and a backslash, as YAML writes it in double quotes.
const WRONG: [&str; 54] = [
    // Wrong types and forms.
    "providers: [{ name: a, type: openai, api_key: [KEY] }]",
    "providers: [{ name: a, type: openai, api_key: { KEY: } }]",
    "providers: [{ name: a, type: openai, api_key: {KEY} }]",
    "providers: [{ name: a, type: openai, api_keys: KEY }]",
    "providers: [{ name: a, type: openai, api_keys: { KEY: 1, ODD: 2 } }]",
    "providers: [{ name: a, type: openai, api_keys: [KEY, [ODD]] }]",
    "providers: [{ name: a, type: openai, headers: KEY }]",
    "providers: [{ name: a, type: openai, headers: [\"X-Key: KEY\"] }]",
    "providers: [{ name: a, type: openai, headers: { \"X Key\": KEY, Host: KEY, \"X-A\": \"a\\nKEY\" } }]",
    "providers: [{ name: a, type: request, base_url: \"http://a/v1\", auth: KEY }]",
    "providers: [{ name: a, type: request, base_url: \"http://a/v1\", auth: { token: KEY, password: ODD } }]",
    "providers: [{ name: a, type: request, base_url: \"http://a/v1\", auth: { token: [KEY] } }]",
    "providers: [{ name: a, type: openai, auth: { token: KEY } }]",
    "providers: [{ name: a, type: openai, api_key: KEY, api_keys: [ODD] }]",
    "providers: [{ name: a, type: openai, api_key: \"a\\nKEY\" }]",
    "providers: [{ name: a, type: bedrock, region: us, access_key_id: KEY, secret_access_key: [ODD] }]",
    "providers: [{ name: a, type: openai, access_key_id: KEY, secret_access_key: ODD, session_token: KEY, acces_key_id: ODD }]",
    "admin: KEY\nproviders: [{ name: a, type: mock }]",
    "admin: { key: [KEY] }\nproviders: [{ name: a, type: mock }]",
    "auth: KEY\nproviders: [{ name: a, type: mock }]",
    "auth: { keys: KEY }\nproviders: [{ name: a, type: mock }]",
    "auth: { keys: [\"sha256:KEY\"] }\nproviders: [{ name: a, type: mock }]",
    "auth: { keys: [KEY, KEY, { key: KEY, models: [] }, { KEY: 1 }] }\nproviders: [{ name: a, type: mock }]",
    // Unknown and mistyped keys.
    "providers: [{ name: a, type: openai, api_kee: KEY }]",
    "providers: [{ name: a, type: openai, apikey: KEY, tokn: ODD, pasword: KEY }]",
    "providers:\n  - name: a\n    type: openai\n    secrt: KEY",
    "providers: [{ name: a, type: request, base_url: \"http://a/v1\", auth: { url: \"http://a\", username: u, pasword: KEY } }]",
    "auth: { keys: [{ name: a, kye: KEY }] }\nproviders: [{ name: a, type: mock }]",
    // Twice.
    "providers: [{ name: a, type: openai, api_key: KEY, api_key: ODD }]",
    "providers:\n  - name: a\n    api_key: x\n    api_key: KEY\n    headers: { X-A: b, X-A: KEY }",
    "providers: [{ name: a, type: openai, api_key: KEY }, { name: a, type: openai, api_key: ODD }]",
    // Addresses.
    "providers: [{ name: a, base_url: \"https://user:KEY@a.example/v1\" }]",
    "providers: [{ name: a, base_url: \"https://KEY@a.example/v1\" }]",
    "providers: [{ name: a, base_url: \"user:KEY@a.example/v1\" }]",
    "providers: [{ name: a, base_url: \"https://a.example/v1?key=KEY\" }]",
    "providers: [{ name: a, base_url: \"https://a.example:port/v1?key=KEY\" }]",
    "providers: [{ name: a, type: openai, proxy: \"http://user:KEY@:bad\" }]",
    "providers: [{ name: a, type: openai, proxy: \"user:KEY@proxy:3128\" }]",
    "server: { cors: [\"https://user:KEY@a.example\"], host: \"http://user:KEY@a.example\" }\nproviders: [{ name: a, type: mock }]",
    // The same secret where none belongs.
    "providers: [{ name: a, type: openai, api_key: KEY, priority: KEY, enabled: KEY, match: [\"(KEY\"] }]",
    "x-key: &k KEY\nproviders: [{ name: a, type: openai, api_key: *k, priority: *k, timeout: *k, type: *k }]",
    "x-base: &b { api_key: KEY, secrt: ODD }\nproviders: [{ <<: *b, name: a, type: openai, priority: x }]",
    "server: { port: \"${CNRY_API_KEY}\", host: \"${CNRY_API_KEY}/\" }\nproviders: [{ name: \"${CNRY_API_KEY}/x\", preset: \"${CNRY_API_KEY}\" }]",
    // Variables and files.
    "providers: [{ name: a, type: openai, api_key: \"${KEY\" }]",
    "providers: [{ name: a, type: openai, api_key: \"${KEY }\" }]",
    "providers: [{ name: a, type: openai, api_key: \"file:\", headers: { X-Key: \"KEY\\n\" } }]",
    // No YAML, in or near the line of a secret.
    "providers:\n  - { name: a, api_key: KEY",
    "providers:\n  - { name: a, type: openai, api_key: \"KEY, models: [m] }\n  - name: b",
    "providers:\n  - name: a\n    api_key: \"KEY\n    base_url: x: y",
    "providers:\n  - name: a\n    api_keys:\n    - KEY: : x\n    - [",
    "providers:\n  - name: a\n    api_keys:\n      - x\n      - @KEY",
    "providers:\n  - name: a\n    headers:\n      X-Team: a\n      Other: %KEY",
    "providers:\n  - name: a\n    api_key KEY\n    type: openai",
    "providers:\n  - name: a\n    tokn: *KEY\n\tapi_key：KEY",
];

/// Without quotes or backslashes, so that it can stand anywhere in a file.
fn filled(text: &str) -> (String, Vec<&'static Canary>) {
    let odd = serde_json::to_string(LOGIN_PASSWORD.value).expect("a text");
    let hidden = text.replace("CNRY_API_KEY", "\0");
    let planted = [("KEY", &FIRST_KEY), ("ODD", &LOGIN_PASSWORD), ("\0", &IN_VARIABLE)];
    let canaries = planted.iter().filter(|(word, _)| hidden.contains(word)).map(|(_, canary)| *canary).collect();
    (hidden.replace("KEY", FIRST_KEY.value).replace("ODD", &odd).replace('\0', "CNRY_API_KEY"), canaries)
}

fn env() -> Env {
    Env::for_tests(&[("CNRY_API_KEY", IN_VARIABLE.value), ("OTHER_SECRET", SECOND_KEY.value)], "/")
}

#[test]
fn no_mistake_shows_the_secret_beside_it() {
    let mut findings = Findings::default();
    for wrong in WRONG {
        let (text, canaries) = filled(wrong);
        assert!(
            canaries
                .iter()
                .all(|canary| canary.name == IN_VARIABLE.name || super::readings(&text).iter().any(|read| read.contains(canary.value)))
        );
        let Err(diagnostics) = load_text("llmgw.yaml", &text, Path::new("/"), &env(), &Overrides::default()) else {
            panic!("nothing is wrong with {wrong}")
        };
        for diagnostic in &diagnostics {
            let shown = [diagnostic.to_string(), serde_json::to_string(diagnostic).expect("JSON"), format!("{diagnostic:?}")];
            findings.check(&format!("{wrong:?} → {diagnostic}"), &shown[0], canaries.iter().copied());
            findings.check("a diagnostic as JSON or for debugging", &shown[1..].join("\n"), canaries.iter().copied());
        }
    }
    findings.are_none();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_refused_reload_shows_the_secret_beside_the_mistake() {
    let stage = Stage::set("text").await;
    let (running, address) = stage.serve();
    let right = std::fs::read_to_string(stage.home.path("llmgw.yaml")).expect("the configuration");
    let mut findings = Findings::default();
    for (number, wrong) in WRONG.iter().enumerate() {
        let (text, canaries) = filled(wrong);
        stage.home.write("llmgw.yaml", &text);
        let admin = |method, path| Ask::new(address, method, path).bearer(super::places::ADMIN_KEY.value);
        let answer = raw(&admin("POST", "/reload")).await;
        assert!(answer.starts_with("HTTP/1.1 400 "), "{wrong}: {answer}");
        let shown = answer + &raw(&admin("GET", "/status")).await;
        findings.check(&format!("the reload of {wrong}"), &shown, canaries.iter().copied());
        if number % 6 == 0 {
            let reload = ["reload", "--url", &format!("http://{address}"), "--key", super::places::ADMIN_KEY.value];
            let ended = stage.home.llmgw(&reload).env("CNRY_API_KEY", IN_VARIABLE.value).ends(2);
            let checked = stage.home.llmgw(&["config", "check"]).env("CNRY_API_KEY", IN_VARIABLE.value).ends(2);
            let all = [ended.out, ended.err, checked.out, checked.err].join("\n");
            findings.check(&format!("`reload` and `config check` of {wrong}"), &all, super::places::all());
        }
    }
    stage.home.write("llmgw.yaml", right);
    drop(stage);
    running.signal(rustix::process::Signal::TERM);
    let ended = running.ends(0);
    assert_eq!(ended.err.matches("configuration not reloaded").count(), WRONG.len() + WRONG.len().div_ceil(6));
    findings.check("the log", &ended.err, super::places::all());
    findings.are_none();
}

#[test]
fn no_failure_to_start_shows_a_secret() {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
    let key = made.signing_key.serialize_pem();
    let (body, begin) = (key.lines().nth(1).expect("base64").to_owned(), "-----BEGIN PRIVATE KEY-----");
    let files = [
        ("in one line", key.replace('\n', "")),
        ("without an end", key.lines().take(2).collect::<Vec<_>>().join("\n")),
        ("not base64", format!("{begin}\n{body}!\n-----END PRIVATE KEY-----\n")),
        ("of another kind", format!("{begin}\n{}\n-----END PRIVATE KEY-----\n", &body[..64])),
    ];
    let hidden = &body[8..24];
    let bytes = hidden.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ");
    for (what, file) in files {
        let home = Home::new();
        home.write("cert.pem", made.cert.pem());
        home.write("key.pem", &file);
        let of_server = "server: { tls: { cert: cert.pem, key: key.pem } }\nproviders: [{ name: a, type: mock }]\n";
        let of_provider = "providers: [{ name: a, type: openai, tls: { cert: cert.pem, key: key.pem } }]\n";
        for config in [of_server, of_provider] {
            home.write("llmgw.yaml", config);
            let ended = home.run(&["serve", "--port", "0", "--log-level", "trace"], 2);
            let all = ended.out + &ended.err;
            assert!(all.contains("key.pem") && !all.contains(hidden) && !all.contains(&bytes), "{what}: {all}");
        }
    }
    let home = Home::with(&format!("admin: {{ key: {0} }}\nproviders: [{{ name: a, type: openai, api_key: {0} }}]\n", API_KEY.value));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port().to_string();
    let ended = home.run(&["serve", "--port", &port, "--log-level", "trace"], 2);
    let mut findings = Findings::default();
    findings.check("a start that fails", &(ended.out + &ended.err), [&API_KEY]);
    findings.are_none();
}
