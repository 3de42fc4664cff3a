//! Requests, read and written.

use serde_json::{Value, json};

use super::{decode, encode};
use crate::dialects::{Addressee, DialectError, Encoded};
use crate::hub::{
    Cache, Citation, Content, Effort, Form, Format, Kind, Message, Part, Quirks, Raw, Reasoning, Request, Role, Sampling, Signature,
    Source, Text, Thought, Tool, ToolCall, ToolChoice, ToolInput,
};

fn read(body: Value) -> Result<Request, DialectError> {
    decode(body.to_string().as_bytes())
}

fn with_input(input: Value) -> Result<Vec<Message>, DialectError> {
    read(json!({"model": "m", "input": input})).map(|request| request.messages)
}

fn write(request: &Request) -> Result<Encoded, DialectError> {
    encode(request, Addressee { model: "gpt-6-sol", quirks: &Quirks::openai() })
}

fn written(request: &Request) -> (Value, Vec<String>) {
    let encoded = write(request).expect("a request");
    let body = serde_json::from_slice(&encoded.body).expect("JSON");
    (body, encoded.dropped.iter().map(ToString::to_string).collect())
}

fn says(role: Role, parts: Vec<Part>) -> Request {
    Request { messages: vec![Message::new(role, parts)], ..Request::default() }
}

fn thought(text: &str, signature: Option<Signature>) -> Part {
    Content::Reasoning(Thought { text: text.to_owned(), signature, id: None }).into()
}

fn call(id: &str, is_custom: bool) -> Part {
    let (name, arguments) = ("查".to_owned(), "{\"城\":\"京\"".to_owned());
    Content::ToolCall(ToolCall { id: id.to_owned(), name, arguments, is_custom, signature: None }).into()
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Content::ToolResult { id: id.to_owned(), parts, is_error: false }.into()
}

fn encrypted(origin: Kind) -> Signature {
    Signature::new(origin, Form::Encrypted, "gAAAA=")
}

#[test]
fn a_text_is_one_message_after_the_instructions() {
    let request = read(json!({"model": "m", "instructions": "简短", "input": "你好", "stream": true})).expect("a request");
    assert_eq!(
        request.messages,
        [Message::new(Role::System, vec![Part::text("简短")]), Message::new(Role::User, vec![Part::text("你好")])]
    );
    assert!(request.stream && request.include_usage && request.left_out.is_empty());
}

#[test]
fn what_the_model_said_in_one_go_is_one_message() {
    let messages = with_input(json!([
        {"role": "user", "content": "天气?"},
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "先"}, {"type": "summary_text", "text": "后"}],
            "encrypted_content": "gAAAA="},
        {"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": [{"type": "output_text", "text": "我查",
            "annotations": []}]},
        {"type": "function_call", "id": "fc_1", "call_id": "c1", "name": "查", "arguments": "{\"城\":\"京\"", "status": "completed"},
        {"type": "web_search_call", "id": "ws_1", "status": "completed"},
        {"type": "custom_tool_call", "call_id": "c2", "name": "查", "input": "{\"城\":\"京\""},
        {"type": "function_call_output", "call_id": "c1", "output": "晴"},
        {"type": "custom_tool_call_output", "call_id": "c2", "output": [{"type": "input_text", "text": "雨"}]},
        {"role": "user", "content": [{"type": "input_text", "text": "好"}]},
    ]))
    .expect("messages");
    let reasoning =
        Thought { text: "先\n\n后".to_owned(), signature: Some(encrypted(Kind::OpenAiResponses)), id: Some("rs_1".to_owned()) };
    assert_eq!(
        messages,
        [
            Message::new(Role::User, vec![Part::text("天气?")]),
            Message::new(
                Role::Assistant,
                vec![Content::Reasoning(reasoning).into(), Part::text("我查"), call("c1", false), call("c2", true)]
            ),
            Message::new(Role::User, vec![result("c1", vec![Part::text("晴")]), result("c2", vec![Part::text("雨")])]),
            Message::new(Role::User, vec![Part::text("好")]),
        ]
    );
}

