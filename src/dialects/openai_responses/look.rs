//! What goes by untouched, as a gateway sees it.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use serde_json::Value;

use super::error;
use super::response::read_usage;
use crate::dialects::json::Object;
use crate::dialects::members::Members;
use crate::dialects::{Chunk, DialectError, Glance};
use crate::hub::ApiError;

/// Reads the data of one frame.
pub fn chunk(data: &[u8]) -> Chunk {
    let data = data.trim_ascii();
    if data.starts_with(b"[DONE]") {
        return Chunk { valid: true, ..Chunk::default() };
    }
    read(data).unwrap_or_default()
}

fn read(data: &[u8]) -> Result<Chunk, DialectError> {
    let mut members = Members::of_body(data)?;
    let Some(kind) = members.text("type")? else {
        let error = members.take("error").map(|error| error::read(&error));
        return Ok(Chunk { valid: true, error, ..Chunk::default() });
    };
    let mut chunk = Chunk { valid: true, ..Chunk::default() };
    match kind.as_str() {
        "error" => chunk.error = Some(error::read_event(&mut members)),
        "response.completed" | "response.incomplete" | "response.failed" | "response.cancelled" => {
            (chunk.done, chunk.finish) = (true, true);
            let Some(mut response) = members.object("response")? else { return Ok(chunk) };
            chunk.content = !response.list("output")?.is_empty();
            chunk.usage = response.get::<Value>("usage", "an object")?.as_ref().and_then(read_usage);
            chunk.error = failure(&mut response)?;
            // It says that it failed, whatever it says beside.
            if chunk.error.is_none() && matches!(kind.as_str(), "response.failed" | "response.cancelled") {
                chunk.error = Some(unknown(&kind));
            }
        }
        "response.output_item.added" => chunk.content = is_call(&mut members)?,
        "response.output_item.done" => chunk.content = true,
        _ if kind.ends_with(".delta") => chunk.content = members.text("delta")?.is_some_and(|delta| !delta.is_empty()),
        _ => {}
    }
    Ok(chunk)
}

fn is_call(members: &mut Members<'_>) -> Result<bool, DialectError> {
    let kind = members.object("item")?.map(|mut item| item.text("type")).transpose()?.flatten();
    Ok(matches!(kind.as_deref(), Some("function_call" | "custom_tool_call")))
}

fn failure(response: &mut Members<'_>) -> Result<Option<ApiError>, DialectError> {
    if let Some(error) = response.take("error") {
        return Ok(Some(error::read(&error)));
    }
    let status = response.text("status")?;
    Ok(status.filter(|status| matches!(status.as_str(), "failed" | "cancelled")).map(|status| unknown(&status)))
}

fn unknown(status: &str) -> ApiError {
    ApiError { message: format!("the upstream says `{status}` and not why"), kind: error::SERVER_ERROR.to_owned(), code: String::new() }
}

/// Whether a frame of a committed stream must be read at all: it ends the answer, or it is an error. Looks at bytes only.
pub fn is_of_interest(frame: &[u8]) -> bool {
    frame.len() < 64 || OF_INTEREST.iter().any(|word| word.find(frame).is_some())
}

/// Within texts they have no quotes, or escaped ones. Made once: every event is searched for them.
static OF_INTEREST: LazyLock<[Finder<'static>; 5]> = LazyLock::new(|| {
    ["\"response.completed\"", "\"response.incomplete\"", "\"response.failed\"", "\"response.cancelled\"", "\"error\""].map(Finder::new)
});

