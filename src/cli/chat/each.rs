//! `--each`: one question a line, several at once; one JSON object a line comes back.
//!
//! With `--output` each answer is in the file as soon as it is here, and a rerun asks only for what is missing. Without, the
//! lines go to stdout, in the order of the questions.

mod output;
mod prompts;

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::Path;

use futures_util::{StreamExt, stream};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::Value;

use crate::cli::chat::account::Account;
use crate::cli::chat::attach::{self, Attachment};
use crate::cli::chat::gateway::failure;
use crate::cli::chat::render::{self, Said};
use crate::cli::chat::setup::Setup;
use crate::cli::chat::{Args, input};
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::output::{OutputError, Printer};
use crate::cli::visible::visible;
use crate::dialects::openai_chat::usage;
use output::Output;
use prompts::Prompt;

/// So many questions at once, where nobody says how many: providers' limits for new accounts allow it.
pub const CONCURRENCY: usize = 4;

/// One line that comes back.
#[derive(Debug, Serialize)]
struct Row<'a> {
    /// Which question, from 0; empty lines are none.
    index: usize,
    /// The question's own id, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a Value>,
    /// The line that asks.
    prompt: &'a str,
    #[serde(flatten)]
    outcome: Outcome,
}

/// What came of a question.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Outcome {
    Answered {
        answer: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        finish_reason: Option<String>,
        llmgw: Box<Account>,
    },
    Failed {
        error: String,
        /// What was said, where that is what is wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        rejected: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        llmgw: Option<Box<Account>>,
    },
}

/// Runs `llmgw chat --each`.
pub async fn run(args: &Args, context: &Context) -> anyhow::Result<Exit> {
    let setup = Setup::open(args, context).await?;
    let source = args.each.as_deref().unwrap_or("-");
    if source == "-" && args.files.iter().any(|file| file == "-") {
        return Err(Failure::usage("standard input is both `--each` and `--file`").hint("put one of them into a file").into());
    }
    let attachments = attach::read(&args.files, args.yes, context).await?;
    let prompts = prompts::read(source, context).await?;
    if let Some(engine) = setup.gateway.engine() {
        // Known before the first is sent: it would be the same for all.
        engine.explain(&setup.settings.model).await.map_err(|error| failure(error, setup.settings.is_named))?;
    }
    let target = args.output.as_deref().filter(|path| path.as_os_str() != "-");
    if target.is_some_and(|target| is_same(Path::new(source), target)) {
        return Err(Failure::usage(format!("`{source}` is both `--each` and `--output`")).hint("name another file with `--output`").into());
    }
    let mut output = target.map(|path| Output::open(path, &prompts)).transpose()?;
    let missing = |prompt: &&Prompt| output.as_ref().is_none_or(|output| !output.has(prompt.index));
    let asked: Vec<&Prompt> = prompts.iter().filter(missing).collect();
    let batch = Batch { setup: &setup, instruction: input::typed(&args.prompt), attachments: &attachments };
    let mut lines = Lines { printer: &context.printer, next: asked.iter().map(|prompt| prompt.index).collect(), held: BTreeMap::new() };
    let progress = context.printer.counter(asked.len(), "asking");
    let mut failed = 0;
    let mut answers = stream::iter(&asked).map(|prompt| batch.ask(prompt)).buffer_unordered(args.concurrency);
    while let Some(row) = answers.next().await {
        progress.inc(1);
        if let Outcome::Failed { error, .. } = &row.outcome {
            failed += 1;
            progress.set_message(visible(&format!("{failed} failed, the last: {error}")).into_owned());
        }
        let line = serde_json::to_string(&row)?;
        match &mut output {
            Some(output) => output.append(row.index, line)?,
            None => progress.suspend(|| lines.take(row.index, line))?,
        }
    }
    drop(answers);
    progress.finish_and_clear();
    if let Some(output) = output {
        output.finish()?;
    }
    context.printer.notice(&summary(&prompts, asked.len(), failed));
    Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
}

/// Whether both are one file, by whatever names.
fn is_same(one: &Path, other: &Path) -> bool {
    fs::canonicalize(one).ok().zip(fs::canonicalize(other).ok()).is_some_and(|(one, other)| one == other)
}

