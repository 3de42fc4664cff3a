//! One method of a path, as the document describes it: what it takes, and every way in which it answers.
//!
//! A path file in [`super::paths`] is a list of these. Schemas that are named here get into the document by themselves.

use utoipa::openapi::path::{HttpMethod, OperationBuilder, ParameterBuilder, ParameterIn};
use utoipa::openapi::request_body::RequestBodyBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Ref, RefOr, Required, Response, ResponseBuilder};

use super::failures::{Envelope, Failure, Telling, Voice};
use super::media::Media;

/// What proves that a client may ask, where it has to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// One of `auth.keys`, where there are any.
    Key,
    /// `admin.key`, where there is one.
    Admin,
}

/// The ways to prove it.
pub(super) const KEY: &str = "key";
pub(super) const KEY_AS_HEADER: &str = "key_as_header";
pub(super) const KEY_OF_ADMIN: &str = "key_of_admin";

/// Headers of every answer.
const OWN: [&str; 1] = ["x-request-id"];

/// Headers of an upstream's answer.
const UPSTREAM: [&str; 7] = [
    "x-request-id",
    "x-llmgw-provider",
    "x-llmgw-model",
    "x-llmgw-attempts",
    "x-llmgw-overhead-ms",
    "x-llmgw-dropped",
    "x-upstream-request-id",
];

/// A method of a path.
pub(super) struct Operation {
    pub method: HttpMethod,
    /// As the router has it, but for the star of a parameter that may hold slashes.
    pub path: &'static str,
    telling: Telling,
    /// Of its answers, beside those that all have.
    headers: &'static [&'static str],
    answers: Vec<Answer>,
    failures: Vec<&'static Failure>,
    schemas: Vec<(String, RefOr<Schema>)>,
    builder: OperationBuilder,
}

/// An answer that only this operation has.
struct Answer {
    status: &'static str,
    description: &'static str,
    forms: Vec<Media>,
}

/// An operation as it stands in the document, and what it refers to there, by name.
pub(super) struct Built {
    pub operation: utoipa::openapi::path::Operation,
    pub schemas: Vec<(String, RefOr<Schema>)>,
    pub responses: Vec<(String, Response)>,
}

impl Operation {
    /// `id` is what generated clients name their function after.
    pub(super) fn new(method: HttpMethod, path: &'static str, id: &str) -> Operation {
        Operation {
            method,
            path,
            telling: Telling { envelope: Envelope::OpenAi, voice: Voice::Gateway },
            headers: &[],
            answers: Vec::new(),
            failures: Vec::new(),
            schemas: Vec::new(),
            builder: OperationBuilder::new().operation_id(Some(id)),
        }
    }

    pub(super) fn get(path: &'static str, id: &str) -> Operation {
        Operation::new(HttpMethod::Get, path, id)
    }

    pub(super) fn post(path: &'static str, id: &str) -> Operation {
        Operation::new(HttpMethod::Post, path, id)
    }

    /// Under which heading it stands, what it does in a few words, and in a few sentences.
    pub(super) fn about(self, tag: &str, summary: &str, description: &str) -> Operation {
        let description = (!description.is_empty()).then_some(description);
        self.built(|builder| builder.tag(tag).summary(Some(summary)).description(description))
    }

    pub(super) fn access(self, access: Access) -> Operation {
        let schemes: &[&str] = match access {
            Access::Key => &[KEY, KEY_AS_HEADER],
            Access::Admin => &[KEY_OF_ADMIN],
        };
        let none = SecurityRequirement::default();
        let any = schemes.iter().map(|scheme| SecurityRequirement::new::<_, [&str; 0], &str>(*scheme, []));
        // A gateway without keys wants none.
        let all: Vec<_> = any.chain([none]).collect();
        self.built(|builder| builder.securities(Some(all)))
    }

