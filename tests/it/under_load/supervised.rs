//! Under a service manager: what it is told, and restarts on a socket that it keeps, while clients go on connecting.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use rustix::process::Signal;

use super::{Gateway, SOON};
use crate::cli::process::{Home, PATIENCE, Running, free_port};

const CONFIG: &str = "providers: [{ name: a, type: mock, models: [m] }]\n";

/// A manager that listens, in this home.
struct Manager {
    socket: UnixDatagram,
}

impl Manager {
    fn of(home: &Home) -> (Manager, String) {
        let path = home.path("notify");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a socket");
        (Manager { socket }, path.to_str().expect("a path").to_owned())
    }

    /// The next message, checked for its first line.
    #[track_caller]
    fn hears(&self, first: &str) -> String {
        let mut buffer = [0; 1024];
        let length = self.socket.recv(&mut buffer).expect("a message");
        let message = String::from_utf8_lossy(&buffer[..length]).into_owned();
        assert_eq!(message.lines().next(), Some(first), "{message}");
        assert!(message.lines().any(|line| line.starts_with("STATUS=")), "{message}");
        message
    }
}

#[test]
fn a_manager_hears_when_it_is_ready_reloads_and_stops() {
    let home = Home::with(CONFIG);
    let (manager, path) = Manager::of(&home);
    let line = home.llmgw(&["serve", "--port", "0", "--no-watch"]).env("NOTIFY_SOCKET", &path);
    let gateway = Gateway::run(home, line);
    let ready = manager.hears("READY=1");
    assert!(ready.contains(&gateway.door.address.to_string()), "{ready}");
    assert_eq!(get(gateway.door.address), Ok(()));

    for (config, word) in [(CONFIG, "as it is now"), ("providers: what?\n", "refused")] {
        gateway.put("llmgw.yaml", config);
        gateway.signal(Signal::HUP);
        let reloading = manager.hears("RELOADING=1");
        let micros = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC=")).expect("a time");
        assert!(micros.parse::<u64>().expect("a number") > 0);
        let reloaded = manager.hears("READY=1");
        assert!(reloaded.contains(word), "{reloaded}");
    }
    gateway.signal(Signal::TERM);
    manager.hears("STOPPING=1");
    gateway.ends(0);
}

#[test]
fn a_reload_that_hangs_does_not_keep_it_from_ending() {
    let home = Home::with("providers: [{ name: a, base_url: http://127.0.0.1:1/v1, api_key: \"file:key\", models: [m] }]\n");
    home.write("key", "sk-0123456789abcdef");
    let (manager, path) = Manager::of(&home);
    let line = home.llmgw(&["serve", "--port", "0", "--no-watch"]).env("NOTIFY_SOCKET", &path);
    let gateway = Gateway::run(home, line);
    manager.hears("READY=1");
    // Nobody writes into it: whoever reads it waits for ever.
    fs::remove_file(gateway.home.path("key")).expect("removed");
    assert!(Command::new("mkfifo").arg(gateway.home.path("key")).status().expect("mkfifo").success());
    gateway.signal(Signal::HUP);
    manager.hears("RELOADING=1");
    assert_eq!(get(gateway.door.address), Ok(()));
    gateway.signal(Signal::TERM);
    manager.hears("STOPPING=1");
    gateway.ends(0);
}

/// Starts `llmgw serve` with these sockets as descriptors 3 and 4, as a manager does it. What it says goes to a file.
fn activated(home: &Home, sockets: [&TcpListener; 2], names: &str) -> Running {
    let duplicate = |socket: &TcpListener| Stdio::from(OwnedFd::from(socket.try_clone().expect("a descriptor")));
    let script = "exec 3<&0 4<&2 </dev/null 2>stderr; LISTEN_FDS=2 LISTEN_PID=$$ exec \"$0\" serve";
    let command = home.llmgw(&[]).env("LISTEN_FDNAMES", names).command();
    let mut shell = Command::new("sh");
    shell.args(["-c", script]).arg(command.get_program()).current_dir(home.directory()).env_clear();
    shell.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    shell.stdin(duplicate(sockets[0])).stderr(duplicate(sockets[1])).stdout(Stdio::piped());
    Running::of(shell.spawn().expect("a shell"))
}

