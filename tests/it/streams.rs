//! A stream moves on before its first content and never after; what it says reaches the client once.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::BodyExt;
use llmgw::transport::TransportError;
use llmgw::transport::memory::Step;
use serde_json::Value;

use crate::gateway::{Gateway, TWO_ROUTES, content, done, finish, frame, role, said, says, streams, text, usage};

fn overloaded() -> Step {
    frame(r#"{"error":{"message":"overloaded","type":"server_error","code":"overloaded"}}"#)
}

fn reset() -> Step {
    Step::Fail(TransportError::Broken("reset".to_owned()))
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_before_its_content_moves_on() {
    let beginnings = [
        vec![overloaded()],
        vec![role(), overloaded()],
        vec![role(), reset()],
        vec![role()],
        vec![Step::Send(Bytes::from_static(b": hello\n\n")), reset()],
        vec![frame("{not json")],
        vec![role(), usage(), Step::Hang],
        vec![],
    ];
    for beginning in beginnings {
        let case = format!("{beginning:?}");
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(beginning)).upstream("b", says("你好")).start();
        let reply = gateway.stream("gpt-4").await.unwrap_or_else(|error| panic!("{case}: {error}"));
        assert_eq!(reply.trace.provider, "b", "{case}");
        assert_eq!(said(&text(reply).await.expect("whole")), "你好", "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_fails_after_its_content_tells_the_client_and_says_nothing_twice() {
    let endings = [vec![overloaded()], vec![reset()], vec![], vec![Step::Hang]];
    for ending in endings {
        let case = format!("{ending:?}");
        let mut steps = vec![role(), content("你")];
        steps.extend(ending);
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps)).upstream("b", says("好")).start();
        let reply = gateway.stream("gpt-4").await.expect("an answer");
        assert_eq!(reply.trace.provider, "a");
        let stream = text(reply).await.expect("a cleanly ended body");
        let last = stream.trim_end().rsplit("\n\n").next().expect("a frame").strip_prefix("data: ").expect("data");
        let error: Value = serde_json::from_str(last).expect("JSON");
        assert!(error["error"]["message"].is_string(), "{case}: {stream}");
        assert!(!stream.contains("[DONE]"), "{case}");
        assert_eq!((said(&stream).as_str(), gateway.received("b")), ("你", 0), "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_complete_with_its_terminator_or_a_finish_reason_and_a_clean_end() {
    let endings = [
        vec![finish("stop"), done()],
        vec![done()],
        vec![finish("stop")],
        vec![finish("stop"), Step::Send(Bytes::from_static(b"data: [DONE]"))],
    ];
    for ending in endings {
        let case = format!("{ending:?}");
        let mut steps = vec![content("好")];
        steps.extend(ending);
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps)).upstream("b", says("坏")).start();
        let stream = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("whole");
        assert!(!stream.contains("error"), "{case}: {stream}");
        assert_eq!(said(&stream), "好", "{case}");
    }
}

#[tokio::test(start_paused = true)]
async fn usage_is_asked_for_and_its_chunk_kept_from_a_client_that_did_not_ask() {
    let steps = || vec![role(), content("好"), finish("stop"), usage(), done()];
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps())).upstream("b", says("坏")).start();
    let stream = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("whole");
    let sent: Value = serde_json::from_str(&gateway.last_body("a")).expect("JSON");
    assert_eq!(sent["stream_options"]["include_usage"], true);
    assert!(!stream.contains("prompt_tokens") && stream.ends_with("data: [DONE]\n\n"), "{stream}");

    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps())).upstream("b", says("坏")).start();
    let mut body = crate::gateway::question("gpt-4");
    body["stream"] = Value::Bool(true);
    body["stream_options"] = serde_json::json!({ "include_usage": true });
    let stream = text(gateway.engine.chat(gateway.job(&body)).await.expect("an answer")).await.expect("whole");
    assert!(stream.contains("prompt_tokens"), "{stream}");
}

