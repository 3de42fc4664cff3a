//! The `model` part of a `multipart/form-data` body: found by a scan, replaced in place, the rest untouched.

use std::ops::Range;

use bytes::Bytes;
use memchr::memmem;

/// A form, as far as a gateway reads it.
#[derive(Debug)]
pub struct Form {
    body: Bytes,
    model: Option<Range<usize>>,
    stream: bool,
}

/// Why a form cannot be read.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FormError {
    /// The content type names no boundary.
    #[error("the content type `multipart/form-data` needs a `boundary`")]
    NoBoundary,
    /// The boundary does not stand in the body, or the last one is missing.
    #[error("the form is cut off or its boundary is not `{0}`")]
    Malformed(String),
    /// `model` stands more than once.
    #[error("the form has more than one part `model`")]
    DuplicateModel,
    /// `model` is not UTF-8.
    #[error("the part `model` is not UTF-8")]
    NotUtf8,
}

impl Form {
    /// Scans `body` for its parts.
    pub fn read(content_type: &str, body: Bytes) -> Result<Form, FormError> {
        let boundary = boundary(content_type).ok_or(FormError::NoBoundary)?;
        let mut form = Form { body: body.clone(), model: None, stream: false };
        let malformed = || FormError::Malformed(boundary.clone());
        let delimiter = format!("--{boundary}");
        let first = memmem::find(&body, delimiter.as_bytes()).ok_or_else(malformed)?;
        let between = format!("\r\n{delimiter}");
        let finder = memmem::Finder::new(between.as_bytes());
        let mut at = first + delimiter.len();
        loop {
            if body[at..].starts_with(b"--") {
                return Ok(form);
            }
            let headers_end = memmem::find(&body[at..], b"\r\n\r\n").ok_or_else(malformed)? + at;
            let value = headers_end + 4;
            // An empty value's delimiter begins with the CRLF that ended the headers.
            let end = finder.find(&body[headers_end + 2..]).ok_or_else(malformed)? + headers_end + 2;
            form.take(name(&body[at..headers_end]).as_deref(), value.min(end)..end)?;
            at = end + between.len();
        }
    }

    fn take(&mut self, name: Option<&str>, value: Range<usize>) -> Result<(), FormError> {
        match name {
            Some("model") if self.model.is_some() => Err(FormError::DuplicateModel),
            Some("model") => {
                std::str::from_utf8(&self.body[value.clone()]).map_err(|_| FormError::NotUtf8)?;
                self.model = Some(value);
                Ok(())
            }
            Some("stream") => {
                self.stream = self.body[value].trim_ascii().eq_ignore_ascii_case(b"true");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// The model asked for.
    pub fn model(&self) -> Option<&str> {
        self.model.clone().and_then(|place| std::str::from_utf8(&self.body[place]).ok()).map(str::trim)
    }

    /// Whether a stream is asked for.
    pub fn is_stream(&self) -> bool {
        self.stream
    }

    /// The same form for another model, as slices of the old one and what stands between them.
    pub fn with_model(&self, model: &str) -> Vec<Bytes> {
        let Some(place) = self.model.clone() else { return vec![self.body.clone()] };
        vec![self.body.slice(..place.start), Bytes::copy_from_slice(model.as_bytes()), self.body.slice(place.end..)]
    }
}

/// The `boundary` of a content type.
fn boundary(content_type: &str) -> Option<String> {
    parameters(content_type).find(|(key, _)| key.eq_ignore_ascii_case("boundary")).map(|(_, value)| value).filter(|value| !value.is_empty())
}

/// The `name` of a part, from its headers.
fn name(headers: &[u8]) -> Option<String> {
    let headers = String::from_utf8_lossy(headers);
    let disposition = headers.lines().find_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.trim().eq_ignore_ascii_case("content-disposition").then(|| value.to_owned())
    })?;
    parameters(&disposition).find(|(key, _)| key.eq_ignore_ascii_case("name")).map(|(_, value)| value)
}

/// The `; key=value` pairs of a header's value; quotes are taken off.
fn parameters(value: &str) -> impl Iterator<Item = (&str, String)> {
    let mut rest = value.find(';').map_or("", |at| &value[at + 1..]);
    std::iter::from_fn(move || {
        let (key, after) = rest.split_once('=')?;
        let after = after.trim_start();
        let (value, tail) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                (quoted[..end].to_owned(), quoted.get(end + 1..).unwrap_or_default())
            }
            None => {
                let end = after.find(';').unwrap_or(after.len());
                (after[..end].trim().to_owned(), &after[end..])
            }
        };
        rest = tail.trim_start().strip_prefix(';').unwrap_or_default();
        Some((key.trim(), value))
    })
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
        assert_eq!(Form::read(TYPE, form(&[("name=model", b"a"), ("name=model", b"b")])).expect_err("no"), FormError::DuplicateModel);
    }
}
