//! Nothing is dropped in silence: whichever leaf of a source is changed, the result is another one, unless the leaf is listed
//! as left behind.

use std::path::Path;

use llmgw::config::Diagnostic;
use llmgw::config::import::{Imported, Input, Kind, convert};
use llmgw::config::load::{Overrides, load_text};
use serde_json::{Value, json};

use super::{Case, cases, environment};

/// A leaf's path as it is told, and where it stands.
struct Leaf {
    told: String,
    pointer: Vec<String>,
}

fn leaves(value: &Value, told: &str, pointer: &[String], found: &mut Vec<Leaf>) {
    let below = |step: String| [pointer, &[step]].concat();
    match value {
        Value::Null => {}
        Value::String(text) if text.trim().is_empty() => {}
        Value::Array(items) => {
            (0..)
                .zip(items)
                .for_each(|(index, item): (usize, _)| leaves(item, &format!("{told}[{index}]"), &below(index.to_string()), found));
        }
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            let is_plain = !key.is_empty() && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '<'));
            let told = match (told.is_empty(), is_plain) {
                (true, true) => key.clone(),
                (false, true) => format!("{told}.{key}"),
                (_, false) => format!("{told}[{}]", Value::from(key.as_str())),
            };
            leaves(value, &told, &below(key.clone()), found);
        }),
        _ => found.push(Leaf { told: told.to_owned(), pointer: pointer.to_vec() }),
    }
}

fn at<'v>(root: &'v mut Value, pointer: &[String]) -> &'v mut Value {
    pointer.iter().fold(root, |value, step| match value {
        Value::Array(items) => &mut items[step.parse::<usize>().expect("an index")],
        other => &mut other[step.as_str()],
    })
}

/// Other values in its place, of the same type where that is possible.
fn others(value: &Value) -> Vec<Value> {
    match value {
        Value::Bool(flag) => vec![Value::from(!flag)],
        Value::Number(number) => {
            let number = number.as_f64().expect("a number");
            [0.0, number + 1.0, number + 7.0].map(whole).to_vec()
        }
        Value::String(text) => vec![Value::from(format!("{text}x")), Value::from("7"), Value::from("error")],
        other => vec![other.clone()],
    }
}

/// Numbers that are whole are written so.
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 { Value::from(number as i64) } else { Value::from(number) }
}

/// Paths with the numbers of their items left out.
fn pattern(path: &str) -> String {
    let parts = path.split('[').enumerate().map(|(index, part)| match part.split_once(']') {
        Some((number, rest)) if number.chars().all(|c| c.is_ascii_digit()) => format!("[]{rest}"),
        _ if index == 0 => part.to_owned(),
        _ => format!("[{part}"),
    });
    parts.collect()
}

/// Whether `told` is listed, or something that it is below of.
fn is_listed(imported: &Imported, told: &str) -> bool {
    let covers = |listed: &str, path: &str| path.strip_prefix(listed).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']));
    imported.left.iter().any(|left| if left.count > 1 { covers(&left.path, &pattern(told)) } else { covers(&left.path, told) })
}

fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Array(items) => format!("[{}]", items.iter().map(python).collect::<Vec<_>>().join(", ")),
        Value::Object(entries) => {
            let entries: Vec<String> =
                entries.iter().map(|(key, value)| format!("{}: {}", Value::from(key.as_str()), python(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        other => other.to_string(),
    }
}

/// `None`: nothing is left of it that could be converted.
fn converted(kind: Kind, tree: &Value) -> Option<Imported> {
    if kind == Kind::OneApi {
        return convert(Input::Tables(tree.clone()), Some(kind)).ok();
    }
    let text = match kind {
        Kind::SettingsPy => {
            tree.as_object().expect("a module").iter().map(|(name, value)| format!("{name} = {}\n", python(value))).collect()
        }
        _ => tree.to_string(),
    };
    convert(Input::Text(&text), Some(kind)).ok()
}

/// The source's tree. Of Python, settings as literals: what the reader makes of a module is tested beside it.
fn tree(case: &Case) -> Value {
    match (case.kind, case.tables()) {
        (_, Some(tables)) => tables,
        (Kind::SettingsPy, None) => serde_json::from_str(include_str!("settings.json")).expect("JSON"),
        _ => {
            let mut tree: serde_yaml::Value = serde_yaml::from_str(&case.text()).expect("YAML");
            tree.apply_merge().expect("merge keys");
            serde_json::to_value(tree).expect("a tree")
        }
    }
}

#[test]
fn a_leaf_makes_a_difference_or_is_listed() {
    let (mut lost, mut tried) = (Vec::new(), 0);
    for case in cases() {
        let mut tree = tree(&case);
        let before = converted(case.kind, &tree).expect("a result");
        let same = |after: &Imported| (&after.yaml, &after.left, &after.notes) == (&before.yaml, &before.left, &before.notes);
        let mut found = Vec::new();
        leaves(&tree, "", &[], &mut found);
        for leaf in found.iter().filter(|leaf| !is_listed(&before, &leaf.told)) {
            let value = at(&mut tree, &leaf.pointer).clone();
            let makes_none = others(&value).into_iter().all(|other| {
                *at(&mut tree, &leaf.pointer) = other;
                converted(case.kind, &tree).is_some_and(|after| same(&after))
            });
            *at(&mut tree, &leaf.pointer) = value;
            tried += 1;
            if makes_none {
                lost.push(format!("{}: {}", case.path.display(), leaf.told));
            }
        }
    }
    assert!(tried > 300, "only {tried} leaves were tried");
    assert_eq!(lost, Vec::<String>::new());
}

/// Every place in a tree, its containers, too.
fn places(value: &Value, pointer: &[String], found: &mut Vec<Vec<String>>) {
    let below = |step: String| [pointer, &[step]].concat();
    match value {
        Value::Array(items) => (0..).zip(items).for_each(|(index, item): (usize, _)| places(item, &below(index.to_string()), found)),
        Value::Object(entries) => entries.iter().for_each(|(key, value)| places(value, &below(key.clone()), found)),
        _ => {}
    }
    if !pointer.is_empty() {
        found.push(pointer.to_vec());
    }
}

/// What nobody expects there.
fn odd(turn: usize) -> Value {
    [json!("不 合/法: ${X"), json!(-1), json!([{ "x": [] }])][turn % 3].clone()
}

/// Why the result of `tree` cannot be loaded, if there is one.
fn refused(kind: Kind, tree: &Value) -> Option<String> {
    let yaml = converted(kind, tree)?.yaml;
    let loaded = load_text("llmgw.yaml", &yaml, Path::new("/"), &environment(&yaml), &Overrides::default());
    let errors = loaded.err()?.into_iter().filter(Diagnostic::is_error);
    Some(errors.map(|error| error.to_string()).collect::<Vec<_>>().join("\n"))
}

fn refused_with_odd_values(case: &Case) -> Vec<String> {
    let mut tree = tree(case);
    let (mut found, mut wrong) = (Vec::new(), Vec::new());
    places(&tree, &[], &mut found);
    // Every place takes a second; each kind of value comes to each kind of place.
    for (turn, pointer) in found.iter().enumerate().step_by(2) {
        let value = std::mem::replace(at(&mut tree, pointer), odd(turn / 2));
        let reason = refused(case.kind, &tree);
        wrong.extend(reason.map(|reason| format!("{}: {} = {}: {reason}", case.path.display(), pointer.join("."), odd(turn / 2))));
        *at(&mut tree, pointer) = value;
    }
    wrong
}

#[test]
fn whatever_stands_in_a_place_the_result_can_be_loaded() {
    let wrong: Vec<String> = cases().iter().flat_map(refused_with_odd_values).collect();
    assert!(wrong.is_empty(), "{} of them:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn paths_are_compared_without_their_numbers() {
    assert_eq!(pattern("a[0].b[12][\"x y\"][3]"), "a[].b[][\"x y\"][]");
    assert_eq!(pattern("a[b].c"), "a[b].c");
}
