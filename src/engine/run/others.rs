//! `fallback_on`: names that are asked instead, after an error that another model may do better.

use super::{Walk, find};
use crate::engine::answer::{Answered, Failed};
use crate::engine::attempt::Tried;
use crate::engine::hedge::Ended;
use crate::engine::meter::Meter;
use crate::hub::Topic;
use crate::routing::Candidate;

impl Tried {
    /// What its error is about, if another model may do better.
    pub(super) fn topic(&self) -> Option<Topic> {
        match self {
            Tried::Answered(answered) => answered.topic,
            Tried::Failed(failed) => failed.topic,
            Tried::Wrong(_) | Tried::Unsaid(_) => None,
        }
    }
}

impl Walk<'_> {
    /// Puts the routes of the names that `candidate`'s name leads to on `topic` in the place of what is ahead; `false`:
    /// there are none, or they were followed already.
    pub(super) async fn turn_to_others(&mut self, topic: Topic, candidate: &Candidate) -> bool {
        let models = &self.snapshot.config.models;
        let names =
            models.iter().find(|model| *model.name == *candidate.via).map(|model| model.fallback_on.names(topic)).unwrap_or_default();
        if names.is_empty() || !self.followed.insert(candidate.via.clone()) {
            return false;
        }
        let mut routes = Vec::new();
        for name in names {
            if let Ok(plan) = find(self.engine, self.snapshot, name).await {
                routes.extend(plan.candidates);
                self.skipped.extend(plan.skipped);
            }
        }
        if routes.is_empty() {
            return false;
        }
        self.ahead = routes.into();
        self.again.clear();
        true
    }

    /// Notes the attempt that is not the last word. It is nobody's fault.
    pub(super) fn turned(&mut self, ended: Ended, meter: &mut Meter) {
        let failed = match ended.tried {
            Tried::Failed(failed) => failed,
            Tried::Answered(Answered { status, .. }) => Failed { status: Some(status), ..Failed::new("another model may do better", None) },
            Tried::Wrong(_) | Tried::Unsaid(_) => return,
        };
        let failed = Failed { failure: None, in_passing: false, ..failed };
        self.failed((ended.trial, ended.candidate, ended.permit), failed, ended.begun.elapsed(), meter);
    }
}
