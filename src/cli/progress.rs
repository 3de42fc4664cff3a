//! Where progress is drawn: [`Margin`], stderr with room for the `^C` of who gives up.

use std::io;

use console::{Term, is_dumb};
use indicatif::TermLike;

/// Cells of `^C` as terminals echo it, and of the cursor behind it.
const ECHO: u16 = 3;

/// A terminal a little narrower than it is.
///
/// A bar is padded to the width that it is told. Were that the whole line, the echo of Ctrl-C would begin the next one,
/// and what clears the bar would clear the echo instead.
#[derive(Debug)]
pub struct Margin(Term);

impl Margin {
    /// Of stderr; `None`: it is no terminal, or one that cannot move its cursor (`TERM=dumb`).
    pub fn stderr() -> Option<Margin> {
        let terminal = Term::buffered_stderr();
        (terminal.is_term() && !is_dumb()).then_some(Margin(terminal))
    }
}

impl TermLike for Margin {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(ECHO).max(1)
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.0.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}
