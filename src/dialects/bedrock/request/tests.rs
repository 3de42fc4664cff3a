use proptest::prelude::{Strategy, any, prop_assert, proptest};
use serde_json::{Value, json};

use crate::dialects::bedrock::Converse;
use crate::dialects::testing::{assistant, hello, part, says, user};
use crate::dialects::{Addressee, DialectError, Encoded, UpstreamDialect};
use crate::hub::{
    Cache, Content, Effort, Form, Format, Kind, Message, Part, Quirks, Raw, Reasoning, Request, Role, Sampling, Signature, Source, Text,
    Thought, Tool, ToolCall, ToolChoice, ToolInput,
};

const SONNET: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
const OPUS: &str = "anthropic.claude-opus-4-6-v1";
const NEWEST: &str = "global.anthropic.claude-opus-5-5";
const LLAMA: &str = "meta.llama4-scout-17b-instruct-v1:0";

fn encode(request: &Request, model: &str) -> Result<Encoded, DialectError> {
    Converse.encode_request(request, Addressee { model, quirks: &Quirks::default() })
}

fn body(request: &Request, model: &str) -> Value {
    let encoded = encode(request, model).expect("a request");
    serde_json::from_slice(&encoded.body).expect("JSON")
}

fn dropped(request: &Request, model: &str) -> Vec<String> {
    encode(request, model).expect("a request").dropped.into_iter().map(String::from).collect()
}

fn refused(request: &Request) -> String {
    encode(request, SONNET).expect_err("a refusal").to_string()
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    part(Content::ToolCall(ToolCall { id, name, arguments, is_custom: false, signature: None }))
}

fn result(id: &str, text: &str) -> Part {
    part(Content::ToolResult { id: id.to_owned(), parts: vec![Part::text(text)], is_error: false })
}

fn tool(name: &str, schema: Option<&str>) -> Tool {
    let schema = schema.map(|schema| Raw::parse(schema).expect("JSON"));
    Tool {
        name: name.to_owned(), description: Some("查天气".to_owned()), input: ToolInput::Function { schema, strict: None }, cache: None
    }
}

fn thought(origin: Kind, form: Form, text: &str) -> Part {
    let signature = Some(Signature::new(origin, form, "U2ln"));
    part(Content::Reasoning(Thought { text: text.to_owned(), signature, id: None }))
}

fn base64(media_type: &str) -> Source {
    Source::Base64 { media_type: media_type.to_owned(), data: "QUJD".to_owned() }
}

fn image(source: Source) -> Part {
    part(Content::Image { source, detail: None })
}

fn file(source: Source, name: &str) -> Part {
    part(Content::File { source, name: Some(name.to_owned()) })
}

fn cached(part: Part, ttl: Option<&str>) -> Part {
    Part { cache: Some(Cache { ttl: ttl.map(str::to_owned) }), ..part }
}

fn thinks(effort: Option<Effort>, budget: Option<u64>) -> Request {
    Request { reasoning: Some(Reasoning { effort, budget, summary: None }), ..hello() }
}

/// After a call, its result: what the model must go on from.
fn in_a_loop() -> Request {
    says(vec![user(vec![Part::text("天气？")]), assistant(vec![call("a", "f", "{}")]), user(vec![result("a", "晴")])])
}

#[test]
fn a_conversation_alternates_and_instructions_stand_apart() {
    let request = says(vec![
        Message::new(Role::System, vec![Part::text("简短"), Part::text("")]),
        Message::new(Role::Developer, vec![Part::text("礼貌")]),
        user(vec![Part::text("一")]),
        user(vec![Part::text("二"), Part::text(" \n")]),
        assistant(vec![Part::text("三")]),
        assistant(vec![Part::text("")]),
        Message::new(Role::System, vec![Part::text("四")]),
        user(vec![Part::text("五")]),
        assistant(vec![part(Content::Refusal("不".to_owned()))]),
    ]);
    let expected = json!({
        "messages": [
            {"role": "user", "content": [{"text": "一"}, {"text": "二"}]},
            {"role": "assistant", "content": [{"text": "三"}]},
            {"role": "user", "content": [{"text": "四"}, {"text": "五"}]},
            {"role": "assistant", "content": [{"text": "不"}]},
        ],
        "system": [{"text": "简短"}, {"text": "礼貌"}],
    });
    assert_eq!(body(&request, LLAMA), expected);
    assert_eq!(dropped(&request, LLAMA), Vec::<String>::new());
}

