//! `llmgw chat`: one question, its answer printed as it arrives.
//!
//! A client of the very engine that the server exposes: it builds the same request and reads the same reply.

pub mod account;
pub mod attach;
pub mod conversation;
pub mod dry_run;
pub mod each;
pub mod gateway;
pub mod input;
pub mod markdown;
pub mod render;
pub mod repl;
pub mod request;
pub mod role;
pub mod schema;
pub mod screen;
pub mod session;
pub mod sessions;
pub mod setup;
pub mod talk;

use std::path::PathBuf;

use clap::{ValueEnum, ValueHint};
use serde_json::Value;

use crate::cli::chat::conversation::Turn;
use crate::cli::chat::gateway::Target;
use crate::cli::chat::screen::Look;
use crate::cli::chat::setup::Setup;
use crate::cli::chat::talk::Talk;
use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::Exit;
use crate::cli::test::at_least_one;

const EXAMPLES: &str = "\
Examples:
  llmgw chat                                        talk with the model; /help lists commands
  llmgw chat \"你是谁\"                               ask the default model
  llmgw chat --model gpt-4 \"你是谁\"                 ask this one
  git diff | llmgw chat \"review this\"               what comes in by a pipe follows the prompt
  llmgw chat -f photo.png -f notes.md \"compare\"     files that the model shall see
  llmgw chat -r translator < letter.txt             a role of the configuration
  llmgw chat --session trip \"and Beijing?\"          a conversation that is kept
  llmgw chat --schema person.json \"…\" | jq .name    an answer that has this shape
  llmgw chat --each names.txt --output out.jsonl    one question a line
  llmgw chat --format json --param seed=1 hi | jq   the whole answer, for programs
  llmgw chat --url http://gw:8000 --key \"$KEY\" hi   ask a running gateway";

/// Fields of the request that have a flag of their own, or that would change what is printed.
const RESERVED: [(&str, &str); 3] =
    [("model", "use `--model`"), ("messages", "use PROMPT and `--system`"), ("stream", "use `--no-stream`")];

/// Flags of `llmgw chat`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model to ask, as `llmgw list` names it [default: routing.default_model]
    #[arg(short, long, value_name = "MODEL", add = complete::models())]
    pub model: Option<String>,
    /// The system prompt: who the model shall be
    #[arg(short, long, value_name = "TEXT")]
    pub system: Option<String>,
    /// Who the model shall be, by its name under `roles` in the configuration; flags count more
    #[arg(short, long, value_name = "NAME", add = complete::roles())]
    pub role: Option<String>,
    /// A file for the model to see: text, PNG, JPEG, GIF, WebP or PDF; a pattern, an address, or `-` for stdin. May be given several times
    #[arg(short, long = "file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub files: Vec<String>,
    /// Fetch addresses given with `--file` without asking
    #[arg(short, long)]
    pub yes: bool,
    /// How freely words are chosen
    #[arg(long, value_name = "NUMBER", value_parser = number)]
    pub temperature: Option<f64>,
    /// Longest answer, in tokens
    #[arg(long, value_name = "N")]
    pub max_tokens: Option<u64>,
    /// A further field of the request; the value is JSON, or else text. May be given several times
    #[arg(long = "param", value_name = "KEY=VALUE", value_parser = parameter)]
    pub params: Vec<(String, Value)>,
    /// The shape of the answer, as a JSON Schema; an answer that does not fit it is an error
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub schema: Option<PathBuf>,
    /// Ask for the whole answer at once
    #[arg(long)]
    pub no_stream: bool,
    /// How to show the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
    /// Talk with the model, after PROMPT if there is one; without PROMPT a terminal gets this anyway
    #[arg(short, long)]
    pub interactive: bool,
    /// Keep the conversation under this name, and go on with what is kept there
    #[arg(long, value_name = "NAME", add = complete::sessions())]
    pub session: Option<String>,
    /// Go on with the session that was used last
    #[arg(long = "continue", conflicts_with = "session")]
    pub continues: bool,
    /// Show which sessions are kept
    #[arg(long, conflicts_with_all = ["show_session", "delete_session", "session", "continues", "interactive", "prompt"])]
    pub list_sessions: bool,
    /// Show what was said in a session
    #[arg(long, value_name = "NAME", conflicts_with_all = ["delete_session", "session", "continues", "interactive", "prompt"], add = complete::sessions())]
    pub show_session: Option<String>,
    /// Delete a session
    #[arg(long, value_name = "NAME", conflicts_with_all = ["session", "continues", "interactive", "prompt"], add = complete::sessions())]
    pub delete_session: Option<String>,
    /// Show answers as the model wrote them: their Markdown is not rendered, which it is only on a terminal with colours
    #[arg(long)]
    pub plain: bool,
    /// Do not show the model's reasoning, which is shown only on a terminal
    #[arg(long)]
    pub no_reasoning: bool,
    /// Tell in a last line on stderr who answered, how fast, with how many tokens and at what cost
    #[arg(short, long, conflicts_with = "quiet")]
    pub verbose: bool,
    /// Show nothing but the answer, and errors
    #[arg(short, long)]
    pub quiet: bool,
    /// Show who would be asked, and the request, and send nothing
    #[arg(long, conflicts_with_all = ["each", "interactive"])]
    pub dry_run: bool,
    /// Ask one question a line: a file of texts or of JSON objects with a `prompt`, or `-` for stdin. PROMPT goes before each;
    /// a JSON object a line comes back
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["format", "no_stream", "verbose", "session", "continues", "interactive"])]
    pub each: Option<String>,
    /// Where the answers of `--each` go; a rerun asks only for what is missing [default: stdout]
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, requires = "each")]
    pub output: Option<PathBuf>,
    /// How many questions of `--each` are on their way at once
    #[arg(long, value_name = "N", default_value_t = each::CONCURRENCY, value_parser = at_least_one, requires = "each")]
    pub concurrency: usize,
    /// Which gateway is asked.
    #[command(flatten)]
    pub target: Target,
    /// The question; what comes in by a pipe follows it, after a blank line
    #[arg(value_name = "PROMPT", value_hint = ValueHint::Other)]
    pub prompt: Vec<String>,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// The text of the answer
    #[default]
    Text,
    /// The whole `chat.completion` object
    Json,
    /// The `chat.completion.chunk` objects as they arrive, one a line
    Jsonl,
}

