//! Rows in aligned columns: [`Table`].
//!
//! On a terminal: box drawing, wrapped to its width. Elsewhere: ASCII, one line a row, so that `grep` and `awk` work.

use std::fmt;

use comfy_table::{Cell, Color, ColumnConstraint, ContentArrangement, TableStyle, Width, presets};

use crate::cli::output::Terminal;

/// Below this a table is a column of letters; a terminal that does not know its width says 0.
const NARROWEST: u16 = 40;

/// A blank on either side of a cell's text.
pub const PADDING: u16 = 2;

/// A table under construction. Columns are as wide as their text is on a screen, Chinese included.
pub struct Table {
    table: comfy_table::Table,
    coloured: bool,
}

/// What a cell says by its colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Nothing.
    Plain,
    /// It works.
    Good,
    /// It does not.
    Bad,
    /// It was left out.
    Faint,
}

impl Table {
    /// Without rows, for stdout.
    pub fn new(headers: impl IntoIterator<Item = impl ToString>, terminal: &Terminal) -> Table {
        Table::of_width(headers, terminal, width(terminal))
    }

    /// Without rows; wrapped to `width`.
    pub fn of_width(headers: impl IntoIterator<Item = impl ToString>, terminal: &Terminal, width: Option<u16>) -> Table {
        let mut table = comfy_table::Table::new();
        let headers: Vec<Cell> = headers.into_iter().map(|header| Cell::new(header.to_string())).collect();
        // Whether to colour was decided before; comfy-table shall not decide again.
        table.load_style(style(terminal)).force_no_tty().set_header(headers);
        if let Some(width) = width {
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
        }
        if terminal.stdout_colour {
            table.enforce_styling();
        }
        Table { table, coloured: terminal.stdout_colour }
    }

    /// Makes each column at least as wide as its longest word, where wrapping would otherwise cut it.
    pub fn keep_words(&mut self, longest: impl IntoIterator<Item = u16>) {
        for (column, word) in self.table.column_iter_mut().zip(longest) {
            column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(word + PADDING)));
        }
    }

    /// One more row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>, tone: Tone) {
        let colour = match tone {
            Tone::Good => Some(Color::Green),
            Tone::Bad => Some(Color::Red),
            Tone::Faint => Some(Color::DarkGrey),
            Tone::Plain => None,
        };
        let cells = cells.into_iter().map(|text| {
            let cell = Cell::new(one_line(&text));
            if let Some(colour) = colour.filter(|_| self.coloured) { cell.fg(colour) } else { cell }
        });
        self.table.add_row(cells.collect::<Vec<_>>());
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.table.trim_fmt())
    }
}

/// How wide a table on stdout may be; `None`: as wide as it likes.
pub fn width(terminal: &Terminal) -> Option<u16> {
    let width = if terminal.stdout { comfy_table::Table::new().width() } else { None };
    width.filter(|width| *width >= NARROWEST)
}

fn style(terminal: &Terminal) -> TableStyle {
    if terminal.stdout { presets::UTF8_FULL_CONDENSED } else { presets::ASCII_FULL_CONDENSED }
}

/// `text` in the colour that says this, where there are colours.
pub fn painted(text: &str, tone: Tone, coloured: bool) -> String {
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "31",
        Tone::Faint => "2",
        Tone::Plain => return text.to_owned(),
    };
    if coloured { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
}

/// What an upstream or a client wrote must not break the rows, nor move the cursor.
pub fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr;

    use super::{Table, Terminal, Tone};

    fn filled(terminal: &Terminal, width: Option<u16>) -> String {
        let mut table = Table::of_width(["名称", "ANSWER"], terminal, width);
        table.row(["深度求索".to_owned(), "你好，\n我是一个大型语言模型，很高兴为你服务".to_owned()], Tone::Good);
        table.row(["gpt-4".to_owned(), "hello".to_owned()], Tone::Plain);
        table.to_string()
    }

    #[test]
    fn a_pipe_gets_ascii_and_one_line_a_row() {
        let text = filled(&Terminal::default(), None);
        assert_eq!(text.lines().count(), 6);
        assert!(text.lines().all(|line| line.starts_with(['+', '|'])));
    }

    #[test]
    fn columns_line_up_in_chinese_and_fit_the_terminal() {
        let terminal = Terminal { stdout: true, ..Terminal::default() };
        for (text, limit) in [(filled(&Terminal::default(), None), usize::MAX), (filled(&terminal, Some(40)), 40)] {
            let widths: Vec<usize> = text.lines().map(UnicodeWidthStr::width).collect();
            assert!(widths.iter().all(|width| *width == widths[0] && *width <= limit), "{text}");
        }
    }

    #[test]
    fn colours_only_where_they_are_wanted() {
        assert!(!filled(&Terminal { stdout: true, ..Terminal::default() }, None).contains('\x1b'));
        assert!(filled(&Terminal { stdout_colour: true, ..Terminal::default() }, None).contains("\x1b["));
    }
}
