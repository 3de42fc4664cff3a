//! Replies, printed into memory.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{Full, StreamBody};
use indicatif::ProgressBar;

use super::{Answer, Failure, Format, Said};
use crate::cli::output::Terminal;
use crate::cli::output::captured::{Captured, Pipe, printer};

fn headers(content_type: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))])
}

/// Prints `text` as an event stream that arrives in pieces of `size` bytes.
async fn streamed(text: &str, size: usize, format: Format) -> (anyhow::Result<Said>, Captured) {
    let (printer, captured) = printer(Terminal::default());
    let pieces: Vec<_> =
        text.as_bytes().chunks(size).map(|piece| Ok::<_, Infallible>(Frame::data(Bytes::copy_from_slice(piece)))).collect();
    let body = StreamBody::new(stream::iter(pieces));
    let mut answer = Answer::new(&printer, ProgressBar::hidden(), format);
    let ended = answer.print(StatusCode::OK, &headers("text/event-stream; charset=utf-8"), body).await;
    (ended, captured)
}

async fn whole(status: StatusCode, body: &'static str, format: Format) -> (anyhow::Result<Said>, Captured) {
    let (printer, captured) = printer(Terminal::default());
    let mut answer = Answer::new(&printer, ProgressBar::hidden(), format);
    let ended = answer.print(status, &headers("application/json"), Full::new(Bytes::from_static(body.as_bytes()))).await;
    (ended, captured)
}

fn message(ended: anyhow::Result<Said>) -> String {
    ended.unwrap_err().downcast::<Failure>().unwrap().message
}

const STREAM: &str = "\
: keepalive

data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}

data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"我是\"}}]}

data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"模型\"},\"finish_reason\":\"length\"}]}

data: [DONE]

";

#[tokio::test]
async fn text_is_whole_however_the_bytes_are_cut() {
    for size in [1, 7, 4096] {
        let (ended, captured) = streamed(STREAM, size, Format::Text).await;
        assert_eq!(ended.unwrap().text, "我是模型");
        assert_eq!(captured.stdout.text(), "我是模型\n");
        assert_eq!(captured.stderr.text(), "note: the answer was cut off at the token limit (`--max-tokens`)\n");
    }
}

/// A body that notes what stood on stdout when it was dropped, which is when a request's line is written to the log.
struct Noting<B> {
    body: B,
    stdout: Pipe,
    at_the_end: Arc<Mutex<String>>,
}

impl<B: Body<Data = Bytes, Error = Infallible> + Unpin> Body for Noting<B> {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Pin::new(&mut self.body).poll_frame(context)
    }
}

impl<B> Drop for Noting<B> {
    fn drop(&mut self) {
        *self.at_the_end.lock().unwrap() = self.stdout.text();
    }
}

#[tokio::test]
async fn the_line_is_ended_before_the_log_says_how_it_went() {
    let (printer, captured) = printer(Terminal::default());
    let at_the_end = Arc::default();
    let body = Noting { body: Full::from(STREAM), stdout: captured.stdout.clone(), at_the_end: Arc::clone(&at_the_end) };
    let mut answer = Answer::new(&printer, ProgressBar::hidden(), Format::Text);
    answer.print(StatusCode::OK, &headers("text/event-stream"), body).await.unwrap();
    assert_eq!(*at_the_end.lock().unwrap(), "我是模型\n");
}

#[tokio::test]
async fn chunks_are_one_object_a_line() {
    let (ended, captured) = streamed(STREAM, 4096, Format::Jsonl).await;
    assert_eq!(ended.unwrap().text, "我是模型");
    let lines: Vec<serde_json::Value> = captured.stdout.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[1]["choices"][0]["delta"]["content"], "我是");
}

#[tokio::test]
async fn an_error_within_the_stream_keeps_what_was_printed() {
    let text = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"half\"}}]}\n\ndata: {\"error\":{\"message\":\"overloaded\"}}\n\n";
    let (ended, captured) = streamed(text, 4096, Format::Text).await;
    assert_eq!(message(ended), "the answer broke off: overloaded");
    assert_eq!(captured.stdout.text(), "half\n");
}

#[tokio::test]
async fn a_whole_answer_is_its_text_or_the_object() {
    const BODY: &str = r#"{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"你好"},"finish_reason":"stop"}]}"#;
    let (ended, captured) = whole(StatusCode::OK, BODY, Format::Text).await;
    assert_eq!((ended.unwrap().text.as_str(), captured.stdout.text().as_str()), ("你好", "你好\n"));
    let (_, captured) = whole(StatusCode::OK, BODY, Format::Json).await;
    assert_eq!(serde_json::from_str::<serde_json::Value>(&captured.stdout.text()).unwrap()["id"], "x");
    let (_, captured) = whole(StatusCode::OK, BODY, Format::Jsonl).await;
    assert_eq!(captured.stdout.text(), format!("{BODY}\n"));
}

#[tokio::test]
async fn a_refusal_is_told_in_the_upstreams_words() {
    let (ended, captured) = whole(StatusCode::BAD_REQUEST, r#"{"error":{"message":"too long"}}"#, Format::Text).await;
    assert_eq!(message(ended), "the upstream answered 400 Bad Request: too long");
    assert_eq!(captured.stdout.text(), "");
}

#[tokio::test]
async fn tools_that_are_asked_for_are_named() {
    let body = r#"{"choices":[{"message":{"content":null,"tool_calls":[{"function":{"name":"weather"}}]},"finish_reason":"tool_calls"}]}"#;
    let (_, captured) = whole(StatusCode::OK, body, Format::Text).await;
    assert!(captured.stderr.text().contains("weather"), "{}", captured.stderr.text());
}
