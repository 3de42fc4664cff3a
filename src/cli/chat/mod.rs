//! `llmgw chat`: one question, its answer printed as it arrives.
//!
//! A client of the very engine that the server exposes: it builds the same request and reads the same reply.

pub mod input;
pub mod render;

use clap::{ValueEnum, ValueHint};
use serde_json::{Map, Value, json};
use tracing::{Instrument, error_span};

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::engine::Error;
use crate::hub::Endpoint;

const EXAMPLES: &str = "\
Examples:
  llmgw chat \"你是谁\"                                ask the default model
  llmgw chat --model gpt-4 \"你是谁\"                  ask this one
  git diff | llmgw chat \"review this\"                what comes in by a pipe follows the prompt
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
    let prompt = input::prompt(&args.prompt, tokio::io::stdin(), &context.printer).await?;
    let engine = context.engine_for_use().await?;
    engine.observe();
    let spinner = context.printer.spinner("waiting for the first word");
    let snapshot = engine.snapshot();
    let model = args.model.as_deref().unwrap_or(&snapshot.config.routing.default_model);
    let job = engine.job(Endpoint::ChatCompletions, body(&args, model, prompt).to_string());
    let span = error_span!("request", id = %job.id);
    let reply = match engine.chat(job).instrument(span).await {
        Ok(reply) => reply,
        Err(error) => {
            spinner.finish_and_clear();
            return Err(failure(error, args.model.is_some()).into());
        }
    };
    let answer = render::Answer::new(&context.printer, spinner, args.format);
    answer.print(reply.status, &reply.headers, reply.body).await
}

/// Who named no model cannot be told that it does not exist.
fn failure(error: Error, is_named: bool) -> Failure {
    match error {
        Error::ModelNotFound(_) if !is_named => {
            Failure::usage("no model was named, and there is no default").hint("name one with `--model`, or set `routing.default_model`")
        }
        error => Failure::from(error),
    }
}

/// The request as an OpenAI client would send it.
fn body(args: &Args, model: &str, prompt: String) -> Value {
    let system = args.system.iter().map(|text| json!({"role": "system", "content": text}));
    let messages: Vec<Value> = system.chain([json!({"role": "user", "content": prompt})]).collect();
    let mut body = Map::new();
    body.insert("model".to_owned(), model.into());
    body.insert("messages".to_owned(), messages.into());
    body.extend(args.temperature.map(|value| ("temperature".to_owned(), value.into())));
    body.extend(args.max_tokens.map(|value| ("max_tokens".to_owned(), value.into())));
    body.extend(args.params.iter().cloned());
    body.insert("stream".to_owned(), (!args.no_stream && args.format != Format::Json).into());
    body.into()
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

    use super::{Args, Format, body, parameter};

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
    fn the_request_is_what_an_openai_client_sends() {
        let args = Args {
            system: Some("be short".to_owned()),
            temperature: Some(0.5),
            max_tokens: Some(10),
            params: vec![("seed".to_owned(), json!(1)), ("max_tokens".to_owned(), json!(20))],
            ..Args::default()
        };
        let expected = r#"{"model":"gpt-4","messages":[{"role":"system","content":"be short"},{"role":"user","content":"你是谁"}],"temperature":0.5,"max_tokens":20,"seed":1,"stream":true}"#;
        assert_eq!(body(&args, "gpt-4", "你是谁".to_owned()).to_string(), expected);
        for args in [Args { no_stream: true, ..Args::default() }, Args { format: Format::Json, ..Args::default() }] {
            assert_eq!(body(&args, "m", String::new())["stream"], json!(false));
        }
    }
}
