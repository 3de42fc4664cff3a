use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use proptest::prelude::{any, proptest};
use serde_json::{Value, json};

use super::TextCompletion;
use crate::dialects::sse::{Frame, Framer};
use crate::dialects::{Addressee, ClientDialect, DialectError, Occasion, UpstreamDialect};
use crate::hub::{Answer, ApiError, Event, FinishReason, Message, Part, Quirks, Request, Role, Usage};

fn read(body: &str) -> Result<Request, DialectError> {
    TextCompletion.decode_request(body.as_bytes())
}

fn occasion(include_usage: bool) -> Occasion {
    let request = Request { model: "模型".to_owned(), include_usage, ..Request::default() };
    Occasion { request: Arc::new(request), now: 9, seed: 1 }
}

fn written(include_usage: bool, events: impl IntoIterator<Item = Event>) -> String {
    let (mut encoder, mut out) = (TextCompletion.encoder(occasion(include_usage)), BytesMut::new());
    events.into_iter().for_each(|event| encoder.encode(event, &mut out));
    encoder.end(&mut out);
    String::from_utf8(out.to_vec()).expect("UTF-8")
}

fn said() -> Vec<Event> {
    vec![
        Event::Start { id: "cmpl-1".to_owned(), model: "m".to_owned() },
        Event::Reasoning("想".to_owned()),
        Event::Text("从前".to_owned()),
        Event::Text("有座山".to_owned()),
        Event::Usage(Usage { input: 3, output: 4, ..Usage::default() }),
        Event::Finish(FinishReason::Length),
    ]
}

