//! `llmgw chat` in scripts: roles, schemas, dry runs, running gateways, and what is told beside the answer.

use serde_json::{Value, json};

use super::process::Home;
use super::serve::Gateway;
use super::upstream::Upstream;

const SCHEMA: &str = r#"{
  "type": "object",
  "properties": { "名字": { "type": "string" }, "年龄": { "type": "integer" } },
  "required": ["名字", "年龄"],
  "additionalProperties": false
}"#;

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn a_role_says_who_is_asked_and_how() {
    let upstream = Upstream::saying("hello");
    let roles = "roles:\n  译者: { system: 你是翻译, prompt: \"译成英文：{{input}}\", model: m, temperature: 0, params: { seed: 7 } }\n";
    let home = Home::with(&(upstream.config() + roles));
    home.run(&["chat", "-r", "译者", "--no-stream", "你好"], 0).prints("hello\n");
    let expected = json!({
        "model": "m",
        "messages": [{ "role": "system", "content": "你是翻译" }, { "role": "user", "content": "译成英文：你好" }],
        "temperature": 0.0, "seed": 7, "stream": false,
    });
    assert_eq!(upstream.body(), expected);
    home.run(&["chat", "-r", "译着", "你好"], 2).prints("").says(&["error: unknown role `译着`", "hint: "]);
    home.run(&["chat", "-r", "译者"], 2).says(&["error: no prompt was given"]);
    assert!(home.run(&["config", "show"], 0).out.contains("译成英文：{{input}}"));
}

#[test]
fn an_answer_with_a_shape_is_asked_for_and_checked() {
    let cases = [
        ("{\"名字\": \"王\", \"年龄\": 7}", 0, ""),
        ("{\"名字\": \"王\", \"年龄\": \"七\"}", 1, "error: the answer does not fit the schema: at `/年龄`: want integer, but got string"),
        ("好的：{}", 1, "error: the answer is not JSON: "),
    ];
    for (answer, code, needle) in cases {
        let upstream = Upstream::saying(answer);
        let home = Home::with(&upstream.config());
        home.write("person.json", SCHEMA);
        home.run(&["chat", "-m", "m", "--schema", "person.json", "谁"], code).prints(&format!("{answer}\n")).says(&[needle]);
        let format = &upstream.body()["response_format"];
        assert_eq!((&format["type"], &format["json_schema"]["name"]), (&json!("json_schema"), &json!("person")));
        assert_eq!((&format["json_schema"]["strict"], &format["json_schema"]["schema"]), (&json!(true), &parsed(SCHEMA)));
    }
}

#[test]
fn what_is_no_schema_is_refused_before_anything_is_sent() {
    let upstream = Upstream::saying("never");
    let home = Home::with(&upstream.config());
    home.write("text.json", "not json");
    home.write("wrong.json", "{\"type\": \"strin\"}");
    home.write("open.json", "{\"$ref\": \"https://example.com/x.json\"}");
    for (file, needle) in [
        ("none.json", "error: cannot read the schema `none.json`"),
        ("text.json", "error: `text.json` is no JSON Schema: not JSON: "),
        ("wrong.json", "error: `wrong.json` is no JSON Schema: at `/type`: "),
        ("open.json", "must hold all that it refers to"),
    ] {
        home.run(&["chat", "-m", "m", "--schema", file, "hi"], 2).prints("").says(&[needle, "hint: "]);
    }
    assert!(upstream.requests().is_empty());
}

