//! What kind of body a message says it has.

use std::fmt;

use http::HeaderMap;
use http::header::CONTENT_TYPE;

/// A content type without its parameters. Letters count in either case.
#[derive(Clone, Copy, Debug)]
pub struct MediaType<'a>(&'a str);

impl<'a> MediaType<'a> {
    /// What `headers` say of their body; an unreadable claim is an empty one.
    pub fn of(headers: &'a HeaderMap) -> Option<MediaType<'a>> {
        let value = headers.get(CONTENT_TYPE)?.to_str().unwrap_or_default();
        Some(MediaType(value.split(';').next().unwrap_or_default().trim()))
    }

    /// JSON, by itself or beneath a name of its own such as `application/problem+json`.
    pub fn is_json(self) -> bool {
        let Some((kind, subtype)) = self.0.split_once('/') else { return false };
        let ending = subtype.len().checked_sub(5).and_then(|at| subtype.get(at..)).unwrap_or(subtype);
        kind.eq_ignore_ascii_case("application") && (subtype.eq_ignore_ascii_case("json") || ending.eq_ignore_ascii_case("+json"))
    }

    /// Any kind of multipart.
    pub fn is_multipart(self) -> bool {
        self.0.get(..10).is_some_and(|start| start.eq_ignore_ascii_case("multipart/"))
    }

    /// What a web page's form sends.
    pub fn is_form(self) -> bool {
        self.0.eq_ignore_ascii_case("application/x-www-form-urlencoded")
    }

    /// A web page.
    pub fn is_html(self) -> bool {
        self.0.eq_ignore_ascii_case("text/html")
    }

    /// Server-sent events.
    pub fn is_event_stream(self) -> bool {
        self.0.eq_ignore_ascii_case("text/event-stream")
    }
}

impl fmt::Display for MediaType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue};

    use super::MediaType;

    #[test]
    fn a_content_type_is_told_apart_without_its_parameters() {
        for (text, expected) in [
            ("application/json; charset=utf-8", [true, false, false]),
            ("Application/Problem+JSON", [true, false, false]),
            ("text/json-ish", [false; 3]),
            ("multipart/form-data; boundary=json", [false, true, false]),
            ("MULTIPART/mixed", [false, true, false]),
            ("multi", [false; 3]),
            ("text/event-stream;charset=utf-8", [false, false, true]),
            ("Text/Event-Stream", [false, false, true]),
            ("text/event-streams", [false; 3]),
            ("", [false; 3]),
        ] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(text))]);
            let found = MediaType::of(&headers).unwrap();
            assert_eq!([found.is_json(), found.is_multipart(), found.is_event_stream()], expected, "{text}");
        }
        assert!(MediaType::of(&HeaderMap::new()).is_none());
    }
}
