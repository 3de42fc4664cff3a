//! The `model` part of a `multipart/form-data` body: found by a scan, replaced in place, the rest untouched.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

/// A form, as far as a gateway reads it.
#[derive(Debug)]
pub struct Form {
    body: Bytes,
    model: Option<Range<usize>>,
    /// `None`: there is no such part.
    stream: Option<bool>,
}

/// Why a form cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormError {
    /// The content type names no boundary, or more than one.
    #[error("the content type `multipart/form-data` needs a `boundary`")]
    NoBoundary,
    /// The boundary does not stand in the body as it must, or the last one is missing.
    #[error("the form is cut off or its boundary is not `{0}`")]
    Malformed(String),
    /// A part's headers may be read in more than one way: an upstream might see another name than llmgw.
    #[error("a part's header `Content-Disposition` is malformed or may be read in more than one way")]
    Ambiguous,
    /// A part that llmgw reads stands more than once.
    #[error("the form has more than one part `{0}`")]
    Duplicate(&'static str),
    /// `model` is not UTF-8.
    #[error("the part `model` is not UTF-8")]
    NotUtf8,
}

impl Form {
    /// Scans `body` for its parts (RFC 7578). What other readers may read otherwise is refused: the model that the caller
    /// may use must be the one that the upstream sees.
    pub fn read(content_type: &str, body: Bytes) -> Result<Form, FormError> {
        let boundary = boundary(content_type).ok_or(FormError::NoBoundary)?;
        let mut form = Form { body: body.clone(), model: None, stream: None };
        let malformed = || FormError::Malformed(boundary.clone());
        let delimiter = format!("\r\n--{boundary}");
        let finder = memmem::Finder::new(delimiter.as_bytes());
        let begins = body.starts_with(&delimiter.as_bytes()[2..]);
        let before = if begins { 0 } else { finder.find(&body).ok_or_else(malformed)? + 2 };
        let mut at = before + delimiter.len() - 2;
        loop {
            let line = memmem::find(&body[at..], b"\r\n").map_or(body.len(), |length| at + length);
            let rest = &body[at..line];
            if let Some(padding) = rest.strip_prefix(b"--") {
                return if is_blank(padding) { Ok(form) } else { Err(malformed()) };
            }
            // The next delimiter comes first, so that headers never reach into another part.
            let end = finder.find(&body[line..]).ok_or_else(malformed)? + line;
            let headers = memmem::find(&body[line..end], b"\r\n\r\n").filter(|_| is_blank(rest)).ok_or_else(malformed)? + line;
            form.take(name(&body[line..headers])?.as_deref(), headers + 4..end)?;
            at = end + delimiter.len();
        }
    }

    fn take(&mut self, name: Option<&str>, value: Range<usize>) -> Result<(), FormError> {
        match name {
            Some("model") if self.model.is_some() => return Err(FormError::Duplicate("model")),
            Some("model") => {
                std::str::from_utf8(&self.body[value.clone()]).map_err(|_| FormError::NotUtf8)?;
                self.model = Some(value);
            }
            Some("stream") if self.stream.is_some() => return Err(FormError::Duplicate("stream")),
            Some("stream") => self.stream = Some(self.body[value].trim_ascii().eq_ignore_ascii_case(b"true")),
            _ => {}
        }
        Ok(())
    }

    /// The model asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.clone().and_then(|place| std::str::from_utf8(&self.body[place]).ok()).map(str::trim)
    }

    /// Whether a stream is asked for.
    pub fn is_stream(&self) -> bool {
        self.stream.unwrap_or(false)
    }

    /// The same form for another model, as slices of the old one and what stands between them.
    pub fn with_model(&self, model: &str) -> Vec<Bytes> {
        let Some(place) = self.model.clone() else { return vec![self.body.clone()] };
        vec![self.body.slice(..place.start), Bytes::copy_from_slice(model.as_bytes()), self.body.slice(place.end..)]
    }
}

