//! What was used of late, for whoever watches: in the last minute, in the last hour and today.

use axum::response::Response;

use crate::admin::error::Error;
use crate::admin::page;
use crate::admin::views::requests::ledger;
use crate::admin::visit::Visit;

/// `GET api/recent`
pub(in crate::admin) async fn json(visit: &Visit) -> Result<Response, Error> {
    let ledger = ledger(visit).map_err(Error::Unreadable)?;
    let recent = ledger.recent().await.map_err(|error| Error::Unreadable(error.to_string()))?;
    page::json(&recent)
}
