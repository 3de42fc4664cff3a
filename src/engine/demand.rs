//! A job's body, read as far as the engine needs it: which model, whether it streams.

use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use memchr::memmem::Finder;

use crate::dialects::multipart::Form;
use crate::dialects::{self, DialectError, Head, HeadError};
use crate::engine::conversation::earlier::Earlier;
use crate::engine::conversation::keep::Keeping;
use crate::engine::{Error, Job};
use crate::hub::{self, Endpoint, MediaType};
use crate::providers::Asked;

/// In bytes: far more than any name has, those of Bedrock's profiles included.
const LONGEST_MODEL: usize = 512;

/// What a request asks for.
#[derive(Debug)]
pub struct Demand {
    /// The operation.
    pub endpoint: Endpoint,
    /// The name asked for, or the configured default.
    pub model: String,
    /// The body, whose bytes stay as they came.
    pub body: Body,
    /// What it goes on from.
    pub earlier: Earlier,
    /// What its answer is kept with; `None`: it is not kept.
    pub keeping: Option<Arc<Keeping>>,
    /// The same in the hub's words, once a translation needs them.
    read: OnceLock<Arc<hub::Request>>,
}

/// A body whose model can be replaced in place.
#[derive(Debug)]
pub enum Body {
    /// `application/json`
    Json(Head),
    /// `multipart/form-data`
    Form(Form),
}

impl Demand {
    /// A request for `model`.
    pub fn new(endpoint: Endpoint, model: String, body: Body) -> Demand {
        Demand { endpoint, model, body, earlier: Earlier::Nothing, keeping: None, read: OnceLock::new() }
    }

    /// The whole of a chat's request in the hub's words; read at most once if it can be read.
    pub fn request(&self) -> Result<Arc<hub::Request>, DialectError> {
        if let Some(read) = self.read.get() {
            return Ok(read.clone());
        }
        let Body::Json(head) = &self.body else { return Err(DialectError::Malformed("a form is no chat".to_owned())) };
        let mut request = dialects::client(self.endpoint.dialect()).decode_request(head.object.body())?;
        request.previous = self.earlier.joined().map(str::to_owned);
        request.is_kept = self.keeping.is_some();
        if request.is_kept {
            // It is no hint that gets lost: llmgw does it.
            request.left_out.retain(|name| name != "store");
        }
        Ok(self.read.get_or_init(|| Arc::new(request)).clone())
    }

    /// What it asks of a model, as far as the dialects that the model takes depend on it. Looks at the top level only.
    pub fn asks<'a>(&self, model: &'a str) -> Asked<'a> {
        let Body::Json(head) = &self.body else { return Asked { model, has_tools: false, reasons: false } };
        let is_given = |name: &str| head.object.get(name).is_some_and(|raw| !matches!(raw, b"null" | b"[]" | b"{}"));
        let effort = head.object.get("reasoning_effort").is_some_and(|raw| !matches!(raw, b"null" | b"\"none\""));
        let reasons = effort || is_given("reasoning") || is_given("thinking");
        Asked { model, has_tools: is_given("tools") || is_given("functions"), reasons }
    }

    /// Whether it holds what another dialect's provider has signed: that must not go by as it is.
    pub fn has_foreign_state(&self) -> bool {
        static NAME: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("llmgw"));
        let Body::Json(head) = &self.body else { return false };
        let body = head.object.body();
        NAME.find_iter(body).any(|at| is_mark(&body[..at], &body[at + NAME.needle().len()..]))
    }

    /// Reads `job`'s body. A request without a model gets the configured default, if there is one for requests.
    pub fn read(job: &Job) -> Result<Demand, Error> {
        let body = read_body(job.endpoint, &job.headers, job.body.clone())?;
        let asked = match &body {
            Body::Json(request) => request.model.as_deref(),
            Body::Form(form) => form.model(),
        };
        let routing = &job.snapshot.config.routing;
        // A form's missing part cannot be spliced in.
        let may_default = routing.default_for_requests && matches!(body, Body::Json(_));
        let default = may_default.then_some(&*routing.default_model);
        let Some(model) = asked.filter(|model| !model.is_empty()).or(default) else {
            let message = "`model` is missing: name one of GET /v1/models, or set `routing.default_model`".to_owned();
            return Err(Error::InvalidRequest { message, param: Some("model".to_owned()) });
        };
        if model.len() > LONGEST_MODEL {
            let message = format!("`model` has {} bytes, and no name has more than {LONGEST_MODEL}", model.len());
            return Err(Error::ModelNotFound(message));
        }
        Ok(Demand::new(job.endpoint, model.to_owned(), body))
    }

    /// Whether a stream is asked for.
    pub fn is_stream(&self) -> bool {
        match &self.body {
            Body::Json(request) => request.stream,
            Body::Form(form) => form.is_stream(),
        }
    }

    /// Whether it may be asked of two upstreams at once, the first to speak wins: a stream of events that is not about what
    /// only one of them knows.
    pub fn may_be_hedged(&self) -> bool {
        let streams = self.endpoint.chat().is_some();
        matches!(&self.body, Body::Json(request) if streams && request.stream && !request.is_bound())
    }

    /// About how many tokens go in.
    pub fn estimated_input(&self) -> u64 {
        match &self.body {
            Body::Json(request) => request.estimated_input(),
            Body::Form(_) => 0,
        }
    }
}

/// Whether `llmgw` between the two marks a signature, or an id of reasoning that no provider knows.
fn is_mark(before: &[u8], after: &[u8]) -> bool {
    (before.ends_with(b"\"") && after.starts_with(b".")) || (before.ends_with(b"\"rs_") && after.starts_with(b"_"))
}

fn read_body(endpoint: Endpoint, headers: &HeaderMap, body: Bytes) -> Result<Body, Error> {
    if MediaType::of(headers).is_some_and(MediaType::is_multipart) {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = Form::read(content_type, body).map_err(|error| Error::InvalidRequest { message: error.to_string(), param: None })?;
        return Ok(Body::Form(form));
    }
    Head::read(endpoint, body).map(Body::Json).map_err(Error::from)
}

impl From<DialectError> for Error {
    fn from(error: DialectError) -> Error {
        let param = match &error {
            DialectError::Invalid { path, .. } | DialectError::Missing { path } | DialectError::Senseless { path, .. } => {
                Some(path.clone())
            }
            DialectError::Declined { code, .. } => return Error::Declined { message: error.to_string(), code },
            DialectError::Unsupported { .. } | DialectError::Malformed(_) => None,
        };
        Error::InvalidRequest { message: error.to_string(), param }
    }
}

impl From<HeadError> for Error {
    fn from(error: HeadError) -> Error {
        match &error {
            HeadError::Json(_) => Error::InvalidJson(error.to_string()),
            _ => Error::InvalidRequest { message: error.to_string(), param: error.field().map(str::to_owned) },
        }
    }
}
