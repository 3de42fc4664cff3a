//! Tool calls.

use serde::Deserialize;

use super::{Open, Writer};
use crate::dialects::openai_responses::request::tools::{is_custom, of_group};
use crate::dialects::openai_responses::response::Item;
use crate::dialects::openai_responses::stream::frames::{Body, Sink};
use crate::hub::{Request, ToolCall};

/// A call that is open, or waits for another one's end.
#[derive(Debug)]
pub(super) struct Call {
    index: u32,
    /// The item's id, once it is open.
    item_id: String,
    tool: ToolCall,
    /// The group in which its client knows the tool.
    group: Option<String>,
    /// A custom tool's, made by an upstream that was told of a function: its text is a member of an object.
    is_wrapped: bool,
}

/// What upstreams without custom tools are told to call one with.
#[derive(Deserialize)]
struct Wrapped {
    input: String,
}

impl Call {
    /// A call of a tool of `request`, which is still to be opened.
    pub(super) fn new(index: u32, mut call: ToolCall, request: &Request) -> Call {
        let is_wrapped = !call.is_custom && is_custom(&request.tools, &call.name);
        let known_as = of_group(&request.groups, &call.name).map(|(group, name)| (group.to_owned(), name.to_owned()));
        let group = known_as.map(|(group, name)| {
            call.name = name;
            group
        });
        Call { index, item_id: String::new(), tool: ToolCall { is_custom: call.is_custom || is_wrapped, ..call }, group, is_wrapped }
    }

    fn item(&self, status: &'static str) -> Item<'_> {
        let ToolCall { id: call_id, name, arguments, is_custom, .. } = &self.tool;
        let (id, namespace) = (self.item_id.as_str(), self.group.as_deref());
        match is_custom {
            true => Item::CustomToolCall { id, status, call_id, name, namespace, input: arguments },
            false => Item::FunctionCall { id, status, call_id, name, namespace, arguments },
        }
    }

    fn delta<'a>(&'a self, delta: &'a str, output_index: u64) -> Body<'a> {
        let kind = if self.tool.is_custom { "response.custom_tool_call_input.delta" } else { "response.function_call_arguments.delta" };
        Body { kind, item_id: Some(&self.item_id), output_index: Some(output_index), delta: Some(delta), ..Body::default() }
    }

    fn done(&self, output_index: u64) -> Body<'_> {
        let body = Body { item_id: Some(&self.item_id), output_index: Some(output_index), ..Body::default() };
        let arguments = Some(self.tool.arguments.as_str());
        match self.tool.is_custom {
            true => Body { kind: "response.custom_tool_call_input.done", input: arguments, ..body },
            false => Body { kind: "response.function_call_arguments.done", name: Some(&self.tool.name), arguments, ..body },
        }
    }
}

impl Writer {
    /// Pieces of two calls may come in turns, so the second waits until the first is whole.
    pub(super) fn call(&mut self, call: Call, sink: &mut Sink<'_>) {
        if matches!(self.open, Some(Open::Call(_))) {
            self.held.push(call);
        } else {
            self.open_call(call, sink);
        }
    }

    /// What comes for a call that is whole has no place any more.
    pub(super) fn arguments(&mut self, index: u32, text: &str, sink: &mut Sink<'_>) {
        if let Some(held) = self.held.iter_mut().rev().find(|held| held.index == index) {
            return held.tool.arguments.push_str(text);
        }
        if matches!(&self.open, Some(Open::Call(call)) if call.index == index) {
            self.more_arguments(text, sink);
        }
    }

    fn more_arguments(&mut self, text: &str, sink: &mut Sink<'_>) {
        let place = self.place();
        let Some(Open::Call(call)) = &mut self.open else { return };
        call.tool.arguments.push_str(text);
        if !call.is_wrapped && !text.is_empty() {
            self.frames.write(call.delta(text, place), sink);
        }
    }

    pub(super) fn open_call(&mut self, mut call: Call, sink: &mut Sink<'_>) {
        self.close(sink);
        if let Some(signature) = call.tool.signature.take() {
            self.signature_of_call(&signature, sink);
        }
        call.item_id = self.item_id(if call.tool.is_custom { "ctc_" } else { "fc_" });
        let begun = std::mem::take(&mut call.tool.arguments);
        self.add_item(&call.item("in_progress"), sink);
        self.open = Some(Open::Call(call));
        self.more_arguments(&begun, sink);
    }

    pub(super) fn close_call(&mut self, mut call: Call, sink: &mut Sink<'_>) {
        let place = self.place();
        if call.is_wrapped {
            // What the model got wrong is still what it called the tool with.
            if let Ok(Wrapped { input }) = serde_json::from_str(&call.tool.arguments) {
                call.tool.arguments = input;
            }
            self.frames.write(call.delta(&call.tool.arguments, place), sink);
        }
        self.frames.write(call.done(place), sink);
        let status = self.draft.item_status();
        self.end_item(&call.item(status), sink);
    }
}