#[test]
fn a_dry_run_shows_the_plan_and_the_request_and_sends_nothing() {
    let upstream = Upstream::saying("never");
    let config = upstream.config() + "models:\n  公开名: { routes: [{ provider: up, model: m, params: { set: { user: 网关 } } }] }\n";
    let home = Home::with(&config);
    home.write("图.png", [b"\x89PNG\r\n\x1a\n".as_slice(), &[0; 1000]].concat());
    let ended = home.run(&["chat", "-m", "公开名", "--dry-run", "-f", "图.png", "这是什么"], 0).says(&["note: nothing was sent"]);
    let address = format!("POST {}/chat/completions\n", upstream.url());
    for needle in
        ["公开名: an entry of `models`; ", &address, "\"model\": \"m\"", "\"user\": \"网关\"", "\"text\": \"这是什么\"", "… (1366 bytes)"]
    {
        assert!(ended.out.contains(needle), "no `{needle}` in {ended:#?}");
    }
    let whole = parsed(&home.run(&["chat", "-m", "公开名", "--dry-run", "--format", "json", "你好"], 0).out);
    assert_eq!((&whole["plan"]["candidates"][0]["provider"], &whole["request"]["provider"]), (&json!("up"), &json!("up")));
    assert_eq!(parsed(whole["request"]["body"].as_str().expect("a text"))["messages"][0]["content"], "你好");
    assert!(!ended.out.contains("upstreamsecret") && !whole.to_string().contains("upstreamsecret"));
    home.run(&["chat", "-m", "没有", "--dry-run", "hi"], 2).prints("").says(&["没有"]);
    assert!(upstream.requests().is_empty());
}

#[test]
fn what_a_dry_run_shows_is_what_is_sent() {
    let upstream = Upstream::saying("ok");
    let home = Home::with(&upstream.config());
    let draft = parsed(&home.run(&["chat", "-m", "m", "--dry-run", "--format", "jsonl", "--param", "seed=1", "你好"], 0).out);
    home.run(&["chat", "-m", "m", "--format", "jsonl", "--param", "seed=1", "你好"], 0);
    assert_eq!(parsed(draft["request"]["body"].as_str().expect("a text")), upstream.body());
    assert_eq!(draft["request"]["url"], format!("{}/chat/completions", upstream.url()));
}

#[test]
fn a_running_gateway_is_asked_with_its_key() {
    let upstream = Upstream::saying("你好");
    let home = Home::with(&(upstream.config() + "auth: { keys: [sk-local-geheim-1] }\n"));
    let gateway = Gateway::serving(&home);
    let url = format!("http://{}", gateway.authority);
    let away = Home::new();
    let line = ["chat", "--url", &url, "--key", "sk-local-geheim-1", "-m", "m"];
    away.run(&[&line[..], &["hi"]].concat(), 0).prints("你好\n").says(&[]);
    let whole = parsed(&away.run(&[&line[..], &["--format", "json", "hi"]].concat(), 0).out);
    assert_eq!((&whole["llmgw"]["provider"], &whole["llmgw"]["usage"]["input"]), (&json!("up"), &json!(3)));
    let told = away.run(&[&line[..], &["-v", "hi"]].concat(), 0).prints("你好\n");
    assert!(told.err.starts_with("up/m, 1 attempt; first token ") && told.err.ends_with("; cost unknown\n"), "{told:#?}");
    let streamed = upstream.requests().into_iter().next_back().expect("a request");
    assert_eq!(streamed.body["stream_options"]["include_usage"], true);
    let by_variables =
        away.llmgw(&["chat", "-m", "m", "hi"]).env("LLMGW_URL", &format!("{url}/v1")).env("LLMGW_KEY", "sk-local-geheim-1").ends(0);
    assert_eq!((by_variables.out.as_str(), by_variables.err.as_str()), ("你好\n", ""));

    away.run(&["chat", "--url", &url, "-m", "m", "hi"], 1).prints("").says(&["refuses the key", "hint: ", "--key"]);
    away.run(&[&line[..5], &["-m", "没有", "hi"]].concat(), 2).prints("").says(&["没有", "hint: "]);
    away.run(&["chat", "--key", "x", "hi"], 2).says(&["`--key` is for a running gateway", "--url"]);
    let dry = away.run(&[&line[..], &["--dry-run", "hi"]].concat(), 0);
    assert!(dry.out.contains("/v1/chat/completions") && !dry.out.contains("geheim"), "{dry:#?}");
}

