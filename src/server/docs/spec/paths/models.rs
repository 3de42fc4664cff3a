//! What can be asked for.

use serde_json::json;
use utoipa::openapi::path::ParameterIn;

use super::MODELS;
use crate::server::docs::spec::failures::list::{
    BAD_REQUEST, FORBIDDEN, FULL, INTERNAL, LATE, MALFORMED, MEDIA_TYPE, NO_SUCH_MODEL, NOT_ALLOWED, TOO_LARGE, UNAUTHORIZED, URI_TOO_LONG,
};
use crate::server::docs::spec::media::json;
use crate::server::docs::spec::operation::{Access, Operation, number, text};
use crate::server::models::{ShownModel, ShownModels, TestBody, Tested};

pub(super) fn operations() -> Vec<Operation> {
    vec![list("/v1/models", "list_models"), list("/models", "list_models_without_version"), show(), test()]
}

fn list(path: &'static str, id: &str) -> Operation {
    let about = "What the key may ask for: public names, `auto`, and each id that a provider offers, bare and as `PROVIDER/ID`. \
        No key is needed if `auth.open_models` is set. With the header `anthropic-version`, Anthropic's form, page by page.";
    let model = json!({ "id": "gpt-4", "object": "model", "created": 1_735_689_600, "owned_by": "openai" });
    let operation = Operation::get(path, id)
        .about(MODELS, "List the models", about)
        .optional(ParameterIn::Query, "limit", "How many on a page, in Anthropic's form", number(1, 1000))
        .optional(ParameterIn::Query, "after_id", "Begin behind this one, in Anthropic's form", text())
        .optional(ParameterIn::Query, "before_id", "End before this one, in Anthropic's form", text())
        .answers("200", "The models", [json::<ShownModels>(json!({ "object": "list", "data": [model] }))]);
    reading(operation)
}

fn show() -> Operation {
    let model = json!({ "id": "gpt-4", "object": "model", "created": 1_735_689_600, "owned_by": "openai" });
    let operation = Operation::get("/v1/models/{id}", "show_model")
        .about(MODELS, "One model", "")
        .within("id", "Its name. Slashes may be raw or `%2F`", "auto")
        .answers("200", "The model", [json::<ShownModel>(model)]);
    reading(operation).fails(&[&NO_SUCH_MODEL])
}

fn reading(operation: Operation) -> Operation {
    operation.access(Access::Key).optional(ParameterIn::Header, "anthropic-version", "To get Anthropic's form", text()).fails(&[
        &MALFORMED,
        &UNAUTHORIZED,
        &FORBIDDEN,
        &URI_TOO_LONG,
        &INTERNAL,
        &FULL,
    ])
}

fn test() -> Operation {
    let about = "Asks the model's first route for real, which costs a few tokens.";
    let tested = json!({ "ok": true, "model": "auto", "provider": "openai", "latency_ms": 412, "reply": "你好！", "error": null });
    Operation::post("/v1/models/{id}/test", "test_model")
        .about(MODELS, "Test a model", about)
        .access(Access::Key)
        .within("id", "Its name. Slashes may be raw or `%2F`", "auto")
        .takes(false, [json::<TestBody>(json!({ "test_message": "你好" }))])
        .answers("200", "What came of it, also where that is a failure", [json::<Tested>(tested)])
        .fails(&[&BAD_REQUEST, &UNAUTHORIZED, &NOT_ALLOWED, &NO_SUCH_MODEL, &LATE, &TOO_LARGE, &URI_TOO_LONG, &MEDIA_TYPE])
        .fails(&[&INTERNAL, &FULL])
}
