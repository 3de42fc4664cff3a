//! The names by which OpenTelemetry's conventions know requests to models, and ours beside them. No other file spells one.
//!
//! Those for generative AI are not stable. Where generations differ, [`Names`] has both: what was released, which SDKs and
//! dashboards know, and what is being worked on. <https://github.com/open-telemetry/semantic-conventions-genai>

use crate::config::Conventions;
use crate::hub::{Endpoint, Kind};

macro_rules! names {
    ($($constant:ident = $name:literal;)*) => {
        $( #[doc = concat!("`", $name, "`")] pub const $constant: &str = $name; )*
    };
}

// HTTP, network, errors: stable.
names! {
    HTTP_METHOD = "http.request.method";
    HTTP_STATUS = "http.response.status_code";
    HTTP_ROUTE = "http.route";
    HTTP_RESEND = "http.request.resend_count";
    HTTP_REQUEST_SIZE = "http.request.body.size";
    HTTP_RESPONSE_SIZE = "http.response.body.size";
    URL_PATH = "url.path";
    URL_SCHEME = "url.scheme";
    CLIENT_ADDRESS = "client.address";
    SERVER_ADDRESS = "server.address";
    SERVER_PORT = "server.port";
    ERROR_TYPE = "error.type";
    SERVICE_VERSION = "service.version";
    SDK_NAME = "telemetry.sdk.name";
    SDK_LANGUAGE = "telemetry.sdk.language";
    SDK_VERSION = "telemetry.sdk.version";
}

// Generative AI: the same in both generations.
names! {
    OPERATION = "gen_ai.operation.name";
    PROVIDER = "gen_ai.provider.name";
    REQUEST_MODEL = "gen_ai.request.model";
    REQUEST_STREAM = "gen_ai.request.stream";
    REQUEST_MAX_TOKENS = "gen_ai.request.max_tokens";
    REQUEST_TEMPERATURE = "gen_ai.request.temperature";
    REQUEST_TOP_P = "gen_ai.request.top_p";
    REQUEST_TOP_K = "gen_ai.request.top_k";
    REQUEST_FREQUENCY_PENALTY = "gen_ai.request.frequency_penalty";
    REQUEST_PRESENCE_PENALTY = "gen_ai.request.presence_penalty";
    REQUEST_STOP = "gen_ai.request.stop_sequences";
    REQUEST_SEED = "gen_ai.request.seed";
    OUTPUT_TYPE = "gen_ai.output.type";
    RESPONSE_ID = "gen_ai.response.id";
    RESPONSE_MODEL = "gen_ai.response.model";
    FINISH_REASONS = "gen_ai.response.finish_reasons";
    TIME_TO_FIRST_CHUNK = "gen_ai.response.time_to_first_chunk";
    INPUT_TOKENS = "gen_ai.usage.input_tokens";
    OUTPUT_TOKENS = "gen_ai.usage.output_tokens";
    CACHE_READ_TOKENS = "gen_ai.usage.cache_read.input_tokens";
    REASONING_TOKENS = "gen_ai.usage.reasoning.output_tokens";
    INPUT_MESSAGES = "gen_ai.input.messages";
    OUTPUT_MESSAGES = "gen_ai.output.messages";
    SYSTEM_INSTRUCTIONS = "gen_ai.system_instructions";
    OPENAI_API = "openai.api.type";
    OPENAI_REQUEST_TIER = "openai.request.service_tier";
    OPENAI_RESPONSE_TIER = "openai.response.service_tier";
}

// Ours.
names! {
    REQUEST_ID = "llmgw.request_id";
    CALLER = "llmgw.caller";
    OUTCOME = "llmgw.outcome";
    RESOLVED_BY = "llmgw.resolved_by";
    ROUTES = "llmgw.routes";
    ROUTE_PROVIDER = "llmgw.provider";
    ROUTE_MODEL = "llmgw.upstream_model";
    ROUTE_VIA = "llmgw.via";
    REASON = "llmgw.reason";
    ATTEMPTS = "llmgw.attempts";
    HEDGE = "llmgw.hedge";
    DIALECT = "llmgw.dialect";
    OVERHEAD = "llmgw.overhead";
    TOOK = "llmgw.took";
    COST = "llmgw.cost_usd";
    COUNTED = "llmgw.usage.counted";
    COUNTED_INPUT = "llmgw.usage.input_tokens";
    COUNTED_OUTPUT = "llmgw.usage.output_tokens";
    CONTENTS_CUT = "llmgw.contents_cut";
    SPAN_PLAN = "plan";
    EVENT_SKIPPED = "route skipped";
    EVENT_CONNECT = "connected";
    EVENT_TLS = "tls established";
    EVENT_FIRST_BYTE = "first byte";
    EVENT_FIRST_TOKEN = "first token";
}

/// The names that depend on the generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names {
    /// Tokens of the prompt that were written to a cache.
    pub cache_write_tokens: &'static str,
    /// How much the model shall think; `None`: there is no name for it.
    pub reasoning_level: Option<&'static str>,
    /// The answer that a request goes on from; likewise.
    pub previous_response: Option<&'static str>,
    /// The reason for the end of an answer that broke off; likewise.
    pub cut_off: Option<&'static str>,
    /// `top_k` is a whole number.
    pub has_whole_top_k: bool,
}