#[test]
fn who_names_no_model_gets_the_gateways_default() {
    let upstream = Upstream::saying("好");
    let routed = "models: { 默认: { routes: [{ provider: up, model: m }] } }\nrouting: { default_model: 默认 }\n";
    let gateway = Gateway::serving(&Home::with(&(upstream.config() + routed)));
    Home::new().run(&["chat", "--url", &format!("http://{}", gateway.authority), "hi"], 0).prints("好\n");
    let gateway = Gateway::serving(&Home::with(&upstream.config().replace("models: [m]", "models: [m], default_model: m")));
    Home::new().run(&["chat", "--url", &format!("http://{}", gateway.authority), "hi"], 0).prints("好\n");
    let gateway = Gateway::serving(&Home::with(&upstream.config()));
    let ended = Home::new().run(&["chat", "--url", &format!("http://{}", gateway.authority), "hi"], 2).prints("");
    ended.says(&["error: no model was named, and the gateway at ", "hint: name one with `--model`"]);
}

#[test]
fn a_gateway_that_is_not_there_is_told_so() {
    let port = super::process::free_port();
    let url = format!("http://127.0.0.1:{port}");
    Home::new().run(&["chat", "--url", &url, "hi"], 1).prints("").says(&["no gateway answers at", "connection refused", "hint: "]);
    Home::new().llmgw(&["chat", "hi"]).env("LLMGW_URL", "gw:80").ends(2).says(&["`LLMGW_URL` is no address", "hint: "]);
}

#[test]
fn the_last_line_tells_who_answered_and_what_it_took() {
    let upstream = Upstream::saying("你好");
    let home = Home::with(&(upstream.config() + "prices: { m: { input: 1000, output: 1000 } }\n"));
    let ended = home.run(&["chat", "-m", "m", "-v", "--no-stream", "hi"], 0).prints("你好\n");
    assert!(ended.err.starts_with("up/m, 1 attempt; total ") && ended.err.ends_with("; tokens 3 in, 2 out; $0.005000\n"), "{ended:#?}");
    let streamed = home.run(&["chat", "-m", "m", "-v", "hi"], 0).prints("你好\n");
    assert!(streamed.err.contains("first token ") && streamed.err.contains("(estimated)"), "{streamed:#?}");
    assert_eq!(streamed.err.lines().count(), 1);
    let both = home.run(&["chat", "-m", "m", "-v", "--format", "json", "hi"], 0);
    assert!(both.err.ends_with("; $0.005000\n") && parsed(&both.out)["llmgw"]["cost_usd"] == 0.005, "{both:#?}");
}

#[test]
fn quiet_is_the_answer_and_nothing_else() {
    let ended = Home::new().run(&["chat", "-q", "--no-stream", "你是谁"], 0);
    assert!(!ended.out.is_empty());
    assert_eq!(ended.err, "");
    Home::new().run(&["chat", "-q"], 2).says(&["error: no prompt was given"]);
    Home::new().run(&["chat", "-q", "-v", "hi"], 2).prints("");
}

#[test]
fn programs_find_the_account_beside_the_answer() {
    let upstream = Upstream::saying("你好");
    let home = Home::with(&(upstream.config() + "prices: { m: { input: 1000, output: 1000 } }\n"));
    let whole = parsed(&home.run(&["chat", "-m", "m", "--format", "json", "hi"], 0).out);
    assert_eq!((&whole["object"], &whole["usage"]["prompt_tokens"]), (&json!("chat.completion"), &json!(3)));
    let account = &whole["llmgw"];
    assert_eq!((&account["provider"], &account["model"], &account["attempts"]), (&json!("up"), &json!("m"), &json!(1)));
    assert_eq!((&account["usage"]["output"], &account["usage"]["provenance"]), (&json!(2), &json!("reported")));
    assert_eq!(account["cost_usd"], 0.005);
    assert!(account["request_id"].as_str().is_some_and(|id| id.starts_with("req-")));

    let chunks = home.run(&["chat", "-m", "m", "--format", "jsonl", "hi"], 0).out;
    let chunks: Vec<Value> = chunks.lines().map(parsed).collect();
    let last = chunks.last().expect("a chunk");
    assert_eq!((&last["object"], &last["choices"], &last["id"]), (&json!("chat.completion.chunk"), &json!([]), &json!("chatcmpl-1")));
    assert_eq!((&last["llmgw"]["provider"], &last["usage"]["completion_tokens"]), (&json!("up"), &json!(2)));
    assert!(chunks[..chunks.len() - 1].iter().all(|chunk| chunk.get("llmgw").is_none()));
}
