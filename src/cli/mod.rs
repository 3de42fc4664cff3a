//! What a person types; the only place that prints.
//!
//! A command is one file: its `Args` with the help text, its `run`, its tests. Data goes to stdout and notices to
//! stderr, both through [`output::Printer`]. What the commands share of the lower rooms is in [`context`].

pub mod args;
pub mod bench;
pub mod chat;
mod complete;
pub mod config;
pub mod context;
pub mod doctor;
pub mod explain;
pub mod failure;
pub mod generate;
pub mod globals;
pub mod health;
pub mod init;
mod inquiry;
pub mod list;
pub mod logs;
pub mod output;
pub mod progress;
pub mod recorded;
pub mod reload;
mod remote;
pub mod rows;
pub mod run;
pub mod serve;
pub mod statistics;
mod supervisor;
pub mod table;
pub mod test;
pub mod top;
mod trust;
pub mod usage;
pub mod visible;
mod watching;
pub mod why;
mod workers;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::CommandFactory;

use crate::cli::args::{Cli, Command};
use crate::cli::context::{Context, Interrupts, Rejected};
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{OutputError, Printer, Terminal};
use crate::config::Level;
use crate::config::env::Env;

/// The whole program: reads the arguments, runs the command, says how it ended.
pub fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let environment = Env::capture();
    // Fails only when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let no_color = environment.get_filled("NO_COLOR").is_some() || environment.get("TERM") == Some("dumb");
    let terminal = Terminal::detect(args::colour_of(&arguments), no_color);
    match complete::answer(Cli::command, &arguments, &environment) {
        Ok(false) => {}
        Ok(true) => return Exit::Done.into(),
        Err(error) => return refuse(&error, &Printer::new(terminal, false)).into(),
    }
    let cli = match args::parse(arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse(&error, &Printer::new(terminal, false)).into(),
    };
    let quiet = cli.globals.log_level.is_some_and(|level| level < Level::Info);
    let printer = Printer::new(terminal, quiet);
    let printer = if cli.command.is_hushed() { printer.hushed() } else { printer };
    let context = Context { printer, globals: cli.globals.clone(), environment, interrupts: Interrupts::default() };
    let ended = execute(cli, &context);
    conclude(ended, &context.printer).into()
}

/// Help and version go to stdout, usage errors to stderr.
fn refuse(error: &clap::Error, printer: &Printer) -> Exit {
    let text = error.render();
    let coloured = if error.use_stderr() { printer.terminal().stderr_colour } else { printer.terminal().stdout_colour };
    let text = if coloured { text.ansi().to_string() } else { text.to_string() };
    if error.use_stderr() {
        printer.say_plain(&text);
        return Exit::Usage;
    }
    conclude(printer.print(&text).map(|()| Exit::Done).map_err(anyhow::Error::from), printer)
}

fn execute(cli: Cli, context: &Context) -> anyhow::Result<Exit> {
    if let Command::Serve(args) = cli.command {
        return serve::run(args, context);
    }
    if let Command::Run(args) = cli.command {
        return run::run(args, context);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let ended = runtime.block_on(async {
        tokio::select! {
            // Listened for before anything begins: who gives up at once ends as who gives up later.
            biased;
            () = context.interrupts.end_the_program() => Ok(Exit::Interrupted),
            ended = dispatch(cli.command, context) => ended,
        }
    });
    // A read of stdin that never ends must not keep the process.
    runtime.shutdown_background();
    ended
}

async fn dispatch(command: Command, context: &Context) -> anyhow::Result<Exit> {
    match command {
        Command::Serve(args) => serve::run(args, context),
        Command::Chat(args) => chat::run(*args, context).await,
        Command::Run(args) => run::run(args, context),
        Command::List(args) => list::run(args, context).await,
        Command::Test(args) => test::run(args, context).await,
        Command::Health(args) => health::run(args, context).await,
        Command::Doctor(args) => doctor::run(args, context).await,
        Command::Init(args) => init::run(args, context).await,
        Command::Bench(args) => bench::run(args, context).await,
        Command::Reload(args) => reload::run(args, context).await,
        Command::Explain(args) => explain::run(args, context).await,
        Command::Usage(args) => usage::run(args, context).await,
        Command::Logs(args) => logs::run(args, context).await,
        Command::Why(args) => why::run(args, context).await,
        Command::Top(args) => top::run(args, context).await,
        Command::Config(args) => config::run(args, context).await,
        Command::Completions(args) => generate::completions(args, context),
        Command::Man(args) => generate::man(args, Cli::command(), context),
    }
}

/// Tells a person what went wrong, and a script how it ended.
fn conclude(ended: anyhow::Result<Exit>, printer: &Printer) -> Exit {
    let error = match ended {
        Ok(exit) => {
            if exit == Exit::Interrupted {
                let _ = printer.end_line();
                printer.end_aside();
            }
            return exit;
        }
        Err(error) => error,
    };
    if error.downcast_ref::<OutputError>().is_some_and(OutputError::is_closed_pipe) {
        return Exit::Done;
    }
    let _ = printer.end_line();
    if let Some(Rejected(diagnostics)) = error.downcast_ref() {
        diagnostics.iter().for_each(|diagnostic| printer.say_plain(&format!("{diagnostic}\n")));
        return Exit::Usage;
    }
    let failure = Failure::of(error);
    printer.failure(&failure);
    failure.exit
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::{Exit, Failure, Printer, Terminal, conclude};
    use crate::cli::output::captured::printer;

    #[test]
    fn a_reader_that_went_away_is_a_quiet_end() {
        struct Closed;
        impl io::Write for Closed {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (_, captured) = printer(Terminal::default());
        let closed = Printer::to(Box::new(Closed), Box::new(captured.stderr.clone()), Terminal::default(), false);
        let error = closed.line("x").unwrap_err();
        assert_eq!(conclude(Err(error.into()), &closed), Exit::Done);
        assert_eq!(captured.stderr.text(), "");
    }

    #[test]
    fn an_error_ends_the_answer_that_was_begun_and_shows_the_way_out() {
        let (printer, captured) = printer(Terminal::default());
        printer.print("half an ans").unwrap();
        assert_eq!(conclude(Err(Failure::usage("no prompt").hint("give one").into()), &printer), Exit::Usage);
        assert_eq!(captured.stdout.text(), "half an ans\n");
        assert_eq!(captured.stderr.text(), "error: no prompt\nhint: give one\n");
        assert_eq!(conclude(Err(anyhow::anyhow!("disk full")), &printer), Exit::Failed);
    }
}
