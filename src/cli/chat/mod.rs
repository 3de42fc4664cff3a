//! `llmgw chat`: one question, its answer printed as it arrives.
//!
//! A client of the very engine that the server exposes: it builds the same request and reads the same reply.

pub mod attach;
pub mod gateway;
pub mod input;
pub mod render;
pub mod request;

use clap::{ValueEnum, ValueHint};
use serde_json::Value;

use crate::cli::chat::gateway::Gateway;
use crate::cli::chat::render::{Answer, Said};
use crate::cli::chat::request::{Settings, message};
use crate::cli::context::Context;
use crate::cli::failure::Exit;

const EXAMPLES: &str = "\
Examples:
  llmgw chat \"你是谁\"                                ask the default model
  llmgw chat --model gpt-4 \"你是谁\"                  ask this one
  git diff | llmgw chat \"review this\"                what comes in by a pipe follows the prompt
  llmgw chat -f photo.png -f notes.md \"compare\"     files that the model shall see
  llmgw chat --format json --param seed=1 hi | jq    the whole answer, for programs";

/// Fields of the request that have a flag of their own, or that would change what is printed.
const RESERVED: [(&str, &str); 3] =
    [("model", "use `--model`"), ("messages", "use PROMPT and `--system`"), ("stream", "use `--no-stream`")];

/// Flags of `llmgw chat`.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The model to ask, as `llmgw list` names it [default: routing.default_model]
    #[arg(short, long, value_name = "MODEL")]
    pub model: Option<String>,
    /// The system prompt: who the model shall be
    #[arg(short, long, value_name = "TEXT")]
    pub system: Option<String>,
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
    /// Ask for the whole answer at once
    #[arg(long)]
    pub no_stream: bool,
    /// How to show the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
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

/// Runs `llmgw chat`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let question = question(&args, context).await?;
    let gateway = Gateway::open(context).await?;
    let settings = settings(&args, &gateway.engine().snapshot().config.routing.default_model);
    let messages: Vec<Value> = args.system.iter().map(|text| message("system", text.as_str())).chain([question]).collect();
    ask(&gateway, &settings.body(&messages), &args, context).await?;
    Ok(Exit::Done)
}

/// What the user asks: the files, the words of the command line, what comes in by a pipe.
async fn question(args: &Args, context: &Context) -> anyhow::Result<Value> {
    let attachments = attach::read(&args.files, args.yes, context).await?;
    let prompt = match args.files.iter().any(|file| file == "-") {
        true => input::typed(&args.prompt),
        false => input::prompt(&args.prompt, tokio::io::stdin(), &context.printer).await?,
    };
    if prompt.is_none() && attachments.is_empty() {
        return Err(input::missing(&context.printer).into());
    }
    Ok(message("user", attach::content(&prompt.unwrap_or_default(), &attachments)))
}

/// What the flags say, beside the messages.
fn settings(args: &Args, default_model: &str) -> Settings {
    Settings {
        model: args.model.clone().unwrap_or_else(|| default_model.to_owned()),
        temperature: args.temperature,
        max_tokens: args.max_tokens,
        params: args.params.clone(),
        stream: !args.no_stream && args.format != Format::Json,
    }
}

/// Asks, and prints the answer as it arrives.
async fn ask(gateway: &Gateway, body: &Value, args: &Args, context: &Context) -> anyhow::Result<Said> {
    let spinner = context.printer.spinner("waiting for the first word");
    let reply = match gateway.ask(body).await {
        Ok(reply) => reply,
        Err(error) => {
            spinner.finish_and_clear();
            return Err(gateway::failure(error, args.model.is_some()).into());
        }
    };
    Answer::new(&context.printer, spinner, args.format).print(reply.status, &reply.headers, reply.body).await
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

    use super::{Args, Format, parameter, settings};

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

    #[test]
    fn only_text_and_chunks_are_streamed() {
        assert!(settings(&Args::default(), "m").stream);
        for args in [Args { no_stream: true, ..Args::default() }, Args { format: Format::Json, ..Args::default() }] {
            assert!(!settings(&args, "m").stream);
        }
        assert_eq!(settings(&Args::default(), "auto").model, "auto");
        assert_eq!(settings(&Args { model: Some("gpt-4".to_owned()), ..Args::default() }, "auto").model, "gpt-4");
    }
}
