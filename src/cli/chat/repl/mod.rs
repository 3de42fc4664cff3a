//! Talking with a model: a line is asked, a line that begins with `/` is a command.
//!
//! What goes wrong with one turn is shown, and the chat goes on. Ctrl-C stops an answer, not the program.

mod act;
mod clipboard;
mod command;
mod editor;
mod totals;

use std::borrow::Cow;

use serde_json::Value;

use self::command::Command;
use self::editor::{Editor, Read};
use self::totals::Totals;
use crate::cli::chat::attach::{self, Attachment};
use crate::cli::chat::conversation::Turn;
use crate::cli::chat::gateway::Asked;
use crate::cli::chat::render::{Answer, Said};
use crate::cli::chat::setup::{self, Setup};
use crate::cli::chat::talk::Talk;
use crate::cli::chat::{Args, Format, input};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::OutputError;
use crate::cli::visible::visible;
use crate::config::AUTO;
use crate::engine::Engine;

/// A chat that goes on.
struct Chat<'a> {
    context: &'a Context,
    args: &'a Args,
    setup: Setup,
    talk: Talk,
    /// What goes with the next question.
    attachments: Vec<Attachment>,
    /// What was asked last, answered or not: `/retry` asks it again.
    asked: Option<Value>,
    /// The turn that answered it.
    answered: Option<String>,
    totals: Totals,
}

/// How a turn ended.
enum Ended {
    Answered(Said),
    /// By Ctrl-C, after so much.
    Stopped(Said),
    /// After so much.
    Failed(Failure, Said),
}

impl Ended {
    fn said(&self) -> &Said {
        match self {
            Ended::Answered(said) | Ended::Stopped(said) | Ended::Failed(_, said) => said,
        }
    }
}

/// Whether the user wants to talk rather than to ask once.
pub fn is_wanted(args: &Args, context: &Context) -> Result<bool, Failure> {
    let terminal = context.printer.terminal();
    if !args.interactive {
        let asks_once = args.dry_run || args.schema.is_some();
        let says_nothing = input::typed(&args.prompt).is_none() && args.files.is_empty() && !asks_once;
        return Ok(says_nothing && terminal.stdin && terminal.stdout && args.format == Format::Text);
    }
    if !terminal.stdout {
        return Err(Failure::usage("an interactive chat needs a terminal").hint("without `-i` the answer goes wherever stdout goes"));
    }
    if args.format != Format::Text {
        return Err(Failure::usage("an interactive chat shows text only").hint("leave out `--format`, or `-i`"));
    }
    Ok(true)
}

/// Talks until the user has enough.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let mut talk = Talk::open(args, context)?;
    let mut setup = Setup::open(args, context).await?;
    let (first, attachments) = setup::asked(args, context).await?;
    talk.begin(&mut setup);
    let mut chat = Chat { context, args, setup, talk, attachments, asked: None, answered: None, totals: Totals::default() };
    context.interrupts.take_over();
    chat.greet();
    if let Some(first) = first {
        chat.ask(&first).await?;
    }
    chat.listen().await
}

