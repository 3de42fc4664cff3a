//! The ways in which paths refuse and fail: a status, its codes, and when each comes. `docs/errors.md` has the same table
//! for people, and a test holds the two together.

pub(super) mod list;

use http::StatusCode;
use serde_json::{Value, json};
use utoipa::ToSchema;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AllOfBuilder, AnyOfBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Response, ResponseBuilder};

use super::media::schemas_of;
use super::operation::header;
use super::schemas::errors::{AnthropicError, OpenAiError, UpstreamError};
use crate::dialects::client;
use crate::hub::{ApiError, Kind};
use crate::server::error::kind;

/// An answer that several operations have.
pub(super) struct Failure {
    /// Under which the document has it.
    pub name: &'static str,
    pub status: u16,
    /// Each code, and when it comes.
    pub codes: &'static [(&'static str, &'static str)],
    /// Beside `x-request-id`.
    pub headers: &'static [&'static str],
}

impl Failure {
    const fn new(name: &'static str, status: u16, codes: &'static [(&'static str, &'static str)]) -> Failure {
        Failure { name, status, codes, headers: &[] }
    }

    const fn with(self, headers: &'static [&'static str]) -> Failure {
        Failure { headers, ..self }
    }
}

/// The shape in which a path's clients read errors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Envelope {
    OpenAi,
    Anthropic,
}

/// Whose words an operation answers with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Voice {
    /// llmgw's own.
    Gateway,
    /// Those of an upstream that was chosen, but where it failed.
    Upstream,
    /// Those of a provider that was named, whatever they are.
    Provider,
}

impl Voice {
    /// Whether what has this status may be an upstream's own words. Its 401 never is: the client would take it for its own.
    fn may_be_foreign(self, status: u16) -> bool {
        let least = if self == Voice::Upstream { 500 } else { 600 };
        self != Voice::Gateway && status != 401 && status < least
    }
}

/// How one operation tells of its failures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Telling {
    pub envelope: Envelope,
    pub voice: Voice,
}

impl Telling {
    /// The name of `failure` as it is told here.
    pub(super) fn name_of(self, failure: &Failure) -> String {
        let dialect = if self.envelope == Envelope::Anthropic { "ForAnthropic" } else { "" };
        let voice = if self.voice.may_be_foreign(failure.status) { "OrUpstream" } else { "" };
        format!("{}{voice}{dialect}", failure.name)
    }

    /// The answer as the document describes it.
    pub(super) fn response(self, failure: &Failure) -> Response {
        let mut description: String = failure.codes.iter().map(|(code, when)| format!("- `{code}`: {when}\n")).collect();
        if self.voice.may_be_foreign(failure.status) {
            description += "- or what the upstream said, as it said it";
        }
        let examples = failure.codes.iter().map(|(code, when)| {
            let value = self.example(failure.status, code, when);
            ((*code).to_owned(), ExampleBuilder::new().value(Some(value)))
        });
        let content = ContentBuilder::new().schema(Some(self.schema(failure))).examples_from_iter(examples);
        let response = ResponseBuilder::new().description(description.trim_end()).content("application/json", content.build());
        let headers = ["x-request-id"].iter().chain(failure.headers);
        headers.fold(response, |response, name| response.header_ref(*name, header(name))).build()
    }

    /// Ours have one of their codes; an upstream's have what they have.
    fn schema(self, failure: &Failure) -> Schema {
        let code = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(failure.codes.iter().map(|(code, _)| *code)));
        let (name, error) = match self.envelope {
            Envelope::OpenAi => (OpenAiError::name(), ObjectBuilder::new().property("code", code)),
            Envelope::Anthropic => {
                (AnthropicError::name(), ObjectBuilder::new().property("details", ObjectBuilder::new().property("error_code", code)))
            }
        };
        let envelope = Ref::from_schema_name(name);
        match self.voice.may_be_foreign(failure.status) {
            true => AnyOfBuilder::new().item(envelope).item(Ref::from_schema_name(UpstreamError::name())).build().into(),
            false => AllOfBuilder::new().item(envelope).item(ObjectBuilder::new().property("error", error)).build().into(),
        }
    }

    fn example(self, status: u16, code: &str, when: &str) -> Value {
        let kind = kind(StatusCode::from_u16(status).unwrap_or_default());
        match self.envelope {
            Envelope::OpenAi => json!({ "error": { "message": when, "type": kind, "param": null, "code": code } }),
            Envelope::Anthropic => {
                let error = ApiError { message: when.to_owned(), kind: kind.to_owned(), code: code.to_owned() };
                serde_json::from_slice(&client(Kind::Anthropic).encode_error(status, &error)).unwrap_or_default()
            }
        }
    }
}

/// The schemas of both envelopes, and of what upstreams say.
pub(super) fn schemas() -> Vec<(String, RefOr<Schema>)> {
    [schemas_of::<OpenAiError>(), schemas_of::<AnthropicError>(), schemas_of::<UpstreamError>()].concat()
}