#[test]
fn images_and_files_are_here_on_the_web_or_at_openai() {
    let messages = with_input(json!([{"role": "user", "content": [
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0K", "detail": "high"},
        {"type": "input_image", "image_url": "https://x/图.png"},
        {"type": "input_image", "file_id": "file_1"},
        {"type": "input_file", "filename": "文.pdf", "file_data": "data:application/pdf;base64,JVBE"},
        {"type": "input_file", "file_url": "https://x/文.pdf", "detail": "low"},
        {"type": "input_file", "file_id": "file_2", "prompt_cache_breakpoint": {"mode": "explicit", "ttl": "30m"}},
        {"type": "input_audio", "input_audio": {"data": "UklG", "format": "wav"}},
    ]}]))
    .expect("messages");
    let here = |media_type: &str, data: &str| Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
    let image = |source, detail: Option<&str>| Part::from(Content::Image { source, detail: detail.map(str::to_owned) });
    let file = |source, name: Option<&str>| Part::from(Content::File { source, name: name.map(str::to_owned) });
    let parts = &messages[0].parts;
    assert_eq!(
        parts[..5],
        [
            image(here("image/png", "iVBORw0K"), Some("high")),
            image(Source::Url("https://x/图.png".to_owned()), None),
            image(Source::Id("file_1".to_owned()), None),
            file(here("application/pdf", "JVBE"), Some("文.pdf")),
            file(Source::Url("https://x/文.pdf".to_owned()), None),
        ]
    );
    assert_eq!(parts[5].cache, Some(Cache { ttl: Some("30m".to_owned()) }));
    assert_eq!(parts[6].content, Content::Audio { data: "UklG".to_owned(), format: "wav".to_owned() });
}

#[test]
fn members_of_the_request_have_words_in_the_hub() {
    let request = read(json!({
        "model": "m", "input": "你好", "max_output_tokens": 10, "temperature": 0.5, "top_p": 0.9, "top_logprobs": 3,
        "include": ["reasoning.encrypted_content", "message.output_text.logprobs", "web_search_call.results"],
        "reasoning": {"effort": "xhigh", "summary": "auto", "context": "auto"},
        "text": {"verbosity": "low", "format": {"type": "json_schema", "name": "答", "schema": {"b": 1.0, "a": 2}, "strict": true}},
        "metadata": {"z": "1", "a": "二"}, "safety_identifier": "u", "prompt_cache_key": "k", "service_tier": "flex",
        "parallel_tool_calls": false, "store": true, "truncation": "auto", "background": false, "max_tool_calls": 2,
        "stream_options": {"include_obfuscation": false},
    }))
    .expect("a request");
    let schema = Raw::parse(r#"{"b":1.0,"a":2}"#).expect("JSON");
    let expected = Request {
        model: "m".to_owned(),
        messages: vec![Message::new(Role::User, vec![Part::text("你好")])],
        max_tokens: Some(10),
        sampling: Sampling { temperature: Some(0.5), top_p: Some(0.9), ..Sampling::default() },
        logprobs: Some(3),
        reasoning: Some(Reasoning { effort: Some(Effort::XHigh), budget: None, summary: Some("auto".to_owned()) }),
        verbosity: Some("low".to_owned()),
        format: Some(Format::Schema { name: "答".to_owned(), description: None, schema, strict: Some(true) }),
        metadata: vec![("z".to_owned(), "1".to_owned()), ("a".to_owned(), "二".to_owned())],
        user: Some("u".to_owned()),
        cache_key: Some("k".to_owned()),
        service_tier: Some("flex".to_owned()),
        parallel_tool_calls: Some(false),
        left_out: ["reasoning.context", "include[2]", "store", "truncation", "max_tool_calls", "stream_options"]
            .map(str::to_owned)
            .to_vec(),
        ..Request::default()
    };
    assert_eq!(request, expected);
}

#[test]
fn tools_take_json_or_text() {
    let tools = json!([
        {"type": "function", "name": "f", "description": "查天气", "parameters": {"type": "object"}, "strict": true, "defer_loading": true},
        {"type": "function", "name": "g", "parameters": null},
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: \"a\""}},
    ]);
    let choices = [
        (json!("auto"), ToolChoice::Auto),
        (json!("none"), ToolChoice::None),
        (json!("required"), ToolChoice::Required),
        (json!({"type": "function", "name": "f"}), ToolChoice::Named("f".to_owned())),
        (json!({"type": "custom", "name": "patch"}), ToolChoice::Named("patch".to_owned())),
        (
            json!({"type": "allowed_tools", "mode": "required", "tools": [{"name": "g"}, {"name": "f"}, {"name": "patch"}]}),
            ToolChoice::Required,
        ),
    ];
    for (choice, expected) in choices {
        let request = read(json!({"model": "m", "input": "查", "tools": tools, "tool_choice": choice})).expect("a request");
        assert_eq!(request.tool_choice, Some(expected));
        assert_eq!(request.left_out, ["tools[0].defer_loading"]);
        assert_eq!(request.tools[0].description.as_deref(), Some("查天气"));
        assert!(matches!(&request.tools[0].input, ToolInput::Function { schema: Some(_), strict: Some(true) }));
        assert_eq!(request.tools[1].input, ToolInput::Function { schema: None, strict: None });
        assert!(matches!(&request.tools[2].input, ToolInput::Custom { format: Some(_) }));
    }
}

