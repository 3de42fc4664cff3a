//! `llmgw reload`: tells a running gateway to read its configuration again, or asks what that would change.

use std::convert::Infallible;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use clap::ValueHint;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use url::Url;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::trust::trusting;
use crate::config::proxy::without_secrets;
use crate::config::{Config, Origin, Secret, ServerTls};
use crate::transport::cause::describe;
use crate::transport::tls::pem_error;
use crate::transport::via::is_loopback;

/// A reload reads files and connects to nothing.
const TIMEOUT: Duration = Duration::from_secs(10);

const EXAMPLES: &str = "\
Examples:
  llmgw reload                            the gateway that this configuration describes
  llmgw reload --check                    check the file, and ask what it would change
  llmgw reload --url https://gw.example --key \"$ADMIN_KEY\"";

/// Flags of `llmgw reload`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Where the gateway is [default: from the configuration's host, port and scheme]
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url, value_parser = web_address)]
    pub url: Option<Url>,
    /// Its admin key [default: the configuration's admin.key]
    #[arg(long, value_name = "KEY", value_parser = secret)]
    pub key: Option<Secret>,
    /// Change nothing: check the local file, and ask the gateway what a reload of its own would change
    #[arg(long)]
    pub check: bool,
}

/// Reads an address of the web; says what is missing of one that a browser would complete.
fn web_address(text: &str) -> Result<Url, String> {
    let is_web = |url: &Url| matches!(url.scheme(), "http" | "https") && url.has_host();
    match Url::parse(text) {
        Ok(url) if is_web(&url) => Ok(url),
        _ if !text.contains("://") && Url::parse(&format!("http://{text}")).is_ok_and(|url| is_web(&url)) => {
            Err(format!("it must begin with http:// or https://; try `http://{text}`"))
        }
        Ok(_) => Err("it must begin with http:// or https://".to_owned()),
        Err(error) => Err(format!("{error}; write it as `http://127.0.0.1:8000`")),
    }
}

fn secret(text: &str) -> Result<Secret, Infallible> {
    Ok(Secret::new(text))
}

/// What a gateway answered.
struct Answer {
    status: StatusCode,
    body: Value,
}

/// Runs `llmgw reload`.
pub async fn run(args: Args, context: &Context) -> anyhow::Result<Exit> {
    // Who names a gateway needs no file here, but for its key.
    let config = match context.load(&context.overrides()) {
        Ok(loaded) => Some(loaded.config),
        Err(_) if args.url.is_some() && !args.check => None,
        Err(rejected) => return Err(rejected.into()),
    };
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
    let is_own = args.url.is_none();
    let Some(base) = args.url.or_else(|| config.as_ref().and_then(address)) else {
        return Err(Failure::usage("the configuration names no address that a gateway can be reached at")
            .hint("give one with `--url`")
            .into());
    };
    let key = args.key.or_else(|| config.as_ref()?.admin.key.clone());
    let url = endpoint(&base, args.check);
    let base = without_secrets(&base);
    let own = config.as_ref().and_then(|config| config.server.tls.as_ref()).filter(|_| is_own);
    match post(url, key.as_ref(), own).await? {
        Ok(answer) => show(&answer, context),
        Err(reason) if args.check => {
            context.printer.notice(&format!("no gateway answers at {base}: {reason}"));
            Ok(Exit::Done)
        }
        Err(reason) if own.is_some() && reason.starts_with("tls: ") => Err(Failure::failed(format!("{base} is not trusted: {reason}"))
            .hint("it does not show the certificate of `server.tls`; has it been renewed, SIGHUP makes the gateway read it")
            .into()),
        Err(reason) => Err(Failure::failed(format!("no gateway answers at {base}: {reason}"))
            .hint("start one with `llmgw serve`, or name it with `--url`")
            .into()),
    }
}

/// Where the gateway of this configuration takes administration.
fn address(config: &Config) -> Option<Url> {
    let scheme = if config.server.tls.is_some() { "https" } else { "http" };
    let host = match config.server.host.as_str() {
        "0.0.0.0" => "127.0.0.1".to_owned(),
        "::" | "[::]" => "[::1]".to_owned(),
        host if host.contains(':') && !host.starts_with('[') => format!("[{host}]"),
        host => host.to_owned(),
    };
    let port = config.admin.port.unwrap_or(config.server.port);
    if port == 0 { None } else { Url::parse(&format!("{scheme}://{host}:{port}")).ok() }
}

