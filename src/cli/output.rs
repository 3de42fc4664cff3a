//! The only place that writes to stdout and stderr: [`Printer`].
//!
//! Answers go to stdout, everything else to stderr. Rust ignores SIGPIPE, so a reader that went away shows up as
//! [`OutputError`]; the caller stops, and `main` ends quietly.

use std::io::{self, IsTerminal, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use clap::ColorChoice;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::failure::Failure;
use crate::cli::progress::Margin;
use crate::cli::visible::visible;

/// Most drawings of a spinner or counter in a second.
const FRAMES: u8 = 20;

/// Writes answers, notices and errors. Shared by reference; each call is one uninterrupted write.
pub struct Printer {
    stdout: Mutex<Sink>,
    stderr: Mutex<Sink>,
    terminal: Terminal,
    quiet: bool,
    /// Nothing but answers and errors.
    hushed: bool,
}

/// What the three standard streams are connected to, and whether colours may be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Stdin is a terminal.
    pub stdin: bool,
    /// Stdout is a terminal.
    pub stdout: bool,
    /// Stderr is a terminal.
    pub stderr: bool,
    /// Colours on stdout.
    pub stdout_colour: bool,
    /// Colours on stderr.
    pub stderr_colour: bool,
}

/// Stdout cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("cannot write to standard output")]
pub struct OutputError(#[source] io::Error);

struct Sink {
    writer: Box<dyn Write + Send>,
    /// The last byte written was not a line's end.
    within_line: bool,
}

#[derive(Clone, Copy)]
enum Style {
    Red,
    Yellow,
    Cyan,
    Dim,
}

impl Terminal {
    /// What the process was started with. `no_color`: `NO_COLOR` is set, or `TERM` is `dumb`.
    pub fn detect(choice: ColorChoice, no_color: bool) -> Terminal {
        let (stdin, stdout, stderr) = (io::stdin().is_terminal(), io::stdout().is_terminal(), io::stderr().is_terminal());
        let coloured = |terminal: bool| match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !no_color,
        };
        Terminal { stdin, stdout, stderr, stdout_colour: coloured(stdout), stderr_colour: coloured(stderr) }
    }
}

impl OutputError {
    /// The reader went away, which is its good right.
    pub fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

impl Printer {
    /// For the process's own streams. `quiet`: notices are left out.
    pub fn new(terminal: Terminal, quiet: bool) -> Printer {
        Printer::to(Box::new(io::stdout()), Box::new(io::stderr()), terminal, quiet)
    }

    /// For any streams.
    pub fn to(stdout: Box<dyn Write + Send>, stderr: Box<dyn Write + Send>, terminal: Terminal, quiet: bool) -> Printer {
        let sink = |writer| Mutex::new(Sink { writer, within_line: false });
        Printer { stdout: sink(stdout), stderr: sink(stderr), terminal, quiet, hushed: false }
    }

    /// The same, that says nothing but answers and errors from now on.
    pub fn hushed(self) -> Printer {
        Printer { quiet: true, hushed: true, ..self }
    }

    /// What the streams are connected to.
    pub fn terminal(&self) -> &Terminal {
        &self.terminal
    }

    /// Writes `text` to stdout, and flushes it.
    pub fn print(&self, text: &str) -> Result<(), OutputError> {
        lock(&self.stdout).write(text.as_bytes()).map_err(OutputError)
    }

    /// Writes `text` and a line's end to stdout.
    pub fn line(&self, text: &str) -> Result<(), OutputError> {
        self.print(&format!("{text}\n"))
    }

    /// Ends the line on stdout, if one was begun.
    pub fn end_line(&self) -> Result<(), OutputError> {
        let mut stdout = lock(&self.stdout);
        if !stdout.within_line {
            return Ok(());
        }
        stdout.write(b"\n").map_err(OutputError)
    }

    /// Says what a person may want to know.
    pub fn notice(&self, text: &str) {
        if !self.quiet {
            self.say("note", Style::Cyan, text);
        }
    }

    /// Says what may be wrong.
    pub fn warning(&self, text: &str) {
        if !self.hushed {
            self.say("warning", Style::Yellow, text);
        }
    }

    /// Says what was asked to be told, in a line of its own.
    pub fn aside(&self, text: &str) {
        self.end_aside();
        self.say_plain(&format!("{text}\n"));
    }

    /// Shows what may be wrong with the configuration, in a diagnostic's own words.
    pub fn diagnostic(&self, text: &str) {
        if !self.hushed {
            self.say_plain(&format!("{text}\n"));
        }
    }

    /// Says what went wrong, the particulars, and the way out.
    pub fn failure(&self, failure: &Failure) {
        self.say("error", Style::Red, &failure.message);
        for detail in failure.details.iter().flat_map(|detail| detail.lines()) {
            self.say_plain(&format!("  {}\n", visible(detail)));
        }
        if let Some(hint) = &failure.hint {
            self.say("hint", Style::Cyan, hint);
        }
    }

    /// Text of a model's reasoning: dimmed, on stderr, on a terminal only.
    pub fn reasoning(&self, text: &str) {
        if self.terminal.stderr && !self.hushed {
            self.say_plain(&self.paint(Style::Dim, &visible(text)));
        }
    }

    /// Ends the line on stderr, if one was begun.
    pub fn end_aside(&self) {
        if lock(&self.stderr).within_line {
            self.say_plain("\n");
        }
    }

