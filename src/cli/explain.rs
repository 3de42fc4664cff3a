//! `llmgw explain`: which upstreams would be tried for a model, in which order, and why.

use clap::ValueEnum;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::list::price;
use crate::cli::output::Terminal;
use crate::cli::table::{Table, Tone};
use crate::engine::Explanation;
use crate::engine::report::ExplainedRoute;

const EXAMPLES: &str = "\
Examples:
  llmgw explain gpt-4
  llmgw explain auto --format json";

/// Flags of `llmgw explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The name as a request would have it
    #[arg(value_name = "MODEL")]
    pub model: String,
    /// How to show the plan
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
}

/// How a plan is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Table,
    /// An object
    Json,
}

/// Runs `llmgw explain`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let engine = context.engine_for_use().await?;
    let explanation = engine.explain(&args.model).await.map_err(Failure::from)?;
    let text = match args.format {
        Format::Table => shown(&explanation, context.printer.terminal()),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&explanation)?),
    };
    context.printer.print(&text)?;
    Ok(Exit::Done)
}

fn shown(explanation: &Explanation, terminal: &Terminal) -> String {
    let attempts = match explanation.max_attempts {
        0 => "each route once".to_owned(),
        1 => "1 attempt".to_owned(),
        number => format!("at most {number} attempts"),
    };
    let mut table = Table::new(["#", "VIA", "PROVIDER", "UPSTREAM MODEL", "PRIORITY", "WEIGHT", "PRICE", "NOTE"], terminal);
    for (position, route) in explanation.candidates.iter().enumerate() {
        table.row(cells((position + 1).to_string(), route), Tone::Plain);
    }
    for route in &explanation.skipped {
        table.row(cells("skipped".to_owned(), route), Tone::Faint);
    }
    format!("{}: {}; {attempts}\n{table}\n", explanation.model, explanation.resolved_by)
}

fn cells(position: String, route: &ExplainedRoute) -> [String; 8] {
    [
        position,
        route.via.clone(),
        route.provider.clone(),
        route.upstream_model.clone(),
        route.priority.to_string(),
        route.weight.to_string(),
        route.price.map_or_else(String::new, price),
        route.note.clone().unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::{Explanation, shown};
    use crate::cli::output::Terminal;
    use crate::engine::report::ExplainedRoute;

    #[test]
    fn candidates_are_numbered_and_skipped_ones_say_why() {
        let route = |provider: &str, note: Option<&str>| ExplainedRoute {
            via: "gpt-4".to_owned(),
            provider: provider.to_owned(),
            upstream_model: "gpt-4o".to_owned(),
            priority: 1,
            weight: 1,
            price: None,
            note: note.map(str::to_owned),
        };
        let explanation = Explanation {
            model: "gpt-4".to_owned(),
            resolved_by: "models entry".to_owned(),
            candidates: vec![route("openai", None)],
            skipped: vec![route("azure", Some("cooling 7.2s"))],
            max_attempts: 3,
        };
        let text = shown(&explanation, &Terminal::default());
        assert!(text.starts_with("gpt-4: models entry; at most 3 attempts\n"), "{text}");
        assert!(text.lines().any(|line| line.contains("| 1 ") && line.contains("openai")), "{text}");
        assert!(text.lines().any(|line| line.contains("skipped") && line.contains("cooling 7.2s")), "{text}");
    }
}