/// Reads a whole body in one pass without building a tree of it; `None`: it is no JSON object.
pub fn glance(body: &Bytes) -> Option<Glance> {
    let object = Object::read_deep(body.clone()).ok()?;
    // Which of two would count is anybody's guess.
    if ["error", "status", "usage"].iter().any(|name| object.is_duplicate(name)) {
        return None;
    }
    let value = |name: &str| object.get(name).filter(|raw| *raw != b"null");
    let status = value("status").and_then(|raw| serde_json::from_slice::<String>(raw).ok());
    let is_failed = matches!(status.as_deref(), Some("failed" | "cancelled"));
    let error = if value("error").is_some() || is_failed { failure(&mut Members::of_body(body).ok()?).ok()? } else { None };
    let usage = value("usage").and_then(|raw| serde_json::from_slice(raw).ok()).and_then(|usage| read_usage(&usage));
    Some(Glance { error, usage })
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{chunk, glance, is_of_interest};
    use crate::hub::Usage;

    #[test]
    fn only_content_commits() {
        for quiet in [
            r#"{"type":"response.created","response":{"id":"resp_1","output":[],"usage":null,"error":null}}"#,
            r#"{"type":"response.output_item.added","output_index":0,"item":{"type":"message","content":[]}}"#,
            r#"{"type":"response.output_text.delta","delta":""}"#,
            r#"{"type":"response.web_search_call.searching","item_id":"ws_1"}"#,
            "[DONE]",
        ] {
            let chunk = chunk(quiet.as_bytes());
            assert!(chunk.valid && !chunk.content && !chunk.done && chunk.error.is_none(), "{quiet}");
        }
        for loud in [
            r#"{"type":"response.output_text.delta","delta":"你"}"#,
            r#"{"type":"response.reasoning_summary_text.delta","delta":"想"}"#,
            r#"{"type":"response.output_item.added","item":{"type":"function_call","name":"f"}}"#,
            r#"{"type":"response.output_item.done","item":{"type":"reasoning"}}"#,
        ] {
            assert!(chunk(loud.as_bytes()).content, "{loud}");
        }
        assert!(!chunk(b"<html>").valid && !chunk(b"[1]").valid && !chunk(b"").valid);
    }

    #[test]
    fn an_end_counts_tokens_and_a_failure_says_why() {
        let usage = r#"{"input_tokens":7,"input_tokens_details":{"cached_tokens":2},"output_tokens":3,"total_tokens":10}"#;
        let end = format!(r#"{{"type":"response.completed","response":{{"status":"completed","error":null,"usage":{usage}}}}}"#);
        let end = chunk(end.as_bytes());
        assert_eq!(end.usage, Some(Usage { input: 7, cached: 2, output: 3, ..Usage::default() }));
        assert!(end.done && end.finish && end.error.is_none());
        let failed = r#"{"type":"response.failed","response":{"status":"failed","error":{"code":"rate_limit_exceeded","message":"太快"}}}"#;
        assert_eq!(chunk(failed.as_bytes()).error.expect("an error").summary(), "rate_limit_exceeded: 太快");
        assert!(chunk(br#"{"type":"response.failed","response":{}}"#).error.is_some());
        let flat = r#"{"type":"error","code":"server_error","message":"坏了","param":null,"sequence_number":3}"#;
        assert_eq!(chunk(flat.as_bytes()).error.expect("an error").summary(), "server_error: 坏了");
        assert!(chunk(br#"{"error":{"message":"m"}}"#).error.is_some());
    }

    #[test]
    fn bytes_tell_what_is_worth_reading() {
        let text = "x".repeat(80) + r#" \"error\" response.completed"#;
        let dull = format!("event: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"{text}\"}}\n\n");
        assert!(!is_of_interest(dull.as_bytes()));
        for kind in ["response.completed", "response.incomplete", "response.failed", "error"] {
            let frame = format!("event: {kind}\ndata: {{\"type\":\"{kind}\",\"x\":\"{}\"}}\n\n", "x".repeat(80));
            assert!(is_of_interest(frame.as_bytes()), "{kind}");
        }
    }

    #[test]
    fn a_whole_reply_is_seen_through() {
        let look = |body: &'static str| glance(&Bytes::from_static(body.as_bytes()));
        let fine = look(r#"{"status":"completed","error":null,"output":[],"usage":{"input_tokens":1,"output_tokens":2}}"#).expect("JSON");
        assert_eq!((fine.error, fine.usage), (None, Some(Usage { input: 1, output: 2, ..Usage::default() })));
        assert!(look(r#"{"status":"failed","error":{"code":"server_error","message":"坏"}}"#).expect("JSON").error.is_some());
        assert!(look(r#"{"error":"model not found"}"#).expect("JSON").error.is_some());
        assert!(look("<html>").is_none() && look(r#"{"usage":1,"usage":2}"#).is_none());
    }
}
