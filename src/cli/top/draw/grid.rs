//! Rows in columns, as many of them as there is room for.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

use crate::cli::top::draw::theme::Theme;
use crate::cli::top::words::{fit, width};

/// Between two columns.
const GAP: u16 = 2;

/// A column: what stands over it, and when it has to go.
#[derive(Clone, Copy)]
pub struct Column {
    /// What stands over it.
    pub title: &'static str,
    /// At most so wide; 0: it takes what the others leave.
    pub most: u16,
    /// Numbers stand to the right.
    pub right: bool,
    /// Where there is no room, the highest goes first; 0 stays.
    pub rank: u8,
}

/// What stands in a row's column, and how it looks.
pub type Cell = (String, Style);

/// Rows under titles.
pub struct Grid<'a> {
    /// The columns.
    pub columns: &'a [Column],
    /// The rows, each with a cell for every column.
    pub rows: Vec<Vec<Cell>>,
    /// The row that is chosen, and whether keys go here.
    pub chosen: (usize, bool),
}

impl Grid<'_> {
    /// Draws as much of it as fits into `area`, the row that is chosen included.
    pub fn draw(&self, theme: Theme, area: Rect, buffer: &mut Buffer) {
        let widths = self.widths(area.width);
        let titles: Vec<Cell> = self.columns.iter().map(|column| (column.title.to_owned(), theme.faint())).collect();
        self.draw_row(&titles, &widths, area, buffer);
        let shown = usize::from(area.height.saturating_sub(1));
        let (chosen, has_keys) = self.chosen;
        let first = first_shown(chosen, self.rows.len(), shown);
        for (y, (place, row)) in (area.y + 1..area.bottom()).zip(self.rows.iter().enumerate().skip(first)) {
            let line = Rect { y, height: 1, ..area };
            self.draw_row(row, &widths, line, buffer);
            if has_keys && place == chosen {
                buffer.set_style(line, theme.chosen());
            }
        }
    }

    fn draw_row(&self, cells: &[Cell], widths: &[Option<u16>], area: Rect, buffer: &mut Buffer) {
        let mut x = area.x;
        for ((column, (text, style)), width_) in self.columns.iter().zip(cells).zip(widths) {
            let Some(cells) = *width_ else { continue };
            if area.height == 0 || x >= area.right() {
                return;
            }
            let text = fit(text, cells);
            let at = if column.right { x + cells.saturating_sub(width(&text)) } else { x };
            if at < area.right() {
                buffer.set_stringn(at, area.y, text, usize::from(area.right() - at), *style);
            }
            x = x.saturating_add(cells + GAP);
        }
    }

    /// How wide each column is within `all`; `None`: there is no room for it.
    fn widths(&self, all: u16) -> Vec<Option<u16>> {
        let wanted = |(place, column): (usize, &Column)| {
            let cells = self.rows.iter().filter_map(|row| row.get(place)).map(|(text, _)| width(text));
            let wanted = cells.max().unwrap_or_default().max(width(column.title));
            if column.most == 0 { wanted.min(LEAST_REST) } else { wanted.min(column.most) }
        };
        let mut widths: Vec<Option<u16>> = self.columns.iter().enumerate().map(wanted).map(Some).collect();
        while taken(&widths) > all {
            let last = (0..widths.len()).filter(|place| widths[*place].is_some()).max_by_key(|place| self.columns[*place].rank);
            let Some(last) = last.filter(|place| self.columns[*place].rank > 0) else { break };
            widths[last] = None;
        }
        self.narrow(&mut widths, all);
        let left = all.saturating_sub(taken(&widths));
        if let Some(rest) = self.columns.iter().position(|column| column.most == 0)
            && let Some(width) = &mut widths[rest]
        {
            *width += left;
        }
        widths
    }

    /// Where even those that stay have no room, the widest gives way.
    fn narrow(&self, widths: &mut [Option<u16>], all: u16) {
        let over = taken(widths).saturating_sub(all);
        if let Some(widest) = widths.iter_mut().flatten().max() {
            *widest = widest.saturating_sub(over).max(1);
        }
    }
}

/// What the column that takes the rest has at least, if it has that much to say.
const LEAST_REST: u16 = 16;

/// All of these, with the gaps between them.
fn taken(widths: &[Option<u16>]) -> u16 {
    let shown = widths.iter().flatten();
    let gaps = u16::try_from(shown.clone().count().saturating_sub(1)).unwrap_or_default() * GAP;
    shown.sum::<u16>() + gaps
}

/// The first of `rows` rows, so that the one that is chosen is among the `shown` that there is room for.
fn first_shown(chosen: usize, rows: usize, shown: usize) -> usize {
    chosen.saturating_sub(shown.saturating_sub(1) / 2).min(rows.saturating_sub(shown))
}

#[cfg(test)]
mod tests {
    use super::first_shown;

    #[test]
    fn the_row_that_is_chosen_is_always_among_those_shown() {
        for rows in 0..12 {
            for shown in 1..8 {
                for chosen in 0..rows {
                    let first = first_shown(chosen, rows, shown);
                    assert!((first..first + shown).contains(&chosen), "{chosen} of {rows}, {shown} shown from {first}");
                    assert!(first == 0 || first + shown <= rows, "no empty row while others wait");
                }
            }
        }
    }
}
