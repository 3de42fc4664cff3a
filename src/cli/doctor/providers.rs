//! Providers: whether each can be reached, which way, and whether it takes the key; and whether the clock is theirs.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt;
use futures_util::stream;
use http::StatusCode;

use crate::cli::doctor::report::Finding;
use crate::cli::inquiry::{Trouble, inquire};
use crate::cli::recorded::duration;
use crate::config::proxy::masked;
use crate::config::{Config, Provider, ProviderKind, Proxy};
use crate::engine::discover::{Inquiry, Silence};
use crate::providers::ProviderError;
use crate::transport::TransportError;
use crate::transport::via::{HttpProxy, Via, is_loopback};

const CHECK: &str = "provider";

/// Inquiries at once.
const AT_ONCE: usize = 16;

/// More than a request on its way takes; less disturbs nobody.
const CLOCK_MAY_DIFFER: Duration = Duration::from_secs(60);

/// More than this, and signatures of AWS are refused.
const CLOCK_MUST_NOT_DIFFER: Duration = Duration::from_secs(300);

/// One key of one provider, or a provider that has none.
struct Account {
    /// The provider's name, and which of its keys if there are several.
    name: String,
    provider: Provider,
}

/// What became of one inquiry.
struct Asked {
    finding: Finding,
    /// How far this machine's clock is ahead of or behind the provider's.
    skew: Option<Duration>,
}

/// What there is to say of the enabled providers of `config`. Each may take `limit`; all are asked at once.
pub async fn look(config: &Config, limit: Duration) -> Vec<Finding> {
    let accounts = config.providers.iter().filter(|provider| provider.enabled).flat_map(accounts);
    let asked = stream::iter(accounts).map(async |account| ask(account, limit).await).buffered(AT_ONCE);
    let asked: Vec<Asked> = asked.collect().await;
    // One server whose own clock is wrong says nothing of this one.
    let skew = asked.iter().filter_map(|asked| asked.skew).min();
    asked.into_iter().map(|asked| asked.finding).chain(skew.map(clock)).collect()
}

/// One for each key, so that one that is refused does not hide behind another.
fn accounts(provider: &Provider) -> Vec<Account> {
    let number = provider.api_keys.len();
    if number < 2 {
        return vec![Account { name: provider.name.to_string(), provider: provider.clone() }];
    }
    let account = |(key, place)| Account {
        name: format!("{}, key {place} of {number}", provider.name),
        provider: Provider { api_keys: vec![key], ..provider.clone() },
    };
    provider.api_keys.iter().cloned().zip(1..).map(account).collect()
}

async fn ask(Account { name, provider }: Account, limit: Duration) -> Asked {
    if matches!(provider.kind, ProviderKind::Mock(_)) {
        return Asked { finding: Finding::ok(CHECK, format!("{name}: built in")), skew: None };
    }
    match inquire(provider.clone(), limit).await {
        Ok(inquiry) => {
            let now = SystemTime::now();
            let skew = inquiry.date.map(|theirs| now.duration_since(theirs).unwrap_or_else(|behind| behind.duration()));
            Asked { finding: judge(&name, &provider, &inquiry), skew }
        }
        Err(trouble) => Asked { finding: missing(&name, &provider, &trouble), skew: None },
    }
}

/// It answered.
fn judge(name: &str, provider: &Provider, inquiry: &Inquiry) -> Finding {
    let models = match &inquiry.models {
        Ok(models) => models,
        Err(reason) => return refused(name, provider, inquiry.status, reason),
    };
    let takes = if provider.api_keys.is_empty() { "it answers" } else { "it takes the key" };
    let mut message = format!("{name}: {takes}; models: {}", models.len());
    if let Some(made) = inquiry.handshake {
        message += &format!("; connected in {}", duration(made.tcp));
        message += &made.tls.map_or_else(String::new, |tls| format!(", TLS in {}", duration(tls)));
    }
    message += &way(provider).map_or_else(String::new, |proxy| format!(", through {proxy}"));
    let is_missing = |model: &&Arc<str>| !models.is_empty() && !models.contains(model);
    match provider.default_model.as_ref().filter(is_missing) {
        Some(model) => Finding::warning(CHECK, format!("{message}; `{model}`, its default_model, is not among them"))
            .hint(format!("`llmgw test --provider {}` asks it for real", provider.name)),
        None => Finding::ok(CHECK, message),
    }
}

