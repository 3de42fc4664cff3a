//! Calls of custom tools, whose input is plain text, from upstreams that know functions only: what was offered as a function
//! with the one argument `input` comes back as one, and is made the custom tool's call that its client knows.

use serde::Deserialize;

use crate::hub::{Answer, Content, Event, Request, ToolInput};

/// Unwraps the calls of one answer.
#[derive(Debug)]
pub struct Unwrapper {
    names: Vec<String>,
    /// Calls whose arguments are not whole yet.
    open: Vec<(u32, String)>,
}

#[derive(Deserialize)]
struct Wrapped {
    input: String,
}

impl Unwrapper {
    /// For an answer to `request`; `None`: it offers no custom tool.
    pub fn of(request: &Request) -> Option<Unwrapper> {
        let custom = request.tools.iter().filter(|tool| matches!(tool.input, ToolInput::Custom { .. }));
        let names: Vec<String> = custom.map(|tool| tool.name.clone()).collect();
        (!names.is_empty()).then_some(Unwrapper { names, open: Vec::new() })
    }

    /// `answer` with its calls unwrapped.
    pub fn whole(&self, mut answer: Answer) -> Answer {
        for part in &mut answer.parts {
            if let Content::ToolCall(call) = &mut part.content
                && !call.is_custom
                && self.names.contains(&call.name)
            {
                call.is_custom = true;
                call.arguments = unwrapped(std::mem::take(&mut call.arguments));
            }
        }
        answer
    }

    /// Puts `event` behind what `events` holds, or keeps it until a call's arguments are whole.
    pub fn take(&mut self, event: Event, events: &mut Vec<Event>) {
        match event {
            Event::ToolCall { index, id, name, is_custom: false, signature } if self.names.contains(&name) => {
                self.open.push((index, String::new()));
                events.push(Event::ToolCall { index, id, name, is_custom: true, signature });
            }
            Event::ToolArguments { index, text } => match self.open.iter().position(|(open, _)| *open == index) {
                Some(place) => self.grow(place, &text, events),
                None => events.push(Event::ToolArguments { index, text }),
            },
            Event::Finish(_) => {
                let open = std::mem::take(&mut self.open);
                events.extend(open.into_iter().map(|(index, text)| Event::ToolArguments { index, text: unwrapped(text) }));
                events.push(event);
            }
            event => events.push(event),
        }
    }

    fn grow(&mut self, place: usize, text: &str, events: &mut Vec<Event>) {
        let (index, arguments) = &mut self.open[place];
        arguments.push_str(text);
        // Anything shorter is not whole; what only looks so is tried again.
        if !text.trim_end().ends_with('}') {
            return;
        }
        if let Ok(Wrapped { input }) = serde_json::from_str(arguments) {
            events.push(Event::ToolArguments { index: *index, text: input });
            self.open.remove(place);
        }
    }
}

/// The input within; what is no such object is passed on as it is.
fn unwrapped(arguments: String) -> String {
    match serde_json::from_str::<Wrapped>(&arguments) {
        Ok(Wrapped { input }) => input,
        Err(_) => arguments,
    }
}

#[cfg(test)]
mod tests {
    use super::Unwrapper;
    use crate::hub::{Answer, Content, Event, FinishReason, Request, Tool, ToolInput};

    fn request() -> Request {
        let tool = |name: &str, input| Tool { name: name.to_owned(), description: None, input, cache: None };
        let tools = vec![tool("patch", ToolInput::Custom { format: None }), tool("f", ToolInput::Function { schema: None, strict: None })];
        Request { tools, ..Request::default() }
    }

    fn call(index: u32, name: &str) -> Event {
        Event::ToolCall { index, id: format!("call_{index}"), name: name.to_owned(), is_custom: false, signature: None }
    }

    fn calls(events: Vec<Event>) -> Vec<(bool, String)> {
        let answer = Answer::of(events);
        let calls = answer.parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some((call.is_custom, call.arguments.clone())),
            _ => None,
        });
        calls.collect()
    }

    #[test]
    fn a_custom_tools_input_comes_out_of_its_wrapping_and_a_functions_arguments_stay() {
        let arguments = |index, text: &str| Event::ToolArguments { index, text: text.to_owned() };
        let said = vec![
            call(0, "patch"),
            call(1, "f"),
            arguments(0, "{\"input\":\"*** 改}"),
            arguments(1, "{\"input\":\"x\"}"),
            arguments(0, "\\n+你好\"}"),
            Event::Finish(FinishReason::ToolCalls),
        ];
        let expected = [(true, "*** 改}\n+你好".to_owned()), (false, "{\"input\":\"x\"}".to_owned())];
        let mut unwrapper = Unwrapper::of(&request()).expect("a custom tool");
        let whole = unwrapper.whole(Answer::of(said.clone()));
        let mut events = Vec::new();
        said.into_iter().for_each(|event| unwrapper.take(event, &mut events));
        assert_eq!(calls(events), expected);
        assert_eq!(calls(whole.into_events()), expected);
    }

    #[test]
    fn what_is_cut_off_or_no_wrapping_is_passed_on() {
        for text in ["{\"input\":\"半", "plain", "{\"other\":1}"] {
            let mut unwrapper = Unwrapper::of(&request()).expect("a custom tool");
            let mut events = Vec::new();
            for event in [call(0, "patch"), Event::ToolArguments { index: 0, text: text.to_owned() }, Event::Finish(FinishReason::Length)] {
                unwrapper.take(event, &mut events);
            }
            assert_eq!(calls(events), [(true, text.to_owned())]);
        }
        assert!(Unwrapper::of(&Request::default()).is_none());
    }
}
