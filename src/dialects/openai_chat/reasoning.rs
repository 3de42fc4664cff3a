//! `reasoning_details`: reasoning as OpenRouter has it, with what a provider wants back.
//!
//! OpenAI has no words for reasoning in a chat. Most vendors have `reasoning_content`, a text; a signature has room only
//! here. Signatures count only if they are [marked](crate::hub::signature::MARK): nobody knows whose the others are.

use serde::Serialize;
use serde_json::Value;

use crate::hub::{Form, Kind, Signature, Thought};

/// One piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Detail {
    #[serde(flatten)]
    form: DetailForm,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Position among the pieces of one answer: SDKs put streams together by it.
    index: usize,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "type")]
enum DetailForm {
    #[serde(rename = "reasoning.text")]
    Text {
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        signature: Option<String>,
    },
    /// What a provider shows of the reasoning that follows, encrypted.
    #[serde(rename = "reasoning.summary")]
    Summary { summary: String },
    #[serde(rename = "reasoning.encrypted")]
    Encrypted { data: String },
}

/// Writes `thought` in pieces; `index` is the first one's.
pub(super) fn write(thought: &Thought, index: usize) -> Vec<Detail> {
    let data = thought.signature.as_ref().map(|signature| (signature.form, signature.within(Kind::OpenAiChat)));
    let forms = match data {
        Some((Form::Encrypted, data)) => {
            let summary = (!thought.text.is_empty()).then(|| DetailForm::Summary { summary: thought.text.clone() });
            summary.into_iter().chain([DetailForm::Encrypted { data }]).collect()
        }
        Some((Form::Signed, signature)) => vec![DetailForm::Text { text: thought.text.clone(), signature: Some(signature) }],
        None => vec![DetailForm::Text { text: thought.text.clone(), signature: None }],
    };
    let detail = |(position, form)| Detail { form, id: thought.id.clone(), index: index + position };
    forms.into_iter().enumerate().map(detail).collect()
}

/// Reads pieces. A summary and what is encrypted behind it are one thought.
pub(super) fn read(details: &[Value]) -> Vec<Thought> {
    let mut thoughts: Vec<Thought> = Vec::new();
    let mut is_summary = false;
    for detail in details {
        let text = |name: &str| detail[name].as_str().unwrap_or_default();
        let id = detail["id"].as_str().map(str::to_owned);
        let was_summary = std::mem::take(&mut is_summary);
        match text("type") {
            "reasoning.encrypted" => {
                let signature = Signature::read_marked(text("data"));
                match thoughts.last_mut().filter(|last| was_summary && last.id == id) {
                    Some(last) => last.signature = signature,
                    None if signature.is_some() => thoughts.push(Thought { text: String::new(), signature, id }),
                    None => {}
                }
            }
            kind => {
                is_summary = kind == "reasoning.summary";
                let words = text(if is_summary { "summary" } else { "text" }).to_owned();
                let signature = Signature::read_marked(text("signature"));
                if !words.is_empty() || signature.is_some() {
                    thoughts.push(Thought { text: words, signature, id });
                }
            }
        }
    }
    thoughts
}

/// What a whole message says of its reasoning, in its text and in its details. The details have the text too, unless a
/// client kept only some of them.
pub(super) fn thoughts(plain: Option<String>, details: &[Value]) -> Vec<Thought> {
    let mut thoughts = read(details);
    let Some(text) = plain.filter(|text| !text.is_empty() && thoughts.iter().all(|thought| thought.text.is_empty())) else {
        return thoughts;
    };
    match thoughts.as_mut_slice() {
        [Thought { text: missing, signature: Some(Signature { form: Form::Signed, .. }), .. }] => *missing = text,
        _ => thoughts.insert(0, Thought { text, ..Thought::default() }),
    }
    thoughts
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json, to_value};

    use super::{read, thoughts, write};
    use crate::hub::{Form, Kind, Signature, Thought};

    fn thought(text: &str, signature: Option<Signature>, id: Option<&str>) -> Thought {
        Thought { text: text.to_owned(), signature, id: id.map(str::to_owned) }
    }

    #[test]
    fn what_is_written_is_read() {
        let signed = Some(Signature::new(Kind::Anthropic, Form::Signed, "EqoB+/="));
        let encrypted = Some(Signature::new(Kind::OpenAiResponses, Form::Encrypted, "gAAA"));
        let all = [
            thought("想一想", signed.clone(), None),
            thought("", encrypted.clone(), None),
            thought("摘要", encrypted, Some("rs_1")),
            thought("无签名", None, None),
            thought("", signed, None),
        ];
        let mut details: Vec<Value> = Vec::new();
        for thought in &all {
            let written = write(thought, details.len());
            details.extend(written.iter().map(|detail| to_value(detail).expect("JSON")));
        }
        assert_eq!(details.len(), 6);
        assert_eq!(details[4], json!({"type":"reasoning.text","text":"无签名","index":4}));
        assert_eq!(read(&details), all);
        assert_eq!(thoughts(Some("想一想".to_owned()), &details), all);
    }

    #[test]
    fn a_signature_without_a_mark_is_nobodys() {
        let details = [
            json!({"type":"reasoning.text","text":"想","signature":"EqoB"}),
            json!({"type":"reasoning.encrypted","data":"gAAA"}),
            json!({"type":"reasoning.summary","summary":"摘要","id":"rs"}),
            json!({"type":"reasoning.encrypted","data":"gAAA","id":"rs"}),
            json!("?"),
        ];
        assert_eq!(read(&details), [thought("想", None, None), thought("摘要", None, Some("rs"))]);
    }

    #[test]
    fn a_text_belongs_to_its_only_signature() {
        let signature = Signature::new(Kind::Gemini, Form::Signed, "S");
        let details = [json!({"type":"reasoning.text","signature":signature.marked()})];
        assert_eq!(thoughts(Some("想".to_owned()), &details), [thought("想", Some(signature.clone()), None)]);
        let two = [details[0].clone(), details[0].clone()];
        let empty = thought("", Some(signature), None);
        assert_eq!(thoughts(Some("想".to_owned()), &two), [thought("想", None, None), empty.clone(), empty]);
        assert_eq!(thoughts(Some("想".to_owned()), &[]), [thought("想", None, None)]);
        assert_eq!(thoughts(Some(String::new()), &[]), []);
    }
}
