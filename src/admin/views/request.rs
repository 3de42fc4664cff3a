//! One request: which way it went, how each attempt ended, what it cost.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use serde::Serialize;

use crate::admin::error::Error;
use crate::admin::page::{self, Section, Shell, render};
use crate::admin::picture::flow::Flow;
use crate::admin::picture::waterfall::{Lane, lanes};
use crate::admin::views::requests::ledger;
use crate::admin::visit::Visit;
use crate::engine;
use crate::storage::ledger::Entry;
use crate::telemetry::Record;

/// So many requests of one id, or of one that begins so, are looked for.
const SAME: usize = 20;

/// `GET api/requests/{id}`
#[derive(Serialize)]
struct Found {
    #[serde(flatten)]
    entry: Entry,
    /// Others that had this id before.
    earlier: Vec<Entry>,
}

#[derive(Template)]
#[template(path = "request.html")]
struct RequestPage<'a> {
    s: Shell,
    record: &'a Record,
    flow: Flow,
    lanes: Vec<Lane>,
    /// Of the time that `lanes` show.
    end: Duration,
    earlier: &'a [Entry],
}

/// Several requests begin so.
#[derive(Template)]
#[template(path = "found.html")]
struct FoundPage {
    s: Shell,
    id: String,
    requests: Vec<Entry>,
}

/// `GET requests/{id}`
pub(in crate::admin) async fn page(visit: &Visit) -> Result<Response, Error> {
    let found = find(visit).await?;
    let (requests, id) = (found, &visit.rest);
    let s = Shell::new(visit, Section::Requests);
    let is_one = requests.len() == 1 || *requests[0].record.id == **id;
    if !is_one {
        return render(&FoundPage { s, id: id.clone(), requests });
    }
    let (entry, others) = (&requests[0], &requests[1..]);
    let earlier: Vec<Entry> = others.iter().filter(|other| other.record.id == entry.record.id).cloned().collect();
    let record = &entry.record;
    render(&RequestPage { flow: Flow::of(record, &s), lanes: lanes(record, s.t), end: record.over(), s, record, earlier: &earlier })
}

/// `GET api/requests/{id}`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    let mut found = find(visit).await?;
    let entry = found.remove(0);
    let earlier = found.into_iter().filter(|other| other.record.id == entry.record.id).collect();
    page::json(&Found { entry, earlier })
}

/// At least one.
async fn find(visit: &Visit) -> Result<Vec<Entry>, Error> {
    let ledger = ledger(visit).map_err(Error::Unreadable)?;
    let found = ledger.find(visit.rest.clone(), SAME).await.map_err(|error| Error::Unreadable(error.to_string()))?;
    if found.is_empty() {
        let missing = format!("no request `{}` is recorded; `storage.keep` says how long they are", visit.rest);
        return Err(Error::Engine(engine::Error::NotFound(missing)));
    }
    Ok(found)
}

impl RequestPage<'_> {
    fn dialect(&self) -> &'static str {
        self.record.dialect.map(crate::hub::Kind::word).unwrap_or_default()
    }
}
