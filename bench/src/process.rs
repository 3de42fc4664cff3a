//! Child processes on a core of their own, and what `/proc` says of them.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process, nice};
use rustix::thread::{CpuSet, sched_setaffinity};

/// The load generator and the upstream.
pub const LOAD_CORE: usize = 0;

/// What is measured.
pub const GATEWAY_CORE: usize = 1;

/// Thirty times the share of an ordinary process; without it, a build beside it shows as milliseconds in every p99.
const PRIORITY: i32 = -15;

/// Ticks in `/proc/PID/stat`; 100 on every Linux of ours.
const TICKS: f64 = 100.0;

/// This process, threads to come and children included, stays off the measured core, and goes before what else runs
/// for as long as the answer lives.
pub fn stay_on_load_core() -> Result<Priority> {
    let mut set = CpuSet::new();
    set.set(LOAD_CORE);
    sched_setaffinity(None, &set).context("the benchmark needs two cores")?;
    // Only root may; for others the column `waited` tells what it would have spared.
    nice(PRIORITY).ok();
    Ok(Priority::raise())
}

/// With autogroups, Linux shares a core between sessions first, and by `nice` only within one.
pub struct Priority {
    /// The session's own, which outlives this process.
    before: Option<String>,
}

const AUTOGROUP: &str = "/proc/self/autogroup";

impl Priority {
    fn raise() -> Self {
        let text = fs::read_to_string(AUTOGROUP).unwrap_or_default();
        let before = text.trim().rsplit_once("nice ").map(|(_, nice)| nice.to_owned());
        fs::write(AUTOGROUP, PRIORITY.to_string()).ok();
        Self { before }
    }
}

impl Drop for Priority {
    fn drop(&mut self) {
        if let Some(before) = &self.before {
            fs::write(AUTOGROUP, before).ok();
        }
    }
}

/// A server that ends with this value.
pub struct Server {
    child: Child,
    started: Instant,
}

