//! Writes YAML as people do: sections in blocks, what fits on a line in braces.

use serde_json::{Map, Value};

/// What is longer is written in a block.
const WIDEST: usize = 110;

/// Words that YAML, of whatever version, takes for something else than text.
const TAKEN: [&str; 8] = ["null", "true", "false", "yes", "no", "on", "off", "y"];

/// Writes `key: value` at `indent`. `block`: so many levels are written in blocks, whether they would fit or not.
pub(super) fn entry(out: &mut String, key: &str, value: &Value, indent: usize, block: usize) {
    let pad = " ".repeat(indent);
    let key = scalar(key);
    let inline = flow(value);
    let fits = indent + key.chars().count() + 2 + inline.chars().count() <= WIDEST;
    match value {
        Value::Object(map) if !map.is_empty() && (block > 0 || !fits) => {
            out.push_str(&format!("{pad}{key}:\n"));
            map.iter().for_each(|(key, value)| entry(out, key, value, indent + 2, block.saturating_sub(1)));
        }
        Value::Array(items) if !items.is_empty() && (!fits || items.iter().any(Value::is_object)) => {
            out.push_str(&format!("{pad}{key}:\n"));
            items.iter().for_each(|value| item(out, value, indent + 2));
        }
        _ => out.push_str(&format!("{pad}{key}: {inline}\n")),
    }
}

/// Writes `- value` at `indent`.
pub(super) fn item(out: &mut String, value: &Value, indent: usize) {
    let inline = flow(value);
    match value {
        Value::Object(map) if indent + 2 + inline.chars().count() > WIDEST => block_item(out, map, indent),
        _ => out.push_str(&format!("{}- {inline}\n", " ".repeat(indent))),
    }
}

/// Writes `- ` and a mapping's entries below one another.
pub(super) fn block_item(out: &mut String, map: &Map<String, Value>, indent: usize) {
    let mut text = String::new();
    map.iter().for_each(|(key, value)| entry(&mut text, key, value, indent + 2, 0));
    out.push_str(&" ".repeat(indent));
    out.push_str("- ");
    out.push_str(text.trim_start());
}

/// On one line.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) if map.is_empty() => "{}".to_owned(),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{ {} }}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// Plain where nothing can be mistaken, else in double quotes, which JSON and YAML write alike.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Value::from(text).to_string() }
}

fn is_plain(text: &str) -> bool {
    let is_word = |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '+'));
    let is_url = ["http://", "https://"].iter().find_map(|scheme| text.strip_prefix(scheme)).is_some_and(|rest| {
        !rest.ends_with(':') && rest.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':'))
    });
    let units = ["ms", "s", "m", "h", "d", "MB"];
    let is_time = units.iter().any(|unit| text.strip_suffix(unit).is_some_and(|rest| rest.parse::<u64>().is_ok()));
    let begins_as_text = text.chars().next().is_some_and(char::is_alphabetic);
    is_url || is_time || (begins_as_text && is_word(text) && !TAKEN.contains(&text.to_ascii_lowercase().as_str()))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{entry, scalar};

    #[test]
    fn every_text_comes_back_as_it_was() {
        let awkward = [
            "",
            "gpt-4o",
            "4",
            "4o",
            "1e3",
            "0x10",
            "no",
            "NULL",
            "~",
            "- a",
            "a: b",
            "a #b",
            "#",
            "[x]",
            "{x}",
            "你好 世界",
            "文心",
            "${KEY}",
            "sk-1",
            "'",
            "\"",
            "\\",
            "line\nbreak",
            "\t",
            "30s",
            "https://a.example:8443/v1",
            "https://a.example/?a=b",
            "*",
            "&a",
            "!t",
            "%",
            "@",
            "2024-10-21",
            "12:30",
            "qwen2.5:7b",
            "=",
            "<<",
            "。",
            "\u{1f600}",
            "o/n",
            "y",
            "N",
            "null",
            ".inf",
            "infinity",
            "nan",
        ];
        for text in awkward {
            for written in [format!("k: {}", scalar(text)), format!("k: [{}]", scalar(text)), format!("{}: 1", scalar(text))] {
                let read: Value = serde_yaml::from_str(&written).unwrap_or_else(|error| panic!("{written}: {error}"));
                let back = [
                    read.get("k").cloned(),
                    read["k"].get(0).cloned(),
                    read.as_object().and_then(|map| map.keys().next().map(|key| json!(key))),
                ];
                assert!(back.contains(&Some(json!(text))), "{written}");
            }
        }
    }

    #[test]
    fn what_does_not_fit_on_a_line_is_a_block() {
        let mut out = String::new();
        entry(&mut out, "a", &json!({ "b": [1, 2], "c": { "d": null }, "e": [{ "f": "x" }, "y"] }), 0, 1);
        assert_eq!(out, "a:\n  b: [1, 2]\n  c: { d: null }\n  e:\n    - { f: x }\n    - \"y\"\n");
        let long: Vec<String> = (0..30).map(|number| format!("model-{number}")).collect();
        out.clear();
        entry(&mut out, "models", &json!(long), 0, 0);
        assert!(out.starts_with("models:\n  - model-0\n  - model-1\n"), "{out}");
    }
}