impl Chat<'_> {
    fn greet(&self) {
        let kept = self.talk.name().map(|name| format!(", session `{name}` with {} turns", self.talk.conversation.turns.len()));
        let kept = kept.unwrap_or_default();
        self.context.printer.notice(&format!("talking with {}{kept}. /help lists the commands, Ctrl-D ends", self.model()));
    }

    async fn listen(&mut self) -> anyhow::Result<Exit> {
        let mut editor = Editor::new(self.context, self.models())?;
        loop {
            let read = editor.read(self.model()).await?;
            let Read::Line(line) = read else { return Ok(Exit::Done) };
            match command::parse(&line) {
                Ok(None) => {}
                Ok(Some(Command::Ask(text))) => self.ask(&text).await?,
                Ok(Some(Command::Exit)) => return Ok(Exit::Done),
                // It minds Ctrl-C itself, and keeps what came.
                Ok(Some(Command::Retry)) => {
                    if let Err(error) = self.retry().await {
                        self.show(error)?;
                    }
                }
                Ok(Some(command)) => {
                    let acted = tokio::select! {
                        acted = self.act(command) => acted,
                        Ok(()) = tokio::signal::ctrl_c() => Err(Failure::failed("stopped").into()),
                    };
                    if let Err(error) = acted {
                        self.show(error)?;
                    }
                }
                Err(failure) => self.context.printer.failure(&failure),
            }
        }
    }

    /// Who is asked; a running gateway may have a default of its own.
    fn model(&self) -> &str {
        let model = self.setup.settings.model.as_str();
        if model.is_empty() { AUTO } else { model }
    }

    /// Names that can be asked for, as far as they are known here.
    fn models(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .setup
            .gateway
            .engine()
            .map(Engine::models)
            .unwrap_or_default()
            .into_iter()
            .filter(|row| row.enabled)
            .map(|row| row.name)
            // A provider's list is a stranger's text; such a name can still be typed.
            .filter(|name| matches!(visible(name), Cow::Borrowed(_)))
            .collect();
        names.sort();
        names.dedup();
        names
    }

    async fn ask(&mut self, text: &str) -> anyhow::Result<()> {
        let question = self.setup.question(Some(text), &self.attachments);
        let content = question.map_or_else(|| text.into(), |question| question["content"].clone());
        self.attachments.clear();
        self.asked = Some(content.clone());
        self.answered = None;
        self.turn(content).await
    }

    /// Asks, shows the answer, and keeps what came of it.
    async fn turn(&mut self, content: Value) -> anyhow::Result<()> {
        let replaces = self.answered.take();
        let forgotten = self.talk.forget(replaces.as_deref());
        let messages = self.talk.messages(&content, &self.setup, self.context);
        let body = self.setup.settings.body(&messages);
        let mut asked = None;
        let ended = self.answer(&body, &mut asked).await?;
        let account = asked.map(|asked| self.setup.gateway.account(&asked, ended.said()));
        let id = Turn::id(account.as_ref().map(|account| account.request_id.as_str()));
        self.totals.add(account);
        let said = match ended {
            Ended::Answered(said) => said,
            Ended::Stopped(said) if !said.text.is_empty() => {
                self.context.printer.notice("stopped; what came is kept");
                said
            }
            Ended::Stopped(_) => {
                self.context.printer.notice("stopped; /retry asks again");
                return self.give_up(forgotten, replaces);
            }
            Ended::Failed(failure, _) => {
                self.context.printer.failure(&failure);
                self.context.printer.notice("the question is kept: /retry asks it again, of another model after /model NAME");
                return self.give_up(forgotten, replaces);
            }
        };
        self.answered = Some(id.clone());
        let turn = Turn { id, model: self.setup.settings.model.clone(), user: content, assistant: said.text };
        if let Err(failure) = self.talk.keep(turn, replaces.as_deref()) {
            self.context.printer.failure(&failure);
        }
        Ok(())
    }

    /// The turn that was to be replaced stays.
    fn give_up(&mut self, forgotten: Option<Turn>, replaces: Option<String>) -> anyhow::Result<()> {
        self.talk.recall(forgotten);
        self.answered = replaces;
        Ok(())
    }

    /// Asks and shows the answer. Ctrl-C stops it, and cancels the upstream's request.
    async fn answer(&self, body: &Value, begun: &mut Option<Asked>) -> anyhow::Result<Ended> {
        let printer = &self.context.printer;
        let mut answer = Answer::new(printer, printer.spinner("waiting for the first word"), Format::Text).looking(self.args.look());
        let asked = async {
            let reply = self.setup.gateway.ask(body, self.setup.settings.is_named).await?;
            *begun = Some(reply.asked);
            answer.print(reply.status, &reply.headers, reply.body).await
        };
        let ended = tokio::select! {
            ended = asked => Some(ended),
            Ok(()) = tokio::signal::ctrl_c() => None,
        };
        let said = answer.stop()?;
        match ended {
            Some(Ok(said)) => Ok(Ended::Answered(said)),
            Some(Err(error)) if error.is::<OutputError>() => Err(error),
            Some(Err(error)) => Ok(Ended::Failed(Failure::of(error), said)),
            None => Ok(Ended::Stopped(said)),
        }
    }

    /// An error that the chat survives, unless there is no terminal any more.
    fn show(&self, error: anyhow::Error) -> anyhow::Result<()> {
        if error.is::<OutputError>() {
            return Err(error);
        }
        self.context.printer.failure(&Failure::of(error));
        Ok(())
    }
}
