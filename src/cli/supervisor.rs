//! The service manager above `llmgw serve`, if there is one: sockets that it hands over, and what it wants to be told.
//!
//! systemd's protocols, which others speak too: `sd_listen_fds(3)` and `sd_notify(3)`. Not by the crate sd-notify: that
//! asks the process for its environment each time, and waits for a manager that does not listen.

use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::{MissedTickBehavior, interval};
use tracing::warn;

use crate::cli::failure::Failure;
use crate::config::env::Env;
use crate::server::Inherited;

/// A manager that does not read what it is told must not hold up the gateway.
const PATIENCE: Duration = Duration::from_millis(250);

/// Who is told how the gateway is. Nobody, if nobody asked.
#[derive(Clone)]
pub struct Supervisor {
    channel: Option<Arc<Channel>>,
    /// Without a sign of life for so long the gateway is killed.
    watchdog: Option<Duration>,
}

impl Supervisor {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say.
    pub fn of(environment: &Env) -> Supervisor {
        let channel = environment.get_filled("NOTIFY_SOCKET").and_then(|address| match Channel::open(address) {
            Ok(channel) => Some(Arc::new(channel)),
            Err(error) => {
                warn!(%error, address, "the service manager cannot be reached");
                None
            }
        });
        let is_ours = environment.get_filled("WATCHDOG_PID").is_none_or(|id| id == std::process::id().to_string());
        let micros = environment.get_filled("WATCHDOG_USEC").filter(|_| is_ours).and_then(|text| text.parse().ok());
        Supervisor { channel, watchdog: micros.filter(|micros| *micros > 0).map(Duration::from_micros) }
    }

    /// Clients can connect.
    pub fn ready(&self, addresses: &str) {
        self.tell(&format!("READY=1\nSTATUS=serving on {addresses}"));
    }

    /// The configuration is read again; [`Supervisor::reloaded`] must follow.
    pub fn reloading(&self) {
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}\nSTATUS=reading the configuration again", micros_since_boot()));
    }

    /// The configuration was read; whether it is in force.
    pub fn reloaded(&self, taken: bool) {
        let status = if taken {
            "serving, with the configuration as it is now"
        } else {
            "serving with the old configuration: the new one was refused"
        };
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1\nSTATUS=finishing what runs");
    }

    /// Gives signs of life, if they are wanted, as long as this runtime and all `others` run what they are given: a thread that
    /// is stuck serves none of its connections, and is given no others to.
    pub fn start_watchdog(&self, others: Vec<Handle>) {
        let (Some(limit), Some(_)) = (self.watchdog, &self.channel) else { return };
        let supervisor = self.clone();
        tokio::spawn(async move {
            let mut turns = interval(limit / 2);
            turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                turns.tick().await;
                for runtime in &others {
                    let _ = runtime.spawn(async {}).await;
                }
                supervisor.tell("WATCHDOG=1");
            }
        });
    }

    fn tell(&self, message: &str) {
        let Some(channel) = &self.channel else { return };
        if let Err(error) = channel.send(message) {
            warn!(%error, "the service manager cannot be told");
        }
    }
}

/// The sockets that were handed over with `LISTEN_FDS`, with their names. To be called once, and while the process has a
/// single thread: the variables are taken out of the environment.
#[cfg(unix)]
pub fn inherited(environment: &Env) -> Result<Vec<Inherited>, Failure> {
    if environment.get_filled("LISTEN_FDS").is_none() {
        return Ok(Vec::new());
    }
    let mut descriptors = listenfd::ListenFd::from_env();
    let names: Vec<&str> = environment.get_filled("LISTEN_FDNAMES").map(|names| names.split(':').collect()).unwrap_or_default();
    let mut sockets = Vec::new();
    for at in 0..descriptors.len() {
        let taken = descriptors.take_tcp_listener(at);
        let unusable = |error| {
            Failure::usage(format!("cannot use a socket that was handed over: {error}"))
                .hint("llmgw listens on TCP; check `ListenStream=` in the socket unit")
        };
        if let Some(socket) = taken.map_err(unusable)? {
            sockets.push(Inherited { name: names.get(at).map(|name| (*name).to_owned()), socket: Arc::new(socket) });
        }
    }
    Ok(sockets)
}

/// Nothing is handed over here.
#[cfg(not(unix))]
pub fn inherited(_: &Env) -> Result<Vec<Inherited>, Failure> {
    Ok(Vec::new())
}

/// The monotonic clock, as the manager reads it.
#[cfg(unix)]
fn micros_since_boot() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[cfg(not(unix))]
fn micros_since_boot() -> i64 {
    0
}

#[cfg(unix)]
struct Channel(std::os::unix::net::UnixDatagram);