#[tokio::test(start_paused = true)]
async fn bytes_go_out_as_they_came_in_whatever_the_chunks() {
    let whole = "data: {\"choices\":[{\"delta\":{\"content\":\"你好\"}}]}\r\n\r\n: 注释\n\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    for size in [1, 2, 7, whole.len()] {
        let steps = whole.as_bytes().chunks(size).map(|chunk| Step::Send(Bytes::copy_from_slice(chunk))).collect();
        let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps)).upstream("b", says("坏")).start();
        let stream = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("whole");
        assert_eq!(stream, whole, "chunks of {size}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_an_error_event() {
    let both = Step::Send(Bytes::from_static(b"data: {\"error\":{\"message\":\"overloaded\"}}\n\ndata: [DONE]\n\n"));
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(vec![content("你"), both])).upstream("b", says("坏")).start();
    let stream = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("a cleanly ended body");
    assert!(stream.contains("overloaded") && !stream.contains("[DONE]"), "{stream}");
}

#[tokio::test(start_paused = true)]
async fn too_much_start_up_is_committed_rather_than_held() {
    let mut steps: Vec<Step> = (0..70).map(|_| role()).collect();
    steps.push(overloaded());
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps)).upstream("b", says("好")).start();
    let reply = gateway.stream("gpt-4").await.expect("an answer");
    assert_eq!(reply.trace.provider, "a");
    assert!(text(reply).await.expect("whole").contains("overloaded"));
}

#[tokio::test(start_paused = true)]
async fn pings_do_not_extend_the_wait_for_content() {
    let pings = (0..1000).flat_map(|_| [Step::Wait(Duration::from_secs(5)), Step::Send(Bytes::from_static(b": ping\n\n"))]).collect();
    let config = TWO_ROUTES.replace("models: [m-a]", "models: [m-a], timeout: { first_content: 30s }");
    let gateway = Gateway::with(&config).upstream("a", streams(pings)).upstream("b", says("好")).start();
    let begun = tokio::time::Instant::now();
    assert_eq!(gateway.stream("gpt-4").await.expect("an answer").trace.provider, "b");
    assert_eq!(begun.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_stream_may_take_its_time_but_not_fall_silent() {
    let mut steps: Vec<Step> = (0..100).flat_map(|_| [content("好"), Step::Wait(Duration::from_secs(100))]).collect();
    steps.extend([Step::Wait(Duration::from_secs(100)), content("晚")]);
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(steps)).upstream("b", says("坏")).start();
    let stream = text(gateway.stream("gpt-4").await.expect("an answer")).await.expect("whole");
    assert_eq!(said(&stream).chars().count(), 100);
    assert!(stream.contains("nothing came for 2m"), "{}", &stream[stream.len() - 300..]);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_stream_frees_its_slot_at_once() {
    let gateway = Gateway::with(TWO_ROUTES).upstream("a", streams(vec![content("好"), Step::Hang])).upstream("b", says("坏")).start();
    let mut reply = gateway.stream("gpt-4").await.expect("an answer");
    reply.body.frame().await.expect("a frame").expect("no error");
    assert_eq!(gateway.engine.status().providers[0].in_flight, 1);
    drop(reply);
    assert_eq!((gateway.engine.status().providers[0].in_flight, gateway.engine.in_flight()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_stays_silent_is_left_when_its_first_content_is_due() {
    let config = TWO_ROUTES.replace("models: [m-a]", "models: [m-a], timeout: { first_byte: 10s, first_content: 30s }");
    // The head comes in time, and a role; nothing is said.
    let gateway = Gateway::with(&config).upstream("a", streams(vec![role(), Step::Hang])).upstream("b", says("好")).start();
    let begun = tokio::time::Instant::now();
    let reply = gateway.stream("gpt-4").await.expect("an answer");
    assert_eq!((reply.trace.provider.as_str(), begun.elapsed().as_secs()), ("b", 30));
    assert_eq!(said(&text(reply).await.expect("whole")), "好");
    assert_eq!((gateway.given_up("a"), gateway.in_flight()), (1, 0));
    assert_eq!(gateway.engine.status().providers[0].last_error.as_deref(), Some("no content within 30s"));
}
