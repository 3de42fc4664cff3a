//! `llmgw reload`: tells a running gateway to read its configuration again, or asks what that would change.

use http::Method;
use serde_json::Value;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::remote::{Administered, Answer};
use crate::config::{Config, Origin};

const EXAMPLES: &str = "\
Examples:
  llmgw reload                            the gateway that this configuration describes
  llmgw reload --check                    check the file, and ask what it would change
  llmgw reload --url https://gw.example --key \"$ADMIN_KEY\"";

/// Flags of `llmgw reload`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which gateway.
    #[command(flatten)]
    pub gateway: Administered,
    /// Change nothing: check the local file, and ask the gateway what a reload of its own would change
    #[arg(long)]
    pub check: bool,
}

/// Runs `llmgw reload`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    let config = if args.check { Some(context.load(&context.overrides())?.config) } else { args.gateway.config(context)? };
    if let Some(config) = config.as_ref().filter(|_| args.check) {
        tell_checked(config, context)?;
    }
    ask(args, config, context).await
}

fn tell_checked(config: &Config, context: &Context) -> anyhow::Result<()> {
    match &config.origin {
        Origin::File { path, .. } => context.printer.line(&format!("{}: ok", path.display()))?,
        _ => context.printer.notice("no configuration file here"),
    }
    Ok(())
}

async fn ask(args: Args, config: Option<Config>, context: &Context) -> anyhow::Result<Exit> {
    let remote = args.gateway.find(config.as_ref())?;
    let query: &[(&str, &str)] = if args.check { &[("check", "true")] } else { &[] };
    match remote.ask(Method::POST, "/reload", query).await? {
        Ok(answer) => show(&answer, context),
        Err(reason) if args.check => {
            context.printer.notice(&format!("no gateway answers at {remote}: {reason}"));
            Ok(Exit::Done)
        }
        Err(reason) => Err(remote.absent(&reason).into()),
    }
}

fn show(answer: &Answer, context: &Context) -> anyhow::Result<Exit> {
    if !answer.status.is_success() {
        return Err(refused(answer).into());
    }
    let printer = &context.printer;
    printer.line(answer.body["message"].as_str().unwrap_or("reloaded"))?;
    for changed in texts(&answer.body["changed"]) {
        printer.line(&format!("changed: {changed}"))?;
    }
    for key in texts(&answer.body["restart_required"]) {
        printer.line(&format!("needs a restart: {key}"))?;
    }
    Ok(Exit::Done)
}

fn refused(answer: &Answer) -> Failure {
    if answer.body["error"]["code"] != "invalid_config" {
        return answer.refused();
    }
    let failure =
        Failure { exit: Exit::Usage, ..Failure::failed("the gateway keeps the configuration that it has; its file cannot be used") };
    let diagnostics: Vec<&str> = texts(&answer.body["error"]["diagnostics"]).collect();
    failure.details(if diagnostics.is_empty() { vec![answer.message()] } else { diagnostics })
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::{Answer, Exit, refused};

    #[test]
    fn a_bad_file_on_the_other_side_is_told_line_by_line() {
        let body = json!({"error": {"code": "invalid_config", "message": "a", "diagnostics": ["llmgw.yaml:1:1: a", "llmgw.yaml:2:1: b"]}});
        let failure = refused(&Answer { status: StatusCode::BAD_REQUEST, body });
        assert_eq!((failure.exit, failure.details.len()), (Exit::Usage, 2));
        let failure = refused(&Answer { status: StatusCode::UNAUTHORIZED, body: json!(null) });
        assert_eq!(failure.exit, Exit::Failed);
        assert!(failure.hint.is_some());
    }
}
