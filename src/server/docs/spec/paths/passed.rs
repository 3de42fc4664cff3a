//! Paths that name a provider instead of a model.

use utoipa::openapi::path::{HttpMethod, ParameterIn};

use super::PASSED;
use crate::server::docs::spec::failures::Voice;
use crate::server::docs::spec::failures::list::{self, BAD_PATH, FORBIDDEN, FULL, INTERNAL, LATER, MALFORMED, NO_PROVIDER, URI_TOO_LONG};
use crate::server::docs::spec::media::{anything, fields};
use crate::server::docs::spec::operation::{Access, Operation, text};

const METHODS: [(HttpMethod, &str); 5] = [
    (HttpMethod::Get, "get"),
    (HttpMethod::Post, "post"),
    (HttpMethod::Put, "put"),
    (HttpMethod::Patch, "patch"),
    (HttpMethod::Delete, "delete"),
];

const PATH: &str = "The provider's path, slashes included; it goes there as it is encoded";

pub(super) fn operations() -> Vec<Operation> {
    let configured = METHODS.map(|(method, word)| {
        let about = "To the provider that the header `x-llmgw-provider` names, else to `routing.passthrough`; without either 404.";
        passed(method, "/v1/{path}", &format!("{word}_other"))
            .about(PASSED, "Any other path: files, batches, vector stores …", about)
            .within("path", PATH, "files")
            .optional(ParameterIn::Header, "x-llmgw-provider", "Name of the provider", text())
    });
    let below = METHODS
        .map(|(method, word)| named(method, "/providers/{name}/{path}", &format!("{word}_of_provider")).within("path", PATH, "models"));
    let bare = METHODS.map(|(method, word)| named(method, "/providers/{name}", &format!("{word}_base_url")));
    configured.into_iter().chain(below).chain(bare).chain(realtime()).collect()
}

fn named(method: HttpMethod, path: &'static str, id: &str) -> Operation {
    let about = "Below its `base_url`, with its credentials. A path that leads outside of it is 400.";
    passed(method, path, id).about(PASSED, "Any path of a provider", about).within("name", "Name of the provider", "openai")
}

fn passed(method: HttpMethod, path: &'static str, id: &str) -> Operation {
    let has_body = matches!(method, HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch);
    let operation = Operation::new(method, path, id)
        .access(Access::Key)
        .in_words_of(Voice::Provider)
        .fails(&list::PASSED)
        .fails(&[&BAD_PATH, &NO_PROVIDER])
        .answers("default", "Whatever the provider answers", [anything("*/*")]);
    match has_body {
        true => operation.takes(false, [anything("application/json"), fields("multipart/form-data")]),
        false => operation,
    }
}

fn realtime() -> [Operation; 2] {
    let later = |path, id| {
        Operation::get(path, id).about(PASSED, "Not there yet: WebSocket", "").fails(&[
            &MALFORMED,
            &FORBIDDEN,
            &URI_TOO_LONG,
            &INTERNAL,
            &LATER,
            &FULL,
        ])
    };
    [later("/v1/realtime", "realtime"), later("/v1/realtime/{path}", "realtime_below").within("path", "Whatever follows", "sessions")]
}