#[cfg(unix)]
impl Channel {
    /// `address` is a path, or an `@` and a name in Linux's abstract namespace.
    fn open(address: &str) -> std::io::Result<Channel> {
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.set_write_timeout(Some(PATIENCE))?;
        match address.strip_prefix('@') {
            #[cfg(target_os = "linux")]
            Some(name) => {
                use std::os::linux::net::SocketAddrExt;
                socket.connect_addr(&std::os::unix::net::SocketAddr::from_abstract_name(name)?)?;
            }
            _ => socket.connect(address)?,
        }
        Ok(Channel(socket))
    }

    fn send(&self, message: &str) -> std::io::Result<()> {
        self.0.send(message.as_bytes()).map(drop)
    }
}

#[cfg(not(unix))]
enum Channel {}

#[cfg(not(unix))]
impl Channel {
    fn open(_: &str) -> std::io::Result<Channel> {
        Err(std::io::ErrorKind::Unsupported.into())
    }

    fn send(&self, _: &str) -> std::io::Result<()> {
        match *self {}
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;
    use std::time::Duration;

    use super::Supervisor;
    use crate::cli::args::{self, Command};
    use crate::config::Server;
    use crate::config::env::Env;

    fn manager(directory: &Path) -> (UnixDatagram, String) {
        let path = directory.join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        (socket, path.to_str().unwrap().to_owned())
    }

    fn hear(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 512];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    }

    #[tokio::test]
    async fn signs_of_life_come_twice_as_often_as_they_must() {
        let directory = tempfile::tempdir().unwrap();
        let (socket, path) = manager(directory.path());
        let env = |id: &str| Env::for_tests(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "20000"), ("WATCHDOG_PID", id)], "/");
        assert_eq!(Supervisor::of(&env("1")).watchdog, None, "another process is meant");
        let supervisor = Supervisor::of(&env(&std::process::id().to_string()));
        assert_eq!(supervisor.watchdog, Some(Duration::from_millis(20)));
        let other = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        supervisor.start_watchdog(vec![other.handle().clone()]);
        let heard = tokio::task::spawn_blocking(move || (hear(&socket), hear(&socket))).await.unwrap();
        assert_eq!(heard, ("WATCHDOG=1".to_owned(), "WATCHDOG=1".to_owned()));
        other.shutdown_background();
    }

    #[tokio::test(start_paused = true)]
    async fn where_one_thread_is_stuck_there_is_no_sign() {
        let directory = tempfile::tempdir().unwrap();
        let (socket, path) = manager(directory.path());
        let supervisor = Supervisor::of(&Env::for_tests(&[("NOTIFY_SOCKET", &path), ("WATCHDOG_USEC", "20000")], "/"));
        // Nobody runs it.
        let stuck = tokio::runtime::Builder::new_current_thread().build().unwrap();
        supervisor.start_watchdog(vec![stuck.handle().clone()]);
        for _ in 0..20 {
            tokio::time::advance(Duration::from_millis(10)).await;
        }
        socket.set_nonblocking(true).unwrap();
        assert!(socket.recv(&mut [0; 64]).is_err());
        // Now somebody does.
        socket.set_nonblocking(false).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let running = std::thread::spawn(move || stuck.block_on(stopped));
        assert_eq!(tokio::task::spawn_blocking(move || hear(&socket)).await.unwrap(), "WATCHDOG=1");
        drop(stop);
        let _ = running.join().unwrap();
    }

    #[test]
    fn the_unit_file_suits_the_program() {
        let unit = include_str!("../../config/systemd/llmgw.service");
        let value = |key: &str| unit.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).unwrap();
        let line: Vec<std::ffi::OsString> = value("ExecStart").split(' ').map(Into::into).collect();
        assert!(matches!(args::parse(line).unwrap().command, Command::Serve(_)));
        let patience = humantime::parse_duration(value("TimeoutStopSec")).unwrap();
        assert!(patience > Server::default().drain + Server::default().shutdown_grace);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_manager_may_live_in_the_abstract_namespace() {
        use std::os::linux::net::SocketAddrExt;
        use std::os::unix::net::SocketAddr;

        let name = format!("llmgw-test-{}", std::process::id());
        let socket = UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(&name).unwrap()).unwrap();
        Supervisor::of(&Env::for_tests(&[("NOTIFY_SOCKET", &format!("@{name}"))], "/")).stopping();
        assert!(hear(&socket).starts_with("STOPPING=1\n"));
    }

    #[test]
    fn a_manager_that_is_not_there_or_never_listens_holds_nothing_up() {
        Supervisor::of(&Env::for_tests(&[], "/")).ready("http://127.0.0.1:1");
        Supervisor::of(&Env::for_tests(&[("NOTIFY_SOCKET", "/nowhere/at/all")], "/")).ready("http://127.0.0.1:1");
        let directory = tempfile::tempdir().unwrap();
        let (_socket, path) = manager(directory.path());
        let supervisor = Supervisor::of(&Env::for_tests(&[("NOTIFY_SOCKET", &path)], "/"));
        // More than the queue holds.
        let full = (0..100_000).find(|_| supervisor.channel.as_ref().unwrap().send("WATCHDOG=1").is_err());
        assert!(full.is_some());
    }
}
