//! The list of metrics beside all that is made from it or for it: the page of the documentation, rules, dashboard.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

use llmgw::config::env::Env;
use llmgw::telemetry::metrics::{ALL, Kind, MOST_LABEL_SETS};
use serde_json::Value;

use super::promql::asked;

const BEGIN: &str = "<!-- From here on it is made from src/telemetry/metrics/names.rs; `make bless` writes it. -->\n";

fn path(below: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(below)
}

fn read(below: &str) -> String {
    std::fs::read_to_string(path(below)).unwrap_or_else(|error| panic!("{below}: {error}"))
}

fn table() -> String {
    let mut table = "\n| metric | type | labels | |\n| --- | --- | --- | --- |\n".to_owned();
    for metric in ALL {
        let labels: Vec<String> = metric.labels.iter().map(|label| format!("`{label}`")).collect();
        let _ = writeln!(table, "| `{}` | {} | {} | {} |", metric.name, metric.kind.word(), labels.join(", "), metric.help);
    }
    table += "\n## Buckets\n\n| metric | upper bounds |\n| --- | --- |\n";
    for metric in ALL {
        let Kind::Histogram(bounds) = metric.kind else { continue };
        let bounds: Vec<String> = bounds.iter().map(ToString::to_string).collect();
        let _ = writeln!(table, "| `{}` | {} |", metric.name, bounds.join(", "));
    }
    table
}

#[test]
fn the_documentation_shows_every_metric() {
    let page = read("docs/metrics.md");
    let (prose, _) = page.split_once(BEGIN).expect("the page says where the table begins");
    let expected = format!("{prose}{BEGIN}{}", table());
    if Env::capture().get_filled("LLMGW_BLESS").is_some() {
        std::fs::write(path("docs/metrics.md"), &expected).unwrap();
    } else {
        assert!(page == expected, "docs/metrics.md is stale; run `make bless`");
    }
    assert!(prose.contains(&format!("{MOST_LABEL_SETS} combinations")), "the limit stands in the text");
}

#[test]
fn names_are_as_prometheus_wants_them() {
    let mut names = BTreeSet::new();
    for metric in ALL {
        assert!(names.insert(metric.name), "{} twice", metric.name);
        assert_eq!(metric.name.ends_with("_total"), metric.kind == Kind::Counter, "{}", metric.name);
        assert_eq!(metric.name.ends_with("_info"), metric.kind == Kind::Info, "{}", metric.name);
        assert!(metric.name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{}", metric.name);
        assert!(metric.help.ends_with('.') && metric.labels.iter().all(|label| !label.is_empty()), "{}", metric.name);
        if let Kind::Histogram(bounds) = metric.kind {
            assert!(bounds.is_sorted_by(|one, other| one < other), "{}", metric.name);
        }
    }
}

/// The labels that a metric has; `None`: there is no such metric.
fn labels(name: &str) -> Option<Vec<&'static str>> {
    const OF_EVERY_TARGET: [&str; 2] = ["job", "instance"];
    if name == "up" {
        return Some(OF_EVERY_TARGET.to_vec());
    }
    ALL.iter().find_map(|metric| {
        let suffix = name.strip_prefix(metric.name)?;
        let own = match (metric.kind, suffix) {
            (Kind::Histogram(_), "_bucket") => &["le"][..],
            (Kind::Histogram(_), "_sum" | "_count") => &[],
            (Kind::Histogram(_), _) => return None,
            (_, "") => &[],
            _ => return None,
        };
        Some([metric.labels, &OF_EVERY_TARGET, own].concat())
    })
}

