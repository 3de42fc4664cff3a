//! `llmgw init`: asks for providers and keys, and writes a commented `llmgw.yaml`.

mod ask;
mod found;
mod keep;
mod text;

use std::path::{Path, PathBuf};

use clap::ValueHint;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::init::ask::{Answers, GaveUp};
use crate::cli::init::text::{Entry, Key};
use crate::config::locate::{FILE_NAME, Located, VARIABLE, locate};

const EXAMPLES: &str = "\
Examples:
  llmgw init                             asks, checks each key, and writes llmgw.yaml
  llmgw init --yes                       asks nothing: every key of the environment
  llmgw init -o /etc/llmgw/llmgw.yaml
  llmgw init --yes -o -                  only show what would be written

A key of the environment stays there: the file names its variable.";

/// Flags of `llmgw init`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Ask nothing: take every key of the environment and a local Ollama, with their defaults
    #[arg(short, long)]
    pub yes: bool,
    /// Where to write; - is stdout [default: --config, $LLMGW_CONFIG or ./llmgw.yaml]
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub output: Option<PathBuf>,
    /// Overwrite the file if it exists
    #[arg(long)]
    pub force: bool,
}

/// Where the configuration goes.
enum Target {
    Stdout,
    File(PathBuf),
}

/// Runs `llmgw init`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    match write(args, context).await {
        Err(error) if error.is::<GaveUp>() => Ok(Exit::Interrupted),
        ended => ended,
    }
}

async fn write(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let target = target(args.output, context);
    let is_there = matches!(&target, Target::File(path) if path.symlink_metadata().is_ok());
    let mut replace = args.force;
    let answers = if args.yes {
        refuse_what_exists(&target, is_there && !replace)?;
        Answers { entries: found::found(context).await, ..Answers::default() }
    } else {
        ask::check_terminal(context)?;
        let asked = ask(&target, is_there && !replace, context).await?;
        replace |= is_there;
        asked
    };
    let text = text::text(&answers.entries);
    let Target::File(path) = target else {
        context.printer.print(&text)?;
        return Ok(Exit::Done);
    };
    answers.keys.iter().try_for_each(|(path, key)| keep::write_key(path, key))?;
    keep::write(&path, &text, replace, answers.entries.iter().any(|entry| matches!(entry.key, Key::Plain(_))))?;
    context.printer.line(&path.display().to_string())?;
    tell_next(&answers, &path, context);
    Ok(Exit::Done)
}

/// Asks everything, and first of all whether what is there may go.
async fn ask(target: &Target, is_in_the_way: bool, context: &Context) -> anyhow::Result<Answers> {
    let Target::File(path) = target else { return ask::answers(None, context).await };
    if is_in_the_way {
        ask::agree_to_overwrite(path).await?;
    }
    ask::answers(path.parent(), context).await
}

/// `--output`, else where the file would be looked for first.
fn target(output: Option<PathBuf>, context: &Context) -> Target {
    let environment = &context.environment;
    let named = || context.globals.config.clone().or_else(|| environment.get_filled(VARIABLE).map(PathBuf::from));
    let path = output.or_else(named).unwrap_or_else(|| PathBuf::from(FILE_NAME));
    if path == Path::new("-") { Target::Stdout } else { Target::File(environment.current_dir().join(path)) }
}

fn refuse_what_exists(target: &Target, is_there: bool) -> Result<(), Failure> {
    match target {
        Target::File(path) if is_there => Err(keep::exists(path)),
        _ => Ok(()),
    }
}

/// Says what the file holds, and what to type now.
fn tell_next(answers: &Answers, path: &Path, context: &Context) {
    let printer = &context.printer;
    match answers.entries.as_slice() {
        [] => printer.warning(
            "only the built-in mock is in it, for no provider was found or chosen. \
             Set OPENAI_API_KEY, DEEPSEEK_API_KEY or another provider's, or choose one, and run this again",
        ),
        entries => printer.notice(&format!("in it: {}", entries.iter().map(described).collect::<Vec<_>>().join(", "))),
    }
    for variable in &answers.missing {
        printer.notice(&format!("put the key into {variable} first, such as in your shell's profile: export {variable}=…"));
    }
    let is_found = matches!(locate(&context.environment, None), Ok(Located::File { path: found, .. }) if found == path);
    let flag = if is_found { String::new() } else { format!(" -c {}", quoted(&path.display().to_string())) };
    printer.notice(&format!(
        "next: `llmgw{flag} test` asks each for real, `llmgw{flag} chat \"你是谁\"` asks the first, `llmgw{flag} serve` runs the gateway"
    ));
}

/// As a shell wants it.
fn quoted(word: &str) -> String {
    let is_plain = |character: char| character.is_alphanumeric() || "/._-+:@%".contains(character);
    if word.chars().all(is_plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', "'\\''")) }
}

fn described(entry: &Entry) -> String {
    let name = &entry.preset.name;
    match &entry.key {
        Key::None => name.clone(),
        Key::Variable(variable) => format!("{name} (${variable})"),
        Key::File(path) => format!("{name} ({path})"),
        Key::Plain(_) => format!("{name} (its key in this file)"),
    }
}
