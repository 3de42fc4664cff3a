//! Images and sound.

use utoipa::ToSchema;

/// A picture to be made.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ImageRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    prompt: String,
    /// How many.
    n: Option<u32>,
    /// `1024x1024` …
    size: Option<String>,
    quality: Option<String>,
    /// `url` or `b64_json`.
    response_format: Option<String>,
    user: Option<String>,
}

/// Pictures to be changed, by address or file id.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ImageEditRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    prompt: String,
    images: Option<Vec<ImageReference>>,
    n: Option<u32>,
    size: Option<String>,
}

/// A picture that is somewhere else.
#[derive(ToSchema)]
struct ImageReference {
    /// An address, or `data:` with the bytes.
    image_url: Option<String>,
    file_id: Option<String>,
}

/// Pictures to be changed, as files.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ImageEditForm {
    model: String,
    prompt: String,
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    /// Which part is to be changed.
    #[schema(value_type = Option<String>, format = Binary)]
    mask: Option<Vec<u8>>,
    n: Option<u32>,
    size: Option<String>,
}

/// A picture to be varied.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ImageVariationForm {
    model: String,
    #[schema(value_type = String, format = Binary)]
    image: Vec<u8>,
    n: Option<u32>,
    size: Option<String>,
}

/// Pictures.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Images {
    created: Option<u64>,
    data: Vec<Image>,
}

/// One picture: its bytes or its address.
#[derive(ToSchema)]
struct Image {
    b64_json: Option<String>,
    url: Option<String>,
    revised_prompt: Option<String>,
}

/// Speech to be written down.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct TranscriptionForm {
    model: String,
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
    /// What is spoken: `zh`, `en` …
    language: Option<String>,
    prompt: Option<String>,
    /// `json`, `text`, `srt`, `vtt`, `verbose_json` …
    response_format: Option<String>,
    temperature: Option<f64>,
    /// Answer with events, where the model can.
    stream: Option<bool>,
}

/// What was said.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Transcription {
    text: String,
}

/// A text to be spoken.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct SpeechRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    input: String,
    voice: Option<serde_json::Value>,
    /// `mp3`, `opus`, `aac`, `flac`, `wav`, `pcm`.
    response_format: Option<String>,
    speed: Option<f64>,
    instructions: Option<String>,
    /// `audio`, or `sse` for a stream of events.
    stream_format: Option<String>,
}
