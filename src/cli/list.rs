//! `llmgw list`: every model that can be asked for, one row a route.

use serde::Serialize;

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::rows::{self, Format, Row};
use crate::cli::table::Tone;
use crate::config::presets::{self, Preset};
use crate::config::{Price, Provider, ProviderKind};
use crate::engine::{Engine, ModelRow};

const EXAMPLES: &str = "\
Examples:
  llmgw list                           every route of every model
  llmgw list --provider deepseek       only what this provider answers
  llmgw list --discover                ask providers for their models first
  llmgw list --format names | sort     for scripts
  llmgw list --presets                 the providers that llmgw knows by name";

/// Flags of `llmgw list`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Only routes to this provider
    #[arg(long, value_name = "PROVIDER", add = complete::providers())]
    pub provider: Option<String>,
    /// How to show them
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// Ask providers that list no models in the configuration for theirs
    #[arg(long)]
    pub discover: bool,
    /// Show the presets that a provider can be made from, instead of models
    #[arg(long, conflicts_with_all = ["provider", "discover"])]
    pub presets: bool,
}

/// Runs `llmgw list`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let terminal = context.printer.terminal();
    if args.presets {
        let rows: Vec<PresetRow> = presets::all().iter().map(PresetRow::from).collect();
        context.printer.print(&rows::rendered(&rows, args.format, terminal)?)?;
        return Ok(Exit::Done);
    }
    let engine = context.engine_for_use().await?;
    if let Some(provider) = &args.provider {
        check_provider(&engine, provider)?;
    }
    let exit = if args.discover { discover(&engine, context).await } else { Exit::Done };
    let mut rows = engine.models();
    rows.retain(|row| args.provider.as_ref().is_none_or(|provider| row.provider == *provider));
    let rows: Vec<RouteRow> = rows.into_iter().map(RouteRow::from).collect();
    context.printer.print(&rows::rendered(&rows, args.format, terminal)?)?;
    if !args.discover {
        tell_undiscovered(&engine, context, args.provider.as_deref());
    }
    Ok(exit)
}

/// Refuses a provider that is not configured; names the nearest.
pub fn check_provider(engine: &Engine, name: &str) -> Result<(), Failure> {
    let snapshot = engine.snapshot();
    let names = snapshot.config.providers.iter().map(|provider| &*provider.name);
    if names.clone().any(|known| known == name) { Ok(()) } else { Err(Failure::unknown("provider", name, names)) }
}

async fn discover(engine: &Engine, context: &Context) -> Exit {
    let spinner = context.printer.spinner("asking providers for their models");
    let failed = engine.discover().await;
    spinner.finish_and_clear();
    for (provider, reason) in &failed {
        context.printer.warning(&format!("models of `{provider}` cannot be listed: {reason}"));
    }
    if failed.is_empty() { Exit::Done } else { Exit::Failed }
}

fn tell_undiscovered(engine: &Engine, context: &Context, only: Option<&str>) {
    let snapshot = engine.snapshot();
    let rows = engine.models();
    let known = |name: &str| rows.iter().any(|row| row.provider == name && row.source == "discovered");
    let asks = |provider: &&Provider| provider.enabled && provider.models.is_none() && !matches!(provider.kind, ProviderKind::Mock(_));
    let unknown = snapshot.config.providers.iter().filter(asks);
    let names: Vec<&str> =
        unknown.map(|provider| &*provider.name).filter(|name| only.is_none_or(|only| only == *name) && !known(name)).collect();
    if !names.is_empty() {
        context.printer.notice(&format!("models of {} are not known yet; `--discover` asks for them", names.join(", ")));
    }
}

#[derive(Serialize)]
struct RouteRow {
    name: String,
    provider: String,
    upstream_model: String,
    priority: u32,
    enabled: bool,
    context_window: Option<u64>,
    price: Option<Price>,
    state: String,
}

impl From<ModelRow> for RouteRow {
    fn from(row: ModelRow) -> RouteRow {
        RouteRow {
            name: row.name,
            provider: row.provider,
            upstream_model: row.upstream_model,
            priority: row.priority,
            enabled: row.enabled,
            context_window: row.context_window,
            price: row.price,
            state: row.state,
        }
    }
}

impl Row for RouteRow {
    const HEADERS: &'static [&'static str] =
        &["name", "provider", "upstream_model", "priority", "enabled", "context_window", "price", "state"];

    fn name(&self) -> &str {
        &self.name
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.clone(),
            self.provider.clone(),
            self.upstream_model.clone(),
            self.priority.to_string(),
            if self.enabled { "yes" } else { "no" }.to_owned(),
            self.context_window.map_or_else(String::new, |tokens| tokens.to_string()),
            self.price.map_or_else(String::new, price),
            self.state.clone(),
        ]
    }

    fn tone(&self) -> Tone {
        match self.state.as_str() {
            _ if !self.enabled => Tone::Faint,
            state if state.starts_with("cooling") => Tone::Bad,
            _ => Tone::Plain,
        }
    }
}

/// Dollars per million tokens: of the prompt, then of the answer.
pub fn price(price: Price) -> String {
    format!("${}/${}", price.input, price.output)
}

#[derive(Serialize)]
struct PresetRow {
    name: &'static str,
    title: &'static str,
    aliases: &'static [String],
    base_url: &'static str,
    default_model: Option<&'static str>,
    env: &'static [String],
    r#type: &'static str,
}

impl From<&'static Preset> for PresetRow {
    fn from(preset: &'static Preset) -> PresetRow {
        PresetRow {
            name: &preset.name,
            title: &preset.title,
            aliases: &preset.aliases,
            base_url: &preset.base_url,
            default_model: preset.default_model.as_deref(),
            env: &preset.env,
            r#type: preset.kind.word(),
        }
    }
}

impl Row for PresetRow {
    const HEADERS: &'static [&'static str] = &["name", "title", "aliases", "base_url", "default_model", "env", "type"];
    const SPARE: &'static [&'static str] = &["base_url", "title", "aliases"];

    fn name(&self) -> &str {
        self.name
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.name.to_owned(),
            self.title.to_owned(),
            self.aliases.join(" "),
            self.base_url.to_owned(),
            self.default_model.unwrap_or_default().to_owned(),
            self.env.join(" "),
            self.r#type.to_owned(),
        ]
    }
}
