//! `llmgw list`, `explain` and `config`: what is known without asking a model.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use super::process::Home;
use super::upstream::Upstream;

const TWO: &str = r#"
providers:
  - { name: 深度求索, type: mock, models: [deepseek-chat] }
  - { name: b, type: mock, models: [qwen, "comma,\"quote"], priority: 2, enabled: false }
models:
  你好模型:
    routes:
      - { provider: 深度求索, model: deepseek-chat }
      - { provider: b, model: qwen, priority: 2 }
  gpt-4: { routes: [{ provider: 深度求索, model: deepseek-chat }] }
"#;

const NAMES: [&str; 5] = ["你好模型", "gpt-4", "deepseek-chat", "qwen", "comma,\"quote"];

#[test]
fn a_list_is_the_same_in_every_format() {
    let home = Home::with(TWO);
    let list = |format: &str| home.run(&["list", "--format", format], 0).out;
    let objects: Vec<Value> = serde_json::from_str(&list("json")).expect("JSON");
    assert_eq!(objects.len(), 6);
    assert_eq!(
        objects[1],
        json!({
            "name": "你好模型", "provider": "b", "upstream_model": "qwen", "priority": 2, "enabled": false,
            "context_window": objects[1]["context_window"], "price": objects[1]["price"], "state": "disabled",
        })
    );
    assert_eq!(serde_yaml::from_str::<Vec<Value>>(&list("yaml")).expect("YAML"), objects);
    assert_eq!(list("names").lines().collect::<Vec<_>>(), NAMES);
    let csv = list("csv");
    assert!(csv.starts_with("name,provider,upstream_model,priority,enabled,context_window,price,state\n"), "{csv}");
    assert!(csv.contains("\n\"comma,\"\"quote\",b,"), "{csv}");
    assert_eq!(csv.lines().count(), 7, "{csv}");
}

#[test]
fn columns_line_up_for_chinese_too() {
    let table = Home::with(TWO).run(&["list"], 0).out;
    let widths: Vec<usize> = table.lines().map(UnicodeWidthStr::width).collect();
    assert!(widths.len() == 10 && widths.iter().all(|width| *width == widths[0]), "{table}");
    let bars = |line: &str| -> Vec<usize> { line.match_indices('|').map(|(at, _)| line[..at].width()).collect() };
    let rows: Vec<Vec<usize>> = table.lines().filter(|line| line.starts_with('|')).map(bars).collect();
    assert!(rows.len() == 7 && rows.iter().all(|row| *row == rows[0] && row.len() == 9), "{table}");
    assert!(!table.contains('\x1b'), "{table}");
}

#[test]
fn one_providers_models_are_listed_and_an_unknown_ones_refused() {
    let home = Home::with(TWO);
    home.run(&["list", "--provider", "b", "--format", "names"], 0).prints("你好模型\nqwen\ncomma,\"quote\n");
    home.run(&["list", "--provider", "深度求"], 2).prints("").says(&["unknown provider `深度求`", "did you mean `深度求索`?"]);
}

#[test]
fn presets_are_listed_without_a_configuration() {
    let home = Home::new();
    let ended = home.run(&["list", "--presets", "--format", "json"], 0);
    assert_eq!(ended.err, "");
    let presets: Vec<Value> = serde_json::from_str(&ended.out).expect("JSON");
    assert!(presets.iter().any(|preset| preset["name"] == "deepseek" && preset["env"][0] == "DEEPSEEK_API_KEY"));
    home.run(&["list", "--presets"], 0);
    home.run(&["list", "--presets", "--discover"], 2).says(&["cannot be used with"]);
}

#[test]
fn discovery_asks_the_upstream_and_says_who_refused() {
    let upstream = Upstream::saying("ok");
    let home = Home::with(&format!("providers: [{{ name: up, base_url: \"{}\", api_key: k }}]", upstream.url()));
    home.run(&["list", "--format", "names"], 0).prints("").says(&["models of up are not known yet; `--discover` asks for them"]);
    assert!(upstream.requests().is_empty());
    home.run(&["list", "--discover", "--format", "names"], 0).prints("m\n");
    assert_eq!(upstream.requests()[0].path, "/v1/models");
    let refusing = Upstream::refusing(500);
    let home = Home::with(&format!("providers: [{{ name: up, base_url: \"{}\", api_key: k }}]", refusing.url()));
    home.run(&["list", "--discover"], 1).says(&["warning: models of `up` cannot be listed: ", "500"]);
}