/// That `expression` asks for nothing that does not exist; `recorded` are names of rules.
fn check(expression: &str, recorded: &BTreeSet<String>) {
    let asked = asked(expression);
    assert!(!asked.metrics.is_empty(), "no metric: {expression}");
    let mut known = BTreeSet::new();
    for (metric, chosen_by) in &asked.metrics {
        if recorded.contains(metric) {
            known.extend(asked.groups.iter().cloned());
            continue;
        }
        let labels = labels(metric).unwrap_or_else(|| panic!("there is no {metric}: {expression}"));
        for label in chosen_by {
            assert!(labels.contains(&label.as_str()), "{metric} has no label {label}: {expression}");
        }
        known.extend(labels.into_iter().map(str::to_owned));
    }
    for label in asked.groups {
        assert!(known.contains(&label), "nothing has the label {label}: {expression}");
    }
}

fn rules() -> Vec<Value> {
    let file: Value = serde_yaml::from_str(&read("config/prometheus/llmgw.rules.yml")).expect("YAML");
    let groups = file["groups"].as_array().expect("groups");
    groups.iter().flat_map(|group| group["rules"].as_array().expect("rules").clone()).collect()
}

fn recorded() -> BTreeSet<String> {
    rules().iter().filter_map(|rule| rule["record"].as_str().map(str::to_owned)).collect()
}

#[test]
fn rules_ask_for_metrics_that_exist_and_every_alert_is_tried() {
    let (recorded, tried) = (recorded(), read("config/prometheus/llmgw.rules.test.yml"));
    for rule in rules() {
        check(rule["expr"].as_str().expect("an expression"), &recorded);
        let Some(alert) = rule["alert"].as_str() else { continue };
        assert!(
            tried.contains(&format!("alertname: {alert}\n")) || tried.contains(&format!("alertname: {alert},")),
            "{alert} is not tried"
        );
        let annotations = format!("{} {}", rule["annotations"]["summary"], rule["annotations"]["description"]);
        for quoted in annotations.split('`').skip(1).step_by(2) {
            let is_metric = quoted.starts_with("llmgw_") || quoted.starts_with("gen_ai_");
            assert!(!is_metric || labels(quoted).is_some(), "{alert} speaks of {quoted}");
        }
    }
}

fn panels(dashboard: &Value) -> Vec<Value> {
    dashboard["panels"].as_array().expect("panels").clone()
}

#[test]
fn the_dashboard_asks_for_metrics_that_exist() {
    let dashboard: Value = serde_json::from_str(&read("config/grafana/llmgw.json")).expect("JSON");
    let recorded = recorded();
    for panel in panels(&dashboard).iter().filter(|panel| panel["type"] != "row") {
        let title = panel["title"].as_str().expect("a title");
        let targets = panel["targets"].as_array().unwrap_or_else(|| panic!("{title} asks for nothing"));
        assert!(!targets.is_empty() && panel["fieldConfig"]["defaults"]["unit"].is_string(), "{title}");
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}", "{title}");
            check(target["expr"].as_str().expect("an expression"), &recorded);
        }
    }
    for annotation in dashboard["annotations"]["list"].as_array().expect("a list") {
        annotation["expr"].as_str().into_iter().for_each(|expression| check(expression, &recorded));
    }
    for variable in dashboard["templating"]["list"].as_array().expect("variables").iter().filter(|variable| variable["type"] == "query") {
        let query = variable["query"]["query"].as_str().expect("a query");
        let (of, label) =
            query.strip_prefix("label_values(").and_then(|query| query.strip_suffix(')')?.rsplit_once(", ")).expect("label_values");
        check(&format!("max by ({label}) ({of})"), &recorded);
    }
}

#[test]
fn the_dashboard_has_every_panel_once_and_none_over_another() {
    let dashboard: Value = serde_json::from_str(&read("config/grafana/llmgw.json")).expect("JSON");
    let panels = panels(&dashboard);
    let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut taken = BTreeSet::new();
    for panel in &panels {
        let [x, y, width, height] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
        assert!(x + width <= 24, "{}", panel["title"]);
        let cells = (x..x + width).flat_map(|x| (y..y + height).map(move |y| (x, y)));
        for cell in cells {
            assert!(taken.insert(cell), "{} lies over another", panel["title"]);
        }
    }
}