#[test]
fn a_prompt_is_what_the_user_says() {
    let request = read(
        r#"{"model":"m","prompt":["从前"],"max_tokens":16,"temperature":0,"top_p":1,"stop":"完","seed":3,"user":"u","n":1,"best_of":1,
            "echo":false,"suffix":null,"logprobs":null,"logit_bias":{},"stream":true,"stream_options":{"include_usage":true}}"#,
    )
    .expect("a request");
    assert_eq!(request.messages, [Message::new(Role::User, vec![Part::text("从前")])]);
    assert_eq!((request.max_tokens, &request.stop[..], request.user.as_deref()), (Some(16), &["完".to_owned()][..], Some("u")));
    assert_eq!((request.sampling.temperature, request.sampling.seed), (Some(0.0), Some(3)));
    assert!(request.stream && request.include_usage);
    assert_eq!(request.left_out, ["logit_bias"]);
    assert_eq!(read(r#"{"model":"m","prompt":"从前"}"#).expect("a request").messages, request.messages);
}

#[test]
fn what_no_chat_can_do_is_refused() {
    for (members, feature) in [
        (r#""prompt":["甲","乙"]"#, "more than one prompt (`prompt`)"),
        (r#""prompt":[1,2]"#, "a prompt in tokens (`prompt`)"),
        (r#""prompt":[[1,2]]"#, "a prompt in tokens (`prompt`)"),
        (r#""prompt":"甲","suffix":"乙""#, "a text before a suffix (`suffix`)"),
        (r#""prompt":"甲","echo":true"#, "the prompt repeated (`echo`)"),
        (r#""prompt":"甲","logprobs":0"#, "log probabilities of a completion (`logprobs`)"),
        (r#""prompt":"甲","n":2"#, "more than one choice (`n`)"),
        (r#""prompt":"甲","best_of":2"#, "more than one choice (`best_of`)"),
    ] {
        let refused = read(&format!(r#"{{"model":"m",{members}}}"#));
        assert_eq!(refused, Err(DialectError::Unsupported { feature: feature.to_owned().into() }), "{members}");
    }
    for (body, message) in [
        (r#"{"model":"m"}"#, "`prompt` is missing"),
        (r#"{"model":"m","prompt":7}"#, "`prompt` must be a string"),
        (r#"{"model":"m","prompt":[]}"#, "`prompt` must be a string"),
        (r#"{"model":"m","prompt":"甲","max_tokens":"x"}"#, "`max_tokens` must be a number of tokens"),
    ] {
        assert_eq!(read(body).expect_err(body).to_string(), message);
    }
}

#[test]
fn a_reply_is_a_text() {
    let body = TextCompletion.encode_response(Answer::of(said()), &occasion(false));
    let expected = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 9, "model": "m",
        "choices": [{"text": "从前有座山", "index": 0, "logprobs": null, "finish_reason": "length"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7,
            "prompt_tokens_details": {"cached_tokens": 0}, "completion_tokens_details": {"reasoning_tokens": 0}},
    });
    assert_eq!(serde_json::from_slice::<Value>(&body).expect("JSON"), expected);
    let again = TextCompletion.decode_response(&body).expect("a reply");
    assert_eq!((again.parts, again.finish), (vec![Part::text("从前有座山")], Some(FinishReason::Length)));
    let refused = TextCompletion.encode_response(Answer::of([Event::Refusal("不行".to_owned())]), &occasion(false));
    let refused: Value = serde_json::from_slice(&refused).expect("JSON");
    assert_eq!((&refused["choices"][0]["text"], &refused["choices"][0]["finish_reason"]), (&json!("不行"), &json!("stop")));
    assert_eq!((&refused["id"], &refused["model"]), (&json!("cmpl-00000000000000010000"), &json!("模型")));
}

#[test]
fn a_stream_is_a_text_in_pieces() {
    let head = r#"data: {"id":"cmpl-1","object":"text_completion","created":9,"model":"m","choices":["#;
    let piece = |text: &str, finish: &str| format!(r#"{head}{{"text":"{text}","index":0,"logprobs":null,"finish_reason":{finish}}}]"#);
    let bare = [piece("从前", "null"), piece("有座山", "null"), piece("", "\"length\"")].map(|piece| piece + "}\n\n").concat();
    assert_eq!(written(false, said()), format!("{bare}data: [DONE]\n\n"));
    let with_usage = written(true, said());
    assert_eq!(with_usage.matches(r#","usage":null}"#).count(), 3);
    assert!(with_usage.contains(&format!(r#"{head}],"usage":{{"prompt_tokens":3,"completion_tokens":4,"#)));
}

#[test]
fn a_stream_may_be_cut_anywhere() {
    let stream = written(true, said());
    let read = |chunks: [&[u8]; 2]| {
        let (mut framer, mut decoder, mut events) = (Framer::new(), TextCompletion.decoder(), Vec::new());
        for chunk in chunks {
            framer.push(Bytes::copy_from_slice(chunk)).expect("small");
            while let Some(frame) = framer.next_frame() {
                decoder.decode(&frame, &mut events).expect("a chunk");
            }
        }
        Answer::of(events)
    };
    let expected = read([stream.as_bytes(), b""]);
    assert_eq!((&expected.parts[..], &expected.finish), (&[Part::text("从前有座山")][..], &Some(FinishReason::Length)));
    for cut in 0..=stream.len() {
        let (begin, end) = stream.as_bytes().split_at(cut);
        assert_eq!(read([begin, end]), expected, "{cut}");
    }
}

#[test]
fn an_error_is_the_last_word() {
    let failed = ApiError { message: "过载".to_owned(), kind: String::new(), code: "502".to_owned() };
    let stream = written(true, [Event::Text("从前".to_owned()), Event::Error(failed.clone()), Event::Text("有".to_owned())]);
    assert_eq!(stream.matches("data: ").count(), 2);
    assert!(stream.as_bytes().ends_with(&TextCompletion.encode_stream_error(&failed)));
    let body: Value = serde_json::from_slice(&TextCompletion.encode_error(429, &failed)).expect("JSON");
    assert_eq!(body["error"], json!({"message":"过载","type":"rate_limit_error","param":null,"code":"502"}));
}

#[test]
fn no_request_is_translated_for_it() {
    let to = Addressee { model: "m", quirks: &Quirks::default() };
    assert!(matches!(TextCompletion.encode_request(&Request::default(), to), Err(DialectError::Unsupported { .. })));
    let frame = Frame::from_data(r#"{"choices":[{"text":"从","finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#);
    let chunk = TextCompletion.chunk(&frame);
    assert!(chunk.content && chunk.finish && chunk.usage.is_some() && TextCompletion.is_of_interest(frame.bytes()));
    assert!(TextCompletion.glance(&Bytes::from_static(br#"{"error":{"message":"m"}}"#)).expect("JSON").error.is_some());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100), prompt: String) {
        let body = json!({ "model": "m", "prompt": prompt, "stop": [prompt] }).to_string();
        for body in [bytes.as_slice(), body.as_bytes()] {
            let _ = (TextCompletion.decode_request(body), TextCompletion.decode_response(body));
            let _ = TextCompletion.decoder().decode(&Frame::from_data(&String::from_utf8_lossy(body)), &mut Vec::new());
        }
    }
}
