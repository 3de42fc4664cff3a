//! The operations that name a model in their body.

/// An operation of the OpenAI-shaped API whose body names the model that shall answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Endpoint {
    /// `POST /chat/completions`
    ChatCompletions,
    /// `POST /completions`, the legacy text form
    Completions,
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
    pub const ALL: [Endpoint; 11] = [
        Endpoint::ChatCompletions,
        Endpoint::Completions,
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
        matches!(self, Endpoint::ChatCompletions | Endpoint::Completions | Endpoint::Embeddings)
    }
}
