//! Replies and errors in OpenAI's envelopes.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Value, json};

use crate::transport::UpstreamBody;
use crate::transport::memory::{self, Step};

/// The one moment at which everything was created: the same requests get the same bytes.
pub const CREATED: u64 = 1_735_689_600;

/// An error reply.
#[derive(Debug)]
pub struct Failure {
    status: StatusCode,
    message: String,
    kind: &'static str,
    code: Option<&'static str>,
    param: Option<&'static str>,
}

impl Failure {
    /// The request's own fault.
    pub fn invalid(message: &str, param: Option<&'static str>) -> Failure {
        let message = message.to_owned();
        Failure { status: StatusCode::BAD_REQUEST, message, kind: "invalid_request_error", code: None, param }
    }

    /// Nothing is here.
    pub fn unknown_path(path: &str) -> Failure {
        let message = format!("Invalid URL ({path}): the mock has nothing here");
        Failure { status: StatusCode::NOT_FOUND, message, kind: "invalid_request_error", code: None, param: None }
    }

    /// What the configuration wants to see now and then.
    pub fn configured(status: u16) -> Failure {
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let (kind, code) = match status.as_u16() {
            401 => ("invalid_request_error", Some("invalid_api_key")),
            429 => ("requests", Some("rate_limit_exceeded")),
            503 => ("service_unavailable_error", Some("server_is_overloaded")),
            500..=599 => ("server_error", None),
            _ => ("invalid_request_error", None),
        };
        Failure { status, message: format!("The mock was told to fail with {}", status.as_u16()), kind, code, param: None }
    }

    /// As it goes out.
    pub fn response(self) -> Response<UpstreamBody> {
        let Failure { status, message, kind, code, param } = self;
        let mut response = json(&json!({"error": {"message": message, "type": kind, "param": param, "code": code}}));
        *response.status_mut() = status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

/// A whole JSON reply.
pub fn json(value: &Value) -> Response<UpstreamBody> {
    bytes("application/json", value.to_string())
}

/// A whole reply.
pub fn bytes(kind: &'static str, body: impl Into<Bytes>) -> Response<UpstreamBody> {
    let mut response = Response::new(memory::whole(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A stream of server-sent events; its end is marked.
pub fn events(mut steps: Vec<Step>) -> Response<UpstreamBody> {
    steps.push(Step::Send(Bytes::from_static(b"data: [DONE]\n\n")));
    let mut response = Response::new(memory::paced(steps));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    response
}

/// One event of a stream.
pub fn event(value: &Value) -> Step {
    Step::Send(Bytes::from(format!("data: {value}\n\n")))
}

/// Gives `response` the id of the request it answers.
pub fn number(response: &mut Response<UpstreamBody>, number: u64) {
    if let Ok(id) = HeaderValue::try_from(format!("req_mock_{number}")) {
        response.headers_mut().insert("x-request-id", id);
    }
}