fn is_blank(text: &[u8]) -> bool {
    text.iter().all(|byte| matches!(byte, b' ' | b'\t'))
}

/// The `boundary` of a content type.
fn boundary(content_type: &str) -> Option<String> {
    only("boundary", parameters(content_type)?).ok()?.filter(|boundary| !boundary.is_empty())
}

/// The `name` of a part, from its headers.
fn name(headers: &[u8]) -> Result<Option<String>, FormError> {
    let unfolded = String::from_utf8_lossy(headers).replace("\r\n ", " ").replace("\r\n\t", " ");
    let mut dispositions = unfolded.split("\r\n").filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = dispositions.next();
    if dispositions.next().is_some() || unfolded.split("\r\n").any(|line| line.contains(['\r', '\n'])) {
        return Err(FormError::Ambiguous);
    }
    let Some(disposition) = disposition else { return Ok(None) };
    let parameters = parameters(disposition).ok_or(FormError::Ambiguous)?;
    // RFC 7578 forbids the extended form, and some readers take it.
    if parameters.iter().any(|(key, _)| key.eq_ignore_ascii_case("name*")) {
        return Err(FormError::Ambiguous);
    }
    let name = only("name", parameters)?;
    // Readers that trim would take it for another.
    if name.as_ref().is_some_and(|name| name.trim() != name) {
        return Err(FormError::Ambiguous);
    }
    Ok(name)
}

/// The value of the one parameter `key`.
fn only(key: &str, parameters: Vec<(&str, String)>) -> Result<Option<String>, FormError> {
    let mut values = parameters.into_iter().filter(|(other, _)| other.eq_ignore_ascii_case(key)).map(|(_, value)| value);
    let value = values.next();
    if values.next().is_some() { Err(FormError::Ambiguous) } else { Ok(value) }
}

/// The `; key=value` pairs of a header's value, quotes taken off. `None`: readers that are less careful would find others.
fn parameters(value: &str) -> Option<Vec<(&str, String)>> {
    let (kind, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let mut parameters = Vec::new();
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_at(rest.find(['=', ';']).unwrap_or(rest.len()));
        let (value, tail) = match after.strip_prefix('=').map(str::trim_start) {
            None => (String::new(), after),
            Some(value) => match value.strip_prefix('"') {
                Some(quoted) => unquoted(quoted)?,
                None => token(value)?,
            },
        };
        rest = match tail.trim_start() {
            "" => "",
            tail => tail.strip_prefix(';')?,
        };
        parameters.push((key.trim(), value));
    }
    let is_plain = !kind.contains('"') && !parameters.iter().any(|(key, _)| key.contains('"'));
    is_plain.then_some(parameters)
}

/// The value of a text without quotes, and what stands behind it.
fn token(text: &str) -> Option<(String, &str)> {
    let (value, tail) = text.split_at(text.find(';').unwrap_or(text.len()));
    (!value.contains('"')).then(|| (value.trim().to_owned(), tail))
}

