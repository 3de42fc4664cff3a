//! What a typed line asks for: [`Command`].

use crate::cli::failure::Failure;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A question.
    Ask(String),
    /// Say which commands there are.
    Help,
    /// Ask this model from now on; `None`: say which one is asked, and which could be.
    Model(Option<String>),
    /// Say this before everything; `None`: say what is said.
    System(Option<String>),
    /// Have this file go with the next question.
    File(String),
    /// Ask the last question again.
    Retry,
    /// Write what was said to this file.
    Save(String),
    /// Put the last answer into the clipboard.
    Copy,
    /// Say what was used.
    Usage,
    /// Forget what was said.
    Clear,
    /// End.
    Exit,
}

/// A command as help and completion show it.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What follows it.
    pub argument: &'static str,
    /// What it does.
    pub help: &'static str,
}

const fn entry(name: &'static str, argument: &'static str, help: &'static str) -> Entry {
    Entry { name, argument, help }
}

/// All commands, in the order of the help.
pub const COMMANDS: [Entry; 11] = [
    entry("/help", "", "show this"),
    entry("/model", "[NAME]", "ask this model from now on; without NAME: show which there are"),
    entry("/system", "[TEXT]", "who the model shall be; without TEXT: show it; `/system -` takes it back"),
    entry("/file", "PATH", "send a file along with the next question: text, image or PDF"),
    entry("/retry", "", "ask the last question again"),
    entry("/save", "FILE", "write the conversation to a new file, as Markdown"),
    entry("/copy", "", "put the last answer into the clipboard (OSC 52, over ssh too)"),
    entry("/usage", "", "show tokens, cost and routes of this chat"),
    entry("/clear", "", "forget what was said"),
    entry("/exit", "", "end; so does Ctrl-D"),
    entry("/quit", "", "the same"),
];

/// Reads a line; `None`: it says nothing. A question may begin with a slash: as a path, or behind a second slash.
pub fn parse(line: &str) -> Result<Option<Command>, Failure> {
    let line = line.replace("\\\n", "\n");
    let line = line.trim();
    if line.is_empty() {
        return Ok(None);
    }
    let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let is_command = word.strip_prefix('/').is_some_and(|name| !name.contains('/'));
    if !is_command {
        return Ok(Some(Command::Ask(line.strip_prefix('/').filter(|rest| rest.starts_with('/')).unwrap_or(line).to_owned())));
    }
    let argument = Some(argument.trim().to_owned()).filter(|argument| !argument.is_empty());
    command(word, argument).map(Some)
}

fn command(word: &str, argument: Option<String>) -> Result<Command, Failure> {
    let needed = |argument: Option<String>, what: &str| {
        argument.ok_or_else(|| Failure::usage(format!("`{word}` needs {what}")).hint(format!("{word} {what}")))
    };
    let takes_none = !matches!(word, "/model" | "/system" | "/file" | "/save");
    if let Some(argument) = argument.as_ref().filter(|_| takes_none && COMMANDS.iter().any(|entry| entry.name == word)) {
        return Err(Failure::usage(format!("`{word}` takes nothing behind it, and `{argument}` was given")));
    }
    Ok(match word {
        "/help" => Command::Help,
        "/model" => Command::Model(argument),
        "/system" => Command::System(argument),
        "/file" => Command::File(needed(argument, "PATH")?),
        "/retry" => Command::Retry,
        "/save" => Command::Save(needed(argument, "FILE")?),
        "/copy" => Command::Copy,
        "/usage" => Command::Usage,
        "/clear" => Command::Clear,
        "/exit" | "/quit" => Command::Exit,
        _ => return Err(Failure::unknown("command", word, COMMANDS.iter().map(|entry| entry.name))),
    })
}

#[cfg(test)]
mod tests {
    use super::{COMMANDS, Command, command, parse};

    fn parsed(line: &str) -> Option<Command> {
        parse(line).unwrap()
    }

    #[test]
    fn a_line_is_a_question_or_a_command() {
        let ask = |text: &str| Some(Command::Ask(text.to_owned()));
        assert_eq!(parsed("  你是谁 \n"), ask("你是谁"));
        assert_eq!(parsed(" \n "), None);
        assert_eq!(parsed("第一行\\\n第二行\n第三行"), ask("第一行\n第二行\n第三行"));
        assert_eq!(parsed("/usr/bin 是什么"), ask("/usr/bin 是什么"));
        assert_eq!(parsed("//help 是什么"), ask("/help 是什么"));
        assert_eq!(parsed("/model"), Some(Command::Model(None)));
        assert_eq!(parsed("/model  gpt-4 "), Some(Command::Model(Some("gpt-4".to_owned()))));
        assert_eq!(parsed("/system 你是\n诗人"), Some(Command::System(Some("你是\n诗人".to_owned()))));
        assert_eq!(parsed("/file a b.txt"), Some(Command::File("a b.txt".to_owned())));
        assert_eq!(parsed("/exit"), Some(Command::Exit));
    }

    #[test]
    fn what_is_no_command_is_told_with_the_nearest() {
        let failure = parse("/modle gpt-4").unwrap_err();
        assert_eq!(failure.message, "unknown command `/modle`");
        assert_eq!(failure.hint.as_deref(), Some("did you mean `/model`?"));
        assert!(parse("/file").unwrap_err().message.contains("needs PATH"));
        assert!(parse("/exit now").is_err());
    }

    #[test]
    fn every_command_of_the_help_is_one() {
        for entry in &COMMANDS {
            let argument = Some("x".to_owned()).filter(|_| !entry.argument.is_empty());
            assert!(command(entry.name, argument).is_ok(), "{}", entry.name);
        }
    }
}
