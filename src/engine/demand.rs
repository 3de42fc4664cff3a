//! A job's body, read as far as the engine needs it: which model, whether it streams.

use bytes::Bytes;
use http::HeaderMap;
use http::header::CONTENT_TYPE;

use crate::dialects::head::{Head, HeadError};
use crate::dialects::multipart::Form;
use crate::engine::{Error, Job};
use crate::hub::{Endpoint, MediaType};

/// What a request asks for.
#[derive(Debug)]
pub struct Demand {
    /// The operation.
    pub endpoint: Endpoint,
    /// The name asked for, or the configured default.
    pub model: String,
    /// The body, whose bytes stay as they came.
    pub body: Body,
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
        Ok(Demand { endpoint: job.endpoint, model: model.to_owned(), body })
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
        let streams = matches!(self.endpoint, Endpoint::ChatCompletions | Endpoint::Completions);
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

fn read_body(endpoint: Endpoint, headers: &HeaderMap, body: Bytes) -> Result<Body, Error> {
    if MediaType::of(headers).is_some_and(MediaType::is_multipart) {
        let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let form = Form::read(content_type, body).map_err(|error| Error::InvalidRequest { message: error.to_string(), param: None })?;
        return Ok(Body::Form(form));
    }
    Head::read(endpoint, body).map(Body::Json).map_err(Error::from)
}

impl From<HeadError> for Error {
    fn from(error: HeadError) -> Error {
        match &error {
            HeadError::Json(_) => Error::InvalidJson(error.to_string()),
            _ => Error::InvalidRequest { message: error.to_string(), param: error.field().map(str::to_owned) },
        }
    }
}
