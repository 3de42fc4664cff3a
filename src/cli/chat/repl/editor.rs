//! The line that is being typed: [`Editor`], over rustyline, in a thread that may wait for keys.

use std::borrow::Cow;
use std::path::PathBuf;

use rustyline::completion::{Completer, FilenameCompleter, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::FileHistory;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{
    Behavior, Cmd, CompletionType, ConditionalEventHandler, Config, Event, EventContext, EventHandler, Helper, KeyCode, KeyEvent,
    Modifiers, Movement, RepeatCount,
};

use super::command::COMMANDS;
use crate::cli::chat::session::make_directory;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::cli::output::Printer;

/// Questions that are remembered.
const REMEMBERED: usize = 1_000;

/// Reads lines, and remembers them.
pub struct Editor {
    /// `None` while it reads.
    inner: Option<rustyline::Editor<Assistant, FileHistory>>,
    /// Where questions are remembered; `None`: nowhere.
    history: Option<PathBuf>,
    has_colours: bool,
}

/// What came of reading.
pub enum Read {
    /// A line, which may hold line ends.
    Line(String),
    /// Ctrl-D, or Ctrl-C in an empty line.
    End,
}

impl Editor {
    /// For a terminal; `models` complete `/model`.
    pub fn new(context: &Context, models: Vec<String>) -> Result<Editor, Failure> {
        // What was piped in is not the keyboard.
        let behavior = if context.printer.terminal().stdin { Behavior::Stdio } else { Behavior::PreferTerm };
        let config = Config::builder().behavior(behavior).completion_type(CompletionType::List).max_history_size(REMEMBERED);
        let config = config.map_err(unusable)?.build();
        let mut inner = rustyline::Editor::with_config(config).map_err(unusable)?;
        inner.set_helper(Some(Assistant { models, files: FilenameCompleter::new() }));
        inner.bind_sequence(KeyEvent::ctrl('J'), Cmd::Newline);
        inner.bind_sequence(KeyEvent(KeyCode::Enter, Modifiers::ALT), Cmd::Newline);
        inner.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(Emptying)));
        let history = context.environment.data_dir().map(|directory| directory.join("history"));
        let mut editor = Editor { inner: Some(inner), history, has_colours: context.printer.terminal().stdout_colour };
        editor.remember(&context.printer);
        Ok(editor)
    }

    /// Waits for a line, behind the name of the model.
    pub async fn read(&mut self, model: &str) -> anyhow::Result<Read> {
        let Some(mut inner) = self.inner.take() else { return Ok(Read::End) };
        let plain = format!("{model}> ");
        let coloured = if self.has_colours { format!("\x1b[1;32m{model}>\x1b[0m ") } else { plain.clone() };
        let history = self.history.clone();
        let read = tokio::task::spawn_blocking(move || {
            let read = inner.readline(&(plain, coloured));
            if let Ok(line) = &read
                && inner.add_history_entry(line.as_str()).unwrap_or(false)
                && let Some(path) = &history
            {
                // Not to be remembered is no reason not to be asked.
                let _ = inner.append_history(path);
            }
            (inner, read)
        });
        let (inner, read) = read.await?;
        self.inner = Some(inner);
        match read {
            Ok(line) => Ok(Read::Line(line)),
            Err(ReadlineError::Eof | ReadlineError::Interrupted) => Ok(Read::End),
            Err(error) => Err(unusable(error).into()),
        }
    }

    /// What was asked in earlier chats.
    fn remember(&mut self, printer: &Printer) {
        let (Some(path), Some(inner)) = (&self.history, &mut self.inner) else { return };
        let directory = path.parent().map_or(Ok(()), make_directory);
        if let Err(error) = directory {
            printer.warning(&format!("questions will not be remembered: {error}"));
            self.history = None;
        } else if path.exists()
            && let Err(error) = inner.load_history(path)
        {
            printer.warning(&format!("cannot read {}: {error}", path.display()));
        }
    }
}

/// Ctrl-C in a line that is not empty empties it; Ctrl-Y brings it back.
struct Emptying;

impl ConditionalEventHandler for Emptying {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext<'_>) -> Option<Cmd> {
        (!context.line().is_empty()).then_some(Cmd::Kill(Movement::WholeBuffer))
    }
}

/// Completes names, and knows when a line goes on.
struct Assistant {
    models: Vec<String>,
    files: FilenameCompleter,
}

impl Helper for Assistant {}

impl Hinter for Assistant {
    type Hint = String;
}

impl Highlighter for Assistant {
    fn highlight_candidate<'c>(&self, candidate: &'c str, _: CompletionType) -> Cow<'c, str> {
        Cow::Borrowed(candidate)
    }
}

impl Validator for Assistant {
    fn validate(&self, context: &mut ValidationContext<'_>) -> rustyline::Result<ValidationResult> {
        let slashes = context.input().len() - context.input().trim_end_matches('\\').len();
        Ok(if slashes % 2 == 1 { ValidationResult::Incomplete } else { ValidationResult::Valid(None) })
    }
}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, position: usize, context: &rustyline::Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = &line[..position];
        match typed.split_once(' ') {
            None if typed.starts_with('/') => Ok((0, matching(typed, COMMANDS.iter().map(|entry| entry.name)))),
            Some(("/model", name)) => Ok((position - name.len(), matching(name, self.models.iter().map(String::as_str)))),
            Some(("/file" | "/save", _)) => self.files.complete(line, position, context),
            _ => Ok((position, Vec::new())),
        }
    }
}

fn matching<'a>(typed: &str, names: impl Iterator<Item = &'a str>) -> Vec<Pair> {
    names.filter(|name| name.starts_with(typed)).map(|name| Pair { display: name.to_owned(), replacement: name.to_owned() }).collect()
}

fn unusable(error: ReadlineError) -> Failure {
    Failure::failed(format!("the terminal cannot be read from: {error}")).hint("`llmgw chat \"你是谁\"` asks without one")
}
