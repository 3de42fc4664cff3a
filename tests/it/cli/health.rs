//! `llmgw health`: an exit code for whoever watches over a container.

use rustix::process::Signal;

use super::process::{Home, free_port};
use super::serve::Gateway;
use super::upstream::Upstream;

const CONFIG: &str = "providers: [{ name: a, type: mock, models: [m] }]\n";

#[test]
fn a_gateway_that_lives_is_exit_zero() {
    let home = Home::with(CONFIG);
    let gateway = Gateway::serving(&home);
    let ended = home.run(&["health", "--url", &gateway.url()], 0);
    assert!(ended.out.starts_with(&format!("{}/: ok (", gateway.url())) && ended.err.is_empty(), "{ended:#?}");
    // As in a container: the address is the configuration's.
    let port = gateway.authority.rsplit(':').next().expect("a port");
    home.write("llmgw.yaml", format!("{CONFIG}server: {{ port: {port} }}\n"));
    home.run(&["health"], 0);
    assert!(home.run(&["health", "--ready"], 0).out.contains(": ready ("));
}

#[test]
fn a_gateway_that_drains_lives_and_is_not_ready() {
    let home = Home::with(&format!("{CONFIG}server: {{ drain: 1h }}\n"));
    let gateway = Gateway::serving(&home);
    gateway.running.signal(Signal::TERM);
    gateway.running.err.holds("shutting down");
    home.run(&["health", "--url", &gateway.url()], 0);
    home.run(&["health", "--url", &gateway.url(), "--ready"], 1).prints("").says(&["draining (503)"]);
    gateway.running.signal(Signal::TERM);
    gateway.running.ends(0);
}

#[test]
fn administration_at_a_port_of_its_own_is_not_what_clients_ask() {
    let home = Home::with(&format!("{CONFIG}server: {{ port: {} }}\nadmin: {{ port: {} }}\n", free_port(), free_port()));
    let gateway = home.llmgw(&["serve"]).starts();
    gateway.out.holds("(administration)");
    home.run(&["health"], 0);
}

#[test]
fn nobody_somebody_else_and_silence_are_exit_one() {
    let home = Home::with(&format!("{CONFIG}server: {{ port: {} }}\n", free_port()));
    home.run(&["health"], 1).prints("").says(&["no gateway answers at http://127.0.0.1:", "connection refused", "hint:"]);
    let other = Upstream::saying("你好");
    let url = format!("http://{}", other.authority());
    home.run(&["health", "--url", &url], 1).says(&["no gateway of this kind (200)"]);
    let silent = Upstream::start(|_, line| line.waits_for_the_client_to_leave());
    let url = format!("http://{}", silent.authority());
    home.run(&["health", "--url", &url, "--timeout", "200ms"], 1).prints("").says(&["no gateway answers"]);
    silent.sees_a_client_leave();
}

#[test]
fn what_cannot_be_asked_is_bad_usage() {
    Home::with("providers: 1\n").run(&["health"], 2).prints("").says(&["llmgw.yaml:1:"]);
    Home::with(&format!("{CONFIG}server: {{ port: 0 }}\n")).run(&["health"], 2).says(&["--url"]);
    Home::new().run(&["health", "--url", "127.0.0.1:8000"], 2).says(&["http://127.0.0.1:8000"]);
    Home::new().run(&["health", "--timeout", "3"], 2);
}