impl Names {
    /// Of this generation.
    pub fn of(conventions: Conventions) -> Names {
        match conventions {
            Conventions::Released => Names {
                cache_write_tokens: "gen_ai.usage.cache_creation.input_tokens",
                reasoning_level: None,
                previous_response: None,
                cut_off: None,
                has_whole_top_k: false,
            },
            Conventions::Latest => Names {
                cache_write_tokens: "gen_ai.usage.cache_write.input_tokens",
                reasoning_level: Some("gen_ai.request.reasoning.level"),
                previous_response: Some("gen_ai.request.previous_response.id"),
                cut_off: Some("error"),
                has_whole_top_k: true,
            },
        }
    }
}

/// Whose models a provider has; `vendor` is its preset, or the word for its kind. What has no name there keeps its own.
pub fn provider_name(vendor: &str) -> &str {
    match vendor {
        "azure" => "azure.ai.openai",
        "bedrock" => "aws.bedrock",
        "gemini" => "gcp.gemini",
        "vertex" => "gcp.vertex_ai",
        "mistral" => "mistral_ai",
        "moonshot" | "moonshot-intl" => "moonshot_ai",
        "xai" => "x_ai",
        // A request that no upstream was asked for.
        "" => "llmgw",
        own => own,
    }
}

/// What a request to this endpoint does: the conventions' word where there is one, else one like it.
pub fn operation(endpoint: Endpoint) -> &'static str {
    match endpoint {
        Endpoint::ChatCompletions | Endpoint::Responses | Endpoint::Messages => "chat",
        Endpoint::Completions => "text_completion",
        Endpoint::CountTokens => "count_tokens",
        Endpoint::Embeddings => "embeddings",
        Endpoint::Moderations => "moderation",
        Endpoint::ImageGenerations => "image_generation",
        Endpoint::ImageEdits => "image_edit",
        Endpoint::ImageVariations => "image_variation",
        Endpoint::AudioTranscriptions => "transcription",
        Endpoint::AudioTranslations => "translation",
        Endpoint::AudioSpeech => "speech",
        Endpoint::Rerank => "rerank",
    }
}

/// What comes out where that follows from the endpoint.
pub fn output_type(endpoint: Endpoint) -> Option<&'static str> {
    match endpoint {
        Endpoint::ImageGenerations | Endpoint::ImageEdits | Endpoint::ImageVariations => Some("image"),
        Endpoint::AudioSpeech => Some("speech"),
        _ => None,
    }
}

/// Which of OpenAI's two ways to chat it is asked in.
pub fn openai_api(spoken: Kind) -> Option<&'static str> {
    match spoken {
        Kind::OpenAiChat => Some("chat_completions"),
        Kind::OpenAiResponses => Some("responses"),
        Kind::OpenAiText | Kind::Anthropic | Kind::Gemini | Kind::Bedrock => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{Names, operation, provider_name};
    use crate::config::Conventions;
    use crate::hub::Endpoint;

    #[test]
    fn generations_differ_in_few_names() {
        let [released, latest] = [Conventions::Released, Conventions::Latest].map(Names::of);
        assert_eq!(released.cache_write_tokens, "gen_ai.usage.cache_creation.input_tokens");
        assert_eq!(latest.cache_write_tokens, "gen_ai.usage.cache_write.input_tokens");
        assert!(released.reasoning_level.is_none() && latest.reasoning_level.is_some());
    }

    #[test]
    fn vendors_and_operations_have_the_conventions_words() {
        let names = ["openai", "bedrock", "vertex", "moonshot-intl", "siliconflow"].map(provider_name);
        assert_eq!(names, ["openai", "aws.bedrock", "gcp.vertex_ai", "moonshot_ai", "siliconflow"]);
        let words = [Endpoint::Messages, Endpoint::Completions, Endpoint::Embeddings].map(operation);
        assert_eq!(words, ["chat", "text_completion", "embeddings"]);
    }
}
