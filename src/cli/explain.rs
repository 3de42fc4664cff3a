//! `llmgw explain`: which upstreams would be tried for a model, in which order, and why; here, or at a running gateway.

use clap::{ValueEnum, ValueHint};
use http::{Method, StatusCode};
use url::Url;

use crate::cli::complete;
use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::list::price;
use crate::cli::output::Terminal;
use crate::cli::remote::{Answer, Remote, secret, web_address};
use crate::cli::table::{Table, Tone};
use crate::config::Secret;
use crate::engine::report::ExplainedRoute;
use crate::engine::{Explanation, LiveState};

const EXAMPLES: &str = "\
Examples:
  llmgw explain gpt-4
  llmgw explain auto --format json
  llmgw explain gpt-4 --url               as the running gateway stands now
  llmgw explain gpt-4 --url https://gw.example --key \"$ADMIN_KEY\"";

/// Flags of `llmgw explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The name as a request would have it
    #[arg(value_name = "MODEL", add = complete::models())]
    pub model: String,
    /// Ask a running gateway, and show how its upstreams stand [without URL: from the configuration's host, port and scheme]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Option<Url>>,
    /// The gateway's admin key [default: the configuration's admin.key]
    #[arg(long, value_name = "KEY", requires = "url", value_parser = secret)]
    pub key: Option<Secret>,
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
    let explanation = match args.url {
        Some(url) => ask(&args.model, url, args.key, context).await?,
        None => {
            let engine = context.engine_for_use().await?;
            without_state(engine.explain(&args.model).await.map_err(Failure::from)?)
        }
    };
    let text = match args.format {
        Format::Table => shown(&explanation, context.printer.terminal()),
        Format::Json => format!("{}\n", serde_json::to_string_pretty(&explanation)?),
    };
    context.printer.print(&text)?;
    Ok(Exit::Done)
}

/// The plan of the gateway at `url`, else of the one that the configuration describes.
async fn ask(model: &str, url: Option<Url>, key: Option<Secret>, context: &Context) -> anyhow::Result<Explanation> {
    // Who names a gateway needs no file here, but for its key.
    let config = match context.load(&context.overrides()) {
        Ok(loaded) => Some(loaded.config),
        Err(_) if url.is_some() => None,
        Err(rejected) => return Err(rejected.into()),
    };
    let remote = Remote::find(url, key, config.as_ref())?;
    let answer = remote.ask(Method::GET, "/admin/api/explain", &[("model", model)]).await?;
    Ok(understood(answer.map_err(|reason| remote.absent(&reason))?)?)
}

fn understood(answer: Answer) -> Result<Explanation, Failure> {
    if answer.status == StatusCode::NOT_FOUND && answer.body["error"]["code"] == "model_not_found" {
        return Err(Failure::usage(answer.message()).hint("`GET /v1/models` of the gateway lists every model that can be asked for"));
    }
    if !answer.status.is_success() {
        return Err(answer.refused());
    }
    serde_json::from_value(answer.body)
        .map_err(|_| Failure::failed("what answers there is no gateway of this kind: it knows no plans").hint("check `--url`"))
}

/// What this process has seen of its upstreams says nothing: it has asked none.
pub fn without_state(mut explanation: Explanation) -> Explanation {
    explanation.candidates.iter_mut().chain(&mut explanation.skipped).for_each(|route| route.live = None);
    explanation
}

/// For people.
pub fn shown(explanation: &Explanation, terminal: &Terminal) -> String {
    let attempts = match explanation.max_attempts {
        0 => "each route once".to_owned(),
        1 => "1 attempt".to_owned(),
        number => format!("at most {number} attempts"),
    };
    let is_live = explanation.candidates.iter().chain(&explanation.skipped).any(|route| route.live.is_some());
    let headers = ["#", "VIA", "PROVIDER", "UPSTREAM MODEL", "PRIORITY", "WEIGHT", "PRICE"];
    let headers = headers.into_iter().chain(is_live.then_some("STATE")).chain(["NOTE"]);
    let mut table = Table::new(headers, terminal);
    for (position, route) in explanation.candidates.iter().enumerate() {
        table.row(cells((position + 1).to_string(), route, is_live), Tone::Plain);
    }
    for route in &explanation.skipped {
        table.row(cells("skipped".to_owned(), route, is_live), Tone::Faint);
    }
    format!("{}: {}; {attempts}\n{table}\n", explanation.model, explanation.resolved_by)
}

fn cells(position: String, route: &ExplainedRoute, is_live: bool) -> Vec<String> {
    let mut cells = vec![
        position,
        route.via.clone(),
        route.provider.clone(),
        route.upstream_model.clone(),
        route.priority.to_string(),
        route.weight.to_string(),
        route.price.map_or_else(String::new, price),
    ];
    if is_live {
        cells.push(route.live.as_ref().map_or_else(String::new, state));
    }
    cells.push(route.note.clone().unwrap_or_default());
    cells
}

