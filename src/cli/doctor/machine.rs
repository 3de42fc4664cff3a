//! The machine: the gateway's port and who has it, proxies of the environment, how many files may be open.

use std::time::Duration;

use http::Method;

use crate::cli::doctor::report::Finding;
use crate::cli::failure::Failure;
use crate::cli::remote::{Answer, Remote};
use crate::cli::serve::unable;
use crate::config::env::Env;
use crate::config::proxy::{from_environment, masked};
use crate::config::{Config, Proxy};
use crate::engine::Engine;
use crate::server::{Options, Server};
use crate::transport::via::is_loopback;

const GATEWAY: &str = "gateway";
const PROXY: &str = "proxy";

/// What is on this machine answers at once, or there is something wrong with it.
const GATEWAY_ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// A few thousand streams, each of which takes two.
#[cfg(unix)]
const ENOUGH_FILES: u64 = 8_192;

/// How many files may be open, where that is limited.
#[cfg(unix)]
pub fn look() -> Option<Finding> {
    Some(open_files(rlimit::getrlimit(rlimit::Resource::NOFILE).ok()?))
}

/// Elsewhere nothing limits it.
#[cfg(not(unix))]
pub fn look() -> Option<Finding> {
    None
}

#[cfg(unix)]
fn open_files((soft, hard): (u64, u64)) -> Finding {
    const CHECK: &str = "open files";
    if hard >= ENOUGH_FILES {
        return Finding::ok(CHECK, format!("{soft} at once; `llmgw serve` raises that to {hard}"));
    }
    Finding::warning(CHECK, format!("at most {hard} at once, and a request takes two"))
        .hint("raise the hard limit: `ulimit -Hn`, `LimitNOFILE=` of a systemd unit, `--ulimit nofile=` of a container")
}

/// Whether the gateway of `config` runs, and if not, whether it could.
pub async fn gateway(config: &Config) -> Finding {
    let Ok(remote) = Remote::serving(None, None, Some(config)) else {
        return Finding::ok(GATEWAY, "the system will choose its port");
    };
    let remote = remote.within(GATEWAY_ANSWERS_WITHIN);
    match remote.ask(Method::GET, "/", &[]).await {
        Ok(Ok(answer)) => answered(&remote, &answer),
        Ok(Err(reason)) => could_listen(config).await.map_or_else(
            |failure| Finding {
                hint: failure.hint.clone(),
                ..Finding::failed(GATEWAY, format!("{}; {remote}: {reason}", failure.message))
            },
            |()| Finding::ok(GATEWAY, format!("none runs at {remote}, and one could")),
        ),
        Err(error) => Finding::failed(GATEWAY, format!("{error:#}")),
    }
}

fn answered(remote: &Remote, answer: &Answer) -> Finding {
    const OWN: &str = env!("CARGO_PKG_VERSION");
    let is_gateway = answer.body["name"].as_str() == Some(env!("CARGO_PKG_NAME"));
    match answer.body["version"].as_str() {
        Some(OWN) if is_gateway => Finding::ok(GATEWAY, format!("llmgw {OWN} runs at {remote}")),
        Some(version) if is_gateway => Finding::warning(GATEWAY, format!("llmgw {version} runs at {remote}, and this is {OWN}"))
            .hint("restart it, so that both are the same"),
        _ => Finding::failed(GATEWAY, format!("something else answers at {remote} ({})", answer.status.as_u16()))
            .hint("stop it, or choose another port with `server.port`"),
    }
}

/// Opens the ports and reads the certificate as `llmgw serve` does, and lets go of both.
async fn could_listen(config: &Config) -> Result<(), Failure> {
    let never = Box::new(|| Err(vec!["this engine is for one question".to_owned()]));
    let engine = Engine::start(config.clone(), never).map_err(|error| unable(&error))?;
    Server::bind(engine, Options::from_config(config)).await.map(drop).map_err(|error| unable(&error))
}