/// One request over a connection of its own.
fn get(address: SocketAddr) -> Result<(), String> {
    let mut socket = TcpStream::connect(address).map_err(|error| format!("not connected: {error}"))?;
    socket.set_read_timeout(Some(SOON)).map_err(|error| error.to_string())?;
    socket
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .map_err(|error| format!("not sent: {error}"))?;
    let mut answer = String::new();
    socket.read_to_string(&mut answer).map_err(|error| format!("no answer: {error}"))?;
    if answer.starts_with("HTTP/1.1 200") { Ok(()) } else { Err(format!("answered `{answer}`")) }
}

#[test]
fn restarts_on_a_socket_that_is_handed_over_refuse_nobody() {
    let bind = || TcpListener::bind("127.0.0.1:0").expect("a port");
    let (socket, admin) = (bind(), bind());
    let (address, administered) = (socket.local_addr().expect("an address"), admin.local_addr().expect("an address"));
    // Nobody can listen there.
    let home = Home::with(&format!("{CONFIG}server: {{ host: 127.0.0.1, port: 1 }}\nadmin: {{ port: 2 }}\n"));
    let (answered, is_over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..8)
        .map(|_| {
            let (answered, is_over) = (answered.clone(), is_over.clone());
            thread::spawn(move || {
                while !is_over.load(Ordering::SeqCst) {
                    get(address)?;
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                Ok::<_, String>(())
            })
        })
        .collect();
    let answers = |more: usize| {
        let wanted = answered.load(Ordering::SeqCst) + more;
        while answered.load(Ordering::SeqCst) < wanted && !clients.iter().any(|client| client.is_finished()) {
            thread::yield_now();
        }
    };
    for round in 0..3 {
        // By their names once, else by their order.
        let (sockets, names) = if round == 1 { ([&admin, &socket], "admin:llmgw.socket") } else { ([&socket, &admin], "a:b") };
        let gateway = activated(&home, sockets, names);
        let said = gateway.out.until("two lines", |text| text.lines().count() == 2 && text.ends_with('\n'));
        assert!(said.contains(&format!("listening on http://{address}\n")), "{said}");
        assert!(said.contains(&format!("listening on http://{administered} (administration)\n")), "{said}");
        answers(50);
        gateway.signal(Signal::TERM);
        gateway.ends(0);
    }
    let gateway = activated(&home, [&socket, &admin], "");
    answers(50);
    is_over.store(true, Ordering::SeqCst);
    for client in clients {
        assert_eq!(client.join().expect("no panic"), Ok(()));
    }
    gateway.signal(Signal::TERM);
    gateway.ends(0);
}

#[test]
fn systemds_own_helper_hands_a_socket_over() {
    if Command::new("systemd-socket-activate").arg("--version").output().is_err() {
        eprintln!("skipped: there is no systemd-socket-activate here; `scripts/setup` installs it");
        return;
    }
    let home = Home::with(CONFIG);
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let command = home.llmgw(&[]).command();
    let mut helper = Command::new("systemd-socket-activate");
    helper.args(["-l", &address.to_string()]).arg(command.get_program()).arg("serve").current_dir(home.directory());
    helper.env_clear().env("PATH", "/usr/bin:/bin").env("HOME", home.directory());
    helper.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let gateway = Running::of(helper.spawn().expect("the helper"));
    gateway.err.holds("Listening on");
    // The first connection starts it, and waits for it.
    assert_eq!(get(address), Ok(()));
    gateway.out.holds(&format!("listening on http://{address}\n"));
    gateway.signal(Signal::TERM);
    gateway.ends(0);
}

#[test]
fn a_public_socket_needs_keys_and_a_strange_one_is_refused() {
    let home = Home::with(CONFIG);
    let bind = |address: &str| TcpListener::bind(address).expect("a port");
    let (public, private) = (bind("0.0.0.0:0"), bind("127.0.0.1:0"));
    for (sockets, names, refusal) in
        [([&private, &public], "", "without `auth.keys`"), ([&private, &private], "admin", "`admin.port` is not set")]
    {
        activated(&home, sockets, names).ends(2);
        let said = fs::read_to_string(home.path("stderr")).expect("what it said");
        assert!(said.contains(refusal) && said.contains("hint: "), "{said}");
    }
}
