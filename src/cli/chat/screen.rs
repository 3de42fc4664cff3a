//! The text of an answer on its way to stdout: [`Screen`].

use std::borrow::Cow;

use crate::cli::chat::markdown::Markdown;
use crate::cli::output::Printer;
use crate::cli::table;
use crate::cli::visible::visible;

/// What the flags say of how an answer shall look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// As the model wrote it.
    pub is_plain: bool,
    /// Without the model's reasoning.
    pub hides_reasoning: bool,
}

/// How text is shown.
#[derive(Debug)]
pub enum Screen {
    /// Byte for byte: nobody but a program reads it.
    Untouched,
    /// As it is, but for what a terminal would obey.
    Plain,
    /// As the Markdown that it is.
    Rendered(Box<Markdown>),
}

impl Screen {
    /// For this stdout. Where there are no colours, nothing is rendered either.
    pub fn of(printer: &Printer, look: Look) -> Screen {
        let terminal = printer.terminal();
        match (terminal.stdout_colour && !look.is_plain, terminal.stdout) {
            (true, _) => Screen::Rendered(Box::new(Markdown::new(table::width(terminal).map(usize::from)))),
            (false, true) => Screen::Plain,
            (false, false) => Screen::Untouched,
        }
    }

    /// What is to be written now that `text` has come.
    pub fn show<'a>(&mut self, text: &'a str) -> Cow<'a, str> {
        match self {
            Screen::Untouched => Cow::Borrowed(text),
            Screen::Plain => visible(text),
            Screen::Rendered(markdown) => Cow::Owned(markdown.push(&visible(text))),
        }
    }

    /// What is to be written at the end.
    pub fn rest(&mut self) -> String {
        match self {
            Screen::Untouched | Screen::Plain => String::new(),
            Screen::Rendered(markdown) => markdown.finish(),
        }
    }
}
