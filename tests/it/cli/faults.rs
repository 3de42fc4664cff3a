//! What can be wrong with a configuration before anything runs: one clear message, exit code 2.

use std::fs::{self, File, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use super::process::Home;

const MOCK: &str = "providers: [{ name: a, type: mock }]\n";

/// What makes the fault, and what the message must say.
type Fault = (&'static str, fn(&Home), &'static [&'static str]);

const FAULTS: [Fault; 10] = [
    ("empty", |home| drop(home.write("llmgw.yaml", "")), &["llmgw.yaml", "is empty"]),
    ("only comments", |home| drop(home.write("llmgw.yaml", "# later\n")), &["llmgw.yaml", "is empty"]),
    ("a directory", |home| fs::create_dir(home.path("llmgw.yaml")).expect("a directory"), &["llmgw.yaml", "is a directory"]),
    ("a binary", |home| drop(home.write("llmgw.yaml", b"\x7fELF\0\0\x01")), &["llmgw.yaml", "is a binary file"]),
    ("another encoding", |home| drop(home.write("llmgw.yaml", b"providers:\n  # \xc4\xe3\xba\xc3\n")), &["is not UTF-8 text (line 2)"]),
    (
        "100 MB",
        |home| File::create(home.path("llmgw.yaml")).and_then(|file| file.set_len(100_000_000)).expect("a sparse file"),
        &["llmgw.yaml", "is larger than 10 MB"],
    ),
    (
        "two providers of one name",
        |home| drop(home.write("llmgw.yaml", "providers:\n  - { name: a, type: mock }\n  - { name: a, type: mock }\n")),
        &["llmgw.yaml:3:", "`a`"],
    ),
    ("a key twice", |home| drop(home.write("llmgw.yaml", MOCK.repeat(2))), &["llmgw.yaml:2:1:", "a duplicate key", "line 1"]),
    ("tabs", |home| drop(home.write("llmgw.yaml", "providers:\n\t- name: a\n")), &["llmgw.yaml:2:", "never with tabs"]),
    ("a list", |home| drop(home.write("llmgw.yaml", "- a\n")), &["llmgw.yaml", "a mapping of keys"]),
];

#[test]
fn a_file_that_cannot_be_used_is_one_clear_message() {
    for (name, make, needles) in FAULTS {
        let home = Home::new();
        make(&home);
        for line in [&["config", "check"][..], &["serve", "--port", "0"], &["chat", "hi"], &["list"]] {
            let ended = home.run(line, 2).prints("").says(needles);
            assert_eq!(ended.err.matches("error: ").count(), 1, "{name}: {ended:#?}");
        }
    }
}

#[test]
fn a_file_without_permission_is_said_to_be() {
    let home = Home::with(MOCK);
    fs::set_permissions(home.path("llmgw.yaml"), Permissions::from_mode(0o000)).expect("permissions");
    // Root may read everything.
    if fs::read(home.path("llmgw.yaml")).is_err() {
        home.run(&["serve", "--port", "0"], 2).prints("").says(&["llmgw.yaml", "cannot be read", "ermission"]);
    }
}

#[test]
fn a_file_that_is_named_must_exist() {
    let home = Home::with(MOCK);
    home.run(&["list", "-c", "nope.yaml"], 2).prints("").says(&["nope.yaml", "no such file", "--config"]);
    home.llmgw(&["list"]).env("LLMGW_CONFIG", "nope.yaml").ends(2).prints("").says(&["nope.yaml", "LLMGW_CONFIG"]);
}

#[test]
fn a_port_that_is_taken_is_named_with_the_way_out() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("an address").port();
    let needles = [&format!("port {port} on 127.0.0.1 is taken by another process"), "hint:", "--port", "server.port"];
    let needles: Vec<&str> = needles.iter().map(AsRef::as_ref).collect();
    let ended = Home::with(MOCK).run(&["serve", "--port", &port.to_string()], 2).prints("").says(&needles);
    assert_eq!(ended.err.matches("error: ").count(), 1, "{ended:#?}");
}

#[test]
fn a_certificate_that_is_missing_or_none_is_named() {
    let home = Home::with(&format!("{MOCK}server: {{ port: 0, tls: {{ cert: cert.pem, key: key.pem }} }}\n"));
    home.run(&["serve"], 2).prints("").says(&["error: ", "cert.pem"]);
    home.write("cert.pem", "no certificate");
    home.write("key.pem", "no key");
    home.run(&["serve"], 2).prints("").says(&["error: ", "cert.pem"]);
}

#[test]
fn more_threads_than_anyone_has_are_refused() {
    let home = Home::with(&format!("{MOCK}server: {{ workers: 99999999 }}\n"));
    home.run(&["serve", "--port", "0"], 2).prints("").says(&["llmgw.yaml:2:20:"]);
    Home::with(MOCK).run(&["serve", "--port", "0", "--workers", "99999999"], 2).prints("").says(&["--workers"]);
}

#[test]
fn a_public_host_needs_keys() {
    let home = Home::with(MOCK);
    for host in ["0.0.0.0", "::"] {
        let ended = home.run(&["serve", "--port", "0", "--host", host], 2).prints("").says(&["auth.keys", "--insecure"]);
        assert_eq!(ended.err.matches("error: ").count(), 1, "{ended:#?}");
    }
    home.run(&["serve", "--host", "no such host"], 2).prints("");
    Home::new().run(&["serve", "--port", "0", "--host", "0.0.0.0"], 2).prints("").says(&["auth.keys", "--insecure"]);
}