/// `12 answered, 1 failed, 7 were answered already`
fn summary(prompts: &[Prompt], asked: usize, failed: usize) -> String {
    let mut text = format!("{} answered", asked - failed);
    if failed > 0 {
        text += &format!(", {failed} failed");
    }
    let before = prompts.len() - asked;
    if before > 0 {
        text += &format!(", {before} were answered already");
    }
    text
}

/// What holds for all questions of a batch.
struct Batch<'a> {
    setup: &'a Setup,
    /// What is said before each line.
    instruction: Option<String>,
    attachments: &'a [Attachment],
}

impl Batch<'_> {
    async fn ask<'p>(&self, prompt: &'p Prompt) -> Row<'p> {
        let outcome = match self.answer(prompt).await {
            Ok(outcome) => outcome,
            Err(error) => Outcome::Failed { error: in_one_line(&error), rejected: None, llmgw: None },
        };
        Row { index: prompt.index, id: prompt.id.as_ref(), prompt: &prompt.text, outcome }
    }

    async fn answer(&self, prompt: &Prompt) -> anyhow::Result<Outcome> {
        let words = match &self.instruction {
            Some(instruction) => format!("{instruction}\n\n{}", prompt.text),
            None => prompt.text.clone(),
        };
        let question = self.setup.question(Some(&words), self.attachments).ok_or_else(|| Failure::usage("nothing is asked"))?;
        let reply = self.setup.gateway.ask(&self.setup.body(question), self.setup.settings.is_named).await?;
        let body = reply.body.collect().await.map_err(Failure::failed)?.to_bytes();
        let completion = render::completion(reply.status, &body)?;
        let said = Said { text: render::text_of(&completion).to_owned(), usage: usage::of(&completion), ..Said::default() };
        let llmgw = Box::new(self.setup.gateway.account(&reply.asked, &said));
        if let Err(failure) = self.setup.check(&said.text) {
            return Ok(Outcome::Failed { error: failure.message, rejected: Some(said.text), llmgw: Some(llmgw) });
        }
        let finish_reason = completion["choices"][0]["finish_reason"].as_str().map(str::to_owned);
        Ok(Outcome::Answered { answer: said.text, finish_reason, llmgw })
    }
}

/// The message and the particulars of an error.
fn in_one_line(error: &anyhow::Error) -> String {
    match error.downcast_ref::<Failure>() {
        Some(failure) if !failure.details.is_empty() => format!("{}: {}", failure.message, failure.details.join("; ")),
        _ => format!("{error:#}"),
    }
}

/// Prints lines in the order of the questions, however they come.
struct Lines<'a> {
    printer: &'a Printer,
    /// The questions that are still to be printed, in order.
    next: VecDeque<usize>,
    /// What came before its turn.
    held: BTreeMap<usize, String>,
}

impl Lines<'_> {
    fn take(&mut self, index: usize, line: String) -> Result<(), OutputError> {
        self.held.insert(index, line);
        while let Some(line) = self.next.front().and_then(|next| self.held.remove(next)) {
            self.next.pop_front();
            self.printer.line(&line)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::{Lines, Prompt, summary};
    use crate::cli::output::Terminal;
    use crate::cli::output::captured::printer;

    #[test]
    fn lines_are_printed_in_order_however_they_come() {
        let (printer, captured) = printer(Terminal::default());
        let mut lines = Lines { printer: &printer, next: [0, 2, 3].into(), held: BTreeMap::new() };
        for (index, printed) in [(2, ""), (0, "零\n二\n"), (3, "零\n二\n三\n")] {
            lines.take(index, ["零", "", "二", "三"][index].to_owned()).unwrap();
            assert_eq!(captured.stdout.text(), printed);
        }
    }

    #[test]
    fn a_summary_leaves_out_what_there_is_none_of() {
        let prompts: Vec<Prompt> = (0..20).map(|index| Prompt { index, id: None, text: "你好".to_owned() }).collect();
        assert_eq!(summary(&prompts, 13, 1), "12 answered, 1 failed, 7 were answered already");
        assert_eq!(summary(&prompts, 20, 0), "20 answered");
    }
}