    /// A parameter within the path.
    pub(super) fn within(self, name: &str, description: &str, example: &str) -> Operation {
        let text = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).build();
        self.parameter(ParameterIn::Path, name, description, text, Some(example))
    }

    /// A parameter of the query, or a header, that may be left out.
    pub(super) fn optional(self, place: ParameterIn, name: &str, description: &str, schema: impl Into<Schema>) -> Operation {
        self.parameter(place, name, description, schema, None)
    }

    pub(super) fn parameter(
        self,
        place: ParameterIn,
        name: &str,
        description: &str,
        schema: impl Into<Schema>,
        example: Option<&str>,
    ) -> Operation {
        let required = if example.is_some() { Required::True } else { Required::False };
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(place)
            .required(required)
            .description(Some(description))
            .example(example.map(Into::into))
            .schema(Some(schema.into()));
        self.built(|builder| builder.parameter(parameter))
    }

    /// A body, in one of these forms.
    pub(super) fn takes<const N: usize>(self, required: bool, forms: [Media; N]) -> Operation {
        let required = if required { Required::True } else { Required::False };
        let mut body = RequestBodyBuilder::new().required(Some(required));
        let mut operation = self;
        for Media { name, content, schemas } in forms {
            operation.schemas.extend(schemas);
            body = body.content(name, content);
        }
        operation.built(|builder| builder.request_body(Some(body.build())))
    }

    /// An answer with this status, in one of these forms; `status` may be `default` or `4XX`.
    pub(super) fn answers<const N: usize>(mut self, status: &'static str, description: &'static str, forms: [Media; N]) -> Operation {
        self.answers.push(Answer { status, description, forms: forms.into() });
        self
    }

    /// Answers that other operations have too.
    pub(super) fn fails(mut self, failures: &[&'static Failure]) -> Operation {
        self.failures.extend(failures);
        self
    }

    /// Whose words its answers are.
    pub(super) fn in_words_of(mut self, voice: Voice) -> Operation {
        self.telling.voice = voice;
        self
    }

    /// Its clients read Anthropic's errors.
    pub(super) fn for_anthropic(mut self) -> Operation {
        self.telling.envelope = Envelope::Anthropic;
        self
    }

    /// Headers that only its answers have.
    pub(super) fn with_headers(self, headers: &'static [&'static str]) -> Operation {
        Operation { headers, ..self }
    }

    /// As it stands in the document.
    pub(super) fn build(self) -> Built {
        let Operation { telling, headers, answers, failures, mut schemas, mut builder, .. } = self;
        let common: &[&str] = if telling.voice == Voice::Gateway { &OWN } else { &UPSTREAM };
        for Answer { status, description, forms } in answers {
            let mut response = ResponseBuilder::new().description(description);
            for name in common.iter().chain(headers) {
                response = response.header_ref(*name, header(name));
            }
            for Media { name, content, schemas: its } in forms {
                schemas.extend(its);
                response = response.content(name, content);
            }
            builder = builder.response(status, response);
        }
        let mut responses = Vec::new();
        for failure in failures {
            let name = telling.name_of(failure);
            builder = builder.response(failure.status.to_string(), Ref::from_response_name(&name));
            responses.push((name, telling.response(failure)));
        }
        Built { operation: builder.build(), schemas, responses }
    }

    fn built(mut self, more: impl FnOnce(OperationBuilder) -> OperationBuilder) -> Operation {
        self.builder = more(self.builder);
        self
    }
}

/// The place where a header is described.
pub(super) fn header(name: &str) -> Ref {
    Ref::new(format!("#/components/headers/{name}"))
}

/// A text, for parameters.
pub(super) fn text() -> Schema {
    Schema::from(ObjectBuilder::new().schema_type(Type::String))
}

/// True or false.
pub(super) fn flag() -> Schema {
    Schema::from(ObjectBuilder::new().schema_type(Type::Boolean))
}

/// One of these words.
pub(super) fn word<const N: usize>(words: [&str; N]) -> Schema {
    Schema::from(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)))
}

/// A whole number within these limits.
pub(super) fn number(least: usize, most: usize) -> Schema {
    Schema::from(ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(least)).maximum(Some(most)))
}
