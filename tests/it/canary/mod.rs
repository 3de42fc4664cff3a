//! Canaries: a key of its own in every place where a secret may stand, every way on which something is shown, and none of
//! the keys to be found there.
//!
//! `places.rs` is where secrets stand, `echo.rs` how an upstream repeats them, `serving.rs`, `commands.rs` and
//! `configs.rs` are the ways; `types.rs` is what `{:?}` prints; `isolation.rs` and `elsewhere.rs` are about who is
//! connected to, and with what.
//!
//! Known limits, on purpose not in the tables: keys that an upstream repeats as base64 of more than the key itself,
//! reversed, or in pieces; keys of fewer than six characters.

mod commands;
mod configs;
mod echo;
mod elsewhere;
mod isolation;
mod places;
mod serving;
mod types;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use crate::cli::process::{Home, Running};
use crate::server::soon;
use crate::server::upstream::{Request, Upstream};

use places::{Canary, Place};

/// A gateway that runs as its own process, and the upstream behind all of its providers.
pub struct Stage {
    pub upstream: Upstream,
    pub home: Home,
    /// What reached the upstream.
    pub received: Arc<Mutex<Vec<Request>>>,
}

impl Stage {
    /// Its configuration is written; nothing runs yet but the upstream.
    pub async fn set(log_format: &str) -> Stage {
        let received: Arc<Mutex<Vec<Request>>> = Arc::default();
        let record = received.clone();
        let upstream = Upstream::start(move |request| {
            record.lock().expect("no panic").push(request.clone());
            echo::answer(request)
        })
        .await;
        let home = Home::new();
        home.write("llmgw.yaml", places::config(upstream.address, log_format).to_string());
        home.write("key.txt", format!("{}\n", places::IN_FILE.value));
        Stage { upstream, home, received }
    }

    /// The gateway, at its most talkative.
    pub fn serve(&self) -> (Running, SocketAddr) {
        let line = self.home.llmgw(&["serve", "--port", "0", "--log-level", "trace", "--no-watch"]);
        let running = line.env("CNRY_API_KEY", places::IN_VARIABLE.value).starts();
        let said = running.out.holds("\n");
        let address = said.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        (running, address.unwrap_or_else(|| panic!("no address in {said}")))
    }

    /// Whether what stands in `place` really went to the upstream.
    pub fn was_sent(&self, place: &Place) -> bool {
        let received = self.received.lock().expect("no panic");
        received.iter().any(|request| readings(&echo::in_full(request)).iter().any(|text| text.contains(place.canary.value)))
    }
}

/// What was found where it must not be; all of it is told at once.
#[derive(Default)]
pub struct Findings(Vec<String>);

impl Findings {
    /// Notes those of `canaries` that can be read in `shown`.
    pub fn check<'a>(&mut self, what: &str, shown: &str, canaries: impl IntoIterator<Item = &'a Canary>) {
        let readings = readings(shown);
        for canary in canaries {
            if let Some(around) = readings.iter().find_map(|text| canary.find_in(text)) {
                self.0.push(format!("{what} shows the {}: …{around}…", canary.name));
            }
        }
    }

    #[track_caller]
    pub fn are_none(&self) {
        assert!(self.0.is_empty(), "{} leaks:\n{}", self.0.len(), self.0.join("\n"));
    }
}

/// `text` as it is, and as it reads without the escapes of JSON (of JSON in JSON, too) or of URLs.
pub fn readings(text: &str) -> Vec<String> {
    let once = unescaped(text);
    let twice = unescaped(&once);
    let decoded = percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    vec![text.to_owned(), once, twice, decoded]
}

fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('\\') {
        plain.push_str(&rest[..at]);
        let escape = &rest[at + 1..];
        let code = escape.strip_prefix('u').and_then(|digits| u32::from_str_radix(digits.get(..4)?, 16).ok()).and_then(char::from_u32);
        let length = match (code, escape.chars().next()) {
            (Some(letter), _) => {
                plain.push(letter);
                5
            }
            (None, Some(letter)) => {
                plain.push(letter);
                letter.len_utf8()
            }
            (None, None) => 0,
        };
        rest = &escape[length..];
    }
    plain + rest
}

/// A whole answer as it came, and once more without the framing of its chunks.
pub async fn raw(ask: &crate::server::client::Ask) -> String {
    let raw = soon("the end of an answer", async { ask.clone().header("connection", "close").open().await.closed().await }).await;
    let Some((head, body)) = raw.split_once("\r\n\r\n") else { return raw };
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let Some(piece) = usize::from_str_radix(size, 16).ok().and_then(|size| after.get(..size)) else { break };
        whole.push_str(piece);
        rest = after.get(piece.len() + 2..).unwrap_or_default();
    }
    format!("{head}\r\n\r\n{body}\n{whole}")
}

#[test]
fn what_is_read_for_canaries_is_read_in_every_form() {
    let canary = &places::LOGIN_PASSWORD;
    let json = serde_json::to_string(canary.value).unwrap();
    for shown in [canary.value.to_owned(), json.clone(), serde_json::to_string(&json).unwrap(), json.replace('p', "\\u0070")] {
        assert!(readings(&shown).iter().any(|text| canary.find_in(text).is_some()), "{shown}");
    }
    assert!(readings(&canary.value.replace('"', "%22")).iter().any(|text| canary.find_in(text).is_some()));
    let masked = llmgw::config::Secret::new(canary.value).to_string();
    assert!(readings(&masked).iter().all(|text| canary.find_in(text).is_none()), "{masked}");
}
