//! Streams that fail, break off, or are written in an unusual way.

use std::time::Duration;

use serde_json::json;

use super::good::{DONE, FAULTY, NINE, closing, event, finish, last_chunk, role, said, stream_of, whole_stream, word};
use super::{Fault, STREAM};
use crate::server::upstream::{Step, chunk, events_head};

pub fn faults() -> Vec<Fault> {
    let mut faults = failing();
    faults.extend(cut());
    faults.extend(endings());
    faults.extend(writings());
    faults
}

/// An error within the stream.
fn failing() -> Vec<Fault> {
    let error = json!({ "error": { "message": "过载", "type": "server_error", "param": null, "code": "overloaded" } });
    let named =
        format!("event: error\ndata: {}\n\n", json!({ "type": "error", "error": { "type": "overloaded_error", "message": "过载" } }));
    let forms = [("data", event(&error)), ("event: error", named)];
    let places = [("first", String::new()), ("second", event(&role())), ("tenth", said(NINE))];
    let mut faults = Vec::new();
    for (place, before) in &places {
        for (form, error) in &forms {
            let text = format!("{before}{error}");
            faults.push(Fault::new(format!("the {place} event is an error, {form}"), STREAM, move |_| stream_of(&text)));
        }
    }
    let (before, after) = (said(NINE), format!("{}{}{DONE}", event(&error), said("再来一次")));
    faults.push(Fault::new("an error in between, then more text", STREAM, move |_| stream_of(format!("{before}{after}"))));
    faults
}

/// Broken off, by a clean end of the body, a closed connection, a reset.
fn cut() -> Vec<Fault> {
    let begun = format!("{}{}", event(&role()), said("坏了"));
    let half_event = format!("{begun}data: {{\"choices\":[{{\"index\":0,\"del");
    let half_letter = [begun.as_bytes(), b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"", &"也".as_bytes()[..2]].concat();
    let places: [(&str, Vec<u8>); 5] = [
        ("right after the role", event(&role()).into_bytes()),
        ("within the first word", [event(&role()).as_bytes(), b"data: {\"choices\":[{\"del"].concat()),
        ("between two words", begun.into_bytes()),
        ("within an event", half_event.into_bytes()),
        ("within a letter", half_letter),
    ];
    // A reset throws away what has arrived and was not read yet.
    let reset = vec![Step::Pause(Duration::from_millis(20)), Step::Reset];
    let ends = [("ended", vec![last_chunk()]), ("closed", vec![Step::Close]), ("reset", reset)];
    let mut faults = Vec::new();
    for (place, text) in &places {
        for (name, end) in &ends {
            let steps: Vec<Step> = [events_head(), chunk(text)].into_iter().chain(end.iter().cloned()).collect();
            faults.push(Fault::new(format!("a stream is {name} {place}"), STREAM, move |_| steps.clone()));
        }
    }
    faults
}

/// Ends that say too little, or all that they must.
fn endings() -> Vec<Fault> {
    let fault = |name: &str, text: String| Fault::new(name, STREAM, move |_| stream_of(&text));
    let all = || format!("{}{}", event(&role()), said(FAULTY));
    let unterminated = [events_head(), chunk(whole_stream(FAULTY).as_bytes()), Step::Close];
    vec![
        fault("an empty stream", String::new()),
        fault("[DONE] and nothing else", DONE.to_owned()),
        fault("a stream without content", format!("{}{}{DONE}", event(&role()), closing())),
        fault("a finish reason, no [DONE]", format!("{}{}", all(), closing())),
        fault("[DONE], no finish reason", format!("{}{DONE}", all())),
        fault("neither finish reason nor [DONE]", all()),
        fault("no usage", format!("{}{}{DONE}", all(), finish())),
        fault("no last blank line", whole_stream(FAULTY).trim_end().to_owned()),
        fault("words after [DONE]", format!("{}{}", whole_stream(FAULTY), event(&word("多余")))),
        Fault::new("closed after [DONE], within the chunked body", STREAM, move |_| unterminated.to_vec()),
    ]
}

/// The same whole stream, as the standard lets it be written.
fn writings() -> Vec<Fault> {
    let fault = |name: &str, text: String| Fault::new(name, STREAM, move |_| stream_of(&text));
    let whole = whole_stream(FAULTY);
    let two_lines = whole.replace(",\"", ",\ndata: \"");
    let comments = whole.replace("data: ", ": 心跳\n\ndata: ");
    let with_fields = whole.replace("data: ", "id: 1\nevent: message\nretry: 10\nunknown: x\ndata: ");
    let bytes = whole.clone();
    vec![
        fault("lines end with CRLF", whole.replace('\n', "\r\n")),
        fault("lines end with CR", whole.replace('\n', "\r")),
        fault("lines end in every way", mixed(&whole)),
        fault("a byte order mark", format!("\u{feff}{whole}")),
        fault("comments between events", comments),
        fault("other fields in each event", with_fields),
        fault("data in several lines", two_lines),
        fault("no space after the colon", whole.replace("data: ", "data:")),
        fault("blank lines in between", whole.replace("\n\n", "\n\n\n\n")),
        fault("data that is no JSON", format!("{}data: 你好\n\n", event(&role()))),
        Fault::new("a chunk a byte", STREAM, move |_| byte_by_byte(&bytes)),
    ]
}

fn mixed(text: &str) -> String {
    let mut endings = ["\r\n", "\n", "\r"].into_iter().cycle();
    text.split("\n\n").map(|event| format!("{event}{0}{0}", endings.next().unwrap_or_default())).collect()
}

fn byte_by_byte(text: &str) -> Vec<Step> {
    let chunks = text.as_bytes().iter().map(|byte| chunk(&[*byte]));
    [events_head()].into_iter().chain(chunks).chain([last_chunk()]).collect()
}
