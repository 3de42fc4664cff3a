//! What a row has as JSON: the way a request could have gone.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::telemetry::Record;
use crate::telemetry::record::{Route, Skip};

/// What the name was found to be, whom to ask, and who was passed over.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Way {
    #[serde(default)]
    resolved_by: String,
    /// Public name, provider, the upstream's name of the model.
    #[serde(default)]
    plan: Vec<[Arc<str>; 3]>,
    /// The same, and why.
    #[serde(default)]
    skipped: Vec<([Arc<str>; 3], String)>,
}

impl Way {
    pub(super) fn of(record: &Record) -> Way {
        Way {
            resolved_by: record.resolved_by.clone(),
            plan: record.plan.iter().map(words).collect(),
            skipped: record.skipped.iter().map(|skip| (words(&skip.route), skip.reason.clone())).collect(),
        }
    }

    pub(super) fn to_json(&self) -> String {
        // It is all strings.
        serde_json::to_string(self).unwrap_or_default()
    }

    pub(super) fn read(json: &str) -> Way {
        serde_json::from_str(json).unwrap_or_default()
    }

    pub(super) fn give_to(self, record: &mut Record) {
        record.resolved_by = self.resolved_by;
        record.plan = self.plan.into_iter().map(route).collect();
        let skipped = self.skipped.into_iter();
        record.skipped = skipped.map(|(words, reason)| Skip { route: route(words), reason, at: Duration::ZERO }).collect();
    }
}

fn words(route: &Route) -> [Arc<str>; 3] {
    [route.via.clone(), route.provider.clone(), route.upstream_model.clone()]
}

fn route([via, provider, upstream_model]: [Arc<str>; 3]) -> Route {
    Route { via, provider, upstream_model }
}
