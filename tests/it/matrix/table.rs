//! `outcomes.txt`, read: what must come of each cell.

use globset::{Glob, GlobMatcher};

use super::Situation;
use crate::faulty::{self, Kind};

/// What must come of all cells.
pub struct Table(Vec<Row>);

struct Row {
    line: usize,
    fault: GlobMatcher,
    kinds: Vec<Kind>,
    /// In the order of [`Situation::ALL`].
    cells: [Expected; 3],
}

/// What must come of one cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// The providers asked, a letter each; the last one gave the answer, if one did.
    pub tried: String,
    /// The status that the client sees.
    pub status: u16,
    /// What it gets: `whole`, `empty`, `event`, `cut`, `theirs`, or the code of llmgw's own error.
    pub gets: String,
    /// What `a`'s health learned.
    pub learned: String,
    /// Where the tokens are from that the log names.
    pub usage: String,
}

impl Expected {
    /// Whether an upstream's answer, whole or not, reaches the client.
    pub fn is_answered(&self) -> bool {
        matches!(&*self.gets, "whole" | "empty" | "event" | "cut")
    }
}

impl Table {
    pub fn read() -> Table {
        let lines = include_str!("outcomes.txt").lines().enumerate();
        let rows = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'));
        Table(rows.map(|(number, line)| row(number + 1, line)).collect())
    }

    /// What must come of one cell; panics unless exactly one line says so.
    pub fn find(&self, fault: &str, kind: Kind, situation: Situation) -> &Expected {
        match self.of_cell(fault, kind).as_slice() {
            [row] => &row.cells[situation as usize],
            rows => panic!("`{fault}` | {} is in lines {:?}", kind.name(), rows.iter().map(|row| row.line).collect::<Vec<_>>()),
        }
    }

    fn of_cell(&self, fault: &str, kind: Kind) -> Vec<&Row> {
        self.0.iter().filter(|row| row.kinds.contains(&kind) && row.fault.is_match(fault)).collect()
    }
}

fn row(line: usize, text: &str) -> Row {
    let wrong = |what: &str| -> ! { panic!("outcomes.txt:{line}: {what}: {text}") };
    let columns: Vec<&str> = text.split('|').map(str::trim).collect();
    let [fault, kinds, only, second, cooling, learned, usage] = columns[..] else { wrong("seven columns") };
    let Ok(fault) = Glob::new(fault) else { wrong("a pattern") };
    let named = |name: &str| Kind::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or_else(|| wrong("a kind of request"));
    let kinds = if kinds == "*" { Kind::ALL.to_vec() } else { kinds.split(' ').map(named).collect() };
    let learned: Vec<&str> = learned.split('/').map(str::trim).collect();
    let cell = |situation: usize, text: &str| {
        let words: Vec<&str> = text.split(' ').collect();
        let [tried, status, gets] = words[..] else { wrong("three words in a cell") };
        let learned = learned[situation.min(learned.len() - 1)].to_owned();
        let status = status.parse().unwrap_or_else(|_| wrong("a status"));
        let expected = Expected { tried: tried.to_owned(), status, gets: gets.to_owned(), learned, usage: String::new() };
        let usage = match (expected.is_answered(), tried.ends_with('b')) {
            (true, true) => "reported",
            (true, false) => usage,
            (false, _) => "none",
        };
        Expected { usage: usage.to_owned(), ..expected }
    };
    Row { line, fault: fault.compile_matcher(), kinds, cells: [cell(0, only), cell(1, second), cell(2, cooling)] }
}

#[test]
fn each_cell_stands_in_the_table_once_and_no_line_is_idle() {
    let table = Table::read();
    let (mut wrong, mut idle) = (Vec::new(), table.0.iter().map(|row| row.line).collect::<Vec<_>>());
    for fault in faulty::all().iter().flat_map(|group| &group.faults) {
        for kind in fault.kinds {
            let lines: Vec<usize> = table.of_cell(&fault.name, *kind).iter().map(|row| row.line).collect();
            idle.retain(|line| !lines.contains(line));
            if lines.len() != 1 {
                wrong.push(format!("`{}` | {} is in lines {lines:?}", fault.name, kind.name()));
            }
        }
    }
    assert!(wrong.is_empty() && idle.is_empty(), "{}\nlines that match nothing: {idle:?}", wrong.join("\n"));
}

#[test]
fn each_fault_has_a_name_of_its_own() {
    let mut names: Vec<String> = faulty::all().into_iter().flat_map(|group| group.faults).map(|fault| fault.name).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(names.iter().all(|name| !name.contains('|')), "the table's columns end with it");
}
