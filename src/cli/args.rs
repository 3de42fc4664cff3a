//! The command line as typed: [`Cli`], from which help, man pages and completions follow.
//!
//! The flags of a command stand in that command's own file.

use std::ffi::OsString;

use clap::{ColorChoice, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::cli::globals::Globals;
use crate::cli::{bench, chat, config, doctor, explain, generate, health, init, list, logs, reload, run, serve, test, top, usage, why};

const EXAMPLES: &str = "\
Examples:
  llmgw chat \"你是谁\"                        ask the default model
  git diff | llmgw chat -m gpt-4 \"review\"    ask about what comes in by a pipe
  llmgw serve                                run the gateway
  llmgw list                                 show every model that can be asked for
  llmgw test                                 ask each of them for real

Exit codes: 0 done; 1 something failed; 2 bad usage, bad configuration or unknown model;
130 interrupted.

The configuration is the first that exists of --config, $LLMGW_CONFIG, ./llmgw.yaml,
./config/llmgw.yaml and llmgw.yaml in the user's configuration directory.
Without one, API keys are taken from the environment.";

/// One address, or one command line, in front of every large language model.
#[derive(Debug, Parser)]
#[command(name = "llmgw", version, propagate_version = true, arg_required_else_help = true, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub globals: Globals,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands, in the order of the help.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the gateway
    Serve(serve::Args),
    /// Ask a model, and print the answer as it arrives
    Chat(Box<chat::Args>),
    /// Start an agent or any program that talks to this gateway
    Run(run::Args),
    /// Show every model that can be asked for
    List(list::Args),
    /// Ask each route for real, and say which ones answer
    Test(test::Args),
    /// Measure how fast models are, side by side, and what an answer costs
    Bench(bench::Args),
    /// Ask for providers and keys, and write a configuration
    Init(init::Args),
    /// Look for what is wrong with this installation, and say the way out
    Doctor(doctor::Args),
    /// Say whether the gateway answers: for container health checks
    Health(health::Args),
    /// Tell a running gateway to read its configuration again
    Reload(reload::Args),
    /// Show which upstreams would be tried for a model, in which order, and why
    Explain(explain::Args),
    /// Show who has used what, and what it cost
    Usage(usage::Args),
    /// Show requests as they ended, one a line
    Logs(logs::Args),
    /// Tell all that is known of one request: which way it went, and why
    Why(why::Args),
    /// Watch a running gateway, live on the whole screen, and act on its providers
    Top(top::Args),
    /// Check and show the configuration
    Config(config::Args),
    /// Print a shell's completion script
    Completions(generate::CompletionsArgs),
    /// Print the manual pages
    Man(generate::ManArgs),
}

impl Command {
    /// Whether nothing but the answer and errors is to be shown.
    pub fn is_hushed(&self) -> bool {
        matches!(self, Command::Chat(args) if args.quiet)
    }
}

/// Reads `arguments`, the program's name first. `Err` also stands for help and version, which go to stdout.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Cli, clap::Error> {
    Cli::from_arg_matches(&Cli::command().try_get_matches_from(arguments)?)
}

/// What `--color` says in `arguments` that may not be well-formed otherwise: help and usage errors are coloured too.
pub fn colour_of(arguments: &[OsString]) -> ColorChoice {
    let word = |text: &str| match text {
        "always" => ColorChoice::Always,
        "never" => ColorChoice::Never,
        _ => ColorChoice::Auto,
    };
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).take_while(|text| *text != "--").collect();
    let joined = texts.iter().filter_map(|text| text.strip_prefix("--color=")).next_back();
    let apart = texts.windows(2).filter(|pair| pair[0] == "--color").map(|pair| pair[1]).next_back();
    joined.or(apart).map_or(ColorChoice::Auto, word)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;

    use clap::{ColorChoice, CommandFactory};

    use super::{Cli, Command, colour_of, parse};
    use crate::config::Level;

    fn arguments(line: &[&str]) -> Vec<OsString> {
        std::iter::once("llmgw").chain(line.iter().copied()).map(OsString::from).collect()
    }

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn global_flags_stand_before_or_after_the_command() {
        for line in [["-c", "a.yaml", "--log-level", "debug", "list"], ["list", "-c", "a.yaml", "--log-level", "debug"]] {
            let cli = parse(arguments(&line)).unwrap();
            assert_eq!(cli.globals.config.as_deref(), Some(Path::new("a.yaml")));
            assert_eq!(cli.globals.log_level, Some(Level::Debug));
        }
    }

    #[test]
    fn a_chat_line_is_read_as_it_is_meant() {
        let line = ["chat", "--model", "gpt-4", "-s", "be short", "--temperature", "0.2", "--param", "seed=1", "你", "是谁"];
        let Command::Chat(chat) = parse(arguments(&line)).unwrap().command else { panic!("another command") };
        assert_eq!((chat.model.as_deref(), chat.temperature), (Some("gpt-4"), Some(0.2)));
        assert_eq!(chat.prompt, ["你", "是谁"]);
    }

    #[test]
    fn bad_usage_is_exit_two_and_help_is_not_an_error() {
        for line in [&["chatt"][..], &["list", "--format", "xml"], &["serve", "--port", "70000"], &[]] {
            assert_eq!(parse(arguments(line)).unwrap_err().exit_code(), 2, "{line:?}");
        }
        for line in [["--version"], ["-h"]] {
            assert_eq!(parse(arguments(&line)).unwrap_err().exit_code(), 0);
        }
        assert_eq!(parse(arguments(&["chat", "-V"])).unwrap_err().exit_code(), 0);
    }

    #[test]
    fn colour_is_known_before_the_rest() {
        assert_eq!(colour_of(&arguments(&["--color", "never", "--nonsense"])), ColorChoice::Never);
        assert_eq!(colour_of(&arguments(&["--color=always"])), ColorChoice::Always);
        assert_eq!(colour_of(&arguments(&["chat", "--", "--color=never"])), ColorChoice::Auto);
    }
}
