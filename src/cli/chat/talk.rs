//! A conversation that goes on: what was said, where it is kept, how much of it the model is told: [`Talk`].

use serde_json::Value;

use crate::cli::chat::Args;
use crate::cli::chat::conversation::{Conversation, Turn, bound};
use crate::cli::chat::session::{Session, Sessions};
use crate::cli::chat::setup::Setup;
use crate::cli::context::Context;
use crate::cli::failure::Failure;
use crate::engine::Engine;

/// A conversation, kept or not.
#[derive(Debug, Default)]
pub struct Talk {
    /// What was said.
    pub conversation: Conversation,
    session: Option<Session>,
    /// Turns that the model was not told of, as was said last.
    left_out: usize,
}

impl Talk {
    /// The one that the flags ask for: a new one, or one that is kept.
    pub fn open(args: &Args, context: &Context) -> Result<Talk, Failure> {
        let sessions = || Sessions::of(&context.environment);
        let mut session = match (&args.session, args.continues) {
            (Some(name), _) => Some(sessions()?.open(name)?),
            (None, true) => Some(sessions()?.last()?),
            (None, false) => None,
        };
        let conversation = session.as_mut().map(|session| std::mem::take(&mut session.conversation)).unwrap_or_default();
        Ok(Talk { conversation, session, left_out: 0 })
    }

    /// What it is called, if it is kept.
    pub fn name(&self) -> Option<&str> {
        self.session.as_ref().map(|session| session.name.as_str())
    }

    /// Goes on with the model and the system prompt of the last turn, unless `setup` names others.
    pub fn begin(&mut self, setup: &mut Setup) {
        if let Some(text) = setup.beginning.first().and_then(|message| message["content"].as_str()) {
            self.conversation.system = Some(text.to_owned());
        }
        if let Some(turn) = self.conversation.turns.last().filter(|turn| !setup.settings.is_named && !turn.model.is_empty()) {
            setup.settings.model.clone_from(&turn.model);
            setup.settings.is_named = true;
        }
    }

    /// The messages that ask `question`. Says so when the oldest turns have no room in them.
    pub fn messages(&mut self, question: &Value, setup: &Setup, context: &Context) -> Vec<Value> {
        if self.conversation.turns.is_empty() {
            return self.conversation.messages(question, 0).0;
        }
        let settings = &setup.settings;
        let rows = setup.gateway.engine().map(Engine::models).unwrap_or_default();
        let windows = rows.iter().filter(|row| row.enabled && row.name == settings.model).filter_map(|row| row.context_window);
        let (messages, left_out) = self.conversation.messages(question, bound(windows.min(), settings.max_tokens));
        if left_out > self.left_out {
            let all = self.conversation.turns.len();
            context.printer.notice(&format!("the conversation is long: the oldest {left_out} of its {all} turns are not sent any more"));
        }
        self.left_out = left_out;
        messages
    }

    /// Takes the turn `id` out, if it is the last one, to ask its question again.
    pub fn forget(&mut self, id: Option<&str>) -> Option<Turn> {
        self.conversation.turns.pop_if(|turn| Some(turn.id.as_str()) == id)
    }

    /// Puts it back.
    pub fn recall(&mut self, turn: Option<Turn>) {
        self.conversation.turns.extend(turn);
    }

    /// Adds a turn; `replaces`: the id of the forgotten one whose place it takes.
    pub fn keep(&mut self, turn: Turn, replaces: Option<&str>) -> Result<(), Failure> {
        let kept = self.session.as_ref().map_or(Ok(()), |session| session.add(&turn, self.conversation.system.as_deref(), replaces));
        self.conversation.turns.push(turn);
        kept
    }

    /// Forgets what was said; a session's file still has it.
    pub fn clear(&mut self) -> Result<(), Failure> {
        self.left_out = 0;
        self.conversation.turns.clear();
        self.session.as_ref().map_or(Ok(()), Session::clear)
    }
}
