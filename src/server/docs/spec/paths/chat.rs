//! What names a model and is answered with text, and what becomes of an answer that is kept.

use serde_json::json;
use utoipa::openapi::path::{HttpMethod, ParameterIn};

use super::{CHAT, failing, model};
use crate::server::docs::spec::failures::Voice;
use crate::server::docs::spec::failures::list::{BAD_REQUEST, BAD_RESPONSE_REQUEST, BAD_STORED, NO_RESPONSE, PASSED};
use crate::server::docs::spec::media::{anything, events, json};
use crate::server::docs::spec::operation::{Access, Operation, flag, number, text, word};
use crate::server::docs::spec::schemas::chat::{ChatCompletion, ChatRequest, Completion, CompletionRequest};
use crate::server::docs::spec::schemas::messages::{CountRequest, MessagesAnswer, MessagesRequest, TokenCount};
use crate::server::docs::spec::schemas::responses::{Forgotten, ItemList, ResponseObject, ResponseRequest};

const STREAMS: &str = "The answer; events if `stream` is true";

pub(super) fn operations() -> Vec<Operation> {
    let mut all = vec![chat(), completion(), messages(), count(), respond()];
    all.extend(stored());
    all
}

fn chat() -> Operation {
    let request = json!({ "model": "auto", "messages": [{ "role": "user", "content": "你好" }] });
    let answer = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_735_689_600, "model": "gpt-4o",
        "choices": [{ "index": 0, "message": { "role": "assistant", "content": "你好！" }, "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3 },
    });
    let stream = "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1735689600,\"model\":\"gpt-4o\",\
        \"choices\":[{\"index\":0,\"delta\":{\"content\":\"你好\"},\"finish_reason\":null}]}\n\ndata: [DONE]\n\n";
    let operation = model("/v1/chat/completions", "create_chat_completion")
        .about(CHAT, "Chat completions", "OpenAI's, to any upstream. Other fields than these pass too.")
        .takes(true, [json::<ChatRequest>(request)])
        .answers("200", STREAMS, [json::<ChatCompletion>(answer), events(stream)]);
    failing(operation.fails(&[&BAD_REQUEST]))
}

fn completion() -> Operation {
    let request = json!({ "model": "auto", "prompt": "从前有座山，" });
    let answer = json!({
        "id": "cmpl-1", "object": "text_completion", "created": 1_735_689_600, "model": "gpt-4o",
        "choices": [{ "index": 0, "text": "山里有座庙。", "finish_reason": "stop" }],
        "usage": { "prompt_tokens": 4, "completion_tokens": 4, "total_tokens": 8 },
    });
    let stream = "data: {\"id\":\"cmpl-1\",\"object\":\"text_completion\",\"created\":1735689600,\"model\":\"gpt-4o\",\
        \"choices\":[{\"index\":0,\"text\":\"山里\",\"finish_reason\":null}]}\n\ndata: [DONE]\n\n";
    let operation = model("/v1/completions", "create_completion")
        .about(CHAT, "Completions", "OpenAI's legacy text form.")
        .takes(true, [json::<CompletionRequest>(request)])
        .answers("200", STREAMS, [json::<Completion>(answer), events(stream)]);
    failing(operation.fails(&[&BAD_REQUEST]))
}

fn messages() -> Operation {
    let request = json!({ "model": "auto", "max_tokens": 1024, "messages": [{ "role": "user", "content": "你好" }] });
    let answer = json!({
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5",
        "content": [{ "type": "text", "text": "你好！" }], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": { "input_tokens": 8, "output_tokens": 4 },
    });
    let stream = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\
        \"delta\":{\"type\":\"text_delta\",\"text\":\"你好\"}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";
    let operation = version(model("/v1/messages", "create_message").for_anthropic())
        .about(CHAT, "Messages", "Anthropic's, to any upstream.")
        .takes(true, [json::<MessagesRequest>(request)])
        .answers("200", STREAMS, [json::<MessagesAnswer>(answer), events(stream)]);
    failing(operation.fails(&[&BAD_REQUEST]))
}

