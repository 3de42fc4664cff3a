//! `docs/dialects.md`: what each upstream is told of each client's request, made from the golden cases.

use std::fmt::Write;
use std::path::Path;

use llmgw::config::env::Env;
use llmgw::dialects::{DialectError, client};
use llmgw::hub::Kind;

use super::requests::encode;
use super::{CLIENTS, Case, UPSTREAMS, cases};

const HEAD: &str = "\
# Dialects: what is said, dropped and refused

Made from the cases in `tests/dialects/requests` by the tests (`make bless`); do not edit.

Each row is one request of a client, each column an upstream's dialect. `✓`: all of it is said. Names: these hints are
left out, and named in `x-llmgw-dropped`. `✗`: it cannot be said without changing its meaning; the next route is asked,
and where none is left the client gets 400 with these words. `400`: the request is wrong, for this upstream at least.
Where both speak the same, bytes go by untouched and this
table does not count.
";

fn cell(kind: Kind, case: &Case, target: Kind, model: &str) -> String {
    if kind == target {
        return "as it is".to_owned();
    }
    let request = match client(kind).decode_request(&case.bytes) {
        Err(DialectError::Unsupported { feature }) => return format!("✗ {feature}"),
        Err(_) => return "400".to_owned(),
        Ok(request) => request,
    };
    match encode(&request, target, model) {
        Err(DialectError::Unsupported { feature }) => format!("✗ {feature}"),
        Err(_) => "400".to_owned(),
        Ok(encoded) => {
            let dropped: Vec<String> = encoded.dropped.iter().map(|name| name.to_string()).chain(request.left_out).collect();
            if dropped.is_empty() { "✓".to_owned() } else { dropped.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ") }
        }
    }
}

fn page() -> String {
    let mut page = HEAD.to_owned();
    for kind in CLIENTS {
        let names = UPSTREAMS.map(|(target, _)| target.word()).join(" | ");
        write!(page, "\n## Clients of {kind}\n\n| case | {names} |\n| --- |{}\n", " --- |".repeat(UPSTREAMS.len())).expect("written");
        for case in cases("requests", kind) {
            let row = UPSTREAMS.map(|(target, model)| cell(kind, &case, target, model).replace('|', "\\|")).join(" | ");
            writeln!(page, "| {} | {row} |", case.name()).expect("written");
        }
    }
    page
}

#[test]
fn the_documentation_shows_what_is_said_dropped_and_refused() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/dialects.md");
    let page = page();
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        std::fs::write(&path, &page).expect("written");
    }
    assert!(std::fs::read_to_string(&path).unwrap_or_default() == page, "docs/dialects.md is stale; run `make bless`");
}
