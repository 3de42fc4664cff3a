//! A chat's request, free of any wire format.

use crate::hub::{Cache, Message, Raw, Role, Tool, ToolChoice};

/// What a client asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// The name asked for.
    pub model: String,
    /// The conversation, instructions included, in order.
    pub messages: Vec<Message>,
    /// What the model may call.
    pub tools: Vec<Tool>,
    /// Groups in which the client knows tools: the tool `GROUP__NAME` is its `NAME` in `GROUP`.
    pub groups: Vec<String>,
    /// What it shall call.
    pub tool_choice: Option<ToolChoice>,
    /// Whether it may call several at once.
    pub parallel_tool_calls: Option<bool>,
    /// The most tokens of the answer, reasoning included.
    pub max_tokens: Option<u64>,
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// Texts that end the answer.
    pub stop: Vec<String>,
    /// How much the model shall think.
    pub reasoning: Option<Reasoning>,
    /// What form the answer has.
    pub format: Option<Format>,
    /// `low`, `medium`, `high`.
    pub verbosity: Option<String>,
    /// Log probabilities of each token, and of this many others.
    pub logprobs: Option<u64>,
    /// Who the end user is, for the provider's abuse monitoring.
    pub user: Option<String>,
    /// The client's own notes.
    pub metadata: Vec<(String, String)>,
    /// `auto`, `flex`, `priority` …
    pub service_tier: Option<String>,
    /// Routes requests with one prefix to one cache.
    pub cache_key: Option<String>,
    /// The whole prompt may be cached.
    pub cache: Option<Cache>,
    /// As a stream.
    pub stream: bool,
    /// The stream ends with its usage.
    pub include_usage: bool,
    /// The id of the answer that it goes on from, and that stands in `messages` already.
    pub previous: Option<String>,
    /// The answer is kept, to be gone on from.
    pub is_kept: bool,
    /// Members of the request that have no word here: hints of its own dialect, never what would change the meaning.
    pub left_out: Vec<String>,
}

/// How tokens are chosen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sampling {
    /// 0 to 2.
    pub temperature: Option<f64>,
    /// 0 to 1.
    pub top_p: Option<f64>,
    /// The most likely tokens that count.
    pub top_k: Option<u64>,
    /// −2 to 2.
    pub frequency_penalty: Option<f64>,
    /// −2 to 2.
    pub presence_penalty: Option<f64>,
    /// The same answer for the same seed, as far as a provider can.
    pub seed: Option<i64>,
}

/// How much the model shall think.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// In words.
    pub effort: Option<Effort>,
    /// In tokens.
    pub budget: Option<u64>,
    /// Whether, and how, it shall show what it thought: `auto`, `concise`, `detailed`, `omitted`.
    pub summary: Option<String>,
}

/// How much the model shall think, in words. In order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effort {
    /// Not at all.
    None,
    /// Hardly.
    Minimal,
    /// Little.
    Low,
    /// Some.
    Medium,
    /// Much.
    High,
    /// More.
    XHigh,
    /// As much as there is.
    Max,
}

/// What form the answer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Any JSON object.
    Json,
    /// JSON of this schema.
    Schema {
        /// Its name; invented where a dialect has none.
        name: String,
        /// What it is for.
        description: Option<String>,
        /// JSON Schema.
        schema: Raw,
        /// The model must keep to it.
        strict: Option<bool>,
    },
}

impl Effort {
    const WORDS: [(Effort, &'static str); 7] = [
        (Effort::None, "none"),
        (Effort::Minimal, "minimal"),
        (Effort::Low, "low"),
        (Effort::Medium, "medium"),
        (Effort::High, "high"),
        (Effort::XHigh, "xhigh"),
        (Effort::Max, "max"),
    ];

    /// The word that OpenAI and Anthropic have for it.
    pub fn word(self) -> &'static str {
        Effort::WORDS.iter().find(|(effort, _)| *effort == self).map_or("medium", |(_, word)| word)
    }

    /// Reads that word.
    pub fn of_word(word: &str) -> Option<Effort> {
        Effort::WORDS.iter().find(|(_, known)| *known == word).map(|(effort, _)| *effort)
    }

    /// What a budget of this many tokens comes to (LiteLLM's thresholds).
    pub fn of_budget(tokens: u64) -> Effort {
        match tokens {
            8192.. => Effort::XHigh,
            4096.. => Effort::High,
            2048.. => Effort::Medium,
            _ => Effort::Low,
        }
    }

    /// A budget of tokens that comes to it; `None`: no thinking (LiteLLM's numbers).
    pub fn budget(self) -> Option<u64> {
        match self {
            Effort::None => None,
            Effort::Minimal | Effort::Low => Some(1024),
            Effort::Medium => Some(2048),
            Effort::High => Some(4096),
            Effort::XHigh => Some(8192),
            Effort::Max => Some(16_384),
        }
    }
}

impl Reasoning {
    /// In words, whichever way it was asked for.
    pub fn effort(&self) -> Option<Effort> {
        self.effort.or_else(|| self.budget.map(Effort::of_budget))
    }
}

impl Request {
    /// The instructions at the beginning, and the turns after them.
    pub fn instructions(&self) -> (&[Message], &[Message]) {
        let end = self.messages.iter().position(|message| !message.role.is_instruction()).unwrap_or(self.messages.len());
        self.messages.split_at(end)
    }

    /// `messages` with neighbours of one role made one, for dialects whose turns alternate. Instructions count as the role
    /// `of_instructions`.
    pub fn alternating(messages: &[Message], of_instructions: Role) -> Vec<Message> {
        let mut turns: Vec<Message> = Vec::new();
        for message in messages {
            let role = if message.role.is_instruction() { of_instructions } else { message.role };
            match turns.last_mut().filter(|last| last.role == role) {
                Some(last) => last.parts.extend(message.parts.iter().cloned()),
                None => turns.push(Message { role, ..message.clone() }),
            }
        }
        turns
    }
}
