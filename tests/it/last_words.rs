//! What a gateway still says while it ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const CONFIG: &str = "\
providers: [{ name: slow, type: mock, models: [m], tokens_per_second: 1 }]
server: { shutdown_grace: 100ms }
";
const BODY: &str =
    r#"{"model":"m","stream":true,"messages":[{"role":"user","content":"one two three four five six seven eight nine ten"}]}"#;

#[test]
fn a_request_that_is_cut_at_the_end_has_its_line_in_the_log() {
    let home = tempfile::tempdir().unwrap();
    std::fs::write(home.path().join("llmgw.yaml"), CONFIG).unwrap();
    let mut gateway = Command::new(env!("CARGO_BIN_EXE_llmgw"))
        .args(["serve", "--port", "0"])
        .current_dir(home.path())
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(gateway.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let authority = said.trim_end().strip_prefix("listening on http://").expect("an address");

    let mut client = TcpStream::connect(authority).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let head = format!("POST /v1/chat/completions HTTP/1.1\r\nhost: {authority}\r\ncontent-type: application/json\r\n");
    client.write_all(format!("{head}content-length: {}\r\n\r\n{BODY}", BODY.len()).as_bytes()).unwrap();
    let mut answer = BufReader::new(client);
    let mut line = String::new();
    while !line.starts_with("data:") {
        line.clear();
        assert_ne!(answer.read_line(&mut line).unwrap(), 0, "the stream begins");
    }

    kill_process(Pid::from_child(&gateway), Signal::TERM).unwrap();
    let mut log = String::new();
    gateway.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    assert!(gateway.wait().unwrap().success());
    assert!(log.contains("finished") && log.contains("cut_off"), "{log}");
}