impl Args {
    /// How answers shall look.
    pub fn look(&self) -> Look {
        Look { is_plain: self.plain, hides_reasoning: self.no_reasoning }
    }

    /// Whether the answer shall come piece by piece.
    fn wants_stream(&self) -> bool {
        !self.no_stream && self.format != Format::Json && self.each.is_none()
    }

    /// Whether tokens are to be told of.
    fn wants_usage(&self) -> bool {
        self.verbose || self.format != Format::Text
    }
}

/// Runs `llmgw chat`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    if let Some(exit) = sessions::run(&args, context)? {
        return Ok(exit);
    }
    if args.each.is_some() {
        return each::run(&args, context).await;
    }
    if repl::is_wanted(&args, context)? {
        return repl::run(&args, context).await;
    }
    let mut talk = Talk::open(&args, context)?;
    let mut setup = Setup::open(&args, context).await?;
    let (words, attachments) = setup::asked(&args, context).await?;
    let question = setup.question(words.as_deref(), &attachments).ok_or_else(|| input::missing(&context.printer))?;
    talk.begin(&mut setup);
    let messages = talk.messages(&question["content"], &setup, context);
    let body = setup.settings.body(&messages);
    if args.dry_run {
        dry_run::run(&setup, &body, args.format, context).await?;
        return Ok(Exit::Done);
    }
    let (said, id) = setup.ask(&body, args.format, args.verbose, context).await?;
    setup.check(&said.text)?;
    let id = Turn::id(Some(&id));
    talk.keep(Turn { id, model: setup.settings.model, user: question["content"].clone(), assistant: said.text }, None)?;
    Ok(Exit::Done)
}

/// Reads a number that JSON can write.
fn number(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "expected a number".to_owned())
}

/// Reads `KEY=VALUE`.
fn parameter(text: &str) -> Result<(String, Value), String> {
    let Some((key, value)) = text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
        return Err("expected KEY=VALUE".to_owned());
    };
    if let Some((_, way_out)) = RESERVED.iter().find(|(name, _)| *name == key) {
        return Err(format!("`{key}` cannot be set here; {way_out}"));
    }
    Ok((key.to_owned(), serde_json::from_str(value).unwrap_or_else(|_| value.into())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parameter;

    #[test]
    fn a_parameter_is_json_or_else_text() {
        let value = |text| parameter(text).unwrap().1;
        assert_eq!(value("seed=1"), json!(1));
        assert_eq!(value("stop=[\"a\",\"b\"]"), json!(["a", "b"]));
        assert_eq!(value("user=Ann=Bob"), json!("Ann=Bob"));
        assert_eq!(value("a.b=true"), json!(true));
        assert_eq!(parameter("a.b=true").unwrap().0, "a.b");
        assert_eq!(value("user="), json!(""));
        for wrong in ["seed", "=1", "stream=true", "model=x"] {
            assert!(parameter(wrong).is_err(), "{wrong}");
        }
    }
}