#[test]
fn what_has_no_words_and_matters_is_refused_by_name() {
    let user = json!([{"role": "user", "content": "查"}]);
    let one = json!([{"type": "function", "name": "f"}, {"type": "function", "name": "g"}]);
    let cases = [
        (json!({"previous_response_id": "resp_1"}), "an earlier response (`previous_response_id`)"),
        (json!({"conversation": {"id": "conv_1"}}), "a conversation that the provider keeps (`conversation`)"),
        (json!({"prompt": {"id": "pmpt_1"}}), "a prompt that the provider keeps (`prompt`)"),
        (json!({"background": true}), "an answer in the background (`background`)"),
        (json!({"moderation": {"model": "m"}}), "moderation of what is said (`moderation`)"),
        (json!({"tools": [{"type": "web_search"}]}), "OpenAI's own tool `web_search` (`tools[0]`)"),
        (
            json!({"tools": [{"type": "function", "name": "crm__f"}, {"type": "namespace", "name": "crm", "tools": []}]}),
            "a tool that is named like those of a namespace (`tools[0]`)",
        ),
        (
            json!({"tools": [{"type": "namespace", "name": "crm", "tools": [{"type": "web_search"}]}]}),
            "OpenAI's own tool `web_search` (`tools[0].tools[0]`)",
        ),
        (json!({"tool_choice": {"type": "file_search"}}), "OpenAI's own tool `file_search` (`tool_choice`)"),
        (
            json!({"tools": one, "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "function", "name": "f"}]}}),
            "a choice among some of the tools (`tool_choice`)",
        ),
        (json!({"text": {"format": {"type": "grammar"}}}), "the format `grammar` (`text.format.type`)"),
        (json!({"input": [{"type": "item_reference", "id": "msg_1"}]}), "an item of the type `item_reference` (`input[0]`)"),
        (json!({"input": [{"id": "msg_1"}]}), "an item of the type `item_reference` (`input[0]`)"),
        (json!({"input": [{"type": "local_shell_call", "call_id": "c"}]}), "an item of the type `local_shell_call` (`input[0]`)"),
        (
            json!({"input": [{"role": "user", "content": [{"type": "input_video"}]}]}),
            "content of the type `input_video` (`input[0].content[0]`)",
        ),
    ];
    for (members, feature) in cases {
        let mut body = json!({"model": "m", "input": user});
        body.as_object_mut().expect("an object").extend(members.as_object().expect("an object").clone());
        assert_eq!(read(body), Err(DialectError::Unsupported { feature: feature.into() }), "{members}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place() {
    let cases = [
        (json!([{"role": "tool", "content": ""}]), "`input[0].role` must be `user`, `assistant`, `system` or `developer`"),
        (json!([]), "`input`: there must be at least one item"),
        (json!(1), "`input` must be a string or a list of items"),
        (json!([{"type": "function_call_output", "call_id": "c", "output": ""}]), "`input[0].call_id`: no call before it has the id `c`"),
        (json!([{"role": "user"}]), "`input[0].content` is missing"),
        (json!([{"role": "user", "content": {}}]), "`input[0].content` must be a string or a list of content parts"),
        (
            json!([{"role": "user", "content": [{"type": "input_image", "image_url": "data:image/png;base64,不"}]}]),
            "`input[0].content[0].image_url` must be valid base64",
        ),
        (
            json!([{"role": "user", "content": [{"type": "input_file", "file_data": "https://x"}]}]),
            "`input[0].content[0].file_data` must be a data URL: `data:TYPE;base64,…`",
        ),
        (json!([{"role": "user", "content": [{"type": "input_image"}]}]), "`input[0].content[0].image_url` is missing"),
        (json!([{"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}]), "`input[0].arguments` must be a string"),
        (json!(["x"]), "`input[0]` must be an object"),
    ];
    for (input, message) in cases {
        assert_eq!(with_input(input).expect_err(message).to_string(), message);
    }
    let error = |body| read(body).expect_err("a mistake").to_string();
    assert_eq!(error(json!({"model": "m"})), "`input` is missing");
    assert_eq!(
        error(json!({"model": "m", "input": "", "tool_choice": "any"})),
        "`tool_choice` must be `auto`, `none`, `required` or an object"
    );
    assert!(error(json!({"model": "m", "input": "", "reasoning": {"effort": "very"}})).starts_with("`reasoning.effort` must be `none`"));
    assert_eq!(error(json!({"model": "m", "input": "", "metadata": {"a": 1}})), "`metadata.a` must be a string");
}

#[test]
fn a_thing_is_left_out_once_however_often_it_stands_there() {
    let input: Vec<Value> = (0..3).map(|_| json!({"role": "assistant", "content": "好", "phase": "commentary"})).collect();
    let request = read(json!({"model": "m", "input": input})).expect("a request");
    assert_eq!(request.left_out, ["input[0].phase"]);
    let hosted = json!([{"type": "file_search_call", "id": "fs_1"}, {"type": "reasoning", "id": "rs_1", "summary": []}]);
    let request = read(json!({"model": "m", "input": hosted})).expect("a request");
    assert_eq!(request.left_out, ["input[0].file_search_call", "input[1].encrypted_content"]);
    assert!(request.messages.is_empty());
}

#[test]
fn an_empty_text_of_the_model_is_left_out() {
    let input = json!([{"role": "user", "content": ""}, {"role": "assistant", "content": ""}, {"role": "assistant", "content": []}]);
    assert_eq!(with_input(input), Ok(vec![Message::new(Role::User, vec![Part::text("")])]));
}

#[test]
fn another_providers_signature_comes_back_to_what_it_signs() {
    let (signed, anthropic) = (Signature::new(Kind::Gemini, Form::Signed, "G"), Signature::new(Kind::Anthropic, Form::Signed, "A"));
    let reasoning = |text: String| json!({"type": "reasoning", "id": "rs_llmgw_1", "summary": [], "encrypted_content": text});
    let messages = with_input(json!([
        {"type": "reasoning", "id": "rs_llmgw_0", "summary": [{"type": "summary_text", "text": "想"}], "encrypted_content": anthropic.marked()},
        {"role": "assistant", "content": "好"},
        reasoning(format!("text:{}", signed.marked())),
        reasoning(format!("call:{}", signed.marked())),
        {"type": "function_call", "call_id": "c", "name": "查", "arguments": "{}"},
    ]))
    .expect("messages");
    let parts = &messages[0].parts;
    assert_eq!(parts[0], thought("想", Some(anthropic)));
    assert!(matches!(&parts[1].content, Content::Text(text) if text.signature.as_ref() == Some(&signed)));
    assert!(matches!(&parts[2].content, Content::ToolCall(call) if call.signature.as_ref() == Some(&signed)));
    assert_eq!(parts.len(), 3);
}

#[test]
fn nothing_is_stored_and_only_openais_own_reasoning_goes_back() {
    let own = Content::Reasoning(Thought {
        text: "想".to_owned(),
        signature: Some(encrypted(Kind::OpenAiResponses)),
        id: Some("rs_1".to_owned()),
    });
    let parts = vec![own.into(), thought("外", Some(encrypted(Kind::Anthropic))), thought("裸", None), Part::text("好")];
    let (body, dropped) = written(&says(Role::Assistant, parts));
    assert_eq!(
        (&body["store"], &body["include"], &body["model"]),
        (&json!(false), &json!(["reasoning.encrypted_content"]), &json!("gpt-6-sol"))
    );
    assert_eq!(
        body["input"],
        json!([
            {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "想"}], "encrypted_content": "gAAAA="},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "好"}]},
        ])
    );
    assert_eq!(dropped, ["reasoning"]);
    // Models that do not reason refuse to be asked.
    assert_eq!(written(&says(Role::User, vec![Part::text("你好")])).0.get("include"), None);
}

#[test]
fn hints_are_dropped_by_name_and_stop_sequences_are_not_hints() {
    let sampling =
        Sampling { top_k: Some(1), seed: Some(2), frequency_penalty: Some(0.1), presence_penalty: Some(0.2), ..Sampling::default() };
    let marked = Part { cache: Some(Cache::default()), ..Part::text("你好") };
    let message = Message { name: Some("阿明".to_owned()), ..Message::new(Role::User, vec![marked]) };
    let result = Content::ToolResult { id: "c".to_owned(), parts: Vec::new(), is_error: true };
    let request = Request {
        messages: vec![message, Message::new(Role::User, vec![result.into()])],
        sampling,
        service_tier: Some("standard_only".to_owned()),
        ..Request::default()
    };
    let names = ["top_k", "seed", "frequency_penalty", "presence_penalty", "service_tier", "cache_control", "name", "is_error"];
    assert_eq!(written(&request).1, names);
    let request = Request { stop: vec!["完".to_owned()], ..request };
    assert_eq!(write(&request), Err(DialectError::Unsupported { feature: "stop sequences (`stop`)".into() }));
}

#[test]
fn what_no_item_has_words_for_is_refused() {
    let image = |source| Part::from(Content::Image { source, detail: None });
    let url = || Source::Url("https://x".to_owned());
    let cases = [
        (says(Role::User, vec![Content::Audio { data: String::new(), format: String::new() }.into()]), "sound in a turn of the user"),
        (says(Role::Assistant, vec![image(url())]), "an image in a turn of the assistant"),
        (says(Role::User, vec![Content::Refusal("不".to_owned()).into()]), "a refusal in a turn of the user"),
        (says(Role::User, vec![image(Source::Text("x".to_owned()))]), "an image that is text in a turn of the user"),
        (says(Role::User, vec![result("c", vec![Part::text("a"), call("d", false)])]), "a tool call in a tool's result"),
    ];
    for (request, feature) in cases {
        assert_eq!(write(&request), Err(DialectError::Unsupported { feature: feature.into() }));
    }
}

#[test]
fn tools_are_strict_only_where_they_are_meant_to_be() {
    let schema = Raw::parse(r#"{"z":1.0,"a":{}}"#);
    let tool = |name: &str, input| Tool { name: name.to_owned(), description: None, input, cache: None };
    let tools = vec![
        tool("f", ToolInput::Function { schema: schema.clone(), strict: None }),
        tool("g", ToolInput::Function { schema: None, strict: Some(true) }),
        tool("p", ToolInput::Custom { format: None }),
    ];
    let request = Request { tools, tool_choice: Some(ToolChoice::Named("p".to_owned())), ..says(Role::User, vec![Part::text("补")]) };
    let body = String::from_utf8(write(&request).expect("a request").body).expect("UTF-8");
    assert!(body.contains(r#"{"type":"function","name":"f","parameters":{"z":1.0,"a":{}},"strict":false}"#), "{body}");
    assert!(body.contains(r#"{"type":"function","name":"g","parameters":null,"strict":true},{"type":"custom","name":"p"}"#), "{body}");
    assert!(body.contains(r#""tool_choice":{"type":"custom","name":"p"}"#), "{body}");
}

#[test]
fn a_named_document_that_is_text_is_text() {
    let file = |source, name: Option<&str>| Part::from(Content::File { source, name: name.map(str::to_owned) });
    let data = Source::Base64 { media_type: "application/pdf".to_owned(), data: "JVBE".to_owned() };
    let (body, dropped) = written(&says(Role::User, vec![file(Source::Text("正文".to_owned()), Some("题")), file(data, None)]));
    assert_eq!(
        body["input"][0]["content"],
        json!([
            {"type": "input_text", "text": "正文"},
            {"type": "input_file", "file_data": "data:application/pdf;base64,JVBE", "filename": "document.pdf"},
        ])
    );
    assert_eq!(dropped, ["title"]);
}

/// All that this dialect can say, as it is read again.
#[test]
fn what_is_written_is_read_again() {
    let citation = Citation { url: Some("https://x".to_owned()), title: Some("题".to_owned()), quote: None, range: Some((0, 1)) };
    let cited = Content::Text(Text { text: "晴天".to_owned(), citations: vec![citation], signature: None });
    let own = Content::Reasoning(Thought {
        text: "想".to_owned(),
        signature: Some(encrypted(Kind::OpenAiResponses)),
        id: Some("rs_1".to_owned()),
    });
    let image = Content::Image { source: Source::Id("file_1".to_owned()), detail: Some("low".to_owned()) };
    let schema = Raw::parse(r#"{"type":"object","properties":{"城":{"type":"string"}}}"#).expect("JSON");
    let request = Request {
        model: "gpt-6-sol".to_owned(),
        messages: vec![
            Message::new(Role::System, vec![Part::text("简短")]),
            Message::new(Role::Developer, vec![Part::text("用中文")]),
            Message::new(Role::User, vec![Part::text("天气?"), image.clone().into()]),
            Message::new(Role::Assistant, vec![own.into(), cited.into(), call("c1", false), call("c2", true)]),
            Message::new(Role::User, vec![result("c1", vec![Part::text("晴"), image.into()]), result("c2", Vec::new())]),
            Message::new(Role::Assistant, vec![Content::Refusal("不行".to_owned()).into()]),
            Message::new(Role::User, vec![Part::text("")]),
        ],
        tools: vec![Tool {
            name: "查".to_owned(),
            description: Some("查天气".to_owned()),
            input: ToolInput::Function { schema: Some(schema.clone()), strict: Some(false) },
            cache: None,
        }],
        tool_choice: Some(ToolChoice::Required),
        parallel_tool_calls: Some(true),
        max_tokens: Some(100),
        sampling: Sampling { temperature: Some(0.25), top_p: Some(1.0), ..Sampling::default() },
        reasoning: Some(Reasoning { effort: Some(Effort::Low), budget: None, summary: Some("detailed".to_owned()) }),
        format: Some(Format::Schema { name: "答".to_owned(), description: Some("形".to_owned()), schema, strict: Some(true) }),
        verbosity: Some("high".to_owned()),
        logprobs: Some(2),
        user: Some("用户".to_owned()),
        metadata: vec![("b".to_owned(), "二".to_owned()), ("a".to_owned(), "一".to_owned())],
        service_tier: Some("priority".to_owned()),
        cache_key: Some("键".to_owned()),
        stream: true,
        include_usage: true,
        ..Request::default()
    };
    let encoded = write(&request).expect("a request");
    assert_eq!(decode(&encoded.body).expect("a request"), request);
    assert!(encoded.dropped.is_empty() && encoded.headers.is_empty());
}

#[test]
fn a_budget_is_an_effort_here() {
    let request = |reasoning| Request { reasoning: Some(reasoning), ..says(Role::User, vec![Part::text("想")]) };
    let (body, _) = written(&request(Reasoning { budget: Some(5000), summary: Some("omitted".to_owned()), effort: None }));
    assert_eq!(body["reasoning"], json!({"effort": "high"}));
    let (body, _) = written(&request(Reasoning { effort: Some(Effort::None), ..Reasoning::default() }));
    assert_eq!((&body["reasoning"], body.get("include")), (&json!({"effort": "none"}), None));
    assert_eq!(
        written(&Request { format: Some(Format::Json), ..request(Reasoning::default()) }).0["text"],
        json!({"format": {"type": "json_object"}})
    );
}

#[test]
fn tools_of_a_namespace_are_told_apart_by_its_name() {
    let function = |name: &str| json!({"type": "function", "name": name});
    let tools = json!([function("find"), {"type": "namespace", "name": "crm", "description": "客户", "tools": [function("find")]}]);
    let call = json!([{"type": "function_call", "call_id": "c", "name": "find", "namespace": "crm", "arguments": "{}"}]);
    let request = read(json!({"model": "m", "input": call, "tools": tools})).expect("a request");
    assert_eq!(request.tools.iter().map(|tool| tool.name.as_str()).collect::<Vec<_>>(), ["find", "crm__find"]);
    assert_eq!(request.groups, ["crm"]);
    let Content::ToolCall(call) = &request.messages[0].parts[0].content else { panic!("no call") };
    assert_eq!(call.name, "crm__find");
}
