//! `llmgw run`: starts an agent that talks to this gateway: to one that runs, else to one of its own.

mod agent;
mod child;
mod gateway;

use std::ffi::OsString;

use anyhow::Context as _;
use clap::ValueHint;
use tokio::runtime::Builder;
use url::Url;

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::remote::{secret, web_address};
use crate::cli::run::agent::Known;
use crate::cli::run::gateway::Gateway;
use crate::config::Secret;

const EXAMPLES: &str = "\
Examples:
  llmgw run claude                   Claude Code, on whatever the configuration offers
  llmgw run claude -m deepseek/deepseek-v4-flash -- -p \"这个项目是做什么的\"
  llmgw run codex -- exec \"run the tests\"
  llmgw run aichat -- 你是谁
  llmgw run -- python3 app.py        any program that uses OpenAI's or Anthropic's SDK

A gateway of this configuration that runs already is used; else the agent gets one of its own,
with a key of its own, on a port that nobody else knows, until it ends. The exit code is the
agent's.";

/// Flags of `llmgw run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which agent; without one, what stands behind -- is run
    #[arg(value_name = "AGENT", required_unless_present = "rest")]
    pub agent: Option<Known>,
    /// The model that it shall ask for [default: the agent's own, or routing.default_model where that is not offered]
    #[arg(short, long, value_name = "MODEL", add = complete::models())]
    pub model: Option<String>,
    /// Use the gateway at this address
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Url>,
    /// A key of a gateway that runs [default: $LLMGW_API_KEY]
    #[arg(long, value_name = "KEY", value_parser = secret)]
    pub key: Option<Secret>,
    /// Have a gateway of its own in any case
    #[arg(long, conflicts_with_all = ["url", "key"])]
    pub private: bool,
    /// Arguments of the agent, or the command to run
    #[arg(last = true, value_name = "ARGS", value_hint = ValueHint::CommandWithArguments)]
    pub rest: Vec<OsString>,
}

/// Runs `llmgw run`. Makes its own runtime: Ctrl-C is the agent's.
pub fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let runtime = Builder::new_multi_thread().enable_all().build().context("cannot start threads")?;
    let ended = runtime.block_on(start(args, context));
    runtime.shutdown_background();
    ended
}

async fn start(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let mut command = args.rest.into_iter();
    let program = match args.agent {
        Some(agent) => OsString::from(agent.program()),
        None => command.next().ok_or_else(|| Failure::usage("there is nothing to run"))?,
    };
    child::check_is_there(&program, args.agent, &context.environment)?;
    let key = args.key.or_else(|| context.environment.get_filled(agent::KEY).filter(|_| !args.private).map(Secret::new));
    let gateway = Gateway::find_or_start(args.url, key, args.private, context).await?;
    let setup = agent::Setup::of(args.agent, &gateway, args.model, &context.environment)?;
    context.printer.notice(&format!("{} talks to {gateway}", program.display()));
    let ended = child::run(&program, &setup, command, args.agent).await;
    gateway.finish().await;
    ended
}
