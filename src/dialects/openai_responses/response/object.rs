//! The response as clients get it: whole, or at both ends of a stream.

use serde::Serialize;
use serde_json::Value;

use crate::dialects::Occasion;
use crate::dialects::openai_responses::error::SERVER_ERROR;
use crate::dialects::openai_responses::items::WireCitation;
use crate::dialects::openai_responses::request::tools::{WireChoice, WireTool};
use crate::dialects::openai_responses::request::{Notes, WireReasoning, WireText};
use crate::hub::{ApiError, Citation, Content, FinishReason, Raw, Request, Role, ToolChoice, Usage};

/// A response in the making.
#[derive(Debug)]
pub struct Draft {
    /// What it answers.
    pub occasion: Occasion,
    /// Its id.
    pub id: String,
    /// The model, as the upstream calls it.
    pub model: String,
    /// Items that are done.
    pub output: Vec<Raw>,
    /// Tokens.
    pub usage: Option<Usage>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// Why it ended.
    pub finish: Option<FinishReason>,
    /// It failed.
    pub error: Option<ApiError>,
}

/// An item of the output.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Item<'a> {
    /// What the model says.
    Message {
        /// Its id.
        id: &'a str,
        /// How far it is.
        status: &'static str,
        /// The model.
        role: &'static str,
        /// Texts and refusals.
        content: &'a [Piece],
    },
    /// What the model thought.
    Reasoning {
        /// Its id.
        id: &'a str,
        /// Its words.
        summary: &'a [Summary<'a>],
        /// What the provider wants back.
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    /// A call of a function.
    FunctionCall {
        /// The item's id.
        id: &'a str,
        /// How far it is.
        status: &'static str,
        /// By which its result is known.
        call_id: &'a str,
        /// The function.
        name: &'a str,
        /// The group of tools that it is in.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
        /// JSON text.
        arguments: &'a str,
    },
    /// A call of a custom tool.
    CustomToolCall {
        /// The item's id.
        id: &'a str,
        /// How far it is.
        status: &'static str,
        /// By which its result is known.
        call_id: &'a str,
        /// The tool.
        name: &'a str,
        /// The group of tools that it is in.
        #[serde(skip_serializing_if = "Option::is_none")]
        namespace: Option<&'a str>,
        /// Text.
        input: &'a str,
    },
    /// An image that the model made.
    ImageGenerationCall {
        /// The item's id.
        id: &'a str,
        /// How far it is.
        status: &'static str,
        /// `png`, `jpeg` …
        output_format: &'a str,
        /// Base64.
        result: Option<&'a str>,
    },
}

/// A piece of what the model says.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Piece {
    /// Text.
    OutputText {
        /// The words.
        text: String,
        /// What they are based on.
        #[serde(serialize_with = "write_citations")]
        annotations: Vec<Citation>,
        /// One entry for each token, if they were asked for.
        logprobs: Vec<Raw>,
    },
    /// The model declines.
    Refusal {
        /// Its words.
        refusal: String,
    },
}

/// The words of a thought.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Summary<'a> {
    r#type: &'static str,
    text: &'a str,
}

impl<'a> Summary<'a> {
    /// These words.
    pub fn of(text: &'a str) -> Summary<'a> {
        Summary { r#type: "summary_text", text }
    }
}

/// Their ranges are filled in when they are taken in; those without an address were left out.
fn write_citations<S: serde::Serializer>(citations: &[Citation], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(citations.iter().filter_map(|citation| WireCitation::of(citation, 0)))
}

/// Every member that the SDKs' types must have, and what OpenAI repeats of the request.
#[derive(Serialize)]
struct Response<'a> {
    id: &'a str,
    object: &'static str,
    created_at: u64,
    status: &'static str,
    background: bool,
    error: Option<Failure<'a>>,
    incomplete_details: Option<Incomplete>,
    instructions: Option<&'a str>,
    max_output_tokens: Option<u64>,
    metadata: Notes<'a>,
    model: &'a str,
    output: &'a [Raw],
    parallel_tool_calls: bool,
    previous_response_id: Option<&'a str>,
    prompt_cache_key: Option<&'a str>,
    reasoning: Option<WireReasoning<'a>>,
    service_tier: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    store: Option<bool>,
    temperature: Option<f64>,
    text: Option<WireText<'a>>,
    tool_choice: WireChoice<'a>,
    tools: Vec<WireTool<'a>>,
    top_logprobs: u64,
    top_p: Option<f64>,
    truncation: &'static str,
    usage: Option<WireUsage>,
    user: Option<&'a str>,
}

#[derive(Serialize)]
struct Failure<'a> {
    code: &'a str,
    message: &'a str,
}

#[derive(Serialize)]
struct Incomplete {
    reason: &'static str,
}

/// Both details are there even where they are zero: the SDKs' types cannot do without.
#[derive(Serialize)]
struct WireUsage {
    input_tokens: u64,
    input_tokens_details: InputDetails,
    output_tokens: u64,
    output_tokens_details: OutputDetails,
    total_tokens: u64,
}

