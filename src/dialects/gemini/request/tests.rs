use proptest::prelude::{Strategy, prop_assert, proptest};
use serde_json::{Value, json};

use crate::dialects::gemini::Gemini;
use crate::dialects::testing::{assistant, hello, part, says, user};
use crate::dialects::{Addressee, DialectError, Encoded, UpstreamDialect};
use crate::hub::{
    Answer, Cache, Citation, Content, Effort, Form, Format, Kind, Message, Part, Quirks, Raw, Reasoning, Request, Role, Sampling,
    Signature, Source, Text, Thought, Tool, ToolCall, ToolChoice, ToolInput,
};

const FLASH_2_5: &str = "gemini-2.5-flash";
const FLASH_3: &str = "gemini-3-flash-preview";
const UNSIGNED: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

fn encode(request: &Request, model: &str) -> Result<Encoded, DialectError> {
    Gemini.encode_request(request, Addressee { model, quirks: &Quirks::default() })
}

fn text_of(request: &Request, model: &str) -> String {
    String::from_utf8(encode(request, model).expect("a request").body).expect("UTF-8")
}

fn body(request: &Request, model: &str) -> Value {
    serde_json::from_str(&text_of(request, model)).expect("JSON")
}

fn contents(messages: Vec<Message>, model: &str) -> Value {
    body(&says(messages), model)["contents"].clone()
}

fn dropped(request: &Request, model: &str) -> Vec<String> {
    encode(request, model).expect("a request").dropped.into_iter().map(String::from).collect()
}

fn refused(request: &Request) -> String {
    encode(request, FLASH_3).expect_err("a refusal").to_string()
}

fn system(text: &str) -> Message {
    Message::new(Role::System, vec![Part::text(text)])
}

fn signature(origin: Kind) -> Option<Signature> {
    Some(Signature::new(origin, Form::Signed, "U2ln"))
}

fn signed_call(id: &str, name: &str, arguments: &str, signature: Option<Signature>) -> Part {
    let (id, name, arguments) = (id.to_owned(), name.to_owned(), arguments.to_owned());
    part(Content::ToolCall(ToolCall { id, name, arguments, is_custom: false, signature }))
}

fn call(id: &str, name: &str, arguments: &str) -> Part {
    signed_call(id, name, arguments, None)
}

fn result_of(id: &str, parts: Vec<Part>) -> Part {
    part(Content::ToolResult { id: id.to_owned(), parts, is_error: false })
}

fn result(id: &str, text: &str) -> Part {
    result_of(id, vec![Part::text(text)])
}

fn tool(name: &str, schema: Option<&str>) -> Tool {
    let schema = schema.map(|schema| Raw::parse(schema).expect("JSON"));
    let description = Some("查天气".to_owned());
    Tool { name: name.to_owned(), description, input: ToolInput::Function { schema, strict: None }, cache: None }
}

fn thought(text: &str, signature: Option<Signature>) -> Part {
    part(Content::Reasoning(Thought { text: text.to_owned(), signature, id: None }))
}

fn signed_text(text: &str) -> Part {
    part(Content::Text(Text { text: text.to_owned(), citations: Vec::new(), signature: signature(Kind::Gemini) }))
}

fn base64(media_type: &str) -> Source {
    Source::Base64 { media_type: media_type.to_owned(), data: "QUJD".to_owned() }
}

fn image(source: Source) -> Part {
    part(Content::Image { source, detail: None })
}

fn file(source: Source) -> Part {
    part(Content::File { source, name: None })
}

#[test]
fn leading_instructions_stand_apart_and_later_ones_are_the_users() {
    let developer = Message::new(Role::Developer, vec![Part::text("用中文"), Part::text("")]);
    let request = says(vec![
        system("要简短"),
        developer,
        user(vec![Part::text("你好")]),
        assistant(vec![Part::text("你好！")]),
        system("现在用英文"),
        user(vec![Part::text("再见")]),
    ]);
    let expected = json!({
        "contents": [
            { "role": "user", "parts": [{ "text": "你好" }] },
            { "role": "model", "parts": [{ "text": "你好！" }] },
            { "role": "user", "parts": [{ "text": "现在用英文" }, { "text": "再见" }] },
        ],
        "systemInstruction": { "parts": [{ "text": "要简短" }, { "text": "用中文" }] },
    });
    assert_eq!(body(&request, FLASH_3), expected);
    let alone = body(&says(vec![system("说你好")]), FLASH_3);
    assert_eq!(alone, json!({ "contents": [{ "role": "user", "parts": [{ "text": "说你好" }] }] }));
    let image = Message::new(Role::System, vec![image(base64("image/png"))]);
    assert!(refused(&says(vec![image, user(vec![Part::text("a")])])).starts_with("instructions that are not text"));
}

