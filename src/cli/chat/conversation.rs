//! What was said so far, and how much of it a model is told again: [`Conversation`].

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cli::chat::request::message;

/// What a model of unknown size is told at most, in tokens: nearly all take so much.
const UNKNOWN_WINDOW: u64 = 32_000;

/// A token is about four letters of English and one of Chinese, which has three bytes. Rather too many than too few.
const BYTES_PER_TOKEN: u64 = 3;

/// An image or a file, whose bytes say little of its tokens.
const TOKENS_PER_FILE: u64 = 1_500;

/// A question and its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Turn {
    /// The request's id, as `llmgw why` knows it.
    pub id: String,
    /// Who was asked.
    pub model: String,
    /// The question: the content of the user's message.
    pub user: Value,
    /// The answer, or what came of it before it was stopped.
    pub assistant: String,
}

impl Turn {
    /// `request_id`, or one of our own where a gateway said none: turns are told apart by it.
    pub fn id(request_id: Option<&str>) -> String {
        let given = request_id.filter(|id| !id.is_empty()).map(str::to_owned);
        given.unwrap_or_else(|| format!("turn-{:016x}", rand::random::<u64>()))
    }
}

/// Turns, oldest first, and what stands before them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Conversation {
    /// Who the model shall be.
    pub system: Option<String>,
    /// What was said.
    pub turns: Vec<Turn>,
}

impl Conversation {
    /// The messages that ask `question`, of about `most` tokens; and how many of the oldest turns had to be left out.
    pub fn messages(&self, question: &Value, most: u64) -> (Vec<Value>, usize) {
        let fixed = tokens(question) + self.system.as_ref().map_or(0, |text| text_tokens(text));
        let mut left = most.saturating_sub(fixed);
        let fits = |turn: &&Turn| {
            let rest = left.checked_sub(tokens(&turn.user) + text_tokens(&turn.assistant));
            left = rest.unwrap_or(left);
            rest.is_some()
        };
        let kept = self.turns.iter().rev().take_while(fits).count();
        let left_out = self.turns.len() - kept;
        let system = self.system.iter().map(|text| message("system", text.as_str()));
        let told = self.turns[left_out..]
            .iter()
            .flat_map(|turn| [message("user", turn.user.clone()), message("assistant", turn.assistant.as_str())]);
        let question = message("user", question.clone());
        (system.chain(told).chain([question]).collect(), left_out)
    }

    /// As a Markdown document.
    pub fn document(&self) -> String {
        let system = self.system.iter().map(|text| ("System", text.clone()));
        let turns =
            self.turns.iter().flat_map(|turn| [("User", words(&turn.user)), (turn.model.as_str(), turn.assistant.trim_end().to_owned())]);
        let parts: Vec<String> = system.chain(turns).map(|(who, text)| format!("## {who}\n\n{text}\n")).collect();
        parts.join("\n")
    }
}

/// How many tokens a conversation may have, for a model of this context window: a quarter is left for the answer.
pub fn bound(window: Option<u64>, answer: Option<u64>) -> u64 {
    let window = window.unwrap_or(UNKNOWN_WINDOW);
    window.saturating_sub(answer.unwrap_or(window / 4).min(window / 2))
}

/// The text of a message's content; what is no text is named.
pub fn words(content: &Value) -> String {
    let Some(parts) = content.as_array() else { return content.as_str().unwrap_or_default().to_owned() };
    let word = |part: &Value| match part["text"].as_str() {
        Some(text) => text.to_owned(),
        None => format!("[{}]", part["file"]["filename"].as_str().unwrap_or("image")),
    };
    parts.iter().map(word).collect::<Vec<_>>().join("\n\n")
}

fn tokens(content: &Value) -> u64 {
    match content.as_array() {
        Some(parts) => parts.iter().map(|part| part["text"].as_str().map_or(TOKENS_PER_FILE, text_tokens)).sum(),
        None => content.as_str().map_or(0, text_tokens),
    }
}

/// About as many; a few more for what stands around each message.
fn text_tokens(text: &str) -> u64 {
    text.len() as u64 / BYTES_PER_TOKEN + 5
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Conversation, Turn, bound, words};

    fn conversation(turns: usize) -> Conversation {
        let turn = |number: usize| Turn {
            id: format!("r{number}"),
            model: "m".to_owned(),
            user: format!("问{number}").into(),
            assistant: "答".repeat(90),
        };
        Conversation { system: Some("简短".to_owned()), turns: (1..=turns).map(turn).collect() }
    }

    fn contents(messages: &[Value]) -> Vec<&str> {
        messages.iter().map(|message| message["content"].as_str().unwrap()).filter(|text| !text.starts_with('答')).collect()
    }

    #[test]
    fn the_oldest_turns_are_left_out_and_the_system_prompt_never() {
        let conversation = conversation(5);
        let (all, left_out) = conversation.messages(&"最后".into(), 32_000);
        assert_eq!((all.len(), left_out), (12, 0));
        let (some, left_out) = conversation.messages(&"最后".into(), 250);
        assert_eq!((contents(&some), left_out), (vec!["简短", "问4", "问5", "最后"], 3));
        let (none, left_out) = conversation.messages(&"最后".into(), 1);
        assert_eq!((contents(&none), left_out), (vec!["简短", "最后"], 5));
    }

    #[test]
    fn a_turn_is_left_out_with_all_before_it() {
        let mut conversation = conversation(3);
        conversation.turns[1].assistant = "答".repeat(3_000);
        assert_eq!(conversation.messages(&"x".into(), 1_000).1, 2);
    }

    #[test]
    fn room_is_left_for_the_answer() {
        assert_eq!(bound(Some(8_000), None), 6_000);
        assert_eq!(bound(Some(8_000), Some(1_000)), 7_000);
        assert_eq!(bound(Some(8_000), Some(1_000_000)), 4_000);
        assert_eq!(bound(None, None), 24_000);
    }

    #[test]
    fn a_document_names_what_is_no_text() {
        let parts = json!([
            { "type": "image_url", "image_url": { "url": "data:," } },
            { "type": "file", "file": { "filename": "报告.pdf" } },
            { "type": "text", "text": "看" },
        ]);
        assert_eq!(words(&parts), "[image]\n\n[报告.pdf]\n\n看");
        let turn = Turn { id: "r".to_owned(), model: "gpt-4".to_owned(), user: "你好".into(), assistant: "好\n".to_owned() };
        let document = Conversation { system: None, turns: vec![turn] }.document();
        assert_eq!(document, "## User\n\n你好\n\n## gpt-4\n\n好\n");
    }
}
