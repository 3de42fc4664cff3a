//! The operations that name a model in their body.

use crate::hub::Kind;

/// An operation whose body names the model that shall answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /chat/completions`
    ChatCompletions,
    /// `POST /completions`, the legacy text form
    Completions,
    /// `POST /responses`
    Responses,
    /// `POST /messages`, Anthropic's
    Messages,
    /// `POST /messages/count_tokens`, Anthropic's
    CountTokens,
    /// `POST /embeddings`
    Embeddings,
    /// `POST /moderations`
    Moderations,
    /// `POST /images/generations`
    ImageGenerations,
    /// `POST /images/edits`
    ImageEdits,
    /// `POST /images/variations`
    ImageVariations,
    /// `POST /audio/transcriptions`
    AudioTranscriptions,
    /// `POST /audio/translations`
    AudioTranslations,
    /// `POST /audio/speech`
    AudioSpeech,
    /// `POST /rerank`
    Rerank,
}

impl Endpoint {
    /// Every endpoint, in the order of the documentation.
    pub const ALL: [Endpoint; 14] = [
        Endpoint::ChatCompletions,
        Endpoint::Completions,
        Endpoint::Responses,
        Endpoint::Messages,
        Endpoint::CountTokens,
        Endpoint::Embeddings,
        Endpoint::Moderations,
        Endpoint::ImageGenerations,
        Endpoint::ImageEdits,
        Endpoint::ImageVariations,
        Endpoint::AudioTranscriptions,
        Endpoint::AudioTranslations,
        Endpoint::AudioSpeech,
        Endpoint::Rerank,
    ];

    /// The path below a base URL that ends in `/v1` or its vendor's equivalent, with a leading slash.
    pub fn path(self) -> &'static str {
        match self {
            Endpoint::ChatCompletions => "/chat/completions",
            Endpoint::Completions => "/completions",
            Endpoint::Responses => "/responses",
            Endpoint::Messages => "/messages",
            Endpoint::CountTokens => "/messages/count_tokens",
            Endpoint::Embeddings => "/embeddings",
            Endpoint::Moderations => "/moderations",
            Endpoint::ImageGenerations => "/images/generations",
            Endpoint::ImageEdits => "/images/edits",
            Endpoint::ImageVariations => "/images/variations",
            Endpoint::AudioTranscriptions => "/audio/transcriptions",
            Endpoint::AudioTranslations => "/audio/translations",
            Endpoint::AudioSpeech => "/audio/speech",
            Endpoint::Rerank => "/rerank",
        }
    }

    /// The endpoint with this path.
    pub fn of_path(path: &str) -> Option<Endpoint> {
        Endpoint::ALL.into_iter().find(|endpoint| endpoint.path() == path)
    }

    /// Whether a reply is a JSON value that llmgw reads whole before it answers (§4: "a non-streamed JSON answer when it is complete").
    pub fn has_json_reply(self) -> bool {
        self.chat().is_some() || matches!(self, Endpoint::CountTokens | Endpoint::Embeddings)
    }

    /// The dialect of a chat that is asked for here.
    pub fn chat(self) -> Option<Kind> {
        match self {
            Endpoint::ChatCompletions => Some(Kind::OpenAiChat),
            Endpoint::Completions => Some(Kind::OpenAiText),
            Endpoint::Responses => Some(Kind::OpenAiResponses),
            Endpoint::Messages => Some(Kind::Anthropic),
            _ => None,
        }
    }

    /// The dialect in which its clients read errors.
    pub fn dialect(self) -> Kind {
        match self {
            Endpoint::CountTokens => Kind::Anthropic,
            _ => self.chat().unwrap_or(Kind::OpenAiChat),
        }
    }
}
