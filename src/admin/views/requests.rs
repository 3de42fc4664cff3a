//! The requests that have ended: a page of them, the newest first.

use std::str::FromStr;
use std::time::SystemTime;

use askama::Template;
use axum::response::Response;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render};
use crate::admin::visit::Visit;
use crate::hub::Outcome;
use crate::storage::ledger::{By, Entry, Filter, Period, Scope};
use crate::usage::Ledger;

/// Rows of a page.
const PAGE: usize = 50;
/// Rows that a script may ask for at once.
const MOST: usize = 1000;
/// The word for everything that failed, beside those of outcomes.
const FAILED: &str = "failed";

/// `?model=…&provider=…&key=…&outcome=failed&since=24h&before=…&limit=…`; what is empty is not asked for.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(in crate::admin) struct Wish {
    pub model: String,
    pub provider: String,
    pub key: String,
    pub outcome: String,
    /// How far back, such as `24h`.
    pub since: String,
    /// Of the last row of the page before.
    #[serde(deserialize_with = "filled")]
    pub before: Option<i64>,
    #[serde(deserialize_with = "filled")]
    pub after: Option<i64>,
    #[serde(deserialize_with = "filled")]
    pub limit: Option<usize>,
}

/// A number, or nothing where nothing is written.
fn filled<'de, D: Deserializer<'de>, T: FromStr>(deserializer: D) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    let number = (!text.is_empty()).then(|| text.parse::<T>()).transpose();
    number.map_err(|_| D::Error::custom(format!("`{text}` is no whole number; `before`, `after` and `limit` are")))
}

/// `GET api/requests`
#[derive(Serialize)]
struct Requests {
    requests: Vec<Entry>,
    /// `before` of the next page, if there may be one.
    next: Option<i64>,
}

/// What one may choose from.
#[derive(Default)]
struct Choices {
    models: Vec<String>,
    providers: Vec<String>,
    keys: Vec<String>,
}

#[derive(Template)]
#[template(path = "requests.html")]
struct RequestsPage {
    s: Shell,
    wish: Wish,
    choices: Choices,
    requests: Vec<Entry>,
    /// Where the next page is, from the root.
    older: Option<String>,
    /// This is not the first page.
    is_later: bool,
    is_filtered: bool,
    trouble: Option<String>,
}

impl Wish {
    /// As the ledger is asked.
    pub(in crate::admin) fn scope(&self) -> Result<Scope, Error> {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let age = some(&self.since).map(|since| humantime::parse_duration(&since));
        let age = age.transpose().map_err(|_| Error::invalid("`since` is an age such as 30m, 24h or 7d", "since"))?;
        let since = age.map(|age| SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH));
        Ok(Scope {
            period: Period { since, until: None },
            model: some(&self.model),
            provider: some(&self.provider),
            caller: some(&self.key),
        })
    }

    fn filter(&self, limit: usize) -> Result<Filter, Error> {
        let outcome = match self.outcome.as_str() {
            "" | FAILED => None,
            word => Some(Outcome::of_word(word).ok_or_else(|| Error::invalid("there is no such outcome", "outcome"))?),
        };
        let only_failed = self.outcome == FAILED;
        Ok(Filter { scope: self.scope()?, outcome, only_failed, before: self.before, after: self.after, limit })
    }

    /// The same as a query, but for the page.
    fn query(&self) -> String {
        let pairs =
            [("model", &self.model), ("provider", &self.provider), ("key", &self.key), ("outcome", &self.outcome), ("since", &self.since)];
        let pairs = pairs.into_iter().filter(|(_, value)| !value.is_empty());
        url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
    }
}

/// The ledger, or why there is none, in words.
pub(in crate::admin) fn ledger(visit: &Visit) -> Result<Ledger, String> {
    visit.engine().ledger().ok_or_else(|| visit.language.texts().no_ledger.to_owned())
}

