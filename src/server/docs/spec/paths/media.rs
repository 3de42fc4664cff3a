//! What names a model and is no chat.

use serde_json::json;

use super::{INPUTS, MEDIA, failing, model};
use crate::server::docs::spec::failures::list::BAD_REQUEST;
use crate::server::docs::spec::media::{Media, bytes, events, form, json, words};
use crate::server::docs::spec::operation::Operation;
use crate::server::docs::spec::schemas::inputs::{EmbeddingRequest, Embeddings, Moderation, ModerationRequest, Ranking, RerankRequest};
use crate::server::docs::spec::schemas::media::{
    ImageEditForm, ImageEditRequest, ImageRequest, ImageVariationForm, Images, SpeechRequest, Transcription, TranscriptionForm,
};

pub(super) fn operations() -> Vec<Operation> {
    let all = [embeddings(), moderations(), rerank(), images(), edits(), variations(), transcriptions(), translations(), speech()];
    all.into_iter().map(|operation| failing(operation.fails(&[&BAD_REQUEST]))).collect()
}

fn embeddings() -> Operation {
    let answer = json!({
        "object": "list", "model": "text-embedding-3-small",
        "data": [{ "object": "embedding", "index": 0, "embedding": [0.6, -0.8] }],
        "usage": { "prompt_tokens": 2, "total_tokens": 2 },
    });
    model("/v1/embeddings", "create_embeddings")
        .about(INPUTS, "Embeddings", "")
        .takes(true, [json::<EmbeddingRequest>(json!({ "model": "text-embedding-3-small", "input": ["你好", "世界"] }))])
        .answers("200", "A vector for each input", [json::<Embeddings>(answer)])
}

fn moderations() -> Operation {
    let result = json!({ "flagged": false, "categories": { "violence": false }, "category_scores": { "violence": 0.000_01 } });
    let answer = json!({ "id": "modr-1", "model": "omni-moderation-latest", "results": [result] });
    model("/v1/moderations", "create_moderation")
        .about(INPUTS, "Moderations", "")
        .takes(true, [json::<ModerationRequest>(json!({ "model": "omni-moderation-latest", "input": "你好" }))])
        .answers("200", "A judgement of each input", [json::<Moderation>(answer)])
}

fn rerank() -> Operation {
    let request = json!({ "model": "rerank", "query": "龙住在哪里？", "documents": ["龙住在山里。", "今天下雨。"], "top_n": 1 });
    let answer = json!({ "id": "rerank-1", "model": "rerank", "results": [{ "index": 0, "relevance_score": 0.98 }] });
    model("/v1/rerank", "rerank")
        .about(INPUTS, "Rerank", "Jina's and Cohere's form.")
        .takes(true, [json::<RerankRequest>(request)])
        .answers("200", "The documents, best first", [json::<Ranking>(answer)])
}

fn pictures() -> [Media; 2] {
    let answer = json!({ "created": 1_735_689_600, "data": [{ "url": "https://images.example/1.png" }] });
    [json::<Images>(answer), events("event: image_generation.completed\ndata: {\"type\":\"image_generation.completed\"}\n\n")]
}

fn images() -> Operation {
    let request = json!({ "model": "gpt-image-1", "prompt": "一条龙", "size": "1024x1024" });
    model("/v1/images/generations", "create_image").about(MEDIA, "Make images", "").takes(true, [json::<ImageRequest>(request)]).answers(
        "200",
        "The images",
        pictures(),
    )
}

fn edits() -> Operation {
    let images = json!([{ "image_url": "https://images.example/1.png" }]);
    let request = json!({ "model": "gpt-image-1", "prompt": "让它飞起来", "images": images });
    model("/v1/images/edits", "edit_image")
        .about(MEDIA, "Change images", "")
        .takes(true, [form::<ImageEditForm>(), json::<ImageEditRequest>(request)])
        .answers("200", "The images", pictures())
}

fn variations() -> Operation {
    model("/v1/images/variations", "vary_image").about(MEDIA, "Vary an image", "").takes(true, [form::<ImageVariationForm>()]).answers(
        "200",
        "The images",
        pictures(),
    )
}

fn written() -> [Media; 3] {
    let stream = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"你好\"}\n\n";
    [json::<Transcription>(json!({ "text": "你好" })), events(stream), words("text/plain", "你好\n")]
}

fn transcriptions() -> Operation {
    model("/v1/audio/transcriptions", "create_transcription")
        .about(MEDIA, "Write speech down", "")
        .takes(true, [form::<TranscriptionForm>()])
        .answers("200", "What was said, in the form that `response_format` names", written())
}

fn translations() -> Operation {
    model("/v1/audio/translations", "create_translation")
        .about(MEDIA, "Write speech down in English", "")
        .takes(true, [form::<TranscriptionForm>()])
        .answers("200", "What was said, in the form that `response_format` names", written())
}

fn speech() -> Operation {
    let stream = "data: {\"type\":\"speech.audio.delta\",\"audio\":\"//uQAA==\"}\n\n";
    model("/v1/audio/speech", "create_speech")
        .about(MEDIA, "Speak a text", "")
        .takes(true, [json::<SpeechRequest>(json!({ "model": "gpt-4o-mini-tts", "input": "你好", "voice": "alloy" }))])
        .answers("200", "The sound, as it is made", [bytes("audio/*"), events(stream)])
}