fn count() -> Operation {
    let request = json!({ "model": "auto", "messages": [{ "role": "user", "content": "你好" }] });
    let about = "The upstream's count if it speaks Anthropic's dialect, else an estimate, with the header `x-llmgw-estimated: true`.";
    let operation = version(model("/v1/messages/count_tokens", "count_tokens").for_anthropic())
        .about(CHAT, "Count the tokens of messages", about)
        .takes(true, [json::<CountRequest>(request)])
        .with_headers(&["x-llmgw-estimated"])
        .answers("200", "The count", [json::<TokenCount>(json!({ "input_tokens": 8 }))]);
    failing(operation.fails(&[&BAD_REQUEST]))
}

fn respond() -> Operation {
    let request = json!({ "model": "auto", "input": "你好" });
    let stream = "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"msg_1\",\
        \"output_index\":0,\"content_index\":0,\"delta\":\"你好\",\"sequence_number\":4}\n\n";
    let about = "OpenAI's, to any upstream. `previous_response_id` goes on from an earlier answer, where the provider or \
        `storage.responses` keeps it.";
    let operation = model("/v1/responses", "create_response")
        .about(CHAT, "Responses", about)
        .takes(true, [json::<ResponseRequest>(request)])
        .answers("200", STREAMS, [json::<ResponseObject>(response()), events(stream)]);
    failing(operation.fails(&[&BAD_RESPONSE_REQUEST]))
}

/// What becomes of answers that are kept.
fn stored() -> [Operation; 4] {
    let shown = of_one(Operation::get("/v1/responses/{id}", "get_response"))
        .about(CHAT, "An earlier response", "Of one that a provider keeps, that provider answers.")
        .optional(ParameterIn::Query, "stream", "To see one that is made in the background once more as events", flag())
        .answers("200", "The answer", [json::<ResponseObject>(response())]);
    let forgotten = of_one(Operation::new(HttpMethod::Delete, "/v1/responses/{id}", "delete_response"))
        .about(CHAT, "Forget a response", "")
        .answers("200", "It is forgotten", [json::<Forgotten>(json!({ "id": "resp_1", "object": "response", "deleted": true }))]);
    let item = json!({ "id": "item_0", "type": "message", "role": "user", "content": [{ "type": "input_text", "text": "你好" }] });
    let page = json!({ "object": "list", "data": [item], "first_id": "item_0", "last_id": "item_0", "has_more": false });
    let items = of_one(Operation::get("/v1/responses/{id}/input_items", "list_input_items"))
        .about(CHAT, "All that a response answers", "")
        .optional(ParameterIn::Query, "limit", "How many on a page", number(1, 100))
        .optional(ParameterIn::Query, "order", "Which end comes first", word(["asc", "desc"]))
        .optional(ParameterIn::Query, "after", "Begin behind the item with this id", text())
        .answers("200", "A page of items", [json::<ItemList>(page)]);
    let about = "400 for what llmgw keeps: only what runs in the background can be cancelled.";
    let cancelled = of_one(Operation::post("/v1/responses/{id}/cancel", "cancel_response"))
        .about(CHAT, "Cancel a response", about)
        .answers("200", "The provider's answer", [json::<ResponseObject>(response())]);
    [shown, forgotten, items, cancelled]
}

/// An operation on one answer; whoever keeps it answers.
fn of_one(operation: Operation) -> Operation {
    operation
        .access(Access::Key)
        .in_words_of(Voice::Provider)
        .within("id", "As the answer has it", "resp_1")
        .fails(&PASSED)
        .fails(&[&BAD_STORED, &NO_RESPONSE])
        .answers("default", "Whatever the provider that keeps it answers", [anything("application/json")])
}

/// Anthropic's clients send it; llmgw does not need it.
fn version(operation: Operation) -> Operation {
    operation.optional(ParameterIn::Header, "anthropic-version", "As Anthropic's clients send it", text())
}

fn response() -> serde_json::Value {
    json!({
        "id": "resp_1", "object": "response", "created_at": 1_735_689_600, "status": "completed", "model": "gpt-4o",
        "output": [{
            "id": "msg_1", "type": "message", "role": "assistant", "status": "completed",
            "content": [{ "type": "output_text", "text": "你好！", "annotations": [] }],
        }],
        "usage": { "input_tokens": 8, "output_tokens": 4, "total_tokens": 12 },
    })
}