#[test]
fn a_conversation_begins_with_the_user() {
    let only = says(vec![Message::new(Role::System, vec![Part::text("说你好")])]);
    assert_eq!(body(&only, LLAMA), json!({"messages": [{"role": "user", "content": [{"text": "说你好"}]}]}));
    assert!(refused(&says(vec![assistant(vec![Part::text("嗨")])])).contains("that the assistant begins"));
    for silent in [vec![], vec![user(vec![Part::text("")])]] {
        assert_eq!(refused(&says(silent)), "`messages`: nothing is said");
    }
}

#[test]
fn images_and_documents_are_sent_by_their_bytes() {
    let text = Source::Text("纯文本".to_owned());
    let request = says(vec![user(vec![
        image(base64("image/png")),
        image(base64("IMAGE/JPG")),
        file(base64("application/pdf; x=y"), "年报 2026_final.v2.pdf"),
        file(base64("text/markdown"), "报告.md"),
        file(text, "报告.txt"),
    ])]);
    let bytes = json!({"bytes": "QUJD"});
    let expected = json!([
        {"image": {"format": "png", "source": bytes}},
        {"image": {"format": "jpeg", "source": bytes}},
        {"document": {"format": "pdf", "name": "2026 final v2", "source": bytes}},
        {"document": {"format": "md", "name": "document", "source": bytes}},
        {"document": {"format": "txt", "name": "document (2)", "source": {"text": "纯文本"}}},
    ]);
    assert_eq!(body(&request, SONNET)["messages"][0]["content"], expected);
}

#[test]
fn what_has_no_words_is_refused_by_name() {
    let custom = ToolCall { is_custom: true, name: "patch".to_owned(), ..tool_call() };
    let format = Some(Format::Json);
    let cases = [
        (says(vec![user(vec![image(Source::Url("https://x/图.png".to_owned()))])]), "an image whose bytes are not in the request"),
        (says(vec![user(vec![image(Source::Id("file-1".to_owned()))])]), "an image whose bytes"),
        (says(vec![user(vec![file(Source::Url("https://x/a.pdf".to_owned()), "a")])]), "a document whose bytes"),
        (says(vec![user(vec![image(base64("image/tiff"))])]), "an image of the type `image/tiff`"),
        (says(vec![user(vec![file(base64("application/zip"), "a")])]), "a document of the type `application/zip`"),
        (says(vec![user(vec![part(Content::Audio { data: "QUJD".to_owned(), format: "wav".to_owned() })])]), "audio (`input_audio`)"),
        (
            says(vec![Message::new(Role::System, vec![image(base64("image/png"))]), hello().messages.remove(0)]),
            "instructions that are not text",
        ),
        (says(vec![hello().messages.remove(0), assistant(vec![part(Content::ToolCall(custom))])]), "a call of a custom tool (`patch`)"),
        (Request { tools: vec![Tool { input: ToolInput::Custom { format: None }, ..tool("p", None) }], ..hello() }, "a custom tool (`p`)"),
        (Request { tools: vec![tool("查", None)], ..hello() }, "(`查`)"),
        (Request { tools: vec![tool(&"x".repeat(65), None)], ..hello() }, "more than 64 characters"),
        (Request { logprobs: Some(0), ..hello() }, "log probabilities (`logprobs`)"),
        (Request { format, ..hello() }, "any JSON object"),
        (
            Request { tools: vec![tool("f", None)], tool_choice: Some(ToolChoice::None), ..in_a_loop() },
            "no tools (`tool_choice`) in a conversation with tool calls",
        ),
    ];
    for (request, feature) in cases {
        let said = refused(&request);
        assert!(said.contains(feature) && said.ends_with("cannot be said to this upstream"), "{said}");
    }
    assert_eq!(refused(&Request { tool_choice: Some(ToolChoice::Required), ..hello() }), "`tool_choice`: no tools are offered");
}

fn tool_call() -> ToolCall {
    ToolCall { id: "a".to_owned(), name: "f".to_owned(), arguments: "{}".to_owned(), is_custom: false, signature: None }
}

