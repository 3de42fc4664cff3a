//! `llmgw doctor`: what is wrong, each with its way out; exit 1 if anything does not work.

use serde_json::Value;

use super::process::{Ended, Home, free_port};
use super::serve::Gateway;
use super::upstream::Upstream;

/// The findings of `check`, as `state message hint`.
#[track_caller]
fn found(ended: &Ended, check: &str) -> Vec<String> {
    let findings: Vec<Value> = serde_json::from_str(&ended.out).unwrap_or_else(|_| panic!("no JSON: {ended:#?}"));
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap_or_default().to_owned();
    let of_check = findings.iter().filter(|finding| finding["check"] == check);
    of_check.map(|finding| ["state", "message", "hint"].map(|key| text(finding, key)).join(" ")).collect()
}

/// A configuration of `upstream` on a port that nobody has.
fn config(upstream: &Upstream) -> String {
    format!("{}server: {{ port: {} }}\n", upstream.config(), free_port())
}

fn json(home: &Home, arguments: &[&str], code: i32) -> Ended {
    home.run(&[&["doctor", "--format", "json"], arguments].concat(), code)
}

#[test]
fn all_well_is_exit_zero() {
    let home = Home::with(&config(&Upstream::saying("你好")));
    let ended = home.run(&["doctor"], 0).says(&[" 0 failed"]);
    let line = |check: &str| ended.out.lines().find(|line| line.get(9..).is_some_and(|rest| rest.starts_with(check))).unwrap_or_default();
    assert!(line("configuration").starts_with("ok ") && line("configuration").contains("found by ./llmgw.yaml"), "{ended:#?}");
    assert!(
        line("provider").starts_with("ok ") && line("provider").contains("up: it takes the key; models: 1; connected in"),
        "{ended:#?}"
    );
    assert!(line("gateway").starts_with("ok ") && line("gateway").contains("none runs at"), "{ended:#?}");
    assert!(line("data").starts_with("ok ") && !home.path(".local").exists(), "nothing is made: {ended:#?}");
    assert!(!ended.out.contains('\x1b') && !ended.out.contains("sk-upstreamsecret0001"), "{ended:#?}");
}

#[test]
fn each_provider_that_fails_is_told_with_its_way_out() {
    let (good, bad) = (Upstream::saying("好"), Upstream::refusing(401));
    let silent = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
    let config = format!(
        "providers:\n  - {{ name: good, base_url: \"{}\", api_keys: [sk-a, sk-b] }}\n  - {{ name: bad, base_url: \"{}\", api_key: sk-c }}\n  \
         - {{ name: slow, base_url: \"{}\" }}\n  - {{ name: gone, base_url: \"http://127.0.0.1:1/v1\" }}\n  \
         - {{ name: lost, base_url: \"http://nowhere.invalid/v1\" }}\n  - {{ name: off, base_url: \"http://127.0.0.1:1/v1\", enabled: false }}\n  \
         - {{ name: 模拟, type: mock }}\nserver: {{ port: {} }}\n",
        good.url(),
        bad.url(),
        silent.url(),
        free_port()
    );
    let home = Home::with(&config);
    let ended = json(&home, &["--timeout", "2s"], 1).says(&[" 4 failed"]);
    let found = found(&ended, "provider");
    let expected = [
        ("ok good, key 1 of 2: it takes the key", ""),
        ("ok good, key 2 of 2: it takes the key", ""),
        ("failed bad: GET /models answered 401", "check `api_key`"),
        ("failed slow: no answer within 2s", "firewall"),
        ("failed gone: cannot connect: connection refused", "is it running?"),
        ("failed lost: cannot connect: dns: ", "nothing here knows the name nowhere.invalid"),
        ("ok 模拟: built in", ""),
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (line, (beginning, hint)) in found.iter().zip(expected) {
        assert!(line.starts_with(beginning) && line.contains(hint), "{line} is not {beginning} … {hint}");
    }
    silent.sees_a_client_leave();
}

#[test]
fn offline_nobody_is_asked() {
    let upstream = Upstream::refusing(401);
    let ended = json(&Home::with(&config(&upstream)), &["--offline"], 0);
    assert!(found(&ended, "provider").is_empty() && upstream.requests().is_empty(), "{ended:#?}");
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_mistake_by_mistake() {
    let home = Home::with("providers: [{ name: a, type: mokc, api_key: \"${NO_SUCH_KEY}\" }]\nrotuing: {}\n");
    let ended = json(&home, &[], 1);
    let mistakes = found(&ended, "configuration");
    assert!(mistakes.iter().all(|mistake| mistake.starts_with("failed llmgw.yaml:")), "{mistakes:#?}");
    assert!(mistakes.concat().contains("`mock`") && mistakes.concat().contains("NO_SUCH_KEY"), "{mistakes:#?}");
    home.run(&["doctor", "-c", "none.yaml"], 1);
    assert!(home.run(&["doctor", "-c", "none.yaml"], 1).out.contains("none.yaml"));
}

#[test]
fn variables_are_named_and_not_shown() {
    let upstream = Upstream::saying("好");
    let home =
        Home::with(&config(&upstream).replace("sk-upstreamsecret0001", "\"${UP_KEY}\"").replace("models: [m]", "match: [\"${ONLY:-.}\"]"));
    let ended = home.llmgw(&["doctor", "--format", "json"]).env("UP_KEY", "sk-of-the-environment-01").ends(0);
    assert_eq!(found(&ended, "variables"), ["ok ONLY (not set; its default counts), UP_KEY "]);
    assert!(!ended.out.contains("sk-of-the-environment-01") && !ended.err.contains("sk-of-the-environment-01"), "{ended:#?}");
}

#[test]
fn without_a_file_it_says_where_to_begin() {
    let ended = json(&Home::new(), &["--offline"], 0);
    let configuration = found(&ended, "configuration");
    assert!(configuration[0].starts_with("warning no file") && configuration[0].contains("llmgw init"), "{configuration:#?}");
}

#[test]
fn whoever_has_the_port_is_told_apart() {
    let home = Home::with("providers: [{ name: a, type: mock }]\n");
    let gateway = Gateway::serving(&home);
    let at = |authority: &str| {
        let port = authority.rsplit(':').next().expect("a port");
        home.write("doctor.yaml", format!("providers: [{{ name: a, type: mock }}]\nserver: {{ port: {port} }}\n"));
    };
    at(&gateway.authority);
    let running = found(&json(&home, &["-c", "doctor.yaml"], 0), "gateway");
    assert!(running[0].starts_with(&format!("ok llmgw {} runs at {}", env!("CARGO_PKG_VERSION"), gateway.url())), "{running:#?}");
    at(&Upstream::saying("别人").authority());
    let other = found(&json(&home, &["-c", "doctor.yaml"], 1), "gateway");
    assert!(other[0].starts_with("failed something else answers") && other[0].contains("server.port"), "{other:#?}");
    // It listens, and says nothing.
    let deaf = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    at(&deaf.local_addr().expect("an address").to_string());
    let taken = found(&json(&home, &["-c", "doctor.yaml"], 1), "gateway");
    assert!(taken[0].starts_with("failed port ") && taken[0].contains("is taken by another process"), "{taken:#?}");
}

#[test]
fn a_clock_that_is_wrong_is_told() {
    let upstream = Upstream::start(|_, line| line.answers_on("Sun, 06 Nov 1994 08:49:37 GMT"));
    let ended = json(&Home::with(&config(&upstream)), &[], 1);
    let clock = found(&ended, "clock");
    assert!(clock[0].starts_with("failed it differs from the providers' by") && clock[0].contains("NTP"), "{clock:#?}");
}