/// The value of a text whose opening quote is taken off, and what stands behind its closing one. Only quotes and backslashes
/// are escaped: old browsers send a path with backslashes of its own.
fn unquoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices().peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            // An escaped quote ends the value for some readers, and then a semicolon begins the next pair.
            '"' => return (!(value.contains('"') && value.contains(';'))).then(|| (value, &text[at + 1..])),
            '\\' => value.push(characters.next_if(|(_, next)| matches!(next, '"' | '\\')).map_or(c, |(_, next)| next)),
            _ => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::{Form, FormError};

    const TYPE: &str = "multipart/form-data; charset=utf-8; boundary=\"a b\"";

    fn form(parts: &[(&str, &[u8])]) -> Bytes {
        let mut body = Vec::new();
        for (disposition, value) in parts {
            body.extend_from_slice(format!("--a b\r\nContent-Disposition: form-data; {disposition}\r\n\r\n").as_bytes());
            body.extend_from_slice(value);
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(b"--a b--\r\n");
        Bytes::from(body)
    }

    #[test]
    fn the_model_is_found_behind_a_file_and_replaced_in_place() {
        let file: &[u8] = b"\x00\xff--a b is not at a line's start\r\nname=\"model\"\r\n\r\nfake";
        let body =
            form(&[("name=\"file\"; filename=\"model; 你.wav\"", file), ("name=\"model\"", "语音-1".as_bytes()), ("name=stream", b"true")]);
        let read = Form::read(TYPE, body.clone()).expect("a form");
        assert_eq!((read.model(), read.is_stream()), (Some("语音-1"), true));
        let expected =
            form(&[("name=\"file\"; filename=\"model; 你.wav\"", file), ("name=\"model\"", b"whisper"), ("name=stream", b"true")]);
        assert_eq!(read.with_model("whisper").concat(), expected);
    }

    #[test]
    fn an_empty_part_is_empty() {
        let read = Form::read(TYPE, form(&[("name=\"model\"", b"")])).expect("a form");
        assert_eq!(read.model(), Some(""));
    }

    #[test]
    fn what_is_no_form_says_why() {
        assert_eq!(Form::read("multipart/form-data", Bytes::new()).expect_err("no"), FormError::NoBoundary);
        assert!(matches!(Form::read(TYPE, Bytes::from_static(b"x")).expect_err("no"), FormError::Malformed(_)));
        let whole = form(&[("name=\"model\"", b"a")]);
        for end in 0..whole.len() - 4 {
            assert!(Form::read(TYPE, whole.slice(..end)).is_err(), "cut at {end}");
        }
        assert_eq!(Form::read(TYPE, form(&[("name=model", b"a"), ("name=model", b"b")])).expect_err("no"), FormError::Duplicate("model"));
    }

    #[test]
    fn a_delimiter_stands_at_a_lines_start_and_fills_it() {
        let hidden =
            "x--a b\r\nContent-Disposition: form-data; name=z\r\n--a b\r\nContent-Disposition: form-data; name=model\r\n\r\n真\r\n--a b--";
        assert_eq!(Form::read(TYPE, Bytes::from(hidden)).expect("a form").model(), Some("真"));
        for body in ["--a bc\r\n\r\nx\r\n--a b--", "--a b\r\n\r\nx\r\n--a b--c", "--a b\r\nContent-Disposition: form-data\r\n--a b--"] {
            assert!(matches!(Form::read(TYPE, Bytes::from(body)), Err(FormError::Malformed(_))), "{body}");
        }
    }

    #[test]
    fn a_name_that_others_might_read_otherwise_is_refused() {
        for disposition in [
            "name=file; name=model",
            "name*=UTF-8''model",
            "name=\"model \"",
            "filename=\"a\"b; name=model",
            "x=\"\\\";name=model;y=\\\"\"; name=file",
            "x=\"name=model",
            "name=file\r\nContent-Disposition: form-data; name=model",
            "name=file\nContent-Disposition: form-data; name=model",
        ] {
            assert_eq!(Form::read(TYPE, form(&[(disposition, b"a")])).expect_err(disposition), FormError::Ambiguous);
        }
    }

    #[test]
    fn a_name_is_found_behind_what_is_odd_but_clear() {
        for disposition in
            ["x; name=model", "filename=\"a\\\"b\\c.wav\";name=\"model\"", "filename=a;\r\n name = model ;", "NAME=\"mo\\del\""]
        {
            let read = Form::read(TYPE, form(&[(disposition, "你".as_bytes())])).expect(disposition);
            assert_eq!(read.model(), (!disposition.contains("mo\\del")).then_some("你"), "{disposition}");
        }
    }

    #[test]
    fn a_form_that_says_twice_whether_it_streams_is_refused() {
        let twice = form(&[("name=stream", b"true"), ("name=stream", b"false")]);
        assert_eq!(Form::read(TYPE, twice).expect_err("twice"), FormError::Duplicate("stream"));
    }
}