#[test]
fn keys_of_the_environment_are_providers() {
    let home = Home::new();
    let keys = |line: super::process::Line| line.env("OPENAI_API_KEY", "sk-one0000000000").env("DEEPSEEK_API_KEY", "sk-two0000000000");
    let ended = keys(home.llmgw(&["list", "--format", "json"])).ends(0).says(&["using OPENAI_API_KEY, DEEPSEEK_API_KEY"]);
    let routes: Vec<Value> = serde_json::from_str(&ended.out).expect("JSON");
    let providers: Vec<&str> =
        routes.iter().filter(|route| route["name"] == "auto").filter_map(|route| route["provider"].as_str()).collect();
    assert_eq!(providers, ["openai", "deepseek"]);
    let shown = keys(home.llmgw(&["config", "show"])).ends(0);
    assert!(!shown.out.contains("sk-one0000000000") && shown.out.contains("name: deepseek"), "{shown:#?}");
    // Tokens of other tools are not for us.
    home.llmgw(&["list"]).env("GITHUB_TOKEN", "x").env("HF_TOKEN", "x").ends(0).says(&["the built-in mock answers"]);
    home.llmgw(&["list"]).env("OPENAI_API_KEY", "").ends(0).says(&["the built-in mock answers"]);
}

#[test]
fn an_explanation_shows_the_order_and_what_is_left_out() {
    let home = Home::with(TWO);
    let table = home.run(&["explain", "你好模型"], 0).out;
    assert!(table.starts_with("你好模型: an entry of `models`; at most 3 attempts\n"), "{table}");
    assert!(table.contains("| 1 ") && table.contains("| skipped ") && table.contains("disabled"), "{table}");
    let plan: Value = serde_json::from_str(&home.run(&["explain", "你好模型", "--format", "json"], 0).out).expect("JSON");
    assert_eq!((&plan["candidates"][0]["provider"], &plan["skipped"][0]["provider"]), (&json!("深度求索"), &json!("b")));
    home.run(&["explain", "gpt-5"], 2).says(&["gpt-5", "gpt-4"]);
}

#[test]
fn a_good_file_is_ok() {
    let ended = Home::with(TWO).run(&["config", "check"], 0);
    assert!(ended.out.ends_with("llmgw.yaml: ok (2 providers, 2 models)\n"), "{ended:#?}");
}

#[test]
fn every_mistake_of_a_file_is_reported_with_its_place() {
    let config = "\
server: { prot: 1 }
providers:
  - { name: a, type: mokc }
  - { name: b, preset: deepsek, api_key: \"${NOT_SET}\" }
models:
  gpt-4: { routes: [{ provider: aa }] }
";
    let ended = Home::with(config).run(&["config", "check"], 2).prints("");
    let ended = ended.says(&["llmgw.yaml:1:11:", "llmgw.yaml:3:22:", "llmgw.yaml:4:24:", "llmgw.yaml:4:42:", "llmgw.yaml:6:33:"]);
    let ended = ended.says(&["`port`", "`mock`", "`deepseek`", "NOT_SET"]);
    assert_eq!(ended.err.matches("error: ").count(), 5, "{ended:#?}");
}

#[test]
fn secrets_are_shown_to_nobody() {
    let config = "\
providers:
  - { name: a, base_url: \"https://a.example/v1\", api_key: sk-abcdefghijklmnop, models: [m], headers: { X-Team: red } }
auth: { keys: [{ name: me, key: sk-local-0123456789 }] }
admin: { key: sk-admin-0123456789 }
";
    let home = Home::with(config);
    for line in [&["config", "show"][..], &["config", "show", "--format", "json"], &["config", "check"]] {
        let ended = home.run(line, 0);
        for secret in ["abcdefghijklmnop", "local-0123456789", "admin-0123456789"] {
            assert!(!ended.out.contains(secret) && !ended.err.contains(secret), "{ended:#?}");
        }
    }
    let shown: Value = serde_json::from_str(&home.run(&["config", "show", "--format", "json"], 0).out).expect("JSON");
    assert_eq!(shown["providers"][0]["name"], "a");
    assert_eq!(shown["server"]["port"], 8000);
}

#[test]
fn the_file_in_use_is_named_with_the_reason() {
    let home = Home::with(TWO);
    let absolute = |name: &str| fs::canonicalize(home.directory()).expect("a directory").join(name).display().to_string() + "\n";
    home.run(&["config", "path"], 0).prints(&absolute("llmgw.yaml")).says(&["found by ./llmgw.yaml"]);
    home.write("other.yaml", TWO);
    home.llmgw(&["config", "path"]).env("LLMGW_CONFIG", "other.yaml").ends(0).prints(&absolute("other.yaml")).says(&["$LLMGW_CONFIG"]);
    let flag = home.llmgw(&["config", "path", "-c", "llmgw.yaml"]).env("LLMGW_CONFIG", "other.yaml").ends(0);
    flag.prints(&absolute("llmgw.yaml")).says(&["--config"]);
    Home::new().run(&["config", "path"], 0).prints("").says(&["no configuration file; looked for "]);
}

#[test]
fn the_schema_is_the_one_that_is_checked_in() {
    let printed = Home::new().run(&["config", "schema"], 0).out;
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/llmgw.schema.json");
    assert_eq!(printed, fs::read_to_string(path).expect("the schema"));
}
