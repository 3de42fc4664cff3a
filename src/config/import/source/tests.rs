use serde_json::json;

use super::{Left, Source};
use crate::config::import::Kind;

fn left(path: &str, count: usize, reason: &str) -> Left {
    Left { path: path.to_owned(), count, reason: reason.to_owned() }
}

const NOTHING: &str = "llmgw has nothing like it";

#[test]
fn what_nobody_asks_for_is_listed_in_the_files_order() {
    let tree = json!({ "b": 1, "a": { "x": [{ "n": 1 }, { "n": "二" }], "y": true, "z": null, "空": "" }, "c": {} });
    let source = Source::new(tree, Kind::LlmProxy, Vec::new());
    assert_eq!(source.root().get("a").and_then(|at| at.get("y")?.flag()), Some(true));
    source.root().get("a").unwrap().get("x").unwrap().items()[1].leave("unwanted");
    let (listed, notes) = source.finish();
    assert_eq!(listed, [left("b", 1, NOTHING), left("a.x[0].n", 1, NOTHING), left("a.x[1]", 1, "unwanted")]);
    assert!(notes.is_empty());
}

#[test]
fn many_like_ones_are_told_in_one_line() {
    let rows: Vec<_> = (0..5).map(|n| json!({ "n": n, "odd key": n })).collect();
    let source = Source::new(json!({ "rows": rows }), Kind::LlmProxy, Vec::new());
    assert_eq!(source.finish().0, [left("rows[].n", 5, NOTHING), left("rows[][\"odd key\"]", 5, NOTHING)]);
}

#[test]
fn secrets_are_masked_wherever_they_would_be_told() {
    let tree = json!({ "api_keys": { "sk-geheim-0123": "张三" }, "token": "geheim-4567", "n": "x" });
    let source = Source::new(tree, Kind::LlmProxy, Vec::new());
    source.root().get("n").unwrap().leave("as in geheim-4567");
    source.note("geheim-4567 is used");
    let (listed, notes) = source.finish();
    assert!(!format!("{listed:?}{notes:?}").contains("geheim"), "{listed:?}{notes:?}");
    assert_eq!(listed[0].path, "api_keys.****");
}

#[test]
fn values_are_read_as_people_write_them_or_left_with_what_is_wrong() {
    let tree = json!({ "s": "90", "d": "1500ms", "f": 0.5, "yes": "ON", "n": "7", "api_key": ["a"], "bad": -1, "worse": "soon", "ref": "${A}-${B c}-$${D" });
    let source = Source::new(tree, Kind::LlmProxy, Vec::new());
    let at = |key: &str| source.root().get(key).unwrap();
    assert_eq!([at("s").seconds(), at("d").seconds(), at("f").seconds()].map(Option::unwrap), ["90s", "1500ms", "500ms"]);
    assert_eq!((at("yes").flag(), at("n").whole(), at("bad").whole(), at("worse").seconds()), (Some(true), Some(7), None, None));
    assert_eq!(at("ref").text().as_deref(), Some("${A}-$${B c}-$$${D"));
    assert_eq!(at("api_key").text(), None);
    let reasons: Vec<String> = source.finish().0.into_iter().map(|left| format!("{}: {}", left.path, left.reason)).collect();
    let expected = [
        "api_key: it should be text, and is a list",
        "bad: it should be a whole number, and is `-1`",
        "worse: it should be a time, and is a text",
    ];
    assert_eq!(reasons, expected);
}

#[test]
fn references_of_others_become_ours() {
    let read = |kind: Kind, text: &str| Source::new(json!({ "a": text }), kind, Vec::new()).root().get("a").unwrap().text().unwrap();
    assert_eq!(read(Kind::Litellm, "os.environ/OPENAI_API_KEY"), "${OPENAI_API_KEY}");
    assert_eq!(read(Kind::Bifrost, "env.OPENAI_API_KEY"), "${OPENAI_API_KEY}");
    assert_eq!(read(Kind::LlmProxy, "env.OPENAI_API_KEY"), "env.OPENAI_API_KEY");
    assert_eq!(read(Kind::OneApi, "${OPENAI_API_KEY}"), "$${OPENAI_API_KEY}");
}