#[test]
fn turns_alternate_and_empty_texts_are_left_out() {
    let messages = vec![
        user(vec![Part::text("一")]),
        assistant(vec![Part::text("")]),
        user(vec![Part::text(""), Part::text("二")]),
        assistant(vec![part(Content::Refusal("不行".to_owned()))]),
        assistant(vec![Part::text("三")]),
    ];
    let expected = json!([
        { "role": "user", "parts": [{ "text": "一" }, { "text": "二" }] },
        { "role": "model", "parts": [{ "text": "不行" }, { "text": "三" }] },
    ]);
    assert_eq!(contents(messages, FLASH_3), expected);
    let begun = contents(vec![assistant(vec![Part::text("有何贵干？")])], FLASH_3);
    assert_eq!(begun[0], json!({ "role": "user", "parts": [{ "text": " " }] }));
    for nothing in [Vec::new(), vec![user(vec![Part::text("")])]] {
        assert_eq!(refused(&says(nothing)), "`messages`: nothing is said");
    }
}

#[test]
fn results_follow_their_calls_in_their_order() {
    let messages = vec![
        user(vec![Part::text("天气？")]),
        assistant(vec![Part::text("查一下"), call("a", "天气", r#"{"z":1.0,"城市":"北京"}"#), call("b", "get_time", "")]),
        user(vec![Part::text("快"), result("b", "12:00")]),
        user(vec![result("a", r#" {"温度":-3.50} "#)]),
        assistant(vec![call("a", "again", "{}")]),
        user(vec![part(Content::ToolResult { id: "a".to_owned(), parts: vec![Part::text("超"), Part::text("时")], is_error: true })]),
    ];
    let expected = json!([
        { "role": "user", "parts": [{ "text": "天气？" }] },
        { "role": "model", "parts": [
            { "text": "查一下" },
            { "functionCall": { "id": "a", "name": "天气", "args": { "z": 1.0, "城市": "北京" } } },
            { "functionCall": { "id": "b", "name": "get_time", "args": {} } },
        ]},
        { "role": "user", "parts": [
            { "functionResponse": { "id": "a", "name": "天气", "response": { "温度": -3.5 } } },
            { "functionResponse": { "id": "b", "name": "get_time", "response": { "output": "12:00" } } },
            { "text": "快" },
        ]},
        { "role": "model", "parts": [{ "functionCall": { "id": "a", "name": "again", "args": {} } }] },
        { "role": "user", "parts": [{ "functionResponse": { "id": "a", "name": "again", "response": { "error": "超\n时" } } }] },
    ]);
    assert_eq!(contents(messages.clone(), FLASH_2_5), expected);
    let text = text_of(&says(messages), FLASH_2_5);
    assert!(text.contains(r#""args":{"z":1.0,"城市":"北京"}"#) && text.contains(r#""response":{"温度":-3.50}"#), "{text}");
}

#[test]
fn calls_and_results_that_make_no_sense_are_refused() {
    let asked = || user(vec![Part::text("问")]);
    let reason = "this upstream takes nothing but a JSON object";
    for arguments in ["{", "[1]", "\"文\"", "null", "{} {}"] {
        let request = says(vec![system("s"), asked(), assistant(vec![call("c1", "f", arguments)])]);
        assert_eq!(refused(&request), format!("`messages[2].tool_calls[c1].arguments`: {reason}"), "{arguments}");
    }
    let orphan = says(vec![asked(), user(vec![result("c9", "x")])]);
    assert_eq!(refused(&orphan), "`messages[1]`: no call before it has the id `c9`");
    let custom = ToolCall { id: "c".to_owned(), name: "sh".to_owned(), arguments: "ls".to_owned(), is_custom: true, signature: None };
    let request = says(vec![asked(), assistant(vec![part(Content::ToolCall(custom))])]);
    assert_eq!(refused(&request), "a call of a custom tool (`sh`) cannot be said to this upstream");
    let within = says(vec![asked(), assistant(vec![call("c", "f", "{}")]), user(vec![result_of("c", vec![call("d", "f", "{}")])])]);
    assert!(refused(&within).starts_with("a tool's result that is neither text"));
}

#[test]
fn signatures_go_back_to_where_they_were() {
    let messages = vec![
        user(vec![Part::text("问")]),
        assistant(vec![
            thought("想", signature(Kind::Gemini)),
            thought("别人想", signature(Kind::Anthropic)),
            thought("无人签", None),
            signed_text("答"),
            signed_text(""),
            thought("", signature(Kind::Gemini)),
            signed_call("a", "f", "{}", signature(Kind::Gemini)),
            call("b", "f", "{}"),
        ]),
    ];
    let expected = json!([
        { "text": "想", "thought": true, "thoughtSignature": "U2ln" },
        { "text": "答", "thoughtSignature": "U2ln" },
        { "text": "", "thoughtSignature": "U2ln" },
        { "text": "", "thoughtSignature": "U2ln" },
        { "functionCall": { "id": "a", "name": "f", "args": {} }, "thoughtSignature": "U2ln" },
        { "functionCall": { "id": "b", "name": "f", "args": {} } },
    ]);
    assert_eq!(contents(messages.clone(), FLASH_3)[1]["parts"], expected);
    assert_eq!(dropped(&says(messages), FLASH_3), ["reasoning"]);
}

#[test]
fn the_first_of_foreign_calls_is_signed_by_nobody() {
    let foreign = signed_call("a", "f", "{}", signature(Kind::OpenAiResponses));
    let step = |calls: Vec<Part>, id: &str| [assistant(calls), user(vec![result(id, "好")])];
    let mut messages = vec![user(vec![Part::text("问")])];
    messages.extend(step(vec![Part::text("查"), foreign, call("b", "f", "{}")], "a"));
    messages.extend(step(vec![call("c", "f", "{}")], "c"));
    let signatures = |model: &str| -> Vec<Value> {
        let contents = contents(messages.clone(), model);
        let turns = contents.as_array().expect("turns").iter().flat_map(|turn| turn["parts"].as_array().expect("parts"));
        turns.filter(|part| part.get("functionCall").is_some()).map(|part| part["thoughtSignature"].clone()).collect()
    };
    assert_eq!(signatures(FLASH_3), [json!(UNSIGNED), Value::Null, json!(UNSIGNED)]);
    assert_eq!(signatures(FLASH_2_5), [Value::Null, Value::Null, Value::Null]);
}

#[test]
fn an_answer_goes_back_as_it_came() {
    let reply = include_bytes!("../../../../tests/dialects/responses/gemini/parallel_tools.json");
    let answer: Answer = Gemini.decode_response(reply).expect("a reply");
    let sent = contents(vec![user(vec![Part::text("问")]), assistant(answer.parts)], FLASH_3);
    let reply: Value = serde_json::from_slice(reply).expect("JSON");
    let came = reply["candidates"][0]["content"]["parts"].as_array().expect("parts");
    for (sent, came) in sent[1]["parts"].as_array().expect("parts").iter().zip(came) {
        assert_eq!(sent["functionCall"]["args"], came["functionCall"]["args"]);
        assert_eq!(sent.get("thoughtSignature"), came.get("thoughtSignature"));
    }
}

#[test]
fn media_are_bytes_or_what_gemini_opens_itself() {
    let url = |address: &str| Source::Url(address.to_owned());
    let parts = vec![
        image(base64("image/jpg")),
        file(base64("application/pdf")),
        file(Source::Text("全文".to_owned())),
        part(Content::Audio { data: "QUJD".to_owned(), format: "wav".to_owned() }),
        image(url("gs://bucket/猫.PNG")),
        image(url("https://www.youtube.com/watch?v=x")),
        file(Source::Id("https://generativelanguage.googleapis.com/v1beta/files/abc".to_owned())),
    ];
    let expected = json!([
        { "inlineData": { "mimeType": "image/jpeg", "data": "QUJD" } },
        { "inlineData": { "mimeType": "application/pdf", "data": "QUJD" } },
        { "text": "全文" },
        { "inlineData": { "mimeType": "audio/wav", "data": "QUJD" } },
        { "fileData": { "mimeType": "image/png", "fileUri": "gs://bucket/猫.PNG" } },
        { "fileData": { "fileUri": "https://www.youtube.com/watch?v=x" } },
        { "fileData": { "fileUri": "https://generativelanguage.googleapis.com/v1beta/files/abc" } },
    ]);
    assert_eq!(contents(vec![user(parts)], FLASH_3)[0]["parts"], expected);
    let alone = |part| refused(&says(vec![user(vec![part])]));
    let needs = "(this upstream needs its bytes) cannot be said to this upstream";
    assert_eq!(alone(image(url("https://example.com/a.png"))), format!("an image by its URL {needs}"));
    assert_eq!(alone(file(Source::Id("file-abc".to_owned()))), format!("a file by an id {needs}"));
}

#[test]
fn media_of_a_result_stand_in_it_where_the_model_takes_that() {
    let results = vec![result_of("a", vec![Part::text("截图"), image(base64("image/png"))]), result("b", "好")];
    let messages = vec![user(vec![Part::text("问")]), assistant(vec![call("a", "shot", "{}"), call("b", "f", "{}")]), user(results)];
    let picture = json!({ "inlineData": { "mimeType": "image/png", "data": "QUJD" } });
    let shot = json!({ "id": "a", "name": "shot", "response": { "output": "截图" } });
    let other = json!({ "functionResponse": { "id": "b", "name": "f", "response": { "output": "好" } } });
    assert_eq!(contents(messages.clone(), FLASH_2_5)[2]["parts"], json!([{ "functionResponse": shot }, other, picture]));
    let mut shot = shot;
    shot["parts"] = json!([picture]);
    assert_eq!(contents(messages, FLASH_3)[2]["parts"], json!([{ "functionResponse": shot }, other]));
}

#[test]
fn a_schema_is_said_as_it_was_written() {
    let schema = r##"{"type":"object","properties":{"z":{"const":1.0},"a":{"$ref":"#/$defs/甲"}},"additionalProperties":false}"##;
    let request = Request { tools: vec![tool("查", Some(schema)), tool("ping", None)], ..hello() };
    let first = format!(r#"{{"name":"查","description":"查天气","parametersJsonSchema":{schema}}}"#);
    let second = r#"{"name":"ping","description":"查天气"}"#;
    let expected = format!(r#""tools":[{{"functionDeclarations":[{first},{second}]}}]"#);
    assert!(text_of(&request, FLASH_3).contains(&expected), "{}", text_of(&request, FLASH_3));
    let format = Format::Schema { name: "n".to_owned(), description: None, schema: Raw::parse(schema).expect("JSON"), strict: Some(true) };
    let request = Request { format: Some(format), ..hello() };
    let expected = format!(r#""generationConfig":{{"responseMimeType":"application/json","responseJsonSchema":{schema}}}"#);
    assert!(text_of(&request, FLASH_3).contains(&expected));
    let request = Request { format: Some(Format::Json), ..hello() };
    assert_eq!(body(&request, FLASH_3)["generationConfig"], json!({ "responseMimeType": "application/json" }));
}

#[test]
fn every_choice_of_tools_has_a_mode() {
    let config = |choice: ToolChoice, tools| body(&Request { tools, tool_choice: Some(choice), ..hello() }, FLASH_3)["toolConfig"].clone();
    let mode = |mode: &str| json!({ "functionCallingConfig": { "mode": mode } });
    let tools = || vec![tool("查", None)];
    assert_eq!(config(ToolChoice::Auto, tools()), mode("AUTO"));
    assert_eq!(config(ToolChoice::None, tools()), mode("NONE"));
    assert_eq!(config(ToolChoice::Required, tools()), mode("ANY"));
    let named = json!({ "functionCallingConfig": { "mode": "ANY", "allowedFunctionNames": ["查"] } });
    assert_eq!(config(ToolChoice::Named("查".to_owned()), tools()), named);
    assert_eq!(config(ToolChoice::Auto, Vec::new()), Value::Null);
    assert_eq!(config(ToolChoice::Required, Vec::new()), mode("ANY"));
}

#[test]
fn settings_have_geminis_names() {
    let sampling = Sampling {
        temperature: Some(0.7),
        top_p: Some(0.9),
        top_k: Some(40),
        frequency_penalty: Some(0.5),
        presence_penalty: Some(-0.5),
        seed: Some(7),
    };
    let request = Request {
        sampling,
        max_tokens: Some(100),
        stop: vec!["完".to_owned()],
        logprobs: Some(3),
        reasoning: Some(Reasoning { effort: Some(Effort::Low), ..Reasoning::default() }),
        service_tier: Some("flex".to_owned()),
        stream: true,
        include_usage: true,
        ..hello()
    };
    let expected = json!({
        "contents": [{ "role": "user", "parts": [{ "text": "你好" }] }],
        "generationConfig": {
            "temperature": 0.7, "topP": 0.9, "topK": 40, "maxOutputTokens": 100, "stopSequences": ["完"], "seed": 7,
            "presencePenalty": -0.5, "frequencyPenalty": 0.5, "responseLogprobs": true, "logprobs": 3,
            "thinkingConfig": { "includeThoughts": true, "thinkingLevel": "LOW" },
        },
        "serviceTier": "flex",
    });
    assert_eq!(body(&request, FLASH_3), expected);
    assert_eq!(dropped(&request, FLASH_3), [""; 0]);
    let alone = body(&Request { logprobs: Some(0), ..hello() }, FLASH_3);
    assert_eq!(alone["generationConfig"], json!({ "responseLogprobs": true }));
}

#[test]
fn what_gemini_has_no_words_for_is_named_once() {
    let cached = Part { cache: Some(Cache::default()), ..Part::text("你好") };
    let cited = part(Content::Text(Text { text: "据说".to_owned(), citations: vec![Citation::default()], signature: None }));
    let detailed = part(Content::Image { source: base64("image/png"), detail: Some("high".to_owned()) });
    let named = part(Content::File { source: base64("application/pdf"), name: Some("年报.pdf".to_owned()) });
    let first = Message { name: Some("小明".to_owned()), ..user(vec![cached, detailed, named]) };
    let strict = ToolInput::Function { schema: None, strict: Some(true) };
    let request = Request {
        tools: vec![Tool { input: strict, cache: Some(Cache::default()), ..tool("f", None) }],
        parallel_tool_calls: Some(false),
        sampling: Sampling { seed: Some(i64::MAX), ..Sampling::default() },
        reasoning: Some(Reasoning { effort: Some(Effort::High), budget: None, summary: Some("auto".to_owned()) }),
        verbosity: Some("low".to_owned()),
        user: Some("u".to_owned()),
        metadata: vec![("k".to_owned(), "v".to_owned())],
        service_tier: Some("scale".to_owned()),
        cache_key: Some("k".to_owned()),
        cache: Some(Cache::default()),
        ..says(vec![first, assistant(vec![cited])])
    };
    let expected = [
        "cache_control",
        "citations",
        "detail",
        "filename",
        "metadata",
        "name",
        "parallel_tool_calls",
        "prompt_cache_key",
        "reasoning.summary",
        "reasoning_effort",
        "seed",
        "service_tier",
        "strict",
        "user",
        "verbosity",
    ];
    let mut names = dropped(&request, "gemini-2.0-flash");
    names.sort_unstable();
    assert_eq!(names, expected);
    let off = Request { reasoning: Some(Reasoning { effort: Some(Effort::None), ..Reasoning::default() }), ..hello() };
    assert_eq!(dropped(&off, "gemini-2.0-flash"), [""; 0]);
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    let custom = Tool { input: ToolInput::Custom { format: None }, ..tool("补丁", None) };
    assert_eq!(refused(&Request { tools: vec![custom], ..hello() }), "a custom tool (`补丁`) cannot be said to this upstream");
    let stop = |count| Request { stop: vec!["完".to_owned(); count], ..hello() };
    assert_eq!(refused(&stop(6)), "more than 5 stop sequences (`stop`) cannot be said to this upstream");
    assert!(encode(&stop(5), FLASH_3).is_ok());
}

#[test]
fn tiers_have_two_vendors_words() {
    for (word, tier) in [("auto", None), ("default", Some("standard")), ("standard_only", Some("standard")), ("priority", Some("priority"))]
    {
        let request = Request { service_tier: Some(word.to_owned()), ..hello() };
        assert_eq!(body(&request, FLASH_3).get("serviceTier").and_then(Value::as_str), tier, "{word}");
        assert_eq!(dropped(&request, FLASH_3), [""; 0], "{word}");
    }
}

fn any_part() -> impl Strategy<Value = Part> {
    (0..7_usize, "[\\PC]{0,6}").prop_map(|(kind, text)| match kind {
        0 => Part::text(text),
        1 => signed_text(&text),
        2 => thought(&text, signature(Kind::Gemini)),
        3 => call("a", &text, "{}"),
        4 => result("a", &text),
        5 => image(base64("image/png")),
        _ => part(Content::Refusal(text)),
    })
}

proptest! {
    #[test]
    fn turns_always_alternate_and_the_user_begins(turns in proptest::collection::vec((0..3_usize, proptest::collection::vec(any_part(), 0..4)), 0..6)) {
        let roles = [Role::System, Role::User, Role::Assistant];
        let request = says(turns.into_iter().map(|(role, parts)| Message::new(roles[role], parts)).collect());
        if let Ok(encoded) = encode(&request, FLASH_3) {
            let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
            for (at, turn) in body["contents"].as_array().expect("turns").iter().enumerate() {
                prop_assert!(turn["role"] == ["user", "model"][at % 2]);
                prop_assert!(turn["parts"].as_array().is_some_and(|parts| !parts.is_empty()));
            }
        }
    }
}