/// Which proxies the environment names, and whether they catch what is meant for this machine.
pub fn proxies(environment: &Env, config: &Config) -> Vec<Finding> {
    const VARIABLES: [&str; 3] = ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY"];
    let Proxy::Environment { https, http, no_proxy } = from_environment(environment) else { return Vec::new() };
    if https.is_none() && http.is_none() {
        let is_set = |name: &&str| environment.get_filled(name).or(environment.get_filled(&name.to_lowercase())).is_some();
        let useless = VARIABLES.iter().find(|name| is_set(name));
        let told = useless.map(|name| {
            Finding::warning(PROXY, format!("{name} holds no address of a proxy, and counts as unset"))
                .hint("write it as http://proxy:3128")
        });
        return told.into_iter().collect();
    }
    let shown = |url: &Option<url::Url>| url.as_ref().map_or_else(|| "none".to_owned(), masked);
    let except = no_proxy.as_deref().map_or_else(String::new, |hosts| format!(", except for {hosts}"));
    let mut findings = vec![Finding::ok(PROXY, format!("https through {}, http through {}{except}", shown(&https), shown(&http)))];
    let is_plain = config.server.tls.is_none();
    let caught = if is_plain { http } else { https };
    let own = Remote::serving(None, None, Some(config)).ok();
    let own = own.filter(|remote| is_loopback(remote.base()) && caught.is_some() && !spares_loopback(no_proxy.as_deref()));
    findings.extend(own.map(|remote| {
        Finding::warning(PROXY, format!("many clients would ask the proxy for {remote}, which is this machine"))
            .hint("set NO_PROXY=localhost,127.0.0.1,::1 where they run")
    }));
    findings
}

/// Whether clients that go by `NO_PROXY` reach this machine directly.
fn spares_loopback(no_proxy: Option<&str>) -> bool {
    let mut hosts = no_proxy.unwrap_or_default().split(',').map(str::trim);
    hosts.any(|host| host == "*" || host == "localhost" || host.starts_with("127."))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use super::{answered, proxies};
    use crate::cli::doctor::report::State;
    use crate::cli::remote::{Answer, Remote};
    use crate::config::env::Env;
    use crate::config::load::from_environment;

    fn found(variables: &[(&str, &str)]) -> Vec<(State, String)> {
        let environment = Env::for_tests(variables, ".");
        let found = proxies(&environment, &from_environment(&environment, false));
        found.into_iter().map(|finding| (finding.state, finding.message)).collect()
    }

    #[test]
    fn a_proxy_that_catches_this_machine_is_told() {
        assert!(found(&[]).is_empty());
        let [(State::Ok, shown), (State::Warning, _)] = &found(&[("http_proxy", "http://user:secret@proxy:3128")])[..] else { panic!() };
        assert!(shown.contains("http://user:****@proxy:3128") && !shown.contains("secret"), "{shown}");
        for spared in ["localhost", "10.0.0.0/8, 127.0.0.1", "*"] {
            let states: Vec<State> =
                found(&[("ALL_PROXY", "socks5://p"), ("NO_PROXY", spared)]).into_iter().map(|(state, _)| state).collect();
            assert_eq!(states, [State::Ok], "{spared}");
        }
        // The gateway speaks plain HTTP.
        assert_eq!(found(&[("HTTPS_PROXY", "http://proxy:3128")]).len(), 1);
        assert_eq!(found(&[("HTTPS_PROXY", "ftp://代理")])[0].0, State::Warning);
    }

    #[test]
    fn who_has_the_port_is_told_apart() {
        let remote = Remote::serving(Some("http://127.0.0.1:8000".parse().unwrap()), None, None).unwrap();
        let state = |body| answered(&remote, &Answer { status: StatusCode::OK, body }).state;
        assert_eq!(state(json!({ "name": "llmgw", "version": env!("CARGO_PKG_VERSION") })), State::Ok);
        assert_eq!(state(json!({ "name": "llmgw", "version": "0.0.0" })), State::Warning);
        assert_eq!(state(json!("<html>")), State::Failed);
    }

    #[cfg(unix)]
    #[test]
    fn few_open_files_are_told() {
        assert_eq!(super::open_files((1024, 1 << 20)).state, State::Ok);
        assert_eq!(super::open_files((256, 1024)).state, State::Warning);
    }
}
