//! Inputs that no careful program would write, and every careful program must read.

use bytes::Bytes;
use llmgw::config::Params;
use proptest::collection::vec;
use proptest::prelude::{Just, Strategy, any, prop_oneof};
use proptest::sample::select;
use serde_json::{Value, json};

/// Names that llmgw looks at, some in disguise, and some that it does not.
const KEYS: [&str; 17] = [
    r#""model""#,
    r#""mod\u0065l""#,
    r#""\u006dodel""#,
    r#""Model""#,
    r#""stream""#,
    r#""stre\u0061m""#,
    r#""stream_options""#,
    r#""messages""#,
    r#""max_tokens""#,
    r#""max_completion_tokens""#,
    r#""user""#,
    r#""a""#,
    r#""b""#,
    r#""\u0062""#,
    r#""模型""#,
    r#""\"\\\/\n""#,
    r#""""#,
];

/// Values with corners.
const VALUES: [&str; 24] = [
    "null",
    "true",
    "false",
    "0",
    "-0",
    "1e3",
    "1E+400",
    "-1.50",
    "123456789012345678901234567890",
    "0.1e-9999",
    r#""""#,
    r#""gpt-4""#,
    r#""a\u0000\ud83d\ude00""#,
    r#""\ud800""#,
    r#""你好 {[,:\" \\""#,
    "[]",
    "{}",
    "[1 , {\"x\" : [ ]}]",
    r#"{"include_usage":true}"#,
    r#"{"include_usage" : false, "include_obfuscation":false}"#,
    r#"{"model":"inner","model":1}"#,
    "99999",
    "3",
    "7.5",
];

/// Blanks as JSON allows them.
fn blank() -> impl Strategy<Value = &'static str> {
    select(vec!["", "", "", " ", "\n", "\t", "\r\n", "  "])
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![select(VALUES.to_vec()).prop_map(str::to_owned), any::<f64>().prop_filter_map("a number", number), text()];
    leaf.prop_recursive(4, 16, 4, |inner| prop_oneof![vec((blank(), inner.clone(), blank()), 0..4).prop_map(list), members(inner)])
}

fn number(number: f64) -> Option<String> {
    serde_json::Number::from_f64(number).map(|number| number.to_string())
}

fn text() -> impl Strategy<Value = String> {
    ".{0,8}".prop_map(|text| serde_json::Value::from(text).to_string())
}

fn list(items: Vec<(&str, String, &str)>) -> String {
    let items: Vec<String> = items.into_iter().map(|(before, item, after)| format!("{before}{item}{after}")).collect();
    format!("[{}]", items.join(","))
}

fn members(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let key = prop_oneof![4 => select(KEYS.to_vec()).prop_map(str::to_owned), 1 => text()];
    let member = (blank(), key, blank(), blank(), value, blank());
    (vec(member, 0..7), blank()).prop_map(|(members, inside)| {
        let members: Vec<String> = members.into_iter().map(|(a, key, b, c, value, d)| format!("{a}{key}{b}:{c}{value}{d}")).collect();
        if members.is_empty() { format!("{{{inside}}}") } else { format!("{{{}}}", members.join(",")) }
    })
}

/// A JSON object in odd dress, duplicates and all.
pub fn object() -> impl Strategy<Value = String> {
    (blank(), members(value()), blank()).prop_map(|(before, object, after)| format!("{before}{object}{after}"))
}

/// The same with a few bytes changed, taken out or cut off: often no JSON any more.
pub fn damaged(whole: impl Strategy<Value = Bytes>) -> impl Strategy<Value = Bytes> {
    let change = (any::<proptest::sample::Index>(), prop_oneof![Just(None), any::<u8>().prop_map(Some)]);
    (whole, vec(change, 0..4)).prop_map(|(whole, changes)| {
        let mut bytes = whole.to_vec();
        for (place, byte) in changes {
            if bytes.is_empty() {
                break;
            }
            let at = place.index(bytes.len());
            match byte {
                Some(0) => bytes.truncate(at),
                Some(byte) => bytes[at] = byte,
                None => drop(bytes.remove(at)),
            }
        }
        Bytes::from(bytes)
    })
}

