//! What requests, replies and chunks have in common, as it is written.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;

use crate::dialects::data_url::DataUrl;
use crate::hub::{Citation, FinishReason, Form, Kind, Signature};

/// A tool call, or a piece of one.
#[derive(Debug, Default, Serialize)]
pub(super) struct WireCall<'a> {
    /// In streams: which one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function: Option<WireFunction<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) custom: Option<WireCustom<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) extra_content: Option<ExtraContent>,
}

#[derive(Debug, Serialize)]
pub(super) struct WireFunction<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) arguments: Cow<'a, str>,
}

#[derive(Debug, Serialize)]
pub(super) struct WireCustom<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    pub(super) input: Cow<'a, str>,
}

impl<'a> WireCall<'a> {
    /// A whole call, or its beginning.
    pub(super) fn new(id: Cow<'a, str>, name: &'a str, input: Cow<'a, str>, is_custom: bool) -> WireCall<'a> {
        let call = WireCall { id: Some(id), r#type: Some(if is_custom { "custom" } else { "function" }), ..WireCall::default() };
        WireCall::with(call, Some(name), input, is_custom)
    }

    /// More input of a call.
    pub(super) fn piece(index: usize, input: Cow<'a, str>, is_custom: bool) -> WireCall<'a> {
        WireCall::with(WireCall { index: Some(index), ..WireCall::default() }, None, input, is_custom)
    }

    fn with(call: WireCall<'a>, name: Option<&'a str>, input: Cow<'a, str>, is_custom: bool) -> WireCall<'a> {
        if is_custom {
            WireCall { custom: Some(WireCustom { name, input }), ..call }
        } else {
            WireCall { function: Some(WireFunction { name, arguments: input }), ..call }
        }
    }
}

/// A function's arguments are JSON: clients parse them, even where there are none.
pub(super) fn whole_arguments(arguments: &str) -> &str {
    if arguments.trim().is_empty() { "{}" } else { arguments }
}

/// Google's room for a signature of a text or a call.
#[derive(Debug, Serialize)]
pub(super) struct ExtraContent {
    google: Google,
}

#[derive(Debug, Serialize)]
struct Google {
    thought_signature: String,
}

impl ExtraContent {
    pub(super) fn of(signature: &Signature) -> ExtraContent {
        ExtraContent { google: Google { thought_signature: signature.within(Kind::OpenAiChat) } }
    }

    /// Reads one: a signature without a mark is Google's own.
    pub(super) fn read(extra: &Value) -> Option<Signature> {
        let text = extra.pointer("/google/thought_signature").and_then(Value::as_str).filter(|text| !text.is_empty())?;
        Some(Signature::read(Kind::Gemini, Form::Signed, text))
    }
}

/// An image that a model made, as OpenRouter has it.
#[derive(Debug, Serialize)]
pub(super) struct WireImage<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    r#type: &'static str,
    image_url: ImageUrl<'a>,
}

#[derive(Debug, Serialize)]
struct ImageUrl<'a> {
    url: DataUrl<'a>,
}

impl<'a> WireImage<'a> {
    /// `index`: in streams, which one.
    pub(super) fn new(url: DataUrl<'a>, index: Option<usize>) -> WireImage<'a> {
        WireImage { index, r#type: "image_url", image_url: ImageUrl { url } }
    }
}

/// A source on the web.
#[derive(Debug, Serialize)]
pub(super) struct Annotation {
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<usize>,
    r#type: &'static str,
    url_citation: UrlCitation,
}

#[derive(Debug, Serialize)]
struct UrlCitation {
    url: String,
    title: String,
    start_index: u64,
    end_index: u64,
}

impl Annotation {
    /// `begin`: where the text that it is about begins among all that was said, and `end`, where it ends so far. `None`: it
    /// has no address, and no place here.
    pub(super) fn of(citation: Citation, begin: u64, end: u64, index: Option<usize>) -> Option<Annotation> {
        let url = citation.url?;
        let (start_index, end_index) =
            citation.range.map_or((begin, end), |(first, last)| (begin.saturating_add(first), begin.saturating_add(last)));
        let title = citation.title.unwrap_or_default();
        Some(Annotation { index, r#type: "url_citation", url_citation: UrlCitation { url, title, start_index, end_index } })
    }
}

/// Reads an annotation: its members stand in one of their own, or flat.
pub(super) fn citation(annotation: &Value) -> Option<Citation> {
    let inside = annotation.get("url_citation").unwrap_or(annotation);
    let text = |name: &str| inside[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let url = text("url")?;
    let range = inside["start_index"].as_u64().zip(inside["end_index"].as_u64()).filter(|(start, end)| start <= end);
    Some(Citation { url: Some(url), title: text("title"), quote: text("content"), range })
}

/// OpenAI's word for why an answer ended.
pub(in crate::dialects) fn finish_word(reason: Option<&FinishReason>, has_calls: bool) -> &'static str {
    match reason {
        Some(FinishReason::Length) => "length",
        Some(FinishReason::ContentFilter) => "content_filter",
        _ if has_calls => "tool_calls",
        // That the tools' calls are missing is not for the client to find out.
        Some(_) | None => "stop",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::{Annotation, citation};
    use crate::hub::Citation;

    #[test]
    fn a_citation_is_written_and_read() {
        let source = Citation { url: Some("https://a.cn".to_owned()), title: Some("甲".to_owned()), quote: None, range: Some((2, 4)) };
        let written = to_value(Annotation::of(source.clone(), 0, 9, None)).expect("JSON");
        assert_eq!(citation(&written), Some(source.clone()));
        let shifted = to_value(Annotation::of(Citation { range: None, ..source }, 3, 9, Some(1))).expect("JSON");
        let inside = json!({"url":"https://a.cn","title":"甲","start_index":3,"end_index":9});
        assert_eq!(shifted, json!({"index":1,"type":"url_citation","url_citation":inside}));
        assert!(Annotation::of(Citation::default(), 0, 0, None).is_none());
        assert_eq!(citation(&json!({"type":"url_citation","url":"https://b.cn"})).expect("flat").url.as_deref(), Some("https://b.cn"));
    }
}
