//! Rows of one kind, shown as a table or for programs.

use std::collections::HashSet;

use clap::ValueEnum;
use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::cli::output::Terminal;
use crate::cli::table::{PADDING, Table, Tone, width};

/// No word is so long that it should not be cut there; also keeps sums of widths small.
const WIDEST: u16 = 1_000;

/// How rows are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// An array of objects
    Json,
    /// A list of mappings
    Yaml,
    /// Comma-separated, with a header
    Csv,
    /// Just the names, each once
    Names,
}

/// What is shown one of a row. Its fields as serialised are the headers, in the same order.
pub trait Row: Serialize {
    /// Names of the columns, in snake case.
    const HEADERS: &'static [&'static str];
    /// Columns that a narrow terminal does without, the first one first.
    const SPARE: &'static [&'static str] = &[];
    /// What it is called.
    fn name(&self) -> &str;
    /// A text for each column.
    fn cells(&self) -> Vec<String>;
    /// What its colour says.
    fn tone(&self) -> Tone {
        Tone::Plain
    }
}

/// `rows` as text that ends its last line.
pub fn rendered<R: Row>(rows: &[R], format: Format, terminal: &Terminal) -> anyhow::Result<String> {
    Ok(match format {
        Format::Json => format!("{}\n", serde_json::to_string_pretty(rows)?),
        Format::Yaml => serde_yaml::to_string(rows)?,
        Format::Csv => {
            let lines = rows.iter().map(|row| csv_line(&row.cells()));
            std::iter::once(R::HEADERS.join(",") + "\n").chain(lines).collect()
        }
        Format::Names => {
            let mut seen = HashSet::new();
            rows.iter().map(Row::name).filter(|name| seen.insert(*name)).map(|name| format!("{name}\n")).collect()
        }
        Format::Table => format!("{}\n", table(rows, terminal, width(terminal))),
    })
}

/// On a terminal, where width is short, columns that say nothing are left out, and spare ones that would cut words.
fn table<R: Row>(rows: &[R], terminal: &Terminal, width: Option<u16>) -> Table {
    let texts: Vec<Vec<String>> = rows.iter().map(Row::cells).collect();
    let headers: Vec<String> = R::HEADERS.iter().map(|header| header.replace('_', " ").to_uppercase()).collect();
    let says_something = |column: &usize| !terminal.stdout || texts.is_empty() || texts.iter().any(|cells| !cells[*column].is_empty());
    let mut columns: Vec<usize> = (0..R::HEADERS.len()).filter(says_something).collect();
    let longest = |column: usize| texts.iter().map(|cells| &cells[column]).chain([&headers[column]]).map(|text| longest_word(text)).max();
    let longest: Vec<u16> = (0..R::HEADERS.len()).map(|column| longest(column).unwrap_or_default()).collect();
    let needed = |columns: &[usize]| columns.iter().map(|column| longest[*column] + PADDING + 1).sum::<u16>() + 1;
    let fits = |columns: &[usize]| width.is_none_or(|width| needed(columns) <= width);
    for spare in R::SPARE {
        if !fits(&columns) {
            columns.retain(|column| R::HEADERS[*column] != *spare);
        }
    }
    let mut table = Table::of_width(columns.iter().map(|column| &headers[*column]), terminal, width);
    if fits(&columns) {
        table.keep_words(columns.iter().map(|column| longest[*column]));
    }
    for (row, cells) in rows.iter().zip(&texts) {
        table.row(columns.iter().map(|column| cells[*column].clone()), row.tone());
    }
    table
}

/// Its columns on a screen; no more than a screen has.
fn longest_word(text: &str) -> u16 {
    let widths = text.split_whitespace().map(UnicodeWidthStr::width);
    u16::try_from(widths.max().unwrap_or_default()).unwrap_or(u16::MAX).min(WIDEST)
}

/// One line of RFC 4180, but for the line's end.
fn csv_line(cells: &[String]) -> String {
    let quoted = cells.iter().map(|cell| {
        let plain = !cell.contains(['"', ',', '\n', '\r']);
        if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::{Format, Row, csv_line, rendered};
    use crate::cli::output::Terminal;

    #[derive(Serialize)]
    struct Fruit {
        name: &'static str,
        upstream_model: &'static str,
    }

    impl Row for Fruit {
        const HEADERS: &'static [&'static str] = &["name", "upstream_model"];
        const SPARE: &'static [&'static str] = &["upstream_model"];

        fn name(&self) -> &str {
            self.name
        }

        fn cells(&self) -> Vec<String> {
            vec![self.name.to_owned(), self.upstream_model.to_owned()]
        }
    }

    #[test]
    fn csv_quotes_what_needs_it() {
        let cells = ["plain", "a,b", "say \"hi\"", "two\nlines", "中文", ""].map(str::to_owned);
        assert_eq!(csv_line(&cells), "plain,\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",中文,\n");
    }

    #[test]
    fn a_narrow_terminal_does_without_spare_columns_rather_than_cut_words() {
        let rows = [Fruit { name: "a-name-of-24-characters!", upstream_model: "another-of-24-characters" }];
        let terminal = Terminal { stdout: true, ..Terminal::default() };
        let wide = super::table(&rows, &terminal, Some(55)).to_string();
        assert!(wide.contains(rows[0].name) && wide.contains(rows[0].upstream_model), "{wide}");
        let narrow = super::table(&rows, &terminal, Some(54)).to_string();
        assert!(narrow.contains(rows[0].name) && !narrow.contains("UPSTREAM"), "{narrow}");
    }

    #[test]
    fn rows_in_every_format() {
        let rows = [Fruit { name: "a", upstream_model: "x" }, Fruit { name: "a", upstream_model: "y" }];
        let shown = |format| rendered(&rows, format, &Terminal::default()).unwrap();
        assert_eq!(shown(Format::Names), "a\n");
        assert_eq!(shown(Format::Csv), "name,upstream_model\na,x\na,y\n");
        assert_eq!(shown(Format::Yaml), "- name: a\n  upstream_model: x\n- name: a\n  upstream_model: y\n");
        assert!(shown(Format::Table).contains("UPSTREAM MODEL"));
        let mute = [Fruit { name: "a", upstream_model: "" }];
        let on_terminal = Terminal { stdout: true, ..Terminal::default() };
        assert!(!rendered(&mute, Format::Table, &on_terminal).unwrap().contains("UPSTREAM"));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&shown(Format::Json)).unwrap()[1]["upstream_model"], "y");
    }
}