#[derive(Serialize)]
struct InputDetails {
    cached_tokens: u64,
    cache_write_tokens: u64,
}

#[derive(Serialize)]
struct OutputDetails {
    reasoning_tokens: u64,
}

impl Draft {
    /// Before anything is known but what was asked.
    pub fn new(occasion: Occasion) -> Draft {
        let (id, model) = (occasion.id("resp_", 0), occasion.request.model.clone());
        Draft { occasion, id, model, output: Vec::new(), usage: None, service_tier: None, finish: None, error: None }
    }

    /// Takes over what the upstream calls the answer, if that is what clients expect, and the model.
    pub fn name(&mut self, id: String, model: String) {
        if id.starts_with("resp_") {
            self.id = id;
        }
        if !model.is_empty() {
            self.model = model;
        }
    }

    /// The word for how it ended, once it has.
    pub fn status(&self) -> &'static str {
        match (&self.error, self.reason()) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "incomplete",
            (None, None) => "completed",
        }
    }

    /// How an item ended that was the last one.
    pub fn item_status(&self) -> &'static str {
        if self.status() == "completed" { "completed" } else { "incomplete" }
    }

    /// Why it is not whole.
    fn reason(&self) -> Option<&'static str> {
        match self.finish {
            Some(FinishReason::Length) => Some("max_output_tokens"),
            Some(FinishReason::ContentFilter) => Some("content_filter"),
            _ => None,
        }
    }

    /// The object, as it begins or as it ended.
    pub fn object(&self, is_over: bool) -> Option<Raw> {
        Raw::of(&self.response(is_over))
    }

    fn response(&self, is_over: bool) -> Response<'_> {
        let request = &*self.occasion.request;
        let failure = self.error.as_ref().map(Failure::of);
        Response {
            id: &self.id,
            object: "response",
            created_at: self.occasion.now,
            status: if is_over { self.status() } else { "in_progress" },
            background: false,
            incomplete_details: self.reason().filter(|_| is_over && failure.is_none()).map(|reason| Incomplete { reason }),
            error: failure,
            instructions: instructions(request),
            max_output_tokens: request.max_tokens,
            metadata: Notes(&request.metadata),
            model: &self.model,
            output: &self.output,
            parallel_tool_calls: request.parallel_tool_calls.unwrap_or(true),
            previous_response_id: request.previous.as_deref(),
            prompt_cache_key: request.cache_key.as_deref(),
            reasoning: request.reasoning.as_ref().and_then(WireReasoning::of),
            service_tier: self.service_tier.as_deref().or(request.service_tier.as_deref()),
            store: request.is_kept.then_some(true),
            temperature: request.sampling.temperature,
            text: WireText::of(request, true),
            tool_choice: WireChoice::of(request.tool_choice.as_ref().unwrap_or(&ToolChoice::Auto), &request.tools),
            tools: request.tools.iter().map(WireTool::of).collect(),
            top_logprobs: request.logprobs.unwrap_or(0),
            top_p: request.sampling.top_p,
            truncation: "disabled",
            usage: self.usage.filter(|_| is_over).map(WireUsage::of),
            user: request.user.as_deref(),
        }
    }
}

fn instructions(request: &Request) -> Option<&str> {
    let first = request.messages.first().filter(|message| message.role == Role::System)?;
    match first.parts.first().map(|part| &part.content) {
        Some(Content::Text(text)) => Some(&text.text),
        _ => None,
    }
}

impl<'a> Failure<'a> {
    /// Clients decide by the code what to do: upstreams that have none have a type.
    fn of(error: &'a ApiError) -> Failure<'a> {
        let code = [error.code.as_str(), error.kind.as_str()].into_iter().find(|word| !word.is_empty());
        Failure { code: code.unwrap_or(SERVER_ERROR), message: &error.message }
    }
}

impl WireUsage {
    fn of(usage: Usage) -> WireUsage {
        WireUsage {
            input_tokens: usage.input,
            input_tokens_details: InputDetails { cached_tokens: usage.cached, cache_write_tokens: usage.cache_write },
            output_tokens: usage.output,
            output_tokens_details: OutputDetails { reasoning_tokens: usage.reasoning },
            total_tokens: usage.input.saturating_add(usage.output),
        }
    }
}

/// Reads `usage`; `None`: it counts nothing. Servers that imitate OpenAI leave the details out.
pub fn read_usage(usage: &Value) -> Option<Usage> {
    let number = |place: &str| usage.pointer(place).and_then(Value::as_u64);
    Some(Usage {
        input: number("/input_tokens")?,
        cached: number("/input_tokens_details/cached_tokens").unwrap_or(0),
        cache_write: number("/input_tokens_details/cache_write_tokens").unwrap_or(0),
        output: number("/output_tokens").unwrap_or(0),
        reasoning: number("/output_tokens_details/reasoning_tokens").unwrap_or(0),
    })
}