/// `/reload` below `base`, which may be behind a reverse proxy's path.
fn endpoint(base: &Url, check: bool) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/reload", base.path().trim_end_matches('/')));
    url.set_query(check.then_some("check=true"));
    url
}

/// The inner `Err`: nobody answered, and why. `own`: whose certificate is trusted, beside what the system trusts.
async fn post(url: Url, key: Option<&Secret>, own: Option<&ServerTls>) -> anyhow::Result<Result<Answer, String>> {
    let mut builder = reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none());
    if is_loopback(&url) {
        // A proxy for the way out would be told the admin key.
        builder = builder.no_proxy();
    }
    if let Some(tls) = own {
        // Whoever can read this file is meant to trust it.
        let chain = CertificateDer::pem_file_iter(&tls.cert).and_then(Iterator::collect);
        let chain = chain.map_err(|error| anyhow!("cannot read {}: {}", tls.cert.display(), pem_error(&error)))?;
        builder = builder.tls_backend_preconfigured(trusting(chain)?);
    }
    let client = builder.build().context("cannot make a client")?;
    let mut request = client.post(url).header(CONTENT_TYPE, "application/json").body("{}");
    if let Some(key) = key {
        request = request.bearer_auth(key.expose());
    }
    let response = match request.send().await {
        Ok(response) => response,
        Err(error) => return Ok(Err(describe(&error.without_url()))),
    };
    let status = response.status();
    let text = response.text().await.unwrap_or_default();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Ok(Ok(Answer { status, body }))
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
    let error = &answer.body["error"];
    let message = error["message"].as_str().or(answer.body.as_str()).unwrap_or_default().trim();
    if error["code"] == "invalid_config" {
        let failure =
            Failure { exit: Exit::Usage, ..Failure::failed("the gateway keeps the configuration that it has; its file cannot be used") };
        let diagnostics: Vec<&str> = texts(&error["diagnostics"]).collect();
        return failure.details(if diagnostics.is_empty() { vec![message] } else { diagnostics });
    }
    match answer.status {
        StatusCode::UNAUTHORIZED => Failure::failed("the gateway refuses the key").hint("give its admin key with `--key`"),
        StatusCode::FORBIDDEN => {
            Failure::failed(format!("the gateway refuses: {message}")).hint("set `admin.key`, and give it with `--key`")
        }
        StatusCode::NOT_FOUND => {
            Failure::failed("no gateway is administered at this address").hint("check `--url`, and whether `admin.port` is set")
        }
        status => Failure::failed(format!("the gateway answered {status}: {message}")),
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;
    use url::Url;

    use super::{Answer, Exit, endpoint, post, refused, web_address};

    #[test]
    fn a_gateway_behind_a_path_is_reached() {
        let url = |text: &str, check| endpoint(&Url::parse(text).unwrap(), check).to_string();
        assert_eq!(url("http://127.0.0.1:8000", false), "http://127.0.0.1:8000/reload");
        assert_eq!(url("https://gw.example/llm/", true), "https://gw.example/llm/reload?check=true");
    }

    #[test]
    fn an_address_without_a_scheme_is_told_apart() {
        assert!(web_address("http://127.0.0.1:8124").is_ok());
        for text in ["127.0.0.1:8124", "localhost:8124", "gw.example"] {
            assert!(web_address(text).unwrap_err().contains(&format!("try `http://{text}`")), "{text}");
        }
        for text in ["ftp://gw.example", "not a url"] {
            assert!(!web_address(text).unwrap_err().contains("try"), "{text}");
        }
    }

    #[tokio::test]
    async fn who_is_not_there_is_told_in_two_words() {
        // Fails only when another test was first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let answer = post(Url::parse(&format!("http://127.0.0.1:{port}")).unwrap(), None, None).await.unwrap();
        assert_eq!(answer.err().as_deref(), Some("connection refused"));
    }

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
