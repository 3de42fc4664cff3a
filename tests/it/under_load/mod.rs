//! The real binary under load: 200 streams, and some 200 short requests a second, while it is ended, reloaded and
//! restarted. What is lost or doubled is found by counting: the clients keep books, and so does the upstream.

mod ending;
pub mod load;
mod reloading;
mod supervised;
mod upstream;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use rustix::process::Signal;

use crate::cli::process::{Ended, Home, Line, Running};
use load::Door;

const CHAT: &str = "/v1/chat/completions";
/// Longer than anything here takes on a busy machine.
const SOON: Duration = Duration::from_secs(15);

/// A gateway of its own process.
pub struct Gateway {
    running: Running,
    home: Home,
    pub door: Door,
}

impl Gateway {
    /// With this `llmgw.yaml`, on a port that the system chooses.
    fn start(config: &str) -> Gateway {
        Gateway::start_in(Home::with(config))
    }

    fn start_in(home: Home) -> Gateway {
        let line = home.llmgw(&["serve", "--port", "0"]);
        Gateway::run(home, line)
    }

    pub fn run(home: Home, line: Line) -> Gateway {
        let running = line.starts();
        let said = running.out.until("where it listens", |text| text.ends_with('\n'));
        let address = said.trim_end().rsplit("://").next().expect("an address").parse().expect("an address");
        Gateway { running, home, door: Door { address, tls: None } }
    }

    pub fn signal(&self, signal: Signal) {
        self.running.signal(signal);
    }

    /// Replaces a file of its home in one step.
    pub fn put(&self, name: &str, content: &str) {
        let new = self.home.write(&format!("{name}.new"), content);
        fs::rename(new, self.home.path(name)).expect("replaced");
    }

    /// Its open files, but for those of the ledger, which come a moment after the start.
    #[cfg(target_os = "linux")]
    pub fn descriptors(&self) -> usize {
        let open = fs::read_dir(format!("/proc/{}/fd", self.running.id())).expect("a process");
        let is_ledger = |path: PathBuf| path.to_string_lossy().contains("llmgw.db");
        open.flatten().filter(|file| !fs::read_link(file.path()).is_ok_and(is_ledger)).count()
    }

    /// Its memory in kB.
    #[cfg(target_os = "linux")]
    pub fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.running.id())).expect("a process");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a figure");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }

    /// Nobody can connect any more.
    async fn refuses(&self) {
        until("connections to be refused", async || tokio::net::TcpStream::connect(self.door.address).await.is_err()).await;
    }

    /// Waits for its end; `code` is how it must end.
    pub fn ends(self, code: i32) -> Ended {
        self.running.ends(code)
    }
}

/// Waits for what must come.
async fn soon<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(SOON, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// Looks again and again, for what tells of itself in no other way.
pub async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let looking = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    soon(what, looking).await;
}
