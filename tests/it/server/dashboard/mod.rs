//! The dashboard as a browser and as a script see it.

mod acts;
mod live;
mod pages;
mod signing_in;

use std::net::SocketAddr;

use super::Gateway;
use super::client::{Answer, Ask};

/// Every page that needs no name.
pub const PAGES: [&str; 4] = ["", "providers", "models", "configuration"];

/// A browser at a dashboard: keeps cookies, and sends forms as pages have them.
#[derive(Clone)]
pub struct Browser {
    address: SocketAddr,
    /// What its addresses begin with: `/admin/`, or `/`.
    base: String,
    cookies: Vec<(String, String)>,
    headers: Vec<(String, String)>,
}

impl Browser {
    pub fn at(address: SocketAddr, base: &str) -> Browser {
        Browser { address, base: base.to_owned(), cookies: Vec::new(), headers: Vec::new() }
    }

    pub fn of(gateway: &Gateway) -> Browser {
        Browser::at(gateway.address, "/admin/")
    }

    /// Sends this header with everything.
    pub fn with(mut self, name: &str, value: &str) -> Browser {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(other, _)| other == name).map(|(_, value)| value.as_str())
    }

    fn ask(&self, method: &str, path: &str) -> Ask {
        let cookies = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let ask = Ask::new(self.address, method, &format!("{}{path}", self.base)).header("accept", "text/html,*/*;q=0.8");
        let ask = if cookies.is_empty() { ask } else { ask.header("cookie", &cookies) };
        self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value))
    }

    fn keep(&mut self, answer: &Answer) {
        for value in answer.headers.get_all("set-cookie") {
            let (name, value) = value.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(other, _)| other != name);
            if !value.is_empty() {
                self.cookies.push((name.to_owned(), value.to_owned()));
            }
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        let answer = self.ask("GET", path).send().await;
        self.keep(&answer);
        answer
    }

    /// A form of the page `from`, sent to `path`.
    pub async fn submit(&mut self, from: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let page = self.get(from).await;
        let token = token(page.text());
        let fields: Vec<(&str, &str)> = fields.iter().copied().chain([("csrf", token.as_str())]).collect();
        self.post(path, &fields).await
    }

    /// A form with these fields and nothing else.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let origin = format!("http://{}", self.address);
        let ask = self.ask("POST", path).header("origin", &origin).header("sec-fetch-site", "same-origin");
        let answer = self.headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value));
        let answer = answer.body("application/x-www-form-urlencoded", body).send().await;
        self.keep(&answer);
        answer
    }

    pub async fn sign_in(&mut self, key: &str) -> Answer {
        self.submit("login", "login", &[("key", key)]).await
    }
}

/// What the page's forms carry.
pub fn token(page: &str) -> String {
    let (_, rest) = page.split_once("data-csrf=\"").expect("a token in the page");
    rest.split('"').next().unwrap().to_owned()
}

/// A provider of each kind of trouble, without sockets.
pub const MOCKS: &str = r#"
providers:
  - { name: a, type: mock, models: [m-a, shared], default_model: m-a }
  - { name: b, type: mock, models: [m-b, shared], priority: 2 }
  - { name: broken, type: mock, models: [m-broken], fail: { rate: 1.0, status: 500 } }
models:
  gpt-4: { routes: [{ provider: a, model: m-a }, { provider: b, model: m-b, priority: 2 }] }
"#;

/// The same with an admin key.
pub fn keyed() -> String {
    format!("{MOCKS}admin: {{ key: sk-admin }}\nauth: {{ keys: [sk-client] }}\n")
}
