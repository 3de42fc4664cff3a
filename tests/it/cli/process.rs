//! The binary in a home of its own: the one helper that starts it.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::iter;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// Nothing here takes a second; a machine under load may take longer. What waits for so long has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A directory that is home and working directory, with nothing of the machine's own environment.
#[derive(Clone)]
pub struct Home {
    directory: Arc<TempDir>,
}

/// One command line.
pub struct Line {
    command: Command,
    home: Home,
    stdin: Option<Vec<u8>>,
}

/// A process that runs. Killed when it is dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    pub out: Tape,
    pub err: Tape,
    /// Removed no sooner than the process has ended.
    _home: Option<Home>,
}

/// A process that has ended.
#[derive(Debug)]
pub struct Ended {
    /// `None`: a signal ended it.
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

/// What a process has written so far.
#[derive(Clone, Default)]
pub struct Tape(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    ended: bool,
}

impl Home {
    /// Without a configuration.
    pub fn new() -> Home {
        Home { directory: Arc::new(tempfile::tempdir().expect("a directory")) }
    }

    /// With this `llmgw.yaml`.
    pub fn with(config: &str) -> Home {
        let home = Home::new();
        home.write("llmgw.yaml", config);
        home
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        fs::write(&path, content).expect("a file");
        path
    }

    /// `llmgw` with these arguments, and an empty stdin.
    pub fn llmgw(&self, arguments: &[&str]) -> Line {
        self.binary(env!("CARGO_BIN_EXE_llmgw"), arguments)
    }

    /// The same with another build of it.
    pub fn binary(&self, program: impl AsRef<OsStr>, arguments: &[&str]) -> Line {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.directory.path()).env_clear().env("HOME", self.directory.path());
        // An Ollama of this machine is not of this home. Nothing listens on port 1.
        command.env("OLLAMA_HOST", "127.0.0.1:1");
        Line { command, home: self.clone(), stdin: None }
    }

    /// Runs `llmgw` with these arguments to its end, and checks how it ends.
    pub fn run(&self, arguments: &[&str], code: i32) -> Ended {
        self.llmgw(arguments).ends(code)
    }
}

impl Line {
    pub fn env(mut self, name: &str, value: &str) -> Line {
        self.command.env(name, value);
        self
    }

    /// Pipes this in.
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Line {
        self.stdin = Some(bytes.into());
        self
    }

    /// Where it will run: to be kept as long as what [`Line::command`] starts.
    pub fn home(&self) -> Home {
        self.home.clone()
    }

    /// For what only [`Command`] can do.
    pub fn command(self) -> Command {
        self.command
    }

    /// Runs it to its end; `code` is how it must end.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ended {
        self.starts_and(|running| drop(running.stdin.take())).ends(code)
    }

    /// Starts it, with a stdin that stays open after what is piped in.
    pub fn starts(self) -> Running {
        self.starts_and(|_| {})
    }

    fn starts_and(mut self, then: impl FnOnce(&mut Running)) -> Running {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut running = Running::of(self.command.spawn().expect("the binary"));
        running._home = Some(self.home);
        if let (Some(bytes), Some(pipe)) = (self.stdin, &mut running.stdin) {
            // It may end without having read everything.
            let _ = pipe.write_all(&bytes);
        }
        then(&mut running);
        running
    }
}

impl Running {
    /// Takes over a child; streams that are not pipes stay untouched.
    pub fn of(mut child: Child) -> Running {
        let out = child.stdout.take().map_or_else(Tape::empty, Tape::of);
        let err = child.stderr.take().map_or_else(Tape::empty, Tape::of);
        Running { stdin: child.stdin.take(), child, out, err, _home: None }
    }

    #[track_caller]
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("a running process");
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its stdin.
    pub fn says(&mut self, text: &str) {
        self.stdin.as_mut().expect("an open stdin").write_all(text.as_bytes()).expect("a reader");
    }

    /// Closes its stdin.
    pub fn hangs_up(&mut self) {
        self.stdin = None;
    }

    /// Waits for its end, however that is.
    #[track_caller]
    pub fn ends_somehow(mut self) -> Ended {
        let (out, err) = (self.out.to_end(), self.err.to_end());
        Ended { code: self.child.wait().expect("a child").code(), out, err }
    }

    /// Waits for its end; `code` is how it must end.
    #[track_caller]
    pub fn ends(self, code: i32) -> Ended {
        let ended = self.ends_somehow();
        assert_eq!(ended.code, Some(code), "{ended:#?}");
        ended
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Tape {
    fn empty() -> Tape {
        let tape = Tape::default();
        tape.0.0.lock().expect("no panic").ended = true;
        tape
    }

    /// Everything that `reader` yields.
    pub fn of(mut reader: impl Read + Send + 'static) -> Tape {
        let tape = Tape::default();
        let writer = tape.clone();
        thread::spawn(move || {
            let mut piece = [0; 4096];
            loop {
                // The reading end of a terminal fails once nobody has the other one.
                let length = reader.read(&mut piece).unwrap_or(0);
                let (written, changed) = &*writer.0;
                let mut written = written.lock().expect("no panic");
                written.bytes.extend_from_slice(&piece[..length]);
                written.ended = length == 0;
                changed.notify_all();
                if length == 0 {
                    return;
                }
            }
        });
        tape
    }

    /// Waits until `enough` says so of all that was written, and hands it back.
    #[track_caller]
    pub fn until(&self, what: &str, enough: impl Fn(&str) -> bool) -> String {
        let text = self.wait(|written| written.ended || enough(&String::from_utf8_lossy(&written.bytes)));
        assert!(enough(&text), "it never wrote {what}; it wrote:\n{text}");
        text
    }

    /// Waits until `needle` was written.
    #[track_caller]
    pub fn holds(&self, needle: &str) -> String {
        self.until(needle, |text| text.contains(needle))
    }

    /// Waits until the other end is closed.
    #[track_caller]
    pub fn to_end(&self) -> String {
        self.wait(|written| written.ended)
    }

    #[track_caller]
    fn wait(&self, done: impl Fn(&Written) -> bool) -> String {
        let (written, changed) = &*self.0;
        let guard = written.lock().expect("no panic");
        let (guard, timeout) = changed.wait_timeout_while(guard, PATIENCE, |written| !done(written)).expect("no panic");
        let text = String::from_utf8_lossy(&guard.bytes).into_owned();
        assert!(!timeout.timed_out(), "waited for too long; it wrote:\n{text}");
        text
    }
}

impl Ended {
    /// Checks that stderr holds each of these.
    #[track_caller]
    pub fn says(self, needles: &[&str]) -> Ended {
        for needle in needles {
            assert!(self.err.contains(needle), "no `{needle}` in {self:#?}");
        }
        self
    }

    /// Checks what stdout is, exactly.
    #[track_caller]
    pub fn prints(self, out: &str) -> Ended {
        assert_eq!(self.out, out, "{self:#?}");
        self
    }
}

/// A port that nobody listens on: for what cannot take port 0. It is below those that the system hands out, for one of
/// those may be another test's the next moment.
pub fn free_port() -> u16 {
    let ports = iter::repeat_with(|| rand::random_range(10_000..30_000));
    ports.take(1000).find(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok()).expect("a port")
}