    /// A question on stderr was answered: the line is ended, by the terminal's echo or by us.
    pub fn answered(&self, is_ended: bool) {
        match is_ended {
            true => lock(&self.stderr).within_line = false,
            false => self.end_aside(),
        }
    }

    /// Writes `text` to stderr as it is.
    pub fn say_plain(&self, text: &str) {
        // Nobody is left to hear of it.
        let _ = lock(&self.stderr).write(text.as_bytes());
    }

    /// Says on stderr that something is going on; nothing unless it is a terminal. Gone when the result is dropped.
    pub fn spinner(&self, text: &str) -> ProgressBar {
        self.progress(ProgressBar::new_spinner(), "{spinner} {msg}", text)
    }

    /// Shows on stderr how many of `all` are done, as [`Printer::spinner`] does.
    pub fn counter(&self, all: usize, text: &str) -> ProgressBar {
        self.progress(ProgressBar::new(all as u64), "{spinner} {pos}/{len} {wide_msg}", text)
    }

    fn progress(&self, bar: ProgressBar, template: &str, text: &str) -> ProgressBar {
        let Some(margin) = Margin::stderr().filter(|_| self.terminal.stderr && !self.hushed) else { return ProgressBar::hidden() };
        bar.set_draw_target(ProgressDrawTarget::term_like_with_hz(Box::new(margin), FRAMES));
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(text.to_owned());
        bar.enable_steady_tick(Duration::from_millis(100));
        bar
    }

    fn say(&self, label: &str, style: Style, text: &str) {
        self.end_aside();
        self.say_plain(&format!("{} {}\n", self.paint(style, &format!("{label}:")), visible(text)));
    }

    fn paint(&self, style: Style, text: &str) -> String {
        if !self.terminal.stderr_colour {
            return text.to_owned();
        }
        let code = match style {
            Style::Red => "1;31",
            Style::Yellow => "1;33",
            Style::Cyan => "36",
            Style::Dim => "2",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)?;
        self.writer.flush()?;
        if let Some(last) = bytes.last() {
            self.within_line = *last != b'\n';
        }
        Ok(())
    }
}

fn lock(sink: &Mutex<Sink>) -> MutexGuard<'_, Sink> {
    sink.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A printer into memory, for tests of commands.
#[cfg(test)]
pub mod captured {
    use std::io::{self, Write};
    use std::sync::{Arc, Mutex};

    use super::{Printer, Terminal};

    /// What was written.
    #[derive(Clone, Default)]
    pub struct Captured {
        /// To stdout.
        pub stdout: Pipe,
        /// To stderr.
        pub stderr: Pipe,
    }

    /// One stream.
    #[derive(Clone, Default)]
    pub struct Pipe(Arc<Mutex<Vec<u8>>>);

    impl Pipe {
        /// Everything so far.
        pub fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Pipe {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A printer and what it writes.
    pub fn printer(terminal: Terminal) -> (Printer, Captured) {
        let captured = Captured::default();
        let printer = Printer::to(Box::new(captured.stdout.clone()), Box::new(captured.stderr.clone()), terminal, false);
        (printer, captured)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::captured::printer;
    use super::{Failure, Printer, Terminal};

    struct Closed;

    impl io::Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_closed_pipe_is_told_apart_from_a_full_disk() {
        let printer = Printer::to(Box::new(Closed), Box::new(Closed), Terminal::default(), false);
        assert!(printer.line("x").unwrap_err().is_closed_pipe());
        printer.warning("nobody reads this, and nothing breaks");
    }

    #[test]
    fn a_line_is_ended_only_if_one_was_begun() {
        let (printer, captured) = printer(Terminal::default());
        printer.end_line().unwrap();
        printer.print("答案").unwrap();
        printer.end_line().unwrap();
        printer.end_line().unwrap();
        assert_eq!(captured.stdout.text(), "答案\n");
    }

    #[test]
    fn a_failure_is_error_details_and_hint() {
        let (printer, captured) = printer(Terminal::default());
        printer.failure(&Failure::failed("every upstream failed").details(["a/m: 500"]).hint("wait"));
        assert_eq!(captured.stderr.text(), "error: every upstream failed\n  a/m: 500\nhint: wait\n");
        assert_eq!(captured.stdout.text(), "");
    }

    #[test]
    fn who_asked_for_silence_hears_of_errors_only() {
        let (printer, captured) = printer(Terminal { stderr: true, ..Terminal::default() });
        let printer = printer.hushed();
        printer.notice("n");
        printer.warning("w");
        printer.diagnostic("d");
        printer.reasoning("r");
        printer.line("答案").unwrap();
        printer.failure(&Failure::failed("boom"));
        assert_eq!((captured.stdout.text().as_str(), captured.stderr.text().as_str()), ("答案\n", "error: boom\n"));
    }

    #[test]
    fn colours_and_reasoning_are_for_terminals() {
        let (plain, captured) = printer(Terminal::default());
        plain.reasoning("hm");
        plain.notice("n");
        assert_eq!(captured.stderr.text(), "note: n\n");
        let (coloured, captured) = printer(Terminal { stderr: true, stderr_colour: true, ..Terminal::default() });
        coloured.reasoning("hm");
        coloured.notice("n");
        assert_eq!(captured.stderr.text(), "\x1b[2mhm\x1b[0m\n\x1b[36mnote:\x1b[0m n\n");
    }
}
