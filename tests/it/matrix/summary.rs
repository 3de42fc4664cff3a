//! `docs/faults.md`: the matrix for people. Made of the table, which the other tests hold against what happens.

use std::fmt::Write;
use std::path::Path;

use llmgw::config::env::Env;

use super::Situation;
use super::table::{Expected, Table};
use crate::faulty::{self, Fault, Group, Kind};

const HEAD: &str = "\
# What happens when an upstream fails

llmgw is tested against an upstream that misbehaves on the wire in every way that we could think of. Each fault is met
by a chat, a streamed chat, embeddings and a form (an audio transcription), in three situations: the faulty upstream is
the only route, a healthy one comes second, or both routes are cooling and the faulty one is nearest to its recovery.
The tables say what a client gets. The tests in `tests/it/matrix` let each cell happen, with the default configuration
but for shorter waits, and compare; this page is generated from the same table.

How to read a cell:

- `200` is a whole answer with each word once; `200, empty` one without a word. **b** marks an answer of the second,
  healthy route: the client notices nothing but `x-llmgw-attempts: 2`.
- A status with *as it is* is the upstream's own answer, byte for byte.
- A status with a code is an error of llmgw's own, which names every attempt; see [errors](errors.md). *×3* says that
  three attempts were made.
- *error event* is a stream that had begun: what was said stays said, an error event follows, the body ends cleanly
  without `[DONE]`. It never moves on to another route, so that no text comes twice.
- *cut* is a body that broke off where no event can say so.
- `—`: the fault makes no sense for this kind of request.

The last column is what the health of the faulty upstream learned, as `/status` shows it. *model*: a failure of the
upstream model; *provider*: of the whole provider; *key*: of the provider, and the key rests; *limit*: the model rests
at once, for as many seconds as are named, else as configured; *broke*: a failure of the model, after its first content;
*stopped*: a limit of llmgw's own ended it; *good*: all is well; *nothing*: neither good nor bad. Several words are
those of the columns, in their order.
";

fn page() -> String {
    let table = Table::read();
    let groups = faulty::all();
    let cells: usize = groups.iter().flat_map(|group| &group.faults).map(|fault| fault.kinds.len() * Situation::ALL.len()).sum();
    let faults: usize = groups.iter().map(|group| group.faults.len()).sum();
    let mut page = format!("{HEAD}\n{faults} faults, {cells} cells.\n");
    for situation in Situation::ALL {
        let title = match situation {
            Situation::Only => "The only route fails",
            Situation::Second => "A healthy second route is there",
            Situation::Cooling => "Only cooling routes are left",
        };
        let _ = write!(page, "\n## {title}\n");
        groups.iter().for_each(|group| section(&mut page, &table, group, situation));
    }
    page
}

fn section(page: &mut String, table: &Table, group: &Group, situation: Situation) {
    let _ =
        write!(page, "\n### {}\n\n| fault | chat | stream | embeddings | multipart | health |\n|---|---|---|---|---|---|\n", group.about);
    let mut rows: Vec<(Vec<&str>, String)> = Vec::new();
    for fault in &group.faults {
        let cells = row(table, fault, situation);
        match rows.iter_mut().find(|(names, known)| *known == cells && family(names[0]) == family(&fault.name)) {
            Some((names, _)) => names.push(&fault.name),
            None => rows.push((vec![&fault.name], cells)),
        }
    }
    for (names, cells) in rows {
        let _ = writeln!(page, "| {} | {cells} |", together(&names));
    }
}

fn row(table: &Table, fault: &Fault, situation: Situation) -> String {
    let expected = |kind: &Kind| fault.kinds.contains(kind).then(|| table.find(&fault.name, *kind, situation));
    let all: Vec<Option<&Expected>> = Kind::ALL.iter().map(expected).collect();
    let mut cells: Vec<String> = all.iter().map(|cell| cell.map_or("—".to_owned(), said)).collect();
    let mut learned: Vec<&str> = all.iter().flatten().map(|cell| cell.learned.as_str()).collect();
    learned.dedup();
    cells.push(learned.join(", "));
    cells.join(" | ")
}

fn said(expected: &Expected) -> String {
    let Expected { tried, status, gets, .. } = expected;
    if tried.ends_with('b') {
        return format!("{status} **b**");
    }
    let times = if tried.len() > 1 { format!(" ×{}", tried.len()) } else { String::new() };
    match gets.as_str() {
        "whole" => format!("{status}{times}"),
        "empty" => format!("{status}{times}, empty"),
        "event" => format!("{status}{times}, error event"),
        "cut" => format!("{status}{times}, cut"),
        "theirs" => format!("{status}{times} as it is"),
        code => format!("{status}{times} `{code}`"),
    }
}

/// What the names of like faults begin with: a status, the place of a cut.
fn family(name: &str) -> &str {
    let end = name.find([',', ':']).or_else(|| name.find(" is ")).unwrap_or(name.len());
    &name[..end]
}

/// Several names of one family in one: what they share, then what they do not.
fn together(names: &[&str]) -> String {
    let [first, rest @ ..] = names else { return String::new() };
    let shared = family(first).len();
    let others = rest.iter().map(|name| name[shared..].trim_start_matches([',', ':', ' ']));
    [(*first).to_owned()].into_iter().chain(others.map(str::to_owned)).collect::<Vec<_>>().join("; ")
}

#[test]
fn the_documentation_shows_the_table() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/faults.md");
    let page = page();
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == page, "docs/faults.md is stale; run `make bless`");
}
