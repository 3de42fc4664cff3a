use serde_json::{Value, json};

use super::super::tests::{other, own, read};
use crate::dialects::{Addressee, ClientDialect, DialectError, UpstreamDialect};
use crate::hub::{
    Cache, Content, Effort, Form, Format, Kind, Message, Part, Quirks, Raw, Reasoning, Request, Role, Signature, Source, Text, Thought,
    Tool, ToolCall, ToolChoice, ToolInput,
};

/// A request of one turn, with more members.
fn hello(members: &str) -> String {
    format!(r#"{{"model":"m","messages":[{{"role":"user","content":"你好"}}]{members}}}"#)
}

/// A request of these turns.
fn turns(turns: &str) -> String {
    format!(r#"{{"model":"m","messages":[{turns}]}}"#)
}

fn read_hello(members: &str) -> Request {
    read(&hello(members)).expect(members)
}

/// What a request becomes: the body, and what is left out.
fn written(request: &Request, model: Option<&str>) -> (Value, Vec<String>) {
    let encoded = model.map_or_else(|| other(request), |model| own(request, model)).expect("a request");
    let dropped = encoded.dropped.iter().map(ToString::to_string).collect();
    (serde_json::from_slice(&encoded.body).expect("JSON"), dropped)
}

/// The same for a request of a client.
fn through(body: &str, model: Option<&str>) -> (Value, Vec<String>) {
    written(&read(body).expect(body), model)
}

fn call(id: &str, arguments: &str) -> ToolCall {
    ToolCall { id: id.to_owned(), name: "f".to_owned(), arguments: arguments.to_owned(), is_custom: false, signature: None }
}

fn result(id: &str, parts: Vec<Part>) -> Part {
    Content::ToolResult { id: id.to_owned(), parts, is_error: false }.into()
}

const FULL: &str = r#"{"model":"m","messages":[
    {"role":"system","content":"用中文。"},
    {"role":"developer","content":"简短。"},
    {"role":"user","name":"ming","content":[
        {"type":"text","text":"看"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD","detail":"low"}},
        {"type":"image_url","image_url":{"url":"https://a.cn/图.png"}},
        {"type":"input_audio","input_audio":{"data":"QUJD","format":"wav"}},
        {"type":"file","file":{"filename":"报告.pdf","file_data":"data:application/pdf;base64,QUJD"}},
        {"type":"file","file":{"file_id":"file-1"}}]},
    {"role":"assistant","content":"好","tool_calls":[
        {"id":"a","type":"function","function":{"name":"f","arguments":"{\"z\":1.0}"}},
        {"id":"b","type":"custom","custom":{"name":"g","input":"纯文本"}}]},
    {"role":"tool","tool_call_id":"a","content":"晴"},
    {"role":"tool","tool_call_id":"b","content":"完"},
    {"role":"assistant","content":null,"refusal":"不行"},
    {"role":"user","content":"再来"}],
    "tools":[
        {"type":"function","function":{"name":"f","description":"天气","parameters":{"type":"object","z":1.0,"a":{}},"strict":true}},
        {"type":"function","function":{"name":"h"}},
        {"type":"custom","custom":{"name":"g","format":{"type":"text"}}}],
    "tool_choice":{"type":"custom","custom":{"name":"g"}},"parallel_tool_calls":false,
    "max_completion_tokens":100,"temperature":0.5,"top_p":0.9,"frequency_penalty":0.1,"presence_penalty":-0.1,"seed":7,
    "stop":["完","止"],"reasoning_effort":"high","verbosity":"low","logprobs":true,"top_logprobs":3,
    "response_format":{"type":"json_schema","json_schema":{"name":"答","schema":{"type":"object","n":1.50},"strict":true}},
    "safety_identifier":"u","service_tier":"flex","prompt_cache_key":"k","stream":true,"stream_options":{"include_usage":true}}"#;

#[test]
fn what_is_read_is_written_again() {
    let request = read(FULL).expect("a request");
    assert_eq!(request.left_out, Vec::<String>::new());
    let encoded = own(&request, "一个部署").expect("a request");
    assert_eq!(encoded.dropped, Vec::<String>::new());
    let again = read(std::str::from_utf8(&encoded.body).expect("UTF-8")).expect("a request");
    assert_eq!(again, Request { model: "一个部署".to_owned(), ..request });
    // Order and digits survive.
    let body = String::from_utf8(encoded.body).expect("UTF-8");
    assert!(body.contains(r#""parameters":{"type":"object","z":1.0,"a":{}}"#) && body.contains(r#""schema":{"type":"object","n":1.50}"#));
    assert!(body.contains(r#""stop":["完","止"],"#) && body.contains(r#""content":null,"refusal":"不行""#));
}

#[test]
fn the_vocabulary_has_it_all() {
    let request = read(FULL).expect("a request");
    let roles: Vec<Role> = request.messages.iter().map(|message| message.role).collect();
    use Role::{Assistant, Developer, System, User};
    assert_eq!(roles, [System, Developer, User, Assistant, User, Assistant, User]);
    let [text, image, address, sound, file, id] = request.messages[2].parts.as_slice() else { panic!("{request:?}") };
    assert_eq!((request.messages[2].name.as_deref(), text), (Some("ming"), &Part::text("看")));
    let source = Source::Base64 { media_type: "image/png".to_owned(), data: "QUJD".to_owned() };
    assert_eq!(image.content, Content::Image { source, detail: Some("low".to_owned()) });
    assert_eq!(address.content, Content::Image { source: Source::Url("https://a.cn/图.png".to_owned()), detail: None });
    assert_eq!(sound.content, Content::Audio { data: "QUJD".to_owned(), format: "wav".to_owned() });
    let source = Source::Base64 { media_type: "application/pdf".to_owned(), data: "QUJD".to_owned() };
    assert_eq!(file.content, Content::File { source, name: Some("报告.pdf".to_owned()) });
    assert_eq!(id.content, Content::File { source: Source::Id("file-1".to_owned()), name: None });
    assert_eq!(request.messages[4].parts, [result("a", vec![Part::text("晴")]), result("b", vec![Part::text("完")])]);
    assert_eq!((&request.tool_choice, request.logprobs), (&Some(ToolChoice::Named("g".to_owned())), Some(3)));
    assert_eq!((request.user.as_deref(), request.cache_key.as_deref(), request.max_tokens), (Some("u"), Some("k"), Some(100)));
    assert!(request.stream && request.include_usage);
}

#[test]
fn what_is_wrong_is_named() {
    for (body, message) in [
        (turns(""), "`messages`: there must be at least one message"),
        (r#"{"messages":[]}"#.to_owned(), "`model` is missing"),
        (r#"{"model":"m"}"#.to_owned(), "`messages` is missing"),
        (turns("1"), "`messages[0]` must be an object"),
        (turns(r#"{"content":"好"}"#), "`messages[0].role` is missing"),
        (
            turns(r#"{"role":"robot","content":"好"}"#),
            "`messages[0].role` must be `system`, `developer`, `user`, `assistant`, `tool` or `function`",
        ),
        (turns(r#"{"role":"user","content":null}"#), "`messages[0].content` is missing"),
        (turns(r#"{"role":"user","content":7}"#), "`messages[0].content` must be a string or a list of content parts"),
        (turns(r#"{"role":"user","content":[{"type":"text"}]}"#), "`messages[0].content[0].text` is missing"),
        (
            turns(r#"{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://a.cn"}}]}"#),
            "`messages[0].content[0]`: no `image_url` stands in instructions",
        ),
        (
            turns(r#"{"role":"user","content":[{"type":"refusal","refusal":"不"}]}"#),
            "`messages[0].content[0]`: no `refusal` stands in a turn of the user",
        ),
        (
            turns(r#"{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,!!"}}]}"#),
            "`messages[0].content[0].image_url.url` must be an address, or a data URL in base64",
        ),
        (
            turns(r#"{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"声","format":"wav"}}]}"#),
            "`messages[0].content[0].input_audio.data` must be base64",
        ),
        (
            turns(r#"{"role":"user","content":[{"type":"file","file":{"file_data":"不"}}]}"#),
            "`messages[0].content[0].file.file_data` must be a data URL in base64",
        ),
        (
            turns(r#"{"role":"tool","tool_call_id":"x","content":"晴"}"#),
            "`messages[0].tool_call_id`: no tool call before it has the id `x`",
        ),
        (turns(r#"{"role":"tool","content":"晴"}"#), "`messages[0].tool_call_id` is missing"),
        (turns(r#"{"role":"function","name":"f","content":"晴"}"#), "`messages[0].name`: no call of the function `f` waits for it"),
        (turns(r#"{"role":"assistant","tool_calls":[{"id":"a","type":"function"}]}"#), "`messages[0].tool_calls[0].function` is missing"),
        (hello(r#","temperature":"hot""#), "`temperature` must be a number"),
        (hello(r#","stop":[1]"#), "`stop` must be a string or a list of strings"),
        (
            hello(r#","reasoning_effort":"extreme""#),
            "`reasoning_effort` must be `none`, `minimal`, `low`, `medium`, `high`, `xhigh` or `max`",
        ),
        (hello(r#","tool_choice":"maybe""#), "`tool_choice` must be `none`, `auto`, `required` or an object"),
        (
            hello(r#","tools":[{"type":"function","function":{"name":"f","parameters":true}}]"#),
            "`tools[0].function.parameters` must be a JSON Schema: an object",
        ),
        (hello(r#","metadata":{"a":1}"#), "`metadata.a` must be a string"),
        (hello(r#","response_format":{"type":"json_schema"}"#), "`response_format.json_schema` is missing"),
    ] {
        assert_eq!(read(&body).expect_err(&body).to_string(), message, "{body}");
    }
    assert!(matches!(read("{"), Err(DialectError::Malformed(_))));
}

#[test]
fn what_would_change_the_meaning_is_refused() {
    for (body, feature) in [
        (hello(r#","n":2"#), "more than one choice (`n`)"),
        (hello(r#","modalities":["text","audio"]"#), "an answer that is more than text (`modalities[1]`)"),
        (hello(r#","web_search_options":{}"#), "a search of the web (`web_search_options`)"),
        (
            hello(r#","tools":[{"type":"builtin_function","function":{"name":"$web_search"}}]"#),
            "a tool of the type `builtin_function` (`tools[0]`)",
        ),
        (hello(r#","response_format":{"type":"grammar"}"#), "an answer of the form `grammar` (`response_format.type`)"),
        (turns(r#"{"role":"user","content":[{"type":"video_url"}]}"#), "a content part of the type `video_url` (`messages[0].content[0]`)"),
        (turns(r#"{"role":"assistant","audio":{"id":"audio_1"}}"#), "sound that was said earlier (`messages[0].audio`)"),
    ] {
        assert_eq!(read(&body), Err(DialectError::Unsupported { feature: feature.to_owned().into() }), "{body}");
    }
}

#[test]
fn hints_without_a_word_are_named() {
    let request = read_hello(
        r#","logit_bias":{"1":5},"prediction":{},"store":true,"moderation":{},"min_p":0.1,"logprobs":false,"top_logprobs":2,"n":1,
           "stream_options":{"include_obfuscation":false},"max_tokens":5,"max_completion_tokens":6,"user":"a","safety_identifier":"b",
           "modalities":["text"],"top_k":-1,"reasoning":{"x":1},"null":null"#,
    );
    let expected = [
        "max_tokens",
        "reasoning.x",
        "user",
        "stream_options.include_obfuscation",
        "logit_bias",
        "prediction",
        "store",
        "moderation",
        "min_p",
        "top_logprobs",
    ];
    assert_eq!(request.left_out, expected);
    assert_eq!((request.max_tokens, request.user.as_deref(), request.sampling.top_k), (Some(6), Some("b"), None));
    let tools = r#","tools":[{"type":"function","function":{"name":"f","x":1}},{"type":"function","function":{"name":"g","x":1}}]"#;
    assert_eq!(read_hello(tools).left_out, ["tools[0].function.x"]);
    assert_eq!(read(&turns(r#"{"role":"assistant","content":"好","prefix":true}"#)).expect("a request").left_out, ["messages[0].prefix"]);
}

#[test]
fn thinking_is_asked_for_in_many_words() {
    let told = |effort, budget, summary: Option<&str>| Some(Reasoning { effort, budget, summary: summary.map(str::to_owned) });
    for (members, expected) in [
        ("", None),
        (r#","reasoning_effort":"xhigh""#, told(Some(Effort::XHigh), None, None)),
        (r#","reasoning":{"effort":"low","exclude":true}"#, told(Some(Effort::Low), None, Some("omitted"))),
        (r#","reasoning":{"max_tokens":2000}"#, told(None, Some(2000), None)),
        (r#","reasoning":{"enabled":false}"#, told(Some(Effort::None), None, None)),
        (r#","thinking":{"type":"enabled","budget_tokens":4096}"#, told(None, Some(4096), None)),
        (r#","thinking":{"type":"disabled","budget_tokens":4096}"#, told(Some(Effort::None), None, None)),
        (r#","reasoning_effort":"high","thinking":{"type":"enabled"}"#, told(Some(Effort::High), None, None)),
        (r#","enable_thinking":false"#, told(Some(Effort::None), None, None)),
        (r#","enable_thinking":true,"thinking_budget":100"#, told(None, Some(100), None)),
    ] {
        assert_eq!(read_hello(members).reasoning, expected, "{members}");
    }
}

#[test]
fn reasoning_of_earlier_turns_is_read() {
    let thought = |text: &str, signature| Part::from(Content::Reasoning(Thought { text: text.to_owned(), signature, id: None }));
    let signed = Some(Signature::new(Kind::Anthropic, Form::Signed, "Eq.oB"));
    for (members, expected) in [
        (r#""reasoning_content":"想""#, vec![thought("想", None)]),
        (r#""reasoning":"想","reasoning_details":[{"type":"reasoning.text","text":"想","signature":"EqoB"}]"#, vec![thought("想", None)]),
        (
            r#""reasoning_content":"想","reasoning_details":[{"type":"reasoning.text","text":"想","signature":"llmgw.anthropic.s.Eq.oB"}]"#,
            vec![thought("想", signed.clone())],
        ),
        (r#""content":[{"type":"thinking","thinking":[{"type":"text","text":"想"}]}]"#, vec![thought("想", None)]),
    ] {
        let request = read(&turns(&format!(r#"{{"role":"assistant",{members}}}"#))).expect(members);
        assert_eq!(request.messages[0].parts, expected, "{members}");
    }
    let body = turns(
        r#"{"role":"assistant","content":"","annotations":[],"refusal":null,"function_call":null,"tool_calls":[
           {"index":0,"id":"a","type":"function","function":{"name":"f","arguments":{"z":1.0}},"extra_content":{"google":{"thought_signature":"Ab"}}},
           {"type":"function","function":{"name":"f","arguments":""},"extra_content":{"google":{"thought_signature":"llmgw.bedrock.s.Ab"}}}]}"#,
    );
    let gemini = ToolCall { signature: Some(Signature::new(Kind::Gemini, Form::Signed, "Ab")), ..call("a", r#"{"z":1.0}"#) };
    let bedrock = ToolCall { signature: Some(Signature::new(Kind::Bedrock, Form::Signed, "Ab")), ..call("call_1", "") };
    let request = read(&body).expect("a request");
    assert_eq!(request.messages[0].parts, [Content::ToolCall(gemini).into(), Content::ToolCall(bedrock).into()]);
    assert_eq!(request.left_out, Vec::<String>::new());
}

#[test]
fn older_words_are_understood() {
    let request = read(
        r#"{"model":"m","functions":[{"name":"f","parameters":{"type":"object"}}],"function_call":{"name":"f"},"messages":[
            {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}},{"role":"function","name":"f","content":"甲"},
            {"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{\"a\":2}"}},{"role":"function","name":"f","content":null}]}"#,
    )
    .expect("a request");
    let said = |parts: Vec<Part>| Message::new(Role::User, parts);
    let called = |call: ToolCall| Message::new(Role::Assistant, vec![Content::ToolCall(call).into()]);
    let expected = [
        called(call("call_0", r#"{"a":1}"#)),
        said(vec![result("call_0", vec![Part::text("甲")])]),
        called(call("call_1", r#"{"a":2}"#)),
        said(vec![result("call_1", vec![])]),
    ];
    assert_eq!(request.messages, expected);
    assert_eq!((request.tools.len(), &request.tool_choice), (1, &Some(ToolChoice::Named("f".to_owned()))));
}

#[test]
fn a_choice_of_all_tools_is_none() {
    let tools = r#","tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"g"}}]"#;
    let f = r#"{"type":"function","function":{"name":"f"}}"#;
    let allowed = |mode: &str, names: &str| {
        let choice = format!(r#"{{"type":"allowed_tools","allowed_tools":{{"mode":"{mode}","tools":[{names}]}}}}"#);
        read(&hello(&format!(r#"{tools},"tool_choice":{choice}"#)))
    };
    let all = format!(r#"{f},{{"type":"custom","custom":{{"name":"g"}}}}"#);
    assert_eq!(allowed("required", &all).expect("a request").tool_choice, Some(ToolChoice::Required));
    assert_eq!(allowed("auto", &all).expect("a request").tool_choice, Some(ToolChoice::Auto));
    assert!(matches!(allowed("auto", f), Err(DialectError::Unsupported { .. })));
    assert_eq!(read_hello(&format!(r#"{tools},"tool_choice":"any""#)).tool_choice, Some(ToolChoice::Required));
}

#[test]
fn an_answers_form_is_read() {
    for (format, expected) in [
        (r#"{"type":"text"}"#, None),
        (r#"{"type":"json_object"}"#, Some(Format::Json)),
        (r#"{"type":"json_schema","json_schema":{"name":"x"}}"#, Some(Format::Json)),
        (
            r#"{"type":"json_object","schema":{"a":1.0}}"#,
            Some(Format::Schema {
                name: "response".to_owned(),
                description: None,
                schema: Raw::parse(r#"{"a":1.0}"#).expect("JSON"),
                strict: None,
            }),
        ),
    ] {
        assert_eq!(read_hello(&format!(r#","response_format":{format}"#)).format, expected, "{format}");
    }
}

#[test]
fn marks_of_a_cache_are_read_and_go_to_who_knows_them() {
    let body = r#"{"model":"m","cache_control":{"type":"ephemeral"},"messages":[
        {"role":"system","content":[{"type":"text","text":"甲","cache_control":{"type":"ephemeral","ttl":"1h"}}]},
        {"role":"user","content":[{"type":"text","text":"乙","prompt_cache_breakpoint":{"mode":"explicit","ttl":"30m"}}]}],
        "tools":[{"type":"function","function":{"name":"f"},"cache_control":{"type":"ephemeral"}}]}"#;
    let request = read(body).expect("a request");
    let mark = |ttl: Option<&str>| Some(Cache { ttl: ttl.map(str::to_owned) });
    let found = [&request.cache, &request.messages[0].parts[0].cache, &request.messages[1].parts[0].cache, &request.tools[0].cache];
    assert_eq!(found, [&mark(None), &mark(Some("1h")), &mark(Some("30m")), &mark(None)]);
    let (body, dropped) = written(&request, Some("gpt-5.6"));
    assert_eq!(
        body["messages"][1]["content"],
        json!([{"type":"text","text":"乙","prompt_cache_breakpoint":{"mode":"explicit","ttl":"30m"}}])
    );
    assert_eq!(dropped, ["cache_control"]);
    assert_eq!(written(&request, None).0["messages"][1], json!({"role":"user","content":"乙"}));
}

#[test]
fn others_than_openai_get_what_all_of_them_know() {
    let (body, dropped) = through(FULL, None);
    let messages = body["messages"].as_array().expect("a list");
    let roles: Vec<&str> = messages.iter().filter_map(|message| message["role"].as_str()).collect();
    assert_eq!(roles, ["system", "system", "user", "assistant", "tool", "tool", "assistant", "user"]);
    let wrapped = json!({"id":"b","type":"function","function":{"name":"g","arguments":"{\"input\":\"纯文本\"}"}});
    assert_eq!(messages[3]["tool_calls"][1], wrapped);
    assert_eq!(messages[6], json!({"role":"assistant","content":"不行"}));
    let schema = json!({"type":"object","properties":{"input":{"type":"string"}},"required":["input"]});
    assert_eq!(body["tools"][2], json!({"type":"function","function":{"name":"g","parameters":schema}}));
    assert_eq!(body["tool_choice"], json!({"type":"function","function":{"name":"g"}}));
    assert_eq!((&body["max_tokens"], body.get("max_completion_tokens")), (&json!(100), None));
    assert_eq!((&body["reasoning_effort"], &body["stream_options"]), (&json!("high"), &json!({"include_usage":true})));
    assert_eq!(dropped, ["format", "name", "verbosity", "user", "service_tier", "prompt_cache_key"]);
}

#[test]
fn openais_models_get_what_they_take() {
    let sampling = r#","temperature":0.5,"top_p":1,"stop":"完","presence_penalty":1,"top_k":5,"seed":1"#;
    let tools = r#","tools":[{"type":"function","function":{"name":"f"}}]"#;
    for (model, members, effort, dropped) in [
        (
            "gpt-4o",
            format!(r#"{sampling},"reasoning_effort":"high","verbosity":"low""#),
            Value::Null,
            vec!["reasoning_effort", "top_k", "verbosity"],
        ),
        ("gpt-4o", r#","reasoning_effort":"none""#.to_owned(), Value::Null, vec![]),
        ("gpt-5", format!(r#"{sampling},"verbosity":"low""#), Value::Null, vec!["temperature", "presence_penalty", "top_k", "stop"]),
        ("gpt-5.2", r#","temperature":0.5,"top_logprobs":1,"logprobs":true"#.to_owned(), Value::Null, vec![]),
        ("gpt-5.2", r#","temperature":0.5,"reasoning_effort":"max""#.to_owned(), json!("xhigh"), vec!["reasoning_effort", "temperature"]),
        ("gpt-5.4", tools.to_owned(), Value::Null, vec![]),
        ("gpt-5.6", tools.to_owned(), json!("none"), vec![]),
        ("gpt-5.6", format!(r#"{tools},"reasoning_effort":"high""#), json!("none"), vec!["reasoning_effort"]),
        ("o3", r#","temperature":1,"reasoning_effort":"xhigh""#.to_owned(), json!("high"), vec!["reasoning_effort"]),
    ] {
        let (body, left) = through(&hello(&members), Some(model));
        assert_eq!((&body["reasoning_effort"], left), (&effort, dropped.iter().map(ToString::to_string).collect()), "{model}{members}");
    }
    for (model, members) in [("gpt-5", r#","logprobs":true"#), ("gpt-6-astra", tools)] {
        assert!(matches!(own(&read_hello(members), model), Err(DialectError::Unsupported { .. })), "{model}{members}");
    }
    let custom = r#","tools":[{"type":"custom","custom":{"name":"f"}}],"reasoning_effort":"high""#;
    assert_eq!(through(&hello(custom), Some("gpt-6-astra")).0["reasoning_effort"], "high");
}

#[test]
fn quirks_are_respected() {
    let quirks = Quirks { echo_reasoning: true, json_schema: false, reasoning_effort: false, ..Quirks::default() };
    let to = Addressee { model: "deepseek-v4", quirks: &quirks };
    let body = r#"{"model":"m","reasoning_effort":"high","messages":[
        {"role":"assistant","reasoning_content":"想","content":"好"},{"role":"assistant","content":"好"},
        {"role":"assistant","reasoning_content":"想","tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]},
        {"role":"assistant","content":"好","tool_calls":[{"id":"b","function":{"name":"f","arguments":""}}]}]}"#;
    let encoded = super::encode(&read(body).expect("a request"), to).expect("a request");
    assert_eq!(encoded.dropped, ["reasoning_effort"]);
    let body: Value = serde_json::from_slice(&encoded.body).expect("JSON");
    let echoed: Vec<&Value> = body["messages"].as_array().expect("a list").iter().map(|message| &message["reasoning_content"]).collect();
    assert_eq!(echoed, [&json!("想"), &Value::Null, &json!("想"), &json!(" ")]);
    assert_eq!(body["messages"][2]["content"], "");
    assert_eq!(body["messages"][3]["tool_calls"][0]["function"]["arguments"], "{}");
    let schema = read_hello(r#","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}"#);
    assert!(matches!(super::encode(&schema, to), Err(DialectError::Unsupported { .. })));
}

#[test]
fn what_tools_gave_back_comes_first_and_images_behind() {
    let image = Content::Image { source: Source::Base64 { media_type: "image/png".to_owned(), data: "QUJD".to_owned() }, detail: None };
    let failed = Content::ToolResult { id: "b".to_owned(), parts: vec![Part::text("坏了")], is_error: true };
    let calls = [call("a", ""), call("b", ""), call("c", "")].map(|call| Content::ToolCall(call).into());
    let parts =
        vec![Part::text("看"), result("a", vec![image.into()]), failed.into(), result("c", vec![Part::text("甲"), Part::text("乙")])];
    let messages = vec![Message::new(Role::Assistant, calls.to_vec()), Message::new(Role::User, parts)];
    let (body, _) = written(&Request { messages, ..Request::default() }, Some("gpt-4o"));
    let expected = json!([
        {"role":"tool","tool_call_id":"a","content":"See what follows."},
        {"role":"tool","tool_call_id":"b","content":"Error: 坏了"},
        {"role":"tool","tool_call_id":"c","content":"甲\n\n乙"},
        {"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},{"type":"text","text":"看"}]},
    ]);
    assert_eq!(
        (&body["messages"].as_array().expect("a list")[1..], &body["messages"][0]["content"]),
        (expected.as_array().expect("a list").as_slice(), &Value::Null)
    );
}

#[test]
fn documents_are_said_as_far_as_they_can() {
    let file = |source| Part::from(Content::File { source, name: Some("名".to_owned()) });
    let base64 = |media_type: &str, data: &str| Source::Base64 { media_type: media_type.to_owned(), data: data.to_owned() };
    let parts = vec![
        file(Source::Text("全文".to_owned())),
        file(base64("text/markdown", "5L2g")),
        file(base64("image/png", "QUJD")),
        file(base64("application/pdf", "QUJD")),
        Part::text(""),
    ];
    let user = |parts| Request { messages: vec![Message::new(Role::User, parts)], ..Request::default() };
    let (body, dropped) = written(&user(parts), None);
    let expected = json!([
        {"type":"text","text":"全文"},
        {"type":"text","text":"你"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,QUJD"}},
        {"type":"file","file":{"filename":"名","file_data":"data:application/pdf;base64,QUJD"}},
    ]);
    assert_eq!((&body["messages"][0]["content"], dropped), (&expected, vec!["filename".to_owned()]));
    assert!(matches!(other(&user(vec![file(Source::Url("https://a.cn".to_owned()))])), Err(DialectError::Unsupported { .. })));
    assert_eq!(written(&user(vec![Part::text(""), Part::text("")]), None).0["messages"][0]["content"], "");
    assert!(matches!(other(&user(vec![])), Err(DialectError::Senseless { .. })));
}

#[test]
fn texts_become_one_where_lists_are_not_taken() {
    let body = turns(
        r#"{"role":"system","content":[{"type":"text","text":"甲"},{"type":"text","text":"乙"}]},
           {"role":"user","content":[{"type":"text","text":"丙"},{"type":"text","text":"丁"}]},
           {"role":"assistant","content":[{"type":"text","text":"戊"},{"type":"text","text":"己"}]}"#,
    );
    let (body, _) = through(&body, None);
    let contents: Vec<&Value> = body["messages"].as_array().expect("a list").iter().map(|message| &message["content"]).collect();
    let list = json!([{"type":"text","text":"丙"},{"type":"text","text":"丁"}]);
    assert_eq!(contents, [&json!("甲\n\n乙"), &list, &json!("戊己")]);
}

#[test]
fn what_others_signed_goes_nowhere() {
    let signature = Some(Signature::new(Kind::Anthropic, Form::Signed, "S"));
    let parts = vec![
        Content::Reasoning(Thought { text: "想".to_owned(), signature: signature.clone(), id: None }).into(),
        Content::Text(Text { text: "好".to_owned(), citations: Vec::new(), signature: signature.clone() }).into(),
        Content::ToolCall(ToolCall { signature, ..call("toolu_01A09q90qw90lq917835lq9_and_much_longer_than_that", "{}") }).into(),
    ];
    let results = vec![result("toolu_01A09q90qw90lq917835lq9_and_much_longer_than_that", vec![])];
    let messages = vec![Message::new(Role::Assistant, parts), Message::new(Role::User, results)];
    let (body, dropped) = written(&Request { messages, ..Request::default() }, Some("gpt-4o"));
    assert_eq!(dropped, ["thought_signature", "reasoning_content"]);
    let (calling, answering) = (&body["messages"][0]["tool_calls"][0]["id"], &body["messages"][1]["tool_call_id"]);
    assert_eq!((calling, calling.as_str().map(str::len)), (answering, Some(40)));
    assert!(!body.to_string().contains("llmgw.") && !body.to_string().contains("\"S\""));
}

#[test]
fn an_identifier_is_cut_and_a_choice_needs_tools() {
    let user = "用".repeat(200);
    let (body, dropped) =
        through(&hello(&format!(r#","user":"{user}","tool_choice":"required","parallel_tool_calls":true"#)), Some("gpt-4o"));
    assert_eq!(body["safety_identifier"].as_str().map(|text| text.chars().count()), Some(128));
    assert_eq!((dropped, body.get("tool_choice"), body.get("parallel_tool_calls")), (vec!["tool_choice".to_owned()], None, None));
}

#[test]
fn a_hundred_tools_are_fine() {
    let tools: Vec<Tool> = (0..100)
        .map(|number| Tool {
            name: format!("f{number}"),
            description: None,
            input: ToolInput::Function { schema: Raw::parse(r#"{"type":"object"}"#), strict: Some(false) },
            cache: None,
        })
        .collect();
    let messages = vec![Message::new(Role::User, vec![Part::text("好")])];
    let encoded = own(&Request { tools, messages, ..Request::default() }, "gpt-4o").expect("a request");
    let again = super::super::Chat.decode_request(&encoded.body).expect("a request");
    assert_eq!((again.tools.len(), &again.tools[99].name), (100, &"f99".to_owned()));
    assert!(super::super::Chat.glance(&encoded.body.into()).is_some());
}