fn refused(name: &str, provider: &Provider, status: StatusCode, reason: &str) -> Finding {
    let message = format!("{name}: {reason}");
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if provider.api_keys.is_empty() => {
            Finding::failed(CHECK, message).hint("it wants a key: set `api_key` of this provider")
        }
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            Finding::failed(CHECK, message).hint("it refuses the key: check `api_key`, and whether it is for this address")
        }
        StatusCode::PROXY_AUTHENTICATION_REQUIRED => {
            Finding::failed(CHECK, message).hint("the proxy wants a login: http://user:password@proxy")
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Finding::warning(CHECK, message).hint(format!(
            "not every provider lists its models; check `base_url`, or list `models`, and try `llmgw test --provider {}`",
            provider.name
        )),
        StatusCode::TOO_MANY_REQUESTS => Finding::warning(CHECK, message).hint("it is asked too often at present"),
        _ => Finding::failed(CHECK, message).hint("check `base_url`; if that is right, the trouble is at the other end"),
    }
}

/// It did not answer.
fn missing(name: &str, provider: &Provider, trouble: &Trouble) -> Finding {
    let finding = Finding::failed(CHECK, format!("{name}: {trouble}"));
    let host = provider.base_url.host_str().unwrap_or_default();
    match trouble {
        Trouble::Setup(_) => finding,
        Trouble::Silent(Silence::Unlisted(_)) => Finding::ok(CHECK, format!("{name}: not asked, for it has no list of models"))
            .hint(format!("`llmgw test --provider {}` asks it for real", provider.name)),
        Trouble::Silent(Silence::Unsigned(ProviderError::Login { refused: true, .. })) => {
            finding.hint("check `username` and `password` of its `auth`")
        }
        Trouble::Silent(Silence::Unsigned(_)) => finding.hint("check its `auth`, and whether `auth.url` can be reached from here"),
        Trouble::Silent(Silence::Unanswered(TransportError::Connect(words))) => finding.hint(way_out(words, host, provider)),
        Trouble::Silent(Silence::Unanswered(TransportError::ConnectTimeout(_))) | Trouble::Late(_) => match way(provider) {
            Some(proxy) => finding.hint(format!("the way is through {proxy}; does that let {host} through?")),
            None => finding.hint(format!("does a firewall keep {host} away? Where a proxy is needed, set `proxy` or HTTPS_PROXY")),
        },
        Trouble::Silent(Silence::Unanswered(_)) => {
            finding.hint(format!("what is at {host} does not speak HTTP as it should; check `base_url`"))
        }
    }
}

/// By the step at which connecting failed.
fn way_out(words: &str, host: &str, provider: &Provider) -> String {
    if let Some(proxy) = way(provider).filter(|_| words.starts_with("proxy: ")) {
        return format!("check {proxy}, which `proxy` or the environment names");
    }
    if words.starts_with("dns: ") {
        return format!("nothing here knows the name {host}: check `base_url` and the network");
    }
    if words.contains("UnknownIssuer") {
        return "nobody here trusts its certificate: name the authority's with `tls.ca`; proxies that look into TLS have one of their own"
            .to_owned();
    }
    if words.contains("Expired") || words.contains("NotValidYet") {
        return "its certificate is for another time: check this machine's clock".to_owned();
    }
    if words.starts_with("tls: ") {
        return format!("what is at {host} does not speak TLS as it should; check `base_url` (http or https?)");
    }
    match is_loopback(&provider.base_url) {
        true => format!("is it running? Nothing listens at {}", masked(&provider.base_url)),
        false => format!("check `base_url`, and whether a firewall keeps {host} away"),
    }
}

/// The proxy on the way to it, without its password.
fn way(provider: &Provider) -> Option<String> {
    match Via::decide(&provider.proxy, &provider.base_url).ok()? {
        Via::Direct => None,
        Via::Forward(HttpProxy { proxy, .. }) | Via::Tunnel(HttpProxy { proxy, .. }) | Via::Socks { proxy, .. } => {
            let source = if matches!(provider.proxy, Proxy::Environment { .. }) { " (of the environment)" } else { "" };
            Some(format!("{}{source}", proxy.to_string().trim_end_matches('/')))
        }
    }
}

