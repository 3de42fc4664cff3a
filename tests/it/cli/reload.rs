//! A running gateway's configuration changes: by command, by signal, by editing the file.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::Signal;

use super::process::Home;
use super::serve::Gateway;

const OLD: &str = "providers: [{ name: a, type: mock, models: [old] }]\n";
const NEW: &str = "providers: [{ name: a, type: mock, models: [new] }]\n";
const BAD: &str = "providers: [{ name: a, type: mokc, models: [new] }]\n";

/// Serves `llmgw.yaml`, which nobody watches.
fn unwatched(home: &Home) -> Gateway {
    Gateway::start(home.llmgw(&["serve", "--port", "0", "--no-watch"]))
}

#[test]
fn the_command_says_what_changed() {
    let home = Home::with(OLD);
    let gateway = unwatched(&home);
    home.write("llmgw.yaml", NEW.to_owned() + "server: { max_body: 1MB, host: localhost }\n");
    let ended = home.run(&["reload", "--url", &gateway.url()], 0);
    let changed: Vec<&str> = ended.out.lines().filter_map(|line| line.strip_prefix("changed: ")).collect();
    assert!(changed.iter().any(|key| key.contains("max_body")) && changed.iter().any(|key| key.contains("models")), "{ended:#?}");
    assert!(ended.out.contains("needs a restart: server.host"), "{ended:#?}");
    assert!(gateway.models().contains(&"new".to_owned()));
}

#[test]
fn the_address_is_taken_from_the_configuration() {
    let home = Home::with(OLD);
    let gateway = unwatched(&home);
    let port = gateway.authority.rsplit(':').next().expect("a port");
    home.write("client.yaml", format!("{OLD}server: {{ port: {port} }}\n"));
    home.run(&["reload", "-c", "client.yaml"], 0);
    gateway.running.err.holds("configuration reloaded");
}

#[test]
fn a_check_changes_nothing() {
    let home = Home::with(OLD);
    let gateway = unwatched(&home);
    home.write("llmgw.yaml", NEW);
    let ended = home.run(&["reload", "--check", "--url", &gateway.url()], 0);
    assert!(ended.out.contains("llmgw.yaml: ok\n") && ended.out.contains("changed: "), "{ended:#?}");
    assert!(gateway.models().contains(&"old".to_owned()));
    home.write("llmgw.yaml", BAD);
    home.run(&["reload", "--check", "--url", &gateway.url()], 2).prints("").says(&["llmgw.yaml:1:", "did you mean `mock`?"]);
    drop(gateway);
    home.write("llmgw.yaml", OLD);
    home.run(&["reload", "--check", "--url", "http://127.0.0.1:1"], 0).says(&["no gateway answers at http://127.0.0.1:1/"]);
}

#[test]
fn a_bad_file_changes_nothing_and_is_explained() {
    let home = Home::with(OLD);
    let gateway = unwatched(&home);
    home.write("llmgw.yaml", BAD);
    let ended = home.run(&["reload", "--url", &gateway.url()], 2).prints("");
    ended.says(&["error: the gateway keeps the configuration that it has", "llmgw.yaml:1:", "`mock`"]);
    assert!(gateway.models().contains(&"old".to_owned()));
    assert_eq!(gateway.ask("GET", "/readyz", "").0, 200);
}

#[test]
fn who_is_not_there_or_refuses_is_named() {
    let home = Home::with(&format!("{OLD}admin: {{ key: sk-admin-of-the-test }}\n"));
    home.run(&["reload", "--url", "http://127.0.0.1:1"], 1).prints("").says(&["no gateway answers at http://127.0.0.1:1/", "hint:"]);
    let gateway = unwatched(&home);
    home.run(&["reload", "--url", &gateway.url()], 0);
    let ended = home.run(&["reload", "--url", &gateway.url(), "--key", "wrong"], 1).says(&["refuses the key", "--key"]);
    assert!(!ended.err.contains("sk-admin-of-the-test"), "{ended:#?}");
    for wrong in ["not a url", "localhost:8000", "ftp://127.0.0.1"] {
        home.run(&["reload", "--url", wrong], 2).prints("").says(&["http://"]);
    }
}

#[test]
fn a_hangup_reloads() {
    let home = Home::with(OLD);
    let gateway = unwatched(&home);
    home.write("llmgw.yaml", NEW);
    gateway.running.signal(Signal::HUP);
    gateway.running.err.holds("configuration reloaded");
    assert!(gateway.models().contains(&"new".to_owned()));
    home.write("llmgw.yaml", BAD);
    gateway.running.signal(Signal::HUP);
    gateway.running.err.holds("configuration not reloaded; the old one stays");
    assert!(gateway.models().contains(&"new".to_owned()));
}

#[test]
fn an_edited_file_is_noticed_however_it_is_saved() {
    type Save = fn(&Home);
    let saves: [Save; 2] = [
        |home| drop(home.write("llmgw.yaml", NEW)),
        |home| {
            // As editors do: the new text under another name, then in place of the old one.
            let written = home.write(".llmgw.yaml.swp", NEW);
            fs::rename(written, home.path("llmgw.yaml")).expect("a rename");
        },
    ];
    for save in saves {
        let home = Home::with(OLD);
        let gateway = Gateway::serving(&home);
        gateway.running.err.holds("started");
        save(&home);
        gateway.running.err.holds("configuration reloaded");
        assert!(gateway.models().contains(&"new".to_owned()));
        home.write("llmgw.yaml", BAD);
        gateway.running.err.holds("configuration not reloaded; the old one stays");
        assert!(gateway.models().contains(&"new".to_owned()));
    }
}

#[test]
fn a_swapped_link_is_noticed() {
    // As Kubernetes mounts it: `llmgw.yaml` is `..data/llmgw.yaml`, and `..data` is swapped.
    let home = Home::new();
    home.write("mount/..1/llmgw.yaml", OLD);
    home.write("mount/..2/llmgw.yaml", NEW);
    symlink("..1", home.path("mount/..data")).expect("a link");
    symlink("..data/llmgw.yaml", home.path("mount/llmgw.yaml")).expect("a link");
    let gateway = Gateway::start(home.llmgw(&["serve", "--port", "0", "-c", "mount/llmgw.yaml"]));
    gateway.running.err.holds("started");
    assert!(gateway.models().contains(&"old".to_owned()));
    symlink("..2", home.path("mount/..data_tmp")).expect("a link");
    fs::rename(home.path("mount/..data_tmp"), home.path("mount/..data")).expect("a rename");
    gateway.running.err.holds("configuration reloaded");
    assert!(gateway.models().contains(&"new".to_owned()));
}
