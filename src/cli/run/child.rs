//! The agent's process: it has the terminal and the signals, and says how this one ends.

use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;
use std::process::ExitStatus;

use tokio::process::Command;

use crate::cli::failure::{Exit, Failure};
use crate::cli::run::agent::{Known, Setup};
use crate::config::env::Env;

/// Refuses what is nowhere to be found, before anything is started for it.
pub fn check_is_there(program: &OsStr, agent: Option<Known>, environment: &Env) -> Result<(), Failure> {
    let is_path = Path::new(program).components().count() > 1;
    // What Windows completes, and where a shell's own rules count, is found out by starting it.
    if cfg!(not(unix)) || is_path {
        return Ok(());
    }
    let directories = environment.get("PATH").unwrap_or_default();
    match std::env::split_paths(directories).any(|directory| directory.join(program).is_file()) {
        true => Ok(()),
        false => Err(not_found(program, agent)),
    }
}

fn not_found(program: &OsStr, agent: Option<Known>) -> Failure {
    let failure = Failure::usage(format!("`{}` is not found in PATH", program.display()));
    match agent {
        Some(agent) => failure.hint(format!("install it: {}", agent.install())),
        None if Path::new(program).components().count() > 1 => Failure::usage(format!("there is no program `{}`", program.display())),
        None => failure.hint("check its name; `llmgw run AGENT` knows claude, codex and aichat"),
    }
}

/// Runs the agent to its end.
pub async fn run(program: &OsStr, setup: &Setup, arguments: impl Iterator<Item = OsString>, agent: Option<Known>) -> anyhow::Result<Exit> {
    // From now on: a signal that comes while it starts is its own, too.
    #[cfg(unix)]
    let mut signals = signals::Signals::listen()?;
    let mut command = Command::new(program);
    for name in setup.unset {
        command.env_remove(name);
    }
    command.args(&setup.arguments).args(arguments).envs(setup.set.iter().map(|(name, value)| (name, value)));
    let mut child = command.spawn().map_err(|error| match error.kind() {
        ErrorKind::NotFound => not_found(program, agent),
        kind => Failure::usage(format!("cannot start `{}`: {kind}", program.display())),
    })?;
    #[cfg(unix)]
    let status = signals.pass_on_until_it_ends(&mut child).await?;
    #[cfg(not(unix))]
    let status = until_it_ends(&mut child).await?;
    Ok(Exit::Child(code(status)))
}

/// Ctrl-C reaches the agent by the console, and is not for this process.
#[cfg(not(unix))]
async fn until_it_ends(child: &mut tokio::process::Child) -> std::io::Result<ExitStatus> {
    loop {
        tokio::select! {
            status = child.wait() => return status,
            Ok(()) = tokio::signal::ctrl_c() => {}
        }
    }
}

/// As a shell says it: 128 and the signal's number for what a signal has ended.
fn code(status: ExitStatus) -> u8 {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return u8::try_from(128 + signal).unwrap_or(u8::MAX);
    }
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

#[cfg(unix)]
mod signals {
    use std::io;
    use std::process::ExitStatus;

    use rustix::process::{Pid, Signal, getpgrp, kill_process};
    use rustix::termios::tcgetpgrp;
    use tokio::process::Child;
    use tokio::signal::unix::{self, SignalKind, signal};

    /// What is not this process's own business while an agent runs.
    pub(super) struct Signals {
        interrupt: unix::Signal,
        quit: unix::Signal,
        terminate: unix::Signal,
        hangup: unix::Signal,
        first: unix::Signal,
        second: unix::Signal,
    }

    impl Signals {
        /// They no longer end this process by themselves.
        pub(super) fn listen() -> io::Result<Signals> {
            Ok(Signals {
                interrupt: signal(SignalKind::interrupt())?,
                quit: signal(SignalKind::quit())?,
                terminate: signal(SignalKind::terminate())?,
                hangup: signal(SignalKind::hangup())?,
                first: signal(SignalKind::user_defined1())?,
                second: signal(SignalKind::user_defined2())?,
            })
        }

        /// Hands each on to `child`.
        pub(super) async fn pass_on_until_it_ends(&mut self, child: &mut Child) -> io::Result<ExitStatus> {
            let id = child.id();
            loop {
                let signal = tokio::select! {
                    status = child.wait() => return status,
                    _ = self.interrupt.recv() => Signal::INT,
                    _ = self.quit.recv() => Signal::QUIT,
                    _ = self.terminate.recv() => Signal::TERM,
                    _ = self.hangup.recv() => Signal::HUP,
                    _ = self.first.recv() => Signal::USR1,
                    _ = self.second.recv() => Signal::USR2,
                };
                let of_terminal = matches!(signal, Signal::INT | Signal::QUIT) && has_terminal();
                let pid = id.and_then(|id| Pid::from_raw(i32::try_from(id).ok()?)).filter(|_| !of_terminal);
                // It has not been waited for, so its number is still its own.
                if let Some(pid) = pid {
                    let _ = kill_process(pid, signal);
                }
            }
        }
    }

    /// Whether a terminal's keys are for this process group: the agent, which is of it, has heard them already.
    fn has_terminal() -> bool {
        tcgetpgrp(io::stdin()).or_else(|_| tcgetpgrp(io::stderr())).is_ok_and(|group| group == getpgrp())
    }
}
