//! A whole answer, put together from what happened.

use crate::hub::{ApiError, Content, Event, FinishReason, Part, Raw, Source, Text, Thought, ToolCall, Usage};

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// The upstream's id of it.
    pub id: String,
    /// The model, as the upstream calls it.
    pub model: String,
    /// What it says, in order. [`Content::Image`] is one that the model made.
    pub parts: Vec<Part>,
    /// Why it ended; `None`: it did not say.
    pub finish: Option<FinishReason>,
    /// Tokens, as reported.
    pub usage: Option<Usage>,
    /// The tier that served it.
    pub service_tier: Option<String>,
    /// OpenAI's `logprobs.content`, piece by piece: lists.
    pub logprobs: Vec<Raw>,
    /// It failed.
    pub error: Option<ApiError>,
    /// Which of `parts` each tool call is, by its index.
    calls: Vec<(u32, usize)>,
    /// The last piece of reasoning is whole.
    is_thought_whole: bool,
}

impl Answer {
    /// Of all that happened.
    pub fn of(events: impl IntoIterator<Item = Event>) -> Answer {
        let mut answer = Answer::default();
        events.into_iter().for_each(|event| answer.take(event));
        answer
    }

    /// Takes in the next event.
    pub fn take(&mut self, event: Event) {
        match event {
            Event::Start { id, model } => (self.id, self.model) = (id, model),
            Event::Text(text) => self.said(|said| said.text.push_str(&text)),
            Event::Citation(citation) => self.said(|said| said.citations.push(citation)),
            Event::TextSignature(signature) => self.said(|said| said.signature = Some(signature)),
            Event::Reasoning(text) => self.thought(|thought| thought.text.push_str(&text)),
            Event::ReasoningEnd { signature, id } => {
                self.thought(|thought| (thought.signature, thought.id) = (signature, id));
                self.is_thought_whole = true;
            }
            Event::Refusal(text) => match self.parts.last_mut().map(|part| &mut part.content) {
                Some(Content::Refusal(said)) => said.push_str(&text),
                _ => self.parts.push(Content::Refusal(text).into()),
            },
            Event::ToolCall { index, id, name, is_custom, signature } => {
                self.calls.push((index, self.parts.len()));
                self.parts.push(Content::ToolCall(ToolCall { id, name, arguments: String::new(), is_custom, signature }).into());
            }
            Event::ToolArguments { index, text } => {
                let place = self.calls.iter().rev().find(|(other, _)| *other == index).map(|(_, place)| *place);
                if let Some(Content::ToolCall(call)) = place.and_then(|place| self.parts.get_mut(place)).map(|part| &mut part.content) {
                    call.arguments.push_str(&text);
                }
            }
            Event::Image { media_type, data } => {
                let source = Source::Base64 { media_type, data };
                self.parts.push(Content::Image { source, detail: None }.into());
            }
            Event::Logprobs(list) => self.logprobs.push(list),
            Event::Finish(reason) => self.finish = Some(reason),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::ServiceTier(tier) => self.service_tier = Some(tier),
            Event::Error(error) => self.error = Some(error),
        }
    }

    /// Changes the text that is being said.
    fn said(&mut self, change: impl FnOnce(&mut Text)) {
        if let Some(Content::Text(text)) = self.parts.last_mut().map(|part| &mut part.content) {
            return change(text);
        }
        let mut text = Text::default();
        change(&mut text);
        self.parts.push(Content::Text(text).into());
    }

    /// Changes the reasoning that goes on.
    fn thought(&mut self, change: impl FnOnce(&mut Thought)) {
        let whole = std::mem::take(&mut self.is_thought_whole);
        if let Some(Content::Reasoning(thought)) = self.parts.last_mut().map(|part| &mut part.content).filter(|_| !whole) {
            return change(thought);
        }
        let mut thought = Thought::default();
        change(&mut thought);
        self.parts.push(Content::Reasoning(thought).into());
    }

    /// The same as events, as if it had come in a stream of whole pieces.
    pub fn into_events(self) -> Vec<Event> {
        let mut events = vec![Event::Start { id: self.id, model: self.model }];
        let mut index = 0;
        for part in self.parts {
            match part.content {
                Content::Text(text) => {
                    events.push(Event::Text(text.text));
                    events.extend(text.citations.into_iter().map(Event::Citation));
                    events.extend(text.signature.map(Event::TextSignature));
                }
                Content::Reasoning(thought) => {
                    events.push(Event::Reasoning(thought.text));
                    events.push(Event::ReasoningEnd { signature: thought.signature, id: thought.id });
                }
                Content::Refusal(text) => events.push(Event::Refusal(text)),
                Content::ToolCall(call) => {
                    let ToolCall { id, name, arguments, is_custom, signature } = call;
                    events.push(Event::ToolCall { index, id, name, is_custom, signature });
                    events.push(Event::ToolArguments { index, text: arguments });
                    index += 1;
                }
                Content::Image { source: Source::Base64 { media_type, data }, .. } => {
                    events.push(Event::Image { media_type, data });
                }
                // No model answers with them.
                Content::Image { .. } | Content::Audio { .. } | Content::File { .. } | Content::ToolResult { .. } => {}
            }
        }
        events.extend(self.logprobs.into_iter().map(Event::Logprobs));
        events.extend(self.service_tier.map(Event::ServiceTier));
        events.extend(self.usage.map(Event::Usage));
        events.extend(self.finish.map(Event::Finish));
        events.extend(self.error.map(Event::Error));
        events
    }
}

#[cfg(test)]
mod tests {
    use super::Answer;
    use crate::hub::{Content, Event, FinishReason, Part};

    #[test]
    fn pieces_become_parts() {
        let call = |index, id: &str| Event::ToolCall { index, id: id.to_owned(), name: "f".to_owned(), is_custom: false, signature: None };
        let arguments = |index, text: &str| Event::ToolArguments { index, text: text.to_owned() };
        let answer = Answer::of([
            Event::Start { id: "a".to_owned(), model: "m".to_owned() },
            Event::Reasoning("想".to_owned()),
            Event::ReasoningEnd { signature: None, id: None },
            Event::Reasoning("再想".to_owned()),
            Event::Text("你".to_owned()),
            Event::Text("好".to_owned()),
            call(0, "x"),
            call(1, "y"),
            arguments(1, "{}"),
            arguments(0, "{\"a\""),
            arguments(0, ":1}"),
            Event::Finish(FinishReason::ToolCalls),
        ]);
        let words: Vec<String> = answer
            .parts
            .iter()
            .map(|part| match &part.content {
                Content::Text(text) => text.text.clone(),
                Content::Reasoning(thought) => thought.text.clone(),
                Content::ToolCall(call) => format!("{}{}", call.id, call.arguments),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(words, ["想", "再想", "你好", "x{\"a\":1}", "y{}"]);
        let again = Answer::of(answer.clone().into_events());
        assert_eq!((again.parts, again.finish), (answer.parts, answer.finish));
    }

    #[test]
    fn text_after_a_call_is_text_of_its_own() {
        let answer = Answer::of([Event::Text("a".to_owned()), Event::Refusal("no".to_owned()), Event::Text("b".to_owned())]);
        assert_eq!(answer.parts, [Part::text("a"), Content::Refusal("no".to_owned()).into(), Part::text("b")]);
    }
}
