//! What is computed from texts: embeddings, moderations, ranks.

use utoipa::ToSchema;

use super::{Content, Texts, chat::Usage};

/// One text, several, or tokens.
#[derive(ToSchema)]
#[serde(untagged)]
pub(super) enum Input {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u64>),
    TokenLists(Vec<Vec<u64>>),
}

/// Texts to be made vectors of.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct EmbeddingRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    input: Input,
    dimensions: Option<u32>,
    /// `float` or `base64`.
    encoding_format: Option<String>,
    user: Option<String>,
}

/// A vector for each text.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Embeddings {
    /// `list`
    object: String,
    data: Vec<Embedding>,
    model: String,
    usage: Option<Usage>,
}

/// The vector of one text.
#[derive(ToSchema)]
struct Embedding {
    index: u32,
    embedding: Vector,
}

/// Numbers, or the same packed as base64.
#[derive(ToSchema)]
#[serde(untagged)]
enum Vector {
    Numbers(Vec<f64>),
    Packed(String),
}

/// Texts or images to be judged.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct ModerationRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    input: Moderated,
}

/// One text, several, or parts.
#[derive(ToSchema)]
#[serde(untagged)]
enum Moderated {
    Texts(Texts),
    Parts(Content),
}

/// The judgement of each.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Moderation {
    id: Option<String>,
    model: Option<String>,
    results: Vec<Judgement>,
}

/// Of one text.
#[derive(ToSchema)]
struct Judgement {
    flagged: bool,
    /// By name of the category.
    #[schema(value_type = Object)]
    categories: serde_json::Value,
    /// From 0 to 1, by name of the category.
    #[schema(value_type = Object)]
    category_scores: serde_json::Value,
}

/// Documents to be ordered by what they have to do with a question.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct RerankRequest {
    /// One of `GET /v1/models`. May be left out where `routing.default_model` is set.
    model: Option<String>,
    query: String,
    documents: Vec<Document>,
    /// How many of them to give back.
    top_n: Option<u32>,
    /// Whether to repeat the documents.
    return_documents: Option<bool>,
}

/// A text, or an object that holds one.
#[derive(ToSchema)]
#[serde(untagged)]
enum Document {
    Text(String),
    Fields(DocumentFields),
}

/// A document of several fields.
#[derive(ToSchema)]
struct DocumentFields {
    text: Option<String>,
}

/// The documents, best first.
#[derive(ToSchema)]
pub(in crate::server::docs::spec) struct Ranking {
    id: Option<String>,
    model: Option<String>,
    results: Vec<Rank>,
}

/// One document's.
#[derive(ToSchema)]
struct Rank {
    /// Its place in the request.
    index: u32,
    relevance_score: f64,
    document: Option<Document>,
}