#[test]
fn calls_and_results_are_sent() {
    let failed = Content::ToolResult { id: "b".to_owned(), parts: vec![Part::text("超时"), image(base64("image/png"))], is_error: true };
    let nothing = Content::ToolResult { id: "c".to_owned(), parts: vec![], is_error: false };
    let request = Request {
        tools: vec![tool("f", Some(r#"{"type":"object"}"#))],
        ..says(vec![
            user(vec![Part::text("查")]),
            assistant(vec![Part::text("好"), call("a", "f", r#"{"城市":"北京"}"#), call("b", "f", " "), call("c", "f", "{}")]),
            user(vec![result("a", "晴"), part(failed), part(nothing)]),
        ])
    };
    let expected = json!([
        {"role": "user", "content": [{"text": "查"}]},
        {"role": "assistant", "content": [
            {"text": "好"},
            {"toolUse": {"toolUseId": "a", "name": "f", "input": {"城市": "北京"}}},
            {"toolUse": {"toolUseId": "b", "name": "f", "input": {}}},
            {"toolUse": {"toolUseId": "c", "name": "f", "input": {}}},
        ]},
        {"role": "user", "content": [
            {"toolResult": {"toolUseId": "a", "content": [{"text": "晴"}]}},
            {"toolResult": {"toolUseId": "b", "content": [{"text": "超时"}, {"image": {"format": "png", "source": {"bytes": "QUJD"}}}], "status": "error"}},
            {"toolResult": {"toolUseId": "c", "content": []}},
        ]},
    ]);
    assert_eq!(body(&request, SONNET)["messages"], expected);
}

#[test]
fn order_and_digits_of_schemas_and_arguments_survive() {
    let text = r#"{"z":1.0,"a":123456789012345678901234567890,"b":{"y":[],"x":"你"}}"#;
    let mut request = Request { tools: vec![tool("f", Some(text))], ..in_a_loop() };
    request.messages[1] = assistant(vec![call("a", "f", text)]);
    let encoded = encode(&request, SONNET).expect("a request").body;
    assert_eq!(String::from_utf8(encoded).expect("UTF-8").matches(text).count(), 2);
}

#[test]
fn arguments_that_are_no_object_are_named() {
    for arguments in ["{", "[1]", "\"x\"", "{} {}"] {
        let mut request = in_a_loop();
        request.messages[1] = assistant(vec![call("a", "f", arguments)]);
        assert_eq!(refused(&request), "`messages[1].tool_calls[a].arguments` must be a JSON object");
    }
}

#[test]
fn results_come_first_in_a_turn() {
    let mut request = in_a_loop();
    request.messages.insert(2, Message::new(Role::Developer, vec![Part::text("快")]));
    request.messages[3].parts.insert(0, cached(Part::text("先"), None));
    request.messages[3].parts[1].cache = Some(Cache::default());
    request.messages[3].parts.push(Part::text("后"));
    let content = &body(&request, SONNET)["messages"][2]["content"];
    let kinds: Vec<&String> =
        content.as_array().expect("a list").iter().flat_map(|block| block.as_object().expect("an object").keys()).collect();
    assert_eq!(kinds, ["toolResult", "cachePoint", "text", "text", "cachePoint", "text"]);
}

#[test]
fn ids_that_do_not_fit_are_changed_alike_for_call_and_result() {
    let long = format!("{}1", "长id".repeat(40));
    let mut request = in_a_loop();
    request.messages[1] =
        assistant(vec![call(&long, "查 询", "{}"), call("llmgw.x/1", "f", "{}"), call("llmgw.x+1", "f", "{}"), call("", "f", "{}")]);
    request.messages[2] = user(vec![result(&long, "a"), result("llmgw.x/1", "b"), result("llmgw.x+1", "c"), result("", "d")]);
    let body = body(&request, SONNET);
    let ids = |turn: usize, kind: &str| -> Vec<String> {
        let blocks = body["messages"][turn]["content"].as_array().expect("a list");
        blocks.iter().map(|block| block[kind]["toolUseId"].as_str().expect("an id").to_owned()).collect()
    };
    let calls = ids(1, "toolUse");
    assert_eq!(calls, ids(2, "toolResult"));
    assert!(calls[1].starts_with("llmgw.x_1_") && calls[1] != calls[2], "{calls:?}");
    assert!(calls.iter().all(|id| (1..=64).contains(&id.len()) && id.is_ascii()), "{calls:?}");
    let name = body["messages"][1]["content"][0]["toolUse"]["name"].as_str().expect("a name");
    assert_eq!(body["toolConfig"]["tools"][0]["toolSpec"]["name"], name);
}

#[test]
fn tools_are_offered() {
    let strict = ToolInput::Function { schema: None, strict: Some(true) };
    let bare =
        Tool { description: Some(String::new()), input: strict, cache: Some(Cache { ttl: Some("1h".to_owned()) }), ..tool("g", None) };
    let request = Request { tools: vec![tool("f", Some(r#"{"type":"object","properties":{}}"#)), bare], ..hello() };
    let expected = json!({"tools": [
        {"toolSpec": {"name": "f", "description": "查天气", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
        {"toolSpec": {"name": "g", "inputSchema": {"json": {"type": "object"}}, "strict": true}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
    ]});
    assert_eq!(body(&request, SONNET)["toolConfig"], expected);
}

#[test]
fn a_choice_of_tools_is_said() {
    let with = |choice| Request { tools: vec![tool("f", None)], tool_choice: Some(choice), ..hello() };
    for (choice, expected) in [
        (ToolChoice::Auto, Value::Null),
        (ToolChoice::Required, json!({"any": {}})),
        (ToolChoice::Named("f".to_owned()), json!({"tool": {"name": "f"}})),
    ] {
        assert_eq!(body(&with(choice), SONNET)["toolConfig"]["toolChoice"], expected);
    }
    assert_eq!(body(&with(ToolChoice::None), SONNET).get("toolConfig"), None);
    assert_eq!(dropped(&Request { parallel_tool_calls: Some(false), ..with(ToolChoice::Auto) }, SONNET), ["parallel_tool_calls"]);
}

#[test]
fn a_conversation_with_calls_always_has_tools() {
    let expected = json!({"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]});
    for choice in [None, Some(ToolChoice::Auto), Some(ToolChoice::None)] {
        assert_eq!(body(&Request { tool_choice: choice, ..in_a_loop() }, SONNET)["toolConfig"], expected);
    }
}

#[test]
fn a_signature_goes_back_only_to_bedrock() {
    let mut request = in_a_loop();
    request.messages[1].parts.splice(
        0..0,
        [
            thought(Kind::Bedrock, Form::Signed, "想一想"),
            thought(Kind::Bedrock, Form::Encrypted, ""),
            thought(Kind::Anthropic, Form::Signed, "别人的"),
            part(Content::Reasoning(Thought { text: "没有签名".to_owned(), ..Thought::default() })),
        ],
    );
    let content = &body(&request, SONNET)["messages"][1]["content"];
    assert_eq!(content[0], json!({"reasoningContent": {"reasoningText": {"text": "想一想", "signature": "U2ln"}}}));
    assert_eq!(content[1], json!({"reasoningContent": {"redactedContent": "U2ln"}}));
    assert_eq!(content.as_array().expect("a list").len(), 3);
    assert_eq!(dropped(&request, SONNET), ["reasoning"]);
}

#[test]
fn settings_are_said_where_the_model_takes_them() {
    let sampling = Sampling { temperature: Some(0.5), top_p: Some(0.9), top_k: Some(40), ..Sampling::default() };
    let stop = vec!["完".to_owned(), String::new()];
    let request = Request { max_tokens: Some(100), sampling, stop, ..hello() };
    let config = json!({"maxTokens": 100, "temperature": 0.5, "topP": 0.9, "stopSequences": ["完"]});
    let claude = body(&request, SONNET);
    assert_eq!(claude["inferenceConfig"], config);
    assert_eq!(claude["additionalModelRequestFields"], json!({"top_k": 40}));
    assert_eq!(claude["additionalModelResponseFieldPaths"], json!(["/stop_sequence"]));
    assert_eq!(dropped(&request, SONNET), Vec::<String>::new());
    let llama = body(&request, LLAMA);
    assert_eq!(llama["inferenceConfig"], config);
    assert!(llama.get("additionalModelRequestFields").is_none() && llama.get("additionalModelResponseFieldPaths").is_none());
    assert_eq!(dropped(&request, LLAMA), ["top_k"]);
    assert_eq!(body(&request, NEWEST)["inferenceConfig"], json!({"maxTokens": 100, "stopSequences": ["完"]}));
    assert_eq!(dropped(&request, NEWEST), ["temperature", "top_p", "top_k"]);
    assert_eq!(body(&hello(), SONNET).get("inferenceConfig"), None);
}

#[test]
fn a_schema_is_a_text_within_the_body() {
    let schema = Raw::parse(r#"{"type":"object","properties":{"名":{"type":"string"}}}"#).expect("JSON");
    let format = Format::Schema { name: "人".to_owned(), description: None, schema: schema.clone(), strict: Some(true) };
    let expected = json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": {"schema": schema.text(), "name": "人"}}}});
    assert_eq!(body(&Request { format: Some(format), ..hello() }, SONNET)["outputConfig"], expected);
}

#[test]
fn claude_thinks_by_a_budget_or_adapts() {
    let thinking = |request: &Request, model: &str| body(request, model)["additionalModelRequestFields"]["thinking"].clone();
    let high = thinks(Some(Effort::High), None);
    assert_eq!(thinking(&high, SONNET), json!({"type": "enabled", "budget_tokens": 4096}));
    assert_eq!(thinking(&thinks(None, Some(20_000)), SONNET), json!({"type": "enabled", "budget_tokens": 20_000}));
    assert_eq!(thinking(&thinks(None, None), SONNET)["budget_tokens"], 2048);
    assert_eq!(thinking(&Request { max_tokens: Some(2000), ..high.clone() }, SONNET)["budget_tokens"], 1999);
    assert_eq!(thinking(&high, OPUS), json!({"type": "adaptive"}));
    assert_eq!(body(&high, OPUS)["outputConfig"], json!({"effort": "high"}));
    for (effort, older, newer) in [(Effort::Minimal, "low", "low"), (Effort::XHigh, "high", "xhigh"), (Effort::Max, "max", "max")] {
        assert_eq!(body(&thinks(Some(effort), None), OPUS)["outputConfig"]["effort"], older);
        assert_eq!(body(&thinks(Some(effort), None), NEWEST)["outputConfig"]["effort"], newer);
    }
    assert_eq!(body(&thinks(None, Some(9000)), NEWEST)["outputConfig"]["effort"], "xhigh");
    let none = thinks(Some(Effort::None), None);
    assert_eq!((thinking(&none, SONNET), thinking(&none, OPUS)), (Value::Null, json!({"type": "disabled"})));
    assert_eq!((dropped(&none, SONNET), dropped(&none, LLAMA)), (vec![], vec![]));
    assert_eq!((thinking(&none, NEWEST), dropped(&none, NEWEST)), (Value::Null, vec!["reasoning_effort".to_owned()]));
    assert_eq!(dropped(&high, LLAMA), ["reasoning_effort"]);
}

#[test]
fn a_summary_is_said_where_it_can_be() {
    let shows = |summary: &str| Request {
        reasoning: Some(Reasoning { effort: Some(Effort::Low), budget: None, summary: Some(summary.to_owned()) }),
        ..hello()
    };
    let display = |summary: &str| body(&shows(summary), NEWEST)["additionalModelRequestFields"]["thinking"]["display"].clone();
    assert_eq!((display("detailed"), display("omitted")), (json!("summarized"), json!("omitted")));
    assert_eq!(dropped(&shows("auto"), SONNET), ["reasoning.summary"]);
    assert_eq!(dropped(&shows("auto"), LLAMA), ["reasoning_effort", "reasoning.summary"]);
}

#[test]
fn gpt_oss_has_three_efforts() {
    let effort = |effort| body(&thinks(Some(effort), None), "openai.gpt-oss-120b-1:0")["additionalModelRequestFields"].clone();
    assert_eq!(effort(Effort::Max), json!({"reasoning_effort": "high"}));
    assert_eq!(effort(Effort::Minimal), json!({"reasoning_effort": "low"}));
    assert_eq!(dropped(&thinks(Some(Effort::None), None), "openai.gpt-oss-20b-1:0"), ["reasoning_effort"]);
}

#[test]
fn thinking_gives_way_where_it_would_be_refused() {
    let reasoning = Some(Reasoning { effort: Some(Effort::Medium), ..Reasoning::default() });
    let forced = Request { tools: vec![tool("f", None)], tool_choice: Some(ToolChoice::Required), reasoning: reasoning.clone(), ..hello() };
    assert_eq!(dropped(&forced, SONNET), ["reasoning_effort"]);
    assert_eq!(body(&forced, OPUS)["outputConfig"]["effort"], "medium");
    assert_eq!(body(&forced, OPUS).get("additionalModelRequestFields"), None);
    let mut looping = Request { reasoning: reasoning.clone(), ..in_a_loop() };
    assert_eq!(dropped(&looping, SONNET), ["reasoning_effort"]);
    looping.messages[1].parts.insert(0, thought(Kind::Bedrock, Form::Signed, "想"));
    assert_eq!(dropped(&looping, SONNET), Vec::<String>::new());
    assert_eq!(dropped(&Request { max_tokens: Some(1024), reasoning: reasoning.clone(), ..hello() }, SONNET), ["reasoning_effort"]);
    let sampling = Sampling { temperature: Some(0.2), top_k: Some(5), ..Sampling::default() };
    assert_eq!(dropped(&Request { sampling, reasoning, ..hello() }, SONNET), ["temperature", "top_k"]);
}

#[test]
fn a_cache_ends_where_it_is_marked() {
    let point = json!({"cachePoint": {"type": "default"}});
    let inner = Content::ToolResult { id: "a".to_owned(), parts: vec![cached(Part::text("晴"), Some("5m"))], is_error: false };
    let mut request = in_a_loop();
    request.messages.insert(0, Message::new(Role::System, vec![cached(Part::text("长"), Some("1h")), cached(Part::text(""), None)]));
    request.messages[3] = user(vec![part(inner), Part::text("继续")]);
    request.cache = Some(Cache::default());
    let claude = body(&request, SONNET);
    assert_eq!(claude["system"], json!([{"text": "长"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]));
    let content = &claude["messages"][2]["content"];
    assert_eq!((&content[1], &content[3]), (&point, &point));
    request.messages[3].parts[1].cache = Some(Cache::default());
    assert_eq!(body(&request, SONNET)["messages"][2]["content"].as_array().expect("a list").len(), 4);
    assert_eq!(dropped(&request, LLAMA), ["cache_control"]);
    assert!(!body(&request, LLAMA).to_string().contains("cachePoint"));
}

#[test]
fn hints_are_left_out_by_name() {
    let text = Text { text: "见".to_owned(), citations: vec![Default::default()], signature: None };
    let image = Content::Image { source: base64("image/png"), detail: Some("high".to_owned()) };
    let mut request = Request {
        sampling: Sampling { frequency_penalty: Some(0.1), presence_penalty: Some(0.1), seed: Some(1), ..Sampling::default() },
        verbosity: Some("low".to_owned()),
        user: Some("用户".to_owned()),
        metadata: vec![("a".to_owned(), "乙".to_owned())],
        cache_key: Some("k".to_owned()),
        service_tier: Some("scale".to_owned()),
        ..says(vec![user(vec![part(Content::Text(text)), part(image)])])
    };
    request.messages[0].name = Some("小明".to_owned());
    let names = [
        "name",
        "citations",
        "detail",
        "service_tier",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "verbosity",
        "user",
        "metadata",
        "prompt_cache_key",
    ];
    assert_eq!(dropped(&request, SONNET), names);
}

#[test]
fn a_tier_is_said_if_there_is_one() {
    for (word, expected) in [("flex", json!("flex")), ("standard_only", json!("default")), ("auto", Value::Null)] {
        let request = Request { service_tier: Some(word.to_owned()), ..hello() };
        assert_eq!(body(&request, SONNET)["serviceTier"]["type"], expected);
        assert_eq!(dropped(&request, SONNET), Vec::<String>::new());
    }
}

fn parts() -> impl Strategy<Value = Part> {
    (0..8_usize, ".{0,12}", any::<bool>()).prop_map(|(kind, text, flag)| {
        let part = match kind {
            0 => call(&text, &text, "{}"),
            1 => result(&text, &text),
            2 => image(base64("image/webp")),
            3 => file(Source::Text(text.clone()), &text),
            4 => thought(if flag { Kind::Bedrock } else { Kind::Gemini }, Form::Signed, &text),
            _ => Part::text(text),
        };
        if flag { cached(part, None) } else { part }
    })
}

proptest! {
    #[test]
    fn every_turn_says_something_and_no_text_is_blank(
        turns in proptest::collection::vec((0..4_usize, proptest::collection::vec(parts(), 0..4)), 0..6),
    ) {
        let roles = [Role::System, Role::Developer, Role::User, Role::Assistant];
        let messages = turns.into_iter().map(|(role, parts)| Message::new(roles[role], parts)).collect();
        let Ok(encoded) = encode(&says(messages), SONNET) else { return Ok(()) };
        let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
        for (at, turn) in body["messages"].as_array().expect("a list").iter().enumerate() {
            prop_assert!(turn["role"] == ["user", "assistant"][at % 2]);
            let content = turn["content"].as_array().expect("a list");
            prop_assert!(!content.is_empty() && content[0].get("cachePoint").is_none());
            prop_assert!(content.iter().filter_map(|block| block["text"].as_str()).all(|text| !text.trim().is_empty()));
        }
    }
}
