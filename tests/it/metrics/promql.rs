//! As much of PromQL as it takes to find the metrics and labels that an expression asks for.

/// What an expression asks for.
#[derive(Debug, Default, PartialEq)]
pub struct Asked {
    /// Each metric, with the labels that it is chosen by.
    pub metrics: Vec<(String, Vec<String>)>,
    /// Labels that are grouped or matched by.
    pub groups: Vec<String>,
}

const AGGREGATIONS: [&str; 8] = ["sum", "max", "min", "avg", "count", "topk", "bottomk", "quantile"];
const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
const OPERATORS: [&str; 6] = ["and", "or", "unless", "bool", "offset", "atan2"];

/// Finds them.
pub fn asked(expression: &str) -> Asked {
    let mut asked = Asked::default();
    let mut rest = expression;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' | '\'' => after(&rest[1..], first),
            '[' => after(rest, ']'),
            '$' => word(&rest[1..]).1,
            _ if first.is_ascii_digit() => rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric() || c == '.'),
            _ if is_word(first) => take(rest, &mut asked),
            _ => &rest[first.len_utf8()..],
        };
    }
    asked
}

/// Takes one word and what belongs to it; what follows.
fn take<'e>(text: &'e str, asked: &mut Asked) -> &'e str {
    let (name, rest) = word(text);
    let next = rest.trim_start();
    if GROUPINGS.contains(&name) && next.starts_with('(') {
        let (list, rest) = next[1..].split_once(')').expect("a list of labels ends");
        asked.groups.extend(list.split(',').map(|label| label.trim().to_owned()).filter(|label| !label.is_empty()));
        return rest;
    }
    if next.starts_with('(') || AGGREGATIONS.contains(&name) || OPERATORS.contains(&name) {
        return rest;
    }
    let mut labels = Vec::new();
    let Some(mut inside) = next.strip_prefix('{') else {
        asked.metrics.push((name.to_owned(), labels));
        return rest;
    };
    while !inside.starts_with('}') {
        let (label, after_label) = word(inside.trim_start_matches([',', ' ', '\n']));
        labels.push(label.to_owned());
        inside = after(after(after_label, '"'), '"');
    }
    asked.metrics.push((name.to_owned(), labels));
    &inside[1..]
}

fn word(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_word(c)).unwrap_or(text.len()))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn after(text: &str, end: char) -> &str {
    text.split_once(end).expect("what begins, ends").1
}

#[test]
fn metrics_and_labels_are_found() {
    let found = asked(
        r#"histogram_quantile(0.95, sum by (le, job) (rate(a_bucket{x=~"b|c{}",y!="d"}[5m]))) / on (job) c:d * 1e3 or vector(0) > bool $__range"#,
    );
    let metrics = [("a_bucket", vec!["x", "y"]), ("c:d", vec![])];
    let metrics = metrics.map(|(name, labels)| (name.to_owned(), labels.into_iter().map(str::to_owned).collect::<Vec<_>>()));
    assert_eq!(found, Asked { metrics: metrics.into(), groups: ["le", "job", "job"].map(str::to_owned).into() });
}
