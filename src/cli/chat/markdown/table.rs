//! Tables of an answer: held back until they are complete, for only then it is known how wide their columns are.

use comfy_table::{Attribute, Cell, CellAlignment, ContentArrangement, Table, presets};

use super::spans::plain;

/// The table that `lines` are, drawn within `width`; `None`: they are none.
pub fn draw(lines: &[String], width: Option<usize>) -> Option<String> {
    let [head, rule, rows @ ..] = lines else { return None };
    let alignments: Vec<CellAlignment> = cells(rule).iter().map(|cell| alignment(cell)).collect::<Option<_>>()?;
    let head = cells(head);
    if head.len() != alignments.len() {
        return None;
    }
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED).force_no_tty().enforce_styling();
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    let cell = |text: &str, alignment: &CellAlignment| Cell::new(text_of(text)).set_alignment(*alignment);
    table.set_header(head.iter().zip(&alignments).map(|(text, alignment)| cell(text, alignment).add_attribute(Attribute::Bold)));
    for row in rows {
        let mut texts = cells(row);
        texts.resize(alignments.len(), String::new());
        table.add_row(texts.iter().zip(&alignments).map(|(text, alignment)| cell(text, alignment)));
    }
    Some(table.trim_fmt())
}

/// The cells of one line. A bar behind a backslash or within backticks is text.
fn cells(line: &str) -> Vec<String> {
    let line = line.trim().strip_prefix('|').unwrap_or(line.trim());
    let mut cells = vec![String::new()];
    let (mut is_code, mut is_escaped) = (false, false);
    for character in line.chars() {
        let Some(cell) = cells.last_mut() else { break };
        match character {
            '|' if is_escaped => {
                cell.pop();
                cell.push('|');
            }
            '|' if !is_code => cells.push(String::new()),
            _ => cell.push(character),
        }
        is_code ^= character == '`' && !is_escaped;
        is_escaped = character == '\\' && !is_escaped;
    }
    if cells.len() > 1 && cells.last().is_some_and(|last| last.trim().is_empty()) {
        cells.pop();
    }
    cells.iter().map(|cell| cell.trim().to_owned()).collect()
}

/// What `:--`, `--:` or `:-:` asks for; `None`: it is no such cell.
fn alignment(cell: &str) -> Option<CellAlignment> {
    let dashes = cell.trim_matches(':');
    if dashes.is_empty() || dashes.chars().any(|character| character != '-') {
        return None;
    }
    Some(match (cell.starts_with(':'), cell.ends_with(':')) {
        (true, true) => CellAlignment::Center,
        (false, true) => CellAlignment::Right,
        _ => CellAlignment::Left,
    })
}

fn text_of(cell: &str) -> String {
    plain(cell).replace("<br/>", "\n").replace("<br>", "\n")
}