/// A reply, whole or a chunk of one, in the shapes of many vendors and in none.
pub fn reply() -> impl Strategy<Value = Value> {
    const NAMES: [&str; 23] = [
        "choices",
        "choices",
        "choices",
        "error",
        "usage",
        "base_resp",
        "status_code",
        "status_msg",
        "x_groq",
        "delta",
        "message",
        "content",
        "finish_reason",
        "prompt_tokens",
        "completion_tokens",
        "total_tokens",
        "code",
        "type",
        "detail",
        "msg",
        "tool_calls",
        "text",
        "reasoning_content",
    ];
    let leaf = select(vec![
        json!(null),
        json!("stop"),
        json!("限\n流"),
        json!(""),
        json!(1004),
        json!(-1),
        json!(0.5),
        json!(true),
        json!("长".repeat(500)),
    ]);
    let inner = leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            1 => vec(inner.clone(), 0..3).prop_map(Value::from),
            3 => vec((select(NAMES.to_vec()), inner), 0..5).prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()),
        ]
    });
    vec((select(NAMES.to_vec()), inner), 0..5)
        .prop_map(|members| members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// A stream of events, comments and noise, with any line ends.
pub fn events() -> impl Strategy<Value = Bytes> {
    const PIECES: [&[u8]; 22] = [
        b"data: ",
        b"data:",
        b"data",
        b"data:  two",
        b"data : no",
        b"event: ping",
        b"id: 7",
        b"retry: 10",
        b": keep-alive",
        b":",
        b"\n",
        b"\n",
        b"\n\n",
        b"\r",
        b"\r\n",
        b"\r\n\r\n",
        b"\xef\xbb\xbf",
        b"[DONE]",
        b"{\"choices\":[]}",
        "你好".as_bytes(),
        b"\xe4\xbd",
        b"\0\xff",
    ];
    (any::<bool>(), vec(select(PIECES.to_vec()), 0..24)).prop_map(|(mark, pieces)| {
        let mark: &[u8] = if mark { b"\xef\xbb\xbf" } else { b"" };
        std::iter::once(mark).chain(pieces).flatten().copied().collect()
    })
}

/// A form: its boundary, its content type and its body.
pub fn form() -> impl Strategy<Value = (String, Bytes)> {
    const NAMES: [&str; 13] = [
        "name=\"model\"",
        "name=model",
        "name=\"file\"; filename=\"model; name=model.wav\"",
        "filename=\"a\\\"; name=\\\"model\\\".wav\"; name=\"file\"",
        "name=\"stream\"",
        "NAME = \"model\"",
        "name=\"模型\"",
        "filename=\"x\"",
        "x=\"\\\"; name=foo; y=\"; name=\"model\"",
        "name=\"file\"; name=\"model\"",
        "x; name=model",
        "x=\"a\"b; name=model",
        "filename=\"a\"\r\n ;name=\"model\"",
    ];
    let value = prop_oneof![
        vec(any::<u8>(), 0..20),
        select(vec!["whisper-1", " 语音 ", "true", "", "\r\n", "--", "\r\n--", "\r\n--b", "--b--", "x\r\n--bb\r\nname=\"model\"\r\n\r\n"])
            .prop_map(|text| text.into())
    ];
    let part = (select(NAMES.to_vec()), any::<bool>(), value);
    let around = select(vec!["", "", "preamble\r\n", "--", "x--b\r\n", "\r\n"]);
    (select(vec!["b", "\"b\"", "\"a b\"", "----WebKitFormBoundaryÄ"]), around, vec(part, 0..5), any::<bool>()).prop_map(
        |(boundary, preamble, parts, whole)| {
            let bare = boundary.trim_matches('"');
            let mut body = preamble.as_bytes().to_vec();
            for (name, has_type, value) in parts {
                let content_type = if has_type { "\r\nContent-Type: audio/wav" } else { "" };
                body.extend(format!("--{bare}\r\nContent-Disposition: form-data; {name}{content_type}\r\n\r\n").into_bytes());
                body.extend(value);
                body.extend(b"\r\n");
            }
            body.extend(format!("--{bare}{}\r\n", if whole { "--" } else { "" }).into_bytes());
            (format!("multipart/form-data; charset=utf-8; boundary={boundary}"), Bytes::from(body))
        },
    )
}

/// A configuration that must load.
pub fn configuration() -> impl Strategy<Value = Value> {
    let provider = (0..3_usize, 0..5_u32, vec(select(vec!["gpt-4o", "qwen/qwen3:8b", "模型-1"]), 0..3), params(), any::<bool>());
    let model =
        (select(vec!["priority", "weighted", "round_robin", "least_busy", "fastest", "cheapest"]), vec((0..9_usize, params()), 1..4));
    (vec(provider, 1..4), vec(model, 0..4), 1..600_u32).prop_map(|(providers, models, seconds)| {
        let count = providers.len();
        let providers: Vec<Value> = providers.into_iter().enumerate().map(|(at, provider)| of_provider(at, provider)).collect();
        let models = models.into_iter().enumerate().map(|(at, (strategy, routes))| {
            let routes: Vec<Value> = routes
                .into_iter()
                .map(|(provider, params)| json!({ "provider": format!("p{}", provider % count), "model": format!("m{provider}"), "params": params }))
                .collect();
            (format!("名{at}"), json!({ "strategy": strategy, "routes": routes, "fallback": ["名0"] }))
        });
        let models: serde_json::Map<String, Value> = models.collect();
        let routing = json!({ "deadline": format!("{seconds}s"), "max_attempts": seconds % 5 });
        json!({ "server": { "port": seconds }, "providers": providers, "models": models, "routing": routing })
    })
}

fn of_provider(at: usize, (kind, priority, models, params, enabled): (usize, u32, Vec<&str>, Value, bool)) -> Value {
    let mut models: Vec<&str> = models;
    models.dedup();
    let mut provider = json!({ "name": format!("p{at}"), "priority": priority, "enabled": enabled || at == 0, "params": params });
    let own = match kind {
        0 => json!({ "type": "mock", "latency": "20ms" }),
        1 => json!({ "type": "openai", "base_url": "http://127.0.0.1:1/v1", "api_key": "${KEY}", "headers": { "X-Team": "队" } }),
        _ => {
            json!({ "type": "request", "base_url": "https://a.example/v1", "auth": { "token": "${KEY}" }, "timeout": { "connect": "1s" } })
        }
    };
    for (key, value) in own.as_object().into_iter().flatten() {
        provider[key] = value.clone();
    }
    if !models.is_empty() {
        provider["models"] = json!(models);
    }
    provider
}

/// Changes to bodies, as the file has them.
fn params() -> impl Strategy<Value = Value> {
    changes().prop_map(|params| {
        let rename: serde_json::Map<String, Value> = params.rename.into_iter().map(|(from, to)| (from, json!(to))).collect();
        let set: serde_json::Map<String, Value> = params.set.into_iter().collect();
        json!({ "drop": params.drop, "rename": rename, "set": set, "max_tokens": params.max_tokens })
    })
}

/// Changes to bodies, as the engine has them.
pub fn changes() -> impl Strategy<Value = Params> {
    let name =
        || select(vec!["max_tokens", "max_completion_tokens", "user", "a", "b", "模型", "stream_options", "new"]).prop_map(str::to_owned);
    let set = select(vec![json!(null), json!(7), json!("网关"), json!({ "include_usage": true }), json!([1.5, {}])]);
    (vec(name(), 0..3), vec((name(), name()), 0..3), vec((name(), set), 0..3), proptest::option::of(1..100_u64))
        .prop_map(|(drop, rename, set, max_tokens)| Params { drop, rename, set, max_tokens })
}

/// A text that is nearly a configuration: lines of real ones, torn and thrown together.
pub fn nearly_a_configuration() -> impl Strategy<Value = String> {
    let line = prop_oneof![4 => (any::<proptest::sample::Index>(), 0..10_usize).prop_map(torn), 1 => select(NOISE.to_vec()).prop_map(str::to_owned)];
    let run = (any::<proptest::sample::Index>(), 1..12_usize).prop_map(|(from, count)| {
        let lines: Vec<&str> = EXAMPLES.lines().collect();
        let from = from.index(lines.len());
        lines[from..(from + count).min(lines.len())].join("\n")
    });
    vec(prop_oneof![line, run], 0..8).prop_map(|lines| lines.join("\n"))
}

/// Real configurations.
const EXAMPLES: &str = concat!(
    include_str!("../../../config/examples/full.yaml"),
    include_str!("../../../config/examples/failover.yaml"),
    include_str!("../../../config/examples/china.yaml")
);

/// What YAML makes something of.
const NOISE: [&str; 20] = [
    "---",
    "...",
    "\u{feff}",
    "\t- a",
    "&a [*a]",
    "<<: *x",
    "? [a]",
    "!!int x",
    "- - - -",
    "{a: {b: [",
    "\"\\u4f60",
    "'",
    "providers: &p",
    "  - *p",
    "|\n  block",
    "k: >-\n\n  folded",
    "\r",
    "api_key: ${KEY}",
    "${",
    "：“”",
];

fn torn((place, keep): (proptest::sample::Index, usize)) -> String {
    let lines: Vec<&str> = EXAMPLES.lines().collect();
    let line = lines[place.index(lines.len())];
    // Most lines whole, some cut off.
    if keep < 7 { line.to_owned() } else { line.chars().take(line.chars().count() * keep / 12).collect() }
}
