//! A reply as it stands on the wire: a whole one, or what is new in a frame of a stream.
//!
//! What only stands beside the answer is raw here: where it is wrong it is as good as none, and the answer counts.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::hub::Usage;

/// A reply.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Reply<'a> {
    #[serde(borrow)]
    pub candidates: Option<Vec<Candidate<'a>>>,
    pub prompt_feedback: Option<PromptFeedback>,
    #[serde(borrow)]
    pub usage_metadata: Option<&'a RawValue>,
    pub model_version: Option<String>,
    pub response_id: Option<String>,
    #[serde(borrow)]
    pub error: Option<&'a RawValue>,
}

/// One answer.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Candidate<'a> {
    pub index: Option<u64>,
    #[serde(borrow)]
    pub content: Option<Content<'a>>,
    pub finish_reason: Option<String>,
    pub finish_message: Option<String>,
    #[serde(borrow)]
    pub grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub logprobs_result: Option<&'a RawValue>,
}

/// What it says: missing where everything was withheld, or went into thinking.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Content<'a> {
    #[serde(borrow)]
    pub parts: Option<Vec<Part<'a>>>,
}

/// A piece of an answer. Kinds that are not here are what Gemini does on its own side: no client could show them.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Part<'a> {
    pub text: Option<String>,
    pub thought: Option<bool>,
    pub thought_signature: Option<String>,
    #[serde(borrow)]
    pub function_call: Option<FunctionCall<'a>>,
    pub inline_data: Option<Blob>,
}

/// A call of a tool, whole.
#[derive(Debug, Deserialize)]
pub struct FunctionCall<'a> {
    pub id: Option<String>,
    pub name: String,
    #[serde(borrow)]
    pub args: Option<&'a RawValue>,
}

/// Bytes.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Blob {
    pub mime_type: String,
    /// Base64.
    pub data: String,
}

/// Why a prompt was not answered at all.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PromptFeedback {
    pub block_reason: Option<String>,
    pub block_reason_message: Option<String>,
}

impl Reply<'_> {
    /// Whether it says anything that this dialect has.
    pub fn is_one(&self) -> bool {
        self.candidates.is_some() || self.prompt_feedback.is_some() || self.usage_metadata.is_some()
    }
}

/// Reads `usageMetadata`. Vertex sends one without counts before the last frame.
pub fn usage(raw: &RawValue) -> Option<Usage> {
    let told: Value = serde_json::from_str(raw.get()).ok()?;
    let count = |name: &str| told.get(name).and_then(Value::as_u64);
    let zero = |name: &str| count(name).unwrap_or(0);
    count("promptTokenCount").or_else(|| count("totalTokenCount"))?;
    let thoughts = zero("thoughtsTokenCount");
    // Gemini counts thoughts and the results of its own tools apart, cached tokens not.
    Some(Usage {
        input: zero("promptTokenCount").saturating_add(zero("toolUsePromptTokenCount")),
        cached: zero("cachedContentTokenCount"),
        cache_write: 0,
        output: zero("candidatesTokenCount").saturating_add(thoughts),
        reasoning: thoughts,
    })
}