async fn read(visit: &Visit, wish: &Wish, limit: usize) -> Result<Result<Requests, String>, Error> {
    let filter = wish.filter(limit)?;
    let ledger = match ledger(visit) {
        Ok(ledger) => ledger,
        Err(trouble) => return Ok(Err(trouble)),
    };
    let requests = ledger.entries(filter).await.map_err(|error| error.to_string());
    Ok(requests.map(|requests| Requests { next: requests.last().filter(|_| requests.len() == limit).map(|last| last.at), requests }))
}

/// `GET requests`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let wish: Wish = visit.query()?;
    // Whoever knows an id wants that request.
    if let Some(id) = visit.asked("id").filter(|id| !id.trim().is_empty()) {
        return page::go_to(visit, &format!("requests/{}", page::encoded(id.trim())));
    }
    let (read, choices) = tokio::join!(read(visit, &wish, PAGE), choices(visit));
    let (requests, next, trouble) = match read? {
        Ok(Requests { requests, next }) => (requests, next, None),
        Err(trouble) => (Vec::new(), None, Some(trouble)),
    };
    let query = wish.query();
    let joint = if query.is_empty() { "" } else { "&" };
    render(&RequestsPage {
        s: Shell::new(visit, Section::Requests),
        older: next.map(|next| format!("requests?{query}{joint}before={next}")),
        is_later: wish.before.is_some(),
        is_filtered: !query.is_empty(),
        wish,
        choices,
        requests,
        trouble,
    })
}

/// `GET api/requests`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    let wish: Wish = visit.query()?;
    let limit = wish.limit.unwrap_or(PAGE).clamp(1, MOST);
    page::json(&read(visit, &wish, limit).await?.map_err(Error::Unreadable)?)
}

async fn choices(visit: &Visit) -> Choices {
    let Ok(ledger) = ledger(visit) else { return Choices::default() };
    let (models, providers, keys) = tokio::join!(ledger.names(By::Model), ledger.names(By::Provider), ledger.names(By::Key));
    let named = |names: Result<Vec<String>, _>| names.unwrap_or_default().into_iter().filter(|name| !name.is_empty()).collect();
    Choices { models: named(models), providers: named(providers), keys: named(keys) }
}

impl Shell {
    /// How far back one may choose to look.
    pub(in crate::admin) fn ages(&self) -> [&'static str; 4] {
        ["15m", "1h", "24h", "7d"]
    }

    /// Outcomes to choose from.
    pub(in crate::admin) fn outcomes(&self) -> Vec<Outcome> {
        Outcome::ALL.into_iter().filter(|outcome| *outcome != Outcome::Abandoned).collect()
    }

    pub(in crate::admin) fn outcome(&self, outcome: &Outcome) -> &'static str {
        self.t.of_outcome(*outcome)
    }

    pub(in crate::admin) fn outcome_tone(&self, outcome: &Outcome) -> &'static str {
        match outcome {
            Outcome::Ok => "ok",
            Outcome::BadRequest | Outcome::Denied | Outcome::GivenBack => "warn",
            Outcome::ClientGone | Outcome::Abandoned => "",
            _ => "bad",
        }
    }

    /// `1,204 → 88`, and `~` where that was not reported.
    pub(in crate::admin) fn tokens(&self, usage: &Option<(crate::hub::Usage, crate::hub::Provenance)>) -> String {
        use crate::admin::format::{NOTHING, short};
        let Some((usage, provenance)) = usage else { return NOTHING.to_owned() };
        let about = if *provenance == crate::hub::Provenance::Reported { "" } else { "~" };
        format!("{about}{} → {about}{}", short(usage.input), short(usage.output))
    }

    pub(in crate::admin) fn cost(&self, cost: &Option<crate::telemetry::record::Cost>) -> String {
        use crate::admin::format::{NOTHING, usd};
        cost.as_ref().map_or_else(|| NOTHING.to_owned(), |cost| usd(cost.usd))
    }
}
