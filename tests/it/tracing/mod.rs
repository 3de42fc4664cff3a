//! Traces: the context that comes in and goes out, and the spans that a collector is sent.

mod collector;
mod contents;
mod context;
mod delivery;
mod trees;

use llmgw::engine::Engine;
use llmgw::traces::Traces;
use tokio::task::spawn_blocking;

use collector::Seen;

/// Exports traces of `engine`, as its configuration says.
fn traces_of(engine: &Engine) -> Traces {
    engine.observe();
    engine.traces().clone()
}

/// All that was to be exported is.
async fn finish(traces: &Traces) {
    let traces = traces.clone();
    spawn_blocking(move || traces.finish()).await.expect("no panic");
}

/// The spans below each other, one a line, indented by how deep they are; brothers in the order in which they came.
fn tree(spans: &[Seen]) -> String {
    fn below(spans: &[Seen], parent: &Seen, depth: usize, text: &mut String) {
        text.push_str(&format!("{}{:?} {}\n", "  ".repeat(depth), parent.kind, parent.name));
        spans.iter().filter(|span| span.parent == parent.id).for_each(|span| below(spans, span, depth + 1, text));
    }
    let mut text = String::new();
    let is_root = |span: &&Seen| !spans.iter().any(|other| other.id == span.parent);
    spans.iter().filter(is_root).for_each(|root| below(spans, root, 0, &mut text));
    text
}

/// The span of this name.
#[track_caller]
fn named<'a>(spans: &'a [Seen], name: &str) -> &'a Seen {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("no `{name}` in:\n{}", tree(spans)));
    assert!(found.next().is_none(), "`{name}` stands twice");
    span
}
