//! `llmgw config`: check and show the configuration, say where it is, print its schema, make one of another gateway's file.
//! Never asks an upstream.

mod import;

use clap::{Subcommand, ValueEnum};

use crate::cli::context::{Context, Rejected};
use crate::cli::failure::Exit;
use crate::config::locate::{Located, locate, places};
use crate::config::{Config, Origin, schema};

const EXAMPLES: &str = "\
Examples:
  llmgw config check                     every mistake, with its place; exit 2 if there is one
  llmgw config show                      what holds, defaults included, secrets masked
  llmgw config path                      which file is used, and why
  llmgw config schema > llmgw.schema.json
  llmgw config import litellm.yaml -o llmgw.yaml
                                         another gateway's file as ours";

/// Flags of `llmgw config`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// What to do with it.
    #[command(subcommand)]
    pub action: Action,
}

/// The commands below `llmgw config`.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Check the configuration, and report every mistake at once
    Check,
    /// Show the effective configuration, with secrets masked
    Show {
        /// How to show it
        #[arg(long, value_name = "FORMAT", default_value = "yaml")]
        format: Format,
    },
    /// Say which file is used, and why
    Path,
    /// Print the JSON Schema of the file
    Schema,
    /// Make a configuration of another gateway's file, and say what it leaves out
    Import(import::Args),
}

/// How a configuration is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// As in the file
    Yaml,
    /// An object
    Json,
}

/// Runs `llmgw config`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match args.action {
        Action::Check => {
            let config = context.load(&context.overrides())?.config;
            context.printer.line(&verdict(&config))?;
        }
        Action::Show { format } => {
            let config = context.load(&context.overrides())?.config.to_json();
            context.printer.print(&match format {
                Format::Yaml => serde_yaml::to_string(&config)?,
                Format::Json => format!("{}\n", serde_json::to_string_pretty(&config)?),
            })?;
        }
        Action::Path => path(context)?,
        Action::Schema => context.printer.line(&serde_json::to_string_pretty(&schema::schema())?)?,
        Action::Import(args) => return import::run(args, context),
    }
    Ok(Exit::Done)
}

/// The path is the answer; why it is this one, a notice, so that `$(llmgw config path)` is a path.
fn path(context: &Context) -> anyhow::Result<()> {
    match locate(&context.environment, context.globals.config.as_deref()).map_err(|mistake| Rejected(vec![*mistake]))? {
        Located::File { path, why } => {
            context.printer.line(&path.display().to_string())?;
            context.printer.notice(&format!("found by {why}"));
        }
        Located::None => {
            let searched = places(&context.environment).into_iter().map(|(path, _)| path.display().to_string());
            let searched: Vec<String> = searched.collect();
            context.printer.notice(&format!("no configuration file; looked for {}", searched.join(", ")));
        }
    }
    Ok(())
}

fn verdict(config: &Config) -> String {
    let source = match &config.origin {
        Origin::File { path, .. } => path.display().to_string(),
        Origin::Environment { found } => format!("no file; from the environment ({})", found.join(", ")),
        Origin::Mock => "no file; the built-in mock".to_owned(),
    };
    format!("{source}: ok ({}, {})", count(config.providers.len(), "provider"), count(config.models.len(), "model"))
}

fn count(number: usize, thing: &str) -> String {
    format!("{number} {thing}{}", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::count;

    #[test]
    fn numbers_and_nouns_agree() {
        assert_eq!([count(0, "model"), count(1, "model"), count(2, "model")], ["0 models", "1 model", "2 models"]);
    }
}
