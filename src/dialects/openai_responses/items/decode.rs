//! Items of a request → messages.

use std::collections::HashSet;

use super::parts;
use crate::dialects::DialectError;
use crate::dialects::hints::LeftOut;
use crate::dialects::members::{Members, Value};
use crate::dialects::openai_responses::request::tools::in_group;
use crate::dialects::openai_responses::{MADE_REASONING, OWN, SIGNS_CALL, SIGNS_TEXT};
use crate::hub::{Content, Form, Message, Part, Role, Signature, Thought, ToolCall};

/// What OpenAI did itself, long ago; what came of it stands in the text that follows.
const HOSTED: [&str; 8] = [
    "web_search_call",
    "file_search_call",
    "code_interpreter_call",
    "image_generation_call",
    "mcp_list_tools",
    "mcp_call",
    "mcp_approval_request",
    "mcp_approval_response",
];

/// Reads all items, in order.
pub fn decode(items: &[Value<'_>], left: &mut LeftOut) -> Result<Vec<Message>, DialectError> {
    let mut reader = Reader { left, messages: Vec::new(), calls: HashSet::new(), waiting: None };
    for item in items {
        reader.item(item)?;
    }
    Ok(reader.messages)
}

struct Reader<'a> {
    left: &'a mut LeftOut,
    messages: Vec<Message>,
    /// Ids of calls so far.
    calls: HashSet<String>,
    /// Signs the call that comes next.
    waiting: Option<Signature>,
}

impl Reader<'_> {
    fn item(&mut self, item: &Value<'_>) -> Result<(), DialectError> {
        let mut members = item.object()?;
        let kind = members.text("type")?;
        // A message need not say that it is one, nor a reference.
        let kind = kind.as_deref().unwrap_or(if members.has("role") { "message" } else { "item_reference" });
        match kind {
            "message" => self.message(&mut members)?,
            "function_call" => self.call(&mut members, "arguments")?,
            "custom_tool_call" => self.call(&mut members, "input")?,
            "function_call_output" | "custom_tool_call_output" => self.result(&mut members)?,
            "reasoning" => self.reasoning(&mut members)?,
            hosted if HOSTED.contains(&hosted) => {
                self.left.add(format!("{}.{hosted}", item.path()));
                return Ok(());
            }
            other => {
                return Err(DialectError::Unsupported { feature: format!("an item of the type `{other}` (`{}`)", item.path()).into() });
            }
        }
        // Names of what is stored, and what once became of it.
        for name in ["id", "status"] {
            members.take(name);
        }
        self.left.rest(&members);
        Ok(())
    }

    fn message(&mut self, members: &mut Members<'_>) -> Result<(), DialectError> {
        let role = members.required("role")?;
        let role = match role.text()?.as_str() {
            "user" => Role::User,
            "assistant" => Role::Assistant,
            "system" => Role::System,
            "developer" => Role::Developer,
            _ => return Err(role.invalid("`user`, `assistant`, `system` or `developer`")),
        };
        let parts = self.contents(&members.required("content")?)?;
        if role != Role::Assistant {
            self.messages.push(Message::new(role, parts));
            return Ok(());
        }
        // An empty text is left out: next to calls some clients write one, and other upstreams refuse it.
        let is_said = |part: &Part| !matches!(&part.content, Content::Text(text) if text.text.is_empty());
        for part in parts.into_iter().filter(is_said) {
            self.assistant().push(part);
        }
        Ok(())
    }

    /// A text, or pieces.
    fn contents(&mut self, content: &Value<'_>) -> Result<Vec<Part>, DialectError> {
        if content.is_text() {
            return Ok(vec![Part::text(content.text()?)]);
        }
        let pieces = content.list().map_err(|_| content.invalid("a string or a list of content parts"))?;
        pieces.iter().map(|piece| parts::read(piece, self.left)).collect()
    }

    /// What the model says in one go.
    fn assistant(&mut self) -> &mut Vec<Part> {
        self.last(Role::Assistant, |_| true)
    }

    /// The pieces of the last message, if it is of `role` and `fits`; of a new one otherwise.
    fn last(&mut self, role: Role, fits: impl Fn(&Message) -> bool) -> &mut Vec<Part> {
        let fits = self.messages.last().is_some_and(|last| last.role == role && fits(last));
        let at = if fits { self.messages.len() - 1 } else { self.messages.len() };
        if !fits {
            self.messages.push(Message::new(role, Vec::new()));
        }
        &mut self.messages[at].parts
    }

    fn call(&mut self, members: &mut Members<'_>, input: &str) -> Result<(), DialectError> {
        let (id, name) = (members.required_text("call_id")?, members.required_text("name")?);
        let name = members.text("namespace")?.map_or(name.clone(), |group| in_group(&group, &name));
        let arguments = members.required_text(input)?;
        self.calls.insert(id.clone());
        let call = ToolCall { id, name, arguments, is_custom: input == "input", signature: self.waiting.take() };
        self.assistant().push(Content::ToolCall(call).into());
        Ok(())
    }

    fn result(&mut self, members: &mut Members<'_>) -> Result<(), DialectError> {
        let id = members.required_text("call_id")?;
        if !self.calls.contains(&id) {
            let reason = format!("no call before it has the id `{id}`");
            return Err(DialectError::Senseless { path: members.path_of("call_id"), reason });
        }
        let mut parts = self.contents(&members.required("output")?)?;
        parts.retain(|part| *part != Part::text(""));
        let is_result = |part: &Part| matches!(part.content, Content::ToolResult { .. });
        let results = self.last(Role::User, |message| message.parts.iter().all(is_result));
        results.push(Content::ToolResult { id, parts, is_error: false }.into());
        Ok(())
    }

    fn reasoning(&mut self, members: &mut Members<'_>) -> Result<(), DialectError> {
        let id = members.text("id")?.filter(|id| !id.is_empty() && !id.starts_with(MADE_REASONING));
        let encrypted = members.text("encrypted_content")?.filter(|text| !text.is_empty());
        let text = read_thoughts(members)?;
        if let Some(encrypted) = encrypted.as_deref().filter(|_| text.is_empty())
            && self.signature(encrypted)
        {
            return Ok(());
        }
        let signature = encrypted.map(|encrypted| Signature::read(OWN, Form::Encrypted, &encrypted));
        // What only its id is left of stands in OpenAI's store, and nowhere else.
        if text.is_empty() && signature.is_none() {
            self.left.add(members.path_of("encrypted_content"));
            return Ok(());
        }
        self.assistant().push(Content::Reasoning(Thought { text, signature, id }).into());
        Ok(())
    }

    /// Takes the signature of a text or of a call, if it is one: our own stream put it there.
    fn signature(&mut self, text: &str) -> bool {
        let read = |prefix| text.strip_prefix(prefix).and_then(Signature::read_marked);
        if let Some(signature) = read(SIGNS_CALL) {
            self.waiting = Some(signature);
            return true;
        }
        let Some(signature) = read(SIGNS_TEXT) else { return false };
        let last = self.messages.last_mut().and_then(|message| message.parts.last_mut());
        if let Some(Content::Text(text)) = last.map(|part| &mut part.content) {
            text.signature = Some(signature);
        }
        true
    }
}

/// The texts of a piece of reasoning: its summary, or where there is none what was really thought.
fn read_thoughts(members: &mut Members<'_>) -> Result<String, DialectError> {
    let (summary, content) = (members.list("summary")?, members.list("content")?);
    let mut texts = Vec::new();
    for piece in if summary.is_empty() { content } else { summary } {
        texts.push(piece.object()?.required_text("text")?);
    }
    Ok(texts.join("\n\n"))
}
