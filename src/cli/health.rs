//! `llmgw health`: whether the gateway of this configuration answers, as an exit code; for images that have no shell.

use std::time::{Duration, Instant};

use clap::ValueHint;
use http::{Method, StatusCode};
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::recorded::duration;
use crate::cli::remote::{Answer, Remote, web_address};
use crate::cli::test;

const EXAMPLES: &str = "\
Examples:
  llmgw health                                 exit 0 if the gateway lives, 1 if not
  llmgw health --ready                         exit 1 also while it drains
  llmgw health --url http://127.0.0.1:9000     another one; no configuration is read

A configuration that cannot be used is exit 2, as for any command.
In a Dockerfile: HEALTHCHECK CMD [\"llmgw\", \"health\"]";

/// Flags of `llmgw health`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the gateway is [default: from the configuration's host, port and scheme]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Url>,
    /// Ask whether it takes new requests, not only whether it lives
    #[arg(long)]
    pub ready: bool,
    /// How long it may take to answer
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = test::duration)]
    pub timeout: Duration,
}

/// Runs `llmgw health`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let config = match args.url {
        Some(_) => None,
        None => Some(context.load(&context.overrides())?.config),
    };
    let remote = Remote::serving(args.url, None, config.as_ref())?.within(args.timeout);
    let (path, word) = if args.ready { ("/readyz", "ready") } else { ("/healthz", "ok") };
    let begun = Instant::now();
    let answer = remote.ask(Method::GET, path, &[]).await?.map_err(|reason| remote.absent(&reason))?;
    expect(&answer, word).map_err(|reason| Failure::failed(format!("{remote}: {reason}")))?;
    context.printer.line(&format!("{remote}: {word} ({})", duration(begun.elapsed())))?;
    Ok(Exit::Done)
}

/// Whether the gateway says `word`; else what it says.
fn expect(answer: &Answer, word: &str) -> Result<(), String> {
    match answer.body["status"].as_str() {
        Some(said) if said == word && answer.status == StatusCode::OK => Ok(()),
        Some(said) => Err(format!("{said} ({})", answer.status.as_u16())),
        None => Err(format!("what answers there is no gateway of this kind ({})", answer.status.as_u16())),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::{Answer, expect};

    #[test]
    fn only_the_word_of_a_gateway_counts() {
        let said = |status, body: Value| expect(&Answer { status, body }, "ready");
        assert_eq!(said(StatusCode::OK, json!({ "status": "ready" })), Ok(()));
        assert_eq!(said(StatusCode::SERVICE_UNAVAILABLE, json!({ "status": "draining" })), Err("draining (503)".to_owned()));
        for body in [json!("<html>你好</html>"), json!({})] {
            assert!(said(StatusCode::OK, body).unwrap_err().contains("no gateway of this kind (200)"));
        }
    }
}
