//! What the commands do.

use std::fs::OpenOptions;
use std::io::{self, Write};

use super::command::{COMMANDS, Command};
use super::{Chat, attach, clipboard};
use crate::cli::failure::Failure;

impl Chat<'_> {
    /// Does what a command says.
    pub(super) async fn act(&mut self, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Ask(text) => return self.ask(&text).await,
            Command::Help => self.help()?,
            Command::Model(None) => self.list_models()?,
            Command::Model(Some(name)) => self.choose(name).await?,
            Command::System(text) => self.system(text)?,
            Command::File(path) => self.attach(path).await?,
            Command::Retry => return self.retry().await,
            Command::Save(path) => self.save(&path)?,
            Command::Copy => self.copy()?,
            Command::Usage => self.usage()?,
            Command::Clear => self.clear()?,
            Command::Exit => {}
        }
        Ok(())
    }

    fn help(&self) -> anyhow::Result<()> {
        let rows = COMMANDS.iter().map(|entry| format!("  {:<16} {}\n", format!("{} {}", entry.name, entry.argument), entry.help));
        let keys = "\n  Alt-Enter or Ctrl-J begins a new line, as does a backslash at a line's end. Up and Ctrl-R find what was\n  \
                    asked before. Ctrl-C stops an answer, empties the line, and ends the chat when it is empty.\n";
        Ok(self.context.printer.print(&(rows.collect::<String>() + keys))?)
    }

    fn list_models(&self) -> anyhow::Result<()> {
        for name in self.models() {
            let mark = if name == self.model() { "*" } else { " " };
            self.context.printer.line(&format!("{mark} {name}"))?;
        }
        self.context.printer.notice(&format!("talking with {}", self.model()));
        Ok(())
    }

    async fn choose(&mut self, name: String) -> anyhow::Result<()> {
        // A running gateway says it itself, when it is asked.
        if let Some(engine) = self.setup.gateway.engine() {
            engine.explain(&name).await.map_err(Failure::from)?;
        }
        self.context.printer.notice(&format!("talking with {name}"));
        self.setup.settings.model = name;
        self.setup.settings.is_named = true;
        Ok(())
    }

    fn system(&mut self, text: Option<String>) -> anyhow::Result<()> {
        let system = &mut self.talk.conversation.system;
        match text {
            Some(text) => *system = Some(text).filter(|text| text != "-"),
            None => self.context.printer.line(system.as_deref().unwrap_or("(no system prompt)"))?,
        }
        Ok(())
    }

    async fn attach(&mut self, path: String) -> anyhow::Result<()> {
        if path == "-" {
            return Err(Failure::usage("standard input is what is typed here").hint("name a file").into());
        }
        let read = attach::read(&[path], self.args.yes, self.context).await?;
        for attachment in &read {
            self.context.printer.notice(&format!("`{}` goes with the next question", attachment.name));
        }
        self.attachments.extend(read);
        Ok(())
    }

    pub(super) async fn retry(&mut self) -> anyhow::Result<()> {
        let asked = self.asked.clone().or_else(|| self.talk.conversation.turns.last().map(|turn| turn.user.clone()));
        let Some(content) = asked else { return Err(Failure::usage("nothing was asked yet").into()) };
        if self.asked.is_none() {
            self.answered = self.talk.conversation.turns.last().map(|turn| turn.id.clone());
        }
        self.asked = Some(content.clone());
        self.turn(content).await
    }

    /// Never over a file that is there.
    fn save(&self, path: &str) -> anyhow::Result<()> {
        if self.talk.conversation.turns.is_empty() {
            return Err(Failure::usage("nothing was said yet").into());
        }
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let written = options.open(path).and_then(|mut file| file.write_all(self.talk.conversation.document().as_bytes()));
        written.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => Failure::failed(format!("`{path}` is there already")).hint("give another name"),
            _ => Failure::failed(format!("cannot write `{path}`: {error}")),
        })?;
        self.context.printer.notice(&format!("saved to {path}"));
        Ok(())
    }

    fn copy(&self) -> anyhow::Result<()> {
        let Some(turn) = self.talk.conversation.turns.last() else { return Err(Failure::usage("there is no answer yet").into()) };
        let Some(sequence) = clipboard::sequence(&turn.assistant) else {
            return Err(Failure::failed("the answer is too long for the terminal's clipboard")
                .hint("`/save FILE` writes it to a file")
                .into());
        };
        self.context.printer.print(&sequence)?;
        self.context.printer.end_line()?;
        self.context.printer.notice("sent to the terminal's clipboard (in tmux: `set -g set-clipboard on`)");
        Ok(())
    }

    fn usage(&self) -> anyhow::Result<()> {
        match self.totals.table(self.context.printer.terminal()) {
            Some(table) => self.context.printer.line(&table)?,
            None => self.context.printer.notice("nothing was asked yet"),
        }
        Ok(())
    }

    fn clear(&mut self) -> anyhow::Result<()> {
        self.asked = None;
        self.answered = None;
        self.attachments.clear();
        self.talk.clear()?;
        self.context.printer.notice("forgot what was said");
        Ok(())
    }
}
