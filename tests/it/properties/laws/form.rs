//! Forms: what llmgw takes for the model is what any careful reader takes for it, and only that is replaced.

use bytes::Bytes;
use llmgw::dialects::multipart::Form;

/// Holds for any bytes under any content type.
pub fn holds(content_type: &str, body: &[u8]) {
    let Ok(form) = Form::read(content_type, Bytes::copy_from_slice(body)) else { return };
    let boundary = boundary(content_type).expect("a form has a boundary");
    let parts = parts(body, &boundary).expect("what was read is a form");
    let models: Vec<&Part> = parts.iter().filter(|part| part.name.as_deref() == Some("model")).collect();
    assert!(models.len() <= 1, "two models: {models:?}");
    let model = models.first().map(|part| std::str::from_utf8(&part.value).expect("UTF-8").trim());
    assert_eq!(form.model(), model);
    let stream = parts.iter().rfind(|part| part.name.as_deref() == Some("stream"));
    assert_eq!(form.is_stream(), stream.is_some_and(|part| part.value.trim_ascii().eq_ignore_ascii_case(b"true")));
    only_the_model_is_replaced(content_type, &form, body, models.first().copied());
}

fn only_the_model_is_replaced(content_type: &str, form: &Form, body: &[u8], model: Option<&Part>) {
    let replaced = form.with_model("模型-x").concat();
    let Some(model) = model else { return assert_eq!(replaced, body) };
    let expected = [&body[..model.at], "模型-x".as_bytes(), &body[model.at + model.value.len()..]].concat();
    assert_eq!(replaced, expected);
    let again = Form::read(content_type, Bytes::from(replaced.clone())).expect("a form remains one");
    assert_eq!((again.model(), again.is_stream()), (Some("模型-x"), form.is_stream()));
    assert_eq!(again.with_model("模型-x").concat(), replaced);
}

/// A part as a careful reader has it.
#[derive(Debug)]
pub struct Part {
    name: Option<String>,
    value: Vec<u8>,
    at: usize,
}

/// The parts by RFC 2046, line by line; `None`: it is no form.
fn parts(body: &[u8], boundary: &str) -> Option<Vec<Part>> {
    let mut delimiters = Vec::new();
    let mut start = 0;
    let mut closed = false;
    while !closed {
        let line = until_crlf(&body[start..]);
        if let Some(rest) = line.strip_prefix(format!("--{boundary}").as_bytes()) {
            closed = rest.starts_with(b"--");
            if !closed && !rest.iter().all(|byte| matches!(byte, b' ' | b'\t')) {
                return None;
            }
            delimiters.push((start, start + line.len() + 2));
        }
        start += line.len() + 2;
        if start > body.len() && !closed {
            return None;
        }
    }
    delimiters.windows(2).map(|pair| part(body, pair[0].1, pair[1].0)).collect()
}

fn part(body: &[u8], mut start: usize, end: usize) -> Option<Part> {
    let mut headers: Vec<String> = Vec::new();
    loop {
        let line = until_crlf(body.get(start..end)?);
        let at = start + line.len() + 2;
        if line.is_empty() {
            // The line end before a delimiter belongs to it.
            let value = body[at..end.checked_sub(2)?.max(at)].to_vec();
            return Some(Part { name: name(&headers), value, at: at.min(end - 2) });
        }
        let text = String::from_utf8_lossy(line).into_owned();
        match headers.last_mut().filter(|_| text.starts_with([' ', '\t'])) {
            Some(last) => last.push_str(&text),
            None => headers.push(text),
        }
        start = at;
    }
}

fn until_crlf(text: &[u8]) -> &[u8] {
    let end = text.windows(2).position(|pair| pair == b"\r\n").unwrap_or(text.len());
    &text[..end]
}

fn name(headers: &[String]) -> Option<String> {
    let is_disposition =
        |header: &&String| header.split(':').next().is_some_and(|key| key.trim().eq_ignore_ascii_case("content-disposition"));
    parameter(headers.iter().find(is_disposition)?, "name")
}

/// The boundary that a content type names.
fn boundary(content_type: &str) -> Option<String> {
    parameter(content_type, "boundary")
}

/// A parameter of a header, character by character: quotes may hold semicolons and escaped quotes.
fn parameter(header: &str, wanted: &str) -> Option<String> {
    let (mut pieces, mut piece, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = header.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' if quoted && matches!(characters.peek(), Some('"' | '\\')) => piece.extend(characters.next()),
            '"' => quoted = !quoted,
            ';' if !quoted => pieces.push(std::mem::take(&mut piece)),
            _ => piece.push(c),
        }
    }
    pieces.push(piece);
    let pairs = pieces.iter().skip(1).filter_map(|piece| piece.split_once('='));
    pairs.into_iter().find(|(key, _)| key.trim().eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim().to_owned())
}