/// Such as `cooling 7.2 s, failures 3/3, in flight 2/100`.
fn state(live: &LiveState) -> String {
    let of = |limit: Option<u32>| limit.map_or_else(String::new, |limit| format!("/{limit}"));
    let mut state = live.state.clone();
    if live.cooldown_left_seconds > 0.0 {
        state += &format!(" {:.1} s", live.cooldown_left_seconds);
    }
    if live.failures > 0 {
        state += &format!(", failures {}{}", live.failures, of(live.failures_allowed));
    }
    if live.provider_failures > 0 {
        state += &format!(", provider failures {}{}", live.provider_failures, of(live.failures_allowed));
    }
    if live.in_flight > 0 {
        state += &format!(", in flight {}{}", live.in_flight, of(live.max_in_flight));
    }
    state
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::{Answer, Exit, Explanation, LiveState, shown, state, understood, without_state};
    use crate::cli::output::Terminal;
    use crate::engine::report::ExplainedRoute;

    const CLOSED: LiveState = LiveState {
        state: String::new(),
        cooldown_left_seconds: 0.0,
        failures: 0,
        provider_failures: 0,
        failures_allowed: Some(3),
        in_flight: 0,
        max_in_flight: None,
    };

    fn explanation() -> Explanation {
        let route = |provider: &str, note: Option<&str>| ExplainedRoute {
            via: "gpt-4".to_owned(),
            provider: provider.to_owned(),
            upstream_model: "gpt-4o".to_owned(),
            priority: 1,
            weight: 1,
            price: None,
            speaks: vec!["openai_chat".to_owned()],
            live: Some(LiveState { state: "closed".to_owned(), ..CLOSED }),
            note: note.map(str::to_owned),
        };
        Explanation {
            model: "gpt-4".to_owned(),
            resolved_by: "models entry".to_owned(),
            candidates: vec![route("openai", None)],
            skipped: vec![route("azure", Some("cooling 7.2s"))],
            max_attempts: 3,
        }
    }

    #[test]
    fn candidates_are_numbered_and_skipped_ones_say_why() {
        let text = shown(&explanation(), &Terminal::default());
        assert!(text.starts_with("gpt-4: models entry; at most 3 attempts\n"), "{text}");
        assert!(text.lines().any(|line| line.contains("| 1 ") && line.contains("openai")), "{text}");
        assert!(text.lines().any(|line| line.contains("skipped") && line.contains("cooling 7.2s")), "{text}");
    }

    #[test]
    fn a_state_is_shown_where_it_is_known() {
        assert!(shown(&explanation(), &Terminal::default()).contains("STATE"));
        assert!(!shown(&without_state(explanation()), &Terminal::default()).contains("STATE"));
    }

    #[test]
    fn a_state_tells_what_there_is_to_tell() {
        let live = |word: &str| LiveState { state: word.to_owned(), ..CLOSED };
        assert_eq!(state(&live("closed")), "closed");
        assert_eq!(
            state(&LiveState { failures: 2, in_flight: 3, max_in_flight: Some(100), ..live("closed") }),
            "closed, failures 2/3, in flight 3/100"
        );
        let cooling = LiveState { cooldown_left_seconds: 7.23, provider_failures: 3, ..live("cooling") };
        assert_eq!(state(&cooling), "cooling 7.2 s, provider failures 3/3");
        assert_eq!(
            state(&LiveState { failures: 5, failures_allowed: None, in_flight: 1, ..live("probing") }),
            "probing, failures 5, in flight 1"
        );
    }

    #[test]
    fn an_answer_is_a_plan_or_says_why_not() {
        let answer = |status, body| understood(Answer { status, body });
        let plan = serde_json::to_value(explanation()).unwrap();
        assert_eq!(answer(StatusCode::OK, plan).unwrap().candidates[0].live.as_ref().unwrap().state, "closed");
        let unknown = json!({ "error": { "code": "model_not_found", "message": "没有" } });
        let failure = answer(StatusCode::NOT_FOUND, unknown).unwrap_err();
        assert_eq!((failure.exit, failure.message.as_str()), (Exit::Usage, "没有"));
        for (status, body) in [(StatusCode::OK, json!("<html>")), (StatusCode::OK, json!({})), (StatusCode::NOT_FOUND, json!("Not Found"))]
        {
            let failure = answer(status, body).unwrap_err();
            assert_eq!((failure.exit, failure.hint.is_some_and(|hint| hint.contains("--url"))), (Exit::Failed, true), "{status}");
        }
    }
}