fn clock(skew: Duration) -> Finding {
    const CHECK: &str = "clock";
    let seconds = skew.as_secs();
    let message = format!("it differs from the providers' by {seconds} s");
    match skew {
        small if small <= CLOCK_MAY_DIFFER => Finding::ok(CHECK, message),
        some if some <= CLOCK_MUST_NOT_DIFFER => Finding::warning(CHECK, message).hint("set this machine's clock by NTP"),
        _ => Finding::failed(CHECK, message).hint("set this machine's clock by NTP: certificates and signatures depend on it"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use http::StatusCode;

    use super::{accounts, clock, judge, missing};
    use crate::cli::doctor::report::{Finding, State};
    use crate::cli::inquiry::Trouble;
    use crate::config::{Provider, Proxy, Secret};
    use crate::engine::discover::{Inquiry, Silence};
    use crate::transport::{Handshake, TransportError};

    fn provider() -> Provider {
        let base_url = "https://api.example/v1".parse().unwrap();
        Provider { api_keys: vec![Secret::new("sk-0123456789abcdef")], ..Provider::new("深度", base_url) }
    }

    fn answered(status: StatusCode, models: Result<&[&str], &str>) -> Inquiry {
        let models = models.map(|models| models.iter().map(|model| Arc::from(*model)).collect()).map_err(str::to_owned);
        let handshake = Handshake { tcp: Duration::from_millis(40), tls: Some(Duration::from_millis(85)) };
        Inquiry { models, status, date: None, handshake: Some(handshake) }
    }

    #[test]
    fn a_good_answer_tells_the_way_it_took() {
        let proxy = Proxy::Through("http://user:secret@proxy:3128".parse().unwrap());
        let provider = Provider { proxy, default_model: Some("a".into()), ..provider() };
        let finding = judge("深度", &provider, &answered(StatusCode::OK, Ok(&["a", "b"])));
        let expected = "深度: it takes the key; models: 2; connected in 40.0 ms, TLS in 85.0 ms, through http://proxy:3128";
        assert_eq!(finding, Finding::ok("provider", expected));
        let finding = judge("深度", &provider, &answered(StatusCode::OK, Ok(&["b"])));
        assert!(finding.state == State::Warning && finding.message.contains("`a`"), "{finding:?}");
    }

    #[test]
    fn a_refusal_has_a_way_out() {
        let found = |status, provider: &Provider| judge("a", provider, &answered(status, Err("no")));
        let keyless = Provider { api_keys: Vec::new(), ..provider() };
        for (status, provider, state, hint) in [
            (StatusCode::UNAUTHORIZED, &provider(), State::Failed, "check `api_key`"),
            (StatusCode::UNAUTHORIZED, &keyless, State::Failed, "set `api_key`"),
            (StatusCode::NOT_FOUND, &provider(), State::Warning, "base_url"),
            (StatusCode::TOO_MANY_REQUESTS, &provider(), State::Warning, "too often"),
            (StatusCode::BAD_GATEWAY, &provider(), State::Failed, "the other end"),
            (StatusCode::OK, &provider(), State::Failed, "base_url"),
        ] {
            let finding = found(status, provider);
            assert_eq!(finding.state, state, "{status}");
            assert!(finding.hint.as_deref().is_some_and(|found| found.contains(hint)), "{status}: {finding:?}");
        }
    }

    #[test]
    fn each_step_of_the_way_has_a_way_out_of_its_own() {
        let behind = Provider { proxy: Proxy::Through("http://proxy:3128".parse().unwrap()), ..provider() };
        let local = Provider::new("local", "http://localhost:11434/v1".parse().unwrap());
        let silence = |words: &str| Trouble::Silent(Silence::Unanswered(TransportError::Connect(words.to_owned())));
        for (provider, words, hint) in [
            (&provider(), "dns: not found", "the name api.example"),
            (&behind, "proxy: connection refused", "check http://proxy:3128"),
            (&provider(), "tls: invalid peer certificate: UnknownIssuer", "tls.ca"),
            (&provider(), "tls: invalid peer certificate: Expired", "clock"),
            (&provider(), "tls: corrupt message", "http or https"),
            (&provider(), "connection refused", "firewall"),
            (&local, "connection refused", "is it running?"),
        ] {
            let finding = missing("a", provider, &silence(words));
            assert!(finding.hint.as_deref().is_some_and(|found| found.contains(hint)), "{words}: {finding:?}");
            assert_eq!(finding.state, State::Failed);
        }
        assert!(missing("a", &behind, &Trouble::Late(Duration::from_secs(1))).hint.unwrap().contains("http://proxy:3128"));
    }

    #[test]
    fn each_key_is_asked_with_by_itself() {
        let provider = Provider { api_keys: ["a", "b"].map(Secret::new).to_vec(), ..provider() };
        let accounts = accounts(&provider);
        let told: Vec<(&str, usize)> = accounts.iter().map(|one| (one.name.as_str(), one.provider.api_keys.len())).collect();
        assert_eq!(told, [("深度, key 1 of 2", 1), ("深度, key 2 of 2", 1)]);
    }

    #[test]
    fn clocks_may_differ_a_little() {
        let states = [0, 60, 61, 301].map(|seconds| clock(Duration::from_secs(seconds)).state);
        assert_eq!(states, [State::Ok, State::Ok, State::Warning, State::Failed]);
    }
}
