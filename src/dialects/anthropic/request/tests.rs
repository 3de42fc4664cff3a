use serde_json::{Value, json};

use super::{decode, encode};
use crate::dialects::{Addressee, DialectError, Encoded};
use crate::hub::{
    Cache, Citation, Content, Effort, Form, Format, Kind, Message, Part, Quirks, Raw, Reasoning, Request, Role, Sampling, Signature,
    Source, Text, Thought, Tool, ToolCall, ToolChoice, ToolInput,
};

fn read(body: &Value) -> Result<Request, DialectError> {
    decode(body.to_string().as_bytes())
}

/// Reads a request with these members.
fn request(more: Value) -> Result<Request, DialectError> {
    let mut body = json!({ "model": "claude-opus-4-6", "max_tokens": 1024, "messages": [{ "role": "user", "content": "你好" }] });
    let members = body.as_object_mut().expect("an object");
    members.extend(more.as_object().expect("an object").clone());
    read(&body)
}

fn write_to(request: &Request, model: &str) -> Result<(Value, Encoded), DialectError> {
    let encoded = encode(request, Addressee { model, quirks: &Quirks::default() })?;
    Ok((serde_json::from_slice(&encoded.body).expect("JSON"), encoded))
}

fn write(request: &Request) -> (Value, Vec<String>) {
    let (body, encoded) = write_to(request, "claude-sonnet-4-5").expect("a request");
    (body, encoded.dropped.into_iter().map(|name| name.into_owned()).collect())
}

fn said(messages: Vec<Message>) -> Request {
    Request { model: "m".to_owned(), messages, ..Request::default() }
}

fn turn(role: Role, parts: impl Into<Vec<Part>>) -> Message {
    Message::new(role, parts.into())
}

fn hello() -> Vec<Message> {
    vec![turn(Role::User, [Part::text("你好")])]
}

fn call(id: &str, arguments: &str) -> Part {
    let (id, arguments) = (id.to_owned(), arguments.to_owned());
    Content::ToolCall(ToolCall { id, name: "查".to_owned(), arguments, is_custom: false, signature: None }).into()
}

fn result(id: &str, text: &str) -> Part {
    Content::ToolResult { id: id.to_owned(), parts: vec![Part::text(text)], is_error: false }.into()
}

fn thought(text: &str, origin: Kind, form: Form, data: &str) -> Part {
    Content::Reasoning(Thought { text: text.to_owned(), signature: Some(Signature::new(origin, form, data)), id: None }).into()
}

fn tool(name: &str) -> Tool {
    Tool { name: name.to_owned(), description: None, input: ToolInput::Function { schema: None, strict: None }, cache: None }
}

