//! `llmgw doctor`: what is wrong with this installation, and the way out of it.
//!
//! Each file looks at one thing and says what it found; nothing is changed, and no tokens are spent.

mod configuration;
mod files;
mod machine;
mod providers;
mod report;

use std::time::Duration;

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::doctor::report::{Finding, State};
use crate::cli::failure::Exit;
use crate::cli::test;

const EXAMPLES: &str = "\
Examples:
  llmgw doctor                     everything; providers are asked for their models
  llmgw doctor --offline           without asking anybody outside of this machine
  llmgw doctor --format json       for programs; exit 1 if anything failed";

/// Flags of `llmgw doctor`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Ask nobody outside of this machine
    #[arg(long)]
    pub offline: bool,
    /// How long each provider may take to answer
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = test::duration)]
    pub timeout: Duration,
    /// How to show what was found
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Format,
}

/// How findings are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, one a line
    Text,
    /// An array of objects
    Json,
}

/// Runs `llmgw doctor`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let progress = context.printer.spinner("looking");
    let findings = look(&args, context).await;
    progress.finish_and_clear();
    let text = match args.format {
        Format::Text => report::text(&findings, context.printer.terminal()),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&findings)?),
    };
    context.printer.print(&text)?;
    context.printer.notice(&report::summary(&findings));
    let has_failed = findings.iter().any(|finding| finding.state == State::Failed);
    Ok(if has_failed { Exit::Failed } else { Exit::Done })
}

async fn look(args: &Args, context: &Context) -> Vec<Finding> {
    let (mut findings, loaded) = configuration::look(context).await;
    let Some(loaded) = loaded else {
        findings.extend(machine::look());
        return findings;
    };
    findings.extend(files::look(&loaded, &context.environment));
    findings.extend(machine::look());
    let limit = args.timeout;
    let asked = async { if args.offline { Vec::new() } else { providers::look(&loaded.config, limit).await } };
    let (gateway, providers) = tokio::join!(machine::gateway(&loaded.config), asked);
    findings.push(gateway);
    findings.extend(machine::proxies(&context.environment, &loaded.config));
    findings.extend(providers);
    findings
}