impl Server {
    /// `command` is the program and its arguments; what it writes to stderr goes to `log`.
    pub fn start(core: usize, command: &[&str], log: &Path) -> Result<Self> {
        let started = Instant::now();
        let child = Command::new("taskset")
            .args(["-c", &core.to_string()])
            .args(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(File::create(log)?)
            .spawn()
            .context("start taskset")?;
        Ok(Self { child, started })
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn age(&self) -> Duration {
        self.started.elapsed()
    }

    /// Reads `listening on http://…` from its stdout.
    pub fn wait_listening(&mut self, log: &Path) -> Result<SocketAddr> {
        let stdout = self.child.stdout.as_mut().context("stdout is no pipe")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let Some(address) = listening(&line) else {
            bail!("it did not start; it wrote `{}` and {}", line.trim(), fs::read_to_string(log).unwrap_or_default());
        };
        Ok(address)
    }

    /// For servers that do not say when they are ready.
    pub fn wait_accepting(&mut self, address: SocketAddr) -> Result<()> {
        let began = Instant::now();
        while std::net::TcpStream::connect(address).is_err() {
            if let Some(status) = self.child.try_wait()? {
                bail!("it ended with {status}");
            }
            if began.elapsed() > Duration::from_secs(10) {
                bail!("nothing listens on {address}");
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let pid = Pid::from_raw(self.child.id().cast_signed());
        let signal = |signal| pid.map(|pid| kill_process(pid, signal));
        signal(Signal::TERM);
        for _ in 0..50 {
            match self.child.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        // A second one ends llmgw at once; what does not heed it is killed.
        signal(Signal::TERM);
        thread::sleep(Duration::from_millis(200));
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    line.strip_prefix("listening on http://")?.split_whitespace().next()?.parse().ok()
}

/// CPU seconds since a process began, over all of its threads.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cpu {
    pub user: f64,
    pub system: f64,
    /// Of the scheduler, to the nanosecond; user and system are to 10 ms.
    pub precise: f64,
    /// Ready to run, while something else had the core; without threads that step back for the others.
    pub waited: f64,
}

pub fn cpu(pids: &[u32]) -> Result<Cpu> {
    let mut sum = Cpu::default();
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat"))?;
        let (user, system) = times(&stat).context("/proc/PID/stat")?;
        sum.user += user;
        sum.system += system;
        for task in fs::read_dir(format!("/proc/{pid}/task"))? {
            // A thread may end meanwhile.
            let folder = task?.path();
            let text = fs::read_to_string(folder.join("schedstat")).unwrap_or_default();
            let mut seconds = text.split(' ').map(|nanos| nanos.parse::<f64>().unwrap_or(0.0) / 1e9);
            sum.precise += seconds.next().unwrap_or(0.0);
            let steps_back = niceness(&fs::read_to_string(folder.join("stat")).unwrap_or_default()) > niceness(&stat);
            sum.waited += seconds.next().filter(|_| !steps_back).unwrap_or(0.0);
        }
    }
    Ok(sum)
}

/// User and system seconds out of `/proc/PID/stat`. The program's name, in parentheses, may hold anything.
fn times(stat: &str) -> Option<(f64, f64)> {
    let mut fields = stat.rsplit_once(") ")?.1.split(' ').skip(11);
    let mut next = || fields.next()?.parse::<f64>().ok();
    Some((next()? / TICKS, next()? / TICKS))
}

/// How far a thread steps back, out of its `stat`.
fn niceness(stat: &str) -> Option<i32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(16)?.parse().ok()
}

fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()
}

/// `VmRSS` or `VmHWM`, in MB of 10⁶ bytes, over all of `pids`.
pub fn memory(pids: &[u32], field: &str) -> Result<f64> {
    let mut sum = 0.0;
    for pid in pids {
        sum += status_field(&fs::read_to_string(format!("/proc/{pid}/status"))?, field).unwrap_or(0.0) * 1024.0 / 1e6;
    }
    Ok(sum)
}

fn status_field(status: &str, field: &str) -> Option<f64> {
    let line = status.lines().find(|line| line.split(':').next() == Some(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// The process and its children, theirs included.
pub fn family(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let parents: Vec<(u32, u32)> =
        processes().filter_map(|child| Some((child, parent(&fs::read_to_string(format!("/proc/{child}/stat")).ok()?)?))).collect();
    let mut next = 0;
    while let Some(pid) = found.get(next).copied() {
        found.extend(parents.iter().filter(|(_, parent)| *parent == pid).map(|(child, _)| *child));
        next += 1;
    }
    found
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Which process of this machine listens on `port`; several may share a socket, the first is the parent.
pub fn listener(port: u16) -> Option<u32> {
    let tables: String = ["/proc/net/tcp", "/proc/net/tcp6"].iter().filter_map(|path| fs::read_to_string(path).ok()).collect();
    let sockets: HashSet<String> = inodes(&tables, port).map(|inode| format!("socket:[{inode}]")).collect();
    let mut pids: Vec<u32> = processes().collect();
    pids.sort_unstable();
    pids.into_iter().find(|pid| {
        let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
        links.filter_map(|link| fs::read_link(link.path()).ok()).any(|link| sockets.contains(&*link.to_string_lossy()))
    })
}

/// The inodes of the listening sockets (state `0A`) on `port`.
fn inodes(table: &str, port: u16) -> impl Iterator<Item = &str> {
    let suffix = format!(":{port:04X}");
    table.lines().filter_map(move |line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        (fields.get(1)?.ends_with(&suffix) && *fields.get(3)? == "0A").then(|| fields.get(9).copied())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn proc_files_are_read() {
        let stat = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 150 50 0 0 20 0 1 0 100 1000 50";
        assert_eq!(times(stat), Some((1.5, 0.5)));
        assert_eq!((parent(stat), niceness(stat)), (Some(7), Some(0)));
        assert_eq!(status_field("VmHWM:\t  10 kB\nVmRSS:\t     9 kB\n", "VmRSS"), Some(9.0));
        let table = "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A 0:0 00:0 0 0 0 77 1\n\
            1: 0100007F:1F90 0100007F:9999 01 0:0 00:0 0 0 0 78 1\n";
        assert_eq!(inodes(table, 8080).collect::<Vec<_>>(), ["77"]);
        assert_eq!(listening("listening on http://127.0.0.1:80 (pid 1)\n"), Some(SocketAddr::from(([127, 0, 0, 1], 80))));
    }
}