fn unsupported(outcome: Result<impl std::fmt::Debug, DialectError>) -> String {
    match outcome {
        Err(DialectError::Unsupported { feature }) => feature.into_owned(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_is_named_with_its_path() {
    let turn = |role: &str, content: Value| json!({ "messages": [{ "role": role, "content": content }] });
    for (more, expected) in [
        (json!({ "model": 1 }), "`model` must be a string"),
        (json!({ "max_tokens": "1" }), "`max_tokens` must be a number of tokens"),
        (json!({ "messages": [] }), "`messages`: there must be at least one message"),
        (json!({ "messages": null }), "`messages` is missing"),
        (turn("tool", json!("x")), "`messages[0].role` must be `user`, `assistant` or `system`"),
        (turn("user", json!(1)), "`messages[0].content` must be a string or a list of content blocks"),
        (turn("user", json!([{ "type": "text" }])), "`messages[0].content[0].text` is missing"),
        (
            turn("user", json!([{ "type": "tool_result", "tool_use_id": "无" }])),
            "`messages[0].content[0].tool_use_id`: no `tool_use` before it has the id `无`",
        ),
        (
            turn("user", json!([{ "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "不" } }])),
            "`messages[0].content[0].source.data` must be base64",
        ),
        (
            turn("assistant", json!([{ "type": "tool_use", "id": "a", "name": "f", "input": "{}" }])),
            "`messages[0].content[0].input` must be an object",
        ),
        (
            turn("user", json!([{ "type": "tool_use", "id": "a", "name": "f", "input": {} }])),
            "`messages[0].content[0]`: no `tool_use` stands in a turn of the user",
        ),
        (json!({ "tools": [{ "name": "f", "input_schema": [] }] }), "`tools[0].input_schema` must be a JSON Schema: an object"),
        (json!({ "tool_choice": { "type": "x" } }), "`tool_choice.type` must be `auto`, `any`, `tool` or `none`"),
        (json!({ "thinking": { "type": "x" } }), "`thinking.type` must be `adaptive`, `enabled`, `between_tools` or `disabled`"),
        (json!({ "output_config": { "effort": "x" } }), "`output_config.effort` must be `low`, `medium`, `high`, `xhigh` or `max`"),
    ] {
        assert_eq!(request(more.clone()).expect_err("wrong").to_string(), expected, "{more}");
    }
}

#[test]
fn what_only_anthropic_can_do_is_refused_by_name() {
    for (more, expected) in [
        (json!({ "tools": [{ "type": "bash_20250124", "name": "bash" }] }), "Anthropic's own tool `bash_20250124` (`tools[0]`)"),
        (json!({ "mcp_servers": [{ "type": "url" }] }), "MCP servers (`mcp_servers`)"),
        (json!({ "inference_geo": "us" }), "a place of inference (`inference_geo`)"),
        (json!({ "max_tokens": 0 }), "filling the cache without an answer (`max_tokens: 0`)"),
        (
            json!({ "messages": [{ "role": "user", "content": [{ "type": "container_upload", "file_id": "f" }] }] }),
            "a content block of the type `container_upload` (`messages[0].content[0]`)",
        ),
    ] {
        assert_eq!(unsupported(request(more)), expected);
    }
}

#[test]
fn hints_that_have_no_word_are_named_once_for_each_kind() {
    let tool = |name: &str| json!({ "name": name, "input_schema": {}, "eager_input_streaming": true });
    let read = request(json!({
        "speed": "fast", "context_management": {}, "container": null, "metadata": { "user_id": "用户", "team": 1 },
        "tools": [tool("a"), tool("b")],
        "system": [{ "type": "text", "text": "x-anthropic-billing-header: a" }, { "type": "text", "text": "规则" }],
    }))
    .expect("a request");
    let expected = ["system[0]", "tools[0].eager_input_streaming", "metadata.team", "speed", "context_management"];
    assert_eq!(read.left_out, expected);
    assert_eq!(read.user.as_deref(), Some("用户"));
    assert_eq!(read.messages[0], turn(Role::System, [Part::text("规则")]));
}

#[test]
fn blocks_of_instructions_stay_apart_and_in_order() {
    let body = json!({ "system": [
        { "type": "text", "text": "一", "cache_control": { "type": "ephemeral", "ttl": "1h" } },
        { "type": "text", "text": "二" },
    ] });
    let read = request(body.clone()).expect("a request");
    let cache = Some(Cache { ttl: Some("1h".to_owned()) });
    assert_eq!(read.messages[0].parts, [Part { cache, ..Part::text("一") }, Part::text("二")]);
    assert_eq!(write(&read).0["system"], body["system"]);
}

#[test]
fn instructions_in_the_middle_are_said_by_the_user_and_alone_too() {
    let later = said(vec![
        turn(Role::System, [Part::text("先")]),
        turn(Role::Developer, [Part::text("后")]),
        turn(Role::User, [Part::text("a")]),
        turn(Role::System, [Part::text("改用法语")]),
    ]);
    let (body, _) = write(&later);
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(body["system"], json!([text("先"), text("后")]));
    assert_eq!(body["messages"], json!([{ "role": "user", "content": [text("a"), text("改用法语")] }]));
    let (body, _) = write(&said(vec![turn(Role::System, [Part::text("写诗")])]));
    assert_eq!((&body["system"], &body["messages"]), (&Value::Null, &json!([{ "role": "user", "content": "写诗" }])));
}

#[test]
fn results_stand_first_and_right_behind_their_calls() {
    let request = said(vec![
        turn(Role::User, [Part::text("去")]),
        turn(Role::Assistant, [call("a", r#"{"城":1.0}"#), call("b", ""), call("c", "null")]),
        turn(Role::User, [Part::text("等等"), result("b", "乙")]),
        turn(Role::User, [result("a", "甲")]),
        turn(Role::Assistant, [Part::text("嗯")]),
        turn(Role::User, [result("c", "丙"), Part::text("好")]),
    ]);
    let (body, _) = write(&request);
    let use_of = |id: &str, input: Value| json!({ "type": "tool_use", "id": id, "name": "查", "input": input });
    let result_of = |id: &str, text: &str| json!({ "type": "tool_result", "tool_use_id": id, "content": text });
    assert_eq!(
        body["messages"],
        json!([
            { "role": "user", "content": "去" },
            { "role": "assistant", "content": [use_of("a", json!({ "城": 1.0 })), use_of("b", json!({})), use_of("c", json!({}))] },
            { "role": "user", "content": [result_of("b", "乙"), result_of("a", "甲"), result_of("c", "丙"), { "type": "text", "text": "等等" }] },
            { "role": "assistant", "content": "嗯" },
            { "role": "user", "content": "好" },
        ])
    );
}

#[test]
fn an_id_that_anthropic_refuses_is_the_same_in_call_and_result() {
    let request = said(vec![turn(Role::Assistant, [call("functions.查:0", "{}")]), turn(Role::User, [result("functions.查:0", "x")])]);
    let (body, _) = write(&request);
    let id = &body["messages"][0]["content"][0]["id"];
    assert_eq!(id, &body["messages"][1]["content"][0]["tool_use_id"]);
    assert!(id.as_str().is_some_and(|id| id.is_ascii() && !id.contains([':', '.'])));
}

#[test]
fn arguments_keep_their_digits_and_must_be_an_object() {
    let asked = |arguments: &str| {
        said(vec![turn(Role::User, [Part::text("a")]), turn(Role::Assistant, [call("a", arguments)]), turn(Role::User, [result("a", "x")])])
    };
    let encoded = encode(&asked(r#"{"z":1.0,"a":123456789012345678901234567890}"#), Addressee { model: "m", quirks: &Quirks::default() });
    let body = String::from_utf8(encoded.expect("a request").body).expect("UTF-8");
    assert!(body.contains(r#""input":{"z":1.0,"a":123456789012345678901234567890}"#), "{body}");
    for wrong in [r#"{"a":"#, "[1]", "天气"] {
        let error = write_to(&asked(wrong), "m").expect_err("no object").to_string();
        assert_eq!(error, "`messages[1].tool_calls[0].arguments`: a tool is called with a JSON object");
    }
}

#[test]
fn a_custom_tool_is_a_function_of_one_text() {
    let mut custom = call("a", "ls \"文\"");
    if let Content::ToolCall(call) = &mut custom.content {
        call.is_custom = true;
    }
    let mut request =
        said(vec![turn(Role::User, [Part::text("a")]), turn(Role::Assistant, [custom]), turn(Role::User, [result("a", "x")])]);
    request.tools = vec![Tool { input: ToolInput::Custom { format: Raw::parse("{}") }, ..tool("shell") }];
    let (body, dropped) = write(&request);
    assert_eq!(body["tools"][0]["input_schema"]["required"], json!(["input"]));
    assert_eq!(body["messages"][1]["content"][0]["input"], json!({ "input": "ls \"文\"" }));
    assert_eq!(dropped, ["format"]);
}

#[test]
fn only_reasoning_that_claude_signed_goes_to_claude() {
    let request = said(vec![
        turn(Role::User, [Part::text("a")]),
        turn(
            Role::Assistant,
            [
                thought("想", Kind::Anthropic, Form::Signed, "s"),
                thought("", Kind::Anthropic, Form::Encrypted, "e"),
                thought("别人的", Kind::Gemini, Form::Signed, "g"),
                Content::Reasoning(Thought { text: "没签".to_owned(), ..Thought::default() }).into(),
                Part::text("好"),
            ],
        ),
        turn(Role::User, [Part::text("b")]),
    ]);
    let (body, dropped) = write(&request);
    let expected = json!([
        { "type": "thinking", "thinking": "想", "signature": "s" },
        { "type": "redacted_thinking", "data": "e" },
        { "type": "text", "text": "好" },
    ]);
    assert_eq!((&body["messages"][1]["content"], dropped), (&expected, vec!["reasoning_content".to_owned()]));
}

#[test]
fn signatures_of_another_provider_come_back_to_where_they_were() {
    let data = |data: &str| json!({ "type": "redacted_thinking", "data": data });
    let use_of = |id: &str| json!({ "type": "tool_use", "id": id, "name": "f", "input": {} });
    let content = json!([
        { "type": "thinking", "thinking": "", "signature": "llmgw.bedrock.s.B" },
        { "type": "text", "text": "好" }, data("llmgw.gemini.s.T"),
        data("llmgw.gemini.s.C"), use_of("a"), use_of("b"), data("llmgw.openai_responses.e.E"), data("own"),
    ]);
    let read = request(json!({ "messages": [{ "role": "user", "content": "a" }, { "role": "assistant", "content": content }] }));
    let parts = read.expect("a request").messages.remove(1).parts;
    let gemini = |data: &str| Some(Signature::new(Kind::Gemini, Form::Signed, data));
    let called = |id: &str, signature| {
        let (id, name, arguments) = (id.to_owned(), "f".to_owned(), "{}".to_owned());
        Part::from(Content::ToolCall(ToolCall { id, name, arguments, is_custom: false, signature }))
    };
    let expected = [
        thought("", Kind::Bedrock, Form::Signed, "B"),
        Content::Text(Text { text: "好".to_owned(), citations: Vec::new(), signature: gemini("T") }).into(),
        called("a", gemini("C")),
        called("b", None),
        thought("", Kind::OpenAiResponses, Form::Encrypted, "E"),
        thought("", Kind::Anthropic, Form::Encrypted, "own"),
    ];
    assert_eq!(parts, expected);
}

#[test]
fn documents_are_read_in_every_form() {
    let source = |source: Value| json!({ "type": "document", "source": source, "title": "名" });
    let content = json!([
        source(json!({ "type": "base64", "media_type": "application/pdf", "data": "QUJD" })),
        source(json!({ "type": "text", "media_type": "text/plain", "data": "文" })),
        source(json!({ "type": "content", "content": [{ "type": "text", "text": "一" }, { "type": "text", "text": "二" }] })),
        source(json!({ "type": "url", "url": "https://a/b.pdf" })),
        source(json!({ "type": "file", "file_id": "file_1" })),
    ]);
    let read = request(json!({ "messages": [{ "role": "user", "content": content }] })).expect("a request");
    let sources = [
        Source::Base64 { media_type: "application/pdf".to_owned(), data: "QUJD".to_owned() },
        Source::Text("文".to_owned()),
        Source::Text("一\n\n二".to_owned()),
        Source::Url("https://a/b.pdf".to_owned()),
        Source::Id("file_1".to_owned()),
    ];
    let file = |source| Part::from(Content::File { source, name: Some("名".to_owned()) });
    assert_eq!(read.messages[0].parts, sources.map(file));
    let (body, _) = write(&read);
    assert_eq!(body["messages"][0]["content"][2]["source"], json!({ "type": "text", "media_type": "text/plain", "data": "一\n\n二" }));
}

#[test]
fn a_file_goes_as_what_anthropic_reads() {
    let file = |media_type: &str, data: &str| {
        let source = Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
        said(vec![turn(Role::User, [Content::File { source, name: None }.into()])])
    };
    let block = |media_type: &str, data: &str| write(&file(media_type, data)).0["messages"][0]["content"][0].clone();
    assert_eq!(block("text/csv; charset=utf-8", "5L2g")["source"]["data"], "你");
    assert_eq!(block("image/png", "QUJD")["type"], "image");
    assert_eq!(block("Application/PDF", "QUJD")["source"]["media_type"], "application/pdf");
    assert_eq!(unsupported(write_to(&file("application/zip", "QUJD"), "m")), "a file of the type `application/zip`");
    assert!(matches!(write_to(&file("text/plain", "不"), "m"), Err(DialectError::Senseless { .. })));
}

#[test]
fn an_empty_text_is_left_out_and_nothing_at_all_is_senseless() {
    let request = said(vec![
        turn(Role::User, [Part::text(""), Part::text("  \n"), Part::text("真")]),
        turn(Role::Assistant, [Part::text("")]),
        turn(Role::User, [Part::text("的")]),
    ]);
    let text = |text: &str| json!({ "type": "text", "text": text });
    assert_eq!(write(&request).0["messages"], json!([{ "role": "user", "content": [text("真"), text("的")] }]));
    let nothing = write_to(&said(vec![turn(Role::User, [Part::text("")])]), "m").expect_err("nothing");
    assert_eq!(nothing.to_string(), "`messages`: nothing is said in them");
}

#[test]
fn four_marks_are_kept_in_order_and_the_rest_is_named() {
    let marked = |text: &str| Part { cache: Some(Cache { ttl: Some("24h".to_owned()) }), ..Part::text(text) };
    let mut request = said(vec![turn(Role::System, [marked("s")]), turn(Role::User, [marked("a"), marked("b"), marked("c")])]);
    request.tools = vec![Tool { cache: Some(Cache::default()), ..tool("f") }];
    let (body, dropped) = write(&request);
    let marks: Vec<bool> =
        body["messages"][0]["content"].as_array().expect("blocks").iter().map(|block| block["cache_control"].is_object()).collect();
    assert_eq!(marks, [true, true, false]);
    assert_eq!(
        (&body["tools"][0]["cache_control"], &body["system"][0]["cache_control"]),
        (&json!({ "type": "ephemeral" }), &json!({ "type": "ephemeral" }))
    );
    assert_eq!(dropped, ["cache_control.ttl", "cache_control"]);
}

#[test]
fn a_choice_says_whether_one_tool_at_a_time() {
    let mut request = Request { tools: vec![tool("f")], ..said(hello()) };
    for (choice, parallel, expected) in [
        (None, None, Value::Null),
        (None, Some(true), Value::Null),
        (None, Some(false), json!({ "type": "auto", "disable_parallel_tool_use": true })),
        (Some(ToolChoice::Auto), None, json!({ "type": "auto" })),
        (Some(ToolChoice::Required), Some(false), json!({ "type": "any", "disable_parallel_tool_use": true })),
        (Some(ToolChoice::Named("f".to_owned())), None, json!({ "type": "tool", "name": "f" })),
        (Some(ToolChoice::None), Some(false), json!({ "type": "none" })),
    ] {
        (request.tool_choice, request.parallel_tool_calls) = (choice, parallel);
        assert_eq!(write(&request).0["tool_choice"], expected);
    }
    request.tools.clear();
    assert_eq!(write(&request), write(&Request { tool_choice: request.tool_choice.clone(), ..said(hello()) }));
    assert_eq!(write(&request).1, ["tool_choice"]);
}

#[test]
fn sampling_is_fitted_to_the_model() {
    let mut request = said(hello());
    request.sampling = Sampling { temperature: Some(1.5), top_p: Some(0.9), top_k: Some(40), ..Sampling::default() };
    for (model, expected, dropped) in [
        ("claude-sonnet-4-20250514", json!([1.0, 0.9, 40]), vec![]),
        ("claude-sonnet-4-5", json!([1.0, null, 40]), vec!["top_p"]),
        ("claude-opus-4-7", json!([null, null, null]), vec!["top_p", "top_k"]),
        ("glm-4.7", json!([1.0, 0.9, 40]), vec![]),
    ] {
        let (body, encoded) = write_to(&request, model).expect("a request");
        assert_eq!(json!([body["temperature"], body["top_p"], body["top_k"]]), expected, "{model}");
        assert_eq!(encoded.dropped, dropped, "{model}");
        assert_eq!(encoded.headers, [("anthropic-version", "2023-06-01".to_owned())]);
    }
    request.sampling.temperature = Some(0.2);
    request.reasoning = Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() });
    let (body, encoded) = write_to(&request, "claude-sonnet-4-6").expect("a request");
    assert_eq!((&body["temperature"], &body["thinking"]), (&Value::Null, &json!({ "type": "adaptive" })));
    assert_eq!(encoded.dropped, ["temperature", "top_p", "top_k"]);
}

#[test]
fn thinking_is_read_in_every_form() {
    let reasoning = |effort, budget, summary: Option<&str>| Reasoning { effort, budget, summary: summary.map(str::to_owned) };
    for (more, expected) in [
        (json!({ "thinking": { "type": "adaptive", "display": "summarized" } }), reasoning(None, None, Some("auto"))),
        (
            json!({ "thinking": { "type": "enabled", "budget_tokens": 2048, "display": "omitted" } }),
            reasoning(None, Some(2048), Some("omitted")),
        ),
        (json!({ "thinking": { "type": "adaptive" }, "output_config": { "effort": "max" } }), reasoning(Some(Effort::Max), None, None)),
        (json!({ "output_config": { "effort": "xhigh" } }), reasoning(Some(Effort::XHigh), None, None)),
        (json!({ "thinking": { "type": "disabled" }, "output_config": { "effort": "low" } }), reasoning(Some(Effort::None), None, None)),
    ] {
        assert_eq!(request(more.clone()).expect("a request").reasoning, Some(expected), "{more}");
    }
}

#[test]
fn tools_that_wait_without_a_thought_before_them_are_answered_without_thinking() {
    let mut request =
        said(vec![turn(Role::User, [Part::text("a")]), turn(Role::Assistant, [call("a", "{}")]), turn(Role::User, [result("a", "x")])]);
    request.reasoning = Some(Reasoning { effort: Some(Effort::High), ..Reasoning::default() });
    let (body, dropped) = write(&request);
    assert_eq!((&body["thinking"], dropped), (&Value::Null, vec!["reasoning_effort".to_owned()]));
    request.messages[1].parts.insert(0, thought("想", Kind::Anthropic, Form::Signed, "s"));
    assert_eq!(write(&request).0["thinking"], json!({ "type": "enabled", "budget_tokens": 4096 }));
}

#[test]
fn a_begun_answer_is_gone_on_with_where_the_model_can() {
    let request = said(vec![turn(Role::User, [Part::text("a")]), turn(Role::Assistant, [Part::text("答: ")])]);
    assert_eq!(write(&request).0["messages"][1]["content"], "答:");
    assert_eq!(unsupported(write_to(&request, "claude-opus-5")), "a conversation that ends with the model's own turn (`messages`)");
}

#[test]
fn what_anthropic_cannot_say_is_refused_or_named() {
    let format = |format| Request { format: Some(format), ..said(hello()) };
    assert_eq!(unsupported(write_to(&format(Format::Json), "m")), "JSON without a schema (`response_format: json_object`)");
    assert_eq!(unsupported(write_to(&Request { logprobs: Some(2), ..said(hello()) }, "m")), "log probabilities (`logprobs`)");
    let sound = Content::Audio { data: "QUJD".to_owned(), format: "wav".to_owned() };
    assert_eq!(unsupported(write_to(&said(vec![turn(Role::User, [sound.into()])]), "m")), "sound (`input_audio`)");
    let image = || Part::from(Content::Image { source: Source::Url("https://a/b.png".to_owned()), detail: Some("low".to_owned()) });
    let cited = Text { text: "据说".to_owned(), citations: vec![Citation::default()], signature: None };
    let mut request = said(vec![
        Message { name: Some("小明".to_owned()), ..turn(Role::User, [Part::text("a"), image()]) },
        turn(Role::Assistant, [image(), Content::Text(cited).into(), Content::Refusal("不行".to_owned()).into()]),
        turn(Role::User, [Part::text("b")]),
    ]);
    request.sampling = Sampling { seed: Some(1), frequency_penalty: Some(0.1), presence_penalty: Some(0.1), ..Sampling::default() };
    request.stop = vec![" ".to_owned(), "完".to_owned()];
    request.verbosity = Some("low".to_owned());
    request.metadata = vec![("a".to_owned(), "b".to_owned())];
    request.cache_key = Some("k".to_owned());
    request.service_tier = Some("flex".to_owned());
    request.user = Some("用户".to_owned());
    let (body, dropped) = write(&request);
    let expected = [
        "detail",
        "assistant images",
        "citations",
        "frequency_penalty",
        "presence_penalty",
        "seed",
        "verbosity",
        "metadata",
        "prompt_cache_key",
        "name",
        "service_tier",
        "stop",
    ];
    assert_eq!(dropped, expected);
    assert_eq!((&body["stop_sequences"], &body["metadata"]), (&json!(["完"]), &json!({ "user_id": "用户" })));
    assert_eq!(body["messages"][1]["content"], json!([{ "type": "text", "text": "据说" }, { "type": "text", "text": "不行" }]));
    assert_eq!((&body["max_tokens"], &body["stream"]), (&json!(32_000), &Value::Null));
}

#[test]
fn a_schema_goes_there_and_back_as_it_was_written() {
    let schema = r#"{"type":"object","properties":{"z":{"maximum":150.0},"甲":{}},"additionalProperties":false}"#;
    let format = Format::Schema { name: "response".to_owned(), description: None, schema: Raw::parse(schema).expect("JSON"), strict: None };
    let function = ToolInput::Function { schema: Raw::parse(schema), strict: Some(true) };
    let request = Request { format: Some(format), tools: vec![Tool { input: function, ..tool("f") }], ..said(hello()) };
    let encoded = encode(&request, Addressee { model: "m", quirks: &Quirks::default() }).expect("a request");
    assert_eq!(String::from_utf8_lossy(&encoded.body).matches(schema).count(), 2);
    let read = decode(&encoded.body).expect("a request");
    assert_eq!((read.format, read.tools), (request.format, request.tools));
}
